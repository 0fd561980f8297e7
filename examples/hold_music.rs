//! Writes `sounds/music/hold.wav`: the music that callers hear while they wait.
//!
//! ```text
//! cargo run --release --example hold_music [FILE]
//! ```
//!
//! The piece was written for this program, so that nobody has to ask for a licence: a slow chord
//! sequence in D major, a soft pad below a plucked arpeggio, with a melody in its second half. It
//! is the same on every run. The end rings into the beginning, so it can be repeated without a
//! seam. All tones lie within what a telephone carries (300 to 3400 Hz), and the level stays below
//! that of the spoken prompts.

use std::f64::consts::TAU;

const RATE_HZ: usize = 16_000;
const BEATS_PER_MINUTE: f64 = 75.0;
const BEATS_PER_BAR: usize = 4;
/// The level of the whole piece, in decibels below full scale.
const LEVEL_DBFS: f64 = -23.0;

/// One bar each: the lowest tone of the chord and its others, as semitones above middle C.
const CHORDS: [[i32; 4]; 8] = [
    [2, 6, 9, 13],   // D major 7
    [-1, 6, 9, 14],  // B minor
    [-5, 7, 11, 14], // G major
    [-3, 7, 9, 13],  // A 7
    [-6, 6, 9, 13],  // F sharp minor
    [-1, 6, 9, 14],  // B minor
    [4, 7, 11, 14],  // E minor 7
    [-3, 4, 9, 13],  // A major
];

/// The order in which a chord's tones are plucked, two to a beat.
const PATTERN: [usize; 8] = [0, 1, 2, 3, 2, 3, 1, 2];

/// The melody of the second half: bar, eighth, semitones above middle C, length in eighths.
const MELODY: [(usize, usize, i32, usize); 22] = [
    (8, 0, 21, 3),
    (8, 3, 18, 1),
    (8, 4, 21, 4),
    (9, 0, 23, 3),
    (9, 3, 21, 1),
    (9, 4, 18, 4),
    (10, 0, 19, 3),
    (10, 3, 21, 1),
    (10, 4, 23, 4),
    (11, 0, 21, 6),
    (12, 0, 18, 3),
    (12, 3, 21, 1),
    (12, 4, 25, 4),
    (13, 0, 23, 3),
    (13, 3, 21, 1),
    (13, 4, 18, 4),
    (14, 0, 19, 2),
    (14, 2, 18, 2),
    (14, 4, 16, 4),
    (15, 0, 18, 2),
    (15, 2, 16, 2),
    (15, 4, 13, 4),
];

/// The chord sequence is played twice.
const BARS: usize = 2 * CHORDS.len();

fn main() -> Result<(), hound::Error> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "sounds/music/hold.wav".to_owned());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&file, spec)?;
    for sample in levelled(&piece()) {
        writer.write_sample((sample * 32_767.0).round() as i16)?;
    }
    writer.finalize()
}

fn piece() -> Vec<f64> {
    let eighth_s = 60.0 / BEATS_PER_MINUTE / 2.0;
    let bar_s = eighth_s * 2.0 * BEATS_PER_BAR as f64;
    let mut piece = vec![0.0; (bar_s * BARS as f64 * RATE_HZ as f64).round() as usize];
    for bar in 0..BARS {
        let at = bar as f64 * bar_s;
        let Some(chord) = CHORDS.get(bar % CHORDS.len()) else { continue };
        for tone in chord.iter().skip(1) {
            pad(&mut piece, at, bar_s, pitch_hz(*tone));
        }
        for (eighth, which) in PATTERN.iter().enumerate() {
            let Some(tone) = chord.get(*which) else { continue };
            let loudness = if eighth % 4 == 0 { 0.26 } else { 0.18 };
            pluck(&mut piece, at + eighth as f64 * eighth_s, pitch_hz(*tone), loudness, 1.1);
        }
    }
    for (bar, eighth, tone, length) in MELODY {
        let at = bar as f64 * bar_s + eighth as f64 * eighth_s;
        pluck(&mut piece, at, pitch_hz(tone), 0.24, 0.5 + 0.35 * length as f64);
    }
    piece
}

/// The frequency of a tone in equal temperament (A = 440 Hz), raised by octaves until a telephone
/// carries it.
fn pitch_hz(semitones: i32) -> f64 {
    let mut pitch_hz = 440.0 * 2.0_f64.powf(f64::from(semitones - 9) / 12.0);
    while pitch_hz < 290.0 {
        pitch_hz *= 2.0;
    }
    pitch_hz
}

/// A tone that swells and fades over a bar and a half, two voices a little apart.
fn pad(piece: &mut [f64], at_s: f64, bar_s: f64, pitch_hz: f64) {
    let length_s = 1.5 * bar_s;
    for detune in [-0.6, 0.6] {
        add(piece, at_s, length_s, |t| {
            let swell = (std::f64::consts::PI * t / length_s).sin().powi(2);
            0.05 * swell * (TAU * (pitch_hz + detune) * t).sin()
        });
    }
}

/// A plucked tone: quick to rise, slow to fade, its overtones faster than itself.
fn pluck(piece: &mut [f64], at_s: f64, pitch_hz: f64, loudness: f64, fade_s: f64) {
    add(piece, at_s, 4.0 * fade_s, |t| {
        let rise = (t / 0.008).min(1.0);
        // Fades to nothing at its end, so that it does not stop with a click.
        let end = ((4.0 * fade_s - t) / 0.1).clamp(0.0, 1.0);
        let overtone =
            |n: f64, share: f64| share * (-t * n / fade_s).exp() * (TAU * n * pitch_hz * t).sin();
        loudness * rise * end * (overtone(1.0, 1.0) + overtone(2.0, 0.28) + overtone(3.0, 0.08))
    });
}

/// Adds a sound; what goes beyond the end goes on at the beginning.
fn add(piece: &mut [f64], at_s: f64, length_s: f64, sound: impl Fn(f64) -> f64) {
    let rate = RATE_HZ as f64;
    let first = (at_s * rate).round() as usize;
    let all = piece.len();
    for sample in 0..(length_s * rate) as usize {
        if let Some(place) = piece.get_mut((first + sample) % all) {
            *place += sound(sample as f64 / rate);
        }
    }
}

/// The piece without direct current, at its level, and never near clipping.
fn levelled(piece: &[f64]) -> Vec<f64> {
    let count = piece.len() as f64;
    let mean = piece.iter().sum::<f64>() / count;
    let power = piece.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / count;
    let peak = piece.iter().fold(0.0, |peak: f64, sample| peak.max((sample - mean).abs()));
    let gain = (10_f64.powf(LEVEL_DBFS / 20.0) / power.sqrt()).min(0.7 / peak);
    piece.iter().map(|sample| (sample - mean) * gain).collect()
}
