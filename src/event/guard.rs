//! The guard's words: why a source of SIP was banned, and why it no longer is.

use serde::{Deserialize, Serialize};

/// Why a source was banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BanReason {
    /// Wrong users or passwords.
    WrongCredentials,
    /// Numbers that nobody has.
    UnknownNumbers,
    /// Messages that are no sound SIP.
    Malformed,
    /// Methods that nobody defined.
    UnknownMethods,
    /// A program that looks for systems to break into.
    Scanner,
    /// Requests that asked for credentials and never brought any.
    Unchallenged,
    /// More messages than it may send.
    Flood,
    /// A supervisor asked for it.
    Supervisor,
}

/// Why a source is no longer banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnbanReason {
    /// The time is over.
    Over,
    /// A supervisor asked for it.
    Supervisor,
    /// The settings allow the source now.
    Allowed,
    /// There were as many bans as there may be, and this one would have ended soonest.
    Dropped,
}
