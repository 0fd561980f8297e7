//! Recorded calls on real sockets and a real disk, and a process that is killed in the middle of one.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use switchboard::server::recording::wav::{self, Format};
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::tone::Sound;

use crate::encrypted::{AMY_HZ, CALLER_HZ, LONG, adviser};
use crate::peers::clock::wait_for;
use crate::peers::server::{NUMBER, Server};
use crate::street::Street;

const RULES: &str = "[recording]\nrecord = \"always\"\nkey_file = \"config/recording.key\"\n";
const MINUTE: Duration = Duration::from_secs(60);

/// What `switchboard recordings` prints.
fn recordings(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    command.arg("recordings").args(words);
    command.arg("--config").arg(folder.join("config/switchboard.toml"));
    let done = command.arg("--data").arg(folder.join("data")).output().expect("runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {said}");
    String::from_utf8(done.stdout).expect("text")
}

fn list(folder: &Path) -> Vec<Value> {
    let lines = recordings(folder, &["list", "--json"]);
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn stored(server: &Server, count: f64) {
    let there = wait_for(LONG, || {
        (server.metric("switchboard_recordings_stored_total") >= count).then_some(())
    });
    assert!(there.is_some(), "{}\n{}", server.get("/metrics"), server.story());
}

/// How much of a second of a side is a tone.
fn share(side: &[i16], from: usize, hz: u32) -> f64 {
    let voice = side.get(from..from + 8_000).expect("so long");
    let (mut re, mut im, mut energy) = (0.0, 0.0, f64::MIN_POSITIVE);
    for (at, sample) in voice.iter().enumerate() {
        let angle = at as f64 * std::f64::consts::TAU * f64::from(hz) / 8_000.0;
        let sample = f64::from(*sample);
        (re, im) = (re + sample * angle.cos(), im + sample * angle.sin());
        energy += sample * sample;
    }
    (re * re + im * im) * 2.0 / 8_000.0 / energy
}

fn steps(then: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: LONG },
        Step::UntilHears { what: Expect::Sound, within: LONG, otherwise: Otherwise::Fail },
        Step::Press("1".to_owned()),
        Step::UntilHears { what: Expect::Tone(AMY_HZ), within: LONG, otherwise: Otherwise::Fail },
    ];
    steps.extend(then);
    steps
}

#[test]
fn a_call_is_recorded_encrypted_and_a_killed_process_loses_less_than_a_second() {
    let folder = tempfile::tempdir().expect("a folder");
    let (at, config) = (folder.path(), folder.path().join("config"));
    std::fs::create_dir_all(&config).expect("a folder in it");
    std::fs::write(config.join("recording.key"), "c0ffee00".repeat(8)).expect("a key");
    let server = Server::start_where(at, RULES);
    let phones = tempfile::tempdir().expect("a folder");
    let softphone = adviser(phones.path(), &server, "");
    let mut street = Street::new();
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(CALLER_HZ);
    };
    let talks = steps(vec![Step::Wait(Duration::from_secs(4)), Step::HangUp]);
    let first = street.caller("01632960001", server.sip, tone, talks);
    let done = street.live(MINUTE, |street| street.is_done(first));
    assert!(done && !street.has_failed(first), "{:#?}", street.diary(first));
    stored(&server, 1.0);
    let all = list(at);
    assert_eq!(all.len(), 1, "{all:?}");
    let (place, manifest) = (all[0]["place"].as_str().expect("a place"), &all[0]["manifest"]);
    assert_eq!((&manifest["agents"][0], &manifest["encrypted"]), (&"amy".into(), &true.into()));
    assert_eq!(recordings(at, &["verify"]), format!("{place}: whole\n"));
    let wav = at.join("call.wav");
    recordings(at, &["export", place, "--to", wav.to_str().expect("text")]);
    let bytes = std::fs::read(&wav).expect("exported");
    let (format, length) = Format::read(&bytes).expect("a header");
    assert_eq!(bytes.len() as u64, wav::HEADER as u64 + length);
    let samples = format.linear(&bytes[wav::HEADER..]);
    let side = |at: usize| samples.iter().skip(at).step_by(2).copied().collect::<Vec<i16>>();
    let (left, right) = (side(0), side(1));
    let middle = left.len() / 2;
    assert!(share(&left, middle, CALLER_HZ) > 0.9, "left: {}", share(&left, middle, CALLER_HZ));
    assert!(share(&right, middle, AMY_HZ) > 0.9, "right: {}", share(&right, middle, AMY_HZ));
    assert!(share(&right, middle, CALLER_HZ) < 0.01);

    // The second call is talking when the process is killed.
    server.until_agents("ready", 1);
    let talks = steps(vec![Step::Wait(MINUTE)]);
    let second = street.caller("01632960002", server.sip, tone, talks);
    let hears = |street: &Street| {
        let phone = street.phone(second);
        phone.voice().ear().hears(street.now(), &Expect::Tone(AMY_HZ))
    };
    assert!(street.live(MINUTE, hears), "{:#?}", street.diary(second));
    street.live(Duration::from_secs(5), |_| false);
    server.kill();
    drop(softphone);
    let server = Server::start_where(at, RULES);
    stored(&server, 1.0);
    let all = list(at);
    assert_eq!(all.len(), 2, "{all:?}");
    let manifest = &all[1]["manifest"];
    assert_eq!(manifest["state"], "recovered");
    let length_us = manifest["length_us"].as_u64().expect("a length");
    assert!(length_us >= 4_000_000, "of at least 5 s: {length_us} us");
    let verdict = recordings(at, &["verify"]);
    assert_eq!(verdict.matches(": whole\n").count(), 2, "{verdict}");
    let events = server.calls();
    let stored = events.iter().filter(|event| format!("{event:?}").contains("Stored {"));
    assert_eq!(stored.count(), 2, "{}", server.story());
    server.stop();
}
