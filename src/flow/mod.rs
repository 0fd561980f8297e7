//! The declarative IVR: what a caller hears and presses, written in `ivr-flows/*.yaml`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::call::command::{Command, Notice};
use crate::id::{CalendarName, FlowName, PromptName, QueueName, Skill};

/// A flow that passed every check.
#[derive(Debug)]
pub struct Flow {
    /// Its name.
    pub name: FlowName,
}

/// All flows of an installation.
pub type Flows = BTreeMap<FlowName, Arc<Flow>>;

/// What a flow may refer to; what is missing here is an error with its place in the file.
#[derive(Debug, Default)]
pub struct Known {
    /// Queues of the settings.
    pub queues: Vec<QueueName>,
    /// Calendars of the settings.
    pub calendars: Vec<CalendarName>,
    /// Skills that at least one agent or queue of the settings names.
    pub skills: Vec<Skill>,
}

/// A finding about a file, ready to be shown to a person.
pub type Finding = miette::Report;

/// Loads and checks every `*.yaml` of a folder; all findings at once, each with file, line,
/// column, what is wrong and what would be right. Prompt files are looked for below
/// `sounds/<language>`.
pub fn load(_folder: &Path, _sounds: &Path, _known: &Known) -> Result<Flows, Vec<Finding>> {
    unimplemented!()
}

/// Every prompt that the flows can play.
pub fn prompts(_flows: &Flows) -> Vec<PromptName> {
    unimplemented!()
}

/// A call's walk through a flow.
#[derive(Debug)]
pub struct Run {}

impl Run {
    /// At the flow's start node; begins with [`Notice::Started`].
    pub fn new(_flow: Arc<Flow>) -> Self {
        unimplemented!()
    }

    /// Takes a notice and says what to do, in order. A run ends with `HangUp`, or with `Queue`
    /// until the queue hands the caller back.
    pub fn handle(&mut self, _notice: Notice) -> Vec<Command> {
        unimplemented!()
    }
}
