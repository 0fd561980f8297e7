//! What an INVITE says, ours and theirs.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::event::Caller;
use crate::id::LegId;
use crate::sip::ListenerId;
use crate::sip::digest::Login;
use crate::sip::header::Replaces;

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

/// An INVITE that begins a dialog. Nothing has been sent: a refusal that comes at once costs nothing
/// but itself, and 100 Trying follows in 200 ms unless there is an answer by then (RFC 3261 section
/// 17.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingInvite {
    /// The new leg, to be answered with [`Endpoint::provisional`], [`Endpoint::answer`],
    /// [`Endpoint::challenge`] or [`Endpoint::reject`].
    ///
    /// [`Endpoint::provisional`]: super::Endpoint::provisional
    /// [`Endpoint::answer`]: super::Endpoint::answer
    /// [`Endpoint::challenge`]: super::Endpoint::challenge
    /// [`Endpoint::reject`]: super::Endpoint::reject
    pub leg: LegId,
    /// Over which listener.
    pub listener: ListenerId,
    /// Where the datagram came from.
    pub source: SocketAddr,
    /// The user part of the Request-URI, unescaped; empty if there is none.
    pub called: String,
    /// The user part of To, unescaped: the number as it was first dialled, before the network
    /// turned it into ours.
    pub to_user: String,
    /// The user part of From, unescaped: who claims to ring.
    pub from_user: String,
    /// Who rings, as far as From and Privacy tell.
    pub caller: Caller,
    /// What else the INVITE says of who rings and why; to be believed of a peer that is trusted
    /// only.
    pub told: Told,
    /// The leg of ours whose place this INVITE takes (RFC 3891): whoever sends it must be proved to
    /// be allowed that, and the replaced leg is to be hung up once this one is answered. A dialog
    /// that we do not know was refused with 481 and never comes here.
    pub replaces: Option<LegId>,
    /// How many hops a call that is made because of this one may take (RFC 7332): without that, a
    /// call that is sent round in circles would never end.
    pub hops_left: u8,
    /// Credentials.
    pub authentication: Authentication,
    /// The offer: the body, if it is SDP; none for a late offer.
    pub offer: Option<Bytes>,
}

/// What a network tells with an INVITE, beside the caller's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Who rings, as the network asserts: the first value of P-Asserted-Identity (RFC 3325).
    pub asserted: Option<Identity>,
    /// Whose number the call was diverted from last (RFC 5806, RFC 7044).
    pub diverted_from: Option<String>,
    /// Marked as an emergency (RFC 3261 section 20.26, RFC 4412).
    pub emergency: bool,
}

/// An address that a network vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The user part of a SIP URI or the number of a tel URI, unescaped.
    pub user: String,
    /// The display name, if there is one.
    pub name: Option<String>,
}

/// A call that we make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingInvite {
    /// The new leg's id, chosen by the caller of this method.
    pub leg: LegId,
    /// Over which listener.
    pub listener: ListenerId,
    /// The Request-URI, and To unless [`InviteExtras::to_uri`] says otherwise.
    pub uri: String,
    /// Where the datagram goes.
    pub to: SocketAddr,
    /// The display name in From (any text; quoted and escaped here).
    pub from_display: String,
    /// The user part in From; `anonymous` for a withheld caller.
    pub from_user: String,
    /// The offer.
    pub offer: String,
    /// What most calls go without.
    pub extras: Box<InviteExtras>,
}

/// What a call through a trunk, or on somebody's behalf, says besides. All of it may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InviteExtras {
    /// To, where it differs from the Request-URI.
    pub to_uri: Option<String>,
    /// The host in From and in the asserted identity; our own address if none.
    pub from_host: Option<String>,
    /// P-Asserted-Identity (RFC 3325): the user part, `+44...` for a number.
    pub asserted: Option<Identity>,
    /// Asks the network to withhold the caller (`Privacy: id`, RFC 3323).
    pub withheld: bool,
    /// Diversion (RFC 5806): the user part of whoever sent the call on.
    pub diverted_from: Option<String>,
    /// Referred-By as it came with a REFER (RFC 3892).
    pub referred_by: Option<String>,
    /// The dialog of the peer's whose place this call takes (RFC 3891).
    pub replaces: Option<Replaces>,
    /// [`IncomingInvite::hops_left`] of the call that this one is made for; 70 if there is none.
    pub hops_left: Option<u8>,
    /// What a challenge (401, 407) is answered with.
    pub login: Option<Login>,
    /// How long to wait for any answer at all before it counts as 408: where there is somebody else
    /// to ask. The transaction's own time if none.
    pub patience: Option<Duration>,
}
