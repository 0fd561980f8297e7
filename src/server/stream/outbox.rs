//! What waits to be sent on a connection: the control thread puts it in and never waits, the
//! connection's task takes it out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// What may wait for one peer, in messages and in bytes: seconds of a busy trunk's traffic. A peer
/// that lets more pile up does not read.
const MOST_MESSAGES: usize = 512;
const MOST_BYTES: usize = 512 * 1_024;

/// Why a message cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The peer does not read; the outbox is closed now.
    Full,
    /// The connection is ending.
    Closed,
}

/// The queue of one connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: usize,
    closed: bool,
}

impl Outbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message.
    pub(super) fn push(&self, message: Bytes) -> Result<(), Refused> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(Refused::Closed);
        }
        let bytes = waiting.bytes + message.len();
        if waiting.messages.len() == MOST_MESSAGES || bytes > MOST_BYTES {
            *waiting = Waiting { closed: true, ..Waiting::default() };
            self.changed.notify_one();
            return Err(Refused::Full);
        }
        waiting.bytes = bytes;
        waiting.messages.push_back(message);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes no more; what waits is still sent.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_one();
    }

    /// Everything that waits, as soon as something does; none once the outbox is closed and empty.
    pub(super) async fn take(&self) -> Option<VecDeque<Bytes>> {
        loop {
            {
                let mut waiting = self.waiting();
                if !waiting.messages.is_empty() {
                    waiting.bytes = 0;
                    return Some(std::mem::take(&mut waiting.messages));
                }
                if waiting.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Bytes {
        Bytes::from(vec![b'x'; length])
    }

    #[tokio::test]
    async fn what_waits_is_taken_in_order_and_to_the_end() {
        let outbox = Outbox::default();
        for length in [1, 2, 3] {
            assert_eq!(outbox.push(message(length)), Ok(()));
        }
        outbox.close();
        assert_eq!(outbox.push(message(4)), Err(Refused::Closed));
        let taken = outbox.take().await.expect("messages");
        assert_eq!(taken.iter().map(Bytes::len).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(outbox.take().await, None);
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_given_up() {
        for (count, length) in [(MOST_MESSAGES, 1), (8, MOST_BYTES / 8)] {
            let outbox = Outbox::default();
            for _ in 0..count {
                assert_eq!(outbox.push(message(length)), Ok(()));
            }
            assert_eq!(outbox.push(message(1)), Err(Refused::Full));
            assert_eq!(outbox.push(message(1)), Err(Refused::Closed));
            assert_eq!(outbox.take().await, None, "nothing more is sent");
        }
    }
}
