//! The queue: the right adviser for every caller, fairly. Changed only by [`Acd::apply`].

pub mod calendar;
pub mod command;
pub mod settings;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::event::AgentState;
use crate::id::{AgentId, CalendarName, QueueName, Skill};
use crate::time::{Time, WallClock};

use self::calendar::Calendar;
use self::command::{AcdEffect, AcdInput};
use self::settings::QueueSettings;

/// What the queue needs to know of the settings, checked.
#[derive(Debug, Clone)]
pub struct AcdPlan {
    /// Queues.
    pub queues: BTreeMap<QueueName, QueueSettings>,
    /// Agents and what they can do.
    pub agents: BTreeMap<AgentId, Vec<Skill>>,
    /// Calendars.
    pub calendars: BTreeMap<CalendarName, Calendar>,
    /// The zone of the calendars.
    pub zone: TimeZone,
}

/// Agents, tickets, offers and their timers.
#[derive(Debug)]
pub struct Acd {}

#[allow(unused_variables)]
impl Acd {
    /// Nobody waits and everybody is signed out.
    pub fn new(plan: AcdPlan) -> Self {
        unimplemented!()
    }

    /// Takes new settings; tickets and agents stay (an agent that is gone is signed out when free).
    pub fn reconfigure(&mut self, plan: AcdPlan) {
        unimplemented!()
    }

    /// The only way to change anything. `wall` is used for calendars only.
    pub fn apply(&mut self, at: Time, wall: &WallClock, input: AcdInput) -> Vec<AcdEffect> {
        unimplemented!()
    }

    /// When [`AcdInput::Timer`] must be applied next.
    pub fn poll_timeout(&self) -> Option<Time> {
        unimplemented!()
    }

    /// What an agent is doing.
    pub fn agent_state(&self, agent: &AgentId) -> Option<AgentState> {
        unimplemented!()
    }

    /// Whether a calendar is open.
    pub fn is_open(&self, calendar: &CalendarName, at: Time, wall: &WallClock) -> bool {
        unimplemented!()
    }
}
