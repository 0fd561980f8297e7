//! United Kingdom postcodes, spoken or written. Valid by pattern (BS 7666) and postcode area.

use super::Found;
use super::spell::{self, Pattern, Words};
use super::token::{Token, covered};

/// Longest first: `W1A 1AA` is no `W1 A...`.
const PATTERNS: [Pattern; 6] = [
    Pattern("AA99 9AA"),
    Pattern("AA9A 9AA"),
    Pattern("A99 9AA"),
    Pattern("A9A 9AA"),
    Pattern("AA9 9AA"),
    Pattern("A9 9AA"),
];

/// The letters that a postcode can begin with.
const AREAS: &str = "AB AL B BA BB BD BF BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG \
    DH DL DN DT DY E EC EH EN EX FK FY G GL GU GX GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW \
    KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE \
    SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE";

/// The first postcode in the tokens.
pub fn find(tokens: &[Token]) -> Option<Found> {
    (0..tokens.len()).find_map(|at| {
        let spelled = spell::best(tokens, at, &PATTERNS, &is_postcode, Words::AreLetters)?;
        Some(Found { span: covered(tokens, at, spelled.end), value: spelled.text })
    })
}

/// Whether letters and digits without a space are a postcode that can exist.
fn is_postcode(spelled: &str) -> bool {
    let area: String = spelled.chars().take_while(char::is_ascii_alphabetic).collect();
    let inward_from = spelled.len().saturating_sub(2);
    let inward = spelled.get(inward_from..).unwrap_or_default();
    let district = spelled.get(area.len()..inward_from.saturating_sub(1)).unwrap_or_default();
    let letter = district.chars().find(char::is_ascii_alphabetic);
    let letter_fits = match (letter, area.len()) {
        (None, _) => true,
        (Some(letter), 1) => "ABCDEFGHJKPSTUW".contains(letter),
        (Some(letter), _) => "ABEHMNPRVWXY".contains(letter),
    };
    // HA0 exists, but no district is 01: that was the letter.
    let zero = district.len() > 1 && district.starts_with('0');
    !zero
        && AREAS.split_ascii_whitespace().any(|known| known == area)
        && letter_fits
        && !inward.contains(['C', 'I', 'K', 'M', 'O', 'V'])
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        find(&tokens(text)).map(|found| found.value)
    }

    #[test]
    fn postcodes_are_read_spoken_spelled_and_written() {
        for (said, postcode) in [
            ("RM1 3BD", "RM1 3BD"),
            ("rm13bd", "RM1 3BD"),
            ("my postcode is RM1-3BD.", "RM1 3BD"),
            ("r m one three b d", "RM1 3BD"),
            ("are em one three b d", "RM1 3BD"),
            ("are em one three be dee", "RM1 3BD"),
            ("R for Romeo M for Mike one three B for Bravo D for Delta", "RM1 3BD"),
            ("romeo mike one, three bravo delta", "RM1 3BD"),
            ("r m ten three b d", "RM10 3BD"),
            ("e fourteen nine s s", "E14 9SS"),
            ("e one four nine double s", "E14 9SS"),
            ("s w one a one double a", "SW1A 1AA"),
            ("it's ee see one ay one be be", "EC1A 1BB"),
            ("m one one a e", "M1 1AE"),
            ("double you one a one h q", "W1A 1HQ"),
            ("R.M. 1, 3 B D", "RM1 3BD"),
            ("l s twenty one to a b", "LS21 2AB"),
            ("er it's r m um one er three b d please", "RM1 3BD"),
            ("b as in bravo one one t for tango d", "B1 1TD"),
            ("oh x one two j d", "OX1 2JD"),
            ("g u twenty two nought p q", "GU22 0PQ"),
        ] {
            assert_eq!(read(said).as_deref(), Some(postcode), "{said}");
        }
    }

    #[test]
    fn what_is_no_postcode_is_none() {
        for said in [
            "my bin was not collected",
            "are you one to be a judge",
            "XX1 1XX",
            "RM1 3CD",
            "see you at one for tea",
            "one two three four",
            "",
        ] {
            assert_eq!(read(said), None, "{said}");
        }
    }

    const NAMES: [&str; 26] = [
        "ay",
        "bee",
        "see",
        "dee",
        "ee",
        "eff",
        "gee",
        "aitch",
        "i",
        "jay",
        "kay",
        "ell",
        "em",
        "en",
        "o",
        "pee",
        "queue",
        "are",
        "ess",
        "tee",
        "you",
        "vee",
        "double you",
        "ex",
        "why",
        "zed",
    ];
    const DIGITS: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

    fn say(postcode: &str) -> String {
        let mut words = Vec::new();
        for c in postcode.chars() {
            match c {
                'A'..='Z' => words.push(NAMES[usize::from(c as u8 - b'A')]),
                '0'..='9' => words.push(DIGITS[usize::from(c as u8 - b'0')]),
                _ => {}
            }
        }
        words.join(" ")
    }

    proptest! {
        #[test]
        fn every_postcode_is_read_back_from_its_letters_and_digits(
            area in 0_usize..124, district in 1_u32..100, sector in 0_u32..10,
            unit in "[ABDEFGHJLNPQRSTUWXYZ]{2}",
        ) {
            let areas: Vec<&str> = AREAS.split_ascii_whitespace().collect();
            let area = areas[area % areas.len()];
            let postcode = format!("{area}{district} {sector}{unit}");
            prop_assert_eq!(read(&postcode), Some(postcode.clone()));
            prop_assert_eq!(read(&say(&postcode)), Some(postcode.clone()));
            prop_assert_eq!(read(&postcode.replace(' ', "").to_lowercase()), Some(postcode));
        }

        #[test]
        fn nothing_that_is_said_breaks_it(text in "(\\PC|[a-z0-9 ]){0,60}") {
            if let Some(found) = find(&tokens(&text)) {
                prop_assert!(text.get(found.span).is_some());
            }
        }
    }
}
