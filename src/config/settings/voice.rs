//! Which voice speaks prompts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[voice]`: what `switchboard prompts render` speaks with. The server itself needs no voice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoiceSettings {
    /// A service's address, `http://host:8000/v1/audio/speech`; espeak-ng on this machine if there is
    /// none.
    pub url: Option<String>,
    /// Which of the service's models.
    pub model: String,
    /// Which of the model's voices.
    pub name: String,
    /// A file with the token that the service asks for.
    pub token_file: Option<PathBuf>,
    /// How long the service may take for one text, in milliseconds.
    pub timeout_ms: u32,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        VoiceSettings {
            url: None,
            model: "tts-1".to_owned(),
            name: "fable".to_owned(),
            token_file: None,
            timeout_ms: 60_000,
        }
    }
}
