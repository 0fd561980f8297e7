//! Who works when, from `agents.csv`.

use std::collections::BTreeMap;

use crate::id::{Ability, AgentId};
use crate::sheet::{Mistake, Mistakes, Row, Sheet, Wrong};

use super::LONGEST_MS;

/// An agent's working day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who.
    pub agent: AgentId,
    /// What they can do.
    pub skills: Vec<Ability>,
    /// When they sign in, in milliseconds of the day.
    pub login_ms: u64,
    /// When their shift ends, in milliseconds of the day.
    pub logout_ms: u64,
    /// Their breaks.
    pub breaks: Vec<Break>,
}

/// A break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Break {
    /// When it is due, in milliseconds of the day.
    pub start_ms: u64,
    /// When it is over.
    pub end: BreakEnd,
}

/// When a break is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreakEnd {
    /// So many milliseconds after it began, whenever that was.
    After(u64),
    /// At this millisecond of the day, however late it began.
    At(u64),
}

/// Reads `agents.csv`; `file` is what mistakes call it.
pub fn read_shifts(file: &str, bytes: &[u8]) -> Result<Vec<Shift>, Mistakes> {
    let mut sheet = Sheet::open(file, bytes).map_err(Mistakes::one)?;
    let [id, skills, login, logout, breaks] =
        sheet.columns(["agent_id", "skills", "login_ms", "logout_ms", "breaks"])?;
    let (mut shifts, mut mistakes) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<String, u64> = BTreeMap::new();
    let mut read = |row: &Row<'_>| -> Result<Shift, Mistake> {
        let name = row.text(id)?.to_owned();
        if let Some(line) = known.insert(name.clone(), row.line()) {
            let wrong = Wrong::Twice { column: id.name, id: name, line };
            return Err(row.mistake(id, wrong));
        }
        let parts = |text: &'_ str| -> Vec<String> {
            let parts = text.split('|').map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let mut skills_of: Vec<Ability> = Vec::new();
        for text in parts(row.get(skills)) {
            match text.parse() {
                Ok(ability) => skills_of.push(ability),
                Err(why) => return Err(row.mistake(skills, Wrong::BadSkill { why })),
            }
        }
        if skills_of.is_empty() {
            return Err(row.mistake(skills, Wrong::NoSkill));
        }
        let login_ms = row.whole(login, LONGEST_MS)?;
        let logout_ms = row.whole(logout, LONGEST_MS)?;
        if logout_ms <= login_ms {
            return Err(row.mistake(logout, Wrong::EndsBeforeItBegins { login_ms, logout_ms }));
        }
        let mut breaks_of = Vec::new();
        for text in parts(row.get(breaks)) {
            match read_break(&text) {
                Some(one) => breaks_of.push(one),
                None => return Err(row.mistake(breaks, Wrong::NoBreak { text })),
            }
        }
        breaks_of.sort();
        let agent = name.into();
        Ok(Shift { agent, skills: skills_of, login_ms, logout_ms, breaks: breaks_of })
    };
    while let Some(row) = sheet.next_row() {
        match row.and_then(|row| read(&row)) {
            Ok(shift) => shifts.push(shift),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    Mistakes::or(mistakes, shifts)
}

fn read_break(text: &str) -> Option<Break> {
    let (start, lasts) = text.split_once('+')?;
    let whole = |text: &str| text.trim().parse().ok().filter(|ms| *ms <= LONGEST_MS);
    Some(Break { start_ms: whole(start)?, end: BreakEnd::After(whole(lasts)?) })
}
