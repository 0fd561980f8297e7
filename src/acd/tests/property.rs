//! Random days: the queue against its model, and what must hold at every step.

use proptest::prelude::*;

use super::model::{Model, Seen, Waiter, seen};
use super::*;
use crate::acd::LEASE_MARGIN;
use crate::acd::agents::{Activity, OfferedBy};
use crate::acd::settings::{Relaxation, TurnOrder};
use crate::event::Choose;

const AGENTS: [(&str, &str); 5] = [
    ("amy", "waste:2"),
    ("ben", "waste housing:3"),
    ("chloe", "housing welsh"),
    ("dev", ""),
    ("ed", "waste:4 housing welsh:2"),
];
const QUEUES: [&str; 3] = ["waste", "housing", "desk"];
const CALLS: usize = 9;

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
    Ring(usize),
    Answer(usize),
    Fail(usize, OfferOutcome),
    EndTalk(usize),
    Engage(usize, usize, Option<usize>),
    Reserve(usize, usize, Option<usize>),
    Move(usize, usize),
    WildClaim(usize, usize),
    WildFailure(usize, usize, OfferOutcome),
    WildEnd(usize, usize),
    Choose(usize, AgentChoice),
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
        1 => Just(AgentChoice::NotReady),
    ];
    prop_oneof![
        6 => prop_oneof![0..3_000u16, 0..45_000u16].prop_map(Step::Pass),
        1 => (-30..30i8).prop_map(Step::MoveWall),
        8 => enter.prop_map(|(call, queue, (skills, tell, since, again, priority, last))| {
            Step::Enter { call, queue, skills, tell, since, again, priority, last }
        }),
        3 => by_name.clone().prop_map(|(call, agent, queue)| Step::Engage(call, agent, queue)),
        4 => by_name.prop_map(|(call, agent, queue)| Step::Reserve(call, agent, queue)),
        2 => (call.clone(), own).prop_map(|(nth, to)| Step::Move(nth, to)),
        2 => call.clone().prop_map(Step::Leave),
        2 => call.clone().prop_map(Step::Ring),
        6 => call.clone().prop_map(Step::Answer),
        3 => (call.clone(), outcome()).prop_map(|(nth, outcome)| Step::Fail(nth, outcome)),
        5 => call.clone().prop_map(Step::EndTalk),
        1 => (call.clone(), agent.clone()).prop_map(|(c, a)| Step::WildClaim(c, a)),
        1 => (call.clone(), agent.clone(), outcome())
            .prop_map(|(call, agent, outcome)| Step::WildFailure(call, agent, outcome)),
        1 => (call, agent.clone()).prop_map(|(call, agent)| Step::WildEnd(call, agent)),
        6 => (agent.clone(), choice).prop_map(|(agent, choice)| Step::Choose(agent, choice)),
        1 => (agent, any::<bool>()).prop_map(|(agent, there)| Step::Phone(agent, there)),
    ]
}

/// What differs between councils.
#[derive(Debug, Clone)]
struct Rules {
    choose: [Choose; 3],
    turns: TurnSettings,
    ring_at_most: usize,
    last_agent_s: Option<u32>,
    not_ready_after: u32,
    relax: bool,
    prefer: bool,
}

fn rules() -> impl Strategy<Value = Rules> {
    let choose = || {
        prop::sample::select(vec![
            Choose::LongestIdle,
            Choose::MostSkilled,
            Choose::LeastOccupied,
            Choose::FewestCalls,
            Choose::RoundRobin,
            Choose::RingAll,
        ])
    };
    let order = prop::sample::select(vec![TurnOrder::FirstCome, TurnOrder::Standard]);
    let turns = (order, prop::option::of(1..40u32));
    let turns = turns.prop_map(|(order, ageing_s)| TurnSettings { order, ageing_s });
    let choose = [choose(), choose(), choose()];
    let offers = (1..5usize, prop::option::of(1..40u32), 1..4u32);
    let flags = (any::<bool>(), any::<bool>());
    (choose, turns, offers, flags).prop_map(
        |(choose, turns, (ring_at_most, last_agent_s, not_ready_after), (relax, prefer))| Rules {
            choose,
            turns,
            ring_at_most,
            last_agent_s,
            not_ready_after,
            relax,
            prefer,
        },
    )
}

impl Rules {
    fn plan(&self) -> AcdPlan {
        let mut desk = queue(&[]);
        (desk.wrap_up_s, desk.wait_when_unstaffed) = (0, false);
        let mut housing = queue(&["housing"]);
        (housing.max_wait_s, housing.standard_s) = (Some(60), 20);
        let (_, mut waste) = waste_with(|queue| {
            queue.hours = Some("office".into());
            queue.max_waiting = Some(3);
        });
        let step = |after_s, skills| Relaxation { after_s, skills: abilities(skills) };
        if self.relax {
            waste.skills = abilities("waste:3");
            waste.relax = vec![step(10, "waste"), step(25, "housing")];
            housing.skills = abilities("housing:4");
            housing.relax = vec![step(15, "housing:3"), step(60, "welsh")];
            desk.skills = abilities("welsh:3");
            desk.relax = vec![step(20, "welsh:1")];
        }
        if self.prefer {
            (housing.prefers, desk.prefers) = (abilities("waste:5 welsh"), abilities("housing"));
        }
        let mut queues = [("waste", waste), ("housing", housing), ("desk", desk)];
        for ((_, queue), choose) in queues.iter_mut().zip(self.choose) {
            (queue.choose, queue.not_ready_after) = (choose, self.not_ready_after);
            (queue.ring_at_most, queue.last_agent_s) = (self.ring_at_most, self.last_agent_s);
        }
        AcdPlan { turns: self.turns, ..plan(&queues, &AGENTS) }
    }
}

/// The queue, its model, and the books.
struct Both {
    world: World,
    model: Model,
    /// Entered, minus answered, handed back, left and moved on: those who wait.
    balance: i64,
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
        let mut both = Both { world, model, balance: 0 };
        for (agent, _) in AGENTS {
            both.apply(AcdInput::Reachable { agent: agent.into(), reachable: true });
            both.choose(agent, AgentChoice::SignIn);
            both.choose(agent, AgentChoice::Ready);
        }
        both
    }

    fn choose(&mut self, agent: &str, choice: AgentChoice) {
        let (reason, by) = (StateReason::Own, None);
        self.apply(AcdInput::Choose { agent: agent.into(), choice, reason, by, away: None });
    }

    fn apply(&mut self, input: AcdInput) {
        let (at, wall) = (self.world.at, self.world.wall);
        let open = self.world.acd.is_open(&"office".into(), at, &wall);
        if let AcdInput::Leave { call } = &input {
            let waits = self.model.waiters.iter().any(|waiter| waiter.call == *call);
            self.balance -= i64::from(waits);
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
                | Seen::DirectClaimed(..) => 0,
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
        }
        assert_eq!(acd.tickets.iter().count(), model.waiters.len());
        assert_eq!(self.balance, model.waiters.len() as i64, "the books");
        let waiter =
            |call| model.waiters.iter().find(|waiter| waiter.call == call).expect("waits in both");
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
                    acd.poll_timeout()
                        .is_some_and(|due| due <= self.world.at + secs(20) + LEASE_MARGIN),
                    "a reservation ends by itself"
                );
            }
            for (call, ticket) in acd.tickets.iter() {
                let skills = acd.agents.skills(id).expect("is there");
                let waits_for_another = ticket.waits_for.as_ref().is_some_and(|last| last != id);
                assert!(
                    agent.activity != Activity::Ready
                        || waits_for_another
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
            Step::EndTalk(nth) => {
                if let Some((call, agent)) = self.talk(nth) {
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
            Step::Choose(at, choice) => self.choose(AGENTS[at].0, choice),
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
