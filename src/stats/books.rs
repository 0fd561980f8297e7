//! What is kept of each open call and of each queue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{
    CallEvent, Met, Outcome, Outlook, Party, Peer, QueueSettingsInForce, TurnedAway, WaitRange,
};
use crate::id::{AgentId, IntentName, LegId, QueueName};
use crate::time::{Time, UnixMicros};

use super::figures::{Counts, Histogram, Thresholds};
use super::live::Totals;

/// An instant on both clocks, and the run of the engine whose monotonic clock it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) at: UnixMicros,
    pub(super) time: Time,
    pub(super) run: u64,
}

impl Stamp {
    /// Microseconds from here to `later`: by the monotonic clock within a run, by the calendar
    /// between runs.
    pub(super) fn until(&self, later: &Stamp) -> u64 {
        if self.run == later.run {
            later.time.as_micros().saturating_sub(self.time.as_micros())
        } else {
            u64::try_from(later.at.0.saturating_sub(self.at.0)).unwrap_or(0)
        }
    }
}

/// Where a call's figures belong: the half hour and the queue of its first entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) half_hour: UnixMicros,
    pub(super) queue: QueueName,
}

/// A visit to a queue that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visit {
    pub(super) queue: QueueName,
    pub(super) episode: u32,
    /// The first range that the caller was told for the wait, and when.
    pub(super) told: Option<(WaitRange, Stamp)>,
}

/// A conversation that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Conversation {
    pub(super) with: Peer,
    pub(super) leg: LegId,
    pub(super) since: Stamp,
    /// The wait that it ended, if a queue brought it.
    pub(super) answers: Option<Answer>,
}

/// The wait that an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) queue: QueueName,
    pub(super) wait_us: u64,
    pub(super) episode: u32,
}

/// An open call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CallBook {
    pub(super) arrived: Stamp,
    /// The agent who made it.
    pub(super) by: Option<AgentId>,
    /// The caller's number, if it is not withheld.
    pub(super) number: Option<String>,
    /// Set once the call is offered, and never changed.
    pub(super) place: Option<Place>,
    /// How the waiting of the first episode ended; set once.
    pub(super) outcome: Option<Outcome>,
    /// The episode under way or just over, and its first entry.
    pub(super) episode: Option<(u32, Stamp)>,
    pub(super) visit: Option<Visit>,
    pub(super) conversation: Option<Conversation>,
    /// Whether the call counts as handled already.
    pub(super) handled: bool,
    /// What its flow noted for the adviser, in order.
    pub(super) facts: Vec<(String, String)>,
    /// The queue whose agent has answered it last.
    pub(super) answered_in: Option<QueueName>,
    /// What it is about, as far as that was understood.
    pub(super) intent: Option<IntentName>,
    /// Whether they rang the same queue not long ago; none if nobody can know.
    pub(super) repeat: Option<bool>,
}

/// Facts of one call that are kept.
const MAX_FACTS: usize = 40;

impl CallBook {
    pub(super) fn new(arrived: Stamp) -> Self {
        CallBook {
            arrived,
            by: None,
            number: None,
            place: None,
            outcome: None,
            episode: None,
            visit: None,
            conversation: None,
            handled: false,
            facts: Vec::new(),
            answered_in: None,
            intent: None,
            repeat: None,
        }
    }

    /// Keeps a fact; one of the same name is replaced.
    pub(super) fn note(&mut self, label: &str, fact: &str) {
        if let Some((_, known)) = self.facts.iter_mut().find(|(known, _)| known == label) {
            fact.clone_into(known);
        } else if self.facts.len() < MAX_FACTS {
            self.facts.push((label.to_owned(), fact.to_owned()));
        }
    }

    /// Begins a visit; true if it begins an episode as well.
    pub(super) fn enter(&mut self, queue: &QueueName, episode: u32, stamp: Stamp) -> bool {
        let begins = self.episode.is_none_or(|(under_way, _)| under_way != episode);
        if begins {
            self.episode = Some((episode, stamp));
        }
        self.visit = Some(Visit { queue: queue.clone(), episode, told: None });
        begins
    }

    /// The caller was told how long the wait will probably be: the first time counts, for that is when
    /// it is hardest to know.
    pub(super) fn told(&mut self, outlook: Outlook, stamp: Stamp) {
        if let (Some(range), Some(visit)) = (outlook.wait, &mut self.visit) {
            visit.told.get_or_insert((range, stamp));
        }
    }

    /// How the wait came out that is over now, if the caller was told of it.
    pub(super) fn met(&self, now: &Stamp) -> Option<Met> {
        let (range, since) = self.visit.as_ref()?.told.as_ref()?;
        Some(range.met_by(since.until(now)))
    }

    /// Where this outcome of an episode counts: nowhere if it is not the call's first, is not the
    /// end of its waiting, or the call was never offered.
    pub(super) fn settle(&mut self, outcome: Outcome, episode: u32) -> Option<Place> {
        if episode > 1 || outcome == Outcome::Moved || self.outcome.is_some() {
            return None;
        }
        let place = self.place.clone()?;
        self.outcome = Some(outcome);
        Some(place)
    }

    /// The agent on the far side of the conversation.
    pub(super) fn talks_with(&self) -> Option<&AgentId> {
        match &self.conversation.as_ref()?.with {
            Peer::Agent(agent) => Some(agent),
            Peer::Outside(_) => None,
        }
    }

    /// The first entry of the episode in which the call waits now.
    pub(super) fn waits_since(&self) -> Option<Stamp> {
        self.visit.as_ref()?;
        self.episode.map(|(_, since)| since)
    }

    /// The visit's end as a clean journal would have it, for a call that a dead run left open.
    pub(super) fn left_by_dead_run(&self, end: &Stamp) -> Option<CallEvent> {
        let visit = self.visit.as_ref()?;
        let answered = self.conversation.as_ref().and_then(|talk| talk.answers.as_ref());
        let answered = answered.filter(|answer| answer.episode == visit.episode);
        let (outcome, wait_us) = match answered {
            Some(answer) => (Outcome::Answered, answer.wait_us),
            None => {
                (Outcome::EndedBySystem, self.waits_since().map_or(0, |since| since.until(end)))
            }
        };
        let (queue, episode) = (visit.queue.clone(), visit.episode);
        Some(CallEvent::QueueLeft { queue, outcome, wait_us, episode })
    }

    /// The same of the conversation.
    pub(super) fn parted_by_dead_run(&self, end: &Stamp) -> Option<CallEvent> {
        let talk = self.conversation.as_ref()?;
        let (talk_us, hold_us, by) = (talk.since.until(end), 0, Party::System);
        Some(match (&talk.answers, &talk.with) {
            (Some(answer), Peer::Agent(agent)) => {
                let (queue, agent) = (answer.queue.clone(), agent.clone());
                CallEvent::Parted { queue, agent, talk_us, hold_us, by }
            }
            (_, from) => CallEvent::Disconnected { from: from.clone(), talk_us, hold_us, by },
        })
    }
}

/// Waiting again after an answer: reported apart, since talk never counts as wait and a call is
/// offered once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LaterEpisodes {
    /// Episodes that began in this queue.
    pub begun: u64,
    /// How those that ended in this queue ended; never `Moved`.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// The sum of the waits of those that were answered, in microseconds.
    pub wait_sum_us: u64,
}

/// One queue since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct QueueBook {
    pub(super) title: String,
    pub(super) served_by: Vec<AgentId>,
    pub(super) in_settings: bool,
    pub(super) thresholds: Thresholds,
    /// Visits begun, of all episodes.
    entered: u64,
    /// Visits ended, of all episodes.
    outcomes: BTreeMap<Outcome, u64>,
    /// Calls that it did not take.
    turned_away: BTreeMap<TurnedAway, u64>,
    /// Calls that entered this queue first.
    pub(super) counts: Counts,
    pub(super) waits: Histogram,
    pub(super) to_person: Histogram,
    pub(super) later: LaterEpisodes,
    /// How waits came out, of which callers were told.
    told: BTreeMap<Met, u64>,
}

impl QueueBook {
    /// The settings have these queues from now on.
    pub(super) fn set(books: &mut BTreeMap<QueueName, Self>, queues: &[QueueSettingsInForce]) {
        for book in books.values_mut() {
            book.in_settings = false;
        }
        for set in queues {
            let book = books.entry(set.queue.clone()).or_default();
            book.in_settings = true;
            book.title.clone_from(&set.title);
            book.served_by.clone_from(&set.served_by);
            book.thresholds =
                Thresholds { standard_us: set.standard_us, short_abandon_us: set.short_abandon_us };
        }
    }

    /// A visit began.
    pub(super) fn enter(&mut self, episode: u32, begins: bool) {
        self.entered += 1;
        self.later.begun += u64::from(begins && episode > 1);
    }

    /// A caller was not taken.
    pub(super) fn turn_away(&mut self, why: TurnedAway) {
        *self.turned_away.entry(why).or_default() += 1;
    }

    /// A caller was answered who had been told how long the wait would probably be.
    pub(super) fn told(&mut self, met: Met) {
        *self.told.entry(met).or_default() += 1;
    }

    /// A visit ended.
    pub(super) fn leave(&mut self, outcome: Outcome, wait_us: u64, episode: u32) {
        *self.outcomes.entry(outcome).or_default() += 1;
        if episode > 1 && outcome != Outcome::Moved {
            *self.later.outcomes.entry(outcome).or_default() += 1;
            if outcome == Outcome::Answered {
                self.later.wait_sum_us = self.later.wait_sum_us.saturating_add(wait_us);
            }
        }
    }

    /// The balance of visits while `waiting` callers wait: 0, or a defect.
    pub(super) fn difference(&self, waiting: u64) -> i64 {
        let ended: u64 = self.outcomes.values().sum();
        self.entered.wrapping_sub(ended).wrapping_sub(waiting).cast_signed()
    }

    pub(super) fn totals(&self) -> Totals {
        let counts = &self.counts;
        Totals {
            offered: counts.offered,
            answered: counts.answered,
            answered_within_standard: counts.answered_within,
            abandoned_long: counts.abandoned.saturating_sub(counts.short_abandons),
            abandoned_short: counts.short_abandons,
            turned_away: self.turned_away.clone(),
            outcomes: self.outcomes.clone(),
            later_outcomes: self.later.outcomes.clone(),
            wait_buckets: self.waits.buckets().to_vec(),
            wait_sum_s: self.waits.sum_s(),
            person_buckets: self.to_person.buckets().to_vec(),
            person_sum_s: self.to_person.sum_s(),
            told: self.told.clone(),
            said: counts.said.clone(),
        }
    }
}
