//! The queue again, plain and slow: lists, loops, and every rule where it is applied.

mod away;
mod direct;
mod rules;
mod seen;
mod several;
mod work;

use std::collections::BTreeSet;

use super::*;
use crate::acd::LEASE_MARGIN;
use crate::acd::command::ChoiceError;
use crate::event::{Choose, NotWaitedFor};
use crate::id::AwayReason;

use away::Away;
use rules::{at_least, sets};

pub(super) use seen::{Seen, seen};

#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) id: AgentId,
    pub(super) skills: Vec<Ability>,
    pub(super) state: AgentState,
    phone: bool,
    phone_failed: bool,
    idle: Time,
    /// Offers in a row that nobody answered.
    unanswered: u32,
    /// Callers answered, time on calls, and time ready.
    answered: u32,
    busy: Duration,
    free: Duration,
    /// The call being offered.
    pub(super) call: Option<CallId>,
    /// The offer is by name, and brings this queue's wrap-up.
    pub(super) direct: Option<Option<QueueName>>,
    /// Calls under way, and whose wrap-up each brings.
    pub(super) calls: Vec<(CallId, Option<QueueName>)>,
    /// Of them, those on hold.
    pub(super) held: BTreeSet<CallId>,
    /// Whose wrap-up follows already.
    owed: Option<QueueName>,
    /// What was done before calls that no queue brought, and until when.
    before: (AgentState, Option<Time>),
    then: Option<AgentState>,
    /// The end of the lease or of wrap-up.
    until: Option<Time>,
    /// The last call's queue wants a code.
    pub(super) owes: bool,
    work: Option<Work>,
    /// For what the worker is not ready, or will be.
    pub(super) away: Option<Away>,
}

/// What a queue gives for the work of a call.
#[derive(Debug, Clone, Copy)]
struct Work {
    step: Duration,
    until: Time,
    most: Time,
}

#[derive(Debug, Clone)]
pub(super) struct Waiter {
    pub(super) call: CallId,
    pub(super) queue: QueueName,
    own: Vec<Ability>,
    prefers: Vec<Ability>,
    pub(super) priority: Priority,
    pub(super) first: Time,
    visit: Time,
    /// Steps of the queue's `relax` that were told of.
    relaxed: usize,
    until: Option<Time>,
    tell: bool,
    /// Nobody is on the line.
    pub(super) absent: bool,
    /// Somebody has picked up and is told whom they have.
    pub(super) picked_up: bool,
    /// Who is rung, in the order of the offers.
    pub(super) offered: Vec<AgentId>,
    /// Who is to serve the caller and nobody else, and until when.
    pub(super) only: Option<(AgentId, Time)>,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) queues: BTreeMap<QueueName, QueueSettings>,
    pub(super) turns: TurnSettings,
    reasons: BTreeMap<AwayReason, AwaySettings>,
    pub(super) workers: Vec<Worker>,
    pub(super) waiters: Vec<Waiter>,
    /// Whom each queue chose last.
    last: BTreeMap<QueueName, AgentId>,
    at: Time,
    open: bool,
    out: Vec<Seen>,
}

impl Model {
    pub(super) fn new(plan: &AcdPlan) -> Self {
        let worker = |(id, skills): (&AgentId, &Vec<Ability>)| Worker {
            id: id.clone(),
            skills: skills.clone(),
            state: AgentState::SignedOut,
            phone: false,
            phone_failed: false,
            idle: Time::ZERO,
            unanswered: 0,
            answered: 0,
            busy: Duration::ZERO,
            free: Duration::ZERO,
            call: None,
            direct: None,
            calls: Vec::new(),
            held: BTreeSet::new(),
            owed: None,
            before: (AgentState::Ready, None),
            then: None,
            until: None,
            owes: false,
            work: None,
            away: None,
        };
        Model {
            queues: plan.queues.clone(),
            turns: plan.turns,
            reasons: plan.away.clone(),
            last: BTreeMap::new(),
            workers: plan.agents.iter().map(worker).collect(),
            waiters: Vec::new(),
            at: Time::ZERO,
            open: true,
            out: Vec::new(),
        }
    }

    /// `open`: whether the only calendar is open now.
    pub(super) fn apply(&mut self, at: Time, open: bool, input: AcdInput) -> Vec<Seen> {
        self.count_work(at.since(self.at));
        self.at = at;
        self.open = open;
        match input {
            AcdInput::Enter {
                call,
                queue,
                skills,
                prefers,
                priority,
                at_closing,
                since,
                again,
                last_agent,
            } => {
                let wish = (skills, prefers, priority);
                self.enter((call, again), queue, wish, (at_closing, last_agent), since);
            }
            AcdInput::Engage { agent, call, queue } => self.engage(&agent, call, queue),
            AcdInput::Reserve { call, agent, queue, ring_for } => {
                self.reserve(call, agent, queue, ring_for);
            }
            AcdInput::CodeOwed { agent, owed } => self.code_owed(&agent, owed),
            AcdInput::MoreTime { agent } => self.more_time(&agent),
            AcdInput::PickedUp { call, agent } => self.picked_up(call, &agent),
            AcdInput::Moved { agent, from, to, queue } => self.moved(&agent, from, to, queue),
            AcdInput::Leave { call } => {
                self.cancel(call, OfferOutcome::CallerLeft);
                self.waiters.retain(|waiter| waiter.call != call);
            }
            AcdInput::Ringing { call, agent } => {
                if let Some(worker) = self.offered(call, &agent) {
                    worker.state = AgentState::Ringing;
                }
            }
            AcdInput::Claim { call, agent } => self.claim(call, agent),
            AcdInput::OfferFailed { call, agent, outcome } => {
                self.offer_failed(call, &agent, outcome);
            }
            AcdInput::TalkEnded { agent, call } => self.talk_ended(call, &agent),
            AcdInput::Choose { agent, choice, reason, away, .. } => {
                let own = reason == StateReason::Own;
                if self.takes_leave(&agent, choice, away, own) {
                    self.choose(&agent, choice, own);
                }
            }
            AcdInput::Reachable { agent, reachable } => {
                if let Some(worker) = self.workers.iter_mut().find(|worker| worker.id == agent) {
                    worker.phone = reachable;
                    worker.phone_failed = false;
                    match worker.state {
                        AgentState::Ready if !reachable => worker.state = AgentState::Unreachable,
                        AgentState::Unreachable if reachable => worker.get_ready(at),
                        _ => {}
                    }
                }
            }
            AcdInput::Restore { agent, state, away } => self.restore(&agent, state, away),
            AcdInput::Await { call, queue, skills, priority, since } => {
                self.wait_for_absent(call, queue, skills, (priority, since));
            }
            AcdInput::Hold { agent, call, held } => self.hold(&agent, call, held),
            AcdInput::Timer => self.timer(),
        }
        self.whoever_waits_for_who_has_gone();
        let closed = |model: &Model, waiter: &Waiter| {
            let told = waiter.tell && !waiter.picked_up;
            told && !model.open && model.queues[&waiter.queue].hours.is_some()
        };
        self.hand_back_all(QueueReturn::Closed, closed);
        let unstaffed = |model: &Model, waiter: &Waiter| {
            let queue = &model.queues[&waiter.queue];
            let waits = waiter.absent || queue.wait_when_unstaffed;
            !waits && !model.staffed(&sets(queue, &waiter.own, u64::MAX))
        };
        self.hand_back_all(QueueReturn::NobodyOnDuty, unstaffed);
        self.pair();
        self.forget_codes();
        self.follow_away();
        std::mem::take(&mut self.out)
    }

    fn hand_back_all(&mut self, why: QueueReturn, which: impl Fn(&Model, &Waiter) -> bool) {
        let found = self.waiters.iter().filter(|waiter| which(self, waiter));
        let mut calls: Vec<_> = found.map(|waiter| (waiter.queue.clone(), waiter.call)).collect();
        calls.sort();
        for (_, call) in calls {
            self.hand_back(call, why);
        }
    }

    fn offered(&mut self, call: CallId, agent: &AgentId) -> Option<&mut Worker> {
        let states = [AgentState::Reserved, AgentState::Ringing];
        self.workers.iter_mut().find(|worker| {
            worker.id == *agent && worker.call == Some(call) && states.contains(&worker.state)
        })
    }

    fn staffed(&self, sets: &[Vec<Ability>]) -> bool {
        self.workers.iter().any(|worker| {
            let after = worker.then.unwrap_or(worker.before.0);
            let leaving = !worker.calls.is_empty() && after == AgentState::SignedOut;
            let there = worker.state != AgentState::SignedOut
                || !worker.calls.is_empty() && worker.then.is_some();
            there && !leaving && worker.can(sets)
        })
    }

    fn pair(&mut self) {
        loop {
            let able = |waiter: &&Waiter| {
                let ready = |worker: &&Worker| worker.state == AgentState::Ready;
                let mut ready = self.workers.iter().filter(ready);
                let rung = waiter.offered.len();
                let more = !waiter.picked_up && rung < self.rung_at_once(waiter);
                let may = |worker: &Worker| {
                    waiter.only.as_ref().is_none_or(|(only, _)| *only == worker.id)
                        && worker.can(&self.needs(waiter))
                };
                more && ready.any(may)
            };
            // Nobody is rung besides while somebody waits for whom nobody is.
            let place = |waiter: &&Waiter| (!waiter.offered.is_empty(), self.turn(waiter));
            let waiters = self.waiters.iter().filter(able);
            let Some(waiter) = waiters.min_by_key(place) else { return };
            let waiter = waiter.clone();
            let ring_s = self.queues[&waiter.queue].ring_s;
            let until = self.at + secs(u64::from(ring_s)) + LEASE_MARGIN;
            let chosen = match waiter.only {
                Some((only, _)) => only,
                None => {
                    let chosen = self.chosen(&waiter).expect("just found").id.clone();
                    self.last.insert(waiter.queue.clone(), chosen.clone());
                    chosen
                }
            };
            let worker = self.worker(&chosen);
            worker.state = AgentState::Reserved;
            worker.call = Some(waiter.call);
            worker.until = Some(until);
            let id = worker.id.clone();
            for other in &mut self.waiters {
                if other.call == waiter.call {
                    other.offered.push(id.clone());
                }
            }
            self.out.push(Seen::Offer(waiter.call, id));
        }
    }

    fn enter(
        &mut self,
        (call, again): (CallId, bool),
        queue: QueueName,
        (own, prefers, priority): (Vec<Ability>, Vec<Ability>, Priority),
        (at_closing, last_agent): (AtClosing, Option<AgentId>),
        since: Option<Time>,
    ) {
        let settings = self.queues[&queue].clone();
        let widest = sets(&settings, &own, u64::MAX);
        let others = self.waiters.iter().filter(|w| w.call != call && w.queue == queue);
        let others = others.filter(|w| !w.absent).count();
        let why = if settings.hours.is_some() && !self.open {
            Some(QueueReturn::Closed)
        } else if !again && settings.max_waiting.is_some_and(|max| others >= max) {
            Some(QueueReturn::Full)
        } else if !settings.wait_when_unstaffed && !self.staffed(&widest) {
            Some(QueueReturn::NobodyOnDuty)
        } else {
            None
        };
        let held = self.waiters.iter().find(|waiter| waiter.call == call).cloned();
        match (why, held) {
            (Some(why), Some(_)) => self.hand_back(call, why),
            (Some(why), None) => self.out.push(Seen::Returned(call, why, false)),
            (None, held) => {
                self.cancel(call, OfferOutcome::Withdrawn);
                self.waiters.retain(|waiter| waiter.call != call);
                let first = held.as_ref().map_or(since.unwrap_or(self.at), |held| held.first);
                self.out.push(Seen::Entered(call, first, held.map(|held| held.queue)));
                let only = self.waited_for(&settings, &own, last_agent);
                self.waiters.push(Waiter {
                    only,
                    call,
                    queue,
                    own,
                    prefers,
                    priority,
                    first,
                    visit: self.at,
                    relaxed: 0,
                    until: settings.max_wait_s.map(|max| self.at + secs(u64::from(max))),
                    tell: at_closing == AtClosing::Tell,
                    absent: false,
                    picked_up: false,
                    offered: Vec::new(),
                });
            }
        }
    }

    fn hand_back(&mut self, call: CallId, why: QueueReturn) {
        self.cancel(call, OfferOutcome::Withdrawn);
        self.waiters.retain(|waiter| waiter.call != call);
        self.out.push(Seen::Returned(call, why, true));
    }

    /// Takes back the offer of a call through no fault of the agent.
    fn cancel(&mut self, call: CallId, outcome: OfferOutcome) {
        self.cancel_but(call, None, outcome);
    }

    fn cancel_but(&mut self, call: CallId, except: Option<&AgentId>, outcome: OfferOutcome) {
        let waiter = self.waiters.iter().find(|waiter| waiter.call == call);
        let mut agents = waiter.map(|waiter| waiter.offered.clone()).unwrap_or_default();
        agents.retain(|agent| Some(agent) != except);
        for agent in agents {
            self.release(call, &agent);
            let worker = self.offered(call, &agent).expect("an offer has two sides");
            let idle = worker.idle;
            worker.get_ready(idle);
            self.out.push(Seen::Cancel(call, agent, outcome));
            self.whoever_waits_for_who_has_gone();
        }
    }

    fn claim(&mut self, call: CallId, agent: AgentId) {
        let waiter = self.waiters.iter().find(|waiter| waiter.call == call).cloned();
        match (waiter, self.offered(call, &agent)) {
            (_, Some(worker)) if worker.direct.is_some() => self.claim_direct(call, agent),
            (Some(waiter), Some(worker)) => {
                worker.stop(AgentState::Talking);
                worker.before = (AgentState::Ready, None);
                worker.unanswered = 0;
                worker.answered += 1;
                worker.calls.push((call, Some(waiter.queue)));
                self.release(call, &agent);
                self.cancel(call, OfferOutcome::AnsweredElsewhere);
                self.waiters.retain(|waiter| waiter.call != call);
                self.out.push(Seen::Claimed(call, agent, waiter.first));
            }
            _ => self.out.push(Seen::ClaimRefused(call, agent)),
        }
    }

    fn release(&mut self, call: CallId, agent: &AgentId) {
        for waiter in self.waiters.iter_mut().filter(|waiter| waiter.call == call) {
            waiter.offered.retain(|offered| offered != agent);
            waiter.picked_up &= !waiter.offered.is_empty();
            // They have had their chance.
            waiter.only.take_if(|(only, _)| only == agent);
        }
    }

    fn offer_failed(&mut self, call: CallId, agent: &AgentId, outcome: OfferOutcome) {
        let at = self.at;
        let waiter = self.waiters.iter().find(|waiter| waiter.call == call);
        let patience = waiter.map_or(1, |waiter| self.queues[&waiter.queue].not_ready_after);
        let Some(worker) = self.offered(call, agent) else { return };
        if worker.direct.is_some() {
            return self.direct_failed(agent, outcome);
        }
        match outcome {
            OfferOutcome::NoAnswer if worker.unanswered + 1 < patience => {
                worker.unanswered += 1;
                worker.get_ready(at);
            }
            OfferOutcome::NoAnswer | OfferOutcome::Rejected => {
                let no_answer = outcome == OfferOutcome::NoAnswer;
                let reason = if no_answer { AwayReason::NO_ANSWER } else { AwayReason::DECLINED };
                worker.unanswered = 0;
                worker.stop(AgentState::NotReady);
                worker.away = Some(Away::for_(Some(reason.into())));
            }
            OfferOutcome::Unreachable => {
                worker.phone_failed = true;
                worker.stop(AgentState::Unreachable);
            }
            OfferOutcome::Accepted
            | OfferOutcome::CallerLeft
            | OfferOutcome::Withdrawn
            | OfferOutcome::AnsweredElsewhere => return,
        }
        self.release(call, agent);
    }

    fn choose(&mut self, agent: &AgentId, choice: AgentChoice, own: bool) {
        let at = self.at;
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.id == *agent) else {
            return;
        };
        let state = match choice {
            AgentChoice::SignOut => AgentState::SignedOut,
            AgentChoice::SignIn | AgentChoice::NotReady => AgentState::NotReady,
            AgentChoice::Ready => AgentState::Ready,
        };
        if choice == AgentChoice::Ready && own && worker.owes && worker.works() {
            return self.out.push(Seen::Refused(agent.clone(), ChoiceError::CodeOwed));
        }
        match worker.state {
            _ if !worker.calls.is_empty() => {
                if let Err(error) = worker.choose_meanwhile(choice) {
                    self.out.push(Seen::Refused(agent.clone(), error));
                }
            }
            AgentState::SignedOut => match choice {
                AgentChoice::SignIn => worker.state = AgentState::NotReady,
                AgentChoice::SignOut => {}
                AgentChoice::Ready | AgentChoice::NotReady => {
                    self.out.push(Seen::Refused(agent.clone(), ChoiceError::SignedOut));
                }
            },
            AgentState::Talking | AgentState::Hold | AgentState::Consulting => {
                unreachable!("on a call")
            }
            _ if choice == AgentChoice::SignIn => {}
            AgentState::Ready if choice == AgentChoice::Ready => {}
            AgentState::Reserved | AgentState::Ringing
                if worker.direct.is_some() && choice != AgentChoice::SignOut =>
            {
                worker.before = (state, None);
            }
            AgentState::Reserved | AgentState::Ringing => {
                if choice != AgentChoice::Ready {
                    let call = worker.call.expect("an offer is of a call");
                    worker.stop(state);
                    self.release(call, agent);
                    let agent = agent.clone();
                    self.out.push(Seen::Cancel(call, agent, OfferOutcome::Withdrawn));
                }
            }
            AgentState::Ready
            | AgentState::NotReady
            | AgentState::Unreachable
            | AgentState::WrapUp => {
                if choice == AgentChoice::Ready {
                    worker.phone_failed = false;
                    worker.unanswered = 0;
                    worker.get_ready(at);
                } else {
                    worker.stop(state);
                }
            }
        }
    }

    /// Wrap-ups, leases and longest waits that are over, by their times; in that order and by name
    /// where the times are equal.
    fn timer(&mut self) {
        loop {
            self.follow_away();
            let worker = |worker: &Worker| {
                let kind = if worker.state == AgentState::WrapUp { 1 } else { 2 };
                Some((worker.until?, kind, Some(worker.id.clone()), None))
            };
            let waiter = |waiter: &Waiter| Some((waiter.until?, 3, None, Some(waiter.call)));
            let due = self.workers.iter().filter_map(worker);
            let due = due.chain(self.waiters.iter().filter_map(waiter));
            let relax = |waiter: &Waiter| {
                let step = self.queues[&waiter.queue].relax.get(waiter.relaxed)?;
                let at = waiter.visit + secs(u64::from(step.after_s));
                Some((at, 4, None, Some(waiter.call)))
            };
            let due = due.chain(self.waiters.iter().filter_map(relax));
            let only = |waiter: &Waiter| {
                let (_, until) = waiter.only.as_ref()?;
                Some((*until, 5, None, Some(waiter.call)))
            };
            let due = due.chain(self.waiters.iter().filter_map(only));
            let away =
                |worker: &Worker| Some((worker.away_until()?, 6, Some(worker.id.clone()), None));
            let due = due.chain(self.workers.iter().filter_map(away)).min();
            match due {
                Some((until, 6, Some(agent), _)) if until <= self.at => self.away_too_long(&agent),
                Some((until, 4, _, Some(call))) if until <= self.at => self.relax(call),
                Some((until, 5, _, Some(call))) if until <= self.at => {
                    self.wait_for_anybody(call, NotWaitedFor::TooLong);
                }
                Some((until, kind, Some(agent), _)) if until <= self.at => {
                    let at = self.at;
                    let worker = self.workers.iter_mut().find(|w| w.id == agent).expect("there");
                    if kind == 1 {
                        worker.work_over(at);
                    } else {
                        let call = worker.call.expect("an offer is of a call");
                        let outcome = OfferOutcome::Withdrawn;
                        self.out.push(Seen::Cancel(call, agent.clone(), outcome));
                        self.offer_failed(call, &agent, OfferOutcome::Unreachable);
                    }
                    self.whoever_waits_for_who_has_gone();
                }
                Some((until, _, _, Some(call))) if until <= self.at => {
                    let soon = self.at + secs(15);
                    let picked_up = |w: &&mut Waiter| w.call == call && w.picked_up;
                    if let Some(waiter) = self.waiters.iter_mut().find(picked_up) {
                        waiter.until = Some(soon);
                        continue;
                    }
                    self.hand_back(call, QueueReturn::WaitedTooLong);
                }
                _ => return,
            }
        }
    }
}

impl Worker {
    /// Whether the worker has all of one of the sets.
    pub(super) fn can(&self, sets: &[Vec<Ability>]) -> bool {
        sets.iter().any(|set| set.iter().all(|need| self.level(&need.skill) >= at_least(need)))
    }

    fn stop(&mut self, state: AgentState) {
        self.state = state;
        self.call = None;
        self.direct = None;
        self.owed = None;
        self.then = None;
        self.until = None;
    }

    fn get_ready(&mut self, idle: Time) {
        let reachable = self.phone && !self.phone_failed;
        self.stop(if reachable { AgentState::Ready } else { AgentState::Unreachable });
        self.idle = idle;
    }
}
