//! Who gets whom, and how an offer ends.

use super::*;
use crate::acd::LEASE_MARGIN;

#[test]
fn the_agent_who_has_been_idle_longest_gets_the_caller() {
    let mut world = World::council();
    for agent in ["ben", "amy", "chloe"] {
        world.ready(agent);
        world.pass(secs(10));
    }
    let effects = world.enter(1, "waste");
    assert_eq!(offers(&effects), offer(1, "ben"));
    let Some(AcdEffect::Offer { decision, ring_for, queue, .. }) = effects.last() else {
        panic!("{effects:?}");
    };
    let why = "idle 30 s, longest of 3 ready who can serve this caller";
    assert_eq!(decision.in_words(), why);
    let considered: Vec<&str> = decision.candidates.iter().map(|c| c.agent.as_str()).collect();
    assert_eq!(considered, ["ben", "amy", "chloe"]);
    assert_eq!((*ring_for, queue), (secs(20), &queue_name("waste")));
    assert_eq!(world.state("ben"), AgentState::Reserved);
}

#[test]
fn equally_idle_agents_come_in_the_order_of_their_names() {
    let mut world = World::council();
    for agent in ["chloe", "ben", "amy"] {
        world.ready(agent);
    }
    assert_eq!(offers(&world.enter(1, "waste")), offer(1, "amy"));
    assert_eq!(offers(&world.enter(2, "waste")), offer(2, "ben"));
}

#[test]
fn idleness_counts_from_the_end_of_the_last_contact() {
    let mut world = World::council();
    world.ready("amy");
    world.pass(secs(5));
    world.ready("ben");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.pass(secs(60));
    world.talk_ended(1, "amy");
    world.pass(secs(30));
    assert_eq!(world.state("amy"), AgentState::Ready);
    assert_eq!(offers(&world.enter(2, "waste")), offer(2, "ben"));
}

#[test]
fn an_agent_without_every_needed_skill_is_passed_over() {
    let mut world = World::council();
    world.ready("amy");
    assert_eq!(offers(&world.enter(1, "housing")), []);
    let needs_both = world.enter_with(2, "waste", "housing", AtClosing::Serve);
    assert_eq!(offers(&needs_both), []);
    let Some(AcdEffect::Entered { skills, .. }) = needs_both.first() else {
        panic!("{needs_both:?}")
    };
    assert_eq!(skills, &abilities("housing waste"));
    assert_eq!(offers(&world.ready("chloe")), offer(1, "chloe"));
    world.claim(1, "chloe");
    world.talk_ended(1, "chloe");
    assert_eq!(offers(&world.pass(secs(30))), offer(2, "chloe"));
}

#[test]
fn callers_are_served_first_come_first_served_over_all_queues() {
    let mut world = World::council();
    for (number, queue) in [(3, "housing"), (1, "waste"), (2, "housing")] {
        world.enter(number, queue);
        world.pass(secs(1));
    }
    assert_eq!(offers(&world.ready("chloe")), offer(3, "chloe"));
    assert_eq!(offers(&world.ready("amy")), offer(1, "amy"));
}

#[test]
fn callers_of_the_same_instant_come_in_the_order_of_their_calls() {
    let mut world = World::council();
    for number in [5, 4, 6] {
        world.enter(number, "waste");
    }
    assert_eq!(offers(&world.ready("amy")), offer(4, "amy"));
    assert_eq!(offers(&world.ready("ben")), offer(5, "ben"));
}

#[test]
fn a_phone_that_rings_makes_the_reserved_agent_ringing() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    let (agent, other) = (AgentId::from("amy"), call(9));
    assert_eq!(world.apply(AcdInput::Ringing { call: other, agent: agent.clone() }), []);
    world.pass(secs(2));
    let effects = world.apply(AcdInput::Ringing { call: call(1), agent: agent.clone() });
    let changed = AcdEffect::AgentChanged {
        agent: agent.clone(),
        from: AgentState::Reserved,
        to: AgentState::Ringing,
        reason: StateReason::Call,
        by: None,
        lasted: secs(2),
        away: None,
    };
    assert_eq!(effects, [changed]);
    assert_eq!(world.apply(AcdInput::Ringing { call: call(1), agent }), [], "a second phone");
}

#[test]
fn a_claim_joins_once_and_never_twice() {
    let mut world = World::council();
    world.ready("amy");
    world.pass(secs(3));
    world.enter(1, "waste");
    world.pass(secs(4));
    let effects = world.claim(1, "amy");
    assert_eq!(
        effects.first(),
        Some(&AcdEffect::Claimed {
            call: call(1),
            queue: "waste".into(),
            agent: "amy".into(),
            first_at: Time::from_millis(3_000),
            visit_at: Time::from_millis(3_000),
        })
    );
    assert_eq!(world.state("amy"), AgentState::Talking);
    let refused = AcdEffect::ClaimRefused { call: call(1), agent: "amy".into() };
    assert_eq!(world.claim(1, "amy"), [refused]);
    assert_eq!(world.state("amy"), AgentState::Talking);
}

#[test]
fn a_claim_for_somebody_elses_caller_is_refused() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    for (number, agent) in [(1, "ben"), (7, "amy"), (1, "nobody")] {
        let refused = AcdEffect::ClaimRefused { call: call(number), agent: agent.into() };
        assert_eq!(world.claim(number, agent), [refused]);
    }
    assert_eq!(world.state("amy"), AgentState::Reserved);
}

#[test]
fn no_answer_keeps_the_callers_place_and_takes_the_agent_out_of_ready() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    world.pass(secs(1));
    world.enter(2, "waste");
    world.pass(secs(19));
    let effects = world.fails(1, "amy", OfferOutcome::NoAnswer);
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::NotReady, StateReason::Rona)]);
    assert_eq!(offers(&world.ready("ben")), offer(1, "ben"), "before the later caller");
    let effects = world.claim(1, "ben");
    assert!(
        matches!(effects.first(), Some(AcdEffect::Claimed { first_at: Time::ZERO, .. })),
        "{effects:?}"
    );
}

#[test]
fn after_no_answer_the_caller_is_offered_to_the_next_agent_at_once() {
    let mut world = World::council();
    world.ready("amy");
    world.ready("ben");
    world.enter(1, "waste");
    assert_eq!(offers(&world.fails(1, "amy", OfferOutcome::NoAnswer)), offer(1, "ben"));
    assert_eq!(offers(&world.choose("amy", AgentChoice::Ready)), [], "being offered to ben");
}

#[test]
fn an_agent_who_refuses_is_not_ready() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    let effects = world.fails(1, "amy", OfferOutcome::Rejected);
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::NotReady, StateReason::Refused)]);
    assert_eq!(offers(&effects), []);
}

#[test]
fn a_dead_phone_is_not_offered_the_same_caller_again_and_again() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    let effects = world.fails(1, "amy", OfferOutcome::Unreachable);
    assert_eq!(
        changes(&effects),
        [("amy".to_owned(), AgentState::Unreachable, StateReason::Phone)]
    );
    assert_eq!(offers(&world.pass(secs(600))), []);
    let sign_of_life = AcdInput::Reachable { agent: "amy".into(), reachable: true };
    assert_eq!(offers(&world.apply(sign_of_life)), offer(1, "amy"));
    world.fails(1, "amy", OfferOutcome::Unreachable);
    assert_eq!(offers(&world.choose("amy", AgentChoice::Ready)), offer(1, "amy"));
}

#[test]
fn the_failure_of_an_offer_that_is_over_changes_nothing() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    assert_eq!(world.fails(1, "amy", OfferOutcome::NoAnswer), []);
    assert_eq!(world.fails(2, "ben", OfferOutcome::Rejected), []);
    assert_eq!(world.state("amy"), AgentState::Talking);
}

#[test]
fn a_reservation_that_nobody_ends_expires_by_itself() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    assert_eq!(world.acd.poll_timeout(), Some(world.at + secs(20) + LEASE_MARGIN));
    assert_eq!(world.pass(secs(29)), []);
    let effects = world.pass(secs(1));
    assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(world.state("amy"), AgentState::Unreachable);
    assert_eq!(offers(&world.ready("ben")), offer(1, "ben"));
    let refused = AcdEffect::ClaimRefused { call: call(1), agent: "amy".into() };
    assert_eq!(world.claim(1, "amy"), [refused], "a phone that answers after all");
}

#[test]
fn an_outcome_that_only_the_queue_can_decide_leaves_the_offer_to_its_lease() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    for outcome in [OfferOutcome::Accepted, OfferOutcome::CallerLeft, OfferOutcome::Withdrawn] {
        assert_eq!(world.fails(1, "amy", outcome), []);
    }
    world.pass(secs(20) + LEASE_MARGIN);
    assert_eq!(world.state("amy"), AgentState::Unreachable);
}

#[test]
fn an_agent_who_goes_while_the_phone_rings_gives_the_caller_back() {
    for (choice, state) in [
        (AgentChoice::NotReady, AgentState::NotReady),
        (AgentChoice::SignOut, AgentState::SignedOut),
    ] {
        let mut world = World::council();
        world.ready("amy");
        world.ready("ben");
        world.enter(1, "waste");
        let effects = world.choose("amy", choice);
        assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::Withdrawn)]);
        assert_eq!(offers(&effects), offer(1, "ben"));
        assert_eq!(world.state("amy"), state);
    }
}

#[test]
fn when_several_agents_become_free_at_once_the_longest_waiting_callers_are_served() {
    let mut world = World::new(
        &[("waste", queue(&["waste"])), ("housing", queue(&["housing"]))],
        &[("amy", "waste housing"), ("ben", "waste")],
    );
    world.ready("amy");
    world.ready("ben");
    for (number, agent) in [(1, "amy"), (2, "ben")] {
        world.enter(number, "waste");
        world.claim(number, agent);
        world.talk_ended(number, agent);
    }
    for (number, queue) in [(3, "waste"), (4, "waste"), (5, "housing")] {
        world.pass(secs(1));
        world.enter(number, queue);
    }
    let expected = [(3, "amy".to_owned()), (4, "ben".to_owned())];
    assert_eq!(offers(&world.pass(secs(30))), expected);
}
