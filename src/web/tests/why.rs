//! Why this adviser, and why this wait.

use super::*;

#[tokio::test]
async fn a_supervisor_is_told_of_a_calls_wait() {
    let server = Server::new();
    let path = format!("/api/v1/calls/{}/why", supervise::CALL_ID);
    let got = server.get(REMOTE, &path, Some("sues")).await;
    let line = json!({ "at": 7, "after_us": 5, "text": "waits" });
    let told = json!({ "call": supervise::CALL_ID, "why": [line] });
    assert_eq!((got.status, got.json()), (StatusCode::OK, told));

    server.get(REMOTE, &path, None).await.problem(401, "no-token");
    server.get(REMOTE, &path, Some("amys")).await.problem(403, "supervisors-only");
    server.get(REMOTE, "/api/v1/calls/7/why", Some("sues")).await.problem(400, "bad-path");
    let nobody = "/api/v1/calls/00000000-0000-0000-0000-000000000001/why";
    server.get(REMOTE, nobody, Some("sues")).await.problem(404, "never-waited");
}
