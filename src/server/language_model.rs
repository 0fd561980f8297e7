//! A second opinion on callers' words, over the widely used chat-completions shape
//! (`POST .../v1/chat/completions`), whose answer is held to a JSON Schema.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_rustls::rustls::crypto::ring;

use crate::assistant::Understanding;
use crate::config::settings::LanguageModelSettings;
use crate::engine::io::{AskOpinion, ListenId};

/// The longest answer that is taken: what is asked for has room in a tenth of it.
const MOST_ANSWER: usize = 32 * 1_024;
/// The most tokens that it may answer with.
const MOST_TOKENS: u32 = 300;

/// Why a language model cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The address is none.
    #[error("`{0}` is not the address of a language model")]
    Url(String),
    /// The token cannot be read.
    #[error("{}: the token of the language model cannot be read: {source}", path.display())]
    Token {
        /// Its file.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
}

/// Why it gives no opinion.
#[derive(Debug, thiserror::Error)]
enum Silent {
    #[error("as many wait for it as may")]
    TooMany,
    #[error("it does not answer: {0}")]
    Gone(#[from] reqwest::Error),
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("its answer is none")]
    Garbage,
}

/// Where it is, and who waits for it.
#[derive(Debug, Clone)]
pub struct LanguageModel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    runtime: Handle,
    url: Url,
    model: String,
    token: Option<String>,
    room: Semaphore,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

impl LanguageModel {
    /// As the settings have it; none if they have none.
    pub fn new(
        settings: &LanguageModelSettings,
        runtime: Handle,
    ) -> Result<Option<Self>, ModelError> {
        let Some(text) = &settings.url else { return Ok(None) };
        let wrong = || ModelError::Url(text.clone());
        let url = Url::parse(text).map_err(|_| wrong())?;
        // An error means that somebody has chosen one already.
        let _ = ring::default_provider().install_default();
        let within = Duration::from_millis(u64::from(settings.timeout_ms));
        let client = Client::builder().timeout(within).redirect(redirect::Policy::none());
        let token = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .map_err(|source| ModelError::Token { path: path.clone(), source })
        };
        Ok(Some(LanguageModel(Arc::new(Inner {
            client: client.build().map_err(|_| wrong())?,
            runtime,
            url,
            model: settings.model.clone(),
            token: settings.token_file.as_ref().map(token).transpose()?,
            room: Semaphore::new(settings.at_once),
        }))))
    }

    /// Asks it, and tells its answer, or that there is none.
    pub fn ask(
        &self,
        ask: AskOpinion,
        tell: impl FnOnce(ListenId, Option<String>) + Send + 'static,
    ) {
        let model = self.0.clone();
        self.0.runtime.spawn(async move {
            let answer = model.opinion(&ask.text, &ask.understanding).await;
            if let Err(silent) = &answer {
                tracing::warn!(%silent, "the language model has no opinion");
            }
            tell(ask.id, answer.ok());
        });
    }
}

impl Inner {
    async fn opinion(&self, text: &str, known: &Understanding) -> Result<String, Silent> {
        let _place = self.room.try_acquire().map_err(|_| Silent::TooMany)?;
        let body = json!({
            "model": self.model,
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
            "messages": [
                {"role": "system", "content": known.opinion_task()},
                {"role": "user", "content": text},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "opinion", "strict": true, "schema": known.opinion_schema()},
            },
        });
        let mut request = self.client.post(self.url.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let mut answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(Silent::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(more) = answer.chunk().await? {
            if body.len() + more.len() > MOST_ANSWER {
                return Err(Silent::Garbage);
            }
            body.extend(more);
        }
        let completion: Completion = serde_json::from_slice(&body).map_err(|_| Silent::Garbage)?;
        let first = completion.choices.into_iter().next();
        first.and_then(|choice| choice.message.content).ok_or(Silent::Garbage)
    }
}

#[cfg(test)]
mod tests;
