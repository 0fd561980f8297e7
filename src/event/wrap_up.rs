//! What an adviser says of a conversation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, QueueName, WrapUpCode};

/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 500;

/// Words of an adviser about a caller's business: personal, so they are shown in no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Note(String);

impl Note {
    /// These words; none if there are more than [`LONGEST_NOTE`] characters of them, or some that no
    /// keyboard writes.
    pub fn new(words: &str) -> Option<Note> {
        let words = words.trim();
        let written = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        (words.chars().count() <= LONGEST_NOTE && words.chars().all(written))
            .then(|| Note(words.to_owned()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note of {} characters", self.0.chars().count())
    }
}

/// What is counted of what an adviser says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// What the call was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<WrapUpCode>,
    /// Whether the caller's business is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
}

/// What an adviser says of a conversation: all of it, whatever was said before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapUp {
    /// Whose conversation it was.
    pub agent: AgentId,
    /// The queue that brought it.
    pub queue: QueueName,
    /// What is counted of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Who says it: an actor of the API.
    pub by: String,
    /// What was said before, and holds no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Verdict>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_what_can_be_typed_and_no_log_shows_it() {
        let note = Note::new("  Lives alone,\nring twice. ").expect("a note");
        assert_eq!(note.as_str(), "Lives alone,\nring twice.");
        assert_eq!(format!("{note:?}"), "Note of 24 characters");
        assert_eq!(Note::new("a\u{7}b"), None);
        assert!(Note::new(&"é".repeat(LONGEST_NOTE)).is_some());
        assert_eq!(Note::new(&"é".repeat(LONGEST_NOTE + 1)), None);
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let said = WrapUp {
            agent: "amy".into(),
            queue: "waste".into(),
            verdict: Verdict { code: None, resolved: Some(true) },
            note: None,
            by: "Amy".to_owned(),
            instead_of: None,
        };
        let json = serde_json::to_string(&said).expect("writes");
        assert_eq!(json, r#"{"agent":"amy","queue":"waste","resolved":true,"by":"Amy"}"#);
        assert_eq!(serde_json::from_str::<WrapUp>(&json).expect("reads"), said);
    }
}
