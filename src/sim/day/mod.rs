//! A day on paper: callers and agents from two files, the real queue between them, and every figure
//! folded from the journal that it leaves.
//!
//! Callers, phones and talk are models: nothing is said, a menu "is over" after its length, an agent
//! picks up at once or after a set time. Who gets whom is decided by [`Acd`](crate::acd::Acd) and by
//! nothing else; what is counted is counted by [`Fold`](crate::stats::Fold).
//!
//! Time is in whole milliseconds. What happens in one millisecond happens one after the other, each
//! with the offers that follow from it: work ends, breaks end, agents sign in, breaks fall due,
//! shifts end, callers give up, callers join; equals in the order of their names. So an agent who is
//! freed in the very millisecond in which a caller gives up answers that caller.
//!
//! - A call that comes before opening or from closing on is closed; so is one that would join a queue
//!   from closing on. Whoever waits at closing is served or gives up.
//! - An idle agent's break begins when it is due; a busy agent's after the work, in full. One that
//!   falls due during another begins after it.
//! - A shift that ends before closing ends after the work under way. One that ends at closing or later
//!   ends when the agent is free and nobody waits for what they can do.
//! - Milliseconds beyond the first day are the days that follow; shifts are repeated on each day that
//!   has calls, unless one of them begins after the first day: then all are taken as they are written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::acd::settings::{QueueSettings, TurnSettings};
use crate::event::Entry;
use crate::id::{Ability, AgentId, QueueName, Skill};
use crate::stats::IntervalRow;
use crate::stats::live::Today;

mod agenda;
mod calls;
mod desk;
mod effects;
mod files;
mod journal;
mod machine;
mod queues;
mod shifts;
mod what_if;

#[cfg(test)]
mod tests;

pub use calls::{Kind, ModelCall, read_calls};
pub use shifts::{Break, BreakEnd, Shift, read_shifts};
pub use what_if::{WhatIf, WhatIfError, read_clock};

/// A day, in milliseconds.
pub const DAY_MS: u64 = 86_400_000;

/// The largest number of milliseconds in a sheet: 31 years.
pub const LONGEST_MS: u64 = 1_000_000_000_000;

/// What holds besides the calls and the shifts.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Lines open, in milliseconds of the day.
    pub open_ms: u64,
    /// Lines close, in milliseconds of the day.
    pub close_ms: u64,
    /// How long an agent's phone rings before it is answered, in milliseconds.
    pub ring_ms: u64,
    /// The date of the first day.
    pub date: Date,
    /// Where: half hours are shown on its clock.
    pub time_zone: String,
    /// Its name.
    pub organisation: String,
    /// The queues that services are served by; none for one queue for each service, with the
    /// standards of the shipped settings and no limit.
    pub queues: Option<BTreeMap<QueueName, QueueSettings>>,
    /// Whose turn it is, over all queues: strict priority, first come first served.
    pub turns: TurnSettings,
}

impl Default for Rules {
    /// Open from 08:45 to 17:15, no ring time, one queue for each service.
    fn default() -> Self {
        Rules {
            open_ms: (8 * 60 + 45) * 60_000,
            close_ms: (17 * 60 + 15) * 60_000,
            ring_ms: 0,
            date: jiff::civil::date(2026, 1, 5),
            time_zone: "Europe/London".to_owned(),
            organisation: "A council".to_owned(),
            queues: None,
            turns: TurnSettings::default(),
        }
    }
}

/// Why a day cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Nothing would ever be open.
    #[error("the lines close at {close} and open at {open}: they must close after that")]
    NeverOpen {
        /// `HH:MM`.
        open: String,
        /// `HH:MM`.
        close: String,
    },
    /// No queue serves a service.
    #[error(
        "no queue for the service `{service}`: name a queue so, or give one the skill `{service}` \
         and no other; there are: {known}"
    )]
    NoQueue {
        /// The service.
        service: Skill,
        /// The queues that there are.
        known: String,
    },
    /// Agents would never be in time.
    #[error(
        "phones ring for {ring_ms} ms and the queue `{queue}` takes calls back after {ring_s} s: \
         nobody would ever answer"
    )]
    RingsTooLong {
        /// As asked for.
        ring_ms: u64,
        /// Whose rule it is.
        queue: QueueName,
        /// Its limit.
        ring_s: u32,
    },
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Joined to an agent.
    Answered {
        /// From joining the queue to the answer, in milliseconds.
        wait_ms: u64,
        /// Whom.
        agent: AgentId,
    },
    /// The caller gave up waiting.
    Abandoned {
        /// From joining the queue, in milliseconds.
        wait_ms: u64,
    },
    /// Came while the lines were closed.
    Closed,
    /// Hung up in the menu.
    LeftMenu,
    /// Came out of the menu when the lines had closed.
    ClosedInMenu,
    /// The queue did not take the call, or no longer: a limit of the settings.
    Overflowed,
}

impl Fate {
    /// The word in `calls_out.csv`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Fate::Answered { .. } => "answered",
            Fate::Abandoned { .. } => "abandoned",
            Fate::Closed => "closed",
            Fate::LeftMenu => "ivr_abandon",
            Fate::ClosedInMenu => "closed_in_ivr",
            Fate::Overflowed => "overflowed",
        }
    }
}

/// What came of it all.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Each call and its fate, in the order in which the calls were given.
    pub fates: Vec<(String, Fate)>,
    /// The table of half hours.
    pub intervals: Vec<IntervalRow>,
    /// All calls together.
    pub figures: Today,
    /// The most that waited at once.
    pub max_queue_length: u64,
}

/// `summary.json`. The names are fixed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Calls that joined a queue.
    pub offered: u64,
    /// Of them, answered.
    pub answered: u64,
    /// Of them, given up.
    pub abandoned: u64,
    /// Of those, before the short-abandon bound.
    pub short_abandons: u64,
    /// Answered within the standard.
    pub answered_within_standard: u64,
    /// Average speed of answer, in seconds.
    pub asa_s: Option<f64>,
    /// The longest wait of an answered call, in seconds.
    pub longest_wait_s: Option<f64>,
    /// The most that waited at once.
    pub max_queue_length: u64,
    /// See `measures.md`.
    pub answered_within_of_offered: Option<f64>,
    /// See `measures.md`.
    pub answered_within_of_answered: Option<f64>,
    /// See `measures.md`.
    pub excluding_short_abandons: Option<f64>,
    /// See `measures.md`.
    pub excluding_abandons_within: Option<f64>,
}

/// Who is told while a day passes.
pub trait Audience {
    /// So many of so many calls have come in.
    fn progress(&mut self, _done: usize, _of: usize) {}
    /// An entry of the journal.
    fn entry(&mut self, _entry: &Entry) {}
}

/// Nobody.
impl Audience for () {}

/// Lets the days pass.
pub fn run(
    calls: &[ModelCall],
    shifts: &[Shift],
    rules: &Rules,
    audience: &mut dyn Audience,
) -> Result<Report, RulesError> {
    if rules.close_ms <= rules.open_ms {
        let (open, close) = (clock(rules.open_ms), clock(rules.close_ms));
        return Err(RulesError::NeverOpen { open, close });
    }
    let queues = queues::Queues::new(calls, rules)?;
    Ok(machine::Machine::new(calls, shifts, rules, queues, audience).run())
}

/// The skills that calls ask for under these rules.
pub fn wanted(calls: &[ModelCall], rules: &Rules) -> Result<BTreeSet<Skill>, RulesError> {
    let queues = queues::Queues::new(calls, rules)?;
    Ok(queues.needs().flat_map(|(_, needs)| needs).map(|need| need.skill.clone()).collect())
}

/// The services that nobody can serve, however long a caller waits.
pub fn unserved(
    calls: &[ModelCall],
    shifts: &[Shift],
    rules: &Rules,
) -> Result<Vec<Skill>, RulesError> {
    let queues = queues::Queues::new(calls, rules)?;
    let has = |need: &Ability| {
        shifts.iter().any(|shift| shift.skills.iter().any(|one| one.skill == need.skill))
    };
    let unserved = queues.needs().filter(|(_, needs)| !needs.iter().all(has));
    Ok(unserved.map(|(service, _)| service.clone()).collect())
}

fn clock(ms: u64) -> String {
    format!("{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60)
}

fn zone(name: &str) -> TimeZone {
    // `check` refuses names that are none.
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}
