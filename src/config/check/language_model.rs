//! Who gives a second opinion on callers' words.

use crate::config::problem::Problem;

use super::Check;
use super::backends::LONGEST_ANSWER_MS;

impl Check<'_> {
    pub(super) fn language_model(&mut self) {
        let model = &self.settings.language_model;
        let at = |key| ["language_model", key];
        self.not_zero(&at("at_once"), "language_model.at_once", model.at_once as u64);
        let (what, timeout_ms) = ("language_model.timeout_ms", model.timeout_ms.into());
        self.within(&at("timeout_ms"), what, timeout_ms, LONGEST_ANSWER_MS);
        let Some(url) = &model.url else { return };
        if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
            self.error(&["language_model", "url"], Problem::BadModel { url: url.clone() });
        }
    }
}
