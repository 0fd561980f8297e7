//! What is made for residents: reports, renewals, appointments.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::card::{Card, Refused};
use super::reference::Kind;
use super::seed;
use super::store::{self, Address, Draft, Permit, Report};
use super::trouble::Trouble;

/// Days after a collection on which a crew is still sent back.
const REPORT_WITHIN_DAYS: i32 = 3;
/// Days before a permit's end from which on it can be renewed.
const RENEW_WITHIN_DAYS: i32 = 60;

const CREATED: u16 = 201;
const OK: u16 = 200;

/// Bins, and what people call them.
const BINS: [(&str, &str); 3] =
    [("rubbish", "rubbish bin"), ("recycling", "recycling bin"), ("garden", "garden waste bin")];
const DUMPED: [(&str, &str); 3] = [
    ("furniture", "furniture or white goods"),
    ("building", "building or garden waste"),
    ("other", "rubbish"),
];
const AMOUNTS: [(&str, &str); 4] = [
    ("bags", "a few bags"),
    ("car", "a car load"),
    ("van", "a van load"),
    ("lorry", "a lorry load"),
];

/// A bin that was not collected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissedBin {
    address: i64,
    bin: String,
    phone: Option<String>,
}

/// Rubbish that somebody has dumped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlyTipping {
    /// The nearest.
    address: i64,
    what: String,
    amount: String,
    phone: Option<String>,
}

/// Another year of a parking permit. It has no `Debug`: there is a card in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// What the caller was told, in pounds.
    amount: String,
    card: Card,
}

/// A time at the council's office.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    slot: i64,
    phone: String,
}

/// Something that is to be made.
pub enum Order {
    /// A report.
    MissedBin(MissedBin),
    /// A report.
    FlyTipping(FlyTipping),
    /// Of the permit with this number.
    Renewal(String, Renewal),
    /// A booking.
    Appointment(Appointment),
}

type Made = Result<(u16, Value), Trouble>;

impl Order {
    /// What is ordered, to be compared with what comes later under the same key. Nothing of a card is
    /// in it.
    pub fn asked(&self) -> String {
        match self {
            Order::MissedBin(order) => format!("{order:?}"),
            Order::FlyTipping(order) => format!("{order:?}"),
            Order::Renewal(permit, order) => format!("Renewal {permit} {}", order.amount),
            Order::Appointment(order) => format!("{order:?}"),
        }
    }

    /// Makes it: the status and the answer.
    pub async fn carry_out(&self, store: &mut SqliteConnection, now: DateTime) -> Made {
        match self {
            Order::MissedBin(order) => order.carry_out(store, now).await,
            Order::FlyTipping(order) => order.carry_out(store, now).await,
            Order::Renewal(permit, order) => order.carry_out(store, now, permit).await,
            Order::Appointment(order) => order.carry_out(store, now).await,
        }
    }
}

/// A bin's last collection, and what can be done about it.
pub struct Collection {
    address: Address,
    bin: &'static str,
    today: Date,
    pub last: Date,
    pub next: Date,
    pub reported: Option<Report>,
}

impl Collection {
    /// Whether it can be reported as missed.
    pub fn state(&self) -> &'static str {
        match (self.today - self.last).get_days() {
            _ if self.reported.is_some() => "reported",
            0 => "today",
            1..=REPORT_WITHIN_DAYS => "may_report",
            _ => "too_late",
        }
    }

    fn once(&self) -> String {
        once(&self.address, self.bin, self.last)
    }
}

fn once(address: &Address, bin: &str, last: Date) -> String {
    format!("missed-bin/{}/{bin}/{last}", address.id)
}

/// A bin's last collection.
pub async fn collection(
    store: &mut SqliteConnection,
    address: i64,
    bin: &str,
    today: Date,
) -> Result<Collection, Trouble> {
    let address = store::address_of(store, address).await?.ok_or(Trouble::Unknown("address"))?;
    let known = BINS.iter().find(|(known, _)| *known == bin);
    let (bin, _) = known.ok_or(Trouble::Unknown("bin"))?;
    let (last, next) = address.collections(today);
    let reported = store::report_once(store, &once(&address, bin, last)).await?;
    Ok(Collection { address, bin, today, last, next, reported })
}

/// The telephone number in one spelling.
fn phone(written: Option<&str>) -> Result<Option<String>, Trouble> {
    let read = |text: &str| crate::flow::value::Kind::Phone.read(text).map(|it| it.to_string());
    match written.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => read(text).map(Some).ok_or(Trouble::Invalid("phone")),
    }
}

/// What people call it.
fn called(
    all: &[(&str, &'static str)],
    word: &str,
    field: &'static str,
) -> Result<&'static str, Trouble> {
    let found = all.iter().find(|(known, _)| *known == word);
    found.map(|(_, called)| *called).ok_or(Trouble::Invalid(field))
}

fn working_day(today: Date, ahead: usize) -> Date {
    seed::working_days(today).nth(ahead.saturating_sub(1)).unwrap_or(today)
}

impl MissedBin {
    async fn carry_out(&self, store: &mut SqliteConnection, now: DateTime) -> Made {
        let detail = called(&BINS, &self.bin, "bin")?.to_owned();
        let found = collection(store, self.address, &self.bin, now.date()).await?;
        let told = |reference: &str, due: &str| json!({"reference": reference, "due": due});
        if let Some(report) = &found.reported {
            return Ok((OK, told(&report.reference, &report.due)));
        }
        if found.state() != "may_report" {
            return Err(Trouble::NotNow("This collection cannot be reported as missed."));
        }
        let due = working_day(now.date(), 2);
        let draft = Draft {
            kind: Kind::MissedBin,
            place: found.address.place(),
            detail,
            due,
            phone: phone(self.phone.as_deref())?,
            once: Some(found.once()),
        };
        let reference = store::add(store, &draft, now).await?;
        Ok((CREATED, told(&reference, &due.to_string())))
    }
}

impl FlyTipping {
    async fn carry_out(&self, store: &mut SqliteConnection, now: DateTime) -> Made {
        let what = called(&DUMPED, &self.what, "what")?;
        let amount = called(&AMOUNTS, &self.amount, "amount")?;
        let address = store::address_of(store, self.address).await?;
        let due = working_day(now.date(), 3);
        let draft = Draft {
            kind: Kind::FlyTipping,
            place: format!("near {}", address.ok_or(Trouble::Invalid("address"))?.place()),
            detail: format!("{what}, {amount}"),
            due,
            phone: phone(self.phone.as_deref())?,
            once: None,
        };
        let reference = store::add(store, &draft, now).await?;
        Ok((CREATED, json!({"reference": reference, "due": due.to_string()})))
    }
}

/// Whether a permit can be renewed.
pub fn standing(permit: &Permit, today: Date) -> &'static str {
    match (permit.ends - today).get_days() {
        ..0 => "ended",
        0..=RENEW_WITHIN_DAYS => "may_renew",
        _ => "too_early",
    }
}

/// A sum in pounds, as it is written.
pub fn pounds(pence: i64) -> String {
    crate::flow::value::Value::Pence(pence).to_string()
}

impl Renewal {
    async fn carry_out(&self, store: &mut SqliteConnection, now: DateTime, number: &str) -> Made {
        let today = now.date();
        let permit = store::permit(store, number).await?.ok_or(Trouble::Unknown("permit"))?;
        if standing(&permit, today) != "may_renew" {
            return Err(Trouble::NotNow("This permit cannot be renewed now."));
        }
        if self.amount != pounds(permit.price_pence) {
            return Err(Trouble::NotNow("The permit has another price."));
        }
        let last_four = self.card.pay(today).map_err(|refused| match refused {
            Refused::Number => Trouble::Invalid("card.number"),
            Refused::Expiry => Trouble::Invalid("card.expiry"),
            Refused::Code => Trouble::Invalid("card.code"),
            Refused::Declined => Trouble::Declined,
        })?;
        let ends = permit.ends + 1.year();
        let draft = Draft {
            kind: Kind::Renewal,
            place: format!("permit {number}, {}", permit.registration),
            detail: format!("£{} paid", pounds(permit.price_pence)),
            due: ends,
            phone: None,
            once: Some(format!("renewal/{number}/{ends}")),
        };
        let reference = store::add(store, &draft, now).await?;
        let pence = permit.price_pence;
        store::renewed(store, number, ends, &reference, pence, &last_four).await?;
        Ok((CREATED, json!({"reference": reference, "ends": ends.to_string()})))
    }
}

impl Appointment {
    async fn carry_out(&self, store: &mut SqliteConnection, now: DateTime) -> Made {
        let slot = store::slot_of(store, self.slot).await?.ok_or(Trouble::Unknown("time"))?;
        let day: Date = slot.day.parse().map_err(|_| Trouble::Unknown("time"))?;
        if slot.reference.is_some() || day <= now.date() {
            return Err(Trouble::NotNow("This time is not free any more."));
        }
        let phone = phone(Some(&self.phone))?.ok_or(Trouble::Invalid("phone"))?;
        let draft = Draft {
            kind: Kind::Appointment,
            place: "Harbourside Civic Centre".to_owned(),
            detail: format!("{}, at {}", slot.about, slot.time),
            due: day,
            phone: Some(phone),
            once: Some(format!("appointment/{}", slot.id)),
        };
        let reference = store::add(store, &draft, now).await?;
        store::booked(store, slot.id, &reference).await?;
        Ok((CREATED, json!({"reference": reference, "day": slot.day, "time": slot.time})))
    }
}
