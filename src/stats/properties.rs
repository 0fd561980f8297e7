//! Random lives of calls, valid by construction: the balance holds at every entry, and neither a
//! snapshot nor a restart changes a figure.

use proptest::prelude::*;

use crate::event::{
    AgentEvent, AgentState, CallEvent, EndCause, Entry, Event, Outcome, Party, Peer, Place,
    Purpose, QueueSettingsInForce, StateReason, SystemEvent,
};
use crate::id::{AgentId, CallId, LegId, QueueName};
use crate::time::{Time, UnixMicros};

use super::Fold;
use super::stream::{Stream, TestCall};

/// What may happen next; what it happens to is chosen by an index.
#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    Arrive { queue: bool },
    Answer(usize),
    Move(usize),
    Leave(usize, Outcome),
    BackToQueue(usize),
    HandOn(usize, Peer),
    HangUp(usize),
    Settings(u64, u64),
    Agent(AgentState),
    Restart { died: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop::sample::select(vec![
        Outcome::Abandoned,
        Outcome::Overflowed,
        Outcome::CallbackTaken,
        Outcome::Voicemail,
        Outcome::EndedBySystem,
    ]);
    prop_oneof![
        4 => (0_u64..200_000_000).prop_map(Step::Pass),
        1 => (0_u64..40_000_000_000).prop_map(Step::Pass),
        4 => any::<bool>().prop_map(|queue| Step::Arrive { queue }),
        4 => (0_usize..8).prop_map(Step::Answer),
        2 => (0_usize..8).prop_map(Step::Move),
        3 => ((0_usize..8), outcome).prop_map(|(call, outcome)| Step::Leave(call, outcome)),
        2 => (0_usize..8).prop_map(Step::BackToQueue),
        3 => ((0_usize..8), peer()).prop_map(|(call, to)| Step::HandOn(call, to)),
        3 => (0_usize..8).prop_map(Step::HangUp),
        1 => ((1_u64..100), (0_u64..20)).prop_map(|(standard, short)| Step::Settings(standard, short)),
        2 => prop::sample::select(AgentState::ALL.to_vec()).prop_map(Step::Agent),
        1 => any::<bool>().prop_map(|died| Step::Restart { died }),
    ]
}

fn peer() -> impl Strategy<Value = Peer> {
    prop_oneof![
        Just(Peer::Agent("amy".into())),
        Just(Peer::Agent("bob".into())),
        Just(Peer::Outside("01632960123".to_owned())),
    ]
}

/// Any event with any figures, of one of two calls and two agents.
fn nonsense() -> impl Strategy<Value = (i64, u64, Event)> {
    let us = || prop_oneof![0_u64..100_000_000, any::<u64>()];
    let names = (prop::sample::select(vec!["waste", "parking", "none"]), any::<bool>());
    let event = (0_u8..11, names, us(), us(), any::<bool>(), 0_u32..4).prop_map(
        |(kind, (name, second), wait_us, other_us, flag, episode)| {
            let call = CallId(uuid::Uuid::from_u128(u128::from(second)));
            let (queue, agent) = (QueueName::from(name), AgentId::from(name));
            let event = match kind {
                0 => CallEvent::QueueEntered {
                    queue,
                    skills: vec![],
                    first: flag,
                    episode,
                    place: Place::default(),
                },
                1 => CallEvent::Joined {
                    queue,
                    agent,
                    leg: LegId(1),
                    wait_us,
                    visit_us: other_us,
                    to_person_us: other_us,
                    episode,
                },
                2 | 3 => {
                    let outcome = match (flag, episode) {
                        (true, 0) => Outcome::Moved,
                        (true, _) => Outcome::Answered,
                        (false, _) => Outcome::Abandoned,
                    };
                    CallEvent::QueueLeft { queue, outcome, wait_us, episode }
                }
                4 => {
                    let (talk_us, hold_us, by) = (wait_us, other_us, Party::System);
                    CallEvent::Parted { queue, agent, talk_us, hold_us, by }
                }
                5 => CallEvent::Ended { cause: EndCause::Completed, duration_us: wait_us },
                6 => {
                    let (from, to) = (AgentState::WrapUp, AgentState::ALL[episode as usize * 2]);
                    let (reason, by) = (StateReason::Own, None);
                    let event =
                        AgentEvent::State { from, to, reason, by, lasted_us: wait_us, away: None };
                    return Event::Agent { agent, event };
                }
                9 => {
                    let (to, purpose) = (Peer::Agent(agent), Purpose::Transfer);
                    CallEvent::Connected { to, leg: LegId(2), purpose }
                }
                10 => {
                    let from = match flag {
                        true => Peer::Agent(agent),
                        false => Peer::Outside(name.to_owned()),
                    };
                    let (talk_us, hold_us, by) = (wait_us, other_us, Party::Agent);
                    CallEvent::Disconnected { from, talk_us, hold_us, by }
                }
                7 => {
                    let version = String::new();
                    return Event::System { event: SystemEvent::Started { version } };
                }
                _ => {
                    let (title, standard_us) = (String::new(), wait_us);
                    let short_abandon_us = other_us;
                    let set = QueueSettingsInForce {
                        queue,
                        title,
                        standard_us,
                        short_abandon_us,
                        served_by: Vec::new(),
                        last_agent_within_us: None,
                    };
                    let event = SystemEvent::SettingsInForce {
                        bulletins: Vec::new(),
                        history_us: 0,
                        wrap_up: Default::default(),
                        away: Default::default(),
                        phones: Vec::new(),
                        organisation: String::new(),
                        time_zone: if flag { "Asia/Kathmandu" } else { "Nowhere" }.to_owned(),
                        queues: vec![set],
                        agents: vec![],
                    };
                    return Event::System { event };
                }
            };
            Event::Call { call, event }
        },
    );
    let at = prop_oneof![1_700_000_000_000_000_i64..1_800_000_000_000_000, any::<i64>()];
    (at, us(), event)
}

/// With whom a call talks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Talk {
    No,
    /// A queue brought Amy.
    Joined,
    To(Peer),
}

/// The calls that are up; those with a queue wait, the others are in a menu or talk.
#[derive(Debug, Default)]
struct Calls(Vec<(TestCall, Talk)>);

impl Calls {
    fn pick(&mut self, index: usize, waits: bool) -> Option<&mut (TestCall, Talk)> {
        let mut fitting: Vec<_> =
            self.0.iter_mut().filter(|(call, _)| call.queue.is_some() == waits).collect();
        let count = fitting.len();
        (count > 0).then(|| fitting.swap_remove(index % count))
    }
}

/// Whatever segment is under way is over.
fn part(stream: &mut Stream, call: &TestCall, talks: &mut Talk) {
    match std::mem::replace(talks, Talk::No) {
        Talk::No => {}
        Talk::Joined => stream.part(call, "amy", 5, 2),
        Talk::To(peer) => stream.disconnect(call, &peer, 7, 1),
    }
}

fn live_out(steps: &[Step]) -> Stream {
    let mut stream = Stream::starting("2026-10-23T20:00:00Z");
    let mut calls = Calls::default();
    let mut agent = AgentState::SignedOut;
    for step in steps {
        match step {
            Step::Pass(micros) => stream.pass(*micros),
            Step::Arrive { queue } => {
                let call = if *queue { stream.queued("waste") } else { stream.arrive() };
                calls.0.push((call, Talk::No));
            }
            Step::Answer(index) => {
                if let Some((call, talks)) = calls.pick(*index, true) {
                    stream.answer(call, "amy");
                    *talks = Talk::Joined;
                }
            }
            Step::Move(index) => {
                if let Some((call, _)) = calls.pick(*index, true) {
                    stream.move_to(call, "parking");
                }
            }
            Step::Leave(index, outcome) => {
                if let Some((call, _)) = calls.pick(*index, true) {
                    stream.leave(call, *outcome);
                    stream.end(call, EndCause::Completed);
                    let id = call.id;
                    calls.0.retain(|(call, _)| call.id != id);
                }
            }
            Step::BackToQueue(index) => {
                if let Some((call, talks)) = calls.pick(*index, false) {
                    part(&mut stream, call, talks);
                    stream.enter(call, "parking");
                }
            }
            Step::HandOn(index, to) => {
                if let Some((call, talks)) = calls.pick(*index, false)
                    && *talks != Talk::No
                {
                    part(&mut stream, call, talks);
                    stream.connect(call, to);
                    *talks = Talk::To(to.clone());
                }
            }
            Step::HangUp(index) => {
                if let Some((call, talks)) = calls.pick(*index, false) {
                    part(&mut stream, call, talks);
                    stream.end(call, EndCause::CallerHungUp);
                    let id = call.id;
                    calls.0.retain(|(call, _)| call.id != id);
                }
            }
            Step::Settings(standard_s, short_s) => stream.settings(*standard_s, *short_s),
            Step::Agent(to) => {
                stream.state("amy", agent, *to, 1_000);
                agent = *to;
            }
            Step::Restart { died } => {
                if *died {
                    stream.close_last_run();
                    calls.0.clear();
                    stream.start();
                } else if calls.0.is_empty() {
                    stream.start();
                }
            }
        }
    }
    stream
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_balance_holds_for_the_whole_every_queue_and_every_half_hour(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let stream = live_out(&steps);
        let mut fold = Fold::new();
        for entry in &stream.entries {
            fold.apply(entry);
            let live = fold.live(entry.time, entry.at);
            prop_assert_eq!(live.today.difference(), 0);
            for queue in &live.queues {
                prop_assert_eq!(queue.today.difference(), 0);
            }
        }
        let live = stream.live();
        for queue in &live.queues {
            prop_assert_eq!(queue.books_difference, 0);
        }
        let rows = stream.rows();
        for row in &rows {
            prop_assert_eq!(row.difference(), 0);
        }
        // The half hours together are the totals: nothing is counted in one and not in the other.
        let offered: u64 =
            rows.iter().filter(|row| row.queue.is_none()).map(|row| row.offered).sum();
        let arrived = live.queues.iter().map(|queue| queue.total.offered).sum::<u64>();
        prop_assert_eq!(offered, arrived);
    }

    #[test]
    fn events_that_make_no_sense_together_break_nothing(
        events in prop::collection::vec(nonsense(), 1..15),
    ) {
        let mut fold = Fold::new();
        for (seq, (at, time, event)) in (1..).zip(events) {
            let (at, time) = (UnixMicros(at), Time::from_micros(time));
            fold.apply(&Entry { seq, at, time, event });
            fold.live(time, at);
        }
        let (time, at) = fold.last();
        fold.intervals(time, at);
        let closing = super::closing_entries(&fold, at, time);
        closing.iter().for_each(|entry| fold.apply(entry));
        prop_assert_eq!(fold.restore_point().open_calls, vec![]);
        let text = serde_json::to_string(&fold).expect("writes");
        prop_assert_eq!(serde_json::from_str::<Fold>(&text).expect("reads"), fold);
    }

    #[test]
    fn a_snapshot_and_the_tail_are_the_whole_journal(
        steps in prop::collection::vec(step(), 1..80),
        cut in 0.0..1.0_f64,
    ) {
        let stream = live_out(&steps);
        let cut = (cut * stream.entries.len() as f64) as usize;
        let mut fold = Fold::new();
        stream.entries[..cut].iter().for_each(|entry| fold.apply(entry));
        let text = serde_json::to_string(&fold).expect("writes");
        let mut restored: Fold = serde_json::from_str(&text).expect("reads");
        prop_assert_eq!(&restored, &fold);
        stream.entries[cut..].iter().for_each(|entry| restored.apply(entry));
        prop_assert_eq!(&restored, &stream.fold);
        let (now, at) = stream.now();
        prop_assert_eq!(restored.live(now, at), stream.live());
        prop_assert_eq!(restored.intervals(now, at), stream.rows());
    }
}
