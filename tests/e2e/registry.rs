//! A queue and an adviser are declared through the API, over real sockets: the adviser's phone registers and
//! answers, their skills change while somebody waits, the server is killed, and all of it is still there.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::event::CallEvent;
use switchboard::server::registry::store::REGISTRY_FILE;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::{PhoneEvent, PhoneSettings};
use switchboard::sim::tone::Sound;

use crate::clock::{free_port, wait_for};
use crate::server::{NUMBER, Server};
use crate::street::Street;

const FAY_HZ: u32 = 620;
const PASSWORD: &str = "fay-s3cret";
const TOKEN: &str = "messages";
const TOKEN_SHA256: &str = "f5cccfb737512bedd4f2e39e7d72425ae8d3ebf8aa8ab6f966bef1fc916f5011";

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Everybody waits in this queue, without a word.
fn leads_to(folder: &Path, queue: &str) {
    let flows = folder.join("flows");
    std::fs::create_dir_all(&flows).expect("a folder");
    let flow = format!(
        "start: wait\nnodes:\n  wait:\n    queue: {queue}\n    otherwise: goodbye\n  goodbye:\n    \
         hang_up: closed\n"
    );
    std::fs::write(flows.join("main.yaml"), flow).expect("the flow");
}

/// A file that knows one queue and nobody.
fn server(folder: &Path) -> Server {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let settings = format!(
        "organisation = \"Harbourside Council\"\n[sip]\nlisten = [{{ bind = \"{sip}\" }}]\n\
         [http]\nbind = \"{http}\"\n[rtp]\nports = \"{voice}-{}\"\n\
         [files]\nflows = \"flows\"\nsounds = \"{}/sounds\"\nwatch = false\n\
         [numbers]\n\"{NUMBER}\" = \"main\"\n[queue.general]\ntitle = \"General\"\n\
         [[token]]\nactor = \"Sue Green\"\nrole = \"supervisor\"\nsha256 = \"{TOKEN_SHA256}\"\n",
        voice + 19,
        env!("CARGO_MANIFEST_DIR"),
    );
    Server::with_settings(folder, &settings, &["serve"], sip, http)
}

fn fay(street: &mut Street, server: &Server) -> usize {
    let sip = server.sip;
    let phone = |phone: &mut PhoneSettings| {
        phone.server = sip;
        phone.password = Some(PASSWORD.to_owned());
        phone.sound = Sound::Tone(FAY_HZ);
    };
    street.adviser("fay", phone, Habits { signs_in: Some("*70".to_owned()), ..Habits::default() })
}

/// A resident who rings, waits for Fay's voice and hangs up.
fn resident(street: &mut Street, server: &Server, number: &str) -> usize {
    let what = Expect::Tone(FAY_HZ);
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: secs(10) },
        Step::UntilHears { what, within: secs(60), otherwise: Otherwise::Fail },
        Step::HangUp,
    ];
    street.caller(number, server.sip, |_| {}, steps)
}

fn put(server: &Server, path: &str, headers: &str, body: &Value) -> (u16, Value) {
    let (status, body) = server.answer("PUT", path, TOKEN, headers, &body.to_string());
    (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

fn waiting(server: &Server) -> Value {
    let live = server.live();
    let queues = live["queues"].as_array().cloned().unwrap_or_default();
    let benefits = queues.iter().find(|queue| queue["queue"] == "benefits");
    benefits.map_or(Value::Null, |queue| queue["waiting"].clone())
}

/// Lives on until it is so.
fn until(street: &mut Street, within: Duration, so: impl Fn() -> bool) -> bool {
    wait_for(within, || {
        street.live(Duration::from_millis(200), |_| false);
        so().then_some(())
    })
    .is_some()
}

#[test]
fn what_the_api_declares_answers_callers_and_outlives_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    leads_to(folder.path(), "general");
    let first = server(folder.path());
    let mut street = Street::new();

    let (status, _) = put(&first, "/api/v1/skills/benefits", "", &json!({"title": "Benefits"}));
    assert_eq!(status, 201);
    let queue = "/api/v1/queues/benefits";
    let body = json!({"title": "Benefits", "skills": ["benefits:3"], "hours": "main"});
    let (status, told) = put(&first, queue, "", &body);
    assert_eq!((status, &told["findings"][0]["field"]), (422, &json!("queue.benefits.hours")));
    // Nobody has recorded the greeting yet: it is left out, and that is told.
    let body = json!({
        "title": "Benefits", "skills": ["benefits:3"], "wrap_up_s": 0, "greeting": true,
    });
    let (status, told) = put(&first, queue, "If-None-Match: *\r\n", &body);
    assert_eq!(
        (status, &told["version"], &told["settings"]["ring_s"]),
        (201, &json!(2), &json!(20))
    );
    let agent = "/api/v1/agents/fay";
    let body = json!({"name": "Fay Fields", "skills": ["benefits:4"], "password": PASSWORD});
    let (status, told) = put(&first, agent, "", &body);
    assert_eq!((status, &told["has_password"]), (201, &json!(true)), "{told}");
    let (status, _) = put(&first, "/api/v1/queues/general", "If-Match: *\r\n", &body);
    assert_eq!(status, 409, "the file's");

    // A flow may lead there from now on, and then the queue is needed.
    leads_to(folder.path(), "benefits");
    first.reload();
    let delete = |server: &Server, path: &str| {
        server.answer("DELETE", path, TOKEN, "If-Match: \"1\"\r\n", "")
    };
    assert_eq!(delete(&first, queue).0, 412);
    assert_eq!(first.answer("PUT", queue, TOKEN, "", "{}").0, 428);
    let fay_at_home = fay(&mut street, &first);
    let ready = until(&mut street, secs(30), || first.live()["agents"]["ready"] == 1);
    assert!(ready, "{}", first.story());

    let one = resident(&mut street, &first, "01632960001");
    let through = street.live(secs(60), |street| street.is_done(one));
    assert!(through && !street.has_failed(one), "{}", first.story());
    assert!(first.story().contains("queue: \"benefits\""), "{}", first.story());

    // Somebody waits; Fay is not good enough for them, and then she is.
    let state = |server: &Server, state: &str| {
        let body = json!({ "state": state });
        server.ask("POST", "/api/v1/agents/fay/state", TOKEN, Some(&body))
    };
    until(&mut street, secs(20), || first.live()["agents"]["ready"] == 1);
    state(&first, "not_ready");
    let two = resident(&mut street, &first, "01632960002");
    assert!(until(&mut street, secs(20), || waiting(&first) == 1), "{}", first.story());
    let (status, body) = first.answer("DELETE", queue, TOKEN, "If-Match: *\r\n", "");
    assert_eq!(status, 409, "{body}");
    assert!(body.contains("1 wait in it"), "{body}");
    let skilled =
        |level: u8| json!({"name": "Fay Fields", "skills": [format!("benefits:{level}")]});
    assert_eq!(put(&first, agent, "If-Match: *\r\n", &skilled(1)).0, 200);
    state(&first, "ready");
    street.live(secs(2), |_| false);
    assert_eq!(waiting(&first), 1, "{}", first.story());
    let (status, told) = put(&first, agent, "If-Match: \"4\"\r\n", &skilled(5));
    assert_eq!((status, &told["has_password"]), (200, &json!(true)), "{told}");
    let through = street.live(secs(60), |street| street.is_done(two));
    assert!(through && !street.has_failed(two), "{}", first.story());
    let calls = first.calls();
    let entered = calls.iter().filter(|event| matches!(event, CallEvent::QueueEntered { .. }));
    assert_eq!(entered.count(), 2, "nobody had to begin anew: {}", first.story());
    let (status, body) = first.answer("DELETE", agent, TOKEN, "If-Match: *\r\n", "");
    assert!(status == 409 && body.contains("signed in"), "{status} {body}");
    street.leave(fay_at_home);
    first.kill();

    let second = server(folder.path());
    let told = |path: &str| {
        let body = second.ask("GET", path, TOKEN, None);
        assert!(!body.contains(PASSWORD) && !body.contains("md5"), "{body}");
        serde_json::from_str::<Value>(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    };
    let shown = told(agent);
    assert_eq!(
        (&shown["version"], &shown["settings"]["skills"]),
        (&json!(5), &json!(["benefits:5"]))
    );
    assert_eq!(told(queue)["source"], "database");
    assert_eq!(told("/api/v1/queues")["queues"][1]["source"], "file");
    let audit = told("/api/v1/audit");
    let lines: Vec<(&Value, &Value, &Value)> = audit["audit"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| (&line["seq"], &line["what"], &line["name"]))
        .collect();
    let expected = [
        (json!(5), json!("changed"), json!("fay")),
        (json!(4), json!("changed"), json!("fay")),
        (json!(3), json!("created"), json!("fay")),
        (json!(2), json!("created"), json!("benefits")),
        (json!(1), json!("created"), json!("benefits")),
    ];
    assert_eq!(lines, expected.iter().map(|(a, b, c)| (a, b, c)).collect::<Vec<_>>());
    assert_eq!(audit["audit"][0]["by"], "Sue Green");
    let file = std::fs::read(folder.path().join("data").join(REGISTRY_FILE)).expect("reads");
    assert!(!String::from_utf8_lossy(&file).contains(PASSWORD));
    assert_eq!(second.metric("switchboard_entries_set_aside{kind=\"agent\"}"), 0.0);

    let again = fay(&mut street, &second);
    let registered = |street: &Street| street.diary(again).times(&PhoneEvent::Registered) > 0;
    assert!(street.live(secs(30), registered), "{}", second.story());
    let ready = until(&mut street, secs(30), || second.live()["agents"]["ready"] == 1);
    assert!(ready, "{}", second.story());
    let three = resident(&mut street, &second, "01632960003");
    let through = street.live(secs(60), |street| street.is_done(three));
    assert!(through && !street.has_failed(three), "{}", second.story());
    second.stop();
}

#[test]
fn a_sheet_of_five_thousand_advisers_is_answered_and_so_is_each_change_beside_them() {
    let folder = tempfile::tempdir().expect("a folder");
    leads_to(folder.path(), "general");
    let server = server(folder.path());
    let rows: String =
        (1..=5_000).map(|n| format!("p{n},Person {n},general,secret-{n}\n")).collect();
    let sheet = format!("agent,name,skills,password\n{rows}");
    let csv = "Content-Type: text/csv\r\n";
    let (status, told) = server.answer("POST", "/api/v1/agents", TOKEN, csv, &sheet);
    assert_eq!(status, 200, "{told}");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["created"].as_array().map(Vec::len), Some(5_000));
    let body = json!({"name": "Fay Fields", "password": PASSWORD});
    let (status, told) = put(&server, "/api/v1/agents/fay", "", &body);
    assert_eq!(status, 201, "{told}");
    // The same sheet again changes nothing.
    let (status, told) = server.answer("POST", "/api/v1/agents", TOKEN, csv, &sheet);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((status, &told["changed"].as_array().map(Vec::len)), (200, &Some(0)), "{told}");
}
