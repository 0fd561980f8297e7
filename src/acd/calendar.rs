//! Opening hours with bank holidays and exceptions, in the organisation's time zone.
//!
//! A day's spans are turned into instants before anything is compared, so that each span is open
//! once on the day when the clocks go back and a span that the clocks skip is not open at all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time as CivilTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

pub use super::bank_holidays::{BankHolidays, BankHolidaysError};

/// Opening hours as the settings file writes them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarSettings {
    /// By day of the week (`mon` to `sun`): one or more spans `"08:45-17:00"`. A day that is not
    /// named is closed.
    pub week: BTreeMap<String, Vec<String>>,
    /// By date (`2026-12-24`): spans that replace the day's; none for closed.
    pub exceptions: BTreeMap<String, Vec<String>>,
    /// Closed on bank holidays of this division of the GOV.UK feed (`england-and-wales`), read from
    /// the file `bank-holidays.json` beside the settings.
    pub bank_holidays: Option<String>,
}

/// The days of the week as settings name them, Monday first.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const MINUTES_OF_DAY: u16 = 24 * 60;
/// Nobody closes for less than this, in minutes.
const HARDLY_MEANT: u16 = 15;
/// How far ahead the next change is looked for beyond the last special day.
const HORIZON_DAYS: i32 = 8;
/// Exceptions further away than this are not waited for; the caller asks again in time.
const FARTHEST_DAYS: i32 = 3_660;

/// What is wrong with a calendar's settings. `day` is the key as written, `index` counts the spans
/// of that day from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// A key of `week` is not a day.
    #[error("`{day}` is not a day of the week")]
    UnknownDay {
        /// The key.
        day: String,
    },
    /// A key of `exceptions` is not a date.
    #[error("`{day}` is not a date")]
    BadDate {
        /// The key.
        day: String,
    },
    /// A span is not two times of day.
    #[error("`{span}` is not a span of hours")]
    BadSpan {
        /// Whether it is in `exceptions` rather than in `week`.
        exception: bool,
        /// The key.
        day: String,
        /// Which span.
        index: usize,
        /// As written.
        span: String,
    },
    /// A span ends before it begins.
    #[error("`{span}` ends before it begins")]
    Backwards {
        /// Whether it is in `exceptions` rather than in `week`.
        exception: bool,
        /// The key.
        day: String,
        /// Which span.
        index: usize,
        /// As written.
        span: String,
    },
    /// Two spans of a day overlap.
    #[error("`{span}` overlaps `{other}`")]
    Overlap {
        /// Whether they are in `exceptions` rather than in `week`.
        exception: bool,
        /// The key.
        day: String,
        /// The later span.
        index: usize,
        /// As written.
        span: String,
        /// The span that it overlaps.
        other: String,
    },
    /// The feed has no such division.
    #[error("the bank holidays have no division `{division}`")]
    UnknownDivision {
        /// As written.
        division: String,
    },
}

/// A time of the week at which it is closed, and is hardly meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hole {
    /// A day that is not named, between days that are open.
    Day(&'static str),
    /// A few minutes behind a span.
    Minutes {
        /// Whether it is in `exceptions` rather than in `week`.
        exception: bool,
        /// The key.
        day: String,
        /// Which span of the day, as written.
        index: usize,
        /// When it closes, as in `12:00`.
        from: String,
        /// When it opens again.
        to: String,
    },
}

impl CalendarSettings {
    /// Where hours that read well leave callers before a closed door by mistake, most likely.
    pub fn holes(&self) -> Vec<Hole> {
        let mut holes = Vec::new();
        let is_open = |day: &&str| self.week.get(*day).is_some_and(|spans| !spans.is_empty());
        for (at, day) in DAYS.into_iter().enumerate() {
            let (before, after) = (DAYS.iter().take(at), DAYS.iter().skip(at + 1));
            let between =
                before.copied().any(|day| is_open(&day)) && after.copied().any(|day| is_open(&day));
            if between && !self.week.contains_key(day) {
                holes.push(Hole::Day(day));
            }
            let next = DAYS.get(at + 1).or(DAYS.first());
            if let (Some(today), Some(next)) = (self.week.get(day), next) {
                let tomorrow = self.week.get(*next).map(Vec::as_slice).unwrap_or_default();
                minutes_between(false, day, today, tomorrow, &mut holes);
            }
        }
        for (day, spans) in &self.exceptions {
            minutes_between(true, day, spans, &[], &mut holes);
        }
        holes
    }
}

/// Adds the few minutes between spans of a day, and to the first of the next.
fn minutes_between(
    exception: bool,
    day: &str,
    today: &[String],
    tomorrow: &[String],
    holes: &mut Vec<Hole>,
) {
    let read = |texts: &[String]| -> Vec<(Span, usize)> {
        let spans = texts.iter().enumerate();
        let mut spans: Vec<_> =
            spans.filter_map(|(index, text)| Some((parse_span(text)?, index))).collect();
        spans.sort();
        spans
    };
    let mut spans = read(today);
    if let Some((first, index)) = read(tomorrow).first().copied() {
        let after = |minute: u16| minute.saturating_add(MINUTES_OF_DAY);
        spans.push((Span { from: after(first.from), to: after(first.to) }, index));
    }
    for pair in spans.windows(2) {
        if let [(one, index), (two, _)] = pair
            && one.to < two.from
            && two.from - one.to < HARDLY_MEANT
        {
            let (day, index) = (day.to_owned(), *index);
            let (from, to) = (clock(one.to), clock(two.from % MINUTES_OF_DAY));
            holes.push(Hole::Minutes { exception, day, index, from, to });
        }
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Minutes after midnight, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    from: u16,
    to: u16,
}

/// Opening hours, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    week: [Vec<Span>; 7],
    exceptions: BTreeMap<Date, Vec<Span>>,
    holidays: BTreeSet<Date>,
}

impl Calendar {
    /// Checks settings against the bank holidays that are known.
    pub fn new(
        settings: &CalendarSettings,
        bank_holidays: &BankHolidays,
    ) -> Result<Self, CalendarError> {
        let mut week: [Vec<Span>; 7] = Default::default();
        for (day, spans) in &settings.week {
            let slot = DAYS.iter().position(|name| name == day);
            let Some(slot) = slot.and_then(|at| week.get_mut(at)) else {
                return Err(CalendarError::UnknownDay { day: day.clone() });
            };
            *slot = spans_of(false, day, spans)?;
        }
        let mut exceptions = BTreeMap::new();
        for (day, spans) in &settings.exceptions {
            let Ok(date) = day.parse::<Date>() else {
                return Err(CalendarError::BadDate { day: day.clone() });
            };
            exceptions.insert(date, spans_of(true, day, spans)?);
        }
        let holidays = match &settings.bank_holidays {
            None => BTreeSet::new(),
            Some(division) => match bank_holidays.days(division) {
                Some(days) => days.keys().copied().collect(),
                None => return Err(CalendarError::UnknownDivision { division: division.clone() }),
            },
        };
        Ok(Calendar { week, exceptions, holidays })
    }

    /// Whether it is open at an instant.
    pub fn is_open(&self, at: &Zoned) -> bool {
        let now = at.timestamp();
        self.intervals(at.time_zone(), at.date()).any(|(from, to)| from <= now && now < to)
    }

    /// When it opens or closes next; none if it never does (as far as it can be known).
    pub fn next_change(&self, after: &Zoned) -> Option<Zoned> {
        let zone = after.time_zone();
        let now = after.timestamp();
        let mut date = after.date();
        let last = self.horizon(date);
        let mut open_until: Option<Timestamp> = None;
        while date <= last {
            for (from, to) in self.intervals(zone, date) {
                if to <= now {
                    continue;
                }
                match open_until {
                    None if from > now => return Some(from.to_zoned(zone.clone())),
                    None => open_until = Some(to),
                    // 24:00 and the next day's 00:00 are one instant: no change there.
                    Some(until) if from <= until => open_until = Some(until.max(to)),
                    Some(until) => return Some(until.to_zoned(zone.clone())),
                }
            }
            date = date.tomorrow().ok()?;
            if let Some(until) = open_until
                && instant(zone, date, 0).is_none_or(|midnight| until < midnight)
            {
                return Some(until.to_zoned(zone.clone()));
            }
        }
        None
    }

    /// The last day that can differ from the same day of another week, and a week more.
    fn horizon(&self, from: Date) -> Date {
        let special = self.exceptions.keys().next_back().max(self.holidays.last());
        let last = special.map_or(from, |last| from.max(*last));
        let days = |n: i32| jiff::Span::new().days(n);
        let far = from.checked_add(days(FARTHEST_DAYS)).unwrap_or(Date::MAX);
        last.checked_add(days(HORIZON_DAYS)).unwrap_or(Date::MAX).min(far)
    }

    fn spans(&self, date: Date) -> &[Span] {
        if let Some(spans) = self.exceptions.get(&date) {
            return spans;
        }
        if self.holidays.contains(&date) {
            return &[];
        }
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.week.get(day).map_or(&[], Vec::as_slice)
    }

    /// The instants between which a day is open, in order.
    fn intervals<'a>(
        &'a self,
        zone: &'a TimeZone,
        date: Date,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
        self.spans(date).iter().filter_map(move |span| {
            let from = instant(zone, date, span.from)?;
            let to = instant(zone, date, span.to)?;
            (from < to).then_some((from, to))
        })
    }
}

/// When the clocks of `zone` show this minute of the day: the first time if they show it twice, the
/// moment of the change if they skip it.
fn instant(zone: &TimeZone, date: Date, minute: u16) -> Option<Timestamp> {
    let (date, minute) =
        if minute >= MINUTES_OF_DAY { (date.tomorrow().ok()?, 0) } else { (date, minute) };
    let hour = i8::try_from(minute / 60).ok()?;
    let time = CivilTime::new(hour, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
    let ambiguous = zone.to_ambiguous_timestamp(date.to_datetime(time));
    let skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let at = ambiguous.compatible().ok()?;
    if !skipped {
        return Some(at);
    }
    let just_after = at.checked_add(jiff::Span::new().nanoseconds(1)).ok()?;
    zone.preceding(just_after).next().map(|change| change.timestamp())
}

fn spans_of(exception: bool, day: &str, texts: &[String]) -> Result<Vec<Span>, CalendarError> {
    let mut spans: Vec<(Span, usize, &String)> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let (day, span) = (day.to_owned(), text.clone());
        let Some(parsed) = parse_span(text) else {
            return Err(CalendarError::BadSpan { exception, day, index, span });
        };
        if parsed.from >= parsed.to {
            return Err(CalendarError::Backwards { exception, day, index, span });
        }
        spans.push((parsed, index, text));
    }
    spans.sort();
    for pair in spans.windows(2) {
        if let [(one, _, other), (two, index, span)] = pair
            && two.from < one.to
        {
            let (span, other) = ((*span).clone(), (*other).clone());
            let (day, index) = (day.to_owned(), *index);
            return Err(CalendarError::Overlap { exception, day, index, span, other });
        }
    }
    Ok(spans.into_iter().map(|(span, _, _)| span).collect())
}

fn parse_span(text: &str) -> Option<Span> {
    let (from, to) = text.split_once('-')?;
    Some(Span { from: parse_time(from)?, to: parse_time(to)? })
}

/// `8:45` or `08:45`, up to `24:00`.
fn parse_time(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) || hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_OF_DAY).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(week: &[(&str, &[&str])], exceptions: &[(&str, &[&str])]) -> CalendarSettings {
        let table = |entries: &[(&str, &[&str])]| {
            entries
                .iter()
                .map(|(day, spans)| {
                    ((*day).to_owned(), spans.iter().map(|s| (*s).to_owned()).collect())
                })
                .collect()
        };
        CalendarSettings {
            week: table(week),
            exceptions: table(exceptions),
            bank_holidays: Some("england-and-wales".to_owned()),
        }
    }

    fn feed() -> BankHolidays {
        BankHolidays::parse(include_str!("../../config/bank-holidays.json")).expect("reads")
    }

    fn calendar(week: &[(&str, &[&str])], exceptions: &[(&str, &[&str])]) -> Calendar {
        Calendar::new(&settings(week, exceptions), &feed()).expect("is right")
    }

    fn office() -> Calendar {
        let hours: &[&str] = &["08:45-17:00"];
        calendar(
            &[("mon", hours), ("tue", hours), ("wed", hours), ("thu", hours), ("fri", hours)],
            &[("2026-12-24", &["08:45-12:00"]), ("2026-12-28", &["10:00-14:00"])],
        )
    }

    fn london(text: &str) -> Zoned {
        let zone = TimeZone::get("Europe/London").expect("bundled");
        if let Ok(at) = text.parse::<Timestamp>() {
            return at.to_zoned(zone);
        }
        let civil: jiff::civil::DateTime = text.parse().expect("a date and time");
        civil.to_zoned(zone).expect("in range")
    }

    fn change(calendar: &Calendar, after: &str) -> Option<String> {
        let change = calendar.next_change(&london(after))?;
        assert_ne!(calendar.is_open(&london(after)), calendar.is_open(&change), "{change}");
        Some(change.timestamp().to_string())
    }

    #[test]
    fn the_office_is_open_from_the_first_instant_and_closed_from_the_last() {
        let office = office();
        for (at, open) in [
            ("2026-11-23T08:44:59.999999", false),
            ("2026-11-23T08:45", true),
            ("2026-11-23T16:59:59.999999", true),
            ("2026-11-23T17:00", false),
            ("2026-11-22T12:00", false),
        ] {
            assert_eq!(office.is_open(&london(at)), open, "{at}");
        }
    }

    #[test]
    fn bank_holidays_close_and_exceptions_come_before_them() {
        let office = office();
        assert!(!office.is_open(&london("2026-12-25T12:00")));
        assert!(office.is_open(&london("2026-12-24T11:59")));
        assert!(!office.is_open(&london("2026-12-24T12:00")));
        assert!(office.is_open(&london("2026-12-28T10:00")), "an exception on a bank holiday");
        assert_eq!(change(&office, "2026-12-24T12:00").as_deref(), Some("2026-12-28T10:00:00Z"));
    }

    #[test]
    fn an_extra_day_in_the_feed_changes_the_opening() {
        let extra = r#"{"england-and-wales": {"events": [{"title": "x", "date": "2026-11-23"}]}}"#;
        let feed = BankHolidays::parse(extra).expect("reads");
        let week = settings(&[("mon", &["08:45-17:00"])], &[]);
        let calendar = Calendar::new(&week, &feed).expect("is right");
        assert!(!calendar.is_open(&london("2026-11-23T12:00")));
        assert!(calendar.is_open(&london("2026-11-30T12:00")));
    }

    #[test]
    fn the_next_change_passes_over_weekends_and_follows_the_clock_changes() {
        let office = office();
        assert_eq!(change(&office, "2026-11-20T17:00").as_deref(), Some("2026-11-23T08:45:00Z"));
        assert_eq!(change(&office, "2026-11-23T08:45").as_deref(), Some("2026-11-23T17:00:00Z"));
        // The clocks go forward on 29 March 2026 and back on 25 October 2026.
        assert_eq!(change(&office, "2026-03-27T18:00").as_deref(), Some("2026-03-30T07:45:00Z"));
        assert_eq!(change(&office, "2026-10-23T18:00").as_deref(), Some("2026-10-26T08:45:00Z"));
    }

    #[test]
    fn a_span_that_the_clocks_go_back_over_is_open_once() {
        let night = calendar(&[("sun", &["00:00-01:30"])], &[]);
        // 01:30 BST is 00:30 UTC; the clocks show 01:15 again at 01:15 UTC.
        assert!(night.is_open(&london("2026-10-25T00:15:00Z")));
        assert_eq!(change(&night, "2026-10-25T00:15:00Z").as_deref(), Some("2026-10-25T00:30:00Z"));
        assert!(!night.is_open(&london("2026-10-25T01:15:00Z")));
        let long = calendar(&[("sun", &["00:30-03:00"])], &[]);
        assert_eq!(change(&long, "2026-10-25T00:40:00Z").as_deref(), Some("2026-10-25T03:00:00Z"));
    }

    #[test]
    fn a_span_that_the_clocks_skip_is_not_open_and_one_around_it_is_shorter() {
        let skipped = calendar(&[("sun", &["01:10-01:50"])], &[]);
        assert_eq!(change(&skipped, "2026-03-28T12:00").as_deref(), Some("2026-04-05T00:10:00Z"));
        let around = calendar(&[("sun", &["00:30-01:30", "02:30-03:00"])], &[]);
        assert_eq!(
            change(&around, "2026-03-29T00:45:00Z").as_deref(),
            Some("2026-03-29T01:00:00Z")
        );
        assert_eq!(
            change(&around, "2026-03-29T01:00:00Z").as_deref(),
            Some("2026-03-29T01:30:00Z")
        );
    }

    #[test]
    fn midnight_between_two_open_days_is_no_change() {
        let days: Vec<(&str, &[&str])> = DAYS.iter().map(|d| (*d, &["00:00-24:00"][..])).collect();
        let mut always = settings(&days, &[]);
        always.bank_holidays = None;
        let always = Calendar::new(&always, &feed()).expect("is right");
        assert!(always.is_open(&london("2026-11-22T23:59:59.999999")));
        assert_eq!(always.next_change(&london("2026-11-22T12:00")), None);
        let nights = calendar(&[("fri", &["18:00-24:00"]), ("sat", &["00:00-06:00"])], &[]);
        assert_eq!(change(&nights, "2026-11-20T20:00").as_deref(), Some("2026-11-21T06:00:00Z"));
    }

    #[test]
    fn a_calendar_that_never_opens_never_changes() {
        let never = Calendar::new(&CalendarSettings::default(), &BankHolidays::default());
        assert_eq!(never.expect("is right").next_change(&london("2026-11-22T12:00")), None);
        let once = calendar(&[], &[("2027-05-06", &["07:00-22:00"])]);
        assert_eq!(change(&once, "2026-11-22T12:00").as_deref(), Some("2027-05-06T06:00:00Z"));
        assert_eq!(once.next_change(&london("2027-05-06T22:00")), None);
    }

    #[test]
    fn every_mistake_is_named() {
        let error = |week: &[(&str, &[&str])], exceptions: &[(&str, &[&str])]| {
            Calendar::new(&settings(week, exceptions), &feed()).expect_err("is wrong").to_string()
        };
        assert_eq!(error(&[("monday", &[])], &[]), "`monday` is not a day of the week");
        assert_eq!(error(&[], &[("24/12", &[])]), "`24/12` is not a date");
        for span in ["8-17", "08:45", "08:60-17:00", "08:45-24:01", "+8:45-17:00", "a-b", ""] {
            assert_eq!(error(&[("mon", &[span])], &[]), format!("`{span}` is not a span of hours"));
        }
        assert_eq!(error(&[("mon", &["22:00-06:00"])], &[]), "`22:00-06:00` ends before it begins");
        assert_eq!(error(&[("mon", &["09:00-09:00"])], &[]), "`09:00-09:00` ends before it begins");
        let overlap = error(&[("mon", &["13:00-17:00", "08:45-13:30"])], &[]);
        assert_eq!(overlap, "`13:00-17:00` overlaps `08:45-13:30`");
        let mut moon = settings(&[], &[]);
        moon.bank_holidays = Some("the-moon".to_owned());
        assert!(matches!(
            Calendar::new(&moon, &feed()),
            Err(CalendarError::UnknownDivision { division }) if division == "the-moon"
        ));
    }
}
