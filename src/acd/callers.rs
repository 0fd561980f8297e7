//! Callers: entering, leaving, and being handed back to the flow.

use std::collections::BTreeSet;

use crate::call::command::{AtClosing, QueueReturn};
use crate::event::OfferOutcome;
use crate::id::{CallId, QueueName, Skill};
use crate::time::{Time, WallClock};

use super::command::AcdEffect;
use super::queues::Wish;
use super::settings::QueueSettings;
use super::{Acd, Due, Turn, seconds};

impl Acd {
    pub(super) fn enter(
        &mut self,
        turn: &mut Turn<'_>,
        (call, again): (CallId, bool),
        wish: Wish,
        since: Option<Time>,
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
        self.withdraw_offer(turn, call, OfferOutcome::Withdrawn);
        let held = self.tickets.remove(call);
        let first_at = held.as_ref().map_or(since, |ticket| ticket.first_at);
        let moved_from = held.map(|ticket| ticket.queue);
        self.due.cancel(&Due::MaxWait(call));
        if let Some(limit) = settings.max_wait_s {
            self.due.set(Due::MaxWait(call), turn.at + seconds(limit));
        }
        let times = (first_at, turn.at);
        let ticket = self.tickets.issue(call, wish, &settings, times);
        let need = ticket.need.clone();
        let skills = need.iter().cloned().collect();
        turn.fresh.needs.insert(need);
        turn.effects.push(AcdEffect::Entered { call, queue, first_at, moved_from, skills });
    }

    /// Why a call cannot wait in a queue now, if it cannot; none for a new call.
    pub fn turned_away(
        &self,
        at: Time,
        wall: &WallClock,
        call: Option<CallId>,
        queue: &QueueName,
        skills: &[Skill],
    ) -> Option<QueueReturn> {
        let Some(settings) = self.plan.queues.get(queue) else { return Some(QueueReturn::Closed) };
        if !self.queue_is_open(settings, at, wall) {
            return Some(QueueReturn::Closed);
        }
        if settings.max_waiting.is_some_and(|max| self.tickets.waiting_in(queue, call) >= max) {
            return Some(QueueReturn::Full);
        }
        if !settings.wait_when_unstaffed {
            let need = settings.skills.iter().chain(skills).cloned().collect();
            if !self.agents.any_on_duty_for(&need) {
                return Some(QueueReturn::NobodyOnDuty);
            }
        }
        None
    }

    pub(super) fn leave(&mut self, turn: &mut Turn<'_>, call: CallId) {
        self.withdraw_offer(turn, call, OfferOutcome::CallerLeft);
        self.tickets.remove(call);
        self.due.cancel(&Due::MaxWait(call));
    }

    pub(super) fn waited_too_long(&mut self, turn: &mut Turn<'_>, call: CallId) {
        self.hand_back(turn, call, QueueReturn::WaitedTooLong);
    }

    /// Ends a caller's waiting.
    fn hand_back(&mut self, turn: &mut Turn<'_>, call: CallId, why: QueueReturn) {
        self.withdraw_offer(turn, call, OfferOutcome::Withdrawn);
        self.due.cancel(&Due::MaxWait(call));
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
                told.extend(calls.iter().copied().filter(|call| {
                    let at_closing = self.tickets.get(*call).map(|ticket| ticket.at_closing);
                    settings.is_none() || at_closing == Some(AtClosing::Tell)
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
        let strict: BTreeSet<&QueueName> = self
            .plan
            .queues
            .iter()
            .filter_map(|(name, settings)| (!settings.wait_when_unstaffed).then_some(name))
            .collect();
        let queues = self.tickets.queues().filter(|(queue, _)| strict.contains(queue));
        let unserved: Vec<CallId> = queues
            .flat_map(|(_, calls)| calls.iter().copied())
            .filter(|call| {
                let ticket = self.tickets.get(*call);
                ticket.is_some_and(|ticket| !self.agents.any_on_duty_for(&ticket.need))
            })
            .collect();
        for call in unserved {
            self.hand_back(turn, call, QueueReturn::NobodyOnDuty);
        }
    }
}
