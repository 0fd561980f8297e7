//! Matches messages to transactions (RFC 3261 sections 17.1.3 and 17.2.3), keeps what must be sent
//! again, and runs the timers.
//!
//! The table knows no headers: whoever uses it builds keys and bytes. `U` is what the user wants to
//! be reminded of when a transaction has news.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::sip::ListenerId;
use crate::time::{Deadlines, Time};

use super::machine::{Action, Input, Machine};
use super::timers::{Timer, Transport};

pub use super::key::{ClientKey, Keys, MergeKey, ServerKey};

#[cfg(test)]
mod tests;

/// Names a transaction in this process; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(u64);

/// Which way a transaction's messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// From which listener.
    pub listener: ListenerId,
    /// Where to.
    pub to: SocketAddr,
    /// What the transport promises.
    pub transport: Transport,
    /// Whether the peer listens at `to`, and does not only send from there.
    pub direct: bool,
    /// Where responses go once the connection to `to` is closed (RFC 3261 section 18.2.2).
    pub otherwise: Option<SocketAddr>,
}

impl Path {
    /// The connection that messages go over; none for datagrams.
    fn flow(&self) -> Option<(ListenerId, SocketAddr)> {
        (self.transport == Transport::Reliable).then_some((self.listener, self.to))
    }
}

/// A message ready to be sent, with what it is counted as.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// Its method, or for a response the method of its CSeq.
    pub method: &'static str,
    /// Its status; 0 for a request.
    pub status: u16,
    /// Its bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for Packet {
    /// Without its bytes: headers may carry credentials, bodies keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({} {}, {} bytes)", self.method, self.status, self.bytes.len())
    }
}

/// A message to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Which way.
    pub path: Path,
    /// What.
    pub packet: Packet,
}

/// What a transaction tells its user, apart from responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News<U> {
    /// No final response came (timers B and F): to be treated as 408 (section 8.1.3.1).
    TimedOut {
        /// Which transaction.
        id: TransactionId,
        /// Whose transaction.
        user: U,
    },
    /// The transport could not send: to be treated as 503 (section 8.1.3.1).
    TransportFailed {
        /// Which transaction.
        id: TransactionId,
        /// Whose transaction.
        user: U,
    },
    /// A request that was sent over a connection goes as datagrams: no connection can be had.
    FellBack {
        /// Where to.
        to: SocketAddr,
    },
    /// The transaction is over and forgotten.
    Over {
        /// Which.
        id: TransactionId,
        /// Whose.
        user: U,
    },
}

/// What became of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched<U> {
    /// No transaction wants it.
    Stray,
    /// A repetition.
    Absorbed,
    /// For the user.
    Deliver {
        /// Which transaction.
        id: TransactionId,
        /// Whose.
        user: U,
    },
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Client(ClientKey),
    Server(ServerKey),
}

#[derive(Debug)]
struct Transaction<U> {
    key: Key,
    machine: Machine,
    path: Path,
    user: U,
    /// The request of a client transaction; the newest response of a server transaction.
    packet: Option<Packet>,
    /// The ACK of a failed INVITE that we sent.
    ack: Option<Packet>,
    moved: Moved,
}

/// Whether a request goes over a connection for its length alone.
#[derive(Debug)]
enum Moved {
    No,
    /// It does. Nothing has come back yet: what is to be sent as datagrams if nothing can.
    Tried(Box<(Path, Packet)>),
    /// It does, and was answered. Otherwise it would have gone from here.
    Answered(ListenerId),
}

/// Every transaction of an endpoint.
#[derive(Debug)]
pub struct Table<U> {
    keys: Keys,
    last_id: u64,
    transactions: BTreeMap<TransactionId, Box<Transaction<U>>>,
    by_client_key: BTreeMap<ClientKey, TransactionId>,
    by_server_key: BTreeMap<ServerKey, TransactionId>,
    /// What goes over each connection.
    by_flow: BTreeSet<(ListenerId, SocketAddr, TransactionId)>,
    deadlines: Deadlines<(TransactionId, Timer)>,
    outgoing: VecDeque<Outgoing>,
    news: VecDeque<News<U>>,
}

impl<U: Clone> Table<U> {
    /// An empty table, whose keys are made with `secret`.
    pub fn new(secret: [u8; 32]) -> Self {
        Table {
            keys: Keys::new(secret),
            last_id: 0,
            transactions: BTreeMap::new(),
            by_client_key: BTreeMap::new(),
            by_server_key: BTreeMap::new(),
            by_flow: BTreeSet::new(),
            deadlines: Deadlines::new(),
            outgoing: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    /// What makes the keys of this table.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How many transactions exist.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Sends a request in a transaction of its own.
    pub fn request(
        &mut self,
        now: Time,
        branch: &str,
        path: Path,
        request: Packet,
        user: U,
    ) -> TransactionId {
        let mut actions = Vec::new();
        let key = self.keys.client(branch, request.method);
        let machine = Machine::client(request.method == "INVITE", path.transport, &mut actions);
        let id = self.add(Key::Client(key), path, machine, user, Some(request));
        self.by_client_key.insert(key, id);
        self.carry_out(now, id, actions);
        id
    }

    /// Sends a request over a connection for its length alone (section 18.1.1): if none can be had,
    /// `datagram` is sent instead, in the same transaction.
    pub fn request_moved(
        &mut self,
        now: Time,
        branch: &str,
        stream: (Path, Packet),
        datagram: (Path, Packet),
        user: U,
    ) -> TransactionId {
        let id = self.request(now, branch, stream.0, stream.1, user);
        if let Some(transaction) = self.transactions.get_mut(&id) {
            transaction.moved = Moved::Tried(Box::new(datagram));
        }
        id
    }

    /// Where a request would have gone from that goes over a connection for its length alone.
    pub fn moved_from(&self, id: TransactionId) -> Option<ListenerId> {
        match &self.transactions.get(&id)?.moved {
            Moved::No => None,
            Moved::Tried(datagram) => Some(datagram.0.listener),
            Moved::Answered(listener) => Some(*listener),
        }
    }

    /// Opens the transaction of a request that [`Table::repeated`] did not know.
    pub fn receive(&mut self, key: ServerKey, path: Path, invite: bool, user: U) -> TransactionId {
        let machine = Machine::server(invite, path.transport);
        let id = self.add(Key::Server(key), path, machine, user, None);
        self.by_server_key.insert(key, id);
        id
    }

    /// The transaction of a request that came before; the repetition is dealt with.
    pub fn repeated(&mut self, now: Time, key: ServerKey) -> Option<TransactionId> {
        let id = *self.by_server_key.get(&key)?;
        self.drive(now, id, Input::Repeated);
        Some(id)
    }

    /// Whether an ACK belongs to a failed INVITE's transaction, which then takes it.
    pub fn acknowledged(&mut self, now: Time, key: ServerKey) -> bool {
        let Some(id) = self.by_server_key.get(&key).copied() else { return false };
        if self.transactions.get(&id).is_none_or(|transaction| transaction.machine.is_accepted()) {
            return false;
        }
        self.drive(now, id, Input::Acknowledged);
        true
    }

    /// The server transaction with this key and its user.
    pub fn find(&self, key: ServerKey) -> Option<(TransactionId, &U)> {
        let id = *self.by_server_key.get(&key)?;
        self.transactions.get(&id).map(|transaction| (id, &transaction.user))
    }

    /// The request of a client transaction, and which way it went.
    pub fn request_of(&self, id: TransactionId) -> Option<(&Path, &Packet)> {
        let transaction = self.transactions.get(&id)?;
        let client = matches!(transaction.key, Key::Client(_));
        let packet = transaction.packet.as_ref().filter(|_| client)?;
        Some((&transaction.path, packet))
    }

    /// Whether a transaction still exists.
    pub fn contains(&self, id: TransactionId) -> bool {
        self.transactions.contains_key(&id)
    }

    /// Sends a response in a server transaction. Nothing happens where the figure has no arrow.
    pub fn respond(&mut self, now: Time, id: TransactionId, response: Packet) {
        let status = response.status;
        let Some(transaction) = self.transactions.get_mut(&id) else { return };
        if transaction.machine.takes_response(status) {
            transaction.packet = Some(response);
            self.drive(now, id, Input::Respond(status));
        }
        if let Some(transaction) = self.transactions.get_mut(&id)
            && transaction.machine.is_accepted()
        {
            // A 2xx is its user's to send again, until the ACK (RFC 6026 section 7.1).
            transaction.packet = None;
        }
    }

    /// Whether a response was sent in a server transaction.
    pub fn has_responded(&self, id: TransactionId) -> bool {
        self.transactions.get(&id).is_some_and(|transaction| {
            transaction.packet.is_some() || transaction.machine.is_accepted()
        })
    }

    /// Whoever sent the INVITE may not be there: its failure is sent once, and again only when the
    /// INVITE comes again.
    pub fn hush(&mut self, id: TransactionId) {
        if let Some(transaction) = self.transactions.get_mut(&id) {
            transaction.machine.hush();
        }
    }

    /// Forgets a server transaction in which nothing was sent: the request is as if it had never
    /// had one (section 8.2.7).
    pub fn withdraw(&mut self, id: TransactionId) {
        if !self.has_responded(id) {
            self.forget(id);
        }
    }

    /// Takes in a response. `ack` builds the ACK should the response be the first failure of an
    /// INVITE (section 17.1.1.3).
    pub fn response(
        &mut self,
        now: Time,
        key: ClientKey,
        status: u16,
        ack: impl FnOnce(&Packet) -> Packet,
    ) -> Matched<U> {
        let Some(id) = self.by_client_key.get(&key).copied() else { return Matched::Stray };
        let Some(transaction) = self.transactions.get_mut(&id) else { return Matched::Stray };
        let user = transaction.user.clone();
        if let Moved::Tried(datagram) = &transaction.moved {
            transaction.moved = Moved::Answered(datagram.0.listener);
        }
        if let (300.., Machine::InviteClient(_), None, Some(invite)) =
            (status, &transaction.machine, &transaction.ack, &transaction.packet)
        {
            transaction.ack = Some(ack(invite));
        }
        let delivered = self.drive(now, id, Input::Response(status));
        if delivered { Matched::Deliver { id, user } } else { Matched::Absorbed }
    }

    /// Ends an INVITE that nobody waits for any more (section 9.1: no final response within 64*T1
    /// of the CANCEL).
    pub fn abandon(&mut self, now: Time, id: TransactionId) {
        self.drive(now, id, Input::Abandon);
    }

    /// The connection to `peer` is closed, or could not be opened: requests that went over it have
    /// failed, responses go another way if there is one.
    pub fn closed(&mut self, now: Time, listener: ListenerId, peer: SocketAddr) {
        let (first, last) = (TransactionId(0), TransactionId(u64::MAX));
        let over: Vec<TransactionId> = self
            .by_flow
            .range((listener, peer, first)..=(listener, peer, last))
            .map(|(_, _, id)| *id)
            .collect();
        for id in over {
            self.by_flow.remove(&(listener, peer, id));
            let Some(transaction) = self.transactions.get_mut(&id) else { continue };
            if let Some(otherwise) = transaction.path.otherwise.take() {
                transaction.path.to = otherwise;
                self.by_flow.insert((listener, otherwise, id));
            }
            match std::mem::replace(&mut transaction.moved, Moved::No) {
                Moved::Tried(datagram) => self.fall_back(now, id, *datagram),
                Moved::No | Moved::Answered(_) => {
                    self.drive(now, id, Input::Closed);
                }
            }
        }
    }

    /// The request begins anew as datagrams.
    fn fall_back(&mut self, now: Time, id: TransactionId, (path, packet): (Path, Packet)) {
        let Some(transaction) = self.transactions.get_mut(&id) else { return };
        let mut actions = Vec::new();
        self.deadlines.cancel_all((id, Timer::A)..=(id, Timer::M));
        transaction.machine =
            Machine::client(packet.method == "INVITE", path.transport, &mut actions);
        transaction.path = path;
        transaction.packet = Some(packet);
        self.news.push_back(News::FellBack { to: path.to });
        self.carry_out(now, id, actions);
    }

    /// When [`Table::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((_, (id, timer))) = self.deadlines.pop_due(now) {
            self.drive(now, id, Input::Fired(timer));
        }
    }

    /// The next message to send.
    pub fn poll_outgoing(&mut self) -> Option<Outgoing> {
        self.outgoing.pop_front()
    }

    /// The next news.
    pub fn poll_news(&mut self) -> Option<News<U>> {
        self.news.pop_front()
    }

    fn add(
        &mut self,
        key: Key,
        path: Path,
        machine: Machine,
        user: U,
        packet: Option<Packet>,
    ) -> TransactionId {
        self.last_id += 1;
        let id = TransactionId(self.last_id);
        if let Some((listener, peer)) = path.flow() {
            self.by_flow.insert((listener, peer, id));
        }
        let (ack, moved) = (None, Moved::No);
        let transaction = Transaction { key, machine, path, user, packet, ack, moved };
        self.transactions.insert(id, Box::new(transaction));
        id
    }

    /// Lets a machine take an input and carries out what it asks for; whether a message is for the
    /// user.
    fn drive(&mut self, now: Time, id: TransactionId, input: Input) -> bool {
        let Some(transaction) = self.transactions.get_mut(&id) else { return false };
        let mut actions = Vec::new();
        transaction.machine.on(input, &mut actions);
        self.carry_out(now, id, actions)
    }

    fn carry_out(&mut self, now: Time, id: TransactionId, actions: Vec<Action>) -> bool {
        let Some(transaction) = self.transactions.get(&id) else { return false };
        let mut deliver = false;
        for action in actions {
            match action {
                Action::Send => self.outgoing.extend(
                    transaction
                        .packet
                        .iter()
                        .map(|packet| Outgoing { path: transaction.path, packet: packet.clone() }),
                ),
                Action::SendAck => self.outgoing.extend(
                    transaction
                        .ack
                        .iter()
                        .map(|packet| Outgoing { path: transaction.path, packet: packet.clone() }),
                ),
                Action::Deliver => deliver = true,
                Action::TimedOut => {
                    self.news.push_back(News::TimedOut { id, user: transaction.user.clone() });
                }
                Action::TransportFailed => {
                    self.news
                        .push_back(News::TransportFailed { id, user: transaction.user.clone() });
                }
                Action::Start(timer, after) => self.deadlines.set((id, timer), now + after),
                Action::Stop(timer) => {
                    self.deadlines.cancel(&(id, timer));
                }
            }
        }
        if transaction.machine.is_over() {
            self.forget(id);
        }
        deliver
    }

    fn forget(&mut self, id: TransactionId) {
        let Some(transaction) = self.transactions.remove(&id) else { return };
        self.deadlines.cancel_all((id, Timer::A)..=(id, Timer::M));
        if let Some((listener, peer)) = transaction.path.flow() {
            self.by_flow.remove(&(listener, peer, id));
        }
        match transaction.key {
            Key::Client(key) => self.by_client_key.remove(&key),
            Key::Server(key) => self.by_server_key.remove(&key),
        };
        self.news.push_back(News::Over { id, user: transaction.user });
    }
}
