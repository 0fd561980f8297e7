//! Numbers and rows of digits in words or digits.

use super::token::{Token, is_filler, word};

/// `zero` to `nine` as a digit, also as people say them in a row.
pub fn digit(word: &str) -> Option<u8> {
    Some(match word {
        "zero" | "oh" | "o" | "nought" | "naught" | "nil" => 0,
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        _ => return None,
    })
}

/// What a recogniser hears for a digit; believed between digits only.
fn sounds_like(word: &str) -> Option<u8> {
    Some(match word {
        "won" | "wun" => 1,
        "to" | "too" => 2,
        "tree" | "free" => 3,
        "for" | "fore" => 4,
        "sex" | "sicks" => 6,
        "ate" => 8,
        "nein" => 9,
        _ => return None,
    })
}

/// `ten` to `nineteen`.
pub fn teen(word: &str) -> Option<u32> {
    const TEENS: [&str; 10] = [
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    TEENS.iter().position(|teen| *teen == word).map(|at| at as u32 + 10)
}

/// `twenty` to `ninety`.
pub fn tens(word: &str) -> Option<u32> {
    Some(match word {
        "twenty" => 20,
        "thirty" => 30,
        "forty" | "fourty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "seventy" => 70,
        "eighty" => 80,
        "ninety" => 90,
        _ => return None,
    })
}

/// A number below 100 in words, and the place behind it.
pub fn below_hundred(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let first = word(tokens, at)?;
    if let Some(tens) = tens(first) {
        let unit = word(tokens, at + 1).and_then(digit).filter(|unit| *unit > 0);
        return Some(match unit {
            Some(unit) => (tens + u32::from(unit), at + 2),
            None => (tens, at + 1),
        });
    }
    let small = teen(first).or_else(|| digit(first).filter(|_| first.len() > 2).map(u32::from));
    small.map(|number| (number, at + 1))
}

/// A number below a thousand million, in words ("a hundred and forty") or digits ("1,234"), and the
/// place behind it.
pub fn cardinal(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    if let Some(written) = tokens.get(at)?.number() {
        return Some(in_digits(tokens, at, written));
    }
    let (mut total, mut next) = below_thousand(tokens, at)?;
    let scale = |next| match word(tokens, next) {
        Some("thousand" | "grand") => Some(1_000),
        Some("million") => Some(1_000_000),
        _ => None,
    };
    if let Some(times) = scale(next) {
        total = total.checked_mul(times)?;
        next += 1;
        if let Some((rest, after)) = below_thousand(tokens, skip_and(tokens, next)) {
            total = total.checked_add(rest)?;
            next = after;
        }
    }
    Some((total, next))
}

/// Groups of three behind commas, and "2 thousand".
fn in_digits(tokens: &[Token], at: usize, written: u32) -> (u32, usize) {
    let (mut total, mut next) = (written, at + 1);
    while let Some(group) = tokens.get(next) {
        let follows = group.joined_by == Some(',') && group.word.len() == 3;
        match group.number().filter(|_| follows) {
            Some(group) if total < 1_000_000 => total = total * 1_000 + group,
            Some(_) | None => break,
        }
        next += 1;
    }
    match word(tokens, next) {
        Some("hundred") if total < 100 => (total * 100, next + 1),
        Some("thousand" | "grand" | "k") if total < 1_000 => (total * 1_000, next + 1),
        _ => (total, next),
    }
}

fn below_thousand(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let (hundreds, next) = match word(tokens, at)? {
        "a" | "an" => match word(tokens, at + 1)? {
            "hundred" => (Some(1), at + 1),
            "thousand" | "million" | "grand" => return Some((1, at + 1)),
            _ => return None,
        },
        // A recogniser loses the "a"; "a couple of hundred" is no number.
        "hundred" if at.checked_sub(1).and_then(|at| word(tokens, at)) != Some("of") => {
            (Some(1), at)
        }
        _ => {
            let (number, next) = below_hundred(tokens, at)?;
            if word(tokens, next) != Some("hundred") {
                return Some((number, next));
            }
            (Some(number), next)
        }
    };
    let hundreds = hundreds? * 100;
    let next = next + 1;
    match below_hundred(tokens, skip_and(tokens, next)) {
        Some((rest, after)) => Some((hundreds + rest, after)),
        None => Some((hundreds, next)),
    }
}

fn skip_and(tokens: &[Token], at: usize) -> usize {
    if word(tokens, at) == Some("and") { at + 1 } else { at }
}

/// How often the next digit or letter is meant.
pub fn times(word: &str) -> Option<usize> {
    match word {
        "double" => Some(2),
        "treble" | "triple" => Some(3),
        "quadruple" => Some(4),
        _ => None,
    }
}

/// A row of digits as people read one out ("oh one seven oh eight, double four"), and the place
/// behind it. Teens, tens and hundreds within it are written out: "nine hundred" is 900.
pub fn row(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let mut digits = String::new();
    let mut next = at;
    // Fillers and dashes belong to the row only if a digit follows.
    let mut ahead = at;
    while let Some(spoken) = word(tokens, ahead) {
        let joins = is_filler(spoken)
            || matches!(spoken, "dash" | "hyphen" | "slash" | "stroke" | "then" | "a" | "and");
        if joins && !digits.is_empty() {
            ahead += 1;
            continue;
        }
        let Some((part, after)) = row_part(tokens, ahead, !digits.is_empty()) else { break };
        digits.push_str(&part);
        (next, ahead) = (after, after);
    }
    (!digits.is_empty()).then_some((digits, next))
}

fn row_part(tokens: &[Token], at: usize, within: bool) -> Option<(String, usize)> {
    let token = tokens.get(at)?;
    if token.is_digits() {
        // "2 thousand" is said of amounts; in a row digits stand for themselves.
        return Some((token.word.clone(), at + 1));
    }
    // A transcriber's letter for a zero: "O7700".
    if let Some(rest) = token.word.strip_prefix('o')
        && rest.len() > 2
        && rest.bytes().all(|b| b.is_ascii_digit())
    {
        return Some((format!("0{rest}"), at + 1));
    }
    if let Some(times) = times(&token.word) {
        let next = tokens.get(at + 1)?;
        let digit = digit(&next.word).map(|digit| digit.to_string());
        let digit =
            digit.or_else(|| (next.is_digits() && next.word.len() == 1).then(|| next.word.clone()));
        return Some((digit?.repeat(times), at + 2));
    }
    if let Some((number, after)) = hundreds(tokens, at) {
        return Some((number.to_string(), after));
    }
    if let Some((number, after)) = below_hundred(tokens, at) {
        return Some((number.to_string(), after));
    }
    if let Some(digit) = digit(&token.word) {
        return Some((digit.to_string(), at + 1));
    }
    let next_is_digit = || {
        tokens.get(at + 1).is_some_and(|next| {
            next.is_digits() || digit(&next.word).is_some() || times(&next.word).is_some()
        })
    };
    // "seven ate" at the end, "for two six": beside digits only.
    let heard = sounds_like(&token.word)?;
    let beside = if within {
        next_is_digit() || at + 1 == tokens.len()
    } else {
        next_is_digit() && tokens.get(at + 2).is_some_and(|next| digit(&next.word).is_some())
    };
    if !beside {
        return None;
    }
    Some((heard.to_string(), at + 1))
}

/// "nine hundred", "two hundred and five", "two thousand and five". In a row "nine hundred one" goes
/// on digit by digit.
fn hundreds(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let (number, after) = cardinal(tokens, at)?;
    if tokens.get(at..after)?.iter().any(|token| token.word == "thousand") {
        return Some((number, after));
    }
    let (count, next) = below_hundred(tokens, at)?;
    if word(tokens, next) != Some("hundred") {
        return None;
    }
    let and = word(tokens, next + 1) == Some("and") && after > next + 2;
    Some(if and { (number, after) } else { (count * 100, next + 1) })
}

/// `first` to `thirty-first` in words or as `3rd`, and the place behind it.
pub fn ordinal(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    const ORDINALS: [&str; 20] = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
        "twentieth",
    ];
    let named =
        |word: &str| ORDINALS.iter().position(|ordinal| *ordinal == word).map(|at| at as u32 + 1);
    let first = word(tokens, at)?;
    if let Some(number) = named(first) {
        return Some((number, at + 1));
    }
    if first == "thirtieth" {
        return Some((30, at + 1));
    }
    if let Some(tens) = tens(first).filter(|tens| *tens <= 30) {
        let unit = word(tokens, at + 1).and_then(named).filter(|unit| *unit < 10)?;
        return Some((tens + unit, at + 2));
    }
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| first.strip_suffix(end))?;
    let number: u32 = digits.parse().ok()?;
    (1..=31).contains(&number).then_some((number, at + 1))
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    #[test]
    fn numbers_are_read_in_words_and_digits() {
        for (said, number) in [
            ("twelve", 12),
            ("forty two", 42),
            ("forty-two", 42),
            ("a hundred and forty", 140),
            ("two hundred", 200),
            ("one thousand two hundred and thirty four", 1_234),
            ("two thousand and five", 2_005),
            ("twelve hundred", 1_200),
            ("1,234", 1_234),
            ("3 thousand", 3_000),
            ("a grand", 1_000),
        ] {
            let tokens = tokens(said);
            assert_eq!(cardinal(&tokens, 0), Some((number, tokens.len())), "{said}");
        }
        assert_eq!(cardinal(&tokens("a bin"), 0), None);
    }

    #[test]
    fn rows_of_digits_are_read_as_people_say_them() {
        for (said, digits) in [
            ("double seven oh treble four", "770444"),
            ("one two three", "123"),
            ("nine hundred", "900"),
            ("oh seven seven hundred", "07700"),
            ("nine hundred one two three", "900123"),
            ("two hundred and five", "205"),
            ("forty two seventeen", "4217"),
            ("one er two um three", "123"),
            ("12 34", "1234"),
            ("one for two", "142"),
            ("double 4", "44"),
            ("one dash two", "12"),
        ] {
            let tokens = tokens(said);
            assert_eq!(row(&tokens, 0), Some((digits.to_owned(), tokens.len())), "{said}");
        }
        assert_eq!(row(&tokens("one for the road"), 0), Some(("1".to_owned(), 1)));
        assert_eq!(row(&tokens("for two"), 0), None);
    }

    #[test]
    fn ordinals_are_days_of_a_month() {
        for (said, number) in [("third", 3), ("twenty first", 21), ("31st", 31), ("thirtieth", 30)]
        {
            let tokens = tokens(said);
            assert_eq!(ordinal(&tokens, 0), Some((number, tokens.len())), "{said}");
        }
        assert_eq!(ordinal(&tokens("32nd"), 0), None);
        assert_eq!(ordinal(&tokens("twenty"), 0), None);
    }
}
