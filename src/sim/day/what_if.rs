//! "What if": the same callers, and agents more or fewer for a part of the day.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::id::{Ability, AgentId, Skill};

use super::{Break, DAY_MS, Shift};

/// Agents more or fewer for a part of the day. Written `agents+2@12:00-14:00`,
/// `agents+2:waste|housing@12:00-14:00` or `agents-1@12:00-14:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// How many more, or how many fewer.
    pub agents: i32,
    /// What those who come can do; everything that anybody can do if it is empty. Of those who have
    /// all of these skills the last by name go.
    pub skills: Vec<Skill>,
    /// From when, in milliseconds of the day.
    pub from_ms: u64,
    /// Until when, in milliseconds of the day.
    pub to_ms: u64,
}

/// Why a question cannot be understood, or not be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhatIfError {
    /// It is not of this form.
    #[error(
        "`{0}`: write agents+2@12:00-14:00, agents+2:waste|housing@12:00-14:00 or agents-1@12:00-14:00"
    )]
    Form(String),
    /// The time ends before it begins.
    #[error("`{0}`: it must end after it begins")]
    Backwards(String),
    /// There are not so many agents who could go.
    #[error("only {there} agents with those skills work all the time from {from} to {to}")]
    TooFew {
        /// How many are there.
        there: usize,
        /// From when.
        from: String,
        /// Until when.
        to: String,
    },
    /// Shifts are not those of any one day.
    #[error("agents can be added to shifts that are the same on each day only")]
    NotDaily,
}

/// Reads a time of the day: `12:00`, `12:00:30`, `12:00:30.250`; `24:00` is the day's end.
pub fn read_clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<u64>().ok()).flatten();
    let (hours, minutes) = (two(parts.next()?)?, two(parts.next()?)?);
    let (seconds, millis) = match parts.next() {
        None => (0, 0),
        Some(part) => {
            let (seconds, millis) = part.split_once('.').unwrap_or((part, "0"));
            let scale = [100, 10, 1].get(millis.len().checked_sub(1)?).copied()?;
            (two(seconds)?, millis.parse::<u64>().ok()? * scale)
        }
    };
    let ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis;
    (parts.next().is_none() && minutes < 60 && seconds < 60 && ms <= DAY_MS).then_some(ms)
}

impl FromStr for WhatIf {
    type Err = WhatIfError;

    fn from_str(text: &str) -> Result<Self, WhatIfError> {
        let parse = || {
            let (who, when) = text.strip_prefix("agents")?.split_once('@')?;
            let (number, skills) = who.split_once(':').unwrap_or((who, ""));
            let signed = number.starts_with(['+', '-']);
            let agents = number.parse::<i32>().ok().filter(|it| signed && *it != 0)?;
            let skills = skills.split('|').map(str::trim).filter(|skill| !skill.is_empty());
            let (from, to) = when.split_once('-')?;
            let (from_ms, to_ms) = (read_clock(from)?, read_clock(to)?);
            let fits = (-10_000..=10_000).contains(&agents);
            let skills = skills.map(Skill::from).collect();
            fits.then_some(WhatIf { agents, skills, from_ms, to_ms })
        };
        let what_if = parse().ok_or_else(|| WhatIfError::Form(text.to_owned()))?;
        if what_if.to_ms <= what_if.from_ms {
            return Err(WhatIfError::Backwards(text.to_owned()));
        }
        Ok(what_if)
    }
}

impl WhatIf {
    /// The shifts as they would be.
    pub fn apply(&self, shifts: &[Shift]) -> Result<Vec<Shift>, WhatIfError> {
        if shifts.iter().any(|shift| shift.login_ms >= DAY_MS) {
            return Err(WhatIfError::NotDaily);
        }
        let mut shifts = shifts.to_vec();
        let number = usize::try_from(self.agents.unsigned_abs()).unwrap_or(usize::MAX);
        if self.agents > 0 {
            self.add(&mut shifts, number);
        } else {
            self.take(&mut shifts, number)?;
        }
        Ok(shifts)
    }

    fn add(&self, shifts: &mut Vec<Shift>, number: usize) {
        let mut skills: BTreeSet<Ability> =
            self.skills.iter().cloned().map(Ability::from).collect();
        if skills.is_empty() {
            skills = shifts.iter().flat_map(|shift| shift.skills.iter().cloned()).collect();
        }
        let taken: BTreeSet<AgentId> = shifts.iter().map(|shift| shift.agent.clone()).collect();
        let names = (1..).map(|n| AgentId::from(format!("extra-{n}")));
        for agent in names.filter(|name| !taken.contains(name)).take(number) {
            let skills = skills.iter().cloned().collect();
            let (login_ms, logout_ms) = (self.from_ms, self.to_ms);
            shifts.push(Shift { agent, skills, login_ms, logout_ms, breaks: Vec::new() });
        }
    }

    /// Those who go have a break for that time.
    fn take(&self, shifts: &mut [Shift], number: usize) -> Result<(), WhatIfError> {
        let mut able: Vec<&mut Shift> = shifts
            .iter_mut()
            .filter(|shift| shift.login_ms <= self.from_ms && shift.logout_ms >= self.to_ms)
            .filter(|shift| {
                self.skills.iter().all(|skill| shift.skills.iter().any(|one| one.skill == *skill))
            })
            .collect();
        able.sort_by(|a, b| b.agent.cmp(&a.agent));
        if able.len() < number {
            let (from, to) = (super::clock(self.from_ms), super::clock(self.to_ms));
            return Err(WhatIfError::TooFew { there: able.len(), from, to });
        }
        for shift in able.into_iter().take(number) {
            // Breaks that would fall into that time are over with it.
            let (from, to) = (self.from_ms, self.to_ms);
            shift.breaks.retain(|one| !(from..to).contains(&one.start_ms));
            shift.breaks.push(Break { start_ms: from, lasts_ms: to - from });
            shift.breaks.sort_by_key(|one| (one.start_ms, one.lasts_ms));
        }
        Ok(())
    }
}
