//! Answers: what every response carries, where it goes, and refusals without a transaction.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::sip::ListenerId;
use crate::sip::header::{HeaderName, Rport, Via};
use crate::sip::message::{Essentials, Message};
use crate::sip::method::Method;
use crate::sip::transaction::table::{Outgoing, Packet, Path, TransactionId};
use crate::sip::write::{Draft, reason_phrase};
use crate::time::Time;

use super::{Endpoint, Reason};

/// What we take (RFC 3261 section 20.5).
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, REGISTER";
/// The extensions that we have (RFC 3261 section 20.37).
pub(super) const EXTENSIONS: [&str; 4] = ["100rel", "timer", "replaces", "norefersub"];
/// The same as a header says it.
pub(super) const SUPPORTED: &str = "100rel, timer, replaces, norefersub";
/// The bodies that we read.
pub(super) const SDP: &str = "application/sdp";
/// The same as a header says it: alone or beside others (RFC 5621).
pub(super) const ACCEPT: &str = "application/sdp, multipart/mixed";

/// A request that can be matched and answered.
#[derive(Debug)]
pub(super) struct Inbound {
    /// Over which listener it came.
    pub(super) listener: ListenerId,
    /// From where.
    pub(super) source: SocketAddr,
    /// The request.
    pub(super) message: Message,
    /// What matches it.
    pub(super) essentials: Essentials,
    /// The transaction that carries the answers; none if it is answered statelessly.
    pub(super) transaction: Option<TransactionId>,
}

impl Inbound {
    /// Whether the Request-URI is a `sips:` one.
    pub(super) fn asks_secure(&self) -> bool {
        let uri = self.message.request_uri();
        uri.is_ok_and(|uri| uri.as_sip().is_some_and(|uri| uri.secure))
    }

    /// Its method, which is also the CSeq's.
    pub(super) fn method(&self) -> &Method {
        &self.essentials.cseq.method
    }

    /// The body if it is SDP that we can read.
    pub(super) fn offer(&self) -> Option<Bytes> {
        self.body_of(SDP)
    }

    /// The body if it is of this media type and not encoded.
    pub(super) fn body_of(&self, media_type: &str) -> Option<Bytes> {
        if self.is_encoded() { None } else { self.message.body_of(media_type) }
    }

    /// Whether the body is compressed or the like.
    fn is_encoded(&self) -> bool {
        let mut encodings = self.message.headers(HeaderName::ContentEncoding);
        encodings.any(|encoding| !encoding.eq_ignore_ascii_case(b"identity"))
    }
}

/// Where responses go: to the source if the client asked for that (RFC 3581 section 4) or sits
/// behind an address translator without knowing; else to its source address and the port that it
/// named (RFC 3261 section 18.2.2).
pub(super) fn way_back(via: &Via, source: SocketAddr) -> SocketAddr {
    let translated = via.host.ip().is_some_and(|ip| ip != source.ip());
    if via.rport() == Some(Rport::Asked) || translated { source } else { via.response_to(source) }
}

/// A response as the transactions keep it.
pub(super) fn packet(to: &Inbound, status: u16, draft: Draft) -> Packet {
    Packet { method: to.method().label(), status, bytes: draft.finish() }
}

impl Endpoint {
    /// The beginning of every response of ours, apart from 100.
    pub(super) fn draft(&self, to: &Inbound, status: u16, tag: &str) -> Draft {
        self.draft_with_reason(to, status, reason_phrase(status), tag)
    }

    pub(super) fn draft_with_reason(
        &self,
        to: &Inbound,
        status: u16,
        reason: &str,
        tag: &str,
    ) -> Draft {
        Draft::response_with_reason(&to.message, to.source, status, reason, tag)
            .header(HeaderName::Server, &self.settings.product)
    }

    /// Sends an answer: in the request's transaction, or without keeping anything if it has none
    /// (RFC 3261 section 8.2.7), where a repetition of the request gets the same answer again.
    pub(super) fn send(&mut self, now: Time, to: &Inbound, response: Packet) {
        match to.transaction {
            Some(transaction) => self.transactions.respond(now, transaction, response),
            None => {
                let path = self.path_back(to);
                self.transmit(Outgoing { path, packet: response });
            }
        }
    }

    /// The way back to whoever sent a request: over a stream the connection that it came over, and
    /// the address that the sender named once that is closed (RFC 3261 section 18.2.2).
    pub(super) fn path_back(&self, request: &Inbound) -> Path {
        let (via, source) = (&request.essentials.via, request.source);
        if self.is_stream(request.listener) {
            let otherwise = Some(via.named(source)).filter(|named| *named != source);
            Path { otherwise, ..self.path(request.listener, source) }
        } else {
            self.path(request.listener, way_back(via, source))
        }
    }

    /// Answers without more headers and without a body.
    pub(super) fn respond(&mut self, now: Time, to: &Inbound, status: u16, tag: &str) {
        let response = packet(to, status, self.draft(to, status, tag));
        self.send(now, to, response);
    }

    /// Refuses, and counts why.
    pub(super) fn refuse(&mut self, now: Time, request: &Inbound, status: u16, reason: Reason) {
        self.refuse_with(now, request, status, reason, |draft| draft);
    }

    /// The same with more headers.
    pub(super) fn refuse_with(
        &mut self,
        now: Time,
        request: &Inbound,
        status: u16,
        reason: Reason,
        more: impl FnOnce(Draft) -> Draft,
    ) {
        self.counters.reject(reason.as_str());
        self.hold_against(now, request, reason);
        self.refuse_because(now, request, status, reason_phrase(status), more);
    }

    /// Refuses with 400 and words that say what is wrong.
    pub(super) fn refuse_bad(&mut self, now: Time, request: &Inbound, why: &str, reason: Reason) {
        self.counters.reject(reason.as_str());
        self.hold_against(now, request, reason);
        self.refuse_because(now, request, 400, why, |draft| draft);
    }

    /// Refuses with 503 because a limit is reached.
    pub(super) fn refuse_overload(&mut self, now: Time, request: &Inbound, reason: Reason) {
        let wait = seconds(self.limits.retry_after);
        self.refuse_with(now, request, 503, reason, |draft| {
            draft.header(HeaderName::RetryAfter, wait)
        });
    }

    /// Refuses with 415 (section 8.2.3).
    pub(super) fn refuse_media_type(&mut self, now: Time, request: &Inbound) {
        self.refuse_with(now, request, 415, Reason::MediaType, |draft| {
            draft.header(HeaderName::Accept, ACCEPT).named("Accept-Encoding", "identity")
        });
    }

    /// Refuses with a reason phrase of its own.
    pub(super) fn refuse_because(
        &mut self,
        now: Time,
        request: &Inbound,
        status: u16,
        reason: &str,
        more: impl FnOnce(Draft) -> Draft,
    ) {
        let tag = self.stateless_tag(&request.essentials);
        let draft = more(self.draft_with_reason(request, status, reason, &tag));
        self.send(now, request, packet(request, status, draft));
    }

    /// A To tag that a repeated request, and the ACK of its refusal, bring forth again (section
    /// 8.2.7), and that nobody else can guess.
    pub(super) fn stateless_tag(&self, essentials: &Essentials) -> String {
        let branch = essentials.via.branch().unwrap_or("");
        let from_tag = essentials.from.tag().unwrap_or("");
        self.transactions.keys().tag(branch, &essentials.call_id, from_tag, essentials.cseq.seq)
    }
}

/// Whole seconds, rounded up.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
