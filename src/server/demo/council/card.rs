//! Payment cards: looked at, and forgotten. Only the last four digits are kept of one.

use jiff::civil::Date;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::flow::value::has_check_digit;

/// A card that the demo's bank declines, whatever it is to pay for.
const DECLINED: &str = "4000000000000002";

/// A card as a caller keys it in. It has no `Debug`: nothing can print it.
#[derive(Deserialize)]
#[serde(from = "Keyed")]
pub struct Card {
    number: Zeroizing<String>,
    expiry: Zeroizing<String>,
    code: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyed {
    number: String,
    expiry: String,
    code: String,
}

impl From<Keyed> for Card {
    fn from(Keyed { number, expiry, code }: Keyed) -> Self {
        Card {
            number: Zeroizing::new(number),
            expiry: Zeroizing::new(expiry),
            code: Zeroizing::new(code),
        }
    }
}

/// Why a card cannot be paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its number has a wrong check digit, or too few or many digits (ISO/IEC 7812-1).
    Number,
    /// The month is none, or over.
    Expiry,
    /// The security code is not three or four digits.
    Code,
    /// The bank says no.
    Declined,
}

impl Card {
    /// Asks the bank. What may be kept if it says yes: the last four digits.
    pub fn pay(&self, today: Date) -> Result<String, Refused> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = self.number.as_str();
        if !(12..=19).contains(&number.len()) || !has_check_digit(number) {
            return Err(Refused::Number);
        }
        if !runs(&self.expiry, today) {
            return Err(Refused::Expiry);
        }
        if !(3..=4).contains(&self.code.len()) || !digits(&self.code) {
            return Err(Refused::Code);
        }
        if number == DECLINED {
            return Err(Refused::Declined);
        }
        Ok(number.chars().skip(number.len() - 4).collect())
    }
}

/// Whether a card with `0829` on it can be used: to the end of August 2029.
fn runs(expiry: &str, today: Date) -> bool {
    let two = |at: usize| expiry.get(at..at + 2).and_then(|two| two.parse::<i8>().ok());
    let digits = expiry.len() == 4 && expiry.bytes().all(|b| b.is_ascii_digit());
    let (Some(month), Some(year)) = (two(0), two(2)) else { return false };
    let century = today.year() / 100 * 100;
    let runs_to = (century + i16::from(year), month);
    digits && (1..=12).contains(&month) && runs_to >= (today.year(), today.month())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn pay(number: &str, expiry: &str, code: &str) -> Result<String, Refused> {
        let json = serde_json::json!({"number": number, "expiry": expiry, "code": code});
        let card: Card = serde_json::from_value(json).expect("is a card");
        card.pay(date(2026, 11, 26))
    }

    #[test]
    fn a_card_pays_or_is_refused_for_what_is_wrong_with_it() {
        assert_eq!(pay("4111111111111111", "1126", "737"), Ok("1111".to_owned()));
        assert_eq!(pay("5555555555554444", "0130", "7373"), Ok("4444".to_owned()));
        assert_eq!(pay("4111111111111112", "1126", "737"), Err(Refused::Number));
        assert_eq!(pay("0", "1126", "737"), Err(Refused::Number));
        for expiry in ["1026", "1326", "0030", "112", "11é", "+1+9"] {
            assert_eq!(pay("4111111111111111", expiry, "737"), Err(Refused::Expiry), "{expiry}");
        }
        for code in ["", "73", "73737", "7a7"] {
            assert_eq!(pay("4111111111111111", "1126", code), Err(Refused::Code), "{code}");
        }
        assert_eq!(pay(DECLINED, "1126", "737"), Err(Refused::Declined));
    }
}
