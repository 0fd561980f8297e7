//! The demo's people: simulated residents and advisers on real loopback sockets, driven by the
//! real clock. They are the user agents of [`crate::sim`] and know the server only by its address.

pub mod council;
mod people;
mod seats;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Poll, Waker};

use crate::config::settings::StarCodes;

use self::people::Population;
use self::seats::{Seats, WAKE};

/// Who takes part, and how busy it is.
#[derive(Debug, Clone)]
pub struct DemoSettings {
    /// Where the central number is served. An address of loopback.
    pub server: SocketAddr,
    /// The number that residents ring.
    pub number: String,
    /// Advisers: id, password, name.
    pub advisers: Vec<(String, String, String)>,
    /// What advisers dial to sign in and to be ready again.
    pub star_codes: StarCodes,
    /// How long advisers are kept from the next call after one. Talk is made short enough that
    /// they can almost keep up with those who ring.
    pub wrap_up: Duration,
    /// How many residents ring in a minute.
    pub calls_per_minute: f64,
    /// The same residents for the same seed.
    pub seed: u64,
}

/// People who ring and answer until they are stopped.
#[derive(Debug)]
pub struct Demo {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Lets the people begin.
pub fn start(settings: DemoSettings) -> io::Result<Demo> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let mut seats = Seats::new(poll);
    let mut population = Population::new(settings);
    population.switch_on(&mut seats)?;
    let thread = std::thread::Builder::new()
        .name("demo".to_owned())
        .spawn(move || seats.run(&mut population, &flag))?;
    Ok(Demo { stop, waker, thread: Some(thread) })
}

impl Demo {
    /// Everybody hangs up, advisers unregister, sockets are closed. Takes a second at most.
    pub fn stop(mut self) -> io::Result<()> {
        self.end()
    }

    /// Whether the people have ended by themselves, which they should not.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(&mut self) -> io::Result<()> {
        self.stop.store(true, Ordering::Release);
        let _ = self.waker.wake();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the demo's thread panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Whoever wants to know how it ended calls `stop`.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests;
