//! What the fold shows: a snapshot of everything, and the table of half hours.

use std::collections::BTreeMap;

use crate::event::AgentState;
use crate::id::{AgentId, CallId, QueueName};
use crate::time::{Time, UnixMicros};

use super::super::books::{CallBook, LaterEpisodes, Place, Stamp};
use super::super::figures::{Counts, seconds};
use super::super::interval::IntervalRow;
use super::super::live::{Live, QueueLive, Today};
use super::Fold;

impl Fold {
    /// The figures at `now` on the monotonic clock of the present run, which is `at` on the
    /// calendar.
    pub fn live(&self, now: Time, at: UnixMicros) -> Live {
        let now = Stamp { at, time: now, run: self.last.run };
        let (day, next_day) = self.zone.day(at);
        let counts = self.intervals.counts(day, next_day);
        let mut waiting: BTreeMap<&QueueName, (u64, u64)> = BTreeMap::new();
        let mut still_waiting: BTreeMap<&QueueName, u64> = BTreeMap::new();
        for book in self.calls.values() {
            if let (Some(visit), Some(since)) = (&book.visit, book.waits_since()) {
                let (count, longest_us) = waiting.entry(&visit.queue).or_default();
                *count += 1;
                *longest_us = since.until(&now).max(*longest_us);
            }
            if let (Some(place), None) = (&book.place, book.outcome)
                && (day..next_day).contains(&place.half_hour)
            {
                *still_waiting.entry(&place.queue).or_default() += 1;
            }
        }
        let mut whole = Counts::default();
        let mut queues = Vec::with_capacity(self.queues.len());
        for (queue, book) in &self.queues {
            let (count, longest_us) = waiting.get(queue).copied().unwrap_or_default();
            let today = counts.get(queue).cloned().unwrap_or_default();
            whole.add(&today);
            let books_difference = book.difference(count);
            if book.in_settings || count > 0 || today.offered > 0 || books_difference != 0 {
                queues.push(QueueLive {
                    queue: queue.clone(),
                    title: if book.title.is_empty() {
                        queue.to_string()
                    } else {
                        book.title.clone()
                    },
                    standard_s: seconds(book.thresholds.standard_us),
                    waiting: count,
                    longest_wait_s: (count > 0).then(|| seconds(longest_us)),
                    today: today.today(still_waiting.get(queue).copied().unwrap_or(0)),
                    total: book.totals(),
                    books_difference,
                    messages: self.messages.of(queue, at),
                    callbacks: self.callbacks.of(queue, at),
                    served_by: book.served_by.clone(),
                });
            }
        }
        let known = self
            .agents
            .iter()
            .filter(|(agent, book)| book.is_known() && !self.phones.contains(agent.as_str()));
        let calls = self.calls_of_agents();
        let agent_list: Vec<_> = known
            .map(|(agent, book)| {
                let calls = (calls.get(agent).copied(), self.wrap_ups.last_of(agent));
                book.live(agent, calls, &now, &self.zone)
            })
            .collect();
        let spans = self.agents.values().map(|book| book.unaccrued(&now));
        let away = self.away.live(&agent_list, spans);
        let mut agents: BTreeMap<AgentState, u64> =
            AgentState::ALL.into_iter().map(|state| (state, 0)).collect();
        for agent in &agent_list {
            *agents.entry(agent.state).or_default() += 1;
        }
        Live {
            at,
            time: now.time,
            organisation: self.organisation.clone(),
            seq: self.seq,
            calls_active: self.calls.len() as u64,
            queues,
            today: whole.today(still_waiting.values().sum()),
            agents,
            agent_list,
            ended_total: self.ended.clone(),
            transfers_total: self.transfers.clone(),
            bans: self.bans.values().cloned().collect(),
            voice: self.voice.clone(),
            messages: self.messages.open.values().cloned().collect(),
            callbacks: self.callbacks.open.values().cloned().collect(),
            bulletins: self.bulletins.all().cloned().collect(),
            facts: self.facts(),
            backends: self.backends.clone(),
            speech: self.speech.clone(),
            notifications: self.notifications.clone(),
            last_agents: (self.last_agents.len() as u64, self.last_agents.crowded_out()),
            surveys: self.surveys.clone(),
            wrap_ups: self.wrap_ups.live(),
            away,
            wrong_pins: self.wrong_pins,
        }
    }

    /// The call of each agent; a caller's, if there are two.
    fn calls_of_agents(&self) -> BTreeMap<&AgentId, CallId> {
        let own = self.calls.iter().filter_map(|(call, book)| Some((book.by.as_ref()?, *call)));
        let others = self.calls.iter().filter_map(|(call, book)| Some((book.talks_with()?, *call)));
        own.chain(others).collect()
    }

    /// The table of half hours as it stands at `now`, which is `at` on the calendar; the oldest
    /// first, 62 days at most.
    pub fn intervals(&self, now: Time, at: UnixMicros) -> Vec<IntervalRow> {
        let now = Stamp { at, time: now, run: self.last.run };
        let mut waiting: BTreeMap<Place, u64> = BTreeMap::new();
        for book in self.calls.values().filter(|book| book.outcome.is_none()) {
            if let Some(place) = &book.place {
                *waiting.entry(place.clone()).or_default() += 1;
            }
        }
        let mut intervals = self.intervals.clone();
        for book in self.agents.values() {
            intervals.spend(book.unaccrued(&now), &self.zone);
        }
        intervals.rows(&self.zone, at, &waiting)
    }

    /// The figures of all calls since the journal began, whatever queue they entered.
    pub fn since_the_beginning(&self) -> Today {
        let mut whole = Counts::default();
        for book in self.queues.values() {
            whole.add(&book.counts);
        }
        let waits = |book: &&CallBook| book.place.is_some() && book.outcome.is_none();
        whole.today(self.calls.values().filter(waits).count() as u64)
    }

    /// Waits after an answer, by queue: apart from everything else.
    pub fn later_episodes(&self) -> impl Iterator<Item = (&QueueName, &LaterEpisodes)> {
        self.queues.iter().map(|(queue, book)| (queue, &book.later))
    }

    fn facts(&self) -> BTreeMap<CallId, Vec<(String, String)>> {
        let noted = self.calls.iter().filter(|(_, book)| !book.facts.is_empty());
        noted.map(|(call, book)| (*call, book.facts.clone())).collect()
    }
}
