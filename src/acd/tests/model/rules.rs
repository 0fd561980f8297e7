//! Who may serve whom, who is chosen and whose turn it is, as a person would work it out.

use super::*;
use crate::acd::settings::TurnOrder;
use crate::id::Skill;

/// The level that is asked for: any, if none is named.
pub(super) fn at_least(need: &Ability) -> u8 {
    need.level.map_or(1, |level| level.get())
}

/// What an agent must be able to do after a wait, in seconds: all of one of these.
pub(super) fn sets(queue: &QueueSettings, own: &[Ability], waited_s: u64) -> Vec<Vec<Ability>> {
    let mut sets = vec![queue.skills.clone()];
    for step in &queue.relax {
        if u64::from(step.after_s) <= waited_s {
            sets.push(step.skills.clone());
        }
    }
    for set in &mut sets {
        set.extend(own.iter().cloned());
    }
    sets
}

impl Model {
    /// Adds what has passed to what each has done.
    pub(super) fn count_work(&mut self, passed: Duration) {
        for worker in &mut self.workers {
            let state = worker.state;
            if !worker.calls.is_empty() || worker.call.is_some() || state == AgentState::WrapUp {
                worker.busy += passed;
            } else if state == AgentState::Ready {
                worker.free += passed;
            }
        }
    }

    pub(crate) fn needs(&self, waiter: &Waiter) -> Vec<Vec<Ability>> {
        let waited = self.at.since(waiter.visit).as_secs();
        sets(&self.queues[&waiter.queue], &waiter.own, waited)
    }

    /// How urgent a caller is by now: the smaller the number, the more.
    pub(super) fn turn(&self, waiter: &Waiter) -> (i128, i128, Time, CallId) {
        let waited = self.at.since(waiter.first).as_micros() as i128;
        let left = match self.turns.order {
            TurnOrder::FirstCome => -waited,
            TurnOrder::Standard => {
                i128::from(self.queues[&waiter.queue].standard_s) * 1_000_000 - waited
            }
        };
        let priority = i128::from(waiter.priority.0);
        match self.turns.ageing_s {
            None => (priority, left, waiter.first, waiter.call),
            // One step for every so many seconds, and a part of a step for a part of them.
            Some(step_s) => {
                (0, priority * i128::from(step_s) * 1_000_000 + left, waiter.first, waiter.call)
            }
        }
    }

    pub(super) fn chosen(&self, waiter: &Waiter) -> Option<&Worker> {
        let queue = &self.queues[&waiter.queue];
        let needs = self.needs(waiter);
        let able = |worker: &&Worker| worker.state == AgentState::Ready && worker.can(&needs);
        let mut best: Option<(Vec<u128>, &Worker)> = None;
        for worker in self.workers.iter().filter(able) {
            let mut wanted: Vec<&Ability> = queue.prefers.iter().chain(&waiter.prefers).collect();
            // The higher level holds of a skill that is named twice.
            wanted.sort();
            wanted.reverse();
            wanted.dedup_by(|a, b| a.skill == b.skill);
            let met = |one: &&&Ability| worker.level(&one.skill) >= at_least(one);
            let missed = wanted.len() - wanted.iter().filter(met).count();
            let idle = u128::from(worker.idle.as_micros());
            let rule: Vec<u128> = match queue.choose {
                Choose::LongestIdle | Choose::RingAll => vec![idle],
                Choose::MostSkilled => {
                    let step = needs.iter().position(|set| worker.can(std::slice::from_ref(set)));
                    let step = step.expect("can serve");
                    let mut named: Vec<&Skill> = needs[step].iter().map(|one| &one.skill).collect();
                    named.sort();
                    named.dedup();
                    let levels: u128 =
                        named.iter().map(|skill| u128::from(worker.level(skill))).sum();
                    vec![step as u128, 1_000 - levels, idle]
                }
                Choose::LeastOccupied => {
                    let all = (worker.busy + worker.free).as_micros();
                    let share = (worker.busy.as_micros() * 1_000_000).checked_div(all);
                    vec![share.unwrap_or(0), idle]
                }
                Choose::FewestCalls => vec![u128::from(worker.answered), idle],
                Choose::RoundRobin => {
                    let last = self.last.get(&waiter.queue);
                    vec![u128::from(last.is_some_and(|last| worker.id <= *last))]
                }
            };
            let score: Vec<u128> = [missed as u128].into_iter().chain(rule).collect();
            // Equals by name: the first stays.
            if best.as_ref().is_none_or(|(least, _)| score < *least) {
                best = Some((score, worker));
            }
        }
        best.map(|(_, worker)| worker)
    }

    pub(super) fn relax(&mut self, call: CallId) {
        let queues = self.queues.clone();
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.call == call) {
            let step = &queues[&waiter.queue].relax[waiter.relaxed];
            waiter.relaxed += 1;
            self.out.push(Seen::Relaxed(call, step.skills.clone()));
        }
    }
}

impl Worker {
    /// How well the worker masters a skill: 0 for not at all.
    pub(super) fn level(&self, skill: &Skill) -> u8 {
        let of = |one: &&Ability| one.skill == *skill;
        let levels = self.skills.iter().filter(of).map(|one| one.level.map_or(5, |l| l.get()));
        levels.max().unwrap_or(0)
    }
}
