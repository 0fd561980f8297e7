//! What can be changed, and who is who: agents' states and calls. Nothing is answered before the
//! journal has it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::acd::command::{AgentChoice, ChoiceError};
use crate::call::TransferError;
use crate::engine::io::{Reply, Request};
use crate::id::{AgentId, AwayReason, CallId};
use crate::stats::live::AgentLive;

use super::auth::{self, Capacity};
use super::problem::Problem;
use super::serve::App;
use super::{Asked, PortClosed};

/// The most calls of one answer.
const MOST_CALLS: u32 = 200;

/// `GET /api/v1/agents`: the agents that the token's holder may see.
pub(super) async fn agents(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let live = (app.web.live)();
    let seen: Vec<&AgentLive> =
        live.agent_list.iter().filter(|agent| actor.over(&agent.agent).is_ok()).collect();
    Ok(Json(json!({ "at": live.at, "agents": seen, "not_ready": live.away })).into_response())
}

/// The body of a change of state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateBody {
    state: Choice,
    #[serde(default)]
    reason: Option<AwayReason>,
}

/// The states that can be chosen.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Ready,
    NotReady,
    SignedIn,
    SignedOut,
}

impl From<Choice> for AgentChoice {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Ready => AgentChoice::Ready,
            Choice::NotReady => AgentChoice::NotReady,
            Choice::SignedIn => AgentChoice::SignIn,
            Choice::SignedOut => AgentChoice::SignOut,
        }
    }
}

/// `POST /api/v1/agents/{agent}/state`.
pub(super) async fn set_state(
    State(app): State<App>,
    agent: Result<Path<AgentId>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let Path(agent) =
        agent.map_err(|_| Problem::BadPath("An agent's name is percent-encoded UTF-8."))?;
    let capacity = actor.over(&agent)?;
    let StateBody { state, reason } = read(&headers, body)?;
    let request = match (AgentChoice::from(state), reason.clone()) {
        (choice, None) => Request::Agent { agent: agent.clone(), choice },
        (AgentChoice::NotReady, Some(reason)) => Request::Away { agent: agent.clone(), reason },
        (AgentChoice::SignIn | AgentChoice::SignOut | AgentChoice::Ready, Some(_)) => {
            const ONLY: &str = "Only `not_ready` has a `reason`.";
            return Err(Problem::Invalid(ONLY.to_owned()));
        }
    };
    let asked = Asked { actor: actor.name, own: capacity == Capacity::Own, request };
    match (ask(&app, asked).await?, reason) {
        (Reply::ChoiceRefused(ChoiceError::UnknownReason), Some(reason)) => {
            let live = (app.web.live)();
            let known = live.away.iter().filter(|away| away.chosen);
            let known = known.map(|away| away.reason.clone()).collect();
            Err(Problem::UnknownReason { reason, known })
        }
        (Reply::Agent(state), _) => {
            Ok(Json(json!({ "agent": agent, "state": state })).into_response())
        }
        (other, _) => Err(other.into()),
    }
}

/// The body of a transfer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferBody {
    to: String,
}

/// `POST /api/v1/calls/{call}/transfer`: an agent hands on a call of their own, a supervisor any.
pub(super) async fn transfer(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let call = call_id(call)?;
    let TransferBody { to } = read(&headers, body)?;
    let agent = actor.only_over().cloned();
    let (own, request) = (agent.is_some(), Request::Transfer { call, to: to.clone(), agent });
    match ask(&app, Asked { actor: actor.name, own, request }).await? {
        Reply::Done => Ok(Json(json!({ "call": call, "to": to })).into_response()),
        Reply::TransferRefused(TransferError::NotAnAgent) if own => Err(Problem::NotYourCall),
        other => Err(other.into()),
    }
}

/// `POST /api/v1/calls/{call}/recording/pause`: nothing is recorded until it is resumed.
pub(super) async fn pause_recording(
    state: State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    recording(state, call, &headers, true).await
}

/// `POST /api/v1/calls/{call}/recording/resume`.
pub(super) async fn resume_recording(
    state: State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    recording(state, call, &headers, false).await
}

async fn recording(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
    pause: bool,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), headers)?;
    let call = call_id(call)?;
    let agent = actor.only_over().cloned();
    let (own, request) = (agent.is_some(), Request::PauseRecording { call, pause, agent });
    match ask(&app, Asked { actor: actor.name, own, request }).await? {
        Reply::Done => Ok(Json(json!({ "call": call, "paused": pause })).into_response()),
        Reply::TransferRefused(_) => Err(Problem::NotYourCall),
        other => Err(other.into()),
    }
}

pub(super) fn call_id(call: Result<Path<String>, PathRejection>) -> Result<CallId, Problem> {
    const RIGHT: &str =
        "A call's id is a UUID, as in /api/v1/calls/0190163d-8694-739b-aea5-966c26f8ad91/hangup.";
    call.ok().and_then(|Path(text)| text.parse().ok()).ok_or(Problem::BadPath(RIGHT))
}

/// `GET /api/v1/calls/{call}/facts`: what the call's flow noted, for the adviser who serves it.
pub(super) async fn facts(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let call = call_id(call)?;
    let live = (app.web.live)();
    if let Some(agent) = actor.only_over() {
        let mut agents = live.agent_list.iter();
        if !agents.any(|known| known.agent == *agent && known.call == Some(call)) {
            return Err(Problem::NotYourCall);
        }
    }
    let fact = |(label, fact): &(String, String)| json!({ "label": label, "fact": fact });
    let facts: Vec<_> = live.facts.get(&call).into_iter().flatten().map(fact).collect();
    Ok(Json(json!({ "call": call, "facts": facts })).into_response())
}

/// Which calls are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Last {
    before: Option<u64>,
    limit: Option<u32>,
}

/// `GET /api/v1/calls`: the calls that came last, the newest first; those before them with `before`.
pub(super) async fn calls(
    State(app): State<App>,
    asked: Result<Query<Last>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const RIGHT: &str = "`before` is a call's `seq`, `limit` a number from 1 to 200.";
    auth::actor(&app.web.tokens.load(), &headers)?.supervises()?;
    let Query(Last { before, limit }) = asked.map_err(|_| Problem::BadPath(RIGHT))?;
    let limit = limit.unwrap_or(50);
    if !(1..=MOST_CALLS).contains(&limit) {
        return Err(Problem::BadPath(RIGHT));
    }
    let calls = (app.web.calls)(before, limit).await.ok_or(Problem::NoJournal)?;
    let full = calls.len() == limit as usize;
    let next = calls.last().filter(|_| full).map(|call| call.seq);
    Ok(Json(json!({ "calls": calls, "next": next })).into_response())
}

/// `GET /api/v1/calls/{call}/why`: why this adviser, and why this wait, in the order of time.
pub(super) async fn why(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::actor(&app.web.tokens.load(), &headers)?.supervises()?;
    let call = call_id(call)?;
    let lines = (app.web.why)(call).await.ok_or(Problem::NoJournal)?;
    if lines.is_empty() {
        return Err(Problem::NeverWaited);
    }
    Ok(Json(json!({ "call": call, "why": lines })).into_response())
}

/// `POST /api/v1/calls/{call}/hangup`.
pub(super) async fn hang_up(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let call = call_id(call)?;
    let asked = Asked { actor: actor.name, own: false, request: Request::HangUp { call } };
    match ask(&app, asked).await? {
        Reply::Done => Ok(Json(json!({ "call": call })).into_response()),
        other => Err(other.into()),
    }
}

/// Asks the engine and waits for what the journal has committed.
pub(super) async fn ask(app: &App, asked: Asked) -> Result<Reply, Problem> {
    let reply = Arc::clone(&app.web.requests)(asked);
    match tokio::time::timeout(app.reply_within, reply).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(PortClosed)) => Err(Problem::Stopped),
        Err(_elapsed) => Err(Problem::NoReply),
    }
}

/// Reads a JSON body.
pub(super) fn read<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Problem> {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = said.split(';').next().unwrap_or("").trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::NotJson);
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLong(super::serve::BODY_LIMIT_BYTES),
        _ => Problem::Malformed("The body ended before its announced length.".to_owned()),
    })?;
    serde_json::from_slice(&body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::Invalid(error.to_string()),
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => Problem::Malformed(error.to_string()),
    })
}
