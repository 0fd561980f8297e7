//! Voice codecs: what is fixed about each, and their decoders and encoders.
//!
//! Linear voice is 16 bits at one of two rates. A [`Decoder`] and an [`Encoder`] convert between
//! them where the codec's own rate is another, so that whoever works with samples never does.

pub mod comfort_noise;
pub mod g711;
mod g722;
mod opus;

use std::fmt;

pub use g711::Law;

pub use super::command::OpusSettings;

use super::command::Codec;
use super::rate::{Converter, Rate};

/// The longest packet, in milliseconds, that is decoded, and that any codec here can make (RFC 6716
/// section 2.1.4).
pub const MAX_PACKET_MS: usize = 120;
/// Room for the samples of one packet at any rate.
pub const MAX_SAMPLES: usize = 16 * MAX_PACKET_MS;
/// Room for one encoded packet (RFC 6716 section 3.4 bounds an Opus frame; G.711 has 960 bytes at
/// most).
pub const MAX_BYTES: usize = 1_275;

impl Codec {
    /// Every codec.
    pub const ALL: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

    /// Its name in SDP (RFC 3551, RFC 7587).
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }

    /// Ticks of its RTP clock in a second. G.722's is half of its sample rate, by an old mistake that
    /// stays (RFC 3551 section 4.5.2); Opus' is always the same (RFC 7587 section 4.1).
    pub const fn clock_hz(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// Channels in SDP: Opus says 2 whatever it carries (RFC 7587 section 7).
    pub const fn channels(self) -> u8 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 1,
            Codec::Opus => 2,
        }
    }

    /// The rate of its linear samples, of ours: Opus could have more, and telephony does not.
    pub const fn rate(self) -> Rate {
        match self {
            Codec::Pcmu | Codec::Pcma => Rate::Narrow,
            Codec::G722 | Codec::Opus => Rate::Wide,
        }
    }

    /// How long a packet's voice is, in milliseconds, begun ones counted.
    pub fn packet_ms(self, payload: &[u8]) -> usize {
        match self {
            // Of all three a millisecond has eight bytes.
            Codec::Pcmu | Codec::Pcma | Codec::G722 => payload.len().div_ceil(8),
            Codec::Opus => opus::packet_ms(payload),
        }
    }

    /// The payload type that means it without any mapping (RFC 3551 section 6).
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::Opus => None,
        }
    }

    /// The law, if it is G.711.
    pub const fn law(self) -> Option<Law> {
        match self {
            Codec::Pcmu => Some(Law::Mu),
            Codec::Pcma => Some(Law::A),
            Codec::G722 | Codec::Opus => None,
        }
    }
}

/// Turns one stream's packets into linear voice. Made once for a stream; decoding allocates nothing.
pub struct Decoder {
    codec: Codec,
    state: Decoding,
    convert: Option<Stage>,
}

enum Decoding {
    G711(Law),
    G722(Box<g722::Decoder>),
    Opus(Box<opus::Decoder>),
}

/// A conversion of rates and the room before it.
struct Stage {
    converter: Converter,
    samples: Box<[i16; MAX_SAMPLES]>,
}

impl Stage {
    /// None inside if the rates are the same; none at all if they cannot be converted.
    fn between(from: Rate, to: Rate) -> Option<Option<Stage>> {
        if from == to {
            return Some(None);
        }
        let converter = Converter::new(from, to)?;
        Some(Some(Stage { converter, samples: Box::new([0; MAX_SAMPLES]) }))
    }
}

impl Decoder {
    /// A decoder to samples at `rate`. None only if a library refuses what it always takes.
    pub fn new(codec: Codec, rate: Rate) -> Option<Self> {
        let state = match codec {
            Codec::Pcmu => Decoding::G711(Law::Mu),
            Codec::Pcma => Decoding::G711(Law::A),
            Codec::G722 => Decoding::G722(Box::default()),
            Codec::Opus => Decoding::Opus(Box::new(opus::Decoder::new(rate)?)),
        };
        // Opus decodes to either rate by itself.
        let native = if codec == Codec::Opus { rate } else { codec.rate() };
        Some(Decoder { codec, state, convert: Stage::between(native, rate)? })
    }

    /// What it decodes.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Decodes a packet's payload to the front of `out` and says how many samples there are. None if
    /// the payload is not of this codec, longer than [`MAX_PACKET_MS`], or `out` too short
    /// ([`MAX_SAMPLES`] never is).
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> Option<usize> {
        self.convert_to(out, |state, out| match state {
            Decoding::G711(law) => {
                let out = out.get_mut(..payload.len())?;
                for (sample, byte) in out.iter_mut().zip(payload) {
                    *sample = law.decode(*byte);
                }
                Some(payload.len())
            }
            Decoding::G722(g722) => g722.decode(payload, out),
            Decoding::Opus(opus) => opus.decode(payload, out),
        })
    }

    /// What a lost packet held, as far as the codec itself can tell: rebuilt from what `next`, the
    /// packet after it, says of it (in-band FEC), else guessed. As long as the packet before. None
    /// where the codec has no such means. `next` is still to be decoded.
    pub fn recover(&mut self, next: Option<&[u8]>, out: &mut [i16]) -> Option<usize> {
        self.convert_to(out, |state, out| match state {
            Decoding::G711(_) | Decoding::G722(_) => None,
            Decoding::Opus(opus) => opus.recover(next, out),
        })
    }

    fn convert_to(
        &mut self,
        out: &mut [i16],
        decode: impl FnOnce(&mut Decoding, &mut [i16]) -> Option<usize>,
    ) -> Option<usize> {
        match &mut self.convert {
            None => decode(&mut self.state, out),
            Some(Stage { converter, samples }) => {
                let len = decode(&mut self.state, &mut samples[..])?;
                converter.convert(samples.get(..len)?, out)
            }
        }
    }
}

/// Turns linear voice into one stream's packets. Made once for a stream; encoding allocates nothing.
pub struct Encoder {
    codec: Codec,
    state: Encoding,
    convert: Option<Stage>,
}

enum Encoding {
    G711(Law),
    G722(Box<g722::Encoder>),
    Opus(Box<opus::Encoder>),
}

impl Encoder {
    /// An encoder of samples at `rate`; `settings` are for Opus. None only if a library refuses what it
    /// always takes.
    pub fn new(codec: Codec, rate: Rate, settings: OpusSettings) -> Option<Self> {
        let state = match codec {
            Codec::Pcmu => Encoding::G711(Law::Mu),
            Codec::Pcma => Encoding::G711(Law::A),
            Codec::G722 => Encoding::G722(Box::default()),
            Codec::Opus => Encoding::Opus(Box::new(opus::Encoder::new(rate, settings)?)),
        };
        let native = if codec == Codec::Opus { rate } else { codec.rate() };
        Some(Encoder { codec, state, convert: Stage::between(rate, native)? })
    }

    /// What it encodes.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Encodes one packet of samples to the front of `out` and says how many bytes there are; 0 if
    /// nothing is to be sent (an Opus peer that wants silence left out). For Opus, 10, 20, 40 or 60 ms
    /// of samples. None if it cannot be that many, or `out` is too short ([`MAX_BYTES`] never is).
    pub fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> Option<usize> {
        let samples = match &mut self.convert {
            None => samples,
            Some(Stage { converter, samples: converted }) => {
                let len = converter.convert(samples, &mut converted[..])?;
                converted.get(..len)?
            }
        };
        match &mut self.state {
            Encoding::G711(law) => {
                let out = out.get_mut(..samples.len())?;
                for (byte, sample) in out.iter_mut().zip(samples) {
                    *byte = law.encode(*sample);
                }
                Some(samples.len())
            }
            Encoding::G722(g722) => g722.encode(samples, out),
            Encoding::Opus(opus) => opus.encode(samples, out),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("codec", &self.codec).finish_non_exhaustive()
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("codec", &self.codec).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
