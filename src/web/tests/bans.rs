//! Who is banned, and who may say so.

use super::*;

use crate::event::BanReason;
use crate::sip::guard::{BanError, Source};
use crate::stats::BanLive;

const BANS: &str = "/api/v1/bans";

fn source(text: &str) -> Source {
    text.parse().expect("a source")
}

#[tokio::test]
async fn supervisors_see_who_is_banned_and_nobody_else_does() {
    let server = Server::new();
    server.get(LOCAL, BANS, None).await.problem(401, "no-token");
    server.get(LOCAL, BANS, Some("amys")).await.problem(403, "supervisors-only");
    let got = server.get(REMOTE, BANS, Some("sues")).await;
    assert_eq!(got.status, StatusCode::OK);
    let expected = json!([{
        "source": "203.0.113.7", "reason": "wrong_credentials", "since": 1, "until": 2, "nth": 3,
        "by": null,
    }]);
    assert_eq!(got.json()["bans"], expected);
    let figures = server.get(LOCAL, "/api/v1/live", None).await;
    assert!(!figures.body.contains("203.0.113.7"), "an address is personal data");
}

#[tokio::test]
async fn a_supervisor_bans_a_source_for_a_time() {
    let server = Server::answering(|_| Some(Ok(Reply::Banned { until: UnixMicros(7) })));
    let got = server.post(BANS, Some("sues"), r#"{"source":"2001:db8::7","for_s":3600}"#).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.json(), json!({ "source": "2001:db8::/64", "until": 7 }));
    let asked = server.asked.lock().expect("not poisoned").pop().expect("asked");
    let lasts = std::time::Duration::from_secs(3_600);
    let expected = crate::engine::io::Request::Ban { source: source("2001:db8::1"), lasts };
    assert_eq!((&*asked.actor, asked.own, asked.request), ("sues's holder", false, expected));

    server.post(BANS, None, "{}").await.problem(401, "no-token");
    server.post(BANS, Some("amys"), "{}").await.problem(403, "supervisors-only");
    for wrong in [
        r#"{"source":"203.0.113.0/24","for_s":60}"#,
        r#"{"source":"example.com","for_s":60}"#,
        r#"{"source":"203.0.113.7","for_s":0}"#,
        r#"{"source":"203.0.113.7","for_s":40000000}"#,
        r#"{"source":"203.0.113.7"}"#,
        r#"{"source":"203.0.113.7","for_s":60,"x":1}"#,
    ] {
        server.post(BANS, Some("sues"), wrong).await.problem(422, "invalid");
    }
    assert!(server.asked.lock().expect("not poisoned").is_empty());

    let body = r#"{"source":"203.0.113.7","for_s":60}"#;
    for (error, status, slug) in
        [(BanError::Allowed, 409, "source-allowed"), (BanError::Full, 503, "bans-full")]
    {
        let server = Server::answering(move |_| Some(Ok(Reply::BanRefused(error))));
        server.post(BANS, Some("sues"), body).await.problem(status, slug);
    }
}

#[tokio::test]
async fn a_supervisor_lifts_a_ban_once() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    let delete =
        |source: &str, token| with(Method::DELETE, &format!("{BANS}/{source}"), Some(token));
    for path in ["203.0.113.7", "2001:db8::7", "2001:db8::%2F64"] {
        let got = server.send(LOCAL, delete(path, "sues"), "").await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
    }
    let asked: Vec<_> = server.asked.lock().expect("not poisoned").drain(..).collect();
    let lifted = |text| crate::engine::io::Request::LiftBan { source: source(text) };
    assert_eq!(asked[0].request, lifted("203.0.113.7"));
    assert_eq!(asked[2].request, lifted("2001:db8::"));
    server.send(LOCAL, delete("203.0.113.7", "amys"), "").await.problem(403, "supervisors-only");
    server.send(LOCAL, delete("nobody", "sues"), "").await.problem(400, "bad-path");
    let over = Server::answering(|_| Some(Ok(Reply::NotBanned)));
    over.send(LOCAL, delete("203.0.113.7", "sues"), "").await.problem(404, "not-banned");
}

pub(super) fn banned() -> Vec<BanLive> {
    vec![BanLive {
        source: "203.0.113.7".to_owned(),
        reason: BanReason::WrongCredentials,
        since: UnixMicros(1),
        until: UnixMicros(2),
        nth: 3,
        by: None,
    }]
}
