//! What a media thread counts over all its legs.

use super::jitter::JitterCounters;

/// Why a packet was dropped. The set is closed: each is a label of `switchboard_rtp_dropped_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// The bytes are not RTP (or RTCP) version 2.
    Malformed,
    /// From an address that is not the negotiated peer's.
    Source,
    /// A payload type that was not agreed on.
    PayloadType,
    /// The leg's direction says that the peer does not send.
    Direction,
    /// The leg is not there, or nothing was negotiated for it yet.
    NotNegotiated,
    /// Of a source, or with a number, that nothing announced: injected, or the first of a new stream.
    Stray,
    /// To be relayed, and older than the relay's beginning.
    Late,
    /// To be relayed, and the other side cannot take it (on hold, nothing negotiated, or a key is being
    /// pressed towards it).
    NotRelayed,
    /// On an encrypted leg: plain, encrypted with another key, or changed on the way.
    Unauthentic,
    /// On an encrypted leg: it has been before, or is so old that it may have been.
    Replayed,
    /// Of the agreed codec by its payload type, and not by what it holds.
    Undecodable,
    /// The operating system did not take the packet that we sent.
    SendFailed,
}

impl DropReason {
    /// Every reason, in the order of [`RtpCounters::dropped`].
    pub const ALL: [DropReason; 12] = [
        DropReason::Malformed,
        DropReason::Source,
        DropReason::PayloadType,
        DropReason::Direction,
        DropReason::NotNegotiated,
        DropReason::Stray,
        DropReason::Late,
        DropReason::NotRelayed,
        DropReason::Unauthentic,
        DropReason::Replayed,
        DropReason::Undecodable,
        DropReason::SendFailed,
    ];

    /// The metrics' label.
    pub const fn as_str(self) -> &'static str {
        match self {
            DropReason::Malformed => "malformed",
            DropReason::Source => "source",
            DropReason::PayloadType => "payload_type",
            DropReason::Direction => "direction",
            DropReason::NotNegotiated => "not_negotiated",
            DropReason::Stray => "stray",
            DropReason::Late => "late",
            DropReason::NotRelayed => "not_relayed",
            DropReason::Unauthentic => "unauthentic",
            DropReason::Replayed => "replayed",
            DropReason::Undecodable => "undecodable",
            DropReason::SendFailed => "send_failed",
        }
    }
}

/// Packets of all legs since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RtpCounters {
    /// RTP packets received and accepted.
    pub received: u64,
    /// RTP packets handed to the network.
    pub sent: u64,
    /// RTCP packets received and accepted.
    pub rtcp_received: u64,
    /// RTCP packets handed to the network.
    pub rtcp_sent: u64,
    /// Packets dropped, in the order of [`DropReason::ALL`].
    pub dropped: [u64; DropReason::ALL.len()],
    /// Prompts asked for that are not in the bank.
    pub missing_prompts: u64,
    /// Frames not sent because the thread was too late for them.
    pub skipped_frames: u64,
    /// Legs that are open now.
    pub legs: u64,
    /// Frames that readers of taps were too slow for.
    pub tap_dropped: u64,
    /// Keys that were not pressed towards a peer because too many waited.
    pub keys_dropped: u64,
    /// What became of packets that were put in order to be decoded (rooms, taps), as of the end of
    /// their streams.
    pub ordered: JitterCounters,
}

impl RtpCounters {
    const PLAIN: usize = 9;
    /// How many figures there are.
    pub const LEN: usize = Self::PLAIN + DropReason::ALL.len() + JitterCounters::LEN;

    /// All figures, for publishing them one by one.
    pub fn to_array(&self) -> [u64; Self::LEN] {
        let mut array = [0; Self::LEN];
        let (figures, rest) = array.split_at_mut(Self::PLAIN);
        let (dropped, ordered) = rest.split_at_mut(DropReason::ALL.len());
        figures.copy_from_slice(&[
            self.received,
            self.sent,
            self.rtcp_received,
            self.rtcp_sent,
            self.missing_prompts,
            self.skipped_frames,
            self.legs,
            self.tap_dropped,
            self.keys_dropped,
        ]);
        dropped.copy_from_slice(&self.dropped);
        ordered.copy_from_slice(&self.ordered.to_array());
        array
    }

    /// The figures that [`RtpCounters::to_array`] gave.
    pub fn from_array(array: [u64; Self::LEN]) -> Self {
        let [
            received,
            sent,
            rtcp_received,
            rtcp_sent,
            missing_prompts,
            skipped_frames,
            legs,
            tap_dropped,
            keys_dropped,
            rest @ ..,
        ] = array;
        let at = |at: usize| rest.get(at).copied().unwrap_or(0);
        RtpCounters {
            received,
            sent,
            rtcp_received,
            rtcp_sent,
            dropped: std::array::from_fn(at),
            missing_prompts,
            skipped_frames,
            legs,
            tap_dropped,
            keys_dropped,
            ordered: JitterCounters::from_array(std::array::from_fn(|i| {
                at(DropReason::ALL.len() + i)
            })),
        }
    }

    /// Counts a dropped packet.
    pub fn drop(&mut self, reason: DropReason) {
        self.dropped[reason as usize] += 1;
    }

    /// How many packets were dropped for `reason`.
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Adds another thread's counters.
    pub fn add(&mut self, other: &RtpCounters) {
        self.received += other.received;
        self.sent += other.sent;
        self.rtcp_received += other.rtcp_received;
        self.rtcp_sent += other.rtcp_sent;
        self.missing_prompts += other.missing_prompts;
        self.skipped_frames += other.skipped_frames;
        self.legs += other.legs;
        self.tap_dropped += other.tap_dropped;
        self.keys_dropped += other.keys_dropped;
        self.ordered.add(&other.ordered);
        for (mine, theirs) in self.dropped.iter_mut().zip(other.dropped) {
            *mine += theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_in_its_own_place() {
        let mut counters = RtpCounters::default();
        for (at, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, at);
            counters.drop(reason);
        }
        assert_eq!(counters.dropped, [1; DropReason::ALL.len()]);
        counters.ordered = JitterCounters::from_array(std::array::from_fn(|at| at as u64));
        let mut sum = counters;
        sum.add(&counters);
        assert_eq!(RtpCounters::from_array(sum.to_array()), sum);
        assert_eq!(sum.dropped_for(DropReason::SendFailed), 2);
    }
}
