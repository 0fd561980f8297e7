//! Callers whom a queue does not take.

use serde::{Deserialize, Serialize};

/// Why a queue does not take a caller. What comes then is the flow's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnedAway {
    /// Its hours are over.
    Closed,
    /// As many wait as may.
    Full,
    /// Nobody who could serve the caller is signed in, and the queue lets nobody wait then.
    NobodyOnDuty,
    /// The settings have no such queue: whoever is led by a flow of earlier settings may ask for one.
    UnknownQueue,
}

impl TurnedAway {
    /// All of them.
    pub const ALL: [TurnedAway; 4] =
        [TurnedAway::Closed, TurnedAway::Full, TurnedAway::NobodyOnDuty, TurnedAway::UnknownQueue];

    /// The name used in the journal and in metrics' labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            TurnedAway::Closed => "closed",
            TurnedAway::Full => "full",
            TurnedAway::NobodyOnDuty => "nobody_on_duty",
            TurnedAway::UnknownQueue => "unknown_queue",
        }
    }
}
