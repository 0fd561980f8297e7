//! Hearing: from what a caller says to words.
//!
//! A [`Listening`] reads a leg's tap, finds where speech begins and ends, and streams what lies between
//! to a recogniser: PocketSphinx in this process, a Vosk server or a service of Whisper's kind. It ends
//! with exactly one [`Verdict`] or with why there can be none ([`Deaf`]), never with silence for ever.
//! It runs beside the media threads: whatever a recogniser does, no call is delayed.

pub mod endpoint;
pub mod expected;
mod listening;
mod ngram;
#[cfg(feature = "pocketsphinx")]
pub mod pocketsphinx;
mod vosk;
mod whisper;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

pub use self::expected::{Expected, Spelling};
use self::listening::Course;
use self::vosk::Vosk;
use self::whisper::Whisper;
use crate::config::problem::SecretProblem;
use crate::config::settings::{EngineName, SpeechSettings};
use crate::media::tap::Reader;
use crate::server::secret_file;

/// The longest text that is taken from a recogniser, in characters.
const MOST_TEXT: usize = 1_000;

/// What was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The words in small letters, without punctuation.
    pub text: String,
    /// How sure the recogniser is, from 0 to 1. Kinds of recognisers are not comparable.
    pub confidence: f32,
    /// Word for word.
    pub words: Vec<Word>,
}

/// A word of what was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// As [`Heard::confidence`]; the whole's where a recogniser does not judge words.
    pub confidence: f32,
}

impl Heard {
    /// Words that are as sure as the whole; none if there is none.
    fn whole(text: &str, confidence: f32) -> Option<Heard> {
        let text = plain(text);
        let word = |text: &str| Word { text: text.to_owned(), confidence };
        let words: Vec<Word> = text.split(' ').filter(|word| !word.is_empty()).map(word).collect();
        if words.is_empty() { None } else { Some(Heard { text, confidence, words }) }
    }
}

/// Small letters, digits and apostrophes, words apart by one space; cut where it is too long.
pub(crate) fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '\'' { c } else { ' ' };
    let text: String =
        text.chars().take(MOST_TEXT).map(|c| if c == '’' { '\'' } else { kept(c) }).collect();
    let words =
        text.split_whitespace().map(|word| word.trim_matches('\'')).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// How a listening ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// These words were said, and the recogniser is sure enough.
    Heard(Heard),
    /// These may have been said: ask again rather than act.
    Unsure(Heard),
    /// Something was said that is none of what can be said now.
    NoMatch,
    /// Nothing was said for as long as was waited.
    Silence,
}

/// Why nothing can be heard: a flow goes on with keys, or to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Deaf {
    /// As many listen already as may at once.
    #[error("too many listen at once")]
    TooMany,
    /// The recogniser cannot be reached.
    #[error("the recogniser cannot be reached")]
    Down,
    /// The recogniser did not answer in time, or did not take what was said as fast as it was.
    #[error("the recogniser is too slow")]
    Slow,
    /// The recogniser ended without an answer.
    #[error("the recogniser broke off")]
    BrokeOff,
    /// The recogniser refused, with a token that it does not know for example.
    #[error("the recogniser refused")]
    Refused,
    /// What the recogniser answered is none of its protocol, or too much.
    #[error("the recogniser's answer is not understood")]
    Garbage,
    /// The recogniser cannot listen for what is expected: free speech by grammars, or words of which it
    /// does not know how they sound.
    #[error("the recogniser cannot listen for what is expected")]
    Unable,
    /// The leg is gone, or its tap was taken off.
    #[error("the line is gone")]
    LineGone,
}

/// Why hearing cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum HearingError {
    /// A file that the settings name cannot be read.
    #[error("{path} cannot be read: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no token in its file.
    #[error("the token of the recogniser: {0}")]
    Token(#[from] SecretProblem),
    /// A file of pronunciations has a line that is none.
    #[error("{path}:{line}: a pronunciation is a word and its sounds, as in `zed Z EH D`")]
    Pronunciation {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1 on.
        line: usize,
    },
    /// The address is none that the engine can be spoken to at.
    #[error("`{0}` is not the address of a recogniser")]
    Url(String),
    /// This program was built without the engine.
    #[error("built without PocketSphinx: build with `--features pocketsphinx`")]
    NotBuilt,
    /// The engine cannot be started.
    #[error("PocketSphinx cannot be started: are pocketsphinx-en-us and its model installed?")]
    Engine,
    /// No thread can be started.
    #[error("no thread for the recogniser: {0}")]
    Thread(#[source] io::Error),
}

/// What an utterance's samples come through, 16-bit at 16 kHz; closed where the speech ends.
type Samples = mpsc::Receiver<Vec<i16>>;

/// What turns samples into words.
enum Recogniser {
    #[cfg(feature = "pocketsphinx")]
    PocketSphinx(pocketsphinx::Pool),
    Vosk(Vosk),
    Whisper(Whisper),
}

impl Recogniser {
    /// Recognises one utterance; none if it is nothing that can be said now.
    async fn recognise(
        &self,
        what: Arc<Expected>,
        samples: Samples,
    ) -> Result<Option<Heard>, Deaf> {
        match self {
            #[cfg(feature = "pocketsphinx")]
            Recogniser::PocketSphinx(pool) => pool.recognise(what, samples).await,
            Recogniser::Vosk(vosk) => vosk.recognise(&what, samples).await,
            Recogniser::Whisper(whisper) => whisper.recognise(&what, samples).await,
        }
    }
}

/// What a listening tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Speech has begun.
    Began,
    /// The last that is told.
    Over(Result<Verdict, Deaf>),
}

/// Listens to callers. Cheap to share.
#[derive(Clone)]
pub struct Hearing {
    recogniser: Arc<Recogniser>,
    room: Arc<Semaphore>,
    course: Course,
    runtime: Handle,
}

impl std::fmt::Debug for Hearing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hearing")
            .field("room", &self.room.available_permits())
            .finish_non_exhaustive()
    }
}

impl Hearing {
    /// Starts what the settings name; none if they name no engine. Remote engines are spoken to on
    /// `runtime`, which has its timers and its network.
    pub fn start(
        settings: &SpeechSettings,
        runtime: Handle,
    ) -> Result<Option<Hearing>, HearingError> {
        let recogniser = match settings.engine {
            None => return Ok(None),
            #[cfg(feature = "pocketsphinx")]
            Some(EngineName::Pocketsphinx) => {
                Recogniser::PocketSphinx(pocketsphinx::Pool::start(settings)?)
            }
            #[cfg(not(feature = "pocketsphinx"))]
            Some(EngineName::Pocketsphinx) => return Err(HearingError::NotBuilt),
            Some(EngineName::Vosk) => Recogniser::Vosk(Vosk::new(settings)?),
            Some(EngineName::Whisper) => Recogniser::Whisper(Whisper::new(settings)?),
        };
        Ok(Some(Hearing {
            recogniser: Arc::new(recogniser),
            room: Arc::new(Semaphore::new(settings.at_once.min(Semaphore::MAX_PERMITS))),
            course: Course {
                longest: Duration::from_millis(u64::from(settings.longest_ms)),
                answer_within: Duration::from_millis(u64::from(settings.timeout_ms)),
                confidence: settings.confidence,
            },
            runtime,
        }))
    }

    /// Listens for one utterance through a leg's tap, and tells when it begins and once what came of it.
    /// `expected` says what can be said, on another thread; `patience` is how long nothing may be. Neither waits nor blocks; `tell` is called on another thread and must
    /// not block. Nothing is told of a listening that was dropped.
    pub fn listen(
        &self,
        tap: Reader,
        expected: impl FnOnce() -> Expected + Send + 'static,
        patience: Duration,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> Result<Listening, Deaf> {
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Deaf::TooMany)?;
        let (recogniser, course) = (Arc::clone(&self.recogniser), self.course);
        let task = self.runtime.spawn(async move {
            let began = || tell(Told::Began);
            let verdict = course.run(recogniser, tap, expected(), patience, began).await;
            drop(permit);
            tell(Told::Over(verdict));
        });
        Ok(Listening(task.abort_handle()))
    }
}

/// Somebody is listened to. Dropping it ends that.
#[derive(Debug)]
#[must_use = "dropping it ends the listening"]
pub struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What makes us known to a service.
fn token(settings: &SpeechSettings) -> Result<Option<HeaderValue>, HearingError> {
    Ok(settings.token_file.as_deref().map(secret_file::bearer).transpose()?)
}
