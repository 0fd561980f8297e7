//! What happens next, and what happens first inside one millisecond.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::BreakEnd;

/// Something that happens. Inside one millisecond it is in the order of the variants, and equals are in
/// the order of their calls' or agents' names (the numbers here follow the names). Each is carried out
/// in full, with the offers that follow from it, before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// A day begins: its shifts are put on the agenda.
    Dawn,
    /// A call comes in.
    Arrival {
        call: usize,
    },
    /// A caller hangs up in the menu.
    LeavesMenu {
        call: usize,
    },
    /// An agent answers the phone that has rung.
    Answer {
        agent: usize,
        offer: u64,
    },
    /// Caller and agent are done with each other; after-call work begins.
    TalkEnd {
        agent: usize,
    },
    /// After-call work is done.
    WorkEnd {
        agent: usize,
    },
    BreakEnd {
        agent: usize,
    },
    Login {
        agent: usize,
    },
    BreakDue {
        agent: usize,
        end: BreakEnd,
    },
    Logout {
        agent: usize,
    },
    /// A caller's patience is at its end.
    Abandon {
        call: usize,
    },
    /// A caller has gone through the menu.
    Join {
        call: usize,
    },
}

/// What is to happen, in its order.
#[derive(Debug, Default)]
pub(super) struct Agenda(BinaryHeap<Reverse<(u64, Moment)>>);

impl Agenda {
    pub(super) fn add(&mut self, at_ms: u64, moment: Moment) {
        self.0.push(Reverse((at_ms, moment)));
    }

    pub(super) fn next_at(&self) -> Option<u64> {
        self.0.peek().map(|Reverse((at_ms, _))| *at_ms)
    }

    pub(super) fn pop(&mut self) -> Option<(u64, Moment)> {
        self.0.pop().map(|Reverse(next)| next)
    }
}
