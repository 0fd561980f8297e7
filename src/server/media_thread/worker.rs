//! One media thread: waits for packets, commands and the next frame, whichever comes first.
//!
//! Sockets are watched level-triggered, and one packet is read from each that is ready. What is left in
//! it, or comes meanwhile, makes the next wait return at once, so that nothing can be overlooked, and a
//! flood at one port keeps no other waiting. Edge-triggered, every socket would have to be read until it
//! says that it is empty: a second system call for each packet.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, mpsc};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::ports::{Pair, PortPool, heard_from, sent_to};
use super::{Order, Published};
use crate::id::LegId;
use crate::media::command::OpenError;
use crate::media::{Command, DropReason, Event, Plane, Sink};
use crate::server::bell::Bell;
use crate::server::clock::Clock;

/// What a poll returns with for the bell; for a socket it is a [`Token`].
const BELL: Token = u64::MAX;
/// Sockets that are read before timers have their turn.
const SOCKETS_PER_TURN: usize = 256;
/// Longer than any packet that is relayed; the rest of a longer one is cut off and it is refused.
const MAX_DATAGRAM: usize = 2_048;

/// Names a socket in the poll.
type Token = u64;

/// A media thread.
pub(super) struct Worker<F> {
    plane: Plane,
    poll: Epoll,
    bell: Arc<Bell>,
    orders: mpsc::Receiver<Order>,
    sockets: Sockets,
    ports: Arc<PortPool>,
    advertise: IpAddr,
    published: Arc<Published>,
    on_event: F,
    clock: Clock,
    buffer: Box<[u8; MAX_DATAGRAM]>,
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
        let poll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let bell = Arc::new(Bell::new()?);
        poll.add(&*bell, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, BELL))?;
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
            buffer: Box::new([0; MAX_DATAGRAM]),
        })
    }

    /// Wakes the thread after an order was sent.
    pub(super) fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut ready = [EpollEvent::empty(); SOCKETS_PER_TURN];
        loop {
            let wait = self.until_timeout();
            let count = match self.poll.wait(&mut ready, wait) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let ready = ready.get(..count).unwrap_or_default();
            if ready.iter().any(|event| event.data() == BELL) {
                self.bell.heard();
            }
            if !self.carry_out_orders() {
                return Ok(());
            }
            for event in ready.iter().filter(|event| event.data() != BELL) {
                self.read(event.data());
            }
            self.plane.handle_timeout(self.clock.now(), &mut self.sockets);
            self.tell();
        }
    }

    /// How long nothing is due, rounded up: a poll that returned too early would be called again and
    /// again.
    fn until_timeout(&self) -> EpollTimeout {
        let Some(at) = self.plane.poll_timeout() else { return EpollTimeout::NONE };
        let wait_ms = at.since(self.clock.now()).as_micros().div_ceil(1_000);
        u16::try_from(wait_ms).unwrap_or(u16::MAX).into()
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
                    self.sockets.insert(leg, pair, &self.poll).map_err(|error| {
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

    /// Reads a packet from a socket.
    fn read(&mut self, token: Token) {
        let Some((leg, socket, is_rtp)) = self.sockets.of(token) else { return };
        // Whatever went wrong (its leg was just closed, a peer refused): the socket is ready again if
        // there is more.
        let Ok((len, from)) = socket.recv_from(&mut self.buffer[..]) else { return };
        let (now, from) = (self.clock.now(), heard_from(from));
        let packet = self.buffer.get(..len).unwrap_or_default();
        if is_rtp {
            self.plane.handle_rtp(now, leg, from, packet, &mut self.sockets);
        } else {
            self.plane.handle_rtcp(now, leg, from, packet);
        }
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
    fn insert(&mut self, leg: LegId, pair: Pair, poll: &Epoll) -> io::Result<()> {
        let place = self.free.last().copied().unwrap_or(self.pairs.len());
        let token = place as Token * 2;
        poll.add(&pair.rtp, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        poll.add(&pair.rtcp, EpollEvent::new(EpollFlags::EPOLLIN, token + 1))?;
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
        let (leg, pair) = self.pairs.get(usize::try_from(token / 2).ok()?)?.as_ref()?;
        let is_rtp = token.is_multiple_of(2);
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
