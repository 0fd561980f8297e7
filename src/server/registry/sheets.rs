//! Whole sheets of entries, out and in: all rows or none.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::config::problem::Told;
use crate::config::registry::sheet::{self, Line, Lines};
use crate::config::registry::{Declared, Key, Kind, LONGEST_NAME, MOST_ENTRIES};
use crate::sheet::Mistake;

use super::change::{Prepared, candidate, change, count, declared_at, outcome};
use super::{Change, Installation, Refusal, names};

/// What a sheet changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Whether it was only asked for.
    pub dry_run: bool,
    /// Entries that are new.
    pub created: Vec<String>,
    /// Entries that say something else.
    pub changed: Vec<Changed>,
    /// How many say what they said.
    pub unchanged: usize,
}

/// An entry that says something else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Whether the password is another.
    pub secret_changed: bool,
}

/// A key that has another value; none for what is usual.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// Its value before.
    pub before: Option<Value>,
    /// Its value since.
    pub after: Option<Value>,
}

/// All of a kind that is in force, as a sheet.
pub fn export(installation: &Installation, kind: Kind) -> String {
    let declared: Vec<(String, Option<u64>, Declared)> = names(installation, kind)
        .into_iter()
        .filter_map(|name| {
            let key = Key::new(kind, &name);
            let declared = Declared::of(&installation.settings, &key)?;
            let of_file = installation.place_of(&key).is_some();
            let entry = installation.entries.get(&key).filter(|_| !of_file);
            Some((name, entry.map(|entry| entry.version), declared))
        })
        .collect();
    sheet::write(kind, declared.iter().map(|(name, version, it)| (name.as_str(), *version, it)))
}

/// Works out what a sheet changes; `file` is what mistakes call it.
pub fn import(
    installation: &Installation,
    kind: Kind,
    file: &str,
    bytes: &[u8],
) -> Result<(Prepared, usize), Refusal> {
    let lines = sheet::read(kind, file, bytes).map_err(Refusal::Sheet)?;
    let mut mistakes = Vec::new();
    let mut changes: Vec<Change> = Vec::new();
    let mut entries = installation.entries.clone();
    for line in &lines.lines {
        match row(installation, &lines, line) {
            Ok(None) => {}
            Ok(Some((entry, change))) => {
                entries.insert(line.key.clone(), Arc::new(entry));
                changes.push(change);
            }
            Err(mistake) => mistakes.push(mistake),
        }
        if mistakes.len() >= sheet::MOST_MISTAKES {
            break;
        }
    }
    if count(&entries, kind) > MOST_ENTRIES {
        return Err(Refusal::Full(kind));
    }
    let unchanged = lines.lines.len() - changes.len();
    let touched: BTreeSet<Key> = changes.iter().map(|change| change.key.clone()).collect();
    // Rows that read well are checked beside those that do not, so that all is told at once.
    match candidate(installation, entries, &touched) {
        Ok(installation) if mistakes.is_empty() => {
            return Ok((Prepared { installation, changes }, unchanged));
        }
        Ok(_) => {}
        Err(told) => {
            let found = told.iter().take(sheet::MOST_MISTAKES).map(|told| placed(&lines, told));
            match found.collect::<Option<Vec<Mistake>>>() {
                Some(found) => mistakes.extend(found),
                None if mistakes.is_empty() => return Err(Refusal::Wrong(told)),
                None => {}
            }
        }
    }
    mistakes.sort_by_key(|mistake| mistake.place);
    Err(Refusal::Sheet(mistakes))
}

/// What becomes of an entry by its row; none if it stays as it is.
fn row(
    installation: &Installation,
    lines: &Lines<'_>,
    line: &Line<'_>,
) -> Result<Option<(crate::config::registry::Entry, Change)>, Mistake> {
    let key = &line.key;
    let wrong = |field: Option<&str>, why: String| lines.mistake(line, field, why);
    let known = installation.entries.get(key);
    if let Some(place) = installation.place_of(key) {
        let before = Declared::of(&installation.settings, key);
        let declared = lines.declared(line, before.as_ref())?;
        let same = before.is_some_and(|before| before.said() == declared.said());
        if same && !declared.has_secret() {
            return Ok(None);
        }
        return Err(wrong(None, Told { field: None, ..declared_at(key, place) }.to_string()));
    }
    match (line.version, known.map(|entry| entry.version)) {
        (None, _) => {}
        (Some(wanted), Some(version)) if wanted == version => {}
        (Some(_), Some(_)) => {
            let why = format!("{key} was changed since this sheet was made: export it anew");
            return Err(wrong(Some("version"), why));
        }
        (Some(_), None) => {
            let why = format!("{key} was deleted since: clear the version to make it anew");
            return Err(wrong(Some("version"), why));
        }
    }
    if known.is_none() && !key.has_good_name() {
        let what = "cannot be a name: up to";
        let why = format!("`{}` {what} {LONGEST_NAME} letters, digits and - _ .", key.name);
        return Err(wrong(None, why));
    }
    let before = known.and_then(|entry| entry.declared(key.kind).ok());
    let declared = lines.declared(line, before.as_ref())?;
    let new = outcome(installation, key, declared, false).map_err(|told| {
        let field = told.field.clone();
        wrong(field.as_deref(), Told { field: None, ..told }.to_string())
    })?;
    let change = change(installation, key, &new);
    Ok(change.map(|change| (new.entry, change)))
}

/// A finding of the checks at its place in the sheet; none if it is about something else.
fn placed(lines: &Lines<'_>, told: &Told) -> Option<Mistake> {
    let field = told.field.as_deref()?;
    let (table, rest) = field.split_once('.')?;
    let about = |line: &&Line<'_>| {
        let below = rest.strip_prefix(line.key.name.as_str());
        line.key.kind.word() == table && below.is_some_and(|b| b.is_empty() || b.starts_with('.'))
    };
    // A name may begin as another does, with a dot behind it.
    let line = lines.lines.iter().filter(about).max_by_key(|line| line.key.name.len())?;
    let below = rest.get(line.key.name.len() + 1..);
    Some(lines.mistake(line, below, Told { field: None, ..told.clone() }.to_string()))
}

impl Summary {
    /// Of changes that were made, or would be.
    pub fn of(changes: &[Change], unchanged: usize, dry_run: bool) -> Self {
        let mut summary = Summary { dry_run, created: vec![], changed: vec![], unchanged };
        for Change { key, before, after, secret_changed } in changes {
            let Some((after, _)) = after else { continue };
            let Some(before) = before else {
                summary.created.push(key.name.clone());
                continue;
            };
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let differences = keys
                .into_iter()
                .filter(|key| before.get(*key) != after.get(*key))
                .map(|key| Difference {
                    key: key.clone(),
                    before: before.get(key).cloned(),
                    after: after.get(key).cloned(),
                })
                .collect();
            let (name, secret_changed) = (key.name.clone(), *secret_changed);
            summary.changed.push(Changed { name, differences, secret_changed });
        }
        summary
    }
}
