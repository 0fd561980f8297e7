//! Bringing recordings of any rate to one of ours.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Rates that are read: from half of telephony's to studio's, in Hz.
pub const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=192_000;
/// Least samples in a block of the transform: long enough for a steep filter, at 8 kHz flat up to
/// 3.8 kHz, with nothing above 4 kHz folding back.
const BLOCK: usize = 4_096;

/// The rate cannot be brought to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rate_hz} Hz is outside 4,000 to 192,000 Hz")]
pub struct UnusableRate {
    /// The rate, in Hz.
    pub rate_hz: u32,
}

/// One channel of samples between -1 and 1 at `from_hz`, as 16-bit samples at `to_hz`. Loudness stays as
/// it is; what is beyond full scale is clipped.
pub fn to_rate(samples: &[f32], from_hz: u32, to_hz: u32) -> Result<Vec<i16>, UnusableRate> {
    Converter::default().convert(samples, from_hz, to_hz).map(|samples| to_16_bits(&samples))
}

/// Samples between -1 and 1 as 16-bit samples; what is beyond is clipped.
pub fn to_16_bits(samples: &[f32]) -> Vec<i16> {
    // `as` saturates, which is the clipping that is wanted, and makes a NaN silence.
    samples.iter().map(|sample| (sample * 32_768.0).round() as i16).collect()
}

/// Brings many recordings to our rates: to plan a transform takes longer than a short recording.
#[derive(Default)]
pub struct Converter {
    /// By the rates from which and to which.
    planned: BTreeMap<(u32, u32), Fft<f32>>,
}

impl Converter {
    /// One channel of samples at `from_hz`, at `to_hz`.
    pub fn convert(
        &mut self,
        samples: &[f32],
        from_hz: u32,
        to_hz: u32,
    ) -> Result<Vec<f32>, UnusableRate> {
        if let Some(rate_hz) = [from_hz, to_hz].into_iter().find(|hz| !RATES_HZ.contains(hz)) {
            return Err(UnusableRate { rate_hz });
        }
        if from_hz == to_hz || samples.is_empty() {
            return Ok(samples.to_vec());
        }
        let unusable = UnusableRate { rate_hz: from_hz };
        let fft = match self.planned.entry((from_hz, to_hz)) {
            Entry::Occupied(planned) => planned.into_mut(),
            Entry::Vacant(place) => {
                place.insert(plan(from_hz as usize, to_hz as usize).ok_or(unusable)?)
            }
        };
        let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|_| unusable)?;
        // It begins anew with each recording.
        Ok(fft.process_all(&input, samples.len(), None).map_err(|_| unusable)?.take_data())
    }
}

fn plan(from: usize, to: usize) -> Option<Fft<f32>> {
    // A block of whole samples on both sides, and an even number of them, so that the delay that
    // is taken off again is a whole number too.
    let unit = from / gcd(from, to);
    let block = unit * BLOCK.div_ceil(unit).next_multiple_of(2);
    let window = WindowFunction::BlackmanHarris2;
    Fft::new_custom(from, to, block, 1, 1, window, FixedSync::Input).ok()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NARROW_HZ;

    fn to_narrow_band(samples: &[f32], rate_hz: u32) -> Result<Vec<i16>, UnusableRate> {
        to_rate(samples, rate_hz, NARROW_HZ)
    }

    fn tone(frequency_hz: f32, rate_hz: u32, seconds: f32) -> Vec<f32> {
        (0..(rate_hz as f32 * seconds) as u32)
            .map(|at| {
                let turns = f64::from(frequency_hz) * f64::from(at) / f64::from(rate_hz);
                (turns * std::f64::consts::TAU).sin() as f32 * 0.5
            })
            .collect()
    }

    /// Root mean square of the middle half, relative to full scale.
    fn level(samples: &[i16]) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let sum: f64 = middle.iter().map(|sample| (f64::from(*sample) / 32_768.0).powi(2)).sum();
        (sum / middle.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_keeps_its_level_its_length_and_its_place() {
        for rate in [11_025, 16_000, 22_050, 44_100, 48_000] {
            let out = to_narrow_band(&tone(1_000.0, rate, 1.0), rate).expect("a usable rate");
            assert!((out.len() as i64 - 8_000).abs() <= 1, "{rate}: {}", out.len());
            let expected = to_narrow_band(&tone(1_000.0, 8_000, 1.0), 8_000).expect("usable");
            for at in 1_000..7_000 {
                let error = i32::from(out[at]) - i32::from(expected[at]);
                assert!(error.abs() < 40, "{rate} at {at}: {error}");
            }
        }
    }

    #[test]
    fn the_second_recording_sounds_as_if_it_were_the_first() {
        let mut converter = Converter::default();
        let mut convert = |hz, rate| {
            converter
                .convert(&tone(hz, rate, 0.7), rate, NARROW_HZ)
                .map(|samples| to_16_bits(&samples))
        };
        for (hz, rate) in [(900.0, 16_000), (400.0, 48_000), (1_300.0, 16_000)] {
            let alone = to_narrow_band(&tone(hz, rate, 0.7), rate);
            assert_eq!(convert(hz, rate), alone);
        }
    }

    #[test]
    fn telephony_is_flat_and_nothing_above_it_folds_back() {
        let full = level(&to_narrow_band(&tone(1_000.0, 48_000, 1.0), 48_000).expect("usable"));
        let high = level(&to_narrow_band(&tone(3_700.0, 48_000, 1.0), 48_000).expect("usable"));
        assert!((high / full - 1.0).abs() < 0.02, "{}", high / full);
        let above = level(&to_narrow_band(&tone(4_500.0, 48_000, 1.0), 48_000).expect("usable"));
        assert!(above < full / 10_000.0, "{}", above / full);
    }

    #[test]
    fn eight_kilohertz_is_left_alone_and_too_loud_is_clipped() {
        let out = to_narrow_band(&[0.0, 0.5, -1.0, 2.0, f32::NAN], 8_000).expect("usable");
        assert_eq!(out, [0, 16_384, -32_768, 32_767, 0]);
        assert_eq!(to_narrow_band(&[], 44_100), Ok(vec![]));
        assert_eq!(to_narrow_band(&[0.0], 100), Err(UnusableRate { rate_hz: 100 }));
    }
}
