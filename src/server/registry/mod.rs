//! Queues, agents and skills in the database: asked for, changed, brought in and out as sheets.
//!
//! A change is worked out whole before anything is kept: the installation as it would be, read and
//! checked as `switchboard check` does. Then it is committed with its line in the audit trail, put to
//! work as a reload is, and only then answered. What is refused has changed nothing.

mod change;
pub mod command;
mod sheets;
pub mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::problem::Told;
use crate::config::registry::{Declared, Key, Kind};
use crate::sheet::Mistake;

use super::installation::Installation;

pub use change::{Prepared, delete, in_use, put};
pub use sheets::{Changed, Difference, Summary, export, import};
pub use store::{Asked, AuditLine, Change, RegistryError, Store, read};

/// What is asked of the database.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Entries of a kind, the file's among them, in the order of their names.
    List {
        /// Of which kind.
        kind: Kind,
        /// Those behind this name.
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
    /// One entry.
    Show(Key),
    /// All of a kind as a sheet.
    Export(Kind),
    /// Make an entry, or put another in its place.
    Put {
        /// Which.
        key: Key,
        /// What a table of the settings file would say.
        body: Value,
        /// On what condition.
        condition: Condition,
        /// By whom, for the audit trail.
        by: Arc<str>,
    },
    /// Take an entry away.
    Delete {
        /// Which.
        key: Key,
        /// On what condition.
        condition: Condition,
        /// By whom.
        by: Arc<str>,
    },
    /// Take in a sheet.
    Import {
        /// Of which kind.
        kind: Kind,
        /// CSV.
        sheet: Bytes,
        /// Only tell what would change.
        dry_run: bool,
        /// By whom.
        by: Arc<str>,
    },
    /// Lines of the audit trail.
    Audit(Asked),
}

/// On what condition something is changed (RFC 9110 section 13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// None is said.
    Unsaid,
    /// There must be none yet: `If-None-Match: *`.
    Absent,
    /// There must be one: `If-Match: *`.
    Present,
    /// It must be one of these: `If-Match: "7"`.
    Versions(Vec<u64>),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// One entry; whether it is new.
    Entry(Box<Shown>, bool),
    /// Several, and the name behind which there are more.
    Entries(Vec<Shown>, Option<String>),
    /// A sheet.
    Sheet(String),
    /// What a sheet changes.
    Imported(Summary),
    /// It is gone.
    Deleted,
    /// Lines of the audit trail.
    Audit(Vec<AuditLine>),
}

/// Why something was not done. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A file declares it, there.
    Declared(Key, String),
    /// There is none.
    Unknown(Key),
    /// The database takes no such name.
    BadName(Key),
    /// It must be said which version is to be changed.
    Unconditional(Key),
    /// It is another version by now; none if there is none.
    Changed(Key, Option<u64>),
    /// The checks refuse it.
    Wrong(Vec<Told>),
    /// Somebody needs it.
    InUse(Key, Vec<Told>),
    /// There is no room for another.
    Full(Kind),
    /// A sheet is wrong, there.
    Sheet(Vec<Mistake>),
    /// The database cannot be used.
    Store,
}

/// One entry as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub source: Origin,
    /// The file and its line, if a file declares it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Its version, if the database has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What it says, what is usual included, secrets apart.
    pub settings: Map<String, Value>,
    /// Whether phones register as this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_password: Option<bool>,
    /// Why what the database says of it is not in force.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<Told>,
    /// What works and is hardly meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Told>,
}

/// Where an entry is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// In the settings file.
    File,
    /// In the database.
    Database,
}

/// The names of a kind that the file or the database declares.
pub fn names(installation: &Installation, kind: Kind) -> Vec<String> {
    let settings = &installation.settings;
    let mut names: Vec<String> = match kind {
        Kind::Queue => settings.queues.keys().map(ToString::to_string).collect(),
        Kind::Agent => settings.agents.keys().map(ToString::to_string).collect(),
        Kind::Skill => settings.skills.keys().map(ToString::to_string).collect(),
    };
    let aside = installation.aside.keys().filter(|key| key.kind == kind);
    names.extend(aside.map(|key| key.name.clone()));
    names.sort();
    names.dedup();
    names
}

/// One entry.
pub fn show(installation: &Installation, key: &Key) -> Option<Shown> {
    let entry = installation.entries.get(key);
    let place = installation.place_of(key);
    let declared = Declared::of(&installation.settings, key);
    let settings = match (&declared, entry) {
        (Some(declared), _) => declared.shown(),
        (None, Some(entry)) => entry.settings.clone(),
        (None, None) => return None,
    };
    let has_password = match &declared {
        Some(declared) => declared.has_secret(),
        None => entry.is_some_and(|entry| entry.secret.is_some()),
    };
    let start = format!("{}.{}.", key.kind.word(), key.name);
    let ours = |told: &&Told| told.field.as_ref().is_some_and(|field| field.starts_with(&start));
    Some(Shown {
        name: key.name.clone(),
        source: if place.is_some() { Origin::File } else { Origin::Database },
        place,
        version: entry.map(|entry| entry.version),
        settings,
        has_password: (key.kind == Kind::Agent).then_some(has_password),
        set_aside: installation.aside.get(key).cloned().unwrap_or_default(),
        warnings: installation.warnings.iter().filter(ours).cloned().collect(),
    })
}

/// Entries of a kind behind a name, and whether there are more.
pub fn list(
    installation: &Installation,
    kind: Kind,
    after: Option<&str>,
    limit: usize,
) -> (Vec<Shown>, Option<String>) {
    let names = names(installation, kind);
    let mut rest = names.iter().filter(|name| after.is_none_or(|after| name.as_str() > after));
    let page: Vec<&String> = rest.by_ref().take(limit).collect();
    let next = if rest.next().is_some() { page.last().map(|name| (*name).clone()) } else { None };
    let shown = page.into_iter().filter_map(|name| show(installation, &Key::new(kind, name)));
    (shown.collect(), next)
}
