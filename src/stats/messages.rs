//! Messages that callers left, from the first word until their business is done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{CallEvent, Caller, MessageEvent, RecordingEvent};
use crate::id::{CallId, QueueName, RecordingId};
use crate::time::UnixMicros;

use super::live::QueueMessages;

/// A message that is open. Personal, so shown only to those who may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageLive {
    /// Which.
    pub message: RecordingId,
    /// For whom.
    pub queue: QueueName,
    /// In which call it was left.
    pub call: CallId,
    /// By whom.
    pub caller: Caller,
    /// When, on the calendar.
    pub left_at: UnixMicros,
    /// How long it is, in microseconds.
    pub length_us: u64,
    /// Who works on it.
    pub taken_by: Option<String>,
    /// Whether it has been open for longer than the queue's settings allow.
    pub overdue: bool,
    /// Where its recording is kept, once it is (`switchboard recordings`).
    #[serde(default)]
    pub kept_at: Option<String>,
}

/// A message that was begun, and of which it is not known whether it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSpoken {
    /// Which.
    pub message: RecordingId,
    /// In which call.
    pub call: CallId,
    /// For whom.
    pub queue: QueueName,
    /// By whom.
    pub caller: Caller,
    /// When it was begun, on the calendar.
    pub at: UnixMicros,
    /// How long it is, in microseconds; none if it never came to its end.
    pub length_us: Option<u64>,
    /// Where its recording is kept, if that is known already: what a run that died had begun is found
    /// there first.
    #[serde(default)]
    pub kept_at: Option<String>,
}

/// Every message that is open or was begun, and counts since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct MessageBook {
    pub(super) open: BTreeMap<RecordingId, MessageLive>,
    pub(super) spoken: BTreeMap<RecordingId, MessageSpoken>,
    /// Messages by queue: left, and lost.
    pub(super) totals: BTreeMap<QueueName, (u64, u64)>,
}

impl MessageBook {
    pub(super) fn apply_call(&mut self, call: CallId, event: &CallEvent, at: UnixMicros) {
        if let CallEvent::MessageBegan { message, queue, caller } = event {
            let (queue, caller) = (queue.clone(), caller.clone());
            let (message, length_us, kept_at) = (*message, None, None);
            let spoken = MessageSpoken { message, call, queue, caller, at, length_us, kept_at };
            self.spoken.insert(message, spoken);
        } else if let CallEvent::MessageSpoken { message, length_us } = event {
            match self.spoken.get_mut(message).filter(|_| length_us.is_some()) {
                Some(spoken) => spoken.length_us = *length_us,
                None => drop(self.spoken.remove(message)),
            }
        } else if let CallEvent::Recording { recording, what } = event
            && let RecordingEvent::Stored { place, .. } = what
        {
            self.change(*recording, |live| live.kept_at = Some(place.clone()));
            if let Some(spoken) = self.spoken.get_mut(recording) {
                spoken.kept_at = Some(place.clone());
            }
        }
    }

    pub(super) fn apply(&mut self, message: RecordingId, event: &MessageEvent, at: UnixMicros) {
        match event {
            MessageEvent::Left { queue, call, caller, length_us } => {
                let spoken = self.spoken.remove(&message);
                self.totals.entry(queue.clone()).or_default().0 += 1;
                let live = MessageLive {
                    message,
                    queue: queue.clone(),
                    call: *call,
                    caller: caller.clone(),
                    left_at: spoken.as_ref().map_or(at, |spoken| spoken.at),
                    length_us: *length_us,
                    taken_by: None,
                    overdue: false,
                    kept_at: spoken.and_then(|spoken| spoken.kept_at),
                };
                self.open.insert(message, live);
            }
            MessageEvent::Lost { queue, .. } => {
                self.spoken.remove(&message);
                self.totals.entry(queue.clone()).or_default().1 += 1;
            }
            MessageEvent::Taken { by } => self.change(message, |live| {
                live.taken_by = Some(by.clone());
            }),
            MessageEvent::Released { by: _ } => self.change(message, |live| live.taken_by = None),
            MessageEvent::Overdue { age_us: _ } => self.change(message, |live| live.overdue = true),
            MessageEvent::Heard { by: _ } => {}
            MessageEvent::Done { by: _ } => {
                self.open.remove(&message);
            }
        }
    }

    /// What there is of a queue at `at`.
    pub(super) fn of(&self, queue: &QueueName, at: UnixMicros) -> QueueMessages {
        let open = || self.open.values().filter(|live| live.queue == *queue);
        let oldest = open().map(|live| live.left_at.0).min();
        let (left_total, lost_total) = self.totals.get(queue).copied().unwrap_or_default();
        QueueMessages {
            open: open().count() as u64,
            overdue: open().filter(|live| live.overdue).count() as u64,
            oldest_s: oldest.map(|left_at| at.0.saturating_sub(left_at).max(0) as f64 / 1e6),
            left_total,
            lost_total,
        }
    }

    fn change(&mut self, message: RecordingId, change: impl FnOnce(&mut MessageLive)) {
        if let Some(live) = self.open.get_mut(&message) {
            change(live);
        }
    }
}
