//! How long a caller will probably wait. It is told as a range, and not at all while too little is known.
//!
//! Whoever can serve the caller becomes free again and again, one of them every `busy time / how many`
//! on average; the caller is next once everybody has been served who goes before them *and* is served
//! by these agents. Of callers whom others can serve as well, the share counts that falls to these.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::event::{Outlook, WaitRange};
use crate::id::{CallId, QueueName};
use crate::time::Time;

use super::Acd;
use super::queues::Ticket;
use super::skills::{Need, SkillSet};

/// Fewer answers than this within [`RECENT`] say nothing of a queue's pace.
const ENOUGH: usize = 5;
const RECENT: Duration = Duration::from_secs(30 * 60);
/// Calls whose work is averaged: enough to be steady, few enough to follow the day.
const KEPT: usize = 50;
/// Three of five waits are within this many standard deviations of what is expected; the steps below
/// make them more.
const SPREAD: f64 = 0.84;
/// What ranges begin and end with, in minutes: people do not believe "between 7 and 13". Nobody is told of
/// less than two minutes as the most, for one call more makes it wrong; beyond the last nothing is told.
const STEPS_MIN: [u32; 16] = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50, 60, 90];
const LEAST_MOST_MIN: u32 = 2;

/// How fast a queue's callers were served lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// The last answers, the newest last.
    answered: VecDeque<Time>,
    /// How long the last agents were busy with a caller, work after the call included.
    busy: VecDeque<Duration>,
}

impl Pace {
    pub(super) fn answered(&mut self, at: Time) {
        push(&mut self.answered, at, ENOUGH);
    }

    pub(super) fn handled(&mut self, busy: Duration) {
        push(&mut self.busy, busy, KEPT);
    }

    /// For how long a caller keeps an agent busy, in seconds.
    fn busy_s(&self) -> Option<f64> {
        let all: Duration = self.busy.iter().sum();
        let count = u32::try_from(self.busy.len()).ok()?;
        all.checked_div(count).map(|mean| mean.as_secs_f64())
    }

    /// The same, if enough have been served lately.
    fn lately_busy_s(&self, at: Time) -> Option<f64> {
        let first = self.answered.front().filter(|_| self.answered.len() >= ENOUGH)?;
        self.busy_s().filter(|_| at.since(*first) <= RECENT)
    }
}

fn push<T>(kept: &mut VecDeque<T>, one: T, most: usize) {
    if kept.len() >= most {
        kept.pop_front();
    }
    kept.push_back(one);
}

impl Acd {
    /// What a caller who waits can be told; none if the call does not.
    pub fn outlook(&self, call: CallId, at: Time) -> Option<Outlook> {
        let ticket = self.tickets.get(call)?;
        let ahead = u64::try_from(self.tickets.ahead_of(call)).unwrap_or(u64::MAX);
        let position = Some(ahead.saturating_add(1));
        Some(Outlook { position, wait: self.wait_of(ticket, at), worse: false })
    }

    fn wait_of(&self, ticket: &Ticket, at: Time) -> Option<WaitRange> {
        let busy_s = self.paces.get(&ticket.queue)?.lately_busy_s(at)?;
        let team = Team(self.agents.at_work());
        let mine = team.able(&ticket.need);
        if mine == 0.0 {
            return None;
        }
        let (mut before, mut work_s) = (0.0, 0.0);
        let mut count = |call: CallId, share: f64| {
            let queue = self.tickets.get(call).map(|ticket| &ticket.queue);
            let pace = queue.and_then(|queue| self.paces.get(queue)?.busy_s());
            before += share;
            work_s += share * pace.unwrap_or(busy_s);
        };
        for (need, calls) in self.tickets.waiting_before(ticket) {
            let share = team.able_for_both(need, &ticket.need) / team.able(need).max(1.0);
            calls.filter(|_| share > 0.0).for_each(|call| count(call, share));
        }
        for (agent, calls) in self.tickets.waiting_for_one_before(ticket) {
            let same = self.agents.skills(agent).is_some_and(|have| ticket.need.is_met_by(have));
            calls.filter(|_| same).for_each(|call| count(call, 1.0));
        }
        // The caller is served by who is free next after these.
        let expected_s = (work_s + busy_s) / mine;
        let deviation_s = (before + 1.0_f64).sqrt() * busy_s / mine;
        range(expected_s - SPREAD * deviation_s, expected_s + SPREAD * deviation_s)
    }
}

/// The steps around a wait that is expected from and to, in seconds.
fn range(from_s: f64, to_s: f64) -> Option<WaitRange> {
    let seconds = |minutes: u32| f64::from(minutes) * 60.0;
    let below = STEPS_MIN.into_iter().rev().find(|step| seconds(*step) <= from_s);
    let above = STEPS_MIN.into_iter().find(|step| seconds(*step) >= to_s)?;
    Some(WaitRange { least_min: below.unwrap_or(0), most_min: above.max(LEAST_MOST_MIN) })
}

/// Agents at work, by what they can do.
struct Team<'a>(BTreeMap<&'a SkillSet, u32>);

impl Team<'_> {
    fn able(&self, need: &Need) -> f64 {
        self.count(|have| need.is_met_by(have))
    }

    fn able_for_both(&self, one: &Need, other: &Need) -> f64 {
        self.count(|have| one.is_met_by(have) && other.is_met_by(have))
    }

    fn count(&self, can: impl Fn(&SkillSet) -> bool) -> f64 {
        self.0.iter().filter(|(have, _)| can(have)).map(|(_, count)| f64::from(*count)).sum()
    }
}

/// Paces of the queues that are in the settings.
pub(super) type Paces = BTreeMap<QueueName, Pace>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_what_people_say() {
        let of = |from_s, to_s| range(from_s, to_s).map(|range| (range.least_min, range.most_min));
        assert_eq!(of(-20.0, 45.0), Some((0, 2)));
        assert_eq!(of(59.0, 121.0), Some((0, 3)));
        assert_eq!(of(60.0, 120.0), Some((1, 2)));
        assert_eq!(of(7.5 * 60.0, 13.0 * 60.0), Some((6, 15)));
        assert_eq!(of(3_000.0, 5_401.0), None, "nobody is told of two hours");
    }

    #[test]
    fn what_is_old_says_nothing() {
        let mut pace = Pace::default();
        let minute = |minutes: u64| Time::ZERO + Duration::from_secs(minutes * 60);
        for minutes in 0..5 {
            assert_eq!(pace.lately_busy_s(minute(10)), None, "after {minutes}");
            pace.answered(minute(minutes));
            pace.handled(Duration::from_secs(60 * (minutes + 1)));
        }
        assert_eq!(pace.lately_busy_s(minute(10)), Some(180.0));
        assert_eq!(pace.lately_busy_s(minute(30)), Some(180.0));
        assert_eq!(pace.lately_busy_s(minute(31)), None);
    }
}
