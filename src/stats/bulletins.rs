//! Messages to every caller: which there are, and which are said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::BulletinName;
use crate::time::UnixMicros;

/// A message that supervisors turn on and off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulletinLive {
    /// Its name in the flows.
    pub bulletin: BulletinName,
    /// Whether it is said.
    pub on: bool,
    /// Since when, on the calendar; none if it never was turned on.
    pub since: Option<UnixMicros>,
    /// Who turned it on or off.
    pub by: Option<String>,
}

/// Every message to callers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct BulletinBook(BTreeMap<BulletinName, BulletinLive>);

impl BulletinBook {
    /// The flows have these from now on. One that is gone and still on is kept: it can be turned off.
    pub(super) fn known(&mut self, names: &[BulletinName]) {
        self.0.retain(|name, live| live.on || names.contains(name));
        for name in names {
            self.entry(name);
        }
    }

    pub(super) fn set(&mut self, name: &BulletinName, on: bool, at: UnixMicros, by: &str) {
        let live = self.entry(name);
        (live.on, live.since, live.by) = (on, Some(at), Some(by.to_owned()));
    }

    fn entry(&mut self, name: &BulletinName) -> &mut BulletinLive {
        let new = || BulletinLive { bulletin: name.clone(), on: false, since: None, by: None };
        self.0.entry(name.clone()).or_insert_with(new)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &BulletinLive> {
        self.0.values()
    }

    pub(super) fn on(&self) -> impl Iterator<Item = &BulletinName> {
        self.0.values().filter(|live| live.on).map(|live| &live.bulletin)
    }
}
