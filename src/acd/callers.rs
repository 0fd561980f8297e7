//! Callers: entering, leaving, and being handed back to the flow.

use std::time::Duration;

use crate::call::command::{AtClosing, QueueReturn};
use crate::event::{OfferOutcome, Place, TOLD, Unable};
use crate::id::{Ability, AgentId, CallId, QueueName};
use crate::time::{Time, WallClock};

use super::command::AcdEffect;
use super::queues::Wish;
use super::settings::QueueSettings;
use super::skills::Need;
use super::{Acd, Due, Turn, seconds};

/// How long an agent who has picked up is told whom they have, at most, and a little more.
const PICKED_UP: Duration = Duration::from_secs(15);

impl Acd {
    pub(super) fn enter(
        &mut self,
        turn: &mut Turn<'_>,
        (call, again): (CallId, bool),
        wish: Wish,
        since: Option<Time>,
        last_agent: Option<AgentId>,
    ) {
        let queue = wish.queue.clone();
        let since = since.map_or(turn.at, |since| since.min(turn.at));
        let refused = self.turned_away(turn.at, turn.wall, Some(call), &queue, &wish.skills);
        if let Some(why) = refused.filter(|why| !again || *why != QueueReturn::Full) {
            if self.tickets.get(call).is_some() {
                self.hand_back(turn, call, why);
            } else {
                let (had_entered, first_at) = (false, since);
                let returned = AcdEffect::Returned { call, queue, why, had_entered, first_at };
                turn.effects.push(returned);
            }
            return;
        }
        // Cannot fail: an unknown queue turns everybody away.
        let Some(settings) = self.plan.queues.get(&queue).cloned() else { return };
        self.withdraw_offers(turn, call, None, OfferOutcome::Withdrawn);
        let held = self.tickets.remove(call);
        let first_at = held.as_ref().map_or(since, |ticket| ticket.first_at);
        let moved_from = held.map(|ticket| ticket.queue);
        self.forget_timers(call);
        if let Some(limit) = settings.max_wait_s {
            self.due.set(Due::MaxWait(call), turn.at + seconds(limit));
        }
        let times = (first_at, turn.at);
        let (own, priority) = (wish.skills.clone(), wish.priority);
        let ticket = self.tickets.issue(call, wish, (&self.plan.turns, &settings), times);
        let need = ticket.need.clone();
        let widest = ticket.widest_need(&settings);
        self.relax_next(call, (&settings, 0), turn.at);
        let last_agent =
            last_agent.and_then(|agent| self.wait_for_last(turn, call, &settings, agent));
        let place = Place {
            last_agent,
            priority: priority.0,
            ahead: count(self.tickets.ahead_of(call)),
            able: count(self.agents.able_on_duty(&widest)),
            unable: self.unable(&need),
        };
        let skills = need.first();
        turn.fresh.needs.insert(need);
        let entered = AcdEffect::Entered { call, queue, first_at, moved_from, skills, own, place };
        turn.effects.push(entered);
    }

    /// Some of those who are ready and cannot serve a caller; none if others can.
    fn unable(&self, need: &Need) -> Vec<Unable> {
        if self.agents.any_ready_for(need) {
            return Vec::new();
        }
        let some = self.agents.ready_but_unable(need).take(TOLD);
        some.map(|(agent, have)| Unable { agent: agent.clone(), lacks: need.lacked_by(have) })
            .collect()
    }

    /// Sets the timer for the next step of a queue's `relax`.
    pub(super) fn relax_next(
        &mut self,
        call: CallId,
        (settings, relaxed): (&QueueSettings, usize),
        visit_at: Time,
    ) {
        match settings.relax.get(relaxed) {
            Some(step) => self.due.set(Due::Relax(call), visit_at + step.after()),
            None => {
                self.due.cancel(&Due::Relax(call));
            }
        }
    }

    /// A caller has waited long enough for a step of their queue's `relax`.
    pub(super) fn relax(&mut self, turn: &mut Turn<'_>, call: CallId) {
        let Some(ticket) = self.tickets.get(call) else { return };
        let (queue, visit_at, before) = (ticket.queue.clone(), ticket.visit_at, ticket.relaxed);
        let Some(settings) = self.plan.queues.get(&queue).cloned() else { return };
        let relaxed = settings.relaxed(turn.at.since(visit_at));
        for step in settings.relax.iter().take(relaxed).skip(before) {
            let (queue, skills) = (queue.clone(), step.skills.clone());
            turn.effects.push(AcdEffect::Relaxed { call, queue, skills, visit_at });
        }
        self.tickets.relax(call, &settings, relaxed);
        if let Some(ticket) = self.tickets.get(call) {
            turn.fresh.needs.insert(ticket.need.clone());
        }
        self.relax_next(call, (&settings, relaxed), visit_at);
    }

    /// A caller does not wait any more: nothing is due for them.
    pub(super) fn forget_timers(&mut self, call: CallId) {
        self.due.cancel(&Due::MaxWait(call));
        self.due.cancel(&Due::Relax(call));
        self.due.cancel(&Due::LastAgent(call));
    }

    /// Why a call cannot wait in a queue now, if it cannot; none for a new call.
    pub fn turned_away(
        &self,
        at: Time,
        wall: &WallClock,
        call: Option<CallId>,
        queue: &QueueName,
        skills: &[Ability],
    ) -> Option<QueueReturn> {
        let Some(settings) = self.plan.queues.get(queue) else { return Some(QueueReturn::Closed) };
        if !self.queue_is_open(settings, at, wall) {
            return Some(QueueReturn::Closed);
        }
        if settings.max_waiting.is_some_and(|max| self.tickets.waiting_in(queue, call) >= max) {
            return Some(QueueReturn::Full);
        }
        let widest = || Need::of(settings, skills, usize::MAX);
        if !settings.wait_when_unstaffed && !self.agents.any_on_duty_for(&widest()) {
            return Some(QueueReturn::NobodyOnDuty);
        }
        None
    }

    pub(super) fn leave(&mut self, turn: &mut Turn<'_>, call: CallId) {
        self.withdraw_offers(turn, call, None, OfferOutcome::CallerLeft);
        self.tickets.remove(call);
        self.forget_timers(call);
    }

    pub(super) fn waited_too_long(&mut self, turn: &mut Turn<'_>, call: CallId) {
        if self.tickets.get(call).is_some_and(|ticket| ticket.is_picked_up()) {
            // An agent has them all but in the ear: unless that comes to nothing.
            return self.due.set(Due::MaxWait(call), turn.at + PICKED_UP);
        }
        self.hand_back(turn, call, QueueReturn::WaitedTooLong);
    }

    /// Ends a caller's waiting.
    fn hand_back(&mut self, turn: &mut Turn<'_>, call: CallId, why: QueueReturn) {
        self.withdraw_offers(turn, call, None, OfferOutcome::Withdrawn);
        self.forget_timers(call);
        if let Some(ticket) = self.tickets.remove(call) {
            turn.effects.push(AcdEffect::Returned {
                call,
                queue: ticket.queue,
                why,
                had_entered: true,
                first_at: ticket.first_at,
            });
        }
    }

    /// Hands back everybody who waits in a queue that is closed and is to be told so. A queue that
    /// is no longer in the settings is closed to all.
    pub(super) fn return_closed(&mut self, turn: &mut Turn<'_>) {
        let mut told = Vec::new();
        for (queue, calls) in self.tickets.queues() {
            let settings = self.plan.queues.get(queue);
            if settings.is_none_or(|settings| !self.queue_is_open(settings, turn.at, turn.wall)) {
                told.extend(calls.into_iter().filter(|call| {
                    let ticket = self.tickets.get(*call);
                    let tell = ticket.is_some_and(|ticket| {
                        ticket.at_closing == AtClosing::Tell && !ticket.is_picked_up()
                    });
                    settings.is_none() || tell
                }));
            }
        }
        for call in told {
            self.hand_back(turn, call, QueueReturn::Closed);
        }
    }

    /// Hands back everybody whom nobody signed in can serve, where the queue does not let them wait.
    pub(super) fn return_unstaffed(&mut self, turn: &mut Turn<'_>) {
        let waits = |settings: &QueueSettings| settings.wait_when_unstaffed;
        if self.plan.queues.values().all(waits) {
            return;
        }
        let mut unserved = Vec::new();
        for (queue, calls) in self.tickets.queues() {
            let settings = self.plan.queues.get(queue).filter(|settings| !waits(settings));
            let Some(settings) = settings else { continue };
            unserved.extend(calls.into_iter().filter(|call| {
                let ticket = self.tickets.get(*call);
                let need = ticket.map(|ticket| ticket.widest_need(settings));
                need.is_some_and(|need| !self.agents.any_on_duty_for(&need))
            }));
        }
        for call in unserved {
            self.hand_back(turn, call, QueueReturn::NobodyOnDuty);
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
