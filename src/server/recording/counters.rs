//! What is counted of recordings.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::RecordingFault;
use crate::stats::metrics::RecordingWire;

/// Figures that any thread may read.
#[derive(Debug, Default)]
pub struct Counters {
    /// Recordings under way.
    pub active: AtomicU64,
    /// Packets that found no room in a ring.
    pub lost: AtomicU64,
    /// Recordings that are where they are kept.
    pub stored: AtomicU64,
    /// Recordings that are over and not yet there.
    pub waiting: AtomicU64,
    /// Recordings deleted because their time was over.
    pub deleted: AtomicU64,
    failures: [AtomicU64; RecordingFault::ALL.len()],
}

impl Counters {
    /// Something failed.
    pub fn failed(&self, reason: RecordingFault) {
        if let Some(count) = self.failures.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All of it, for the page of metrics.
    pub fn wire(&self) -> RecordingWire {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        RecordingWire {
            active: read(&self.active),
            waiting: read(&self.waiting),
            frames_lost: read(&self.lost),
            stored: read(&self.stored),
            deleted: read(&self.deleted),
            failures: self.failures().map(|(reason, count)| (reason.as_str(), count)).collect(),
        }
    }

    /// How often something failed, by reason.
    pub fn failures(&self) -> impl Iterator<Item = (RecordingFault, u64)> {
        let count = |reason: RecordingFault| self.failures.get(reason as usize);
        RecordingFault::ALL
            .into_iter()
            .map(move |reason| (reason, count(reason).map_or(0, |one| one.load(Ordering::Relaxed))))
    }
}
