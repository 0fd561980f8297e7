//! Text messages and e-mails that callers were promised.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::super::live::Live;
use super::{count, counter, family, gauge, labelled};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let book = &live.notifications;
    let promised: Vec<Metric> = book
        .promised
        .iter()
        .map(|(template, number)| labelled(count(*number), &[("template", template.as_str())]))
        .collect();
    let outcomes: Vec<Metric> = book
        .outcomes
        .iter()
        .flat_map(|(template, outcomes)| {
            outcomes.iter().map(move |(outcome, number)| {
                let labels = [("template", template.as_str()), ("outcome", outcome)];
                labelled(count(*number), &labels)
            })
        })
        .collect();
    let delays: Vec<Metric> = book
        .delays
        .iter()
        .map(|(reason, number)| labelled(count(*number), &[("reason", reason)]))
        .collect();
    vec![
        family(
            "switchboard_notifications_promised_total",
            "Text messages and e-mails that callers were promised, by template.",
            MetricType::COUNTER,
            promised,
        ),
        family(
            "switchboard_notifications_total",
            "What became of them: sent, or why not; and why others could not be promised.",
            MetricType::COUNTER,
            outcomes,
        ),
        family(
            "switchboard_notifications_delayed_total",
            "Attempts to send one that are repeated, by why they failed.",
            MetricType::COUNTER,
            delays,
        ),
        family(
            "switchboard_notifications_waiting",
            "Text messages and e-mails that were promised and are not sent yet.",
            MetricType::GAUGE,
            vec![gauge(book.waiting.len() as f64)],
        ),
        family(
            "switchboard_notifications_waited_seconds_total",
            "How long those that were sent had waited together, in seconds.",
            MetricType::COUNTER,
            vec![counter(book.waited_us as f64 / 1e6)],
        ),
    ]
}
