//! Advisers who sit down at shared phones, and those who have several.

use std::net::SocketAddr;

use switchboard::acd::command::AgentChoice;
use switchboard::config::settings::{AgentSettings, PhoneSettings, Settings};
use switchboard::event::{AgentEvent, AgentState, CallEvent, Event, RefusalReason, SystemEvent};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::diary::Moment;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;
use switchboard::time::Time;

use crate::town::*;
use crate::trunks::{CARRIER, TWO, carrier, with_trunks};

const WHO: u32 = 1_450;
const PIN: u32 = 1_550;
const WRONG: u32 = 1_650;
const DESK: u32 = 1_750;

fn desks(settings: &mut Settings) {
    let phone = |password: &str| PhoneSettings {
        password: Some(password.into()),
        ..PhoneSettings::default()
    };
    settings.phones =
        [("desk-12".into(), phone("desk's")), ("desk-14".into(), phone("other's"))].into();
    for (agent, pin) in [("amy", "4711"), ("ben", "2580")] {
        settings.agents.get_mut(agent).expect("an agent").pin = Some(pin.into());
    }
}

fn with_desks() -> Town {
    town_with(|town| {
        desks(&mut town.settings);
        town.sounds =
            vec![("agent/extension", WHO), ("agent/pin", PIN), ("agent/not-recognised", WRONG)];
    })
}

/// A phone that is nobody's.
fn phone(town: &mut Town, name: &str, password: &str) -> PersonId {
    let phone = town.adviser(name, password, Habits::default(), |phone| {
        phone.sound = Sound::Tone(DESK);
    });
    town.run_for(secs(2));
    assert_eq!(town.noticed(phone, &PhoneEvent::Registered), 1);
    phone
}

fn presses(town: &mut Town, phone: PersonId, keys: &str) {
    town.adviser_mut(phone, |phone, _| phone.phone_mut().press(keys));
}

/// Somebody keys in who they are, as they are asked.
fn says(town: &mut Town, phone: PersonId, extension: &str, pin: &str) {
    assert!(town.hears(phone, WHO), "{}", town.story());
    presses(town, phone, &format!("{extension}#"));
    assert!(town.hears(phone, PIN), "{}", town.story());
    presses(town, phone, &format!("{pin}#"));
}

fn sits_down(town: &mut Town, phone: PersonId, extension: &str, pin: &str) {
    town.dials(phone, "*75");
    says(town, phone, extension, pin);
    assert!(town.hears(phone, SIGNED_IN), "{}", town.story());
    town.run_for(secs(5));
}

/// The same where prompts are not told apart.
fn sits_down_unheard(town: &mut Town, phone: PersonId, extension: &str, pin: &str) {
    town.dials(phone, &format!("*75{extension}"));
    town.run_for(secs(3));
    presses(town, phone, &format!("{pin}#"));
    town.run_for(secs(5));
}

fn desk_of(town: &Town, agent: &str) -> Option<String> {
    let live = town.live().agent_list;
    let one = live.into_iter().find(|one| one.agent.as_str() == agent)?;
    one.desk.map(|phone| phone.to_string())
}

fn wrong_pins(town: &Town) -> Vec<bool> {
    let wrong = town.journal().iter().filter_map(|entry| match &entry.event {
        Event::Agent { event: AgentEvent::WrongPin { locked, .. }, .. } => Some(*locked),
        _ => None,
    });
    wrong.collect()
}

#[test]
fn an_adviser_sits_down_at_a_shared_phone_answers_there_and_leaves_it() {
    let mut town = with_desks();
    let desk = phone(&mut town, "desk-12", "desk's");
    assert_eq!(town.live().agent_list.len(), 2, "a phone is no adviser");
    town.dials(desk, "202");
    assert_eq!(town.refusal(desk), Some(403), "nobody sits there");

    sits_down(&mut town, desk, "201", "4711");
    assert_eq!(town.agent("amy"), AgentState::Ready, "{}", town.story());
    assert_eq!(desk_of(&town, "amy").as_deref(), Some("desk-12"));
    let steps = into_the_queue().then([hear(DESK), Step::Wait(secs(2)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    town.run_for(secs(15));

    // What is dialled there is hers.
    let ben = town.ben(Habits::default());
    town.dials(desk, "202");
    assert!(town.hears(ben, DESK) && town.agent("amy") == AgentState::Talking);
    let shown = town.person(ben).diary().iter().rev().find_map(|(_, moment)| match moment {
        Moment::Phone(PhoneEvent::Incoming { user, .. }) => Some(user.clone()),
        _ => None,
    });
    assert_eq!(shown.as_deref(), Some("201"));
    town.hangs_up(desk);
    town.run_for(secs(2));

    // Over a restart too.
    town.restart();
    town.run_for(secs(2));
    assert_eq!(desk_of(&town, "amy").as_deref(), Some("desk-12"), "{}", town.story());
    assert_eq!(town.agent("amy"), AgentState::Ready);

    town.dials(desk, "*71");
    town.run_for(secs(5));
    assert_eq!((town.agent("amy"), desk_of(&town, "amy")), (AgentState::SignedOut, None));
    town.hangs_up(desk);
    town.dials(desk, "202");
    town.run_for(secs(3));
    let refused = PhoneEvent::Refused { status: 403, retry_after_s: None };
    assert_eq!(town.noticed(desk, &refused), 2, "nobody sits there any more");
    // For help anybody may ring: there is only no trunk here.
    town.dials(desk, "999");
    town.run_for(secs(3));
    let no_way = PhoneEvent::Refused { status: 404, retry_after_s: None };
    assert_eq!(town.noticed(desk, &no_way), 1, "{}", town.story());
    assert!(!town.story().contains("4711"), "no log has a PIN");
    town.close();
}

#[test]
fn whoever_sits_down_takes_the_place_of_whoever_sat_there_and_leaves_the_other_phone() {
    let mut town = with_desks();
    let desk = phone(&mut town, "desk-12", "desk's");
    let other = phone(&mut town, "desk-14", "other's");
    sits_down(&mut town, desk, "201", "4711");
    // The extension may follow the code at once.
    town.dials(desk, "*75202");
    assert!(town.hears(desk, PIN));
    presses(&mut town, desk, "99*2580#");
    assert!(town.hears(desk, SIGNED_IN), "a star begins anew\n{}", town.story());
    town.run_for(secs(5));
    assert_eq!((town.agent("amy"), desk_of(&town, "amy")), (AgentState::SignedOut, None));
    assert_eq!(desk_of(&town, "ben").as_deref(), Some("desk-12"));
    sits_down(&mut town, other, "202", "2580");
    assert_eq!(desk_of(&town, "ben").as_deref(), Some("desk-14"));
    assert_eq!(town.agent("ben"), AgentState::Ready);
    town.dials(desk, "201");
    assert_eq!(town.refusal(desk), Some(403));

    // The phone is taken out of the settings: nobody sits there.
    town.reload(|settings| {
        desks(settings);
        settings.phones.remove("desk-14");
    });
    town.run_for(secs(1));
    assert_eq!((town.agent("ben"), desk_of(&town, "ben")), (AgentState::Unreachable, None));
    town.close();
}

#[test]
fn a_wrong_pin_is_told_and_after_too_many_even_the_right_one_waits() {
    let mut town = with_desks();
    let desk = phone(&mut town, "desk-12", "desk's");
    town.dials(desk, "*75");
    for (extension, pin) in [("201", "0000"), ("999", "4711"), ("201", "1111")] {
        says(&mut town, desk, extension, pin);
        assert!(town.hears(desk, WRONG), "{}", town.story());
    }
    town.run_for(secs(4));
    assert_eq!(town.noticed(desk, &PhoneEvent::Ended { by_peer: true }), 1, "three are enough");
    assert_eq!(wrong_pins(&town), [false, false], "nobody has 999");
    assert_eq!(town.agent("amy"), AgentState::SignedOut);
    town.dials(desk, "*75");
    for pin in ["2222", "3333", "4444"] {
        says(&mut town, desk, "201", pin);
        assert!(town.hears(desk, WRONG), "{}", town.story());
    }
    town.run_for(secs(4));
    assert_eq!(wrong_pins(&town), [false, false, false, false, true]);
    town.dials(desk, "*75");
    says(&mut town, desk, "201", "4711");
    assert!(town.hears(desk, WRONG), "the right one\n{}", town.story());
    town.hangs_up(desk);
    town.run_for(secs(2));
    // Another is not kept out by it.
    sits_down(&mut town, desk, "202", "2580");
    // To be right too early keeps nobody out for longer.
    town.run_for(secs(450));
    town.dials(desk, "*75");
    says(&mut town, desk, "201", "4711");
    assert!(town.hears(desk, WRONG), "{}", town.story());
    town.hangs_up(desk);
    town.run_for(secs(450));
    sits_down(&mut town, desk, "201", "4711");
    assert_eq!(town.agent("amy"), AgentState::Ready);
    assert_eq!(town.live().wrong_pins, 7);
    town.close();
}

#[test]
fn for_help_anybody_rings_from_a_shared_phone_and_it_is_no_advisers_call() {
    let mut town = with_trunks(TWO, |town| desks(&mut town.settings));
    let there = carrier(&mut town, 1, Quirks::default());
    let desk = phone(&mut town, "desk-12", "desk's");
    town.dials(desk, "999");
    assert!(town.hears(desk, CARRIER) && town.hears(there, DESK), "{}", town.story());
    town.hangs_up(desk);
    town.run_for(secs(2));
    // And whoever has no phone of their own has this one.
    town.reload(|settings| {
        settings.trunks = Default::default();
        desks(settings);
        let amy = settings.agents.get_mut("amy").expect("amy");
        (amy.password, amy.contacts) = (None, Vec::new());
    });
    sits_down_unheard(&mut town, desk, "201", "4711");
    assert_eq!(town.agent("amy"), AgentState::Ready, "{}", town.story());
    town.close();
}

#[test]
fn nobody_sits_down_at_a_phone_that_is_somebodys() {
    let mut town = with_desks();
    let amy = town.amy(Habits::default());
    town.dials(amy, "*75202");
    assert_eq!(town.refusal(amy), Some(403));
    town.close();
}

/// When a phone began to ring.
fn rang_at(town: &Town, phone: PersonId) -> Option<Time> {
    town.person(phone).diary().iter().find_map(|(at, moment)| match moment {
        Moment::Phone(PhoneEvent::Incoming { .. }) => Some(*at),
        _ => None,
    })
}

#[test]
fn the_next_phone_rings_as_well_when_the_first_is_not_picked_up() {
    let mut town = town_with(|town| {
        let amy = town.settings.agents.get_mut("amy").expect("amy");
        amy.next_phone_s = Some(6);
    });
    let first = town.amy(picks_up_after(secs(100)));
    let second = town.adviser("amy", "amy's", picks_up_after(secs(1)), |phone| {
        phone.sound = Sound::Tone(DESK);
    });
    town.run_for(secs(2));
    let steps = into_the_queue().then([hear(DESK), Step::Wait(secs(2)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let (first, second) = (rang_at(&town, first), rang_at(&town, second));
    let apart = second.expect("the second rang").since(first.expect("the first rang"));
    assert!((millis(5_900)..millis(6_200)).contains(&apart), "{apart:?}\n{}", town.story());
    assert_eq!(town.count(|event| matches!(event, CallEvent::Joined { .. })), 1);

    town.close();
}

#[test]
fn fixed_phones_ring_in_the_order_in_which_they_are_listed() {
    let at = |last: u8| SocketAddr::from(([10, 2, 0, last], 5060));
    let mut town = town_with(|town| {
        let dev = AgentSettings {
            name: "Dev".to_owned(),
            skills: vec!["waste".into()],
            contacts: [9, 8].map(|last| format!("sip:dev@{}", at(last))).into(),
            next_phone_s: Some(4),
            ..AgentSettings::default()
        };
        town.settings.agents.insert("dev".into(), dev);
    });
    let mut fixed = |last: u8, picks_up: u64| {
        let habits = Habits { registers_s: 0, ..picks_up_after(secs(picks_up)) };
        town.adviser("dev", "none", habits, |phone| {
            phone.signalling = at(last);
            phone.rtp = SocketAddr::from(([10, 2, 0, last], 4000));
            phone.sound = Sound::Tone(DESK);
        })
    };
    let (second, first) = (fixed(8, 2), fixed(9, 100));
    for choice in [AgentChoice::SignIn, AgentChoice::Ready] {
        town.choose("dev", choice);
    }
    let steps = into_the_queue().then([hear(DESK), Step::Wait(secs(2)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let (first, second) = (rang_at(&town, first), rang_at(&town, second));
    let apart = second.expect("the second rang").since(first.expect("the first rang"));
    assert!((millis(3_900)..millis(4_200)).contains(&apart), "{apart:?}\n{}", town.story());
    town.close();
}

#[test]
fn a_busy_phone_hands_on_to_the_next_at_once() {
    let mut town = town_with(|town| {
        let amy = town.settings.agents.get_mut("amy").expect("amy");
        amy.next_phone_s = Some(15);
    });
    let rejects = Habits { rejects_first: 9, ..Habits::default() };
    let first = town.amy(rejects);
    let second = town.adviser("amy", "amy's", picks_up_after(secs(1)), |phone| {
        phone.sound = Sound::Tone(DESK);
    });
    let ben = town.ben(Habits::default());
    town.dials(ben, "201");
    assert!(town.hears(ben, DESK), "{}", town.story());
    let (first, second) = (rang_at(&town, first), rang_at(&town, second));
    let apart = second.expect("the second rang").since(first.expect("the first rang"));
    assert!(apart < millis(500), "{apart:?}");
    town.hangs_up(ben);
    town.close();
}

#[test]
fn an_adviser_on_as_many_calls_as_they_may_be_on_makes_no_more() {
    let mut town = town_with(|town| {
        town.settings.agents.get_mut("amy").expect("amy").max_calls = Some(1);
    });
    let amy = town.amy(Habits::default());
    let ben = town.ben(Habits::default());
    town.dials(amy, "202");
    assert!(town.hears(ben, AMY));
    town.consults(amy, "council");
    assert_eq!(town.refusal(amy), Some(486), "{}", town.story());
    let full = |entry: &switchboard::event::Entry| {
        let reason = RefusalReason::AgentFull;
        matches!(&entry.event, Event::System { event: SystemEvent::Refused { reason: why, .. } }
            if *why == reason)
    };
    assert_eq!(town.journal().iter().filter(|entry| full(entry)).count(), 1);
    // Help is never refused; there is only no trunk here.
    town.dials(amy, "999");
    town.run_for(secs(3));
    let no_way = PhoneEvent::Refused { status: 404, retry_after_s: None };
    assert_eq!(town.noticed(amy, &no_way), 1, "{}", town.story());
    town.hangs_up(ben);
    town.run_for(secs(2));
    town.dials(amy, "202");
    assert!(town.hears(ben, AMY), "{}", town.story());
    town.hangs_up(ben);
    town.close();
}
