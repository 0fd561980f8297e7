//! Networks lose, delay, double and reorder. Every call still has one ending.

use switchboard::event::{AgentState, EndCause};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;
use switchboard::sim::network::Conditions;
use switchboard::sim::phone::Quirks;

use crate::town::*;

fn bad(lost_per_mille: u32) -> Conditions {
    Conditions { latency: millis(20), jitter: millis(40), lost_per_mille, doubled_per_mille: 50 }
}

#[test]
fn with_a_fifth_of_all_packets_lost_every_call_has_one_ending_and_nobody_stays_reserved() {
    for seed in 0..12 {
        let mut town = town_with(|change| change.seed = seed);
        town.amy(Habits::default());
        town.ben(Habits::default());
        town.set_conditions(bad(200), bad(200));
        for at in 0..6 {
            let number = format!("0770090000{at}");
            let steps = vec![
                Step::Ring(NUMBER.to_owned()),
                Step::UntilAnswered { within: secs(40) },
                Step::Wait(secs(3)),
                Step::Press("1".to_owned()),
                Step::Wait(secs(10 + 3 * at)),
                Step::HangUp,
            ];
            town.caller(&number, |_| {}, steps);
            town.run_for(secs(4));
        }
        town.run_for(secs(200));
        town.set_conditions(Conditions::default(), Conditions::default());
        let town = town.close();
        assert_eq!(town.causes().len(), town.arrivals(), "{}", town.story());
    }
}

#[test]
fn with_a_tenth_of_the_voice_lost_a_key_still_counts_and_both_hear_each_other() {
    for seed in 0..6 {
        let mut town = town_with(|change| change.seed = seed);
        let amy = town.amy(Habits::default());
        town.set_conditions(Conditions::default(), bad(100));
        let steps = ring().then([
            Step::Wait(secs(2)),
            press("1"),
            Step::UntilHears {
                what: Expect::Sound,
                within: secs(10),
                otherwise: switchboard::sim::caller::Otherwise::Fail,
            },
            Step::Wait(secs(8)),
            Step::HangUp,
        ]);
        let resident = town.resident(steps);
        assert!(
            town.run_until(secs(30), |world| world.person(amy).phone().voice().ear().packets()
                > 50)
        );
        let hz = town.person(amy).phone().voice().ear().frequency(400).unwrap_or(0.0);
        assert!((hz - f64::from(CALLER)).abs() < 5.0, "seed {seed}\n{}", town.story());
        town.see_off(resident);
        let town = town.close();
        let keys = town.count(|event| matches!(event, switchboard::event::CallEvent::Chose { .. }));
        assert_eq!((keys, town.today().answered), (1, 1), "seed {seed}");
    }
}

#[test]
fn a_caller_who_vanishes_in_the_queue_is_noticed() {
    let mut town = town();
    let ben = town.ben(Habits::default());
    town.adviser_mut(ben, |ben, now| ben.dial(now, "*73"));
    town.run_for(secs(5));
    let resident = town.resident(into_the_queue().then([Step::Wait(secs(1_000))]));
    town.run_for(secs(10));
    let gone = Quirks { unplugged: true, ..Quirks::default() };
    town.caller_mut(resident, |caller, _| caller.phone_mut().set_quirks(gone));
    // Whoever only listens may send nothing for long; five minutes are too long.
    town.run_for(secs(280));
    assert_eq!(town.queue("waste").waiting, 1);
    town.run_for(secs(60));
    assert_eq!(town.causes(), [EndCause::CallerSilent], "{}", town.story());
    assert_eq!(town.queue("waste").waiting, 0);
    town.close();
}

#[test]
fn a_caller_who_vanishes_in_the_conversation_frees_the_adviser() {
    let mut town = town();
    town.amy(Habits::default());
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::Wait(secs(300))]));
    assert!(town.run_until(secs(60), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Talking)
    }));
    town.run_for(secs(5));
    let gone = Quirks { unplugged: true, ..Quirks::default() };
    town.caller_mut(resident, |caller, _| caller.phone_mut().set_quirks(gone));
    town.run_for(secs(60));
    assert_eq!(town.causes(), [EndCause::CallerSilent]);
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}

#[test]
fn slow_networks_change_nothing_but_the_wait() {
    let mut town = town();
    town.amy(Habits::default());
    let slow = Conditions { latency: millis(300), ..Conditions::default() };
    town.set_conditions(slow, slow);
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}
