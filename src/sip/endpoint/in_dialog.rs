//! Requests within a dialog (RFC 3261 section 12.2.2): BYE, re-INVITE, UPDATE, INFO, OPTIONS.

use crate::id::LegId;
use crate::sip::header::HeaderName;
use crate::sip::method::Method;
use crate::sip::transaction::table::ServerKey;
use crate::sip::write::Draft;
use crate::time::Time;

use super::incoming::dialog_id;
use super::leg::{Pending, Stage, User};
use super::response::{Inbound, packet};
use super::{Endpoint, LegEnd, Reason, SipEvent};

impl Endpoint {
    pub(super) fn receive_in_dialog(&mut self, now: Time, request: Inbound, key: ServerKey) {
        let id = dialog_id(&request.essentials);
        let leg = self.dialogs.get(&id).copied();
        let Some((leg, found)) =
            leg.and_then(|leg| self.legs.get_mut(&leg).map(|found| (leg, found)))
        else {
            return self.refuse(&request, 481, Reason::UnknownDialog);
        };
        let seq = request.essentials.cseq.seq;
        if found.dialog.remote_seq.is_some_and(|last| seq <= last) {
            return self.refuse(&request, 500, Reason::OutOfOrder);
        }
        found.dialog.remote_seq = Some(seq);
        match request.method() {
            Method::Bye => self.receive_bye(now, leg, &request, key),
            Method::Invite => self.receive_reinvite(now, leg, request, key),
            Method::Update => self.receive_update(now, leg, request, key),
            Method::Info => self.receive_info(now, &request, key),
            Method::Options => self.receive_options(now, &request, key),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Refer
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => self.refuse(&request, 405, Reason::MethodNotAllowed),
        }
    }

    /// Section 15.1.2.
    fn receive_bye(&mut self, now: Time, leg: LegId, request: &Inbound, key: ServerKey) {
        let transaction = self.open(request, key, User::Nobody);
        self.respond(now, transaction, request, 200, "");
        // What is still open gets 487.
        self.refuse_change(now, leg, 487);
        let Some(found) = self.legs.get(&leg) else { return };
        let end = match found.stage {
            Stage::Arriving(_) => {
                self.refuse_arrival(now, leg, 487, |draft| draft);
                Some(LegEnd::Cancelled)
            }
            Stage::Calling(_) | Stage::Up => (!found.quiet).then_some(LegEnd::Bye),
            Stage::Leaving => None,
        };
        self.forget_leg(leg);
        if let Some(end) = end {
            self.events.push_back(SipEvent::Ended { leg, end });
        }
    }

    /// Section 14.2.
    fn receive_reinvite(&mut self, now: Time, leg: LegId, request: Inbound, key: ServerKey) {
        if !self.may_change(leg, &request) || !self.passes_body(&request) {
            return;
        }
        let transaction = self.open(&request, key, User::Change(leg));
        let trying = Draft::response(&request.message, request.source, 100, "");
        self.transactions.respond(now, transaction, packet(&request, 100, trying));
        self.retarget(leg, &request);
        let offer = request.offer();
        if let Some(found) = self.legs.get_mut(&leg) {
            found.change = Some(Pending { transaction, request });
        }
        self.events.push_back(SipEvent::Change { leg, offer });
    }

    /// RFC 3311 section 5.2.
    fn receive_update(&mut self, now: Time, leg: LegId, request: Inbound, key: ServerKey) {
        if !self.passes_body(&request) {
            return;
        }
        let Some(offer) = request.offer() else {
            // Nothing but a refresh of the target.
            let transaction = self.open(&request, key, User::Nobody);
            self.retarget(leg, &request);
            let response = self.success(&request, "", None);
            self.transactions.respond(now, transaction, response);
            return;
        };
        if !self.may_change(leg, &request) {
            return;
        }
        let transaction = self.open(&request, key, User::Change(leg));
        self.retarget(leg, &request);
        if let Some(found) = self.legs.get_mut(&leg) {
            found.change = Some(Pending { transaction, request });
        }
        self.events.push_back(SipEvent::Change { leg, offer: Some(offer) });
    }

    /// Whether a session can take a new offer now; the request is refused if not.
    fn may_change(&mut self, leg: LegId, request: &Inbound) -> bool {
        let Some(found) = self.legs.get(&leg) else { return false };
        let answering = matches!(found.stage, Stage::Arriving(_)) || found.change.is_some();
        if found.quiet || matches!(found.stage, Stage::Leaving | Stage::Calling(_)) {
            self.refuse(request, 481, Reason::UnknownDialog);
            false
        } else if answering {
            // Section 14.2: the peer's earlier offer has no answer; it tries again in 0 to 10 s.
            let wait = self.entropy.below(11);
            self.refuse_with(request, 500, Reason::ChangePending, |draft| {
                draft.header(HeaderName::RetryAfter, wait)
            });
            false
        } else if found.unacknowledged.is_some() {
            // Our own 2xx is still under way.
            self.refuse(request, 491, Reason::ChangePending);
            false
        } else {
            true
        }
    }

    /// Section 12.2.2: a new Contact is where later requests go.
    fn retarget(&mut self, leg: LegId, request: &Inbound) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if let Ok(contact) = request.message.contact() {
            found.dialog.remote_target = contact.uri;
            found.dialog.source = request.source;
        }
    }

    /// RFC 6086: we have no package; an empty one only asks whether we live.
    fn receive_info(&mut self, now: Time, request: &Inbound, key: ServerKey) {
        if request.message.body().is_empty() {
            let transaction = self.open(request, key, User::Nobody);
            self.respond(now, transaction, request, 200, "");
        } else {
            self.refuse_media_type(request);
        }
    }
}
