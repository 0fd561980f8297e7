//! The attack guard: who may send to us how much, and who may not send at all.
//!
//! Everything that a [`Source`] does wrong is an [`Offence`]. Too many of them within a window ban
//! the source: whatever it sends is dropped before it is read, for a time that doubles with each
//! ban. Whatever comes faster than a source may send is dropped too.
//!
//! The sender of a UDP datagram can be anybody: an offence that could have been sent in somebody
//! else's name ([`Evidence::Claimed`]) never bans a source that is known to be where it says
//! it is, and nothing bans one that the settings allow. What [`Evidence::Proven`] is, a forger
//! cannot have sent: it came over a connection, or answers what we had sent to that address.
//!
//! Memory is set aside at the start and never grows.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use crate::id::Entropy;
use crate::sip::range::AddressRange;
use crate::time::Time;

mod allowed;
mod bans;
mod settings;
mod source;
mod table;
#[cfg(test)]
mod tests;

use allowed::Allowed;
use bans::{Bans, Full};
use table::{Entry, Known, Table};

pub use bans::Ban;
pub use settings::{Allowance, GuardSettings, UnprovenCalls};
pub use source::{NotSource, Source};

/// Sources of which something is remembered: 2,048 sets of 8, about 1.5 MiB.
const SETS: usize = 2_048;
/// Bans at once.
const MOST_BANS: usize = 4_096;
/// Automatic bans in a second that rest on what could be forged, and how many may come at once: a
/// flood of invented sources must not fill the journal. Beyond it their messages are still counted
/// against each of them.
const CLAIMED_BANS_PER_SECOND: u64 = 1;
const CLAIMED_BANS_AT_ONCE: u64 = 60;
/// The longest ban that rests on what could be forged.
const LONGEST_CLAIMED: Duration = Duration::from_secs(3_600);
/// A source that was banned is remembered for this long after the ban, and the next is longer.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How long a source counts as known after it took part in a dialog.
const KNOWN_BY_CALL: Duration = Duration::from_secs(3_600);
/// How long after it gave good credentials, unless its registration lasts longer.
const KNOWN_BY_CREDENTIALS: Duration = Duration::from_secs(24 * 3_600);
/// A thousandth of a message, a tenth of an offence.
const MESSAGE: u64 = 1_000;
const OFFENCE: u32 = 10;

/// What a source can do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offence {
    /// It gave a wrong user or password.
    WrongCredentials,
    /// It dialled a number that nobody has.
    UnknownNumber,
    /// It sent what is no sound SIP message.
    Malformed,
    /// It asked for a method that we do not have.
    UnknownMethod,
    /// Its messages say that a known scanner sent them.
    Scanner,
    /// It was asked for credentials.
    Unchallenged,
    /// It sent more than it may.
    Flood,
}

impl Offence {
    /// How heavy it is, in tenths of an offence.
    fn weight(self) -> u32 {
        match self {
            Offence::WrongCredentials
            | Offence::UnknownNumber
            | Offence::Malformed
            | Offence::UnknownMethod => OFFENCE,
            Offence::Scanner => 10 * OFFENCE,
            // Every registration begins like this, and all phones of an office are one source.
            Offence::Unchallenged => OFFENCE / 5,
            Offence::Flood => OFFENCE / 10,
        }
    }
}

/// Whether a message certainly came from where it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A datagram: anybody can write any address on it.
    Claimed,
    /// It came over a connection, or it answers what we had sent to that address.
    Proven,
}

/// Why a message is not even read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// Its source is banned.
    Banned,
    /// Its source sends more than it may.
    Flood,
}

/// What a source showed to be where it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It knows the tags of a dialog that we had sent there.
    Dialog,
    /// It gave good credentials; if it registered, for how long.
    Credentials(Duration),
}

/// Whether a caller's address is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It is.
    Known,
    /// It may be forged. [`Guard::call_settled`] must follow once the call is acknowledged or over.
    OnTrial,
    /// It may be forged, and as many such calls exist as are allowed.
    NoRoom,
}

/// Why a source is no longer banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnbanCause {
    /// The time is over.
    Over,
    /// The settings allow the source now.
    Allowed,
    /// There was no room for more bans, and this one would have ended soonest.
    Dropped,
}

/// What the guard did by itself: for the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A source was banned.
    Banned(Source, Ban),
    /// A source is no longer banned.
    Unbanned(Source, UnbanCause),
}

/// Why a source cannot be banned by request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BanError {
    /// The settings say that it never is.
    #[error("the settings allow this source, so that it is never banned")]
    Allowed,
    /// Every place on the list is taken by bans that somebody asked for.
    #[error("as many bans exist as are allowed")]
    Full,
}

/// Watches over every source.
#[derive(Debug)]
pub struct Guard {
    settings: GuardSettings,
    allowed: Allowed,
    /// Where trunks are, as far as is known now.
    trunks: Vec<AddressRange>,
    table: Table,
    bans: Bans,
    notices: VecDeque<Notice>,
    /// What is left of [`CLAIMED_BANS_PER_SECOND`], in thousandths, and since when.
    claimed_bans: (u64, Time),
    /// Calls of all strangers that we answered and that nobody has acknowledged.
    unproven: usize,
}

impl Guard {
    /// A guard that knows nobody.
    pub fn new(settings: GuardSettings, entropy: &mut Entropy) -> Guard {
        Guard::sized(settings, entropy, SETS, MOST_BANS)
    }

    fn sized(settings: GuardSettings, entropy: &mut Entropy, sets: usize, bans: usize) -> Guard {
        Guard {
            table: Table::new(entropy, sets, settings.strangers.at_once()),
            bans: Bans::new(bans),
            allowed: Allowed::new(settings.allow.iter()),
            trunks: Vec::new(),
            settings,
            notices: VecDeque::new(),
            claimed_bans: (CLAIMED_BANS_AT_ONCE * MESSAGE, Time::ZERO),
            unproven: 0,
        }
    }

    /// What it goes by.
    pub fn settings(&self) -> &GuardSettings {
        &self.settings
    }

    /// Takes new settings; whoever they allow is no longer banned.
    pub fn reconfigure(&mut self, settings: GuardSettings) {
        self.settings = settings;
        self.table.set_tokens(self.settings.strangers.at_once());
        self.allow();
    }

    /// Trunks are at these addresses now: they are allowed like those of the settings.
    pub fn allow_trunks(&mut self, trunks: Vec<AddressRange>) {
        if self.trunks != trunks {
            self.trunks = trunks;
            self.allow();
        }
    }

    /// Whoever is allowed is no longer banned.
    fn allow(&mut self) {
        self.allowed = Allowed::new(self.settings.allow.iter().chain(&self.trunks));
        let allowed: Vec<Source> =
            self.bans.sources().filter(|source| self.allows(source.address())).collect();
        for source in allowed {
            self.bans.remove(source);
            self.notices.push_back(Notice::Unbanned(source, UnbanCause::Allowed));
        }
    }

    /// Whether the settings say that an address is never limited or banned.
    pub fn allows(&self, from: IpAddr) -> bool {
        self.allowed.contains(from)
    }

    /// A number that is always the same for a source, and 0 for all those that the settings allow:
    /// proxies that share their work may share what we gave to one of them.
    pub fn number(&self, from: IpAddr) -> u64 {
        if self.allows(from) { 0 } else { Source::of(from).number() }
    }

    /// Whether a message from there is read at all.
    pub fn admit(&mut self, now: Time, from: IpAddr, evidence: Evidence) -> Result<(), TurnedAway> {
        if self.allows(from) {
            return Ok(());
        }
        let source = Source::of(from);
        if self.bans.get(source).is_some() {
            return Err(TurnedAway::Banned);
        }
        let settings = &self.settings;
        let Some(entry) = self.table.at(now, source) else { return Ok(()) };
        let allowance =
            if entry.known(now).is_some() { settings.known } else { settings.strangers };
        let gained = (now - entry.heard_at).as_micros() * u128::from(allowance.per_second) / 1_000;
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        if gained > 0 {
            entry.tokens = entry.tokens.saturating_add(gained).min(allowance.at_once());
            entry.heard_at = now;
        }
        match entry.tokens.checked_sub(MESSAGE) {
            Some(left) => {
                entry.tokens = left;
                Ok(())
            }
            None => {
                // Whoever is known is slowed down by this and no more.
                if entry.known(now).is_none() {
                    self.offence(now, from, Offence::Flood, evidence);
                }
                Err(TurnedAway::Flood)
            }
        }
    }

    /// A source did something wrong.
    pub fn offence(&mut self, now: Time, from: IpAddr, offence: Offence, evidence: Evidence) {
        if self.allows(from) {
            return;
        }
        let source = Source::of(from);
        if self.bans.get(source).is_some() {
            return;
        }
        let GuardSettings { offences, window, .. } = self.settings;
        let most = offences.saturating_mul(OFFENCE);
        let Some(entry) = self.table.at(now, source) else { return };
        let most = match (entry.known(now), evidence) {
            (None, Evidence::Claimed | Evidence::Proven) => most,
            (Some(_), Evidence::Proven) => most.saturating_mul(self.settings.known_factor),
            (Some(_), Evidence::Claimed) => return,
        };
        entry.fade(now, most, window);
        entry.offences = entry.offences.saturating_add(offence.weight()).min(most);
        if entry.offences >= most && self.settings.automatic {
            self.ban_for(now, source, offence, evidence);
        }
    }

    fn ban_for(&mut self, now: Time, source: Source, offence: Offence, evidence: Evidence) {
        if evidence == Evidence::Claimed && !self.takes_claimed_ban(now) {
            return;
        }
        let longest = match evidence {
            Evidence::Claimed => self.settings.longest_ban.min(LONGEST_CLAIMED),
            Evidence::Proven => self.settings.longest_ban,
        };
        let Some(entry) = self.table.at(now, source) else { return };
        let doublings = entry.bans.min(31);
        let lasts = self.settings.ban.saturating_mul(1 << doublings).min(longest);
        let ban =
            Ban { until: now + lasts, offence: Some(offence), nth: entry.bans.saturating_add(1) };
        if self.put(source, ban).is_ok() {
            self.notices.push_back(Notice::Banned(source, ban));
            remember(self.table.at(now, source), ban);
        }
    }

    fn takes_claimed_ban(&mut self, now: Time) -> bool {
        let (left, since) = self.claimed_bans;
        let gained = (now - since).as_micros() * u128::from(CLAIMED_BANS_PER_SECOND) / 1_000;
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        let left = left.saturating_add(gained).min(CLAIMED_BANS_AT_ONCE * MESSAGE);
        let since = if gained > 0 { now } else { since };
        let taken = left.checked_sub(MESSAGE);
        self.claimed_bans = (taken.unwrap_or(left), since);
        taken.is_some()
    }

    fn put(&mut self, source: Source, ban: Ban) -> Result<(), Full> {
        let dropped = self.bans.insert(source, ban)?;
        if let Some(dropped) = dropped {
            self.notices.push_back(Notice::Unbanned(dropped, UnbanCause::Dropped));
        }
        Ok(())
    }

    /// A source proved to be where it says it is.
    pub fn proof(&mut self, now: Time, from: IpAddr, proof: Proof) {
        if self.allows(from) {
            return;
        }
        let Some(entry) = self.table.at(now, Source::of(from)) else { return };
        match proof {
            Proof::Dialog => entry.prove(now, Known::Call, KNOWN_BY_CALL),
            Proof::Credentials(registered) => {
                entry.prove(now, Known::Credentials, registered.max(KNOWN_BY_CREDENTIALS));
                // Somebody who belongs here and mistyped.
                entry.offences = 0;
            }
        }
    }

    /// Whether an INVITE from there may be answered: the answer goes up to eleven times to an address
    /// that may be forged.
    pub fn call_begins(&mut self, now: Time, from: IpAddr, evidence: Evidence) -> Trust {
        if evidence == Evidence::Proven || self.allows(from) {
            return Trust::Known;
        }
        let most = self.settings.unproven_calls;
        let Some(entry) = self.table.at(now, Source::of(from)) else { return Trust::Known };
        if entry.known(now).is_some() {
            Trust::Known
        } else if entry.unproven < most.per_source && self.unproven < most.in_all {
            entry.unproven += 1;
            self.unproven += 1;
            Trust::OnTrial
        } else {
            Trust::NoRoom
        }
    }

    /// A call [on trial](Trust::OnTrial) was acknowledged or is over.
    pub fn call_settled(&mut self, from: IpAddr) {
        self.unproven = self.unproven.saturating_sub(1);
        if let Some(entry) = self.table.find(Source::of(from)) {
            entry.unproven = entry.unproven.saturating_sub(1);
        }
    }

    /// Bans a source because somebody asks for it, whoever it is, unless the settings allow it. No
    /// notice follows.
    pub fn ban(&mut self, now: Time, source: Source, lasts: Duration) -> Result<Ban, BanError> {
        if self.allows(source.address()) {
            return Err(BanError::Allowed);
        }
        let ban = Ban { until: now + lasts, offence: None, nth: 1 };
        self.put(source, ban).map_err(|Full| BanError::Full)?;
        Ok(ban)
    }

    /// Lifts a ban because somebody asks for it: what was held against the source is forgotten.
    /// `false` if it is not banned. No notice follows.
    pub fn lift(&mut self, now: Time, source: Source) -> bool {
        if self.bans.remove(source).is_none() {
            return false;
        }
        if let Some(entry) = self.table.at(now, source) {
            (entry.offences, entry.bans) = (0, 0);
        }
        true
    }

    /// Puts a ban back that an earlier run imposed. One that is over, or that the settings do not
    /// allow any more, is ended with a notice.
    pub fn restore(&mut self, now: Time, source: Source, ban: Ban) {
        let cause = if self.allows(source.address()) {
            UnbanCause::Allowed
        } else if ban.until <= now {
            remember(self.table.at(now, source), ban);
            UnbanCause::Over
        } else if self.bans.insert(source, ban).is_ok() {
            remember(self.table.at(now, source), ban);
            return;
        } else {
            UnbanCause::Dropped
        };
        self.notices.push_back(Notice::Unbanned(source, cause));
    }

    /// When [`Guard::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.bans.poll_timeout()
    }

    /// Ends the bans that are over.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(source) = self.bans.pop_over(now) {
            if let Some(entry) = self.table.at(now, source) {
                entry.offences = 0;
            }
            self.notices.push_back(Notice::Unbanned(source, UnbanCause::Over));
        }
    }

    /// The next thing to tell.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Whether anything from there is dropped.
    pub fn is_banned(&self, from: IpAddr) -> bool {
        self.bans.get(Source::of(from)).is_some()
    }

    /// Every source that is banned.
    pub fn banned_sources(&self) -> impl Iterator<Item = Source> {
        self.bans.sources()
    }

    /// A number that changes whenever somebody is banned or no longer is.
    pub fn revision(&self) -> u64 {
        self.bans.revision()
    }

    /// How many sources are banned.
    pub fn banned(&self) -> usize {
        self.bans.len()
    }

    /// Calls of strangers that nobody has acknowledged.
    pub fn unproven(&self) -> usize {
        self.unproven
    }
}

fn remember(entry: Option<&mut Entry>, ban: Ban) {
    if let Some(entry) = entry
        && ban.offence.is_some()
    {
        entry.offences = 0;
        entry.bans = ban.nth;
        entry.bans_until = ban.until + REMEMBERED;
    }
}
