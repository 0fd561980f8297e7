//! Advisers who are not ready, and for what: by star code, through the API, and because nobody answered.

use switchboard::acd::away::AwaySettings;
use switchboard::acd::command::{AgentChoice, ChoiceError};
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{AgentEvent, AgentState, Event};
use switchboard::id::AwayReason;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::stats::AwayLive;
use switchboard::stats::live::AgentLive;

use crate::town::*;

fn with_reasons() -> Town {
    town_with(|town| {
        let reason = |title, limit_s, at_once, key: Option<&str>| AwaySettings {
            limit_s,
            at_once,
            key: key.map(str::to_owned),
            ..AwaySettings::titled(title)
        };
        town.settings.not_ready = [
            ("lunch".into(), reason("Lunch", Some(1_800), Some(1), Some("1"))),
            ("training".into(), reason("Training", None, None, Some("2"))),
            (AwayReason::NO_ANSWER.into(), reason("Away from desk", Some(120), None, None)),
        ]
        .into();
    })
}

fn one_of(town: &Town, agent: &str) -> AgentLive {
    let live = town.live().agent_list;
    live.into_iter().find(|one| one.agent.as_str() == agent).expect("is there")
}

fn reason_of(town: &Town, agent: &str) -> Option<String> {
    one_of(town, agent).reason.map(|reason| reason.to_string())
}

fn figures(town: &Town, reason: &str) -> AwayLive {
    let live = town.live().away;
    live.into_iter().find(|one| one.reason.as_str() == reason).expect("is there")
}

fn times_too_long(town: &Town) -> usize {
    let is =
        |event: &Event| matches!(event, Event::Agent { event: AgentEvent::AwayTooLong { .. }, .. });
    town.journal().iter().filter(|entry| is(&entry.event)).count()
}

fn away(agent: &str, reason: &str) -> Request {
    Request::Away { agent: agent.into(), reason: reason.into() }
}

#[test]
fn an_adviser_dials_what_for_and_a_supervisor_sees_that_it_takes_too_long() {
    let mut town = with_reasons();
    let amy = town.amy(Habits::default());
    let ben = town.ben(Habits::default());
    town.adviser_mut(amy, |amy, now| amy.dial(now, "*731"));
    assert!(town.run_until(secs(10), |world| {
        world
            .person(amy)
            .phone()
            .voice()
            .ear()
            .hears(world.now(), &switchboard::sim::ear::Expect::Tone(NOT_READY))
    }));
    town.run_for(secs(10));
    assert_eq!(town.agent("amy"), AgentState::NotReady);
    assert_eq!(reason_of(&town, "amy").as_deref(), Some("lunch"), "{}", town.story());

    // One at a time.
    town.adviser_mut(ben, |ben, now| ben.dial(now, "*731"));
    town.run_for(secs(10));
    assert_eq!(town.agent("ben"), AgentState::Ready, "{}", town.story());
    let full = Some(Reply::ChoiceRefused(ChoiceError::TooManyAway));
    assert_eq!(town.ask("Ben", true, away("ben", "lunch")), full);
    let unknown = Some(Reply::ChoiceRefused(ChoiceError::UnknownReason));
    assert_eq!(town.ask("Ben", true, away("ben", "nap")), unknown);
    let done = Some(Reply::Agent(AgentState::NotReady));
    assert_eq!(town.ask("Duty supervisor", false, away("ben", "training")), done);

    town.run_for(secs(1_800));
    assert_eq!((times_too_long(&town), one_of(&town, "amy").over_limit), (1, true));
    assert_eq!((figures(&town, "lunch").agents, figures(&town, "lunch").over_limit), (1, 1));
    assert_eq!((figures(&town, "training").agents, figures(&town, "training").over_limit), (1, 0));

    // It is remembered, and not told anew.
    town.restart();
    town.run_for(secs(60));
    assert_eq!(reason_of(&town, "amy").as_deref(), Some("lunch"), "{}", town.story());
    assert_eq!((times_too_long(&town), one_of(&town, "amy").over_limit), (1, true));
    let spent = one_of(&town, "amy").not_ready_today_s["lunch"];
    assert!((1_850.0..1_900.0).contains(&spent), "{spent}");
    for agent in ["amy", "ben"] {
        let choice = AgentChoice::Ready;
        town.ask(agent, true, Request::Agent { agent: agent.into(), choice });
    }
    assert_eq!(figures(&town, "lunch").agents, 0);
    assert_eq!(figures(&town, "lunch").over_limit_total, 1);
    town.close();
}

#[test]
fn whoever_does_not_answer_is_not_ready_for_that_and_it_shows_when_nobody_comes_back() {
    let mut town = with_reasons();
    town.amy(picks_up_after(secs(600)));
    let resident = town.resident(into_the_queue().then([Step::Wait(secs(40)), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.agent("amy"), AgentState::NotReady);
    assert_eq!(reason_of(&town, "amy").as_deref(), Some("no-answer"));
    assert_eq!(times_too_long(&town), 0);
    town.run_for(secs(120));
    assert_eq!((times_too_long(&town), figures(&town, "no-answer").over_limit), (1, 1));
    town.close();
}

#[test]
fn a_break_chosen_during_a_conversation_begins_after_it() {
    let mut town = with_reasons();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(5)), Step::HangUp]);
    let resident = town.resident(steps);
    assert!(town.run_until(secs(60), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Talking)
    }));
    let talks = Some(Reply::Agent(AgentState::Talking));
    assert_eq!(town.ask("Amy", true, away("amy", "lunch")), talks);
    assert_eq!(reason_of(&town, "amy"), None);
    town.see_off(resident);
    town.run_for(secs(2));
    assert_eq!(reason_of(&town, "amy").as_deref(), Some("lunch"), "{}", town.story());
    town.close();
}
