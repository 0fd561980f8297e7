//! The journal's tables in SQLite. The statements are such that PostgreSQL takes them as well: `$1`
//! parameters, times as BIGINT microseconds, ids and JSON as TEXT. Only the tables' making is
//! SQLite's own: its 64-bit row number is written INTEGER PRIMARY KEY.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite, SqliteConnection};

use crate::event::{
    AgentEvent, CallEvent, CallbackEvent, Entry, Event, MessageEvent, NotificationEvent,
    SystemEvent,
};
use crate::id::CallId;
use crate::stats::calls::{self, CallLine};
use crate::stats::{FOLD_VERSION, Fold};
use crate::time::{Time, UnixMicros};

use super::StoreError;

/// One list of statements for each schema version, the first for version 1. Never changed once
/// released; a new version is added at the end.
const MIGRATIONS: [&[&str]; 1] = [&[
    "CREATE TABLE journal (
        seq INTEGER PRIMARY KEY,
        at_us BIGINT NOT NULL,
        time_us BIGINT NOT NULL,
        kind TEXT NOT NULL,
        call_id TEXT,
        event TEXT NOT NULL
    )",
    "CREATE INDEX journal_by_call ON journal (call_id, seq)",
    "CREATE TABLE snapshots (
        seq INTEGER PRIMARY KEY,
        fold_version BIGINT NOT NULL,
        digest TEXT NOT NULL,
        fold TEXT NOT NULL
    )",
]];

/// Snapshots that are kept: an older one stands in for one that is damaged.
const SNAPSHOTS_KEPT: i64 = 3;
/// Entries that are looked through for calls at most.
const LOOKED_THROUGH: i64 = 1_000_000;
/// Rows that one INSERT carries: a statement costs as much as some tens of rows.
const ROWS_PER_STATEMENT: usize = 50;
/// Entries that are read in one go.
const PAGE: i64 = 1_000;

/// A row of `journal`.
type Row = (i64, i64, i64, String);

/// A snapshot of the fold, ready to be written.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) seq: u64,
    pub(super) fold: String,
}

/// One connection to the journal.
#[derive(Debug)]
pub(super) struct Database {
    connection: SqliteConnection,
}

impl Database {
    /// Opens the journal for writing, made if need be, and brings its schema up to date.
    pub(super) async fn open(path: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        let options = options(path, busy_timeout)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let connection = options.connect().await.map_err(at(path))?;
        let mut database = Database { connection };
        database.migrate(path).await?;
        Ok(database)
    }

    /// Opens the journal for reading.
    async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        let options = options(path, Duration::from_secs(5)).read_only(true);
        let connection = options.connect().await.map_err(at(path))?;
        Ok(Database { connection })
    }

    async fn migrate(&mut self, path: &Path) -> Result<(), StoreError> {
        let known = MIGRATIONS.len() as i64;
        let mut transaction = self.connection.begin().await.map_err(at(path))?;
        sqlx::query("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY)")
            .execute(&mut *transaction)
            .await
            .map_err(at(path))?;
        let found: i64 =
            sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM schema_versions")
                .fetch_one(&mut *transaction)
                .await
                .map_err(at(path))?;
        if found > known {
            return Err(StoreError::Newer { path: path.to_owned(), found, known });
        }
        for (version, statements) in (1_i64..).zip(MIGRATIONS).filter(|(v, _)| *v > found) {
            for statement in statements {
                sqlx::query(*statement).execute(&mut *transaction).await.map_err(at(path))?;
            }
            sqlx::query("INSERT INTO schema_versions (version) VALUES ($1)")
                .bind(version)
                .execute(&mut *transaction)
                .await
                .map_err(at(path))?;
        }
        transaction.commit().await.map_err(at(path))
    }

    /// Commits entries and, after them, a snapshot: all or nothing.
    pub(super) async fn write(
        &mut self,
        rows: &[Written],
        snapshot: Option<&Snapshot>,
    ) -> Result<(), sqlx::Error> {
        if rows.len() <= ROWS_PER_STATEMENT && snapshot.is_none() {
            // One statement is a transaction by itself, and each further one is another change of
            // threads, there and back: they cost more than the rows.
            return insert(&mut self.connection, rows).await;
        }
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            insert(&mut transaction, rows).await?;
        }
        if let Some(snapshot) = snapshot {
            sqlx::query(
                "INSERT INTO snapshots (seq, fold_version, digest, fold) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (seq) DO UPDATE SET fold_version = excluded.fold_version,
                 digest = excluded.digest, fold = excluded.fold",
            )
            .bind(position(snapshot.seq))
            .bind(FOLD_VERSION)
            .bind(digest(&snapshot.fold))
            .bind(snapshot.fold.as_str())
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "DELETE FROM snapshots WHERE seq NOT IN
                 (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT $1)",
            )
            .bind(SNAPSHOTS_KEPT)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }

    /// The fold of the whole journal: from the newest snapshot that can be used, or from nothing.
    pub(super) async fn restore(&mut self, path: &Path) -> Result<Fold, StoreError> {
        let snapshot = self.newest_snapshot(path).await?.unwrap_or_default();
        let from = snapshot.seq();
        let fold = self.fold_on(path, snapshot).await?;
        tracing::info!(snapshot = from, last = fold.seq(), "the journal's figures are restored");
        Ok(fold)
    }

    /// The newest snapshot that is whole, of this version, and not ahead of the journal.
    async fn newest_snapshot(&mut self, path: &Path) -> Result<Option<Fold>, StoreError> {
        let snapshots: Vec<(i64, i64, String, String)> = sqlx::query_as(
            "SELECT seq, fold_version, digest, fold FROM snapshots
             WHERE seq <= (SELECT COALESCE(MAX(seq), 0) FROM journal) ORDER BY seq DESC",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(at(path))?;
        for (seq, version, expected, text) in snapshots {
            if version != FOLD_VERSION {
                continue;
            }
            let fold = if digest(&text) == expected {
                serde_json::from_str::<Fold>(&text).ok()
            } else {
                None
            };
            match fold.filter(|fold| position(fold.seq()) == seq) {
                Some(fold) => return Ok(Some(fold)),
                None => tracing::warn!(seq, "a snapshot of the figures is damaged and not used"),
            }
        }
        Ok(None)
    }

    /// Folds everything after `fold`'s last entry.
    async fn fold_on(&mut self, path: &Path, mut fold: Fold) -> Result<Fold, StoreError> {
        loop {
            let entries = self.entries_from(path, fold.next_seq(), PAGE).await?;
            if entries.is_empty() {
                return Ok(fold);
            }
            entries.iter().for_each(|entry| fold.apply(entry));
        }
    }

    async fn entries_from(
        &mut self,
        path: &Path,
        seq: u64,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT seq, at_us, time_us, event FROM journal WHERE seq >= $1
             ORDER BY seq LIMIT $2",
        )
        .bind(position(seq))
        .bind(limit)
        .fetch_all(&mut self.connection)
        .await
        .map_err(at(path))?;
        rows.into_iter().map(|row| read(path, row)).collect()
    }

    async fn entries_of(&mut self, path: &Path, call: CallId) -> Result<Vec<Entry>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT seq, at_us, time_us, event FROM journal WHERE call_id = $1 ORDER BY seq",
        )
        .bind(call.to_string())
        .fetch_all(&mut self.connection)
        .await
        .map_err(at(path))?;
        rows.into_iter().map(|row| read(path, row)).collect()
    }

    /// The calls that came last before position `seq`, the newest first.
    async fn calls_before(
        &mut self,
        path: &Path,
        seq: Option<u64>,
        limit: u32,
    ) -> Result<Vec<CallId>, StoreError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(seq) FROM journal")
            .fetch_one(&mut self.connection)
            .await
            .map_err(at(path))?;
        let before = seq.map_or(i64::MAX, position);
        let upto = before.min(last.unwrap_or(0).saturating_add(1));
        let found: Vec<String> = sqlx::query_scalar(
            r#"SELECT call_id FROM journal WHERE seq < $1 AND seq >= $2 AND call_id IS NOT NULL
               AND event LIKE '%"event":"arrived"%' ORDER BY seq DESC LIMIT $3"#,
        )
        .bind(upto)
        .bind(upto.saturating_sub(LOOKED_THROUGH))
        .bind(i64::from(limit))
        .fetch_all(&mut self.connection)
        .await
        .map_err(at(path))?;
        Ok(found.iter().filter_map(|call| call.parse().ok()).collect())
    }

    /// Closes the connection; SQLite then folds its write-ahead log into the file.
    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }
}

/// Reads committed entries back, beside the writer. Each read opens a connection of its own, so it
/// works in any runtime and holds nothing between reads.
#[derive(Debug, Clone)]
pub struct Reader {
    path: PathBuf,
}

impl Reader {
    /// Reads the journal file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Reader { path }
    }

    /// A call's life, in order; empty if the journal knows no such call.
    pub async fn read_call(&self, call: CallId) -> Result<Vec<Entry>, StoreError> {
        let mut database = Database::open_to_read(&self.path).await?;
        let entries = database.entries_of(&self.path, call).await;
        self.done(database).await;
        entries
    }

    /// The calls that came last, or last before position `before`: a line for each, the newest first, at
    /// most `limit`. A million entries are looked through and no more.
    pub async fn read_calls(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<CallLine>, StoreError> {
        let mut database = Database::open_to_read(&self.path).await?;
        let lines = async {
            let mut lines = Vec::new();
            for call in database.calls_before(&self.path, before, limit).await? {
                let entries = database.entries_of(&self.path, call).await?;
                lines.extend(calls::line(&entries));
            }
            Ok(lines)
        }
        .await;
        self.done(database).await;
        lines
    }

    /// At most `limit` entries from position `seq` on, in order.
    pub async fn read_from(&self, seq: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let mut database = Database::open_to_read(&self.path).await?;
        let entries = database.entries_from(&self.path, seq, i64::from(limit)).await;
        self.done(database).await;
        entries
    }

    /// The fold of everything from the first entry on, without snapshots.
    pub async fn fold(&self) -> Result<Fold, StoreError> {
        let mut database = Database::open_to_read(&self.path).await?;
        let fold = database.fold_on(&self.path, Fold::new()).await;
        self.done(database).await;
        fold
    }

    async fn done(&self, database: Database) {
        if let Err(error) = database.close().await {
            tracing::debug!(%error, "closing a reading connection to the journal");
        }
    }
}

/// Adds at most [`ROWS_PER_STATEMENT`] rows. A statement for each number of rows is prepared once
/// and kept: sqlx keeps a hundred.
async fn insert(connection: &mut SqliteConnection, rows: &[Written]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "INSERT INTO journal (seq, at_us, time_us, kind, call_id, event) ",
    );
    insert.push_values(rows, |mut values, row| {
        values
            .push_bind(row.seq)
            .push_bind(row.at_us)
            .push_bind(row.time_us)
            .push_bind(row.kind)
            .push_bind(row.call_id.as_deref())
            .push_bind(row.event.as_str());
    });
    insert.build().execute(connection).await.map(|_| ())
}

/// An entry as a row, written out once however often it must be tried.
#[derive(Debug)]
pub(super) struct Written {
    seq: i64,
    at_us: i64,
    time_us: i64,
    kind: &'static str,
    call_id: Option<String>,
    event: String,
}

impl Written {
    /// Writes out an entry.
    pub(super) fn new(entry: &Entry) -> Result<Self, serde_json::Error> {
        let call_id = match &entry.event {
            Event::Call { call, event: _ } => Some(call.to_string()),
            Event::Agent { .. }
            | Event::Message { .. }
            | Event::Callback { .. }
            | Event::Notification { .. }
            | Event::System { .. } => None,
        };
        Ok(Written {
            seq: position(entry.seq),
            at_us: entry.at.0,
            time_us: position(entry.time.as_micros()),
            kind: kind(&entry.event),
            call_id,
            event: serde_json::to_string(&entry.event)?,
        })
    }

    /// Its position.
    pub(super) fn seq(&self) -> u64 {
        u64::try_from(self.seq).unwrap_or(0)
    }
}

fn read(path: &Path, (seq, at_us, time_us, event): Row) -> Result<Entry, StoreError> {
    let event = serde_json::from_str(&event).map_err(|source| StoreError::Unreadable {
        path: path.to_owned(),
        seq,
        source,
    })?;
    let time = Time::from_micros(u64::try_from(time_us).unwrap_or(0));
    Ok(Entry { seq: u64::try_from(seq).unwrap_or(0), at: UnixMicros(at_us), time, event })
}

fn options(path: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(busy_timeout)
        .thread_name(|_| "journal-sqlite".to_owned())
        .disable_statement_logging()
}

/// Positions and microseconds fit 63 bits for the next 290,000 years.
fn position(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SQLite's result codes for a damaged file and for one that is no database.
const DAMAGED: [i32; 2] = [11, 26];

fn at(path: &Path) -> impl Fn(sqlx::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| {
        let code = source.as_database_error().and_then(|error| error.code());
        // Extended result codes carry the primary one in their lowest byte.
        let primary = code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
        let path = path.clone();
        match primary {
            Some(code) if DAMAGED.contains(&code) => StoreError::Damaged { path, source },
            Some(_) | None => StoreError::Database { path, source },
        }
    }
}

/// The event's name, as its JSON has it.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Call { call: _, event } => match event {
            CallEvent::Arrived { .. } => "arrived",
            CallEvent::LegAnswered { .. } => "leg_answered",
            CallEvent::NodeEntered { .. } => "node_entered",
            CallEvent::Chose { .. } => "chose",
            CallEvent::Noted { .. } => "noted",
            CallEvent::Asked(_) => "asked",
            CallEvent::Rated { .. } => "rated",
            CallEvent::Said(_) => "said",
            CallEvent::HandedOver { .. } => "handed_over",
            CallEvent::QueueEntered { .. } => "queue_entered",
            CallEvent::Told { .. } => "told",
            CallEvent::Relaxed { .. } => "relaxed",
            CallEvent::WaitsForAnybody { .. } => "waits_for_anybody",
            CallEvent::Offered { .. } => "offered",
            CallEvent::OfferEnded { .. } => "offer_ended",
            CallEvent::Joined { .. } => "joined",
            CallEvent::TurnedAway { .. } => "turned_away",
            CallEvent::QueueLeft { .. } => "queue_left",
            CallEvent::Parted { .. } => "parted",
            CallEvent::Dialled { .. } => "dialled",
            CallEvent::DialEnded { .. } => "dial_ended",
            CallEvent::Connected { .. } => "connected",
            CallEvent::Disconnected { .. } => "disconnected",
            CallEvent::PhoneChanged { .. } => "phone_changed",
            CallEvent::TransferStarted { .. } => "transfer_started",
            CallEvent::TransferEnded { .. } => "transfer_ended",
            CallEvent::TransferRefused { .. } => "transfer_refused",
            CallEvent::WrappedUp(_) => "wrapped_up",
            CallEvent::Prefaced { .. } => "prefaced",
            CallEvent::SupervisorAsked { .. } => "supervisor_asked",
            CallEvent::SupervisorJoined { .. } => "supervisor_joined",
            CallEvent::SupervisorChanged { .. } => "supervisor_changed",
            CallEvent::SupervisorLeft { .. } => "supervisor_left",
            CallEvent::ConferenceJoined { .. } => "conference_joined",
            CallEvent::ConferenceLeft { .. } => "conference_left",
            CallEvent::MessageBegan { .. } => "message_began",
            CallEvent::MessageSpoken { .. } => "message_spoken",
            CallEvent::LegClosed { .. } => "leg_closed",
            CallEvent::Recording { .. } => "recording",
            CallEvent::Ended { .. } => "ended",
        },
        Event::Agent { agent: _, event } => match event {
            AgentEvent::State { .. } => "state",
            AgentEvent::AwayTooLong { .. } => "away_too_long",
            AgentEvent::SatDown { .. } => "sat_down",
            AgentEvent::StoodUp { .. } => "stood_up",
            AgentEvent::WrongPin { .. } => "wrong_pin",
            AgentEvent::Registered { .. } => "registered",
            AgentEvent::Unregistered { .. } => "unregistered",
        },
        Event::Message { message: _, event } => match event {
            MessageEvent::Left { .. } => "left",
            MessageEvent::Lost { .. } => "lost",
            MessageEvent::Taken { .. } => "taken",
            MessageEvent::Released { .. } => "released",
            MessageEvent::Heard { .. } => "heard",
            MessageEvent::Done { .. } => "done",
            MessageEvent::Overdue { .. } => "overdue",
        },
        Event::Callback { callback: _, event } => match event {
            CallbackEvent::Taken { .. } => "taken",
            CallbackEvent::Dialled { .. } => "dialled",
            CallbackEvent::Missed { .. } => "missed",
            CallbackEvent::Kept { .. } => "kept",
            CallbackEvent::Failed { .. } => "failed",
        },
        Event::Notification { notification: _, event } => match event {
            NotificationEvent::Promised { .. } => "promised",
            NotificationEvent::Unpromised { .. } => "unpromised",
            NotificationEvent::Delayed { .. } => "delayed",
            NotificationEvent::Sent { .. } => "sent",
            NotificationEvent::Failed { .. } => "failed",
        },
        Event::System { event } => match event {
            SystemEvent::Started { .. } => "started",
            SystemEvent::SettingsInForce { .. } => "settings_in_force",
            SystemEvent::Refused { .. } => "refused",
            SystemEvent::Banned { .. } => "banned",
            SystemEvent::Unbanned { .. } => "unbanned",
            SystemEvent::BulletinSet { .. } => "bulletin_set",
            SystemEvent::Circuit { .. } => "circuit",
            SystemEvent::TrunkServer { .. } => "trunk_server",
            SystemEvent::TrunkRegistered { .. } => "trunk_registered",
            SystemEvent::OutboundRefused { .. } => "outbound_refused",
            SystemEvent::JournalGap { .. } => "journal_gap",
            SystemEvent::Stopped => "stopped",
        },
    }
}
