//! A leg: one INVITE dialog with a peer, from the first INVITE to the end of the BYE.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::id::LegId;
use crate::sip::dialog::Dialog;
use crate::sip::digest::Login;
use crate::sip::header::Cause;
use crate::sip::session::negotiation::Standing;
use crate::sip::session::timer::Agreed;
use crate::sip::transaction::table::{Packet, TransactionId};

use super::abilities::Abilities;
use super::change::OurChange;
use super::early::Early;
use super::refer::Referral;
use super::reliable::Announced;
use super::request::RequestId;
use super::response::Inbound;

/// What a leg waits for. The first is [`LegTimer::Repeat`]: see [`LegTimer::all_of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LegTimer {
    /// Send the 2xx again (RFC 3261 section 13.3.1.4).
    Repeat,
    /// Give up on the ACK of our 2xx (section 13.3.1.4).
    NoAck,
    /// Give up on the final response after our CANCEL (section 9.1).
    Cancelled,
    /// Give up on a peer that rings for ever; as timer C of a proxy (section 16.8).
    Ring,
    /// Tell the caller that we are at it (section 17.2.1).
    Trying,
    /// Ask for our change again: it has met the peer's (section 14.1).
    Retry,
    /// Send a provisional response again (RFC 3262 section 3).
    Reliable,
    /// Give up on its PRACK.
    NoPrack,
    /// Refresh the session (RFC 4028).
    Refresh,
    /// End a session that nobody refreshed.
    Expire,
    /// Give up on a change of ours that got nothing but provisional responses.
    Overdue,
    /// End the subscription that a REFER made. The last of all: see [`LegTimer::all_of`].
    Referral,
}

impl LegTimer {
    /// All of a leg's, to be stopped with it.
    pub(super) fn all_of(leg: LegId) -> RangeInclusive<(LegId, LegTimer)> {
        (leg, LegTimer::Repeat)..=(leg, LegTimer::Referral)
    }
}

/// Whom a transaction reports to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// Our INVITE that began a leg.
    Invite(LegId),
    /// Our re-INVITE on a leg.
    Reinvite(LegId),
    /// Our UPDATE on a leg that is not answered yet.
    Update(LegId),
    /// Our UPDATE that refreshes a session.
    Refresh(LegId),
    /// Our BYE on a leg.
    Bye(LegId),
    /// Our NOTIFY on a leg.
    Notify(LegId),
    /// A request of ours outside any dialog.
    Request(RequestId),
    /// The INVITE that began an incoming leg.
    Arrival(LegId),
    /// A re-INVITE or UPDATE that waits for our user's word.
    Change(LegId),
    /// Nobody: the transaction runs by itself.
    Nobody,
}

/// Our INVITE before its final response.
#[derive(Debug)]
pub(super) struct Calling {
    /// Its transaction.
    pub(super) transaction: TransactionId,
    /// The last provisional status that came.
    pub(super) provisional: Option<u16>,
    /// Whether the call is being withdrawn.
    pub(super) cancel: Cancel,
    /// How often it was challenged, or asked for a longer session.
    pub(super) tries: u8,
    /// How long nothing at all is waited for, each time it is sent.
    pub(super) patience: Option<Duration>,
    /// The phones that have said something.
    pub(super) early: Vec<Early>,
}

/// How far the withdrawal of our INVITE is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancel {
    /// Nobody asked.
    No,
    /// A CANCEL must wait for the first provisional response (section 9.1).
    Wanted,
    /// The CANCEL was sent.
    Sent,
}

/// Our 2xx before its ACK.
#[derive(Debug)]
pub(super) struct Unacknowledged {
    /// The INVITE's transaction.
    pub(super) transaction: Option<TransactionId>,
    /// The number that the ACK will have.
    pub(super) seq: u32,
    /// The 2xx.
    pub(super) response: Packet,
    /// Until it is sent again.
    pub(super) gap: Duration,
    /// Whether the 2xx carried our offer, so that the ACK carries the answer.
    pub(super) offered: bool,
    /// Whether it answered the INVITE that began the leg.
    pub(super) first: bool,
}

/// How far a leg is.
#[derive(Debug)]
pub(super) enum Stage {
    /// The peer's INVITE has no final response.
    Arriving(Box<Inbound>),
    /// Our INVITE has no final response.
    Calling(Box<Calling>),
    /// The session is up.
    Up,
    /// We sent BYE.
    Leaving,
}

/// One INVITE dialog with a peer.
pub(super) struct Leg {
    /// The dialog, or what will become one.
    pub(super) dialog: Dialog,
    /// How far it is.
    pub(super) stage: Stage,
    /// Our user hung up: it is told nothing more.
    pub(super) quiet: bool,
    /// The address that the peer's INVITE came from, and our tag went to; none if the call is ours.
    pub(super) called_from: Option<IpAddr>,
    /// That address may be forged: the guard counts the leg until its ACK.
    pub(super) on_trial: bool,
    /// The caller gave good credentials with the INVITE.
    pub(super) authenticated: bool,
    /// Our 2xx before its ACK.
    pub(super) unacknowledged: Option<Unacknowledged>,
    /// A re-INVITE or UPDATE that waits for our user's word.
    pub(super) change: Option<Box<Inbound>>,
    /// What was said of an incoming call before its final response.
    pub(super) announced: Option<Box<Announced>>,
    /// What the peer can.
    pub(super) peer: Abilities,
    /// How long the session lives without a refresh.
    pub(super) session: Option<Agreed>,
    /// Our newest description that the peer has.
    pub(super) described: Option<Box<str>>,
    /// Tells the peer's newest description from others.
    pub(super) heard: u64,
    /// A change that we want.
    pub(super) ours: Option<Box<OurChange>>,
    /// A REFER and what it led to.
    pub(super) referral: Option<Box<Referral>>,
    /// Whether we began it, and so made its Call-ID.
    pub(super) outgoing: bool,
    /// What challenges to our requests are answered with.
    pub(super) login: Option<Box<Login>>,
    /// What our BYE or CANCEL says of itself.
    pub(super) cause: Option<Cause>,
}

impl fmt::Debug for Leg {
    /// Without anybody's description: it may hold the keys of the voice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Arriving(_) => "arriving",
            Stage::Calling(_) => "calling",
            Stage::Up => "up",
            Stage::Leaving => "leaving",
        };
        f.debug_struct("Leg")
            .field("dialog", &self.dialog)
            .field("stage", &stage)
            .field("quiet", &self.quiet)
            .field("unacknowledged", &self.unacknowledged)
            .field("change", &self.change)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl Leg {
    /// A leg at its beginning.
    pub(super) fn new(dialog: Dialog, stage: Stage) -> Leg {
        Leg {
            dialog,
            outgoing: matches!(stage, Stage::Calling(_)),
            stage,
            quiet: false,
            called_from: None,
            on_trial: false,
            authenticated: false,
            unacknowledged: None,
            change: None,
            announced: None,
            peer: Abilities::default(),
            session: None,
            described: None,
            heard: 0,
            ours: None,
            referral: None,
            login: None,
            cause: None,
        }
    }

    /// Whether a change of ours is under way.
    pub(super) fn is_changing(&self) -> bool {
        self.ours.as_ref().is_some_and(|ours| ours.is_sent())
    }

    /// The early dialog with the phone that has this tag, if the call is ours and not answered.
    pub(super) fn early(&mut self, tag: Option<&str>) -> Option<&mut Early> {
        let Stage::Calling(calling) = &mut self.stage else { return None };
        calling.early.iter_mut().find(|early| early.dialog.remote.tag() == tag)
    }

    /// The dialog with the peer that has this tag.
    pub(super) fn dialog_with(&mut self, tag: Option<&str>) -> &mut Dialog {
        if let Stage::Calling(calling) = &mut self.stage
            && let Some(early) =
                calling.early.iter_mut().find(|early| early.dialog.remote.tag() == tag)
        {
            return &mut early.dialog;
        }
        &mut self.dialog
    }

    /// What stands between an offer and its answer, in the dialog with the peer that has this tag.
    pub(super) fn standing(&mut self, tag: Option<&str>) -> Standing {
        if self.quiet || matches!(self.stage, Stage::Leaving) {
            Standing::Ending
        } else if self.change.is_some() {
            Standing::Theirs
        } else if self.is_changing() {
            Standing::Ours
        } else if self.unacknowledged.is_some() {
            Standing::Unacknowledged
        } else if let Some(early) = self.early(tag) {
            if early.answer.is_some() { Standing::Settled } else { Standing::Calling }
        } else {
            match (&self.stage, &self.announced) {
                (Stage::Calling(_), _) => Standing::Calling,
                (Stage::Arriving(_), Some(announced)) if announced.is_settled() => {
                    Standing::Settled
                }
                (Stage::Arriving(_), Some(announced)) if announced.is_waiting() => {
                    Standing::Unacknowledged
                }
                (Stage::Arriving(_), _) => Standing::Arriving,
                (Stage::Up | Stage::Leaving, _) => Standing::Settled,
            }
        }
    }
}

/// A number that tells a description from others (FNV-1a).
pub(super) fn mark(description: &[u8]) -> u64 {
    description.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
