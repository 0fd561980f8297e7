//! Flows that lead to other flows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::flow::fault::FaultKind;
use crate::flow::fields::Faults;
use crate::flow::load::{Draft, DraftNode};
use crate::flow::model::Node;
use crate::flow::nearest::nearest;
use crate::flow::yaml::At;
use crate::id::{FlowName, LanguageName};

/// Notes flows that are not there, circles of flows, and words that lead nowhere.
pub fn check(drafts: &[Draft], whole: bool, faults: &mut [Faults]) {
    let by_name: BTreeMap<&FlowName, &Draft> =
        drafts.iter().map(|draft| (&draft.name, draft)).collect();
    let spoken: BTreeSet<&LanguageName> =
        drafts.iter().flat_map(|draft| &draft.nodes).flat_map(|node| &node.languages).collect();
    for (draft, faults) in drafts.iter().zip(faults.iter_mut()) {
        for node in &draft.nodes {
            if let Some(chosen) = node.chooses.as_ref().filter(|it| !spoken.contains(&it.value)) {
                let language = chosen.value.to_string();
                faults.note(FaultKind::NothingInLanguage { language }, chosen.place);
            }
            for flow in &node.flows {
                match by_name.get(&flow.value) {
                    Some(other) => told_and_answered(node, other, faults),
                    None if whole => {
                        let name = flow.value.to_string();
                        let known = by_name.keys().map(|name| name.as_str());
                        let meant = nearest(&name, known).map(str::to_owned);
                        faults.note(FaultKind::UnknownFlow { name, meant }, flow.place);
                    }
                    None => {}
                }
            }
        }
        circle(draft, &by_name, faults);
    }
}

/// Whether a flow is told what it takes, and whether what it comes back with is looked for.
fn told_and_answered(node: &DraftNode, other: &Draft, faults: &mut Faults) {
    let Some(Node::Flow(sub)) = &node.node else { return };
    let flow = other.name.to_string();
    for taken in &other.takes {
        if !sub.with.iter().any(|(name, _)| *name == taken.name.value) {
            let value = taken.name.value.to_string();
            faults.note(FaultKind::NotTold { flow: flow.clone(), value }, node.name.place);
        }
    }
    let back: BTreeSet<&str> = other
        .nodes
        .iter()
        .filter_map(|node| match &node.node {
            Some(Node::Return(word)) => Some(word.as_str()),
            Some(_) | None => None,
        })
        .collect();
    for word in back.iter().filter(|word| !sub.returns.contains_key(**word)) {
        let word = (*word).to_owned();
        faults.note(FaultKind::MissingReturn { flow: flow.clone(), word }, node.name.place);
    }
    for word in node.words.iter().filter(|word| !back.contains(word.value.as_str())) {
        let known = back.iter().map(|word| (*word).to_owned()).collect();
        let (flow, written) = (flow.clone(), word.value.clone());
        faults.note(FaultKind::UnknownReturn { flow, word: written, known }, word.place);
    }
}

/// Notes circles of flows, each at the flow whose name comes first.
fn circle(first: &Draft, by_name: &BTreeMap<&FlowName, &Draft>, faults: &mut Faults) {
    for step in steps(first) {
        let Some(way) = way(&step.value, &first.name, by_name) else { continue };
        if way.iter().all(|name| first.name <= *name) {
            let path = std::iter::once(&first.name).chain(&way).map(ToString::to_string).collect();
            faults.note(FaultKind::FlowLoop { path }, step.place);
        }
    }
}

fn steps(draft: &Draft) -> impl Iterator<Item = &At<FlowName>> {
    draft.nodes.iter().flat_map(|node| &node.flows)
}

/// The shortest way from a flow to another, both ends included.
fn way(
    from: &FlowName,
    to: &FlowName,
    by_name: &BTreeMap<&FlowName, &Draft>,
) -> Option<Vec<FlowName>> {
    let mut ways = VecDeque::from([vec![from.clone()]]);
    let mut seen = BTreeSet::from([from]);
    while let Some(way) = ways.pop_front() {
        let at = way.last()?;
        if at == to {
            return Some(way);
        }
        for step in by_name.get(at).into_iter().flat_map(|draft| steps(draft)) {
            if seen.insert(&step.value) {
                ways.push_back(way.iter().chain([&step.value]).cloned().collect());
            }
        }
    }
    None
}
