//! The two rates of linear voice, and the way from one to the other.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, Resizable as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

use super::codec::MAX_PACKET_MS;

/// The rate of linear voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 8 kHz: telephony as it was.
    Narrow,
    /// 16 kHz: wide-band voice.
    Wide,
}

impl Rate {
    /// Samples in a second.
    pub const fn hz(self) -> u32 {
        match self {
            Rate::Narrow => 8_000,
            Rate::Wide => 16_000,
        }
    }

    /// Samples in some milliseconds.
    pub const fn samples(self, ms: usize) -> usize {
        match self {
            Rate::Narrow => 8 * ms,
            Rate::Wide => 16 * ms,
        }
    }
}

/// The filter's length in milliseconds: half of it is the delay.
const FILTER_MS: usize = 7;
/// Where it is down by half, as a share of the narrow band's 4 kHz: telephony's 3.4 kHz pass whole,
/// and what folds back or is mirrored lies beyond them.
const CUTOFF: f32 = 0.95;

/// Converts one stream from one rate to the other. Made once; converting allocates nothing.
pub struct Converter {
    filter: Async<f32>,
    /// The same length of input as the filter was set to last.
    len: usize,
    input: Box<[f32]>,
    output: Box<[f32]>,
}

impl Converter {
    /// A converter; none if the rates are the same.
    pub fn new(from: Rate, to: Rate) -> Option<Self> {
        if from == to {
            return None;
        }
        let parameters = SincInterpolationParameters {
            sinc_len: from.samples(FILTER_MS),
            f_cutoff: Some(CUTOFF),
            // Every sample of the output is on one of the input or half-way between two.
            oversampling_factor: 2,
            interpolation: SincInterpolationType::Nearest,
            window: WindowFunction::Blackman,
        };
        let ratio = f64::from(to.hz()) / f64::from(from.hz());
        let len = from.samples(MAX_PACKET_MS);
        let filter = Async::new_sinc(ratio, 1.0, &parameters, len, 1, FixedAsync::Input).ok()?;
        // Some samples of play, as the library asks for.
        let output = vec![0.0; to.samples(MAX_PACKET_MS) + 16].into_boxed_slice();
        let input = vec![0.0; len].into_boxed_slice();
        let mut converter = Converter { filter, len, input, output };
        // The library gives less for the first samples than for all later ones.
        let silence = [0; Rate::Wide.samples(10)];
        converter.convert(silence.get(..from.samples(10))?, &mut [0; Rate::Wide.samples(10)])?;
        Some(converter)
    }

    /// Converts the next samples of the stream to the front of `out` and says how many there are. None
    /// if they are more than 120 ms or `out` is too short.
    pub fn convert(&mut self, samples: &[i16], out: &mut [i16]) -> Option<usize> {
        if samples.is_empty() {
            return Some(0);
        }
        if samples.len() != self.len {
            self.filter.set_chunk_size(samples.len()).ok()?;
            self.len = samples.len();
        }
        let input = self.input.get_mut(..samples.len())?;
        for (to, from) in input.iter_mut().zip(samples) {
            *to = f32::from(*from);
        }
        let input = InterleavedSlice::new(input, 1, samples.len()).ok()?;
        let room = self.output.len();
        let mut output = InterleavedSlice::new_mut(&mut self.output[..], 1, room).ok()?;
        let (_, len) = self.filter.process_into_buffer(&input, &mut output, None).ok()?;
        for (to, from) in out.get_mut(..len)?.iter_mut().zip(&self.output) {
            // `as` saturates.
            *to = from.round_ties_even() as i16;
        }
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: Rate, ms: usize) -> Vec<i16> {
        let turn = hz * std::f64::consts::TAU / f64::from(rate.hz());
        (0..rate.samples(ms)).map(|at| ((at as f64 * turn).sin() * 10_000.0) as i16).collect()
    }

    /// In frames of 20 ms.
    fn converted(samples: &[i16], from: Rate, to: Rate) -> Vec<i16> {
        let mut converter = Converter::new(from, to).expect("another rate");
        let (mut out, mut all) = (vec![0; to.samples(20)], Vec::new());
        for frame in samples.chunks(from.samples(20)) {
            assert_eq!(converter.convert(frame, &mut out), Some(to.samples(20)));
            all.extend(&out);
        }
        all
    }

    /// Of the second half, in dB below a sine of 10,000.
    fn level(samples: &[i16]) -> f64 {
        let steady = &samples[samples.len() / 2..];
        let power: f64 = steady.iter().map(|s| f64::from(*s).powi(2)).sum();
        10.0 * (power / steady.len() as f64 / 5e7).max(1e-12).log10()
    }

    #[test]
    fn telephonys_band_passes_whole_both_ways() {
        for hz in [200.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0] {
            for (from, to) in [(Rate::Narrow, Rate::Wide), (Rate::Wide, Rate::Narrow)] {
                let db = level(&converted(&tone(hz, from, 500), from, to));
                assert!(db.abs() < 0.1, "{hz} Hz from {from:?}: {db:.2} dB");
            }
        }
    }

    #[test]
    fn nothing_folds_back_and_nothing_is_mirrored() {
        for hz in [4_300.0, 4_600.0, 5_000.0, 6_000.0, 7_500.0] {
            let db = level(&converted(&tone(hz, Rate::Wide, 500), Rate::Wide, Rate::Narrow));
            assert!(db < -65.0, "{hz} Hz: {db:.1} dB");
        }
        for hz in [300.0, 1_000.0, 3_400.0] {
            let wide = converted(&tone(hz, Rate::Narrow, 500), Rate::Narrow, Rate::Wide);
            // What is left when the tone itself is taken away.
            let turn = hz * std::f64::consts::TAU / 16_000.0;
            let steady = &wide[4_000..];
            let of = |f: fn(f64) -> f64| {
                let pairs = (4_000..).zip(steady);
                let sum: f64 = pairs.map(|(at, s)| f(f64::from(at) * turn) * f64::from(*s)).sum();
                2.0 * sum / steady.len() as f64
            };
            let (sine, cosine) = (of(f64::sin), of(f64::cos));
            let rest: Vec<i16> = (4_000..)
                .zip(steady)
                .map(|(at, sample)| {
                    let phase = f64::from(at) * turn;
                    (f64::from(*sample) - sine * phase.sin() - cosine * phase.cos()).round() as i16
                })
                .collect();
            assert!(level(&rest) < -65.0, "{hz} Hz: {:.1} dB", level(&rest));
        }
    }

    #[test]
    fn a_click_comes_out_four_milliseconds_later_at_most() {
        for (from, to) in [(Rate::Narrow, Rate::Wide), (Rate::Wide, Rate::Narrow)] {
            let mut click = vec![0; from.samples(40)];
            click[from.samples(10)] = 20_000;
            let out = converted(&click, from, to);
            let peak = (0..out.len()).max_by_key(|at| out[*at].unsigned_abs()).expect("a peak");
            let delay = peak - to.samples(10);
            assert!(delay <= to.samples(4), "{from:?}: {delay} samples");
        }
    }

    #[test]
    fn pieces_of_any_length_make_the_same_stream() {
        let samples = tone(700.0, Rate::Wide, 400);
        let whole = converted(&samples, Rate::Wide, Rate::Narrow);
        let mut converter = Converter::new(Rate::Wide, Rate::Narrow).expect("another rate");
        let (mut rest, mut out, mut all) = (&samples[..], [0i16; 2_000], Vec::<i16>::new());
        for len in [1, 2, 3, 160, 7, 480, 640, 0, 1_920, 5].into_iter().cycle() {
            let (piece, later) = rest.split_at(rest.len().min(len));
            let len = converter.convert(piece, &mut out).expect("converts");
            all.extend(&out[..len]);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(all.len(), whole.len());
        assert!(all.iter().zip(&whole).all(|(a, b)| a.abs_diff(*b) <= 1));
        assert_eq!(converter.convert(&[0; 1_921], &mut out), None);
        assert_eq!(converter.convert(&[0; 320], &mut out[..100]), None);
        assert!(Converter::new(Rate::Wide, Rate::Wide).is_none());
    }
}
