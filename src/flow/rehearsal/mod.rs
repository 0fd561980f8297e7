//! Flows rehearsed without a telephone: the real walk, with callers, clocks, queues and other systems
//! made up. `switchboard test-flows` and `switchboard flow try` stand on it.

mod report;
pub(in crate::flow) mod script;
mod stage;
pub(in crate::flow) mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, DateTime};

use super::{Fault, FlowFile, Flows, Known, speak};
use crate::call::command::{Question, Utterance};
use crate::id::{CalendarName, FlowName, NodeName, PromptName, TemplateName};
use crate::notification::Needs;

pub use self::report::{Coverage, Outcome, Report};
pub use self::script::Script;
pub use self::stage::{Conditions, Fake, Happening, Stage, Waiting};

/// Everything that rehearsals need.
pub struct Theatre<'a> {
    /// The flows.
    pub flows: Arc<Flows>,
    /// What prompts say.
    pub texts: BTreeMap<PromptName, String>,
    /// What callers can be sent.
    pub templates: BTreeMap<TemplateName, Needs>,
    /// Whether a calendar is open at a time where the council is.
    pub open: &'a dyn Fn(&CalendarName, DateTime) -> bool,
    /// What words mean that are said in answer to a question on a day.
    pub understand: &'a Understand,
}

/// What words mean that are said in answer to a question on a day.
pub type Understand = dyn Fn(&Question, &str, Date) -> Utterance;

impl<'a> Theatre<'a> {
    /// Of these files; all that is wrong with them otherwise.
    pub fn new(
        files: &[FlowFile],
        known: &Known,
        open: &'a dyn Fn(&CalendarName, DateTime) -> bool,
        understand: &'a Understand,
    ) -> Result<Self, Vec<Fault>> {
        let loaded = super::load(files, known)?;
        let said = super::texts(files, &known.intents)?;
        let texts = said.into_iter().chain(speak::texts());
        let texts = texts.map(|text| (text.prompt, text.text)).collect();
        let templates = known.templates.clone();
        Ok(Theatre { flows: Arc::new(loaded.flows), texts, templates, open, understand })
    }
}

/// Runs the tests of all files.
pub fn rehearse(files: &[FlowFile], theatre: &Theatre<'_>) -> Result<Report, Vec<Fault>> {
    let mut found = Vec::new();
    let mut outcomes = Vec::new();
    let mut taken: BTreeSet<(FlowName, NodeName, NodeName)> = BTreeSet::new();
    for file in files {
        match script::of(file) {
            Ok(scripts) => {
                for script in scripts {
                    outcomes.push(report::play(&script, file, theatre, &mut taken));
                }
            }
            Err(faults) => found.extend(faults),
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    Ok(Report { outcomes, coverage: Coverage::of(&theatre.flows, &taken) })
}

#[cfg(test)]
mod tests;
