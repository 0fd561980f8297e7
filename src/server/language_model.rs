//! A second opinion on callers' words, over the widely used chat-completions shape
//! (`POST .../v1/chat/completions`), whose answer is held to a JSON Schema.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::http_client::{self, Cut};
use super::secret_file;
use crate::assistant::Understanding;
use crate::config::problem::SecretProblem;
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
    /// There is no token in its file.
    #[error("the token of the language model: {0}")]
    Token(#[from] SecretProblem),
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
    token: Option<HeaderValue>,
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
        let within = Duration::from_millis(u64::from(settings.timeout_ms));
        let client = http_client::client().timeout(within);
        let token = settings.token_file.as_deref().map(secret_file::bearer);
        Ok(Some(LanguageModel(Arc::new(Inner {
            client: client.build().map_err(|_| wrong())?,
            runtime,
            url,
            model: settings.model.clone(),
            token: token.transpose()?,
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
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let answer = request.send().await?;
        if !answer.status().is_success() {
            return Err(Silent::Status(answer.status()));
        }
        let body = http_client::body(answer, MOST_ANSWER).await.map_err(|cut| match cut {
            Cut::TooLong => Silent::Garbage,
            Cut::Broke(error) => Silent::Gone(error),
        })?;
        let completion: Completion = serde_json::from_slice(&body).map_err(|_| Silent::Garbage)?;
        let first = completion.choices.into_iter().next();
        first.and_then(|choice| choice.message.content).ok_or(Silent::Garbage)
    }
}

#[cfg(test)]
mod tests;
