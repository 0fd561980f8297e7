//! Promises to ring callers back, and who may take them back.

use super::*;

use crate::acd::callback::CallbackError;
use crate::id::{CallId, CallbackId};
use crate::stats::callbacks::CallbackLive;

const CALLBACKS: &str = "/api/v1/callbacks";
const ONE: &str = "/api/v1/callbacks/00000000000000ff";

#[tokio::test]
async fn whoever_serves_the_queue_sees_whom_it_is_to_ring_and_nobody_else_does() {
    let server = Server::new();
    server.get(LOCAL, CALLBACKS, None).await.problem(401, "no-token");
    let got = server.get(REMOTE, CALLBACKS, Some("sues")).await.json();
    let ids: Vec<&str> = got["callbacks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|callback| callback["callback"].as_str().expect("text"))
        .collect();
    assert_eq!(ids, ["00000000000000ff", "8000000000000001"], "in the order of their places");
    assert_eq!(got["callbacks"][0]["number"], "+441632960002");
    let amys = server.get(REMOTE, CALLBACKS, Some("amys")).await.json();
    assert_eq!(amys["callbacks"].as_array().map(Vec::len), Some(1), "not the other queue's");
    let figures = server.get(LOCAL, "/api/v1/live", None).await;
    assert!(!figures.body.contains("01632960002") && !figures.body.contains("441632960002"));
}

#[tokio::test]
async fn a_supervisor_takes_a_promise_back_in_their_own_name() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    server.delete(ONE, None).await.problem(401, "no-token");
    server.delete(ONE, Some("amys")).await.problem(403, "supervisors-only");
    let path = "/api/v1/callbacks/x";
    server.delete(path, Some("sues")).await.problem(400, "bad-path");
    let got = server.delete(ONE, Some("sues")).await;
    assert_eq!(got.json(), json!({ "callback": "00000000000000ff", "cancelled": true }));
    let asked = server.asked.lock().expect("not poisoned").pop().expect("asked");
    let callback = CallbackId(255);
    assert_eq!(asked.request, crate::engine::io::Request::CancelCallback { callback });
    assert_eq!(&*asked.actor, "sues's holder");
    for (error, status, slug) in [
        (CallbackError::Unknown, 404, "unknown-callback"),
        (CallbackError::UnderWay, 409, "callback-under-way"),
    ] {
        let server = Server::answering(move |_| Some(Ok(Reply::CallbackRefused(error))));
        server.delete(ONE, Some("sues")).await.problem(status, slug);
    }
}

pub(super) fn promised() -> Vec<CallbackLive> {
    let callback = |id, queue: &str, since| CallbackLive {
        callback: CallbackId(id),
        queue: queue.into(),
        skills: Vec::new(),
        priority: 0,
        call: CallId(uuid::Uuid::nil()),
        number: "+441632960002".to_owned(),
        name: None,
        flow: Some("main".into()),
        since: UnixMicros(since),
        taken_at: UnixMicros(since + 5),
        tries: 0,
        missed_at: None,
        dialled_for: None,
        facts: Vec::new(),
    };
    vec![callback(0x8000_0000_0000_0001, "housing", 7), callback(255, "waste", 5)]
}
