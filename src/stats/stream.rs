//! Hand-made journals for tests: a clock that is set and moved by hand, and the lives of calls.

use crate::event::{
    AgentEvent, AgentState, CallEvent, Caller, EndCause, Entry, Event, Outcome, Party, Peer, Place,
    Purpose, QueueSettingsInForce, StateReason, SystemEvent,
};
use crate::id::{AgentId, CallId, Entropy, LegId, QueueName};
use crate::time::{Time, UnixMicros};

use super::live::Live;
use super::{Fold, IntervalRow};

/// A second, in microseconds.
pub(crate) const S: u64 = 1_000_000;

/// A journal in the making, and its fold.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) entries: Vec<Entry>,
    pub(crate) fold: Fold,
    at: i64,
    time: u64,
    entropy: Entropy,
}

/// A call of a [`Stream`] and the instants that its waits are measured from.
#[derive(Debug, Clone)]
pub(crate) struct TestCall {
    pub(crate) id: CallId,
    arrived: u64,
    first: Option<u64>,
    entered: u64,
    pub(crate) episode: u32,
    pub(crate) queue: Option<QueueName>,
}

/// An instant written in UTC.
pub(crate) fn at(text: &str) -> UnixMicros {
    UnixMicros(text.parse::<jiff::Timestamp>().expect("a timestamp").as_microsecond())
}

impl Stream {
    /// A journal that begins at `start` (UTC) with a start and the default settings for the queues
    /// `waste` and `parking` and the agents `amy` and `bob`.
    pub(crate) fn starting(start: &str) -> Self {
        let entropy = Entropy::from_seed([9; 32]);
        let at = at(start).0;
        let mut stream = Stream { entries: vec![], fold: Fold::new(), at, time: 5, entropy };
        stream.start();
        stream.settings(60, 5);
        stream
    }

    pub(crate) fn push(&mut self, event: Event) {
        let seq = self.entries.len() as u64 + 1;
        let entry =
            Entry { seq, at: UnixMicros(self.at), time: Time::from_micros(self.time), event };
        self.fold.apply(&entry);
        self.entries.push(entry);
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, micros: u64) {
        self.at += i64::try_from(micros).expect("a short time");
        self.time += micros;
    }

    /// Moves both clocks on until the calendar shows `later`.
    pub(crate) fn until(&mut self, later: &str) {
        let micros = at(later).0 - self.at;
        self.pass(u64::try_from(micros).expect("an instant to come"));
    }

    /// Steps the wall clock and not the timers.
    pub(crate) fn step_wall_clock(&mut self, micros: i64) {
        self.at += micros;
    }

    /// A new run of the engine, whose monotonic clock begins anew.
    pub(crate) fn start(&mut self) {
        self.time = 1;
        self.push(Event::System { event: SystemEvent::Started { version: "test".to_owned() } });
    }

    /// What a start writes before anything else.
    pub(crate) fn close_last_run(&mut self) {
        self.time = 0;
        let (now, at) = (Time::from_micros(self.time), UnixMicros(self.at));
        for entry in super::closing_entries(&self.fold, at, now) {
            assert_eq!(entry.seq, self.entries.len() as u64 + 1);
            self.push(entry.event);
        }
    }

    pub(crate) fn settings(&mut self, standard_s: u64, short_abandon_s: u64) {
        let queue = |name: &str, title: &str| QueueSettingsInForce {
            queue: name.into(),
            title: title.to_owned(),
            standard_us: standard_s * S,
            short_abandon_us: short_abandon_s * S,
            served_by: Vec::new(),
            last_agent_within_us: None,
        };
        self.push(Event::System {
            event: SystemEvent::SettingsInForce {
                bulletins: Vec::new(),
                history_us: 0,
                wrap_up: Default::default(),
                away: Default::default(),
                phones: Vec::new(),
                organisation: "Havering".to_owned(),
                time_zone: "Europe/London".to_owned(),
                queues: vec![queue("parking", "Parking"), queue("waste", "Waste and recycling")],
                agents: vec![("amy".into(), "Amy".to_owned()), ("bob".into(), "Bob".to_owned())],
            },
        });
    }

    pub(crate) fn call(&mut self, call: &TestCall, event: CallEvent) {
        self.push(Event::Call { call: call.id, event });
    }

    pub(crate) fn arrive(&mut self) -> TestCall {
        self.arrive_from(None)
    }

    /// A call from a number.
    pub(crate) fn arrive_from(&mut self, number: Option<&str>) -> TestCall {
        let id = self.entropy.call_id(UnixMicros(self.at));
        let call =
            TestCall { id, arrived: self.time, first: None, entered: 0, episode: 0, queue: None };
        let number = number.map(str::to_owned);
        let caller = Caller { number, ..Caller::default() };
        let called = "01708434343".to_owned();
        let flow = Some("main".into());
        let (leg, by) = (LegId(1), None);
        let (through, callback) = (None, None);
        let arrived = CallEvent::Arrived { leg, caller, called, flow, by, through, callback };
        self.call(&call, arrived);
        call
    }

    /// The call begins an episode, or goes on with the one that a move left open.
    pub(crate) fn enter(&mut self, call: &mut TestCall, queue: &str) {
        let begins = call.first.is_none();
        if begins {
            call.first = Some(self.time);
            call.episode += 1;
        }
        let first = begins && call.episode == 1;
        call.entered = self.time;
        call.queue = Some(queue.into());
        let (queue, skills, place) = (queue.into(), vec![], Place::default());
        let episode = call.episode;
        self.call(call, CallEvent::QueueEntered { queue, skills, first, episode, place });
    }

    /// A call that arrives and enters a queue at once.
    pub(crate) fn queued(&mut self, queue: &str) -> TestCall {
        let mut call = self.arrive();
        self.enter(&mut call, queue);
        call
    }

    pub(crate) fn wait_us(&self, call: &TestCall) -> u64 {
        self.time - call.first.expect("waits")
    }

    pub(crate) fn leave(&mut self, call: &mut TestCall, outcome: Outcome) {
        let (wait_us, episode) = (self.wait_us(call), call.episode);
        let queue = call.queue.take().expect("waits");
        if outcome != Outcome::Moved {
            call.first = None;
        }
        self.call(call, CallEvent::QueueLeft { queue, outcome, wait_us, episode });
    }

    pub(crate) fn move_to(&mut self, call: &mut TestCall, queue: &str) {
        self.leave(call, Outcome::Moved);
        self.enter(call, queue);
    }

    pub(crate) fn join(&mut self, call: &TestCall, agent: &str) {
        let event = CallEvent::Joined {
            queue: call.queue.clone().expect("waits"),
            agent: agent.into(),
            leg: LegId(2),
            wait_us: self.wait_us(call),
            visit_us: self.time - call.entered,
            to_person_us: self.time - call.arrived,
            episode: call.episode,
        };
        self.call(call, event);
    }

    pub(crate) fn answer(&mut self, call: &mut TestCall, agent: &str) {
        self.join(call, agent);
        self.leave(call, Outcome::Answered);
    }

    pub(crate) fn part(&mut self, call: &TestCall, agent: &str, talk_us: u64, hold_us: u64) {
        let (queue, agent, by) = (QueueName::from("waste"), AgentId::from(agent), Party::Caller);
        self.call(call, CallEvent::Parted { queue, agent, talk_us, hold_us, by });
    }

    pub(crate) fn connect(&mut self, call: &TestCall, to: &Peer) {
        let (to, purpose) = (to.clone(), Purpose::Transfer);
        self.call(call, CallEvent::Connected { to, leg: LegId(3), purpose });
    }

    pub(crate) fn disconnect(&mut self, call: &TestCall, from: &Peer, talk_us: u64, hold_us: u64) {
        let (from, by) = (from.clone(), Party::Agent);
        self.call(call, CallEvent::Disconnected { from, talk_us, hold_us, by });
    }

    pub(crate) fn end(&mut self, call: &TestCall, cause: EndCause) {
        let duration_us = self.time - call.arrived;
        self.call(call, CallEvent::Ended { cause, duration_us });
    }

    pub(crate) fn abandon(&mut self, mut call: TestCall) {
        self.leave(&mut call, Outcome::Abandoned);
        self.end(&call, EndCause::CallerAbandoned);
    }

    pub(crate) fn state(&mut self, agent: &str, from: AgentState, to: AgentState, lasted_us: u64) {
        let (reason, by) = (StateReason::Call, None);
        let event = AgentEvent::State { from, to, reason, by, lasted_us, away: None };
        self.push(Event::Agent { agent: agent.into(), event });
    }

    pub(crate) fn register(&mut self, agent: &str, contact: &str, cseq: u32, expires_in_us: i64) {
        let event = AgentEvent::Registered {
            contact: contact.to_owned(),
            source: "192.0.2.7:5060".to_owned(),
            listener: 0,
            call_id: "a@phone".to_owned(),
            cseq,
            expires_at: UnixMicros(self.at + expires_in_us),
        };
        self.push(Event::Agent { agent: agent.into(), event });
    }

    pub(crate) fn now(&self) -> (Time, UnixMicros) {
        (Time::from_micros(self.time), UnixMicros(self.at))
    }

    pub(crate) fn live(&self) -> Live {
        self.fold.live(Time::from_micros(self.time), UnixMicros(self.at))
    }

    pub(crate) fn rows(&self) -> Vec<IntervalRow> {
        self.fold.intervals(Time::from_micros(self.time), UnixMicros(self.at))
    }

    /// The row of a half hour, which begins at `start` as London shows it, for a queue or for all.
    pub(crate) fn row(&self, start: &str, queue: Option<&str>) -> IntervalRow {
        let rows = self.rows();
        let found = rows.iter().find(|row| {
            row.interval_start == start && row.queue.as_ref().map(QueueName::as_str) == queue
        });
        found.unwrap_or_else(|| panic!("no row {start} {queue:?} in {rows:#?}")).clone()
    }
}

impl Live {
    pub(crate) fn queue(&self, name: &str) -> &super::live::QueueLive {
        let found = self.queues.iter().find(|queue| queue.queue.as_str() == name);
        found.expect("the queue is there")
    }
}
