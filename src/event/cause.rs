//! Why calls end, and whose doing it was.

use serde::{Deserialize, Serialize};

/// A side of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Who rang.
    Caller,
    /// Who answered: an agent, or whom the caller was connected with instead.
    Agent,
    /// Ourselves.
    System,
}

/// Whose doing the end of a call was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nobody's: the business is done.
    Nobody,
    /// The caller's choice.
    Caller,
    /// The agent's choice.
    Agent,
    /// The network between.
    Network,
    /// Ours.
    System,
}

/// Why a call ended. Closed, and each value says whose doing it was ([`EndCause::fault`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// The flow came to its end with the caller's business done.
    Completed,
    /// The caller left a message for a queue.
    MessageLeft,
    /// The caller was promised to be rung back.
    CallbackTaken,
    /// The flow hung up because the office is closed.
    Closed,
    /// The flow hung up after too many wrong or missing keys.
    GaveUpOnInput,
    /// The caller hung up before we answered (CANCEL).
    CallerCancelled,
    /// The caller hung up in the menu or an announcement.
    CallerLeftFlow,
    /// The caller hung up while waiting for an agent.
    CallerAbandoned,
    /// The caller hung up during or after the conversation.
    CallerHungUp,
    /// The agent hung up.
    AgentHungUp,
    /// A supervisor ended the call.
    SupervisorEnded,
    /// An agent's star code was carried out.
    StarCodeDone,
    /// A call that an agent made was over: it had been answered and somebody hung up.
    AgentCallDone,
    /// A call that an agent made was not answered: busy, no answer, refused, given up.
    AgentCallFailed,
    /// Somebody was rung back as promised, and somebody hung up.
    CalledBack,
    /// Somebody was to be rung back and was not reached, or the adviser hung up before.
    CallbackFailed,
    /// A consultation was over because its transfer brought the two calls together; the caller's
    /// call goes on.
    Merged,
    /// Whom the caller had been transferred to outside hung up.
    OutsideHungUp,
    /// A transfer failed and nobody took the call back. Never the end of a caller who rang a number:
    /// those go back to their queue or flow.
    TransferFailed,
    /// The caller's side never acknowledged our answer (RFC 3261 section 13.3.1.4).
    NoAck,
    /// The caller's audio stopped for longer than the limit.
    CallerSilent,
    /// The agent's audio stopped for longer than the limit.
    AgentSilent,
    /// The transaction layer gave up on a peer (timer, transport error).
    SignallingLost,
    /// No codec in common (488).
    NoCommonCodec,
    /// The flow named something that cannot be played or reached.
    FlowFault,
    /// No media port was free or a media thread failed.
    MediaFailed,
    /// A queue was full or the engine was at a limit.
    Limit,
    /// The engine was shut down.
    Shutdown,
    /// The last run of the engine died with this call open.
    ProcessDied,
}

impl EndCause {
    /// Every cause, for tables and metrics.
    pub const ALL: [EndCause; 29] = [
        EndCause::Completed,
        EndCause::MessageLeft,
        EndCause::CallbackTaken,
        EndCause::Closed,
        EndCause::GaveUpOnInput,
        EndCause::CallerCancelled,
        EndCause::CallerLeftFlow,
        EndCause::CallerAbandoned,
        EndCause::CallerHungUp,
        EndCause::AgentHungUp,
        EndCause::SupervisorEnded,
        EndCause::StarCodeDone,
        EndCause::AgentCallDone,
        EndCause::AgentCallFailed,
        EndCause::CalledBack,
        EndCause::CallbackFailed,
        EndCause::Merged,
        EndCause::OutsideHungUp,
        EndCause::TransferFailed,
        EndCause::NoAck,
        EndCause::CallerSilent,
        EndCause::AgentSilent,
        EndCause::SignallingLost,
        EndCause::NoCommonCodec,
        EndCause::FlowFault,
        EndCause::MediaFailed,
        EndCause::Limit,
        EndCause::Shutdown,
        EndCause::ProcessDied,
    ];

    /// Whose doing it was.
    pub const fn fault(self) -> Fault {
        match self {
            EndCause::Completed
            | EndCause::MessageLeft
            | EndCause::CallbackTaken
            | EndCause::CalledBack
            | EndCause::CallbackFailed
            | EndCause::Closed
            | EndCause::StarCodeDone
            | EndCause::AgentCallDone
            | EndCause::AgentCallFailed
            | EndCause::Merged
            | EndCause::OutsideHungUp => Fault::Nobody,
            EndCause::GaveUpOnInput
            | EndCause::CallerCancelled
            | EndCause::CallerLeftFlow
            | EndCause::CallerAbandoned
            | EndCause::CallerHungUp => Fault::Caller,
            EndCause::AgentHungUp | EndCause::SupervisorEnded | EndCause::TransferFailed => {
                Fault::Agent
            }
            EndCause::NoAck
            | EndCause::CallerSilent
            | EndCause::AgentSilent
            | EndCause::SignallingLost
            | EndCause::NoCommonCodec => Fault::Network,
            EndCause::FlowFault
            | EndCause::MediaFailed
            | EndCause::Limit
            | EndCause::Shutdown
            | EndCause::ProcessDied => Fault::System,
        }
    }

    /// The name used in the journal, in metrics' labels and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            EndCause::Completed => "completed",
            EndCause::MessageLeft => "message_left",
            EndCause::CallbackTaken => "callback_taken",
            EndCause::Closed => "closed",
            EndCause::GaveUpOnInput => "gave_up_on_input",
            EndCause::CallerCancelled => "caller_cancelled",
            EndCause::CallerLeftFlow => "caller_left_flow",
            EndCause::CallerAbandoned => "caller_abandoned",
            EndCause::CallerHungUp => "caller_hung_up",
            EndCause::AgentHungUp => "agent_hung_up",
            EndCause::SupervisorEnded => "supervisor_ended",
            EndCause::StarCodeDone => "star_code_done",
            EndCause::AgentCallDone => "agent_call_done",
            EndCause::AgentCallFailed => "agent_call_failed",
            EndCause::CalledBack => "called_back",
            EndCause::CallbackFailed => "callback_failed",
            EndCause::Merged => "merged",
            EndCause::OutsideHungUp => "outside_hung_up",
            EndCause::TransferFailed => "transfer_failed",
            EndCause::NoAck => "no_ack",
            EndCause::CallerSilent => "caller_silent",
            EndCause::AgentSilent => "agent_silent",
            EndCause::SignallingLost => "signalling_lost",
            EndCause::NoCommonCodec => "no_common_codec",
            EndCause::FlowFault => "flow_fault",
            EndCause::MediaFailed => "media_failed",
            EndCause::Limit => "limit",
            EndCause::Shutdown => "shutdown",
            EndCause::ProcessDied => "process_died",
        }
    }
}
