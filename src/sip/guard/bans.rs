//! Who is banned, why, and until when.

use std::collections::BTreeMap;

use crate::time::{Deadlines, Time};

use super::Offence;
use super::source::Source;

/// A ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// When it ends.
    pub until: Time,
    /// What it was imposed for; none if somebody asked for it.
    pub offence: Option<Offence>,
    /// How many bans of this source in a row it is.
    pub nth: u32,
}

/// Every ban; as many as were allowed at the most.
#[derive(Debug)]
pub(super) struct Bans {
    by_source: BTreeMap<Source, Ban>,
    ends: Deadlines<Source>,
    most: usize,
    revision: u64,
}

/// There is no room for another ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Bans {
    pub(super) fn new(most: usize) -> Bans {
        Bans { by_source: BTreeMap::new(), ends: Deadlines::new(), most, revision: 0 }
    }

    pub(super) fn get(&self, source: Source) -> Option<&Ban> {
        self.by_source.get(&source)
    }

    pub(super) fn len(&self) -> usize {
        self.by_source.len()
    }

    /// Counts changes.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        self.by_source.keys().copied()
    }

    /// Bans a source, or changes its ban. A full list makes room by the automatic ban that ends
    /// soonest, which is returned; a ban that somebody asked for is never dropped.
    pub(super) fn insert(&mut self, source: Source, ban: Ban) -> Result<Option<Source>, Full> {
        let full = self.by_source.len() >= self.most && !self.by_source.contains_key(&source);
        let dropped = if full { Some(self.least().ok_or(Full)?) } else { None };
        if let Some(least) = dropped {
            self.remove(least);
        }
        self.revision += 1;
        self.by_source.insert(source, ban);
        self.ends.set(source, ban.until);
        Ok(dropped)
    }

    fn least(&self) -> Option<Source> {
        let automatic = self.by_source.iter().filter(|(_, ban)| ban.offence.is_some());
        automatic.min_by_key(|(_, ban)| ban.until).map(|(source, _)| *source)
    }

    pub(super) fn remove(&mut self, source: Source) -> Option<Ban> {
        self.revision += 1;
        self.ends.cancel(&source);
        self.by_source.remove(&source)
    }

    pub(super) fn poll_timeout(&self) -> Option<Time> {
        self.ends.next()
    }

    /// Removes the next ban that is over.
    pub(super) fn pop_over(&mut self, now: Time) -> Option<Source> {
        let (_, source) = self.ends.pop_due(now)?;
        self.revision += 1;
        self.by_source.remove(&source);
        Some(source)
    }
}
