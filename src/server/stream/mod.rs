//! SIP over connections: TCP, TLS, WebSocket and secure WebSocket (RFC 3261 section 18, RFC 7118).
//!
//! Each connection is a task of the shell's runtime with a bounded queue of what it has to send;
//! what it reads goes to the control thread, which is never waited for and never waits. A
//! connection that reads faster than the control thread works is not read until there is room, so
//! that the network slows its peer down.
//!
//! Nobody holds a connection for nothing: handshakes, the first message, a message that has begun
//! and a peer that does not read have their time-outs, and sources their limits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::sip::guard::Source;
use crate::sip::transport::Protocol;
use crate::sip::{ListenerId, Transmit};

mod accept;
pub mod certificate;
mod connection;
mod counters;
mod flows;
mod listener;
mod opening;
mod outbox;
#[cfg(test)]
mod tests;
pub mod tls;
mod websocket;

use counters::{Refusal, StreamCounters};
use flows::{Flow, Flows};
use outbox::{Outbox, Refused};

pub use flows::StreamLimits;
use listener::Side;
pub use listener::StreamListener;

/// Messages that wait for the control thread: of all connections, and of one.
const WAITING: usize = 1_024;
const WAITING_OF_ONE: usize = 32;

/// What connections tell.
#[derive(Debug)]
pub enum StreamEvent {
    /// A connection is open whose far end has proved its name. Comes before its messages; a
    /// connection without such a proof is told by its first message.
    Named {
        /// Of which listener.
        listener: ListenerId,
        /// Its far end.
        peer: SocketAddr,
        /// The names in its certificate (RFC 5922 section 7.1), which an authority vouches for.
        names: Vec<String>,
    },
    /// A message came.
    Message {
        /// Of which listener.
        listener: ListenerId,
        /// Its far end.
        peer: SocketAddr,
        /// The message.
        bytes: Bytes,
        /// To be dropped when the message has been dealt with.
        room: Room,
    },
    /// What came cannot be cut into messages; the connection is about to end for it.
    Unreadable {
        /// Of which listener.
        listener: ListenerId,
        /// Its far end.
        peer: SocketAddr,
    },
    /// A connection has ended, or could not be opened.
    Closed {
        /// Of which listener.
        listener: ListenerId,
        /// Its far end.
        peer: SocketAddr,
    },
}

/// A place in the queue to the control thread.
#[derive(Debug)]
pub struct Room {
    _all: OwnedSemaphorePermit,
    _one: OwnedSemaphorePermit,
}

/// How long peers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until TLS and WebSocket are agreed on.
    pub handshake: Duration,
    /// From then until the first message has come whole.
    pub first_message: Duration,
    /// From the first byte of a message to its last.
    pub message: Duration,
    /// Between two messages: longer than any registration.
    pub idle: Duration,
    /// Until what we send is taken.
    pub write: Duration,
    /// Until a connection of ours is open.
    pub connect: Duration,
    /// Between two keep-alives of ours (RFC 5626 section 4.4.1; RFC 6455 section 5.5.2).
    pub ping: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            handshake: Duration::from_secs(10),
            first_message: Duration::from_secs(30),
            message: Duration::from_secs(30),
            idle: Duration::from_secs(2 * 3_600),
            write: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            ping: Duration::from_secs(90),
        }
    }
}

/// Whoever is told what happens on connections; it must not wait.
pub type Tell = Arc<dyn Fn(StreamEvent) + Send + Sync>;

/// What all connections share.
struct Shared {
    flows: Arc<Flows>,
    sides: BTreeMap<ListenerId, Arc<Side>>,
    counters: StreamCounters,
    patience: Patience,
    tell: Tell,
    waiting: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

/// All connections. Cheap to copy.
#[derive(Clone)]
pub struct Streams {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
}

impl Streams {
    /// Begins to accept. Needs a tokio runtime.
    pub fn start(
        listeners: BTreeMap<ListenerId, StreamListener>,
        limits: StreamLimits,
        patience: Patience,
        tell: Tell,
    ) -> Streams {
        let (mut sockets, mut sides) = (Vec::new(), BTreeMap::new());
        for (id, StreamListener { socket, side }) in listeners {
            let side = Arc::new(side);
            sockets.push((id, socket, side.clone()));
            sides.insert(id, side);
        }
        let shared = Arc::new(Shared {
            flows: Arc::new(Flows::new(limits)),
            sides,
            counters: StreamCounters::default(),
            patience,
            tell,
            waiting: Arc::new(Semaphore::new(WAITING)),
            stop: watch::Sender::new(false),
        });
        let runtime = tokio::runtime::Handle::current();
        for (id, socket, side) in sockets {
            runtime.spawn(accept::run(shared.clone(), id, socket, side));
        }
        Streams { shared, runtime }
    }

    /// Sends a message over the open connection to its peer, or opens one.
    pub fn send(&self, transmit: Transmit) {
        let Transmit { listener, to, host, bytes } = transmit;
        let flow = Flow { listener, peer: to };
        match self.shared.flows.outbox(flow) {
            Some(outbox) => match outbox.push(bytes) {
                Ok(()) => {}
                // Its end is about to be told.
                Err(Refused::Closed) => {}
                Err(Refused::Full) => {
                    self.shared.refuse(flow, Refusal::SlowReader, "the peer does not read");
                }
            },
            None => {
                opening::open(&self.runtime, &self.shared, flow, host, bytes);
            }
        }
    }

    /// New certificates and authorities for a listener; connections that are open stay.
    pub fn renew(&self, listener: ListenerId, tls: &tls::TlsConfigs) {
        if let Some(side) = self.shared.sides.get(&listener) {
            side.renew(tls);
        }
    }

    /// From now on these sources, and no others, have no connections.
    pub fn ban(&self, banned: BTreeSet<Source>) {
        self.shared.flows.ban(banned);
    }

    /// Connections open now, by protocol.
    pub fn connections(&self) -> BTreeMap<&'static str, u64> {
        self.shared.counters.connections()
    }

    /// Connections refused or ended by us, by reason.
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.shared.counters.refused()
    }

    /// Accepts nobody any more, sends what waits and closes every connection; those that are not
    /// done after `wait` are cut off.
    pub async fn close(&self, wait: Duration) {
        let _ = self.shared.stop.send(true);
        let closed = async {
            let mut look = tokio::time::interval(Duration::from_millis(10));
            while self.shared.flows.len() > 0 {
                look.tick().await;
            }
        };
        let _ = tokio::time::timeout(wait, closed).await;
    }
}

impl Shared {
    fn refuse(&self, flow: Flow, why: Refusal, detail: &str) {
        self.counters.refuse(why, flow.peer, detail);
    }

    fn protocol(&self, listener: ListenerId) -> Protocol {
        self.sides.get(&listener).map_or(Protocol::Tcp, |side| side.told.protocol)
    }

    /// Makes an open connection known, and its end, which is when this is dropped.
    fn enter(self: &Arc<Self>, flow: Flow) -> Entered {
        let outbox = Arc::new(Outbox::default());
        let serial = self.flows.insert(flow, outbox.clone());
        Entered { shared: self.clone(), flow, serial, outbox }
    }
}

/// A connection that others can send to.
struct Entered {
    shared: Arc<Shared>,
    flow: Flow,
    serial: flows::Serial,
    outbox: Arc<Outbox>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let Flow { listener, peer } = self.flow;
        self.outbox.close();
        self.shared.flows.remove(self.flow, self.serial, || {
            (self.shared.tell)(StreamEvent::Closed { listener, peer });
        });
    }
}
