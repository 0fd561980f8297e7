//! Other systems that flows ask over HTTP: what is asked and answered, and when one that fails is
//! left alone.
//!
//! [`Backends`] decides, `server::backends` sends. A back end that fails again and again is not
//! asked for a while (its circuit is open): callers hear the flow's words for it at once instead of
//! waiting for the time-out, one after the other.

mod circuit;
mod desk;
mod settings;

use std::fmt;

use zeroize::Zeroizing;

use crate::flow::Method;
use crate::id::BackendName;

pub use self::circuit::{Circuit, Standing};
pub use self::desk::{Backends, Effect, Exchange, Fetch, FetchId};
pub use self::settings::BackendSettings;

/// What a call asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// Of whom.
    pub backend: BackendName,
    /// How.
    pub method: Method,
    /// Below the back end's address; begins with a slash and is percent-encoded.
    pub path: String,
    /// JSON. It can have secrets in it, so it is never shown.
    pub body: Option<Zeroizing<String>>,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ask({} {}, body not shown)", self.method.as_str(), self.backend)
    }
}

/// What a back end has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status (RFC 9110 section 15).
    pub status: u16,
    /// The JSON; nothing if there was none.
    pub body: serde_json::Value,
}

/// Why there is no answer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
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
