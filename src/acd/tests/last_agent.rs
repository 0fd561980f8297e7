//! A repeat caller waits for the agent who spoke with them last, and no longer than the queue says.

use super::*;
use crate::event::{Choose, LastAgent, NotWaitedFor};

fn world() -> World {
    let waste = waste_with(|queue| queue.last_agent_s = Some(30));
    let agents = [("amy", "waste"), ("ben", "waste"), ("chloe", "housing")];
    World::new(&[waste, ("housing", queue(&["housing"]))], &agents)
}

/// Ben has been idle longer than Amy.
fn both_ready() -> World {
    let mut world = world();
    for agent in ["ben", "amy"] {
        world.ready(agent);
        world.pass(secs(10));
    }
    world
}

/// Amy talks with the ninth caller.
fn amy_talks() -> World {
    let mut world = world();
    world.ready("amy");
    world.enter(9, "waste");
    world.claim(9, "amy");
    world
}

fn repeats(world: &mut World, number: u128, last: &str) -> Vec<AcdEffect> {
    let wish = ("waste", "", Priority::default(), AtClosing::Serve);
    let mut input = entering(number, wish, None, false);
    if let AcdInput::Enter { last_agent, .. } = &mut input {
        *last_agent = Some(last.into());
    }
    world.apply(input)
}

fn told(effects: &[AcdEffect]) -> Option<(&str, u64)> {
    effects.iter().find_map(|effect| match effect {
        AcdEffect::Entered { place, .. } => {
            let LastAgent { agent, for_us } = place.last_agent.as_ref()?;
            Some((agent.as_str(), for_us / 1_000_000))
        }
        _ => None,
    })
}

fn for_anybody(effects: &[AcdEffect]) -> Vec<(u128, NotWaitedFor)> {
    let over = effects.iter().filter_map(|effect| match effect {
        AcdEffect::WaitsForAnybody { call, why, .. } => Some((call.0.as_u128(), *why)),
        _ => None,
    });
    over.collect()
}

#[test]
fn whoever_spoke_with_the_caller_last_goes_before_whoever_the_rule_would_choose() {
    let mut world = both_ready();
    let effects = repeats(&mut world, 1, "amy");
    assert_eq!((told(&effects), offers(&effects)), (Some(("amy", 30)), offer(1, "amy")));
    let Some(AcdEffect::Offer { decision, .. }) = effects.last() else { panic!("{effects:?}") };
    assert_eq!(decision.in_words(), "spoke with this caller last");
    world.claim(1, "amy");
    assert_eq!(offers(&world.enter(2, "waste")), offer(2, "ben"), "anybody else by the rule");
}

#[test]
fn the_caller_waits_for_a_busy_agent_until_the_bound_and_then_for_anybody() {
    let mut world = amy_talks();
    repeats(&mut world, 1, "amy");
    assert_eq!(offers(&world.ready("ben")), [], "waits for Amy");
    world.pass(secs(29));
    assert_eq!(
        offers(&world.enter(2, "waste")),
        offer(2, "ben"),
        "nobody else waits because of it"
    );
    world.claim(2, "ben");
    world.talk_ended(2, "ben");
    let effects = world.pass(secs(1));
    assert_eq!(for_anybody(&effects), [(1, NotWaitedFor::TooLong)]);
    assert_eq!(offers(&world.pass(secs(30))), offer(1, "ben"), "once Ben's work is done");
}

#[test]
fn an_agent_who_becomes_free_in_time_serves_whoever_waited_for_them() {
    let mut world = amy_talks();
    repeats(&mut world, 1, "amy");
    world.talk_ended(9, "amy");
    assert_eq!(offers(&world.choose("amy", AgentChoice::Ready)), offer(1, "amy"));
    assert_eq!(for_anybody(&world.pass(secs(31))), [], "Amy's phone rings, and then nobody's");
}

#[test]
fn whoever_came_first_goes_first_whatever_agent_they_wait_for() {
    let mut world = amy_talks();
    world.enter(1, "waste");
    repeats(&mut world, 2, "amy");
    world.enter(3, "waste");
    world.talk_ended(9, "amy");
    assert_eq!(offers(&world.choose("amy", AgentChoice::Ready)), offer(1, "amy"));
    world.claim(1, "amy");
    world.talk_ended(1, "amy");
    assert_eq!(offers(&world.choose("amy", AgentChoice::Ready)), offer(2, "amy"));
}

#[test]
fn nobody_is_waited_for_who_is_not_there_or_cannot_serve_the_caller() {
    let mut world = both_ready();
    for last in ["chloe", "zoe"] {
        let effects = repeats(&mut world, 1, last);
        assert_eq!((told(&effects), offers(&effects)), (Some((last, 0)), offer(1, "ben")));
        world.leave(1);
    }
    world.choose("amy", AgentChoice::NotReady);
    let effects = repeats(&mut world, 1, "amy");
    assert_eq!((told(&effects), offers(&effects)), (Some(("amy", 0)), offer(1, "ben")));
    // A queue that does not ask for it.
    let mut world = World::council();
    let effects = repeats(&mut world, 1, "amy");
    assert_eq!(told(&effects), None);
}

#[test]
fn an_agent_who_goes_away_is_no_longer_waited_for() {
    type Goes = fn(&mut World) -> Vec<AcdEffect>;
    let goes: [Goes; 3] = [
        |world| world.choose("amy", AgentChoice::SignOut),
        |world| world.choose("amy", AgentChoice::NotReady),
        |world| {
            world.apply(AcdInput::Reachable { agent: "amy".into(), reachable: false });
            world.talk_ended(9, "amy");
            world.choose("amy", AgentChoice::Ready)
        },
    ];
    for goes in goes {
        let mut world = amy_talks();
        repeats(&mut world, 1, "amy");
        world.ready("ben");
        let effects = goes(&mut world);
        assert_eq!(for_anybody(&effects), [(1, NotWaitedFor::Away)]);
        assert_eq!(offers(&effects), offer(1, "ben"));
    }
}

#[test]
fn an_agent_who_does_not_answer_has_had_their_chance() {
    let mut world = both_ready();
    repeats(&mut world, 1, "amy");
    let effects = world.fails(1, "amy", OfferOutcome::NoAnswer);
    assert_eq!((for_anybody(&effects), offers(&effects)), (vec![], offer(1, "ben")));
}

#[test]
fn the_caller_counts_as_anybody_who_waits() {
    let (_, mut waste) = waste_with(|queue| queue.last_agent_s = Some(30));
    waste.max_wait_s = Some(20);
    waste.max_waiting = Some(1);
    let mut world = World::new(&[("waste", waste)], &[("amy", "waste"), ("ben", "waste")]);
    world.ready("amy");
    world.enter(9, "waste");
    world.claim(9, "amy");
    repeats(&mut world, 1, "amy");
    let full = returned(&world.enter(2, "waste"));
    assert_eq!(full, [(2, "waste".to_owned(), QueueReturn::Full, false)]);
    let effects = world.pass(secs(20));
    let late = [(1, "waste".to_owned(), QueueReturn::WaitedTooLong, true)];
    assert_eq!(returned(&effects), late);
    assert_eq!(for_anybody(&world.pass(secs(60))), [], "nothing is left of it");
}

#[test]
fn where_several_ring_at_once_only_the_last_agent_rings_until_the_bound() {
    let waste = waste_with(|queue| {
        (queue.last_agent_s, queue.choose, queue.ring_s) = (Some(5), Choose::RingAll, 20);
    });
    let mut world = World::new(&[waste], &[("amy", "waste"), ("ben", "waste")]);
    world.ready("amy");
    world.ready("ben");
    assert_eq!(offers(&repeats(&mut world, 1, "amy")), offer(1, "amy"));
    let effects = world.pass(secs(5));
    assert_eq!(for_anybody(&effects), [(1, NotWaitedFor::TooLong)]);
    assert_eq!(offers(&effects), offer(1, "ben"), "beside Amy");
    assert_eq!(cancelled(&world.claim(1, "ben")).len(), 1);
}

#[test]
fn new_settings_hold_for_those_who_wait_already() {
    let change = |bound: Option<u32>| {
        let mut world = amy_talks();
        repeats(&mut world, 1, "amy");
        world.ready("ben");
        world.pass(secs(10));
        let mut plan = world.acd.plan.clone();
        plan.queues.values_mut().for_each(|queue| queue.last_agent_s = bound);
        world.acd.reconfigure(plan);
        (for_anybody(&world.pass(secs(0))), for_anybody(&world.pass(secs(5))))
    };
    assert_eq!(change(None), (vec![(1, NotWaitedFor::Settings)], vec![]));
    assert_eq!(change(Some(15)), (vec![], vec![(1, NotWaitedFor::TooLong)]));
    assert_eq!(change(Some(10)), (vec![(1, NotWaitedFor::TooLong)], vec![]));
    assert_eq!(change(Some(60)), (vec![], vec![]));
}
