//! How long the queue was at its longest.

use std::collections::BTreeSet;

use crate::event::{CallEvent, Entry, Event, Outcome};
use crate::id::CallId;
use crate::time::Time;

/// A fold over the journal: how many waited at once. A caller who is answered at the very instant of
/// the entry never stood in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueLength {
    waiting: BTreeSet<CallId>,
    last: Time,
    most: u64,
}

impl QueueLength {
    /// Takes in the next entry.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.time > self.last {
            self.measure();
            self.last = entry.time;
        }
        let Event::Call { call, event } = &entry.event else { return };
        if let CallEvent::QueueEntered { .. } = event {
            self.measure();
            self.waiting.insert(*call);
        } else if let CallEvent::QueueLeft { outcome, .. } = event {
            if *outcome != Outcome::Answered {
                self.measure();
            }
            self.waiting.remove(call);
        }
    }

    /// The most that waited at once, in all queues together.
    pub fn most(&self) -> u64 {
        self.most.max(self.waiting.len() as u64)
    }

    fn measure(&mut self) {
        self.most = self.most();
    }
}
