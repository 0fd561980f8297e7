//! The declarative IVR: what a caller hears and presses, written in `ivr-flows/*.yaml`.
//!
//! [`load_text`] turns a file's text into a [`Flow`] or into everything that is wrong with it, and
//! [`Run`] walks a call through a flow: [`Notice`](crate::call::command::Notice)s in,
//! [`Command`](crate::call::command::Command)s out. Files are read by `server::flows`.

mod check;
mod fault;
pub(crate) mod fields;
mod load;
mod model;
mod nearest;
pub mod prompt;
mod run;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use miette::NamedSource;

use crate::id::{CalendarName, FlowName, PromptName, QueueName, Skill};

pub use self::fault::{Fault, FaultKind, RENDER_COMMAND, What};
pub use self::fields::is_name;
pub use self::model::{Flow, Hours, Menu, Node, Queue, Reason, Say, Voicemail};
pub use self::prompt::AGENT_PROMPTS;
pub use self::run::Run;
pub use self::yaml::Place;

pub(crate) use self::fields::{Faults, Fields};
pub(crate) use self::nearest::nearest;
pub(crate) use self::yaml::{At, Tree, Value};

use self::prompt::{Rendered, SpokenText};

/// All flows of an installation.
pub type Flows = BTreeMap<FlowName, Arc<Flow>>;

/// What a flow may refer to; what is missing here is an error with its place in the file.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Queues of the settings.
    pub queues: Vec<QueueName>,
    /// Of them, those that no agent has the skills for.
    pub unserved: Vec<QueueName>,
    /// Calendars of the settings.
    pub calendars: Vec<CalendarName>,
    /// Skills that at least one agent or queue of the settings names.
    pub skills: Vec<Skill>,
    /// Prompts that have a sound file; none if sound files do not matter.
    pub prompts: Option<BTreeMap<PromptName, Rendered>>,
}

/// A finding about a file, ready to be shown to a person.
pub type Finding = miette::Report;

/// A flow from the text of its file (`file` is the name to be shown), or all that is wrong with it
/// in the order of the file.
pub fn load_text(
    name: &FlowName,
    file: &str,
    text: &str,
    known: &Known,
) -> Result<Flow, Vec<Fault>> {
    let (draft, mut faults) = draft(name, file, text)?;
    check::check(&draft, known, &mut faults);
    let start = draft.start.map(|start| start.value);
    let nodes: BTreeMap<_, _> =
        draft.nodes.into_iter().filter_map(|node| Some((node.name.value, node.node?))).collect();
    match start {
        Some(start) if faults.is_empty() => Ok(Flow { name: name.clone(), start, nodes }),
        _ => Err(faults.into_sorted()),
    }
}

/// Every text that a flow's file says, whatever the settings are. Only findings about the grammar.
pub fn texts(name: &FlowName, file: &str, text: &str) -> Result<Vec<SpokenText>, Vec<Fault>> {
    let (draft, faults) = draft(name, file, text)?;
    if !faults.is_empty() {
        return Err(faults.into_sorted());
    }
    Ok(draft.nodes.into_iter().flat_map(|node| node.texts).map(|text| text.value).collect())
}

/// Every text of `sounds/<language>/prompts.yaml`, what no flow says. With the sound files in
/// `prompts`, those that are missing or say something else are findings too.
pub fn own_texts(
    file: &str,
    text: &str,
    prompts: Option<&BTreeMap<PromptName, Rendered>>,
) -> Result<Vec<SpokenText>, Vec<Fault>> {
    let (tree, mut faults) = tree(file, text)?;
    let texts = prompt::read_texts(&tree, &mut faults);
    for text in &texts {
        if let Some(prompts) = prompts {
            check::rendered(&text.value, text.place, prompts, &mut faults);
        }
    }
    if !faults.is_empty() {
        return Err(faults.into_sorted());
    }
    Ok(texts.into_iter().map(|text| text.value).collect())
}

/// Every prompt that the flows can play.
pub fn prompts(flows: &Flows) -> Vec<PromptName> {
    let nodes = flows.values().flat_map(|flow| flow.nodes.values());
    let all: BTreeSet<&PromptName> = nodes.flat_map(Node::prompts).collect();
    all.into_iter().cloned().collect()
}

fn draft(name: &FlowName, file: &str, text: &str) -> Result<(load::Draft, Faults), Vec<Fault>> {
    let (tree, mut faults) = tree(file, text)?;
    if !is_name(name.as_str()) {
        faults.note(FaultKind::BadName { name: name.to_string() }, Place::default());
    }
    let draft = load::read(name, &tree, &mut faults);
    Ok((draft, faults))
}

/// A file's text as a tree, with a place to note what is wrong with it.
pub(crate) fn tree(file: &str, text: &str) -> Result<(yaml::Tree, Faults), Vec<Fault>> {
    let source = Arc::new(NamedSource::new(file, Arc::<str>::from(text)));
    match yaml::parse(text) {
        Ok(tree) => Ok((tree, Faults::new(source))),
        Err(error) => {
            Err(vec![Fault::new(FaultKind::NotYaml { why: error.why }, error.place, &source)])
        }
    }
}
