//! The words of recordings.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, FlowName, LegId, QueueName};

/// What happened to a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum RecordingEvent {
    /// The leg is recorded from here on, until [`RecordingEvent::Ended`].
    Started {
        /// Which leg: the caller's.
        leg: LegId,
        /// What says so.
        rule: RecordingRule,
        /// Whether the caller has heard that calls are recorded.
        told: bool,
        /// The agent whom the caller talks with already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<AgentId>,
    },
    /// It goes on with another leg, which took the place of the former.
    Moved {
        /// Which leg.
        leg: LegId,
    },
    /// Nothing is recorded until [`RecordingEvent::Resumed`]; the recording has silence of that length.
    Paused {
        /// Why.
        reason: PauseReason,
        /// Who asked, if it was by the API.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// It goes on.
    Resumed {
        /// How long it was paused, in microseconds.
        paused_us: u64,
    },
    /// It is over.
    Ended {
        /// From its beginning, in microseconds.
        lasted_us: u64,
        /// How much of that it was paused, in microseconds.
        paused_us: u64,
    },
    /// It is a message, and the disk has all of it.
    Written,
    /// The disk was too slow or full: there is silence that was not on the line.
    Gap {
        /// From its beginning, in microseconds.
        from_us: u64,
        /// To here.
        to_us: u64,
    },
    /// It is where it is kept, and what is there was read back and is right.
    Stored {
        /// Where, within the store.
        place: String,
        /// SHA-256 of what is kept, in hexadecimal.
        sha256: String,
        /// Its size.
        bytes: u64,
        /// How long it lasts, in microseconds.
        length_us: u64,
        /// Packets of voice that are missing in it because the disk was too slow.
        lost: u64,
    },
    /// It could not be kept, or not yet: it is tried again, unless it cannot be read any more.
    Failed {
        /// Why.
        reason: RecordingFault,
    },
    /// It was deleted because its time was over, and is not there any more.
    Deleted {
        /// Where it was.
        place: String,
    },
}

/// What says that a call is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingRule {
    /// The flow's own rule.
    Flow(FlowName),
    /// The rule of the queue that brought the conversation.
    Queue(QueueName),
    /// The caller leaves a message for a queue.
    Message(QueueName),
}

/// Why nothing is recorded for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// Somebody asked for it by the API.
    Asked,
    /// The caller gives what must not be kept: a payment card.
    Secret,
    /// The call has come to where calls are not recorded.
    Policy,
}

impl PauseReason {
    /// The name used in the journal and in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            PauseReason::Asked => "asked",
            PauseReason::Secret => "secret",
            PauseReason::Policy => "policy",
        }
    }
}

/// Why a recording could not be kept, or not at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingFault {
    /// The disk is full.
    DiskFull,
    /// The disk or its file system failed.
    Disk,
    /// It could not be brought into the format that it is kept in.
    Encode,
    /// Its encryption does not verify: a wrong key, or changed on the disk.
    Sealed,
    /// The store could not be reached or refused it.
    Store,
    /// What the store has is not what it was given.
    NotVerified,
}

impl RecordingFault {
    /// Every fault, for tables and metrics.
    pub const ALL: [RecordingFault; 6] = [
        RecordingFault::DiskFull,
        RecordingFault::Disk,
        RecordingFault::Encode,
        RecordingFault::Sealed,
        RecordingFault::Store,
        RecordingFault::NotVerified,
    ];

    /// The name used in the journal and in metrics' labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            RecordingFault::DiskFull => "disk_full",
            RecordingFault::Disk => "disk",
            RecordingFault::Encode => "encode",
            RecordingFault::Sealed => "sealed",
            RecordingFault::Store => "store",
            RecordingFault::NotVerified => "not_verified",
        }
    }
}
