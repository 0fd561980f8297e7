//! Handing a call on after asking first (RFC 5589 section 7): two calls of one agent become one. The
//! caller's call goes on; the one in which the agent asked ends.

use crate::event::{
    CallEvent, Caller, Destination, EndCause, Party, Peer, Purpose, TransferKind, TransferOutcome,
};
use crate::id::{AgentId, CallId, LegId, PromptName};
use crate::media::command as media;
use crate::time::Time;

use super::dial::MovingRing;
use super::leg::Leg;
use super::talk::Talk;
use super::transfer::Transfer;
use super::{Action, Call, State};

/// Somebody who leaves one call for another, with their leg.
#[derive(Debug)]
pub struct Moving {
    pub(super) who: Peer,
    pub(super) shown: Caller,
    pub(super) leg: Leg,
    pub(super) music: PromptName,
}

impl Moving {
    /// Their leg.
    pub fn leg(&self) -> LegId {
        self.leg.id
    }

    /// The agent who moves, if it is one.
    pub fn agent(&self) -> Option<&AgentId> {
        match &self.who {
            Peer::Agent(agent) => Some(agent),
            Peer::Outside(_) => None,
        }
    }
}

/// What an agent's second call has come to, for the first.
#[derive(Debug)]
pub enum Consulted {
    /// Somebody who has answered.
    Joined(Box<Moving>),
    /// Somebody who rings.
    Ringing(MovingRing),
    /// Neither: the call is handed on as if nobody had been asked.
    Nobody(Destination),
}

impl Call {
    /// Whether a caller rang a number of ours in this call: the one that goes on when two become
    /// one.
    pub fn is_callers(&self) -> bool {
        self.near.is_none()
    }

    /// When it arrived.
    pub fn arrived_at(&self) -> Time {
        self.arrived_at
    }

    /// Ends the call in which the agent on `leg` asked, and hands out whom they asked. None, and
    /// nothing has changed, if there is nobody who could be handed out.
    pub fn consulted(&mut self, now: Time, leg: LegId) -> Option<Consulted> {
        let consulted = match &self.state {
            State::Talking(_) => {
                self.take_other_side(now, leg).map(|moving| Consulted::Joined(Box::new(moving)))
            }
            State::Dialling(_) => self.take_ring(now).map(Consulted::Ringing),
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Ended => None,
        };
        let consulted = match (consulted, self.dialled.clone()) {
            (Some(consulted), _) => consulted,
            (None, Some(dialled)) if !matches!(self.state, State::Talking(_)) => {
                Consulted::Nobody(dialled)
            }
            (None, _) => return None,
        };
        self.end(now, EndCause::Merged);
        Some(consulted)
    }

    /// Takes out whoever the agent on `leg` talks with. None if that is a caller of their own, as two
    /// callers are not joined to each other, or more than one.
    fn take_other_side(&mut self, now: Time, leg: LegId) -> Option<Moving> {
        let State::Talking(talk) = &self.state else { return None };
        let agent_is_far = leg == talk.leg.id;
        if talk.guests.are_a_conference() || (agent_is_far && self.near.is_none()) {
            return None;
        }
        let State::Talking(mut talk) = std::mem::replace(&mut self.state, State::InFlow) else {
            return None;
        };
        self.dismiss(now, &mut talk);
        self.media(media::Command::Unbridge { leg });
        let (music, over) = (talk.music(), talk.segment(now, Party::Agent));
        self.record(over);
        let Talk { who, shown, leg, .. } = talk;
        if !agent_is_far {
            return Some(Moving { who, shown, leg, music });
        }
        // What is left of the call is the agent's leg, which its end hangs up.
        let moving = std::mem::replace(&mut self.caller_leg, leg);
        let other = self.near.replace(who)?;
        Some(Moving { who: other, shown: self.caller.clone(), leg: moving, music })
    }

    /// Somebody whom the agent on `leg` has asked takes the agent's place.
    pub fn take_up(&mut self, now: Time, leg: LegId, moving: Moving, consulted: CallId) {
        let Moving { who, shown, leg: new, music } = moving;
        let Some((by, talk)) = self.take_leaver(now, leg) else {
            // The engine has asked whether the call may be handed on.
            return self.drop_leg(new.id);
        };
        let to = match who.clone() {
            Peer::Agent(agent) => Destination::Agent(agent),
            Peer::Outside(number) => Destination::Outside(number),
        };
        self.attended(by, to, consulted);
        self.part(now, talk, Party::Agent);
        let talk = Talk::new(now, who, shown, new, music);
        self.connected(now, talk, Purpose::Transfer);
        self.record(CallEvent::TransferEnded { outcome: TransferOutcome::Completed });
    }

    /// Somebody whom the agent on `leg` is ringing is rung for this call instead.
    pub fn take_up_ringing(
        &mut self,
        now: Time,
        leg: LegId,
        moving: MovingRing,
        consulted: CallId,
        asked: bool,
        until: Time,
    ) {
        let Some((by, mut talk)) = self.take_leaver(now, leg) else {
            for leg in moving.legs() {
                self.drop_leg(leg);
            }
            return;
        };
        self.attended(by.clone(), moving.to().clone(), consulted);
        self.keep_waiting(now, &mut talk);
        let (asked_on, music) = (asked.then_some(leg), talk.music());
        let transfer = Transfer { by, leaver: Some(Box::new(talk)), asked_on, music };
        self.take_up_ring(moving, transfer);
        self.out.push(Action::Timer(super::CallTimer::Ring, Some(until)));
        self.expect_next_phone();
    }

    fn attended(&mut self, by: AgentId, to: Destination, consulted: CallId) {
        let (kind, actor) = (TransferKind::Attended { consulted }, None);
        self.record(CallEvent::TransferStarted { by, to, kind, actor });
    }
}
