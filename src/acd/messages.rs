//! Messages that callers left: each is a task of its queue until somebody says that it is done. None is
//! forgotten: one that is open for too long is told again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Caller, MessageEvent};
use crate::id::{CallId, QueueName, RecordingId};
use crate::time::{Deadlines, Time, UnixMicros, WallClock};

/// A message that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
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
    /// Who works on it: the name of an actor.
    pub taken_by: Option<String>,
}

/// What somebody wants done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageChange {
    /// To work on it.
    Take,
    /// Not to work on it any more.
    Release,
    /// Its business is done.
    Done,
    /// To note that they listened to it.
    Hear,
}

/// Why a message cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is not there, or its business is done.
    #[error("no such message is open")]
    Unknown,
    /// The agent does not serve its queue.
    #[error("the message is for a queue that the adviser does not serve")]
    NotServed,
    /// Somebody else works on it.
    #[error("{0} works on the message")]
    Taken(String),
}

/// Every message that is open.
#[derive(Debug, Default)]
pub struct Messages {
    open: BTreeMap<RecordingId, Message>,
    overdue: Deadlines<RecordingId>,
}

impl Messages {
    /// Takes in a message that was left, now or in an earlier run; `alert` is how long it may stay open.
    pub fn left(
        &mut self,
        now: Time,
        wall: &WallClock,
        id: RecordingId,
        message: Message,
        alert: Duration,
    ) {
        let age = age(now, wall, &message);
        // The next of the instants at which it is told.
        let told = age.as_micros() / alert.as_micros().max(1);
        let next = alert.saturating_mul(u32::try_from(told + 1).unwrap_or(u32::MAX));
        let wait = next.saturating_sub(age);
        self.overdue.set(id, now + wait);
        self.open.insert(id, message);
    }

    /// How many are open for a queue.
    pub fn open_for(&self, queue: &QueueName) -> usize {
        self.open.values().filter(|message| message.queue == *queue).count()
    }

    /// One that is open.
    pub fn get(&self, id: RecordingId) -> Option<&Message> {
        self.open.get(&id)
    }

    /// Carries out what an actor wants. Whoever supervises may do so with what somebody else works on.
    pub fn change(
        &mut self,
        id: RecordingId,
        change: MessageChange,
        by: &str,
        supervises: bool,
    ) -> Result<MessageEvent, MessageError> {
        let message = self.open.get_mut(&id).ok_or(MessageError::Unknown)?;
        let others = message.taken_by.as_deref().filter(|taker| *taker != by && !supervises);
        if let Some(other) = others.filter(|_| change != MessageChange::Hear) {
            return Err(MessageError::Taken(other.to_owned()));
        }
        let by = by.to_owned();
        Ok(match change {
            MessageChange::Take => {
                message.taken_by = Some(by.clone());
                MessageEvent::Taken { by }
            }
            MessageChange::Release => {
                message.taken_by = None;
                MessageEvent::Released { by }
            }
            MessageChange::Hear => MessageEvent::Heard { by },
            MessageChange::Done => {
                self.open.remove(&id);
                self.overdue.cancel(&id);
                MessageEvent::Done { by }
            }
        })
    }

    /// When the next message is overdue.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.overdue.next()
    }

    /// A message that is overdue at `now`; it is told again after its queue's `alert`.
    pub fn pop_overdue(
        &mut self,
        now: Time,
        wall: &WallClock,
        alert: impl Fn(&QueueName) -> Duration,
    ) -> Option<(RecordingId, MessageEvent)> {
        let (_, id) = self.overdue.pop_due(now)?;
        let message = self.open.get(&id)?;
        // Not at once again, whatever the settings are now.
        self.overdue.set(id, now + alert(&message.queue).max(Duration::from_secs(60)));
        let age_us = u64::try_from(age(now, wall, message).as_micros()).unwrap_or(u64::MAX);
        Some((id, MessageEvent::Overdue { age_us }))
    }
}

fn age(now: Time, wall: &WallClock, message: &Message) -> Duration {
    let micros = wall.at(now).0.saturating_sub(message.left_at.0);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: Duration = Duration::from_secs(3_600);

    fn wall() -> WallClock {
        WallClock::showing(UnixMicros(1_800_000_000_000_000), Time::ZERO)
    }

    fn message(left_at: Time) -> Message {
        Message {
            queue: "waste".into(),
            call: CallId(uuid::Uuid::nil()),
            caller: Caller::default(),
            left_at: wall().at(left_at),
            length_us: 9_000_000,
            taken_by: None,
        }
    }

    fn one() -> (Messages, RecordingId) {
        let (mut messages, id) = (Messages::default(), RecordingId(7));
        messages.left(Time::ZERO, &wall(), id, message(Time::ZERO), ALERT);
        (messages, id)
    }

    #[test]
    fn nobody_takes_what_somebody_else_works_on_but_supervisors_can() {
        let (mut messages, id) = one();
        let by = |by: &str| by.to_owned();
        let taken = messages.change(id, MessageChange::Take, "amy", false);
        assert_eq!(taken, Ok(MessageEvent::Taken { by: by("amy") }));
        let ben = messages.change(id, MessageChange::Done, "ben", false);
        assert_eq!(ben, Err(MessageError::Taken(by("amy"))));
        let heard = messages.change(id, MessageChange::Hear, "ben", false);
        assert_eq!(heard, Ok(MessageEvent::Heard { by: by("ben") }));
        assert!(messages.change(id, MessageChange::Release, "sue", true).is_ok());
        assert!(messages.change(id, MessageChange::Done, "ben", false).is_ok());
        assert_eq!(messages.open_for(&"waste".into()), 0);
        let gone = messages.change(id, MessageChange::Take, "amy", false);
        assert_eq!(gone, Err(MessageError::Unknown));
        assert_eq!(messages.poll_timeout(), None);
    }

    #[test]
    fn what_stays_open_is_told_again_and_again() {
        let (mut messages, id) = one();
        let mut told = Vec::new();
        for _ in 0..3 {
            let at = messages.poll_timeout().expect("due");
            while let Some((due, event)) = messages.pop_overdue(at, &wall(), |_| ALERT) {
                assert_eq!(due, id);
                told.push(event);
            }
        }
        let ages = [1, 2, 3].map(|times| MessageEvent::Overdue { age_us: times * 3_600_000_000 });
        assert_eq!(told, ages);
    }

    #[test]
    fn a_message_of_an_earlier_run_keeps_its_age() {
        let (mut messages, now) = (Messages::default(), Time::from_millis(9_000_000));
        // 2.5 hours old: it was told twice, and is told again at three.
        messages.left(now, &wall(), RecordingId(1), message(Time::ZERO), ALERT);
        assert_eq!(messages.poll_timeout(), Some(Time::from_millis(10_800_000)));
        // The clock was stepped back meanwhile.
        messages.left(now, &wall(), RecordingId(2), message(now + ALERT), ALERT);
        assert_eq!(messages.poll_timeout(), Some(Time::from_millis(10_800_000)));
    }
}
