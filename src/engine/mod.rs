//! The core's one door: [`io::Input`] in, [`io::Output`] out, time as a parameter.
//!
//! The engine owns the SIP endpoint, the calls with their controllers, and the queue, and carries
//! what one says to the other. It does no IO and reads no clock: the same inputs at the same times
//! with the same seed give the same outputs, byte for byte.

mod backends;
mod callbacks;
pub mod controller;
pub mod desks;
mod destination;
mod dial;
mod guard;
mod hearing;
mod inbound;
pub mod io;
mod last_agents;
pub mod limits;
mod messages;
mod notifications;
mod plan;
pub mod preface;
mod queue;
mod refer;
mod route;
mod start;
mod supervise;
mod trunks;
mod wrap_up;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::acd::Acd;
use crate::acd::callback::Callbacks;
use crate::acd::command::AcdInput;
use crate::acd::messages::Messages;
use crate::acd::wrap_up::WrapUps;
use crate::backend::Backends;
use crate::call::command::Notice;
use crate::call::{Action, Call, CallTimer, SipAction};
use crate::event::{CallEvent, EndCause, Entry, Event, OutboundRefusal, StateReason, SystemEvent};
use crate::id::{AgentId, BulletinName, CallId, Entropy, LegId, RecordingId};
use crate::media;
use crate::notification::Outbox;
use crate::sip::endpoint::{Endpoint, Load, SipCounters, SipEvent};
use crate::sip::guard::Offence;
use crate::stats::{Histories, LastAgents};
use crate::time::{Deadlines, Time, WallClock};
use crate::trunk::Trunks;

use self::callbacks::Recorded;
use self::controller::Controller;
use self::desks::Desks;
pub use self::destination::{DialPlan, is_emergency};
use self::io::{Input, Output};
use self::limits::Admission;
use self::messages::Spoken;
pub use self::plan::{AgentPlan, Plan, PlanError};
pub use self::start::Start;

/// How much the engine holds: all zero when nothing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Calls up.
    pub calls: usize,
    /// Legs that belong to a call or are being closed.
    pub legs: usize,
    /// The SIP endpoint's.
    pub sip: Load,
}

#[derive(Debug)]
struct Governed {
    call: Call,
    /// What was dialled, as the journal has it.
    called: String,
    controller: Controller,
}

/// The deterministic core.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    wall: WallClock,
    entropy: Entropy,
    endpoint: Endpoint,
    acd: Acd,
    /// Boxed: a map moves its values when it grows and shrinks.
    calls: BTreeMap<CallId, Box<Governed>>,
    /// Every leg whose media are open or being opened, and its call.
    legs: BTreeMap<LegId, CallId>,
    /// Legs being closed, until media tell their counters.
    closing: BTreeMap<LegId, CallId>,
    timers: Deadlines<(CallId, CallTimer)>,
    /// When phones that an offer could not reach are given another chance.
    second_chances: Deadlines<AgentId>,
    admission: Admission,
    trunks: Trunks,
    /// What callers left.
    messages: Messages,
    /// What they are saying, and what the disk has not told of yet.
    spoken: BTreeMap<RecordingId, Spoken>,
    /// When a message of an earlier run of which nobody knows anything is taken for lost.
    unheard: Deadlines<RecordingId>,
    /// What callers were promised.
    callbacks: Callbacks,
    /// What waits for the journal's commit, by position.
    recorded: BTreeMap<u64, Vec<Recorded>>,
    /// Messages to all callers that are said now.
    bulletins: BTreeSet<BulletinName>,
    /// What flows ask of other systems.
    backends: Backends,
    /// What callers are promised to be sent.
    outbox: Outbox,
    /// Who spoke with which caller last.
    last_agents: LastAgents,
    histories: Histories,
    /// Callers who are listened to.
    listenings: hearing::Listenings,
    outbound_refused: BTreeMap<OutboundRefusal, u64>,
    /// What advisers can say of conversations.
    wrap_ups: WrapUps,
    /// Who sits at which shared phone.
    desks: Desks,
    seq: u64,
    /// What calls want done and is not done yet, in order.
    work: VecDeque<(CallId, Action)>,
    /// Calls in which something may have changed that their recordings follow.
    touched: BTreeSet<CallId>,
    out: VecDeque<Output>,
}

impl Engine {
    /// Takes in what happened outside.
    pub fn handle_input(&mut self, now: Time, input: Input) {
        match input {
            Input::Datagram { listener, from, bytes } => {
                self.endpoint.handle_datagram(now, listener, from, bytes);
            }
            Input::Named { listener, peer, names } => {
                self.endpoint.handle_named(listener, peer, names);
            }
            Input::Unreadable { listener, peer } => {
                self.endpoint.note_offence(now, listener, peer, Offence::Malformed);
            }
            Input::Closed { listener, peer } => {
                self.endpoint.handle_closed(now, listener, peer);
            }
            Input::Resolved { query, answer } => self.trunks.resolved(now, &query, answer),
            Input::Media(event) => self.media_event(now, event),
            Input::WallClock(shown) => {
                self.wall = WallClock::showing(shown, now);
                self.apply(now, AcdInput::Timer);
                self.callbacks_changed(now);
            }
            Input::Request { id, actor, own, request } => {
                self.request(now, id, &actor, own, request);
            }
            Input::Recording { call, recording, what } => {
                let written = messages::written(&what);
                let event = CallEvent::Recording { recording, what };
                self.record(now, Event::Call { call, event });
                if let Some(written) = written {
                    self.message_written(now, recording, written);
                }
            }
            Input::Fetched { id, outcome, arrived } => self.fetched(now, id, outcome, arrived),
            Input::Dispatched { id, outcome } => self.dispatched(now, id, outcome),
            Input::Heard { id, news } => self.heard(now, id, news),
            Input::Committed(up_to) => self.committed(now, up_to),
            Input::Opinion { id, answer } => self.opinion(now, id, answer.as_deref()),
            Input::Journal(health) => self.admission.journal_full(health.full),
            Input::Settings(plan) => self.reconfigure(now, plan),
            Input::Drain => self.close(now),
            Input::Stop => self.stop(now),
        }
        self.settle(now);
    }

    /// Lets everything happen that is due.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(now);
        }
        while let Some((_, (call, timer))) = self.timers.pop_due(now) {
            self.with_call(call, |call, _| match timer {
                CallTimer::Controller => {}
                CallTimer::Ring => call.ring_timed_out(now),
                CallTimer::NextPhone => call.next_phones(now),
                CallTimer::Message | CallTimer::Silence => call.end_message(now),
                CallTimer::Longest => call.end(now, EndCause::Limit),
            });
            if timer == CallTimer::Controller {
                self.notify(now, call, Notice::TimerDone);
            }
            self.settle(now);
        }
        while let Some((_, agent)) = self.second_chances.pop_due(now) {
            self.reachable(now, agent);
        }
        if self.acd.poll_timeout().is_some_and(|at| at <= now) {
            self.apply(now, AcdInput::Timer);
        }
        if self.trunks.poll_timeout().is_some_and(|at| at <= now) {
            self.trunks.handle_timeout(now);
        }
        self.messages_overdue(now);
        self.callbacks_due(now);
        self.notifications_due(now);
        self.settle(now);
    }

    /// When [`Engine::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        let agents = [
            self.second_chances.next(),
            self.acd.poll_timeout(),
            self.trunks.poll_timeout(),
            self.messages.poll_timeout(),
            self.unheard.next(),
            self.callbacks.poll_timeout(),
            self.outbox.poll_timeout(),
        ];
        [self.endpoint.poll_timeout(), self.timers.next()].into_iter().chain(agents).flatten().min()
    }

    /// The next thing to be done outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// What has been counted on the wire.
    pub fn sip_counters(&self) -> &SipCounters {
        self.endpoint.counters()
    }

    /// Who is kept out.
    pub fn guard(&self) -> &crate::sip::guard::Guard {
        self.endpoint.guard()
    }

    /// Calls up now.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// How much the engine holds.
    pub fn held(&self) -> Held {
        Held {
            calls: self.calls.len(),
            legs: self.legs.len() + self.closing.len(),
            sip: self.endpoint.load(),
        }
    }

    /// Takes no new calls, and says so to those who would send them.
    fn close(&mut self, now: Time) {
        self.admission.close();
        self.endpoint.close();
        self.trunks.close(now);
        self.callbacks_rest(now);
    }

    fn stop(&mut self, now: Time) {
        self.close(now);
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for governed in self.calls.values_mut() {
            // Nobody becomes ready for callers who are being let go.
            if let Controller::StarCode { afterwards, .. } = &mut governed.controller {
                *afterwards = None;
            }
        }
        for call in calls {
            self.with_call(call, |call, _| call.end(now, EndCause::Shutdown));
        }
        self.settle(now);
        self.record_system(now, SystemEvent::Stopped);
    }

    fn reconfigure(&mut self, now: Time, plan: Arc<Plan>) {
        self.endpoint.reconfigure(plan.endpoint.clone());
        self.trunks.reconfigure(now, plan.trunks.clone());
        self.backends.configure(&plan.backends);
        self.outbox.configure(&plan.notifications);
        self.plan = plan;
        self.keep_last_agents(now);
        self.histories.keep_for(self.plan.history_us, self.wall.at(now));
        self.record_system(now, self.plan.in_force());
        self.acd.reconfigure(self.plan.acd.clone());
        self.apply(now, AcdInput::Timer);
        self.callbacks_changed(now);
        self.follow_phones(now);
        self.all_reachable(now);
    }

    // ---- from inside to inside ---------------------------------------------------------------

    /// Carries out everything that calls, the queue and signalling have asked for.
    fn settle(&mut self, now: Time) {
        loop {
            while let Some((call, action)) = self.work.pop_front() {
                self.carry_out_action(now, call, action);
            }
            match self.endpoint.poll_event() {
                Some(event) => self.sip_event(now, event),
                None if self.trunk_output(now) => {}
                None if self.follow_recordings(now) => {}
                None => break,
            }
        }
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.out.push_back(Output::Transmit(transmit));
        }
    }

    /// Lets recordings follow what has changed; whether that asked for anything.
    fn follow_recordings(&mut self, now: Time) -> bool {
        for id in std::mem::take(&mut self.touched) {
            if let Some(governed) = self.calls.get_mut(&id) {
                governed.call.follow_recording(now);
                let actions = governed.call.take_actions();
                self.work.extend(actions.into_iter().map(|action| (id, action)));
            }
        }
        !self.work.is_empty()
    }

    fn with_call(&mut self, id: CallId, f: impl FnOnce(&mut Call, &mut Entropy)) {
        self.in_call(id, f);
    }

    /// The same for what is answered; none if there is no such call.
    fn in_call<T>(
        &mut self,
        id: CallId,
        f: impl FnOnce(&mut Call, &mut Entropy) -> T,
    ) -> Option<T> {
        let governed = self.calls.get_mut(&id)?;
        self.touched.insert(id);
        let answer = f(&mut governed.call, &mut self.entropy);
        let actions = governed.call.take_actions();
        self.work.extend(actions.into_iter().map(|action| (id, action)));
        Some(answer)
    }

    fn with_leg(&mut self, leg: LegId, f: impl FnOnce(&mut Call)) {
        if let Some(call) = self.legs.get(&leg).copied() {
            self.with_call(call, |call, _| f(call));
        }
    }

    fn carry_out_action(&mut self, now: Time, id: CallId, action: Action) {
        match action {
            Action::Sip(action) => self.sip_action(now, action),
            Action::Media(command) => {
                match &command {
                    media::command::Command::Open { leg, .. } => {
                        self.legs.insert(*leg, id);
                    }
                    media::command::Command::Close { leg } => {
                        self.trunks.release(*leg);
                        // Closed once: whoever closes a leg again is not answered again.
                        if self.legs.remove(leg).is_none() {
                            return;
                        }
                        self.closing.insert(*leg, id);
                    }
                    media::command::Command::Negotiate { .. }
                    | media::command::Command::Play { .. }
                    | media::command::Command::Announce { .. }
                    | media::command::Command::Music { .. }
                    | media::command::Command::Quiet { .. }
                    | media::command::Command::Bridge { .. }
                    | media::command::Command::Unbridge { .. }
                    | media::command::Command::Join { .. }
                    | media::command::Command::Leave { .. }
                    | media::command::Command::SendKeys { .. }
                    | media::command::Command::Listen { .. }
                    | media::command::Command::Tap { .. }
                    | media::command::Command::Record { .. }
                    | media::command::Command::Secret { .. } => {}
                }
                self.out.push_back(Output::Media(command));
            }
            Action::Record(event) => {
                self.remember_agent(now, id, &event);
                self.histories.see(id, &event, self.wall.at(now));
                self.follow_conversation(id, &event);
                self.record(now, Event::Call { call: id, event });
            }
            Action::Notify(notice) => self.notify(now, id, notice),
            Action::Queue(action) => self.queue_action(now, id, action),
            Action::Message(action) => self.message_action(now, id, action),
            Action::Callback(action) => self.callback_action(now, id, action),
            Action::Dial { to, purpose } => self.dial(now, id, to, purpose),
            Action::Flow(flow) => self.led_by(now, id, flow),
            Action::Timer(timer, Some(at)) => self.timers.set((id, timer), at),
            Action::Timer(timer, None) => {
                self.timers.cancel(&(id, timer));
            }
            Action::Over => {
                self.stop_listening(id);
                let governed = self.calls.remove(&id);
                if let Some(Controller::StarCode { agent, afterwards: Some(choice), .. }) =
                    governed.map(|governed| governed.controller)
                {
                    // Refused only if somebody has signed the agent out meanwhile: so be it.
                    let _ = self.choose(now, &agent, choice, StateReason::Own, None);
                }
            }
        }
    }

    fn sip_action(&mut self, now: Time, action: SipAction) {
        match action {
            SipAction::Provisional(leg, status, sdp) => {
                self.endpoint.provisional(now, leg, status, sdp.as_deref());
            }
            SipAction::Answer(leg, sdp) => self.endpoint.answer(now, leg, &sdp),
            SipAction::Reject(leg, status) => {
                let retry_after = (status == 503).then(|| limits::retry_after(&mut self.entropy));
                self.endpoint.reject(now, leg, status, retry_after);
            }
            SipAction::Forbid(leg, why) => {
                self.endpoint.forbid(now, leg, why.status(), why.words());
            }
            SipAction::Invite(invite) => {
                if let Some(way) = self.trunk_way(invite.leg) {
                    self.trunks.begin(now, invite.leg, way);
                }
                self.endpoint.invite(now, invite);
            }
            SipAction::Cancel(leg) => self.endpoint.cancel(now, leg),
            SipAction::HangUp(leg) => self.endpoint.hang_up(now, leg),
            SipAction::HangUpBecause(leg, cause) => self.endpoint.hang_up_because(now, leg, cause),
            SipAction::AcceptChange(leg, sdp) => self.endpoint.accept_change(now, leg, &sdp),
            SipAction::RejectChange(leg, status) => self.endpoint.reject_change(now, leg, status),
            SipAction::NotifyRefer(leg, status) => self.endpoint.notify_refer(now, leg, status),
        }
    }

    fn sip_event(&mut self, now: Time, event: SipEvent) {
        match event {
            SipEvent::Invite(invite) => self.invite(now, invite),
            SipEvent::Acknowledged { leg, answer } => {
                self.with_leg(leg, |call| call.acknowledged(now, leg, answer));
            }
            // In the PRACK, or to a session refreshed that the peer describes anew.
            SipEvent::ProvisionalAcknowledged { leg, answer: Some(answer) }
            | SipEvent::Changed { leg, answer } => {
                self.with_leg(leg, |call| call.described(now, leg, &answer));
            }
            SipEvent::Change { leg, offer } => {
                self.with_leg(leg, |call| call.changed(now, leg, offer));
            }
            SipEvent::Progress { leg, status: 180 | 183, answer } => {
                self.trunks.progressed(now, leg);
                self.with_leg(leg, |call| call.phone_ringing(leg, answer.as_ref()));
            }
            SipEvent::Refer { leg, refer } => self.referred(now, leg, &refer),
            SipEvent::Key { leg, key, .. } => {
                if let Some(key) = media::command::Key::from_char(key) {
                    let told = media::command::Told::Info;
                    self.with_leg(leg, |call| call.key(now, leg, key, told));
                }
            }
            SipEvent::Redirected { leg, status, contacts } => {
                self.redirected(now, leg, status, &contacts);
            }
            SipEvent::Progress { leg, .. } => self.trunks.progressed(now, leg),
            SipEvent::ProvisionalAcknowledged { answer: None, .. }
            | SipEvent::ChangeRefused { .. } => {}
            SipEvent::Response { id, response } => self.trunks.answered(now, id, &response),
            SipEvent::Answered { leg, answer, source } => match self.legs.contains_key(&leg) {
                true => {
                    self.trunks.progressed(now, leg);
                    self.with_leg(leg, |call| call.phone_answered(now, leg, &answer, source));
                }
                false => self.endpoint.hang_up(now, leg),
            },
            SipEvent::Failed { leg, status, .. } => {
                self.trunks.failed(now, leg, status);
                self.with_leg(leg, |call| call.phone_refused(now, leg, status));
            }
            SipEvent::Ended { leg, end, .. } => {
                self.with_leg(leg, |call| call.leg_ended(now, leg, end));
            }
            SipEvent::Guard(notice) => self.guard_notice(now, notice),
            SipEvent::Registered { user, binding } => self.registered(now, &user, &binding),
            SipEvent::Unregistered { user, contact, expired } => {
                self.unregistered(now, &user, contact, expired);
            }
        }
    }

    fn media_event(&mut self, now: Time, event: media::command::Event) {
        use media::command::Event as Media;
        match event {
            Media::Opened { leg, local } => {
                let local = self.told(leg, local);
                self.with_leg(leg, |call| call.media_opened(now, leg, local));
            }
            Media::OpenFailed { leg, error } => {
                tracing::warn!(%leg, %error, "no media for a leg");
                self.with_leg(leg, |call| call.media_failed(now, leg));
                self.legs.remove(&leg);
                self.closing.remove(&leg);
            }
            Media::Played { leg, play } => {
                self.with_leg(leg, |call| call.media_played(now, leg, play))
            }
            Media::Key { leg, key, told } => {
                self.with_leg(leg, |call| call.key(now, leg, key, told));
            }
            // Nothing that leads a call listens yet.
            Media::Speech { leg, speech } => {
                self.with_leg(leg, |call| call.heard_speech(now, leg, speech));
            }
            Media::SecretKey { leg, key, told } => {
                self.with_leg(leg, |call| call.secret_key(now, leg, key, told));
            }
            Media::Silent { leg, for_ms, ever_heard } => {
                self.with_leg(leg, |call| call.media_silent(now, leg, for_ms, ever_heard));
            }
            Media::Closed { leg, counters, quality } => {
                if let Some(call) = self.closing.remove(&leg) {
                    let media::command::LegCounters { received, sent, dropped } = counters;
                    let event = CallEvent::LegClosed { leg, received, sent, dropped, quality };
                    self.record(now, Event::Call { call, event });
                }
            }
        }
    }

    /// What a leg's peer is told of our media: the address by which it knows us. Each listener may
    /// stand in another network.
    fn told(&self, leg: LegId, local: SocketAddr) -> SocketAddr {
        let ringing = || {
            let call = self.legs.get(&leg).and_then(|call| self.calls.get(call))?;
            call.call.listener_towards(leg)
        };
        let listener = self.endpoint.listener_of(leg).or_else(ringing);
        listener
            .and_then(|listener| self.plan.endpoint.listeners.get(usize::from(listener.0)))
            .map(|listener| listener.advertised.ip())
            .map_or(local, |told| SocketAddr::new(told, local.port()))
    }

    // ---- the journal -------------------------------------------------------------------------

    fn record(&mut self, now: Time, event: Event) {
        self.seq += 1;
        let entry = Entry { seq: self.seq, at: self.wall.at(now), time: now, event };
        self.out.push_back(Output::Journal(entry));
    }

    fn record_system(&mut self, now: Time, event: SystemEvent) {
        self.record(now, Event::System { event });
    }
}
