//! What a start takes over from the runs before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{
    AgentEvent, AgentState, CallEvent, CallbackEvent, EndCause, Entry, Event, Miss, Peer,
    StateReason,
};
use crate::id::{AgentId, AwayReason, BulletinName, CallId, LegId, PhoneName, QueueName};
use crate::time::{Time, UnixMicros};

use super::bans::BanLive;
use super::callbacks::CallbackLive;
use super::fold::Fold;
use super::histories::Histories;
use super::last_agents::LastAgents;
use super::messages::{MessageLive, MessageSpoken};
use super::notifications::NotificationLive;
use super::wrap_up::WrapUpOf;

/// Everything that the engine restores at a start ([`Fold::restore_point`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The position of the next entry.
    pub next_seq: u64,
    /// Calls without an end; none once [`closing_entries`] are applied.
    pub open_calls: Vec<OpenCall>,
    /// Phones, by agent and then in the order in which they first registered. Some may have
    /// expired while nothing ran: compare `expires_at`.
    pub registrations: Vec<Registration>,
    /// Who is banned. Some bans may have ended while nothing ran: compare `until`.
    pub bans: Vec<BanLive>,
    /// Messages to all callers that are said.
    pub bulletins: Vec<BulletinName>,
    /// Messages that are open.
    pub messages: Vec<MessageLive>,
    /// Messages that were begun, and of which it is not known whether they are kept.
    pub spoken: Vec<MessageSpoken>,
    /// Promises to ring somebody back that are open.
    pub callbacks: Vec<CallbackLive>,
    /// What callers were promised and was not sent.
    pub notifications: Vec<NotificationLive>,
    /// Which adviser spoke with which number last.
    pub last_agents: LastAgents,
    /// What numbers rang about before.
    pub histories: Histories,
    /// Of which conversations advisers can say something.
    pub wrap_ups: Vec<WrapUpOf>,
    /// Every agent that the journal knows and the last state.
    pub agents: Vec<(AgentId, AgentState)>,
    /// For what those are not ready who are.
    pub away: BTreeMap<AgentId, AwaySince>,
    /// Who sits at which shared phone.
    pub desks: BTreeMap<PhoneName, AgentId>,
}

/// For what an agent is not ready, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaySince {
    /// For what.
    pub reason: AwayReason,
    /// Since when, on the calendar; calls by name in between count.
    pub since: UnixMicros,
    /// The journal says that it is too long.
    pub over: bool,
}

/// A call without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCall {
    /// Which.
    pub call: CallId,
    /// When it arrived, on the calendar.
    pub arrived_at: UnixMicros,
    /// Where it waits.
    pub waiting: Option<Waiting>,
    /// With whom it is joined.
    pub joined: Option<Joined>,
}

/// A place in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// In which queue.
    pub queue: QueueName,
    /// In which episode of the call (`CallEvent::QueueEntered`).
    pub episode: u32,
    /// The first entry of that episode, on the calendar.
    pub first_at: UnixMicros,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// With whom.
    pub with: Peer,
    /// Their leg.
    pub leg: LegId,
    /// Since when, on the calendar.
    pub since_at: UnixMicros,
}

/// A phone that registered (`AgentEvent::Registered`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Whose phone.
    pub agent: AgentId,
    /// The contact's address, as a SIP URI.
    pub contact: String,
    /// Where requests to it are sent, `address:port`.
    pub source: String,
    /// The listener that it registered over.
    pub listener: u8,
    /// The REGISTER's Call-ID.
    pub call_id: String,
    /// The REGISTER's CSeq number.
    pub cseq: u32,
    /// When the binding ends, on the calendar.
    pub expires_at: UnixMicros,
}

/// The entries that close what the last run left open, to be written at a start before anything
/// else and applied to the fold: every open call ends with `EndCause::ProcessDied`, an agent who was
/// busy with a call is again what they were before it, ready or not, and whoever was being rung back
/// was not reached.
///
/// `at` and `time` are those of the start. What was under way is taken to have lasted until the
/// journal's last entry, the last sign of life: an agent must not be credited with a conversation
/// over the night in which nothing ran.
pub fn closing_entries(fold: &Fold, at: UnixMicros, time: Time) -> Vec<Entry> {
    let end = fold.last_stamp();
    let mut events = Vec::new();
    for (call, book) in fold.calls() {
        let mut push = |event| events.push(Event::Call { call: *call, event });
        if let Some(left) = book.left_by_dead_run(&end) {
            push(left);
        }
        if let Some(parted) = book.parted_by_dead_run(&end) {
            push(parted);
        }
        let duration_us = book.arrived.until(&end);
        push(CallEvent::Ended { cause: EndCause::ProcessDied, duration_us });
    }
    for (agent, book) in fold.agents() {
        if let Some(to) = book.after_the_call() {
            events.push(Event::Agent {
                agent: agent.clone(),
                event: AgentEvent::State {
                    from: book.state,
                    to,
                    reason: StateReason::Restored,
                    by: None,
                    lasted_us: book.since.until(&end),
                    away: book.away.as_ref().map(|away| away.reason.clone()),
                },
            });
        }
    }
    for live in fold.callbacks().open.values().filter(|live| live.dialled_for.is_some()) {
        let event = CallbackEvent::Missed { miss: Miss::ProcessDied };
        events.push(Event::Callback { callback: live.callback, event });
    }
    let seqs = fold.next_seq()..;
    seqs.zip(events).map(|(seq, event)| Entry { seq, at, time, event }).collect()
}

impl Fold {
    /// What a start takes over.
    pub fn restore_point(&self) -> Restored {
        let open_calls = self.calls().iter().map(|(call, book)| OpenCall {
            call: *call,
            arrived_at: book.arrived.at,
            waiting: book.visit.as_ref().map(|visit| Waiting {
                queue: visit.queue.clone(),
                episode: visit.episode,
                first_at: book.waits_since().unwrap_or(book.arrived).at,
            }),
            joined: book.conversation.as_ref().map(|talk| Joined {
                with: talk.with.clone(),
                leg: talk.leg,
                since_at: talk.since.at,
            }),
        });
        let agents = self.agents();
        Restored {
            next_seq: self.next_seq(),
            open_calls: open_calls.collect(),
            registrations: agents.values().flat_map(|book| book.registrations.clone()).collect(),
            bans: self.bans().values().cloned().collect(),
            bulletins: self.bulletins().on().cloned().collect(),
            messages: self.messages().open.values().cloned().collect(),
            spoken: self.messages().spoken.values().cloned().collect(),
            callbacks: self.callbacks().open.values().cloned().collect(),
            notifications: self.notifications().waiting.values().cloned().collect(),
            last_agents: self.last_agents().clone(),
            histories: self.histories().clone(),
            wrap_ups: self.wrap_ups().open().cloned().collect(),
            agents: agents.iter().map(|(agent, book)| (agent.clone(), book.state)).collect(),
            away: agents
                .iter()
                .filter_map(|(agent, book)| Some((agent.clone(), book.away.clone()?)))
                .collect(),
            desks: agents
                .iter()
                .filter_map(|(agent, book)| Some((book.desk.clone()?, agent.clone())))
                .collect(),
        }
    }
}
