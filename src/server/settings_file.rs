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
    let (settings, base) = unchecked(path)?;
    let findings = check::check(&settings, &base.source, &base.bank_holidays);
    if findings.iter().any(check::is_error) {
        return Err(findings);
    }
    Ok((settings, Base { warnings: findings, ..base }))
}

/// Reads settings that are to be checked with what else there is.
pub fn unchecked(path: &Path) -> Result<(Settings, Base), Vec<Report>> {
    let shown = path.display().to_string();
    let text = read_text(path).map_err(|problem| vec![finding(&shown, "", None, problem)])?;
    let (mut settings, source) = load(&text, &shown)?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let beside = absolute.parent().unwrap_or(Path::new("/"));
    let folder = beside.parent().unwrap_or(beside).to_owned();

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
    let files = &mut settings.files;
    for path in [&mut files.flows, &mut files.sounds, &mut files.data] {
        *path = folder.join(&*path);
    }
    beside_the_settings(&mut settings, &folder);
    Ok((settings, Base { folder, source, bank_holidays, warnings: Vec::new() }))
}

/// Makes the paths of what is read besides begin at a folder.
fn beside_the_settings(settings: &mut Settings, folder: &Path) {
    let Settings { recording, speech, language_model, voice, notifications, .. } = settings;
    let notify = notifications.notify.iter_mut().map(|notify| &mut notify.key_file);
    let smtp = notifications.smtp.iter_mut().map(|smtp| &mut smtp.password_file);
    let backends = settings.backends.values_mut().map(|backend| &mut backend.token_file);
    let keys = [&mut recording.key_file, &mut recording.signing_key_file];
    let others = [
        &mut recording.store.credentials_file,
        &mut speech.token_file,
        &mut speech.pronunciations,
        &mut language_model.token_file,
        &mut voice.token_file,
    ];
    let secrets =
        keys.into_iter().chain(others).chain(notify).chain(smtp).chain(backends).flatten();
    for path in secrets.chain(&mut recording.old_key_files) {
        *path = folder.join(&*path);
    }
    let own = settings.sip.listen.iter_mut().filter_map(|listen| listen.tls.as_mut());
    for tls in settings.sip.tls.iter_mut().chain(own) {
        let optional = [&mut tls.client_ca, &mut tls.ca].into_iter().flatten();
        for path in [&mut tls.certificate, &mut tls.private_key].into_iter().chain(optional) {
            *path = folder.join(&*path);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "organisation = \"Test\"\n[numbers]\n\"1\" = \"main\"\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("config")).expect("a folder in it");
        for (name, text) in files {
            std::fs::write(folder.path().join("config").join(name), text).expect("writes");
        }
        folder
    }

    fn shown(findings: &[Report]) -> String {
        findings.iter().map(|finding| format!("{finding:?}\n")).collect()
    }

    #[test]
    fn the_shipped_settings_are_read_from_wherever_they_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (settings, base) = read(&root.join("config/switchboard.toml"))
            .unwrap_or_else(|findings| panic!("{}", shown(&findings)));
        assert_eq!(base.folder, root);
        assert_eq!(settings.files.flows, root.join("ivr-flows"));
        assert_eq!(settings.files.data, root.join("data"));
        assert!(base.bank_holidays.days("england-and-wales").is_some());
        assert_eq!(base.warnings.len(), 1, "{}", shown(&base.warnings));
    }

    #[test]
    fn relative_paths_start_above_the_settings_folder_and_absolute_ones_stay() {
        let text = format!("{LEAST}[files]\nflows = \"flows\"\ndata = \"/var/lib/sb\"\n");
        let folder = folder(&[("a.toml", &text)]);
        let (settings, base) = read(&folder.path().join("config/a.toml")).expect("is right");
        assert_eq!(base.folder, folder.path());
        assert_eq!(settings.files.flows, folder.path().join("flows"));
        assert_eq!(settings.files.data, Path::new("/var/lib/sb"));
    }

    #[test]
    fn a_file_that_is_not_there_or_not_text_is_named() {
        let folder = folder(&[]);
        let path = folder.path().join("config/none.toml");
        let text = shown(&read(&path).expect_err("is not there"));
        assert!(text.contains("cannot be read") && text.contains("none.toml"), "{text}");
        std::fs::write(&path, [0xff, 0xfe, 0x00]).expect("writes");
        let text = shown(&read(&path).expect_err("is not text"));
        assert!(text.contains("not UTF-8") && text.contains("none.toml"), "{text}");
    }

    #[test]
    fn bank_holidays_are_asked_for_where_a_calendar_needs_them_and_their_faults_are_placed() {
        let text = format!("{LEAST}[calendar.main]\nbank_holidays = \"scotland\"\n");
        let folder = folder(&[("a.toml", &text)]);
        let path = folder.path().join("config/a.toml");
        let text = shown(&read(&path).expect_err("has no bank holidays"));
        assert!(text.contains("a.toml:5:17") && text.contains(BANK_HOLIDAYS), "{text}");

        let feed = folder.path().join("config").join(BANK_HOLIDAYS);
        std::fs::write(&feed, "{\n  \"scotland\": oh\n}").expect("writes");
        let text = shown(&read(&path).expect_err("has a broken feed"));
        assert!(text.contains("bank-holidays.json:2:15"), "{text}");

        let one = r#"{"scotland": {"events": [{"title": "x", "date": "2026-11-30"}]}}"#;
        std::fs::write(&feed, one).expect("writes");
        assert!(read(&path).is_ok());
    }

    #[test]
    fn what_is_checked_comes_with_its_place() {
        let text = format!("{LEAST}[queue.waste]\ntitle = \"Waste\"\nhours = \"none\"\n");
        let folder = folder(&[("a.toml", &text)]);
        let text = shown(&read(&folder.path().join("config/a.toml")).expect_err("is wrong"));
        assert!(text.contains("a.toml:6:9") && text.contains("no calendar `none`"), "{text}");
    }
}
