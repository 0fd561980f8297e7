//! Simulated people on real sockets, driven by the test itself.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use switchboard::id::Entropy;
use switchboard::sim::adviser::{Adviser, Habits};
use switchboard::sim::caller::{Caller, Step};
use switchboard::sim::diary::{Diary, Moment};
use switchboard::sim::person::Person;
use switchboard::sim::phone::{Line, Phone, PhoneSettings};
use switchboard::sim::tone::Sound;

use switchboard::time::Time;

use super::clock::Clock;

struct House {
    person: Person,
    signalling: UdpSocket,
    voice: UdpSocket,
}

/// People with phones on loopback.
pub struct Street {
    clock: Clock,
    houses: Vec<House>,
}

impl Street {
    pub fn new() -> Self {
        Street { clock: Clock::start(), houses: Vec::new() }
    }

    /// A caller who begins at once. `change` sets up the phone.
    pub fn caller(
        &mut self,
        number: &str,
        server: SocketAddr,
        change: impl FnOnce(&mut PhoneSettings),
        steps: Vec<Step>,
    ) -> usize {
        let now = self.now();
        self.settle(number, server, change, |phone, _| {
            Person::Caller(Box::new(Caller::new(phone, now, steps)))
        })
    }

    /// An adviser whose phone is rung directly, or who registers if the habits say so.
    pub fn adviser(
        &mut self,
        user: &str,
        change: impl FnOnce(&mut PhoneSettings),
        habits: Habits,
    ) -> usize {
        let now = self.now();
        self.settle(user, ([127, 0, 0, 1], 9).into(), change, |phone, entropy| {
            Person::Adviser(Box::new(Adviser::new(phone, now, habits, entropy)))
        })
    }

    fn settle(
        &mut self,
        user: &str,
        server: SocketAddr,
        change: impl FnOnce(&mut PhoneSettings),
        person: impl FnOnce(Phone, Entropy) -> Person,
    ) -> usize {
        let bind = || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            socket.set_nonblocking(true).expect("does not block");
            socket
        };
        let (signalling, voice) = (bind(), bind());
        let at = |socket: &UdpSocket| socket.local_addr().expect("an address");
        let mut settings = PhoneSettings::new(user, at(&signalling), at(&voice), server);
        change(&mut settings);
        let mut entropy = Entropy::from_seed([self.houses.len() as u8 + 1; 32]);
        let phone = Phone::new(settings, entropy.fork());
        self.houses.push(House { person: person(phone, entropy), signalling, voice });
        self.houses.len() - 1
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }

    pub fn phone(&self, which: usize) -> &Phone {
        self.houses[which].person.phone()
    }

    /// Somebody presses keys, besides what their script says.
    pub fn press(&mut self, which: usize, keys: &str) {
        self.houses[which].person.phone_mut().press(keys);
    }

    /// Somebody says something, besides what their script says.
    pub fn say(&mut self, which: usize, sound: Sound) {
        self.houses[which].person.phone_mut().say(sound);
    }

    /// Somebody rings a number, besides what their script says.
    #[allow(dead_code)] // not every test that lives here does
    pub fn dial(&mut self, which: usize, called: &str) {
        let now = self.now();
        self.houses[which].person.phone_mut().call(now, called);
    }

    /// Somebody hangs up, whatever their script says.
    pub fn leave(&mut self, which: usize) {
        let now = self.now();
        self.houses[which].person.leave(now);
    }

    pub fn diary(&self, which: usize) -> &Diary {
        self.houses[which].person.diary()
    }

    /// Whether a caller's script is through.
    pub fn is_done(&self, which: usize) -> bool {
        matches!(&self.houses[which].person, Person::Caller(caller) if caller.is_done())
    }

    /// Whether a caller's script failed.
    pub fn has_failed(&self, which: usize) -> bool {
        self.diary(which).iter().any(|(_, moment)| matches!(moment, Moment::Failed(_)))
    }

    /// Lets everybody live until `done`, or until the time is up; whether it was done.
    pub fn live(&mut self, within: Duration, mut done: impl FnMut(&Street) -> bool) -> bool {
        let end = self.clock.now() + within;
        loop {
            let now = self.clock.now();
            for house in &mut self.houses {
                house.turn(self.clock);
            }
            if done(self) {
                return true;
            }
            if now >= end {
                return false;
            }
            let next = self.houses.iter().filter_map(|house| house.person.poll_timeout()).min();
            let rest = next.map_or(Duration::from_millis(20), |at| at.since(now));
            let mut waiting: Vec<PollFd> = self
                .houses
                .iter()
                .flat_map(|house| [house.signalling.as_fd(), house.voice.as_fd()])
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
                .collect();
            let rest = rest.min(Duration::from_millis(20)).as_millis() as u16;
            poll(&mut waiting, PollTimeout::from(rest)).expect("the sockets can be waited for");
        }
    }
}

impl House {
    fn turn(&mut self, clock: Clock) {
        let mut buffer = [0; 4_096];
        for line in [Line::Signalling, Line::Voice] {
            loop {
                let socket = if line == Line::Signalling { &self.signalling } else { &self.voice };
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        self.person.handle_datagram(clock.now(), line, from, &buffer[..length]);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(_) => {}
                }
            }
        }
        self.person.handle_timeout(clock.now());
        while let Some(out) = self.person.poll_transmit() {
            let socket = if out.line == Line::Signalling { &self.signalling } else { &self.voice };
            let _ = socket.send_to(&out.bytes, out.to);
        }
    }
}
