//! Against a real HTTP server that knows Notify's rules, and a real mail server of somebody else.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::event::Channel;

const KEY: &str =
    "harbourside-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0";

/// What a stand-in for Notify does next, and what it was asked.
#[derive(Debug, Default)]
struct Service {
    /// What it answers instead of doing what it is asked, one after the other.
    answers: Vec<(u16, Value)>,
    /// What it has taken, with the address that it was sent to.
    taken: Vec<(&'static str, Value)>,
    /// The tokens that it was shown.
    tokens: Vec<String>,
}

type Shared = Arc<Mutex<Service>>;

fn known(service: &mut Service, headers: &HeaderMap) -> Option<Response> {
    let token = headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    service.tokens.push(token.to_owned());
    let (status, body) = (!service.answers.is_empty()).then(|| service.answers.remove(0))?;
    let status = StatusCode::from_u16(status).expect("a status");
    Some((status, axum::Json(body)).into_response())
}

fn take(shared: &Shared, headers: &HeaderMap, path: &'static str, body: Value) -> Response {
    let mut service = shared.lock().expect("not poisoned");
    if let Some(answer) = known(&mut service, headers) {
        return answer;
    }
    service.taken.push((path, body));
    let id = format!("receipt-{}", service.taken.len());
    (StatusCode::CREATED, axum::Json(json!({"id": id}))).into_response()
}

async fn text(
    State(shared): State<Shared>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Response {
    take(&shared, &headers, "sms", body)
}

async fn email(
    State(shared): State<Shared>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Response {
    take(&shared, &headers, "email", body)
}

async fn find(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let mut service = shared.lock().expect("not poisoned");
    if let Some(answer) = known(&mut service, &headers) {
        return answer;
    }
    let wanted = query.get("reference").expect("a reference");
    let found = service.taken.iter().position(|(_, body)| body["reference"] == **wanted);
    let found: Vec<Value> =
        found.map(|at| json!({"id": format!("receipt-{}", at + 1)})).into_iter().collect();
    axum::Json(json!({"notifications": found})).into_response()
}

struct Rig {
    post: Post,
    service: Shared,
    _key: tempfile::NamedTempFile,
}

impl Rig {
    async fn new() -> Rig {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = Shared::default();
        let app = Router::new()
            .route("/v2/notifications/sms", post(text))
            .route("/v2/notifications/email", post(email))
            .route("/v2/notifications", get(find))
            .with_state(Arc::clone(&service));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let key = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(key.path(), format!("{KEY}\n")).expect("written");
        let text = format!(
            "[notify]\nurl = 'http://{address}/'\nkey_file = '{}'\ntimeout_ms = 1500",
            key.path().display()
        );
        let settings = toml::from_str(&text).expect("settings");
        let post = Post::new(&settings, Handle::current()).expect("clients");
        Rig { post, service, _key: key }
    }

    fn answers(&self, status: u16, body: Value) {
        self.service.lock().expect("not poisoned").answers.push((status, body));
    }

    fn taken(&self) -> Vec<(&'static str, Value)> {
        self.service.lock().expect("not poisoned").taken.clone()
    }
}

async fn send(post: &Post, dispatch: Dispatch) -> Result<Option<String>, Bounce> {
    let (tell, told) = oneshot::channel();
    post.send(dispatch, move |id, outcome| {
        assert_eq!(id, NotificationId(7));
        let _ = tell.send(outcome);
    });
    told.await.expect("told")
}

fn dispatch(by: Channel, to: &str, perhaps_there: bool) -> Dispatch {
    let fields = BTreeMap::from([("reference".to_owned(), "W-417-206 \"&{}".to_owned())]);
    let letter = Letter::Notify { by, template: "f33517ff".to_owned(), fields };
    Dispatch { id: NotificationId(7), to: to.to_owned(), letter, perhaps_there }
}

fn bounce(why: SendFault, words: Option<&str>, arrived: bool) -> Result<Option<String>, Bounce> {
    Err(Bounce { why, words: words.map(str::to_owned), arrived })
}

#[tokio::test]
async fn notify_gets_what_it_asks_for_from_whom_it_knows() {
    let rig = Rig::new().await;
    let receipt = send(&rig.post, dispatch(Channel::Text, "+447700900123", false)).await;
    assert_eq!(receipt, Ok(Some("receipt-1".to_owned())));
    send(&rig.post, dispatch(Channel::Email, "a@example.org", false)).await.expect("taken");
    let common = json!({
        "template_id": "f33517ff",
        "personalisation": {"reference": "W-417-206 \"&{}"},
        "reference": "switchboard-0000000000000007",
    });
    let with = |key: &str, to: &str| {
        let mut body = common.clone();
        body[key] = to.into();
        body
    };
    assert_eq!(
        rig.taken(),
        [
            ("sms", with("phone_number", "+447700900123")),
            ("email", with("email_address", "a@example.org")),
        ]
    );
    let tokens = rig.service.lock().expect("not poisoned").tokens.clone();
    let token = tokens[0].strip_prefix("Bearer ").expect("a token");
    let claims = token.split('.').nth(1).expect("claims");
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["iss"], "26785a09-ab16-4eb0-8407-a37497a57506");
    #[allow(clippy::disallowed_methods, reason = "tokens are good for seconds")]
    let now = jiff::Timestamp::now().as_second();
    assert!((now - 30..=now).contains(&claims["iat"].as_i64().expect("seconds")), "{claims}");
}

#[tokio::test]
async fn what_may_be_there_is_looked_for_and_not_sent_twice() {
    let rig = Rig::new().await;
    let again = || dispatch(Channel::Text, "+447700900123", true);
    assert_eq!(send(&rig.post, again()).await, Ok(Some("receipt-1".to_owned())), "not there yet");
    assert_eq!(send(&rig.post, again()).await, Ok(Some("receipt-1".to_owned())), "it is there");
    assert_eq!(rig.taken().len(), 1);
    rig.answers(
        500,
        json!({"errors": [{"error": "Exception", "message": "Internal server error"}]}),
    );
    let unsure = send(&rig.post, again()).await;
    let words = Some("Exception: Internal server error");
    assert_eq!(unsure, bounce(SendFault::Broken, words, true), "nor while nobody knows");
    assert_eq!(rig.taken().len(), 1);
}

#[tokio::test]
async fn each_refusal_says_whether_it_may_go_better_later() {
    let rig = Rig::new().await;
    for (status, error, message, why, arrived) in [
        (400, "ValidationError", "phone_number Not a UK mobile number", SendFault::Refused, false),
        (400, "BadRequestError", "Missing personalisation: due", SendFault::Refused, false),
        (
            403,
            "AuthError",
            "Error: Your system clock must be accurate",
            SendFault::NotAllowed,
            false,
        ),
        (429, "RateLimitError", "Exceeded rate limit for key type LIVE", SendFault::Busy, false),
        (429, "TooManyRequestsError", "Exceeded send limits for today", SendFault::Busy, false),
        (500, "Exception", "Internal server error", SendFault::Broken, true),
        (307, "Moved", "elsewhere", SendFault::Broken, true),
    ] {
        let errors =
            json!({"status_code": status, "errors": [{"error": error, "message": message}]});
        rig.answers(status, errors);
        let outcome = send(&rig.post, dispatch(Channel::Text, "+447700900123", false)).await;
        assert_eq!(outcome, bounce(why, Some(&format!("{error}: {message}")), arrived));
    }
    rig.answers(502, Value::Null);
    let outcome = send(&rig.post, dispatch(Channel::Text, "+447700900123", false)).await;
    assert_eq!(outcome, bounce(SendFault::Broken, None, true));
    assert!(rig.taken().is_empty());
}

#[tokio::test]
async fn who_is_not_there_has_nothing_and_who_is_silent_may_have_it() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = |listener: &TcpListener| {
        let address = listener.local_addr().expect("an address");
        toml::from_str(&format!("[notify]\nurl = 'http://{address}'\ntimeout_ms = 200"))
            .expect("good")
    };
    let settings: NotificationSettings = url(&gone);
    let post = Post::new(&settings, Handle::current()).expect("clients");
    let wanted = || dispatch(Channel::Text, "+447700900123", false);
    // It takes connections and never says a word.
    assert_eq!(send(&post, wanted()).await, bounce(SendFault::TimedOut, None, true));
    drop(gone);
    assert_eq!(send(&post, wanted()).await, bounce(SendFault::Unreachable, None, false));
    let nobody = Post::new(&NotificationSettings::default(), Handle::current()).expect("none");
    assert_eq!(send(&nobody, wanted()).await, bounce(SendFault::NotSet, None, false));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_told_with_its_file() {
    let settings =
        |path: &str| toml::from_str(&format!("[notify]\nkey_file = '{path}'")).expect("good");
    let Err(error) = Post::new(&settings("/nowhere/key"), Handle::current()) else { panic!() };
    assert!(error.to_string().starts_with("the key of GOV.UK Notify: `/nowhere/key` cannot be"));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "not a key").expect("written");
    let path = file.path().display().to_string();
    let Err(error) = Post::new(&settings(&path), Handle::current()) else { panic!() };
    assert!(error.to_string().contains("has no API key"), "{error}");
    assert!(!error.to_string().contains("not a key"), "it is never shown");
}

// ---- e-mail --------------------------------------------------------------------------------------

/// A mail server that prints what it takes: aiosmtpd. It wants a password and refuses `busy@` for now and
/// `gone@` for good.
const MAIL_SERVER: &str = r#"
import json, os, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("busy@"):
            return "451 4.7.1 Try again later"
        if address.startswith("gone@"):
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"to": envelope.rcpt_tos, "from": envelope.mail_from,
                          "helo": session.host_name, "text": envelope.content.decode()}), flush=True)
        return "250 OK"
def known(server, session, envelope, mechanism, data):
    right = data.password == b"s3cret" and data.login == b"harbourside"
    return AuthResult(success=right, handled=False)
controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]),
    authenticator=known, auth_required=True, auth_require_tls=False)
controller.start()
print("ready", flush=True)
sys.stdin.read()
os._exit(0)
"#;

struct MailServer {
    process: Child,
    port: u16,
    out: BufReader<std::process::ChildStdout>,
}

impl MailServer {
    fn start() -> MailServer {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut process = Command::new("/usr/bin/python3")
            .args(["-c", MAIL_SERVER, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Debian's python3: see .ci/tools");
        let mut out = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        assert_eq!(line.trim(), "ready", "aiosmtpd is not here: see .ci/tools");
        MailServer { process, port, out }
    }

    fn post(&self, password: &std::path::Path) -> Post {
        let text = format!(
            "[smtp]\nhost = '127.0.0.1'\nport = {}\nsecurity = 'none'\nusername = 'harbourside'\n\
             password_file = '{}'\nfrom = 'Harbourside Council <no-reply@harbourside.example>'\n\
             timeout_ms = 5000",
            self.port,
            password.display()
        );
        Post::new(&toml::from_str(&text).expect("settings"), Handle::current()).expect("clients")
    }

    /// Everything that it has taken, once it has ended.
    fn taken(mut self) -> Vec<Value> {
        drop(self.process.stdin.take());
        let mut all = String::new();
        self.out.read_to_string(&mut all).expect("text");
        let _ = self.process.wait();
        all.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

fn mail(to: &str) -> Dispatch {
    let letter = Letter::Mail {
        subject: "Your report £".to_owned(),
        text: "Your reference is W-417-206.\n.\nGoodbye".to_owned(),
    };
    Dispatch { id: NotificationId(7), to: to.to_owned(), letter, perhaps_there: false }
}

#[tokio::test]
async fn a_mail_server_takes_e_mails_and_says_why_it_does_not() {
    let server = MailServer::start();
    let password = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(password.path(), "s3cret\n").expect("written");
    let post = server.post(password.path());
    let id = "<switchboard-0000000000000007@harbourside.example>".to_owned();
    assert_eq!(send(&post, mail("a@example.org")).await, Ok(Some(id.clone())));
    for (to, why, code) in [
        ("busy@example.org", SendFault::Busy, "451"),
        ("gone@example.org", SendFault::Refused, "550"),
    ] {
        let Err(bounce) = send(&post, mail(to)).await else { panic!("{to} was taken") };
        assert_eq!(bounce.why, why);
        assert!(bounce.words.as_deref().is_some_and(|words| words.contains(code)), "{bounce:?}");
    }
    std::fs::write(password.path(), "wrong").expect("written");
    let stranger = server.post(password.path());
    let Err(bounce) = send(&stranger, mail("a@example.org")).await else { panic!("taken") };
    assert_eq!(bounce.why, SendFault::NotAllowed, "{bounce:?}");

    let taken = tokio::task::spawn_blocking(move || server.taken()).await.expect("ends");
    let [one] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(one["to"], json!(["a@example.org"]));
    assert_eq!(one["from"], "no-reply@harbourside.example");
    assert_eq!(one["helo"], "harbourside.example");
    let text = one["text"].as_str().expect("text");
    for part in [
        "From: \"Harbourside Council\" <no-reply@harbourside.example>\r\n",
        "To: a@example.org\r\n",
        "Subject: Your report =?utf-8?b?wqM=?=\r\n",
        &format!("Message-ID: {id}\r\n"),
        "Auto-Submitted: auto-generated\r\n",
        "Your reference is W-417-206.\r\n.\r\nGoodbye",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
    let gone = post;
    let Err(bounce) = send(&gone, mail("a@example.org")).await else { panic!("taken") };
    assert_eq!((bounce.why, bounce.arrived), (SendFault::Unreachable, false), "{bounce:?}");
}

#[test]
fn the_last_copy_may_be_dropped_on_any_thread() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let text = "[smtp]\nhost = '127.0.0.1'\nport = 9\nsecurity = 'none'\nfrom = 'a@b.example'";
    let settings = toml::from_str(text).expect("settings");
    let post =
        runtime.block_on(async { Post::new(&settings, Handle::current()).expect("clients") });
    // As the control thread does at the end, which is no thread of the runtime's.
    let ended = std::thread::spawn(move || drop(post)).join();
    assert!(ended.is_ok());
}
