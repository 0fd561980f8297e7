//! Random lives of calls, valid by construction: the balance holds at every entry, and neither a
//! snapshot nor a restart changes a figure.

use proptest::prelude::*;

use crate::event::{AgentState, EndCause, Outcome};

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
        3 => (0_usize..8).prop_map(Step::HangUp),
        1 => ((1_u64..100), (0_u64..20)).prop_map(|(standard, short)| Step::Settings(standard, short)),
        2 => prop::sample::select(AgentState::ALL.to_vec()).prop_map(Step::Agent),
        1 => any::<bool>().prop_map(|died| Step::Restart { died }),
    ]
}

/// The calls that are up; those with a queue wait, the others are in a menu or talk.
#[derive(Debug, Default)]
struct Calls(Vec<(TestCall, bool)>);

impl Calls {
    fn pick(&mut self, index: usize, waits: bool) -> Option<&mut (TestCall, bool)> {
        let mut fitting: Vec<_> =
            self.0.iter_mut().filter(|(call, _)| call.queue.is_some() == waits).collect();
        let count = fitting.len();
        (count > 0).then(|| fitting.swap_remove(index % count))
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
                calls.0.push((call, false));
            }
            Step::Answer(index) => {
                if let Some((call, talks)) = calls.pick(*index, true) {
                    stream.answer(call, "amy");
                    *talks = true;
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
                    if std::mem::take(talks) {
                        stream.part(call, "amy", 5, 2);
                    }
                    stream.enter(call, "parking");
                }
            }
            Step::HangUp(index) => {
                if let Some((call, talks)) = calls.pick(*index, false) {
                    if std::mem::take(talks) {
                        stream.part(call, "amy", 5, 2);
                    }
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
