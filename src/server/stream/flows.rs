//! Which connections are open, by flow (RFC 5626): a listener and the address of the far end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sip::ListenerId;
use crate::sip::guard::Source;

use super::outbox::Outbox;

/// What names a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow {
    /// Of which listener.
    pub(super) listener: ListenerId,
    /// Its far end.
    pub(super) peer: SocketAddr,
}

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// In all.
    pub connections: usize,
    /// That one source has opened: an office behind one translator is one source.
    pub per_source: usize,
    /// That we are opening.
    pub opening: usize,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crowded {
    /// Connections in all.
    Total,
    /// Connections of this source.
    Source,
    /// Connections that we are opening.
    Opening,
}

/// Every connection.
#[derive(Debug)]
pub(super) struct Flows {
    limits: StreamLimits,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    open: BTreeMap<Flow, Entry>,
    last: u64,
    admitted: usize,
    opening: usize,
    sources: BTreeMap<Source, usize>,
    banned: BTreeSet<Source>,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    outbox: Arc<Outbox>,
}

/// Names one connection of a flow: two in a row can have the same addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Serial(u64);

impl Flows {
    pub(super) fn new(limits: StreamLimits) -> Flows {
        Flows { limits, inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outbox of an open connection.
    pub(super) fn outbox(&self, flow: Flow) -> Option<Arc<Outbox>> {
        self.inner().open.get(&flow).map(|entry| entry.outbox.clone())
    }

    /// From now on messages to a flow go into this outbox.
    pub(super) fn insert(&self, flow: Flow, outbox: Arc<Outbox>) -> Serial {
        let mut inner = self.inner();
        inner.last += 1;
        let serial = inner.last;
        inner.open.insert(flow, Entry { serial, outbox });
        Serial(serial)
    }

    /// A connection has ended. Unless another has taken its place, `told` is called before another
    /// can: whoever is told of the end never takes it for that of the next.
    pub(super) fn remove(&self, flow: Flow, serial: Serial, told: impl FnOnce()) {
        let mut inner = self.inner();
        if inner.open.get(&flow).is_some_and(|entry| entry.serial == serial.0) {
            inner.open.remove(&flow);
            told();
        }
    }

    /// From now on these sources have no connections: those that they have end.
    pub(super) fn ban(&self, banned: BTreeSet<Source>) {
        let mut inner = self.inner();
        inner.banned = banned;
        let theirs = |flow: &Flow| inner.banned.contains(&Source::of(flow.peer.ip()));
        for (_, entry) in inner.open.iter().filter(|(flow, _)| theirs(flow)) {
            entry.outbox.close();
        }
    }

    pub(super) fn is_banned(&self, source: Source) -> bool {
        self.inner().banned.contains(&source)
    }

    /// How many connections are open.
    pub(super) fn len(&self) -> usize {
        self.inner().open.len()
    }

    /// Room for a connection that a peer opens.
    pub(super) fn admit(self: &Arc<Self>, source: Source) -> Result<Admitted, Crowded> {
        let mut inner = self.inner();
        if inner.admitted >= self.limits.connections {
            return Err(Crowded::Total);
        }
        let count = inner.sources.entry(source).or_default();
        if *count >= self.limits.per_source {
            return Err(Crowded::Source);
        }
        *count += 1;
        inner.admitted += 1;
        Ok(Admitted { flows: self.clone(), room: Room::Accepted(source) })
    }

    /// Room for a connection that we open.
    pub(super) fn admit_opening(self: &Arc<Self>) -> Result<Admitted, Crowded> {
        let mut inner = self.inner();
        if inner.admitted >= self.limits.connections {
            return Err(Crowded::Total);
        }
        if inner.opening >= self.limits.opening {
            return Err(Crowded::Opening);
        }
        inner.opening += 1;
        inner.admitted += 1;
        Ok(Admitted { flows: self.clone(), room: Room::Opening })
    }
}

/// A connection's room, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    flows: Arc<Flows>,
    room: Room,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Accepted(Source),
    Opening,
    Opened,
}

impl Admitted {
    /// A connection that we were opening is open.
    pub(super) fn opened(&mut self) {
        if std::mem::replace(&mut self.room, Room::Opened) == Room::Opening {
            self.flows.inner().opening -= 1;
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut inner = self.flows.inner();
        inner.admitted -= 1;
        match self.room {
            Room::Opened => {}
            Room::Opening => inner.opening -= 1,
            Room::Accepted(source) => {
                if let Some(count) = inner.sources.get_mut(&source) {
                    *count -= 1;
                    if *count == 0 {
                        inner.sources.remove(&source);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16) -> Flow {
        Flow { listener: ListenerId(1), peer: ([192, 0, 2, 7], port).into() }
    }

    #[test]
    fn the_end_of_a_connection_is_not_taken_for_that_of_its_successor() {
        let flows = Flows::new(StreamLimits { connections: 9, per_source: 9, opening: 9 });
        let first = flows.insert(flow(1), Arc::default());
        let second = flows.insert(flow(1), Arc::default());
        let mut told = Vec::new();
        flows.remove(flow(1), first, || told.push(1));
        assert!(flows.outbox(flow(1)).is_some());
        flows.remove(flow(1), second, || told.push(2));
        assert_eq!((told, flows.len()), (vec![2], 0));
    }

    #[test]
    fn room_is_counted_by_source_and_in_all_and_comes_back() {
        let limits = StreamLimits { connections: 4, per_source: 2, opening: 1 };
        let flows = Arc::new(Flows::new(limits));
        let source = |last| Source::of([192, 0, 2, last].into());
        let held = [flows.admit(source(1)), flows.admit(source(1))];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(flows.admit(source(1)).err(), Some(Crowded::Source));
        let mut ours = flows.admit_opening().expect("room");
        assert_eq!(flows.admit_opening().err(), Some(Crowded::Opening));
        ours.opened();
        let again = flows.admit_opening().expect("room");
        assert_eq!(flows.admit(source(2)).err(), Some(Crowded::Total));
        assert_eq!(flows.admit_opening().err(), Some(Crowded::Total));
        drop((held, ours, again));
        let inner = flows.inner();
        assert_eq!((inner.admitted, inner.opening, inner.sources.len()), (0, 0, 0));
    }
}
