//! A resident is promised to be rung back, over real sockets, with the shipped flow; the server is killed
//! and started again; an adviser picks up, the resident's phone rings through a trunk, and both talk.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::diary::Moment;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::{PhoneEvent, PhoneSettings};
use switchboard::sim::tone::Sound;

use crate::clock::{free_port, wait_for};
use crate::server::{NUMBER, Server, shipped};
use crate::street::Street;

const RESIDENT: &str = "01632960001";
const AMY_HZ: u32 = 620;
const RESIDENT_HZ: u32 = 850;
const TOKEN: &str = "messages";
const TOKEN_SHA256: &str = "f5cccfb737512bedd4f2e39e7d72425ae8d3ebf8aa8ab6f966bef1fc916f5011";

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The shipped settings, open around the clock, with a trunk whose only server is `carrier`.
fn server(folder: &Path, carrier: SocketAddr) -> Server {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let settings = shipped(sip, http, voice);
    let settings = format!(
        "{settings}\n[trunk.carrier]\nhosts = [\"{carrier}\"]\ninbound = \"none\"\noptions_s = 0\n\
         number = \"01708 434343\"\n\n[[token]]\nactor = \"Sue Green\"\nrole = \"supervisor\"\n\
         sha256 = \"{TOKEN_SHA256}\"\n"
    );
    Server::with_settings(folder, &settings, &["serve"], sip, http)
}

fn sound() -> Step {
    Step::UntilHears { what: Expect::Sound, within: secs(20), otherwise: Otherwise::Fail }
}

fn promises(server: &Server) -> Vec<Value> {
    let body = server.ask("GET", "/api/v1/callbacks", TOKEN, None);
    let told: Value = serde_json::from_str(&body).expect("JSON");
    told["callbacks"].as_array().cloned().unwrap_or_else(|| panic!("{body}"))
}

fn incoming(street: &Street, who: usize) -> usize {
    let rang = |moment: &Moment| matches!(moment, Moment::Phone(PhoneEvent::Incoming { .. }));
    street.diary(who).iter().filter(|(_, moment)| rang(moment)).count()
}

#[test]
fn a_promise_outlives_the_server_that_gave_it_and_is_kept_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut street = Street::new();
    // The carrier's side, where the resident's phone rings.
    let none = Habits { registers_s: 0, ..Habits::default() };
    let tone = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(RESIDENT_HZ);
    let home = street.adviser("carrier", tone, none);
    let carrier = street.phone(home).settings().signalling;
    let first = server(folder.path(), carrier);
    // To bins and recycling, to an adviser; there is none. 1 asks to be rung back, and 1 takes it.
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: secs(10) },
        sound(),
        Step::Press("13".to_owned()),
        Step::Wait(secs(3)),
        Step::Press("1".to_owned()),
        Step::Wait(secs(2)),
        Step::Press("1".to_owned()),
        Step::UntilEnded { within: secs(40) },
    ];
    let resident = street.caller(RESIDENT, first.sip, |_| {}, steps);
    let through = street.live(secs(90), |street| street.is_done(resident));
    assert!(through && !street.has_failed(resident), "{}", first.story());
    let [promise] = &promises(&first)[..] else { panic!("{}", first.story()) };
    let expected = (json!("waste"), json!("+441632960001"), json!(0));
    let told = |key: &str| promise[key].clone();
    assert_eq!((told("queue"), told("number"), told("tries")), expected);
    first.kill();

    let second = server(folder.path(), carrier);
    assert_eq!(promises(&second).len(), 1, "{}", second.story());
    let sip = second.sip;
    let amy = |phone: &mut PhoneSettings| {
        phone.server = sip;
        phone.password = Some("example-amy-2f9c".to_owned());
        phone.sound = Sound::Tone(AMY_HZ);
    };
    let signs_in = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    let amy = street.adviser("amy", amy, signs_in);
    let mut heard = (false, false);
    let talk = street.live(secs(90), |street| {
        let hears = |who: usize, hz| {
            let ear = street.phone(who).voice().ear();
            ear.hears(street.now(), &Expect::Tone(hz))
        };
        heard = (heard.0 || hears(home, AMY_HZ), heard.1 || hears(amy, RESIDENT_HZ));
        heard == (true, true)
    });
    assert!(talk, "{:#?}\n{:#?}\n{}", street.diary(amy), street.diary(home), second.story());
    let shown = PhoneEvent::Incoming {
        display: "Call back, Waste: 01632960001".to_owned(),
        user: RESIDENT.to_owned(),
    };
    assert_eq!(street.diary(amy).times(&shown), 1);
    let from = street.diary(home).iter().find_map(|(_, moment)| match moment {
        Moment::Phone(PhoneEvent::Incoming { user, .. }) => Some(user.clone()),
        _ => None,
    });
    assert_eq!(from.as_deref(), Some("+441708434343"), "a number that can be rung back");
    street.leave(home);
    let kept = wait_for(secs(10), || {
        street.live(Duration::from_millis(200), |_| false);
        second.story().contains("Kept {").then_some(())
    });
    assert!(kept.is_some(), "{}", second.story());
    assert_eq!(promises(&second), [] as [Value; 0]);
    // Nobody rings again, and another start changes nothing.
    second.kill();
    let third = server(folder.path(), carrier);
    street.live(secs(5), |_| false);
    assert_eq!((promises(&third).len(), incoming(&street, home)), (0, 1));
    let live = third.live();
    let waste = live["queues"]
        .as_array()
        .and_then(|all| all.iter().find(|queue| queue["queue"] == "waste").cloned());
    let waste = waste.expect("the queue");
    assert_eq!(
        (&waste["today"]["offered"], &waste["today"]["callbacks"], &waste["today"]["answered"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(waste["books_difference"], json!(0));
    third.stop();
}
