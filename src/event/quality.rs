//! How a leg sounded.

use serde::{Deserialize, Serialize};

/// How a leg sounded over its life. What was too short to judge is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LegQuality {
    /// The peer, as it came to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_peer: Option<StreamQuality>,
    /// We, as the peer says that we came to it (RFC 3550 section 6.4.2); absent too if it never said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_peer: Option<StreamQuality>,
    /// There and back, on average, in microseconds (RFC 3550 section 6.4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
}

/// One direction of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamQuality {
    /// Packets that should have come.
    pub expected: u64,
    /// Of them, those that did not.
    pub lost: u64,
    /// Mean interarrival jitter, in microseconds (RFC 3550 section 6.4.1).
    pub jitter_us: u64,
    /// The mean opinion score in hundredths, 100 to 450 (ITU-T G.107).
    pub mos_hundredths: u16,
}
