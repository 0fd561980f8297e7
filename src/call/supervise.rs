//! A supervisor in a conversation: listens, whispers to the adviser, or speaks to both. What the
//! supervisor's phone sends is heard as far as the mixer lets it be, and nowhere else.

use std::time::Duration;

use crate::event::{CallEvent, Caller, OfferOutcome, Peer, Supervision};
use crate::id::{AgentId, Entropy, LegId};
use crate::media::command as media;
use crate::time::Time;

use super::guest::{Guest, Invited, Role};
use super::ring::{Display, Manner, Ringing, Target};
use super::{Action, Call, CallTimer, QueueAction, State};

/// Somebody is to be let into a conversation.
#[derive(Debug)]
pub struct Supervise {
    /// The supervisor.
    pub agent: AgentId,
    /// As what.
    pub mode: Supervision,
    /// Who asked, for the journal.
    pub actor: String,
    /// The supervisor's phones.
    pub targets: Vec<Target>,
    /// How the supervisor is shown to others.
    pub shown: Caller,
    /// For how long the phones ring.
    pub ring_for: Duration,
}

/// Why a conversation cannot be supervised so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum SuperviseError {
    /// Nobody talks in the call.
    #[error("the call is not a conversation: there is nothing to listen to")]
    NotTalking,
    /// No adviser is in it.
    #[error("no adviser is part of the conversation")]
    NoAdviser,
    /// The supervisor is part of it already, or is being rung for it.
    #[error("the supervisor is part of the call already")]
    Present,
    /// Another supervisor is being rung, or as many as may be are there.
    #[error("nobody else can be let in now")]
    Full,
    /// The supervisor has no phone that can be rung.
    #[error("no phone of the supervisor can be rung")]
    NoPhone,
    /// The supervisor is on another call.
    #[error("the supervisor is on another call")]
    Busy,
    /// No such supervisor is in the conversation.
    #[error("no such supervisor is in the conversation")]
    Absent,
}

impl Call {
    /// Rings a supervisor, who is in the conversation from the answer on.
    pub fn supervise(
        &mut self,
        now: Time,
        ids: &mut Entropy,
        wanted: Supervise,
    ) -> Result<(), SuperviseError> {
        let adviser = self.leg_of(None);
        let Supervise { agent, mode, actor, targets, shown, ring_for } = wanted;
        let present = self.has_agent(&agent);
        let State::Talking(talk) = &mut self.state else { return Err(SuperviseError::NotTalking) };
        if adviser.is_none() {
            return Err(SuperviseError::NoAdviser);
        }
        if present {
            return Err(SuperviseError::Present);
        }
        if talk.guests.invited.is_some() || talk.guests.are_most() {
            return Err(SuperviseError::Full);
        }
        if targets.is_empty() {
            return Err(SuperviseError::NoPhone);
        }
        let title = match mode {
            Supervision::Listen => "Listen",
            Supervision::Whisper => "Whisper",
            Supervision::Barge => "Join",
        };
        let display = Display::new(Some(title), self.organisation.as_deref(), &self.caller);
        let ringing = Ringing::new(now, ids, targets, Manner::Together, display);
        let legs = ringing.leg_ids();
        let invited = Invited { agent: agent.clone(), mode, shown, ringing };
        talk.guests.invited = Some(Box::new(invited));
        self.queue(QueueAction::Invite(agent.clone(), ring_for));
        self.record(CallEvent::SupervisorAsked { agent, mode, actor, legs: legs.clone() });
        self.out.push(Action::Timer(CallTimer::Ring, Some(now + ring_for)));
        for leg in legs {
            self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
        }
        Ok(())
    }

    /// Whether an agent is part of the conversation, or is being rung to be.
    pub fn has_agent(&self, agent: &AgentId) -> bool {
        let State::Talking(talk) = &self.state else { return false };
        let there = talk.guests.there.iter().map(|guest| &guest.who);
        let named = |peer: &Peer| matches!(peer, Peer::Agent(who) if who == agent);
        there.chain([&talk.who]).chain(&self.near).any(named) || self.invites(agent)
    }

    /// A supervisor does something else from now on; whichever is there, if none is named.
    pub fn supervise_as(
        &mut self,
        agent: Option<&AgentId>,
        mode: Supervision,
        actor: Option<String>,
    ) -> Result<(), SuperviseError> {
        let State::Talking(talk) = &mut self.state else { return Err(SuperviseError::NotTalking) };
        let guest = talk.guests.there.iter_mut().find(|guest| guest.is_supervisor(agent));
        let Some(Guest { who: Peer::Agent(agent), role, .. }) = guest else {
            return Err(SuperviseError::Absent);
        };
        if *role != Role::Supervisor(mode) {
            *role = Role::Supervisor(mode);
            let agent = agent.clone();
            self.record(CallEvent::SupervisorChanged { agent, mode, actor });
            self.together();
        }
        Ok(())
    }

    /// A supervisor leaves, or is no longer rung; whichever there is, if none is named.
    pub fn stop_supervising(
        &mut self,
        now: Time,
        agent: Option<&AgentId>,
    ) -> Result<(), SuperviseError> {
        let State::Talking(talk) = &mut self.state else { return Err(SuperviseError::NotTalking) };
        if let Some(guest) = talk.guests.take(|guest| guest.is_supervisor(agent)) {
            self.see_off(now, guest);
            self.less_company(now);
            return Ok(());
        }
        let invited = talk
            .guests
            .invited
            .take_if(|invited| agent.is_none_or(|agent| *agent == invited.agent));
        let invited = invited.ok_or(SuperviseError::Absent)?;
        self.uninvite(*invited, OfferOutcome::Withdrawn);
        Ok(())
    }

    /// A key on a supervisor's phone: 1 listens, 2 whispers, 3 speaks. False if it was not a
    /// supervisor's.
    pub(super) fn supervisor_key(
        &mut self,
        now: Time,
        leg: LegId,
        key: media::Key,
        told: media::Told,
    ) -> bool {
        let State::Talking(talk) = &mut self.state else { return false };
        let guest = talk.guests.there.iter_mut().find(|guest| guest.leg.id == leg);
        let Some(Guest { who: Peer::Agent(agent), role: Role::Supervisor(_), leg, .. }) = guest
        else {
            return false;
        };
        let mode = match key.as_char() {
            '1' => Some(Supervision::Listen),
            '2' => Some(Supervision::Whisper),
            '3' => Some(Supervision::Barge),
            _ => None,
        };
        if leg.keypad.pressed(now, key, told)
            && let Some(mode) = mode
        {
            let agent = agent.clone();
            // They are there.
            let _ = self.supervise_as(Some(&agent), mode, None);
        }
        true
    }

    /// The supervisor who was rung has answered.
    pub(super) fn supervisor_answered(&mut self, now: Time) {
        let State::Talking(talk) = &mut self.state else { return };
        let Some(invited) = talk.guests.invited.take() else { return };
        let Invited { agent, mode, shown, mut ringing } = *invited;
        let Some(leg) = ringing.take_answered() else { return };
        let (id, negotiated) = (leg.id, leg.negotiated.clone());
        let (who, role) = (Peer::Agent(agent.clone()), Role::Supervisor(mode));
        talk.guests.there.push(Guest { who, shown, leg, role, since: now });
        self.stop_ringing(&ringing, OfferOutcome::Accepted);
        if let Some(negotiated) = negotiated {
            self.media(media::Command::Negotiate { leg: id, negotiated: *negotiated });
        }
        self.queue(QueueAction::Attend(agent.clone()));
        self.record(CallEvent::SupervisorJoined { agent, mode, leg: id });
        self.together();
    }

    /// No phone of the supervisor's took the call.
    pub(super) fn supervisor_over(&mut self) {
        let State::Talking(talk) = &mut self.state else { return };
        if let Some(invited) = talk.guests.invited.take() {
            self.uninvite(*invited, OfferOutcome::NoAnswer);
        }
    }

    /// A supervisor is no longer rung.
    pub(super) fn uninvite(&mut self, invited: Invited, outcome: OfferOutcome) {
        self.stop_ringing(&invited.ringing, outcome);
        self.queue(QueueAction::OfferFailed(invited.agent.clone(), outcome));
        self.record(CallEvent::SupervisorLeft { agent: invited.agent, present_us: 0 });
    }

    /// Whether this agent's phones ring, for them to be part of the conversation.
    pub fn invites(&self, agent: &AgentId) -> bool {
        let State::Talking(talk) = &self.state else { return false };
        talk.guests.invited.as_ref().is_some_and(|invited| invited.agent == *agent)
    }

    /// Whoever was reserved to be rung is not any more: signed out, say.
    pub(super) fn invitation_withdrawn(&mut self, agent: &AgentId) {
        let State::Talking(talk) = &mut self.state else { return };
        if let Some(invited) = talk.guests.invited.take_if(|invited| invited.agent == *agent) {
            self.uninvite(*invited, OfferOutcome::Withdrawn);
        }
    }
}

impl Guest {
    /// Whether it is a supervisor, and the one who is named, if one is.
    fn is_supervisor(&self, agent: Option<&AgentId>) -> bool {
        let named = match &self.who {
            Peer::Agent(who) => agent.is_none_or(|agent| agent == who),
            Peer::Outside(_) => false,
        };
        named && matches!(self.role, Role::Supervisor(_))
    }
}
