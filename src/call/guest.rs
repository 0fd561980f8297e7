//! Who is in a conversation besides its two sides, and how media let all of them hear each other: two are
//! relayed, more are in a room.

use crate::event::{CallEvent, Caller, OfferOutcome, Peer, Supervision};
use crate::id::{AgentId, LegId};
use crate::media::command::{self as media, Part, RoomId};
use crate::time::Time;

use super::leg::Leg;
use super::ring::Ringing;
use super::talk::Talk;
use super::{Call, QueueAction, State, micros};

/// How many may be there besides the two sides.
pub(super) const MOST: usize = 4;

/// Everybody besides the two sides.
#[derive(Debug)]
pub(super) struct Guests {
    room: RoomId,
    pub(super) there: Vec<Guest>,
    /// A supervisor whose phones ring.
    pub(super) invited: Option<Box<Invited>>,
}

/// Somebody who is there.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) who: Peer,
    /// How they are shown, should they become one of the two sides.
    pub(super) shown: Caller,
    pub(super) leg: Leg,
    pub(super) role: Role,
    pub(super) since: Time,
}

/// As what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Supervisor(Supervision),
    /// The third in a conference.
    Third,
}

/// A supervisor who is rung.
#[derive(Debug)]
pub(super) struct Invited {
    pub(super) agent: AgentId,
    pub(super) mode: Supervision,
    pub(super) shown: Caller,
    pub(super) ringing: Ringing,
}

impl Guests {
    /// None yet. A room that they may make necessary is called after `leg`.
    pub(super) fn new(leg: LegId) -> Self {
        Guests { room: RoomId(leg.0), there: Vec::new(), invited: None }
    }

    /// The room, if one is needed.
    pub(super) fn room(&self) -> Option<RoomId> {
        (!self.there.is_empty()).then_some(self.room)
    }

    /// Whether nobody else can come.
    pub(super) fn are_most(&self) -> bool {
        self.there.len() + usize::from(self.invited.is_some()) >= MOST
    }

    /// Whether the conversation would go on if one of its two sides left.
    pub(super) fn are_a_conference(&self) -> bool {
        self.there.iter().any(|guest| guest.role == Role::Third)
    }

    pub(super) fn ringing(&self) -> Option<&Ringing> {
        self.invited.as_ref().map(|invited| &invited.ringing)
    }

    pub(super) fn ringing_mut(&mut self) -> Option<&mut Ringing> {
        self.invited.as_mut().map(|invited| &mut invited.ringing)
    }

    pub(super) fn leg_mut(&mut self, leg: LegId) -> Option<&mut Leg> {
        self.there.iter_mut().map(|guest| &mut guest.leg).find(|found| found.id == leg)
    }

    pub(super) fn take(&mut self, fits: impl Fn(&Guest) -> bool) -> Option<Guest> {
        let at = self.there.iter().position(fits)?;
        Some(self.there.remove(at))
    }
}

impl Guest {
    /// What happened: they are gone.
    pub(super) fn left(&self, now: Time) -> CallEvent {
        let present_us = micros(now - self.since);
        match (&self.who, self.role) {
            (Peer::Agent(agent), Role::Supervisor(_)) => {
                CallEvent::SupervisorLeft { agent: agent.clone(), present_us }
            }
            (who, _) => CallEvent::ConferenceLeft { who: who.clone(), present_us },
        }
    }
}

impl Call {
    /// Everybody in the conversation hears the others, as far as their part goes. Whoever waits with
    /// music is left to it.
    pub(super) fn together(&mut self) {
        let caller = self.caller_leg.id;
        let adviser = self.leg_of(None);
        let State::Talking(talk) = &self.state else { return };
        let (phone, waiting) = (talk.leg.id, talk.waiting());
        let Some(room) = talk.guests.room() else {
            if waiting.is_none() {
                self.media(media::Command::Bridge { a: caller, b: phone });
            }
            return;
        };
        let sides = [caller, phone].into_iter().filter(|leg| waiting != Some(*leg));
        let guests = talk.guests.there.iter().map(|guest| {
            let part = match (guest.role, adviser) {
                (Role::Third | Role::Supervisor(Supervision::Barge), _) => Part::Speak,
                (Role::Supervisor(Supervision::Whisper), Some(adviser)) => Part::Whisper(adviser),
                (Role::Supervisor(Supervision::Whisper | Supervision::Listen), _) => Part::Listen,
            };
            (guest.leg.id, part)
        });
        let members: Vec<(LegId, Part)> =
            sides.map(|leg| (leg, Part::Speak)).chain(guests).collect();
        for (leg, part) in members {
            self.media(media::Command::Join { leg, room, part });
        }
    }

    /// One of the guests ended their leg, if it was one.
    pub(super) fn guest_ended(&mut self, now: Time, leg: LegId) -> bool {
        let State::Talking(talk) = &mut self.state else { return false };
        let Some(guest) = talk.guests.take(|guest| guest.leg.id == leg) else { return false };
        self.see_off(now, guest);
        self.less_company(now);
        true
    }

    /// A guest has gone. Nobody stays in a room in which nobody else is.
    pub(super) fn less_company(&mut self, now: Time) {
        if self.leg_of(None).is_none() {
            // Callers among themselves are nobody's business.
            self.dismiss_supervisors(now);
        }
        let State::Talking(talk) = &self.state else { return };
        if talk.guests.room().is_none()
            && let Some(waiting) = talk.waiting()
        {
            let other = if waiting == talk.leg.id { self.caller_leg.id } else { talk.leg.id };
            self.media(media::Command::Leave { leg: other });
        }
        self.together();
        self.follow_hold(now);
    }

    fn dismiss_supervisors(&mut self, now: Time) {
        let State::Talking(talk) = &mut self.state else { return };
        let invited = talk.guests.invited.take();
        let there = std::mem::take(&mut talk.guests.there);
        let (stay, go) = there.into_iter().partition(|guest| guest.role == Role::Third);
        talk.guests.there = stay;
        for guest in go {
            self.see_off(now, guest);
        }
        if let Some(invited) = invited {
            self.uninvite(*invited, OfferOutcome::Withdrawn);
        }
    }

    /// Hangs a guest up.
    pub(super) fn see_off(&mut self, now: Time, guest: Guest) {
        self.record(guest.left(now));
        self.drop_leg(guest.leg.id);
        if let Peer::Agent(agent) = guest.who {
            self.queue(QueueAction::TalkEnded(agent));
        }
    }

    /// All guests go: the conversation is over, or is handed on.
    pub(super) fn dismiss(&mut self, now: Time, talk: &mut Talk) {
        if let Some(invited) = talk.guests.invited.take() {
            self.uninvite(*invited, OfferOutcome::Withdrawn);
        }
        if talk.guests.room().is_some() {
            for leg in [self.caller_leg.id, talk.leg.id] {
                self.media(media::Command::Leave { leg });
            }
        }
        for guest in std::mem::take(&mut talk.guests.there) {
            self.see_off(now, guest);
        }
    }
}
