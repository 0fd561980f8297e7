//! Skills with levels, waits that let others in, rules of choice, turns, and agents who do not answer.

use super::*;
use crate::acd::settings::{Relaxation, TurnOrder};
use crate::event::Choose;

fn step(after_s: u32, skills: &str) -> Relaxation {
    Relaxation { after_s, skills: abilities(skills) }
}

/// Agents become ready a second after one another, in this order.
fn all_ready(world: &mut World, agents: &[&str]) {
    for agent in agents {
        world.ready(agent);
        world.pass(secs(1));
    }
}

fn answer(world: &mut World, number: u128, agent: &str, talk: u64) {
    world.claim(number, agent);
    world.pass(secs(talk));
    world.talk_ended(number, agent);
}

fn turns(turns: TurnSettings) -> World {
    let mut world = World::council();
    world.acd.reconfigure(AcdPlan { turns, ..world.acd.plan.clone() });
    world
}

/// The agent of the only offer.
fn offered_to(effects: &[AcdEffect]) -> Option<String> {
    match &offers(effects)[..] {
        [(_, agent)] => Some(agent.clone()),
        _ => None,
    }
}

#[test]
fn a_caller_goes_to_somebody_who_masters_enough() {
    let agents = [("amy", "waste:2"), ("ben", "waste:3"), ("chloe", "waste")];
    let mut world = World::new(&[waste_with(|q| q.skills = abilities("waste:3"))], &agents);
    all_ready(&mut world, &["amy", "ben", "chloe"]);
    assert_eq!(offers(&world.enter(1, "waste")), offer(1, "ben"), "amy is idle longer");
    assert_eq!(
        offers(&world.enter_with(2, "waste", "waste:4", AtClosing::Serve)),
        offer(2, "chloe")
    );
    assert_eq!(offers(&world.enter(3, "waste")), []);
}

#[test]
fn what_is_preferred_goes_before_idleness_and_keeps_nobody_waiting() {
    let agents = [("amy", "waste"), ("ben", "waste welsh:2"), ("chloe", "waste welsh:4")];
    let mut world = World::new(&[waste_with(|q| q.prefers = abilities("welsh:3"))], &agents);
    all_ready(&mut world, &["amy", "ben", "chloe"]);
    let effects = world.enter(1, "waste");
    assert_eq!(offers(&effects), offer(1, "chloe"));
    let Some(AcdEffect::Offer { decision, .. }) = effects.last() else { panic!("{effects:?}") };
    let why = "idle 1 s, the one of 3 ready with most of what is preferred";
    assert_eq!(decision.in_words(), why);
    assert_eq!(offers(&world.enter(2, "waste")), offer(2, "amy"), "ben's level is too low");
    assert_eq!(offers(&world.enter(3, "waste")), offer(3, "ben"));
}

#[test]
fn a_call_prefers_skills_besides_those_of_its_queue() {
    let mut world = World::council();
    all_ready(&mut world, &["amy", "chloe"]);
    let effects = world.enter_with(1, "waste", "housing?", AtClosing::Serve);
    assert_eq!(offers(&effects), offer(1, "chloe"));
}

#[test]
fn whoever_waits_is_served_by_others_after_a_while_and_keeps_the_place() {
    let relaxing = waste_with(|queue| {
        queue.skills = abilities("waste:4");
        queue.relax = vec![step(30, "waste:2"), step(60, "general")];
    });
    let agents = [("amy", "waste:2"), ("dev", "general"), ("ed", "waste")];
    let mut world = World::new(&[relaxing], &agents);
    all_ready(&mut world, &["amy", "dev"]);
    assert_eq!(offers(&world.enter(1, "waste")), []);
    world.pass(secs(1));
    world.enter(2, "waste");
    assert_eq!(world.pass(secs(28)), []);
    let effects = world.pass(secs(1));
    assert_eq!(offers(&effects), offer(1, "amy"));
    assert!(
        matches!(&effects[0], AcdEffect::Relaxed { skills, visit_at, .. }
            if *skills == abilities("waste:2") && *visit_at == Time::from_millis(2_000)),
        "{effects:?}"
    );
    world.fails(1, "amy", OfferOutcome::NoAnswer);
    assert_eq!(offers(&world.pass(secs(29))), []);
    assert_eq!(offers(&world.pass(secs(1))), offer(1, "dev"), "the place is kept");
    assert_eq!(offers(&world.ready("ed")), offer(2, "ed"));
}

#[test]
fn what_the_call_itself_asks_for_is_needed_however_long_it_waits() {
    let relaxing = waste_with(|queue| queue.relax = vec![step(30, "general")]);
    let mut world = World::new(&[relaxing], &[("amy", "general"), ("dev", "general welsh")]);
    all_ready(&mut world, &["amy", "dev"]);
    world.enter_with(1, "waste", "welsh", AtClosing::Serve);
    assert_eq!(offers(&world.pass(secs(30))), offer(1, "dev"));
}

#[test]
fn the_steps_count_from_the_visit_and_end_with_it() {
    let relaxing = waste_with(|queue| queue.relax = vec![step(30, "")]);
    let queues = [relaxing, ("housing", queue(&["housing"]))];
    let mut world = World::new(&queues, &[("amy", "general")]);
    world.ready("amy");
    world.enter(1, "waste");
    world.pass(secs(20));
    world.enter(1, "housing");
    assert_eq!(world.pass(secs(60)), [], "housing has no steps");
    world.enter(1, "waste");
    assert_eq!(world.pass(secs(29)), []);
    assert_eq!(offers(&world.pass(secs(1))), offer(1, "amy"));
}

#[test]
fn a_queue_that_lets_nobody_wait_in_vain_counts_those_who_may_serve_later() {
    let strict = waste_with(|queue| {
        queue.wait_when_unstaffed = false;
        queue.relax = vec![step(30, "general")];
    });
    let mut world = World::new(&[strict], &[("amy", "general")]);
    assert_eq!(returned(&world.enter(1, "waste")).len(), 1);
    world.ready("amy");
    assert_eq!(returned(&world.enter(1, "waste")), []);
    let gone = [(1, "waste".to_owned(), QueueReturn::NobodyOnDuty, true)];
    assert_eq!(returned(&world.choose("amy", AgentChoice::SignOut)), gone);
}

#[test]
fn new_settings_count_the_steps_of_those_who_wait() {
    let mut world = World::new(&[waste_with(|_| ())], &[("amy", "general")]);
    world.ready("amy");
    world.enter(1, "waste");
    world.pass(secs(40));
    world.apply(AcdInput::Timer);
    let relaxing = waste_with(|queue| queue.relax = vec![step(30, "x"), step(50, "general")]);
    world.acd.reconfigure(plan(&[relaxing], &[("amy", "general")]));
    assert_eq!(offers(&world.pass(secs(9))), []);
    assert_eq!(offers(&world.pass(secs(1))), offer(1, "amy"));
}

#[test]
fn the_most_skilled_are_chosen_first_then_the_longest_idle() {
    let most = waste_with(|queue| {
        queue.choose = Choose::MostSkilled;
        queue.relax = vec![step(10, "general")];
    });
    let agents = [("amy", "waste:2"), ("ben", "waste:4"), ("chloe", "waste:4"), ("dev", "general")];
    let mut world = World::new(&[most], &agents);
    all_ready(&mut world, &["dev", "amy", "chloe", "ben"]);
    for (number, agent) in [(1, "chloe"), (2, "ben"), (3, "amy")] {
        assert_eq!(offers(&world.enter(number, "waste")), offer(number, agent));
    }
    assert_eq!(offers(&world.enter(4, "waste")), []);
    assert_eq!(offers(&world.pass(secs(10))), offer(4, "dev"));
}

#[test]
fn the_least_occupied_of_the_day_is_chosen() {
    let least = waste_with(|queue| (queue.choose, queue.wrap_up_s) = (Choose::LeastOccupied, 10));
    let mut world = World::new(&[least], &[("amy", "waste"), ("ben", "waste")]);
    world.ready("amy");
    world.enter(1, "waste");
    answer(&mut world, 1, "amy", 30);
    // Amy: 40 s of work. Ben: 60 s of work, and longer idle.
    world.ready("ben");
    world.enter(2, "waste");
    answer(&mut world, 2, "ben", 50);
    world.pass(secs(100));
    let effects = world.enter(3, "waste");
    assert_eq!(offers(&effects), offer(3, "amy"));
    let Some(AcdEffect::Offer { decision, .. }) = effects.last() else { panic!("{effects:?}") };
    let shares: Vec<u32> = decision.candidates.iter().map(|one| one.occupied_ppm).collect();
    assert_eq!(shares, [222_222, 400_000], "40 of 180 s, 60 of 150 s");
}

#[test]
fn the_fewest_calls_of_the_day_decide_until_midnight() {
    let fewest = waste_with(|queue| (queue.choose, queue.wrap_up_s) = (Choose::FewestCalls, 0));
    let mut world = World::new(&[fewest], &[("amy", "waste"), ("ben", "waste")]);
    all_ready(&mut world, &["amy", "ben"]);
    for (number, agent) in [(1, "amy"), (2, "ben"), (3, "amy")] {
        assert_eq!(offered_to(&world.enter(number, "waste")).as_deref(), Some(agent));
        answer(&mut world, number, agent, 5);
    }
    assert_eq!(offers(&world.enter(4, "waste")), offer(4, "ben"));
    answer(&mut world, 4, "ben", 5);
    assert_eq!(offers(&world.enter(5, "waste")), offer(5, "amy"));
    answer(&mut world, 5, "amy", 500);
    // Amy has 3 calls, Ben 2, who has been idle for longer. A new day, and nobody has any.
    world.pass(secs(15 * 3_600));
    assert_eq!(offers(&world.enter(6, "waste")), offer(6, "ben"));
    answer(&mut world, 6, "ben", 1);
    assert_eq!(offers(&world.enter(7, "waste")), offer(7, "amy"));
}

#[test]
fn each_gets_a_call_in_turn_by_name() {
    let round = waste_with(|queue| (queue.choose, queue.wrap_up_s) = (Choose::RoundRobin, 0));
    let agents = [("amy", "waste"), ("ben", "waste"), ("chloe", "waste")];
    let mut world = World::new(&[round], &agents);
    all_ready(&mut world, &["chloe", "amy", "ben"]);
    for (number, agent) in [(1, "amy"), (2, "ben"), (3, "chloe"), (4, "amy")] {
        assert_eq!(offered_to(&world.enter(number, "waste")).as_deref(), Some(agent));
        answer(&mut world, number, agent, 1);
    }
    world.choose("ben", AgentChoice::NotReady);
    assert_eq!(offers(&world.enter(5, "waste")), offer(5, "chloe"), "whoever is away is left out");
}

#[test]
fn strict_priority_lets_the_more_urgent_pass_for_ever() {
    let mut world = World::council();
    world.enter_at(1, "waste", 1);
    world.pass(secs(3_600));
    world.enter_at(2, "waste", 0);
    assert_eq!(offers(&world.ready("amy")), offer(2, "amy"));
}

#[test]
fn with_ageing_a_caller_is_passed_by_those_who_come_soon_after_only() {
    let ageing = || turns(TurnSettings { ageing_s: Some(60), ..TurnSettings::default() });
    for (later, first) in [(119, 2), (120, 1), (121, 1)] {
        let mut world = ageing();
        world.enter_at(1, "waste", 2);
        world.pass(secs(later));
        world.enter_at(2, "waste", 0);
        assert_eq!(offers(&world.ready("amy")), offer(first, "amy"), "{later} s later");
    }
    let mut world = ageing();
    world.enter_at(1, "waste", 0);
    world.pass(secs(1));
    world.enter_at(2, "waste", 0);
    assert_eq!(offers(&world.ready("amy")), offer(1, "amy"), "equals as they came");
}

#[test]
fn whoever_misses_their_standard_first_goes_first() {
    let mut housing = queue(&["housing"]);
    housing.standard_s = 20;
    let queues = [("waste", queue(&["waste"])), ("housing", housing)];
    let by_standard = TurnSettings { order: TurnOrder::Standard, ageing_s: None };
    for (later, first) in [(39, 2), (41, 1)] {
        let mut world = World::new(&queues, &[("chloe", "waste housing")]);
        world.acd.reconfigure(AcdPlan { turns: by_standard, ..world.acd.plan.clone() });
        world.enter(1, "waste");
        world.pass(secs(later));
        world.enter(2, "housing");
        assert_eq!(offers(&world.ready("chloe")), offer(first, "chloe"), "{later} s later");
    }
}

#[test]
fn an_agent_is_not_ready_after_so_many_offers_in_a_row_without_an_answer() {
    let patient = waste_with(|queue| (queue.not_ready_after, queue.wrap_up_s) = (2, 0));
    let mut world = World::new(&[patient], &[("amy", "waste"), ("ben", "waste")]);
    all_ready(&mut world, &["amy", "ben"]);
    world.enter(1, "waste");
    let effects = world.fails(1, "amy", OfferOutcome::NoAnswer);
    assert_eq!(changes(&effects)[0], ("amy".to_owned(), AgentState::Ready, StateReason::Rona));
    assert_eq!(offers(&effects), offer(1, "ben"), "amy is idle for the shortest time now");
    world.claim(1, "ben");
    world.enter(2, "waste");
    world.claim(2, "amy");
    world.talk_ended(2, "amy");
    world.enter(3, "waste");
    let effects = world.fails(3, "amy", OfferOutcome::NoAnswer);
    assert_eq!(world.state("amy"), AgentState::Reserved, "an answer begins the count anew");
    assert_eq!(offers(&effects), offer(3, "amy"));
    let effects = world.fails(3, "amy", OfferOutcome::NoAnswer);
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::NotReady, StateReason::Rona)]);
    assert_eq!(offers(&world.ready("amy")), offer(3, "amy"));
    world.fails(3, "amy", OfferOutcome::NoAnswer);
    assert_eq!(world.state("amy"), AgentState::Reserved, "and so does being back");
}

#[test]
fn a_caller_is_told_from_where_they_stand() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    world.enter(2, "waste");
    world.choose("chloe", AgentChoice::SignIn);
    world.ready("ben");
    let place = |effects: &[AcdEffect]| match effects {
        [AcdEffect::Entered { place, .. }, ..] => place.clone(),
        _ => panic!("{effects:?}"),
    };
    // Two are being offered and wait no less for it.
    let third = place(&world.enter(3, "waste"));
    assert_eq!((third.ahead, third.able, third.priority), (2, 3, 0));
    assert_eq!(place(&world.enter_at(4, "waste", -1)).ahead, 0);
    world.leave(1);
    world.leave(3);
    world.leave(4);
    let housing = place(&world.enter(5, "housing"));
    let lacking: Vec<_> =
        housing.unable.iter().map(|one| (one.agent.as_str(), one.lacks.clone())).collect();
    assert_eq!(lacking, [("amy", abilities("housing"))]);
}
