//! What is admitted: calls at once, calls in a second, and a journal that can keep up. Reaching a
//! limit is an event and a 503 with Retry-After, never silence. Calls under way are never touched.

use std::time::Duration;

use crate::config::settings::LimitSettings;
use crate::event::RefusalReason;
use crate::id::Entropy;
use crate::time::Time;
use crate::trunk::rate::Bucket;

/// How soon a refused caller's network should try again, at the soonest (RFC 3261 section 21.5.4).
const RETRY_AFTER_S: u32 = 5;
/// And up to so much later, drawn for each, so that not all come back in the same instant.
const RETRY_SPREAD_S: u32 = 10;

/// Calls marked as emergencies are admitted beyond the limit, up to so many in a hundred of it.
const RESERVE_PERCENT: usize = 5;

/// What a call is weighed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// As any.
    Ordinary,
    /// Marked as an emergency by a trunk that is believed (RFC 4412, RFC 3261 section 20.26).
    Marked,
    /// An agent dials 999: never refused.
    Emergency,
}

/// When somebody who is refused may try again.
pub fn retry_after(entropy: &mut Entropy) -> Duration {
    Duration::from_secs(u64::from(RETRY_AFTER_S + entropy.below(RETRY_SPREAD_S + 1)))
}

/// As many refusals in a second are noted in the journal. Whoever tries numbers by the thousand must
/// not fill the disk; all are answered, and counted on the wire.
const NOTED_REFUSALS_PER_SECOND: u32 = 20;

/// The door for new calls.
#[derive(Debug)]
pub struct Admission {
    calls: Bucket,
    noted_refusals: Bucket,
    full: bool,
    closed: bool,
}

impl Admission {
    /// Open, with a full bucket.
    pub fn new(now: Time, limits: &LimitSettings) -> Self {
        Admission {
            calls: Bucket::full(now, limits.calls_per_second),
            noted_refusals: Bucket::full(now, NOTED_REFUSALS_PER_SECOND),
            full: false,
            closed: false,
        }
    }

    /// Whether the journal cannot keep any more events.
    pub fn journal_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Takes no new calls from now on.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Admits one more call beside `active`, or says why not.
    pub fn admit(
        &mut self,
        now: Time,
        active: usize,
        limits: &LimitSettings,
        priority: Priority,
    ) -> Result<(), RefusalReason> {
        let reserve = (limits.calls * RESERVE_PERCENT).div_ceil(100);
        match priority {
            Priority::Emergency => Ok(()),
            Priority::Ordinary | Priority::Marked if self.closed => {
                Err(RefusalReason::ShuttingDown)
            }
            Priority::Marked if active >= limits.calls + reserve => {
                Err(RefusalReason::TooManyCalls)
            }
            Priority::Marked => Ok(()),
            Priority::Ordinary if self.full => Err(RefusalReason::JournalFull),
            Priority::Ordinary if active >= limits.calls => Err(RefusalReason::TooManyCalls),
            Priority::Ordinary if !self.calls.take(now, limits.calls_per_second) => {
                Err(RefusalReason::TooFast)
            }
            Priority::Ordinary => Ok(()),
        }
    }

    /// Whether one more refusal is noted in the journal.
    pub fn notes_refusal(&mut self, now: Time) -> bool {
        self.noted_refusals.take(now, NOTED_REFUSALS_PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(calls: usize, calls_per_second: u32) -> LimitSettings {
        LimitSettings { calls, calls_per_second, ..LimitSettings::default() }
    }

    #[test]
    fn a_second_holds_as_many_calls_as_the_limit_and_refills_smoothly() {
        let limits = limits(1_000, 10);
        let mut door = Admission::new(Time::ZERO, &limits);
        for _ in 0..10 {
            assert_eq!(door.admit(Time::ZERO, 0, &limits, Priority::Ordinary), Ok(()));
        }
        assert_eq!(
            door.admit(Time::from_millis(99), 0, &limits, Priority::Ordinary),
            Err(RefusalReason::TooFast)
        );
        assert_eq!(door.admit(Time::from_millis(100), 0, &limits, Priority::Ordinary), Ok(()));
        assert_eq!(
            door.admit(Time::from_millis(100), 0, &limits, Priority::Ordinary),
            Err(RefusalReason::TooFast)
        );
        let admitted = (0..100)
            .filter(|_| {
                door.admit(Time::from_millis(60_000), 0, &limits, Priority::Ordinary).is_ok()
            })
            .count();
        assert_eq!(admitted, 10, "an idle minute saves up no more than one second's worth");
    }

    #[test]
    fn a_flood_of_refusals_does_not_fill_the_journal() {
        let mut door = Admission::new(Time::ZERO, &limits(1, 1));
        let second = |from: u64| (from..from + 1_000).map(Time::from_millis);
        assert_eq!(second(0).filter(|now| door.notes_refusal(*now)).count(), 39);
        assert_eq!(second(1_000).filter(|now| door.notes_refusal(*now)).count(), 20);
        assert_eq!(
            door.admit(Time::from_millis(2_000), 0, &limits(1, 1), Priority::Ordinary),
            Ok(())
        );
    }

    #[test]
    fn each_limit_has_its_own_reason() {
        let limits = limits(3, 10);
        let mut door = Admission::new(Time::ZERO, &limits);
        assert_eq!(door.admit(Time::ZERO, 2, &limits, Priority::Ordinary), Ok(()));
        assert_eq!(
            door.admit(Time::ZERO, 3, &limits, Priority::Ordinary),
            Err(RefusalReason::TooManyCalls)
        );
        door.journal_full(true);
        assert_eq!(
            door.admit(Time::ZERO, 0, &limits, Priority::Ordinary),
            Err(RefusalReason::JournalFull)
        );
        door.journal_full(false);
        assert_eq!(door.admit(Time::ZERO, 0, &limits, Priority::Ordinary), Ok(()));
        door.close();
        assert_eq!(
            door.admit(Time::ZERO, 0, &limits, Priority::Ordinary),
            Err(RefusalReason::ShuttingDown)
        );
    }

    #[test]
    fn marked_emergencies_go_into_a_reserve_and_an_agents_own_are_never_refused() {
        let limits = limits(100, 1);
        let mut door = Admission::new(Time::ZERO, &limits);
        let mut admit = |active, priority| door.admit(Time::ZERO, active, &limits, priority);
        assert_eq!(admit(100, Priority::Ordinary), Err(RefusalReason::TooManyCalls));
        for _ in 0..10 {
            assert_eq!(admit(104, Priority::Marked), Ok(()), "no rate holds them back");
        }
        assert_eq!(admit(105, Priority::Marked), Err(RefusalReason::TooManyCalls));
        assert_eq!(admit(10_000, Priority::Emergency), Ok(()));
        door.journal_full(true);
        assert_eq!(door.admit(Time::ZERO, 0, &limits, Priority::Marked), Ok(()));
        door.close();
        let closed = Err(RefusalReason::ShuttingDown);
        assert_eq!(door.admit(Time::ZERO, 0, &limits, Priority::Marked), closed);
        assert_eq!(door.admit(Time::ZERO, 0, &limits, Priority::Emergency), Ok(()));
    }

    #[test]
    fn those_who_are_refused_do_not_all_come_back_at_once() {
        let mut entropy = Entropy::from_seed([1; 32]);
        let mut waits: Vec<u64> = (0..200).map(|_| retry_after(&mut entropy).as_secs()).collect();
        waits.sort_unstable();
        assert_eq!((waits.first(), waits.last()), (Some(&5), Some(&15)));
        waits.dedup();
        assert_eq!(waits.len(), 11);
    }
}
