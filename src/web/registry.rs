//! Queues, agents and skills: what is declared, in the file or in the database, and its changes.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{
    ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::registry::{Key, Kind, sheet};
use crate::server::registry::store::MOST_LINES;
use crate::server::registry::{Answer, Asked, Condition, Order, Shown};

use super::problem::Problem;
use super::serve::{App, IMPORT_WITHIN};
use super::{PortClosed, api, auth};

/// The longest body of an entry.
const ENTRY_LIMIT_BYTES: usize = 64 * 1_024;
/// How many entries are told at once unless it is asked for otherwise, and at most.
const USUAL_PAGE: usize = 100;
const MOST_PAGE: usize = 1_000;
/// A name in the address.
type InPath = Result<Path<String>, PathRejection>;

/// What can be asked of all entries of a kind.
pub(super) fn all(kind: Kind) -> MethodRouter<App> {
    get(move |app: State<App>, asked: Result<Query<Page>, QueryRejection>, headers: HeaderMap| {
        list(kind, app, asked, headers)
    })
    .post(
        move |app: State<App>,
              asked: Result<Query<How>, QueryRejection>,
              headers: HeaderMap,
              body: Result<Bytes, BytesRejection>| import(kind, app, asked, headers, body),
    )
    .layer(DefaultBodyLimit::max(sheet::LARGEST))
}

/// What can be asked of one entry.
pub(super) fn one(kind: Kind) -> MethodRouter<App> {
    get(move |app: State<App>, name: InPath, headers: HeaderMap| show(kind, app, name, headers))
        .put(
            move |app: State<App>,
                  name: InPath,
                  headers: HeaderMap,
                  body: Result<Bytes, BytesRejection>| {
                put(kind, app, name, headers, body)
            },
        )
        .delete(move |app: State<App>, name: InPath, headers: HeaderMap| {
            delete(kind, app, name, headers)
        })
        .layer(DefaultBodyLimit::max(ENTRY_LIMIT_BYTES))
}

/// Which entries are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Page {
    after: Option<String>,
    limit: Option<usize>,
    /// Of agents: what is declared, and not how they fare.
    settings: bool,
}

/// How a sheet is taken in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct How {
    dry_run: bool,
}

async fn list(
    kind: Kind,
    State(app): State<App>,
    asked: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const RIGHT: &str = "`after` is a name, `limit` a number from 1 to 1000, `settings` true.";
    let Query(Page { after, limit, settings }) = asked.map_err(|_| Problem::BadPath(RIGHT))?;
    let sheet = accepts_csv(&headers);
    if kind == Kind::Agent && !settings && !sheet {
        return api::agents(State(app), headers).await;
    }
    auth::actor(&app.web.tokens.load(), &headers)?.supervises()?;
    if sheet {
        return match order(&app, Order::Export(kind)).await? {
            Answer::Sheet(text) => Ok(as_sheet(kind, text)),
            other => Err(unfit(&other)),
        };
    }
    let limit = limit.unwrap_or(USUAL_PAGE);
    if !(1..=MOST_PAGE).contains(&limit) {
        return Err(Problem::BadPath(RIGHT));
    }
    match order(&app, Order::List { kind, after, limit }).await? {
        Answer::Entries(shown, next) => {
            Ok(Json(json!({ (kind.plural()): shown, "next": next })).into_response())
        }
        other => Err(unfit(&other)),
    }
}

async fn show(
    kind: Kind,
    State(app): State<App>,
    name: InPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    auth::actor(&app.web.tokens.load(), &headers)?.supervises()?;
    match order(&app, Order::Show(key(kind, name)?)).await? {
        Answer::Entry(shown, _) => Ok(entry(StatusCode::OK, &shown)),
        other => Err(unfit(&other)),
    }
}

async fn put(
    kind: Kind,
    State(app): State<App>,
    name: InPath,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let (key, condition) = (key(kind, name)?, condition(&headers));
    let body: Value = api::read(&headers, body).map_err(|problem| match problem {
        Problem::TooLong(_) => Problem::TooLong(ENTRY_LIMIT_BYTES),
        other => other,
    })?;
    let by = actor.name;
    match order(&app, Order::Put { key, body, condition, by }).await? {
        Answer::Entry(shown, true) => Ok(entry(StatusCode::CREATED, &shown)),
        Answer::Entry(shown, false) => Ok(entry(StatusCode::OK, &shown)),
        other => Err(unfit(&other)),
    }
}

async fn delete(
    kind: Kind,
    State(app): State<App>,
    name: InPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let (key, condition, by) = (key(kind, name)?, condition(&headers), actor.name);
    match order(&app, Order::Delete { key, condition, by }).await? {
        Answer::Deleted => Ok(StatusCode::NO_CONTENT.into_response()),
        other => Err(unfit(&other)),
    }
}

/// Whether a body is a sheet.
pub(super) fn is_csv(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    said.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("text/csv")
}

async fn import(
    kind: Kind,
    State(app): State<App>,
    asked: Result<Query<How>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let actor = auth::actor(&app.web.tokens.load(), &headers)?;
    actor.supervises()?;
    let Query(How { dry_run }) =
        asked.map_err(|_| Problem::BadPath("`dry_run` is true or false."))?;
    if !is_csv(&headers) {
        return Err(Problem::NotCsv);
    }
    let sheet = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLong(sheet::LARGEST),
        _ => Problem::Malformed("The body ended before its announced length.".to_owned()),
    })?;
    match order(&app, Order::Import { kind, sheet, dry_run, by: actor.name }).await? {
        Answer::Imported(summary) => Ok(Json(summary).into_response()),
        other => Err(unfit(&other)),
    }
}

/// Which lines of the audit trail are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Lines {
    before: Option<u64>,
    limit: Option<u32>,
    kind: Option<Kind>,
    name: Option<String>,
    by: Option<String>,
}

/// `GET /api/v1/audit`: who changed what, the newest first.
pub(super) async fn audit(
    State(app): State<App>,
    asked: Result<Query<Lines>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    const RIGHT: &str = "`before` is a line's number, `limit` a number from 1 to 1000, `kind` is \
        queue, agent or skill; `name` and `by` are names.";
    auth::actor(&app.web.tokens.load(), &headers)?.supervises()?;
    let Query(Lines { before, limit, kind, name, by }) =
        asked.map_err(|_| Problem::BadPath(RIGHT))?;
    let limit = limit.unwrap_or(100);
    if !(1..=MOST_LINES).contains(&limit) {
        return Err(Problem::BadPath(RIGHT));
    }
    let asked = Asked { before, limit, kind, name, by };
    match order(&app, Order::Audit(asked)).await? {
        Answer::Audit(lines) => {
            let full = lines.len() == limit as usize;
            let next = lines.last().filter(|_| full).map(|line| line.seq);
            Ok(Json(json!({ "audit": lines, "next": next })).into_response())
        }
        other => Err(unfit(&other)),
    }
}

/// Gives an order and waits for what comes of it.
async fn order(app: &App, order: Order) -> Result<Answer, Problem> {
    let within = match order {
        Order::Import { .. } => IMPORT_WITHIN,
        Order::List { .. }
        | Order::Show(_)
        | Order::Export(_)
        | Order::Put { .. }
        | Order::Delete { .. }
        | Order::Audit(_) => app.reply_within,
    };
    match tokio::time::timeout(within, (app.web.registry)(order)).await {
        Ok(Ok(done)) => done.map_err(Problem::Registry),
        Ok(Err(PortClosed)) => Err(Problem::Stopped),
        Err(_elapsed) => Err(Problem::NoReply),
    }
}

/// An answer to another order: a defect of ours.
fn unfit(_: &Answer) -> Problem {
    Problem::WrongReply
}

fn key(kind: Kind, name: InPath) -> Result<Key, Problem> {
    let Path(name) = name.map_err(|_| Problem::BadPath("A name is percent-encoded UTF-8."))?;
    Ok(Key::new(kind, &name))
}

/// An entry with its version, which a change must name.
fn entry(status: StatusCode, shown: &Shown) -> Response {
    let version = shown.version.map(|version| format!("\"{version}\""));
    let tag = version.map(|version| [(ETAG, version)]);
    match tag {
        Some(tag) => (status, tag, Json(shown)).into_response(),
        None => (status, Json(shown)).into_response(),
    }
}

fn as_sheet(kind: Kind, text: String) -> Response {
    let name = format!("attachment; filename=\"{}.csv\"", kind.plural());
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    (headers, text).into_response()
}

fn accepts_csv(headers: &HeaderMap) -> bool {
    let said = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    said.split(',')
        .any(|one| one.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("text/csv"))
}

/// On what condition something is changed. Tags that we never gave match nothing.
fn condition(headers: &HeaderMap) -> Condition {
    let tags = |name: HeaderName| -> Option<Vec<String>> {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        let texts = values.filter_map(|value| value.to_str().ok());
        Some(texts.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect())
    };
    if let Some(tags) = tags(IF_MATCH) {
        if tags.iter().any(|tag| tag == "*") {
            return Condition::Present;
        }
        let version = |tag: &String| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        return Condition::Versions(tags.iter().filter_map(version).collect());
    }
    match tags(IF_NONE_MATCH) {
        Some(tags) if tags.iter().any(|tag| tag == "*") => Condition::Absent,
        Some(_) | None => Condition::Unsaid,
    }
}
