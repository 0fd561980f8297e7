//! The whole engine: calls of every kind, among peers who do what the fuzzer wants, and say it well
//! or badly, while time passes. Nothing panics, no limit is passed, and once everybody is gone every
//! table is empty.

mod moves;
mod place;
mod street;
mod talk;

use std::collections::BTreeSet;

use super::source::Source;

use street::{Manners, Street};

/// As many moves are made at the most.
const MOST_MOVES: usize = 120;

/// Manners, then moves.
pub fn run(data: &[u8]) {
    story(data);
}

/// The same, and what it has reached: answers (`200 PRACK`), the engine's requests (`asks UPDATE`)
/// and the journal's events (`Joined`).
pub fn story(data: &[u8]) -> BTreeSet<String> {
    let mut source = Source::new(data);
    let manners = source.byte();
    let mut street = Street::new(Manners {
        acknowledge: manners & 1 == 0,
        prack: manners & 2 == 0,
        pick_up: manners & 4 == 0,
        obey: manners & 8 == 0,
        prove: manners & 16 == 0,
        ports: manners & 96 != 96,
        prompt: manners & 96 != 32,
    });
    for _ in 0..MOST_MOVES {
        if source.is_empty() {
            break;
        }
        street.step(&mut source);
    }
    street.end()
}
