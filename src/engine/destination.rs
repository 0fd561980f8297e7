//! The dial plan: what an agent's phone dials, or names as the target of a transfer, and where that
//! leads. The only place where it is decided.
//!
//! In this order: an emergency number; a number of ours; an agent, by id or extension; a queue, by
//! name or extension; else, if it can be a telephone number, somebody outside. Star codes come
//! before all of it, where they are dialled (`controller::StarCode`). Who may ring outside, and how,
//! is the trunks' to say.

use std::collections::BTreeMap;

use crate::config::settings::Settings;
use crate::event::Destination;
use crate::number::class::Class;
use crate::number::{Dialled, Number, canonical};

/// Everything inside that can be dialled, in the spelling in which numbers are compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DialPlan {
    inside: BTreeMap<String, Destination>,
}

impl DialPlan {
    /// What the settings name. Where two have the same name, which `check` refuses, the first in the
    /// order above has it.
    pub fn new(settings: &Settings) -> DialPlan {
        let mut inside = BTreeMap::new();
        let mut name = |dialled: &str, to: Destination| {
            inside.entry(canonical(dialled)).or_insert(to);
        };
        let trunks = settings.trunks.values().map(|trunk| &trunk.numbers);
        for (number, service) in [&settings.numbers].into_iter().chain(trunks).flatten() {
            name(number, Destination::Flow(service.flow.clone()));
        }
        for (id, agent) in &settings.agents {
            for dialled in [Some(id.as_str()), agent.extension.as_deref()].into_iter().flatten() {
                name(dialled, Destination::Agent(id.clone()));
            }
        }
        for (queue, settings) in &settings.queues {
            let extension = settings.extension.as_deref();
            for dialled in [Some(queue.as_str()), extension].into_iter().flatten() {
                name(dialled, Destination::Queue(queue.clone()));
            }
        }
        DialPlan { inside }
    }

    /// Where what an agent dialled leads; none if it can be nothing.
    pub fn resolve(&self, dialled: &str) -> Option<Destination> {
        let outside = || Destination::Outside(dialled.to_owned());
        if is_emergency(dialled) {
            return Some(outside());
        }
        let inside = self.inside.get(&canonical(dialled)).cloned();
        inside.or_else(|| is_outside(dialled).then(outside))
    }
}

/// Whether this is a number that must always be reached (999, 112; 18000 by text).
pub fn is_emergency(dialled: &str) -> bool {
    Class::of_dialled(dialled) == Class::Emergency
}

/// Whether this can be the number of somebody outside: one of the whole world's, or a short code that
/// the numbering plan has. Other short numbers would be extensions.
fn is_outside(dialled: &str) -> bool {
    match Dialled::read(dialled).number {
        Number::E164(_) => true,
        number @ Number::Short(_) => Class::of(&number) != Class::Unknown,
        Number::Code(_) | Number::Name(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> DialPlan {
        let settings: Settings = toml::from_str(
            r#"
            organisation = "Harbourside Council"
            [numbers]
            "01708434343" = "main"
            council = "main"
            [queue.waste]
            title = "Waste"
            extension = "301"
            [agent.amy]
            name = "Amy"
            extension = "201"
            password = "amy's"
            "#,
        )
        .expect("settings");
        DialPlan::new(&settings)
    }

    #[test]
    fn a_name_or_an_extension_leads_inside_and_a_number_that_is_not_ours_outside() {
        let plan = plan();
        let outside = |number: &str| Some(Destination::Outside(number.to_owned()));
        for (dialled, to) in [
            ("01708434343", Some(Destination::Flow("main".into()))),
            ("council", Some(Destination::Flow("main".into()))),
            ("amy", Some(Destination::Agent("amy".into()))),
            ("201", Some(Destination::Agent("amy".into()))),
            ("waste", Some(Destination::Queue("waste".into()))),
            ("301", Some(Destination::Queue("waste".into()))),
            ("+44 (0)1708 434343", Some(Destination::Flow("main".into()))),
            ("202", None),
            ("999", outside("999")),
            ("112", outside("112")),
            ("18000", outside("18000")),
            ("101", outside("101")),
            ("01632 960-123", outside("01632 960-123")),
            ("+441632960123", outside("+441632960123")),
            ("14101632960123", outside("14101632960123")),
            ("ben", None),
            ("", None),
            ("12", None),
            ("+", None),
            ("1+23456", None),
            ("*99", None),
            ("123456789012345678901", None),
        ] {
            assert_eq!(plan.resolve(dialled), to, "{dialled}");
        }
    }

    #[test]
    fn nothing_of_ours_is_reached_by_an_emergency_number() {
        let mut plan = plan();
        plan.inside.insert("999".to_owned(), Destination::Flow("main".into()));
        assert_eq!(plan.resolve("999"), Some(Destination::Outside("999".to_owned())));
    }
}
