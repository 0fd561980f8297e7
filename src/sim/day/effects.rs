//! What the queue wants done, carried out by models.

use crate::acd::command::{AcdEffect, AcdInput};
use crate::event::{AgentEvent, CallEvent, Decision, Event, OfferOutcome, Outcome};
use crate::id::{AgentId, CallId, LegId, QueueName};
use crate::time::Time;

use super::agenda::Moment;
use super::machine::{Machine, micros, place_of};
use super::{Fate, ModelCall};

/// What follows from effects.
#[derive(Default)]
pub(super) struct After {
    /// Who picks up at once, and for which call.
    answered: Vec<(CallId, AgentId)>,
    /// Whose phone has stopped ringing.
    freed: Vec<usize>,
}

impl Machine<'_> {
    pub(super) fn apply(&mut self, input: AcdInput) {
        let effects = self.acd.apply(self.now, &self.wall, input);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<AcdEffect>) {
        let mut after = After::default();
        self.tell(effects, &mut after);
        self.follow(after);
    }

    /// Carries effects out, and notes what follows from all of them.
    pub(super) fn tell(&mut self, effects: Vec<AcdEffect>, after: &mut After) {
        for effect in effects {
            match effect {
                AcdEffect::Entered { call, queue, first_at, skills, place, .. } => {
                    let call = place_of(call);
                    self.waits[call] = Some((queue.clone(), first_at));
                    let (first, episode) = (true, 1);
                    let entered = CallEvent::QueueEntered { queue, skills, first, episode, place };
                    self.write(call, entered);
                }
                AcdEffect::Relaxed { call, queue, skills, visit_at } => {
                    let visit_us = micros(self.now, visit_at);
                    self.write(place_of(call), CallEvent::Relaxed { queue, skills, visit_us });
                }
                AcdEffect::WaitsForAnybody { call, queue, agent, why, visit_at } => {
                    let visit_us = micros(self.now, visit_at);
                    let event = CallEvent::WaitsForAnybody { queue, agent, why, visit_us };
                    self.write(place_of(call), event);
                }
                AcdEffect::Returned { call, why, .. } => self.handed_back(place_of(call), why),
                AcdEffect::Offer { call, queue, agent, ring_for: _, decision } => {
                    let desk = self.by_name[&agent];
                    if self.desks[desk].goes_first(self.now_ms()) {
                        // A phone stopped ringing, and its agent had been waiting for that.
                        after.freed.push(desk);
                        continue;
                    }
                    self.is_offered(place_of(call), queue, desk, decision);
                    if self.rules.ring_ms == 0 {
                        after.answered.push((call, agent));
                    }
                }
                AcdEffect::CancelOffer { call, agent, outcome } => {
                    let desk = self.by_name[&agent];
                    self.offer_ends(place_of(call), desk, outcome);
                    self.desks[desk].work = None;
                    after.freed.push(desk);
                }
                AcdEffect::Claimed { call, queue, agent, first_at, visit_at } => {
                    let desk = self.by_name[&agent];
                    self.is_answered(place_of(call), queue, desk, (first_at, visit_at));
                }
                AcdEffect::AgentChanged { agent, from, to, reason, by, lasted, away } => {
                    let lasted_us = u64::try_from(lasted.as_micros()).unwrap_or(u64::MAX);
                    let event = AgentEvent::State { from, to, reason, by, lasted_us, away };
                    self.journal.write(self.now, &self.wall, Event::Agent { agent, event });
                }
                // Nobody here is rung by name, answers too late or chooses what cannot be; a break is as long
                // as it is planned.
                AcdEffect::AwayTooLong { .. }
                | AcdEffect::Reserved { .. }
                | AcdEffect::ReserveRefused { .. }
                | AcdEffect::DirectClaimed { .. }
                | AcdEffect::ClaimRefused { .. }
                | AcdEffect::ChoiceRefused { .. } => {}
            }
        }
    }

    /// What follows from effects when all of them are carried out.
    pub(super) fn follow(&mut self, after: After) {
        for (call, agent) in after.answered {
            self.apply(AcdInput::Claim { call, agent });
        }
        for agent in after.freed {
            if self.desks[agent].is_wanted_elsewhere() {
                self.is_free(agent);
            }
        }
    }

    fn is_offered(&mut self, call: usize, queue: QueueName, agent: usize, decision: Decision) {
        self.offers += 1;
        let (offer, id) = (self.offers, self.agent(agent));
        self.desks[agent].ringing = Some((offer, self.now));
        self.desks[agent].work = Some(call);
        let legs = vec![LegId(offer)];
        self.write(call, CallEvent::Offered { queue, agent: id, legs, decision });
        if self.rules.ring_ms > 0 {
            let answers_at = self.now_ms() + self.rules.ring_ms;
            self.agenda.add(answers_at, Moment::Answer { agent, offer });
        }
    }

    fn offer_ends(&mut self, call: usize, agent: usize, outcome: OfferOutcome) {
        let Some((_, since)) = self.desks[agent].ringing.take() else { return };
        let (agent, rang_us) = (self.agent(agent), micros(self.now, since));
        self.write(call, CallEvent::OfferEnded { agent, outcome, rang_us });
    }

    fn is_answered(
        &mut self,
        call: usize,
        queue: QueueName,
        agent: usize,
        (first_at, visit_at): (Time, Time),
    ) {
        let leg = LegId(self.desks[agent].ringing.map_or(0, |(offer, _)| offer));
        self.offer_ends(call, agent, OfferOutcome::Accepted);
        let ModelCall { arrive_ms, talk_ms, .. } = *self.calls[call];
        let (id, wait_us) = (self.agent(agent), micros(self.now, first_at));
        self.write(
            call,
            CallEvent::Joined {
                queue: queue.clone(),
                agent: id.clone(),
                leg,
                wait_us,
                visit_us: micros(self.now, visit_at),
                to_person_us: micros(self.now, Time::from_millis(arrive_ms)),
                episode: 1,
            },
        );
        if !self.calls[call].caller.is_empty() {
            self.last_agents.spoke(&self.calls[call].caller, &id, self.wall.at(self.now));
        }
        self.leaves(call, queue, Outcome::Answered, first_at);
        self.fates[call] = Some(Fate::Answered { wait_ms: wait_us / 1_000, agent: id });
        self.agenda.add(self.now_ms() + talk_ms, Moment::TalkEnd { agent });
    }
}
