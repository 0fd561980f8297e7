//! Rules of generated councils.

use proptest::prelude::*;

use super::AGENTS;
use crate::acd::settings::{Relaxation, TurnOrder};
use crate::acd::tests::*;
use crate::event::Choose;
use crate::id::AwayReason;

/// What differs between councils.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    choose: [Choose; 3],
    turns: TurnSettings,
    ring_at_most: usize,
    last_agent_s: Option<u32>,
    not_ready_after: u32,
    /// The longest work of a call.
    wrap_up_most_s: u32,
    relax: bool,
    prefer: bool,
}

pub(super) fn rules() -> impl Strategy<Value = Rules> {
    let choose = || {
        prop::sample::select(vec![
            Choose::LongestIdle,
            Choose::MostSkilled,
            Choose::LeastOccupied,
            Choose::FewestCalls,
            Choose::RoundRobin,
            Choose::RingAll,
        ])
    };
    let order = prop::sample::select(vec![TurnOrder::FirstCome, TurnOrder::Standard]);
    let turns = (order, prop::option::of(1..40u32));
    let turns = turns.prop_map(|(order, ageing_s)| TurnSettings { order, ageing_s });
    let choose = [choose(), choose(), choose()];
    let offers = (1..5usize, prop::option::of(1..40u32), 1..4u32, 20..100u32);
    let flags = (any::<bool>(), any::<bool>());
    (choose, turns, offers, flags).prop_map(
        |(
            choose,
            turns,
            (ring_at_most, last_agent_s, not_ready_after, wrap_up_most_s),
            (relax, prefer),
        )| Rules {
            choose,
            turns,
            ring_at_most,
            last_agent_s,
            not_ready_after,
            wrap_up_most_s,
            relax,
            prefer,
        },
    )
}

impl Rules {
    pub(super) fn plan(&self) -> AcdPlan {
        let mut desk = queue(&[]);
        (desk.wrap_up_s, desk.wait_when_unstaffed) = (0, false);
        let mut housing = queue(&["housing"]);
        (housing.max_wait_s, housing.standard_s) = (Some(60), 20);
        let (_, mut waste) = waste_with(|queue| {
            queue.hours = Some("office".into());
            queue.max_waiting = Some(3);
        });
        let step = |after_s, skills| Relaxation { after_s, skills: abilities(skills) };
        if self.relax {
            waste.skills = abilities("waste:3");
            waste.relax = vec![step(10, "waste"), step(25, "housing")];
            housing.skills = abilities("housing:4");
            housing.relax = vec![step(15, "housing:3"), step(60, "welsh")];
            desk.skills = abilities("welsh:3");
            desk.relax = vec![step(20, "welsh:1")];
        }
        if self.prefer {
            (housing.prefers, desk.prefers) = (abilities("waste:5 welsh"), abilities("housing"));
        }
        let mut queues = [("waste", waste), ("housing", housing), ("desk", desk)];
        for ((_, queue), choose) in queues.iter_mut().zip(self.choose) {
            (queue.choose, queue.not_ready_after) = (choose, self.not_ready_after);
            queue.wrap_up_most_s = self.wrap_up_most_s;
            (queue.ring_at_most, queue.last_agent_s) = (self.ring_at_most, self.last_agent_s);
        }
        let mut plan = AcdPlan { turns: self.turns, ..plan(&queues, &AGENTS) };
        let away = |title, limit_s, at_once| AwaySettings {
            limit_s,
            at_once,
            ..AwaySettings::titled(title)
        };
        plan.away.insert("lunch".into(), away("Lunch", Some(25), Some(1)));
        plan.away.insert("training".into(), away("Training", None, None));
        plan.away.insert(AwayReason::NO_ANSWER.into(), away("Gone", Some(40), None));
        plan
    }
}
