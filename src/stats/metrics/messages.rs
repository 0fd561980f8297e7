//! Messages that callers left.

use prometheus::proto::{MetricFamily, MetricType};

use super::super::live::Live;
use super::{by_queue, count, family, gauge};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    vec![
        family(
            "switchboard_messages_open",
            "Messages left for the queue that nobody has finished yet.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.messages.open as f64)),
        ),
        family(
            "switchboard_messages_overdue",
            "Of them, those that have been open for longer than the queue's message_alert_s.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.messages.overdue as f64)),
        ),
        family(
            "switchboard_message_oldest_seconds",
            "How long the oldest open message has been open, in seconds; 0 if there is none.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.messages.oldest_s.unwrap_or(0.0))),
        ),
        family(
            "switchboard_messages_left_total",
            "Messages left for the queue.",
            MetricType::COUNTER,
            by_queue(live, |queue| count(queue.messages.left_total)),
        ),
        family(
            "switchboard_messages_lost_total",
            "Messages that callers spoke and that could not be kept: each is a person who waits.",
            MetricType::COUNTER,
            by_queue(live, |queue| count(queue.messages.lost_total)),
        ),
    ]
}
