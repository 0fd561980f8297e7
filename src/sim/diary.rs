//! What a person noticed and did, and when: what scenarios are judged by.

use std::collections::VecDeque;
use std::fmt;

use crate::time::Time;

use super::ear::Expect;
use super::phone::PhoneEvent;

/// Older moments are forgotten: advisers of a demo work for days.
const KEPT: usize = 2_000;

/// Something that a person noticed or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// Something happened on the phone.
    Phone(PhoneEvent),
    /// Heard what it waited for.
    Heard(Expect),
    /// Hung up, or gave up.
    HungUp,
    /// Lost patience, and hung up.
    LostPatience,
    /// The step of this number (from 0) failed: what was waited for did not come in time, or the
    /// call was over before.
    Failed(usize),
    /// The script is through.
    Done,
}

/// Moments in order.
#[derive(Clone, Default)]
pub struct Diary(VecDeque<(Time, Moment)>);

impl fmt::Debug for Diary {
    /// A line for each moment: diaries are read when a scenario has failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, moment) in &self.0 {
            writeln!(f, "{:>10.3} {moment:?}", at.as_micros() as f64 / 1e6)?;
        }
        Ok(())
    }
}

impl Diary {
    /// Writes a moment down.
    pub fn note(&mut self, now: Time, moment: Moment) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, moment));
    }

    /// All that is remembered, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &(Time, Moment)> {
        self.0.iter()
    }

    /// When something was first noticed or done.
    pub fn when(&self, moment: &Moment) -> Option<Time> {
        self.iter().find(|(_, one)| one == moment).map(|(at, _)| *at)
    }

    /// When a phone event first happened.
    pub fn when_phone(&self, event: &PhoneEvent) -> Option<Time> {
        self.when(&Moment::Phone(event.clone()))
    }

    /// How often a phone event happened.
    pub fn times(&self, event: &PhoneEvent) -> usize {
        self.iter().filter(|(_, one)| matches!(one, Moment::Phone(e) if e == event)).count()
    }
}
