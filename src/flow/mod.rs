//! The declarative IVR: what a caller hears and presses, written in `ivr-flows/*.yaml`.
//!
//! [`load_text`] turns a file's text into a [`Flow`] or into everything that is wrong with it, and
//! [`Run`] walks a call through a flow: [`Notice`](crate::call::command::Notice)s in,
//! [`Command`](crate::call::command::Command)s out. Files are read by `server::flows`.

mod check;
pub mod expression;
mod fault;
pub(crate) mod fields;
mod form;
mod graph;
mod load;
mod model;
mod nearest;
pub mod prompt;
pub mod rehearsal;
mod run;
mod schema;
pub mod speak;
mod typing;
pub mod value;
pub mod wording;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use miette::NamedSource;

use crate::id::{
    BackendName, BulletinName, CalendarName, FlowName, IntentName, PromptName, QueueName, Skill,
    TemplateName,
};
use crate::notification::Needs;

pub use self::fault::{Fault, FaultKind, RENDER_COMMAND, Slip, What};
pub use self::fields::is_name;
pub use self::form::Form;
pub use self::graph::{mermaid, svg};
pub use self::model::{
    Ask, Bulletin, Callback, Collect, Flow, Hours, Kinds, Meanwhile, Menu, Node, Queue, Reason,
    Say, Urgency, Voicemail,
};
pub use self::prompt::AGENT_PROMPTS;
pub use self::run::{About, Run};
pub use self::schema::schema;
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
    /// Whether nobody outside can be rung.
    pub no_trunk: bool,
    /// Calendars of the settings.
    pub calendars: Vec<CalendarName>,
    /// Skills that at least one agent or queue of the settings names.
    pub skills: Vec<Skill>,
    /// Back ends of the settings.
    pub backends: Vec<BackendName>,
    /// What callers can be sent.
    pub templates: BTreeMap<TemplateName, Needs>,
    /// Whom they can be put through to.
    pub reach: Reach,
    /// The flows that numbers lead to, each with the first of them.
    pub entered: BTreeMap<FlowName, String>,
    /// What calls can be about, and how people call it.
    pub intents: BTreeMap<IntentName, String>,
    /// Prompts that have a sound file; none if sound files do not matter.
    pub prompts: Option<BTreeMap<PromptName, Rendered>>,
}

/// Whom flows may put callers through to.
#[derive(Clone, Default)]
pub struct Reach(Option<Arc<ReachOf>>);

/// Whether a flow may put callers through to what somebody would dial.
type ReachOf = dyn Fn(&FlowName, &str) -> Result<(), NoReach> + std::marker::Send + Sync;

/// Why a flow cannot put callers through to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReach {
    /// That leads to nobody.
    Nobody,
    /// The settings forbid it.
    Forbidden,
    /// Whoever needs an emergency service rings it themselves: it must see their number, and where they
    /// are.
    Emergency,
}

impl Reach {
    /// As this says.
    pub fn new(
        of: impl Fn(&FlowName, &str) -> Result<(), NoReach> + std::marker::Send + Sync + 'static,
    ) -> Self {
        Reach(Some(Arc::new(of)))
    }

    /// Whether a flow may put callers through there; nobody can be reached unless it is said how.
    pub fn of(&self, flow: &FlowName, dialled: &str) -> Result<(), NoReach> {
        self.0.as_ref().map_or(Err(NoReach::Nobody), |of| of(flow, dialled))
    }
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reach")
    }
}

/// A finding about a file, ready to be shown to a person.
pub type Finding = miette::Report;

/// A flow's file.
#[derive(Debug, Clone)]
pub struct FlowFile {
    /// The flow's name.
    pub name: FlowName,
    /// The file's name as it is shown to people.
    pub shown: String,
    /// What is written in it.
    pub text: String,
}

/// Flows that passed every check.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// By name.
    pub flows: Flows,
    /// What would be better, in the order of the files.
    pub warnings: Vec<Fault>,
}

/// The flows of all files, or all that is wrong with them in the order of the files.
pub fn load(files: &[FlowFile], known: &Known) -> Result<Loaded, Vec<Fault>> {
    let mut drafts = Vec::new();
    let mut all: Vec<Faults> = Vec::new();
    let mut found = Vec::new();
    for file in files {
        match draft(&file.name, &file.shown, &file.text) {
            Ok((draft, faults)) => {
                drafts.push(draft);
                all.push(faults);
            }
            Err(faults) => found.extend(faults),
        }
    }
    let kinds = Arc::new(check::check(&drafts, known, found.is_empty(), &mut all));
    found.extend(all.into_iter().flat_map(Faults::into_sorted));
    if found.iter().any(|fault| !fault.kind.is_warning()) {
        found.retain(|fault| !fault.kind.is_warning());
        return Err(found);
    }
    let flows = drafts.into_iter().filter_map(|draft| {
        let start = draft.start?.value;
        let nodes = draft.nodes.into_iter().filter_map(|node| Some((node.name.value, node.node?)));
        let flow = Flow {
            name: draft.name.clone(),
            start,
            relay_start: draft.relay_start.map(|node| node.value),
            adviser: draft.adviser.map(|node| node.value),
            urgent: draft.urgent.map(|node| node.value),
            nodes: nodes.collect(),
            kinds: Arc::clone(&kinds),
        };
        Some((draft.name, Arc::new(flow)))
    });
    Ok(Loaded { flows: flows.collect(), warnings: found })
}

/// One flow from the text of its file (`file` is the name to be shown), or all that is wrong with it
/// in the order of the file.
pub fn load_text(
    name: &FlowName,
    file: &str,
    text: &str,
    known: &Known,
) -> Result<Flow, Vec<Fault>> {
    let file = FlowFile { name: name.clone(), shown: file.to_owned(), text: text.to_owned() };
    let mut loaded = load(&[file], known)?;
    // Without a finding there is a flow of the file's name.
    let flow = loaded.flows.remove(name).ok_or_else(Vec::new)?;
    Ok(Arc::unwrap_or_clone(flow))
}

/// The bulletins of the flows.
pub fn bulletins(flows: &Flows) -> BTreeSet<BulletinName> {
    let nodes = flows.values().flat_map(|flow| flow.nodes.values());
    nodes
        .filter_map(|node| match node {
            Node::Bulletin(bulletin) => Some(bulletin.name.clone()),
            _ => None,
        })
        .collect()
}

/// Every text that flows' files say, whatever the settings are. `intents` are what calls can be about,
/// and how people call it. Only findings about the grammar.
pub fn texts(
    files: &[FlowFile],
    intents: &BTreeMap<IntentName, String>,
) -> Result<Vec<SpokenText>, Vec<Fault>> {
    let mut texts = Vec::new();
    let mut found = Vec::new();
    let mut values = false;
    let mut named = BTreeSet::new();
    for file in files {
        match draft(&file.name, &file.shown, &file.text) {
            Ok((draft, faults)) if faults.errors() == 0 => {
                values |= draft.says_values();
                named.extend(draft.named_businesses());
                let said = draft.nodes.into_iter().flat_map(|node| node.texts);
                texts.extend(said.map(|text| text.value));
            }
            Ok((_, faults)) => found.extend(faults.into_sorted()),
            Err(faults) => found.extend(faults),
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    if values {
        texts.extend(speak::texts());
    }
    texts.extend(intents.iter().filter(|(intent, _)| named.contains(*intent)).map(business));
    Ok(texts)
}

/// How it is said what a call is about.
fn business((intent, says): (&IntentName, &String)) -> SpokenText {
    SpokenText { prompt: speak::business(intent), text: says.clone(), language: None }
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
    if faults.errors() > 0 {
        return Err(faults.into_sorted());
    }
    Ok(texts.into_iter().map(|text| text.value).collect())
}

/// Every prompt that the flows can play.
pub fn prompts(flows: &Flows) -> Vec<PromptName> {
    let nodes = flows.values().flat_map(|flow| flow.nodes.values());
    let all: BTreeSet<PromptName> = nodes.flat_map(Node::prompts).collect();
    all.into_iter().collect()
}

/// The skills that flows ask for single calls of a queue.
pub fn asked_skills(flows: &Flows, queue: &QueueName) -> BTreeSet<Skill> {
    let nodes = flows.values().flat_map(|flow| flow.nodes.values());
    let mut asked = BTreeSet::new();
    for node in nodes {
        if let Node::Queue(node) = node
            && node.queue == *queue
        {
            asked.extend(node.skills.iter().map(|ability| ability.skill.clone()));
        }
    }
    asked
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
            let kind = FaultKind::NotYaml { why: error.why, right: error.right };
            Err(vec![Fault::new(kind, error.place, &source)])
        }
    }
}
