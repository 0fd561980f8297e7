//! What is admitted: calls at once, calls in a second, and a journal that can keep up. Reaching a
//! limit is an event and a 503 with Retry-After, never silence. Calls under way are never touched.

use std::time::Duration;

use crate::config::settings::LimitSettings;
use crate::event::RefusalReason;
use crate::time::Time;

/// How soon a refused caller's network should try again (RFC 3261 section 21.5.4).
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The door for new calls: a token bucket that holds one second's worth.
#[derive(Debug)]
pub struct Admission {
    /// In thousandths of a call, so that slow rates refill smoothly.
    tokens: u64,
    refilled_at: Time,
    full: bool,
    closed: bool,
}

impl Admission {
    /// Open, with a full bucket.
    pub fn new(now: Time, limits: &LimitSettings) -> Self {
        let tokens = u64::from(limits.calls_per_second) * 1_000;
        Admission { tokens, refilled_at: now, full: false, closed: false }
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
        let rate = u64::from(limits.calls_per_second);
        // A call per second is a thousandth of a call per millisecond, and a token is that much.
        let gained = u64::try_from((now - self.refilled_at).as_millis()).unwrap_or(u64::MAX);
        if gained > 0 {
            self.tokens = self.tokens.saturating_add(gained.saturating_mul(rate)).min(rate * 1_000);
            self.refilled_at += Duration::from_millis(gained);
        }
        if self.closed {
            Err(RefusalReason::ShuttingDown)
        } else if self.full {
            Err(RefusalReason::JournalFull)
        } else if active >= limits.calls {
            Err(RefusalReason::TooManyCalls)
        } else if self.tokens < 1_000 {
            Err(RefusalReason::TooFast)
        } else {
            self.tokens -= 1_000;
            Ok(())
        }
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
