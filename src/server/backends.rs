//! Sends what flows ask of other systems over HTTP, and brings their answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use tokio::runtime::Handle;

use crate::backend::Method;
use crate::backend::{Answer, BackendSettings, Failed, Fetch, FetchId};
use crate::config::problem::SecretProblem;
use crate::id::BackendName;

use super::http_client::{self, Cut};
use super::secret_file;

/// The largest answer that is read.
const MAX_ANSWER: usize = 256 * 1024;

/// Why back ends cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// There is no token in its file.
    #[error("the token of the back end `{backend}`: {problem}")]
    Token {
        /// Whose.
        backend: BackendName,
        /// What is wrong.
        problem: SecretProblem,
    },
    /// There is no HTTP client on this machine.
    #[error("back ends cannot be asked over HTTP: {0}")]
    Client(reqwest::Error),
}

/// What authorises us, by back end.
type Tokens = BTreeMap<BackendName, HeaderValue>;

/// Asks back ends.
#[derive(Clone)]
pub struct BackendClient {
    client: reqwest::Client,
    tokens: Arc<Tokens>,
    runtime: Handle,
}

impl BackendClient {
    /// Reads the tokens and makes a client.
    pub fn new(
        settings: &BTreeMap<BackendName, BackendSettings>,
        runtime: Handle,
    ) -> Result<Self, BackendError> {
        let client = http_client::client().build().map_err(BackendError::Client)?;
        let tokens = Arc::new(tokens(settings)?);
        Ok(BackendClient { client, tokens, runtime })
    }

    /// Sends a request and tells from another thread what came of it: its id, the answer, and
    /// whether the back end may have got it.
    pub fn ask(
        &self,
        fetch: Fetch,
        tell: impl FnOnce(FetchId, Result<Answer, Failed>, bool) + Send + 'static,
    ) {
        let client = self.client.clone();
        let token = self.tokens.get(&fetch.ask.backend).cloned();
        self.runtime.spawn(async move {
            tokio::time::sleep_until(tokio::time::Instant::now() + fetch.after).await;
            let id = fetch.id;
            let timeout = fetch.timeout;
            let (outcome, arrived) =
                match tokio::time::timeout(timeout, send(client, fetch, token)).await {
                    Ok(done) => done,
                    Err(_) => (Err(Failed::TimedOut), true),
                };
            tell(id, outcome, arrived);
        });
    }
}

fn tokens(settings: &BTreeMap<BackendName, BackendSettings>) -> Result<Tokens, BackendError> {
    let mut tokens = Tokens::new();
    for (name, one) in settings {
        let Some(path) = &one.token_file else { continue };
        let backend = name.clone();
        let token = secret_file::bearer(path);
        let token = token.map_err(|problem| BackendError::Token { backend, problem })?;
        tokens.insert(name.clone(), token);
    }
    Ok(tokens)
}

async fn send(
    client: reqwest::Client,
    fetch: Fetch,
    token: Option<HeaderValue>,
) -> (Result<Answer, Failed>, bool) {
    let method = match fetch.ask.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut request = client
        .request(method, format!("{}{}", fetch.url, fetch.ask.path))
        .header(ACCEPT, "application/json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, token);
    }
    if !fetch.ask.method.is_idempotent() {
        request = request.header("idempotency-key", &fetch.key);
    }
    if let Some(body) = &fetch.ask.body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.as_bytes().to_vec());
    }
    let response = match request.send().await {
        Ok(response) => response,
        // Only before there is a connection is it certain that nothing was carried out.
        Err(error) => return (Err(Failed::Unreachable), !error.is_connect()),
    };
    let status = response.status().as_u16();
    let bytes = match http_client::body(response, MAX_ANSWER).await {
        Ok(bytes) => bytes,
        Err(Cut::TooLong) => return (Err(Failed::TooLarge), true),
        Err(Cut::Broke(_)) => return (Err(Failed::Unreachable), true),
    };
    let body = match bytes.iter().all(u8::is_ascii_whitespace) {
        true => Ok(serde_json::Value::Null),
        false => serde_json::from_slice(&bytes),
    };
    match body {
        Ok(body) => (Ok(Answer { status, body }), true),
        // What says that it failed need not be JSON to be believed.
        Err(_) if status >= 300 => (Ok(Answer { status, body: serde_json::Value::Null }), true),
        Err(_) => (Err(Failed::NotJson), true),
    }
}

#[cfg(test)]
mod tests;
