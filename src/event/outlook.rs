//! What callers who wait are told of their place and of the time to come.

use serde::{Deserialize, Serialize};

/// A caller's place, and how long the wait will probably be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outlook {
    /// The place in the queue, from 1; none if it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The wait from now on; none if it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitRange>,
    /// Whether one of these is worse than what the caller was told before in this queue.
    #[serde(default, skip_serializing_if = "is_false")]
    pub worse: bool,
}

/// A wait that is not known better than from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitRange {
    /// At least this, in minutes.
    pub least_min: u32,
    /// At most this, in minutes.
    pub most_min: u32,
}

impl WaitRange {
    /// Whether a wait came out as it was told.
    pub fn met_by(self, wait_us: u64) -> Met {
        let minutes = |minutes: u32| u64::from(minutes) * 60_000_000;
        if wait_us < minutes(self.least_min) {
            Met::Sooner
        } else if wait_us <= minutes(self.most_min) {
            Met::Within
        } else {
            Met::Later
        }
    }
}

/// How a wait came out, against what the caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// It was shorter.
    Sooner,
    /// It was as told.
    Within,
    /// It was longer.
    Later,
}

impl Met {
    /// The word of the journal and of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Met::Sooner => "sooner",
            Met::Within => "within",
            Met::Later => "later",
        }
    }
}

fn is_false(truth: &bool) -> bool {
    !truth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_range_are_in_it() {
        let range = WaitRange { least_min: 2, most_min: 4 };
        for (seconds, met) in [
            (0, Met::Sooner),
            (119, Met::Sooner),
            (120, Met::Within),
            (240, Met::Within),
            (241, Met::Later),
        ] {
            assert_eq!(range.met_by(seconds * 1_000_000), met, "{seconds}");
        }
    }
}
