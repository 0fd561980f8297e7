//! Telephone numbers as people and networks write them, and the one way in which we write them.
//!
//! A dialled text is read into a [`Number`]: whatever spelling of a United Kingdom number arrives
//! (01708 434343, +44 (0)1708 434343, 00441708434343, 441708434343, tel:+44-1708-434343) becomes the
//! same E.164 number. Star codes, short codes, extensions and names stay what they are. [`class`]
//! says what a number costs, by Ofcom's National Telephone Numbering Plan.

use std::fmt;

pub mod class;

/// The country whose national numbers we read and write.
const COUNTRY: &str = "44";
/// E.164 allows 15 digits; RFC 3966 allows more, nobody has them.
const MOST_DIGITS: usize = 15;
/// Shorter international numbers do not exist.
const FEWEST_DIGITS: usize = 7;

/// Who is meant by a user part, a tel URI or a written number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Number {
    /// A number that is the same in the whole world: its digits with the country's code, no plus.
    E164(String),
    /// Digits that mean something here only: a short code (`101`), an extension, a local number.
    Short(String),
    /// Digits with `*` or `#`: what phones dial to change something (`*70`).
    Code(String),
    /// Anything else: a name (`council`). Kept as written.
    Name(String),
}

/// A dialled text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialled {
    /// Who is meant.
    pub number: Number,
    /// Through Relay UK: 18001 is dialled by a text user, 18002 by somebody who speaks to one.
    pub relay: Option<Relay>,
    /// The caller's number is to be withheld for this call (141), or shown (1470).
    pub present: Option<bool>,
}

/// The prefixes of Relay UK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relay {
    /// 18001: the caller uses text.
    Text,
    /// 18002: the called person uses text.
    Voice,
}

impl Relay {
    /// What is dialled.
    pub const fn prefix(self) -> &'static str {
        match self {
            Relay::Text => "18001",
            Relay::Voice => "18002",
        }
    }
}

/// How a number is written for a trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `+441708434343`.
    #[default]
    E164,
    /// `441708434343`: the same without the plus.
    Digits,
    /// As dialled in this country: `01708434343`, `0033123456789` abroad.
    National,
}

impl Number {
    /// Reads a number or a name: visual separators, a `tel:` or `sip:` scheme and anything after a
    /// `;` are left out, except a global `phone-context` (RFC 3966 section 5.1.5), which is put in
    /// front. Never fails: what is no number is a name.
    pub fn read(text: &str) -> Number {
        let text = text.trim();
        let text = ["tel:", "sip:", "sips:"]
            .iter()
            .find_map(|scheme| strip_prefix_ignoring_case(text, scheme))
            .unwrap_or(text);
        let (text, params) = text.split_once(';').unwrap_or((text, ""));
        let text = text.split('@').next().unwrap_or(text).trim();
        let context = params.split(';').find_map(|param| {
            let context = strip_prefix_ignoring_case(param, "phone-context=")?;
            context.split('@').next()?.strip_prefix('+')
        });
        let Some(dialled) = dialled_characters(text) else { return Number::Name(text.to_owned()) };
        if dialled.contains(['*', '#']) {
            return Number::Code(dialled);
        }
        match (dialled.strip_prefix('+'), context) {
            (Some(digits), _) => international(digits),
            (None, Some(context)) if !dialled.starts_with('0') => {
                let digits: String = context.chars().filter(char::is_ascii_digit).collect();
                international(&(digits + &dialled))
            }
            (None, _) => national(&dialled),
        }
        .unwrap_or(Number::Short(dialled))
    }

    /// As it is written in the journal and compared: `+` and digits for a number of the whole world,
    /// the rest as it is.
    pub fn canonical(&self) -> String {
        self.to_string()
    }

    /// As it is dialled and shown in this country.
    pub fn national(&self) -> String {
        match self {
            Number::E164(digits) => match digits.strip_prefix(COUNTRY) {
                Some(rest) => format!("0{rest}"),
                None => format!("00{digits}"),
            },
            Number::Short(text) | Number::Code(text) | Number::Name(text) => text.clone(),
        }
    }

    /// As a trunk wants it.
    pub fn written(&self, format: Format) -> String {
        match (format, self) {
            (Format::E164, _) => self.to_string(),
            (Format::Digits, Number::E164(digits)) => digits.clone(),
            (Format::Digits | Format::National, _) => self.national(),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::E164(digits) => write!(f, "+{digits}"),
            Number::Short(text) | Number::Code(text) | Number::Name(text) => f.write_str(text),
        }
    }
}

impl Dialled {
    /// Takes a dialled text apart: what stands in front of the number proper (141 and 1470, then
    /// 18001 and 18002) and the number.
    pub fn read(text: &str) -> Dialled {
        let whole = Number::read(text);
        let Number::Short(digits) = &whole else {
            return Dialled { number: whole, relay: None, present: None };
        };
        let (present, rest) = match (digits.strip_prefix("1470"), digits.strip_prefix("141")) {
            (Some(rest), _) if !rest.is_empty() => (Some(true), rest),
            (None, Some(rest)) if !rest.is_empty() => (Some(false), rest),
            (Some(_) | None, _) => (None, digits.as_str()),
        };
        let relay = [Relay::Text, Relay::Voice].into_iter().find_map(|relay| {
            let rest = rest.strip_prefix(relay.prefix())?;
            (!rest.is_empty()).then_some((relay, rest))
        });
        let (relay, rest) = relay.map_or((None, rest), |(relay, rest)| (Some(relay), rest));
        if present.is_none() && relay.is_none() {
            return Dialled { number: whole, relay: None, present: None };
        }
        Dialled { number: Number::read(rest), relay, present }
    }
}

/// How a text compares with others: see [`Number::canonical`].
pub fn canonical(text: &str) -> String {
    Number::read(text).canonical()
}

/// The text without visual separators, if what is left can be dialled: a plus at the front only, and
/// digits, `*` and `#`.
fn dialled_characters(text: &str) -> Option<String> {
    let kept: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}'))
        .collect();
    let rest = kept.strip_prefix('+').unwrap_or(&kept);
    let can = |b: u8| b.is_ascii_digit() || b == b'*' || b == b'#';
    // A text of separators and digits is a number; one with letters between is a name.
    (!rest.is_empty() && rest.bytes().all(can)).then_some(kept)
}

/// Digits after a plus, with the country's code.
fn international(digits: &str) -> Option<Number> {
    let digits = match digits.strip_prefix(COUNTRY) {
        // +44 (0)1708 ...: the national prefix has no place there, and people write it.
        Some(rest) => {
            let rest = rest.strip_prefix('0').unwrap_or(rest);
            if is_emergency(rest) {
                // A phone's dialling rule has put it in front: it is still what is needed now.
                return Some(Number::Short(rest.to_owned()));
            }
            format!("{COUNTRY}{rest}")
        }
        None => digits.to_owned(),
    };
    let fits = (FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len()) && !digits.starts_with('0');
    fits.then_some(Number::E164(digits))
}

/// Digits as they are dialled in this country.
fn national(digits: &str) -> Option<Number> {
    if let Some(rest) = digits.strip_prefix("00") {
        return international(rest);
    }
    if let Some(rest) = digits.strip_prefix('0') {
        return is_national(rest).then(|| Number::E164(format!("{COUNTRY}{rest}")));
    }
    // Networks that leave out the plus; no number that is dialled here begins with 44 and is as long.
    let rest = digits.strip_prefix(COUNTRY)?;
    let rest = rest.strip_prefix('0').unwrap_or(rest);
    (rest.len() >= 9 && is_national(rest)).then(|| Number::E164(format!("{COUNTRY}{rest}")))
}

/// Whether these can be the digits after the 0: ten, or nine (some 01 and 0800 numbers), or seven
/// (0800 1111 and 0845 46 4x).
fn is_national(rest: &str) -> bool {
    let short = matches!(rest, "8001111") || (rest.len() == 7 && rest.starts_with("845464"));
    !rest.starts_with('0') && (matches!(rest.len(), 9 | 10) || short)
}

/// The emergency services, the last by text.
fn is_emergency(digits: &str) -> bool {
    matches!(digits, "999" | "112" | "18000")
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_number_is_the_same_number() {
        for text in [
            "01708434343",
            "01708 434343",
            "(01708) 434-343",
            "01708.434.343",
            "+441708434343",
            "+44 1708 434343",
            "+44 (0)1708 434343",
            "+4401708434343",
            "00441708434343",
            "0044 (0) 1708 434343",
            "441708434343",
            "4401708434343",
            "tel:+44-1708-434343",
            "TEL:+441708434343;ext=12",
            "tel:1708434343;phone-context=+44",
            "tel:434343;phone-context=+44-1708",
            "sip:+441708434343@carrier.example;user=phone",
            "+441708434343;phone-context=example.com",
            " 01708\u{a0}434343 ",
        ] {
            assert_eq!(Number::read(text).canonical(), "+441708434343", "{text}");
        }
    }

    #[test]
    fn what_is_no_full_number_stays_what_it_is() {
        for (text, number) in [
            ("434343", Number::Short("434343".to_owned())),
            ("101", Number::Short("101".to_owned())),
            ("116 123", Number::Short("116123".to_owned())),
            ("0", Number::Short("0".to_owned())),
            ("00", Number::Short("00".to_owned())),
            ("+1", Number::Short("+1".to_owned())),
            ("4412", Number::Short("4412".to_owned())),
            ("*70", Number::Code("*70".to_owned())),
            ("*21*01708434343#", Number::Code("*21*01708434343#".to_owned())),
            ("council", Number::Name("council".to_owned())),
            ("Council-Tax", Number::Name("Council-Tax".to_owned())),
            ("", Number::Name(String::new())),
            ("+", Number::Name("+".to_owned())),
            ("01708+434343", Number::Name("01708+434343".to_owned())),
            ("0170843434३", Number::Name("0170843434३".to_owned())),
        ] {
            assert_eq!(Number::read(text), number, "{text}");
        }
    }

    #[test]
    fn a_number_is_written_as_each_network_wants_it() {
        for (text, e164, digits, national) in [
            ("01708434343", "+441708434343", "441708434343", "01708434343"),
            ("0033123456789", "+33123456789", "33123456789", "0033123456789"),
            ("0800 1111", "+448001111", "448001111", "08001111"),
            ("0845 46 47", "+448454647", "448454647", "08454647"),
            ("016977 2345", "+44169772345", "44169772345", "0169772345"),
            ("999", "999", "999", "999"),
        ] {
            let number = Number::read(text);
            let written =
                [Format::E164, Format::Digits, Format::National].map(|f| number.written(f));
            assert_eq!(written, [e164, digits, national], "{text}");
        }
    }

    #[test]
    fn prefixes_for_withholding_and_for_relay_are_taken_off() {
        let cases = [
            ("14101708434343", "+441708434343", None, Some(false)),
            ("147001708434343", "+441708434343", None, Some(true)),
            ("1800101708434343", "+441708434343", Some(Relay::Text), None),
            ("1411800201708434343", "+441708434343", Some(Relay::Voice), Some(false)),
            ("141999", "999", None, Some(false)),
            ("18000", "18000", None, None),
            ("18001", "18001", None, None),
            ("141", "141", None, None),
            ("1470", "1470", None, None),
            ("01708434343", "+441708434343", None, None),
            ("+14155552671", "+14155552671", None, None),
        ];
        for (text, number, relay, present) in cases {
            let read = Dialled::read(text);
            assert_eq!(
                (read.number.canonical().as_str(), read.relay, read.present),
                (number, relay, present),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn reading_again_what_was_written_changes_nothing(text in "[+0-9 ().*#a-z;=@-]{0,24}") {
            let number = Number::read(&text);
            prop_assert_eq!(&Number::read(&number.canonical()), &number);
            if let Number::E164(digits) = &number {
                prop_assert!((FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len()));
                let again = Number::read(&number.written(Format::National));
                // A foreign number shorter or longer than ours is still the same abroad.
                prop_assert!(again == number || digits.starts_with(COUNTRY), "{again:?}");
            }
        }

        #[test]
        fn a_united_kingdom_number_survives_every_spelling(rest in "[1-9][0-9]{9}") {
            let number = Number::E164(format!("44{rest}"));
            for format in [Format::E164, Format::Digits, Format::National] {
                prop_assert_eq!(&Number::read(&number.written(format)), &number);
            }
        }
    }
}
