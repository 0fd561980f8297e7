//! What is kept of each agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{AgentState, StateReason};
use crate::id::{AgentId, AwayReason, CallId, PhoneName};
use crate::time::UnixMicros;

use super::books::{Place, Stamp};
use super::figures::seconds;
use super::live::AgentLive;
use super::restore::{AwaySince, Registration};
use super::zone::Zone;

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct AgentBook {
    pub(super) name: String,
    pub(super) in_settings: bool,
    pub(super) state: AgentState,
    pub(super) since: Stamp,
    /// Whether the agent was not to be offered calls before the one under way, and will not be after
    /// it.
    #[serde(default)]
    resumes_not_ready: bool,
    /// For what the agent is not ready, now or after the call under way.
    pub(super) away: Option<AwaySince>,
    /// The day of which `away_us` is, by its first instant.
    day: UnixMicros,
    /// Time not ready on that day, in microseconds.
    away_us: BTreeMap<AwayReason, u64>,
    /// Up to when the time in this state is in the half hours' figures.
    accrued_to: Stamp,
    /// Whose call's work the next wrap-up is.
    pub(super) last_call: Option<Place>,
    /// The shared phone at which the agent sits.
    pub(super) desk: Option<PhoneName>,
    /// Phones, in the order in which they first registered.
    pub(super) registrations: Vec<Registration>,
}

/// Time that an agent spent in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) state: AgentState,
    /// For what, if it is not ready.
    pub(super) away: Option<AwayReason>,
    pub(super) from: UnixMicros,
    pub(super) to: UnixMicros,
}

impl Span {
    pub(super) fn lasted_us(&self) -> u64 {
        u64::try_from(self.to.0.saturating_sub(self.from.0)).unwrap_or(0)
    }
}

impl AgentBook {
    /// The settings have these agents from now on.
    pub(super) fn set(books: &mut BTreeMap<AgentId, Self>, agents: &[(AgentId, String)]) {
        for book in books.values_mut() {
            book.in_settings = false;
        }
        for (agent, name) in agents {
            let book = books.entry(agent.clone()).or_default();
            book.in_settings = true;
            book.name.clone_from(name);
        }
        books.retain(|_, book| book.is_known());
    }

    /// Takes in a change of state.
    pub(super) fn change(
        &mut self,
        (from, to): (AgentState, AgentState),
        why: StateReason,
        away: Option<&AwayReason>,
        stamp: Stamp,
    ) {
        self.state = to;
        self.resumes_not_ready = is_busy(to)
            && (from == AgentState::NotReady || is_busy(from) && self.resumes_not_ready);
        if to == AgentState::NotReady {
            // After a call by name, or a start, what was before goes on.
            let goes_on = self.away.take().filter(|before| match why {
                StateReason::Call | StateReason::Restored => {
                    away.is_none_or(|away| *away == before.reason)
                }
                StateReason::Own | StateReason::Supervisor => away == Some(&before.reason),
                StateReason::Rona
                | StateReason::Refused
                | StateReason::WrapUpOver
                | StateReason::Phone => false,
            });
            let begins = || {
                let reason = away.cloned().or_else(|| why.away());
                let reason = reason.unwrap_or_else(|| AwayReason::UNSAID.into());
                AwaySince { reason, since: stamp.at, over: false }
            };
            self.away = Some(goes_on.unwrap_or_else(begins));
        } else if !self.resumes_not_ready {
            self.away = None;
        }
    }

    /// The journal says that it is too long.
    pub(super) fn away_too_long(&mut self, reason: &AwayReason) {
        if let Some(away) = self.away.as_mut().filter(|away| away.reason == *reason) {
            away.over = true;
        }
    }

    /// What an agent who is busy with a call is after it; none for one who is not.
    pub(super) fn after_the_call(&self) -> Option<AgentState> {
        let after = if self.resumes_not_ready { AgentState::NotReady } else { AgentState::Ready };
        is_busy(self.state).then_some(after)
    }

    /// The time in the present state that is in no figure yet.
    pub(super) fn unaccrued(&self, now: &Stamp) -> Span {
        let lasted_us = i64::try_from(self.accrued_to.until(now)).unwrap_or(i64::MAX);
        let from = UnixMicros(now.at.0.saturating_sub(lasted_us));
        let away = self.away.as_ref().filter(|_| self.state == AgentState::NotReady);
        let away = away.map(|away| away.reason.clone());
        Span { state: self.state, away, from, to: now.at }
    }

    /// The same, taken as counted; time is counted on from `next`.
    pub(super) fn accrue(&mut self, now: &Stamp, next: Stamp, zone: &Zone) -> Span {
        let span = self.unaccrued(now);
        (self.day, self.away_us) = self.away_today(&span, zone);
        self.accrued_to = next;
        span
    }

    /// Time not ready on the day on which `span` ends, with it.
    fn away_today(&self, span: &Span, zone: &Zone) -> (UnixMicros, BTreeMap<AwayReason, u64>) {
        let (day, _) = zone.day(span.to);
        let mut away_us = if day == self.day { self.away_us.clone() } else { BTreeMap::new() };
        if let Some(reason) = span.away.clone() {
            let today = Span { from: span.from.max(day), ..span.clone() };
            *away_us.entry(reason).or_default() += today.lasted_us();
        }
        (day, away_us)
    }

    /// A phone registered or refreshed.
    pub(super) fn register(&mut self, registration: Registration) {
        match self.registrations.iter_mut().find(|known| known.contact == registration.contact) {
            Some(known) => *known = registration,
            None => self.registrations.push(registration),
        }
    }

    /// Whether anybody could still want to see this agent.
    pub(super) fn is_known(&self) -> bool {
        self.in_settings || self.state != AgentState::SignedOut || !self.registrations.is_empty()
    }

    pub(super) fn live(
        &self,
        agent: &AgentId,
        (call, wrap_up): (Option<CallId>, Option<CallId>),
        now: &Stamp,
        zone: &Zone,
    ) -> AgentLive {
        let away = self.away.as_ref().filter(|_| self.state == AgentState::NotReady);
        let (_, away_us) = self.away_today(&self.unaccrued(now), zone);
        let phones = self.registrations.iter().filter(|phone| phone.expires_at > now.at).count();
        AgentLive {
            agent: agent.clone(),
            name: if self.name.is_empty() { agent.to_string() } else { self.name.clone() },
            state: self.state,
            for_s: (self.since != Stamp::default()).then(|| seconds(self.since.until(now))),
            reason: away.map(|away| away.reason.clone()),
            over_limit: away.is_some_and(|away| away.over),
            not_ready_today_s: away_us.into_iter().map(|(it, us)| (it, seconds(us))).collect(),
            phones: phones as u64,
            desk: self.desk.clone(),
            call,
            wrap_up,
        }
    }
}

/// Whether a state follows from a call.
fn is_busy(state: AgentState) -> bool {
    match state {
        AgentState::Reserved
        | AgentState::Ringing
        | AgentState::Talking
        | AgentState::Hold
        | AgentState::Consulting
        | AgentState::WrapUp => true,
        AgentState::SignedOut
        | AgentState::Ready
        | AgentState::NotReady
        | AgentState::Unreachable => false,
    }
}
