//! Years in words and digits, and when Easter is.

use jiff::civil::Date;

use super::number::{below_hundred, cardinal, digit, teen, tens};
use super::token::{Token, word};

/// A year, and the place behind it: "2027", "twenty twenty seven", "nineteen oh five", "two thousand
/// and five".
pub fn read(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let first = tokens.get(at)?;
    if first.is_digits() {
        return match first.word.len() {
            4 => Some((first.number().filter(|year| plausible(*year))?, at + 1)),
            2 => Some((of_two(first.number()?), at + 1)),
            _ => None,
        };
    }
    if matches!(word(tokens, at + 1), Some("thousand" | "hundred")) {
        return cardinal(tokens, at).filter(|(year, _)| plausible(*year));
    }
    // "eighty two" after a day and a month; below thirty it may be an hour.
    if let Some((year, next)) =
        below_hundred(tokens, at).filter(|(year, _)| (30..100).contains(year))
    {
        return Some((of_two(year), next));
    }
    let century = match first.word.as_str() {
        "nineteen" => 1_900,
        "twenty" => 2_000,
        _ => return None,
    };
    let rest = word(tokens, at + 1)?;
    if matches!(rest, "oh" | "o" | "hundred") {
        let unit = word(tokens, at + 2).and_then(digit)?;
        return Some((century + u32::from(unit), at + 3));
    }
    if teen(rest).is_none() && tens(rest).is_none() {
        return None;
    }
    below_hundred(tokens, at + 1).map(|(years, next)| (century + years, next))
}

/// Years that a caller can mean.
fn plausible(year: u32) -> bool {
    (1_900..2_100).contains(&year)
}

/// A year of two digits: up to 35 it is of this century. Callers speak of births more than of what is far ahead.
pub fn of_two(year: u32) -> u32 {
    if year < 36 { 2_000 + year } else { 1_900 + year }
}

/// Easter Sunday (the anonymous Gregorian algorithm, as in Meeus).
pub fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k).rem_euclid(7);
    let m = (a + 11 * h + 22 * l) / 451;
    let all = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(all / 31).ok()?, i8::try_from(all % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    #[test]
    fn years_are_read_as_people_say_them() {
        for (said, year) in [
            ("2027", 2027),
            ("71", 1971),
            ("26", 2026),
            ("twenty twenty seven", 2027),
            ("twenty twelve", 2012),
            ("nineteen seventy one", 1971),
            ("nineteen oh five", 1905),
            ("two thousand and five", 2005),
            ("two thousand", 2000),
        ] {
            assert_eq!(read(&tokens(said), 0).map(|(year, _)| year), Some(year), "{said}");
        }
        assert_eq!(read(&tokens("twelve"), 0), None);
    }

    #[test]
    fn easter_is_where_it_is() {
        for (year, month, day) in
            [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2038, 4, 25)]
        {
            assert_eq!(easter(year), Date::new(year, month, day).ok());
        }
    }
}
