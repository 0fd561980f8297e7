//! Reads the settings file and what belongs to it from the disk.

use std::path::{Path, PathBuf};

use miette::{Report, Severity};

use crate::acd::calendar::BankHolidays;
use crate::config::check;
use crate::config::load::load;
use crate::config::problem::Problem;
use crate::config::settings::Settings;
use crate::config::source::Source;

/// The name of the bank holidays' file, beside the settings.
pub const BANK_HOLIDAYS: &str = "bank-holidays.json";

/// What goes with settings that were read from a file.
#[derive(Debug)]
pub struct Base {
    /// The folder that relative paths are relative to: the parent of the settings file's folder.
    /// Absolute.
    pub folder: PathBuf,
    /// The settings' text and places, for [`check::check_numbers`].
    pub source: Source,
    /// The bank holidays that calendars refer to; none if none does.
    pub bank_holidays: BankHolidays,
    /// What works and is hardly meant.
    pub warnings: Vec<Report>,
}

/// Reads and checks settings; the paths in [`Settings::files`] come back absolute. Everything that
/// is wrong is reported at once, apart from the flows that numbers lead to: those are read with the
/// help of the settings, and [`check::check_numbers`] looks at them afterwards.
pub fn read(path: &Path) -> Result<(Settings, Base), Vec<Report>> {
    let shown = path.display().to_string();
    let text = read_text(path).map_err(|problem| vec![finding(&shown, "", None, problem)])?;
    let (mut settings, source) = load(&text, &shown)?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let beside = absolute.parent().unwrap_or(Path::new("/"));
    let folder = beside.parent().unwrap_or(beside).to_owned();

    let mut findings = Vec::new();
    let first = settings.calendars.iter().find(|(_, calendar)| calendar.bank_holidays.is_some());
    let bank_holidays = match first {
        None => BankHolidays::default(),
        Some((name, _)) => match read_bank_holidays(&beside.join(BANK_HOLIDAYS)) {
            Ok(bank_holidays) => bank_holidays,
            Err(Unusable::Missing(error)) => {
                let place = source.value(&["calendar", name.as_str(), "bank_holidays"]);
                let what = Problem::BankHolidays { error };
                return Err(vec![source.finding(place, Severity::Error, what)]);
            }
            Err(Unusable::Wrong(report)) => return Err(vec![report]),
        },
    };
    findings.extend(check::check(&settings, &source, &bank_holidays));
    if findings.iter().any(check::is_error) {
        return Err(findings);
    }
    let files = &mut settings.files;
    for path in [&mut files.flows, &mut files.sounds, &mut files.data] {
        *path = folder.join(&*path);
    }
    Ok((settings, Base { folder, source, bank_holidays, warnings: findings }))
}

enum Unusable {
    Missing(String),
    Wrong(Report),
}

fn read_bank_holidays(path: &Path) -> Result<BankHolidays, Unusable> {
    let shown = path.display().to_string();
    let text = match read_text(path) {
        Ok(text) => text,
        Err(problem) => return Err(Unusable::Missing(format!("{shown}: {problem}"))),
    };
    BankHolidays::parse(&text).map_err(|error| {
        let at = match &error {
            crate::acd::calendar::BankHolidaysError::Json(json) => offset(&text, json),
            crate::acd::calendar::BankHolidaysError::Date { date, .. } => text.find(date.as_str()),
            crate::acd::calendar::BankHolidaysError::Empty => None,
        };
        let place = at.map(|at| at..at);
        let problem = Problem::BankHolidays { error: error.to_string() };
        Unusable::Wrong(finding(&shown, &text, place, problem))
    })
}

/// Where in the text serde_json gave up: it counts lines and columns from 1, columns in bytes.
fn offset(text: &str, error: &serde_json::Error) -> Option<usize> {
    let line = error.line().checked_sub(1)?;
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    Some((before + error.column().saturating_sub(1)).min(text.len()))
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let bytes =
        std::fs::read(path).map_err(|error| Problem::Unreadable { error: error.to_string() })?;
    String::from_utf8(bytes).map_err(|_| Problem::NotText)
}

fn finding(
    file: &str,
    text: &str,
    place: Option<std::ops::Range<usize>>,
    problem: Problem,
) -> Report {
    // Without a place the name of the file would not be shown.
    let place = place.or(Some(0..0));
    Source::new(file, text).finding(place, Severity::Error, problem)
}
