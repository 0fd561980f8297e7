//! Repeat callers: who spoke with this number last, for queues that ask for it.

use crate::event::{CallEvent, Peer, Purpose};
use crate::id::{AgentId, CallId, QueueName};
use crate::number::canonical;
use crate::stats::Restored;
use crate::time::Time;

use super::Engine;

impl Engine {
    /// Whom a caller who joins a queue is to have first. Only when they first join one in a call: whoever has been
    /// handed on is not to wait for the agent who did so.
    pub(super) fn last_agent(&self, now: Time, call: CallId, queue: &QueueName) -> Option<AgentId> {
        let within_us = self.plan.acd.queues.get(queue)?.last_agent_within_us()?;
        let joins = self.calls.get(&call).is_some_and(|one| one.call.place().is_none());
        let number = self.number_of(call).filter(|_| joins)?;
        self.last_agents.last(&number, within_us, self.wall.at(now)).cloned()
    }

    /// Remembers who speaks with whom.
    pub(super) fn remember_agent(&mut self, now: Time, call: CallId, event: &CallEvent) {
        let agent = if let CallEvent::Joined { agent, .. }
        | CallEvent::Connected { to: Peer::Agent(agent), .. } = event
        {
            Some(agent.clone())
        } else if let CallEvent::Connected { purpose: Purpose::CallBack, .. } = event {
            self.calls.get(&call).and_then(|one| one.call.dialled_by().cloned())
        } else {
            None
        };
        if let Some((number, agent)) = self.number_of(call).zip(agent) {
            self.last_agents.spoke(&number, &agent, self.wall.at(now));
        }
    }

    /// The number of whoever rang a number of ours, or is rung back, unless it is withheld.
    fn number_of(&self, call: CallId) -> Option<String> {
        let call = &self.calls.get(&call)?.call;
        let caller = call.caller();
        let known = !caller.withheld && (call.is_callers() || call.is_call_back());
        caller.number.as_deref().filter(|_| known).map(canonical)
    }

    /// What earlier runs knew.
    pub(super) fn restore_last_agents(&mut self, now: Time, restored: &Restored) {
        self.keep_last_agents(now);
        for (number, agent, at) in restored.last_agents.all() {
            self.last_agents.spoke(&canonical(number), agent, at);
        }
        self.keep_last_agents(now);
    }

    /// Remembers for as long as the settings ask for.
    pub(super) fn keep_last_agents(&mut self, now: Time) {
        let queues = self.plan.acd.queues.values();
        let asked = queues.filter_map(|queue| queue.last_agent_within_us()).max();
        self.last_agents.keep_for(asked.unwrap_or(0), self.wall.at(now));
    }
}
