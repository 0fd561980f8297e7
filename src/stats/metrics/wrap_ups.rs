//! What advisers say of conversations.

use prometheus::proto::{MetricFamily, MetricType};

use super::super::live::{Live, QueueLive};
use super::{by_queue, count, family, gauge, labelled};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let by = |queue: &QueueLive, label, value: &str, total: u64| {
        labelled(gauge(total as f64), &[("queue", queue.queue.as_str()), (label, value)])
    };
    let codes = |queue: &QueueLive| {
        let codes = queue.total.said.codes.iter();
        codes.map(|(code, total)| by(queue, "code", code.as_str(), *total)).collect::<Vec<_>>()
    };
    let resolved = |queue: &QueueLive| {
        let said = &queue.total.said;
        [("true", said.resolved), ("false", said.unresolved)]
            .map(|(resolved, total)| by(queue, "resolved", resolved, total))
    };
    let first_contact = live.queues.iter().filter_map(|queue| {
        let ratio = queue.today.first_contact_resolution?;
        Some(labelled(gauge(ratio), &[("queue", queue.queue.as_str())]))
    });
    vec![
        family(
            "switchboard_repeat_contacts_total",
            "Calls of somebody who rang the same queue not long before, by the queue entered first.",
            MetricType::COUNTER,
            by_queue(live, |queue| count(queue.total.said.repeats)),
        ),
        family(
            "switchboard_wrap_ups",
            "Conversations by the code that their adviser gave, since the journal began; fewer when \
             one is corrected.",
            MetricType::GAUGE,
            live.queues.iter().flat_map(codes).collect(),
        ),
        family(
            "switchboard_conversations_resolved",
            "Conversations of which their adviser says that the caller's business is done, or is \
             not, since the journal began; fewer when one is corrected.",
            MetricType::GAUGE,
            live.queues.iter().flat_map(resolved).collect(),
        ),
        family(
            "switchboard_first_contact_resolution_ratio",
            "1 - repeats among the calls marked as resolved, today; absent while there are none.",
            MetricType::GAUGE,
            first_contact.collect(),
        ),
    ]
}
