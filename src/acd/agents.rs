//! Agents: what each is doing, and the indexes of those who can be offered a call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{AgentState, StateReason};
use crate::id::{Ability, AgentId, AwayReason, CallId, QueueName};
use crate::time::Time;

use super::away::Away;
use super::skills::{Need, SkillSet};

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
    /// Of them, those in which the other side is on hold.
    pub(super) held: BTreeSet<CallId>,
    /// The wrap-up of a call that is over already.
    pub(super) owed: Option<QueueName>,
    pub(super) before: Before,
    /// Chosen meanwhile: goes before everything else.
    pub(super) then: Option<Afterwards>,
}

impl Engaged {
    pub(super) fn new(call: CallId, queue: Option<QueueName>, before: Before) -> Self {
        let (calls, held) = (BTreeMap::from([(call, queue)]), BTreeSet::new());
        Engaged { calls, held, owed: None, before, then: None }
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
            Activity::Engaged(engaged) if !engaged.held.is_empty() => AgentState::Hold,
            Activity::Engaged(_) => AgentState::Talking,
            Activity::WrapUp => AgentState::WrapUp,
        }
    }

    /// Whether the work of a call is under way, or goes on after what is.
    pub(super) fn works(&self) -> bool {
        match self {
            Activity::WrapUp => true,
            Activity::Engaged(Engaged { before, .. })
            | Activity::Offered { from: OfferedBy::Direct { before, .. }, .. } => {
                matches!(before, Before::WrapUp(_))
            }
            Activity::SignedOut
            | Activity::NotReady
            | Activity::Ready
            | Activity::Unreachable
            | Activity::Offered { from: OfferedBy::Queue, .. } => false,
        }
    }

    /// Whether a code can be owed: the call that wants it is under way, or its work is or comes back.
    pub(super) fn can_owe_code(&self) -> bool {
        match self {
            Activity::WrapUp
            | Activity::Engaged(_)
            | Activity::Offered { from: OfferedBy::Direct { .. }, .. } => true,
            Activity::SignedOut
            | Activity::NotReady
            | Activity::Ready
            | Activity::Unreachable
            | Activity::Offered { from: OfferedBy::Queue, .. } => false,
        }
    }

    /// Whether the agent is ready, or will be when what is under way is over.
    fn will_be_ready(&self) -> bool {
        match self {
            Activity::Ready | Activity::WrapUp => true,
            Activity::Offered { from: OfferedBy::Queue, .. } => true,
            Activity::Offered { from: OfferedBy::Direct { before, .. }, .. } => before.works(),
            Activity::Engaged(engaged) => engaged.then.is_none() && engaged.before.works(),
            Activity::SignedOut | Activity::NotReady | Activity::Unreachable => false,
        }
    }

    /// Whether the agent is not ready, or will be when what is under way is over.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Activity::NotReady => true,
            Activity::Offered { from: OfferedBy::Direct { before, .. }, .. } => {
                *before == Before::NotReady
            }
            Activity::Engaged(Engaged { then: Some(then), .. }) => !then.sign_out,
            Activity::Engaged(engaged) => engaged.before == Before::NotReady,
            Activity::Offered { from: OfferedBy::Queue, .. }
            | Activity::SignedOut
            | Activity::Ready
            | Activity::Unreachable
            | Activity::WrapUp => false,
        }
    }

    /// Whether the agent is at work: only then is there anything to be ready or not ready for.
    pub(super) fn is_signed_in(&self) -> bool {
        self.state() != AgentState::SignedOut
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

impl Before {
    /// Whether whoever was doing this is ready for callers after it.
    fn works(self) -> bool {
        match self {
            Before::Ready | Before::WrapUp(_) => true,
            Before::SignedOut | Before::NotReady => false,
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
    /// How many offers in a row nobody answered.
    unanswered: u32,
    /// The caller from a queue who keeps the agent busy, and since when.
    serves: Option<(QueueName, Time)>,
    tally: Tally,
    /// The work of the last call.
    work: Option<Work>,
    /// The last call's queue wants a code and has none.
    owes_code: bool,
    /// For what the agent is not ready, now or after what is under way.
    away: Option<Away>,
    /// What the journal knows of that.
    told_away: Option<AwayReason>,
    /// No longer in the settings: signed out and forgotten when free.
    pub(super) gone: bool,
}

impl Agent {
    /// What an agent who wants calls is doing.
    pub(super) fn ready(&self) -> Activity {
        if self.has_phone && !self.phone_failed { Activity::Ready } else { Activity::Unreachable }
    }
}

/// An agent's work today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// On calls, being rung for them, and at their work.
    busy: Duration,
    /// Ready and free, up to `counted`.
    free: Duration,
    /// Up to when this is counted; from then on the agent has done what they are doing now.
    counted: Time,
    /// How many callers from queues.
    pub(super) answered: u32,
}

impl Tally {
    /// Counts what an agent has done until now.
    fn count(&mut self, activity: &Activity, at: Time) {
        let spent = at.since(self.counted);
        match activity {
            Activity::Offered { .. } | Activity::Engaged(_) | Activity::WrapUp => {
                self.busy += spent
            }
            Activity::Ready => self.free += spent,
            Activity::SignedOut | Activity::NotReady | Activity::Unreachable => {}
        }
        self.counted = at;
    }

    /// The share of the time on calls, of an agent who is free now, in millionths.
    pub(super) fn occupied_ppm(&self, at: Time) -> u32 {
        let all = self.busy + self.free + at.since(self.counted);
        let ppm = (self.busy.as_micros() * 1_000_000).checked_div(all.as_micros());
        u32::try_from(ppm.unwrap_or(0)).unwrap_or(u32::MAX)
    }
}

/// The work of a call after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    /// How much time its queue gives, and gives again.
    pub(super) step: Duration,
    /// Until when.
    pub(super) until: Time,
    /// No longer than until then.
    pub(super) most: Time,
}

/// What changed, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: AgentState,
    pub(super) to: AgentState,
    pub(super) lasted: Duration,
    pub(super) away: Option<AwayReason>,
}

type Ready = BTreeMap<SkillSet, BTreeMap<(Time, AgentId), Tally>>;

#[derive(Debug, Default)]
pub(super) struct Agents {
    all: BTreeMap<AgentId, Agent>,
    /// The ready, by what they can do: longest idle first, equals by name.
    ready: Ready,
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
    pub(super) fn reconfigure(&mut self, listed: &BTreeMap<AgentId, Vec<Ability>>, at: Time) {
        for (id, agent) in &mut self.all {
            agent.gone = !listed.contains_key(id);
        }
        for (id, skills) in listed {
            let skills = SkillSet::have(skills);
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
                        unanswered: 0,
                        serves: None,
                        tally: Tally { counted: at, ..Tally::default() },
                        work: None,
                        owes_code: false,
                        away: None,
                        told_away: None,
                        gone: false,
                    };
                    self.all.insert(id.clone(), agent);
                }
            }
        }
        self.index_all();
    }

    /// A new day: nobody has worked yet.
    pub(super) fn begin_day(&mut self, at: Time) {
        for agent in self.all.values_mut() {
            agent.tally = Tally { counted: at, ..Tally::default() };
        }
        self.index_all();
    }

    fn index_all(&mut self) {
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

    /// Notes an offer that nobody answered; how many in a row they are now.
    pub(super) fn left_unanswered(&mut self, id: &AgentId) -> u32 {
        let Some(agent) = self.all.get_mut(id) else { return 0 };
        agent.unanswered = agent.unanswered.saturating_add(1);
        agent.unanswered
    }

    /// Notes that the agent is there after all.
    pub(super) fn is_there(&mut self, id: &AgentId) {
        if let Some(agent) = self.all.get_mut(id) {
            agent.unanswered = 0;
        }
    }

    /// The work of the agent's last call.
    pub(super) fn work(&self, id: &AgentId) -> Option<Work> {
        self.all.get(id)?.work
    }

    pub(super) fn set_work(&mut self, id: &AgentId, work: Work) {
        if let Some(agent) = self.all.get_mut(id) {
            agent.work = Some(work);
        }
    }

    /// Whether the agent's last call wants a code.
    pub(super) fn owes_code(&self, id: &AgentId) -> bool {
        self.all.get(id).is_some_and(|agent| agent.owes_code)
    }

    pub(super) fn set_owes_code(&mut self, id: &AgentId, owes: bool) {
        if let Some(agent) = self.all.get_mut(id) {
            agent.owes_code = owes;
        }
    }

    /// For what the agent is not ready, now or after what is under way.
    pub(super) fn away(&self, id: &AgentId) -> Option<&Away> {
        self.all.get(id)?.away.as_ref()
    }

    pub(super) fn set_away(&mut self, id: &AgentId, away: Option<Away>) {
        if let Some(agent) = self.all.get_mut(id) {
            agent.away = away;
        }
    }

    /// Who is not ready now.
    pub(super) fn away_now(&self) -> Vec<AgentId> {
        let away = self.all.iter().filter(|(_, agent)| agent.activity == Activity::NotReady);
        away.map(|(id, _)| id.clone()).collect()
    }

    /// How many others are not ready for this, or will be when what is under way is over.
    pub(super) fn others_away_for(&self, reason: &AwayReason, id: &AgentId) -> usize {
        let others = self.all.iter().filter(|(other, _)| *other != id);
        let reasons = others.filter_map(|(_, agent)| agent.away.as_ref()?.reason.as_ref());
        reasons.filter(|other| *other == reason).count()
    }

    /// Notes that the agent, who is being rung, has answered a caller from a queue.
    pub(super) fn has_answered(&mut self, id: &AgentId, queue: &QueueName, at: Time) {
        self.is_there(id);
        if let Some(agent) = self.all.get_mut(id) {
            agent.tally.answered = agent.tally.answered.saturating_add(1);
            agent.serves = Some((queue.clone(), at));
        }
    }

    /// Notes that the agent is no longer busy with a caller from a queue: which, and for how long it was.
    pub(super) fn has_served(&mut self, id: &AgentId, at: Time) -> Option<(QueueName, Duration)> {
        let (queue, since) = self.all.get_mut(id)?.serves.take()?;
        Some((queue, at.since(since)))
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
        agent.tally.count(&agent.activity, at);
        agent.activity = activity;
        if let Some(idle) = idle {
            agent.idle_since = idle;
        }
        let away = agent.away.as_ref().filter(|_| to == AgentState::NotReady);
        let away = away.and_then(|away| away.reason.clone());
        let changed = from != to || away != agent.told_away;
        let lasted = at.since(agent.since);
        if changed {
            agent.since = at;
        }
        agent.told_away.clone_from(&away);
        index(&mut self.ready, &mut self.on_duty, id, agent);
        changed.then_some(Change { from, to, lasted, away })
    }

    /// The ready, by what they can do.
    pub(super) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Who of the ready cannot serve `need`, with what they can do: those of one set of skills after
    /// those of another.
    pub(super) fn ready_but_unable<'a>(
        &'a self,
        need: &'a Need,
    ) -> impl Iterator<Item = (&'a AgentId, &'a SkillSet)> {
        let unable = self.ready.iter().filter(|(have, _)| !need.is_met_by(have));
        unable.flat_map(|(have, there)| there.keys().map(move |(_, id)| (id, have)))
    }

    /// How many are signed in who could serve `need`.
    pub(super) fn able_on_duty(&self, need: &Need) -> usize {
        let able = self.on_duty.iter().filter(|(have, _)| need.is_met_by(have));
        able.map(|(_, count)| count).sum()
    }

    /// Whether this agent can serve `need` and is ready, or will be when what is under way is over.
    pub(super) fn may_come(&self, id: &AgentId, need: &Need) -> bool {
        let able = self.all.get(id).is_some_and(|agent| need.is_met_by(&agent.skills));
        able && self.will_be_ready(id)
    }

    /// Whether this agent is ready, or will be when what is under way is over.
    pub(super) fn will_be_ready(&self, id: &AgentId) -> bool {
        self.all.get(id).is_some_and(|agent| !agent.gone && agent.activity.will_be_ready())
    }

    /// What is known of this agent if they are ready: what they can do, since when they are idle, what they have done.
    pub(super) fn if_ready(&self, id: &AgentId) -> Option<(&SkillSet, Time, &Tally)> {
        let agent = self.all.get(id).filter(|agent| agent.activity == Activity::Ready)?;
        Some((&agent.skills, agent.idle_since, &agent.tally))
    }

    /// How many serve callers or can be offered one, by what they can do.
    pub(super) fn at_work(&self) -> BTreeMap<&SkillSet, u32> {
        let mut team = BTreeMap::new();
        for agent in self.all.values().filter(|agent| agent.activity.will_be_ready()) {
            *team.entry(&agent.skills).or_default() += 1;
        }
        team
    }

    /// Whether anybody with exactly these skills is ready.
    pub(super) fn any_ready_with(&self, have: &SkillSet) -> bool {
        self.ready.contains_key(have)
    }

    /// Whether anybody who could serve `need` is ready.
    pub(super) fn any_ready_for(&self, need: &Need) -> bool {
        self.ready.keys().any(|have| need.is_met_by(have))
    }

    /// The different sets of skills of those who are ready.
    pub(super) fn ready_profiles(&self) -> impl Iterator<Item = &SkillSet> {
        self.ready.keys()
    }

    /// Whether anybody who could serve `need` is signed in (and not about to sign out).
    pub(super) fn any_on_duty_for(&self, need: &Need) -> bool {
        self.on_duty.keys().any(|have| need.is_met_by(have))
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&AgentId, &Agent)> {
        self.all.iter()
    }
}

fn index(ready: &mut Ready, on_duty: &mut BTreeMap<SkillSet, usize>, id: &AgentId, agent: &Agent) {
    if agent.activity == Activity::Ready {
        let place = (agent.idle_since, id.clone());
        ready.entry(agent.skills.clone()).or_default().insert(place, agent.tally);
    }
    if agent.activity.on_duty() {
        *on_duty.entry(agent.skills.clone()).or_default() += 1;
    }
}

fn unindex(
    ready: &mut Ready,
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
