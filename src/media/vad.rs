//! Whether somebody speaks: a small neural network judges 16 ms at a time, and an overhang bridges the
//! pauses within speech. Pure tones are taken for voices: whoever needs to know listens for them apart.

use std::time::Duration;

/// The rate of what is listened to.
pub const RATE_HZ: u32 = 16_000;
/// Samples that are judged at a time.
const BLOCK: usize = 256;
const BLOCK_TIME: Duration = Duration::from_millis(16);
/// From this score on it is speech, and below that one it is not any more.
const SPEECH: f32 = 0.5;
const SILENCE: f32 = 0.35;
/// Blocks of speech that begin it: a click or a cough is shorter.
const BEGINS: u32 = 4;
/// A block that is fainter than this mean square (root: 40, -58 dB of full scale) is no speech,
/// whatever it is like.
const FAINT: f32 = 1_600.0;

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// Somebody has begun to speak.
    Began,
    /// Nobody has spoken for the overhang.
    Ended,
}

/// Listens to one stream of samples.
pub struct Vad {
    detector: Box<earshot::Detector>,
    block: [i16; BLOCK],
    filled: usize,
    /// Blocks without speech that end it.
    ends: u32,
    speaks: bool,
    /// Blocks in a row that speak against what is held for true.
    against: u32,
}

impl std::fmt::Debug for Vad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vad").field("speaks", &self.speaks).finish_non_exhaustive()
    }
}

impl Vad {
    /// Speech ends once nobody has spoken for `overhang`.
    pub fn new(overhang: Duration) -> Self {
        let ends = (overhang.as_micros() / BLOCK_TIME.as_micros()).clamp(1, 10_000) as u32;
        let (block, detector) = ([0; BLOCK], earshot::Detector::default_boxed());
        Vad { detector, block, filled: 0, ends, speaks: false, against: 0 }
    }

    /// Whether somebody speaks.
    pub fn speaks(&self) -> bool {
        self.speaks
    }

    /// Takes in samples at 16 kHz; what changed last in them, if anything did.
    pub fn hear(&mut self, mut samples: &[i16]) -> Option<Speech> {
        let mut changed = None;
        while !samples.is_empty() {
            let len = samples.len().min(BLOCK - self.filled);
            let (now, later) = samples.split_at(len);
            self.block[self.filled..self.filled + len].copy_from_slice(now);
            self.filled += len;
            samples = later;
            if self.filled == BLOCK {
                self.filled = 0;
                changed = self.judge().or(changed);
            }
        }
        changed
    }

    fn judge(&mut self) -> Option<Speech> {
        let score = self.detector.predict_i16(&self.block);
        let energy: f32 = self.block.iter().map(|sample| f32::from(*sample).powi(2)).sum();
        let faint = energy / (BLOCK as f32) < FAINT;
        let differs = match self.speaks {
            true => faint || score < SILENCE,
            false => !faint && score >= SPEECH,
        };
        if !differs {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let enough = if self.speaks { self.ends } else { BEGINS };
        if self.against < enough {
            return None;
        }
        self.against = 0;
        self.speaks = !self.speaks;
        Some(if self.speaks { Speech::Began } else { Speech::Ended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Entropy;
    use crate::media::spoken::prompt;

    /// What changes, and at which millisecond.
    fn changes(samples: &[i16]) -> Vec<(usize, Speech)> {
        let mut vad = Vad::new(Duration::from_millis(500));
        let frames = samples.chunks(320).enumerate();
        frames.filter_map(|(at, frame)| Some((at * 20, vad.hear(frame)?))).collect()
    }

    #[test]
    fn a_sentence_begins_once_and_ends_once() {
        let speech = prompt("main/to-an-adviser", RATE_HZ);
        let length = speech.len() / 16;
        let mut samples = vec![0; 16_000];
        samples.extend(&speech);
        samples.extend(vec![0; 16_000]);
        let changes = changes(&samples);
        assert!(
            matches!(
                changes[..],
                [(began, Speech::Began), (ended, Speech::Ended)]
                    if (1_000..1_400).contains(&began) && ended < 1_000 + length + 700
                        && ended + 600 > length
            ),
            "{changes:?} of {length} ms"
        );
    }

    #[test]
    fn silence_and_noise_are_no_speech() {
        assert_eq!(changes(&vec![0; 48_000]), []);
        let mut entropy = Entropy::from_seed([8; 32]);
        let mut noise = |peak: u32| -> Vec<i16> {
            (0..64_000).map(|_| (entropy.below(peak * 2) as i32 - peak as i32) as i16).collect()
        };
        assert_eq!(changes(&noise(60)), []);
        // Where loud noise sets in it may be taken for speech for a moment, not for longer.
        let loud = changes(&noise(3_000));
        assert!(loud.iter().all(|(at, _)| *at < 1_000) && loud.len().is_multiple_of(2), "{loud:?}");
    }
}
