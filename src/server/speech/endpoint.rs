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

/// Finds one utterance in frames of 20 ms at 16 kHz.
#[derive(Debug)]
pub struct Endpoint {
    vad: Vad,
    before: VecDeque<[i16; FRAME_SAMPLES]>,
    speaks: bool,
    /// Frames since it began.
    frames: u32,
    most_frames: u32,
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
            return Found::Speech(self.before.drain(..).flatten().collect());
        }
        self.frames += 1;
        if changed == Some(Speech::Ended) || self.frames >= self.most_frames {
            return Found::End(frame.to_vec());
        }
        Found::Speech(frame.to_vec())
    }
}
