//! What agents do, and why it changes.

use serde::{Deserialize, Serialize};

use crate::id::{AwayReason, PhoneName};
use crate::time::UnixMicros;

/// What an agent is doing: one state over all queues, derived from live legs and own choices.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Not at work.
    #[default]
    SignedOut,
    /// Signed in, and can be offered a call.
    Ready,
    /// Chosen for a caller; the phones are about to ring.
    Reserved,
    /// The phones ring.
    Ringing,
    /// On a call: joined to a caller, or one of their own.
    Talking,
    /// On a call in which they have put the other side on hold.
    Hold,
    /// On two calls at once, as with a caller on hold while a colleague is asked.
    Consulting,
    /// Finishing the last call's work.
    WrapUp,
    /// Signed in, and not to be offered calls.
    NotReady,
    /// Would be ready, but no phone can be reached.
    Unreachable,
}

impl AgentState {
    /// Every state, for tables and metrics.
    pub const ALL: [AgentState; 10] = [
        AgentState::SignedOut,
        AgentState::Ready,
        AgentState::Reserved,
        AgentState::Ringing,
        AgentState::Talking,
        AgentState::Hold,
        AgentState::Consulting,
        AgentState::WrapUp,
        AgentState::NotReady,
        AgentState::Unreachable,
    ];

    /// The name used in the journal, in metrics' labels and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            AgentState::SignedOut => "signed_out",
            AgentState::Ready => "ready",
            AgentState::Reserved => "reserved",
            AgentState::Ringing => "ringing",
            AgentState::Talking => "talking",
            AgentState::Hold => "hold",
            AgentState::Consulting => "consulting",
            AgentState::WrapUp => "wrap_up",
            AgentState::NotReady => "not_ready",
            AgentState::Unreachable => "unreachable",
        }
    }
}

/// Why an agent's state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateReason {
    /// The agent's own choice, by the page, the API or a star code.
    Own,
    /// A supervisor's choice, by the API.
    Supervisor,
    /// Followed from a call: an offer, an answer, its end.
    Call,
    /// The phones rang and nobody answered.
    Rona,
    /// The agent refused an offer.
    Refused,
    /// Wrap-up time is over.
    WrapUpOver,
    /// A phone registered or its registration ended.
    Phone,
    /// Restored from the journal at a start.
    Restored,
}

impl StateReason {
    /// For what an agent is not ready because of this, if they have chosen nothing.
    pub fn away(self) -> Option<AwayReason> {
        match self {
            StateReason::Rona => Some(AwayReason::NO_ANSWER.into()),
            StateReason::Refused => Some(AwayReason::DECLINED.into()),
            StateReason::WrapUpOver => Some(AwayReason::NO_CODE.into()),
            StateReason::Own
            | StateReason::Supervisor
            | StateReason::Call
            | StateReason::Phone
            | StateReason::Restored => None,
        }
    }
}

impl AwayReason {
    /// An offer that nobody answered.
    pub const NO_ANSWER: &str = "no-answer";
    /// An offer that the agent declined.
    pub const DECLINED: &str = "declined";
    /// A call whose work went on for as long as it may, without the code that its queue wants.
    pub const NO_CODE: &str = "no-code";
    /// What figures call it if nobody has said for what.
    pub const UNSAID: &str = "unsaid";
    /// Those that nobody chooses, with their names for people.
    pub const NOT_CHOSEN: [(&str, &str); 4] = [
        (AwayReason::NO_ANSWER, "Did not answer"),
        (AwayReason::DECLINED, "Declined a call"),
        (AwayReason::NO_CODE, "No wrap-up code"),
        (AwayReason::UNSAID, "No reason given"),
    ];

    /// Whether it is one that agents and supervisors can choose, where the settings have it.
    pub fn can_be_chosen(&self) -> bool {
        AwayReason::NOT_CHOSEN.iter().all(|(name, _)| *name != self.as_str())
    }
}

/// Something that happened to an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AgentEvent {
    /// The state changed.
    State {
        /// From.
        from: AgentState,
        /// To.
        to: AgentState,
        /// Why.
        reason: StateReason,
        /// Who decided: an actor of the API; none where it follows from calls.
        by: Option<String>,
        /// How long the old state had lasted, in microseconds.
        lasted_us: u64,
        /// For what, if the agent is not ready now and it is known. From `not_ready` to `not_ready`:
        /// for something else from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        away: Option<AwayReason>,
    },
    /// The agent has been not ready for longer than the settings give for it.
    AwayTooLong {
        /// For what.
        away: AwayReason,
        /// How long that may be, in microseconds.
        limit_us: u64,
    },
    /// The agent has signed in at a shared phone, which is theirs from now on.
    SatDown {
        /// Which.
        phone: PhoneName,
    },
    /// The shared phone is theirs no longer.
    StoodUp {
        /// Which.
        phone: PhoneName,
    },
    /// Somebody wanted to sign in as the agent at a shared phone, with a wrong PIN or after too many.
    WrongPin {
        /// At which.
        phone: PhoneName,
        /// Whether even the right one is refused for a while.
        locked: bool,
    },
    /// A phone registered or refreshed (RFC 3261 section 10); a shared one under its own name.
    Registered {
        /// The contact's address of the phone, as a SIP URI.
        contact: String,
        /// Where requests to it are sent, `address:port` as seen in the REGISTER's source.
        source: String,
        /// The listener that it registered over.
        listener: u8,
        /// The phone's Call-ID, for the order of refreshes (RFC 3261 section 10.3).
        call_id: String,
        /// The phone's CSeq number.
        cseq: u32,
        /// When the binding ends, on the calendar.
        expires_at: UnixMicros,
    },
    /// A registration ended: removed by the phone, or expired.
    Unregistered {
        /// The contact's address, as registered.
        contact: String,
        /// True if it expired, false if the phone removed it.
        expired: bool,
    },
}
