//! The conversation: caller and agent are joined, and may put each other on hold.

use crate::event::{CallEvent, Outcome, Party};
use crate::id::{AgentId, LegId, PromptName, QueueName};
use crate::media::command as media;
use crate::time::Time;

use super::leg::Leg;
use super::{Call, QueueAction, State, micros};

/// A conversation under way.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) agent: AgentId,
    pub(super) queue: QueueName,
    pub(super) leg: Leg,
    since: Time,
    /// Since when both have heard each other: the answer, or the end of the last hold.
    pub(super) together_since: Time,
    hold: Option<Hold>,
    held_us: u64,
    hold_music: PromptName,
}

/// A hold under way.
#[derive(Debug)]
struct Hold {
    since: Time,
    /// Who hears music meanwhile.
    waiting: LegId,
}

impl Talk {
    /// Whether either side holds the line.
    pub(super) fn is_on_hold(&self) -> bool {
        self.hold.is_some()
    }
}

impl Call {
    /// The queue confirms the agent's claim: **the answer**. If no phone has answered, which the
    /// order of claims rules out, the agent is given back.
    pub fn join(&mut self, now: Time, agent: &AgentId, hold_music: PromptName) {
        let Some((leg, queue)) = self.take_answered(now, agent) else {
            return self.queue(QueueAction::TalkEnded(agent.clone()));
        };
        let (phone, caller) = (leg.id, self.caller_leg.id);
        if let Some(negotiated) = leg.negotiated.clone() {
            self.media(media::Command::Negotiate { leg: phone, negotiated });
        }
        self.media(media::Command::Bridge { a: caller, b: phone });
        if let Some(wait) = self.wait.take() {
            self.record(CallEvent::Joined {
                queue: queue.clone(),
                agent: agent.clone(),
                leg: phone,
                wait_us: micros(now - wait.first_at),
                visit_us: micros(now - wait.visit_at),
                to_person_us: micros(now - self.arrived_at),
                episode: wait.episode,
            });
            self.leave_queue(now, &wait, Outcome::Answered);
        }
        self.state = State::Talking(Talk {
            agent: agent.clone(),
            queue,
            leg,
            since: now,
            together_since: now,
            hold: None,
            held_us: 0,
            hold_music,
        });
        self.follow_hold(now);
    }

    /// Music for whoever is on hold, and each other's voice when nobody is.
    pub(super) fn follow_hold(&mut self, now: Time) {
        let caller = self.caller_leg.id;
        let caller_holds = self.caller_leg.held_by_peer();
        let State::Talking(talk) = &mut self.state else { return };
        let (agent_holds, phone) = (talk.leg.held_by_peer(), talk.leg.id);
        let waiting = match (agent_holds, caller_holds) {
            (true, _) => Some(caller),
            (false, true) => Some(phone),
            (false, false) => None,
        };
        let music = talk.hold_music.clone();
        match (waiting, &mut talk.hold) {
            (Some(waiting), None) => {
                talk.hold = Some(Hold { since: now, waiting });
                self.media(media::Command::Unbridge { leg: caller });
                self.media(media::Command::Music { leg: waiting, music });
            }
            // Both held, and one of them has come back.
            (Some(waiting), Some(hold)) if hold.waiting != waiting => {
                let before = std::mem::replace(&mut hold.waiting, waiting);
                self.media(media::Command::Quiet { leg: before });
                self.media(media::Command::Music { leg: waiting, music });
            }
            (None, Some(hold)) => {
                talk.held_us += micros(now - hold.since);
                talk.hold = None;
                talk.together_since = now;
                self.media(media::Command::Bridge { a: caller, b: phone });
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// The conversation is over.
    pub(super) fn part(&mut self, now: Time, talk: Talk, by: Party) {
        let held = talk.held_us + talk.hold.map_or(0, |hold| micros(now - hold.since));
        self.record(CallEvent::Parted {
            queue: talk.queue,
            agent: talk.agent.clone(),
            talk_us: micros(now - talk.since).saturating_sub(held),
            hold_us: held,
            by,
        });
        self.drop_leg(talk.leg.id);
        self.queue(QueueAction::TalkEnded(talk.agent));
    }
}
