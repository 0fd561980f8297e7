//! Callers who are still there when the adviser has hung up are asked how it was.

use switchboard::event::{CallEvent, EndCause};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;

use crate::town::*;

const QUESTION: u32 = 1_400;
const THANKS: u32 = 1_450;

const FLOW: &str = r#"
start: bins
nodes:
  bins: {queue: waste, after_call: how-was-it, otherwise: closed}
  how-was-it: {survey: "How was it, from 1 to 5?", as: satisfied, then: thank-you, otherwise: bye}
  thank-you: {say: Thank you., then: bye}
  bye: {hang_up: completed}
  closed: {hang_up: closed}
"#;

fn town() -> Town {
    let mut town = town_with(|town| {
        town.flow = FLOW;
        town.sounds = vec![("main/how-was-it", QUESTION), ("main/thank-you", THANKS)];
    });
    town.amy(Habits { talks: Some((secs(5), secs(5))), ..Habits::default() });
    town
}

fn rated(town: &Town) -> Vec<(String, u8)> {
    let calls = town.calls().into_iter();
    calls
        .filter_map(|(_, event)| match event {
            CallEvent::Rated { question, score } => Some((question.clone(), *score)),
            _ => None,
        })
        .collect()
}

#[test]
fn who_stays_is_asked_and_the_answer_counts_for_the_queue() {
    let mut town = town();
    let resident = town.resident(ring().then([
        hear(AMY),
        hear(QUESTION),
        press("4"),
        hear(THANKS),
        Step::UntilEnded { within: secs(10) },
    ]));
    town.see_off(resident);
    assert_eq!(rated(&town), [("satisfied".to_owned(), 4)]);
    assert_eq!(town.live().surveys.0["satisfied"]["waste"], [0, 0, 0, 1, 0]);
    assert!(!town.live().agent_list.is_empty());
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::Completed]);
    let today = town.today();
    assert_eq!((today.offered, today.answered, today.difference()), (1, 1, 0));
}

#[test]
fn the_adviser_is_free_while_the_caller_answers() {
    let mut town = town();
    let resident = town.resident(ring().then([hear(AMY), hear(QUESTION), Step::Wait(secs(3))]));
    town.see_off(resident);
    let next = town.resident(ring().then([hear_within(AMY, secs(30)), Step::HangUp]));
    town.see_off(next);
}

#[test]
fn who_hangs_up_instead_has_been_served() {
    let mut town = town();
    let early = town.resident(ring().then([hear(AMY), Step::HangUp]));
    town.see_off(early);
    let late =
        town.resident(ring().then([hear_within(AMY, secs(60)), hear(QUESTION), Step::HangUp]));
    town.see_off(late);
    let town = town.close();
    assert_eq!(rated(&town), []);
    assert_eq!(town.causes(), [EndCause::CallerHungUp, EndCause::CallerHungUp]);
}

/// The queue leads on after its conversations, and not after those with whom the flow put them through to.
#[test]
fn whom_the_queue_gave_up_and_the_flow_put_through_is_not_left_in_silence() {
    let mut town = town_with(|town| {
        town.flow = r#"
start: bins
nodes:
  bins: {queue: waste, after_call: how-was-it, on_waited_too_long: amy, otherwise: closed}
  amy: {transfer: "201", ring_s: 40, otherwise: closed}
  how-was-it: {survey: "How was it?", then: bye, otherwise: bye}
  bye: {hang_up: completed}
  closed: {hang_up: closed}
"#;
        town.settings.queues.get_mut("waste").expect("is there").max_wait_s = Some(5);
        town.settings.transfers.ring_s = 8;
    });
    // Lets the queue's offer ring, and answers the second.
    let slow = (secs(25), secs(25));
    let talks = Some((secs(5), secs(5)));
    town.amy(Habits { picks_up_after: slow, talks, ..Habits::default() });
    let resident = town
        .resident(ring().then([hear_within(AMY, secs(90)), Step::UntilEnded { within: secs(30) }]));
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::AgentHungUp], "{}", town.story());
    let today = town.today();
    assert_eq!((today.offered, today.overflowed, today.difference()), (1, 1, 0));
}
