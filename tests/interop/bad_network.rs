//! What people hear over a bad network, by other people's jitter buffers: a resident and an adviser with
//! baresip each, and between the resident and us a network that loses and delays voice.
//!
//! With `PICTURES=FOLDER` they speak words instead of tones, and what each heard is drawn there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use switchboard::event::{CallEvent, EndCause, StreamQuality};
use switchboard::sim::tone;

use crate::baresip::{adviser_who, call_of, fixed};
use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::peers::impair::{BadNetwork, Harm};
use crate::peers::server::Server;
use crate::peers::softphone::{Setup, Softphone, samples};
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};

const UDP: Transport = Transport::Udp;
const RESIDENT_HZ: u32 = 440;
const ADVISER_HZ: u32 = 620;
/// Packets of voice from both sides: ten seconds.
const PACKETS: u64 = 1_000;
/// What a phone's own jitter buffer is given to cope with.
const PATIENT: &str = "jitter_buffer_delay 3-10\nmodule plc.so\n";

pub fn scenarios(all: &mut Vec<Scenario>) {
    let over = UDP;
    let mut add = |feature: &str, run: fn(&Place)| {
        all.push(Scenario::new("baresip", over, feature, run));
    };
    add("two softphones hear each other without a gap", clean);
    add("the same with 5 % of voice lost and 40 ms of jitter: the journal says so", bad);
    add(
        "the same while a supervisor listens: our jitter buffer, concealment and mixer",
        supervised,
    );
}

/// What came of a conversation.
struct Heard {
    /// The share of the time in which each heard the other's tone.
    adviser: f64,
    resident: f64,
    /// How the resident came to us, by our count.
    quality: StreamQuality,
    /// Whether either of them heard somebody else.
    has_third: bool,
    /// Of voice through the network, how much was lost.
    lost: f64,
}

fn clean(place: &Place) {
    let heard = conversation(place, Harm::NONE, "clean");
    assert!(heard.adviser > 0.98 && heard.resident > 0.98, "{} {}", heard.adviser, heard.resident);
    assert_eq!(heard.quality.lost, 0);
    assert!(heard.quality.mos_hundredths > 420, "{:?}", heard.quality);
}

fn bad(place: &Place) {
    let heard = conversation(place, Harm::BAD, "bad");
    // Their buffers conceal most of what was lost.
    assert!(heard.adviser > 0.85 && heard.resident > 0.85, "{} {}", heard.adviser, heard.resident);
    let StreamQuality { expected, lost, jitter_us, mos_hundredths } = heard.quality;
    let told = lost as f64 / expected as f64;
    assert!((told - heard.lost).abs() < 0.02, "{told} of {}", heard.lost);
    assert!((5_000..20_000).contains(&jitter_us), "{jitter_us}");
    assert!((300..410).contains(&mos_hundredths), "{mos_hundredths}");
}

/// What the adviser and the resident hear has been put in order, concealed and mixed by us.
fn supervised(place: &Place) {
    let at = place.plain(2);
    let fay = format!("[agent.fay]\nname = \"Fay Ford\"\ncontacts = [\"sip:fay@{at}\"]\n");
    let server = settings::start(place, UDP, Wishes { tables: &fay, ..Wishes::default() });
    let fay = fixed(place, UDP, at, "fay", ADVISER_HZ * 2);
    let joins = |server: &Server| {
        let path = format!("/api/v1/calls/{}/supervise", call_of(server, "dev"));
        let wanted = json!({ "mode": "listen", "agent": "fay" });
        settings::ask(server, "POST", &path, Some(&wanted));
        let joined = |event: &CallEvent| matches!(event, CallEvent::SupervisorJoined { .. });
        let there = wait_for(LONG, || server.calls().iter().any(joined).then_some(()));
        assert!(there.is_some(), "{}", server.story());
    };
    let heard = conversing(place, &server, Harm::BAD, "supervised", joins);
    assert!(heard.adviser > 0.9 && heard.resident > 0.85, "{} {}", heard.adviser, heard.resident);
    for hz in [RESIDENT_HZ, ADVISER_HZ] {
        let heard = wait_for(Duration::from_secs(5), || hears_part(&fay, hz).then_some(()));
        assert!(heard.is_some(), "the supervisor never heard {hz} Hz");
    }
    assert!(!heard.has_third, "somebody heard the supervisor");
    let fate =
        |fate: &str| server.metric(&format!("switchboard_rtp_ordered_total{{fate=\"{fate}\"}}"));
    let (received, lost, late) = (fate("received"), fate("lost"), fate("late"));
    assert!(received > 900.0 && lost > received * 0.01, "{received} received, {lost} lost");
    assert!(late < received * 0.03, "{late} of {received} came too late");
}

fn conversation(place: &Place, harm: Harm, name: &str) -> Heard {
    let server = settings::start(place, UDP, Wishes::default());
    conversing(place, &server, harm, name, |_| {})
}

/// `joins` is done once the two talk.
fn conversing(
    place: &Place,
    server: &Server,
    harm: Harm,
    name: &str,
    joins: impl FnOnce(&Server),
) -> Heard {
    let over = UDP;
    let adviser = adviser_who(place, server, over, place.plain(0), (PATIENT, ""), ADVISER_HZ);
    let (near, theirs) = (place.plain(1), place.sip(Host::Server));
    let network = BadNetwork::start(near.ip(), theirs, harm, 7);
    let resident = Softphone::start(
        place.folder(),
        &Setup {
            user: "01632960001",
            password: "none",
            server: network.sip,
            at: near,
            transport: "udp",
            config: PATIENT,
            account: "",
            registers: false,
            answers: false,
            tone_hz: RESIDENT_HZ,
        },
    );
    let pictures = std::env::var_os("PICTURES").map(PathBuf::from);
    if pictures.is_some() {
        resident.speaks(&["main/cannot-answer", "main/closed"]);
        adviser.speaks(&["main/welcome", "main/services"]);
    }
    resident.command("dial", NUMBER);
    server.until_agents("talking", 1);
    joins(server);
    let before = network.counts().0;
    let enough = wait_for(LONG, || (network.counts().0 > before + PACKETS).then_some(()));
    assert!(enough.is_some(), "{} packets of voice", network.counts().0 - before);
    resident.command("hangup", "");
    assert_ended(server, &[EndCause::StarCodeDone, EndCause::CallerHungUp]);
    let (came, lost) = network.counts();
    if let Some(folder) = &pictures {
        draw(&last(&adviser), &folder.join(format!("voice-adviser-{name}.png")), "adviser");
        draw(&last(&resident), &folder.join(format!("voice-resident-{name}.png")), "resident");
    }
    let quality = quality(server);
    if pictures.is_some() {
        println!("{name}: {lost} of {came} packets lost; {quality:?}");
    }
    Heard {
        adviser: if pictures.is_some() { 1.0 } else { share(&adviser, RESIDENT_HZ) },
        resident: if pictures.is_some() { 1.0 } else { share(&resident, ADVISER_HZ) },
        quality,
        has_third: [&adviser, &resident].iter().any(|phone| phone.heard_tone(ADVISER_HZ * 2)),
        lost: lost as f64 / came as f64,
    }
}

/// Whether a tone was among what a phone heard, in some fifth of a second.
fn hears_part(phone: &Softphone, hz: u32) -> bool {
    samples(&last(phone)).is_some_and(|(samples, rate)| {
        samples.chunks_exact((rate / 5) as usize).any(|piece| {
            tone::level(piece) > 500.0 && tone::share(piece, f64::from(hz), rate) > 0.3
        })
    })
}

fn last(phone: &Softphone) -> PathBuf {
    phone.recordings().pop().expect("a recording")
}

/// In how much of the time between the first and the last of a tone it was heard.
fn share(phone: &Softphone, hz: u32) -> f64 {
    let enough = wait_for(Duration::from_secs(5), || phone.heard_tone(hz).then_some(()));
    assert!(enough.is_some(), "{hz} Hz was never heard");
    let (samples, rate) = samples(&last(phone)).expect("a recording");
    let heard: Vec<bool> = samples
        .chunks_exact((rate / 50) as usize)
        .map(|frame| tone::level(frame) > 500.0 && tone::share(frame, f64::from(hz), rate) > 0.8)
        .collect();
    let first = heard.iter().position(|heard| *heard).unwrap_or(0);
    let end = heard.iter().rposition(|heard| *heard).map_or(0, |at| at + 1);
    let span = heard.get(first..end).unwrap_or_default();
    assert!(span.len() > 350, "seven seconds of it: {}", span.len());
    span.iter().filter(|heard| **heard).count() as f64 / span.len() as f64
}

/// How the resident's voice came to us.
fn quality(server: &Server) -> StreamQuality {
    let resident = server.calls().into_iter().find_map(|event| match event {
        CallEvent::Arrived { leg, by: None, .. } => Some(leg),
        _ => None,
    });
    let found = wait_for(LONG, || {
        server.calls().into_iter().find_map(|event| match event {
            CallEvent::LegClosed { leg, quality, .. } if Some(leg) == resident => quality.from_peer,
            _ => None,
        })
    });
    found.expect("a judgement of the resident's leg")
}

/// A picture of eight seconds of what was heard: frequencies upwards, time to the right.
fn draw(sound: &Path, picture: &Path, who: &str) {
    let title = format!("What the {who} heard");
    let words =
        ["trim", "1", "8", "spectrogram", "-x", "800", "-y", "257", "-z", "90", "-t", &title];
    let drawn =
        Command::new("sox").arg(sound).arg("-n").args(words).arg("-o").arg(picture).status();
    assert!(drawn.is_ok_and(|status| status.success()), "sox draws {}", picture.display());
}
