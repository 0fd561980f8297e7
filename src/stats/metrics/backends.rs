//! Other systems that flows ask.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::super::live::Live;
use super::{count, counter, family, gauge, labelled};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let all = &live.backends.all;
    let requests: Vec<Metric> = all
        .iter()
        .flat_map(|(backend, figures)| {
            figures.outcomes.iter().map(move |(outcome, number)| {
                let labels = [("backend", backend.as_str()), ("outcome", outcome)];
                labelled(count(*number), &labels)
            })
        })
        .collect();
    let each = |value: &dyn Fn(&crate::stats::BackendFigures) -> Metric| -> Vec<Metric> {
        let one = |(name, figures): (&crate::id::BackendName, _)| {
            labelled(value(figures), &[("backend", name.as_str())])
        };
        all.iter().map(one).collect()
    };
    vec![
        family(
            "switchboard_backend_requests_total",
            "Questions of flows to other systems, by the class of the answer's status, or by why there was none.",
            MetricType::COUNTER,
            requests,
        ),
        family(
            "switchboard_backend_seconds_total",
            "How long their answers took together, in seconds.",
            MetricType::COUNTER,
            each(&|figures| counter(figures.took_us as f64 / 1e6)),
        ),
        family(
            "switchboard_backend_open",
            "1 while the other system has failed too often and is left alone.",
            MetricType::GAUGE,
            each(&|figures| gauge(f64::from(u8::from(figures.open)))),
        ),
    ]
}
