//! What the guard needs to know of the settings.

use std::time::Duration;

use super::MESSAGE;
use crate::sip::range::AddressRange;

/// How much a source may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Messages in a second, in the long run.
    pub per_second: u32,
    /// Messages at once, after a silence.
    pub burst: u32,
}

impl Allowance {
    /// The burst in thousandths of a message.
    pub(super) fn at_once(self) -> u64 {
        u64::from(self.burst) * MESSAGE
    }
}

/// How many calls may be answered whose callers have proved nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnprovenCalls {
    /// From one source.
    pub per_source: u32,
    /// From all sources together.
    pub in_all: usize,
}

/// What the guard needs to know of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardSettings {
    /// Whether sources are banned for what they do, and not by request alone.
    pub automatic: bool,
    /// Who is never limited and never banned.
    pub allow: Vec<AddressRange>,
    /// What a source that we do not know may send.
    pub strangers: Allowance,
    /// What a source may send that is known to be where it says it is.
    pub known: Allowance,
    /// As many offences within the window ban a stranger.
    pub offences: u32,
    /// As many times more ban a source that is known.
    pub known_factor: u32,
    /// Within which the offences are counted.
    pub window: Duration,
    /// How long the first ban lasts; each further one twice as long.
    pub ban: Duration,
    /// How long any ban lasts at the most.
    pub longest_ban: Duration,
    /// Calls of strangers that nobody has acknowledged.
    pub unproven_calls: UnprovenCalls,
}

impl Default for GuardSettings {
    fn default() -> Self {
        GuardSettings {
            automatic: true,
            allow: AddressRange::loopback().to_vec(),
            strangers: Allowance { per_second: 50, burst: 200 },
            known: Allowance { per_second: 2_000, burst: 4_000 },
            offences: 20,
            known_factor: 10,
            window: Duration::from_secs(600),
            ban: Duration::from_secs(300),
            longest_ban: Duration::from_secs(24 * 3_600),
            unproven_calls: UnprovenCalls { per_source: 10, in_all: 200 },
        }
    }
}
