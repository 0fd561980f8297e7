//! The RTP fixed header (RFC 3550 section 5.1), read and written.

use rtp_rs::{RtpPacketBuilder, RtpReader, RtpReaderError};

/// Bytes of the fixed header: all that we ever write before a payload.
pub const HEADER_LEN: usize = 12;

/// Synchronisation source (RFC 3550 section 3): who made a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

/// A sequence number; wraps at 2^16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqNo(pub u16);

impl SeqNo {
    /// The number `by` packets later.
    #[must_use]
    pub const fn plus(self, by: u16) -> SeqNo {
        SeqNo(self.0.wrapping_add(by))
    }

    /// How many packets later than `other` this is, by the shorter way round: negative if earlier.
    pub const fn ahead_of(self, other: SeqNo) -> i16 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

/// A media timestamp in samples of the payload's clock (8,000 a second here); wraps at 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub u32);

impl Timestamp {
    /// The instant `samples` later.
    #[must_use]
    pub const fn plus(self, samples: u32) -> Timestamp {
        Timestamp(self.0.wrapping_add(samples))
    }

    /// How many samples later than `other` this is, by the shorter way round: negative if earlier.
    pub const fn ahead_of(self, other: Timestamp) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

/// Why bytes are not an RTP packet, or cannot become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Shorter than its own header says.
    #[error("the packet is cut short")]
    Truncated,
    /// Not version 2: something else than RTP.
    #[error("not RTP version 2")]
    Version,
    /// The padding is longer than the packet, or zero.
    #[error("the padding's length is impossible")]
    Padding,
    /// It does not fit the buffer, or the payload type is above 127.
    #[error("the packet cannot be written")]
    Unwritable,
}

/// A packet's header fields that matter here, and its payload without padding. Contributing
/// sources and header extensions are read over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Who sends.
    pub ssrc: Ssrc,
    /// Which packet.
    pub seq: SeqNo,
    /// When its first sample was taken.
    pub timestamp: Timestamp,
    /// The first of a talkspurt or of a telephone event.
    pub marker: bool,
    /// What the payload is, 0 to 127.
    pub payload_type: u8,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let reader = RtpReader::new(bytes).map_err(|error| match error {
            RtpReaderError::BufferTooShort(_) | RtpReaderError::HeadersTruncated { .. } => {
                PacketError::Truncated
            }
            RtpReaderError::UnsupportedVersion(_) => PacketError::Version,
            RtpReaderError::PaddingLengthInvalid(_) => PacketError::Padding,
        })?;
        Ok(Packet {
            ssrc: Ssrc(reader.ssrc()),
            seq: SeqNo(reader.sequence_number().into()),
            timestamp: Timestamp(reader.timestamp()),
            marker: reader.mark(),
            payload_type: reader.payload_type(),
            payload: reader.payload(),
        })
    }

    /// Writes the packet to the front of `out` and returns its length.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, PacketError> {
        RtpPacketBuilder::new()
            .ssrc(self.ssrc.0)
            .sequence(self.seq.0.into())
            .timestamp(self.timestamp.0)
            .marked(self.marker)
            .payload_type(self.payload_type)
            .payload(self.payload)
            .build_into(out)
            .map_err(|_| PacketError::Unwritable)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_packet_reads_back_as_it_was_written(
            ssrc: u32, seq: u16, timestamp: u32, marker: bool, payload_type in 0u8..128,
            payload in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let packet = Packet {
                ssrc: Ssrc(ssrc),
                seq: SeqNo(seq),
                timestamp: Timestamp(timestamp),
                marker,
                payload_type,
                payload: &payload,
            };
            let mut bytes = [0; 500];
            let len = packet.write(&mut bytes).expect("fits");
            prop_assert_eq!(len, HEADER_LEN + payload.len());
            prop_assert_eq!(Packet::parse(&bytes[..len]), Ok(packet));
        }

        #[test]
        fn any_bytes_are_read_or_refused_and_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            first in prop_oneof![Just(0x80u8), Just(0xb0), Just(0xbf), any::<u8>()],
        ) {
            let mut bytes = bytes;
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + HEADER_LEN <= bytes.len());
            }
        }
    }

    #[test]
    fn padding_and_extension_are_not_taken_for_voice() {
        let mut bytes = vec![0xb0, 0x00, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        bytes.extend([7, 7, 7, 0, 2]);
        let packet = Packet::parse(&bytes).expect("reads");
        assert_eq!(packet.payload, [7, 7, 7]);
        bytes.truncate(14);
        assert_eq!(Packet::parse(&bytes), Err(PacketError::Truncated));
    }

    #[test]
    fn numbers_compare_by_the_shorter_way_round() {
        assert_eq!(SeqNo(2).ahead_of(SeqNo(0xfffe)), 4);
        assert_eq!(SeqNo(0xfffe).ahead_of(SeqNo(2)), -4);
        assert_eq!(SeqNo(0xffff).plus(1), SeqNo(0));
        assert_eq!(Timestamp(80).ahead_of(Timestamp(u32::MAX - 79)), 160);
    }

    #[test]
    fn a_packet_that_does_not_fit_is_refused() {
        let packet = Packet {
            ssrc: Ssrc(1),
            seq: SeqNo(1),
            timestamp: Timestamp(1),
            marker: false,
            payload_type: 0,
            payload: &[0; 160],
        };
        assert_eq!(packet.write(&mut [0; 100]), Err(PacketError::Unwritable));
    }
}
