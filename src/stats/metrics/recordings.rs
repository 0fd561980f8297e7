//! How recordings fare.

use std::collections::BTreeMap;

use prometheus::proto::{MetricFamily, MetricType};

use super::{count, family, gauge, reasons};

/// What the shell counts of recordings since the process began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordingWire {
    /// Under way.
    pub active: u64,
    /// Over, and not yet where they are kept.
    pub waiting: u64,
    /// Packets that the disk was too slow for.
    pub frames_lost: u64,
    /// Kept, read back and found right.
    pub stored: u64,
    /// Deleted because their time was over.
    pub deleted: u64,
    /// What failed, by reason.
    pub failures: BTreeMap<&'static str, u64>,
}

/// The families of recordings.
pub(super) fn recordings(wire: &RecordingWire) -> Vec<MetricFamily> {
    vec![
        family(
            "switchboard_recordings_active",
            "Recordings under way.",
            MetricType::GAUGE,
            vec![gauge(wire.active as f64)],
        ),
        family(
            "switchboard_recordings_waiting",
            "Recordings that are over and not yet where they are kept.",
            MetricType::GAUGE,
            vec![gauge(wire.waiting as f64)],
        ),
        family(
            "switchboard_recording_frames_lost_total",
            "Packets of recorded calls that the disk was too slow for.",
            MetricType::COUNTER,
            vec![count(wire.frames_lost)],
        ),
        family(
            "switchboard_recordings_stored_total",
            "Recordings that are where they are kept and were found right there.",
            MetricType::COUNTER,
            vec![count(wire.stored)],
        ),
        family(
            "switchboard_recordings_deleted_total",
            "Recordings that were deleted because their time was over.",
            MetricType::COUNTER,
            vec![count(wire.deleted)],
        ),
        family(
            "switchboard_recording_failures_total",
            "What failed while recordings were written or kept, by reason; each try counts.",
            MetricType::COUNTER,
            reasons(&wire.failures),
        ),
    ]
}
