//! What is admitted: calls at once, calls in a second, and a journal that can keep up. Reaching a
//! limit is an event and a 503 with Retry-After, never silence. Calls under way are never touched.

use std::time::Duration;

use crate::config::settings::LimitSettings;
use crate::event::RefusalReason;
use crate::time::Time;
use crate::trunk::rate::Bucket;

/// How soon a refused caller's network should try again (RFC 3261 section 21.5.4).
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

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
    ) -> Result<(), RefusalReason> {
        if self.closed {
            Err(RefusalReason::ShuttingDown)
        } else if self.full {
            Err(RefusalReason::JournalFull)
        } else if active >= limits.calls {
            Err(RefusalReason::TooManyCalls)
        } else if !self.calls.take(now, limits.calls_per_second) {
            Err(RefusalReason::TooFast)
        } else {
            Ok(())
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
            assert_eq!(door.admit(Time::ZERO, 0, &limits), Ok(()));
        }
        assert_eq!(door.admit(Time::from_millis(99), 0, &limits), Err(RefusalReason::TooFast));
        assert_eq!(door.admit(Time::from_millis(100), 0, &limits), Ok(()));
        assert_eq!(door.admit(Time::from_millis(100), 0, &limits), Err(RefusalReason::TooFast));
        let admitted =
            (0..100).filter(|_| door.admit(Time::from_millis(60_000), 0, &limits).is_ok()).count();
        assert_eq!(admitted, 10, "an idle minute saves up no more than one second's worth");
    }

    #[test]
    fn a_flood_of_refusals_does_not_fill_the_journal() {
        let mut door = Admission::new(Time::ZERO, &limits(1, 1));
        let second = |from: u64| (from..from + 1_000).map(Time::from_millis);
        assert_eq!(second(0).filter(|now| door.notes_refusal(*now)).count(), 39);
        assert_eq!(second(1_000).filter(|now| door.notes_refusal(*now)).count(), 20);
        assert_eq!(door.admit(Time::from_millis(2_000), 0, &limits(1, 1)), Ok(()));
    }

    #[test]
    fn each_limit_has_its_own_reason() {
        let limits = limits(3, 10);
        let mut door = Admission::new(Time::ZERO, &limits);
        assert_eq!(door.admit(Time::ZERO, 2, &limits), Ok(()));
        assert_eq!(door.admit(Time::ZERO, 3, &limits), Err(RefusalReason::TooManyCalls));
        door.journal_full(true);
        assert_eq!(door.admit(Time::ZERO, 0, &limits), Err(RefusalReason::JournalFull));
        door.journal_full(false);
        assert_eq!(door.admit(Time::ZERO, 0, &limits), Ok(()));
        door.close();
        assert_eq!(door.admit(Time::ZERO, 0, &limits), Err(RefusalReason::ShuttingDown));
    }
}
