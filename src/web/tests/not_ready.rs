//! Not ready for a reason.

use super::*;

use crate::acd::command::ChoiceError;
use crate::engine::io::Request;
use crate::stats::AwayLive;

/// Lunch is a reason, and somebody did not answer.
pub(super) fn reasons() -> Vec<AwayLive> {
    let one = |reason: &str, title: &str, chosen| AwayLive {
        reason: reason.into(),
        title: title.to_owned(),
        limit_s: Some(3_600.0),
        at_once: None,
        chosen,
        agents: 1,
        over_limit: 1,
        total_s: 60.0,
        over_limit_total: 1,
    };
    vec![one("lunch", "Lunch", true), one("no-answer", "Did not answer", false)]
}

#[tokio::test]
async fn somebody_is_not_ready_for_a_reason() {
    let server = Server::new();
    let lunch = r#"{"state":"not_ready","reason":"lunch"}"#;
    assert_eq!(server.post(STATE, Some("amys"), lunch).await.status, StatusCode::OK);
    let asked = server.asked.lock().expect("not poisoned").pop().expect("asked");
    assert_eq!(asked.request, Request::Away { agent: "amy".into(), reason: "lunch".into() });
    assert!(asked.own);
    let senseless = r#"{"state":"ready","reason":"lunch"}"#;
    server.post(STATE, Some("amys"), senseless).await.problem(422, "invalid");
    let told = server.get(LOCAL, "/api/v1/agents", Some("amys")).await.json();
    assert_eq!(told["not_ready"][0]["title"], "Lunch");
    let live = server.get(LOCAL, "/api/v1/live", None).await.json();
    assert_eq!(live["not_ready"][0]["over_limit"], 1);
}

#[tokio::test]
async fn a_reason_that_is_none_is_refused_with_those_that_are() {
    let server = Server::answering(|_| Some(Ok(Reply::ChoiceRefused(ChoiceError::UnknownReason))));
    let got = server.post(STATE, Some("amys"), r#"{"state":"not_ready","reason":"lnch"}"#).await;
    got.problem(422, "unknown-reason");
    let detail = got.json()["detail"].as_str().expect("words").to_owned();
    assert!(detail.contains("Did you mean `lunch`? There are: lunch."), "{detail}");
    let server = Server::answering(|_| Some(Ok(Reply::ChoiceRefused(ChoiceError::TooManyAway))));
    let got = server.post(STATE, Some("amys"), r#"{"state":"not_ready","reason":"lunch"}"#).await;
    got.problem(409, "too-many-away");
}
