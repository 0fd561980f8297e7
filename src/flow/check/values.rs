//! What values are, and whether they can be used as they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::Known;
use crate::flow::fault::{FaultKind, Slip};
use crate::flow::fields::Faults;
use crate::flow::load::{Declared, Draft, DraftNode, Purpose, Use, Worked};
use crate::flow::model::{Kinds, Node};
use crate::flow::nearest::nearest;
use crate::flow::run::KNOWN_FROM_THE_START;
use crate::flow::typing::{self, Misfit, Type};
use crate::flow::value::Kind;
use crate::id::ValueName;

/// Values that are made of one another, in so many steps.
const STEPS: usize = 4;

/// Notes names of values that nothing makes, that mean two things, or that are used as they must not
/// be. A call keeps its values from flow to flow, so that a name means the same in all of them.
pub fn check(drafts: &[Draft], known: &Known, whole: bool, faults: &mut [Faults]) -> Kinds {
    let mut kinds: Kinds =
        KNOWN_FROM_THE_START.iter().map(|(name, kind)| ((*name).into(), *kind)).collect();
    let mut names: BTreeSet<ValueName> = kinds.keys().cloned().collect();
    let mut secrets: BTreeMap<ValueName, bool> = BTreeMap::new();
    for (draft, faults) in drafts.iter().zip(faults.iter_mut()) {
        let made = draft.nodes.iter().flat_map(|node| &node.declares);
        for declared in draft.takes.iter().chain(made) {
            names.insert(declared.name.value.clone());
            same_everywhere(declared, &mut kinds, &mut secrets, faults);
        }
    }
    for (draft, faults) in drafts.iter().zip(faults.iter_mut()) {
        let used =
            draft.nodes.iter().flat_map(|node| node.uses.iter().map(move |used| (node, used)));
        for (node, used) in used {
            let (name, place) = (&used.name.value, used.name.place);
            let shown = name.to_string();
            if secrets.get(name) == Some(&true) && used.purpose != Purpose::Sent {
                faults.note(FaultKind::SecretSeen { name: shown }, place);
            } else if !names.contains(name) {
                if whole {
                    let all = names.iter().map(|name| name.as_str());
                    let meant = nearest(&shown, all).map(str::to_owned);
                    faults.note(FaultKind::UnknownValue { name: shown, meant }, place);
                }
            } else if used.purpose == (Purpose::Spoken { how: false })
                && match kinds.get(name) {
                    Some(Kind::Text) => true,
                    // Only where it is made is it known which businesses there can be.
                    Some(Kind::Business) => !node.makes(name),
                    Some(_) | None => false,
                }
            {
                faults.note(FaultKind::NotSpeakable { name: shown }, place);
            }
        }
    }
    let types = types(drafts, &kinds);
    for (draft, faults) in drafts.iter().zip(faults.iter_mut()) {
        for node in &draft.nodes {
            for worked in &node.works {
                worked_out(worked, &kinds, &types, faults);
            }
            for used in &node.uses {
                if let Err(misfit) = needed(node, used, known, &types) {
                    faults.note(Slip::from(misfit).into(), used.name.place);
                }
            }
        }
    }
    kinds
}

/// What values are: those that say it themselves, and those that are worked out.
type Types = BTreeMap<ValueName, Type>;

fn types(drafts: &[Draft], kinds: &Kinds) -> Types {
    let mut types: Types =
        kinds.iter().map(|(name, kind)| (name.clone(), Type::Of(*kind))).collect();
    let works = || drafts.iter().flat_map(|draft| &draft.nodes).flat_map(|node| &node.works);
    for _ in 0..STEPS {
        let mut made = Types::new();
        for worked in works() {
            let Some(name) = worked.becomes.as_ref().filter(|it| !kinds.contains_key(*it)) else {
                continue;
            };
            let (found, _) = typing::of(&worked.expression.value, &|name| of(&types, name));
            let found = match made.remove(name) {
                Some(before) => typing::either(before, found),
                None => found,
            };
            made.insert(name.clone(), found);
        }
        types.extend(made);
    }
    types
}

fn of(types: &Types, name: &str) -> Type {
    types.get(name).cloned().unwrap_or(Type::Any)
}

/// Notes what does not go together in a condition or sum, and what it cannot become.
fn worked_out(worked: &Worked, kinds: &Kinds, types: &Types, faults: &mut Faults) {
    let (found, mut misfits) = typing::of(&worked.expression.value, &|name| of(types, name));
    let becomes = worked.becomes.as_ref();
    if let Some((name, kind)) = becomes.and_then(|name| kinds.get_key_value(name)) {
        misfits.extend(typing::becomes(name.as_str(), *kind, &found).err());
    }
    let mut told: Vec<Misfit> = Vec::new();
    for misfit in misfits {
        if !told.contains(&misfit) {
            told.push(misfit.clone());
            faults.note(Slip::from(misfit).into(), worked.expression.place);
        }
    }
    for word in &worked.cases {
        if let Err(misfit) = typing::case(&found, &word.value) {
            faults.note(Slip::from(misfit).into(), word.place);
        }
    }
}

/// Whether a value is what a node needs.
fn needed(node: &DraftNode, used: &Use, known: &Known, types: &Types) -> Result<(), Misfit> {
    let name = used.name.value.as_str();
    let found = of(types, name);
    match used.purpose {
        Purpose::Recipient => {
            let template = match &node.node {
                Some(Node::Send(send)) => known.templates.get(&send.template),
                Some(_) | None => None,
            };
            typing::recipient(name, template.map(|needs| needs.by), &found)
        }
        Purpose::Day => typing::appointed("on", name, Kind::Date, &found),
        Purpose::Time => typing::appointed("at", name, Kind::Time, &found),
        Purpose::Spoken { .. } | Purpose::Seen | Purpose::Sent => Ok(()),
    }
}

fn same_everywhere(
    declared: &Declared,
    kinds: &mut Kinds,
    secrets: &mut BTreeMap<ValueName, bool>,
    faults: &mut Faults,
) {
    let name = &declared.name.value;
    let mut differ = |first, second| {
        let name = name.to_string();
        faults.note(FaultKind::KindsDiffer { name, first, second }, declared.name.place);
    };
    let word = |secret| if secret { "a secret" } else { "no secret" };
    let secret = *secrets.entry(name.clone()).or_insert(declared.secret);
    if secret != declared.secret {
        differ(word(secret), word(declared.secret));
    }
    if let Some(kind) = declared.kind {
        let first = *kinds.entry(name.clone()).or_insert(kind);
        if first != kind {
            differ(first.word(), kind.word());
        }
    }
}
