//! Tickets: who waits, for what, since when; and the indexes over them.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::command::AtClosing;
use crate::id::{Ability, AgentId, CallId, QueueName};
use crate::time::Time;

use super::command::Priority;
use super::settings::{QueueSettings, TurnOrder, TurnSettings};
use super::skills::{Need, SkillSet};

/// What a caller asks for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) queue: QueueName,
    /// Skills that the call needs besides the queue's.
    pub(super) skills: Vec<Ability>,
    /// Skills that are preferred besides the queue's.
    pub(super) prefers: Vec<Ability>,
    pub(super) priority: Priority,
    pub(super) at_closing: AtClosing,
    /// Nobody is on the line: they are rung back.
    pub(super) absent: bool,
}

/// The order in which callers are served: the lower first. It never changes while a caller waits, so
/// that ageing costs nothing: of two who wait, both age alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// The priority where it is strict.
    strict: i32,
    /// When the caller came, or when their standard is missed, in microseconds; with ageing, so much
    /// later or earlier as the priority is worth.
    due: i128,
    first_at: Time,
    pub(super) call: CallId,
}

impl Turn {
    fn new(
        (turns, queue): (&TurnSettings, &QueueSettings),
        priority: Priority,
        (first_at, call): (Time, CallId),
    ) -> Self {
        let micros = |seconds: u32| i128::from(seconds) * 1_000_000;
        let came = i128::from(first_at.as_micros());
        let due = match turns.order {
            TurnOrder::FirstCome => came,
            TurnOrder::Standard => came + micros(queue.standard_s),
        };
        match turns.ageing_s {
            None => Turn { strict: priority.0, due, first_at, call },
            Some(step_s) => {
                let due = due + i128::from(priority.0) * micros(step_s);
                Turn { strict: 0, due, first_at, call }
            }
        }
    }
}

/// A caller's place in a queue.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) queue: QueueName,
    /// Skills that the call needs besides the queue's.
    own: Vec<Ability>,
    /// Skills that are preferred besides the queue's.
    own_prefers: Vec<Ability>,
    /// What an agent must be able to do, by now.
    pub(super) need: Need,
    /// What is preferred, the queue's and the call's.
    pub(super) prefers: SkillSet,
    /// How many steps of the queue's `relax` the caller has waited for.
    pub(super) relaxed: usize,
    pub(super) priority: Priority,
    turn: Turn,
    pub(super) first_at: Time,
    pub(super) visit_at: Time,
    pub(super) at_closing: AtClosing,
    /// Nobody is on the line: neither limits nor hours of the queue concern the ticket.
    pub(super) absent: bool,
    /// To whom the caller is being offered: at most one agent, one offer.
    pub(super) offer: Option<AgentId>,
}

impl Ticket {
    /// What an agent must be able to do at the most patient: after all steps of `relax`.
    pub(super) fn widest_need(&self, settings: &QueueSettings) -> Need {
        Need::of(settings, &self.own, usize::MAX)
    }
}

#[derive(Debug, Default)]
pub(super) struct Tickets {
    all: BTreeMap<CallId, Ticket>,
    /// Who waits and is not being offered, by need: in the order of their turns.
    waiting: BTreeMap<Need, BTreeSet<Turn>>,
    by_queue: BTreeMap<QueueName, BTreeSet<Turn>>,
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
        (turns, settings): (&TurnSettings, &QueueSettings),
        (first_at, visit_at): (Time, Time),
    ) -> &Ticket {
        let Wish { queue, skills: own, prefers: own_prefers, priority, at_closing, absent } = wish;
        let ticket = Ticket {
            need: Need::of(settings, &own, 0),
            prefers: SkillSet::need(settings.prefers.iter().chain(&own_prefers)),
            relaxed: 0,
            turn: Turn::new((turns, settings), priority, (first_at, call)),
            queue,
            own,
            own_prefers,
            priority,
            first_at,
            visit_at,
            at_closing,
            absent,
            offer: None,
        };
        if !absent {
            self.by_queue.entry(ticket.queue.clone()).or_default().insert(ticket.turn);
        }
        self.waiting.entry(ticket.need.clone()).or_default().insert(ticket.turn);
        self.all.entry(call).insert_entry(ticket).into_mut()
    }

    /// Takes a ticket back for good.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Ticket> {
        let ticket = self.all.remove(&call)?;
        if ticket.offer.is_none() {
            self.unlist(&ticket.need, ticket.turn);
        }
        if let Some(calls) = self.by_queue.get_mut(&ticket.queue) {
            calls.remove(&ticket.turn);
            if calls.is_empty() {
                self.by_queue.remove(&ticket.queue);
            }
        }
        Some(ticket)
    }

    /// Widens a ticket's need to the first `relaxed` steps of its queue's `relax`.
    pub(super) fn relax(&mut self, call: CallId, settings: &QueueSettings, relaxed: usize) {
        let Some(ticket) = self.all.get_mut(&call) else { return };
        let need = Need::of(settings, &ticket.own, relaxed);
        let before = std::mem::replace(&mut ticket.need, need.clone());
        ticket.relaxed = relaxed;
        let (turn, listed) = (ticket.turn, ticket.offer.is_none());
        if listed {
            self.unlist(&before, turn);
            self.waiting.entry(need).or_default().insert(turn);
        }
    }

    /// Notes to whom a caller is being offered, or that they are not.
    pub(super) fn set_offer(&mut self, call: CallId, offer: Option<AgentId>) {
        let Some(ticket) = self.all.get_mut(&call) else { return };
        let listed = ticket.offer.is_none();
        ticket.offer = offer;
        let (need, turn, list) = (ticket.need.clone(), ticket.turn, ticket.offer.is_none());
        if list {
            self.waiting.entry(need).or_default().insert(turn);
        } else if listed {
            self.unlist(&need, turn);
        }
    }

    fn unlist(&mut self, need: &Need, turn: Turn) {
        if let Some(calls) = self.waiting.get_mut(need) {
            calls.remove(&turn);
            if calls.is_empty() {
                self.waiting.remove(need);
            }
        }
    }

    /// Who is first of those with this need.
    pub(super) fn first_needing(&self, need: &Need) -> Option<Turn> {
        self.waiting.get(need)?.first().copied()
    }

    /// Who is first of those whom somebody with these skills can serve.
    pub(super) fn first_for(&self, have: &SkillSet) -> Option<Turn> {
        let served = self.waiting.iter().filter(|(need, _)| need.is_met_by(have));
        served.filter_map(|(_, calls)| calls.first().copied()).min()
    }

    /// The different needs of those who wait and are not being offered.
    pub(super) fn needs(&self) -> impl Iterator<Item = &Need> {
        self.waiting.keys()
    }

    /// Queues in which somebody waits, with those who do, in the order of their arrival.
    pub(super) fn queues(&self) -> impl Iterator<Item = (&QueueName, Vec<CallId>)> {
        self.by_queue.iter().map(|(queue, turns)| {
            let mut calls: Vec<CallId> = turns.iter().map(|turn| turn.call).collect();
            calls.sort();
            (queue, calls)
        })
    }

    /// How many wait in a queue, those being offered included, `except` for one call.
    pub(super) fn waiting_in(&self, queue: &QueueName, except: Option<CallId>) -> usize {
        let there = except.and_then(|call| self.all.get(&call));
        let left_out =
            usize::from(there.is_some_and(|ticket| ticket.queue == *queue && !ticket.absent));
        self.by_queue.get(queue).map_or(0, |turns| turns.len() - left_out)
    }

    /// How many in the same queue go before a call.
    pub(super) fn ahead_of(&self, call: CallId) -> usize {
        let place = || {
            let ticket = self.all.get(&call)?;
            let turns = self.by_queue.get(&ticket.queue)?;
            // Whoever comes is nearly always the last: counted from behind, that is one step.
            Some(turns.len() - turns.range(ticket.turn..).count())
        };
        place().unwrap_or(0)
    }

    /// Takes new settings: needs and turns may have changed, the instants of first entry do not.
    pub(super) fn reconfigure(
        &mut self,
        turns: &TurnSettings,
        queues: &BTreeMap<QueueName, QueueSettings>,
        at: Time,
    ) {
        self.waiting.clear();
        self.by_queue.clear();
        for (call, ticket) in &mut self.all {
            if let Some(settings) = queues.get(&ticket.queue) {
                ticket.relaxed = settings.relaxed(at.since(ticket.visit_at));
                ticket.need = Need::of(settings, &ticket.own, ticket.relaxed);
                let prefers = settings.prefers.iter().chain(&ticket.own_prefers);
                ticket.prefers = SkillSet::need(prefers);
                let place = (ticket.first_at, *call);
                ticket.turn = Turn::new((turns, settings), ticket.priority, place);
            }
            if !ticket.absent {
                self.by_queue.entry(ticket.queue.clone()).or_default().insert(ticket.turn);
            }
            if ticket.offer.is_none() {
                self.waiting.entry(ticket.need.clone()).or_default().insert(ticket.turn);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Ticket)> {
        self.all.iter().map(|(call, ticket)| (*call, ticket))
    }
}
