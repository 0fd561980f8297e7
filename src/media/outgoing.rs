//! The stream that a leg's peer receives: one SSRC, one run of sequence numbers and timestamps,
//! whatever it is made of (silence, prompts, music, the packets of another leg).

use crate::id::Entropy;
use crate::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use crate::rtp::sequence::Arrival;
use crate::time::Time;

use super::FRAME_SAMPLES;

/// A relayed source whose timestamp jumps further than this began afresh. In samples: 10 s, longer
/// than any telephone event, during which voice may pause.
const TIMESTAMP_JUMP: i32 = 80_000;
/// A pause in sending longer than this makes the next packet the first of a talkspurt. In samples.
const PAUSE: u32 = 240;

/// The header fields that vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) seq: SeqNo,
    pub(super) timestamp: Timestamp,
    pub(super) marker: bool,
}

/// Numbers packets.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) ssrc: Ssrc,
    /// The number of the first packet.
    pub(super) first: SeqNo,
    next: SeqNo,
    /// The newest timestamp sent, and when; before the first packet, the one to begin with.
    newest: Timestamp,
    sent_at: Option<Time>,
    anchor: Option<Anchor>,
    /// The next generated packet begins something new.
    begins: bool,
    /// Packets and payload bytes sent (RFC 3550 section 6.4.1).
    pub(super) packets: u32,
    pub(super) octets: u32,
}

/// How a relayed source's numbers become ours.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    newest_seq: SeqNo,
    newest: Timestamp,
    /// How far the source's numbers have come since the relay's beginning.
    advanced: u16,
    seq_offset: u16,
    timestamp_offset: u32,
}

impl Outgoing {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let (numbers, timestamp) = (entropy.u64(), entropy.u32());
        Outgoing {
            ssrc: Ssrc(numbers as u32),
            first: SeqNo((numbers >> 32) as u16),
            next: SeqNo((numbers >> 32) as u16),
            newest: Timestamp(timestamp),
            sent_at: None,
            anchor: None,
            begins: true,
            packets: 0,
            octets: 0,
        }
    }

    /// Another source begins: its first packet carries the marker.
    pub(super) fn begin(&mut self) {
        self.begins = true;
        self.anchor = None;
    }

    /// The timestamp that belongs to `now` (for a sender report).
    pub(super) fn timestamp_at(&self, now: Time) -> Timestamp {
        self.newest.plus(self.sent_at.map_or(0, |at| samples(now, at)))
    }

    /// Numbers a frame of our own that is due at `at`.
    pub(super) fn generated(&mut self, at: Time) -> Stamp {
        self.anchor = None;
        let (timestamp, marker) = self.following(at);
        let stamp = Stamp { seq: self.next, timestamp, marker };
        self.note(at, stamp);
        stamp
    }

    /// Numbers a packet of an event that began at `timestamp`; voice goes on after it where it is.
    pub(super) fn event(&mut self, timestamp: Timestamp, marker: bool) -> Stamp {
        self.anchor = None;
        let stamp = Stamp { seq: self.next, timestamp, marker };
        self.next = self.next.plus(1);
        stamp
    }

    /// Numbers a packet of another leg that arrived at `now`. None if it is older than the relay's
    /// beginning.
    pub(super) fn relayed(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        arrival: Arrival,
    ) -> Option<Stamp> {
        let known = self.anchor.filter(|anchor| {
            arrival != Arrival::Fresh
                && packet.timestamp.ahead_of(anchor.newest).unsigned_abs() < TIMESTAMP_JUMP as u32
        });
        let Some(mut anchor) = known else {
            let (timestamp, _) = self.following(now);
            self.anchor = Some(Anchor {
                newest_seq: packet.seq,
                newest: packet.timestamp,
                advanced: 0,
                seq_offset: self.next.0.wrapping_sub(packet.seq.0),
                timestamp_offset: timestamp.0.wrapping_sub(packet.timestamp.0),
            });
            let stamp = Stamp { seq: self.next, timestamp, marker: true };
            self.note(now, stamp);
            return Some(stamp);
        };
        let ahead = packet.seq.ahead_of(anchor.newest_seq);
        if ahead < 0 && ahead.unsigned_abs() > anchor.advanced {
            return None;
        }
        let stamp = Stamp {
            seq: packet.seq.plus(anchor.seq_offset),
            timestamp: packet.timestamp.plus(anchor.timestamp_offset),
            marker: packet.marker,
        };
        if ahead > 0 {
            anchor.advanced = anchor.advanced.saturating_add(ahead.unsigned_abs());
            anchor.newest_seq = packet.seq;
            anchor.newest = packet.timestamp;
            self.anchor = Some(anchor);
        }
        self.note(now, stamp);
        Some(stamp)
    }

    /// A packet of the relayed source is held back on purpose: the next takes its number, so that
    /// the peer sees no loss.
    pub(super) fn withhold(&mut self, packet: &Packet<'_>) {
        if let Some(anchor) = self.anchor.as_mut()
            && packet.seq.plus(anchor.seq_offset) == self.next
        {
            anchor.seq_offset = anchor.seq_offset.wrapping_sub(1);
        }
    }

    /// Counts a packet that was sent.
    pub(super) fn count(&mut self, payload: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
    }

    /// The timestamp of something that follows what was sent last and begins at `at`, and whether it
    /// is the first of a talkspurt.
    fn following(&self, at: Time) -> (Timestamp, bool) {
        match self.sent_at {
            None => (self.newest, true),
            Some(sent_at) => {
                let gap = samples(at, sent_at).max(FRAME_SAMPLES as u32);
                (self.newest.plus(gap), self.begins || gap > PAUSE)
            }
        }
    }

    fn note(&mut self, at: Time, stamp: Stamp) {
        self.begins = false;
        if stamp.seq.ahead_of(self.next) >= 0 {
            self.next = stamp.seq.plus(1);
        }
        if self.sent_at.is_none() || stamp.timestamp.ahead_of(self.newest) >= 0 {
            self.newest = stamp.timestamp;
        }
        self.sent_at = Some(self.sent_at.map_or(at, |before| before.max(at)));
    }
}

/// Samples between two instants.
fn samples(later: Time, earlier: Time) -> u32 {
    (later.since(earlier).as_micros() / 125) as u32
}
