//! The journal on disk, and the fold that follows it.
//!
//! [`open`] restores the fold and starts the writer's thread. Entries go in by
//! [`JournalHandle::append`], which never blocks; the writer wakes for the first, folds and commits
//! it, and sleeps for a batch's time: what came meanwhile is folded and committed together.
//! *Recorded* means committed: [`JournalHandle::committed`] tells up to where.
//!
//! When the disk or the database fails, the writer tries again until it succeeds, and entries wait.
//! From `LimitSettings::journal_backlog` waiting entries on the journal is *full*: new calls are
//! to be refused, and entries that no figure rests on are let go. Those that figures rest on are
//! kept while the calls under way end, up to a second bound. Whatever was let go leaves a
//! `JournalGap` entry in its place.

mod sqlite;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::config::settings::LimitSettings;
use crate::engine::io::JournalHealth;
use crate::event::{CallEvent, Entry, Event, SystemEvent};
use crate::stats::Fold;
use crate::stats::live::Live;
use crate::time::{Time, UnixMicros};

pub use self::sqlite::Reader;

/// The journal's file in the data folder.
pub const JOURNAL_FILE: &str = "journal.sqlite3";
/// The file that keeps a second process out of the data folder.
const LOCK_FILE: &str = "journal.lock";
/// Entries that figures rest on and that a call under way may still need while the journal is full.
const RESERVE_PER_CALL: usize = 64;

/// How the writer works. The defaults are for service; tests shorten the times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The longest that an entry waits for others to share its transaction.
    pub batch_time: Duration,
    /// The most entries in a transaction.
    pub batch_events: usize,
    /// Entries between two snapshots of the fold.
    pub snapshot_events: u64,
    /// How long SQLite waits for somebody else's lock before the attempt fails.
    pub busy_timeout: Duration,
    /// The first wait after a failure; doubled for each further one.
    pub retry_first: Duration,
    /// The longest wait after a failure.
    pub retry_most: Duration,
}

impl Default for StoreSettings {
    fn default() -> Self {
        StoreSettings {
            batch_time: Duration::from_millis(50),
            batch_events: 500,
            snapshot_events: 5_000,
            busy_timeout: Duration::from_secs(1),
            retry_first: Duration::from_millis(100),
            retry_most: Duration::from_secs(5),
        }
    }
}

/// Why the journal cannot be opened, read or closed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder cannot be made or written to.
    #[error("the data folder {} cannot be used: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has the journal open.
    #[error("another switchboard uses the data folder {}; give this one its own with --data", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// There is no journal.
    #[error("there is no journal at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is not a database, or is damaged.
    #[error(
        "the journal {} is damaged ({source}); restore it from a backup, or move it away to begin \
         a new one",
        path.display()
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// A later version wrote it.
    #[error(
        "the journal {} was written by a later version (schema {found}, this one knows {known})",
        path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// An entry cannot be read.
    #[error("entry {seq} of the journal {} cannot be read: {source}", path.display())]
    Unreadable {
        /// In which journal.
        path: PathBuf,
        /// Its position.
        seq: i64,
        /// Where it departs from what an entry is.
        source: serde_json::Error,
    },
    /// The database failed.
    #[error("the journal {} cannot be used: {source}", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The writer's thread cannot be started.
    #[error("the journal's thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// The writer's thread ended by a fault of its own.
    #[error("the journal's writer died")]
    WriterDied,
    /// The database failed until the time to close was over.
    #[error("the journal was closed with {unsaved} events unsaved")]
    Unsaved {
        /// How many.
        unsaved: usize,
    },
}

/// How the writer fares, for readiness and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Entries that wait to be committed, and whether new calls must be refused.
    pub health: JournalHealth,
    /// The last committed entry.
    pub committed: u64,
    /// Entries that could not be kept since the process began.
    pub lost: u64,
    /// What the database last said, while it fails.
    pub failing: Option<Arc<str>>,
    /// Whether the writer's thread lives.
    pub alive: bool,
}

/// Opens the journal in `data_dir` (made if need be, for this user alone), restores the fold and starts the writer.
/// Blocks until the figures are restored.
pub fn open(
    data_dir: &Path,
    limits: &LimitSettings,
    settings: StoreSettings,
) -> Result<(JournalHandle, Fold), StoreError> {
    let lock = lock(data_dir)?;
    let (items, incoming) = mpsc::unbounded_channel();
    let soft = limits.journal_backlog.max(1);
    let reserve = limits.calls.saturating_mul(RESERVE_PER_CALL);
    let shared = Arc::new(Shared {
        fold: Mutex::new(Fold::new()),
        backlog: AtomicUsize::new(0),
        full: AtomicBool::new(false),
        lost: AtomicU64::new(0),
        last_lost_seq: AtomicU64::new(0),
        alive: AtomicBool::new(true),
        soft,
        hard: soft.saturating_add(reserve),
        committed: watch::Sender::new(0),
        health: watch::Sender::new(JournalHealth::default()),
        failing: Mutex::new(None),
    });
    let path = data_dir.join(JOURNAL_FILE);
    let (opened, restored) = std::sync::mpsc::sync_channel(1);
    let writer = writer::Writer::new(path.clone(), settings, Arc::clone(&shared), incoming);
    let thread = std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || {
            // The folder is this process's until the last entry is written.
            let _lock = lock;
            writer.run(opened)
        })
        .map_err(StoreError::Thread)?;
    let fold = restored.recv().map_err(|_| StoreError::WriterDied)??;
    let thread = Arc::new(Mutex::new(Some(thread)));
    Ok((JournalHandle { items, shared, path, thread }, fold))
}

/// Keeps everybody else out of the data folder, which is made if need be, for as long as it is held.
pub fn lock(data_dir: &Path) -> Result<File, StoreError> {
    let folder = |source| StoreError::Folder { path: data_dir.to_owned(), source };
    // Callers' numbers are in it: it is nobody else's to read.
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(folder)?;
    let lock = File::create(data_dir.join(LOCK_FILE)).map_err(folder)?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::InUse { path: data_dir.to_owned() },
        TryLockError::Error(source) => folder(source),
    })?;
    Ok(lock)
}

/// The fold of the whole journal in `data_dir` from its first entry, without snapshots. Beside a
/// running engine it gives what is committed. Blocks: for the command line, not for a server.
pub fn replay(data_dir: &Path) -> Result<Fold, StoreError> {
    let reader = Reader::new(data_dir.join(JOURNAL_FILE));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(StoreError::Thread)?;
    runtime.block_on(reader.fold())
}

type WriterThread = JoinHandle<Result<(), StoreError>>;

/// The way into the journal, and to its figures. Clones share one journal.
#[derive(Debug, Clone)]
pub struct JournalHandle {
    items: mpsc::UnboundedSender<Item>,
    shared: Arc<Shared>,
    path: PathBuf,
    /// Taken by the first to close.
    thread: Arc<Mutex<Option<WriterThread>>>,
}

/// What travels to the writer.
#[derive(Debug)]
enum Item {
    Entry(Box<Entry>),
    /// Write what is there, give up after this time.
    Close(Duration),
    /// Fall dead on the spot, as if the process had been killed.
    #[cfg(test)]
    Die,
}

/// What the handles and the writer share.
#[derive(Debug)]
struct Shared {
    /// All entries received, committed or not. The control thread never takes this lock.
    fold: Mutex<Fold>,
    backlog: AtomicUsize,
    full: AtomicBool,
    lost: AtomicU64,
    /// The position of the last entry that was let go; the writer closes the gap up to it.
    last_lost_seq: AtomicU64,
    alive: AtomicBool,
    soft: usize,
    hard: usize,
    committed: watch::Sender<u64>,
    health: watch::Sender<JournalHealth>,
    failing: Mutex<Option<Arc<str>>>,
}

impl JournalHandle {
    /// Hands an entry to the writer. Never blocks, and never fails: what cannot be kept is counted
    /// and leaves a gap in the journal that says so.
    ///
    /// Positions must follow each other without gaps, from the restored fold's `next_seq` on.
    pub fn append(&self, entry: Entry) {
        let shared = &self.shared;
        let seq = entry.seq;
        let backlog = shared.backlog.fetch_add(1, Ordering::AcqRel) + 1;
        if backlog >= shared.soft {
            shared.set_full(true);
        }
        let full = shared.full.load(Ordering::Acquire);
        let kept = backlog <= shared.hard && !(full && may_be_let_go(&entry.event));
        if !kept || self.items.send(Item::Entry(Box::new(entry))).is_err() {
            shared.backlog.fetch_sub(1, Ordering::AcqRel);
            shared.lost.fetch_add(1, Ordering::AcqRel);
            shared.last_lost_seq.fetch_max(seq, Ordering::AcqRel);
            if !shared.alive.load(Ordering::Acquire) {
                shared.set_full(true);
            }
        }
    }

    /// The figures at `now`, which is `at` on the calendar: everything is in them that was appended
    /// more than a batch's time ago.
    pub fn live(&self, now: Time, at: UnixMicros) -> Arc<Live> {
        Arc::new(self.with_fold(|fold| fold.live(now, at)))
    }

    /// Looks into the fold. Not for the control thread: the writer may hold the fold for as long
    /// as it takes to write it out.
    pub fn with_fold<R>(&self, look: impl FnOnce(&Fold) -> R) -> R {
        look(&self.shared.fold())
    }

    /// The last committed position, as it changes.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.shared.committed.subscribe()
    }

    /// How the writer fares, as it changes: for `Input::Journal`.
    pub fn health(&self) -> watch::Receiver<JournalHealth> {
        self.shared.health.subscribe()
    }

    /// How the writer fares now.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        Status {
            health: shared.health_now(),
            committed: *shared.committed.borrow(),
            lost: shared.lost.load(Ordering::Acquire),
            failing: shared.failing().clone(),
            alive: shared.alive.load(Ordering::Acquire),
        }
    }

    /// Reads committed entries back.
    pub fn reader(&self) -> Reader {
        Reader::new(self.path.clone())
    }

    /// Writes everything that was appended and a snapshot, and ends the writer; gives up after
    /// `give_up_after` if the database fails for so long. Blocks. Entries appended later are lost.
    pub fn close(&self, give_up_after: Duration) -> Result<(), StoreError> {
        // A writer that is gone already has left its result with the thread.
        let _ = self.items.send(Item::Close(give_up_after));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_panic)) => Err(StoreError::WriterDied),
        }
    }

    /// Ends the writer as a killed process would.
    #[cfg(test)]
    fn kill(self) {
        let _ = self.items.send(Item::Die);
        if let Some(thread) = self.thread.lock().expect("not poisoned").take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// A poisoned lock means that a reader or the writer panicked between two entries' folding;
    /// the writer ends the process's readiness on its own, so the figures are shown as they stand.
    fn fold(&self) -> MutexGuard<'_, Fold> {
        self.fold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failing(&self) -> MutexGuard<'_, Option<Arc<str>>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health_now(&self) -> JournalHealth {
        JournalHealth {
            backlog: self.backlog.load(Ordering::Acquire),
            full: self.full.load(Ordering::Acquire),
        }
    }

    fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::AcqRel) != full {
            self.publish_health();
        }
    }

    fn publish_health(&self) {
        let health = self.health_now();
        self.health.send_if_modified(|known| std::mem::replace(known, health) != health);
    }

    /// `count` entries need not wait any more.
    fn settled(&self, count: usize) {
        let before = self.backlog.fetch_sub(count, Ordering::AcqRel);
        if before.saturating_sub(count) <= self.soft / 2 {
            self.full.store(false, Ordering::Release);
        }
        self.publish_health();
    }
}

/// Whether no figure and nothing that a restart restores rests on an event. Settled once for all
/// events: a new one must be put on a side here.
fn may_be_let_go(event: &Event) -> bool {
    match event {
        Event::Call { call: _, event } => match event {
            CallEvent::LegAnswered { .. }
            | CallEvent::NodeEntered { .. }
            | CallEvent::Chose { .. }
            | CallEvent::Asked(_)
            | CallEvent::Relaxed { .. }
            | CallEvent::WaitsForAnybody { .. }
            | CallEvent::Offered { .. }
            | CallEvent::OfferEnded { .. }
            | CallEvent::Dialled { .. }
            | CallEvent::DialEnded { .. }
            | CallEvent::PhoneChanged { .. }
            | CallEvent::TransferStarted { .. }
            | CallEvent::TransferEnded { .. }
            | CallEvent::TransferRefused { .. }
            | CallEvent::WrappedUp(_)
            | CallEvent::Prefaced { .. }
            | CallEvent::LegClosed { .. } => true,
            CallEvent::Arrived { .. }
            | CallEvent::Noted { .. }
            | CallEvent::Said(_)
            | CallEvent::Rated { .. }
            | CallEvent::HandedOver { .. }
            | CallEvent::QueueEntered { .. }
            | CallEvent::Told { .. }
            | CallEvent::Joined { .. }
            | CallEvent::TurnedAway { .. }
            | CallEvent::QueueLeft { .. }
            | CallEvent::Parted { .. }
            | CallEvent::Connected { .. }
            | CallEvent::Disconnected { .. }
            | CallEvent::Recording { .. }
            | CallEvent::SupervisorAsked { .. }
            | CallEvent::SupervisorJoined { .. }
            | CallEvent::SupervisorChanged { .. }
            | CallEvent::SupervisorLeft { .. }
            | CallEvent::ConferenceJoined { .. }
            | CallEvent::ConferenceLeft { .. }
            | CallEvent::MessageBegan { .. }
            | CallEvent::MessageSpoken { .. }
            | CallEvent::Ended { .. } => false,
        },
        Event::Agent { .. }
        | Event::Message { .. }
        | Event::Callback { .. }
        | Event::Notification { .. } => false,
        Event::System { event } => match event {
            SystemEvent::Refused { .. } | SystemEvent::OutboundRefused { .. } => true,
            SystemEvent::Started { .. }
            | SystemEvent::Banned { .. }
            | SystemEvent::Unbanned { .. }
            | SystemEvent::SettingsInForce { .. }
            | SystemEvent::BulletinSet { .. }
            | SystemEvent::Circuit { .. }
            | SystemEvent::TrunkServer { .. }
            | SystemEvent::TrunkRegistered { .. }
            | SystemEvent::JournalGap { .. }
            | SystemEvent::Stopped => false,
        },
    }
}
