//! What voice costs without the network: a frame encoded, a frame played, a packet relayed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use switchboard::id::{Entropy, LegId};
use switchboard::media::codec::{Encoder, Law, MAX_BYTES};
use switchboard::media::command::{Codec, Negotiated, OpusSettings, PayloadTypes};
use switchboard::media::{Bank, Clip, Command, Plane, PlaneSettings, Sink};
use switchboard::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use switchboard::time::Time;

fn main() {
    divan::main();
}

#[derive(Default)]
struct Discard(usize);

impl Sink for Discard {
    fn send_rtp(&mut self, _leg: LegId, _to: SocketAddr, packet: &[u8]) {
        self.0 += black_box(packet).len();
    }

    fn send_rtcp(&mut self, _leg: LegId, _to: SocketAddr, packet: &[u8]) {
        self.0 += black_box(packet).len();
    }
}

fn peer(leg: u64) -> SocketAddr {
    SocketAddr::from(([10, 0, (leg >> 8) as u8, leg as u8], 4_000))
}

/// A plane with negotiated legs; odd ones speak `odd`, even ones A-law.
fn plane(legs: u64, odd: Codec) -> Plane {
    let music = ("music/hold".into(), Clip::new(&vec![2_000; 8_000 * 30]));
    let bank: Bank = [music].into_iter().collect();
    let settings = PlaneSettings { silence: Duration::from_secs(3_600) };
    let mut plane = Plane::new(settings, Arc::new(bank), Entropy::from_seed([1; 32]));
    for leg in 0..legs {
        plane.open(Time::ZERO, LegId(leg), SocketAddr::from(([192, 0, 2, 1], 20_000)));
        let codec = if leg % 2 == 1 { odd } else { Codec::Pcma };
        let negotiated = Negotiated::plain(peer(leg), codec);
        let command = Command::Negotiate { leg: LegId(leg), negotiated };
        plane.handle_command(Time::ZERO, command, &mut Discard::default());
    }
    plane
}

/// One frame of linear voice to a law.
#[divan::bench(args = [Law::Mu, Law::A])]
fn encode(bencher: Bencher, law: Law) {
    let samples: Vec<i16> = (0..160).map(|at| (at * 397 % 20_001 - 10_000) as i16).collect();
    bencher.counter(ItemsCount::new(160usize)).bench(|| {
        let mut frame = [0; 160];
        for (to, from) in frame.iter_mut().zip(black_box(&samples)) {
            *to = law.encode(*from);
        }
        frame
    });
}

/// Twenty milliseconds of a thread on which everybody hears music: one item is one packet.
#[divan::bench(args = [1, 100, 1_000])]
fn play(bencher: Bencher, legs: u64) {
    let mut plane = plane(legs, Codec::Pcmu);
    let mut out = Discard::default();
    for leg in 0..legs {
        let command = Command::Music { leg: LegId(leg), music: "music/hold".into() };
        plane.handle_command(Time::ZERO, command, &mut out);
    }
    let mut now = Time::ZERO;
    bencher.counter(ItemsCount::new(legs)).bench_local(|| {
        now += Duration::from_millis(20);
        plane.handle_timeout(now, &mut out);
    });
}

/// One packet of 20 ms of a voice received, converted and sent on, among a hundred bridges: a bridged
/// call has a hundred of them in a second, fifty each way. The voice is speech of `sounds/`: two seconds
/// of it, in each bridge.
#[divan::bench(sample_count = 100, sample_size = 100, args = [
    (Codec::G722, Codec::Pcma),
    (Codec::Pcma, Codec::G722),
    (Codec::Opus, Codec::Pcma),
    (Codec::Pcma, Codec::Opus),
    (Codec::Opus, Codec::G722),
    (Codec::G722, Codec::Opus),
])]
fn convert(bencher: Bencher, (from, to): (Codec, Codec)) {
    let legs = 200;
    let settings = PlaneSettings { silence: Duration::from_secs(3_600) };
    let bank = Arc::new(Bank::new());
    let mut plane = Plane::new(settings, bank, Entropy::from_seed([1; 32]));
    let mut out = Discard::default();
    for leg in 0..legs {
        plane.open(Time::ZERO, LegId(leg), SocketAddr::from(([192, 0, 2, 1], 20_000)));
        let negotiated = Negotiated::plain(peer(leg), if leg % 2 == 0 { from } else { to });
        plane.handle_command(
            Time::ZERO,
            Command::Negotiate { leg: LegId(leg), negotiated },
            &mut out,
        );
    }
    for leg in (0..legs).step_by(2) {
        let command = Command::Bridge { a: LegId(leg), b: LegId(leg + 1) };
        plane.handle_command(Time::ZERO, command, &mut out);
    }
    let voice = voice(from);
    let (mut leg, mut frame) = (0, 0u16);
    let payload_type = from.static_payload_type().unwrap_or(PayloadTypes::OPUS);
    bencher.counter(ItemsCount::new(1usize)).bench_local(|| {
        let packet = Packet {
            ssrc: Ssrc(1),
            seq: SeqNo(frame),
            timestamp: Timestamp(u32::from(frame) * from.clock_hz() / 50),
            marker: false,
            payload_type,
            payload: &voice[usize::from(frame) % voice.len()],
        };
        let mut bytes = [0; 1_400];
        let len = packet.write(&mut bytes).unwrap_or(0);
        let now = Time::from_millis(u64::from(frame) * 20);
        plane.handle_rtp(now, LegId(leg), peer(leg), &bytes[..len], &mut out);
        leg += 2;
        if leg == legs {
            (leg, frame) = (0, frame.wrapping_add(1));
        }
    });
    assert!(out.0 > 0);
}

/// A prompt in packets of 20 ms.
fn voice(codec: Codec) -> Vec<Vec<u8>> {
    let bytes = std::fs::read("sounds/en-GB/main/welcome.wav").expect("a prompt");
    let recording = soundfile::wav::read(&bytes, &mut Default::default());
    let clip = Clip::from(recording.expect("a recording"));
    let (samples, rate) = clip.samples();
    let settings = OpusSettings { fec: true, ..OpusSettings::default() };
    let mut encoder = Encoder::new(codec, rate, settings).expect("an encoder");
    let mut room = [0; MAX_BYTES];
    let packet = |frame: &[i16]| {
        let len = encoder.encode(frame, &mut room).expect("encodes");
        room[..len].to_vec()
    };
    samples.chunks_exact(rate.samples(20)).map(packet).collect()
}

/// One packet received, checked, renumbered and handed on, among a thousand legs; the same law on
/// both sides, or one to be turned into the other.
#[divan::bench(args = [Codec::Pcma, Codec::Pcmu])]
fn relay(bencher: Bencher, other: Codec) {
    let legs = 1_000;
    let mut plane = plane(legs, other);
    let mut out = Discard::default();
    for leg in (0..legs).step_by(2) {
        let command = Command::Bridge { a: LegId(leg), b: LegId(leg + 1) };
        plane.handle_command(Time::ZERO, command, &mut out);
    }
    let (mut leg, mut frame) = (0, 0u16);
    bencher.counter(ItemsCount::new(1usize)).bench_local(|| {
        let packet = Packet {
            ssrc: Ssrc(1),
            seq: SeqNo(frame),
            timestamp: Timestamp(u32::from(frame) * 160),
            marker: false,
            payload_type: 8,
            payload: &[0x55; 160],
        };
        let mut bytes = [0; 172];
        let len = packet.write(&mut bytes).unwrap_or(0);
        let now = Time::from_millis(u64::from(frame) * 20);
        plane.handle_rtp(now, LegId(leg), peer(leg), &bytes[..len], &mut out);
        leg += 2;
        if leg == legs {
            (leg, frame) = (0, frame.wrapping_add(1));
        }
    });
    assert!(out.0 > 0);
}
