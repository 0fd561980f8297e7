//! How numbers, sums, days, times and references are spoken: as a row of short recordings
//! (`sounds/<language>/say/`), so that no voice is needed while a call is up.
//!
//! Numbers are said in groups as they are printed, with a pause between groups.

use jiff::civil::Date;

use super::prompt::SpokenText;
use super::value::{Kind, Value};
use crate::id::{IntentName, PromptName};

/// The folder of the recordings.
const FOLDER: &str = "say";
/// Silence between groups; no file.
pub const PAUSE: &str = "say/pause";
/// The largest number that is spoken as one; beyond it digits are.
const MOST: u64 = 999_999_999;
/// Digits and letters in a group.
const GROUP: usize = 3;

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
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
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// The months.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The days of the week, Monday first.
pub(crate) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// The days of a month.
pub(crate) const ORDINALS: [&str; 31] = [
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
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
];
/// Recordings that are no number, letter, day or month: their names and words.
const WORDS: [(&str, &str); 22] = [
    ("hundred", "hundred"),
    ("hundred-and", "hundred and"),
    ("thousand", "thousand"),
    ("thousand-and", "thousand and"),
    ("million", "million"),
    ("million-and", "million and"),
    ("minus", "minus"),
    ("pound", "pound"),
    ("pounds", "pounds"),
    ("and", "and"),
    ("penny", "penny"),
    ("pence", "pence"),
    ("oh", "oh"),
    ("oclock", "o'clock"),
    ("noon", "twelve noon"),
    ("midnight", "midnight"),
    ("morning", "in the morning"),
    ("afternoon", "in the afternoon"),
    ("evening", "in the evening"),
    ("yes", "yes"),
    ("no", "no"),
    ("nothing", "nothing"),
];

/// Every recording that values can need, and its words.
pub fn texts() -> Vec<SpokenText> {
    let mut texts: Vec<SpokenText> = Vec::new();
    let mut add = |name: String, text: String| {
        texts.push(SpokenText { prompt: named(&name), text, language: None });
    };
    for number in 0..100 {
        add(format!("n-{number}"), below_a_hundred(number));
    }
    for letter in b'A'..=b'Z' {
        let letter = char::from(letter);
        add(format!("l-{}", letter.to_ascii_lowercase()), letter.to_string());
    }
    for day in DAYS {
        add(day.to_ascii_lowercase(), day.to_owned());
    }
    for (at, ordinal) in ORDINALS.iter().enumerate() {
        add(format!("the-{}", at + 1), format!("the {ordinal} of"));
    }
    for month in MONTHS {
        add(month.to_ascii_lowercase(), month.to_owned());
    }
    for (name, words) in WORDS {
        add(name.to_owned(), words.to_owned());
    }
    texts
}

/// A number below a hundred in words, as in `twenty-one`.
pub(crate) fn below_a_hundred(number: usize) -> String {
    let unit = |at: usize| UNITS.get(at).copied().unwrap_or_default();
    if number < 20 {
        return unit(number).to_owned();
    }
    let ten = TENS.get(number / 10).copied().unwrap_or_default();
    match number % 10 {
        0 => ten.to_owned(),
        rest => format!("{ten}-{}", unit(rest)),
    }
}

fn named(word: &str) -> PromptName {
    PromptName::from(format!("{FOLDER}/{word}"))
}

/// The recording that says what a call is about.
pub fn business(intent: &IntentName) -> PromptName {
    named(&format!("about-{intent}"))
}

/// The recordings that say a value, in order. `today` leaves out this year's number.
pub fn say(value: &Value, kind: Kind, today: Date) -> Vec<PromptName> {
    let mut saying = Saying(Vec::new());
    match value {
        Value::Nothing => saying.word("nothing"),
        Value::Truth(true) => saying.word("yes"),
        Value::Truth(false) => saying.word("no"),
        Value::Whole(number) => match kind {
            Kind::Digits | Kind::Reference | Kind::Registration | Kind::Phone => {
                saying.spelt(&number.to_string());
            }
            Kind::Text
            | Kind::Number
            | Kind::HouseNumber
            | Kind::Money
            | Kind::Date
            | Kind::Time
            | Kind::Postcode
            | Kind::YesNo
            | Kind::Business => {
                if *number < 0 {
                    saying.word("minus");
                }
                saying.number(number.unsigned_abs());
            }
        },
        Value::Pence(pence) => {
            if *pence < 0 {
                saying.word("minus");
            }
            saying.money(pence.unsigned_abs());
        }
        Value::Date(date) => saying.date(*date, today),
        Value::Time(time) => saying.time(time.hour().unsigned_abs(), time.minute().unsigned_abs()),
        Value::Text(text) => match kind {
            Kind::Business => saying.0.push(business(&text.as_str().into())),
            Kind::Phone => saying.spelt(&national(text)),
            Kind::HouseNumber => {
                let letter = text.trim_start_matches(|c: char| c.is_ascii_digit());
                let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
                match number.parse() {
                    Ok(number) => saying.number(number),
                    Err(_) => saying.spelt(number),
                }
                saying.letters(&letter.to_ascii_uppercase());
                saying.pause();
            }
            Kind::Postcode | Kind::Registration => {
                for part in text.split(' ') {
                    saying.letters(part);
                    saying.pause();
                }
            }
            Kind::Text
            | Kind::Number
            | Kind::Digits
            | Kind::Reference
            | Kind::Money
            | Kind::Date
            | Kind::Time
            | Kind::YesNo => saying.spelt(text),
        },
    }
    saying.0
}

/// The recordings that say a number.
pub fn number(number: u64) -> Vec<PromptName> {
    let mut saying = Saying(Vec::new());
    saying.number(number);
    saying.0
}

/// A number as people here write it.
fn national(number: &str) -> String {
    match number.strip_prefix("+44") {
        Some(rest) => format!("0{rest}"),
        None => number.to_owned(),
    }
}

/// The recordings so far.
struct Saying(Vec<PromptName>);

impl Saying {
    fn word(&mut self, word: &str) {
        self.0.push(named(word));
    }

    fn pause(&mut self) {
        self.0.push(PromptName::from(PAUSE));
    }

    fn number(&mut self, number: u64) {
        if number > MOST {
            return self.spelt(&number.to_string());
        }
        if number == 0 {
            return self.word("n-0");
        }
        let (millions, thousands, rest) =
            (number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
        // British English: "and" before what is below a hundred.
        let joined = |rest: u64| if (1..100).contains(&rest) { "-and" } else { "" };
        if millions > 0 {
            self.below_a_thousand(millions);
            let joined = if thousands == 0 { joined(rest) } else { "" };
            self.word(&format!("million{joined}"));
        }
        if thousands > 0 {
            self.below_a_thousand(thousands);
            self.word(&format!("thousand{}", joined(rest)));
        }
        if rest > 0 {
            self.below_a_thousand(rest);
        }
    }

    fn below_a_thousand(&mut self, number: u64) {
        let (hundreds, rest) = (number / 100, number % 100);
        if hundreds > 0 {
            self.word(&format!("n-{hundreds}"));
            self.word(if rest > 0 { "hundred-and" } else { "hundred" });
        }
        if rest > 0 {
            self.word(&format!("n-{rest}"));
        }
    }

    fn money(&mut self, sum: u64) {
        let (pounds, pence) = (sum / 100, sum % 100);
        if pounds > 0 || pence == 0 {
            self.number(pounds);
            self.word(if pounds == 1 { "pound" } else { "pounds" });
        }
        if pounds > 0 && pence > 0 {
            self.word("and");
        }
        if pence > 0 {
            self.number(pence);
            self.word(if pence == 1 { "penny" } else { "pence" });
        }
    }

    fn date(&mut self, date: Date, today: Date) {
        let at = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        let day = DAYS.get(at).copied().unwrap_or_default();
        self.word(&day.to_ascii_lowercase());
        self.word(&format!("the-{}", date.day()));
        let at = usize::from(date.month().unsigned_abs()).saturating_sub(1);
        let month = MONTHS.get(at).copied().unwrap_or_default();
        self.word(&month.to_ascii_lowercase());
        if date.year() != today.year() {
            self.year(u64::from(date.year().unsigned_abs()));
        }
    }

    /// "nineteen eighty-four", "nineteen oh five", "nineteen hundred", "two thousand and five".
    fn year(&mut self, year: u64) {
        let (century, rest) = (year / 100, year % 100);
        match rest {
            _ if !(11..=99).contains(&century) || (2000..2010).contains(&year) => self.number(year),
            0 => {
                self.word(&format!("n-{century}"));
                self.word("hundred");
            }
            1..10 => {
                self.word(&format!("n-{century}"));
                self.word("oh");
                self.word(&format!("n-{rest}"));
            }
            _ => {
                self.word(&format!("n-{century}"));
                self.word(&format!("n-{rest}"));
            }
        }
    }

    fn time(&mut self, hour: u8, minute: u8) {
        let part = match hour {
            _ if (hour, minute) == (0, 0) => return self.word("midnight"),
            _ if (hour, minute) == (12, 0) => return self.word("noon"),
            0..12 => "morning",
            12..18 => "afternoon",
            _ => "evening",
        };
        self.word(&format!("n-{}", (hour + 11) % 12 + 1));
        match minute {
            0 => self.word("oclock"),
            1..10 => {
                self.word("oh");
                self.word(&format!("n-{minute}"));
            }
            _ => self.word(&format!("n-{minute}")),
        }
        self.word(part);
    }

    fn letters(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '0'..='9' => self.word(&format!("n-{letter}")),
                'a'..='z' | 'A'..='Z' => self.word(&format!("l-{}", letter.to_ascii_lowercase())),
                // Hyphens and the like part groups; what no recording says is left out.
                _ => {}
            }
        }
    }

    /// One by one in groups of three; two groups of two at the end rather than one of four, and
    /// groups that were written as such are kept.
    fn spelt(&mut self, text: &str) {
        let groups =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        for group in groups {
            let mut rest = group;
            while !rest.is_empty() {
                let size = match rest.len() {
                    4 => 2,
                    size if size <= GROUP + 2 => size.min(GROUP),
                    _ => GROUP,
                };
                let (now, later) = rest.split_at(size);
                self.letters(now);
                self.pause();
                rest = later;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// The words that a value is spoken with.
    fn spoken(kind: Kind, written: &str) -> String {
        let value = kind.read(written).expect("is good");
        let all = texts();
        let words: Vec<&str> = say(&value, kind, date(2026, 11, 26))
            .iter()
            .map(|name| match name.as_str() {
                PAUSE => ",",
                _ => &all.iter().find(|text| text.prompt == *name).expect("is recorded").text,
            })
            .collect();
        words.join(" ").replace(" ,", ",").trim_end_matches(',').to_owned()
    }

    #[test]
    fn values_are_spoken_as_people_say_them() {
        for (kind, written, words) in [
            (Kind::Number, "0", "zero"),
            (Kind::Number, "1034", "one thousand and thirty-four"),
            (Kind::Number, "-115", "minus one hundred and fifteen"),
            (Kind::Number, "2000005", "two million and five"),
            (Kind::Number, "12300", "twelve thousand three hundred"),
            (Kind::Money, "1.01", "one pound and one penny"),
            (Kind::Money, "0.35", "thirty-five pence"),
            (Kind::Money, "0", "zero pounds"),
            (Kind::Money, "1250.50", "one thousand two hundred and fifty pounds and fifty pence"),
            (Kind::Date, "2026-12-01", "Tuesday the first of December"),
            (Kind::Date, "2027-01-31", "Sunday the thirty-first of January twenty twenty-seven"),
            (Kind::Date, "1984-07-02", "Monday the second of July nineteen eighty-four"),
            (Kind::Date, "2005-07-02", "Saturday the second of July two thousand and five"),
            (Kind::Date, "1905-07-02", "Sunday the second of July nineteen oh five"),
            (Kind::Time, "08:45", "eight forty-five in the morning"),
            (Kind::Time, "17:00", "five o'clock in the afternoon"),
            (Kind::Time, "12:05", "twelve oh five in the afternoon"),
            (Kind::Time, "00:30", "twelve thirty in the morning"),
            (Kind::Time, "12:00", "twelve noon"),
            (Kind::Postcode, "RM1 3BD", "R M one, three B D"),
            (Kind::Digits, "12345678", "one two three, four five six, seven eight"),
            (Kind::HouseNumber, "14a", "fourteen A"),
            (Kind::HouseNumber, "120", "one hundred and twenty"),
            (Kind::Registration, "AB12CDE", "A B one two, C D E"),
            (Kind::Digits, "1234", "one two, three four"),
            (
                Kind::Digits,
                "4111111111111111",
                "four one one, one one one, one one one, one one one, one one, one one",
            ),
            (Kind::Reference, "MB-20417", "M B, two zero four, one seven"),
            (Kind::Phone, "+441632960001", "zero one six, three two nine, six zero zero, zero one"),
            (Kind::YesNo, "yes", "yes"),
        ] {
            assert_eq!(spoken(kind, written), words, "{written}");
        }
    }

    #[test]
    fn every_recording_has_a_name_of_its_own() {
        let texts = texts();
        let names: BTreeSet<_> = texts.iter().map(|text| &text.prompt).collect();
        assert_eq!(names.len(), texts.len());
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_recorded(
            number in any::<i64>(),
            day in 0_i32..80_000,
            minute in 0_i32..1_440,
            text in "\\PC{0,30}",
            kind in proptest::sample::select(Kind::WORDS.to_vec()),
        ) {
            let known: BTreeSet<PromptName> =
                texts().into_iter().map(|text| text.prompt).chain([PAUSE.into()]).collect();
            let date = date(1900, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a day");
            let clock = jiff::civil::time((minute / 60) as i8, (minute % 60) as i8, 0, 0);
            for value in [
                Value::Whole(number), Value::Pence(number), Value::Date(date), Value::Time(clock),
                Value::Text(text.clone()), Value::Truth(number > 0), Value::Nothing,
            ] {
                for name in say(&value, kind.1, date) {
                    prop_assert!(known.contains(&name), "{name}");
                }
            }
        }
    }
}
