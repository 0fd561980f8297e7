//! Which way messages go: from which listener, over which connection, and what is too long for a
//! datagram (RFC 3261 section 18.1.1).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::sip::dialog::{Addressing, Dialog};
use crate::sip::header::Via;
use crate::sip::transaction::table::{Outgoing, Packet, Path, TransactionId};
use crate::sip::transport::{Listener, Protocol, listener_towards};
use crate::sip::{ListenerId, Transmit};
use crate::time::Time;

use super::Endpoint;
use super::ending::Prepared;
use super::leg::User;

/// The longest request that is sent as one datagram where a connection can be had, in bytes.
const DATAGRAM_BYTES: usize = 1_300;
/// How long nobody tries again to connect to a peer that takes datagrams only, and how many of these
/// are remembered.
const DATAGRAMS_ONLY: Duration = Duration::from_secs(3_600);
const DATAGRAMS_ONLY_LIMIT: usize = 10_000;

impl Endpoint {
    pub(super) fn transmit(&mut self, outgoing: Outgoing) {
        self.counters.send(outgoing.packet.method, outgoing.packet.status);
        self.transmits.push_back(Transmit {
            listener: outgoing.path.listener,
            to: outgoing.path.to,
            host: self.peer_names.get(&outgoing.path.to).cloned(),
            bytes: outgoing.packet.bytes,
        });
    }

    /// What peers are told of a listener.
    pub(super) fn listener(&self, id: ListenerId) -> Option<&Listener> {
        self.settings.listeners.get(usize::from(id.0))
    }

    pub(super) fn is_stream(&self, id: ListenerId) -> bool {
        self.listener(id).is_some_and(|listener| listener.protocol.is_stream())
    }

    pub(super) fn is_secure(&self, id: ListenerId) -> bool {
        self.listener(id).is_some_and(|listener| listener.protocol.is_secure())
    }

    /// Something came over a connection, so it is open.
    pub(super) fn note_flow(&mut self, listener: ListenerId, peer: SocketAddr) {
        if self.is_stream(listener) {
            self.flows.insert((listener, peer));
        }
    }

    /// The way to `to` from a listener.
    pub(super) fn path(&self, listener: ListenerId, to: SocketAddr) -> Path {
        let protocol = self.listener(listener).map_or(Protocol::Udp, |listener| listener.protocol);
        Path { listener, to, transport: protocol.promise(), direct: true, otherwise: None }
    }

    /// The way to the peer of a dialog: from another listener if the next hop asks for another
    /// protocol and we speak it; over the newest connection of a phone whose last one is gone.
    pub(super) fn way_in(&self, dialog: &Dialog) -> (Path, Addressing) {
        let (listener, source) = (dialog.listener, dialog.source);
        let connected = self.flows.contains(&(listener, source));
        let addressing = dialog.addressing(connected);
        if !connected && self.is_stream(listener) && dialog.route_set.is_empty() {
            let again = self.registrar.reached_by(&dialog.remote_target);
            if let Some((listener, to)) = again.filter(|flow| self.flows.contains(flow)) {
                return (self.path(listener, to), addressing);
            }
        }
        let other = addressing.protocol.and_then(|protocol| {
            let listeners = &self.settings.listeners;
            listener_towards(listeners, protocol, addressing.to.ip(), Some(listener))
        });
        let path = self.path(other.unwrap_or(listener), addressing.to);
        (Path { direct: addressing.direct, ..path }, addressing)
    }

    /// Sends a request in a transaction of its own. One that is too long for a datagram goes over
    /// TCP if we speak it, and as a datagram all the same if the peer does not.
    pub(super) fn request(&mut self, now: Time, prepared: Prepared, user: User) -> TransactionId {
        let Prepared { branch, path, packet } = prepared;
        match self.over_tcp(now, &branch, path, &packet) {
            Some(stream) => {
                self.transactions.request_moved(now, &branch, stream, (path, packet), user)
            }
            None => self.transactions.request(now, &branch, path, packet, user),
        }
    }

    fn over_tcp(
        &self,
        now: Time,
        branch: &str,
        path: Path,
        packet: &Packet,
    ) -> Option<(Path, Packet)> {
        let datagram = !self.is_stream(path.listener);
        if !datagram || !path.direct || packet.bytes.len() <= DATAGRAM_BYTES {
            return None;
        }
        if self.datagrams_only.get(&path.to).is_some_and(|until| until > now) {
            return None;
        }
        let listeners = &self.settings.listeners;
        let tcp = listener_towards(listeners, Protocol::Tcp, path.to.ip(), None)?;
        let via = Via::ours(self.listener(tcp)?, branch).to_string();
        let bytes = with_via(&packet.bytes, &via)?;
        Some((self.path(tcp, path.to), Packet { bytes, ..packet.clone() }))
    }

    pub(super) fn note_datagrams_only(&mut self, now: Time, to: SocketAddr) {
        while self.datagrams_only.pop_due(now).is_some() {}
        if self.datagrams_only.len() < DATAGRAMS_ONLY_LIMIT {
            self.datagrams_only.set(to, now + DATAGRAMS_ONLY);
        }
    }
}

/// A request of ours with another topmost Via, which is its first header; nothing else changes
/// (section 18.1.1).
fn with_via(request: &[u8], via: &str) -> Option<Bytes> {
    const NAME: &[u8] = b"\r\nVia: ";
    let from = memchr::memmem::find(request, NAME)? + NAME.len();
    let (before, rest) = request.split_at_checked(from)?;
    let after = rest.get(memchr::memchr(b'\r', rest)?..)?;
    Some([before, via.as_bytes(), after].concat().into())
}
