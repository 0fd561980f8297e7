//! Nodes that lead to people, and the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Asking;
use crate::call::command::{AtClosing, OutlookWords, Priority, QueueReturn};
use crate::event::EndCause;
use crate::flow::wording::Wording;
use crate::id::{Ability, NodeName, QueueName, ValueName};
use crate::media::command::Key;

/// Lets the caller wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Where.
    pub queue: QueueName,
    /// What the adviser must be able to do, besides what the queue asks for.
    pub skills: Vec<Ability>,
    /// What it is good if the adviser can do too.
    pub prefers: Vec<Ability>,
    /// Before whom the caller goes.
    pub urgency: Urgency,
    /// What happens to those who wait when the queue closes.
    pub at_closing: AtClosing,
    /// What comes next if the queue is closed.
    pub on_closed: NodeName,
    /// What comes next if the queue is full.
    pub on_full: NodeName,
    /// What comes next if the caller has waited as long as the queue allows.
    pub on_waited_too_long: NodeName,
    /// What comes next if nobody is there who could answer.
    pub on_nobody: NodeName,
    /// What callers can do while they wait.
    pub meanwhile: Option<Meanwhile>,
    /// What comes next for callers who are still there when the adviser has hung up.
    pub after_call: Option<NodeName>,
}

impl Queue {
    /// What comes next for a caller whom the queue hands back.
    pub fn way_after(&self, why: QueueReturn) -> &NodeName {
        match why {
            QueueReturn::Closed => &self.on_closed,
            QueueReturn::Full => &self.on_full,
            QueueReturn::WaitedTooLong => &self.on_waited_too_long,
            QueueReturn::NobodyOnDuty => &self.on_nobody,
        }
    }
}

/// What callers hear and can do while they wait; they keep their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meanwhile {
    /// Their place.
    pub position: Option<PositionWords>,
    /// How long the wait will probably be.
    pub estimate: Option<EstimateWords>,
    /// That one of these is worse than they were told before. Without it they are not told then.
    pub worse: Option<Wording>,
    /// What they are told besides, one after the other, each time the next.
    pub comfort: Vec<Wording>,
    /// What they can do instead of waiting, each time.
    pub words: Option<Wording>,
    /// How long they have waited when they are told for the first time.
    pub after: Duration,
    /// And how long after that again.
    pub every: Duration,
    /// Where keys lead. Whoever comes back to the queue from there waits on at the same place.
    pub keys: BTreeMap<Key, NodeName>,
    /// Phrases that choose as well, and the key that each stands for.
    pub phrases: Vec<(Key, Vec<String>)>,
}

/// A place in a queue, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionWords {
    /// With the value `queue_position`.
    pub number: Wording,
    /// For whoever is the first; as for everybody else if there is none.
    pub next: Option<Wording>,
}

/// A wait, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateWords {
    /// From and to, with the values `wait_least` and `wait_most` in minutes.
    pub range: Wording,
    /// For a wait of at most `wait_most` minutes.
    pub soon: Wording,
}

impl Meanwhile {
    /// Every wording.
    pub fn wordings(&self) -> impl Iterator<Item = &Wording> {
        let position = self.position.iter().flat_map(|it| [&it.number].into_iter().chain(&it.next));
        let estimate = self.estimate.iter().flat_map(|it| [&it.range, &it.soon]);
        let told = position.chain(estimate).chain(&self.worse);
        told.chain(&self.comfort).chain(&self.words)
    }

    /// What of their place and of the wait callers are told.
    pub fn outlook_words(&self) -> Option<OutlookWords> {
        let (position, wait) = (self.position.is_some(), self.estimate.is_some());
        let worse = self.worse.is_some();
        (position || wait).then_some(OutlookWords { position, wait, worse })
    }
}

/// Before whom a caller goes who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Urgency {
    /// Before everybody: what cannot wait.
    Urgent,
    /// Before most: whoever is vulnerable, or was here before.
    High,
    /// As they came.
    #[default]
    Normal,
    /// Behind the others.
    Low,
}

impl Urgency {
    /// The words of the language.
    pub const WORDS: [(&'static str, Urgency); 4] = [
        ("urgent", Urgency::Urgent),
        ("high", Urgency::High),
        ("normal", Urgency::Normal),
        ("low", Urgency::Low),
    ];

    /// What the queue goes by.
    pub const fn priority(self) -> Priority {
        Priority(match self {
            Urgency::Urgent => -20,
            Urgency::High => -10,
            Urgency::Normal => 0,
            Urgency::Low => 10,
        })
    }
}

/// Promises to ring the caller back, at the number that they ring from or another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Whose advisers ring.
    pub queue: QueueName,
    /// What the adviser must be able to do, besides what the queue asks for.
    pub skills: Vec<Ability>,
    /// Before whom the caller goes.
    pub urgency: Urgency,
    /// The values that have the day and the time, if it is to be at a time that the caller chooses: without
    /// a day the next such time.
    pub time: Option<(Option<ValueName>, ValueName)>,
    /// What is offered, and the number: 1 takes it, 2 gives another number.
    pub words: Wording,
    /// Asks for another number.
    pub ask: Wording,
    /// What callers who wait are told if nothing can be promised, before they wait on.
    pub not_now: Option<Wording>,
    /// How it is asked. Whoever does not want it, or cannot be promised it, waits on; `otherwise` is for
    /// those of them who have no place in a queue.
    pub asking: Asking,
    /// What comes next once it is promised.
    pub then: NodeName,
    /// What comes next if it is promised already to that number.
    pub already: NodeName,
}

/// Takes a message for a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voicemail {
    /// For whom.
    pub queue: QueueName,
    /// What the caller is told before the tone.
    pub words: Wording,
    /// The longest that the message may be.
    pub longest: Duration,
    /// What comes next once the message is kept.
    pub then: NodeName,
    /// What comes next if there is none: nothing was said, or it cannot be kept.
    pub otherwise: NodeName,
}

/// Why a flow ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The caller's business is done.
    Completed,
    /// The caller has left a message.
    MessageLeft,
    /// The caller was promised to be rung back.
    CallbackTaken,
    /// The office is closed.
    Closed,
    /// The caller chose nothing.
    GaveUp,
    /// Nobody can take the call: a queue is full or nobody is on duty.
    Busy,
}

impl Reason {
    /// The words of the language.
    pub const WORDS: [(&'static str, Reason); 6] = [
        ("completed", Reason::Completed),
        ("message_left", Reason::MessageLeft),
        ("callback_taken", Reason::CallbackTaken),
        ("closed", Reason::Closed),
        ("gave_up", Reason::GaveUp),
        ("busy", Reason::Busy),
    ];

    /// How the journal puts it.
    pub const fn cause(self) -> EndCause {
        match self {
            Reason::Completed => EndCause::Completed,
            Reason::MessageLeft => EndCause::MessageLeft,
            Reason::CallbackTaken => EndCause::CallbackTaken,
            Reason::Closed => EndCause::Closed,
            Reason::GaveUp => EndCause::GaveUpOnInput,
            Reason::Busy => EndCause::Limit,
        }
    }
}
