//! Phones over connections (RFC 3261 section 18, RFC 5626), and connections that end.

use switchboard::engine::io::Input;
use switchboard::event::{AgentState, CallEvent, EndCause, OfferOutcome};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::{PhoneEvent, PhoneSettings};
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;
use switchboard::sip::ListenerId;
use switchboard::sip::guard::Source;

use crate::town::*;

fn town_over_tcp() -> Town {
    town_with(|change| change.tcp = true)
}

/// Amy with a phone that speaks TCP, at her desk and signed in.
fn amy(town: &mut Town, habits: Habits) -> PersonId {
    let habits = Habits { signs_in: Some("*70".to_owned()), ..habits };
    let phone = |phone: &mut PhoneSettings| {
        phone.sound = Sound::Tone(AMY);
        phone.tcp = true;
    };
    let amy = town.adviser("amy", "amy's", habits, phone);
    town.run_for(secs(10));
    assert_eq!(town.agent("amy"), AgentState::Ready, "{}", town.story());
    amy
}

/// A resident whose phone speaks TCP.
fn resident(town: &mut Town, steps: Vec<Step>) -> PersonId {
    let phone = |phone: &mut PhoneSettings| {
        phone.sound = Sound::Tone(CALLER);
        phone.tcp = true;
    };
    town.caller("01632960002", phone, steps)
}

#[test]
fn a_phone_over_tcp_is_rung_through_its_connection() {
    let mut town = town_over_tcp();
    let amy = amy(&mut town, Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(3)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.person(amy).diary().times(&PhoneEvent::Established), 1);
    assert_eq!(town.close().today().answered, 1);
}

#[test]
fn an_adviser_whose_connection_closes_cannot_be_reached_until_the_phone_is_back() {
    let mut town = town_over_tcp();
    let amy = amy(&mut town, Habits::default());
    assert!(town.cut(amy));
    town.run_for(millis(10));
    assert_eq!(town.agent("amy"), AgentState::Unreachable, "at once, not when it would expire");
    town.adviser_mut(amy, |amy, now| amy.phone_mut().register(now, 300));
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    // She is rung through her new connection.
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.close().today().answered, 1);
}

#[test]
fn a_caller_who_is_offered_to_a_phone_whose_connection_closes_keeps_the_place() {
    let mut town = town_over_tcp();
    let slow = Habits { picks_up_after: (secs(15), secs(15)), ..Habits::default() };
    let amy = amy(&mut town, slow);
    let steps = into_the_queue().then([hear_within(BEN, secs(60)), Step::HangUp]);
    let resident = town.resident(steps);
    let ringing = town.run_until(secs(40), |world| {
        world.live().agents.get(&AgentState::Ringing).is_some_and(|ringing| *ringing == 1)
    });
    assert!(ringing, "{}", town.story());
    town.cut(amy);
    town.run_for(millis(10));
    // At once, and not when she would have been rung long enough; nor has she let it ring.
    assert_eq!(town.agent("amy"), AgentState::Unreachable, "{}", town.story());
    let unreachable = |event: &CallEvent| {
        matches!(event, CallEvent::OfferEnded { outcome: OfferOutcome::Unreachable, .. })
    };
    assert_eq!(town.count(unreachable), 1);
    town.ben(Habits::default());
    town.see_off(resident);
    assert_eq!(town.close().today().answered, 1);
}

#[test]
fn a_caller_whose_connection_closes_in_a_conversation_is_not_cut_off() {
    let mut town = town_over_tcp();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(20)), hear(AMY), Step::HangUp]);
    let resident = resident(&mut town, steps);
    let talking = |world: &switchboard::sim::world::World| {
        world.live().agents.get(&AgentState::Talking).is_some_and(|talking| *talking == 1)
    };
    assert!(town.run_until(secs(60), talking));
    town.run_for(secs(3));
    assert!(town.cut(resident));
    town.run_for(secs(10));
    assert!(talking(&town), "{}", town.story());
    // The BYE comes over another connection.
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerHungUp]);
    assert_eq!(town.today().answered, 1);
}

#[test]
fn a_call_ends_in_order_although_the_callers_connection_is_gone_for_good() {
    let mut town = town_over_tcp();
    let amy = town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(600))]);
    let resident = resident(&mut town, steps);
    assert!(town.run_until(secs(60), |world| {
        world.live().agents.get(&AgentState::Talking).is_some_and(|talking| *talking == 1)
    }));
    town.run_for(secs(3));
    town.cut(resident);
    town.caller_mut(resident, |caller, _| {
        let quirks = switchboard::sim::phone::Quirks { unplugged: true, ..Default::default() };
        caller.phone_mut().set_quirks(quirks);
    });
    town.adviser_mut(amy, |amy, now| amy.phone_mut().hang_up(now));
    town.run_for(secs(20));
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::AgentHungUp]);
}

#[test]
fn after_a_restart_phones_over_tcp_register_anew_and_others_need_not() {
    let mut town = town_over_tcp();
    let amy = amy(&mut town, Habits::default());
    town.ben(Habits::default());
    town.restart();
    assert_eq!(
        (town.agent("amy"), town.agent("ben")),
        (AgentState::Unreachable, AgentState::Ready),
        "{}",
        town.story()
    );
    town.adviser_mut(amy, |amy, now| amy.phone_mut().register(now, 300));
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}

#[test]
fn a_long_invite_goes_over_tcp_and_as_a_datagram_where_nobody_takes_connections() {
    for tcp in [true, false] {
        let mut town = town_with(|change| {
            change.tcp = true;
            if let Some(amy) = change.settings.agents.get_mut("amy") {
                let long = "x".repeat(900);
                amy.contacts = vec![format!("sip:amy@10.1.0.0:5060;line={long}")];
            }
        });
        // The phone is where the settings say; it does not register.
        let habits =
            Habits { registers_s: 0, signs_in: Some("*70".to_owned()), ..Habits::default() };
        let phone = |phone: &mut PhoneSettings| {
            phone.sound = Sound::Tone(AMY);
            phone.tcp = tcp;
        };
        let amy = town.adviser("amy", "amy's", habits, phone);
        town.run_for(secs(10));
        assert_eq!(town.agent("amy"), AgentState::Ready, "{}", town.story());
        let before = town.streams().opened();
        let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(3)), Step::HangUp]);
        let resident = town.resident(steps);
        town.see_off(resident);
        let opened = town.streams().opened() - before;
        assert_eq!(opened, u64::from(tcp), "tcp {tcp}");
        assert_eq!(town.person(amy).diary().times(&PhoneEvent::Established), 1);
        assert_eq!(town.close().today().answered, 1);
    }
}

#[test]
fn whoever_speaks_something_else_over_connections_is_banned_in_the_end() {
    let mut town = town_over_tcp();
    let stranger = std::net::SocketAddr::from(([203, 0, 113, 7], 40_000));
    let banned = |town: &Town| {
        let mut sources = town.engine().guard().banned_sources();
        sources.any(|source| source == Source::of(stranger.ip()))
    };
    let mut tries = 0;
    while !banned(&town) {
        town.input(Input::Unreadable { listener: ListenerId(1), peer: stranger });
        tries += 1;
        assert!(tries < 1_000, "never banned");
    }
    assert!(tries > 3, "a slip is forgiven");
    town.close();
}
