//! Legs in rooms: who hears whom, measured at each ear.

use proptest::prelude::*;

use super::*;
use crate::media::codec::{Decoder, Encoder, MAX_BYTES, MAX_SAMPLES, OpusSettings};
use crate::media::command::{Part, RoomId};
use crate::media::rate::Rate;

const C: LegId = LegId(3);
const D: LegId = LegId(4);
const ROOM: RoomId = RoomId(17);
const SPEAK: Part = Part::Speak;

/// The peers of some legs, each of whom says one tone.
struct People {
    rig: Rig,
    voices: Vec<Voice>,
    frames: u16,
}

struct Voice {
    leg: LegId,
    codec: Codec,
    hz: f64,
    encoder: Encoder,
    decoder: Decoder,
}

const TONES: [f64; 4] = [420.0, 620.0, 1_010.0, 1_570.0];

impl People {
    fn new(codecs: &[Codec]) -> People {
        let mut rig = Rig::new();
        let mut voices = Vec::new();
        for ((leg, codec), hz) in [A, B, C, D].into_iter().zip(codecs).zip(TONES) {
            rig.plane.open(rig.network.now, leg, "192.0.2.9:20000".parse().expect("an address"));
            rig.negotiate(leg, negotiated(leg, *codec));
            let settings = OpusSettings::default();
            let encoder = Encoder::new(*codec, Rate::Wide, settings).expect("an encoder");
            let decoder = Decoder::new(*codec, Rate::Wide).expect("a decoder");
            voices.push(Voice { leg, codec: *codec, hz, encoder, decoder });
        }
        rig.events();
        People { rig, voices, frames: 0 }
    }

    fn join(&mut self, leg: LegId, part: Part) {
        self.rig.command(Command::Join { leg, room: ROOM, part });
    }

    fn all_speak(&mut self, legs: &[LegId]) {
        legs.iter().for_each(|leg| self.join(*leg, SPEAK));
    }

    /// Everybody says their tone for some frames of 20 ms.
    fn talk(&mut self, frames: u16) {
        for at in self.frames..self.frames + frames {
            for voice in &mut self.voices {
                let samples: Vec<i16> = (0..320)
                    .map(|i| {
                        let turn = (f64::from(at) * 320.0 + f64::from(i)) * voice.hz / 16_000.0;
                        ((turn * std::f64::consts::TAU).sin() * 6_000.0) as i16
                    })
                    .collect();
                let mut payload = [0; MAX_BYTES];
                let len = voice.encoder.encode(&samples, &mut payload).expect("encodes");
                let step = voice.codec.clock_hz() / 50;
                let packet = Packet {
                    ssrc: Ssrc(0x1000 + voice.leg.0 as u32),
                    seq: SeqNo(65_530).plus(at),
                    timestamp: Timestamp(9_000).plus(u32::from(at) * step),
                    marker: at == 0,
                    payload_type: payload_type(voice.codec),
                    payload: &payload[..len],
                };
                self.rig.receive(voice.leg, &packet);
            }
            self.rig.pass(20);
        }
        self.frames += frames;
    }

    /// Which tones each peer has heard since the last call, in the last 300 ms of it.
    fn hear(&mut self) -> Vec<Vec<f64>> {
        let mut all = Vec::new();
        for at in 0..self.voices.len() {
            let sent = self.rig.sent(self.voices[at].leg);
            all.push(self.tones(at, &sent));
        }
        all
    }

    fn tones(&mut self, at: usize, sent: &[Sent]) -> Vec<f64> {
        let samples = self.decoded(at, sent);
        let last = &samples[samples.len().saturating_sub(4_800)..];
        TONES.into_iter().filter(|hz| power(last, *hz) > 2_000.0_f64.powi(2)).collect()
    }

    fn decoded(&mut self, at: usize, sent: &[Sent]) -> Vec<i16> {
        let mut samples = Vec::new();
        for sent in sent {
            let mut room = [0; MAX_SAMPLES];
            let decoder = &mut self.voices[at].decoder;
            let len = decoder.decode(&sent.payload, &mut room).expect("decodes");
            samples.extend(&room[..len]);
        }
        samples
    }
}

fn payload_type(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(111)
}

/// Of a tone in samples at 16 kHz, as the squared peak of a sine.
fn power(samples: &[i16], hz: f64) -> f64 {
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let turn = at as f64 * hz / 16_000.0 * std::f64::consts::TAU;
        real += f64::from(*sample) * turn.cos();
        imaginary += f64::from(*sample) * turn.sin();
    }
    (real * real + imaginary * imaginary) * (2.0 / samples.len().max(1) as f64).powi(2)
}

#[test]
fn three_who_speak_hear_each_other_and_not_themselves_whatever_their_codecs() {
    for codecs in [
        [Codec::Pcmu, Codec::Pcma, Codec::Pcmu],
        [Codec::G722, Codec::Pcma, Codec::Opus],
        [Codec::Opus, Codec::Opus, Codec::G722],
    ] {
        let mut people = People::new(&codecs);
        people.all_speak(&[A, B, C]);
        people.talk(50);
        let [a, b, c, _] = TONES;
        assert_eq!(people.hear(), [vec![b, c], vec![a, c], vec![a, b]], "{codecs:?}");
    }
}

#[test]
fn a_supervisor_is_heard_only_as_their_part_says_whatever_they_send() {
    let mut people = People::new(&[Codec::Pcma; 3]);
    let [caller, adviser, supervisor, _] = TONES;
    people.join(A, SPEAK);
    people.join(B, SPEAK);
    let all = vec![caller, adviser];
    for (part, to_caller, to_adviser) in [
        (Part::Listen, vec![adviser], vec![caller]),
        (Part::Whisper(B), vec![adviser], vec![caller, supervisor]),
        (Part::Speak, vec![adviser, supervisor], vec![caller, supervisor]),
        (Part::Listen, vec![adviser], vec![caller]),
        (Part::Whisper(A), vec![adviser, supervisor], vec![caller]),
    ] {
        people.join(C, part);
        people.talk(40);
        assert_eq!(people.hear(), [to_caller, to_adviser, all.clone()], "{part:?}");
    }
    // Whom they whispered to has gone: nobody hears them now.
    people.rig.command(Command::Leave { leg: A });
    people.talk(40);
    assert_eq!(people.hear(), [vec![], vec![], vec![adviser]]);
}

#[test]
fn a_conversation_goes_into_a_room_and_back_to_a_relay_without_a_break() {
    let mut people = People::new(&[Codec::Pcmu, Codec::Pcma, Codec::Pcmu]);
    people.rig.command(Command::Bridge { a: A, b: B });
    people.talk(20);
    let mut heard = people.rig.sent(A);
    for (leg, part) in [(A, SPEAK), (B, SPEAK), (C, Part::Listen)] {
        people.join(leg, part);
    }
    people.talk(40);
    heard.extend(people.rig.sent(A));
    for leg in [A, B, C] {
        people.rig.command(Command::Leave { leg });
    }
    people.rig.command(Command::Bridge { a: A, b: B });
    people.talk(20);
    heard.extend(people.rig.sent(A));
    assert_continuous(&heard);
    let real = heard[heard.len() - 1].at.since(heard[0].at).as_micros() as i32 / 125;
    let told = heard[heard.len() - 1].timestamp.ahead_of(heard[0].timestamp);
    assert!((told - real).abs() <= 640, "{told} samples in {real}");
    let [_, b, ..] = TONES;
    assert_eq!(people.tones(0, &heard), [b]);
    assert!(people.rig.plane.poll_timeout().is_some());
}

#[test]
fn every_member_is_sent_one_frame_every_20_ms() {
    let mut people = People::new(&[Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Pcmu]);
    people.all_speak(&[A, B, C, D]);
    people.rig.pass(40);
    people.hear();
    people.rig.pass(1_000);
    for leg in [A, B, C, D] {
        let sent = people.rig.sent(leg);
        assert_eq!(sent.len(), 50, "{leg}");
        assert_continuous(&sent);
        let gaps = sent.windows(2).map(|pair| pair[1].at.since(pair[0].at).as_millis());
        assert!(gaps.clone().all(|gap| gap == 20), "{:?}", gaps.collect::<Vec<_>>());
    }
}

#[test]
fn two_wide_band_members_hear_what_only_wide_band_carries() {
    let mut people = People::new(&[Codec::G722, Codec::G722, Codec::Pcma]);
    people.voices[0].hz = 5_500.0;
    people.all_speak(&[A, B, C]);
    people.talk(40);
    let sent = [A, B, C].map(|leg| people.rig.sent(leg));
    let at = |people: &mut People, who: usize| {
        let samples = people.decoded(who, &sent[who]);
        power(&samples[samples.len() - 4_800..], 5_500.0).sqrt()
    };
    assert!(at(&mut people, 1) > 3_000.0, "{}", at(&mut people, 1));
    assert!(at(&mut people, 2) < 300.0, "nothing folds back for the narrow-band one");
}

#[test]
fn everybody_is_sent_packets_as_long_as_they_wish() {
    for (codec, packet_ms) in
        [(Codec::Pcma, 10), (Codec::Pcmu, 30), (Codec::G722, 30), (Codec::G722, 40)]
    {
        let mut people = People::new(&[Codec::Pcma, Codec::G722, codec]);
        people.rig.negotiate(C, Negotiated { packet_ms, ..negotiated(C, codec) });
        people.join(A, SPEAK);
        people.join(B, SPEAK);
        people.join(C, Part::Listen);
        people.rig.pass(100);
        people.rig.sent(C);
        people.talk(60);
        let sent = people.rig.sent(C);
        let expected = 1_200 / usize::from(packet_ms);
        assert!((expected - 1..=expected + 1).contains(&sent.len()), "{packet_ms}: {}", sent.len());
        assert!(sent.iter().all(|sent| sent.payload.len() == 8 * usize::from(packet_ms)));
        for pair in sent.windows(2) {
            let step = pair[1].timestamp.ahead_of(pair[0].timestamp);
            assert_eq!((step, pair[1].seq), (8 * i32::from(packet_ms), pair[0].seq.plus(1)));
        }
        let [a, b, ..] = TONES;
        assert_eq!(people.tones(2, &sent), [a, b], "{codec:?} {packet_ms}");
    }
}

#[test]
fn who_only_listens_shares_one_encoding_with_the_others_who_do() {
    let mut people = People::new(&[Codec::Pcma; 4]);
    for (leg, part) in [(A, SPEAK), (B, SPEAK), (C, Part::Listen), (D, Part::Listen)] {
        people.join(leg, part);
    }
    people.talk(20);
    let (one, other) = (people.rig.sent(C), people.rig.sent(D));
    let payloads = |sent: &[Sent]| sent[2..].iter().map(|s| s.payload.clone()).collect::<Vec<_>>();
    assert_eq!(payloads(&one), payloads(&other));
}

#[test]
fn a_prompt_to_a_member_is_heard_by_them_alone_who_go_on_being_heard() {
    let mut people = People::new(&[Codec::Pcmu; 3]);
    people.all_speak(&[A, B, C]);
    people.talk(20);
    people.hear();
    people.rig.play(C, 7, &["main/one"]);
    people.talk(2);
    let sent = people.rig.sent(C);
    let prompt =
        [crate::media::codec::Law::Mu.encode(1_000), crate::media::codec::Law::Mu.encode(2_000)];
    assert_eq!(sent[..2].iter().map(|sent| sent.payload[80]).collect::<Vec<_>>(), prompt);
    assert_continuous(&sent);
    people.talk(30);
    let [a, b, c, _] = TONES;
    assert_eq!(people.hear(), [vec![b, c], vec![a, c], vec![a, b]]);
    assert!(people.rig.events().contains(&Event::Played { leg: C, play: PlayId(7) }));
}

#[test]
fn keys_of_members_are_told_and_leave_no_hole_in_the_voice_of_others() {
    let mut people = People::new(&[Codec::Pcmu; 3]);
    people.all_speak(&[A, B, C]);
    people.talk(20);
    for (at, (end, duration)) in [(false, 160), (false, 320), (true, 320)].into_iter().enumerate() {
        let payload = press(3, end, duration);
        let packet = Packet { ssrc: Ssrc(0x1003), ..key(at as u16, 0, &payload) };
        people.rig.receive(C, &packet);
    }
    let key = Key::from_char('3').expect("a key");
    assert_eq!(people.rig.events(), [Event::Key { leg: C, key, told: Told::Event }]);
}

#[test]
fn a_member_who_is_closed_bridged_or_on_hold_is_out_and_the_rest_goes_on() {
    let mut people = People::new(&[Codec::Pcma; 4]);
    people.all_speak(&[A, B, C, D]);
    people.talk(20);
    people.rig.command(Command::Close { leg: D });
    people.rig.command(Command::Bridge { a: C, b: D });
    people.rig.command(Command::Leave { leg: C });
    people.rig.music(C);
    people.talk(30);
    let [a, b, ..] = TONES;
    let heard = people.hear();
    assert_eq!((&heard[0], &heard[1]), (&vec![b], &vec![a]));
    for leg in [A, B, C] {
        people.rig.command(Command::Close { leg });
    }
    assert_eq!(people.rig.plane.poll_timeout(), None, "no room is left");
    people.rig.sleep(0);
    let ordered = people.rig.plane.counters().ordered;
    assert!(ordered.received >= 4 * 20 + 2 * 30 && ordered.lost == 0, "{ordered:?}");
}

#[test]
fn a_leg_may_be_negotiated_after_it_joined_and_change_its_codec() {
    let mut people = People::new(&[Codec::Pcma; 3]);
    people.all_speak(&[A, B, C]);
    people.talk(20);
    let codec = Codec::G722;
    people.rig.negotiate(C, negotiated(C, codec));
    people.voices[2].codec = codec;
    people.voices[2].encoder =
        Encoder::new(codec, Rate::Wide, OpusSettings::default()).expect("an encoder");
    people.voices[2].decoder = Decoder::new(codec, Rate::Wide).expect("a decoder");
    people.rig.sent(C);
    people.talk(40);
    let [a, b, c, _] = TONES;
    assert_eq!(people.hear(), [vec![b, c], vec![a, c], vec![a, b]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever a member's peer sends, whenever: nothing panics, and the others go on being sent a frame
    /// every 20 ms.
    #[test]
    fn hostile_packets_do_not_disturb_a_room(
        packets in proptest::collection::vec(
            (
                any::<u16>(), any::<u32>(), 0_u32..3, any::<bool>(),
                prop_oneof![3 => Just(8_u8), 1 => Just(101), 1 => any::<u8>().prop_map(|pt| pt & 0x7f)],
                proptest::collection::vec(any::<u8>(), 0..1_400),
                0_u64..30,
            ),
            1..60,
        ),
        codec in prop_oneof![Just(Codec::Pcma), Just(Codec::G722), Just(Codec::Opus)],
    ) {
        let mut people = People::new(&[Codec::Pcma, Codec::Pcma, codec]);
        people.all_speak(&[A, B, C]);
        people.rig.pass(100);
        people.hear();
        let before = people.rig.network.now;
        for (seq, timestamp, ssrc, marker, payload_type, payload, pass) in &packets {
            let payload_type = if *payload_type == 8 { self::payload_type(codec) } else { *payload_type };
            let packet = Packet {
                ssrc: Ssrc(*ssrc),
                seq: SeqNo(*seq),
                timestamp: Timestamp(*timestamp),
                marker: *marker,
                payload_type,
                payload,
            };
            people.rig.receive(C, &packet);
            people.rig.pass(*pass);
        }
        let frames = people.rig.network.now.since(before).as_millis() / 20;
        let sent = people.rig.sent(A).len() as u128;
        prop_assert!(sent >= frames && sent <= frames + 1, "{sent} in {frames}");
    }
}
