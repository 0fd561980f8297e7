//! Whom the settings allow: looked up for every message, so single addresses are found at once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::source::Prefix;

/// Addresses and ranges that are never limited and never banned.
#[derive(Debug)]
pub(super) struct Allowed {
    hosts: BTreeSet<IpAddr>,
    ranges: Vec<Prefix>,
}

impl Allowed {
    pub(super) fn new(allow: &[Prefix]) -> Allowed {
        Allowed {
            hosts: allow.iter().filter_map(Prefix::single).collect(),
            ranges: allow.iter().filter(|prefix| prefix.single().is_none()).copied().collect(),
        }
    }

    pub(super) fn contains(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.hosts.contains(&from) || self.ranges.iter().any(|range| range.contains(from))
    }
}
