//! For what agents are not ready, how long, and whether it is too long.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::AwayInForce;
use crate::id::AwayReason;

use super::agents::Span;
use super::figures::seconds;
use super::live::AgentLive;

/// All reasons together, whoever the agents are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct AwayBook {
    in_force: BTreeMap<AwayReason, AwayInForce>,
    /// Time not ready since the journal began, in microseconds.
    spent_us: BTreeMap<AwayReason, u64>,
    /// How often it was too long.
    too_long: BTreeMap<AwayReason, u64>,
}

/// One reason now, and since the journal began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AwayLive {
    /// Its name in the settings.
    pub reason: AwayReason,
    /// Its name for people.
    pub title: String,
    /// How long it may be at a time, in seconds.
    pub limit_s: Option<f64>,
    /// How many may be not ready for it at once.
    pub at_once: Option<u64>,
    /// Whether agents can choose it.
    pub chosen: bool,
    /// How many are not ready for it now.
    pub agents: u64,
    /// Of them, for longer than that.
    pub over_limit: u64,
    /// Time that agents were not ready for it since the journal began, in seconds.
    #[serde(skip)]
    pub total_s: f64,
    /// How often somebody was for too long, since the journal began.
    #[serde(skip)]
    pub over_limit_total: u64,
}

impl AwayBook {
    pub(super) fn in_force(&mut self, away: &BTreeMap<AwayReason, AwayInForce>) {
        self.in_force.clone_from(away);
    }

    pub(super) fn spend(&mut self, span: &Span) {
        if let Some(reason) = &span.away {
            let spent_us = self.spent_us.entry(reason.clone()).or_default();
            *spent_us = spent_us.saturating_add(span.lasted_us());
        }
    }

    pub(super) fn too_long(&mut self, reason: &AwayReason) {
        *self.too_long.entry(reason.clone()).or_default() += 1;
    }

    /// Every reason that is in the settings, or that somebody was not ready for. `going_on` is what no book
    /// has yet.
    pub(super) fn live(
        &self,
        agents: &[AgentLive],
        going_on: impl Iterator<Item = Span>,
    ) -> Vec<AwayLive> {
        let mut book = self.clone();
        going_on.for_each(|span| book.spend(&span));
        let names: BTreeSet<&AwayReason> =
            book.in_force.keys().chain(book.spent_us.keys()).collect();
        let of = |reason: &AwayReason| {
            let settings = book.in_force.get(reason);
            let away = agents.iter().filter(|agent| agent.reason.as_ref() == Some(reason));
            AwayLive {
                reason: reason.clone(),
                title: book.title(reason),
                limit_s: settings.and_then(|set| set.limit_us).map(seconds),
                at_once: settings.and_then(|set| set.at_once),
                chosen: settings.is_some() && reason.can_be_chosen(),
                agents: away.clone().count() as u64,
                over_limit: away.filter(|agent| agent.over_limit).count() as u64,
                total_s: book.spent_us.get(reason).copied().map_or(0.0, seconds),
                over_limit_total: book.too_long.get(reason).copied().unwrap_or(0),
            }
        };
        names.into_iter().map(of).collect()
    }

    fn title(&self, reason: &AwayReason) -> String {
        let declared = self.in_force.get(reason).map(|set| set.title.clone());
        let usual = || {
            let mut usual = AwayReason::NOT_CHOSEN.iter();
            usual.find(|(name, _)| *name == reason.as_str()).map(|(_, title)| (*title).to_owned())
        };
        declared.or_else(usual).unwrap_or_else(|| reason.to_string())
    }
}
