//! How one thread of the shell wakes another that sleeps in its poll.
//!
//! Waking costs a system call and, on a machine with few cores, a change of threads: several
//! hundred times what it costs to queue a message. A bell that was rung and not yet heard is
//! therefore not rung again.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Wakes the thread whose poll watches it, edge-triggered: each ring is an edge, and nothing is ever
/// read.
///
/// The sleeper calls [`Bell::heard`] *before* it looks at what others have queued; the others queue
/// *before* they ring. Either the sleeper then sees what was queued, or the bell rings.
#[derive(Debug)]
pub struct Bell {
    event: EventFd,
    rung: AtomicBool,
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

impl Bell {
    /// A bell that nobody watches yet.
    pub fn new() -> io::Result<Bell> {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Bell { event, rung: AtomicBool::new(false) })
    }

    /// Wakes the sleeper, unless it is about to wake anyway.
    pub fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) && self.event.write(1).is_err() {
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

    use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

    use super::*;

    const PATIENCE_MS: u16 = 20_000;

    fn watching(bell: &Bell) -> Epoll {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("a poll");
        let edges = EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 7);
        epoll.add(bell, edges).expect("watched");
        epoll
    }

    /// What the poll returns with.
    fn woken(epoll: &Epoll, wait_ms: u16) -> Vec<u64> {
        let mut events = [EpollEvent::empty(); 8];
        let count = epoll.wait(&mut events, wait_ms).expect("polls");
        events[..count].iter().map(EpollEvent::data).collect()
    }

    #[test]
    fn ringing_again_before_it_was_heard_wakes_once() {
        let bell = Bell::new().expect("a bell");
        let epoll = watching(&bell);
        for _ in 0..3 {
            (0..5).for_each(|_| bell.ring());
            assert_eq!(woken(&epoll, PATIENCE_MS), [7]);
            bell.heard();
            assert!(woken(&epoll, 0).is_empty());
        }
    }

    #[test]
    fn nothing_that_was_queued_before_a_ring_is_left_lying() {
        const EACH: u32 = 20_000;
        let bell = Arc::new(Bell::new().expect("a bell"));
        let epoll = watching(&bell);
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
        let mut seen = 0;
        while seen < 2 * EACH {
            let woken = woken(&epoll, PATIENCE_MS);
            assert!(!woken.is_empty(), "slept although something was queued: {seen} seen");
            bell.heard();
            seen += queued.try_iter().count() as u32;
        }
        ringers.into_iter().for_each(|ringer| ringer.join().expect("ends"));
    }
}
