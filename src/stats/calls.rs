//! Calls one by one: a line for each, so that one can be found that somebody asks about.

use serde::Serialize;

use crate::event::{CallEvent, EndCause, Entry, Event, Outcome};
use crate::id::{AgentId, CallId, FlowName, QueueName};
use crate::time::UnixMicros;

/// A call in a line. Of several queues, waits and advisers it has the last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallLine {
    /// Which call.
    pub call: CallId,
    /// The journal's position of its arrival.
    pub seq: u64,
    /// When it came.
    pub at: UnixMicros,
    /// The number that rang; none if it was withheld.
    pub caller: Option<String>,
    /// The user part that was dialled.
    pub called: String,
    /// The flow that the number belongs to.
    pub flow: Option<FlowName>,
    /// The queue that it waited in.
    pub queue: Option<QueueName>,
    /// How long, in microseconds; none while it waits.
    pub wait_us: Option<u64>,
    /// How the wait ended.
    pub outcome: Option<Outcome>,
    /// Who answered.
    pub agent: Option<AgentId>,
    /// How long they talked, in microseconds; none while they do.
    pub talk_us: Option<u64>,
    /// How the call ended; none while it lasts.
    pub ended: Option<EndCause>,
    /// How long it lasted, in microseconds.
    pub duration_us: Option<u64>,
}

/// A call's line from its entries; none if they do not begin with its arrival.
pub fn line(entries: &[Entry]) -> Option<CallLine> {
    let mut line: Option<CallLine> = None;
    for entry in entries {
        let Event::Call { call, event } = &entry.event else { continue };
        match (event, &mut line) {
            (CallEvent::Arrived { caller, called, flow, .. }, None) => {
                line = Some(CallLine {
                    call: *call,
                    seq: entry.seq,
                    at: entry.at,
                    caller: caller.number.clone().filter(|_| !caller.withheld),
                    called: called.clone(),
                    flow: flow.clone(),
                    queue: None,
                    wait_us: None,
                    outcome: None,
                    agent: None,
                    talk_us: None,
                    ended: None,
                    duration_us: None,
                });
            }
            (event, Some(line)) => line.goes_on(event),
            (_, None) => return None,
        }
    }
    line
}

impl CallLine {
    fn goes_on(&mut self, event: &CallEvent) {
        // What else happens is told by `why`.
        if let CallEvent::QueueEntered { queue, .. } = event {
            self.queue = Some(queue.clone());
            (self.wait_us, self.outcome) = (None, None);
        } else if let CallEvent::QueueLeft { outcome, wait_us, .. } = event {
            (self.wait_us, self.outcome) = (Some(*wait_us), Some(*outcome));
        } else if let CallEvent::Joined { agent, .. } = event {
            (self.agent, self.talk_us) = (Some(agent.clone()), None);
        } else if let CallEvent::Parted { talk_us, .. } = event {
            self.talk_us = Some(*talk_us);
        } else if let CallEvent::Ended { cause, duration_us } = event {
            (self.ended, self.duration_us) = (Some(*cause), Some(*duration_us));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Caller, Party, Place};
    use crate::id::LegId;
    use crate::time::Time;

    fn entries(events: Vec<CallEvent>) -> Vec<Entry> {
        let call = CallId(uuid::Uuid::from_u128(7));
        let entry = |(n, event)| Entry {
            seq: n,
            at: UnixMicros(5),
            time: Time::ZERO,
            event: Event::Call { call, event },
        };
        (3..).zip(events).map(entry).collect()
    }

    fn arrived(withheld: bool) -> CallEvent {
        CallEvent::Arrived {
            leg: LegId(1),
            caller: Caller { number: Some("+441632960001".into()), name: None, withheld },
            called: "01708434343".into(),
            flow: Some("main".into()),
            by: None,
            through: None,
            callback: None,
        }
    }

    #[test]
    fn a_call_has_a_line_from_its_arrival_on() {
        let queue = QueueName::from("waste");
        let mut events = vec![arrived(false)];
        let first = line(&entries(events.clone())).expect("it came");
        assert_eq!((first.seq, first.caller.as_deref()), (3, Some("+441632960001")));
        assert_eq!((&first.queue, first.ended), (&None, None));
        let skills = Vec::new();
        events.push(CallEvent::QueueEntered {
            queue: queue.clone(),
            skills,
            first: true,
            episode: 1,
            place: Place::default(),
        });
        let waits = line(&entries(events.clone())).expect("it came");
        assert_eq!((waits.queue.as_ref(), waits.wait_us), (Some(&queue), None));
        events.push(CallEvent::Joined {
            queue: queue.clone(),
            agent: "amy".into(),
            leg: LegId(2),
            wait_us: 9,
            visit_us: 9,
            to_person_us: 10,
            episode: 1,
        });
        events.push(CallEvent::QueueLeft {
            queue: queue.clone(),
            outcome: Outcome::Answered,
            wait_us: 9,
            episode: 1,
        });
        let (agent, by) = (AgentId::from("amy"), Party::Caller);
        events.push(CallEvent::Parted { queue, agent, talk_us: 20, hold_us: 0, by });
        events.push(CallEvent::Ended { cause: EndCause::CallerHungUp, duration_us: 40 });
        let over = line(&entries(events)).expect("it came");
        assert_eq!((over.wait_us, over.outcome), (Some(9), Some(Outcome::Answered)));
        assert_eq!((over.agent, over.talk_us), (Some("amy".into()), Some(20)));
        assert_eq!((over.ended, over.duration_us), (Some(EndCause::CallerHungUp), Some(40)));
    }

    #[test]
    fn a_withheld_number_is_not_shown_and_without_an_arrival_there_is_no_line() {
        assert_eq!(line(&entries(vec![arrived(true)])).expect("it came").caller, None);
        let end = CallEvent::Ended { cause: EndCause::Completed, duration_us: 1 };
        assert_eq!(line(&entries(vec![end])), None);
    }
}
