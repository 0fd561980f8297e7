//! Requests under way, and what becomes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Answer, Ask, BackendSettings, Circuit};
use crate::event::{Exchange, Failed, Standing};
use crate::id::{BackendName, CallId};
use crate::time::Time;

/// How long a request waits before it is repeated: a server that restarts is back by then.
const PAUSE: Duration = Duration::from_millis(250);

/// Identifies one attempt of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub u64);

/// One attempt of a request, to be sent.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Comes back with the answer.
    pub id: FetchId,
    /// How long to wait before it is sent.
    pub after: Duration,
    /// How long the answer may take from then on.
    pub timeout: Duration,
    /// The back end's address.
    pub url: String,
    /// What is asked.
    pub ask: Ask,
    /// The same for every attempt of this request and for no other: who gets two with one key carries
    /// out one (draft-ietf-httpapi-idempotency-key-header).
    pub key: String,
}

/// What follows.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Send this.
    Fetch(Fetch),
    /// Tell the call.
    Answer {
        /// Which.
        call: CallId,
        /// What it is told.
        answer: Result<Answer, Failed>,
        /// How it went.
        exchange: Exchange,
    },
    /// A circuit has opened or closed.
    Stands {
        /// Whose.
        backend: BackendName,
        /// How it stands.
        standing: Standing,
    },
}

/// All back ends.
#[derive(Debug, Default)]
pub struct Backends {
    all: BTreeMap<BackendName, Backend>,
    pending: BTreeMap<FetchId, Pending>,
    last: u64,
}

#[derive(Debug)]
struct Backend {
    settings: BackendSettings,
    circuit: Circuit,
    under_way: u32,
}

#[derive(Debug)]
struct Pending {
    call: CallId,
    ask: Ask,
    /// The number of the first attempt, which all attempts share.
    first: u64,
    since: Time,
    attempts: u32,
}

impl Backends {
    /// New settings: those that are still there keep their circuits.
    pub fn configure(&mut self, settings: &BTreeMap<BackendName, BackendSettings>) {
        self.all.retain(|name, _| settings.contains_key(name));
        for (name, settings) in settings {
            match self.all.get_mut(name) {
                Some(backend) => backend.settings = settings.clone(),
                None => {
                    let circuit = Circuit::default();
                    let settings = settings.clone();
                    self.all.insert(name.clone(), Backend { settings, circuit, under_way: 0 });
                }
            }
        }
    }

    /// How every back end stands, by name.
    pub fn standings(&self, now: Time) -> impl Iterator<Item = (&BackendName, Standing)> {
        self.all.iter().map(move |(name, backend)| (name, backend.circuit.standing(now)))
    }

    /// A call asks.
    pub fn ask(&mut self, now: Time, call: CallId, ask: Ask) -> Vec<Effect> {
        let refused = match self.all.get_mut(&ask.backend) {
            None => Some(Failed::Unknown),
            Some(backend) if backend.under_way >= backend.settings.at_once => Some(Failed::Busy),
            Some(backend) => match backend.circuit.admits(now) {
                true => None,
                false => Some(Failed::CircuitOpen),
            },
        };
        let pending = Pending { call, ask, first: self.last + 1, since: now, attempts: 0 };
        match refused {
            Some(failed) => vec![answer(now, pending, Err(failed))],
            None => self.send(pending, Duration::ZERO).into_iter().collect(),
        }
    }

    fn send(&mut self, mut pending: Pending, after: Duration) -> Option<Effect> {
        let backend = self.all.get_mut(&pending.ask.backend)?;
        backend.under_way += 1;
        pending.attempts += 1;
        self.last += 1;
        let id = FetchId(self.last);
        let timeout = backend.settings.timeout();
        let url = backend.settings.url.trim_end_matches('/').to_owned();
        let ask = pending.ask.clone();
        // Numbers begin anew with the process; calls are never named twice.
        let key = format!("{}-{}", pending.call, pending.first);
        self.pending.insert(id, pending);
        Some(Effect::Fetch(Fetch { id, after, timeout, url, ask, key }))
    }

    /// An attempt is over. `arrived` tells whether the back end may have got the request.
    pub fn fetched(
        &mut self,
        now: Time,
        id: FetchId,
        outcome: Result<Answer, Failed>,
        arrived: bool,
    ) -> Vec<Effect> {
        let Some(pending) = self.pending.remove(&id) else { return Vec::new() };
        let name = pending.ask.backend.clone();
        let Some(backend) = self.all.get_mut(&name) else {
            // Taken out of the settings meanwhile; what it said still counts.
            return vec![answer(now, pending, outcome)];
        };
        backend.under_way = backend.under_way.saturating_sub(1);
        let mut effects = Vec::new();
        let bad = match &outcome {
            Ok(answer) => answer.status >= 500,
            Err(failed) => failed.is_its_fault(),
        };
        let stands = |standing| Effect::Stands { backend: name.clone(), standing };
        if bad {
            let (most, rest) = (backend.settings.failures, backend.settings.rest());
            if backend.circuit.failed(now, most, rest) {
                effects.push(stands(Standing::Open));
            }
        } else if backend.circuit.succeeded() {
            effects.push(stands(Standing::Closed));
        }
        let harmless = pending.ask.method.is_idempotent() || backend.settings.idempotency_keys;
        let may_repeat = harmless || !arrived;
        let left = pending.attempts <= backend.settings.retries;
        let passing = match &outcome {
            // RFC 9110 section 15.6: a gateway or an overloaded server may do better next time.
            Ok(answer) => matches!(answer.status, 502..=504),
            Err(failed) => matches!(failed, Failed::Unreachable | Failed::TimedOut),
        };
        let again = passing && may_repeat && left && backend.circuit.admits(now);
        effects.extend(match again {
            true => self.send(pending, PAUSE),
            false => Some(answer(now, pending, outcome)),
        });
        effects
    }
}

fn answer(now: Time, pending: Pending, answer: Result<Answer, Failed>) -> Effect {
    let took_us = u64::try_from(now.since(pending.since).as_micros()).unwrap_or(u64::MAX);
    let exchange = Exchange {
        backend: pending.ask.backend,
        status: answer.as_ref().ok().map(|answer| answer.status),
        failed: answer.as_ref().err().copied(),
        attempts: pending.attempts,
        took_us,
    };
    Effect::Answer { call: pending.call, answer, exchange }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Method;
    use crate::id::Entropy;
    use crate::time::UnixMicros;

    const TAX: &str = "council-tax";

    fn desk(change: impl Fn(&mut BackendSettings)) -> Backends {
        let mut settings: BackendSettings =
            toml::from_str("url = 'http://127.0.0.1:1/api/'").expect("settings");
        change(&mut settings);
        let mut desk = Backends::default();
        desk.configure(&BTreeMap::from([(TAX.into(), settings)]));
        desk
    }

    fn call() -> CallId {
        Entropy::from_seed([1; 32]).call_id(UnixMicros(1))
    }

    fn ask(method: Method) -> Ask {
        Ask { backend: TAX.into(), method, path: "/a".to_owned(), body: None }
    }

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn ok(status: u16) -> Result<Answer, Failed> {
        Ok(Answer { status, body: serde_json::Value::Null })
    }

    /// The attempt that is to be sent.
    fn sent(effects: &[Effect]) -> FetchId {
        match effects.last() {
            Some(Effect::Fetch(fetch)) => fetch.id,
            other => panic!("nothing is sent: {other:?}"),
        }
    }

    /// What the call is told.
    fn told(effects: &[Effect]) -> (Result<u16, Failed>, u32) {
        match effects.last() {
            Some(Effect::Answer { answer, exchange, .. }) => {
                (answer.as_ref().map(|answer| answer.status).map_err(|it| *it), exchange.attempts)
            }
            other => panic!("nothing is told: {other:?}"),
        }
    }

    #[test]
    fn an_answer_goes_to_the_call_that_asked() {
        let mut desk = desk(|_| {});
        let effects = desk.ask(at(0), call(), ask(Method::Get));
        let Some(Effect::Fetch(fetch)) = effects.last() else { panic!("sent") };
        assert_eq!(fetch.url, "http://127.0.0.1:1/api");
        let effects = desk.fetched(at(40), fetch.id, ok(404), true);
        assert_eq!(told(&effects), (Ok(404), 1));
        let Some(Effect::Answer { exchange, call: told, .. }) = effects.last() else { panic!() };
        assert_eq!((exchange.took_us, *told), (40_000, call()));
        assert!(desk.fetched(at(41), fetch.id, ok(200), true).is_empty(), "answered once");
    }

    #[test]
    fn only_what_does_no_harm_is_repeated() {
        let mut desk = desk(|settings| settings.retries = 1);
        let first = sent(&desk.ask(at(0), call(), ask(Method::Get)));
        let second = sent(&desk.fetched(at(1), first, Err(Failed::TimedOut), true));
        assert_eq!(told(&desk.fetched(at(2), second, ok(200), true)), (Ok(200), 2));
        let first = sent(&desk.ask(at(3), call(), ask(Method::Post)));
        let lost = desk.fetched(at(4), first, Err(Failed::TimedOut), true);
        assert_eq!(told(&lost), (Err(Failed::TimedOut), 1), "it may have been carried out");
        let first = sent(&desk.ask(at(5), call(), ask(Method::Post)));
        let second = sent(&desk.fetched(at(6), first, Err(Failed::Unreachable), false));
        assert_eq!(told(&desk.fetched(at(7), second, ok(201), true)), (Ok(201), 2));
        let first = sent(&desk.ask(at(8), call(), ask(Method::Get)));
        assert_eq!(told(&desk.fetched(at(9), first, ok(500), true)), (Ok(500), 1), "no use");
    }

    #[test]
    fn a_back_end_that_knows_keys_is_asked_again_under_the_same_one() {
        let mut desk = desk(|settings| settings.idempotency_keys = true);
        let key = |effects: &[Effect]| match effects.last() {
            Some(Effect::Fetch(fetch)) => fetch.key.clone(),
            other => panic!("nothing is sent: {other:?}"),
        };
        let effects = desk.ask(at(0), call(), ask(Method::Post));
        let (first, id) = (key(&effects), sent(&effects));
        let effects = desk.fetched(at(1), id, Err(Failed::TimedOut), true);
        assert_eq!(key(&effects), first);
        assert_eq!(told(&desk.fetched(at(2), sent(&effects), ok(201), true)), (Ok(201), 2));
        assert_ne!(key(&desk.ask(at(3), call(), ask(Method::Post))), first, "another request");
    }

    #[test]
    fn a_broken_back_end_is_left_alone_and_tried_again() {
        let mut desk = desk(|settings| (settings.retries, settings.failures) = (0, 2));
        for millis in [0, 10] {
            let id = sent(&desk.ask(at(millis), call(), ask(Method::Get)));
            let effects = desk.fetched(at(millis + 5), id, ok(503), true);
            let opened = effects
                .iter()
                .any(|effect| matches!(effect, Effect::Stands { standing: Standing::Open, .. }));
            assert_eq!(opened, millis == 10);
        }
        assert_eq!(
            told(&desk.ask(at(20), call(), ask(Method::Get))),
            (Err(Failed::CircuitOpen), 0)
        );
        assert_eq!(desk.standings(at(20)).next().map(|(_, s)| s), Some(Standing::Open));
        let later = at(30_020);
        let id = sent(&desk.ask(later, call(), ask(Method::Get)));
        assert_eq!(told(&desk.ask(later, call(), ask(Method::Get))), (Err(Failed::CircuitOpen), 0));
        let effects = desk.fetched(later, id, ok(200), true);
        assert!(matches!(effects.first(), Some(Effect::Stands { standing: Standing::Closed, .. })));
        sent(&desk.ask(later, call(), ask(Method::Get)));
    }

    #[test]
    fn no_more_than_so_many_ask_at_once() {
        let mut desk = desk(|settings| settings.at_once = 1);
        let id = sent(&desk.ask(at(0), call(), ask(Method::Get)));
        assert_eq!(told(&desk.ask(at(0), call(), ask(Method::Get))), (Err(Failed::Busy), 0));
        desk.fetched(at(1), id, ok(200), true);
        sent(&desk.ask(at(2), call(), ask(Method::Get)));
        let mut other = ask(Method::Get);
        other.backend = "gone".into();
        assert_eq!(told(&desk.ask(at(3), call(), other)), (Err(Failed::Unknown), 0));
    }
}
