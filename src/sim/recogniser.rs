//! What listens to callers in flows: it hears what is made up.

use std::fmt;

use crate::call::command::Question;
use crate::engine::io::SpeechNews;

/// What is heard after a question.
type Hears = dyn FnMut(&Question) -> Option<SpeechNews>;

/// What a language model says of words.
type Opinion = dyn FnMut(&str) -> Option<String>;

/// Listens to callers; nobody is heard unless it is said what they say.
#[derive(Default)]
pub struct Recogniser {
    hears: Option<Box<Hears>>,
    opinion: Option<Box<Opinion>>,
}

impl Recogniser {
    /// From now on it hears this; none is a caller who says nothing.
    pub fn hears(&mut self, hears: impl FnMut(&Question) -> Option<SpeechNews> + 'static) {
        self.hears = Some(Box::new(hears));
    }

    /// A language model of this opinion.
    pub fn has_opinion(&mut self, opinion: impl FnMut(&str) -> Option<String> + 'static) {
        self.opinion = Some(Box::new(opinion));
    }

    /// What the language model says of words.
    pub fn opinion(&mut self, text: &str) -> Option<String> {
        self.opinion.as_mut()?(text)
    }

    /// What is heard after a question.
    pub fn hear(&mut self, question: &Question) -> Option<SpeechNews> {
        match &mut self.hears {
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
