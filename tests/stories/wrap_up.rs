//! What an adviser says of a call: a code, whether the caller's business is done, and a note.

use switchboard::acd::command::ChoiceError;
use switchboard::acd::wrap_up::WrapUpError;
use switchboard::config::settings::Settings;
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{AgentState, CallEvent, Note, StateReason, Verdict, WrapUp};
use switchboard::id::CallId;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;

use crate::town::*;

fn codes(settings: &mut Settings, required: bool) {
    let codes = [("missed-bin", "Missed bin"), ("fly-tip", "Fly-tipping"), ("rent", "Rent")];
    settings.wrap_up.codes =
        codes.into_iter().map(|(code, words)| (code.into(), words.to_owned())).collect();
    let waste = settings.queues.get_mut("waste").expect("a queue");
    waste.wrap_up_codes = vec!["missed-bin".into(), "fly-tip".into()];
    waste.wrap_up_required = required;
}

fn town_with_codes(required: bool) -> Town {
    town_with(|town| codes(&mut town.settings, required))
}

/// Somebody rings, talks with Amy and hangs up.
fn talks_with_amy(town: &mut Town, number: &str) -> CallId {
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(2)), Step::HangUp]);
    let resident = town.caller(number, |_| {}, steps);
    town.see_off(resident);
    let joined = |(call, event): &(CallId, &CallEvent)| {
        matches!(event, CallEvent::Joined { .. }).then_some(*call)
    };
    town.calls().iter().rev().find_map(joined).expect("was answered")
}

fn say(call: CallId, code: Option<&str>, resolved: Option<bool>) -> Request {
    let verdict = Verdict { code: code.map(Into::into), resolved };
    let (agent, note) = (Some("amy".into()), Note::new("Lives alone."));
    Request::WrapUp { call, agent, verdict, note }
}

fn said(town: &Town) -> Vec<WrapUp> {
    town.calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::WrappedUp(said) => Some(said.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn an_adviser_says_what_a_call_was_about_and_corrects_it() {
    let mut town = town_with_codes(false);
    town.amy(Habits::default());
    let first = talks_with_amy(&mut town, "01632960001");
    let yes = say(first, Some("missed-bin"), Some(true));
    assert_eq!(town.ask("Amy", true, yes.clone()), Some(Reply::Done));
    assert_eq!(town.ask("Amy", true, yes), Some(Reply::Done), "the same again");
    assert_eq!(said(&town).len(), 1, "says nothing new\n{}", town.story());
    town.run_for(secs(20));
    let second = talks_with_amy(&mut town, "01632960001");
    assert_eq!(town.ask("Amy", true, say(second, Some("fly-tip"), Some(true))), Some(Reply::Done));
    let today = town.queue("waste").today;
    assert_eq!((today.resolved, today.repeat_contacts), (2, 1), "{}", town.story());
    assert_eq!(today.first_contact_resolution, Some(0.5));

    // An hour is time enough to think again; after it the figures stand.
    town.run_for(secs(3_000));
    let no = say(second, Some("missed-bin"), Some(false));
    assert_eq!(town.ask("Amy", true, no), Some(Reply::Done));
    let today = town.queue("waste").today;
    assert_eq!((today.resolved, today.unresolved), (1, 1));
    assert_eq!(today.first_contact_resolution, Some(1.0));
    assert_eq!(today.wrap_ups.get("missed-bin"), Some(&2));
    let last = said(&town).pop().expect("was said");
    assert_eq!(last.instead_of.clone().and_then(|before| before.code), Some("fly-tip".into()));
    assert_eq!(last.note.as_ref().map(Note::as_str), Some("Lives alone."));
    assert!(!format!("{last:?}").contains("alone"), "no log shows a note");
    town.run_for(secs(3_700));
    let late = town.ask("Amy", true, say(second, Some("fly-tip"), None));
    assert_eq!(late, Some(Reply::WrapUpRefused(WrapUpError::TooLate)));
    town.close();
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let mut town = town_with_codes(true);
    town.amy(Habits::default());
    let call = talks_with_amy(&mut town, "01632960001");
    let refused = |error| Some(Reply::WrapUpRefused(error));
    let unknown = |code: &str, near: Option<&str>| {
        refused(WrapUpError::UnknownCode { code: code.into(), near: near.map(Into::into) })
    };
    let mut ask = |request| town.ask("Amy", true, request);
    assert_eq!(ask(say(call, Some("mised-bin"), None)), unknown("mised-bin", Some("missed-bin")));
    assert_eq!(ask(say(call, Some("rent"), None)), unknown("rent", None), "another queue's");
    let needed = refused(WrapUpError::CodeNeeded("waste".into()));
    assert_eq!(ask(say(call, None, Some(true))), needed);
    let bens = Request::WrapUp {
        call,
        agent: Some("ben".into()),
        verdict: Verdict::default(),
        note: None,
    };
    assert_eq!(ask(bens), refused(WrapUpError::NotYours));
    let nobodys = CallId(Default::default());
    let nothing = say(nobodys, Some("missed-bin"), None);
    assert_eq!(ask(nothing), refused(WrapUpError::Unknown));
    assert_eq!(said(&town), []);
    town.run_for(secs(400));
    town.close();
}

#[test]
fn a_code_that_the_queue_wants_keeps_the_adviser_at_the_calls_work() {
    let mut town = town_with_codes(true);
    let amy = town.amy(Habits::default());
    let call = talks_with_amy(&mut town, "01632960001");
    town.run_for(secs(40));
    assert_eq!(town.agent("amy"), AgentState::WrapUp, "10 s are over, and no code was given");
    town.adviser_mut(amy, |amy, now| amy.dial(now, "*72"));
    town.run_for(secs(10));
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    assert_eq!(town.ask("Amy", true, say(call, Some("missed-bin"), None)), Some(Reply::Done));
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::Ready, "{}", town.story());

    let call = talks_with_amy(&mut town, "01632960002");
    town.run_for(secs(310));
    assert_eq!(town.agent("amy"), AgentState::NotReady, "nobody waits for it for ever");
    assert_eq!(town.last_reason("amy"), Some(StateReason::WrapUpOver));
    assert_eq!(town.ask("Amy", true, say(call, Some("fly-tip"), None)), Some(Reply::Done));
    town.close();
}

#[test]
fn more_time_can_be_had_by_star_code_and_through_the_api() {
    let mut town = town_with_codes(false);
    let amy = town.amy(Habits::default());
    let more = || Request::MoreTime { agent: "amy".into() };
    let none = Reply::ChoiceRefused(ChoiceError::NotWrappingUp);
    assert_eq!(town.ask("Amy", true, more()), Some(none));
    talks_with_amy(&mut town, "01632960001");
    town.run_for(secs(5));
    assert_eq!(town.ask("Amy", true, more()), Some(Reply::Agent(AgentState::WrapUp)));
    town.run_for(secs(7));
    assert_eq!(town.agent("amy"), AgentState::WrapUp, "12 s after the call");
    town.adviser_mut(amy, |amy, now| amy.dial(now, "*74"));
    let told = town.run_until(secs(5), |world| {
        world.person(amy).phone().voice().ear().hears(world.now(), &Expect::Tone(MORE_TIME))
    });
    assert!(told, "{}", town.story());
    town.run_for(secs(10));
    assert_eq!(town.agent("amy"), AgentState::WrapUp, "{}", town.story());
    town.run_for(secs(10));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}

#[test]
fn what_is_owed_outlives_the_server() {
    let mut town = town_with_codes(false);
    town.amy(Habits::default());
    let call = talks_with_amy(&mut town, "01632960001");
    let before = say(call, Some("missed-bin"), Some(true));
    town.ask("Amy", true, before);
    town.restart_with(|settings| codes(settings, false));
    town.run_for(secs(5));
    assert_eq!(town.ask("Amy", true, say(call, Some("fly-tip"), Some(true))), Some(Reply::Done));
    let last = said(&town).pop().expect("was said");
    let code = last.instead_of.and_then(|before| before.code);
    assert_eq!(code, Some("missed-bin".into()), "what was said before the restart is known");
    assert_eq!(town.queue("waste").today.resolved, 1);
    town.close();
}
