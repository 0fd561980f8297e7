//! Trunks as callers, advisers and carriers live them.

use std::net::SocketAddr;

use switchboard::event::{
    CallEvent, EndCause, Event, OutboundRefusal, RefusalReason, SystemEvent, Through,
};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;

use crate::town::*;

pub const ELSEWHERE: &str = "01632960123";
pub const CARRIER: u32 = 1_700;

fn part<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("settings")
}

/// A town whose callers come through a trunk, with these settings more.
pub fn with_trunks(trunks: &str, more: impl FnOnce(&mut Change)) -> Town {
    let trunks = part(trunks);
    town_with(|change| {
        change.settings.trunks = trunks;
        more(change);
    })
}

fn server(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 2, 0, last], 5060))
}

/// A carrier's server, which answers calls and is asked whether it lives.
pub fn carrier(town: &mut Town, last: u8, quirks: Quirks) -> PersonId {
    let habits = Habits { registers_s: 0, signs_in: None, ..picks_up_after(secs(2)) };
    town.adviser(&format!("carrier-{last}"), "none", habits, |phone| {
        phone.signalling = server(last);
        phone.rtp = SocketAddr::from(([10, 2, 0, last], 4000));
        phone.sound = Sound::Tone(CARRIER);
        phone.quirks = quirks;
    })
}

/// Amy dials from her desk.
fn amy_dials(town: &mut Town, number: &str, then: Vec<Step>) -> PersonId {
    let steps = vec![Step::Ring(number.to_owned())].then(then);
    town.caller("amy", |phone| phone.password = Some("amy's".to_owned()), steps)
}

fn talks() -> Vec<Step> {
    vec![Step::UntilAnswered { within: secs(20) }, hear(CARRIER), Step::Wait(secs(3)), Step::HangUp]
}

fn refused() -> Vec<Step> {
    vec![Step::UntilRefused { within: secs(60) }]
}

/// The status that a person was refused with.
fn refusal_of(town: &Town, id: PersonId) -> Option<u16> {
    town.person(id).diary().iter().find_map(|(_, moment)| match moment {
        switchboard::sim::diary::Moment::Phone(PhoneEvent::Refused { status, .. }) => Some(*status),
        _ => None,
    })
}

fn system(town: &Town) -> Vec<&SystemEvent> {
    town.journal()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::System { event } => Some(event),
            Event::Call { .. }
            | Event::Agent { .. }
            | Event::Message { .. }
            | Event::Callback { .. }
            | Event::Notification { .. } => None,
        })
        .collect()
}

fn arrivals(town: &Town) -> Vec<(Option<String>, Option<Through>)> {
    town.calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::Arrived { caller, through, .. } => {
                Some((caller.number.clone(), through.clone()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_call_from_the_trunks_address_is_its_own_and_its_numbers_lead_to_their_organisations() {
    let mut town = with_trunks(
        r#"
[carrier]
from = ["10.1.0.0/16"]
[carrier.numbers]
"01708 434343" = "main"
"01632 960100" = { flow = "main", organisation = "Riverside District Council" }
"#,
        |change| change.settings.sip.anonymous_calls = false,
    );
    for number in [NUMBER, "+441632960100"] {
        let steps = vec![Step::Ring(number.to_owned()), Step::UntilAnswered { within: secs(5) }];
        let resident = town.resident(steps.then([hear(WELCOME), Step::HangUp]));
        town.see_off(resident);
    }
    let stranger = town.resident(vec![Step::Ring("01632960999".to_owned())].then(refused()));
    town.see_off(stranger);
    let town = town.close();
    let through = |organisation: Option<&str>| {
        Some(Through {
            trunk: "carrier".into(),
            organisation: organisation.map(str::to_owned),
            diverted_from: None,
        })
    };
    let caller = Some("+441632960001".to_owned());
    assert_eq!(
        arrivals(&town),
        [(caller.clone(), through(None)), (caller, through(Some("Riverside District Council")))]
    );
    assert_eq!(refusal_of(&town, stranger), Some(404));
}

#[test]
fn an_adviser_sees_whose_number_was_dialled_if_it_is_not_the_usual_one() {
    let trunks = r#"
[carrier]
from = ["10.1.0.1", "10.1.0.2"]
[carrier.numbers]
"01632 960100" = { flow = "main", organisation = "Riverside District Council" }
"#;
    let mut town = with_trunks(trunks, |_| {});
    let amy = town.amy(Habits::default());
    for number in ["01632960100", NUMBER] {
        let steps = vec![Step::Ring(number.to_owned()), Step::UntilAnswered { within: secs(5) }];
        let steps =
            steps.then([hear(CHOICES), press("1"), hear_within(AMY, secs(20)), Step::HangUp]);
        let resident = town.resident(steps);
        town.see_off(resident);
        town.run_for(secs(60));
    }
    for display in ["Waste, Riverside District Council: 01632960001", "Waste: 01632960001"] {
        let (display, user) = (display.to_owned(), "01632960001".to_owned());
        let incoming = PhoneEvent::Incoming { display, user };
        assert_eq!(town.person(amy).diary().times(&incoming), 1, "{:#?}", town.person(amy).diary());
    }
    town.close();
}

#[test]
fn a_stranger_rings_our_numbers_unless_the_settings_say_no() {
    let trunks = "[carrier]\nfrom = [\"192.0.2.0/24\"]\n";
    let mut town = with_trunks(trunks, |_| {});
    let resident = town.resident(ring().then([hear(WELCOME), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(arrivals(&town.close()), [(Some("+441632960001".to_owned()), None)]);

    let mut town = with_trunks(trunks, |change| change.settings.sip.anonymous_calls = false);
    let resident = town.resident(vec![Step::Ring(NUMBER.to_owned())].then(refused()));
    town.see_off(resident);
    assert_eq!(refusal_of(&town, resident), Some(403));
    // An adviser's phone proves whose it is, wherever it is.
    town.amy(Habits::default());
    let town = town.close();
    assert!(system(&town).iter().any(|event| matches!(
        event,
        SystemEvent::Refused { reason: RefusalReason::UnknownSource, status: 403, .. }
    )));
}

#[test]
fn a_trunk_with_a_password_is_challenged_and_cannot_register() {
    let trunks = "[pbx]\ninbound = \"digest\"\nfrom = [\"10.1.0.0/16\"]\nusername = \"pbx\"\n\
                  password = \"secret\"\n";
    let mut town = with_trunks(trunks, |_| {});
    let good = town.caller(
        "pbx",
        |phone| phone.password = Some("secret".to_owned()),
        ring().then([hear(WELCOME), Step::HangUp]),
    );
    town.see_off(good);
    let wrong = town.caller(
        "pbx",
        |phone| phone.password = Some("guess".to_owned()),
        vec![Step::Ring(NUMBER.to_owned())].then(refused()),
    );
    town.see_off(wrong);
    town.adviser("pbx", "secret", Habits::default(), |_| {});
    town.run_for(secs(5));
    assert_eq!(town.engine().held().sip.bindings, 0);
    let town = town.close();
    let through = arrivals(&town)[0].1.clone().expect("a trunk");
    assert_eq!(through.trunk.as_str(), "pbx");
    assert_eq!(arrivals(&town).len(), 1);
}

#[test]
fn one_call_more_than_the_trunks_limit_gets_503() {
    let mut town = with_trunks("[carrier]\nfrom = [\"10.1.0.0/16\"]\ncalls = 1\n", |_| {});
    let first = town.resident(ring().then([hear(WELCOME), Step::Wait(secs(5)), Step::HangUp]));
    town.run_for(secs(2));
    let second = town.resident(vec![Step::Ring(NUMBER.to_owned())].then(refused()));
    town.see_off(second);
    assert_eq!(refusal_of(&town, second), Some(503));
    town.see_off(first);
    let third = town.resident(ring().then([hear(WELCOME), Step::HangUp]));
    town.see_off(third);
    let town = town.close();
    assert_eq!(town.causes().len(), 2);
    assert!(system(&town).iter().any(|event| matches!(
        event,
        SystemEvent::Refused { reason: RefusalReason::TrunkFull, status: 503, .. }
    )));
}

pub const TWO: &str =
    "[carrier]\nhosts = [\"10.2.0.1\", \"10.2.0.2\"]\nnumber = \"01632 960100\"\n";

#[test]
fn an_adviser_rings_somebody_outside_and_both_hear_each_other() {
    let mut town = with_trunks(TWO, |_| {});
    let there = carrier(&mut town, 1, Quirks::default());
    let amy = amy_dials(&mut town, ELSEWHERE, talks());
    town.see_off(amy);
    town.run_for(secs(1));
    assert!(!town.person(there).phone().is_busy());
    let town = town.close();
    assert!(
        town.count(|event| matches!(event, CallEvent::Dialled { .. })) == 1,
        "{}",
        town.story()
    );
    assert_eq!(town.engine().trunks(town.now())[0].calls, 0);
}

#[test]
fn a_call_goes_to_the_second_server_when_the_first_does_not_answer() {
    let mut town = with_trunks(TWO, |_| {});
    carrier(&mut town, 1, Quirks { unplugged: true, ..Quirks::default() });
    carrier(&mut town, 2, Quirks::default());
    // By now the first is known to be down.
    town.run_for(secs(30));
    let amy = amy_dials(&mut town, ELSEWHERE, talks());
    town.see_off(amy);
    let town = town.close();
    let down = |event: &&SystemEvent| matches!(event, SystemEvent::TrunkServer { server, up: false, .. } if server.contains("10.2.0.1"));
    assert_eq!(system(&town).into_iter().filter(down).count(), 1);
}

#[test]
fn what_the_toll_guard_does_not_allow_gets_403_and_is_written_down() {
    let mut town = with_trunks(TWO, |change| {
        let amy = change.settings.agents.get_mut("amy").expect("amy");
        amy.may_call = Some(part::<Rules>("may_call = [\"mobile\"]").may_call);
    });
    carrier(&mut town, 1, Quirks::default());
    for number in ["0033123456789", "09098790123", ELSEWHERE, "1410033123456789"] {
        let amy = amy_dials(&mut town, number, refused());
        town.see_off(amy);
        assert_eq!(refusal_of(&town, amy), Some(403), "{number}");
    }
    let amy = amy_dials(&mut town, "07700900123", talks());
    town.see_off(amy);
    let town = town.close();
    let refusals = system(&town).into_iter().filter(|event| {
        matches!(
            event,
            SystemEvent::OutboundRefused { who, reason: OutboundRefusal::NotAllowed, .. }
                if who == "agent amy"
        )
    });
    assert_eq!(refusals.count(), 4);
    assert_eq!(town.engine().outbound_refused().get(&OutboundRefusal::NotAllowed), Some(&4));
}

#[derive(serde::Deserialize)]
struct Rules {
    may_call: Vec<switchboard::trunk::guard::Rule>,
}

#[test]
fn somebody_who_is_nobodys_adviser_never_reaches_the_outside() {
    let mut town = with_trunks(TWO, |_| {});
    let there = carrier(&mut town, 1, Quirks::default());
    for number in [ELSEWHERE, "999"] {
        let stranger = town.resident(vec![Step::Ring(number.to_owned())].then(refused()));
        town.see_off(stranger);
        assert_eq!(refusal_of(&town, stranger), Some(404), "{number}");
    }
    let guess = town.caller(
        "amy",
        |phone| phone.password = Some("guess".to_owned()),
        vec![Step::Ring(ELSEWHERE.to_owned())].then(refused()),
    );
    town.see_off(guess);
    assert_eq!(refusal_of(&town, guess), Some(403));
    assert!(!town.person(there).phone().is_busy());
    assert_eq!(town.close().arrivals(), 0);
}

#[test]
fn an_emergency_is_never_refused_whatever_is_full_or_forbidden() {
    let trunks = "[carrier]\nhosts = [\"10.2.0.1\"]\ncalls = 1\nfrom = [\"10.1.0.0/16\"]\n";
    let mut town = with_trunks(trunks, |change| {
        change.settings.limits.calls = 1;
        change.settings.limits.calls_per_second = 1;
        change.settings.outbound.calls_at_once = 0;
        change.settings.outbound.calls_per_hour = 0;
        let amy = change.settings.agents.get_mut("amy").expect("amy");
        amy.may_call = Some(Vec::new());
    });
    carrier(&mut town, 1, Quirks::default());
    // The only line is taken, and so is every call of this second.
    let resident = town.resident(ring().then([hear(WELCOME), Step::Wait(secs(12)), Step::HangUp]));
    town.run_for(secs(1));
    let amy = amy_dials(&mut town, "999", talks());
    town.see_off(amy);
    let other = amy_dials(&mut town, "101", refused());
    town.see_off(other);
    town.see_off(resident);
    town.input(switchboard::engine::io::Input::Drain);
    let amy = amy_dials(&mut town, "112", talks());
    town.see_off(amy);
    let town = town.close();
    assert_eq!(town.count(|event| matches!(event, CallEvent::Dialled { .. })), 2);
    assert!(!town.causes().contains(&EndCause::Limit));
}

#[test]
fn a_server_from_which_nothing_comes_is_not_waited_for_while_there_is_another() {
    // Nobody has asked the first whether it lives: the call finds out.
    let mut town = with_trunks(&format!("{TWO}options_s = 0\n"), |_| {});
    carrier(&mut town, 1, Quirks { unplugged: true, ..Quirks::default() });
    carrier(&mut town, 2, Quirks::default());
    let begun = town.now();
    let amy = amy_dials(&mut town, ELSEWHERE, talks());
    town.see_off(amy);
    let answered = town.person(amy).diary().when_phone(&PhoneEvent::Answered).expect("answered");
    assert!((secs(6)..secs(9)).contains(&answered.since(begun)), "{:?}", answered.since(begun));
    // And the next call does not try it first.
    let begun = town.now();
    let amy = amy_dials(&mut town, ELSEWHERE, talks());
    town.see_off(amy);
    let answered = town.person(amy).diary().when_phone(&PhoneEvent::Answered).expect("answered");
    assert!(answered.since(begun) < secs(4), "{:?}", answered.since(begun));
    town.close();
}

#[test]
fn what_the_called_person_says_is_not_asked_again_elsewhere() {
    let mut town = with_trunks(TWO, |_| {});
    let habits =
        Habits { registers_s: 0, signs_in: None, rejects_first: 9, ..picks_up_after(secs(1)) };
    town.adviser("carrier-1", "none", habits, |phone| {
        phone.signalling = server(1);
        phone.rtp = SocketAddr::from(([10, 2, 0, 1], 4000));
    });
    let other = carrier(&mut town, 2, Quirks::default());
    let amy = amy_dials(&mut town, ELSEWHERE, refused());
    town.see_off(amy);
    assert_eq!(refusal_of(&town, amy), Some(486));
    let rang = town.person(other).diary().iter().filter(|(_, moment)| {
        matches!(moment, switchboard::sim::diary::Moment::Phone(PhoneEvent::Incoming { .. }))
    });
    assert_eq!(rang.count(), 0);
    town.close();
}

#[test]
fn a_trunk_that_must_encrypt_and_does_not_is_refused() {
    let trunks = "[carrier]\nfrom = [\"10.1.0.0/16\"]\nsrtp = \"required\"\n";
    let mut town = with_trunks(trunks, |_| {});
    let resident = town.resident(vec![Step::Ring(NUMBER.to_owned())].then(refused()));
    town.see_off(resident);
    assert_eq!(refusal_of(&town, resident), Some(488));
    assert_eq!(town.close().arrivals(), 0);
}
