//! Not ready for a reason: how long, how many at once, and what is told of it.

use super::*;
use crate::acd::command::{ChoiceError, WasAway};
use crate::id::AwayReason;

/// Lunch takes half an hour, of one at a time; training as long as it takes; nobody answers for two minutes.
fn council() -> World {
    let mut world = World::council();
    let mut plan = world.acd.plan.clone();
    let limited =
        |title, limit_s, at_once| AwaySettings { limit_s, at_once, ..AwaySettings::titled(title) };
    plan.away.insert("lunch".into(), limited("Lunch", Some(1_800), Some(1)));
    plan.away.insert("training".into(), limited("Training", None, None));
    plan.away.insert(AwayReason::NO_ANSWER.into(), limited("Gone", Some(120), None));
    world.acd.reconfigure(plan);
    world
}

impl World {
    fn away(&mut self, agent: &str, reason: &str, why: StateReason) -> Vec<AcdEffect> {
        let (choice, by, away) = (AgentChoice::NotReady, None, Some(reason.into()));
        self.apply(AcdInput::Choose { agent: agent.into(), choice, reason: why, by, away })
    }
}

/// What is told of agents who are not ready: for what, and what is too long.
fn told(effects: &[AcdEffect]) -> Vec<String> {
    let told = effects.iter().filter_map(|effect| match effect {
        AcdEffect::AgentChanged { agent, from, to: AgentState::NotReady, away, .. } => {
            let away = away.as_ref().map_or("nothing", AwayReason::as_str);
            Some(format!("{agent} from {} for {away}", from.as_str()))
        }
        AcdEffect::AwayTooLong { agent, away, limit } => {
            Some(format!("{agent} too long for {away}: {} s", limit.as_secs()))
        }
        _ => None,
    });
    told.collect()
}

fn refused(effects: &[AcdEffect]) -> Option<ChoiceError> {
    effects.iter().find_map(|effect| match effect {
        AcdEffect::ChoiceRefused { error, .. } => Some(*error),
        _ => None,
    })
}

const OWN: StateReason = StateReason::Own;

#[test]
fn it_is_told_once_when_a_break_has_taken_too_long() {
    let mut world = council();
    world.ready("amy");
    assert_eq!(told(&world.away("amy", "lunch", OWN)), ["amy from ready for lunch"]);
    assert_eq!(told(&world.pass(secs(1_799))), [""; 0]);
    assert_eq!(
        told(&world.away("amy", "lunch", OWN)),
        [""; 0],
        "the same again gives no more time"
    );
    assert_eq!(told(&world.pass(secs(1))), ["amy too long for lunch: 1800 s"]);
    assert_eq!(told(&world.pass(secs(7_200))), [""; 0]);
    assert_eq!(told(&world.away("amy", "training", OWN)), ["amy from not_ready for training"]);
    assert_eq!(told(&world.pass(secs(7_200))), [""; 0]);
    world.choose("amy", AgentChoice::Ready);
    world.away("amy", "lunch", OWN);
    assert_eq!(told(&world.pass(secs(1_800))), ["amy too long for lunch: 1800 s"]);
    assert_eq!(
        told(&world.choose("amy", AgentChoice::NotReady)),
        ["amy from not_ready for nothing"]
    );
}

#[test]
fn a_colleague_who_rings_during_the_break_makes_it_no_longer() {
    let mut world = council();
    world.ready("amy");
    world.away("amy", "lunch", OWN);
    world.pass(secs(1_700));
    let (agent, ring_for) = (AgentId::from("amy"), secs(20));
    world.apply(AcdInput::Reserve { call: call(9), agent, queue: None, ring_for });
    world.claim(9, "amy");
    assert_eq!(told(&world.pass(secs(200))), [""; 0], "who talks is not away");
    let over = world.talk_ended(9, "amy");
    assert_eq!(told(&over), ["amy from talking for lunch"]);
    assert_eq!(told(&world.pass(secs(0))), ["amy too long for lunch: 1800 s"]);
}

#[test]
fn what_is_chosen_during_a_call_counts_and_begins_after_it() {
    let mut world = council();
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    assert_eq!(told(&world.away("amy", "lunch", OWN)), [""; 0]);
    world.ready("ben");
    let error = refused(&world.away("ben", "lunch", OWN));
    assert_eq!(error, Some(ChoiceError::TooManyAway), "amy is next");
    world.pass(secs(3_600));
    assert_eq!(told(&world.talk_ended(1, "amy")), ["amy from talking for lunch"]);
    assert_eq!(told(&world.pass(secs(1_799))), [""; 0]);
    assert_eq!(told(&world.pass(secs(1))), ["amy too long for lunch: 1800 s"]);
}

#[test]
fn only_so_many_may_be_away_at_once_unless_a_supervisor_says_so() {
    let mut world = council();
    for agent in ["amy", "ben", "chloe"] {
        world.ready(agent);
    }
    world.away("amy", "lunch", OWN);
    let effects = world.away("ben", "lunch", OWN);
    assert_eq!(
        (refused(&effects), world.state("ben")),
        (Some(ChoiceError::TooManyAway), AgentState::Ready)
    );
    assert_eq!(refused(&world.away("amy", "lunch", OWN)), None, "they are the one");
    assert_eq!(refused(&world.away("chloe", "lunch", StateReason::Supervisor)), None);
    world.choose("amy", AgentChoice::Ready);
    assert_eq!(refused(&world.away("ben", "lunch", OWN)), Some(ChoiceError::TooManyAway));
    world.choose("chloe", AgentChoice::SignOut);
    assert_eq!(refused(&world.away("ben", "lunch", OWN)), None);
}

#[test]
fn a_reason_that_nobody_can_choose_changes_nothing() {
    let mut world = council();
    world.ready("amy");
    for reason in ["luncheon", AwayReason::NO_ANSWER, AwayReason::UNSAID] {
        let effects = world.away("amy", reason, OWN);
        assert_eq!(refused(&effects), Some(ChoiceError::UnknownReason), "{reason}");
        assert_eq!(world.state("amy"), AgentState::Ready);
    }
    world.choose("amy", AgentChoice::SignOut);
    assert_eq!(refused(&world.away("amy", "lunch", OWN)), Some(ChoiceError::SignedOut));
}

#[test]
fn an_offer_that_nobody_answers_has_a_reason_and_a_limit_of_its_own() {
    let mut world = council();
    world.ready("amy");
    world.enter(1, "waste");
    let effects = world.fails(1, "amy", OfferOutcome::NoAnswer);
    assert_eq!(told(&effects), ["amy from reserved for no-answer"]);
    assert_eq!(told(&world.pass(secs(120))), ["amy too long for no-answer: 120 s"]);
    world.choose("amy", AgentChoice::Ready);
    let effects = world.fails(1, "amy", OfferOutcome::Rejected);
    assert_eq!(told(&effects), ["amy from reserved for declined"]);
}

#[test]
fn a_break_goes_on_over_a_restart_and_a_limit_that_changes_counts_at_once() {
    let was = |lasted, over| Some(WasAway { reason: "lunch".into(), lasted: secs(lasted), over });
    let restore =
        |away| AcdInput::Restore { agent: "amy".into(), state: AgentState::NotReady, away };
    for (lasted, left) in [(1_700, 100), (1_900, 0)] {
        let mut world = council();
        let effects = world.apply(restore(was(lasted, false)));
        assert_eq!(told(&effects), ["amy from signed_out for lunch"]);
        if left > 0 {
            assert_eq!(told(&world.pass(secs(left - 1))), [""; 0]);
        }
        assert_eq!(told(&world.pass(secs(1))), ["amy too long for lunch: 1800 s"]);
    }
    let mut world = council();
    world.apply(restore(was(1_900, true)));
    assert_eq!(told(&world.pass(secs(7_200))), [""; 0], "it was told before");

    let mut world = council();
    world.apply(restore(was(100, false)));
    let mut plan = world.acd.plan.clone();
    plan.away.insert(
        "lunch".into(),
        AwaySettings { limit_s: Some(60), ..AwaySettings::titled("Lunch") },
    );
    world.acd.reconfigure(plan);
    assert_eq!(told(&world.pass(secs(0))), ["amy too long for lunch: 60 s"]);
}
