//! How late the packets of a stream come, and so how long they have to be kept before they are
//! played.
//!
//! A packet's *transit* is when it came less when it was sent, by the two ends' clocks: its absolute
//! value means nothing. The quickest packet of the last seconds is the base; how much later than that
//! the others come is what has to be waited for. Because the base is a minimum over a sliding window,
//! it follows clocks that drift apart.

use super::super::FRAME;

/// Bounds of what is waited for, in microseconds.
pub const TARGET_US: std::ops::RangeInclusive<i64> = 20_000..=200_000;
/// A window of four seconds in blocks of half a second.
const BLOCK_US: i64 = 500_000;
const BLOCKS: usize = 8;
/// How fine lateness is told apart, in microseconds; the last step holds all that is later.
const STEP_US: i64 = 5_000;
const STEPS: usize = 60;
/// How many packets of a hundred may come too late: what is gained by waiting for the very last is
/// lost by everybody having to wait.
const TOO_LATE: f32 = 0.025;
/// What is not known yet is taken to be this late, as if so many packets had been.
const AT_FIRST_US: i64 = 25_000;
const AT_FIRST: f32 = 4.0;
/// So many packets are remembered, the older the fainter: some eight seconds.
const REMEMBERED: f32 = 400.0;
/// A frame is taken out at once, and packets seldom begin where frames do.
const ROOM_US: i64 = FRAME.as_micros() as i64 / 2;
/// Drift is told once it has been watched for this long, and watched anew after the longest.
const WATCHED_US: i64 = 10_000_000;
const WATCHED_MOST_US: i64 = 600_000_000;
/// No two clocks are further apart than this (1,000 parts in a million): a path that became longer or
/// shorter.
const DRIFT_MOST_PPM: f32 = 1_000.0;

/// What is known of a stream's delay.
#[derive(Debug, Clone)]
pub(super) struct Delay {
    /// The least transit of each block; `i64::MAX` where nothing came.
    least: [i64; BLOCKS],
    block: i64,
    /// How many of the packets came how late; adds up to 1.
    late: [f32; STEPS],
    noted: f32,
    target_us: i64,
    /// Where the watch of the clocks began: when, and the base then.
    watched_from: Option<(i64, i64)>,
    drift_ppm: Option<f32>,
}

impl Delay {
    pub(super) fn new() -> Self {
        let mut late = [0.0; STEPS];
        late[(AT_FIRST_US / STEP_US) as usize] = 1.0;
        let mut delay = Delay {
            least: [i64::MAX; BLOCKS],
            block: 0,
            late,
            noted: AT_FIRST,
            target_us: 0,
            watched_from: None,
            drift_ppm: None,
        };
        delay.aim();
        delay
    }

    /// The stream's clock began afresh. How even the path is stays known.
    pub(super) fn restart(&mut self) {
        self.least = [i64::MAX; BLOCKS];
        self.watched_from = None;
    }

    /// The transit of the quickest packets; none while nothing has come for long.
    pub(super) fn base_us(&self) -> Option<i64> {
        self.least.iter().copied().min().filter(|least| *least != i64::MAX)
    }

    /// How long the quickest packet is to be kept, in microseconds.
    pub(super) fn target_us(&self) -> i64 {
        self.target_us
    }

    /// How much faster the far clock runs, in parts in a million; none before it is known.
    pub(super) fn drift_ppm(&self) -> Option<f32> {
        self.drift_ppm
    }

    /// A packet that was sent at `sent_us` of the far clock came at `now_us` of ours.
    pub(super) fn note(&mut self, now_us: i64, sent_us: i64) {
        let transit = now_us.saturating_sub(sent_us);
        let block = now_us / BLOCK_US;
        let passed = block.saturating_sub(self.block).clamp(0, BLOCKS as i64);
        for at in 0..passed {
            if let Some(least) = self.least.get_mut(((block - at) % BLOCKS as i64) as usize) {
                *least = i64::MAX;
            }
        }
        self.block = self.block.max(block);
        if let Some(least) = self.least.get_mut((self.block % BLOCKS as i64) as usize) {
            *least = (*least).min(transit);
        }
        let base = self.base_us().unwrap_or(transit);
        self.watch(now_us, base);
        let step = (transit.saturating_sub(base) / STEP_US).clamp(0, STEPS as i64 - 1) as usize;
        self.noted = (self.noted + 1.0).min(REMEMBERED);
        let weight = 1.0 / self.noted;
        for share in &mut self.late {
            *share *= 1.0 - weight;
        }
        if let Some(share) = self.late.get_mut(step) {
            *share += weight;
        }
        self.aim();
    }

    fn aim(&mut self) {
        let (mut later, mut steps) = (0.0, STEPS);
        for (at, share) in self.late.iter().enumerate().rev() {
            later += share;
            if later > TOO_LATE {
                steps = at + 1;
                break;
            }
        }
        let wanted = steps as i64 * STEP_US + ROOM_US;
        self.target_us = wanted.clamp(*TARGET_US.start(), *TARGET_US.end());
    }

    /// A base that sinks means that the far clock gains on ours.
    fn watch(&mut self, now_us: i64, base_us: i64) {
        let Some((since, base_then)) = self.watched_from else {
            self.watched_from = Some((now_us, base_us));
            return;
        };
        let watched = now_us - since;
        if watched < WATCHED_US {
            // The first packets need not be the quickest.
            if base_us < base_then && watched < BLOCK_US * 2 {
                self.watched_from = Some((since, base_us));
            }
            return;
        }
        let gained = base_then.saturating_sub(base_us) as f32;
        let ppm = gained / watched as f32 * 1e6;
        if ppm.abs() > DRIFT_MOST_PPM || watched > WATCHED_MOST_US {
            self.watched_from = Some((now_us, base_us));
        } else {
            self.drift_ppm = Some(ppm);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Entropy;

    /// The target after `seconds` of packets every 20 ms that come up to `jitter_us` late.
    fn target_after(seconds: i64, jitter_us: u32) -> i64 {
        let mut delay = Delay::new();
        let mut entropy = Entropy::from_seed([3; 32]);
        for at in 0..seconds * 50 {
            let late = i64::from(entropy.below(jitter_us.max(1)));
            delay.note(1_000_000 + at * 20_000 + late, at * 20_000);
        }
        delay.target_us()
    }

    #[test]
    fn an_even_stream_waits_least_and_an_uneven_one_as_long_as_it_is_uneven() {
        assert_eq!(Delay::new().target_us(), 40_000);
        assert_eq!(target_after(8, 0), 20_000);
        for jitter_us in [20_000, 40_000, 80_000, 120_000] {
            let target = target_after(10, jitter_us);
            let most = i64::from(jitter_us) + STEP_US + ROOM_US;
            assert!((most - 15_000..=most).contains(&target), "{jitter_us}: {target}");
        }
        assert_eq!(target_after(10, 900_000), 200_000);
    }

    #[test]
    fn what_was_uneven_once_is_forgotten() {
        let mut delay = Delay::new();
        for at in 0..500_i64 {
            delay.note(at * 20_000 + (at % 4) * 30_000, at * 20_000);
        }
        assert!(delay.target_us() >= 100_000, "{}", delay.target_us());
        for at in 500..3_500_i64 {
            delay.note(at * 20_000, at * 20_000);
        }
        assert_eq!(delay.target_us(), 20_000);
    }

    #[test]
    fn a_clock_that_gains_or_loses_is_measured_and_is_not_jitter() {
        for ppm in [-300_i64, 100, 300] {
            let mut delay = Delay::new();
            let mut entropy = Entropy::from_seed([4; 32]);
            for at in 0..6_000_i64 {
                let sent = at * 20_000;
                let late = i64::from(entropy.below(4_000));
                delay.note(sent - sent * ppm / 1_000_000 + 5_000_000 + late, sent);
            }
            let measured = delay.drift_ppm().expect("two minutes");
            assert!((measured - ppm as f32).abs() < 25.0, "{ppm}: {measured}");
            assert_eq!(delay.target_us(), 20_000, "{ppm}");
        }
    }

    #[test]
    fn any_instants_are_borne() {
        let mut delay = Delay::new();
        for (now, sent) in [(0, i64::MIN / 2), (i64::MAX / 2, 0), (5, i64::MAX / 2), (0, 0)] {
            delay.note(now, sent);
            assert!(TARGET_US.contains(&delay.target_us()));
        }
    }
}
