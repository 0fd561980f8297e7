//! House numbers and streets.

use super::Found;
use super::number::{below_hundred, cardinal, row};
use super::spell::{explained, letter};
use super::token::{Token, covered, listed, phrase, word};

/// Endings that are a street's and nothing else's.
const SURE: &str =
    "street, road, rd, avenue, ave, lane, crescent, cres, terrace, mews, gardens, grove";

/// Endings that are words of their own: they need a house number, capitals or "on" before the name.
const UNSURE: &str = "close, drive, way, court, place, square, hill, rise, row, walk, green, view, \
    parade, gate, end, wharf, quay, mount, vale, park, meadow, meadows, croft, path, broadway, st, \
    chase, garth, fold, bank, side, field, fields, common, embankment, parkway, circus, yard, wood, \
    esplanade, promenade";

/// Words that are no part of a street's name.
const NO_NAME: &str = "a, an, the, my, our, your, his, her, their, this, that, in, on, at, of, to, from, by, \
    near, is, it's, its, was, and, or, for, down, up, along, outside, opposite, behind, across, into, \
    off, over, under, same, next, other, whole, main, busy, wrong, side, back, dead, one, i, i'm, im, \
    we, you, live, lives, called, address, no, not, every, each, which, what, any, some, car, all, \
    with, about, please, it, here, there, right, left, be, been, are, between, um, er, erm, uh, \
    do, did, house, flat, door, end, there's, theres, report, blocking, private, council, damaged, \
    dark, dirty, quiet, has, have, hasn't, but, so, me, rubbish, bins, bin, light, lights, \
    pothole, potholes, like, just, name, dumped, local, half, either, middle, going, way, street, \
    road, living, staying, moved, moving, parked, residential";

/// Where a street's name is said to be.
const BEFORE_A_NAME: &str =
    "on, in, at, along, down, up, outside, near, opposite, off, of, called, behind";

/// Behind "street" and the like: the ending describes something else ("street light").
const NO_STREET: &str = "light, lights, lamp, lamps, sign, signs, cleaning, cleaner, sweeper, tax, works, \
    surface, lighting, name, party, markings";

/// A street's name has at most so many words before its ending.
const MAX_NAME: usize = 4;

/// A house, its street, or both, where they stand in the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// "3" of "flat 3, 14".
    pub flat: Option<Found>,
    /// "14", "14a".
    pub house: Option<Found>,
    /// "Acacia Avenue".
    pub street: Option<Found>,
}

/// The first address in the tokens. A bare number is a house's if nothing else is `expected`.
pub fn find(tokens: &[Token], street_expected: bool, house_expected: bool) -> Address {
    let street = (0..tokens.len())
        .find_map(|at| street(tokens, at, street_expected))
        .or_else(|| if street_expected { one_word_street(tokens) } else { None });
    let house = match &street {
        Some((from, _, _)) => house_before(tokens, *from).map(|(at, house)| (at, *from, house)),
        None => None,
    };
    let house = house.or_else(|| (0..tokens.len()).find_map(|at| announced_house(tokens, at)));
    let bare = || (0..tokens.len()).find_map(|at| bare_house(tokens, at));
    let house = house.or_else(|| if house_expected { bare() } else { None });
    let mut address = Address {
        street: street.map(|(from, to, value)| found(tokens, from, to, value)),
        ..Address::default()
    };
    if let Some((from, to, house)) = house {
        // The flat's words and the house's are each other's neighbours: halves of one span.
        let flat_to = if house.number.is_some() { from + 1 } else { to };
        address.flat = house.flat.clone().map(|flat| found(tokens, from, flat_to, flat));
        let number_from = if house.flat.is_some() { from + 1 } else { from };
        address.house = house.number.map(|number| found(tokens, number_from, to, number));
    }
    address
}

fn found(tokens: &[Token], from: usize, to: usize, value: String) -> Found {
    Found { value, span: covered(tokens, from, to) }
}

/// "Northgate", "Highfield": asked for, and behind a word that says where.
fn one_word_street(tokens: &[Token]) -> Option<(usize, usize, String)> {
    const ENDINGS: [&str; 8] = ["gate", "way", "side", "mead", "wood", "field", "hill", "croft"];
    tokens.iter().enumerate().find_map(|(at, token)| {
        let long =
            ENDINGS.iter().any(|end| token.word.len() > end.len() + 2 && token.word.ends_with(end));
        (long && !is_listed(NO_NAME, &token.word)).then(|| (at, at + 1, capitalised(&token.word)))
    })
}

/// The street whose ending stands at `at`: where its name begins, the place behind, its spelling.
fn street(tokens: &[Token], at: usize, expected: bool) -> Option<(usize, usize, String)> {
    let ending = word(tokens, at)?;
    let sure = is_listed(SURE, ending);
    if !sure && !is_listed(UNSURE, ending) {
        return None;
    }
    let written = match ending {
        "rd" => "Road".to_owned(),
        "ave" => "Avenue".to_owned(),
        "cres" => "Crescent".to_owned(),
        "st" => "Street".to_owned(),
        whole => capitalised(whole),
    };
    let next = word(tokens, at + 1).unwrap_or_default();
    let goes_on = is_listed(SURE, next) || is_listed(UNSURE, next);
    // "South Park Drive" does not end at the park.
    if is_listed(NO_STREET, next) || goes_on && !sure {
        return None;
    }
    let mut from = at;
    while from > 0 && at - from < MAX_NAME {
        let Some(token) = tokens.get(from - 1) else { break };
        let saint = token.word == "st" || token.word == "saint";
        let pause = tokens.get(from).is_some_and(|token| token.after_pause);
        let initial = token.word.len() == 1
            && token.written.starts_with(|c: char| c.is_uppercase())
            && at == from;
        let name = (token.word.len() > 1 || initial)
            && !is_listed(NO_NAME, &token.word)
            && !is_house_word(&token.word)
            && !token.word.contains(|c: char| c.is_ascii_digit())
            && (saint || !is_listed(SURE, &token.word));
        if !name || pause {
            break;
        }
        from -= 1;
    }
    // Numbers in words before the name are the house's: "number twelve high street".
    let mut first = from;
    while first < at && (below_hundred(tokens, first).is_some() || is_number_word(tokens, first)) {
        first += 1;
    }
    // "a" of "fourteen a acacia avenue".
    let from = first;
    if from == at {
        // "The Avenue", "41 The Green".
        let the = at.checked_sub(1).filter(|the| word(tokens, *the) == Some("the"))?;
        let named = expected || house_before(tokens, the).is_some();
        let only_a_word = matches!(ending, "street" | "road" | "end" | "side" | "way");
        let value = format!("The {written}");
        return (named && !only_a_word).then_some((the, at + 1, value));
    }
    let house = house_before(tokens, from).is_some();
    let capitals = tokens
        .get(from..=at)?
        .iter()
        .all(|token| token.written.starts_with(|c: char| c.is_uppercase()));
    let placed = from.checked_sub(1).and_then(|before| word(tokens, before));
    let placed = placed.is_some_and(|word| is_listed(BEFORE_A_NAME, word));
    if !(sure || expected || house || capitals || placed && at - from <= 2) {
        return None;
    }
    let mut name: Vec<String> =
        tokens.get(from..at)?.iter().map(|token| capitalised(&token.word)).collect();
    name.push(written);
    Some((from, at + 1, name.join(" ")))
}

fn is_listed(list: &'static str, word: &str) -> bool {
    listed(list).any(|listed| listed == word)
}

fn is_house_word(word: &str) -> bool {
    matches!(word, "flat" | "apartment" | "apt" | "unit" | "number" | "no")
}

fn is_number_word(tokens: &[Token], at: usize) -> bool {
    matches!(word(tokens, at), Some("hundred" | "and" | "oh" | "thousand"))
}

fn capitalised(word: &str) -> String {
    let word = if word == "saint" { "st" } else { word };
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A house's number, and the flat in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct House {
    flat: Option<String>,
    number: Option<String>,
}

/// The house that ends just before `street`: where it begins, and what it is.
fn house_before(tokens: &[Token], street: usize) -> Option<(usize, House)> {
    // The longest that reaches exactly to the street, commas and "the" left out.
    let start = street.saturating_sub(10);
    (start..street).find_map(|from| {
        let (house, to) = house(tokens, from)?;
        let to = phrase(tokens, to, "the").filter(|to| *to == street).unwrap_or(to);
        // "flat forty six mill lane": with a street behind it, it is the house's.
        let number = house.number.or_else(|| house.flat.clone());
        let flat = house.flat.filter(|flat| number.as_ref() != Some(flat));
        (to == street).then_some((from, House { flat, number }))
    })
}

/// "14", "14a", "fourteen a", "one oh seven", "number twelve", "flat 3, 14", and the place behind.
fn house(tokens: &[Token], at: usize) -> Option<(House, usize)> {
    let only = |(number, next)| (House { flat: None, number: Some(number) }, next);
    match word(tokens, at)? {
        "flat" | "apartment" | "apt" | "unit" => {
            let from = phrase(tokens, at + 1, "number").unwrap_or(at + 1);
            let (flat, next) = one_number(tokens, from, true)?;
            // "flat three fourteen" is flat 3 at 14; "flat one oh five" is flat 105.
            let short = cardinal(tokens, from).map(|(flat, next)| (flat.to_string(), next));
            for (flat, next) in [Some((flat.clone(), next)), short].into_iter().flatten() {
                let from = phrase(tokens, next, "at").unwrap_or(next);
                if let Some((House { number, .. }, after)) = house(tokens, from) {
                    return Some((House { flat: Some(flat), number }, after));
                }
            }
            Some((House { flat: Some(flat), number: None }, next))
        }
        "number" | "no" | "house" => {
            let from = phrase(tokens, at, "house number").unwrap_or(at + 1);
            one_number(tokens, from, false).map(only)
        }
        _ => one_number(tokens, at, false).map(only),
    }
}

/// A number with perhaps a letter: as a whole ("a hundred and five") or digit by digit ("one oh
/// five"). A flat's may be one letter.
fn one_number(tokens: &[Token], at: usize, flat: bool) -> Option<(String, usize)> {
    let token = tokens.get(at)?;
    if flat && token.word.len() == 1 && token.word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Some((token.word.to_ascii_lowercase(), at + 1));
    }
    // "14a".
    let digits = token.word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let letter = token.word.get(digits.len()..).unwrap_or_default();
    if !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && digits.len() <= 4
        && letter.len() <= 1
    {
        let mut value = token.word.clone();
        let mut next = at + 1;
        // "12-14".
        if let Some(to) = tokens.get(next).filter(|to| to.joined_by == Some('-') && to.is_digits())
        {
            value = format!("{value}-{}", to.word);
            next += 1;
        }
        return Some(with_letter(tokens, value, next, !letter.is_empty()));
    }
    if token.is_digits() {
        return None;
    }
    let whole = cardinal(tokens, at).filter(|(number, _)| (1..10_000).contains(number));
    let whole = whole.map(|(number, next)| (number.to_string(), next));
    let by_digit =
        row(tokens, at).filter(|(digits, _)| digits.len() <= 4 && !digits.starts_with('0'));
    let (value, next) = match (whole, by_digit) {
        (Some(whole), Some(by_digit)) if by_digit.1 > whole.1 => by_digit,
        (Some(whole), _) => whole,
        (None, by_digit) => by_digit?,
    };
    Some(with_letter(tokens, value, next, false))
}

/// "14 a", "fourteen bee", "fifty four d for delta": the letter of a house, as far as there are such.
fn with_letter(tokens: &[Token], value: String, next: usize, has_one: bool) -> (String, usize) {
    let said = word(tokens, next).filter(|_| !has_one);
    // "are" and "in" go on with the sentence.
    let letter =
        said.and_then(letter).map(|(letter, _)| letter).filter(|l| ('A'..='F').contains(l));
    match letter.filter(|_| said.is_none_or(|said| !is_listed("hey, he, if", said))) {
        Some(letter) => {
            let end = explained(tokens, next + 1, letter).unwrap_or(next + 1);
            (format!("{value}{}", letter.to_ascii_lowercase()), end)
        }
        None => (value, next),
    }
}

/// "number twelve", "flat 3": what can be nothing else.
fn announced_house(tokens: &[Token], at: usize) -> Option<(usize, usize, House)> {
    let first = word(tokens, at)?;
    let live = phrase(tokens, at, "live at").or_else(|| phrase(tokens, at, "i'm at"));
    if let Some(from) = live {
        return house(tokens, from).map(|(value, to)| (from, to, value));
    }
    let announced = matches!(first, "flat" | "apartment")
        || phrase(tokens, at, "house number").is_some()
        || first == "number" && not_of_something(tokens, at);
    if !announced {
        return None;
    }
    let from = if first == "house" { at + 1 } else { at };
    let (value, to) = house(tokens, from)?;
    let digits = |number: &String| number.chars().filter(char::is_ascii_digit).count();
    let short = value.number.as_ref().is_none_or(|number| digits(number) <= 4);
    short.then_some((from, to, value))
}

/// What has a number and is no house.
const NUMBERED: &str = "reference, phone, account, telephone, ref, mobile, column, bus, badge, card, case, \
    pcn, ticket, contact, my, the";

/// "reference number twelve" is none of a house.
fn not_of_something(tokens: &[Token], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| word(tokens, before));
    !before.is_some_and(|before| is_listed(NUMBERED, before))
}

fn bare_house(tokens: &[Token], at: usize) -> Option<(usize, usize, House)> {
    house(tokens, at).map(|(value, to)| (at, to, value))
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn read(text: &str) -> (Option<String>, Option<String>) {
        let address = find(&tokens(text), false, false);
        (address.house.map(|found| found.value), address.street.map(|found| found.value))
    }

    #[test]
    fn addresses_are_read_spoken_and_written() {
        for (said, house, street) in [
            ("14 Acacia Avenue", "14", "Acacia Avenue"),
            ("fourteen acacia avenue", "14", "Acacia Avenue"),
            ("flat 3, 14 Acacia Avenue", "14", "Acacia Avenue"),
            ("flat three fourteen acacia avenue", "14", "Acacia Avenue"),
            ("number twelve high street", "12", "High Street"),
            ("i live at number 12 the high street", "12", "High Street"),
            ("14a mill lane", "14a", "Mill Lane"),
            ("fourteen b mill lane", "14b", "Mill Lane"),
            ("a hundred and five station road", "105", "Station Road"),
            ("one oh five station road", "105", "Station Road"),
            ("twenty two saint mary's road", "22", "St Mary's Road"),
            ("22 St Mary's Rd", "22", "St Mary's Road"),
            ("it's 7 oak close", "7", "Oak Close"),
            ("my address is six the green lane", "6", "Green Lane"),
            ("12-14 Market Place", "12-14", "Market Place"),
            ("forty two upper church hill", "42", "Upper Church Hill"),
            ("forty one the green", "41", "The Green"),
            ("3 south park drive", "3", "South Park Drive"),
            ("9 King George V Avenue", "9", "King George V Avenue"),
        ] {
            let expected = (Some(house.to_owned()), Some(street.to_owned()));
            assert_eq!(read(said), expected, "{said}");
        }
    }

    #[test]
    fn a_street_is_found_without_a_house_and_a_house_without_a_street() {
        assert_eq!(read("there's a pothole on mill lane").1.as_deref(), Some("Mill Lane"));
        assert_eq!(read("rubbish dumped in Oak Drive").1.as_deref(), Some("Oak Drive"));
        assert_eq!(read("it's number fourteen").0.as_deref(), Some("14"));
        let flat = |text: &str| find(&tokens(text), false, false).flat.map(|found| found.value);
        assert_eq!(flat("flat 3").as_deref(), Some("3"));
        assert_eq!(flat("flat three fourteen acacia avenue").as_deref(), Some("3"));
        assert_eq!(flat("flat forty six mill lane"), None);
        let bare = find(&tokens("fourteen a"), false, true).house.map(|found| found.value);
        assert_eq!(bare.as_deref(), Some("14a"));
        for (said, street) in [
            ("church hill", "Church Hill"),
            ("it's the avenue", "The Avenue"),
            ("on highfield", "Highfield"),
        ] {
            let found = find(&tokens(said), true, false).street.map(|found| found.value);
            assert_eq!(found.as_deref(), Some(street));
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for said in [
            "the street light in my street is out",
            "no way",
            "my bin was not collected",
            "our road is full of holes",
            "the road sign is down",
            "reference number twelve",
            "close my account",
            "two bins",
            "right at the end",
            "they parked across my drive",
            "",
        ] {
            assert_eq!(read(said), (None, None), "{said}");
        }
    }
}
