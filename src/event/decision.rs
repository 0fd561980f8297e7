//! Why a queue decided as it did: what it knew at that moment, so that somebody can be told later.

use serde::{Deserialize, Serialize};

use crate::id::{Ability, AgentId};

/// How many candidates of a decision, or free agents, are told of.
pub const TOLD: usize = 4;

/// Which of the agents who could serve a caller is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choose {
    /// Who has had no call for the longest time.
    #[default]
    LongestIdle,
    /// Who masters best what the call needs.
    MostSkilled,
    /// Who has spent the smallest share of their time on calls today.
    LeastOccupied,
    /// Who has answered the fewest calls today.
    FewestCalls,
    /// Each in their turn, in the order of their names.
    RoundRobin,
    /// Several at once, the longest idle first; who answers first has the caller.
    RingAll,
}

/// Where a caller stands who begins to wait.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// Before whom the caller goes: the lower number first.
    pub priority: i32,
    /// How many in the same queue go first.
    pub ahead: u64,
    /// How many are signed in who could serve the caller, busy or not.
    pub able: u64,
    /// Who is ready and cannot: at most [`TOLD`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unable: Vec<Unable>,
    /// Who spoke with the caller's number last, if the queue asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_agent: Option<LastAgent>,
}

/// The agent who spoke with a caller's number last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAgent {
    /// Who.
    pub agent: AgentId,
    /// How long the caller is to have this agent and nobody else, in microseconds; 0 if the agent is not there or
    /// cannot serve the caller.
    pub for_us: u64,
}

/// Why a caller no longer waits for the agent who spoke with their number last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotWaitedFor {
    /// As long as the queue lets callers wait for one agent.
    TooLong,
    /// The agent has signed out, is on a break or cannot be reached, or will do so after the call under way.
    Away,
    /// The settings have changed.
    Settings,
}

/// A ready agent who cannot serve a caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unable {
    /// Who.
    pub agent: AgentId,
    /// What they would have to be able to do.
    pub lacks: Vec<Ability>,
}

/// Why an agent was chosen for a caller.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decision {
    /// By which rule.
    pub choose: Choose,
    /// How many were ready who could serve the caller, the chosen one included.
    pub able: u64,
    /// How many steps of the queue's `relax` the caller had waited for.
    pub relaxed: u64,
    /// Not by the rule: the agent spoke with the caller's number last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last_agent: bool,
    /// Who was considered, the chosen one first: at most [`TOLD`].
    pub candidates: Vec<Candidate>,
}

/// An agent who was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Who.
    pub agent: AgentId,
    /// How long without a call, in microseconds.
    pub idle_us: u64,
    /// How many of the skills that are preferred.
    pub preferred: u32,
    /// The sum of the levels of the skills that are needed.
    pub levels: u32,
    /// The share of their time on calls today, in millionths of it.
    pub occupied_ppm: u32,
    /// How many calls answered today.
    pub answered: u32,
}

impl Decision {
    /// Why the first of the candidates, in plain words.
    pub fn in_words(&self) -> String {
        let Some(chosen) = self.candidates.first() else { return "nothing is known of why".into() };
        if self.last_agent {
            return "spoke with this caller last".to_owned();
        }
        let mut words = match self.choose {
            Choose::LongestIdle | Choose::MostSkilled | Choose::RingAll => {
                format!("idle {}", seconds_in_words(chosen.idle_us / 1_000_000))
            }
            Choose::LeastOccupied => {
                format!("on calls for {} % of the day", chosen.occupied_ppm / 10_000)
            }
            Choose::FewestCalls => match chosen.answered {
                1 => "1 call today".to_owned(),
                answered => format!("{answered} calls today"),
            },
            Choose::RoundRobin => "next by name".to_owned(),
        };
        if self.able <= 1 {
            return words + ", the only one ready who can serve this caller";
        }
        let second = self.candidates.get(1);
        let preferred = second.is_some_and(|second| second.preferred < chosen.preferred);
        words += &match self.choose {
            _ if preferred => {
                format!(", the one of {} ready with most of what is preferred", self.able)
            }
            Choose::LongestIdle | Choose::RingAll => {
                format!(", longest of {} ready who can serve this caller", self.able)
            }
            Choose::MostSkilled => {
                format!(", the most skilled of {} ready who can serve this caller", self.able)
            }
            Choose::LeastOccupied | Choose::FewestCalls => {
                format!(", least of {} ready who can serve this caller", self.able)
            }
            Choose::RoundRobin => format!(" of {} ready who can serve this caller", self.able),
        };
        words
    }
}

/// A time as people say it.
pub fn seconds_in_words(seconds: u64) -> String {
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

    fn candidate(agent: &str, idle_s: u64) -> Candidate {
        Candidate {
            agent: agent.into(),
            idle_us: idle_s * 1_000_000,
            preferred: 0,
            levels: 5,
            occupied_ppm: 430_000,
            answered: 1,
        }
    }

    #[test]
    fn a_decision_is_told_in_plain_words() {
        let says = |choose, able, idle_s| {
            let candidates = vec![candidate("amy", idle_s), candidate("ben", 2)];
            Decision { choose, able, relaxed: 0, last_agent: false, candidates }.in_words()
        };
        for (choose, able, idle_s, words) in [
            (
                Choose::LongestIdle,
                4,
                192,
                "idle 3 min 12 s, longest of 4 ready who can serve this caller",
            ),
            (Choose::LongestIdle, 1, 9, "idle 9 s, the only one ready who can serve this caller"),
            (
                Choose::MostSkilled,
                2,
                7_500,
                "idle 2 h 5 min, the most skilled of 2 ready who can serve this caller",
            ),
            (
                Choose::LeastOccupied,
                2,
                9,
                "on calls for 43 % of the day, least of 2 ready who can serve this caller",
            ),
            (Choose::FewestCalls, 2, 9, "1 call today, least of 2 ready who can serve this caller"),
            (Choose::RoundRobin, 2, 9, "next by name of 2 ready who can serve this caller"),
            (Choose::RingAll, 2, 9, "idle 9 s, longest of 2 ready who can serve this caller"),
        ] {
            assert_eq!(says(choose, able, idle_s), words);
        }
        let mut preferred = Decision { able: 2, ..Decision::default() };
        preferred.candidates = vec![candidate("amy", 1), candidate("ben", 2)];
        preferred.candidates[0].preferred = 1;
        assert_eq!(
            preferred.in_words(),
            "idle 1 s, the one of 2 ready with most of what is preferred"
        );
        preferred.last_agent = true;
        assert_eq!(preferred.in_words(), "spoke with this caller last");
        assert_eq!(Decision::default().in_words(), "nothing is known of why");
    }
}
