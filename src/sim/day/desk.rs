//! An agent of a simulated day: their shift, their breaks, and the call at hand.

use std::collections::VecDeque;

use super::{BreakEnd, DAY_MS, Shift};
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
    /// Breaks that fell due and have not begun. `At` is of the simulation's milliseconds.
    pub(super) owed: VecDeque<BreakEnd>,
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

    /// Whether a break or the end of the shift comes before the next call.
    pub(super) fn goes_first(&self, now_ms: u64) -> bool {
        let ahead = |end: &BreakEnd| match end {
            BreakEnd::After(_) => true,
            BreakEnd::At(ms) => *ms > now_ms,
        };
        self.leaving && !self.stays || self.owed.iter().any(ahead)
    }

    /// Whether there is something to do now that nobody is at hand.
    pub(super) fn is_wanted_elsewhere(&self) -> bool {
        let free = self.signed_in && self.work.is_none() && self.on_break_until.is_none();
        free && (self.leaving || !self.owed.is_empty())
    }
}
