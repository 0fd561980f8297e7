//! Entering, leaving, limits, and being handed back.

use super::*;
use crate::event::Place;

#[test]
fn a_caller_who_enters_waits_with_the_instant_of_the_entry() {
    let mut world = World::council();
    world.pass(secs(7));
    let entered = AcdEffect::Entered {
        call: call(1),
        queue: "waste".into(),
        first_at: Time::from_millis(7_000),
        moved_from: None,
        skills: abilities("waste"),
        own: Vec::new(),
        place: Place::default(),
    };
    assert_eq!(world.enter(1, "waste"), [entered]);
}

#[test]
fn a_caller_who_leaves_during_an_offer_takes_it_back_and_the_agent_keeps_the_idle_time() {
    let mut world = World::council();
    world.ready("amy");
    world.pass(secs(10));
    world.ready("ben");
    world.enter(1, "waste");
    world.pass(secs(5));
    let effects = world.leave(1);
    assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::CallerLeft)]);
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::Ready, StateReason::Call)]);
    assert_eq!(world.leave(1), [], "leaving twice is leaving once");
    assert_eq!(offers(&world.enter(2, "waste")), offer(2, "amy"), "amy is still longest idle");
    let refused = AcdEffect::ClaimRefused { call: call(1), agent: "amy".into() };
    assert_eq!(world.claim(1, "amy"), [refused], "an answer that crossed the hang-up");
}

#[test]
fn an_agent_whose_caller_left_gets_the_next_who_waits_at_once() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    world.enter(2, "waste");
    assert_eq!(offers(&world.leave(1)), offer(2, "amy"));
}

#[test]
fn a_move_to_another_queue_keeps_the_place_in_time() {
    let mut world = World::council();
    world.enter(1, "waste");
    world.pass(secs(10));
    world.enter(2, "housing");
    world.pass(secs(10));
    let effects = world.enter(1, "housing");
    let entered = AcdEffect::Entered {
        call: call(1),
        queue: "housing".into(),
        first_at: Time::ZERO,
        moved_from: Some("waste".into()),
        skills: abilities("housing"),
        own: Vec::new(),
        place: Place::default(),
    };
    assert_eq!(effects, [entered]);
    assert_eq!(offers(&world.ready("chloe")), offer(1, "chloe"));
    let effects = world.claim(1, "chloe");
    assert!(
        matches!(effects.first(), Some(AcdEffect::Claimed { first_at: Time::ZERO, visit_at, .. })
            if *visit_at == Time::from_millis(20_000)),
        "{effects:?}"
    );
}

#[test]
fn a_move_during_an_offer_takes_the_offer_back_first() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    let effects = world.enter(1, "housing");
    assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(world.state("amy"), AgentState::Ready);
    assert_eq!(offers(&world.enter(2, "waste")), offer(2, "amy"));
}

#[test]
fn a_caller_who_was_back_in_the_flow_keeps_the_place_that_the_call_remembers() {
    let mut world = World::council();
    world.pass(secs(5));
    world.enter(1, "waste");
    world.pass(secs(5));
    let wish = ("waste", "", Priority::default(), AtClosing::Serve);
    let again = |since| entering(2, wish, Some(since), false);
    world.apply(again(Time::from_millis(2_000)));
    assert_eq!(offers(&world.ready("amy")), offer(2, "amy"));
    let mut world = World::council();
    let effects = world.apply(again(Time::from_millis(9_000)));
    assert!(
        matches!(effects.first(), Some(AcdEffect::Entered { first_at: Time::ZERO, .. })),
        "nobody has waited since the future: {effects:?}"
    );
}

#[test]
fn waiting_again_after_an_answer_is_a_new_place() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.pass(secs(60));
    let effects = world.enter(1, "waste");
    assert!(
        matches!(effects.first(), Some(AcdEffect::Entered { first_at, moved_from: None, .. })
            if *first_at == world.at),
        "{effects:?}"
    );
}

#[test]
fn a_full_queue_turns_callers_away_and_one_who_leaves_makes_room() {
    let mut world =
        World::new(&[waste_with(|queue| queue.max_waiting = Some(2))], &[("amy", "waste")]);
    world.ready("amy");
    world.enter(1, "waste");
    world.enter(2, "waste");
    let full = [(3, "waste".to_owned(), QueueReturn::Full, false)];
    assert_eq!(returned(&world.enter(3, "waste")), full);
    assert_eq!(returned(&world.enter(2, "waste")), [], "whoever is in it may enter it again");
    world.leave(2);
    assert_eq!(returned(&world.enter(3, "waste")), []);
}

#[test]
fn a_caller_who_has_waited_as_long_as_allowed_goes_back_to_the_flow() {
    let mut world =
        World::new(&[waste_with(|queue| queue.max_wait_s = Some(60))], &[("amy", "waste")]);
    world.enter(1, "waste");
    world.pass(secs(50));
    world.enter(2, "waste");
    assert_eq!(returned(&world.pass(secs(9))), []);
    world.ready("amy");
    let effects = world.pass(secs(1));
    assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::Withdrawn)]);
    let too_long = [(1, "waste".to_owned(), QueueReturn::WaitedTooLong, true)];
    assert_eq!(returned(&effects), too_long);
    assert_eq!(offers(&effects), offer(2, "amy"));
    world.claim(2, "amy");
    assert_eq!(returned(&world.pass(secs(600))), [], "answered: no limit any more");
}

#[test]
fn nobody_waits_for_nobody_where_the_queue_says_so() {
    let strict = waste_with(|queue| queue.wait_when_unstaffed = false);
    let mut world = World::new(&[strict], &[("amy", "waste"), ("dev", "parking")]);
    world.ready("dev");
    let nobody = |number, waited| (number, "waste".to_owned(), QueueReturn::NobodyOnDuty, waited);
    assert_eq!(returned(&world.enter(1, "waste")), [nobody(1, false)]);
    world.choose("amy", AgentChoice::SignIn);
    assert_eq!(returned(&world.enter(2, "waste")), [], "signed in, though not ready");
    let welsh = world.enter_with(3, "waste", "welsh", AtClosing::Serve);
    assert_eq!(returned(&welsh), [nobody(3, false)]);
    assert_eq!(returned(&world.choose("amy", AgentChoice::SignOut)), [nobody(2, true)]);
}

#[test]
fn an_agent_about_to_sign_out_does_not_count_as_on_duty() {
    let strict = waste_with(|queue| queue.wait_when_unstaffed = false);
    let mut world = World::new(&[strict], &[("amy", "waste")]);
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    assert_eq!(returned(&world.enter(2, "waste")), []);
    let effects = world.choose("amy", AgentChoice::SignOut);
    assert_eq!(returned(&effects), [(2, "waste".to_owned(), QueueReturn::NobodyOnDuty, true)]);
    world.choose("amy", AgentChoice::SignIn);
    assert_eq!(returned(&world.enter(3, "waste")), []);
    world.talk_ended(1, "amy");
    assert_eq!(world.state("amy"), AgentState::NotReady, "signed in again, and not ready");
}

#[test]
fn an_unknown_queue_takes_nobody() {
    let mut world = World::council();
    let closed = [(1, "parking".to_owned(), QueueReturn::Closed, false)];
    assert_eq!(returned(&world.enter(1, "parking")), closed);
    world.enter(2, "waste");
    let closed = [(2, "waste".to_owned(), QueueReturn::Closed, true)];
    assert_eq!(returned(&world.enter(2, "parking")), closed);
    assert_eq!(offers(&world.ready("amy")), []);
}

#[test]
fn a_lower_priority_number_goes_first_and_equals_go_in_the_order_of_their_entry() {
    let mut world = World::council();
    for (number, priority) in [(1, 5), (2, 0), (3, -1), (4, 0), (5, -1)] {
        world.enter_at(number, "waste", priority);
        world.pass(secs(1));
    }
    let mut served = Vec::new();
    let mut effects = world.ready("amy");
    while let Some((number, _)) = offers(&effects).first().cloned() {
        served.push(number);
        world.claim(number, "amy");
        world.talk_ended(number, "amy");
        effects = world.pass(secs(30));
    }
    assert_eq!(served, [3, 5, 2, 4, 1]);
}

#[test]
fn a_caller_to_whom_nobody_answered_keeps_the_priority_too() {
    let mut world = World::council();
    world.enter_at(1, "waste", 1);
    world.pass(secs(1));
    world.enter_at(2, "waste", 0);
    assert_eq!(offers(&world.ready("amy")), offer(2, "amy"));
    world.fails(2, "amy", OfferOutcome::NoAnswer);
    assert_eq!(offers(&world.ready("ben")), offer(2, "ben"));
}

/// The example of docs/queues.md.
#[test]
fn the_worked_example_is_as_it_is_told() {
    let queues = [("waste", queue(&["waste"])), ("housing", queue(&["housing"]))];
    let mut world = World::new(&queues, &[("amy", "waste"), ("ben", "waste housing")]);
    world.enter_at(1, "housing", 0);
    world.enter_at(2, "waste", 5);
    world.pass(secs(60));
    world.enter_at(3, "waste", 0);
    world.pass(secs(60));
    assert_eq!(offers(&world.ready("amy")), offer(3, "amy"));
    world.claim(3, "amy");
    world.pass(secs(60));
    assert_eq!(offers(&world.ready("ben")), offer(1, "ben"));
}
