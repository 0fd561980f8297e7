//! For what agents are not ready: names, limits that can be kept, and keys that say one thing each.

use std::collections::BTreeMap;

use crate::acd::settings::AwaySettings;
use crate::config::problem::{AdviserProblem, Problem};
use crate::id::AwayReason;

use super::Check;

/// The longest that a reason may allow, in seconds: a day.
const LONGEST_S: u32 = 86_400;

impl<'a> Check<'a> {
    pub(super) fn not_ready(&mut self) {
        let mut keys = BTreeMap::new();
        let settings = self.settings;
        for (reason, away) in &settings.not_ready {
            let name = reason.as_str();
            let at = |key: &'static str| ["not_ready", name, key];
            let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if name.is_empty() || name.len() > 64 || !name.bytes().all(named) {
                let what = Problem::Adviser(AdviserProblem::BadReason { reason: name.to_owned() });
                self.key_error(&["not_ready", name], what);
            }
            self.text(&at("title"), "the reason's name", &away.title);
            if let Some(limit_s) = away.limit_s {
                self.not_zero(&at("limit_s"), "the time for it", u64::from(limit_s));
                if limit_s > LONGEST_S {
                    let (what, most) = ("the time for it", LONGEST_S);
                    let what = Problem::Adviser(AdviserProblem::TooLong { what, most });
                    self.error(&at("limit_s"), what);
                }
            }
            if let Some(at_once) = away.at_once {
                self.not_zero(&at("at_once"), "how many may be away", at_once as u64);
            }
            self.chosen(reason, away);
            if let Some(key) = &away.key {
                self.reason_key(name, key, &mut keys);
            }
        }
    }

    /// Nobody chooses what follows from a call.
    fn chosen(&mut self, reason: &AwayReason, away: &AwaySettings) {
        let chosen = [("key", away.key.is_some()), ("at_once", away.at_once.is_some())];
        for (key, _) in chosen.iter().filter(|(_, said)| *said && !reason.can_be_chosen()) {
            let what = Problem::Adviser(AdviserProblem::NotChosen { reason: reason.to_string() });
            self.key_error(&["not_ready", reason.as_str(), key], what);
        }
    }

    fn reason_key(&mut self, name: &'a str, key: &'a str, seen: &mut BTreeMap<&'a str, &'a str>) {
        let path = ["not_ready", name, "key"];
        if key.is_empty() || key.len() > 3 || !key.bytes().all(|b| b.is_ascii_digit()) {
            let what = Problem::Adviser(AdviserProblem::BadReasonKey { key: key.to_owned() });
            return self.error(&path, what);
        }
        if let Some(other) = seen.insert(key, name) {
            let other = other.to_owned();
            let what = Problem::Adviser(AdviserProblem::ReasonKeyTwice { other });
            return self.error(&path, what);
        }
        let codes = &self.settings.star_codes;
        let dialled = format!("{}{key}", codes.not_ready);
        let taken = codes.all().iter().any(|(_, code)| *code == dialled)
            || dialled.starts_with(&codes.sit_down)
            || self.is_number(&dialled);
        if taken {
            let what = Problem::Adviser(AdviserProblem::ReasonKeyTaken { dialled });
            self.error(&path, what);
        }
    }
}
