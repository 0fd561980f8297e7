//! How long what a peer says is secret.
//!
//! A key is told when its press begins, so that what it completes may end the secrecy while the tone
//! still sounds and its last packets are still to come: those are kept from everybody as well.

use std::time::Duration;

use crate::time::Time;

/// How long secrecy outlasts its end: the rest of a press, and its end told three times (RFC 4733
/// section 2.5.1.4).
const LINGERS: Duration = Duration::from_millis(300);

/// The secrecy of one leg's peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Secrecy {
    on: bool,
    until: Option<Time>,
}

impl Secrecy {
    /// From now on, or no longer.
    pub fn set(&mut self, now: Time, on: bool) {
        self.until = (self.on && !on).then(|| now + LINGERS).or(self.until.filter(|_| !on));
        self.on = on;
    }

    /// Whether keys that are pressed now are secret.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Whether keys must be listened for in the voice: it is secret, or was a moment ago.
    pub fn listens(&self) -> bool {
        self.on || self.until.is_some()
    }

    /// Whether what comes now is kept from others. A key that is still held prolongs it.
    pub fn covers(&mut self, now: Time, key_is_held: bool) -> bool {
        if self.on {
            return true;
        }
        let Some(until) = self.until else { return false };
        if key_is_held {
            self.until = Some(until.max(now + LINGERS));
        } else if now >= until {
            self.until = None;
        }
        self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn it_outlasts_its_end_and_a_key_that_is_held() {
        let mut secrecy = Secrecy::default();
        secrecy.set(at(0), false);
        assert!(!secrecy.covers(at(0), true), "it never began");
        secrecy.set(at(0), true);
        assert!(secrecy.is_on() && secrecy.covers(at(60_000), false));
        secrecy.set(at(60_000), false);
        assert!(!secrecy.is_on() && secrecy.listens());
        assert!(secrecy.covers(at(60_299), true));
        assert!(secrecy.covers(at(60_500), true), "the key is still held");
        assert!(secrecy.covers(at(60_700), false));
        assert!(!secrecy.covers(at(60_800), false) && !secrecy.listens());
        assert!(!secrecy.covers(at(60_801), true), "another key");
    }

    #[test]
    fn beginning_again_ends_the_lingering() {
        let mut secrecy = Secrecy::default();
        secrecy.set(at(0), true);
        secrecy.set(at(10), false);
        secrecy.set(at(20), true);
        secrecy.set(at(20), true);
        assert!(secrecy.covers(at(9_000), false));
        secrecy.set(at(9_000), false);
        secrecy.set(at(9_100), false);
        assert!(secrecy.covers(at(9_299), false) && !secrecy.covers(at(9_300), false));
    }
}
