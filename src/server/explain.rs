//! `switchboard queue explain`: what a caller's wait in a queue looks like, drawn from the settings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::acd::settings::{Choose, QueueSettings, TurnOrder};
use crate::config::settings::Settings;
use crate::config::suggest::closest;
use crate::flow::{Flows, Node};
use crate::id::{Ability, AgentId, QueueName, all_met};

/// No such queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no queue `{name}`; {instead}\n")]
pub struct NoQueue {
    name: String,
    instead: String,
}

/// A moment of a caller's wait.
struct Moment {
    at_s: u32,
    text: String,
}

/// Draws the wait in a queue.
pub fn explain(settings: &Settings, flows: &Flows, name: &str) -> Result<String, NoQueue> {
    let name = QueueName::from(name);
    let Some(queue) = settings.queues.get(&name) else {
        let known: Vec<&str> = settings.queues.keys().map(QueueName::as_str).collect();
        let instead = match closest(name.as_str(), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.join(", ")),
        };
        return Err(NoQueue { name: name.to_string(), instead });
    };
    let mut out = format!("{name}: {}\n\n", queue.title);
    let moments = moments(settings, queue);
    for (index, moment) in moments.iter().enumerate() {
        let mark = match index {
            0 => "┬",
            _ if index + 1 == moments.len() => "┴",
            _ => "┼",
        };
        let _ = writeln!(out, "{:>6} s {mark} {}", moment.at_s, moment.text);
        if index + 1 < moments.len() {
            let _ = writeln!(out, "{:>10}", "│");
        }
    }
    out.push('\n');
    for (word, text) in rules(settings, queue) {
        let _ = writeln!(out, "{word:<9}{text}");
    }
    for line in ways(flows, &name) {
        let _ = writeln!(out, "{:<9}{line}", "flow");
    }
    Ok(out)
}

/// Who can serve a caller from when on, and what else comes with time.
fn moments(settings: &Settings, queue: &QueueSettings) -> Vec<Moment> {
    let able = |skills: &[Ability]| -> BTreeSet<&AgentId> {
        let agents = settings.agents.iter();
        agents.filter(|(_, agent)| all_met(skills, &agent.skills)).map(|(id, _)| id).collect()
    };
    let mut there = able(&queue.skills);
    let who = match there.len() {
        0 => "nobody".to_owned(),
        count => format!("{} ({count})", listed(there.iter())),
    };
    let text = format!("{who} can answer: whoever has {}", needed(&queue.skills));
    let mut moments = vec![Moment { at_s: 0, text }];
    for step in &queue.relax {
        let may = able(&step.skills);
        let new = listed(may.difference(&there));
        there.extend(may);
        let new = if new.is_empty() { "nobody else".to_owned() } else { format!("and {new}") };
        let text = format!("{new} ({} in all): whoever has {}", there.len(), needed(&step.skills));
        moments.push(Moment { at_s: step.after_s, text });
    }
    if let Some(at_s) = queue.last_agent_s {
        let text = format!(
            "a caller who was served in the last {} h no longer waits for the same agent",
            queue.last_agent_within_h
        );
        moments.push(Moment { at_s, text });
    }
    let text = "the standard: an answer until now counts as in time".to_owned();
    moments.push(Moment { at_s: queue.standard_s, text });
    if let Some(at_s) = queue.max_wait_s {
        let text = "the caller goes back to the flow".to_owned();
        moments.push(Moment { at_s, text });
    }
    moments.sort_by_key(|moment| moment.at_s);
    moments
}

fn rules(settings: &Settings, queue: &QueueSettings) -> Vec<(&'static str, String)> {
    let mut choose = match queue.choose {
        Choose::LongestIdle => "of those who are free, who has had no call for the longest time",
        Choose::MostSkilled => "of those who are free, the most skilled, then the longest idle",
        Choose::LeastOccupied => "of those who are free, who was on calls least of today",
        Choose::FewestCalls => "of those who are free, who has answered the fewest calls today",
        Choose::RoundRobin => "those who are free in turn, by name",
        Choose::RingAll => "of those who are free, who have had no call for the longest time",
    }
    .to_owned();
    if queue.choose == Choose::RingAll {
        let _ = write!(choose, ", {} of them at once; who answers first", queue.ring_at_most);
    }
    if !queue.prefers.is_empty() {
        let _ = write!(choose, "; before all, who has most of {}", needed(&queue.prefers));
    }
    let order = match settings.turns.order {
        TurnOrder::FirstCome => "then whoever came first",
        TurnOrder::Standard => "then whoever is to miss their standard first",
    };
    let turn = match settings.turns.ageing_s {
        None => format!("strictly by priority, {order}"),
        Some(step_s) => {
            format!("by priority, of which {step_s} s of waiting are worth one step, {order}")
        }
    };
    let times = match queue.not_ready_after {
        1 => "once".to_owned(),
        times => format!("{times} times in a row"),
    };
    let ring =
        format!("phones ring {} s; whoever does not answer {times} is not ready", queue.ring_s);
    let mut rules = vec![("turn", turn), ("agent", choose), ("ringing", ring)];
    let hours = queue.hours.as_ref().map_or_else(
        || "always".to_owned(),
        |name| {
            let calendar = settings.calendars.get(name);
            let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let open = days.iter().filter_map(|day| {
                let spans = calendar?.week.get(*day)?;
                (!spans.is_empty()).then(|| format!("{day} {}", spans.join(" ")))
            });
            format!("{} (calendar {name})", open.collect::<Vec<_>>().join(", "))
        },
    );
    rules.push(("open", hours));
    if let Some(most) = queue.max_waiting {
        rules.push(("room", format!("{most} may wait; more go back to the flow")));
    }
    if !queue.wait_when_unstaffed {
        rules.push(("nobody", "whoever finds nobody signed in goes back to the flow".to_owned()));
    }
    rules
}

/// Where flows lead callers whom the queue does not take.
fn ways(flows: &Flows, name: &QueueName) -> Vec<String> {
    let mut ways = Vec::new();
    for (flow, nodes) in flows {
        for (at, node) in &nodes.nodes {
            let Node::Queue(queue) = node else { continue };
            if queue.queue != *name {
                continue;
            }
            let mut line = format!("{flow}, node {at}");
            if !queue.skills.is_empty() {
                let _ = write!(line, ", asks for {}", needed(&queue.skills));
            }
            if !queue.prefers.is_empty() {
                let _ = write!(line, ", prefers {}", needed(&queue.prefers));
            }
            let priority = queue.urgency.priority().0;
            if priority != 0 {
                let _ = write!(line, ", priority {priority}");
            }
            let _ = write!(
                line,
                ": closed -> {}, full -> {}, waited too long -> {}, nobody there -> {}",
                queue.on_closed, queue.on_full, queue.on_waited_too_long, queue.on_nobody
            );
            ways.push(line);
        }
    }
    ways
}

fn listed<'a>(agents: impl Iterator<Item = &'a &'a AgentId>) -> String {
    agents.map(|agent| agent.as_str()).collect::<Vec<_>>().join(", ")
}

fn needed(skills: &[Ability]) -> String {
    let skills: Vec<String> = skills.iter().map(Ability::to_string).collect();
    if skills.is_empty() { "any skill".to_owned() } else { skills.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load;

    const SETTINGS: &str = r#"
organisation = "Test"
[numbers]
"1" = "main"
[turns]
ageing_s = 60
[queue.waste]
title = "Waste"
skills = ["waste:4"]
prefers = ["welsh"]
relax = [{ after_s = 30, skills = ["waste"] }, { after_s = 90, skills = ["general"] }]
hours = "main"
not_ready_after = 2
max_waiting = 20
max_wait_s = 300
[calendar.main.week]
mon = ["08:45-17:00"]
[agent.amy]
name = "Amy"
skills = ["waste"]
[agent.ben]
name = "Ben"
skills = ["waste:2", "general"]
[agent.chloe]
name = "Chloe"
skills = ["general"]
"#;

    #[test]
    fn a_wait_is_drawn_from_the_settings() {
        let (settings, _) = load(SETTINGS, "test.toml").expect("is right");
        let drawn = explain(&settings, &Flows::new(), "waste").expect("is there");
        let expected = "\
waste: Waste

     0 s ┬ amy (1) can answer: whoever has waste:4
         │
    30 s ┼ and ben (2 in all): whoever has waste
         │
    60 s ┼ the standard: an answer until now counts as in time
         │
    90 s ┼ and chloe (3 in all): whoever has general
         │
   300 s ┴ the caller goes back to the flow

turn     by priority, of which 60 s of waiting are worth one step, then whoever came first
agent    of those who are free, who has had no call for the longest time; before all, who has most of welsh
ringing  phones ring 20 s; whoever does not answer 2 times in a row is not ready
open     mon 08:45-17:00 (calendar main)
room     20 may wait; more go back to the flow
";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_queue_that_is_not_there_is_named_with_one_that_is() {
        let (settings, _) = load(SETTINGS, "test.toml").expect("is right");
        let error = explain(&settings, &Flows::new(), "wast").expect_err("is not there");
        assert_eq!(error.to_string(), "there is no queue `wast`; did you mean `waste`?\n");
    }
}
