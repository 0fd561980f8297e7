//! Tickets of those who are rung back.

use super::*;

fn await_call(world: &mut World, number: u128, since_s: u64) -> Vec<AcdEffect> {
    world.apply(AcdInput::Await {
        call: call(number),
        queue: "waste".into(),
        skills: Vec::new(),
        priority: Priority::default(),
        since: Time::from_millis(since_s * 1_000),
    })
}

#[test]
fn who_is_rung_back_is_offered_at_the_place_that_they_had() {
    let mut world = World::council();
    world.enter(1, "waste");
    world.pass(secs(10));
    world.enter(2, "waste");
    world.pass(secs(10));
    // They had waited since the fifth second.
    assert_eq!(offers(&await_call(&mut world, 3, 5)), []);
    assert_eq!(offers(&world.ready("amy")), offer(1, "amy"));
    assert_eq!(offers(&world.ready("ben")), offer(3, "ben"));
    let passed_on = world.fails(3, "ben", OfferOutcome::NoAnswer);
    assert_eq!(offers(&passed_on), [], "nobody else is there");
    assert_eq!(offers(&world.ready("chloe")), offer(3, "chloe"), "still before the second");
    let claimed = world.claim(3, "chloe");
    assert!(matches!(claimed[0], AcdEffect::Claimed { .. }), "{claimed:?}");
    assert_eq!(world.state("chloe"), AgentState::Talking);
}

#[test]
fn who_is_not_on_the_line_takes_nobodys_room_and_no_limit_hands_them_back() {
    let settings = waste_with(|queue| {
        (queue.max_waiting, queue.max_wait_s) = (Some(1), Some(60));
        queue.wait_when_unstaffed = false;
        queue.hours = Some("office".into());
    });
    let mut world = World::new(&[settings], &[("amy", "waste")]);
    world.choose("amy", AgentChoice::SignIn);
    await_call(&mut world, 1, 0);
    assert_eq!(returned(&world.enter(2, "waste")), [], "there is room for one");
    let full = returned(&world.enter(3, "waste"));
    assert_eq!(full, [(3, "waste".to_owned(), QueueReturn::Full, false)]);
    // Nobody on duty, too long a wait, closing time.
    let unstaffed = returned(&world.choose("amy", AgentChoice::SignOut));
    assert_eq!(unstaffed.len(), 1, "only whoever is on the line: {unstaffed:?}");
    assert_eq!(returned(&world.pass(secs(12 * 3_600))), []);
    assert_eq!(offers(&world.ready("amy")), offer(1, "amy"));
    let gone = world.leave(1);
    assert_eq!(cancelled(&gone), [(1, "amy".to_owned(), OfferOutcome::CallerLeft)]);
}
