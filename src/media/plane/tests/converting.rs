//! Bridges between codecs, and everything else that depends on the codec.

use super::*;
use crate::media::codec::{Decoder, Encoder, MAX_BYTES, MAX_SAMPLES};
use crate::media::command::OpusSettings;
use crate::media::rate::Rate;

const LENGTHS_MS: [u8; 4] = [10, 20, 30, 40];
/// What a tone's peak is, and what a listener may hear of it.
const PEAK: f64 = 8_000.0;

/// A peer that says what it is given, in packets.
struct Speaker {
    codec: Codec,
    packet_ms: u8,
    encoder: Encoder,
    at: u16,
}

impl Speaker {
    fn new(codec: Codec, packet_ms: u8) -> Speaker {
        let settings = OpusSettings { fec: true, ..OpusSettings::default() };
        let encoder = Encoder::new(codec, Rate::Wide, settings).expect("an encoder");
        Speaker { codec, packet_ms, encoder, at: 0 }
    }

    /// Every packet of `samples` at 16 kHz.
    fn packets(&mut self, samples: &[i16]) -> Vec<Vec<u8>> {
        let mut room = [0; MAX_BYTES];
        let encode = |chunk: &[i16]| {
            let len = self.encoder.encode(chunk, &mut room).expect("encodes");
            room[..len].to_vec()
        };
        samples.chunks_exact(Rate::Wide.samples(self.packet_ms.into())).map(encode).collect()
    }

    /// The header of the next packet.
    fn next<'a>(&mut self, payload: &'a [u8]) -> Packet<'a> {
        let ticks = self.codec.clock_hz() / 1_000 * u32::from(self.packet_ms);
        let timestamp = Timestamp(70_000).plus(u32::from(self.at) * ticks);
        self.at += 1;
        Packet { timestamp, ..voice(self.codec, self.at - 1, payload) }
    }

    /// Says `samples` on a leg, each packet when it is due.
    fn say(&mut self, rig: &mut Rig, leg: LegId, samples: &[i16]) {
        for payload in self.packets(samples) {
            let packet = self.next(&payload);
            rig.receive(leg, &packet);
            rig.pass(self.packet_ms.into());
        }
    }
}

fn tone(hz: f64, ms: usize) -> Vec<i16> {
    let turn = hz * std::f64::consts::TAU / 16_000.0;
    (0..Rate::Wide.samples(ms)).map(|at| ((at as f64 * turn).sin() * PEAK) as i16).collect()
}

/// Something like a vowel in syllables of 400 ms; one is loudest at 600 ms.
fn buzz(ms: usize) -> Vec<i16> {
    let tones: Vec<_> = (1..=12).map(|n| tone(150.0 * f64::from(n), ms)).collect();
    let loud = |n: usize| 1.0 / (1.0 + (n as f64 - 4.0).abs());
    let sample = |at: usize| -> f64 {
        let sum: f64 =
            tones.iter().enumerate().map(|(n, tone)| f64::from(tone[at]) * loud(n) * 0.4).sum();
        sum * (at as f64 / 16_000.0 * 2.5 * std::f64::consts::PI).sin().abs()
    };
    (0..Rate::Wide.samples(ms)).map(|at| sample(at) as i16).collect()
}

fn decoded(codec: Codec, sent: &[Sent]) -> Vec<i16> {
    let mut decoder = Decoder::new(codec, Rate::Wide).expect("a decoder");
    let (mut room, mut heard) = ([0; MAX_SAMPLES], Vec::new());
    for sent in sent {
        let len = decoder.decode(&sent.payload, &mut room).expect("decodes");
        heard.extend(&room[..len]);
    }
    heard
}

/// Of the second half: the tone's level against [`PEAK`], and all else against the tone, in dB.
fn measured(samples: &[i16], hz: f64) -> (f64, f64) {
    let steady = &samples[samples.len() / 2..];
    let (mut real, mut imaginary, mut all) = (0.0, 0.0, 0.0);
    for (at, sample) in steady.iter().enumerate() {
        let turn = at as f64 * hz / 16_000.0 * std::f64::consts::TAU;
        real += f64::from(*sample) * turn.cos();
        imaginary += f64::from(*sample) * turn.sin();
        all += f64::from(*sample).powi(2);
    }
    let len = steady.len() as f64;
    let tone = 2.0 * (real * real + imaginary * imaginary) / (len * len);
    let db = |power: f64| 10.0 * power.log10();
    (db(tone / (PEAK * PEAK / 2.0)), db((all / len - tone).max(1.0) / tone))
}

fn with_length(leg: LegId, codec: Codec, packet_ms: u8) -> Negotiated {
    Negotiated { packet_ms, ..negotiated(leg, codec) }
}

#[test]
fn a_tone_keeps_its_frequency_and_level_between_every_two_codecs_without_delay() {
    for from in Codec::ALL {
        for to in Codec::ALL {
            let mut rig = Rig::bridged(from, to);
            rig.pass(5);
            rig.sent(B);
            let mut speaker = Speaker::new(from, 20);
            for (at, payload) in speaker.packets(&tone(1_000.0, 1_000)).iter().enumerate() {
                let packet = speaker.next(payload);
                rig.receive(A, &packet);
                let heard = rig.network.rtp.iter().filter(|sent| sent.leg == B).count();
                assert_eq!(heard, at + 1, "{from:?} to {to:?}: at once");
                rig.pass(20);
            }
            let sent = rig.sent(B);
            assert_continuous(&sent);
            let step = to.clock_hz() / 50;
            for pair in sent.windows(2) {
                assert_eq!(pair[1].timestamp.ahead_of(pair[0].timestamp), step as i32);
                assert!(!pair[1].marker);
            }
            assert!(sent[0].marker);
            let (level, rest) = measured(&decoded(to, &sent), 1_000.0);
            println!("{from:?} to {to:?}: {level:.2} dB, all else {rest:.1} dB");
            assert!(level.abs() < 1.0, "{from:?} to {to:?}: {level:.2} dB");
            assert!(rest < -18.0, "{from:?} to {to:?}: all else {rest:.1} dB");
        }
    }
}

#[test]
fn packets_of_every_length_become_packets_of_the_hearers_length() {
    for from_ms in LENGTHS_MS {
        for (from, to, lengths) in [
            (Codec::G722, Codec::Pcma, &LENGTHS_MS[..]),
            (Codec::Pcmu, Codec::G722, &LENGTHS_MS[..]),
            (Codec::Pcma, Codec::Opus, &[20][..]),
        ] {
            for to_ms in lengths {
                let mut rig = Rig::with_two_legs(from, to);
                rig.negotiate(A, with_length(A, from, from_ms));
                rig.negotiate(B, with_length(B, to, *to_ms));
                rig.command(Command::Bridge { a: A, b: B });
                rig.pass(50);
                rig.sent(B);
                Speaker::new(from, from_ms).say(&mut rig, A, &tone(1_000.0, 1_200));
                // Silence, until the first packet is full.
                let sent = rig.sent(B).into_iter().skip_while(|sent| !sent.marker);
                let sent: Vec<_> = sent.collect();
                let expected = 1_200 / usize::from(*to_ms);
                assert!(sent.len().abs_diff(expected) <= 1, "{from_ms} to {to_ms}: {}", sent.len());
                let step = to.clock_hz() / 1_000 * u32::from(*to_ms);
                for pair in sent.windows(2) {
                    assert_eq!(pair[1].seq, pair[0].seq.plus(1));
                    assert_eq!(pair[1].timestamp.ahead_of(pair[0].timestamp), step as i32);
                }
                let (level, rest) = measured(&decoded(to, &sent), 1_000.0);
                assert!(level.abs() < 1.0 && rest < -18.0, "{from_ms} to {to_ms}: {level} {rest}");
            }
        }
    }
}

#[test]
fn no_relayed_packet_is_longer_than_the_hearer_takes_and_others_are_left_as_they_are() {
    for codec in Codec::ALL {
        for (said_ms, most_ms) in [(20, 10), (30, 20), (40, 20), (40, 30), (20, 20), (10, 20)] {
            if codec == Codec::Opus && (most_ms < 20 || said_ms == 30) {
                continue;
            }
            let mut rig = Rig::with_two_legs(codec, codec);
            let limited = with_length(B, codec, most_ms.min(20));
            rig.negotiate(B, Negotiated { max_packet_ms: Some(most_ms), ..limited });
            rig.command(Command::Bridge { a: A, b: B });
            rig.pass(50);
            rig.sent(B);
            let mut speaker = Speaker::new(codec, said_ms);
            let said = speaker.packets(&tone(1_000.0, 1_200));
            for payload in &said {
                let packet = speaker.next(payload);
                rig.receive(A, &packet);
                rig.pass(said_ms.into());
            }
            let heard: Vec<_> = rig.sent(B).into_iter().skip_while(|sent| !sent.marker).collect();
            let what = format!("{codec:?}: {said_ms} ms, at most {most_ms}");
            let longest = heard.iter().map(|sent| codec.packet_ms(&sent.payload)).max();
            assert_eq!(longest, Some(usize::from(said_ms.min(most_ms).min(20))), "{what}");
            assert_continuous_numbers(&heard);
            let bytes: Vec<u8> = heard.iter().flat_map(|sent| sent.payload.clone()).collect();
            if said_ms <= most_ms {
                assert!(bytes == said.concat(), "{what}");
            } else if let Some(law) = codec.law() {
                // A law is decoded and encoded without a loss.
                let linear =
                    |bytes: &[u8]| bytes.iter().map(|b| law.decode(*b)).collect::<Vec<_>>();
                assert!(linear(&bytes) == linear(&said.concat()), "{what}");
            }
            let (level, rest) = measured(&decoded(codec, &heard), 1_000.0);
            // Opus has been encoded twice.
            assert!(level.abs() < 1.5 && rest < -18.0, "{what}: {level} {rest}");
        }
    }
}

#[test]
fn keys_as_tones_are_no_longer_than_the_hearer_takes() {
    let mut rig = Rig::with_two_legs(Codec::Pcma, Codec::Pcma);
    let short = Negotiated { packet_ms: 10, ..with_keys(B, Codec::Pcma, None) };
    rig.negotiate(B, Negotiated { max_packet_ms: Some(10), ..short });
    rig.pass(50);
    rig.sent(B);
    let keys = vec![Key::from_char('7').expect("a key")];
    rig.command(Command::SendKeys { leg: B, keys });
    rig.pass(400);
    let sent = rig.sent(B);
    assert!(sent.iter().all(|sent| sent.payload.len() == 80));
    assert_continuous_numbers(&sent);
    for pair in sent.windows(2) {
        assert!(pair[1].timestamp.ahead_of(pair[0].timestamp) >= 80);
    }
    let loud = |sent: &&Sent| sent.payload.iter().any(|byte| Law::A.decode(*byte).abs() > 2_000);
    assert!(sent.iter().filter(loud).count() >= 4, "a tone is heard");
}

#[test]
fn a_lost_packet_of_opus_is_made_up_for_and_of_others_stays_a_hole_and_late_ones_are_dropped() {
    for (from, to, hole) in [
        (Codec::Opus, Codec::Pcma, 0),
        (Codec::Opus, Codec::G722, 0),
        (Codec::G722, Codec::Pcma, 1),
        (Codec::Pcma, Codec::Opus, 1),
    ] {
        let mut rig = Rig::bridged(from, to);
        rig.pass(5);
        rig.sent(B);
        let mut speaker = Speaker::new(from, 20);
        let payloads = speaker.packets(&buzz(1_000));
        let packets: Vec<_> = payloads.iter().map(|payload| speaker.next(payload)).collect();
        for (at, packet) in packets.iter().enumerate().filter(|(at, _)| *at != 30) {
            rig.receive(A, packet);
            if at == 31 {
                rig.receive(A, &packets[30]);
                assert_eq!(rig.dropped(DropReason::Late), 1);
            }
            rig.pass(20);
        }
        let sent = rig.sent(B);
        assert_eq!(sent.len(), 50 - usize::from(hole), "{from:?} to {to:?}");
        let first = &sent[0];
        for (at, sent) in sent.iter().enumerate() {
            let at = if at < 30 { at as u16 } else { at as u16 + hole };
            assert_eq!(sent.seq, first.seq.plus(at), "{from:?} to {to:?} at {at}");
            let ticks = sent.timestamp.ahead_of(first.timestamp);
            assert_eq!(ticks, i32::from(at) * to.clock_hz() as i32 / 50);
        }
        if hole == 0 {
            let heard = decoded(to, &sent);
            // The packet that was lost, half a frame of the codecs' delay later.
            let lost = &heard[30 * 320 + 160..31 * 320 + 160];
            let around = &heard[28 * 320..29 * 320];
            let power = |s: &[i16]| s.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
            let db = 10.0 * (power(lost) / power(around)).log10();
            assert!(db.abs() < 4.0, "{from:?} to {to:?}: {db:.1} dB");
        }
    }
}

#[test]
fn a_pause_stays_a_pause() {
    let mut rig = Rig::bridged(Codec::G722, Codec::Pcma);
    rig.pass(5);
    rig.sent(B);
    let mut speaker = Speaker::new(Codec::G722, 20);
    let payloads = speaker.packets(&tone(400.0, 400));
    for (at, payload) in payloads.iter().enumerate() {
        let packet = speaker.next(payload);
        // The second half comes 100 ms later, and says so.
        let late = if at < 10 { 0 } else { 800 };
        let packet = Packet { timestamp: packet.timestamp.plus(late), ..packet };
        if at == 10 {
            rig.pass(100);
        }
        rig.receive(A, &packet);
        rig.pass(20);
    }
    let sent = rig.sent(B);
    assert_eq!(sent.len(), 20);
    assert_continuous(&sent);
    assert_eq!(sent[10].timestamp.ahead_of(sent[9].timestamp), 160 + 800);
    assert!(sent[10].marker);
}

#[test]
fn keys_are_passed_on_between_clocks_with_their_lengths() {
    for (from, to, scale) in
        [(Codec::Pcma, Codec::Opus, 6.0), (Codec::Opus, Codec::Pcma, 1.0 / 6.0)]
    {
        let mut rig = Rig::bridged(from, to);
        rig.pass(5);
        let mut speaker = Speaker::new(from, 20);
        speaker.say(&mut rig, A, &tone(400.0, 200));
        rig.sent(B);
        let frame = from.clock_hz() as u16 / 50;
        let began = speaker.at;
        for packet in 1..=6u16 {
            let payload = press(5, packet > 4, frame * packet.min(5));
            let voice = speaker.next(&payload);
            let timestamp = Timestamp(70_000).plus(u32::from(began) * u32::from(frame));
            rig.receive(A, &Packet { timestamp, payload_type: 101, marker: packet == 1, ..voice });
            rig.pass(20);
        }
        speaker.say(&mut rig, A, &tone(400.0, 100));
        let sent = rig.sent(B);
        assert_continuous_numbers(&sent);
        let (keys, voice): (Vec<_>, Vec<_>) = sent.iter().partition(|s| s.payload_type == 101);
        assert_eq!((keys.len(), voice.len()), (6, 5), "{from:?}");
        for (at, key) in keys.iter().enumerate() {
            let told = TelephoneEvent::parse(&key.payload).expect("an event");
            let duration = f64::from(frame) * f64::from((at as u16 + 1).min(5)) * scale;
            assert_eq!((told.event, f64::from(told.duration)), (5, duration.round()));
            assert_eq!((key.timestamp, key.marker), (keys[0].timestamp, at == 0));
        }
        // The voice goes on later than the press began by as long as it took.
        let pause = voice[0].timestamp.ahead_of(keys[0].timestamp);
        let expected = to.clock_hz() as i32 * 120 / 1_000;
        assert!((pause - expected).abs() <= to.clock_hz() as i32 / 50, "{pause} {expected}");
        assert_eq!(rig.events().len(), 1, "one key");
    }
}

fn assert_continuous_numbers(sent: &[Sent]) {
    for pair in sent.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq.plus(1));
    }
}

#[test]
fn keys_are_heard_as_tones_in_every_codec() {
    let both: Vec<i16> = (0..Rate::Wide.samples(100))
        .map(|at| {
            let turn = at as f64 / 16_000.0 * std::f64::consts::TAU;
            (((770.0 * turn).sin() + (1_336.0 * turn).sin()) * 5_000.0) as i16
        })
        .collect();
    for codec in Codec::ALL {
        let mut rig = Rig::with_two_legs(codec, codec);
        rig.negotiate(A, with_keys(A, codec, None));
        let mut speaker = Speaker::new(codec, 20);
        for _ in 0..2 {
            speaker.say(&mut rig, A, &both);
            speaker.say(&mut rig, A, &vec![0; Rate::Wide.samples(100)]);
        }
        let five = Key::from_char('5').expect("a key");
        let pressed = Event::Key { leg: A, key: five, told: Told::Tones };
        assert_eq!(rig.events(), [pressed.clone(), pressed], "{codec:?}");
    }
}

#[test]
fn comfort_noise_is_passed_on_or_made() {
    let with_noise = |leg, codec| {
        let agreed = negotiated(leg, codec);
        let types = PayloadTypes { comfort_noise: Some(13), ..agreed.send };
        Negotiated { send: types, receive: types, ..agreed }
    };
    for (to, takes_it) in [(Codec::Pcmu, true), (Codec::Pcmu, false), (Codec::G722, false)] {
        let mut rig = Rig::with_two_legs(Codec::Pcma, to);
        rig.negotiate(A, with_noise(A, Codec::Pcma));
        if takes_it {
            rig.negotiate(B, with_noise(B, to));
        }
        rig.command(Command::Bridge { a: A, b: B });
        let mut speaker = Speaker::new(Codec::Pcma, 20);
        speaker.say(&mut rig, A, &tone(400.0, 200));
        rig.sent(B);
        // 45 dB below overload, white.
        let pause = Packet { payload_type: 13, ..speaker.next(&[45]) };
        rig.receive(A, &pause);
        rig.pass(1_000);
        let sent = rig.sent(B);
        if takes_it {
            assert_eq!(sent.len(), 1, "the peer makes its own noise");
            assert_eq!((sent[0].payload_type, &sent[0].payload[..]), (13, &[45][..]));
        } else {
            assert!((48..=50).contains(&sent.len()), "{}", sent.len());
            let heard = decoded(to, &sent);
            let power = heard.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
            let db = 10.0 * (power / heard.len() as f64 / 32_768.0f64.powi(2)).log10();
            assert!((db + 45.0).abs() < 2.5, "{to:?}: {db:.1} dB");
        }
        // Words end it.
        speaker.say(&mut rig, A, &tone(400.0, 400));
        let voices = rig.sent(B);
        assert!(voices.len().abs_diff(20) <= 1, "{}", voices.len());
        let (level, _) = measured(&decoded(to, &voices), 400.0);
        assert!(level.abs() < 1.0, "{to:?}: {level:.1}");
    }
}

#[test]
fn prompts_music_and_silence_have_the_hearers_codec_and_pace() {
    for codec in Codec::ALL {
        let lengths = if codec == Codec::Opus { &[20][..] } else { &LENGTHS_MS };
        for packet_ms in lengths {
            let mut rig = Rig::with_two_legs(codec, codec);
            rig.negotiate(A, with_length(A, codec, *packet_ms));
            for act in 0..3 {
                match act {
                    0 => rig.command(Command::Quiet { leg: A }),
                    1 => rig.music(A),
                    _ => rig.play(A, 7, &["main/long"]),
                }
                rig.pass(100);
                rig.sent(A);
                rig.pass(1_200);
                let sent = rig.sent(A);
                assert_eq!(sent.len(), 1_200 / usize::from(*packet_ms), "{codec:?} {packet_ms}");
                assert_continuous_numbers(&sent);
                let ticks = codec.clock_hz() as i32 / 1_000 * i32::from(*packet_ms);
                for pair in sent.windows(2) {
                    let gap = pair[1].at - pair[0].at;
                    assert_eq!(gap, Duration::from_millis(u64::from(*packet_ms)));
                    assert_eq!(pair[1].timestamp.ahead_of(pair[0].timestamp), ticks);
                }
                let heard = decoded(codec, &sent);
                assert_eq!(heard.len(), 16 * 1_200);
            }
        }
    }
}

#[test]
fn a_leg_may_change_its_codec_in_the_middle_of_a_conversation() {
    let mut rig = Rig::bridged(Codec::Pcma, Codec::Pcma);
    Speaker::new(Codec::Pcma, 20).say(&mut rig, A, &tone(400.0, 200));
    rig.negotiate(B, negotiated(B, Codec::Opus));
    rig.sent(B);
    let mut speaker = Speaker::new(Codec::Pcma, 20);
    speaker.at = 10;
    speaker.say(&mut rig, A, &tone(400.0, 400));
    let sent = rig.sent(B);
    let (level, _) = measured(&decoded(Codec::Opus, &sent), 400.0);
    assert!(level.abs() < 1.0 && sent.len() >= 20, "{level} {}", sent.len());
    rig.negotiate(A, negotiated(A, Codec::Opus));
    let mut speaker = Speaker::new(Codec::Opus, 20);
    let payloads = speaker.packets(&tone(400.0, 400));
    speaker.at = 30;
    rig.sent(B);
    for payload in &payloads {
        let packet = speaker.next(payload);
        rig.receive(A, &packet);
        rig.pass(20);
    }
    let sent = rig.sent(B);
    let relayed: Vec<_> = sent.iter().map(|sent| &sent.payload).collect();
    assert_eq!(relayed, payloads.iter().collect::<Vec<_>>(), "passed on as they are");
}

#[test]
fn reports_share_the_port_where_that_was_agreed_on() {
    let mut rig = Rig::with_two_legs(Codec::Pcma, Codec::Pcma);
    let agreed = negotiated(A, Codec::Pcma);
    rig.negotiate(A, Negotiated { rtcp_mux: true, remote_rtcp: agreed.remote, ..agreed });
    // An empty receiver report, at the RTP port.
    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    let from = home(A).parse().expect("an address");
    rig.plane.handle_rtp(rig.network.now, A, from, &report, &mut rig.network);
    assert_eq!(rig.plane.counters().rtcp_received, 1);
    rig.plane.handle_rtp(rig.network.now, B, from, &report, &mut rig.network);
    assert_eq!(rig.plane.counters().rtcp_received, 1, "not where it was not");
    let mut reports = Reports::default();
    let until = rig.network.now + Duration::from_secs(20);
    while let Some(due) = rig.plane.poll_timeout().filter(|due| *due <= until) {
        rig.plane.handle_timeout(due, &mut reports);
    }
    assert!(reports.shared > 0 && reports.own > 0, "{reports:?}");
}

/// Counts the reports of A at its RTP port, and those of B at its own.
#[derive(Debug, Default)]
struct Reports {
    shared: u32,
    own: u32,
}

impl Sink for Reports {
    fn send_rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        if (192..=223).contains(&packet[1]) {
            assert_eq!((leg, to), (A, home(A).parse().expect("an address")));
            self.shared += 1;
        }
    }

    fn send_rtcp(&mut self, leg: LegId, _to: SocketAddr, _packet: &[u8]) {
        assert_eq!(leg, B);
        self.own += 1;
    }
}
