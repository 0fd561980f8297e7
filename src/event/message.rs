//! What happens to a message that a caller left for a queue.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, QueueName};

use super::{Caller, RecordingFault};

/// A moment in a message's life. It is open from [`MessageEvent::Left`] to [`MessageEvent::Done`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum MessageEvent {
    /// A caller has left it, and its sound is kept: from now on it is a task of the queue.
    Left {
        /// For whom.
        queue: QueueName,
        /// In which call.
        call: CallId,
        /// By whom.
        caller: Caller,
        /// How long it is, in microseconds.
        length_us: u64,
    },
    /// A caller has spoken it, and it could not be kept.
    Lost {
        /// For whom it was.
        queue: QueueName,
        /// In which call.
        call: CallId,
        /// By whom.
        caller: Caller,
        /// Why; none if the program died meanwhile.
        fault: Option<RecordingFault>,
    },
    /// Somebody works on it.
    Taken {
        /// Who.
        by: String,
    },
    /// Whoever worked on it does not any more.
    Released {
        /// Who decided.
        by: String,
    },
    /// Somebody listened to it.
    Heard {
        /// Who.
        by: String,
    },
    /// Its business is done.
    Done {
        /// Who says so.
        by: String,
    },
    /// It has been open for as long as the queue's settings allow, or that long again.
    Overdue {
        /// For how long it has been open, in microseconds.
        age_us: u64,
    },
}
