//! Which voice speaks prompts.

use crate::config::problem::Problem;

use super::Check;

impl Check<'_> {
    pub(super) fn voice(&mut self) {
        let voice = &self.settings.voice;
        self.not_zero(&["voice", "timeout_ms"], "voice.timeout_ms", u64::from(voice.timeout_ms));
        let Some(url) = &voice.url else { return };
        if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
            self.error(&["voice", "url"], Problem::BadVoice { url: url.clone() });
        }
    }
}
