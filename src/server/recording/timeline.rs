//! One recording's two sides put into time: packets in the order of their timestamps, silence where
//! there are none.
//!
//! What needs no decoder is put where it belongs as it comes. What does waits until its turn comes, so
//! that its decoder hears it in order.
//!
//! A stream begins where its first packet arrived; from there on its own timestamps say where each
//! packet belongs. A stream whose timestamps and whose arrivals part by more than [`APART`] (it
//! jumped, it pauses, the clocks drift) begins anew where it arrives. What is written lies [`WINDOW`]
//! in the past, so that whatever is late, but not later, finds its place.

use std::collections::BTreeMap;
use std::time::Duration;

use super::wav::{Format, Voicer};
use crate::media::command::Codec;
use crate::media::recorder::{Side, Voice};
use crate::rtp::packet::{Ssrc, Timestamp};
use crate::time::Time;

/// How far back the edge lies up to which everything is written.
pub const WINDOW: Duration = Duration::from_millis(400);
/// How far a stream's own time may be from its arrivals.
const APART: Duration = Duration::from_millis(200);
/// Packets of a side that wait for their decoder: six times what a peer of the shortest frames sends in
/// that time.
const MOST_WAITING: usize = 512;

/// Both sides.
#[derive(Debug)]
pub struct Timeline {
    begun: Time,
    format: Option<Format>,
    sides: [Line; 2],
    /// Both sides, interleaved, from where everything has been written: silence where nothing came.
    canvas: Vec<u8>,
    /// Samples of each side that have been written.
    written: u64,
    lost: u64,
}

/// One side.
#[derive(Debug, Default)]
struct Line {
    stream: Option<Stream>,
    voicer: Option<Voicer>,
    /// What waits for its decoder, by its place.
    waiting: BTreeMap<u64, (Codec, Vec<u8>)>,
    /// Where the furthest packet ends.
    end: u64,
}

/// Where a stream's timestamps lie.
#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: Ssrc,
    timestamp: Timestamp,
    place: u64,
}

impl Timeline {
    /// A recording that begins now.
    pub fn new(begun: Time) -> Timeline {
        Timeline {
            begun,
            format: None,
            sides: [Line::default(), Line::default()],
            canvas: Vec::new(),
            written: 0,
            lost: 0,
        }
    }

    /// What is written: that of the first packet.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// Packets that came too late, or of which there were too many.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Where an instant lies, from the beginning.
    pub fn offset(&self, at: Time) -> Duration {
        at.since(self.begun)
    }

    /// How much has been written.
    pub fn length(&self) -> Duration {
        let rate = u64::from(self.format.unwrap_or_default().rate_hz());
        Duration::from_micros(self.written.saturating_mul(1_000_000) / rate)
    }

    /// Takes a packet in.
    pub fn take(&mut self, at: Time, voice: &Voice<'_>) {
        let format = *self.format.get_or_insert(Format::of(voice.codec));
        let rate = u64::from(format.rate_hz());
        let arrived = samples(at.since(self.begun), rate);
        let (written, apart) = (self.written, samples(APART, rate));
        let line = self.line(voice.side);
        let Some(place) = line.place(arrived, apart, rate, voice) else {
            self.lost += 1;
            return;
        };
        let length = ticks(voice) * rate / u64::from(voice.codec.clock_hz());
        if place + length <= written || line.waiting.len() >= MOST_WAITING {
            self.lost += 1;
            return;
        }
        line.end = line.end.max(place + length);
        match format.translated(voice.codec, voice.payload) {
            Some(samples) => self.paint(format, voice.side, place, &samples),
            // Doubled on the way: the first is as good.
            None => {
                let packet = || (voice.codec, voice.payload.to_vec());
                line.waiting.entry(place).or_insert_with(packet);
            }
        }
    }

    /// Appends everything before `now`, less the window, to `out`, both sides interleaved.
    pub fn write(&mut self, now: Time, out: &mut Vec<u8>) {
        let until = now.since(self.begun).saturating_sub(WINDOW);
        self.write_until(until, out);
    }

    /// Appends everything before the end, and what is not later than it.
    pub fn finish(&mut self, at: Time, out: &mut Vec<u8>) {
        self.format.get_or_insert_default();
        self.write_until(at.since(self.begun), out);
    }

    fn write_until(&mut self, until: Duration, out: &mut Vec<u8>) {
        let Some(format) = self.format else { return };
        let until = samples(until, format.rate_hz().into());
        let width = format.sample_bytes();
        let Some(count) = until.checked_sub(self.written).filter(|count| *count > 0) else {
            return;
        };
        for side in [Side::Peer, Side::Ours] {
            let line = self.line(side);
            let later = line.waiting.split_off(&until);
            let due = std::mem::replace(&mut line.waiting, later);
            for (place, (codec, payload)) in due {
                let voicer = self.line(side).voicer.get_or_insert_with(|| Voicer::new(format));
                let samples = voicer.voice(codec, &payload);
                self.paint(format, side, place, &samples);
            }
        }
        let bytes = count as usize * 2 * width;
        self.reach(format, bytes);
        out.extend(self.canvas.drain(..bytes));
        self.written = until;
    }

    fn line(&mut self, side: Side) -> &mut Line {
        let [left, right] = &mut self.sides;
        match side {
            Side::Peer => left,
            Side::Ours => right,
        }
    }

    /// Puts samples of a side where they belong, save those whose time has been written.
    fn paint(&mut self, format: Format, side: Side, place: u64, samples: &[u8]) {
        let width = format.sample_bytes();
        let late = self.written.saturating_sub(place) as usize * width;
        let samples = samples.get(late..).unwrap_or_default();
        let begin = place.saturating_sub(self.written) as usize * 2 * width;
        self.reach(format, begin + 2 * samples.len());
        let begin = match side {
            Side::Peer => begin,
            Side::Ours => begin + width,
        };
        let there = self.canvas.get_mut(begin..).unwrap_or_default();
        if width == 1 {
            let every_other = there.iter_mut().step_by(2);
            every_other.zip(samples).for_each(|(to, from)| *to = *from);
        } else {
            for (to, from) in there.chunks_mut(2 * width).zip(samples.chunks_exact(width)) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Makes the canvas at least so many bytes long.
    fn reach(&mut self, format: Format, bytes: usize) {
        if self.canvas.len() < bytes {
            // Every format's silence is one byte, again and again.
            let silence = format.silence().first().copied().unwrap_or(0);
            self.canvas.resize(bytes, silence);
        }
    }
}

impl Line {
    /// Where a packet belongs; none if there is no room for it in time.
    fn place(&mut self, arrived: u64, apart: u64, rate: u64, voice: &Voice<'_>) -> Option<u64> {
        let clock = i64::from(voice.codec.clock_hz());
        let known = self.stream.filter(|stream| stream.ssrc == voice.ssrc).and_then(|stream| {
            let ahead = i64::from(voice.timestamp.ahead_of(stream.timestamp));
            let ahead = ahead * rate as i64 / clock;
            let place = stream.place.checked_add_signed(ahead)?;
            (place.abs_diff(arrived) <= apart).then_some(place)
        });
        let place = match known {
            Some(place) => place,
            None => {
                // After what there is already, if that is not far in the future.
                let place = arrived.max(self.end);
                if place - arrived > apart {
                    return None;
                }
                place
            }
        };
        let newest = self.stream.is_none_or(|stream| place >= stream.place || known.is_none());
        if newest {
            let (ssrc, timestamp) = (voice.ssrc, voice.timestamp);
            self.stream = Some(Stream { ssrc, timestamp, place });
        }
        Some(place)
    }
}

/// How long a packet lasts by its clock: for Opus, what nearly every sender makes.
fn ticks(voice: &Voice<'_>) -> u64 {
    match voice.codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => voice.payload.len() as u64,
        Codec::Opus => 960,
    }
}

fn samples(time: Duration, rate_hz: u64) -> u64 {
    (time.as_micros() * u128::from(rate_hz) / 1_000_000) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: Codec = Codec::Pcma;

    fn at_ms(ms: u64) -> Time {
        Time::from_millis(10_000 + ms)
    }

    fn voice(side: Side, ssrc: u32, frame: u32, payload: &[u8]) -> Voice<'_> {
        Voice {
            side,
            codec: A,
            lost: 0,
            ssrc: Ssrc(ssrc),
            timestamp: Timestamp(0xffff_ff00_u32.wrapping_add(frame * 160)),
            payload,
        }
    }

    /// A side of interleaved samples, by runs of 160: the byte if they are all the same.
    fn frames(bytes: &[u8], side: usize) -> Vec<Option<u8>> {
        let one: Vec<u8> = bytes.chunks_exact(2).map(|both| both[side]).collect();
        one.chunks(160)
            .map(|frame| Some(frame[0]).filter(|byte| frame.iter().all(|other| other == byte)))
            .collect()
    }

    const SILENT: Option<u8> = Some(0xd5);

    #[test]
    fn reordered_and_doubled_packets_come_out_in_order_and_lost_ones_as_silence() {
        let mut line = Timeline::new(at_ms(0));
        let payloads: Vec<[u8; 160]> = (0..10).map(|at| [at; 160]).collect();
        // 4 is lost, 6 comes before 5, 7 twice.
        for (ms, frame) in
            [(0, 0), (20, 1), (41, 2), (60, 3), (111, 6), (119, 5), (140, 7), (141, 7)]
        {
            line.take(at_ms(ms), &voice(Side::Peer, 1, frame, &payloads[frame as usize]));
        }
        line.take(at_ms(40), &voice(Side::Ours, 2, 0, &payloads[9]));
        let mut out = Vec::new();
        line.write(at_ms(300), &mut out);
        assert!(out.is_empty(), "nothing that may still be overtaken");
        line.finish(at_ms(180), &mut out);
        let byte = |at: u8| Some(at);
        let left = [byte(0), byte(1), byte(2), byte(3), SILENT, byte(5), byte(6), byte(7), SILENT];
        assert_eq!(frames(&out, 0), left);
        let mut right = [SILENT; 9];
        right[2] = byte(9);
        assert_eq!(frames(&out, 1), right);
        assert_eq!((line.length(), line.lost()), (Duration::from_millis(180), 0));
    }

    #[test]
    fn writing_bit_by_bit_is_the_same_as_at_once() {
        let payloads: Vec<[u8; 160]> = (0..200).map(|at| [at; 160]).collect();
        let mut whole = Vec::new();
        for step_ms in [10_000, 1_000, 77, 20, 7] {
            let (mut line, mut out) = (Timeline::new(at_ms(0)), Vec::new());
            let mut due = step_ms;
            for (frame, payload) in payloads.iter().enumerate() {
                let ms = frame as u64 * 20 + 3;
                while due <= ms {
                    line.write(at_ms(due), &mut out);
                    due += step_ms;
                }
                line.take(at_ms(ms), &voice(Side::Peer, 1, frame as u32, payload));
            }
            line.finish(at_ms(4_000), &mut out);
            if whole.is_empty() {
                whole.clone_from(&out);
                assert_eq!(whole.len(), 2 * 8 * 4_000);
            }
            assert!(out == whole, "in steps of {step_ms} ms");
        }
    }

    #[test]
    fn a_stream_that_jumps_pauses_or_is_replaced_goes_on_where_it_arrives() {
        let mut line = Timeline::new(at_ms(0));
        line.take(at_ms(0), &voice(Side::Peer, 1, 0, &[1; 160]));
        // The timestamps jump by hours.
        line.take(at_ms(20), &voice(Side::Peer, 1, 900_000, &[2; 160]));
        line.take(at_ms(40), &voice(Side::Peer, 1, 900_001, &[3; 160]));
        // Another source.
        line.take(at_ms(60), &voice(Side::Peer, 7, 3, &[4; 160]));
        // A pause in which the timestamps stand still.
        line.take(at_ms(1_000), &voice(Side::Peer, 7, 4, &[5; 160]));
        let mut out = Vec::new();
        line.finish(at_ms(1_040), &mut out);
        let left = frames(&out, 0);
        assert_eq!(left[..5], [Some(1), Some(2), Some(3), Some(4), SILENT]);
        assert_eq!(left[49..52], [SILENT, Some(5), SILENT]);
    }

    #[test]
    fn what_comes_later_than_the_window_is_lost_and_counted() {
        let (mut line, mut out) = (Timeline::new(at_ms(0)), Vec::new());
        line.take(at_ms(0), &voice(Side::Peer, 1, 0, &[1; 160]));
        line.take(at_ms(500), &voice(Side::Peer, 1, 25, &[2; 160]));
        line.write(at_ms(1_000), &mut out);
        assert_eq!(out.len(), 2 * 8 * 600);
        line.take(at_ms(690), &voice(Side::Peer, 1, 26, &[9; 160]));
        assert_eq!(line.lost(), 1);
    }

    #[test]
    fn a_recording_in_which_nobody_said_a_word_is_silence_of_its_length() {
        let (mut line, mut out) = (Timeline::new(at_ms(0)), Vec::new());
        line.write(at_ms(5_000), &mut out);
        line.finish(at_ms(6_000), &mut out);
        assert_eq!(out.len(), 2 * 8 * 6_000);
        assert!(out.iter().all(|byte| *byte == out[0]));
    }

    proptest! {
        #[test]
        fn whatever_comes_the_length_is_that_of_the_clock_and_what_waits_is_bounded(
            packets in proptest::collection::vec(
                (any::<u32>(), 0u32..3, 0usize..1_500, 0u64..60_000, any::<bool>()), 0..300),
        ) {
            let (mut line, mut out) = (Timeline::new(at_ms(0)), Vec::new());
            let mut now = 0;
            for (stamp, ssrc, len, step_us, ours) in packets {
                now += step_us;
                let at = at_ms(0) + Duration::from_micros(now);
                let side = if ours { Side::Ours } else { Side::Peer };
                let payload = vec![1; len];
                let packet = Voice {
                    timestamp: Timestamp(stamp), ..voice(side, ssrc, 0, &payload)
                };
                line.take(at, &packet);
                line.write(at, &mut out);
                for side in &line.sides {
                    prop_assert!(side.waiting.len() <= MOST_WAITING + 1);
                    prop_assert!(side.end <= line.written + 8 * (400 + 200 + 200) + 1_500);
                }
                prop_assert!(line.canvas.len() <= 2 * (8 * (400 + 200 + 200) + 1_500));
            }
            let end = at_ms(0) + Duration::from_micros(now);
            line.finish(end, &mut out);
            prop_assert_eq!(out.len() as u64 / 2, now * 8 / 1_000);
        }
    }
}
