//! Who is banned from sending SIP to us, for supervisors: an address is personal data.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::engine::io::{Reply, Request};
use crate::sip::guard::Source;

use super::Asked;
use super::api::{ask, read};
use super::auth;
use super::problem::Problem;
use super::serve::App;

/// The longest ban that can be asked for, in seconds: a year.
const LONGEST_S: u32 = 366 * 86_400;

/// `GET /api/v1/bans`.
pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    auth::actor(&app.web.tokens.load(), &headers)?.supervises()?;
    let live = (app.web.live)();
    Ok(Json(json!({ "at": live.at, "bans": live.bans })).into_response())
}

/// The body of a ban.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BanBody {
    source: String,
    for_s: u32,
}

/// `POST /api/v1/bans`.
pub(super) async fn ban(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let BanBody { source, for_s } = read(&headers, body)?;
    let source: Source = source.parse().map_err(|error| Problem::Invalid(format!("{error}")))?;
    if !(1..=LONGEST_S).contains(&for_s) {
        return Err(Problem::Invalid(format!("`for_s` is from 1 to {LONGEST_S} seconds")));
    }
    let lasts = Duration::from_secs(u64::from(for_s));
    let request = Request::Ban { source, lasts };
    match ask(&app, Asked { actor: actor.name, own: false, request }).await? {
        Reply::Banned { until } => {
            Ok(Json(json!({ "source": source.to_string(), "until": until })).into_response())
        }
        other => Err(other.into()),
    }
}

/// `DELETE /api/v1/bans/{source}`.
pub(super) async fn lift(
    State(app): State<App>,
    source: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const RIGHT: &str = "A source is an IP address, as in /api/v1/bans/203.0.113.7 or \
        /api/v1/bans/2001:db8::7.";
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let source: Source =
        source.ok().and_then(|Path(text)| text.parse().ok()).ok_or(Problem::BadPath(RIGHT))?;
    let request = Request::LiftBan { source };
    match ask(&app, Asked { actor: actor.name, own: false, request }).await? {
        Reply::Done => Ok(Json(json!({ "source": source.to_string() })).into_response()),
        other => Err(other.into()),
    }
}
