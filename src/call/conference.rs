//! Three in a conversation: an agent brings in whom they have asked in another call. When one of
//! the three leaves, the other two talk on.

use crate::event::{CallEvent, Party, Peer, Purpose};
use crate::id::{AgentId, CallId, LegId};
use crate::time::Time;

use super::guest::{Guest, Role};
use super::merge::Moving;
use super::{Call, QueueAction, State};

impl Call {
    /// Whether somebody could be brought in now.
    pub fn may_confer(&self) -> bool {
        matches!(&self.state, State::Talking(talk) if !talk.guests.are_most())
    }

    /// Somebody whom `by` has asked in another call, which has ended, is the third from now on.
    pub fn confer(
        &mut self,
        now: Time,
        by: AgentId,
        moving: Moving,
        consulted: CallId,
        actor: Option<String>,
    ) {
        let Moving { who, shown, leg, .. } = moving;
        let id = leg.id;
        let State::Talking(talk) = &mut self.state else {
            // The engine has asked whether somebody can come in.
            return self.drop_leg(id);
        };
        talk.guests.there.push(Guest {
            who: who.clone(),
            shown,
            leg,
            role: Role::Third,
            since: now,
        });
        self.record(CallEvent::ConferenceJoined { who, leg: id, by, consulted, actor });
        // Whoever held the line asks for all to hear each other: nobody waits any more.
        self.follow_hold(now);
        self.together();
    }

    /// One of the two sides has left on `leg`: if there is a third, they take that place. False if
    /// nobody does.
    pub(super) fn others_go_on(&mut self, now: Time, leg: LegId) -> bool {
        let caller_left = leg == self.caller_leg.id;
        let State::Talking(talk) = &mut self.state else { return false };
        if !caller_left && leg != talk.leg.id {
            return false;
        }
        let Some(guest) = talk.guests.take(|guest| guest.role == Role::Third) else { return false };
        let left = guest.left(now);
        let Guest { who, shown, leg: new, .. } = guest;
        let by = if caller_left { Party::Caller } else { Party::Agent };
        let over = talk.segment(now, by);
        self.record(left);
        self.record(over);
        let State::Talking(talk) = &mut self.state else { return false };
        let gone = match caller_left {
            true => {
                self.caller = shown;
                self.caller_leg = new;
                self.near.replace(who)
            }
            false => {
                (talk.shown, talk.leg) = (shown, new);
                Some(std::mem::replace(&mut talk.who, who))
            }
        };
        let (to, far) = (talk.who.clone(), talk.leg.id);
        self.record(CallEvent::Connected { to, leg: far, purpose: Purpose::Conference });
        self.drop_leg(leg);
        if let Some(Peer::Agent(agent)) = gone {
            self.queue(QueueAction::TalkEnded(agent));
        }
        self.less_company(now);
        true
    }
}
