//! Callers who are listened to: the engine says to whom, and hears what they say.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::io::{AskOpinion, Listen, ListenId, SpeechNews};
use crate::media::tap::TapId;

use super::control::{ControlHandle, Message};
use super::language_model::LanguageModel;
use super::media_thread::MediaThreads;
use super::speech::{Deaf, Expected, Hearing, Listening, Told, Verdict};

/// Frames of 20 ms that wait for a recogniser at most.
const FRAMES: usize = 100;
/// The flow says how long a caller may think; nobody is listened to for longer than this.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who is listened to now.
#[derive(Debug, Default)]
pub struct Listenings {
    hearing: Option<Hearing>,
    model: Option<LanguageModel>,
    under_way: BTreeMap<ListenId, Listening>,
}

impl Listenings {
    /// With what listens, without which nobody is heard, and what has a say in unclear words.
    pub fn new(hearing: Option<Hearing>, model: Option<LanguageModel>) -> Self {
        Listenings { hearing, model, under_way: BTreeMap::new() }
    }

    /// Begins to listen to a caller, and tells the control thread what is heard.
    pub fn begin(&mut self, listen: Listen, media: &MediaThreads, control: &ControlHandle) {
        let Listen { id, leg, question, understanding } = listen;
        let begun = match (&self.hearing, media.tap(leg, TapId(id.0), FRAMES)) {
            (Some(hearing), Some(tap)) => {
                let expected = move || Expected::to(&question, understanding.as_deref());
                let tell = control.clone();
                let tell = move |told| tell.send(Message::Heard(id, news(told)));
                hearing.listen(tap, expected, PATIENCE, tell)
            }
            (_, None) => Err(Deaf::LineGone),
            (None, Some(_)) => Err(Deaf::Down),
        };
        match begun {
            Ok(listening) => {
                self.under_way.insert(id, listening);
            }
            Err(deaf) => {
                tracing::info!(%deaf, "a caller is not listened to");
                control.send(Message::Heard(id, SpeechNews::Deaf));
            }
        }
    }

    /// Asks the language model what a caller's words mean.
    pub fn ask_opinion(&self, ask: AskOpinion, control: &ControlHandle) {
        let tell = control.clone();
        let tell = move |id, answer| tell.send(Message::Opinion(id, answer));
        match &self.model {
            Some(model) => model.ask(ask, tell),
            // It came with a reload, and is there after the next start.
            None => tell(ask.id, None),
        }
    }

    /// Listens no longer.
    pub fn end(&mut self, id: ListenId) {
        self.under_way.remove(&id);
    }
}

fn news(told: Told) -> SpeechNews {
    match told {
        Told::Began => SpeechNews::Began,
        Told::Over(Ok(Verdict::Heard(heard))) => SpeechNews::Words { text: heard.text, sure: true },
        Told::Over(Ok(Verdict::Unsure(heard))) => {
            SpeechNews::Words { text: heard.text, sure: false }
        }
        Told::Over(Ok(Verdict::NoMatch)) => SpeechNews::NoMatch,
        Told::Over(Ok(Verdict::Silence)) => SpeechNews::Silence,
        Told::Over(Err(deaf)) => {
            if deaf != Deaf::LineGone {
                tracing::warn!(%deaf, "a caller is listened to no longer");
            }
            SpeechNews::Deaf
        }
    }
}
