//! A phone's transactions, as small as RFC 3261 section 17 allows over a network that loses,
//! doubles and reorders.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rsip::Method;

use crate::time::Time;

use super::message::Key;

/// RFC 3261 section 17.1.1.1.
pub(super) const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// Timers B, F, H: 64 times T1. Finished transactions are remembered as long.
pub(super) const GIVE_UP: Duration = Duration::from_secs(32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Calling,
    Proceeding,
    Completed,
}

#[derive(Debug)]
struct Client {
    branch: String,
    method: Method,
    leg: Option<u64>,
    to: SocketAddr,
    bytes: Bytes,
    ack: Option<Bytes>,
    phase: Phase,
    interval: Duration,
    next_at: Option<Time>,
    until: Option<Time>,
}

#[derive(Debug)]
struct Server {
    key: Key,
    from: SocketAddr,
    leg: Option<u64>,
    response: Option<Bytes>,
    interval: Duration,
    next_at: Option<Time>,
    until: Time,
}

/// A transaction that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expired {
    /// No final response to a request of ours.
    NoResponse { method: Method, leg: Option<u64> },
    /// No ACK for a final response of ours.
    NoAck { leg: Option<u64> },
}

/// Everything under way, both ways.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    clients: Vec<Client>,
    servers: Vec<Server>,
    pub(super) out: VecDeque<(SocketAddr, Bytes)>,
}

impl Transactions {
    /// Sends a request and keeps sending it until it is answered.
    pub(super) fn request(
        &mut self,
        now: Time,
        branch: String,
        method: Method,
        leg: Option<u64>,
        to: SocketAddr,
        bytes: Bytes,
    ) {
        self.out.push_back((to, bytes.clone()));
        self.clients.push(Client {
            branch,
            method,
            leg,
            to,
            bytes,
            ack: None,
            phase: Phase::Calling,
            interval: T1,
            next_at: Some(now + T1),
            until: Some(now + GIVE_UP),
        });
    }

    /// Takes in a response; `true` if it is news for whoever sent the request. `ack` makes the
    /// ACK of a failed INVITE.
    pub(super) fn response(
        &mut self,
        now: Time,
        key: &Key,
        status: u16,
        ack: impl FnOnce() -> Bytes,
    ) -> Option<Option<u64>> {
        let at = self
            .clients
            .iter()
            .position(|one| one.branch == key.branch && one.method == key.method)?;
        let client = self.clients.get_mut(at)?;
        if client.phase == Phase::Completed {
            if status >= 200 {
                self.out.extend(client.ack.clone().map(|ack| (client.to, ack)));
            }
            return None;
        }
        let leg = client.leg;
        match (status, &client.method) {
            (..200, Method::Invite) => {
                (client.phase, client.next_at, client.until) = (Phase::Proceeding, None, None);
            }
            (..200, _) => {
                (client.phase, client.interval) = (Phase::Proceeding, T2);
            }
            (300.., Method::Invite) => {
                let ack = ack();
                self.out.push_back((client.to, ack.clone()));
                (client.phase, client.ack) = (Phase::Completed, Some(ack));
                (client.next_at, client.until) = (None, Some(now + GIVE_UP));
            }
            _ => {
                self.clients.swap_remove(at);
            }
        }
        Some(leg)
    }

    /// An INVITE was cancelled: if no final response comes, it is over all the same
    /// (RFC 3261 section 9.1).
    pub(super) fn limit(&mut self, now: Time, branch: &str) {
        let invite = self.clients.iter_mut().find(|one| {
            one.branch == branch && one.method == Method::Invite && one.phase != Phase::Completed
        });
        if let Some(invite) = invite {
            invite.until = Some(now + GIVE_UP);
        }
    }

    /// Takes in a request; `true` if it is new, otherwise what was answered is answered again.
    pub(super) fn arrived(
        &mut self,
        now: Time,
        key: &Key,
        from: SocketAddr,
        leg: Option<u64>,
    ) -> bool {
        let known = self
            .servers
            .iter()
            .find(|one| one.key.branch == key.branch && one.key.method == key.method);
        if let Some(server) = known {
            self.out.extend(server.response.clone().map(|bytes| (server.from, bytes)));
            return false;
        }
        self.servers.push(Server {
            key: key.clone(),
            from,
            leg,
            response: None,
            interval: T1,
            next_at: None,
            // An INVITE may ring for long; it is forgotten when its final response is old.
            until: now + if key.method == Method::Invite { GIVE_UP * 100 } else { GIVE_UP },
        });
        true
    }

    /// Whether an INVITE with this branch is waiting for its final response, and whose it is.
    pub(super) fn invite_of(&self, branch: &str) -> Option<Option<u64>> {
        self.servers
            .iter()
            .find(|one| one.key.branch == branch && one.key.method == Method::Invite)
            .map(|one| one.leg)
    }

    /// Answers a request; the final answer to an INVITE is repeated until its ACK.
    pub(super) fn respond(&mut self, now: Time, key: &Key, status: u16, bytes: Bytes) {
        let server = self
            .servers
            .iter_mut()
            .find(|one| one.key.branch == key.branch && one.key.method == key.method);
        let Some(server) = server else { return };
        self.out.push_back((server.from, bytes.clone()));
        server.response = Some(bytes);
        if status >= 200 && key.method == Method::Invite {
            server.next_at = Some(now + T1);
            server.until = now + GIVE_UP;
        }
    }

    /// An ACK came: the final response need not be repeated. `true` if it was awaited.
    pub(super) fn acknowledged(&mut self, key: &Key) -> bool {
        let mut awaited = false;
        for server in &mut self.servers {
            if server.key.method == Method::Invite
                && server.key.call_id == key.call_id
                && server.key.seq == key.seq
            {
                awaited |= server.next_at.take().is_some();
            }
        }
        awaited
    }

    /// When [`Transactions::handle_timeout`] must be called next.
    pub(super) fn poll_timeout(&self) -> Option<Time> {
        let clients = self.clients.iter().flat_map(|one| [one.next_at, one.until]).flatten();
        clients
            .chain(self.servers.iter().flat_map(|one| one.next_at.into_iter().chain([one.until])))
            .min()
    }

    /// Repeats what is due and gives up on what is overdue.
    pub(super) fn handle_timeout(&mut self, now: Time) -> Vec<Expired> {
        let mut expired = Vec::new();
        let out = &mut self.out;
        self.clients.retain_mut(|one| {
            if one.until.is_some_and(|until| until <= now) {
                if one.phase != Phase::Completed {
                    let (method, leg) = (one.method, one.leg);
                    expired.push(Expired::NoResponse { method, leg });
                }
                return false;
            }
            if one.next_at.is_some_and(|at| at <= now) {
                out.push_back((one.to, one.bytes.clone()));
                one.interval = match one.method {
                    // Timer A doubles for ever; timer E up to T2.
                    Method::Invite => one.interval * 2,
                    _ => (one.interval * 2).min(T2),
                };
                one.next_at = Some(now + one.interval);
            }
            true
        });
        self.servers.retain_mut(|one| {
            if one.until <= now {
                if one.next_at.is_some() {
                    expired.push(Expired::NoAck { leg: one.leg });
                }
                return false;
            }
            if one.next_at.is_some_and(|at| at <= now) {
                out.extend(one.response.clone().map(|bytes| (one.from, bytes)));
                one.interval = (one.interval * 2).min(T2);
                one.next_at = Some(now + one.interval);
            }
            true
        });
        expired
    }

    /// How many are under way or remembered.
    pub(super) fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }
}
