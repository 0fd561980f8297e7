//! How callers are heard.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[speech]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechSettings {
    /// What recognises speech; callers are not heard without it.
    pub engine: Option<EngineName>,
    /// Where it is, if it is a service: `ws://host:2700` or `http://host:8000/v1/audio/transcriptions`.
    pub url: Option<String>,
    /// A file with the token that it asks for.
    pub token_file: Option<PathBuf>,
    /// Which of its models a Whisper-style service is asked for.
    pub model: String,
    /// How long after the end of speech it may take to answer, and how long to reach it, in
    /// milliseconds.
    pub timeout_ms: u32,
    /// The longest utterance, in milliseconds.
    pub longest_ms: u32,
    /// How many callers are listened to at once.
    pub at_once: usize,
    /// How sure it has to be, from 0 to 1; below that is asked again.
    pub confidence: f32,
    /// PocketSphinx: threads with a decoder each.
    pub decoders: usize,
    /// PocketSphinx: a file of words that its dictionary lacks, as in `zed Z EH D`.
    pub pronunciations: Option<PathBuf>,
}

impl Default for SpeechSettings {
    fn default() -> Self {
        SpeechSettings {
            engine: None,
            url: None,
            token_file: None,
            model: "whisper-1".to_owned(),
            timeout_ms: 3_000,
            longest_ms: 15_000,
            at_once: 30,
            confidence: 0.5,
            decoders: 2,
            pronunciations: None,
        }
    }
}

/// What recognises speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// PocketSphinx in this process.
    Pocketsphinx,
    /// A Vosk server.
    Vosk,
    /// A service of Whisper's kind.
    Whisper,
}

impl EngineName {
    /// How its address begins; none if it has none.
    pub fn schemes(self) -> &'static [&'static str] {
        match self {
            EngineName::Pocketsphinx => &[],
            EngineName::Vosk => &["ws://"],
            EngineName::Whisper => &["http://", "https://"],
        }
    }
}
