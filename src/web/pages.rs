//! The pages' files, embedded; health, readiness, metrics and the description of the API.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::problem::Problem;
use super::serve::App;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Files below `/ui/`.
const FILES: [(&str, &str, &str); 6] = [
    ("wallboard.css", CSS, include_str!("ui/wallboard.css")),
    ("wallboard.js", SCRIPT, include_str!("ui/wallboard.js")),
    ("figures.js", SCRIPT, include_str!("ui/figures.js")),
    ("desk.css", CSS, include_str!("ui/desk.css")),
    ("desk.js", SCRIPT, include_str!("ui/desk.js")),
    ("icon.svg", SVG, include_str!("ui/icon.svg")),
];

/// The pages belong to this build: a browser asks again after each restart.
fn embedded(media_type: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-cache")], text).into_response()
}

/// `GET /`.
pub(super) async fn wallboard() -> Response {
    embedded(HTML, include_str!("ui/index.html"))
}

/// `GET /desk`.
pub(super) async fn desk() -> Response {
    embedded(HTML, include_str!("ui/desk.html"))
}

/// `GET /ui/{file}`.
pub(super) async fn file(Path(wanted): Path<String>) -> Result<Response, Problem> {
    FILES
        .iter()
        .find(|(name, ..)| *name == wanted)
        .map(|(_, media_type, text)| embedded(media_type, text))
        .ok_or(Problem::NotFound)
}

/// `GET /openapi.json`.
pub(super) async fn openapi() -> Response {
    embedded("application/json", include_str!("ui/openapi.json"))
}

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> Response {
    Json(json!({ "healthy": true })).into_response()
}

/// `GET /readyz`: new calls can be served, or why not.
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let readiness = (app.web.ready)();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

/// `GET /metrics`: Prometheus text, version 0.0.4.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let text = (app.web.metrics)();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
