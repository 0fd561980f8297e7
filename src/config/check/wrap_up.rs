//! What advisers say of conversations: codes that are there, and times that can be kept.

use crate::acd::settings::{LONGEST_WITHIN_S, QueueSettings};
use crate::config::problem::{AdviserProblem, Problem};
use crate::id::{QueueName, WrapUpCode};

use super::Check;

impl Check<'_> {
    pub(super) fn wrap_up(&mut self) {
        let settings = &self.settings.wrap_up;
        for (code, words) in &settings.codes {
            let name = code.as_str();
            let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if name.is_empty() || name.len() > 64 || !name.bytes().all(named) {
                let what =
                    Problem::Adviser(AdviserProblem::BadWrapUpCode { code: name.to_owned() });
                self.key_error(&["wrap_up", "codes", name], what);
            }
            self.text(&["wrap_up", "codes", name], "the code's words", words);
        }
        let days = u64::from(settings.repeat_days);
        self.not_zero(&["wrap_up", "repeat_days"], "the time of a repeat contact", days);
        if settings.within_s > LONGEST_WITHIN_S {
            let what = Problem::Adviser(AdviserProblem::TooLong {
                what: "the time for a code",
                most: LONGEST_WITHIN_S,
            });
            self.error(&["wrap_up", "within_s"], what);
        }
    }

    pub(super) fn wrap_up_of(&mut self, name: &QueueName, queue: &QueueSettings) {
        let at = |key: &'static str| ["queue", name.as_str(), key];
        let codes = &self.settings.wrap_up.codes;
        let known = || codes.keys().map(WrapUpCode::as_str);
        for (index, code) in queue.wrap_up_codes.iter().enumerate() {
            if !codes.contains_key(code) {
                let index = index.to_string();
                let path = ["queue", name.as_str(), "wrap_up_codes", index.as_str()];
                self.no_such(&path, "wrap-up code", code.as_str(), known());
            }
        }
        if queue.wrap_up_required && (codes.is_empty() || queue.wrap_up_s == 0) {
            let what = Problem::Adviser(AdviserProblem::NoCodeToGive { codes: codes.len() });
            self.error(&at("wrap_up_required"), what);
        }
    }
}
