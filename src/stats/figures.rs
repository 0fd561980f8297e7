//! The figures of a group of calls: counts by outcome, and waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Outcome;

use super::live::{Today, WAIT_BOUNDS_S};
use super::service_level::{Calls, Formula};
use super::wrap_up::Said;

/// The thresholds that an outcome is judged by: those in force when it happens, for the queue that
/// the call entered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Thresholds {
    /// The standard, in microseconds; a wait of exactly this is within.
    pub(super) standard_us: u64,
    /// An abandon before this is short, in microseconds; a wait of exactly this is not.
    pub(super) short_abandon_us: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { standard_us: 60_000_000, short_abandon_us: 5_000_000 }
    }
}

/// How many calls were offered and what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) offered: u64,
    pub(super) answered: u64,
    pub(super) answered_within: u64,
    pub(super) abandoned: u64,
    pub(super) abandoned_within: u64,
    pub(super) short_abandons: u64,
    pub(super) overflowed: u64,
    pub(super) callbacks: u64,
    pub(super) voicemail: u64,
    pub(super) ended_by_system: u64,
    /// The sum of the waits of answered calls, in microseconds.
    pub(super) wait_sum_us: u64,
    /// The longest wait of an answered call, in microseconds.
    pub(super) longest_wait_us: u64,
    /// Calls whose first conversation is over.
    pub(super) handled: u64,
    /// Their talk, hold and after-call work, in microseconds.
    pub(super) handle_us: u64,
    /// What advisers say of them.
    pub(super) said: Said,
}

impl Counts {
    /// Counts how a call's waiting ended. `Moved` ends a visit and no call's waiting.
    pub(super) fn settle(&mut self, outcome: Outcome, wait_us: u64, thresholds: Thresholds) {
        match outcome {
            Outcome::Answered => {
                self.answered += 1;
                self.answered_within += u64::from(wait_us <= thresholds.standard_us);
                self.wait_sum_us = self.wait_sum_us.saturating_add(wait_us);
                self.longest_wait_us = self.longest_wait_us.max(wait_us);
            }
            Outcome::Abandoned => {
                self.abandoned += 1;
                self.abandoned_within += u64::from(wait_us <= thresholds.standard_us);
                self.short_abandons += u64::from(wait_us < thresholds.short_abandon_us);
            }
            Outcome::Overflowed => self.overflowed += 1,
            Outcome::CallbackTaken => self.callbacks += 1,
            Outcome::Voicemail => self.voicemail += 1,
            Outcome::EndedBySystem => self.ended_by_system += 1,
            Outcome::Moved => {}
        }
    }

    /// Takes another group's calls into this one.
    pub(super) fn add(&mut self, other: &Counts) {
        self.offered += other.offered;
        self.answered += other.answered;
        self.answered_within += other.answered_within;
        self.abandoned += other.abandoned;
        self.abandoned_within += other.abandoned_within;
        self.short_abandons += other.short_abandons;
        self.overflowed += other.overflowed;
        self.callbacks += other.callbacks;
        self.voicemail += other.voicemail;
        self.ended_by_system += other.ended_by_system;
        self.wait_sum_us = self.wait_sum_us.saturating_add(other.wait_sum_us);
        self.longest_wait_us = self.longest_wait_us.max(other.longest_wait_us);
        self.handled += other.handled;
        self.handle_us = self.handle_us.saturating_add(other.handle_us);
        self.said.add(&other.said);
    }

    /// A service level of these calls.
    pub(super) fn ratio(&self, formula: Formula) -> Option<f64> {
        formula.ratio(Calls {
            offered: self.offered,
            answered: self.answered,
            answered_within: self.answered_within,
            short_abandons: self.short_abandons,
            abandoned_within: self.abandoned_within,
        })
    }

    /// The average speed of answer, in seconds.
    pub(super) fn asa_s(&self) -> Option<f64> {
        (self.answered > 0).then(|| seconds(self.wait_sum_us) / self.answered as f64)
    }

    /// The longest wait of an answered call, in seconds.
    pub(super) fn longest_wait_s(&self) -> Option<f64> {
        (self.answered > 0).then(|| seconds(self.longest_wait_us))
    }

    /// The average handle time of the calls whose conversation is over, in seconds.
    pub(super) fn aht_s(&self) -> Option<f64> {
        (self.handled > 0).then(|| seconds(self.handle_us) / self.handled as f64)
    }

    /// These calls as a day's figures.
    pub(super) fn today(&self, still_waiting: u64) -> Today {
        Today {
            offered: self.offered,
            answered: self.answered,
            answered_within_standard: self.answered_within,
            abandoned: self.abandoned,
            short_abandons: self.short_abandons,
            overflowed: self.overflowed,
            callbacks: self.callbacks,
            voicemail: self.voicemail,
            ended_by_system: self.ended_by_system,
            still_waiting,
            asa_s: self.asa_s(),
            longest_wait_s: self.longest_wait_s(),
            answered_within_of_offered: self.ratio(Formula::AnsweredWithinOfOffered),
            answered_within_of_answered: self.ratio(Formula::AnsweredWithinOfAnswered),
            excluding_short_abandons: self.ratio(Formula::ExcludingShortAbandons),
            excluding_abandons_within: self.ratio(Formula::ExcludingAbandonsWithin),
            repeat_contacts: self.said.repeats,
            resolved: self.said.resolved,
            unresolved: self.said.unresolved,
            first_contact_resolution: self.said.first_contact_resolution(),
            wrap_ups: self.said.codes.clone(),
        }
    }
}

/// Distinct waits that are kept to the microsecond in one half hour of one queue.
const EXACT_WAITS: usize = 10_000;

/// The waits of answered calls, in order, for medians and percentiles.
///
/// Exact to the microsecond for the first [`EXACT_WAITS`] different ones (a council's busiest half
/// hour has some hundreds); after that new ones are rounded up to the second, so that a flood
/// cannot fill the memory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Waits(BTreeMap<u64, u64>);

impl Waits {
    /// One more answered call.
    pub(super) fn push(&mut self, wait_us: u64) {
        let exact = self.0.len() < EXACT_WAITS || self.0.contains_key(&wait_us);
        let key =
            if exact { wait_us } else { wait_us.div_ceil(1_000_000).saturating_mul(1_000_000) };
        *self.0.entry(key).or_default() += 1;
    }

    /// Takes another group's waits into this one.
    pub(super) fn add(&mut self, other: &Waits) {
        for (wait_us, count) in &other.0 {
            *self.0.entry(*wait_us).or_default() += count;
        }
    }

    /// The median, in seconds: the mean of the middle two where their number is even.
    pub(super) fn median_s(&self) -> Option<f64> {
        let count = self.count();
        let lower = self.nth(count.checked_sub(1)? / 2)?;
        let upper = self.nth(count / 2)?;
        Some((seconds(lower) + seconds(upper)) / 2.0)
    }

    /// The wait, in seconds, that at least `per_cent` of the calls did not exceed (nearest rank).
    pub(super) fn percentile_s(&self, per_cent: u64) -> Option<f64> {
        let rank = (self.count() * per_cent).div_ceil(100);
        self.nth(rank.checked_sub(1)?).map(seconds)
    }

    fn count(&self) -> u64 {
        self.0.values().sum()
    }

    fn nth(&self, index: u64) -> Option<u64> {
        let mut before = 0;
        self.0.iter().find_map(|(wait_us, count)| {
            before += count;
            (index < before).then_some(*wait_us)
        })
    }
}

/// Durations counted in the buckets of [`WAIT_BOUNDS_S`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Histogram {
    buckets: Vec<u64>,
    sum_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { buckets: vec![0; WAIT_BOUNDS_S.len() + 1], sum_us: 0 }
    }
}

impl Histogram {
    /// One more; a duration of exactly a bound belongs to that bound's bucket.
    pub(super) fn push(&mut self, duration_us: u64) {
        let index = WAIT_BOUNDS_S
            .iter()
            .position(|bound_s| duration_us <= (*bound_s * 1e6) as u64)
            .unwrap_or(WAIT_BOUNDS_S.len());
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += 1;
        }
        self.sum_us = self.sum_us.saturating_add(duration_us);
    }

    /// Counts by bucket, not cumulative; the last is for those above all bounds.
    pub(super) fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// The sum, in seconds.
    pub(super) fn sum_s(&self) -> f64 {
        seconds(self.sum_us)
    }
}

/// Microseconds as seconds.
pub(super) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_is_inclusive_and_the_short_bound_is_not() {
        let mut counts = Counts::default();
        let thresholds = Thresholds::default();
        counts.settle(Outcome::Answered, 60_000_000, thresholds);
        counts.settle(Outcome::Answered, 60_000_001, thresholds);
        counts.settle(Outcome::Abandoned, 4_999_999, thresholds);
        counts.settle(Outcome::Abandoned, 5_000_000, thresholds);
        counts.settle(Outcome::Abandoned, 60_000_000, thresholds);
        counts.settle(Outcome::Abandoned, 60_000_001, thresholds);
        assert_eq!((counts.answered, counts.answered_within), (2, 1));
        assert_eq!((counts.abandoned, counts.short_abandons, counts.abandoned_within), (4, 1, 3));
    }

    #[test]
    fn medians_and_percentiles_are_those_of_a_textbook() {
        let mut waits = Waits::default();
        assert_eq!((waits.median_s(), waits.percentile_s(95)), (None, None));
        for wait_s in [40, 10, 20, 30] {
            waits.push(wait_s * 1_000_000);
        }
        assert_eq!(waits.median_s(), Some(25.0));
        assert_eq!(waits.percentile_s(95), Some(40.0));
        assert_eq!(waits.percentile_s(75), Some(30.0));
        waits.push(10_000_000);
        assert_eq!(waits.median_s(), Some(20.0));
    }

    #[test]
    fn a_flood_of_different_waits_is_rounded_up_to_seconds_and_loses_no_call() {
        let mut waits = Waits::default();
        for wait_us in 0..30_000 {
            waits.push(wait_us * 1_000);
        }
        assert_eq!(waits.count(), 30_000);
        assert!(waits.0.len() < EXACT_WAITS + 100, "{}", waits.0.len());
        assert_eq!(waits.percentile_s(100), Some(30.0));
    }

    #[test]
    fn a_wait_of_exactly_a_bound_is_in_that_bounds_bucket() {
        let mut histogram = Histogram::default();
        for wait_us in [60_000_000, 60_000_001, 1_800_000_001, 0] {
            histogram.push(wait_us);
        }
        let at = |bound: f64| WAIT_BOUNDS_S.iter().position(|b| *b == bound).expect("a bound");
        assert_eq!(histogram.buckets()[at(60.0)], 1);
        assert_eq!(histogram.buckets()[at(90.0)], 1);
        assert_eq!(histogram.buckets()[0], 1);
        assert_eq!(histogram.buckets().last(), Some(&1));
    }
}
