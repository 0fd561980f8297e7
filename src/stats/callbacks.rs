//! Promises to ring callers back, until they are kept or have failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{CallbackEvent, CallbackFailure};
use crate::id::{Ability, AgentId, CallId, CallbackId, FlowName, QueueName};
use crate::time::UnixMicros;

use super::live::QueueCallbacks;

/// A promise that is open. Personal, so shown only to those who may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackLive {
    /// Which.
    pub callback: CallbackId,
    /// Whose advisers ring.
    pub queue: QueueName,
    /// Skills besides the queue's own.
    pub skills: Vec<Ability>,
    /// Before whom it goes.
    pub priority: i32,
    /// In which call it was taken.
    pub call: CallId,
    /// Whom to ring.
    pub number: String,
    /// The caller's name, as far as the network told it.
    pub name: Option<String>,
    /// The flow that led the caller.
    pub flow: Option<FlowName>,
    /// Since when it has its place, on the calendar.
    pub since: UnixMicros,
    /// When it was taken, on the calendar.
    pub taken_at: UnixMicros,
    /// How often the number was dialled.
    pub tries: u32,
    /// When it was missed last, on the calendar.
    pub missed_at: Option<UnixMicros>,
    /// The adviser for whom the number is dialled now.
    pub dialled_for: Option<AgentId>,
    /// What flows had noted for the adviser.
    pub facts: Vec<(String, String)>,
}

/// How promises of one queue came out, since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Totals {
    taken: u64,
    kept: u64,
    kept_late: u64,
    failed: BTreeMap<CallbackFailure, u64>,
}

/// Every promise that is open, and counts since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct CallbackBook {
    pub(super) open: BTreeMap<CallbackId, CallbackLive>,
    totals: BTreeMap<QueueName, Totals>,
}

impl CallbackBook {
    /// `facts` are those of a call.
    pub(super) fn apply(
        &mut self,
        callback: CallbackId,
        event: &CallbackEvent,
        at: UnixMicros,
        facts: impl Fn(CallId) -> Vec<(String, String)>,
    ) {
        match event {
            CallbackEvent::Taken { queue, skills, priority, call, number, name, flow, since } => {
                self.totals.entry(queue.clone()).or_default().taken += 1;
                let live = CallbackLive {
                    callback,
                    queue: queue.clone(),
                    skills: skills.clone(),
                    priority: *priority,
                    call: *call,
                    number: number.clone(),
                    name: name.clone(),
                    flow: flow.clone(),
                    since: *since,
                    taken_at: at,
                    tries: 0,
                    missed_at: None,
                    dialled_for: None,
                    facts: facts(*call),
                };
                self.open.insert(callback, live);
            }
            CallbackEvent::Dialled { nth, call: _, agent } => {
                if let Some(live) = self.open.get_mut(&callback) {
                    live.tries = *nth;
                    live.dialled_for = Some(agent.clone());
                }
            }
            CallbackEvent::Missed { miss: _ } => {
                if let Some(live) = self.open.get_mut(&callback) {
                    live.missed_at = Some(at);
                    live.dialled_for = None;
                }
            }
            CallbackEvent::Kept { agent: _, after_us: _, late } => {
                if let Some(totals) = self.close(callback) {
                    match late {
                        true => totals.kept_late += 1,
                        false => totals.kept += 1,
                    }
                }
            }
            CallbackEvent::Failed { why, by: _ } => {
                if let Some(totals) = self.close(callback) {
                    *totals.failed.entry(*why).or_default() += 1;
                }
            }
        }
    }

    fn close(&mut self, callback: CallbackId) -> Option<&mut Totals> {
        let live = self.open.remove(&callback)?;
        Some(self.totals.entry(live.queue).or_default())
    }

    /// What there is of a queue at `at`.
    pub(super) fn of(&self, queue: &QueueName, at: UnixMicros) -> QueueCallbacks {
        let open = || self.open.values().filter(|live| live.queue == *queue);
        let oldest = open().map(|live| live.taken_at.0).min();
        let totals = self.totals.get(queue).cloned().unwrap_or_default();
        QueueCallbacks {
            open: open().count() as u64,
            oldest_s: oldest.map(|taken_at| at.0.saturating_sub(taken_at).max(0) as f64 / 1e6),
            taken_total: totals.taken,
            kept_total: totals.kept,
            kept_late_total: totals.kept_late,
            failed_total: totals.failed,
        }
    }
}
