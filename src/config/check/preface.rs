//! What is said before an answer: words that can be spoken.

use crate::acd::settings::{QueueSettings, Words};
use crate::config::problem::{AdviserProblem, Problem};
use crate::id::QueueName;

use super::Check;

impl Check<'_> {
    pub(super) fn preface(&mut self, name: &QueueName, queue: &QueueSettings) {
        let at = |key: &'static str| ["queue", name.as_str(), key];
        for (key, what, words) in [
            ("whisper", "what the adviser is told", &queue.whisper),
            ("greeting", "the greeting", &queue.greeting),
        ] {
            let Words::Own(text) = words else { continue };
            self.text(&at(key), what, text);
            let rest = match key {
                "greeting" => text.replace("{adviser}", ""),
                _ => text.clone(),
            };
            if rest.contains(['{', '}']) {
                self.error(
                    &at(key),
                    Problem::Adviser(AdviserProblem::BadBraces { greeting: key == "greeting" }),
                );
            }
        }
    }
}
