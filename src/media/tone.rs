//! Tones: what a telephone network tells people without words (the UK's, BT SIN 350), beeps, and the
//! tones of keys (ITU-T Q.23).

use std::f32::consts::TAU;
use std::time::Duration;

use super::command::Key;

/// A tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tone {
    /// The other end rings: 400 and 450 Hz, twice 0.4 s in every 3 s.
    Ringing,
    /// The other end is busy: 400 Hz, 0.375 s on and off.
    Busy,
    /// No line is free: 400 Hz, 0.4 s and 0.225 s in turn.
    Congestion,
    /// There is no such number: 400 Hz without a break.
    Unobtainable,
    /// An announcement follows: 950, 1,400 and 1,800 Hz, 0.33 s each, once.
    SpecialInformation,
    /// Speak now: 1,000 Hz for 0.25 s, once.
    Beep,
    /// Somebody has come in: 600 Hz, then 800 Hz, once.
    Joined,
    /// Somebody has gone: 800 Hz, then 600 Hz, once.
    Left,
}

/// The peak of a tone: -13 dBm0 (full scale is +3.14 dBm0).
const PEAK: f32 = 5_110.0;
/// The peak of each tone of a key: -9 dBm0 for the high one, 2 dB less for the low one (ITU-T Q.24
/// receivers take both).
const KEY_PEAKS: [f32; 2] = [6_430.0, 8_100.0];
/// A tone begins and ends within this time, so that it does not click, in milliseconds.
const EDGE_MS: u32 = 4;

/// A piece of a tone: for how many milliseconds which frequencies sound (0: none).
type Piece = (u32, [f32; 2]);

impl Tone {
    /// The pieces, and whether they begin again.
    fn pieces(self) -> (&'static [Piece], bool) {
        match self {
            Tone::Ringing => {
                const RING: [f32; 2] = [400.0, 450.0];
                (&[(400, RING), (200, [0.0; 2]), (400, RING), (2_000, [0.0; 2])], true)
            }
            Tone::Busy => (&[(375, [400.0, 0.0]), (375, [0.0; 2])], true),
            Tone::Congestion => {
                const ON: [f32; 2] = [400.0, 0.0];
                (&[(400, ON), (350, [0.0; 2]), (225, ON), (525, [0.0; 2])], true)
            }
            // Begins again at a whole number of waves, so that nobody hears it.
            Tone::Unobtainable => (&[(1_000, [400.0, 0.0])], true),
            Tone::SpecialInformation => (
                &[
                    (330, [950.0, 0.0]),
                    (15, [0.0; 2]),
                    (330, [1_400.0, 0.0]),
                    (15, [0.0; 2]),
                    (330, [1_800.0, 0.0]),
                    (1_000, [0.0; 2]),
                ],
                false,
            ),
            Tone::Beep => (&[(250, [1_000.0, 0.0])], false),
            Tone::Joined => (&[(100, [600.0, 0.0]), (120, [800.0, 0.0])], false),
            Tone::Left => (&[(100, [800.0, 0.0]), (120, [600.0, 0.0])], false),
        }
    }

    /// How long it takes until it begins again or is over.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.pieces().0.iter().map(|(ms, _)| u64::from(*ms)).sum())
    }

    /// Whether it goes on for ever.
    pub fn is_endless(self) -> bool {
        self.pieces().1
    }

    /// The sample with the number `at` at `rate_hz`; none when it is over.
    pub fn sample(self, at: u64, rate_hz: u32) -> Option<i16> {
        let (pieces, endless) = self.pieces();
        let samples = |ms: u32| u64::from(ms) * u64::from(rate_hz) / 1_000;
        let whole: u64 = pieces.iter().map(|(ms, _)| samples(*ms)).sum();
        let mut at = if endless { at % whole.max(1) } else { at };
        for (ms, frequencies) in pieces {
            let len = samples(*ms);
            if at < len {
                // A tone that fills its whole round has no edges.
                let edge = if whole == len && endless { 0 } else { samples(EDGE_MS) };
                let near = at.min(len - 1 - at);
                let edges = if near < edge { (near + 1) as f32 / edge as f32 } else { 1.0 };
                let peak = if frequencies[1] > 0.0 { PEAK / 2.0 } else { PEAK };
                let value: f32 = frequencies.iter().map(|hz| sine(*hz, at, rate_hz)).sum();
                return Some((value * peak * edges) as i16);
            }
            at -= len;
        }
        None
    }

    /// One round of it.
    pub fn samples(self, rate_hz: u32) -> Vec<i16> {
        let millis = self.duration().as_millis() as u64;
        (0..millis * u64::from(rate_hz) / 1_000).filter_map(|at| self.sample(at, rate_hz)).collect()
    }
}

/// The sample with the number `at` of a key's two tones.
pub fn of_key(key: Key, at: u64, rate_hz: u32) -> i16 {
    let (low, high) = match key.as_char() {
        '1' => (697.0, 1_209.0),
        '2' => (697.0, 1_336.0),
        '3' => (697.0, 1_477.0),
        'A' => (697.0, 1_633.0),
        '4' => (770.0, 1_209.0),
        '5' => (770.0, 1_336.0),
        '6' => (770.0, 1_477.0),
        'B' => (770.0, 1_633.0),
        '7' => (852.0, 1_209.0),
        '8' => (852.0, 1_336.0),
        '9' => (852.0, 1_477.0),
        'C' => (852.0, 1_633.0),
        '*' => (941.0, 1_209.0),
        '0' => (941.0, 1_336.0),
        '#' => (941.0, 1_477.0),
        _ => (941.0, 1_633.0),
    };
    let [low_peak, high_peak] = KEY_PEAKS;
    (sine(low, at, rate_hz) * low_peak + sine(high, at, rate_hz) * high_peak) as i16
}

/// A sine; whole turns are left out first, so that it stays exact for ever.
fn sine(hz: f32, at: u64, rate_hz: u32) -> f32 {
    let turns = (at as f64 * f64::from(hz) / f64::from(rate_hz.max(1))).fract();
    (turns as f32 * TAU).sin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::dtmf::Detector;

    /// The power of a frequency in samples, as the squared peak of a sine.
    fn power(samples: &[i16], hz: f64, rate_hz: u32) -> f64 {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (at, sample) in samples.iter().enumerate() {
            let turn = at as f64 * hz / f64::from(rate_hz) * std::f64::consts::TAU;
            real += f64::from(*sample) * turn.cos();
            imaginary += f64::from(*sample) * turn.sin();
        }
        (real * real + imaginary * imaginary) * (2.0 / samples.len() as f64).powi(2)
    }

    /// When a tone sounds, in milliseconds from its beginning: on, off, on ...
    fn cadence(tone: Tone, rate_hz: u32, seconds: u32) -> Vec<u32> {
        let samples: Vec<i16> = (0..u64::from(rate_hz * seconds))
            .map(|at| tone.sample(at, rate_hz).unwrap_or(0))
            .collect();
        let millisecond = rate_hz as usize / 1_000;
        let loud: Vec<bool> = samples
            .chunks(millisecond * 5)
            .map(|piece| piece.iter().any(|sample| sample.unsigned_abs() > 900))
            .collect();
        let changes = loud.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]);
        changes.map(|(at, _)| (at as u32 + 1) * 5).collect()
    }

    #[test]
    fn the_uk_plan_is_kept_at_any_rate() {
        for rate_hz in [8_000, 16_000, 48_000] {
            assert_eq!(
                cadence(Tone::Ringing, rate_hz, 4),
                [400, 600, 1_000, 3_000, 3_400, 3_600, 4_000][..6]
            );
            assert_eq!(cadence(Tone::Busy, rate_hz, 1), [375, 750]);
            assert_eq!(cadence(Tone::Congestion, rate_hz, 2), [400, 750, 975, 1_500, 1_900]);
            assert_eq!(cadence(Tone::Unobtainable, rate_hz, 5), [0_u32; 0]);
            assert_eq!(cadence(Tone::SpecialInformation, rate_hz, 3).last(), Some(&1_020));
            assert_eq!(cadence(Tone::Beep, rate_hz, 2), [250]);
        }
    }

    #[test]
    fn each_tone_has_its_frequencies_and_its_level() {
        let rate = 8_000;
        let ring = &Tone::Ringing.samples(rate)[160..160 + 2_400];
        for hz in [400.0, 450.0] {
            let peak = power(ring, hz, rate).sqrt();
            assert!((peak - 2_555.0).abs() < 60.0, "{hz}: {peak}");
        }
        let busy = &Tone::Busy.samples(rate)[160..160 + 2_400];
        assert!((power(busy, 400.0, rate).sqrt() - 5_110.0).abs() < 60.0);
        let special = Tone::SpecialInformation.samples(rate);
        for (at, hz) in [(0, 950.0), (345, 1_400.0), (690, 1_800.0)] {
            let piece = &special[at * 8 + 80..at * 8 + 2_480];
            assert!(power(piece, hz, rate).sqrt() > 5_000.0, "{hz}");
        }
    }

    #[test]
    fn an_endless_tone_begins_again_without_a_seam_and_others_end() {
        for at in 7_990..8_010 {
            let turn = f64::from(at) * 400.0 / 8_000.0 * std::f64::consts::TAU;
            let sample = Tone::Unobtainable.sample(at as u64, 8_000).expect("endless");
            assert!((f64::from(sample) - turn.sin() * 5_110.0).abs() < 2.0, "{at}");
        }
        assert_eq!(Tone::Beep.sample(2_000, 8_000), None);
        assert_eq!(Tone::Beep.samples(8_000).len(), 2_000);
        assert!(Tone::Busy.is_endless() && !Tone::Left.is_endless());
    }

    #[test]
    fn every_key_is_heard_as_itself() {
        for key in "0123456789*#ABCD".chars().filter_map(Key::from_char) {
            let mut detector = Detector::new();
            let heard = detector.hear((0..800).map(|at| of_key(key, at, 8_000)));
            assert_eq!(heard, Some(key));
        }
    }
}
