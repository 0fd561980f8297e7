//! A network between sockets that exist only here: it delays, loses, doubles and reorders.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::id::Entropy;
use crate::time::Time;

/// How well datagrams travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// The shortest time on the way.
    pub latency: Duration,
    /// Up to so much more, drawn evenly: reorders what follows closer than this.
    pub jitter: Duration,
    /// How many of a thousand are lost.
    pub lost_per_mille: u32,
    /// How many of a thousand arrive twice.
    pub doubled_per_mille: u32,
}

impl Default for Conditions {
    /// One millisecond, nothing lost, doubled or reordered.
    fn default() -> Self {
        Conditions {
            latency: Duration::from_millis(1),
            jitter: Duration::ZERO,
            lost_per_mille: 0,
            doubled_per_mille: 0,
        }
    }
}

/// A datagram on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// Whose socket sent it.
    pub from: SocketAddr,
    /// Whose socket it is for.
    pub to: SocketAddr,
    /// What it says.
    pub bytes: Bytes,
}

/// Everything on its way, in the order of arrival.
#[derive(Debug)]
pub struct Network {
    conditions: Conditions,
    entropy: Entropy,
    under_way: BTreeMap<(Time, u64), Datagram>,
    sent: u64,
    lost: u64,
}

impl Network {
    /// A network without traffic.
    pub fn new(conditions: Conditions, entropy: Entropy) -> Self {
        Network { conditions, entropy, under_way: BTreeMap::new(), sent: 0, lost: 0 }
    }

    /// From now on datagrams travel like this.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Sends a datagram.
    pub fn send(&mut self, now: Time, datagram: Datagram) {
        let Conditions { doubled_per_mille, lost_per_mille, .. } = self.conditions;
        let copies = 1 + u32::from(self.entropy.below(1_000) < doubled_per_mille);
        for _ in 0..copies {
            self.sent += 1;
            if self.entropy.below(1_000) < lost_per_mille {
                self.lost += 1;
                continue;
            }
            let jitter_us = u32::try_from(self.conditions.jitter.as_micros()).unwrap_or(u32::MAX);
            let late_us = if jitter_us == 0 { 0 } else { self.entropy.below(jitter_us) };
            let at = now + self.conditions.latency + Duration::from_micros(late_us.into());
            self.under_way.insert((at, self.sent), datagram.clone());
        }
    }

    /// When the next datagram arrives.
    pub fn next(&self) -> Option<Time> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    /// The next datagram that has arrived by `now`.
    pub fn arrived(&mut self, now: Time) -> Option<Datagram> {
        let entry = self.under_way.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// How many were sent, and how many of them were lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent, self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_arrives_once_in_order_unless_the_network_is_bad() {
        let at = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let run = |conditions| {
            let mut network = Network::new(conditions, Entropy::from_seed([2; 32]));
            for number in 0..1_000_u32 {
                let bytes = Bytes::copy_from_slice(&number.to_be_bytes());
                let now = Time::from_millis(number.into());
                network.send(now, Datagram { from: at(1), to: at(2), bytes });
            }
            let mut heard = Vec::new();
            while let Some(datagram) = network.arrived(Time::from_millis(10_000)) {
                heard.push(datagram.bytes);
            }
            heard
        };
        let good = run(Conditions::default());
        assert!(good.len() == 1_000 && good.is_sorted());
        let bad = Conditions {
            jitter: Duration::from_millis(30),
            lost_per_mille: 200,
            doubled_per_mille: 50,
            ..Conditions::default()
        };
        let heard = run(bad);
        assert!((760..920).contains(&heard.len()) && !heard.is_sorted(), "{}", heard.len());
        assert_eq!(heard, run(bad));
    }
}
