//! What becomes of a promise to ring somebody back.

use serde::{Deserialize, Serialize};

use crate::id::{Ability, AgentId, CallId, FlowName, QueueName};
use crate::time::UnixMicros;

/// A moment in a promise's life. It is open from [`CallbackEvent::Taken`] to [`CallbackEvent::Kept`]
/// or [`CallbackEvent::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CallbackEvent {
    /// A caller has taken it instead of waiting.
    Taken {
        /// Whose advisers ring.
        queue: QueueName,
        /// Skills besides the queue's own.
        skills: Vec<Ability>,
        /// Before whom it goes.
        priority: i32,
        /// In which call it was taken.
        call: CallId,
        /// Whom to ring.
        number: String,
        /// The caller's name, as far as the network told it.
        name: Option<String>,
        /// The flow that led the caller.
        flow: Option<FlowName>,
        /// Since when it has its place, on the calendar: the caller's first entry into a queue.
        since: UnixMicros,
    },
    /// An adviser is there and holds the line: the number is dialled as soon as this is kept.
    Dialled {
        /// How often it was dialled now: 1, 2 ...
        nth: u32,
        /// In which call.
        call: CallId,
        /// The adviser.
        agent: AgentId,
    },
    /// Nobody was reached.
    Missed {
        /// Why.
        miss: Miss,
    },
    /// Whom it was promised to talks with an adviser.
    Kept {
        /// With whom.
        agent: AgentId,
        /// From the promise to now, in microseconds.
        after_us: u64,
        /// Whether that is longer than the queue's settings allow.
        late: bool,
    },
    /// It will not be kept.
    Failed {
        /// Why.
        why: CallbackFailure,
        /// Who decided, if somebody did: an actor of the API.
        by: Option<String>,
    },
}

/// Why somebody who was rung back was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Miss {
    /// Busy, or declined.
    Busy,
    /// It rang, and nobody answered.
    NoAnswer,
    /// No trunk takes the call, or the number does not exist.
    Unreachable,
    /// The number must not be dialled.
    NotAllowed,
    /// The adviser hung up before anybody answered.
    AdviserLeft,
    /// They answered when the adviser was gone, were told so, and did not wait for another.
    RangOff,
    /// The program died meanwhile.
    ProcessDied,
}

/// Why a promise will not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackFailure {
    /// Nobody was reached, as often as it was tried.
    NotReached,
    /// The queue has closed.
    Closed,
    /// The number must not be dialled.
    NotAllowed,
    /// They answered when the adviser was gone, and did not wait for another.
    RangOff,
    /// Somebody has taken it back.
    Cancelled,
    /// The queue is no longer in the settings.
    QueueGone,
}

impl CallbackFailure {
    /// Every reason, for tables and metrics.
    pub const ALL: [CallbackFailure; 6] = [
        CallbackFailure::NotReached,
        CallbackFailure::Closed,
        CallbackFailure::NotAllowed,
        CallbackFailure::RangOff,
        CallbackFailure::Cancelled,
        CallbackFailure::QueueGone,
    ];

    /// The name used in the journal and in metrics' labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            CallbackFailure::NotReached => "not_reached",
            CallbackFailure::Closed => "closed",
            CallbackFailure::NotAllowed => "not_allowed",
            CallbackFailure::RangOff => "rang_off",
            CallbackFailure::Cancelled => "cancelled",
            CallbackFailure::QueueGone => "queue_gone",
        }
    }
}
