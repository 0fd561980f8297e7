//! The process dies and starts again from its journal.

use switchboard::event::{AgentState, EndCause, Outcome};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;

use crate::town::*;

#[test]
fn registrations_states_and_todays_figures_survive() {
    let mut town = town();
    town.amy(Habits::default());
    let ben = town.ben(Habits::default());
    town.adviser_mut(ben, |ben, now| ben.dial(now, "*73"));
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.see_off(resident);
    town.run_for(secs(20));
    let before = town.live();
    town.restart();
    let after = town.live();
    assert_eq!(before.today, after.today);
    assert_eq!(
        (town.agent("amy"), town.agent("ben")),
        (AgentState::Ready, AgentState::NotReady),
        "{}",
        town.story()
    );
    // No phone has registered again: the engine still knows where Amy's is.
    let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
    let next = town.caller("07700900002", |_| {}, steps);
    town.see_off(next);
    assert_eq!(town.close().today().answered, 2);
}

#[test]
fn calls_that_were_open_are_closed_as_lost_with_the_process() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let talking = town.resident(into_the_queue().then([hear(AMY), Step::Wait(secs(100))]));
    let waiting =
        town.caller("07700900002", |_| {}, into_the_queue().then([Step::Wait(secs(100))]));
    assert!(town.run_until(secs(60), |world| {
        let live = world.live();
        live.agent_list.iter().any(|one| one.state == AgentState::Talking)
            && live.queues.iter().any(|queue| queue.waiting == 1)
    }));
    town.run_for(secs(3));
    town.restart();
    assert_eq!(town.causes(), [EndCause::ProcessDied, EndCause::ProcessDied]);
    assert_eq!(town.agent("amy"), AgentState::Ready);
    let today = town.today();
    assert_eq!((today.offered, today.answered, today.ended_by_system), (2, 1, 1));
    assert_eq!(town.queue("waste").books_difference, 0);
    let ended = town.count(|event| {
        matches!(event, switchboard::event::CallEvent::QueueLeft { outcome, .. }
            if *outcome == Outcome::EndedBySystem)
    });
    assert_eq!(ended, 1);
    for id in [talking, waiting] {
        town.caller_mut(id, |caller, now| caller.leave(now));
    }
    town.adviser_mut(amy, |amy, now| amy.hang_up(now));
    town.close();
}
