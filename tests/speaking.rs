//! Callers with synthetic voices ring the real server, say what they want over a G.711 line, and are
//! heard by the embedded recogniser: the shipped flows, intents and back end, nothing made up.

#[path = "peers/mod.rs"]
mod peers;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use switchboard::event::{Became, CallEvent, Event, HandOver};
use switchboard::id::Entropy;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneSettings;
use switchboard::sim::tone::Sound;

use peers::council::{Council, entered, over, reported, serve};
use peers::server::{NUMBER, Server};
use peers::street::Street;

const LONG: Duration = Duration::from_secs(20);
/// When a caller to whom nothing happens says it again.
const AGAIN: Duration = Duration::from_secs(9);
/// How often a caller says something again, as people do who are asked again.
const TRIES: usize = 3;
const VOICE: &str = "slt";
const SPEECH: &str = "\n[speech]\nengine = \"pocketsphinx\"\n";
const ADVISER_HZ: u32 = 620;

/// A text spoken by flite, at 8 kHz and the level of a telephone, for as long as the process lives.
fn spoken(text: &str) -> Sound {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("speaking");
    std::fs::create_dir_all(&folder).expect("a folder");
    let name = text.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let file = folder.join(format!("{name}.wav"));
    let done = Command::new("flite").args(["-voice", VOICE, "-t", text, "-o"]).arg(&file).status();
    assert!(done.expect("flite, which .ci/tools installs").success());
    let mut wav = hound::WavReader::open(&file).expect("a WAV file");
    let rate = wav.spec().sample_rate;
    let samples = wav.samples::<i16>().map(|sample| f32::from(sample.expect("one")) / 32_768.0);
    let samples: Vec<f32> = samples.collect();
    let samples =
        soundfile::resample::to_rate(&samples, rate, soundfile::NARROW_HZ).expect("a usable rate");
    let power = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
    let gain = 32_768.0 * 10_f64.powf(-26.0 / 20.0) / power.sqrt();
    // A room is never quite silent, and a recogniser was made with rooms.
    let mut entropy = Entropy::from_seed([1; 32]);
    let quiet = |seconds: f64| std::iter::repeat_n(0.0, (8_000.0 * seconds) as usize);
    let voice = samples.iter().map(|sample| f64::from(*sample) * gain);
    let room = quiet(0.3).chain(voice).chain(quiet(8.0));
    let samples: Vec<i16> =
        room.map(|sample| sample as i16 + entropy.below(17) as i16 - 8).collect();
    Sound::Speech(samples.leak())
}

/// A resident who rings and, once the first words are heard, waits.
fn resident(street: &mut Street, server: &Server) -> usize {
    let sound = Step::UntilHears { what: Expect::Sound, within: LONG, otherwise: Otherwise::Fail };
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: LONG },
        sound,
        Step::Wait(Duration::from_secs(600)),
    ];
    street.caller("01632960001", server.sip, |_| {}, steps)
}

fn utterances(server: &Server) -> usize {
    server.calls().iter().filter(|event| matches!(event, CallEvent::Said(_))).count()
}

/// Says something at a node as soon as the flow has come there, while its words are still being said,
/// and again if the flow did not understand.
fn says(street: &mut Street, server: &Server, who: usize, node: &str, text: &str) {
    let comes = street.live(LONG, |_| entered(server).last().is_some_and(|at| at == node));
    assert!(comes, "never at {node}: {:#?}\n{}", street.diary(who), server.story());
    let sound = spoken(text);
    for _ in 0..TRIES {
        let before = utterances(server);
        street.say(who, sound);
        // Where words must be heard first, nobody listens before: people say it again.
        if !street.live(AGAIN, |_| utterances(server) > before) {
            continue;
        }
        let last = server.calls().into_iter().rev().find_map(|event| match event {
            CallEvent::Said(said) => Some(said),
            _ => None,
        });
        let said = last.expect("was heard");
        match said.became {
            Became::NoMatch | Became::NotUnderstood => {}
            Became::Understood | Became::Adviser | Became::Urgent => return,
            Became::ToConfirm => {
                // Whoever is asked whether it was that says so.
                street.say(who, spoken("yes"));
                let before = utterances(server);
                assert!(street.live(LONG, |_| utterances(server) > before), "{}", server.story());
                return;
            }
            Became::Denied | Became::Deaf => panic!("{said:?}\n{}", server.story()),
        }
    }
    panic!("{text}: not understood at {node}\n{}", server.story());
}

#[test]
fn a_missed_bin_is_reported_by_voice_and_found_in_the_back_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let council = Council::open(folder.path());
    let server = serve(folder.path(), council.at, SPEECH);
    let mut street = Street::new();
    let resident = resident(&mut street, &server);
    for (node, words) in [
        ("main/help", "my bin was not collected"),
        ("missed-bin/which-bin", "the rubbish bin"),
        ("address/postcode", "romeo mike one three bravo delta"),
        ("address/house", "fourteen"),
        ("missed-bin/place", "yes that's right"),
    ] {
        says(&mut street, &server, resident, node, words);
    }
    reported(&mut street, &server, &council);
    let understood = "switchboard_assistant_intents_total{intent=\"missed-bin\"}";
    assert!(server.metric(understood) >= 1.0, "{}", server.get("/metrics"));
    over(street, resident, server);
}

#[test]
fn who_asks_for_a_person_gets_one_who_knows_what_was_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let council = Council::open(folder.path());
    let token = "a-supervisor";
    let hash: String = {
        use sha2::Digest;
        sha2::Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let more = format!(
        "{SPEECH}\n[[token]]\nactor = \"desk\"\nrole = \"supervisor\"\nsha256 = \"{hash}\"\n"
    );
    let server = serve(folder.path(), council.at, &more);
    let mut street = Street::new();
    let habits = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    let dev = |phone: &mut PhoneSettings| {
        (phone.server, phone.password) = (server.sip, Some("example-dev-5be3".to_owned()));
        phone.sound = Sound::Tone(ADVISER_HZ);
    };
    street.adviser("dev", dev, habits);
    let ready = street.live(LONG, |_| server.live()["agents"]["ready"] == 1);
    assert!(ready, "{}", server.story());
    let resident = resident(&mut street, &server);
    says(&mut street, &server, resident, "main/help", "my bin was not collected");
    says(&mut street, &server, resident, "missed-bin/which-bin", "the rubbish bin");
    says(&mut street, &server, resident, "address/postcode", "romeo mike one three bravo delta");
    let asked =
        street.live(LONG, |_| entered(&server).last().is_some_and(|at| at == "address/house"));
    assert!(asked, "{}", server.story());
    // A person is one key away.
    street.press(resident, "0#");
    let talks = street.live(LONG, |street| {
        street.phone(resident).voice().ear().hears(street.now(), &Expect::Tone(ADVISER_HZ))
    });
    assert!(talks, "{:#?}\n{}", street.diary(resident), server.story());
    let handed = server
        .calls()
        .into_iter()
        .any(|event| matches!(event, CallEvent::HandedOver { reason: HandOver::AskedFor, .. }));
    assert!(handed, "{}", server.story());
    let arrived = server.journal().into_iter().find_map(|event| match event {
        Event::Call { call, event: CallEvent::Arrived { by: None, .. } } => Some(call),
        _ => None,
    });
    let call = arrived.expect("a resident's call");
    let facts = server.ask("GET", &format!("/api/v1/calls/{call}/facts"), token, None);
    assert!(facts.contains("my bin was not collected"), "{facts}");
    assert!(facts.contains("a missed bin"), "{facts}");
    over(street, resident, server);
}
