//! Agents: what each is doing, and the indexes of those who can be offered a call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{AgentState, StateReason};
use crate::id::{AgentId, CallId, QueueName, Skill};
use crate::time::Time;

use super::skills::SkillSet;

/// What an agent is doing, with whatever belongs to that and to nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Activity {
    SignedOut,
    NotReady,
    /// Can be offered a call.
    Ready,
    /// Would be ready, but no phone can be reached.
    Unreachable,
    /// An offer is under way: reserved, and ringing once a phone says so.
    Offered {
        call: CallId,
        ringing: bool,
        from: OfferedBy,
    },
    /// On at least one call.
    Engaged(Engaged),
    WrapUp,
}

/// Who has an agent's phones rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OfferedBy {
    /// The queue, for a caller who waits.
    Queue,
    /// A colleague, or a transfer: the agent was chosen by name.
    Direct {
        /// Whose wrap-up follows the call.
        queue: Option<QueueName>,
        before: Before,
    },
}

/// What an agent was doing before a call that no queue brought, and does again after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    SignedOut,
    NotReady,
    Ready,
    /// Until then.
    WrapUp(Time),
}

/// Live calls of an agent, and what follows the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Engaged {
    /// Each with the queue whose wrap-up it brings.
    pub(super) calls: BTreeMap<CallId, Option<QueueName>>,
    /// The wrap-up of a call that is over already.
    pub(super) owed: Option<QueueName>,
    pub(super) before: Before,
    /// Chosen meanwhile: goes before everything else.
    pub(super) then: Option<Afterwards>,
}

impl Engaged {
    pub(super) fn new(call: CallId, queue: Option<QueueName>, before: Before) -> Self {
        Engaged { calls: BTreeMap::from([(call, queue)]), owed: None, before, then: None }
    }

    fn on_duty(&self) -> bool {
        self.then.as_ref().map_or(self.before != Before::SignedOut, |then| !then.sign_out)
    }
}

/// What an agent chose during a call to do after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Afterwards {
    pub(super) sign_out: bool,
    pub(super) reason: StateReason,
    pub(super) by: Option<String>,
}

impl Activity {
    pub(super) fn state(&self) -> AgentState {
        match self {
            Activity::SignedOut => AgentState::SignedOut,
            Activity::NotReady => AgentState::NotReady,
            Activity::Ready => AgentState::Ready,
            Activity::Unreachable => AgentState::Unreachable,
            Activity::Offered { ringing: false, .. } => AgentState::Reserved,
            Activity::Offered { ringing: true, .. } => AgentState::Ringing,
            // Whoever is not at work may telephone all the same.
            Activity::Engaged(Engaged { before: Before::SignedOut, .. }) => AgentState::SignedOut,
            Activity::Engaged(engaged) if engaged.calls.len() > 1 => AgentState::Consulting,
            Activity::Engaged(_) => AgentState::Talking,
            Activity::WrapUp => AgentState::WrapUp,
        }
    }

    /// Whether callers who wait can hope for this agent.
    pub(super) fn on_duty(&self) -> bool {
        match self {
            Activity::SignedOut => false,
            Activity::Engaged(engaged) => engaged.on_duty(),
            Activity::NotReady
            | Activity::Ready
            | Activity::Unreachable
            | Activity::Offered { .. }
            | Activity::WrapUp => true,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Agent {
    pub(super) activity: Activity,
    skills: SkillSet,
    /// When the present state began.
    since: Time,
    /// Since when the agent has had no contact: orders the ready. Kept over an offer that came to
    /// nothing without the agent's doing.
    idle_since: Time,
    /// A phone is registered, or has a fixed address.
    pub(super) has_phone: bool,
    /// The last offer reached no phone: not to be offered another call until a sign of life, or one
    /// dead phone would be tried again and again.
    phone_failed: bool,
    /// No longer in the settings: signed out and forgotten when free.
    pub(super) gone: bool,
}

impl Agent {
    /// What an agent who wants calls is doing.
    pub(super) fn ready(&self) -> Activity {
        if self.has_phone && !self.phone_failed { Activity::Ready } else { Activity::Unreachable }
    }
}

/// What changed, for the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: AgentState,
    pub(super) to: AgentState,
    pub(super) lasted: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Agents {
    all: BTreeMap<AgentId, Agent>,
    /// The ready, by what they can do: longest idle first, equals by name.
    ready: BTreeMap<SkillSet, BTreeSet<(Time, AgentId)>>,
    /// How many are signed in, by what they can do.
    on_duty: BTreeMap<SkillSet, usize>,
}

impl Agents {
    pub(super) fn get(&self, id: &AgentId) -> Option<&Agent> {
        self.all.get(id)
    }

    pub(super) fn skills(&self, id: &AgentId) -> Option<&SkillSet> {
        self.all.get(id).map(|agent| &agent.skills)
    }

    /// Takes the agents of new settings. Who is there stays as they are; who is no longer listed is
    /// marked as gone.
    pub(super) fn reconfigure(&mut self, listed: &BTreeMap<AgentId, Vec<Skill>>, at: Time) {
        for (id, agent) in &mut self.all {
            agent.gone = !listed.contains_key(id);
        }
        for (id, skills) in listed {
            let skills: SkillSet = skills.iter().cloned().collect();
            match self.all.get_mut(id) {
                Some(agent) => agent.skills = skills,
                None => {
                    let agent = Agent {
                        activity: Activity::SignedOut,
                        skills,
                        since: at,
                        idle_since: at,
                        has_phone: false,
                        phone_failed: false,
                        gone: false,
                    };
                    self.all.insert(id.clone(), agent);
                }
            }
        }
        self.ready.clear();
        self.on_duty.clear();
        for (id, agent) in &self.all {
            index(&mut self.ready, &mut self.on_duty, id, agent);
        }
    }

    /// Those who are no longer in the settings.
    pub(super) fn gone(&self) -> Vec<AgentId> {
        self.all.iter().filter(|(_, agent)| agent.gone).map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn forget(&mut self, id: &AgentId) {
        if let Some(agent) = self.all.remove(id) {
            unindex(&mut self.ready, &mut self.on_duty, id, &agent);
        }
    }

    /// What is known of the agent's phones. Returns false for an unknown agent.
    pub(super) fn set_phone(&mut self, id: &AgentId, has_phone: bool) -> bool {
        let Some(agent) = self.all.get_mut(id) else { return false };
        agent.has_phone = has_phone;
        agent.phone_failed = false;
        true
    }

    /// Notes that an offer reached no phone, or that somebody says there is one again.
    pub(super) fn set_phone_failed(&mut self, id: &AgentId, failed: bool) {
        if let Some(agent) = self.all.get_mut(id) {
            agent.phone_failed = failed;
        }
    }

    /// The only way to change what an agent does. `idle` is the new start of idleness, if it starts
    /// anew. None if the state that people see is the same as before.
    pub(super) fn set(
        &mut self,
        id: &AgentId,
        activity: Activity,
        idle: Option<Time>,
        at: Time,
    ) -> Option<Change> {
        let agent = self.all.get_mut(id)?;
        unindex(&mut self.ready, &mut self.on_duty, id, agent);
        let (from, to) = (agent.activity.state(), activity.state());
        agent.activity = activity;
        if let Some(idle) = idle {
            agent.idle_since = idle;
        }
        let lasted = at.since(agent.since);
        if from != to {
            agent.since = at;
        }
        index(&mut self.ready, &mut self.on_duty, id, agent);
        (from != to).then_some(Change { from, to, lasted })
    }

    /// Who of the ready can serve `need` and has been idle longest, since when, and how many could.
    pub(super) fn longest_idle(&self, need: &SkillSet) -> Option<(Time, AgentId, usize)> {
        let mut count = 0;
        let mut longest: Option<&(Time, AgentId)> = None;
        for (_, agents) in self.ready.iter().filter(|(have, _)| have.covers(need)) {
            count += agents.len();
            let first = agents.first();
            longest = match longest {
                Some(best) if first.is_none_or(|first| best <= first) => longest,
                _ => first,
            };
        }
        longest.map(|(idle, id)| (*idle, id.clone(), count))
    }

    /// Whether anybody with exactly these skills is ready.
    pub(super) fn any_ready_with(&self, have: &SkillSet) -> bool {
        self.ready.contains_key(have)
    }

    /// Whether anybody who could serve `need` is ready.
    pub(super) fn any_ready_for(&self, need: &SkillSet) -> bool {
        self.ready.keys().any(|have| have.covers(need))
    }

    /// The different sets of skills of those who are ready.
    pub(super) fn ready_profiles(&self) -> impl Iterator<Item = &SkillSet> {
        self.ready.keys()
    }

    /// Whether anybody who could serve `need` is signed in (and not about to sign out).
    pub(super) fn any_on_duty_for(&self, need: &SkillSet) -> bool {
        self.on_duty.keys().any(|have| have.covers(need))
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&AgentId, &Agent)> {
        self.all.iter()
    }
}

fn index(
    ready: &mut BTreeMap<SkillSet, BTreeSet<(Time, AgentId)>>,
    on_duty: &mut BTreeMap<SkillSet, usize>,
    id: &AgentId,
    agent: &Agent,
) {
    if agent.activity == Activity::Ready {
        ready.entry(agent.skills.clone()).or_default().insert((agent.idle_since, id.clone()));
    }
    if agent.activity.on_duty() {
        *on_duty.entry(agent.skills.clone()).or_default() += 1;
    }
}

fn unindex(
    ready: &mut BTreeMap<SkillSet, BTreeSet<(Time, AgentId)>>,
    on_duty: &mut BTreeMap<SkillSet, usize>,
    id: &AgentId,
    agent: &Agent,
) {
    if agent.activity == Activity::Ready
        && let Some(agents) = ready.get_mut(&agent.skills)
    {
        agents.remove(&(agent.idle_since, id.clone()));
        if agents.is_empty() {
            ready.remove(&agent.skills);
        }
    }
    if agent.activity.on_duty()
        && let Some(count) = on_duty.get_mut(&agent.skills)
    {
        *count -= 1;
        if *count == 0 {
            on_duty.remove(&agent.skills);
        }
    }
}
