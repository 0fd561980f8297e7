//! The database's tables: entries, and who changed them when. An entry and its line in the audit trail
//! are committed together, or neither is. The statements are such that PostgreSQL takes them as well.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, Transaction};

use crate::config::registry::{Entries, Entry, Hashed, Key, Kind};
use crate::config::settings::Secret;
use crate::time::UnixMicros;

/// The file in the data folder.
pub const REGISTRY_FILE: &str = "registry.sqlite3";
/// How long it is waited for somebody else who writes.
const BUSY: Duration = Duration::from_secs(2);
/// The most lines of the audit trail that are told at once.
pub const MOST_LINES: u32 = 1_000;

/// One list of statements for each schema version, the first for version 1. Never changed once
/// released; a new version is added at the end.
const MIGRATIONS: [&[&str]; 1] = [&[
    "CREATE TABLE entries (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        version BIGINT NOT NULL,
        settings TEXT NOT NULL,
        secret TEXT,
        PRIMARY KEY (kind, name)
    )",
    "CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at_us BIGINT NOT NULL,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        before_it TEXT,
        after_it TEXT,
        secret_changed BIGINT NOT NULL
    )",
    "CREATE INDEX audit_by_entry ON audit (kind, name, seq)",
]];

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// SQLite fails.
    #[error("{} cannot be used: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// A later version wrote it.
    #[error("{} was written by a later version (schema {found}, this one knows {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// A row is not what it should be.
    #[error("{key} cannot be read from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which.
        key: String,
        /// Where it departs from it.
        source: serde_json::Error,
    },
    /// No thread to read it.
    #[error("no thread can be had to read the database: {0}")]
    Thread(std::io::Error),
}

/// A change that is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Of which entry.
    pub key: Key,
    /// What it was, secrets apart; none if it was not there.
    pub before: Option<Map<String, Value>>,
    /// What it is to be, without what is usual; none if it is to go.
    pub after: Option<(Map<String, Value>, Option<Hashed>)>,
    /// Whether the secret is another.
    pub secret_changed: bool,
}

/// A line of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditLine {
    /// Its number; the entry's version from then on.
    pub seq: u64,
    /// When, on the calendar.
    pub at: UnixMicros,
    /// Who.
    pub by: String,
    /// `created`, `changed` or `deleted`.
    pub what: &'static str,
    /// Of what kind the entry is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What it said before, without what is usual and without secrets.
    pub before: Option<Value>,
    /// What it says since.
    pub after: Option<Value>,
    /// Whether the password is another since.
    pub secret_changed: bool,
}

/// Which lines of the audit trail are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Older than this one.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// Of entries of this kind.
    pub kind: Option<Kind>,
    /// Of entries of this name.
    pub name: Option<String>,
    /// By this actor.
    pub by: Option<String>,
}

/// The database's file. Each use opens a connection of its own: uses are rare, and nothing is held.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
}

type EntryRow = (String, String, i64, String, Option<String>);
type AuditRow = (i64, i64, String, String, String, Option<String>, Option<String>, i64);

impl Store {
    /// The database in a data folder.
    pub fn new(data: &Path) -> Self {
        Store { path: data.join(REGISTRY_FILE) }
    }

    /// Whether anything was ever kept.
    pub fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Every entry.
    pub async fn entries(&self) -> Result<Entries, RegistryError> {
        let mut connection = self.open().await?;
        let rows: Vec<EntryRow> =
            sqlx::query_as("SELECT kind, name, version, settings, secret FROM entries")
                .fetch_all(&mut connection)
                .await
                .map_err(self.failed())?;
        self.close(connection).await;
        let mut entries = Entries::new();
        for (kind, name, version, settings, secret) in rows {
            // Whatever a later version keeps besides is not ours.
            let Some(kind) = Kind::of_word(&kind) else { continue };
            let key = Key::new(kind, &name);
            let unreadable = |source| {
                let (path, key) = (self.path.clone(), key.to_string());
                RegistryError::Unreadable { path, key, source }
            };
            let settings = serde_json::from_str(&settings).map_err(unreadable)?;
            let secret = match secret {
                Some(text) => Some(read_secret(&text).map_err(unreadable)?),
                None => None,
            };
            let version = version.cast_unsigned();
            entries.insert(key, Arc::new(Entry { version, settings, secret }));
        }
        Ok(entries)
    }

    /// Keeps changes, all or none, with who made them and when; the number of each in the audit trail.
    /// Once this returns they outlive the machine's fall.
    pub async fn commit(
        &self,
        changes: &[Change],
        by: &str,
        at: UnixMicros,
    ) -> Result<Vec<u64>, RegistryError> {
        let mut connection = self.open().await?;
        let failed = self.failed();
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let last: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM audit")
            .fetch_one(&mut *transaction)
            .await
            .map_err(&failed)?;
        let mut numbers = Vec::new();
        for (seq, change) in (last + 1..).zip(changes) {
            keep(&mut transaction, seq, change, (by, at)).await.map_err(&failed)?;
            numbers.push(seq.cast_unsigned());
        }
        transaction.commit().await.map_err(&failed)?;
        self.close(connection).await;
        Ok(numbers)
    }

    /// Lines of the audit trail, the newest first.
    pub async fn audit(&self, asked: &Asked) -> Result<Vec<AuditLine>, RegistryError> {
        if !self.is_there() {
            return Ok(Vec::new());
        }
        let mut connection = self.open().await?;
        let before = asked.before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let rows: Vec<AuditRow> = sqlx::query_as(
            "SELECT seq, at_us, actor, kind, name, before_it, after_it, secret_changed FROM audit
             WHERE seq < $1 AND (kind = $2 OR $2 IS NULL) AND (name = $3 OR $3 IS NULL)
             AND (actor = $4 OR $4 IS NULL) ORDER BY seq DESC LIMIT $5",
        )
        .bind(before)
        .bind(asked.kind.map(Kind::word))
        .bind(asked.name.as_deref())
        .bind(asked.by.as_deref())
        .bind(i64::from(asked.limit.min(MOST_LINES)))
        .fetch_all(&mut connection)
        .await
        .map_err(self.failed())?;
        self.close(connection).await;
        let mut lines = Vec::new();
        for (seq, at_us, by, kind, name, before, after, secret_changed) in rows {
            let Some(kind) = Kind::of_word(&kind) else { continue };
            let read =
                |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
            let (before, after): (Option<Value>, Option<Value>) = (read(before), read(after));
            let what = match (&before, &after) {
                (None, _) => "created",
                (Some(_), Some(_)) => "changed",
                (Some(_), None) => "deleted",
            };
            let (seq, at) = (seq.cast_unsigned(), UnixMicros(at_us));
            let secret_changed = secret_changed != 0;
            lines.push(AuditLine { seq, at, by, what, kind, name, before, after, secret_changed });
        }
        Ok(lines)
    }

    fn failed(&self) -> impl Fn(sqlx::Error) -> RegistryError + use<> {
        let path = self.path.clone();
        move |source| RegistryError::Database { path: path.clone(), source }
    }

    async fn close(&self, connection: SqliteConnection) {
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "closing a connection to the database");
        }
    }

    /// Opens the database, made if need be, and brings its schema up to date.
    async fn open(&self) -> Result<SqliteConnection, RegistryError> {
        let failed = self.failed();
        // Whoever reads the hashes in it can register as an agent: it is nobody else's to read. Without
        // the folder there is no file either, which SQLite says in its own words.
        if !self.is_there() {
            let mut options = OpenOptions::new();
            let _ = options.write(true).create_new(true).mode(0o600).open(&self.path);
        }
        // No write-ahead log: changes are rare, and one file is easier to back up and to read.
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(BUSY)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Extra)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(&failed)?;
        let known = MIGRATIONS.len() as i64;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut connection)
            .await
            .map_err(&failed)?;
        if found > known {
            return Err(RegistryError::Newer { path: self.path.clone(), found, known });
        }
        if found < known {
            let mut transaction =
                connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
            for (_, statements) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found)
            {
                for statement in statements {
                    sqlx::query(*statement).execute(&mut *transaction).await.map_err(&failed)?;
                }
            }
            let version = format!("PRAGMA user_version = {known}");
            sqlx::query(sqlx::AssertSqlSafe(version))
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
            transaction.commit().await.map_err(&failed)?;
        }
        Ok(connection)
    }
}

async fn keep(
    transaction: &mut Transaction<'_, Sqlite>,
    seq: i64,
    change: &Change,
    (by, at): (&str, UnixMicros),
) -> Result<(), sqlx::Error> {
    let Change { key, before, after, secret_changed } = change;
    let text = |map: &Map<String, Value>| Value::Object(map.clone()).to_string();
    let settings = after.as_ref().map(|(settings, _)| text(settings));
    let secret = after.as_ref().and_then(|(_, secret)| secret.as_ref()).map(write_secret);
    match &settings {
        Some(settings) => {
            sqlx::query(
                "INSERT INTO entries (kind, name, version, settings, secret)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (kind, name) DO UPDATE SET version = excluded.version,
                 settings = excluded.settings, secret = excluded.secret",
            )
            .bind(key.kind.word())
            .bind(&key.name)
            .bind(seq)
            .bind(settings)
            .bind(secret)
            .execute(&mut **transaction)
            .await?;
        }
        None => {
            sqlx::query("DELETE FROM entries WHERE kind = $1 AND name = $2")
                .bind(key.kind.word())
                .bind(&key.name)
                .execute(&mut **transaction)
                .await?;
        }
    }
    sqlx::query(
        "INSERT INTO audit (seq, at_us, actor, kind, name, before_it, after_it, secret_changed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(seq)
    .bind(at.0)
    .bind(by)
    .bind(key.kind.word())
    .bind(&key.name)
    .bind(before.as_ref().map(text))
    .bind(settings)
    .bind(i64::from(*secret_changed))
    .execute(&mut **transaction)
    .await
    .map(|_| ())
}

fn write_secret(secret: &Hashed) -> String {
    let text = |hash: &Option<Secret>| hash.as_ref().map(|hash| hash.reveal().to_owned());
    json!({ "realm": secret.realm, "md5": text(&secret.md5), "sha256": text(&secret.sha256) })
        .to_string()
}

fn read_secret(text: &str) -> Result<Hashed, serde_json::Error> {
    let (realm, md5, sha256) = {
        #[derive(serde::Deserialize)]
        struct Kept {
            realm: String,
            md5: Option<Secret>,
            sha256: Option<Secret>,
        }
        let Kept { realm, md5, sha256 } = serde_json::from_str(text)?;
        (realm, md5, sha256)
    };
    Ok(Hashed { realm, md5, sha256 })
}

/// Every entry of the database in a data folder; none if there is no database. Blocks.
pub fn read(data: &Path) -> Result<Entries, RegistryError> {
    let store = Store::new(data);
    if !store.is_there() {
        return Ok(Entries::new());
    }
    // Settings are read within runtimes and without.
    let reading = std::thread::Builder::new().name("registry".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.map_err(RegistryError::Thread)?.block_on(store.entries())
    });
    match reading.map_err(RegistryError::Thread)?.join() {
        Ok(entries) => entries,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
