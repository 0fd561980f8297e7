//! Phones that prove themselves with SHA-256 (RFC 8760), which no other program here can: the
//! simulated phones, with SIP by rsip and a digest of their own, on real sockets.

use std::time::Duration;

use switchboard::event::{AgentEvent, CallEvent, EndCause, Event};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneEvent;
use switchboard::sim::phone::digest::Algorithm;
use switchboard::sim::tone::Sound;

use crate::calls::LONG;
use crate::peers::server::password_of;
use crate::peers::street::Street;
use crate::place::{Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};

const DEV_HZ: u32 = 620;
const RESIDENT_HZ: u32 = 440;

pub fn scenarios(all: &mut Vec<Scenario>) {
    for (feature, algorithm) in [
        (
            "REGISTER, star code and call with SHA-256 digest: they hear each other",
            Algorithm::Sha256,
        ),
        ("REGISTER, star code and call with MD5 where SHA-256 is offered first", Algorithm::Md5),
    ] {
        all.push(Scenario::new("simulated phone", Transport::Udp, feature, move |place| {
            proves(place, algorithm);
        }));
    }
}

/// Dev's phone knows this algorithm and no other.
fn proves(place: &Place, algorithm: Algorithm) {
    let wishes = Wishes { sha256: true, ..Wishes::default() };
    let server = settings::start(place, Transport::Udp, wishes);
    let mut street = Street::new();
    let habits = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    let phone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.server = server.sip;
        phone.password = Some(password_of("dev"));
        phone.algorithms = vec![algorithm];
        phone.sound = Sound::Tone(DEV_HZ);
    };
    let dev = street.adviser("dev", phone, habits);
    let ready = street.live(LONG, |_| server.live()["agents"]["ready"] == 1);
    assert!(ready, "{:#?}\n{}", street.diary(dev), server.story());

    let tone = Expect::Tone(DEV_HZ);
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: Duration::from_secs(5) },
        Step::UntilHears {
            what: tone,
            within: Duration::from_secs(20),
            otherwise: Otherwise::Fail,
        },
        Step::Wait(Duration::from_secs(1)),
        Step::HangUp,
    ];
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(RESIDENT_HZ);
    };
    let resident = street.caller("01632960001", server.sip, tone, steps);
    let mut heard = false;
    let done = street.live(LONG, |street| {
        let ear = street.phone(dev).voice().ear();
        heard |= ear.hears(street.now(), &Expect::Tone(RESIDENT_HZ));
        let over = street.diary(dev).when_phone(&PhoneEvent::Ended { by_peer: true }).is_some();
        street.is_done(resident) && over
    });
    let failed = street.has_failed(resident);
    assert!(done && heard && !failed, "{:#?}\n{}", street.diary(resident), server.story());
    assert_ended(&server, &[EndCause::StarCodeDone, EndCause::CallerHungUp]);
    let registered =
        |event: &Event| matches!(event, Event::Agent { event: AgentEvent::Registered { .. }, .. });
    let journal = server.journal();
    assert_eq!(journal.iter().filter(|event| registered(event)).count(), 1);
    let proved = |event: &CallEvent| matches!(event, CallEvent::Arrived { by: Some(agent), .. } if agent.as_str() == "dev");
    assert_eq!(server.calls().iter().filter(|event| proved(event)).count(), 1);
}
