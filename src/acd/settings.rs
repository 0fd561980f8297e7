//! What the settings file says of a queue.

use serde::{Deserialize, Serialize};

use crate::id::{CalendarName, PromptName, Skill};

pub use super::callback::{CallbackSettings, LEAST_RING_S};

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
    /// Skills that every call in this queue needs.
    #[serde(default)]
    pub skills: Vec<Skill>,
    /// The standard: answers within this time count, in seconds.
    #[serde(default = "default_standard_s")]
    pub standard_s: u32,
    /// Hang-ups before this are short abandons, in seconds.
    #[serde(default = "default_short_abandon_s")]
    pub short_abandon_s: u32,
    /// How long an agent's phones ring, in seconds.
    #[serde(default = "default_ring_s")]
    pub ring_s: u32,
    /// Time for the call's work after it, in seconds; 0 for none.
    #[serde(default = "default_wrap_up_s")]
    pub wrap_up_s: u32,
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

fn default_standard_s() -> u32 {
    60
}
fn default_short_abandon_s() -> u32 {
    5
}
fn default_ring_s() -> u32 {
    20
}
fn default_wrap_up_s() -> u32 {
    30
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
