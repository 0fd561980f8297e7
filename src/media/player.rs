//! What a leg hears from us: one frame for each tick.

use std::sync::Arc;

use super::bank::Clip;
use super::codec::Law;
use super::command::PlayId;
use super::{FRAME, FRAME_SAMPLES};
use crate::id::LegId;
use crate::time::Time;

/// What a leg hears.
#[derive(Debug, Clone, Default)]
pub(super) enum Hears {
    /// Silence.
    #[default]
    Nothing,
    /// Prompts, one after the other.
    Prompts(Prompts),
    /// Music: everybody who hears it hears the same place of it.
    Music(Arc<Clip>),
    /// Another leg.
    Peer(LegId),
    /// The others in its room.
    Room,
}

/// A playback under way.
#[derive(Debug, Clone)]
pub(super) struct Prompts {
    pub(super) play: PlayId,
    clips: Vec<Arc<Clip>>,
    clip: usize,
    frame: usize,
}

impl Prompts {
    /// The playback of `clips`; none if there is no frame to play.
    pub(super) fn new(play: PlayId, clips: Vec<Arc<Clip>>) -> Option<Self> {
        let mut prompts = Prompts { play, clips, clip: 0, frame: 0 };
        prompts.skip_ended();
        prompts.current().is_some().then_some(prompts)
    }

    /// Copies the next frame; `true` if it was the last.
    pub(super) fn next(&mut self, law: Law, frame: &mut [u8; FRAME_SAMPLES]) -> bool {
        match self.current() {
            Some(clip) => clip.frame(law, self.frame, frame),
            None => frame.fill(law.silence()),
        }
        self.frame += 1;
        self.skip_ended();
        self.current().is_none()
    }

    fn current(&self) -> Option<&Arc<Clip>> {
        self.clips.get(self.clip)
    }

    fn skip_ended(&mut self) {
        while self.current().is_some_and(|clip| self.frame >= clip.frames()) {
            self.clip += 1;
            self.frame = 0;
        }
    }
}

/// Copies the frame of music that everybody hears at `at`.
pub(super) fn music(clip: &Clip, law: Law, at: Time, frame: &mut [u8; FRAME_SAMPLES]) {
    let frames = at.as_micros() / FRAME.as_micros() as u64;
    clip.looped(law, frames * FRAME_SAMPLES as u64, frame);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_follow_each_other_without_a_gap_and_empty_ones_are_passed_over() {
        let clip = |value: i16, len: usize| Arc::new(Clip::new(&vec![value; len]));
        let clips = vec![clip(0, 0), clip(100, 161), clip(0, 0), clip(-900, 160), clip(0, 0)];
        let mut prompts = Prompts::new(PlayId(1), clips).expect("something to play");
        let (mut frame, law) = ([0; FRAME_SAMPLES], Law::A);
        let mut heard = Vec::new();
        loop {
            let last = prompts.next(law, &mut frame);
            heard.push((frame[0], frame[159]));
            if last {
                break;
            }
        }
        let (first, second) = (law.encode(100), law.encode(-900));
        assert_eq!(heard, [(first, first), (first, law.silence()), (second, second)]);
        assert!(Prompts::new(PlayId(2), vec![clip(0, 0)]).is_none());
        assert!(Prompts::new(PlayId(3), vec![]).is_none());
    }

    #[test]
    fn music_goes_on_where_it_is_for_everybody() {
        let samples: Vec<i16> = (0..800).map(|at| (at / 160) * 1_000).collect();
        let clip = Clip::new(&samples);
        let (mut one, mut other) = ([0; FRAME_SAMPLES], [0; FRAME_SAMPLES]);
        music(&clip, Law::Mu, Time::from_millis(1_063), &mut one);
        music(&clip, Law::Mu, Time::from_millis(1_077), &mut other);
        assert_eq!(one, other);
        assert_eq!(one[0], Law::Mu.encode(3_000));
    }
}
