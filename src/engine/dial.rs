//! Ringing whom somebody chose: agents by reservation, numbers outside by the trunks.

use std::sync::Arc;
use std::time::Duration;

use crate::acd::command::{AcdInput, ReserveError};
use crate::call::command::Notice;
use crate::call::{Action, Manner, Onward, Ring, Target, TransferError};
use crate::event::{
    Caller, Destination, OfferOutcome, OutboundRefusal, Peer, Purpose, TransferOutcome,
};
use crate::id::{AgentId, CallId, PromptName};
use crate::media::command::Encryption;
use crate::number::canonical;
use crate::time::Time;
use crate::trunk::Attempt;
use crate::trunk::guard::OnBehalf;

use super::Engine;
use super::controller::Controller;
use super::destination::is_emergency;
use super::io::Reply;

/// What whoever is put on hold hears in a call that no queue brought.
const HOLD_MUSIC: &str = "music/hold";

impl Engine {
    /// A call asks for somebody to be rung.
    pub(super) fn dial(&mut self, now: Time, id: CallId, to: Peer, purpose: Purpose) {
        match to {
            Peer::Agent(agent) => {
                // Whom a flow puts through is not brought by the queue that gave them up.
                let queue = self.calls.get(&id).filter(|_| purpose != Purpose::Flow);
                let queue = queue.and_then(|one| one.call.queue_of().cloned());
                let ring_for = self.rings(id, purpose);
                let input = AcdInput::Reserve { call: id, agent, queue, ring_for };
                self.apply(now, input);
            }
            Peer::Outside(number) => self.dial_outside(now, id, &number, purpose),
        }
    }

    /// Somebody outside is to be rung: for the agent whose call it is, or who hands it on; or for the flow that
    /// promised to ring them back, or that puts the caller through. Nobody else has calls to the outside.
    fn dial_outside(&mut self, now: Time, id: CallId, number: &str, purpose: Purpose) {
        let who = self.calls.get(&id).and_then(|one| match (purpose, &one.controller) {
            (Purpose::CallBack, Controller::Callback { flow }) => {
                Some(OnBehalf::Flow(flow.clone().unwrap_or_else(|| "".into())))
            }
            (Purpose::Flow, _) => {
                one.call.put_through().map(|through| OnBehalf::Flow(through.flow.clone()))
            }
            (_, _) => {
                let agent = one.call.handed_on_by().or_else(|| one.call.dialled_by())?;
                Some(OnBehalf::Agent(agent.clone()))
            }
        });
        let ways = match who {
            Some(who) => {
                let presented = self.presented_for(id);
                self.ways_outside(now, number, who, presented.as_deref())
            }
            None => Err(OutboundRefusal::NotAllowed),
        };
        match ways {
            Ok(attempts) => {
                let ring = Ring {
                    targets: attempts.into_iter().map(|one| self.target_outside(one)).collect(),
                    manner: Manner::InTurn,
                    title: None,
                    shown: Caller { number: Some(canonical(number)), name: None, withheld: false },
                    ring_for: self.rings_outside(id, purpose),
                    music: self.hold_music(id),
                };
                let to = Peer::Outside(number.to_owned());
                self.with_call(id, |call, ids| call.ring(now, ids, &to, ring));
            }
            Err(why) => match why {
                OutboundRefusal::NotAllowed
                | OutboundRefusal::TooMany
                | OutboundRefusal::AtOnce
                | OutboundRefusal::RoleFull
                | OutboundRefusal::TrunkFull => {
                    self.with_call(id, |call, _| call.dial_forbidden(now, why));
                }
                OutboundRefusal::NoTrunk | OutboundRefusal::TrunksDown => {
                    let outcome = TransferOutcome::Unreachable;
                    self.with_call(id, |call, _| call.dial_refused(now, outcome, why.status()));
                }
            },
        }
    }

    /// The number that somebody sees who is rung for a caller of a queue.
    fn presented_for(&self, id: CallId) -> Option<String> {
        let queue = self.calls.get(&id)?.call.queue_of()?;
        self.plan.acd.queues.get(queue)?.number.clone()
    }

    /// A way to the outside, to be rung as a phone is.
    pub(super) fn target_outside(&self, attempt: Attempt) -> Target {
        let terms = match self.plan.trunks.trunks.get(&attempt.trunk) {
            Some(trunk) => self.plan.trunk_terms(trunk, attempt.listener),
            None => self.plan.terms(Encryption::default(), attempt.listener),
        };
        Target {
            uri: attempt.uri.clone(),
            to: attempt.to(),
            listener: attempt.listener,
            terms,
            trunk: Some(Arc::new(attempt)),
        }
    }

    /// The same for a number outside: a queue says how long those whom it promised it are rung.
    fn rings_outside(&self, id: CallId, purpose: Purpose) -> Duration {
        let queue = self.calls.get(&id).and_then(|one| one.call.queue_of());
        let settings = queue.and_then(|queue| self.plan.acd.queues.get(queue));
        match (purpose, settings) {
            (Purpose::CallBack, Some(settings)) => settings.callback.ring_for(),
            (_, _) => self.rings(id, purpose),
        }
    }

    /// For how long a call has somebody rung.
    fn rings(&self, id: CallId, purpose: Purpose) -> Duration {
        let through = self.calls.get(&id).and_then(|one| one.call.put_through());
        through.and_then(|through| through.rings).unwrap_or_else(|| self.rings_for(purpose))
    }

    pub(super) fn rings_for(&self, purpose: Purpose) -> Duration {
        let transfers = &self.plan.transfers;
        let seconds = match purpose {
            Purpose::OwnCall | Purpose::CallBack => transfers.own_call_s,
            Purpose::Transfer | Purpose::Takeover | Purpose::Conference | Purpose::Flow => {
                transfers.ring_s
            }
            Purpose::Recall => transfers.recall_s,
        };
        Duration::from_secs(u64::from(seconds))
    }

    /// The agent is reserved: ring their phones.
    pub(super) fn reserved(&mut self, now: Time, id: CallId, agent: AgentId, ring_for: Duration) {
        let Some(governed) = self.calls.get(&id) else {
            let outcome = OfferOutcome::Withdrawn;
            return self.apply(now, AcdInput::OfferFailed { call: id, agent, outcome });
        };
        if governed.call.invites(&agent) {
            // A supervisor: their phones ring already.
            return;
        }
        let title = match governed.call.dials_for() {
            Some(Purpose::Recall) => Some("Returned".to_owned()),
            Some(Purpose::Transfer) => governed
                .call
                .handed_on_by()
                .and_then(|by| self.plan.agents.get(by))
                .map(|by| format!("From {}", by.name)),
            Some(
                Purpose::OwnCall
                | Purpose::CallBack
                | Purpose::Takeover
                | Purpose::Conference
                | Purpose::Flow,
            )
            | None => None,
        };
        let ring = Ring {
            targets: self.targets(&agent),
            manner: self.manner(&agent),
            title,
            shown: self.shown(&agent),
            ring_for,
            music: self.hold_music(id),
        };
        self.with_call(id, |call, ids| call.ring(now, ids, &Peer::Agent(agent), ring));
    }

    /// The agent cannot be rung.
    pub(super) fn not_reserved(
        &mut self,
        now: Time,
        id: CallId,
        agent: &AgentId,
        why: ReserveError,
    ) {
        if self.calls.get(&id).is_some_and(|one| one.call.invites(agent)) {
            // A supervisor need not be signed in: no queue rings them anyway.
            return;
        }
        let (outcome, status) = match why {
            ReserveError::Unavailable => (TransferOutcome::Unreachable, 480),
            ReserveError::Busy => (TransferOutcome::Rejected, 486),
        };
        self.with_call(id, |call, _| call.dial_refused(now, outcome, status));
    }

    /// An agent who was rung by name has answered.
    pub(super) fn direct_claimed(&mut self, now: Time, call: CallId, agent: AgentId) {
        match self.calls.contains_key(&call) {
            true => self.with_call(call, |call, _| call.claimed(now, &agent)),
            false => self.apply(now, AcdInput::TalkEnded { agent, call }),
        }
    }

    /// How an agent is shown to colleagues: the name, and what to dial to ring back.
    pub(super) fn shown(&self, agent: &AgentId) -> Caller {
        let plan = self.plan.agents.get(agent);
        let extension = plan.and_then(|plan| plan.extension.clone());
        Caller {
            number: Some(extension.unwrap_or_else(|| agent.to_string())),
            name: plan.map(|plan| plan.name.clone()),
            withheld: false,
        }
    }

    /// A flow puts its caller through.
    pub(super) fn connect(&mut self, now: Time, id: CallId, to: &str, onward: Onward) {
        let peer = match self.resolve(to) {
            Some(Destination::Agent(agent)) => Peer::Agent(agent),
            // An emergency service must see who rings, and where they are.
            Some(Destination::Outside(number)) if !is_emergency(&number) => Peer::Outside(number),
            // Flows lead to queues and flows by name.
            Some(Destination::Outside(_) | Destination::Queue(_) | Destination::Flow(_)) | None => {
                let why = TransferOutcome::Unreachable;
                return self.work.push_back((id, Action::Notify(Notice::NotConnected(why))));
            }
        };
        self.with_call(id, |call, _| call.connect_to(now, peer, onward));
    }

    fn hold_music(&self, call: CallId) -> PromptName {
        let queue = self.calls.get(&call).and_then(|one| one.call.queue_of());
        queue.map_or_else(|| HOLD_MUSIC.into(), |queue| self.music(queue))
    }

    /// Where a call can be sent by that name.
    pub(super) fn resolve(&self, dialled: &str) -> Option<Destination> {
        self.plan.dial.resolve(dialled)
    }

    /// The API asks for a call to be handed on.
    pub(super) fn transfer_request(
        &mut self,
        now: Time,
        id: CallId,
        to: &str,
        agent: Option<&AgentId>,
        actor: &str,
    ) -> Reply {
        let Some(governed) = self.calls.get(&id) else { return Reply::UnknownCall };
        let Some(leg) = governed.call.leg_of(agent) else {
            let error = match governed.call.is_talking() {
                true => TransferError::NotAnAgent,
                false => TransferError::NotTalking,
            };
            return Reply::TransferRefused(error);
        };
        if let Err(error) = governed.call.may_transfer(leg) {
            return Reply::TransferRefused(error);
        }
        let by = governed.call.agent_on(leg).cloned();
        let Some(to) = self.resolve(to) else { return Reply::UnknownDestination };
        if let (Destination::Outside(number), Some(by)) = (&to, by) {
            let (who, why) = (OnBehalf::Agent(by), OutboundRefusal::NotAllowed);
            if !self.trunks.may_ring(&who, number) {
                self.refuse_outside(now, number, &who, why);
                return Reply::NotAllowedOutside;
            }
        }
        let actor = Some(actor.to_owned());
        self.with_call(id, |call, _| call.transfer(now, leg, to, false, actor));
        Reply::Done
    }
}
