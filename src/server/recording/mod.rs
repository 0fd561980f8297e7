//! Recordings: from the media threads' rings to files that can be trusted.
//!
//! Three threads of their own, so that no call ever waits for a disk or a network: one puts packets into
//! time and writes them ([`desk`]), one brings what is written to the disk, and one takes what is over
//! to where it is kept ([`keeper`]).

pub mod command;
pub mod counters;
pub mod desk;
pub mod flac;
pub mod keeper;
pub mod listen;
pub mod manifest;
pub mod read;
mod rounds;
pub mod sealed;
pub mod shelf;
pub mod spool;
pub mod timeline;
pub mod wav;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use self::counters::Counters;
use self::desk::{Desk, DeskSettings, News};
use self::keeper::Keeper;
use self::listen::Listener;
use self::rounds::Rounds;
use self::sealed::Key;
use self::shelf::{Shelf, ShelfError};
use crate::config::problem::SecretProblem;
use crate::config::settings::RecordingSettings;
use crate::event::{CallEvent, Entry, Event, RecordingEvent};
use crate::id::{CallId, Entropy};
use crate::media::recorder::Reel;
use crate::server::clock::Clock;
use crate::server::secret_file;

/// How often the rings are looked at while something is recorded.
const LOOK: Duration = Duration::from_millis(50);
/// Files that wait to be brought to the disk; one that waits already is not asked for twice.
const SYNCS: usize = 1_024;

/// Why recordings cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is no key in a key's file.
    #[error("a key for recordings: {0}")]
    Key(SecretProblem),
    /// The signing key cannot be made.
    #[error("no key can be written to {path}: {source}")]
    NewKey {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder cannot be used.
    #[error("recordings cannot be written to {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be used.
    #[error("recordings cannot be kept: {0}")]
    Shelf(#[from] ShelfError),
    /// No thread can be started.
    #[error("no thread for recordings: {0}")]
    Thread(#[source] io::Error),
}

/// The keys that the settings name.
#[derive(Debug, Clone)]
pub struct Keys {
    /// What opens recordings; the first seals new ones, if `seals`.
    pub open: Vec<Key>,
    /// Whether new ones are encrypted.
    pub seals: bool,
    /// What manifests are signed with.
    pub signing: Key,
}

impl Keys {
    /// Reads them; a signing key is made in the data folder where none is named.
    pub fn read(settings: &RecordingSettings, data: &Path) -> Result<Keys, RecordingError> {
        let read = |path: &Path| secret_file::recording_key(path).map_err(RecordingError::Key);
        let all = settings.key_file.iter().chain(&settings.old_key_files);
        let open = all.map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let own = data.join("recordings/signing.key");
        let signing = settings.signing_key_file.as_ref().unwrap_or(&own);
        if settings.signing_key_file.is_none() && !own.exists() {
            make_key(&own)
                .map_err(|source| RecordingError::NewKey { path: own.clone(), source })?;
        }
        Ok(Keys { open, seals: settings.key_file.is_some(), signing: read(signing)? })
    }
}

fn make_key(path: &Path) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| io::Error::other("no entropy"))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", manifest::hex(&key))?;
    file.sync_all()
}

/// The threads. Cheap to share.
#[derive(Debug)]
pub struct Recordings {
    orders: Sender<Order>,
    abandon: watch::Sender<bool>,
    counters: Arc<Counters>,
    listener: Arc<Listener>,
    joins: Mutex<Vec<JoinHandle<()>>>,
}

/// What the desk's thread is told.
#[derive(Debug)]
enum Order {
    Entry(Box<Entry>),
    Stop,
}

/// What passes the journal's entries on that recordings are made of.
#[derive(Debug, Default)]
pub struct Watch {
    recordings: Option<Arc<Recordings>>,
    calls: BTreeSet<CallId>,
}

impl Watch {
    /// For recordings, if there are any.
    pub fn new(recordings: Option<Arc<Recordings>>) -> Watch {
        Watch { recordings, calls: BTreeSet::new() }
    }

    /// An entry is on its way to the journal.
    pub fn note(&mut self, entry: &Entry) {
        let (Some(recordings), Event::Call { call, event }) = (&self.recordings, &entry.event)
        else {
            return;
        };
        if let CallEvent::Recording { what: RecordingEvent::Started { .. }, .. } = event {
            self.calls.insert(*call);
        }
        if self.calls.contains(call) {
            if let CallEvent::Ended { .. } = event {
                self.calls.remove(call);
            }
            // The thread is gone only after a stop.
            let _ = recordings.orders.send(Order::Entry(Box::new(entry.clone())));
        }
    }
}

impl Recordings {
    /// Starts the threads. `data` is the data folder, `runtime` where the store is talked to, and
    /// `tell` must not block.
    pub fn start(
        settings: RecordingSettings,
        data: &Path,
        reels: Vec<Reel>,
        clock: Clock,
        entropy: Entropy,
        runtime: tokio::runtime::Handle,
        tell: impl Fn(News) + Send + Sync + Clone + 'static,
    ) -> Result<Recordings, RecordingError> {
        let keys = Keys::read(&settings, data)?;
        let folder = data.join("recordings/open");
        let unusable = |source| RecordingError::Folder { path: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(unusable)?;
        let counters = Arc::new(Counters::default());
        let shelf = Shelf::open(&settings.store, data)?;
        let listener = Arc::new(Listener {
            folder: folder.clone(),
            keys: keys.open.clone(),
            shelf: Shelf::open(&settings.store, data)?,
        });
        let (open, signing) = (keys.open.clone(), keys.signing.clone());
        let keeper = Keeper {
            folder: folder.clone(),
            keys: open,
            signing,
            settings,
            shelf,
            counters: counters.clone(),
        };
        keeper.recover().map_err(unusable)?;
        let rounds = Rounds::new(keeper, clock.now());
        let key = keys.open.into_iter().next().filter(|_| keys.seals);
        let desk_settings = DeskSettings { folder: folder.clone(), key, signing: keys.signing };
        let desk = Desk::new(desk_settings, counters.clone(), entropy);
        let (orders, ordered) = channel();
        let (over, kept) = channel();
        let (sync, synced) = sync_channel(SYNCS);
        let (abandon, abandoned) = watch::channel(false);
        let desk = Writing { desk, reels, clock, sync, over, counters: counters.clone() };
        let told = tell.clone();
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let joins = [
            named("recording").spawn(move || desk.run(&ordered, &told)),
            named("recording-disk").spawn(move || bring_to_disk(&synced)),
            named("recording-keep")
                .spawn(move || keep(rounds, &kept, &runtime, clock, abandoned, &tell)),
        ];
        let joins = joins.into_iter().collect::<io::Result<Vec<_>>>();
        let joins = Mutex::new(joins.map_err(RecordingError::Thread)?);
        Ok(Recordings { orders, abandon, counters, listener, joins })
    }

    /// What reads messages.
    pub fn listener(&self) -> &Arc<Listener> {
        &self.listener
    }

    /// What has been counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Ends what is being recorded and waits for what can be kept at once. Media threads have stopped.
    pub fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
        let joins = std::mem::take(&mut *self.joins.lock().unwrap_or_else(PoisonError::into_inner));
        for join in joins {
            // What a thread could not do is found by the next start.
            let _ = join.join();
        }
    }

    /// Waits no longer for a store that does not answer: what it has not taken is kept after the next
    /// start.
    pub fn abandon(&self) {
        self.abandon.send_replace(true);
    }
}

struct Writing {
    desk: Desk,
    reels: Vec<Reel>,
    clock: Clock,
    sync: SyncSender<Arc<File>>,
    /// Whoever keeps is woken.
    over: Sender<()>,
    counters: Arc<Counters>,
}

impl Writing {
    fn run(mut self, orders: &Receiver<Order>, tell: &impl Fn(News)) {
        loop {
            let order = match self.desk.is_empty() {
                true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => orders.recv_timeout(LOOK),
            };
            let mut stop = false;
            let rest = std::iter::from_fn(|| orders.try_recv().ok());
            match order {
                Ok(order) => {
                    for order in std::iter::once(order).chain(rest) {
                        match order {
                            Order::Entry(entry) => self.desk.note(&entry),
                            Order::Stop => stop = true,
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stop = true,
            }
            let mut lost = 0;
            for reel in &mut self.reels {
                while let Some(record) = reel.read() {
                    self.desk.take(&record);
                }
                lost += reel.lost();
            }
            let now = self.clock.now();
            match stop {
                true => self.desk.end_all(now),
                false => self.desk.handle_timeout(now, |spool| {
                    // A disk that lags is asked again with the next step.
                    let _ = self.sync.try_send(spool.file().clone());
                }),
            }
            self.counters.lost.store(lost, Ordering::Relaxed);
            self.counters.active.store(self.desk.len() as u64, Ordering::Relaxed);
            while let Some(news) = self.desk.poll_news() {
                tell(news);
            }
            while self.desk.poll_done().is_some() {
                let _ = self.over.send(());
            }
            if stop {
                return;
            }
        }
    }
}

fn bring_to_disk(files: &Receiver<Arc<File>>) {
    let mut latest: BTreeMap<usize, Arc<File>> = BTreeMap::new();
    while let Ok(file) = files.recv() {
        // Each once, however often it was asked for meanwhile.
        for file in std::iter::once(file).chain(files.try_iter()) {
            latest.insert(Arc::as_ptr(&file) as usize, file);
        }
        for file in std::mem::take(&mut latest).into_values() {
            if let Err(error) = file.sync_data() {
                tracing::warn!(%error, "a recording is not on the disk yet");
            }
        }
    }
}

fn keep(
    mut rounds: Rounds,
    over: &Receiver<()>,
    runtime: &tokio::runtime::Handle,
    clock: Clock,
    mut abandoned: watch::Receiver<bool>,
    tell: &impl Fn(News),
) {
    loop {
        let next = runtime.block_on(async {
            tokio::select! {
                biased;
                _ = abandoned.wait_for(|abandoned| *abandoned) => None,
                next = rounds.go(clock, tell) => Some(next),
            }
        });
        // Whatever is left is found by the next start.
        let Some(next) = next else { return };
        match over.recv_timeout(next) {
            Ok(()) => while over.try_recv().is_ok() {},
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
