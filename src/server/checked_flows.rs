//! Flows that were checked, and what against: they are not read again for a change that means nothing to
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use miette::Report;

use crate::assistant::Understanding;
use crate::config::settings::Settings;
use crate::engine::{DialPlan, is_emergency};
use crate::event::Destination;
use crate::flow::{Fault, Finding, Flows, Known, NoReach, Reach};
use crate::id::{Ability, FlowName, Skill, all_met};
use crate::number::Dialled;
use crate::trunk::guard::Guard;

use super::flows::FlowFiles;

/// Whom flows asked to put callers through to, and the answers.
type Asked = BTreeMap<(FlowName, String), Result<(), NoReach>>;

/// Flows that fit to settings.
#[derive(Debug, Clone, Default)]
pub(super) struct CheckedFlows {
    pub(super) flows: Flows,
    warnings: Vec<Fault>,
    /// What they were checked against; none if they were not yet.
    against: Option<Known>,
    asked: Asked,
}

impl CheckedFlows {
    /// Reads and checks.
    pub(super) fn load(files: &FlowFiles, known: Known) -> Result<Self, Vec<Finding>> {
        let asked = Arc::new(Mutex::new(Asked::new()));
        let reach = {
            let (asked, reach) = (asked.clone(), known.reach.clone());
            Reach::new(move |flow, dialled| {
                let answer = reach.of(flow, dialled);
                let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                asked.insert((flow.clone(), dialled.to_owned()), answer);
                answer
            })
        };
        let loaded = files.load(&Known { reach, ..known.clone() })?;
        let asked = std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));
        let (flows, warnings) = (loaded.flows, loaded.warnings);
        Ok(CheckedFlows { flows, warnings, against: Some(known), asked })
    }

    /// Whether checking the same files against this would come to the same.
    pub(super) fn fit(&self, known: &Known) -> bool {
        let Some(before) = &self.against else { return false };
        let Known {
            queues,
            unserved,
            no_trunk,
            calendars,
            skills,
            backends,
            templates,
            reach,
            entered,
            intents,
            // Those of the files.
            prompts: _,
        } = known;
        let answered = |((flow, dialled), answer): (&(FlowName, String), &Result<(), NoReach>)| {
            reach.of(flow, dialled) == *answer
        };
        (queues, unserved, calendars, skills)
            == (&before.queues, &before.unserved, &before.calendars, &before.skills)
            && *no_trunk == before.no_trunk
            && (backends, templates, intents, entered)
                == (&before.backends, &before.templates, &before.intents, &before.entered)
            && self.asked.iter().all(answered)
    }

    /// What would be better.
    pub(super) fn warnings(&self) -> Vec<Report> {
        self.warnings.iter().cloned().map(Report::new).collect()
    }
}

/// Whom flows may put callers through to.
fn reach(settings: &Settings) -> Reach {
    let (dial, outbound) = (DialPlan::new(settings), settings.outbound.clone());
    Reach::new(move |flow, dialled| match dial.resolve(dialled) {
        Some(Destination::Agent(_)) => Ok(()),
        Some(Destination::Outside(_)) if is_emergency(dialled) => Err(NoReach::Emergency),
        Some(Destination::Outside(_)) => {
            let number = Dialled::read(dialled).number;
            let allowed = Guard::default().allows(&outbound, outbound.flows.get(flow), &number);
            allowed.map(|_| ()).map_err(|_| NoReach::Forbidden)
        }
        Some(Destination::Queue(_) | Destination::Flow(_)) | None => Err(NoReach::Nobody),
    })
}

/// The flows that numbers lead to, each with the first of them.
fn entered(settings: &Settings) -> BTreeMap<FlowName, String> {
    let of_trunks = settings.trunks.values().flat_map(|trunk| &trunk.numbers);
    let mut entered = BTreeMap::new();
    for (number, to) in settings.numbers.iter().chain(of_trunks) {
        entered.entry(to.flow.clone()).or_insert_with(|| number.clone());
    }
    entered
}

/// What flows may refer to.
pub(super) fn known(settings: &Settings, understanding: Option<&Understanding>) -> Known {
    let intents = understanding.map(Understanding::names).unwrap_or_default();
    let of_agents = settings.agents.values().flat_map(|agent| &agent.skills);
    let of_queues = settings.queues.values().flat_map(|queue| &queue.skills);
    let abilities = of_agents.chain(of_queues).map(|ability| &ability.skill);
    let skills: BTreeSet<&Skill> = abilities.chain(settings.skills.keys()).collect();
    let serves =
        |needs: &[Ability]| settings.agents.values().any(|agent| all_met(needs, &agent.skills));
    let unserved = settings.queues.iter().filter(|(_, queue)| !serves(&queue.skills));
    Known {
        unserved: unserved.map(|(name, _)| name.clone()).collect(),
        queues: settings.queues.keys().cloned().collect(),
        no_trunk: settings.trunks.is_empty(),
        calendars: settings.calendars.keys().cloned().collect(),
        skills: skills.into_iter().cloned().collect(),
        backends: settings.backends.keys().cloned().collect(),
        templates: settings.notifications.needs(),
        reach: reach(settings),
        entered: entered(settings),
        intents,
        prompts: None,
    }
}
