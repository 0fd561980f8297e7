//! The work of calls, what is said before an answer, those who are not on the line, and restarts.

use super::*;
use crate::acd::command::WasAway;
use crate::call::command::LONGEST_PREFACE;

impl Model {
    pub(super) fn picked_up(&mut self, call: CallId, agent: &AgentId) {
        let rung = |waiter: &&mut Waiter| waiter.call == call && waiter.offered.contains(agent);
        let Some(waiter) = self.waiters.iter_mut().find(rung) else { return };
        waiter.picked_up = true;
        self.cancel_but(call, Some(agent), OfferOutcome::AnsweredElsewhere);
        let until = self.at + LONGEST_PREFACE + LEASE_MARGIN;
        self.worker(agent).until = Some(until);
    }

    pub(super) fn code_owed(&mut self, agent: &AgentId, owed: bool) {
        let at = self.at;
        let worker = self.worker(agent);
        worker.owes = owed;
        let over = worker.work.is_some_and(|work| work.until <= at);
        if !owed && worker.state == AgentState::WrapUp && over {
            worker.get_ready(at);
        }
    }

    /// A code can be owed by whoever is on a call or at its work, or comes back to that.
    pub(super) fn forget_codes(&mut self) {
        for worker in &mut self.workers {
            let busy = !worker.calls.is_empty() || worker.direct.is_some();
            worker.owes &= busy || worker.state == AgentState::WrapUp;
        }
    }

    pub(super) fn more_time(&mut self, agent: &AgentId) {
        let at = self.at;
        let worker = self.worker(agent);
        let rung = worker.direct.is_some();
        let Some(work) = worker.work.filter(|_| worker.works() && !rung) else {
            return self.out.push(Seen::Refused(agent.clone(), ChoiceError::NotWrappingUp));
        };
        let until = (work.until.max(at) + work.step).min(work.most);
        if until <= work.until {
            return self.out.push(Seen::Refused(agent.clone(), ChoiceError::NoMoreTime));
        }
        worker.work = Some(Work { until, ..work });
        if worker.calls.is_empty() {
            worker.until = Some(until);
        } else {
            worker.before.1 = Some(until);
        }
    }

    pub(super) fn restore(&mut self, agent: &AgentId, state: AgentState, away: Option<WasAway>) {
        let at = self.at;
        let worker = self.worker(agent);
        if worker.state != AgentState::SignedOut || !worker.calls.is_empty() {
            return;
        }
        match state {
            AgentState::SignedOut => {}
            AgentState::NotReady => {
                worker.state = AgentState::NotReady;
                worker.away = away.map(Away::from);
            }
            AgentState::Ready
            | AgentState::Reserved
            | AgentState::Ringing
            | AgentState::Talking
            | AgentState::Hold
            | AgentState::Consulting
            | AgentState::WrapUp
            | AgentState::Unreachable => worker.get_ready(at),
        }
    }

    pub(super) fn wait_for_absent(
        &mut self,
        call: CallId,
        queue: QueueName,
        own: Vec<Ability>,
        (priority, since): (Priority, Time),
    ) {
        if self.waiters.iter().any(|waiter| waiter.call == call) {
            return;
        }
        self.waiters.push(Waiter {
            call,
            queue,
            own,
            prefers: Vec::new(),
            priority,
            first: since.min(self.at),
            visit: self.at,
            relaxed: 0,
            until: None,
            tell: false,
            absent: true,
            picked_up: false,
            offered: Vec::new(),
            only: None,
        });
    }
}

impl Worker {
    /// Whether the work of a call is under way, or goes on after what is.
    pub(super) fn works(&self) -> bool {
        let comes_back = !self.calls.is_empty() || self.direct.is_some();
        self.state == AgentState::WrapUp || comes_back && self.before.0 == AgentState::WrapUp
    }

    /// The time for it is over.
    pub(super) fn work_over(&mut self, at: Time) {
        match self.work.filter(|_| self.owes) {
            Some(work) if work.most > at => self.until = Some(work.most),
            Some(_) => {
                self.stop(AgentState::NotReady);
                self.away = Some(Away::for_(Some(AwayReason::NO_CODE.into())));
            }
            None => self.get_ready(at),
        }
    }
}
