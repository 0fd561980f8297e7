//! What listens to callers in flows: it hears what is made up.

use std::fmt;

use crate::call::command::Question;
use crate::engine::io::SpeechNews;

/// What is heard after a question.
type Hears = dyn FnMut(&Question) -> Option<SpeechNews>;

/// Listens to callers; nobody is heard unless it is said what they say.
#[derive(Default)]
pub struct Recogniser(Option<Box<Hears>>);

impl Recogniser {
    /// One that hears this; none is a caller who says nothing.
    pub fn new(hears: impl FnMut(&Question) -> Option<SpeechNews> + 'static) -> Self {
        Recogniser(Some(Box::new(hears)))
    }

    /// What is heard after a question.
    pub fn hear(&mut self, question: &Question) -> Option<SpeechNews> {
        match &mut self.0 {
            Some(hears) => hears(question),
            None => Some(SpeechNews::Deaf),
        }
    }
}

impl fmt::Debug for Recogniser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recogniser")
    }
}
