//! The threads that run voice: each owns a [`crate::media::Plane`], the sockets of its legs, and a clock.
//!
//! Legs that will hear each other are opened beside each other and live on one thread, so that no
//! packet ever crosses threads. A thread that dies ends the process: calls without voice are worse
//! than a restart.

mod ports;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::settings::PortRange;
use crate::id::{Entropy, LegId};
use crate::media::recorder::{self, Reel};
use crate::media::tap::{self, TapId};
use crate::media::{Bank, Command, Event, Plane, PlaneSettings, RtpCounters};
use crate::server::bell::Bell;
use crate::server::clock::Clock;
use ports::PortPool;
use worker::Worker;

/// How media threads behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaThreadSettings {
    /// Where legs get their ports.
    pub ports: PortRange,
    /// The local address that sockets are bound to.
    pub bind: IpAddr,
    /// The address that peers are told; never unspecified.
    pub advertise: IpAddr,
    /// How many threads; at least one is started.
    pub threads: usize,
    /// A leg that should send and has been silent for this long is reported.
    pub silence: Duration,
    /// Room in each thread's ring for what is recorded, in bytes; 0 if nothing is.
    pub recording: usize,
}

/// The threads that run voice. Dropping it stops them.
#[derive(Debug)]
pub struct MediaThreads {
    threads: Vec<Thread>,
    router: Arc<Mutex<Router>>,
    joins: Mutex<Vec<JoinHandle<()>>>,
    /// What threads record, until somebody takes it.
    reels: Mutex<Vec<Reel>>,
    clock: Clock,
}

#[derive(Debug)]
struct Thread {
    orders: mpsc::Sender<Order>,
    bell: Arc<Bell>,
    counters: Arc<Published>,
}

/// What a thread is asked.
#[derive(Debug)]
enum Order {
    Command(Command),
    Bank(Arc<Bank>),
    Tap(TapId, tap::Writer),
    Stop,
}

impl MediaThreads {
    /// Starts the threads. `on_event` is called on them and must not block.
    pub fn start(
        settings: MediaThreadSettings,
        bank: Arc<Bank>,
        mut entropy: Entropy,
        on_event: impl Fn(Event) + Send + Sync + Clone + 'static,
    ) -> io::Result<Self> {
        if settings.advertise.is_unspecified() {
            let text = "peers cannot be told an unspecified address for RTP; set `advertise`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        // A wrong address should be told now and not at the first call.
        ports::bind(settings.bind, 0).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot bind RTP to {}: {error}", settings.bind))
        })?;
        raise_descriptor_limit();
        let ports = Arc::new(PortPool::new(settings.bind, settings.ports, &mut entropy)?);
        let count = settings.threads.max(1);
        // One clock for all, so that music is at the same place on every thread.
        let clock = Clock::start();
        let router = Arc::new(Mutex::new(Router::new(count)));
        let mut media = MediaThreads {
            threads: Vec::new(),
            router: router.clone(),
            joins: Mutex::default(),
            reels: Mutex::default(),
            clock,
        };
        for at in 0..count {
            let (orders, received) = mpsc::channel();
            let counters = Arc::new(Published::default());
            let plane_settings = PlaneSettings { silence: settings.silence };
            let mut plane = Plane::new(plane_settings, bank.clone(), entropy.fork());
            if settings.recording > 0 {
                let (recorder, reel) = recorder::ring(settings.recording);
                plane.record_into(recorder);
                locked(&media.reels).push(reel);
            }
            let (router, tell) = (router.clone(), on_event.clone());
            let on_event = move |event: Event| {
                if let Event::Closed { leg, .. } | Event::OpenFailed { leg, .. } = &event {
                    locked(&router).forget(*leg);
                }
                tell(event);
            };
            let worker = Worker::new(
                plane,
                received,
                ports.clone(),
                settings.advertise,
                counters.clone(),
                on_event,
                clock,
            )?;
            let bell = worker.bell();
            let join =
                std::thread::Builder::new().name(format!("media-{at}")).spawn(move || {
                    let cause = match catch_unwind(AssertUnwindSafe(|| worker.run())) {
                        Ok(Ok(())) => return,
                        Ok(Err(error)) => error.to_string(),
                        Err(_) => "it panicked".to_owned(),
                    };
                    die(at, &cause);
                })?;
            media.threads.push(Thread { orders, bell, counters });
            locked(&media.joins).push(join);
        }
        Ok(media)
    }

    /// Hands a command to the thread of its leg: see [`MediaThreads::send_all`].
    pub fn send(&self, command: Command) {
        self.send_all([command]);
    }

    /// Hands commands to the threads of their legs, in order, and wakes each thread at most once.
    /// Never blocks; the queues need no bound because control sends a few commands for each call
    /// and the number of calls is bounded.
    pub fn send_all(&self, commands: impl IntoIterator<Item = Command>) {
        // A bit for each thread that has something new; those from the 64th on share one.
        let mut busy = 0_u64;
        let bit = |at: usize| 1 << at.min(63);
        for command in commands {
            let Some(at) = locked(&self.router).place(&command) else { continue };
            // An open leg's thread wakes for its next frame, within 20 ms: early enough to close it.
            let urgent = !matches!(command, Command::Close { .. });
            if self.queue(at, Order::Command(command)) && urgent {
                busy |= bit(at);
            }
        }
        for (at, thread) in self.threads.iter().enumerate() {
            if busy & bit(at) != 0 {
                thread.bell.ring();
            }
        }
    }

    /// Taps a leg: what its peer says from now on comes as frames of 20 ms at 16 kHz, of which `frames` wait
    /// at most. `id` names the tap and is used once. None if the leg is not open.
    pub fn tap(&self, leg: LegId, id: TapId, frames: usize) -> Option<tap::Reader> {
        let at = locked(&self.router).thread_of(leg)?;
        let (writer, reader) = tap::ring(frames);
        self.queue(at, Order::Tap(id, writer));
        self.send(Command::Tap { leg, tap: Some(id) });
        Some(reader)
    }

    /// What the threads record: once, for whoever writes it down.
    pub fn take_reels(&self) -> Vec<Reel> {
        std::mem::take(&mut locked(&self.reels))
    }

    /// The clock of all threads.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Plays from another bank from now on; what plays goes on as it is.
    pub fn set_bank(&self, bank: &Arc<Bank>) {
        for at in 0..self.threads.len() {
            self.order(at, Order::Bank(bank.clone()));
        }
    }

    /// Packets of all legs since the start, as of the threads' last turn.
    pub fn counters(&self) -> RtpCounters {
        let mut sum = RtpCounters::default();
        for thread in &self.threads {
            sum.add(&thread.counters.load());
        }
        sum
    }

    /// Closes every leg, stops the threads and waits for them.
    pub fn shutdown(&self) {
        for at in 0..self.threads.len() {
            self.order(at, Order::Stop);
        }
        for join in locked(&self.joins).drain(..) {
            // A thread's panic has already ended the process.
            let _ = join.join();
        }
    }

    fn order(&self, at: usize, order: Order) {
        if self.queue(at, order)
            && let Some(thread) = self.threads.get(at)
        {
            thread.bell.ring();
        }
    }

    /// Queues an order for a thread that is yet to be woken; false if it is gone, which it is only
    /// after a shutdown.
    fn queue(&self, at: usize, order: Order) -> bool {
        self.threads.get(at).is_some_and(|thread| thread.orders.send(order).is_ok())
    }
}

impl Drop for MediaThreads {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Which thread each leg lives on.
#[derive(Debug)]
struct Router {
    legs: BTreeMap<LegId, usize>,
    load: Vec<usize>,
}

impl Router {
    fn new(threads: usize) -> Self {
        Router { legs: BTreeMap::new(), load: vec![0; threads] }
    }

    /// The thread that a command belongs to; none if its leg is not open.
    fn place(&mut self, command: &Command) -> Option<usize> {
        if let Command::Open { leg, beside } = command {
            if let Some(at) = self.legs.get(leg) {
                return Some(*at);
            }
            let beside = beside.and_then(|other| self.legs.get(&other).copied());
            let at = beside.or_else(|| (0..self.load.len()).min_by_key(|at| self.load.get(*at)))?;
            self.legs.insert(*leg, at);
            if let Some(load) = self.load.get_mut(at) {
                *load += 1;
            }
            return Some(at);
        }
        let at = self.legs.get(&command.leg()).copied()?;
        if let Command::Bridge { a, b } = command
            && self.legs.get(b).is_some_and(|other| *other != at)
        {
            tracing::error!(%a, %b, "cannot bridge legs of different threads: open one beside the other");
        }
        Some(at)
    }

    fn thread_of(&self, leg: LegId) -> Option<usize> {
        self.legs.get(&leg).copied()
    }

    fn forget(&mut self, leg: LegId) {
        if let Some(at) = self.legs.remove(&leg)
            && let Some(load) = self.load.get_mut(at)
        {
            *load = load.saturating_sub(1);
        }
    }
}

/// A thread's counters where others can read them without stopping it.
#[derive(Debug)]
struct Published([AtomicU64; RtpCounters::LEN]);

impl Default for Published {
    fn default() -> Self {
        Published(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Published {
    fn store(&self, counters: &RtpCounters) {
        for (figure, value) in self.0.iter().zip(counters.to_array()) {
            figure.store(value, Ordering::Relaxed);
        }
    }

    fn load(&self) -> RtpCounters {
        RtpCounters::from_array(std::array::from_fn(|at| {
            self.0.get(at).map_or(0, |figure| figure.load(Ordering::Relaxed))
        }))
    }
}

/// Every leg needs two descriptors; the usual soft limit of 1,024 is meant for programs that use
/// `select`.
fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// Ends the process: a media thread is gone.
fn die(at: usize, cause: &str) -> ! {
    tracing::error!(thread = at, cause, "a media thread died");
    eprintln!("switchboard: media thread {at} died: {cause}; ending, so that it is restarted");
    std::process::abort()
}

/// The value of a mutex. Nothing panics while these are held, so a poisoned one is sound.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
