//! Calls from the outside: whose they are, and whether their trunk has room for them.

use std::net::IpAddr;

use crate::id::{LegId, TrunkName};
use crate::number::Number;
use crate::sip::transport::Protocol;
use crate::time::Time;

use super::Trunks;
use super::settings::{Inbound, Service, TrunkSettings};

/// What tells whose an INVITE is.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Where it came from.
    pub source: IpAddr,
    /// Over what.
    pub protocol: Protocol,
    /// The user part of its Request-URI.
    pub called: &'a str,
    /// The user of good credentials.
    pub user: Option<&'a str>,
    /// The names in the peer's TLS certificate.
    pub certificate: &'a [String],
}

/// Whose an INVITE is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// This trunk's.
    Trunk(TrunkName),
    /// A trunk's that must prove it first (401).
    Unproved,
    /// Nobody's whom the settings know.
    Unknown,
}

/// Why a trunk takes no further call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// It has as many calls as its limit allows.
    Full,
    /// It had as many calls in a second as its limit allows.
    TooFast,
}

impl Trunks {
    /// Whose an INVITE is, by the address that it came from, its certificate or its credentials.
    pub fn identify(&self, origin: &Origin<'_>) -> Identified {
        let mut found: Option<(u8, &TrunkName)> = None;
        let mut unproved = false;
        for (name, settings) in &self.plan.trunks {
            let from_there = self.comes_from(name, settings, origin.source);
            let sure = match settings.inbound {
                Inbound::None => None,
                Inbound::Address => from_there.then_some(1),
                Inbound::Registration if from_there => {
                    // Several registrations with one carrier differ in the contact that is rung.
                    let contact = settings.contact_user();
                    Some(if contact.as_deref() == Some(origin.called) { 3 } else { 1 })
                }
                Inbound::Registration => None,
                Inbound::Digest => {
                    let proved =
                        origin.user.is_some() && origin.user == settings.username.as_deref();
                    unproved |= from_there && !proved;
                    proved.then_some(4)
                }
                Inbound::Certificate => {
                    let named = self.is_named(settings, origin.certificate);
                    (origin.protocol == Protocol::Tls && named).then_some(2)
                }
            };
            if let Some(sure) = sure
                && found.is_none_or(|(best, _)| sure > best)
            {
                found = Some((sure, name));
            }
        }
        match found {
            Some((_, name)) => Identified::Trunk(name.clone()),
            None if unproved => Identified::Unproved,
            None => Identified::Unknown,
        }
    }

    /// Whether an address is one that a trunk's calls come from.
    fn comes_from(&self, name: &TrunkName, settings: &TrunkSettings, source: IpAddr) -> bool {
        if !settings.from.is_empty() {
            return settings.from.iter().any(|range| range.contains(source));
        }
        let Some(state) = self.states.get(name) else { return false };
        let source = source.to_canonical();
        state.servers.iter().flatten().any(|server| server.place.1.ip().to_canonical() == source)
    }

    fn is_named(&self, settings: &TrunkSettings, certificate: &[String]) -> bool {
        let hosts: Vec<String> = match settings.certificate.is_empty() {
            true => settings.hosts.iter().filter_map(super::host::TrunkHost::name).collect(),
            false => settings.certificate.clone(),
        };
        certificate.iter().any(|name| hosts.iter().any(|host| covers(name, host)))
    }

    /// Whether anybody is to be asked for credentials who comes from an unknown address.
    pub fn asks_strangers(&self) -> bool {
        let digest = |trunk: &TrunkSettings| trunk.inbound == Inbound::Digest;
        self.plan.trunks.values().any(|trunk| digest(trunk) && trunk.from.is_empty())
    }

    /// What a trunk's number leads to. A call to the contact of our registration is meant for
    /// whoever To names.
    pub fn service(&self, trunk: &TrunkName, called: &str) -> Option<&Service> {
        self.plan.numbers.get(trunk)?.get(&Number::read(called).canonical())
    }

    /// A trunk's settings.
    pub fn settings(&self, trunk: &TrunkName) -> Option<&TrunkSettings> {
        self.plan.trunks.get(trunk)
    }

    /// Takes one more call from a trunk, until [`Trunks::release`].
    pub fn admit(
        &mut self,
        now: Time,
        trunk: &TrunkName,
        leg: LegId,
        emergency: bool,
    ) -> Result<(), Busy> {
        if !emergency {
            self.room(now, trunk)?;
        }
        self.count(now, trunk);
        self.occupy(trunk, leg);
        Ok(())
    }

    /// Takes one of the calls that a trunk may have in this second.
    pub(super) fn count(&mut self, now: Time, trunk: &TrunkName) {
        let rate = self.plan.trunks.get(trunk).and_then(|settings| settings.calls_per_second);
        if let (Some(rate), Some(state)) = (rate, self.states.get_mut(trunk)) {
            // An emergency that comes beyond the limit takes what there is.
            let _ = state.rate.take(now, rate);
        }
    }

    pub(super) fn has_room(&mut self, now: Time, trunk: &TrunkName) -> bool {
        self.room(now, trunk).is_ok()
    }

    fn room(&mut self, now: Time, trunk: &TrunkName) -> Result<(), Busy> {
        let (Some(settings), Some(state)) =
            (self.plan.trunks.get(trunk), self.states.get_mut(trunk))
        else {
            return Ok(());
        };
        if settings.calls.is_some_and(|most| state.calls.len() >= most) {
            return Err(Busy::Full);
        }
        match settings.calls_per_second {
            Some(per_second) if !state.rate.has(now, per_second) => Err(Busy::TooFast),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn occupy(&mut self, trunk: &TrunkName, leg: LegId) {
        if let Some(state) = self.states.get_mut(trunk) {
            state.calls.insert(leg);
            self.legs.insert(leg, trunk.clone());
        }
    }

    /// A leg is over, whatever it was.
    pub fn release(&mut self, leg: LegId) {
        if let Some(trunk) = self.legs.remove(&leg)
            && let Some(state) = self.states.get_mut(&trunk)
        {
            state.calls.remove(&leg);
        }
        if let Some(outgoing) = self.outgoing.remove(&leg) {
            self.guard.ended(&outgoing.attempt.who, leg);
        }
    }
}

/// Whether a name in a certificate, which may begin with `*.`, is a host's (RFC 5922 section 7.2).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain) && rest.contains('.')),
        None => name.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_covers_one_label_of_a_domain() {
        for (name, host, covered) in [
            ("sip.carrier.example", "SIP.carrier.example", true),
            ("*.carrier.example", "sip.carrier.example", true),
            ("*.carrier.example", "a.sip.carrier.example", false),
            ("*.carrier.example", "carrier.example", false),
            ("*.example", "carrier.example", false),
            ("*", "carrier", false),
        ] {
            assert_eq!(covers(name, host), covered, "{name} {host}");
        }
    }
}
