//! The tolerances of ITU-T Q.24, the 16 keys, and voices that are none.

use std::f64::consts::TAU;
use std::path::PathBuf;

use super::*;
use crate::id::Entropy;
use crate::media::codec::Law;

/// A sine of full scale in mu-law (ITU-T G.711).
const LOUDEST_DBM0: f64 = 3.17;

/// A pair of tones: how long, how loud (dBm0), and how far off.
#[derive(Debug, Clone, Copy)]
struct Tones {
    ms: f64,
    low_dbm0: f64,
    high_dbm0: f64,
    low_off: f64,
    high_off: f64,
}

const USUAL: Tones =
    Tones { ms: 80.0, low_dbm0: -9.0, high_dbm0: -7.0, low_off: 0.0, high_off: 0.0 };

/// A line: tones, pauses, and noise.
#[derive(Default)]
struct Line(Vec<f64>);

impl Line {
    fn pause(&mut self, ms: f64) -> &mut Self {
        self.0.extend(std::iter::repeat_n(0.0, (ms * 8.0) as usize));
        self
    }

    fn key(&mut self, key: char, tones: Tones) -> &mut Self {
        let (low, high) = hz(key);
        let peak = |dbm0: f64| 32_124.0 * 10f64.powf((dbm0 - LOUDEST_DBM0) / 20.0);
        let sine =
            |hz: f64, off: f64, at: usize| (TAU * hz * (1.0 + off) * at as f64 / 8_000.0).sin();
        self.0.extend((0..(tones.ms * 8.0) as usize).map(|at| {
            peak(tones.low_dbm0) * sine(low, tones.low_off, at)
                + peak(tones.high_dbm0) * sine(high, tones.high_off, at)
        }));
        self
    }

    /// Adds noise that is `db` below a tone of -9 dBm0.
    fn noise(&mut self, db: f64) -> &mut Self {
        let mut entropy = Entropy::from_seed([7; 32]);
        let rms = 32_124.0 * 10f64.powf((-9.0 - LOUDEST_DBM0 - db) / 20.0) / 2f64.sqrt();
        for sample in &mut self.0 {
            // The sum of twelve even draws is nearly normal, with a variance of 1.
            let normal: f64 =
                (0..12).map(|_| f64::from(entropy.below(1 << 20)) / 1_048_576.0).sum();
            *sample += (normal - 6.0) * rms;
        }
        self
    }

    /// What is heard of it through `law`, in packets of 20 ms.
    fn heard_by(&self, law: Law) -> String {
        let clipped: Vec<i16> =
            self.0.iter().map(|sample| sample.round().clamp(-32_768.0, 32_767.0) as i16).collect();
        let mut detector = Detector::new();
        let packets = clipped.chunks(160);
        let keys = packets.filter_map(|packet| {
            detector.hear(packet.iter().map(|sample| law.decode(law.encode(*sample))))
        });
        keys.map(Key::as_char).collect()
    }

    fn heard(&self) -> String {
        let (a, mu) = (self.heard_by(Law::A), self.heard_by(Law::Mu));
        assert_eq!(a, mu);
        a
    }
}

fn hz(key: char) -> (f64, f64) {
    let at = |row: &[char; 4]| row.iter().position(|other| *other == key);
    let (low, high) = KEYS
        .iter()
        .enumerate()
        .find_map(|(low, row)| Some((low, at(row)?)))
        .expect("a key of the keypad");
    (f64::from(LOW_HZ[low]), f64::from(HIGH_HZ[high]))
}

/// How often each key is heard once, when pressed once with `tones` at every alignment to the blocks.
fn heard_of(tones: Tones, db: Option<f64>) -> (usize, usize) {
    let (mut heard, mut pressed) = (0, 0);
    for key in KEYS.iter().flatten() {
        for shift in 0..17 {
            let mut line = Line::default();
            line.pause(50.0 + f64::from(shift) * 0.75).key(*key, tones).pause(60.0);
            if let Some(db) = db {
                line.noise(db);
            }
            pressed += 1;
            heard += usize::from(line.heard_by(Law::A) == key.to_string());
        }
    }
    (heard, pressed)
}

fn all(tones: Tones) {
    let (heard, pressed) = heard_of(tones, None);
    assert_eq!(heard, pressed, "{tones:?}");
}

fn none(tones: Tones) {
    assert_eq!(heard_of(tones, None).0, 0, "{tones:?}");
}

#[test]
fn a_number_is_heard_key_by_key_in_both_laws() {
    let mut line = Line::default();
    line.pause(300.0);
    for key in "01708434343#*ABCD".chars() {
        line.key(key, USUAL).pause(70.0);
    }
    assert_eq!(line.heard(), "01708434343#*ABCD");
    line.noise(20.0);
    assert_eq!(line.heard(), "01708434343#*ABCD");
}

#[test]
fn the_same_key_twice_is_two_presses_and_a_long_one_is_one() {
    let mut line = Line::default();
    line.key('5', Tones { ms: 40.0, ..USUAL }).pause(40.0).key('5', Tones { ms: 40.0, ..USUAL });
    line.pause(60.0).key('8', Tones { ms: 4_000.0, ..USUAL }).pause(60.0);
    assert_eq!(line.heard(), "558");
    // Without a pause between them.
    let mut line = Line::default();
    line.key('1', USUAL).key('2', USUAL).pause(60.0);
    assert_eq!(line.heard(), "12");
}

#[test]
fn what_lasts_40_ms_counts_and_what_lasts_20_does_not() {
    all(Tones { ms: 40.0, ..USUAL });
    none(Tones { ms: 20.0, ..USUAL });
}

#[test]
fn a_gap_of_10_ms_is_part_of_a_press() {
    for shift in 0..17 {
        let mut line = Line::default();
        line.pause(50.0 + f64::from(shift) * 0.75).key('6', USUAL).pause(10.0).key('6', USUAL);
        line.pause(60.0);
        assert_eq!(line.heard(), "6", "{shift}");
    }
}

#[test]
fn a_tone_may_be_a_little_off_and_not_more() {
    for (low_off, high_off) in [(0.015, 0.015), (-0.015, -0.015), (0.015, -0.015), (-0.015, 0.015)]
    {
        all(Tones { low_off, high_off, ..USUAL });
    }
    for off in [0.035, -0.035, 0.05, -0.05] {
        none(Tones { low_off: off, ..USUAL });
        none(Tones { high_off: off, ..USUAL });
    }
}

#[test]
fn levels_and_twists_of_lines_are_borne() {
    for dbm0 in [0.0, -10.0, -20.0, -29.0] {
        all(Tones { low_dbm0: dbm0, high_dbm0: dbm0, ..USUAL });
    }
    all(Tones { low_dbm0: -14.0, high_dbm0: -9.0, ..USUAL });
    all(Tones { low_dbm0: -9.0, high_dbm0: -18.0, ..USUAL });
    none(Tones { low_dbm0: -38.0, high_dbm0: -38.0, ..USUAL });
    none(Tones { low_dbm0: -18.0, high_dbm0: -7.0, ..USUAL });
    none(Tones { low_dbm0: -7.0, high_dbm0: -21.0, ..USUAL });
    // One tone alone.
    none(Tones { low_dbm0: -9.0, high_dbm0: -60.0, ..USUAL });
}

#[test]
fn noise_15_db_below_is_borne() {
    let (heard, pressed) = heard_of(USUAL, Some(15.0));
    assert_eq!(heard, pressed);
}

#[test]
fn no_prompt_and_no_music_is_a_key() {
    let sounds: PathBuf = [env!("CARGO_MANIFEST_DIR"), "sounds"].iter().collect();
    let mut folders = vec![sounds];
    let mut converter = soundfile::resample::Converter::default();
    let (mut recordings, mut seconds) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("sounds") {
            let path = entry.expect("sounds").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|kind| kind != "wav") {
                continue;
            }
            let bytes = std::fs::read(&path).expect("a recording");
            let samples = soundfile::wav::read(&bytes, &mut converter).expect("a recording").narrow;
            let mut detector = Detector::new();
            assert_eq!(detector.hear(samples.iter().copied()), None, "{}", path.display());
            recordings += 1;
            seconds += samples.len() / 8_000;
        }
    }
    assert!(recordings > 5 && seconds > 30, "{recordings} recordings, {seconds} s");
}
