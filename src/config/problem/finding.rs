//! A problem at its place, and what is told of it where no terminal shows it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Report, Severity, SourceCode};
use serde::Serialize;

use super::Problem;

/// A problem at its place, ready to be shown to a person.
#[derive(Debug)]
pub(in crate::config) struct Finding {
    pub(in crate::config) problem: Problem,
    pub(in crate::config) text: Option<Arc<NamedSource<String>>>,
    pub(in crate::config) place: Option<Range<usize>>,
    pub(in crate::config) severity: Severity,
    pub(in crate::config) path: Option<Path>,
}

/// What a finding is about.
#[derive(Debug)]
pub(in crate::config) struct Path {
    /// The keys that lead there.
    pub(in crate::config) path: Vec<String>,
    /// Whether the database has it, and no file.
    pub(in crate::config) elsewhere: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Path { path, .. }) = self.path.as_ref().filter(|path| path.elsewhere) {
            write!(f, "{} (in the database): ", path.join("."))?;
        }
        self.problem.fmt(f)
    }
}

/// Where a finding is: file, line and column.
pub fn place_of(finding: &dyn Diagnostic) -> Option<String> {
    let label = finding.labels()?.next()?;
    let read = finding.source_code()?.read_span(label.inner(), 0, 0).ok()?;
    let name = read.name().unwrap_or_default();
    Some(format!("{name}:{}:{}", read.line() + 1, read.column() + 1))
}

impl std::error::Error for Finding {}

impl Diagnostic for Finding {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.remedy().map(|text| Box::new(text) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_deref().map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.clone()?;
        let label = LabeledSpan::new(Some("here".to_owned()), place.start, place.len());
        Some(Box::new(std::iter::once(label)))
    }
}

/// A finding in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The keys that lead there, as in `queue.waste.hours`; none if it is not in the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The file, its line and column; none if it is in no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
}

impl Told {
    /// Of a problem in a field.
    pub fn new(field: Option<String>, problem: &Problem) -> Self {
        Told { field, place: None, what: problem.to_string(), right: problem.remedy() }
    }

    /// The finding, whoever has found it.
    pub fn of(report: &Report) -> Self {
        let place = place_of(report.as_ref());
        let right = report.help().map(|text| text.to_string());
        match report.downcast_ref::<Finding>() {
            Some(Finding { problem, path, .. }) => {
                let field = path.as_ref().map(|path| path.path.join("."));
                Told { field, place, what: problem.to_string(), right }
            }
            None => {
                // Whoever finds it may say where it is, too.
                let shown = report.to_string();
                let bare = place.as_ref().and_then(|at| shown.strip_prefix(&format!("{at}: ")));
                let what = bare.map(str::to_owned).unwrap_or(shown);
                Told { field: None, place, what, right }
            }
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.field) {
            (Some(place), _) => write!(f, "{place}: ")?,
            (None, Some(field)) => write!(f, "{field}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.what)?;
        match &self.right {
            Some(right) => write!(f, "; {right}"),
            None => Ok(()),
        }
    }
}

/// The table and the name of what the database has and a finding is about.
pub(in crate::config) fn culprit(report: &Report) -> Option<(&str, &str)> {
    let path = report.downcast_ref::<Finding>()?.path.as_ref().filter(|path| path.elsewhere)?;
    Some((path.path.first()?, path.path.get(1)?))
}
