//! An adviser's day at a shared phone, over real sockets: she sits down, answers, is away for too long,
//! finds the line to the outside taken, and leaves.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::event::{AgentEvent, Event};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::{PhoneEvent, PhoneSettings};
use switchboard::sim::tone::Sound;

use crate::clock::free_port;
use crate::server::Server;
use crate::street::Street;

const DESK_HZ: u32 = 620;
const CARRIER_HZ: u32 = 1_000;
const TOKEN: &str = "messages";
const TOKEN_SHA256: &str = "f5cccfb737512bedd4f2e39e7d72425ae8d3ebf8aa8ab6f966bef1fc916f5011";

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn server(folder: &Path, carrier: SocketAddr) -> Server {
    let flows = folder.join("flows");
    std::fs::create_dir_all(&flows).expect("a folder");
    let flow =
        "start: wait\nnodes:\n  wait: {queue: waste, otherwise: gone}\n  gone: {hang_up: busy}\n";
    std::fs::write(flows.join("main.yaml"), flow).expect("the flow");
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let settings = format!(
        "organisation = \"Harbourside Council\"\n[sip]\nlisten = [{{ bind = \"{sip}\" }}]\n\
         [http]\nbind = \"{http}\"\n[rtp]\nports = \"{voice}-{}\"\n\
         [files]\nflows = \"flows\"\nsounds = \"{}/sounds\"\n[numbers]\n\"01708000001\" = \"main\"\n\
         [queue.waste]\ntitle = \"Waste\"\nskills = [\"waste\"]\nwrap_up_s = 0\n\
         [agent.amy]\nname = \"Amy\"\nextension = \"201\"\nskills = [\"waste\"]\n\
         password = \"amy-s3cret\"\npin = \"471128\"\n\
         [agent.ben]\nname = \"Ben\"\npassword = \"ben-s3cret\"\n\
         [phone.desk-12]\npassword = \"desk-s3cret\"\n\
         [not_ready.lunch]\ntitle = \"Lunch\"\nlimit_s = 2\nkey = \"1\"\n\
         [trunk.carrier]\nhosts = [\"{carrier}\"]\ninbound = \"none\"\noptions_s = 0\n\
         number = \"01708 434000\"\ncalls = 2\noutbound_calls = 1\n\
         [[token]]\nactor = \"Sue Green\"\nrole = \"supervisor\"\nsha256 = \"{TOKEN_SHA256}\"\n",
        voice + 19,
        env!("CARGO_MANIFEST_DIR"),
    );
    Server::with_settings(folder, &settings, &["serve"], sip, http)
}

fn phone(street: &mut Street, server: &Server, user: &str, password: &str) -> usize {
    let sip = server.sip;
    let set_up = |phone: &mut PhoneSettings| {
        phone.server = sip;
        phone.password = Some(password.to_owned());
        phone.sound = Sound::Tone(DESK_HZ);
    };
    let phone = street.adviser(user, set_up, Habits::default());
    let registered =
        street.live(secs(20), |street| street.diary(phone).times(&PhoneEvent::Registered) > 0);
    assert!(registered, "{user}: {:#?}", street.diary(phone));
    phone
}

fn told(server: &Server, agent: &str) -> Value {
    let body = server.ask("GET", "/api/v1/agents", TOKEN, None);
    let told: Value = serde_json::from_str(&body).expect("JSON");
    let agents = told["agents"].as_array().expect("a list").iter();
    agents.clone().find(|one| one["agent"] == agent).cloned().expect("the agent")
}

/// Everybody goes on until the API tells that of Amy.
fn until(street: &mut Street, server: &Server, what: &str, so: impl Fn(&Value) -> bool) {
    let done = street.live(secs(40), |_| so(&told(server, "amy")));
    assert!(done, "never {what}: {:#}\n{}", told(server, "amy"), server.story());
}

fn hears(street: &mut Street, server: &Server, who: usize, what: &Expect) {
    let heard =
        street.live(secs(30), |street| street.phone(who).voice().ear().hears(street.now(), what));
    assert!(heard, "{what:?}: {:#?}\n{}", street.diary(who), server.story());
}

#[test]
fn an_adviser_sits_down_answers_goes_to_lunch_finds_the_line_taken_and_leaves() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut street = Street::new();
    let none = Habits { registers_s: 0, ..Habits::default() };
    let tone = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(CARRIER_HZ);
    let outside = street.adviser("carrier", tone, none);
    let server = server(folder.path(), street.phone(outside).settings().signalling);
    let desk = phone(&mut street, &server, "desk-12", "desk-s3cret");
    let ben = phone(&mut street, &server, "ben", "ben-s3cret");

    // Nobody's phone rings nobody.
    street.dial(desk, "ben");
    let forbidden = PhoneEvent::Refused { status: 403, retry_after_s: None };
    assert!(street.live(secs(10), |street| street.diary(desk).times(&forbidden) == 1));
    street.dial(desk, "*75201");
    hears(&mut street, &server, desk, &Expect::Sound);
    street.press(desk, "471128#");
    until(&mut street, &server, "ready", |amy| amy["state"] == "ready" && amy["desk"] == "desk-12");

    let steps = vec![
        Step::Ring("01708000001".to_owned()),
        Step::UntilAnswered { within: secs(10) },
        Step::UntilHears {
            what: Expect::Tone(DESK_HZ),
            within: secs(40),
            otherwise: Otherwise::Fail,
        },
        Step::HangUp,
    ];
    let resident = street.caller("01632960001", server.sip, |_| {}, steps);
    let served = street.live(secs(60), |street| street.is_done(resident));
    assert!(served && !street.has_failed(resident), "{}", server.story());
    until(&mut street, &server, "ready again", |amy| amy["state"] == "ready");

    // Lunch takes too long.
    street.dial(desk, "*731");
    until(&mut street, &server, "at lunch", |amy| amy["reason"] == "lunch");
    until(&mut street, &server, "too long", |amy| amy["over_limit"] == true);
    assert_eq!(server.metric(r#"switchboard_agents_not_ready_over_limit{reason="lunch"}"#), 1.0);
    assert_eq!(server.metric(r#"switchboard_not_ready_over_limit_total{reason="lunch"}"#), 1.0);
    let too_long =
        |event: &Event| matches!(event, Event::Agent { event: AgentEvent::AwayTooLong { .. }, .. });
    assert_eq!(server.journal().iter().filter(|event| too_long(event)).count(), 1);
    let nap = json!({ "state": "not_ready", "reason": "nap" }).to_string();
    let (status, body) = server.answer("POST", "/api/v1/agents/amy/state", TOKEN, "", &nap);
    assert!(status == 422 && body.contains("There are: lunch"), "{status} {body}");

    // Ben rings out, and the other line is for callers.
    street.dial(ben, "01632960123");
    hears(&mut street, &server, ben, &Expect::Tone(CARRIER_HZ));
    let idle = street.live(secs(20), |street| !street.phone(desk).is_busy());
    assert!(idle, "the star code's call is over");
    street.dial(desk, "01632960124");
    let full = PhoneEvent::Refused { status: 503, retry_after_s: None };
    let refused = street.live(secs(20), |street| street.diary(desk).times(&full) == 1);
    assert!(refused, "{:#?}\n{}", street.diary(desk), server.story());
    assert_eq!(server.metric(r#"switchboard_outbound_refused_total{reason="trunk_full"}"#), 1.0);

    street.dial(desk, "*71");
    until(&mut street, &server, "gone", |amy| {
        amy["state"] == "signed_out" && amy["desk"].is_null()
    });
    server.kill();
}
