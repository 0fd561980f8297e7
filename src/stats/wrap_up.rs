//! What advisers say of conversations, and who was here before.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::{Note, Verdict, WrapUp, WrapUpInForce};
use crate::id::{AgentId, CallId, QueueName, WrapUpCode};
use crate::time::UnixMicros;

use super::books::{CallBook, Place, QueueBook};
use super::interval::Intervals;

/// How often whoever was here too long ago is forgotten, in microseconds.
const DAY_US: i64 = 86_400_000_000;

/// Conversations of one adviser that are kept.
const KEPT: usize = 16;
/// Callers who are remembered; the ones who were here longest ago are forgotten for new ones.
const REMEMBERED: usize = 50_000;

/// What advisers say of the conversations of some calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Said {
    /// Calls of somebody who rang the same queue not long before.
    pub repeats: u64,
    /// The caller's business is done.
    pub resolved: u64,
    /// It is not.
    pub unresolved: u64,
    /// Of the resolved, those of callers whose number is known.
    pub resolved_known: u64,
    /// Of those, the repeats.
    pub resolved_repeats: u64,
    /// How many of each code.
    pub codes: BTreeMap<WrapUpCode, u64>,
}

impl Said {
    /// Takes others into this.
    pub(super) fn add(&mut self, other: &Said) {
        self.repeats += other.repeats;
        self.resolved += other.resolved;
        self.unresolved += other.unresolved;
        self.resolved_known += other.resolved_known;
        self.resolved_repeats += other.resolved_repeats;
        for (code, count) in &other.codes {
            *self.codes.entry(code.clone()).or_default() += count;
        }
    }

    /// Counts what is said, instead of what was said before.
    pub(super) fn count(&mut self, said: &WrapUp, repeat: Option<bool>) {
        let change = |count: &mut u64, more: bool| {
            *count = if more { *count + 1 } else { count.saturating_sub(1) };
        };
        let before = said.instead_of.iter().map(|verdict| (verdict, false));
        for (verdict, more) in before.chain([(&said.verdict, true)]) {
            if let Some(code) = &verdict.code {
                change(self.codes.entry(code.clone()).or_default(), more);
            }
            match verdict.resolved {
                Some(true) => {
                    change(&mut self.resolved, more);
                    if repeat.is_some() {
                        change(&mut self.resolved_known, more);
                    }
                    if repeat == Some(true) {
                        change(&mut self.resolved_repeats, more);
                    }
                }
                Some(false) => change(&mut self.unresolved, more),
                None => {}
            }
        }
        self.codes.retain(|_, count| *count > 0);
    }

    /// 1 - repeats among the resolved; callers whose number is not known are left out.
    pub fn first_contact_resolution(&self) -> Option<f64> {
        let known = self.resolved_known;
        let first = known.saturating_sub(self.resolved_repeats);
        (known > 0).then(|| first as f64 / known as f64)
    }
}

/// A conversation of which something can be said, and what was. Personal, so shown only to whose it was
/// and to supervisors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapUpOf {
    /// Whose conversation.
    pub agent: AgentId,
    /// In which call.
    pub call: CallId,
    /// The queue that brought it.
    pub queue: QueueName,
    /// When it ended, on the calendar; none while it lasts.
    pub over_at: Option<UnixMicros>,
    /// What is counted of what was said.
    pub verdict: Option<Verdict>,
    /// What was said in words.
    pub note: Option<Note>,
    /// Where the call's figures belong.
    place: Option<Place>,
    repeat: Option<bool>,
}

/// What can be said of conversations, and what is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WrapUpLive {
    /// The codes.
    pub in_force: WrapUpInForce,
    /// The last conversations of each adviser, the oldest first.
    pub open: Vec<WrapUpOf>,
}

/// Everything that is kept of what advisers say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct WrapUpBook {
    in_force: WrapUpInForce,
    last: BTreeMap<AgentId, VecDeque<WrapUpOf>>,
    /// When each caller rang a queue last, by number.
    here: BTreeMap<QueueName, BTreeMap<String, UnixMicros>>,
    /// When it was last looked whom to forget.
    forgot_at: UnixMicros,
    remembered: usize,
}

impl WrapUpBook {
    pub(super) fn in_force(&mut self, settings: &WrapUpInForce) {
        self.in_force.clone_from(settings);
    }

    /// A conversation of a caller began, or goes on.
    pub(super) fn began(
        &mut self,
        agent: &AgentId,
        call: CallId,
        queue: &QueueName,
        book: &CallBook,
    ) {
        let last = self.last.entry(agent.clone()).or_default();
        let again = last.iter().position(|one| one.call == call).and_then(|at| last.remove(at));
        let mut of = again.unwrap_or_else(|| WrapUpOf {
            agent: agent.clone(),
            call,
            queue: queue.clone(),
            over_at: None,
            verdict: None,
            note: None,
            place: book.place.clone(),
            repeat: book.repeat,
        });
        (of.queue, of.over_at) = (queue.clone(), None);
        last.push_back(of);
        if last.len() > KEPT {
            last.pop_front();
        }
    }

    /// An adviser's conversation is over.
    pub(super) fn parted(&mut self, agent: &AgentId, call: CallId, at: UnixMicros) {
        for one in self.last.get_mut(agent).into_iter().flatten() {
            if one.call == call {
                one.over_at.get_or_insert(at);
            }
        }
    }

    /// An adviser says something of a conversation: it counts where the call belongs, or, if nobody knows
    /// the call any more, in this `half_hour` and the queue that brought it.
    pub(super) fn say(
        &mut self,
        (call, half_hour): (CallId, UnixMicros),
        said: &WrapUp,
        queues: &mut BTreeMap<QueueName, QueueBook>,
        intervals: &mut Intervals,
    ) {
        let mut last = self.last.get_mut(&said.agent).into_iter().flatten();
        let known = last.find(|one| one.call == call).and_then(|one| {
            one.verdict = Some(said.verdict.clone());
            one.note.clone_from(&said.note);
            Some((one.place.clone()?, one.repeat))
        });
        let elsewhere = || (Place { half_hour, queue: said.queue.clone() }, None);
        let (place, repeat) = known.unwrap_or_else(elsewhere);
        let whole = &mut queues.entry(place.queue.clone()).or_default().counts.said;
        for counts in [whole].into_iter().chain(intervals.said(&place)) {
            counts.count(said, repeat);
        }
    }

    /// Somebody rings a queue: whether they did not long ago, which is counted; none if their number is not
    /// known.
    pub(super) fn contact(
        &mut self,
        queue: &QueueName,
        number: Option<&str>,
        at: UnixMicros,
        (whole, interval): (&mut Said, Option<&mut Said>),
    ) -> Option<bool> {
        let number = number?;
        let window = i64::try_from(self.in_force.repeat_us).unwrap_or(i64::MAX);
        let recent = |before: UnixMicros| at.0.saturating_sub(before.0) <= window;
        let before = self.here.entry(queue.clone()).or_default().insert(number.to_owned(), at);
        self.remembered += usize::from(before.is_none());
        if self.remembered > REMEMBERED || at.0.saturating_sub(self.forgot_at.0) >= DAY_US {
            self.forgot_at = at;
            self.forget(at, window);
        }
        let repeat = before.is_some_and(recent);
        for said in [whole].into_iter().chain(interval).filter(|_| repeat) {
            said.repeats += 1;
        }
        Some(repeat)
    }

    /// Forgets whoever was here too long ago to matter; if that is nobody, the half who were here longest
    /// ago.
    fn forget(&mut self, at: UnixMicros, window: i64) {
        let mut times: Vec<UnixMicros> =
            self.here.values().flat_map(|numbers| numbers.values().copied()).collect();
        times.sort_unstable();
        let oldest = UnixMicros(at.0.saturating_sub(window));
        let half = times.get(times.len() / 2).copied().unwrap_or(oldest);
        let too_many = times.iter().filter(|time| **time >= oldest).count() > REMEMBERED / 2;
        let from = if too_many { half.max(oldest) } else { oldest };
        for numbers in self.here.values_mut() {
            numbers.retain(|_, time| *time >= from);
        }
        self.here.retain(|_, numbers| !numbers.is_empty());
        self.remembered = self.here.values().map(BTreeMap::len).sum();
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &WrapUpOf> {
        self.last.values().flatten()
    }

    /// The call of an adviser's last conversation.
    pub(super) fn last_of(&self, agent: &AgentId) -> Option<CallId> {
        self.last.get(agent)?.back().map(|one| one.call)
    }

    pub(super) fn live(&self) -> WrapUpLive {
        WrapUpLive { in_force: self.in_force.clone(), open: self.open().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use crate::event::{CallEvent, Outcome};
    use crate::stats::Fold;
    use crate::stats::stream::{S, Stream, TestCall};

    use super::*;

    const DAY: u64 = 86_400 * S;

    fn ring(stream: &mut Stream, number: Option<&str>) -> TestCall {
        let mut call = stream.arrive_from(number);
        stream.enter(&mut call, "waste");
        call
    }

    fn talk(stream: &mut Stream, number: Option<&str>) -> TestCall {
        let mut call = ring(stream, number);
        stream.answer(&mut call, "amy");
        stream.part(&call, "amy", S, 0);
        call
    }

    fn verdict(code: Option<&str>, resolved: Option<bool>) -> Verdict {
        Verdict { code: code.map(Into::into), resolved }
    }

    fn say(stream: &mut Stream, call: &TestCall, now: Verdict, before: Option<Verdict>) {
        let said = WrapUp {
            agent: "amy".into(),
            queue: "waste".into(),
            verdict: now,
            note: Note::new("Rang twice."),
            by: "Amy".to_owned(),
            instead_of: before,
        };
        stream.call(call, CallEvent::WrappedUp(said));
    }

    #[test]
    fn first_contact_resolution_is_one_less_the_repeats_among_the_resolved() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        let yes = || verdict(Some("missed-bin"), Some(true));
        let first = talk(&mut stream, Some("01632960001"));
        say(&mut stream, &first, yes(), None);
        let other = talk(&mut stream, Some("01632960002"));
        say(&mut stream, &other, yes(), None);
        let nobody = talk(&mut stream, None);
        say(&mut stream, &nobody, yes(), None);
        let open = talk(&mut stream, Some("01632960003"));
        say(&mut stream, &open, verdict(None, Some(false)), None);
        let again = talk(&mut stream, Some("01632960001"));
        assert_eq!(stream.live().queue("waste").today.first_contact_resolution, Some(1.0));
        say(&mut stream, &again, yes(), None);
        let today = stream.live().queue("waste").today.clone();
        assert_eq!((today.resolved, today.unresolved, today.repeat_contacts), (4, 1, 1));
        assert_eq!(today.first_contact_resolution, Some(2.0 / 3.0), "who withholds is left out");
        assert_eq!(today.wrap_ups.get("missed-bin"), Some(&4));
        assert_eq!(stream.live().today.first_contact_resolution, Some(2.0 / 3.0));
    }

    #[test]
    fn a_correction_takes_the_place_of_what_was_said_also_after_the_call() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        let call = talk(&mut stream, Some("01632960001"));
        let before = verdict(Some("missed-bin"), Some(true));
        say(&mut stream, &call, before.clone(), None);
        stream.end(&call, crate::event::EndCause::CallerHungUp);
        stream.pass(600 * S);
        say(&mut stream, &call, verdict(Some("fly-tip"), Some(false)), Some(before));
        let total = stream.live().queue("waste").total.said.clone();
        assert_eq!((total.resolved, total.unresolved, total.resolved_known), (0, 1, 0));
        assert_eq!(total.codes, BTreeMap::from([("fly-tip".into(), 1)]));
        let open = stream.live().wrap_ups.open;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].verdict, Some(verdict(Some("fly-tip"), Some(false))));
        assert_eq!(open[0].note, Note::new("Rang twice."));
        assert!(open[0].over_at.is_some());
    }

    #[test]
    fn a_repeat_is_a_call_to_the_same_queue_within_a_week() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        let again = |stream: &mut Stream, number, queue| {
            let mut call = stream.arrive_from(Some(number));
            stream.enter(&mut call, queue);
            stream.leave(&mut call, Outcome::Abandoned);
            stream.live().queues.iter().map(|queue| queue.total.said.repeats).sum::<u64>()
        };
        assert_eq!(again(&mut stream, "01632960001", "waste"), 0);
        assert_eq!(again(&mut stream, "01632960001", "parking"), 0, "another service");
        stream.pass(7 * DAY);
        assert_eq!(again(&mut stream, "01632960001", "waste"), 1, "exactly a week counts");
        stream.pass(7 * DAY + 1);
        assert_eq!(again(&mut stream, "01632960001", "waste"), 1);
    }

    #[test]
    fn only_so_many_callers_are_remembered() {
        let mut book = WrapUpBook::default();
        for n in 0..=REMEMBERED {
            let at = UnixMicros(i64::try_from(n).expect("small"));
            book.contact(&"waste".into(), Some(&n.to_string()), at, (&mut Said::default(), None));
        }
        assert!(book.remembered <= REMEMBERED / 2 + 1, "{}", book.remembered);
        let at = UnixMicros(i64::try_from(REMEMBERED).expect("small"));
        let last = REMEMBERED.to_string();
        let mut said = Said::default();
        let mut again =
            |number: &str| book.contact(&"waste".into(), Some(number), at, (&mut said, None));
        assert_eq!((again(&last), again("0")), (Some(true), Some(false)), "long ago");
        assert_eq!(said.repeats, 1);
    }

    #[test]
    fn what_is_said_of_a_call_that_nobody_knows_counts_for_its_queue() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        let call = stream.arrive_from(None);
        stream.end(&call, crate::event::EndCause::Completed);
        say(&mut stream, &call, verdict(Some("other"), Some(true)), None);
        let total = stream.live().queue("waste").total.said.clone();
        assert_eq!((total.resolved, total.resolved_known), (1, 0));
    }

    #[test]
    fn a_snapshot_keeps_all_of_it() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        let call = talk(&mut stream, Some("01632960001"));
        say(&mut stream, &call, verdict(Some("other"), Some(true)), None);
        let text = serde_json::to_string(&stream.fold).expect("writes");
        let read: Fold = serde_json::from_str(&text).expect("reads");
        assert_eq!(read, stream.fold);
    }
}
