//! How calls sounded, for /metrics.

use prometheus::proto::{MetricFamily, MetricType};

use super::{count, distribution, family, labelled};
use crate::stats::live::Live;
use crate::stats::voice::{Direction, MOS_BOUNDS, ROUND_TRIP_BOUNDS_S};

/// The families of voice.
pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let voice = &live.voice;
    let both = [("in", &voice.from_peers), ("out", &voice.to_peers)];
    let counter = |value: fn(&Direction) -> u64| {
        both.map(|(name, direction)| labelled(count(value(direction)), &[("direction", name)]))
            .to_vec()
    };
    let scores = both.map(|(name, direction)| {
        let sum = direction.score_sum_hundredths as f64 / 100.0;
        labelled(distribution(&MOS_BOUNDS, &direction.scores, sum), &[("direction", name)])
    });
    vec![
        family(
            "switchboard_leg_mos",
            "Mean opinion scores of legs that are over, estimated by the E-model (ITU-T G.107): of \
             what came from the peer (in), and of what the peer reports of us (out).",
            MetricType::HISTOGRAM,
            scores.to_vec(),
        ),
        family(
            "switchboard_leg_packets_expected_total",
            "RTP packets that should have come on legs that are over.",
            MetricType::COUNTER,
            counter(|direction| direction.expected),
        ),
        family(
            "switchboard_leg_packets_lost_total",
            "Of these, packets that did not come.",
            MetricType::COUNTER,
            counter(|direction| direction.lost),
        ),
        family(
            "switchboard_leg_round_trip_seconds",
            "Mean round trips of legs that are over, by RTCP, in seconds.",
            MetricType::HISTOGRAM,
            vec![distribution(
                &ROUND_TRIP_BOUNDS_S,
                &voice.round_trips,
                voice.round_trip_sum_us as f64 / 1e6,
            )],
        ),
    ]
}
