//! What a call remembers while it walks through flows.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::{Date, Time as Clock};
use zeroize::Zeroizing;

use crate::id::ValueName;
use crate::number::Number;

/// What a value is: how it is read from a caller or a back end, and how it is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Words. They cannot be spoken: no voice is at hand while a call is up.
    Text,
    /// A whole number, spoken as one: "twenty-three".
    Number,
    /// Digits, spoken one by one.
    Digits,
    /// Letters and digits, spoken one by one in groups.
    Reference,
    /// A sum in pounds and pence.
    Money,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A UK postcode.
    Postcode,
    /// A house's number, with a letter behind it or none.
    HouseNumber,
    /// A vehicle's registration.
    Registration,
    /// A telephone number.
    Phone,
    /// Yes or no.
    YesNo,
    /// What a call is about, by the intent's name; spoken as people call it. Only `ask` makes it.
    Business,
}

impl Kind {
    /// The words of the language for what is read.
    pub const WORDS: [(&'static str, Kind); 12] = [
        ("text", Kind::Text),
        ("number", Kind::Number),
        ("digits", Kind::Digits),
        ("reference", Kind::Reference),
        ("money", Kind::Money),
        ("date", Kind::Date),
        ("time", Kind::Time),
        ("postcode", Kind::Postcode),
        ("house_number", Kind::HouseNumber),
        ("registration", Kind::Registration),
        ("phone", Kind::Phone),
        ("yes_no", Kind::YesNo),
    ];

    /// The kind that a word names.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::WORDS.iter().find_map(|(known, kind)| (*known == word).then_some(*kind))
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        let word = Kind::WORDS.iter().find(|(_, kind)| *kind == self);
        word.map_or("business", |(word, _)| word)
    }

    /// Reads a value as people and back ends write it; none if it is not of this kind. Dates are
    /// `2026-12-01`, times `14:30`, sums `12.50` with or without the pence.
    pub fn read(self, written: &str) -> Option<Value> {
        let written = written.trim();
        let bare = |separators: &[char]| written.replace(separators, "");
        match self {
            Kind::Text => Some(Value::Text(written.to_owned())),
            Kind::Business => super::is_name(written).then(|| Value::Text(written.to_owned())),
            Kind::Number => written.parse().ok().map(Value::Whole),
            Kind::Digits => {
                let digits = bare(&[' ', '-']);
                let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                all.then_some(Value::Text(digits))
            }
            Kind::Reference => {
                let letters = bare(&[' ']).to_ascii_uppercase();
                let all = !letters.is_empty()
                    && letters
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/'));
                all.then_some(Value::Text(letters))
            }
            Kind::Money => pence(&bare(&['£', ',', ' '])).map(Value::Pence),
            Kind::Date => written.parse().ok().map(Value::Date),
            Kind::Time => written.parse().ok().map(Value::Time),
            Kind::Postcode => postcode(written).map(Value::Text),
            Kind::HouseNumber => house_number(written).map(Value::Text),
            Kind::Registration => registration(written).map(Value::Text),
            Kind::Phone => {
                let number = crate::number::canonical(written);
                let digits = number.trim_start_matches('+');
                let all = digits.len() >= 3 && digits.bytes().all(|b| b.is_ascii_digit());
                all.then_some(Value::Text(number))
            }
            Kind::YesNo => match written.to_ascii_lowercase().as_str() {
                "yes" | "true" | "y" | "1" => Some(Value::Truth(true)),
                "no" | "false" | "n" | "0" => Some(Value::Truth(false)),
                _ => None,
            },
        }
    }
}

/// Pounds and pence as pence.
fn pence(written: &str) -> Option<i64> {
    let (sign, written) = match written.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, written),
    };
    let (pounds, rest) = written.split_once('.').unwrap_or((written, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if pounds.is_empty() || !digits(pounds) || !digits(rest) || rest.len() > 2 {
        return None;
    }
    let pence: i64 = match rest.len() {
        0 => 0,
        1 => rest.parse::<i64>().ok()? * 10,
        _ => rest.parse().ok()?,
    };
    pounds.parse::<i64>().ok()?.checked_mul(100)?.checked_add(pence)?.checked_mul(sign)
}

/// A postcode by its pattern (outward code, then a digit and two letters), with one space.
fn postcode(written: &str) -> Option<String> {
    let letters: String =
        written.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
    if !letters.is_ascii() || !(5..=7).contains(&letters.len()) {
        return None;
    }
    let (outward, inward) = letters.split_at(letters.len() - 3);
    let shape: String =
        outward.chars().map(|c| if c.is_ascii_digit() { '9' } else { 'A' }).collect();
    let known = matches!(shape.as_str(), "A9" | "A99" | "AA9" | "AA99" | "A9A" | "AA9A");
    let mut end = inward.bytes();
    let inward_good =
        end.next().is_some_and(|b| b.is_ascii_digit()) && end.all(|b| b.is_ascii_uppercase());
    let plain = outward.bytes().all(|b| b.is_ascii_alphanumeric());
    (known && inward_good && plain).then(|| format!("{outward} {inward}"))
}

/// `14`, `14a`: a number and at most one letter.
fn house_number(written: &str) -> Option<String> {
    let written = written.replace(' ', "").to_ascii_lowercase();
    let number = written.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(&written);
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let written = written.trim_start_matches('0');
    let fits = (1..=4).contains(&number.trim_start_matches('0').len());
    (digits && fits).then(|| written.to_owned())
}

/// A registration, with a space before the last three letters if it is of the present kind.
fn registration(written: &str) -> Option<String> {
    let letters = written.replace([' ', '-'], "").to_ascii_uppercase();
    let all = letters.bytes().all(|b| b.is_ascii_alphanumeric());
    if !all || !(2..=7).contains(&letters.len()) {
        return None;
    }
    let shape: String =
        letters.chars().map(|c| if c.is_ascii_digit() { '9' } else { 'A' }).collect();
    Some(match shape.as_str() {
        "AA99AAA" => {
            let (place, random) = letters.split_at(4);
            format!("{place} {random}")
        }
        _ => letters,
    })
}

/// Something that a call remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// Not known.
    #[default]
    Nothing,
    /// Yes or no.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// A sum in pence.
    Pence(i64),
    /// A day.
    Date(Date),
    /// A time of day.
    Time(Clock),
    /// Words, digits, letters.
    Text(String),
}

impl Value {
    /// Reads what a back end has answered.
    pub fn from_json(json: &serde_json::Value, kind: Kind) -> Option<Value> {
        match json {
            serde_json::Value::String(text) => kind.read(text),
            serde_json::Value::Bool(truth) if kind == Kind::YesNo => Some(Value::Truth(*truth)),
            // Every decimal that JSON can write, exactly as it was written.
            serde_json::Value::Number(number) => match kind {
                Kind::Number
                | Kind::Money
                | Kind::Digits
                | Kind::Reference
                | Kind::HouseNumber
                | Kind::Text => kind.read(&number.to_string()),
                Kind::Date
                | Kind::Time
                | Kind::Postcode
                | Kind::Registration
                | Kind::Phone
                | Kind::YesNo
                | Kind::Business => None,
            },
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => None,
        }
    }

    /// As JSON: truth and whole numbers as such, all else as text.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Nothing => serde_json::Value::Null,
            Value::Truth(truth) => (*truth).into(),
            Value::Whole(number) => (*number).into(),
            Value::Pence(_) | Value::Date(_) | Value::Time(_) | Value::Text(_) => {
                self.to_string().into()
            }
        }
    }
}

impl Value {
    /// As people read it in a letter, in the style of GOV.UK: `£12.50`, `1 December 2026`, `2:15pm`.
    pub fn in_writing(&self, kind: Option<Kind>) -> String {
        match self {
            Value::Pence(pence) => {
                let written = Value::Pence(pence.abs()).to_string();
                let written = written.strip_suffix(".00").unwrap_or(&written);
                format!("{}£{written}", if *pence < 0 { "-" } else { "" })
            }
            Value::Date(date) => date.strftime("%-d %B %Y").to_string(),
            Value::Time(time) => match (time.hour(), time.minute()) {
                (12, 0) => "midday".to_owned(),
                (0, 0) => "midnight".to_owned(),
                (_, 0) => time.strftime("%-I%P").to_string(),
                (_, _) => time.strftime("%-I:%M%P").to_string(),
            },
            Value::Text(number) if kind == Some(Kind::Phone) => Number::read(number).national(),
            Value::Nothing | Value::Truth(_) | Value::Whole(_) | Value::Text(_) => self.to_string(),
        }
    }
}

/// As [`Kind::read`] reads it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nothing => Ok(()),
            Value::Truth(true) => f.write_str("yes"),
            Value::Truth(false) => f.write_str("no"),
            Value::Whole(number) => write!(f, "{number}"),
            Value::Pence(pence) => {
                let sign = if *pence < 0 { "-" } else { "" };
                let pence = pence.unsigned_abs();
                write!(f, "{sign}{}.{:02}", pence / 100, pence % 100)
            }
            Value::Date(date) => write!(f, "{date}"),
            Value::Time(time) => write!(f, "{:02}:{:02}", time.hour(), time.minute()),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// Everything that a call remembers in a flow.
pub type Values = BTreeMap<ValueName, Value>;

/// Digits that nobody may see: a card's number. Forgotten for good when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// These digits are secret.
    pub fn new(digits: Zeroizing<String>) -> Self {
        Secret(digits)
    }

    /// The digits, for the one place that sends them on.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Whether digits end in the check digit of payment cards (ISO/IEC 7812-1, Luhn).
pub fn has_check_digit(digits: &str) -> bool {
    let sum = digits.bytes().rev().enumerate().try_fold(0_u32, |sum, (at, byte)| {
        let digit = u32::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        let twice = if at % 2 == 1 { digit * 2 } else { digit };
        Some(sum + twice / 10 + twice % 10)
    });
    !digits.is_empty() && sum.is_some_and(|sum| sum % 10 == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write_is_read_by_its_kind() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        for (kind, written, read) in [
            (Kind::Money, "£1,234.5", Some(Value::Pence(123_450))),
            (Kind::Money, "12", Some(Value::Pence(1_200))),
            (Kind::Money, "-0.05", Some(Value::Pence(-5))),
            (Kind::Money, "12.505", None),
            (Kind::Money, "99999999999999999999", None),
            (Kind::Postcode, "rm13bd", text("RM1 3BD")),
            (Kind::Postcode, "EC1A 1BB", text("EC1A 1BB")),
            (Kind::Postcode, "RM1 33D", None),
            (Kind::Postcode, "ÉM1 3BD", None),
            (Kind::Digits, "12 34-56", text("123456")),
            (Kind::Digits, "12a", None),
            (Kind::Reference, "mb 12-a", text("MB12-A")),
            (Kind::Number, "007", Some(Value::Whole(7))),
            (Kind::Phone, "01708 434343", text("+441708434343")),
            (Kind::HouseNumber, "014 A", text("14a")),
            (Kind::HouseNumber, "0", None),
            (Kind::HouseNumber, "a", None),
            (Kind::HouseNumber, "12345", None),
            (Kind::Registration, "ab12cde", text("AB12 CDE")),
            (Kind::Registration, "A1", text("A1")),
            (Kind::Registration, "AB12 CDEF", None),
            (Kind::YesNo, "Yes", Some(Value::Truth(true))),
            (Kind::YesNo, "perhaps", None),
            (Kind::Date, "2026-02-30", None),
            (Kind::Time, "25:00", None),
        ] {
            assert_eq!(kind.read(written), read, "{} {written}", kind.word());
        }
        assert_eq!(Kind::Date.read("2026-12-01").map(|v| v.to_string()), Some("2026-12-01".into()));
        assert_eq!(Kind::Time.read("14:30").map(|v| v.to_string()), Some("14:30".into()));
    }

    #[test]
    fn a_back_end_may_answer_with_numbers_or_text() {
        let read =
            |json: &str, kind| Value::from_json(&serde_json::from_str(json).expect("json"), kind);
        assert_eq!(read("12.5", Kind::Money), Some(Value::Pence(1_250)));
        assert_eq!(read("\"12.50\"", Kind::Money), Some(Value::Pence(1_250)));
        assert_eq!(read("true", Kind::YesNo), Some(Value::Truth(true)));
        assert_eq!(read("7", Kind::Date), None);
        assert_eq!(read("{}", Kind::Text), None);
        assert_eq!(read("1e300", Kind::Number), None);
    }

    #[test]
    fn letters_are_written_for_people() {
        for (kind, written, read) in [
            (Kind::Money, "12.5", "£12.50"),
            (Kind::Money, "65", "£65"),
            (Kind::Money, "-0.05", "-£0.05"),
            (Kind::Date, "2026-12-01", "1 December 2026"),
            (Kind::Time, "14:15", "2:15pm"),
            (Kind::Time, "09:00", "9am"),
            (Kind::Time, "12:00", "midday"),
            (Kind::Time, "00:30", "12:30am"),
            (Kind::Phone, "+447700900123", "07700900123"),
            (Kind::Reference, "w-417-206", "W-417-206"),
            (Kind::YesNo, "1", "yes"),
        ] {
            let value = kind.read(written).expect("is good");
            assert_eq!(value.in_writing(Some(kind)), read);
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let secret = Secret::new(Zeroizing::new("4111".to_owned()));
        assert_eq!(format!("{secret:?}"), "(secret)");
    }

    #[test]
    fn cards_have_a_check_digit() {
        assert!(has_check_digit("4111111111111111") && has_check_digit("5555555555554444"));
        assert!(
            !has_check_digit("4111111111111112") && !has_check_digit("") && !has_check_digit("4a")
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(pence in -1_000_000_000_i64..1_000_000_000) {
            prop_assert_eq!(Kind::Money.read(&Value::Pence(pence).to_string()), Some(Value::Pence(pence)));
        }

        #[test]
        fn nothing_that_is_written_breaks_a_reader(written in "\\PC{0,12}") {
            for (_, kind) in Kind::WORDS {
                if let Some(value) = kind.read(&written) {
                    prop_assert_eq!(kind.read(&value.to_string()), Some(value));
                }
            }
        }
    }
}
