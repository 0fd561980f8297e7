//! Against a real HTTP server on a real socket, well-behaved and not.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method as HttpMethod, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::backend::Ask;

/// What a server was asked.
#[derive(Debug, Default)]
struct Seen {
    asked: String,
    token: Option<String>,
    kind: Option<String>,
    key: Option<String>,
    body: String,
}

type Shared = Arc<Mutex<Vec<Seen>>>;

async fn council(
    State(shared): State<Shared>,
    method: HttpMethod,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name| headers.get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
    shared.lock().expect("not poisoned").push(Seen {
        asked: format!("{method} {uri}"),
        token: header("authorization"),
        kind: header("content-type"),
        key: header("idempotency-key"),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    match uri.path() {
        "/api/html" => "<p>Down for maintenance</p>".into_response(),
        "/api/broken" => (StatusCode::SERVICE_UNAVAILABLE, "<p>busy</p>").into_response(),
        "/api/moved" => Redirect::temporary("http://127.0.0.1:1/").into_response(),
        "/api/huge" => vec![b' '; MAX_ANSWER + 1].into_response(),
        "/api/empty" => StatusCode::NO_CONTENT.into_response(),
        "/api/mute" => std::future::pending().await,
        _ => axum::Json(json!({"balance": 12.5})).into_response(),
    }
}

struct Rig {
    client: BackendClient,
    url: String,
    seen: Shared,
    _token: tempfile::NamedTempFile,
}

impl Rig {
    async fn new() -> Rig {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Shared::default();
        let app = Router::new().fallback(council).with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self::towards(address, seen)
    }

    fn towards(address: SocketAddr, seen: Shared) -> Rig {
        let url = format!("http://{address}/api");
        let token = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(token.path(), "s3cret\n").expect("written");
        let mut settings: BackendSettings =
            toml::from_str(&format!("url = '{url}'")).expect("good");
        settings.token_file = Some(token.path().to_owned());
        let settings = BTreeMap::from([("tax".into(), settings)]);
        let client = BackendClient::new(&settings, Handle::current()).expect("a client");
        Rig { client, url, seen, _token: token }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> (Result<Answer, Failed>, bool) {
        let (tell, told) = oneshot::channel();
        let fetch = Fetch {
            id: FetchId(7),
            after: Duration::ZERO,
            timeout: Duration::from_millis(1_500),
            url: self.url.clone(),
            ask: Ask {
                backend: "tax".into(),
                method,
                path: path.to_owned(),
                body: body.map(|body| body.to_owned().into()),
            },
            key: "call-7".to_owned(),
        };
        self.client.ask(fetch, move |id, outcome, arrived| {
            assert_eq!(id, FetchId(7));
            let _ = tell.send((outcome, arrived));
        });
        told.await.expect("told")
    }
}

fn ok(status: u16, body: serde_json::Value) -> (Result<Answer, Failed>, bool) {
    (Ok(Answer { status, body }), true)
}

#[tokio::test]
async fn what_is_asked_arrives_with_the_token_and_the_answer_comes_back() {
    let rig = Rig::new().await;
    let path = "/accounts/a%2Fb%20c/%3Fx";
    let answer = rig.ask(Method::Get, path, None).await;
    assert_eq!(answer, ok(200, json!({"balance": 12.5})));
    let _ = rig.ask(Method::Post, "/payments", Some(r#"{"card":"4111"}"#)).await;
    let seen = rig.seen.lock().expect("not poisoned");
    let [got, posted] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(got.asked, format!("GET /api{path}"), "not a byte of the path is changed");
    assert_eq!((got.token.as_deref(), got.key.as_deref()), (Some("Bearer s3cret"), None));
    assert_eq!((&posted.asked[..], posted.key.as_deref()), ("POST /api/payments", Some("call-7")));
    assert_eq!(posted.kind.as_deref(), Some("application/json"));
    assert_eq!(posted.body, r#"{"card":"4111"}"#);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_told_as_what_it_is() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(Method::Get, "/html", None).await, (Err(Failed::NotJson), true));
    assert_eq!(rig.ask(Method::Get, "/huge", None).await, (Err(Failed::TooLarge), true));
    assert_eq!(rig.ask(Method::Get, "/broken", None).await, ok(503, serde_json::Value::Null));
    assert_eq!(rig.ask(Method::Get, "/empty", None).await, ok(204, serde_json::Value::Null));
    let moved = rig.ask(Method::Get, "/moved", None).await;
    assert_eq!(moved, ok(307, serde_json::Value::Null), "nobody is followed elsewhere");
}

#[tokio::test]
async fn a_system_that_does_not_answer_is_given_up_and_one_that_is_not_there_got_nothing() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask(Method::Get, "/mute", None).await, (Err(Failed::TimedOut), true));
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let rig = Rig::towards(address, Shared::default());
    assert_eq!(rig.ask(Method::Post, "/a", Some("{}")).await, (Err(Failed::Unreachable), false));
}

#[tokio::test]
async fn a_connection_that_breaks_off_may_have_carried_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":"] {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 2_048];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let rig = Rig::towards(address, Shared::default());
    for _ in 0..2 {
        let broken = rig.ask(Method::Post, "/a", Some("{}")).await;
        assert_eq!(broken, (Err(Failed::Unreachable), true));
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_read_or_sent_is_told_with_its_file() {
    let settings = |path: &std::path::Path| {
        let mut settings: BackendSettings =
            toml::from_str("url = 'http://127.0.0.1:1'").expect("good");
        settings.token_file = Some(path.to_owned());
        BTreeMap::from([("tax".into(), settings)])
    };
    let missing = std::path::Path::new("/nowhere/token");
    let Err(error) = BackendClient::new(&settings(missing), Handle::current()) else { panic!() };
    let told = "the token of the back end `tax`: `/nowhere/token` cannot be read";
    assert!(error.to_string().starts_with(told), "{error}");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "a\u{1}b").expect("written");
    let Err(error) = BackendClient::new(&settings(file.path()), Handle::current()) else {
        panic!()
    };
    assert!(error.to_string().contains("control characters"), "{error}");
}
