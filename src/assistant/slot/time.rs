//! Times of the day, as `14:30`. Where neither morning nor afternoon is said, the hour is the one at
//! which a council is awake: seven to twelve in the morning, one to six in the afternoon.

use super::Found;
use super::number::{below_hundred, digit, teen, tens};
use super::token::{Token, covered, word};

/// Minutes of a day.
type Minutes = u32;

/// The first time of the day; two bare numbers ("two thirty") count if nothing else is `expected` or
/// a word such as "at" stands before them.
pub fn find(tokens: &[Token], expected: bool) -> Option<Found> {
    (0..tokens.len()).find_map(|at| {
        let before = at.checked_sub(1).and_then(|before| word(tokens, before));
        let announced = expected
            || matches!(
                before,
                Some(
                    "at" | "by"
                        | "around"
                        | "about"
                        | "before"
                        | "after"
                        | "until"
                        | "till"
                        | "from"
                )
            );
        let (minutes, end) = time(tokens, at, announced, expected)?;
        let value = format!("{:02}:{:02}", minutes / 60, minutes % 60);
        Some(Found { value, span: covered(tokens, at, end) })
    })
}

fn time(tokens: &[Token], at: usize, announced: bool, expected: bool) -> Option<(Minutes, usize)> {
    match word(tokens, at)? {
        "noon" | "midday" => return Some((12 * 60, at + 1)),
        "midnight" => return Some((0, at + 1)),
        _ => {}
    }
    if let Some((before_or_past, hour, next)) = relative(tokens, at) {
        let (half, next) = half_of_day(tokens, next).map_or((None, next), |(h, n)| (Some(h), n));
        let base = at_hour(hour, half)? * 60;
        let minutes = (i64::from(base) + i64::from(before_or_past)).rem_euclid(24 * 60);
        return u32::try_from(minutes).ok().map(|minutes| (minutes, next));
    }
    let (hour, minute, next, certain) = clock(tokens, at)?;
    let next = match word(tokens, next) {
        Some("o'clock" | "oclock") => return finish(tokens, hour, minute, next + 1, true),
        Some("o") if word(tokens, next + 1) == Some("clock") => next + 2,
        _ => {
            return finish(
                tokens,
                hour,
                minute,
                next,
                certain || sure(announced, expected, minute),
            );
        }
    };
    finish(tokens, hour, minute, next, true)
}

/// A bare hour ("at nine") is a time where one is announced; a bare number where one is asked for.
fn sure(announced: bool, expected: bool, minute: Option<u32>) -> bool {
    match minute {
        Some(_) => announced,
        None => expected || announced,
    }
}

fn finish(
    tokens: &[Token],
    hour: u32,
    minute: Option<u32>,
    next: usize,
    sure: bool,
) -> Option<(Minutes, usize)> {
    let minute = minute.unwrap_or(0);
    match half_of_day(tokens, next) {
        Some((half, next)) => Some((at_hour(hour, Some(half))? * 60 + minute, next)),
        None if sure => Some((at_hour(hour, None)? * 60 + minute, next)),
        None => None,
    }
}

/// "half past two", "quarter to nine", "ten past four", "half two": minutes, hour, place behind.
fn relative(tokens: &[Token], at: usize) -> Option<(i32, u32, usize)> {
    let mut at = at;
    if word(tokens, at) == Some("a") && word(tokens, at + 1) == Some("quarter") {
        at += 1;
    }
    let (minutes, next) = match word(tokens, at)? {
        "half" => (30, at + 1),
        "quarter" => (15, at + 1),
        _ => small(tokens, at).filter(|(minutes, _)| *minutes < 30)?,
    };
    let next = if word(tokens, next) == Some("minutes") { next + 1 } else { next };
    let minutes = i32::try_from(minutes).ok()?;
    let (sign, next) = match word(tokens, next) {
        Some("past" | "after") => (1, next + 1),
        Some("to" | "before" | "till") => (-1, next + 1),
        // "half two" is half past two.
        Some(_) if minutes == 30 && word(tokens, at) == Some("half") => (1, next),
        Some(_) | None => return None,
    };
    let named = match word(tokens, next)? {
        "noon" | "midday" => Some((12, next + 1)),
        "midnight" => Some((0, next + 1)),
        _ => None,
    };
    let (hour, next) = named.or_else(|| small(tokens, next))?;
    (hour <= 23).then_some((sign * minutes, hour, next))
}

/// An hour and perhaps minutes, the place behind, and whether it can be nothing but a time.
fn clock(tokens: &[Token], at: usize) -> Option<(u32, Option<u32>, usize, bool)> {
    let token = tokens.get(at)?;
    if let Some((hour, minute)) = glued(&token.word) {
        return Some((hour, minute, at + 1, true));
    }
    // "14:30", "2.30".
    if let (Some(hour), Some(next)) = (token.number(), tokens.get(at + 1)) {
        let minute = next.word.get(..2).and_then(|two| two.parse::<u32>().ok());
        let rest = next.word.get(2..).unwrap_or_default();
        let joined = matches!(next.joined_by, Some(':' | '.'));
        if let Some(minute) = minute.filter(|minute| joined && *minute < 60 && hour < 24)
            && matches!(rest, "" | "am" | "pm")
        {
            // "2.30pm" is one token behind the point: the half is read from it again.
            let hour = match rest {
                "pm" if hour < 12 => hour + 12,
                "am" if hour == 12 => 0,
                _ => hour,
            };
            let certain = next.joined_by == Some(':') || !rest.is_empty();
            let hour = if rest == "am" { HOUR_IS_KNOWN + hour } else { hour };
            return Some((hour, Some(minute), at + 2, certain));
        }
    }
    // "1500 hours".
    let four = token.number().filter(|_| token.word.len() == 4);
    if let Some(four) = four.filter(|four| four / 100 < 24 && four % 100 < 60)
        && matches!(word(tokens, at + 1), Some("hours" | "hrs"))
    {
        return Some((HOUR_IS_KNOWN + four / 100, Some(four % 100), at + 2, true));
    }
    // "oh nine hundred", "oh nine thirty".
    let oh = matches!(token.word.as_str(), "oh" | "o" | "zero");
    let (hour, next) = if oh {
        (u32::from(word(tokens, at + 1).and_then(digit)?) + HOUR_IS_KNOWN, at + 2)
    } else {
        small(tokens, at)?
    };
    if hour % HOUR_IS_KNOWN > 24 {
        return None;
    }
    if word(tokens, next) == Some("hundred") {
        let next = if word(tokens, next + 1) == Some("hours") { next + 2 } else { next + 1 };
        let certain = oh || word(tokens, next - 1) == Some("hours");
        return Some((HOUR_IS_KNOWN + hour % HOUR_IS_KNOWN, Some(0), next, certain));
    }
    let minute = minutes(tokens, next);
    Some(match minute {
        Some((minute, after)) => (hour, Some(minute), after, oh),
        None if oh => return None,
        None => (hour, None, next, false),
    })
}

/// Added to hours that are of the twenty-four already.
const HOUR_IS_KNOWN: u32 = 100;

/// "thirty", "fifteen", "oh five", "twenty five".
fn minutes(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let first = tokens.get(at)?;
    if matches!(first.word.as_str(), "oh" | "o") {
        let unit = word(tokens, at + 1).and_then(digit)?;
        return Some((u32::from(unit), at + 2));
    }
    if first.is_digits() {
        return first.number().filter(|n| first.word.len() == 2 && *n < 60).map(|n| (n, at + 1));
    }
    let long = teen(&first.word).is_some() || tens(&first.word).is_some();
    below_hundred(tokens, at).filter(|(minutes, _)| long && *minutes < 60)
}

/// A number below 100 in words or digits.
fn small(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let written = tokens.get(at)?.number().filter(|number| *number < 100);
    written.map(|number| (number, at + 1)).or_else(|| below_hundred(tokens, at))
}

/// "2pm", "10am", "230pm", "1430hrs".
fn glued(word: &str) -> Option<(u32, Option<u32>)> {
    let (digits, afternoon) = if let Some(digits) = word.strip_suffix("pm") {
        (digits, true)
    } else {
        (word.strip_suffix("am")?, false)
    };
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let split = if digits.len() > 2 { digits.len() - 2 } else { digits.len() };
    let hour: u32 = digits.get(..split)?.parse().ok()?;
    let minute = digits.get(split..).filter(|minute| !minute.is_empty());
    let minute = match minute {
        Some(minute) => Some(minute.parse().ok().filter(|minute| *minute < 60)?),
        None => None,
    };
    let half = if afternoon { Half::Afternoon } else { Half::Morning };
    at_hour(hour, Some(half)).map(|hour| (HOUR_IS_KNOWN + hour, minute))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

/// "pm", "p m", "in the morning", "tonight".
fn half_of_day(tokens: &[Token], at: usize) -> Option<(Half, usize)> {
    let half = |word: &str| match word {
        "morning" => Some(Half::Morning),
        "afternoon" | "evening" | "night" => Some(Half::Afternoon),
        _ => None,
    };
    match (word(tokens, at)?, word(tokens, at + 1)) {
        ("am", _) => Some((Half::Morning, at + 1)),
        ("pm", _) => Some((Half::Afternoon, at + 1)),
        ("a", Some("m")) => Some((Half::Morning, at + 2)),
        ("p", Some("m")) => Some((Half::Afternoon, at + 2)),
        ("tonight", _) => Some((Half::Afternoon, at + 1)),
        ("in", Some("the")) => Some((half(word(tokens, at + 2)?)?, at + 3)),
        ("every" | "each", Some(part)) => Some((half(part)?, at + 2)),
        ("at", Some("night")) => Some((Half::Afternoon, at + 2)),
        ("this" | "tomorrow", Some(part)) => Some((half(part)?, at + 2)),
        _ => None,
    }
}

/// The hour of the day.
fn at_hour(hour: u32, half: Option<Half>) -> Option<u32> {
    if hour >= HOUR_IS_KNOWN {
        let known = hour - HOUR_IS_KNOWN;
        return match half {
            Some(Half::Afternoon) if known < 12 && known > 0 => Some(known + 12),
            Some(_) | None => (known < 24).then_some(known),
        };
    }
    Some(match (hour, half) {
        (24, _) => 0,
        (13..=23, _) => hour,
        (12, Some(Half::Morning)) => 0,
        (12, Some(Half::Afternoon) | None) => 12,
        (0..=11, Some(Half::Morning)) => hour,
        (0..=11, Some(Half::Afternoon)) => hour + 12,
        (1..=6, None) => hour + 12,
        (0 | 7..=11, None) => hour,
        (25.., _) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        find(&tokens(text), false).map(|found| found.value)
    }

    #[test]
    fn times_are_read_as_people_say_them() {
        for (said, time) in [
            ("half past two", "14:30"),
            ("half two", "14:30"),
            ("quarter to nine", "08:45"),
            ("a quarter past ten in the morning", "10:15"),
            ("twenty five to six", "17:35"),
            ("ten past four in the afternoon", "16:10"),
            ("ten o'clock", "10:00"),
            ("ten o clock", "10:00"),
            ("at nine", "09:00"),
            ("at two thirty", "14:30"),
            ("2pm", "14:00"),
            ("2.30pm", "14:30"),
            ("2:30 pm", "14:30"),
            ("14:30", "14:30"),
            ("9:15 am", "09:15"),
            ("ten am", "10:00"),
            ("ten a m", "10:00"),
            ("seven in the evening", "19:00"),
            ("eleven at night", "23:00"),
            ("fourteen hundred hours", "14:00"),
            ("1500 hours", "15:00"),
            ("oh nine thirty", "09:30"),
            ("nine oh five in the morning", "09:05"),
            ("midday", "12:00"),
            ("midnight", "00:00"),
            ("five to twelve", "11:55"),
            ("quarter past twelve", "12:15"),
            ("three p.m.", "15:00"),
            ("half past seven tonight", "19:30"),
        ] {
            assert_eq!(read(said).as_deref(), Some(time), "{said}");
        }
        for said in ["two bins", "twelve pounds fifty", "flat 3", "25:00", "nine hundred"] {
            assert_eq!(read(said), None, "{said}");
        }
        let expected = find(&tokens("nine fifteen"), true).map(|found| found.value);
        assert_eq!(expected.as_deref(), Some("09:15"));
    }

    proptest! {
        #[test]
        fn every_time_of_the_day_is_read_back(hour in 0_u32..24, minute in 0_u32..60) {
            let known = hour == 0 || hour > 6;
            let written = format!("{hour:02}:{minute:02}");
            if known {
                prop_assert_eq!(read(&written), Some(written.clone()));
            }
            let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
            let half = if hour < 12 { "am" } else { "pm" };
            prop_assert_eq!(read(&format!("{twelve}:{minute:02} {half}")), Some(written.clone()));
            prop_assert_eq!(read(&format!("{twelve}:{minute:02}{half}")), Some(written));
        }
    }
}
