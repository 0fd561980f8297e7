//! Handing a call on without asking first (RFC 3515, RFC 5589 section 6).
//!
//! The caller hears music, and the agent who hands the call on stays until somebody answers or the
//! agent's phone hangs up. If nobody answers, caller and agent are together again; an agent who has
//! hung up is rung back; and if nobody answers there either, the caller goes back to the queue that
//! they came from, before everybody who came later, or to the number's flow.

use crate::call::command::{AtClosing, Notice, QueueReturn};
use crate::event::{CallEvent, Destination, Party, Peer, Purpose, TransferKind, TransferOutcome};
use crate::id::{AgentId, LegId, PromptName};
use crate::media::command as media;
use crate::time::Time;

use super::dial::{Dialling, Goal};
use super::talk::Talk;
use super::{Action, AfterCall, Call, QueueAction, SipAction, State};

/// A transfer under way.
#[derive(Debug)]
pub(super) struct Transfer {
    /// Who hands the call on.
    pub(super) by: AgentId,
    /// Their side of the conversation, until they hang up.
    pub(super) leaver: Option<Box<Talk>>,
    /// The leg whose phone is told how it goes (NOTIFY).
    pub(super) asked_on: Option<LegId>,
    /// What the caller hears meanwhile.
    pub(super) music: PromptName,
}

/// Why a call cannot be handed on from a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum TransferError {
    /// No conversation is under way on it.
    #[error("the call is not a conversation: nobody is there who could hand it on")]
    NotTalking,
    /// Whoever is there is not an agent.
    #[error("only an agent can hand a call on")]
    NotAnAgent,
    /// It is being handed on already.
    #[error("the call is being handed on already")]
    UnderWay,
}

impl TransferError {
    /// The SIP status that says so.
    pub fn status(self) -> u16 {
        match self {
            TransferError::NotTalking => 480,
            TransferError::NotAnAgent => 403,
            TransferError::UnderWay => 491,
        }
    }
}

impl Call {
    /// The agent on a leg who could hand the call on now.
    pub fn may_transfer(&self, leg: LegId) -> Result<AgentId, TransferError> {
        match &self.state {
            // Who of the others would be handed on?
            State::Talking(talk) if talk.guests.are_a_conference() => Err(TransferError::UnderWay),
            State::Talking(talk) => self.agent_at(talk, leg).ok_or(TransferError::NotAnAgent),
            State::Dialling(dialling) => Err(match &dialling.goal {
                Goal::Transfer(_) | Goal::Recall => TransferError::UnderWay,
                Goal::OwnCall { .. } | Goal::CallBack | Goal::Flow(_) => TransferError::NotTalking,
            }),
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Ended => Err(TransferError::NotTalking),
        }
    }

    fn agent_at(&self, talk: &Talk, leg: LegId) -> Option<AgentId> {
        match &self.near {
            Some(Peer::Agent(agent)) if leg == self.caller_leg.id => Some(agent.clone()),
            Some(_) | None => talk.agent().filter(|_| leg == talk.leg.id).cloned(),
        }
    }

    /// The leg of an agent in a conversation; of whichever agent can hand the call on, if none is
    /// named.
    pub fn leg_of(&self, agent: Option<&AgentId>) -> Option<LegId> {
        let State::Talking(talk) = &self.state else { return None };
        [talk.leg.id, self.caller_leg.id].into_iter().find(|leg| {
            let found = self.agent_at(talk, *leg);
            found.is_some() && agent.is_none_or(|agent| found.as_ref() == Some(agent))
        })
    }

    /// Takes the side of a conversation out that leaves the call. Whom an agent has rung becomes the
    /// call's own side when it is that agent who leaves.
    pub(super) fn take_leaver(&mut self, now: Time, leg: LegId) -> Option<(AgentId, Talk)> {
        let State::Talking(talk) = &self.state else { return None };
        let agent = self.agent_at(talk, leg)?;
        let State::Talking(mut talk) = std::mem::replace(&mut self.state, State::InFlow) else {
            return None;
        };
        if leg == self.caller_leg.id {
            let over = talk.segment(now, Party::Agent);
            self.record(over);
            std::mem::swap(&mut self.caller_leg, &mut talk.leg);
            std::mem::swap(&mut self.caller, &mut talk.shown);
            let far = std::mem::replace(&mut talk.who, Peer::Agent(agent.clone()));
            self.near = Some(far);
            let (to, purpose) = (talk.who.clone(), Purpose::OwnCall);
            self.record(CallEvent::Connected { to, leg, purpose });
        }
        Some((agent, talk))
    }

    /// Hands the call on. `leg` is the agent's ([`Call::may_transfer`]); its phone is told how it
    /// goes if it `asked` for it by REFER.
    pub fn transfer(
        &mut self,
        now: Time,
        leg: LegId,
        to: Destination,
        asked: bool,
        actor: Option<String>,
    ) {
        let Some((by, mut talk)) = self.take_leaver(now, leg) else { return };
        let kind = TransferKind::Blind;
        self.record(CallEvent::TransferStarted { by: by.clone(), to: to.clone(), kind, actor });
        self.keep_waiting(now, &mut talk);
        let (asked_on, music) = (asked.then_some(leg), talk.music());
        let transfer = Transfer { by, leaver: Some(Box::new(talk)), asked_on, music };
        match to {
            Destination::Agent(agent) => self.dial(Peer::Agent(agent), Goal::Transfer(transfer)),
            Destination::Outside(number) => {
                self.dial(Peer::Outside(number), Goal::Transfer(transfer));
            }
            Destination::Queue(queue) => {
                let to = Destination::Queue(queue.clone());
                let dialling = Dialling::asking(to, Goal::Transfer(transfer));
                self.state = State::Dialling(Box::new(dialling));
                let (skills, at_closing) = (Vec::new(), AtClosing::Serve);
                let (since, again) = (self.first_entered_at, false);
                self.queue(QueueAction::Enter { queue, skills, at_closing, since, again });
            }
            Destination::Flow(flow) => {
                self.let_go(now, transfer);
                self.state = State::InFlow;
                self.after_call = AfterCall::Ends;
                self.record(CallEvent::TransferEnded { outcome: TransferOutcome::Completed });
                self.recording.flow = Some(flow.clone());
                self.out.push(Action::Flow(flow));
            }
        }
    }

    /// The transfer has worked: whoever handed the call on is free.
    pub(super) fn let_go(&mut self, now: Time, transfer: Transfer) {
        if let Some(leg) = transfer.asked_on {
            self.sip(SipAction::NotifyRefer(leg, 200));
        }
        if let Some(talk) = transfer.leaver {
            self.part(now, *talk, Party::Agent);
        }
    }

    /// The queue has taken the call, if that is what it was asked for.
    pub(super) fn taken_by_queue(&mut self, now: Time) {
        let Some(dialling) = self.take_dialling() else { return };
        match dialling.goal {
            Goal::Transfer(transfer) => {
                self.let_go(now, transfer);
                self.record(CallEvent::TransferEnded { outcome: TransferOutcome::Completed });
            }
            Goal::OwnCall { .. } | Goal::Recall | Goal::CallBack | Goal::Flow(_) => {}
        }
    }

    /// The queue does not take the call.
    pub(super) fn not_taken(&mut self, now: Time, why: QueueReturn) {
        let Some(dialling) = self.take_dialling() else { return };
        let status = match why {
            QueueReturn::Full => 486,
            QueueReturn::Closed | QueueReturn::WaitedTooLong | QueueReturn::NobodyOnDuty => 480,
        };
        self.dial_failed(now, dialling.goal, TransferOutcome::NotTaken, status);
    }

    /// Nobody takes the call: back to the agent, who may have to be rung.
    pub(super) fn transfer_failed(
        &mut self,
        now: Time,
        transfer: Transfer,
        outcome: TransferOutcome,
        status: u16,
    ) {
        let Transfer { by, leaver, asked_on, music } = transfer;
        self.record(CallEvent::TransferEnded { outcome });
        if let Some(leg) = asked_on {
            self.sip(SipAction::NotifyRefer(leg, status));
        }
        match leaver {
            Some(talk) => self.go_on(now, *talk),
            None => {
                // Whom they were to be connected with may have been heard meanwhile.
                self.media(media::Command::Music { leg: self.caller_leg.id, music });
                self.dial(Peer::Agent(by), Goal::Recall);
            }
        }
    }

    /// Nobody is there any more: back to where the caller came from.
    pub(super) fn give_back(&mut self) {
        self.state = State::InFlow;
        match self.last_visit.clone() {
            Some((queue, skills)) => {
                let (at_closing, since) = (AtClosing::Serve, self.first_entered_at);
                let again = true;
                self.queue(QueueAction::Enter { queue, skills, at_closing, since, again });
            }
            None => self.out.push(Action::Notify(Notice::CameBack)),
        }
    }
}
