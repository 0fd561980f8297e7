//! Promises to ring callers back.

use prometheus::proto::{MetricFamily, MetricType};

use super::super::live::{Live, QueueLive};
use super::{by_queue, count, family, gauge, labelled};
use crate::event::CallbackFailure;

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let outcomes = |queue: &QueueLive| {
        let callbacks = &queue.callbacks;
        [
            ("kept", callbacks.kept_total),
            ("kept_late", callbacks.kept_late_total),
            ("failed", callbacks.failed_total.values().sum()),
        ]
    };
    vec![
        family(
            "switchboard_callbacks_open",
            "Calls back that are promised and not made yet.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.callbacks.open as f64)),
        ),
        family(
            "switchboard_callback_oldest_seconds",
            "How long the oldest of them has been promised, in seconds; 0 if there is none.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.callbacks.oldest_s.unwrap_or(0.0))),
        ),
        family(
            "switchboard_callbacks_taken_total",
            "Calls back that were promised.",
            MetricType::COUNTER,
            by_queue(live, |queue| count(queue.callbacks.taken_total)),
        ),
        family(
            "switchboard_callbacks_total",
            "What became of promised calls back: kept, kept_late (after more than the queue's \
             late_after_s), failed.",
            MetricType::COUNTER,
            live.queues
                .iter()
                .flat_map(|queue| {
                    outcomes(queue).map(|(outcome, total)| {
                        let labels = [("queue", queue.queue.as_str()), ("outcome", outcome)];
                        labelled(count(total), &labels)
                    })
                })
                .collect(),
        ),
        family(
            "switchboard_callbacks_failed_total",
            "Promised calls back that failed, by why.",
            MetricType::COUNTER,
            live.queues
                .iter()
                .flat_map(|queue| {
                    CallbackFailure::ALL.iter().map(|why| {
                        let failed = queue.callbacks.failed_total.get(why).copied().unwrap_or(0);
                        let labels = [("queue", queue.queue.as_str()), ("why", why.as_str())];
                        labelled(count(failed), &labels)
                    })
                })
                .collect(),
        ),
    ]
}
