//! Early dialogs of calls that we make (RFC 3261 section 12.1.2): one for each phone that rings, each
//! with its own reliable provisional responses (RFC 3262 section 4).

use bytes::Bytes;

use crate::id::LegId;
use crate::sip::dialog::Dialog;
use crate::sip::header::HeaderName;
use crate::sip::method::Method;
use crate::sip::session::reliable::{Order, Receiver};
use crate::time::Time;

use super::Endpoint;
use super::abilities::lists;
use super::leg::{Stage, User};
use super::outgoing::establish;
use super::replies::Reply;
use super::response::SDP;

/// A phone that has said something.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) dialog: Dialog,
    receiver: Receiver,
    /// Its newest description, once the exchange of offer and answer is over: it came reliably.
    pub(super) answer: Option<Bytes>,
    /// The SDP that our user was told of last.
    told: Option<Bytes>,
}

/// What a provisional response brings.
pub(super) enum Brings {
    /// Nothing: it came before, or before its turn.
    Nothing,
    /// A status, with an answer if that is news.
    Status(Option<Bytes>),
}

impl Endpoint {
    /// Notes the phone that a provisional response is from, and acknowledges the response if that is
    /// asked for.
    pub(super) fn hear_early(&mut self, now: Time, leg: LegId, reply: &Reply) -> Brings {
        let sdp = reply.message.body_of(SDP);
        if reply.status == 100 || reply.tag().is_empty() {
            return Brings::Status(sdp);
        }
        let Some(at) = self.early_dialog(leg, reply) else { return Brings::Status(sdp) };
        let rseq = lists(&reply.message, HeaderName::Require, "100rel")
            .then(|| reply.message.number(HeaderName::RSeq).ok().flatten())
            .flatten();
        let Some(found) = self.legs.get_mut(&leg) else { return Brings::Nothing };
        found.peer.learn(&reply.message);
        let Stage::Calling(calling) = &mut found.stage else { return Brings::Nothing };
        let Some(early) = calling.early.get_mut(at) else { return Brings::Nothing };
        if let Some(rseq) = rseq {
            if early.receiver.take(rseq) != Order::Next {
                return Brings::Nothing;
            }
            early.answer = early.answer.take().or_else(|| sdp.clone());
        }
        let news = sdp.filter(|sdp| early.told.as_ref() != Some(sdp));
        if news.is_some() {
            early.told.clone_from(&news);
        }
        if let Some(rseq) = rseq {
            let seq = early.dialog.next_seq();
            let dialog = early.dialog.clone();
            if let Some(begun) = self.begin(&dialog, &Method::Prack, seq) {
                let cseq = reply.essentials.cseq.seq;
                let rack = format!("{rseq} {cseq} INVITE");
                let prack = begun.with(HeaderName::RAck, rack).finish();
                self.request(now, prack, User::Nobody);
            }
        }
        Brings::Status(news)
    }

    /// The early dialog that a response belongs to, made if it is new; none if there are too many.
    fn early_dialog(&mut self, leg: LegId, reply: &Reply) -> Option<usize> {
        let limit = self.limits.forks;
        let found = self.legs.get_mut(&leg)?;
        let Stage::Calling(calling) = &mut found.stage else { return None };
        let known =
            calling.early.iter().position(|one| one.dialog.remote.tag() == Some(reply.tag()));
        if known.is_some() || calling.early.len() >= limit {
            return known;
        }
        let mut dialog = found.dialog.clone();
        establish(&mut dialog, reply);
        self.dialogs.insert(dialog.id(), leg);
        calling.early.push(Early {
            dialog,
            receiver: Receiver::default(),
            answer: None,
            told: None,
        });
        Some(calling.early.len() - 1)
    }
}
