//! The work of a call after it: more time for it, and codes that are owed.

use super::*;
use crate::acd::command::ChoiceError;

/// Amy has talked with a caller; the queue gives 30 s for the work, and 80 s at most.
fn after_a_call(owed: bool) -> World {
    let (name, settings) = waste_with(|queue| {
        (queue.wrap_up_s, queue.wrap_up_most_s) = (30, 80);
        queue.wrap_up_required = owed;
    });
    let mut world = World::new(&[(name, settings)], &[("amy", "waste")]);
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.pass(secs(10));
    if owed {
        world.owes(true);
    }
    world.talk_ended(1, "amy");
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    world
}

impl World {
    fn owes(&mut self, owed: bool) -> Vec<AcdEffect> {
        self.apply(AcdInput::CodeOwed { agent: "amy".into(), owed })
    }

    fn more_time(&mut self) -> Vec<AcdEffect> {
        self.apply(AcdInput::MoreTime { agent: "amy".into() })
    }
}

fn refused(error: ChoiceError) -> [AcdEffect; 1] {
    [AcdEffect::ChoiceRefused { agent: "amy".into(), error }]
}

#[test]
fn more_time_is_as_much_again_up_to_the_longest() {
    let mut world = after_a_call(false);
    world.pass(secs(20));
    assert_eq!(world.more_time(), []);
    world.pass(secs(39));
    assert_eq!(world.state("amy"), AgentState::WrapUp, "30 s and 30 s");
    assert_eq!(world.more_time(), [], "20 s are left");
    assert_eq!(world.more_time(), refused(ChoiceError::NoMoreTime));
    world.pass(secs(20));
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    let ready = [("amy".to_owned(), AgentState::Ready, StateReason::WrapUpOver)];
    assert_eq!(changes(&world.pass(secs(1))), ready, "80 s after the call");
    assert_eq!(world.more_time(), refused(ChoiceError::NotWrappingUp));
}

#[test]
fn work_that_was_made_longer_is_ended_early_all_the_same() {
    let mut world = after_a_call(false);
    world.more_time();
    world.choose("amy", AgentChoice::Ready);
    assert_eq!(world.state("amy"), AgentState::Ready);
    assert_eq!(world.pass(secs(100)), [], "and no timer of it is left");
}

#[test]
fn more_time_is_given_by_telephone_too() {
    let mut world = after_a_call(false);
    world.pass(secs(25));
    let (agent, queue) = (AgentId::from("amy"), None);
    world.apply(AcdInput::Engage { agent, call: call(2), queue });
    assert_eq!(world.more_time(), []);
    world.pass(secs(10));
    world.talk_ended(2, "amy");
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    world.pass(secs(24));
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    world.pass(secs(1));
    assert_eq!(world.state("amy"), AgentState::Ready, "60 s after the first call");
}

#[test]
fn a_code_that_is_owed_keeps_the_work_from_ending() {
    let mut world = after_a_call(true);
    assert_eq!(world.choose("amy", AgentChoice::Ready), refused(ChoiceError::CodeOwed));
    assert_eq!(changes(&world.pass(secs(60))), []);
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    let ready = [("amy".to_owned(), AgentState::Ready, StateReason::WrapUpOver)];
    assert_eq!(changes(&world.owes(false)), ready, "its time is over already");
}

#[test]
fn a_code_that_is_given_in_time_changes_nothing_about_the_work() {
    let mut world = after_a_call(true);
    assert_eq!(world.owes(false), []);
    world.pass(secs(29));
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    world.pass(secs(1));
    assert_eq!(world.state("amy"), AgentState::Ready);
}

#[test]
fn whoever_gives_no_code_in_the_longest_time_is_not_ready() {
    let mut world = after_a_call(true);
    let gone = [("amy".to_owned(), AgentState::NotReady, StateReason::WrapUpOver)];
    assert_eq!(changes(&world.pass(secs(80))), gone);
    world.choose("amy", AgentChoice::Ready);
    assert_eq!(world.state("amy"), AgentState::Ready, "the next call's code is another matter");
}

#[test]
fn a_break_a_supervisor_and_going_home_need_no_code() {
    let mut world = after_a_call(true);
    let (agent, choice) = ("amy".into(), AgentChoice::Ready);
    let (reason, by) = (StateReason::Supervisor, Some("Sue".to_owned()));
    world.apply(AcdInput::Choose { agent, choice, reason, by, away: None });
    assert_eq!(world.state("amy"), AgentState::Ready);
    for (choice, state) in [
        (AgentChoice::NotReady, AgentState::NotReady),
        (AgentChoice::SignOut, AgentState::SignedOut),
    ] {
        let mut world = after_a_call(true);
        world.choose("amy", choice);
        assert_eq!(world.state("amy"), state);
        assert_eq!(world.pass(secs(100)), []);
    }
}

#[test]
fn telephoning_meanwhile_is_no_way_around_a_code() {
    let mut world = after_a_call(true);
    let (agent, queue) = (AgentId::from("amy"), None);
    world.apply(AcdInput::Engage { agent, call: call(2), queue });
    world.pass(secs(40));
    world.talk_ended(2, "amy");
    world.pass(secs(1));
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    assert_eq!(world.choose("amy", AgentChoice::Ready), refused(ChoiceError::CodeOwed));
}

#[test]
fn being_rung_by_a_colleague_is_no_way_around_a_code_either() {
    let mut world = after_a_call(true);
    let (agent, queue, ring_for) = (AgentId::from("amy"), None, secs(20));
    world.apply(AcdInput::Reserve { call: call(2), agent, queue, ring_for });
    assert_eq!(world.choose("amy", AgentChoice::Ready), refused(ChoiceError::CodeOwed));
    world.claim(2, "amy");
    assert_eq!(world.choose("amy", AgentChoice::Ready), refused(ChoiceError::CodeOwed));
    world.talk_ended(2, "amy");
    assert_eq!(world.state("amy"), AgentState::WrapUp);
}

#[test]
fn nobody_owes_a_code_who_is_not_at_a_call() {
    let mut world = after_a_call(false);
    world.choose("amy", AgentChoice::Ready);
    world.owes(true);
    assert!(!world.acd.owes_code(&"amy".into()));
}
