//! The words of the face: what an endpoint tells its user.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::id::LegId;
use crate::sip::ListenerId;
use crate::sip::guard::Notice;
use crate::sip::header::{Cause, Replaces};
use crate::sip::registrar::Instance;
use crate::time::Time;

use super::invite::IncomingInvite;
use super::request::{RequestId, Response};

/// Why a leg ended that the peer or the network ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegEnd {
    /// The peer sent BYE.
    Bye,
    /// The peer sent CANCEL before we answered (we sent 487).
    Cancelled,
    /// Our 2xx was never acknowledged (we sent BYE).
    NoAck,
    /// Our reliable provisional response was never acknowledged (we sent 504, RFC 3262 section 3).
    NoPrack,
    /// The session was not refreshed in time (we sent BYE, RFC 4028 section 10).
    SessionExpired,
    /// The peer knows nothing of the call any more or does not answer (481 or 408 to a request of
    /// ours, RFC 3261 section 12.2.1.2; we sent BYE).
    Lost,
}

/// What the endpoint tells its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SipEvent {
    /// Somebody rings.
    Invite(IncomingInvite),
    /// Our reliable provisional response was acknowledged (RFC 3262).
    ProvisionalAcknowledged {
        /// Which leg.
        leg: LegId,
        /// The answer, if the response carried our offer.
        answer: Option<Bytes>,
    },
    /// Our 2xx was acknowledged; the answer to our offer, if the INVITE had none.
    Acknowledged {
        /// Which leg.
        leg: LegId,
        /// SDP in the ACK.
        answer: Option<Bytes>,
    },
    /// The peer changes the session (re-INVITE, or UPDATE or PRACK with an offer): answer with
    /// [`Endpoint::accept_change`] or [`Endpoint::reject_change`].
    ///
    /// [`Endpoint::accept_change`]: super::Endpoint::accept_change
    /// [`Endpoint::reject_change`]: super::Endpoint::reject_change
    Change {
        /// Which leg.
        leg: LegId,
        /// The new offer; none for a re-INVITE without one.
        offer: Option<Bytes>,
    },
    /// The peer took the change that [`Endpoint::change`] asked for.
    ///
    /// [`Endpoint::change`]: super::Endpoint::change
    Changed {
        /// Which leg.
        leg: LegId,
        /// Its answer; empty if it sent none.
        answer: Bytes,
    },
    /// The peer did not take the change; the session is as it was.
    ChangeRefused {
        /// Which leg.
        leg: LegId,
        /// The final status.
        status: u16,
    },
    /// An outgoing leg's peer rings or plays something (101 to 199, each once unless it brings SDP).
    Progress {
        /// Which leg.
        leg: LegId,
        /// The status.
        status: u16,
        /// The answer to our offer, if it came already: early media.
        answer: Option<Bytes>,
    },
    /// An outgoing leg was answered with 2xx; the ACK has been sent.
    Answered {
        /// Which leg.
        leg: LegId,
        /// The SDP answer, also if it came early and reliably; empty if the peer sent none.
        answer: Bytes,
        /// Where its signalling came from.
        source: SocketAddr,
    },
    /// An outgoing leg was sent elsewhere (3xx). The leg is gone.
    Redirected {
        /// Which leg.
        leg: LegId,
        /// The final status.
        status: u16,
        /// The URIs to try, in the order of the peer's preference.
        contacts: Vec<String>,
    },
    /// An outgoing leg failed, or was cancelled. The leg is gone.
    Failed {
        /// Which leg.
        leg: LegId,
        /// The final status; 408 where no reply came, 487 after our CANCEL.
        status: u16,
        /// What the peer's Reason header says (RFC 3326).
        cause: Option<Cause>,
    },
    /// A leg ended by the peer or the network. The leg is gone.
    Ended {
        /// Which leg.
        leg: LegId,
        /// Why.
        end: LegEnd,
        /// What the peer's Reason header says (RFC 3326).
        cause: Option<Cause>,
    },
    /// The peer asks us to connect it elsewhere (RFC 3515): answer with [`Endpoint::accept_refer`]
    /// or [`Endpoint::reject_refer`].
    ///
    /// [`Endpoint::accept_refer`]: super::Endpoint::accept_refer
    /// [`Endpoint::reject_refer`]: super::Endpoint::reject_refer
    Refer {
        /// Which leg.
        leg: LegId,
        /// Where to.
        refer: Refer,
    },
    /// A key was pressed, told in INFO (`application/dtmf-relay` or `application/dtmf`).
    Key {
        /// Which leg.
        leg: LegId,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        key: char,
        /// For how long, in milliseconds; 0 if it does not say.
        duration_ms: u32,
    },
    /// The final response to a request of ours outside any dialog.
    Response {
        /// Which request.
        id: RequestId,
        /// What came.
        response: Response,
    },
    /// A phone registered or refreshed.
    Registered {
        /// The account.
        user: String,
        /// The binding.
        binding: Binding,
    },
    /// A source was banned, or no longer is.
    Guard(Notice),
    /// A registration ended.
    Unregistered {
        /// The account.
        user: String,
        /// The contact's URI.
        contact: String,
        /// True if it expired, false if the phone removed it.
        expired: bool,
    },
}

/// Whom a peer wants to be connected with instead of us (RFC 3515).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refer {
    /// The URI in Refer-To without its headers: whom to ring.
    pub target: String,
    /// The dialog whose place the new call takes: an attended transfer.
    pub replaces: Option<ReplacedDialog>,
    /// Referred-By as it came (RFC 3892).
    pub referred_by: Option<String>,
}

/// A dialog that is to be replaced (RFC 3891).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedDialog {
    /// Our own leg, if the dialog is between somebody and us: whoever is on the far side of its call
    /// is whom the transfer is to. None: [`ReplacedDialog::dialog`] is somewhere else, to be
    /// replaced by an INVITE to [`Refer::target`] with [`InviteExtras::replaces`].
    ///
    /// [`InviteExtras::replaces`]: super::InviteExtras::replaces
    pub leg: Option<LegId>,
    /// As Refer-To has it.
    pub dialog: Replaces,
}

/// A registered contact (RFC 3261 section 10.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The contact's URI as registered.
    pub contact: String,
    /// Where requests to it are sent: the contact's own address, or the source of the REGISTER if
    /// that address means nothing to us (a name, or behind an address translator).
    pub source: SocketAddr,
    /// Over which listener.
    pub listener: ListenerId,
    /// The REGISTER's Call-ID.
    pub call_id: String,
    /// The REGISTER's CSeq number.
    pub cseq: u32,
    /// When it ends, on the monotonic clock.
    pub expires_at: Time,
    /// Which connection of which phone it belongs to, if the phone says so (RFC 5626).
    pub instance: Option<Box<Instance>>,
}
