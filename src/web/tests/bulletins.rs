//! Messages to every caller, and who may turn them on.

use super::*;

use crate::engine::io::Request;
use crate::stats::BulletinLive;

pub(super) fn known() -> Vec<BulletinLive> {
    let bulletin =
        |name: &str, on| BulletinLive { bulletin: name.into(), on, since: None, by: None };
    vec![bulletin("flood", true), bulletin("strike", false)]
}

#[tokio::test]
async fn whoever_has_a_token_sees_what_is_said_to_callers() {
    let server = Server::new();
    server.get(LOCAL, "/api/v1/bulletins", None).await.problem(401, "no-token");
    let got = server.get(REMOTE, "/api/v1/bulletins", Some("amys")).await;
    assert_eq!(got.status, StatusCode::OK);
    let flood = json!({ "bulletin": "flood", "on": true, "since": null, "by": null });
    assert_eq!(got.json()["bulletins"][0], flood);
}

#[tokio::test]
async fn a_supervisor_turns_a_bulletin_on_and_off() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    let path = "/api/v1/bulletins/flood";
    let got = server.put(path, Some("sues"), r#"{"on":true}"#).await;
    assert_eq!(
        (got.status, got.json()),
        (StatusCode::OK, json!({ "bulletin": "flood", "on": true }))
    );
    let asked = server.asked.lock().expect("not poisoned").pop().expect("asked");
    assert_eq!(asked.request, Request::Bulletin { bulletin: "flood".into(), on: true });
    assert_eq!(&*asked.actor, "sues's holder");

    server.put(path, None, r#"{"on":true}"#).await.problem(401, "no-token");
    server.put(path, Some("amys"), r#"{"on":true}"#).await.problem(403, "supervisors-only");
    server.put(path, Some("sues"), r#"{"on":"yes"}"#).await.problem(422, "invalid");
    server.put(path, Some("sues"), r#"{}"#).await.problem(422, "invalid");
    assert!(server.asked.lock().expect("not poisoned").is_empty());

    let server = Server::answering(|_| Some(Ok(Reply::UnknownBulletin)));
    server
        .put("/api/v1/bulletins/snow", Some("sues"), r#"{"on":true}"#)
        .await
        .problem(404, "unknown-bulletin");
}

#[tokio::test]
async fn what_a_flow_noted_is_for_who_serves_the_call() {
    let path = format!("/api/v1/calls/{}/facts", supervise::CALL_ID);
    let server = Server::new();
    server.get(LOCAL, &path, None).await.problem(401, "no-token");
    server.get(LOCAL, &path, Some("amys")).await.problem(403, "not-your-call");
    let got = server.get(REMOTE, &path, Some("sues")).await;
    assert_eq!(got.json()["facts"], json!([{ "label": "Postcode", "fact": "RM1 3BD" }]));
    let other = "/api/v1/calls/0190163d-8694-739b-aea5-966c26f8ad92/facts";
    assert_eq!(server.get(REMOTE, other, Some("sues")).await.json()["facts"], json!([]));
}
