//! Messages from the caller's first word until somebody has done what they ask for.

use std::time::Duration;

use crate::acd::messages::{Message, MessageChange, MessageError};
use crate::call::command::Notice;
use crate::call::{Action, MessageAction};
use crate::event::{Caller, Event, MessageEvent, RecordingEvent, RecordingFault};
use crate::id::{AgentId, CallId, QueueName, RecordingId};
use crate::stats::Restored;
use crate::stats::messages::MessageSpoken;
use crate::time::{Time, UnixMicros};

use super::Engine;
use super::io::Reply;

/// What an earlier run left on the disk is found at the start; a message that was not found by then is
/// lost.
const UNHEARD: Duration = Duration::from_secs(600);

/// What an event says of whether the disk has a recording, and how long it is if it says that.
pub(super) fn written(what: &RecordingEvent) -> Option<Result<Option<Duration>, RecordingFault>> {
    match what {
        RecordingEvent::Written => Some(Ok(None)),
        RecordingEvent::Stored { length_us, .. } => {
            Some(Ok(Some(Duration::from_micros(*length_us))))
        }
        RecordingEvent::Failed { reason } => Some(Err(*reason)),
        RecordingEvent::Started { .. }
        | RecordingEvent::Moved { .. }
        | RecordingEvent::Paused { .. }
        | RecordingEvent::Resumed { .. }
        | RecordingEvent::Ended { .. }
        | RecordingEvent::Gap { .. }
        | RecordingEvent::Deleted { .. } => None,
    }
}

/// A message that is spoken, or that the disk has not told of yet.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    call: CallId,
    queue: QueueName,
    caller: Caller,
    /// How long it was, and since when, once it is over.
    over: Option<(Duration, UnixMicros)>,
}

impl Engine {
    /// A flow wants a message of the caller's.
    pub(super) fn take_message(
        &mut self,
        now: Time,
        call: CallId,
        queue: QueueName,
        longest: Duration,
    ) {
        let limit = self.plan.acd.queues.get(&queue).map_or(0, |queue| queue.max_messages);
        let spoken = self.spoken.values().filter(|spoken| spoken.queue == queue).count();
        if self.messages.open_for(&queue) + spoken >= limit {
            self.work.push_back((call, Action::Notify(Notice::MessageEnded { kept: false })));
            return;
        }
        let id = RecordingId(self.entropy.u64());
        self.with_call(call, |call, _| call.take_message(now, id, queue, longest));
    }

    pub(super) fn message_action(&mut self, now: Time, call: CallId, action: MessageAction) {
        match action {
            MessageAction::Begun { id, queue, caller } => {
                self.spoken.insert(id, Spoken { call, queue, caller, over: None });
            }
            MessageAction::Over { id, length: Some(length) } => {
                if let Some(spoken) = self.spoken.get_mut(&id) {
                    spoken.over = Some((length, self.wall.at(now)));
                }
            }
            MessageAction::Over { id, length: None } => {
                self.spoken.remove(&id);
            }
        }
    }

    /// The disk has the recording `id`, or cannot have it.
    pub(super) fn message_written(
        &mut self,
        now: Time,
        id: RecordingId,
        written: Result<Option<Duration>, RecordingFault>,
    ) {
        let Some(spoken) = self.spoken.remove(&id) else { return };
        self.unheard.cancel(&id);
        if spoken.over.is_none() && written.is_err() {
            // More may come; its end tells what the disk has.
            self.spoken.insert(id, spoken);
            return;
        }
        let Spoken { call, queue, caller, over } = spoken;
        let kept = match (written, over) {
            (Ok(stored), Some((spoken, left_at))) => {
                // Who died while they wrote it did not note how long it was.
                let length = spoken.max(stored.unwrap_or_default());
                let length_us = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
                let left = MessageEvent::Left {
                    queue: queue.clone(),
                    call,
                    caller: caller.clone(),
                    length_us,
                };
                self.record(now, Event::Message { message: id, event: left });
                let taken_by = None;
                self.open_message(
                    now,
                    id,
                    Message { queue, call, caller, left_at, length_us, taken_by },
                );
                true
            }
            (Err(fault), _) => {
                let lost = MessageEvent::Lost { queue, call, caller, fault: Some(fault) };
                self.record(now, Event::Message { message: id, event: lost });
                false
            }
            // Too short: it was never to be kept.
            (Ok(_), None) => false,
        };
        self.with_call(call, |call, _| call.message_kept(id, kept));
    }

    /// Messages of earlier runs: those that are still open, and those of which the disk is to say
    /// whether it has them.
    pub(super) fn restore_messages(&mut self, now: Time, restored: &Restored) {
        for live in &restored.messages {
            let open = Message {
                queue: live.queue.clone(),
                call: live.call,
                caller: live.caller.clone(),
                left_at: live.left_at,
                length_us: live.length_us,
                taken_by: live.taken_by.clone(),
            };
            self.open_message(now, live.message, open);
        }
        for spoken in &restored.spoken {
            let MessageSpoken { message, call, queue, caller, at, length_us, kept_at: _ } = spoken;
            let length = length_us.map_or(Duration::ZERO, Duration::from_micros);
            let (call, queue, caller) = (*call, queue.clone(), caller.clone());
            let over = Some((length, *at));
            self.spoken.insert(*message, Spoken { call, queue, caller, over });
            self.unheard.set(*message, now + UNHEARD);
        }
    }

    fn open_message(&mut self, now: Time, id: RecordingId, message: Message) {
        let alert = self.plan.acd.message_alert(&message.queue);
        self.messages.left(now, &self.wall, id, message, alert);
    }

    /// Tells of every message that has been open for too long.
    pub(super) fn messages_overdue(&mut self, now: Time) {
        let plan = &self.plan.acd;
        let mut told = Vec::new();
        while let Some(one) =
            self.messages.pop_overdue(now, &self.wall, |queue| plan.message_alert(queue))
        {
            told.push(one);
        }
        for (message, event) in told {
            self.record(now, Event::Message { message, event });
        }
        while let Some((_, id)) = self.unheard.pop_due(now) {
            if let Some(Spoken { call, queue, caller, over: _ }) = self.spoken.remove(&id) {
                let event = MessageEvent::Lost { queue, call, caller, fault: None };
                self.record(now, Event::Message { message: id, event });
            }
        }
    }

    /// An actor of the API works on a message.
    pub(super) fn change_message(
        &mut self,
        now: Time,
        id: RecordingId,
        change: MessageChange,
        actor: &str,
        agent: Option<&AgentId>,
    ) -> Reply {
        let queue = self.messages.get(id).map(|message| &message.queue);
        if let (Some(agent), Some(queue)) = (agent, queue)
            && !self.plan.acd.serves(agent, queue)
        {
            return Reply::MessageRefused(MessageError::NotServed);
        }
        match self.messages.change(id, change, actor, agent.is_none()) {
            Ok(event) => {
                self.record(now, Event::Message { message: id, event });
                Reply::Done
            }
            Err(error) => Reply::MessageRefused(error),
        }
    }
}
