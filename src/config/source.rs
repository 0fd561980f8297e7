//! Where in a settings file something is said.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, Report, Severity};
use toml::de::{DeTable, DeValue};

use super::mask::mask;
use super::problem::{Finding, Path, Problem};

/// The text of a settings file, with its secrets hidden, and the places of its keys and values.
#[derive(Debug, Clone, Default)]
pub struct Source {
    file_name: String,
    /// None for settings that come from no file.
    text: Option<Arc<NamedSource<String>>>,
    places: BTreeMap<Vec<String>, Place>,
    secrets: Vec<Range<usize>>,
    /// Tables that the database has and the file has not: `waste` of `queue`.
    elsewhere: BTreeMap<&'static str, BTreeSet<String>>,
}

/// Where a key and its value are, in bytes.
#[derive(Debug, Clone, Default)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

impl Source {
    /// A file whose keys are not known (yet).
    pub fn new(file_name: &str, text: &str) -> Self {
        let (masked, secrets) = mask(text);
        let text = Some(Arc::new(NamedSource::new(file_name, masked)));
        let (file_name, elsewhere) = (file_name.to_owned(), BTreeMap::new());
        Source { file_name, text, places: BTreeMap::new(), secrets, elsewhere }
    }

    /// Hides more of the text.
    pub(super) fn hide(&mut self, places: &[Range<usize>]) {
        let Some(text) = &self.text else { return };
        let mut hidden = text.inner().clone();
        for place in places {
            if hidden.get(place.clone()).is_some() {
                let stars = "*".repeat(place.len());
                hidden.replace_range(place.clone(), &stars);
            }
        }
        self.text = Some(Arc::new(NamedSource::new(&self.file_name, hidden)));
    }

    pub(super) fn learn(&mut self, table: &DeTable<'_>) {
        self.learn_table(&mut Vec::new(), table);
    }

    fn learn_table(&mut self, path: &mut Vec<String>, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            path.push(key.get_ref().to_string());
            self.places.insert(path.clone(), Place { key: key.span(), value: value.span() });
            self.learn_value(path, value.get_ref());
            path.pop();
        }
    }

    fn learn_value(&mut self, path: &mut Vec<String>, value: &DeValue<'_>) {
        if let Some(table) = value.as_table() {
            self.learn_table(path, table);
        }
        for (index, value) in
            value.as_array().into_iter().flat_map(|array| array.iter().enumerate())
        {
            path.push(index.to_string());
            self.places.insert(path.clone(), Place { key: value.span(), value: value.span() });
            self.learn_value(path, value.get_ref());
            path.pop();
        }
    }

    /// Whether the file has a table of that name, as in `[queue.waste]`.
    pub fn declares(&self, table: &str, name: &str) -> bool {
        self.places.contains_key(&[table.to_owned(), name.to_owned()][..])
    }

    /// The file and the line of a key, or of the nearest table that is there: `switchboard.toml:12`.
    pub fn line(&self, path: &[&str]) -> Option<String> {
        let place = self.key(path)?;
        let before = self.text.as_ref()?.inner().get(..place.start)?;
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        Some(format!("{}:{line}", self.file_name))
    }

    /// Says which tables come from the database.
    pub(super) fn set_elsewhere(&mut self, tables: BTreeMap<&'static str, BTreeSet<String>>) {
        self.elsewhere = tables;
    }

    /// Whether a table comes from the database.
    pub(super) fn is_elsewhere(&self, table: &str, name: &str) -> bool {
        self.elsewhere.get(table).is_some_and(|names| names.contains(name))
    }

    /// The place of a value: of the nearest table that is there, if the value is a default.
    pub fn value(&self, path: &[&str]) -> Option<Range<usize>> {
        self.place(path).map(
            |(place, exact)| {
                if exact { place.value.clone() } else { place.key.clone() }
            },
        )
    }

    /// The place of a key, or of the nearest table that is there.
    pub fn key(&self, path: &[&str]) -> Option<Range<usize>> {
        self.place(path).map(|(place, _)| place.key.clone())
    }

    fn place(&self, path: &[&str]) -> Option<(&Place, bool)> {
        let mut path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        let mut exact = true;
        while !path.is_empty() {
            if let Some(place) = self.places.get(&path) {
                return Some((place, exact));
            }
            exact = false;
            path.pop();
        }
        None
    }

    /// Whether a place touches a secret.
    pub(super) fn is_secret(&self, place: &Range<usize>) -> bool {
        self.secrets.iter().any(|secret| secret.start < place.end && place.start < secret.end)
    }

    /// A finding at a place of this file.
    pub fn finding(
        &self,
        place: Option<Range<usize>>,
        severity: Severity,
        what: Problem,
    ) -> Report {
        let (text, path) = (self.text.clone(), None);
        Report::new(Finding { problem: what, text, place, severity, path })
    }

    /// A finding in the value at a path; in the key, if `key`. What the database has is told by its path.
    pub(super) fn finding_at(
        &self,
        path: &[&str],
        key: bool,
        severity: Severity,
        what: Problem,
    ) -> Report {
        let mut named = path.first().zip(path.get(1)).into_iter();
        let elsewhere = named.any(|(table, name)| self.is_elsewhere(table, name));
        let place = if key { self.key(path) } else { self.value(path) };
        let (text, place) = match elsewhere {
            true => (None, None),
            false => (self.text.clone(), place),
        };
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        let path = Some(Path { path, elsewhere });
        Report::new(Finding { problem: what, text, place, severity, path })
    }
}
