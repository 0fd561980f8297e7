//! A message that the caller leaves for a queue.

use std::time::Duration;

use crate::event::{CallEvent, Caller, Outcome, RecordingEvent, RecordingRule};
use crate::id::{LegId, PromptName, QueueName, RecordingId};
use crate::media::command as media;
use crate::time::Time;

use super::command::Notice;
use super::{Action, Call, CallTimer, State, micros};

/// What is shorter was a slip of the hand, or somebody who thought better of it.
const SHORTEST: Duration = Duration::from_secs(2);

/// Who has spoken and says nothing for this long has said it all. Nobody is cut off who was not heard to
/// speak: a faint voice may be there all the same.
const SILENCE: Duration = Duration::from_secs(5);

/// A message that is being taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taking {
    id: RecordingId,
    queue: QueueName,
    longest: Duration,
    stage: Stage,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The tone sounds.
    Tone,
    /// The caller speaks.
    Speaking { since: Time },
    /// The disk writes the last of it.
    Keeping,
}

/// What a call tells whoever keeps messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAction {
    /// The caller speaks from now on.
    Begun {
        /// Which message.
        id: RecordingId,
        /// For whom.
        queue: QueueName,
        /// By whom.
        caller: Caller,
    },
    /// It is over.
    Over {
        /// Which.
        id: RecordingId,
        /// How long it was; none if it is not to be kept.
        length: Option<Duration>,
    },
}

/// What is heard before a message.
pub fn tone() -> PromptName {
    PromptName::from("tone/beep")
}

impl Call {
    /// Takes a message of the caller's for `queue`, which shall be known as `id`.
    pub fn take_message(
        &mut self,
        now: Time,
        id: RecordingId,
        queue: QueueName,
        longest: Duration,
    ) {
        // Whoever waited has no place any more.
        self.give_up_place(now);
        if matches!(self.state, State::InFlow) {
            self.taking = Some(Taking { id, queue, longest, stage: Stage::Tone });
            self.play(vec![tone()]);
        }
    }

    /// The tone has sounded: whether there was one.
    pub(super) fn tone_over(&mut self, now: Time) -> bool {
        let Some(taking) = self.taking.as_mut().filter(|taking| taking.stage == Stage::Tone) else {
            return false;
        };
        taking.stage = Stage::Speaking { since: now };
        let (id, queue, until) = (taking.id, taking.queue.clone(), now + taking.longest);
        let leg = self.caller_leg.id;
        let caller = self.caller.clone();
        let begun = MessageAction::Begun { id, queue: queue.clone(), caller: caller.clone() };
        self.out.push(Action::Message(begun));
        self.record(CallEvent::MessageBegan { message: id, queue: queue.clone(), caller });
        let rule = RecordingRule::Message(queue);
        let what = RecordingEvent::Started { leg, rule, told: true, with: None };
        self.record(CallEvent::Recording { recording: id, what });
        self.leave_to_message();
        self.media(media::Command::Record { leg, order: media::RecordOrder::Begin(id) });
        self.media(media::Command::Listen { leg, listen: media::Listen::Tell });
        self.out.push(Action::Timer(CallTimer::Message, Some(until)));
        true
    }

    /// Whether the caller speaks a message now.
    pub(super) fn speaks_message(&self) -> bool {
        let speaking = |taking: &Taking| matches!(taking.stage, Stage::Speaking { .. });
        self.taking.as_ref().is_some_and(speaking)
    }

    /// A leg's peer begins or ends to speak.
    pub fn heard_speech(&mut self, now: Time, leg: LegId, speech: media::Speech) {
        if leg == self.caller_leg.id && self.speaks_message() {
            let until = match speech {
                media::Speech::Began => None,
                media::Speech::Ended => Some(now + SILENCE),
            };
            self.out.push(Action::Timer(CallTimer::Silence, until));
        }
    }

    /// The caller has said it, or has said nothing for long enough.
    pub fn end_message(&mut self, now: Time) {
        // A key that is pressed while the tone sounds was meant for what was said before it.
        if self.taking.as_ref().is_some_and(|taking| taking.stage == Stage::Tone) {
            return;
        }
        match self.stop_message(now) {
            // The disk says when it has it.
            Some(true) | None => {}
            Some(false) => self.out.push(Action::Notify(Notice::MessageEnded { kept: false })),
        }
    }

    /// What has become of the message `id` on the disk and in the journal.
    pub fn message_kept(&mut self, id: RecordingId, kept: bool) {
        if self.taking.as_ref().is_some_and(|taking| taking.id == id) {
            self.taking = None;
            self.out.push(Action::Notify(Notice::MessageEnded { kept }));
        }
    }

    /// Ends the message that is being taken; whether it is to be kept, none if there was none.
    pub(super) fn stop_message(&mut self, now: Time) -> Option<bool> {
        let taking = self.taking.as_mut()?;
        let id = taking.id;
        let since = match std::mem::replace(&mut taking.stage, Stage::Keeping) {
            Stage::Tone => {
                self.taking = None;
                return Some(false);
            }
            Stage::Speaking { since } => since,
            Stage::Keeping => return None,
        };
        let spoken = now - since;
        let length = (spoken >= SHORTEST).then_some(spoken);
        let leg = self.caller_leg.id;
        let what = RecordingEvent::Ended { lasted_us: micros(spoken), paused_us: 0 };
        self.record(CallEvent::Recording { recording: id, what });
        self.media(media::Command::Record { leg, order: media::RecordOrder::End });
        self.return_from_message();
        self.media(media::Command::Listen { leg, listen: media::Listen::Off });
        for timer in [CallTimer::Message, CallTimer::Silence] {
            self.out.push(Action::Timer(timer, None));
        }
        self.out.push(Action::Message(MessageAction::Over { id, length }));
        self.record(CallEvent::MessageSpoken { message: id, length_us: length.map(micros) });
        if length.is_none() {
            self.taking = None;
            return Some(false);
        }
        // Who had waited for a person has left a message instead.
        if let Some(wait) = self.wait.take() {
            self.leave_queue(wait.returned_at.unwrap_or(now), &wait, Outcome::Voicemail);
        }
        Some(true)
    }
}
