//! Whether the caller is recorded now: one function of policy and state decides, so that nothing has to
//! be switched back after whatever comes between.
//!
//! A call has one recording at most, of the caller's leg, through holds, consultations and transfers. It
//! begins when the rule of the flow, or of the queue that brought the conversation, says so, and the
//! caller has been told if they are to be; it ends with the call. Where the rules say otherwise
//! meanwhile, somebody asked for a pause, or the caller gives what must not be kept, it is paused.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{CallEvent, PauseReason, Peer, RecordingEvent, RecordingRule};
use crate::id::{Ability, FlowName, LegId, PromptName, QueueName, RecordingId};
use crate::media::command::{self as media, PlayId, RecordOrder};
use crate::time::Time;

use super::command::{AtClosing, Notice};
use super::offer::Offering;
use super::{Action, Call, QueueAction, State, micros};

/// How many of the calls are recorded, in ten thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Share(pub u16);

impl Share {
    /// None of them.
    pub const NONE: Share = Share(0);
    /// All of them.
    pub const ALL: Share = Share(10_000);

    /// Whether a call is one of them: drawn once for each call, when its id is.
    fn takes(self, id: RecordingId) -> bool {
        let draw = ((id.0 & 0xffff_ffff) * u64::from(Share::ALL.0)) >> 32;
        draw < u64::from(self.0)
    }
}

/// Which calls are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Of queues that are not named.
    pub otherwise: Share,
    /// Conversations that a queue brought.
    pub queues: BTreeMap<QueueName, Share>,
    /// Whatever a flow leads, from its first word on. Those that are not named are not recorded.
    pub flows: BTreeMap<FlowName, Share>,
    /// What callers hear before they are recorded; none if flows tell them.
    pub announcement: Option<PromptName>,
}

/// What a call knows of its recording.
#[derive(Debug)]
pub(super) struct Recording {
    policy: Arc<Policy>,
    id: RecordingId,
    /// The flow whose rule holds.
    pub(super) flow: Option<FlowName>,
    /// The caller has heard the announcement to its end.
    told: bool,
    /// The announcement plays, and what follows it.
    telling: Option<(PlayId, Then)>,
    running: Option<Running>,
    /// Somebody asked for a pause, and who.
    asked: Option<Option<String>>,
    /// The caller gives what must not be kept.
    secret: bool,
}

/// What follows the announcement.
#[derive(Debug)]
enum Then {
    /// The flow begins.
    Flow,
    /// The caller enters the queue.
    Queue(QueueName, Vec<Ability>, AtClosing),
    /// The caller hears the queue's music.
    Music(PromptName),
}

#[derive(Debug)]
struct Running {
    leg: LegId,
    since: Time,
    paused: Option<Time>,
    paused_us: u64,
}

impl Recording {
    /// Of a call that arrives.
    pub(super) fn new(policy: Arc<Policy>, id: RecordingId, flow: Option<FlowName>) -> Recording {
        Recording {
            policy,
            id,
            flow,
            told: false,
            telling: None,
            running: None,
            asked: None,
            secret: false,
        }
    }

    fn flow_rule(&self) -> Option<RecordingRule> {
        let share = self.flow.as_ref().and_then(|flow| self.policy.flows.get(flow).copied());
        let takes = share.is_some_and(|share| share.takes(self.id));
        self.flow.clone().filter(|_| takes).map(RecordingRule::Flow)
    }

    fn queue_rule(&self, queue: &QueueName) -> Option<RecordingRule> {
        let share = self.policy.queues.get(queue).copied().unwrap_or(self.policy.otherwise);
        share.takes(self.id).then(|| RecordingRule::Queue(queue.clone()))
    }

    /// The announcement, if the caller has yet to hear it.
    fn untold(&self) -> Option<PromptName> {
        self.policy.announcement.clone().filter(|_| !self.told)
    }
}

/// Why a call's recording cannot be paused or resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("the call is not being recorded")]
pub struct NotRecorded;

impl Call {
    /// Follows policy and state. To be called whenever anything has changed.
    pub fn follow_recording(&mut self, now: Time) {
        let wanted = self.recording_wanted();
        let (id, leg) = (self.recording.id, self.caller_leg.id);
        let over = matches!(self.state, State::Ended);
        // The leg's recording is the message's: what has changed meanwhile is followed after it.
        if self.speaks_message() && !over {
            return;
        }
        let Some(running) = &mut self.recording.running else {
            let untold = self.recording.untold().is_some();
            let heard = self.caller_leg.negotiated.is_some();
            if let Some(rule) = wanted.filter(|_| heard && !untold) {
                let told = self.recording.told;
                let (since, paused, paused_us) = (now, None, 0);
                self.recording.running = Some(Running { leg, since, paused, paused_us });
                let with = match &self.state {
                    State::Talking(talk) => talk.agent().cloned(),
                    State::Offering(offers) => offers
                        .iter()
                        .find(|offering| offering.greets())
                        .map(|offering| offering.agent.clone()),
                    State::Arriving { .. }
                    | State::InFlow
                    | State::Queued
                    | State::Dialling(_)
                    | State::Ended => None,
                };
                self.record_recording(RecordingEvent::Started { leg, rule, told, with });
                self.media(media::Command::Record { leg, order: RecordOrder::Begin(id) });
                self.follow_recording(now);
            }
            return;
        };
        if over {
            let lasted_us = micros(now - running.since);
            let paused = running.paused.map_or(0, |since| micros(now - since));
            let (leg, paused_us) = (running.leg, running.paused_us + paused);
            self.recording.running = None;
            self.record_recording(RecordingEvent::Ended { lasted_us, paused_us });
            return self.media(media::Command::Record { leg, order: RecordOrder::End });
        }
        if running.leg != leg {
            let before = std::mem::replace(&mut running.leg, leg);
            let paused = running.paused.is_some();
            self.record_recording(RecordingEvent::Moved { leg });
            let order = RecordOrder::Leave;
            self.media(media::Command::Record { leg: before, order });
            self.media(media::Command::Record { leg, order: RecordOrder::Begin(id) });
            if paused {
                self.media(media::Command::Record { leg, order: RecordOrder::Pause });
            }
        }
        self.follow_pauses(now, wanted.is_some());
    }

    fn follow_pauses(&mut self, now: Time, wanted: bool) {
        let recording = &mut self.recording;
        let reason = match (recording.secret, &recording.asked) {
            (true, _) => Some((PauseReason::Secret, None)),
            (false, Some(by)) => Some((PauseReason::Asked, by.clone())),
            (false, None) if !wanted => Some((PauseReason::Policy, None)),
            (false, None) => None,
        };
        let Some(running) = &mut recording.running else { return };
        let leg = running.leg;
        let (what, order) = match (reason, running.paused) {
            (Some((reason, by)), None) => {
                running.paused = Some(now);
                (RecordingEvent::Paused { reason, by }, RecordOrder::Pause)
            }
            (None, Some(since)) => {
                let paused_us = micros(now - since);
                running.paused = None;
                running.paused_us += paused_us;
                (RecordingEvent::Resumed { paused_us }, RecordOrder::Resume)
            }
            (Some(_), Some(_)) | (None, None) => return,
        };
        self.record_recording(what);
        self.media(media::Command::Record { leg, order });
    }

    /// What says that the caller is recorded now.
    fn recording_wanted(&self) -> Option<RecordingRule> {
        // Who rings somebody for their work is not a caller.
        if matches!(self.near, Some(Peer::Agent(_))) {
            return None;
        }
        let flow = || self.recording.flow_rule();
        let queue = || self.queue_of().and_then(|queue| self.recording.queue_rule(queue));
        match &self.state {
            State::Arriving { .. } | State::Ended => None,
            State::InFlow => flow(),
            // What both are told is part of the conversation.
            State::Offering(offers) if offers.iter().any(Offering::greets) => flow().or_else(queue),
            // Before the first conversation there is nothing of the queue's to record.
            State::Queued | State::Offering(_) if self.recording.running.is_none() => flow(),
            State::Queued | State::Offering(_) | State::Dialling(_) | State::Talking(_) => {
                flow().or_else(queue)
            }
        }
    }

    // ---- telling -----------------------------------------------------------------------------

    /// The flow begins, once the caller has been told if its rule says that they are recorded.
    pub(super) fn begin_flow(&mut self) {
        let untold = self.recording.untold().filter(|_| self.near.is_none());
        match untold.filter(|_| self.recording.flow_rule().is_some()) {
            Some(announcement) => self.tell(announcement, Then::Flow),
            None => self.out.push(Action::Notify(Notice::Started)),
        }
    }

    /// The flow asks for a queue: the caller enters it, once they have been told if conversations of
    /// that queue are recorded.
    pub(super) fn enter_queue(
        &mut self,
        queue: QueueName,
        skills: Vec<Ability>,
        at_closing: AtClosing,
    ) {
        match self.untold_for(&queue) {
            Some(announcement) => self.tell(announcement, Then::Queue(queue, skills, at_closing)),
            None => {
                let (since, again) = (self.first_entered_at, false);
                self.queue(QueueAction::Enter { queue, skills, at_closing, since, again });
            }
        }
    }

    /// The caller waits in a queue and hears its music: before it the announcement, if they came there
    /// another way. Whoever is answered before its end is not recorded.
    pub(super) fn music_of(&mut self, queue: &QueueName, music: PromptName) {
        match self.untold_for(queue) {
            Some(announcement) => self.tell(announcement, Then::Music(music)),
            None => self.let_hear(music),
        }
    }

    fn untold_for(&self, queue: &QueueName) -> Option<PromptName> {
        let caller = !matches!(self.near, Some(Peer::Agent(_)));
        let wanted = caller && self.recording.queue_rule(queue).is_some();
        self.recording.untold().filter(|_| wanted)
    }

    fn tell(&mut self, announcement: PromptName, then: Then) {
        self.play(vec![announcement]);
        self.recording.telling = Some((PlayId(self.plays), then));
    }

    /// A playback is over; true if it was the announcement.
    pub(super) fn has_told(&mut self, play: PlayId) -> bool {
        let telling = self.recording.telling.take_if(|(telling, _)| *telling == play);
        let Some((_, then)) = telling else { return false };
        self.recording.told = true;
        let waits = matches!(self.state, State::Queued | State::Offering(_));
        match then {
            Then::Flow if matches!(self.state, State::InFlow) => {
                self.out.push(Action::Notify(Notice::Started));
            }
            Then::Queue(queue, skills, at_closing) if matches!(self.state, State::InFlow) => {
                self.enter_queue(queue, skills, at_closing);
            }
            Then::Music(music) if waits => self.let_hear(music),
            Then::Flow | Then::Queue(..) | Then::Music(_) => {}
        }
        true
    }

    // ---- pauses ------------------------------------------------------------------------------

    /// Somebody asks that nothing is recorded, or that it goes on.
    pub fn pause_recording(
        &mut self,
        now: Time,
        pause: bool,
        by: Option<String>,
    ) -> Result<(), NotRecorded> {
        if self.recording.running.is_none() {
            return Err(NotRecorded);
        }
        self.recording.asked = pause.then_some(by);
        self.follow_recording(now);
        Ok(())
    }

    /// The caller begins to give what must not be kept, or has done so: nothing is recorded, and the
    /// keys that they press reach nobody but the call's controller, who gets them as
    /// [`Notice::SecretKey`]. To be called before the caller is asked for it.
    pub fn secret(&mut self, now: Time, on: bool) {
        self.recording.secret = on;
        self.follow_recording(now);
        self.media(media::Command::Secret { leg: self.caller_leg.id, on });
    }

    /// Whether keys are secret now.
    pub fn is_secret(&self) -> bool {
        self.recording.secret
    }

    // ---- messages ----------------------------------------------------------------------------

    /// The caller's leg has one recording at a time: the call's own leaves it for a message.
    pub(super) fn leave_to_message(&mut self) {
        if self.recording.running.is_some() {
            let (leg, order) = (self.caller_leg.id, RecordOrder::Leave);
            self.media(media::Command::Record { leg, order });
        }
    }

    /// The message is over: the call's own recording goes on, as it was.
    pub(super) fn return_from_message(&mut self) {
        let Some(running) = &self.recording.running else { return };
        let (leg, paused, id) = (running.leg, running.paused.is_some(), self.recording.id);
        self.media(media::Command::Record { leg, order: RecordOrder::Begin(id) });
        if paused {
            self.media(media::Command::Record { leg, order: RecordOrder::Pause });
        }
    }

    fn record_recording(&mut self, what: RecordingEvent) {
        let recording = self.recording.id;
        self.record(CallEvent::Recording { recording, what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Entropy;
    use crate::time::UnixMicros;

    #[test]
    fn a_share_takes_so_many_calls_and_the_same_ones_of_every_share() {
        let mut entropy = Entropy::from_seed([3; 32]);
        let ids: Vec<_> = (0..20_000).map(|_| entropy.call_id(UnixMicros(1)).recording()).collect();
        let taken = |share| ids.iter().filter(|id| Share(share).takes(**id)).count();
        assert_eq!((taken(0), taken(10_000)), (0, 20_000));
        for share in [100, 2_500, 5_000] {
            let expected = usize::from(share) * 2;
            assert!(taken(share).abs_diff(expected) < 300, "{share}: {}", taken(share));
        }
        assert!(ids.iter().all(|id| !Share(100).takes(*id) || Share(2_500).takes(*id)));
    }
}
