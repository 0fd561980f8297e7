//! Random days: the queue against its model, and what must hold at every step.

mod inputs;
mod rules;

use proptest::prelude::*;

use self::inputs::Tried;
use self::rules::{Rules, rules};
use super::model::{Model, Seen, Waiter, seen};
use super::*;
use crate::acd::LEASE_MARGIN;
use crate::acd::agents::{Activity, OfferedBy};
use crate::acd::command::WasAway;
use crate::acd::settings::TurnOrder;
use crate::call::command::LONGEST_PREFACE;
use crate::id::AwayReason;

const AGENTS: [(&str, &str); 5] = [
    ("amy", "waste:2"),
    ("ben", "waste housing:3"),
    ("chloe", "housing welsh"),
    ("dev", ""),
    ("ed", "waste:4 housing welsh:2"),
];
const QUEUES: [&str; 3] = ["waste", "housing", "desk"];
const CALLS: usize = 9;
/// Those who are to be rung back come after them and the agents' own calls.
const ABSENT: std::ops::Range<usize> = CALLS + 4..CALLS + 7;

/// Something that may happen. Numbers choose among what is there at that moment.
#[derive(Debug, Clone)]
enum Step {
    Pass(u16),
    MoveWall(i8),
    Enter {
        call: usize,
        queue: usize,
        skills: &'static str,
        tell: bool,
        since: Option<u8>,
        again: bool,
        priority: i32,
        /// Who spoke with this caller last.
        last: Option<usize>,
    },
    Leave(usize),
    Await {
        call: usize,
        queue: usize,
        skills: &'static str,
        since: u8,
        priority: i32,
    },
    Ring(usize),
    PickUp(usize),
    Answer(usize),
    Fail(usize, OfferOutcome),
    /// And whether a code is owed for it.
    EndTalk(usize, bool),
    Owe(usize, bool),
    MoreTime(usize),
    Hold(usize, bool),
    WildHold(usize, usize, bool),
    Engage(usize, usize, Option<usize>),
    Reserve(usize, usize, Option<usize>),
    Move(usize, usize),
    WildClaim(usize, usize),
    WildFailure(usize, usize, OfferOutcome),
    WildEnd(usize, usize),
    /// By a supervisor, or not; for what.
    Choose(usize, AgentChoice, bool, Option<&'static str>),
    /// And how long ago an agent went who was not ready.
    Restore(usize, AgentState, u8),
    Phone(usize, bool),
}

fn outcome() -> impl Strategy<Value = OfferOutcome> {
    prop_oneof![
        3 => Just(OfferOutcome::NoAnswer),
        2 => Just(OfferOutcome::Rejected),
        2 => Just(OfferOutcome::Unreachable),
        1 => Just(OfferOutcome::Withdrawn),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (call, agent) = (0..CALLS, 0..AGENTS.len());
    let skills = prop::sample::select(vec!["", "", "welsh", "welsh:3", "welsh:3?", "waste:4?"]);
    let last = prop::option::of(0..AGENTS.len());
    let flags = (skills, any::<bool>(), any::<Option<u8>>(), any::<bool>(), -1..3i32, last);
    let enter = (call.clone(), 0..QUEUES.len(), flags);
    // Calls of the agents' own, and those of which an agent is part by name.
    let own = CALLS..CALLS + 4;
    let by_name = (own.clone(), agent.clone(), prop::option::of(0..QUEUES.len()));
    let choice = prop_oneof![
        2 => Just(AgentChoice::SignIn),
        1 => Just(AgentChoice::SignOut),
        5 => Just(AgentChoice::Ready),
        2 => Just(AgentChoice::NotReady),
    ];
    let reason = prop::option::of(prop::sample::select(vec!["lunch", "training", "nap"]));
    let absent =
        (ABSENT, 0..QUEUES.len(), prop::sample::select(vec!["", "welsh"]), 0..60u8, -1..3i32);
    let state = prop::sample::select(vec![
        AgentState::SignedOut,
        AgentState::NotReady,
        AgentState::Ready,
        AgentState::Talking,
    ]);
    prop_oneof![
        6 => prop_oneof![0..3_000u16, 0..45_000u16].prop_map(Step::Pass),
        1 => (-30..30i8).prop_map(Step::MoveWall),
        8 => enter.prop_map(|(call, queue, (skills, tell, since, again, priority, last))| {
            Step::Enter { call, queue, skills, tell, since, again, priority, last }
        }),
        3 => by_name.clone().prop_map(|(call, agent, queue)| Step::Engage(call, agent, queue)),
        4 => by_name.prop_map(|(call, agent, queue)| Step::Reserve(call, agent, queue)),
        2 => (call.clone(), own).prop_map(|(nth, to)| Step::Move(nth, to)),
        1 => absent.prop_map(|(call, queue, skills, since, priority)| {
            Step::Await { call, queue, skills, since, priority }
        }),
        2 => (0..ABSENT.end).prop_map(Step::Leave),
        2 => call.clone().prop_map(Step::Ring),
        3 => call.clone().prop_map(Step::PickUp),
        6 => call.clone().prop_map(Step::Answer),
        3 => (call.clone(), outcome()).prop_map(|(nth, outcome)| Step::Fail(nth, outcome)),
        5 => (call.clone(), any::<bool>()).prop_map(|(nth, owed)| Step::EndTalk(nth, owed)),
        2 => (agent.clone(), any::<bool>()).prop_map(|(agent, owed)| Step::Owe(agent, owed)),
        2 => agent.clone().prop_map(Step::MoreTime),
        3 => (call.clone(), any::<bool>()).prop_map(|(nth, held)| Step::Hold(nth, held)),
        1 => (call.clone(), agent.clone(), any::<bool>())
            .prop_map(|(call, agent, held)| Step::WildHold(call, agent, held)),
        1 => (call.clone(), agent.clone()).prop_map(|(c, a)| Step::WildClaim(c, a)),
        1 => (call.clone(), agent.clone(), outcome())
            .prop_map(|(call, agent, outcome)| Step::WildFailure(call, agent, outcome)),
        1 => (call, agent.clone()).prop_map(|(call, agent)| Step::WildEnd(call, agent)),
        6 => (agent.clone(), choice, prop::bool::weighted(0.2), reason)
            .prop_map(|(agent, choice, by, reason)| Step::Choose(agent, choice, by, reason)),
        1 => (agent.clone(), state, 0..40u8)
            .prop_map(|(agent, state, ago_s)| Step::Restore(agent, state, ago_s)),
        1 => (agent, any::<bool>()).prop_map(|(agent, there)| Step::Phone(agent, there)),
    ]
}

/// The queue, its model, and the books.
struct Both {
    world: World,
    model: Model,
    /// Entered, minus answered, handed back, left and moved on: those who wait.
    balance: i64,
    tried: Tried,
}

impl Both {
    fn new(rules: &Rules) -> Self {
        let mut world = World {
            acd: Acd::new(rules.plan()),
            at: Time::ZERO,
            wall: WallClock::showing(unix("2026-11-23T16:55:00Z"), Time::ZERO),
        };
        let model = Model::new(&rules.plan());
        world.apply(AcdInput::Timer);
        let mut both = Both { world, model, balance: 0, tried: Tried::default() };
        for (agent, _) in AGENTS {
            both.apply(AcdInput::Reachable { agent: agent.into(), reachable: true });
            both.choose(agent, AgentChoice::SignIn, StateReason::Own, None);
            both.choose(agent, AgentChoice::Ready, StateReason::Own, None);
        }
        both
    }

    fn choose(
        &mut self,
        agent: &str,
        choice: AgentChoice,
        reason: StateReason,
        away: Option<AwayReason>,
    ) {
        let agent = agent.into();
        self.apply(AcdInput::Choose { agent, choice, reason, by: None, away });
    }

    fn apply(&mut self, input: AcdInput) {
        let (at, wall) = (self.world.at, self.world.wall);
        let open = self.world.acd.is_open(&"office".into(), at, &wall);
        let waits = |call| self.model.waiters.iter().any(|waiter| waiter.call == call);
        self.tried.note(&input);
        match &input {
            AcdInput::Leave { call } => self.balance -= i64::from(waits(*call)),
            AcdInput::Await { call, .. } => self.balance += i64::from(!waits(*call)),
            _ => {}
        }
        let expected = self.model.apply(at, open, input.clone());
        let effects = self.world.apply(input.clone());
        assert_eq!(seen(&effects), expected, "after {input:?}");
        for effect in &expected {
            if let Seen::Offer(call, agent) = effect {
                self.nobody_is_passed_for_too_long(*call, agent);
            }
        }
        for effect in expected {
            self.balance += match effect {
                Seen::Entered(_, _, None) => 1,
                Seen::Claimed(..) | Seen::Returned(_, _, true) => -1,
                Seen::Entered(_, _, Some(_))
                | Seen::Returned(_, _, false)
                | Seen::Relaxed(..)
                | Seen::WaitsForAnybody(..)
                | Seen::Offer(..)
                | Seen::Cancel(..)
                | Seen::ClaimRefused(..)
                | Seen::Reserved(..)
                | Seen::ReserveRefused(..)
                | Seen::DirectClaimed(..)
                | Seen::Refused(..)
                | Seen::AwayTooLong(..) => 0,
            };
        }
        self.must_hold();
    }

    fn pass(&mut self, by: Duration) {
        let until = self.world.at + by;
        while let Some(due) = self.world.acd.poll_timeout().filter(|due| *due <= until) {
            self.world.at = self.world.at.max(due);
            self.apply(AcdInput::Timer);
        }
        self.world.at = until;
    }

    /// Whoever waits on although this agent could have served them was there later, but for as long as
    /// their priority and their queue's standard are worth. With strict priority nobody of a higher
    /// number goes first, and of equals whoever came first.
    fn nobody_is_passed_for_too_long(&self, call: CallId, agent: &AgentId) {
        let model = &self.model;
        let find = |call| model.waiters.iter().find(|waiter| waiter.call == call);
        let chosen = find(call).expect("waits until the claim");
        let agent = model.workers.iter().find(|worker| worker.id == *agent).expect("is there");
        // Whoever is rung besides could serve nobody for whom nobody is.
        // Who waits for another has chosen to be passed by this one.
        let waits = |other: &Waiter| other.only.as_ref().is_none_or(|(only, _)| *only == agent.id);
        let passed = |other: &&Waiter| {
            other.offered.is_empty() && waits(other) && agent.can(&model.needs(other))
        };
        let (turns, queues) = (&model.turns, &model.queues);
        for other in model.waiters.iter().filter(passed) {
            let steps = i64::from(other.priority.0) - i64::from(chosen.priority.0);
            let standards = match turns.order {
                TurnOrder::FirstCome => 0,
                TurnOrder::Standard => {
                    i64::from(queues[&other.queue].standard_s)
                        - i64::from(queues[&chosen.queue].standard_s)
                }
            };
            let later_us = chosen.first.as_micros() as i64 - other.first.as_micros() as i64;
            let bound_us = match turns.ageing_s {
                Some(step_s) => (steps * i64::from(step_s) + standards) * 1_000_000,
                None if steps == 0 => standards * 1_000_000,
                None => {
                    assert!(steps > 0, "{other:?} is passed by {chosen:?}");
                    continue;
                }
            };
            assert!(later_us <= bound_us, "{other:?} is passed by {chosen:?}");
        }
    }

    fn must_hold(&self) {
        let (acd, model) = (&self.world.acd, &self.model);
        for worker in &model.workers {
            assert_eq!(acd.agent_state(&worker.id), Some(worker.state), "{worker:?}");
            assert_eq!(acd.owes_code(&worker.id), worker.owes, "{worker:?}");
        }
        assert_eq!(acd.tickets.iter().count(), model.waiters.len());
        assert_eq!(self.balance, model.waiters.len() as i64, "the books");
        let waiter =
            |call| model.waiters.iter().find(|waiter| waiter.call == call).expect("waits in both");
        let longest = LONGEST_PREFACE.max(secs(20)) + LEASE_MARGIN;
        let mut offers = 0;
        for (id, agent) in acd.agents.iter() {
            if let Activity::Offered { from: OfferedBy::Direct { .. }, .. } = &agent.activity {
                assert!(acd.poll_timeout().is_some(), "a reservation ends by itself");
            }
            if let Activity::Offered { call, from: OfferedBy::Queue, .. } = &agent.activity {
                offers += 1;
                let ticket = acd.tickets.get(*call).expect("an offer is of somebody who waits");
                assert!(ticket.offers.contains(id), "an offer has two sides");
                assert!(
                    acd.poll_timeout().is_some_and(|due| due <= self.world.at + longest),
                    "a reservation ends by itself"
                );
            }
            for (call, ticket) in acd.tickets.iter() {
                let skills = acd.agents.skills(id).expect("is there");
                let waits_for_another = ticket.waits_for.as_ref().is_some_and(|last| last != id);
                assert!(
                    agent.activity != Activity::Ready
                        || waits_for_another
                        || ticket.is_picked_up()
                        || ticket.offers.len() >= model.rung_at_once(waiter(call))
                        || !ticket.need.is_met_by(skills),
                    "{id} is ready and {call} waits"
                );
            }
        }
        let mut offered = 0;
        for (call, ticket) in acd.tickets.iter() {
            offered += ticket.offers.len();
            let waiter = waiter(call);
            assert_eq!(ticket.offers, waiter.offered);
            assert_eq!(ticket.is_picked_up(), waiter.picked_up);
            assert!(ticket.offers.len() == 1 || !waiter.picked_up, "nobody is rung besides");
            let only = waiter.only.as_ref().map(|(only, _)| only);
            assert_eq!(ticket.waits_for.as_ref(), only, "{call} waits for the same");
            let most = model.rung_at_once(waiter);
            assert!(ticket.offers.len() <= most, "{call} is offered to more than {most}");
        }
        assert_eq!(offered, offers, "nobody is rung for two");
    }

    /// The nth of the offers under way.
    fn offer(&self, nth: usize) -> Option<(CallId, AgentId)> {
        let workers = self.model.workers.iter();
        let mut offers: Vec<_> =
            workers.filter_map(|worker| Some((worker.call?, worker.id.clone()))).collect();
        offers.sort();
        let count = offers.len().max(1);
        offers.get(nth % count).cloned()
    }

    fn talk(&self, nth: usize) -> Option<(CallId, AgentId)> {
        let workers = self.model.workers.iter();
        let talks: Vec<_> = workers
            .flat_map(|worker| worker.calls.iter().map(|(call, _)| (*call, worker.id.clone())))
            .collect();
        talks.get(nth % talks.len().max(1)).cloned()
    }

    fn step(&mut self, step: Step) {
        let number = |at: usize| call(at as u128 + 1);
        let agent = |at: usize| AgentId::from(AGENTS[at].0);
        match step {
            Step::Pass(millis) => self.pass(Duration::from_millis(u64::from(millis))),
            Step::MoveWall(minutes) => {
                let shown = self.world.wall.at(self.world.at).0 + i64::from(minutes) * 60_000_000;
                // Not over midnight: the model knows one day.
                let last = unix("2026-11-23T20:00:00Z").0;
                self.world.wall = WallClock::showing(UnixMicros(shown.min(last)), self.world.at);
                self.apply(AcdInput::Timer);
            }
            Step::Enter { call, queue, skills, tell, since, again, priority, last } => {
                let since = since.map(|seconds| Time::from_millis(u64::from(seconds) * 1_000));
                let since = since.filter(|since| *since <= self.world.at);
                let at_closing = if tell { AtClosing::Tell } else { AtClosing::Serve };
                let wish = (QUEUES[queue], skills, Priority(priority), at_closing);
                let mut input = entering(call as u128 + 1, wish, since, again);
                if let AcdInput::Enter { last_agent, .. } = &mut input {
                    *last_agent = last.map(agent);
                }
                self.apply(input);
            }
            Step::Leave(call) => self.apply(AcdInput::Leave { call: number(call) }),
            Step::Await { call, queue, skills, since, priority } => {
                let since = Time::from_millis(u64::from(since) * 1_000);
                let (call, priority) = (number(call), Priority(priority));
                let (queue, skills) = (QUEUES[queue].into(), abilities(skills));
                self.apply(AcdInput::Await { call, queue, skills, priority, since });
            }
            Step::PickUp(nth) => {
                if let Some((call, agent)) = self.offer(nth) {
                    self.apply(AcdInput::PickedUp { call, agent });
                }
            }
            Step::Ring(nth) => {
                if let Some((call, agent)) = self.offer(nth) {
                    self.apply(AcdInput::Ringing { call, agent });
                }
            }
            Step::Answer(nth) => {
                if let Some((call, agent)) = self.offer(nth) {
                    self.apply(AcdInput::Claim { call, agent });
                }
            }
            Step::Fail(nth, outcome) => {
                if let Some((call, agent)) = self.offer(nth) {
                    self.apply(AcdInput::OfferFailed { call, agent, outcome });
                }
            }
            Step::EndTalk(nth, owed) => {
                if let Some((call, agent)) = self.talk(nth) {
                    self.apply(AcdInput::CodeOwed { agent: agent.clone(), owed });
                    self.apply(AcdInput::TalkEnded { agent, call });
                }
            }
            Step::Engage(call, at, queue) => {
                let queue = queue.map(|queue| QUEUES[queue].into());
                self.apply(AcdInput::Engage { agent: agent(at), call: number(call), queue });
            }
            Step::Reserve(call, at, queue) => {
                let queue = queue.map(|queue| QUEUES[queue].into());
                let (call, agent, ring_for) = (number(call), agent(at), secs(20));
                self.apply(AcdInput::Reserve { call, agent, queue, ring_for });
            }
            Step::Move(nth, to) => {
                let found = self.talk(nth).or_else(|| self.offer(nth));
                if let Some((from, agent)) = found {
                    let (to, queue) = (number(to), Some("waste".into()));
                    self.apply(AcdInput::Moved { agent, from, to, queue });
                }
            }
            Step::WildClaim(call, at) => {
                self.apply(AcdInput::Claim { call: number(call), agent: agent(at) });
            }
            Step::WildFailure(call, at, outcome) => {
                let (call, agent) = (number(call), agent(at));
                self.apply(AcdInput::OfferFailed { call, agent, outcome });
            }
            Step::WildEnd(call, at) => {
                self.apply(AcdInput::TalkEnded { agent: agent(at), call: number(call) });
            }
            Step::Owe(at, owed) => self.apply(AcdInput::CodeOwed { agent: agent(at), owed }),
            Step::Hold(nth, held) => {
                if let Some((call, agent)) = self.talk(nth) {
                    self.apply(AcdInput::Hold { agent, call, held });
                }
            }
            Step::WildHold(call, at, held) => {
                self.apply(AcdInput::Hold { agent: agent(at), call: number(call), held });
            }
            Step::MoreTime(at) => self.apply(AcdInput::MoreTime { agent: agent(at) }),
            Step::Choose(at, choice, supervisor, away) => {
                let reason = if supervisor { StateReason::Supervisor } else { StateReason::Own };
                self.choose(AGENTS[at].0, choice, reason, away.map(AwayReason::from));
            }
            Step::Restore(at, state, ago_s) => {
                let was = |reason: &str| {
                    let (reason, lasted) = (reason.into(), secs(u64::from(ago_s)));
                    WasAway { reason, lasted, over: ago_s > 30 }
                };
                let away = (ago_s % 3 > 0).then(|| was("lunch"));
                self.apply(AcdInput::Restore { agent: agent(at), state, away });
            }
            Step::Phone(at, reachable) => {
                self.apply(AcdInput::Reachable { agent: agent(at), reachable });
            }
        }
    }
}

/// How many histories are tried: `HISTORIES`, or a few thousand.
fn histories() -> u32 {
    std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: histories(), ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_its_model_does(
        rules in rules(),
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let mut both = Both::new(&rules);
        for step in steps {
            both.step(step);
        }
        // Whatever was lost on the way, no offer stands for ever.
        both.pass(secs(3_600));
        for worker in &both.model.workers {
            let stuck = matches!(worker.state, AgentState::Reserved | AgentState::Ringing);
            prop_assert!(!stuck, "{worker:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_same_inputs_have_the_same_effects(
        rules in rules(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let run = || {
            let mut both = Both::new(&rules);
            for step in steps.clone() {
                both.step(step);
            }
            format!("{:?}", both.world.acd)
        };
        prop_assert_eq!(run(), run());
    }
}
