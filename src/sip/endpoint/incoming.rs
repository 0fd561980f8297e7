//! What a datagram is, and the checks that every request must pass (RFC 3261 section 8.2).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::sip::ListenerId;
use crate::sip::dialog::DialogId;
use crate::sip::error::{Fault, ParseError, Why};
use crate::sip::guard::Offence;
use crate::sip::header::{Cause, HeaderName, scan};
use crate::sip::message::{Essentials, Message};
use crate::sip::method::Method;
use crate::sip::transaction::table::{MergeKey, Outgoing, Packet, ServerKey, TransactionId};
use crate::sip::uri::Uri;
use crate::sip::write::{Draft, reason_phrase};
use crate::time::Time;

use super::leg::{Stage, User};
use super::replies::cause;
use super::response::{ACCEPT, ALLOW, EXTENSIONS, Inbound, SDP, SUPPORTED, packet, way_back};
use super::{Endpoint, LegEnd, Reason, SipEvent};

/// Requests outside dialogs that are being dealt with.
#[derive(Debug, Default)]
pub(super) struct Merges {
    by_key: BTreeMap<MergeKey, TransactionId>,
    by_transaction: BTreeMap<TransactionId, MergeKey>,
}

impl Merges {
    fn remember(&mut self, key: MergeKey, transaction: TransactionId) {
        self.by_key.insert(key, transaction);
        self.by_transaction.insert(transaction, key);
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len() + self.by_transaction.len()
    }

    pub(super) fn forget(&mut self, transaction: TransactionId) {
        if let Some(key) = self.by_transaction.remove(&transaction) {
            self.by_key.remove(&key);
        }
    }
}

impl Endpoint {
    pub(super) fn receive(
        &mut self,
        now: Time,
        listener: ListenerId,
        source: SocketAddr,
        bytes: Bytes,
    ) {
        if self.listener(listener).is_none() {
            self.counters.reject(Reason::UnknownListener.as_str());
            return;
        }
        self.note_flow(listener, source);
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => {
                self.receive_request(now, listener, source, message);
            }
            Ok(message) => self.receive_response(now, listener, source, message),
            Err(ParseError { fault: Fault::KeepAlive, .. }) => {}
            Err(error) => self.refuse_unreadable(now, listener, source, &error),
        }
    }

    /// A message that is broken as a whole: a request is told so if that is possible.
    fn refuse_unreadable(
        &mut self,
        now: Time,
        listener: ListenerId,
        source: SocketAddr,
        error: &ParseError,
    ) {
        self.counters.reject(error.fault.label());
        self.note_offence(now, listener, source, Offence::Malformed);
        let Some(request) = error.answerable() else { return };
        self.counters.receive(request.method().map_or("OTHER", Method::label), 0);
        let (status, reason) = error.fault.answer();
        self.answer_unmatched(listener, source, request, status, reason);
    }

    fn receive_request(
        &mut self,
        now: Time,
        listener: ListenerId,
        source: SocketAddr,
        message: Message,
    ) {
        let Some(method) = message.method().cloned() else { return };
        self.counters.receive(method.label(), 0);
        let essentials = match message.essentials() {
            Ok(essentials) => essentials,
            Err(error) => {
                self.counters.reject(Reason::BadHeader.as_str());
                self.note_offence(now, listener, source, Offence::Malformed);
                // RFC 4475 section 3.1.2.18: an unknown method says more than that CSeq differs.
                let (status, why) = match (error.why, &method) {
                    (Why::Method, Method::Other(_)) => (501, reason_phrase(501).to_owned()),
                    _ => (400, error.reason()),
                };
                self.answer_unmatched(listener, source, &message, status, &why);
                return;
            }
        };
        let request = Inbound { listener, source, message, essentials, transaction: None };
        // An ACK is its INVITE's.
        let matched_as = if method == Method::Ack { &Method::Invite } else { &method };
        let key = self.server_key(&request, matched_as);
        match method {
            Method::Ack => self.receive_ack(now, &request, key),
            Method::Cancel => self.receive_cancel(now, request, key),
            _ if self.transactions.repeated(now, key).is_some() => {}
            _ => self.receive_new(now, request, key),
        }
    }

    /// Refuses a request whose headers do not tell enough for more than this. A broken Via goes back
    /// as it came, to where it came from.
    fn answer_unmatched(
        &mut self,
        listener: ListenerId,
        source: SocketAddr,
        request: &Message,
        status: u16,
        reason: &str,
    ) {
        let Some(method) = request.method().filter(|method| **method != Method::Ack) else {
            return;
        };
        if request.header(HeaderName::Via).is_none() {
            return;
        }
        let to = match request.via() {
            Ok(via) if !self.is_stream(listener) => way_back(&via, source),
            Ok(_) | Err(_) => source,
        };
        let tag = self.entropy.token();
        let draft = Draft::response_with_reason(request, source, status, reason, &tag)
            .header(HeaderName::Server, &self.settings.product);
        let packet = Packet { method: method.label(), status, bytes: draft.finish() };
        self.transmit(Outgoing { path: self.path(listener, to), packet });
    }

    fn receive_new(&mut self, now: Time, request: Inbound, key: ServerKey) {
        if self.is_scan(now, &request) || !self.passes_checks(now, &request) {
            return;
        }
        let in_dialog = request.essentials.to.tag().is_some();
        if self.transactions.len() >= self.limits.transactions_for(in_dialog) {
            self.refuse_overload(now, &request, Reason::TransactionLimit);
            return;
        }
        match request.method() {
            Method::Register => self.receive_register(now, request, key),
            _ if in_dialog => self.receive_in_dialog(now, request, key),
            Method::Invite => self.receive_invite(now, request, key),
            // Section 11.2. Without a transaction: a repetition gets the same answer again.
            Method::Options if self.closed => {
                self.refuse_overload(now, &request, Reason::Closing);
            }
            Method::Options => self.answer_options(now, &request),
            // These make sense within a dialog only.
            Method::Bye | Method::Update | Method::Info | Method::Prack => {
                self.refuse(now, &request, 481, Reason::UnknownDialog);
            }
            // Nobody is connected elsewhere on a stranger's word.
            Method::Refer => self.refuse(now, &request, 403, Reason::ReferRefused),
            _ => self.refuse_with(now, &request, 405, Reason::MethodNotAllowed, |draft| {
                draft.header(HeaderName::Allow, ALLOW)
            }),
        }
    }

    /// Section 8.2, in its order: method, Request-URI, loops, extensions. A request that fails is
    /// refused.
    fn passes_checks(&mut self, now: Time, request: &Inbound) -> bool {
        match request.method() {
            Method::Invite
            | Method::Bye
            | Method::Options
            | Method::Register
            | Method::Info
            | Method::Update
            | Method::Prack
            | Method::Refer => {}
            Method::Other(_) => {
                self.refuse_with(now, request, 501, Reason::UnknownMethod, |draft| {
                    draft.header(HeaderName::Allow, ALLOW)
                });
                return false;
            }
            Method::Ack
            | Method::Cancel
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish => {
                self.refuse_with(now, request, 405, Reason::MethodNotAllowed, |draft| {
                    draft.header(HeaderName::Allow, ALLOW)
                });
                return false;
            }
        }
        match request.message.request_uri() {
            // `sips:` promises TLS all the way (section 26.2.2): it is none if the last hop was not.
            Ok(Uri::Sip(uri)) if !uri.secure || self.is_secure(request.listener) => {}
            Ok(Uri::Tel(_)) if *request.method() == Method::Invite => {}
            Ok(Uri::Sip(_) | Uri::Tel(_) | Uri::Other(_)) => {
                self.refuse(now, request, 416, Reason::UriScheme);
                return false;
            }
            Err(error) => {
                self.refuse_bad(
                    now,
                    request,
                    &format!("Bad Request-URI ({error})"),
                    Reason::BadUri,
                );
                return false;
            }
        }
        match request.message.max_forwards() {
            // We pass calls on, so a loop through us must end here (RFC 7332 section 4); a question
            // that reached its last hop is answered (RFC 4475 section 3.3.11).
            Ok(Some(0)) if *request.method() != Method::Options => {
                self.refuse(now, request, 483, Reason::TooManyHops);
                return false;
            }
            Ok(_) => {}
            Err(error) => {
                self.refuse_bad(now, request, &error.reason(), Reason::BadHeader);
                return false;
            }
        }
        let outside = request.essentials.to.tag().is_none();
        if outside && self.merges.by_key.contains_key(&self.merge_key(&request.essentials)) {
            self.refuse(now, request, 482, Reason::Merged);
            return false;
        }
        if outside && *request.method() == Method::Invite && self.is_loop(request) {
            self.refuse(now, request, 482, Reason::Loop);
            return false;
        }
        // RFC 3891 section 3: only what begins a dialog can take the place of one.
        let begins = outside && *request.method() == Method::Invite;
        if !begins && request.message.header(HeaderName::Replaces).is_some() {
            self.refuse_bad(now, request, "Misplaced Replaces", Reason::BadHeader);
            return false;
        }
        self.passes_require(now, request)
    }

    /// Section 8.2.2.3: what is required, we must have.
    fn passes_require(&mut self, now: Time, request: &Inbound) -> bool {
        let unsupported: Vec<String> = request
            .message
            .headers(HeaderName::Require)
            .map(scan::text)
            .filter(|token| !EXTENSIONS.iter().any(|known| token.eq_ignore_ascii_case(known)))
            .collect();
        if !unsupported.is_empty() {
            self.refuse_with(now, request, 420, Reason::BadExtension, |draft| {
                draft.header(HeaderName::Unsupported, unsupported.join(", "))
            });
        }
        unsupported.is_empty()
    }

    /// Whether the body of a request that may carry an offer can be read; it is refused if not
    /// (section 8.2.3).
    pub(super) fn passes_body(&mut self, now: Time, request: &Inbound) -> bool {
        let message = &request.message;
        if message.body().is_empty() {
            return true;
        }
        let optional = message.header(HeaderName::ContentDisposition).is_some_and(|value| {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            value.replace([' ', '\t'], "").contains(";handling=optional")
        });
        if request.offer().is_some() || optional {
            return true;
        }
        self.refuse_media_type(now, request);
        false
    }

    /// Whether the caller takes the SDP that an answer carries; the INVITE is refused if not
    /// (section 21.4.7).
    pub(super) fn passes_accept(&mut self, now: Time, request: &Inbound) -> bool {
        let mut accepted = request.message.headers(HeaderName::Accept).peekable();
        let takes_sdp = accepted.peek().is_none()
            || accepted.any(|range| {
                let range = String::from_utf8_lossy(range).to_ascii_lowercase();
                let range = range.split(';').next().unwrap_or("").trim();
                matches!(range, SDP | "application/*" | "*/*")
            });
        if !takes_sdp {
            self.refuse(now, request, 406, Reason::NotAcceptable);
        }
        takes_sdp
    }

    /// Opens a request's transaction.
    pub(super) fn open(&mut self, request: &mut Inbound, key: ServerKey, user: User) {
        let invite = *request.method() == Method::Invite;
        let transaction = self.transactions.receive(key, self.path_back(request), invite, user);
        request.transaction = Some(transaction);
        if request.essentials.to.tag().is_none() {
            let key = self.merge_key(&request.essentials);
            self.merges.remember(key, transaction);
        }
    }

    /// Says what we can.
    pub(super) fn answer_options(&mut self, now: Time, request: &Inbound) {
        let tag = self.stateless_tag(&request.essentials);
        let draft = self
            .draft(request, 200, &tag)
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Accept, ACCEPT)
            .named("Accept-Encoding", "identity")
            .named("Accept-Language", "en")
            .header(HeaderName::Supported, SUPPORTED);
        self.send(now, request, packet(request, 200, draft));
    }

    fn receive_ack(&mut self, now: Time, request: &Inbound, key: ServerKey) {
        if self.transactions.acknowledged(now, key) {
            return;
        }
        match self.dialogs.get(&dialog_id(&request.essentials)).copied() {
            Some(leg) => {
                self.proved_dialog(now, leg);
                self.take_ack(now, leg, request);
            }
            // The ACK of a stateless refusal brings its tag back.
            None if request.essentials.to.tag()
                == Some(self.stateless_tag(&request.essentials).as_str()) => {}
            None => self.counters.reject(Reason::StrayAck.as_str()),
        }
    }

    /// Section 9.2.
    fn receive_cancel(&mut self, now: Time, mut request: Inbound, key: ServerKey) {
        if self.transactions.repeated(now, key).is_some() {
            return;
        }
        let cancelled = self.server_key(&request, &Method::Invite);
        let Some((invite, user)) = self.transactions.find(cancelled) else {
            self.refuse(now, &request, 481, Reason::UnknownTransaction);
            return;
        };
        let user = *user;
        let tag = match user {
            User::Arrival(leg) | User::Change(leg) => {
                self.legs.get(&leg).map(|leg| leg.dialog.id().local_tag)
            }
            User::Invite(_)
            | User::Reinvite(_)
            | User::Update(_)
            | User::Refresh(_)
            | User::Bye(_)
            | User::Notify(_)
            | User::Request(_)
            | User::Nobody => None,
        };
        let tag = tag.unwrap_or_else(|| self.stateless_tag(&request.essentials));
        self.open(&mut request, key, User::Nobody);
        self.respond(now, &request, 200, &tag);
        match user {
            User::Arrival(leg) => self.cancel_arrival(now, leg, cause(&request.message)),
            User::Change(leg) => self.cancel_change(now, leg, invite),
            User::Invite(_)
            | User::Reinvite(_)
            | User::Update(_)
            | User::Refresh(_)
            | User::Bye(_)
            | User::Notify(_)
            | User::Request(_)
            | User::Nobody => {}
        }
    }

    /// The caller gave up before we answered. After our 2xx a CANCEL changes nothing.
    fn cancel_arrival(&mut self, now: Time, leg: crate::id::LegId, cause: Option<Cause>) {
        let Some(found) = self.legs.get(&leg) else { return };
        if !matches!(found.stage, Stage::Arriving(_)) {
            return;
        }
        self.refuse_arrival(now, leg, 487, |draft| draft);
        self.events.push_back(SipEvent::Ended { leg, end: LegEnd::Cancelled, cause });
    }

    /// What a request is matched by if its method is `method` (section 17.2.3).
    fn server_key(&self, request: &Inbound, method: &Method) -> ServerKey {
        let (keys, method) = (self.transactions.keys(), method.as_str());
        let essentials = &request.essentials;
        let via = &essentials.via;
        match (via.branch().filter(|_| via.has_rfc3261_branch()), via.port) {
            (Some(branch), Some(port)) => {
                keys.server(branch, &format_args!("{}:{port}", via.host), method)
            }
            (Some(branch), None) => keys.server(branch, &via.host, method),
            (None, _) => keys.old_server(
                &String::from_utf8_lossy(request.message.request_uri_bytes()),
                essentials.from.tag().unwrap_or(""),
                &essentials.call_id,
                essentials.cseq.seq,
                via,
                method,
            ),
        }
    }

    fn merge_key(&self, essentials: &Essentials) -> MergeKey {
        let (from_tag, cseq) = (essentials.from.tag().unwrap_or(""), &essentials.cseq);
        let keys = self.transactions.keys();
        keys.merge(&essentials.call_id, from_tag, cseq.seq, cseq.method.as_str())
    }
}

/// What names the dialog of a request that came in, from our side.
pub(super) fn dialog_id(essentials: &Essentials) -> DialogId {
    DialogId {
        call_id: essentials.call_id.clone(),
        local_tag: essentials.to.tag().unwrap_or("").to_owned(),
        remote_tag: essentials.from.tag().unwrap_or("").to_owned(),
    }
}
