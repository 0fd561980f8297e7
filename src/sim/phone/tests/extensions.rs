//! Early media, reliable responses and session timers between two phones.

use super::super::super::ear::Expect;
use super::super::*;
use super::{Pair, never, pair};

fn able(session_s: Option<u32>) -> impl Fn(usize, &mut PhoneSettings) {
    move |_, settings| {
        settings.extensions = Extensions { reliable: true, update: true, session_s };
    }
}

#[test]
fn early_media_are_heard_before_the_answer_whatever_gets_lost() {
    // Every third message, from each of three places on.
    for lose in [never, |n| n % 3 == 0, |n| n % 3 == 1, |n| n % 3 == 2] {
        let mut pair = pair(lose, able(None));
        for phone in &mut pair.phones {
            // No packets, so that only signalling is counted.
            phone.say(Sound::Dead);
        }
        pair.phones[0].call(pair.now, "amy");
        pair.run(4_000);
        pair.phones[1].ring_with_media(pair.now);
        pair.phones[1].answer(pair.now);
        pair.run(20_000);
        let told: Vec<_> = pair.events[0].iter().filter(|e| **e != PhoneEvent::Ringing).collect();
        assert_eq!(told, [&PhoneEvent::EarlyMedia, &PhoneEvent::Answered]);
        assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Established));
        pair.phones[0].hang_up(pair.now);
        pair.run(20_000);
        pair.at_rest();
    }
}

#[test]
fn whoever_rings_hears_what_the_other_side_plays_and_not_after_it_refused() {
    let mut pair = pair(never, able(None));
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    pair.phones[1].ring_with_media(pair.now);
    pair.run(1_500);
    assert!(pair.phones[0].voice().ear().hears(pair.now, &Expect::Tone(620)));
    pair.phones[1].reject(pair.now, 486);
    pair.run(100);
    let received = pair.phones[0].voice().counters().received;
    pair.run(1_000);
    assert_eq!(pair.phones[0].voice().counters().received, received);
    pair.at_rest();
}

/// Two phones that talk, with sessions of 90 seconds.
fn timed(lose: fn(u64) -> bool) -> Pair {
    let mut pair = pair(lose, able(Some(90)));
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    pair.phones[1].answer(pair.now);
    pair.run(1_000);
    pair
}

#[test]
fn a_session_is_refreshed_as_long_as_both_are_there() {
    let mut pair = timed(never);
    pair.run(600_000);
    assert!(pair.phones[0].is_busy() && pair.phones[1].is_busy());
    pair.phones[0].set_quirks(Quirks { unplugged: true, ..Quirks::default() });
    pair.run(100_000);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Ended { by_peer: false }));
}
