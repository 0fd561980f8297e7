//! Time as a parameter: the core never reads a clock.
//!
//! [`Time`] is monotonic and drives every timer. [`WallClock`] maps it to the calendar and is an
//! input, so that a stepped system clock moves calendars and never timers. [`Deadlines`] keeps
//! one deadline per reason.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Add, AddAssign, RangeBounds, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Monotonic time in whole microseconds since the engine's start.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Time(u64);

impl Time {
    /// The engine's start.
    pub const ZERO: Time = Time(0);

    /// The instant `micros` microseconds after the start.
    pub const fn from_micros(micros: u64) -> Self {
        Time(micros)
    }

    /// The instant `millis` milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Self {
        Time(millis * 1_000)
    }

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    pub const fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, by: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, by: Duration) {
        *self = *self + by;
    }
}

impl Sub<Time> for Time {
    type Output = Duration;
    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

/// Microseconds since the Unix epoch (UTC): an instant on the calendar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMicros(pub i64);

impl UnixMicros {
    /// How long it is after `earlier`; nothing if it is not.
    pub fn since(self, earlier: UnixMicros) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same instant for calendar arithmetic; the epoch where it is out of the calendar's range.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// The same instant on the clock of `zone`.
    pub fn zoned(self, zone: &jiff::tz::TimeZone) -> jiff::Zoned {
        self.timestamp().to_zoned(zone.clone())
    }
}

/// Where [`Time::ZERO`] lies on the calendar. Changed only by an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WallClock {
    at_zero: UnixMicros,
}

impl WallClock {
    /// A clock that shows `shown` at the instant `now`.
    pub fn showing(shown: UnixMicros, now: Time) -> Self {
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        WallClock { at_zero: UnixMicros(shown.0.saturating_sub(now)) }
    }

    /// What the calendar shows at `now`.
    pub fn at(&self, now: Time) -> UnixMicros {
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        UnixMicros(self.at_zero.0.saturating_add(now))
    }

    /// When the calendar will show `shown`, if the clock is not stepped; [`Time::ZERO`] if it lies
    /// before the start.
    pub fn when(&self, shown: UnixMicros) -> Time {
        Time(u64::try_from(shown.0.saturating_sub(self.at_zero.0)).unwrap_or(0))
    }
}

/// Deadlines in the order in which they fall due, one for each reason `K`.
///
/// Setting a reason again replaces its deadline. Equal instants fall due in the order of `K`, so
/// that the same inputs give the same order on every run.
#[derive(Debug, Clone)]
pub struct Deadlines<K> {
    by_time: BTreeSet<(Time, K)>,
    by_reason: BTreeMap<K, Time>,
}

impl<K: Ord + Clone> Default for Deadlines<K> {
    fn default() -> Self {
        Deadlines { by_time: BTreeSet::new(), by_reason: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Deadlines<K> {
    /// None are set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the deadline of `reason`, replacing an earlier one.
    pub fn set(&mut self, reason: K, at: Time) {
        if let Some(old) = self.by_reason.insert(reason.clone(), at) {
            self.by_time.remove(&(old, reason.clone()));
        }
        self.by_time.insert((at, reason));
    }

    /// Forgets the deadline of `reason`; `true` if there was one.
    pub fn cancel(&mut self, reason: &K) -> bool {
        match self.by_reason.remove(reason) {
            Some(at) => self.by_time.remove(&(at, reason.clone())),
            None => false,
        }
    }

    /// Forgets the deadlines of every reason within bounds: all those of one owner, where reasons
    /// begin with whom they belong to. Costs nothing for reasons that have none.
    pub fn cancel_all(&mut self, reasons: impl RangeBounds<K>) {
        let set: Vec<(Time, K)> =
            self.by_reason.range(reasons).map(|(reason, at)| (*at, reason.clone())).collect();
        for deadline in set {
            self.by_reason.remove(&deadline.1);
            self.by_time.remove(&deadline);
        }
    }

    /// When `reason` falls due.
    pub fn get(&self, reason: &K) -> Option<Time> {
        self.by_reason.get(reason).copied()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Removes and returns the earliest deadline that is due at `now`.
    pub fn pop_due(&mut self, now: Time) -> Option<(Time, K)> {
        if self.by_time.first().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        let (at, reason) = self.by_time.pop_first()?;
        self.by_reason.remove(&reason);
        Some((at, reason))
    }

    /// How many deadlines are set.
    pub fn len(&self) -> usize {
        self.by_reason.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.by_reason.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_one_deadline_and_equal_instants_fall_due_in_order() {
        let mut deadlines = Deadlines::new();
        deadlines.set("b", Time::from_millis(5));
        deadlines.set("a", Time::from_millis(9));
        deadlines.set("a", Time::from_millis(5));
        assert_eq!(deadlines.pop_due(Time::from_millis(4)), None);
        assert_eq!(deadlines.pop_due(Time::from_millis(5)), Some((Time::from_millis(5), "a")));
        assert_eq!(deadlines.pop_due(Time::from_millis(5)), Some((Time::from_millis(5), "b")));
        assert!(deadlines.is_empty());
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn the_deadlines_of_one_owner_are_forgotten_together() {
        let mut deadlines = Deadlines::new();
        for reason in [(1, 'z'), (2, 'a'), (2, 'm'), (2, 'z'), (3, 'a')] {
            deadlines.set(reason, Time::from_millis(5));
        }
        deadlines.cancel_all((2, 'a')..=(2, 'm'));
        let left: Vec<_> =
            std::iter::from_fn(|| deadlines.pop_due(Time::from_millis(5))).map(|d| d.1).collect();
        assert_eq!(left, [(1, 'z'), (2, 'z'), (3, 'a')]);
        assert!(deadlines.is_empty() && deadlines.next().is_none());
    }

    #[test]
    fn a_stepped_wall_clock_moves_the_calendar_and_not_the_timers() {
        let mut deadlines = Deadlines::new();
        deadlines.set((), Time::from_millis(100));
        let clock = WallClock::showing(UnixMicros(1_000_000), Time::from_millis(50));
        assert_eq!(clock.at(Time::from_millis(60)), UnixMicros(1_010_000));
        let stepped = WallClock::showing(UnixMicros(9_000_000), Time::from_millis(60));
        assert_eq!(stepped.at(Time::from_millis(60)), UnixMicros(9_000_000));
        assert_eq!(deadlines.next(), Some(Time::from_millis(100)));
        assert_eq!(stepped.when(UnixMicros(9_040_000)), Time::from_millis(100));
        assert_eq!(deadlines.pop_due(Time::from_millis(100)), Some((Time::from_millis(100), ())));
    }
}
