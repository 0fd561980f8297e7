//! What a caller can be asked for, and how it is keyed in or said.

use super::value::Kind;
use crate::event::Slot;
use crate::media::command::Key;

/// How keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As digits.
    Digits,
    /// As the digits of a payment card, the last of which checks the others.
    Card,
    /// As a whole number.
    Number,
    /// As a postcode, or the keys that its letters are on: which of the postcodes that share them it is,
    /// the back end knows.
    Postcode,
    /// As a house's number; the letter behind it by words only.
    HouseNumber,
    /// As letters and digits: by words only.
    Reference,
    /// As a vehicle's registration: by words only.
    Registration,
    /// As a day: two digits each for the day and the month, two or four for the year.
    Date,
    /// As a time of day: two digits each for hour and minute.
    Time,
    /// As a sum in pounds; a star stands for the point before the pence.
    Money,
    /// As a telephone number.
    Phone,
    /// As the number of a mobile of this country, which texts can be sent to.
    Mobile,
    /// 1 is yes, 2 is no.
    YesNo,
}

impl Form {
    /// The words of the language.
    pub const WORDS: [(&'static str, Form); 13] = [
        ("digits", Form::Digits),
        ("card", Form::Card),
        ("number", Form::Number),
        ("postcode", Form::Postcode),
        ("house_number", Form::HouseNumber),
        ("reference", Form::Reference),
        ("registration", Form::Registration),
        ("date", Form::Date),
        ("time", Form::Time),
        ("money", Form::Money),
        ("phone", Form::Phone),
        ("mobile", Form::Mobile),
        ("yes_no", Form::YesNo),
    ];

    /// What is remembered.
    pub const fn kind(self) -> Kind {
        match self {
            Form::Digits | Form::Card => Kind::Digits,
            Form::Number => Kind::Number,
            Form::Postcode => Kind::Postcode,
            Form::HouseNumber => Kind::HouseNumber,
            Form::Reference => Kind::Reference,
            Form::Registration => Kind::Registration,
            Form::Date => Kind::Date,
            Form::Time => Kind::Time,
            Form::Money => Kind::Money,
            Form::Phone | Form::Mobile => Kind::Phone,
            Form::YesNo => Kind::YesNo,
        }
    }

    /// What is listened for.
    pub const fn slot(self) -> Slot {
        match self {
            Form::Digits | Form::Card | Form::Number => Slot::Digits,
            Form::Postcode => Slot::Postcode,
            Form::HouseNumber => Slot::HouseNumber,
            Form::Reference => Slot::Reference,
            Form::Registration => Slot::Registration,
            Form::Date => Slot::Date,
            Form::Time => Slot::Time,
            Form::Money => Slot::Money,
            Form::Phone | Form::Mobile => Slot::Phone,
            Form::YesNo => Slot::YesNo,
        }
    }

    /// Whether it can be keyed in.
    pub const fn has_keys(self) -> bool {
        !matches!(self, Form::Reference | Form::Registration)
    }

    /// Whether a key can be part of the answer.
    pub fn may_have(self, key: Key) -> bool {
        match key.as_char() {
            '0'..='9' => self.has_keys(),
            // The point before the pence.
            '*' => self == Form::Money,
            _ => false,
        }
    }

    /// The least and the most keys, or letters and digits, that it can have.
    pub const fn keys(self) -> (usize, usize) {
        match self {
            Form::Digits => (1, 32),
            Form::Card => (12, 19),
            Form::Number => (1, 9),
            Form::Postcode => (5, 7),
            Form::HouseNumber => (1, 4),
            Form::Reference => (2, 20),
            Form::Registration => (2, 7),
            Form::Date => (6, 8),
            Form::Time => (4, 4),
            Form::Money => (1, 10),
            Form::Phone => (5, 16),
            Form::Mobile => (11, 14),
            Form::YesNo => (1, 1),
        }
    }
}
