//! The end of a call, or of a part of it: whoever leaves, everything that they held is released.

use std::time::Duration;

use crate::event::{CallEvent, EndCause, Fault, OfferOutcome, Outcome, Party, Peer};
use crate::id::LegId;
use crate::media::command as media;
use crate::sip::endpoint::LegEnd;
use crate::time::Time;

use super::command::Notice;
use super::ring::Progress;
use super::talk::Talk;
use super::{Action, AfterCall, Call, CallTimer, QueueAction, SipAction, State, micros};

/// A conversation younger than this is not judged by a silence that began before it.
const SETTLED: Duration = Duration::from_secs(20);
/// How long somebody who only listens may send nothing, in milliseconds.
const LISTENER_SILENCE_MS: u64 = 300_000;

impl Call {
    /// A leg that should send audio has been silent for `for_ms`. In a conversation that means that
    /// somebody is gone. Who only listens, to the menu or to music, is given far longer: phones
    /// that suppress silence send nothing then. One who never sent any audio (one-way audio) is
    /// left to listen.
    pub fn media_silent(&mut self, now: Time, leg: LegId, for_ms: u64, ever_heard: bool) {
        let (cause, holds) = match &self.state {
            State::Talking(talk) if talk.leg.id == leg => {
                (EndCause::AgentSilent, talk.leg.held_by_peer())
            }
            State::Arriving { .. } | State::Ended => return,
            State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Dialling(_)
            | State::Talking(_) => {
                if leg != self.caller_leg.id {
                    return;
                }
                (EndCause::CallerSilent, self.caller_leg.held_by_peer())
            }
        };
        let gone = match &self.state {
            // The silence of those who waited without a word is not yet one of this conversation.
            State::Talking(talk) if !talk.is_on_hold() => now - talk.together_since >= SETTLED,
            // Whoever holds the line says that it is kept, and most phones send nothing then.
            _ => !holds && ever_heard && for_ms >= LISTENER_SILENCE_MS,
        };
        if gone && !(leg == self.caller_leg.id && self.adviser_lost(now)) {
            self.end(now, cause);
        }
    }

    /// A leg ended by its peer or the network.
    pub fn leg_ended(&mut self, now: Time, leg: LegId, end: LegEnd) {
        if self.is_pending(leg) {
            return self.drop_pending(480);
        }
        if self.others_go_on(now, leg) || self.guest_ended(now, leg) {
            return;
        }
        if self.goes_on_without_adviser(now, leg, end) {
            return;
        }
        if leg != self.caller_leg.id {
            return self.phone_ended(now, leg, end);
        }
        let own = self.is_own();
        let cause = match (end, &self.state) {
            (LegEnd::NoAck | LegEnd::NoPrack, _) => EndCause::NoAck,
            (LegEnd::SessionExpired | LegEnd::Lost, _) => EndCause::SignallingLost,
            (LegEnd::Cancelled, _) if own => EndCause::AgentCallFailed,
            (LegEnd::Cancelled, _) => EndCause::CallerCancelled,
            (LegEnd::Bye, State::Queued | State::Offering(_)) => EndCause::CallerAbandoned,
            (LegEnd::Bye, State::Talking(_) | State::Dialling(_)) if own => EndCause::AgentCallDone,
            (LegEnd::Bye, State::Talking(_) | State::Dialling(_)) => EndCause::CallerHungUp,
            // They have talked with somebody; what follows is a courtesy.
            (LegEnd::Bye, State::InFlow) if self.after_call == AfterCall::LedOn => {
                EndCause::CallerHungUp
            }
            (LegEnd::Bye, State::Arriving { .. } | State::InFlow | State::Ended) => {
                EndCause::CallerLeftFlow
            }
        };
        let cause = match end {
            LegEnd::Bye | LegEnd::Cancelled => self.callback_cause().unwrap_or(cause),
            LegEnd::NoAck | LegEnd::NoPrack | LegEnd::SessionExpired | LegEnd::Lost => cause,
        };
        self.end_by(now, cause, Party::Caller);
    }

    /// A phone's leg ended before or during the conversation.
    fn phone_ended(&mut self, now: Time, leg: LegId, end: LegEnd) {
        if end == LegEnd::Bye && self.goes_on_after(now, leg) {
            return;
        }
        let own = self.is_own();
        let done = self.callback_cause().unwrap_or(EndCause::AgentCallDone);
        match &mut self.state {
            State::Talking(talk) if talk.leg.id == leg => {
                let cause = match (end, &talk.who) {
                    (
                        LegEnd::NoAck | LegEnd::NoPrack | LegEnd::SessionExpired | LegEnd::Lost,
                        _,
                    ) => EndCause::SignallingLost,
                    (LegEnd::Bye | LegEnd::Cancelled, _) if own => done,
                    (LegEnd::Bye | LegEnd::Cancelled, Peer::Agent(_)) => EndCause::AgentHungUp,
                    (LegEnd::Bye | LegEnd::Cancelled, Peer::Outside(_)) => EndCause::OutsideHungUp,
                };
                self.end_by(now, cause, Party::Agent);
            }
            State::Dialling(dialling) => match dialling.take_leaver(leg) {
                Some(talk) => self.part(now, talk, Party::Agent),
                None => self.phone_failed(now, leg, Progress::Refused, Some(480)),
            },
            State::Offering(_) | State::Talking(_) => {
                self.phone_failed(now, leg, Progress::Refused, Some(480));
            }
            State::Arriving { .. } | State::InFlow | State::Queued | State::Ended => {}
        }
    }

    /// The agent has hung up: the flow leads the caller on, if it wants to. False if the call is over.
    fn goes_on_after(&mut self, now: Time, phone: LegId) -> bool {
        let agent = |talk: &Talk| talk.leg.id == phone && matches!(talk.who, Peer::Agent(_));
        // A colleague who was brought in is no caller.
        let caller = !self.is_own() && self.near.is_none();
        if self.after_call != AfterCall::LeadsOn || !caller || self.callback_cause().is_some() {
            return false;
        }
        match std::mem::replace(&mut self.state, State::InFlow) {
            State::Talking(talk) if agent(&talk) => {
                self.after_call = AfterCall::LedOn;
                let caller = self.caller_leg.id;
                self.part(now, talk, Party::Agent);
                self.media(media::Command::Quiet { leg: caller });
                self.follow_recording(now);
                self.out.push(Action::Notify(Notice::CallOver));
                true
            }
            other => {
                self.state = other;
                false
            }
        }
    }

    /// Ends the call, whatever it is doing, and releases everything that it holds. Idempotent.
    pub fn end(&mut self, now: Time, cause: EndCause) {
        let by = match cause.fault() {
            Fault::Caller => Party::Caller,
            Fault::Agent => Party::Agent,
            Fault::Nobody | Fault::Network | Fault::System => Party::System,
        };
        self.end_by(now, cause, by);
    }

    fn end_by(&mut self, now: Time, cause: EndCause, by: Party) {
        let cause = match (self.stop_message(now), cause) {
            (Some(true), EndCause::CallerLeftFlow) => EndCause::MessageLeft,
            (_, EndCause::CallerLeftFlow) if self.promised => EndCause::CallbackTaken,
            (Some(_) | None, cause) => cause,
        };
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => return,
            State::Arriving { .. } | State::InFlow => {}
            State::Queued => self.queue(QueueAction::Leave),
            State::Offering(offers) => {
                let outcome = match by {
                    Party::Caller => OfferOutcome::CallerLeft,
                    Party::Agent | Party::System => OfferOutcome::Withdrawn,
                };
                self.finish_offers(now, offers, outcome);
                self.queue(QueueAction::Leave);
            }
            State::Dialling(dialling) => self.dial_cut_short(now, *dialling, by),
            State::Talking(talk) => self.part(now, talk, by),
        }
        self.promise_over();
        self.follow_recording(now);
        self.drop_pending(480);
        if let Some(wait) = self.wait.take() {
            // Handed back by the queue and not queued again: the system ended the waiting.
            let outcome = match (by, wait.returned_at) {
                // They were promised it before, and were told so.
                _ if cause == EndCause::CallbackTaken => Outcome::CallbackTaken,
                (Party::Caller, None) => Outcome::Abandoned,
                (Party::Caller | Party::Agent | Party::System, _) => Outcome::EndedBySystem,
            };
            self.leave_queue(wait.returned_at.unwrap_or(now), &wait, outcome);
        }
        let leg = self.caller_leg.id;
        self.sip(SipAction::HangUp(leg));
        self.media(media::Command::Close { leg });
        if let Some(Peer::Agent(agent)) = self.near.take() {
            self.queue(QueueAction::TalkEnded(agent));
        }
        for timer in
            [CallTimer::Controller, CallTimer::Ring, CallTimer::NextPhone, CallTimer::Longest]
        {
            self.out.push(Action::Timer(timer, None));
        }
        self.record(CallEvent::Ended { cause, duration_us: micros(now - self.arrived_at) });
        self.out.push(Action::Over);
    }
}
