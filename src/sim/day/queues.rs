//! Which queue serves which service.

use std::collections::{BTreeMap, BTreeSet};

use crate::acd::settings::QueueSettings;
use crate::id::{Ability, QueueName, Skill};

use super::{ModelCall, Rules, RulesError};

/// The queues of a simulation.
#[derive(Debug)]
pub(super) struct Queues {
    pub(super) settings: BTreeMap<QueueName, QueueSettings>,
    of: BTreeMap<Skill, QueueName>,
}

impl Queues {
    pub(super) fn new(calls: &[ModelCall], rules: &Rules) -> Result<Self, RulesError> {
        let services: BTreeSet<&Skill> =
            calls.iter().map(|call| &call.service).filter(|one| !one.as_str().is_empty()).collect();
        let Some(declared) = &rules.queues else {
            let own = |service: &Skill| (QueueName::from(service.as_str()), plain(service, rules));
            return Ok(Queues {
                settings: services.iter().map(|service| own(service)).collect(),
                of: services.into_iter().map(|s| (s.clone(), s.as_str().into())).collect(),
            });
        };
        let limit_ms = |queue: &QueueSettings| u64::from(queue.ring_s) * 1_000;
        if let Some((name, queue)) = declared.iter().find(|(_, q)| limit_ms(q) < rules.ring_ms) {
            let (ring_ms, queue, ring_s) = (rules.ring_ms, name.clone(), queue.ring_s);
            return Err(RulesError::RingsTooLong { ring_ms, queue, ring_s });
        }
        let mut of = BTreeMap::new();
        for service in services {
            let same = |(_, queue): &(&QueueName, &QueueSettings)| match &queue.skills[..] {
                [one] => one.skill == *service,
                _ => false,
            };
            let by_name = declared.get_key_value(&QueueName::from(service.as_str()));
            let Some((name, _)) = by_name.or_else(|| declared.iter().find(same)) else {
                let known: Vec<&str> = declared.keys().map(QueueName::as_str).collect();
                let (service, known) = (service.clone(), known.join(", "));
                return Err(RulesError::NoQueue { service, known });
            };
            of.insert(service.clone(), name.clone());
        }
        let mut settings = declared.clone();
        for queue in settings.values_mut() {
            // The sheets say how long after-call work takes, and when the lines are open.
            queue.wrap_up_s = u32::MAX;
            queue.hours = None;
        }
        Ok(Queues { settings, of })
    }

    /// What callers of these services need, by service.
    pub(super) fn needs(&self) -> impl Iterator<Item = (&Skill, &[Ability])> {
        self.of.iter().map(|(service, queue)| {
            let settings = self.settings.get(queue);
            (service, settings.map(|queue| &queue.skills[..]).unwrap_or_default())
        })
    }

    pub(super) fn of(&self, service: &Skill) -> QueueName {
        self.of.get(service).cloned().unwrap_or_else(|| service.as_str().into())
    }
}

/// A queue with nothing but its skill.
fn plain(service: &Skill, rules: &Rules) -> QueueSettings {
    QueueSettings {
        skills: vec![service.clone().into()],
        ring_s: u32::try_from(rules.ring_ms.div_ceil(1_000)).unwrap_or(u32::MAX),
        // Until the agent says that it is done.
        wrap_up_s: u32::MAX,
        max_messages: 0,
        message_alert_s: u32::MAX,
        ..QueueSettings::titled(service.as_str())
    }
}
