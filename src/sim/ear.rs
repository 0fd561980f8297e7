//! What a phone has heard: the last seconds of decoded audio in the order of their timestamps.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

use super::tone::{self, RATE_HZ};

/// How many samples are kept: two seconds.
const KEPT: usize = 2 * RATE_HZ as usize;
/// Below this root mean square it counts as silence; G.711's idle noise is 8.
const SILENCE: f64 = 40.0;
/// Packets that stay away for longer than this are silence, whatever was heard before.
const QUIET_AFTER: Duration = Duration::from_millis(60);

/// What somebody waits to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing audible.
    Silence,
    /// Music, speech, a tone: anything audible.
    Sound,
    /// A tone, in hertz.
    Tone(u32),
    /// One of several tones, in hertz: somebody of a team.
    AnyOf(Vec<u32>),
}

/// A bounded memory of audio.
#[derive(Debug, Clone, Default)]
pub struct Ear {
    samples: VecDeque<i16>,
    end: Option<u32>,
    last_at: Option<Time>,
    packets: u64,
}

impl Ear {
    /// Takes in a packet's samples, whose first has the RTP timestamp `timestamp`. Gaps become
    /// silence; a late packet is put where it belongs.
    pub fn hear(&mut self, now: Time, timestamp: u32, samples: &[i16]) {
        self.packets += 1;
        self.last_at = Some(now);
        let length = u32::try_from(samples.len()).unwrap_or(0);
        // Signed distance from the end of what is known (RFC 3550 section 5.1: timestamps wrap).
        let ahead = self.end.map_or(0, |end| timestamp.wrapping_sub(end) as i32);
        match usize::try_from(ahead) {
            Ok(gap) => {
                if gap > KEPT {
                    self.samples.clear();
                } else {
                    self.samples.extend(std::iter::repeat_n(0, gap));
                }
                self.samples.extend(samples);
                self.end = Some(timestamp.wrapping_add(length));
            }
            Err(_) => {
                let back = ahead.unsigned_abs() as usize;
                if back > KEPT {
                    // A new sender whose clock starts elsewhere.
                    self.samples.clear();
                    self.samples.extend(samples);
                    self.end = Some(timestamp.wrapping_add(length));
                } else if let Some(from) = self.samples.len().checked_sub(back) {
                    for (kept, heard) in self.samples.range_mut(from..).zip(samples) {
                        *kept = *heard;
                    }
                }
            }
        }
        let surplus = self.samples.len().saturating_sub(KEPT);
        self.samples.drain(..surplus);
    }

    /// Forgets everything: a new call.
    pub fn clear(&mut self) {
        *self = Ear::default();
    }

    /// Packets taken in since the call began.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// When the last packet came.
    pub fn last_at(&self) -> Option<Time> {
        self.last_at
    }

    /// The last `ms` milliseconds heard; fewer if less is known.
    pub fn last(&self, ms: u32) -> Vec<i16> {
        let wanted = (ms * RATE_HZ / 1_000) as usize;
        let from = self.samples.len().saturating_sub(wanted);
        self.samples.range(from..).copied().collect()
    }

    /// The strongest frequency of the last `ms` milliseconds, in hertz.
    pub fn frequency(&self, ms: u32) -> Option<f64> {
        tone::dominating(&self.last(ms), RATE_HZ).map(|(hz, _)| hz)
    }

    /// Whether `what` has been heard through the last 100 ms up to `now`.
    pub fn hears(&self, now: Time, what: &Expect) -> bool {
        let fresh = self.last_at.is_some_and(|at| now.since(at) <= QUIET_AFTER);
        let heard = self.last(100);
        let audible = fresh && heard.len() >= 800 && tone::level(&heard) > SILENCE;
        let tone = |hz: u32| audible && tone::share(&heard, f64::from(hz), RATE_HZ) > 0.7;
        match what {
            Expect::Silence => !fresh || (heard.len() >= 800 && !audible),
            Expect::Sound => audible,
            Expect::Tone(hz) => tone(*hz),
            Expect::AnyOf(tones) => tones.iter().any(|hz| tone(*hz)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tone::Sound;
    use super::*;

    fn packet(hz: u32, first: u64) -> Vec<i16> {
        (first..first + 160).map(|at| Sound::Tone(hz).sample(at)).collect()
    }

    #[test]
    fn packets_out_of_order_and_lost_ones_leave_a_tone_recognisable() {
        let mut ear = Ear::default();
        let start = 4_294_967_000_u32;
        for at in [0_u64, 2, 1, 3, 4, 6, 7, 8, 9, 10] {
            let now = Time::from_millis(at * 20);
            ear.hear(now, start.wrapping_add(at as u32 * 160), &packet(425, at * 160));
        }
        let now = Time::from_millis(200);
        assert!(ear.hears(now, &Expect::Tone(425)) && !ear.hears(now, &Expect::Tone(600)));
        assert!((ear.frequency(200).expect("tone") - 425.0).abs() < 6.0);
        assert!(ear.hears(now, &Expect::AnyOf(vec![300, 425])));
    }

    #[test]
    fn no_packets_for_a_while_is_silence() {
        let mut ear = Ear::default();
        for at in 0..10_u64 {
            ear.hear(Time::from_millis(at * 20), at as u32 * 160, &packet(425, at * 160));
        }
        assert!(ear.hears(Time::from_millis(185), &Expect::Sound));
        assert!(ear.hears(Time::from_millis(400), &Expect::Silence));
        assert!(!ear.hears(Time::from_millis(400), &Expect::Tone(425)));
    }

    #[test]
    fn memory_stays_bounded_whatever_the_timestamps() {
        let mut ear = Ear::default();
        for (at, stamp) in [0_u32, 1 << 30, 3 << 30, 160, u32::MAX].into_iter().enumerate() {
            ear.hear(Time::from_millis(at as u64), stamp, &[1; 1000]);
        }
        for at in 0..400_u32 {
            ear.hear(Time::from_millis(500), at * 1000, &[1; 1000]);
        }
        assert!(ear.last(100_000).len() <= KEPT);
    }
}
