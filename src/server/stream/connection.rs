//! One connection that carries a stream of messages, from its beginning to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::sip::framing::{Frame, Framer, FramingError, PING, PONG};

use super::counters::Refusal;
use super::{Entered, Room, StreamEvent, WAITING_OF_ONE};

/// What is read at once: a connection costs as much while it is silent.
const CHUNK: usize = 4_096;
/// How long the last words of a connection may take.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The peer closed it, or the network did.
    Peer,
    /// We do, without anybody's fault: nothing was said for long, or the server stops.
    Ours,
    /// We do.
    Refused(Refusal, &'static str),
    /// The peer's bytes are no messages.
    Unframed(FramingError),
}

/// An open connection.
pub(super) struct Connection {
    pub(super) entered: Entered,
    /// We opened it: keep-alives are ours to send (RFC 5626 section 4.4.1).
    opened: bool,
    /// Its messages that wait for the control thread.
    waiting: Arc<Semaphore>,
    /// Answers to keep-alives that the reading side does not know of yet.
    pongs_due: AtomicU32,
}

impl Connection {
    /// One that a peer opened, who proved these names.
    pub(super) fn accepted(entered: Entered, names: Vec<String>) -> Connection {
        Connection::new(entered, names, false)
    }

    /// One that we opened.
    pub(super) fn opened(entered: Entered, names: Vec<String>) -> Connection {
        Connection::new(entered, names, true)
    }

    fn new(entered: Entered, names: Vec<String>, opened: bool) -> Connection {
        if !names.is_empty() {
            let (listener, peer) = (entered.flow.listener, entered.flow.peer);
            (entered.shared.tell)(StreamEvent::Named { listener, peer, names });
        }
        let waiting = Arc::new(Semaphore::new(WAITING_OF_ONE));
        Connection { entered, opened, waiting, pongs_due: AtomicU32::new(0) }
    }

    /// Reads and writes until either side has had enough.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) {
        let (reader, writer) = tokio::io::split(stream);
        let mut writing = std::pin::pin!(self.write(writer));
        let end = tokio::select! {
            end = self.read(reader) => end,
            end = &mut writing => return self.over(end),
            () = self.stopped() => End::Ours,
        };
        if let End::Unframed(error) = &end
            && let Some(answer) = error.answer(self.entered.flow.peer, &last_tag(error))
        {
            let _ = self.entered.outbox.push(answer);
        }
        // What waits is still sent.
        self.entered.outbox.close();
        let _ = timeout(LAST_WORDS, writing).await;
        self.over(end);
    }

    /// The server stops.
    pub(super) async fn stopped(&self) {
        let mut stop = self.entered.shared.stop.subscribe();
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Counts an end that was somebody's fault.
    pub(super) fn over(&self, end: End) {
        let (shared, flow) = (&self.entered.shared, self.entered.flow);
        let (why, detail) = match end {
            End::Peer | End::Ours => return,
            End::Refused(why, detail) => (why, detail.to_owned()),
            End::Unframed(error) => (Refusal::Unframed(error.fault), error.to_string()),
        };
        shared.refuse(flow, why, &detail);
        if let Refusal::Unframed(_) = why {
            let (listener, peer) = (flow.listener, flow.peer);
            (shared.tell)(StreamEvent::Unreadable { listener, peer });
        }
    }

    /// Hands a message to the control thread as soon as it has room.
    pub(super) async fn deliver(&self, bytes: Bytes) {
        let shared = &self.entered.shared;
        let one = self.waiting.clone().acquire_owned().await;
        let all = shared.waiting.clone().acquire_owned().await;
        // They are never closed.
        if let (Ok(one), Ok(all)) = (one, all) {
            let (listener, peer) = (self.entered.flow.listener, self.entered.flow.peer);
            let room = Room { _all: all, _one: one };
            (shared.tell)(StreamEvent::Message { listener, peer, bytes, room });
        }
    }

    async fn read<R: AsyncRead + Unpin>(&self, mut from: R) -> End {
        let patience = self.entered.shared.patience;
        let mut framer = Framer::default();
        let mut chunk = vec![0; CHUNK].into_boxed_slice();
        let mut heard = self.opened;
        let mut begun: Option<Instant> = None;
        let began_at = Instant::now();
        loop {
            let (until, late) = match begun {
                Some(at) if heard => (
                    at + patience.message,
                    End::Refused(Refusal::SlowMessage, "a message took too long"),
                ),
                None if heard => (Instant::now() + patience.idle, End::Ours),
                Some(_) | None => (
                    began_at + patience.first_message,
                    End::Refused(Refusal::Silent, "no message came"),
                ),
            };
            let read = match timeout_at(until, from.read(&mut chunk)).await {
                Err(_) => return late,
                Ok(Err(_) | Ok(0)) => return End::Peer,
                Ok(Ok(read)) => read,
            };
            for _ in 0..self.pongs_due.swap(0, Ordering::Relaxed) {
                framer.expect_pong();
            }
            framer.push(chunk.get(..read).unwrap_or_default());
            loop {
                match framer.poll() {
                    Ok(Some(Frame::Message(bytes))) => {
                        heard = true;
                        begun = None;
                        self.deliver(bytes).await;
                    }
                    // A peer that sends keep-alives without reading the answers is slow to read.
                    Ok(Some(Frame::Ping)) => {
                        let _ = self.entered.outbox.push(Bytes::from_static(PONG));
                    }
                    Ok(Some(Frame::Pong)) => {}
                    Ok(None) => break,
                    Err(error) => return End::Unframed(error),
                }
            }
            begun = match framer.is_within_message() {
                true => begun.or_else(|| Some(Instant::now())),
                false => None,
            };
        }
    }

    async fn write<W: AsyncWrite + Unpin>(&self, mut to: W) -> End {
        let patience = self.entered.shared.patience;
        let mut together = Vec::new();
        let mut ping_at = Instant::now() + patience.ping;
        loop {
            let taken = match self.opened {
                true => timeout_at(ping_at, self.entered.outbox.take()).await,
                false => Ok(self.entered.outbox.take().await),
            };
            together.clear();
            match taken {
                Ok(Some(messages)) => {
                    messages.iter().for_each(|message| together.extend_from_slice(message));
                }
                Ok(None) => {
                    let _ = timeout(LAST_WORDS, to.shutdown()).await;
                    return End::Ours;
                }
                Err(_) => {
                    ping_at = Instant::now() + patience.ping;
                    self.pongs_due.fetch_add(1, Ordering::Relaxed);
                    together.extend_from_slice(PING);
                }
            }
            let written = async {
                to.write_all(&together).await?;
                to.flush().await
            };
            match timeout(patience.write, written).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Peer,
                Err(_) => return End::Refused(Refusal::SlowReader, "the peer does not read"),
            }
            if together.capacity() > CHUNK {
                together = Vec::new();
            }
        }
    }
}

/// The To tag of the last answer on a connection: nobody will ever bring it back.
fn last_tag(error: &FramingError) -> String {
    error.fault.label().replace('_', "-")
}
