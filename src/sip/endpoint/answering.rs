//! Answers to INVITEs: provisional, 2xx until its ACK (RFC 3261 section 13.3.1), refusals; and
//! changes of a session that is up (sections 14.2, RFC 3311).

use std::time::Duration;

use crate::id::LegId;
use crate::sip::dialog::Dialog;
use crate::sip::digest::Verdict;
use crate::sip::guard::Offence;
use crate::sip::header::HeaderName;
use crate::sip::method::Method;
use crate::sip::transaction::table::{Outgoing, Packet, TransactionId};
use crate::sip::transaction::timers::{GIVE_UP, T1, doubled};
use crate::sip::write::Draft;
use crate::time::Time;

use super::leg::{LegTimer, Stage, Unacknowledged, mark};
use super::response::{ALLOW, Inbound, SDP, SUPPORTED, packet, seconds};
use super::{Endpoint, LegEnd, SipEvent};

impl Endpoint {
    /// The user is still thinking: so that the caller stops repeating.
    pub(super) fn send_trying(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Stage::Arriving(invite) = &found.stage else { return };
        if !self.has_answered(invite.transaction) {
            let trying = Draft::response(&invite.message, invite.source, 100, "");
            let (transaction, response) = (invite.transaction, packet(invite, 100, trying));
            self.respond_in(now, transaction, response);
        }
    }

    fn has_answered(&self, transaction: Option<TransactionId>) -> bool {
        transaction.is_some_and(|transaction| self.transactions.has_responded(transaction))
    }

    /// Sends the 2xx of the INVITE that began a leg; without SDP if that was exchanged before.
    pub(super) fn send_2xx(&mut self, now: Time, leg: LegId, sdp: Option<&str>) {
        let Some(mut found) = self.legs.remove(&leg) else { return };
        found.stage = match found.stage {
            Stage::Arriving(invite) => {
                let tag = found.dialog.local.tag().unwrap_or("");
                let answer = self.accepting(now, &invite, tag, sdp, true);
                self.await_ack(now, leg);
                found.unacknowledged = Some(answer);
                found.described = sdp.map(Box::from).or(found.described);
                found.stage = Stage::Up;
                self.legs.insert(leg, found);
                return self.session_answered(now, leg, &invite.message);
            }
            other @ (Stage::Calling(_) | Stage::Up | Stage::Leaving) => other,
        };
        self.legs.insert(leg, found);
    }

    /// Sends the 2xx of an INVITE.
    fn accepting(
        &mut self,
        now: Time,
        invite: &Inbound,
        tag: &str,
        sdp: Option<&str>,
        first: bool,
    ) -> Unacknowledged {
        let response = self.success(invite, tag, sdp);
        self.send(now, invite, response.clone());
        Unacknowledged {
            seq: invite.essentials.cseq.seq,
            offered: invite.offer().is_none() && sdp.is_some(),
            transaction: invite.transaction,
            response,
            gap: T1,
            first,
        }
    }

    /// A 200 in a dialog.
    pub(super) fn success(&self, request: &Inbound, tag: &str, sdp: Option<&str>) -> Packet {
        let draft = self
            .draft(request, 200, tag)
            .header_if(HeaderName::Contact, self.contact(request))
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Supported, SUPPORTED);
        let draft = match request.method() {
            Method::Invite | Method::Update => self.answer_session(request, draft),
            _ => draft,
        };
        let bytes = match sdp {
            Some(sdp) => draft.finish_with(SDP, sdp),
            None => draft.finish(),
        };
        Packet { method: request.method().label(), status: 200, bytes }
    }

    pub(super) fn contact(&self, request: &Inbound) -> Option<String> {
        let listener = self.listener(request.listener)?;
        Some(format!("<{}>", listener.contact("", request.asks_secure())))
    }

    pub(super) fn contact_in(&self, dialog: &Dialog) -> Option<String> {
        let listener = self.listener(dialog.listener)?;
        Some(format!("<{}>", listener.contact("", dialog.secure)))
    }

    pub(super) fn respond_in(
        &mut self,
        now: Time,
        transaction: Option<TransactionId>,
        response: Packet,
    ) {
        if let Some(transaction) = transaction {
            self.transactions.respond(now, transaction, response);
        }
    }

    fn await_ack(&mut self, now: Time, leg: LegId) {
        self.timers.set((leg, LegTimer::Repeat), now + T1);
        self.timers.set((leg, LegTimer::NoAck), now + GIVE_UP);
    }

    /// Section 13.3.1.4: the 2xx is repeated over any transport, since only the ACK of the far end
    /// ends it.
    pub(super) fn repeat_answer(&mut self, now: Time, leg: LegId) {
        let Some(waiting) = self.legs.get_mut(&leg).and_then(|leg| leg.unacknowledged.as_mut())
        else {
            return;
        };
        waiting.gap = doubled(waiting.gap);
        let (transaction, response, gap) =
            (waiting.transaction, waiting.response.clone(), waiting.gap);
        self.respond_in(now, transaction, response);
        self.timers.set((leg, LegTimer::Repeat), now + gap);
    }

    pub(super) fn give_up_on_ack(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.unacknowledged = None;
        self.timers.cancel(&(leg, LegTimer::Repeat));
        if !found.quiet {
            found.quiet = true;
            self.events.push_back(SipEvent::Ended { leg, end: LegEnd::NoAck, cause: None });
        }
        self.send_bye(now, leg);
    }

    /// An ACK in a dialog: of our newest 2xx, or a repetition.
    pub(super) fn take_ack(&mut self, now: Time, leg: LegId, ack: &Inbound) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(waiting) =
            found.unacknowledged.take_if(|waiting| waiting.seq == ack.essentials.cseq.seq)
        else {
            return;
        };
        self.timers.cancel(&(leg, LegTimer::Repeat));
        self.timers.cancel(&(leg, LegTimer::NoAck));
        if waiting.first {
            // The PRACK of what the 2xx has overtaken may come after the ACK: whoever gets 481 for it
            // ends the call (section 12.2.1.2).
            found.announced = found.announced.take().filter(|one| one.is_overtaken());
        }
        if found.quiet {
            // The hang-up had to wait for this (section 15).
            self.send_bye(now, leg);
            return;
        }
        let answer = if waiting.offered { ack.offer() } else { None };
        if waiting.first || waiting.offered {
            self.events.push_back(SipEvent::Acknowledged { leg, answer });
        }
        self.try_change(now, leg);
    }

    pub(super) fn send_refusal(
        &mut self,
        now: Time,
        leg: LegId,
        status: u16,
        retry_after: Option<Duration>,
    ) {
        let status = if (300..700).contains(&status) { status } else { 500 };
        self.decline(now, leg, status, |draft| {
            draft.header_if(HeaderName::RetryAfter, retry_after.map(seconds))
        });
    }

    /// Refuses what somebody may not do, with words for their display (RFC 3261 section 20.43).
    pub(super) fn send_forbidden(&mut self, now: Time, leg: LegId, status: u16, words: &str) {
        let host = self.legs.get(&leg).and_then(|found| match &found.stage {
            Stage::Arriving(invite) => self.listener(invite.listener),
            Stage::Calling(_) | Stage::Up | Stage::Leaving => None,
        });
        let host = host.map(|listener| listener.advertised.to_string());
        let host = host.unwrap_or_else(|| "switchboard".to_owned());
        let warning = format!("399 {host} \"{words}\"");
        self.decline(now, leg, status, |draft| draft.header(HeaderName::Warning, &warning));
    }

    /// Refuses an INVITE as our user asks. If that comes at once and the caller has not proved who
    /// it is, nothing is kept and nothing sent again for somebody who may not be there at all
    /// (section 8.2.7); whoever is repeats the INVITE.
    fn decline(&mut self, now: Time, leg: LegId, status: u16, more: impl FnOnce(Draft) -> Draft) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Stage::Arriving(invite) = &found.stage else { return };
        let transaction = invite.transaction;
        if found.authenticated || self.has_answered(transaction) {
            return self.refuse_arrival(now, leg, status, more);
        }
        let tag = self.stateless_tag(&invite.essentials);
        let response = packet(invite, status, more(self.draft(invite, status, &tag)));
        let path = self.path_back(invite);
        self.transmit(Outgoing { path, packet: response });
        if let Some(transaction) = transaction {
            self.transactions.withdraw(transaction);
        }
        self.forget_leg(leg);
    }

    /// Refuses an INVITE that has no final response and forgets its leg.
    pub(super) fn refuse_arrival(
        &mut self,
        now: Time,
        leg: LegId,
        status: u16,
        more: impl FnOnce(Draft) -> Draft,
    ) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Stage::Arriving(invite) = &found.stage else { return };
        let tag = found.dialog.local.tag().unwrap_or("");
        let response = packet(invite, status, more(self.draft(invite, status, tag)));
        let transaction = invite.transaction;
        self.respond_in(now, transaction, response);
        self.forget_leg(leg);
    }

    pub(super) fn send_challenge(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.remove(&leg) else { return };
        if let Stage::Arriving(invite) = &found.stage {
            self.note_offence(now, invite.listener, invite.source, Offence::Unchallenged);
        }
        // A phone that is not told that its nonce was too old takes its password for wrong.
        let challenges = match &found.stage {
            Stage::Arriving(invite) => {
                let stale = self.verify(now, invite) == Verdict::Stale;
                self.challenges(now, invite, stale)
            }
            Stage::Calling(_) | Stage::Up | Stage::Leaving => Vec::new(),
        };
        self.legs.insert(leg, found);
        self.decline(now, leg, 401, |mut draft| {
            for challenge in challenges {
                draft = draft.header(HeaderName::WwwAuthenticate, challenge);
            }
            draft
        });
    }

    pub(super) fn answer_change(&mut self, now: Time, leg: LegId, sdp: &str) {
        let Some(mut found) = self.legs.remove(&leg) else { return };
        let Some(change) = found.change.take() else {
            self.legs.insert(leg, found);
            return;
        };
        let tag = found.dialog.local.tag().unwrap_or("");
        if *change.method() == Method::Invite {
            let answer = self.accepting(now, &change, tag, Some(sdp), false);
            self.await_ack(now, leg);
            found.unacknowledged = Some(answer);
        } else {
            let response = self.success(&change, tag, Some(sdp));
            self.send(now, &change, response);
        }
        found.described = Some(Box::from(sdp));
        if let Some(offer) = change.offer() {
            found.heard = mark(&offer);
            if let Some(early) = found.early(change.essentials.from.tag()) {
                early.answer = Some(offer);
            }
        }
        self.legs.insert(leg, found);
        if matches!(change.method(), Method::Invite | Method::Update) {
            self.session_answered(now, leg, &change.message);
        }
        self.try_change(now, leg);
    }

    /// Refuses a re-INVITE or UPDATE that waits for our user's word; the session stays as it was.
    pub(super) fn refuse_change(&mut self, now: Time, leg: LegId, status: u16) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(change) = found.change.take() else { return };
        let tag = found.dialog.id().local_tag;
        let status = if (300..700).contains(&status) { status } else { 488 };
        self.respond(now, &change, status, &tag);
        self.try_change(now, leg);
    }

    /// The peer took its re-INVITE back. A CANCEL of an UPDATE changes nothing (section 9.1).
    pub(super) fn cancel_change(&mut self, now: Time, leg: LegId, transaction: TransactionId) {
        let waits = self.legs.get(&leg).and_then(|leg| leg.change.as_ref());
        if waits.is_some_and(|change| {
            change.transaction == Some(transaction) && *change.method() == Method::Invite
        }) {
            self.refuse_change(now, leg, 487);
        }
    }
}
