//! Whether a server lives, by what it answers to OPTIONS and to calls.
//!
//! One answer that does not fit what is known changes nothing: the server is asked again soon, and
//! two in a row change it. A server of which nothing is known is believed at once.

use std::time::Duration;

use crate::sip::endpoint::RequestId;
use crate::time::Time;

/// As many answers in a row change what is known.
const ENOUGH: u32 = 2;
/// How soon a server is asked again whose answer did not fit, at most.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a server that failed a call is passed over while others can be tried.
const PASSED_OVER: Duration = Duration::from_secs(30);

/// What is known of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Life {
    /// It answers.
    Up,
    /// Nothing yet.
    #[default]
    Unknown,
    /// It does not answer, or says that it cannot serve.
    Down,
}

/// A server's health.
#[derive(Debug, Default)]
pub struct Health {
    life: Life,
    /// How many answers in a row did not fit.
    against: u32,
    /// The OPTIONS that waits for its answer.
    pub(super) asking: Option<RequestId>,
    passed_over_until: Option<Time>,
}

impl Health {
    /// What is known.
    pub fn life(&self) -> Life {
        self.life
    }

    /// What is known, worse if a call failed there just now: for the order in which servers are
    /// tried.
    pub fn rank(&self, now: Time) -> (bool, Life) {
        (self.passed_over_until.is_some_and(|until| now < until), self.life)
    }

    /// A server has answered as one that lives, or has not. Whether that changes what is known.
    pub fn heard(&mut self, good: bool) -> bool {
        let now = if good { Life::Up } else { Life::Down };
        if self.life == now {
            self.against = 0;
            return false;
        }
        self.against += 1;
        if self.life != Life::Unknown && self.against < ENOUGH {
            return false;
        }
        self.life = now;
        self.against = 0;
        true
    }

    /// A call could not be placed there.
    pub fn call_failed(&mut self, now: Time) -> bool {
        self.passed_over_until = Some(now + PASSED_OVER);
        self.heard(false)
    }

    /// A call was placed there.
    pub fn call_placed(&mut self) -> bool {
        self.passed_over_until = None;
        self.heard(true)
    }

    /// How long until it is asked again.
    pub fn next_question(&self, interval: Duration) -> Duration {
        if self.against > 0 { interval.min(AGAIN) } else { interval }
    }
}

/// Whether a final status to OPTIONS is a living server's: anything but no answer, a failed
/// transport and "not now".
pub fn is_alive(status: u16) -> bool {
    !matches!(status, 408 | 503)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_is_believed_and_later_it_takes_two() {
        let mut health = Health::default();
        assert!(health.heard(true));
        assert!(!health.heard(false));
        assert_eq!(health.life(), Life::Up);
        assert!(!health.heard(true), "the one failure is forgotten");
        assert!(!health.heard(false));
        assert!(health.heard(false));
        assert_eq!(health.life(), Life::Down);
        assert!(!health.heard(true));
        assert!(health.heard(true));
        assert_eq!(health.life(), Life::Up);
        let mut dead = Health::default();
        assert!(dead.heard(false));
    }

    #[test]
    fn a_doubtful_server_is_asked_again_soon() {
        let mut health = Health::default();
        let minute = Duration::from_secs(60);
        health.heard(true);
        assert_eq!(health.next_question(minute), minute);
        health.heard(false);
        assert_eq!(health.next_question(minute), Duration::from_secs(5));
        assert_eq!(health.next_question(Duration::from_secs(2)), Duration::from_secs(2));
    }

    #[test]
    fn a_server_that_failed_a_call_is_passed_over_for_a_while() {
        let mut health = Health::default();
        health.heard(true);
        let good = health.rank(Time::ZERO);
        health.call_failed(Time::ZERO);
        assert!(health.rank(Time::from_millis(29_999)) > good);
        assert_eq!(health.rank(Time::from_millis(30_000)), good);
        health.call_failed(Time::ZERO);
        health.call_placed();
        health.call_placed();
        assert_eq!(health.rank(Time::ZERO), good);
    }

    #[test]
    fn any_answer_but_not_now_is_a_sign_of_life() {
        for (status, alive) in [
            (200, true),
            (404, true),
            (405, true),
            (486, true),
            (500, true),
            (408, false),
            (503, false),
        ] {
            assert_eq!(is_alive(status), alive, "{status}");
        }
    }
}
