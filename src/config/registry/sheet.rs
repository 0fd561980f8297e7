//! Queues, agents and skills as sheets: a column for each key of the settings file, a row for each entry.
//!
//! The columns are those of the settings' own structures, so a new key is a new column. A list is
//! separated by `|`, a key of a table within is `callback.ring_s`, whatever else is JSON. A blank cell is
//! what is usual; a column that is not there leaves alone what is there. What a spreadsheet would take
//! for a formula is written behind an apostrophe, which is taken off again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::sheet::{Mistake, Row, Sheet, Wrong};

use super::cell::{BETWEEN, Cell};
use super::{Declared, Key, Kind, Told};

/// The column of an entry's version: whoever changed it meanwhile is not passed over.
const VERSION: &str = "version";
/// A column that is taken in and never written out.
const PASSWORD: &str = "password";
/// The most rows of a sheet.
pub const MOST_ROWS: usize = super::MOST_ENTRIES;
/// The largest sheet, in bytes.
pub const LARGEST: usize = 8 << 20;
/// Mistakes that are looked for: a sheet of the wrong kind has one in every row.
pub const MOST_MISTAKES: usize = 1_000;
/// The longest name of a column, in bytes.
const LONGEST_COLUMN: usize = 100;
/// What a cell begins with that spreadsheets take for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What a cell is in a file that spreadsheets open.
fn guarded(text: String) -> String {
    let hides = |text: &str| text.trim_start_matches('\'').starts_with(FORMULA);
    if hides(&text) { format!("'{text}") } else { text }
}

/// What a cell of such a file is.
fn unguarded(text: &str) -> &str {
    let inner = text.strip_prefix('\'');
    let hides = |text: &&str| text.trim_start_matches('\'').starts_with(FORMULA);
    inner.filter(hides).unwrap_or(text)
}

/// A value as a cell; none for what is better a column of its own.
fn cell(value: &Value, usual: Option<&Value>) -> Option<String> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match value {
        Value::Null => Some(String::new()),
        Value::Object(_) => None,
        Value::Array(values) if values.is_empty() => {
            let blank = usual == Some(value);
            Some(if blank { String::new() } else { value.to_string() })
        }
        Value::Array(values) => {
            let texts: Option<Vec<String>> = values.iter().map(plain).collect();
            let fits =
                |text: &String| !text.is_empty() && text.trim() == text && !text.contains(BETWEEN);
            let texts = texts.filter(|texts| {
                texts.iter().all(fits) && texts.first().is_some_and(|first| !first.starts_with('['))
            });
            Some(texts.map_or_else(|| value.to_string(), |texts| texts.join(&BETWEEN.to_string())))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => plain(value),
    }
}

/// A table's cells, by their columns.
fn cells(shown: &Map<String, Value>, usual: &Map<String, Value>) -> BTreeMap<String, String> {
    let mut cells = BTreeMap::new();
    for (key, value) in shown {
        let usual = usual.get(key);
        match (cell(value, usual), value, usual) {
            (Some(text), ..) => drop(cells.insert(key.clone(), text)),
            (None, Value::Object(inner), usual) => {
                let none = Map::new();
                let usual = usual.and_then(Value::as_object).unwrap_or(&none);
                for (below, text) in self::cells(inner, usual) {
                    cells.insert(format!("{key}.{below}"), text);
                }
            }
            (None, ..) => {}
        }
    }
    cells
}

/// The sheet of entries, each with its name and its version, if the database has it.
pub fn write<'a>(
    kind: Kind,
    entries: impl Iterator<Item = (&'a str, Option<u64>, &'a Declared)>,
) -> String {
    let usual = kind.usual();
    let rows: Vec<_> = entries
        .map(|(name, version, declared)| (name, version, cells(&declared.shown(), usual)))
        .collect();
    let mut columns: BTreeSet<String> = cells(usual, usual).into_keys().collect();
    columns.extend(rows.iter().flat_map(|(.., cells)| cells.keys().cloned()));
    // What people call it comes first.
    let (first, rest): (Vec<_>, Vec<_>) =
        columns.into_iter().partition(|column| column == "name" || column == "title");
    let columns = [first, rest].concat();
    let secret = (kind == Kind::Agent).then_some(PASSWORD);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heading = [kind.word(), VERSION].into_iter().chain(columns.iter().map(String::as_str));
    // Into memory nothing can fail to be written.
    let _ = writer.write_record(heading.chain(secret));
    for (name, version, cells) in rows {
        let version = version.map(|version| version.to_string()).unwrap_or_default();
        let of = |column: &String| cells.get(column).cloned().unwrap_or_default();
        let row = [name.to_owned(), version].into_iter().chain(columns.iter().map(of));
        let _ = writer.write_record(row.chain(secret.map(|_| String::new())).map(guarded));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A sheet that was read: its rows are not understood yet.
#[derive(Debug)]
pub struct Lines<'a> {
    /// The columns, as the heading has them.
    columns: Vec<String>,
    /// The rows.
    pub lines: Vec<Line<'a>>,
}

/// One row.
#[derive(Debug)]
pub struct Line<'a> {
    /// Of which entry.
    pub key: Key,
    /// Which version of it the row was made from, if that is said.
    pub version: Option<u64>,
    row: Row<'a>,
}

/// Reads a sheet: which entries it is of. `file` is what mistakes call it.
pub fn read<'a>(kind: Kind, file: &'a str, bytes: &'a [u8]) -> Result<Lines<'a>, Vec<Mistake>> {
    let mut sheet = Sheet::open(file, bytes).map_err(|mistake| vec![mistake])?;
    let columns: Vec<String> = sheet.heading().map(str::to_owned).collect();
    let mut mistakes = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, column) in columns.iter().enumerate() {
        if !seen.insert(column) {
            let why = format!("the column `{column}` is there twice: rename or remove one");
            mistakes.push(sheet.mistake_in_heading(index, Wrong::Refused { why }));
        } else if column.len() > LONGEST_COLUMN {
            let why = format!("no column's name is longer than {LONGEST_COLUMN} bytes");
            mistakes.push(sheet.mistake_in_heading(index, Wrong::Refused { why }));
        }
        if mistakes.len() >= MOST_MISTAKES {
            return Err(mistakes);
        }
    }
    let [name] = sheet.columns([kind.word()]).map_err(|found| found.told().to_vec())?;
    let version = sheet.column_if_any(VERSION);
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut known: BTreeMap<String, u64> = BTreeMap::new();
    while let Some(row) = sheet.next_row() {
        if lines.len() >= MOST_ROWS {
            let why = format!("a sheet has at most {MOST_ROWS} rows");
            mistakes.push(sheet.mistake_in_heading(0, Wrong::Refused { why }));
            break;
        }
        let line = row.and_then(|row| {
            let text = unguarded(row.text(name)?).to_owned();
            let version = match version {
                Some(version) if !row.get(version).is_empty() => {
                    Some(row.whole(version, i64::MAX.cast_unsigned())?)
                }
                Some(_) | None => None,
            };
            if let Some(line) = known.insert(text.clone(), row.line()) {
                let (column, id) = (kind.word(), text);
                return Err(row.mistake(name, Wrong::Twice { column, id, line }));
            }
            Ok(Line { key: Key::new(kind, &text), version, row })
        });
        match line {
            Ok(line) => lines.push(line),
            Err(mistake) => mistakes.push(mistake),
        }
        if mistakes.len() >= MOST_MISTAKES {
            break;
        }
    }
    if mistakes.is_empty() { Ok(Lines { columns, lines }) } else { Err(mistakes) }
}

impl Lines<'_> {
    /// What a row declares, given what the entry was before, secrets apart.
    pub fn declared(
        &self,
        line: &Line<'_>,
        before: Option<&Declared>,
    ) -> Result<Declared, Mistake> {
        let kind = line.key.kind;
        let mut table = Cell::table(before.map(Declared::said).unwrap_or_default());
        for (index, column) in self.columns.iter().enumerate() {
            if column != kind.word() && column != VERSION {
                table.say(column, unguarded(line.row.cell(index)));
            }
        }
        Declared::read_from(kind, table).map_err(|told| {
            let field = told.field.clone();
            self.mistake(line, field.as_deref(), Told { field: None, ..told }.to_string())
        })
    }

    /// Something wrong with a row: in the column of a field, or with the whole of it.
    pub fn mistake(&self, line: &Line<'_>, field: Option<&str>, why: String) -> Mistake {
        let of = |field: &str| {
            let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
            let fits = |column: &String| field.strip_prefix(column.as_str()).is_some_and(ends);
            self.columns.iter().position(fits)
        };
        let own = self.columns.iter().position(|column| column == line.key.kind.word());
        let index = field.and_then(of).or(own).unwrap_or(0);
        line.row.mistake_in(index, Wrong::Refused { why })
    }
}
