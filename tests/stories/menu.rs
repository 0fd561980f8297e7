//! What callers hear and press.

use switchboard::event::{CallEvent, EndCause};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::Quirks;
use switchboard::sim::tone::Sound;

use crate::town::*;

#[test]
fn a_wrong_key_then_nothing_leads_through_the_retries_to_the_fallback() {
    let mut town = town();
    town.ben(Habits::default());
    let steps = ring().then([
        hear(CHOICES),
        press("7"),
        hear(WRONG_KEY),
        hear(CHOICES),
        // Now nothing: the time-out of the second try leads on.
        hear_within(MUSIC, secs(12)),
        hear(BEN),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.queue("general").today.answered, 1, "{}", town.story());
    town.close();
}

#[test]
fn whoever_presses_nothing_hears_the_choices_again_and_then_comes_to_a_person() {
    let mut town = town();
    town.ben(Habits::default());
    let steps = ring().then([
        hear(CHOICES),
        hear_within(NO_INPUT, secs(10)),
        hear(CHOICES),
        hear_within(BEN, secs(20)),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.queue("general").today.answered, 1);
    town.close();
}

#[test]
fn a_key_pressed_during_the_welcome_counts_for_the_menu() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = ring().then([
        hear(WELCOME),
        press("1"),
        hear_within(MUSIC, secs(3)),
        hear(AMY),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.queue("waste").today.answered, 1);
    town.close();
}

#[test]
fn a_key_counts_once_although_its_packets_are_sent_again_and_again() {
    let mut town = town();
    town.amy(Habits::default());
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.see_off(resident);
    let chosen: Vec<char> = town
        .calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::Chose { key, .. } => Some(*key),
            _ => None,
        })
        .collect();
    assert_eq!(chosen, ['1']);
    town.close();
}

#[test]
fn a_caller_who_presses_nothing_still_comes_to_a_person() {
    let mut town = town();
    town.ben(Habits::default());
    let quirks = Quirks { no_keys: true, ..Quirks::default() };
    let steps = ring().then([hear(CHOICES), hear_within(BEN, secs(40)), Step::HangUp]);
    let resident = town.caller("01632960001", |phone| phone.quirks = quirks, steps);
    town.see_off(resident);
    town.close();
}

#[test]
fn keys_that_are_tones_in_the_voice_are_heard_and_a_voice_that_holds_a_note_is_not_a_key() {
    let mut town = town();
    town.amy(Habits::default());
    let quirks = Quirks { no_keys: true, ..Quirks::default() };
    let steps = ring().then([hear(CHOICES), press("1"), hear_within(AMY, secs(20)), Step::HangUp]);
    let resident = town.caller(
        "01632960001",
        |phone| {
            phone.quirks = quirks;
            // The low tone of 7, 8 and 9.
            phone.sound = Sound::Tone(852);
        },
        steps,
    );
    town.see_off(resident);
    let town = town.close();
    let chosen = town.calls().into_iter().filter_map(|(_, event)| match event {
        CallEvent::Chose { key, .. } => Some(*key),
        _ => None,
    });
    assert_eq!(chosen.collect::<Vec<_>>(), ['1']);
}

#[test]
fn a_name_or_short_code_reaches_the_flow_like_the_full_number() {
    let mut town = town();
    let steps = vec![
        Step::Ring("council".to_owned()),
        Step::UntilAnswered { within: secs(2) },
        hear(WELCOME),
        Step::HangUp,
    ];
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.close().causes(), [EndCause::CallerLeftFlow]);
}
