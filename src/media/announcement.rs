//! Prompts over music: the music goes on more quietly while they are heard, and is as loud as before
//! afterwards.

use std::sync::Arc;

use super::bank::Clip;
use super::command::PlayId;
use super::player::Prompts;
use super::rate::Rate;

/// How loud music is under a prompt: -15 dB.
const UNDER: f32 = 0.178;
/// It becomes so, and as loud as before again, within 50 ms.
const STEP: f32 = (1.0 - UNDER) / Rate::Narrow.samples(50) as f32;

/// Music with an announcement.
#[derive(Debug, Clone)]
pub(super) struct Announcement {
    pub(super) music: Arc<Clip>,
    /// None once all of them have been heard.
    pub(super) prompts: Option<Prompts>,
    gain: f32,
}

/// What comes after a piece of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// More of the same.
    GoesOn,
    /// The prompts have been heard.
    Played(PlayId),
    /// The music is as loud as before.
    Over,
}

impl Announcement {
    /// Begins, while the music is at its usual loudness.
    pub(super) fn new(music: Arc<Clip>, prompts: Prompts) -> Self {
        Announcement { music, prompts: Some(prompts), gain: 1.0 }
    }

    /// Fills `samples` (at 8 kHz) with the music at `at_ms` of its loop and what is said over it.
    pub(super) fn fill(&mut self, at_ms: u64, samples: &mut [i16]) -> Next {
        self.music.copy(at_ms, true, samples);
        let wanted = if self.prompts.is_some() { UNDER } else { 1.0 };
        for sample in samples.iter_mut() {
            self.gain += (wanted - self.gain).clamp(-STEP, STEP);
            *sample = (f32::from(*sample) * self.gain) as i16;
        }
        let Some(prompts) = &mut self.prompts else {
            return if self.gain >= 1.0 { Next::Over } else { Next::GoesOn };
        };
        let play = prompts.play;
        let is_last = prompts.add(samples);
        match self.prompts.take_if(|_| is_last) {
            Some(_) => Next::Played(play),
            None => Next::GoesOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of each 10 ms of a second.
    fn heard(announcement: &mut Announcement) -> (Vec<i32>, Vec<(usize, Next)>) {
        let (mut means, mut told) = (Vec::new(), Vec::new());
        for at in 0..50_usize {
            let mut samples = [0; 160];
            let next = announcement.fill(at as u64 * 20, &mut samples);
            let mean = |half: &[i16]| half.iter().map(|s| i32::from(*s)).sum::<i32>() / 80;
            means.extend(samples.chunks(80).map(mean));
            if next != Next::GoesOn {
                told.push((at, next));
            }
            if next == Next::Over {
                break;
            }
        }
        (means, told)
    }

    #[test]
    fn music_sinks_by_15_db_within_50_ms_under_a_prompt_and_rises_after_it() {
        let music = Arc::new(Clip::new(&[10_000; 8_000]));
        let silence = Arc::new(Clip::new(&[0; 1_600]));
        let voice = Arc::new(Clip::new(&[500; 1_600]));
        let prompts = Prompts::new(PlayId(7), vec![silence, voice]).expect("prompts");
        let (means, told) = heard(&mut Announcement::new(music, prompts));
        assert_eq!(told, [(19, Next::Played(PlayId(7))), (22, Next::Over)]);
        assert!(means[0] > 8_000 && means[0] < 10_000, "{means:?}");
        assert!(means[..6].windows(2).all(|pair| pair[1] < pair[0]), "{means:?}");
        assert!(means[6..20].iter().all(|mean| (1_770..=1_790).contains(mean)), "{means:?}");
        assert!(means[20..40].iter().all(|mean| (2_270..=2_290).contains(mean)), "{means:?}");
        assert!(means[41..45].windows(2).all(|pair| pair[1] > pair[0]), "{means:?}");
        assert_eq!(means.last(), Some(&10_000));
    }

    #[test]
    fn loud_music_under_a_loud_prompt_does_not_wrap_round() {
        let loud = Arc::new(Clip::new(&[32_000; 1_600]));
        let prompts = Prompts::new(PlayId(1), vec![loud.clone()]).expect("prompts");
        let mut announcement = Announcement::new(loud, prompts);
        let mut samples = [0; 160];
        announcement.fill(0, &mut samples);
        assert!(samples.iter().all(|sample| *sample > 30_000));
    }
}
