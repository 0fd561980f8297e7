//! Copies of what a leg's peer sends and is sent, for whoever writes them down.
//!
//! A media thread must never wait for a disk. It copies each payload, encoded as it is, into a ring of
//! bytes that it shares with one reader, without a lock: [`Recorder`] is the writing end, [`Reel`] the
//! reading one. When the ring is full the packet is lost to the recording, counted, and told with the
//! next one that finds room. Where a recording begins, pauses and ends stands in the same ring, so that
//! the reader knows of each packet on which side of it it lies; those marks are never lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::command::{Codec, RecordOrder};
use crate::id::{LegId, RecordingId};
use crate::rtp::packet::{Packet, Ssrc, Timestamp};
use crate::time::Time;

/// Bytes in front of a payload.
const HEADER: usize = 32;
/// The longest payload that is copied; a plane relays none that is longer.
const MAX_PAYLOAD: usize = 1_500;
/// Marks that wait for room without an allocation.
const MARKS: usize = 256;

/// Whose voice a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The leg's peer: what comes from it. The left channel.
    Peer,
    /// We: what is sent to it. The right channel.
    Ours,
}

/// What a plane keeps of a leg that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recorded {
    id: RecordingId,
    paused: bool,
    /// Packets that found no room since the last one that did.
    lost: u32,
}

/// What one entry of the ring says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Of which recording.
    pub recording: RecordingId,
    /// When, on the plane's clock.
    pub at: Time,
    /// What.
    pub what: What<'a>,
}

/// What happened to a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// It began, or goes on with another leg of the same call.
    Begun(LegId),
    /// Nothing is copied from here on.
    Paused,
    /// Copied again from here on.
    Resumed,
    /// Nothing follows.
    Ended,
    /// A packet's payload.
    Voice(Voice<'a>),
}

/// A packet's payload, encoded as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice<'a> {
    /// Whose.
    pub side: Side,
    /// How it is encoded.
    pub codec: Codec,
    /// Packets of this leg before it that found no room.
    pub lost: u32,
    /// The stream that it belongs to.
    pub ssrc: Ssrc,
    /// Its place in that stream.
    pub timestamp: Timestamp,
    /// What it carries.
    pub payload: &'a [u8],
}

/// A ring that holds `bytes`: half a megabyte holds a second of 14 recorded calls of G.711.
pub fn ring(bytes: usize) -> (Recorder, Reel) {
    let (producer, consumer) = RingBuffer::new(bytes.max(HEADER + MAX_PAYLOAD));
    let lost = Arc::new(AtomicU64::new(0));
    let recorder = Recorder {
        ring: Some(producer),
        marks: VecDeque::with_capacity(MARKS),
        lost: lost.clone(),
        room: Box::new([0; HEADER + MAX_PAYLOAD]),
    };
    (recorder, Reel { ring: consumer, lost, room: Box::new([0; HEADER + MAX_PAYLOAD]) })
}

/// The end of the ring that a plane writes to.
#[derive(Debug)]
pub struct Recorder {
    /// None where nobody reads: then nothing is recorded.
    ring: Option<Producer<u8>>,
    /// Marks that found no room, in order. Nothing overtakes them.
    marks: VecDeque<[u8; HEADER]>,
    lost: Arc<AtomicU64>,
    room: Box<[u8; HEADER + MAX_PAYLOAD]>,
}

impl Default for Recorder {
    /// Records nothing.
    fn default() -> Self {
        Recorder {
            ring: None,
            marks: VecDeque::new(),
            lost: Arc::default(),
            room: Box::new([0; HEADER + MAX_PAYLOAD]),
        }
    }
}

impl Recorder {
    /// Carries out an order for a leg.
    pub(super) fn obey(
        &mut self,
        now: Time,
        leg: LegId,
        recorded: &mut Option<Recorded>,
        order: RecordOrder,
    ) {
        if self.ring.is_none() {
            return;
        }
        match (order, recorded.as_mut()) {
            (RecordOrder::Begin(id), _) => {
                *recorded = Some(Recorded { id, paused: false, lost: 0 });
                self.mark(now, id, Kind::Begun, leg);
            }
            (RecordOrder::Pause, Some(one)) if !one.paused => {
                one.paused = true;
                self.mark(now, one.id, Kind::Paused, leg);
            }
            (RecordOrder::Resume, Some(one)) if one.paused => {
                one.paused = false;
                self.mark(now, one.id, Kind::Resumed, leg);
            }
            // The recording goes on with another leg, which says where it ends.
            (RecordOrder::Leave, _) => *recorded = None,
            (RecordOrder::End, Some(one)) => {
                self.mark(now, one.id, Kind::Ended, leg);
                *recorded = None;
            }
            (RecordOrder::Pause | RecordOrder::Resume | RecordOrder::End, _) => {}
        }
    }

    /// Copies a packet of a leg that is recorded. Never waits, never allocates.
    pub(super) fn copy(
        &mut self,
        now: Time,
        recorded: &mut Option<Recorded>,
        side: Side,
        codec: Codec,
        packet: &Packet<'_>,
    ) {
        let Some(one) = recorded.as_mut().filter(|one| !one.paused) else { return };
        let len = HEADER + packet.payload.len();
        if len > self.room.len() || !self.catch_up() {
            return self.lose(one);
        }
        let kind = match side {
            Side::Peer => Kind::Peer,
            Side::Ours => Kind::Ours,
        };
        let header = Header {
            kind,
            codec: code(codec),
            len: packet.payload.len() as u16,
            lost: one.lost,
            recording: one.id.0,
            at: now.as_micros(),
            last: [packet.timestamp.0.to_le_bytes(), packet.ssrc.0.to_le_bytes()],
        };
        let (front, back) = self.room.split_at_mut(HEADER);
        front.copy_from_slice(&header.write());
        if let Some(back) = back.get_mut(..packet.payload.len()) {
            back.copy_from_slice(packet.payload);
        }
        let pushed = match (&mut self.ring, self.room.get(..len)) {
            (Some(ring), Some(record)) => ring.push_entire_slice(record).is_ok(),
            (_, _) => false,
        };
        match pushed {
            true => one.lost = 0,
            false => self.lose(one),
        }
    }

    /// Tries again to find room for marks; true if none waits any more.
    pub(super) fn catch_up(&mut self) -> bool {
        let Some(ring) = &mut self.ring else { return true };
        while let Some(mark) = self.marks.front() {
            if ring.push_entire_slice(mark).is_err() {
                return false;
            }
            self.marks.pop_front();
        }
        true
    }

    fn lose(&self, one: &mut Recorded) {
        one.lost = one.lost.saturating_add(1);
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    fn mark(&mut self, now: Time, id: RecordingId, kind: Kind, leg: LegId) {
        let [a, b, c, d, e, f, g, h] = leg.0.to_le_bytes();
        let header = Header {
            kind,
            codec: 0,
            len: 0,
            lost: 0,
            recording: id.0,
            at: now.as_micros(),
            last: [[a, b, c, d], [e, f, g, h]],
        };
        self.marks.push_back(header.write());
        self.catch_up();
    }
}

/// The end of the ring that the disk thread reads from.
#[derive(Debug)]
pub struct Reel {
    ring: Consumer<u8>,
    lost: Arc<AtomicU64>,
    room: Box<[u8; HEADER + MAX_PAYLOAD]>,
}

impl Reel {
    /// The next entry; none if there is none yet.
    pub fn read(&mut self) -> Option<Record<'_>> {
        // An entry is pushed whole, so where its header is, its payload is.
        let mut header = [0; HEADER];
        self.ring.pop_entire_slice(&mut header).ok()?;
        let header = Header::read(header)?;
        let payload = self.room.get_mut(..usize::from(header.len))?;
        self.ring.pop_entire_slice(payload).ok()?;
        let [first, second] = header.last;
        let what = match header.kind {
            Kind::Begun => {
                let ([a, b, c, d], [e, f, g, h]) = (first, second);
                What::Begun(LegId(u64::from_le_bytes([a, b, c, d, e, f, g, h])))
            }
            Kind::Paused => What::Paused,
            Kind::Resumed => What::Resumed,
            Kind::Ended => What::Ended,
            Kind::Peer | Kind::Ours => What::Voice(Voice {
                side: if header.kind == Kind::Peer { Side::Peer } else { Side::Ours },
                codec: decoded(header.codec)?,
                lost: header.lost,
                ssrc: Ssrc(u32::from_le_bytes(second)),
                timestamp: Timestamp(u32::from_le_bytes(first)),
                payload,
            }),
        };
        Some(Record {
            recording: RecordingId(header.recording),
            at: Time::from_micros(header.at),
            what,
        })
    }

    /// Packets that found no room since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// What an entry is, as its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Begun,
    Paused,
    Resumed,
    Ended,
    Peer,
    Ours,
}

const KINDS: [Kind; 6] =
    [Kind::Begun, Kind::Paused, Kind::Resumed, Kind::Ended, Kind::Peer, Kind::Ours];

/// An entry without its payload. Both ends are this process, so nothing is checked twice.
#[derive(Debug, Clone, Copy)]
struct Header {
    kind: Kind,
    codec: u8,
    len: u16,
    lost: u32,
    recording: u64,
    at: u64,
    /// Timestamp and SSRC of a packet; the leg of a mark.
    last: [[u8; 4]; 2],
}

impl Header {
    fn write(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let (front, rest) = bytes.split_at_mut(8);
        front[0] = self.kind as u8;
        front[1] = self.codec;
        front[2..4].copy_from_slice(&self.len.to_le_bytes());
        front[4..].copy_from_slice(&self.lost.to_le_bytes());
        rest[..8].copy_from_slice(&self.recording.to_le_bytes());
        rest[8..16].copy_from_slice(&self.at.to_le_bytes());
        rest[16..20].copy_from_slice(&self.last[0]);
        rest[20..].copy_from_slice(&self.last[1]);
        bytes
    }

    fn read(bytes: [u8; HEADER]) -> Option<Header> {
        let (front, rest) = bytes.split_first_chunk::<8>()?;
        let (recording, rest) = rest.split_first_chunk::<8>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_first_chunk::<4>()?;
        let (second, _) = rest.split_first_chunk::<4>()?;
        let [kind, codec, low, high, a, b, c, d] = *front;
        Some(Header {
            kind: *KINDS.get(usize::from(kind))?,
            codec,
            len: u16::from_le_bytes([low, high]),
            lost: u32::from_le_bytes([a, b, c, d]),
            recording: u64::from_le_bytes(*recording),
            at: u64::from_le_bytes(*at),
            last: [*first, *second],
        })
    }
}

fn code(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 1,
        Codec::G722 => 2,
        Codec::Opus => 3,
    }
}

fn decoded(code: u8) -> Option<Codec> {
    Codec::ALL.into_iter().find(|codec| self::code(*codec) == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::packet::SeqNo;

    const ID: RecordingId = RecordingId(0xfeed_face_0000_0007);
    const LEG: LegId = LegId(0x0102_0304_0506_0708);

    fn packet(at: u16, payload: &[u8]) -> Packet<'_> {
        Packet {
            ssrc: Ssrc(9),
            seq: SeqNo(at),
            timestamp: Timestamp(u32::from(at) * 160),
            marker: false,
            payload_type: 8,
            payload,
        }
    }

    struct Rig {
        recorder: Recorder,
        reel: Reel,
        recorded: Option<Recorded>,
        now: Time,
    }

    impl Rig {
        fn new(bytes: usize) -> Rig {
            let (recorder, reel) = ring(bytes);
            Rig { recorder, reel, recorded: None, now: Time::from_millis(5) }
        }

        fn order(&mut self, order: RecordOrder) {
            self.recorder.obey(self.now, LEG, &mut self.recorded, order);
        }

        fn copy(&mut self, at: u16, payload: &[u8]) {
            let packet = packet(at, payload);
            self.recorder.copy(self.now, &mut self.recorded, Side::Peer, Codec::Pcma, &packet);
        }

        /// What was read: marks by name, packets by their first byte and what was lost before.
        fn read(&mut self) -> Vec<String> {
            let mut read = Vec::new();
            while let Some(record) = self.reel.read() {
                assert_eq!(record.recording, ID);
                read.push(match record.what {
                    What::Begun(leg) => format!("begun {leg}"),
                    What::Voice(voice) => {
                        format!("{} -{}", voice.payload.first().copied().unwrap_or(0), voice.lost)
                    }
                    What::Paused | What::Resumed | What::Ended => format!("{:?}", record.what),
                });
            }
            read
        }
    }

    #[test]
    fn what_is_read_is_what_was_copied() {
        let mut rig = Rig::new(10_000);
        rig.order(RecordOrder::Begin(ID));
        let payload: Vec<u8> = (0..160).collect();
        rig.now = Time::from_millis(77);
        rig.copy(300, &payload);
        let other = packet(4, &[0x7f; 480]);
        let (now, recorder) = (rig.now, &mut rig.recorder);
        recorder.copy(now, &mut rig.recorded, Side::Ours, Codec::Pcmu, &other);
        let begun = rig.reel.read().expect("begun");
        assert_eq!((begun.recording, begun.what), (ID, What::Begun(LEG)));
        let voice = Voice {
            side: Side::Peer,
            codec: Codec::Pcma,
            lost: 0,
            ssrc: Ssrc(9),
            timestamp: Timestamp(48_000),
            payload: &payload,
        };
        let expected = Record { recording: ID, at: rig.now, what: What::Voice(voice) };
        assert_eq!(rig.reel.read(), Some(expected));
        let what = What::Voice(Voice {
            side: Side::Ours,
            codec: Codec::Pcmu,
            timestamp: Timestamp(640),
            payload: &[0x7f; 480],
            ..voice
        });
        assert_eq!(rig.reel.read(), Some(Record { what, ..expected }));
        assert_eq!(rig.reel.read(), None);
    }

    #[test]
    fn nothing_is_copied_before_between_and_after() {
        let mut rig = Rig::new(10_000);
        rig.copy(0, &[1; 160]);
        rig.order(RecordOrder::Pause);
        rig.order(RecordOrder::Begin(ID));
        rig.copy(1, &[2; 160]);
        rig.order(RecordOrder::Pause);
        rig.order(RecordOrder::Pause);
        rig.copy(2, &[3; 160]);
        rig.order(RecordOrder::Resume);
        rig.copy(3, &[4; 160]);
        rig.order(RecordOrder::End);
        rig.copy(4, &[5; 160]);
        rig.order(RecordOrder::End);
        assert_eq!(
            rig.read(),
            ["begun 0102030405060708", "2 -0", "Paused", "Resumed", "4 -0", "Ended"]
        );
        assert_eq!(rig.reel.lost(), 0);
    }

    #[test]
    fn a_full_ring_loses_packets_and_says_how_many_but_never_a_mark() {
        // Room for the first mark and eight packets.
        let mut rig = Rig::new(HEADER + 8 * (HEADER + 160));
        rig.order(RecordOrder::Begin(ID));
        for at in 0..11 {
            rig.copy(at, &[at as u8; 160]);
        }
        rig.order(RecordOrder::Pause);
        rig.order(RecordOrder::Resume);
        rig.copy(11, &[11; 160]);
        assert_eq!(rig.reel.lost(), 4);
        let read = rig.read();
        assert_eq!(read.len(), 9);
        assert_eq!(read.last().map(String::as_str), Some("7 -0"));
        // There is room again: the marks first, then how many packets are missing.
        rig.copy(12, &[12; 160]);
        rig.copy(13, &[13; 160]);
        assert_eq!(rig.read(), ["Paused", "Resumed", "12 -4", "13 -0"]);
    }

    #[test]
    fn what_is_too_long_to_be_copied_is_lost_and_counted() {
        let mut rig = Rig::new(10_000);
        rig.order(RecordOrder::Begin(ID));
        rig.copy(0, &[1; MAX_PAYLOAD + 1]);
        rig.copy(1, &[2; MAX_PAYLOAD]);
        assert_eq!(rig.read(), ["begun 0102030405060708", "2 -1"]);
        assert_eq!(rig.reel.lost(), 1);
    }
}
