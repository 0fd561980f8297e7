//! What is said between an adviser's picking up and the answer, put together from recordings, and which
//! recordings that takes.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::acd::settings::QueueSettings;
use crate::call::Preface;
use crate::config::settings::Settings;
use crate::flow::prompt::SpokenText;
use crate::flow::speak;
use crate::flow::wording::{Piece, pieces};
use crate::id::{AgentId, CallId, PromptName, QueueName, Skill};
use crate::time::Time;

use super::{AgentPlan, Engine, Plan};

/// The name in a greeting's words.
const ADVISER: &str = "adviser";
/// What stands for the name of an agent who has no `spoken_name`.
const UNNAMED: (&str, &str) = ("greeting/unnamed", "one of our advisers");
/// A wait that is not worth a word.
const SOON: Duration = Duration::from_secs(15);
/// Words between the others: names and texts.
const WORDS: [(&str, &str); 8] = [
    ("whisper/urgent", "urgent"),
    ("whisper/waited", "waited"),
    ("whisper/seconds", "seconds"),
    ("whisper/minute", "minute"),
    ("whisper/minutes", "minutes"),
    ("whisper/hour", "hour"),
    ("whisper/hours", "hours"),
    ("whisper/more", "more than"),
];

/// In the council's own language.
fn spoken(prompt: PromptName, text: String) -> SpokenText {
    SpokenText { prompt, text, language: None }
}

fn whisper_of(name: &QueueName, queue: &QueueSettings) -> Option<SpokenText> {
    let text =
        queue.whisper.or(|| queue.short_title.clone().unwrap_or_else(|| queue.title.clone()));
    Some(spoken(format!("whisper/queue-{name}").into(), text?))
}

/// A piece of a greeting.
enum Part {
    Words(SpokenText),
    Adviser,
}

fn greeting_of(name: &QueueName, queue: &QueueSettings) -> Vec<Part> {
    let usual = || format!("You are through to {{{ADVISER}}} in {}.", queue.title);
    let Some(text) = queue.greeting.or(usual) else { return Vec::new() };
    // What cannot be read, `check` has refused.
    let read = pieces(&text).unwrap_or_default();
    let part = |(at, piece): (usize, &Piece<'_>)| match piece {
        Piece::Words(words) => {
            let prompt = format!("greeting/queue-{name}-{}", at + 1).into();
            let text = words.trim().to_owned();
            // Full stops and the like between names are not spoken.
            let is_spoken = text.chars().any(char::is_alphanumeric);
            is_spoken.then_some(Part::Words(spoken(prompt, text)))
        }
        Piece::Value { .. } => Some(Part::Adviser),
    };
    read.iter().enumerate().filter_map(part).collect()
}

fn skill_prompt(skill: &Skill) -> PromptName {
    format!("whisper/skill-{skill}").into()
}

fn adviser_prompt(agent: &AgentId) -> PromptName {
    format!("greeting/adviser-{agent}").into()
}

/// Whose words a prompt has, as settings write it; none if they are everybody's.
pub fn path_of(prompt: &PromptName) -> Option<[&str; 3]> {
    let name = prompt.as_str();
    if let Some(queue) = name.strip_prefix("whisper/queue-") {
        return Some(["queue", queue, "whisper"]);
    }
    if let Some(agent) = name.strip_prefix("greeting/adviser-") {
        return Some(["agent", agent, "spoken_name"]).filter(|_| prompt.as_str() != UNNAMED.0);
    }
    let (queue, _) = name.strip_prefix("greeting/queue-")?.rsplit_once('-')?;
    Some(["queue", queue, "greeting"])
}

/// Every text that can be said before an answer.
pub fn texts(settings: &Settings) -> Vec<SpokenText> {
    let mut texts: Vec<SpokenText> = Vec::new();
    let queues = || settings.queues.iter();
    let fixed = |(prompt, text): (&str, &str)| spoken(prompt.into(), text.to_owned());
    let whispers: Vec<SpokenText> =
        queues().filter_map(|(name, queue)| whisper_of(name, queue)).collect();
    if !whispers.is_empty() {
        texts.extend(WORDS.map(fixed));
        let agents = settings.agents.values().flat_map(|agent| &agent.skills);
        let asked = settings.queues.values().flat_map(|queue| &queue.skills);
        let skills: BTreeSet<&Skill> = agents.chain(asked).map(|one| &one.skill).collect();
        texts.extend(
            skills
                .into_iter()
                .map(|skill| spoken(skill_prompt(skill), skill.as_str().replace(['-', '_'], " "))),
        );
        let numbers = numbers();
        texts.extend(speak::texts().into_iter().filter(|text| numbers.contains(&text.prompt)));
    }
    texts.extend(whispers);
    let greetings = queues().flat_map(|(name, queue)| greeting_of(name, queue));
    let mut named = false;
    for part in greetings {
        match part {
            Part::Words(text) => texts.push(text),
            Part::Adviser => named = true,
        }
    }
    if named {
        texts.push(fixed(UNNAMED));
        texts.extend(settings.agents.iter().filter_map(|(agent, settings)| {
            let text = settings.spoken_name.clone()?;
            Some(spoken(adviser_prompt(agent), text))
        }));
    }
    texts
}

/// The numbers that a wait is told in.
fn numbers() -> BTreeSet<PromptName> {
    (1..60).flat_map(speak::number).collect()
}

/// How long a caller has waited, rounded down.
fn waited(wait: Duration) -> Vec<PromptName> {
    let seconds = wait.as_secs();
    let (count, unit) = match seconds {
        _ if wait < SOON => return Vec::new(),
        0..60 => (seconds / 5 * 5, "whisper/seconds"),
        60..120 => (1, "whisper/minute"),
        120..3_600 => (seconds / 60, "whisper/minutes"),
        3_600..7_200 => (1, "whisper/hour"),
        7_200..214_200 => (seconds / 3_600, "whisper/hours"),
        _ => (59, "whisper/hours"),
    };
    let more = (seconds >= 3_600).then(|| "whisper/more".into());
    ["whisper/waited".into()]
        .into_iter()
        .chain(more)
        .chain(speak::number(count))
        .chain([unit.into()])
        .collect()
}

impl Plan {
    /// Every prompt that can be said before an answer, of the agents and queues that there are.
    pub(super) fn preface_sounds(&self) -> Vec<PromptName> {
        let mut names: Vec<PromptName> = Vec::new();
        let mut are_named = false;
        for (name, queue) in &self.acd.queues {
            if let Some(text) = whisper_of(name, queue) {
                names.push(text.prompt);
                names.extend(WORDS.map(|(prompt, _)| prompt.into()));
                names.extend(numbers());
                names.push(speak::PAUSE.into());
                let asked = crate::flow::asked_skills(&self.flows, name);
                let said = asked.iter().filter(|skill| !queue.needs(skill));
                names.extend(said.map(skill_prompt));
            }
            for part in greeting_of(name, queue) {
                match part {
                    Part::Words(text) => names.push(text.prompt),
                    Part::Adviser => are_named = true,
                }
            }
        }
        if are_named {
            names.push(UNNAMED.0.into());
            let named = self.agents.iter().filter(|(_, agent)| agent.is_named);
            names.extend(named.map(|(agent, _)| adviser_prompt(agent)));
        }
        names
    }
}

impl Engine {
    /// What is said to an agent who picks up for a call, and to both.
    pub(super) fn preface(
        &self,
        now: Time,
        id: CallId,
        name: &QueueName,
        agent: &AgentId,
    ) -> Preface {
        let (Some(governed), Some(queue)) = (self.calls.get(&id), self.plan.acd.queues.get(name))
        else {
            return Preface::default();
        };
        let call = &governed.call;
        let pause = || PromptName::from(speak::PAUSE);
        let can_be_said = |prompt: &PromptName| !self.plan.unspoken.contains(prompt);
        let mut whisper = Vec::new();
        if let Some(text) = whisper_of(name, queue) {
            whisper.push(text.prompt);
            // What every caller of the queue needs goes without saying.
            for one in call.asks_for().iter().filter(|one| !queue.needs(&one.skill)) {
                whisper.extend([pause(), skill_prompt(&one.skill)]);
            }
            if call.priority().0 < 0 {
                whisper.extend([pause(), "whisper/urgent".into()]);
            }
            let wait = waited(call.waited(now));
            if !wait.is_empty() {
                whisper.push(pause());
                whisper.extend(wait);
            }
        }
        whisper.retain(can_be_said);
        let is_named = |plan: &AgentPlan| plan.is_named;
        let own = adviser_prompt(agent);
        let is_named = self.plan.agents.get(agent).is_some_and(is_named) && can_be_said(&own);
        let adviser = if is_named { own } else { UNNAMED.0.into() };
        let greeting = greeting_of(name, queue).into_iter().map(|part| match part {
            Part::Words(text) => text.prompt,
            Part::Adviser => adviser.clone(),
        });
        let mut greeting: Vec<PromptName> = greeting.collect();
        // Half a greeting is worse than none.
        if !greeting.iter().all(can_be_said) {
            greeting.clear();
        }
        Preface { whisper, greeting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        toml::from_str(
            r#"
            organisation = "Harbourside Council"
            [numbers]
            "01708434343" = "main"
            [queue.waste]
            title = "Waste and recycling"
            short_title = "Waste"
            skills = ["waste"]
            whisper = true
            greeting = true
            [queue.rent]
            title = "Rent"
            whisper = "Rent, from tenants"
            greeting = "Rent service. {adviser} speaks to you now."
            [queue.quiet]
            title = "Quiet"
            [agent.amy]
            name = "Amy Adeyemi"
            spoken_name = "Amy"
            skills = ["waste", "british-sign-language"]
            password = "amy's"
            [agent.ben]
            name = "Ben Hughes"
            password = "ben's"
            "#,
        )
        .expect("settings")
    }

    #[test]
    fn everything_that_can_be_said_has_a_text() {
        let texts = texts(&settings());
        let said = |prompt: &str| {
            let found = texts.iter().find(|text| text.prompt.as_str() == prompt);
            found.map(|text| text.text.as_str())
        };
        for (prompt, text) in [
            ("whisper/queue-waste", Some("Waste")),
            ("whisper/queue-rent", Some("Rent, from tenants")),
            ("whisper/queue-quiet", None),
            ("whisper/skill-british-sign-language", Some("british sign language")),
            ("greeting/queue-waste-1", Some("You are through to")),
            ("greeting/queue-waste-3", Some("in Waste and recycling.")),
            ("greeting/queue-rent-1", Some("Rent service.")),
            ("greeting/queue-rent-3", Some("speaks to you now.")),
            ("greeting/adviser-amy", Some("Amy")),
            ("greeting/adviser-ben", None),
            ("greeting/unnamed", Some("one of our advisers")),
            ("say/n-45", Some("forty-five")),
            ("say/n-60", None),
            ("say/l-a", None),
        ] {
            assert_eq!(said(prompt), text, "{prompt}");
        }
        let quiet = Settings { queues: Default::default(), ..settings() };
        assert_eq!(super::texts(&quiet), [], "nothing is spoken that nobody hears");
    }

    #[test]
    fn a_wait_is_told_rounded_down() {
        let said = |s: u64| {
            let prompts = waited(Duration::from_secs(s));
            let last = |prompt: &PromptName| {
                prompt.as_str().rsplit('/').next().unwrap_or_default().to_owned()
            };
            prompts.iter().map(last).collect::<Vec<_>>().join(" ")
        };
        for (s, words) in [
            (0, ""),
            (14, ""),
            (15, "waited n-15 seconds"),
            (59, "waited n-55 seconds"),
            (60, "waited n-1 minute"),
            (119, "waited n-1 minute"),
            (120, "waited n-2 minutes"),
            (3_599, "waited n-59 minutes"),
            (3_600, "waited more n-1 hour"),
            (7_200, "waited more n-2 hours"),
            (1_000_000, "waited more n-59 hours"),
        ] {
            assert_eq!(said(s), words, "{s}");
        }
        let known: BTreeSet<PromptName> =
            texts(&settings()).into_iter().map(|t| t.prompt).collect();
        for s in 0..8_000 {
            assert!(waited(Duration::from_secs(s)).iter().all(|name| known.contains(name)), "{s}");
        }
    }
}
