//! What is played of a stream: packets from its [`Jitter`] buffer become an even run of samples.
//!
//! Whatever was lost is concealed. When the stream is later than it should be (a clock that
//! gains, a path that became even) a period of the voice is left out now and then; when it is earlier,
//! one is repeated. Both happen where they are not heard: in silence, and where the voice repeats
//! itself; only when it is much too late, anywhere.

use super::jitter::{Jitter, Next};
use super::plc::Concealer;
use super::stretch;
use crate::time::Time;

/// The longest payload that is decoded: 120 ms (RFC 6716 section 2.1.4).
const LONGEST_MS: usize = 120;
/// How much later or earlier than it should be the stream may be, in microseconds.
const LATE_US: i64 = 15_000;
const EARLY_US: i64 = -10_000;
/// So late that periods are left out anywhere.
const MUCH_TOO_LATE_US: i64 = 80_000;

/// Turns payloads into samples.
pub trait Decode {
    /// Decodes a payload to the front of `samples` and returns how many there are; 0 if it cannot be
    /// decoded.
    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize;

    /// Decodes to the front of `samples` what `following` tells of the payload before it, which was
    /// lost; 0 if it tells nothing.
    fn recover(&mut self, following: &[u8], samples: &mut [i16]) -> usize {
        let (_, _) = (following, samples);
        0
    }

    /// Units of the timestamp's clock for so many samples.
    fn units(&self, samples: usize) -> u32;

    /// Samples for so many units of the timestamp's clock.
    fn samples(&self, units: u32) -> usize;
}

/// What is counted of what was played, in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlayoutCounters {
    /// Made up where something was missing.
    pub concealed: u64,
    /// Left out, to be earlier.
    pub left_out: u64,
    /// Repeated, to be later.
    pub repeated: u64,
    /// Payloads that could not be decoded.
    pub undecodable: u64,
}

/// The decoded side of one stream. Memory is taken at the beginning only.
#[derive(Debug)]
pub struct Playout {
    rate_hz: u32,
    ready: Box<[i16]>,
    len: usize,
    /// Samples of the packet that was decoded last: what is lost is as long, most likely.
    packet: usize,
    concealer: Concealer,
    counters: PlayoutCounters,
}

impl Playout {
    /// Plays samples at `rate_hz`.
    pub fn new(rate_hz: u32) -> Self {
        let room = (LONGEST_MS * 2 + 40) * rate_hz as usize / 1_000;
        Playout {
            rate_hz,
            ready: vec![0; room].into(),
            len: 0,
            packet: 0,
            concealer: Concealer::new(rate_hz),
            counters: PlayoutCounters::default(),
        }
    }

    /// Samples in a second.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// What has been counted.
    pub fn counters(&self) -> PlayoutCounters {
        self.counters
    }

    /// Fills `frame` with what is to be heard at `now`; false if the peer pauses, so that it is
    /// silence.
    pub fn play(
        &mut self,
        now: Time,
        jitter: &mut Jitter,
        decoder: &mut impl Decode,
        frame: &mut [i16],
    ) -> bool {
        let sounds = self.fill(now, jitter, decoder, frame.len());
        self.keep_time(now, jitter, decoder, frame.len());
        let len = frame.len().min(self.len);
        let (heard, rest) = frame.split_at_mut(len);
        heard.copy_from_slice(&self.ready[..len]);
        rest.fill(0);
        self.ready.copy_within(len..self.len, 0);
        self.len -= len;
        sounds
    }

    /// Decodes or conceals until `wanted` samples are ready; false if all of it is a pause.
    fn fill(
        &mut self,
        now: Time,
        jitter: &mut Jitter,
        decoder: &mut impl Decode,
        wanted: usize,
    ) -> bool {
        let mut sounds = self.len > 0;
        while self.len < wanted {
            let missing = wanted - self.len;
            let room = &mut self.ready[self.len..];
            let (wanted, at_once) = (decoder.units(missing).max(1), decoder.units(self.packet));
            match jitter.next(now, wanted, at_once) {
                Next::Voice(payload) => {
                    let len = decoder.decode(payload, room).min(room.len());
                    self.counters.undecodable += u64::from(len == 0);
                    self.packet = len;
                    self.concealer.good(&mut room[..len]);
                    self.len += len;
                    jitter.played(decoder.units(len));
                    sounds = true;
                }
                Next::Lost { units, following } => {
                    let len = decoder.samples(units).min(room.len());
                    let recovered = following.map_or(0, |next| decoder.recover(next, room));
                    if recovered == len && len > 0 {
                        self.concealer.good(&mut room[..len]);
                    } else {
                        self.concealer.conceal(&mut room[..len]);
                        self.counters.concealed += len as u64;
                    }
                    // A gap shorter than a sample: the next turn plays what follows it.
                    self.len += len;
                    sounds = true;
                }
                Next::Dry => {
                    self.concealer.conceal(&mut room[..missing]);
                    self.counters.concealed += missing as u64;
                    self.len += missing;
                    sounds = true;
                }
                Next::Pause => {
                    self.concealer.conceal(&mut room[..missing]);
                    self.len += missing;
                }
            }
        }
        sounds
    }

    /// Leaves out or repeats a period if what is played is later or earlier than it should be.
    fn keep_time(
        &mut self,
        now: Time,
        jitter: &mut Jitter,
        decoder: &mut impl Decode,
        frame: usize,
    ) {
        let Some(surplus) = jitter.surplus_us(now, decoder.units(self.len)) else { return };
        if surplus > LATE_US {
            let wanted = frame + stretch::most(self.rate_hz);
            while self.len < wanted && jitter.has_next() {
                self.fill(now, jitter, decoder, self.len + 1);
            }
            if self.len < wanted {
                return;
            }
            let anywhere = surplus > MUCH_TOO_LATE_US;
            let len = stretch::shrink(&mut self.ready[..self.len], self.rate_hz, anywhere);
            self.counters.left_out += (self.len - len) as u64;
            self.len = len;
        } else if surplus < EARLY_US {
            let len = stretch::expand(&mut self.ready, self.len, self.rate_hz, false);
            self.counters.repeated += (len - self.len) as u64;
            self.len = len;
        }
    }
}

#[cfg(test)]
mod tests;
