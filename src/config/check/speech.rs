//! How callers are heard.

use crate::config::problem::Problem;
use crate::config::settings::EngineName;

use super::Check;
use super::backends::LONGEST_ANSWER_MS;

impl Check<'_> {
    pub(super) fn speech(&mut self) {
        let settings = self.settings;
        let speech = &settings.speech;
        for (key, what, value) in [
            ("at_once", "speech.at_once", speech.at_once as u64),
            ("decoders", "speech.decoders", speech.decoders as u64),
        ] {
            self.not_zero(&["speech", key], what, value);
        }
        for (key, what, value) in [
            ("timeout_ms", "speech.timeout_ms", speech.timeout_ms),
            ("longest_ms", "speech.longest_ms", speech.longest_ms),
        ] {
            self.within(&["speech", key], what, value.into(), LONGEST_ANSWER_MS);
        }
        if !(0.0..=1.0).contains(&speech.confidence) {
            self.error(&["speech", "confidence"], Problem::NotAProbability);
        }
        let Some(engine) = speech.engine else { return };
        let schemes = engine.schemes();
        match &speech.url {
            None if schemes.is_empty() => {}
            None => self.error(&["speech", "engine"], Problem::NoRecogniser { schemes }),
            Some(url) if schemes.iter().any(|scheme| url.starts_with(scheme)) => {}
            Some(url) => {
                let url = url.clone();
                self.error(&["speech", "url"], Problem::BadRecogniser { url, schemes });
            }
        }
        if engine == EngineName::Pocketsphinx && !cfg!(feature = "pocketsphinx") {
            self.error(&["speech", "engine"], Problem::WithoutPocketSphinx);
        }
    }
}
