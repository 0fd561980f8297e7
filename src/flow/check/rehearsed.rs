//! Whether what tests make up is there: otherwise they would make up what never happens, and pass.

use std::collections::BTreeSet;

use super::{among, known_name};
use crate::flow::fault::{FaultKind, Slip};
use crate::flow::fields::Faults;
use crate::flow::load::Draft;
use crate::flow::model::Kinds;
use crate::flow::nearest::nearest;
use crate::flow::rehearsal::script::Script;
use crate::flow::typing::Misfit;
use crate::flow::{Known, What};

/// Notes names that neither the settings nor the flows have, and values that cannot be what they are.
/// If files could not be read, `whole` is false, and what could be in them is not missed.
pub fn check(drafts: &[Draft], known: &Known, kinds: &Kinds, whole: bool, faults: &mut [Faults]) {
    let named = |wanted| {
        let names = drafts.iter().flat_map(|draft| &draft.nodes).flat_map(|node| &node.names);
        let names = names.filter(move |(what, _)| *what == wanted);
        names.map(|(_, name)| name.value.as_str()).collect::<BTreeSet<&str>>()
    };
    let (bulletins, destinations) = (named(What::Bulletin), named(What::Destination));
    let made: BTreeSet<&str> = drafts
        .iter()
        .flat_map(|draft| {
            let made = draft.nodes.iter().flat_map(|node| &node.declares);
            draft.takes.iter().chain(made)
        })
        .map(|declared| declared.name.value.as_str())
        .chain(kinds.keys().map(|name| name.as_str()))
        .collect();
    for (draft, faults) in drafts.iter().zip(faults.iter_mut()) {
        for script in &draft.tests {
            for (what, name) in &script.names {
                let of_flows = match what {
                    What::Bulletin => &bulletins,
                    What::Destination => &destinations,
                    _ => {
                        known_name(*what, name, known, faults);
                        continue;
                    }
                };
                if whole {
                    among(*what, name, of_flows.iter().copied().collect(), faults);
                }
            }
            if whole {
                values(script, kinds, &made, faults);
            }
        }
    }
}

/// Notes values that nothing makes, and those that are not of their kind.
fn values(script: &Script, kinds: &Kinds, made: &BTreeSet<&str>, faults: &mut Faults) {
    for (name, written) in &script.values {
        let shown = name.value.as_str();
        if !made.contains(shown) {
            let meant = nearest(shown, made.iter().copied()).map(str::to_owned);
            let kind = FaultKind::UnknownValue { name: shown.to_owned(), meant };
            faults.note(kind, name.place);
        } else if let Some(kind) = kinds.get(&name.value)
            && kind.read(&written.value).is_none()
        {
            let misfit = Misfit::value(*kind, &written.value);
            faults.note(Slip::from(misfit).into(), written.place);
        }
    }
}
