//! Prompts and music, encoded once at the start and shared by every leg.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::codec::Law;
use super::{FRAME_SAMPLES, SAMPLE_RATE_HZ};
use crate::id::PromptName;

/// One recording at 8 kHz: linear, and encoded for each codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    linear: Arc<[i16]>,
    pcmu: Arc<[u8]>,
    pcma: Arc<[u8]>,
}

impl Clip {
    /// Encodes a recording of 16-bit samples at 8 kHz.
    pub fn new(linear: &[i16]) -> Self {
        let encode = |law: Law| linear.iter().map(|sample| law.encode(*sample)).collect();
        Clip { linear: linear.into(), pcmu: encode(Law::Mu), pcma: encode(Law::A) }
    }

    /// The samples at 8 kHz.
    pub fn linear(&self) -> &[i16] {
        &self.linear
    }

    /// The samples as bytes of a law.
    pub fn encoded(&self, law: Law) -> &[u8] {
        match law {
            Law::Mu => &self.pcmu,
            Law::A => &self.pcma,
        }
    }

    /// How many frames it takes to play, the last one filled up with silence.
    pub fn frames(&self) -> usize {
        self.linear.len().div_ceil(FRAME_SAMPLES)
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        let micros = self.linear.len() as u64 * 1_000_000 / u64::from(SAMPLE_RATE_HZ);
        Duration::from_micros(micros)
    }

    /// Copies the frame with the number `at` to `frame`; the rest of the last one is silence.
    pub(super) fn frame(&self, law: Law, at: usize, frame: &mut [u8; FRAME_SAMPLES]) {
        let rest = self.encoded(law).get(at * FRAME_SAMPLES..).unwrap_or_default();
        let len = rest.len().min(FRAME_SAMPLES);
        let (voice, silence) = frame.split_at_mut(len);
        voice.copy_from_slice(&rest[..len]);
        silence.fill(law.silence());
    }

    /// Copies 160 bytes of the endless loop from the sample `at` on.
    pub(super) fn looped(&self, law: Law, at: u64, frame: &mut [u8; FRAME_SAMPLES]) {
        let bytes = self.encoded(law);
        if bytes.is_empty() {
            frame.fill(law.silence());
            return;
        }
        let mut from = (at % bytes.len() as u64) as usize;
        let mut rest = &mut frame[..];
        while !rest.is_empty() {
            let len = rest.len().min(bytes.len() - from);
            let (now, later) = rest.split_at_mut(len);
            now.copy_from_slice(&bytes[from..from + len]);
            rest = later;
            from = 0;
        }
    }
}

/// Every recording by name: `main/welcome` is `sounds/<language>/main/welcome.wav`, `music/hold` is
/// `sounds/music/hold.wav`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bank {
    clips: BTreeMap<PromptName, Arc<Clip>>,
}

impl Bank {
    /// An empty bank: every prompt is missing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over from `older` what this one does not have: calls that began with older flows still
    /// play it.
    pub fn keep(&mut self, older: &Bank) {
        for (name, clip) in &older.clips {
            self.clips.entry(name.clone()).or_insert_with(|| clip.clone());
        }
    }

    /// Adds a recording, replacing one of the same name.
    pub fn insert(&mut self, name: PromptName, clip: Clip) {
        self.clips.insert(name, Arc::new(clip));
    }

    /// The recording of that name.
    pub fn get(&self, name: &PromptName) -> Option<&Arc<Clip>> {
        self.clips.get(name)
    }

    /// All recordings in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&PromptName, &Arc<Clip>)> {
        self.clips.iter()
    }

    /// How many recordings there are.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }
}

impl FromIterator<(PromptName, Clip)> for Bank {
    fn from_iter<I: IntoIterator<Item = (PromptName, Clip)>>(clips: I) -> Self {
        Bank { clips: clips.into_iter().map(|(name, clip)| (name, Arc::new(clip))).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frame_is_filled_up_with_silence() {
        let clip = Clip::new(&[1_000; 200]);
        assert_eq!((clip.frames(), clip.duration()), (2, Duration::from_millis(25)));
        let mut frame = [0; FRAME_SAMPLES];
        clip.frame(Law::A, 1, &mut frame);
        assert_eq!(frame[..40], [Law::A.encode(1_000); 40]);
        assert_eq!(frame[40..], [Law::A.silence(); 120]);
        clip.frame(Law::A, 2, &mut frame);
        assert_eq!(frame, [Law::A.silence(); 160]);
    }

    #[test]
    fn a_loop_has_no_seam() {
        let samples: Vec<i16> = (0..70).map(|at| at * 300).collect();
        let clip = Clip::new(&samples);
        let mut frame = [0; FRAME_SAMPLES];
        clip.looped(Law::Mu, 7 * 160, &mut frame);
        for (at, byte) in frame.iter().enumerate() {
            assert_eq!(*byte, Law::Mu.encode(samples[(7 * 160 + at) % 70]));
        }
        Clip::new(&[]).looped(Law::Mu, 5, &mut frame);
        assert_eq!(frame, [Law::Mu.silence(); 160]);
    }
}
