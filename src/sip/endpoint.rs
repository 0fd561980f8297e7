//! The face of SIP: datagrams in, events and datagrams out, time as a parameter.
//!
//! An INVITE dialog with a peer is a *leg*, named by a [`LegId`]; nobody above this module sees
//! dialogs, transactions, tags or branches.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;

use crate::event::Caller;
use crate::id::{Entropy, LegId};
use crate::time::{Time, UnixMicros};

use super::{ListenerId, Transmit};

/// What an endpoint needs to know of the settings.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// Listeners in the order of their ids: what peers are told as our address (never unspecified).
    pub listeners: Vec<SocketAddr>,
    /// The digest realm.
    pub realm: String,
    /// `User-Agent` and `Server`.
    pub product: String,
    /// Shortest and longest registration, in seconds.
    pub expires_s: (u32, u32),
    /// Who may register and authenticate: user part to secret.
    pub accounts: BTreeMap<String, Account>,
}

/// The digest secrets of one user (RFC 7616 section 3.4.2), as hashes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// Hex MD5 of `user:realm:password`, lower case.
    pub ha1_md5: Option<String>,
    /// Hex SHA-256 of the same, lower case.
    pub ha1_sha256: Option<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account(secret)")
    }
}

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
    /// A request in the dialog timed out or failed on the transport, or got 408 or 481.
    Lost,
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
    /// Where requests to it are sent: the source of the REGISTER.
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

/// What has been counted on the wire: (method, status) by direction, and refusals by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SipCounters {
    /// Requests (`status` 0) and responses by method, received.
    pub received: BTreeMap<(&'static str, u16), u64>,
    /// Requests (`status` 0) and responses by method, sent.
    pub sent: BTreeMap<(&'static str, u16), u64>,
    /// Datagrams and requests refused or dropped, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

/// Transactions, dialogs, registrations: SIP without sockets or clock.
#[derive(Debug)]
pub struct Endpoint {
    settings: EndpointSettings,
    entropy: Entropy,
    transmits: VecDeque<Transmit>,
    events: VecDeque<SipEvent>,
    counters: SipCounters,
}

#[allow(unused_variables)]
impl Endpoint {
    /// An endpoint with nothing going on.
    pub fn new(settings: EndpointSettings, entropy: Entropy) -> Self {
        Endpoint {
            settings,
            entropy,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: SipCounters::default(),
        }
    }

    /// Takes new settings; bindings, transactions and dialogs stay.
    pub fn reconfigure(&mut self, settings: EndpointSettings) {
        self.settings = settings;
    }

    /// Takes in one datagram. Never panics, whatever the bytes.
    pub fn handle_datagram(
        &mut self,
        now: Time,
        listener: ListenerId,
        from: SocketAddr,
        bytes: Bytes,
    ) {
        unimplemented!()
    }

    /// Lets everything happen that is due at `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        unimplemented!()
    }

    /// When [`Endpoint::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        unimplemented!()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SipEvent> {
        self.events.pop_front()
    }

    /// Sends a provisional response (180) on an incoming leg.
    pub fn provisional(&mut self, now: Time, leg: LegId, status: u16) {
        unimplemented!()
    }

    /// Answers an incoming leg with 200 and SDP; retransmitted until the ACK (RFC 3261 13.3.1.4).
    pub fn answer(&mut self, now: Time, leg: LegId, sdp: &str) {
        unimplemented!()
    }

    /// Refuses an incoming leg with a final status. The leg is gone; no event follows.
    pub fn reject(&mut self, now: Time, leg: LegId, status: u16, retry_after: Option<Duration>) {
        unimplemented!()
    }

    /// Refuses an incoming leg with 401 and a challenge for every algorithm of the accounts
    /// (SHA-256 first, RFC 8760). The leg is gone; the peer comes back with a new INVITE.
    pub fn challenge(&mut self, now: Time, leg: LegId) {
        unimplemented!()
    }

    /// Rings a peer. Results arrive as events.
    pub fn invite(&mut self, now: Time, invite: OutgoingInvite) {
        unimplemented!()
    }

    /// Ends a leg in whatever way its state asks for: BYE, CANCEL (or ACK and BYE if a 2xx crosses
    /// it), 487 or 480 for an incoming leg that was not answered. No event follows, except
    /// [`SipEvent::Failed`] never for a leg hung up by us. Idempotent.
    pub fn hang_up(&mut self, now: Time, leg: LegId) {
        unimplemented!()
    }

    /// Accepts a change with an SDP answer.
    pub fn accept_change(&mut self, now: Time, leg: LegId, sdp: &str) {
        unimplemented!()
    }

    /// Refuses a change (488); the session stays as it was.
    pub fn reject_change(&mut self, now: Time, leg: LegId, status: u16) {
        unimplemented!()
    }

    /// The registered contacts of a user, in the order of their registration.
    pub fn bindings(&self, user: &str) -> &[Binding] {
        unimplemented!()
    }

    /// Restores a binding that the journal knows; no event follows.
    pub fn restore_binding(&mut self, user: &str, binding: Binding) {
        unimplemented!()
    }

    /// What has been counted on the wire.
    pub fn counters(&self) -> &SipCounters {
        &self.counters
    }

    /// How many transactions, dialogs and legs exist: all zero when nothing goes on.
    pub fn load(&self) -> Load {
        unimplemented!()
    }
}

/// How much an endpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Transactions, client and server.
    pub transactions: usize,
    /// Legs: early and confirmed dialogs.
    pub legs: usize,
    /// Registered contacts.
    pub bindings: usize,
}

// Used by the signatures above once bodies are in place.
#[allow(dead_code)]
fn _keep(_: IpAddr, _: UnixMicros) {}
