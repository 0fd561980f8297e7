//! The words of the face: what an endpoint tells its user, and what it is asked for.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::event::Caller;
use crate::id::LegId;
use crate::sip::ListenerId;
use crate::time::Time;

/// Whether a request carried digest credentials, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication {
    /// None, or stale ones: challenge.
    None,
    /// Good ones, fresh.
    User(String),
    /// Wrong ones.
    Wrong,
}

/// An INVITE that begins a dialog. 100 Trying has been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingInvite {
    /// The new leg, to be answered with [`Endpoint::provisional`], [`Endpoint::answer`],
    /// [`Endpoint::challenge`] or [`Endpoint::reject`].
    pub leg: LegId,
    /// Over which listener.
    pub listener: ListenerId,
    /// Where the datagram came from.
    pub source: SocketAddr,
    /// The user part of the Request-URI, unescaped; empty if there is none.
    pub called: String,
    /// The user part of From, unescaped: who claims to ring.
    pub from_user: String,
    /// Who rings, as far as From and Privacy tell.
    pub caller: Caller,
    /// Credentials.
    pub authentication: Authentication,
    /// The offer: the body, if it is SDP; none for a late offer.
    pub offer: Option<Bytes>,
}

/// Why a leg ended that the peer or the network ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegEnd {
    /// The peer sent BYE.
    Bye,
    /// The peer sent CANCEL before we answered (we sent 487).
    Cancelled,
    /// Our 2xx was never acknowledged (we sent BYE).
    NoAck,
}

/// What the endpoint tells its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SipEvent {
    /// Somebody rings.
    Invite(IncomingInvite),
    /// Our 2xx was acknowledged; the answer to our offer, if the INVITE had none.
    Acknowledged {
        /// Which leg.
        leg: LegId,
        /// SDP in the ACK.
        answer: Option<Bytes>,
    },
    /// The peer changes the session (re-INVITE or UPDATE with an offer): answer with
    /// [`Endpoint::accept_change`] or [`Endpoint::reject_change`].
    Change {
        /// Which leg.
        leg: LegId,
        /// The new offer; none for a re-INVITE without one.
        offer: Option<Bytes>,
    },
    /// An outgoing leg's peer rings (180 or 183).
    Ringing {
        /// Which leg.
        leg: LegId,
        /// The status.
        status: u16,
    },
    /// An outgoing leg was answered with 2xx; the ACK has been sent.
    Answered {
        /// Which leg.
        leg: LegId,
        /// The SDP answer; empty if the peer sent none.
        answer: Bytes,
        /// Where its signalling came from.
        source: SocketAddr,
    },
    /// An outgoing leg failed, or was cancelled. The leg is gone.
    Failed {
        /// Which leg.
        leg: LegId,
        /// The final status; 408 where no reply came, 487 after our CANCEL.
        status: u16,
    },
    /// A leg ended by the peer or the network. The leg is gone.
    Ended {
        /// Which leg.
        leg: LegId,
        /// Why.
        end: LegEnd,
    },
    /// A phone registered or refreshed.
    Registered {
        /// The account.
        user: String,
        /// The binding.
        binding: Binding,
    },
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
}

/// A call that we make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingInvite {
    /// The new leg's id, chosen by the caller of this method.
    pub leg: LegId,
    /// Over which listener.
    pub listener: ListenerId,
    /// The Request-URI and To.
    pub uri: String,
    /// Where the datagram goes.
    pub to: SocketAddr,
    /// The display name in From (any text; quoted and escaped here).
    pub from_display: String,
    /// The user part in From; `anonymous` for a withheld caller.
    pub from_user: String,
    /// The offer.
    pub offer: String,
}
