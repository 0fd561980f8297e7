//! A circuit breaker: whoever fails again and again is left alone for a while, then tried once.

use std::time::Duration;

use crate::event::Standing;
use crate::time::Time;

/// One back end's circuit.
#[derive(Debug, Clone, Default)]
pub struct Circuit {
    /// Failures in a row.
    failures: u32,
    /// Until when it is left alone; none while it is closed.
    open_until: Option<Time>,
    /// Whether the one request that finds out is under way.
    trying: bool,
}

impl Circuit {
    /// How it stands.
    pub fn standing(&self, now: Time) -> Standing {
        match self.open_until {
            None => Standing::Closed,
            Some(until) if now < until => Standing::Open,
            Some(_) => Standing::HalfOpen,
        }
    }

    /// Whether a request may be sent. In a half-open circuit only the first one.
    pub fn admits(&mut self, now: Time) -> bool {
        match self.standing(now) {
            Standing::Closed => true,
            Standing::Open => false,
            Standing::HalfOpen => !std::mem::replace(&mut self.trying, true),
        }
    }

    /// A request was answered. Whether that has closed the circuit.
    pub fn succeeded(&mut self) -> bool {
        let was_open = self.open_until.is_some();
        *self = Circuit::default();
        was_open
    }

    /// A request has failed. Whether that has opened the circuit; one that fails again when it is
    /// tried stays open.
    pub fn failed(&mut self, now: Time, most: u32, rest: Duration) -> bool {
        self.failures = self.failures.saturating_add(1);
        let was_open = self.open_until.is_some();
        if self.trying || (!was_open && self.failures >= most) {
            self.trying = false;
            self.open_until = Some(now + rest);
        }
        !was_open && self.open_until.is_some()
    }

    /// The request that was to find out has come to nothing without anybody's fault.
    pub fn abandoned(&mut self) {
        self.trying = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_when_one_attempt_succeeds() {
        let mut circuit = Circuit::default();
        assert!(!circuit.failed(at(0), 3, REST) && !circuit.failed(at(1), 3, REST));
        assert!(!circuit.succeeded(), "it was not open");
        assert!(!circuit.failed(at(2), 3, REST) && !circuit.failed(at(3), 3, REST));
        assert!(circuit.admits(at(3)));
        assert!(circuit.failed(at(4), 3, REST));
        assert_eq!(circuit.standing(at(33)), Standing::Open);
        assert!(!circuit.admits(at(33)));
        assert_eq!(circuit.standing(at(34)), Standing::HalfOpen);
        assert!(circuit.admits(at(34)) && !circuit.admits(at(34)), "one finds out");
        assert!(!circuit.failed(at(35), 3, REST), "it was open and stays so");
        assert_eq!(circuit.standing(at(64)), Standing::Open);
        assert!(circuit.admits(at(65)));
        assert!(circuit.succeeded());
        assert_eq!(circuit.standing(at(65)), Standing::Closed);
    }

    #[test]
    fn late_failures_do_not_keep_it_open_for_longer() {
        let mut circuit = Circuit::default();
        assert!(circuit.failed(at(0), 1, REST));
        assert!(!circuit.failed(at(29), 1, REST), "a request from before");
        assert_eq!(circuit.standing(at(30)), Standing::HalfOpen);
        assert!(circuit.admits(at(30)));
        circuit.abandoned();
        assert!(circuit.admits(at(31)));
    }
}
