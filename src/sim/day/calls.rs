//! The calls of a day, from `calls.csv`.

use std::collections::BTreeMap;

use crate::acd::command::Priority;
use crate::id::Skill;
use crate::sheet::{Mistake, Mistakes, Row, Sheet, Wrong};

use super::LONGEST_MS;

/// Somebody who rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCall {
    /// Its name in the file.
    pub id: String,
    /// When it comes, in milliseconds of the day; more than a day's are the days that follow.
    pub arrive_ms: u64,
    /// Who rings: the same caller may come again. Empty for somebody who is not known.
    pub caller: String,
    /// What the caller wants: the skill that the call needs.
    pub service: Skill,
    /// The lower goes first.
    pub priority: Priority,
    /// What the caller does in the menu.
    pub kind: Kind,
    /// How long the menu takes, in milliseconds.
    pub ivr_ms: u64,
    /// How long the caller waits before giving up, counted from joining the queue, in milliseconds.
    pub patience_ms: u64,
    /// How long caller and agent talk, in milliseconds.
    pub talk_ms: u64,
    /// How long the agent's work lasts after it, in milliseconds.
    pub wrap_ms: u64,
}

/// What a caller does in the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goes through it, and joins a queue.
    Person,
    /// Hangs up at its end.
    LeavesMenu,
}

/// The word for [`Kind::LeavesMenu`]; every other is a caller who wants a person.
const LEAVES_MENU: &str = "ivr_abandon";

/// What the table calls all queues together.
const ALL: &str = "all";

/// Reads `calls.csv`; `file` is what mistakes call it. The rows may come in any order.
pub fn read_calls(file: &str, bytes: &[u8]) -> Result<Vec<ModelCall>, Mistakes> {
    let mut sheet = Sheet::open(file, bytes).map_err(Mistakes::one)?;
    let [id, arrive, caller, service, priority, kind, ivr, patience, talk, wrap] =
        sheet.columns([
            "call_id",
            "arrive_ms",
            "caller",
            "service",
            "priority",
            "kind",
            "ivr_ms",
            "patience_ms",
            "talk_ms",
            "wrap_ms",
        ])?;
    let (mut calls, mut mistakes) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<String, u64> = BTreeMap::new();
    let mut read = |row: &Row<'_>| -> Result<ModelCall, Mistake> {
        let name = row.text(id)?.to_owned();
        if let Some(line) = known.insert(name.clone(), row.line()) {
            let wrong = Wrong::Twice { column: id.name, id: name, line };
            return Err(row.mistake(id, wrong));
        }
        let kind = match row.get(kind) {
            LEAVES_MENU => Kind::LeavesMenu,
            word if is_misspelt(word) => {
                let wrong = Wrong::UnknownKind { kind: word.to_owned(), meant: LEAVES_MENU };
                return Err(row.mistake(kind, wrong));
            }
            _ => Kind::Person,
        };
        let least_and_most = (i64::from(i32::MIN), i64::from(i32::MAX));
        let number = row.number(priority, least_and_most.0, least_and_most.1)?;
        // Who hangs up in the menu needs no more than that.
        let later = |column| match kind {
            Kind::LeavesMenu if row.get(column).is_empty() => Ok(0),
            Kind::LeavesMenu | Kind::Person => row.whole(column, LONGEST_MS),
        };
        Ok(ModelCall {
            id: name,
            arrive_ms: row.whole(arrive, LONGEST_MS)?,
            caller: row.get(caller).to_owned(),
            service: match (kind, row.get(service)) {
                (Kind::LeavesMenu, "") => "".into(),
                // The table's rows of this name are all queues together.
                (_, ALL) => return Err(row.mistake(service, Wrong::NamedAll)),
                (Kind::LeavesMenu | Kind::Person, _) => row.text(service)?.into(),
            },
            priority: Priority(i32::try_from(number).unwrap_or_default()),
            kind,
            ivr_ms: row.whole(ivr, LONGEST_MS)?,
            patience_ms: later(patience)?,
            talk_ms: later(talk)?,
            wrap_ms: later(wrap)?,
        })
    };
    while let Some(row) = sheet.next_row() {
        match row.and_then(|row| read(&row)) {
            Ok(call) => calls.push(call),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    Mistakes::or(mistakes, calls)
}

/// Whether somebody meant [`LEAVES_MENU`] and wrote something else.
fn is_misspelt(word: &str) -> bool {
    let plain: String = word.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
    plain.starts_with("ivr") && plain.contains("abandon") || plain == "abandonivr"
}
