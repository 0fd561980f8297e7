//! Promises to ring callers back: who may see them, and take them back.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::engine::io::{Reply, Request};
use crate::id::CallbackId;
use crate::stats::callbacks::CallbackLive;
use crate::stats::live::Live;

use super::Asked;
use super::api::ask;
use super::auth::{self, Actor};
use super::problem::Problem;
use super::serve::App;

/// `GET /api/v1/callbacks`: open promises in the order of their places. An agent sees those of the queues
/// that they serve.
pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let live = (app.web.live)();
    let mut seen: Vec<&CallbackLive> =
        live.callbacks.iter().filter(|callback| sees(&live, &actor, callback)).collect();
    seen.sort_by_key(|callback| (callback.priority, callback.since, callback.callback));
    Ok(Json(json!({ "at": live.at, "callbacks": seen })).into_response())
}

fn sees(live: &Live, actor: &Actor, callback: &CallbackLive) -> bool {
    let queue = live.queues.iter().find(|queue| queue.queue == callback.queue);
    let serves = |agent| queue.is_some_and(|queue| queue.served_by.contains(agent));
    actor.only_over().is_none_or(serves)
}

/// `DELETE /api/v1/callbacks/{callback}`: the journal notes who took it back.
pub(super) async fn cancel(
    State(app): State<App>,
    callback: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const RIGHT: &str =
        "A call back's id has 16 hexadecimal digits, as GET /api/v1/callbacks lists it.";
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let callback: Option<CallbackId> = callback.ok().and_then(|Path(text)| text.parse().ok());
    let callback = callback.ok_or(Problem::BadPath(RIGHT))?;
    let request = Request::CancelCallback { callback };
    match ask(&app, Asked { actor: actor.name, own: false, request }).await? {
        Reply::Done => Ok(Json(json!({ "callback": callback, "cancelled": true })).into_response()),
        other => Err(other.into()),
    }
}
