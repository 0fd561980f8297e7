//! What the council's back end keeps, in SQLite.

use std::path::Path;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Row, SqliteConnection};

use super::reference::{Kind, Reference};
use super::seed;

const TABLES: [&str; 7] = [
    "CREATE TABLE addresses (
        address INTEGER PRIMARY KEY,
        postcode TEXT NOT NULL,
        keys TEXT NOT NULL,
        house TEXT NOT NULL,
        street TEXT NOT NULL,
        collected TEXT NOT NULL
    )",
    "CREATE TABLE accounts (
        account TEXT PRIMARY KEY,
        postcode TEXT NOT NULL,
        keys TEXT NOT NULL,
        house TEXT NOT NULL,
        owed_pence BIGINT NOT NULL,
        next_pence BIGINT,
        next_due TEXT
    )",
    "CREATE TABLE permits (
        permit TEXT PRIMARY KEY,
        registration TEXT NOT NULL,
        ends TEXT NOT NULL,
        price_pence BIGINT NOT NULL
    )",
    "CREATE TABLE slots (
        slot INTEGER PRIMARY KEY,
        about TEXT NOT NULL,
        day TEXT NOT NULL,
        time TEXT NOT NULL,
        reference TEXT
    )",
    // `once` names what can be there only once: a bin's collection that was missed.
    "CREATE TABLE reports (
        reference TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        made TEXT NOT NULL,
        place TEXT NOT NULL,
        detail TEXT NOT NULL,
        due TEXT NOT NULL,
        phone TEXT,
        once TEXT UNIQUE
    )",
    // Of a card there are never more than its last four digits.
    "CREATE TABLE payments (
        reference TEXT PRIMARY KEY,
        permit TEXT NOT NULL,
        pence BIGINT NOT NULL,
        card_ends_with TEXT NOT NULL
    )",
    // Answers to what was asked under a key, for whoever asks again.
    "CREATE TABLE answered (
        key TEXT PRIMARY KEY,
        asked TEXT NOT NULL,
        status BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
];

/// Opens the store, made and filled if it is not there.
pub async fn open(path: &Path, today: Date) -> Result<SqliteConnection, sqlx::Error> {
    use sqlx::Connection as _;
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.journal_mode(SqliteJournalMode::Wal).connect().await?;
    let mut all = connection.begin().await?;
    let there: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = 'answered'")
            .fetch_one(&mut *all)
            .await?;
    if there == 0 {
        for table in TABLES {
            sqlx::query(table).execute(&mut *all).await?;
        }
        seed::fill(&mut all, today).await?;
    }
    sqlx::query(super::texts::TABLE).execute(&mut *all).await?;
    all.commit().await?;
    Ok(connection)
}

/// A home, or whatever else has a number in a street.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub id: i64,
    pub postcode: String,
    pub house: String,
    pub street: String,
    /// A day on which its bins were collected; every fourteenth from then on is another.
    collected: Date,
}

impl Address {
    /// As people write it.
    pub fn place(&self) -> String {
        format!("{} {}, {}", self.house, self.street, self.postcode)
    }

    /// When its bins were collected for the last time, today included, and when they will be next.
    pub fn collections(&self, today: Date) -> (Date, Date) {
        let since = i64::from((today - self.collected).get_days());
        let last = today - since.rem_euclid(seed::EVERY_DAYS).days();
        (last, last + seed::EVERY_DAYS.days())
    }
}

/// What is asked of a table, with what is different each time.
macro_rules! of_addresses {
    ($which:literal) => {
        concat!("SELECT address, postcode, house, street, collected FROM addresses ", $which)
    };
}
macro_rules! of_slots {
    ($which:literal) => {
        concat!("SELECT slot, about, day, time, reference FROM slots ", $which)
    };
}
macro_rules! of_reports {
    ($which:literal) => {
        concat!("SELECT reference, kind, made, place, detail, due FROM reports ", $which)
    };
}

fn address(row: &sqlx::sqlite::SqliteRow) -> Result<Address, sqlx::Error> {
    Ok(Address {
        id: row.try_get("address")?,
        postcode: row.try_get("postcode")?,
        house: row.try_get("house")?,
        street: row.try_get("street")?,
        collected: day(&row.try_get::<String, _>("collected")?)?,
    })
}

fn day(written: &str) -> Result<Date, sqlx::Error> {
    written.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// The addresses with this house number at a postcode, or at the postcodes that have these keys.
pub async fn addresses(
    store: &mut SqliteConnection,
    postcode: &str,
    house: &str,
) -> Result<Vec<Address>, sqlx::Error> {
    let query =
        sqlx::query(of_addresses!("WHERE (postcode = $1 OR keys = $1) AND house = $2 LIMIT 2"));
    let query = query.bind(postcode).bind(house);
    query.fetch_all(store).await?.iter().map(address).collect()
}

/// An address by its number.
pub async fn address_of(
    store: &mut SqliteConnection,
    id: i64,
) -> Result<Option<Address>, sqlx::Error> {
    let query = sqlx::query(of_addresses!("WHERE address = $1")).bind(id);
    query.fetch_optional(store).await?.as_ref().map(address).transpose()
}

/// A council tax account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub owed_pence: i64,
    /// The next instalment and its day.
    pub next: Option<(i64, Date)>,
}

/// The account with this number at this postcode, or with its keys. It is not said which of the two is
/// wrong.
pub async fn account(
    store: &mut SqliteConnection,
    account: &str,
    postcode: &str,
) -> Result<Option<Account>, sqlx::Error> {
    let query = sqlx::query(
        "SELECT owed_pence, next_pence, next_due FROM accounts
         WHERE account = $1 AND (postcode = $2 OR keys = $2)",
    );
    let row = query.bind(account).bind(postcode).fetch_optional(store).await?;
    let Some(row) = row else { return Ok(None) };
    let next: (Option<i64>, Option<String>) =
        (row.try_get("next_pence")?, row.try_get("next_due")?);
    let next = match next {
        (Some(pence), Some(due)) => Some((pence, day(&due)?)),
        (_, None) | (None, _) => None,
    };
    Ok(Some(Account { owed_pence: row.try_get("owed_pence")?, next }))
}

/// A parking permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    pub registration: String,
    pub ends: Date,
    pub price_pence: i64,
}

/// A permit by its number.
pub async fn permit(
    store: &mut SqliteConnection,
    permit: &str,
) -> Result<Option<Permit>, sqlx::Error> {
    let query =
        sqlx::query("SELECT registration, ends, price_pence FROM permits WHERE permit = $1");
    let Some(row) = query.bind(permit).fetch_optional(store).await? else { return Ok(None) };
    Ok(Some(Permit {
        registration: row.try_get("registration")?,
        ends: day(&row.try_get::<String, _>("ends")?)?,
        price_pence: row.try_get("price_pence")?,
    }))
}

/// A permit runs on to a later day, and was paid for.
pub async fn renewed(
    store: &mut SqliteConnection,
    permit: &str,
    ends: Date,
    reference: &str,
    pence: i64,
    card_ends_with: &str,
) -> Result<(), sqlx::Error> {
    let renew = sqlx::query("UPDATE permits SET ends = $2 WHERE permit = $1");
    renew.bind(permit).bind(ends.to_string()).execute(&mut *store).await?;
    let pay = sqlx::query(
        "INSERT INTO payments (reference, permit, pence, card_ends_with) VALUES ($1, $2, $3, $4)",
    );
    pay.bind(reference).bind(permit).bind(pence).bind(card_ends_with).execute(store).await?;
    Ok(())
}

/// A time at the council's office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub id: i64,
    pub about: String,
    pub day: String,
    pub time: String,
    /// Whose it is already.
    pub reference: Option<String>,
}

fn slot(row: &sqlx::sqlite::SqliteRow) -> Result<Slot, sqlx::Error> {
    Ok(Slot {
        id: row.try_get("slot")?,
        about: row.try_get("about")?,
        day: row.try_get("day")?,
        time: row.try_get("time")?,
        reference: row.try_get("reference")?,
    })
}

/// The first time that nobody has, later than a day and after another time.
pub async fn next_slot(
    store: &mut SqliteConnection,
    about: &str,
    after: i64,
    today: Date,
) -> Result<Option<Slot>, sqlx::Error> {
    let query = sqlx::query(of_slots!(
        "WHERE about = $1 AND slot > $2 AND day > $3 AND reference IS NULL ORDER BY slot LIMIT 1"
    ));
    let row = query.bind(about).bind(after).bind(today.to_string()).fetch_optional(store).await?;
    row.as_ref().map(slot).transpose()
}

/// A time by its number.
pub async fn slot_of(store: &mut SqliteConnection, id: i64) -> Result<Option<Slot>, sqlx::Error> {
    let query = sqlx::query(of_slots!("WHERE slot = $1"));
    query.bind(id).fetch_optional(store).await?.as_ref().map(slot).transpose()
}

/// A time is somebody's.
pub async fn booked(
    store: &mut SqliteConnection,
    id: i64,
    reference: &str,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query("UPDATE slots SET reference = $2 WHERE slot = $1");
    query.bind(id).bind(reference).execute(store).await.map(|_| ())
}

/// Something that was made for a resident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub reference: String,
    pub kind: String,
    pub made: String,
    pub place: String,
    pub detail: String,
    pub due: String,
}

/// What a report is made of.
#[derive(Debug, Clone)]
pub struct Draft {
    pub kind: Kind,
    pub place: String,
    pub detail: String,
    pub due: Date,
    pub phone: Option<String>,
    /// What there can be only one report of.
    pub once: Option<String>,
}

fn report(row: &sqlx::sqlite::SqliteRow) -> Result<Report, sqlx::Error> {
    Ok(Report {
        reference: row.try_get("reference")?,
        kind: row.try_get("kind")?,
        made: row.try_get("made")?,
        place: row.try_get("place")?,
        detail: row.try_get("detail")?,
        due: row.try_get("due")?,
    })
}

/// Keeps a report under a reference that nobody has.
pub async fn add(
    store: &mut SqliteConnection,
    draft: &Draft,
    now: DateTime,
) -> Result<String, sqlx::Error> {
    loop {
        let mut number = [0; 4];
        getrandom::fill(&mut number).map_err(|_| sqlx::Error::WorkerCrashed)?;
        let reference = Reference::new(draft.kind, u32::from_le_bytes(number)).to_string();
        if report_of(&mut *store, &reference).await?.is_some() {
            continue;
        }
        let insert = sqlx::query(
            "INSERT INTO reports (reference, kind, made, place, detail, due, phone, once)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        );
        let values = insert.bind(&reference).bind(draft.kind.word()).bind(now.to_string());
        let values = values.bind(&draft.place).bind(&draft.detail).bind(draft.due.to_string());
        values.bind(&draft.phone).bind(&draft.once).execute(store).await?;
        return Ok(reference);
    }
}

/// A report by its reference.
pub async fn report_of(
    store: &mut SqliteConnection,
    reference: &str,
) -> Result<Option<Report>, sqlx::Error> {
    let query = sqlx::query(of_reports!("WHERE reference = $1"));
    query.bind(reference).fetch_optional(store).await?.as_ref().map(report).transpose()
}

/// The one report of something that there can be only one of.
pub async fn report_once(
    store: &mut SqliteConnection,
    once: &str,
) -> Result<Option<Report>, sqlx::Error> {
    let query = sqlx::query(of_reports!("WHERE once = $1"));
    query.bind(once).fetch_optional(store).await?.as_ref().map(report).transpose()
}

/// The last reports, the newest first.
pub async fn reports(store: &mut SqliteConnection, most: i64) -> Result<Vec<Report>, sqlx::Error> {
    let query = sqlx::query(of_reports!("ORDER BY made DESC, rowid DESC LIMIT $1")).bind(most);
    query.fetch_all(store).await?.iter().map(report).collect()
}

/// What was answered under a key: what had been asked, the status and the body.
pub async fn answered(
    store: &mut SqliteConnection,
    key: &str,
) -> Result<Option<(String, i64, String)>, sqlx::Error> {
    let query = sqlx::query_as("SELECT asked, status, body FROM answered WHERE key = $1");
    query.bind(key).fetch_optional(store).await
}

/// Keeps an answer for whoever asks again under the same key.
pub async fn answer(
    store: &mut SqliteConnection,
    key: &str,
    asked: &str,
    status: u16,
    body: &str,
) -> Result<(), sqlx::Error> {
    let insert =
        sqlx::query("INSERT INTO answered (key, asked, status, body) VALUES ($1, $2, $3, $4)");
    let values = insert.bind(key).bind(asked).bind(i64::from(status)).bind(body);
    values.execute(store).await.map(|_| ())
}
