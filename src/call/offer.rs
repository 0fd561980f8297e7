//! An offer: the phones of one agent ring for one caller, who goes on hearing music.

use std::time::Duration;

use crate::event::{CallEvent, Decision, OfferOutcome};
use crate::id::{AgentId, Entropy, QueueName};
use crate::media::command as media;
use crate::time::Time;

use super::leg::Leg;
use super::ring::{Display, Manner, Ringing, Target};
use super::{Action, Call, CallTimer, QueueAction, State, micros};

/// The phones of one agent ring.
#[derive(Debug)]
pub(super) struct Offering {
    pub(super) agent: AgentId,
    queue: QueueName,
    pub(super) ringing: Ringing,
}

impl Call {
    /// Rings the phones of an agent for at most `ring_for`. `title` is the queue's short name for
    /// the phone's display.
    #[allow(clippy::too_many_arguments)] // one effect of the queue, spelled out
    pub fn offer(
        &mut self,
        now: Time,
        ids: &mut Entropy,
        queue: QueueName,
        agent: AgentId,
        title: &str,
        targets: Vec<Target>,
        ring_for: Duration,
        decision: Decision,
    ) {
        if !matches!(self.state, State::Queued) {
            self.queue(QueueAction::OfferFailed(agent, OfferOutcome::Unreachable));
            return;
        }
        let display = Display::new(Some(title), self.organisation.as_deref(), &self.caller);
        let ringing = Ringing::new(now, ids, targets, Manner::Together, display);
        let legs = ringing.leg_ids();
        self.record(CallEvent::Offered {
            queue: queue.clone(),
            agent: agent.clone(),
            legs: legs.clone(),
            decision,
        });
        self.state = State::Offering(Offering { agent, queue, ringing });
        if legs.is_empty() {
            return self.offer_over(now);
        }
        self.out.push(Action::Timer(CallTimer::Ring, Some(now + ring_for)));
        for leg in legs {
            self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
        }
    }

    /// No phone took the call: the caller waits on, at the same place.
    pub(super) fn offer_over(&mut self, now: Time) {
        let State::Offering(offering) = std::mem::replace(&mut self.state, State::Queued) else {
            return;
        };
        let (outcome, _) = offering.ringing.result();
        let agent = offering.agent.clone();
        self.finish_offer(now, &offering, outcome);
        self.queue(QueueAction::OfferFailed(agent, outcome));
    }

    /// The queue takes back its offer, or whom it had reserved (closing time, the agent was signed
    /// out, a claim that came too late).
    pub fn offer_withdrawn(&mut self, now: Time, agent: &AgentId, outcome: OfferOutcome) {
        match std::mem::replace(&mut self.state, State::Queued) {
            State::Offering(offering) if offering.agent == *agent => {
                self.finish_offer(now, &offering, outcome);
            }
            other => {
                self.state = other;
                self.reservation_withdrawn(now, agent);
            }
        }
    }

    /// The claim holds: the phone that answered is taken out, the others stop ringing. None if no
    /// phone has answered: nothing changes then.
    pub(super) fn take_answered(&mut self, now: Time, agent: &AgentId) -> Option<(Leg, QueueName)> {
        let State::Offering(offering) = &mut self.state else { return None };
        if offering.agent != *agent {
            return None;
        }
        let leg = offering.ringing.take_answered()?;
        let State::Offering(offering) = std::mem::replace(&mut self.state, State::Queued) else {
            return None;
        };
        self.finish_offer(now, &offering, OfferOutcome::Accepted);
        Some((leg, offering.queue))
    }

    /// Stops whatever rings and writes how the offer ended.
    pub(super) fn finish_offer(&mut self, now: Time, offering: &Offering, outcome: OfferOutcome) {
        self.stop_ringing(&offering.ringing, outcome);
        let (agent, rang_us) = (offering.agent.clone(), micros(now - offering.ringing.since));
        self.record(CallEvent::OfferEnded { agent, outcome, rang_us });
    }
}
