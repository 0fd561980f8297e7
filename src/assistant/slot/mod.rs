//! What a caller's words name: postcodes, dates, amounts, and the like, each in one canonical form.
//!
//! Pure grammars over text, as a recogniser gives it (words, no digits) or as a transcriber does
//! (digits and punctuation). [`read`] answers "which postcode?"; [`read_all`] finds everything that
//! an utterance names by the way.

pub mod choice;

mod address;
mod date;
mod digits;
mod money;
mod number;
mod postcode;
mod registration;
mod spell;
mod time;
mod token;
mod year;
mod yes_no;

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::Date;

use self::token::Token;

/// A kind of thing that can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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
    /// `14A`, `Flat 3, 14`.
    HouseNumber,
    /// `Acacia Avenue`.
    Street,
    /// `AB12 CDE`.
    Registration,
    /// `+441708434343`.
    Phone,
}

impl Kind {
    /// Every kind, by the name that files call it.
    pub const ALL: [(&'static str, Kind); 11] = [
        ("postcode", Kind::Postcode),
        ("date", Kind::Date),
        ("time", Kind::Time),
        ("money", Kind::Money),
        ("yes_no", Kind::YesNo),
        ("digits", Kind::Digits),
        ("reference", Kind::Reference),
        ("house_number", Kind::HouseNumber),
        ("street", Kind::Street),
        ("registration", Kind::Registration),
        ("phone", Kind::Phone),
    ];

    /// Its name in files and in JSON.
    pub fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// A value and where in the text it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// In canonical form.
    pub value: String,
    /// In bytes.
    pub span: Range<usize>,
}

/// The answer to a question for one kind of thing: short and bare answers count.
pub fn read(kind: Kind, text: &str, today: Date) -> Option<Found> {
    find(kind, &token::tokens(text), today, true)
}

/// Everything that an utterance names, each kind at most once. No two share words: a telephone
/// number is not also a row of digits.
pub fn read_all(text: &str, today: Date) -> BTreeMap<Kind, Found> {
    let tokens = token::tokens(text);
    // Whether the whole utterance is an answer rather than a sentence.
    let mut all: BTreeMap<Kind, Found> = BTreeMap::new();
    for kind in BY_CERTAINTY {
        let Some(found) = find(kind, &tokens, today, false) else { continue };
        let rival = all.iter().find(|(_, other)| overlap(&other.span, &found.span));
        match rival.map(|(rival, other)| (*rival, other.span.len())) {
            // A registration holds a postcode's letters and more.
            Some((rival, len)) if found.span.len() > len && kind == Kind::Registration => {
                all.remove(&rival);
                all.insert(kind, found);
            }
            Some(_) => {}
            None => {
                all.insert(kind, found);
            }
        }
    }
    all
}

/// What is recognised more surely comes first and keeps its words.
const BY_CERTAINTY: [Kind; 11] = [
    Kind::Postcode,
    Kind::Registration,
    Kind::Phone,
    Kind::Money,
    Kind::Street,
    Kind::HouseNumber,
    Kind::Date,
    Kind::Time,
    Kind::Reference,
    Kind::Digits,
    Kind::YesNo,
];

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn find(kind: Kind, tokens: &[Token], today: Date, expected: bool) -> Option<Found> {
    match kind {
        Kind::Postcode => postcode::find(tokens),
        Kind::Date => date::find(tokens, today),
        Kind::Time => time::find(tokens, expected),
        Kind::Money => money::find(tokens, expected),
        Kind::YesNo => yes_no::find(tokens),
        Kind::Digits => digits::find(tokens, expected),
        Kind::Reference => digits::find_reference(tokens, expected)
            .filter(|found| expected || found.value.contains(|c: char| c.is_ascii_alphabetic())),
        Kind::HouseNumber => address::find(tokens, expected).house,
        Kind::Street => address::find(tokens, expected).street,
        Kind::Registration => registration::find(tokens, expected),
        Kind::Phone => digits::find_phone(tokens),
    }
}
