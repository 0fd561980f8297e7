//! Letting supervisors into conversations, and third parties. Nothing is answered before the journal has
//! it: people have a right to know who listened.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::acd::command::ChoiceError;
use crate::engine::io::{Reply, Request};
use crate::event::Supervision;
use crate::id::AgentId;

use super::Asked;
use super::api::{ask, call_id, read};
use super::auth::{self, Actor};
use super::problem::Problem;
use super::serve::App;

/// Who is let in, and as what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    mode: Supervision,
    agent: AgentId,
}

/// What a supervisor does from now on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    mode: Supervision,
    agent: Option<AgentId>,
}

/// `POST /api/v1/calls/{call}/supervise`: rings the supervisor's phones.
pub(super) async fn begin(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = supervisor(&app, &headers)?;
    let call = call_id(call)?;
    let Begin { mode, agent } = read(&headers, body)?;
    let request = Request::Supervise { call, agent: agent.clone(), mode };
    done(&app, actor, request).await?;
    Ok(Json(json!({ "call": call, "agent": agent, "mode": mode })).into_response())
}

/// `POST /api/v1/calls/{call}/supervise/mode`.
pub(super) async fn change(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = supervisor(&app, &headers)?;
    let call = call_id(call)?;
    let Change { mode, agent } = read(&headers, body)?;
    done(&app, actor, Request::SuperviseAs { call, agent, mode }).await?;
    Ok(Json(json!({ "call": call, "mode": mode })).into_response())
}

/// `DELETE /api/v1/calls/{call}/supervise`: whichever supervisor is there leaves.
pub(super) async fn stop(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = supervisor(&app, &headers)?;
    let call = call_id(call)?;
    done(&app, actor, Request::StopSupervising { call, agent: None }).await?;
    Ok(Json(json!({ "call": call })).into_response())
}

/// `POST /api/v1/calls/{call}/conference`: an agent for a call of their own, a supervisor for any.
pub(super) async fn confer(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let call = call_id(call)?;
    let agent = actor.only_over().cloned();
    done(&app, actor, Request::Conference { call, agent }).await?;
    Ok(Json(json!({ "call": call })).into_response())
}

fn supervisor(app: &App, headers: &HeaderMap) -> Result<Actor, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), headers)?;
    actor.supervises()?;
    Ok(actor)
}

async fn done(app: &App, actor: Actor, request: Request) -> Result<(), Problem> {
    let own = actor.only_over().is_some();
    match ask(app, Asked { actor: actor.name, own, request }).await? {
        Reply::Done => Ok(()),
        Reply::UnknownDestination => Err(Problem::Choice(ChoiceError::UnknownAgent)),
        other => Err(other.into()),
    }
}
