//! SIP (RFC 3261 and friends) over bytes and [`Time`](crate::time::Time): no socket, no clock.
//!
//! A datagram is read lazily by [`message`] (with [`header`], [`uri`], [`method`]); [`transaction`]
//! absorbs and sends repetitions; [`dialog`] says how a peer is addressed; [`registrar`] and
//! [`digest`] know who is where; [`guard`] keeps attackers at the door; [`endpoint`] joins them and
//! is the only face that calls see. [`transport`] has the words of what messages travel over;
//! connections and names are the shell's.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod error;
pub mod framing;
pub mod guard;
pub mod header;
pub mod message;
pub mod method;
pub mod range;
pub mod registrar;
pub mod session;
pub mod transaction;
pub mod transport;
pub mod uri;
pub mod write;

/// Which of the settings' listeners, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u8);

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// From which listener.
    pub listener: ListenerId,
    /// Where to. On a stream listener the open connection to this address is used, else one is
    /// opened; one that cannot be opened is told with [`endpoint::Endpoint::handle_closed`].
    pub to: SocketAddr,
    /// The name that the peer's certificate must carry, where a connection has to be opened for
    /// TLS; without one, the address.
    pub host: Option<Arc<str>>,
    /// What.
    pub bytes: Bytes,
}

impl fmt::Debug for Transmit {
    /// Without its bytes: headers may carry credentials, bodies keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transmit({} bytes from {:?} to {})", self.bytes.len(), self.listener, self.to)
    }
}
