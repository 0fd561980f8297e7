//! Promises to ring callers back: between flows, the queue, the journal and the calls that keep them.

use jiff::civil::DateTime;

use crate::acd::callback::{CallbackEffect, CallbackInput, Promise, Refusal};
use crate::acd::command::AcdInput;
use crate::call::command::{CallbackAnswer, Notice, Priority};
use crate::call::{Action, Call, CallBack, CallbackAction};
use crate::event::{Caller, EndCause, Event};
use crate::flow::Urgency;
use crate::id::{Ability, CallId, CallbackId, FlowName, NotificationId, QueueName};
use crate::media::command::Encryption;
use crate::number::class::Class;
use crate::number::{Dialled, canonical};
use crate::sdp::Keyring;
use crate::sip::ListenerId;
use crate::stats::Restored;
use crate::time::{Time, UnixMicros};
use crate::trunk::guard::OnBehalf;

use super::controller::Controller;
use super::io::{Output, Reply};
use super::{Engine, Governed};

/// What a call that we begin may cross (RFC 3261 section 8.1.1.6).
const HOPS: u8 = 70;

/// What waits for the journal's commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// A caller may be told that they will be rung back.
    Promise(CallId, CallbackId),
    /// The number of a call may be dialled.
    Dial(CallId),
    /// Something that a caller was promised may be sent.
    Notification(NotificationId),
}

impl Engine {
    fn callback_input(&mut self, now: Time, input: CallbackInput) {
        let effects = self.callbacks.apply(now, &self.wall, &self.plan.acd, input);
        self.callback_effects(now, effects);
    }

    fn callback_effects(&mut self, now: Time, effects: Vec<CallbackEffect>) {
        for effect in effects {
            match effect {
                CallbackEffect::Record(callback, event) => {
                    self.record(now, Event::Callback { callback, event });
                }
                CallbackEffect::Enqueue(id) => self.enqueue(now, id),
                CallbackEffect::Dequeue(call) => {
                    self.apply(now, AcdInput::Leave { call });
                    self.with_call(call, |call, _| call.end(now, EndCause::CallbackFailed));
                }
                CallbackEffect::Dial(call) => self.once_recorded(Recorded::Dial(call)),
            }
        }
    }

    // ---- taken -------------------------------------------------------------------------------

    /// A flow asks whether the caller can be promised to be rung back.
    pub(super) fn ask_callback(
        &mut self,
        now: Time,
        id: CallId,
        queue: &QueueName,
        number: Option<&str>,
        time: Option<DateTime>,
    ) {
        let answer = match self.may_call_back(now, id, queue, number, time) {
            Ok(_) => CallbackAnswer::Good,
            Err(answer) => answer,
        };
        self.work.push_back((id, Action::Notify(Notice::Callback(answer))));
    }

    /// If so, the appointed time on the calendar.
    fn may_call_back(
        &self,
        now: Time,
        id: CallId,
        queue: &QueueName,
        number: Option<&str>,
        time: Option<DateTime>,
    ) -> Result<Option<UnixMicros>, CallbackAnswer> {
        if !self.trunks.has_way_out() {
            return Err(CallbackAnswer::NotNow);
        }
        let written = number.map(canonical);
        let time = match time.map(|time| time.to_zoned(self.plan.acd.zone.clone())) {
            Some(Ok(time)) => Some(UnixMicros(time.timestamp().as_microsecond())),
            Some(Err(_)) => return Err(CallbackAnswer::NotNow),
            None => None,
        };
        let clock = (now, &self.wall);
        let may = self.callbacks.may_take(clock, &self.plan.acd, queue, written.as_deref(), time);
        may.map_err(|refusal| match refusal {
            Refusal::Known => CallbackAnswer::Known,
            Refusal::Full | Refusal::Closed => CallbackAnswer::NotNow,
        })?;
        let Some(number) = number else { return Ok(time) };
        let who = OnBehalf::Flow(self.flow_leading(id));
        let dialled = Dialled::read(number).number;
        // What costs nobody more than an ordinary call, whatever else agents may dial.
        let usual =
            matches!(Class::of(&dialled), Class::Geographic | Class::Mobile | Class::UkWide);
        match usual && self.trunks.may_dial(&who, &dialled) {
            true => Ok(time),
            false => Err(CallbackAnswer::NotAllowed),
        }
    }

    fn flow_leading(&self, id: CallId) -> FlowName {
        match self.calls.get(&id).map(|governed| &governed.controller) {
            Some(Controller::Flow { name, .. }) => name.clone(),
            Some(
                Controller::Own { .. }
                | Controller::StarCode { .. }
                | Controller::Callback { .. }
                | Controller::Newcomer(_),
            )
            | None => FlowName::from(""),
        }
    }

    /// A flow promises its caller to be rung back. They no longer wait.
    pub(super) fn take_callback(
        &mut self,
        now: Time,
        call: CallId,
        (queue, skills, priority): (QueueName, Vec<Ability>, Priority),
        number: &str,
        time: Option<DateTime>,
    ) {
        let time = match self.may_call_back(now, call, &queue, Some(number), time) {
            Ok(time) => time,
            Err(answer) => {
                return self.work.push_back((call, Action::Notify(Notice::Callback(answer))));
            }
        };
        let flow = self.flow_leading(call);
        let Some(governed) = self.calls.get(&call) else { return };
        let caller = governed.call.caller();
        let place = match time {
            Some(time) => self.wall.when(time),
            None => governed.call.place().unwrap_or(now),
        };
        // Whoever waits already may be before others for a reason.
        let priority = priority.min(governed.call.priority());
        // Whoever rings from the number that they are rung back at.
        let own = caller.number.as_deref().map(canonical) == Some(canonical(number));
        let promise = Promise {
            queue,
            skills,
            priority,
            call,
            number: canonical(number),
            name: caller.name.clone().filter(|_| own),
            flow: Some(flow),
            since: time.unwrap_or_else(|| self.wall.at(place)),
            place,
            taken_at: self.wall.at(now),
            tries: 0,
            missed_at: None,
        };
        self.with_call(call, |call, _| call.take_promise(now));
        let id = CallbackId(self.entropy.u64());
        self.callback_input(now, CallbackInput::Take(id, promise));
        self.once_recorded(Recorded::Promise(call, id));
    }

    /// Does it as soon as everything that was recorded so far is on the disk.
    pub(super) fn once_recorded(&mut self, what: Recorded) {
        let after = self.seq;
        self.recorded.entry(after).or_default().push(what);
        self.out.push_back(Output::Commit { after });
    }

    /// The journal has committed everything up to a position.
    pub(super) fn committed(&mut self, now: Time, up_to: u64) {
        let later = self.recorded.split_off(&up_to.saturating_add(1));
        for what in std::mem::replace(&mut self.recorded, later).into_values().flatten() {
            match what {
                Recorded::Promise(call, id) => {
                    let promised = CallbackAnswer::Promised(id);
                    self.with_call(call, |call, _| call.promise_answered(promised));
                }
                Recorded::Dial(call) => self.with_call(call, |call, _| call.ring_back()),
                Recorded::Notification(id) => self.promise_kept(now, id),
            }
        }
    }

    /// Somebody takes a promise back.
    pub(super) fn cancel_callback(&mut self, now: Time, id: CallbackId, actor: &str) -> Reply {
        match self.callbacks.cancel(id, actor.to_owned()) {
            Ok(effects) => {
                self.callback_effects(now, effects);
                Reply::Done
            }
            Err(error) => Reply::CallbackRefused(error),
        }
    }

    /// Promises of earlier runs that are open, in the order of their places.
    pub(super) fn restore_callbacks(&mut self, now: Time, restored: &Restored) {
        let mut open: Vec<_> = restored.callbacks.iter().collect();
        open.sort_by_key(|live| (live.since, live.callback));
        for (nth, live) in (0..).zip(open) {
            // What was before this run began is in the order in which it was.
            let place = self.wall.when(live.since).max(Time::from_micros(nth));
            let promise = Promise {
                queue: live.queue.clone(),
                skills: live.skills.clone(),
                priority: Priority(live.priority),
                call: live.call,
                number: live.number.clone(),
                name: live.name.clone(),
                flow: live.flow.clone(),
                since: live.since,
                place,
                taken_at: live.taken_at,
                tries: live.tries,
                missed_at: live.missed_at,
            };
            self.callback_input(now, CallbackInput::Restore(live.callback, promise));
        }
    }

    // ---- kept --------------------------------------------------------------------------------

    /// Gives a promise its ticket. The call that will keep it begins with the first offer.
    fn enqueue(&mut self, now: Time, id: CallbackId) {
        let call = self.entropy.call_id(self.wall.at(now));
        let Some(promise) = self.callbacks.get(id) else { return };
        let (queue, skills) = (promise.queue.clone(), promise.skills.clone());
        let (priority, since) = (promise.priority, promise.place);
        self.callback_input(now, CallbackInput::Placed(id, call));
        self.apply(now, AcdInput::Await { call, queue, skills, priority, since });
    }

    /// The turn of a promise has come, if this is its ticket and nobody was offered it before.
    pub(super) fn begin_callback(&mut self, now: Time, id: CallId) {
        if self.calls.contains_key(&id) {
            return;
        }
        let Some((callback, promise)) = self.callbacks.of_call(id) else { return };
        let terms = self.plan.terms(Encryption::default(), ListenerId(0));
        let (number, name) = (Some(promise.number.clone()), promise.name.clone());
        let promised = CallBack {
            callback,
            leg: self.entropy.leg_id(),
            keyring: Keyring::new(terms, &mut self.entropy),
            caller: Caller { number, name, withheld: false },
            number: promise.number.clone(),
            queue: promise.queue.clone(),
            skills: promise.skills.clone(),
            priority: promise.priority,
            flow: promise.flow.clone(),
            since: promise.place,
            hops_left: HOPS,
            longest: self.plan.longest_call(),
            recorded: self.plan.recorded.clone(),
            recording: id.recording(),
        };
        let called = promised.number.clone();
        let controller = Controller::Callback { flow: promised.flow.clone() };
        let call = Call::call_back(now, promised);
        self.calls.insert(id, Box::new(Governed { call, called, controller }));
        self.with_call(id, |_, _| {});
    }

    /// What a phone shows before whoever is rung back.
    pub(super) fn title_of(&self, call: CallId, title: String) -> String {
        match self.calls.get(&call).is_some_and(|one| one.call.awaits_adviser()) {
            true => format!("Call back, {title}"),
            false => title,
        }
    }

    pub(super) fn callback_action(&mut self, now: Time, call: CallId, action: CallbackAction) {
        let input = match action {
            // Nothing is left to be kept: nobody holds the line for it.
            CallbackAction::AdviserThere(_) if self.callbacks.of_call(call).is_none() => {
                return self.with_call(call, |call, _| call.end(now, EndCause::CallbackFailed));
            }
            CallbackAction::AdviserThere(agent) => CallbackInput::AdviserThere(call, agent),
            CallbackAction::Joined(agent) => CallbackInput::Joined(call, agent),
            CallbackAction::Over(miss) => CallbackInput::Over(call, miss),
        };
        self.callback_input(now, input);
    }

    /// No new calls: what is promised waits for the next process.
    pub(super) fn callbacks_rest(&mut self, now: Time) {
        for call in self.callbacks.rest() {
            self.apply(now, AcdInput::Leave { call });
            self.with_call(call, |call, _| call.end(now, EndCause::Shutdown));
        }
    }

    /// Settings or the calendar have changed.
    pub(super) fn callbacks_changed(&mut self, now: Time) {
        self.callback_input(now, CallbackInput::Changed);
    }

    pub(super) fn callbacks_due(&mut self, now: Time) {
        if self.callbacks.poll_timeout().is_some_and(|at| at <= now) {
            self.callback_input(now, CallbackInput::Timer);
        }
    }

    /// Nobody but the engine leads a call that keeps a promise, until the queue gives whoever waits back.
    pub(super) fn lead_callback(
        &mut self,
        now: Time,
        id: CallId,
        flow: Option<FlowName>,
        notice: &Notice,
    ) {
        match notice {
            Notice::CameBack => {
                let first = Urgency::Urgent.priority();
                self.with_call(id, |call, _| call.wait_first(first));
            }
            Notice::Waiting => self.with_call(id, |call, _| call.say_sorry()),
            Notice::Played => {
                let music = self.plan.music.clone();
                self.with_call(id, |call, _| match call.has_missed() {
                    true => call.end(now, EndCause::CallbackFailed),
                    false => call.play_music(music),
                });
            }
            Notice::QueueLeft(_) => match flow {
                Some(flow) if self.plan.flows.contains_key(&flow) => self.led_by(now, id, flow),
                Some(_) | None => self.with_call(id, |call, _| call.end(now, EndCause::Limit)),
            },
            Notice::Started
            | Notice::Key(_)
            | Notice::SecretKey(_)
            | Notice::TimerDone
            | Notice::Hours { .. }
            | Notice::Bulletin { .. }
            | Notice::Answered(_)
            | Notice::Promised { .. }
            | Notice::Heard(_)
            | Notice::Callback(_)
            | Notice::Outlook(_)
            | Notice::NotConnected(_)
            | Notice::Joined
            | Notice::CallOver
            | Notice::MessageEnded { .. } => {}
        }
    }
}
