//! Whether flows as read can run: everything that they name is there, every node can be reached, and
//! nobody goes round for ever.

mod between;
mod callers;
mod named_keys;
mod rehearsed;
mod values;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::What;
use super::fault::{FaultKind, Slip};
use super::fields::{self, Faults};
use super::load::{Draft, DraftNode, Link};
use super::model::{Kinds, Node, Send};
use super::nearest::nearest;
use super::prompt::{Rendered, SpokenText};
use super::speak;
use super::yaml::{At, Place};
use super::{Known, NoReach};
use crate::id::{FlowName, NodeName, PromptName};
use crate::notification::Needs;

/// Notes everything that is wrong with flows beyond their grammar, and says what their values are.
/// `faults` has one entry for each draft. If files could not be read, `whole` is false, and what
/// could be in them is not missed.
pub fn check(drafts: &[Draft], known: &Known, whole: bool, faults: &mut [Faults]) -> Kinds {
    let asking: BTreeSet<&FlowName> =
        drafts.iter().filter(|draft| asks(draft)).map(|draft| &draft.name).collect();
    for (draft, faults) in drafts.iter().zip(faults.iter_mut()) {
        check_one(draft, known, &asking, faults);
    }
    if let Some(prompts) = &known.prompts {
        recorded_values(drafts, prompts, faults);
        recorded_businesses(drafts, known, prompts, faults);
    }
    between::check(drafts, whole, faults);
    let kinds = values::check(drafts, known, whole, faults);
    rehearsed::check(drafts, known, &kinds, whole, faults);
    kinds
}

/// Notes recordings of values that are missing, at the first place that needs them.
fn recorded_values(
    drafts: &[Draft],
    prompts: &BTreeMap<PromptName, Rendered>,
    faults: &mut [Faults],
) {
    let spoken = drafts
        .iter()
        .zip(faults.iter_mut())
        .find_map(|(draft, faults)| Some((draft.first_spoken()?.name.place, faults)));
    let Some((place, faults)) = spoken else { return };
    for text in speak::texts() {
        rendered(&text, place, prompts, faults);
    }
}

/// Notes recordings of what calls can be about that are missing, at the first node that needs them.
fn recorded_businesses(
    drafts: &[Draft],
    known: &Known,
    prompts: &BTreeMap<PromptName, Rendered>,
    faults: &mut [Faults],
) {
    let mut seen = BTreeSet::new();
    for (draft, faults) in drafts.iter().zip(faults.iter_mut()) {
        for node in &draft.nodes {
            let Some(Node::Ask(ask)) = &node.node else { continue };
            let named = ask.intents.keys().filter(|_| ask.confirm.is_some());
            for text in named.filter_map(|intent| known.intents.get_key_value(intent)) {
                if seen.insert(text.0) {
                    rendered(&super::business(text), node.name.place, prompts, faults);
                }
            }
        }
    }
}

/// Whether a flow ever asks the caller for something.
fn asks(draft: &Draft) -> bool {
    draft
        .nodes
        .iter()
        .any(|node| matches!(node.node, Some(Node::Menu(_) | Node::Ask(_) | Node::Collect(_))))
}

fn check_one(draft: &Draft, known: &Known, asking: &BTreeSet<&FlowName>, faults: &mut Faults) {
    let graph = Graph::of(draft, asking, faults);
    unreachable(draft, &graph, faults);
    loops(draft, &graph, faults);
    callers::check(draft, &graph, faults);
    named_keys::check(draft, faults);
    for node in &draft.nodes {
        for (what, name) in &node.names {
            match what {
                What::Destination => destination(&draft.name, name, known, faults),
                _ => known_name(*what, name, known, faults),
            }
        }
        if let (Some(Node::Return(_)), Some(word), Some(number)) =
            (&node.node, node.words.first(), known.entered.get(&draft.name))
        {
            faults.note(Slip::ReturnToNobody { number: number.clone() }.into(), word.place);
        }
        if let (Some(Node::Send(send)), Some((_, name))) = (&node.node, node.names.first())
            && let Some(needs) = known.templates.get(&send.template)
        {
            template(send, needs, name, faults);
        }
        if let (Some(Node::Voicemail(voicemail)), Some((_, name))) =
            (&node.node, node.names.first())
            && known.unserved.contains(&voicemail.queue)
        {
            faults.note(FaultKind::NobodyListens { queue: name.value.clone() }, name.place);
        }
    }
    let callback = draft.nodes.iter().find(|node| matches!(node.node, Some(Node::Callback(_))));
    if let Some(place) = callback.and_then(|node| node.names.first()).map(|(_, name)| name.place)
        && known.no_trunk
    {
        faults.note(FaultKind::NoWayOut, place);
    }
    let mut seen = BTreeSet::new();
    for node in &draft.nodes {
        for text in &node.texts {
            let prompt = &text.value.prompt;
            if !seen.insert(prompt.clone()) {
                let (node, prompt) = (node.name.value.to_string(), prompt.to_string());
                faults.note(FaultKind::SamePrompt { node, prompt }, text.place);
            } else if let Some(prompts) = &known.prompts {
                rendered(&text.value, text.place, prompts, faults);
            }
        }
    }
}

/// Notes whom nobody can be put through to.
fn destination(flow: &FlowName, name: &At<String>, known: &Known, faults: &mut Faults) {
    let to = name.value.clone();
    match known.reach.of(flow, &name.value) {
        Ok(()) => {}
        Err(NoReach::Nobody) => faults.note(FaultKind::NoDestination { to }, name.place),
        Err(NoReach::Emergency) => faults.note(FaultKind::Emergency { to }, name.place),
        Err(NoReach::Forbidden) => faults.note(FaultKind::MayNotRing { to }, name.place),
    }
}

/// Notes what a template lacks, and what it does not have.
fn template(send: &Send, needs: &Needs, name: &At<String>, faults: &mut Faults) {
    let template = || send.template.to_string();
    let given: BTreeSet<&str> = send.fields.iter().map(|(field, _)| field.as_str()).collect();
    for field in needs.fields.iter().filter(|field| !given.contains(field.as_str())) {
        let field = field.clone();
        faults.note(FaultKind::TemplateNeeds { template: template(), field }, name.place);
    }
    for field in given.into_iter().filter(|field| !needs.fields.iter().any(|it| it == field)) {
        let (field, known) = (field.to_owned(), needs.fields.clone());
        faults.note(FaultKind::TemplateHasNot { template: template(), field, known }, name.place);
    }
}

/// Notes a text whose sound file is missing or says something else.
pub fn rendered(
    text: &SpokenText,
    place: Place,
    prompts: &BTreeMap<PromptName, Rendered>,
    faults: &mut Faults,
) {
    let prompt = text.prompt.to_string();
    match prompts.get(&text.prompt) {
        Some(file) if file.text_hash.as_ref() == Some(&text.hash()) => {}
        Some(_) => faults.note(FaultKind::PromptStale { prompt }, place),
        None => faults.note(FaultKind::PromptMissing { prompt }, place),
    }
}

fn known_name(what: What, name: &At<String>, known: &Known, faults: &mut Faults) {
    let all: Vec<&str> = match what {
        What::Queue => known.queues.iter().map(|name| name.as_str()).collect(),
        What::Calendar => known.calendars.iter().map(|name| name.as_str()).collect(),
        What::Skill => known.skills.iter().map(|name| name.as_str()).collect(),
        What::Backend => known.backends.iter().map(|name| name.as_str()).collect(),
        What::Template => known.templates.keys().map(|name| name.as_str()).collect(),
        What::Intent => known.intents.keys().map(|name| name.as_str()).collect(),
        What::Destination => return,
        What::Bulletin if fields::is_name(&name.value) => return,
        What::Bulletin => {
            return faults.note(FaultKind::BadName { name: name.value.clone() }, name.place);
        }
    };
    among(what, name, all, faults);
}

/// Notes a name that is none of these.
fn among(what: What, name: &At<String>, all: Vec<&str>, faults: &mut Faults) {
    if !all.contains(&name.value.as_str()) {
        faults.note(
            FaultKind::UnknownName {
                what,
                name: name.value.clone(),
                meant: nearest(&name.value, all.iter().copied()).map(str::to_owned),
                known: all.into_iter().map(str::to_owned).collect(),
            },
            name.place,
        );
    }
}

/// The ways between nodes, by their positions in the file.
struct Graph<'d> {
    /// Where callers begin.
    starts: Vec<usize>,
    /// Where they go who ask for a person.
    adviser: Option<usize>,
    /// Where they go who say what cannot wait.
    urgent: Option<usize>,
    ways: Vec<Vec<Way<'d>>>,
    /// Whether a node could not be read whole, so that ways may be missing.
    torn: bool,
}

/// A way from a node to another.
struct Way<'d> {
    to: usize,
    link: &'d Link,
    /// Whether a caller does something before.
    by_key: bool,
}

impl<'d> Graph<'d> {
    /// Finds the end of every link and notes links to nowhere. A link with a slip of the finger
    /// counts as one to the node that was meant, so that the slip is reported once and not again as
    /// an unreachable node.
    fn of(draft: &'d Draft, asking: &BTreeSet<&FlowName>, faults: &mut Faults) -> Self {
        let mut positions: BTreeMap<&NodeName, usize> = BTreeMap::new();
        for (at, node) in draft.nodes.iter().enumerate() {
            positions.entry(&node.name.value).or_insert(at);
        }
        let mut find = |to: &At<NodeName>| -> Option<usize> {
            if let Some(at) = positions.get(&to.value) {
                return Some(*at);
            }
            let name = to.value.to_string();
            let meant = nearest(&name, positions.keys().map(|name| name.as_str()));
            let at = meant.and_then(|meant| positions.get(&NodeName::from(meant)).copied());
            let meant = meant.map(str::to_owned);
            faults.note(FaultKind::UnknownNode { name, meant }, to.place);
            at
        };
        // Without any node, that is the finding.
        let mut starts = Vec::new();
        let (mut adviser, mut urgent) = (None, None);
        if !draft.nodes.is_empty() {
            starts.extend(draft.start.iter().chain(&draft.relay_start).filter_map(&mut find));
            adviser = draft.adviser.as_ref().and_then(&mut find);
            urgent = draft.urgent.as_ref().and_then(&mut find);
        }
        let ways = draft.nodes.iter().map(|node| {
            let asked = node.flows.iter().any(|flow| asking.contains(&flow.value));
            let ways = node.links.iter().filter_map(|link| {
                let to = find(&link.to)?;
                Some(Way { to, link, by_key: link.by_key || asked })
            });
            ways.collect()
        });
        let ways = ways.collect();
        let torn = draft.start.is_none() || draft.nodes.iter().any(|node| node.node.is_none());
        Graph { starts, adviser, urgent, ways, torn }
    }

    fn from(&self, at: usize) -> &[Way<'d>] {
        self.ways.get(at).map_or(&[], Vec::as_slice)
    }
}

fn unreachable(draft: &Draft, graph: &Graph<'_>, faults: &mut Faults) {
    // Without a start, or with ways missing, most of what could be said would be untrue.
    if graph.torn || graph.starts.is_empty() {
        return;
    }
    let mut next: Vec<usize> =
        graph.starts.iter().copied().chain(graph.adviser).chain(graph.urgent).collect();
    let mut reached: BTreeSet<usize> = next.iter().copied().collect();
    while let Some(at) = next.pop() {
        next.extend(graph.from(at).iter().map(|way| way.to).filter(|to| reached.insert(*to)));
    }
    for (at, node) in draft.nodes.iter().enumerate() {
        if !reached.contains(&at) {
            let kind = FaultKind::Unreachable { node: node.name.value.to_string() };
            faults.note(kind, node.name.place);
        }
    }
}

fn loops(draft: &Draft, graph: &Graph<'_>, faults: &mut Faults) {
    let mut told = BTreeSet::new();
    for first in 0..draft.nodes.len() {
        if told.contains(&first) {
            continue;
        }
        if let Some((path, closing)) = silent_way_back(graph, first) {
            told.extend(path.iter().copied());
            let name = |node: &DraftNode| node.name.value.to_string();
            let path: Vec<String> = path
                .iter()
                .chain([&first])
                .filter_map(|at| draft.nodes.get(*at).map(name))
                .collect();
            faults.note(FaultKind::Loop { path }, closing.to.place);
        }
    }
}

/// The shortest way from a node back to itself on which no key is pressed, and its last link.
fn silent_way_back<'d>(graph: &Graph<'d>, first: usize) -> Option<(Vec<usize>, &'d Link)> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([first]);
    while let Some(at) = queue.pop_front() {
        for Way { to, link, .. } in graph.from(at).iter().filter(|way| !way.by_key) {
            if *to == first {
                let mut path = vec![at];
                let mut step = at;
                while step != first {
                    step = *came_from.get(&step)?;
                    path.push(step);
                }
                path.reverse();
                return Some((path, link));
            }
            if *to != first && !came_from.contains_key(to) {
                came_from.insert(*to, at);
                queue.push_back(*to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
