//! What callers are told of their place and of the wait, and how true it is.

use std::collections::BTreeMap;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::event::Met;

fn range_of(world: &World, number: u128) -> Option<(u32, u32)> {
    let outlook = world.acd.outlook(call(number), world.at).expect("waits");
    outlook.wait.map(|wait| (wait.least_min, wait.most_min))
}

fn position_of(world: &World, number: u128) -> Option<u64> {
    world.acd.outlook(call(number), world.at)?.position
}

/// `amy` answers callers one after the other, each for two minutes, work after the call included.
fn served(calls: u128) -> World {
    let waste = waste_with(|queue| queue.wrap_up_s = 20);
    let mut world = World::new(&[waste], &[("amy", "waste"), ("ben", "waste")]);
    world.ready("amy");
    for number in 1..=calls {
        world.enter(number, "waste");
        world.claim(number, "amy");
        world.pass(secs(100));
        world.talk_ended(number, "amy");
        world.pass(secs(20));
    }
    world
}

#[test]
fn nothing_is_told_of_the_wait_while_little_is_known() {
    for (calls, told) in [(4, None), (5, Some((0, 4)))] {
        let mut world = served(calls);
        world.enter(90, "waste");
        world.claim(90, "amy");
        world.enter(91, "waste");
        assert_eq!(position_of(&world, 91), Some(1), "the place is known always");
        // The call that amy is on was answered, and is the fifth.
        let told = told.or((calls == 4).then_some((0, 4)));
        assert_eq!(range_of(&world, 91), told);
    }
    let mut world = served(3);
    world.enter(90, "waste");
    world.claim(90, "amy");
    world.enter(91, "waste");
    assert_eq!(range_of(&world, 91), None, "four were answered");
}

#[test]
fn a_wait_grows_with_those_before_and_shrinks_with_those_who_answer() {
    let mut world = served(5);
    world.enter(90, "waste");
    world.claim(90, "amy");
    for number in 91..=94 {
        world.enter(number, "waste");
    }
    assert_eq!((position_of(&world, 91), range_of(&world, 91)), (Some(1), Some((0, 4))));
    assert_eq!((position_of(&world, 94), range_of(&world, 94)), (Some(4), Some((4, 15))));
    world.ready("ben");
    world.claim(91, "ben");
    assert_eq!((position_of(&world, 94), range_of(&world, 94)), (Some(3), Some((1, 5))));
    // Whoever goes after this call does not count for it.
    world.choose("ben", AgentChoice::SignOut);
    assert_eq!(range_of(&world, 94), Some((3, 10)), "ben leaves after this call");
    world.choose("amy", AgentChoice::SignOut);
    assert_eq!(range_of(&world, 94), None, "nobody is left who will answer");
}

#[test]
fn what_is_old_and_whom_nobody_serves_is_not_told() {
    let mut world = served(5);
    world.pass(secs(31 * 60));
    world.enter(90, "waste");
    world.claim(90, "amy");
    world.enter(91, "waste");
    assert_eq!(range_of(&world, 91), None, "the last answers are too long ago");
    assert_eq!(world.acd.outlook(call(77), world.at), None, "who does not wait");
}

#[test]
fn whoever_others_serve_counts_for_a_part() {
    let queues = [
        waste_with(|queue| queue.wrap_up_s = 0),
        ("housing", QueueSettings { wrap_up_s: 0, ..queue(&["housing"]) }),
    ];
    let agents = [("amy", "waste"), ("chloe", "waste housing"), ("dev", "housing")];
    let mut world = World::new(&queues, &agents);
    all_answer(&mut world, &[("amy", "waste"), ("chloe", "waste"), ("dev", "housing")]);
    for number in 80..=85 {
        world.enter(number, "housing");
    }
    world.enter(90, "waste");
    // Of six for housing, half fall to chloe; two of the three serve waste.
    assert_eq!((position_of(&world, 90), range_of(&world, 90)), (Some(1), Some((2, 6))));
    world.choose("chloe", AgentChoice::NotReady);
    assert_eq!(range_of(&world, 90), Some((0, 4)), "amy serves waste alone");
}

/// Each answers five callers of two minutes, and one more now.
fn all_answer(world: &mut World, agents: &[(&str, &str)]) {
    for (agent, _) in agents {
        world.ready(agent);
    }
    for round in 0..=5 {
        for (at, (agent, queue)) in agents.iter().enumerate() {
            let number = 1_000 + round * 10 + at as u128;
            let effects = world.enter(number, queue);
            let (_, to) = offers(&effects).pop().expect("somebody is free");
            world.claim(number, &to);
            assert!(agents.iter().any(|(id, _)| *id == to), "{agent}");
        }
        if round < 5 {
            world.pass(secs(120));
            let engaged: Vec<(u128, String)> = agents
                .iter()
                .flat_map(|(id, _)| {
                    let calls = world.acd.calls_of(&(*id).into());
                    calls.into_iter().map(|call| (call.0.as_u128(), (*id).to_owned()))
                })
                .collect();
            for (number, agent) in engaged {
                world.talk_ended(number, &agent);
            }
        }
    }
}

/// A day of an office under load, with waits of several minutes: most are as callers were told, and as
/// many are shorter as longer, more or less.
#[test]
fn most_waits_come_out_as_told() {
    let names: Vec<String> = (0..12).map(|at| format!("agent-{at:02}")).collect();
    let skills = |at: usize| match at % 3 {
        0 => "waste",
        1 => "waste housing",
        _ => "housing",
    };
    let agents: Vec<(&str, &str)> =
        names.iter().enumerate().map(|(at, name)| (name.as_str(), skills(at))).collect();
    let wrapped = |skill| QueueSettings { wrap_up_s: 30, ..queue(&[skill]) };
    let mut world =
        World::new(&[("waste", wrapped("waste")), ("housing", wrapped("housing"))], &agents);
    for (name, _) in &agents {
        world.ready(name);
    }
    let mut rng = ChaCha12Rng::seed_from_u64(11);
    let mut exponential = move |mean_s: f64| {
        let drawn = (f64::from(rng.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0);
        Duration::from_secs_f64(-mean_s * drawn.ln())
    };
    let mut next_arrival = world.at + exponential(17.0);
    let mut ends: BTreeMap<(Time, u128), String> = BTreeMap::new();
    let mut told = BTreeMap::new();
    let mut met: BTreeMap<Met, u32> = BTreeMap::new();
    let mut number = 0;
    let mut offered: Vec<(u128, String)> = Vec::new();
    while number < 3_000 {
        let end = ends.keys().next().copied().filter(|(at, _)| *at <= next_arrival);
        let until = end.map_or(next_arrival, |(at, _)| at);
        // A wrap-up may end before: whoever it frees answers at once.
        if let Some(due) = world.acd.poll_timeout().filter(|due| *due <= until) {
            world.at = world.at.max(due);
            offered.extend(offers(&world.apply(AcdInput::Timer)));
        } else if let Some((at, ended)) = end {
            world.at = at;
            let agent = ends.remove(&(at, ended)).expect("is there");
            offered.extend(offers(&world.talk_ended(ended, &agent)));
        } else {
            world.at = next_arrival;
            next_arrival = world.at + exponential(17.0);
            number += 1;
            let queue = if number % 2 == 0 { "waste" } else { "housing" };
            offered.extend(offers(&world.enter(number, queue)));
            let waits = offered.iter().all(|(call, _)| *call != number);
            let outlook = world.acd.outlook(call(number), world.at).filter(|_| waits);
            if let Some(range) = outlook.and_then(|outlook| outlook.wait) {
                told.insert(number, (range, world.at));
            }
        }
        for (number, agent) in std::mem::take(&mut offered) {
            world.claim(number, &agent);
            ends.insert((world.at + exponential(160.0), number), agent);
            if let Some((range, since)) = told.remove(&number) {
                let waited = u64::try_from(world.at.since(since).as_micros()).expect("fits");
                *met.entry(range.met_by(waited)).or_default() += 1;
            }
        }
    }
    let of = |which| f64::from(met.get(&which).copied().unwrap_or(0));
    let all = of(Met::Sooner) + of(Met::Within) + of(Met::Later);
    println!("{met:?} of {all}");
    assert!(all > 1_000.0, "{met:?}");
    assert!(of(Met::Within) / all > 0.75, "{met:?}");
    assert!(of(Met::Later) / all < 0.15, "{met:?}");
}
