//! Opus (RFC 6716) at the rates of telephony.
//!
//! We speak its linear-predictive mode (SILK) at 8 or 16 kHz, which is what carries in-band FEC; we
//! hear all of its modes, whatever the peer chose. Between two legs that both speak Opus packets are
//! relayed, and full band stays full band.

use opus_rs::{Application, OpusDecoder, OpusEncoder};

use super::MAX_SAMPLES;
use crate::media::command::OpusSettings;
use crate::media::rate::Rate;

/// Effort of the encoder, of 10. At 8 kHz more is not heard; at 16 kHz the next step costs twice the time
/// for half a decibel.
const COMPLEXITY: i32 = 1;
/// The share of packets that the encoder takes to be lost when it decides what in-band FEC is worth.
const EXPECTED_LOSS_PERCENT: i32 = 10;
/// A packet whose samples have a root mean square below this is silence: -66 dB of full scale.
const SILENT_RMS: i64 = 16;
/// Silence is sent for this long before it is left out, and once in a while all the same, so that the
/// peer's noise follows ours and nothing on the way forgets us (as the reference encoder does).
const SILENT_BEFORE_MS: usize = 200;
const SILENT_EVERY_MS: usize = 400;

/// How long a packet is, in milliseconds, by its first bytes (RFC 6716 section 3.1).
pub(super) fn packet_ms(payload: &[u8]) -> usize {
    let Some(first) = payload.first() else { return 0 };
    let config = usize::from(first >> 3);
    let frame_us = match config {
        0..12 => [10_000, 20_000, 40_000, 60_000][config % 4],
        12..16 => [10_000, 20_000][config % 2],
        _ => [2_500, 5_000, 10_000, 20_000][config % 4],
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => payload.get(1).map_or(0, |second| usize::from(second & 0x3f)),
    };
    (frames * frame_us as usize).div_ceil(1_000)
}

pub(super) struct Decoder {
    opus: OpusDecoder,
    rate: Rate,
    samples: Box<[f32; MAX_SAMPLES]>,
    /// Samples of the packet before.
    before: usize,
}

impl Decoder {
    pub(super) fn new(rate: Rate) -> Option<Self> {
        let opus = OpusDecoder::new(rate.hz() as i32, 1).ok()?;
        Some(Decoder {
            opus,
            rate,
            samples: Box::new([0.0; MAX_SAMPLES]),
            before: rate.samples(20),
        })
    }

    /// As [`super::Decoder::decode`].
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> Option<usize> {
        // Without a frame the packet is what a peer sends for silence that it leaves out, or nothing
        // at all; the library would take either for a loss of as much as there is room for.
        if payload.len() < 2 {
            return self.recover(None, out);
        }
        let room = self.samples.get_mut(..self.rate.samples(super::MAX_PACKET_MS))?;
        let len = self.opus.decode(payload, room.len(), room).ok()?;
        self.before = len;
        copy(self.samples.get(..len)?, out)
    }

    /// As [`super::Decoder::recover`].
    pub(super) fn recover(&mut self, next: Option<&[u8]>, out: &mut [i16]) -> Option<usize> {
        let room = self.samples.get_mut(..self.before)?;
        let len = match next {
            Some(next) => self.opus.decode_fec(next, room.len(), room),
            None => self.opus.decode(&[], room.len(), room),
        };
        copy(self.samples.get(..len.ok()?)?, out)
    }
}

fn copy(samples: &[f32], out: &mut [i16]) -> Option<usize> {
    for (to, from) in out.get_mut(..samples.len())?.iter_mut().zip(samples) {
        // `as` saturates.
        *to = (from * 32_768.0).round_ties_even() as i16;
    }
    Some(samples.len())
}

pub(super) struct Encoder {
    opus: OpusEncoder,
    rate: Rate,
    /// How long it has been silent, in milliseconds, if silence is left out.
    silent_ms: Option<usize>,
}

impl Encoder {
    pub(super) fn new(rate: Rate, settings: OpusSettings) -> Option<Self> {
        let mut opus = OpusEncoder::new(rate.hz() as i32, 1, Application::Voip).ok()?;
        opus.bitrate_bps = settings.bit_rate_bps.clamp(6_000, 64_000) as i32;
        opus.complexity = COMPLEXITY;
        opus.use_inband_fec = settings.fec;
        opus.packet_loss_perc = if settings.fec { EXPECTED_LOSS_PERCENT } else { 0 };
        Some(Encoder { opus, rate, silent_ms: settings.dtx.then_some(0) })
    }

    /// As [`super::Encoder::encode`].
    pub(super) fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> Option<usize> {
        let len = self.opus.encode_i16(samples, samples.len(), out).ok()?;
        Some(if self.is_left_out(samples) { 0 } else { len })
    }

    /// Whether a packet is of the silence that is left out. It has been encoded all the same, so that
    /// the encoder goes on where the voice does.
    fn is_left_out(&mut self, samples: &[i16]) -> bool {
        let Some(silent_ms) = &mut self.silent_ms else { return false };
        let energy: i64 = samples.iter().map(|sample| i64::from(*sample).pow(2)).sum();
        if energy > SILENT_RMS.pow(2) * samples.len() as i64 {
            *silent_ms = 0;
            return false;
        }
        let before = *silent_ms;
        *silent_ms += samples.len() / self.rate.samples(1);
        let (every, since) = (SILENT_EVERY_MS, silent_ms.saturating_sub(SILENT_BEFORE_MS));
        since > 0 && since / every == before.saturating_sub(SILENT_BEFORE_MS) / every
    }
}
