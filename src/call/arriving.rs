//! From the first INVITE to both sides' agreement, and what media and signalling say of a leg.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::event::{CallEvent, EndCause};
use crate::id::LegId;
use crate::media::command as media;
use crate::sdp::SdpError;
use crate::time::Time;

use super::command::Notice;
use super::dial::Goal;
use super::leg::Stage;
use super::ring::Progress;
use super::{Action, Call, SipAction, State, micros};

impl Call {
    /// A leg's ports are open: the caller's leg is answered, a phone is rung.
    pub fn media_opened(&mut self, now: Time, leg: LegId, local: SocketAddr) {
        if self.is_pending(leg) {
            return self.pending_opened(leg, local);
        }
        if leg != self.caller_leg.id {
            return self.phone_opened(now, leg, local);
        }
        self.caller_leg.opened(local);
        let State::Arriving { offer, then } = &mut self.state else { return };
        let offer = offer.take();
        match then.take() {
            Some(peer) => self.dial(peer, Goal::OwnCall { offer, early: None }),
            None => self.answer_caller(now, offer),
        }
    }

    /// Answers the caller's leg.
    pub(super) fn answer_caller(&mut self, now: Time, offer: Option<Bytes>) {
        let leg = self.caller_leg.id;
        let other = self.beside(leg);
        let described = match offer {
            Some(offer) => self.caller_leg.answer(&offer, other.as_deref()),
            None => self.caller_leg.offer(other.as_deref()).ok_or(SdpError::Malformed),
        };
        match described {
            Ok(sdp) => {
                self.answered(now, sdp);
                // An agent has proved to be one. Of whoever else rings only the ACK shows that they are
                // there; an INVITE alone makes us send nothing to where its SDP says.
                if self.near.is_some() {
                    self.negotiate(leg);
                }
            }
            Err(_) => {
                self.sip(SipAction::Reject(leg, 488));
                self.end(now, EndCause::NoCommonCodec);
            }
        }
    }

    pub(super) fn answered(&mut self, now: Time, sdp: String) {
        self.caller_leg.stage = Stage::Answered;
        self.sip(SipAction::Answer(self.caller_leg.id, sdp));
        let after_us = micros(now - self.arrived_at);
        self.record(CallEvent::LegAnswered { after_us });
    }

    /// A leg's ports could not be opened.
    pub fn media_failed(&mut self, now: Time, leg: LegId) {
        if self.is_pending(leg) {
            return self.drop_pending(503);
        }
        if leg != self.caller_leg.id {
            return self.phone_failed(now, leg, Progress::Unreachable, None);
        }
        self.sip(SipAction::Reject(leg, 503));
        self.end(now, EndCause::MediaFailed);
    }

    /// A playback is over.
    pub fn media_played(&mut self, now: Time, leg: LegId, play: media::PlayId) {
        if self.preface_played(now, leg, play) {
            return;
        }
        let latest = leg == self.caller_leg.id && play.0 == self.plays;
        if latest && (self.forbidden_told(now) || self.has_told(play)) {
            return;
        }
        if latest && (self.waits() || matches!(self.state, State::InFlow)) && !self.tone_over(now) {
            self.out.push(Action::Notify(Notice::Played));
        }
    }

    /// A key was pressed. Keys belong to the leg that sent them: only the caller's reach the flow, a
    /// supervisor's say what the supervisor does, and in a conversation they are pressed towards the
    /// other side if it would not hear of them by itself.
    pub fn key(&mut self, now: Time, leg: LegId, key: media::Key, told: media::Told) {
        if self.supervisor_key(now, leg, key, told) || self.preface_key(now, leg, key, told) {
            return;
        }
        let Some(presser) = self.leg_mut(leg) else { return };
        if !presser.keypad.pressed(now, key, told) {
            return;
        }
        let secret = self.is_secret() && leg == self.caller_leg.id;
        match &self.state {
            State::InFlow | State::Queued | State::Offering(_) if leg == self.caller_leg.id => {
                self.out.push(Action::Notify(match secret {
                    true => Notice::SecretKey(media::SecretKey::new(key)),
                    false => Notice::Key(key),
                }));
            }
            State::Talking(talk) => {
                let other = if leg == talk.leg.id { self.caller_leg.id } else { talk.leg.id };
                // A relay passes events on by itself, and tones are in the voice.
                let passed_on = match told {
                    media::Told::Tones => true,
                    media::Told::Event => talk.guests.room().is_none(),
                    media::Told::Info => false,
                };
                let side = leg == talk.leg.id || leg == self.caller_leg.id;
                if side && !passed_on && !secret && !talk.is_on_hold() {
                    self.media(media::Command::SendKeys { leg: other, keys: vec![key] });
                }
            }
            State::InFlow
            | State::Arriving { .. }
            | State::Queued
            | State::Offering(_)
            | State::Dialling(_)
            | State::Ended => {}
        }
    }

    /// The same for a key that was pressed while keys were secret, whether they still are or not.
    pub fn secret_key(&mut self, now: Time, leg: LegId, key: media::SecretKey, told: media::Told) {
        if leg == self.caller_leg.id
            && self.caller_leg.keypad.pressed(now, key.reveal(), told)
            && matches!(self.state, State::InFlow)
        {
            self.out.push(Action::Notify(Notice::SecretKey(key)));
        }
    }

    /// Our 200 was acknowledged, with the peer's answer if we had made the offer: to an INVITE
    /// without one, or to a change that left it to us (RFC 3264 allows either side to hold so).
    pub fn acknowledged(&mut self, now: Time, leg: LegId, answer: Option<Bytes>) {
        let offered = answer.is_some();
        if let Some(answer) = answer {
            self.described(now, leg, &answer);
        }
        if self.is_pending(leg) {
            return self.pending_up(now);
        }
        if leg != self.caller_leg.id || self.caller_leg.stage != Stage::Answered {
            return;
        }
        if self.caller_leg.negotiated.is_none() {
            return self.end(now, EndCause::NoCommonCodec);
        }
        self.caller_leg.stage = Stage::Up;
        if self.near.is_none() && !offered {
            self.negotiate(leg);
        }
        if matches!(self.state, State::Arriving { .. }) {
            self.state = State::InFlow;
            self.begin_flow();
        }
    }

    /// The peer of a leg answers an offer of ours.
    pub fn described(&mut self, now: Time, leg: LegId, answer: &Bytes) {
        if self.leg_mut(leg).is_some_and(|target| target.take_answer(answer).is_ok()) {
            self.negotiate(leg);
            self.follow_hold(now);
        }
    }

    /// The peer of a leg changes the session (hold, resume, another address).
    pub fn changed(&mut self, now: Time, leg: LegId, offer: Option<Bytes>) {
        let other = self.beside(leg);
        let Some(target) = self.leg_mut(leg) else {
            return self.sip(SipAction::RejectChange(leg, 488));
        };
        let described = match &offer {
            Some(offer) => target.answer(offer, other.as_deref()).ok(),
            None => target.offer(other.as_deref()),
        };
        match described {
            Some(sdp) => {
                self.sip(SipAction::AcceptChange(leg, sdp));
                // Our own offer is answered in the ACK.
                if offer.is_some() {
                    self.negotiate(leg);
                    self.follow_hold(now);
                }
            }
            None => self.sip(SipAction::RejectChange(leg, 488)),
        }
    }
}
