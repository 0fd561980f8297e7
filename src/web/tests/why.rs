//! Why this adviser, and why this wait.

use crate::stats::calls::CallLine;

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

/// Three calls, the newest first.
pub(super) fn calls() -> Vec<CallLine> {
    let call = |seq| CallLine {
        call: supervise::CALL_ID.parse().expect("a call"),
        seq,
        at: UnixMicros(7),
        caller: None,
        called: "01708434343".into(),
        flow: Some("main".into()),
        queue: None,
        wait_us: None,
        outcome: None,
        agent: None,
        talk_us: None,
        ended: None,
        duration_us: None,
    };
    [30, 20, 10].map(call).into()
}

#[tokio::test]
async fn a_supervisor_sees_the_calls_that_came_last_page_by_page() {
    let server = Server::new();
    let seqs = async |query: &str| {
        let got = server.get(REMOTE, &format!("/api/v1/calls{query}"), Some("sues")).await;
        assert_eq!(got.status, StatusCode::OK);
        let body = got.json();
        let calls = body["calls"].as_array().expect("calls").clone();
        let seqs: Vec<u64> = calls.iter().filter_map(|call| call["seq"].as_u64()).collect();
        (seqs, body["next"].as_u64())
    };
    assert_eq!(seqs("").await, (vec![30, 20, 10], None));
    assert_eq!(seqs("?limit=2").await, (vec![30, 20], Some(20)));
    assert_eq!(seqs("?limit=2&before=20").await, (vec![10], None));
    for wrong in ["?limit=0", "?limit=201", "?before=x", "?after=1"] {
        let path = format!("/api/v1/calls{wrong}");
        server.get(REMOTE, &path, Some("sues")).await.problem(400, "bad-path");
    }
    server.get(REMOTE, "/api/v1/calls", None).await.problem(401, "no-token");
    server.get(REMOTE, "/api/v1/calls", Some("amys")).await.problem(403, "supervisors-only");
}
