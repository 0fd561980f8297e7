//! How long the queue takes to decide: an agent freed with callers waiting, and a caller who comes.
//!
//! `cargo bench --bench select`

use std::collections::{BTreeMap, VecDeque};

use divan::{Bencher, black_box};
use jiff::tz::TimeZone;

use switchboard::acd::command::{AcdEffect, AcdInput, AgentChoice, Priority};
use switchboard::acd::settings::{QueueSettings, TurnSettings};
use switchboard::acd::{Acd, AcdPlan};
use switchboard::call::command::AtClosing;
use switchboard::event::StateReason;
use switchboard::id::{AgentId, CallId, QueueName, Skill};
use switchboard::time::{Time, WallClock};

fn main() {
    divan::main();
}

const SKILLS: usize = 50;
const AGENTS: usize = 500;

fn skill(n: usize) -> Skill {
    format!("skill-{:02}", n % SKILLS).into()
}

fn queue(n: usize) -> QueueName {
    format!("queue-{:02}", n % SKILLS).into()
}

fn agent(n: usize) -> AgentId {
    format!("agent-{n:03}").into()
}

fn call(n: usize) -> CallId {
    CallId(uuid::Uuid::from_u128(n as u128 + 1))
}

/// 50 queues of a skill each and 500 agents of three skills each.
fn plan() -> AcdPlan {
    let settings = |n: usize| QueueSettings {
        skills: vec![skill(n).into()],
        wrap_up_s: 0,
        ..QueueSettings::titled("A queue")
    };
    let skills = |n: usize| [n, n * 7 + 1, n * 13 + 2].map(|n| skill(n).into()).to_vec();
    AcdPlan {
        queues: (0..SKILLS).map(|n| (queue(n), settings(n))).collect(),
        turns: TurnSettings::default(),
        agents: (0..AGENTS).map(|n| (agent(n), skills(n))).collect(),
        calendars: BTreeMap::new(),
        zone: TimeZone::UTC,
    }
}

struct Floor {
    acd: Acd,
    at: Time,
    wall: WallClock,
}

impl Floor {
    fn new() -> Self {
        let mut floor = Floor { acd: Acd::new(plan()), at: Time::ZERO, wall: WallClock::default() };
        for n in 0..AGENTS {
            floor.apply(AcdInput::Reachable { agent: agent(n), reachable: true });
            floor.choose(n, AgentChoice::SignIn);
            floor.choose(n, AgentChoice::Ready);
        }
        floor
    }

    fn apply(&mut self, input: AcdInput) -> Vec<AcdEffect> {
        self.at += std::time::Duration::from_micros(1);
        self.acd.apply(self.at, &self.wall, input)
    }

    fn choose(&mut self, n: usize, choice: AgentChoice) {
        let (agent, reason, by) = (agent(n), StateReason::Own, None);
        self.apply(AcdInput::Choose { agent, choice, reason, by });
    }

    fn enter(&mut self, n: usize) -> Vec<AcdEffect> {
        self.apply(AcdInput::Enter {
            call: call(n),
            queue: queue(n),
            skills: Vec::new(),
            prefers: Vec::new(),
            priority: Priority::default(),
            at_closing: AtClosing::Serve,
            since: None,
            again: false,
        })
    }

    /// Who is being offered whom, among effects.
    fn offered(effects: &[AcdEffect]) -> Option<(CallId, AgentId)> {
        effects.iter().find_map(|effect| match effect {
            AcdEffect::Offer { call, agent, .. } => Some((*call, agent.clone())),
            _ => None,
        })
    }
}

/// Everybody talks and `waiting` callers wait over all queues. One turn is three inputs: a
/// conversation ends and its agent is offered the next caller, the agent answers, another caller
/// enters.
#[divan::bench(args = [100, 1_000, 2_000, 10_000])]
fn agent_freed_answers_and_a_caller_enters(bencher: Bencher, waiting: usize) {
    let mut floor = Floor::new();
    let mut talks = VecDeque::new();
    let (mut next, mut queued) = (0, 0);
    while queued < waiting {
        match Floor::offered(&floor.enter(next)) {
            Some((call, agent)) => {
                floor.apply(AcdInput::Claim { call, agent: agent.clone() });
                talks.push_back((call, agent));
            }
            None => queued += 1,
        }
        next += 1;
    }
    assert_eq!(talks.len(), AGENTS, "everybody talks");
    bencher.bench_local(|| {
        let (call, agent) = talks.pop_front().expect("somebody talks");
        let effects = floor.apply(AcdInput::TalkEnded { agent, call: black_box(call) });
        let (call, agent) = Floor::offered(&effects).expect("somebody waits for this agent");
        floor.apply(AcdInput::Claim { call, agent: agent.clone() });
        talks.push_back((call, agent));
        floor.enter(next);
        next += 1;
    });
}

/// Everybody is ready; a caller enters, is offered, and leaves.
#[divan::bench]
fn caller_enters_and_all_are_ready(bencher: Bencher) {
    let mut floor = Floor::new();
    let mut next = 0;
    bencher.bench_local(|| {
        let effects = floor.enter(black_box(next));
        assert!(Floor::offered(&effects).is_some());
        floor.apply(AcdInput::Leave { call: call(next) });
        next += 1;
    });
}
