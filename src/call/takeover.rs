//! INVITE with Replaces (RFC 3891): an agent's conversation goes on on another phone, the agent's own
//! or a colleague's. The former phone is hung up once the new one has acknowledged its answer, so
//! that the other side is never without anybody.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::event::{CallEvent, Caller, Party, Peer, Purpose};
use crate::id::{AgentId, LegId};
use crate::media::command as media;
use crate::sdp::Keyring;
use crate::time::Time;

use super::leg::{Leg, Stage};
use super::talk::Talk;
use super::{Call, QueueAction, SipAction, State};

/// A phone that wants a conversation of another one.
#[derive(Debug)]
pub struct Takeover {
    /// The new leg.
    pub leg: LegId,
    /// Where its signalling comes from.
    pub source: IpAddr,
    /// Its SDP; none for a late offer.
    pub offer: Option<Bytes>,
    /// Its keys, and on what terms it has some.
    pub keyring: Keyring,
    /// The leg whose place it takes.
    pub replaces: LegId,
    /// Whose phone it is.
    pub agent: AgentId,
    /// How they are shown to others.
    pub shown: Caller,
}

/// The same, while its leg comes up.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) leg: Leg,
    offer: Option<Bytes>,
    replaces: LegId,
    agent: AgentId,
    shown: Caller,
}

impl Call {
    /// Begins to take over. False if there is no conversation of an agent on that leg, or another
    /// phone is taking over: nothing has changed then.
    pub fn take_over(&mut self, takeover: Takeover) -> bool {
        let Takeover { leg, source, offer, keyring, replaces, agent, shown } = takeover;
        if self.may_transfer(replaces).is_err() || self.pending.is_some() {
            return false;
        }
        let new = Leg::opening(leg, source, keyring);
        self.pending = Some(Pending { leg: new, offer, replaces, agent, shown });
        self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
        true
    }

    /// Whether a leg is one that is about to take over.
    pub(super) fn is_pending(&self, leg: LegId) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.leg.id == leg)
    }

    /// Its ports are open: answer.
    pub(super) fn pending_opened(&mut self, leg: LegId, local: SocketAddr) {
        let other = self.beside(leg);
        let Some(pending) = &mut self.pending else { return };
        pending.leg.opened(local);
        let described = match pending.offer.take() {
            Some(offer) => pending.leg.answer(&offer, other.as_deref()).ok(),
            None => pending.leg.offer(other.as_deref()),
        };
        match described {
            Some(sdp) => {
                pending.leg.stage = Stage::Answered;
                self.sip(SipAction::Answer(leg, sdp));
            }
            None => self.drop_pending(488),
        }
    }

    /// It does not come up after all; the conversation goes on where it was.
    pub(super) fn drop_pending(&mut self, status: u16) {
        if let Some(pending) = self.pending.take() {
            self.sip(SipAction::Reject(pending.leg.id, status));
            self.drop_leg(pending.leg.id);
        }
    }

    /// Its answer was acknowledged: it takes the place of the other leg, if there is a conversation
    /// on that still.
    pub(super) fn pending_up(&mut self, now: Time) {
        let Some(pending) = self.pending.take() else { return };
        let Pending { mut leg, replaces, agent, shown, .. } = pending;
        let (Ok(former), true) = (self.may_transfer(replaces), leg.negotiated.is_some()) else {
            return self.drop_leg(leg.id);
        };
        leg.stage = Stage::Up;
        let same = former == agent;
        let on_far_side = replaces != self.caller_leg.id;
        if on_far_side && !same {
            let Some((_, talk)) = self.take_leaver(now, replaces) else { return };
            let music = talk.music();
            self.part(now, talk, Party::Agent);
            self.queue(QueueAction::Engage(agent.clone()));
            let talk = Talk::new(now, Peer::Agent(agent), shown, leg, music);
            return self.connected(now, talk, Purpose::Takeover);
        }
        let new = leg.id;
        if on_far_side {
            let State::Talking(talk) = &mut self.state else { return };
            talk.leg = leg;
        } else {
            self.caller_leg = leg;
            if !same {
                self.near = Some(Peer::Agent(agent.clone()));
                self.caller = shown;
                self.queue(QueueAction::Engage(agent.clone()));
                self.queue(QueueAction::TalkEnded(former));
            }
            self.negotiate(new);
        }
        self.record(CallEvent::PhoneChanged { agent, leg: new });
        self.drop_leg(replaces);
        self.on_another_leg(now);
    }
}
