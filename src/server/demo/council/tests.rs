//! The back end as a flow's requests meet it, and what it keeps.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use jiff::civil::date;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

const TOKEN: &str = "s3cret";
const TEXTS: &str =
    "demo-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0";
const CARD: &str = "4111111111111111";

/// The back end on a Thursday at ten.
struct Rig {
    router: Router,
    store: Arc<Mutex<SqliteConnection>>,
    folder: tempfile::TempDir,
}

fn thursday() -> Calendar {
    Arc::new(|| date(2026, 11, 26).at(10, 0, 0, 0))
}

impl Rig {
    async fn new() -> Rig {
        let folder = tempfile::tempdir().expect("a folder");
        let now = thursday();
        let opened = store::open(&folder.path().join(FILE), now().date()).await;
        let store = Arc::new(Mutex::new(opened.expect("a store")));
        let keys = Keys { token: TOKEN.into(), texts: TEXTS.into() };
        let clock = Arc::new(|| 1_790_000_000);
        let council = Council { store: Arc::clone(&store), keys, now, clock };
        Rig { router: api::router(council), store, folder }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
        let (status, body) = self.send(request.body(Body::empty()).expect("a request")).await;
        (status.as_u16(), serde_json::from_str(&body).expect("JSON"))
    }

    async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json");
        let request = key.into_iter().fold(request, |it, key| it.header("idempotency-key", key));
        let (status, body) = self.send(request.body(body.to_string().into()).expect("good")).await;
        (status.as_u16(), serde_json::from_str(&body).expect("JSON"))
    }

    /// The number of an address.
    async fn address(&self, postcode: &str, house: &str) -> Value {
        let (status, found) = self.get(&format!("/addresses/{postcode}/{house}")).await;
        assert_eq!(status, 200, "{found}");
        found["address"].clone()
    }

    async fn count(&self, table: &'static str) -> i64 {
        let count = match table {
            "reports" => "SELECT COUNT(*) FROM reports",
            _ => "SELECT COUNT(*) FROM payments",
        };
        let mut store = self.store.lock().await;
        sqlx::query_scalar(count).fetch_one(&mut *store).await.expect("a number")
    }
}

#[tokio::test]
async fn an_address_is_found_by_its_postcode_and_by_the_keys_of_it() {
    let rig = Rig::new().await;
    let expected = json!({
        "address": 14, "postcode": "RM1 3BD", "house_number": "14", "street": "Acacia Avenue",
        "place": "14 Acacia Avenue, RM1 3BD"
    });
    for way in ["RM1%203BD/14", "rm13bd/14", "761323/14", "761323/014"] {
        assert_eq!(rig.get(&format!("/addresses/{way}")).await, (200, expected.clone()), "{way}");
    }
    assert_eq!(rig.get("/addresses/RM1%203BD/99").await.0, 404);
    assert_eq!(rig.get("/addresses/761323/").await.0, 404);
    let (status, wrong) = rig.get("/addresses/XYZ/14").await;
    assert_eq!((status, &wrong["detail"]), (422, &"`postcode` cannot be right.".into()));
    // PN1 3BD has the same keys as RM1 3BD.
    sqlx::query(
        "INSERT INTO addresses (postcode, keys, house, street, collected)
         VALUES ('PN1 3BD', '761323', '14', 'Pier Road', '2026-11-25')",
    )
    .execute(&mut *rig.store.lock().await)
    .await
    .expect("added");
    assert_eq!(rig.get("/addresses/761323/14").await.0, 409, "keys that fit two");
    assert_eq!(rig.get("/addresses/RM1%203BD/14").await.0, 200);
}

#[tokio::test]
async fn a_missed_bin_is_reported_once() {
    let rig = Rig::new().await;
    let address = rig.address("RM1%203BD", "14").await;
    let path = format!("/collections/{address}/rubbish");
    let (status, before) = rig.get(&path).await;
    let expected = json!({
        "state": "may_report", "last": "2026-11-25", "next": "2026-12-09", "reference": null
    });
    assert_eq!((status, before), (200, expected));
    let order = json!({"address": address, "bin": "rubbish", "phone": "07700 900123"});
    let (status, made) = rig.post("/missed-bins", None, &order).await;
    assert_eq!((status, &made["due"]), (201, &"2026-11-30".into()));
    // Whoever rings again, with a key or without: there is still one report.
    let (status, again) = rig.post("/missed-bins", Some("call-2"), &order).await;
    assert_eq!((status, &again), (200, &made));
    assert_eq!(rig.count("reports").await, 1);
    let (_, after) = rig.get(&path).await;
    assert_eq!((&after["state"], &after["reference"]), (&"reported".into(), &made["reference"]));
    let reference = made["reference"].as_str().expect("a reference");
    let (status, report) = rig.get(&format!("/reports/{}", reference.replace('-', ""))).await;
    let expected = json!({
        "reference": reference, "kind": "missed-bin", "made": "2026-11-26T10:00:00",
        "place": "14 Acacia Avenue, RM1 3BD", "detail": "rubbish bin", "due": "2026-11-30"
    });
    assert_eq!((status, report), (200, expected));
    assert_eq!(rig.get("/reports/W-000-001").await.0, 422, "no reference at all");
    let other = reference::Reference::new(reference::Kind::Renewal, 7).to_string();
    assert_eq!(rig.get(&format!("/reports/{other}")).await.0, 404);
    // The other bin at the same address is another matter.
    let order = json!({"address": address, "bin": "garden"});
    assert_eq!(rig.post("/missed-bins", None, &order).await.0, 201);
}

#[tokio::test]
async fn a_bin_of_today_or_of_long_ago_is_not_reported() {
    let rig = Rig::new().await;
    for (postcode, state) in [("RM1%204QT", "today"), ("RM2%205LH", "too_late")] {
        let address = rig.address(postcode, "7").await;
        let (_, found) = rig.get(&format!("/collections/{address}/recycling")).await;
        assert_eq!(found["state"], state);
        let order = json!({"address": address, "bin": "recycling"});
        assert_eq!(rig.post("/missed-bins", None, &order).await.0, 409);
    }
    assert_eq!(rig.get("/collections/1/piano").await.0, 404);
    assert_eq!(rig.get("/collections/99999/rubbish").await.0, 404);
    let order = json!({"address": 1, "bin": "piano"});
    assert_eq!(rig.post("/missed-bins", None, &order).await.0, 422);
}

#[tokio::test]
async fn a_key_makes_one_thing_and_only_that() {
    let rig = Rig::new().await;
    let order = json!({"address": 1, "what": "furniture", "amount": "van"});
    let first = rig.post("/fly-tipping", Some("call-1"), &order).await;
    assert_eq!((first.0, &first.1["due"]), (201, &"2026-12-01".into()));
    assert_eq!(rig.post("/fly-tipping", Some("call-1"), &order).await, first);
    assert_eq!(rig.count("reports").await, 1);
    assert_ne!(rig.post("/fly-tipping", Some("call-2"), &order).await.1, first.1);
    let other = json!({"address": 2, "what": "furniture", "amount": "van"});
    assert_eq!(rig.post("/fly-tipping", Some("call-1"), &other).await.0, 422);
    assert_eq!(rig.post("/fly-tipping", Some(&"k".repeat(200)), &other).await.0, 422);
    for (field, value) in [("what", "ghosts"), ("amount", "ship"), ("phone", "abc")] {
        let mut wrong = other.clone();
        wrong[field] = value.into();
        assert_eq!(rig.post("/fly-tipping", None, &wrong).await.0, 422, "{field}");
    }
    assert_eq!(rig.count("reports").await, 2);
}

#[tokio::test]
async fn a_balance_is_told_to_who_knows_the_postcode() {
    let rig = Rig::new().await;
    let next = json!({"sum": "137.50", "due": "2026-12-01"});
    for (path, state, balance, next) in [
        ("20417536/761323", "owing", "412.60", next),
        ("20417544/RM1%204QT", "clear", "0.00", Value::Null),
        ("20417552/762554", "credit", "18.35", Value::Null),
    ] {
        let expected = json!({"state": state, "balance": balance, "next": next});
        assert_eq!(rig.get(&format!("/council-tax/{path}")).await, (200, expected));
    }
    let wrong = rig.get("/council-tax/20417536/761478").await;
    assert_eq!(wrong.0, 404);
    assert_eq!(rig.get("/council-tax/99999999/761323").await, wrong, "it is not said which");
}

#[tokio::test]
async fn a_permit_is_paid_for_and_the_card_is_kept_nowhere() {
    let rig = Rig::new().await;
    let (status, permit) = rig.get("/permits/304182").await;
    let expected = json!({
        "permit": "304182", "registration": "AB12-CDE", "ends": "2026-12-05", "price": "65.00",
        "state": "may_renew"
    });
    assert_eq!((status, permit), (200, expected));
    let path = "/permits/304182/renewals";
    let pay = |number: &str, expiry: &str, code: &str| {
        json!({"amount": "65.00",
        "card": {"number": number, "expiry": expiry, "code": code}})
    };
    for (order, status) in [
        (pay("4111111111111112", "0829", "737"), 422),
        (pay(CARD, "0826", "737"), 422),
        (pay(CARD, "0829", "73"), 422),
        (pay("4000000000000002", "0829", "737"), 402),
    ] {
        let (told, problem) = rig.post(path, Some("call-1"), &order).await;
        assert_eq!(told, status, "{problem}");
        assert!(!problem.to_string().contains("4111"), "{problem}");
    }
    let mut dearer = pay(CARD, "0829", "737");
    dearer["amount"] = "64.00".into();
    assert_eq!(rig.post(path, None, &dearer).await.0, 409);
    assert_eq!(rig.count("payments").await, 0);
    let paid = rig.post(path, Some("call-1"), &pay(CARD, "0829", "737")).await;
    assert_eq!((paid.0, &paid.1["ends"]), (201, &"2027-12-05".into()));
    assert_eq!(rig.post(path, Some("call-1"), &pay(CARD, "0829", "737")).await, paid, "paid once");
    assert_eq!(rig.post(path, Some("call-2"), &pay(CARD, "0829", "737")).await.0, 409);
    assert_eq!(rig.count("payments").await, 1);
    assert_eq!(rig.get("/permits/304182").await.1["state"], "too_early");
    for (permit, state) in [("304190", "too_early"), ("304208", "ended")] {
        assert_eq!(rig.get(&format!("/permits/{permit}")).await.1["state"], state);
    }
    assert_eq!(rig.get("/permits/999999").await.0, 404);
    let path = rig.folder.path().to_owned();
    drop(rig.store);
    for file in std::fs::read_dir(path).expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("reads");
        for secret in [CARD, &CARD[..8], "0829", "737\""] {
            assert!(!bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_time_is_offered_booked_and_gone() {
    let rig = Rig::new().await;
    let (status, first) = rig.get("/appointments/housing/after/0").await;
    let slot = first["slot"].clone();
    assert_eq!(
        (status, &first),
        (200, &json!({"slot": slot, "day": "2026-11-27", "time": "09:30"}))
    );
    let (_, second) = rig.get(&format!("/appointments/housing/after/{slot}")).await;
    assert_eq!(second["time"], "11:00");
    let order = json!({"slot": slot, "phone": "01632 960001"});
    let booked = rig.post("/appointments", Some("call-1"), &order).await;
    assert_eq!((booked.0, &booked.1["day"]), (201, &"2026-11-27".into()));
    assert_eq!(rig.post("/appointments", Some("call-1"), &order).await, booked);
    assert_eq!(rig.post("/appointments", Some("call-2"), &order).await.0, 409, "somebody has it");
    assert_eq!(rig.get("/appointments/housing/after/0").await.1, second);
    let nobody = json!({"slot": second["slot"], "phone": ""});
    assert_eq!(rig.post("/appointments", None, &nobody).await.0, 422);
    assert_eq!(rig.get("/appointments/poetry/after/0").await.0, 404);
    assert_eq!(rig.get("/appointments/housing/after/999999").await.0, 404, "none are left");
}

#[tokio::test]
async fn strangers_and_nonsense_are_told_so() {
    let rig = Rig::new().await;
    for token in [None, Some("Bearer wrong"), Some("s3cret")] {
        let request = Request::get("/permits/304182");
        let request =
            token.into_iter().fold(request, |it, token| it.header("authorization", token));
        let (status, body) = rig.send(request.body(Body::empty()).expect("good")).await;
        assert_eq!(status, 401, "{body}");
    }
    let order = json!({"address": 1, "bin": "rubbish", "more": 1});
    assert_eq!(rig.post("/missed-bins", None, &order).await.0, 422);
    let request = |kind: &str, body: &str| {
        Request::post("/missed-bins")
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", kind)
            .body(Body::from(body.to_owned()))
            .expect("good")
    };
    assert_eq!(rig.send(request("application/json", "{")).await.0, 400);
    assert_eq!(rig.send(request("text/plain", "{}")).await.0, 415);
    let huge = format!("\"{}\"", "a".repeat(5_000));
    assert_eq!(rig.send(request("application/json", &huge)).await.0, 413);
    assert_eq!(rig.get("/elsewhere").await.0, 404);
}

#[tokio::test]
async fn it_answers_on_a_socket_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(FILE);
    crate::server::stream::tls::provide_for_clients();
    let client = reqwest::Client::new();
    let mut shown = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let running =
            start(&file, listener, Keys { token: TOKEN.into(), texts: TEXTS.into() }, thursday())
                .await
                .expect("runs");
        let at = format!("http://{}", running.address);
        let order = json!({"address": 1, "what": "building", "amount": "bags"}).to_string();
        let posted = client.post(format!("{at}/fly-tipping")).bearer_auth(TOKEN).body(order);
        let posted = posted.header("content-type", "application/json").send().await.expect("told");
        assert_eq!(posted.status(), 201);
        // The page is for people: it needs no token.
        let page = client.get(at).send().await.expect("told").text().await.expect("text");
        assert!(page.contains("building or garden waste, a few bags"), "{page}");
        shown.push(page.matches("near 1 Acacia Avenue").count());
        running.stop().await;
    }
    assert_eq!(shown, [1, 2]);
}

// ---- texts ---------------------------------------------------------------------------------------

/// What stands in for Notify is shown, as its key's holder makes it at a time.
fn token(secret: &str, made: i64) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let claims = json!({"iss": "26785a09-ab16-4eb0-8407-a37497a57506", "iat": made});
    let head = BASE64.encode(json!({"typ": "JWT", "alg": "HS256"}).to_string());
    let signed = format!("{head}.{}", BASE64.encode(claims.to_string()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

async fn text(rig: &Rig, token: &str, body: &Value) -> (u16, Value) {
    let request = Request::post("/v2/notifications/sms")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let (status, body) = rig.send(request.body(body.to_string().into()).expect("good")).await;
    (status.as_u16(), serde_json::from_str(&body).expect("JSON"))
}

#[tokio::test]
async fn a_text_is_taken_from_whom_it_knows_and_shown_on_the_page() {
    const SECRET: &str = "3d844edf-8d35-48ac-975b-e847b4f122b0";
    const NOW: i64 = 1_790_000_000;
    let rig = Rig::new().await;
    let wanted = json!({
        "phone_number": "+447700900123",
        "template_id": "6f1c9a4e-0f0b-4a57-9c1a-2b7d5e8f3a10",
        "personalisation": {"reference": "W-417-206"},
        "reference": "switchboard-7",
    });
    let (status, taken) = text(&rig, &token(SECRET, NOW), &wanted).await;
    assert_eq!((status, &taken["reference"]), (201, &"switchboard-7".into()), "{taken}");
    let (_, page) = rig.send(Request::get("/").body(Body::empty()).expect("good")).await;
    assert!(page.contains("Its reference is W-417-206. See"), "{page}");
    let find = Request::get("/v2/notifications?reference=switchboard-7")
        .header("authorization", format!("Bearer {}", token(SECRET, NOW)));
    let (_, found) = rig.send(find.body(Body::empty()).expect("good")).await;
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(found["notifications"][0]["id"], taken["id"]);

    let but = |name: &str, value: Value| {
        let mut body = wanted.clone();
        body[name] = value;
        body
    };
    for (token, body, status, error) in [
        (token("guessed", NOW), wanted.clone(), 403, "AuthError"),
        (token(SECRET, NOW - 31), wanted.clone(), 403, "AuthError"),
        ("a.b".to_owned(), wanted.clone(), 403, "AuthError"),
        (token(SECRET, NOW), but("phone_number", "01708434343".into()), 400, "ValidationError"),
        (token(SECRET, NOW), but("personalisation", json!({})), 400, "BadRequestError"),
        (token(SECRET, NOW), but("template_id", "none".into()), 400, "BadRequestError"),
        (token(SECRET, NOW), but("more", "x".into()), 400, "ValidationError"),
    ] {
        let (found, answer) = text(&rig, &token, &body).await;
        assert_eq!((found, &answer["errors"][0]["error"]), (status, &error.into()), "{answer}");
    }
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM texts")
        .fetch_one(&mut *rig.store.lock().await)
        .await
        .expect("a number");
    assert_eq!(count, 1);
}
