//! Queues, agents and skills that the database declares, beside those of the settings file.
//!
//! An entry is what a table of the file is, as JSON: read by the same structures, put beside the file's
//! ([`merge`]) and checked with them by the same checks. What the file declares is the file's alone: an
//! entry of the same name is *set aside*, and so is one that the checks refuse.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::acd::settings::QueueSettings;

use super::load::problem;
use super::problem::{AdviserProblem, Problem, Told};
use super::secret::Secret;
use super::settings::{AgentSettings, Ha1Settings, Settings, SkillSettings};

mod cell;
mod merge;
pub mod sheet;
#[cfg(test)]
mod tests;

pub use merge::{Aside, file_only, merge};

/// The longest name of an entry, in bytes.
pub const LONGEST_NAME: usize = 64;
/// How many entries of a kind the database may have.
pub const MOST_ENTRIES: usize = 10_000;
/// What is a secret in an entry: taken in and never told.
const SECRETS: [&str; 3] = ["password", "ha1", "pin"];

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A queue.
    Queue,
    /// An agent.
    Agent,
    /// A skill.
    Skill,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Queue, Kind::Agent, Kind::Skill];

    /// Its table in the settings file; the word for one.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Queue => "queue",
            Kind::Agent => "agent",
            Kind::Skill => "skill",
        }
    }

    /// The word for several.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Queue => "queues",
            Kind::Agent => "agents",
            Kind::Skill => "skills",
        }
    }

    /// What the word says.
    pub fn of_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The least that one must say.
    fn least(self) -> Value {
        match self {
            Kind::Queue | Kind::Skill => json!({ "title": "" }),
            Kind::Agent => json!({ "name": "" }),
        }
    }

    /// Every key with its usual value.
    fn usual(self) -> &'static Map<String, Value> {
        static USUAL: LazyLock<[Map<String, Value>; 3]> = LazyLock::new(|| {
            Kind::ALL.map(|kind| {
                let least = Declared::read(kind, kind.least()).ok();
                least.map(|declared| declared.shown()).unwrap_or_default()
            })
        });
        let [queue, agent, skill] = &*USUAL;
        match self {
            Kind::Queue => queue,
            Kind::Agent => agent,
            Kind::Skill => skill,
        }
    }
}

/// Which entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Its name, as in `[queue.NAME]`.
    pub name: String,
}

impl Key {
    /// An entry of that name.
    pub fn new(kind: Kind, name: &str) -> Self {
        Key { kind, name: name.to_owned() }
    }

    /// Whether the database takes the name: it must fit in a SIP address and in a flow.
    pub fn has_good_name(&self) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let name = &self.name;
        !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(plain)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind.word(), self.name)
    }
}

/// What stands in an agent's password's place (RFC 7616 section 3.4.2), and for which realm.
#[derive(Clone, PartialEq, Eq)]
pub struct Hashed {
    /// The realm.
    pub realm: String,
    /// With MD5.
    pub md5: Option<Secret>,
    /// With SHA-256.
    pub sha256: Option<Secret>,
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// One entry as the database has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Changes with each change; never used for another entry.
    pub version: u64,
    /// What is said of it, without what is usual and without secrets.
    pub settings: Map<String, Value>,
    /// An agent's secret.
    pub secret: Option<Hashed>,
}

impl Entry {
    /// What it declares, an agent's secret included.
    pub fn declared(&self, kind: Kind) -> Result<Declared, Told> {
        let mut declared = Declared::read(kind, Value::Object(self.settings.clone()))?;
        if let (Declared::Agent(agent), Some(secret)) = (&mut declared, &self.secret) {
            let (md5, sha256) = (secret.md5.clone(), secret.sha256.clone());
            agent.ha1 = Some(Ha1Settings { md5, sha256 });
        }
        Ok(declared)
    }
}

/// What the database has. Entries that a change leaves alone are the same before and after it.
pub type Entries = BTreeMap<Key, Arc<Entry>>;

#[cfg(test)]
thread_local! {
    /// How many entries this thread has read.
    pub static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What an entry declares.
#[derive(Debug, Clone, PartialEq)]
pub enum Declared {
    /// A queue.
    Queue(QueueSettings),
    /// An agent.
    Agent(AgentSettings),
    /// A skill.
    Skill(SkillSettings),
}

impl Declared {
    /// Reads what a table of the file would be, as JSON.
    pub fn read(kind: Kind, value: Value) -> Result<Self, Told> {
        #[cfg(test)]
        READ.with(|read| read.set(read.get() + 1));
        Self::read_from(kind, value)
    }

    fn read_from<'de, D: serde::Deserializer<'de>>(kind: Kind, from: D) -> Result<Self, Told> {
        use serde_path_to_error::deserialize;
        let told = |path: &serde_path_to_error::Path, error: String| {
            // As the checks write it.
            let path = path.to_string().replace('[', ".").replace(']', "");
            let field = Some(path).filter(|path| path != "." && !path.is_empty());
            let secret = field.as_deref().is_some_and(|field| {
                SECRETS.iter().any(|secret| field == *secret || field.starts_with("ha1."))
            });
            Told::new(field, &problem(&error, secret))
        };
        macro_rules! read {
            ($kind:ident) => {
                deserialize(from)
                    .map(Declared::$kind)
                    .map_err(|error| told(error.path(), error.inner().to_string()))
            };
        }
        match kind {
            Kind::Queue => read!(Queue),
            Kind::Agent => read!(Agent),
            Kind::Skill => read!(Skill),
        }
    }

    /// What settings have of that name.
    pub fn of(settings: &Settings, key: &Key) -> Option<Self> {
        let name = key.name.as_str();
        match key.kind {
            Kind::Queue => settings.queues.get(name).cloned().map(Declared::Queue),
            Kind::Agent => settings.agents.get(name).cloned().map(Declared::Agent),
            Kind::Skill => settings.skills.get(name).cloned().map(Declared::Skill),
        }
    }

    /// Puts it into settings.
    fn put_into(self, settings: &mut Settings, name: &str) {
        match self {
            Declared::Queue(queue) => drop(settings.queues.insert(name.into(), queue)),
            Declared::Agent(agent) => drop(settings.agents.insert(name.into(), agent)),
            Declared::Skill(skill) => drop(settings.skills.insert(name.into(), skill)),
        }
    }

    /// Every key with its value, secrets apart.
    pub fn shown(&self) -> Map<String, Value> {
        let value = match self {
            Declared::Queue(queue) => serde_json::to_value(queue),
            Declared::Agent(agent) => serde_json::to_value(agent),
            Declared::Skill(skill) => serde_json::to_value(skill),
        };
        let Ok(Value::Object(mut shown)) = value else { return Map::new() };
        if matches!(self, Declared::Agent(_)) {
            SECRETS.iter().for_each(|secret| drop(shown.remove(*secret)));
        }
        shown
    }

    /// What is said beyond what is usual, secrets apart.
    pub fn said(&self) -> Map<String, Value> {
        let usual = self.kind().usual();
        let mut said = self.shown();
        said.retain(|key, value| usual.get(key) != Some(value));
        said
    }

    fn kind(&self) -> Kind {
        match self {
            Declared::Queue(_) => Kind::Queue,
            Declared::Agent(_) => Kind::Agent,
            Declared::Skill(_) => Kind::Skill,
        }
    }

    /// Whether phones register as this agent.
    pub fn has_secret(&self) -> bool {
        match self {
            Declared::Agent(agent) => agent.password.is_some() || agent.ha1.is_some(),
            Declared::Queue(_) | Declared::Skill(_) => false,
        }
    }
}

/// Takes the secret out of an agent that somebody declares: only its hashes are kept. `hash` makes them
/// of a password (MD5, SHA-256) for `realm`. None if nothing is said of it.
pub fn take_secret(
    declared: &mut Declared,
    realm: &str,
    hash: impl FnOnce(&str) -> (String, String),
) -> Result<Option<Hashed>, Told> {
    let Declared::Agent(agent) = declared else { return Ok(None) };
    let (password, ha1) = (agent.password.take(), agent.ha1.take());
    let wrong = |field: &str, problem| Err(Told::new(Some(field.to_owned()), &problem));
    if agent.pin.take().is_some() {
        return wrong("pin", Problem::Adviser(AdviserProblem::PinOfFile));
    }
    let realm = realm.to_owned();
    match (password, ha1) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => wrong("ha1", Problem::TwoSecrets { agent: agent.name.clone() }),
        (None, Some(Ha1Settings { md5, sha256 })) => Ok(Some(Hashed { realm, md5, sha256 })),
        (Some(password), None) => {
            let (text, what) = (password.reveal(), "the password");
            if text.trim().is_empty() {
                return wrong("password", Problem::Empty { what });
            } else if text.chars().any(char::is_control) {
                return wrong("password", Problem::ControlCharacter { what });
            }
            let (md5, sha256) = hash(text);
            let secret = |text: String| Some(Secret::from(text.as_str()));
            Ok(Some(Hashed { realm, md5: secret(md5), sha256: secret(sha256) }))
        }
    }
}

/// Whether somebody takes an agent's secret away: by saying that there is none.
pub fn says_no_secret(body: &Value) -> bool {
    ["password", "ha1"].iter().any(|secret| body.get(secret).is_some_and(Value::is_null))
}
