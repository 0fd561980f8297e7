//! Offers: the phones of one agent, or of several at once, ring for one caller, who goes on hearing music.
//! Of several the first whose claim the queue confirms has the caller.

use std::time::Duration;

use crate::event::{CallEvent, Decision, OfferOutcome};
use crate::id::{AgentId, Entropy, QueueName};
use crate::media::command as media;
use crate::time::Time;

use super::leg::Leg;
use super::preface::{Preface, Prefacing};
use super::ring::{Display, Manner, Ringing, Target};
use super::{Action, Call, CallTimer, QueueAction, State, micros};

/// The phones of one agent ring.
#[derive(Debug)]
pub(super) struct Offering {
    pub(super) agent: AgentId,
    queue: QueueName,
    pub(super) ringing: Ringing,
    /// When they have rung long enough; or enough was said to whoever has picked up.
    pub(super) until: Time,
    /// What is said to whoever picks up.
    pub(super) preface: Preface,
    /// It is being said.
    pub(super) prefacing: Option<Prefacing>,
}

impl Call {
    /// Rings the phones of an agent for at most `ring_for`, beside those of others who are rung already.
    /// `title` is the queue's short name for the phone's display.
    #[allow(clippy::too_many_arguments)] // one effect of the queue, spelled out
    pub fn offer(
        &mut self,
        now: Time,
        ids: &mut Entropy,
        queue: QueueName,
        agent: AgentId,
        title: &str,
        (manner, targets): (Manner, Vec<Target>),
        ring_for: Duration,
        decision: Decision,
    ) {
        let mut offers = match std::mem::replace(&mut self.state, State::Queued) {
            State::Queued => Vec::new(),
            State::Offering(offers) => offers,
            other => {
                self.state = other;
                self.queue(QueueAction::OfferFailed(agent, OfferOutcome::Unreachable));
                return;
            }
        };
        let display = Display::new(Some(title), self.organisation.as_deref(), &self.caller);
        let ringing = Ringing::new(now, ids, targets, manner, display);
        let legs = ringing.leg_ids();
        self.record(CallEvent::Offered {
            queue: queue.clone(),
            agent: agent.clone(),
            legs: legs.clone(),
            decision,
        });
        let until = now + ring_for;
        let preface = std::mem::take(&mut self.preface);
        let prefacing = None;
        offers.push(Offering { agent: agent.clone(), queue, ringing, until, preface, prefacing });
        self.state = State::Offering(offers);
        if legs.is_empty() {
            return self.offer_over(now, &agent);
        }
        self.expect_end_of_ringing();
        self.expect_next_phone();
        for leg in legs {
            self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
        }
    }

    /// No phone of an agent took the call: the caller waits on, at the same place.
    pub(super) fn offer_over(&mut self, now: Time, agent: &AgentId) {
        let Some(offering) = self.take_offer(agent) else { return };
        let (outcome, _) = offering.ringing.result();
        self.finish_offer(now, &offering, outcome);
        self.queue(QueueAction::OfferFailed(offering.agent, outcome));
    }

    /// The phones of some have rung long enough.
    pub(super) fn offers_timed_out(&mut self, now: Time) {
        let State::Offering(offers) = &self.state else { return };
        if offers.iter().any(|one| one.until <= now && one.is_prefaced()) {
            return self.preface_over(now);
        }
        let over = offers.iter().filter(|one| one.until <= now && !one.ringing.has_answered());
        let over: Vec<AgentId> = over.map(|one| one.agent.clone()).collect();
        self.expect_end_of_ringing();
        for agent in over {
            self.offer_over(now, &agent);
        }
    }

    /// The queue takes back its offer, or whom it had reserved (closing time, the agent was signed
    /// out, somebody else answered first, a claim that came too late).
    pub fn offer_withdrawn(&mut self, now: Time, agent: &AgentId, outcome: OfferOutcome) {
        match self.take_offer(agent) {
            Some(offering) => self.finish_offer(now, &offering, outcome),
            None => self.reservation_withdrawn(now, agent),
        }
    }

    /// The claim holds: the phone that answered is taken out, the others stop ringing. None if no
    /// phone has answered: nothing changes then.
    pub(super) fn take_answered(&mut self, now: Time, agent: &AgentId) -> Option<(Leg, QueueName)> {
        let State::Offering(offers) = &mut self.state else { return None };
        let offering = offers.iter_mut().find(|one| one.agent == *agent)?;
        let leg = offering.ringing.take_answered()?;
        let offering = self.take_offer(agent)?;
        self.finish_offer(now, &offering, OfferOutcome::Accepted);
        // The queue has called the others off before it confirmed the claim; nobody rings on in any case.
        if let State::Offering(others) = std::mem::replace(&mut self.state, State::Queued) {
            self.finish_offers(now, others, OfferOutcome::AnsweredElsewhere);
        }
        Some((leg, offering.queue))
    }

    /// The call waits for nobody whom the queue has rung: all phones stop ringing.
    pub(super) fn finish_offers(
        &mut self,
        now: Time,
        offers: Vec<Offering>,
        outcome: OfferOutcome,
    ) {
        for offering in &offers {
            self.finish_offer(now, offering, outcome);
        }
    }

    /// Takes an agent's offer out. The caller waits, should it be the last.
    fn take_offer(&mut self, agent: &AgentId) -> Option<Offering> {
        let State::Offering(offers) = &mut self.state else { return None };
        let at = offers.iter().position(|one| one.agent == *agent)?;
        let offering = offers.remove(at);
        if offers.is_empty() {
            self.state = State::Queued;
        }
        Some(offering)
    }

    /// Stops whatever rings and writes how the offer ended.
    fn finish_offer(&mut self, now: Time, offering: &Offering, outcome: OfferOutcome) {
        self.stop_ringing(&offering.ringing, outcome);
        self.expect_end_of_ringing();
        let (agent, rang_us) = (offering.agent.clone(), micros(now - offering.ringing.since));
        self.record(CallEvent::OfferEnded { agent, outcome, rang_us });
        if outcome != OfferOutcome::Accepted && offering.greets() {
            self.greeted_in_vain();
        }
    }

    /// Sets the timer for the phones that have rung long enough first, or for what is said to whoever has
    /// picked up. Of those that have answered the queue decides.
    pub(super) fn expect_end_of_ringing(&mut self) {
        let State::Offering(offers) = &self.state else { return };
        let ring = offers.iter().filter(|one| !one.ringing.has_answered() || one.is_prefaced());
        if let Some(until) = ring.map(|one| one.until).min() {
            self.out.push(Action::Timer(CallTimer::Ring, Some(until)));
        }
    }
}
