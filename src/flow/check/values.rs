//! What values are, and whether they can be used as they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::fault::FaultKind;
use crate::flow::fields::Faults;
use crate::flow::load::{Declared, Draft, Purpose};
use crate::flow::model::Kinds;
use crate::flow::nearest::nearest;
use crate::flow::run::KNOWN_FROM_THE_START;
use crate::flow::value::Kind;
use crate::id::ValueName;

/// Notes names of values that nothing makes, that mean two things, or that are used as they must not
/// be. A call keeps its values from flow to flow, so that a name means the same in all of them.
pub fn check(drafts: &[Draft], whole: bool, faults: &mut [Faults]) -> Kinds {
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
                    let known = names.iter().map(|name| name.as_str());
                    let meant = nearest(&shown, known).map(str::to_owned);
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
    kinds
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
