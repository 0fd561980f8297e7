//! How a leg sounds: the peer as it comes to us, and we as the peer reports that we come to it.

use std::time::Duration;

use crate::event::{LegQuality, StreamQuality};
use crate::rtp::packet::SeqNo;
use crate::rtp::quality::Path;
use crate::rtp::rtcp;
use crate::rtp::sequence::{Block, Reception, Totals};
use crate::time::Time;

/// A stream of fewer packets, a second, is too short to judge.
const ENOUGH: u64 = 50;

/// What the peer has reported of our stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Reported {
    last: Option<Block>,
    jitter_us: u64,
    reports: u64,
    round_trip_us: u64,
    round_trips: u64,
}

impl Reported {
    /// Takes in a block about our stream, which has that clock, that came at `now`.
    pub(super) fn note(&mut self, now: Time, block: Block, clock_hz: u32) {
        let jitter_us = u64::from(block.jitter) * 1_000_000 / u64::from(clock_hz.max(1));
        self.jitter_us = self.jitter_us.saturating_add(jitter_us);
        self.reports += 1;
        if let Some(round_trip) = rtcp::round_trip(now, &block) {
            self.round_trip_us = self.round_trip_us.saturating_add(round_trip.as_micros() as u64);
            self.round_trips += 1;
        }
        self.last = Some(block);
    }

    fn round_trip(&self) -> Option<Duration> {
        self.round_trip_us.checked_div(self.round_trips).map(Duration::from_micros)
    }

    /// How we come to the peer; `first` is the number of the first packet that we sent. The peer
    /// counts cycles of numbers from there (RFC 3550 appendix A.1).
    fn stream(&self, first: SeqNo) -> Option<(Totals, Duration)> {
        let block = self.last?;
        let expected = block.highest.checked_sub(u32::from(first.0))?.checked_add(1)?;
        let lost = u64::from(block.cumulative_lost.min(expected));
        let jitter = Duration::from_micros(self.jitter_us.checked_div(self.reports)?);
        Some((Totals { expected: u64::from(expected), lost }, jitter))
    }
}

/// How a leg sounds until now. `first` is the number of the first packet that we sent.
pub(super) fn of(reception: &Reception, reported: &Reported, first: SeqNo) -> LegQuality {
    let round_trip = reported.round_trip();
    let judge = |(totals, jitter): (Totals, Duration)| {
        let path = Path { expected: totals.expected, lost: totals.lost, jitter, round_trip };
        (totals.expected >= ENOUGH).then(|| StreamQuality {
            expected: totals.expected,
            lost: totals.lost,
            jitter_us: jitter.as_micros() as u64,
            mos_hundredths: (path.mos() * 100.0).round() as u16,
        })
    };
    LegQuality {
        from_peer: judge((reception.totals(), reception.mean_jitter())),
        to_peer: reported.stream(first).and_then(judge),
        round_trip_us: round_trip.map(|round_trip| round_trip.as_micros() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::packet::Ssrc;

    fn block(highest: u32, cumulative_lost: u32, jitter: u32) -> Block {
        Block {
            ssrc: Ssrc(1),
            fraction_lost: 0,
            cumulative_lost,
            highest,
            jitter,
            last_sr: 0,
            delay_since_sr: 0,
        }
    }

    fn reported(blocks: &[Block]) -> Reported {
        let mut reported = Reported::default();
        blocks.iter().for_each(|block| reported.note(Time::ZERO, *block, 8_000));
        reported
    }

    #[test]
    fn the_last_report_tells_the_loss_and_all_of_them_the_jitter() {
        let reported = reported(&[block(65_600, 2, 80), block(66_535, 10, 240)]);
        let quality =
            of(&Reception::default(), &reported, SeqNo(65_536_u32.wrapping_sub(1) as u16));
        let stream = quality.to_peer.expect("reported on");
        assert_eq!((stream.expected, stream.lost, stream.jitter_us), (1_001, 10, 20_000));
        assert_eq!(stream.mos_hundredths, 429);
        assert_eq!((quality.from_peer, quality.round_trip_us), (None, None));
    }

    #[test]
    fn what_is_short_or_impossible_is_not_judged() {
        let judged = |blocks: &[Block]| of(&Reception::default(), &reported(blocks), SeqNo(100));
        assert_eq!(judged(&[]), LegQuality::default());
        assert_eq!(judged(&[block(148, 0, 0)]), LegQuality::default());
        assert_eq!(judged(&[block(7, 0, 0)]), LegQuality::default());
        let stream = judged(&[block(149, 99, u32::MAX)]).to_peer.expect("a second of it");
        assert_eq!((stream.expected, stream.lost, stream.mos_hundredths), (50, 50, 100));
    }
}
