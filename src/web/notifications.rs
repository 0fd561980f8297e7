//! Texts and e-mails that callers were promised: which wait, and which were never sent.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::stats::NotificationLive;

use super::auth;
use super::problem::Problem;
use super::serve::App;

/// `GET /api/v1/notifications`: those that wait, the oldest first, and the last hundred that failed, the
/// newest first: each is somebody who waits in vain.
pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    auth::actor(&app.web.tokens.load(), &headers)?.supervises()?;
    let live = (app.web.live)();
    let mut waiting: Vec<&NotificationLive> = live.notifications.waiting.values().collect();
    waiting.sort_by_key(|one| (one.promised_at, one.notification));
    let failed: Vec<&NotificationLive> = live.notifications.failed.iter().rev().collect();
    Ok(Json(json!({ "at": live.at, "waiting": waiting, "failed": failed })).into_response())
}
