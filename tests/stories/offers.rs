//! To whom a caller is offered, and what becomes of an offer that nobody takes.

use std::time::Duration;

use switchboard::acd::command::AgentChoice;
use switchboard::engine::io::Request;
use switchboard::event::{AgentState, CallEvent, EndCause, OfferOutcome, StateReason};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::tone::Sound;

use crate::town::*;

fn outcomes(town: &Town) -> Vec<(String, OfferOutcome)> {
    town.calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::OfferEnded { agent, outcome, .. } => Some((agent.to_string(), *outcome)),
            _ => None,
        })
        .collect()
}

fn ring_for(seconds: u32) -> impl FnOnce(&mut Change) {
    move |change| {
        for queue in change.settings.queues.values_mut() {
            queue.ring_s = seconds;
        }
    }
}

#[test]
fn a_phone_that_is_not_picked_up_gives_the_caller_to_the_next_adviser() {
    let mut town = town_with(ring_for(8));
    town.amy(Habits { ignores_first: 1, ..Habits::default() });
    town.run_for(secs(1));
    town.ben(Habits::default());
    let steps = into_the_queue().then([hear_within(BEN, secs(30)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let town = town.close();
    let expected =
        [("amy".to_owned(), OfferOutcome::NoAnswer), ("ben".to_owned(), OfferOutcome::Accepted)];
    assert_eq!(outcomes(&town), expected, "{}", town.story());
    assert_eq!(town.agent("amy"), AgentState::NotReady);
    assert_eq!(town.last_reason("amy"), Some(StateReason::Rona));
    assert_eq!(town.today().answered, 1);
}

#[test]
fn whoever_was_not_answered_keeps_the_place_before_those_who_came_later() {
    let mut town = town_with(ring_for(8));
    town.amy(Habits { ignores_first: 1, ..Habits::default() });
    let first = town.resident(into_the_queue().then([hear_within(BEN, secs(60)), Step::HangUp]));
    town.run_for(secs(6));
    let steps = into_the_queue().then([hear_within(BEN, secs(60)), Step::HangUp]);
    let second = town.caller("07700900002", |_| {}, steps);
    // Amy's phone rings for the first; the second waits behind. Ben comes after Amy has missed it.
    assert!(town.run_until(secs(30), |world| {
        let live = world.live();
        live.agent_list
            .iter()
            .any(|one| one.agent.as_str() == "amy" && one.state == AgentState::NotReady)
    }));
    let habits = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    town.adviser("ben", "ben's", habits, |phone| phone.sound = Sound::Tone(BEN));
    town.see_off(first);
    town.see_off(second);
    let town = town.close();
    let joined: Vec<_> = town
        .calls()
        .into_iter()
        .filter_map(|(call, event)| matches!(event, CallEvent::Joined { .. }).then_some(call))
        .collect();
    let arrived: Vec<_> = town
        .calls()
        .into_iter()
        .filter_map(|(call, event)| {
            matches!(event, CallEvent::Arrived { flow: Some(_), .. }).then_some(call)
        })
        .collect();
    assert_eq!(joined, arrived, "{}", town.story());
    let waits = town.waits_us();
    assert!(waits[0] > 8_000_000, "the wait before the missed offer counts: {waits:?}");
}

#[test]
fn an_adviser_who_missed_a_call_is_ready_again_by_a_star_code() {
    let mut town = town_with(ring_for(8));
    let amy = town.amy(Habits {
        ignores_first: 1,
        recovers: Some((secs(5), "*72".to_owned())),
        ..Habits::default()
    });
    let resident = town.resident(into_the_queue().then([hear_within(AMY, secs(60)), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.today().answered, 1);
    let town = town.close();
    assert_eq!(outcomes(&town).len(), 2);
    assert_eq!(town.person(amy).diary().times(&PhoneEvent::Cancelled), 1);
}

#[test]
fn an_adviser_who_refuses_is_passed_over() {
    let mut town = town();
    town.amy(Habits { rejects_first: 1, ..Habits::default() });
    town.run_for(secs(1));
    town.ben(Habits::default());
    let resident = town.resident(into_the_queue().then([hear(BEN), Step::HangUp]));
    town.see_off(resident);
    let town = town.close();
    let expected =
        [("amy".to_owned(), OfferOutcome::Rejected), ("ben".to_owned(), OfferOutcome::Accepted)];
    assert_eq!(outcomes(&town), expected);
    assert_eq!(town.last_reason("amy"), Some(StateReason::Refused));
}

#[test]
fn a_phone_that_is_gone_gives_the_caller_to_the_next_adviser() {
    let mut town = town_with(ring_for(10));
    let amy = town.amy(Habits::default());
    town.run_for(secs(1));
    town.ben(Habits::default());
    let gone = Quirks { unplugged: true, ..Quirks::default() };
    town.adviser_mut(amy, |amy, _| amy.phone_mut().set_quirks(gone));
    let steps = into_the_queue().then([hear_within(BEN, secs(60)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let town = town.close();
    let first = outcomes(&town)[0].clone();
    assert_eq!(first.0, "amy");
    assert!(matches!(first.1, OfferOutcome::Unreachable | OfferOutcome::NoAnswer), "{first:?}");
    assert_eq!(town.today().answered, 1);
}

#[test]
fn all_phones_of_an_adviser_ring_and_those_that_lose_are_cancelled() {
    let mut town = town();
    let desk = town.amy(picks_up_after(secs(9)));
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(AMY + 50);
    };
    let mobile = town.adviser("amy", "amy's", picks_up_after(secs(3)), tone);
    town.run_for(secs(2));
    let resident = town.resident(into_the_queue().then([hear(AMY + 50), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.person(desk).diary().times(&PhoneEvent::Cancelled), 1);
    assert_eq!(town.person(mobile).diary().times(&PhoneEvent::Established), 1);
    let town = town.close();
    assert_eq!(outcomes(&town), [("amy".to_owned(), OfferOutcome::Accepted)]);
    let legs = town.calls().into_iter().find_map(|(_, event)| match event {
        CallEvent::Offered { legs, .. } => Some(legs.len()),
        _ => None,
    });
    assert_eq!(legs, Some(2));
}

#[test]
fn two_phones_of_an_adviser_picked_up_at_the_same_moment_leave_one_conversation() {
    for us in [0, 500, 1_000, 1_500, 2_000, 2_500] {
        let mut town = town();
        let desk = town.amy(picks_up_after(secs(3)));
        let habits = picks_up_after(secs(3) + Duration::from_micros(us));
        let mobile = town.adviser("amy", "amy's", habits, |phone| phone.sound = Sound::Tone(AMY));
        town.run_for(secs(2));
        let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(5)), Step::HangUp]);
        let resident = town.resident(steps);
        town.run_for(secs(7));
        let busy = [desk, mobile].iter().filter(|id| town.person(**id).phone().is_busy()).count();
        assert_eq!(busy, 1, "{us}\n{}", town.story());
        town.see_off(resident);
        let town = town.close();
        assert_eq!(town.today().answered, 1);
        assert_eq!(outcomes(&town), [("amy".to_owned(), OfferOutcome::Accepted)]);
    }
}

#[test]
fn one_phone_that_refuses_does_not_silence_the_other() {
    let mut town = town();
    town.amy(Habits { rejects_first: 1, ..Habits::default() });
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(AMY + 50);
    };
    town.adviser("amy", "amy's", picks_up_after(secs(3)), tone);
    town.run_for(secs(2));
    let resident = town.resident(into_the_queue().then([hear(AMY + 50), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.close().today().answered, 1);
}

#[test]
fn the_adviser_who_has_been_idle_longest_is_rung_first() {
    let mut town = town();
    town.ben(Habits::default());
    town.run_for(secs(30));
    town.amy(Habits::default());
    let resident =
        town.resident(into_the_queue().then([hear(BEN), Step::Wait(secs(2)), Step::HangUp]));
    town.see_off(resident);
    // Ben has just worked: now it is Amy's turn.
    town.run_for(secs(15));
    let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
    let second = town.caller("07700900002", |_| {}, steps);
    town.see_off(second);
    town.close();
}

#[test]
fn only_an_adviser_with_the_skill_is_offered_the_caller() {
    let mut town = town();
    town.amy(Habits::default());
    town.run_for(secs(5));
    town.ben(Habits::default());
    let steps = ring().then([hear(CHOICES), press("2"), hear(BEN), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    town.close();
}

#[test]
fn an_adviser_whose_phone_dies_in_the_conversation_ends_it_as_silent() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::UntilEnded { within: secs(120) }]);
    let resident = town.resident(steps);
    assert!(town.run_until(secs(60), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Talking)
    }));
    town.run_for(secs(2));
    let gone = Quirks { unplugged: true, ..Quirks::default() };
    town.adviser_mut(amy, |amy, _| amy.phone_mut().set_quirks(gone));
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::AgentSilent]);
}

#[test]
fn a_phone_at_a_fixed_address_that_did_not_answer_is_tried_again_after_a_minute() {
    let mut town = town_with(|change| {
        let dev = switchboard::config::settings::AgentSettings {
            name: "Dev".to_owned(),
            skills: vec!["waste".into()],
            contacts: vec!["sip:dev@10.9.9.9:5060".to_owned()],
            ..Default::default()
        };
        change.settings.agents.insert("dev".into(), dev);
        ring_for(10)(change);
    });
    for choice in [AgentChoice::SignIn, AgentChoice::Ready] {
        town.ask("Duty supervisor", false, Request::Agent { agent: "dev".into(), choice });
    }
    assert_eq!(town.agent("dev"), AgentState::Ready);
    let steps = into_the_queue().then([Step::Wait(secs(20)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.agent("dev"), AgentState::Unreachable, "{}", town.story());
    town.run_for(secs(60));
    assert_eq!(town.agent("dev"), AgentState::Ready, "{}", town.story());
    town.close();
}
