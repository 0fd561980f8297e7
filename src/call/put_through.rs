//! A flow puts its caller through to somebody who is no queue.

use std::time::Duration;

use crate::event::Peer;
use crate::id::FlowName;
use crate::time::Time;

use super::dial::Goal;
use super::{AfterCall, Call, State};

/// Which flow does so, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    /// The flow at hand: it may ring what the settings let it ring.
    pub flow: FlowName,
    /// For how long it rings; as the settings say for transfers if nothing is said.
    pub rings: Option<Duration>,
}

impl Call {
    /// Puts the caller through. They hear music until somebody answers.
    pub fn connect_to(&mut self, now: Time, to: Peer, onward: Onward) {
        // Whoever waited comes back to the queue as somebody who was there before, if at all.
        self.give_up_place(now);
        if matches!(self.state, State::InFlow) {
            self.after_call = AfterCall::Ends;
            self.dial(to, Goal::Flow(onward));
        }
    }

    /// Which flow has somebody rung for its caller now, if one has.
    pub fn put_through(&self) -> Option<&Onward> {
        match &self.dialling()?.goal {
            Goal::Flow(onward) => Some(onward),
            Goal::OwnCall { .. } | Goal::Transfer(_) | Goal::Recall | Goal::CallBack => None,
        }
    }
}
