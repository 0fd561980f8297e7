//! Callers who wait for the agent who spoke with them last.
//!
//! For at most the queue's `last_agent_s` from joining such a caller is served by that agent and by nobody else,
//! as long as the agent is ready or about to be: on a call, at its work, being rung. The order of turns is as
//! ever, so nobody is passed because of it but the caller who waits so. From the moment at which the bound is over, the
//! agent has gone away or an offer to them has come to nothing, the caller waits for anybody.

use crate::event::{LastAgent, NotWaitedFor};
use crate::id::{AgentId, CallId};
use crate::time::Time;

use super::command::AcdEffect;
use super::settings::QueueSettings;
use super::{Acd, Due, Turn, seconds};

impl Acd {
    /// A caller who has just joined is to have this agent first, if there is a chance.
    pub(super) fn wait_for_last(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        settings: &QueueSettings,
        agent: AgentId,
    ) -> Option<LastAgent> {
        let bound = seconds(settings.last_agent_s?);
        let need = &self.tickets.get(call)?.need;
        if !self.agents.may_come(&agent, need) {
            return Some(LastAgent { agent, for_us: 0 });
        }
        self.tickets.wait_for(call, Some(agent.clone()));
        self.due.set(Due::LastAgent(call), turn.at + bound);
        turn.fresh.agents.insert(agent.clone());
        let for_us = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        Some(LastAgent { agent, for_us })
    }

    /// A caller waits for anybody from now on.
    pub(super) fn wait_for_anybody(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        why: NotWaitedFor,
    ) {
        let Some(ticket) = self.tickets.get(call) else { return };
        let Some(agent) = ticket.waits_for.clone() else { return };
        let (queue, visit_at) = (ticket.queue.clone(), ticket.visit_at);
        self.no_longer_for(turn, call);
        turn.effects.push(AcdEffect::WaitsForAnybody { call, queue, agent, why, visit_at });
    }

    /// The same where something else has told it.
    pub(super) fn no_longer_for(&mut self, turn: &mut Turn<'_>, call: CallId) {
        self.due.cancel(&Due::LastAgent(call));
        self.tickets.wait_for(call, None);
        if let Some(ticket) = self.tickets.get(call) {
            turn.fresh.needs.insert(ticket.need.clone());
        }
    }

    /// An agent's state has changed: whoever waits for them goes on doing so, or not.
    pub(super) fn look_after_those_who_wait_for(&mut self, turn: &mut Turn<'_>, agent: &AgentId) {
        if self.tickets.first_waiting_for(agent).is_none() {
            return;
        }
        if self.agents.will_be_ready(agent) {
            turn.fresh.agents.insert(agent.clone());
            return;
        }
        for call in self.tickets.waiting_for(agent) {
            self.wait_for_anybody(turn, call, NotWaitedFor::Away);
        }
    }

    /// The settings are new: a caller who waits for one agent may do so for another time, or not any more.
    pub(super) fn wait_as_settings_say(
        &mut self,
        turn: &mut Turn<'_>,
        call: CallId,
        (settings, visit_at): (&QueueSettings, Time),
    ) {
        let Some(ticket) = self.tickets.get(call) else { return };
        let Some(agent) = ticket.waits_for.clone() else { return };
        let may_come = self.agents.may_come(&agent, &ticket.need);
        match settings.last_agent_s.filter(|_| may_come) {
            Some(bound_s) => {
                self.due.set(Due::LastAgent(call), (visit_at + seconds(bound_s)).max(turn.at));
                turn.fresh.agents.insert(agent);
            }
            None => self.wait_for_anybody(turn, call, NotWaitedFor::Settings),
        }
    }
}
