//! The dial plan: what agents can dial must lead to one place.

use std::collections::BTreeMap;

use crate::config::problem::Problem;
use crate::number::canonical;
use crate::number::class::Class;

use super::Check;
use super::queues::LONGEST_RING_S;

impl Check<'_> {
    pub(super) fn dial_plan(&mut self) {
        let settings = self.settings;
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for number in settings.numbers.keys() {
            if Class::of_dialled(number) == Class::Emergency {
                let what = Problem::EmergencyNumber { number: number.clone() };
                self.key_error(&["numbers", number], what);
            }
        }
        let trunks = settings.trunks.values().map(|trunk| &trunk.numbers);
        for number in [&settings.numbers].into_iter().chain(trunks).flat_map(BTreeMap::keys) {
            known.insert(canonical(number), "a number of callers".to_owned());
        }
        for queue in settings.queues.keys() {
            known
                .entry(canonical(queue.as_str()))
                .or_insert_with(|| format!("the name of queue `{queue}`"));
        }
        for agent in settings.agents.keys() {
            // Who both names reach, nobody could tell.
            if settings.queues.contains_key(agent.as_str()) {
                let what = Problem::AgentIsQueue { agent: agent.to_string() };
                let newer = self.source.is_elsewhere("queue", agent.as_str())
                    && !self.source.is_elsewhere("agent", agent.as_str());
                let table = if newer { "queue" } else { "agent" };
                self.key_error(&[table, agent.as_str()], what);
            }
            known
                .entry(canonical(agent.as_str()))
                .or_insert_with(|| format!("the id of agent `{agent}`"));
        }
        let agents = settings
            .agents
            .iter()
            .filter_map(|(id, agent)| Some(("agent", id.as_str(), agent.extension.as_deref()?)));
        let queues = settings.queues.iter().filter_map(|(name, queue)| {
            Some(("queue", name.as_str(), queue.extension.as_deref()?))
        });
        // What the file says goes first: what the database says must fit in.
        let mut all: Vec<_> = agents.chain(queues).collect();
        all.sort_by_key(|(table, name, _)| self.source.is_elsewhere(table, name));
        for (table, name, extension) in all {
            let path = [table, name, "extension"];
            let digits = extension.bytes().all(|b| b.is_ascii_digit());
            let emergency = Class::of_dialled(extension) == Class::Emergency;
            if !digits || !(2..=20).contains(&extension.len()) || emergency {
                let extension = extension.to_owned();
                self.error(&path, Problem::BadExtension { extension });
            } else if let Some(other) = known.get(&canonical(extension)) {
                let (extension, other) = (extension.to_owned(), other.clone());
                self.error(&path, Problem::ExtensionTwice { extension, other });
            } else {
                known.insert(canonical(extension), format!("the extension of {table} `{name}`"));
            }
        }
    }

    pub(super) fn transfers(&mut self) {
        let transfers = &self.settings.transfers;
        for (key, what, value) in [
            ("ring_s", "the ringing time", transfers.ring_s),
            ("recall_s", "the ringing time of a recall", transfers.recall_s),
            ("own_call_s", "the ringing time of an agent's own call", transfers.own_call_s),
        ] {
            self.within(&["transfers", key], what, u64::from(value), LONGEST_RING_S);
        }
    }
}
