//! The words between a call and its controller (a flow, an assistant, an agent's desk). A
//! controller sends [`Command`]s and reads [`Notice`]s and knows nothing of SIP, SDP or RTP.

use std::time::Duration;

use jiff::civil::DateTime;

use crate::backend::{Answer, Ask, Failed};
use crate::event::{EndCause, HandOver, Outlook, Said, TransferOutcome};
use crate::id::{
    Ability, BulletinName, CalendarName, CallbackId, FlowName, IntentName, NodeName, PromptName,
    QueueName,
};
use crate::media::command::{Key, SecretKey};
use crate::notification::Notification;

pub use super::speech::{Candidate, Heard, Question, Utterance};

/// What a controller asks of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Notes in the journal that the caller came to a node.
    Enter {
        /// Of which flow.
        flow: FlowName,
        /// Which node.
        node: NodeName,
    },
    /// Notes in the journal that the caller chose in a menu.
    Chose {
        /// At which node.
        node: NodeName,
        /// The key.
        key: Key,
    },
    /// Plays prompts in order, replacing what plays. Answered by [`Notice::Played`].
    Play {
        /// Which prompts.
        prompts: Vec<PromptName>,
    },
    /// Stops what plays.
    StopPlaying,
    /// Asks for [`Notice::TimerDone`] after a time; replaces an earlier one. One timer for each
    /// controller.
    SetTimer {
        /// How long.
        after: Duration,
    },
    /// Forgets the timer.
    CancelTimer,
    /// Asks whether a calendar is open now. Answered by [`Notice::Hours`].
    AskHours {
        /// Which calendar.
        calendar: CalendarName,
    },
    /// Asks whether a bulletin is to be said. Answered by [`Notice::Bulletin`].
    AskBulletin {
        /// Which.
        bulletin: BulletinName,
    },
    /// Plays music, in a queue the queue's, until something else is played or it is stopped.
    PlayMusic,
    /// Asks a back end. Answered by [`Notice::Answered`].
    Request(Ask),
    /// Promises the caller to be sent something. Answered by [`Notice::Promised`].
    Send(Notification),
    /// Listens to the caller from now on, for one utterance. Answered by [`Notice::Heard`]: when the
    /// caller begins to speak, and once with what was said.
    Listen {
        /// What the caller is asked.
        question: Question,
    },
    /// Listens no longer.
    StopListening,
    /// Notes in the journal what the caller said.
    Said(Said),
    /// Notes in the journal how the caller answered a survey's question.
    Rate {
        /// Which.
        question: String,
        /// From 1 to 5, the best.
        score: u8,
    },
    /// Notes in the journal that the caller is handed over to people.
    HandOver {
        /// Why.
        reason: HandOver,
        /// What the call is about.
        intent: Option<IntentName>,
    },
    /// Notes a fact for the adviser.
    Note {
        /// What the adviser's screen calls it.
        label: String,
        /// The fact.
        fact: String,
    },
    /// The caller begins to key in what nobody may see, or has done so.
    Secret {
        /// Which of the two.
        on: bool,
    },
    /// Puts the call into a queue: it gets a ticket (or keeps its place in time if it has one) and
    /// the caller hears music ([`Notice::Waiting`]). The controller may go on telling and asking,
    /// until [`Notice::QueueLeft`]; if the caller is answered, it is over. For a caller who waits in
    /// this very queue it means that they go on doing so.
    Queue {
        /// Which queue.
        queue: QueueName,
        /// Skills that the call needs besides the queue's own.
        skills: Vec<Ability>,
        /// Skills that are preferred besides those that the queue prefers.
        prefers: Vec<Ability>,
        /// Before whom the call goes, in this queue and those that it is moved to.
        priority: Priority,
        /// What to do with the caller if the queue closes while they wait.
        at_closing: AtClosing,
        /// Whether a caller who is still there when the agent has hung up is led on
        /// ([`Notice::CallOver`]).
        after_call: bool,
    },
    /// Asks what a caller who waits is to be told of their place and of the wait. Answered by
    /// [`Notice::Outlook`]; it counts as told.
    AskOutlook {
        /// What there are words for.
        words: OutlookWords,
    },
    /// Asks whether the caller can be promised to be rung back. Answered by [`Notice::Callback`].
    AskCallback {
        /// By whose advisers.
        queue: QueueName,
        /// Where, if that is known.
        number: Option<String>,
        /// The day and time where the council is, if one is appointed.
        time: Option<DateTime>,
    },
    /// Promises the caller to be rung back; their place in the queue is the promise's from now on.
    /// Answered by [`Notice::Callback`], once the promise is recorded.
    TakeCallback {
        /// By whose advisers.
        queue: QueueName,
        /// Skills that the call needs besides the queue's own.
        skills: Vec<Ability>,
        /// Before whom it goes.
        priority: Priority,
        /// Where.
        number: String,
        /// The day and time where the council is, if one is appointed; with it the place in the queue is
        /// given up.
        time: Option<DateTime>,
    },
    /// Rings somebody outside or one agent, and joins them to the caller if they answer; then the
    /// controller is over. Answered by [`Notice::NotConnected`] if they do not.
    Connect {
        /// Which flow does so.
        flow: FlowName,
        /// What an agent would dial to reach them.
        to: String,
        /// For how long it rings; what the settings say for transfers if nothing is said.
        rings: Option<Duration>,
    },
    /// Beeps and takes a message of the caller's, until [`Command::EndMessage`], the caller's silence
    /// or the longest time. Answered by [`Notice::MessageEnded`].
    TakeMessage {
        /// For whom.
        queue: QueueName,
        /// The longest that it may be.
        longest: Duration,
    },
    /// Ends the message that is being taken.
    EndMessage,
    /// Ends the call.
    HangUp {
        /// Why.
        cause: EndCause,
    },
}

/// No more is said to whoever has picked up, before the answer, than fits into this.
pub const LONGEST_PREFACE: Duration = Duration::from_secs(12);

/// Which of those who wait goes first: the lower number, whatever it is. Callers of the same number are
/// served in the order of their first entry. 0 unless somebody says otherwise.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Priority(pub i32);

/// What happens to those who wait when the queue's hours end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtClosing {
    /// Whoever waits is still served.
    #[default]
    Serve,
    /// Whoever waits is handed back to the flow, which tells them.
    Tell,
}

/// What a controller can tell callers who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutlookWords {
    /// Their place.
    pub position: bool,
    /// How long the wait will probably be.
    pub wait: bool,
    /// That one of these has become worse. Without words for that, nothing is told that has.
    pub worse: bool,
}

/// Whether somebody can be, or is, promised to be rung back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallbackAnswer {
    /// It can be.
    Good,
    /// It is, and the journal has it.
    Promised(CallbackId),
    /// It is promised already to the same number.
    Known,
    /// The number must not be dialled.
    NotAllowed,
    /// As many are promised as may be, the queue is closed, or there is no way to ring anybody.
    NotNow,
}

/// Why a queue handed a caller back to the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueReturn {
    /// The queue's hours are over (now, or already when the caller came).
    Closed,
    /// As many wait as the queue's limit allows.
    Full,
    /// The caller has waited as long as the queue's limit allows.
    WaitedTooLong,
    /// No agent who could serve the call is signed in, and the queue does not let callers wait then.
    NobodyOnDuty,
}

/// What a call tells its controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The caller's leg is answered and media flow: begin.
    Started,
    /// The prompts asked for last have been played to their end.
    Played,
    /// The caller pressed a key.
    Key(Key),
    /// The caller pressed a key that nobody else may see.
    SecretKey(SecretKey),
    /// The timer asked for last is over.
    TimerDone,
    /// The answer to [`Command::AskHours`].
    Hours {
        /// Whether the calendar is open.
        open: bool,
    },
    /// The answer to [`Command::AskBulletin`].
    Bulletin {
        /// Whether it is to be said.
        on: bool,
    },
    /// What a back end has answered to [`Command::Request`].
    Answered(Result<Answer, Failed>),
    /// The answer to [`Command::Send`].
    Promised {
        /// Whether it is promised: the journal has it. If not, it cannot be sent there, or no more can
        /// be sent now.
        kept: bool,
    },
    /// What was heard of the caller since [`Command::Listen`].
    Heard(Heard),
    /// The message that was to be taken is over.
    MessageEnded {
        /// Whether it is kept: the journal and the disk have it. If not, nothing was said, the queue's
        /// box is full, or it could not be written.
        kept: bool,
    },
    /// What came of [`Command::AskCallback`] or [`Command::TakeCallback`].
    Callback(CallbackAnswer),
    /// The answer to [`Command::AskOutlook`].
    Outlook(Outlook),
    /// The caller waits in the queue and hears its music.
    Waiting,
    /// Whoever was rung ([`Command::Connect`]) has not taken the call.
    NotConnected(TransferOutcome),
    /// The queue hands the caller back.
    QueueLeft(QueueReturn),
    /// The caller talks with somebody from now on.
    Joined,
    /// The agent has hung up, and the caller is still there.
    CallOver,
    /// The caller is back from a conversation because nobody took them: begin anew.
    CameBack,
}
