//! Agents who are rung by name, and calls that no queue brought: a colleague rings, a transfer names
//! somebody, an agent dials.
//!
//! Such a call may reach anybody who is signed in and on no call. When it is over, or comes to
//! nothing, the agent does again what they did before.

use std::time::Duration;

use crate::event::{OfferOutcome, StateReason};
use crate::id::{AgentId, CallId, QueueName};

use super::agents::{Activity, Before, Engaged, OfferedBy};
use super::command::{AcdEffect, ReserveError};
use super::{Acd, Due, LEASE_MARGIN, Turn};

impl Acd {
    pub(super) fn reserve(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        agent: AgentId,
        queue: Option<QueueName>,
        ring_for: Duration,
    ) {
        let known = self.agents.get(&agent).filter(|known| known.has_phone && !known.gone);
        let before = match known.map(|known| &known.activity) {
            None | Some(Activity::SignedOut) => Err(ReserveError::Unavailable),
            Some(Activity::Engaged(engaged)) if engaged.before == Before::SignedOut => {
                Err(ReserveError::Unavailable)
            }
            Some(Activity::Offered { .. } | Activity::Engaged(_)) => Err(ReserveError::Busy),
            Some(Activity::NotReady) => Ok(Before::NotReady),
            Some(Activity::Ready | Activity::Unreachable) => Ok(Before::Ready),
            Some(Activity::WrapUp) => Ok(self.wrap_up_under_way(turn, &agent)),
        };
        match before {
            Ok(before) => {
                self.due.set(Due::Lease(agent.clone()), turn.at + ring_for + LEASE_MARGIN);
                let from = OfferedBy::Direct { queue, before };
                let offered = Activity::Offered { call, ringing: false, from };
                self.become_by_call(turn, &agent, offered);
                turn.effects.push(AcdEffect::Reserved { call, agent, ring_for });
            }
            Err(why) => turn.effects.push(AcdEffect::ReserveRefused { call, agent, why }),
        }
    }

    /// Whether this agent is being rung by name for this call.
    pub(super) fn is_rung_by_name(&self, call: CallId, agent: &AgentId) -> bool {
        matches!(
            self.activity(agent),
            Some(Activity::Offered { call: offered, from: OfferedBy::Direct { .. }, .. })
                if *offered == call
        )
    }

    pub(super) fn claim_direct(&mut self, turn: &mut Turn<'_>, call: CallId, agent: AgentId) {
        let Some((queue, before)) = self.rung_by_name(&agent) else { return };
        self.due.cancel(&Due::Lease(agent.clone()));
        turn.effects.push(AcdEffect::DirectClaimed { call, agent: agent.clone() });
        self.become_by_call(turn, &agent, Activity::Engaged(Engaged::new(call, queue, before)));
    }

    /// Nobody answered, or nobody wants an answer any more.
    pub(super) fn direct_failed(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        outcome: OfferOutcome,
    ) {
        let Some((_, before)) = self.rung_by_name(agent) else { return };
        self.due.cancel(&Due::Lease(agent.clone()));
        let reason = match outcome {
            OfferOutcome::Unreachable => {
                self.agents.set_phone_failed(agent, true);
                StateReason::Phone
            }
            OfferOutcome::Accepted
            | OfferOutcome::NoAnswer
            | OfferOutcome::Rejected
            | OfferOutcome::CallerLeft
            | OfferOutcome::Withdrawn
            | OfferOutcome::AnsweredElsewhere => StateReason::Call,
        };
        match before {
            // As ready as before, with the same idle time.
            Before::Ready => {
                let Some(activity) = self.agents.get(agent).map(|agent| agent.ready()) else {
                    return;
                };
                self.become_so(turn, agent, activity, reason, None);
            }
            Before::SignedOut | Before::NotReady | Before::WrapUp(_) => {
                self.resume(turn, agent, before);
            }
        }
    }

    fn rung_by_name(&self, agent: &AgentId) -> Option<(Option<QueueName>, Before)> {
        match self.activity(agent) {
            Some(Activity::Offered { from: OfferedBy::Direct { queue, before }, .. }) => {
                Some((queue.clone(), *before))
            }
            Some(
                Activity::SignedOut
                | Activity::NotReady
                | Activity::Ready
                | Activity::Unreachable
                | Activity::Offered { .. }
                | Activity::Engaged(_)
                | Activity::WrapUp,
            )
            | None => None,
        }
    }

    pub(super) fn engage(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        call: CallId,
        queue: Option<QueueName>,
    ) {
        let before = match self.activity(agent).cloned() {
            None => return,
            Some(Activity::Engaged(mut engaged)) => {
                engaged.calls.insert(call, queue);
                self.become_by_call(turn, agent, Activity::Engaged(engaged));
                return;
            }
            Some(Activity::Offered { call: offered, from, .. }) => {
                self.withdraw_from(turn, agent, offered);
                match from {
                    OfferedBy::Queue => Before::Ready,
                    OfferedBy::Direct { before, .. } => before,
                }
            }
            Some(Activity::SignedOut) => Before::SignedOut,
            Some(Activity::NotReady) => Before::NotReady,
            Some(Activity::Ready | Activity::Unreachable) => Before::Ready,
            Some(Activity::WrapUp) => self.wrap_up_under_way(turn, agent),
        };
        self.become_by_call(turn, agent, Activity::Engaged(Engaged::new(call, queue, before)));
    }

    pub(super) fn hold(&mut self, turn: &mut Turn<'_>, agent: &AgentId, call: CallId, held: bool) {
        let Some(Activity::Engaged(engaged)) = self.activity(agent) else { return };
        if engaged.calls.contains_key(&call) && engaged.held.contains(&call) != held {
            let mut engaged = engaged.clone();
            match held {
                true => drop(engaged.held.insert(call)),
                false => drop(engaged.held.remove(&call)),
            }
            self.become_by_call(turn, agent, Activity::Engaged(engaged));
        }
    }

    pub(super) fn moved(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        from: CallId,
        to: CallId,
        queue: Option<QueueName>,
    ) {
        match self.activity(agent).cloned() {
            Some(Activity::Engaged(mut engaged)) => {
                if let Some(owed) = engaged.calls.remove(&from) {
                    engaged.held.remove(&from);
                    engaged.calls.insert(to, queue.or(owed));
                    self.become_by_call(turn, agent, Activity::Engaged(engaged));
                }
            }
            Some(Activity::Offered { call, ringing, from: OfferedBy::Direct { before, .. } })
                if call == from =>
            {
                let from = OfferedBy::Direct { queue, before };
                self.become_by_call(turn, agent, Activity::Offered { call: to, ringing, from });
            }
            // Too late: whatever it was is over.
            Some(
                Activity::SignedOut
                | Activity::NotReady
                | Activity::Ready
                | Activity::Unreachable
                | Activity::Offered { .. }
                | Activity::WrapUp,
            )
            | None => {}
        }
    }

    fn wrap_up_under_way(&self, turn: &Turn<'_>, agent: &AgentId) -> Before {
        Before::WrapUp(self.due.get(&Due::WrapUp(agent.clone())).unwrap_or(turn.at))
    }
}
