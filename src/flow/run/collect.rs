//! What a caller keys in: a reference, a day, a card's number.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, date, time};
use zeroize::Zeroizing;

use super::{Phase, Walk};
use crate::call::command::Command;
use crate::event::{Channel, HandOver};
use crate::flow::form::Form;
use crate::flow::model::Collect;
use crate::flow::value::{Kind, Secret, Value, has_check_digit};
use crate::media::command::Key;
use crate::notification::recipient;

/// What has been keyed in so far. It may be secret, so it is never shown.
#[derive(Default)]
pub(super) struct Typed(Zeroizing<String>);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Typed({})", self.0.len())
    }
}

impl Typed {
    /// Room for the longest answer, so that no copy is left behind when it grows.
    pub(super) fn fresh(most: usize) -> Self {
        Typed(Zeroizing::new(String::with_capacity(most)))
    }

    /// Adds a key; whether as many have come as can.
    pub(super) fn push(&mut self, key: Key, most: usize) -> bool {
        if self.0.len() < most {
            self.0.push(key.as_char());
        }
        self.0.len() >= most
    }

    /// All that has been keyed in, forgotten here.
    pub(super) fn take(&mut self) -> Zeroizing<String> {
        std::mem::take(&mut self.0)
    }
}

impl Walk<'_> {
    /// Begins to ask.
    pub(super) fn ask_for(&mut self, collect: &Collect) {
        self.run.missed = 0;
        self.run.typed = Typed::fresh(collect.most);
        if collect.secret {
            // What came before the keys were secret has been heard by others.
            self.run.keys.clear();
        }
        let mut ahead = std::mem::take(&mut self.run.keys);
        if ahead.is_empty() {
            if self.said_before(collect) {
                return;
            }
            return self.question(&[&collect.words], &collect.into());
        }
        self.run.phase = Phase::Typing;
        while let Some(key) = ahead.pop_front() {
            if key == collect.ends_with || self.add(collect, key) {
                if ahead.front() == self.run.belated.as_ref() {
                    self.run.belated = None;
                    ahead.pop_front();
                }
                self.run.keys = ahead;
                return self.complete(collect);
            }
        }
        self.commands.push(Command::SetTimer { after: collect.between });
    }

    /// A key was pressed.
    pub(super) fn keyed(&mut self, collect: &Collect, key: Key) {
        let asking = matches!(self.run.phase, Phase::Offering | Phase::Listening | Phase::Hearing);
        if asking && !collect.form.has_keys() {
            // No key says it; 0 leads to a person as anywhere.
            self.quiet();
            return self.choose(collect, &BTreeMap::new(), collect.asking.wrong.as_ref(), key);
        }
        match self.run.phase {
            Phase::Offering | Phase::Listening | Phase::Hearing => {
                if self.run.phase == Phase::Offering {
                    self.commands.push(Command::StopPlaying);
                }
                self.stop_listening();
                self.run.typed = Typed::fresh(collect.most);
                self.next(collect, key);
            }
            Phase::Typing => self.next(collect, key),
            Phase::Confirming | Phase::Confirmed | Phase::HearingYes => {
                self.quiet();
                self.stop_listening();
                self.confirmed(collect, key);
            }
            Phase::Start
            | Phase::Saying
            | Phase::Asking
            | Phase::Telling
            | Phase::Requesting
            | Phase::Connecting
            | Phase::Talking
            | Phase::Queued
            | Phase::Promising
            | Phase::Announcing
            | Phase::Recording
            | Phase::Over => {}
        }
    }

    fn next(&mut self, collect: &Collect, key: Key) {
        self.run.steps = 0;
        self.run.phase = Phase::Typing;
        if key == collect.ends_with || self.add(collect, key) {
            self.commands.push(Command::CancelTimer);
            self.complete(collect);
        } else {
            self.commands.push(Command::SetTimer { after: collect.between });
        }
    }

    /// Adds a key; whether as many have come as can.
    fn add(&mut self, collect: &Collect, key: Key) -> bool {
        let complete = self.run.typed.push(key, collect.most);
        if complete {
            self.run.belated = Some(collect.ends_with);
        }
        complete
    }

    /// All has been keyed in: remembered, read back, or asked again.
    pub(super) fn complete(&mut self, collect: &Collect) {
        let typed = self.run.typed.take();
        let long_enough = (collect.least..=collect.most).contains(&typed.len());
        let Some(value) =
            read(collect.form, &typed, self.run.about.now.date()).filter(|_| long_enough)
        else {
            self.run.keys.clear();
            let flow = Arc::clone(&self.flow);
            // A 0 alone that is no answer asks for a person, as it does at a menu.
            return match flow.adviser.as_ref().filter(|_| *typed == "0" && !collect.secret) {
                Some(person) => {
                    self.run.reason = Some(HandOver::AskedFor);
                    self.go(person);
                }
                None => self.miss(collect, collect.asking.wrong.as_ref()),
            };
        };
        if collect.secret {
            self.run.secrets.insert(collect.name.clone(), Secret::new(typed));
            return self.go(&collect.then);
        }
        self.remember(&collect.name, value);
        match &collect.confirm {
            Some(confirm) => {
                // Nobody can say ahead that something is right which they have not heard yet.
                self.run.keys.clear();
                self.read_back(confirm);
            }
            None => self.go(&collect.then),
        }
    }

    fn confirmed(&mut self, collect: &Collect, key: Key) {
        self.run.steps = 0;
        match super::question::is_right(key) {
            true => self.go(&collect.then),
            false => self.unconfirmed(collect),
        }
    }

    /// It was not right, or nobody said so: forgotten, and asked again.
    pub(super) fn unconfirmed(&mut self, collect: &Collect) {
        self.run.values.remove(&collect.name);
        self.miss(collect, None);
    }
}

/// What keys stand for; none if they cannot be right.
fn read(form: Form, keys: &str, today: Date) -> Option<Value> {
    match form {
        Form::Digits => Kind::Digits.read(keys),
        Form::Card => Kind::Digits.read(keys).filter(|_| has_check_digit(keys)),
        Form::Number => Kind::Number.read(keys),
        // Nobody can key in letters.
        Form::Reference | Form::Registration => None,
        Form::Postcode => Kind::Digits.read(keys),
        Form::HouseNumber => Kind::Digits.read(keys).and_then(|_| Kind::HouseNumber.read(keys)),
        Form::Date => day(keys, today),
        Form::Time => {
            let (hour, minute) = (two(keys, 0)?, two(keys, 2)?);
            let good = hour < 24 && minute < 60;
            good.then(|| Value::Time(time(hour, minute, 0, 0)))
        }
        // A star stands for the point.
        Form::Money => Kind::Money.read(&keys.replace('*', ".")),
        Form::Mobile => Kind::Digits.read(keys).and_then(|_| mobile(keys)),
        Form::Phone => Kind::Digits.read(keys).and_then(|_| Kind::Phone.read(keys)),
        Form::YesNo => match keys {
            "1" => Some(Value::Truth(true)),
            "2" => Some(Value::Truth(false)),
            _ => None,
        },
    }
}

/// A mobile, which texts can be sent to.
pub(super) fn mobile(written: &str) -> Option<Value> {
    recipient(Channel::Text, written).map(Value::Text)
}

/// The two digits at a place.
fn two(keys: &str, at: usize) -> Option<i8> {
    keys.get(at..at + 2).filter(|two| two.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// Day, month and year; a year of two digits is the one nearest to now that is not far ahead:
/// people give days of birth more often than days in twenty years.
fn day(keys: &str, today: Date) -> Option<Value> {
    /// Years ahead of now that two digits can mean.
    const AHEAD: i16 = 10;
    let (day, month) = (two(keys, 0)?, two(keys, 2)?);
    let year: i16 = match keys.len() {
        6 => {
            let century = today.year() / 100 * 100;
            let near = century + i16::from(two(keys, 4)?);
            if near > today.year() + AHEAD { near - 100 } else { near }
        }
        8 => i16::from(two(keys, 4)?) * 100 + i16::from(two(keys, 6)?),
        _ => return None,
    };
    let good = (1..=12).contains(&month) && (1800..=2200).contains(&year);
    let last = good.then(|| date(year, month, 1).days_in_month())?;
    (1..=last).contains(&day).then(|| Value::Date(date(year, month, day)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_read_by_their_form() {
        let today = date(2026, 11, 26);
        for (form, keys, value) in [
            (Form::Date, "011226", Some("2026-12-01")),
            (Form::Date, "02071984", Some("1984-07-02")),
            (Form::Date, "020784", Some("1984-07-02")),
            (Form::Date, "290226", None),
            (Form::Date, "0112", None),
            (Form::Time, "1430", Some("14:30")),
            (Form::Time, "2460", None),
            (Form::Money, "12*5", Some("12.50")),
            (Form::Money, "12", Some("12.00")),
            (Form::Money, "1*2*3", None),
            (Form::Card, "4111111111111111", Some("4111111111111111")),
            (Form::Card, "4111111111111112", None),
            (Form::Digits, "12*4", None),
            (Form::Phone, "01632960001", Some("+441632960001")),
            (Form::Mobile, "07700900123", Some("+447700900123")),
            (Form::Mobile, "01632960001", None),
            (Form::YesNo, "2", Some("no")),
            (Form::YesNo, "3", None),
            (Form::Number, "0042", Some("42")),
            (Form::Postcode, "761323", Some("761323")),
            (Form::Postcode, "76*323", None),
            (Form::HouseNumber, "014", Some("14")),
            (Form::HouseNumber, "0", None),
        ] {
            let read = read(form, keys, today).map(|value| value.to_string());
            assert_eq!(read.as_deref(), value, "{keys}");
        }
    }

    #[test]
    fn what_was_typed_is_not_shown() {
        let typed = Typed(Zeroizing::new("4111".to_owned()));
        assert_eq!(format!("{typed:?}"), "Typed(4)");
    }

    proptest! {
        #[test]
        fn no_keys_break_it(keys in "[0-9*#A-D]{0,20}", form in 0..Form::WORDS.len()) {
            let _ = read(Form::WORDS[form].1, &keys, date(2026, 11, 26));
        }
    }
}
