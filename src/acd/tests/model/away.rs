//! Not ready, and for what: how many at once, and for how long.

use super::*;
use crate::acd::command::WasAway;

#[derive(Debug, Clone, Default)]
pub(in crate::acd::tests) struct Away {
    pub(in crate::acd::tests) reason: Option<AwayReason>,
    /// When it began; none before a call is over that comes first.
    since: Option<Time>,
    /// What it had lasted before the restart.
    before: Duration,
    told: bool,
    /// When it is too long, while the worker is not ready.
    until: Option<Time>,
}

impl Away {
    pub(super) fn for_(reason: Option<AwayReason>) -> Self {
        Away { reason, ..Away::default() }
    }
}

impl From<WasAway> for Away {
    fn from(was: WasAway) -> Self {
        let (before, told) = (was.lasted, was.over);
        Away { reason: Some(was.reason), before, told, ..Away::default() }
    }
}

impl Model {
    /// Whether a choice may be carried out as far as its reason goes, which is noted.
    pub(super) fn takes_leave(
        &mut self,
        agent: &AgentId,
        choice: AgentChoice,
        reason: Option<AwayReason>,
        own: bool,
    ) -> bool {
        if choice != AgentChoice::NotReady || self.worker(agent).state == AgentState::SignedOut {
            return true;
        }
        if let Some(reason) = &reason {
            let Some(settings) = self.reasons.get(reason).filter(|_| reason.can_be_chosen()) else {
                self.out.push(Seen::Refused(agent.clone(), ChoiceError::UnknownReason));
                return false;
            };
            let for_it = |other: &&Worker| {
                let theirs = other.away.as_ref().and_then(|away| away.reason.as_ref());
                other.id != *agent && theirs == Some(reason)
            };
            let others = self.workers.iter().filter(for_it).count();
            if own && settings.at_once.is_some_and(|most| others >= most) {
                self.out.push(Seen::Refused(agent.clone(), ChoiceError::TooManyAway));
                return false;
            }
        }
        let worker = self.worker(agent);
        if worker.away.as_ref().is_none_or(|away| away.reason != reason) {
            worker.away = Some(Away::for_(reason));
        }
        true
    }

    /// Whoever is not ready, or will be after a call, is away; whoever is not, is not.
    pub(super) fn follow_away(&mut self) {
        let at = self.at;
        for worker in &mut self.workers {
            let after = worker.then.unwrap_or(worker.before.0);
            let comes_back = if worker.calls.is_empty() {
                worker.direct.is_some() && worker.before.0 == AgentState::NotReady
            } else {
                after == AgentState::NotReady
            };
            let now = worker.state == AgentState::NotReady;
            if !now && !comes_back {
                worker.away = None;
            }
            if now {
                worker.away.get_or_insert_with(Away::default);
            }
            let Some(away) = &mut worker.away else { continue };
            if !now {
                away.until = None;
            } else if away.until.is_none() {
                let since = *away.since.get_or_insert(at);
                let limit_s = away.reason.as_ref().and_then(|reason| self.reasons[reason].limit_s);
                let left = limit_s.map(|s| secs(u64::from(s)).saturating_sub(away.before));
                away.until = left.map(|left| at.max(since + left)).filter(|_| !away.told);
            }
        }
    }

    pub(super) fn away_too_long(&mut self, agent: &AgentId) {
        if let Some(away) = &mut self.worker(agent).away {
            (away.told, away.until) = (true, None);
            if let Some(reason) = away.reason.clone() {
                self.out.push(Seen::AwayTooLong(agent.clone(), reason));
            }
        }
    }
}

impl Worker {
    pub(super) fn away_until(&self) -> Option<Time> {
        self.away.as_ref()?.until
    }
}
