//! Keys as named telephone events (RFC 4733).
//!
//! A press is told by several packets that share one timestamp: some while it lasts, then the end,
//! sent three times. Any of them may be lost, doubled or late. A press is reported at the first of
//! its packets that comes, because a caller who presses a key wants the prompt to stop at once.

use super::packet::{Packet, SeqNo, Ssrc, Timestamp};

/// A packet that belongs to a press this long before the newest is late; one still further behind
/// comes from a sender whose timestamps began afresh. In samples: 10 s.
const LATE_WITHIN: i32 = 80_000;
/// A press that outlasts the duration field goes on in a segment whose timestamp is later by the
/// full field (RFC 4733 section 2.5.1.3). Senders round it to whole frames.
const SEGMENT: std::ops::RangeInclusive<i32> = 0xffff - 480..=0xffff + 480;

/// One packet's payload (RFC 4733 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Which event; 0 to 15 are keys.
    pub event: u8,
    /// The E bit: the event is over.
    pub end: bool,
    /// The power of the tone in -dBm0, 0 to 63.
    pub volume: u8,
    /// How long it has lasted, in samples.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload; none if it is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low] = *payload.first_chunk::<4>()?;
        Some(TelephoneEvent {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload.
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | (self.volume & 0x3f), high, low]
    }
}

/// Tells presses apart.
#[derive(Debug, Clone, Default)]
pub struct Presses {
    last: Option<Press>,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    ssrc: Ssrc,
    event: u8,
    timestamp: Timestamp,
    newest: SeqNo,
    ended: bool,
}

impl Presses {
    /// Takes in a packet of the negotiated payload type; the event if it is a press not yet told.
    pub fn note(&mut self, packet: &Packet<'_>) -> Option<u8> {
        let told = TelephoneEvent::parse(packet.payload)?;
        let press = Press {
            ssrc: packet.ssrc,
            event: told.event,
            timestamp: packet.timestamp,
            newest: packet.seq,
            ended: told.end,
        };
        let Some(last) = self.last.as_mut().filter(|last| last.ssrc == packet.ssrc) else {
            self.last = Some(press);
            return Some(told.event);
        };
        let later = packet.timestamp.ahead_of(last.timestamp);
        let newer = packet.seq.ahead_of(last.newest) > 0;
        let same = told.event == last.event;
        // Some gateways never move the timestamp: there the marker tells presses apart.
        let began_again = newer && packet.marker && last.ended && !told.end;
        let segment = same && SEGMENT.contains(&later) && !last.ended;
        let known = if later == 0 {
            (same && !began_again) || !newer
        } else if segment {
            last.timestamp = packet.timestamp;
            true
        } else {
            later < 0 && later > -LATE_WITHIN
        };
        if known {
            if newer && same && later >= 0 {
                last.newest = packet.seq;
                last.ended = told.end;
            }
            return None;
        }
        *last = press;
        Some(told.event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The packets of one press as RFC 4733 section 2.5.1 has them: every 20 ms, the end three times.
    fn press(event: u8, seq: &mut u16, timestamp: u32, frames: u16) -> Vec<Sent> {
        let mut packets = Vec::new();
        for frame in 1..=frames {
            packets.push(Sent::new(event, false, *seq, timestamp, frame * 160, frame == 1));
            *seq = seq.wrapping_add(1);
        }
        for _ in 0..3 {
            packets.push(Sent::new(event, true, *seq, timestamp, frames * 160, false));
            *seq = seq.wrapping_add(1);
        }
        packets
    }

    #[derive(Debug, Clone)]
    struct Sent {
        seq: u16,
        timestamp: u32,
        marker: bool,
        payload: [u8; 4],
    }

    impl Sent {
        fn new(e: u8, end: bool, seq: u16, timestamp: u32, duration: u16, marker: bool) -> Self {
            let payload = TelephoneEvent { event: e, end, volume: 10, duration }.to_bytes();
            Sent { seq, timestamp, marker, payload }
        }

        fn packet(&self) -> Packet<'_> {
            Packet {
                ssrc: Ssrc(5),
                seq: SeqNo(self.seq),
                timestamp: Timestamp(self.timestamp),
                marker: self.marker,
                payload_type: 101,
                payload: &self.payload,
            }
        }
    }

    fn told(packets: &[Sent]) -> Vec<u8> {
        let mut presses = Presses::default();
        packets.iter().filter_map(|sent| presses.note(&sent.packet())).collect()
    }

    #[test]
    fn a_press_is_told_once_at_its_first_packet() {
        let packets = press(5, &mut 100, 1_000, 6);
        assert_eq!(told(&packets[..1]), [5]);
        assert_eq!(told(&packets), [5]);
    }

    #[test]
    fn a_lost_start_or_a_lost_end_changes_nothing() {
        let mut seq = 65_530;
        let first = press(1, &mut seq, u32::MAX - 100, 5);
        let second = press(1, &mut seq, 3_000, 5);
        let packets = [&first[1..5], &second[4..]].concat();
        assert_eq!(told(&packets), [1, 1]);
    }

    #[test]
    fn the_same_key_twice_is_two_presses_and_a_long_press_is_one() {
        let mut seq = 0;
        let twice = [press(3, &mut seq, 0, 3), press(3, &mut seq, 4_000, 3)].concat();
        assert_eq!(told(&twice), [3, 3]);
        assert_eq!(told(&press(3, &mut seq, 90_000, 400)), [3]);
    }

    #[test]
    fn a_press_longer_than_the_duration_field_is_one() {
        let mut packets = Vec::new();
        for segment in 0..3u32 {
            for frame in 1..=409u16 {
                let seq = packets.len() as u16;
                packets.push(Sent::new(9, false, seq, segment * 0xffff, frame * 160, seq == 0));
            }
        }
        assert_eq!(told(&packets), [9]);
    }

    #[test]
    fn an_end_that_comes_late_after_the_next_press_is_not_a_press() {
        let mut seq = 0;
        let first = press(1, &mut seq, 0, 3);
        let second = press(2, &mut seq, 2_000, 3);
        let packets = [&first[..5], &second[..2], &first[5..], &second[2..]].concat();
        assert_eq!(told(&packets), [1, 2]);
    }

    #[test]
    fn a_sender_that_never_moves_the_timestamp_still_has_its_presses_told_apart() {
        let mut seq = 0;
        let packets =
            [press(4, &mut seq, 0, 3), press(4, &mut seq, 0, 3), press(6, &mut seq, 0, 3)].concat();
        assert_eq!(told(&packets), [4, 4, 6]);
    }

    #[test]
    fn timestamps_that_begin_afresh_do_not_deafen() {
        let mut seq = 0;
        let packets = [press(4, &mut seq, 2_000_000, 3), press(4, &mut seq, 1_000, 3)].concat();
        assert_eq!(told(&packets), [4, 4]);
    }

    #[test]
    fn a_payload_that_is_too_short_is_nothing() {
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }

    proptest! {
        /// Loss, doubling and reordering within a press never lose or double one of which a packet
        /// came, however the keys repeat.
        #[test]
        fn each_press_of_which_anything_came_is_told_exactly_once_and_in_order(
            keys in proptest::collection::vec((0u8..16, 1u16..30, 1u32..50), 1..12),
            first_seq: u16,
            first_timestamp: u32,
            fates in proptest::collection::vec((0u8..10, 0usize..4), 600),
        ) {
            let (mut seq, mut timestamp) = (first_seq, first_timestamp);
            let (mut arriving, mut expected) = (Vec::new(), Vec::new());
            let mut fates = fates.into_iter();
            for (key, frames, pause) in keys {
                let mut came = Vec::new();
                for sent in press(key, &mut seq, timestamp, frames) {
                    match fates.next().unwrap_or((9, 0)) {
                        (0..=2, _) => {}
                        (3, _) => came.extend([sent.clone(), sent]),
                        (4, back) => came.insert(came.len().saturating_sub(back), sent),
                        _ => came.push(sent),
                    }
                }
                if !came.is_empty() {
                    expected.push(key);
                }
                arriving.extend(came);
                timestamp = timestamp.wrapping_add((u32::from(frames) + 3 + pause) * 160);
            }
            prop_assert_eq!(told(&arriving), expected);
        }

        #[test]
        fn any_packets_never_panic(
            packets in proptest::collection::vec(
                (any::<u32>(), any::<u16>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..6)),
                0..40,
            ),
        ) {
            let mut presses = Presses::default();
            for (timestamp, seq, marker, payload) in &packets {
                presses.note(&Packet {
                    ssrc: Ssrc(1),
                    seq: SeqNo(*seq),
                    timestamp: Timestamp(*timestamp),
                    marker: *marker,
                    payload_type: 101,
                    payload,
                });
            }
        }
    }
}
