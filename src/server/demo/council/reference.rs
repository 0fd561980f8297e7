//! References that survive a telephone: `W-417-206`.
//!
//! The letter says what it is about, and no two of them sound alike; then six digits in threes, as
//! they are spoken. The last checks the others (H. M. Damm's quasigroup, 2004): one digit misheard,
//! or two neighbours exchanged, is never another's reference.

use std::fmt;

/// What is made, and the letter of its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A bin that was not collected.
    MissedBin,
    /// Rubbish that somebody has dumped.
    FlyTipping,
    /// A parking permit that was paid for.
    Renewal,
    /// A time at the council's office.
    Appointment,
}

impl Kind {
    /// All of them: the letter, the word of the API, and what people call it.
    const ALL: [(Kind, char, &'static str, &'static str); 4] = [
        (Kind::MissedBin, 'W', "missed-bin", "Missed bin"),
        (Kind::FlyTipping, 'F', "fly-tipping", "Fly-tipping"),
        (Kind::Renewal, 'R', "permit-renewal", "Parking permit renewed"),
        (Kind::Appointment, 'H', "appointment", "Appointment"),
    ];

    fn letter(self) -> char {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or('W', |(_, letter, ..)| *letter)
    }

    /// As the API writes it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, _, word, _)| word)
    }

    /// What people call it, by the API's word.
    pub fn title(word: &str) -> &'static str {
        Self::ALL.iter().find(|(_, _, known, _)| *known == word).map_or("", |(.., title)| title)
    }
}

/// A reference: only right ones exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    letter: char,
    digits: u32,
}

impl Reference {
    /// How many there are of a kind.
    pub const MANY: u32 = 100_000;

    /// The reference of a kind with this number; the remainder if there are not so many.
    pub fn new(kind: Kind, number: u32) -> Self {
        let number = number % Self::MANY;
        Reference { letter: kind.letter(), digits: number * 10 + check_digit(number) }
    }

    /// Reads what somebody has written down: with or without hyphens and spaces, in small letters.
    pub fn read(written: &str) -> Option<Self> {
        let mut plain = written.chars().filter(|c| !matches!(c, '-' | ' '));
        let letter = plain.next()?.to_ascii_uppercase();
        let digits: String = plain.collect();
        let good = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
        let digits: u32 = digits.parse().ok().filter(|_| good)?;
        let known = Kind::ALL.iter().any(|(_, known, ..)| *known == letter);
        (known && check_digit(digits / 10) == digits % 10).then_some(Reference { letter, digits })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:03}-{:03}", self.letter, self.digits / 1_000, self.digits % 1_000)
    }
}

/// The last digit of a number of five digits.
fn check_digit(number: u32) -> u32 {
    const TABLE: [[u32; 10]; 10] = [
        [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
        [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
        [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
        [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
        [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
        [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
        [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
        [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
        [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
        [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
    ];
    [10_000, 1_000, 100, 10, 1].iter().fold(0, |so_far, place| {
        let digit = number / place % 10;
        let row = TABLE.get(so_far as usize);
        row.and_then(|row| row.get(digit as usize)).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_it_is_written_or_said() {
        let reference = Reference::new(Kind::MissedBin, 41_720);
        let written = reference.to_string();
        assert_eq!((written.len(), &written[..6]), (9, "W-417-"));
        for said in [written.clone(), written.replace('-', ""), written.to_lowercase()] {
            assert_eq!(Reference::read(&said), Some(reference.clone()), "{said}");
        }
        for wrong in ["", "W", "W-417", "W4172061", "X-417-206", "W-41é-206"] {
            assert_eq!(Reference::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn one_digit_misheard_or_two_exchanged_is_nobodys_reference() {
        for number in (0..Reference::MANY).step_by(97) {
            let good = Reference::new(Kind::FlyTipping, number).digits;
            let digits: Vec<u32> =
                (0..6).rev().map(|place| good / 10_u32.pow(place) % 10).collect();
            let is_known = |digits: &[u32]| {
                let written: String = digits.iter().map(u32::to_string).collect();
                Reference::read(&format!("F{written}")).is_some()
            };
            assert!(is_known(&digits));
            for place in 0..6 {
                for other in (0..10).filter(|other| *other != digits[place]) {
                    let mut wrong = digits.clone();
                    wrong[place] = other;
                    assert!(!is_known(&wrong), "{digits:?} {wrong:?}");
                }
                if place > 0 && digits[place - 1] != digits[place] {
                    let mut wrong = digits.clone();
                    wrong.swap(place - 1, place);
                    assert!(!is_known(&wrong), "{digits:?} {wrong:?}");
                }
            }
        }
    }
}
