//! Who hears whom in a room, and what: everybody but themselves (N-1).
//!
//! The audibility of a member is decided here and nowhere else: whoever only listens is mixed into
//! nothing, whatever their phone sends.

/// What a member of a room may do. `L` names members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part<L> {
    /// Hears everybody and is heard by everybody.
    Speak,
    /// Hears everybody and is heard by nobody.
    Listen,
    /// Hears everybody and is heard by one member only.
    Whisper(L),
}

impl<L: PartialEq> Part<L> {
    /// Whether a member with this part is heard by `hearer`.
    pub fn is_heard_by(&self, hearer: &L) -> bool {
        match self {
            Part::Speak => true,
            Part::Listen => false,
            Part::Whisper(to) => to == hearer,
        }
    }
}

/// The highest peak that a mix has, -0.5 dB of full scale: what is louder is turned down, not cut off.
const CEILING: f32 = 30_934.0;
/// How much louder a mix that was turned down becomes again in a frame of 20 ms (some 4 dB in a
/// second).
const RECOVERY: f32 = 1.01;
/// Within this part of a frame a mix is turned down.
const ATTACK: usize = 8;

/// Keeps a mix below full scale: turns it down at once, and up again slowly.
#[derive(Debug, Clone)]
pub struct Limiter {
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Limiter { gain: 1.0 }
    }
}

impl Limiter {
    /// Brings a sum of voices into 16 bits.
    pub fn limit(&mut self, sum: &[i32], out: &mut [i16]) {
        let peak = sum.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0) as f32;
        let fits = if peak > CEILING { CEILING / peak } else { 1.0 };
        let (from, to) = (self.gain, (self.gain * RECOVERY).min(fits));
        self.gain = to;
        let down = to < from;
        // Down within the first part of the frame, up over all of it.
        let ramp = if down { out.len() / ATTACK } else { out.len() }.max(1);
        for (at, (out, sample)) in out.iter_mut().zip(sum).enumerate() {
            let gain = if at < ramp { from + (to - from) * at as f32 / ramp as f32 } else { to };
            // `as` saturates: only the first peaks of a sudden shout are cut off.
            *out = (*sample as f32 * gain).round() as i16;
        }
    }
}

/// The sum of everybody who speaks to all, from which each hearer's mix is made.
#[derive(Debug, Clone)]
pub struct Sum {
    all: Box<[i32]>,
    one: Box<[i32]>,
}

impl Sum {
    /// For frames of up to `longest` samples.
    pub fn new(longest: usize) -> Self {
        Sum { all: vec![0; longest].into(), one: vec![0; longest].into() }
    }

    /// A new frame begins: nobody has spoken yet.
    pub fn begin(&mut self) {
        self.all.fill(0);
    }

    /// Somebody speaks to all.
    pub fn add(&mut self, voice: &[i16]) {
        for (sum, sample) in self.all.iter_mut().zip(voice) {
            *sum += i32::from(*sample);
        }
    }

    /// What somebody hears: all but their own voice, if it is in the sum, and what is whispered to
    /// them.
    pub fn heard<'a>(
        &mut self,
        own: Option<&[i16]>,
        whispered: impl Iterator<Item = &'a [i16]>,
        limiter: &mut Limiter,
        out: &mut [i16],
    ) {
        let len = out.len().min(self.one.len());
        self.one[..len].copy_from_slice(&self.all[..len]);
        for (sum, sample) in self.one.iter_mut().zip(own.unwrap_or_default()) {
            *sum -= i32::from(*sample);
        }
        for voice in whispered {
            for (sum, sample) in self.one.iter_mut().zip(voice) {
                *sum += i32::from(*sample);
            }
        }
        limiter.limit(&self.one[..len], &mut out[..len]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_listens_is_heard_by_nobody_and_who_whispers_by_one() {
        let (caller, adviser, supervisor) = (1, 2, 3);
        for hearer in [caller, adviser, supervisor] {
            assert!(Part::Speak.is_heard_by(&hearer));
            assert!(!Part::Listen.is_heard_by(&hearer));
            assert_eq!(Part::Whisper(adviser).is_heard_by(&hearer), hearer == adviser);
        }
    }

    #[test]
    fn everybody_hears_all_but_themselves_sample_for_sample() {
        let mut sum = Sum::new(4);
        let voices: [[i16; 4]; 3] = [[1, -2, 3, 4], [10, 20, -30, 40], [500, 600, 700, -800]];
        sum.begin();
        voices.iter().for_each(|voice| sum.add(voice));
        let mut out = [0; 4];
        let mut heard = |own: Option<&[i16]>, whispered: &[[i16; 4]]| {
            let whispered = whispered.iter().map(|voice| &voice[..]);
            sum.heard(own, whispered, &mut Limiter::default(), &mut out);
            out
        };
        assert_eq!(heard(Some(&voices[0]), &[]), [510, 620, 670, -760]);
        assert_eq!(heard(Some(&voices[2]), &[]), [11, 18, -27, 44]);
        assert_eq!(heard(None, &[]), [511, 618, 673, -756]);
        assert_eq!(heard(Some(&voices[0]), &[[7; 4]]), [517, 627, 677, -753]);
    }

    fn tone(hz: f64, peak: f64, rate_hz: f64) -> Vec<i32> {
        let turn = |at: i32| f64::from(at) * hz / rate_hz * std::f64::consts::TAU;
        (0..16_000).map(|at| (turn(at).sin() * peak) as i32).collect()
    }

    /// How much of the signal is not the tone, in dB below it.
    fn distortion_db(samples: &[i16], hz: f64) -> f64 {
        let (mut real, mut imaginary, mut energy) = (0.0, 0.0, 0.0);
        for (at, sample) in samples.iter().enumerate() {
            let turn = at as f64 * hz / 8_000.0 * std::f64::consts::TAU;
            let sample = f64::from(*sample);
            (real, imaginary) = (real + sample * turn.cos(), imaginary + sample * turn.sin());
            energy += sample * sample;
        }
        let pure = (real * real + imaginary * imaginary) * 2.0 / samples.len() as f64;
        10.0 * (pure / (energy - pure).max(1.0)).log10()
    }

    #[test]
    fn a_mix_that_is_too_loud_is_turned_down_and_not_distorted() {
        // Two shouting at once: a peak 6 dB above full scale.
        let loud = tone(400.0, 65_534.0, 8_000.0);
        let mut limiter = Limiter::default();
        let mut out = vec![0; loud.len()];
        for (sum, out) in loud.chunks(160).zip(out.chunks_mut(160)) {
            limiter.limit(sum, out);
        }
        let steady = &out[800..];
        assert!(steady.iter().all(|sample| i32::from(*sample).abs() <= 30_935));
        let limited = distortion_db(steady, 400.0);
        let cut: Vec<i16> =
            loud[800..].iter().map(|s| (*s).clamp(-32_768, 32_767) as i16).collect();
        let clipped = distortion_db(&cut, 400.0);
        assert!(limited > 45.0 && clipped < 20.0, "limited {limited:.1}, clipped {clipped:.1} dB");
    }

    #[test]
    fn a_mix_that_was_turned_down_comes_back_slowly_and_quiet_ones_are_left_alone() {
        let mut limiter = Limiter::default();
        let mut out = [0; 160];
        limiter.limit(&[12_345; 160], &mut out);
        assert_eq!(out, [12_345; 160]);
        limiter.limit(&[60_000; 160], &mut out);
        assert_eq!(out[159], 30_934);
        limiter.limit(&[10_000; 160], &mut out);
        assert!(out[159] < 5_300, "{}", out[159]);
        for _ in 0..100 {
            limiter.limit(&[10_000; 160], &mut out);
        }
        assert_eq!(out, [10_000; 160]);
    }

    proptest! {
        #[test]
        fn no_mix_wraps_round(
            frames in proptest::collection::vec(
                proptest::collection::vec(-2_000_000_i32..2_000_000, 160), 1..8),
        ) {
            let mut limiter = Limiter::default();
            let mut out = [0; 160];
            for frame in frames {
                limiter.limit(&frame, &mut out);
                for (sum, out) in frame.iter().zip(out) {
                    prop_assert!(i64::from(*sum) * i64::from(out) >= 0);
                    prop_assert!(sum.unsigned_abs() + 1 >= u32::from(out.unsigned_abs()));
                }
            }
        }
    }
}
