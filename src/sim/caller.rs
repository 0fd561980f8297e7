//! A resident with a script: rings, listens, presses keys, waits, and loses patience.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

use super::diary::{Diary, Moment};
use super::ear::Expect;
use super::phone::{Phone, PhoneEvent};
use super::tone::Sound;

/// How often a caller listens for what it waits for: measuring a tone costs more than a packet, and
/// people are not quicker.
const ATTENTION: Duration = Duration::from_millis(100);

/// One thing to do, or to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Rings a number.
    Ring(String),
    /// Waits until the call is answered.
    UntilAnswered {
        /// No longer than this.
        within: Duration,
    },
    /// Waits until the call is refused.
    UntilRefused {
        /// No longer than this.
        within: Duration,
    },
    /// Lets time pass.
    Wait(Duration),
    /// Presses keys and waits until they are sent.
    Press(String),
    /// Waits until something is heard.
    UntilHears {
        /// What.
        what: Expect,
        /// No longer than this.
        within: Duration,
        /// Or else.
        otherwise: Otherwise,
    },
    /// From now on sends this.
    Say(Sound),
    /// Waits until the other side has hung up.
    UntilEnded {
        /// No longer than this.
        within: Duration,
    },
    /// Hangs up, or gives up ringing.
    HangUp,
}

/// What becomes of a caller whose wait was in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// The script has failed.
    Fail,
    /// Patience is at its end: hangs up, and the script is over.
    HangUp,
}

/// A resident.
#[derive(Debug)]
pub struct Caller {
    phone: Phone,
    steps: VecDeque<Step>,
    step: usize,
    begun_at: Option<Time>,
    start_at: Time,
    done: bool,
    answered: bool,
    refused: bool,
    ended: bool,
    listened_at: Time,
    diary: Diary,
}

impl Caller {
    /// A resident who begins the script at `start_at`.
    pub fn new(phone: Phone, start_at: Time, steps: Vec<Step>) -> Self {
        Caller {
            phone,
            steps: steps.into(),
            step: 0,
            begun_at: None,
            start_at,
            done: false,
            answered: false,
            refused: false,
            ended: false,
            listened_at: Time::ZERO,
            diary: Diary::default(),
        }
    }

    /// The phone in hand.
    pub fn phone(&self) -> &Phone {
        &self.phone
    }

    /// The phone in hand, to change what it does.
    pub fn phone_mut(&mut self) -> &mut Phone {
        &mut self.phone
    }

    /// What was noticed and done, and when.
    pub fn diary(&self) -> &Diary {
        &self.diary
    }

    /// Whether the script is through, well or badly, and the phone is at rest.
    pub fn is_done(&self) -> bool {
        self.done && !self.phone.is_busy()
    }

    /// The number of the step that failed, if one did.
    pub fn failed(&self) -> Option<usize> {
        self.diary.iter().find_map(|(_, moment)| match moment {
            Moment::Failed(step) => Some(*step),
            _ => None,
        })
    }

    /// Drops the script and hangs up.
    pub fn leave(&mut self, now: Time) {
        if !self.done {
            self.steps.clear();
            self.finish(now, Moment::HungUp);
        }
        self.phone.hang_up(now);
    }

    /// When [`Caller::proceed`] must be called next, apart from the phone's.
    pub fn poll_timeout(&self) -> Option<Time> {
        if self.done {
            return None;
        }
        let Some(begun) = self.begun_at else { return Some(self.start_at) };
        match self.steps.front() {
            Some(Step::Wait(within))
            | Some(
                Step::UntilAnswered { within }
                | Step::UntilRefused { within }
                | Step::UntilHears { within, .. }
                | Step::UntilEnded { within },
            ) => Some(begun + *within),
            // The phone's packets lead on.
            Some(Step::Press(_)) => None,
            Some(Step::Ring(_) | Step::Say(_) | Step::HangUp) | None => Some(begun),
        }
    }

    /// Goes on with the script as far as it can at `now`.
    pub fn proceed(&mut self, now: Time) {
        while let Some(event) = self.phone.poll_event() {
            match &event {
                PhoneEvent::Answered => self.answered = true,
                PhoneEvent::Refused { .. } => {
                    self.refused = true;
                    self.ended = true;
                }
                PhoneEvent::Ended { .. } => self.ended = true,
                _ => {}
            }
            self.diary.note(now, Moment::Phone(event));
        }
        if now < self.start_at {
            return;
        }
        let mut begun = *self.begun_at.get_or_insert(now);
        while !self.done {
            let Some(step) = self.steps.front().cloned() else {
                self.finish(now, Moment::Done);
                return;
            };
            let first = begun == now && self.begun_at.is_some();
            match self.attempt(now, begun, first, &step) {
                Progress::Waits => return,
                Progress::Done => {
                    self.steps.pop_front();
                    self.step += 1;
                    begun = now;
                    self.begun_at = Some(now);
                }
                Progress::Failed => {
                    let step = self.step;
                    self.finish(now, Moment::Failed(step));
                    self.phone.hang_up(now);
                }
                Progress::LostPatience => {
                    self.phone.hang_up(now);
                    self.finish(now, Moment::LostPatience);
                }
            }
        }
    }

    fn finish(&mut self, now: Time, moment: Moment) {
        self.done = true;
        self.diary.note(now, moment);
    }

    fn attempt(&mut self, now: Time, begun: Time, first: bool, step: &Step) -> Progress {
        let waited = now.since(begun);
        let until = |fulfilled: bool, lost: bool, within: Duration| {
            if fulfilled {
                Progress::Done
            } else if lost || waited >= within {
                Progress::Failed
            } else {
                Progress::Waits
            }
        };
        match step {
            Step::Ring(called) => {
                (self.answered, self.refused, self.ended) = (false, false, false);
                self.phone.call(now, called);
                Progress::Done
            }
            Step::UntilAnswered { within } => until(self.answered, self.ended, *within),
            Step::UntilRefused { within } => until(self.refused, self.answered, *within),
            Step::UntilEnded { within } => until(self.ended, false, *within),
            Step::Wait(time) if waited >= *time => Progress::Done,
            Step::Wait(_) => Progress::Waits,
            Step::Press(keys) => {
                if self.ended {
                    return Progress::Failed;
                }
                if first && !self.phone.voice().pressing() {
                    self.phone.press(keys);
                }
                if self.phone.voice().pressing() { Progress::Waits } else { Progress::Done }
            }
            Step::UntilHears { what, within, otherwise } => {
                let attentive = now.since(self.listened_at) >= ATTENTION;
                if attentive {
                    self.listened_at = now;
                }
                if attentive && !self.ended && self.phone.voice().ear().hears(now, what) {
                    self.diary.note(now, Moment::Heard(what.clone()));
                    return Progress::Done;
                }
                match until(false, self.ended, *within) {
                    Progress::Failed if *otherwise == Otherwise::HangUp => Progress::LostPatience,
                    progress => progress,
                }
            }
            Step::Say(sound) => {
                self.phone.say(*sound);
                Progress::Done
            }
            Step::HangUp => {
                self.phone.hang_up(now);
                self.diary.note(now, Moment::HungUp);
                Progress::Done
            }
        }
    }
}

enum Progress {
    Waits,
    Done,
    Failed,
    LostPatience,
}
