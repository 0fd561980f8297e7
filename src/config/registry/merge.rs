//! One truth of two sources: the file's tables, and the database's entries beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use miette::Report;

use crate::config::check::is_error;
use crate::config::problem::{Problem, Told, culprit};
use crate::config::settings::Settings;
use crate::config::source::Source;
use crate::id::AgentId;

use super::{Declared, Entries, Entry, Key, Kind};

/// Entries that are not in force, and why.
pub type Aside = BTreeMap<Key, Vec<Told>>;

/// Puts the database's entries beside the file's tables, and has both checked together. Entries that the
/// file declares, and those that the checks refuse, are set aside; what is found then is what is wrong
/// with the rest. `known` has what entries declare that were read before.
pub fn merge(
    settings: &mut Settings,
    source: &mut Source,
    entries: &Entries,
    known: impl Fn(&Key, &Arc<Entry>) -> Option<Declared>,
    check: impl Fn(&Settings, &Source) -> Vec<Report>,
) -> (Vec<Report>, Aside) {
    file_only(settings, source);
    let files = settings.clone();
    let mut aside = Aside::new();
    let mut inside: BTreeMap<&Key, Declared> = BTreeMap::new();
    for (key, entry) in entries {
        let path = [key.kind.word(), key.name.as_str()];
        if source.declares(path[0], path[1]) {
            let place = source.line(&path).unwrap_or_default();
            let told = Told::new(Some(path.join(".")), &Problem::Declared { place });
            aside.insert(key.clone(), vec![told]);
            continue;
        }
        match known(key, entry).map_or_else(|| entry.declared(key.kind), Ok) {
            Ok(declared) => drop(inside.insert(key, declared)),
            Err(told) => drop(aside.insert(key.clone(), vec![told])),
        }
    }
    loop {
        *settings = files.clone();
        for (key, declared) in &inside {
            declared.clone().put_into(settings, &key.name);
        }
        source.set_elsewhere(tables(inside.keys().copied()));
        let mut findings = check(settings, source);
        let mut culprits = Aside::new();
        for finding in findings.iter().filter(|finding| is_error(finding)) {
            if let Some((table, name)) = culprit(finding)
                && let Some(kind) = Kind::of_word(table)
            {
                let told = Told::of(finding);
                culprits.entry(Key::new(kind, name)).or_default().push(told);
            }
        }
        if culprits.is_empty() && findings.iter().any(is_error) && !inside.is_empty() {
            // An error of the file's, unless the file alone has none.
            source.set_elsewhere(BTreeMap::new());
            if !check(&files, source).iter().any(is_error) {
                let told: Vec<Told> =
                    findings.iter().filter(|f| is_error(f)).map(Told::of).collect();
                culprits = inside.keys().map(|key| ((*key).clone(), told.clone())).collect();
            }
            source.set_elsewhere(tables(inside.keys().copied()));
        }
        if culprits.is_empty() {
            findings.extend(other_realms(settings, source, entries));
            return (findings, aside);
        }
        inside.retain(|key, _| !culprits.contains_key(key));
        aside.extend(culprits);
    }
}

/// Takes out of settings what no file declares.
pub fn file_only(settings: &mut Settings, source: &mut Source) {
    settings.queues.retain(|name, _| source.declares(Kind::Queue.word(), name.as_str()));
    settings.agents.retain(|id, _| source.declares(Kind::Agent.word(), id.as_str()));
    settings.skills.retain(|name, _| source.declares(Kind::Skill.word(), name.as_str()));
    source.set_elsewhere(BTreeMap::new());
}

fn tables<'a>(keys: impl Iterator<Item = &'a Key>) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut tables: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for key in keys {
        tables.entry(key.kind.word()).or_default().insert(key.name.clone());
    }
    tables
}

/// Agents whose hashes are of a realm that is no longer ours.
fn other_realms(settings: &Settings, source: &Source, entries: &Entries) -> Vec<Report> {
    let realm = &settings.sip.realm;
    let mut found = Vec::new();
    for (key, entry) in entries {
        let other = entry.secret.as_ref().is_some_and(|secret| secret.realm != *realm);
        if other && source.is_elsewhere(key.kind.word(), &key.name) {
            let agent = AgentId::from(key.name.as_str()).to_string();
            let what = Problem::OtherRealm { agent, realm: realm.clone() };
            let path = [key.kind.word(), key.name.as_str()];
            found.push(source.finding_at(&path, true, miette::Severity::Warning, what));
        }
    }
    found
}
