//! Changes of a session that we ask for (RFC 3261 section 14.1): one at a time, and again where two
//! have met.

use std::time::Duration;

use crate::id::LegId;
use crate::sip::header::HeaderName;
use crate::sip::method::Method;
use crate::sip::transaction::table::TransactionId;
use crate::time::Time;

use super::leg::{LegTimer, Stage, User};
use super::outgoing::Accepted;
use super::replies::Reply;
use super::response::{ALLOW, SDP, SUPPORTED};
use super::{Endpoint, LegEnd, SipEvent};

/// A change that we want.
#[derive(Debug)]
pub(super) struct OurChange {
    /// The description that we offer.
    sdp: String,
    /// Its transaction, once it was sent.
    sent: Option<TransactionId>,
    /// What was asked for since it was sent.
    next: Option<String>,
}

impl OurChange {
    /// Whether it is under way.
    pub(super) fn is_sent(&self) -> bool {
        self.sent.is_some()
    }
}

impl Endpoint {
    pub(super) fn want_change(&mut self, now: Time, leg: LegId, sdp: &str) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.quiet || !matches!(found.stage, Stage::Up) {
            return;
        }
        match &mut found.ours {
            Some(ours) if ours.sent.is_some() => ours.next = Some(sdp.to_owned()),
            Some(ours) => sdp.clone_into(&mut ours.sdp),
            None => {
                let ours = OurChange { sdp: sdp.to_owned(), sent: None, next: None };
                found.ours = Some(Box::new(ours));
            }
        }
        self.try_change(now, leg);
    }

    /// Sends the change that waits, unless something is under way that it must not cross: the peer's
    /// own change, an INVITE without its ACK, the wait after two have met.
    pub(super) fn try_change(&mut self, now: Time, leg: LegId) {
        let waits = self.timers.get(&(leg, LegTimer::Retry)).is_some();
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(ours) = found.ours.as_ref().filter(|ours| ours.sent.is_none()) else { return };
        let free = matches!(found.stage, Stage::Up)
            && !found.quiet
            && found.change.is_none()
            && found.unacknowledged.is_none();
        if waits || !free {
            return;
        }
        let sdp = ours.sdp.clone();
        let seq = found.dialog.next_seq();
        let dialog = found.dialog.clone();
        let Some(begun) = self.begin(&dialog, &Method::Invite, seq) else {
            return self.change_refused(now, leg, 500);
        };
        let prepared = begun
            .with_if(HeaderName::Contact, self.contact_in(&dialog))
            .with(HeaderName::Allow, ALLOW)
            .with(HeaderName::Supported, SUPPORTED)
            .finish_with(SDP, &sdp);
        let id = self.request(now, prepared, User::Reinvite(leg));
        self.accepted.insert(id, Accepted::new(dialog));
        if let Some(ours) = self.legs.get_mut(&leg).and_then(|leg| leg.ours.as_mut()) {
            ours.sent = Some(id);
        }
        self.timers.set((leg, LegTimer::Overdue), now + self.limits.ring);
    }

    /// A response to our re-INVITE. Its 2xx is acknowledged each time it comes, also if the leg is
    /// long gone.
    pub(super) fn reinvite_replied(
        &mut self,
        now: Time,
        leg: LegId,
        id: TransactionId,
        reply: &Reply,
    ) {
        if (200..300).contains(&reply.status) {
            let target = reply.message.contact().map(|contact| contact.uri);
            self.acknowledge(id, reply, |dialog| {
                // Section 12.2.1.2: a new target, and nothing else.
                dialog.remote_target = target.unwrap_or(dialog.remote_target.clone());
            });
        }
        let current = |leg: &super::leg::Leg| {
            leg.ours.as_ref().is_some_and(|ours| ours.sent == Some(id)) && !leg.quiet
        };
        if reply.status < 200 || !self.legs.get(&leg).is_some_and(current) {
            return;
        }
        match reply.status {
            ..300 => self.change_taken(now, leg, reply),
            401 | 407 => match self.answer_challenge_in(now, leg, id, reply, User::Reinvite(leg)) {
                Some((id, dialog)) => {
                    self.accepted.insert(id, Accepted::new(dialog));
                    if let Some(ours) = self.legs.get_mut(&leg).and_then(|leg| leg.ours.as_mut()) {
                        ours.sent = Some(id);
                    }
                }
                None => self.change_refused(now, leg, reply.status),
            },
            491 => self.retry_change(now, leg),
            408 | 481 => self.lose(now, leg, reply.cause()),
            status => self.change_refused(now, leg, status),
        }
    }

    fn change_taken(&mut self, now: Time, leg: LegId, reply: &Reply) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if let Ok(contact) = reply.message.contact() {
            found.dialog.remote_target = contact.uri;
        }
        let answer = reply.message.body_of(SDP).unwrap_or_default();
        self.events.push_back(SipEvent::Changed { leg, answer });
        self.change_over(now, leg);
    }

    fn change_refused(&mut self, now: Time, leg: LegId, status: u16) {
        self.events.push_back(SipEvent::ChangeRefused { leg, status });
        self.change_over(now, leg);
    }

    /// What was asked for meanwhile is asked for now.
    fn change_over(&mut self, now: Time, leg: LegId) {
        self.timers.cancel(&(leg, LegTimer::Overdue));
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.ours = found
            .ours
            .take()
            .and_then(|ours| ours.next)
            .map(|sdp| Box::new(OurChange { sdp, sent: None, next: None }));
        self.try_change(now, leg);
    }

    /// Section 14.1: two changes have met. Whoever made the Call-ID waits longer, so that they do not
    /// meet again.
    fn retry_change(&mut self, now: Time, leg: LegId) {
        self.timers.cancel(&(leg, LegTimer::Overdue));
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if let Some(ours) = &mut found.ours {
            ours.sent = None;
            if let Some(next) = ours.next.take() {
                ours.sdp = next;
            }
        }
        let tens =
            if found.outgoing { 210 + self.entropy.below(191) } else { self.entropy.below(201) };
        let wait = Duration::from_millis(u64::from(tens) * 10);
        self.timers.set((leg, LegTimer::Retry), now + wait);
    }

    /// Nothing came for our change, or nothing can come (section 8.1.3.1): the peer is not there.
    pub(super) fn change_unanswered(&mut self, now: Time, leg: LegId, id: TransactionId) {
        let sent = self.legs.get(&leg).and_then(|leg| leg.ours.as_ref()?.sent);
        if sent == Some(id) {
            self.lose(now, leg, None);
        }
    }

    /// Nothing but provisional responses came for our change: the session stays as it was.
    pub(super) fn give_up_on_change(&mut self, now: Time, leg: LegId) {
        let sent = self.legs.get(&leg).and_then(|leg| leg.ours.as_ref()?.sent);
        if let Some(id) = sent {
            self.transactions.abandon(now, id);
            self.change_refused(now, leg, 408);
        }
    }

    /// Section 12.2.1.2: the peer does not know the dialog, or is not there any more.
    pub(super) fn lose(&mut self, now: Time, leg: LegId, cause: Option<super::Cause>) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if !found.quiet {
            found.quiet = true;
            self.events.push_back(SipEvent::Ended { leg, end: LegEnd::Lost, cause });
        }
        self.send_bye(now, leg);
    }
}
