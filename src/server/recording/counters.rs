//! What is counted of recordings.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::RecordingFault;

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

    /// How often something failed, by reason.
    pub fn failures(&self) -> impl Iterator<Item = (RecordingFault, u64)> {
        let count = |reason: RecordingFault| self.failures.get(reason as usize);
        RecordingFault::ALL
            .into_iter()
            .map(move |reason| (reason, count(reason).map_or(0, |one| one.load(Ordering::Relaxed))))
    }
}
