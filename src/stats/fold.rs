//! The fold itself: one entry after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::event::{
    AgentEvent, AgentState, Became, CallEvent, CallbackEvent, EndCause, Entry, Event, Outcome,
    Peer, Purpose, SystemEvent, TransferOutcome,
};
use crate::id::{AgentId, CallId, PhoneName, QueueName};
use crate::time::{Time, UnixMicros};

use super::agents::AgentBook;
use super::away::AwayBook;
use super::backends::BackendBook;
use super::bans::{BanBook, BanLive};
use super::books::{Answer, CallBook, Conversation, Place, QueueBook, Stamp};
use super::bulletins::BulletinBook;
use super::callbacks::CallbackBook;
use super::histories::Histories;
use super::interval::Intervals;
use super::last_agents::LastAgents;
use super::messages::MessageBook;
use super::notifications::NotificationBook;
use super::restore::Registration;
use super::speech::SpeechBook;
use super::surveys::SurveyBook;
use super::voice::Voice;
use super::wrap_up::WrapUpBook;
use super::zone::Zone;

mod shown;

/// Changes whenever the fold's definitions or its written form change: a snapshot of another
/// version is not used, and the journal is folded anew.
pub const FOLD_VERSION: i64 = 19;

/// All that is known from the journal so far.
///
/// Equal journals give equal folds, whether read in one go or from a snapshot on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fold {
    seq: u64,
    last: Stamp,
    organisation: String,
    zone: Zone,
    queues: BTreeMap<QueueName, QueueBook>,
    agents: BTreeMap<AgentId, AgentBook>,
    calls: BTreeMap<CallId, CallBook>,
    intervals: Intervals,
    ended: BTreeMap<EndCause, u64>,
    transfers: BTreeMap<TransferOutcome, u64>,
    bans: BanBook,
    voice: Voice,
    messages: MessageBook,
    callbacks: CallbackBook,
    bulletins: BulletinBook,
    backends: BackendBook,
    speech: SpeechBook,
    notifications: NotificationBook,
    last_agents: LastAgents,
    histories: Histories,
    surveys: SurveyBook,
    wrap_ups: WrapUpBook,
    away: AwayBook,
    /// Phones that agents share, which register under names of their own.
    phones: BTreeSet<PhoneName>,
    wrong_pins: u64,
}

impl Fold {
    /// The fold of an empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next entry. One that is already in (by its position) changes nothing.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.seq <= self.seq {
            return;
        }
        let stamp = self.stamp_of(entry);
        match &entry.event {
            Event::Call { call, event } => self.apply_call(*call, event, stamp),
            Event::Agent { agent, event } => self.apply_agent(agent, event, stamp),
            Event::Message { message, event } => self.messages.apply(*message, event, stamp.at),
            Event::Callback { callback, event } => {
                if let (CallbackEvent::Kept { agent, .. }, Some(promise)) =
                    (event, self.callbacks.open.get(callback))
                {
                    self.last_agents.spoke(&promise.number, agent, stamp.at);
                }
                let calls = &self.calls;
                let facts = |call| calls.get(&call).map_or(Vec::new(), |book| book.facts.clone());
                self.callbacks.apply(*callback, event, stamp.at, facts);
            }
            Event::Notification { notification, event } => {
                self.notifications.see(*notification, event, stamp.at);
            }
            Event::System { event } => self.apply_system(event, stamp),
        }
        self.seq = entry.seq;
        self.last = stamp;
    }

    /// The entry's instant. A start of the engine, and a monotonic clock that begins anew, begin a
    /// run: nobody worked between the last sign of life and that.
    fn stamp_of(&mut self, entry: &Entry) -> Stamp {
        let started = matches!(entry.event, Event::System { event: SystemEvent::Started { .. } });
        let begins = started || entry.time < self.last.time;
        let run = if begins { self.last.run.saturating_add(1) } else { self.last.run };
        let stamp = Stamp { at: entry.at, time: entry.time, run };
        if begins {
            for book in self.agents.values_mut() {
                let span = book.accrue(&self.last, stamp, &self.zone);
                self.away.spend(&span);
                self.intervals.spend(span, &self.zone);
                book.registrations.retain(|phone| phone.expires_at > stamp.at);
            }
        }
        stamp
    }

    fn apply_call(&mut self, call: CallId, event: &CallEvent, stamp: Stamp) {
        self.histories.see(call, event, stamp.at);
        match event {
            CallEvent::Arrived { by, callback, caller, .. } => {
                let promised = callback.and_then(|callback| self.callbacks.open.get(&callback));
                let facts = promised.map(|promised| promised.facts.clone());
                let book = self.calls.entry(call).or_insert_with(|| CallBook::new(stamp));
                book.by.clone_from(by);
                let known = by.is_none() && !caller.withheld;
                book.number = caller.number.clone().filter(|_| known);
                book.facts.extend(facts.into_iter().flatten());
            }
            CallEvent::QueueEntered { queue, skills: _, first, episode, place: _ } => {
                self.enter(call, queue, *first, *episode, stamp);
            }
            CallEvent::Joined {
                queue,
                agent,
                leg,
                wait_us,
                visit_us: _,
                to_person_us,
                episode,
            } => {
                let Some(book) = self.calls.get_mut(&call) else { return };
                let (wait_us, episode) = (*wait_us, *episode);
                if let Some(number) = &book.number {
                    self.last_agents.spoke(number, agent, stamp.at);
                }
                if let (Some(met), Some(queue)) = (book.met(&stamp), self.queues.get_mut(queue)) {
                    queue.told(met);
                }
                book.answered_in = Some(queue.clone());
                self.wrap_ups.began(agent, call, queue, book);
                book.conversation = Some(Conversation {
                    with: Peer::Agent(agent.clone()),
                    leg: *leg,
                    since: stamp,
                    answers: Some(Answer { queue: queue.clone(), wait_us, episode }),
                });
                if let Some(place) = book.settle(Outcome::Answered, episode) {
                    self.settle(&place, Outcome::Answered, wait_us);
                    if let Some(queue) = self.queues.get_mut(&place.queue) {
                        queue.to_person.push(*to_person_us);
                    }
                }
            }
            CallEvent::TurnedAway { queue, why } => {
                self.queues.entry(queue.clone()).or_default().turn_away(*why);
            }
            CallEvent::QueueLeft { queue, outcome, wait_us, episode } => {
                let visited = self.queues.entry(queue.clone()).or_default();
                visited.leave(*outcome, *wait_us, *episode);
                let Some(book) = self.calls.get_mut(&call) else { return };
                book.visit = None;
                if let Some(place) = book.settle(*outcome, *episode) {
                    self.settle(&place, *outcome, *wait_us);
                }
            }
            CallEvent::Connected { to, leg, purpose } => {
                let Some(book) = self.calls.get_mut(&call) else { return };
                let (with, leg) = (to.clone(), *leg);
                if let (Some(number), Peer::Agent(agent)) = (&book.number, to) {
                    self.last_agents.spoke(number, agent, stamp.at);
                }
                if let (Peer::Agent(agent), Some(place)) = (to, &book.place)
                    && *purpose != Purpose::Flow
                {
                    self.wrap_ups.began(agent, call, &place.queue, book);
                }
                book.conversation = Some(Conversation { with, leg, since: stamp, answers: None });
            }
            CallEvent::Parted { queue: _, agent, talk_us, hold_us, by: _ } => {
                self.part(call, Some(agent), talk_us.saturating_add(*hold_us), stamp.at);
            }
            CallEvent::Disconnected { from, talk_us, hold_us, by: _ } => {
                let agent = match from {
                    Peer::Agent(agent) => Some(agent),
                    // Nobody's work.
                    Peer::Outside(_) => None,
                };
                self.part(call, agent, talk_us.saturating_add(*hold_us), stamp.at);
            }
            CallEvent::Ended { cause, duration_us: _ } => {
                if let Some(book) = self.calls.remove(&call) {
                    if book.place.is_none() && book.by.is_none() && *cause == EndCause::Completed {
                        self.speech.contained(book.intent.as_ref());
                    }
                    *self.ended.entry(*cause).or_default() += 1;
                }
            }
            CallEvent::LegClosed { leg: _, received: _, sent: _, dropped: _, quality } => {
                self.voice.push(quality);
            }
            CallEvent::TransferEnded { outcome } => {
                *self.transfers.entry(*outcome).or_default() += 1;
            }
            CallEvent::MessageBegan { .. }
            | CallEvent::MessageSpoken { .. }
            | CallEvent::Recording { .. } => {
                self.messages.apply_call(call, event, stamp.at);
            }
            CallEvent::Noted { label, fact } => {
                if let Some(book) = self.calls.get_mut(&call) {
                    book.note(label, fact);
                }
            }
            CallEvent::Asked(exchange) => self.backends.asked(exchange),
            CallEvent::Said(said) => {
                self.speech.said(said);
                if let (Some(intent), Became::Understood, Some(book)) =
                    (&said.intent, said.became, self.calls.get_mut(&call))
                {
                    book.intent = Some(intent.clone());
                }
            }
            CallEvent::Rated { question, score } => {
                let book = self.calls.get(&call);
                let queue = book.and_then(|book| book.answered_in.as_ref());
                self.surveys.count(question, queue, *score);
            }
            CallEvent::HandedOver { reason, intent } => {
                self.speech.handed_over(reason, intent.as_ref());
            }
            CallEvent::Told { queue: _, outlook } => {
                if let Some(book) = self.calls.get_mut(&call) {
                    book.told(*outlook, stamp);
                }
            }
            CallEvent::WrappedUp(said) => {
                let half_hour = self.zone.half_hour(stamp.at);
                self.wrap_ups.say((call, half_hour), said, &mut self.queues, &mut self.intervals);
            }
            CallEvent::LegAnswered { .. }
            | CallEvent::NodeEntered { .. }
            | CallEvent::Chose { .. }
            | CallEvent::Relaxed { .. }
            | CallEvent::WaitsForAnybody { .. }
            | CallEvent::Offered { .. }
            | CallEvent::OfferEnded { .. }
            | CallEvent::Prefaced { .. }
            | CallEvent::Dialled { .. }
            | CallEvent::DialEnded { .. }
            | CallEvent::PhoneChanged { .. }
            | CallEvent::TransferStarted { .. }
            | CallEvent::TransferRefused { .. }
            | CallEvent::SupervisorAsked { .. }
            | CallEvent::SupervisorJoined { .. }
            | CallEvent::SupervisorChanged { .. }
            | CallEvent::SupervisorLeft { .. }
            | CallEvent::ConferenceJoined { .. }
            | CallEvent::ConferenceLeft { .. } => {}
        }
    }

    /// A conversation is over; `agent` is whose work it was.
    fn part(&mut self, call: CallId, agent: Option<&AgentId>, lasted_us: u64, at: UnixMicros) {
        let Some(book) = self.calls.get_mut(&call) else { return };
        book.conversation = None;
        let (Some(place), Some(agent)) = (book.place.clone(), agent) else { return };
        self.wrap_ups.parted(agent, call, at);
        let first = !std::mem::replace(&mut book.handled, true);
        self.handle(&place, lasted_us, first);
        self.agents.entry(agent.clone()).or_default().last_call = Some(place);
    }

    fn enter(&mut self, call: CallId, queue: &QueueName, first: bool, episode: u32, stamp: Stamp) {
        let visited = self.queues.entry(queue.clone()).or_default();
        // A call that is unknown here and not new has ended: its visit is left open in the books,
        // where it shows.
        let book = if first {
            self.calls.entry(call).or_insert_with(|| CallBook::new(stamp))
        } else if let Some(book) = self.calls.get_mut(&call) {
            book
        } else {
            visited.enter(episode, false);
            return;
        };
        let begins = book.enter(queue, episode, stamp);
        visited.enter(episode, begins);
        if first && book.place.is_none() {
            let place = Place { half_hour: self.zone.half_hour(stamp.at), queue: queue.clone() };
            visited.counts.offered += 1;
            self.intervals.offer(&place, visited.thresholds);
            let said = (&mut visited.counts.said, self.intervals.said(&place));
            book.repeat = self.wrap_ups.contact(queue, book.number.as_deref(), stamp.at, said);
            book.place = Some(place);
        }
    }

    /// Counts how an offered call's waiting ended, where the call belongs.
    fn settle(&mut self, place: &Place, outcome: Outcome, wait_us: u64) {
        let book = self.queues.entry(place.queue.clone()).or_default();
        book.counts.settle(outcome, wait_us, book.thresholds);
        if outcome == Outcome::Answered {
            book.waits.push(wait_us);
        }
        self.intervals.settle(place, outcome, wait_us, book.thresholds);
    }

    /// Counts work for a call, where the call belongs.
    fn handle(&mut self, place: &Place, handle_us: u64, first: bool) {
        let counts = &mut self.queues.entry(place.queue.clone()).or_default().counts;
        counts.handled += u64::from(first);
        counts.handle_us = counts.handle_us.saturating_add(handle_us);
        self.intervals.handle(place, handle_us, first);
    }

    fn apply_agent(&mut self, agent: &AgentId, event: &AgentEvent, stamp: Stamp) {
        let book = self.agents.entry(agent.clone()).or_default();
        match event {
            AgentEvent::State { from, to, reason, by: _, lasted_us, away } => {
                let span = book.accrue(&stamp, stamp, &self.zone);
                book.change((*from, *to), *reason, away.as_ref(), stamp);
                book.since = stamp;
                self.away.spend(&span);
                let work = (*from == AgentState::WrapUp).then(|| book.last_call.clone()).flatten();
                self.intervals.spend(span, &self.zone);
                if let Some(place) = work {
                    self.handle(&place, *lasted_us, false);
                }
            }
            AgentEvent::AwayTooLong { away, limit_us: _ } => {
                book.away_too_long(away);
                self.away.too_long(away);
            }
            AgentEvent::SatDown { phone } => book.desk = Some(phone.clone()),
            AgentEvent::StoodUp { phone: _ } => book.desk = None,
            AgentEvent::WrongPin { phone: _, locked: _ } => self.wrong_pins += 1,
            AgentEvent::Registered { contact, source, listener, call_id, cseq, expires_at } => {
                book.register(Registration {
                    agent: agent.clone(),
                    contact: contact.clone(),
                    source: source.clone(),
                    listener: *listener,
                    call_id: call_id.clone(),
                    cseq: *cseq,
                    expires_at: *expires_at,
                });
            }
            AgentEvent::Unregistered { contact, expired: _ } => {
                book.registrations.retain(|phone| phone.contact != *contact);
            }
        }
    }

    fn apply_system(&mut self, event: &SystemEvent, stamp: Stamp) {
        match event {
            SystemEvent::SettingsInForce {
                organisation,
                time_zone,
                queues,
                agents,
                bulletins,
                history_us,
                wrap_up,
                away,
                phones,
            } => {
                self.phones = phones.iter().cloned().collect();
                self.away.in_force(away);
                self.histories.keep_for(*history_us, stamp.at);
                self.wrap_ups.in_force(wrap_up);
                self.bulletins.known(bulletins);
                self.organisation.clone_from(organisation);
                self.zone = Zone::from(time_zone.clone());
                QueueBook::set(&mut self.queues, queues);
                let asked = queues.iter().filter_map(|queue| queue.last_agent_within_us);
                self.last_agents.keep_for(asked.max().unwrap_or(0), stamp.at);
                AgentBook::set(&mut self.agents, agents);
            }
            SystemEvent::Banned { source, reason, until, nth, by } => {
                let ban = BanLive {
                    source: source.clone(),
                    reason: *reason,
                    since: stamp.at,
                    until: *until,
                    nth: *nth,
                    by: by.clone(),
                };
                self.bans.insert(source.clone(), ban);
            }
            SystemEvent::Unbanned { source, reason: _, by: _ } => {
                self.bans.remove(source);
            }
            SystemEvent::BulletinSet { bulletin, on, by } => {
                self.bulletins.set(bulletin, *on, stamp.at, by);
            }
            SystemEvent::Circuit { backend, standing } => self.backends.stands(backend, *standing),
            SystemEvent::Started { .. }
            | SystemEvent::Refused { .. }
            | SystemEvent::TrunkServer { .. }
            | SystemEvent::TrunkRegistered { .. }
            | SystemEvent::OutboundRefused { .. }
            | SystemEvent::JournalGap { .. }
            | SystemEvent::Stopped => {}
        }
    }

    /// The last entry's position; 0 if there is none.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The position of the next entry.
    pub fn next_seq(&self) -> u64 {
        self.seq.saturating_add(1)
    }

    /// The last entry's instant on both clocks: the last sign of life.
    pub fn last(&self) -> (Time, UnixMicros) {
        (self.last.time, self.last.at)
    }

    /// The day that `at` lies in, on the organisation's clock: from its first instant up to that of
    /// the next.
    pub fn day_of(&self, at: UnixMicros) -> Range<UnixMicros> {
        let (start, next) = self.zone.day(at);
        start..next
    }

    pub(super) fn last_stamp(&self) -> Stamp {
        self.last
    }

    pub(super) fn calls(&self) -> &BTreeMap<CallId, CallBook> {
        &self.calls
    }

    pub(super) fn bans(&self) -> &BanBook {
        &self.bans
    }

    pub(super) fn bulletins(&self) -> &BulletinBook {
        &self.bulletins
    }

    pub(super) fn notifications(&self) -> &NotificationBook {
        &self.notifications
    }

    pub(super) fn histories(&self) -> &Histories {
        &self.histories
    }

    pub(super) fn last_agents(&self) -> &LastAgents {
        &self.last_agents
    }

    pub(super) fn wrap_ups(&self) -> &WrapUpBook {
        &self.wrap_ups
    }

    pub(super) fn messages(&self) -> &MessageBook {
        &self.messages
    }

    pub(super) fn callbacks(&self) -> &CallbackBook {
        &self.callbacks
    }

    pub(super) fn agents(&self) -> &BTreeMap<AgentId, AgentBook> {
        &self.agents
    }
}
