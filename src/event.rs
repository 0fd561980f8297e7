//! The journal's vocabulary: what happened, in the words that every figure is folded from.
//!
//! An [`Entry`] is one line of the journal. Whatever matters to a person is an event here; metrics,
//! the wallboard, records and reports derive from these and from nothing else, so a replay gives
//! the same numbers. Durations are measured on the monotonic clock by whoever emits the event and
//! written in whole microseconds: a stepped wall clock never changes a wait.

use serde::{Deserialize, Serialize};

use crate::id::{
    Ability, AgentId, CallId, CallbackId, FlowName, IntentName, LegId, NodeName, NotificationId,
    QueueName, RecordingId,
};
use crate::time::{Time, UnixMicros};

mod agent;
mod backend;
mod callback;
mod cause;
mod decision;
mod guard;
mod history;
mod message;
mod notification;
mod outlook;
mod quality;
mod recording;
mod speech;
mod supervise;
mod system;
mod transfer;
mod trunk;
mod turned_away;
mod wrap_up;

pub use agent::{AgentEvent, AgentState, StateReason};
pub use backend::{Exchange, Failed, Standing};
pub use callback::{CallbackEvent, CallbackFailure, Miss};
pub use cause::{EndCause, Fault, Party};
pub use decision::{
    Candidate, Choose, Decision, LastAgent, NotWaitedFor, Place, TOLD, Unable, seconds_in_words,
};
pub use guard::{BanReason, UnbanReason};
pub use history::History;
pub use message::MessageEvent;
pub use notification::{Channel, NotificationEvent, SendFault, Unpromised};
pub use outlook::{Met, Outlook, WaitRange};
pub use quality::{LegQuality, StreamQuality};
pub use recording::{PauseReason, RecordingEvent, RecordingFault, RecordingRule};
pub use speech::{Became, HandOver, Said, Slot, masked};
pub use supervise::Supervision;
pub use system::{
    AwayInForce, QueueSettingsInForce, QueueWrapUpInForce, RefusalReason, SystemEvent,
    WrapUpInForce,
};
pub use transfer::{Destination, Peer, Purpose, TransferKind, TransferOutcome};
pub use trunk::{OutboundRefusal, Through};
pub use turned_away::TurnedAway;
pub use wrap_up::{LONGEST_NOTE, Note, Verdict, WrapUp};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the journal: 1, 2, 3 ... over all runs, without gaps.
    pub seq: u64,
    /// When, on the calendar.
    pub at: UnixMicros,
    /// When, on the monotonic clock of the run that wrote it.
    pub time: Time,
    /// What.
    pub event: Event,
}

/// What happened, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Event {
    /// To a call.
    Call {
        /// Whose life this is part of.
        call: CallId,
        /// What happened to it.
        #[serde(flatten)]
        event: CallEvent,
    },
    /// To an agent.
    Agent {
        /// Who.
        agent: AgentId,
        /// What happened.
        #[serde(flatten)]
        event: AgentEvent,
    },
    /// To a message that a caller left.
    Message {
        /// Which.
        message: RecordingId,
        /// What happened.
        #[serde(flatten)]
        event: MessageEvent,
    },
    /// To a promise to ring somebody back.
    Callback {
        /// Which.
        callback: CallbackId,
        /// What happened.
        #[serde(flatten)]
        event: CallbackEvent,
    },
    /// To a text message or e-mail that a caller was promised.
    Notification {
        /// Which.
        notification: NotificationId,
        /// What happened.
        #[serde(flatten)]
        event: NotificationEvent,
    },
    /// To the engine as a whole.
    System {
        /// What happened.
        #[serde(flatten)]
        event: SystemEvent,
    },
}

/// Who rings, as far as the network tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caller {
    /// The number or SIP user part; none if withheld or unknown.
    pub number: Option<String>,
    /// The display name; none if withheld or not given.
    pub name: Option<String>,
    /// The caller asked that neither is shown (RFC 3323; `anonymous`).
    pub withheld: bool,
}

/// A moment in a call's life, in the order in which they can occur.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CallEvent {
    /// The INVITE was admitted; or the turn of a promised call back has come.
    Arrived {
        /// The caller's leg.
        leg: LegId,
        /// Who rings.
        caller: Caller,
        /// The user part that was dialled.
        called: String,
        /// The flow that the number belongs to; none for what only agents can dial.
        flow: Option<FlowName>,
        /// The agent whose phone rings us, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<AgentId>,
        /// Through which trunk it came; none for agents' phones and for strangers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        through: Option<Through>,
        /// The promise that we keep with it: then nobody rang, and `caller` is whom we ring.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        callback: Option<CallbackId>,
    },
    /// We answered the caller's leg (200 OK sent).
    LegAnswered {
        /// INVITE to 200, in microseconds.
        after_us: u64,
    },
    /// The flow came to a node.
    NodeEntered {
        /// In which flow.
        flow: FlowName,
        /// Which node.
        node: NodeName,
    },
    /// The caller chose in a menu.
    Chose {
        /// At which node.
        node: NodeName,
        /// The key.
        key: char,
    },
    /// A fact about the caller's business, for whoever serves them.
    Noted {
        /// What it is called.
        label: String,
        /// The fact, cut at 200 characters.
        fact: String,
    },
    /// A back end was asked.
    Asked(Exchange),
    /// The caller said something to a flow.
    Said(Said),
    /// The caller answered a survey's question.
    Rated {
        /// Which.
        question: String,
        /// From 1 to 5, the best.
        score: u8,
    },
    /// A flow hands the caller over to people although it had meant to serve them itself.
    HandedOver {
        /// Why.
        #[serde(flatten)]
        reason: HandOver,
        /// What the call is about, as far as that was understood.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intent: Option<IntentName>,
    },
    /// The caller began to wait for a person in a queue.
    QueueEntered {
        /// Which queue.
        queue: QueueName,
        /// Skills that the call needs.
        skills: Vec<Ability>,
        /// Whether this is the call's first entry into any queue (then the call counts as offered).
        first: bool,
        /// 1 for the first wait of the call, 2 for a wait after an answer, and so on.
        episode: u32,
        /// Where the caller stands.
        #[serde(default)]
        place: Place,
    },
    /// The caller was told of their place, or how long the wait will probably be.
    Told {
        /// In which queue.
        queue: QueueName,
        /// What.
        outlook: Outlook,
    },
    /// The caller has waited so long that others may serve them too.
    Relaxed {
        /// In which queue.
        queue: QueueName,
        /// Whoever has these.
        skills: Vec<Ability>,
        /// How long this visit to the queue has lasted, in microseconds.
        visit_us: u64,
    },
    /// The caller waited for the agent who spoke with their number last, and does not any more.
    WaitsForAnybody {
        /// In which queue.
        queue: QueueName,
        /// For whom they waited.
        agent: AgentId,
        /// Why they do not any more.
        why: NotWaitedFor,
        /// How long this visit to the queue has lasted, in microseconds.
        visit_us: u64,
    },
    /// An agent's phones began to ring for this call.
    Offered {
        /// For which queue.
        queue: QueueName,
        /// To whom.
        agent: AgentId,
        /// The legs that ring, one for each contact.
        legs: Vec<LegId>,
        /// Why this agent.
        #[serde(default)]
        decision: Decision,
    },
    /// An offer ended.
    OfferEnded {
        /// To whom it was made.
        agent: AgentId,
        /// How.
        outcome: OfferOutcome,
        /// How long it rang, in microseconds.
        rang_us: u64,
    },
    /// A phone of the agent was picked up, and what is said before the answer is over. The caller
    /// waited all the while.
    Prefaced {
        /// Whose phone.
        agent: AgentId,
        /// The phone's leg.
        leg: LegId,
        /// How long the agent was told of the caller, in microseconds.
        whispered_us: u64,
        /// How long both were told whom they have, in microseconds.
        greeted_us: u64,
    },
    /// The answer: caller and agent are joined.
    Joined {
        /// For which queue.
        queue: QueueName,
        /// With whom.
        agent: AgentId,
        /// The agent's leg.
        leg: LegId,
        /// From the first queue entry of this episode to now, in microseconds.
        wait_us: u64,
        /// From the last queue entry (this visit) to now, in microseconds.
        visit_us: u64,
        /// From the INVITE's arrival to now (menus included), in microseconds.
        to_person_us: u64,
        /// See [`CallEvent::QueueEntered`].
        episode: u32,
    },
    /// A queue did not take the call. What comes then is the flow's.
    TurnedAway {
        /// Which queue.
        queue: QueueName,
        /// Why not.
        why: TurnedAway,
    },
    /// A visit to a queue ended. Follows [`CallEvent::Joined`] at once for [`Outcome::Answered`].
    QueueLeft {
        /// Which queue.
        queue: QueueName,
        /// How.
        outcome: Outcome,
        /// From the first queue entry of this episode to now, in microseconds.
        wait_us: u64,
        /// See [`CallEvent::QueueEntered`].
        episode: u32,
    },
    /// Caller and agent are no longer joined.
    Parted {
        /// For which queue they were joined.
        queue: QueueName,
        /// Who the caller had.
        agent: AgentId,
        /// Talk time, in microseconds (hold excluded).
        talk_us: u64,
        /// Hold time, in microseconds.
        hold_us: u64,
        /// Who ended it.
        by: Party,
    },
    /// Phones began to ring for this call because somebody chose whom to ring.
    Dialled {
        /// Whom.
        to: Peer,
        /// The legs that ring.
        legs: Vec<LegId>,
        /// What for.
        purpose: Purpose,
    },
    /// That ringing ended.
    DialEnded {
        /// Who was rung.
        to: Peer,
        /// How.
        outcome: OfferOutcome,
        /// How long it lasted, in microseconds.
        rang_us: u64,
    },
    /// A segment began that no queue brought: the call's other side is joined to `to`. Ends with
    /// [`CallEvent::Disconnected`]; a segment that a queue brought begins with
    /// [`CallEvent::Joined`] and ends with [`CallEvent::Parted`].
    Connected {
        /// With whom.
        to: Peer,
        /// Their leg.
        leg: LegId,
        /// What for.
        purpose: Purpose,
    },
    /// That segment ended.
    Disconnected {
        /// Who is no longer part of the call.
        from: Peer,
        /// Talk time, in microseconds (hold excluded).
        talk_us: u64,
        /// Hold time, in microseconds.
        hold_us: u64,
        /// Who ended it.
        by: Party,
    },
    /// An agent's conversation goes on on another phone of the same agent (RFC 3891).
    PhoneChanged {
        /// Whose.
        agent: AgentId,
        /// The leg that took the place of the former one.
        leg: LegId,
    },
    /// Somebody asked that the call's other side is connected elsewhere.
    TransferStarted {
        /// The agent who hands the call on.
        by: AgentId,
        /// Where to.
        to: Destination,
        /// In which way.
        kind: TransferKind,
        /// Who asked, if it was not the agent's own phone: an actor of the API.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<String>,
    },
    /// What came of it. Unless it was completed, the other side is with the agent as before, or is
    /// brought back to them.
    TransferEnded {
        /// How.
        outcome: TransferOutcome,
    },
    /// Nothing came of a transfer from the start: where it was to go is unknown or forbidden, or
    /// another one is under way. The conversation goes on.
    TransferRefused {
        /// The agent who wanted to hand the call on.
        by: AgentId,
        /// Where to, as it was dialled, cut at 64 characters.
        to: String,
        /// The SIP status that says why.
        status: u16,
    },
    /// Somebody has asked for a supervisor to be let into the conversation; the supervisor's phones ring.
    SupervisorAsked {
        /// The supervisor.
        agent: AgentId,
        /// As what.
        mode: Supervision,
        /// Who asked: an actor of the API.
        actor: String,
        /// The legs that ring.
        legs: Vec<LegId>,
    },
    /// A supervisor is in the conversation.
    SupervisorJoined {
        /// Who.
        agent: AgentId,
        /// As what.
        mode: Supervision,
        /// Their leg.
        leg: LegId,
    },
    /// A supervisor does something else from now on.
    SupervisorChanged {
        /// Who.
        agent: AgentId,
        /// What.
        mode: Supervision,
        /// Who asked, if it was not the supervisor's own phone: an actor of the API.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<String>,
    },
    /// A supervisor has left, or has not come although asked for.
    SupervisorLeft {
        /// Who.
        agent: AgentId,
        /// How long they were in the conversation, in microseconds; 0 if they never were.
        present_us: u64,
    },
    /// A third party is in the conversation: somebody whom an agent had asked in another call.
    ConferenceJoined {
        /// Who.
        who: Peer,
        /// Their leg.
        leg: LegId,
        /// The agent who brought them in.
        by: AgentId,
        /// The call in which they were asked; it ends ([`EndCause::Merged`]).
        consulted: CallId,
        /// Who asked, if it was not the agent's own phone: an actor of the API.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<String>,
    },
    /// A third party has left the conversation, or has become one of its two sides because one of them
    /// has left.
    ConferenceLeft {
        /// Who.
        who: Peer,
        /// How long they were the third, in microseconds.
        present_us: u64,
    },
    /// The caller began to speak a message.
    MessageBegan {
        /// Which message.
        message: RecordingId,
        /// For whom.
        queue: QueueName,
        /// By whom.
        caller: Caller,
    },
    /// The caller has spoken it. If it is to be kept, [`MessageEvent::Left`] follows once it is, or
    /// [`MessageEvent::Lost`].
    MessageSpoken {
        /// Which message.
        message: RecordingId,
        /// How long it is, in microseconds; none if it is too short to be kept.
        length_us: Option<u64>,
    },
    /// A leg's media were closed; what was seen on it.
    LegClosed {
        /// Which leg.
        leg: LegId,
        /// Packets received and accepted.
        received: u64,
        /// Packets sent.
        sent: u64,
        /// Packets dropped (late, foreign, malformed).
        dropped: u64,
        /// How it sounded.
        #[serde(default)]
        quality: LegQuality,
    },
    /// A recording of the call began, changed, or was kept. What becomes of it once it is over can come
    /// after [`CallEvent::Ended`].
    Recording {
        /// Which recording.
        recording: RecordingId,
        /// What happened to it.
        #[serde(flatten)]
        what: RecordingEvent,
    },
    /// An adviser says what the conversation was about. It can come after [`CallEvent::Ended`].
    WrappedUp(WrapUp),
    /// The call is over. Exactly one for each call, and the last of its events apart from
    /// [`CallEvent::LegClosed`], what becomes of its recording and what advisers say of it.
    Ended {
        /// Why, and whose doing.
        cause: EndCause,
        /// From arrival to end, in microseconds.
        duration_us: u64,
    },
}

/// How an offer to an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferOutcome {
    /// The agent answered and was joined to the caller.
    Accepted,
    /// The phones rang and nobody answered in time (RONA: redirection on no answer).
    NoAnswer,
    /// The agent refused (busy, decline).
    Rejected,
    /// No phone could be reached (no contact, error, no reply).
    Unreachable,
    /// The caller hung up while the phones rang.
    CallerLeft,
    /// We took the offer back (closing time, shutdown, agent signed out).
    Withdrawn,
    /// Somebody else who was rung for the caller at the same time answered first.
    AnsweredElsewhere,
}

/// How waiting in a queue ended (`measures.md`: outcome). One for each visit; the one that is not
/// `Moved` is the call's outcome for the episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Joined to an agent.
    Answered,
    /// The caller hung up while waiting.
    Abandoned,
    /// Left for a number or flow outside the queues.
    Overflowed,
    /// A callback was promised.
    CallbackTaken,
    /// A message was left.
    Voicemail,
    /// Ended by the system: closure, limit, fault.
    EndedBySystem,
    /// Moved to another queue; the wait goes on.
    Moved,
}

#[cfg(test)]
mod tests;
