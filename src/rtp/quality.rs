//! What a stream sounds like: a mean opinion score estimated by the E-model (ITU-T G.107), from what
//! was lost, how unevenly it came and how long it took.

use std::time::Duration;

/// The rating of a line with the default values of G.107 and no impairment.
const BEST: f64 = 93.2;
/// How well G.711 bears loss in a phone that conceals it (ITU-T G.113 appendix I, random loss).
const ROBUSTNESS: f64 = 25.1;
/// Delay beyond this is heard as such (G.107, simplified as is usual for packet voice).
const NOTICED_MS: f64 = 177.3;
/// A packet is on its way once it is full.
const PACKET: Duration = Duration::from_millis(20);

/// What a listener's phone met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// Packets that should have come.
    pub expected: u64,
    /// Of them, those that did not.
    pub lost: u64,
    /// Mean interarrival jitter (RFC 3550 section 6.4.1). The phone's buffer is taken to be twice
    /// as long.
    pub jitter: Duration,
    /// There and back, if it is known.
    pub round_trip: Option<Duration>,
}

impl Path {
    /// The mean opinion score of G.711 over this path: 1.0, nobody understands a word, to 4.5.
    pub fn mos(&self) -> f64 {
        let lost_percent = match self.expected {
            0 => 0.0,
            expected => self.lost.min(expected) as f64 * 100.0 / expected as f64,
        };
        let delay = PACKET + self.jitter * 2 + self.round_trip.unwrap_or_default() / 2;
        let delay_ms = delay.as_secs_f64() * 1_000.0;
        let late = 0.024 * delay_ms + 0.11 * (delay_ms - NOTICED_MS).max(0.0);
        let missing = 95.0 * lost_percent / (lost_percent + ROBUSTNESS);
        score(BEST - late - missing)
    }
}

/// The mean opinion score of a rating (G.107 annex B).
fn score(rating: f64) -> f64 {
    match rating {
        rating if rating <= 0.0 => 1.0,
        rating if rating >= 100.0 => 4.5,
        // The curve dips below 1 near 0.
        rating => {
            let curve = rating * (rating - 60.0) * (100.0 - rating) * 7e-6;
            (1.0 + 0.035 * rating + curve).max(1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mos(lost_per_mille: u64, jitter_ms: u64, round_trip_ms: u64) -> f64 {
        let path = Path {
            expected: 1_000,
            lost: lost_per_mille,
            jitter: Duration::from_millis(jitter_ms),
            round_trip: Some(Duration::from_millis(round_trip_ms)),
        };
        (path.mos() * 100.0).round() / 100.0
    }

    #[test]
    fn ratings_have_the_scores_of_the_recommendation() {
        // G.107 table B.1: the bounds between the categories of satisfaction.
        for (rating, expected) in
            [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)]
        {
            assert!((score(rating) - expected).abs() < 0.007, "{rating}: {}", score(rating));
        }
        assert_eq!((score(-5.0), score(0.0), score(100.0), score(120.0)), (1.0, 1.0, 4.5, 4.5));
    }

    #[test]
    fn a_good_line_is_good_and_each_fault_is_heard() {
        assert_eq!(mos(0, 0, 0), 4.40);
        // A hundredth lost is hardly heard by a phone that conceals, a tenth is.
        assert_eq!(mos(10, 0, 0), 4.32);
        assert_eq!(mos(100, 0, 0), 3.39);
        // A round trip of a second makes people talk at once.
        assert_eq!(mos(0, 0, 100), 4.37);
        assert_eq!(mos(0, 0, 1_000), 2.21);
        assert_eq!(mos(0, 40, 0), 4.36);
        assert_eq!(mos(1_000, 0, 0), 1.16);
    }

    #[test]
    fn nothing_expected_is_nothing_lost() {
        let path = Path { expected: 0, lost: 7, jitter: Duration::ZERO, round_trip: None };
        assert!(path.mos() > 4.3);
    }

    proptest! {
        #[test]
        fn a_score_is_always_one_and_never_better_for_more_loss(
            expected in any::<u64>(), lost in any::<u64>(), more in any::<u64>(),
            jitter_us in any::<u32>(), round_trip_us in any::<u32>(),
        ) {
            let path = Path {
                expected,
                lost,
                jitter: Duration::from_micros(u64::from(jitter_us)),
                round_trip: Some(Duration::from_micros(u64::from(round_trip_us))),
            };
            let worse = Path { lost: lost.saturating_add(more), ..path };
            prop_assert!((1.0..=4.5).contains(&path.mos()));
            prop_assert!(worse.mos() <= path.mos());
        }
    }
}
