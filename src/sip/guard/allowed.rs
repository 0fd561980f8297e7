//! Whom the settings allow: looked up for every message, so single addresses are found at once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::sip::range::AddressRange;

/// Addresses and ranges that are never limited and never banned.
#[derive(Debug)]
pub(super) struct Allowed {
    hosts: BTreeSet<IpAddr>,
    ranges: Vec<AddressRange>,
}

impl Allowed {
    pub(super) fn new<'a>(allow: impl Iterator<Item = &'a AddressRange>) -> Allowed {
        let mut allowed = Allowed { hosts: BTreeSet::new(), ranges: Vec::new() };
        for range in allow {
            match range.single() {
                Some(host) => drop(allowed.hosts.insert(host)),
                None => allowed.ranges.push(*range),
            }
        }
        allowed
    }

    pub(super) fn contains(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.hosts.contains(&from) || self.ranges.iter().any(|range| range.contains(from))
    }
}
