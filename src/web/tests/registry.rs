//! Queues, agents and skills over HTTP: what is asked of the database, and what is answered.

use super::*;

use crate::config::problem::Told;
use crate::config::registry::{Key, Kind};
use crate::server::registry::{
    Answer, Asked as Lines, AuditLine, Condition, Order, Origin, Refusal, Shown, Summary,
};
use crate::sheet::{Mistake, Place, Wrong};

const QUEUE: &str = "/api/v1/queues/benefits";
const BODY: &str = r#"{"title":"Benefits"}"#;

/// Nobody takes orders.
pub(super) fn silent() -> OrderPort {
    Arc::new(|_| Box::pin(async { Err(PortClosed) }))
}

/// A server whose database answers so, and what it was asked.
fn answering(
    answer: impl Fn(&Order) -> Result<Answer, Refusal> + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<Order>>>) {
    let orders: Arc<Mutex<Vec<Order>>> = Arc::default();
    let mut state = state(Arc::default(), Arc::new(|_| None));
    let taken = Arc::clone(&orders);
    state.registry = Arc::new(move |order| {
        let answer = answer(&order);
        taken.lock().expect("not poisoned").push(order);
        Box::pin(async move { Ok(answer) })
    });
    (Server { router: router(state), asked: Arc::default() }, orders)
}

fn benefits() -> Shown {
    let settings = json!({ "title": "Benefits", "ring_s": 20 });
    Shown {
        name: "benefits".to_owned(),
        source: Origin::Database,
        place: None,
        version: Some(7),
        settings: settings.as_object().cloned().unwrap_or_default(),
        has_password: None,
        set_aside: Vec::new(),
        warnings: Vec::new(),
    }
}

fn told(field: &str, what: &str) -> Told {
    let (field, right) = (Some(field.to_owned()), Some("do this".to_owned()));
    Told { field, place: None, what: what.to_owned(), right }
}

fn request(method: Method, path: &str, token: &str) -> axum::http::request::Builder {
    with(method, path, Some(token)).header("content-type", "application/json")
}

#[tokio::test]
async fn an_entry_is_told_with_its_version_as_the_tag() {
    let (server, orders) = answering(|_| Ok(Answer::Entry(Box::new(benefits()), false)));
    let got = server.get(REMOTE, QUEUE, Some("sues")).await;
    assert_eq!((got.status, got.header("etag")), (StatusCode::OK, "\"7\""));
    let expected = json!({ "name": "benefits", "source": "database", "version": 7,
        "settings": { "title": "Benefits", "ring_s": 20 } });
    assert_eq!(got.json(), expected);
    assert_eq!(
        *orders.lock().expect("not poisoned"),
        [Order::Show(Key::new(Kind::Queue, "benefits"))]
    );
}

#[tokio::test]
async fn a_change_carries_its_condition_and_who_makes_it() {
    let (server, orders) = answering(|order| match order {
        Order::Put { condition, .. } => {
            Ok(Answer::Entry(Box::new(benefits()), *condition == Condition::Absent))
        }
        _ => Ok(Answer::Deleted),
    });
    for (header, value, condition, status) in [
        ("accept", "*/*", Condition::Unsaid, 200),
        ("if-none-match", "*", Condition::Absent, 201),
        ("if-match", "*", Condition::Present, 200),
        ("if-match", "\"7\", \"9\"", Condition::Versions(vec![7, 9]), 200),
        ("if-match", "W/\"7\"", Condition::Versions(vec![]), 200),
        ("if-match", "nonsense", Condition::Versions(vec![]), 200),
    ] {
        let put = request(Method::PUT, QUEUE, "sues").header(header, value);
        let got = server.send(LOCAL, put, BODY).await;
        assert_eq!((got.status.as_u16(), got.header("etag")), (status, "\"7\""), "{value}");
        let order = orders.lock().expect("not poisoned").pop().expect("an order");
        let (key, by) = (Key::new(Kind::Queue, "benefits"), "sues's holder".into());
        assert_eq!(order, Order::Put { key, body: json!({"title": "Benefits"}), condition, by });
    }
    let delete = request(Method::DELETE, QUEUE, "sues").header("if-match", "\"7\"");
    let got = server.send(LOCAL, delete, "").await;
    assert_eq!((got.status, got.body.as_str()), (StatusCode::NO_CONTENT, ""));
}

#[tokio::test]
async fn every_refusal_says_what_would_be_right() {
    let key = || Key::new(Kind::Queue, "benefits");
    let mistake = Mistake {
        file: "sheet".to_owned(),
        place: Place { line: 3, column: 5 },
        wrong: Wrong::Refused { why: "no".to_owned() },
    };
    let findings = vec![told("queue.benefits.hours", "there is no calendar `x`")];
    for (refusal, status, slug) in [
        (Refusal::Declared(key(), "a.toml:4".to_owned()), 409, "declared-in-file"),
        (Refusal::Unknown(key()), 404, "unknown-entry"),
        (Refusal::BadName(key()), 422, "bad-name"),
        (Refusal::Unconditional(key()), 428, "no-condition"),
        (Refusal::Changed(key(), Some(8)), 412, "changed-meanwhile"),
        (Refusal::Changed(key(), None), 412, "changed-meanwhile"),
        (Refusal::Wrong(findings.clone()), 422, "refused"),
        (Refusal::InUse(key(), findings), 409, "in-use"),
        (Refusal::Full(Kind::Queue), 409, "entries-full"),
        (Refusal::Sheet(vec![mistake]), 422, "bad-sheet"),
        (Refusal::Store, 503, "no-database"),
    ] {
        let (server, _) = answering(move |_| Err(refusal.clone()));
        let got = server.put(QUEUE, Some("sues"), BODY).await;
        got.problem(status, slug);
        let body = got.json();
        match slug {
            "declared-in-file" => assert_eq!(body["place"], "a.toml:4"),
            "refused" | "in-use" => assert_eq!(
                body["findings"],
                json!([{ "field": "queue.benefits.hours", "what": "there is no calendar `x`",
                    "right": "do this" }])
            ),
            "bad-sheet" => {
                assert_eq!(body["mistakes"], json!([{ "line": 3, "column": 5, "what": "no" }]));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn only_supervisors_see_or_change_what_is_declared() {
    let (server, orders) = answering(|_| Ok(Answer::Deleted));
    for path in [QUEUE, "/api/v1/agents/amy", "/api/v1/skills/waste"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let open = with(method.clone(), path, None);
            server.send(LOCAL, open, BODY).await.problem(401, "no-token");
            let agents = request(method, path, "amys");
            server.send(LOCAL, agents, BODY).await.problem(403, "supervisors-only");
        }
    }
    for path in
        ["/api/v1/queues", "/api/v1/skills", "/api/v1/audit", "/api/v1/agents?settings=true"]
    {
        server.get(LOCAL, path, None).await.problem(401, "no-token");
        server.get(LOCAL, path, Some("amys")).await.problem(403, "supervisors-only");
    }
    let sheet =
        with(Method::POST, "/api/v1/agents", Some("amys")).header("content-type", "text/csv");
    server.send(LOCAL, sheet, "agent\n").await.problem(403, "supervisors-only");
    assert_eq!(*orders.lock().expect("not poisoned"), []);
}

#[tokio::test]
async fn lists_come_in_pages_and_agents_live_as_before() {
    let (server, orders) =
        answering(|_| Ok(Answer::Entries(vec![benefits()], Some("benefits".to_owned()))));
    let got = server.get(LOCAL, "/api/v1/queues?after=a&limit=1", Some("sues")).await;
    let body = got.json();
    assert_eq!(
        (&body["queues"][0]["name"], &body["next"]),
        (&json!("benefits"), &json!("benefits"))
    );
    let got = server.get(LOCAL, "/api/v1/agents?settings=true", Some("sues")).await;
    assert!(got.json()["agents"].is_array() && got.json()["next"].is_string());
    let after = Some("a".to_owned());
    assert_eq!(
        *orders.lock().expect("not poisoned"),
        [
            Order::List { kind: Kind::Queue, after, limit: 1 },
            Order::List { kind: Kind::Agent, after: None, limit: 100 },
        ]
    );
    let live = server.get(LOCAL, "/api/v1/agents", Some("sues")).await.json();
    assert_eq!(live["agents"][0]["state"], "ready");
    for wrong in ["limit=0", "limit=1001", "limit=x", "first=1"] {
        let path = format!("/api/v1/queues?{wrong}");
        server.get(LOCAL, &path, Some("sues")).await.problem(400, "bad-path");
    }
}

#[tokio::test]
async fn sheets_go_out_and_come_in() {
    let (server, orders) = answering(|order| match order {
        Order::Export(_) => Ok(Answer::Sheet("agent\namy\n".to_owned())),
        _ => Ok(Answer::Imported(Summary::of(&[], 1, true))),
    });
    let asked = with(Method::GET, "/api/v1/agents", Some("sues")).header("accept", "text/csv");
    let got = server.send(LOCAL, asked, "").await;
    assert_eq!(
        (got.header("content-type"), got.body.as_str()),
        ("text/csv; charset=utf-8", "agent\namy\n")
    );
    assert_eq!(got.header("content-disposition"), "attachment; filename=\"agents.csv\"");
    let post = |kind| {
        with(Method::POST, "/api/v1/agents?dry_run=true", Some("sues")).header("content-type", kind)
    };
    // Longer than other bodies may be.
    let sheet = "agent\n".repeat(2_000);
    let got = server.send(LOCAL, post("text/csv; charset=utf-8"), &sheet).await;
    assert_eq!(got.json(), json!({"dry_run": true, "created": [], "changed": [], "unchanged": 1}));
    let order = orders.lock().expect("not poisoned").pop();
    let (sheet, by) = (sheet.into(), "sues's holder".into());
    assert_eq!(order, Some(Order::Import { kind: Kind::Agent, sheet, dry_run: true, by }));
    server.send(LOCAL, post("application/json"), "{}").await.problem(415, "not-csv");
    let long = format!("{{\"title\":\"{}\"}}", "x".repeat(70_000));
    let got = server.put(QUEUE, Some("sues"), &long).await;
    got.problem(413, "too-long");
    assert!(got.body.contains("65536"), "{}", got.body);
}

#[tokio::test]
async fn the_audit_trail_is_told_by_what_is_asked() {
    let line = || AuditLine {
        seq: 7,
        at: UnixMicros(5),
        by: "Sue".to_owned(),
        what: "created",
        kind: Kind::Queue,
        name: "benefits".to_owned(),
        before: None,
        after: Some(json!({"title": "Benefits"})),
        secret_changed: false,
    };
    let (server, orders) = answering(move |_| Ok(Answer::Audit(vec![line()])));
    let path = "/api/v1/audit?before=9&limit=1&kind=queue&name=benefits&by=Sue";
    let body = server.get(LOCAL, path, Some("sues")).await.json();
    let expected = json!({ "seq": 7, "at": 5, "by": "Sue", "what": "created", "kind": "queue",
        "name": "benefits", "before": null, "after": {"title": "Benefits"}, "secret_changed": false });
    assert_eq!(body, json!({ "audit": [expected], "next": 7 }));
    let asked = Lines {
        before: Some(9),
        limit: 1,
        kind: Some(Kind::Queue),
        name: Some("benefits".to_owned()),
        by: Some("Sue".to_owned()),
    };
    assert_eq!(*orders.lock().expect("not poisoned"), [Order::Audit(asked)]);
    for wrong in ["limit=0", "kind=flow", "since=1"] {
        let path = format!("/api/v1/audit?{wrong}");
        server.get(LOCAL, &path, Some("sues")).await.problem(400, "bad-path");
    }
}

#[tokio::test]
async fn a_server_that_stops_takes_no_orders() {
    let server = Server::new();
    server.get(LOCAL, QUEUE, Some("sues")).await.problem(503, "stopped");
    server.get(LOCAL, "/api/v1/queues/%ff", Some("sues")).await.problem(400, "bad-path");
    server.put(QUEUE, Some("sues"), "{").await.problem(400, "malformed");
}
