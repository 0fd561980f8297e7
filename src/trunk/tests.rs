//! Trunks told what the domain name system and servers say.

use std::net::IpAddr;

use super::guard::OnBehalf;
use super::inward::{Busy, Identified, Origin};
use super::names::{RecordKind, Records};
use super::srv::SrvRecord;
use super::*;
use crate::event::OutboundRefusal;
use crate::sip::endpoint::{OutOfDialogMethod, Response};
use crate::sip::transport::Protocol;

mod calls;
mod life;

const TWO: &str = r#"
[trunk.carrier]
hosts = ["192.0.2.1", "192.0.2.2"]
from = ["192.0.2.0/28"]
number = "01632 960100"
identity = "pai"
calls = 3
"#;

#[derive(serde::Deserialize)]
struct Part {
    #[serde(default, rename = "trunk")]
    trunks: BTreeMap<TrunkName, TrunkSettings>,
    #[serde(default)]
    outbound: OutboundSettings,
}

fn plan(text: &str) -> TrunkPlan {
    let Part { trunks, outbound } = toml::from_str(text).expect("settings");
    let at = SocketAddr::from(([10, 0, 0, 1], 5060));
    let listeners = [Protocol::Udp, Protocol::Tcp, Protocol::Tls].map(|one| Listener::new(one, at));
    let agents = [("amy".into(), CallingSettings::default())].into();
    TrunkPlan::new(&trunks, &outbound, (agents, BTreeMap::new()), &listeners)
}

fn secs(s: u64) -> Time {
    Time::from_millis(s * 1_000)
}

fn udp(last: u8) -> Place {
    (Protocol::Udp, SocketAddr::from(([192, 0, 2, last], 5060)))
}

/// A table, what it wants done, and the time.
struct Case {
    now: Time,
    trunks: Trunks,
    requests: Vec<OutOfDialog>,
    queries: Vec<Query>,
    changes: Vec<Change>,
    names: BTreeMap<SocketAddr, Arc<str>>,
}

impl Case {
    fn new(text: &str) -> Case {
        let trunks = Trunks::new(Time::ZERO, plan(text), Entropy::from_seed([5; 32]));
        let mut case = Case {
            now: Time::ZERO,
            trunks,
            requests: Vec::new(),
            queries: Vec::new(),
            changes: Vec::new(),
            names: BTreeMap::new(),
        };
        case.at(Time::ZERO);
        case
    }

    /// Lets everything happen until an instant.
    fn at(&mut self, now: Time) {
        while let Some(due) = self.trunks.poll_timeout().filter(|due| *due <= now) {
            self.now = self.now.max(due);
            self.trunks.handle_timeout(self.now);
            self.collect();
        }
        self.now = now;
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(output) = self.trunks.poll_output() {
            match output {
                TrunkOutput::Resolve(query) => self.queries.push(query),
                TrunkOutput::Request(request) => self.requests.push(request),
                TrunkOutput::Names(names) => self.names = names,
                TrunkOutput::Changed(change) => self.changes.push(change),
            }
        }
    }

    /// Every request that was sent, as method and place, oldest first.
    fn sent(&mut self) -> Vec<(OutOfDialogMethod, SocketAddr)> {
        self.requests.iter().map(|request| (request.method, request.to)).collect()
    }

    /// Answers the oldest request; what it was.
    fn answer(&mut self, response: &Response) -> OutOfDialog {
        assert!(!self.requests.is_empty(), "nothing was asked");
        let request = self.requests.remove(0);
        let response = Response { cseq: request.cseq, ..response.clone() };
        self.trunks.answered(self.now, request.id, &response);
        self.collect();
        request
    }

    fn answer_all(&mut self, status: u16) {
        while !self.requests.is_empty() {
            self.answer(&Response { status, ..Response::default() });
        }
    }

    /// Lets time pass until a server is asked something, while all others answer well; the second.
    fn until_asked(&mut self, (_, to): Place) -> u64 {
        loop {
            let due = self.trunks.poll_timeout().expect("something is due");
            self.at(due);
            while self.requests.first().is_some_and(|request| request.to != to) {
                self.answer(&Response { status: 200, ..Response::default() });
            }
            if !self.requests.is_empty() {
                return self.now.as_micros() / 1_000_000;
            }
        }
    }

    /// Tells a name.
    fn tell(&mut self, name: &str, records: Records) {
        let kind = match records {
            Records::Srv(_) => RecordKind::Srv,
            Records::Addresses(_) => RecordKind::Address,
        };
        let query = Query { name: name.to_owned(), kind };
        assert!(self.queries.contains(&query), "{query:?} was not asked: {:?}", self.queries);
        self.queries.retain(|one| *one != query);
        self.trunks.resolved(self.now, &query, Ok(Answer { records, ttl_s: 3_600 }));
        self.collect();
    }

    fn dial(&mut self, number: &str) -> Result<Vec<Attempt>, OutboundRefusal> {
        self.trunks.route(self.now, number, OnBehalf::Agent("amy".into()), None)
    }

    /// Dials, and places the call; the attempt.
    fn place(&mut self, leg: u64, number: &str) -> Arc<Attempt> {
        let attempts = self.dial(number).expect("a way");
        let attempt = Arc::new(attempts.into_iter().next().expect("a way"));
        self.trunks.begin(self.now, LegId(leg), attempt.clone());
        self.collect();
        attempt
    }
}

fn places(attempts: &[Attempt]) -> Vec<SocketAddr> {
    attempts.iter().map(Attempt::to).collect()
}
