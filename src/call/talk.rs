//! The conversation: the call's two sides are joined, and may put each other on hold.

use std::collections::BTreeSet;

use crate::event::{CallEvent, Caller, Outcome, Party, Peer, Purpose};
use crate::id::{AgentId, LegId, PromptName, QueueName};
use crate::media::command as media;
use crate::time::Time;

use super::command::Notice;
use super::guest::Guests;
use super::leg::Leg;
use super::{Action, Call, CallTimer, QueueAction, State, micros};

/// A conversation under way: the far side of the call.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) who: Peer,
    /// How they are shown, should they become the call's other side.
    pub(super) shown: Caller,
    pub(super) leg: Leg,
    /// The queue that brought them.
    pub(super) queue: Option<QueueName>,
    pub(super) since: Time,
    /// Since when both have heard each other: the answer, or the end of the last hold.
    pub(super) together_since: Time,
    hold: Option<Hold>,
    held_us: u64,
    hold_music: PromptName,
    /// Who else is there, or rings to come in.
    pub(super) guests: Box<Guests>,
}

/// A hold under way.
#[derive(Debug)]
struct Hold {
    since: Time,
    /// Who hears music meanwhile.
    waiting: LegId,
}

impl Talk {
    /// A conversation that begins now.
    pub(super) fn new(
        now: Time,
        who: Peer,
        shown: Caller,
        leg: Leg,
        hold_music: PromptName,
    ) -> Talk {
        let (queue, hold, held_us) = (None, None, 0);
        let (since, together_since) = (now, now);
        let guests = Box::new(Guests::new(leg.id));
        Talk { who, shown, leg, queue, since, together_since, hold, held_us, hold_music, guests }
    }

    /// Who hears music because the other side holds the line.
    pub(super) fn waiting(&self) -> Option<LegId> {
        self.hold.as_ref().map(|hold| hold.waiting)
    }

    /// Whether either side holds the line.
    pub(super) fn is_on_hold(&self) -> bool {
        self.hold.is_some()
    }

    /// The agent on the far side, if it is one.
    pub(super) fn agent(&self) -> Option<&AgentId> {
        match &self.who {
            Peer::Agent(agent) => Some(agent),
            Peer::Outside(_) => None,
        }
    }

    /// What whoever is put on hold hears.
    pub(super) fn music(&self) -> PromptName {
        self.hold_music.clone()
    }

    /// The segment is over: what it came to, and a new one begins with the same hold.
    pub(super) fn segment(&mut self, now: Time, by: Party) -> CallEvent {
        let held = self.held_us + self.hold.as_ref().map_or(0, |hold| micros(now - hold.since));
        let (talk_us, hold_us) = (micros(now - self.since).saturating_sub(held), held);
        (self.since, self.held_us) = (now, 0);
        if let Some(hold) = &mut self.hold {
            hold.since = now;
        }
        match (self.queue.take(), &self.who) {
            (Some(queue), Peer::Agent(agent)) => {
                CallEvent::Parted { queue, agent: agent.clone(), talk_us, hold_us, by }
            }
            (_, who) => CallEvent::Disconnected { from: who.clone(), talk_us, hold_us, by },
        }
    }
}

impl Call {
    /// The queue confirms the agent's claim: **the answer**. If no phone has answered, which the
    /// order of claims rules out, the agent is given back. `shown` is how the agent is shown to
    /// others.
    pub fn join(&mut self, now: Time, agent: &AgentId, shown: Caller, hold_music: PromptName) {
        let Some((leg, queue)) = self.take_answered(now, agent) else {
            return self.queue(QueueAction::TalkEnded(agent.clone()));
        };
        if self.awaits_adviser() {
            return self.adviser_there(agent, leg);
        }
        // Whatever the flow said or asked meanwhile.
        self.out.push(Action::Timer(CallTimer::Controller, None));
        let phone = leg.id;
        let mut talk = Talk::new(now, Peer::Agent(agent.clone()), shown, leg, hold_music);
        talk.queue = Some(queue.clone());
        if let Some(wait) = self.wait.take() {
            self.record(CallEvent::Joined {
                queue,
                agent: agent.clone(),
                leg: phone,
                wait_us: micros(now - wait.first_at),
                visit_us: micros(now - wait.visit_at),
                to_person_us: micros(now - self.arrived_at),
                episode: wait.episode,
            });
            self.leave_queue(now, &wait, Outcome::Answered);
        }
        self.joined_by_queue(now, agent);
        self.bridge(now, talk);
    }

    /// Joins somebody whom no queue brought.
    pub(super) fn connected(&mut self, now: Time, talk: Talk, purpose: Purpose) {
        let (to, leg) = (talk.who.clone(), talk.leg.id);
        self.record(CallEvent::Connected { to, leg, purpose });
        self.bridge(now, talk);
    }

    fn bridge(&mut self, now: Time, talk: Talk) {
        let (phone, caller) = (talk.leg.id, self.caller_leg.id);
        if let Some(negotiated) = talk.leg.negotiated.as_deref().cloned() {
            self.media(media::Command::Negotiate { leg: phone, negotiated });
        }
        self.media(media::Command::Bridge { a: caller, b: phone });
        self.state = State::Talking(talk);
        self.out.push(Action::Notify(Notice::Joined));
        self.follow_hold(now);
    }

    /// Music for whoever is on hold, and each other's voice when nobody is.
    pub(super) fn follow_hold(&mut self, now: Time) {
        let caller = self.caller_leg.id;
        let caller_holds = self.caller_leg.held_by_peer();
        let State::Talking(talk) = &mut self.state else { return };
        let (agent_holds, phone) = (talk.leg.held_by_peer(), talk.leg.id);
        let waiting = match (agent_holds, caller_holds) {
            // Whoever holds the line leaves the other two to each other.
            _ if talk.guests.are_a_conference() => None,
            (true, _) => Some(caller),
            (false, true) => Some(phone),
            (false, false) => None,
        };
        let music = talk.hold_music.clone();
        let room = talk.guests.room();
        match (waiting, &mut talk.hold) {
            (Some(waiting), None) => {
                talk.hold = Some(Hold { since: now, waiting });
                self.media(match room {
                    None => media::Command::Unbridge { leg: caller },
                    Some(_) => media::Command::Leave { leg: waiting },
                });
                self.media(media::Command::Music { leg: waiting, music });
            }
            // Both held, and one of them has come back.
            (Some(waiting), Some(hold)) if hold.waiting != waiting => {
                let before = std::mem::replace(&mut hold.waiting, waiting);
                self.media(match room {
                    None => media::Command::Quiet { leg: before },
                    Some(room) => {
                        media::Command::Join { leg: before, room, part: media::Part::Speak }
                    }
                });
                if room.is_some() {
                    self.media(media::Command::Leave { leg: waiting });
                }
                self.media(media::Command::Music { leg: waiting, music });
            }
            (None, Some(hold)) => {
                talk.held_us += micros(now - hold.since);
                talk.hold = None;
                talk.together_since = now;
                self.together();
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        self.tell_who_holds(agent_holds, caller_holds);
    }

    /// Lets the queue know which agents have put the other side on hold.
    fn tell_who_holds(&mut self, far_holds: bool, near_holds: bool) {
        let State::Talking(talk) = &self.state else { return };
        let together = talk.guests.are_a_conference();
        let far = talk.agent().filter(|_| far_holds && !together).cloned();
        let near = self.dialled_by().filter(|_| near_holds && !together).cloned();
        let holding: BTreeSet<AgentId> = far.into_iter().chain(near).collect();
        let before = std::mem::replace(&mut self.holding, holding.clone());
        for agent in holding.difference(&before) {
            self.queue(QueueAction::Hold(agent.clone(), true));
        }
        for agent in before.difference(&holding) {
            self.queue(QueueAction::Hold(agent.clone(), false));
        }
    }

    /// The caller hears music while the call is handed on, whoever held the line before.
    pub(super) fn keep_waiting(&mut self, now: Time, talk: &mut Talk) {
        self.dismiss(now, talk);
        let caller = self.caller_leg.id;
        let since = talk.hold.as_ref().map_or(now, |hold| hold.since);
        match talk.hold.replace(Hold { since, waiting: caller }) {
            None => self.media(media::Command::Unbridge { leg: caller }),
            Some(hold) if hold.waiting != caller => {
                self.media(media::Command::Quiet { leg: hold.waiting });
            }
            Some(_) => {}
        }
        self.media(media::Command::Music { leg: caller, music: talk.hold_music.clone() });
    }

    /// One side of the conversation is on another leg now, which does not hold the line.
    pub(super) fn on_another_leg(&mut self, now: Time) {
        let State::Talking(talk) = &mut self.state else { return };
        let phone = talk.leg.id;
        let negotiated = talk.leg.negotiated.as_deref().cloned();
        if let Some(hold) = talk.hold.take() {
            talk.held_us += micros(now - hold.since);
            talk.together_since = now;
        }
        if let Some(negotiated) = negotiated {
            self.media(media::Command::Negotiate { leg: phone, negotiated });
        }
        self.together();
        self.follow_hold(now);
    }

    /// The conversation goes on where it was before [`Call::keep_waiting`].
    pub(super) fn go_on(&mut self, now: Time, talk: Talk) {
        let music = talk.hold_music.clone();
        self.state = State::Talking(talk);
        self.follow_hold(now);
        // What they were to be connected with may have been heard meanwhile.
        if let State::Talking(Talk { hold: Some(hold), .. }) = &self.state {
            self.media(media::Command::Music { leg: hold.waiting, music });
        }
    }

    /// The conversation is over.
    pub(super) fn part(&mut self, now: Time, mut talk: Talk, by: Party) {
        self.dismiss(now, &mut talk);
        let parted = talk.segment(now, by);
        self.record(parted);
        self.drop_leg(talk.leg.id);
        if let Peer::Agent(agent) = talk.who {
            self.queue(QueueAction::TalkEnded(agent));
        }
    }
}
