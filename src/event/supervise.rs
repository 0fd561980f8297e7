//! Who else is in a conversation: supervisors, and third parties of a conference.

use serde::{Deserialize, Serialize};

/// What a supervisor in a conversation does. People have a right to know who listened: each change
/// is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supervision {
    /// Hears everybody and is heard by nobody.
    Listen,
    /// Hears everybody and is heard by the adviser only.
    Whisper,
    /// Hears everybody and is heard by everybody.
    Barge,
}

impl Supervision {
    /// The name used in the journal and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Supervision::Listen => "listen",
            Supervision::Whisper => "whisper",
            Supervision::Barge => "barge",
        }
    }
}
