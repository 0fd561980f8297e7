//! Days and half hours on the organisation's clock.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::UnixMicros;

/// Thirty minutes, in microseconds.
pub(super) const HALF_HOUR_US: i64 = 1_800_000_000;
const DAY_US: i64 = 48 * HALF_HOUR_US;

/// The time zone in which days and half hours are counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(super) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The start of the half hour that `at` lies in. On the night when clocks go back the hour
    /// that is shown twice has four half hours.
    pub(super) fn half_hour(&self, at: UnixMicros) -> UnixMicros {
        let offset_us = i64::from(self.zone.to_offset(at.timestamp()).seconds()) * 1_000_000;
        let local = at.0.saturating_add(offset_us);
        UnixMicros(at.0.saturating_sub(local.rem_euclid(HALF_HOUR_US)))
    }

    /// The day that `at` lies in: its first instant, and the first instant of the next one. A day
    /// on which clocks change has 23 or 25 hours.
    pub(super) fn day(&self, at: UnixMicros) -> (UnixMicros, UnixMicros) {
        let shown = at.zoned(&self.zone);
        let start = shown.start_of_day().ok();
        let next = shown.tomorrow().and_then(|day| day.start_of_day()).ok();
        let micros = |day: jiff::Zoned| UnixMicros(day.timestamp().as_microsecond());
        // Only at the ends of jiff's calendar (years -9999 and 9999) is there no such day.
        let start = start.map_or(UnixMicros(at.0.saturating_sub(at.0.rem_euclid(DAY_US))), micros);
        (start, next.map_or(UnixMicros(start.0.saturating_add(DAY_US)), micros))
    }

    /// `at` as shown on this zone's clock, with the offset (RFC 3339).
    pub(super) fn show(&self, at: UnixMicros) -> String {
        let timestamp = at.timestamp();
        timestamp.display_with_offset(self.zone.to_offset(timestamp)).to_string()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Zone::from("Europe/London".to_owned())
    }
}

impl From<String> for Zone {
    /// UTC stands in for a name that the time zone database does not know; `check` refuses those.
    fn from(name: String) -> Self {
        let zone = TimeZone::get(&name).unwrap_or(TimeZone::UTC);
        Zone { name, zone }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMicros {
        UnixMicros(text.parse::<jiff::Timestamp>().expect("a timestamp").as_microsecond())
    }

    #[test]
    fn half_hours_begin_on_the_hour_and_half_past_it() {
        let london = Zone::default();
        assert_eq!(london.half_hour(at("2026-07-01T10:29:59.999999Z")), at("2026-07-01T10:00:00Z"));
        assert_eq!(london.half_hour(at("2026-07-01T10:30:00Z")), at("2026-07-01T10:30:00Z"));
        let kathmandu = Zone::from("Asia/Kathmandu".to_owned());
        assert_eq!(kathmandu.half_hour(at("2026-07-01T10:20:00Z")), at("2026-07-01T10:15:00Z"));
    }

    #[test]
    fn days_on_which_clocks_change_have_23_and_25_hours() {
        let london = Zone::default();
        let hours = |(start, next): (UnixMicros, UnixMicros)| (next.0 - start.0) / 3_600_000_000;
        assert_eq!(hours(london.day(at("2026-03-29T12:00:00Z"))), 23);
        assert_eq!(hours(london.day(at("2026-10-25T12:00:00Z"))), 25);
        assert_eq!(hours(london.day(at("2026-11-22T12:00:00Z"))), 24);
        let summer = london.day(at("2026-06-30T23:30:00Z"));
        assert_eq!(summer.0, at("2026-06-30T23:00:00Z"), "half past midnight of 1 July in London");
    }

    #[test]
    fn the_half_hours_of_the_hour_that_is_shown_twice_are_told_apart_by_their_offset() {
        let london = Zone::default();
        let first = london.half_hour(at("2026-10-25T00:10:00Z"));
        let second = london.half_hour(at("2026-10-25T01:10:00Z"));
        assert_eq!(london.show(first), "2026-10-25T01:00:00+01:00");
        assert_eq!(london.show(second), "2026-10-25T01:00:00+00:00");
    }

    #[test]
    fn instants_outside_the_calendar_have_a_day_all_the_same() {
        for at in [i64::MIN, i64::MAX] {
            let _ = Zone::default().day(UnixMicros(at));
            let _ = Zone::default().half_hour(UnixMicros(at));
        }
    }
}
