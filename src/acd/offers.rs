//! Offers: from the reservation of an agent to the claim, or to whatever else ends it.

use crate::call::command::LONGEST_PREFACE;
use crate::event::{OfferOutcome, StateReason};
use crate::id::{AgentId, CallId};

use super::agents::{Activity, Before, Engaged, OfferedBy};
use super::command::AcdEffect;
use super::{Acd, Due, LEASE_MARGIN, Turn, seconds, select};

impl Acd {
    /// Makes every pair that can be made.
    pub(super) fn make_offers(&mut self, turn: &mut Turn<'_>) {
        while let Some((call, wanted)) =
            select::next_call(&mut turn.fresh, &self.tickets, &self.agents)
        {
            let Some(ticket) = self.tickets.get(call) else { break };
            let queue = ticket.queue.clone();
            let settings = self.plan.queues.get(&queue);
            let by = (&queue, settings);
            let chosen = match wanted {
                Some(agent) => select::as_wanted(by, ticket, &self.agents, (agent, turn.at)),
                None => self.chooser.choose(by, ticket, &self.agents, turn.at),
            };
            let Some((agent, decision)) = chosen else { break };
            let ring_for = seconds(settings.map_or(0, |settings| settings.ring_s));
            self.tickets.offer_to(call, agent.clone());
            self.due.set(Due::Lease(agent.clone()), turn.at + ring_for + LEASE_MARGIN);
            let offered = Activity::Offered { call, ringing: false, from: OfferedBy::Queue };
            self.become_by_call(turn, &agent, offered);
            turn.effects.push(AcdEffect::Offer { call, queue, agent, ring_for, decision });
        }
    }

    /// Whether this very offer of a caller who waits is under way.
    fn is_offered(&self, call: CallId, agent: &AgentId) -> bool {
        self.tickets.get(call).is_some_and(|ticket| ticket.offers.contains(agent))
    }

    pub(super) fn ringing(&mut self, turn: &mut Turn<'_>, call: CallId, agent: &AgentId) {
        let Some(Activity::Offered { call: offered, from, .. }) = self.activity(agent) else {
            return;
        };
        if *offered == call {
            let ringing = Activity::Offered { call, ringing: true, from: from.clone() };
            self.become_by_call(turn, agent, ringing);
        }
    }

    pub(super) fn picked_up(&mut self, turn: &mut Turn<'_>, call: CallId, agent: &AgentId) {
        if !self.is_offered(call, agent) {
            return;
        }
        self.tickets.picked_up(call);
        self.withdraw_offers(turn, call, Some(agent), OfferOutcome::AnsweredElsewhere);
        self.due.set(Due::Lease(agent.clone()), turn.at + LONGEST_PREFACE + LEASE_MARGIN);
    }

    pub(super) fn claim(&mut self, turn: &mut Turn<'_>, call: CallId, agent: AgentId) {
        if self.is_rung_by_name(call, &agent) {
            return self.claim_direct(turn, call, agent);
        }
        if !self.is_offered(call, &agent) {
            turn.effects.push(AcdEffect::ClaimRefused { call, agent });
            return;
        }
        // Nobody else's claim can hold from here on.
        self.withdraw_offers(turn, call, Some(&agent), OfferOutcome::AnsweredElsewhere);
        let Some(ticket) = self.tickets.remove(call) else { return };
        self.due.cancel(&Due::Lease(agent.clone()));
        self.forget_timers(call);
        let queue = ticket.queue;
        turn.effects.push(AcdEffect::Claimed {
            call,
            queue: queue.clone(),
            agent: agent.clone(),
            first_at: ticket.first_at,
            visit_at: ticket.visit_at,
        });
        self.agents.has_answered(&agent, &queue, turn.at);
        self.paces.entry(queue.clone()).or_default().answered(turn.at);
        let engaged = Engaged::new(call, Some(queue), Before::Ready);
        self.become_by_call(turn, &agent, Activity::Engaged(engaged));
    }

    pub(super) fn offer_failed(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        agent: &AgentId,
        outcome: OfferOutcome,
    ) {
        if self.is_rung_by_name(call, agent) {
            return self.direct_failed(turn, agent, outcome);
        }
        if !self.is_offered(call, agent) {
            return;
        }
        let reason = match outcome {
            OfferOutcome::NoAnswer => StateReason::Rona,
            OfferOutcome::Rejected => StateReason::Refused,
            OfferOutcome::Unreachable => StateReason::Phone,
            // These come from here and not from the engine; should one arrive after all, the
            // reservation ends the offer.
            OfferOutcome::Accepted
            | OfferOutcome::CallerLeft
            | OfferOutcome::Withdrawn
            | OfferOutcome::AnsweredElsewhere => return,
        };
        let queue = self.tickets.get(call).and_then(|ticket| self.plan.queues.get(&ticket.queue));
        let not_ready_after = queue.map_or(1, |queue| queue.not_ready_after);
        self.unlink_offer(turn, call, agent);
        if outcome == OfferOutcome::Unreachable {
            self.agents.set_phone_failed(agent, true);
            self.become_so(turn, agent, Activity::Unreachable, reason, None);
        } else if outcome == OfferOutcome::NoAnswer
            && self.agents.left_unanswered(agent) < not_ready_after
        {
            // Behind everybody else who is free: another caller is not lost on an empty desk first.
            self.become_ready(turn, agent, reason, None);
        } else {
            self.agents.is_there(agent);
            self.become_so(turn, agent, Activity::NotReady, reason, None);
        }
    }

    /// The engine never told how the offer ended.
    pub(super) fn lease_over(&mut self, turn: &mut Turn<'_>, agent: &AgentId) {
        let Some(Activity::Offered { call, .. }) = self.activity(agent) else { return };
        let call = *call;
        let (agent_id, outcome) = (agent.clone(), OfferOutcome::Withdrawn);
        turn.effects.push(AcdEffect::CancelOffer { call, agent: agent_id, outcome });
        self.offer_failed(turn, call, agent, OfferOutcome::Unreachable);
    }

    /// Takes back the offers of a call, `except` for one agent's, through no fault of the agents, who are
    /// ready again with the same idle time.
    pub(super) fn withdraw_offers(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        except: Option<&AgentId>,
        outcome: OfferOutcome,
    ) {
        let Some(ticket) = self.tickets.get(call) else { return };
        for agent in ticket.offers.clone() {
            if except == Some(&agent) {
                continue;
            }
            self.unlink_offer(turn, call, &agent);
            turn.effects.push(AcdEffect::CancelOffer { call, agent: agent.clone(), outcome });
            if let Some(activity) = self.agents.get(&agent).map(|agent| agent.ready()) {
                self.become_by_call(turn, &agent, activity);
            }
        }
    }

    /// Takes back an agent's offer because the agent will not have it; a caller who waits keeps their
    /// place.
    pub(super) fn withdraw_from(&mut self, turn: &mut Turn<'_>, agent: &AgentId, call: CallId) {
        self.unlink_offer(turn, call, agent);
        let (agent, outcome) = (agent.clone(), OfferOutcome::Withdrawn);
        turn.effects.push(AcdEffect::CancelOffer { call, agent, outcome });
    }

    /// Parts a ticket from an agent that it is offered to: it can be offered to somebody else. The agent's
    /// activity is left to the caller of this function.
    fn unlink_offer(&mut self, turn: &mut Turn<'_>, call: CallId, agent: &AgentId) {
        self.due.cancel(&Due::Lease(agent.clone()));
        let picked_up = self.tickets.get(call).is_some_and(|ticket| ticket.is_picked_up());
        self.tickets.no_offer_to(call, agent);
        let Some(ticket) = self.tickets.get(call) else { return };
        if picked_up && !ticket.is_picked_up() {
            // The queue may have closed meanwhile.
            self.hours_read = None;
        }
        turn.fresh.needs.insert(ticket.need.clone());
        // They have had their chance.
        if ticket.waits_for.as_ref() == Some(agent) {
            self.no_longer_for(turn, call);
        }
    }
}
