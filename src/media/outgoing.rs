//! The stream that a leg's peer receives: one SSRC, one run of sequence numbers and timestamps,
//! whatever it is made of (silence, prompts, music, the packets of another leg).

use crate::id::Entropy;
use crate::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use crate::rtp::sequence::Arrival;
use crate::time::Time;

/// A relayed source whose timestamp jumps further than this began afresh: longer than any telephone
/// event, during which voice may pause.
const TIMESTAMP_JUMP_S: u32 = 10;
/// What follows something begins at least so much later.
const FRAME_MS: u32 = 20;
/// A pause in sending longer than this makes the next packet the first of a talkspurt.
const PAUSE_MS: u32 = 30;

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
    /// Ticks of the timestamps' clock in a millisecond.
    clock_khz: u32,
    /// How long our own packets are.
    packet_ms: u32,
    pub(super) ssrc: Ssrc,
    /// The number of the first packet.
    pub(super) first: SeqNo,
    next: SeqNo,
    /// The newest timestamp sent, and when it was newest; before the first packet, the one to begin with.
    newest: Timestamp,
    sent_at: Option<Time>,
    anchor: Option<Anchor>,
    /// What was sent last was converted from another codec.
    converting: bool,
    /// The source's timestamp and first number of the event that is passed on, and our timestamp.
    event: Option<(Timestamp, SeqNo, Timestamp)>,
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
            clock_khz: 8,
            packet_ms: FRAME_MS,
            ssrc: Ssrc(numbers as u32),
            first: SeqNo((numbers >> 32) as u16),
            next: SeqNo((numbers >> 32) as u16),
            newest: Timestamp(timestamp),
            sent_at: None,
            anchor: None,
            converting: false,
            event: None,
            begins: true,
            packets: 0,
            octets: 0,
        }
    }

    /// What was negotiated: the clock's rate and the length of our own packets.
    pub(super) fn set_clock(&mut self, clock_hz: u32, packet_ms: u8) {
        let clock_khz = clock_hz / 1_000;
        if clock_khz != self.clock_khz {
            self.begin();
            self.clock_khz = clock_khz;
        }
        self.packet_ms = u32::from(packet_ms);
    }

    /// Another source begins: its first packet carries the marker.
    pub(super) fn begin(&mut self) {
        self.begins = true;
        self.anchor = None;
        self.converting = false;
        self.event = None;
    }

    /// The timestamp that belongs to `now` (for a sender report).
    pub(super) fn timestamp_at(&self, now: Time) -> Timestamp {
        self.newest.plus(self.sent_at.map_or(0, |at| self.ticks(now, at)))
    }

    /// Numbers a frame of our own that is due at `at`.
    pub(super) fn generated(&mut self, at: Time) -> Stamp {
        self.anchor = None;
        self.converting = false;
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

    /// Numbers a packet that was converted from what another leg sent and is sent at `now`: it begins
    /// `ticks` after the one before, if that is known, and `lost` packets between them are missing.
    pub(super) fn converted(&mut self, now: Time, ticks: Option<u32>, lost: u16) -> Stamp {
        self.anchor = None;
        let goes_on = ticks.filter(|_| self.converting && !self.begins);
        let stamp = match goes_on {
            Some(ticks) => Stamp {
                seq: self.next.plus(lost),
                timestamp: self.newest.plus(ticks),
                marker: lost == 0 && ticks > PAUSE_MS.max(self.packet_ms) * self.clock_khz,
            },
            None => {
                let (timestamp, _) = self.following(now);
                Stamp { seq: self.next, timestamp, marker: true }
            }
        };
        self.note(now, stamp);
        self.converting = true;
        stamp
    }

    /// Numbers a packet of an event whose source has another clock. All packets of an event have one
    /// timestamp (RFC 4733 section 2.5.1.2). None if it belongs to an event before.
    pub(super) fn event_of(&mut self, now: Time, packet: &Packet<'_>) -> Option<Stamp> {
        self.anchor = None;
        self.converting = false;
        let stamp = match self.event {
            Some((source, _, timestamp)) if source == packet.timestamp => {
                Stamp { seq: self.next, timestamp, marker: false }
            }
            Some((_, newest, _)) if packet.seq.ahead_of(newest) < 0 => return None,
            Some(_) | None => {
                let (timestamp, _) = self.following(now);
                self.event = Some((packet.timestamp, packet.seq, timestamp));
                Stamp { seq: self.next, timestamp, marker: true }
            }
        };
        self.note(now, stamp);
        Some(stamp)
    }

    /// Numbers a packet of another leg that arrived at `now`. None if it is older than the relay's
    /// beginning.
    pub(super) fn relayed(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        arrival: Arrival,
    ) -> Option<Stamp> {
        self.converting = false;
        let known = self.anchor.filter(|anchor| {
            arrival != Arrival::Fresh
                && packet.timestamp.ahead_of(anchor.newest).unsigned_abs() < self.jump()
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
                let least = self.packet_ms.min(FRAME_MS) * self.clock_khz;
                let gap = self.ticks(at, sent_at).max(least);
                let pause = PAUSE_MS.max(self.packet_ms) * self.clock_khz;
                (self.newest.plus(gap), self.begins || gap > pause)
            }
        }
    }

    fn note(&mut self, at: Time, stamp: Stamp) {
        self.begins = false;
        if stamp.seq.ahead_of(self.next) >= 0 {
            self.next = stamp.seq.plus(1);
        }
        if self.sent_at.is_none() || stamp.timestamp.ahead_of(self.newest) > 0 {
            self.newest = stamp.timestamp;
            self.sent_at = Some(self.sent_at.map_or(at, |before| before.max(at)));
        }
    }

    fn jump(&self) -> u32 {
        TIMESTAMP_JUMP_S * 1_000 * self.clock_khz
    }

    /// Ticks of the clock between two instants.
    fn ticks(&self, later: Time, earlier: Time) -> u32 {
        (later.since(earlier).as_micros() * u128::from(self.clock_khz) / 1_000) as u32
    }
}
