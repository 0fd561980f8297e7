//! What callers find hard, as warnings: the UK's rules of thumb for menus.

use std::collections::{BTreeSet, VecDeque};

use super::Graph;
use crate::flow::fault::{FaultKind, Slip};
use crate::flow::fields::Faults;
use crate::flow::load::Draft;
use crate::flow::model::Node;

/// More choices than callers remember.
const MANY_CHOICES: usize = 4;
/// Menus one after another until callers lose their way.
const LEVELS: usize = 3;
/// Questions after which every caller should come to a person.
const STEPS: usize = 2;

/// Notes menus with too many choices, too deep or with the key before the choice, and places from
/// which no person is near.
pub fn check(draft: &Draft, graph: &Graph<'_>, faults: &mut Faults) {
    for (at, node) in draft.nodes.iter().enumerate() {
        let Some(Node::Menu(menu)) = &node.node else { continue };
        // Nobody loses their way among numbers, and who is asked how it was has been served.
        if menu.rates.is_some() {
            continue;
        }
        if menu.keys.len() > MANY_CHOICES {
            let choices = menu.keys.len();
            faults.note(FaultKind::ManyChoices { choices }, node.name.place);
        }
        for text in &node.texts {
            if let Some(said) = key_first(&text.value.text) {
                faults.note(FaultKind::KeyFirst { said }, text.place);
            }
        }
        if !graph.torn && graph.adviser.is_none() && !person_is_near(draft, graph, at) {
            faults.note(FaultKind::NoPerson, node.name.place);
        }
    }
    deep_menus(draft, graph, faults);
    adviser(draft, graph, faults);
}

/// Notes an `adviser:` from which nobody can be reached.
fn adviser(draft: &Draft, graph: &Graph<'_>, faults: &mut Faults) {
    let (Some(place), Some(first)) = (&draft.adviser, graph.adviser) else { return };
    let mut seen = BTreeSet::from([first]);
    let mut next = vec![first];
    while let Some(at) = next.pop() {
        let node = draft.nodes.get(at);
        let Some(node) = node.filter(|node| node.flows.is_empty()) else { return };
        match &node.node {
            Some(node) if !meets_somebody(node) => {}
            // What could not be read may lead to somebody.
            Some(_) | None => return,
        }
        next.extend(graph.from(at).iter().map(|way| way.to).filter(|to| seen.insert(*to)));
    }
    let node = place.value.to_string();
    faults.note(Slip::NoAdviser { node }.into(), place.place);
}

/// Whether a node brings callers to people, or back to the flow that led here.
fn meets_somebody(node: &Node) -> bool {
    matches!(
        node,
        Node::Queue(_)
            | Node::Transfer(_)
            | Node::Voicemail(_)
            | Node::Callback(_)
            | Node::Return(_)
    )
}

/// "press 3 for housing", if it is said so.
fn key_first(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(3).find_map(|three| {
        let [press, key, next] = three else { return None };
        let bare =
            |word: &str| word.trim_matches(|c: char| c == ',' || c == '.').to_ascii_lowercase();
        let key = bare(key);
        let is_key = matches!(
            key.as_str(),
            "one"
                | "two"
                | "three"
                | "four"
                | "five"
                | "six"
                | "seven"
                | "eight"
                | "nine"
                | "zero"
                | "star"
                | "hash"
        ) || (key.len() == 1 && key.bytes().all(|b| b.is_ascii_digit()));
        let ends = three.get(1).is_some_and(|key| key.ends_with(['.', ',']));
        (bare(press) == "press"
            && is_key
            && !ends
            && matches!(bare(next).as_str(), "for" | "to" | "if"))
        .then(|| three.join(" "))
    })
}

/// Whether a caller comes to a person, or back to the flow that led here, after few more questions.
fn person_is_near(draft: &Draft, graph: &Graph<'_>, from: usize) -> bool {
    let mut least = vec![usize::MAX; draft.nodes.len()];
    let mut queue = VecDeque::from([(from, 1)]);
    while let Some((at, asked)) = queue.pop_front() {
        let Some(best) = least.get_mut(at).filter(|best| **best > asked) else { continue };
        *best = asked;
        let node = draft.nodes.get(at).and_then(|node| node.node.as_ref());
        if node.is_some_and(meets_somebody) {
            return true;
        }
        for way in graph.from(at) {
            let asks = draft.nodes.get(way.to).and_then(|node| node.node.as_ref());
            let asked = asked + usize::from(asks.is_some_and(Node::asks));
            if asked <= STEPS {
                queue.push_back((way.to, asked));
            }
        }
    }
    false
}

/// Menus that no caller reaches with fewer than [`LEVELS`] others before.
fn deep_menus(draft: &Draft, graph: &Graph<'_>, faults: &mut Faults) {
    let mut above = vec![usize::MAX; draft.nodes.len()];
    let mut queue: VecDeque<(usize, usize)> = graph.starts.iter().map(|at| (*at, 0)).collect();
    while let Some((at, menus)) = queue.pop_front() {
        let Some(best) = above.get_mut(at).filter(|best| **best > menus) else { continue };
        *best = menus;
        let node = draft.nodes.get(at).and_then(|node| node.node.as_ref());
        let menus = menus + usize::from(matches!(node, Some(Node::Menu(_))));
        queue.extend(graph.from(at).iter().map(|way| (way.to, menus)));
    }
    for (node, above) in draft.nodes.iter().zip(above) {
        let menu = matches!(node.node, Some(Node::Menu(_)));
        if menu && above != usize::MAX && above >= LEVELS {
            faults.note(FaultKind::DeepMenu { above }, node.name.place);
        }
    }
}
