//! PocketSphinx in this process: a few threads with a decoder each, and grammars of what can be said.
//!
//! The model that Debian ships is made for 16 kHz. What comes from an 8 kHz line is heard at 16 kHz with
//! an empty upper half, as a leg's tap gives it. A second search over single sounds, which fits anything
//! that is speech, says how sure a result is: words that are really said fit as well as free sounds do,
//! words that are not fit worse.

mod library;

use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use self::library::{Decoder, Hypothesis, Refused};
use super::expected::Expected;
use super::ngram::Model;
use super::{Deaf, Heard, HearingError, Samples};
use crate::config::settings::SpeechSettings;

/// Where Debian's pocketsphinx-en-us puts them.
const MODEL: &str = "/usr/share/pocketsphinx/model/en-us/en-us";
const DICTIONARY: &str = "/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict";

/// Weight of a search's own probabilities. Those of grammars are no statistics of how people speak.
const WEIGHT: &CStr = c"-lw";
const GRAMMARS: f64 = 1.0;
const MODELS: f64 = 6.5;

/// What the probability of a path is multiplied by for each word of it: the library's own, and where
/// words follow freely, so that no short ones are put between the others.
const WORD: &CStr = c"-wip";
const USUAL: f64 = 0.65;
const COUNTED: f64 = 1e-12;
/// The unit of the library's scores: 1024 times the logarithm of 1.0001.
const UNIT: f64 = 0.102_395;

/// The sounds that the model knows.
const SOUNDS: &str = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T \
    TH UH UW V W Y Z ZH";
/// How words sound whose S the line has cut off above 4 kHz: like F or TH. The model was made of wide
/// voices only and takes them for other words.
const NARROW: [(&str, &str); 5] = [
    ("six(2)", "F IH K S"),
    ("six(3)", "TH IH K S"),
    ("seven(2)", "F EH V AH N"),
    ("seven(3)", "TH EH V AH N"),
    ("yes(2)", "Y EH F"),
];
/// The search over single sounds, and that of what is expected.
const LOOP: &CStr = c"sounds";
const GRAMMAR: &CStr = c"heard";
/// The search by a model of examples.
const LIKE: &CStr = c"like";
/// A single sound as a word of the dictionary: no word that is said is written so.
const SOUND: &str = "zz-";

/// Threads with decoders.
#[derive(Debug)]
pub(super) struct Pool {
    jobs: Sender<Job>,
}

/// One utterance.
struct Job {
    expected: Arc<Expected>,
    samples: Samples,
    answer: oneshot::Sender<Result<Option<Heard>, Deaf>>,
}

impl Pool {
    /// Starts the threads and makes their decoders, which takes some tenths of a second.
    pub(super) fn start(settings: &SpeechSettings) -> Result<Pool, HearingError> {
        let own = settings.pronunciations.as_deref().map(pronunciations).transpose()?;
        let own = Arc::new(own.unwrap_or_default());
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..settings.decoders.max(1) {
            let mut worker = Worker::new(&own).map_err(|Refused| HearingError::Engine)?;
            let (waiting, own) = (Arc::clone(&waiting), Arc::clone(&own));
            let thread = std::thread::Builder::new().name("hearing".to_owned());
            thread
                .spawn(move || {
                    while let Some(job) = next(&waiting) {
                        if worker.work(job).is_err() {
                            // An open utterance would spoil the next one: a new decoder has none.
                            let Ok(fresh) = Worker::new(&own) else { return };
                            worker = fresh;
                        }
                    }
                })
                .map_err(HearingError::Thread)?;
        }
        Ok(Pool { jobs })
    }

    pub(super) async fn recognise(
        &self,
        expected: Arc<Expected>,
        samples: Samples,
    ) -> Result<Option<Heard>, Deaf> {
        let (answer, answered) = oneshot::channel();
        let job = Job { expected, samples, answer };
        self.jobs.send(job).map_err(|_| Deaf::Down)?;
        answered.await.map_err(|_| Deaf::BrokeOff)?
    }
}

fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// The pronunciations in a file, one a line: a word and its sounds.
fn pronunciations(path: &Path) -> Result<Vec<(String, String)>, HearingError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| HearingError::File { path: PathBuf::from(path), source })?;
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        let Some((word, sounds)) = line.split_once(char::is_whitespace) else {
            if line.is_empty() {
                continue;
            }
            return Err(HearingError::Pronunciation { path: path.to_owned(), line: at + 1 });
        };
        let sounds = sounds.split_whitespace().collect::<Vec<_>>();
        if !sounds.iter().all(|sound| SOUNDS.split_whitespace().any(|known| known == *sound)) {
            return Err(HearingError::Pronunciation { path: path.to_owned(), line: at + 1 });
        }
        all.push((word.to_lowercase(), sounds.join(" ")));
    }
    Ok(all)
}

struct Worker {
    decoder: Decoder,
    /// The model that it has last, and the examples that it was made of.
    model: Option<(Arc<[String]>, Model)>,
}

impl Worker {
    fn new(own: &[(String, String)]) -> Result<Worker, Refused> {
        let mut decoder = Decoder::new(Path::new(MODEL), Path::new(DICTIONARY))?;
        for (word, sounds) in own.iter().filter(|(word, _)| !word.starts_with(SOUND)) {
            if !decoder.knows(word) {
                decoder.add_word(word, sounds)?;
            }
        }
        for (word, sounds) in NARROW {
            decoder.add_word(word, sounds)?;
        }
        let mut any = Vec::new();
        for sound in SOUNDS.split_whitespace() {
            let word = format!("{SOUND}{}", sound.to_lowercase());
            decoder.add_word(&word, sound)?;
            any.push(word);
        }
        let any = any.join(" | ");
        let grammar = format!("#JSGF V1.0;\ngrammar sounds;\npublic <sounds> = ({any})+;\n");
        decoder.set_grammar(LOOP, &grammar)?;
        decoder.activate(LOOP)?;
        Ok(Worker { decoder, model: None })
    }

    fn work(&mut self, job: Job) -> Result<(), Refused> {
        let Job { expected, mut samples, answer } = job;
        let Ok(search) = self.expect(&expected) else {
            let _ = answer.send(Err(Deaf::Unable));
            return Ok(());
        };
        let decoder = &mut self.decoder;
        let mut all = Vec::new();
        while let Some(more) = samples.blocking_recv() {
            all.extend(more);
        }
        decoder.activate(search)?;
        decoder.begin()?;
        decoder.hear(&all)?;
        let best = decoder.end()?;
        decoder.activate(LOOP)?;
        let heard = match best.filter(|best| !best.text.is_empty()) {
            // Who has hung up needs no second search.
            Some(best) if !answer.is_closed() => {
                decoder.begin()?;
                decoder.hear(&all)?;
                let free = decoder.end()?;
                let spoken = self.model.as_ref().filter(|_| search == LIKE);
                let chance = spoken.map_or(0.0, |(_, model)| model.chance(&best.text));
                Heard::whole(&best.text, confidence(&expected, &best, chance, free.as_ref()))
            }
            Some(_) | None => None,
        };
        let _ = answer.send(Ok(heard));
        Ok(())
    }

    /// Makes the search for what is expected; its name.
    fn expect(&mut self, expected: &Expected) -> Result<&'static CStr, Refused> {
        let decoder = &mut self.decoder;
        decoder.set_option(WORD, per_word(expected));
        let Expected::Like(examples) = expected else {
            decoder.set_option(WEIGHT, GRAMMARS);
            let grammar = expected.grammar(|word| decoder.knows(word)).ok_or(Refused)?;
            decoder.set_grammar(GRAMMAR, &grammar)?;
            return Ok(GRAMMAR);
        };
        if self.model.as_ref().is_none_or(|(of, _)| of != examples) {
            self.model = None;
            let model = expected.model(|word| decoder.knows(word)).ok_or(Refused)?;
            decoder.set_option(WEIGHT, MODELS);
            decoder.set_model(LIKE, &model.arpa())?;
            self.model = Some((examples.clone(), model));
        }
        Ok(LIKE)
    }
}

fn per_word(expected: &Expected) -> f64 {
    match expected {
        Expected::YesNo | Expected::Phrases(_) | Expected::Free(_) | Expected::Like(_) => USUAL,
        Expected::Digits { .. } | Expected::Spelt(_) => COUNTED,
    }
}

/// From how much better the words fit than free sounds do, for each frame: a curve that is fitted to
/// what was measured (docs/hearing.md), so that half is where it is as often wrong as right. `chance` is the
/// logarithm of how likely the words are by a model.
fn confidence(
    expected: &Expected,
    best: &Hypothesis,
    chance: f64,
    free: Option<&Hypothesis>,
) -> f32 {
    let Some(free) = free.filter(|_| best.frames > 0) else { return 0.0 };
    // What was taken off for each word, and for rare ones, says nothing of how well they fit.
    let words = best.text.split(' ').count() as f64;
    let taken = ((USUAL / per_word(expected)).ln() * words - MODELS * chance) / UNIT;
    let better = f64::from(best.score) + taken - f64::from(free.score);
    let better = better / f64::from(best.frames);
    let middle = match expected {
        Expected::Phrases(_) | Expected::Free(_) => 0.0,
        // Some words are always misheard; what a sentence is about bears it.
        Expected::Like(_) => -6.5,
        Expected::YesNo => -1.0,
        Expected::Digits { .. } | Expected::Spelt(_) => 1.0,
    };
    (1.0 / (1.0 + (middle - better).exp())) as f32
}
