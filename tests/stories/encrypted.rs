//! Encrypted voice. The phones encrypt with webrtc's SRTP, the engine with its own.

use switchboard::event::{CallEvent, EndCause, Event, OfferOutcome, RefusalReason, SystemEvent};
use switchboard::media::DropReason;
use switchboard::media::command::Encryption;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;
use switchboard::sim::network::Conditions;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::secrecy::Secrecy;
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;

use crate::town::*;
use crate::webrtc::webrtc;

const OFFERS: Option<Secrecy> = Some(Secrecy { insists: false, cipher: webrtc });
pub const INSISTS: Option<Secrecy> = Some(Secrecy { insists: true, cipher: webrtc });

/// A town whose Amy must, may or must not encrypt.
fn town_where(amy: Encryption) -> Town {
    town_with(|change| {
        let settings = &mut change.settings;
        settings.agents.get_mut("amy").expect("Amy").srtp = amy;
    })
}

/// Amy's phone, at her desk; it signs in if it is let.
fn amy(town: &mut Town, secrecy: Option<Secrecy>, quirks: Quirks) -> PersonId {
    let habits = Habits { signs_in: Some("*70".to_owned()), ..picks_up_after(secs(2)) };
    let amy = town.adviser("amy", "amy's", habits, |phone| {
        phone.sound = Sound::Tone(AMY);
        phone.secrecy = secrecy;
        phone.quirks = quirks;
    });
    town.run_for(secs(10));
    amy
}

fn resident(town: &mut Town, secrecy: Option<Secrecy>, steps: Vec<Step>) -> PersonId {
    town.caller(
        "01632960001",
        |phone| {
            phone.sound = Sound::Tone(CALLER);
            phone.secrecy = secrecy;
        },
        steps,
    )
}

fn hears(town: &mut Town, id: PersonId, hz: u32) -> bool {
    town.run_until(secs(30), |world| {
        world.person(id).phone().voice().ear().hears(world.now(), &Expect::Tone(hz))
    })
}

/// Whether the call that is up on somebody's phone is encrypted.
fn is_encrypted(town: &Town, id: PersonId) -> bool {
    let stream = town.person(id).phone().voice().stream();
    stream.expect("a call is up").keys.is_some()
}

fn dropped(town: &Town, reason: DropReason) -> u64 {
    town.plane().counters().dropped_for(reason)
}

fn refusals(town: &Town) -> Vec<(RefusalReason, u16)> {
    let refused = |event: &Event| match event {
        Event::System { event: SystemEvent::Refused { reason, status, .. } } => {
            Some((*reason, *status))
        }
        _ => None,
    };
    town.journal().iter().filter_map(|entry| refused(&entry.event)).collect()
}

#[test]
fn whoever_encrypts_and_whoever_does_not_hear_each_other() {
    use Encryption::{Off, Optional, Required};
    for (caller, agent, terms, caller_is, agent_is) in [
        (INSISTS, None, Optional, true, false),
        (OFFERS, None, Off, true, false),
        (None, INSISTS, Required, false, true),
        (None, OFFERS, Required, false, true),
        (INSISTS, INSISTS, Required, true, true),
        // Over UDP everybody could read keys that we sent, so we send none unasked.
        (OFFERS, OFFERS, Optional, true, false),
        (None, OFFERS, Off, false, false),
    ] {
        let label = format!("{caller:?} {agent:?} {terms:?}");
        let mut town = town_where(terms);
        let amy = amy(&mut town, agent, Quirks::default());
        let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(20)), Step::HangUp]);
        let resident = resident(&mut town, caller, steps);
        assert!(hears(&mut town, amy, CALLER), "{label}\n{}", town.story());
        assert_eq!(is_encrypted(&town, resident), caller_is, "{label}");
        assert_eq!(is_encrypted(&town, amy), agent_is, "{label}");
        town.see_off(resident);
        for id in [resident, amy] {
            assert_eq!(town.person(id).phone().voice().counters().strange, 0, "{label}");
        }
        let town = town.close();
        assert_eq!(town.causes(), [EndCause::CallerHungUp], "{label}");
        assert_eq!(dropped(&town, DropReason::Unauthentic), 0, "{label}");
        assert!(!format!("{:?}", town.journal()).contains("inline:"), "{label}");
    }
}

#[test]
fn an_agent_who_must_encrypt_is_refused_on_a_plain_phone_and_never_rung_on_one() {
    let mut town = town_where(Encryption::Required);
    let phone = amy(&mut town, None, Quirks::default());
    let refused = PhoneEvent::Refused { status: 488, retry_after_s: None };
    let diary = town.person(phone).diary();
    assert_eq!(diary.times(&refused), 1, "{diary:#?}");
    // Signed in by the supervisor all the same: the phone refuses what it cannot do.
    let request = switchboard::engine::io::Request::Agent {
        agent: "amy".into(),
        choice: switchboard::acd::command::AgentChoice::SignIn,
    };
    town.ask("supervisor", false, request);
    let request = switchboard::engine::io::Request::Agent {
        agent: "amy".into(),
        choice: switchboard::acd::command::AgentChoice::Ready,
    };
    town.ask("supervisor", false, request);
    let steps = into_the_queue().then([Step::Wait(secs(10)), hear(MUSIC), Step::HangUp]);
    let resident = resident(&mut town, None, steps);
    town.see_off(resident);
    let diary = town.person(phone).diary();
    let rang = diary.iter().filter(|(_, moment)| format!("{moment:?}").contains("Incoming"));
    assert_eq!(rang.count(), 0, "{diary:#?}");
    let town = town.close();
    assert_eq!(refusals(&town), [(RefusalReason::NotEncrypted, 488)]);
    assert_eq!(town.causes(), [EndCause::CallerAbandoned]);
}

#[test]
fn a_phone_that_answers_in_the_clear_though_it_must_encrypt_is_hung_up() {
    let mut town = town_where(Encryption::Required);
    // Encrypts its own calls, and takes ours for plain ones.
    let phone = amy(&mut town, OFFERS, Quirks::default());
    town.adviser_mut(phone, |amy, _| {
        let quirks = Quirks { ignores_encryption: true, ..Quirks::default() };
        amy.phone_mut().set_quirks(quirks);
    });
    let steps = into_the_queue().then([Step::Wait(secs(10)), hear(MUSIC), Step::HangUp]);
    let resident = resident(&mut town, None, steps);
    town.see_off(resident);
    let diary = town.person(phone).diary();
    assert_eq!(diary.times(&PhoneEvent::Ended { by_peer: true }), 2, "{diary:#?}");
    let town = town.close();
    let unreachable = |event: &CallEvent| {
        matches!(event, CallEvent::OfferEnded { outcome: OfferOutcome::Unreachable, .. })
    };
    assert_eq!(town.count(unreachable), 1, "{}", town.story());
    assert_eq!(town.count(|event| matches!(event, CallEvent::Joined { .. })), 0);
    assert_eq!(town.causes(), [EndCause::CallerAbandoned]);
}

#[test]
fn an_agent_who_must_not_encrypt_is_refused_on_a_phone_that_insists() {
    let mut town = town_where(Encryption::Off);
    let phone = amy(&mut town, INSISTS, Quirks::default());
    let refused = PhoneEvent::Refused { status: 488, retry_after_s: None };
    assert_eq!(town.person(phone).diary().times(&refused), 1);
    assert_eq!(refusals(&town.close()), [(RefusalReason::NoCommonEncryption, 488)]);
}

#[test]
fn the_line_is_held_and_resumed_with_the_same_key_and_with_another() {
    for renews_key in [false, true] {
        let mut town = town_where(Encryption::Required);
        let quirks = Quirks { renews_key, ..Quirks::default() };
        let amy = amy(&mut town, INSISTS, quirks);
        let steps = into_the_queue().then([
            hear(AMY),
            hear(MUSIC),
            hear(AMY),
            Step::Wait(secs(5)),
            Step::HangUp,
        ]);
        let resident = resident(&mut town, INSISTS, steps);
        assert!(hears(&mut town, amy, CALLER));
        let keys = |town: &Town| {
            let stream = town.person(amy).phone().voice().stream().expect("a call is up");
            stream.keys.expect("keys")
        };
        let before = keys(&town);
        town.run_for(secs(3));
        town.adviser_mut(amy, |amy, now| amy.phone_mut().hold(now));
        town.run_for(secs(5));
        town.adviser_mut(amy, |amy, now| amy.phone_mut().resume(now));
        assert!(hears(&mut town, amy, CALLER), "{}", town.story());
        let after = keys(&town);
        assert_eq!(before.mine != after.mine, renews_key);
        assert_eq!(before.theirs != after.theirs, renews_key, "ours changes with the peer's");
        town.see_off(resident);
        let town = town.close();
        assert_eq!(town.causes(), [EndCause::CallerHungUp]);
        assert_eq!(dropped(&town, DropReason::Replayed), 0);
    }
}

#[test]
fn replayed_packets_are_dropped_and_nobody_hears_a_difference() {
    let mut town = town_where(Encryption::Required);
    let amy = amy(&mut town, INSISTS, Quirks::default());
    let doubled =
        Conditions { doubled_per_mille: 500, jitter: millis(15), ..Conditions::default() };
    town.set_conditions(Conditions::default(), doubled);
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(5)), Step::HangUp]);
    let resident = resident(&mut town, INSISTS, steps);
    assert!(hears(&mut town, amy, CALLER));
    town.see_off(resident);
    let town = town.close();
    assert!(dropped(&town, DropReason::Replayed) > 100, "{:?}", town.plane().counters());
    assert_eq!(dropped(&town, DropReason::Unauthentic), 0);
    assert_eq!(town.causes(), [EndCause::CallerHungUp]);
}

#[test]
fn keys_pressed_on_an_encrypted_phone_reach_the_menu() {
    let mut town = town();
    let steps = ring().then([hear(WELCOME), hear(CHOICES), press("1"), hear(MUSIC), Step::HangUp]);
    let resident = resident(&mut town, INSISTS, steps);
    town.see_off(resident);
    assert_eq!(town.close().causes(), [EndCause::CallerAbandoned]);
}
