//! What we ask of other people's services over HTTP: how every client is made, and how much of an answer
//! is read.

use reqwest::redirect;
use reqwest::{Client, ClientBuilder, Response};

use super::stream::tls;

/// Why an answer could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum Cut {
    /// It is longer than was to be read.
    #[error("the answer is too long")]
    TooLong,
    /// It broke off.
    #[error("the answer broke off: {0}")]
    Broke(#[from] reqwest::Error),
}

/// A client. Redirections are answers like others: nothing that a service says sends a caller's business,
/// or a token, elsewhere.
pub fn client() -> ClientBuilder {
    tls::provide_for_clients();
    Client::builder()
        .redirect(redirect::Policy::none())
        .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
}

/// An answer's body, if it has no more than `most` bytes.
pub async fn body(mut answer: Response, most: usize) -> Result<Vec<u8>, Cut> {
    let mut body = Vec::new();
    while let Some(more) = answer.chunk().await? {
        if body.len() + more.len() > most {
            return Err(Cut::TooLong);
        }
        body.extend_from_slice(&more);
    }
    Ok(body)
}
