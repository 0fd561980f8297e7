//! Listening to legs for speech and for those who tap them, and pressing keys towards peers.

use super::*;
use crate::media::codec::Law;
use crate::media::command::{Listen, Speech};
use crate::media::dtmf::Detector;
use crate::media::spoken::prompt;
use crate::media::tap::{self, TapId};

const AL: Codec = Codec::Pcma;

impl Rig {
    /// A's peer says these samples at 8 kHz, from the packet with that number on; how many packets.
    fn say(&mut self, first: u16, samples: &[i16]) -> u16 {
        let mut number = first;
        for frame in samples.chunks_exact(160) {
            let payload: Vec<u8> = frame.iter().map(|sample| Law::A.encode(*sample)).collect();
            self.receive(A, &voice(AL, number, &payload));
            self.pass(20);
            number += 1;
        }
        number - first
    }
}

fn key_of(c: char) -> Key {
    Key::from_char(c).expect("a key")
}

fn speech_events(rig: &mut Rig) -> Vec<Speech> {
    let events = rig.events();
    events
        .into_iter()
        .filter_map(|event| match event {
            Event::Speech { leg: A, speech } => Some(speech),
            _ => None,
        })
        .collect()
}

#[test]
fn a_tap_hears_what_the_peer_says_at_16_khz_and_a_slow_reader_delays_nobody() {
    let mut rig = Rig::bridged(AL, AL);
    let (writer, mut reader) = tap::ring(20);
    assert!(rig.plane.provide_tap(TapId(4), writer));
    rig.command(Command::Tap { leg: A, tap: Some(TapId(4)) });
    let tone: Vec<i16> =
        (0..8_000).map(|at| ((f64::from(at) * 0.5).sin() * 8_000.0) as i16).collect();
    rig.sent(B);
    rig.say(0, &tone);
    let relayed = rig.sent(B).iter().filter(|sent| sent.payload[80] != Law::A.silence()).count();
    assert!((48..=50).contains(&relayed), "{relayed}: all but those that cross zero there");
    let heard: Vec<tap::Frame> = std::iter::from_fn(|| reader.read()).collect();
    assert_eq!(heard.len(), 20);
    assert!(heard.windows(2).all(|pair| pair[1].at.since(pair[0].at).as_millis() == 20));
    // 0.5 radians a sample at 8 kHz are 637 Hz, and 0.25 at 16 kHz.
    let samples: Vec<f64> =
        heard[10..].iter().flat_map(|frame| frame.samples).map(f64::from).collect();
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let turn = at as f64 * 0.25;
        (real, imaginary) = (real + sample * turn.cos(), imaginary + sample * turn.sin());
    }
    let peak = (real * real + imaginary * imaginary).sqrt() * 2.0 / samples.len() as f64;
    assert!((peak - 8_000.0).abs() < 400.0, "{peak}");
    assert!(rig.plane.counters().tap_dropped >= 28);
    rig.say(50, &tone[..1_600]);
    assert!(reader.read().is_some_and(|frame| frame.dropped >= 28));
    rig.command(Command::Tap { leg: A, tap: None });
    while reader.read().is_some() {}
    assert!(reader.is_over());
}

#[test]
fn speech_is_told_when_it_begins_and_ends_and_may_stop_a_prompt() {
    let speech = prompt("main/to-an-adviser", 8_000);
    let mut rig = Rig::with_two_legs(AL, AL);
    rig.command(Command::Listen { leg: A, listen: Listen::Interrupt });
    rig.play(A, 3, &["main/long"]);
    let quiet = vec![0; 8_000];
    let mut said = rig.say(0, &quiet);
    assert_eq!(speech_events(&mut rig), []);
    said += rig.say(said, &speech[..8_000]);
    let heard = rig.sent(A);
    let stopped = heard.iter().position(|sent| sent.payload[0] == Law::A.silence());
    assert!((50..80).contains(&stopped.expect("it stops")), "{stopped:?} of {}", heard.len());
    said += rig.say(said, &speech[8_000..]);
    rig.say(said, &[quiet.clone(), quiet].concat());
    assert_eq!(speech_events(&mut rig), [Speech::Began, Speech::Ended]);
    rig.command(Command::Listen { leg: A, listen: Listen::Off });
    assert!(rig.plane.counters().ordered.received > 200);
}

#[test]
fn keys_are_sent_as_events_or_as_tones_and_the_voice_goes_on_after_them() {
    for events in [Some(101), None] {
        let mut rig = Rig::bridged(AL, AL);
        let mut negotiated = negotiated(B, AL);
        negotiated.send.telephone_event = events;
        rig.negotiate(B, negotiated);
        rig.say(0, &[3_000; 1_600]);
        rig.sent(B);
        rig.command(Command::SendKeys { leg: B, keys: vec![key_of('7'), key_of('#')] });
        rig.say(10, &[3_000; 160 * 40]);
        let sent = rig.sent(B);
        for pair in sent.windows(2) {
            assert_eq!(pair[1].seq, pair[0].seq.plus(1));
        }
        match events {
            Some(_) => {
                let told: Vec<TelephoneEvent> = sent
                    .iter()
                    .filter(|sent| sent.payload_type == 101)
                    .map(|sent| TelephoneEvent::parse(&sent.payload).expect("an event"))
                    .collect();
                assert_eq!(told.len(), 14, "five and two more ends, twice");
                let ends = told.iter().filter(|event| event.end && event.duration == 800);
                assert_eq!(ends.count(), 6);
                let mut presses = crate::rtp::telephone_event::Presses::default();
                let pressed: Vec<u8> = sent
                    .iter()
                    .filter(|sent| sent.payload_type == 101)
                    .filter_map(|sent| {
                        presses.note(&Packet {
                            ssrc: sent.ssrc,
                            seq: sent.seq,
                            timestamp: sent.timestamp,
                            marker: sent.marker,
                            payload_type: 101,
                            payload: &sent.payload,
                        })
                    })
                    .collect();
                assert_eq!(pressed, [7, 11]);
            }
            None => {
                let mut detector = Detector::new();
                let heard: Vec<Key> = sent
                    .iter()
                    .filter_map(|s| detector.hear(s.payload.iter().map(|b| Law::A.decode(*b))))
                    .collect();
                assert_eq!(heard, [key_of('7'), key_of('#')]);
            }
        }
        let last = sent.last().expect("the voice");
        assert_eq!((last.payload_type, last.payload[0]), (8, Law::A.encode(3_000)));
        let real = last.at.since(sent[0].at).as_micros() as i32 / 125;
        assert!((last.timestamp.ahead_of(sent[0].timestamp) - real).abs() <= 480);
    }
}

#[test]
fn an_event_relayed_to_a_peer_that_knows_none_becomes_a_tone_once() {
    let mut rig = Rig::bridged(AL, AL);
    let mut negotiated = negotiated(B, AL);
    negotiated.send.telephone_event = None;
    rig.negotiate(B, negotiated);
    rig.pass(100);
    rig.sent(B);
    for (at, (end, duration)) in
        [(false, 160), (false, 320), (false, 480), (true, 480), (true, 480), (true, 480)]
            .into_iter()
            .enumerate()
    {
        let payload = press(9, end, duration);
        rig.receive(A, &Packet { payload_type: 101, ..key(at as u16, 0, &payload) });
        rig.pass(20);
    }
    rig.pass(400);
    let mut detector = Detector::new();
    let heard: Vec<Key> = rig
        .sent(B)
        .iter()
        .filter_map(|sent| detector.hear(sent.payload.iter().map(|byte| Law::A.decode(*byte))))
        .collect();
    assert_eq!(heard, [key_of('9')]);
    // Too many wait: what is dropped is counted.
    rig.command(Command::SendKeys { leg: B, keys: vec![key_of('1'); 40] });
    assert_eq!(rig.plane.counters().keys_dropped, 8);
}
