//! The control thread: datagrams, media events and requests in, one at a time; what the engine
//! wants done, out. It owns the engine and the SIP sockets and never waits for anything else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use tokio::sync::oneshot;

use crate::backend::{self, Failed, FetchId};
use crate::engine::io::{
    Input, JournalHealth, ListenId, Output, Reply, Request, RequestId, SpeechNews,
};
use crate::engine::{Engine, Plan};
use crate::event::OutboundRefusal;
use crate::id::NotificationId;
use crate::media;
use crate::notification::Bounce;
use crate::sip::ListenerId;
use crate::sip::endpoint::SipCounters;
use crate::time::{Time, UnixMicros};
use crate::trunk::TrunkStatus;
use crate::trunk::names::{Answer, Query, ResolveError};

use super::backends::BackendClient;
use super::bell::Bell;
use super::clock::Clock;
use super::hearing::Listenings;
use super::media_thread::MediaThreads;
use super::notifications::Post;
use super::recording::{Watch, desk::News};
use super::refusals::{self, Line, Refusals};
use super::resolver::Resolver;
use super::store::JournalHandle;
use super::stream::{StreamEvent, Streams};
use super::udp::Listener;

const WAKE: Token = Token(usize::MAX);
/// Datagrams taken from one socket before timers and messages have their turn, and messages taken
/// before sockets have theirs.
const BURST: usize = 64;
const MESSAGES: usize = 1_024;
/// How often the wall clock is looked at for a step.
const CLOCK_WATCH: Duration = Duration::from_secs(1);
/// How long BYEs of a stop may take to be answered.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often a stop looks whether all is over.
const LAST_GLANCES: Duration = Duration::from_millis(10);
/// How often the counters on the wire are published.
const PUBLISH: Duration = Duration::from_millis(500);
/// The largest datagram that UDP can carry.
const DATAGRAM: usize = 65_535;

/// What other threads tell the control thread.
pub enum Message {
    /// Media tell something.
    Media(media::command::Event),
    /// The API asks.
    Request {
        /// Who.
        actor: Arc<str>,
        /// For themselves.
        own: bool,
        /// What.
        request: Request,
        /// Where the reply goes once the journal has committed.
        reply: oneshot::Sender<Reply>,
    },
    /// What happens on connections.
    Stream(StreamEvent),
    /// The domain name system has answered.
    Resolved(Query, Result<Answer, ResolveError>),
    /// An attempt to ask a back end is over; whether it may have got the request.
    Fetched(FetchId, Result<backend::Answer, Failed>, bool),
    /// An attempt to send something is over.
    Dispatched(NotificationId, Result<Option<String>, Bounce>),
    /// Something was heard of a caller.
    Heard(ListenId, SpeechNews),
    /// What a language model says of it.
    Opinion(ListenId, Option<String>),
    /// What became of a recording.
    Recording(News),
    /// How the journal fares.
    Journal(JournalHealth),
    /// The journal has committed everything up to here.
    Committed(u64),
    /// New settings.
    Settings(Arc<Plan>),
    /// Take no new calls.
    Drain,
    /// End every call and the thread.
    Stop,
}

/// The way to the control thread. Cheap to copy.
#[derive(Clone)]
pub struct ControlHandle {
    messages: Sender<Message>,
    bell: Arc<Bell>,
    counters: Arc<ArcSwap<WireState>>,
}

/// What the control thread publishes about itself.
#[derive(Debug, Clone, Default)]
pub struct WireState {
    /// SIP on the wire.
    pub sip: SipCounters,
    /// How trunks fare.
    pub trunks: Vec<TrunkStatus>,
    /// Calls to the outside that were not made, by reason.
    pub outbound_refused: BTreeMap<OutboundRefusal, u64>,
    /// Calls up.
    pub calls: usize,
    /// Whether new calls are taken.
    pub draining: bool,
}

impl ControlHandle {
    /// Tells the control thread; nothing happens if it is gone.
    pub fn send(&self, message: Message) {
        if self.messages.send(message).is_ok() {
            self.bell.ring();
        }
    }

    /// Tells the control thread when it wakes for something else, in half a second at the latest.
    pub fn send_later(&self, message: Message) {
        // It is gone: nobody is left to be told.
        let _ = self.messages.send(message);
    }

    /// What was published last, at most half a second old.
    pub fn state(&self) -> Arc<WireState> {
        self.counters.load_full()
    }
}

/// The control thread before it runs: others need its handle first.
pub struct Control {
    poll: Poll,
    messages: Receiver<Message>,
    handle: ControlHandle,
    listeners: Vec<Option<Listener>>,
    resolver: Resolver,
    backends: BackendClient,
    post: Post,
    listenings: Listenings,
}

impl Control {
    /// Takes the listeners for datagrams, in the order of ids, none where a stream is; whoever is asked
    /// for names and for the council's business, and who sends texts; and what listens to callers.
    pub fn new(
        mut listeners: Vec<Option<Listener>>,
        resolver: Resolver,
        backends: BackendClient,
        post: Post,
        listenings: Listenings,
    ) -> io::Result<Control> {
        let poll = Poll::new()?;
        for (at, listener) in listeners.iter_mut().enumerate() {
            if let Some(listener) = listener {
                poll.registry().register(&mut listener.socket, Token(at), Interest::READABLE)?;
            }
        }
        let bell = Bell::new()?;
        let mut source = SourceFd(&bell.as_fd().as_raw_fd());
        poll.registry().register(&mut source, WAKE, Interest::READABLE)?;
        let (sender, messages) = channel();
        let handle =
            ControlHandle { messages: sender, bell: Arc::new(bell), counters: Arc::default() };
        Ok(Control { poll, messages, handle, listeners, resolver, backends, post, listenings })
    }

    /// The way to this thread.
    pub fn handle(&self) -> ControlHandle {
        self.handle.clone()
    }

    /// Runs until a stop is complete. `wall` is what the engine's calendar showed, and when.
    #[allow(clippy::too_many_arguments)] // everything that the thread owns or talks to
    pub fn run(
        self,
        clock: Clock,
        wall: (Time, UnixMicros),
        engine: Engine,
        media: &MediaThreads,
        journal: &JournalHandle,
        streams: Streams,
        recordings: Watch,
    ) -> io::Result<()> {
        let Control { mut poll, messages, handle, listeners, resolver, backends, post, listenings } =
            self;
        let mut events = Events::with_capacity(256);
        let mut running = Running {
            clock,
            engine,
            journal,
            recordings,
            resolver,
            backends,
            post,
            listenings,
            media,
            listeners,
            streams,
            handle,
            replies: Replies::default(),
            wall,
            publish_at: Time::ZERO,
            refusals: Refusals::default(),
            bans: 0,
            stopping: None,
            draining: false,
            buffer: vec![0; DATAGRAM].into_boxed_slice(),
            commands: Vec::new(),
        };
        running.drain();
        let mut ready: VecDeque<usize> = VecDeque::new();
        let mut more = false;
        loop {
            let busy = more || !ready.is_empty();
            let timeout = if busy { Duration::ZERO } else { running.timeout() };
            match poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            for event in &events {
                if event.token() == WAKE {
                    running.handle.bell.heard();
                } else if !ready.contains(&event.token().0) {
                    ready.push_back(event.token().0);
                }
            }
            // Edge-triggered: a socket stays on the list until it has been read empty.
            for _ in 0..ready.len() {
                if let Some(at) = ready.pop_front()
                    && running.read(at)
                {
                    ready.push_back(at);
                }
            }
            let mut taken = 0;
            while taken < MESSAGES
                && let Ok(message) = messages.try_recv()
            {
                running.message(message);
                taken += 1;
            }
            more = taken == MESSAGES;
            running.timers();
            media.send_all(running.commands.drain(..));
            if running.is_over() {
                return Ok(());
            }
        }
    }
}

/// Replies that wait for the journal's commit: a promise is made only once it is kept.
#[derive(Default)]
struct Replies {
    next: u64,
    asked: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    waiting: BTreeMap<(u64, RequestId), Reply>,
    committed: u64,
    /// The engine wants to know when everything up to here is committed.
    wanted: BTreeSet<u64>,
}

impl Replies {
    fn ask(&mut self, sender: oneshot::Sender<Reply>) -> RequestId {
        self.next += 1;
        let id = RequestId(self.next);
        self.asked.insert(id, sender);
        id
    }

    fn reply(&mut self, id: RequestId, reply: Reply, after: u64) {
        self.waiting.insert((after, id), reply);
        self.committed(self.committed);
    }

    /// What the engine wanted to know of and is committed.
    fn pop_wanted(&mut self) -> Option<u64> {
        let first = self.wanted.first().copied()?;
        (first <= self.committed).then(|| self.wanted.pop_first()).flatten()
    }

    fn committed(&mut self, up_to: u64) {
        self.committed = self.committed.max(up_to);
        let later = self.waiting.split_off(&(self.committed + 1, RequestId(0)));
        for ((_, id), reply) in std::mem::replace(&mut self.waiting, later) {
            if let Some(sender) = self.asked.remove(&id) {
                // The asker may have gone: what was asked is done all the same.
                let _ = sender.send(reply);
            }
        }
    }
}

struct Running<'a> {
    clock: Clock,
    engine: Engine,
    journal: &'a JournalHandle,
    recordings: Watch,
    listeners: Vec<Option<Listener>>,
    streams: Streams,
    resolver: Resolver,
    backends: BackendClient,
    post: Post,
    listenings: Listenings,
    media: &'a MediaThreads,
    handle: ControlHandle,
    replies: Replies,
    /// What the engine's calendar showed, and when.
    wall: (Time, UnixMicros),
    publish_at: Time,
    refusals: Refusals,
    /// Which of the guard's bans connections know of.
    bans: u64,
    stopping: Option<Time>,
    draining: bool,
    buffer: Box<[u8]>,
    /// What media are to be told at the end of this turn, so that a thread is woken once for all.
    commands: Vec<media::command::Command>,
}

impl Running<'_> {
    fn input(&mut self, input: Input) {
        self.engine.handle_input(self.clock.now(), input);
        self.drain();
    }

    fn timeout(&self) -> Duration {
        let now = self.clock.now();
        let next = self.engine.poll_timeout().unwrap_or(now + CLOCK_WATCH).min(self.publish_at);
        match self.stopping {
            // What is not urgent comes without waking: see `ControlHandle::send_later`.
            Some(_) => next.min(now + LAST_GLANCES).since(now),
            None => next.since(now),
        }
    }

    /// Reads one socket; true if there may be more.
    fn read(&mut self, at: usize) -> bool {
        for _ in 0..BURST {
            let Some(Some(listener)) = self.listeners.get(at) else { return false };
            match listener.socket.recv_from(&mut self.buffer) {
                Ok((length, from)) => {
                    let bytes = Bytes::copy_from_slice(&self.buffer[..length]);
                    let listener = ListenerId(u8::try_from(at).unwrap_or(u8::MAX));
                    self.input(Input::Datagram { listener, from, bytes });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // An ICMP answer to something sent earlier; the socket is fine.
                Err(_) => {}
            }
        }
        true
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Media(event) => self.input(Input::Media(event)),
            Message::Request { actor, own, request, reply } => {
                let id = self.replies.ask(reply);
                self.input(Input::Request { id, actor, own, request });
            }
            Message::Stream(StreamEvent::Message { listener, peer, bytes, room }) => {
                self.input(Input::Datagram { listener, from: peer, bytes });
                drop(room);
            }
            Message::Stream(StreamEvent::Unreadable { listener, peer }) => {
                self.input(Input::Unreadable { listener, peer });
            }
            Message::Stream(StreamEvent::Closed { listener, peer }) => {
                self.input(Input::Closed { listener, peer });
            }
            Message::Stream(StreamEvent::Named { listener, peer, names }) => {
                self.input(Input::Named { listener, peer, names });
            }
            Message::Resolved(query, answer) => self.input(Input::Resolved { query, answer }),
            Message::Fetched(id, outcome, arrived) => {
                self.input(Input::Fetched { id, outcome, arrived });
            }
            Message::Heard(id, news) => {
                if news != SpeechNews::Began {
                    self.listenings.end(id);
                }
                self.input(Input::Heard { id, news });
            }
            Message::Opinion(id, answer) => self.input(Input::Opinion { id, answer }),
            Message::Recording(News { call, recording, what }) => {
                self.input(Input::Recording { call, recording, what });
            }
            Message::Journal(health) => self.input(Input::Journal(health)),
            Message::Dispatched(id, outcome) => self.input(Input::Dispatched { id, outcome }),
            Message::Committed(seq) => {
                self.replies.committed(seq);
                self.drain();
            }
            Message::Settings(plan) => self.input(Input::Settings(plan)),
            Message::Drain => {
                self.draining = true;
                self.input(Input::Drain);
            }
            Message::Stop => {
                if self.stopping.is_none() {
                    self.draining = true;
                    self.stopping = Some(self.clock.now());
                    self.input(Input::Stop);
                }
            }
        }
    }

    fn timers(&mut self) {
        let now = self.clock.now();
        if self.engine.poll_timeout().is_some_and(|at| at <= now) {
            self.engine.handle_timeout(now);
            self.drain();
        }
        if now >= self.publish_at {
            self.publish_at = now + PUBLISH;
            let expected = UnixMicros(
                self.wall.1.0 + i64::try_from((now - self.wall.0).as_micros()).unwrap_or(0),
            );
            if let Some(shown) = self.clock.stepped_from(expected) {
                tracing::warn!("the wall clock was stepped; calendars follow, timers do not");
                self.wall = (now, shown);
                self.input(Input::WallClock(shown));
            }
            for line in self.refusals.lines(now, self.engine.sip_counters()) {
                let Line { reason, from, more } = line;
                let from = from.map(tracing::field::display);
                tracing::info!(reason, from, more, "SIP was refused");
            }
            self.handle.counters.store(Arc::new(WireState {
                sip: self.engine.sip_counters().clone(),
                trunks: self.engine.trunks(now),
                outbound_refused: self.engine.outbound_refused().clone(),
                calls: self.engine.calls(),
                draining: self.draining,
            }));
        }
    }

    /// Over once nothing is held any more, or the peers have had their time.
    fn is_over(&self) -> bool {
        let Some(since) = self.stopping else { return false };
        let held = self.engine.held();
        let quiet = held.calls == 0 && held.legs == 0 && held.sip.legs == 0;
        quiet || self.clock.now() - since >= FAREWELL
    }

    fn drain(&mut self) {
        // Before anybody is told of it.
        let guard = self.engine.guard();
        if guard.revision() != self.bans {
            self.bans = guard.revision();
            self.streams.ban(guard.banned_sources().collect());
        }
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    match self.listeners.get(usize::from(transmit.listener.0)) {
                        Some(Some(listener)) => {
                            // A datagram that the kernel cannot take is lost like one on the way:
                            // SIP's timers send it again.
                            let _ = listener.socket.send_to(&transmit.bytes, transmit.to);
                        }
                        Some(None) => self.streams.send(transmit),
                        None => {}
                    }
                }
                Output::Media(command) => self.commands.push(command),
                Output::Resolve(query) => {
                    let handle = self.handle.clone();
                    self.resolver.ask(query, move |query, answer| {
                        handle.send(Message::Resolved(query, answer));
                    });
                }
                Output::Fetch(fetch) => {
                    let handle = self.handle.clone();
                    self.backends.ask(fetch, move |id, outcome, arrived| {
                        handle.send(Message::Fetched(id, outcome, arrived));
                    });
                }
                Output::Dispatch(dispatch) => {
                    let handle = self.handle.clone();
                    self.post.send(dispatch, move |id, outcome| {
                        handle.send(Message::Dispatched(id, outcome));
                    });
                }
                Output::Listen(listen) => {
                    self.listenings.begin(listen, self.media, &self.handle);
                }
                Output::StopListening(id) => self.listenings.end(id),
                Output::AskOpinion(ask) => self.listenings.ask_opinion(ask, &self.handle),
                Output::Journal(entry) => {
                    refusals::say(&entry);
                    self.recordings.note(&entry);
                    self.journal.append(entry);
                }
                Output::Reply { id, reply, after } => self.replies.reply(id, reply, after),
                Output::Commit { after } => {
                    self.replies.wanted.insert(after);
                }
            }
        }
        while let Some(committed) = self.replies.pop_wanted() {
            self.input(Input::Committed(committed));
        }
    }
}
