//! Supervisors are let into conversations by supervisors only, and agents bring third parties into
//! their own.

use super::*;
use crate::call::SuperviseError;
use crate::engine::io::Request;
use crate::event::Supervision;

pub(super) const CALL_ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

fn path(rest: &str) -> String {
    format!("/api/v1/calls/{CALL_ID}/{rest}")
}

fn asked(server: &Server) -> Vec<Asked> {
    server.asked.lock().expect("not poisoned").drain(..).collect()
}

#[tokio::test]
async fn a_supervisor_is_let_in_changes_and_leaves() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    let call = CALL_ID.parse().expect("a call's id");
    let body = r#"{"mode":"whisper","agent":"sue"}"#;
    let got = server.post(&path("supervise"), Some("sues"), body).await;
    assert_eq!(got.json(), json!({ "call": CALL_ID, "agent": "sue", "mode": "whisper" }));
    let got = server.post(&path("supervise/mode"), Some("sues"), r#"{"mode":"barge"}"#).await;
    assert_eq!(got.json(), json!({ "call": CALL_ID, "mode": "barge" }));
    let delete = with(Method::DELETE, &path("supervise"), Some("sues"));
    assert_eq!(server.send(LOCAL, delete, "").await.status, StatusCode::OK);
    let asked = asked(&server);
    assert!(asked.iter().all(|asked| (&*asked.actor, asked.own) == ("sues's holder", false)));
    let requests: Vec<Request> = asked.into_iter().map(|asked| asked.request).collect();
    let mode = Supervision::Whisper;
    assert_eq!(
        requests,
        [
            Request::Supervise { call, agent: "sue".into(), mode },
            Request::SuperviseAs { call, agent: None, mode: Supervision::Barge },
            Request::StopSupervising { call, agent: None },
        ]
    );
}

#[tokio::test]
async fn agents_and_strangers_listen_to_nobody_and_nonsense_is_refused() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    let body = r#"{"mode":"listen","agent":"sue"}"#;
    server.post(&path("supervise"), None, body).await.problem(401, "no-token");
    for rest in ["supervise", "supervise/mode"] {
        server.post(&path(rest), Some("amys"), body).await.problem(403, "supervisors-only");
    }
    let delete = with(Method::DELETE, &path("supervise"), Some("amys"));
    server.send(LOCAL, delete, "").await.problem(403, "supervisors-only");
    for wrong in [r#"{"mode":"spy","agent":"sue"}"#, r#"{"mode":"listen"}"#, r#"{"agent":"sue"}"#] {
        server.post(&path("supervise"), Some("sues"), wrong).await.problem(422, "invalid");
    }
    server.post("/api/v1/calls/7/supervise", Some("sues"), body).await.problem(400, "bad-path");
    assert!(asked(&server).is_empty());
    for (error, slug) in [
        (SuperviseError::NotTalking, "not-talking"),
        (SuperviseError::NoAdviser, "no-agent"),
        (SuperviseError::Present, "supervisor-present"),
        (SuperviseError::Full, "no-room"),
        (SuperviseError::NoPhone, "no-phone"),
        (SuperviseError::Busy, "supervisor-busy"),
        (SuperviseError::Absent, "no-supervisor"),
    ] {
        let server = Server::answering(move |_| Some(Ok(Reply::SuperviseRefused(error))));
        server.post(&path("supervise"), Some("sues"), body).await.problem(409, slug);
    }
    let unknown = Server::answering(|_| Some(Ok(Reply::UnknownDestination)));
    unknown.post(&path("supervise"), Some("sues"), body).await.problem(404, "unknown-agent");
}

#[tokio::test]
async fn a_conference_is_for_the_agents_own_calls_and_for_supervisors() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    let call = CALL_ID.parse().expect("a call's id");
    for token in ["amys", "sues"] {
        let got = server.post(&path("conference"), Some(token), "").await;
        assert_eq!(got.json(), json!({ "call": CALL_ID }));
    }
    let requests: Vec<(bool, Request)> =
        asked(&server).into_iter().map(|asked| (asked.own, asked.request)).collect();
    assert_eq!(
        requests,
        [
            (true, Request::Conference { call, agent: Some("amy".into()) }),
            (false, Request::Conference { call, agent: None }),
        ]
    );
    let none = Server::answering(|_| Some(Ok(Reply::NoConference)));
    none.post(&path("conference"), Some("amys"), "").await.problem(409, "no-conference");
}
