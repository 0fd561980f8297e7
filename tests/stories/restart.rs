//! The process dies and starts again from its journal.

use switchboard::config::settings::Settings;
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
fn an_adviser_who_is_taken_out_of_the_settings_is_signed_out_now_or_at_the_next_start() {
    for at_a_restart in [false, true] {
        let mut town = town();
        town.amy(Habits::default());
        town.ben(Habits::default());
        let gone = |settings: &mut Settings| {
            settings.agents.remove("ben");
        };
        if at_a_restart {
            town.restart_with(gone);
        } else {
            town.reload(gone);
        }
        let live = town.live();
        assert_eq!(town.agent("amy"), AgentState::Ready);
        assert_eq!(live.agents[&AgentState::Ready], 1, "{}", town.story());
        assert!(live.agent_list.iter().all(|one| one.agent.as_str() != "ben"));
        // Ben was the only one for general enquiries.
        let steps = ring().then([hear(WELCOME), hear(CHOICES), press("2"), hear(MUSIC)]);
        let resident = town.resident(steps.then([Step::Wait(secs(5)), Step::HangUp]));
        town.see_off(resident);
        assert_eq!(town.close().today().abandoned, 1);
    }
}

#[test]
fn a_queue_that_is_taken_out_of_the_settings_gives_its_callers_back_to_the_flow() {
    let mut town = town();
    let amy = town.amy(picks_up_after(secs(15)));
    let resident = town.resident(into_the_queue().then([hear(CLOSED_WHILE_WAITING)]));
    assert!(town.run_until(secs(30), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Ringing)
    }));
    town.run_for(secs(3));
    town.reload(|settings| {
        settings.queues.remove("waste");
    });
    town.see_off(resident);
    assert!(!town.person(amy).phone().is_busy(), "the phone rings no more");
    assert_eq!(town.agent("amy"), AgentState::Ready);
    let town = town.close();
    assert_eq!((town.today().offered, town.today().ended_by_system), (1, 1));
}

#[test]
fn a_reload_leaves_conversations_waits_and_wrap_up_alone() {
    let mut town = town();
    town.amy(Habits::default());
    let talks = into_the_queue().then([hear(AMY), Step::Wait(secs(10)), Step::HangUp]);
    let first = town.resident(talks);
    assert!(town.run_until(secs(30), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Talking)
    }));
    let steps = into_the_queue().then([hear_within(AMY, secs(60)), Step::HangUp]);
    let second = town.caller("07700900002", |_| {}, steps);
    town.run_for(secs(5));
    assert_eq!(town.queue("waste").waiting, 1);
    town.reload(|settings| {
        for queue in settings.queues.values_mut() {
            queue.title.push_str(" (new)");
        }
    });
    assert_eq!((town.queue("waste").waiting, town.agent("amy")), (1, AgentState::Talking));
    town.see_off(first);
    town.run_for(secs(2));
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    town.reload(|_| {});
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    town.see_off(second);
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
