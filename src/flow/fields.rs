//! Reads keys and values one by one, notes everything that is wrong with them, and goes on.

use std::ops::RangeInclusive;

use super::fault::{Fault, FaultKind, Slip, Source};
use super::nearest::nearest;
use super::yaml::{At, Place, Tree, Value};

/// The findings about a file so far.
#[derive(Debug)]
pub struct Faults {
    source: Source,
    found: Vec<Fault>,
}

impl Faults {
    /// None yet.
    pub fn new(source: Source) -> Self {
        Faults { source, found: Vec::new() }
    }

    /// The line of a place from its end on, if what is there stands without quotes: what YAML takes for a
    /// remark.
    pub fn remark_after(&self, place: Place) -> Option<&str> {
        let text = self.source.inner();
        let written = text.get(place.offset..)?;
        if written.starts_with(['"', '\'', '>', '|']) {
            return None;
        }
        let (written, rest) =
            (written.get(..place.len)?, written.get(place.len..)?.lines().next()?);
        let apart = rest.starts_with(char::is_whitespace) || written.ends_with(char::is_whitespace);
        Some(rest.trim()).filter(|remark| apart && remark.starts_with('#'))
    }

    /// Lines that begin a remark where a key `#` was meant: `#: node`.
    pub fn hash_keys(&mut self) {
        let text = self.source.inner().clone();
        let mut offset = 0;
        for (at, line) in text.split_inclusive('\n').enumerate() {
            let bare = line.trim();
            let before = line.len() - line.trim_start().len();
            if bare.strip_prefix("#:").is_some_and(|to| is_name(to.trim())) {
                let place = Place {
                    line: at + 1,
                    column: before + 1,
                    offset: offset + before,
                    len: bare.len(),
                };
                self.note(Slip::HashKey.into(), place);
            }
            offset += line.len();
        }
    }

    /// Notes one.
    pub fn note(&mut self, kind: FaultKind, place: Place) {
        self.found.push(Fault::new(kind, place, &self.source));
    }

    /// How many keep the flow from running.
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|fault| !fault.kind.is_warning()).count()
    }

    /// All, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Fault> {
        self.found.sort_by_key(|fault| fault.place);
        self.found
    }
}

/// The keys and values of something, each name at most once.
#[derive(Debug)]
pub struct Fields<'t> {
    /// What they belong to, as findings call it.
    pub owner: String,
    /// Where that is named.
    pub place: Place,
    entries: Vec<&'t (At<String>, Tree)>,
}

impl<'t> Fields<'t> {
    /// The entries of `tree`; duplicates are noted and left out. None if it has no entries at all.
    pub fn open(
        owner: String,
        field: &str,
        place: Place,
        tree: &'t Tree,
        faults: &mut Faults,
    ) -> Option<Self> {
        let Value::Map(all) = &tree.value else {
            faults.note(wrong(field, tree, "keys and values, each on its own line"), tree.place);
            return None;
        };
        let mut entries: Vec<&(At<String>, Tree)> = Vec::new();
        let mut seen = std::collections::BTreeMap::new();
        for entry in all {
            let key = &entry.0;
            match seen.get(&key.value) {
                Some(first_line) => faults.note(
                    FaultKind::DuplicateField { field: key.value.clone(), first_line: *first_line },
                    key.place,
                ),
                None => {
                    seen.insert(&key.value, key.place.line);
                    entries.push(entry);
                }
            }
        }
        Some(Fields { owner, place, entries })
    }

    /// Notes every key that is not one of `allowed`.
    pub fn only(&self, allowed: &[&'static str], faults: &mut Faults) {
        for (key, _) in &self.entries {
            if !allowed.contains(&key.value.as_str()) {
                faults.note(
                    FaultKind::UnknownField {
                        field: key.value.clone(),
                        owner: self.owner.clone(),
                        meant: nearest(&key.value, allowed.iter().copied()).map(str::to_owned),
                        allowed: allowed.to_vec(),
                    },
                    key.place,
                );
            }
        }
    }

    /// All keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'t At<String>, &'t Tree)> + '_ {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The value of a key.
    pub fn get(&self, field: &str) -> Option<&'t Tree> {
        self.iter().find(|(key, _)| key.value == field).map(|(_, value)| value)
    }

    /// The value of a key that must be there; `example` shows how to write it.
    pub fn need(
        &self,
        field: &'static str,
        example: &'static str,
        faults: &mut Faults,
    ) -> Option<&'t Tree> {
        let found = self.get(field);
        if found.is_none() {
            faults.note(
                FaultKind::MissingField { owner: self.owner.clone(), field, example },
                self.place,
            );
        }
        found
    }
}

/// A word or a text, with its white space evened out.
pub fn text(field: &str, tree: &Tree, faults: &mut Faults) -> Option<At<String>> {
    let written = match &tree.value {
        Value::Text(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Whole(number) => number.to_string(),
        Value::Nothing => String::new(),
        Value::Truth(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
            faults.note(wrong(field, tree, "text"), tree.place);
            return None;
        }
    };
    if written.is_empty() {
        faults.note(FaultKind::Empty { field: field.to_owned() }, tree.place);
        return None;
    }
    Some(At { place: tree.place, value: written })
}

/// Notes a text that is too long to be an announcement.
pub fn not_too_long(text: &At<String>, faults: &mut Faults) {
    let letters = text.value.chars().count();
    if letters > MAX_LETTERS {
        faults.note(FaultKind::TextTooLong { letters, most: MAX_LETTERS }, text.place);
    }
}

/// A longer text (a minute and a half) is no announcement.
const MAX_LETTERS: usize = 1_200;

/// One word of a few.
pub fn choice<T: Copy>(
    field: &str,
    tree: &Tree,
    words: &[(&'static str, T)],
    faults: &mut Faults,
) -> Option<T> {
    let written = text(field, tree, faults)?;
    let found = words.iter().find(|(word, _)| *word == written.value).map(|(_, value)| *value);
    if found.is_none() {
        let allowed = words.iter().map(|(word, _)| *word).collect();
        let field = field.to_owned();
        faults.note(FaultKind::BadChoice { field, value: written.value, allowed }, written.place);
    }
    found
}

/// A whole number within limits.
pub fn whole(
    field: &str,
    tree: &Tree,
    range: RangeInclusive<u32>,
    faults: &mut Faults,
) -> Option<u32> {
    let Value::Whole(value) = tree.value else {
        faults.note(wrong(field, tree, "a whole number"), tree.place);
        return None;
    };
    let found = u32::try_from(value).ok().filter(|value| range.contains(value));
    if found.is_none() {
        let (least, most) = (i64::from(*range.start()), i64::from(*range.end()));
        let field = field.to_owned();
        faults.note(FaultKind::OutOfRange { field, value, least, most }, tree.place);
    }
    found
}

/// `true` or `false`.
pub fn truth(field: &str, tree: &Tree, faults: &mut Faults) -> Option<bool> {
    let Value::Truth(truth) = tree.value else {
        faults.note(wrong(field, tree, "`true` or `false`"), tree.place);
        return None;
    };
    Some(truth)
}

/// A list of words; one word alone stands for a list of one.
pub fn words(field: &str, tree: &Tree, faults: &mut Faults) -> Option<Vec<At<String>>> {
    match &tree.value {
        Value::List(items) => items.iter().map(|item| text(field, item, faults)).collect(),
        Value::Nothing
        | Value::Text(_)
        | Value::Whole(_)
        | Value::Truth(_)
        | Value::Number(_)
        | Value::Map(_) => text(field, tree, faults).map(|word| vec![word]),
    }
}

fn wrong(field: &str, tree: &Tree, expected: &'static str) -> FaultKind {
    match tree.value {
        Value::Nothing => FaultKind::Empty { field: field.to_owned() },
        _ => FaultKind::WrongKind { field: field.to_owned(), expected, found: tree.value.kind() },
    }
}

/// Whether a name can be part of a file's name on every system.
pub fn is_name(name: &str) -> bool {
    name.len() <= 48
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether a name can be a value's: a name that expressions can have.
pub fn is_value_name(name: &str) -> bool {
    const TAKEN: [&str; 14] = [
        "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "null", "as",
        "True", "False",
    ];
    name.len() <= 48
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !TAKEN.contains(&name)
}
