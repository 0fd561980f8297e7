//! Sessions that are timed: long calls go on, and whoever vanishes without a word is found out.

use switchboard::event::{AgentState, EndCause};
use switchboard::media::command::Encryption;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::{Extensions, PhoneEvent, Quirks};
use switchboard::sim::tone::Sound;

use crate::town::*;

const SHORT: Extensions = Extensions { reliable: true, update: true, session_s: Some(90) };

/// A caller whose phone wants a sign of life every 90 seconds, joined with Amy.
fn joined(town: &mut Town) -> switchboard::sim::world::PersonId {
    town.amy(Habits::default());
    let resident = town.caller(
        "01632960001",
        |phone| {
            phone.sound = Sound::Tone(CALLER);
            phone.extensions = SHORT;
        },
        into_the_queue().then([Step::Wait(secs(3_600))]),
    );
    assert!(town.run_until(secs(60), |world| {
        world.person(resident).phone().voice().ear().hears(world.now(), &Expect::Tone(AMY))
    }));
    resident
}

#[test]
fn a_call_goes_on_for_as_long_as_both_are_there() {
    let mut town = town();
    let resident = joined(&mut town);
    town.run_for(secs(400));
    assert_eq!(town.agent("amy"), AgentState::Talking);
    assert!(town.person(resident).phone().is_busy());
    town.caller_mut(resident, |caller, now| caller.phone_mut().hang_up(now));
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerHungUp]);
}

#[test]
fn a_caller_who_holds_the_line_and_vanishes_does_not_keep_the_adviser() {
    let mut town = town();
    let resident = joined(&mut town);
    // Nobody expects a word from somebody who holds the line: silence alone says nothing.
    town.caller_mut(resident, |caller, now| caller.phone_mut().hold(now));
    town.run_for(secs(5));
    assert_eq!(town.person(resident).diary().times(&PhoneEvent::Held), 1);
    town.caller_mut(resident, |caller, _| {
        caller.phone_mut().set_quirks(Quirks { unplugged: true, ..Quirks::default() });
    });
    // Half a session until the next sign of life, and 32 seconds for its answer.
    assert!(town.run_until(secs(45 + 33), |world| world.engine().held().calls == 0));
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::SignallingLost]);
}

#[test]
fn a_phone_that_takes_a_new_key_whenever_it_is_asked_for_a_sign_of_life_is_heard_on() {
    let mut town = town_with(|change| {
        change.settings.agents.get_mut("amy").expect("Amy").srtp = Encryption::Required;
        change.settings.sip.session_s = 90;
    });
    let habits = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    let amy = town.adviser("amy", "amy's", habits, |phone| {
        phone.sound = Sound::Tone(AMY);
        phone.secrecy = crate::encrypted::INSISTS;
        phone.quirks = Quirks { renews_key: true, ..Quirks::default() };
    });
    town.run_for(secs(10));
    let resident = town.caller(
        "01632960001",
        |phone| phone.sound = Sound::Tone(CALLER),
        into_the_queue().then([Step::Wait(secs(3_600))]),
    );
    let hear_each_other = |town: &mut Town| {
        town.run_until(secs(60), |world| {
            let hears = |id, hz| {
                let phone = world.person(id).phone();
                phone.voice().ear().hears(world.now(), &Expect::Tone(hz))
            };
            hears(resident, AMY) && hears(amy, CALLER)
        })
    };
    assert!(hear_each_other(&mut town));
    let keys = |town: &Town| town.person(amy).phone().voice().stream().and_then(|one| one.keys);
    let before = keys(&town).expect("a call is up").mine;
    // Half a session is the time until we ask.
    town.run_for(secs(46));
    assert_ne!(keys(&town).expect("a call is up").mine, before);
    assert!(hear_each_other(&mut town));
    assert_eq!(town.agent("amy"), AgentState::Talking);
    town.caller_mut(resident, |caller, now| caller.phone_mut().hang_up(now));
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}
