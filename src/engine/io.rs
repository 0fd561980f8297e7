//! The one door of the core: what comes in, and what goes out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::acd::callback::CallbackError;
use crate::acd::command::{AgentChoice, ChoiceError};
use crate::acd::messages::{MessageChange, MessageError};
use crate::acd::wrap_up::WrapUpError;
use crate::assistant::Understanding;
use crate::backend::{Failed, Fetch, FetchId};
use crate::call::command::Question;
use crate::call::{SuperviseError, TransferError};
use crate::event::{AgentState, Entry, Note, RecordingEvent, Supervision, Verdict};
use crate::id::{
    AgentId, AwayReason, BulletinName, CallId, CallbackId, LegId, NotificationId, RecordingId,
};
use crate::media;
use crate::notification::{Bounce, Dispatch};
use crate::sip::guard::{BanError, Source};
use crate::sip::{ListenerId, Transmit};
use crate::time::UnixMicros;
use crate::trunk::names::{Answer, Query, ResolveError};

/// Identifies a request of the API until its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something that happened outside.
#[derive(Debug, Clone)]
pub enum Input {
    /// A SIP message arrived: a datagram, or one that was cut out of a stream.
    Datagram {
        /// On which listener.
        listener: ListenerId,
        /// From where.
        from: SocketAddr,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A connection is open whose far end has proved its name with a certificate. Comes before its
    /// messages.
    Named {
        /// Of which listener.
        listener: ListenerId,
        /// Its far end.
        peer: SocketAddr,
        /// The names in the certificate, in lower case (RFC 5922 section 7.1).
        names: Vec<String>,
    },
    /// What came over a connection could not be cut into messages.
    Unreadable {
        /// Of which listener.
        listener: ListenerId,
        /// Its far end.
        peer: SocketAddr,
    },
    /// A connection of a stream listener is closed, or could not be opened.
    Closed {
        /// Of which listener.
        listener: ListenerId,
        /// Its far end.
        peer: SocketAddr,
    },
    /// The domain name system has answered.
    Resolved {
        /// What was asked.
        query: Query,
        /// What it says.
        answer: Result<Answer, ResolveError>,
    },
    /// Media tell something.
    Media(media::command::Event),
    /// The wall clock shows this now: at the start, and whenever it was stepped.
    WallClock(UnixMicros),
    /// The API asks for something.
    Request {
        /// Echoed in the reply.
        id: RequestId,
        /// Who asks, for the journal.
        actor: Arc<str>,
        /// Whether the actor acts for themselves or as a supervisor.
        own: bool,
        /// What.
        request: Request,
    },
    /// What became of a recording: for the journal.
    Recording {
        /// Of which call, over or not.
        call: CallId,
        /// Which.
        recording: RecordingId,
        /// What.
        what: RecordingEvent,
    },
    /// An attempt to ask a back end is over.
    Fetched {
        /// Which.
        id: FetchId,
        /// What came of it.
        outcome: Result<crate::backend::Answer, Failed>,
        /// Whether the back end may have got the request.
        arrived: bool,
    },
    /// An attempt to send something is over.
    Dispatched {
        /// What.
        id: NotificationId,
        /// What the provider calls it, or why it was not taken.
        outcome: Result<Option<String>, Bounce>,
    },
    /// Something was heard of a caller who is listened to.
    Heard {
        /// By which listening.
        id: ListenId,
        /// What.
        news: SpeechNews,
    },
    /// The journal has committed everything up to here: the answer to [`Output::Commit`].
    Committed(u64),
    /// What a language model says of what was heard.
    Opinion {
        /// By which listening.
        id: ListenId,
        /// Its answer; none if it has given none in time.
        answer: Option<String>,
    },
    /// How the journal's writer fares. Sent whenever it changes.
    Journal(JournalHealth),
    /// New settings, checked: calls under way keep the flow that they began with.
    Settings(Arc<super::Plan>),
    /// Take no new calls from now on; calls under way go on.
    Drain,
    /// End every call now (`EndCause::Shutdown`).
    Stop,
}

/// Names a listening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenId(pub u64);

/// Somebody to be listened to.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Which listening.
    pub id: ListenId,
    /// The caller's leg.
    pub leg: LegId,
    /// What the caller is asked.
    pub question: Question,
    /// Where examples are of what can be said, if that is everything.
    pub understanding: Option<Arc<Understanding>>,
}

/// What a language model is asked of a caller's words.
#[derive(Debug, Clone)]
pub struct AskOpinion {
    /// Of which listening.
    pub id: ListenId,
    /// The words, without long rows of digits.
    pub text: String,
    /// What can be meant.
    pub understanding: Arc<Understanding>,
}

/// What a recogniser tells. All but the first ends the listening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeechNews {
    /// The caller has begun to speak.
    Began,
    /// Words.
    Words {
        /// In small letters, without punctuation.
        text: String,
        /// Whether the recogniser is sure of them.
        sure: bool,
    },
    /// Something was said that is none of what could be said.
    NoMatch,
    /// Nothing was said.
    Silence,
    /// Nobody can listen.
    Deaf,
}

/// How the journal's writer fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalHealth {
    /// Events that wait to be committed.
    pub backlog: usize,
    /// Whether new calls must be refused: the buffer is full.
    pub full: bool,
}

/// What the API can ask of the core. Reads are served from `stats` and never come here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// An agent's choice.
    Agent {
        /// Who.
        agent: AgentId,
        /// What.
        choice: AgentChoice,
    },
    /// An agent is to be not ready for a reason.
    Away {
        /// Who.
        agent: AgentId,
        /// For what.
        reason: AwayReason,
    },
    /// More time for the work of an agent's last call.
    MoreTime {
        /// Whose.
        agent: AgentId,
    },
    /// What a conversation was about.
    WrapUp {
        /// In which call.
        call: CallId,
        /// Whose conversation; none for whoever was in the call last (supervisors).
        agent: Option<AgentId>,
        /// What is counted of it.
        verdict: Verdict,
        /// In words.
        note: Option<Note>,
    },
    /// Ban a source of SIP (supervisors).
    Ban {
        /// Which.
        source: Source,
        /// How long.
        lasts: Duration,
    },
    /// Lift a ban (supervisors).
    LiftBan {
        /// Whose.
        source: Source,
    },
    /// Say a message to all callers, or no longer (supervisors).
    Bulletin {
        /// Which.
        bulletin: BulletinName,
        /// Whether it is to be said.
        on: bool,
    },
    /// Work on a message.
    Message {
        /// Which.
        message: RecordingId,
        /// What is to be done with it.
        change: MessageChange,
        /// Who, if it is an agent: they must serve its queue.
        agent: Option<AgentId>,
    },
    /// Take back a promise to ring somebody back (supervisors).
    CancelCallback {
        /// Which.
        callback: CallbackId,
    },
    /// Hang up a call (supervisors).
    HangUp {
        /// Which.
        call: CallId,
    },
    /// Hand a call on without asking first.
    Transfer {
        /// Which.
        call: CallId,
        /// Where to, as an agent would dial it.
        to: String,
        /// Who hands it on; none for whichever agent is part of it (supervisors).
        agent: Option<AgentId>,
    },
    /// Let a supervisor into a conversation (supervisors).
    Supervise {
        /// Which.
        call: CallId,
        /// Whose phone is rung.
        agent: AgentId,
        /// As what.
        mode: Supervision,
    },
    /// A supervisor in a conversation does something else (supervisors).
    SuperviseAs {
        /// Which.
        call: CallId,
        /// Who; none for whichever is there.
        agent: Option<AgentId>,
        /// What.
        mode: Supervision,
    },
    /// A supervisor leaves a conversation (supervisors).
    StopSupervising {
        /// Which.
        call: CallId,
        /// Who; none for whichever is there.
        agent: Option<AgentId>,
    },
    /// An agent brings whom they have asked in another call into the conversation.
    Conference {
        /// One of the two calls.
        call: CallId,
        /// Who; none for whichever agent is part of it (supervisors).
        agent: Option<AgentId>,
    },
    /// Record nothing of a call until it is resumed, or go on.
    PauseRecording {
        /// Which.
        call: CallId,
        /// Whether it is paused or resumed.
        pause: bool,
        /// Who must be part of it; none for supervisors.
        agent: Option<AgentId>,
    },
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done; the agent is now in this state.
    Agent(AgentState),
    /// Done.
    Done,
    /// The choice cannot be carried out.
    ChoiceRefused(ChoiceError),
    /// No such call is up.
    UnknownCall,
    /// The source is banned.
    Banned {
        /// Until when, on the calendar.
        until: UnixMicros,
    },
    /// The source cannot be banned.
    BanRefused(BanError),
    /// The source is not banned.
    NotBanned,
    /// The call is not being recorded.
    NotRecorded,
    /// The call cannot be handed on now.
    TransferRefused(TransferError),
    /// Nobody can be reached by what was given.
    UnknownDestination,
    /// The agent may not ring that number.
    NotAllowedOutside,
    /// The conversation cannot be supervised so.
    SuperviseRefused(SuperviseError),
    /// There are no two conversations of the agent that could be joined.
    NoConference,
    /// The message cannot be worked on.
    MessageRefused(MessageError),
    /// The promise cannot be taken back.
    CallbackRefused(CallbackError),
    /// No flow says a message of that name.
    UnknownBulletin,
    /// Nothing can be said of the conversation, or not that.
    WrapUpRefused(WrapUpError),
}

/// Something to be done outside.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send a datagram.
    Transmit(Transmit),
    /// Tell media.
    Media(media::command::Command),
    /// Ask the domain name system; [`Input::Resolved`] brings the answer.
    Resolve(Query),
    /// Ask a back end; [`Input::Fetched`] brings what comes of it.
    Fetch(Fetch),
    /// Send something; [`Input::Dispatched`] brings what comes of it.
    Dispatch(Dispatch),
    /// Listen to a caller; [`Input::Heard`] brings what is heard, at last that it is over.
    Listen(Listen),
    /// Listen no longer.
    StopListening(ListenId),
    /// Ask a language model; [`Input::Opinion`] brings its answer, or that there is none.
    AskOpinion(AskOpinion),
    /// Keep an event.
    Journal(Entry),
    /// Say when the journal has committed everything up to `after` ([`Input::Committed`]): something
    /// that a person is told, or that must not happen twice, rests on it.
    Commit {
        /// The journal position.
        after: u64,
    },
    /// Answer the API once the journal has committed everything up to `after`.
    Reply {
        /// The request's id.
        id: RequestId,
        /// The answer.
        reply: Reply,
        /// The journal position that the answer's promise rests on.
        after: u64,
    },
}
