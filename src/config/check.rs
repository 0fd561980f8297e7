//! What reads well and means nothing: references to what is not there, sizes that cannot work,
//! names that collide. Each finding has its place in the file.

use std::collections::BTreeMap;

use miette::{Report, Severity};

use crate::acd::calendar::{BankHolidays, Calendar, CalendarError};
use crate::acd::settings::LEAST_RING_S;
use crate::id::{FlowName, Skill};
use crate::number::canonical;
use crate::trunk::settings::Service;

use super::problem::Problem;
use super::settings::Settings;
use super::source::Source;
use super::suggest::closest;

mod agents;
mod backends;
mod dial;
mod guard;
mod network;
mod recording;
mod speech;
mod trunks;

/// Checks everything but the flows that numbers lead to ([`check_numbers`]). Findings are errors
/// and warnings, see [`is_error`].
pub fn check(settings: &Settings, source: &Source, bank_holidays: &BankHolidays) -> Vec<Report> {
    let mut check = Check { settings, source, findings: Vec::new() };
    check.organisation();
    check.numbers();
    check.trunks();
    check.sip();
    check.rtp();
    check.limits();
    check.guard();
    check.queues();
    check.calendars(bank_holidays);
    check.agents();
    check.star_codes();
    check.dial_plan();
    check.transfers();
    check.recording();
    check.backends();
    check.speech();
    check.tokens();
    check.findings
}

/// Checks that every number leads to a flow that is there, and that what flows may dial is said of
/// flows that are there.
pub fn check_numbers(settings: &Settings, source: &Source, flows: &[FlowName]) -> Vec<Report> {
    let mut check = Check { settings, source, findings: Vec::new() };
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

/// Whether a finding keeps the settings from being used; otherwise it is a warning.
pub fn is_error(finding: &Report) -> bool {
    finding.severity().is_none_or(|severity| severity == Severity::Error)
}

struct Check<'a> {
    settings: &'a Settings,
    source: &'a Source,
    findings: Vec<Report>,
}

impl<'a> Check<'a> {
    /// Notes an error in the value at a path.
    fn error(&mut self, path: &[&str], what: Problem) {
        let place = self.source.value(path);
        self.findings.push(self.source.finding(place, Severity::Error, what));
    }

    /// Notes an error in the key at a path.
    fn key_error(&mut self, path: &[&str], what: Problem) {
        let place = self.source.key(path);
        self.findings.push(self.source.finding(place, Severity::Error, what));
    }

    /// Notes something that works and is hardly meant.
    fn warning(&mut self, path: &[&str], what: Problem) {
        let place = self.source.key(path);
        self.findings.push(self.source.finding(place, Severity::Warning, what));
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

    /// Whether a text is one of the numbers that callers dial.
    fn is_number(&self, text: &str) -> bool {
        let text = canonical(text);
        let trunks = self.settings.trunks.values().map(|trunk| &trunk.numbers);
        let mut all = trunks.chain([&self.settings.numbers]).flatten();
        all.any(|(number, _)| canonical(number) == text)
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

    fn queues(&mut self) {
        let settings = self.settings;
        for (name, queue) in &settings.queues {
            let at = |key: &'static str| ["queue", name.as_str(), key];
            self.text(&at("title"), "the queue's title", &queue.title);
            if let Some(short) = &queue.short_title {
                self.text(&at("short_title"), "the queue's short title", short);
            }
            self.not_zero(&at("standard_s"), "the standard", u64::from(queue.standard_s));
            self.not_zero(&at("ring_s"), "the ringing time", u64::from(queue.ring_s));
            if let Some(max) = queue.max_waiting {
                self.not_zero(&at("max_waiting"), "the number who may wait", max as u64);
            }
            if let Some(max) = queue.max_wait_s {
                self.not_zero(&at("max_wait_s"), "the longest wait", u64::from(max));
            }
            self.not_zero(&at("max_messages"), "open messages", queue.max_messages as u64);
            let alert_s = u64::from(queue.message_alert_s);
            self.not_zero(&at("message_alert_s"), "the time for a message", alert_s);
            let callback = &queue.callback;
            for (key, what, value) in [
                ("most", "open calls back", callback.most as u64),
                ("retry_after_s", "the time to the next try", u64::from(callback.retry_after_s)),
                ("late_after_s", "the time for a call back", u64::from(callback.late_after_s)),
            ] {
                self.not_zero(&["queue", name.as_str(), "callback", key], what, value);
            }
            if callback.ring_s < LEAST_RING_S {
                let at = ["queue", name.as_str(), "callback", "ring_s"];
                self.error(&at, Problem::RingsTooShort { ring_s: callback.ring_s });
            }
            let music = queue.music.as_str();
            let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
            let named = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
            if !music.split('/').all(plain) || !music.bytes().all(named) {
                self.error(&at("music"), Problem::BadPromptName { name: music.to_owned() });
            }
            if let Some(hours) = &queue.hours
                && !settings.calendars.contains_key(hours)
            {
                let known = settings.calendars.keys().map(|name| name.as_str());
                self.no_such(&at("hours"), "calendar", hours.as_str(), known);
            }
            let able = |skills: &Vec<Skill>| queue.skills.iter().all(|need| skills.contains(need));
            if !settings.agents.values().any(|agent| able(&agent.skills)) {
                let skills: Vec<&str> = queue.skills.iter().map(Skill::as_str).collect();
                let (queue, skills) = (name.to_string(), skills.join(", "));
                self.warning(&at("skills"), Problem::NobodySkilled { queue, skills });
            }
        }
    }

    fn calendars(&mut self, bank_holidays: &BankHolidays) {
        let settings = self.settings;
        for (name, calendar) in &settings.calendars {
            let Err(error) = Calendar::new(calendar, bank_holidays) else { continue };
            let name = name.as_str();
            let what = Problem::Calendar(error.clone());
            match error {
                CalendarError::UnknownDay { day } => {
                    self.key_error(&["calendar", name, "week", &day], what);
                }
                CalendarError::BadDate { day } => {
                    self.key_error(&["calendar", name, "exceptions", &day], what);
                }
                CalendarError::BadSpan { exception, day, index, .. }
                | CalendarError::Backwards { exception, day, index, .. }
                | CalendarError::Overlap { exception, day, index, .. } => {
                    let table = if exception { "exceptions" } else { "week" };
                    self.error(&["calendar", name, table, &day, &index.to_string()], what);
                }
                CalendarError::UnknownDivision { division } => {
                    let known = bank_holidays.divisions();
                    let path = ["calendar", name, "bank_holidays"];
                    self.no_such(&path, "division of bank holidays", &division, known);
                }
            }
        }
    }

    fn star_codes(&mut self) {
        let codes = &self.settings.star_codes;
        let mut seen: BTreeMap<&str, &'static str> = BTreeMap::new();
        for (key, code) in [
            ("sign_in", &codes.sign_in),
            ("sign_out", &codes.sign_out),
            ("ready", &codes.ready),
            ("not_ready", &codes.not_ready),
        ] {
            let path = ["star_codes", key];
            let code = code.as_str();
            let digits = code.strip_prefix('*').unwrap_or("");
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'*') {
                self.error(&path, Problem::BadStarCode { code: code.to_owned() });
            }
            if let Some(other) = seen.insert(code, key) {
                self.error(&path, Problem::StarCodeTwice { code: code.to_owned(), other });
            }
            if self.is_number(code) {
                self.error(&path, Problem::StarCodeIsNumber { code: code.to_owned() });
            }
        }
    }
}
