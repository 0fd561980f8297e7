//! Earlier calls of somebody who rings.

use crate::id::IntentName;

/// What is known of a number that rings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// How many calls of it have ended within the time that the settings ask for, 20 at most.
    pub calls: u32,
    /// What the last of them was about, as far as that was understood.
    pub about: Option<IntentName>,
    /// Whether the caller gave up waiting in the last of them.
    pub gave_up: bool,
}
