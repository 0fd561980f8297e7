//! Requests of ours outside any dialog: OPTIONS and REGISTER, to trunks.

use std::net::SocketAddr;

use crate::sip::ListenerId;
use crate::sip::digest::Login;
use crate::sip::header::{Contacts, HeaderName, NameAddr, Via};
use crate::sip::message::Message;
use crate::sip::method::Method;
use crate::sip::transaction::table::{Packet, TransactionId};
use crate::sip::uri::Uri;
use crate::sip::write::Draft;
use crate::time::Time;

use super::challenged::TRIES;
use super::ending::{MAX_FORWARDS, Prepared};
use super::leg::User;
use super::replies::Reply;
use super::response::{ALLOW, SDP, SUPPORTED};
use super::{Endpoint, Reason, SipEvent};

/// Names a request outside any dialog; chosen by whoever sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What can be sent outside a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfDialogMethod {
    /// Whether the peer lives.
    Options,
    /// Binds our contact at the peer (RFC 3261 section 10.2).
    Register,
}

/// A request outside any dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfDialog {
    /// Comes back with the response.
    pub id: RequestId,
    /// Which.
    pub method: OutOfDialogMethod,
    /// Over which listener.
    pub listener: ListenerId,
    /// Where it goes.
    pub to: SocketAddr,
    /// The Request-URI: the registrar's domain for a REGISTER.
    pub uri: String,
    /// From, a URI: the address of record for a REGISTER.
    pub from_uri: String,
    /// To, a URI; the same as From for a REGISTER of one's own.
    pub to_uri: String,
    /// The user part of our Contact; empty for none.
    pub contact_user: String,
    /// Expires, in seconds; 0 removes the binding.
    pub expires_s: Option<u32>,
    /// The Call-ID that all registrations of a contact share (section 10.2); a fresh one if none.
    pub call_id: Option<String>,
    /// The CSeq number to begin with: above [`Response::cseq`] of the last of the same Call-ID.
    pub cseq: u32,
    /// What a challenge (401, 407) is answered with.
    pub login: Option<Login>,
}

/// The final response to a request outside any dialog, after any challenge was answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status; 408 where no reply came, 503 where it could not be sent.
    pub status: u16,
    /// The CSeq number of the last request sent.
    pub cseq: u32,
    /// How long our binding lasts, in seconds: what the peer says with our Contact, else Expires.
    pub expires_s: Option<u32>,
    /// The shortest that it allows (423).
    pub min_expires_s: Option<u32>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u32>,
}

/// A request that waits for its final response.
#[derive(Debug)]
pub(super) struct Pending {
    login: Option<Login>,
    /// Our Contact as sent; empty for none.
    contact: String,
    cseq: u32,
    challenges: u8,
}

impl OutOfDialogMethod {
    fn method(self) -> Method {
        match self {
            OutOfDialogMethod::Options => Method::Options,
            OutOfDialogMethod::Register => Method::Register,
        }
    }
}

impl Endpoint {
    pub(super) fn send_out_of_dialog(&mut self, now: Time, wanted: OutOfDialog) {
        let id = wanted.id;
        let full = self.requests.len() >= self.limits.requests
            || self.transactions.len() >= self.limits.transactions;
        if full || self.requests.contains_key(&id) {
            self.counters.reject(Reason::TransactionLimit.as_str());
            return self.no_response(id, 503, wanted.cseq);
        }
        let cseq = wanted.cseq & 0x7fff_ffff;
        match self.out_of_dialog(&wanted, cseq) {
            Some((prepared, contact)) => {
                let pending = Pending { login: wanted.login, contact, cseq, challenges: 0 };
                self.requests.insert(id, pending);
                self.request(now, prepared, User::Request(id));
            }
            None => self.no_response(id, 400, cseq),
        }
    }

    /// The request, and our Contact in it; none if a URI cannot be read or the listener is not there.
    fn out_of_dialog(&mut self, wanted: &OutOfDialog, cseq: u32) -> Option<(Prepared, String)> {
        let uri = |text: &str| Uri::parse(text.as_bytes()).ok();
        let listener = self.listener(wanted.listener)?.clone();
        let target = uri(&wanted.uri)?;
        let secure = target.as_sip().is_some_and(|uri| uri.secure);
        let from = NameAddr::new(uri(&wanted.from_uri)?).with_tag(&self.entropy.token());
        let to = NameAddr::new(uri(&wanted.to_uri)?);
        let call_id = match &wanted.call_id {
            Some(call_id) => call_id.clone(),
            None => self.call_id(),
        };
        let contact = match (wanted.method, wanted.contact_user.as_str()) {
            (OutOfDialogMethod::Register, "") => String::new(),
            (OutOfDialogMethod::Options | OutOfDialogMethod::Register, user) => {
                listener.contact(user, secure).to_string()
            }
        };
        let branch = self.branch();
        let method = wanted.method.method();
        let mut draft = Draft::request(&method, &target)
            .header(HeaderName::Via, Via::ours(&listener, &branch))
            .header(HeaderName::MaxForwards, MAX_FORWARDS)
            .header(HeaderName::From, from)
            .header(HeaderName::To, to)
            .header(HeaderName::CallId, call_id)
            .header(HeaderName::CSeq, format_args!("{cseq} {method}"));
        if !contact.is_empty() {
            draft = draft.header(HeaderName::Contact, format_args!("<{contact}>"));
        }
        draft = draft
            .header_if(HeaderName::Expires, wanted.expires_s)
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Supported, SUPPORTED);
        if wanted.method == OutOfDialogMethod::Options {
            draft = draft.header(HeaderName::Accept, SDP);
        }
        draft = draft.header(HeaderName::UserAgent, &self.settings.product);
        let path = self.path(wanted.listener, wanted.to);
        let packet = Packet { method: method.label(), status: 0, bytes: draft.finish() };
        Some((Prepared { branch, path, packet }, contact))
    }

    pub(super) fn request_replied(
        &mut self,
        now: Time,
        request: RequestId,
        id: TransactionId,
        reply: &Reply,
    ) {
        if reply.status < 200 {
            return;
        }
        if matches!(reply.status, 401 | 407) && self.log_in(now, request, id, reply).is_some() {
            return;
        }
        let Some(pending) = self.requests.remove(&request) else { return };
        let message = &reply.message;
        let response = Response {
            status: reply.status,
            cseq: pending.cseq,
            expires_s: granted_s(message, &pending.contact),
            min_expires_s: message.number(HeaderName::MinExpires).ok().flatten(),
            retry_after_s: message.retry_after_s().ok().flatten(),
        };
        self.events.push_back(SipEvent::Response { id: request, response });
    }

    fn log_in(
        &mut self,
        now: Time,
        request: RequestId,
        id: TransactionId,
        reply: &Reply,
    ) -> Option<()> {
        let pending = self.requests.get_mut(&request)?;
        pending.challenges += 1;
        let login = pending.login.clone().filter(|_| pending.challenges < TRIES)?;
        let seq = pending.cseq.wrapping_add(1) & 0x7fff_ffff;
        let prepared = self.answer_challenge(id, reply, &login, seq)?;
        if let Some(pending) = self.requests.get_mut(&request) {
            pending.cseq = seq;
        }
        self.request(now, prepared, User::Request(request));
        Some(())
    }

    /// No response came, or none can come.
    pub(super) fn request_unanswered(&mut self, request: RequestId, status: u16) {
        if let Some(pending) = self.requests.remove(&request) {
            self.no_response(request, status, pending.cseq);
        }
    }

    fn no_response(&mut self, id: RequestId, status: u16, cseq: u32) {
        let response = Response { status, cseq, ..Response::default() };
        self.events.push_back(SipEvent::Response { id, response });
    }
}

/// How long the binding lasts: our Contact among those in the response says it, else Expires
/// (section 10.2.4).
fn granted_s(message: &Message, contact: &str) -> Option<u32> {
    let ours = Uri::parse(contact.as_bytes()).ok();
    let listed = match message.contacts() {
        Ok(Contacts::List(list)) => list
            .iter()
            .find(|one| ours.as_ref().is_some_and(|ours| ours.equivalent(&one.uri)))
            .and_then(NameAddr::expires_s),
        Ok(Contacts::All) | Err(_) => None,
    };
    listed.or_else(|| message.expires_s().ok().flatten())
}
