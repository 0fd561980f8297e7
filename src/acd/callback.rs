//! Promises to ring somebody back who does not want to wait on the line.
//!
//! A promise keeps the caller's place in time: it waits in the queue as a ticket of its own. When its turn
//! has come an adviser is reserved and rung first; only when they hold the line is the number dialled, and
//! only when the journal knows that it is. So nobody answers to silence, and no promise is dialled twice at
//! once, whatever dies meanwhile. Whom it does not reach it tries again, so often and no later than the
//! queue's settings and hours allow.
//!
//! ```text
//! Resting --its time--> Waiting --adviser holds the line--> Reserved --recorded--> Dialling --> kept
//!    ^                                                          |                     |
//!    +------------------------- not reached --------------------+---------------------+----> failed
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::command::Priority;
use crate::event::{CallbackEvent, CallbackFailure, Miss};
use crate::id::{Ability, AgentId, CallId, CallbackId, FlowName, QueueName};
use crate::time::{Deadlines, Time, UnixMicros, WallClock};

use super::{AcdPlan, seconds};

/// What the settings file says of a queue's promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackSettings {
    /// How many may be open; callers are promised no more then.
    pub most: usize,
    /// How long somebody is rung, in seconds; 15 at least.
    pub ring_s: u32,
    /// How often it is tried again.
    pub retries: u32,
    /// After how long it is tried again, in seconds.
    pub retry_after_s: u32,
    /// A promise that is kept after more than this is kept late, in seconds.
    pub late_after_s: u32,
    /// How many may be promised for times within the same half hour.
    pub each_half_hour: usize,
}

/// The least that somebody must be rung, in seconds: whoever rings people and gives up sooner makes
/// nuisance calls in the eyes of the regulator.
pub const LEAST_RING_S: u32 = 15;

/// How far ahead a time can be appointed.
const FURTHEST: Duration = Duration::from_secs(14 * 24 * 3_600);
/// Appointments within the same of these share a limit, in microseconds.
const HALF_HOUR_US: i64 = 1_800_000_000;

impl Default for CallbackSettings {
    fn default() -> Self {
        CallbackSettings {
            most: 100,
            ring_s: 30,
            retries: 2,
            retry_after_s: 600,
            late_after_s: 3_600,
            each_half_hour: 10,
        }
    }
}

impl CallbackSettings {
    /// How long somebody is rung.
    pub fn ring_for(&self) -> Duration {
        seconds(self.ring_s.max(LEAST_RING_S))
    }
}

/// What was promised to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Whose advisers ring.
    pub queue: QueueName,
    /// Skills besides the queue's own.
    pub skills: Vec<Ability>,
    /// Before whom it goes.
    pub priority: Priority,
    /// In which call it was taken.
    pub call: CallId,
    /// Whom to ring.
    pub number: String,
    /// The caller's name, as far as the network told it.
    pub name: Option<String>,
    /// The flow that led the caller.
    pub flow: Option<FlowName>,
    /// Since when it has its place, on the calendar; for an appointed time that time, which is to come.
    pub since: UnixMicros,
    /// The same on the clock of this run: what was before it keeps its order.
    pub place: Time,
    /// When it was taken, on the calendar.
    pub taken_at: UnixMicros,
    /// How often the number was dialled.
    pub tries: u32,
    /// When it was missed last, on the calendar.
    pub missed_at: Option<UnixMicros>,
}

impl Promise {
    /// From when on the caller expects to be rung: when it was taken, or the appointed time.
    fn expected_from(&self) -> UnixMicros {
        self.taken_at.max(self.since)
    }
}

/// Why nothing can be promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// It is promised already to this number for this queue.
    #[error("a call back to this number is promised already")]
    Known,
    /// As many are open as may be.
    #[error("as many calls back are promised as may be")]
    Full,
    /// The queue is closed, or will be at that time, or is not there; or the time is gone or too far ahead.
    #[error("the queue is closed")]
    Closed,
}

/// Why a promise cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum CallbackError {
    /// It is not open.
    #[error("no such call back is open")]
    Unknown,
    /// It is being kept.
    #[error("the call back is being made")]
    UnderWay,
}

/// Something that promises must take into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackInput {
    /// A caller takes what [`Callbacks::may_take`] lets them.
    Take(CallbackId, Promise),
    /// An earlier run left it open.
    Restore(CallbackId, Promise),
    /// Its ticket waits in the queue as this call: the answer to [`CallbackEffect::Enqueue`].
    Placed(CallbackId, CallId),
    /// The queue has found an adviser for this call, who holds the line.
    AdviserThere(CallId, AgentId),
    /// Whom it was promised to talks with this adviser.
    Joined(CallId, AgentId),
    /// The call is over, or nobody was reached in it.
    Over(CallId, Miss),
    /// Settings or the calendar have changed.
    Changed,
    /// Something is due.
    Timer,
}

/// What promises want done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackEffect {
    /// Into the journal.
    Record(CallbackId, CallbackEvent),
    /// Give it a ticket, with its place since then. Answered by [`CallbackInput::Placed`].
    Enqueue(CallbackId),
    /// Take the ticket of this call back, and whatever is done for it.
    Dequeue(CallId),
    /// Dial the number in this call, once the journal has committed what was recorded before.
    Dial(CallId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Not in the queue.
    Resting,
    /// In the queue, or offered to an adviser.
    Waiting(CallId),
    /// An adviser holds the line, and the number is dialled.
    Dialling(CallId),
}

#[derive(Debug)]
struct Open {
    promise: Promise,
    /// Since when it is known to this run, or expected to be kept, and how long that had been so then.
    known: (Time, Duration),
    stage: Stage,
    /// The queue has closed since it was taken.
    closed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The queue closes.
    Closing,
    /// It is tried again.
    Again,
}

/// Every promise that is open. Changed only by [`Callbacks::apply`] and [`Callbacks::cancel`].
#[derive(Debug, Default)]
pub struct Callbacks {
    open: BTreeMap<CallbackId, Open>,
    by_number: BTreeMap<(QueueName, String), CallbackId>,
    by_call: BTreeMap<CallId, CallbackId>,
    due: Deadlines<(CallbackId, Due)>,
    /// The process will end: the next one keeps what is open.
    resting: bool,
}

/// One input being applied.
struct Step<'a> {
    at: Time,
    wall: &'a WallClock,
    plan: &'a AcdPlan,
    effects: Vec<CallbackEffect>,
}

impl Callbacks {
    /// Whether a caller can be promised to be rung back; `number` if it is known where, and `time` if it is
    /// to be at a time that is appointed.
    pub fn may_take(
        &self,
        (at, wall): (Time, &WallClock),
        plan: &AcdPlan,
        queue: &QueueName,
        number: Option<&str>,
        time: Option<UnixMicros>,
    ) -> Result<(), Refusal> {
        let settings = plan.queues.get(queue).ok_or(Refusal::Closed)?;
        let known = |number: &str| self.by_number.contains_key(&(queue.clone(), number.to_owned()));
        if number.is_some_and(known) {
            return Err(Refusal::Known);
        }
        let now = wall.at(at);
        let latest = now.0.saturating_add(i64::try_from(FURTHEST.as_micros()).unwrap_or(i64::MAX));
        if time.is_some_and(|time| time < now || time.0 > latest)
            || !plan.is_open(queue, time.unwrap_or(now))
        {
            return Err(Refusal::Closed);
        }
        let open = || self.open.values().filter(|open| open.promise.queue == *queue);
        let half_hour = |time: UnixMicros| time.0.div_euclid(HALF_HOUR_US);
        let beside = |time: UnixMicros| {
            let same = |open: &&Open| {
                let since = open.promise.since;
                since > now && half_hour(since) == half_hour(time)
            };
            open().filter(same).count()
        };
        let full = open().count() >= settings.callback.most
            || time.is_some_and(|time| beside(time) >= settings.callback.each_half_hour);
        if full { Err(Refusal::Full) } else { Ok(()) }
    }

    /// One that is open.
    pub fn get(&self, id: CallbackId) -> Option<&Promise> {
        self.open.get(&id).map(|open| &open.promise)
    }

    /// The promise that a call keeps, or whose ticket it is.
    pub fn of_call(&self, call: CallId) -> Option<(CallbackId, &Promise)> {
        let id = self.by_call.get(&call)?;
        Some((*id, self.get(*id)?))
    }

    /// When [`CallbackInput::Timer`] must be applied next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.due.next()
    }

    /// The only way to change anything but to take a promise back.
    pub fn apply(
        &mut self,
        at: Time,
        wall: &WallClock,
        plan: &AcdPlan,
        input: CallbackInput,
    ) -> Vec<CallbackEffect> {
        let mut step = Step { at, wall, plan, effects: Vec::new() };
        match input {
            CallbackInput::Take(id, promise) => self.take(&mut step, id, promise),
            CallbackInput::Restore(id, promise) => self.restore(&mut step, id, promise),
            CallbackInput::Placed(id, call) => self.placed(id, call),
            CallbackInput::AdviserThere(call, agent) => self.adviser_there(&mut step, call, agent),
            CallbackInput::Joined(call, agent) => self.joined(&mut step, call, agent),
            CallbackInput::Over(call, miss) => self.over(&mut step, call, miss),
            CallbackInput::Changed => self.changed(&mut step),
            CallbackInput::Timer => self.timer(&mut step),
        }
        if self.resting {
            step.effects.retain(|effect| !matches!(effect, CallbackEffect::Enqueue(_)));
        }
        step.effects
    }

    /// The process takes no new calls: no promise is begun to be kept from now on. Hands out the calls of those
    /// for whom no adviser holds the line yet.
    pub fn rest(&mut self) -> Vec<CallId> {
        self.resting = true;
        let mut calls = Vec::new();
        for open in self.open.values_mut() {
            if let Stage::Waiting(call) = open.stage {
                open.stage = Stage::Resting;
                self.by_call.remove(&call);
                calls.push(call);
            }
        }
        calls
    }

    /// Somebody takes a promise back, unless it is being kept.
    pub fn cancel(
        &mut self,
        id: CallbackId,
        by: String,
    ) -> Result<Vec<CallbackEffect>, CallbackError> {
        match self.open.get(&id).map(|open| &open.stage) {
            None => Err(CallbackError::Unknown),
            Some(Stage::Dialling(_)) => Err(CallbackError::UnderWay),
            Some(Stage::Resting | Stage::Waiting(_)) => {
                let mut effects = Vec::new();
                self.fail(&mut effects, id, CallbackFailure::Cancelled, Some(by));
                Ok(effects)
            }
        }
    }

    fn take(&mut self, step: &mut Step<'_>, id: CallbackId, promise: Promise) {
        let Promise { queue, skills, priority, call, number, name, flow, since, .. } =
            promise.clone();
        let time = (since > step.wall.at(step.at)).then_some(since);
        let may = self.may_take((step.at, step.wall), step.plan, &queue, Some(&number), time);
        if may.is_err() || self.open.contains_key(&id) {
            return;
        }
        let priority = priority.0;
        let taken =
            CallbackEvent::Taken { queue, skills, priority, call, number, name, flow, since };
        step.effects.push(CallbackEffect::Record(id, taken));
        self.insert(step, id, promise);
        self.enqueue(step, id);
    }

    /// Puts a promise into the queue: now, or at the time that was appointed.
    fn enqueue(&mut self, step: &mut Step<'_>, id: CallbackId) {
        let since = self.open.get(&id).map(|open| open.promise.since);
        match since.filter(|since| *since > step.wall.at(step.at)) {
            Some(since) => {
                let soonest = step.at + Duration::from_millis(1);
                self.due.set((id, Due::Again), step.wall.when(since).max(soonest));
            }
            None => step.effects.push(CallbackEffect::Enqueue(id)),
        }
    }

    fn restore(&mut self, step: &mut Step<'_>, id: CallbackId, promise: Promise) {
        let (queue, tries, missed_at) = (promise.queue.clone(), promise.tries, promise.missed_at);
        self.insert(step, id, promise);
        let Some(settings) = step.plan.queues.get(&queue) else {
            return self.fail(&mut step.effects, id, CallbackFailure::QueueGone, None);
        };
        if self.open.get(&id).is_some_and(|open| open.closed) {
            return self.fail(&mut step.effects, id, CallbackFailure::Closed, None);
        }
        if tries > settings.callback.retries {
            return self.fail(&mut step.effects, id, CallbackFailure::NotReached, None);
        }
        match missed_at {
            // A phone that the last run dialled may still ring.
            Some(missed_at) => {
                let again = step.wall.when(missed_at) + seconds(settings.callback.retry_after_s);
                self.due.set((id, Due::Again), again.max(step.at));
            }
            None => self.enqueue(step, id),
        }
    }

    fn insert(&mut self, step: &Step<'_>, id: CallbackId, promise: Promise) {
        self.by_number.insert((promise.queue.clone(), promise.number.clone()), id);
        let now = step.wall.at(step.at);
        let age = now.0.saturating_sub(promise.expected_from().0);
        let known =
            (step.at.max(promise.place), Duration::from_micros(u64::try_from(age).unwrap_or(0)));
        self.open.insert(id, Open { promise, known, stage: Stage::Resting, closed: false });
        self.expect_closing(step, id);
    }

    /// Notes when its queue closes for the first time after it was taken.
    fn expect_closing(&mut self, step: &Step<'_>, id: CallbackId) {
        let Some(open) = self.open.get_mut(&id) else { return };
        let closes = step.plan.closes_after(&open.promise.queue, open.promise.expected_from());
        open.closed = closes.is_some_and(|closes| closes <= step.wall.at(step.at));
        match closes {
            Some(closes) => {
                let soonest = step.at + Duration::from_millis(1);
                self.due.set((id, Due::Closing), step.wall.when(closes).max(soonest));
            }
            None => {
                self.due.cancel(&(id, Due::Closing));
            }
        }
    }

    fn placed(&mut self, id: CallbackId, call: CallId) {
        let Some(open) = self.open.get_mut(&id) else { return };
        if open.stage == Stage::Resting {
            open.stage = Stage::Waiting(call);
            self.by_call.insert(call, id);
            self.due.cancel(&(id, Due::Again));
        }
    }

    fn adviser_there(&mut self, step: &mut Step<'_>, call: CallId, agent: AgentId) {
        let Some(id) = self.by_call.get(&call).copied() else { return };
        let Some(open) = self.open.get_mut(&id) else { return };
        if open.stage != Stage::Waiting(call) {
            return;
        }
        open.stage = Stage::Dialling(call);
        open.promise.tries += 1;
        let nth = open.promise.tries;
        step.effects.push(CallbackEffect::Record(id, CallbackEvent::Dialled { nth, call, agent }));
        step.effects.push(CallbackEffect::Dial(call));
    }

    fn joined(&mut self, step: &mut Step<'_>, call: CallId, agent: AgentId) {
        let Some(id) = self.by_call.get(&call).copied() else { return };
        let Some(open) = self.open.get(&id) else { return };
        let (since, age) = open.known;
        let after = step.at.since(since) + age;
        let after_us = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        let settings = step.plan.queues.get(&open.promise.queue);
        let bound = settings.map(|settings| seconds(settings.callback.late_after_s));
        let late = bound.is_some_and(|bound| after > bound);
        step.effects
            .push(CallbackEffect::Record(id, CallbackEvent::Kept { agent, after_us, late }));
        self.forget(id);
    }

    fn over(&mut self, step: &mut Step<'_>, call: CallId, miss: Miss) {
        let Some(id) = self.by_call.remove(&call) else { return };
        let Some(open) = self.open.get_mut(&id) else { return };
        let dialled = open.stage == Stage::Dialling(call);
        open.stage = Stage::Resting;
        if dialled {
            open.promise.missed_at = Some(step.wall.at(step.at));
            step.effects.push(CallbackEffect::Record(id, CallbackEvent::Missed { miss }));
        }
        let (closed, tries) = (open.closed, open.promise.tries);
        let settings = step.plan.queues.get(&open.promise.queue);
        let Some(settings) = settings.map(|settings| settings.callback.clone()) else {
            return self.fail(&mut step.effects, id, CallbackFailure::QueueGone, None);
        };
        let why = match miss {
            Miss::NotAllowed => Some(CallbackFailure::NotAllowed),
            Miss::RangOff => Some(CallbackFailure::RangOff),
            Miss::Busy
            | Miss::NoAnswer
            | Miss::Unreachable
            | Miss::AdviserLeft
            | Miss::ProcessDied => match (closed, tries > settings.retries) {
                (true, _) => Some(CallbackFailure::Closed),
                (false, true) => Some(CallbackFailure::NotReached),
                (false, false) => None,
            },
        };
        match why {
            Some(why) => self.fail(&mut step.effects, id, why, None),
            None => {
                self.due.set((id, Due::Again), step.at + seconds(settings.retry_after_s));
            }
        }
    }

    fn changed(&mut self, step: &mut Step<'_>) {
        let all: Vec<(CallbackId, QueueName)> =
            self.open.iter().map(|(id, open)| (*id, open.promise.queue.clone())).collect();
        for (id, queue) in all {
            match step.plan.queues.contains_key(&queue) {
                true => {
                    self.expect_closing(step, id);
                    self.expect_time(step, id);
                }
                false if self.is_dialled(id) => {}
                false => self.fail(&mut step.effects, id, CallbackFailure::QueueGone, None),
            }
        }
    }

    fn timer(&mut self, step: &mut Step<'_>) {
        while let Some((_, (id, due))) = self.due.pop_due(step.at) {
            match due {
                // Not before its time, though the wall clock may have been stepped.
                Due::Again => self.enqueue(step, id),
                Due::Closing => {
                    if let Some(open) = self.open.get_mut(&id) {
                        open.closed = true;
                    }
                    // An adviser who holds the line already still talks.
                    if !self.is_dialled(id) {
                        self.fail(&mut step.effects, id, CallbackFailure::Closed, None);
                    }
                }
            }
        }
    }

    /// The wall clock may have been stepped: an appointed time is on the wall.
    fn expect_time(&mut self, step: &Step<'_>, id: CallbackId) {
        let Some(open) = self.open.get(&id) else { return };
        let Promise { since, tries, taken_at, .. } = open.promise;
        if open.stage == Stage::Resting && tries == 0 && since > taken_at {
            let soonest = step.at + Duration::from_millis(1);
            self.due.set((id, Due::Again), step.wall.when(since).max(soonest));
        }
    }

    fn is_dialled(&self, id: CallbackId) -> bool {
        self.open.get(&id).is_some_and(|open| matches!(open.stage, Stage::Dialling(_)))
    }

    fn fail(
        &mut self,
        effects: &mut Vec<CallbackEffect>,
        id: CallbackId,
        why: CallbackFailure,
        by: Option<String>,
    ) {
        let Some(open) = self.forget(id) else { return };
        effects.push(CallbackEffect::Record(id, CallbackEvent::Failed { why, by }));
        match open.stage {
            Stage::Waiting(call) => effects.push(CallbackEffect::Dequeue(call)),
            Stage::Resting | Stage::Dialling(_) => {}
        }
    }

    fn forget(&mut self, id: CallbackId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        self.by_number.remove(&(open.promise.queue.clone(), open.promise.number.clone()));
        match &open.stage {
            Stage::Waiting(call) | Stage::Dialling(call) => {
                self.by_call.remove(call);
            }
            Stage::Resting => {}
        }
        for due in [Due::Closing, Due::Again] {
            self.due.cancel(&(id, due));
        }
        Some(open)
    }
}

#[cfg(test)]
mod tests;
