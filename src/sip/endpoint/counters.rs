//! What is counted on the wire, and how much an endpoint holds.

use std::collections::BTreeMap;

/// What has been counted on the wire: (method, status) by direction, and refusals by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SipCounters {
    /// Requests (`status` 0) and responses by method, received.
    pub received: BTreeMap<(&'static str, u16), u64>,
    /// Requests (`status` 0) and responses by method, sent.
    pub sent: BTreeMap<(&'static str, u16), u64>,
    /// Datagrams and requests refused or dropped, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

/// How much an endpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Transactions, client and server.
    pub transactions: usize,
    /// Legs: early and confirmed dialogs.
    pub legs: usize,
    /// Registered contacts.
    pub bindings: usize,
}

