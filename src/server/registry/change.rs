//! Changes of single entries, worked out before anything is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::config::check::is_error;
use crate::config::problem::{Problem, Told};
use crate::config::registry::{
    Declared, Entries, Entry, Hashed, Key, Kind, MOST_ENTRIES, says_no_secret, take_secret,
};
use crate::event::AgentState;
use crate::sip::digest::{Algorithm, ha1};
use crate::stats::live::Live;

use super::store::{RegistryError, Store};
use super::{Change, Condition, Installation, Refusal};
use crate::server::installation::Problems;
use crate::time::UnixMicros;

/// A change that passed every check and is not kept yet.
#[derive(Debug)]
pub struct Prepared {
    /// The installation as it will be.
    pub installation: Installation,
    /// What is to be kept; nothing if all is as it was.
    pub changes: Vec<Change>,
}

impl Prepared {
    /// Keeps the changes, with who made them. Once this returns they are as durable as anything here.
    pub async fn keep(
        &mut self,
        store: &Store,
        by: &str,
        at: UnixMicros,
    ) -> Result<(), RegistryError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let numbers = store.commit(&self.changes, by, at).await?;
        for (change, number) in self.changes.iter().zip(numbers) {
            if let Some(entry) = self.installation.entries.get_mut(&change.key) {
                Arc::make_mut(entry).version = number;
            }
        }
        Ok(())
    }
}

/// What an entry becomes, and whether its secret is another.
pub(super) struct Outcome {
    pub(super) entry: Entry,
    pub(super) secret_changed: bool,
}

/// What an entry becomes by what is declared. A secret that is not spoken of stays, unless there is to be
/// none.
pub(super) fn outcome(
    installation: &Installation,
    key: &Key,
    mut declared: Declared,
    no_secret: bool,
) -> Result<Outcome, Told> {
    let realm = &installation.settings.sip.realm;
    let hash = |password: &str| {
        let of = |algorithm| ha1(algorithm, &key.name, realm, password);
        (of(Algorithm::Md5), of(Algorithm::Sha256))
    };
    let given = take_secret(&mut declared, realm, hash)?;
    let known = installation.entries.get(key);
    let before = known.and_then(|entry| entry.secret.clone());
    let kept = before.clone().filter(|_| !no_secret);
    let secret: Option<Hashed> = given.or(kept);
    let secret_changed = secret != before;
    let version = known.map_or(0, |entry| entry.version);
    Ok(Outcome { entry: Entry { version, settings: declared.said(), secret }, secret_changed })
}

/// The change that an outcome is; none if all is as it was.
pub(super) fn change(installation: &Installation, key: &Key, new: &Outcome) -> Option<Change> {
    let known = installation.entries.get(key);
    let same = known.is_some_and(|known| known.settings == new.entry.settings);
    if same && !new.secret_changed {
        return None;
    }
    let after = (new.entry.settings.clone(), new.entry.secret.clone());
    Some(Change {
        key: key.clone(),
        before: known.map(|known| known.settings.clone()),
        after: Some(after),
        secret_changed: new.secret_changed,
    })
}

/// The installation with other entries, or what the checks have against it.
pub(super) fn candidate(
    installation: &Installation,
    entries: Entries,
    touched: &BTreeSet<Key>,
) -> Result<Installation, Vec<Told>> {
    let new = installation.with(entries).map_err(|Problems(found)| {
        found.iter().filter(|finding| is_error(finding)).map(Told::of).collect::<Vec<Told>>()
    })?;
    // What was set aside before may stay so; what was in force may not be pushed out.
    let news = |key: &&Key| touched.contains(key) || !installation.aside.contains_key(key);
    let refused: Vec<Told> = new
        .aside
        .iter()
        .filter(|(key, _)| news(key))
        .flat_map(|(_, told)| told.iter().cloned())
        .collect();
    if refused.is_empty() { Ok(new) } else { Err(refused) }
}

fn met(condition: &Condition, key: &Key, known: Option<&Entry>) -> Result<(), Refusal> {
    let version = known.map(|entry| entry.version);
    let met = match (condition, version) {
        (Condition::Unsaid, Some(_)) => return Err(Refusal::Unconditional(key.clone())),
        (Condition::Unsaid | Condition::Absent, None) | (Condition::Present, Some(_)) => true,
        (Condition::Versions(wanted), Some(version)) => wanted.contains(&version),
        (Condition::Absent, Some(_)) | (Condition::Present | Condition::Versions(_), None) => false,
    };
    if met { Ok(()) } else { Err(Refusal::Changed(key.clone(), version)) }
}

/// Makes an entry, or puts another in its place.
pub fn put(
    installation: &Installation,
    key: &Key,
    body: Value,
    condition: &Condition,
) -> Result<Prepared, Refusal> {
    if let Some(place) = installation.place_of(key) {
        return Err(Refusal::Declared(key.clone(), place));
    }
    let known = installation.entries.get(key).map(Arc::as_ref);
    if known.is_none() && !key.has_good_name() {
        return Err(Refusal::BadName(key.clone()));
    }
    met(condition, key, known)?;
    if known.is_none() && count(&installation.entries, key.kind) >= MOST_ENTRIES {
        return Err(Refusal::Full(key.kind));
    }
    let no_secret = says_no_secret(&body);
    let whole = |told: Told| Refusal::Wrong(vec![named(key, told)]);
    let declared = Declared::read(key.kind, body).map_err(whole)?;
    let new = outcome(installation, key, declared, no_secret).map_err(whole)?;
    let changes: Vec<Change> = change(installation, key, &new).into_iter().collect();
    let mut entries = installation.entries.clone();
    entries.insert(key.clone(), Arc::new(new.entry));
    let touched = changes.iter().map(|change| change.key.clone()).collect();
    let installation = candidate(installation, entries, &touched).map_err(Refusal::Wrong)?;
    Ok(Prepared { installation, changes })
}

/// Takes an entry away. `used` is what stands against it now.
pub fn delete(
    installation: &Installation,
    key: &Key,
    condition: &Condition,
    used: impl FnOnce() -> Vec<Told>,
) -> Result<Prepared, Refusal> {
    let Some(known) = installation.entries.get(key) else {
        return Err(match installation.place_of(key) {
            Some(place) => Refusal::Declared(key.clone(), place),
            None => Refusal::Unknown(key.clone()),
        });
    };
    met(condition, key, Some(known))?;
    if !installation.aside.contains_key(key) {
        let mut used = used();
        used.extend(users(installation, key));
        if !used.is_empty() {
            return Err(Refusal::InUse(key.clone(), used));
        }
    }
    let before = Some(known.settings.clone());
    let secret_changed = known.secret.is_some();
    let changes = vec![Change { key: key.clone(), before, after: None, secret_changed }];
    let mut entries = installation.entries.clone();
    entries.remove(key);
    let installation = candidate(installation, entries, &BTreeSet::new())
        .map_err(|told| Refusal::InUse(key.clone(), told))?;
    Ok(Prepared { installation, changes })
}

/// A finding of an entry by its whole path, as those of the checks are.
pub(super) fn named(key: &Key, told: Told) -> Told {
    let field = told.field.iter().fold(String::new(), |_, field| format!(".{field}"));
    Told { field: Some(format!("{}.{}{field}", key.kind.word(), key.name)), ..told }
}

pub(super) fn count(entries: &Entries, kind: Kind) -> usize {
    entries.keys().filter(|key| key.kind == kind).count()
}

/// What stands against taking an entry away, as the figures show it.
pub fn in_use(live: &Live, key: &Key) -> Vec<Told> {
    let mut used = Vec::new();
    let mut because = |what: String, right: &str| {
        let (field, place, right) = (None, None, Some(right.to_owned()));
        used.push(Told { field, place, what, right });
    };
    match key.kind {
        Kind::Queue => {
            let queue = live.queues.iter().find(|queue| queue.queue.as_str() == key.name);
            let waiting = queue.map_or(0, |queue| queue.waiting);
            if waiting > 0 {
                because(format!("{waiting} wait in it"), "let them be answered first");
            }
            let messages =
                live.messages.iter().filter(|one| one.queue.as_str() == key.name).count();
            if messages > 0 {
                let what = format!("{messages} messages of its callers are open");
                because(what, "finish them first: GET /api/v1/messages");
            }
            let promises =
                live.callbacks.iter().filter(|one| one.queue.as_str() == key.name).count();
            if promises > 0 {
                let what = format!("{promises} of its callers are to be rung back");
                because(what, "keep or take back those promises first: GET /api/v1/callbacks");
            }
        }
        Kind::Agent => {
            let agent = live.agent_list.iter().find(|agent| agent.agent.as_str() == key.name);
            let state = agent.map_or(AgentState::SignedOut, |agent| agent.state);
            if state != AgentState::SignedOut {
                because(
                    format!("the agent is signed in ({})", state.as_str()),
                    "sign them out first: POST /api/v1/agents/ID/state {\"state\":\"signed_out\"}",
                );
            }
        }
        Kind::Skill => {}
    }
    used
}

/// Who asks for a skill, or has it.
fn users(installation: &Installation, key: &Key) -> Vec<Told> {
    let mut users = Vec::new();
    if key.kind != Kind::Skill {
        return users;
    }
    let settings = &installation.settings;
    let is = |ability: &crate::id::Ability| ability.skill.as_str() == key.name;
    let mut uses = |field: String, what: &str| {
        let (place, right) = (None, Some("take the skill out there first".to_owned()));
        users.push(Told { field: Some(field), place, what: what.to_owned(), right });
    };
    for (name, queue) in &settings.queues {
        let relaxed = queue.relax.iter().flat_map(|step| &step.skills);
        if queue.skills.iter().chain(&queue.prefers).chain(relaxed).any(is) {
            uses(format!("queue.{name}"), "this queue asks for it");
        }
    }
    for (id, agent) in &settings.agents {
        if agent.skills.iter().any(is) {
            uses(format!("agent.{id}.skills"), "this agent has it");
        }
    }
    users
}

/// A refusal in the words of a problem with a field.
pub(super) fn declared_at(key: &Key, place: String) -> Told {
    named(key, Told::new(None, &Problem::Declared { place }))
}
