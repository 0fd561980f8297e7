//! Bank holidays in the format of the public GOV.UK feed
//! (<https://www.gov.uk/bank-holidays.json>): one object for each division, each with dated events.
//!
//! One-off days (a coronation, a state funeral) come with the feed, so nothing here computes a date.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

/// Bank holidays by division (`england-and-wales`, `scotland`, `northern-ireland`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BankHolidays {
    divisions: BTreeMap<String, BTreeMap<Date, String>>,
}

/// Why a feed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BankHolidaysError {
    /// It is not JSON, or not of the feed's shape.
    #[error("this is not the GOV.UK bank holiday feed: {0}")]
    Json(#[from] serde_json::Error),
    /// A date is none.
    #[error("`{date}` in division `{division}` is not a date")]
    Date {
        /// In which division.
        division: String,
        /// As written.
        date: String,
    },
    /// No division has any event: a feed that says nothing must not open the office on Christmas
    /// Day.
    #[error("the feed names no bank holiday at all")]
    Empty,
}

#[derive(Deserialize)]
struct Division {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    title: String,
    date: String,
}

impl BankHolidays {
    /// Reads the feed. Fields and members that it may grow later are passed over.
    pub fn parse(json: &str) -> Result<Self, BankHolidaysError> {
        let feed: BTreeMap<String, serde_json::Value> = serde_json::from_str(json)?;
        let mut divisions = BTreeMap::new();
        for (name, value) in feed {
            if value.get("events").is_none() {
                continue;
            }
            let division: Division = serde_json::from_value(value)?;
            let mut days = BTreeMap::new();
            for event in division.events {
                let Ok(date) = event.date.parse::<Date>() else {
                    return Err(BankHolidaysError::Date { division: name, date: event.date });
                };
                days.insert(date, event.title);
            }
            divisions.insert(name, days);
        }
        if divisions.values().all(BTreeMap::is_empty) {
            return Err(BankHolidaysError::Empty);
        }
        Ok(BankHolidays { divisions })
    }

    /// The names of the divisions.
    pub fn divisions(&self) -> impl Iterator<Item = &str> {
        self.divisions.keys().map(String::as_str)
    }

    /// The days of a division and what they are called.
    pub fn days(&self, division: &str) -> Option<&BTreeMap<Date, String>> {
        self.divisions.get(division)
    }

    /// The last day that is known for a division: beyond it the feed says nothing, so a copy whose
    /// last day is near should be renewed.
    pub fn last(&self, division: &str) -> Option<Date> {
        self.days(division)?.last_key_value().map(|(date, _)| *date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../config/bank-holidays.json");

    #[test]
    fn the_shipped_feed_knows_all_three_divisions_for_2025_to_2027() {
        let feed = BankHolidays::parse(SHIPPED).expect("reads");
        let names: Vec<_> = feed.divisions().collect();
        assert_eq!(names, ["england-and-wales", "northern-ireland", "scotland"]);
        let england = feed.days("england-and-wales").expect("there");
        for (year, count) in [(2025, 8), (2026, 8), (2027, 8)] {
            assert_eq!(england.keys().filter(|d| d.year() == year).count(), count, "{year}");
        }
        let substitute = "2026-12-28".parse().expect("a date");
        assert_eq!(england.get(&substitute).map(String::as_str), Some("Boxing Day"));
        let new_year = "2026-01-01".parse().expect("a date");
        assert_eq!(england.get(&new_year).map(String::as_str), Some("New Year’s Day"));
        assert!(feed.last("england-and-wales") >= "2027-12-27".parse().ok());
    }

    #[test]
    fn what_the_feed_may_grow_later_is_passed_over() {
        let feed = BankHolidays::parse(
            r#"{"version": 2, "scotland": {"division": "scotland", "licence": "OGL", "events": [
                {"title": "Extra day", "date": "2026-06-15", "notes": "", "bunting": true, "x": []}
            ]}}"#,
        )
        .expect("reads");
        assert_eq!(feed.last("scotland"), "2026-06-15".parse().ok());
        assert_eq!(feed.last("wales"), None);
    }

    #[test]
    fn a_page_of_html_or_an_empty_or_cut_feed_is_refused() {
        assert!(matches!(BankHolidays::parse("<html>"), Err(BankHolidaysError::Json(_))));
        assert!(matches!(BankHolidays::parse("{}"), Err(BankHolidaysError::Empty)));
        let hollow = r#"{"scotland": {"events": []}}"#;
        assert!(matches!(BankHolidays::parse(hollow), Err(BankHolidaysError::Empty)));
        assert!(BankHolidays::parse(&SHIPPED[..900]).is_err());
        let wrong = r#"{"scotland": {"events": [{"title": "x", "date": "2026-13-01"}]}}"#;
        assert!(matches!(BankHolidays::parse(wrong), Err(BankHolidaysError::Date { .. })));
    }
}
