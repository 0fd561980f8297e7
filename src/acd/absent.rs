//! Tickets of those who are not on the line: they are rung back when their turn has come.

use crate::call::command::AtClosing;
use crate::id::{Ability, CallId, QueueName};
use crate::time::Time;

use super::command::Priority;
use super::queues::Wish;
use super::{Acd, Turn};

impl Acd {
    /// Gives a ticket to somebody who is to be rung back. Whether they may still be is not for the queue
    /// to say, and they are told nothing by it.
    pub(super) fn wait_for_absent(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        queue: QueueName,
        skills: Vec<Ability>,
        (priority, since): (Priority, Time),
    ) {
        // One promise has one place.
        if self.tickets.get(call).is_some() {
            return;
        }
        let Some(settings) = self.plan.queues.get(&queue).cloned() else { return };
        let at_closing = AtClosing::Serve;
        let prefers = Vec::new();
        let wish = Wish { queue, skills, prefers, priority, at_closing, absent: true };
        let since = since.min(turn.at);
        let of = (&self.plan.turns, &settings);
        let ticket = self.tickets.issue(call, wish, of, (since, turn.at));
        turn.fresh.needs.insert(ticket.need.clone());
        self.relax_next(call, (&settings, 0), turn.at);
    }
}
