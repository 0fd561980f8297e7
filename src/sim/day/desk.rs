//! An agent of a simulated day: their shift, their breaks, and the call at hand.

use std::collections::VecDeque;

use super::{DAY_MS, Shift};
use crate::time::Time;

/// One agent.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) shift: &'a Shift,
    pub(super) signed_in: bool,
    /// The shift of the next day began in this millisecond, while that of the last was not over.
    pub(super) goes_on_at: Option<Time>,
    /// The shift is over and there is something to finish first.
    pub(super) leaving: bool,
    /// The shift ends at closing or later: nobody who waits is left behind.
    pub(super) stays: bool,
    /// Breaks that fell due and have not begun: how long they last, in milliseconds.
    pub(super) owed: VecDeque<u64>,
    /// When the break under way ends, in milliseconds.
    pub(super) on_break_until: Option<u64>,
    /// The offer that rings, and since when.
    pub(super) ringing: Option<(u64, Time)>,
    /// The call that the agent talks or works for.
    pub(super) work: Option<usize>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(shift: &'a Shift, close_ms: u64) -> Self {
        let midnight = shift.login_ms / DAY_MS * DAY_MS;
        Desk {
            shift,
            signed_in: false,
            goes_on_at: None,
            leaving: false,
            stays: shift.logout_ms - midnight >= close_ms,
            owed: VecDeque::new(),
            on_break_until: None,
            ringing: None,
            work: None,
        }
    }

    /// Whether there is something to do before the next call.
    pub(super) fn is_wanted_elsewhere(&self) -> bool {
        self.leaving || !self.owed.is_empty()
    }
}
