//! Challenges to requests of ours (RFC 3261 section 22.3, RFC 7616 section 3.4): the same request
//! again, with credentials.

use crate::id::LegId;
use crate::sip::dialog::Dialog;
use crate::sip::digest::{Login, answers};
use crate::sip::header::{HeaderName, Via};
use crate::sip::message::Message;
use crate::sip::transaction::table::{Packet, TransactionId};
use crate::sip::write::Draft;
use crate::time::Time;

use super::Endpoint;
use super::ending::Prepared;
use super::leg::User;
use super::replies::Reply;

/// A request is sent so often at the most: with credentials, with a fresh nonce, for a longer session.
pub(super) const TRIES: u8 = 3;

impl Endpoint {
    /// The request that a 401 or 407 refused, with credentials; none if we have none, or the peer
    /// did not like them.
    pub(super) fn answer_challenge(
        &mut self,
        id: TransactionId,
        reply: &Reply,
        login: &Login,
        seq: u32,
    ) -> Option<Prepared> {
        let refused = Message::parse(self.transactions.request_of(id)?.1.bytes.clone()).ok()?;
        let given = answers(login, &reply.message, &refused, &mut self.entropy);
        if given.is_empty() {
            return None;
        }
        let replaced: Vec<_> =
            given.iter().map(|(name, credentials)| (*name, credentials.as_str())).collect();
        self.again(id, &refused, &replaced, seq)
    }

    /// A request of ours in a new transaction: another branch and a CSeq of its own (section
    /// 8.1.3.5), with some headers replaced.
    pub(super) fn again(
        &mut self,
        id: TransactionId,
        refused: &Message,
        replaced: &[(HeaderName, &str)],
        seq: u32,
    ) -> Option<Prepared> {
        let (path, packet) = self.transactions.request_of(id)?;
        let (path, method) = (*path, packet.method);
        let listener = self.listener(path.listener)?.clone();
        let branch = match refused.request_uri() {
            Ok(target) if method == "INVITE" => self.branch_to(&target),
            Ok(_) | Err(_) => self.branch(),
        };
        let uri = String::from_utf8_lossy(refused.request_uri_bytes());
        let mut draft = Draft::request(refused.method()?, uri)
            .header(HeaderName::Via, Via::ours(&listener, &branch))
            .header(HeaderName::CSeq, format_args!("{seq} {method}"));
        let ours =
            [HeaderName::Via, HeaderName::CSeq, HeaderName::ContentLength, HeaderName::ContentType];
        for (name, value) in refused.iter() {
            let known = HeaderName::from_bytes(name);
            if !ours.contains(&known) && !replaced.iter().any(|(name, _)| *name == known) {
                draft = draft.named_raw(name, value);
            }
        }
        for (name, value) in replaced {
            draft = draft.header(*name, value);
        }
        let bytes = match refused.text(HeaderName::ContentType) {
            Some(content_type) => draft.finish_with(&content_type, refused.body()),
            None => draft.finish(),
        };
        let packet = Packet { method, status: 0, bytes };
        Some(Prepared { branch, path, packet })
    }

    /// Answers the challenge to a request in a leg's dialog, once; the new transaction, and the
    /// dialog as it then is.
    pub(super) fn answer_challenge_in(
        &mut self,
        now: Time,
        leg: LegId,
        id: TransactionId,
        reply: &Reply,
        user: User,
    ) -> Option<(TransactionId, Dialog)> {
        let found = self.legs.get_mut(&leg)?;
        let login = found.login.clone()?;
        let seq = found.dialog.next_seq();
        let dialog = found.dialog.clone();
        let prepared = self.answer_challenge(id, reply, &login, seq)?;
        Some((self.request(now, prepared, user), dialog))
    }
}
