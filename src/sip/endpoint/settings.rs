//! What an endpoint needs to know of the settings, and what it allows itself.

use std::collections::BTreeMap;

use crate::sip::guard::GuardSettings;
use crate::sip::transport::Listener;

/// What an endpoint needs to know of the settings.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// Listeners in the order of their ids.
    pub listeners: Vec<Listener>,
    /// The digest realm.
    pub realm: String,
    /// `User-Agent` and `Server`.
    pub product: String,
    /// Shortest and longest registration, in seconds.
    pub expires_s: (u32, u32),
    /// How long a session may live without a refresh, in seconds (RFC 4028).
    pub session_s: u32,
    /// Who may register and authenticate: user part to secret.
    pub accounts: BTreeMap<String, Account>,
    /// Who may send how much, and when somebody is banned.
    pub guard: GuardSettings,
}

/// The digest secrets of one user (RFC 7616 section 3.4.2), as hashes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// Hex MD5 of `user:realm:password`, lower case.
    pub ha1_md5: Option<String>,
    /// Hex SHA-256 of the same, lower case.
    pub ha1_sha256: Option<String>,
    /// Calls us, and never registers: a trunk.
    pub calls_only: bool,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account(secret)")
    }
}
