//! Between the guard and the journal, and between the guard and supervisors.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::settings::GuardSettings;
use crate::event::{BanReason, SystemEvent, UnbanReason};
use crate::id::TrunkName;
use crate::sip::guard::{self, Allowance, Ban, Notice, Offence, Source, UnbanCause, UnprovenCalls};
use crate::sip::range::AddressRange;
use crate::stats::BanLive;
use crate::time::Time;
use crate::trunk::settings::TrunkSettings;

use super::Engine;
use super::io::Reply;

/// What the guard goes by. Whoever is at one of the `fixed` addresses is ours. Trunks that the
/// settings name by address are allowed from the start; those named otherwise once it is known where
/// they are ([`allow_trunks`](crate::sip::endpoint::Endpoint::allow_trunks)).
pub(super) fn settings(
    settings: &GuardSettings,
    trunks: &BTreeMap<TrunkName, TrunkSettings>,
    fixed: impl Iterator<Item = IpAddr>,
) -> guard::GuardSettings {
    let ranges = trunks.values().flat_map(|trunk| &trunk.from);
    let hosts = trunks.values().flat_map(|trunk| &trunk.hosts);
    let numeric = hosts.filter_map(|host| host.host().ip());
    let allow = settings.allow.iter().chain(ranges).copied();
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    guard::GuardSettings {
        automatic: settings.automatic,
        allow: allow.chain(fixed.chain(numeric).map(AddressRange::host)).collect(),
        strangers: Allowance {
            per_second: settings.messages_per_second,
            burst: settings.messages_per_second.saturating_mul(4),
        },
        known: Allowance {
            per_second: settings.known_messages_per_second,
            burst: settings.known_messages_per_second.saturating_mul(2),
        },
        offences: settings.offences,
        known_factor: 10,
        window: seconds(settings.window_s),
        ban: seconds(settings.ban_s),
        longest_ban: seconds(settings.longest_ban_s),
        unproven_calls: UnprovenCalls {
            per_source: settings.unproven_calls_per_address,
            in_all: usize::try_from(settings.unproven_calls).unwrap_or(usize::MAX),
        },
    }
}

impl Engine {
    /// What the guard did by itself.
    pub(super) fn guard_notice(&mut self, now: Time, notice: Notice) {
        let event = match notice {
            Notice::Banned(source, ban) => self.banned(source, ban, None),
            Notice::Unbanned(source, cause) => {
                let reason = match cause {
                    UnbanCause::Over => UnbanReason::Over,
                    UnbanCause::Allowed => UnbanReason::Allowed,
                    UnbanCause::Dropped => UnbanReason::Dropped,
                };
                SystemEvent::Unbanned { source: source.to_string(), reason, by: None }
            }
        };
        self.record_system(now, event);
    }

    fn banned(&self, source: Source, ban: Ban, by: Option<String>) -> SystemEvent {
        let until = self.wall.at(ban.until);
        let reason = ban.offence.map_or(BanReason::Supervisor, reason);
        SystemEvent::Banned { source: source.to_string(), reason, until, nth: ban.nth, by }
    }

    /// A supervisor bans a source.
    pub(super) fn ban(&mut self, now: Time, source: Source, lasts: Duration, by: &str) -> Reply {
        match self.endpoint.ban(now, source, lasts) {
            Ok(ban) => {
                let event = self.banned(source, ban, Some(by.to_owned()));
                self.record_system(now, event);
                Reply::Banned { until: self.wall.at(ban.until) }
            }
            Err(error) => Reply::BanRefused(error),
        }
    }

    /// A supervisor lifts a ban.
    pub(super) fn lift_ban(&mut self, now: Time, source: Source, by: &str) -> Reply {
        if !self.endpoint.lift_ban(now, source) {
            return Reply::NotBanned;
        }
        let (source, by) = (source.to_string(), Some(by.to_owned()));
        let reason = UnbanReason::Supervisor;
        self.record_system(now, SystemEvent::Unbanned { source, reason, by });
        Reply::Done
    }

    /// A ban of the last run goes on if it has not ended meanwhile.
    pub(super) fn restore_ban(&mut self, now: Time, ban: BanLive) {
        let offence = offence(ban.reason);
        match ban.source.parse() {
            Ok(source) => {
                let until = self.wall.when(ban.until);
                self.endpoint.restore_ban(now, source, Ban { until, offence, nth: ban.nth });
            }
            // Written by a version that named sources in another way.
            Err(_) => {
                let event = SystemEvent::Unbanned {
                    source: ban.source,
                    reason: UnbanReason::Dropped,
                    by: None,
                };
                self.record_system(now, event);
            }
        }
    }
}

fn reason(offence: Offence) -> BanReason {
    match offence {
        Offence::WrongCredentials => BanReason::WrongCredentials,
        Offence::UnknownNumber => BanReason::UnknownNumbers,
        Offence::Malformed => BanReason::Malformed,
        Offence::UnknownMethod => BanReason::UnknownMethods,
        Offence::Scanner => BanReason::Scanner,
        Offence::Unchallenged => BanReason::Unchallenged,
        Offence::Flood => BanReason::Flood,
    }
}

fn offence(reason: BanReason) -> Option<Offence> {
    match reason {
        BanReason::WrongCredentials => Some(Offence::WrongCredentials),
        BanReason::UnknownNumbers => Some(Offence::UnknownNumber),
        BanReason::Malformed => Some(Offence::Malformed),
        BanReason::UnknownMethods => Some(Offence::UnknownMethod),
        BanReason::Scanner => Some(Offence::Scanner),
        BanReason::Unchallenged => Some(Offence::Unchallenged),
        BanReason::Flood => Some(Offence::Flood),
        BanReason::Supervisor => None,
    }
}
