//! The only place that reads a clock. Everything below takes what is read here as a parameter.
#![allow(clippy::disallowed_methods)] // this is the shell's clock

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Time, UnixMicros};

/// A step of the system's clock below this is drift, not a step.
const STEP: Duration = Duration::from_millis(500);

/// Monotonic time since the process began, and the calendar. Cheap to copy; all copies agree.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Clock { start: Instant::now() }
    }

    /// Monotonic time since the start.
    pub fn now(&self) -> Time {
        Time::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// What the calendar shows now.
    pub fn wall(&self) -> UnixMicros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// What the calendar shows, if it has been stepped away from `expected`.
    pub fn stepped_from(&self, expected: UnixMicros) -> Option<UnixMicros> {
        let shown = self.wall();
        (Duration::from_micros(shown.0.abs_diff(expected.0)) > STEP).then_some(shown)
    }
}
