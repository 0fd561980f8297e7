//! The HTTP face as its users meet it: every status, every door, over the router itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::acd::command::ChoiceError;
use crate::config::settings::{Role, TokenSettings};
use crate::engine::io::Reply;
use crate::event::AgentState;
use crate::stats::live::{AgentLive, Live, QueueLive, QueueMessages, Today, Totals};
use crate::time::{Time, UnixMicros};

use super::*;

mod bans;
mod bulletins;
mod callbacks;
mod messages;
mod not_ready;
mod notifications;
mod registry;
mod supervise;
mod why;
mod wrap_up;

const LOCAL: &str = "127.0.0.1:50000";
const REMOTE: &str = "10.1.2.3:50000";
const CALL: &str = "/api/v1/calls/0190163d-8694-739b-aea5-966c26f8ad91/hangup";
const STATE: &str = "/api/v1/agents/amy/state";

/// What the engine answers in a test.
type Answer = Arc<dyn Fn(&Asked) -> Option<Result<Reply, PortClosed>> + Send + Sync>;

pub(super) fn live() -> Live {
    let today = Today {
        offered: 10,
        answered: 8,
        answered_within_standard: 6,
        abandoned: 1,
        still_waiting: 1,
        asa_s: Some(31.5),
        longest_wait_s: Some(95.0),
        answered_within_of_offered: Some(0.6),
        ..Today::default()
    };
    Live {
        // 1 July 2026, 12:00 UTC: 13:00 in London.
        at: UnixMicros(1_782_907_200_000_000),
        time: Time::ZERO,
        organisation: "Havering".to_owned(),
        seq: 41,
        calls_active: 3,
        queues: vec![QueueLive {
            queue: "waste".into(),
            title: "Waste and recycling".to_owned(),
            standard_s: 60.0,
            waiting: 1,
            longest_wait_s: Some(12.0),
            today: today.clone(),
            total: Totals::default(),
            books_difference: 0,
            messages: QueueMessages::default(),
            callbacks: Default::default(),
            served_by: vec!["amy".into()],
        }],
        today,
        agents: AgentState::ALL.into_iter().map(|state| (state, 0)).collect(),
        agent_list: ["amy", "bob"]
            .into_iter()
            .map(|agent| AgentLive {
                agent: agent.into(),
                name: format!("{agent} example"),
                state: AgentState::Ready,
                for_s: Some(4.0),
                reason: None,
                over_limit: false,
                not_ready_today_s: BTreeMap::new(),
                phones: 1,
                desk: None,
                call: None,
                wrap_up: None,
            })
            .collect(),
        ended_total: BTreeMap::new(),
        transfers_total: BTreeMap::new(),
        voice: Default::default(),
        bans: bans::banned(),
        messages: messages::left(),
        callbacks: callbacks::promised(),
        bulletins: bulletins::known(),
        facts: BTreeMap::from([(
            supervise::CALL_ID.parse().expect("a call"),
            vec![("Postcode".to_owned(), "RM1 3BD".to_owned())],
        )]),
        backends: Default::default(),
        notifications: notifications::promised(),
        surveys: Default::default(),
        speech: Default::default(),
        last_agents: Default::default(),
        wrap_ups: wrap_up::said(),
        away: not_ready::reasons(),
        wrong_pins: 0,
    }
}

fn token(text: &str, role: Role, agent: Option<&str>) -> Token {
    use sha2::Digest;
    let hex: String =
        sha2::Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    Token::try_from(&TokenSettings {
        actor: format!("{text}'s holder"),
        role,
        agent: agent.map(Into::into),
        sha256: hex.as_str().into(),
    })
    .expect("a good token")
}

pub(super) fn state(asked: Arc<Mutex<Vec<Asked>>>, answer: Answer) -> WebState {
    WebState {
        live: Arc::new(|| Arc::new(live())),
        metrics: Arc::new(|| "switchboard_calls_active 3\n".to_owned()),
        ready: Arc::new(|| Readiness::from_reasons(vec![])),
        sounds: Arc::new(|message, _| {
            Box::pin(async move { (message == RecordingId(255)).then(|| b"RIFF".to_vec()) })
        }),
        why: Arc::new(|call| {
            let known = call == supervise::CALL_ID.parse().expect("a call");
            let line = || Line { at: UnixMicros(7), after_us: 5, text: "waits".to_owned() };
            Box::pin(async move { Some(known.then(line).into_iter().collect()) })
        }),
        calls: Arc::new(|before, limit| {
            let all = why::calls().into_iter();
            let some = all.filter(move |call| before.is_none_or(|before| call.seq < before));
            let some = some.take(limit as usize).collect();
            Box::pin(async move { Some(some) })
        }),
        registry: registry::silent(),
        requests: Arc::new(move |one| {
            let reply = answer(&one);
            asked.lock().expect("not poisoned").push(one);
            Box::pin(async move {
                match reply {
                    Some(reply) => reply,
                    None => std::future::pending().await,
                }
            })
        }),
        tokens: Arc::new(ArcSwap::from_pointee(vec![
            token("amys", Role::Agent, Some("amy")),
            token("sues", Role::Supervisor, None),
        ])),
        zone: jiff::tz::TimeZone::get("Europe/London").expect("bundled"),
    }
}

struct Server {
    router: Router,
    asked: Arc<Mutex<Vec<Asked>>>,
}

struct Got {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// A problem's body, held to RFC 9457 and to the API's description.
    #[track_caller]
    fn problem(&self, status: u16, slug: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("/openapi.json#/components/x-problems/{slug}"));
        assert!(body["title"].as_str().is_some_and(|t| !t.is_empty()));
        assert!(body["detail"].as_str().is_some_and(|t| !t.is_empty()));
        let described: Value = serde_json::from_str(include_str!("ui/openapi.json")).expect("JSON");
        assert_eq!(described["components"]["x-problems"][slug]["status"], status, "{slug}");
    }
}

impl Server {
    fn new() -> Self {
        Self::answering(|_| Some(Ok(Reply::Agent(AgentState::Ready))))
    }

    fn answering(
        answer: impl Fn(&Asked) -> Option<Result<Reply, PortClosed>> + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::default();
        let router = router(state(Arc::clone(&asked), Arc::new(answer)));
        Server { router, asked }
    }

    async fn send(&self, peer: &str, request: axum::http::request::Builder, body: &str) -> Got {
        let mut request = request.body(Body::from(body.to_owned())).expect("a request");
        let peer: SocketAddr = peer.parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a body");
        Got {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).expect("UTF-8"),
        }
    }

    async fn get(&self, peer: &str, path: &str, token: Option<&str>) -> Got {
        self.send(peer, with(Method::GET, path, token), "").await
    }

    async fn delete(&self, path: &str, token: Option<&str>) -> Got {
        self.send(LOCAL, with(Method::DELETE, path, token), "").await
    }

    async fn put(&self, path: &str, token: Option<&str>, body: &str) -> Got {
        let request = with(Method::PUT, path, token).header("content-type", "application/json");
        self.send(LOCAL, request, body).await
    }

    async fn post(&self, path: &str, token: Option<&str>, body: &str) -> Got {
        let request = with(Method::POST, path, token).header("content-type", "application/json");
        self.send(LOCAL, request, body).await
    }
}

fn with(method: Method, path: &str, token: Option<&str>) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

#[tokio::test]
async fn the_live_figures_are_the_snapshot_with_a_clock_and_nothing_personal() {
    let got = Server::new().get(LOCAL, "/api/v1/live", None).await;
    assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!((got.header("vary"), got.header("cache-control")), ("accept", "no-store"));
    let body = got.json();
    assert_eq!(body["local_time"], "13:00:00");
    assert_eq!(body["local_date"], "Wednesday 1 July 2026");
    assert_eq!(body["time_zone"], "Europe/London");
    assert_eq!(body["seq"], 41);
    assert_eq!(body["queues"][0]["today"]["answered_within_of_offered"], 0.6);
    assert_eq!(body["agents"]["wrap_up"], 0);
    assert!(!got.body.contains("amy"), "{}", got.body);
}

#[tokio::test]
async fn figures_are_open_to_this_machine_and_need_a_token_from_elsewhere() {
    let server = Server::new();
    for path in ["/api/v1/live", "/metrics"] {
        assert_eq!(server.get(LOCAL, path, None).await.status, StatusCode::OK);
        assert_eq!(server.get("[::1]:9", path, None).await.status, StatusCode::OK);
        assert_eq!(server.get("[::ffff:127.0.0.1]:9", path, None).await.status, StatusCode::OK);
        server.get(REMOTE, path, None).await.problem(401, "no-token");
        server.get(REMOTE, path, Some("wrong")).await.problem(401, "bad-token");
        assert_eq!(server.get(REMOTE, path, Some("amys")).await.status, StatusCode::OK);
    }
    // A proxy on this machine asks for somebody else.
    for header in ["forwarded", "x-forwarded-for"] {
        let request = with(Method::GET, "/metrics", None).header(header, "for=10.1.2.3");
        server.send(LOCAL, request, "").await.problem(401, "no-token");
    }
    // A request of unknown origin is not taken for a local one.
    let request = with(Method::GET, "/metrics", None).body(Body::empty()).expect("a request");
    let response = server.router.clone().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_foreign_name_for_this_machine_is_refused_so_that_rebinding_dns_gains_nothing() {
    let server = Server::new();
    let host = |host: &str| {
        let request = Request::builder().uri("/api/v1/live").header("host", host);
        server.send(LOCAL, request, "")
    };
    for good in
        ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:8080", "[::1]"]
    {
        assert_eq!(host(good).await.status, StatusCode::OK, "{good}");
    }
    for bad in
        ["evil.example:8080", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.evil.example"]
    {
        host(bad).await.problem(421, "wrong-host");
    }
    server.send(LOCAL, Request::builder().uri("/"), "").await.problem(421, "wrong-host");
    let two =
        Request::builder().uri("/").header("host", "localhost").header("host", "evil.example");
    server.send(LOCAL, two, "").await.problem(421, "wrong-host");
    let absolute = Request::builder().uri("http://evil.example/").header("host", "localhost");
    server.send(LOCAL, absolute, "").await.problem(421, "wrong-host");
}

#[tokio::test]
async fn an_agent_sees_only_themselves_and_a_supervisor_everybody() {
    let server = Server::new();
    server.get(LOCAL, "/api/v1/agents", None).await.problem(401, "no-token");
    let got = server.get(LOCAL, "/api/v1/agents", Some("wrong")).await;
    got.problem(401, "bad-token");
    assert!(got.header("www-authenticate").contains("invalid_token"));
    let own = server.get(LOCAL, "/api/v1/agents", Some("amys")).await.json();
    assert_eq!(own["agents"].as_array().map(Vec::len), Some(1));
    assert_eq!(own["agents"][0]["name"], "amy example");
    let all = server.get(REMOTE, "/api/v1/agents", Some("sues")).await.json();
    assert_eq!(all["agents"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_change_of_state_reaches_the_engine_with_its_actor_and_answers_with_the_new_state() {
    let server = Server::new();
    let got = server.post(STATE, Some("amys"), r#"{"state":"ready"}"#).await;
    assert_eq!((got.status, got.json()), (StatusCode::OK, json!({"agent":"amy","state":"ready"})));
    let got =
        server.post("/api/v1/agents/bob/state", Some("sues"), r#"{"state":"not_ready"}"#).await;
    assert_eq!(got.status, StatusCode::OK);
    let asked = server.asked.lock().expect("not poisoned");
    let [own, watched] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((&*own.actor, own.own), ("amys's holder", true));
    assert_eq!((&*watched.actor, watched.own), ("sues's holder", false));
    assert_eq!(
        watched.request,
        crate::engine::io::Request::Agent {
            agent: "bob".into(),
            choice: crate::acd::command::AgentChoice::NotReady
        }
    );
}

#[tokio::test]
async fn nobody_changes_a_state_without_the_right_to() {
    let server = Server::new();
    let ready = r#"{"state":"ready"}"#;
    let got = server.post(STATE, None, ready).await;
    got.problem(401, "no-token");
    assert_eq!(got.header("www-authenticate"), r#"Bearer realm="switchboard""#);
    server.post(STATE, Some("wrong"), ready).await.problem(401, "bad-token");
    server.post("/api/v1/agents/bob/state", Some("amys"), ready).await.problem(403, "not-yours");
    server.post("/api/v1/agents/nobody/state", Some("amys"), ready).await.problem(403, "not-yours");
    server.post(CALL, None, "").await.problem(401, "no-token");
    server.post(CALL, Some("amys"), "").await.problem(403, "supervisors-only");
    let basic = with(Method::POST, STATE, None).header("authorization", "Basic c3Vlczo=");
    server.send(LOCAL, basic, ready).await.problem(401, "no-token");
    let two = with(Method::POST, STATE, Some("sues")).header("authorization", "Bearer wrong");
    server.send(LOCAL, two, ready).await.problem(401, "no-token");
    assert!(server.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_body_that_cannot_be_used_is_answered_with_what_would_be_right() {
    let server = Server::new();
    server.post(STATE, Some("amys"), "{").await.problem(400, "malformed");
    server.post(STATE, Some("amys"), "").await.problem(400, "malformed");
    let got = server.post(STATE, Some("amys"), r#"{"state":"redy"}"#).await;
    got.problem(422, "invalid");
    assert!(got.body.contains("`ready`") && got.body.contains("`signed_out`"), "{}", got.body);
    server.post(STATE, Some("amys"), r#"{"state":"ready","x":1}"#).await.problem(422, "invalid");
    let long = format!(r#"{{"state":"{}"}}"#, "x".repeat(5_000));
    server.post(STATE, Some("amys"), &long).await.problem(413, "too-long");
    let plain = with(Method::POST, STATE, Some("amys")).header("content-type", "text/plain");
    server.send(LOCAL, plain, r#"{"state":"ready"}"#).await.problem(415, "not-json");
    server.post("/api/v1/agents/%ff/state", Some("sues"), "{}").await.problem(400, "bad-path");
    server.post("/api/v1/calls/7/hangup", Some("sues"), "").await.problem(400, "bad-path");
    assert!(server.asked.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn what_the_engine_refuses_is_told_in_its_words() {
    let ready = r#"{"state":"ready"}"#;
    let refused = |error| Server::answering(move |_| Some(Ok(Reply::ChoiceRefused(error))));
    let got = refused(ChoiceError::SignedOut).post(STATE, Some("amys"), ready).await;
    got.problem(409, "signed-out");
    assert!(got.body.contains("sign in first"), "{}", got.body);
    let got = refused(ChoiceError::UnknownAgent).post(STATE, Some("sues"), ready).await;
    got.problem(404, "unknown-agent");
    let gone = Server::answering(|_| Some(Err(PortClosed)));
    gone.post(STATE, Some("amys"), ready).await.problem(503, "stopped");
    let strange = Server::answering(|_| Some(Ok(Reply::Done)));
    strange.post(STATE, Some("amys"), ready).await.problem(500, "wrong-reply");
}

#[tokio::test]
async fn a_supervisor_ends_a_call_once() {
    let server = Server::answering(|_| Some(Ok(Reply::Done)));
    assert_eq!(server.post(CALL, Some("sues"), "").await.status, StatusCode::OK);
    let over = Server::answering(|_| Some(Ok(Reply::UnknownCall)));
    over.post(CALL, Some("sues"), "").await.problem(404, "unknown-call");
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems_too() {
    let server = Server::new();
    server.get(LOCAL, "/nothing", None).await.problem(404, "not-found");
    server.get(LOCAL, "/ui/nothing.js", None).await.problem(404, "not-found");
    let got = server.get(LOCAL, STATE, None).await;
    got.problem(405, "method-not-allowed");
    assert_eq!(got.header("allow"), "POST");
    let got = server.post("/metrics", None, "").await;
    got.problem(405, "method-not-allowed");
    assert_eq!(got.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn readiness_says_why_not() {
    let server = Server::new();
    let got = server.get(REMOTE, "/readyz", None).await;
    assert_eq!((got.status, got.json()), (StatusCode::OK, json!({"ready":true,"reasons":[]})));
    assert_eq!(server.get(REMOTE, "/healthz", None).await.status, StatusCode::OK);
    let mut state = state(Arc::default(), Arc::new(|_| None));
    state.ready = Arc::new(|| Readiness::from_reasons(vec![NotReady::JournalFull]));
    let server = Server { router: router(state), asked: Arc::default() };
    let got = server.get(LOCAL, "/readyz", None).await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(got.json(), json!({"ready":false,"reasons":["journal_full"]}));
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_a_browser_from_harm() {
    let server = Server::new();
    for path in ["/", "/ui/wallboard.js", "/metrics", "/nothing", "/readyz"] {
        let got = server.get(LOCAL, path, None).await;
        let policy = got.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(got.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn every_route_is_described_and_everything_described_is_a_route() {
    let described: Value = serde_json::from_str(include_str!("ui/openapi.json")).expect("JSON");
    let described: Vec<&String> = described["paths"].as_object().expect("paths").keys().collect();
    let mut routes: Vec<&str> = super::serve::routes().iter().map(|(path, ..)| *path).collect();
    routes.sort_unstable();
    assert_eq!(described, routes);
    let got = Server::new().get(REMOTE, "/openapi.json", None).await;
    assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, "application/json"));
}

#[tokio::test]
async fn the_page_uses_only_files_that_are_served() {
    let server = Server::new();
    let page = server.get(LOCAL, "/", None).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.body.contains(r#"<html lang="en-GB""#));
    let mut files: Vec<&str> =
        page.body.split('"').filter(|part| part.starts_with("/ui/")).collect();
    let script = server.get(LOCAL, "/ui/wallboard.js", None).await;
    files.extend(script.body.split('"').filter(|part| part.starts_with("/ui/")));
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(server.get(LOCAL, file, None).await.status, StatusCode::OK, "{file}");
    }
    assert!(
        !page.body.contains("<style")
            && !page.body.contains(" style=")
            && !page.body.contains(" onclick")
    );
}

#[tokio::test]
async fn a_reply_that_does_not_come_is_told_as_unconfirmed() {
    let mut app = super::serve::App::new(state(Arc::default(), Arc::new(|_| None)));
    app.reply_within = std::time::Duration::from_millis(1);
    let server = Server { router: super::serve::routed(app), asked: Arc::default() };
    let got = server.post(STATE, Some("amys"), r#"{"state":"ready"}"#).await;
    got.problem(504, "no-reply");
}

#[tokio::test]
async fn over_a_socket_a_stream_starts_with_the_figures_and_ends_with_the_server() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let web = state(Arc::default(), Arc::new(|_| None));
    let server = tokio::spawn(serve(listener, web, async { drop(stopped.await) }));
    let mut client = tokio::net::TcpStream::connect(address).await.expect("connects");
    let request = format!(
        "GET /api/v1/live HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\
         Last-Event-ID: 7\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.expect("sends");
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains("event: figures") {
        assert_ne!(client.read_buf(&mut got).await.expect("reads"), 0, "the stream ended");
    }
    stop.send(()).expect("the server runs");
    client.read_to_end(&mut got).await.expect("the stream ends in order");
    let got = String::from_utf8_lossy(&got);
    assert!(got.contains("content-type: text/event-stream\r\n"), "{got}");
    assert!(got.contains("retry: 2000\n\nid: 41\nevent: figures\ndata: {"), "{got}");
    assert!(got.ends_with("0\r\n\r\n"), "the last chunk is missing: {got}");
    server.await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn a_token_that_a_reload_takes_away_opens_nothing_any_more() {
    let state = state(Arc::default(), Arc::new(|_| None));
    let tokens = Arc::clone(&state.tokens);
    let server = Server { router: router(state), asked: Arc::default() };
    let agents = "/api/v1/agents";
    assert_eq!(server.get(REMOTE, agents, Some("sues")).await.status, StatusCode::OK);
    tokens.store(Arc::new(vec![token("anns", Role::Supervisor, None)]));
    server.get(REMOTE, agents, Some("sues")).await.problem(401, "bad-token");
    assert_eq!(server.get(REMOTE, agents, Some("anns")).await.status, StatusCode::OK);
}

#[test]
fn tokens_that_could_not_work_are_refused_at_the_start() {
    let good = TokenSettings {
        actor: "Sue".to_owned(),
        role: Role::Supervisor,
        agent: None,
        sha256: "AB".repeat(32).as_str().into(),
    };
    assert!(Token::try_from(&good).is_ok());
    for bad in ["", "ab", &"g".repeat(64), &"é".repeat(32), &"ab".repeat(33)] {
        let bad = TokenSettings { sha256: bad.into(), ..good.clone() };
        assert_eq!(Token::try_from(&bad), Err(TokenError::NotSha256));
    }
    let nobodys = TokenSettings { role: Role::Agent, ..good.clone() };
    assert_eq!(Token::try_from(&nobodys), Err(TokenError::NoAgent));
    let nameless = TokenSettings { actor: " ".to_owned(), ..good };
    assert_eq!(Token::try_from(&nameless), Err(TokenError::NoActor));
}
