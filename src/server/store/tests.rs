//! The journal on a real disk: restarts, kills, locks, damage.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::config::settings::LimitSettings;
use crate::event::{CallEvent, EndCause, Entry, Event, Outcome, RefusalReason, SystemEvent};
use crate::stats::stream::{S, Stream};
use crate::stats::{Fold, closing_entries};
use crate::time::{Time, UnixMicros};

use super::*;

const NOON: &str = "2026-11-23T12:00:00Z";
const CLOSE: Duration = Duration::from_secs(20);

fn quick() -> StoreSettings {
    StoreSettings {
        batch_time: Duration::from_millis(1),
        batch_events: 7,
        snapshot_events: 10,
        busy_timeout: Duration::from_millis(20),
        retry_first: Duration::from_millis(5),
        retry_most: Duration::from_millis(20),
    }
}

fn limits(journal_backlog: usize) -> LimitSettings {
    LimitSettings { journal_backlog, ..LimitSettings::default() }
}

fn open_quick(dir: &TempDir) -> (JournalHandle, Fold) {
    open(dir.path(), &limits(10_000), quick()).expect("opens")
}

/// An hour of calls of every kind, one of them still waiting.
fn busy_hour() -> Stream {
    let mut stream = Stream::starting(NOON);
    for i in 0..30 {
        let mut call = stream.queued(if i % 3 == 0 { "parking" } else { "waste" });
        stream.pass((i * 7 + 3) * S);
        match i % 4 {
            0 => stream.abandon(call),
            1 => {
                stream.answer(&mut call, "amy");
                stream.part(&call, "amy", 30 * S, 0);
                stream.end(&call, EndCause::CallerHungUp);
            }
            2 => {
                stream.move_to(&mut call, "parking");
                stream.pass(S);
                stream.answer(&mut call, "bob");
                stream.end(&call, EndCause::AgentHungUp);
            }
            _ => {
                stream.leave(&mut call, Outcome::Overflowed);
                stream.end(&call, EndCause::Completed);
            }
        }
    }
    stream.queued("waste");
    stream
}

fn append_all(journal: &JournalHandle, entries: &[Entry]) {
    entries.iter().for_each(|entry| journal.append(entry.clone()));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// Waits until the watched value is as wanted.
fn wait_for<T: Clone>(mut watched: watch::Receiver<T>, wanted: impl FnMut(&T) -> bool) -> T {
    let done = async {
        let waiting = watched.wait_for(wanted);
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, waiting).await.expect("in time").expect("alive").clone()
    };
    runtime().block_on(done)
}

async fn connect(dir: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(dir.join(JOURNAL_FILE));
    options.connect().await.expect("connects")
}

fn change(dir: &TempDir, statement: &'static str) -> u64 {
    runtime().block_on(async {
        let mut connection = connect(dir.path()).await;
        let done = sqlx::query(statement).execute(&mut connection).await.expect("executes");
        sqlx::Connection::close(connection).await.expect("closes");
        done.rows_affected()
    })
}

#[test]
fn figures_after_a_restart_are_those_before_it() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    let (journal, empty) = open_quick(&dir);
    assert_eq!(empty, Fold::new());
    append_all(&journal, &stream.entries);
    journal.close(CLOSE).expect("closes");
    let (now, at) = stream.now();
    assert_eq!(*journal.live(now, at), stream.live());

    let (journal, fold) = open_quick(&dir);
    assert_eq!(fold, stream.fold);
    assert_eq!(*journal.live(now, at), stream.live());
    assert_eq!(fold.restore_point().open_calls.len(), 1);
    journal.close(CLOSE).expect("closes");
}

#[test]
fn a_replay_of_the_whole_journal_is_the_fold_from_snapshots() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    for part in stream.entries.chunks(37) {
        let (journal, _) = open_quick(&dir);
        append_all(&journal, part);
        journal.close(CLOSE).expect("closes");
    }
    assert_eq!(replay(dir.path()).expect("replays"), stream.fold);
    assert_eq!(open_quick(&dir).1, stream.fold);
    assert_eq!(replay(dir.path()).expect("replays beside the writer"), stream.fold);
}

#[test]
fn figures_follow_on_receipt_and_the_commit_is_told() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    let (journal, _) = open_quick(&dir);
    let committed = journal.committed();
    append_all(&journal, &stream.entries);
    let last = stream.entries.len() as u64;
    assert_eq!(wait_for(committed, |seq| *seq == last), last);
    let health = wait_for(journal.health(), |health| health.backlog == 0);
    assert!(!health.full);
    let (now, at) = stream.now();
    assert_eq!(*journal.live(now, at), stream.live());
    let status = journal.status();
    assert_eq!((status.committed, status.lost, status.alive), (last, 0, true));
}

#[test]
fn entries_read_back_exactly_by_call_and_by_position() {
    let dir = TempDir::new().expect("a folder");
    let mut stream = busy_hour();
    stream.register("amy", "sip:amy@192.0.2.7;transport=udp", 7, 3_600_000_000);
    stream.push(Event::System {
        event: SystemEvent::Refused {
            reason: RefusalReason::TooFast,
            status: 503,
            called: "\"; DROP TABLE journal; -- \u{1F4DE}".to_owned(),
        },
    });
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &stream.entries);
    journal.close(CLOSE).expect("closes");
    let reader = journal.reader();
    let read = |seq, limit| runtime().block_on(reader.read_from(seq, limit)).expect("reads");
    assert_eq!(read(1, 10_000), stream.entries);
    assert_eq!(read(5, 2), stream.entries[4..6]);
    assert_eq!(read(10_000, 5), []);
    let Event::Call { call, .. } = stream.entries[2].event else { panic!("a call's entry") };
    let of_call: Vec<_> = stream
        .entries
        .iter()
        .filter(|entry| matches!(entry.event, Event::Call { call: other, .. } if other == call))
        .cloned()
        .collect();
    assert_eq!(runtime().block_on(reader.read_call(call)).expect("reads"), of_call);
    let unknown = crate::id::Entropy::from_seed([1; 32]).call_id(UnixMicros(0));
    assert_eq!(runtime().block_on(reader.read_call(unknown)).expect("reads"), []);
}

#[test]
fn the_calls_that_came_last_are_found_page_by_page() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &stream.entries);
    let all = stream.entries.len() as u64;
    wait_for(journal.committed(), |seq| *seq == all);
    let came = |entry: &&Entry| {
        matches!(entry.event, Event::Call { event: CallEvent::Arrived { .. }, .. })
    };
    let seqs: Vec<u64> = stream.entries.iter().rev().filter(came).map(|it| it.seq).collect();
    assert!(seqs.len() > 5, "calls enough for pages");
    let reader = journal.reader();
    let read = |before, limit| {
        let calls = runtime().block_on(reader.read_calls(before, limit)).expect("reads");
        calls.iter().map(|call| call.seq).collect::<Vec<_>>()
    };
    assert_eq!(read(None, 1_000), seqs);
    assert_eq!(read(None, 2), seqs[..2]);
    assert_eq!(read(Some(seqs[1]), 3), seqs[2..5]);
    assert_eq!(read(Some(1), 3), [0; 0]);
}

#[test]
fn a_killed_writer_loses_only_what_was_not_committed() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &stream.entries[..50]);
    wait_for(journal.committed(), |seq| *seq == 50);
    append_all(&journal, &stream.entries[50..]);
    journal.kill();

    let (journal, fold) = open_quick(&dir);
    let kept = fold.seq();
    assert!((50..=stream.entries.len() as u64).contains(&kept), "{kept}");
    let mut expected = Fold::new();
    stream.entries[..kept as usize].iter().for_each(|entry| expected.apply(entry));
    assert_eq!(fold, expected);
    // The next run closes what was open and goes on where the journal ends.
    let mut fold = fold;
    let start = (UnixMicros(stream.now().1.0 + 60_000_000), Time::ZERO);
    for entry in closing_entries(&fold, start.0, start.1) {
        fold.apply(&entry);
        journal.append(entry);
    }
    journal.close(CLOSE).expect("closes");
    assert_eq!(replay(dir.path()).expect("replays"), fold);
    assert_eq!(fold.restore_point().open_calls, []);
}

#[test]
fn handles_that_are_dropped_without_a_close_leave_nothing_unwritten() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &stream.entries);
    let thread = journal.thread.lock().expect("not poisoned").take().expect("runs");
    drop(journal);
    thread.join().expect("no panic").expect("closes");
    assert_eq!(open_quick(&dir).1, stream.fold);
}

#[test]
fn a_locked_database_fills_the_buffer_and_leaves_a_gap_where_entries_were_let_go() {
    let dir = TempDir::new().expect("a folder");
    let mut stream = Stream::starting(NOON);
    let (journal, _) = open(dir.path(), &limits(10), quick()).expect("opens");
    append_all(&journal, &stream.entries);
    wait_for(journal.committed(), |seq| *seq == 2);

    let runtime = runtime();
    let mut other = runtime.block_on(connect(dir.path()));
    let begin = sqlx::query("BEGIN EXCLUSIVE").execute(&mut other);
    runtime.block_on(begin).expect("locks");
    let call = stream.queued("waste");
    for _ in 0..6 {
        stream.call(&call, chose());
    }
    append_all(&journal, &stream.entries[2..]);
    assert!(!journal.status().health.full, "8 of 10 wait");
    for _ in 0..5 {
        stream.call(&call, chose());
    }
    stream.pass(9 * S);
    stream.abandon(call);
    stream.call_after_end();
    append_all(&journal, &stream.entries[10..]);
    let status = journal.status();
    assert!(status.health.full, "new calls must be refused");
    assert_eq!(status.lost, 5, "the fourth key and the last statistics were let go");
    assert_eq!(status.health.backlog, 8 + 1 + 2);
    let (now, at) = stream.now();
    // The writer's thread folds on receipt, while nothing can be committed.
    while journal.live(now, at).queue("waste").today.abandoned == 0 {
        std::thread::yield_now();
    }
    assert_eq!(journal.status().committed, 2);

    // Somebody else lets go of the file.
    let rollback = sqlx::query("ROLLBACK").execute(&mut other);
    runtime.block_on(rollback).expect("unlocks");
    let health = wait_for(journal.health(), |health| health.backlog == 0);
    assert!(!health.full);
    let last = stream.entries.len() as u64;
    wait_for(journal.committed(), |seq| *seq == last);
    journal.close(CLOSE).expect("closes");
    assert_eq!(journal.status().failing, None);

    let reader = journal.reader();
    let read = runtime.block_on(reader.read_from(1, 1_000)).expect("reads");
    let mut next = 1;
    for entry in &read {
        match &entry.event {
            // In the place of the last that is missing; how many gaps there are depends on when
            // the writer looked.
            Event::System { event: SystemEvent::JournalGap { lost, .. } } => {
                assert!((12..=15).contains(&entry.seq) || entry.seq == 18, "{entry:?}");
                next += lost;
            }
            _ => {
                assert_eq!(*entry, stream.entries[entry.seq as usize - 1]);
                next += 1;
            }
        }
        assert_eq!(entry.seq + 1, next, "no position is without an account");
    }
    assert_eq!(next, last + 1);
    let replayed = replay(dir.path()).expect("replays");
    assert_eq!(replayed.live(now, at), *journal.live(now, at), "the gap is in both");
}

fn chose() -> CallEvent {
    CallEvent::Chose { node: "menu".into(), key: '1' }
}

impl Stream {
    /// The last event of the latest call: what was seen on its leg.
    fn call_after_end(&mut self) {
        let Some(Event::Call { call, .. }) = self.entries.last().map(|entry| entry.event.clone())
        else {
            panic!("a call's entry is the last")
        };
        let event = CallEvent::LegClosed {
            leg: crate::id::LegId(1),
            received: 1,
            sent: 1,
            dropped: 0,
            quality: Default::default(),
        };
        self.push(Event::Call { call, event });
    }
}

#[test]
fn a_database_that_stays_locked_does_not_hold_up_the_end() {
    let dir = TempDir::new().expect("a folder");
    let (journal, _) = open_quick(&dir);
    let runtime = runtime();
    let mut other = runtime.block_on(connect(dir.path()));
    let begin = sqlx::query("BEGIN EXCLUSIVE").execute(&mut other);
    runtime.block_on(begin).expect("locks");
    let stream = busy_hour();
    append_all(&journal, &stream.entries);
    let error = journal.close(Duration::from_millis(50)).expect_err("cannot be written");
    assert!(
        matches!(error, StoreError::Unsaved { unsaved } if unsaved == stream.entries.len()),
        "{error}"
    );
    assert!(journal.status().failing.is_some());
    // What comes after the end is counted and refuses new calls.
    journal.append(stream.entries[0].clone());
    let status = journal.status();
    assert_eq!((status.alive, status.lost, status.health.full), (false, 1, true));
}

#[test]
fn a_damaged_snapshot_gives_way_to_an_older_one_and_then_to_the_journal() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    for part in stream.entries.chunks(40) {
        let (journal, _) = open_quick(&dir);
        append_all(&journal, part);
        journal.close(CLOSE).expect("closes");
    }
    let newest = "UPDATE snapshots SET fold = REPLACE(fold, '\"offered\":', '\"offered\": 1')
                  WHERE seq = (SELECT MAX(seq) FROM snapshots)";
    assert_eq!(change(&dir, newest), 1);
    assert_eq!(open_quick(&dir).1, stream.fold);
    assert!(change(&dir, "UPDATE snapshots SET fold = 'x'") > 1);
    assert_eq!(open_quick(&dir).1, stream.fold);
    change(&dir, "UPDATE snapshots SET fold_version = 0");
    assert_eq!(open_quick(&dir).1, stream.fold);
}

#[test]
fn a_snapshot_ahead_of_the_journal_is_not_believed() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &stream.entries);
    journal.close(CLOSE).expect("closes");
    change(&dir, "DELETE FROM journal WHERE seq > 20");
    let mut expected = Fold::new();
    stream.entries[..20].iter().for_each(|entry| expected.apply(entry));
    assert_eq!(open_quick(&dir).1, expected);
}

#[test]
fn a_damaged_journal_is_refused_with_its_name_and_what_to_do() {
    let dir = TempDir::new().expect("a folder");
    std::fs::write(dir.path().join(JOURNAL_FILE), "this is no database, however long it may be")
        .expect("writes");
    let error = open(dir.path(), &limits(10), quick()).expect_err("no database");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(JOURNAL_FILE) && text.contains("restore it from a backup"), "{text}");
}

#[test]
fn a_journal_with_overwritten_pages_is_an_error_and_no_panic() {
    let dir = TempDir::new().expect("a folder");
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &busy_hour().entries);
    journal.close(CLOSE).expect("closes");
    let path = dir.path().join(JOURNAL_FILE);
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes.iter_mut().skip(4_096).for_each(|byte| *byte = 0xa5);
    std::fs::write(&path, bytes).expect("writes");
    let error = open(dir.path(), &limits(10), quick()).expect_err("damaged");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn an_entry_that_cannot_be_read_is_named() {
    let dir = TempDir::new().expect("a folder");
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &busy_hour().entries);
    journal.close(CLOSE).expect("closes");
    change(&dir, "UPDATE journal SET event = '{\"of\":\"moon\"}' WHERE seq = 4");
    change(&dir, "DELETE FROM snapshots");
    let error = open(dir.path(), &limits(10), quick()).expect_err("cannot be read");
    assert!(matches!(error, StoreError::Unreadable { seq: 4, .. }), "{error:?}");
}

#[test]
fn a_second_process_and_a_later_schema_are_refused() {
    let dir = TempDir::new().expect("a folder");
    let (journal, _) = open_quick(&dir);
    let error = open(dir.path(), &limits(10), quick()).expect_err("in use");
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    journal.close(CLOSE).expect("closes");
    change(&dir, "INSERT INTO schema_versions (version) VALUES (99)");
    let error = open(dir.path(), &limits(10), quick()).expect_err("from the future");
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_made_and_a_journal_that_is_not_there_are_named() {
    let dir = TempDir::new().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "").expect("writes");
    let error = open(&file, &limits(10), quick()).expect_err("a file in the way");
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
    let error = replay(dir.path()).expect_err("nothing there");
    assert!(matches!(error, StoreError::Missing { .. }), "{error:?}");
}

#[test]
fn an_entry_out_of_order_is_refused_and_does_not_stop_the_others() {
    let dir = TempDir::new().expect("a folder");
    let stream = busy_hour();
    let (journal, _) = open_quick(&dir);
    append_all(&journal, &stream.entries[..20]);
    journal.append(stream.entries[4].clone());
    append_all(&journal, &stream.entries[20..]);
    journal.close(CLOSE).expect("closes");
    assert_eq!(journal.status().lost, 1);
    assert_eq!(replay(dir.path()).expect("replays"), stream.fold);
}

#[test]
fn a_gap_at_the_very_end_is_recorded_without_an_entry_after_it() {
    let dir = TempDir::new().expect("a folder");
    let (journal, _) = open_quick(&dir);
    let stream = busy_hour();
    append_all(&journal, &stream.entries[..3]);
    wait_for(journal.committed(), |seq| *seq == 3);
    journal.shared.full.store(true, Ordering::Release);
    let mut entry = stream.entries[3].clone();
    entry.seq = 4;
    entry.event = Event::System {
        event: SystemEvent::Refused {
            reason: RefusalReason::JournalFull,
            status: 503,
            called: String::new(),
        },
    };
    journal.append(entry);
    journal.close(CLOSE).expect("closes");
    let read = runtime().block_on(journal.reader().read_from(4, 10)).expect("reads");
    assert_eq!(read.len(), 1);
    assert!(matches!(
        read[0].event,
        Event::System { event: SystemEvent::JournalGap { lost: 1, .. } }
    ));
}
