//! What settings rely on outside of themselves: certificates, a folder for data, the years of the bank
//! holidays.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use miette::{Report, Severity};

use crate::acd::calendar::BankHolidays;
use crate::config::problem::Problem;
use crate::config::settings::{Settings, TlsSettings};
use crate::config::source::Source;
use crate::server::stream::tls::{self, Fault, TlsConfigs};

/// Bank holidays are told of when the last that is known is nearer than this, in days.
const SOON_DAYS: i32 = 60;

pub(super) fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
    Timestamp::now()
}

/// What is to be said of bank holidays whose known days come to an end.
pub(super) fn holidays_end(
    settings: &Settings,
    source: &Source,
    known: &BankHolidays,
    now: Timestamp,
) -> Option<Report> {
    let zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
    let today = now.to_zoned(zone).date();
    let of_calendars = settings.calendars.iter().filter_map(|(name, calendar)| {
        Some((name, known.last(calendar.bank_holidays.as_deref()?)?))
    });
    let (name, last) = of_calendars.min_by_key(|(_, last)| *last)?;
    let shown = last.to_string();
    let problem = match (last - today).get_days() {
        ..0 => Problem::HolidaysOver { last: shown },
        0..SOON_DAYS => Problem::HolidaysEnd { last: shown },
        SOON_DAYS.. => return None,
    };
    let place = source.value(&["calendar", name.as_str(), "bank_holidays"]);
    Some(source.finding(place, Severity::Warning, problem))
}

/// A data folder that is none and cannot become one.
pub(super) fn no_folder(settings: &Settings, source: &Source) -> Option<Report> {
    let there = settings.files.data.ancestors().find(|folder| folder.exists())?;
    if there.is_dir() {
        return None;
    }
    let problem = Problem::NoFolder { path: there.display().to_string() };
    Some(source.finding(source.value(&["files", "data"]), Severity::Error, problem))
}

/// What the certificates that settings name come to.
#[derive(Default)]
pub(super) struct Secure {
    pub(super) configs: BTreeMap<SocketAddr, TlsConfigs>,
    pub(super) errors: Vec<Report>,
    pub(super) warnings: Vec<Report>,
}

impl Secure {
    pub(super) fn read(settings: &Settings, source: &Source) -> Secure {
        let mut secure = Secure::default();
        let mut of_all: Option<Option<TlsConfigs>> = None;
        for (index, listen) in settings.sip.addresses().iter().enumerate() {
            if !listen.transports.iter().any(|transport| transport.is_secure()) {
                continue;
            }
            let configs = match (&listen.tls, &settings.sip.tls) {
                (Some(own), _) => {
                    secure.load(own, source, &["sip", "listen", &index.to_string(), "tls"])
                }
                (None, Some(shared)) => of_all
                    .get_or_insert_with(|| secure.load(shared, source, &["sip", "tls"]))
                    .clone(),
                (None, None) => None,
            };
            secure.configs.extend(configs.map(|configs| (listen.bind, configs)));
        }
        secure
    }

    fn load(&mut self, tls: &TlsSettings, source: &Source, path: &[&str]) -> Option<TlsConfigs> {
        let now = now();
        let finding = |fault: Fault, severity| {
            let place = source.value(&[path, &[fault.key]].concat());
            source.finding(place, severity, Problem::Certificate(fault.problem))
        };
        match tls::load(tls, now) {
            Ok(loaded) => {
                let warnings = loaded.warnings.into_iter();
                self.warnings.extend(warnings.map(|fault| finding(fault, Severity::Warning)));
                Some(loaded.configs)
            }
            Err(fault) => {
                self.errors.push(finding(fault, Severity::Error));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load;
    use crate::config::problem::place_of;

    const FEED: &str = r#"{"england-and-wales": {"division": "england-and-wales", "events": [
        {"title": "Christmas Day", "date": "2026-12-25", "notes": "", "bunting": true}
    ]}}"#;

    #[test]
    fn bank_holidays_are_told_of_before_the_last_that_is_known() {
        let text = "organisation = \"A council\"\n[numbers]\n[calendar.main]\n\
                    bank_holidays = \"england-and-wales\"\n";
        let (settings, source) = load(text, "a.toml").expect("reads");
        let known = BankHolidays::parse(FEED).expect("reads");
        let told = |on: &str| {
            let now = format!("{on}T12:00:00Z").parse().expect("a time");
            let report = holidays_end(&settings, &source, &known, now)?;
            Some((place_of(&*report).expect("a place"), report.to_string()))
        };
        assert_eq!(told("2026-10-26"), None);
        let place = "a.toml:4:17".to_owned();
        let soon = "the last bank holiday that is known is on 2026-12-25".to_owned();
        assert_eq!(told("2026-10-27"), Some((place.clone(), soon.clone())));
        assert_eq!(told("2026-12-25"), Some((place, soon)));
        let (_, over) = told("2026-12-26").expect("told");
        assert!(over.ends_with("the lines are open on all later ones"), "{over}");
    }

    #[test]
    fn the_data_folder_must_be_one_or_be_possible() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let text = "organisation = \"A council\"\n[numbers]\n";
        let (mut settings, source) = load(text, "a.toml").expect("reads");
        for (data, fits) in [
            (folder.path().to_owned(), true),
            (folder.path().join("new/data"), true),
            (file.clone(), false),
            (file.join("data"), false),
        ] {
            settings.files.data = data;
            assert_eq!(no_folder(&settings, &source).is_none(), fits, "{:?}", settings.files.data);
        }
    }
}
