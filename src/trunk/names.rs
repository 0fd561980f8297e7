//! What the domain name system says of the names that trunks need (RFC 3263): asked when it is
//! wanted, again when its time is over, and kept when an answer fails to come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::time::{Deadlines, Time};

use super::srv::SrvRecord;

/// An answer is used for at least and at most this long, whatever its time to live says.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(3_600);
/// A name that does not exist is asked for again after this long.
const ABSENT: Duration = Duration::from_secs(60);
/// After a failure; doubled with each.
const RETRY: Duration = Duration::from_secs(10);
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// A question that is not answered has failed after this long.
const PATIENCE: Duration = Duration::from_secs(20);
/// As many records of one answer are used.
const MOST_RECORDS: usize = 16;
/// As many names are known.
const MOST_NAMES: usize = 512;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// SRV records.
    Srv,
    /// Addresses: A and AAAA records.
    Address,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// The name, in lower case, without a dot at the end.
    pub name: String,
    /// Which records.
    pub kind: RecordKind,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// SRV records.
    Srv(Vec<SrvRecord>),
    /// Addresses.
    Addresses(Vec<IpAddr>),
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was found: not empty.
    pub records: Records,
    /// For how long it holds, in seconds.
    pub ttl_s: u32,
}

/// No good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolveError {
    /// The name, or the record, does not exist.
    Absent,
    /// Nobody answered, or only with a failure.
    Failed,
}

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Known {
    /// Nothing yet.
    #[default]
    Nothing,
    /// That there is no such record.
    Absent,
    /// This, at least until it was to be asked again.
    Found(Records),
}

#[derive(Debug, Default)]
struct Entry {
    known: Known,
    asked: bool,
    failures: u32,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub struct Names {
    entries: BTreeMap<Query, Entry>,
    due: Deadlines<Query>,
    queries: VecDeque<Query>,
}

impl Names {
    /// From now on these are wanted and no others; new ones are asked for at once.
    pub fn want(&mut self, now: Time, wanted: &BTreeSet<Query>) {
        let gone: Vec<Query> =
            self.entries.keys().filter(|query| !wanted.contains(*query)).cloned().collect();
        for query in gone {
            self.entries.remove(&query);
            self.due.cancel(&query);
        }
        for query in wanted {
            if !self.entries.contains_key(query) && self.entries.len() < MOST_NAMES {
                self.entries.insert(query.clone(), Entry::default());
                self.ask(now, query.clone());
            }
        }
    }

    fn ask(&mut self, now: Time, query: Query) {
        if let Some(entry) = self.entries.get_mut(&query) {
            entry.asked = true;
            self.due.set(query.clone(), now + PATIENCE);
            self.queries.push_back(query);
        }
    }

    /// The next question for the shell.
    pub fn poll_query(&mut self) -> Option<Query> {
        self.queries.pop_front()
    }

    /// An answer has come; whether it changes what is known.
    pub fn answered(
        &mut self,
        now: Time,
        query: &Query,
        answer: Result<Answer, ResolveError>,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(query).filter(|entry| entry.asked) else {
            return false;
        };
        entry.asked = false;
        let (known, again) = match answer {
            Ok(Answer { records, ttl_s }) => {
                entry.failures = 0;
                let ttl = Duration::from_secs(u64::from(ttl_s)).clamp(SHORTEST, LONGEST);
                match usable(records, query.kind) {
                    Some(records) => (Some(Known::Found(records)), ttl),
                    None => (Some(Known::Absent), ABSENT),
                }
            }
            Err(ResolveError::Absent) => {
                entry.failures = 0;
                (Some(Known::Absent), ABSENT)
            }
            Err(ResolveError::Failed) => {
                let again = RETRY.saturating_mul(1 << entry.failures.min(5)).min(LONGEST_RETRY);
                entry.failures = entry.failures.saturating_add(1);
                (None, again)
            }
        };
        self.due.set(query.clone(), now + again);
        let changed = known.as_ref().is_some_and(|known| *known != entry.known);
        if let Some(known) = known {
            entry.known = known;
        }
        changed
    }

    /// Asks again for what is over.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((_, query)) = self.due.pop_due(now) {
            match self.entries.get(&query).map(|entry| entry.asked) {
                Some(true) => {
                    self.answered(now, &query, Err(ResolveError::Failed));
                }
                Some(false) => self.ask(now, query),
                None => {}
            }
        }
    }

    /// When [`Names::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.due.next()
    }

    /// The SRV records of a name; `None` while nothing is known, empty if there are none.
    pub fn srv(&self, name: &str) -> Option<&[SrvRecord]> {
        match self.known(name, RecordKind::Srv)? {
            Known::Nothing => None,
            Known::Found(Records::Srv(records)) => Some(records),
            Known::Absent | Known::Found(Records::Addresses(_)) => Some(&[]),
        }
    }

    /// The addresses of a name; empty if none are known.
    pub fn addresses(&self, name: &str) -> &[IpAddr] {
        match self.known(name, RecordKind::Address) {
            Some(Known::Found(Records::Addresses(addresses))) => addresses,
            Some(Known::Nothing | Known::Absent | Known::Found(Records::Srv(_))) | None => &[],
        }
    }

    fn known(&self, name: &str, kind: RecordKind) -> Option<&Known> {
        self.entries.get(&Query { name: name.to_owned(), kind }).map(|entry| &entry.known)
    }
}

/// The records that can be used, in an order of their own; none if there is none.
fn usable(records: Records, kind: RecordKind) -> Option<Records> {
    match (records, kind) {
        (Records::Srv(mut list), RecordKind::Srv) => {
            // A single "." says that the service is not there (RFC 2782).
            list.retain(|record| record.port > 0 && !matches!(record.target.as_str(), "" | "."));
            for record in &mut list {
                record.target = record.target.trim_end_matches('.').to_ascii_lowercase();
            }
            list.sort();
            list.dedup();
            list.truncate(MOST_RECORDS);
            (!list.is_empty()).then_some(Records::Srv(list))
        }
        (Records::Addresses(mut list), RecordKind::Address) => {
            list.retain(|ip| !ip.is_unspecified() && !ip.is_multicast());
            list.sort();
            list.dedup();
            list.truncate(MOST_RECORDS);
            (!list.is_empty()).then_some(Records::Addresses(list))
        }
        (Records::Srv(_), RecordKind::Address) | (Records::Addresses(_), RecordKind::Srv) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str) -> Query {
        Query { name: name.to_owned(), kind: RecordKind::Address }
    }

    fn found(last: u8, ttl_s: u32) -> Result<Answer, ResolveError> {
        let records = Records::Addresses(vec![IpAddr::from([192, 0, 2, last])]);
        Ok(Answer { records, ttl_s })
    }

    fn secs(s: u64) -> Time {
        Time::from_millis(s * 1_000)
    }

    /// Lets time pass second by second; when questions were asked.
    fn asked_at(names: &mut Names, from: u64, to: u64) -> Vec<u64> {
        let mut asked = Vec::new();
        for s in from..=to {
            names.handle_timeout(secs(s));
            while names.poll_query().is_some() {
                asked.push(s);
            }
        }
        asked
    }

    #[test]
    fn a_name_is_asked_once_and_again_when_its_time_is_over() {
        let mut names = Names::default();
        let wanted = BTreeSet::from([query("a.example")]);
        names.want(secs(0), &wanted);
        names.want(secs(0), &wanted);
        assert_eq!(names.poll_query(), Some(query("a.example")));
        assert_eq!(names.poll_query(), None);
        assert!(names.answered(secs(1), &query("a.example"), found(1, 30)));
        assert_eq!(names.addresses("a.example"), [IpAddr::from([192, 0, 2, 1])]);
        assert_eq!(asked_at(&mut names, 2, 40), [31]);
        assert!(!names.answered(secs(41), &query("a.example"), found(1, 0)), "the same again");
        assert_eq!(asked_at(&mut names, 41, 50), [46], "no sooner than five seconds");
        assert!(names.answered(secs(50), &query("a.example"), found(2, 4_000_000)));
        assert_eq!(
            asked_at(&mut names, 51, 5_000),
            [3_650, 3_680, 3_720, 3_780, 3_880, 4_060, 4_380, 4_700],
            "no later than an hour; then nobody answers"
        );
    }

    #[test]
    fn what_was_good_is_kept_while_answers_fail_and_not_when_the_name_is_gone() {
        let mut names = Names::default();
        names.want(secs(0), &BTreeSet::from([query("a.example")]));
        names.poll_query();
        names.answered(secs(0), &query("a.example"), found(1, 5));
        assert_eq!(asked_at(&mut names, 1, 5), [5]);
        assert!(!names.answered(secs(5), &query("a.example"), Err(ResolveError::Failed)));
        assert_eq!(names.addresses("a.example").len(), 1);
        assert_eq!(asked_at(&mut names, 6, 20), [15]);
        assert!(names.answered(secs(15), &query("a.example"), Err(ResolveError::Absent)));
        assert!(names.addresses("a.example").is_empty());
        names.want(secs(16), &BTreeSet::new());
        assert_eq!(names.poll_timeout(), None);
        assert!(!names.answered(secs(17), &query("a.example"), found(1, 5)), "nobody wants it");
    }

    #[test]
    fn records_that_lead_nowhere_are_none() {
        let mut names = Names::default();
        let srv = Query { name: "_sip._udp.a.example".to_owned(), kind: RecordKind::Srv };
        names.want(secs(0), &BTreeSet::from([srv.clone()]));
        assert_eq!(names.srv(&srv.name), None);
        let record = |target: &str, port| SrvRecord {
            priority: 1,
            weight: 1,
            port,
            target: target.to_owned(),
        };
        let answer = |list| Ok(Answer { records: Records::Srv(list), ttl_s: 60 });
        names.poll_query();
        assert!(names.answered(
            secs(0),
            &srv,
            answer(vec![record(".", 5060), record("x.example", 0)])
        ));
        assert_eq!(names.srv(&srv.name), Some([].as_slice()));
        assert_eq!(asked_at(&mut names, 1, 60), [60]);
        assert!(names.answered(secs(60), &srv, answer(vec![record("X.Example.", 5070)])));
        assert_eq!(names.srv(&srv.name), Some([record("x.example", 5070)].as_slice()));
        let odd = Ok(Answer { records: Records::Addresses(Vec::new()), ttl_s: 9 });
        asked_at(&mut names, 61, 120);
        assert!(names.answered(secs(120), &srv, odd));
        assert_eq!(names.srv(&srv.name), Some([].as_slice()));
    }
}
