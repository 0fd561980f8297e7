//! What the settings file says of a queue, and of whose turn it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::event::Choose;
use crate::id::{Ability, CalendarName, PromptName, Skill, WrapUpCode};

pub use super::away::AwaySettings;
pub use super::callback::{CallbackSettings, LEAST_RING_S};
pub use super::wrap_up::{LONGEST_WITHIN_S, WrapUpSettings};

/// One queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSettings {
    /// The name shown to people ("Waste and recycling").
    pub title: String,
    /// A short name for phones' displays ("Waste"); the title if not given.
    #[serde(default)]
    pub short_title: Option<String>,
    /// What agents dial to reach whoever serves the queue, besides its name.
    #[serde(default)]
    pub extension: Option<String>,
    /// The number that people see who are rung for its callers; the trunk's if not given.
    #[serde(default)]
    pub number: Option<String>,
    /// Skills that every call in this queue needs, with the level that they need.
    #[serde(default)]
    pub skills: Vec<Ability>,
    /// Of those who can serve a caller, who meets most of these goes before the others.
    #[serde(default)]
    pub prefers: Vec<Ability>,
    /// Who else may serve a caller who has waited, in the order of the waits.
    #[serde(default)]
    pub relax: Vec<Relaxation>,
    /// Who is chosen of those who can serve a caller.
    #[serde(default)]
    pub choose: Choose,
    /// How many agents are rung at once for one caller, where `choose` is [`Choose::RingAll`].
    #[serde(default = "default_ring_at_most")]
    pub ring_at_most: usize,
    /// How long a caller waits for the agent who spoke with their number last, in seconds; none if for nobody
    /// in particular.
    #[serde(default)]
    pub last_agent_s: Option<u32>,
    /// For how long it is remembered who that was, in hours.
    #[serde(default = "default_last_agent_within_h")]
    pub last_agent_within_h: u32,
    /// The standard: answers within this time count, in seconds.
    #[serde(default = "default_standard_s")]
    pub standard_s: u32,
    /// Hang-ups before this are short abandons, in seconds.
    #[serde(default = "default_short_abandon_s")]
    pub short_abandon_s: u32,
    /// How long an agent's phones ring, in seconds.
    #[serde(default = "default_ring_s")]
    pub ring_s: u32,
    /// After how many offers in a row that nobody answers an agent is not ready.
    #[serde(default = "default_not_ready_after")]
    pub not_ready_after: u32,
    /// Time for the call's work after it, in seconds; 0 for none.
    #[serde(default = "default_wrap_up_s")]
    pub wrap_up_s: u32,
    /// The longest that it can be made by asking for more time, in seconds.
    #[serde(default = "default_wrap_up_most_s")]
    pub wrap_up_most_s: u32,
    /// The codes that fit its calls; all of `[wrap_up.codes]` if none are given.
    #[serde(default)]
    pub wrap_up_codes: Vec<WrapUpCode>,
    /// Whether the call's work is not over before a code is given.
    #[serde(default)]
    pub wrap_up_required: bool,
    /// What an agent is told of a caller between picking up and the answer.
    #[serde(default)]
    pub whisper: Words,
    /// What both are told before they have each other; `{adviser}` is the agent's name.
    #[serde(default)]
    pub greeting: Words,
    /// Music for those who wait.
    #[serde(default = "default_music")]
    pub music: PromptName,
    /// Hours; always open if not given.
    #[serde(default)]
    pub hours: Option<CalendarName>,
    /// How many may wait; unlimited if not given.
    #[serde(default)]
    pub max_waiting: Option<usize>,
    /// How long a caller may wait before going back to the flow, in seconds; unlimited if not given.
    #[serde(default)]
    pub max_wait_s: Option<u32>,
    /// How many messages may be open; callers can leave no more then.
    #[serde(default = "default_max_messages")]
    pub max_messages: usize,
    /// A message that has been open for this long is told as overdue, and again after as long, in
    /// seconds.
    #[serde(default = "default_message_alert_s")]
    pub message_alert_s: u32,
    /// Promises to ring callers back.
    #[serde(default)]
    pub callback: CallbackSettings,
    /// Whether callers may wait while nobody who could serve them is signed in.
    #[serde(default = "yes")]
    pub wait_when_unstaffed: bool,
}

impl QueueSettings {
    /// A queue with every setting as it is where the file says nothing.
    pub fn titled(title: &str) -> Self {
        QueueSettings {
            title: title.to_owned(),
            short_title: None,
            extension: None,
            number: None,
            skills: Vec::new(),
            prefers: Vec::new(),
            relax: Vec::new(),
            choose: Choose::default(),
            ring_at_most: default_ring_at_most(),
            last_agent_s: None,
            last_agent_within_h: default_last_agent_within_h(),
            standard_s: default_standard_s(),
            short_abandon_s: default_short_abandon_s(),
            ring_s: default_ring_s(),
            not_ready_after: default_not_ready_after(),
            wrap_up_s: default_wrap_up_s(),
            wrap_up_most_s: default_wrap_up_most_s(),
            wrap_up_codes: Vec::new(),
            wrap_up_required: false,
            whisper: Words::default(),
            greeting: Words::default(),
            music: default_music(),
            hours: None,
            max_waiting: None,
            max_wait_s: None,
            max_messages: default_max_messages(),
            message_alert_s: default_message_alert_s(),
            callback: CallbackSettings::default(),
            wait_when_unstaffed: yes(),
        }
    }

    /// How long it must be remembered who spoke with a number last, in microseconds; none if it need not be.
    pub fn last_agent_within_us(&self) -> Option<u64> {
        self.last_agent_s.map(|_| u64::from(self.last_agent_within_h) * 3_600_000_000)
    }

    /// How many agents may be rung at once for one caller.
    pub(super) fn rung_at_once(&self) -> usize {
        match self.choose {
            Choose::RingAll => self.ring_at_most.max(1),
            Choose::LongestIdle
            | Choose::MostSkilled
            | Choose::LeastOccupied
            | Choose::FewestCalls
            | Choose::RoundRobin => 1,
        }
    }

    /// Whether every caller of the queue needs a skill.
    pub fn needs(&self, skill: &Skill) -> bool {
        self.skills.iter().any(|needed| needed.skill == *skill)
    }

    /// How many steps of `relax` a caller has waited for who has waited so long.
    pub(super) fn relaxed(&self, waited: Duration) -> usize {
        self.relax.iter().take_while(|step| step.after() <= waited).count()
    }
}

/// What is said: nothing, the usual words, or others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, from = "Written")]
pub enum Words {
    /// The usual words, or none.
    Usual(bool),
    /// These.
    Own(String),
}

/// The same as it is written: in a sheet everything is text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Usual(bool),
    Own(String),
}

impl From<Written> for Words {
    fn from(written: Written) -> Self {
        match written {
            Written::Usual(usual) => Words::Usual(usual),
            Written::Own(words) => match words.parse() {
                Ok(usual) => Words::Usual(usual),
                Err(_) => Words::Own(words),
            },
        }
    }
}

impl Default for Words {
    fn default() -> Self {
        Words::Usual(false)
    }
}

impl Words {
    /// The words; none if nothing is said.
    pub fn or(&self, usual: impl FnOnce() -> String) -> Option<String> {
        match self {
            Words::Usual(true) => Some(usual()),
            Words::Usual(false) => None,
            Words::Own(words) => Some(words.clone()),
        }
    }
}

/// Who may serve a caller too, once they have waited so long in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relaxation {
    /// After this wait, in seconds.
    pub after_s: u32,
    /// Whoever has these, and what the call itself asks for.
    pub skills: Vec<Ability>,
}

impl Relaxation {
    pub(super) fn after(&self) -> Duration {
        Duration::from_secs(u64::from(self.after_s))
    }
}

/// Which of the callers whom an agent can serve is next, over all queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnSettings {
    /// What callers of the same priority are ordered by.
    pub order: TurnOrder,
    /// After how long a caller counts as one step of priority more urgent, in seconds; none for
    /// priorities that are strict: whoever is more urgent always goes first.
    pub ageing_s: Option<u32>,
}

/// What callers of the same priority are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnOrder {
    /// Who came first.
    #[default]
    FirstCome,
    /// Whose queue's standard is missed first: `standard_s` after they came.
    Standard,
}

fn default_standard_s() -> u32 {
    60
}
fn default_not_ready_after() -> u32 {
    1
}
/// How many agents are rung at once, unless the settings say otherwise.
pub fn default_ring_at_most() -> usize {
    5
}
/// For how long it is remembered who spoke with a number last, in hours, unless the settings say otherwise.
pub fn default_last_agent_within_h() -> u32 {
    24
}
/// The longest for which that can be remembered, in hours.
pub const LONGEST_LAST_AGENT_H: u32 = 168;
/// As many as can be rung at once for one caller: each of their phones is a leg of the call.
pub const MOST_AT_ONCE: usize = 20;
fn default_short_abandon_s() -> u32 {
    5
}
fn default_ring_s() -> u32 {
    20
}
fn default_wrap_up_s() -> u32 {
    30
}
fn default_wrap_up_most_s() -> u32 {
    300
}
/// What callers hear who wait, unless the settings say otherwise.
pub fn default_music() -> PromptName {
    "music/hold".into()
}
fn default_max_messages() -> usize {
    500
}
fn default_message_alert_s() -> u32 {
    14_400
}
fn yes() -> bool {
    true
}
