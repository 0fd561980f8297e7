//! What advisers say of conversations. It is personal, and so is shown only to whose conversation it was
//! and to supervisors.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::acd::wrap_up::WrapUpError;
use crate::engine::io::{Reply, Request};
use crate::event::{LONGEST_NOTE, Note, Verdict};
use crate::id::{AgentId, WrapUpCode};
use crate::stats::live::Live;
use crate::stats::wrap_up::WrapUpOf;

use super::Asked;
use super::api::{ask, call_id, read};
use super::auth::{self, Capacity};
use super::problem::Problem;
use super::serve::App;

/// `GET /api/v1/calls/{call}/wrap-up`: what can be said of a conversation, and what was.
pub(super) async fn show(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let call = call_id(call)?;
    let live = (app.web.live)();
    let mut of_call = live.wrap_ups.open.iter().filter(|one| one.call == call).peekable();
    of_call.peek().ok_or(Problem::WrapUp(WrapUpError::Unknown))?;
    let found = match actor.only_over() {
        Some(agent) => of_call.find(|one| one.agent == *agent),
        // Who still talks comes after whoever has finished.
        None => of_call.max_by_key(|one| (one.over_at.is_none(), one.over_at)),
    };
    Ok(Json(shown(&live, found.ok_or(Problem::NotYourCall)?)).into_response())
}

fn shown(live: &Live, one: &WrapUpOf) -> Value {
    let in_force = &live.wrap_ups.in_force;
    let queue = in_force.queues.get(&one.queue).cloned().unwrap_or_default();
    let words = |code: &WrapUpCode| in_force.codes.get(code).cloned().unwrap_or_default();
    let codes = queue.codes.iter().map(|code| json!({ "code": code, "words": words(code) }));
    let verdict = one.verdict.clone().unwrap_or_default();
    json!({
        "call": one.call,
        "agent": one.agent,
        "queue": one.queue,
        "over_at": one.over_at,
        "code": verdict.code,
        "resolved": verdict.resolved,
        "note": one.note,
        "code_needed": queue.required,
        "codes": codes.collect::<Vec<_>>(),
    })
}

/// What is said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    code: Option<WrapUpCode>,
    resolved: Option<bool>,
    note: Option<String>,
    agent: Option<AgentId>,
}

/// `PUT /api/v1/calls/{call}/wrap-up`: says all of it anew. An agent for a conversation of their own, a
/// supervisor for any.
pub(super) async fn say(
    State(app): State<App>,
    call: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let call = call_id(call)?;
    let Body { code, resolved, note, agent } = read(&headers, body)?;
    if let Some(agent) = &agent {
        actor.over(agent).map_err(|_| Problem::NotYourCall)?;
    }
    let note = match note.as_deref().map(str::trim).filter(|note| !note.is_empty()) {
        Some(words) => Some(Note::new(words).ok_or_else(|| {
            let most = format!("`note` is text of at most {LONGEST_NOTE} characters.");
            Problem::Invalid(most)
        })?),
        None => None,
    };
    if code.is_none() && resolved.is_none() && note.is_none() {
        const NOTHING: &str = "Say something: `code`, `resolved` (true or false) or `note`.";
        return Err(Problem::Invalid(NOTHING.to_owned()));
    }
    let (own, agent) = (actor.only_over().is_some(), agent.or(actor.only_over().cloned()));
    let said = json!({ "call": call, "code": code, "resolved": resolved, "note": note });
    let verdict = Verdict { code, resolved };
    let request = Request::WrapUp { call, agent, verdict, note };
    match ask(&app, Asked { actor: actor.name, own, request }).await? {
        Reply::Done => Ok(Json(said).into_response()),
        other => Err(other.into()),
    }
}

/// `POST /api/v1/agents/{agent}/wrap-up/extend`: more time for the work of the last call.
pub(super) async fn extend(
    State(app): State<App>,
    agent: Result<Path<AgentId>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    let Path(agent) =
        agent.map_err(|_| Problem::BadPath("An agent's name is percent-encoded UTF-8."))?;
    let own = actor.over(&agent)? == Capacity::Own;
    let request = Request::MoreTime { agent: agent.clone() };
    match ask(&app, Asked { actor: actor.name, own, request }).await? {
        Reply::Agent(state) => Ok(Json(json!({ "agent": agent, "state": state })).into_response()),
        other => Err(other.into()),
    }
}
