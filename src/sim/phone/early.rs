//! What is heard before the answer: early media, and the responses that must not get lost (RFC 3262).

use std::time::Duration;

use bytes::Bytes;
use rsip::headers::untyped::UntypedHeader;
use rsip::message::HasHeaders;
use rsip::{Header, Method, Request, SipMessage, headers};

use crate::time::Time;

use super::leg::State;
use super::message::{self, Key, respond};
use super::outgoing::address_of;
use super::transaction::T1;
use super::{Phone, PhoneEvent};

/// A provisional response of ours until its PRACK.
#[derive(Debug)]
pub(super) struct Reliable {
    rseq: u32,
    bytes: Bytes,
    gap: Duration,
    pub(super) next_at: Time,
    /// Whether the phone was picked up meanwhile.
    answers: bool,
}

/// The value of a header that has no type of its own.
pub(super) fn other<'a>(message: &'a impl HasHeaders, wanted: &str) -> Option<&'a str> {
    message.headers().iter().find_map(|header| match header {
        Header::Other(name, value) if name.eq_ignore_ascii_case(wanted) => Some(value.trim()),
        _ => None,
    })
}

fn supports(request: &Request, extension: &str) -> bool {
    request.headers().iter().any(|header| match header {
        Header::Supported(value) => value.value().split(',').any(|one| one.trim() == extension),
        Header::Require(value) => value.value().split(',').any(|one| one.trim() == extension),
        _ => false,
    })
}

impl Phone {
    /// Rings, and lets whoever rings hear something at once: 183 with our description.
    pub fn ring_with_media(&mut self, now: Time) {
        let Some(at) = self.offered() else { return };
        let words = self.words(Some(at));
        let Some((request, key)) = self.legs.get(at).and_then(|leg| leg.invite.clone()) else {
            return;
        };
        let Some(stream) = words.read(&request.body) else { return };
        let reliable = self.settings.extensions.reliable && supports(&request, "100rel");
        let rseq = self.entropy.below(1_000) + 1;
        let mut extra = vec![self.contact()];
        extra.extend(self.abilities());
        if reliable {
            extra.push(Header::Require(headers::Require::new("100rel")));
            extra.push(Header::Other("RSeq".to_owned(), rseq.to_string()));
        }
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.stream = Some(stream);
        let bytes =
            respond(&request, 183, &leg.local_tag, extra, words.answer(leg.version, &stream));
        if reliable {
            let (bytes, next_at) = (bytes.clone(), now + T1);
            leg.reliable = Some(Reliable { rseq, bytes, gap: T1, next_at, answers: false });
        }
        self.transactions.respond(now, &key, 183, bytes);
        self.talk(now, at);
    }

    /// Whether picking up must wait for a PRACK; it is done then.
    pub(super) fn answers_later(&mut self, at: usize) -> bool {
        let waiting = self.legs.get_mut(at).and_then(|leg| leg.reliable.as_mut());
        waiting.map(|reliable| reliable.answers = true).is_some()
    }

    pub(super) fn repeat_early(&mut self, now: Time) {
        for leg in &mut self.legs {
            let Some(reliable) = leg.reliable.as_mut().filter(|one| one.next_at <= now) else {
                continue;
            };
            reliable.gap *= 2;
            reliable.next_at = now + reliable.gap;
            if leg.state == State::Offered && reliable.gap < T1 * 64 {
                self.transactions.out.push_back((leg.peer, reliable.bytes.clone()));
            } else {
                leg.reliable = None;
            }
        }
    }

    pub(super) fn acknowledged_early(
        &mut self,
        now: Time,
        at: usize,
        request: &Request,
        key: &Key,
    ) {
        let rack = other(request, "RAck").unwrap_or("").to_owned();
        let Some(leg) = self.legs.get_mut(at) else { return };
        let invite_seq = leg.invite_seq;
        let matched =
            leg.reliable.take_if(|one| rack == format!("{} {invite_seq} INVITE", one.rseq));
        let Some(reliable) = matched else { return self.respond(now, request, key, 481) };
        leg.answered_early = true;
        self.respond(now, request, key, 200);
        if reliable.answers {
            self.answer(now);
        }
    }

    /// A provisional response to our INVITE: what it lets us hear, and its PRACK.
    pub(super) fn heard_early(&mut self, now: Time, at: usize, message: &SipMessage, key: &Key) {
        let SipMessage::Response(response) = message else { return };
        let words = self.words(Some(at));
        let (branch, via) = (self.branch(), self.settings.signalling);
        let Some(leg) = self.legs.get_mut(at) else { return };
        let rseq = other(response, "RSeq").and_then(|value| value.parse::<u32>().ok());
        if let (Some(rseq), Some(tag)) = (rseq, &key.to_tag) {
            if leg.heard_rseq == Some(rseq) {
                return;
            }
            leg.heard_rseq = Some(rseq);
            leg.seq += 1;
            let mut outline = leg.outline(Method::PRack, leg.seq, branch.clone(), via);
            outline.to = format!("{};tag={tag}", leg.remote);
            let rack = format!("{rseq} {} INVITE", leg.invite_seq);
            outline.extra = vec![Header::Other("RAck".to_owned(), rack)];
            let contact = message::contact(message);
            let peer = contact.as_ref().and_then(address_of).unwrap_or(leg.peer);
            outline.uri = contact.unwrap_or(outline.uri);
            let (number, bytes) = (leg.number, outline.build());
            self.transactions.request(now, branch, Method::PRack, Some(number), peer, bytes);
        }
        let Some(leg) = self.legs.get_mut(at) else { return };
        if let Some(stream) = words.read(&response.body).filter(|_| leg.stream.is_none()) {
            leg.stream = Some(stream);
            self.talk(now, at);
            self.events.push_back(PhoneEvent::EarlyMedia);
        }
    }
}
