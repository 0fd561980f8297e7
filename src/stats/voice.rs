//! How calls sounded.

use serde::{Deserialize, Serialize};

use crate::event::{LegQuality, StreamQuality};

/// Upper bounds of the histogram of mean opinion scores: nearly all dissatisfied, many, some; then
/// satisfied, and very satisfied above the last (ITU-T G.107 table B.1).
pub const MOS_BOUNDS: [f64; 5] = [2.58, 3.10, 3.60, 4.03, 4.34];
/// Upper bounds of the histogram of round trips, in seconds.
pub const ROUND_TRIP_BOUNDS_S: [f64; 8] = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5];

/// All legs that are over, since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Voice {
    /// Peers, as they came to us.
    pub from_peers: Direction,
    /// We, as peers say that we came to them.
    pub to_peers: Direction,
    /// Legs by their mean round trip: counts for each of [`ROUND_TRIP_BOUNDS_S`], not cumulative, one
    /// more for those above the last.
    pub round_trips: [u64; ROUND_TRIP_BOUNDS_S.len() + 1],
    /// The sum of the round trips, in microseconds.
    pub round_trip_sum_us: u64,
}

/// One direction of all legs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Direction {
    /// Packets that should have come.
    pub expected: u64,
    /// Of them, those that did not.
    pub lost: u64,
    /// Legs by their mean opinion score: counts for each of [`MOS_BOUNDS`], not cumulative, one more
    /// for those above the last.
    pub scores: [u64; MOS_BOUNDS.len() + 1],
    /// The sum of the scores, in hundredths.
    pub score_sum_hundredths: u64,
}

impl Voice {
    /// One more leg is over.
    pub(super) fn push(&mut self, quality: &LegQuality) {
        self.from_peers.push(quality.from_peer.as_ref());
        self.to_peers.push(quality.to_peer.as_ref());
        if let Some(round_trip_us) = quality.round_trip_us {
            let bucket = bucket(&ROUND_TRIP_BOUNDS_S, round_trip_us as f64 / 1e6);
            if let Some(legs) = self.round_trips.get_mut(bucket) {
                *legs += 1;
            }
            self.round_trip_sum_us = self.round_trip_sum_us.saturating_add(round_trip_us);
        }
    }
}

impl Direction {
    fn push(&mut self, stream: Option<&StreamQuality>) {
        let Some(stream) = stream else { return };
        self.expected = self.expected.saturating_add(stream.expected);
        self.lost = self.lost.saturating_add(stream.lost);
        let bucket = bucket(&MOS_BOUNDS, f64::from(stream.mos_hundredths) / 100.0);
        if let Some(legs) = self.scores.get_mut(bucket) {
            *legs += 1;
        }
        self.score_sum_hundredths += u64::from(stream.mos_hundredths);
    }
}

/// Which bucket a value belongs to; one of exactly a bound belongs to that bound's.
fn bucket(bounds: &[f64], value: f64) -> usize {
    bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_are_counted_by_score_and_by_round_trip() {
        let stream = |mos_hundredths| {
            Some(StreamQuality { expected: 100, lost: 3, jitter_us: 0, mos_hundredths })
        };
        let mut voice = Voice::default();
        voice.push(&LegQuality::default());
        assert_eq!(voice, Voice::default());
        voice.push(&LegQuality { from_peer: stream(403), ..LegQuality::default() });
        voice.push(&LegQuality { from_peer: stream(404), ..LegQuality::default() });
        let both = LegQuality {
            from_peer: stream(258),
            to_peer: stream(440),
            round_trip_us: Some(10_001),
        };
        voice.push(&both);
        assert_eq!(voice.from_peers.scores, [1, 0, 0, 1, 1, 0]);
        assert_eq!((voice.from_peers.expected, voice.from_peers.lost), (300, 9));
        assert_eq!(voice.from_peers.score_sum_hundredths, 403 + 404 + 258);
        assert_eq!(voice.to_peers.scores, [0, 0, 0, 0, 0, 1]);
        assert_eq!(voice.round_trips, [0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(voice.round_trip_sum_us, 10_001);
    }
}
