//! Not ready, and for what: reasons that the settings name, how long each may take, and for how many at once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::StateReason;
use crate::id::{AgentId, AwayReason};
use crate::time::Time;

use super::agents::Activity;
use super::command::{AcdEffect, ChoiceError, WasAway};
use super::{Acd, Due, Turn, seconds};

/// What the settings file says of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwaySettings {
    /// The name shown to people ("Lunch").
    pub title: String,
    /// How long it may be at a time before it shows, in seconds; as long as it takes if not given.
    #[serde(default)]
    pub limit_s: Option<u32>,
    /// How many may be not ready for it at once; all of them if not given.
    #[serde(default)]
    pub at_once: Option<usize>,
    /// The digits that choose it on a phone, behind the star code for not ready.
    #[serde(default)]
    pub key: Option<String>,
}

impl AwaySettings {
    /// A reason without limits.
    pub fn titled(title: &str) -> Self {
        AwaySettings { title: title.to_owned(), limit_s: None, at_once: None, key: None }
    }

    /// Every reason: those that are declared, and those that follow from what happens.
    pub fn every(declared: &BTreeMap<AwayReason, Self>) -> BTreeMap<AwayReason, Self> {
        let others = AwayReason::NOT_CHOSEN.into_iter();
        let others = others.map(|(name, title)| (name.into(), AwaySettings::titled(title)));
        others.chain(declared.iter().map(|(name, set)| (name.clone(), set.clone()))).collect()
    }

    fn limit(&self) -> Option<Duration> {
        self.limit_s.map(seconds)
    }
}

/// Since when an agent is not ready, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Away {
    pub(super) reason: Option<AwayReason>,
    /// When it began; none before a call is over that comes first. Calls by name in between count.
    since: Option<Time>,
    /// How long it had lasted when this run began.
    before: Duration,
    /// It is told that this is too long.
    over: bool,
}

impl Away {
    fn for_(reason: Option<AwayReason>) -> Self {
        Away { reason, ..Away::default() }
    }
}

impl From<WasAway> for Away {
    fn from(was: WasAway) -> Self {
        let WasAway { reason, lasted, over } = was;
        Away { reason: Some(reason), since: None, before: lasted, over }
    }
}

impl Acd {
    /// Whether an agent may be not ready for this. Supervisors may send more than there may be.
    pub(super) fn may_be_away(
        &self,
        agent: &AgentId,
        reason: &AwayReason,
        why: StateReason,
    ) -> Result<(), ChoiceError> {
        let known = self.plan.away.get(reason).filter(|_| reason.can_be_chosen());
        let settings = known.ok_or(ChoiceError::UnknownReason)?;
        let most = settings.at_once.filter(|_| why != StateReason::Supervisor);
        match most.is_some_and(|most| self.agents.others_away_for(reason, agent) >= most) {
            true => Err(ChoiceError::TooManyAway),
            false => Ok(()),
        }
    }

    /// An agent is to be not ready, now or after what is under way. Choosing the same again changes nothing.
    pub(super) fn choose_away(&mut self, agent: &AgentId, reason: Option<AwayReason>) {
        if self.agents.away(agent).is_none_or(|away| away.reason != reason) {
            self.agents.set_away(agent, Some(Away::for_(reason)));
        }
    }

    /// What the last run knows.
    pub(super) fn restore_away(&mut self, agent: &AgentId, was: WasAway) {
        self.agents.set_away(agent, Some(was.into()));
    }

    /// An agent is about to do something else, or the same for another reason.
    pub(super) fn follow_away(
        &mut self,
        agent: &AgentId,
        (next, why): (&Activity, StateReason),
        at: Time,
    ) {
        if *next != Activity::NotReady && self.agents.away(agent).is_none() {
            return;
        }
        self.due.cancel(&Due::Away(agent.clone()));
        if !next.is_away() {
            self.agents.set_away(agent, None);
        }
        if *next == Activity::NotReady {
            let away = self.agents.away(agent).cloned();
            let mut away = away.unwrap_or_else(|| Away::for_(why.away()));
            away.since.get_or_insert(at);
            self.agents.set_away(agent, Some(away));
            self.watch_away(agent, at);
        }
    }

    /// Sets the timer of an agent who is not ready.
    pub(super) fn watch_away(&mut self, agent: &AgentId, at: Time) {
        self.due.cancel(&Due::Away(agent.clone()));
        let Some(away) = self.agents.away(agent).filter(|away| !away.over) else { return };
        let settings = away.reason.as_ref().and_then(|reason| self.plan.away.get(reason));
        if let Some(limit) = settings.and_then(AwaySettings::limit) {
            let left = limit.saturating_sub(away.before);
            self.due.set(Due::Away(agent.clone()), at.max(away.since.unwrap_or(at) + left));
        }
    }

    /// Who watches over the team must see it. It is theirs to decide what follows.
    pub(super) fn away_too_long(&mut self, turn: &mut Turn<'_>, agent: &AgentId) {
        let Some(away) = self.agents.away(agent).cloned() else { return };
        let settings = away.reason.as_ref().and_then(|reason| self.plan.away.get(reason));
        let limit = settings.and_then(AwaySettings::limit);
        if let (Some(reason), Some(limit)) = (away.reason.clone(), limit) {
            self.agents.set_away(agent, Some(Away { over: true, ..away }));
            let agent = agent.clone();
            turn.effects.push(AcdEffect::AwayTooLong { agent, away: reason, limit });
        }
    }
}
