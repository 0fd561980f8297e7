//! A small stand-in for GOV.UK Notify: it takes texts as Notify does, and sends them to nobody. The page
//! shows them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::{Row as _, SqliteConnection};

use super::Council;
use super::trouble::Trouble;
use crate::event::Channel;
use crate::notification::recipient;

/// The texts that it has: their ids as in the shipped settings, and what they say.
const TEMPLATES: [(&str, &str); 4] = [
    (
        "6f1c9a4e-0f0b-4a57-9c1a-2b7d5e8f3a10",
        "Harbourside Council: thank you for your report. Its reference is ((reference)). See what \
         becomes of it: https://harbourside.example/reports",
    ),
    (
        "0b5de0c2-54f3-4a8e-8f0e-7c1f6a9d2b31",
        "Harbourside Council: you have paid ((price)) for your parking permit, which now runs until \
         ((ends)). Your reference is ((reference)).",
    ),
    (
        "c2f84d17-3e6a-4b59-b7d0-1e9a5c6f4d82",
        "Harbourside Council: your appointment at the Civic Centre is on ((day)) at ((time)). Your \
         reference is ((reference)). To change it, ring 01708 434343.",
    ),
    (
        "9ad37b60-8c25-4f1e-a3b4-5d0e7f2c6a93",
        "Harbourside Council: see and pay your council tax at https://harbourside.example/council-tax \
         or by direct debit. To talk to us, ring 01708 434343.",
    ),
];

/// For how long a token is good, in seconds, either way.
const TOKEN_S: i64 = 30;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS texts (
    id TEXT PRIMARY KEY,
    reference TEXT NOT NULL,
    recipient TEXT NOT NULL,
    words TEXT NOT NULL,
    made TEXT NOT NULL
)";

/// A text that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) recipient: String,
    pub(super) words: String,
    pub(super) made: String,
}

/// What is wrong, as Notify puts it.
struct Refused(StatusCode, &'static str, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused(status, error, message) = self;
        let errors = json!([{"error": error, "message": message}]);
        (status, Json(json!({"status_code": status.as_u16(), "errors": errors}))).into_response()
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the demo's back end");
        Refused(StatusCode::INTERNAL_SERVER_ERROR, "Exception", "Internal server error".to_owned())
    }
}

fn bad(error: &'static str, message: impl Into<String>) -> Refused {
    Refused(StatusCode::BAD_REQUEST, error, message.into())
}

/// Whether whoever asks shows a token that the key's holder has just made (RFC 7519, HS256).
fn known(council: &Council, headers: &HeaderMap) -> Result<(), Refused> {
    let stranger = |message: &str| Refused(StatusCode::FORBIDDEN, "AuthError", message.to_owned());
    let shown = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = shown.and_then(|it| it.strip_prefix("Bearer "));
    let token =
        token.ok_or_else(|| stranger("Unauthorized: authentication token must be provided"))?;
    let invalid = || stranger("Invalid token: API token is not valid");
    let (signed, tag) = token.rsplit_once('.').ok_or_else(invalid)?;
    let claims = signed.split_once('.').map(|(_, claims)| claims).ok_or_else(invalid)?;
    let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| invalid())?;
    let (service, secret) = council.key();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| invalid())?;
    mac.update(signed.as_bytes());
    mac.verify_slice(&tag).map_err(|_| invalid())?;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| invalid())?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| invalid())?;
    if claims.get("iss").and_then(Value::as_str) != Some(service) {
        return Err(invalid());
    }
    let made = claims.get("iat").and_then(Value::as_i64).ok_or_else(invalid)?;
    match (council.clock)().abs_diff(made) <= TOKEN_S.unsigned_abs() {
        true => Ok(()),
        false => Err(stranger("Error: Your system clock must be accurate to within 30 seconds")),
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    phone_number: String,
    template_id: String,
    #[serde(default)]
    personalisation: BTreeMap<String, String>,
    #[serde(default)]
    reference: String,
}

/// `POST /v2/notifications/sms`.
pub(super) async fn take(
    State(council): State<Council>,
    headers: HeaderMap,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Response {
    match taken(&council, &headers, wanted).await {
        Ok(body) => (StatusCode::CREATED, Json(body)).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn taken(
    council: &Council,
    headers: &HeaderMap,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Value, Refused> {
    known(council, headers)?;
    let Json(wanted) = wanted.map_err(|error| bad("ValidationError", error.body_text()))?;
    let to = recipient(Channel::Text, &wanted.phone_number)
        .ok_or_else(|| bad("ValidationError", "phone_number Not a UK mobile number"))?;
    let template = TEMPLATES.iter().find(|(id, _)| *id == wanted.template_id);
    let (template, words) = template.ok_or_else(|| bad("BadRequestError", "Template not found"))?;
    let words = filled(words, &wanted.personalisation)?;
    let mut number = [0; 16];
    getrandom::fill(&mut number).map_err(|_| sqlx::Error::WorkerCrashed)?;
    let id = uuid::Uuid::from_bytes(number).to_string();
    let made = (council.now)().to_string();
    let insert = sqlx::query(
        "INSERT INTO texts (id, reference, recipient, words, made) VALUES ($1, $2, $3, $4, $5)",
    );
    let insert = insert.bind(&id).bind(&wanted.reference).bind(&to).bind(&words).bind(made);
    insert.execute(&mut *council.store.lock().await).await?;
    Ok(json!({
        "id": id,
        "reference": wanted.reference,
        "content": {"body": words, "from_number": "Harbourside"},
        "template": {"id": template, "version": 1},
    }))
}

/// The words with what stands for the names in double brackets.
fn filled(words: &str, personalisation: &BTreeMap<String, String>) -> Result<String, Refused> {
    let mut parts = words.split("((");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("))").unwrap_or((part, ""));
        let missing = || bad("BadRequestError", format!("Missing personalisation: {name}"));
        filled.push_str(personalisation.get(name).ok_or_else(missing)?);
        filled.push_str(rest);
    }
    Ok(filled)
}

/// `GET /v2/notifications?reference=...`.
pub(super) async fn find(
    State(council): State<Council>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    match found(&council, &headers, query.get("reference").map_or("", String::as_str)).await {
        Ok(body) => Json(body).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn found(council: &Council, headers: &HeaderMap, reference: &str) -> Result<Value, Refused> {
    known(council, headers)?;
    let query = sqlx::query_scalar("SELECT id FROM texts WHERE reference = $1").bind(reference);
    let ids: Vec<String> = query.fetch_all(&mut *council.store.lock().await).await?;
    let all: Vec<Value> = ids
        .into_iter()
        .map(|id| json!({"id": id, "reference": reference, "type": "sms"}))
        .collect();
    Ok(json!({"notifications": all}))
}

/// The last texts, the newest first.
pub(super) async fn last(store: &mut SqliteConnection, most: i64) -> Result<Vec<Text>, Trouble> {
    let query = sqlx::query(
        "SELECT recipient, words, made FROM texts ORDER BY made DESC, rowid DESC LIMIT $1",
    );
    let rows = query.bind(most).fetch_all(store).await?;
    let text = |row: &sqlx::sqlite::SqliteRow| -> Result<Text, sqlx::Error> {
        Ok(Text {
            recipient: row.try_get("recipient")?,
            words: row.try_get("words")?,
            made: row.try_get("made")?,
        })
    };
    Ok(rows.iter().map(text).collect::<Result<_, _>>()?)
}
