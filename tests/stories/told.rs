//! Callers who wait hear their place, and never silently a worse one.

use switchboard::event::{CallEvent, Met, Outlook};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;

use crate::callbacks::hears;
use crate::town::*;

const PLACE: u32 = 1_400;
const NUMBER: u32 = 1_450;
const NEXT: u32 = 1_500;
const SORRY: u32 = 1_550;
const SOON: u32 = 1_600;

const FLOW: &str = r#"
start: choose
nodes:
  choose:
    menu: For somebody, press 1. For somebody at once, press 2.
    keys: {1: bins, 2: at-once, 3: soon}
    otherwise: closed
  bins:
    queue: waste
    while_waiting: {position: "You are number {queue_position}.", next: You are next., worse: Sorry., after_s: 20, every_s: 60}
    otherwise: closed
  soon:
    queue: waste
    while_waiting: {estimate: "{wait_least} to {wait_most}.", soon: "Within {wait_most} minutes.", after_s: 5}
    otherwise: closed
  at-once:
    queue: waste
    priority: urgent
    otherwise: closed
  closed: {hang_up: closed}
"#;

fn town() -> Town {
    town_with(|town| {
        town.flow = FLOW;
        town.sounds = vec![
            ("choose", SPOKEN),
            ("main/choose", SPOKEN),
            ("main/bins-position", PLACE),
            ("say/n-2", NUMBER),
            ("say/n-3", NUMBER),
            ("main/bins-next", NEXT),
            ("main/bins-worse", SORRY),
            ("main/soon-soon-1", SOON),
        ];
    })
}

/// Rings, chooses and waits with music; then this.
fn waits(key: &str, more: impl IntoIterator<Item = Step>) -> Vec<Step> {
    ring().then([hear(SPOKEN), press(key), hear(MUSIC)]).then(more)
}

fn within_a_minute(hz: u32) -> Step {
    hear_within(hz, secs(65))
}

fn told(town: &Town) -> Vec<Outlook> {
    let calls = town.calls().into_iter();
    calls
        .filter_map(|(_, event)| match event {
            CallEvent::Told { outlook, .. } => Some(*outlook),
            _ => None,
        })
        .collect()
}

#[test]
fn who_waits_hears_the_place_and_is_told_when_it_gets_worse() {
    let mut town = town();
    let next = [within_a_minute(NEXT), hear(MUSIC)];
    let first = town.resident(waits("1", next.clone()));
    town.run_for(secs(5));
    let place = [within_a_minute(PLACE), hear(NUMBER), hear(MUSIC)];
    let worse = [within_a_minute(SORRY), hear(PLACE), hear(NUMBER), hear(MUSIC), Step::HangUp];
    let second = town.resident(waits("1", place.into_iter().chain(worse)));
    town.run_for(secs(40));
    // Goes before both.
    let urgent = town.resident(waits("2", [Step::Wait(secs(120)), Step::HangUp]));
    town.see_off(second);
    town.see_off(first);
    town.see_off(urgent);
    let all = told(&town);
    assert!(all.iter().all(|outlook| outlook.wait.is_none()), "nobody was answered yet: {all:?}");
    let places: Vec<(Option<u64>, bool)> =
        all.iter().map(|outlook| (outlook.position, outlook.worse)).collect();
    let heard = [(Some(1), false), (Some(2), false), (Some(2), true), (Some(3), true)];
    assert_eq!(places[..4], heard);
}

/// Five callers are answered; then two wait, and hear how long that will probably be.
#[test]
fn the_wait_is_told_once_enough_were_answered() {
    let mut town = town();
    town.amy(Habits { talks: Some((secs(30), secs(30))), ..Habits::default() });
    for _ in 0..6 {
        let one = town.resident(ring().then([
            hear(SPOKEN),
            press("3"),
            hear_within(AMY, secs(90)),
            Step::UntilEnded { within: secs(90) },
        ]));
        town.see_off(one);
    }
    let busy = town.resident(ring().then([
        hear(SPOKEN),
        press("3"),
        hear_within(AMY, secs(90)),
        Step::UntilEnded { within: secs(90) },
    ]));
    assert!(hears(&mut town, busy, AMY, 60));
    let waits = town.resident(ring().then([
        hear(SPOKEN),
        press("3"),
        within_a_minute(SOON),
        hear_within(AMY, secs(200)),
        Step::UntilEnded { within: secs(90) },
    ]));
    town.see_off(waits);
    let range = told(&town).pop().and_then(|outlook| outlook.wait).expect("was told");
    assert_eq!((range.least_min, range.most_min), (0, 2));
    // Some of the first waited for the end of a call's work, and were told too.
    let counted: Vec<Met> = town.queue("waste").total.told.into_keys().collect();
    assert_eq!(counted, [Met::Within]);
}
