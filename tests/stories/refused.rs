//! Who is not admitted is told why, by the status that says so.

use switchboard::engine::io::{Input, JournalHealth};
use switchboard::event::{EndCause, Event, RefusalReason, SystemEvent};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::world::PersonId;

use crate::town::*;

fn refusals(town: &Town) -> Vec<(RefusalReason, u16)> {
    town.journal()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::System { event: SystemEvent::Refused { reason, status, .. } } => {
                Some((*reason, *status))
            }
            Event::System { .. }
            | Event::Call { .. }
            | Event::Agent { .. }
            | Event::Message { .. }
            | Event::Callback { .. }
            | Event::Notification { .. } => None,
        })
        .collect()
}

fn refused_by(number: &str) -> Vec<Step> {
    vec![Step::Ring(number.to_owned()), Step::UntilRefused { within: secs(5) }]
}

fn refusal(status: u16, retry_after_s: Option<u32>) -> PhoneEvent {
    PhoneEvent::Refused { status, retry_after_s }
}

/// How often a person was refused with 503 and a time between 5 and 15 seconds.
fn times_busy(town: &Town, id: PersonId) -> usize {
    let busy = |wait| town.person(id).diary().times(&refusal(503, Some(wait)));
    (5..=15).map(busy).sum()
}

#[test]
fn a_number_that_is_not_served_gets_404() {
    let mut town = town();
    let resident = town.resident(refused_by("01632960999"));
    town.see_off(resident);
    assert_eq!(town.person(resident).diary().times(&refusal(404, None)), 1);
    let town = town.close();
    assert_eq!(refusals(&town), [(RefusalReason::UnknownNumber, 404)]);
    assert_eq!(town.count(|_| true), 0, "no call began");
}

#[test]
fn a_phone_without_a_codec_in_common_gets_488() {
    let mut town = town();
    let resident = town.caller("01632960001", |phone| phone.codecs.clear(), refused_by(NUMBER));
    town.see_off(resident);
    assert_eq!(town.person(resident).diary().times(&refusal(488, None)), 1);
    assert_eq!(refusals(&town.close()), [(RefusalReason::NoCommonCodec, 488)]);
}

#[test]
fn one_call_more_than_the_limit_gets_503_and_a_time_to_try_again() {
    let mut town = town_with(|change| change.settings.limits.calls = 2);
    for number in ["01632960001", "01632960002"] {
        town.caller(number, |_| {}, ring().then([Step::Wait(secs(3)), Step::HangUp]));
    }
    town.run_for(secs(1));
    let third = town.caller("01632960003", |_| {}, refused_by(NUMBER));
    town.see_off(third);
    assert_eq!(times_busy(&town, third), 1);
    town.run_for(secs(5));
    let later = town.caller("01632960004", |_| {}, ring().then([hear(WELCOME), Step::HangUp]));
    town.see_off(later);
    let town = town.close();
    assert_eq!(refusals(&town), [(RefusalReason::TooManyCalls, 503)]);
    assert_eq!(town.causes().len(), 3);
}

#[test]
fn more_calls_in_a_second_than_the_limit_get_503() {
    let mut town = town_with(|change| change.settings.limits.calls_per_second = 3);
    let all: Vec<_> = (0..5)
        .map(|at| {
            town.caller(&format!("0163296000{at}"), |_| {}, vec![Step::Ring(NUMBER.to_owned())])
        })
        .collect();
    town.run_for(millis(500));
    let refused = all.iter().filter(|id| times_busy(&town, **id) == 1).count();
    assert_eq!(refused, 2, "{}", town.story());
    for id in all {
        town.caller_mut(id, |caller, now| caller.leave(now));
    }
    town.close();
}

#[test]
fn a_journal_that_cannot_keep_up_refuses_new_calls_and_leaves_old_ones_alone() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(10)), Step::HangUp]);
    let resident = town.resident(steps);
    town.run_for(secs(6));
    town.input(Input::Journal(JournalHealth { backlog: 100_000, full: true }));
    let refused = town.caller("01632960002", |_| {}, refused_by(NUMBER));
    town.see_off(refused);
    assert_eq!(times_busy(&town, refused), 1);
    town.see_off(resident);
    town.input(Input::Journal(JournalHealth::default()));
    let again = town.caller("01632960002", |_| {}, ring().then([hear(WELCOME), Step::HangUp]));
    town.see_off(again);
    let town = town.close();
    assert_eq!(refusals(&town), [(RefusalReason::JournalFull, 503)]);
    assert_eq!(town.today().answered, 1);
}

#[test]
fn a_call_for_which_no_port_is_free_ends_as_a_failure_of_media() {
    let mut town = town_with(|change| change.rtp_legs = 1);
    let first = town.resident(ring().then([Step::Wait(secs(5)), Step::HangUp]));
    town.run_for(secs(1));
    let second = town.caller("01632960002", |_| {}, refused_by(NUMBER));
    town.see_off(second);
    town.see_off(first);
    let town = town.close();
    assert!(town.causes().contains(&EndCause::MediaFailed), "{:?}", town.causes());
}

#[test]
fn an_engine_that_is_drained_takes_nobody_new_and_one_that_stops_lets_everybody_go() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let talking = into_the_queue().then([hear(AMY), Step::UntilEnded { within: secs(60) }]);
    let resident = town.resident(talking);
    assert!(town.run_until(secs(60), |world| world.person(amy).phone().is_busy()));
    town.run_for(secs(5));
    town.input(Input::Drain);
    let late = town.caller("01632960002", |_| {}, refused_by(NUMBER));
    town.see_off(late);
    assert!(town.person(resident).phone().is_busy(), "a call under way goes on");
    town.input(Input::Stop);
    town.see_off(resident);
    let town = town.close();
    assert_eq!(refusals(&town), [(RefusalReason::ShuttingDown, 503)]);
    assert_eq!(town.causes(), [EndCause::Shutdown]);
    let last = &town.journal().last().expect("an entry").event;
    assert!(
        town.journal()
            .iter()
            .any(|entry| matches!(entry.event, Event::System { event: SystemEvent::Stopped })),
        "{last:?}"
    );
}

#[test]
fn an_answer_that_is_never_acknowledged_is_given_up() {
    let mut town = town();
    let quirks = Quirks { never_acks: true, ..Quirks::default() };
    let steps = ring().then([Step::UntilEnded { within: secs(40) }]);
    let resident = town.caller("01632960001", |phone| phone.quirks = quirks, steps);
    town.see_off(resident);
    assert_eq!(town.close().causes(), [EndCause::NoAck]);
}
