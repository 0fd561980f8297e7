//! Small days of every kind against the reference: few people, few different instants, so that
//! whatever can fall into one millisecond does. `make histories` runs 300,000 of them.

use std::collections::BTreeMap;

use switchboard::acd::command::Priority;
use switchboard::event::{AgentEvent, AgentState, CallEvent, Entry, Event, Outcome};
use switchboard::id::{Ability, AgentId, CallId, Entropy};
use switchboard::sim::day::{
    Audience, Break, BreakEnd, Fate, Kind, ModelCall, Report, Rules, Shift, run,
};

use crate::reference::expected;

const HISTORIES: u32 = 3_000;
const SERVICES: [&str; 3] = ["waste", "housing", "parks"];

fn histories() -> u32 {
    std::env::var("HISTORIES").map_or(HISTORIES, |count| count.parse().expect("a number"))
}

/// A day in which time comes in steps, some of one millisecond, and hours are short.
struct Dice(Entropy);

impl Dice {
    fn below(&mut self, bound: u32) -> u64 {
        u64::from(self.0.below(bound))
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.below(chances) == 0
    }

    fn rules(&mut self) -> Rules {
        let open_ms = 20 + self.below(10);
        let close_ms = open_ms + 20 + self.below(40);
        let ring_ms = if self.one_in(2) { 0 } else { self.below(8) };
        Rules { open_ms, close_ms, ring_ms, ..Rules::default() }
    }

    fn calls(&mut self, rules: &Rules) -> Vec<ModelCall> {
        let most = self.below(25) as u32 + 1;
        let mut ids: Vec<u64> = (0..u64::from(most)).collect();
        // Names are in no order.
        for n in (1..ids.len()).rev() {
            let other = self.below(n as u32 + 1) as usize;
            ids.swap(n, other);
        }
        let span = (rules.close_ms - rules.open_ms) as u32 + 8;
        let mut call = |id: u64| ModelCall {
            id: format!("c{id}"),
            arrive_ms: rules.open_ms - 3 + self.below(span),
            caller: String::new(),
            service: SERVICES[self.below(3) as usize].into(),
            priority: Priority(self.below(3) as i32 - 1),
            kind: if self.one_in(8) { Kind::LeavesMenu } else { Kind::Person },
            ivr_ms: self.below(4),
            patience_ms: if self.one_in(10) { 0 } else { self.below(30) },
            talk_ms: self.below(12),
            wrap_ms: self.below(5),
        };
        ids.into_iter().map(&mut call).collect()
    }

    fn shifts(&mut self, rules: &Rules) -> Vec<Shift> {
        let count = self.below(5);
        (0..count).map(|n| self.shift(n, rules)).collect()
    }

    fn shift(&mut self, n: u64, rules: &Rules) -> Shift {
        let mut skills: Vec<Ability> = Vec::new();
        for service in SERVICES {
            if self.one_in(2) {
                skills.push(service.into());
            }
        }
        if skills.is_empty() {
            skills.push("waste".into());
        }
        let login_ms = rules.open_ms - 10 + self.below(25);
        let length = (rules.close_ms + 8 - login_ms) as u32;
        let logout_ms = match self.below(3) {
            0 => rules.close_ms.max(login_ms + 1),
            _ => login_ms + 1 + self.below(length),
        };
        let breaks = (0..self.below(4)).map(|_| {
            let (start_ms, lasts_ms) = (login_ms - 2 + self.below(40), self.below(10));
            let end = match self.one_in(4) {
                true => BreakEnd::At(start_ms + lasts_ms),
                false => BreakEnd::After(lasts_ms),
            };
            Break { start_ms, end }
        });
        let mut breaks: Vec<Break> = breaks.collect();
        breaks.sort();
        Shift { agent: format!("a{}", 9 - n).as_str().into(), skills, login_ms, logout_ms, breaks }
    }
}

/// What must hold at every entry, whatever the rules are.
#[derive(Default)]
struct Auditor {
    journal: Vec<Entry>,
    /// Who waits: priority is not in the journal, so the order is left to the reference.
    waiting: BTreeMap<CallId, ()>,
    talking: BTreeMap<AgentId, CallId>,
    states: BTreeMap<AgentId, AgentState>,
    offered: u64,
    outcomes: BTreeMap<Outcome, u64>,
    ended: BTreeMap<CallId, ()>,
}

impl Audience for Auditor {
    fn entry(&mut self, entry: &Entry) {
        if let Some(last) = self.journal.last() {
            assert_eq!(last.seq + 1, entry.seq);
            assert!(last.time <= entry.time, "time goes on");
        }
        match &entry.event {
            Event::Call { call, event } => self.call(*call, event),
            Event::Agent { agent, event: AgentEvent::State { from, to, .. } } => {
                let known = self.states.insert(agent.clone(), *to).unwrap_or_default();
                assert_eq!(known, *from, "{agent}: states follow each other");
                let talks = self.talking.contains_key(agent);
                assert!(talks || *to != AgentState::Talking, "{agent} talks with nobody");
            }
            Event::Agent { .. }
            | Event::Message { .. }
            | Event::Callback { .. }
            | Event::Notification { .. }
            | Event::System { .. } => {}
        }
        let settled: u64 = self.outcomes.values().sum();
        assert_eq!(self.offered, settled + self.waiting.len() as u64, "the books");
        self.journal.push(entry.clone());
    }
}

impl Auditor {
    fn call(&mut self, call: CallId, event: &CallEvent) {
        assert!(!self.ended.contains_key(&call), "an ended call stays so");
        match event {
            CallEvent::QueueEntered { .. } => {
                assert!(self.waiting.insert(call, ()).is_none(), "a caller waits once");
                self.offered += 1;
            }
            CallEvent::Joined { agent, .. } => {
                let other = self.talking.insert(agent.clone(), call);
                assert_eq!(other, None, "{agent} has two callers");
                assert!(self.waiting.contains_key(&call), "only who waits is answered");
            }
            CallEvent::QueueLeft { outcome, .. } => {
                assert!(self.waiting.remove(&call).is_some(), "only who waits can leave");
                *self.outcomes.entry(*outcome).or_default() += 1;
            }
            CallEvent::Parted { agent, .. } => {
                assert_eq!(self.talking.remove(agent), Some(call));
            }
            CallEvent::Ended { .. } => {
                self.ended.insert(call, ());
            }
            _ => {}
        }
    }

    fn is_done(&self, calls: usize) {
        assert!(self.waiting.is_empty() && self.talking.is_empty(), "nobody is left over");
        assert_eq!(self.ended.len(), calls, "every call ends");
        let mut states = self.states.values();
        assert!(states.all(|state| *state == AgentState::SignedOut), "everybody goes home");
    }
}

fn simulate(calls: &[ModelCall], shifts: &[Shift], rules: &Rules) -> (Report, Auditor) {
    let mut auditor = Auditor::default();
    let report = run(calls, shifts, rules, &mut auditor).expect("the rules are right");
    auditor.is_done(calls.len());
    (report, auditor)
}

#[test]
fn every_wait_is_that_of_the_reference_to_the_millisecond() {
    for seed in 0..histories() {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&seed.to_le_bytes());
        let mut dice = Dice(Entropy::from_seed(bytes));
        let rules = dice.rules();
        let (calls, shifts) = (dice.calls(&rules), dice.shifts(&rules));
        let (report, auditor) = simulate(&calls, &shifts, &rules);
        let wanted = expected(&calls, &shifts, &rules);
        assert_eq!(report.fates, wanted, "history {seed}\n{rules:#?}\n{calls:#?}\n{shifts:#?}");
        agrees(&report, &auditor, seed);
        if seed % 50 == 0 {
            let (again, same) = simulate(&calls, &shifts, &rules);
            assert_eq!(again, report, "history {seed}: the same input, another report");
            assert_eq!(same.journal, auditor.journal, "history {seed}: another journal");
        }
    }
}

/// The figures are those of the fates, and the half hours those of the figures.
fn agrees(report: &Report, auditor: &Auditor, seed: u32) {
    let count = |which: fn(&Fate) -> bool| {
        report.fates.iter().filter(|(_, fate)| which(fate)).count() as u64
    };
    let answered = count(|fate| matches!(fate, Fate::Answered { .. }));
    let abandoned = count(|fate| matches!(fate, Fate::Abandoned { .. }));
    let figures = &report.figures;
    assert_eq!(
        (figures.answered, figures.abandoned, figures.offered),
        (answered, abandoned, answered + abandoned),
        "history {seed}"
    );
    assert_eq!((figures.difference(), figures.still_waiting), (0, 0));
    assert_eq!(auditor.offered, figures.offered);
    let waits = report.fates.iter().filter_map(|(_, fate)| match fate {
        Fate::Answered { wait_ms, .. } => Some(*wait_ms),
        _ => None,
    });
    let total_ms: u64 = waits.sum();
    let asa_s = (answered > 0).then(|| total_ms as f64 / 1_000.0 / answered as f64);
    assert!((figures.asa_s.unwrap_or(0.0) - asa_s.unwrap_or(0.0)).abs() < 1e-9);
    let rows = report.intervals.iter().filter(|row| row.queue.is_none());
    assert_eq!(rows.map(|row| row.offered).sum::<u64>(), figures.offered);
    assert!(report.intervals.iter().all(|row| row.difference() == 0), "history {seed}");
}

/// A weekday of 2,000 calls and 45 agents, as a council has it.
#[test]
fn a_whole_day_is_that_of_the_reference_too() {
    let mut dice = Dice(Entropy::from_seed([7; 32]));
    let rules = Rules::default();
    let calls: Vec<ModelCall> = (0..2_000)
        .map(|n| ModelCall {
            id: format!("{n:04}"),
            arrive_ms: rules.open_ms - 60_000 + dice.below(31_000_000),
            caller: String::new(),
            service: SERVICES[dice.below(3) as usize].into(),
            priority: Priority(dice.below(3) as i32),
            kind: if dice.one_in(10) { Kind::LeavesMenu } else { Kind::Person },
            ivr_ms: 5_000 + dice.below(40_000),
            patience_ms: dice.below(400_000),
            talk_ms: 60_000 + dice.below(600_000),
            wrap_ms: dice.below(120_000),
        })
        .collect();
    let shifts: Vec<Shift> = (0..45)
        .map(|n| {
            let login_ms = rules.open_ms + dice.below(5) * 1_800_000;
            Shift {
                agent: format!("agent-{n:02}").as_str().into(),
                skills: (0..=dice.below(2))
                    .map(|s| SERVICES[(n + s as usize) % 3].into())
                    .collect(),
                login_ms,
                logout_ms: (login_ms + 7 * 3_600_000).min(rules.close_ms),
                breaks: vec![Break {
                    start_ms: login_ms + 3 * 3_600_000 + dice.below(60) * 60_000,
                    end: BreakEnd::After(1_800_000),
                }],
            }
        })
        .collect();
    let (report, auditor) = simulate(&calls, &shifts, &rules);
    assert_eq!(report.fates, expected(&calls, &shifts, &rules));
    agrees(&report, &auditor, 0);
    let busiest = report.intervals.iter().filter_map(|row| row.occupancy).fold(0.0, f64::max);
    assert!(busiest > 0.5 && report.figures.abandoned > 10, "a day with something to do");
}
