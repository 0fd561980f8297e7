//! What callers say, as far as it was understood.

use serde::{Deserialize, Serialize};

use crate::id::{IntentName, NodeName, UrgentName};

/// The longest text that the journal keeps, in characters.
const MOST_TEXT: usize = 200;
/// A row of digits from this length on may be a card's and is masked.
const MASKED: usize = 9;

/// A kind of thing that can be said.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// `RM1 3BD`.
    Postcode,
    /// `2026-12-01`.
    Date,
    /// `14:30`.
    Time,
    /// `12.50`, in pounds.
    Money,
    /// `yes` or `no`.
    YesNo,
    /// `1234`: a row of digits.
    Digits,
    /// `MB1042`: letters and digits in a row.
    Reference,
    /// `3` of `flat 3, 14 Acacia Avenue`.
    Flat,
    /// `14`, `14a`.
    HouseNumber,
    /// `Acacia Avenue`.
    Street,
    /// `AB12CDE`.
    Registration,
    /// `+441708434343`.
    Phone,
}

impl Slot {
    /// Every kind, by the name that files call it.
    pub const ALL: [(&'static str, Slot); 12] = [
        ("postcode", Slot::Postcode),
        ("date", Slot::Date),
        ("time", Slot::Time),
        ("money", Slot::Money),
        ("yes_no", Slot::YesNo),
        ("digits", Slot::Digits),
        ("reference", Slot::Reference),
        ("flat", Slot::Flat),
        ("house_number", Slot::HouseNumber),
        ("street", Slot::Street),
        ("registration", Slot::Registration),
        ("phone", Slot::Phone),
    ];

    /// Its name in files and in JSON.
    pub fn name(self) -> &'static str {
        Slot::ALL.iter().find(|(_, slot)| *slot == self).map_or("", |(name, _)| name)
    }
}

/// Something that a caller said, or should have said, to a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// At which node.
    pub node: NodeName,
    /// The words, cut at 200 characters; long rows of digits are masked. None if none were recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What of the council's business they are about, if the caller was asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentName>,
    /// What was asked for, if it was a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Whether a language model had a say in what it means.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_opinion: bool,
    /// What became of it.
    pub became: Became,
}

/// What became of what a caller said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was understood, and the flow went on.
    Understood,
    /// It may have been understood: the caller is asked whether it was.
    ToConfirm,
    /// The caller said that it was not what they had meant.
    Denied,
    /// There were words, and they answer nothing that was asked.
    NotUnderstood,
    /// Something was said that is none of what could be said.
    NoMatch,
    /// Nobody can listen now: the caller goes on by keys.
    Deaf,
    /// The caller asked for a person.
    Adviser,
    /// It cannot wait.
    Urgent,
}

impl Became {
    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Became::Understood => "understood",
            Became::ToConfirm => "to_confirm",
            Became::Denied => "denied",
            Became::NotUnderstood => "not_understood",
            Became::NoMatch => "no_match",
            Became::Deaf => "deaf",
            Became::Adviser => "adviser",
            Became::Urgent => "urgent",
        }
    }
}

/// Why a flow hands a caller over to people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum HandOver {
    /// The caller asked for a person, by a word or by 0.
    AskedFor,
    /// The caller was not understood, or did not answer.
    NotUnderstood,
    /// What the caller said cannot wait.
    Urgent {
        /// What it is.
        kind: UrgentName,
    },
    /// Another system gave no answer that makes sense.
    Backend,
    /// Their business is one for people.
    Business,
}

impl HandOver {
    /// The word that metrics use.
    pub const fn as_str(&self) -> &'static str {
        match self {
            HandOver::AskedFor => "asked_for",
            HandOver::NotUnderstood => "not_understood",
            HandOver::Urgent { .. } => "urgent",
            HandOver::Backend => "backend",
            HandOver::Business => "business",
        }
    }
}

/// What somebody said, for the journal, advisers and other systems: cut, and without long rows of digits.
pub fn masked(text: &str) -> String {
    let is_digit = |word: &str| {
        const DIGITS: [&str; 14] = [
            "zero", "oh", "nought", "one", "two", "three", "four", "five", "six", "seven", "eight",
            "nine", "double", "treble",
        ];
        DIGITS.contains(&word) || word.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    };
    let count = |word: &str| word.bytes().filter(u8::is_ascii_digit).count().max(1);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut masked: Vec<&str> = Vec::with_capacity(words.len());
    for row in words.chunk_by(|a, b| is_digit(a) == is_digit(b)) {
        let digits = row.first().is_some_and(|word| is_digit(word));
        match digits && row.iter().map(|word| count(word)).sum::<usize>() >= MASKED {
            true => masked.push("[digits]"),
            false => masked.extend(row),
        }
    }
    masked.join(" ").chars().take(MOST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rows_of_digits_are_masked() {
        for (said, kept) in [
            ("it's about account 12345678", "it's about account 12345678"),
            ("my card is 4111 1111 1111 1111 thanks", "my card is [digits] thanks"),
            ("four one one one oh oh double two three four end", "[digits] end"),
            ("", ""),
        ] {
            assert_eq!(masked(said), kept);
        }
        assert_eq!(masked(&"word ".repeat(100)).chars().count(), MOST_TEXT);
    }
}
