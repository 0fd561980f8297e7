//! Whatever happens in whatever order: one call at a time for one promise, so often and no later, and each
//! promise comes to one end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::acd::calendar::{BankHolidays, Calendar, CalendarSettings};
use crate::acd::settings::QueueSettings;
use crate::event::{Entry, Event};
use crate::stats::{Fold, closing_entries};

const RETRIES: u32 = 2;
const AGAIN_S: u32 = 300;

fn plan() -> AcdPlan {
    let text = format!(
        "title = \"Waste\"\nhours = \"office\"\n[callback]\nmost = 3\nretries = {RETRIES}\n\
         retry_after_s = {AGAIN_S}\nlate_after_s = 1000\n"
    );
    let queue: QueueSettings = toml::from_str(&text).expect("a queue");
    let hours: CalendarSettings =
        toml::from_str("week = { thu = [\"09:00-17:00\"] }").expect("hours");
    let office = Calendar::new(&hours, &BankHolidays::default()).expect("a calendar");
    AcdPlan {
        queues: BTreeMap::from([("waste".into(), queue)]),
        turns: Default::default(),
        agents: BTreeMap::new(),
        away: BTreeMap::new(),
        calendars: BTreeMap::from([("office".into(), office)]),
        zone: TimeZone::UTC,
    }
}

/// A Thursday at nine.
fn nine() -> UnixMicros {
    let nine: jiff::Timestamp = "2026-11-26T09:00:00Z".parse().expect("a time");
    UnixMicros(nine.as_microsecond())
}

/// Promises, the journal below them, and whose phone rings.
struct Bench {
    plan: AcdPlan,
    now: Time,
    wall: WallClock,
    promises: Callbacks,
    journal: Vec<Entry>,
    /// As many entries of the journal are on the disk.
    committed: usize,
    /// What waits for the disk: the journal's length, and what is to be dialled then.
    to_dial: Vec<(usize, CallId)>,
    /// Tickets.
    waiting: BTreeMap<CallId, CallbackId>,
    /// Phones that ring, or have been answered.
    dialled: BTreeMap<CallId, CallbackId>,
    /// Until when a phone may ring that a dead process had dialled.
    still_rings: BTreeMap<CallbackId, Time>,
    calls: u128,
    ids: u64,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            plan: plan(),
            now: Time::ZERO,
            wall: WallClock::showing(nine(), Time::ZERO),
            promises: Callbacks::default(),
            journal: Vec::new(),
            committed: 0,
            to_dial: Vec::new(),
            waiting: BTreeMap::new(),
            dialled: BTreeMap::new(),
            still_rings: BTreeMap::new(),
            calls: 0,
            ids: 0,
        }
    }

    fn record(&mut self, event: Event) {
        let seq = self.journal.len() as u64 + 1;
        let (at, time) = (self.wall.at(self.now), self.now);
        self.journal.push(Entry { seq, at, time, event });
    }

    fn apply(&mut self, input: CallbackInput) {
        let effects = self.promises.apply(self.now, &self.wall, &self.plan, input);
        self.obey(effects);
    }

    fn obey(&mut self, effects: Vec<CallbackEffect>) {
        for effect in effects {
            match effect {
                CallbackEffect::Record(callback, event) => {
                    self.record(Event::Callback { callback, event });
                }
                CallbackEffect::Enqueue(id) => {
                    self.calls += 1;
                    let call = CallId(uuid::Uuid::from_u128(self.calls));
                    assert!(!self.waiting.values().any(|other| *other == id), "two tickets");
                    assert!(!self.dialled.values().any(|other| *other == id), "rings already");
                    self.waiting.insert(call, id);
                    self.apply(CallbackInput::Placed(id, call));
                }
                CallbackEffect::Dequeue(call) => {
                    assert!(self.waiting.remove(&call).is_some(), "it has a ticket");
                }
                CallbackEffect::Dial(call) => self.to_dial.push((self.journal.len(), call)),
            }
        }
    }

    /// The disk has everything: what waited for it is dialled.
    fn commit(&mut self) {
        self.committed = self.journal.len();
        for (_, call) in std::mem::take(&mut self.to_dial) {
            // The call may be over.
            let Some((id, _)) = self.promises.of_call(call) else { continue };
            let others = self.dialled.values().filter(|other| **other == id).count();
            assert_eq!(others, 0, "never two calls for one promise");
            let may = self.still_rings.get(&id).is_none_or(|until| *until <= self.now);
            assert!(may, "a phone that a dead process dialled may still ring");
            self.dialled.insert(call, id);
        }
    }

    fn advance(&mut self, seconds: u32) {
        let end = self.now + super::seconds(seconds);
        while let Some(due) = self.promises.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.apply(CallbackInput::Timer);
        }
        self.now = end;
    }

    /// The process dies with whatever the disk does not have, and starts again.
    fn die(&mut self) {
        self.journal.truncate(self.committed);
        let again = self.now + super::seconds(AGAIN_S);
        for id in std::mem::take(&mut self.dialled).into_values() {
            self.still_rings.insert(id, again);
        }
        (self.to_dial, self.waiting) = (Vec::new(), BTreeMap::new());
        self.promises = Callbacks::default();
        let mut fold = Fold::new();
        self.journal.iter().for_each(|entry| fold.apply(entry));
        for entry in closing_entries(&fold, self.wall.at(self.now), self.now) {
            fold.apply(&entry);
            self.journal.push(entry);
        }
        for live in fold.restore_point().callbacks {
            let promise = Promise {
                queue: live.queue,
                skills: live.skills,
                priority: Priority(live.priority),
                call: live.call,
                number: live.number,
                name: live.name,
                flow: live.flow,
                since: live.since,
                place: self.wall.when(live.since),
                taken_at: live.taken_at,
                tries: live.tries,
                missed_at: live.missed_at,
            };
            self.apply(CallbackInput::Restore(live.callback, promise));
        }
        self.commit();
    }

    fn take(&mut self, number: u8) {
        self.take_for(number, 0);
    }

    /// One that is to be kept in so many seconds; now if 0.
    fn take_for(&mut self, number: u8, ahead_s: u32) {
        self.ids += 1;
        let place = self.now + super::seconds(ahead_s);
        let promise = Promise {
            queue: "waste".into(),
            skills: Vec::new(),
            priority: Priority::default(),
            call: CallId(uuid::Uuid::nil()),
            number: format!("+44163296000{number}"),
            name: None,
            flow: None,
            since: self.wall.at(place),
            place,
            taken_at: self.wall.at(self.now),
            tries: 0,
            missed_at: None,
        };
        self.apply(CallbackInput::Take(CallbackId(self.ids), promise));
    }

    fn nth<T: Copy>(of: &BTreeMap<CallId, T>, nth: usize) -> Option<CallId> {
        (!of.is_empty()).then(|| of.keys().nth(nth % of.len()).copied()).flatten()
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Take(number, ahead_s) => self.take_for(*number, *ahead_s),
            Act::Adviser(nth) => {
                if let Some(call) = Self::nth(&self.waiting, *nth) {
                    self.waiting.remove(&call);
                    self.apply(CallbackInput::AdviserThere(call, "amy".into()));
                }
            }
            Act::Joined(nth) => {
                if let Some(call) = Self::nth(&self.dialled, *nth) {
                    self.apply(CallbackInput::Joined(call, "amy".into()));
                    self.dialled.remove(&call);
                }
            }
            Act::Over(nth, miss) => {
                let call = Self::nth(&self.dialled, *nth);
                let undialled = self.to_dial.first().map(|(_, call)| *call);
                if let Some(call) = call.or(undialled) {
                    self.dialled.remove(&call);
                    self.to_dial.retain(|(_, other)| *other != call);
                    self.apply(CallbackInput::Over(call, *miss));
                }
            }
            Act::Cancel(id) => {
                let id = CallbackId(u64::from(*id));
                if let Ok(effects) = self.promises.cancel(id, "Sue".to_owned()) {
                    self.obey(effects);
                }
            }
            Act::Advance(seconds) => self.advance(*seconds),
            Act::Commit => self.commit(),
            Act::Die => self.die(),
        }
    }

    fn check(&self) {
        let mut ended: BTreeMap<CallbackId, u32> = BTreeMap::new();
        let mut tries: BTreeMap<CallbackId, u32> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        let mut times = BTreeMap::new();
        for entry in &self.journal {
            let Event::Callback { callback, event } = &entry.event else { continue };
            assert_eq!(ended.get(callback), None, "nothing comes after the end: {event:?}");
            match event {
                CallbackEvent::Taken { since, .. } => {
                    assert!(taken.insert(*callback), "taken once");
                    times.insert(*callback, *since);
                }
                CallbackEvent::Dialled { nth, .. } => {
                    let count = tries.entry(*callback).or_default();
                    *count += 1;
                    assert_eq!(*count, *nth);
                    assert!(*nth <= RETRIES + 1, "capped");
                    assert!(times.get(callback) <= Some(&entry.at), "not before its time");
                    assert!(self.plan.is_open(&"waste".into(), entry.at), "after closing time");
                }
                CallbackEvent::Missed { .. } => {}
                CallbackEvent::Kept { .. } | CallbackEvent::Failed { .. } => {
                    ended.insert(*callback, 1);
                }
            }
        }
        let open = taken.iter().filter(|id| !ended.contains_key(id)).count();
        assert_eq!(open, self.promises.open.len(), "the books balance");
        assert!(open <= 3, "as many as may be");
        let numbers: BTreeSet<&String> =
            self.promises.open.values().map(|open| &open.promise.number).collect();
        assert_eq!(numbers.len(), open, "one for a number");
        for (id, open) in &self.promises.open {
            let due = self.promises.due.get(&(*id, Due::Again)).is_some();
            match &open.stage {
                Stage::Resting => assert!(due, "it will be tried again"),
                Stage::Waiting(call) => assert!(self.waiting.contains_key(call) && !due),
                Stage::Dialling(call) => {
                    let waits = self.to_dial.iter().any(|(_, other)| other == call);
                    assert!(waits || self.dialled.contains_key(call));
                }
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    Take(u8, u32),
    Adviser(usize),
    Joined(usize),
    Over(usize, Miss),
    Cancel(u8),
    Advance(u32),
    Commit,
    Die,
}

fn acts() -> impl Strategy<Value = Act> {
    let misses = prop_oneof![
        4 => Just(Miss::NoAnswer),
        2 => Just(Miss::Busy),
        1 => Just(Miss::Unreachable),
        2 => Just(Miss::AdviserLeft),
        1 => Just(Miss::NotAllowed),
        1 => Just(Miss::RangOff),
    ];
    prop_oneof![
        4 => (0u8..5).prop_map(|number| Act::Take(number, 0)),
        2 => ((0u8..5), (1u32..30_000)).prop_map(|(number, ahead_s)| Act::Take(number, ahead_s)),
        5 => (0usize..4).prop_map(Act::Adviser),
        2 => (0usize..4).prop_map(Act::Joined),
        4 => ((0usize..4), misses).prop_map(|(nth, miss)| Act::Over(nth, miss)),
        1 => (1u8..20).prop_map(Act::Cancel),
        4 => (1u32..4_000).prop_map(Act::Advance),
        1 => (20_000u32..90_000).prop_map(Act::Advance),
        5 => Just(Act::Commit),
        2 => Just(Act::Die),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_promise_is_dialled_twice_at_once_or_too_often_or_too_late_whatever_happens(
        all in proptest::collection::vec(acts(), 0..120),
    ) {
        let mut bench = Bench::new();
        for act in &all {
            bench.act(act);
            bench.check();
        }
        // Left alone until the next day, nothing is open but what is being kept.
        bench.commit();
        bench.advance(100_000);
        bench.check();
        prop_assert_eq!(bench.promises.open.len(), bench.dialled.len());
    }
}

fn bench_with_one() -> (Bench, CallId) {
    let mut bench = Bench::new();
    bench.advance(60);
    bench.take(1);
    let call = *bench.waiting.keys().next().expect("a ticket");
    (bench, call)
}

#[test]
fn the_number_is_dialled_once_the_journal_knows_and_an_adviser_is_there() {
    let (mut bench, call) = bench_with_one();
    bench.commit();
    assert!(bench.dialled.is_empty());
    bench.act(&Act::Adviser(0));
    assert!(bench.dialled.is_empty(), "the disk has it not yet");
    assert_eq!(
        bench.promises.cancel(CallbackId(1), "Sue".to_owned()),
        Err(CallbackError::UnderWay)
    );
    bench.commit();
    assert_eq!(bench.dialled.get(&call), Some(&CallbackId(1)));
    bench.advance(1_000);
    bench.act(&Act::Joined(0));
    let last = bench.journal.last().map(|entry| entry.event.clone());
    let kept = CallbackEvent::Kept { agent: "amy".into(), after_us: 1_000_000_000, late: false };
    assert_eq!(last, Some(Event::Callback { callback: CallbackId(1), event: kept }));
    let unknown = bench.promises.cancel(CallbackId(1), "Sue".to_owned());
    assert_eq!(unknown, Err(CallbackError::Unknown));
}

#[test]
fn what_the_disk_never_had_was_never_dialled_and_what_it_had_counts() {
    let (mut bench, _) = bench_with_one();
    bench.commit();
    bench.act(&Act::Adviser(0));
    bench.die();
    assert_eq!(bench.waiting.len(), 1, "as if nothing had been");
    bench.act(&Act::Adviser(0));
    bench.commit();
    bench.die();
    assert!(bench.waiting.is_empty(), "it may still ring");
    bench.advance(AGAIN_S - 1);
    assert!(bench.waiting.is_empty());
    bench.advance(2);
    assert_eq!(bench.waiting.len(), 1);
    assert_eq!(bench.promises.get(CallbackId(1)).map(|promise| promise.tries), Some(1));
}

#[test]
fn a_promise_of_yesterday_is_not_kept_today() {
    let (mut bench, _) = bench_with_one();
    bench.commit();
    bench.now += super::seconds(7 * 24 * 3_600);
    bench.die();
    let why = CallbackFailure::Closed;
    let failed = CallbackEvent::Failed { why, by: None };
    let last = bench.journal.last().map(|entry| entry.event.clone());
    assert_eq!(last, Some(Event::Callback { callback: CallbackId(1), event: failed }));
}

#[test]
fn a_queue_that_is_gone_keeps_nothing_and_one_that_closes_earlier_less() {
    let (mut bench, _) = bench_with_one();
    bench.act(&Act::Take(2, 0));
    bench.plan.queues.clear();
    bench.apply(CallbackInput::Changed);
    assert!(bench.promises.open.is_empty() && bench.waiting.is_empty());
    let refused =
        bench.promises.may_take((bench.now, &bench.wall), &bench.plan, &"waste".into(), None, None);
    assert_eq!(refused, Err(Refusal::Closed));

    let (mut bench, _) = bench_with_one();
    let hours: CalendarSettings =
        toml::from_str("week = { thu = [\"09:00-09:30\"] }").expect("hours");
    let office = Calendar::new(&hours, &BankHolidays::default()).expect("a calendar");
    bench.plan.calendars.insert("office".into(), office);
    bench.apply(CallbackInput::Changed);
    bench.advance(3_000);
    assert!(bench.promises.open.is_empty());
}

fn may_take(bench: &Bench, ahead_s: u32) -> Result<(), Refusal> {
    let time = bench.wall.at(bench.now + seconds(ahead_s));
    bench.promises.may_take(
        (bench.now, &bench.wall),
        &bench.plan,
        &"waste".into(),
        None,
        Some(time),
    )
}

#[test]
fn a_time_that_is_appointed_is_kept_then_and_no_sooner() {
    let mut bench = Bench::new();
    bench.take_for(1, 7_200);
    bench.take(2);
    assert_eq!(bench.waiting.len(), 1, "who wants it now goes on");
    bench.advance(7_199);
    assert_eq!(bench.waiting.len(), 1);
    bench.advance(1);
    let call = *bench.waiting.keys().nth(1).expect("a ticket");
    let (_, promise) = bench.promises.of_call(call).expect("is there");
    assert_eq!(promise.place, bench.now, "the place is that of the time");
    bench.advance(900);
    bench.apply(CallbackInput::AdviserThere(call, "amy".into()));
    bench.apply(CallbackInput::Joined(call, "amy".into()));
    let kept = |event: &Event| match event {
        Event::Callback { event: CallbackEvent::Kept { after_us, late, .. }, .. } => {
            Some((*after_us, *late))
        }
        _ => None,
    };
    let kept = bench.journal.iter().find_map(|entry| kept(&entry.event));
    assert_eq!(kept, Some((900_000_000, false)), "from the time on");
}

#[test]
fn an_appointed_time_survives_the_process() {
    let mut bench = Bench::new();
    bench.take_for(1, 7_200);
    bench.commit();
    bench.advance(3_000);
    bench.die();
    assert_eq!(bench.waiting.len(), 0);
    bench.advance(4_200);
    assert_eq!(bench.waiting.len(), 1);
}

#[test]
fn a_time_must_be_ahead_in_the_queues_hours_and_not_be_taken_by_others() {
    let mut bench = Bench::new();
    assert_eq!(may_take(&bench, 3_600), Ok(()));
    assert_eq!(may_take(&bench, 9 * 3_600), Err(Refusal::Closed), "at six");
    assert_eq!(may_take(&bench, 7 * 24 * 3_600), Ok(()), "in a week");
    assert_eq!(may_take(&bench, 21 * 24 * 3_600), Err(Refusal::Closed), "too far ahead");
    let waste = bench.plan.queues.get_mut("waste").expect("is there");
    waste.callback.each_half_hour = 1;
    bench.take_for(1, 3_600);
    assert_eq!(may_take(&bench, 3_600 + 1_799), Err(Refusal::Full));
    assert_eq!(may_take(&bench, 3_600 + 1_800), Ok(()));
    bench.advance(3_600);
    assert_eq!(bench.promises.open.len(), 1);
}
