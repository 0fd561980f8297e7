//! Where an INVITE goes: to the flow of the number that was dialled, to an agent's star code, or
//! away with a status that says why.

use std::time::Duration;

use crate::call::{Arrival, Call};
use crate::event::{Caller, RefusalReason, SystemEvent};
use crate::flow;
use crate::id::{AgentId, FlowName};
use crate::media::command::Encryption;
use crate::sdp::{self, Keyring, SdpError, Terms};
use crate::sip::endpoint::{Authentication, IncomingInvite};
use crate::sip::guard::Offence;
use crate::time::Time;

use super::controller::{Controller, StarCode};
use super::limits::RETRY_AFTER;
use super::{Engine, Governed};

/// As many characters of what a caller says of the call are kept: they go into the journal and into
/// the INVITE that rings an agent's phone, which must fit a datagram.
const TEXT_LIMIT: usize = 64;

/// What becomes of an INVITE.
enum Route {
    Admit(Controller, Option<FlowName>),
    Challenge,
    Refuse(RefusalReason),
}

impl Engine {
    /// Somebody rings.
    pub(super) fn invite(&mut self, now: Time, invite: IncomingInvite) {
        match self.route(now, &invite) {
            Route::Admit(controller, flow) => self.admit(now, invite, controller, flow),
            Route::Challenge => self.endpoint.challenge(now, invite.leg),
            Route::Refuse(reason) => self.refuse(now, &invite, reason),
        }
    }

    fn route(&mut self, now: Time, invite: &IncomingInvite) -> Route {
        if invite.replaces.is_some() {
            return Route::Refuse(RefusalReason::NotAllowed);
        }
        let (controller, flow) =
            if let Some(code) = StarCode::dialled(&invite.called, &self.plan.star_codes) {
                match self.agent_behind(invite) {
                    Ok(agent) => (Controller::StarCode { agent, code, afterwards: None }, None),
                    Err(route) => return route,
                }
            } else {
                let flow = self.plan.flow_of(&invite.called).and_then(|name| {
                    self.plan.flows.get(name).map(|flow| (name.clone(), flow.clone()))
                });
                let Some((name, flow)) = flow else {
                    return Route::Refuse(RefusalReason::UnknownNumber);
                };
                let run = flow::Run::new(flow);
                (Controller::Flow { name: name.clone(), run }, Some(name))
            };
        let encryption = self.terms(invite, &controller).encryption;
        let offer = invite.offer.as_deref();
        if let Err(error) = offer.map_or(Ok(()), |offer| sdp::acceptable(offer, encryption)) {
            return Route::Refuse(match error {
                SdpError::Malformed => RefusalReason::BadOffer,
                SdpError::NoCommonCodec => RefusalReason::NoCommonCodec,
                SdpError::NotEncrypted => RefusalReason::NotEncrypted,
                SdpError::NoCommonEncryption => RefusalReason::NoCommonEncryption,
            });
        }
        match self.admission.admit(now, self.calls.len(), &self.plan.limits) {
            Ok(()) => Route::Admit(controller, flow),
            Err(reason) => Route::Refuse(reason),
        }
    }

    /// On what terms the caller's audio is encrypted: a phone that is known to be an agent's is held to
    /// the agent's, whoever else rings may choose.
    fn terms(&self, invite: &IncomingInvite, controller: &Controller) -> Terms {
        let encryption = match (controller, &invite.authentication) {
            (Controller::StarCode { agent, .. }, _) => self.plan.encryption_of(agent),
            (Controller::Flow { .. }, Authentication::User(user)) => {
                self.plan.encryption_of(&AgentId::from(user.as_str()))
            }
            (Controller::Flow { .. }, Authentication::None | Authentication::Wrong) => {
                Encryption::default()
            }
        };
        self.plan.terms(encryption, invite.listener)
    }

    /// The agent whose phone this is: proved by digest, or by the address of a fixed phone that
    /// has no password.
    fn agent_behind(&self, invite: &IncomingInvite) -> Result<AgentId, Route> {
        let claimed = self.plan.agents.get_key_value(invite.from_user.as_str());
        match (&invite.authentication, claimed) {
            (Authentication::User(user), _) if self.plan.agents.contains_key(user.as_str()) => {
                Ok(AgentId::from(user.as_str()))
            }
            (Authentication::None, Some((id, agent)))
                if agent.trusted.contains(&invite.source.ip()) =>
            {
                Ok(id.clone())
            }
            (Authentication::None, _) => Err(Route::Challenge),
            (Authentication::User(_) | Authentication::Wrong, _) => {
                Err(Route::Refuse(RefusalReason::NotAllowed))
            }
        }
    }

    fn admit(
        &mut self,
        now: Time,
        invite: IncomingInvite,
        controller: Controller,
        flow: Option<FlowName>,
    ) {
        let id = self.entropy.call_id(self.wall.at(now));
        let keyring = Keyring::new(self.terms(&invite, &controller), &mut self.entropy);
        let call = Call::arrive(
            now,
            Arrival {
                leg: invite.leg,
                source: invite.source.ip(),
                caller: Caller {
                    number: invite.caller.number.as_deref().map(kept),
                    name: invite.caller.name.as_deref().map(kept),
                    withheld: invite.caller.withheld,
                },
                called: kept(&invite.called),
                flow,
                offer: invite.offer,
                keyring,
                longest: self.plan.longest_call(),
            },
        );
        self.calls.insert(id, Governed { call, controller });
        self.with_call(id, |_, _| {});
    }

    fn refuse(&mut self, now: Time, invite: &IncomingInvite, reason: RefusalReason) {
        let (status, retry_after): (u16, Option<Duration>) = match reason {
            RefusalReason::UnknownNumber => (404, None),
            RefusalReason::NoCommonCodec
            | RefusalReason::NotEncrypted
            | RefusalReason::NoCommonEncryption => (488, None),
            RefusalReason::BadOffer => (400, None),
            RefusalReason::NotAllowed => (403, None),
            RefusalReason::TooManyCalls
            | RefusalReason::TooFast
            | RefusalReason::JournalFull
            | RefusalReason::ShuttingDown => (503, Some(RETRY_AFTER)),
        };
        if reason == RefusalReason::UnknownNumber {
            let (listener, source) = (invite.listener, invite.source);
            self.endpoint.note_offence(now, listener, source, Offence::UnknownNumber);
        }
        self.endpoint.reject(now, invite.leg, status, retry_after);
        if self.admission.notes_refusal(now) {
            let called = kept(&invite.called);
            self.record_system(now, SystemEvent::Refused { reason, status, called });
        }
    }
}

fn kept(text: &str) -> String {
    text.chars().take(TEXT_LIMIT).collect()
}
