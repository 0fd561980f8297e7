//! What the wallboard, the JSON and /metrics show: one snapshot of the fold, so that no two places
//! can disagree.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{
    AgentState, CallbackFailure, EndCause, Met, Outcome, TransferOutcome, TurnedAway,
};
use crate::id::{AgentId, AwayReason, CallId, PhoneName, QueueName, WrapUpCode};
use crate::time::{Time, UnixMicros};

use super::away::AwayLive;
use super::backends::BackendBook;
use super::bans::BanLive;
use super::bulletins::BulletinLive;
use super::callbacks::CallbackLive;
use super::messages::MessageLive;
use super::notifications::NotificationBook;
use super::service_level::Formula;
use super::speech::SpeechBook;
use super::surveys::SurveyBook;
use super::voice::Voice;
use super::wrap_up::{Said, WrapUpLive};

/// A snapshot of the figures. Counts named `today_*` cover the current day of the organisation's
/// time zone; totals count since the journal began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Live {
    /// When the snapshot was taken, on the calendar.
    pub at: UnixMicros,
    /// The same on the engine's monotonic clock.
    #[serde(skip)]
    pub time: Time,
    /// The organisation's name.
    pub organisation: String,
    /// The last journal entry that is in these figures.
    pub seq: u64,
    /// Calls up now.
    pub calls_active: u64,
    /// Queues in the order of their names.
    pub queues: Vec<QueueLive>,
    /// All queues together: today's figures by calls' first queue.
    pub today: Today,
    /// How many agents are in each state; every state is there.
    pub agents: BTreeMap<AgentState, u64>,
    /// Every agent; personal, so shown only to those who may see it.
    #[serde(skip)]
    pub agent_list: Vec<AgentLive>,
    /// Calls ended, by cause, since the journal began.
    #[serde(skip)]
    pub ended_total: BTreeMap<EndCause, u64>,
    /// Transfers that came to an end, by what came of them, since the journal began.
    #[serde(skip)]
    pub transfers_total: BTreeMap<TransferOutcome, u64>,
    /// Who is banned from sending SIP; personal, so shown only to supervisors.
    #[serde(skip)]
    pub bans: Vec<BanLive>,
    /// How legs sounded that are over, since the journal began.
    #[serde(skip)]
    pub voice: Voice,
    /// Every message that is open; personal, so shown only to those who may see it.
    #[serde(skip)]
    pub messages: Vec<MessageLive>,
    /// Every promise to ring somebody back that is open; personal, so shown only to those who may see
    /// it.
    #[serde(skip)]
    pub callbacks: Vec<CallbackLive>,
    /// Messages to all callers that are said now.
    #[serde(skip)]
    pub bulletins: Vec<BulletinLive>,
    /// What flows noted for advisers, by call; personal, so shown only to who serves it.
    #[serde(skip)]
    pub facts: BTreeMap<CallId, Vec<(String, String)>>,
    /// How back ends were asked, since the journal began.
    #[serde(skip)]
    pub backends: BackendBook,
    /// What callers were promised to be sent; personal, so shown only to supervisors.
    #[serde(skip)]
    pub notifications: NotificationBook,
    /// What callers said to flows, since the journal began.
    #[serde(skip)]
    pub speech: SpeechBook,
    /// For how many numbers it is remembered which adviser spoke with them last, and how many were forgotten
    /// before their time.
    #[serde(skip)]
    pub last_agents: (u64, u64),
    /// What callers answered to surveys' questions.
    pub surveys: SurveyBook,
    /// Of which conversations advisers can say something, and what; personal, so shown only to who had
    /// them and to supervisors.
    #[serde(skip)]
    pub wrap_ups: WrapUpLive,
    /// For what agents are not ready, by name.
    #[serde(rename = "not_ready")]
    pub away: Vec<AwayLive>,
    /// Wrong PINs at shared phones since the journal began.
    #[serde(skip)]
    pub wrong_pins: u64,
}

/// One queue now and today.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueLive {
    /// Its name in the settings.
    pub queue: QueueName,
    /// Its name for people.
    pub title: String,
    /// The standard in force, in seconds.
    pub standard_s: f64,
    /// Callers who wait now.
    pub waiting: u64,
    /// How long the longest of them has waited since the first entry of its episode, in seconds;
    /// none if nobody waits.
    pub longest_wait_s: Option<f64>,
    /// Today's figures by calls' first queue.
    pub today: Today,
    /// Since the journal began, by calls' first queue; never reset.
    #[serde(skip)]
    pub total: Totals,
    /// The difference in the balance of visits (`measures.md`): 0, or a defect.
    pub books_difference: i64,
    /// What callers left.
    pub messages: QueueMessages,
    /// What callers were promised.
    pub callbacks: QueueCallbacks,
    /// The agents who have its skills.
    #[serde(skip)]
    pub served_by: Vec<AgentId>,
}

/// What callers left for a queue.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct QueueMessages {
    /// Messages that are open: nobody has done yet what they ask for.
    pub open: u64,
    /// Of them, those that have been open for longer than the settings allow.
    pub overdue: u64,
    /// How long the oldest has been open, in seconds; none if there is none.
    pub oldest_s: Option<f64>,
    /// Messages left since the journal began.
    #[serde(skip)]
    pub left_total: u64,
    /// Messages that callers spoke and that could not be kept, since the journal began.
    #[serde(skip)]
    pub lost_total: u64,
}

/// Promises to ring callers of a queue back. Their calls are in the figures as such when they are taken,
/// and are never added to the answered.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct QueueCallbacks {
    /// Those that are open.
    pub open: u64,
    /// How long the oldest has been open, in seconds; none if there is none.
    pub oldest_s: Option<f64>,
    /// Taken since the journal began.
    #[serde(skip)]
    pub taken_total: u64,
    /// Kept in time since the journal began.
    #[serde(skip)]
    pub kept_total: u64,
    /// Kept late since the journal began.
    #[serde(skip)]
    pub kept_late_total: u64,
    /// Failed since the journal began, by why.
    #[serde(skip)]
    pub failed_total: BTreeMap<CallbackFailure, u64>,
}

/// A day's figures. Ratios are absent while there are no calls.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Today {
    /// Calls that entered a queue asking for a person.
    pub offered: u64,
    /// Of them, answered.
    pub answered: u64,
    /// Of them, answered within the standard.
    pub answered_within_standard: u64,
    /// Hung up while waiting.
    pub abandoned: u64,
    /// Of the abandoned, those below the short-abandon bound.
    pub short_abandons: u64,
    /// Left for a number or flow outside the queues.
    pub overflowed: u64,
    /// Took a callback.
    pub callbacks: u64,
    /// Left a message.
    pub voicemail: u64,
    /// Ended by the system.
    pub ended_by_system: u64,
    /// Still waiting.
    pub still_waiting: u64,
    /// Average speed of answer, in seconds.
    pub asa_s: Option<f64>,
    /// The longest wait of an answered call, in seconds.
    pub longest_wait_s: Option<f64>,
    /// A_T / O: the headline.
    pub answered_within_of_offered: Option<f64>,
    /// A_T / A.
    pub answered_within_of_answered: Option<f64>,
    /// A_T / (O - short abandons).
    pub excluding_short_abandons: Option<f64>,
    /// A_T / (O - B_T).
    pub excluding_abandons_within: Option<f64>,
    /// Calls of somebody who rang the same queue not long before.
    pub repeat_contacts: u64,
    /// Conversations of which the adviser says that the caller's business is done.
    pub resolved: u64,
    /// Conversations of which the adviser says that it is not.
    pub unresolved: u64,
    /// 1 - repeats among the resolved (`measures.md`).
    pub first_contact_resolution: Option<f64>,
    /// What conversations were about: how many advisers gave each code.
    pub wrap_ups: BTreeMap<WrapUpCode, u64>,
}

impl Today {
    /// The service level named by `formula`.
    pub fn service_level(&self, formula: Formula) -> Option<f64> {
        match formula {
            Formula::AnsweredWithinOfOffered => self.answered_within_of_offered,
            Formula::AnsweredWithinOfAnswered => self.answered_within_of_answered,
            Formula::ExcludingShortAbandons => self.excluding_short_abandons,
            Formula::ExcludingAbandonsWithin => self.excluding_abandons_within,
        }
    }

    /// Calls offered less those that have an outcome or still wait: 0, or a defect.
    pub fn difference(&self) -> i64 {
        let known = self.answered
            + self.abandoned
            + self.overflowed
            + self.callbacks
            + self.voicemail
            + self.ended_by_system
            + self.still_waiting;
        self.offered.wrapping_sub(known).cast_signed()
    }
}

/// Counters since the journal began.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// Calls offered.
    pub offered: u64,
    /// Calls answered.
    pub answered: u64,
    /// Answered within the standard in force at the answer.
    pub answered_within_standard: u64,
    /// Abandoned, not short.
    pub abandoned_long: u64,
    /// Abandoned, short.
    pub abandoned_short: u64,
    /// Calls that the queue did not take, by why not; whatever they came to after it.
    pub turned_away: BTreeMap<TurnedAway, u64>,
    /// How visits to this queue ended: every visit, whichever queue the call entered first and
    /// whether it had been answered before.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Of them, how waits after an answer (a transfer back to a queue) ended: they are in none of
    /// the other figures.
    pub later_outcomes: BTreeMap<Outcome, u64>,
    /// Waits of answered calls: counts for each bound of [`WAIT_BOUNDS_S`], not cumulative, one
    /// more for those above the last.
    pub wait_buckets: Vec<u64>,
    /// Sum of those waits, in seconds.
    pub wait_sum_s: f64,
    /// Times from INVITE to a person, in the same buckets.
    pub person_buckets: Vec<u64>,
    /// Sum of those times, in seconds.
    pub person_sum_s: f64,
    /// Answered callers who had been told how long the wait would probably be, by how it came out.
    pub told: BTreeMap<Met, u64>,
    /// What advisers say of the conversations.
    pub said: Said,
}

/// Upper bounds of the wait histograms, in seconds; the common standards are among them.
pub const WAIT_BOUNDS_S: [f64; 13] =
    [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0, 600.0, 1800.0];

/// One agent now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentLive {
    /// Who.
    pub agent: AgentId,
    /// The name shown to people.
    pub name: String,
    /// Doing what.
    pub state: AgentState,
    /// For how long, in seconds; none if the journal never saw another state.
    pub for_s: Option<f64>,
    /// For what, if the agent is not ready.
    pub reason: Option<AwayReason>,
    /// Whether the agent is not ready for longer than the settings give for that.
    pub over_limit: bool,
    /// Time not ready today, by what for, in seconds.
    pub not_ready_today_s: BTreeMap<AwayReason, f64>,
    /// Phones registered now, without the shared one.
    pub phones: u64,
    /// The shared phone at which the agent sits.
    pub desk: Option<PhoneName>,
    /// The call that the agent is part of; a caller's, if there are two.
    pub call: Option<CallId>,
    /// The call of the last conversation that a queue brought, while something can be said of it.
    pub wrap_up: Option<CallId>,
}
