//! Whoever holds a phone: the one face that the world's clock, or a real one, drives.

use std::net::SocketAddr;

use crate::time::Time;

use super::adviser::Adviser;
use super::caller::Caller;
use super::diary::Diary;
use super::phone::{Line, Phone, PhoneTransmit};

/// A caller or an adviser.
#[derive(Debug)]
pub enum Person {
    /// Rings.
    Caller(Box<Caller>),
    /// Answers.
    Adviser(Box<Adviser>),
}

impl Person {
    /// The person's phone.
    pub fn phone(&self) -> &Phone {
        match self {
            Person::Caller(caller) => caller.phone(),
            Person::Adviser(adviser) => adviser.phone(),
        }
    }

    /// What the person noticed and did.
    pub fn diary(&self) -> &Diary {
        match self {
            Person::Caller(caller) => caller.diary(),
            Person::Adviser(adviser) => adviser.diary(),
        }
    }

    /// The same, to do something with it that is in no script.
    pub fn phone_mut(&mut self) -> &mut Phone {
        match self {
            Person::Caller(caller) => caller.phone_mut(),
            Person::Adviser(adviser) => adviser.phone_mut(),
        }
    }

    /// Takes in a datagram and reacts to it.
    pub fn handle_datagram(&mut self, now: Time, line: Line, from: SocketAddr, bytes: &[u8]) {
        self.phone_mut().handle_datagram(now, line, from, bytes);
        self.proceed(now);
    }

    /// Lets everything happen that is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.phone_mut().handle_timeout(now);
        self.proceed(now);
    }

    /// When [`Person::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        let own = match self {
            Person::Caller(caller) => caller.poll_timeout(),
            Person::Adviser(adviser) => adviser.poll_timeout(),
        };
        own.into_iter().chain(self.phone().poll_timeout()).min()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<PhoneTransmit> {
        self.phone_mut().poll_transmit()
    }

    /// Hangs up whatever is on, unregisters, and does nothing more.
    pub fn leave(&mut self, now: Time) {
        match self {
            Person::Caller(caller) => caller.leave(now),
            Person::Adviser(adviser) => adviser.leave(now),
        }
    }

    /// Whether the farewell is complete: no call is on and nothing is registered.
    pub fn has_left(&self) -> bool {
        !self.phone().is_busy() && !self.phone().is_registered()
    }

    fn proceed(&mut self, now: Time) {
        match self {
            Person::Caller(caller) => caller.proceed(now),
            Person::Adviser(adviser) => adviser.proceed(now),
        }
    }
}
