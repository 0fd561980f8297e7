//! Rows of digits: references, account numbers, telephone numbers.

use super::Found;
use super::number::row;
use super::spell;
use super::token::{Token, covered, word};
use crate::number::Number;

/// Fewer digits than this among other words are no reference: "two bins".
const FEWEST_UNANNOUNCED: usize = 4;

/// Words behind which even a short row is a number that was asked for.
const ANNOUNCED_BY: [&str; 6] = ["number", "reference", "ref", "code", "account", "pin"];

/// The first row of digits; a short one only if nothing else is `expected`, or if it is announced.
pub fn find(tokens: &[Token], expected: bool) -> Option<Found> {
    let mut at = 0;
    let mut longest: Option<Found> = None;
    while at < tokens.len() {
        let Some((value, end)) = row(tokens, at) else {
            at += 1;
            continue;
        };
        let long = value.len() >= FEWEST_UNANNOUNCED;
        if long || announced(tokens, at) {
            return Some(Found { value, span: covered(tokens, at, end) });
        }
        // "the last four digits are six one": the longest is meant.
        if longest.as_ref().is_none_or(|best| value.len() > best.value.len()) {
            longest = Some(Found { value, span: covered(tokens, at, end) });
        }
        at = end;
    }
    longest.filter(|_| expected)
}

fn announced(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| word(tokens, before));
    let before = match before {
        Some("is" | "it's" | "its") => at.checked_sub(2).and_then(|before| word(tokens, before)),
        other => other,
    };
    before.is_some_and(|before| ANNOUNCED_BY.contains(&before))
}

/// The first United Kingdom telephone number, as [`Number::canonical`] writes it.
pub fn find_phone(tokens: &[Token]) -> Option<Found> {
    let mut at = 0;
    while at < tokens.len() {
        if let Some((value, end)) = phone(tokens, at) {
            return Some(Found { value, span: covered(tokens, at, end) });
        }
        at = row(tokens, at).map_or(at + 1, |(_, end)| end);
    }
    None
}

fn phone(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let mut from = at;
    let plus = word(tokens, at) == Some("plus");
    if plus {
        from += 1;
    }
    let (digits, end) = row(tokens, from)?;
    let abroad = plus || tokens.get(at)?.joined_by == Some('+') || digits.starts_with("44");
    let digits = match digits.strip_prefix("0044").or_else(|| digits.strip_prefix("44")) {
        Some(rest) if abroad || digits.starts_with("00") => {
            format!("0{}", rest.strip_prefix('0').unwrap_or(rest))
        }
        Some(_) | None => digits,
    };
    let leads = digits.as_bytes().get(1);
    let shaped = matches!(digits.len(), 10 | 11)
        && digits.starts_with('0')
        && matches!(leads, Some(b'1' | b'2' | b'3' | b'5' | b'7' | b'8' | b'9'));
    // Of the short ones only geographic and freephone numbers exist (01xxx xxxxx, 0800 xxxxxx).
    let exists = shaped && (digits.len() == 11 || matches!(leads, Some(b'1' | b'8')));
    match Number::read(&digits) {
        number @ Number::E164(_) if exists => Some((number.canonical(), end)),
        Number::E164(_) | Number::Short(_) | Number::Code(_) | Number::Name(_) => None,
    }
}

/// The first row of letters and digits with at least three digits, as references are; `expected`
/// when nothing else is asked for, otherwise it must be announced.
pub fn find_reference(tokens: &[Token], expected: bool) -> Option<Found> {
    (0..tokens.len()).find_map(|at| {
        if !expected && !announced(tokens, at) {
            return None;
        }
        let (value, end) = spell::row(tokens, at)?;
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        (digits >= 3).then(|| Found { value, span: covered(tokens, at, end) })
    })
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;
    use proptest::prelude::*;

    fn digits(text: &str) -> Option<String> {
        find(&tokens(text), true).map(|found| found.value)
    }

    fn phone(text: &str) -> Option<String> {
        find_phone(&tokens(text)).map(|found| found.value)
    }

    #[test]
    fn digits_are_found_among_words() {
        assert_eq!(digits("my reference is one two three, four").as_deref(), Some("1234"));
        assert_eq!(digits("it's double seven oh treble four").as_deref(), Some("770444"));
        assert_eq!(digits("nothing"), None);
        assert_eq!(find(&tokens("i have two bins"), false), None);
        assert!(find(&tokens("account number 77"), false).is_some());
    }

    #[test]
    fn phone_numbers_have_one_spelling() {
        for (said, number) in [
            ("01708 434343", "+441708434343"),
            ("+44 (0)1708 434343", "+441708434343"),
            ("plus four four seven seven double oh nine double oh one two three", "+447700900123"),
            ("oh one seven oh eight four three four three four three", "+441708434343"),
            (
                "my number's oh double seven double oh, nine double oh, one two three",
                "+447700900123",
            ),
            ("oh seven seven hundred nine hundred one two three", "+447700900123"),
            ("0800 111 1111", "+448001111111"),
        ] {
            assert_eq!(phone(said).as_deref(), Some(number), "{said}");
        }
        for said in ["1234", "01708", "0445 12345678 99", "twelve pounds fifty"] {
            assert_eq!(phone(said), None, "{said}");
        }
    }

    #[test]
    fn references_keep_their_letters() {
        let read = |text: &str| find_reference(&tokens(text), true).map(|found| found.value);
        assert_eq!(read("m b one oh four two").as_deref(), Some("MB1042"));
        assert_eq!(read("it's MB-1042").as_deref(), Some("MB1042"));
        assert_eq!(read("mike bravo one zero four two").as_deref(), Some("MB1042"));
        assert_eq!(read("m b double oh one two").as_deref(), Some("MB0012"));
    }

    const SAID: [&str; 10] =
        ["oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

    proptest! {
        #[test]
        fn every_row_is_read_back(row in "[0-9]{1,14}", doubled in any::<bool>()) {
            let mut words: Vec<String> = Vec::new();
            let all: Vec<usize> = row.bytes().map(|b| usize::from(b - b'0')).collect();
            let mut at = 0;
            while at < all.len() {
                let digit = SAID[all[at]];
                if doubled && all.get(at + 1) == Some(&all[at]) {
                    words.push(format!("double {digit}"));
                    at += 1;
                } else {
                    words.push(digit.to_owned());
                }
                at += 1;
            }
            prop_assert_eq!(digits(&words.join(" ")), Some(row.clone()));
            prop_assert_eq!(digits(&row), Some(row));
        }

        #[test]
        fn every_mobile_number_is_read_back(rest in "[0-9]{9}") {
            let written = format!("07{rest}");
            prop_assert_eq!(phone(&written), Some(format!("+447{rest}")));
        }
    }
}
