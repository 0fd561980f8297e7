//! How many in a second: a bucket of tokens.

use std::time::Duration;

use crate::time::Time;

/// A token bucket that holds one second's worth.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// In thousandths, so that slow rates refill smoothly.
    tokens: u64,
    refilled_at: Time,
}

impl Bucket {
    /// One that is full.
    pub fn full(now: Time, per_second: u32) -> Self {
        Bucket { tokens: u64::from(per_second) * 1_000, refilled_at: now }
    }

    /// Whether there is one more; takes it.
    pub fn take(&mut self, now: Time, per_second: u32) -> bool {
        let has = self.has(now, per_second);
        if has {
            self.tokens = self.tokens.saturating_sub(1_000);
        }
        has
    }

    /// Whether there is one more.
    pub fn has(&mut self, now: Time, per_second: u32) -> bool {
        let rate = u64::from(per_second);
        // One in a second is a thousandth in a millisecond, and a token is that much.
        let gained = u64::try_from((now - self.refilled_at).as_millis()).unwrap_or(u64::MAX);
        if gained > 0 {
            self.tokens = self.tokens.saturating_add(gained.saturating_mul(rate)).min(rate * 1_000);
            self.refilled_at += Duration::from_millis(gained);
        }
        self.tokens >= 1_000
    }
}
