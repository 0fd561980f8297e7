//! Whoever sends text messages and e-mails.

use std::fmt;

use crate::engine::io::Input;
use crate::notification::{Bounce, Dispatch};

/// What it does with what it is given.
type Takes = dyn FnMut(&Dispatch) -> Result<Option<String>, Bounce>;

/// Whoever sends text messages and e-mails; one that takes everything unless it is said otherwise.
#[derive(Default)]
pub struct Provider {
    takes: Option<Box<Takes>>,
    /// What it has taken, in order.
    pub taken: Vec<Dispatch>,
}

impl Provider {
    /// From now on it does this.
    pub fn set(
        &mut self,
        takes: impl FnMut(&Dispatch) -> Result<Option<String>, Bounce> + 'static,
    ) {
        self.takes = Some(Box::new(takes));
    }

    /// What it says to something that it is given.
    pub fn take(&mut self, dispatch: Dispatch) -> Input {
        let id = dispatch.id;
        let outcome = match &mut self.takes {
            Some(takes) => takes(&dispatch),
            None => Ok(Some(format!("receipt of {}", dispatch.id))),
        };
        if outcome.is_ok() {
            self.taken.push(dispatch);
        }
        Input::Dispatched { id, outcome }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}
