//! Opening hours: nobody is let in after them, and those who wait when they end are told or served.

use std::collections::BTreeMap;

use switchboard::acd::calendar::CalendarSettings;
use switchboard::engine::io::Input;
use switchboard::event::{EndCause, Outcome, TurnedAway};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::time::UnixMicros;

use crate::town::*;

/// Monday, 5 January 2026 in London (UTC in winter), at so many seconds after midnight.
fn monday(hour: i64, minute: i64) -> UnixMicros {
    const MIDNIGHT_S: i64 = 1_767_571_200;
    UnixMicros((MIDNIGHT_S + hour * 3_600 + minute * 60) * 1_000_000)
}

#[test]
fn at_night_the_caller_is_told_and_released() {
    let mut town = town_with(|change| change.begins_at = Some(monday(20, 0)));
    let steps = ring().then([hear(CLOSED), Step::UntilEnded { within: secs(5) }]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::Closed]);
    assert_eq!(town.today().offered, 0);
}

#[test]
fn the_doors_open_on_the_minute() {
    let mut town = town_with(|change| change.begins_at = Some(monday(8, 44)));
    town.run_for(secs(59));
    let steps = ring().then([hear(CLOSED), Step::UntilEnded { within: secs(5) }]);
    let early = town.resident(steps);
    town.run_for(secs(1));
    let punctual = town.caller("07700900002", |_| {}, ring().then([hear(WELCOME), Step::HangUp]));
    town.see_off(early);
    town.see_off(punctual);
    town.close();
}

#[test]
fn whoever_waits_at_closing_time_is_told_where_the_flow_says_so() {
    let mut town = town_with(|change| change.begins_at = Some(monday(16, 59)));
    let amy = town.amy(Habits::default());
    town.adviser_mut(amy, |amy, now| amy.dial(now, "*73"));
    town.run_for(secs(10));
    let steps = into_the_queue()
        .then([hear_within(CLOSED_WHILE_WAITING, secs(60)), Step::UntilEnded { within: secs(5) }]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::Closed]);
    let today = town.today();
    assert_eq!((today.offered, today.ended_by_system, today.abandoned), (1, 1, 0));
}

#[test]
fn whoever_waits_at_closing_time_is_served_where_the_flow_says_so() {
    let mut town = town_with(|change| {
        change.begins_at = Some(monday(16, 59));
        let general = change.settings.queues.get_mut("general").expect("a queue");
        general.hours = Some("main".into());
    });
    let ben = town.ben(Habits::default());
    town.adviser_mut(ben, |ben, now| ben.dial(now, "*73"));
    town.run_for(secs(10));
    let steps = ring().then([
        hear(CHOICES),
        press("2"),
        hear(MUSIC),
        hear_within(BEN, secs(120)),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.run_for(secs(60));
    assert_eq!(town.queue("general").waiting, 1);
    town.adviser_mut(ben, |ben, now| ben.dial(now, "*72"));
    town.see_off(resident);
    assert_eq!(town.close().today().answered, 1);
}

#[test]
fn an_offer_under_way_at_closing_time_is_taken_back_or_answered_but_never_both() {
    let mut town = town_with(|change| {
        change.begins_at = Some(monday(16, 59));
    });
    town.run_for(secs(40));
    town.amy(picks_up_after(secs(15)));
    let resident = town.resident(into_the_queue().then([Step::Wait(secs(40)), Step::HangUp]));
    town.see_off(resident);
    let town = town.close();
    let today = town.today();
    assert_eq!((today.offered, today.answered + today.ended_by_system), (1, 1), "{}", town.story());
}

#[test]
fn a_stepped_clock_closes_the_doors_and_moves_no_wait() {
    let mut town = town();
    town.amy(picks_up_after(secs(12)));
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.run_for(secs(6));
    // An hour back: the office stays open, and the wait is still 12 seconds.
    town.input(Input::WallClock(monday(9, 0)));
    town.see_off(resident);
    let waits = town.waits_us();
    assert!((12_000_000..12_100_000).contains(&waits[0]), "{waits:?}");
    town.input(Input::WallClock(monday(18, 0)));
    let steps = ring().then([hear(CLOSED), Step::UntilEnded { within: secs(5) }]);
    let late = town.caller("07700900002", |_| {}, steps);
    town.see_off(late);
    let town = town.close();
    let outcome = |wanted| {
        town.count(|event| {
            matches!(event, switchboard::event::CallEvent::QueueLeft { outcome, .. }
                if *outcome == wanted)
        })
    };
    assert_eq!((outcome(Outcome::Answered), outcome(Outcome::EndedBySystem)), (1, 0));
}

#[test]
fn a_queue_that_does_not_take_a_caller_counts_them_and_the_flow_goes_on() {
    let turned_away = |town: &Town, queue: &str| town.queue(queue).total.turned_away;
    let choose = |steps: Vec<Step>| ring().then([hear(CHOICES), press("2")]).then(steps);
    let told = || vec![hear(CLOSED), Step::UntilEnded { within: secs(5) }];
    // Closed: the flow's hours are others than the queue's.
    let mut town = town_with(|change| {
        let general = change.settings.queues.get_mut("general").expect("a queue");
        general.hours = Some("never".into());
        change.settings.calendars.insert("never".into(), CalendarSettings::default());
    });
    let resident = town.resident(choose(told()));
    town.see_off(resident);
    assert_eq!(turned_away(&town, "general"), BTreeMap::from([(TurnedAway::Closed, 1)]));
    town.close();

    // Full, and then gone from the settings while they choose.
    let mut town = town_with(|change| {
        let general = change.settings.queues.get_mut("general").expect("a queue");
        general.max_waiting = Some(1);
    });
    let first = town.resident(choose(vec![hear(MUSIC), Step::Wait(secs(30)), Step::HangUp]));
    town.run_for(secs(15));
    let second = town.caller("07700900002", |_| {}, choose(told()));
    town.see_off(second);
    assert_eq!(turned_away(&town, "general"), BTreeMap::from([(TurnedAway::Full, 1)]));
    town.see_off(first);
    let third = town.caller("07700900003", |_| {}, choose(told()));
    town.run_for(secs(1));
    town.reload(|settings| drop(settings.queues.remove("general")));
    town.see_off(third);
    let town = town.close();
    let general = BTreeMap::from([(TurnedAway::Full, 1), (TurnedAway::UnknownQueue, 1)]);
    assert_eq!(turned_away(&town, "general"), general, "{}", town.story());
    assert_eq!(town.causes().last(), Some(&EndCause::Closed));
}
