//! Who is banned from sending SIP to us.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::BanReason;
use crate::time::UnixMicros;

/// A ban that is in force. Personal: an address belongs to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanLive {
    /// Who: an IPv4 address, or the /64 of an IPv6 address.
    pub source: String,
    /// Why.
    pub reason: BanReason,
    /// Since when, on the calendar.
    pub since: UnixMicros,
    /// Until when, on the calendar.
    pub until: UnixMicros,
    /// How many bans of this source in a row it is.
    pub nth: u32,
    /// Which supervisor asked for it; none for an automatic one.
    pub by: Option<String>,
}

/// Every ban in force, by source.
pub(super) type BanBook = BTreeMap<String, BanLive>;
