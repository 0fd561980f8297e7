//! The end of a leg from our side (RFC 3261 sections 9 and 15).

use crate::id::LegId;
use crate::sip::dialog::Dialog;
use crate::sip::header::{HeaderName, Via};
use crate::sip::method::Method;
use crate::sip::transaction::table::{Packet, Path};
use crate::sip::write::Draft;
use crate::time::Time;

use super::Endpoint;
use super::leg::{Cancel, Stage, User};

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

impl Endpoint {
    pub(super) fn end_leg(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
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

    /// Section 15.1.1: sends BYE; the leg is forgotten when its transaction is over.
    pub(super) fn send_bye(&mut self, now: Time, leg: LegId) {
        self.refuse_change(now, leg, 487);
        let Some(mut found) = self.legs.remove(&leg) else { return };
        found.stage = Stage::Leaving;
        found.unacknowledged = None;
        let bye = self.in_dialog(&mut found.dialog, &Method::Bye);
        self.legs.insert(leg, found);
        for timer in [super::LegTimer::Repeat, super::LegTimer::NoAck] {
            self.timers.cancel(&(leg, timer));
        }
        match bye {
            Some(Prepared { branch, path, packet }) => {
                self.transactions.request(now, branch, path, packet, User::Bye(leg));
            }
            None => self.forget_leg(leg),
        }
    }

    /// A request in a dialog without a body (section 12.2.1.1); none if the dialog's listener is
    /// gone from the settings.
    pub(super) fn in_dialog(&mut self, dialog: &mut Dialog, method: &Method) -> Option<Prepared> {
        let seq = dialog.next_seq();
        self.in_dialog_numbered(dialog, method, seq)
    }

    pub(super) fn in_dialog_numbered(
        &mut self,
        dialog: &Dialog,
        method: &Method,
        seq: u32,
    ) -> Option<Prepared> {
        let branch = self.branch();
        let addressing = dialog.addressing();
        let path = self.path_to(dialog.listener, &addressing);
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
        let packet = Packet { method: method.label(), status: 0, bytes: draft.finish() };
        Some(Prepared { branch, path, packet })
    }

    /// A branch that nobody used and nobody can guess (section 8.1.1.7).
    pub(super) fn branch(&mut self) -> String {
        format!("{}{}", crate::sip::header::via::BRANCH_COOKIE, self.entropy.token())
    }
}
