//! A resident rings and an adviser answers.

use switchboard::event::{AgentState, CallEvent, EndCause};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::tone::{Law, Sound};

use crate::town::*;

#[test]
fn a_resident_rings_chooses_waits_with_music_and_talks_with_an_adviser() {
    let mut town = town();
    let amy = town.amy(picks_up_after(secs(4)));
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(5)), Step::HangUp]);
    let resident = town.resident(steps);
    assert!(town.run_until(secs(60), |world| {
        world.person(amy).phone().voice().ear().hears(world.now(), &Expect::Tone(CALLER))
    }));
    assert_eq!(town.agent("amy"), AgentState::Talking);
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    let today = town.today();
    assert_eq!((today.offered, today.answered, today.answered_within_standard), (1, 1, 1));
    assert_eq!(town.causes(), [EndCause::CallerHungUp]);
    let waits = town.waits_us();
    assert!((4_000_000..4_100_000).contains(&waits[0]), "{waits:?}");
    town.run_for(secs(10));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}

#[test]
fn music_plays_on_while_the_phone_rings() {
    let mut town = town();
    town.amy(picks_up_after(secs(10)));
    let resident = town.resident(into_the_queue().then([
        Step::Wait(secs(8)),
        hear_within(MUSIC, millis(40)),
        hear(AMY),
        Step::HangUp,
    ]));
    town.see_off(resident);
    town.close();
}

#[test]
fn the_phone_shows_the_queue_and_the_number_and_keeps_a_withheld_one_to_itself() {
    for (withheld, display, user) in [
        (false, "Waste: 01632960001", "01632960001"),
        (true, "Waste: number withheld", "anonymous"),
    ] {
        let mut town = town();
        let amy = town.amy(Habits::default());
        let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
        let resident = town.caller("01632960001", |phone| phone.withheld = withheld, steps);
        town.see_off(resident);
        let incoming = PhoneEvent::Incoming { display: display.to_owned(), user: user.to_owned() };
        assert_eq!(town.person(amy).diary().times(&incoming), 1, "{:#?}", town.person(amy).diary());
        if withheld {
            assert!(!town.story().contains("01632960001"), "{}", town.story());
        }
        town.close();
    }
}

#[test]
fn a_caller_with_an_endless_name_and_number_rings_the_adviser_like_any_other() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
    let number = "0".repeat(10_000);
    let resident = town.caller(&number, |phone| phone.display = Some("n".repeat(20_000)), steps);
    town.see_off(resident);
    let display = format!("Waste: {}", "n".repeat(64));
    let incoming = PhoneEvent::Incoming { display, user: "0".repeat(64) };
    assert_eq!(town.person(amy).diary().times(&incoming), 1);
    assert!(!town.story().contains(&"0".repeat(65)));
    town.close();
}

#[test]
fn both_hear_each_other_whatever_codec_each_of_them_speaks() {
    use Law::{A, Mu};
    for (caller, adviser) in [(A, A), (A, Mu), (Mu, A), (Mu, Mu)] {
        let mut town = town();
        let habits = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
        let amy = town.adviser("amy", "amy's", habits, |phone| {
            phone.sound = Sound::Tone(AMY);
            phone.codecs = vec![adviser];
        });
        town.run_for(secs(5));
        let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(1)), hear(AMY)]);
        let resident = town.caller(
            "07700900123",
            |phone| {
                phone.sound = Sound::Tone(CALLER);
                phone.codecs = vec![caller];
            },
            steps,
        );
        town.run_until(secs(60), |world| {
            world.person(amy).phone().voice().ear().hears(world.now(), &Expect::Tone(CALLER))
        });
        let ear = town.person(amy).phone().voice().ear();
        assert!(ear.hears(town.now(), &Expect::Tone(CALLER)), "{caller:?} to {adviser:?}");
        town.assert_well(resident);
        town.caller_mut(resident, |caller, now| caller.leave(now));
        town.close();
    }
}

#[test]
fn a_caller_whose_invite_has_no_offer_is_served_like_any_other() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
    let resident = town.caller(
        "01632960001",
        |phone| phone.quirks = Quirks { late_offer: true, ..Quirks::default() },
        steps,
    );
    town.see_off(resident);
    assert_eq!(town.today().answered, 1);
    town.close();
}

#[test]
fn a_late_ack_delays_the_welcome_and_breaks_nothing() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
    let late = Quirks { ack_after: Some(secs(3)), ..Quirks::default() };
    let resident = town.caller("01632960001", |phone| phone.quirks = late, steps);
    town.see_off(resident);
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}

#[test]
fn the_adviser_hangs_up_and_the_caller_is_released() {
    let mut town = town();
    town.amy(Habits { talks: Some((secs(6), secs(6))), ..Habits::default() });
    let steps = into_the_queue().then([hear(AMY), Step::UntilEnded { within: secs(7) }]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::AgentHungUp]);
    let talk = town.calls().into_iter().find_map(|(_, event)| match event {
        CallEvent::Parted { talk_us, .. } => Some(*talk_us),
        _ => None,
    });
    assert!(talk.is_some_and(|us| (5_900_000..6_100_000).contains(&us)), "{talk:?}");
    town.close();
}

#[test]
fn the_same_seed_tells_the_same_story_byte_for_byte_and_another_seed_another() {
    let story = |seed| {
        let mut town = town_with(|change| change.seed = seed);
        town.amy(Habits { ignores_one_in: 3, ..Habits::default() });
        town.ben(Habits::default());
        for _ in 0..5 {
            town.resident(into_the_queue().then([Step::Wait(secs(20)), Step::HangUp]));
            town.run_for(secs(7));
        }
        town.run_for(secs(120));
        let lines: Vec<String> = town
            .journal()
            .iter()
            .map(|entry| serde_json::to_string(entry).expect("writes"))
            .collect();
        lines.join("\n")
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}
