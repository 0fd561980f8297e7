//! United Kingdom vehicle registrations: current, prefix, suffix, and those without a date.

use super::Found;
use super::spell::{self, Pattern, Words};
use super::token::{Token, covered, phrase, word};

/// Two letters, the age, three letters, since September 2001.
const CURRENT: [Pattern; 1] = [Pattern("AA99 AAA")];
/// With a letter for the year in front (1983 to 2001) or at the end (1963 to 1982).
const YEAR_LETTER: [Pattern; 6] = [
    Pattern("A999 AAA"),
    Pattern("A99 AAA"),
    Pattern("A9 AAA"),
    Pattern("AAA 999A"),
    Pattern("AAA 99A"),
    Pattern("AAA 9A"),
];
/// Without a date: old ones, Northern Ireland's, personal ones. They look like much else.
const DATELESS: [Pattern; 16] = [
    Pattern("AAA 9999"),
    Pattern("AAA 999"),
    Pattern("AAA 99"),
    Pattern("AAA 9"),
    Pattern("9999 AAA"),
    Pattern("999 AAA"),
    Pattern("99 AAA"),
    Pattern("9 AAA"),
    Pattern("AA 9999"),
    Pattern("AA 999"),
    Pattern("9999 AA"),
    Pattern("999 AA"),
    Pattern("A 9999"),
    Pattern("A 999"),
    Pattern("AA 99"),
    Pattern("AA 9"),
];

/// Words that announce a registration.
const ANNOUNCED_BY: [&str; 7] =
    ["registration", "reg", "number plate", "plate", "plates", "licence plate", "vrm"];

/// The first registration in the tokens. Those without a date only if announced, or if nothing else
/// is `expected`.
pub fn find(tokens: &[Token], expected: bool) -> Option<Found> {
    let from = if expected { Some(0) } else { announced(tokens) };
    let words = if from.is_some() { Words::AreLetters } else { Words::AreWords };
    let sure = first(tokens, 0, &CURRENT, words).or_else(|| first(tokens, 0, &YEAR_LETTER, words));
    sure.or_else(|| first(tokens, from?, &DATELESS, words))
}

fn announced(tokens: &[Token]) -> Option<usize> {
    (0..tokens.len()).find_map(|at| {
        let mut next = ANNOUNCED_BY.iter().find_map(|words| phrase(tokens, at, words))?;
        while matches!(word(tokens, next), Some("number" | "is" | "it's" | "of" | "its")) {
            next += 1;
        }
        Some(next)
    })
}

fn first(tokens: &[Token], from: usize, patterns: &[Pattern], words: Words) -> Option<Found> {
    (from..tokens.len()).find_map(|at| {
        let spelled = spell::best(tokens, at, patterns, &is_registration, words)?;
        let value = spelled.text.replace(' ', "");
        Some(Found { span: covered(tokens, at, spelled.end), value })
    })
}

/// Q stands at the front only, and I not at all but in Northern Ireland's, which have no date. No
/// number begins with 0 but a current one's age.
fn is_registration(spelled: &str) -> bool {
    let current = spelled.len() == 7
        && spelled.bytes().take(2).all(|b| b.is_ascii_uppercase())
        && spelled.bytes().skip(2).take(2).all(|b| b.is_ascii_digit());
    if current {
        return !spelled.contains(['I', 'Q']);
    }
    let digits: String = spelled.chars().filter(char::is_ascii_digit).collect();
    !digits.starts_with('0')
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
    fn registrations_are_read_spoken_and_written() {
        for (said, registration) in [
            ("AB12 CDE", "AB12CDE"),
            ("ab12cde", "AB12CDE"),
            ("a b one two c d e", "AB12CDE"),
            ("alpha bravo twelve charlie delta echo", "AB12CDE"),
            ("it's l k fifty nine x y z", "LK59XYZ"),
            ("b for bravo d for delta oh five s m r", "BD05SMR"),
            ("p one two three a b c", "P123ABC"),
            ("M4 RKS", "M4RKS"),
            ("ABC 123D", "ABC123D"),
            ("the registration is A B C 1 2 3", "ABC123"),
            ("the reg is jiz 1234", "JIZ1234"),
            ("registration lima kilo five nine x ray yankee zulu", "LK59XYZ"),
        ] {
            assert_eq!(read(said).as_deref(), Some(registration), "{said}");
        }
        let expected = find(&tokens("f a b 1"), true).map(|found| found.value);
        assert_eq!(expected.as_deref(), Some("FAB1"));
    }

    #[test]
    fn what_is_no_registration_is_none() {
        for said in [
            "my bin was not collected",
            "flat 3 14 acacia avenue",
            "i owe 12 pounds",
            "",
            "lived at 12 oak road",
            "ring me on oh one six three two nine six oh one two three",
        ] {
            assert_eq!(read(said), None, "{said}");
        }
    }

    proptest! {
        #[test]
        fn every_current_registration_is_read_back(
            area in "[A-HJ-PR-Y]{2}", age in "[0-9]{2}", rest in "[A-HJ-PR-Z]{3}",
        ) {
            let registration = format!("{area}{age} {rest}");
            let spaced: Vec<String> =
                registration.chars().filter(|c| *c != ' ').map(|c| c.to_string()).collect();
            prop_assert_eq!(read(&registration), Some(registration.replace(' ', "")));
            prop_assert_eq!(read(&spaced.join(" ").to_lowercase()), Some(registration.replace(' ', "")));
        }
    }
}
