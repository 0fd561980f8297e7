//! The tests' clock: waiting for conditions, never for time to pass.
#![allow(clippy::disallowed_methods)] // these tests run in real time

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use switchboard::time::Time;

/// Monotonic time since the test began.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Clock(Instant::now())
    }

    pub fn now(&self) -> Time {
        Time::from_micros(self.0.elapsed().as_micros() as u64)
    }
}

/// Asks every 20 ms until there is an answer; none if it does not come in time.
pub fn wait_for<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What [`free_port`] has given to somebody: they may not have taken it yet.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A UDP port that is free now, with `beside` more above it, and that nobody else here was given: two
/// phones with one port would hear each other's orders.
pub fn free_port(beside: u16) -> u16 {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..2_000 {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("its number").port();
        if port % 2 == 1 || port > u16::MAX - beside - 1 {
            continue;
        }
        if given.range(port..=port + beside).next().is_some() {
            continue;
        }
        let all: Vec<_> =
            (1..=beside).map(|above| UdpSocket::bind(("127.0.0.1", port + above))).collect();
        if all.iter().all(Result::is_ok) {
            given.extend(port..=port + beside);
            return port;
        }
    }
    panic!("no {beside} free ports beside each other");
}
