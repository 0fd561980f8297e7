//! For tests: recorded speech, and how much worse a copy of it sounds.

use soundfile::NARROW_HZ;
use soundfile::resample::to_rate;

/// A prompt of `sounds/` at 8 or 16 kHz.
pub(crate) fn prompt(name: &str, rate_hz: u32) -> Vec<i16> {
    let path = format!("{}/sounds/en-GB/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    let mut reader = hound::WavReader::open(path).expect("a prompt");
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (16_000, 1));
    let wide: Vec<i16> = reader.samples::<i16>().map(|sample| sample.expect("a sample")).collect();
    match rate_hz {
        16_000 => wide,
        8_000 => {
            let floats: Vec<f32> = wide.iter().map(|s| f32::from(*s) / 32_768.0).collect();
            to_rate(&floats, 16_000, NARROW_HZ).expect("a rate that is read")
        }
        _ => panic!("prompts are wanted at 8 or 16 kHz"),
    }
}

/// Mean signal-to-noise ratio of the pieces of `len` samples where the original sounds, in dB, each
/// bounded to -10..35 as is usual.
pub(crate) fn segmental_snr(original: &[i16], heard: &[i16], len: usize) -> f64 {
    let pieces: Vec<f64> = original
        .chunks(len)
        .zip(heard.chunks(len))
        .filter_map(|(original, heard)| {
            let signal: f64 = original.iter().map(|s| f64::from(*s).powi(2)).sum();
            let noise: f64 = original
                .iter()
                .zip(heard)
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum();
            (signal > 1e4 * len as f64)
                .then(|| (10.0 * (signal / noise.max(1.0)).log10()).clamp(-10.0, 35.0))
        })
        .collect();
    pieces.iter().sum::<f64>() / pieces.len().max(1) as f64
}

/// Mean distance of the spectra of pieces of 32 ms where the original sounds, in dB: insensitive to
/// phase and to small shifts, as ears are.
pub(crate) fn spectral_distance(original: &[i16], heard: &[i16], rate_hz: u32) -> f64 {
    let len = rate_hz as usize * 32 / 1_000;
    let distances: Vec<f64> = original
        .chunks_exact(len)
        .zip(heard.chunks_exact(len))
        .filter(|(original, _)| {
            original.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() > 1e4 * len as f64
        })
        .map(|(original, heard)| {
            let (original, heard) = (spectrum(original, rate_hz), spectrum(heard, rate_hz));
            let squares = original.iter().zip(&heard).map(|(a, b)| (a - b).powi(2));
            (squares.sum::<f64>() / original.len() as f64).sqrt()
        })
        .collect();
    distances.iter().sum::<f64>() / distances.len().max(1) as f64
}

/// The power around 24 frequencies 150 Hz apart, in dB.
fn spectrum(samples: &[i16], rate_hz: u32) -> Vec<f64> {
    let len = samples.len() as f64;
    let windowed: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(at, sample)| {
            f64::from(*sample) * (0.5 - 0.5 * (at as f64 / len * std::f64::consts::TAU).cos())
        })
        .collect();
    (1..=24)
        .map(|band| {
            let turn = f64::from(band) * 150.0 / f64::from(rate_hz) * std::f64::consts::TAU;
            let step = 2.0 * turn.cos();
            let (mut newer, mut older) = (0.0, 0.0);
            for sample in &windowed {
                (newer, older) = (sample + step * newer - older, newer);
            }
            let power = newer * newer + older * older - step * newer * older;
            10.0 * (power / len + 1_000.0).log10()
        })
        .collect()
}
