//! Advisers sign in and out, and say by star codes or through the API whether they are ready.

use switchboard::acd::command::AgentChoice;
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{AgentState, EndCause, StateReason};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::digest::Algorithm;
use switchboard::sim::phone::{PhoneEvent, Quirks};

use crate::town::*;

#[test]
fn star_codes_change_the_state_and_say_so() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    for (code, hz, state) in [
        ("*73", NOT_READY, AgentState::NotReady),
        ("*72", READY, AgentState::Ready),
        ("*70", SIGNED_IN, AgentState::Ready),
    ] {
        town.adviser_mut(amy, |amy, now| amy.dial(now, code));
        let heard = town.run_until(secs(10), |world| {
            world.person(amy).phone().voice().ear().hears(world.now(), &Expect::Tone(hz))
        });
        assert!(heard, "{code} is confirmed\n{}", town.story());
        town.run_for(secs(5));
        assert_eq!(town.agent("amy"), state);
        assert!(!town.person(amy).phone().is_busy(), "the confirmation ends the call");
    }
    assert_eq!(town.last_reason("amy"), Some(StateReason::Own));
    let town = town.close();
    assert_eq!(town.causes(), [], "star codes are no residents' calls");
}

#[test]
fn a_star_code_from_a_stranger_is_refused() {
    let mut town = town();
    town.amy(Habits::default());
    let dial = || vec![Step::Ring("*73".to_owned()), Step::UntilRefused { within: secs(5) }];
    let stranger = town.caller("01632960666", |_| {}, dial());
    // Amy's name, but not her password.
    let impostor = town.caller("amy", |phone| phone.password = Some("guess".to_owned()), dial());
    // Ben's own password does not change Amy.
    let ben = town.caller(
        "amy",
        |phone| {
            phone.user = "amy".to_owned();
            phone.password = Some("ben's".to_owned());
        },
        dial(),
    );
    for who in [stranger, impostor, ben] {
        town.see_off(who);
    }
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}

#[test]
fn a_phone_with_a_wrong_password_does_not_register() {
    let mut town = town();
    let amy = town.adviser("amy", "wrong", Habits::default(), |_| {});
    town.run_for(secs(10));
    let diary = town.person(amy).diary();
    let refused = [401, 403].iter().any(|s| diary.times(&PhoneEvent::NotRegistered(*s)) == 1);
    assert!(refused, "{diary:#?}");
    assert_eq!(diary.times(&PhoneEvent::Registered), 0);
    town.close();
}

#[test]
fn phones_register_with_either_digest_algorithm_and_refresh_for_hours() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let mut town = town();
        let habits = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
        let amy = town.adviser("amy", "amy's", habits, |phone| phone.algorithms = vec![algorithm]);
        town.run_for(secs(3 * 3_600));
        let diary = town.person(amy).diary();
        assert!(diary.times(&PhoneEvent::Registered) > 40, "{diary:#?}");
        assert!(!diary.iter().any(|(_, moment)| matches!(
            moment,
            switchboard::sim::diary::Moment::Phone(PhoneEvent::NotRegistered(_))
        )));
        assert_eq!(town.agent("amy"), AgentState::Ready);
        town.close();
    }
}

#[test]
fn an_adviser_whose_registration_runs_out_cannot_be_reached_until_the_phone_is_back() {
    let mut town = town();
    let amy = town.amy(Habits { registers_s: 120, ..Habits::default() });
    let gone = Quirks { unplugged: true, ..Quirks::default() };
    town.adviser_mut(amy, |amy, _| amy.phone_mut().set_quirks(gone));
    town.run_for(secs(130));
    assert_eq!(town.agent("amy"), AgentState::Unreachable);
    assert_eq!(town.last_reason("amy"), Some(StateReason::Phone));
    town.adviser_mut(amy, |amy, now| {
        amy.phone_mut().set_quirks(Quirks::default());
        amy.phone_mut().register(now, 120);
    });
    town.run_for(secs(5));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}

#[test]
fn an_adviser_who_leaves_signs_off_the_phone() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    town.adviser_mut(amy, |amy, now| amy.leave(now));
    town.run_for(secs(2));
    assert_eq!(town.person(amy).diary().times(&PhoneEvent::Unregistered), 1);
    assert_eq!(town.agent("amy"), AgentState::Unreachable);
    town.close();
}

#[test]
fn the_api_does_what_star_codes_do_and_a_supervisor_is_named() {
    let mut town = town();
    town.amy(Habits::default());
    let choose = |choice| Request::Agent { agent: "amy".into(), choice };
    let reply = town.ask("Duty supervisor", false, choose(AgentChoice::NotReady));
    assert_eq!(reply, Some(Reply::Agent(AgentState::NotReady)));
    assert_eq!(town.last_reason("amy"), Some(StateReason::Supervisor));
    assert!(town.story().contains("Duty supervisor"));
    let reply = town.ask("amy", true, choose(AgentChoice::SignOut));
    assert_eq!(reply, Some(Reply::Agent(AgentState::SignedOut)));
    let reply = town.ask("amy", true, choose(AgentChoice::Ready));
    assert!(matches!(reply, Some(Reply::ChoiceRefused(_))), "{reply:?}");
    town.close();
}

#[test]
fn not_ready_during_a_conversation_takes_effect_after_it() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(5)), Step::HangUp]);
    let resident = town.resident(steps);
    assert!(town.run_until(secs(60), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Talking)
    }));
    let choice = AgentChoice::NotReady;
    town.ask("amy", true, Request::Agent { agent: "amy".into(), choice });
    assert_eq!(town.agent("amy"), AgentState::Talking);
    town.see_off(resident);
    town.run_for(secs(15));
    assert_eq!(town.agent("amy"), AgentState::NotReady, "{}", town.story());
    town.close();
}

#[test]
fn signing_out_while_the_phone_rings_gives_the_caller_to_somebody_else() {
    let mut town = town();
    town.amy(picks_up_after(secs(15)));
    town.run_for(secs(1));
    town.ben(Habits::default());
    let resident = town.resident(into_the_queue().then([hear_within(BEN, secs(40)), Step::HangUp]));
    assert!(town.run_until(secs(60), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Ringing)
    }));
    let choice = AgentChoice::SignOut;
    town.ask("amy", true, Request::Agent { agent: "amy".into(), choice });
    town.see_off(resident);
    assert_eq!(town.agent("amy"), AgentState::SignedOut);
    town.close();
}

#[test]
fn a_supervisor_can_end_a_call() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::UntilEnded { within: secs(30) }]);
    let resident = town.resident(steps);
    assert!(town.run_until(secs(60), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Talking)
    }));
    town.run_for(secs(2));
    let call = town.calls().last().expect("a call").0;
    assert_eq!(town.ask("Duty supervisor", false, Request::HangUp { call }), Some(Reply::Done));
    town.see_off(resident);
    let reply = town.ask("Duty supervisor", false, Request::HangUp { call });
    assert_eq!(reply, Some(Reply::UnknownCall));
    let town = town.close();
    assert_eq!(town.causes().len(), 1);
    assert_ne!(town.causes(), [EndCause::CallerHungUp]);
}
