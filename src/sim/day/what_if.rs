//! "What if": the same callers, and agents more or fewer for a part of the day.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::id::{Ability, AbilityError, AgentId, Skill, all_met};

use super::{Break, BreakEnd, DAY_MS, Shift};

/// Agents more or fewer for a part of the day. Written `agents+2@12:00-14:00`,
/// `agents+2:waste|housing@12:00-14:00` or `agents-1@12:00-14:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// How many more, or how many fewer.
    pub agents: i32,
    /// What those who come can do; everything if it is empty. Of those who have all of these skills the
    /// last by name go.
    pub skills: Vec<Ability>,
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
        "`{0}`: write agents+2@12:00-14:00, agents+2:waste|housing@12:00-14:00, agents-1@12:00-14:00, \
         config=FILE, calls=FILE or agents=FILE"
    )]
    Form(String),
    /// The time ends before it begins.
    #[error("`{0}`: it must end after it begins")]
    Backwards(String),
    /// A skill that is none.
    #[error("`{text}`: {why}")]
    BadSkill {
        /// What was written.
        text: String,
        /// What is wrong.
        why: AbilityError,
    },
    /// A skill that changes nothing.
    #[error("no call and no agent has to do with `{skill}`; there is: {known}")]
    NoSuchSkill {
        /// The skill.
        skill: Skill,
        /// What there is.
        known: String,
    },
    /// There are not so many agents who could go.
    #[error(
        "of the agents with those skills {there} work all the time from {from} to {to}: take no more"
    )]
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
            let (from, to) = when.split_once('-')?;
            let (from_ms, to_ms) = (read_clock(from)?, read_clock(to)?);
            let fits = (-10_000..=10_000).contains(&agents);
            fits.then_some((agents, skills, from_ms, to_ms))
        };
        let form = || WhatIfError::Form(text.to_owned());
        let (agents, skills, from_ms, to_ms) = parse().ok_or_else(form)?;
        if to_ms <= from_ms {
            return Err(WhatIfError::Backwards(text.to_owned()));
        }
        let skills = skills.split('|').map(str::trim).filter(|skill| !skill.is_empty());
        let skills: Result<_, _> = skills.map(str::parse).collect();
        let bad = |why| WhatIfError::BadSkill { text: text.to_owned(), why };
        Ok(WhatIf { agents, skills: skills.map_err(bad)?, from_ms, to_ms })
    }
}

impl WhatIf {
    /// The shifts as they would be; `wanted` is what calls ask for.
    pub fn apply(
        &self,
        shifts: &[Shift],
        wanted: &BTreeSet<Skill>,
    ) -> Result<Vec<Shift>, WhatIfError> {
        if shifts.iter().any(|shift| shift.login_ms >= DAY_MS) {
            return Err(WhatIfError::NotDaily);
        }
        let of_agents = shifts.iter().flat_map(|shift| &shift.skills).map(|one| &one.skill);
        let known: BTreeSet<&Skill> = of_agents.chain(wanted).collect();
        if let Some(one) = self.skills.iter().find(|one| !known.contains(&one.skill)) {
            let known: Vec<&str> = known.into_iter().map(Skill::as_str).collect();
            let (skill, known) = (one.skill.clone(), known.join(", "));
            return Err(WhatIfError::NoSuchSkill { skill, known });
        }
        let mut shifts = shifts.to_vec();
        let number = usize::try_from(self.agents.unsigned_abs()).unwrap_or(usize::MAX);
        if self.agents > 0 {
            let everything = known.into_iter().cloned().map(Ability::from).collect();
            self.add(&mut shifts, everything, number);
        } else {
            self.take(&mut shifts, number)?;
        }
        Ok(shifts)
    }

    fn add(&self, shifts: &mut Vec<Shift>, everything: Vec<Ability>, number: usize) {
        let skills = if self.skills.is_empty() { everything } else { self.skills.clone() };
        let taken: BTreeSet<AgentId> = shifts.iter().map(|shift| shift.agent.clone()).collect();
        let names = (1..).map(|n| AgentId::from(format!("extra-{n}")));
        for agent in names.filter(|name| !taken.contains(name)).take(number) {
            let skills = skills.clone();
            let (login_ms, logout_ms) = (self.from_ms, self.to_ms);
            shifts.push(Shift { agent, skills, login_ms, logout_ms, breaks: Vec::new() });
        }
    }

    /// Those who go are away for that time, and back at its end.
    fn take(&self, shifts: &mut [Shift], number: usize) -> Result<(), WhatIfError> {
        let mut able: Vec<&mut Shift> = shifts
            .iter_mut()
            .filter(|shift| shift.login_ms <= self.from_ms && shift.logout_ms >= self.to_ms)
            .filter(|shift| all_met(&self.skills, &shift.skills))
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
            shift.breaks.push(Break { start_ms: from, end: BreakEnd::At(to) });
            shift.breaks.sort();
        }
        Ok(())
    }
}
