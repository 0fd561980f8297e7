//! The end of a leg from our side (RFC 3261 sections 9 and 15).

use std::fmt::Display;

use crate::id::LegId;
use crate::sip::dialog::Dialog;
use crate::sip::header::{Cause, HeaderName, Via};
use crate::sip::method::Method;
use crate::sip::transaction::table::{Packet, Path, TransactionId};
use crate::sip::write::Draft;
use crate::time::Time;

use super::Endpoint;
use super::leg::{Cancel, LegTimer, Stage, User};
use super::replies::Reply;

/// What we put on every request (section 8.1.1.6).
pub(super) const MAX_FORWARDS: u8 = 70;

/// A request in a dialog, ready to be sent.
pub(super) struct Prepared {
    /// The branch of its Via.
    pub(super) branch: String,
    /// Which way it goes.
    pub(super) path: Path,
    /// The request.
    pub(super) packet: Packet,
}

/// A request in a dialog to which headers and a body may be added.
pub(super) struct Begun {
    branch: String,
    path: Path,
    method: &'static str,
    draft: Draft,
}

impl Begun {
    /// Adds a header.
    pub(super) fn with(mut self, name: HeaderName, value: impl Display) -> Begun {
        self.draft = self.draft.header(name, value);
        self
    }

    /// Adds a header if there is a value.
    pub(super) fn with_if(mut self, name: HeaderName, value: Option<impl Display>) -> Begun {
        self.draft = self.draft.header_if(name, value);
        self
    }

    /// Without a body.
    pub(super) fn finish(self) -> Prepared {
        let bytes = self.draft.finish();
        let packet = Packet { method: self.method, status: 0, bytes };
        Prepared { branch: self.branch, path: self.path, packet }
    }

    /// With a body.
    pub(super) fn finish_with(self, content_type: &str, body: &str) -> Prepared {
        let bytes = self.draft.finish_with(content_type, body);
        let packet = Packet { method: self.method, status: 0, bytes };
        Prepared { branch: self.branch, path: self.path, packet }
    }
}

impl Endpoint {
    pub(super) fn end_leg(&mut self, now: Time, leg: LegId, cause: Option<Cause>) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.cause = found.cause.or(cause);
        match &mut found.stage {
            Stage::Arriving(_) => self.refuse_arrival(now, leg, 480, |draft| draft),
            Stage::Calling(calling) => {
                found.quiet = true;
                if calling.cancel == Cancel::No {
                    calling.cancel = Cancel::Wanted;
                    self.send_cancel(now, leg);
                }
            }
            Stage::Up => {
                let already = std::mem::replace(&mut found.quiet, true);
                let first = found.unacknowledged.as_ref().is_some_and(|waiting| waiting.first);
                // Section 15: the called side waits with its BYE for the ACK or its time-out.
                if !already && !first {
                    self.send_bye(now, leg);
                }
            }
            Stage::Leaving => {}
        }
    }

    /// Withdraws our INVITE and keeps listening (section 9.1).
    pub(super) fn cancel_leg(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if let Stage::Calling(calling) = &mut found.stage
            && calling.cancel == Cancel::No
        {
            calling.cancel = Cancel::Wanted;
            self.send_cancel(now, leg);
        }
    }

    /// Section 15.1.1: sends BYE; the leg is forgotten when its transaction is over.
    pub(super) fn send_bye(&mut self, now: Time, leg: LegId) {
        self.refuse_change(now, leg, 487);
        self.end_referral(now, leg);
        let Some(found) = self.legs.get_mut(&leg) else { return };
        found.stage = Stage::Leaving;
        found.unacknowledged = None;
        found.ours = None;
        let cause = found.cause;
        found.dialog.next_seq();
        let dialog = found.dialog.clone();
        let bye = self.begin(&dialog, &Method::Bye, dialog.local_seq);
        self.timers.cancel_all(LegTimer::all_of(leg));
        match bye {
            Some(begun) => {
                let bye = begun.with_if(HeaderName::Reason, cause).finish();
                self.request(now, bye, User::Bye(leg));
            }
            None => self.forget_leg(leg),
        }
    }

    /// A response to our BYE: whatever it says, the leg is over, unless we are to prove who we are.
    pub(super) fn bye_replied(&mut self, now: Time, leg: LegId, id: TransactionId, reply: &Reply) {
        if reply.status < 200 {
            return;
        }
        let again = matches!(reply.status, 401 | 407)
            && self.answer_challenge_in(now, leg, id, reply, User::Bye(leg)).is_some();
        if !again {
            self.forget_leg(leg);
        }
    }

    /// A request in a dialog, up to the headers and the body of its own (section 12.2.1.1); none if
    /// the dialog's listener is gone from the settings.
    pub(super) fn begin(&mut self, dialog: &Dialog, method: &Method, seq: u32) -> Option<Begun> {
        let branch = self.branch();
        let (path, addressing) = self.way_in(dialog);
        let mut draft = Draft::request(method, &addressing.uri)
            .header(HeaderName::Via, Via::ours(self.listener(path.listener)?, &branch))
            .header(HeaderName::MaxForwards, MAX_FORWARDS);
        for route in &addressing.routes {
            draft = draft.header(HeaderName::Route, route);
        }
        let draft = draft
            .header(HeaderName::From, &dialog.local)
            .header(HeaderName::To, &dialog.remote)
            .header(HeaderName::CallId, &dialog.call_id)
            .header(HeaderName::CSeq, format_args!("{seq} {method}"))
            .header(HeaderName::UserAgent, &self.settings.product);
        Some(Begun { branch, path, method: method.label(), draft })
    }

    /// A Call-ID of our own (section 8.1.1.4).
    pub(super) fn call_id(&mut self) -> String {
        format!("{}{}", self.entropy.token(), self.entropy.token())
    }

    /// A branch that nobody used and nobody can guess (section 8.1.1.7).
    pub(super) fn branch(&mut self) -> String {
        format!("{}{}", crate::sip::header::via::BRANCH_COOKIE, self.entropy.token())
    }
}
