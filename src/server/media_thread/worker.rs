//! One media thread: waits for packets, commands and the next frame, whichever comes first.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, mpsc};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Registry, Token};

use super::ports::{Pair, PortPool, heard_from, sent_to};
use super::{Order, Published};
use crate::id::LegId;
use crate::media::command::OpenError;
use crate::media::{Command, DropReason, Event, Plane, Sink};
use crate::server::bell::Bell;
use crate::server::clock::Clock;

const BELL: Token = Token(usize::MAX);
/// Packets that are read from one socket before others have their turn.
const PACKETS_PER_TURN: usize = 16;
/// Longer than any packet that is relayed; the rest of a longer one is cut off and it is refused.
const MAX_DATAGRAM: usize = 2_048;

/// A media thread.
pub(super) struct Worker<F> {
    plane: Plane,
    poll: Poll,
    bell: Arc<Bell>,
    orders: mpsc::Receiver<Order>,
    sockets: Sockets,
    ports: Arc<PortPool>,
    advertise: IpAddr,
    published: Arc<Published>,
    on_event: F,
    clock: Clock,
    /// Sockets that had more to read than a turn allows.
    unfinished: Vec<Token>,
}

impl<F: Fn(Event)> Worker<F> {
    pub(super) fn new(
        plane: Plane,
        orders: mpsc::Receiver<Order>,
        ports: Arc<PortPool>,
        advertise: IpAddr,
        published: Arc<Published>,
        on_event: F,
        clock: Clock,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let bell = Arc::new(Bell::new(poll.registry(), BELL)?);
        let sockets = Sockets { serve_both: ports.serves_both(), ..Sockets::default() };
        Ok(Worker {
            plane,
            poll,
            bell,
            orders,
            sockets,
            ports,
            advertise,
            published,
            on_event,
            clock,
            unfinished: Vec::with_capacity(64),
        })
    }

    /// Wakes the thread after an order was sent.
    pub(super) fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut ready = Vec::with_capacity(256);
        loop {
            let now = self.clock.now();
            let wait = match self.plane.poll_timeout() {
                _ if !self.unfinished.is_empty() => Some(std::time::Duration::ZERO),
                Some(at) => Some(at.since(now)),
                None => None,
            };
            match self.poll.poll(&mut events, wait) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            ready.clear();
            ready.append(&mut self.unfinished);
            let again = ready.len();
            for event in &events {
                match event.token() {
                    BELL => self.bell.heard(),
                    token if ready[..again].contains(&token) => {}
                    token => ready.push(token),
                }
            }
            if !self.carry_out_orders() {
                return Ok(());
            }
            for token in &ready {
                self.read(*token);
            }
            self.plane.handle_timeout(self.clock.now(), &mut self.sockets);
            self.tell();
        }
    }

    /// `false` if one of the orders was to stop.
    fn carry_out_orders(&mut self) -> bool {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Command(command) => self.carry_out(command),
                Order::Bank(bank) => self.plane.set_bank(bank),
                Order::Tap(id, writer) => drop(self.plane.provide_tap(id, writer)),
                Order::Stop => {
                    for leg in self.sockets.legs() {
                        self.carry_out(Command::Close { leg });
                    }
                    self.tell();
                    return false;
                }
            }
        }
        true
    }

    fn carry_out(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Open { leg, .. } if !self.plane.is_open(leg) => {
                let opened = self.ports.open().and_then(|pair| {
                    let port = pair.port;
                    self.sockets.insert(leg, pair, self.poll.registry()).map_err(|error| {
                        tracing::warn!(%error, "no poll for RTP");
                        self.ports.give_back(port);
                        OpenError::Refused
                    })?;
                    Ok(SocketAddr::new(self.advertise, port))
                });
                match opened {
                    Ok(local) => self.plane.open(now, leg, local),
                    Err(error) => (self.on_event)(Event::OpenFailed { leg, error }),
                }
            }
            Command::Close { leg } => {
                self.plane.handle_command(now, command, &mut self.sockets);
                if let Some(port) = self.sockets.remove(leg) {
                    self.ports.give_back(port);
                }
            }
            command => self.plane.handle_command(now, command, &mut self.sockets),
        }
    }

    /// Reads what waits in a socket, up to a turn's worth.
    fn read(&mut self, token: Token) {
        let mut buffer = [0; MAX_DATAGRAM];
        for _ in 0..PACKETS_PER_TURN {
            let Some((leg, socket, is_rtp)) = self.sockets.of(token) else { return };
            let (len, from) = match socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // A peer's ICMP refusal, or an interruption: read on.
                Err(_) => continue,
            };
            let (now, from) = (self.clock.now(), heard_from(from));
            let packet = buffer.get(..len).unwrap_or_default();
            if is_rtp {
                self.plane.handle_rtp(now, leg, from, packet, &mut self.sockets);
            } else {
                self.plane.handle_rtcp(now, leg, from, packet);
            }
        }
        self.unfinished.push(token);
    }

    /// Passes events on and publishes the counters.
    fn tell(&mut self) {
        while let Some(event) = self.plane.poll_event() {
            (self.on_event)(event);
        }
        let mut counters = *self.plane.counters();
        counters.dropped[DropReason::SendFailed as usize] += self.sockets.failed;
        self.published.store(&counters);
    }
}

/// The sockets of a thread's legs. A leg's place gives its tokens: even for RTP, odd for RTCP.
#[derive(Default)]
struct Sockets {
    places: BTreeMap<LegId, usize>,
    pairs: Vec<Option<(LegId, Pair)>>,
    /// Places that are none's.
    free: Vec<usize>,
    /// Whether they serve IPv4 and IPv6.
    serve_both: bool,
    failed: u64,
}

impl Sockets {
    fn insert(&mut self, leg: LegId, mut pair: Pair, registry: &Registry) -> io::Result<()> {
        let place = self.free.last().copied().unwrap_or(self.pairs.len());
        registry.register(&mut pair.rtp, Token(place * 2), Interest::READABLE)?;
        registry.register(&mut pair.rtcp, Token(place * 2 + 1), Interest::READABLE)?;
        self.free.pop();
        match self.pairs.get_mut(place) {
            Some(free) => *free = Some((leg, pair)),
            None => self.pairs.push(Some((leg, pair))),
        }
        self.places.insert(leg, place);
        Ok(())
    }

    /// Closes a leg's sockets; its RTP port.
    fn remove(&mut self, leg: LegId) -> Option<u16> {
        let place = self.places.remove(&leg)?;
        let (_, pair) = self.pairs.get_mut(place)?.take()?;
        self.free.push(place);
        // Closing a socket ends its registration: to say so first would be two system calls more.
        Some(pair.port)
    }

    fn legs(&self) -> Vec<LegId> {
        self.places.keys().copied().collect()
    }

    fn of(&self, token: Token) -> Option<(LegId, &UdpSocket, bool)> {
        let (leg, pair) = self.pairs.get(token.0 / 2)?.as_ref()?;
        let is_rtp = token.0.is_multiple_of(2);
        Some((*leg, if is_rtp { &pair.rtp } else { &pair.rtcp }, is_rtp))
    }

    fn pair(&self, leg: LegId) -> Option<&Pair> {
        let place = self.places.get(&leg)?;
        self.pairs.get(*place)?.as_ref().map(|(_, pair)| pair)
    }

    fn towards(&self, to: SocketAddr) -> SocketAddr {
        if self.serve_both { sent_to(to) } else { to }
    }

    /// A full send buffer or an unreachable peer loses the packet, as the network might.
    fn count(&mut self, sent: Option<io::Result<usize>>) {
        if !matches!(sent, Some(Ok(_))) {
            self.failed += 1;
        }
    }
}

impl Sink for Sockets {
    fn send_rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        let sent = self.pair(leg).map(|pair| pair.rtp.send_to(packet, self.towards(to)));
        self.count(sent);
    }

    fn send_rtcp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        let sent = self.pair(leg).map(|pair| pair.rtcp.send_to(packet, self.towards(to)));
        self.count(sent);
    }
}
