//! Messages that callers left: who may see them, take them, and say that they are done.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::acd::messages::MessageChange;
use crate::engine::io::{Reply, Request};
use crate::id::RecordingId;
use crate::stats::live::Live;
use crate::stats::messages::MessageLive;

use super::Asked;
use super::api::{ask, read};
use super::auth::{self, Actor};
use super::problem::Problem;
use super::serve::App;

/// `GET /api/v1/messages`: open messages, the oldest first. An agent sees those of the queues that
/// they serve.
pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let live = (app.web.live)();
    let mut seen: Vec<&MessageLive> =
        live.messages.iter().filter(|message| sees(&live, &actor, message)).collect();
    seen.sort_by_key(|message| (message.left_at, message.message));
    Ok(Json(json!({ "at": live.at, "messages": seen })).into_response())
}

fn sees(live: &Live, actor: &Actor, message: &MessageLive) -> bool {
    let queue = live.queues.iter().find(|queue| queue.queue == message.queue);
    let serves = |agent| queue.is_some_and(|queue| queue.served_by.contains(agent));
    actor.only_over().is_none_or(serves)
}

/// The body of a change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    state: Change,
}

/// What can become of a message.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Taken,
    Open,
    Done,
}

impl Change {
    fn name(self) -> &'static str {
        match self {
            Change::Taken => "taken",
            Change::Open => "open",
            Change::Done => "done",
        }
    }
}

impl From<Change> for MessageChange {
    fn from(change: Change) -> Self {
        match change {
            Change::Taken => MessageChange::Take,
            Change::Open => MessageChange::Release,
            Change::Done => MessageChange::Done,
        }
    }
}

/// `POST /api/v1/messages/{message}/state`.
pub(super) async fn change(
    State(app): State<App>,
    message: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let message = message_id(message)?;
    let ChangeBody { state } = read(&headers, body)?;
    ask_for(&app, actor, message, state.into()).await?;
    Ok(Json(json!({ "message": message.to_string(), "state": state.name() })).into_response())
}

/// `GET /api/v1/messages/{message}/audio`: what the caller said, as WAV. The journal notes who listened.
pub(super) async fn audio(
    State(app): State<App>,
    message: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let message = message_id(message)?;
    ask_for(&app, actor, message, MessageChange::Hear).await?;
    let live = (app.web.live)();
    let found = live.messages.iter().find(|one| one.message == message);
    let kept_at = found.and_then(|one| one.kept_at.clone());
    let sound = (app.web.sounds)(message, kept_at).await.ok_or(Problem::NoSound)?;
    let headers = [(CONTENT_TYPE, "audio/wav"), (CACHE_CONTROL, "no-store")];
    Ok((headers, sound).into_response())
}

async fn ask_for(
    app: &App,
    actor: Actor,
    message: RecordingId,
    change: MessageChange,
) -> Result<(), Problem> {
    let agent = actor.only_over().cloned();
    let (own, request) = (agent.is_some(), Request::Message { message, change, agent });
    match ask(app, Asked { actor: actor.name, own, request }).await? {
        Reply::Done => Ok(()),
        other => Err(other.into()),
    }
}

fn message_id(message: Result<Path<String>, PathRejection>) -> Result<RecordingId, Problem> {
    const RIGHT: &str =
        "A message's id has 16 hexadecimal digits, as GET /api/v1/messages lists it.";
    message.ok().and_then(|Path(text)| text.parse().ok()).ok_or(Problem::BadPath(RIGHT))
}
