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
    /// Who is being rung for the caller, in the order of the offers.
    pub(super) offers: Vec<AgentId>,
    /// How many may be at once.
    most: usize,
    /// One of them has picked up and is being told who it is: nobody else is rung.
    picked_up: bool,
    /// The caller is to have this agent and nobody else, for now.
    pub(super) waits_for: Option<AgentId>,
}

impl Ticket {
    /// Whether an agent has picked up and is told whom they have.
    pub(super) fn is_picked_up(&self) -> bool {
        self.picked_up
    }

    /// What an agent must be able to do at the most patient: after all steps of `relax`.
    pub(super) fn widest_need(&self, settings: &QueueSettings) -> Need {
        Need::of(settings, &self.own, usize::MAX)
    }
}

/// A caller for whom somebody could be rung. Those for whom nobody is go before those for whom more may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Next {
    is_rung_for: bool,
    pub(super) turn: Turn,
}

/// Callers in the order of their turns, by what they need.
type ByNeed = BTreeMap<Need, BTreeSet<Turn>>;

/// Those for whom somebody could be rung.
#[derive(Debug, Default)]
struct Lists {
    /// Nobody is.
    waiting: ByNeed,
    /// Fewer are than may be.
    rung_for: ByNeed,
    /// Nobody is, and one agent is waited for: by whom that is.
    for_one: BTreeMap<AgentId, BTreeSet<Turn>>,
}

impl Lists {
    fn enter(&mut self, ticket: &Ticket) {
        self.change(ticket, |turns| turns.insert(ticket.turn));
    }

    fn strike(&mut self, ticket: &Ticket) {
        self.change(ticket, |turns| turns.remove(&ticket.turn));
    }

    /// Changes the list in which a ticket belongs, if it belongs in any.
    fn change(&mut self, ticket: &Ticket, change: impl FnOnce(&mut BTreeSet<Turn>) -> bool) {
        if ticket.picked_up {
            return;
        }
        match (&ticket.waits_for, ticket.offers.len()) {
            (Some(agent), 0) => change_in(&mut self.for_one, agent, change),
            (None, 0) => change_in(&mut self.waiting, &ticket.need, change),
            (None, rung) if rung < ticket.most => {
                change_in(&mut self.rung_for, &ticket.need, change);
            }
            (Some(_) | None, _) => {}
        }
    }

    /// Whom `first` finds, first of all among those for whom nobody is rung.
    fn first(&self, first: impl Fn(&ByNeed) -> Option<Turn>) -> Option<Next> {
        let next = |is_rung_for| move |turn| Next { is_rung_for, turn };
        let waits = first(&self.waiting).map(next(false));
        waits.or_else(|| first(&self.rung_for).map(next(true)))
    }
}

/// Changes one of several lists; none is kept that is empty.
fn change_in<K: Ord + Clone>(
    lists: &mut BTreeMap<K, BTreeSet<Turn>>,
    key: &K,
    change: impl FnOnce(&mut BTreeSet<Turn>) -> bool,
) {
    let turns = lists.entry(key.clone()).or_default();
    change(turns);
    if turns.is_empty() {
        lists.remove(key);
    }
}

#[derive(Debug, Default)]
pub(super) struct Tickets {
    all: BTreeMap<CallId, Ticket>,
    lists: Lists,
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
            offers: Vec::new(),
            most: settings.rung_at_once(),
            picked_up: false,
            waits_for: None,
        };
        if !absent {
            self.by_queue.entry(ticket.queue.clone()).or_default().insert(ticket.turn);
        }
        self.lists.enter(&ticket);
        self.all.entry(call).insert_entry(ticket).into_mut()
    }

    /// Takes a ticket back for good.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Ticket> {
        let ticket = self.all.remove(&call)?;
        self.lists.strike(&ticket);
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
        self.change(call, |ticket| {
            ticket.need = Need::of(settings, &ticket.own, relaxed);
            ticket.relaxed = relaxed;
        });
    }

    /// Notes that an agent is being rung for a caller.
    pub(super) fn offer_to(&mut self, call: CallId, agent: AgentId) {
        self.change(call, |ticket| ticket.offers.push(agent));
    }

    /// Notes that an agent is not.
    pub(super) fn no_offer_to(&mut self, call: CallId, agent: &AgentId) {
        self.change(call, |ticket| {
            ticket.offers.retain(|offered| offered != agent);
            ticket.picked_up &= !ticket.offers.is_empty();
        });
    }

    /// Notes that an agent who is being rung has picked up: nobody else is to be rung for the caller.
    pub(super) fn picked_up(&mut self, call: CallId) {
        self.change(call, |ticket| ticket.picked_up = true);
    }

    /// Notes which agent a caller is to have and nobody else, or that anybody will do.
    pub(super) fn wait_for(&mut self, call: CallId, agent: Option<AgentId>) {
        self.change(call, |ticket| ticket.waits_for = agent);
    }

    /// Who waits for this agent and nobody else, and is not being offered to them.
    pub(super) fn waiting_for(&self, agent: &AgentId) -> Vec<CallId> {
        let turns = self.lists.for_one.get(agent);
        turns.into_iter().flatten().map(|turn| turn.call).collect()
    }

    /// Who is first of those who wait for this agent and nobody else.
    pub(super) fn first_waiting_for(&self, agent: &AgentId) -> Option<Next> {
        let turn = *self.lists.for_one.get(agent)?.first()?;
        Some(Next { is_rung_for: false, turn })
    }

    fn change(&mut self, call: CallId, change: impl FnOnce(&mut Ticket)) {
        let Some(ticket) = self.all.get_mut(&call) else { return };
        self.lists.strike(ticket);
        change(ticket);
        self.lists.enter(ticket);
    }

    /// Who is first of those with this need.
    pub(super) fn first_needing(&self, need: &Need) -> Option<Next> {
        self.lists.first(|list| list.get(need)?.first().copied())
    }

    /// Who is first of those whom somebody with these skills can serve.
    pub(super) fn first_for(&self, have: &SkillSet) -> Option<Next> {
        self.lists.first(|list| {
            let served = list.iter().filter(|(need, _)| need.is_met_by(have));
            served.filter_map(|(_, turns)| turns.first().copied()).min()
        })
    }

    /// Who waits and goes before a caller, in whatever queue, by need; those who are being offered are as
    /// good as served.
    pub(super) fn waiting_before<'a>(
        &'a self,
        ticket: &Ticket,
    ) -> impl Iterator<Item = (&'a Need, impl Iterator<Item = CallId> + use<'a>)> + use<'a> {
        let turn = ticket.turn;
        let before = move |turns: &'a BTreeSet<Turn>| turns.range(..turn).map(|turn| turn.call);
        self.lists.waiting.iter().map(move |(need, turns)| (need, before(turns)))
    }

    /// The same of those who wait for one agent, by whom that is.
    pub(super) fn waiting_for_one_before<'a>(
        &'a self,
        ticket: &Ticket,
    ) -> impl Iterator<Item = (&'a AgentId, impl Iterator<Item = CallId> + use<'a>)> + use<'a> {
        let turn = ticket.turn;
        let before = move |turns: &'a BTreeSet<Turn>| turns.range(..turn).map(|turn| turn.call);
        self.lists.for_one.iter().map(move |(agent, turns)| (agent, before(turns)))
    }

    /// The different needs of those for whom somebody could be rung.
    pub(super) fn needs(&self) -> impl Iterator<Item = &Need> {
        self.lists.waiting.keys().chain(self.lists.rung_for.keys())
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
        self.lists = Lists::default();
        self.by_queue.clear();
        for (call, ticket) in &mut self.all {
            if let Some(settings) = queues.get(&ticket.queue) {
                ticket.relaxed = settings.relaxed(at.since(ticket.visit_at));
                ticket.need = Need::of(settings, &ticket.own, ticket.relaxed);
                let prefers = settings.prefers.iter().chain(&ticket.own_prefers);
                ticket.prefers = SkillSet::need(prefers);
                let place = (ticket.first_at, *call);
                ticket.turn = Turn::new((turns, settings), ticket.priority, place);
                ticket.most = settings.rung_at_once();
            }
            if !ticket.absent {
                self.by_queue.entry(ticket.queue.clone()).or_default().insert(ticket.turn);
            }
            self.lists.enter(ticket);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CallId, &Ticket)> {
        self.all.iter().map(|(call, ticket)| (*call, ticket))
    }
}
