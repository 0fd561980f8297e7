//! What is kept of each agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::AgentState;
use crate::id::{AgentId, CallId};
use crate::time::UnixMicros;

use super::books::{Place, Stamp};
use super::figures::seconds;
use super::live::AgentLive;
use super::restore::Registration;

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
    /// Up to when the time in this state is in the half hours' figures.
    accrued_to: Stamp,
    /// Whose call's work the next wrap-up is.
    pub(super) last_call: Option<Place>,
    /// Phones, in the order in which they first registered.
    pub(super) registrations: Vec<Registration>,
}

/// Time that an agent spent in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) state: AgentState,
    pub(super) from: UnixMicros,
    pub(super) to: UnixMicros,
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
    pub(super) fn change(&mut self, from: AgentState, to: AgentState) {
        self.state = to;
        self.resumes_not_ready = is_busy(to)
            && (from == AgentState::NotReady || is_busy(from) && self.resumes_not_ready);
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
        Span { state: self.state, from, to: now.at }
    }

    /// The same, taken as counted; time is counted on from `next`.
    pub(super) fn accrue(&mut self, now: &Stamp, next: Stamp) -> Span {
        let span = self.unaccrued(now);
        self.accrued_to = next;
        span
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
    ) -> AgentLive {
        let phones = self.registrations.iter().filter(|phone| phone.expires_at > now.at).count();
        AgentLive {
            agent: agent.clone(),
            name: if self.name.is_empty() { agent.to_string() } else { self.name.clone() },
            state: self.state,
            for_s: (self.since != Stamp::default()).then(|| seconds(self.since.until(now))),
            phones: phones as u64,
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
        | AgentState::Consulting
        | AgentState::WrapUp => true,
        AgentState::SignedOut
        | AgentState::Ready
        | AgentState::NotReady
        | AgentState::Unreachable => false,
    }
}
