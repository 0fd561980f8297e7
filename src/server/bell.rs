//! How one thread of the shell wakes another that sleeps in its poll.
//!
//! Waking costs a system call and, on a machine with few cores, a change of threads: several
//! hundred times what it costs to queue a message. A bell that was rung and not yet heard is
//! therefore not rung again.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::{Registry, Token, Waker};

/// Wakes the thread whose poll it is registered with.
///
/// The sleeper calls [`Bell::heard`] *before* it looks at what others have queued; the others queue
/// *before* they ring. Either the sleeper then sees what was queued, or the bell rings.
#[derive(Debug)]
pub struct Bell {
    waker: Waker,
    rung: AtomicBool,
}

impl Bell {
    /// A bell that makes a poll return with `token`.
    pub fn new(registry: &Registry, token: Token) -> io::Result<Bell> {
        Ok(Bell { waker: Waker::new(registry, token)?, rung: AtomicBool::new(false) })
    }

    /// Wakes the sleeper, unless it is about to wake anyway.
    pub fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) && self.waker.wake().is_err() {
            // The next one tries again.
            self.rung.store(false, Ordering::Release);
        }
    }

    /// The sleeper is awake and will now look at everything that was queued so far.
    pub fn heard(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::sync::{Arc, mpsc::Receiver};
    use std::time::Duration;

    use mio::{Events, Poll};

    use super::*;

    const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

    #[test]
    fn ringing_again_before_it_was_heard_wakes_once() {
        let mut poll = Poll::new().expect("a poll");
        let bell = Bell::new(poll.registry(), Token(7)).expect("a bell");
        let mut events = Events::with_capacity(8);
        for _ in 0..3 {
            (0..5).for_each(|_| bell.ring());
            poll.poll(&mut events, PATIENCE).expect("polls");
            assert_eq!(events.iter().map(|event| event.token()).collect::<Vec<_>>(), [Token(7)]);
            bell.heard();
            poll.poll(&mut events, Some(Duration::ZERO)).expect("polls");
            assert!(events.is_empty());
        }
    }

    #[test]
    fn nothing_that_was_queued_before_a_ring_is_left_lying() {
        const EACH: u32 = 20_000;
        let mut poll = Poll::new().expect("a poll");
        let bell = Arc::new(Bell::new(poll.registry(), Token(0)).expect("a bell"));
        let (sender, queued): (_, Receiver<u32>) = channel();
        let ringers: Vec<_> = (0..2)
            .map(|_| {
                let (sender, bell) = (sender.clone(), bell.clone());
                std::thread::spawn(move || {
                    for number in 0..EACH {
                        sender.send(number).expect("queued");
                        bell.ring();
                    }
                })
            })
            .collect();
        let mut events = Events::with_capacity(8);
        let mut seen = 0;
        while seen < 2 * EACH {
            poll.poll(&mut events, PATIENCE).expect("polls");
            assert!(!events.is_empty(), "slept although something was queued: {seen} seen");
            bell.heard();
            seen += queued.try_iter().count() as u32;
        }
        ringers.into_iter().for_each(|ringer| ringer.join().expect("ends"));
    }
}
