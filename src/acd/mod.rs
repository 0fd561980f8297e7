//! The queue: the right adviser for every caller, fairly. Changed only by [`Acd::apply`].
//!
//! A caller who waits holds a *ticket*: a place that is kept over failed offers and moves. An agent
//! has one state over all queues, and is offered one caller at a time; a caller may be offered to several agents
//! at once, of whom the first to claim the ticket has it. After every input the first caller, in the order of their turns, of those
//! that anybody ready can serve is offered to the agent whom the queue's rule chooses of those with the
//! skills, until no such pair is left.
//!
//! - `agents`, `queues`: the two sides and their indexes; `select`: who gets whom.
//! - `callers`, `offers`, `direct`, `duty`: what each input does, by whom it concerns; `last_agent`: callers who
//!   wait for one agent for a while.
//! - `estimate`: how long a caller will probably wait.
//! - `callback`: promises to ring somebody back; `absent`: their tickets.
//! - `calendar`, `bank_holidays`: opening hours.
//! - `wrap_up`: what advisers say of conversations; `away`: for what they are not ready, and how long.
//!
//! What is absent on purpose: no clock (deadlines are in [`Acd::poll_timeout`] and fire as
//! [`AcdInput::Timer`]), no randomness, no knowledge of legs or phones.

pub mod away;
pub mod bank_holidays;
pub mod calendar;
pub mod callback;
pub mod command;
pub mod messages;
pub mod settings;
pub mod wrap_up;

mod absent;
mod agents;
mod callers;
mod direct;
mod duty;
mod estimate;
mod last_agent;
mod offers;
mod queues;
mod select;
mod skills;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::event::{AgentState, Choose, NotWaitedFor};
use crate::id::{Ability, AgentId, AwayReason, CalendarName, CallId, QueueName, all_met};
use crate::time::{Deadlines, Time, UnixMicros, WallClock};

use self::agents::{Activity, Agents};
use self::away::AwaySettings;
use self::calendar::Calendar;
use self::command::{AcdEffect, AcdInput};
use self::estimate::Paces;
use self::queues::{Tickets, Wish};
use self::select::{Chooser, Fresh};
use self::settings::{QueueSettings, TurnSettings};

/// How much longer than it may ring an offer can stand before it is taken back: by then the engine
/// has reported its end, or something is lost and the agent must not stay reserved for ever.
pub const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// What the queue needs to know of the settings, checked.
#[derive(Debug, Clone)]
pub struct AcdPlan {
    /// Queues.
    pub queues: BTreeMap<QueueName, QueueSettings>,
    /// Whose turn it is.
    pub turns: TurnSettings,
    /// Agents and what they can do.
    pub agents: BTreeMap<AgentId, Vec<Ability>>,
    /// For what agents are not ready.
    pub away: BTreeMap<AwayReason, AwaySettings>,
    /// Calendars.
    pub calendars: BTreeMap<CalendarName, Calendar>,
    /// The zone of the calendars.
    pub zone: TimeZone,
}

/// After how long a message of a queue that is no longer in the settings is overdue.
const MESSAGE_ALERT: Duration = Duration::from_secs(14_400);

impl AcdPlan {
    /// Whether an agent has the skills that every call of a queue needs.
    pub fn serves(&self, agent: &AgentId, queue: &QueueName) -> bool {
        let (have, queue) = (self.agents.get(agent), self.queues.get(queue));
        have.zip(queue).is_some_and(|(have, queue)| all_met(&queue.skills, have))
    }

    /// Whether a queue is there and open when the calendar shows `at`.
    pub fn is_open(&self, queue: &QueueName, at: UnixMicros) -> bool {
        let settings = self.queues.get(queue);
        settings.is_some_and(|queue| match self.calendar_of(queue) {
            Some(calendar) => calendar.is_open(&at.zoned(&self.zone)),
            None => true,
        })
    }

    /// When a queue closes for the first time after `from`; none if it never does.
    pub fn closes_after(&self, queue: &QueueName, from: UnixMicros) -> Option<UnixMicros> {
        let calendar = self.calendar_of(self.queues.get(queue)?)?;
        let from = from.zoned(&self.zone);
        let closes = match calendar.is_open(&from) {
            true => calendar.next_change(&from)?,
            false => from,
        };
        Some(UnixMicros(closes.timestamp().as_microsecond()))
    }

    fn calendar_of(&self, queue: &QueueSettings) -> Option<&Calendar> {
        self.calendars.get(queue.hours.as_ref()?)
    }

    /// After how long an open message of a queue is overdue.
    pub fn message_alert(&self, queue: &QueueName) -> Duration {
        let settings = self.queues.get(queue);
        settings.map_or(MESSAGE_ALERT, |queue| seconds(queue.message_alert_s))
    }
}

/// Why something is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A calendar opens or closes, or a day begins.
    Hours,
    /// An agent's wrap-up ends: each has a timer of their own.
    WrapUp(AgentId),
    /// An agent's reservation ends by itself.
    Lease(AgentId),
    /// A caller has waited as long as the queue allows.
    MaxWait(CallId),
    /// A caller has waited for the next step of the queue's `relax`.
    Relax(CallId),
    /// A caller has waited for one agent for as long as the queue allows.
    LastAgent(CallId),
    /// An agent has been not ready for as long as the reason allows.
    Away(AgentId),
}

/// Agents, tickets, offers and their timers.
#[derive(Debug)]
pub struct Acd {
    plan: AcdPlan,
    agents: Agents,
    tickets: Tickets,
    chooser: Chooser,
    /// How fast callers were served lately.
    paces: Paces,
    due: Deadlines<Due>,
    /// By which clock the calendars were read last; none if they must be read again.
    hours_read: Option<WallClock>,
    /// The day of which agents' work is counted.
    day: Option<Date>,
    /// The settings are new: whatever follows from them is done by the next input.
    unsettled: bool,
    /// The time of the last input.
    last_at: Time,
}

/// One input being applied.
struct Turn<'a> {
    at: Time,
    wall: &'a WallClock,
    effects: Vec<AcdEffect>,
    fresh: Fresh,
    /// Somebody went off duty: callers may be left whom nobody can serve.
    duty_shrank: bool,
}

impl Acd {
    /// Nobody waits and everybody is signed out.
    pub fn new(plan: AcdPlan) -> Self {
        let mut agents = Agents::default();
        agents.reconfigure(&plan.agents, Time::ZERO);
        Acd {
            plan,
            agents,
            tickets: Tickets::default(),
            chooser: Chooser::default(),
            paces: Paces::default(),
            due: Deadlines::new(),
            hours_read: None,
            day: None,
            unsettled: true,
            last_at: Time::ZERO,
        }
    }

    /// Takes new settings; tickets and agents stay (an agent that is gone is signed out when free).
    /// What follows is the effect of the next input, which [`Acd::poll_timeout`] asks for at once.
    /// Timers that run (wrap-up, reservations) go on.
    pub fn reconfigure(&mut self, plan: AcdPlan) {
        self.plan = plan;
        self.agents.reconfigure(&self.plan.agents, self.last_at);
        self.tickets.reconfigure(&self.plan.turns, &self.plan.queues, self.last_at);
        self.chooser.reconfigure(&self.plan.queues);
        self.paces.retain(|queue, _| self.plan.queues.contains_key(queue));
        self.hours_read = None;
        self.unsettled = true;
    }

    /// The only way to change anything. `wall` is used for calendars only.
    pub fn apply(&mut self, at: Time, wall: &WallClock, input: AcdInput) -> Vec<AcdEffect> {
        self.last_at = at;
        let (effects, fresh) = (Vec::new(), Fresh::default());
        let mut turn = Turn { at, wall, effects, fresh, duty_shrank: false };
        let turn = &mut turn;
        self.settle(turn);
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
                let wish = Wish { queue, skills, prefers, priority, at_closing, absent: false };
                self.enter(turn, (call, again), wish, since, last_agent);
            }
            AcdInput::Await { call, queue, skills, priority, since } => {
                self.wait_for_absent(turn, call, queue, skills, (priority, since));
            }
            AcdInput::Leave { call } => self.leave(turn, call),
            AcdInput::Ringing { call, agent } => self.ringing(turn, call, &agent),
            AcdInput::PickedUp { call, agent } => self.picked_up(turn, call, &agent),
            AcdInput::Claim { call, agent } => self.claim(turn, call, agent),
            AcdInput::OfferFailed { call, agent, outcome } => {
                self.offer_failed(turn, call, &agent, outcome);
            }
            AcdInput::TalkEnded { agent, call } => self.talk_ended(turn, &agent, call),
            AcdInput::Hold { agent, call, held } => self.hold(turn, &agent, call, held),
            AcdInput::Engage { agent, call, queue } => self.engage(turn, &agent, call, queue),
            AcdInput::Reserve { call, agent, queue, ring_for } => {
                self.reserve(turn, call, agent, queue, ring_for);
            }
            AcdInput::Moved { agent, from, to, queue } => {
                self.moved(turn, &agent, from, to, queue);
            }
            AcdInput::Choose { agent, choice, reason, by, away } => {
                self.choose(turn, agent, choice, (reason, by), away);
            }
            AcdInput::CodeOwed { agent, owed } => self.code_owed(turn, &agent, owed),
            AcdInput::MoreTime { agent } => self.more_time(turn, agent),
            AcdInput::Reachable { agent, reachable } => self.reachable(turn, &agent, reachable),
            AcdInput::Restore { agent, state, away } => {
                self.restore(turn, &agent, state, away);
            }
            AcdInput::Timer => self.timer(turn),
        }
        self.read_hours(turn);
        if turn.duty_shrank {
            self.return_unstaffed(turn);
        }
        self.make_offers(turn);
        std::mem::take(&mut turn.effects)
    }

    /// When [`AcdInput::Timer`] must be applied next.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.unsettled { Some(self.last_at) } else { self.due.next() }
    }

    /// What an agent is doing.
    pub fn agent_state(&self, agent: &AgentId) -> Option<AgentState> {
        self.agents.get(agent).map(|agent| agent.activity.state())
    }

    /// Whether an agent owes a code for the last call, and is not free before.
    pub fn owes_code(&self, agent: &AgentId) -> bool {
        self.agents.owes_code(agent)
    }

    /// The calls that an agent is on.
    pub fn calls_of(&self, agent: &AgentId) -> Vec<CallId> {
        match self.agents.get(agent).map(|agent| &agent.activity) {
            Some(Activity::Engaged(engaged)) => engaged.calls.keys().copied().collect(),
            Some(
                Activity::SignedOut
                | Activity::NotReady
                | Activity::Ready
                | Activity::Unreachable
                | Activity::Offered { .. }
                | Activity::WrapUp,
            )
            | None => Vec::new(),
        }
    }

    /// Whether a calendar is open. One that is not in the settings (which `check` refuses) turns
    /// nobody away.
    pub fn is_open(&self, calendar: &CalendarName, at: Time, wall: &WallClock) -> bool {
        let calendar = self.plan.calendars.get(calendar);
        calendar.is_none_or(|calendar| calendar.is_open(&wall.at(at).zoned(&self.plan.zone)))
    }

    fn timer(&mut self, turn: &mut Turn<'_>) {
        while let Some((_, due)) = self.due.pop_due(turn.at) {
            match due {
                Due::Hours => self.hours_read = None,
                Due::WrapUp(agent) => self.wrap_up_over(turn, &agent),
                Due::Lease(agent) => self.lease_over(turn, &agent),
                Due::MaxWait(call) => self.waited_too_long(turn, call),
                Due::Relax(call) => self.relax(turn, call),
                Due::LastAgent(call) => {
                    self.wait_for_anybody(turn, call, NotWaitedFor::TooLong);
                }
                Due::Away(agent) => self.away_too_long(turn, &agent),
            }
        }
    }

    /// Reads the calendars if one has changed, or the wall clock or the settings have: hands back
    /// those who are to be told of the closing, and sets the timer for the next change. A new day begins
    /// with nobody having worked in it.
    fn read_hours(&mut self, turn: &mut Turn<'_>) {
        if self.hours_read == Some(*turn.wall) {
            return;
        }
        self.hours_read = Some(*turn.wall);
        self.return_closed(turn);
        let now = turn.wall.at(turn.at).zoned(&self.plan.zone);
        if self.day.replace(now.date()).is_some_and(|day| day != now.date()) {
            self.agents.begin_day(turn.at);
        }
        let used = self.plan.queues.values().filter_map(|queue| queue.hours.as_ref());
        let calendars = used.filter_map(|name| self.plan.calendars.get(name));
        let changes = calendars.filter_map(|calendar| calendar.next_change(&now));
        let counts = |queue: &QueueSettings| match queue.choose {
            Choose::LeastOccupied | Choose::FewestCalls => true,
            Choose::LongestIdle | Choose::MostSkilled | Choose::RoundRobin | Choose::RingAll => {
                false
            }
        };
        let counted = self.plan.queues.values().any(counts);
        let tomorrow = counted.then(|| now.tomorrow().and_then(|day| day.start_of_day()).ok());
        match changes.chain(tomorrow.flatten()).min() {
            Some(change) => {
                let change = UnixMicros(change.timestamp().as_microsecond());
                // A clock beyond the calendar's range must not make this timer spin.
                let soonest = turn.at + Duration::from_millis(1);
                self.due.set(Due::Hours, turn.wall.when(change).max(soonest));
            }
            None => {
                self.due.cancel(&Due::Hours);
            }
        }
    }

    fn queue_is_open(&self, queue: &QueueSettings, at: Time, wall: &WallClock) -> bool {
        queue.hours.as_ref().is_none_or(|name| self.is_open(name, at, wall))
    }

    /// Does what follows from new settings.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        if !std::mem::take(&mut self.unsettled) {
            return;
        }
        for agent in self.agents.gone() {
            self.sign_out_gone(turn, &agent);
        }
        let waits: Vec<(CallId, (QueueName, bool), Time, usize)> = self
            .tickets
            .iter()
            .map(|(call, t)| (call, (t.queue.clone(), t.absent), t.visit_at, t.relaxed))
            .collect();
        for (call, (queue, absent), visit_at, relaxed) in waits {
            self.forget_timers(call);
            let Some(settings) = self.plan.queues.get(&queue).cloned() else { continue };
            if let Some(limit) = settings.max_wait_s.filter(|_| !absent) {
                self.due.set(Due::MaxWait(call), visit_at + seconds(limit));
            }
            self.relax_next(call, (&settings, relaxed), visit_at);
            self.wait_as_settings_say(turn, call, (&settings, visit_at));
        }
        for agent in self.agents.away_now() {
            self.watch_away(&agent, turn.at);
        }
        turn.fresh.profiles.extend(self.agents.ready_profiles().cloned());
        turn.fresh.needs.extend(self.tickets.needs().cloned());
        turn.duty_shrank = true;
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}
