//! What numbers rang about before, so that a flow can treat a repeat caller as one.
//!
//! Personal: kept only if the settings ask for it and for as long as they do, and never shown or logged. It follows from
//! the journal alone, so that the engine and a replay know the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{Became, CallEvent, EndCause, History};
use crate::id::{CallId, IntentName};
use crate::time::UnixMicros;

/// As many numbers are remembered; beyond it the one that rang longest ago is forgotten first.
pub const MOST: usize = 20_000;
/// As many calls of one number; the last.
const MOST_CALLS: usize = 20;

/// A call that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Past {
    at: UnixMicros,
    about: Option<IntentName>,
    gave_up: bool,
}

/// A call that is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Present {
    number: String,
    about: Option<IntentName>,
}

/// Numbers, each with the last calls.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Histories {
    /// How long a call is remembered, in microseconds; 0: none is.
    kept_us: u64,
    open: BTreeMap<CallId, Present>,
    by_number: BTreeMap<String, VecDeque<Past>>,
    /// Each number by when it rang last.
    by_time: BTreeSet<(UnixMicros, String)>,
}

impl fmt::Debug for Histories {
    /// How many, and nobody's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histories")
            .field("numbers", &self.by_number.len())
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

impl Histories {
    /// Remembers for so long from now on, and forgets what is older than that at `at`.
    pub fn keep_for(&mut self, kept_us: u64, at: UnixMicros) {
        self.kept_us = kept_us;
        if kept_us == 0 {
            self.open.clear();
        }
        self.forget_old(at);
    }

    /// Takes in what has happened in a call.
    pub fn see(&mut self, call: CallId, event: &CallEvent, at: UnixMicros) {
        if self.kept_us == 0 {
            return;
        }
        if let CallEvent::Arrived { caller, by: None, callback: None, .. } = event {
            if let Some(number) = caller.number.as_deref().filter(|_| !caller.withheld) {
                let number = number.to_owned();
                self.open.insert(call, Present { number, about: None });
            }
        } else if let CallEvent::Said(said) = event {
            let about = said.intent.as_ref().filter(|_| said.became == Became::Understood);
            if let (Some(present), Some(about)) = (self.open.get_mut(&call), about) {
                present.about = Some(about.clone());
            }
        } else if let CallEvent::Ended { cause, .. } = event
            && let Some(Present { number, about }) = self.open.remove(&call)
        {
            self.ended(number, Past { at, about, gave_up: *cause == EndCause::CallerAbandoned });
        }
    }

    /// What is known of a number, as calls have it when they arrive, at `at`.
    pub fn of(&self, number: &str, at: UnixMicros) -> History {
        let oldest = before(at, self.kept_us);
        let Some(calls) = self.by_number.get(number) else { return History::default() };
        let mut kept = calls.iter().filter(|past| past.at >= oldest);
        let Some(last) = kept.next_back() else { return History::default() };
        let others = u32::try_from(kept.count()).unwrap_or(u32::MAX);
        History {
            calls: others.saturating_add(1),
            about: last.about.clone(),
            gave_up: last.gave_up,
        }
    }

    /// Calls that a dead run left open will never end.
    pub fn forget_open(&mut self) {
        self.open.clear();
    }

    fn ended(&mut self, number: String, past: Past) {
        let at = past.at;
        let calls = self.by_number.entry(number.clone()).or_default();
        if let Some(last) = calls.back() {
            self.by_time.remove(&(last.at, number.clone()));
        }
        let oldest = before(at, self.kept_us);
        calls.retain(|call| call.at >= oldest);
        if calls.len() >= MOST_CALLS {
            calls.pop_front();
        }
        calls.push_back(past);
        self.by_time.insert((at, number));
        self.forget_old(at);
        while self.by_number.len() > MOST {
            let Some((_, oldest)) = self.by_time.pop_first() else { break };
            self.by_number.remove(&oldest);
        }
    }

    fn forget_old(&mut self, at: UnixMicros) {
        let oldest_kept = before(at, self.kept_us);
        while let Some((rang_at, _)) = self.by_time.first()
            && (*rang_at < oldest_kept || self.kept_us == 0)
            && let Some((_, number)) = self.by_time.pop_first()
        {
            self.by_number.remove(&number);
        }
    }
}

fn before(at: UnixMicros, us: u64) -> UnixMicros {
    UnixMicros(at.0.saturating_sub(i64::try_from(us).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Caller, Said, Slot};
    use crate::id::LegId;

    const HOUR_US: u64 = 3_600_000_000;

    fn at(hours: u64) -> UnixMicros {
        UnixMicros((hours * HOUR_US) as i64)
    }

    struct Bench(Histories, u128);

    impl Bench {
        fn keeping(hours: u64) -> Bench {
            let mut all = Histories::default();
            all.keep_for(hours * HOUR_US, at(0));
            Bench(all, 0)
        }

        fn call(&mut self, caller: Caller, about: Option<&str>, cause: EndCause, hours: u64) {
            self.1 += 1;
            let call = CallId(uuid::Uuid::from_u128(self.1));
            let arrived = CallEvent::Arrived {
                leg: LegId(1),
                caller,
                called: "01708434343".to_owned(),
                flow: None,
                by: None,
                through: None,
                callback: None,
            };
            self.0.see(call, &arrived, at(hours));
            if let Some(about) = about {
                let said = Said {
                    node: "services".into(),
                    slot: None::<Slot>,
                    text: None,
                    intent: Some(about.into()),
                    second_opinion: false,
                    became: Became::Understood,
                };
                self.0.see(call, &CallEvent::Said(said), at(hours));
            }
            self.0.see(call, &CallEvent::Ended { cause, duration_us: 1 }, at(hours));
        }
    }

    fn known(number: &str) -> Caller {
        Caller { number: Some(number.to_owned()), name: None, withheld: false }
    }

    #[test]
    fn who_rings_again_is_known_for_as_long_as_is_asked() {
        let mut bench = Bench::keeping(24);
        bench.call(known("01632960001"), Some("missed-bin"), EndCause::CallerAbandoned, 1);
        bench.call(known("01632960001"), None, EndCause::Completed, 20);
        let of = |hours| bench.0.of("01632960001", at(hours));
        assert_eq!(of(24), History { calls: 2, about: None, gave_up: false });
        assert_eq!(of(26).calls, 1, "the first is too long ago");
        assert_eq!(of(45), History::default());
        assert_eq!(bench.0.of("01632960002", at(20)), History::default());
        bench.call(known("01632960001"), Some("rent"), EndCause::CallerAbandoned, 21);
        let last = History { calls: 3, about: Some("rent".into()), gave_up: true };
        assert_eq!(bench.0.of("01632960001", at(21)), last);
    }

    #[test]
    fn nothing_is_kept_that_nobody_asks_for_or_of_who_withholds_their_number() {
        let mut bench = Bench::keeping(0);
        bench.call(known("01632960001"), None, EndCause::Completed, 1);
        assert_eq!(bench.0, Histories::default());
        let mut bench = Bench::keeping(24);
        let withheld = Caller { withheld: true, ..known("01632960001") };
        bench.call(withheld, None, EndCause::Completed, 1);
        assert_eq!(bench.0.of("01632960001", at(1)), History::default());
        bench.call(known("01632960001"), None, EndCause::Completed, 1);
        bench.0.keep_for(0, at(1));
        assert_eq!(bench.0, Histories::default());
    }

    #[test]
    fn there_is_a_bound_for_calls_and_for_numbers() {
        let mut bench = Bench::keeping(1_000_000);
        for hours in 0..30 {
            bench.call(known("01632960001"), None, EndCause::Completed, hours);
        }
        assert_eq!(bench.0.of("01632960001", at(30)).calls, 20);
        for n in 0..MOST as u64 {
            bench.call(known(&format!("+4420{n:08}")), None, EndCause::Completed, 31 + n);
        }
        assert_eq!(bench.0.by_number.len(), MOST);
        assert_eq!(bench.0.by_time.len(), MOST);
        assert_eq!(bench.0.of("01632960001", at(31)), History::default());
    }
}
