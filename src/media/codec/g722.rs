//! G.722 at 64 kbit/s: two samples at 16 kHz in a byte.

use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};

#[derive(Default)]
pub(super) struct Decoder(G722Decoder);

impl Decoder {
    /// As [`super::Decoder::decode`]. Any bytes are voice of some kind.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> Option<usize> {
        self.0.decode_into(payload, out.get_mut(..payload.len() * 2)?).ok()
    }
}

#[derive(Default)]
pub(super) struct Encoder(G722Encoder);

impl Encoder {
    /// As [`super::Encoder::encode`]; an odd sample at the end is left out.
    pub(super) fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> Option<usize> {
        let (pairs, _) = samples.as_chunks::<2>();
        self.0.encode_into(pairs.as_flattened(), out.get_mut(..pairs.len())?).ok()
    }
}
