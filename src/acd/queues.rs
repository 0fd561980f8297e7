//! Tickets: who waits, for what, since when; and the indexes over them.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::command::AtClosing;
use crate::id::{AgentId, CallId, QueueName, Skill};
use crate::time::Time;

use super::command::Priority;
use super::settings::QueueSettings;
use super::skills::SkillSet;

/// What a caller asks for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) queue: QueueName,
    /// Skills that the call needs besides the queue's.
    pub(super) skills: Vec<Skill>,
    pub(super) priority: Priority,
    pub(super) at_closing: AtClosing,
    /// Nobody is on the line: they are rung back.
    pub(super) absent: bool,
}

/// The order in which callers are served: the lower first.
pub(super) type Turn = (Priority, Time, CallId);

/// A caller's place in a queue.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) queue: QueueName,
    /// Skills that the call needs besides the queue's.
    own: Vec<Skill>,
    /// The queue's skills and the call's.
    pub(super) need: SkillSet,
    priority: Priority,
    pub(super) first_at: Time,
    pub(super) visit_at: Time,
    pub(super) at_closing: AtClosing,
    /// Nobody is on the line: neither limits nor hours of the queue concern the ticket.
    pub(super) absent: bool,
    /// To whom the caller is being offered: at most one agent, one offer.
    pub(super) offer: Option<AgentId>,
}

impl Ticket {
    fn turn(&self, call: CallId) -> Turn {
        (self.priority, self.first_at, call)
    }
}

#[derive(Debug, Default)]
pub(super) struct Tickets {
    all: BTreeMap<CallId, Ticket>,
    /// Who waits and is not being offered, by need: in the order of their turns.
    waiting: BTreeMap<SkillSet, BTreeSet<Turn>>,
    by_queue: BTreeMap<QueueName, BTreeSet<CallId>>,
}

impl Tickets {
    pub(super) fn get(&self, call: CallId) -> Option<&Ticket> {
        self.all.get(&call)
    }

    /// Gives a call a ticket with a place from `first_at` on.
    pub(super) fn issue(
        &mut self,
        call: CallId,
        wish: Wish,
        settings: &QueueSettings,
        (first_at, visit_at): (Time, Time),
    ) -> &Ticket {
        let Wish { queue, skills: own, priority, at_closing, absent } = wish;
        let need = need(settings, &own);
        if !absent {
            self.by_queue.entry(queue.clone()).or_default().insert(call);
        }
        let ticket = Ticket {
            queue,
            own,
            need,
            priority,
            first_at,
            visit_at,
            at_closing,
            absent,
            offer: None,
        };
        self.waiting.entry(ticket.need.clone()).or_default().insert(ticket.turn(call));
        self.all.entry(call).insert_entry(ticket).into_mut()
    }

    /// Takes a ticket back for good.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Ticket> {
        let ticket = self.all.remove(&call)?;
        if ticket.offer.is_none() {
            self.unlist(&ticket.need, ticket.turn(call));
        }
        if let Some(calls) = self.by_queue.get_mut(&ticket.queue) {
            calls.remove(&call);
            if calls.is_empty() {
                self.by_queue.remove(&ticket.queue);
            }
        }
        Some(ticket)
    }

    /// Notes to whom a caller is being offered, or that they are not.
    pub(super) fn set_offer(&mut self, call: CallId, offer: Option<AgentId>) {
        let Some(ticket) = self.all.get_mut(&call) else { return };
        let listed = ticket.offer.is_none();
        ticket.offer = offer;
        let (need, turn, list) = (ticket.need.clone(), ticket.turn(call), ticket.offer.is_none());
        if list {
            self.waiting.entry(need).or_default().insert(turn);
        } else if listed {
            self.unlist(&need, turn);
        }
    }

    fn unlist(&mut self, need: &SkillSet, turn: Turn) {
        if let Some(calls) = self.waiting.get_mut(need) {
            calls.remove(&turn);
            if calls.is_empty() {
                self.waiting.remove(need);
            }
        }
    }

    /// Who is first of those with this need.
    pub(super) fn first_needing(&self, need: &SkillSet) -> Option<Turn> {
        self.waiting.get(need)?.first().copied()
    }

    /// Who is first of those whom somebody with these skills can serve.
    pub(super) fn first_for(&self, have: &SkillSet) -> Option<Turn> {
        let served = self.waiting.iter().filter(|(need, _)| have.covers(need));
        served.filter_map(|(_, calls)| calls.first().copied()).min()
    }

    /// The different needs of those who wait and are not being offered.
    pub(super) fn needs(&self) -> impl Iterator<Item = &SkillSet> {
        self.waiting.keys()
    }

    /// Queues in which somebody waits.
    pub(super) fn queues(&self) -> impl Iterator<Item = (&QueueName, &BTreeSet<CallId>)> {
        self.by_queue.iter()
    }

    /// How many wait in a queue, those being offered included, `except` for one call.
    pub(super) fn waiting_in(&self, queue: &QueueName, except: Option<CallId>) -> usize {
        let calls = self.by_queue.get(queue);
        let left_out = |calls: &BTreeSet<CallId>| except.is_some_and(|call| calls.contains(&call));
        calls.map_or(0, |calls| calls.len() - usize::from(left_out(calls)))
    }

    /// Takes new settings: needs may have changed, places do not.
    pub(super) fn reconfigure(&mut self, queues: &BTreeMap<QueueName, QueueSettings>) {
        self.waiting.clear();
        for (call, ticket) in &mut self.all {
            if let Some(settings) = queues.get(&ticket.queue) {
                ticket.need = need(settings, &ticket.own);
            }
            if ticket.offer.is_none() {
                let list = self.waiting.entry(ticket.need.clone()).or_default();
                list.insert(ticket.turn(*call));
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Ticket)> {
        self.all.iter().map(|(call, ticket)| (*call, ticket))
    }
}

fn need(settings: &QueueSettings, own: &[Skill]) -> SkillSet {
    settings.skills.iter().chain(own).cloned().collect()
}
