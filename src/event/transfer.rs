//! Whom a call can be sent to, and what came of it.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, CallId, FlowName, QueueName};

/// Where a call can be sent by somebody who dials, or who transfers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// One agent, by name.
    Agent(AgentId),
    /// Whoever serves a queue.
    Queue(QueueName),
    /// The flow of a number of ours.
    Flow(FlowName),
    /// A number that is not ours.
    Outside(String),
}

/// Who can be part of a conversation besides the caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// An agent.
    Agent(AgentId),
    /// Somebody at a number that is not ours.
    Outside(String),
}

/// What somebody was rung for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// An agent rings them: a call of the agent's own.
    OwnCall,
    /// An agent hands a call on to them.
    Transfer,
    /// A transfer came to nothing and the agent had hung up: the agent is rung back.
    Recall,
    /// They were promised to be rung back.
    CallBack,
    /// They took over a colleague's conversation from their own phone (RFC 3891).
    Takeover,
    /// A flow puts the caller through to them.
    Flow,
    /// They were the third in a conference, and one of the other two has left.
    Conference,
}

/// In which way a call is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// Without asking first.
    Blind,
    /// After asking first. The call in which that was done ends ([`EndCause::Merged`]).
    ///
    /// [`EndCause::Merged`]: super::EndCause::Merged
    Attended {
        /// Which call that was.
        consulted: CallId,
    },
}

/// What came of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferOutcome {
    /// The call is where it was to go: joined, waiting in the queue, or in the flow.
    Completed,
    /// Busy, or refused.
    Rejected,
    /// It rang, and nobody answered in time.
    NoAnswer,
    /// No phone could be reached, nobody is there, or no trunk takes the call.
    Unreachable,
    /// The queue takes nobody now: closed, full, or nobody on duty.
    NotTaken,
    /// We may not ring that number.
    NotAllowed,
    /// The party to be transferred hung up meanwhile.
    CallerLeft,
    /// Ended from elsewhere: a supervisor, a limit, a shutdown.
    Withdrawn,
}

impl TransferOutcome {
    /// The name used in the journal and in metrics' labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            TransferOutcome::Completed => "completed",
            TransferOutcome::Rejected => "rejected",
            TransferOutcome::NoAnswer => "no_answer",
            TransferOutcome::Unreachable => "unreachable",
            TransferOutcome::NotTaken => "not_taken",
            TransferOutcome::NotAllowed => "not_allowed",
            TransferOutcome::CallerLeft => "caller_left",
            TransferOutcome::Withdrawn => "withdrawn",
        }
    }
}
