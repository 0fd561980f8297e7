//! The rules of the queue, one test each, and the queue against a plain model of itself.

mod absent;
mod agents;
mod away;
mod callers;
mod direct;
mod estimate;
mod hours;
mod last_agent;
mod model;
mod offers;
mod property;
mod rules;
mod several;
mod work;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::call::command::{AtClosing, QueueReturn};
use crate::event::{AgentState, OfferOutcome, StateReason};
use crate::id::{Ability, AgentId, CallId, QueueName};
use crate::time::{Time, UnixMicros, WallClock};

use super::calendar::{BankHolidays, Calendar, CalendarSettings};
use super::command::{AcdEffect, AcdInput, AgentChoice, Priority, ReserveError};
use super::settings::{AwaySettings, QueueSettings, TurnSettings};
use super::{Acd, AcdPlan};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Calls are numbered in the order of their arrival.
fn call(number: u128) -> CallId {
    CallId(uuid::Uuid::from_u128(number))
}

fn queue(skills: &[&str]) -> QueueSettings {
    QueueSettings {
        skills: skills.iter().map(|skill| ability(skill)).collect(),
        ..QueueSettings::titled("A queue")
    }
}

fn ability(text: &str) -> Ability {
    text.parse().expect("a skill")
}

fn abilities(text: &str) -> Vec<Ability> {
    text.split_whitespace().map(ability).collect()
}

fn plan(queues: &[(&str, QueueSettings)], agents: &[(&str, &str)]) -> AcdPlan {
    let hours = vec!["08:45-17:00".to_owned()];
    let days = ["mon", "tue", "wed", "thu", "fri"];
    let office = CalendarSettings {
        week: days.iter().map(|day| ((*day).to_owned(), hours.clone())).collect(),
        ..CalendarSettings::default()
    };
    let office = Calendar::new(&office, &BankHolidays::default()).expect("is right");
    AcdPlan {
        queues: queues.iter().map(|(name, queue)| ((*name).into(), queue.clone())).collect(),
        turns: TurnSettings::default(),
        agents: agents.iter().map(|(id, skills)| ((*id).into(), abilities(skills))).collect(),
        away: AwaySettings::every(&BTreeMap::new()),
        calendars: BTreeMap::from([("office".into(), office)]),
        zone: TimeZone::get("Europe/London").expect("bundled"),
    }
}

/// A queue with a clock that is moved by hand. The wall shows a Monday at 09:00 at the start.
struct World {
    acd: Acd,
    at: Time,
    wall: WallClock,
}

/// What the wall shows at the start.
const MONDAY_0900: &str = "2026-11-23T09:00:00Z";

fn unix(text: &str) -> UnixMicros {
    UnixMicros(text.parse::<jiff::Timestamp>().expect("a timestamp").as_microsecond())
}

impl World {
    fn new(queues: &[(&str, QueueSettings)], agents: &[(&str, &str)]) -> Self {
        let wall = WallClock::showing(unix(MONDAY_0900), Time::ZERO);
        let mut world = World { acd: Acd::new(plan(queues, agents)), at: Time::ZERO, wall };
        for (id, _) in agents {
            let agent = AgentId::from(*id);
            world.apply(AcdInput::Reachable { agent, reachable: true });
        }
        world
    }

    /// Queues `waste` and `housing`, agents `amy` and `ben` for waste and `chloe` for both.
    fn council() -> Self {
        World::new(
            &[("waste", queue(&["waste"])), ("housing", queue(&["housing"]))],
            &[("amy", "waste"), ("ben", "waste"), ("chloe", "waste housing")],
        )
    }

    fn apply(&mut self, input: AcdInput) -> Vec<AcdEffect> {
        self.acd.apply(self.at, &self.wall, input)
    }

    /// Lets time pass; timers fire when they are due. Returns what they did.
    fn pass(&mut self, by: Duration) -> Vec<AcdEffect> {
        let until = self.at + by;
        let mut effects = Vec::new();
        while let Some(due) = self.acd.poll_timeout().filter(|due| *due <= until) {
            self.at = self.at.max(due);
            effects.extend(self.apply(AcdInput::Timer));
        }
        self.at = until;
        effects
    }

    fn choose(&mut self, agent: &str, choice: AgentChoice) -> Vec<AcdEffect> {
        let (reason, by) = (StateReason::Own, Some(agent.to_owned()));
        self.apply(AcdInput::Choose { agent: agent.into(), choice, reason, by, away: None })
    }

    fn ready(&mut self, agent: &str) -> Vec<AcdEffect> {
        let mut effects = self.choose(agent, AgentChoice::SignIn);
        effects.extend(self.choose(agent, AgentChoice::Ready));
        effects
    }

    fn enter(&mut self, number: u128, queue: &str) -> Vec<AcdEffect> {
        self.enter_with(number, queue, "", AtClosing::Serve)
    }

    fn enter_at(&mut self, number: u128, queue: &str, priority: i32) -> Vec<AcdEffect> {
        let wish = (queue, "", Priority(priority), AtClosing::Serve);
        self.apply(entering(number, wish, None, false))
    }

    fn enter_with(
        &mut self,
        number: u128,
        queue: &str,
        skills: &str,
        at_closing: AtClosing,
    ) -> Vec<AcdEffect> {
        let wish = (queue, skills, Priority::default(), at_closing);
        self.apply(entering(number, wish, None, false))
    }

    fn leave(&mut self, number: u128) -> Vec<AcdEffect> {
        self.apply(AcdInput::Leave { call: call(number) })
    }

    fn claim(&mut self, number: u128, agent: &str) -> Vec<AcdEffect> {
        self.apply(AcdInput::Claim { call: call(number), agent: agent.into() })
    }

    fn fails(&mut self, number: u128, agent: &str, outcome: OfferOutcome) -> Vec<AcdEffect> {
        self.apply(AcdInput::OfferFailed { call: call(number), agent: agent.into(), outcome })
    }

    fn talk_ended(&mut self, number: u128, agent: &str) -> Vec<AcdEffect> {
        self.apply(AcdInput::TalkEnded { call: call(number), agent: agent.into() })
    }

    fn state(&self, agent: &str) -> AgentState {
        self.acd.agent_state(&agent.into()).expect("is in the settings")
    }
}

/// A call that wants a person; skills that are only preferred end in `?`.
fn entering(
    number: u128,
    (queue, skills, priority, at_closing): (&str, &str, Priority, AtClosing),
    since: Option<Time>,
    again: bool,
) -> AcdInput {
    let (prefers, skills): (Vec<&str>, Vec<&str>) =
        skills.split_whitespace().partition(|skill| skill.ends_with('?'));
    AcdInput::Enter {
        call: call(number),
        queue: queue.into(),
        skills: skills.into_iter().map(ability).collect(),
        prefers: prefers.iter().map(|skill| ability(skill.trim_end_matches('?'))).collect(),
        priority,
        at_closing,
        since,
        again,
        last_agent: None,
    }
}

/// Offers among effects: call and agent.
fn offers(effects: &[AcdEffect]) -> Vec<(u128, String)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            AcdEffect::Offer { call, agent, .. } => Some((call.0.as_u128(), agent.to_string())),
            _ => None,
        })
        .collect()
}

fn offer(number: u128, agent: &str) -> Vec<(u128, String)> {
    vec![(number, agent.to_owned())]
}

/// Offers taken back among effects: call, agent and how.
fn cancelled(effects: &[AcdEffect]) -> Vec<(u128, String, OfferOutcome)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            AcdEffect::CancelOffer { call, agent, outcome } => {
                Some((call.0.as_u128(), agent.to_string(), *outcome))
            }
            _ => None,
        })
        .collect()
}

/// Calls handed back among effects: call, queue, why, and whether they had waited.
fn returned(effects: &[AcdEffect]) -> Vec<(u128, String, QueueReturn, bool)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            AcdEffect::Returned { call, queue, why, had_entered, .. } => {
                Some((call.0.as_u128(), queue.to_string(), *why, *had_entered))
            }
            _ => None,
        })
        .collect()
}

/// Changes of an agent's state among effects.
fn changes(effects: &[AcdEffect]) -> Vec<(String, AgentState, StateReason)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            AcdEffect::AgentChanged { agent, to, reason, .. } => {
                Some((agent.to_string(), *to, *reason))
            }
            _ => None,
        })
        .collect()
}

fn waste_with(change: impl FnOnce(&mut QueueSettings)) -> (&'static str, QueueSettings) {
    let mut settings = queue(&["waste"]);
    change(&mut settings);
    ("waste", settings)
}

fn queue_name(name: &str) -> QueueName {
    name.into()
}
