//! SIP (RFC 3261 and friends) over bytes and [`Time`](crate::time::Time): no socket, no clock.
//!
//! A datagram is read lazily by [`message`] (with [`header`], [`uri`], [`method`]); [`transaction`]
//! absorbs and sends repetitions; [`dialog`] says how a peer is addressed; [`registrar`] and
//! [`digest`] know who is where; [`endpoint`] joins them and is the only face that calls see. What
//! is absent on purpose: streams, name resolution and trunks, which come with their own transports.

use std::net::SocketAddr;

use bytes::Bytes;

pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod error;
pub mod header;
pub mod message;
pub mod method;
pub mod registrar;
pub mod transaction;
pub mod uri;
pub mod write;

/// Which of the settings' listeners, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u8);

/// A datagram to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// From which listener.
    pub listener: ListenerId,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: Bytes,
}
