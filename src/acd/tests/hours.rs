//! Opening hours: closing time, clocks that are stepped.

use super::*;

fn office_hours() -> World {
    World::new(&[waste_with(|queue| queue.hours = Some("office".into()))], &[("amy", "waste")])
}

fn closed(number: u128, waited: bool) -> (u128, String, QueueReturn, bool) {
    (number, "waste".to_owned(), QueueReturn::Closed, waited)
}

#[test]
fn at_closing_time_those_who_are_to_be_told_go_back_and_the_others_are_served() {
    let mut world = office_hours();
    world.pass(secs(7 * 3600));
    world.enter_with(1, "waste", "", AtClosing::Tell);
    world.enter_with(2, "waste", "", AtClosing::Serve);
    world.enter_with(3, "waste", "", AtClosing::Tell);
    assert_eq!(returned(&world.pass(secs(3600) - Duration::from_micros(1))), []);
    let effects = world.pass(Duration::from_micros(1));
    assert_eq!(returned(&effects), [closed(1, true), closed(3, true)]);
    assert_eq!(offers(&world.ready("amy")), offer(2, "amy"));
    assert_eq!(returned(&world.enter(4, "waste")), [closed(4, false)]);
}

#[test]
fn an_offer_under_way_at_closing_time_is_taken_back_first() {
    let mut world = office_hours();
    world.pass(secs(8 * 3600 - 5));
    world.ready("amy");
    world.enter_with(1, "waste", "", AtClosing::Tell);
    let effects = world.pass(secs(5));
    assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(returned(&effects), [closed(1, true)]);
    assert_eq!(world.state("amy"), AgentState::Ready);
}

#[test]
fn an_agent_freed_at_the_very_instant_of_closing_does_not_get_a_caller_who_is_told() {
    let mut world = office_hours();
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.pass(secs(8 * 3600 - 30));
    world.talk_ended(1, "amy");
    world.enter_with(2, "waste", "", AtClosing::Tell);
    let effects = world.pass(secs(30));
    assert_eq!(returned(&effects), [closed(2, true)]);
    assert_eq!(offers(&effects), []);
}

#[test]
fn a_wall_clock_that_is_stepped_over_closing_time_closes_the_queue_and_moves_no_timer() {
    let mut world = office_hours();
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.talk_ended(1, "amy");
    world.enter_with(2, "waste", "", AtClosing::Tell);
    world.wall = WallClock::showing(unix("2026-11-23T18:00:00Z"), world.at);
    assert_eq!(returned(&world.apply(AcdInput::Timer)), [closed(2, true)]);
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    world.pass(secs(30));
    assert_eq!(world.state("amy"), AgentState::Ready);
    world.wall = WallClock::showing(unix("2026-11-23T10:00:00Z"), world.at);
    assert_eq!(offers(&world.enter(3, "waste")), offer(3, "amy"), "stepped back: open again");
}

#[test]
fn the_timer_of_the_hours_follows_the_calendar_over_days() {
    let mut world = office_hours();
    world.pass(secs(0));
    let next = |world: &World| {
        let due = world.acd.poll_timeout().expect("a change to come");
        world.wall.at(due).timestamp().to_string()
    };
    assert_eq!(next(&world), "2026-11-23T17:00:00Z");
    world.pass(secs(8 * 3600));
    assert_eq!(next(&world), "2026-11-24T08:45:00Z");
    world.pass(secs(4 * 86_400));
    assert_eq!(next(&world), "2026-11-30T08:45:00Z");
}

#[test]
fn a_queue_without_hours_is_always_open_and_so_is_an_unknown_calendar() {
    let mut world = World::council();
    world.wall = WallClock::showing(unix("2026-11-22T03:00:00Z"), Time::ZERO);
    assert_eq!(returned(&world.enter(1, "waste")), []);
    let open = |name: &str| world.acd.is_open(&name.into(), world.at, &world.wall);
    assert!(!open("office"));
    assert!(open("no such calendar"));
}

#[test]
fn a_clock_beyond_every_calendar_does_not_make_the_timer_spin() {
    let mut world = office_hours();
    for shown in [i64::MIN, i64::MAX, 0] {
        world.wall = WallClock::showing(UnixMicros(shown), world.at);
        world.apply(AcdInput::Timer);
        assert!(world.acd.poll_timeout().is_none_or(|due| due > world.at), "{shown}");
    }
}

#[test]
fn a_queue_that_closes_while_an_adviser_is_told_of_the_caller_is_closed_if_they_hang_up() {
    let (name, settings) = waste_with(|queue| queue.hours = Some("office".into()));
    let mut world = World::new(&[(name, settings)], &[("amy", "waste")]);
    world.wall = WallClock::showing(unix("2026-11-23T16:59:55Z"), Time::ZERO);
    world.ready("amy");
    world.enter_with(1, "waste", "", AtClosing::Tell);
    world.apply(AcdInput::PickedUp { call: call(1), agent: "amy".into() });
    assert_eq!(returned(&world.pass(secs(8))), [], "at 17:00 they have her all but in the ear");
    let told = returned(&world.fails(1, "amy", OfferOutcome::Rejected));
    assert_eq!(told, [(1, "waste".to_owned(), QueueReturn::Closed, true)]);
}
