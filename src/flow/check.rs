//! Whether a flow as read can run: everything that it names is there, every node can be reached,
//! and nobody goes round for ever.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Known;
use super::What;
use super::fault::FaultKind;
use super::fields::Faults;
use super::load::{Draft, DraftNode, Link};
use super::model::Node;
use super::nearest::nearest;
use super::prompt::{Rendered, SpokenText};
use super::yaml::{At, Place};
use crate::id::{NodeName, PromptName};

/// Notes everything that is wrong with a flow beyond its grammar.
pub fn check(draft: &Draft, known: &Known, faults: &mut Faults) {
    let graph = Graph::of(draft, faults);
    unreachable(draft, &graph, faults);
    loops(draft, &graph, faults);
    for node in &draft.nodes {
        for (what, name) in &node.names {
            known_name(*what, name, known, faults);
        }
        if let (Some(Node::Voicemail(voicemail)), Some((_, name))) =
            (&node.node, node.names.first())
            && known.unserved.contains(&voicemail.queue)
        {
            faults.note(FaultKind::NobodyListens { queue: name.value.clone() }, name.place);
        }
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
    };
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
    start: Option<usize>,
    ways: Vec<Vec<(usize, &'d Link)>>,
    /// Whether a node could not be read whole, so that ways may be missing.
    torn: bool,
}

impl<'d> Graph<'d> {
    /// Finds the end of every link and notes links to nowhere. A link with a slip of the finger
    /// counts as one to the node that was meant, so that the slip is reported once and not again as
    /// an unreachable node.
    fn of(draft: &'d Draft, faults: &mut Faults) -> Self {
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
        let start = draft.start.as_ref().filter(|_| !draft.nodes.is_empty());
        let start = start.and_then(&mut find);
        let ways = draft
            .nodes
            .iter()
            .map(|node| node.links.iter().filter_map(|l| Some((find(&l.to)?, l))).collect())
            .collect();
        Graph { start, ways, torn: draft.nodes.iter().any(|node| node.node.is_none()) }
    }

    fn from(&self, at: usize) -> &[(usize, &'d Link)] {
        self.ways.get(at).map_or(&[], Vec::as_slice)
    }
}

fn unreachable(draft: &Draft, graph: &Graph<'_>, faults: &mut Faults) {
    // Without a start, or with ways missing, most of what could be said would be untrue.
    let Some(start) = graph.start.filter(|_| !graph.torn) else { return };
    let mut reached = BTreeSet::from([start]);
    let mut next = vec![start];
    while let Some(at) = next.pop() {
        next.extend(graph.from(at).iter().map(|(to, _)| *to).filter(|to| reached.insert(*to)));
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
        for (to, link) in graph.from(at).iter().filter(|(_, link)| !link.by_key) {
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
