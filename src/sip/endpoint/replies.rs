//! Responses to requests of ours, on their way to whoever sent the request.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::sip::ListenerId;
use crate::sip::header::{Cause, HeaderName};
use crate::sip::message::{Essentials, Message};
use crate::sip::method::Method;
use crate::sip::transaction::table::{Matched, Packet, TransactionId};
use crate::sip::write::Draft;
use crate::time::Time;

use super::ending::MAX_FORWARDS;
use super::leg::User;
use super::{Endpoint, Reason};

/// A response that belongs to a transaction of ours.
pub(super) struct Reply {
    /// Over which listener it came, or would have, had the request not been too long.
    pub(super) listener: ListenerId,
    /// From where.
    pub(super) source: SocketAddr,
    /// Its status.
    pub(super) status: u16,
    /// The response.
    pub(super) message: Message,
    /// What matched it.
    pub(super) essentials: Essentials,
}

impl Reply {
    /// The tag of whoever sent it.
    pub(super) fn tag(&self) -> &str {
        self.essentials.to.tag().unwrap_or("")
    }

    /// What its Reason header says (RFC 3326, for responses RFC 6432).
    pub(super) fn cause(&self) -> Option<Cause> {
        cause(&self.message)
    }
}

/// What the Reason header of a message says.
pub(super) fn cause(message: &Message) -> Option<Cause> {
    Cause::first_of(message.headers(HeaderName::Reason))
}

impl Endpoint {
    pub(super) fn receive_response(
        &mut self,
        now: Time,
        listener: ListenerId,
        source: SocketAddr,
        message: Message,
    ) {
        let Some(status) = message.status() else { return };
        let Ok(essentials) = message.essentials() else {
            self.counters.reject(Reason::BadHeader.as_str());
            return;
        };
        let method = essentials.cseq.method.label();
        self.counters.receive(method, status);
        // Section 18.1.2: a response with more than one Via went astray.
        let astray = message.vias().nth(1).is_some();
        let branch = essentials.via.branch().unwrap_or("");
        let key = self.transactions.keys().client(branch, method);
        let matched = if astray {
            Matched::Stray
        } else {
            self.transactions.response(now, key, status, |invite| failure_ack(invite, &message))
        };
        match matched {
            Matched::Stray => self.counters.reject(Reason::StrayResponse.as_str()),
            Matched::Absorbed => {}
            Matched::Deliver { id, user } => {
                // What went over TCP for its length alone leaves the dialog where it was (section
                // 18.1.1).
                let listener = self.transactions.moved_from(id).unwrap_or(listener);
                let reply = Reply { listener, source, status, message, essentials };
                self.take_reply(now, id, user, reply);
            }
        }
    }

    fn take_reply(&mut self, now: Time, id: TransactionId, user: User, reply: Reply) {
        match user {
            User::Invite(leg) => self.invite_replied(now, leg, id, reply),
            User::Reinvite(leg) | User::Update(leg) => {
                self.change_replied(now, leg, id, user, &reply)
            }
            User::Refresh(leg) => self.refresh_replied(now, leg, id, &reply),
            User::Bye(leg) => self.bye_replied(now, leg, id, &reply),
            User::Notify(leg) => self.notify_replied(now, leg, reply.status),
            User::Request(request) => self.request_replied(now, request, id, &reply),
            User::Arrival(_) | User::Change(_) | User::Nobody => {}
        }
    }
}

/// The ACK of a failed INVITE (section 17.1.1.3): of the INVITE all but To, which is the
/// response's.
fn failure_ack(invite: &Packet, response: &Message) -> Packet {
    let bytes = match Message::parse(invite.bytes.clone()) {
        Ok(sent) => {
            let seq = sent.cseq().map_or(1, |cseq| cseq.seq);
            let uri = String::from_utf8_lossy(sent.request_uri_bytes()).into_owned();
            Draft::request(&Method::Ack, uri)
                .copy(&sent, HeaderName::Via)
                .header(HeaderName::MaxForwards, MAX_FORWARDS)
                .copy(&sent, HeaderName::Route)
                .copy(&sent, HeaderName::From)
                .copy(response, HeaderName::To)
                .copy(&sent, HeaderName::CallId)
                .header(HeaderName::CSeq, format_args!("{seq} ACK"))
                .finish()
        }
        // Our own INVITE can be read; an empty datagram would do no harm.
        Err(_) => Bytes::new(),
    };
    Packet { method: "ACK", status: 0, bytes }
}
