//! What a peer says that it can (RFC 3261 sections 20.5 and 20.37).

use crate::sip::header::{HeaderName, scan};
use crate::sip::message::Message;
use crate::sip::method::Method;

/// What we would use of a peer, as far as it told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Abilities {
    /// UPDATE (RFC 3311).
    pub(super) update: bool,
    /// Session timers (RFC 4028).
    pub(super) timer: bool,
}

impl Abilities {
    /// Takes in what a message says; what it does not speak of stays as it was.
    pub(super) fn learn(&mut self, message: &Message) {
        if message.header(HeaderName::Allow).is_some() {
            self.update = lists(message, HeaderName::Allow, Method::Update.as_str());
        }
        if message.header(HeaderName::Supported).is_some() {
            self.timer = lists(message, HeaderName::Supported, "timer");
        }
    }
}

/// Whether a list names this token.
pub(super) fn lists(message: &Message, name: HeaderName, token: &str) -> bool {
    message.headers(name).any(|element| scan::trim(element).eq_ignore_ascii_case(token.as_bytes()))
}
