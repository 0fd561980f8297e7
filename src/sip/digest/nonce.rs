//! The server's nonces: they carry their own time and proof, so that challenging costs no memory;
//! only those that were used successfully are remembered, to refuse a nonce count twice.
//!
//! A nonce is good only for the source that it was given to: whoever answers it has received what we
//! sent there, which a forged source address has not. A wrong password is then that source's doing.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::hex;
use crate::id::Entropy;
use crate::time::Time;

/// How long a nonce can be used.
pub(super) const LIFETIME: Duration = Duration::from_secs(300);

/// How many used nonces are remembered. Beyond it the oldest are forgotten and refused as stale.
const MAX_REMEMBERED: usize = 8_192;

/// Nonces in the order of their issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Issue {
    at: Time,
    serial: u32,
}

/// Which counts of a nonce were used: the highest, and which of the 63 below it. Requests of one
/// phone may overtake each other, so the count need not rise strictly.
#[derive(Debug, Clone, Copy)]
struct Uses {
    highest: u32,
    seen: u64,
}

impl Uses {
    /// Notes a use; `false` if it is a replay or too old to tell.
    fn note(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let bit = 1_u64.checked_shl(self.highest - count).unwrap_or(0);
        let fresh = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        fresh
    }
}

/// Issues and checks nonces.
pub(super) struct Nonces {
    key: [u8; 32],
    issued: u32,
    used: BTreeMap<Issue, Uses>,
    /// The latest nonce whose uses were forgotten for lack of room.
    forgotten: Option<Issue>,
}

impl Nonces {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let mut key = [0; 32];
        for part in key.chunks_exact_mut(8) {
            part.copy_from_slice(&entropy.u64().to_be_bytes());
        }
        Nonces { key, issued: 0, used: BTreeMap::new(), forgotten: None }
    }

    /// A new nonce for a source, named by whatever number is always the same for it.
    pub(super) fn issue(&mut self, now: Time, source: u64) -> String {
        self.issued = self.issued.wrapping_add(1);
        let at = Time::from_millis(now.as_micros() / 1_000);
        let issue = Issue { at, serial: self.issued };
        self.write(issue, source)
    }

    /// 6 bytes of milliseconds, 4 of the serial, 12 of proof (RFC 2104 section 5 allows to cut it), as
    /// short as they can be: a challenge goes to whoever asks, whatever address is written on it.
    fn write(&self, issue: Issue, source: u64) -> String {
        let time = (issue.at.as_micros() / 1_000).to_be_bytes();
        let serial = issue.serial.to_be_bytes();
        let proof = self.proof(issue, source);
        let bytes: Vec<u8> = time.into_iter().skip(2).chain(serial).chain(proof).take(22).collect();
        hex(&bytes)
    }

    /// HMAC-SHA-256 (RFC 2104) over time, serial and source.
    fn proof(&self, issue: Issue, source: u64) -> [u8; 32] {
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(self.key) {
            *to = from;
        }
        let inner = Sha256::new()
            .chain_update(block.map(|byte| byte ^ 0x36))
            .chain_update(issue.at.as_micros().to_be_bytes())
            .chain_update(issue.serial.to_be_bytes())
            .chain_update(source.to_be_bytes())
            .finalize();
        Sha256::new()
            .chain_update(block.map(|byte| byte ^ 0x5c))
            .chain_update(inner)
            .finalize()
            .into()
    }

    /// The issue of a nonce that we gave to this source and that has not expired; none if it is
    /// forged, somebody else's, or too old.
    pub(super) fn genuine(&self, now: Time, nonce: &str, source: u64) -> Option<Issue> {
        let issue = self.read(nonce, source)?;
        (issue.at <= now && now.since(issue.at) <= LIFETIME).then_some(issue)
    }

    /// Notes a use with a right response; `false` if this count of the nonce was used before.
    pub(super) fn note_use(&mut self, now: Time, issue: Issue, count: u32) -> bool {
        while let Some(oldest) = self.used.first_entry() {
            if now.since(oldest.key().at) <= LIFETIME {
                break;
            }
            oldest.remove();
        }
        if count == 0 {
            return false;
        }
        if let Some(uses) = self.used.get_mut(&issue) {
            return uses.note(count);
        }
        if self.forgotten.is_some_and(|forgotten| issue <= forgotten) {
            return false;
        }
        if self.used.len() >= MAX_REMEMBERED
            && let Some((oldest, _)) = self.used.pop_first()
        {
            self.forgotten = self.forgotten.max(Some(oldest));
            if issue <= oldest {
                return false;
            }
        }
        self.used.insert(issue, Uses { highest: count, seen: 1 });
        true
    }

    fn read(&self, nonce: &str, source: u64) -> Option<Issue> {
        let millis = u64::from_str_radix(nonce.get(..12)?, 16).ok()?;
        let serial = u32::from_str_radix(nonce.get(12..20)?, 16).ok()?;
        let issue = Issue { at: Time::from_millis(millis), serial };
        let genuine = self.write(issue, source);
        bool::from(genuine.as_bytes().ct_eq(nonce.as_bytes())).then_some(issue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: u64 = 9;

    fn nonces() -> Nonces {
        Nonces::new(&mut Entropy::from_seed([3; 32]))
    }

    fn used(nonces: &mut Nonces, now: Time, nonce: &str, count: u32) -> bool {
        match nonces.genuine(now, nonce, SOURCE) {
            Some(issue) => nonces.note_use(now, issue, count),
            None => false,
        }
    }

    #[test]
    fn a_nonce_counts_up_and_no_count_is_good_twice() {
        let mut nonces = nonces();
        let now = Time::from_millis(5);
        let nonce = nonces.issue(now, SOURCE);
        assert!(used(&mut nonces, now, &nonce, 1));
        assert!(!used(&mut nonces, now, &nonce, 1));
        assert!(used(&mut nonces, now, &nonce, 10));
        assert!(used(&mut nonces, now, &nonce, 7));
        assert!(!used(&mut nonces, now, &nonce, 7));
        assert!(used(&mut nonces, now, &nonce, 0x100));
        assert!(!used(&mut nonces, now, &nonce, 11));
        assert!(!used(&mut nonces, now, &nonce, 0));
        assert!(used(&mut nonces, now, &nonce, u32::MAX));
    }

    #[test]
    fn a_nonce_expires_and_a_forged_one_is_refused() {
        let mut nonces = nonces();
        let nonce = nonces.issue(Time::ZERO, SOURCE);
        let last = Time::ZERO + LIFETIME;
        assert!(used(&mut nonces, last, &nonce, 1));
        let late = last + Duration::from_micros(1);
        assert!(!used(&mut nonces, late, &nonce, 2));
        let fresh = nonces.issue(late, SOURCE);
        assert!(used(&mut nonces, late, &fresh, 1));
        assert_eq!(nonces.used.len(), 1, "what has expired is forgotten");
        let other = Nonces::new(&mut Entropy::from_seed([4; 32])).issue(Time::ZERO, SOURCE);
        for forged in [other.as_str(), "", "zz", &nonce.to_uppercase(), &format!("{nonce}0")] {
            assert!(!used(&mut nonces, Time::ZERO, forged, 1), "{forged}");
        }
    }

    #[test]
    fn a_nonce_that_somebody_else_was_given_is_as_good_as_forged() {
        let mut nonces = nonces();
        let nonce = nonces.issue(Time::ZERO, SOURCE);
        assert_eq!(nonces.genuine(Time::ZERO, &nonce, SOURCE + 1), None);
        assert!(nonces.genuine(Time::ZERO, &nonce, SOURCE).is_some());
    }

    #[test]
    fn memory_is_bounded_and_what_was_forgotten_is_refused() {
        let mut nonces = nonces();
        let now = Time::ZERO;
        let all: Vec<_> = (0..MAX_REMEMBERED + 2).map(|_| nonces.issue(now, SOURCE)).collect();
        assert!(all.iter().all(|nonce| used(&mut nonces, now, nonce, 1)));
        assert_eq!(nonces.used.len(), MAX_REMEMBERED);
        assert!(all.iter().all(|nonce| !used(&mut nonces, now, nonce, 1)));
        assert!(all.last().is_some_and(|nonce| used(&mut nonces, now, nonce, 2)));
        assert!(all.first().is_some_and(|nonce| !used(&mut nonces, now, nonce, 2)));
    }
}
