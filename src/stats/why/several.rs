//! Several agents who are rung at once, told of together.

use crate::event::{CallEvent, Choose, Decision, Entry, Event, OfferOutcome, seconds_in_words};
use crate::id::AgentId;

use super::and;

/// Where something is told that concerns several who are rung at once.
pub(super) enum Told {
    /// Here.
    Here(String),
    /// With an entry before.
    Already,
    /// Nothing concerns several.
    Alone,
}

/// Who is being rung for the call, and who was until somebody else answered.
#[derive(Default)]
pub(super) struct Rung {
    now: Vec<AgentId>,
    /// As many of the offers to come have been told of already.
    told: usize,
    called_off: Vec<AgentId>,
}

impl Rung {
    /// What the first of these entries means for several who are rung at once.
    pub(super) fn told(&mut self, entries: &[Entry]) -> Told {
        let Some(Event::Call { event, .. }) = entries.first().map(|entry| &entry.event) else {
            return Told::Alone;
        };
        match event {
            CallEvent::Offered { agent, decision, .. } if decision.choose == Choose::RingAll => {
                let as_well = !self.now.is_empty();
                self.now.push(agent.clone());
                if decision.last_agent {
                    return Told::Alone;
                }
                if self.told > 0 {
                    self.told -= 1;
                    return Told::Already;
                }
                let together = at_once(entries);
                self.told = together.len() - 1;
                Told::Here(rung_at_once(&together, decision, as_well))
            }
            CallEvent::OfferEnded { agent, outcome, .. } => {
                self.now.retain(|rung| rung != agent);
                if *outcome == OfferOutcome::AnsweredElsewhere {
                    self.called_off.push(agent.clone());
                }
                Told::Alone
            }
            CallEvent::Joined { queue, agent, wait_us, .. } => {
                let others: Vec<String> =
                    std::mem::take(&mut self.called_off).iter().map(AgentId::to_string).collect();
                if others.is_empty() {
                    return Told::Alone;
                }
                Told::Here(format!(
                    "{agent} answers first, before {}, whose phones ring no longer; the caller had \
                     waited {} for somebody of `{queue}`",
                    and(&others),
                    seconds_in_words(wait_us / 1_000_000)
                ))
            }
            _ => Told::Alone,
        }
    }
}

/// The offers that were made together: at the same moment, one after the other.
fn at_once(entries: &[Entry]) -> Vec<(&AgentId, &Decision)> {
    let moment = entries.first().map(|entry| entry.time);
    let offers = entries.iter().map_while(|entry| match &entry.event {
        Event::Call { event: CallEvent::Offered { agent, decision, .. }, .. }
            if Some(entry.time) == moment =>
        {
            Some((agent, decision))
        }
        _ => None,
    });
    offers.collect()
}

fn rung_at_once(offers: &[(&AgentId, &Decision)], first: &Decision, as_well: bool) -> String {
    let idle = |decision: &Decision| {
        let idle_us = decision.candidates.first().map_or(0, |chosen| chosen.idle_us);
        seconds_in_words(idle_us / 1_000_000)
    };
    let names: Vec<String> =
        offers.iter().map(|(agent, why)| format!("{agent} (idle {})", idle(why))).collect();
    let how = match (names.len(), as_well) {
        (1, false) => "is rung",
        (1, true) => "is rung as well",
        (_, false) => "are rung at once",
        (_, true) => "are rung at once as well",
    };
    let ready = match first.able {
        0 | 1 => "the only one ready who can serve this caller".to_owned(),
        able => format!("of {able} ready who can serve this caller"),
    };
    format!("{} {how}: {ready}", and(&names))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, rings as offer, texts, waits};
    use super::*;
    use crate::event::Place;
    use crate::id::LegId;

    #[test]
    fn several_who_are_rung_at_once_are_told_of_together() {
        let rings = |agent: &str, able, idle_s: u64| {
            let CallEvent::Offered { queue, agent, legs, mut decision } =
                offer("waste", agent, &[])
            else {
                unreachable!("an offer")
            };
            (decision.choose, decision.able, decision.relaxed) = (Choose::RingAll, able, 0);
            decision.candidates[0].idle_us = idle_s * 1_000_000;
            CallEvent::Offered { queue, agent, legs, decision }
        };
        let ended = |agent: &str, outcome| CallEvent::OfferEnded {
            agent: agent.into(),
            outcome,
            rang_us: 4_000_000,
        };
        let joined = CallEvent::Joined {
            queue: "waste".into(),
            agent: "ben".into(),
            leg: LegId(2),
            wait_us: 9_000_000,
            visit_us: 9_000_000,
            to_person_us: 9_000_000,
            episode: 1,
        };
        let elsewhere = OfferOutcome::AnsweredElsewhere;
        let journal = [
            entry(1, 0, 1, waits("waste", &[], Place::default())),
            entry(2, 0, 1, rings("amy", 3, 30)),
            entry(3, 0, 1, rings("ben", 2, 20)),
            entry(4, 0, 1, rings("chloe", 1, 10)),
            // Nobody passes while somebody is rung.
            entry(5, 2, 1, ended("chloe", OfferOutcome::Rejected)),
            entry(6, 3, 2, waits("waste", &[], Place::default())),
            entry(7, 3, 2, rings("ed", 1, 1)),
            entry(8, 4, 1, rings("dev", 1, 0)),
            entry(9, 9, 1, ended("amy", elsewhere)),
            entry(10, 9, 1, ended("dev", elsewhere)),
            entry(11, 9, 1, ended("ben", OfferOutcome::Accepted)),
            entry(12, 9, 1, joined),
        ];
        assert_eq!(
            texts(1, &journal)[1..],
            [
                "amy (idle 30 s), ben (idle 20 s) and chloe (idle 10 s) are rung at once: of 3 ready who \
                 can serve this caller",
                "chloe refused after 4 s",
                "dev (idle 0 s) is rung as well: the only one ready who can serve this caller",
                "ben answers first, before amy and dev, whose phones ring no longer; the caller had \
                 waited 9 s for somebody of `waste`",
            ]
        );
    }
}
