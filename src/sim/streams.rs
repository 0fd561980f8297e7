//! Connections between phones and the engine: nothing is lost or overtaken, until one is cut.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::id::Entropy;
use crate::time::{Deadlines, Time};

use super::network::{Conditions, Datagram, Network};

/// Far ends of connections that phones open.
const FIRST_PORT: u16 = 40_000;

/// Every connection, and what is on its way over them.
#[derive(Debug)]
pub struct Streams {
    network: Network,
    /// Whose connection has this far end.
    open: BTreeMap<SocketAddr, usize>,
    /// Each person's newest.
    newest: BTreeMap<usize, SocketAddr>,
    next_port: u16,
    /// How many the engine has opened.
    opened: u64,
    /// Far ends whose end the engine will be told of.
    ended: Deadlines<SocketAddr>,
}

impl Streams {
    /// No connection.
    pub fn new(entropy: Entropy) -> Streams {
        Streams {
            network: Network::new(Conditions::default(), entropy),
            open: BTreeMap::new(),
            newest: BTreeMap::new(),
            next_port: FIRST_PORT,
            opened: 0,
            ended: Deadlines::new(),
        }
    }

    /// A person's phone at `ip` sends to the engine at `to`: over its connection, or a new one.
    pub fn send(&mut self, now: Time, person: usize, ip: IpAddr, mut datagram: Datagram) {
        let far_end = *self.newest.entry(person).or_insert_with(|| {
            self.next_port += 1;
            SocketAddr::new(ip, self.next_port)
        });
        self.open.insert(far_end, person);
        datagram.from = far_end;
        self.network.send(now, datagram);
    }

    /// The engine sends over the connection with this far end, or opens one to whoever listens
    /// there. Where nobody does the engine is told.
    pub fn answer(&mut self, now: Time, datagram: Datagram, listens: Option<usize>) {
        if let (false, Some(person)) = (self.open.contains_key(&datagram.to), listens) {
            self.opened += 1;
            self.open.insert(datagram.to, person);
            self.newest.insert(person, datagram.to);
        }
        if self.open.contains_key(&datagram.to) {
            self.network.send(now, datagram);
        } else {
            self.ended.set(datagram.to, now + Conditions::default().latency);
        }
    }

    /// How many connections the engine has opened.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Cuts a person's connection; whether there was one. What is under way over it is lost.
    pub fn cut(&mut self, now: Time, person: usize) -> bool {
        let Some(far_end) = self.newest.remove(&person) else { return false };
        self.open.remove(&far_end);
        self.ended.set(far_end, now + Conditions::default().latency);
        true
    }

    /// The engine's process has died, and every connection with it.
    pub fn forget(&mut self) {
        self.open.clear();
        self.newest.clear();
        self.ended = Deadlines::new();
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Time> {
        self.network.next().into_iter().chain(self.ended.next()).min()
    }

    /// The next message that has arrived, and for whom it is; none for the engine.
    pub fn arrived(&mut self, now: Time) -> Option<(Datagram, Option<usize>)> {
        loop {
            let datagram = self.network.arrived(now)?;
            if let Some(person) = self.open.get(&datagram.to) {
                return Some((datagram, Some(*person)));
            }
            if self.open.contains_key(&datagram.from) {
                return Some((datagram, None));
            }
        }
    }

    /// The next far end whose connection has ended.
    pub fn ended(&mut self, now: Time) -> Option<SocketAddr> {
        self.ended.pop_due(now).map(|(_, far_end)| far_end)
    }
}
