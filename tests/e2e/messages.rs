//! A resident whom nobody can answer leaves a message, over real sockets, with the shipped flow; the
//! adviser hears it through the API. A server that is killed while somebody speaks has what they said.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::tone::{self, Sound};

use crate::clock::{free_port, wait_for};
use crate::server::{NUMBER, Server, shipped};
use crate::street::Street;

const CALLER_HZ: u32 = 440;
const TOKEN: &str = "messages";
const TOKEN_SHA256: &str = "f5cccfb737512bedd4f2e39e7d72425ae8d3ebf8aa8ab6f966bef1fc916f5011";

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The shipped settings, open around the clock, with nobody signed in who could answer.
fn server(folder: &Path) -> (Server, SocketAddr) {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let settings = shipped(sip, http, voice)
        .replace("[queue.general]", "[queue.general]\nwait_when_unstaffed = false");
    let settings = format!(
        "{settings}\n[[token]]\nactor = \"Sue Green\"\nrole = \"supervisor\"\nsha256 = \
         \"{TOKEN_SHA256}\"\n"
    );
    (Server::with_settings(folder, &settings, &["serve"], sip, http), http)
}

/// To the tone and on; the caller's voice is a tone of its own all the while.
fn speaks(then: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let sound =
        || Step::UntilHears { what: Expect::Sound, within: secs(10), otherwise: Otherwise::Fail };
    let mut steps = vec![Step::Ring(NUMBER.to_owned()), Step::UntilAnswered { within: secs(10) }];
    steps.extend([sound(), Step::Press("43".to_owned()), Step::Wait(secs(1)), sound()]);
    // Who knows the greeting goes straight to the tone.
    steps.extend([Step::Press("#".to_owned()), Step::Wait(secs(5))]);
    steps.extend(then);
    steps
}

fn messages(server: &Server) -> Vec<Value> {
    let body = server.ask("GET", "/api/v1/messages", TOKEN, None);
    let told: Value = serde_json::from_str(&body).expect("JSON");
    told["messages"].as_array().cloned().unwrap_or_else(|| panic!("{body}"))
}

/// What is heard of a message: its length in seconds, and the share that is the caller's tone.
fn heard(folder: &Path, http: SocketAddr, message: &str) -> (f64, f64) {
    let file = folder.join("message.wav");
    let got = Command::new("curl")
        .args(["-sf", "-H", &format!("Authorization: Bearer {TOKEN}"), "-o"])
        .arg(&file)
        .arg(format!("http://{http}/api/v1/messages/{message}/audio"))
        .status();
    assert!(got.is_ok_and(|status| status.success()), "curl gets the message");
    let mut reader = hound::WavReader::open(&file).expect("a WAV file");
    assert_eq!(reader.spec().channels, 1);
    let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
    (samples.len() as f64 / 8_000.0, tone::share(&samples, f64::from(CALLER_HZ), 8_000))
}

#[test]
fn what_a_resident_leaves_is_what_the_adviser_hears() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, http) = server(folder.path());
    let mut street = Street::new();
    let sound =
        Step::UntilHears { what: Expect::Sound, within: secs(10), otherwise: Otherwise::Fail };
    let steps = speaks([Step::Press("1".to_owned()), sound, Step::UntilEnded { within: secs(20) }]);
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(CALLER_HZ);
    };
    let resident = street.caller("01632960001", server.sip, tone, steps);
    let through = street.live(secs(60), |street| street.is_done(resident));
    assert!(through && !street.has_failed(resident), "{}", server.story());
    let all = messages(&server);
    assert_eq!(all.len(), 1, "{}", server.story());
    let id = all[0]["message"].as_str().expect("an id").to_owned();
    assert_eq!((&all[0]["queue"], &all[0]["overdue"]), (&json!("general"), &json!(false)));
    let (length, share) = heard(folder.path(), http, &id);
    assert!((4.0..6.0).contains(&length) && share > 0.9, "{length} s, {share}");
    let path = format!("/api/v1/messages/{id}/state");
    for state in ["taken", "done"] {
        let body = server.ask("POST", &path, TOKEN, Some(&json!({ "state": state })));
        assert!(body.contains(state), "{body}");
    }
    assert_eq!(messages(&server), [] as [Value; 0]);
    for done in
        ["Heard { by: \"Sue Green\"", "Taken { by: \"Sue Green\"", "Done { by: \"Sue Green\""]
    {
        let told = wait_for(secs(5), || server.story().contains(done).then_some(()));
        assert!(told.is_some(), "{done}: {}", server.story());
    }
    server.stop();
}

#[test]
fn a_server_that_is_killed_while_a_resident_speaks_has_what_they_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, _) = server(folder.path());
    let mut street = Street::new();
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(CALLER_HZ);
    };
    let steps = speaks([Step::Wait(secs(30)), Step::HangUp]);
    street.caller("01632960001", first.sip, tone, steps);
    let began = |server: &Server| server.story().contains("MessageBegan");
    assert!(street.live(secs(30), |_| began(&first)), "{}", first.story());
    street.live(secs(4), |_| false);
    first.kill();
    let (second, http) = server(folder.path());
    let found = wait_for(secs(20), || messages(&second).into_iter().next());
    let message = found.unwrap_or_else(|| panic!("{}", second.story()));
    let id = message["message"].as_str().expect("an id");
    let (length, share) = heard(folder.path(), http, id);
    assert!((2.5..5.0).contains(&length) && share > 0.9, "{length} s, {share}");
    second.stop();
}
