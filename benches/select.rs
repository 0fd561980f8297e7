//! How long the queue takes to decide: an agent freed with callers waiting, and a caller who comes.
//!
//! `cargo bench --bench select`; `cargo bench --bench select -- percentiles` prints medians and 99th
//! percentiles of single decisions.

#![allow(clippy::disallowed_methods, reason = "measures real time")]

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use jiff::tz::TimeZone;

use switchboard::acd::command::{AcdEffect, AcdInput, AgentChoice, Priority};
use switchboard::acd::settings::{Choose, QueueSettings, TurnSettings};
use switchboard::acd::{Acd, AcdPlan};
use switchboard::call::command::AtClosing;
use switchboard::event::StateReason;
use switchboard::id::{Ability, AgentId, CallId, QueueName, Skill};
use switchboard::time::{Time, WallClock};

fn main() {
    if std::env::args().any(|word| word == "percentiles") {
        percentiles();
    } else {
        divan::main();
    }
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
    format!("agent-{n:04}").into()
}

fn call(n: usize) -> CallId {
    CallId(uuid::Uuid::from_u128(n as u128 + 1))
}

/// 50 queues of a skill each, which prefer another, and agents of three skills each, one of them at a
/// level of its own: two hundred different sets of skills.
fn plan(agents: usize, choose: Choose) -> AcdPlan {
    let settings = |n: usize| QueueSettings {
        skills: vec![skill(n).into()],
        prefers: vec![skill(n + 7).into()],
        choose,
        wrap_up_s: 0,
        ..QueueSettings::titled("A queue")
    };
    let levelled = |n: usize| -> Ability {
        format!("{}:{}", skill(n), 2 + n / SKILLS % 4).parse().expect("a skill")
    };
    let skills = |n: usize| vec![levelled(n), skill(n * 7 + 1).into(), skill(n * 13 + 2).into()];
    AcdPlan {
        queues: (0..SKILLS).map(|n| (queue(n), settings(n))).collect(),
        turns: TurnSettings { ageing_s: Some(60), ..TurnSettings::default() },
        agents: (0..agents).map(|n| (agent(n), skills(n))).collect(),
        away: BTreeMap::new(),
        calendars: BTreeMap::new(),
        zone: TimeZone::UTC,
    }
}

struct Floor {
    acd: Acd,
    at: Time,
    wall: WallClock,
    next: usize,
    talks: VecDeque<(CallId, AgentId)>,
}

impl Floor {
    /// Everybody is ready.
    fn new(agents: usize, choose: Choose) -> Self {
        let (acd, talks) = (Acd::new(plan(agents, choose)), VecDeque::new());
        let mut floor = Floor { acd, at: Time::ZERO, wall: WallClock::default(), next: 0, talks };
        for n in 0..agents {
            floor.apply(AcdInput::Reachable { agent: agent(n), reachable: true });
            for choice in [AgentChoice::SignIn, AgentChoice::Ready] {
                let (agent, reason, by) = (agent(n), StateReason::Own, None);
                floor.apply(AcdInput::Choose { agent, choice, reason, by, away: None });
            }
        }
        floor
    }

    /// Everybody talks and `waiting` callers wait over all queues.
    fn busy(agents: usize, waiting: usize, choose: Choose) -> Self {
        let mut floor = Floor::new(agents, choose);
        let mut queued = 0;
        while queued < waiting {
            let effects = floor.enter();
            if !floor.answer(&effects) {
                queued += 1;
            }
        }
        assert_eq!(floor.talks.len(), agents, "everybody talks");
        floor
    }

    fn apply(&mut self, input: AcdInput) -> Vec<AcdEffect> {
        self.at += Duration::from_micros(1);
        self.acd.apply(self.at, &self.wall, input)
    }

    fn enter(&mut self) -> Vec<AcdEffect> {
        let n = self.next;
        self.next += 1;
        self.apply(AcdInput::Enter {
            call: call(n),
            queue: queue(n),
            skills: Vec::new(),
            prefers: Vec::new(),
            // One in ten is urgent.
            priority: Priority(if n.is_multiple_of(10) { -20 } else { 0 }),
            at_closing: AtClosing::Serve,
            since: None,
            again: false,
            last_agent: None,
        })
    }

    /// The agent who is being offered somebody answers.
    fn answer(&mut self, effects: &[AcdEffect]) -> bool {
        let offered = effects.iter().find_map(|effect| match effect {
            AcdEffect::Offer { call, agent, .. } => Some((*call, agent.clone())),
            _ => None,
        });
        let Some((call, agent)) = offered else { return false };
        self.apply(AcdInput::Claim { call, agent: agent.clone() });
        self.talks.push_back((call, agent));
        true
    }

    /// A conversation ends: its agent is offered the next caller.
    fn decide(&mut self) -> Vec<AcdEffect> {
        let (call, agent) = self.talks.pop_front().expect("somebody talks");
        self.apply(AcdInput::TalkEnded { agent, call: black_box(call) })
    }
}

const RULES: [Choose; 6] = [
    Choose::LongestIdle,
    Choose::MostSkilled,
    Choose::LeastOccupied,
    Choose::FewestCalls,
    Choose::RoundRobin,
    Choose::RingAll,
];

/// Single decisions: an agent freed is offered a caller, and a caller who comes is offered to an agent.
fn percentiles() {
    const DECISIONS: usize = 20_000;
    let line = |what: &str, mut took: Vec<Duration>| {
        took.sort();
        let at = |part: usize| took[took.len() * part / 1_000].as_nanos() as f64 / 1_000.0;
        println!("{what:<60} median {:>7.1} us  p99 {:>7.1} us", at(500), at(990));
    };
    for (agents, waiting) in
        [(500, 100), (500, 1_000), (500, 2_000), (500, 10_000), (5_000, 2_000), (5_000, 10_000)]
    {
        let mut floor = Floor::busy(agents, waiting, Choose::LongestIdle);
        let mut took = Vec::with_capacity(DECISIONS);
        for _ in 0..DECISIONS {
            let began = Instant::now();
            let effects = floor.decide();
            took.push(began.elapsed());
            assert!(floor.answer(&effects), "somebody waits for this agent");
            floor.enter();
        }
        line(&format!("agent freed, {agents} agents, {waiting} waiting"), took);
    }
    for agents in [500, 5_000] {
        for choose in RULES {
            let mut floor = Floor::new(agents, choose);
            let mut took = Vec::with_capacity(DECISIONS);
            for n in 0..DECISIONS {
                let began = Instant::now();
                let effects = floor.enter();
                took.push(began.elapsed());
                assert!(effects.iter().any(|effect| matches!(effect, AcdEffect::Offer { .. })));
                floor.apply(AcdInput::Leave { call: call(n) });
            }
            line(&format!("caller comes, all of {agents} agents ready, {choose:?}"), took);
        }
    }
}

/// One turn is three inputs: a conversation ends and its agent is offered the next caller, the agent
/// answers, another caller enters.
#[divan::bench(args = [100, 1_000, 2_000, 10_000])]
fn agent_freed_answers_and_a_caller_enters(bencher: Bencher, waiting: usize) {
    let mut floor = Floor::busy(AGENTS, waiting, Choose::LongestIdle);
    bencher.bench_local(|| {
        let effects = floor.decide();
        assert!(floor.answer(&effects), "somebody waits for this agent");
        floor.enter();
    });
}

/// Everybody is ready; a caller enters, is offered by the nth rule, and leaves.
#[divan::bench(args = [0, 1, 2, 3, 4, 5])]
fn caller_enters_and_all_are_ready(bencher: Bencher, rule: usize) {
    let mut floor = Floor::new(AGENTS, RULES[rule]);
    bencher.bench_local(|| {
        let n = floor.next;
        black_box(floor.enter());
        floor.apply(AcdInput::Leave { call: call(n) });
    });
}
