//! The days as they pass: one moment after the other, each an input of the queue's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::time;

use crate::acd::command::{AcdEffect, AcdInput, AgentChoice};
use crate::acd::{Acd, AcdPlan};
use crate::call::command::{AtClosing, QueueReturn};
use crate::event::{
    AgentState, CallEvent, Caller, EndCause, Event, Outcome, Party, QueueSettingsInForce,
    StateReason, SystemEvent,
};
use crate::id::{AgentId, CallId, LegId, QueueName};
use crate::stats::LastAgents;
use crate::time::{Time, UnixMicros, WallClock};

use super::agenda::{Agenda, Moment};
use super::desk::Desk;
use super::effects::After;
use super::journal::Journal;
use super::queues::Queues;
use super::{Audience, BreakEnd, DAY_MS, Fate, Kind, ModelCall, Report, Rules, Shift, zone};

/// Progress is told after so many calls.
const TOLD_EVERY: usize = 1_000;

/// Everything that is there on a simulated day.
pub(super) struct Machine<'a> {
    pub(super) rules: &'a Rules,
    /// Calls in the order of their names: a call is its place here.
    pub(super) calls: Vec<&'a ModelCall>,
    /// Where each of the calls that were given is among them.
    given: Vec<usize>,
    /// Calls in the order of their arrival, the last one first.
    to_come: Vec<usize>,
    /// Agents in the order of their names: an agent is its place here.
    pub(super) desks: Vec<Desk<'a>>,
    pub(super) by_name: BTreeMap<AgentId, usize>,
    /// Whether shifts are repeated on each day.
    daily: bool,
    queues: Queues,
    pub(super) acd: Acd,
    pub(super) wall: WallClock,
    pub(super) now: Time,
    pub(super) agenda: Agenda,
    /// Where each call waits, and since when.
    pub(super) waits: Vec<Option<(QueueName, Time)>>,
    pub(super) fates: Vec<Option<Fate>>,
    pub(super) offers: u64,
    /// Who spoke with which caller last.
    pub(super) last_agents: LastAgents,
    pub(super) journal: Journal<'a>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(
        calls: &'a [ModelCall],
        shifts: &'a [Shift],
        rules: &'a Rules,
        queues: Queues,
        audience: &'a mut dyn Audience,
    ) -> Self {
        let mut by_id: Vec<usize> = (0..calls.len()).collect();
        by_id.sort_by(|a, b| calls[*a].id.cmp(&calls[*b].id));
        let mut given = vec![0; calls.len()];
        for (place, index) in by_id.iter().enumerate() {
            given[*index] = place;
        }
        let calls: Vec<&ModelCall> = by_id.iter().map(|index| &calls[*index]).collect();
        let mut to_come: Vec<usize> = (0..calls.len()).collect();
        to_come.sort_by_key(|call| std::cmp::Reverse((calls[*call].arrive_ms, *call)));
        let mut desks: Vec<Desk<'_>> =
            shifts.iter().map(|shift| Desk::new(shift, rules.close_ms)).collect();
        desks.sort_by(|a, b| a.shift.agent.cmp(&b.shift.agent));
        let by_name = desks.iter().enumerate().map(|(n, desk)| (desk.shift.agent.clone(), n));
        let plan = AcdPlan {
            queues: queues.settings.clone(),
            turns: rules.turns,
            agents: shifts.iter().map(|one| (one.agent.clone(), one.skills.clone())).collect(),
            away: BTreeMap::new(),
            calendars: BTreeMap::new(),
            zone: zone(&rules.time_zone),
        };
        Machine {
            rules,
            given,
            waits: vec![None; calls.len()],
            fates: vec![None; calls.len()],
            calls,
            to_come,
            by_name: by_name.collect(),
            desks,
            daily: shifts.iter().all(|shift| shift.login_ms < DAY_MS),
            queues,
            acd: Acd::new(plan),
            wall: WallClock::default(),
            now: Time::ZERO,
            agenda: Agenda::default(),
            offers: 0,
            last_agents: LastAgents::default(),
            journal: Journal::new(audience),
        }
    }

    pub(super) fn run(mut self) -> Report {
        self.begin();
        while let Some(at_ms) = self.agenda.next_at() {
            let at = Time::from_millis(at_ms);
            if let Some(due) = self.acd.poll_timeout().filter(|due| *due <= at) {
                self.now = self.now.max(due);
                self.apply(AcdInput::Timer);
                continue;
            }
            let Some((_, moment)) = self.agenda.pop() else { break };
            self.now = at;
            self.happens(moment);
        }
        let at = self.wall.at(self.now);
        let Machine { calls, given, fates, now, mut journal, .. } = self;
        let fate = |place: &usize| {
            let fate = fates.get(*place).cloned().flatten();
            (calls[*place].id.clone(), fate.unwrap_or(Fate::Closed))
        };
        Report {
            fates: given.iter().map(fate).collect(),
            intervals: journal.rows(now, at),
            figures: journal.fold.since_the_beginning(),
            max_queue_length: journal.length.most(),
        }
    }

    fn begin(&mut self) {
        self.wall = self.wall_of(0);
        let asked = self.queues.settings.values().filter_map(|queue| queue.last_agent_within_us());
        self.last_agents.keep_for(asked.max().unwrap_or(0), self.wall.at(self.now));
        let in_force = self.queues.settings.iter().map(|(queue, set)| QueueSettingsInForce {
            queue: queue.clone(),
            title: set.title.clone(),
            standard_us: u64::from(set.standard_s) * 1_000_000,
            short_abandon_us: u64::from(set.short_abandon_s) * 1_000_000,
            served_by: Vec::new(),
            last_agent_within_us: None,
        });
        let settings = SystemEvent::SettingsInForce {
            organisation: self.rules.organisation.clone(),
            time_zone: self.rules.time_zone.clone(),
            queues: in_force.collect(),
            agents: self.by_name.keys().map(|agent| (agent.clone(), agent.to_string())).collect(),
            bulletins: Vec::new(),
            history_us: 0,
            wrap_up: Default::default(),
            away: BTreeMap::new(),
            phones: Vec::new(),
        };
        self.journal.begin(&self.wall, settings);
        let agents: Vec<AgentId> = self.by_name.keys().cloned().collect();
        for agent in agents {
            self.apply(AcdInput::Reachable { agent, reachable: true });
        }
        let mut days: BTreeSet<u64> =
            self.calls.iter().map(|call| call.arrive_ms / DAY_MS).collect();
        if !self.daily {
            self.schedule(0);
            days.extend(self.desks.iter().map(|desk| desk.shift.login_ms / DAY_MS));
        }
        for day in days {
            self.agenda.add(day * DAY_MS, Moment::Dawn);
        }
        self.next_arrival();
    }

    /// A clock that shows the right time of the day on this day, from 02:00 on if clocks are changed
    /// on it.
    fn wall_of(&self, day: u64) -> WallClock {
        let days = jiff::Span::new().try_days(i64::try_from(day).unwrap_or(i64::MAX));
        let date = days.and_then(|days| self.rules.date.checked_add(days));
        let noon = date
            .map(|date| date.to_datetime(time(12, 0, 0, 0)))
            .and_then(|noon| noon.to_zoned(zone(&self.rules.time_zone)));
        // Beyond the calendar's last year the clock just goes on.
        let Ok(noon) = noon else { return self.wall };
        let shown = UnixMicros(noon.timestamp().as_microsecond());
        WallClock::showing(shown, Time::from_millis(day * DAY_MS + DAY_MS / 2))
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now.as_micros() / 1_000
    }

    fn schedule(&mut self, midnight_ms: u64) {
        for (agent, desk) in self.desks.iter().enumerate() {
            let shift = desk.shift;
            self.agenda.add(midnight_ms + shift.login_ms, Moment::Login { agent });
            self.agenda.add(midnight_ms + shift.logout_ms, Moment::Logout { agent });
            for one in &shift.breaks {
                let end = match one.end {
                    BreakEnd::After(lasts_ms) => BreakEnd::After(lasts_ms),
                    BreakEnd::At(ms) => BreakEnd::At(midnight_ms + ms),
                };
                self.agenda.add(midnight_ms + one.start_ms, Moment::BreakDue { agent, end });
            }
        }
    }

    fn next_arrival(&mut self) {
        if let Some(call) = self.to_come.pop() {
            self.agenda.add(self.calls[call].arrive_ms, Moment::Arrival { call });
        }
        let done = self.calls.len() - self.to_come.len();
        if done.is_multiple_of(TOLD_EVERY) || self.to_come.is_empty() {
            self.journal.audience.progress(done, self.calls.len());
        }
    }

    fn happens(&mut self, moment: Moment) {
        match moment {
            Moment::Dawn => self.dawn(),
            Moment::Arrival { call } => self.arrives(call),
            Moment::LeavesMenu { call } => {
                self.over(call, Fate::LeftMenu, EndCause::CallerLeftFlow);
            }
            Moment::Answer { agent, offer } => self.picks_up(agent, offer),
            Moment::TalkEnd { agent } => self.talk_ends(agent),
            Moment::WorkEnd { agent } => {
                self.desks[agent].work = None;
                self.is_free(agent);
            }
            Moment::BreakEnd { agent } => {
                if self.desks[agent].on_break_until == Some(self.now_ms()) {
                    self.desks[agent].on_break_until = None;
                    self.is_free(agent);
                }
            }
            Moment::Login { agent } => self.logs_in(agent),
            Moment::BreakDue { agent, end } => {
                if self.desks[agent].signed_in {
                    self.desks[agent].owed.push_back(end);
                }
                if self.is_idle(agent) {
                    self.is_free(agent);
                }
            }
            Moment::Logout { agent } => self.shift_ends(agent),
            Moment::Abandon { call } => self.gives_up(call),
            Moment::Join { call } => self.joins(call),
        }
    }

    fn dawn(&mut self) {
        let midnight_ms = self.now_ms();
        self.wall = self.wall_of(midnight_ms / DAY_MS);
        let at = self.wall.at(self.now);
        self.journal.harvest(midnight_ms / DAY_MS, self.now, at);
        if self.daily {
            self.schedule(midnight_ms);
        }
    }

    // ---- callers -----------------------------------------------------------------------------

    fn arrives(&mut self, call: usize) {
        self.next_arrival();
        self.write(
            call,
            CallEvent::Arrived {
                leg: LegId(0),
                caller: Caller::default(),
                called: String::new(),
                flow: None,
                by: None,
                through: None,
                callback: None,
            },
        );
        let ModelCall { kind, ivr_ms, .. } = *self.calls[call];
        let of_the_day = self.now_ms() % DAY_MS;
        if of_the_day < self.rules.open_ms || of_the_day >= self.rules.close_ms {
            return self.over(call, Fate::Closed, EndCause::Closed);
        }
        let moment = match kind {
            Kind::LeavesMenu => Moment::LeavesMenu { call },
            Kind::Person => Moment::Join { call },
        };
        self.agenda.add(self.now_ms() + ivr_ms, moment);
    }

    fn joins(&mut self, call: usize) {
        let ModelCall { arrive_ms, service, caller, priority, patience_ms, .. } = self.calls[call];
        if self.now_ms() >= arrive_ms / DAY_MS * DAY_MS + self.rules.close_ms {
            return self.over(call, Fate::ClosedInMenu, EndCause::Closed);
        }
        let queue = self.queues.of(service);
        let within_us = self.queues.settings.get(&queue).and_then(|set| set.last_agent_within_us());
        let at = self.wall.at(self.now);
        let last_agent =
            within_us.and_then(|within_us| self.last_agents.last(caller, within_us, at));
        let last_agent = last_agent.cloned();
        self.apply(AcdInput::Enter {
            call: id_of(call),
            queue,
            skills: Vec::new(),
            prefers: Vec::new(),
            priority: *priority,
            at_closing: AtClosing::Serve,
            since: None,
            again: false,
            last_agent,
        });
        if self.fates[call].is_none() {
            self.agenda.add(self.now_ms() + patience_ms, Moment::Abandon { call });
        }
    }

    fn gives_up(&mut self, call: usize) {
        let Some((queue, since)) = self.waits[call].clone() else { return };
        let mut effects =
            self.acd.apply(self.now, &self.wall, AcdInput::Leave { call: id_of(call) });
        // The call is over before its agent is offered another.
        let offer = effects.iter().position(|effect| matches!(effect, AcdEffect::Offer { .. }));
        let offers = effects.split_off(offer.unwrap_or(effects.len()));
        let mut after = After::default();
        self.tell(effects, &mut after);
        let wait = self.now.since(since);
        self.leaves(call, queue, Outcome::Abandoned, since);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.over(call, Fate::Abandoned { wait_ms }, EndCause::CallerAbandoned);
        self.tell(offers, &mut after);
        self.follow(after);
    }

    pub(super) fn leaves(&mut self, call: usize, queue: QueueName, outcome: Outcome, since: Time) {
        self.waits[call] = None;
        let wait_us = micros(self.now, since);
        self.write(call, CallEvent::QueueLeft { queue, outcome, wait_us, episode: 1 });
    }

    fn over(&mut self, call: usize, fate: Fate, cause: EndCause) {
        self.fates[call] = Some(fate);
        self.ends(call, cause);
    }

    fn ends(&mut self, call: usize, cause: EndCause) {
        let duration_us = micros(self.now, Time::from_millis(self.calls[call].arrive_ms));
        self.write(call, CallEvent::Ended { cause, duration_us });
    }

    pub(super) fn handed_back(&mut self, call: usize, why: QueueReturn) {
        let (outcome, fate, cause) = match why {
            QueueReturn::Closed => (Outcome::EndedBySystem, Fate::Closed, EndCause::Closed),
            QueueReturn::Full | QueueReturn::WaitedTooLong | QueueReturn::NobodyOnDuty => {
                (Outcome::Overflowed, Fate::Overflowed, EndCause::Completed)
            }
        };
        if let Some((queue, since)) = self.waits[call].clone() {
            self.leaves(call, queue, outcome, since);
        }
        self.over(call, fate, cause);
    }

    // ---- agents ------------------------------------------------------------------------------

    pub(super) fn agent(&self, agent: usize) -> AgentId {
        self.desks[agent].shift.agent.clone()
    }

    fn is_idle(&self, agent: usize) -> bool {
        self.acd.agent_state(&self.desks[agent].shift.agent) == Some(AgentState::Ready)
    }

    fn choose(&mut self, agent: usize, choice: AgentChoice) {
        let (agent, reason, by) = (self.agent(agent), StateReason::Own, None);
        self.apply(AcdInput::Choose { agent, choice, reason, by, away: None });
    }

    fn logs_in(&mut self, agent: usize) {
        let desk = &mut self.desks[agent];
        desk.leaving = false;
        if std::mem::replace(&mut desk.signed_in, true) {
            desk.goes_on_at = Some(self.now);
        } else {
            self.choose(agent, AgentChoice::SignIn);
            self.choose(agent, AgentChoice::Ready);
        }
    }

    /// Whatever the agent did is done.
    pub(super) fn is_free(&mut self, agent: usize) {
        let now_ms = self.now_ms();
        let desk = &mut self.desks[agent];
        if desk.leaving && !desk.stays {
            return self.signs_out(agent);
        }
        while let Some(end) = desk.owed.pop_front() {
            let until_ms = match end {
                BreakEnd::After(lasts_ms) => now_ms + lasts_ms,
                BreakEnd::At(ms) if ms > now_ms => ms,
                BreakEnd::At(_) => continue,
            };
            return self.begin_break(agent, until_ms);
        }
        self.choose(agent, AgentChoice::Ready);
        if self.desks[agent].leaving && self.is_idle(agent) {
            self.signs_out(agent);
        }
    }

    fn begin_break(&mut self, agent: usize, until_ms: u64) {
        self.desks[agent].on_break_until = Some(until_ms);
        self.choose(agent, AgentChoice::NotReady);
        self.agenda.add(until_ms, Moment::BreakEnd { agent });
    }

    fn shift_ends(&mut self, agent: usize) {
        let desk = &mut self.desks[agent];
        if !desk.signed_in || desk.goes_on_at == Some(self.now) {
            return;
        }
        let resting = desk.on_break_until.is_some() && !desk.stays;
        if resting || self.is_idle(agent) {
            self.signs_out(agent);
        } else {
            self.desks[agent].leaving = true;
        }
    }

    fn signs_out(&mut self, agent: usize) {
        let desk = &mut self.desks[agent];
        desk.signed_in = false;
        desk.leaving = false;
        desk.owed.clear();
        desk.on_break_until = None;
        self.choose(agent, AgentChoice::SignOut);
    }

    fn picks_up(&mut self, agent: usize, offer: u64) {
        let rings = self.desks[agent].ringing.filter(|(known, ..)| *known == offer);
        if let Some(call) = rings.and(self.desks[agent].work) {
            let agent = self.agent(agent);
            self.apply(AcdInput::Claim { call: id_of(call), agent });
        }
    }

    fn talk_ends(&mut self, agent: usize) {
        let Some(call) = self.desks[agent].work else { return };
        let ModelCall { service, talk_ms, wrap_ms, .. } = self.calls[call];
        let id = self.agent(agent);
        self.write(
            call,
            CallEvent::Parted {
                queue: self.queues.of(service),
                agent: id.clone(),
                talk_us: talk_ms * 1_000,
                hold_us: 0,
                by: Party::Caller,
            },
        );
        self.ends(call, EndCause::CallerHungUp);
        self.apply(AcdInput::TalkEnded { agent: id, call: id_of(call) });
        self.agenda.add(self.now_ms() + wrap_ms, Moment::WorkEnd { agent });
    }

    pub(super) fn write(&mut self, call: usize, event: CallEvent) {
        self.journal.write(self.now, &self.wall, Event::Call { call: id_of(call), event });
    }
}

pub(super) fn micros(now: Time, since: Time) -> u64 {
    u64::try_from(now.since(since).as_micros()).unwrap_or(u64::MAX)
}

/// Calls are numbered in the order of their names, so that equals go in that order.
fn id_of(call: usize) -> CallId {
    CallId(uuid::Uuid::from_u128(call as u128 + 1))
}

pub(super) fn place_of(call: CallId) -> usize {
    usize::try_from(call.0.as_u128().saturating_sub(1)).unwrap_or(usize::MAX)
}
