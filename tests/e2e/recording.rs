//! Recorded calls on real sockets and a real disk, and a process that is killed in the middle of one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneSettings;
use switchboard::sim::tone::Sound;

use crate::encrypted::{AMY_HZ, CALLER_HZ, LONG, adviser};
use crate::peers::clock::wait_for;
use crate::peers::judge::{Judged, flac_agrees};
use crate::peers::server::{NUMBER, Server, password_of};
use crate::peers::softphone::{Setup, Softphone};
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

/// A FLAC file of a recording in which flac finds nothing wrong.
fn exported(folder: &Path, one: &Value, name: &str) -> PathBuf {
    let to = folder.join(name);
    let place = one["place"].as_str().expect("a place");
    recordings(folder, &["export", place, "--to", &to.to_string_lossy()]);
    flac_agrees(&to);
    to
}

/// A file that others open, as long as its manifest says, and at this rate.
fn right<'a>(file: &'a Path, manifest: &Value, rate: u32) -> Judged<'a> {
    let judged = Judged::open(file);
    let length = manifest["length_us"].as_f64().expect("a length") / 1e6;
    assert!((judged.seconds - length).abs() < 0.1, "{judged:?}, the manifest: {length} s");
    assert_eq!(judged.rate, rate);
    judged
}

fn steps(then: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: LONG },
        Step::UntilHears { what: Expect::Sound, within: LONG, otherwise: Otherwise::Fail },
        Step::Press("13".to_owned()),
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
    let judged = right(&wav, manifest, 8_000);
    // Both began to talk after the connection, and the last seconds are theirs.
    let from = judged.seconds - 3.0;
    judged.has_tone(1, from, CALLER_HZ);
    judged.has_tone(2, from, AMY_HZ);
    for (channel, others, own) in [(1, AMY_HZ, CALLER_HZ), (2, CALLER_HZ, AMY_HZ)] {
        let leaks = judged.leaks_db(channel, from, others, own);
        assert!(leaks < -45.0, "channel {channel} has {others} Hz at {leaks:.1} dB");
    }

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
    let place = all[1]["place"].as_str().expect("a place");
    let wav = at.join("cut-off.wav");
    recordings(at, &["export", place, "--to", wav.to_str().expect("text")]);
    let judged = right(&wav, manifest, 8_000);
    judged.has_tone(1, judged.seconds - 3.0, CALLER_HZ);
    judged.has_tone(2, judged.seconds - 3.0, AMY_HZ);
    let verdict = recordings(at, &["verify"]);
    assert_eq!(verdict.matches(": whole\n").count(), 2, "{verdict}");
    let events = server.calls();
    let stored = events.iter().filter(|event| format!("{event:?}").contains("Stored {"));
    assert_eq!(stored.count(), 2, "{}", server.story());
    server.stop();
}

/// A call of a queue that is recorded in FLAC, of an adviser who says nothing; and one that a flow's rule
/// records, of a caller with a wide voice.
#[test]
fn what_is_kept_as_flac_is_right_to_others_in_both_widths() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = "[recording]\nrecord = \"always\"\nformat = \"flac\"\n\
                 [recording.flow.main]\nrecord = \"always\"\n";
    let at = folder.path();
    let server = Server::start_where(at, rules);
    let mut street = Street::new();
    let habits = Habits { registers_s: 60, signs_in: Some("*70".to_owned()), ..Habits::default() };
    let amy = |phone: &mut PhoneSettings| {
        (phone.server, phone.password) = (server.sip, Some(password_of("amy")));
        phone.sound = Sound::Silence;
    };
    street.adviser("amy", amy, habits);
    let ready = street.live(MINUTE, |_| server.live()["agents"]["ready"] == 1);
    assert!(ready, "{}", server.story());
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: LONG },
        Step::UntilHears { what: Expect::Sound, within: LONG, otherwise: Otherwise::Fail },
        Step::Press("13".to_owned()),
        Step::Wait(Duration::from_secs(8)),
        Step::HangUp,
    ];
    let tone = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(CALLER_HZ);
    let caller = street.caller("01632960001", server.sip, tone, steps);
    let done = street.live(MINUTE, |street| street.is_done(caller));
    assert!(done && !street.has_failed(caller), "{:#?}", street.diary(caller));
    street.live(Duration::from_millis(500), |_| false);
    stored(&server, 1.0);
    let narrow = list(at);
    assert_eq!(narrow.len(), 1, "{narrow:?}");
    let file = exported(at, &narrow[0], "narrow.flac");
    let judged = right(&file, &narrow[0]["manifest"], 8_000);
    let from = judged.seconds - 3.0;
    judged.has_tone(1, from, CALLER_HZ);
    // A-law has no zero: its least sample is 8.
    let silent = judged.level_db(2, from);
    assert!(silent < -56.0, "what the caller hears is at {silent:.1} dB");

    let phones = tempfile::tempdir().expect("a folder");
    let resident = Softphone::start(
        phones.path(),
        &Setup {
            user: "01632960002",
            password: "none",
            server: server.sip,
            at: Setup::any_address(),
            transport: "udp",
            config: "module g722.so\n",
            account: ";audio_codecs=g722/16000/1",
            registers: false,
            answers: true,
            tone_hz: CALLER_HZ,
        },
    );
    resident.command("dial", NUMBER);
    // The shipped menu speaks for longer than what is measured.
    let begun =
        wait_for(LONG, || (server.metric("switchboard_recordings_active") > 0.0).then_some(()));
    assert!(begun.is_some(), "{}\n{}", server.story(), resident.words());
    wait_for(Duration::from_secs(5), || None::<()>);
    resident.command("hangup", "");
    stored(&server, 2.0);
    let all = list(at);
    let wide = all.iter().find(|one| one["manifest"]["codec"] == "l16").expect("a wide one");
    let file = exported(at, wide, "wide.flac");
    let judged = right(&file, &wide["manifest"], 16_000);
    judged.has_tone(1, judged.seconds - 3.0, CALLER_HZ);
    // The menu speaks to them meanwhile.
    let menu = judged.level_db(2, judged.seconds - 3.0);
    assert!(menu > -30.0, "what the caller hears is at {menu:.1} dB");
    server.stop();
}
