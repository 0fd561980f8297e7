//! Between calls and the queue, and between agents' phones and the queue.

use std::net::SocketAddr;
use std::time::Duration;

use crate::acd::command::{AcdEffect, AcdInput, AgentChoice, ChoiceError};
use crate::call::command::QueueReturn;
use crate::call::recording::NotRecorded;
use crate::call::{Manner, QueueAction, Target, TransferError};
use crate::event::{AgentEvent, AgentState, Event, OfferOutcome, StateReason, TurnedAway};
use crate::id::{AgentId, AwayReason, CallId, QueueName};
use crate::media::command::Encryption;
use crate::sip::ListenerId;
use crate::sip::endpoint::Binding;
use crate::stats::Registration;
use crate::time::Time;

use super::io::{Output, Reply, Request, RequestId};
use super::{AgentPlan, Engine};

/// How long phones at fixed addresses are left alone once they could not be reached.
const SECOND_CHANCE: Duration = Duration::from_secs(60);

impl Engine {
    /// The only way in which anything changes the queue.
    pub(super) fn apply(&mut self, now: Time, input: AcdInput) {
        let effects = self.acd.apply(now, &self.wall, input);
        self.carry_out(now, effects);
    }

    pub(super) fn queue_action(&mut self, now: Time, call: CallId, action: QueueAction) {
        let input = match action {
            QueueAction::Enter { queue, skills, at_closing, since, again } => {
                let governed = self.calls.get(&call);
                let priority = governed.map(|one| one.call.priority()).unwrap_or_default();
                let prefers = governed.map(|one| one.call.prefers().to_vec()).unwrap_or_default();
                let last_agent = self.last_agent(now, call, &queue);
                AcdInput::Enter {
                    call,
                    queue,
                    skills,
                    prefers,
                    priority,
                    at_closing,
                    since,
                    again,
                    last_agent,
                }
            }
            QueueAction::Leave => AcdInput::Leave { call },
            QueueAction::Ringing(agent) => AcdInput::Ringing { call, agent },
            QueueAction::PickedUp(agent) => AcdInput::PickedUp { call, agent },
            QueueAction::Claim(agent) => AcdInput::Claim { call, agent },
            QueueAction::OfferFailed(agent, outcome) => {
                AcdInput::OfferFailed { call, agent, outcome }
            }
            QueueAction::TalkEnded(agent) => {
                self.conversation_over(now, call, &agent);
                AcdInput::TalkEnded { agent, call }
            }
            QueueAction::Hold(agent, held) => AcdInput::Hold { agent, call, held },
            QueueAction::Engage(agent) => {
                let queue = self.calls.get(&call).and_then(|one| one.call.queue_of().cloned());
                AcdInput::Engage { agent, call, queue }
            }
            QueueAction::Invite(agent, ring_for) => {
                AcdInput::Reserve { call, agent, queue: None, ring_for }
            }
            QueueAction::Attend(agent) => AcdInput::Engage { agent, call, queue: None },
        };
        self.apply(now, input);
    }

    pub(super) fn carry_out(&mut self, now: Time, effects: Vec<AcdEffect>) {
        for effect in effects {
            self.carry_out_effect(now, effect);
        }
    }

    fn carry_out_effect(&mut self, now: Time, effect: AcdEffect) {
        match effect {
            AcdEffect::Entered { call, queue, skills, own, place, first_at: _, moved_from: _ } => {
                let music = self.music(&queue);
                self.with_call(call, |call, _| {
                    call.queued(now, queue, (skills, own), place, music);
                });
            }
            AcdEffect::Relaxed { call, queue, skills, visit_at } => {
                self.with_call(call, |call, _| call.relaxed(now, queue, skills, visit_at));
            }
            AcdEffect::WaitsForAnybody { call, queue, agent, why, visit_at } => {
                self.with_call(call, |call, _| {
                    call.waits_for_anybody(now, queue, (agent, why), visit_at);
                });
            }
            AcdEffect::Returned { call, queue, why, had_entered, .. } => {
                let turned_away = self.why_not_taken(&queue, why).filter(|_| !had_entered);
                self.with_call(call, |call, _| {
                    if let Some(why) = turned_away {
                        call.turned_away(queue, why);
                    }
                    call.returned(now, why);
                });
            }
            AcdEffect::Offer { call, queue, agent, ring_for, decision } => {
                self.begin_callback(now, call);
                let phones = (self.manner(&agent), self.targets(&agent));
                let title = match self.plan.acd.queues.get(&queue) {
                    Some(queue) => queue.short_title.clone().unwrap_or_else(|| queue.title.clone()),
                    None => queue.to_string(),
                };
                let title = self.title_of(call, title);
                let preface = self.preface(now, call, &queue, &agent);
                self.with_call(call, |call, ids| {
                    call.preface(preface);
                    call.offer(now, ids, queue, agent, &title, phones, ring_for, decision);
                });
            }
            AcdEffect::CancelOffer { call, agent, outcome } => {
                self.with_call(call, |call, _| call.offer_withdrawn(now, &agent, outcome));
            }
            AcdEffect::Claimed { call, queue, agent, .. } => {
                // Whatever the flow asked meanwhile.
                self.stop_listening(call);
                let (music, shown) = (self.music(&queue), self.shown(&agent));
                match self.calls.contains_key(&call) {
                    true => self.with_call(call, |call, _| call.join(now, &agent, shown, music)),
                    false => self.apply(now, AcdInput::TalkEnded { agent, call }),
                }
            }
            AcdEffect::Reserved { call, agent, ring_for } => {
                self.reserved(now, call, agent, ring_for);
            }
            AcdEffect::ReserveRefused { call, agent, why } => {
                self.not_reserved(now, call, &agent, why);
            }
            AcdEffect::DirectClaimed { call, agent } => self.direct_claimed(now, call, agent),
            AcdEffect::ClaimRefused { call, agent } => {
                self.with_call(call, |call, _| {
                    call.offer_withdrawn(now, &agent, OfferOutcome::Withdrawn);
                });
            }
            AcdEffect::AgentChanged { agent, from, to, reason, by, lasted, away } => {
                // A phone at a fixed address never registers, so it gives no sign of being back.
                match to {
                    AgentState::Unreachable => {
                        let own = |plan: &AgentPlan| !plan.contacts.is_empty();
                        let fixed = self.plan.agents.get(&agent).is_some_and(own);
                        let phone = self.desks.of(&agent).and_then(|it| self.plan.phones.get(it));
                        let shared = phone.is_some_and(|phone| !phone.contacts.is_empty());
                        if fixed || shared {
                            self.second_chances.set(agent.clone(), now + SECOND_CHANCE);
                        }
                    }
                    AgentState::SignedOut
                    | AgentState::Ready
                    | AgentState::Reserved
                    | AgentState::Ringing
                    | AgentState::Talking
                    | AgentState::Hold
                    | AgentState::Consulting
                    | AgentState::WrapUp
                    | AgentState::NotReady => {
                        self.second_chances.cancel(&agent);
                    }
                }
                let lasted_us = u64::try_from(lasted.as_micros()).unwrap_or(u64::MAX);
                let event = AgentEvent::State { from, to, reason, by, lasted_us, away };
                self.record(now, Event::Agent { agent: agent.clone(), event });
                if to == AgentState::SignedOut {
                    self.stand_up(now, &agent);
                }
            }
            AcdEffect::AwayTooLong { agent, away, limit } => {
                let limit_us = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
                let event = AgentEvent::AwayTooLong { away, limit_us };
                self.record(now, Event::Agent { agent, event });
            }
            AcdEffect::ChoiceRefused { .. } => {}
        }
    }

    pub(super) fn music(&self, queue: &crate::id::QueueName) -> crate::id::PromptName {
        self.plan
            .acd
            .queues
            .get(queue)
            .map_or_else(|| "music/hold".into(), |queue| queue.music.clone())
    }

    // ---- agents ------------------------------------------------------------------------------

    /// Carries out an agent's choice, or says why it cannot be.
    pub(super) fn choose(
        &mut self,
        now: Time,
        agent: &AgentId,
        choice: AgentChoice,
        reason: StateReason,
        by: Option<String>,
    ) -> Result<(), ChoiceError> {
        let agent = agent.clone();
        self.chosen(now, AcdInput::Choose { agent, choice, reason, by, away: None })
    }

    /// The same for an agent who is to be not ready for a reason.
    pub(super) fn choose_away(
        &mut self,
        now: Time,
        agent: &AgentId,
        away: AwayReason,
        reason: StateReason,
        by: Option<String>,
    ) -> Result<(), ChoiceError> {
        let (agent, choice) = (agent.clone(), AgentChoice::NotReady);
        self.chosen(now, AcdInput::Choose { agent, choice, reason, by, away: Some(away) })
    }

    /// Applies what somebody chose, or says why it cannot be.
    pub(super) fn chosen(&mut self, now: Time, input: AcdInput) -> Result<(), ChoiceError> {
        let effects = self.acd.apply(now, &self.wall, input);
        let refused = effects.iter().find_map(|effect| match effect {
            AcdEffect::ChoiceRefused { error, .. } => Some(*error),
            AcdEffect::Entered { .. }
            | AcdEffect::Relaxed { .. }
            | AcdEffect::WaitsForAnybody { .. }
            | AcdEffect::Returned { .. }
            | AcdEffect::Offer { .. }
            | AcdEffect::CancelOffer { .. }
            | AcdEffect::Claimed { .. }
            | AcdEffect::Reserved { .. }
            | AcdEffect::ReserveRefused { .. }
            | AcdEffect::DirectClaimed { .. }
            | AcdEffect::ClaimRefused { .. }
            | AcdEffect::AgentChanged { .. }
            | AcdEffect::AwayTooLong { .. } => None,
        });
        self.carry_out(now, effects);
        refused.map_or(Ok(()), Err)
    }

    /// Why a queue does not take a call that has not waited in it.
    fn why_not_taken(&self, queue: &QueueName, why: QueueReturn) -> Option<TurnedAway> {
        match why {
            QueueReturn::Closed if !self.plan.acd.queues.contains_key(queue) => {
                Some(TurnedAway::UnknownQueue)
            }
            QueueReturn::Closed => Some(TurnedAway::Closed),
            QueueReturn::Full => Some(TurnedAway::Full),
            QueueReturn::NobodyOnDuty => Some(TurnedAway::NobodyOnDuty),
            QueueReturn::WaitedTooLong => None,
        }
    }

    pub(super) fn request(
        &mut self,
        now: Time,
        id: RequestId,
        actor: &str,
        own: bool,
        request: Request,
    ) {
        let reply = match request {
            Request::Agent { agent, choice } => {
                let reason = if own { StateReason::Own } else { StateReason::Supervisor };
                match self.choose(now, &agent, choice, reason, Some(actor.to_owned())) {
                    Ok(()) => Reply::Agent(self.acd.agent_state(&agent).unwrap_or_default()),
                    Err(error) => Reply::ChoiceRefused(error),
                }
            }
            Request::Away { agent, reason: away } => {
                let reason = if own { StateReason::Own } else { StateReason::Supervisor };
                match self.choose_away(now, &agent, away, reason, Some(actor.to_owned())) {
                    Ok(()) => Reply::Agent(self.acd.agent_state(&agent).unwrap_or_default()),
                    Err(error) => Reply::ChoiceRefused(error),
                }
            }
            Request::MoreTime { agent } => match self.more_time(now, &agent) {
                Ok(()) => Reply::Agent(self.acd.agent_state(&agent).unwrap_or_default()),
                Err(error) => Reply::ChoiceRefused(error),
            },
            Request::WrapUp { call, agent, verdict, note } => {
                self.wrap_up_request(now, (call, agent), (verdict, note), actor)
            }
            Request::Ban { source, lasts } => self.ban(now, source, lasts, actor),
            Request::LiftBan { source } => self.lift_ban(now, source, actor),
            Request::Bulletin { bulletin, on } => self.set_bulletin(now, bulletin, on, actor),
            Request::Message { message, change, agent } => {
                self.change_message(now, message, change, actor, agent.as_ref())
            }
            Request::CancelCallback { callback } => self.cancel_callback(now, callback, actor),
            Request::HangUp { call } if self.calls.contains_key(&call) => {
                let cause = crate::event::EndCause::SupervisorEnded;
                self.with_call(call, |call, _| call.end(now, cause));
                Reply::Done
            }
            Request::HangUp { .. } => Reply::UnknownCall,
            Request::Supervise { call, agent, mode } => {
                self.supervise_request(now, call, agent, mode, actor)
            }
            Request::SuperviseAs { call, agent, mode } => {
                let actor = Some(actor.to_owned());
                self.supervised(call, |call| call.supervise_as(agent.as_ref(), mode, actor))
            }
            Request::StopSupervising { call, agent } => {
                self.supervised(call, |call| call.stop_supervising(now, agent.as_ref()))
            }
            Request::Conference { call, agent } => {
                self.conference_request(now, call, agent.as_ref(), actor)
            }
            Request::PauseRecording { call, pause, agent } => {
                let by = Some(actor.to_owned());
                let paused = self.in_call(call, |call, _| {
                    let part = agent.is_none() || call.leg_of(agent.as_ref()).is_some();
                    part.then(|| call.pause_recording(now, pause, by))
                });
                match paused {
                    Some(Some(Ok(()))) => Reply::Done,
                    Some(Some(Err(NotRecorded))) => Reply::NotRecorded,
                    Some(None) => Reply::TransferRefused(TransferError::NotAnAgent),
                    None => Reply::UnknownCall,
                }
            }
            Request::Transfer { call, to, agent } => {
                self.transfer_request(now, call, &to, agent.as_ref(), actor)
            }
        };
        self.settle(now);
        self.out.push_back(Output::Reply { id, reply, after: self.seq });
    }

    /// In which manner they are rung.
    pub(super) fn manner(&self, agent: &AgentId) -> Manner {
        let next = self.plan.agents.get(agent).and_then(|agent| agent.next_phone);
        next.map_or(Manner::Together, Manner::InOrder)
    }

    /// An agent's phones: the shared one at which they sit, then fixed ones, then registered ones in the
    /// order of registration.
    pub(super) fn targets(&self, agent: &AgentId) -> Vec<Target> {
        let fixed = self.plan.agents.get(agent).map(|agent| agent.contacts.clone());
        let registered = self.registered_targets(agent.as_str(), self.plan.encryption_of(agent));
        let desk = self.desk_targets(agent).into_iter();
        desk.chain(fixed.unwrap_or_default()).chain(registered).collect()
    }

    /// The phones that have registered under a name.
    pub(super) fn registered_targets(&self, user: &str, encryption: Encryption) -> Vec<Target> {
        let registered = self.endpoint.bindings(user).iter().map(|binding| Target {
            uri: binding.contact.clone(),
            to: binding.source,
            listener: binding.listener,
            terms: self.plan.terms(encryption, binding.listener),
            trunk: None,
        });
        registered.collect()
    }

    pub(super) fn reachable(&mut self, now: Time, agent: AgentId) {
        let reachable = !self.targets(&agent).is_empty();
        self.apply(now, AcdInput::Reachable { agent, reachable });
    }

    pub(super) fn all_reachable(&mut self, now: Time) {
        let agents: Vec<AgentId> = self.plan.agents.keys().cloned().collect();
        for agent in agents {
            self.reachable(now, agent);
        }
    }

    // ---- registrations -----------------------------------------------------------------------

    pub(super) fn registered(&mut self, now: Time, user: &str, binding: &Binding) {
        let agent = AgentId::from(user);
        let event = AgentEvent::Registered {
            contact: binding.contact.clone(),
            source: binding.source.to_string(),
            listener: binding.listener.0,
            call_id: binding.call_id.clone(),
            cseq: binding.cseq,
            expires_at: self.wall.at(binding.expires_at),
        };
        self.record(now, Event::Agent { agent: agent.clone(), event });
        // A shared phone is a phone of whoever sits at it.
        let sitter = self.desks.at(user).cloned();
        self.reachable(now, sitter.unwrap_or(agent));
    }

    pub(super) fn unregistered(&mut self, now: Time, user: &str, contact: String, expired: bool) {
        let agent = AgentId::from(user);
        let event = AgentEvent::Unregistered { contact, expired };
        self.record(now, Event::Agent { agent: agent.clone(), event });
        // A shared phone is a phone of whoever sits at it.
        let sitter = self.desks.at(user).cloned();
        self.reachable(now, sitter.unwrap_or(agent));
    }

    /// A registration of the last run goes on if it has not ended meanwhile. One over a connection has:
    /// the phone notices and registers over a new one.
    pub(super) fn restore_registration(&mut self, now: Time, registration: Registration) {
        let Registration { agent, contact, source, listener, call_id, cseq, expires_at } =
            registration;
        let over = self.plan.endpoint.listeners.get(usize::from(listener));
        let known = (self.plan.agents.contains_key(&agent)
            || self.plan.phones.contains_key(agent.as_str()))
            && over.is_some_and(|listener| !listener.protocol.is_stream());
        let good = known && expires_at > self.wall.at(now);
        match source.parse::<SocketAddr>() {
            Ok(source) if good => self.endpoint.restore_binding(
                now,
                agent.as_str(),
                Binding {
                    contact,
                    source,
                    listener: ListenerId(listener),
                    call_id,
                    cseq,
                    expires_at: self.wall.when(expires_at),
                    instance: None,
                },
            ),
            Ok(_) | Err(_) => {
                let event = AgentEvent::Unregistered { contact, expired: true };
                self.record(now, Event::Agent { agent, event });
            }
        }
    }
}
