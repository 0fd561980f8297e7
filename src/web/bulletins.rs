//! Messages to every caller, which supervisors turn on and off at once.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::engine::io::{Reply, Request};
use crate::id::BulletinName;

use super::Asked;
use super::api::{ask, read};
use super::auth;
use super::problem::Problem;
use super::serve::App;

/// `GET /api/v1/bulletins`: every one that the flows have, and whether it is said.
pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    auth::actor(&app.web.tokens.load(), &headers)?;
    let live = (app.web.live)();
    Ok(Json(json!({ "at": live.at, "bulletins": live.bulletins })).into_response())
}

/// The body of a change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    on: bool,
}

/// `PUT /api/v1/bulletins/{bulletin}`.
pub(super) async fn set(
    State(app): State<App>,
    bulletin: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    const RIGHT: &str = "A bulletin is named as in the flows, as in /api/v1/bulletins/flood.";
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let Path(name) = bulletin.map_err(|_| Problem::BadPath(RIGHT))?;
    let bulletin = BulletinName::from(name);
    let Change { on } = read(&headers, body)?;
    let request = Request::Bulletin { bulletin: bulletin.clone(), on };
    match ask(&app, Asked { actor: actor.name, own: false, request }).await? {
        Reply::Done => Ok(Json(json!({ "bulletin": bulletin, "on": on })).into_response()),
        other => Err(other.into()),
    }
}
