//! An adviser with habits: registers, answers (or does not), talks, hangs up, dials star codes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::id::Entropy;
use crate::time::Time;

use super::diary::{Diary, Moment};
use super::phone::{Phone, PhoneEvent};

/// How long a star code's confirmation may last before the adviser hangs up.
const CODE_LIMIT: Duration = Duration::from_secs(15);

/// How an adviser behaves. Ranges are drawn from evenly.
#[derive(Debug, Clone, PartialEq)]
pub struct Habits {
    /// How long the registration is asked for, in seconds; 0 for a phone that does not register.
    pub registers_s: u32,
    /// Dialled once registered, or at the start: signing in.
    pub signs_in: Option<String>,
    /// How long the phone rings before it is picked up.
    pub picks_up_after: (Duration, Duration),
    /// Whether whoever rings hears something before the answer, as from a network.
    pub heard_early: bool,
    /// Offers that are let ring, first of all.
    pub ignores_first: u32,
    /// One offer in so many is let ring; 0 for none.
    pub ignores_one_in: u32,
    /// Offers that are refused (486), after those that are let ring.
    pub rejects_first: u32,
    /// How long the adviser talks before hanging up; none to let the caller do it.
    pub talks: Option<(Duration, Duration)>,
    /// Dialled after an offer was let ring or refused: ready again.
    pub recovers: Option<(Duration, String)>,
}

impl Default for Habits {
    /// Registers for five minutes, picks up after two seconds, lets the caller hang up.
    fn default() -> Self {
        let two = Duration::from_secs(2);
        Habits {
            registers_s: 300,
            signs_in: None,
            picks_up_after: (two, two),
            heard_early: false,
            ignores_first: 0,
            ignores_one_in: 0,
            rejects_first: 0,
            talks: None,
            recovers: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    /// The phone rings: pick up then.
    PickUp(Time),
    /// The phone rings, and may.
    LetRing,
    /// Talks: hang up then.
    Talk(Option<Time>),
    /// Has dialled a code: hang up then.
    Code(Time),
}

/// An adviser.
#[derive(Debug)]
pub struct Adviser {
    phone: Phone,
    habits: Habits,
    entropy: Entropy,
    doing: Doing,
    start_at: Option<Time>,
    offers: u32,
    dials: VecDeque<(Time, String)>,
    diary: Diary,
}

impl Adviser {
    /// An adviser whose phone is switched on at `start_at`.
    pub fn new(phone: Phone, start_at: Time, habits: Habits, entropy: Entropy) -> Self {
        Adviser {
            phone,
            habits,
            entropy,
            doing: Doing::Nothing,
            start_at: Some(start_at),
            offers: 0,
            dials: VecDeque::new(),
            diary: Diary::default(),
        }
    }

    /// The phone on the desk.
    pub fn phone(&self) -> &Phone {
        &self.phone
    }

    /// The phone on the desk, to change what it does.
    pub fn phone_mut(&mut self) -> &mut Phone {
        &mut self.phone
    }

    /// Habits can change.
    pub fn habits_mut(&mut self) -> &mut Habits {
        &mut self.habits
    }

    /// What was noticed and done, and when.
    pub fn diary(&self) -> &Diary {
        &self.diary
    }

    /// How often the phone rang.
    pub fn offers(&self) -> u32 {
        self.offers
    }

    /// Whether the adviser talks with somebody.
    pub fn is_talking(&self) -> bool {
        matches!(self.doing, Doing::Talk(_))
    }

    /// Dials a code or number at `at`, or as soon as the phone is free after it.
    pub fn dial(&mut self, at: Time, called: &str) {
        self.dials.push_back((at, called.to_owned()));
    }

    /// Hangs up whatever is on.
    pub fn hang_up(&mut self, now: Time) {
        self.phone.hang_up(now);
        self.diary.note(now, Moment::HungUp);
    }

    /// Hangs up, unregisters, and dials nothing more.
    pub fn leave(&mut self, now: Time) {
        self.start_at = None;
        self.dials.clear();
        self.habits.recovers = None;
        self.hang_up(now);
        self.doing = Doing::Nothing;
        if self.phone.is_registered() {
            self.phone.register(now, 0);
        }
    }

    /// When [`Adviser::proceed`] must be called next, apart from the phone's.
    pub fn poll_timeout(&self) -> Option<Time> {
        let doing = match self.doing {
            Doing::PickUp(at) | Doing::Talk(Some(at)) | Doing::Code(at) => Some(at),
            Doing::LetRing | Doing::Talk(None) => None,
            Doing::Nothing => self.dials.front().map(|(at, _)| *at),
        };
        doing.into_iter().chain(self.start_at).min()
    }

    /// Does what is due at `now`.
    pub fn proceed(&mut self, now: Time) {
        if self.start_at.is_some_and(|at| at <= now) {
            self.start_at = None;
            match self.habits.registers_s {
                0 => self.sign_in(now),
                seconds => self.phone.register(now, seconds),
            }
        }
        while let Some(event) = self.phone.poll_event() {
            self.notice(now, &event);
            self.diary.note(now, Moment::Phone(event));
        }
        match self.doing {
            Doing::PickUp(at) if at <= now => {
                self.phone.answer(now);
                self.doing = Doing::Talk(None);
            }
            Doing::Talk(Some(at)) | Doing::Code(at) if at <= now => {
                self.hang_up(now);
                // What follows is the phone's to do, and its events end this.
                self.doing = match self.phone.is_busy() {
                    true => Doing::Talk(None),
                    false => Doing::Nothing,
                };
            }
            Doing::Nothing if self.dials.front().is_some_and(|(at, _)| *at <= now) => {
                if let Some((_, called)) = self.dials.pop_front() {
                    self.phone.call(now, &called);
                    self.doing = Doing::Code(now + CODE_LIMIT);
                }
            }
            Doing::PickUp(_)
            | Doing::LetRing
            | Doing::Talk(_)
            | Doing::Code(_)
            | Doing::Nothing => {}
        }
    }

    fn notice(&mut self, now: Time, event: &PhoneEvent) {
        match event {
            PhoneEvent::Registered => self.sign_in(now),
            PhoneEvent::Incoming { .. } => self.consider(now),
            PhoneEvent::Established => {
                let until = self.habits.talks.map(|range| now + self.between(range));
                self.doing = Doing::Talk(until);
            }
            PhoneEvent::Cancelled => {
                if self.doing == Doing::LetRing {
                    self.recover(now);
                }
                self.doing = Doing::Nothing;
            }
            PhoneEvent::Ended { .. } | PhoneEvent::Refused { .. } => self.doing = Doing::Nothing,
            PhoneEvent::Unregistered
            | PhoneEvent::NotRegistered(_)
            | PhoneEvent::Ringing
            | PhoneEvent::EarlyMedia
            | PhoneEvent::Answered
            | PhoneEvent::Held
            | PhoneEvent::Resumed
            | PhoneEvent::HoldRefused(_)
            | PhoneEvent::TransferAccepted
            | PhoneEvent::TransferRefused(_)
            | PhoneEvent::TransferProgress(_)
            | PhoneEvent::Replaced => {}
        }
    }

    fn sign_in(&mut self, now: Time) {
        if let Some(code) = self.habits.signs_in.take() {
            self.dial(now, &code);
        }
    }

    fn consider(&mut self, now: Time) {
        self.offers += 1;
        let one_in = self.habits.ignores_one_in;
        let ignored = self.offers <= self.habits.ignores_first
            || (one_in > 0 && self.entropy.below(one_in) == 0);
        if ignored {
            self.phone.ring(now);
            self.doing = Doing::LetRing;
        } else if self.offers <= self.habits.ignores_first + self.habits.rejects_first {
            self.phone.reject(now, 486);
            self.recover(now);
        } else {
            match self.habits.heard_early {
                true => self.phone.ring_with_media(now),
                false => self.phone.ring(now),
            }
            self.doing = Doing::PickUp(now + self.between(self.habits.picks_up_after));
        }
    }

    fn recover(&mut self, now: Time) {
        if let Some((after, code)) = self.habits.recovers.clone() {
            self.dial(now + after, &code);
        }
    }

    fn between(&mut self, (least, most): (Duration, Duration)) -> Duration {
        let span = u32::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u32::MAX - 1);
        least + Duration::from_millis(self.entropy.below(span + 1).into())
    }
}
