//! Why something was not done, as RFC 9457 writes it.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why something was not done.
#[derive(Debug)]
pub enum Trouble {
    /// There is no token, or a wrong one.
    Stranger,
    /// There is no such thing.
    Unknown(&'static str),
    /// The keys of a postcode fit several addresses.
    Several,
    /// It cannot be done now: why not.
    NotNow(&'static str),
    /// A value cannot be right: which.
    Invalid(&'static str),
    /// The body cannot be read as what it should be.
    Malformed(StatusCode, String),
    /// The bank has declined the card.
    Declined,
    /// The key was used for something else.
    KeyReused,
    /// The store has failed.
    Store(sqlx::Error),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Trouble::Store(error)
    }
}

impl Trouble {
    fn status(&self) -> StatusCode {
        match self {
            Trouble::Stranger => StatusCode::UNAUTHORIZED,
            Trouble::Unknown(_) => StatusCode::NOT_FOUND,
            Trouble::Several | Trouble::NotNow(_) => StatusCode::CONFLICT,
            Trouble::Invalid(_) | Trouble::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Trouble::Malformed(status, _) => *status,
            Trouble::Declined => StatusCode::PAYMENT_REQUIRED,
            Trouble::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn detail(&self) -> String {
        match self {
            Trouble::Stranger => "Send `Authorization: Bearer TOKEN`.".to_owned(),
            Trouble::Unknown(what) => format!("There is no such {what}."),
            Trouble::Several => "Several addresses have these keys and this number.".to_owned(),
            Trouble::NotNow(why) => (*why).to_owned(),
            Trouble::Invalid(what) => format!("`{what}` cannot be right."),
            Trouble::Malformed(_, why) => why.clone(),
            Trouble::Declined => "The bank has declined the card.".to_owned(),
            Trouble::KeyReused => "This Idempotency-Key was used for something else.".to_owned(),
            Trouble::Store(_) => "The store has failed; the log says why.".to_owned(),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        if let Trouble::Store(error) = &self {
            tracing::error!(%error, "the demo's back end");
        }
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default();
        let body = json!({"title": title, "status": status.as_u16(), "detail": self.detail()});
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(self, Trouble::Stranger) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"council\""));
        }
        response
    }
}
