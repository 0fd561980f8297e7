//! Voice codecs. All legs of this kind speak G.711, so a frame is 160 bytes and converting between
//! its two laws is one table.

pub mod g711;

use super::command::Codec;

impl Codec {
    /// The byte that is silence (comfort silence: zero of the law).
    pub const fn silence(self) -> u8 {
        match self {
            Codec::Pcmu => 0xff,
            Codec::Pcma => 0xd5,
        }
    }

    /// One sample, encoded.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Codec::Pcmu => g711::encode_ulaw(sample),
            Codec::Pcma => g711::encode_alaw(sample),
        }
    }

    /// One byte, decoded.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Codec::Pcmu => g711::decode_ulaw(byte),
            Codec::Pcma => g711::decode_alaw(byte),
        }
    }

    /// The table that turns this codec's bytes into the other's; none if they are the same.
    pub fn table_to(self, other: Codec) -> Option<&'static [u8; 256]> {
        match (self, other) {
            (Codec::Pcmu, Codec::Pcma) => Some(&g711::ULAW_TO_ALAW),
            (Codec::Pcma, Codec::Pcmu) => Some(&g711::ALAW_TO_ULAW),
            (Codec::Pcmu, Codec::Pcmu) | (Codec::Pcma, Codec::Pcma) => None,
        }
    }
}
