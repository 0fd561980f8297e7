//! What advisers say of conversations.

use super::*;

use crate::acd::wrap_up::WrapUpError;
use crate::engine::io::Request;
use crate::event::{Note, Verdict};
use crate::stats::stream::{S, Stream};
use crate::stats::wrap_up::WrapUpLive;

const PATH: &str = "/api/v1/calls/0190163d-8694-739b-aea5-966c26f8ad91/wrap-up";
const EXTEND: &str = "/api/v1/agents/amy/wrap-up/extend";

/// Amy has talked in the call, and Bob after her.
pub(super) fn said() -> WrapUpLive {
    let mut live = WrapUpLive::default();
    let in_force = &mut live.in_force;
    in_force.codes.insert("missed-bin".into(), "Missed bin".to_owned());
    let queue = in_force.queues.entry("waste".into()).or_default();
    (queue.codes, queue.required) = (vec!["missed-bin".into()], true);
    let mut stream = Stream::starting("2026-11-23T12:00:00Z");
    let mut call = stream.arrive();
    call.id = supervise::CALL_ID.parse().expect("a call");
    for agent in ["amy", "bob"] {
        stream.enter(&mut call, "waste");
        stream.answer(&mut call, agent);
        stream.pass(S);
        stream.part(&call, agent, S, 0);
    }
    live.open = stream.live().wrap_ups.open;
    live
}

#[tokio::test]
async fn an_adviser_says_what_a_call_was_about_and_a_supervisor_for_them() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    let asked = |server: &Server| server.asked.lock().expect("not poisoned").pop().expect("asked");
    let call = supervise::CALL_ID.parse().expect("a call");
    let body = r#"{"code":"missed-bin","resolved":true,"note":" Rang twice. "}"#;
    let got = server.put(PATH, Some("amys"), body).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(
        (&got.json()["code"], &got.json()["note"]),
        (&json!("missed-bin"), &json!("Rang twice."))
    );
    let verdict = Verdict { code: Some("missed-bin".into()), resolved: Some(true) };
    let note = Note::new("Rang twice.");
    let agent = Some("amy".into());
    assert_eq!(asked(&server).request, Request::WrapUp { call, agent, verdict, note });
    server.put(PATH, Some("sues"), r#"{"resolved":false}"#).await;
    let verdict = Verdict { code: None, resolved: Some(false) };
    let request = Request::WrapUp { call, agent: None, verdict: verdict.clone(), note: None };
    assert_eq!(asked(&server).request, request, "whoever was in the call last");
    server.put(PATH, Some("sues"), r#"{"resolved":false,"agent":"bob"}"#).await;
    let request = Request::WrapUp { call, agent: Some("bob".into()), verdict, note: None };
    assert_eq!(asked(&server).request, request);
    server.put(PATH, None, body).await.problem(401, "no-token");
    let for_bob = r#"{"resolved":true,"agent":"bob"}"#;
    server.put(PATH, Some("amys"), for_bob).await.problem(403, "not-your-call");
    for nothing in ["{}", r#"{"note":"  "}"#, r#"{"resolved":"yes"}"#, r#"{"codes":"x"}"#] {
        server.put(PATH, Some("amys"), nothing).await.problem(422, "invalid");
    }
    let long = format!(r#"{{"note":"{}"}}"#, "x".repeat(501));
    server.put(PATH, Some("amys"), &long).await.problem(422, "invalid");
}

#[tokio::test]
async fn what_cannot_be_said_is_answered_with_what_would_be_right() {
    let unknown =
        || WrapUpError::UnknownCode { code: "mised-bin".into(), near: Some("missed-bin".into()) };
    for (error, status, slug) in [
        (WrapUpError::Unknown, 404, "unknown-conversation"),
        (WrapUpError::NotYours, 403, "not-your-call"),
        (WrapUpError::TooLate, 409, "wrap-up-too-late"),
        (unknown(), 422, "unknown-code"),
        (WrapUpError::CodeNeeded("waste".into()), 422, "code-needed"),
    ] {
        let server = Server::answering(move |_| Some(Ok(Reply::WrapUpRefused(error.clone()))));
        let got = server.put(PATH, Some("amys"), r#"{"code":"mised-bin"}"#).await;
        if slug == "unknown-code" {
            assert!(got.body.contains("Did you mean `missed-bin`?"), "{}", got.body);
        }
        got.problem(status, slug);
    }
}

#[tokio::test]
async fn only_whose_conversation_it_was_and_supervisors_see_what_can_be_said() {
    let server = Server::new();
    let amys = server.get(REMOTE, PATH, Some("amys")).await.json();
    assert_eq!((&amys["agent"], &amys["code_needed"]), (&json!("amy"), &json!(true)));
    assert_eq!(amys["codes"], json!([{ "code": "missed-bin", "words": "Missed bin" }]));
    assert_eq!(amys["code"], Value::Null);
    let sues = server.get(REMOTE, PATH, Some("sues")).await.json();
    assert_eq!(sues["agent"], "bob", "whoever was in it last");
    let other = PATH.replace("0190163d", "0190163e");
    server.get(REMOTE, &other, Some("sues")).await.problem(404, "unknown-conversation");
    server.get(LOCAL, PATH, None).await.problem(401, "no-token");
}

#[tokio::test]
async fn an_adviser_asks_for_more_time() {
    let server = Server::answering(|_| Some(Ok(Reply::Agent(AgentState::WrapUp))));
    let got = server.post(EXTEND, Some("amys"), "").await.json();
    assert_eq!(got, json!({ "agent": "amy", "state": "wrap_up" }));
    let asked = server.asked.lock().expect("not poisoned").pop().expect("asked");
    assert_eq!(asked.request, Request::MoreTime { agent: "amy".into() });
    server.post(&EXTEND.replace("amy", "bob"), Some("amys"), "").await.problem(403, "not-yours");
    for (error, slug) in [
        (ChoiceError::NotWrappingUp, "not-wrapping-up"),
        (ChoiceError::NoMoreTime, "no-more-time"),
        (ChoiceError::CodeOwed, "code-owed"),
    ] {
        let server = Server::answering(move |_| Some(Ok(Reply::ChoiceRefused(error))));
        server.post(EXTEND, Some("amys"), "").await.problem(409, slug);
    }
}
