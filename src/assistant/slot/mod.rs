//! What a caller's words name: postcodes, dates, amounts, and the like, each in one canonical form.
//!
//! Pure grammars over text, as a recogniser gives it (words, no digits) or as a transcriber does
//! (digits and punctuation). [`read`] answers "which postcode?"; [`read_all`] finds everything that
//! an utterance names by the way.

pub mod choice;
pub mod ring_back;

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

pub use crate::event::Slot as Kind;

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
const BY_CERTAINTY: [Kind; 12] = [
    Kind::Postcode,
    Kind::Registration,
    Kind::Phone,
    Kind::Money,
    Kind::Street,
    Kind::Flat,
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

/// What is named; the last of what the caller took back: "forty, no, fifty".
fn find(kind: Kind, tokens: &[Token], today: Date, expected: bool) -> Option<Found> {
    let mut found = first(kind, tokens, today, expected)?;
    let mut rest = tokens;
    while let Some(after) = corrected(kind, rest, found.span.end) {
        rest = after;
        match first(kind, rest, today, expected) {
            Some(later) => found = later,
            None => break,
        }
    }
    Some(found)
}

/// Words with which callers correct themselves.
const CORRECTION: &str = "no sorry, no wait, wait no, no hang on, hang on, no make it, make it, make that, \
    sorry, i mean, i meant, no it's, no its, no exactly, or rather, no actually, actually, but now, \
    scratch that, no i tell a lie, i tell a lie, correction";

/// What stands behind a correction that comes after `end`.
fn corrected(kind: Kind, tokens: &[Token], end: usize) -> Option<&[Token]> {
    let from = tokens.iter().position(|token| token.span.start >= end)?;
    (from..tokens.len()).find_map(|at| {
        // "no" alone is also an answer, and short for "number".
        let alone = !matches!(kind, Kind::YesNo | Kind::HouseNumber | Kind::Flat | Kind::Street);
        let no = || token::longest(tokens, at, "no").filter(|_| alone);
        if kind == Kind::YesNo {
            return None;
        }
        let next = token::longest(tokens, at, CORRECTION).or_else(no)?;
        tokens.get(next..)
    })
}

fn first(kind: Kind, tokens: &[Token], today: Date, expected: bool) -> Option<Found> {
    match kind {
        Kind::Postcode => postcode::find(tokens),
        Kind::Date => date::find(tokens, today),
        Kind::Time => time::find(tokens, expected),
        Kind::Money => money::find(tokens, expected),
        Kind::YesNo => yes_no::find(tokens),
        Kind::Digits => digits::find(tokens, expected),
        Kind::Reference => digits::find_reference(tokens, expected)
            .filter(|found| expected || found.value.contains(|c: char| c.is_ascii_alphabetic())),
        Kind::Flat => address::find(tokens, false, expected).flat,
        Kind::HouseNumber => address::find(tokens, false, expected).house,
        Kind::Street => address::find(tokens, expected, false).street,
        Kind::Registration => registration::find(tokens, expected),
        Kind::Phone => digits::find_phone(tokens),
    }
}
