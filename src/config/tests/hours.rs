//! Hours that read well and leave callers before a closed door.

use super::*;

#[test]
fn holes_in_a_week_are_found_where_they_are() {
    let found = check_findings(
        "[calendar.a.week]\nmon = [\"08:45-17:00\"]\ntue = [\"08:45-17:00\"]\nthu = [\"08:45-17:00\"]\n\
         [calendar.b.week]\nmon = [\"12:01-17:00\", \"08:45-12:00\"]\ntue = [\"09:00-12:00\", \"13:00-17:00\"]\n\
         [calendar.c.week]\nsat = [\"00:00-23:59\"]\nsun = [\"00:00-24:00\"]\nmon = [\"00:05-06:00\"]\n\
         [calendar.d.exceptions]\n2026-12-24 = [\"08:45-12:00\", \"12:10-13:00\"]\n\
         [calendar.e.week]\nmon = [\"08:45-17:00\"]\ntue = []\nwed = [\"08:45-12:00\", \"12:00-17:00\"]\n",
    );
    assert_eq!(
        found,
        [
            "5:13 `wed` is not named and so closed, between days that are open",
            "10:23 this leaves the lines closed from 12:00 to 12:01",
            "12:13 `tue` is not named and so closed, between days that are open",
            "12:13 `wed` is not named and so closed, between days that are open",
            "12:13 `thu` is not named and so closed, between days that are open",
            "12:13 `fri` is not named and so closed, between days that are open",
            "13:8 this leaves the lines closed from 23:59 to 00:00",
            "14:8 this leaves the lines closed from 24:00 to 00:05",
            "17:15 this leaves the lines closed from 12:00 to 12:10",
        ]
    );
}
