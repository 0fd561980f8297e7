//! Another system that flows ask.

use std::fmt;

use crate::backend::{Answer, Ask, Fetch};
use crate::engine::io::Input;
use crate::event::Failed;

/// How it answers.
type Answers = dyn Fn(&Ask) -> Result<Answer, Failed>;

/// Another system; one that is not there unless it is said how it answers.
#[derive(Default)]
pub struct Backend(Option<Box<Answers>>);

impl Backend {
    /// One that answers so.
    pub fn new(answers: impl Fn(&Ask) -> Result<Answer, Failed> + 'static) -> Self {
        Backend(Some(Box::new(answers)))
    }

    /// What comes of asking it.
    pub fn fetched(&self, fetch: &Fetch) -> Input {
        let outcome = match &self.0 {
            Some(answers) => answers(&fetch.ask),
            None => Err(Failed::Unreachable),
        };
        let arrived = outcome != Err(Failed::Unreachable);
        Input::Fetched { id: fetch.id, outcome, arrived }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}
