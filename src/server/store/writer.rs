//! The writer's thread: one task folds entries on receipt, the other commits them in batches.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::event::{Entry, Event, SystemEvent};
use crate::stats::Fold;
use crate::time::UnixMicros;

use super::sqlite::{Database, Snapshot, Written};
use super::{Item, Shared, StoreError, StoreSettings};

/// Entries taken from the channel in one go.
const RECEIVED_AT_ONCE: usize = 1_024;
/// How long a failing database is tried after the last handle was dropped without a close.
const UNSAID_GIVE_UP_AFTER: Duration = Duration::from_secs(5);

/// The writer before its thread runs.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    settings: StoreSettings,
    shared: Arc<Shared>,
    incoming: mpsc::UnboundedReceiver<Item>,
}

/// What the receiving task hands to the committing one, in order.
#[derive(Debug)]
enum Job {
    Row {
        row: Written,
        /// False for a gap's entry, which never waited in the buffer.
        waited: bool,
    },
    Snapshot(Snapshot),
}

/// How the writing must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    NotYet,
    /// Give up at this instant.
    By(Instant),
    #[cfg(test)]
    Dead,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        settings: StoreSettings,
        shared: Arc<Shared>,
        incoming: mpsc::UnboundedReceiver<Item>,
    ) -> Self {
        Writer { path, settings, shared, incoming }
    }

    /// The thread. Tells through `opened` what was restored, then writes until told to close or
    /// until the last handle is gone.
    pub(super) fn run(
        self,
        opened: SyncSender<Result<Fold, StoreError>>,
    ) -> Result<(), StoreError> {
        let alive = Alive(Arc::clone(&self.shared));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let result = match runtime {
            Ok(runtime) => runtime.block_on(self.serve(opened)),
            Err(error) => {
                // If nobody waits for the result any more there is nobody to tell.
                let _ = opened.send(Err(StoreError::Thread(error)));
                Ok(())
            }
        };
        drop(alive);
        result
    }

    async fn serve(self, opened: SyncSender<Result<Fold, StoreError>>) -> Result<(), StoreError> {
        let restored = async {
            let mut database = Database::open(&self.path, self.settings.busy_timeout).await?;
            let fold = database.restore(&self.path).await?;
            Ok((database, fold))
        };
        let (database, fold) = match restored.await {
            Ok(restored) => restored,
            Err(error) => {
                let _ = opened.send(Err(error));
                return Ok(());
            }
        };
        *self.shared.fold() = fold.clone();
        self.shared.committed.send_replace(fold.seq());
        let (ending, ends) = watch::channel(Ending::NotYet);
        let (jobs, queued) = mpsc::unbounded_channel();
        let snapshot_waits = Arc::new(AtomicBool::new(false));
        let committed = Arc::new(Notify::new());
        let receiver = Receiver {
            shared: Arc::clone(&self.shared),
            jobs,
            ending,
            snapshot_waits: Arc::clone(&snapshot_waits),
            committed: Arc::clone(&committed),
            batch_time: self.settings.batch_time,
            snapshot_events: self.settings.snapshot_events,
            last: (fold.seq(), fold.last().1),
            snapshot_seq: fold.seq(),
            day: fold.day_of(fold.last().1),
        };
        let committer = Committer {
            path: self.path,
            settings: self.settings,
            shared: self.shared,
            queued,
            ends,
            snapshot_waits,
            committed,
            database: Some(database),
            failing: false,
        };
        if opened.send(Ok(fold)).is_err() {
            return Ok(());
        }
        let (_, result) = tokio::join!(receiver.run(self.incoming), committer.run());
        result
    }
}

/// Says that the writer is gone however its thread ends, a panic included.
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.store(false, Ordering::Release);
        if std::thread::panicking() {
            tracing::error!("the journal's writer died: no more calls can be recorded");
            self.0.set_full(true);
        }
    }
}

/// Folds entries on receipt, in order, and finds the gaps between them.
#[derive(Debug)]
struct Receiver {
    shared: Arc<Shared>,
    jobs: mpsc::UnboundedSender<Job>,
    ending: watch::Sender<Ending>,
    /// Set while a snapshot is on its way to the disk: a failing disk must not collect them.
    snapshot_waits: Arc<AtomicBool>,
    /// Wakes the task after each commit: a gap at the very end has no entry after it to show it.
    committed: Arc<Notify>,
    batch_time: Duration,
    snapshot_events: u64,
    /// The last entry's position and calendar instant.
    last: (u64, UnixMicros),
    snapshot_seq: u64,
    /// The day of the last snapshot.
    day: Range<UnixMicros>,
}

impl Receiver {
    async fn run(mut self, mut incoming: mpsc::UnboundedReceiver<Item>) {
        let mut items = Vec::with_capacity(RECEIVED_AT_ONCE);
        loop {
            // Read first: what was let go after this will be seen next time, and what was handed
            // over before it is received now.
            let lost_up_to = self.shared.last_lost_seq.load(Ordering::Acquire);
            if incoming.is_empty() && lost_up_to > self.last.0 {
                self.close_gap(lost_up_to, None);
            }
            tokio::select! {
                biased;
                received = incoming.recv_many(&mut items, RECEIVED_AT_ONCE) => {
                    if received == 0 {
                        break;
                    }
                }
                () = self.committed.notified() => continue,
            }
            let mut close = None;
            for item in items.drain(..) {
                match item {
                    Item::Entry(entry) => self.take(&entry),
                    Item::Close(give_up_after) => {
                        close = Some(Ending::By(Instant::now() + give_up_after));
                        incoming.close();
                    }
                    #[cfg(test)]
                    Item::Die => {
                        self.ending.send_replace(Ending::Dead);
                        return;
                    }
                }
            }
            if let Some(ending) = close {
                self.ending.send_replace(ending);
                continue;
            }
            // What comes meanwhile is taken at once and shares a transaction. Asleep, the thread is
            // not woken for each entry, which would cost more than to fold and write it.
            sleep_until(Instant::now() + self.batch_time).await;
        }
        let lost_up_to = self.shared.last_lost_seq.load(Ordering::Acquire);
        if lost_up_to > self.last.0 {
            self.close_gap(lost_up_to, None);
        }
        self.snapshot();
        // The last handle is gone without a word: the disk has a while, not for ever.
        self.ending.send_if_modified(|ending| {
            let unsaid = *ending == Ending::NotYet;
            if unsaid {
                *ending = Ending::By(Instant::now() + UNSAID_GIVE_UP_AFTER);
            }
            unsaid
        });
    }

    fn take(&mut self, entry: &Entry) {
        let next = self.last.0.saturating_add(1);
        if entry.seq < next {
            tracing::error!(seq = entry.seq, expected = next, "an entry came out of order");
            self.drop_received();
            return;
        }
        if entry.seq > next {
            self.close_gap(entry.seq - 1, Some(entry));
        }
        match Written::new(entry) {
            Ok(row) => self.keep(entry, row, true),
            Err(error) => {
                // The next entry will find the gap.
                tracing::error!(seq = entry.seq, %error, "an entry cannot be written as JSON");
                self.drop_received();
            }
        }
    }

    fn drop_received(&self) {
        self.shared.lost.fetch_add(1, Ordering::AcqRel);
        self.shared.settled(1);
    }

    /// Records that everything after the last entry up to `seq` is missing, in the place of the
    /// last missing one. `before` is the entry that follows, if it is there.
    fn close_gap(&mut self, seq: u64, before: Option<&Entry>) {
        let (last_seq, since) = self.last;
        let (time, last_at) = self.shared.fold().last();
        let event = Event::System {
            event: SystemEvent::JournalGap { lost: seq.saturating_sub(last_seq), since },
        };
        let (at, time) = before.map_or((last_at, time), |entry| (entry.at, entry.time));
        let entry = Entry { seq, at, time, event };
        match Written::new(&entry) {
            Ok(row) => self.keep(&entry, row, false),
            Err(error) => tracing::error!(seq, %error, "a gap cannot be written as JSON"),
        }
    }

    fn keep(&mut self, entry: &Entry, row: Written, waited: bool) {
        let new_day = {
            let mut fold = self.shared.fold();
            fold.apply(entry);
            // Looking up a day takes longer than all the rest that is done for an entry.
            (!self.day.contains(&entry.at)).then(|| fold.day_of(entry.at))
        };
        self.last = (entry.seq, entry.at);
        // The committing task outlives this one unless it has given up; then the fold is right
        // and the entry is counted as unsaved.
        let _ = self.jobs.send(Job::Row { row, waited });
        let many = entry.seq.saturating_sub(self.snapshot_seq) >= self.snapshot_events;
        if (many || new_day.is_some()) && !self.snapshot_waits.load(Ordering::Acquire) {
            self.day = new_day.unwrap_or_else(|| self.day.clone());
            self.snapshot();
        }
    }

    fn snapshot(&mut self) {
        if self.snapshot_seq == self.last.0 {
            return;
        }
        let fold = self.shared.fold();
        match serde_json::to_string(&*fold) {
            Ok(text) => {
                self.snapshot_seq = fold.seq();
                self.snapshot_waits.store(true, Ordering::Release);
                let _ = self.jobs.send(Job::Snapshot(Snapshot { seq: fold.seq(), fold: text }));
            }
            Err(error) => tracing::error!(%error, "the figures cannot be written as JSON"),
        }
    }
}

/// Commits entries in batches, again and again until the database takes them.
#[derive(Debug)]
struct Committer {
    path: PathBuf,
    settings: StoreSettings,
    shared: Arc<Shared>,
    queued: mpsc::UnboundedReceiver<Job>,
    ends: watch::Receiver<Ending>,
    snapshot_waits: Arc<AtomicBool>,
    committed: Arc<Notify>,
    /// None after a failure: the next attempt opens a new connection.
    database: Option<Database>,
    failing: bool,
}

/// What is committed in one transaction.
#[derive(Debug, Default)]
struct Batch {
    rows: Vec<Written>,
    waited: usize,
    snapshot: Option<Snapshot>,
}

impl Batch {
    fn push(&mut self, job: Job) {
        match job {
            Job::Row { row, waited } => {
                self.rows.push(row);
                self.waited += usize::from(waited);
            }
            Job::Snapshot(snapshot) => self.snapshot = Some(snapshot),
        }
    }

    /// A snapshot is the last in its batch: it must hold exactly what is committed with it.
    fn is_full(&self, most: usize) -> bool {
        self.snapshot.is_some() || self.rows.len() >= most
    }
}

impl Committer {
    async fn run(mut self) -> Result<(), StoreError> {
        while let Some(batch) = self.gather().await {
            if !self.commit(&batch).await {
                break;
            }
            self.shared.settled(batch.waited);
            if batch.snapshot.is_some() {
                self.snapshot_waits.store(false, Ordering::Release);
            }
            if let Some(last) = batch.rows.last() {
                self.shared.committed.send_replace(last.seq());
            }
            self.committed.notify_one();
        }
        #[cfg(test)]
        if *self.ends.borrow() == Ending::Dead {
            return Ok(());
        }
        if let Some(database) = self.database.take()
            && let Err(error) = database.close().await
        {
            tracing::warn!(%error, "closing the journal");
        }
        match self.shared.health_now().backlog {
            0 => Ok(()),
            unsaved => Err(StoreError::Unsaved { unsaved }),
        }
    }

    /// The next batch: everything that waits. None when there will be no more.
    async fn gather(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        batch.push(self.queued.recv().await?);
        while !batch.is_full(self.settings.batch_events.max(1))
            && let Ok(job) = self.queued.try_recv()
        {
            batch.push(job);
        }
        #[cfg(test)]
        if *self.ends.borrow() == Ending::Dead {
            return None;
        }
        Some(batch)
    }

    /// True once the batch is committed; false if the time to close is over before that.
    async fn commit(&mut self, batch: &Batch) -> bool {
        let mut wait = self.settings.retry_first;
        loop {
            match self.attempt(batch).await {
                Ok(()) => {
                    if std::mem::replace(&mut self.failing, false) {
                        *self.shared.failing() = None;
                        tracing::info!("the journal can be written again");
                    }
                    return true;
                }
                Err(error) => {
                    self.database = None;
                    *self.shared.failing() = Some(error.to_string().into());
                    if !std::mem::replace(&mut self.failing, true) {
                        tracing::error!(%error, "the journal cannot be written; trying again");
                    }
                }
            }
            if !self.wait(wait).await {
                return false;
            }
            wait = wait.saturating_mul(2).min(self.settings.retry_most);
        }
    }

    async fn attempt(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let database = match &mut self.database {
            Some(database) => database,
            gone => {
                let opened = Database::open(&self.path, self.settings.busy_timeout).await?;
                gone.insert(opened)
            }
        };
        database
            .write(&batch.rows, batch.snapshot.as_ref())
            .await
            .map_err(|source| StoreError::Database { path: self.path.clone(), source })
    }

    /// Waits between two attempts; false if the time to close is over.
    async fn wait(&mut self, wait: Duration) -> bool {
        let ending = *self.ends.borrow_and_update();
        match ending {
            Ending::NotYet => {
                // Whether time is up or closing began: another attempt.
                let _ = timeout(wait, self.ends.changed()).await;
                true
            }
            Ending::By(instant) => {
                let next = (Instant::now() + wait).min(instant);
                let _ = timeout_at(next, std::future::pending::<()>()).await;
                Instant::now() < instant
            }
            #[cfg(test)]
            Ending::Dead => false,
        }
    }
}
