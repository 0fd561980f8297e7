//! How other systems answer.

use serde::{Deserialize, Serialize};

use crate::id::BackendName;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failed {
    /// No connection, or it broke off.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// The answer is larger than an answer may be.
    TooLarge,
    /// The answer is not JSON.
    NotJson,
    /// It has failed too often and is left alone for a while.
    CircuitOpen,
    /// As many calls ask it as may at once.
    Busy,
    /// The settings have no such back end any more.
    Unknown,
}

impl Failed {
    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Failed::Unreachable => "unreachable",
            Failed::TimedOut => "timed_out",
            Failed::TooLarge => "too_large",
            Failed::NotJson => "not_json",
            Failed::CircuitOpen => "circuit_open",
            Failed::Busy => "busy",
            Failed::Unknown => "unknown",
        }
    }

    /// Whether the back end is to blame, so that it counts against its circuit.
    pub const fn is_its_fault(self) -> bool {
        match self {
            Failed::Unreachable | Failed::TimedOut | Failed::TooLarge | Failed::NotJson => true,
            Failed::CircuitOpen | Failed::Busy | Failed::Unknown => false,
        }
    }
}

/// How a request went, for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Whom it asked.
    pub backend: BackendName,
    /// The status of the answer; none if there was none.
    pub status: Option<u16>,
    /// Why there was none.
    pub failed: Option<Failed>,
    /// How often it was sent.
    pub attempts: u32,
    /// From the call's question to its answer, in microseconds.
    pub took_us: u64,
}

/// How a back end stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is asked.
    Closed,
    /// It is left alone.
    Open,
    /// It has been left alone for long enough: the next request finds out.
    HalfOpen,
}
