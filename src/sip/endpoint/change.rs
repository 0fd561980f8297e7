//! Changes of a session that we ask for (RFC 3261 section 14.1): one at a time, and again where two
//! have met.

use std::time::Duration;

use crate::id::LegId;
use crate::sip::dialog::Dialog;
use crate::sip::header::HeaderName;
use crate::sip::method::Method;
use crate::sip::session::negotiation::Standing;
use crate::sip::transaction::table::TransactionId;
use crate::time::Time;

use super::leg::{Leg, LegTimer, Stage, User, mark};
use super::outgoing::Accepted;
use super::replies::Reply;
use super::response::{ALLOW, SDP};
use super::{Endpoint, LegEnd, SipEvent};

/// A change that we want.
#[derive(Debug)]
pub(super) struct OurChange {
    /// The description that we offer.
    sdp: String,
    /// Its transaction, once it was sent.
    sent: Option<TransactionId>,
    /// With whom, in a dialog that is early: the peer's tag.
    early: Option<String>,
    /// What was asked for since it was sent.
    next: Option<String>,
    /// Only refreshes the session: nothing changes.
    refreshes: bool,
}

impl OurChange {
    fn new(sdp: String, refreshes: bool) -> Box<OurChange> {
        Box::new(OurChange { sdp, sent: None, early: None, next: None, refreshes })
    }

    /// Whether it is under way.
    pub(super) fn is_sent(&self) -> bool {
        self.sent.is_some()
    }
}

impl Endpoint {
    pub(super) fn want_change(&mut self, now: Time, leg: LegId, sdp: &str) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.quiet || matches!(found.stage, Stage::Leaving) {
            return;
        }
        match &mut found.ours {
            Some(ours) if ours.sent.is_some() => ours.next = Some(sdp.to_owned()),
            ours => *ours = Some(OurChange::new(sdp.to_owned(), false)),
        }
        self.try_change(now, leg);
    }

    /// A re-INVITE that changes nothing, for a peer that does not know UPDATE. Whatever changes the
    /// session refreshes it too.
    pub(super) fn refresh_by_invite(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if let (None, Some(described)) = (&found.ours, &found.described) {
            found.ours = Some(OurChange::new(described.to_string(), true));
            self.try_change(now, leg);
        }
    }

    /// Sends the change that waits, unless something is under way that it must not cross: the peer's
    /// own change, an INVITE without its ACK, the wait after two have met. In a dialog that is early
    /// it is an UPDATE (RFC 3311 section 5.1), once offer and answer are known.
    pub(super) fn try_change(&mut self, now: Time, leg: LegId) {
        let waits = self.timers.get(&(leg, LegTimer::Retry)).is_some();
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let wanted = found.ours.as_ref().filter(|ours| ours.sent.is_none());
        let Some(sdp) = wanted.map(|ours| ours.sdp.clone()).filter(|_| !waits) else { return };
        let (early, method, user) = match &found.stage {
            Stage::Up => (None, Method::Invite, User::Reinvite(leg)),
            Stage::Arriving(_) | Stage::Calling(_) if !found.peer.update => return,
            Stage::Arriving(_) => (None, Method::Update, User::Update(leg)),
            Stage::Calling(calling) => {
                let mut settled = calling.early.iter().filter(|early| early.answer.is_some());
                let Some(tag) = settled.next().and_then(|early| early.dialog.remote.tag()) else {
                    return;
                };
                (Some(tag.to_owned()), Method::Update, User::Update(leg))
            }
            Stage::Leaving => return,
        };
        if found.standing(early.as_deref()) != Standing::Settled {
            return;
        }
        let dialog = found.dialog_with(early.as_deref());
        let seq = dialog.next_seq();
        let dialog = dialog.clone();
        let Some(begun) = self.begin(&dialog, &method, seq) else {
            return self.change_refused(now, leg, 500);
        };
        let begun = begun
            .with_if(HeaderName::Contact, self.contact_in(&dialog))
            .with(HeaderName::Allow, ALLOW);
        let prepared = self.keep_session(leg, begun).finish_with(SDP, &sdp);
        let id = self.request(now, prepared, user);
        if method == Method::Invite {
            self.accepted.insert(id, Accepted::new(dialog));
        }
        if let Some(ours) = self.legs.get_mut(&leg).and_then(|leg| leg.ours.as_mut()) {
            (ours.sent, ours.early) = (Some(id), early);
        }
        self.timers.set((leg, LegTimer::Overdue), now + self.limits.ring);
    }

    /// A response to our re-INVITE or UPDATE. The 2xx of the former is acknowledged each time it
    /// comes, also if the leg is long gone.
    pub(super) fn change_replied(
        &mut self,
        now: Time,
        leg: LegId,
        id: TransactionId,
        user: User,
        reply: &Reply,
    ) {
        if (200..300).contains(&reply.status) && user == User::Reinvite(leg) {
            let target = reply.message.contact().map(|contact| contact.uri);
            self.acknowledge(id, reply, |dialog| {
                // Section 12.2.1.2: a new target, and nothing else.
                dialog.remote_target = target.unwrap_or(dialog.remote_target.clone());
            });
        }
        let current =
            |leg: &Leg| leg.ours.as_ref().is_some_and(|ours| ours.sent == Some(id)) && !leg.quiet;
        if reply.status < 200 || !self.legs.get(&leg).is_some_and(|leg| current(leg)) {
            return;
        }
        match reply.status {
            ..300 => self.change_taken(now, leg, reply),
            401 | 407 => {
                let again = self.answer_challenge_in(now, leg, id, reply, user);
                self.change_again(now, leg, again, reply.status);
            }
            422 => {
                let seq = self.legs.get_mut(&leg).map_or(0, |leg| leg.dialog.next_seq());
                let raised = self.raise_session(id, reply, seq);
                let again = raised.and_then(|prepared| {
                    let dialog = self.legs.get(&leg)?.dialog.clone();
                    Some((self.request(now, prepared, user), dialog))
                });
                self.change_again(now, leg, again, reply.status);
            }
            491 => self.retry_change(now, leg),
            408 | 481 if user == User::Reinvite(leg) => self.lose(now, leg, reply.cause()),
            status => self.change_refused(now, leg, status),
        }
    }

    /// The same change goes on in another transaction.
    fn change_again(
        &mut self,
        now: Time,
        leg: LegId,
        again: Option<(TransactionId, Dialog)>,
        status: u16,
    ) {
        let Some((id, dialog)) = again else { return self.change_refused(now, leg, status) };
        self.accepted.insert(id, Accepted::new(dialog));
        if let Some(ours) = self.legs.get_mut(&leg).and_then(|leg| leg.ours.as_mut()) {
            ours.sent = Some(id);
        }
    }

    fn change_taken(&mut self, now: Time, leg: LegId, reply: &Reply) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(ours) = found.ours.as_ref() else { return };
        let (early, refreshes) = (ours.early.clone(), ours.refreshes);
        found.described = Some(Box::from(ours.sdp.as_str()));
        if let Ok(contact) = reply.message.contact() {
            found.dialog_with(early.as_deref()).remote_target = contact.uri;
        }
        found.peer.learn(&reply.message);
        let answer = reply.message.body_of(SDP).unwrap_or_default();
        if let Some(early) = found.early(early.as_deref()) {
            early.answer = Some(answer.clone());
        }
        let news = std::mem::replace(&mut found.heard, mark(&answer)) != mark(&answer);
        if !refreshes || news {
            self.events.push_back(SipEvent::Changed { leg, answer });
        }
        self.session_taken(now, leg, &reply.message);
        self.change_over(now, leg);
    }

    fn change_refused(&mut self, now: Time, leg: LegId, status: u16) {
        let ours = self.legs.get(&leg).and_then(|leg| leg.ours.as_ref());
        match ours.map(|ours| ours.refreshes) {
            Some(false) => self.events.push_back(SipEvent::ChangeRefused { leg, status }),
            Some(true) => self.refresh_again(now, leg),
            None => {}
        }
        self.change_over(now, leg);
    }

    /// What was asked for meanwhile is asked for now.
    fn change_over(&mut self, now: Time, leg: LegId) {
        self.timers.cancel(&(leg, LegTimer::Overdue));
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let next = found.ours.take().and_then(|ours| ours.next);
        found.ours = next.map(|sdp| OurChange::new(sdp, false));
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
                (ours.sdp, ours.refreshes) = (next, false);
            }
        }
        let tens =
            if found.outgoing { 210 + self.entropy.below(191) } else { self.entropy.below(201) };
        let wait = Duration::from_millis(u64::from(tens) * 10);
        self.timers.set((leg, LegTimer::Retry), now + wait);
    }

    /// Nothing came for our change, or nothing can come (section 8.1.3.1). Only the former says that
    /// the peer is not there: a connection that broke can be opened again.
    pub(super) fn change_unanswered(
        &mut self,
        now: Time,
        leg: LegId,
        id: TransactionId,
        status: u16,
    ) {
        let Some(found) = self.legs.get(&leg) else { return };
        if found.ours.as_ref().is_none_or(|ours| ours.sent != Some(id)) {
            return;
        }
        // Before the answer, the INVITE that is under way has its own end.
        if status == 408 && matches!(found.stage, Stage::Up) {
            self.lose(now, leg, None);
        } else {
            self.change_refused(now, leg, status);
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
