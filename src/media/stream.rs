//! What a peer sends, as an even run of samples: its packets wait, are decoded and played in time.

use super::codec::{Decoder, MAX_BYTES, MAX_PACKET_MS};
use super::command::Codec;
use super::jitter::{Jitter, JitterCounters};
use super::playout::{Decode, Playout};
use super::rate::Rate;
use crate::rtp::packet::Packet;
use crate::rtp::sequence::Arrival;
use crate::time::Time;

/// One stream. Memory is taken at the beginning only.
#[derive(Debug)]
pub(super) struct Stream {
    jitter: Jitter,
    decoding: Decoding,
    playout: Playout,
}

impl Stream {
    /// The samples of a stream of `codec` at `rate`. None only if a library refuses what it always
    /// takes.
    pub(super) fn new(codec: Codec, rate: Rate) -> Option<Self> {
        let longest = match codec {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8 * MAX_PACKET_MS,
            Codec::Opus => MAX_BYTES,
        };
        let decoder = Decoder::new(codec, rate)?;
        Some(Stream {
            jitter: Jitter::new(codec.clock_hz(), longest),
            decoding: Decoding { decoder, rate, clock_hz: codec.clock_hz() },
            playout: Playout::new(rate.hz()),
        })
    }

    pub(super) fn codec(&self) -> Codec {
        self.decoding.decoder.codec()
    }

    pub(super) fn rate(&self) -> Rate {
        self.decoding.rate
    }

    /// Takes in a packet of the stream; `voice` is false for what has a number in it and no place in
    /// the voice.
    pub(super) fn insert(&mut self, now: Time, packet: &Packet<'_>, arrival: Arrival, voice: bool) {
        if arrival == Arrival::Fresh {
            self.jitter.restart();
        }
        self.jitter.insert(now, packet, voice);
    }

    /// Fills `frame` with what is to be heard at `now`; false if it is silence, because the peer
    /// pauses.
    pub(super) fn play(&mut self, now: Time, frame: &mut [i16]) -> bool {
        self.playout.play(now, &mut self.jitter, &mut self.decoding, frame)
    }

    /// What became of its packets.
    pub(super) fn counters(&self) -> JitterCounters {
        self.jitter.counters()
    }
}

#[derive(Debug)]
struct Decoding {
    decoder: Decoder,
    rate: Rate,
    clock_hz: u32,
}

impl Decode for Decoding {
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        self.decoder.decode(payload, samples).unwrap_or(0)
    }

    fn recover(&mut self, following: &[u8], samples: &mut [i16]) -> usize {
        self.decoder.recover(Some(following), samples).unwrap_or(0)
    }

    fn units(&self, samples: usize) -> u32 {
        (samples as u64 * u64::from(self.clock_hz) / u64::from(self.rate.hz())) as u32
    }

    fn samples(&self, units: u32) -> usize {
        (u64::from(units) * u64::from(self.rate.hz()) / u64::from(self.clock_hz)) as usize
    }
}
