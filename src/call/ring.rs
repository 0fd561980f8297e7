//! Phones that ring: all at once or in their order for an agent, one way after the other for a number outside.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::event::{Caller, Destination, OfferOutcome};
use crate::id::{AgentId, Entropy, LegId};
use crate::media::command::{self as media, Negotiated};
use crate::number::Number;
use crate::sdp::{Keyring, SdpError, Terms};
use crate::sip::ListenerId;
use crate::sip::endpoint::{Cause, OutgoingInvite};
use crate::time::Time;
use crate::trunk::Attempt;

use super::leg::{Leg, Stage};
use super::{Action, Call, CallTimer, QueueAction, SipAction, State};

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
    /// The way through a trunk that it is; none for a phone.
    pub trunk: Option<Arc<Attempt>>,
}

/// What a phone has made of the ringing so far, the most telling last: ringing several phones that
/// all fail ends as the most telling of them says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// Nothing came from it, or an error.
    Unreachable,
    /// It rang.
    Rang,
    /// Refused.
    Refused,
    /// It answered, and cannot be talked with.
    Unusable,
}

impl Progress {
    /// What a final status says of the phone that sent it.
    fn of(status: u16) -> Progress {
        match status {
            // Busy, and "everywhere" (RFC 3261 sections 21.4.24 and 21.6).
            486 | 600 | 603 => Progress::Refused,
            // The phone gave up ringing by itself.
            480 | 487 => Progress::Rang,
            _ => Progress::Unreachable,
        }
    }

    pub(super) fn outcome(self) -> OfferOutcome {
        match self {
            Progress::Unreachable | Progress::Unusable => OfferOutcome::Unreachable,
            Progress::Rang => OfferOutcome::NoAnswer,
            Progress::Refused => OfferOutcome::Rejected,
        }
    }
}

/// What a phone's display shows of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Display {
    name: String,
    user: String,
}

impl Display {
    /// The title, if there is one; whose number was dialled, if it is not the usual organisation's, so
    /// that the call is answered in the right name; and who rings. A withheld number stays withheld.
    pub(super) fn new(title: Option<&str>, dialled: Option<&str>, caller: &Caller) -> Display {
        let (shown, user) = match (&caller.number, caller.withheld) {
            (Some(number), false) => {
                // As it is dialled here.
                let number = Number::read(number).national();
                (caller.name.clone().unwrap_or_else(|| number.clone()), number)
            }
            (None, false) => ("unknown caller".to_owned(), "unknown".to_owned()),
            (_, true) => ("number withheld".to_owned(), "anonymous".to_owned()),
        };
        let said: Vec<&str> = title.into_iter().chain(dialled).collect();
        let name = match said.is_empty() {
            true => shown,
            false => format!("{}: {shown}", said.join(", ")),
        };
        Display { name, user }
    }
}

#[derive(Debug)]
struct Phone {
    leg: Leg,
    target: Target,
    /// It has said that it rings.
    rang: bool,
}

/// How targets are rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Every phone at once: one person has them all.
    Together,
    /// Each once the one before could not be reached: ways to the same number.
    InTurn,
    /// The next joins in after so long, or once the one before is out: one person has them all, and most
    /// likely is at the first.
    InOrder(Duration),
}

/// Phones that ring for one purpose.
#[derive(Debug)]
pub(super) struct Ringing {
    pub(super) since: Time,
    phones: Vec<Phone>,
    /// Tried when what rings cannot be reached, or has rung for a while.
    later: VecDeque<Phone>,
    manner: Manner,
    /// When the next of them joins in.
    next_at: Option<Time>,
    display: Display,
    best: Progress,
    /// The final status that says most.
    status: Option<u16>,
    /// Whether anybody knows that a phone rings.
    told: bool,
    /// The phone that answered, while somebody decides about its claim.
    answered: Option<LegId>,
}

impl Ringing {
    pub(super) fn new(
        now: Time,
        ids: &mut Entropy,
        targets: Vec<Target>,
        manner: Manner,
        display: Display,
    ) -> Ringing {
        let phone = |target: Target| {
            let keyring = Keyring::new(target.terms, ids);
            let leg = Leg::opening(ids.leg_id(), target.to.ip(), keyring);
            Phone { leg, target, rang: false }
        };
        let mut later: VecDeque<Phone> = targets.into_iter().map(phone).collect();
        let first = match manner {
            Manner::Together => later.len(),
            Manner::InTurn | Manner::InOrder(_) => later.len().min(1),
        };
        let phones = later.drain(..first).collect();
        let best = Progress::Unreachable;
        let (status, told, answered, next_at) = (None, false, None, None);
        let mut ringing = Ringing {
            since: now,
            phones,
            later,
            manner,
            next_at,
            display,
            best,
            status,
            told,
            answered,
        };
        ringing.expect_next(now);
        ringing
    }

    fn expect_next(&mut self, now: Time) {
        self.next_at = match self.manner {
            Manner::InOrder(step) if !self.later.is_empty() => Some(now + step),
            Manner::InOrder(_) | Manner::Together | Manner::InTurn => None,
        };
    }

    /// When the next phone joins in.
    pub(super) fn next_at(&self) -> Option<Time> {
        self.next_at.filter(|_| !self.has_answered())
    }

    /// The next phone joins in, if it is time: the leg that is to be opened.
    pub(super) fn next(&mut self, now: Time) -> Option<LegId> {
        self.next_at().filter(|at| *at <= now)?;
        let next = self.later.pop_front()?;
        let leg = next.leg.id;
        self.phones.push(next);
        self.expect_next(now);
        Some(leg)
    }

    /// The legs that ring.
    pub(super) fn leg_ids(&self) -> Vec<LegId> {
        self.phones.iter().map(|phone| phone.leg.id).collect()
    }

    fn rings(&self, leg: LegId) -> bool {
        self.phones.iter().any(|phone| phone.leg.id == leg)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.phones.is_empty()
    }

    pub(super) fn has_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// What came of it, if it ends now without an answer, and the status that says so.
    pub(super) fn result(&self) -> (OfferOutcome, Option<u16>) {
        let rings = self.phones.iter().any(|phone| phone.rang);
        let best = if rings { self.best.max(Progress::Rang) } else { self.best };
        (best.outcome(), self.status)
    }

    fn phone(&mut self, leg: LegId) -> Option<&mut Phone> {
        self.phones.iter_mut().find(|phone| phone.leg.id == leg)
    }

    /// What was agreed on with the first phone that can be heard.
    pub(super) fn negotiated(&self) -> Option<&Negotiated> {
        self.phones.iter().find_map(|phone| phone.leg.negotiated.as_deref())
    }

    /// Over which listener a phone is rung.
    pub(super) fn listener(&self, leg: LegId) -> Option<ListenerId> {
        let phone = self.phones.iter().find(|phone| phone.leg.id == leg)?;
        Some(phone.target.listener)
    }

    /// The way through a trunk that a leg is.
    pub(super) fn trunk(&self, leg: LegId) -> Option<Arc<Attempt>> {
        let phone = self.phones.iter().find(|phone| phone.leg.id == leg)?;
        phone.target.trunk.clone()
    }

    fn opened(
        &mut self,
        leg: LegId,
        local: SocketAddr,
        caller: Option<&Negotiated>,
    ) -> Option<OutgoingInvite> {
        let Display { name, user } = self.display.clone();
        let phone = self.phone(leg)?;
        phone.leg.opened(local);
        let offer = phone.leg.offer(caller)?;
        let Target { uri, to, listener, terms: _, trunk } = phone.target.clone();
        // People outside see the council's number, whoever rings them.
        let (from_display, from_user, extras) = match trunk {
            Some(way) => (String::new(), way.from_user.clone(), Box::new(way.extras.clone())),
            None => (name, user, Box::default()),
        };
        Some(OutgoingInvite { leg, listener, uri, to, from_display, from_user, offer, extras })
    }

    /// A phone is out. Returns the leg that is to be opened instead, if there is another way.
    fn fail(
        &mut self,
        now: Time,
        leg: LegId,
        progress: Progress,
        status: Option<u16>,
    ) -> Option<LegId> {
        let at = self.phones.iter().position(|phone| phone.leg.id == leg)?;
        let rang = self.phones.remove(at).rang;
        if progress >= self.best {
            self.status = status.or(self.status);
        }
        self.best = self.best.max(progress);
        if self.answered == Some(leg) {
            self.answered = None;
        }
        // RFC 3263 section 4.3: another host is tried when one fails, not when it says no.
        let silent = self.best == Progress::Unreachable && !rang;
        let elsewhere = match self.manner {
            Manner::InOrder(_) => self.answered.is_none(),
            Manner::Together | Manner::InTurn => {
                silent && status.is_none_or(|status| status == 408 || (500..600).contains(&status))
            }
        };
        let next = self.later.pop_front_if(|_| elsewhere)?;
        let leg = next.leg.id;
        self.phones.push(next);
        self.expect_next(now);
        Some(leg)
    }

    /// The phone that answered, and what was agreed on with it.
    pub(super) fn picked_up(&mut self) -> Option<&mut Leg> {
        let answered = self.answered?;
        self.phone(answered).map(|phone| &mut phone.leg)
    }

    /// Every phone but the one that answered, taken out, with those that were not rung yet.
    pub(super) fn take_others(&mut self) -> Vec<LegId> {
        self.later.clear();
        let answered = self.answered;
        let others = self.phones.extract_if(.., |phone| Some(phone.leg.id) != answered);
        others.map(|phone| phone.leg.id).collect()
    }

    /// The phone that answered, taken out.
    pub(super) fn take_answered(&mut self) -> Option<Leg> {
        let answered = self.answered.take()?;
        let at = self.phones.iter().position(|phone| phone.leg.id == answered)?;
        Some(self.phones.remove(at).leg)
    }
}

impl Call {
    /// Whoever is rung on this leg, with all their phones that ring.
    fn ringing_mut(&mut self, leg: LegId) -> Option<&mut Ringing> {
        let ringing = match &mut self.state {
            State::Offering(offers) => {
                let mut rung = offers.iter_mut().map(|offering| &mut offering.ringing);
                return rung.find(|ringing| ringing.rings(leg));
            }
            State::Dialling(dialling) => dialling.ringing_mut(),
            State::Talking(talk) => talk.guests.ringing_mut(),
            State::Arriving { .. } | State::InFlow | State::Queued | State::Ended => None,
        };
        ringing.filter(|ringing| ringing.rings(leg))
    }

    fn ringing(&self, leg: LegId) -> Option<&Ringing> {
        let ringing = match &self.state {
            State::Offering(offers) => {
                let mut rung = offers.iter().map(|offering| &offering.ringing);
                return rung.find(|ringing| ringing.rings(leg));
            }
            State::Dialling(dialling) => dialling.ringing(),
            State::Talking(talk) => talk.guests.ringing(),
            State::Arriving { .. } | State::InFlow | State::Queued | State::Ended => None,
        };
        ringing.filter(|ringing| ringing.rings(leg))
    }

    /// The agent whom the queue has rung on this leg.
    fn offered_on(&self, leg: LegId) -> Option<AgentId> {
        let State::Offering(offers) = &self.state else { return None };
        let offering = offers.iter().find(|offering| offering.ringing.rings(leg))?;
        Some(offering.agent.clone())
    }

    /// The way through a trunk that a leg is.
    pub fn trunk_of(&self, leg: LegId) -> Option<Arc<Attempt>> {
        self.ringing(leg)?.trunk(leg)
    }

    /// Whoever is rung is somewhere else (3xx), where they may be rung instead.
    pub fn phone_redirected(&mut self, now: Time, ids: &mut Entropy, leg: LegId, to: Target) {
        if let Some(ringing) = self.ringing_mut(leg) {
            let keyring = Keyring::new(to.terms, ids);
            let there = Leg::opening(ids.leg_id(), to.to.ip(), keyring);
            ringing.later.push_front(Phone { leg: there, target: to, rang: false });
        }
        self.phone_failed(now, leg, Progress::Unreachable, None);
    }

    /// Over which listener a phone will be rung.
    pub fn listener_towards(&self, leg: LegId) -> Option<ListenerId> {
        self.ringing(leg)?.listener(leg)
    }

    /// The ports of a phone's leg are open: ring it.
    pub(super) fn phone_opened(&mut self, now: Time, leg: LegId, local: SocketAddr) {
        if self.is_alone() {
            return self.phone_failed(now, leg, Progress::Rang, None);
        }
        let caller = self.caller_leg.negotiated.clone();
        let invite =
            self.ringing_mut(leg).and_then(|ringing| ringing.opened(leg, local, caller.as_deref()));
        if let Some(mut invite) = invite {
            invite.extras.hops_left = Some(self.hops_left);
            self.sip(SipAction::Invite(invite));
        }
    }

    /// A phone rings, or lets something be heard already.
    pub fn phone_ringing(&mut self, leg: LegId, early: Option<&Bytes>) {
        if let Some(answer) = early {
            self.phone_heard_early(leg, answer);
        }
        let Some(ringing) = self.ringing_mut(leg) else { return };
        if let Some(phone) = ringing.phone(leg) {
            phone.rang = true;
        }
        if std::mem::replace(&mut ringing.told, true) {
            return;
        }
        match &self.state {
            State::Offering(_) => {
                if let Some(agent) = self.offered_on(leg) {
                    self.queue(QueueAction::Ringing(agent));
                }
            }
            State::Dialling(_) => self.dialled_rings(),
            State::Talking(talk) => {
                if let Some(invited) = &talk.guests.invited {
                    let agent = invited.agent.clone();
                    self.queue(QueueAction::Ringing(agent));
                }
            }
            State::Arriving { .. } | State::InFlow | State::Queued | State::Ended => {}
        }
    }

    /// Early media (RFC 3960): what the network of a number outside lets be heard before somebody
    /// answers. Of an agent's phones several may ring, and nobody would know which to hear.
    fn phone_heard_early(&mut self, leg: LegId, answer: &Bytes) {
        let State::Dialling(dialling) = &self.state else { return };
        if !matches!(dialling.to, Destination::Outside(_)) {
            return;
        }
        let Some(phone) = self.ringing_mut(leg).and_then(|ringing| ringing.phone(leg)) else {
            return;
        };
        if phone.leg.take_answer(answer).is_err() {
            return;
        }
        let Some(negotiated) = phone.leg.negotiated.as_deref().cloned() else { return };
        self.media(media::Command::Negotiate { leg, negotiated });
        self.hear_early(leg);
    }

    /// A phone answered: of an agent's, the claim is the queue's to decide. A second phone that
    /// answers at the same time is hung up.
    pub fn phone_answered(&mut self, now: Time, leg: LegId, answer: &Bytes, source: SocketAddr) {
        let Some(ringing) = self.ringing_mut(leg) else { return self.drop_leg(leg) };
        let taken = ringing.answered.is_some();
        if taken {
            ringing.phones.retain(|phone| phone.leg.id != leg);
            return self.drop_leg(leg);
        }
        let Some(phone) = ringing.phone(leg) else { return };
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
            return self.phone_failed(now, leg, Progress::Unusable, Some(488));
        }
        phone.leg.stage = Stage::Up;
        ringing.answered = Some(leg);
        match &self.state {
            State::Offering(_) => {
                if !self.begin_preface(now, leg)
                    && let Some(agent) = self.offered_on(leg)
                {
                    self.queue(QueueAction::Claim(agent));
                }
            }
            State::Dialling(_) => self.dialled_answered(now),
            State::Talking(_) => self.supervisor_answered(now),
            State::Arriving { .. } | State::InFlow | State::Queued | State::Ended => {}
        }
    }

    /// A phone refused or could not be reached, by its final status.
    pub fn phone_refused(&mut self, now: Time, leg: LegId, status: u16) {
        let rang =
            self.ringing_mut(leg).and_then(|ringing| ringing.phone(leg)).is_some_and(|p| p.rang);
        let progress = match Progress::of(status) {
            // Somebody on the way found that it had rung long enough (16.8). Whatever else comes after
            // ringing says that the phone is out: its connection broke, it went wrong.
            Progress::Unreachable if rang && status == 408 => Progress::Rang,
            progress => progress,
        };
        self.phone_failed(now, leg, progress, Some(status));
    }

    /// One phone is out; the ringing is over when it was the last.
    pub(super) fn phone_failed(
        &mut self,
        now: Time,
        leg: LegId,
        progress: Progress,
        status: Option<u16>,
    ) {
        self.media(media::Command::Close { leg });
        let agent = self.offered_on(leg);
        let Some(ringing) = self.ringing_mut(leg) else { return };
        // A 6xx speaks for whoever is rung, not for one phone (RFC 3261 section 21.6).
        let refused = status.is_some_and(|status| status >= 600) && !ringing.has_answered();
        if refused {
            ringing.later.clear();
        }
        let next = ringing.fail(now, leg, progress, status);
        let over = ringing.is_empty() || refused;
        if let Some(leg) = next {
            self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
            self.expect_next_phone();
        } else if over {
            match agent {
                Some(agent) => self.offer_over(now, &agent),
                None => self.ringing_over(now),
            }
        }
    }

    /// The phones have rung long enough; or enough was said to whoever has picked up.
    pub fn ring_timed_out(&mut self, now: Time) {
        let ringing = match &self.state {
            State::Offering(_) => return self.offers_timed_out(now),
            State::Dialling(dialling) => dialling.ringing(),
            State::Talking(talk) => talk.guests.ringing(),
            State::Arriving { .. } | State::InFlow | State::Queued | State::Ended => None,
        };
        if ringing.is_some_and(|ringing| !ringing.has_answered()) {
            self.ringing_over(now);
        }
    }

    /// No phone of somebody who is rung by name took the call.
    fn ringing_over(&mut self, now: Time) {
        match &self.state {
            State::Dialling(_) => self.dial_over(now),
            State::Talking(_) => self.supervisor_over(),
            State::Offering(_)
            | State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Ended => {}
        }
    }

    /// Stops whatever rings.
    pub(super) fn stop_ringing(&mut self, ringing: &Ringing, outcome: OfferOutcome) {
        self.out.push(Action::Timer(CallTimer::Ring, None));
        for leg in ringing.leg_ids() {
            if matches!(outcome, OfferOutcome::Accepted | OfferOutcome::AnsweredElsewhere) {
                // Another phone took the call: these show no missed one.
                self.sip(SipAction::HangUpBecause(leg, Cause::ANSWERED_ELSEWHERE));
                self.media(media::Command::Close { leg });
            } else {
                self.drop_leg(leg);
            }
        }
    }

    pub(super) fn drop_leg(&mut self, leg: LegId) {
        self.sip(SipAction::HangUp(leg));
        self.media(media::Command::Close { leg });
    }
}
