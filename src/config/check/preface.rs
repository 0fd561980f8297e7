//! What is said before an answer: words that can be spoken.

use miette::Report;

use crate::acd::settings::{QueueSettings, Words};
use crate::config::problem::{AdviserProblem, Problem};
use crate::config::settings::Settings;
use crate::config::source::Source;
use crate::id::{PromptName, QueueName};

use super::Check;

/// What is missing of what would be said before answers, by whom it is about; the words that all share are told
/// once.
pub fn check_unspoken(
    settings: &Settings,
    source: &Source,
    unspoken: &[(&PromptName, Option<[&str; 3]>)],
) -> Vec<Report> {
    let mut check = Check::new(settings, source);
    let of = |prompt: &PromptName, instead| {
        Problem::Adviser(AdviserProblem::Unspoken { prompt: prompt.to_string(), instead })
    };
    for (prompt, path) in unspoken {
        let Some(path) = path else { continue };
        let instead = match path[2] {
            "whisper" => "advisers are not told of the queue",
            "greeting" => "nobody is greeted",
            _ => "callers are told of an adviser without a name",
        };
        check.value_warning(path, of(prompt, instead));
    }
    if let Some((prompt, _)) = unspoken.iter().find(|(_, path)| path.is_none()) {
        check.value_warning(&["queue"], of(prompt, "what advisers are told leaves it out"));
    }
    check.findings
}

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
