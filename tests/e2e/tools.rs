//! The tools of these tests, proved on each other first: the simulated phones speak a SIP that
//! others understand, and what is believed of SIPp and baresip holds.

use std::time::Duration;

use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneEvent;
use switchboard::sim::tone::Sound;

use crate::clock::wait_for;
use crate::pcap::{Capture, has_tone};
use crate::sipp::{Act, Sipp};
use crate::softphone::{Setup, Softphone};
use crate::street::Street;

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The simulated phones speak a SIP that others understand: otherwise nothing that they prove
/// about the server would count.
#[test]
fn a_simulated_phone_and_baresip_hear_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let softphone = Softphone::start(
        folder.path(),
        &Setup {
            user: "amy",
            password: "secret",
            server: ([127, 0, 0, 1], 9).into(),
            at: Setup::any_address(),
            transport: "udp",
            config: "",
            account: "",
            registers: false,
            answers: true,
            tone_hz: 620,
        },
    );
    let mut street = Street::new();
    let caller = street.caller(
        "01632960001",
        softphone.signalling,
        |phone| phone.sound = Sound::Tone(440),
        vec![
            Step::Ring("amy".to_owned()),
            Step::UntilAnswered { within: TEN_SECONDS },
            Step::UntilHears {
                what: Expect::Tone(620),
                within: TEN_SECONDS,
                otherwise: Otherwise::Fail,
            },
            Step::Wait(Duration::from_secs(2)),
            Step::HangUp,
        ],
    );
    let done = street.live(Duration::from_secs(30), |street| street.is_done(caller));
    assert!(done && !street.has_failed(caller), "{:#?}", street.diary(caller));
    let heard = wait_for(TEN_SECONDS, || softphone.heard_tone(440).then_some(()));
    assert!(heard.is_some(), "baresip heard {:?}\n{}", softphone.heard(1.0), softphone.words());
}

/// What is believed of SIPp holds: its keys and tones arrive, and what is sent to it is captured.
#[test]
fn a_simulated_adviser_hears_the_keys_and_the_tone_of_sipp() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut street = Street::new();
    let habits = Habits { registers_s: 0, ..Habits::default() };
    let adviser = street.adviser("amy", |phone| phone.sound = Sound::Tone(620), habits);
    let acts = [
        Act::Wait(Duration::from_secs(1)),
        Act::Press("15#"),
        Act::Tone(440, 4),
        Act::Wait(Duration::from_secs(4)),
        Act::HangUp,
    ];
    let server = street.phone(adviser).settings().signalling;
    let mut sipp = Sipp::call(folder.path(), server, "01632960002", "amy", &acts);
    let capture = Capture::start(sipp.voice);
    let mut heard = false;
    let ended = street.live(Duration::from_secs(30), |street| {
        let ear = street.phone(adviser).voice().ear();
        heard |= ear.hears(street.now(), &Expect::Tone(440));
        street.diary(adviser).when_phone(&PhoneEvent::Ended { by_peer: true }).is_some()
    });
    assert!(ended, "{:#?}", street.diary(adviser));
    sipp.succeed(TEN_SECONDS);
    let phone = street.phone(adviser);
    let keys: String = phone.voice().heard_keys().iter().map(|key| key.as_char()).collect();
    assert!(heard, "heard {:?} of {:?}", phone.voice().counters(), phone.voice().stream());
    assert_eq!(keys, "15#", "{:?}", phone.voice().counters());
    assert!(has_tone(&capture.finish(), 620));
}
