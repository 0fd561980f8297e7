//! Other systems that flows ask over HTTP: what is asked and answered, and when one that fails is
//! left alone.
//!
//! [`Backends`] decides, `server::backends` sends. A back end that fails again and again is not
//! asked for a while (its circuit is open): callers hear the flow's words for it at once instead of
//! waiting for the time-out, one after the other.

mod circuit;
mod desk;
mod settings;

use std::fmt;

use zeroize::Zeroizing;

use crate::id::BackendName;

pub use crate::event::{Exchange, Failed, Standing};

pub use self::circuit::Circuit;
pub use self::desk::{Backends, Effect, Fetch, FetchId};
pub use self::settings::BackendSettings;

/// What a call asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// Of whom.
    pub backend: BackendName,
    /// How.
    pub method: Method,
    /// Below the back end's address; begins with a slash and is percent-encoded.
    pub path: String,
    /// JSON. It can have secrets in it, so it is never shown.
    pub body: Option<Zeroizing<String>>,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ask({} {}, body not shown)", self.method.as_str(), self.backend)
    }
}

/// What a back end has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status (RFC 9110 section 15).
    pub status: u16,
    /// The JSON; nothing if there was none.
    pub body: serde_json::Value,
}

/// What is done to what is at the path (RFC 9110 section 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks for it.
    Get,
    /// Adds to it, or carries something out.
    Post,
    /// Sets it.
    Put,
    /// Removes it.
    Delete,
}

impl Method {
    /// The words of the language.
    pub const WORDS: [(&'static str, Method); 4] = [
        ("GET", Method::Get),
        ("POST", Method::Post),
        ("PUT", Method::Put),
        ("DELETE", Method::Delete),
    ];

    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        Method::WORDS.iter().find(|(_, method)| *method == self).map_or("GET", |(word, _)| word)
    }

    /// Whether asking twice does no more than asking once (RFC 9110 section 9.2.2), so that a
    /// question that may have been lost can be asked again.
    pub fn is_idempotent(self) -> bool {
        match self {
            Method::Get | Method::Put | Method::Delete => true,
            Method::Post => false,
        }
    }
}
