//! The council that the demo has: streets, accounts and permits that nobody has, at postcodes that
//! no post goes to. Everything is dated from the day on which it is made, so that every answer that a
//! caller can get is there on any day.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use sqlx::{Executor, SqliteConnection};

/// A street: its postcode, its name, its highest house number, and how many days ago its bins were
/// collected for the last time.
const STREETS: [(&str, &str, u32, i32); 4] = [
    // Collected yesterday: what was missed can be reported.
    ("RM1 3BD", "Acacia Avenue", 40, 1),
    // Collected today: the crew may still come.
    ("RM1 4QT", "Harbour Street", 24, 0),
    // Too long ago to send a crew.
    ("RM2 5LH", "Quay Road", 30, 9),
    ("RM3 7PW", "Lighthouse Lane", 18, 2),
];
/// Every fourteen days.
pub const EVERY_DAYS: i64 = 14;

/// A council tax account: its number, its address, what is owed in pence, what the next instalment is,
/// and in how many days that is due.
type Account = (&'static str, &'static str, &'static str, i64, Option<(i64, i32)>);

const ACCOUNTS: [Account; 3] = [
    ("20417536", "RM1 3BD", "14", 41_260, Some((13_750, 5))),
    ("20417544", "RM1 4QT", "3", 0, None),
    ("20417552", "RM2 5LH", "7", -1_835, None),
];

/// A parking permit: its number, the vehicle, in how many days it ends, and what a year costs in pence.
const PERMITS: [(&str, &str, i32, i64); 4] = [
    ("304182", "AB12 CDE", 9, 6_500),
    ("304190", "CD34 EFG", 200, 6_500),
    ("304208", "EF56 GHJ", -3, 8_250),
    ("304216", "GH78 JKL", 20, 6_500),
];

/// What appointments can be about, and the times of a day.
pub const ABOUT: [&str; 3] = ["housing", "council-tax", "registrars"];
const TIMES: [&str; 3] = ["09:30", "11:00", "14:15"];
/// Working days on which there are appointments.
const DAYS: usize = 10;

/// Fills an empty store.
pub async fn fill(to: &mut SqliteConnection, today: Date) -> Result<(), sqlx::Error> {
    for (postcode, street, houses, ago) in STREETS {
        let last = (today - ago.days()).to_string();
        for house in 1..=houses {
            let (postcode, keys) = (postcode.to_owned(), keys(postcode));
            let insert = sqlx::query(
                "INSERT INTO addresses (postcode, keys, house, street, collected)
                 VALUES ($1, $2, $3, $4, $5)",
            );
            let values = insert.bind(postcode).bind(keys).bind(house.to_string());
            to.execute(values.bind(street).bind(&last)).await?;
        }
    }
    for (account, postcode, house, owed, next) in ACCOUNTS {
        let insert = sqlx::query(
            "INSERT INTO accounts (account, postcode, keys, house, owed_pence, next_pence, next_due)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        let due = next.map(|(_, days)| (today + days.days()).to_string());
        let values = insert.bind(account).bind(postcode).bind(keys(postcode)).bind(house);
        to.execute(values.bind(owed).bind(next.map(|(pence, _)| pence)).bind(due)).await?;
    }
    for (permit, vehicle, left, price) in PERMITS {
        let insert = sqlx::query(
            "INSERT INTO permits (permit, registration, ends, price_pence) VALUES ($1, $2, $3, $4)",
        );
        let ends = (today + left.days()).to_string();
        to.execute(insert.bind(permit).bind(vehicle).bind(ends).bind(price)).await?;
    }
    for about in ABOUT {
        for day in working_days(today).take(DAYS) {
            for time in TIMES {
                let insert =
                    sqlx::query("INSERT INTO slots (about, day, time) VALUES ($1, $2, $3)");
                to.execute(insert.bind(about).bind(day.to_string()).bind(time)).await?;
            }
        }
    }
    Ok(())
}

/// Monday to Friday, from the day after `today` on.
pub fn working_days(today: Date) -> impl Iterator<Item = Date> {
    let days = (1..).map_while(move |ahead: i64| today.checked_add(ahead.days()).ok());
    days.filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
}

/// The keys that have a postcode's letters and digits on them: RM1 3BD is 761323.
pub fn keys(postcode: &str) -> String {
    let key = |letter: char| match letter.to_ascii_uppercase() {
        'A'..='C' => '2',
        'D'..='F' => '3',
        'G'..='I' => '4',
        'J'..='L' => '5',
        'M'..='O' => '6',
        'P'..='S' => '7',
        'T'..='V' => '8',
        'W'..='Z' => '9',
        other => other,
    };
    postcode.chars().filter(char::is_ascii_alphanumeric).map(key).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_postcode_has_keys_and_weekends_are_left_out() {
        assert_eq!((keys("RM1 3BD").as_str(), keys("sw1a 1aa").as_str()), ("761323", "7912122"));
        let friday = date(2026, 11, 27);
        let next: Vec<Date> = working_days(friday).take(2).collect();
        assert_eq!(next, [date(2026, 11, 30), date(2026, 12, 1)]);
    }
}
