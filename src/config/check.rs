//! What reads well and means nothing: references to what is not there, sizes that cannot work,
//! names that collide. Each finding has its place in the file.

use std::collections::{BTreeMap, BTreeSet};

use miette::{Report, Severity};

use crate::acd::calendar::BankHolidays;
use crate::id::{FlowName, QueueName};
use crate::number::canonical;
use crate::trunk::settings::Service;

use super::problem::Problem;
use super::settings::Settings;
use super::source::Source;
use super::suggest::closest;

mod agents;
mod backends;
mod calendars;
mod dial;
mod guard;
mod language_model;
mod network;
mod not_ready;
mod notifications;
mod outbound;
mod preface;
mod queues;
mod recording;
mod skills;
mod speech;
mod trunks;
mod voice;
mod wrap_up;

pub use preface::check_unspoken;

/// Checks everything but the flows that numbers lead to ([`check_numbers`]). Findings are errors
/// and warnings, see [`is_error`].
pub fn check(settings: &Settings, source: &Source, bank_holidays: &BankHolidays) -> Vec<Report> {
    let mut check = Check::new(settings, source);
    check.organisation();
    check.numbers();
    check.trunks();
    check.outbound();
    check.sip();
    check.rtp();
    check.limits();
    check.guard();
    check.queues();
    check.turns();
    check.declared_skills();
    check.wrap_up();
    check.not_ready();
    check.calendars(bank_holidays);
    check.agents();
    check.shared_phones();
    check.star_codes();
    check.dial_plan();
    check.transfers();
    check.recording();
    check.backends();
    check.notifications();
    check.speech();
    check.voice();
    check.language_model();
    check.tokens();
    check.findings
}

/// Checks that every number leads to a flow that is there, and that what flows may dial is said of
/// flows that are there.
pub fn check_numbers(settings: &Settings, source: &Source, flows: &[FlowName]) -> Vec<Report> {
    let mut check = Check::new(settings, source);
    let known = || flows.iter().map(FlowName::as_str);
    let mut lead = |path: &[&str], to: &Service| {
        if !flows.contains(&to.flow) {
            check.no_such(path, "flow", to.flow.as_str(), known());
        }
    };
    for (number, to) in &settings.numbers {
        lead(&["numbers", number], to);
    }
    for (trunk, settings) in &settings.trunks {
        for (number, to) in &settings.numbers {
            lead(&["trunk", trunk.as_str(), "numbers", number], to);
        }
    }
    for flow in settings.recording.flows.keys().filter(|flow| !flows.contains(flow)) {
        check.no_such(&["recording", "flow", flow.as_str()], "flow", flow.as_str(), known());
    }
    for flow in settings.outbound.flows.keys().filter(|flow| !flows.contains(flow)) {
        check.no_such(&["outbound", "flow", flow.as_str()], "flow", flow.as_str(), known());
    }
    check.findings
}

/// Checks that nobody waits for ever behind others: with strict priority somebody can, where flows give
/// callers different ones. `given` is what they give, with the queue where it is given.
pub fn check_priorities(
    settings: &Settings,
    source: &Source,
    given: &[(QueueName, i32)],
) -> Vec<Report> {
    let mut check = Check::new(settings, source);
    let least = given.iter().max_by_key(|(_, priority)| *priority);
    let differ = given.iter().any(|(_, priority)| Some(*priority) != least.map(|(_, p)| *p));
    if let Some((queue, _)) = least.filter(|_| differ && settings.turns.ageing_s.is_none()) {
        let what = Problem::CanStarve { queue: queue.to_string() };
        check.warning(&["queue", queue.as_str()], what);
    }
    check.findings
}

/// Whether a finding keeps the settings from being used; otherwise it is a warning.
pub fn is_error(finding: &Report) -> bool {
    finding.severity().is_none_or(|severity| severity == Severity::Error)
}

/// How long it may be remembered at most what numbers rang about, in hours: a month.
const LONGEST_HISTORY_H: u32 = 744;

struct Check<'a> {
    settings: &'a Settings,
    source: &'a Source,
    /// What callers dial, each in its one spelling.
    numbers: BTreeSet<String>,
    findings: Vec<Report>,
}

impl<'a> Check<'a> {
    fn new(settings: &'a Settings, source: &'a Source) -> Self {
        let trunks = settings.trunks.values().map(|trunk| &trunk.numbers);
        let numbers = trunks.chain([&settings.numbers]).flat_map(BTreeMap::keys);
        let numbers = numbers.map(|number| canonical(number)).collect();
        Check { settings, source, numbers, findings: Vec::new() }
    }

    /// Notes an error in the value at a path.
    fn error(&mut self, path: &[&str], what: Problem) {
        self.findings.push(self.source.finding_at(path, false, Severity::Error, what));
    }

    /// Notes an error in the key at a path.
    fn key_error(&mut self, path: &[&str], what: Problem) {
        self.findings.push(self.source.finding_at(path, true, Severity::Error, what));
    }

    /// Notes something that works and is hardly meant.
    fn warning(&mut self, path: &[&str], what: Problem) {
        self.findings.push(self.source.finding_at(path, true, Severity::Warning, what));
    }

    /// The same, of the value at a path.
    fn value_warning(&mut self, path: &[&str], what: Problem) {
        self.findings.push(self.source.finding_at(path, false, Severity::Warning, what));
    }

    fn no_such<'k>(
        &mut self,
        path: &[&str],
        kind: &'static str,
        name: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let known: Vec<String> = known.map(str::to_owned).collect();
        let near = closest(name, known.iter().map(String::as_str)).map(str::to_owned);
        self.error(path, Problem::NoSuch { kind, name: name.to_owned(), near, known });
    }

    fn text(&mut self, path: &[&str], what: &'static str, text: &str) {
        if text.trim().is_empty() {
            self.error(path, Problem::Empty { what });
        } else if text.chars().any(char::is_control) {
            self.error(path, Problem::ControlCharacter { what });
        }
    }

    fn not_zero(&mut self, path: &[&str], what: &'static str, value: u64) {
        if value == 0 {
            self.error(path, Problem::Zero { what });
        }
    }

    /// From 1 to as much as makes sense.
    fn within(&mut self, path: &[&str], what: &'static str, value: u64, most: u64) {
        self.not_zero(path, what, value);
        if value > most {
            self.error(path, Problem::TooMuch { what, value, most });
        }
    }

    /// Whether a text is one of the numbers that callers dial.
    fn is_number(&self, text: &str) -> bool {
        self.numbers.contains(&canonical(text))
    }

    fn organisation(&mut self) {
        self.text(&["organisation"], "the organisation's name", &self.settings.organisation);
        let zone = &self.settings.time_zone;
        if super::plan::time_zone(self.settings).is_err() {
            let names: Vec<String> =
                jiff::tz::db().available().map(|name| name.to_string()).collect();
            let near = closest(zone, names.iter().map(String::as_str)).map(str::to_owned);
            self.error(&["time_zone"], Problem::BadTimeZone { zone: zone.clone(), near });
        }
        self.text(&["files", "language"], "the language", &self.settings.files.language);
        let (hours, longest) = (self.settings.history.within_h, LONGEST_HISTORY_H);
        if hours > longest {
            self.error(&["history", "within_h"], Problem::RememberedTooLong { hours, longest });
        }
    }

    fn limits(&mut self) {
        let limits = &self.settings.limits;
        self.not_zero(&["limits", "calls"], "limits.calls", limits.calls as u64);
        let per_second = u64::from(limits.calls_per_second);
        self.not_zero(&["limits", "calls_per_second"], "limits.calls_per_second", per_second);
        let backlog = limits.journal_backlog as u64;
        self.not_zero(&["limits", "journal_backlog"], "limits.journal_backlog", backlog);
        self.not_zero(&["limits", "call_s"], "limits.call_s", u64::from(limits.call_s));
        for (key, what, value) in [
            ("connections", "limits.connections", limits.connections),
            (
                "connections_per_source",
                "limits.connections_per_source",
                limits.connections_per_source,
            ),
        ] {
            self.not_zero(&["limits", key], what, value as u64);
        }
    }

    fn star_codes(&mut self) {
        let codes = &self.settings.star_codes;
        let mut seen: BTreeMap<&str, &'static str> = BTreeMap::new();
        for (key, code) in codes.all() {
            let path = ["star_codes", key];
            let digits = code.strip_prefix('*').unwrap_or("");
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'*') {
                self.error(&path, Problem::BadStarCode { code: code.to_owned() });
            }
            if let Some(other) = seen.insert(code, key) {
                self.error(&path, Problem::StarCodeTwice { code: code.to_owned(), other });
            }
            let sits = codes.sit_down.as_str();
            if key != "sit_down" && code != sits && code.starts_with(sits) {
                let (code, other) = (code.to_owned(), "sit_down");
                self.error(&path, Problem::StarCodeTwice { code, other });
            }
            if self.is_number(code) {
                self.error(&path, Problem::StarCodeIsNumber { code: code.to_owned() });
            }
        }
    }
}
