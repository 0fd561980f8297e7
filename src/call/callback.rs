//! Being rung back: a caller is promised it instead of waiting, and later a call keeps the promise.
//!
//! In that call the adviser is there first: their phone is the call's own leg, as in a call that they make
//! themselves, and whoever answers hears them at once. If the adviser is gone when somebody answers, or
//! their line breaks, whoever was rung is told so and waits before everybody else.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::event::{
    CallEvent, Caller, Destination, EndCause, Miss, Outcome, Peer, TransferOutcome,
};
use crate::id::{
    Ability, AgentId, CallbackId, FlowName, LegId, PromptName, QueueName, RecordingId,
};
use crate::sdp::Keyring;
use crate::sip::endpoint::LegEnd;
use crate::time::Time;

use super::command::{AtClosing, CallbackAnswer, Notice, Priority};
use super::dial::Goal;
use super::leg::Leg;
use super::preface::Preface;
use super::recording::{Policy, Recording};
use super::{Action, AfterCall, Call, CallTimer, QueueAction, SipAction, State};

/// An adviser whose line ends sooner after the answer than this was not there for whoever was rung.
const THERE: Duration = Duration::from_secs(5);

/// What the adviser hears before the number is dialled.
const RINGING: &str = "callback/ringing";
/// What the adviser hears when nobody was reached.
const NOT_REACHED: &str = "callback/not-reached";
/// What whoever was rung hears when no adviser is there.
const SORRY: &str = "callback/sorry";

/// Every prompt that is heard in calls back.
pub fn prompts() -> [PromptName; 3] {
    [RINGING, NOT_REACHED, SORRY].map(PromptName::from)
}

/// What keeps a promise.
#[derive(Debug, Clone)]
pub struct CallBack {
    /// Which promise.
    pub callback: CallbackId,
    /// Stands for the call's own leg until the adviser's phone is it.
    pub leg: LegId,
    /// That leg's keys: none are ever used.
    pub keyring: Keyring,
    /// Who is rung.
    pub caller: Caller,
    /// Their number.
    pub number: String,
    /// For whose advisers they wait.
    pub queue: QueueName,
    /// Skills besides the queue's own.
    pub skills: Vec<Ability>,
    /// Before whom they go.
    pub priority: Priority,
    /// The flow that led them when it was promised.
    pub flow: Option<FlowName>,
    /// Their place in every queue.
    pub since: Time,
    /// How many hops a call may take.
    pub hops_left: u8,
    /// How long any call may last.
    pub longest: Duration,
    /// Which calls are recorded.
    pub recorded: Arc<Policy>,
    /// The call's own recording, should it be one of them.
    pub recording: RecordingId,
}

/// The promise that is kept with a call, and how far that has come.
#[derive(Debug)]
pub(super) struct Returning {
    number: String,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The queue looks for an adviser.
    Waiting,
    /// The adviser holds the line; the number is dialled, or will be.
    Adviser,
    /// The adviser is gone, and the phone that rings may be answered all the same.
    Alone,
    /// Whoever was rung has answered, and no adviser is there.
    Answered,
    /// Both talk, or have done so.
    Joined { since: Time },
    /// Nobody was reached.
    Missed,
}

/// What a call tells whoever keeps promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackAction {
    /// An adviser holds the line.
    AdviserThere(AgentId),
    /// Whoever was rung talks with an adviser.
    Joined(AgentId),
    /// Nobody was reached, or the call is over.
    Over(Miss),
}

impl Call {
    /// A call that keeps a promise: it waits for an adviser.
    pub fn call_back(now: Time, promised: CallBack) -> Call {
        let CallBack {
            callback,
            leg,
            keyring,
            caller,
            number,
            queue,
            skills,
            priority,
            flow,
            since,
            hops_left,
            longest,
            recorded,
            recording,
        } = promised;
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let mut call = Call {
            caller: caller.clone(),
            organisation: None,
            stranger: false,
            near: None,
            caller_leg: Leg::opening(leg, nowhere, keyring),
            hops_left,
            arrived_at: now,
            state: State::Queued,
            dialled: None,
            wait: None,
            // Their first wait ended with the promise.
            episodes: 1,
            first_entered_at: Some(since),
            last_visit: Some((queue, skills)),
            queue_music: None,
            hears_music: false,
            priority,
            prefers: Vec::new(),
            after_call: AfterCall::default(),
            holding: Default::default(),
            forbidden: None,
            preface: Preface::default(),
            taking: None,
            returning: Some(Returning { number: number.clone(), stage: Stage::Waiting }),
            promised: false,
            pending: None,
            recording: Recording::new(recorded, recording, flow),
            plays: 0,
            out: Vec::new(),
        };
        call.record(CallEvent::Arrived {
            leg,
            caller,
            called: number,
            flow: None,
            by: None,
            through: None,
            callback: Some(callback),
        });
        call.out.push(Action::Timer(CallTimer::Longest, Some(now + longest)));
        call
    }

    /// Whether the call keeps a promise and an adviser has yet to be found.
    pub fn awaits_adviser(&self) -> bool {
        self.stage() == Some(Stage::Waiting)
    }

    /// Whether the call keeps a promise.
    pub fn is_call_back(&self) -> bool {
        self.returning.is_some()
    }

    /// Whether nobody was reached, and the adviser is told so.
    pub fn has_missed(&self) -> bool {
        self.stage() == Some(Stage::Missed)
    }

    fn stage(&self) -> Option<Stage> {
        self.returning.as_ref().map(|returning| returning.stage)
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(returning) = &mut self.returning {
            returning.stage = stage;
        }
    }

    // ---- the promise -------------------------------------------------------------------------

    /// The caller no longer waits: what their waiting comes to depends on what follows.
    pub(super) fn give_up_place(&mut self, now: Time) {
        match std::mem::replace(&mut self.state, State::InFlow) {
            State::Queued => {}
            State::Offering(offers) => {
                self.finish_offers(now, offers, crate::event::OfferOutcome::CallerLeft);
            }
            other @ (State::Arriving { .. }
            | State::InFlow
            | State::Dialling(_)
            | State::Talking(_)
            | State::Ended) => {
                self.state = other;
                return;
            }
        }
        if let Some(wait) = &mut self.wait {
            wait.returned_at = Some(now);
        }
        self.queue(QueueAction::Leave);
    }

    /// The caller was promised to be rung back: since when they have their place, if they waited.
    pub fn take_promise(&mut self, now: Time) {
        self.give_up_place(now);
        if let Some(wait) = self.wait.take() {
            self.leave_queue(wait.returned_at.unwrap_or(now), &wait, Outcome::CallbackTaken);
        }
        self.promised = true;
    }

    /// The call's place in every queue, if it has one.
    pub fn place(&self) -> Option<Time> {
        self.first_entered_at
    }

    /// Tells the controller what came of what it asked.
    pub fn promise_answered(&mut self, answer: CallbackAnswer) {
        self.out.push(Action::Notify(Notice::Callback(answer)));
    }

    // ---- keeping it --------------------------------------------------------------------------

    /// An adviser holds the line, and is told what follows.
    pub(super) fn adviser_there(&mut self, agent: &AgentId, leg: Leg) {
        let Some(returning) = &mut self.returning else { return };
        returning.stage = Stage::Adviser;
        self.dialled = Some(Destination::Outside(returning.number.clone()));
        let phone = leg.id;
        self.caller_leg = leg;
        self.near = Some(Peer::Agent(agent.clone()));
        self.state = State::InFlow;
        self.negotiate(phone);
        self.play(vec![RINGING.into()]);
        self.out.push(Action::Callback(CallbackAction::AdviserThere(agent.clone())));
    }

    /// The journal knows that the number is dialled: dial it.
    pub fn ring_back(&mut self) {
        let Some(returning) = &self.returning else { return };
        if returning.stage == Stage::Adviser && matches!(self.state, State::InFlow) {
            let to = Peer::Outside(returning.number.clone());
            self.dial(to, Goal::CallBack);
        }
    }

    /// Whoever was rung talks with the adviser.
    pub(super) fn called_back(&mut self, now: Time) {
        self.set_stage(Stage::Joined { since: now });
        if let Some(agent) = self.dialled_by().cloned() {
            self.out.push(Action::Callback(CallbackAction::Joined(agent)));
        }
    }

    /// Whether whoever is rung would find no adviser.
    pub(super) fn is_alone(&self) -> bool {
        self.stage() == Some(Stage::Alone)
    }

    /// Whoever was rung has answered, and no adviser is there: they are told so, and go first.
    pub(super) fn answered_alone(&mut self, leg: Leg) {
        let phone = leg.id;
        self.caller_leg = leg;
        self.set_stage(Stage::Answered);
        self.state = State::InFlow;
        self.negotiate(phone);
        self.hold_on();
    }

    /// From now on this is the call of somebody who waits.
    fn hold_on(&mut self) {
        if let Some(Destination::Outside(number)) = self.dialled.take() {
            self.near = Some(Peer::Outside(number));
        }
        self.out.push(Action::Notify(Notice::CameBack));
    }

    /// They wait before everybody else, whatever the queue's limits are.
    pub fn wait_first(&mut self, priority: Priority) {
        let (State::InFlow, Some((queue, skills))) = (&self.state, self.last_visit.clone()) else {
            return;
        };
        self.priority = priority;
        let (at_closing, since, again) = (AtClosing::Serve, self.first_entered_at, true);
        self.queue(QueueAction::Enter { queue, skills, at_closing, since, again });
    }

    /// What whoever waits so hears.
    pub fn say_sorry(&mut self) {
        if self.stage().is_some() && self.waits() {
            self.play(vec![SORRY.into()]);
        }
    }

    /// Somebody whom the queue has joined with whoever was rung before.
    pub(super) fn joined_by_queue(&mut self, now: Time, agent: &AgentId) {
        if self.stage() == Some(Stage::Answered) {
            self.set_stage(Stage::Joined { since: now });
            self.out.push(Action::Callback(CallbackAction::Joined(agent.clone())));
        }
    }

    /// Nobody was reached: the adviser is told so.
    pub(super) fn not_reached(&mut self, now: Time, outcome: TransferOutcome) {
        self.state = State::InFlow;
        let alone = self.is_alone();
        let miss = match outcome {
            _ if alone => Miss::AdviserLeft,
            TransferOutcome::Rejected => Miss::Busy,
            TransferOutcome::NoAnswer => Miss::NoAnswer,
            TransferOutcome::NotAllowed => Miss::NotAllowed,
            TransferOutcome::Completed
            | TransferOutcome::Unreachable
            | TransferOutcome::NotTaken
            | TransferOutcome::CallerLeft
            | TransferOutcome::Withdrawn => Miss::Unreachable,
        };
        self.set_stage(Stage::Missed);
        // There was no conversation, so no work comes after it.
        if let Some(agent) = self.dialled_by().cloned() {
            self.queue(QueueAction::Attend(agent));
        }
        self.out.push(Action::Callback(CallbackAction::Over(miss)));
        match alone {
            true => self.end(now, EndCause::CallbackFailed),
            false => self.play(vec![NOT_REACHED.into()]),
        }
    }

    // ---- whoever leaves ----------------------------------------------------------------------

    /// The adviser's line is gone: whoever is rung is rung no longer, and whoever has just answered
    /// waits for another adviser. False if the call is simply over.
    pub(super) fn goes_on_without_adviser(&mut self, now: Time, leg: LegId, end: LegEnd) -> bool {
        let adviser = matches!(self.near, Some(Peer::Agent(_)));
        if leg != self.caller_leg.id || !adviser {
            return false;
        }
        match (self.stage(), &self.state) {
            (Some(Stage::Adviser), State::Dialling(dialling)) => {
                let legs = dialling.ringing().map(super::ring::Ringing::leg_ids);
                let Some(legs) = legs.filter(|legs| !legs.is_empty()) else { return false };
                self.set_stage(Stage::Alone);
                self.let_adviser_go();
                for leg in legs {
                    self.sip(SipAction::Cancel(leg));
                }
                true
            }
            (Some(Stage::Joined { since }), State::Talking(_))
                if end != LegEnd::Bye || now - since < THERE =>
            {
                self.adviser_lost(now)
            }
            (_, _) => false,
        }
    }

    /// The adviser of a conversation is gone and whoever was rung is still there.
    pub(super) fn adviser_lost(&mut self, now: Time) -> bool {
        let adviser = matches!(self.near, Some(Peer::Agent(_)));
        if !adviser || !matches!(self.stage(), Some(Stage::Joined { .. })) {
            return false;
        }
        let Some((_, talk)) = self.take_leaver(now, self.caller_leg.id) else { return false };
        self.part(now, talk, crate::event::Party::Agent);
        self.hold_on();
        true
    }

    fn let_adviser_go(&mut self) {
        let leg = self.caller_leg.id;
        self.drop_leg(leg);
        if let Some(Peer::Agent(agent)) = self.near.take() {
            self.queue(QueueAction::TalkEnded(agent));
        }
    }

    /// The call is over: what that means for the promise that it was to keep.
    pub(super) fn promise_over(&mut self) {
        let Some(stage) = self.stage() else { return };
        let miss = match stage {
            Stage::Waiting | Stage::Adviser | Stage::Alone => Miss::AdviserLeft,
            Stage::Answered => Miss::RangOff,
            Stage::Joined { .. } | Stage::Missed => return,
        };
        self.set_stage(Stage::Missed);
        self.out.push(Action::Callback(CallbackAction::Over(miss)));
    }

    /// Why a call ends that keeps a promise, when somebody hangs up.
    pub(super) fn callback_cause(&self) -> Option<EndCause> {
        match self.stage()? {
            Stage::Waiting | Stage::Adviser | Stage::Alone | Stage::Missed => {
                Some(EndCause::CallbackFailed)
            }
            // As any caller who waits.
            Stage::Answered => None,
            Stage::Joined { .. } => match &self.state {
                State::Talking(_) | State::Dialling(_) => {
                    self.dialled.as_ref().map(|_| EndCause::CalledBack)
                }
                State::Arriving { .. }
                | State::InFlow
                | State::Queued
                | State::Offering(_)
                | State::Ended => None,
            },
        }
    }
}
