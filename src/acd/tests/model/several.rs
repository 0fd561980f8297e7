//! How many are rung for a caller, and for whom a caller waits.

use super::*;

impl Model {
    /// How many may be rung at once. Who waits for one agent is offered to that one.
    pub(in crate::acd::tests) fn rung_at_once(&self, waiter: &Waiter) -> usize {
        let queue = &self.queues[&waiter.queue];
        let all = queue.choose == Choose::RingAll && waiter.only.is_none();
        if all { queue.ring_at_most } else { 1 }
    }

    /// For whom a caller waits who joins now, and until when.
    pub(super) fn waited_for(
        &self,
        settings: &QueueSettings,
        own: &[Ability],
        last_agent: Option<AgentId>,
    ) -> Option<(AgentId, Time)> {
        let bound = secs(u64::from(settings.last_agent_s?));
        let last = self.workers.iter().find(|worker| Some(&worker.id) == last_agent.as_ref())?;
        let may = last.will_be_ready() && last.can(&sets(settings, own, 0));
        may.then(|| (last.id.clone(), self.at + bound))
    }

    pub(super) fn wait_for_anybody(&mut self, call: CallId, why: NotWaitedFor) {
        let waiter = self.waiters.iter_mut().find(|waiter| waiter.call == call).expect("waits");
        if let Some((agent, _)) = waiter.only.take() {
            self.out.push(Seen::WaitsForAnybody(call, agent, why));
        }
    }

    /// Nobody waits for an agent who does not come back, unless their phone rings already.
    pub(super) fn whoever_waits_for_who_has_gone(&mut self) {
        let gone = |waiter: &&Waiter| {
            let only =
                |worker: &&Worker| waiter.only.as_ref().is_some_and(|(only, _)| *only == worker.id);
            let last = self.workers.iter().find(only);
            waiter.offered.is_empty() && last.is_some_and(|last| !last.will_be_ready())
        };
        let mut waiters: Vec<&Waiter> = self.waiters.iter().filter(gone).collect();
        waiters.sort_by_key(|waiter| self.turn(waiter));
        let calls: Vec<CallId> = waiters.into_iter().map(|waiter| waiter.call).collect();
        for call in calls {
            self.wait_for_anybody(call, NotWaitedFor::Away);
        }
    }
}

impl Worker {
    /// Whether the worker is ready, or will be once what is under way is over.
    fn will_be_ready(&self) -> bool {
        let working = |state| [AgentState::Ready, AgentState::WrapUp].contains(&state);
        match self.state {
            _ if !self.calls.is_empty() => self.then.is_none() && working(self.before.0),
            AgentState::Reserved | AgentState::Ringing => {
                self.direct.is_none() || working(self.before.0)
            }
            state => working(state),
        }
    }
}
