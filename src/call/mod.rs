//! The call machine: one owner for each call's life.
//!
//! A [`Call`] holds the caller's leg, the phones that ring for it and the conversation. It is told
//! what legs and media do and what its controller and the queue want, and answers with
//! [`Action`]s. Whatever ends it releases everything that it holds: nobody stays reserved, ringing
//! or joined to a call that is over.
//!
//! ```text
//! Arriving --answered--> InFlow <--returned-- Queued <--offer failed-- Offering --claimed--> Talking
//!     |                     |  ----queue----->  |  ------offer----->      |                     |
//!     +---------------------+-------------------+----- Ended <------------+---------------------+
//! ```

mod leg;
mod offer;
mod talk;
#[cfg(test)]
mod tests;

pub mod command;

use std::time::Duration;

use bytes::Bytes;

use crate::event::{CallEvent, Caller, EndCause, OfferOutcome, Outcome, Party};
use crate::id::{AgentId, FlowName, LegId, PromptName, QueueName, Skill};
use crate::media::command as media;
use crate::sdp::Keyring;
use crate::sip::endpoint::{Cause, LegEnd, OutgoingInvite};
use crate::time::Time;

use self::command::{AtClosing, Notice, QueueReturn};
use self::leg::{Leg, Stage};
pub use self::offer::Target;
use self::offer::{OfferProgress, Offering};
use self::talk::Talk;

/// A conversation younger than this is not judged by a silence that began before it.
const SETTLED: Duration = Duration::from_secs(20);
/// How long somebody who only listens may send nothing, in milliseconds.
const LISTENER_SILENCE_MS: u64 = 300_000;

/// What a call wants done. Carried out in order; nothing has happened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SipAction {
    /// Send a provisional response, with an answer for early media.
    Provisional(LegId, u16, Option<String>),
    /// Answer with 200 and SDP.
    Answer(LegId, String),
    /// Refuse with a final status.
    Reject(LegId, u16),
    /// Ring a phone.
    Invite(OutgoingInvite),
    /// End the leg.
    HangUp(LegId),
    /// End the leg and tell its peer why.
    HangUpBecause(LegId, Cause),
    /// Accept a changed session with SDP.
    AcceptChange(LegId, String),
    /// Refuse a changed session.
    RejectChange(LegId, u16),
}

/// What a call tells the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueAction {
    /// Wants a person.
    Enter {
        /// In which queue.
        queue: QueueName,
        /// Skills besides the queue's own.
        skills: Vec<Skill>,
        /// When the queue closes.
        at_closing: AtClosing,
        /// The first entry of this episode, if the call has waited in it before.
        since: Option<Time>,
    },
    /// Waits no longer.
    Leave,
    /// The agent's phone rings.
    Ringing(AgentId),
    /// The agent's phone answered.
    Claim(AgentId),
    /// The offer came to nothing.
    OfferFailed(AgentId, OfferOutcome),
    /// The conversation is over.
    TalkEnded(AgentId),
}

/// A call's timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallTimer {
    /// The controller's own.
    Controller,
    /// The phones have rung long enough.
    Ring,
    /// The call has lasted as long as any may.
    Longest,
}

/// See the variants; carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// To the SIP endpoint.
    Sip(SipAction),
    /// To media.
    Media(media::Command),
    /// Into the journal.
    Record(CallEvent),
    /// To the controller.
    Notify(Notice),
    /// To the queue.
    Queue(QueueAction),
    /// Set a timer, or cancel it.
    Timer(CallTimer, Option<Time>),
    /// The call is over and holds nothing more: forget it.
    Over,
}

/// A wait for a person, kept from its first queue entry until its one outcome is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wait {
    /// The queue of the present (or last) visit.
    queue: QueueName,
    /// The first entry of the episode.
    first_at: Time,
    /// The entry of this visit.
    visit_at: Time,
    /// Counts the call's waits from 1.
    episode: u32,
    /// When the queue handed the caller back to the flow, if it did: the wait ended then, its
    /// outcome depends on what the flow does next.
    returned_at: Option<Time>,
}

/// Where a call is. Exactly one at a time.
#[derive(Debug)]
enum State {
    Arriving { offer: Option<Bytes> },
    InFlow,
    Queued,
    Offering(Offering),
    Talking(Talk),
    Ended,
}

/// How a new call came in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The caller's leg.
    pub leg: LegId,
    /// Where its signalling came from.
    pub source: std::net::IpAddr,
    /// Who rings.
    pub caller: Caller,
    /// The user part that was dialled.
    pub called: String,
    /// The number's flow; none for an agent's star code.
    pub flow: Option<FlowName>,
    /// The caller's SDP; none for a late offer.
    pub offer: Option<Bytes>,
    /// The leg's keys, and on what terms it has some.
    pub keyring: Keyring,
    /// How long any call may last.
    pub longest: Duration,
}

/// One caller's call.
#[derive(Debug)]
pub struct Call {
    caller: Caller,
    caller_leg: Leg,
    arrived_at: Time,
    state: State,
    wait: Option<Wait>,
    episodes: u32,
    ever_queued: bool,
    plays: u64,
    out: Vec<Action>,
}

impl Call {
    /// A call that has been admitted: rings, and opens media for the answer.
    pub fn arrive(now: Time, arrival: Arrival) -> Self {
        let Arrival { leg, source, caller, called, flow, offer, keyring, longest } = arrival;
        let mut call = Call {
            caller: caller.clone(),
            caller_leg: Leg::opening(leg, source, keyring),
            arrived_at: now,
            state: State::Arriving { offer },
            wait: None,
            episodes: 0,
            ever_queued: false,
            plays: 0,
            out: Vec::new(),
        };
        call.record(CallEvent::Arrived { leg, caller, called, flow });
        call.sip(SipAction::Provisional(leg, 180, None));
        call.media(media::Command::Open { leg, beside: None });
        call.out.push(Action::Timer(CallTimer::Longest, Some(now + longest)));
        call
    }

    /// What is to be done, in order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.out)
    }

    // ---- what the controller asks ------------------------------------------------------------

    /// Carries out what the controller asks. A call that the controller does not own any more
    /// (somebody answered, the caller left) does nothing.
    pub fn command(&mut self, now: Time, command: command::Command) {
        if !matches!(self.state, State::InFlow) {
            return;
        }
        match command {
            // The engine knows the flow's name and writes these (`Engine::obey_flow`).
            command::Command::Enter { .. } | command::Command::Chose { .. } => {}
            // Calendars are the queue's; the engine answers.
            command::Command::AskHours { .. } => {}
            command::Command::Play { prompts } => self.play(prompts),
            command::Command::StopPlaying => {
                self.plays += 1;
                self.media(media::Command::Quiet { leg: self.caller_leg.id });
            }
            command::Command::SetTimer { after } => {
                self.out.push(Action::Timer(CallTimer::Controller, Some(now + after)));
            }
            command::Command::CancelTimer => {
                self.out.push(Action::Timer(CallTimer::Controller, None));
            }
            command::Command::Queue { queue, skills, at_closing } => {
                let since = self.wait.as_ref().map(|wait| wait.first_at);
                self.queue(QueueAction::Enter { queue, skills, at_closing, since });
            }
            command::Command::HangUp { cause } => self.end(now, cause),
        }
    }

    fn play(&mut self, prompts: Vec<PromptName>) {
        self.plays += 1;
        let (leg, play) = (self.caller_leg.id, media::PlayId(self.plays));
        self.media(media::Command::Play { leg, play, prompts });
    }

    // ---- what the queue says -----------------------------------------------------------------

    /// The call now waits in a queue and hears its music.
    pub fn queued(
        &mut self,
        now: Time,
        queue: QueueName,
        first_at: Time,
        skills: Vec<Skill>,
        music: PromptName,
    ) {
        if !matches!(self.state, State::InFlow | State::Queued) {
            return;
        }
        if let Some(last) = self.wait.take() {
            self.leave_queue(now, &last, Outcome::Moved);
        } else {
            self.episodes += 1;
        }
        let first = !std::mem::replace(&mut self.ever_queued, true);
        let episode = self.episodes;
        self.record(CallEvent::QueueEntered { queue: queue.clone(), skills, first, episode });
        self.wait = Some(Wait { queue, first_at, visit_at: now, episode, returned_at: None });
        self.state = State::Queued;
        self.plays += 1;
        self.out.push(Action::Timer(CallTimer::Controller, None));
        self.media(media::Command::Music { leg: self.caller_leg.id, music });
    }

    /// The queue hands the caller back to the flow. What the waiting came to is known when the
    /// flow queues the caller again (moved) or ends the call.
    pub fn returned(&mut self, now: Time, why: QueueReturn) {
        match self.state {
            State::Queued => {
                if let Some(wait) = &mut self.wait {
                    wait.returned_at = Some(now);
                }
                self.state = State::InFlow;
                self.media(media::Command::Quiet { leg: self.caller_leg.id });
            }
            State::InFlow => {}
            State::Arriving { .. } | State::Offering(_) | State::Talking(_) | State::Ended => {
                return;
            }
        }
        self.out.push(Action::Notify(Notice::QueueLeft(why)));
    }

    // ---- what media say ----------------------------------------------------------------------

    /// A leg's ports are open: the caller's leg is answered, an agent's phone is rung.
    pub fn media_opened(&mut self, now: Time, leg: LegId, local: std::net::SocketAddr) {
        if leg != self.caller_leg.id {
            return self.phone_opened(leg, local);
        }
        self.caller_leg.opened(local);
        let State::Arriving { offer } = &mut self.state else { return };
        let described = match offer.take() {
            Some(offer) => self.caller_leg.answer(&offer),
            None => self.caller_leg.offer().ok_or(crate::sdp::SdpError::Malformed),
        };
        match described {
            Ok(sdp) => {
                self.caller_leg.stage = Stage::Answered;
                self.sip(SipAction::Answer(leg, sdp));
                self.negotiate(leg);
                let after_us = micros(now - self.arrived_at);
                self.record(CallEvent::LegAnswered { after_us });
            }
            Err(_) => {
                self.sip(SipAction::Reject(leg, 488));
                self.end(now, EndCause::NoCommonCodec);
            }
        }
    }

    /// A leg's ports could not be opened.
    pub fn media_failed(&mut self, now: Time, leg: LegId) {
        if leg != self.caller_leg.id {
            return self.phone_failed(now, leg, OfferProgress::Unreachable);
        }
        self.sip(SipAction::Reject(leg, 503));
        self.end(now, EndCause::MediaFailed);
    }

    /// A playback is over.
    pub fn media_played(&mut self, leg: LegId, play: media::PlayId) {
        let latest = leg == self.caller_leg.id && play.0 == self.plays;
        if latest && matches!(self.state, State::InFlow) {
            self.out.push(Action::Notify(Notice::Played));
        }
    }

    /// A key was pressed. Keys belong to the leg that sent them: only the caller's reach the flow.
    pub fn media_key(&mut self, leg: LegId, key: media::Key) {
        if leg == self.caller_leg.id && matches!(self.state, State::InFlow) {
            self.out.push(Action::Notify(Notice::Key(key)));
        }
    }

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
            State::InFlow | State::Queued | State::Offering(_) | State::Talking(_) => {
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
        if gone {
            self.end(now, cause);
        }
    }

    // ---- what signalling says ----------------------------------------------------------------

    /// Our 200 was acknowledged, with the peer's answer if we had made the offer: to an INVITE
    /// without one, or to a change that left it to us (RFC 3264 allows either side to hold so).
    pub fn acknowledged(&mut self, now: Time, leg: LegId, answer: Option<Bytes>) {
        if let (Some(answer), Some(target)) = (answer, self.leg_mut(leg))
            && target.take_answer(&answer).is_ok()
        {
            self.negotiate(leg);
            self.follow_hold(now);
        }
        if leg != self.caller_leg.id || self.caller_leg.stage != Stage::Answered {
            return;
        }
        if self.caller_leg.negotiated.is_none() {
            return self.end(now, EndCause::NoCommonCodec);
        }
        self.caller_leg.stage = Stage::Up;
        if matches!(self.state, State::Arriving { .. }) {
            self.state = State::InFlow;
            self.out.push(Action::Notify(Notice::Started));
        }
    }

    /// The peer of a leg changes the session (hold, resume, another address).
    pub fn changed(&mut self, now: Time, leg: LegId, offer: Option<Bytes>) {
        let Some(target) = self.leg_mut(leg) else { return };
        let described = match &offer {
            Some(offer) => target.answer(offer).ok(),
            None => target.offer(),
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

    /// A leg ended by its peer or the network.
    pub fn leg_ended(&mut self, now: Time, leg: LegId, end: LegEnd) {
        if leg != self.caller_leg.id {
            return self.phone_ended(now, leg, end);
        }
        let cause = match (end, &self.state) {
            (LegEnd::Cancelled, _) => EndCause::CallerCancelled,
            (LegEnd::NoAck | LegEnd::NoPrack, _) => EndCause::NoAck,
            (LegEnd::SessionExpired | LegEnd::Lost, _) => EndCause::SignallingLost,
            (LegEnd::Bye, State::Queued | State::Offering(_)) => EndCause::CallerAbandoned,
            (LegEnd::Bye, State::Talking(_)) => EndCause::CallerHungUp,
            (LegEnd::Bye, State::Arriving { .. } | State::InFlow | State::Ended) => {
                EndCause::CallerLeftFlow
            }
        };
        self.end(now, cause);
    }

    // ---- the end -----------------------------------------------------------------------------

    /// Ends the call, whatever it is doing, and releases everything that it holds. Idempotent.
    pub fn end(&mut self, now: Time, cause: EndCause) {
        let party = match cause.fault() {
            crate::event::Fault::Caller => Party::Caller,
            crate::event::Fault::Agent => Party::Agent,
            crate::event::Fault::Nobody
            | crate::event::Fault::Network
            | crate::event::Fault::System => Party::System,
        };
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => return,
            State::Arriving { .. } | State::InFlow => {}
            State::Queued => self.queue(QueueAction::Leave),
            State::Offering(offering) => {
                let outcome = match party {
                    Party::Caller => OfferOutcome::CallerLeft,
                    Party::Agent | Party::System => OfferOutcome::Withdrawn,
                };
                self.finish_offer(now, offering, outcome);
                self.queue(QueueAction::Leave);
            }
            State::Talking(talk) => self.part(now, talk, party),
        }
        if let Some(wait) = self.wait.take() {
            // Handed back by the queue and not queued again: the system ended the waiting.
            let outcome = match (party, wait.returned_at) {
                (Party::Caller, None) => Outcome::Abandoned,
                (Party::Caller | Party::Agent | Party::System, _) => Outcome::EndedBySystem,
            };
            self.leave_queue(wait.returned_at.unwrap_or(now), &wait, outcome);
        }
        let leg = self.caller_leg.id;
        self.sip(SipAction::HangUp(leg));
        self.media(media::Command::Close { leg });
        for timer in [CallTimer::Controller, CallTimer::Ring, CallTimer::Longest] {
            self.out.push(Action::Timer(timer, None));
        }
        self.record(CallEvent::Ended { cause, duration_us: micros(now - self.arrived_at) });
        self.out.push(Action::Over);
    }

    fn leave_queue(&mut self, at: Time, wait: &Wait, outcome: Outcome) {
        self.record(CallEvent::QueueLeft {
            queue: wait.queue.clone(),
            outcome,
            wait_us: micros(at - wait.first_at),
            episode: wait.episode,
        });
    }

    // ---- small words -------------------------------------------------------------------------

    fn negotiate(&mut self, leg: LegId) {
        if let Some(negotiated) = self.leg_mut(leg).and_then(|leg| leg.negotiated.clone()) {
            self.media(media::Command::Negotiate { leg, negotiated });
        }
    }

    fn leg_mut(&mut self, leg: LegId) -> Option<&mut Leg> {
        if leg == self.caller_leg.id {
            return Some(&mut self.caller_leg);
        }
        match &mut self.state {
            State::Talking(talk) if talk.leg.id == leg => Some(&mut talk.leg),
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Talking(_)
            | State::Ended => None,
        }
    }

    fn sip(&mut self, action: SipAction) {
        self.out.push(Action::Sip(action));
    }

    fn media(&mut self, command: media::Command) {
        self.out.push(Action::Media(command));
    }

    fn queue(&mut self, action: QueueAction) {
        self.out.push(Action::Queue(action));
    }

    fn record(&mut self, event: CallEvent) {
        self.out.push(Action::Record(event));
    }
}

/// A duration as the journal writes it.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
