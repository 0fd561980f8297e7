//! Letting supervisors and third parties into conversations, as the API asks.

use std::time::Duration;

use crate::acd::command::AcdInput;
use crate::call::{Call, Consulted, Supervise, SuperviseError};
use crate::event::{AgentState, Supervision};
use crate::id::{AgentId, CallId, LegId};
use crate::time::Time;

use super::Engine;
use super::io::Reply;

/// How long a supervisor's phones ring.
const RING_FOR: Duration = Duration::from_secs(30);

impl Engine {
    /// A supervisor's phone is to be rung for a conversation.
    pub(super) fn supervise_request(
        &mut self,
        now: Time,
        id: CallId,
        agent: AgentId,
        mode: Supervision,
        actor: &str,
    ) -> Reply {
        if !self.plan.agents.contains_key(&agent) {
            return Reply::UnknownDestination;
        }
        let busy = match self.acd.agent_state(&agent).unwrap_or_default() {
            AgentState::Reserved
            | AgentState::Ringing
            | AgentState::Talking
            | AgentState::Hold
            | AgentState::Consulting => true,
            AgentState::SignedOut
            | AgentState::Ready
            | AgentState::WrapUp
            | AgentState::NotReady
            | AgentState::Unreachable => false,
        };
        let (targets, shown) = (self.targets(&agent), self.shown(&agent));
        let actor = actor.to_owned();
        let wanted = Supervise { agent, mode, actor, targets, shown, ring_for: RING_FOR };
        let asked = self.in_call(id, |call, ids| {
            if busy && call.is_talking() && !call.has_agent(&wanted.agent) {
                return Err(SuperviseError::Busy);
            }
            call.supervise(now, ids, wanted)
        });
        match asked {
            None => Reply::UnknownCall,
            Some(Ok(())) => Reply::Done,
            Some(Err(error)) => Reply::SuperviseRefused(error),
        }
    }

    /// Something else is asked of a supervisor.
    pub(super) fn supervised(
        &mut self,
        id: CallId,
        ask: impl FnOnce(&mut Call) -> Result<(), SuperviseError>,
    ) -> Reply {
        match self.in_call(id, |call, _| ask(call)) {
            None => Reply::UnknownCall,
            Some(Ok(())) => Reply::Done,
            Some(Err(error)) => Reply::SuperviseRefused(error),
        }
    }

    /// An agent with two conversations makes one of them.
    pub(super) fn conference_request(
        &mut self,
        now: Time,
        id: CallId,
        agent: Option<&AgentId>,
        actor: &str,
    ) -> Reply {
        let Some(one) = self.calls.get(&id).map(|one| &one.call) else {
            return Reply::UnknownCall;
        };
        let Some((by, leg)) =
            one.leg_of(agent).and_then(|leg| Some((one.agent_on(leg)?.clone(), leg)))
        else {
            return Reply::NoConference;
        };
        let other = self.calls.iter().find_map(|(other, two)| {
            let leg = two.call.leg_of(Some(&by))?;
            (*other != id).then_some((*other, leg))
        });
        let Some((other, other_leg)) = other else { return Reply::NoConference };
        let first = |id: &CallId| {
            let call = self.calls.get(id).map(|one| &one.call);
            (!call.is_some_and(Call::is_callers), call.map(Call::arrived_at), *id)
        };
        // The call of somebody who rang a number goes on, else the older one.
        let (goes_on, ends) = match first(&id) < first(&other) {
            true => (id, (other, other_leg)),
            false => (other, (id, leg)),
        };
        if !self.calls.get(&goes_on).is_some_and(|one| one.call.may_confer()) {
            return Reply::NoConference;
        }
        match self.bring_in(now, goes_on, by, ends, actor) {
            true => Reply::Done,
            false => Reply::NoConference,
        }
    }

    fn bring_in(
        &mut self,
        now: Time,
        id: CallId,
        by: AgentId,
        (ended, leg): (CallId, LegId),
        actor: &str,
    ) -> bool {
        let consulted = self.in_call(ended, |call, _| call.consulted(now, leg)).flatten();
        let Some(Consulted::Joined(moving)) = consulted else { return false };
        self.legs.insert(moving.leg(), id);
        if let Some(agent) = moving.agent() {
            let queue = None;
            let agent = agent.clone();
            self.apply(now, AcdInput::Moved { agent, from: ended, to: id, queue });
        }
        let actor = Some(actor.to_owned());
        self.with_call(id, |call, _| call.confer(now, by, *moving, ended, actor));
        true
    }
}
