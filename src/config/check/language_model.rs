//! Who gives a second opinion on callers' words.

use crate::config::problem::Problem;

use super::Check;

impl Check<'_> {
    pub(super) fn language_model(&mut self) {
        let model = &self.settings.language_model;
        for (key, what, value) in [
            ("timeout_ms", "language_model.timeout_ms", u64::from(model.timeout_ms)),
            ("at_once", "language_model.at_once", model.at_once as u64),
        ] {
            self.not_zero(&["language_model", key], what, value);
        }
        let Some(url) = &model.url else { return };
        if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
            self.error(&["language_model", "url"], Problem::BadModel { url: url.clone() });
        }
    }
}
