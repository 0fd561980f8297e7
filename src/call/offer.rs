//! An offer: the phones of one agent ring for one caller, who goes on hearing music.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::event::{CallEvent, OfferOutcome};
use crate::id::{AgentId, Entropy, LegId, QueueName};
use crate::media::command as media;
use crate::sdp::{Keyring, SdpError, Terms};
use crate::sip::ListenerId;
use crate::sip::endpoint::{Cause, LegEnd, OutgoingInvite};
use crate::time::Time;

use super::leg::{Leg, Stage};
use super::{Action, Call, CallTimer, QueueAction, SipAction, State, micros};

/// A phone to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The contact's URI.
    pub uri: String,
    /// Where the INVITE is sent.
    pub to: SocketAddr,
    /// Over which listener.
    pub listener: ListenerId,
    /// On what terms its audio is encrypted.
    pub terms: Terms,
}

/// What a phone has made of an offer so far, the most telling last: an offer to several phones that
/// all fail ends as the most telling of them says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OfferProgress {
    /// Nothing came from it, or an error.
    Unreachable,
    /// It rang.
    Rang,
    /// The agent refused.
    Refused,
    /// It answered, and cannot be talked with.
    Unusable,
}

/// What the phone's display shows of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Display {
    name: String,
    user: String,
}

#[derive(Debug)]
struct Phone {
    leg: Leg,
    target: Target,
}

/// The phones of one agent ring.
#[derive(Debug)]
pub(super) struct Offering {
    agent: AgentId,
    queue: QueueName,
    since: Time,
    phones: Vec<Phone>,
    display: Display,
    best: OfferProgress,
    /// Whether the queue knows that a phone rings.
    ringing: bool,
    /// The phone that answered, while the queue decides about its claim.
    answered: Option<LegId>,
}

impl Offering {
    /// The legs that ring.
    pub(super) fn leg_ids(&self) -> impl Iterator<Item = LegId> {
        self.phones.iter().map(|phone| phone.leg.id)
    }

    fn phone(&mut self, leg: LegId) -> Option<&mut Phone> {
        self.phones.iter_mut().find(|phone| phone.leg.id == leg)
    }
}

impl Call {
    /// Rings the phones of an agent for at most `ring_for`. `title` is the queue's short name for
    /// the phone's display.
    #[allow(clippy::too_many_arguments)] // one effect of the queue, spelled out
    pub fn offer(
        &mut self,
        now: Time,
        ids: &mut Entropy,
        queue: QueueName,
        agent: AgentId,
        title: &str,
        targets: Vec<Target>,
        ring_for: Duration,
        why: String,
    ) {
        if !matches!(self.state, State::Queued) {
            self.queue(QueueAction::OfferFailed(agent, OfferOutcome::Unreachable));
            return;
        }
        let phones: Vec<Phone> = targets
            .into_iter()
            .map(|target| {
                let keyring = Keyring::new(target.terms, ids);
                Phone { leg: Leg::opening(ids.leg_id(), target.to.ip(), keyring), target }
            })
            .collect();
        let legs = phones.iter().map(|phone| phone.leg.id).collect::<Vec<_>>();
        self.record(CallEvent::Offered {
            queue: queue.clone(),
            agent: agent.clone(),
            legs: legs.clone(),
            why,
        });
        let display = self.display(title);
        let nobody = phones.is_empty();
        self.state = State::Offering(Offering {
            agent,
            queue,
            since: now,
            phones,
            display,
            best: OfferProgress::Unreachable,
            ringing: false,
            answered: None,
        });
        if nobody {
            return self.offer_over(now);
        }
        self.out.push(Action::Timer(CallTimer::Ring, Some(now + ring_for)));
        for leg in legs {
            self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
        }
    }

    /// What a phone shows: the queue and the caller. A withheld number stays withheld.
    fn display(&self, title: &str) -> Display {
        let caller = &self.caller;
        match (&caller.number, caller.withheld) {
            (Some(number), false) => {
                let shown = caller.name.as_deref().unwrap_or(number);
                Display { name: format!("{title}: {shown}"), user: number.clone() }
            }
            (None, false) => {
                Display { name: format!("{title}: unknown caller"), user: "unknown".to_owned() }
            }
            (_, true) => {
                Display { name: format!("{title}: number withheld"), user: "anonymous".to_owned() }
            }
        }
    }

    /// Over which listener a phone will be rung.
    pub fn listener_towards(&self, leg: LegId) -> Option<ListenerId> {
        let State::Offering(offering) = &self.state else { return None };
        let phone = offering.phones.iter().find(|phone| phone.leg.id == leg)?;
        Some(phone.target.listener)
    }

    /// The ports of a phone's leg are open: ring it.
    pub(super) fn phone_opened(&mut self, leg: LegId, local: SocketAddr) {
        let State::Offering(offering) = &mut self.state else { return };
        let display = offering.display.clone();
        let Some(phone) = offering.phone(leg) else { return };
        phone.leg.opened(local);
        let Some(offer) = phone.leg.offer() else { return };
        let target = phone.target.clone();
        self.sip(SipAction::Invite(OutgoingInvite {
            leg,
            listener: target.listener,
            uri: target.uri,
            to: target.to,
            from_display: display.name,
            from_user: display.user,
            offer,
            extras: Box::default(),
        }));
    }

    /// A phone rings.
    pub fn phone_ringing(&mut self, leg: LegId) {
        let State::Offering(offering) = &mut self.state else { return };
        if offering.phone(leg).is_none() {
            return;
        }
        let first = !std::mem::replace(&mut offering.ringing, true);
        offering.best = offering.best.max(OfferProgress::Rang);
        let agent = offering.agent.clone();
        if first {
            self.queue(QueueAction::Ringing(agent));
        }
    }

    /// A phone answered: the claim is the queue's to decide. A second phone that answers at the
    /// same time is hung up.
    pub fn phone_answered(&mut self, now: Time, leg: LegId, answer: &Bytes, source: SocketAddr) {
        let State::Offering(offering) = &mut self.state else {
            return self.drop_leg(leg);
        };
        let taken = offering.answered.is_some();
        let agent = offering.agent.clone();
        let Some(phone) = offering.phone(leg) else {
            return self.drop_leg(leg);
        };
        if taken {
            offering.phones.retain(|phone| phone.leg.id != leg);
            return self.drop_leg(leg);
        }
        phone.leg.signalled_from = source.ip();
        if let Err(error) = phone.leg.take_answer(answer) {
            match error {
                SdpError::NotEncrypted | SdpError::NoCommonEncryption => {
                    let uri = &phone.target.uri;
                    tracing::warn!(uri, %error, "a phone answered and was hung up");
                }
                SdpError::Malformed | SdpError::NoCommonCodec => {}
            }
            self.sip(SipAction::HangUp(leg));
            return self.phone_failed(now, leg, OfferProgress::Unusable);
        }
        phone.leg.stage = Stage::Up;
        offering.answered = Some(leg);
        self.queue(QueueAction::Claim(agent));
    }

    /// A phone refused or could not be reached, by its final status.
    pub fn phone_refused(&mut self, now: Time, leg: LegId, status: u16) {
        let progress = match status {
            // Busy, and "everywhere" (RFC 3261 sections 21.4.24 and 21.6).
            486 | 600 | 603 => OfferProgress::Refused,
            // The phone gave up ringing by itself.
            480 | 487 => OfferProgress::Rang,
            _ => OfferProgress::Unreachable,
        };
        self.phone_failed(now, leg, progress);
        // A 6xx speaks for the agent, not for one phone (RFC 3261 section 21.6).
        if status >= 600
            && let State::Offering(offering) = &mut self.state
            && offering.answered.is_none()
        {
            self.offer_over(now);
        }
    }

    /// One phone is out; the offer is over when it was the last.
    pub(super) fn phone_failed(&mut self, now: Time, leg: LegId, progress: OfferProgress) {
        self.media(media::Command::Close { leg });
        let State::Offering(offering) = &mut self.state else { return };
        if offering.phone(leg).is_none() {
            return;
        }
        offering.phones.retain(|phone| phone.leg.id != leg);
        offering.best = offering.best.max(progress);
        if offering.answered == Some(leg) {
            offering.answered = None;
        }
        if offering.phones.is_empty() {
            self.offer_over(now);
        }
    }

    /// The phones have rung long enough.
    pub fn ring_timed_out(&mut self, now: Time) {
        if let State::Offering(offering) = &self.state
            && offering.answered.is_none()
        {
            self.offer_over(now);
        }
    }

    /// No phone took the call: the caller waits on, at the same place.
    fn offer_over(&mut self, now: Time) {
        let State::Offering(offering) = std::mem::replace(&mut self.state, State::Queued) else {
            return;
        };
        let outcome = match offering.best {
            OfferProgress::Unreachable | OfferProgress::Unusable => OfferOutcome::Unreachable,
            OfferProgress::Rang => OfferOutcome::NoAnswer,
            OfferProgress::Refused => OfferOutcome::Rejected,
        };
        let agent = offering.agent.clone();
        self.finish_offer(now, offering, outcome);
        self.queue(QueueAction::OfferFailed(agent, outcome));
    }

    /// The queue takes its offer back (closing time, the agent was signed out, a claim that came too
    /// late).
    pub fn offer_withdrawn(&mut self, now: Time, agent: &AgentId, outcome: OfferOutcome) {
        match std::mem::replace(&mut self.state, State::Queued) {
            State::Offering(offering) if offering.agent == *agent => {
                self.finish_offer(now, offering, outcome);
            }
            other => self.state = other,
        }
    }

    /// The claim holds: the phone that answered is taken out, the others stop ringing. None if no
    /// phone has answered: nothing changes then.
    pub(super) fn take_answered(&mut self, now: Time, agent: &AgentId) -> Option<(Leg, QueueName)> {
        let State::Offering(offering) = &mut self.state else { return None };
        let answered = offering.answered.filter(|_| offering.agent == *agent)?;
        let at = offering.phones.iter().position(|phone| phone.leg.id == answered)?;
        let phone = offering.phones.remove(at);
        let State::Offering(offering) = std::mem::replace(&mut self.state, State::Queued) else {
            return None;
        };
        let queue = offering.queue.clone();
        self.finish_offer(now, offering, OfferOutcome::Accepted);
        Some((phone.leg, queue))
    }

    /// Stops whatever rings and writes how the offer ended.
    pub(super) fn finish_offer(&mut self, now: Time, offering: Offering, outcome: OfferOutcome) {
        self.out.push(Action::Timer(CallTimer::Ring, None));
        for leg in offering.leg_ids() {
            if outcome == OfferOutcome::Accepted {
                // Another of the agent's phones took it: these show no missed call.
                self.sip(SipAction::HangUpBecause(leg, Cause::ANSWERED_ELSEWHERE));
                self.media(media::Command::Close { leg });
            } else {
                self.drop_leg(leg);
            }
        }
        let rang_us = micros(now - offering.since);
        self.record(CallEvent::OfferEnded { agent: offering.agent, outcome, rang_us });
    }

    /// A phone's leg ended before or during the conversation.
    pub(super) fn phone_ended(&mut self, now: Time, leg: LegId, end: LegEnd) {
        match &self.state {
            State::Talking(talk) if talk.leg.id == leg => {
                let cause = match end {
                    LegEnd::Bye | LegEnd::Cancelled => crate::event::EndCause::AgentHungUp,
                    LegEnd::NoAck | LegEnd::NoPrack | LegEnd::SessionExpired | LegEnd::Lost => {
                        crate::event::EndCause::SignallingLost
                    }
                };
                self.end(now, cause);
            }
            State::Offering(_) => self.phone_failed(now, leg, OfferProgress::Refused),
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Talking(_)
            | State::Ended => {}
        }
    }

    pub(super) fn drop_leg(&mut self, leg: LegId) {
        self.sip(SipAction::HangUp(leg));
        self.media(media::Command::Close { leg });
    }
}
