//! Putting a caller through to somebody who is no queue.

use std::time::Duration;

use crate::id::NodeName;

/// Puts the caller through to a number outside, or to one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// What an agent would dial to reach them.
    pub to: String,
    /// For how long it rings; what the settings say for transfers if nothing is said.
    pub rings: Option<Duration>,
    /// What comes next if they are busy, or do not want the call.
    pub on_busy: NodeName,
    /// What comes next if nobody answers in time.
    pub on_no_answer: NodeName,
    /// What comes next if they cannot be reached, or may not be rung.
    pub on_unreachable: NodeName,
}
