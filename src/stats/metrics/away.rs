//! For what advisers are not ready.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::super::AwayLive;
use super::super::live::Live;
use super::{count, counter, family, gauge, labelled};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let by_reason = |sample: fn(&AwayLive) -> Metric| {
        let of = |away: &AwayLive| labelled(sample(away), &[("reason", away.reason.as_str())]);
        live.away.iter().map(of).collect()
    };
    vec![
        family(
            "switchboard_wrong_pins_total",
            "Wrong PINs of advisers at shared phones since the journal began.",
            MetricType::COUNTER,
            vec![count(live.wrong_pins)],
        ),
        family(
            "switchboard_agents_not_ready",
            "Advisers who are not ready now, by what for.",
            MetricType::GAUGE,
            by_reason(|away| gauge(away.agents as f64)),
        ),
        family(
            "switchboard_agents_not_ready_over_limit",
            "Of them, those who are for longer than the settings give for that.",
            MetricType::GAUGE,
            by_reason(|away| gauge(away.over_limit as f64)),
        ),
        family(
            "switchboard_not_ready_seconds_total",
            "Time that advisers were not ready since the journal began, by what for.",
            MetricType::COUNTER,
            by_reason(|away| counter(away.total_s)),
        ),
        family(
            "switchboard_not_ready_over_limit_total",
            "How often an adviser was not ready for longer than the settings give for it, since the \
             journal began.",
            MetricType::COUNTER,
            by_reason(|away| count(away.over_limit_total)),
        ),
    ]
}
