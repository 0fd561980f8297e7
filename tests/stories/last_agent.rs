//! A resident who rings again gets the adviser who spoke with them last, if that does not take too long.

use switchboard::event::{CallEvent, Event, NotWaitedFor};
use switchboard::sim::caller::Step;
use switchboard::sim::person::Person;
use switchboard::stats::why::why;

use crate::town::*;

const AGAIN: &str = "01632960001";
const OTHER: &str = "07700900002";

fn waits_for_last(change: &mut Change) {
    for queue in change.settings.queues.values_mut() {
        (queue.last_agent_s, queue.wrap_up_s) = (Some(20), 2);
    }
}

/// Both advisers are at their desks; the resident has been served by Amy, who has been idle longer.
fn served_by_amy() -> Town {
    let mut town = town_with(waits_for_last);
    town.amy(Default::default());
    town.ben(Default::default());
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.see_off(resident);
    town.run_for(secs(5));
    town
}

fn rings(town: &mut Town, number: &str, adviser: u32, stays: u64) {
    let steps = into_the_queue().then([
        hear_within(adviser, secs(60)),
        Step::Wait(secs(stays)),
        Step::HangUp,
    ]);
    let resident = town.caller(number, |_| {}, steps);
    town.see_off(resident);
}

fn over(town: &Town) -> Vec<(String, NotWaitedFor)> {
    let over = town.calls().into_iter().filter_map(|(_, event)| match event {
        CallEvent::WaitsForAnybody { agent, why, .. } => Some((agent.to_string(), *why)),
        _ => None,
    });
    over.collect()
}

#[test]
fn the_adviser_who_spoke_with_the_resident_last_is_rung_before_whoever_is_idle_longest() {
    let mut town = served_by_amy();
    rings(&mut town, AGAIN, AMY, 1);
    town.run_for(secs(5));
    // As the same number is written in another way.
    rings(&mut town, "+441632960001", AMY, 1);
    town.run_for(secs(5));
    rings(&mut town, OTHER, BEN, 1);
    let town = town.close();
    assert_eq!(over(&town), []);
    assert_eq!(town.today().answered, 4);
}

#[test]
fn who_withholds_their_number_is_anybody() {
    let mut town = served_by_amy();
    let steps = into_the_queue().then([hear(BEN), Step::HangUp]);
    let resident = town.caller(AGAIN, |phone| phone.withheld = true, steps);
    town.see_off(resident);
    town.close();
}

#[test]
fn a_restart_forgets_nobody() {
    let mut town = served_by_amy();
    town.restart();
    rings(&mut town, AGAIN, AMY, 1);
    town.close();
}

#[test]
fn the_resident_waits_for_a_busy_adviser_and_at_the_bound_for_anybody() {
    for (other_talks, adviser) in [(8, AMY), (60, BEN)] {
        let mut town = served_by_amy();
        // Ben is the one who is idle longest, and busy with somebody else before.
        rings(&mut town, OTHER, BEN, 1);
        town.run_for(secs(5));
        let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(other_talks)), Step::HangUp]);
        let other = town.caller("07700900003", |_| {}, steps);
        assert!(town.run_until(secs(30), |world| world.live().today.answered == 3));
        rings(&mut town, AGAIN, adviser, 1);
        town.run_until(
            secs(100),
            |world| matches!(world.person(other), Person::Caller(caller) if caller.is_done()),
        );
        town.assert_well(other);
        let town = town.close();
        let too_long = [("amy".to_owned(), NotWaitedFor::TooLong)];
        assert_eq!(over(&town), too_long[..usize::from(adviser == BEN)], "{}", town.story());
        let waits = town.waits_us();
        let longest = waits.last().copied().unwrap_or_default();
        assert!(
            if adviser == BEN { longest > 20_000_000 } else { longest < 20_000_000 },
            "{waits:?}"
        );
        // It can be told why.
        let call = town.calls().iter().rev().find_map(|(call, event)| {
            matches!(event, CallEvent::QueueEntered { .. }).then_some(*call)
        });
        let call = call.expect("the last who waited");
        let own = town
            .journal()
            .iter()
            .filter(|entry| matches!(&entry.event, Event::Call { call: of, .. } if *of == call));
        let own: Vec<_> = own.cloned().collect();
        let told: String =
            why(call, &own, town.journal()).into_iter().map(|line| line.text + "\n").collect();
        assert!(
            told.contains("amy, who spoke with this caller last, goes first for 20 s"),
            "{told}"
        );
        let last = match adviser {
            AMY => "amy is rung: spoke with this caller last",
            _ => "has waited 20 s for amy: from now on anybody may serve this caller",
        };
        assert!(told.contains(last), "{told}");
    }
}

#[test]
fn whoever_is_handed_on_does_not_wait_for_the_adviser_who_did_it() {
    let mut town = town_with(waits_for_last);
    let amy = town.amy(Default::default());
    town.ben(Default::default());
    let steps = into_the_queue().then([hear(AMY), hear(BEN), Step::Wait(secs(2)), Step::HangUp]);
    let resident = town.resident(steps);
    assert!(town.hears(amy, CALLER), "{}", town.story());
    town.run_for(secs(1));
    town.hands_on(amy, "301");
    town.see_off(resident);
    town.run_for(secs(5));
    // Ben spoke with them last.
    rings(&mut town, AGAIN, BEN, 1);
    town.close();
}
