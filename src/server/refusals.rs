//! What is said in the log of SIP that was refused: a line for each reason, and never a flood of
//! them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::event::{Entry, Event, NotificationEvent, Standing, SystemEvent};
use crate::sip::endpoint::SipCounters;
use crate::time::Time;

/// One line for each reason in this time at the most ...
const FIRST_GAP: Duration = Duration::from_secs(10);
/// ... which doubles up to this while it goes on.
const LONGEST_GAP: Duration = Duration::from_secs(600);

/// A line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// As in /metrics.
    pub reason: &'static str,
    /// Whose message was refused last for this reason.
    pub from: Option<IpAddr>,
    /// How many more were refused for it since the last line.
    pub more: u64,
}

#[derive(Debug, Clone, Copy)]
struct Said {
    count: u64,
    next_at: Time,
    gap: Duration,
}

/// What has been said.
#[derive(Debug, Default)]
pub struct Refusals {
    said: BTreeMap<&'static str, Said>,
}

impl Refusals {
    /// What is to be said now.
    pub fn lines(&mut self, now: Time, counters: &SipCounters) -> Vec<Line> {
        let mut lines = Vec::new();
        for (reason, count) in &counters.rejected {
            let before = self.said.get(reason).copied();
            let since = count - before.map_or(0, |said| said.count).min(*count);
            if since == 0 || before.is_some_and(|said| said.next_at > now) {
                continue;
            }
            let quiet = before.is_none_or(|said| now - said.next_at > said.gap);
            let gap = match before {
                Some(said) if !quiet => (said.gap * 2).min(LONGEST_GAP),
                Some(_) | None => FIRST_GAP,
            };
            self.said.insert(reason, Said { count: *count, next_at: now + gap, gap });
            let from = counters.rejected_from.get(reason).copied();
            lines.push(Line { reason, from, more: since - 1 });
        }
        lines
    }
}

/// What an operator should see at once is a line each: who is banned and who no longer (the guard keeps
/// them few), which back end fails, what is said to every caller, who waits for a text in vain.
pub fn say(entry: &Entry) {
    let event = match &entry.event {
        Event::System { event } => event,
        Event::Notification { notification, event } => {
            if let NotificationEvent::Failed { why, words, attempts } = event {
                let words = words.as_deref();
                tracing::warn!(%notification, ?why, words, attempts, "a caller is not sent what was promised");
            }
            return;
        }
        Event::Call { .. }
        | Event::Agent { .. }
        | Event::Message { .. }
        | Event::Callback { .. } => return,
    };
    match event {
        SystemEvent::Banned { source, reason, until, nth, by } => {
            let until = until.timestamp();
            let by = by.as_deref();
            tracing::warn!(source, ?reason, %until, nth, by, "banned");
        }
        SystemEvent::Unbanned { source, reason, by } => {
            tracing::info!(source, ?reason, by = by.as_deref(), "no longer banned");
        }
        SystemEvent::Circuit { backend, standing: Standing::Closed } => {
            tracing::info!(%backend, "the back end answers again");
        }
        SystemEvent::Circuit { backend, standing: Standing::Open | Standing::HalfOpen } => {
            tracing::warn!(%backend, "the back end has failed too often and is left alone");
        }
        SystemEvent::BulletinSet { bulletin, on, by } => {
            tracing::info!(%bulletin, on, by, "a message to all callers");
        }
        SystemEvent::Started { .. }
        | SystemEvent::SettingsInForce { .. }
        | SystemEvent::Refused { .. }
        | SystemEvent::JournalGap { .. }
        | SystemEvent::TrunkServer { .. }
        | SystemEvent::TrunkRegistered { .. }
        | SystemEvent::OutboundRefused { .. }
        | SystemEvent::Stopped => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(reason: &'static str, count: u64) -> SipCounters {
        let from = IpAddr::from([203, 0, 113, 7]);
        let mut counters = SipCounters::default();
        counters.rejected.insert(reason, count);
        counters.rejected_from.insert(reason, from);
        counters
    }

    fn seconds(count: u64) -> Time {
        Time::from_millis(count * 1_000)
    }

    #[test]
    fn the_first_of_a_kind_is_said_at_once_and_a_flood_ever_less_often() {
        let mut refusals = Refusals::default();
        let said = |refusals: &mut Refusals, at, count| {
            let lines = refusals.lines(seconds(at), &counters("malformed", count));
            lines.first().map(|line| line.more)
        };
        assert_eq!(said(&mut refusals, 0, 1), Some(0));
        assert_eq!(said(&mut refusals, 1, 1), None, "nothing new");
        assert_eq!(said(&mut refusals, 2, 900), None, "too soon");
        assert_eq!(said(&mut refusals, 10, 1_000), Some(998));
        let lines = (11..3_611_u64)
            .filter(|at| said(&mut refusals, *at, at * 1_000).is_some())
            .collect::<Vec<_>>();
        assert!(lines.len() < 13, "{lines:?}");
        assert!(said(&mut refusals, 5_000, 3_610_000).is_some(), "the rest of it");
        assert_eq!(said(&mut refusals, 20_000, 3_610_001), Some(0), "at once after a silence");
        assert_eq!(said(&mut refusals, 20_010, 3_610_009), Some(7), "and soon again");
    }

    #[test]
    fn each_reason_has_its_own_line_with_whose_message_it_was() {
        let mut refusals = Refusals::default();
        let mut both = counters("malformed", 3);
        both.rejected.insert("flood", 7);
        let lines = refusals.lines(seconds(0), &both);
        let from = Some(IpAddr::from([203, 0, 113, 7]));
        assert_eq!(
            lines,
            [
                Line { reason: "flood", from: None, more: 6 },
                Line { reason: "malformed", from, more: 2 },
            ]
        );
    }
}
