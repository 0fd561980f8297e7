//! Numbers for which the last adviser is remembered.

use prometheus::proto::{MetricFamily, MetricType};

use super::super::live::Live;
use super::{count, family, gauge};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    vec![
        family(
            "switchboard_last_agents",
            "Numbers for which it is remembered which adviser spoke with them last; 20000 at most.",
            MetricType::GAUGE,
            vec![gauge(live.last_agents.0 as f64)],
        ),
        family(
            "switchboard_last_agents_crowded_out_total",
            "Of such numbers, those that were forgotten before their time because there were too many.",
            MetricType::COUNTER,
            vec![count(live.last_agents.1)],
        ),
    ]
}
