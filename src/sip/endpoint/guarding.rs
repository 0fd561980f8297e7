//! What the guard is told, and what it may do: the door for messages, offences and proofs.

use std::net::SocketAddr;
use std::time::Duration;

use crate::id::LegId;
use crate::sip::ListenerId;
use crate::sip::guard::{
    Ban, BanError, Evidence, Guard, GuardSettings, Offence, Proof, Source, Trust, TurnedAway,
};
use crate::sip::header::HeaderName;
use crate::sip::range::AddressRange;
use crate::time::Time;

use super::response::Inbound;
use super::{Endpoint, Reason};

/// What programs call themselves that look for telephone systems to break into. Whoever runs one
/// against us gets no answer at all.
const SCANNERS: [&str; 6] =
    ["friendly-scanner", "sipvicious", "sipcli", "sip-scan", "sundayddr", "pplsip"];

impl Endpoint {
    /// The guard: who is banned, and how many calls are on trial.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Bans a source because somebody asks for it.
    pub fn ban(&mut self, now: Time, source: Source, lasts: Duration) -> Result<Ban, BanError> {
        self.guard.ban(now, source, lasts)
    }

    /// Lifts a ban; `false` if there is none.
    pub fn lift_ban(&mut self, now: Time, source: Source) -> bool {
        self.guard.lift(now, source)
    }

    /// Puts a ban of an earlier run back.
    pub fn restore_ban(&mut self, now: Time, source: Source, ban: Ban) {
        self.guard.restore(now, source, ban);
    }

    /// Counts a refusal for a reason that only our user knows.
    pub fn count_rejected(&mut self, reason: &'static str) {
        self.counters.reject(reason);
    }

    /// Trunks are at these addresses now: they are never limited and never banned.
    pub fn allow_trunks(&mut self, trunks: Vec<AddressRange>) {
        self.guard.allow_trunks(trunks);
    }

    /// Somebody at this address did what only our user can judge.
    pub fn note_offence(
        &mut self,
        now: Time,
        listener: ListenerId,
        source: SocketAddr,
        offence: Offence,
    ) {
        let evidence = self.evidence(listener);
        self.guard.offence(now, source.ip(), offence, evidence);
    }

    pub(super) fn reconfigure_guard(&mut self, settings: &GuardSettings) {
        if *self.guard.settings() != *settings {
            self.guard.reconfigure(settings.clone());
        }
    }

    /// Whether a message is not even read.
    pub(super) fn turned_away(
        &mut self,
        now: Time,
        listener: ListenerId,
        from: SocketAddr,
    ) -> bool {
        let evidence = self.evidence(listener);
        let reason = match self.guard.admit(now, from.ip(), evidence) {
            Ok(()) => return false,
            Err(TurnedAway::Banned) => Reason::Banned,
            Err(TurnedAway::Flood) => Reason::Flood,
        };
        self.counters.reject(reason.as_str());
        true
    }

    /// What a message over a listener proves of where it came from.
    fn evidence(&self, listener: ListenerId) -> Evidence {
        if self.is_stream(listener) { Evidence::Proven } else { Evidence::Claimed }
    }

    /// Counts a refusal against whoever brought it about, if it is of a kind that attackers do.
    pub(super) fn hold_against(&mut self, now: Time, request: &Inbound, reason: Reason) {
        if reason == Reason::WrongCredentials {
            // The nonce was one that we had sent there.
            let from = request.source.ip();
            self.guard.offence(now, from, Offence::WrongCredentials, Evidence::Proven);
        } else if matches!(reason, Reason::BadHeader | Reason::BadUri) {
            self.note_offence(now, request.listener, request.source, Offence::Malformed);
        } else if reason == Reason::UnknownMethod {
            self.note_offence(now, request.listener, request.source, Offence::UnknownMethod);
        }
    }

    /// Whether a request says of itself that a scanner sent it: it is dropped, without an answer.
    pub(super) fn is_scan(&mut self, now: Time, request: &Inbound) -> bool {
        let Some(agent) = request.message.header(HeaderName::UserAgent) else { return false };
        let agent = agent.to_ascii_lowercase();
        let named = |name: &str| memchr::memmem::find(&agent, name.as_bytes()).is_some();
        if !SCANNERS.iter().any(|name| named(name)) || self.guard.allows(request.source.ip()) {
            return false;
        }
        self.counters.reject(Reason::Scanner.as_str());
        self.note_offence(now, request.listener, request.source, Offence::Scanner);
        true
    }

    /// Somebody knows our tag of a leg: it was received where the INVITE came from. Of where the
    /// message that brings it back came from, that says nothing.
    pub(super) fn proved_dialog(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(from) = found.called_from else { return };
        if std::mem::take(&mut found.on_trial) {
            self.guard.call_settled(from);
        }
        self.guard.proof(now, from, Proof::Dialog);
    }

    /// Somebody gave good credentials, and registered for so long.
    pub(super) fn proved_credentials(&mut self, now: Time, source: SocketAddr, lasts: Duration) {
        self.guard.proof(now, source.ip(), Proof::Credentials(lasts));
    }

    /// Whether an INVITE's caller is known to be where it says it is.
    pub(super) fn trust(&mut self, now: Time, request: &Inbound) -> Trust {
        let evidence = self.evidence(request.listener);
        self.guard.call_begins(now, request.source.ip(), evidence)
    }
}
