//! Who gives a second opinion on callers' words.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[language_model]`: off without an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageModelSettings {
    /// Where it is: `http://host:8000/v1/chat/completions`.
    pub url: Option<String>,
    /// Which of its models.
    pub model: String,
    /// A file with the token that it asks for.
    pub token_file: Option<PathBuf>,
    /// How long it may take; the caller waits for it, in milliseconds.
    pub timeout_ms: u32,
    /// How many callers may wait for it at once; beyond that nobody is asked.
    pub at_once: usize,
}

impl Default for LanguageModelSettings {
    fn default() -> Self {
        LanguageModelSettings {
            url: None,
            model: "gpt-4o-mini".to_owned(),
            token_file: None,
            timeout_ms: 1_500,
            at_once: 20,
        }
    }
}
