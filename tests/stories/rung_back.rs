//! What becomes of a promise to ring somebody back: busy lines, advisers who vanish, closing time, a process
//! that dies. Nobody answers to silence, and nobody is rung twice.

use switchboard::acd::callback::CallbackError;
use switchboard::acd::command::AgentChoice;
use switchboard::engine::io::{Input, Reply, Request};
use switchboard::event::{
    AgentState, CallEvent, CallbackEvent, CallbackFailure, Event, Miss, Purpose,
};
use switchboard::id::CallbackId;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::world::World;
use switchboard::time::UnixMicros;

use crate::callbacks::*;
use crate::town::*;
use crate::trunks::carrier;

#[test]
fn whoever_is_rung_back_keeps_the_place_that_they_had() {
    let mut town = town_that_rings(|_| {});
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    // Somebody rings later and stays on the line.
    let steps = ring().then([hear(MUSIC), hear_within(AMY, secs(200)), Step::HangUp]);
    let later = town.caller("07700900002", |_| {}, steps);
    town.run_for(secs(5));
    comes(&mut town, "amy", Habits { talks: Some((secs(10), secs(10))), ..Habits::default() });
    town.see_off(later);
    let town = town.close();
    let order: Vec<&str> = town
        .calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::Connected { purpose: Purpose::CallBack, .. } => Some("rung back"),
            CallEvent::Joined { .. } => Some("answered"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["rung back", "answered"], "{}", town.story());
    assert_eq!(rings(&town, home), 1);
}

#[test]
fn whom_the_adviser_hands_on_waits_and_talks_like_any_caller() {
    let mut town = town_that_rings(|_| {});
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    comes(&mut town, "amy", Habits::default());
    assert!(hears(&mut town, home, AMY, 60), "{}", town.story());
    town.run_for(secs(10));
    let call = town.calls().last().expect("a call").0;
    let to = Request::Transfer { call, to: "general".to_owned(), agent: Some("amy".into()) };
    assert_eq!(town.ask("Amy Adeyemi", true, to), Some(Reply::Done));
    assert!(hears(&mut town, home, MUSIC, 10), "{}", town.story());
    comes(&mut town, "ben", Habits::default());
    assert!(hears(&mut town, home, BEN, 60), "{}", town.story());
    town.adviser_mut(home, |home, now| home.hang_up(now));
    let town = town.close();
    let kept = told(&town).iter().filter(|it| matches!(it, CallbackEvent::Kept { .. })).count();
    let today = town.today();
    assert_eq!((kept, today.offered, today.answered, today.difference()), (1, 1, 0, 0));
}

#[test]
fn promises_of_an_earlier_run_keep_their_order() {
    let mut town = town_that_rings(|_| {});
    let home = carrier(&mut town, 1, Quirks::default());
    for number in ["01632960003", "01632960002", "01632960005", "01632960004"] {
        let resident = town.caller(number, |_| {}, takes_it());
        town.see_off(resident);
    }
    town.restart();
    comes(&mut town, "amy", Habits { talks: Some((secs(5), secs(5))), ..Habits::default() });
    town.run_for(secs(200));
    let town = town.close();
    let called: Vec<&str> = town
        .calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::Arrived { callback: Some(_), called, .. } => Some(&called[10..]),
            _ => None,
        })
        .collect();
    assert_eq!(called, ["003", "002", "005", "004"], "{}", town.story());
    assert_eq!(rings(&town, home), 4);
}

#[test]
fn nobody_is_rung_for_less_than_fifteen_seconds_and_it_is_tried_again_so_often() {
    let mut town = town_that_rings(|settings| {
        let callback = &mut settings.queues.get_mut("waste").expect("the queue").callback;
        (callback.ring_s, callback.retries, callback.retry_after_s) = (20, 1, 120);
    });
    let home = carrier(&mut town, 1, Quirks::default());
    town.adviser_mut(home, |home, _| home.habits_mut().ignores_first = 9);
    taken(&mut town);
    let amy = comes(&mut town, "amy", Habits::default());
    assert!(hears(&mut town, amy, NOT_REACHED, 60), "{}", town.story());
    assert_eq!((rings(&town, home), missed(&town)), (1, vec![Miss::NoAnswer]));
    town.run_for(secs(5));
    assert_eq!(town.agent("amy"), AgentState::Ready, "no work after what was no conversation");
    let gave_up = town.person(home).diary().when_phone(&PhoneEvent::Cancelled).expect("cancelled");
    let rang = gave_up - rung_at(&town, home);
    assert!((secs(15)..secs(21)).contains(&rang), "{rang:?}");
    town.run_for(secs(100));
    assert_eq!(rings(&town, home), 1, "not before its time");
    town.run_for(secs(100));
    let town = town.close();
    assert_eq!(rings(&town, home), 2);
    assert_eq!(failed(&town), [CallbackFailure::NotReached], "{}", town.story());
    assert_eq!(town.agent("amy"), AgentState::Ready);
    let waste = town.queue("waste").callbacks;
    assert_eq!(waste.failed_total[&CallbackFailure::NotReached], 1);
    assert_eq!(town.today().difference(), 0);
}

#[test]
fn a_busy_line_is_tried_again_and_kept_late_if_it_took_too_long() {
    let mut town = town_that_rings(|settings| {
        let callback = &mut settings.queues.get_mut("waste").expect("the queue").callback;
        (callback.retry_after_s, callback.late_after_s) = (100, 60);
    });
    let home = carrier(&mut town, 1, Quirks::default());
    town.adviser_mut(home, |home, _| home.habits_mut().rejects_first = 1);
    taken(&mut town);
    comes(&mut town, "amy", Habits::default());
    assert!(hears(&mut town, home, AMY, 300), "{}", town.story());
    assert_eq!(missed(&town), [Miss::Busy]);
    town.adviser_mut(home, |home, now| home.hang_up(now));
    let town = town.close();
    let waste = town.queue("waste").callbacks;
    assert_eq!((waste.kept_total, waste.kept_late_total), (0, 1));
}

#[test]
fn an_adviser_who_hangs_up_while_it_rings_leaves_nobody_to_silence() {
    for deaf_to_cancel in [false, true] {
        let mut town = town_that_rings(|settings| {
            settings.queues.get_mut("waste").expect("the queue").callback.retry_after_s = 30;
        });
        let home = carrier(&mut town, 1, Quirks { deaf_to_cancel, ..Quirks::default() });
        town.adviser_mut(home, |home, _| home.habits_mut().picks_up_after = (secs(6), secs(6)));
        taken(&mut town);
        let amy = comes(&mut town, "amy", Habits::default());
        assert!(town.run_until(secs(60), |world| {
            world.journal().iter().any(|entry| {
                matches!(&entry.event, Event::Call { event: CallEvent::Dialled { .. }, .. })
            })
        }));
        town.run_for(secs(2));
        town.adviser_mut(amy, |amy, now| amy.hang_up(now));
        if deaf_to_cancel {
            // The answer has crossed the CANCEL: who answered hears why nobody is there, and is next.
            assert!(hears(&mut town, home, SORRY, 6), "{}", town.story());
            assert!(hears(&mut town, home, AMY, 60), "{}", town.story());
            town.adviser_mut(home, |home, now| home.hang_up(now));
            let town = town.close();
            assert!(is_kept(&town), "{}", town.story());
            assert_eq!(town.today().offered, 1, "offered once");
        } else {
            town.run_for(secs(2));
            assert_eq!(missed(&town), [Miss::AdviserLeft]);
            assert!(hears(&mut town, home, AMY, 120), "tried again: {}", town.story());
            town.adviser_mut(home, |home, now| home.hang_up(now));
            town.close();
        }
    }
}

#[test]
fn an_adviser_who_vanishes_after_the_answer_is_made_up_for_with_words_and_the_first_place() {
    let mut town = town_that_rings(|settings| {
        for agent in settings.agents.values_mut() {
            agent.skills = vec!["waste".into(), "general".into()];
        }
    });
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    let amy = comes(&mut town, "amy", Habits::default());
    assert!(hears(&mut town, home, AMY, 60), "{}", town.story());
    // Somebody else has waited for long.
    let steps = ring().then([hear(MUSIC), hear_within(BEN, secs(300)), Step::HangUp]);
    let other = town.caller("07700900002", |_| {}, steps);
    town.run_for(millis(500));
    town.adviser_mut(amy, |amy, now| amy.hang_up(now));
    assert!(hears(&mut town, home, SORRY, 2), "{}", town.story());
    town.adviser_mut(amy, |amy, now| amy.dial(now, "*71"));
    comes(&mut town, "ben", Habits { talks: Some((secs(5), secs(5))), ..Habits::default() });
    assert!(hears(&mut town, home, BEN, 30), "{}", town.story());
    town.see_off(other);
    let town = town.close();
    let today = town.today();
    assert_eq!((today.offered, today.callbacks, today.answered, today.difference()), (2, 1, 1, 0));
}

#[test]
fn nobody_is_rung_after_closing_time() {
    // A Thursday, five minutes before five.
    let mut town = town_with_hours();
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    assert_eq!(town.live().callbacks.len(), 1);
    town.run_for(secs(400));
    assert_eq!(failed(&town), [CallbackFailure::Closed], "{}", town.story());
    comes(&mut town, "amy", Habits::default());
    town.run_for(secs(60));
    assert_eq!(rings(&town, home), 0);
    let town = town.close();
    assert_eq!(town.live().callbacks, []);
}

fn town_with_hours() -> Town {
    let trunks = toml::from_str(TRUNK).expect("settings");
    let at: jiff::Timestamp = "2026-11-26T16:55:00Z".parse().expect("a time");
    town_with(|town| {
        town.settings.trunks = trunks;
        town.flow = FLOW;
        town.begins_at = Some(UnixMicros(at.as_microsecond()));
        town.sounds =
            vec![("main/offer", OFFER), ("main/taken", TAKEN), ("callback/ringing", RINGING)];
        let hours = r#"week = { thu = ["09:00-17:00"] }"#;
        town.settings.calendars.insert("office".into(), toml::from_str(hours).expect("hours"));
        town.settings.queues.get_mut("waste").expect("the queue").hours = Some("office".into());
    })
}

#[test]
fn a_promise_survives_a_restart_and_is_dialled_once() {
    let mut town = town_that_rings(|_| {});
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    town.run_for(secs(60));
    town.restart();
    assert_eq!(town.live().callbacks.len(), 1, "{}", town.story());
    comes(&mut town, "amy", Habits::default());
    assert!(hears(&mut town, home, AMY, 60), "{}", town.story());
    town.adviser_mut(home, |home, now| home.hang_up(now));
    town.run_for(secs(10));
    town.restart();
    town.run_for(secs(100));
    assert_eq!((rings(&town, home), town.live().callbacks.len()), (1, 0));
    town.close();
}

#[test]
fn a_process_that_dies_while_it_rings_has_tried_and_does_not_ring_twice_at_once() {
    let mut town = town_that_rings(|settings| {
        settings.queues.get_mut("waste").expect("the queue").callback.retry_after_s = 200;
    });
    let home = carrier(&mut town, 1, Quirks::default());
    town.adviser_mut(home, |home, _| home.habits_mut().picks_up_after = (secs(500), secs(500)));
    taken(&mut town);
    let amy = comes(&mut town, "amy", Habits::default());
    let rung = |world: &World| world.person(home).diary().iter().any(|(_, moment)| is_rung(moment));
    assert!(town.run_until(secs(60), rung), "{}", town.story());
    town.restart();
    town.adviser_mut(amy, |amy, now| amy.hang_up(now));
    assert_eq!(missed(&town), [Miss::ProcessDied], "{}", town.story());
    town.run_for(secs(150));
    assert_eq!(rings(&town, home), 1);
    town.adviser_mut(home, |home, _| home.habits_mut().picks_up_after = (secs(1), secs(1)));
    // What the dead process had begun, a network would have ended by now.
    town.adviser_mut(home, |home, now| home.phone_mut().reject(now, 480));
    assert!(hears(&mut town, home, AMY, 150), "{}", town.story());
    let tries = told(&town).into_iter().filter_map(|event| match event {
        CallbackEvent::Dialled { nth, .. } => Some(nth),
        _ => None,
    });
    assert_eq!(tries.collect::<Vec<_>>(), [1, 2]);
    town.adviser_mut(home, |home, now| home.hang_up(now));
    town.run_for(secs(5));
}

#[test]
fn a_supervisor_takes_a_promise_back_unless_it_is_being_kept() {
    let mut town = town_that_rings(|_| {});
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    let callback = town.live().callbacks[0].callback;
    let cancel = |callback| Request::CancelCallback { callback };
    let unknown = Some(Reply::CallbackRefused(CallbackError::Unknown));
    assert_eq!(town.ask("Sue Green", false, cancel(CallbackId(1))), unknown);
    assert_eq!(town.ask("Sue Green", false, cancel(callback)), Some(Reply::Done));
    let by = Some("Sue Green".to_owned());
    let last = CallbackEvent::Failed { why: CallbackFailure::Cancelled, by };
    assert_eq!(told(&town).last(), Some(&last));
    // Another one, and nobody can take it back while it rings.
    taken(&mut town);
    let callback = town.live().callbacks[0].callback;
    let amy = comes(&mut town, "amy", Habits::default());
    assert!(hears(&mut town, amy, RINGING, 20));
    let under_way = Some(Reply::CallbackRefused(CallbackError::UnderWay));
    assert_eq!(town.ask("Sue Green", false, cancel(callback)), under_way);
    assert!(hears(&mut town, home, AMY, 20));
    town.adviser_mut(home, |home, now| home.hang_up(now));
    let town = town.close();
    assert_eq!(rings(&town, home), 1);
}

#[test]
fn an_adviser_who_does_not_pick_up_costs_nobody_a_try() {
    let mut town = town_that_rings(|settings| {
        for agent in settings.agents.values_mut() {
            agent.skills = vec!["waste".into(), "general".into()];
        }
    });
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    comes(&mut town, "amy", Habits { ignores_first: 1, ..Habits::default() });
    town.run_for(secs(40));
    assert_eq!(town.agent("amy"), AgentState::NotReady, "{}", town.story());
    comes(&mut town, "ben", Habits::default());
    assert!(hears(&mut town, home, BEN, 60), "{}", town.story());
    let tries = told(&town).iter().filter(|it| matches!(it, CallbackEvent::Dialled { .. })).count();
    assert_eq!((tries, rings(&town, home)), (1, 1));
    town.adviser_mut(home, |home, now| home.hang_up(now));
    town.close();
}

#[test]
fn a_process_that_takes_no_new_calls_does_not_wait_for_promises_and_the_next_keeps_them() {
    let mut town = town_that_rings(|_| {});
    let home = carrier(&mut town, 1, Quirks::default());
    taken(&mut town);
    comes(&mut town, "amy", Habits { ignores_first: 1, ..Habits::default() });
    town.run_for(secs(40));
    assert_eq!(town.engine().held().calls, 1, "the call in which Amy's phone rang");
    town.input(Input::Drain);
    town.run_for(secs(1));
    assert_eq!(town.engine().held().calls, 0, "{}", town.story());
    // Amy is ready again, and nobody is begun to be rung back.
    town.choose("amy", AgentChoice::Ready);
    town.run_for(secs(10));
    assert_eq!((town.engine().held().calls, rings(&town, home)), (0, 0));
    town.restart();
    assert!(hears(&mut town, home, AMY, 60), "{}", town.story());
    town.adviser_mut(home, |home, now| home.hang_up(now));
    town.close();
}
