//! Dates as people say them, against the days that they mean.

use jiff::civil::date;
use proptest::prelude::*;

use super::super::token::tokens;
use super::*;

/// A Thursday.
const TODAY: Date = date(2026, 11, 26);

fn read(text: &str) -> Option<String> {
    find(&tokens(text), TODAY).map(|found| found.value)
}

#[test]
fn days_are_read_relative_to_today() {
    for (said, expected) in [
        ("today", "2026-11-26"),
        ("tomorrow", "2026-11-27"),
        ("yesterday", "2026-11-25"),
        ("the day after tomorrow", "2026-11-28"),
        ("last night", "2026-11-25"),
        ("next Tuesday", "2026-12-01"),
        ("next friday", "2026-12-04"),
        ("on friday", "2026-11-27"),
        ("this friday", "2026-11-27"),
        ("thursday", "2026-12-03"),
        ("this thursday", "2026-11-26"),
        ("last tuesday", "2026-11-24"),
        ("the tuesday before last", "2026-11-17"),
        ("friday week", "2026-12-04"),
        ("a week on friday", "2026-12-04"),
        ("week on friday", "2026-12-04"),
        ("a week tomorrow", "2026-12-04"),
        ("tomorrow week", "2026-12-04"),
        ("a week today", "2026-12-03"),
        ("a fortnight on monday", "2026-12-14"),
        ("two weeks on saturday", "2026-12-12"),
        ("two weeks today", "2026-12-10"),
        ("in three days", "2026-11-29"),
        ("in a fortnight", "2026-12-10"),
        ("in two weeks' time", "2026-12-10"),
        ("three days ago", "2026-11-23"),
        ("a week ago", "2026-11-19"),
        ("a couple of weeks ago", "2026-11-12"),
        ("a week last tuesday", "2026-11-17"),
        ("tuesday of next week", "2026-12-01"),
        ("monday just gone", "2026-11-23"),
        ("a week from monday", "2026-12-07"),
        ("next week wednesday", "2026-12-02"),
        ("wednesday next week", "2026-12-02"),
        ("a month today", "2026-12-26"),
        ("ten days' time", "2026-12-06"),
        ("saturday after next", "2026-12-12"),
    ] {
        assert_eq!(read(said).as_deref(), Some(expected), "{said}");
    }
}

#[test]
fn days_of_a_month_are_the_next_ones() {
    for (said, expected) in [
        ("the third of March", "2027-03-03"),
        ("third of march", "2027-03-03"),
        ("March the third", "2027-03-03"),
        ("march 3rd", "2027-03-03"),
        ("3 March 2028", "2028-03-03"),
        ("3rd of march twenty twenty eight", "2028-03-03"),
        ("the twenty first of december", "2026-12-21"),
        ("the 3rd", "2026-12-03"),
        ("tuesday the first", "2026-12-01"),
        ("friday the fourth of december", "2026-12-04"),
        ("the first of next month", "2026-12-01"),
        ("the thirtieth of this month", "2026-11-30"),
        ("03/12", "2026-12-03"),
        ("3/12/26", "2026-12-03"),
        ("03-12-2026", "2026-12-03"),
        ("2026-12-03", "2026-12-03"),
        ("the fourth of the second nineteen seventy one", "1971-02-04"),
        ("fourth of february nineteen seventy one", "1971-02-04"),
        ("the second of june two thousand and five", "2005-06-02"),
        ("15 06 1962", "1962-06-15"),
        ("fifteen oh six nineteen sixty two", "1962-06-15"),
        ("the end of the month", "2026-11-30"),
        ("end of february", "2027-02-28"),
        ("christmas day", "2026-12-25"),
        ("new year's day", "2027-01-01"),
        ("good friday", "2027-03-26"),
        ("easter monday", "2027-03-29"),
        ("the twenty ninth of february", "2028-02-29"),
    ] {
        assert_eq!(read(said).as_deref(), Some(expected), "{said}");
    }
}

#[test]
fn words_that_look_back_make_a_weekday_the_last_one() {
    assert_eq!(read("my bin wasn't collected on tuesday").as_deref(), Some("2026-11-24"));
    assert_eq!(read("it was supposed to come on friday").as_deref(), Some("2026-11-20"));
    assert_eq!(read("he died on the third of march").as_deref(), Some("2026-03-03"));
    assert_eq!(read("can you come on tuesday").as_deref(), Some("2026-12-01"));
}

#[test]
fn what_is_no_date_is_none() {
    for said in
        ["my bin", "second bin", "the bin", "31/02", "a week", "we wed in a church", "", "12"]
    {
        assert_eq!(read(said), None, "{said}");
    }
}

proptest! {
    #[test]
    fn every_date_is_read_back(days in -20_000_i32..20_000) {
        let day = TODAY.checked_add(days.days()).expect("is a date");
        let (year, month, of_month) = (day.year(), day.month(), day.day());
        let expected = Some(day.to_string());
        prop_assert_eq!(&read(&format!("{of_month}/{month}/{year}")), &expected);
        let name = ["January", "February", "March", "April", "May", "June", "July", "August",
            "September", "October", "November", "December"][usize::from(month.unsigned_abs()) - 1];
        prop_assert_eq!(&read(&format!("the {of_month}th of {name} {year}")), &expected);
        prop_assert_eq!(&read(&format!("{name} {of_month} {year}")), &expected);
    }

    #[test]
    fn nothing_that_is_said_breaks_it(text in "(\\PC|[a-z0-9/ ]){0,60}", days in -700_000_i32..2_900_000) {
        let far = date(2000, 1, 1).checked_add(days.days()).unwrap_or(TODAY);
        if let Some(found) = find(&tokens(&text), far) {
            prop_assert!(text.get(found.span).is_some());
        }
    }

    #[test]
    fn amounts_of_time_never_overflow(count in 0_u32..=999, unit in 0_usize..5) {
        let unit = ["days", "weeks", "fortnights", "months", "years"][unit];
        let _ = find(&tokens(&format!("in {count} {unit}")), TODAY);
        let _ = find(&tokens(&format!("{count} {unit} ago")), Date::MIN);
    }
}
