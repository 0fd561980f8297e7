//! Where an INVITE goes: to the flow of the number that was dialled; from an agent's phone also to a
//! star code, or wherever the dial plan leads; or away with a status that says why.

use std::sync::Arc;
use std::time::Duration;

use crate::acd::command::AcdInput;
use crate::call::{Arrival, Call};
use crate::event::{Destination, RefusalReason, SystemEvent};
use crate::flow;
use crate::id::{AgentId, FlowName, LegId, PhoneName, TrunkName};
use crate::media::command::Encryption;
use crate::sdp::{self, Keyring, SdpError, Terms};
use crate::sip::endpoint::{Authentication, IncomingInvite};
use crate::sip::guard::Offence;
use crate::time::Time;

use super::controller::{Controller, StarCode};
use super::desks::Newcomer;
use super::destination::is_emergency;
use super::inbound::full;
use super::limits::{Priority, retry_after};
use super::{Engine, Governed};

/// As many characters of what a caller says of the call are kept: they go into the journal and into
/// the INVITE that rings an agent's phone, which must fit a datagram.
const TEXT_LIMIT: usize = 64;

/// Why an INVITE is not admitted.
pub(super) enum Turned {
    /// Not until whoever sends it has proved who they are.
    Challenge,
    Refuse(RefusalReason),
}

/// How a call is admitted.
struct Way {
    controller: Controller,
    flow: Option<FlowName>,
    /// The agent whose phone it is.
    by: Option<AgentId>,
    /// What the agent dialled, unless it is a star code.
    to: Option<Destination>,
    /// The trunk that it came through; none for agents and strangers.
    trunk: Option<TrunkName>,
}

impl Engine {
    /// Somebody rings.
    pub(super) fn invite(&mut self, now: Time, invite: IncomingInvite) {
        if let Some(replaced) = invite.replaces {
            return self.take_over(now, invite, replaced);
        }
        match self.route(now, &invite) {
            Ok(way) => self.admit(now, invite, way),
            Err(turned) => self.turn_away(now, &invite, turned),
        }
    }

    fn turn_away(&mut self, now: Time, invite: &IncomingInvite, turned: Turned) {
        match turned {
            Turned::Challenge => self.endpoint.challenge(now, invite.leg),
            Turned::Refuse(reason) => self.refuse(now, invite, reason),
        }
    }

    fn route(&mut self, now: Time, invite: &IncomingInvite) -> Result<Way, Turned> {
        let way = self.way(now, invite)?;
        self.acceptable(invite, way.by.as_ref())?;
        let priority = match way.to.is_some() && is_emergency(&invite.called) {
            true => Priority::Emergency,
            false => self.priority_of(invite, way.trunk.as_ref()),
        };
        if let (Some(agent), Some(_), Priority::Ordinary) = (&way.by, &way.to, priority)
            && self.has_most_calls(agent)
        {
            return Err(Turned::Refuse(RefusalReason::AgentFull));
        }
        if let Some(trunk) = &way.trunk {
            let urgent = priority != Priority::Ordinary;
            let admitted = self.trunks.admit(now, trunk, invite.leg, urgent);
            admitted.map_err(|busy| Turned::Refuse(full(busy)))?;
        }
        let calls = self.calls.len();
        self.admission.admit(now, calls, &self.plan.limits, priority).map_err(|reason| {
            self.trunks.release(invite.leg);
            Turned::Refuse(reason)
        })?;
        Ok(way)
    }

    /// A phone wants the place of another one in its conversation (RFC 3891).
    fn take_over(&mut self, now: Time, invite: IncomingInvite, replaced: LegId) {
        let leg = invite.leg;
        let proved = self.agent_behind(&invite).and_then(|agent| {
            self.acceptable(&invite, Some(&agent))?;
            Ok(agent)
        });
        match proved {
            Ok(agent) => {
                if let Err(status) = self.takes_over(invite, replaced, agent) {
                    self.endpoint.reject(now, leg, status, None);
                }
            }
            Err(turned) => self.turn_away(now, &invite, turned),
        }
    }

    /// Whether an offer can be answered.
    fn acceptable(&self, invite: &IncomingInvite, by: Option<&AgentId>) -> Result<(), Turned> {
        let terms = self.terms(invite, by);
        let offer = invite.offer.as_deref();
        offer.map_or(Ok(()), |offer| sdp::acceptable(offer, terms)).map_err(|error| {
            Turned::Refuse(match error {
                SdpError::Malformed => RefusalReason::BadOffer,
                SdpError::NoCommonCodec => RefusalReason::NoCommonCodec,
                SdpError::NotEncrypted => RefusalReason::NotEncrypted,
                SdpError::NoCommonEncryption => RefusalReason::NoCommonEncryption,
            })
        })
    }

    /// On what terms the audio of whoever rings is encrypted: a phone that is known to be an agent's
    /// is held to the agent's, a trunk to its own, whoever else rings may choose.
    pub(super) fn terms(&self, invite: &IncomingInvite, by: Option<&AgentId>) -> Terms {
        if let Some(phone) = self.shared_phone(invite).and_then(|name| self.plan.phones.get(&name))
        {
            return self.plan.terms(phone.encryption, invite.listener);
        }
        let trunk = || self.trunks.settings(&self.trunk_of(invite).ok().flatten()?);
        match (by, by.map_or_else(trunk, |_| None)) {
            (Some(by), _) => self.plan.terms(self.plan.encryption_of(by), invite.listener),
            (None, Some(trunk)) => self.plan.trunk_terms(trunk, invite.listener),
            (None, None) => self.plan.terms(Encryption::default(), invite.listener),
        }
    }

    /// Where the call leads. Everybody reaches the numbers of ours, and nothing else; what else
    /// there is, is for agents, who have to prove that they are.
    fn way(&self, now: Time, invite: &IncomingInvite) -> Result<Way, Turned> {
        let called = invite.called.as_str();
        let shared = self.shared_phone(invite);
        if let Some(dialled) = self.sits_down(called) {
            let phone = shared.ok_or(match invite.authentication {
                Authentication::None => Turned::Challenge,
                Authentication::User(_) | Authentication::Wrong => {
                    Turned::Refuse(RefusalReason::NotAllowed)
                }
            })?;
            let controller = Controller::Newcomer(Newcomer::at(phone, dialled));
            return Ok(Way { controller, flow: None, by: None, to: None, trunk: None });
        }
        if let Some(code) = StarCode::dialled(called, &self.plan.star_codes, &self.plan.acd.away) {
            let agent = self.agent_behind(invite)?;
            let by = Some(agent.clone());
            let controller = Controller::StarCode { agent, code, afterwards: None };
            return Ok(Way { controller, flow: None, by, to: None, trunk: None });
        }
        let proved = self.proved(invite);
        let trunk = match (&proved, &shared) {
            (Some(_), _) | (None, Some(_)) => None,
            (None, None) => self.trunk_of(invite)?,
        };
        let called = self.dialled(invite, trunk.as_ref());
        let number = self.flow_of(trunk.as_ref(), called).filter(|_| !is_emergency(called));
        if let Some(name) = number {
            let flow = self.plan.flows.get(&name).cloned();
            let flow = flow.ok_or(Turned::Refuse(RefusalReason::UnknownNumber))?;
            let by = match proved {
                // A phone that we know, of an agent who would else be offered callers meanwhile.
                None if self.is_known_phone(invite) => return Err(Turned::Challenge),
                by => by,
            };
            let to = by.is_some().then(|| Destination::Flow(name.clone()));
            let about = self.about_to(now, self.caller_of(invite, trunk.as_ref()), called);
            let run = Box::new(flow::Run::new(Arc::clone(&self.plan.flows), flow, about));
            let controller = Controller::Flow { name: name.clone(), run };
            return Ok(Way { controller, flow: Some(name), by, to, trunk });
        }
        let claims = self.plan.phones.contains_key(invite.from_user.as_str())
            || matches!(self.plan.dial.resolve(&invite.from_user), Some(Destination::Agent(_)));
        let agent = match invite.authentication {
            // For help anybody may ring from any phone.
            Authentication::None | Authentication::User(_)
                if proved.is_none() && shared.is_some() && is_emergency(called) =>
            {
                AgentId::from(shared.as_ref().map_or("", PhoneName::as_str))
            }
            Authentication::None if !claims => {
                return Err(Turned::Refuse(RefusalReason::UnknownNumber));
            }
            Authentication::None | Authentication::User(_) | Authentication::Wrong => {
                self.agent_behind(invite)?
            }
        };
        let to = self.resolve(called).ok_or(Turned::Refuse(RefusalReason::UnknownNumber))?;
        let queue = match &to {
            Destination::Queue(queue) => Some(queue.clone()),
            Destination::Agent(_) | Destination::Outside(_) | Destination::Flow(_) => None,
        };
        let closed = queue
            .as_ref()
            .is_some_and(|queue| self.acd.turned_away(now, &self.wall, None, queue, &[]).is_some());
        if closed {
            return Err(Turned::Refuse(RefusalReason::NotTaken));
        }
        let controller = Controller::Own { queue };
        Ok(Way { controller, flow: None, by: Some(agent), to: Some(to), trunk: None })
    }

    /// The agent whose phone this is: proved by digest, or by the address of a fixed phone that
    /// has no password.
    fn agent_behind(&self, invite: &IncomingInvite) -> Result<AgentId, Turned> {
        match (self.proved(invite), &invite.authentication) {
            (Some(agent), _) => Ok(agent),
            // A shared phone at which nobody sits has nothing more to prove.
            (None, Authentication::None) if self.shared_phone(invite).is_none() => {
                Err(Turned::Challenge)
            }
            (None, Authentication::None | Authentication::User(_) | Authentication::Wrong) => {
                Err(Turned::Refuse(RefusalReason::NotAllowed))
            }
        }
    }

    fn proved(&self, invite: &IncomingInvite) -> Option<AgentId> {
        let agents = &self.plan.agents;
        let own = match &invite.authentication {
            Authentication::User(user) => {
                agents.get_key_value(user.as_str()).map(|(agent, _)| agent.clone())
            }
            Authentication::None => agents
                .get_key_value(invite.from_user.as_str())
                .filter(|(_, agent)| agent.trusted.contains(&invite.source.ip()))
                .map(|(agent, _)| agent.clone()),
            Authentication::Wrong => None,
        };
        own.or_else(|| self.desks.at(self.shared_phone(invite)?.as_str()).cloned())
    }

    /// Whether this comes from where the agent has registered who is named in it.
    fn is_known_phone(&self, invite: &IncomingInvite) -> bool {
        let mut bindings = self.endpoint.bindings(&invite.from_user).iter();
        invite.authentication == Authentication::None
            && (self.plan.agents.contains_key(invite.from_user.as_str())
                || self.desks.at(&invite.from_user).is_some())
            && bindings.any(|binding| binding.source == invite.source)
    }

    fn admit(&mut self, now: Time, invite: IncomingInvite, way: Way) {
        let Way { controller, flow, by, to, trunk } = way;
        let id = self.entropy.call_id(self.wall.at(now));
        let caller = match &by {
            Some(agent) => self.shown(agent),
            None => self.caller_of(&invite, trunk.as_ref()),
        };
        // Whoever asks a colleague may join them to the other call later.
        let beside = by.as_ref().and_then(|agent| self.other_call_of(agent));
        let keyring = Keyring::new(self.terms(&invite, by.as_ref()), &mut self.entropy);
        let engaged = by.clone().filter(|_| to.is_some());
        let arrival = Arrival {
            leg: invite.leg,
            source: invite.source.ip(),
            caller,
            called: kept(self.dialled(&invite, trunk.as_ref())),
            flow,
            by,
            through: trunk.as_ref().map(|trunk| self.through(&invite, trunk)),
            to,
            beside,
            offer: invite.offer,
            keyring,
            hops_left: invite.hops_left,
            longest: self.plan.longest_call(),
            recorded: self.plan.recorded.clone(),
            recording: id.recording(),
        };
        let called = arrival.called.clone();
        let call = Call::arrive(now, arrival);
        self.calls.insert(id, Box::new(Governed { call, called, controller }));
        self.with_call(id, |_, _| {});
        if let Some(agent) = engaged {
            self.apply(now, AcdInput::Engage { agent, call: id, queue: None });
        }
    }

    /// Whether an agent is on as many calls as they may be on at once.
    fn has_most_calls(&self, agent: &AgentId) -> bool {
        let most = self.plan.agents.get(agent).map(|agent| agent.max_calls);
        most.is_some_and(|most| self.acd.calls_of(agent).len() >= most)
    }

    fn other_call_of(&self, agent: &AgentId) -> Option<LegId> {
        let calls = self.acd.calls_of(agent);
        calls.iter().find_map(|call| Some(self.calls.get(call)?.call.own_leg()))
    }

    fn refuse(&mut self, now: Time, invite: &IncomingInvite, reason: RefusalReason) {
        let (status, retry_after): (u16, Option<Duration>) = match reason {
            RefusalReason::UnknownNumber => (404, None),
            RefusalReason::NoCommonCodec
            | RefusalReason::NotEncrypted
            | RefusalReason::NoCommonEncryption => (488, None),
            RefusalReason::BadOffer => (400, None),
            RefusalReason::NotAllowed | RefusalReason::UnknownSource => (403, None),
            RefusalReason::NotTaken => (480, None),
            RefusalReason::AgentFull => (486, None),
            RefusalReason::TrunkFull
            | RefusalReason::TrunkTooFast
            | RefusalReason::TooManyCalls
            | RefusalReason::TooFast
            | RefusalReason::JournalFull
            | RefusalReason::ShuttingDown => (503, Some(retry_after(&mut self.entropy))),
        };
        if reason == RefusalReason::UnknownNumber {
            let (listener, source) = (invite.listener, invite.source);
            self.endpoint.note_offence(now, listener, source, Offence::UnknownNumber);
        }
        self.endpoint.count_rejected(reason.as_str());
        match reason {
            RefusalReason::AgentFull => {
                self.endpoint.forbid(now, invite.leg, status, "No more calls at once");
            }
            RefusalReason::UnknownNumber
            | RefusalReason::NoCommonCodec
            | RefusalReason::NotEncrypted
            | RefusalReason::NoCommonEncryption
            | RefusalReason::TrunkFull
            | RefusalReason::TrunkTooFast
            | RefusalReason::UnknownSource
            | RefusalReason::TooManyCalls
            | RefusalReason::TooFast
            | RefusalReason::JournalFull
            | RefusalReason::ShuttingDown
            | RefusalReason::NotAllowed
            | RefusalReason::NotTaken
            | RefusalReason::BadOffer => {
                self.endpoint.reject(now, invite.leg, status, retry_after);
            }
        }
        if self.admission.notes_refusal(now) {
            let called = kept(&invite.called);
            self.record_system(now, SystemEvent::Refused { reason, status, called });
        }
    }
}

/// What is kept of a caller's words: no control characters, which phones, terminals and pages may
/// take for more than words.
pub(super) fn kept(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_of_a_callers_words_than_words() {
        assert_eq!(kept("Ann\u{0} \u{1b}[2JZo\u{eb}\r\nX: y\u{7f}\u{9b}"), "Ann [2JZo\u{eb}X: y");
        assert_eq!(kept(&"\u{0}\u{e9}".repeat(99)), "\u{e9}".repeat(TEXT_LIMIT));
    }
}
