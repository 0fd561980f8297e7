//! The journal of a simulated day, and the figures that are folded from it.

use crate::event::{Entry, Event, SystemEvent};
use crate::stats::{Fold, IntervalRow, QueueLength};
use crate::time::{Time, UnixMicros, WallClock};

use super::Audience;

/// How often half hours are taken out of the fold, in days: it keeps them for 62.
const HARVEST_DAYS: u64 = 20;
const A_DAY_US: i64 = 86_400_000_000;
const HALF_HOUR_US: i64 = 1_800_000_000;

/// Writes entries and folds them.
pub(super) struct Journal<'a> {
    pub(super) audience: &'a mut dyn Audience,
    pub(super) fold: Fold,
    pub(super) length: QueueLength,
    seq: u64,
    rows: Vec<IntervalRow>,
    harvested_on: u64,
}

impl<'a> Journal<'a> {
    pub(super) fn new(audience: &'a mut dyn Audience) -> Self {
        Journal {
            audience,
            fold: Fold::new(),
            length: QueueLength::default(),
            seq: 0,
            rows: Vec::new(),
            harvested_on: 0,
        }
    }

    pub(super) fn write(&mut self, now: Time, wall: &WallClock, event: Event) {
        self.seq += 1;
        let entry = Entry { seq: self.seq, at: wall.at(now), time: now, event };
        self.fold.apply(&entry);
        self.length.apply(&entry);
        self.audience.entry(&entry);
    }

    pub(super) fn begin(&mut self, wall: &WallClock, settings: SystemEvent) {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        for event in [SystemEvent::Started { version }, settings] {
            self.write(Time::ZERO, wall, Event::System { event });
        }
    }

    /// A day begins: takes out what the fold would forget, up to a day ago. Half hours whose callers
    /// still wait are left for later.
    pub(super) fn harvest(&mut self, day: u64, now: Time, at: UnixMicros) {
        if day >= self.harvested_on + HARVEST_DAYS {
            self.harvested_on = day;
            let until = UnixMicros(at.0.saturating_sub(A_DAY_US));
            self.take_rows(now, at, |row| row.start < until && row.still_waiting == 0);
        }
    }

    /// All half hours. The last is over, although nothing happens any more at its end.
    pub(super) fn rows(&mut self, now: Time, at: UnixMicros) -> Vec<IntervalRow> {
        let last = self.fold.intervals(now, at).last().map(|row| row.start.0 + HALF_HOUR_US);
        let at = UnixMicros(last.map_or(at.0, |end| end.max(at.0)));
        self.take_rows(now, at, |_| true);
        std::mem::take(&mut self.rows)
    }

    fn take_rows(&mut self, now: Time, at: UnixMicros, done: impl Fn(&IntervalRow) -> bool) {
        let taken = self.rows.last().map(|row| row.start);
        let new = |row: &IntervalRow| taken.is_none_or(|taken| row.start > taken);
        let rows: Vec<IntervalRow> = self.fold.intervals(now, at).into_iter().filter(new).collect();
        // All rows of a half hour are taken together.
        let first_open = rows.iter().find(|row| !done(row)).map(|row| row.start);
        let before = |row: &IntervalRow| first_open.is_none_or(|open| row.start < open);
        self.rows.extend(rows.into_iter().take_while(before));
    }
}
