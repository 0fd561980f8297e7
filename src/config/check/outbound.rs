//! Who may ring whom outside, and under which number.

use crate::config::problem::{AdviserProblem, Problem};
use crate::number::class::Class;
use crate::number::{Number, canonical};

use super::Check;

impl Check<'_> {
    pub(super) fn outbound(&mut self) {
        let settings = self.settings;
        let outbound = &settings.outbound;
        for (id, agent) in &settings.agents {
            let Some(role) = &agent.role else { continue };
            if !outbound.roles.contains_key(role) {
                let known: Vec<&str> = outbound.roles.keys().map(|role| role.as_str()).collect();
                let path = ["agent", id.as_str(), "role"];
                self.no_such(&path, "role", role.as_str(), known.into_iter());
            }
        }
        for (role, calling) in &outbound.roles {
            if let Some(number) = &calling.number {
                self.presented(&["outbound", "role", role.as_str(), "number"], number);
            }
            if let Some(lines) = calling.lines {
                let path = ["outbound", "role", role.as_str(), "lines"];
                self.not_zero(&path, "calls at once", u64::from(lines));
            }
        }
        for (flow, calling) in &outbound.flows {
            let table = ["outbound", "flow", flow.as_str()];
            if let Some(number) = &calling.number {
                self.presented(&[table[0], table[1], table[2], "number"], number);
            }
            for (key, limit) in [
                ("calls_per_hour", calling.calls_per_hour),
                ("calls_at_once", calling.calls_at_once),
                ("lines", calling.lines),
            ] {
                if limit.is_some() {
                    let path = [table[0], table[1], table[2], key];
                    self.error(&path, Problem::Adviser(AdviserProblem::NoLimitOfFlows));
                }
            }
        }
        for (trunk, settings) in &settings.trunks {
            let Some(outbound) = settings.outbound_calls else { continue };
            let path = ["trunk", trunk.as_str(), "outbound_calls"];
            self.not_zero(&path, "calls to the outside", outbound as u64);
            if settings.calls.is_some_and(|calls| outbound >= calls) {
                self.warning(&path, Problem::Adviser(AdviserProblem::NoLineKept));
            }
        }
        for (queue, settings) in &settings.queues {
            if let Some(number) = &settings.number {
                self.presented(&["queue", queue.as_str(), "number"], number);
            }
        }
    }

    /// A number that people see whom we ring: one that they can ring back, and that is ours.
    fn presented(&mut self, path: &[&str], number: &str) {
        let read = Number::read(number);
        let usual = matches!(
            Class::of(&read),
            Class::Geographic | Class::UkWide | Class::Mobile | Class::Freephone
        );
        if !usual {
            return self.error(
                path,
                Problem::Adviser(AdviserProblem::NotPresentable { number: number.to_owned() }),
            );
        }
        let trunks = self.settings.trunks.values().filter_map(|trunk| trunk.number.as_deref());
        let ours = self.is_number(number)
            || trunks.into_iter().any(|ours| canonical(ours) == canonical(number));
        if !ours {
            self.value_warning(
                path,
                Problem::Adviser(AdviserProblem::NotOurNumber { number: number.to_owned() }),
            );
        }
    }
}
