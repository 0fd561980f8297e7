//! Where an utterance begins and ends in what comes from a leg, by voice activity.

use std::collections::VecDeque;
use std::time::Duration;

use super::expected::Expected;
use crate::media::FRAME;
use crate::media::tap::FRAME_SAMPLES;
use crate::media::vad::{Speech, Vad};

/// Frames that are kept from before speech is noticed: the detector takes some 100 ms to be sure, and
/// a soft consonant at the beginning comes before that.
const BEFORE: usize = 20;

/// A line's noise may be taken for a voice that goes on for ever: what is so much fainter than the loudest
/// of the utterance is nobody any more, as a ratio of powers (18 dB).
const FAINTER: f32 = 63.0;
/// The share of a frame in what counts as loud: 100 ms of it, so that a click is not.
const SHARE: f32 = 0.2;

/// Finds one utterance in frames of 20 ms at 16 kHz.
#[derive(Debug)]
pub struct Endpoint {
    vad: Vad,
    before: VecDeque<[i16; FRAME_SAMPLES]>,
    speaks: bool,
    /// Frames since it began.
    frames: u32,
    most_frames: u32,
    /// The power of the last 100 ms, and the most that it has been.
    power: f32,
    loudest: f32,
    /// Frames in a row that were faint, and how many of them end it.
    faint: u32,
    pause_frames: u32,
}

/// What a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Not of an utterance.
    Nothing,
    /// Of the utterance, with what came just before it where it begins.
    Speech(Vec<i16>),
    /// The last one.
    End(Vec<i16>),
}

impl Endpoint {
    /// For an utterance of what is expected, which ends at the latest when it is so long.
    pub fn new(expected: &Expected, longest: Duration) -> Self {
        Endpoint {
            vad: Vad::new(expected.pause()),
            before: VecDeque::with_capacity(BEFORE),
            speaks: false,
            frames: 0,
            power: 0.0,
            loudest: 0.0,
            faint: 0,
            pause_frames: (expected.pause().as_millis() / FRAME.as_millis()) as u32,
            most_frames: (longest.as_millis() / FRAME.as_millis()).clamp(1, 100_000) as u32,
        }
    }

    /// Takes in the next frame.
    pub fn hear(&mut self, frame: &[i16; FRAME_SAMPLES]) -> Found {
        let changed = self.vad.hear(frame);
        if !self.speaks {
            if self.before.len() == BEFORE {
                self.before.pop_front();
            }
            self.before.push_back(*frame);
            if changed != Some(Speech::Began) {
                return Found::Nothing;
            }
            self.speaks = true;
            let before: Vec<i16> = self.before.drain(..).flatten().collect();
            before.as_chunks().0.iter().for_each(|frame| self.weigh(frame));
            return Found::Speech(before);
        }
        self.frames += 1;
        self.weigh(frame);
        let over = self.faint >= self.pause_frames || self.frames >= self.most_frames;
        if over || changed == Some(Speech::Ended) {
            return Found::End(frame.to_vec());
        }
        Found::Speech(frame.to_vec())
    }

    /// Whether a frame is faint beside what was the loudest.
    fn weigh(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        let sum: f32 = frame.iter().map(|sample| f32::from(*sample).powi(2)).sum();
        self.power += SHARE * (sum / FRAME_SAMPLES as f32 - self.power);
        self.loudest = self.loudest.max(self.power);
        self.faint = if self.power * FAINTER < self.loudest { self.faint + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Entropy;

    /// Which frames it begins and ends at.
    fn found(samples: &[i16], longest: Duration) -> (Option<usize>, Option<usize>) {
        let mut endpoint = Endpoint::new(&Expected::YesNo, longest);
        let (mut began, mut ended) = (None, None);
        for (at, frame) in samples.as_chunks().0.iter().enumerate() {
            match endpoint.hear(frame) {
                Found::Nothing => {}
                Found::Speech(_) => began = began.or(Some(at)),
                Found::End(_) => ended = ended.or(Some(at)),
            }
        }
        (began, ended)
    }

    /// A voice for a second and a half, in noise of some peak that goes on for eight seconds.
    fn voice_in_noise(peak: u32) -> Vec<i16> {
        let prompt = crate::server::speech::tests::sentence();
        let voice = prompt.into_iter().skip(16_000).chain(std::iter::repeat(0)).take(24_000);
        let mut entropy = Entropy::from_seed([3; 32]);
        let mut noise = || entropy.below(2 * peak + 1) as i32 - peak as i32;
        let all =
            std::iter::repeat_n(0, 16_000).chain(voice).chain(std::iter::repeat_n(0, 128_000));
        all.map(|sample| (i32::from(sample) + noise()).clamp(-32_768, 32_767) as i16).collect()
    }

    #[test]
    fn speech_ends_in_silence_in_noise_and_when_it_has_lasted_long_enough() {
        for peak in [0, 60, 300] {
            let (began, ended) = found(&voice_in_noise(peak), Duration::from_secs(15));
            let (began, ended) = (began.expect("begins"), ended.expect("ends"));
            // From one second on to two and a half, and a pause of 0.6 s.
            assert!((50..75).contains(&began), "{peak}: {began}");
            assert!((125..175).contains(&ended), "{peak}: {ended}");
        }
        let (began, ended) = found(&voice_in_noise(0), Duration::from_millis(500));
        assert_eq!(ended.expect("ends"), began.expect("begins") + 25);
    }
}
