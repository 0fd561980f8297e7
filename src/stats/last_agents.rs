//! Which adviser spoke with which number last, so that a repeat caller can have them again.
//!
//! Personal: kept only while a queue's settings ask for it, no longer than they ask for, and never shown or
//! logged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::AgentId;
use crate::time::UnixMicros;

/// As many numbers are remembered; beyond it the one that was spoken with longest ago is forgotten first.
pub const MOST: usize = 20_000;

/// Numbers, each with who spoke with it last and when.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LastAgents {
    /// How long a number is remembered, in microseconds; 0: none is.
    kept_us: u64,
    by_number: BTreeMap<String, (UnixMicros, AgentId)>,
    by_time: BTreeSet<(UnixMicros, String)>,
    crowded_out: u64,
}

impl fmt::Debug for LastAgents {
    /// How many, and nobody's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastAgents")
            .field("numbers", &self.by_number.len())
            .field("crowded_out", &self.crowded_out)
            .finish_non_exhaustive()
    }
}

impl LastAgents {
    /// Remembers for so long from now on, and forgets what is older than that at `at`.
    pub fn keep_for(&mut self, kept_us: u64, at: UnixMicros) {
        self.kept_us = kept_us;
        self.forget_old(at);
    }

    /// An adviser speaks with somebody of this number.
    pub fn spoke(&mut self, number: &str, agent: &AgentId, at: UnixMicros) {
        if self.kept_us == 0 {
            return;
        }
        self.forget(number);
        self.by_number.insert(number.to_owned(), (at, agent.clone()));
        self.by_time.insert((at, number.to_owned()));
        self.forget_old(at);
        while self.by_number.len() > MOST {
            let Some((_, oldest)) = self.by_time.first().cloned() else { break };
            self.forget(&oldest);
            self.crowded_out = self.crowded_out.saturating_add(1);
        }
    }

    /// Who spoke last with this number, within so long before `at`.
    pub fn last(&self, number: &str, within_us: u64, at: UnixMicros) -> Option<&AgentId> {
        let (spoke_at, agent) = self.by_number.get(number)?;
        (*spoke_at >= before(at, within_us.min(self.kept_us))).then_some(agent)
    }

    /// Every number, with who spoke with it last and when; the longest ago first.
    pub fn all(&self) -> impl Iterator<Item = (&str, &AgentId, UnixMicros)> {
        self.by_time.iter().filter_map(|(at, number)| {
            let (_, agent) = self.by_number.get(number)?;
            Some((number.as_str(), agent, *at))
        })
    }

    /// How many numbers are remembered.
    pub fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// How many were forgotten before their time, because too many others were spoken with.
    pub fn crowded_out(&self) -> u64 {
        self.crowded_out
    }

    fn forget_old(&mut self, at: UnixMicros) {
        let oldest_kept = before(at, self.kept_us);
        while let Some((spoke_at, number)) = self.by_time.first()
            && (*spoke_at < oldest_kept || self.kept_us == 0)
        {
            let number = number.clone();
            self.forget(&number);
        }
    }

    fn forget(&mut self, number: &str) {
        if let Some((spoke_at, _)) = self.by_number.remove(number) {
            self.by_time.remove(&(spoke_at, number.to_owned()));
        }
    }
}

fn before(at: UnixMicros, us: u64) -> UnixMicros {
    UnixMicros(at.0.saturating_sub(i64::try_from(us).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: u64 = 3_600_000_000;

    fn at(hours: u64) -> UnixMicros {
        UnixMicros((hours * HOUR_US) as i64)
    }

    fn keeping(hours: u64) -> LastAgents {
        let mut all = LastAgents::default();
        all.keep_for(hours * HOUR_US, at(0));
        all
    }

    #[test]
    fn the_last_who_spoke_with_a_number_is_known_for_as_long_as_is_asked() {
        let mut all = keeping(24);
        all.spoke("+441632960001", &"amy".into(), at(1));
        all.spoke("+441632960001", &"ben".into(), at(2));
        all.spoke("+441632960002", &"amy".into(), at(3));
        let last = |all: &LastAgents, within: u64, now: u64| {
            all.last("+441632960001", within * HOUR_US, at(now)).map(AgentId::to_string)
        };
        assert_eq!(last(&all, 24, 26).as_deref(), Some("ben"));
        assert_eq!(last(&all, 24, 27), None, "longer ago");
        assert_eq!(last(&all, 4, 6).as_deref(), Some("ben"));
        assert_eq!(last(&all, 4, 7), None, "longer ago than this queue asks for");
        all.spoke("+441632960003", &"amy".into(), at(27));
        assert_eq!(all.len(), 2, "what is too old is not kept");
        let told: Vec<_> = all.all().map(|(number, agent, _)| (number, agent.as_str())).collect();
        assert_eq!(told, [("+441632960002", "amy"), ("+441632960003", "amy")]);
    }

    #[test]
    fn nothing_is_kept_that_nobody_asks_for() {
        let mut all = LastAgents::default();
        all.spoke("+441632960001", &"amy".into(), at(1));
        assert!(all.is_empty());
        let mut all = keeping(24);
        all.spoke("+441632960001", &"amy".into(), at(1));
        all.keep_for(0, at(1));
        assert!(all.is_empty() && all.all().next().is_none());
    }

    #[test]
    fn too_many_crowd_out_the_oldest_and_are_counted() {
        let mut all = keeping(24);
        for n in 0..MOST + 3 {
            all.spoke(&format!("+44{n}"), &"amy".into(), UnixMicros(n as i64));
        }
        assert_eq!((all.len(), all.crowded_out()), (MOST, 3));
        let last = |number| all.last(number, HOUR_US, UnixMicros(MOST as i64));
        assert_eq!((last("+442"), last("+443").is_some()), (None, true));
    }

    #[test]
    fn nobodys_number_is_logged() {
        let mut all = keeping(24);
        all.spoke("+441632960001", &"amy".into(), at(1));
        let said = format!("{all:?}");
        assert!(said.contains("numbers: 1") && !said.contains("1632960001"), "{said}");
    }
}
