//! How trunks fare.

use prometheus::proto::{MetricFamily, MetricType};

use super::{Wire, count, family, gauge, labelled};

/// How a trunk fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrunkWire {
    /// Its name.
    pub trunk: String,
    /// Its servers, and whether each lives; none while that is not known.
    pub servers: Vec<(String, Option<bool>)>,
    /// Whether we are registered; none if we do not register.
    pub registered: Option<bool>,
    /// Calls up, in and out.
    pub calls: usize,
}

/// The families of trunks.
pub(super) fn families(wire: &Wire) -> Vec<MetricFamily> {
    let flag = |value: bool| gauge(if value { 1.0 } else { 0.0 });
    let up = wire.trunks.iter().flat_map(|trunk| {
        trunk.servers.iter().filter_map(|(host, up)| {
            let labels = [("trunk", trunk.trunk.as_str()), ("host", host.as_str())];
            Some(labelled(flag((*up)?), &labels))
        })
    });
    let registered = wire.trunks.iter().filter_map(|trunk| {
        Some(labelled(flag(trunk.registered?), &[("trunk", trunk.trunk.as_str())]))
    });
    let calls = wire
        .trunks
        .iter()
        .map(|trunk| labelled(gauge(trunk.calls as f64), &[("trunk", trunk.trunk.as_str())]));
    let refused = wire
        .outbound_refused
        .iter()
        .map(|(reason, value)| labelled(count(*value), &[("reason", reason)]));
    vec![
        family(
            "switchboard_trunk_up",
            "Whether a trunk's server answers (OPTIONS and calls); absent while that is not known.",
            MetricType::GAUGE,
            up.collect(),
        ),
        family(
            "switchboard_trunk_registered",
            "Whether we are registered with a trunk.",
            MetricType::GAUGE,
            registered.collect(),
        ),
        family(
            "switchboard_trunk_calls",
            "Calls up through a trunk, in and out.",
            MetricType::GAUGE,
            calls.collect(),
        ),
        family(
            "switchboard_outbound_refused_total",
            "Calls to the outside that were not made, by reason: the toll guard, or no trunk.",
            MetricType::COUNTER,
            refused.collect(),
        ),
    ]
}
