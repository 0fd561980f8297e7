//! Choices, phones, wrap-up, restarts and reloads.

use super::*;
use crate::acd::command::ChoiceError;

fn at_work(agent: &str) -> World {
    let mut world = World::council();
    world.ready(agent);
    world.enter(1, "waste");
    world.claim(1, agent);
    world
}

#[test]
fn whoever_signs_in_is_not_ready_until_they_say_so() {
    let mut world = World::council();
    assert_eq!(world.state("amy"), AgentState::SignedOut);
    let effects = world.choose("amy", AgentChoice::SignIn);
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::NotReady, StateReason::Own)]);
    world.pass(secs(3));
    assert_eq!(
        world.choose("amy", AgentChoice::Ready),
        [AcdEffect::AgentChanged {
            agent: "amy".into(),
            from: AgentState::NotReady,
            to: AgentState::Ready,
            reason: StateReason::Own,
            by: Some("amy".to_owned()),
            lasted: secs(3),
            away: None,
        }]
    );
    assert_eq!(world.choose("amy", AgentChoice::Ready), [], "again changes nothing");
    assert_eq!(world.choose("amy", AgentChoice::SignIn), []);
}

#[test]
fn a_choice_that_cannot_be_carried_out_is_refused() {
    let mut world = World::council();
    for choice in [AgentChoice::Ready, AgentChoice::NotReady] {
        let (agent, error) = ("amy".into(), ChoiceError::SignedOut);
        assert_eq!(world.choose("amy", choice), [AcdEffect::ChoiceRefused { agent, error }]);
    }
    let (agent, error) = ("zoe".into(), ChoiceError::UnknownAgent);
    let effects = world.choose("zoe", AgentChoice::SignIn);
    assert_eq!(effects, [AcdEffect::ChoiceRefused { agent, error }]);
    assert_eq!(world.choose("amy", AgentChoice::SignOut), [], "signed out is signed out");
}

#[test]
fn wrap_up_lasts_as_long_as_the_queue_says_and_ends_by_itself() {
    let mut world = at_work("amy");
    world.pass(secs(100));
    let effects = world.talk_ended(1, "amy");
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::WrapUp, StateReason::Call)]);
    assert_eq!(world.pass(secs(29)), []);
    let effects = world.pass(secs(1));
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::Ready, StateReason::WrapUpOver)]);
}

#[test]
fn a_queue_without_wrap_up_makes_its_agents_ready_at_once() {
    let mut world = World::new(&[waste_with(|queue| queue.wrap_up_s = 0)], &[("amy", "waste")]);
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.enter(2, "waste");
    let effects = world.talk_ended(1, "amy");
    assert_eq!(offers(&effects), offer(2, "amy"));
}

#[test]
fn each_agent_has_a_wrap_up_timer_of_their_own() {
    let mut world = at_work("amy");
    world.ready("ben");
    world.enter(2, "waste");
    world.claim(2, "ben");
    world.talk_ended(1, "amy");
    world.pass(secs(10));
    world.talk_ended(2, "ben");
    world.pass(secs(20));
    assert_eq!(world.state("amy"), AgentState::Ready);
    assert_eq!(world.state("ben"), AgentState::WrapUp);
    world.pass(secs(10));
    assert_eq!(world.state("ben"), AgentState::Ready);
}

#[test]
fn choices_in_wrap_up_end_it_early_and_its_timer_with_it() {
    for (choice, state) in [
        (AgentChoice::Ready, AgentState::Ready),
        (AgentChoice::NotReady, AgentState::NotReady),
        (AgentChoice::SignOut, AgentState::SignedOut),
    ] {
        let mut world = at_work("amy");
        world.talk_ended(1, "amy");
        world.choose("amy", choice);
        assert_eq!(world.state("amy"), state);
        assert_eq!(world.pass(secs(60)), []);
    }
}

#[test]
fn choices_during_a_conversation_take_effect_after_it() {
    for (choice, state) in [
        (AgentChoice::NotReady, AgentState::NotReady),
        (AgentChoice::SignOut, AgentState::SignedOut),
    ] {
        let mut world = at_work("amy");
        assert_eq!(world.choose("amy", choice), []);
        assert_eq!(world.state("amy"), AgentState::Talking);
        let effects = world.talk_ended(1, "amy");
        assert_eq!(changes(&effects), [("amy".to_owned(), state, StateReason::Own)]);
    }
    let mut world = at_work("amy");
    world.choose("amy", AgentChoice::NotReady);
    world.choose("amy", AgentChoice::Ready);
    world.talk_ended(1, "amy");
    assert_eq!(world.state("amy"), AgentState::WrapUp, "the last word counts");
}

#[test]
fn the_end_of_another_conversation_does_not_free_an_agent() {
    let mut world = at_work("amy");
    assert_eq!(world.talk_ended(9, "amy"), []);
    assert_eq!(world.talk_ended(1, "ben"), []);
    assert_eq!(world.state("amy"), AgentState::Talking);
    world.talk_ended(1, "amy");
    world.choose("amy", AgentChoice::Ready);
    world.enter(2, "waste");
    world.claim(2, "amy");
    assert_eq!(world.talk_ended(1, "amy"), [], "the end of the last call, told twice");
    assert_eq!(world.state("amy"), AgentState::Talking);
}

#[test]
fn an_agent_without_a_phone_is_unreachable_until_there_is_one() {
    let mut world = World::council();
    let phone = |reachable| AcdInput::Reachable { agent: "amy".into(), reachable };
    world.ready("amy");
    let effects = world.apply(phone(false));
    assert_eq!(
        changes(&effects),
        [("amy".to_owned(), AgentState::Unreachable, StateReason::Phone)]
    );
    assert_eq!(offers(&world.enter(1, "waste")), []);
    let effects = world.apply(phone(true));
    assert_eq!(offers(&effects), offer(1, "amy"));
    world.claim(1, "amy");
    assert_eq!(world.apply(phone(false)), [], "a conversation follows its own legs");
    world.talk_ended(1, "amy");
    world.pass(secs(30));
    assert_eq!(world.state("amy"), AgentState::Unreachable);
    world.choose("amy", AgentChoice::NotReady);
    assert_eq!(world.apply(phone(true)), []);
    assert_eq!(world.state("amy"), AgentState::NotReady);
}

#[test]
fn a_phone_that_goes_while_it_rings_leaves_the_agent_unreachable_afterwards() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    assert_eq!(world.apply(AcdInput::Reachable { agent: "amy".into(), reachable: false }), []);
    world.leave(1);
    assert_eq!(world.state("amy"), AgentState::Unreachable);
}

#[test]
fn a_restart_gives_everybody_what_they_had_chosen() {
    let mut world = World::council();
    for (state, restored) in [
        (AgentState::SignedOut, AgentState::SignedOut),
        (AgentState::NotReady, AgentState::NotReady),
        (AgentState::Ready, AgentState::Unreachable),
        (AgentState::Reserved, AgentState::Unreachable),
        (AgentState::Ringing, AgentState::Unreachable),
        (AgentState::Talking, AgentState::Unreachable),
        (AgentState::WrapUp, AgentState::Unreachable),
        (AgentState::Unreachable, AgentState::Unreachable),
    ] {
        let wall = world.wall;
        world.acd = Acd::new(plan(&[("waste", queue(&["waste"]))], &[("amy", "waste")]));
        let agent = AgentId::from("amy");
        let restore = AcdInput::Restore { agent: agent.clone(), state, away: None };
        let effects = world.acd.apply(Time::ZERO, &wall, restore);
        assert_eq!(world.state("amy"), restored, "{state:?}");
        assert!(changes(&effects).iter().all(|(_, _, why)| *why == StateReason::Restored));
        if restored == AgentState::Unreachable {
            world.apply(AcdInput::Reachable { agent, reachable: true });
            assert_eq!(world.state("amy"), AgentState::Ready);
        }
    }
}

#[test]
fn nothing_is_restored_over_what_an_agent_does_already_and_strangers_change_nothing() {
    let mut world = World::council();
    world.ready("amy");
    let restore = |agent: &str, state| AcdInput::Restore { agent: agent.into(), state, away: None };
    assert_eq!(world.apply(restore("amy", AgentState::NotReady)), []);
    assert_eq!(world.apply(restore("zoe", AgentState::SignedOut)), []);
    assert_eq!(world.apply(AcdInput::Reachable { agent: "zoe".into(), reachable: true }), []);
    assert_eq!(world.acd.agent_state(&"zoe".into()), None);
}

#[test]
fn whoever_was_at_work_and_is_no_longer_in_the_settings_is_signed_out() {
    let mut world = World::council();
    let state = AgentState::Ready;
    let effects = world.apply(AcdInput::Restore { agent: "zoe".into(), state, away: None });
    let signed_out = ("zoe".into(), AgentState::SignedOut, StateReason::Restored);
    assert_eq!(changes(&effects), [signed_out]);
    assert_eq!(world.acd.agent_state(&"zoe".into()), None);
}

#[test]
fn a_reload_keeps_callers_agents_and_running_timers() {
    let mut world = at_work("amy");
    world.enter(2, "housing");
    world.talk_ended(1, "amy");
    world.pass(secs(20));
    let queues =
        [waste_with(|queue| queue.wrap_up_s = 300), ("housing", queue(&["housing", "welsh"]))];
    world.acd.reconfigure(plan(&queues, &[("amy", "waste housing"), ("dev", "housing welsh")]));
    assert_eq!(world.acd.poll_timeout(), Some(world.acd.last_at));
    assert_eq!(world.apply(AcdInput::Timer), []);
    world.pass(secs(10));
    assert_eq!(world.state("amy"), AgentState::Ready, "wrap-up ends when it would have");
    assert_eq!(offers(&world.ready("dev")), [], "dev's phone is not known yet");
    let effects = world.apply(AcdInput::Reachable { agent: "dev".into(), reachable: true });
    assert_eq!(offers(&effects), offer(2, "dev"), "needs and skills are the new ones");
}

#[test]
fn a_reload_can_make_a_pair() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "housing");
    let queues = [("waste", queue(&["waste"])), ("housing", queue(&["housing"]))];
    world.acd.reconfigure(plan(&queues, &[("amy", "waste housing")]));
    assert_eq!(offers(&world.apply(AcdInput::Timer)), offer(1, "amy"));
}

#[test]
fn an_agent_who_is_no_longer_in_the_settings_is_signed_out_when_free() {
    let queues = [("waste", queue(&["waste"]))];
    let mut world = at_work("amy");
    world.ready("ben");
    world.enter(2, "waste");
    world.ready("chloe");
    world.acd.reconfigure(plan(&queues, &[("chloe", "waste")]));
    let effects = world.apply(AcdInput::Timer);
    assert_eq!(cancelled(&effects), [(2, "ben".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(offers(&effects), offer(2, "chloe"));
    assert_eq!(world.acd.agent_state(&"ben".into()), None);
    assert_eq!(world.state("amy"), AgentState::Talking);
    let (agent, error) = ("amy".into(), ChoiceError::UnknownAgent);
    let refused = AcdEffect::ChoiceRefused { agent, error };
    assert_eq!(world.choose("amy", AgentChoice::Ready), [refused]);
    let effects = world.talk_ended(1, "amy");
    assert_eq!(
        changes(&effects),
        [("amy".to_owned(), AgentState::SignedOut, StateReason::Supervisor)]
    );
    assert_eq!(world.acd.agent_state(&"amy".into()), None);
}

#[test]
fn callers_of_a_queue_that_is_no_longer_in_the_settings_go_back_to_their_flow() {
    let mut world = World::council();
    world.enter_with(1, "housing", "", AtClosing::Serve);
    world.acd.reconfigure(plan(&[("waste", queue(&["waste"]))], &[("amy", "waste")]));
    let closed = [(1, "housing".to_owned(), QueueReturn::Closed, true)];
    assert_eq!(returned(&world.apply(AcdInput::Timer)), closed);
}
