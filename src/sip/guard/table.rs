//! What is remembered of each source, in as much memory as was set aside at the start.
//!
//! The table is cut into small sets; a source belongs to one of them by a secret hash, and a new one
//! takes the place of the least interesting of its set. So a flood from invented sources costs as
//! much time and memory as one from a single source, and nobody can choose whom it drives out.

use std::fmt;
use std::time::Duration;

use crate::id::Entropy;
use crate::time::Time;

use super::source::Source;

/// Places in a set.
const WAYS: usize = 8;

/// Why we trust that a source is where it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// It took part in a dialog with tags that we had sent there.
    Call,
    /// It gave good credentials over a nonce that we had sent there.
    Credentials,
}

/// One source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    source: Source,
    /// When it was last heard.
    pub(super) heard_at: Time,
    /// Messages that it may still send at once, in thousandths.
    pub(super) tokens: u64,
    /// What it did wrong, in tenths of an offence.
    pub(super) offences: u32,
    /// Up to when the offences were let fade.
    pub(super) faded_at: Time,
    /// How far it is known, and until when.
    known: Option<(Known, Time)>,
    /// How often it was banned.
    pub(super) bans: u32,
    /// Until when these bans are held against it.
    pub(super) bans_until: Time,
    /// Calls from it that we answered and that nobody has acknowledged.
    pub(super) unproven: u32,
}

impl Entry {
    /// How far the source is known; none for a stranger.
    pub(super) fn known(&self, now: Time) -> Option<Known> {
        self.known.filter(|(_, until)| *until > now).map(|(known, _)| known)
    }

    /// Notes a proof; an earlier one that says more or lasts longer stays.
    pub(super) fn prove(&mut self, now: Time, known: Known, lasts: Duration) {
        let until = now + lasts;
        self.known = match self.known {
            Some((was, at)) if at > now && (was > known || (was == known && at > until)) => {
                Some((was, at))
            }
            Some(_) | None => Some((known, until)),
        };
    }

    /// Lets offences fade: all that are allowed within one window.
    pub(super) fn fade(&mut self, now: Time, allowed: u32, window: Duration) {
        let window = window.as_micros().max(1);
        let gone = (now - self.faded_at).as_micros() * u128::from(allowed) / window;
        if gone > 0 {
            self.offences = self.offences.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX));
            self.faded_at = now;
        }
        if self.bans_until <= now {
            self.bans = 0;
        }
    }

    /// The less interesting, the smaller.
    fn interest(&self, now: Time) -> (Option<Known>, u32, u32, Time) {
        let bans = if self.bans_until > now { self.bans } else { 0 };
        (self.known(now), bans, self.offences, self.heard_at)
    }
}

/// Sources and what is remembered of them.
pub(super) struct Table {
    secret: [u64; 2],
    sets: Vec<[Option<Entry>; WAYS]>,
    tokens: u64,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.sets.iter().flatten().flatten()).finish()
    }
}

impl Table {
    /// Room for `sets` times 8 sources; a new one begins with so many thousandths of a token.
    pub(super) fn new(entropy: &mut Entropy, sets: usize, tokens: u64) -> Table {
        Table {
            secret: [entropy.u64(), entropy.u64() | 1],
            sets: vec![[None; WAYS]; sets.max(1)],
            tokens,
        }
    }

    /// What new sources begin with.
    pub(super) fn set_tokens(&mut self, tokens: u64) {
        self.tokens = tokens;
    }

    /// What is remembered of a source; nothing is noted.
    #[cfg(test)]
    fn look(&self, source: Source) -> Option<&Entry> {
        self.sets.get(self.set_of(source))?.iter().flatten().find(|entry| entry.source == source)
    }

    /// What is remembered of a source, if anything is.
    pub(super) fn find(&mut self, source: Source) -> Option<&mut Entry> {
        let set = self.set_of(source);
        self.sets.get_mut(set)?.iter_mut().flatten().find(|entry| entry.source == source)
    }

    /// What is remembered of a source, which has a place from now on.
    pub(super) fn at(&mut self, now: Time, source: Source) -> Option<&mut Entry> {
        let set_of = self.set_of(source);
        let tokens = self.tokens;
        let set = self.sets.get_mut(set_of)?;
        let mine = set.iter().position(|slot| slot.is_some_and(|entry| entry.source == source));
        let place = match mine {
            Some(place) => place,
            None => {
                let least = |slot: &Option<Entry>| slot.map(|entry| entry.interest(now));
                let (place, slot) = set.iter_mut().enumerate().min_by_key(|(_, s)| least(s))?;
                *slot = Some(Entry {
                    source,
                    heard_at: now,
                    tokens,
                    offences: 0,
                    faded_at: now,
                    known: None,
                    bans: 0,
                    bans_until: Time::ZERO,
                    unproven: 0,
                });
                place
            }
        };
        set.get_mut(place)?.as_mut()
    }

    /// A hash whose outcome nobody can foresee: multiplication and folding under a secret.
    fn set_of(&self, source: Source) -> usize {
        let [xor, factor] = self.secret;
        let mixed = u128::from(source.number() ^ xor).wrapping_mul(u128::from(factor));
        let mixed = (mixed >> 64) as u64 ^ mixed as u64;
        let mixed = u128::from(mixed ^ mixed >> 29).wrapping_mul(u128::from(factor));
        let mixed = (mixed >> 64) as u64 ^ mixed as u64;
        (mixed % self.sets.len().max(1) as u64) as usize
    }

    /// How many places are taken.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sets.iter().flatten().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn source(number: u32) -> Source {
        Source::of(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    fn table(sets: usize) -> Table {
        Table::new(&mut Entropy::from_seed([1; 32]), sets, 5)
    }

    #[test]
    fn a_flood_of_invented_sources_takes_no_more_room_and_drives_out_nobody_who_is_known() {
        let mut table = table(64);
        let now = Time::from_millis(1);
        for known in 0..100 {
            let entry = table.at(now, source(known)).expect("a place");
            entry.prove(now, Known::Credentials, Duration::from_secs(60));
        }
        let kept = |table: &Table| (0..100).filter(|n| table.look(source(*n)).is_some()).count();
        let before = kept(&table);
        assert!(before > 95, "{before} of 100 found a place among 512");
        for invented in 1_000..101_000 {
            let later = now + Duration::from_micros(u64::from(invented));
            table.at(later, source(invented)).expect("a place").offences = 9;
        }
        assert_eq!(kept(&table), before);
        assert_eq!(table.len(), 64 * WAYS);
        // Once the proofs have run out they are as any other.
        let late = now + Duration::from_secs(61);
        for invented in 200_000..210_000 {
            table.at(late, source(invented)).expect("a place").offences = 9;
        }
        assert_eq!(kept(&table), 0);
    }

    #[test]
    fn sources_spread_evenly_over_the_sets() {
        let table = table(256);
        let mut load = [0_u32; 256];
        for number in 0..25_600 {
            load[table.set_of(source(0x0a00_0000 + number))] += 1;
        }
        assert!(load.iter().all(|count| (40..=180).contains(count)), "{load:?}");
    }

    #[test]
    fn a_better_proof_is_not_lost_to_a_lesser_one() {
        let mut table = table(1);
        let entry = table.at(Time::ZERO, source(1)).expect("a place");
        let hours = |n: u64| Duration::from_secs(3_600 * n);
        entry.prove(Time::ZERO, Known::Credentials, hours(2));
        entry.prove(Time::ZERO, Known::Call, hours(5));
        assert_eq!(entry.known(Time::ZERO + hours(1)), Some(Known::Credentials));
        assert_eq!(entry.known(Time::ZERO + hours(2)), None);
        entry.prove(Time::ZERO + hours(2), Known::Call, hours(1));
        assert_eq!(entry.known(Time::ZERO + hours(2)), Some(Known::Call));
        entry.prove(Time::ZERO + hours(2), Known::Credentials, hours(1));
        assert_eq!(entry.known(Time::ZERO + hours(2)), Some(Known::Credentials));
    }

    #[test]
    fn offences_fade_and_old_bans_are_forgiven() {
        let mut table = table(1);
        let entry = table.at(Time::ZERO, source(1)).expect("a place");
        (entry.offences, entry.bans, entry.bans_until) = (200, 3, Time::from_millis(1_000_000));
        let window = Duration::from_secs(600);
        for second in 1..=60 {
            entry.fade(Time::from_millis(second * 1_000), 200, window);
        }
        assert_eq!((entry.offences, entry.bans), (180, 3));
        entry.fade(Time::from_millis(1_000_000), 200, window);
        assert_eq!((entry.offences, entry.bans), (0, 0));
    }
}
