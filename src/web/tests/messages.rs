//! Messages that callers left, and who may work on them.

use super::*;

use crate::acd::messages::{MessageChange, MessageError};
use crate::event::Caller;
use crate::id::CallId;
use crate::stats::messages::MessageLive;

const MESSAGES: &str = "/api/v1/messages";
const STATE: &str = "/api/v1/messages/00000000000000ff/state";

#[tokio::test]
async fn whoever_serves_the_queue_sees_its_messages_and_nobody_else_does() {
    let server = Server::new();
    server.get(LOCAL, MESSAGES, None).await.problem(401, "no-token");
    let got = server.get(REMOTE, MESSAGES, Some("sues")).await.json();
    let ids: Vec<&str> = got["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|message| message["message"].as_str().expect("text"))
        .collect();
    assert_eq!(ids, ["00000000000000ff", "8000000000000001"], "the oldest first");
    assert_eq!(got["messages"][0]["caller"]["number"], "01632960001");
    let amys = server.get(REMOTE, MESSAGES, Some("amys")).await.json();
    assert_eq!(amys["messages"].as_array().map(Vec::len), Some(1), "not the other queue's");
    let figures = server.get(LOCAL, "/api/v1/live", None).await;
    assert!(!figures.body.contains("01632960001"), "a number is personal data");
}

#[tokio::test]
async fn a_message_is_taken_given_back_and_done() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    for (state, change) in [
        ("taken", MessageChange::Take),
        ("open", MessageChange::Release),
        ("done", MessageChange::Done),
    ] {
        let body = format!(r#"{{"state":"{state}"}}"#);
        let got = server.post(STATE, Some("amys"), &body).await;
        assert_eq!(got.status, StatusCode::OK);
        assert_eq!(got.json(), json!({ "message": "00000000000000ff", "state": state }));
        let asked = server.asked.lock().expect("not poisoned").pop().expect("asked");
        let (message, agent) = (RecordingId(255), Some("amy".into()));
        assert_eq!(asked.request, crate::engine::io::Request::Message { message, change, agent });
    }
    let got = server.get(REMOTE, "/api/v1/messages/00000000000000ff/audio", Some("amys")).await;
    assert_eq!((got.status, got.body.as_str()), (StatusCode::OK, "RIFF"));
    let asked = server.asked.lock().expect("not poisoned").pop().expect("asked");
    let (message, agent) = (RecordingId(255), Some("amy".into()));
    let change = MessageChange::Hear;
    let heard = crate::engine::io::Request::Message { message, change, agent };
    assert_eq!(asked.request, heard, "the journal knows who listened");
    let other = "/api/v1/messages/0000000000000001/audio";
    server.get(REMOTE, other, Some("sues")).await.problem(502, "no-sound");
    server.post(STATE, None, "{}").await.problem(401, "no-token");
    server.post(STATE, Some("sues"), r#"{"state":"lost"}"#).await.problem(422, "invalid");
    let path = "/api/v1/messages/x/state";
    server.post(path, Some("sues"), r#"{"state":"done"}"#).await.problem(400, "bad-path");
    for (error, status, slug) in [
        (MessageError::Unknown, 404, "unknown-message"),
        (MessageError::Taken("Bob".to_owned()), 409, "message-taken"),
        (MessageError::NotServed, 403, "message-not-served"),
    ] {
        let server = Server::answering(move |_| Some(Ok(Reply::MessageRefused(error.clone()))));
        let got = server.post(STATE, Some("amys"), r#"{"state":"taken"}"#).await;
        got.problem(status, slug);
    }
}

pub(super) fn left() -> Vec<MessageLive> {
    let message = |id, queue: &str, left_at| MessageLive {
        message: RecordingId(id),
        queue: queue.into(),
        call: CallId(uuid::Uuid::nil()),
        caller: Caller { number: Some("01632960001".to_owned()), name: None, withheld: false },
        left_at: UnixMicros(left_at),
        length_us: 9_000_000,
        taken_by: None,
        overdue: false,
        kept_at: None,
    };
    vec![message(0x8000_0000_0000_0001, "housing", 7), message(255, "waste", 5)]
}
