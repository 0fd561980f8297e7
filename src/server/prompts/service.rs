//! A speech service in the widely used shape: `POST .../v1/audio/speech` with a text as JSON, answered
//! with a WAV file.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::config::problem::SecretProblem;
use crate::config::settings::VoiceSettings;
use crate::server::http_client::{self, Cut};
use crate::server::secret_file;

/// The largest sound that is taken: ten minutes at 48 kHz.
const MOST_SOUND: usize = 64 << 20;
/// How often a text is tried that the service may yet speak.
const TRIES: u32 = 3;
/// The pause before the second try; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(500);
/// Of what a service says to a refusal, so many characters are shown.
const MOST_SAID: usize = 200;

/// Why a service does not speak.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address is none.
    #[error(
        "`{0}` is not the address of a speech service; write `url = \"http://host:8000/v1/audio/speech\"` under [voice]"
    )]
    Url(String),
    /// There is no token in its file.
    #[error("the token of the speech service: {0}")]
    Token(#[from] SecretProblem),
    /// It cannot be reached, or broke off.
    #[error("{url}: the speech service does not answer: {error}")]
    Silent {
        /// Where.
        url: Url,
        /// What went wrong.
        error: reqwest::Error,
    },
    /// It says no.
    #[error("{url}: the speech service refuses ({status}): {said}")]
    Refused {
        /// Where.
        url: Url,
        /// Its status.
        status: StatusCode,
        /// Its words.
        said: String,
    },
    /// It sends too much.
    #[error("{0}: the speech service sends more than 64 MiB for one text")]
    TooMuch(Url),
    /// The operating system gives nothing to work with.
    #[error("no connection can be opened: {0}")]
    System(std::io::Error),
}

impl ServiceError {
    /// Whether the same text may be spoken a little later.
    fn may_pass(&self) -> bool {
        match self {
            ServiceError::Silent { error, .. } => error.is_timeout() || error.is_connect(),
            ServiceError::Refused { status, .. } => {
                *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
            }
            ServiceError::Url(_)
            | ServiceError::Token(_)
            | ServiceError::TooMuch(_)
            | ServiceError::System(_) => false,
        }
    }
}

/// Where it is, and what it is asked for.
#[derive(Debug)]
pub struct Service {
    client: Client,
    runtime: Runtime,
    url: Url,
    model: String,
    voice: String,
    token: Option<HeaderValue>,
}

impl Service {
    /// As the settings have it.
    pub fn new(url: &str, settings: &VoiceSettings) -> Result<Self, ServiceError> {
        let wrong = || ServiceError::Url(url.to_owned());
        let parsed = Url::parse(url).map_err(|_| wrong())?;
        let within = Duration::from_millis(u64::from(settings.timeout_ms));
        let client = http_client::client().timeout(within);
        let token = settings.token_file.as_deref().map(secret_file::bearer);
        Ok(Service {
            client: client.build().map_err(|_| wrong())?,
            runtime: Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(ServiceError::System)?,
            url: parsed,
            model: settings.model.clone(),
            voice: settings.name.clone(),
            token: token.transpose()?,
        })
    }

    /// Which voice of whose, as the manifest has it.
    pub fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{} {} at {host}", self.model, self.voice)
    }

    /// Speaks a text: the bytes of a WAV file. What may pass is tried again.
    pub fn speak(&self, text: &str) -> Result<Vec<u8>, ServiceError> {
        self.runtime.block_on(async {
            for before in 1..TRIES {
                match self.ask(text).await {
                    Err(error) if error.may_pass() => {
                        tokio::time::sleep_until(Instant::now() + PAUSE * before).await;
                    }
                    outcome => return outcome,
                }
            }
            self.ask(text).await
        })
    }

    async fn ask(&self, text: &str) -> Result<Vec<u8>, ServiceError> {
        let silent = |error| ServiceError::Silent { url: self.url.clone(), error };
        let asked = json!({
            "model": self.model,
            "voice": self.voice,
            "input": text,
            "response_format": "wav",
        });
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = match &self.token {
            Some(token) => request.header(AUTHORIZATION, token),
            None => request,
        };
        let answer = request.body(asked.to_string()).send().await.map_err(silent)?;
        let status = answer.status();
        let sound = http_client::body(answer, MOST_SOUND).await.map_err(|cut| match cut {
            Cut::TooLong => ServiceError::TooMuch(self.url.clone()),
            Cut::Broke(error) => silent(error),
        })?;
        if status.is_success() {
            return Ok(sound);
        }
        let said = String::from_utf8_lossy(&sound).chars().take(MOST_SAID).collect();
        Err(ServiceError::Refused { url: self.url.clone(), status, said })
    }
}
