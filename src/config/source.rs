//! Where in a settings file something is said.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, Report, Severity};
use toml::de::{DeTable, DeValue};

use super::mask::mask;
use super::problem::{Finding, Problem};

/// The text of a settings file, with its secrets hidden, and the places of its keys and values.
#[derive(Debug, Clone, Default)]
pub struct Source {
    file_name: String,
    /// None for settings that come from no file.
    text: Option<Arc<NamedSource<String>>>,
    places: BTreeMap<Vec<String>, Place>,
    secrets: Vec<Range<usize>>,
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
        Source { file_name: file_name.to_owned(), text, places: BTreeMap::new(), secrets }
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
        Report::new(Finding { problem: what, text: self.text.clone(), place, severity })
    }
}
