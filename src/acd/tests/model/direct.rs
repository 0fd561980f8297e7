//! Agents who are rung by name, and calls that no queue brought.

use super::*;

impl Model {
    pub(super) fn worker(&mut self, agent: &AgentId) -> &mut Worker {
        self.workers.iter_mut().find(|worker| worker.id == *agent).expect("there")
    }

    pub(super) fn reserve(
        &mut self,
        call: CallId,
        agent: AgentId,
        queue: Option<QueueName>,
        ring_for: Duration,
    ) {
        let at = self.at;
        let worker = self.worker(&agent);
        let offered = [AgentState::Reserved, AgentState::Ringing].contains(&worker.state);
        let refused = if !worker.phone || worker.state == AgentState::SignedOut {
            Some(ReserveError::Unavailable)
        } else if offered || !worker.calls.is_empty() {
            Some(ReserveError::Busy)
        } else {
            None
        };
        if let Some(why) = refused {
            return self.out.push(Seen::ReserveRefused(call, agent, why));
        }
        worker.remember();
        worker.state = AgentState::Reserved;
        worker.call = Some(call);
        worker.direct = Some(queue);
        worker.until = Some(at + ring_for + LEASE_MARGIN);
        self.out.push(Seen::Reserved(call, agent));
    }

    pub(super) fn claim_direct(&mut self, call: CallId, agent: AgentId) {
        let worker = self.worker(&agent);
        let queue = worker.direct.clone().flatten();
        worker.stop(AgentState::Talking);
        worker.calls.push((call, queue));
        worker.show();
        self.out.push(Seen::DirectClaimed(call, agent));
    }

    pub(super) fn direct_failed(&mut self, agent: &AgentId, outcome: OfferOutcome) {
        let at = self.at;
        let worker = self.worker(agent);
        worker.phone_failed |= outcome == OfferOutcome::Unreachable;
        let idle = worker.idle;
        worker.go_back(at);
        if worker.before.0 == AgentState::Ready {
            worker.idle = idle;
        }
    }

    pub(super) fn engage(&mut self, agent: &AgentId, call: CallId, queue: Option<QueueName>) {
        let worker = self.worker(agent);
        if worker.calls.is_empty() {
            if let Some(offered) = worker.call {
                let direct = worker.direct.is_some();
                self.out.push(Seen::Cancel(offered, agent.clone(), OfferOutcome::Withdrawn));
                if !direct {
                    self.release(offered, agent);
                    self.worker(agent).before = (AgentState::Ready, None);
                }
            } else {
                worker.remember();
            }
            self.worker(agent).stop(AgentState::Talking);
        }
        let worker = self.worker(agent);
        worker.calls.retain(|(known, _)| *known != call);
        worker.calls.push((call, queue));
        worker.show();
    }

    pub(super) fn moved(
        &mut self,
        agent: &AgentId,
        from: CallId,
        to: CallId,
        queue: Option<QueueName>,
    ) {
        let worker = self.worker(agent);
        if let Some(at) = worker.calls.iter().position(|(call, _)| *call == from) {
            let (_, owed) = worker.calls.remove(at);
            worker.held.remove(&from);
            worker.calls.retain(|(call, _)| *call != to);
            worker.calls.push((to, queue.or(owed)));
            worker.show();
        } else if worker.direct.is_some() && worker.call == Some(from) {
            worker.call = Some(to);
            worker.direct = Some(queue);
        }
    }

    pub(super) fn hold(&mut self, agent: &AgentId, call: CallId, held: bool) {
        let worker = self.worker(agent);
        if worker.calls.iter().all(|(known, _)| *known != call) {
            return;
        }
        match held {
            true => drop(worker.held.insert(call)),
            false => drop(worker.held.remove(&call)),
        }
        worker.show();
    }

    pub(super) fn talk_ended(&mut self, call: CallId, agent: &AgentId) {
        let at = self.at;
        let worker = self.worker(agent);
        let Some(found) = worker.calls.iter().position(|(known, _)| *known == call) else { return };
        let (_, queue) = worker.calls.remove(found);
        worker.held.remove(&call);
        if queue.is_some() {
            worker.owed = queue;
        }
        if !worker.calls.is_empty() {
            return worker.show();
        }
        let (owed, then, before) = (worker.owed.take(), worker.then.take(), worker.before);
        let settings = owed.map(|queue| &self.queues[&queue]);
        let given = settings.map_or((0, 0), |queue| (queue.wrap_up_s, queue.wrap_up_most_s));
        let (step, most) = (secs(u64::from(given.0)), secs(u64::from(given.1)));
        let worker = self.worker(agent);
        let works = [AgentState::Ready, AgentState::WrapUp].contains(&before.0);
        match then {
            Some(state) => worker.stop(state),
            None if works && !step.is_zero() => {
                worker.stop(AgentState::WrapUp);
                worker.until = Some(at + step);
                worker.work = Some(Work { step, until: at + step, most: at + step.max(most) });
            }
            None => worker.go_back(at),
        }
    }
}

impl Worker {
    fn remember(&mut self) {
        self.before = match self.state {
            AgentState::Unreachable => (AgentState::Ready, None),
            state => (state, self.until),
        };
    }

    /// What people see while calls are under way.
    fn show(&mut self) {
        self.state = match self.calls.len() {
            _ if self.before.0 == AgentState::SignedOut => AgentState::SignedOut,
            0 | 1 if !self.held.is_empty() => AgentState::Hold,
            0 | 1 => AgentState::Talking,
            _ => AgentState::Consulting,
        };
    }

    fn go_back(&mut self, at: Time) {
        match self.before {
            (AgentState::WrapUp, Some(until)) if until > at || self.owes => {
                self.stop(AgentState::WrapUp);
                self.until = Some(until);
            }
            (AgentState::Ready | AgentState::WrapUp, _) => self.get_ready(at),
            (state, _) => self.stop(state),
        }
    }

    pub(super) fn choose_meanwhile(&mut self, choice: AgentChoice) -> Result<(), ChoiceError> {
        if self.before.0 == AgentState::SignedOut {
            match choice {
                AgentChoice::Ready | AgentChoice::NotReady => return Err(ChoiceError::SignedOut),
                AgentChoice::SignOut => {}
                AgentChoice::SignIn => {
                    self.before = (AgentState::NotReady, None);
                    self.show();
                }
            }
            return Ok(());
        }
        match choice {
            AgentChoice::SignOut => self.then = Some(AgentState::SignedOut),
            AgentChoice::NotReady => self.then = Some(AgentState::NotReady),
            AgentChoice::SignIn => self.then = self.then.map(|_| AgentState::NotReady),
            AgentChoice::Ready => {
                self.then = None;
                self.before = (AgentState::Ready, None);
            }
        }
        Ok(())
    }
}
