//! Who gets whom: the first caller, by priority and then by first entry, of those that anybody ready
//! can serve goes to the agent who has been idle longest of those who can serve that caller; and so on.
//!
//! After every input no ready agent is left who could serve a caller that waits. So a new pair can
//! only come from skills that somebody has just become ready with ([`Fresh::profiles`]) or from a
//! need that somebody has just begun to wait with ([`Fresh::needs`]), and nothing else is looked
//! at: the cost of a decision grows with the number of different needs and sets of skills, not with
//! the number of callers or agents.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::id::{AgentId, CallId};
use crate::time::Time;

use super::agents::Agents;
use super::queues::{self, Tickets};
use super::skills::SkillSet;

/// What may have made a new pair possible.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// Skills of agents who have become ready.
    pub(super) profiles: BTreeSet<SkillSet>,
    /// Needs of callers who have begun to wait.
    pub(super) needs: BTreeSet<SkillSet>,
}

/// A caller and the agent for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) call: CallId,
    pub(super) agent: AgentId,
    pub(super) idle_since: Time,
    /// How many of the ready could have served the caller, the chosen one included.
    pub(super) able: usize,
}

/// The next pair to be made, if any can be.
pub(super) fn next_pair(fresh: &mut Fresh, tickets: &Tickets, agents: &Agents) -> Option<Pair> {
    let mut first: Option<queues::Turn> = None;
    let mut consider = |candidate: Option<queues::Turn>| {
        if let Some(candidate) = candidate {
            first = Some(first.map_or(candidate, |first| first.min(candidate)));
        }
        candidate.is_some()
    };
    // What leads to no pair now cannot lead to one before the next input either: drop it.
    fresh.profiles.retain(|have| agents.any_ready_with(have) && consider(tickets.first_for(have)));
    fresh.needs.retain(|need| agents.any_ready_for(need) && consider(tickets.first_needing(need)));
    let (_, _, call) = first?;
    let ticket = tickets.get(call)?;
    let (idle_since, agent, able) = agents.longest_idle(&ticket.need)?;
    Some(Pair { call, agent, idle_since, able })
}

/// Why this agent, in plain words.
pub(super) fn why(pair: &Pair, need: &SkillSet, at: Time) -> String {
    let mut skills = String::new();
    for (index, skill) in need.iter().enumerate() {
        if index > 0 {
            skills.push_str(if index + 1 == need.iter().len() { " and " } else { ", " });
        }
        skills.push_str(skill.as_str());
    }
    let has =
        if skills.is_empty() { "no skill needed".to_owned() } else { format!("has {skills}") };
    let with = match need.iter().len() {
        0 => "",
        1 => " with the skill",
        _ => " with the skills",
    };
    let idle = in_words(at.since(pair.idle_since));
    let agent = &pair.agent;
    match pair.able {
        0 | 1 => format!("{agent}: {has}; idle {idle}, the only one ready{with}"),
        able => format!("{agent}: {has}; idle {idle}, longest of {able} ready{with}"),
    }
}

fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        (_, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_explained_in_plain_words() {
        let call = crate::id::Entropy::from_seed([1; 32]).call_id(crate::time::UnixMicros(0));
        let pair = |able| Pair { call, agent: "amy".into(), idle_since: Time::ZERO, able };
        let set = |text: &str| text.split_whitespace().map(Into::into).collect::<SkillSet>();
        let seconds = |s: u64| Time::from_millis(s * 1_000);
        assert_eq!(
            why(&pair(4), &set("waste"), seconds(192)),
            "amy: has waste; idle 3 min 12 s, longest of 4 ready with the skill"
        );
        assert_eq!(
            why(&pair(1), &set("waste english welsh"), seconds(9)),
            "amy: has english, waste and welsh; idle 9 s, the only one ready with the skills"
        );
        assert_eq!(
            why(&pair(2), &set(""), seconds(7_500)),
            "amy: no skill needed; idle 2 h 5 min, longest of 2 ready"
        );
    }
}
