//! Playing a little faster or slower without changing the pitch: a period of the voice is left out
//! or repeated, and the seam is cross-faded (overlap-add).

/// Shortest and longest period that is left out or repeated, and the length of the cross-fade, in
/// thousandths of a second times two (2.5, 15 and 5 ms).
const SHORTEST: usize = 5;
const LONGEST: usize = 30;
const SEAM: usize = 10;
/// How alike the two sides of a seam must be (1: the same but for loudness).
const ALIKE: f32 = 0.85;
/// Below this mean square (root: 60, -55 dB of full scale) nobody hears a seam.
const FAINT: f32 = 3_600.0;

/// Samples that [`shrink`] and [`expand`] need at least.
pub(super) const fn needed(rate_hz: u32) -> usize {
    length(LONGEST, rate_hz) + length(SEAM, rate_hz)
}

/// The most samples that [`expand`] adds.
pub(super) const fn most(rate_hz: u32) -> usize {
    length(LONGEST, rate_hz)
}

const fn length(half_millis: usize, rate_hz: u32) -> usize {
    half_millis * rate_hz as usize / 2_000
}

/// Leaves out a period at the beginning of `samples`; how many are left of them. Does nothing unless
/// a seam fits, or `at_any_price`.
pub(super) fn shrink(samples: &mut [i16], rate_hz: u32, at_any_price: bool) -> usize {
    let len = samples.len();
    let Some(period) = fitting(samples, rate_hz, at_any_price) else { return len };
    let seam = length(SEAM, rate_hz);
    for at in 0..seam {
        samples[at] = faded(samples[at], samples[at + period], at, seam);
    }
    samples.copy_within(seam + period.., seam);
    len - period
}

/// Repeats a period at the beginning of the first `len` of `samples`; how many there are then. Does
/// nothing unless a seam fits and there is room.
pub(super) fn expand(samples: &mut [i16], len: usize, rate_hz: u32, at_any_price: bool) -> usize {
    if len > samples.len() || len + most(rate_hz) > samples.len() {
        return len;
    }
    let Some(period) = fitting(&samples[..len], rate_hz, at_any_price) else { return len };
    let seam = length(SEAM, rate_hz);
    // What was at 0 is at `period` now, and comes after the first period once more.
    samples.copy_within(..len, period);
    for at in 0..seam {
        // Where the second round begins, the first would go on with its own second period.
        let (again, onward) = (samples[period + at], samples[2 * period + at]);
        samples[period + at] = faded(onward, again, at, seam);
    }
    len + period
}

/// The period at which the beginning of the samples is most like what follows, if a seam fits there.
fn fitting(samples: &[i16], rate_hz: u32, at_any_price: bool) -> Option<usize> {
    if samples.len() < needed(rate_hz) {
        return None;
    }
    let seam = length(SEAM, rate_hz);
    let longest = length(LONGEST, rate_hz);
    let piece = samples.get(..longest + seam)?;
    let energy: f32 = piece.iter().map(|sample| f32::from(*sample).powi(2)).sum();
    if energy / (piece.len() as f32) < FAINT {
        return Some(longest);
    }
    let here = samples.get(..seam)?;
    let mut best = (longest, f32::MIN);
    for period in length(SHORTEST, rate_hz)..=longest {
        let like = alike(here, samples.get(period..period + seam)?);
        if like > best.1 {
            best = (period, like);
        }
    }
    let (period, like) = best;
    (like >= ALIKE || at_any_price).then_some(period)
}

/// The normalised correlation of two pieces; faint ones are alike.
pub(super) fn alike(one: &[i16], other: &[i16]) -> f32 {
    let (mut product, mut first, mut second) = (0.0_f32, 1.0_f32, 1.0_f32);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (f32::from(*a), f32::from(*b));
        product += a * b;
        first += a * a;
        second += b * b;
    }
    product / (first * second).sqrt()
}

/// From `from` to `to` as `at` goes from 0 to `len`.
pub(super) fn faded(from: i16, to: i16, at: usize, len: usize) -> i16 {
    let (from, to, at, len) = (i32::from(from), i32::from(to), at as i32 + 1, len as i32 + 1);
    ((from * (len - at) + to * at) / len) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice-like tone: a fundamental with harmonics.
    fn voice(fundamental_hz: f32, rate_hz: u32, len: usize) -> Vec<i16> {
        (0..len)
            .map(|at| {
                let turn = at as f32 * fundamental_hz / rate_hz as f32 * std::f32::consts::TAU;
                let sum: f32 = (1..=6).map(|n| (turn * n as f32).sin() / n as f32).sum();
                (sum * 5_000.0) as i16
            })
            .collect()
    }

    /// The largest step from one sample to the next.
    fn steepest(samples: &[i16]) -> i32 {
        let steps = samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs());
        steps.max().unwrap_or(0)
    }

    #[test]
    fn a_voice_becomes_shorter_or_longer_by_whole_periods_without_a_click() {
        for rate_hz in [8_000, 16_000] {
            for fundamental_hz in [90.0, 125.0, 211.0, 330.0] {
                let original = voice(fundamental_hz, rate_hz, rate_hz as usize / 25);
                let clicks = steepest(&original) * 13 / 10;
                let period = rate_hz as f32 / fundamental_hz;
                let whole = |samples: usize| {
                    let periods = samples as f32 / period;
                    samples > 0 && (periods - periods.round()).abs() * period <= 1.6
                };

                let mut shrunk = original.clone();
                let left = shrink(&mut shrunk, rate_hz, false);
                assert!(whole(original.len() - left), "{rate_hz} {fundamental_hz}: {left}");
                assert!(steepest(&shrunk[..left]) <= clicks, "{rate_hz} {fundamental_hz}");
                assert_eq!(shrunk[left - 20..left], original[original.len() - 20..]);

                let mut expanded = original.clone();
                expanded.resize(original.len() * 2, 0);
                let len = expand(&mut expanded, original.len(), rate_hz, false);
                assert!(whole(len - original.len()), "{rate_hz} {fundamental_hz}: {len}");
                assert!(steepest(&expanded[..len]) <= clicks, "{rate_hz} {fundamental_hz}");
                assert_eq!(expanded[..8], original[..8]);
                assert_eq!(expanded[len - 20..len], original[original.len() - 20..]);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_left_alone_and_silence_always_fits() {
        let mut state = 7_u32;
        let mut noise: Vec<i16> = (0..320)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16 / 4
            })
            .collect();
        let before = noise.clone();
        assert_eq!((shrink(&mut noise, 8_000, false), &noise), (320, &before));
        assert!(shrink(&mut noise, 8_000, true) < 320);
        let mut silence = vec![0; 320];
        assert_eq!(shrink(&mut silence, 8_000, false), 320 - 120);
        let mut short = vec![0; 150];
        assert_eq!(shrink(&mut short, 8_000, true), 150);
        assert_eq!(expand(&mut silence, 320, 8_000, true), 320, "no room");
    }
}
