//! Several agents rung at once for one caller: one claim holds, and everybody else is as before.

use super::*;
use crate::event::Choose;

fn ring_all(at_most: usize) -> World {
    let waste = waste_with(|queue| {
        (queue.choose, queue.ring_at_most) = (Choose::RingAll, at_most);
    });
    let agents = [("amy", "waste"), ("ben", "waste"), ("chloe", "waste housing")];
    World::new(&[waste, ("housing", queue(&["housing"]))], &agents)
}

fn all(number: u128, agents: &[&str]) -> Vec<(u128, String)> {
    agents.iter().map(|agent| (number, (*agent).to_owned())).collect()
}

fn all_ready(at_most: usize) -> World {
    let mut world = ring_all(at_most);
    for agent in ["ben", "amy", "chloe"] {
        world.ready(agent);
        world.pass(secs(10));
    }
    world
}

const ELSEWHERE: OfferOutcome = OfferOutcome::AnsweredElsewhere;

#[test]
fn as_many_as_may_be_are_rung_the_longest_idle_first() {
    for (at_most, rung) in [(1, &["ben"][..]), (2, &["ben", "amy"]), (5, &["ben", "amy", "chloe"])]
    {
        let mut world = all_ready(at_most);
        assert_eq!(offers(&world.enter(1, "waste")), all(1, rung));
        assert!(rung.iter().all(|agent| world.state(agent) == AgentState::Reserved));
    }
}

#[test]
fn the_first_to_answer_has_the_caller_and_the_others_are_as_idle_as_before() {
    let mut world = all_ready(5);
    world.enter(1, "waste");
    world.pass(secs(4));
    let effects = world.claim(1, "amy");
    let expected = [(1, "ben".to_owned(), ELSEWHERE), (1, "chloe".to_owned(), ELSEWHERE)];
    assert_eq!(cancelled(&effects), expected);
    let claimed = |effect: &AcdEffect| matches!(effect, AcdEffect::Claimed { agent, .. } if agent.as_str() == "amy");
    assert_eq!(effects.iter().filter(|effect| claimed(effect)).count(), 1);
    assert!(changes(&effects).iter().all(|(_, _, why)| *why == StateReason::Call), "no penalty");
    assert_eq!(world.state("ben"), AgentState::Ready);
    // Too late, by a hair.
    let refused = AcdEffect::ClaimRefused { call: call(1), agent: "chloe".into() };
    assert_eq!(world.claim(1, "chloe"), [refused]);
    assert_eq!(world.state("chloe"), AgentState::Ready);
    assert_eq!(world.fails(1, "ben", OfferOutcome::NoAnswer), []);
    assert_eq!(offers(&world.enter(2, "waste")), all(2, &["ben", "chloe"]), "as idle as before");
}

#[test]
fn whoever_is_called_off_is_free_for_the_next_caller_at_once() {
    let mut world = all_ready(5);
    world.enter(1, "waste");
    assert_eq!(offers(&world.enter(2, "housing")), [], "chloe rings for the first");
    assert_eq!(offers(&world.claim(1, "ben")), offer(2, "chloe"));
}

#[test]
fn nobody_is_rung_besides_while_somebody_waits_for_whom_nobody_is() {
    let mut world = ring_all(5);
    world.enter(1, "waste");
    world.enter(2, "housing");
    assert_eq!(offers(&world.ready("amy")), offer(1, "amy"));
    assert_eq!(offers(&world.ready("chloe")), offer(2, "chloe"), "not for the first");
    // Whoever gets ready while a phone rings is rung as well.
    assert_eq!(offers(&world.ready("ben")), offer(1, "ben"));
    assert_eq!(cancelled(&world.claim(1, "ben")), [(1, "amy".to_owned(), ELSEWHERE)]);
}

#[test]
fn each_who_does_not_answer_is_judged_alone_if_nobody_does() {
    let mut world = all_ready(5);
    world.enter(1, "waste");
    world.fails(1, "ben", OfferOutcome::NoAnswer);
    assert_eq!(
        (world.state("ben"), world.state("amy")),
        (AgentState::NotReady, AgentState::Reserved)
    );
    world.fails(1, "chloe", OfferOutcome::Rejected);
    assert_eq!(world.state("chloe"), AgentState::NotReady);
    // Who comes back is rung beside whoever is left.
    assert_eq!(offers(&world.choose("ben", AgentChoice::Ready)), offer(1, "ben"));
    world.fails(1, "amy", OfferOutcome::Unreachable);
    assert_eq!(world.state("amy"), AgentState::Unreachable);
    assert_eq!(world.claim(1, "ben").len(), 2, "the claim and what ben does now");
}

#[test]
fn an_answer_elsewhere_leaves_the_count_of_offers_not_answered_as_it_was() {
    let mut world = ring_all(5);
    let mut plan = world.acd.plan.clone();
    plan.queues.values_mut().for_each(|queue| queue.not_ready_after = 2);
    world.acd.reconfigure(plan);
    for agent in ["ben", "amy"] {
        world.ready(agent);
    }
    world.enter(1, "waste");
    world.fails(1, "ben", OfferOutcome::NoAnswer);
    assert_eq!(world.state("ben"), AgentState::Reserved, "once is not twice: rung again");
    world.claim(1, "amy");
    assert_eq!(world.state("ben"), AgentState::Ready);
    world.enter(2, "waste");
    world.fails(2, "ben", OfferOutcome::NoAnswer);
    assert_eq!(world.state("ben"), AgentState::NotReady, "the second that nobody answered");
}

#[test]
fn a_caller_who_leaves_calls_everybody_off() {
    let mut world = all_ready(5);
    world.enter(1, "waste");
    let effects = world.leave(1);
    let left = OfferOutcome::CallerLeft;
    let expected = ["ben", "amy", "chloe"].map(|agent| (1, agent.to_owned(), left));
    assert_eq!(cancelled(&effects), expected);
    assert_eq!(offers(&world.enter(2, "waste")), all(2, &["ben", "amy", "chloe"]));
}

#[test]
fn each_reservation_ends_by_itself() {
    let mut world = all_ready(5);
    world.enter(1, "waste");
    let effects = world.pass(secs(20) + super::super::LEASE_MARGIN);
    assert_eq!(cancelled(&effects).len(), 3);
    for agent in ["amy", "ben", "chloe"] {
        assert_eq!(world.state(agent), AgentState::Unreachable);
    }
}

#[test]
fn whoever_dials_or_signs_out_meanwhile_leaves_the_others_ringing() {
    let mut world = all_ready(5);
    world.enter(1, "waste");
    let effects = world.apply(AcdInput::Engage { agent: "ben".into(), call: call(9), queue: None });
    assert_eq!(cancelled(&effects), [(1, "ben".to_owned(), OfferOutcome::Withdrawn)]);
    let effects = world.choose("amy", AgentChoice::SignOut);
    assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(world.state("chloe"), AgentState::Reserved);
    assert_eq!(cancelled(&world.claim(1, "chloe")), []);
}

#[test]
fn new_settings_change_how_many_are_rung_from_then_on() {
    let mut world = all_ready(2);
    world.enter(1, "waste");
    let mut plan = world.acd.plan.clone();
    plan.queues.values_mut().for_each(|queue| queue.ring_at_most = 3);
    world.acd.reconfigure(plan.clone());
    assert_eq!(offers(&world.pass(secs(0))), offer(1, "chloe"));
    plan.queues.values_mut().for_each(|queue| queue.choose = Choose::LongestIdle);
    world.acd.reconfigure(plan);
    assert_eq!(cancelled(&world.pass(secs(0))), [], "whoever rings goes on");
    assert_eq!(cancelled(&world.claim(1, "amy")).len(), 2);
}

#[test]
fn somebody_to_be_rung_back_waits_for_whoever_holds_the_line_first() {
    let mut world = all_ready(5);
    let (queue, skills) = (queue_name("waste"), Vec::new());
    let (priority, since) = (Priority::default(), world.at);
    let effects = world.apply(AcdInput::Await { call: call(1), queue, skills, priority, since });
    assert_eq!(offers(&effects), all(1, &["ben", "amy", "chloe"]));
    assert_eq!(cancelled(&world.claim(1, "chloe")).len(), 2);
}

#[test]
fn whoever_picks_up_and_is_told_who_it_is_is_rung_for_alone() {
    let mut world = all_ready(2);
    world.enter(1, "waste");
    world.pass(secs(15));
    let picked_up = |agent: &str| AcdInput::PickedUp { call: call(1), agent: agent.into() };
    let effects = world.apply(picked_up("amy"));
    assert_eq!(cancelled(&effects), [(1, "ben".to_owned(), ELSEWHERE)]);
    assert_eq!(offers(&effects), [], "nor is anybody else rung instead");
    assert_eq!(world.apply(picked_up("chloe")), [], "nobody has rung her");
    world.choose("chloe", AgentChoice::NotReady);
    assert_eq!(offers(&world.choose("chloe", AgentChoice::Ready)), []);
    assert_eq!(world.pass(secs(21)), [], "it may last for longer than phones ring");
    assert!(world.claim(1, "amy").iter().any(|one| matches!(one, AcdEffect::Claimed { .. })));
}

#[test]
fn whoever_picks_up_and_goes_leaves_the_caller_to_the_others() {
    let mut world = all_ready(2);
    world.enter(1, "waste");
    world.apply(AcdInput::PickedUp { call: call(1), agent: "amy".into() });
    let effects = world.fails(1, "amy", OfferOutcome::Rejected);
    assert_eq!(offers(&effects), all(1, &["ben", "chloe"]));
    assert_eq!(world.state("amy"), AgentState::NotReady);
    // One who is never heard of again is given up.
    world.apply(AcdInput::PickedUp { call: call(1), agent: "ben".into() });
    let effects = world.pass(secs(22));
    assert_eq!(cancelled(&effects), [(1, "ben".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(offers(&effects), all(1, &["chloe"]));
}
