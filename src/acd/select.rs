//! Who gets whom: the first caller, in the order of their turns, of those that anybody ready can serve
//! goes to the agent whom their queue's rule chooses of those who can serve that caller; and so on. Where a
//! queue rings several at once, more are rung for its callers of those whom nobody else waits for.
//!
//! Who waits for one agent is offered to that one, in the same order of turns, and to nobody else meanwhile.
//!
//! After every input no ready agent is left who could serve a caller that waits for them or for anybody, or be rung
//! besides. So a new pair can
//! only come from skills that somebody has just become ready with ([`Fresh::profiles`]), from a
//! need that somebody has just begun to wait with ([`Fresh::needs`]) or from an agent for whom somebody waits
//! ([`Fresh::agents`]), and nothing else is looked
//! at: the cost of a decision grows with the number of different needs and sets of skills, not with
//! the number of callers. Rules that depend on the day's work look at every agent who is ready and
//! can serve the caller; the others at the first few of each set of skills.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Candidate, Choose, Decision, TOLD};
use crate::id::{AgentId, CallId, QueueName};
use crate::time::Time;

use super::agents::{Agents, Tally};
use super::queues::{self, Next, Tickets};
use super::settings::QueueSettings;
use super::skills::{Need, SkillSet};

/// What may have made a new pair possible.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// Skills of agents who have become ready.
    pub(super) profiles: BTreeSet<SkillSet>,
    /// Needs of callers who have begun to wait.
    pub(super) needs: BTreeSet<Need>,
    /// Agents for whom somebody waits, and who may be ready.
    pub(super) agents: BTreeSet<AgentId>,
}

/// The next caller for whom anybody can be rung; and whom the caller waits for, if it is one agent.
pub(super) fn next_call(
    fresh: &mut Fresh,
    tickets: &Tickets,
    agents: &Agents,
) -> Option<(CallId, Option<AgentId>)> {
    let mut first: Option<(Next, Option<AgentId>)> = None;
    let mut consider = |candidate: Option<Next>, wanted: Option<&AgentId>| {
        if let Some(next) = candidate
            && first.as_ref().is_none_or(|(first, _)| next < *first)
        {
            first = Some((next, wanted.cloned()));
        }
        candidate.is_some()
    };
    // What leads to no pair now cannot lead to one before the next input either: drop it.
    fresh
        .profiles
        .retain(|have| agents.any_ready_with(have) && consider(tickets.first_for(have), None));
    fresh
        .needs
        .retain(|need| agents.any_ready_for(need) && consider(tickets.first_needing(need), None));
    fresh.agents.retain(|agent| {
        agents.if_ready(agent).is_some() && consider(tickets.first_waiting_for(agent), Some(agent))
    });
    first.map(|(next, wanted)| (next.turn.call, wanted))
}

/// The agent for whom a caller waits, whatever the rule of the queue would say.
pub(super) fn as_wanted(
    (_, settings): (&QueueName, Option<&QueueSettings>),
    ticket: &queues::Ticket,
    agents: &Agents,
    (agent, at): (AgentId, Time),
) -> Option<(AgentId, Decision)> {
    let choose = settings.map(|settings| settings.choose).unwrap_or_default();
    let (have, idle_since, tally) = agents.if_ready(&agent)?;
    let (step, levels) = ticket.need.met_how(have)?;
    let mut best = Best { choose, after: None, at, able: 1, kept: Vec::new() };
    best.consider((step, levels, have.meets(&ticket.prefers)), idle_since, &agent, tally);
    let decision = Decision { last_agent: true, ..best.decision(ticket) };
    Some((agent, decision))
}

/// Chooses for callers, and remembers whose turn it was.
#[derive(Debug, Default)]
pub(super) struct Chooser {
    /// Whom each queue chose last.
    last: BTreeMap<QueueName, AgentId>,
}

impl Chooser {
    /// Chooses an agent for a caller, by the rule of the queue.
    pub(super) fn choose(
        &mut self,
        (name, settings): (&QueueName, Option<&QueueSettings>),
        ticket: &queues::Ticket,
        agents: &Agents,
        at: Time,
    ) -> Option<(AgentId, Decision)> {
        let choose = settings.map(|settings| settings.choose).unwrap_or_default();
        let mut best = Best { choose, after: self.last.get(name), at, able: 0, kept: Vec::new() };
        for (have, there) in agents.ready() {
            let Some((step, levels)) = ticket.need.met_how(have) else { continue };
            let preferred = have.meets(&ticket.prefers);
            best.able += there.len();
            // Within one set of skills these two order by idleness alone.
            let few = match choose {
                Choose::LongestIdle | Choose::MostSkilled | Choose::RingAll => TOLD,
                Choose::LeastOccupied | Choose::FewestCalls | Choose::RoundRobin => usize::MAX,
            };
            for ((idle_since, agent), tally) in there.iter().take(few) {
                best.consider((step, levels, preferred), *idle_since, agent, tally);
            }
        }
        let decision = best.decision(ticket);
        let agent = decision.candidates.first()?.agent.clone();
        if choose == Choose::RoundRobin {
            self.last.insert(name.clone(), agent.clone());
        }
        Some((agent, decision))
    }

    /// Forgets queues that are no longer there.
    pub(super) fn reconfigure(&mut self, queues: &BTreeMap<QueueName, QueueSettings>) {
        self.last.retain(|queue, _| queues.contains_key(queue));
    }
}

/// The lower the better: what is preferred goes before everything, then the rule, then idleness.
type Score = (Reverse<u32>, u64, Reverse<u32>, Time, AgentId);

/// The best candidates so far.
struct Best<'a> {
    choose: Choose,
    after: Option<&'a AgentId>,
    at: Time,
    able: usize,
    kept: Vec<(Score, Candidate)>,
}

impl Best<'_> {
    fn consider(
        &mut self,
        (step, levels, preferred): (usize, u32, u32),
        idle_since: Time,
        agent: &AgentId,
        tally: &Tally,
    ) {
        let occupied_ppm = tally.occupied_ppm(self.at);
        let (rule, skilled, idle) = match self.choose {
            Choose::LongestIdle | Choose::RingAll => (0, 0, idle_since),
            // Whoever has what the call is meant to get goes before those who may help out.
            Choose::MostSkilled => (u64::try_from(step).unwrap_or(u64::MAX), levels, idle_since),
            Choose::LeastOccupied => (u64::from(occupied_ppm), 0, idle_since),
            Choose::FewestCalls => (u64::from(tally.answered), 0, idle_since),
            Choose::RoundRobin => {
                (u64::from(self.after.is_some_and(|last| agent <= last)), 0, Time::ZERO)
            }
        };
        let key = (Reverse(preferred), rule, Reverse(skilled), idle);
        let worse = |kept: &(Score, Candidate)| {
            let (a, b, c, d, name) = &kept.0;
            (&key.0, &key.1, &key.2, &key.3, agent) < (a, b, c, d, name)
        };
        let place = self.kept.iter().position(worse).unwrap_or(self.kept.len());
        if place >= TOLD {
            return;
        }
        self.kept.truncate(TOLD - 1);
        let idle_us = u64::try_from(self.at.since(idle_since).as_micros()).unwrap_or(u64::MAX);
        let answered = tally.answered;
        let candidate =
            Candidate { agent: agent.clone(), idle_us, preferred, levels, occupied_ppm, answered };
        let score = (key.0, key.1, key.2, key.3, agent.clone());
        self.kept.insert(place, (score, candidate));
    }

    fn decision(self, ticket: &queues::Ticket) -> Decision {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        Decision {
            choose: self.choose,
            able: number(self.able),
            relaxed: number(ticket.relaxed),
            last_agent: false,
            candidates: self.kept.into_iter().map(|(_, candidate)| candidate).collect(),
        }
    }
}
