//! The attack guard's settings.

use serde::{Deserialize, Serialize};

use crate::sip::range::AddressRange;

/// Who may send how much SIP, and when somebody is banned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardSettings {
    /// Whether sources are banned for what they do, and not by a supervisor alone.
    pub automatic: bool,
    /// Addresses and ranges that are never limited and never banned. Trunks and agents' phones at
    /// fixed addresses need not be named.
    pub allow: Vec<AddressRange>,
    /// Messages in a second from an address that is not known; four times as many at once.
    pub messages_per_second: u32,
    /// Messages in a second from an address that is known by a registration or a call; twice as
    /// many at once.
    pub known_messages_per_second: u32,
    /// As many offences within `window_s` ban an address that is not known; ten times as many, each
    /// proved not to be forged, one that is.
    pub offences: u32,
    /// Within which offences are counted, in seconds.
    pub window_s: u32,
    /// The first ban of an address, in seconds; each further one lasts twice as long.
    pub ban_s: u32,
    /// The longest automatic ban, in seconds.
    pub longest_ban_s: u32,
    /// Calls that may be up, unacknowledged, from addresses over UDP that are not known.
    pub unproven_calls: u32,
    /// The same from one address.
    pub unproven_calls_per_address: u32,
}

impl Default for GuardSettings {
    fn default() -> Self {
        GuardSettings {
            automatic: true,
            allow: AddressRange::loopback().to_vec(),
            messages_per_second: 50,
            known_messages_per_second: 2_000,
            offences: 20,
            window_s: 600,
            ban_s: 300,
            longest_ban_s: 86_400,
            unproven_calls: 200,
            unproven_calls_per_address: 10,
        }
    }
}
