//! A whole stream over paths that lose, delay and drift, as it is heard.

use super::*;
use crate::id::Entropy;
use crate::media::codec::Law;
use crate::media::spoken::{prompt, spectral_distance};
use crate::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};

struct G711(Law);

impl Decode for G711 {
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        for (sample, byte) in samples.iter_mut().zip(payload) {
            *sample = self.0.decode(*byte);
        }
        payload.len().min(samples.len())
    }

    fn units(&self, samples: usize) -> u32 {
        samples as u32
    }

    fn samples(&self, units: u32) -> usize {
        units as usize
    }
}

/// How a path treats packets.
#[derive(Clone, Copy)]
struct Path {
    lost_per_cent: u32,
    jitter_us: u32,
    /// How much faster the far clock runs, in parts in a million.
    drift_ppm: i64,
    packet_ms: u64,
}

const CLEAN: Path = Path { lost_per_cent: 0, jitter_us: 0, drift_ppm: 0, packet_ms: 20 };

struct Heard {
    samples: Vec<i16>,
    jitter: Jitter,
    playout: PlayoutCounters,
    /// How late each frame was, less the least that there is, in microseconds.
    surplus: Vec<i64>,
}

/// Sends `samples` over a path and plays what comes, a frame every 20 ms.
fn sent_over(path: Path, samples: &[i16]) -> Heard {
    let mut entropy = Entropy::from_seed([6; 32]);
    let len = (path.packet_ms * 8) as usize;
    let mut arrivals: Vec<(u64, usize)> = Vec::new();
    for at in 0..samples.len() / len {
        let sent = at as i64 * path.packet_ms as i64 * 1_000;
        let sent = sent - sent * path.drift_ppm / 1_000_000;
        let late = entropy.below(path.jitter_us.max(1));
        if entropy.below(100) >= path.lost_per_cent {
            arrivals.push((1_000_000 + sent as u64 + u64::from(late), at));
        }
    }
    arrivals.sort_unstable();
    let mut arrivals = arrivals.into_iter().peekable();
    let mut jitter = Jitter::new(8_000, 960);
    let mut playout = Playout::new(8_000);
    let (mut heard, mut surplus) = (Vec::new(), Vec::new());
    let mut frame = [0; 160];
    for tick in 0..samples.len() as u64 / 160 + 10 {
        let now = Time::from_micros(1_003_000 + tick * 20_000);
        while let Some((at, number)) = arrivals.next_if(|(at, _)| *at <= now.as_micros()) {
            let payload: Vec<u8> = samples[number * len..(number + 1) * len]
                .iter()
                .map(|sample| Law::A.encode(*sample))
                .collect();
            let packet = Packet {
                ssrc: Ssrc(1),
                seq: SeqNo(number as u16),
                timestamp: Timestamp((number * len) as u32),
                marker: number == 0,
                payload_type: 8,
                payload: &payload,
            };
            jitter.insert(Time::from_micros(at), &packet, true);
        }
        playout.play(now, &mut jitter, &mut G711(Law::A), &mut frame);
        heard.extend(frame);
        // As of the next frame.
        let next = now + std::time::Duration::from_millis(20);
        surplus.extend(jitter.surplus_us(next, playout.len as u32));
    }
    Heard { samples: heard, jitter, playout: playout.counters(), surplus }
}

/// How many samples later than the original `heard` is, from the sample `from` on.
fn offset(original: &[i16], heard: &[i16], from: usize) -> usize {
    let loud = original[from..].iter().position(|s| s.unsigned_abs() > 2_000).expect("speech");
    let piece = &original[from + loud..from + loud + 800];
    let error = |at: usize| -> i64 {
        let heard = &heard[from + loud + at..from + loud + at + 800];
        piece.iter().zip(heard).map(|(a, b)| (i64::from(*a) - i64::from(*b)).pow(2)).sum()
    };
    (0..2_400).min_by_key(|at| error(*at)).expect("some place")
}

#[test]
fn a_clean_stream_is_played_sample_for_sample_and_soon() {
    let speech = [prompt("main/welcome", 8_000), prompt("main/services", 8_000)].concat();
    for packet_ms in [10, 20, 30, 40, 60] {
        let heard = sent_over(Path { packet_ms, ..CLEAN }, &speech);
        assert_eq!(heard.jitter.counters().lost, 0, "{packet_ms}");
        // By then it is known that the path is even.
        let from = 8_000 * (3 + packet_ms as usize / 5);
        let at = offset(&speech, &heard.samples, from);
        assert!(at as u64 <= (packet_ms + 40) * 8, "{packet_ms}: {at} samples late");
        let until = speech.len() / 480 * 480 - 960;
        let differ =
            |i: &usize| (i32::from(speech[*i]) - i32::from(heard.samples[i + at])).abs() > 1_100;
        assert_eq!((from..until).find(differ), None, "{packet_ms}");
        let changed = heard.playout.left_out + heard.playout.repeated;
        assert!(changed <= 8 * 60, "{packet_ms}: {changed} samples left out or repeated");
    }
}

#[test]
fn five_per_cent_loss_and_40_ms_of_jitter_are_mostly_not_heard() {
    let speech = [prompt("main/welcome", 8_000), prompt("main/services", 8_000)].concat();
    let path = Path { lost_per_cent: 5, jitter_us: 40_000, ..CLEAN };
    let heard = sent_over(path, &speech);
    let counters = heard.jitter.counters();
    let late = counters.late as f64 / counters.received as f64;
    assert!(late < 0.05, "{late:.3} late");
    let clean = sent_over(Path { jitter_us: 0, lost_per_cent: 0, ..path }, &speech);
    let worse = shape_distance(&clean.samples, &heard.samples);
    println!("late {:.1} %, {:?}, spectra {worse:.2} dB apart", late * 100.0, heard.playout);
    assert!(worse < 4.5, "{worse:.2} dB");
}

/// The spectral distance of two plays of the same speech whose timing differs a little: each piece of
/// 400 ms is compared where it fits best.
fn shape_distance(one: &[i16], other: &[i16]) -> f64 {
    let mut sum = (0.0, 0);
    for (number, piece) in one.chunks_exact(3_200).enumerate().skip(1) {
        if piece.iter().all(|s| s.unsigned_abs() < 1_500) {
            continue;
        }
        let place = number * 3_200;
        let error = |from: usize| -> i64 {
            let other = other.get(from..from + 3_200).unwrap_or_default();
            let pairs = piece.iter().zip(other).step_by(4);
            pairs.map(|(a, b)| (i64::from(*a) - i64::from(*b)).pow(2)).sum()
        };
        let nearest = (place - 1_200..(place + 1_200).min(other.len().saturating_sub(3_200)))
            .step_by(3)
            .min_by_key(|from| error(*from));
        let best = nearest.map(|from| spectral_distance(piece, &other[from..from + 3_200], 8_000));
        if let Some(best) = best {
            sum = (sum.0 + best, sum.1 + 1);
        }
    }
    sum.0 / f64::from(sum.1.max(1))
}

#[test]
fn clocks_that_drift_apart_are_followed_without_loss_and_without_clicks() {
    // A minute of a voice-like tone; 300 parts in a million are 18 ms in it.
    let voice: Vec<i16> = (0..8_000 * 60)
        .map(|at| {
            let turn = f64::from(at) * 125.0 / 8_000.0 * std::f64::consts::TAU;
            ((1..=5).map(|n| (turn * f64::from(n)).sin() / f64::from(n)).sum::<f64>() * 4_000.0)
                as i16
        })
        .collect();
    let steepest = |samples: &[i16]| {
        samples.windows(2).map(|p| (i32::from(p[1]) - i32::from(p[0])).abs()).max().unwrap_or(0)
    };
    for drift_ppm in [-1_000, -300, 300, 1_000] {
        let path = Path { drift_ppm, jitter_us: 5_000, ..CLEAN };
        let heard = sent_over(path, &voice);
        let counters = heard.jitter.counters();
        assert_eq!((counters.lost, counters.late, counters.overflowed), (0, 0, 0), "{drift_ppm}");
        let drift = heard.jitter.drift_ppm().expect("a minute");
        assert!((drift - drift_ppm as f32).abs() < 60.0, "{drift_ppm}: {drift}");
        let expected = 60 * 8 * drift_ppm.abs() / 1_000;
        let (out, again) = (heard.playout.left_out as i64, heard.playout.repeated as i64);
        let net = if drift_ppm > 0 { out - again } else { again - out };
        let concealed = heard.playout.concealed as i64;
        assert!((net - expected).abs() < 400 + concealed, "{drift_ppm}: {:?}", heard.playout);
        let steady = &heard.samples[4_000..heard.samples.len() - 4_000];
        assert!(steepest(steady) < steepest(&voice) * 5 / 4, "{drift_ppm}: a click");
        let last = heard.surplus[heard.surplus.len() - 100];
        assert!((-15_000..=20_000).contains(&last), "{drift_ppm}: {last}");
    }
}

#[test]
fn a_path_that_becomes_even_is_played_soon_again() {
    let voice: Vec<i16> =
        (0..8_000 * 40).map(|at| ((f64::from(at) * 0.1).sin() * 6_000.0) as i16).collect();
    let jumpy = sent_over(Path { jitter_us: 120_000, ..CLEAN }, &voice[..8_000 * 20]);
    assert!(jumpy.jitter.target_us() > 90_000, "{}", jumpy.jitter.target_us());
    let even = sent_over(Path { jitter_us: 1_000, ..CLEAN }, &voice);
    assert_eq!(even.jitter.target_us(), 20_000);
    let last = even.surplus[even.surplus.len() - 200];
    assert!(last <= 15_000, "{last}");
}
