//! The standard: an answer within 60 seconds counts, one a moment later does not.

use std::time::Duration;

use switchboard::sim::caller::Step;

use crate::town::*;

/// One call to Amy, who lets it ring for `rings`; the wait that the journal has, in microseconds,
/// and whether it met the standard.
fn wait_of(rings: Duration) -> (u64, bool) {
    let mut town = town_with(|change| {
        let waste = change.settings.queues.get_mut("waste").expect("a queue");
        waste.ring_s = 120;
    });
    town.amy(picks_up_after(rings));
    let steps = into_the_queue().then([hear_within(AMY, secs(100)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let town = town.close();
    let today = town.today();
    assert_eq!((today.offered, today.answered), (1, 1));
    (town.waits_us()[0], today.answered_within_standard == 1)
}

#[test]
fn sixty_seconds_exactly_is_within_a_microsecond_more_is_not() {
    let minute = 60_000_000;
    let (wait, _) = wait_of(secs(50));
    let way = wait - 50_000_000;
    let rings = |wait: u64| Duration::from_micros(wait - way);
    assert_eq!(wait_of(rings(minute)), (minute, true));
    assert_eq!(wait_of(rings(minute + 1)), (minute + 1, false));
    assert_eq!(wait_of(rings(minute - 1)), (minute - 1, true));
    assert_eq!(wait_of(rings(61_000_000)), (61_000_000, false));
}

#[test]
fn the_wait_begins_with_the_queue_and_not_with_the_menu() {
    let mut town = town_with(|change| {
        let waste = change.settings.queues.get_mut("waste").expect("a queue");
        waste.standard_s = 10;
    });
    town.amy(picks_up_after(secs(5)));
    // Four seconds of thinking in the menu: more than the standard from the first ring, not more
    // than it from the queue.
    let steps = ring().then([
        hear(CHOICES),
        Step::Wait(secs(4)),
        press("1"),
        hear_within(AMY, secs(20)),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let town = town.close();
    let today = town.today();
    assert_eq!((today.answered, today.answered_within_standard), (1, 1));
    let joined = town.calls().into_iter().find_map(|(_, event)| match event {
        switchboard::event::CallEvent::Joined { wait_us, to_person_us, .. } => {
            Some((*wait_us, *to_person_us))
        }
        _ => None,
    });
    let (wait, to_person) = joined.expect("joined");
    assert!(wait < 6_000_000 && to_person > 10_000_000, "{wait} {to_person}");
}
