//! The simulation against Erlang's formulas, where what they assume holds: calls at random, times that
//! are exponential, one skill, no end of the day.
//!
//! Simulated days are a sample. Their means are compared with the formula's within four standard errors,
//! which are estimated from 40 parts of the sample (neighbouring waits depend on each other, parts that
//! are long enough hardly do). By chance alone that would fail once in some 10,000 times; the sample is
//! the same on every run.

use switchboard::acd::command::Priority;
use switchboard::id::Entropy;
use switchboard::sim::day::{DAY_MS, Fate, Kind, ModelCall, Rules, Shift, run};
use switchboard::stats::erlang::{Demand, Outlook, outlook};

const PARTS: usize = 40;
const CALLS: usize = 40_000;

struct Dice(Entropy);

impl Dice {
    /// An exponential time with this mean, in milliseconds.
    fn exponential(&mut self, mean_ms: f64) -> f64 {
        let uniform = (self.0.u64() >> 11) as f64 / (1_u64 << 53) as f64;
        -mean_ms * (1.0 - uniform).ln()
    }
}

fn calls(seed: u8, demand: &Demand) -> Vec<ModelCall> {
    let mut dice = Dice(Entropy::from_seed([seed; 32]));
    let between_ms = demand.interval_s * 1_000.0 / demand.calls;
    let mut arrive_ms = 0.0;
    let mut call = |n: usize| {
        arrive_ms += dice.exponential(between_ms);
        let patience_ms = match demand.patience_s {
            Some(patience_s) => dice.exponential(patience_s * 1_000.0).round() as u64,
            None => 1_000_000_000_000,
        };
        ModelCall {
            id: format!("{n:06}"),
            arrive_ms: arrive_ms as u64,
            caller: String::new(),
            service: "waste".into(),
            priority: Priority(0),
            kind: Kind::Person,
            ivr_ms: 0,
            patience_ms,
            talk_ms: dice.exponential(demand.aht_s * 1_000.0).round() as u64,
            wrap_ms: 0,
        }
    };
    (0..CALLS).map(&mut call).collect()
}

/// The mean of the parts, and its standard error.
fn estimate(parts: &[f64]) -> (f64, f64) {
    let n = parts.len() as f64;
    let mean = parts.iter().sum::<f64>() / n;
    let variance = parts.iter().map(|part| (part - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn compare(seed: u8, demand: &Demand, agents: u32) {
    let calls = calls(seed, demand);
    let rules = Rules { open_ms: 0, close_ms: DAY_MS, ..Rules::default() };
    let shift = |n| Shift {
        agent: format!("{n:02}").as_str().into(),
        skills: vec!["waste".into()],
        login_ms: 0,
        logout_ms: 10 * DAY_MS,
        breaks: Vec::new(),
    };
    let shifts: Vec<Shift> = (0..agents).map(shift).collect();
    let report = run(&calls, &shifts, &rules, &mut ()).expect("the rules are right");
    // The first part fills the empty room.
    let parts: Vec<&[(String, Fate)]> = report.fates.chunks(CALLS / PARTS).skip(1).collect();
    let share = |which: &dyn Fn(&Fate) -> bool| -> Vec<f64> {
        let count = |part: &&[(String, Fate)]| part.iter().filter(|(_, fate)| which(fate)).count();
        parts.iter().map(|part| count(part) as f64 / part.len() as f64).collect()
    };
    let answered = |fate: &Fate| match fate {
        Fate::Answered { wait_ms, .. } => Some(*wait_ms),
        _ => None,
    };
    let waited = |fate: &Fate| match fate {
        Fate::Answered { wait_ms, .. } => *wait_ms > 0,
        _ => true,
    };
    let target_ms = (demand.target_s * 1_000.0) as u64;
    let in_time = |fate: &Fate| answered(fate).is_some_and(|wait_ms| wait_ms <= target_ms);
    let asa_s: Vec<f64> = parts
        .iter()
        .map(|part| {
            let waits: Vec<u64> = part.iter().filter_map(|(_, fate)| answered(fate)).collect();
            waits.iter().sum::<u64>() as f64 / 1_000.0 / waits.len() as f64
        })
        .collect();
    let Outlook { p_wait, asa_s: asa, service_level, occupancy, abandoned } =
        outlook(demand, agents).expect("an answer");
    let gave_up = |fate: &Fate| answered(fate).is_none();
    let rows = report.intervals.iter().filter_map(|row| row.occupancy);
    let busy: Vec<f64> = rows.skip(48).take(48 * 7).collect();
    let busy: Vec<f64> = busy.chunks(4).map(|four| four.iter().sum::<f64>() / 4.0).collect();
    for (what, parts, expected) in [
        ("p_wait", share(&waited), p_wait),
        ("asa_s", asa_s, asa.expect("a bound")),
        ("service_level", share(&in_time), service_level),
        ("abandoned", share(&gave_up), abandoned),
        ("occupancy", busy, occupancy),
    ] {
        let (mean, error) = estimate(&parts);
        println!("{what:>14}: {expected:.4} by formula, {mean:.4} +- {error:.4} simulated");
        assert!(
            (mean - expected).abs() <= 4.0 * error + 1e-9,
            "{what} is {expected} by formula and {mean} (standard error {error}) in the simulation"
        );
    }
}

#[test]
fn callers_who_wait_for_ever_are_those_of_erlang_c() {
    let patience_s = None;
    let demand =
        Demand { calls: 100.0, interval_s: 1_800.0, aht_s: 180.0, target_s: 20.0, patience_s };
    compare(1, &demand, 13);
}

#[test]
fn callers_who_give_up_are_those_of_erlang_a() {
    let patience_s = Some(120.0);
    let demand =
        Demand { calls: 100.0, interval_s: 1_800.0, aht_s: 180.0, target_s: 20.0, patience_s };
    compare(2, &demand, 10);
    // More work than agents: without those who give up it would never end.
    compare(3, &demand, 7);
}
