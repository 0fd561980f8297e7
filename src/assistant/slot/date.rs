//! Dates as people in the United Kingdom say them, relative to a day: `2026-03-03`.
//!
//! "Next Tuesday" is the Tuesday of next week (weeks begin on Monday), "Tuesday" the next one that
//! comes, "Tuesday week" one week after that. Where the words look back ("wasn't collected on
//! Tuesday"), a weekday is the last one that was.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan as _};

use super::Found;
use super::number::{cardinal, ordinal};
use super::token::{Token, covered, listed, phrase, skip_fillers, word};
use super::year;

/// The first date in the tokens.
pub fn find(tokens: &[Token], today: Date) -> Option<Found> {
    let reader = Reader { tokens, today, back: looks_back(tokens) };
    (0..tokens.len()).find_map(|at| {
        let (date, end) = reader.date(at)?;
        Some(Found { value: date.to_string(), span: covered(tokens, at, end) })
    })
}

/// Whether what is told has happened: then "on Tuesday" was last Tuesday.
fn looks_back(tokens: &[Token]) -> bool {
    const PAST: &str = "was, wasn't, wasnt, were, weren't, werent, didn't, didnt, did, missed, since, \
        reported, rang, came, died, hasn't, hasnt, haven't, havent, happened, supposed, ago, paid, \
        received, sent, moved, born, fell, applied, ordered, bought, found, saw, told, completed, passed, started, began, ended, happened";
    tokens.iter().any(|token| listed(PAST).any(|word| word == token.word))
}

struct Reader<'t> {
    tokens: &'t [Token],
    today: Date,
    back: bool,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> Option<&str> {
        word(self.tokens, at)
    }

    fn phrase(&self, at: usize, words: &str) -> Option<usize> {
        phrase(self.tokens, at, words)
    }

    /// The date that stands at `at`, and the place behind it.
    fn date(&self, at: usize) -> Option<(Date, usize)> {
        self.in_figures(at)
            .or_else(|| self.in_numbers(at))
            .or_else(|| self.counted(at))
            .or_else(|| self.day_of_month(at))
            .or_else(|| self.relative_day(at))
            .or_else(|| self.holiday(at))
            .or_else(|| self.end_of_month(at))
    }

    fn plus(&self, from: Date, span: Span) -> Option<Date> {
        from.checked_add(span).ok()
    }

    /// "3/12", "03-12-2026", "2026-12-03", "3.12.26".
    fn in_figures(&self, at: usize) -> Option<(Date, usize)> {
        let first = self.tokens.get(at)?;
        let second = self.tokens.get(at + 1)?;
        let sign = second.joined_by.filter(|sign| matches!(sign, '/' | '-' | '.'))?;
        let third = self.tokens.get(at + 2).filter(|third| third.joined_by == Some(sign));
        let (one, two) = (first.number()?, second.number()?);
        match third.and_then(|third| Some((third.number()?, third.word.len()))) {
            Some((day, _)) if first.word.len() == 4 => Some((civil(one, two, day)?, at + 3)),
            Some((written, 4)) => Some((civil(written, two, one)?, at + 3)),
            Some((written, 2)) => Some((civil(year::of_two(written), two, one)?, at + 3)),
            Some(_) => None,
            None if sign == '/' => Some((self.nearest(two, one)?, at + 2)),
            None => None,
        }
    }

    /// "15 06 1962", "fifteen oh six nineteen sixty two".
    fn in_numbers(&self, at: usize) -> Option<(Date, usize)> {
        let number = |at: usize| {
            let zero = matches!(self.word(at), Some("oh" | "o" | "zero" | "nought"));
            let from = if zero { at + 1 } else { at };
            let (number, next) = cardinal(self.tokens, from)?;
            (!zero || number < 10).then_some((number, next))
        };
        let (day, next) = number(at)?;
        let (month, next) = number(next)?;
        let (year, end) = year::read(self.tokens, next)?;
        // Two more digits may be anything.
        let spelled_out = end > next + 1 || self.word(next).is_some_and(|year| year.len() == 4);
        spelled_out.then(|| civil(year, month, day)).flatten().map(|date| (date, end))
    }

    fn end_of_month(&self, at: usize) -> Option<(Date, usize)> {
        let end = self.phrase(at, "end of").or(self.phrase(at, "last day of"))?;
        for (words, ahead) in [("the month", 0), ("this month", 0), ("next month", 1)] {
            if let Some(next) = self.phrase(end, words) {
                return Some((self.plus(self.today, ahead.months())?.last_of_month(), next));
            }
        }
        let (month, next) = self.month(end)?;
        Some((self.nearest(month, 1)?.last_of_month(), next))
    }

    /// "in three days", "a week on Friday", "two weeks ago", "a fortnight today".
    fn counted(&self, at: usize) -> Option<(Date, usize)> {
        let within = self.word(at) == Some("in");
        let from = if within { at + 1 } else { at };
        let (count, next) = match self.word(from)? {
            "a" | "an" => (1, from + 1),
            "week" | "fortnight" if self.phrase(from + 1, "on").is_some() => (1, from),
            "couple" if self.word(from + 1) == Some("of") => (2, from + 2),
            _ => cardinal(self.tokens, from)?,
        };
        let (count, next) = match self.word(next) {
            Some("couple") if self.word(next + 1) == Some("of") => (2, next + 2),
            Some(_) | None => (i32::try_from(count).ok().filter(|count| *count < 1_000)?, next),
        };
        let (span, days) = match self.word(next)? {
            "day" | "days" => (count.days(), true),
            "week" | "weeks" | "week's" | "weeks'" => (count.weeks(), false),
            "fortnight" | "fortnights" => (count.weeks().checked_mul(2).ok()?, false),
            "month" | "months" => (count.months(), true),
            "year" | "years" => (count.years(), true),
            _ => return None,
        };
        let next = match self.phrase(next + 1, "time") {
            Some(after) => {
                let from_now = self.plus(self.today, span)?;
                return Some((from_now, after));
            }
            None => next + 1,
        };
        if self.word(next) == Some("ago") {
            // "a week ago on Friday" is said too.
            if !days
                && let Some(day) = self.phrase(next + 1, "on")
                && let Some((weekday, after)) = self.weekday(day)
            {
                return Some((self.plus(self.coming(weekday), -span)?, after));
            }
            return Some((self.plus(self.today, -span)?, next + 1));
        }
        // "a month today", "three weeks on Monday"; "three days on Monday" is something else.
        let from_today = matches!(self.word(next), Some("today" | "tomorrow"));
        if !within && (!days || from_today) {
            let day = self.phrase(next, "on").or_else(|| self.phrase(next, "from")).unwrap_or(next);
            let (base, after) = self.base_day(day)?;
            return Some((self.plus(base, span)?, after));
        }
        if let Some(day) = self.phrase(next, "from") {
            let (base, after) = self.base_day(day)?;
            return Some((self.plus(base, span)?, after));
        }
        within.then(|| self.plus(self.today, span).map(|date| (date, next))).flatten()
    }

    /// The day that weeks are counted from.
    fn base_day(&self, at: usize) -> Option<(Date, usize)> {
        match self.word(at)? {
            "today" | "now" => return Some((self.today, at + 1)),
            "tomorrow" => return Some((self.plus(self.today, 1.day())?, at + 1)),
            "yesterday" => return Some((self.plus(self.today, -1.day())?, at + 1)),
            "last" => {
                let (weekday, next) = self.weekday(at + 1)?;
                // "a week last Tuesday" lies back, not ahead.
                let last = self.past(weekday);
                return Some((self.plus(last, -2.weeks())?, next));
            }
            "next" | "this" => {
                let (weekday, next) = self.weekday(at + 1)?;
                return Some((self.coming(weekday), next));
            }
            _ => {}
        }
        let (weekday, next) = self.weekday(at)?;
        Some((self.coming(weekday), next))
    }

    /// "the third of March", "March the 3rd", "3 March 2027", "the first of next month", "the 3rd".
    fn day_of_month(&self, at: usize) -> Option<(Date, usize)> {
        // "Tuesday the third": the weekday goes with the date.
        if let Some((weekday, next)) = self.weekday(at) {
            let next = skip_fillers(self.tokens, next);
            let the = self.phrase(next, "the").unwrap_or(next);
            return self.day_first(the, Some(weekday)).or_else(|| self.month_first(next));
        }
        let from = self.phrase(at, "the").unwrap_or(at);
        self.day_first(from, None)
            .or_else(|| self.month_first(at))
            .filter(|(_, end)| *end > from + 1 || from > at || !self.is_bare_word(at))
    }

    /// "second" and "third" alone are no dates; "the third" and "3rd" are.
    fn is_bare_word(&self, at: usize) -> bool {
        self.word(at).is_none_or(|word| !word.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn day_first(&self, at: usize, weekday: Option<Weekday>) -> Option<(Date, usize)> {
        let ordinal = ordinal(self.tokens, at);
        let (day, next) = ordinal.or_else(|| cardinal(self.tokens, at))?;
        if !(1..=31).contains(&day) {
            return None;
        }
        let of = self.phrase(next, "of").or_else(|| self.phrase(next, "in"));
        let joined = of.unwrap_or(next);
        if let Some((month, after)) = self.month(joined) {
            return match year::read(self.tokens, after) {
                Some((year, end)) => Some((civil(year, month, day)?, end)),
                None => Some((self.nearest(month, day)?, after)),
            };
        }
        if of.is_some() {
            let (ahead, end) = match (self.word(joined)?, self.word(joined + 1)) {
                ("next", Some("month")) => (1, joined + 2),
                ("this", Some("month")) | ("the", Some("month")) => (0, joined + 2),
                ("last", Some("month")) => (-1, joined + 2),
                ("the", Some(_)) => return self.numbered_month(day, joined + 1),
                _ => return None,
            };
            let first = self.today.first_of_month().checked_add(ahead.months()).ok()?;
            return Some((civil(u32::try_from(first.year()).ok()?, month_of(first), day)?, end));
        }
        ordinal?;
        // The next such day, on that weekday if one was said.
        (0..13)
            .filter_map(|ahead| {
                let step = if self.back { -ahead } else { ahead };
                let month = self.today.first_of_month().checked_add(step.months()).ok()?;
                civil(u32::try_from(month.year()).ok()?, month_of(month), day)
            })
            .find(|date| {
                let lies = if self.back { *date <= self.today } else { *date >= self.today };
                lies && weekday.is_none_or(|weekday| date.weekday() == weekday)
            })
            .map(|date| (date, next))
    }

    /// "the third of the fourth nineteen seventy one".
    fn numbered_month(&self, day: u32, at: usize) -> Option<(Date, usize)> {
        let (month, next) = ordinal(self.tokens, at)?;
        match year::read(self.tokens, next) {
            Some((year, end)) => Some((civil(year, month, day)?, end)),
            None => Some((self.nearest(month, day)?, next)),
        }
    }

    fn month_first(&self, at: usize) -> Option<(Date, usize)> {
        let (month, next) = self.month(at)?;
        let the = self.phrase(next, "the").unwrap_or(next);
        let (day, next) = ordinal(self.tokens, the)
            .or_else(|| cardinal(self.tokens, the))
            .filter(|(day, _)| *day <= 31)?;
        match year::read(self.tokens, next) {
            Some((year, end)) => Some((civil(year, month, day)?, end)),
            None => Some((self.nearest(month, day)?, next)),
        }
    }

    fn month(&self, at: usize) -> Option<(u32, usize)> {
        const MONTHS: [(&str, &str); 12] = [
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may", "may"),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ];
        let written = self.word(at)?;
        let found =
            MONTHS.iter().position(|(long, short)| written == *long || written == *short)?;
        Some((found as u32 + 1, at + 1))
    }

    fn weekday(&self, at: usize) -> Option<(Weekday, usize)> {
        let written = self.word(at)?;
        let day = written.strip_suffix("'s").unwrap_or(written);
        let weekday = match day {
            "monday" | "mondays" | "mon" => Weekday::Monday,
            "tuesday" | "tuesdays" | "tues" | "tue" => Weekday::Tuesday,
            "wednesday" | "wednesdays" | "wed" | "weds" => Weekday::Wednesday,
            "thursday" | "thursdays" | "thurs" | "thur" | "thu" => Weekday::Thursday,
            "friday" | "fridays" | "fri" => Weekday::Friday,
            "saturday" | "saturdays" | "sat" => Weekday::Saturday,
            "sunday" | "sundays" => Weekday::Sunday,
            _ => return None,
        };
        // "wed" and "sat" are words of their own.
        let own = matches!(day, "wed" | "sat" | "sun" | "mon" | "fri");
        (!own || at == 0 || matches!(self.word(at - 1), Some("on" | "next" | "this" | "last")))
            .then_some((weekday, at + 1))
    }

    /// "tomorrow", "next Tuesday", "Friday week", "the day after tomorrow".
    fn relative_day(&self, at: usize) -> Option<(Date, usize)> {
        let shifted = |days: i32, next: usize| Some((self.plus(self.today, days.days())?, next));
        for (words, days) in [
            ("the day after tomorrow", 2),
            ("day after tomorrow", 2),
            ("the day before yesterday", -2),
            ("day before yesterday", -2),
            ("last night", -1),
            ("this morning", 0),
            ("this afternoon", 0),
            ("this evening", 0),
        ] {
            if let Some(next) = self.phrase(at, words) {
                return shifted(days, next);
            }
        }
        let (mut date, mut next) = match self.word(at)? {
            "today" | "tonight" | "today's" => (self.today, at + 1),
            "tomorrow" | "tomorrow's" | "tomoz" => (self.plus(self.today, 1.day())?, at + 1),
            "yesterday" | "yesterday's" => (self.plus(self.today, -1.day())?, at + 1),
            "next" => {
                let week = self.phrase(at + 1, "week");
                let week = week.map(|day| self.phrase(day, "on").unwrap_or(day));
                let (weekday, next) = self.weekday(week.unwrap_or(at + 1))?;
                (self.of_next_week(weekday)?, next)
            }
            "last" => {
                let (weekday, next) = self.weekday(at + 1)?;
                (self.past(weekday), next)
            }
            "this" | "coming" => {
                let coming = self.phrase(at, "this coming").unwrap_or(at + 1);
                let (weekday, next) = self.weekday(coming)?;
                let date =
                    if self.today.weekday() == weekday { self.today } else { self.coming(weekday) };
                (if self.back { self.past_or_today(weekday) } else { date }, next)
            }
            _ => {
                let (weekday, next) = self.weekday(at)?;
                if let Some(after) = self.phrase(next, "before last") {
                    return Some((self.plus(self.past(weekday), -1.week())?, after));
                }
                let other = self.phrase(next, "after next").or(self.phrase(next, "the week after"));
                if let Some(after) = other {
                    return Some((self.plus(self.of_next_week(weekday)?, 1.week())?, after));
                }
                if let Some(after) = self.phrase(next, "just gone").or(self.phrase(next, "gone")) {
                    return Some((self.past(weekday), after));
                }
                let ahead =
                    matches!(self.word(next), Some("week" | "fortnight" | "next" | "coming"));
                let back = self.back && !ahead;
                (if back { self.past_or_today(weekday) } else { self.coming(weekday) }, next)
            }
        };
        // "Friday week", "tomorrow fortnight", "Tuesday of next week", "Tuesday next".
        match self.word(next) {
            Some("week") => (date, next) = (self.plus(date, 1.week())?, next + 1),
            Some("fortnight") => (date, next) = (self.plus(date, 2.weeks())?, next + 1),
            Some("next" | "of") => {
                let of = self.phrase(next, "of").unwrap_or(next);
                if let Some(after) = self.phrase(of, "next week") {
                    (date, next) = (self.of_next_week(date.weekday())?, after);
                }
            }
            Some(_) | None => {}
        }
        Some((date, next))
    }

    fn holiday(&self, at: usize) -> Option<(Date, usize)> {
        for (words, month, day) in [
            ("christmas day", 12, 25),
            ("christmas eve", 12, 24),
            ("boxing day", 12, 26),
            ("new year's day", 1, 1),
            ("new years day", 1, 1),
            ("new year's eve", 12, 31),
            ("new years eve", 12, 31),
        ] {
            if let Some(next) = self.phrase(at, words) {
                return Some((self.nearest(month, day)?, next));
            }
        }
        for (words, days) in [("good friday", -2), ("easter sunday", 0), ("easter monday", 1)] {
            if let Some(next) = self.phrase(at, words) {
                let of = |year: i16| self.plus(year::easter(year)?, days.days());
                let this = of(self.today.year())?;
                let date = if this < self.today { of(self.today.year() + 1)? } else { this };
                return Some((date, next));
            }
        }
        None
    }

    /// The next such day of the year, today included; the last one where the words look back.
    fn nearest(&self, month: u32, day: u32) -> Option<Date> {
        let year = u32::try_from(self.today.year()).ok()?;
        let lies = |date: &Date| {
            if self.back { *date <= self.today } else { *date >= self.today }
        };
        // The 29th of February may be some years away.
        (0..9)
            .filter_map(|away| {
                civil(if self.back { year.checked_sub(away)? } else { year + away }, month, day)
            })
            .find(lies)
    }

    /// The next such weekday after today.
    fn coming(&self, weekday: Weekday) -> Date {
        self.today.nth_weekday(1, weekday).unwrap_or(self.today)
    }

    /// The last such weekday before today.
    fn past(&self, weekday: Weekday) -> Date {
        self.today.nth_weekday(-1, weekday).unwrap_or(self.today)
    }

    fn past_or_today(&self, weekday: Weekday) -> Date {
        if self.today.weekday() == weekday { self.today } else { self.past(weekday) }
    }

    fn of_next_week(&self, weekday: Weekday) -> Option<Date> {
        let monday = self.today.nth_weekday(1, Weekday::Monday).ok()?;
        self.plus(monday, i32::from(weekday.to_monday_zero_offset()).days())
    }
}

fn month_of(date: Date) -> u32 {
    u32::from(date.month().unsigned_abs())
}

fn civil(year: u32, month: u32, day: u32) -> Option<Date> {
    let narrow = |n: u32| i8::try_from(n).ok();
    Date::new(i16::try_from(year).ok()?, narrow(month)?, narrow(day)?).ok()
}

#[cfg(test)]
mod tests;
