//! One dialog of a phone (RFC 3261 section 12), from its INVITE to its end.

use std::net::SocketAddr;

use bytes::Bytes;
use rsip::{Header, Method, Request, Uri};

use crate::time::Time;

use super::super::secrecy;
use super::super::voice::Stream;
use super::early::Reliable;
use super::message::{Key, Outline};
use super::refresh::Session;

/// Where a dialog stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// We rang; nothing has come back. `true` if we want to give up as soon as something does:
    /// a CANCEL must not be sent before (RFC 3261 section 9.1).
    Calling(bool),
    /// We rang; a provisional response came.
    Proceeding,
    /// We sent CANCEL.
    Cancelling,
    /// Somebody rings us.
    Offered,
    /// We answered and await the ACK. `true` if we want to hang up then: a BYE must not be sent
    /// before (RFC 3261 section 15).
    Answered(bool),
    /// Both talk.
    Up,
    /// Over; kept to acknowledge what is repeated.
    Over(Time),
}

/// What a phone asks of the other side while a call is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// To wait.
    Hold,
    /// To talk again.
    Resume,
}

/// A dialog.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) number: u64,
    pub(super) state: State,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    pub(super) remote_tag: Option<String>,
    /// The peer's tag in an answer that was not final: an early dialog's.
    pub(super) early_tag: Option<String>,
    /// Our address with display name and tag, as it stands in From or To.
    pub(super) local: String,
    /// The peer's address without its tag.
    pub(super) remote: String,
    /// The peer's Contact.
    pub(super) target: Uri,
    /// Where requests go.
    pub(super) peer: SocketAddr,
    pub(super) seq: u32,
    pub(super) invite_seq: u32,
    pub(super) invite_branch: String,
    /// The peer's INVITE that is to be answered.
    pub(super) invite: Option<(Request, Key)>,
    pub(super) version: u64,
    pub(super) stream: Option<Stream>,
    pub(super) ack: Option<Bytes>,
    pub(super) ack_at: Option<Time>,
    pub(super) challenged: u8,
    /// The dialog whose place our INVITE takes, as its header says it (RFC 3891).
    pub(super) replaces: Option<String>,
    /// Our key, if we encrypt.
    pub(super) key: secrecy::Key,
    /// Our provisional response that waits for its PRACK.
    pub(super) reliable: Option<Reliable>,
    /// Whether our description went out reliably before the answer.
    pub(super) answered_early: bool,
    /// The number of the last reliable provisional response that came.
    pub(super) heard_rseq: Option<u32>,
    /// How the session is timed.
    pub(super) session: Option<Session>,
    /// Whether we hold the line.
    pub(super) on_hold: bool,
    /// A re-INVITE of ours under way.
    pub(super) change: Option<Change>,
    /// A re-INVITE of ours to be sent again, and when.
    pub(super) change_at: Option<(Time, Change)>,
}

impl Leg {
    /// The outline of a request within the dialog, or of the INVITE or CANCEL that is to begin or
    /// end it.
    pub(super) fn outline(
        &self,
        method: Method,
        seq: u32,
        branch: String,
        via: SocketAddr,
    ) -> Outline {
        let to = match &self.remote_tag {
            Some(tag) => format!("{};tag={tag}", self.remote),
            None => self.remote.clone(),
        };
        Outline {
            method,
            uri: self.target.clone(),
            via,
            branch,
            from: self.local.clone(),
            to,
            call_id: self.call_id.clone(),
            seq,
            extra: Vec::<Header>::new(),
            body: String::new(),
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    /// Whether a message within a dialog belongs to this one; `ours` and `theirs` are its tags.
    pub(super) fn owns(&self, call_id: &str, ours: Option<&str>) -> bool {
        self.call_id == call_id && ours.is_none_or(|tag| tag == self.local_tag)
    }
}
