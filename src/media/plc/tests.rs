//! Speech with gaps in it, as it is heard.

use super::*;
use crate::id::Entropy;
use crate::media::spoken::{prompt, segmental_snr, spectral_distance};

/// Speech of which frames of 20 ms are lost at random, `per_cent` of them; as it would be heard with
/// the gaps concealed, and with silence in them.
fn lossy(speech: &[i16], rate_hz: u32, per_cent: u32, seed: u8) -> (Vec<i16>, Vec<i16>) {
    let mut entropy = Entropy::from_seed([seed; 32]);
    let mut concealer = Concealer::new(rate_hz);
    let (mut concealed, mut silenced) = (Vec::new(), Vec::new());
    for frame in speech.chunks_exact(rate_hz as usize / 50) {
        let mut heard = frame.to_vec();
        if entropy.below(100) < per_cent {
            concealer.conceal(&mut heard);
            silenced.extend(vec![0; frame.len()]);
        } else {
            concealer.good(&mut heard);
            silenced.extend(frame);
        }
        concealed.extend(heard);
    }
    (concealed, silenced)
}

#[test]
fn speech_with_gaps_sounds_better_by_decibels_than_with_silence_in_them() {
    for rate_hz in [8_000, 16_000] {
        for per_cent in [3, 5, 10] {
            let speech =
                [prompt("main/welcome", rate_hz), prompt("main/services", rate_hz)].concat();
            let (concealed, silenced) = lossy(&speech, rate_hz, per_cent, 5);
            let speech = &speech[..concealed.len()];
            let len = rate_hz as usize / 50;
            // Within the gaps alone: silence is 0 dB by definition.
            let gaps: (Vec<i16>, Vec<i16>) = speech
                .chunks(len)
                .zip(concealed.chunks(len).zip(silenced.chunks(len)))
                .filter(|(speech, (_, silenced))| {
                    silenced.iter().all(|s| *s == 0) && speech.iter().any(|s| s.abs() > 500)
                })
                .fold((Vec::new(), Vec::new()), |(mut a, mut b), (speech, (concealed, _))| {
                    a.extend(speech);
                    b.extend(concealed);
                    (a, b)
                });
            let within = spectral_distance(&gaps.0, &gaps.1, rate_hz);
            let silence = spectral_distance(&gaps.0, &vec![0; gaps.0.len()], rate_hz);
            let snr = segmental_snr(&gaps.0, &gaps.1, rate_hz as usize / 200);
            println!(
                "{rate_hz} Hz, {per_cent} % lost, within the gaps: spectra {within:.2} dB apart \
                 (silence {silence:.2}), segmental SNR {snr:.2} dB (silence 0)"
            );
            assert!(within + 15.0 < silence, "{rate_hz} {per_cent}: {within:.2} {silence:.2}");
        }
    }
}

#[test]
fn a_tone_goes_on_through_a_gap_without_a_click_and_fades_within_60_ms() {
    let rate_hz = 8_000;
    for hz in [110.0_f64, 180.0, 400.0, 1_000.0] {
        let tone = |at: usize| (at as f64 * hz / 8_000.0 * std::f64::consts::TAU).sin() * 8_000.0;
        let mut heard: Vec<i16> = (0..1_600).map(|at| tone(at) as i16).collect();
        let mut concealer = Concealer::new(rate_hz);
        concealer.good(&mut heard);
        let mut gap = vec![0; 640];
        concealer.conceal(&mut gap);
        let mut after: Vec<i16> = (2_240..2_400).map(|at| tone(at) as i16).collect();
        concealer.good(&mut after);
        let steepest = hz / 8_000.0 * std::f64::consts::TAU * 8_000.0;
        let all = [&heard[1_500..], &gap, &after].concat();
        for (at, pair) in all.windows(2).enumerate() {
            let step = (f64::from(pair[1]) - f64::from(pair[0])).abs();
            assert!(step <= steepest * 1.35 + 250.0, "{hz} Hz at {at}: {step}");
        }
        let peak = |samples: &[i16]| samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
        assert!(peak(&gap[..80]) > 7_000, "{hz}: the first 10 ms are as loud");
        assert!((3_000..6_500).contains(&peak(&gap[240..320])), "{hz}: {}", peak(&gap[240..320]));
        assert_eq!(peak(&gap[480..]), 0, "{hz}: gone after 60 ms");
    }
}

#[test]
fn the_first_10_ms_of_a_gap_in_a_tone_are_what_was_lost() {
    let tone = |at: usize| (at as f64 * 160.0 / 8_000.0 * std::f64::consts::TAU).sin() * 8_000.0;
    let mut heard: Vec<i16> = (0..1_600).map(|at| tone(at) as i16).collect();
    let mut concealer = Concealer::new(8_000);
    concealer.good(&mut heard);
    let mut gap = [0; 160];
    concealer.conceal(&mut gap);
    let lost: Vec<i16> = (1_600..1_680).map(|at| tone(at) as i16).collect();
    let snr = segmental_snr(&lost, &gap[..80], 80);
    assert!(snr > 30.0, "{snr:.1} dB");
}

#[test]
fn silence_stays_silent_and_frames_of_any_length_are_taken() {
    let mut concealer = Concealer::new(16_000);
    let mut gap = [1; 320];
    concealer.conceal(&mut gap);
    assert_eq!(gap, [0; 320]);
    concealer.good(&mut []);
    concealer.good(&mut [5; 4_000]);
    concealer.conceal(&mut []);
    concealer.conceal(&mut [0; 3]);
    concealer.good(&mut [-5; 1]);
    concealer.conceal(&mut [0; 5_000]);
    concealer.reset();
    concealer.conceal(&mut gap);
    assert_eq!(gap, [0; 320]);
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_samples_are_borne(
            wide: bool,
            pieces in proptest::collection::vec(
                (any::<bool>(), proptest::collection::vec(any::<i16>(), 0..900)), 1..12),
        ) {
            let mut concealer = Concealer::new(if wide { 16_000 } else { 8_000 });
            for (good, mut samples) in pieces {
                if good { concealer.good(&mut samples) } else { concealer.conceal(&mut samples) }
            }
        }
    }
}
