//! Requests within a dialog (RFC 3261 section 12.2.2): BYE, re-INVITE, UPDATE, INFO, OPTIONS.

use crate::id::LegId;
use crate::sip::header::HeaderName;
use crate::sip::method::Method;
use crate::sip::session::negotiation::{Asked, Standing, Verdict, verdict};
use crate::sip::transaction::table::ServerKey;
use crate::sip::write::Draft;
use crate::time::Time;

use super::incoming::dialog_id;
use super::leg::{Stage, User};
use super::replies::cause;
use super::response::{ALLOW, Inbound, packet};
use super::{Endpoint, LegEnd, Reason, SipEvent};

impl Endpoint {
    pub(super) fn receive_in_dialog(&mut self, now: Time, mut request: Inbound, key: ServerKey) {
        let id = dialog_id(&request.essentials);
        let leg = self.dialogs.get(&id).copied();
        let Some((leg, found)) =
            leg.and_then(|leg| self.legs.get_mut(&leg).map(|found| (leg, found)))
        else {
            return self.refuse(now, &request, 481, Reason::UnknownDialog);
        };
        let seq = request.essentials.cseq.seq;
        let dialog = found.dialog_with(request.essentials.from.tag());
        if dialog.remote_seq.is_some_and(|last| seq <= last) {
            return self.refuse(now, &request, 500, Reason::OutOfOrder);
        }
        dialog.remote_seq = Some(seq);
        found.peer.learn(&request.message);
        self.proved_dialog(now, leg);
        // From here in a transaction: a repetition would be out of order.
        match request.method() {
            Method::Invite | Method::Update => {
                self.open(&mut request, key, User::Change(leg));
                if self.passes_body(now, &request)
                    && self.passes_session(now, &request)
                    && self.may_change(now, leg, &request)
                {
                    self.receive_change(now, leg, request);
                }
            }
            Method::Bye => {
                self.open(&mut request, key, User::Nobody);
                self.receive_bye(now, leg, &request);
            }
            Method::Info => {
                self.open(&mut request, key, User::Nobody);
                self.receive_info(now, leg, &request);
            }
            Method::Prack => self.receive_prack(now, leg, request, key),
            Method::Refer => self.receive_refer(now, leg, request, key),
            Method::Options => {
                self.open(&mut request, key, User::Nobody);
                self.answer_options(now, &request);
            }
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                self.refuse_with(now, &request, 405, Reason::MethodNotAllowed, |draft| {
                    draft.header(HeaderName::Allow, ALLOW)
                });
            }
        }
    }

    /// Section 15.1.2.
    fn receive_bye(&mut self, now: Time, leg: LegId, request: &Inbound) {
        if self.legs.get(&leg).is_some_and(|leg| matches!(leg.stage, Stage::Calling(_))) {
            // Section 15: who was called ends an early dialog with a failure, never with BYE.
            return self.refuse(now, request, 481, Reason::UnknownDialog);
        }
        self.respond(now, request, 200, "");
        // What is still open gets its answer.
        self.refuse_change(now, leg, 487);
        self.end_referral(now, leg);
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
            let cause = cause(&request.message);
            self.events.push_back(SipEvent::Ended { leg, end, cause });
        }
    }

    /// Whether a session can be changed now; the request is refused if not.
    pub(super) fn may_change(&mut self, now: Time, leg: LegId, request: &Inbound) -> bool {
        let Some(found) = self.legs.get_mut(&leg) else { return false };
        let asked = match (request.method(), request.offer()) {
            (Method::Invite, _) => Asked::Invite,
            (_, Some(_)) => Asked::Offer,
            (_, None) => Asked::Refresh,
        };
        let standing = match (found.standing(request.essentials.from.tag()), &found.stage) {
            // A second INVITE comes before the first has its final response, whatever was exchanged.
            (Standing::Settled, Stage::Arriving(_)) if asked == Asked::Invite => Standing::Arriving,
            (Standing::Settled, Stage::Calling(_)) if asked == Asked::Invite => Standing::Calling,
            (standing, _) => standing,
        };
        match verdict(standing, asked) {
            Verdict::Take => return true,
            Verdict::Gone => self.refuse(now, request, 481, Reason::UnknownDialog),
            Verdict::Meets => self.refuse(now, request, 491, Reason::ChangePending),
            Verdict::TryLater => {
                let wait = self.entropy.below(11);
                self.refuse_with(now, request, 500, Reason::ChangePending, |draft| {
                    draft.header(HeaderName::RetryAfter, wait)
                });
            }
        }
        false
    }

    /// A re-INVITE (section 14.2) or UPDATE (RFC 3311 section 5.2).
    fn receive_change(&mut self, now: Time, leg: LegId, request: Inbound) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        // Section 12.2.2: a new Contact is where later requests go.
        if let Ok(contact) = request.message.contact() {
            let dialog = found.dialog_with(request.essentials.from.tag());
            dialog.remote_target = contact.uri;
            // Over streams this may be another connection than before.
            dialog.source = request.source;
            dialog.listener = request.listener;
        }
        let offer = request.offer();
        if *request.method() == Method::Invite {
            let trying = Draft::response(&request.message, request.source, 100, "");
            self.send(now, &request, packet(&request, 100, trying));
        } else if offer.is_none() {
            let response = self.success(&request, "", None);
            self.send(now, &request, response);
            return self.session_answered(now, leg, &request.message);
        }
        if let Some(found) = self.legs.get_mut(&leg) {
            found.change = Some(Box::new(request));
        }
        self.events.push_back(SipEvent::Change { leg, offer });
    }
}
