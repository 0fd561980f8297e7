//! What is counted of connections, and what is said of those that were refused.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sip::error::Fault;
use crate::sip::transport::Protocol;

use super::flows::Crowded;

/// One line of the log for each reason in this time.
const LOG_GAP: Duration = Duration::from_secs(10);

/// Why a connection was refused or ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Its source is banned.
    Banned,
    /// A limit on connections is reached.
    Crowded(Crowded),
    /// TLS could not be agreed on.
    TlsHandshake,
    /// This is no WebSocket for SIP.
    WebSocketHandshake,
    /// TLS or WebSocket was not agreed on in time.
    SlowHandshake,
    /// No message came at all.
    Silent,
    /// A message began and did not end in time.
    SlowMessage,
    /// The peer does not read what we send.
    SlowReader,
    /// The peer gives no sign of life.
    Dead,
    /// The stream cannot be cut into messages.
    Unframed(Fault),
    /// A connection of ours could not be opened.
    NotOpened,
}

impl Refusal {
    /// The name in metrics' labels.
    pub(super) fn label(self) -> &'static str {
        match self {
            Refusal::Banned => "banned_connection",
            Refusal::Crowded(Crowded::Total) => "connection_limit",
            Refusal::Crowded(Crowded::Source) => "connection_limit_source",
            Refusal::Crowded(Crowded::Opening) => "connection_limit_opening",
            Refusal::TlsHandshake => "tls_handshake",
            Refusal::WebSocketHandshake => "websocket_handshake",
            Refusal::SlowHandshake => "slow_handshake",
            Refusal::Silent => "silent_connection",
            Refusal::SlowMessage => "slow_message",
            Refusal::SlowReader => "slow_reader",
            Refusal::Dead => "dead_connection",
            Refusal::Unframed(fault) => fault.label(),
            Refusal::NotOpened => "not_connected",
        }
    }
}

/// Counters of all connections.
#[derive(Debug, Default)]
pub(super) struct StreamCounters {
    open: [AtomicU64; Protocol::ALL.len()],
    refused: Mutex<BTreeMap<&'static str, Refused>>,
}

#[derive(Debug, Default)]
struct Refused {
    count: u64,
    logged_at: Option<Instant>,
    /// Since the last line of the log.
    unsaid: u64,
}

impl StreamCounters {
    /// A connection is open until the guard is dropped.
    pub(super) fn open(&self, protocol: Protocol) -> Open<'_> {
        let count = &self.open[protocol as usize];
        count.fetch_add(1, Ordering::Relaxed);
        Open(count)
    }

    /// Connections open now, by protocol.
    pub(super) fn connections(&self) -> BTreeMap<&'static str, u64> {
        let streams = Protocol::ALL.into_iter().filter(|protocol| protocol.is_stream());
        streams
            .map(|protocol| {
                (protocol.as_str(), self.open[protocol as usize].load(Ordering::Relaxed))
            })
            .collect()
    }

    /// Counts a refusal, and says so unless the same was said just now.
    pub(super) fn refuse(&self, why: Refusal, peer: SocketAddr, detail: &str) {
        #[allow(clippy::disallowed_methods, reason = "the shell reads clocks")]
        let now = Instant::now();
        let label = why.label();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = refused.entry(label).or_default();
        entry.count += 1;
        if entry.logged_at.is_some_and(|at| now - at < LOG_GAP) {
            entry.unsaid += 1;
            return;
        }
        entry.logged_at = Some(now);
        let unsaid = std::mem::take(&mut entry.unsaid);
        drop(refused);
        tracing::warn!(reason = label, %peer, unsaid, "connection ended: {detail}");
    }

    /// How many were refused, by reason.
    pub(super) fn refused(&self) -> BTreeMap<&'static str, u64> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|(label, refused)| (*label, refused.count)).collect()
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Open<'a>(&'a AtomicU64);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
