//! Tickets: who waits, for what, since when; and the indexes over them.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::command::AtClosing;
use crate::id::{AgentId, CallId, QueueName, Skill};
use crate::time::Time;

use super::settings::QueueSettings;
use super::skills::SkillSet;

/// A caller's place in a queue.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) queue: QueueName,
    /// Skills that the call needs besides the queue's.
    own: Vec<Skill>,
    /// The queue's skills and the call's.
    pub(super) need: SkillSet,
    pub(super) first_at: Time,
    pub(super) visit_at: Time,
    pub(super) at_closing: AtClosing,
    /// To whom the caller is being offered: at most one agent, one offer.
    pub(super) offer: Option<AgentId>,
}

#[derive(Debug, Default)]
pub(super) struct Tickets {
    all: BTreeMap<CallId, Ticket>,
    /// Who waits and is not being offered, by need: first entry first, equals by call.
    waiting: BTreeMap<SkillSet, BTreeSet<(Time, CallId)>>,
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
        queue: QueueName,
        settings: &QueueSettings,
        own: Vec<Skill>,
        at_closing: AtClosing,
        (first_at, visit_at): (Time, Time),
    ) -> &Ticket {
        let need = need(settings, &own);
        self.by_queue.entry(queue.clone()).or_default().insert(call);
        self.waiting.entry(need.clone()).or_default().insert((first_at, call));
        let ticket = Ticket { queue, own, need, first_at, visit_at, at_closing, offer: None };
        self.all.entry(call).insert_entry(ticket).into_mut()
    }

    /// Takes a ticket back for good.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Ticket> {
        let ticket = self.all.remove(&call)?;
        if ticket.offer.is_none() {
            self.unlist(&ticket.need, ticket.first_at, call);
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
        let (need, first_at, list) = (ticket.need.clone(), ticket.first_at, ticket.offer.is_none());
        if list {
            self.waiting.entry(need).or_default().insert((first_at, call));
        } else if listed {
            self.unlist(&need, first_at, call);
        }
    }

    fn unlist(&mut self, need: &SkillSet, first_at: Time, call: CallId) {
        if let Some(calls) = self.waiting.get_mut(need) {
            calls.remove(&(first_at, call));
            if calls.is_empty() {
                self.waiting.remove(need);
            }
        }
    }

    /// Who has waited longest of those with this need.
    pub(super) fn first_needing(&self, need: &SkillSet) -> Option<(Time, CallId)> {
        self.waiting.get(need)?.first().copied()
    }

    /// Who has waited longest of those whom somebody with these skills can serve.
    pub(super) fn first_for(&self, have: &SkillSet) -> Option<(Time, CallId)> {
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
                list.insert((ticket.first_at, *call));
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
