//! Sound: files that may be none, payloads that no encoder made, and packets in any order.

use switchboard::media::codec::{Decoder, MAX_SAMPLES};
use switchboard::media::command::Codec;
use switchboard::media::jitter::Jitter;
use switchboard::media::playout::{Decode, Playout};
use switchboard::media::rate::Rate;
use switchboard::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use switchboard::time::Time;

use super::source::Source;

/// A decoder as a stream's.
struct Ear {
    decoder: Decoder,
    rate: Rate,
}

impl Decode for Ear {
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        self.decoder.decode(payload, samples).unwrap_or(0)
    }

    fn units(&self, samples: usize) -> u32 {
        samples as u32 * (self.decoder.codec().clock_hz() / 100) / (self.rate.hz() / 100)
    }

    fn samples(&self, units: u32) -> usize {
        (u64::from(units) * u64::from(self.rate.hz()) / u64::from(self.decoder.codec().clock_hz()))
            as usize
    }
}

/// The longest payload that is agreed on.
const LONGEST: usize = 320;

/// A file, or a stream.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    match source.below(4) {
        0 => drop(soundfile::wav::read(source.rest(), &mut Default::default())),
        1 => payloads(&mut source),
        _ => stream(&mut source),
    }
}

fn ear(source: &mut Source<'_>) -> Ear {
    let codec = source.pick(&Codec::ALL);
    let rate = source.pick(&[Rate::Narrow, Rate::Wide]);
    Ear { decoder: Decoder::new(codec, rate).expect("a decoder"), rate }
}

/// Payloads as they come: never more samples than a packet may have.
fn payloads(source: &mut Source<'_>) {
    let Ear { mut decoder, rate: _ } = ear(source);
    let mut out = [0; MAX_SAMPLES];
    while !source.is_empty() {
        let len = usize::from(source.byte());
        if let Some(samples) = decoder.decode(source.take(len), &mut out) {
            assert!(samples <= MAX_SAMPLES);
        }
    }
}

/// Packets that come early, late, twice or never: every 20 ms a frame is heard all the same.
fn stream(source: &mut Source<'_>) {
    let mut ear = ear(source);
    let clock_hz = ear.decoder.codec().clock_hz();
    let mut jitter = Jitter::new(clock_hz, LONGEST);
    let mut playout = Playout::new(ear.rate.hz());
    let mut frame = vec![0; ear.rate.samples(20)];
    let (mut seq, mut stamp, mut now) = (source.u16(), 0_u32, 0_u64);
    let step = clock_hz / 50;
    while !source.is_empty() {
        match source.below(8) {
            0..=3 => {
                seq = seq.wrapping_add(1);
                stamp = stamp.wrapping_add(step);
            }
            4 => seq = seq.wrapping_add(source.u16() >> 8),
            5 => seq = seq.wrapping_sub(source.u16() >> 10),
            6 => stamp = stamp.wrapping_add(u32::from(source.u16()) << 12),
            _ => (seq, stamp) = (source.u16(), u32::from(source.u16()) << 16),
        }
        let len = usize::from(source.byte());
        let packet = Packet {
            ssrc: Ssrc(1),
            seq: SeqNo(seq),
            timestamp: Timestamp(stamp),
            marker: source.one_in(16),
            payload_type: 8,
            payload: source.take(len),
        };
        jitter.insert(Time::from_micros(now), &packet, !source.one_in(32));
        for _ in 0..source.below(4) {
            now += 20_000;
            playout.play(Time::from_micros(now), &mut jitter, &mut ear, &mut frame);
        }
    }
    let counters = jitter.counters();
    assert!(counters.played <= counters.received);
}
