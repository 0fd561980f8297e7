//! An adviser's morning over real sockets: a caller is whispered and greeted before the answer, what the
//! call was about is said afterwards, and numbers outside are rung as far as the adviser's role goes.

use std::fs;
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

const WHISPER_HZ: u32 = 1_500;
const GREETING_HZ: u32 = 1_800;
const AMY_HZ: u32 = 620;
const RESIDENT_HZ: u32 = 850;
const CARRIER_HZ: u32 = 1_000;
const TOKEN: &str = "messages";
const TOKEN_SHA256: &str = "f5cccfb737512bedd4f2e39e7d72425ae8d3ebf8aa8ab6f966bef1fc916f5011";

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A second of a tone as a WAV file: 8 kHz, 16 bits, one channel.
fn wav(hz: u32) -> Vec<u8> {
    let samples: Vec<u8> =
        (0..8_000).flat_map(|at| Sound::Tone(hz).sample(at).to_le_bytes()).collect();
    let len = u32::try_from(samples.len()).expect("is short");
    let mut file = b"RIFF".to_vec();
    file.extend((36 + len).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(8_000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(len.to_le_bytes());
    file.extend(samples);
    file
}

/// The shipped sounds, and tones for what is said before an answer.
fn sounds(folder: &Path) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("sounds");
    let ours = folder.join("sounds");
    let spoken = ours.join("en-GB");
    fs::create_dir_all(&spoken).expect("a folder");
    let link = |from: &Path, to: &Path| {
        for entry in fs::read_dir(from).expect("the shipped sounds") {
            let entry = entry.expect("an entry");
            if entry.file_name() != "en-GB" {
                let to = to.join(entry.file_name());
                std::os::unix::fs::symlink(entry.path(), to).expect("a link");
            }
        }
    };
    link(&shipped, &ours);
    link(&shipped.join("en-GB"), &spoken);
    let whispers = ["urgent", "waited", "seconds", "minute", "minutes", "hour", "hours", "more"];
    let whispers = whispers.map(|name| (format!("whisper/{name}"), WHISPER_HZ));
    let others = [("whisper/queue-waste", WHISPER_HZ), ("greeting/queue-waste-1", GREETING_HZ)];
    let others = others.map(|(name, hz)| (name.to_owned(), hz));
    for (name, hz) in whispers.into_iter().chain(others) {
        let path = spoken.join(format!("{name}.wav"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("is made");
        fs::write(path, wav(hz)).expect("writes");
    }
    ours.display().to_string()
}

/// The shipped settings with all of it, and a trunk whose only server is `carrier`.
fn server(folder: &Path, carrier: SocketAddr) -> Server {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let shipped_sounds = format!("\"{}/sounds\"", env!("CARGO_MANIFEST_DIR"));
    let waste = "[queue.waste]\nwhisper = true\ngreeting = \"This is the waste service.\"\n\
                 wrap_up_required = true\nnumber = \"01708 434343\"\n";
    let settings = shipped(sip, http, voice)
        .replace(&shipped_sounds, &format!("\"{}\"", sounds(folder)))
        .replace("[queue.waste]\n", waste)
        .replace("[agent.amy]\n", "[agent.amy]\nrole = \"waste\"\n");
    let settings = format!(
        "{settings}\n[wrap_up.codes]\nmissed-bin = \"Missed bin\"\nfly-tip = \"Fly-tipping\"\n\n\
         [trunk.carrier]\nhosts = [\"{carrier}\"]\ninbound = \"none\"\noptions_s = 0\n\
         number = \"01708 434000\"\n\n[outbound.role.waste]\nmay_call = [\"mobile\"]\n\
         number = \"01708 434343\"\n\n[[token]]\nactor = \"Sue Green\"\nrole = \"supervisor\"\n\
         sha256 = \"{TOKEN_SHA256}\"\n"
    );
    Server::with_settings(folder, &settings, &["serve"], sip, http)
}

fn hears(street: &Street, who: usize, hz: u32) -> bool {
    street.phone(who).voice().ear().hears(street.now(), &Expect::Tone(hz))
}

fn until_hears(street: &mut Street, server: &Server, who: usize, hz: u32) {
    let heard = street.live(secs(60), |street| hears(street, who, hz));
    assert!(heard, "{hz} Hz: {:#?}\n{}", street.diary(who), server.story());
}

fn state_of(server: &Server, agent: &str) -> Value {
    let body = server.ask("GET", "/api/v1/agents", TOKEN, None);
    let told: Value = serde_json::from_str(&body).expect("JSON");
    let agents = told["agents"].as_array().expect("a list").iter();
    agents.clone().find(|one| one["agent"] == agent).cloned().expect("the agent")
}

#[test]
fn a_caller_is_announced_and_greeted_and_the_adviser_says_what_it_was_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut street = Street::new();
    let none = Habits { registers_s: 0, ..Habits::default() };
    let tone = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(CARRIER_HZ);
    let outside = street.adviser("carrier", tone, none);
    let server = server(folder.path(), street.phone(outside).settings().signalling);
    let sip = server.sip;
    let amy = |phone: &mut PhoneSettings| {
        phone.server = sip;
        phone.password = Some("example-amy-2f9c".to_owned());
        phone.sound = Sound::Tone(AMY_HZ);
    };
    let signs_in = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    let amy = street.adviser("amy", amy, signs_in);
    street.live(secs(8), |_| false);
    let hear = |hz| Step::UntilHears {
        what: Expect::Tone(hz),
        within: secs(60),
        otherwise: Otherwise::Fail,
    };
    let sound =
        Step::UntilHears { what: Expect::Sound, within: secs(20), otherwise: Otherwise::Fail };
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: secs(10) },
        sound,
        Step::Press("13".to_owned()),
        hear(GREETING_HZ),
        hear(AMY_HZ),
        Step::Wait(secs(2)),
        Step::HangUp,
    ];
    let speaks = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(RESIDENT_HZ);
    let resident = street.caller("01632960001", sip, speaks, steps);
    until_hears(&mut street, &server, amy, WHISPER_HZ);
    assert!(!hears(&street, resident, WHISPER_HZ), "the caller never hears it");
    until_hears(&mut street, &server, amy, GREETING_HZ);
    until_hears(&mut street, &server, amy, RESIDENT_HZ);
    let through = street.live(secs(30), |street| street.is_done(resident));
    assert!(through && !street.has_failed(resident), "{}", server.story());

    // What it was about: the work is not over before that.
    let call = wait_for(secs(10), || {
        street.live(Duration::from_millis(200), |_| false);
        let told = state_of(&server, "amy");
        (told["state"] == "wrap_up").then(|| told["wrap_up"].as_str().expect("a call").to_owned())
    });
    let call = call.unwrap_or_else(|| panic!("{}", server.story()));
    let path = format!("/api/v1/calls/{call}/wrap-up");
    let shown: Value = serde_json::from_str(&server.ask("GET", &path, TOKEN, None)).expect("JSON");
    assert_eq!((&shown["agent"], &shown["code_needed"]), (&json!("amy"), &json!(true)));
    let said = json!({ "code": "missed-bin", "resolved": true, "note": "Lives alone." });
    server.ask("PUT", &path, TOKEN, Some(&said));
    let metrics = server.get("/metrics");
    for line in [
        r#"switchboard_wrap_ups{queue="waste",code="missed-bin"} 1"#,
        r#"switchboard_conversations_resolved{queue="waste",resolved="true"} 1"#,
        r#"switchboard_first_contact_resolution_ratio{queue="waste"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let story = server.story();
    let at = |what: &str| story.find(what).unwrap_or_else(|| panic!("{what}: {story}"));
    assert!(at("Prefaced {") < at("Joined {"), "{story}");
    assert!(!story.contains("Lives alone"), "no log shows a note");

    // Her role rings mobiles, and nothing else.
    street.dial(amy, "01632960123");
    let told = street.live(secs(10), |street| {
        street.phone(amy).voice().ear().hears(street.now(), &Expect::Sound)
    });
    assert!(told, "why\n{}", server.story());
    let refused = street.live(secs(10), |street| {
        let refused = PhoneEvent::Refused { status: 403, retry_after_s: None };
        street.diary(amy).times(&refused) == 1
    });
    assert!(refused, "{:#?}\n{}", street.diary(amy), server.story());
    street.dial(amy, "07700900123");
    until_hears(&mut street, &server, amy, CARRIER_HZ);
    let from = street.diary(outside).iter().find_map(|(_, moment)| match moment {
        Moment::Phone(PhoneEvent::Incoming { user, .. }) => Some(user.clone()),
        _ => None,
    });
    assert_eq!(from.as_deref(), Some("+441708434343"), "the role's number");
    server.kill();
}
