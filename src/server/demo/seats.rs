//! Where the demo's people sit: two sockets each, one loop for all.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::server::clock::Clock;
use crate::sim::person::Person;
use crate::sim::phone::Line;
use crate::time::{Deadlines, Time};

use super::people::Population;

/// Wakes the loop for a stop.
pub(super) const WAKE: Token = Token(usize::MAX);
/// How long hanging up and unregistering may take at a stop.
const FAREWELL: Duration = Duration::from_millis(800);
/// The loop looks up at least this often.
const IDLE: Duration = Duration::from_millis(500);
/// A phone hears nothing larger.
const DATAGRAM: usize = 4_096;

/// One person's place.
struct Seat {
    person: Person,
    signalling: UdpSocket,
    voice: UdpSocket,
}

/// A pair of sockets for a phone that is about to be made.
pub(super) struct Sockets {
    signalling: UdpSocket,
    voice: UdpSocket,
    /// The address of the first.
    pub(super) signalling_at: SocketAddr,
    /// The address of the second.
    pub(super) voice_at: SocketAddr,
}

/// Opens two sockets on loopback.
pub(super) fn sockets() -> io::Result<Sockets> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (signalling, voice) = (UdpSocket::bind(loopback)?, UdpSocket::bind(loopback)?);
    let (signalling_at, voice_at) = (signalling.local_addr()?, voice.local_addr()?);
    Ok(Sockets { signalling, voice, signalling_at, voice_at })
}

/// Everybody's place, and the loop that drives them.
pub(super) struct Seats {
    poll: Poll,
    clock: Clock,
    seats: BTreeMap<usize, Seat>,
    deadlines: Deadlines<usize>,
    next: usize,
}

impl Seats {
    pub(super) fn new(poll: Poll) -> Self {
        Seats {
            poll,
            clock: Clock::start(),
            seats: BTreeMap::new(),
            deadlines: Deadlines::new(),
            next: 0,
        }
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Seats a person.
    pub(super) fn take(&mut self, person: Person, sockets: Sockets) -> io::Result<()> {
        let id = self.next;
        // Wraps long before it meets the token that wakes.
        self.next = (self.next + 1) % (usize::MAX / 4);
        let Sockets { mut signalling, mut voice, .. } = sockets;
        let registry = self.poll.registry();
        registry.register(&mut signalling, Token(id * 2), Interest::READABLE)?;
        registry.register(&mut voice, Token(id * 2 + 1), Interest::READABLE)?;
        self.seats.insert(id, Seat { person, signalling, voice });
        self.deadlines.set(id, self.clock.now());
        Ok(())
    }

    /// How many are seated.
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// Runs until told to stop, and then until everybody has said goodbye.
    pub(super) fn run(mut self, people: &mut Population, stop: &AtomicBool) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut stopped_at = None;
        loop {
            let now = self.clock.now();
            if stopped_at.is_none() && stop.load(Ordering::Acquire) {
                stopped_at = Some(now);
                self.dismiss(now);
            }
            let next = [self.deadlines.next(), stopped_at.is_none().then(|| people.next_at())]
                .into_iter()
                .flatten()
                .chain([now + IDLE])
                .chain(stopped_at.map(|at| at + FAREWELL))
                .min();
            let timeout = next.map_or(IDLE, |at| at.since(now));
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let ready: BTreeSet<usize> = events
                .iter()
                .map(|event| event.token())
                .filter(|t| *t != WAKE)
                .map(|t| t.0)
                .collect();
            for token in ready {
                self.read(token);
            }
            let now = self.clock.now();
            // Each once in a turn: however late it is, a stop must be noticed.
            let mut due = BTreeSet::new();
            while let Some((_, id)) = self.deadlines.pop_due(now) {
                due.insert(id);
            }
            for id in due {
                if let Some(seat) = self.seats.get_mut(&id) {
                    seat.person.handle_timeout(now);
                }
                self.settle(id);
            }
            if stopped_at.is_none() {
                people.arrive(now, &mut self)?;
            } else if stopped_at.is_some_and(|at| now.since(at) >= FAREWELL) || self.at_rest() {
                return Ok(());
            }
        }
    }

    fn read(&mut self, token: usize) {
        let id = token / 2;
        let mut buffer = [0; DATAGRAM];
        let now = self.clock.now();
        // Edge-triggered: read until empty. A phone's line is slow, so this ends soon.
        while let Some(seat) = self.seats.get_mut(&id) {
            let (line, socket) = match token % 2 {
                0 => (Line::Signalling, &seat.signalling),
                _ => (Line::Voice, &seat.voice),
            };
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    seat.person.handle_datagram(now, line, from, bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The answer to something that was sent to a port closed by now.
                Err(_) => {}
            }
        }
        self.settle(id);
    }

    /// Sends what a person wants sent, and asks when it must be called next.
    fn settle(&mut self, id: usize) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        while let Some(out) = seat.person.poll_transmit() {
            let socket = match out.line {
                Line::Signalling => &seat.signalling,
                Line::Voice => &seat.voice,
            };
            // Lost like any datagram on the way.
            let _ = socket.send_to(&out.bytes, out.to);
        }
        let gone = matches!(&seat.person, Person::Caller(caller) if caller.is_done()
            && caller.phone().load() == 0);
        match (gone, seat.person.poll_timeout()) {
            (false, Some(at)) => self.deadlines.set(id, at),
            (false, None) => {
                self.deadlines.cancel(&id);
            }
            (true, _) => {
                self.deadlines.cancel(&id);
                if let Some(mut seat) = self.seats.remove(&id) {
                    let registry = self.poll.registry();
                    let _ = registry.deregister(&mut seat.signalling);
                    let _ = registry.deregister(&mut seat.voice);
                }
            }
        }
    }

    /// Everybody hangs up, advisers unregister.
    fn dismiss(&mut self, now: Time) {
        let ids: Vec<usize> = self.seats.keys().copied().collect();
        for id in ids {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.person.leave(now);
            }
            self.settle(id);
        }
    }

    fn at_rest(&self) -> bool {
        self.seats.values().all(|seat| seat.person.has_left())
    }
}
