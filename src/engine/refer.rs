//! What agents' phones ask for by REFER and by INVITE with Replaces.

use crate::acd::command::AcdInput;
use crate::call::{Consulted, Takeover};
use crate::event::{CallEvent, Event, Purpose};
use crate::id::{AgentId, CallId, LegId};
use crate::sdp::Keyring;
use crate::sip::endpoint::{IncomingInvite, Refer};
use crate::sip::uri::Uri;
use crate::time::Time;

use super::Engine;
use super::route::kept;

/// RFC 3891 section 3: the dialog is not there, or not one that can be replaced.
const NO_SUCH_DIALOG: u16 = 481;

impl Engine {
    /// A phone asks for whoever it talks with to be connected elsewhere (RFC 3515).
    pub(super) fn referred(&mut self, now: Time, leg: LegId, refer: &Refer) {
        let done = match &refer.replaces {
            Some(replaced) => match replaced.leg {
                Some(other) => self.attended(now, leg, other),
                None => Err(NO_SUCH_DIALOG),
            },
            None => self.blind(now, leg, &refer.target),
        };
        if let Err(status) = done {
            self.endpoint.reject_refer(now, leg, status);
            let by = self.call_on(leg).and_then(|call| {
                let by = self.calls.get(&call)?.call.agent_on(leg)?.clone();
                Some((call, by))
            });
            if let Some((call, by)) = by {
                let event = CallEvent::TransferRefused { by, to: kept(&refer.target), status };
                self.record(now, Event::Call { call, event });
            }
        }
    }

    fn call_on(&self, leg: LegId) -> Option<CallId> {
        self.legs.get(&leg).copied()
    }

    fn blind(&mut self, now: Time, leg: LegId, target: &str) -> Result<(), u16> {
        let id = self.call_on(leg).ok_or(NO_SUCH_DIALOG)?;
        let call = self.calls.get(&id).map(|one| &one.call).ok_or(NO_SUCH_DIALOG)?;
        call.may_transfer(leg).map_err(|error| error.status())?;
        let to = dialled(target).and_then(|dialled| self.resolve(&dialled)).ok_or(404_u16)?;
        self.endpoint.accept_refer(now, leg);
        self.with_call(id, |call, _| call.transfer(now, leg, to, true, None));
        Ok(())
    }

    /// The agent who talks on `leg` and on `other` brings the two other sides together.
    fn attended(&mut self, now: Time, leg: LegId, other: LegId) -> Result<(), u16> {
        let (id, other_id) = (self.call_on(leg), self.call_on(other));
        let (Some(id), Some(other_id)) = (id, other_id) else { return Err(NO_SUCH_DIALOG) };
        let (Some(one), Some(two)) = (self.calls.get(&id), self.calls.get(&other_id)) else {
            return Err(NO_SUCH_DIALOG);
        };
        let (one, two) = (&one.call, &two.call);
        match (one.agent_on(leg), two.agent_on(other)) {
            (Some(by), Some(the_same)) if by == the_same && id != other_id => {}
            (Some(_) | None, _) => return Err(403),
        }
        // The call of somebody who rang a number goes on, else the older one.
        let first = (!one.is_callers(), one.arrived_at(), id);
        let second = (!two.is_callers(), two.arrived_at(), other_id);
        let (goes_on, ends) = match first < second {
            true => ((id, leg), (other_id, other)),
            false => ((other_id, other), (id, leg)),
        };
        let survivor = self.calls.get(&goes_on.0).ok_or(NO_SUCH_DIALOG)?;
        survivor.call.may_transfer(goes_on.1).map_err(|error| error.status())?;
        let consulted =
            self.in_call(ends.0, |call, _| call.consulted(now, ends.1)).flatten().ok_or(403_u16)?;
        self.endpoint.accept_refer(now, leg);
        let asked = leg == goes_on.1;
        if !asked {
            // The leg that asked ends now: it learns that this has begun, not how it ends.
            self.endpoint.notify_refer(now, leg, 200);
        }
        self.bring_together(now, goes_on, ends.0, consulted, asked);
        Ok(())
    }

    fn bring_together(
        &mut self,
        now: Time,
        (id, leg): (CallId, LegId),
        ended: CallId,
        consulted: Consulted,
        asked: bool,
    ) {
        let queue = self.calls.get(&id).and_then(|one| one.call.queue_of().cloned());
        let moved = |agent: &AgentId| AcdInput::Moved {
            agent: agent.clone(),
            from: ended,
            to: id,
            queue: queue.clone(),
        };
        match consulted {
            Consulted::Joined(moving) => {
                self.legs.insert(moving.leg(), id);
                if let Some(agent) = moving.agent() {
                    self.apply(now, moved(agent));
                }
                if asked {
                    self.endpoint.notify_refer(now, leg, 200);
                }
                self.with_call(id, |call, _| call.take_up(now, leg, *moving, ended));
            }
            Consulted::Ringing(moving) => {
                for ringing in moving.legs() {
                    // Not those that are tried later: their media are not open.
                    if let Some(call) = self.legs.get_mut(&ringing) {
                        *call = id;
                    }
                }
                if let Some(agent) = moving.agent() {
                    self.apply(now, moved(&agent));
                }
                let until = now + self.rings_for(Purpose::Transfer);
                self.with_call(id, |call, _| {
                    call.take_up_ringing(now, leg, moving, ended, asked, until);
                });
            }
            Consulted::Nobody(to) => {
                self.with_call(id, |call, _| call.transfer(now, leg, to, asked, None));
            }
        }
    }

    /// A phone takes the place of another in its conversation (RFC 3891). `agent` has proved to be
    /// who they are.
    pub(super) fn takes_over(
        &mut self,
        invite: IncomingInvite,
        replaces: LegId,
        agent: AgentId,
    ) -> Result<(), u16> {
        let id = self.call_on(replaces).ok_or(NO_SUCH_DIALOG)?;
        let (leg, shown) = (invite.leg, self.shown(&agent));
        let keyring = Keyring::new(self.terms(&invite, Some(&agent)), &mut self.entropy);
        let (source, offer) = (invite.source.ip(), invite.offer);
        let takeover = Takeover { leg, source, offer, keyring, replaces, agent, shown };
        match self.in_call(id, |call, _| call.take_over(takeover)) {
            Some(true) => Ok(()),
            Some(false) | None => Err(NO_SUCH_DIALOG),
        }
    }
}

/// What a phone would have dialled to ring a URI. The host is not looked at: phones write there what
/// they were told is ours.
fn dialled(target: &str) -> Option<String> {
    Uri::parse(target.as_bytes()).ok()?.user()
}
