//! One listening: from a tap to a verdict.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender, error::TrySendError};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::endpoint::{Endpoint, Found};
use super::expected::Expected;
use super::{Deaf, Heard, Recogniser, Verdict};
use crate::media::tap::{FRAME_SAMPLES, Reader};

/// How often a tap is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Frames that are passed on together.
const TOGETHER: usize = 5;

/// How listenings go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    /// The longest utterance.
    pub(super) longest: Duration,
    /// How long after its end the answer may come.
    pub(super) answer_within: Duration,
    /// Below it is asked again.
    pub(super) confidence: f32,
}

impl Course {
    pub(super) async fn run(
        self,
        recogniser: Arc<Recogniser>,
        tap: Reader,
        expected: Expected,
        patience: Duration,
        began: impl Fn(),
    ) -> Result<Verdict, Deaf> {
        let mut ear = Frames::new(tap);
        let mut endpoint = Endpoint::new(&expected, self.longest);
        let waits = async {
            loop {
                match endpoint.hear(&ear.next().await?) {
                    Found::Nothing => {}
                    Found::Speech(samples) | Found::End(samples) => return Ok(samples),
                }
            }
        };
        let Ok(first) = timeout(patience, waits).await else { return Ok(Verdict::Silence) };
        let first = first?;
        began();
        // Room for all of an utterance: a recogniser that waits for a free decoder loses nothing.
        let room = self.longest.as_millis() / (LOOK.as_millis() * TOGETHER as u128) + 2;
        let (sender, samples) = mpsc::channel(usize::try_from(room).unwrap_or(1).max(1));
        let hears = recogniser.recognise(Arc::new(expected), samples);
        tokio::pin!(hears);
        let feeds = feed(&mut ear, &mut endpoint, first, sender);
        // Frames come every 20 ms while the leg is there, so speech has ended by then.
        let feeds = timeout(self.longest + self.answer_within, feeds);
        let heard = tokio::select! {
            heard = &mut hears => heard,
            fed = feeds => {
                fed.map_err(|_| Deaf::LineGone)??;
                timeout(self.answer_within, hears).await.map_err(|_| Deaf::Slow)?
            }
        };
        Ok(self.judge(heard?))
    }

    fn judge(self, heard: Option<Heard>) -> Verdict {
        match heard {
            None => Verdict::NoMatch,
            Some(heard) if heard.confidence < self.confidence => Verdict::Unsure(heard),
            Some(heard) => Verdict::Heard(heard),
        }
    }
}

/// Passes on what is said until it ends.
async fn feed(
    ear: &mut Frames,
    endpoint: &mut Endpoint,
    first: Vec<i16>,
    sender: Sender<Vec<i16>>,
) -> Result<(), Deaf> {
    let mut together = first;
    loop {
        let (more, over) = match endpoint.hear(&ear.next().await?) {
            Found::Nothing => continue,
            Found::Speech(more) => (more, false),
            Found::End(more) => (more, true),
        };
        together.extend(more);
        if over || together.len() >= TOGETHER * FRAME_SAMPLES {
            match sender.try_send(std::mem::take(&mut together)) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => return Err(Deaf::Slow),
                // Its answer says why it listens no more.
                Err(TrySendError::Closed(_)) => return Ok(()),
            }
        }
        if over {
            return Ok(());
        }
    }
}

/// A tap's frames as they come.
struct Frames {
    tap: Reader,
    looks: Interval,
}

impl Frames {
    fn new(tap: Reader) -> Frames {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Frames { tap, looks }
    }

    async fn next(&mut self) -> Result<[i16; FRAME_SAMPLES], Deaf> {
        loop {
            if let Some(frame) = self.tap.read() {
                return Ok(frame.samples);
            }
            if self.tap.is_over() {
                return Err(Deaf::LineGone);
            }
            self.looks.tick().await;
        }
    }
}
