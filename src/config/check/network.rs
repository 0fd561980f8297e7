//! Addresses and ports.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::config::problem::Problem;
use crate::config::settings::TransportName;

use super::Check;

/// Listeners have ids of one byte.
const MAX_LISTENERS: usize = 255;

/// Session timers: the shortest of RFC 4028 section 4, and a day.
const SESSION_S: std::ops::RangeInclusive<u32> = 90..=86_400;

impl Check<'_> {
    pub(super) fn sip(&mut self) {
        let sip = &self.settings.sip;
        if sip.listen.is_empty() {
            self.error(&["sip", "listen"], Problem::NoListener);
        }
        if sip.addresses().iter().map(|listen| listen.transports.len()).sum::<usize>()
            > MAX_LISTENERS
        {
            let what = Problem::TooManyListeners { most: MAX_LISTENERS };
            self.error(&["sip", "listen"], what);
        }
        let mut seen = BTreeSet::new();
        for (index, listen) in sip.listen.iter().enumerate() {
            let index = index.to_string();
            let at = |key: &'static str| ["sip", "listen", index.as_str(), key];
            if listen.transports.is_empty() {
                self.error(&at("transports"), Problem::NoTransport);
            }
            // UDP has ports of its own; all others are TCP to the system.
            let places = listen.transports.iter().map(|t| (listen.bind, *t == TransportName::Udp));
            // Port 0 is any free port: two of them are two ports.
            if listen.bind.port() != 0 && places.filter(|place| !seen.insert(*place)).count() > 0 {
                let address = listen.bind.to_string();
                self.error(&at("bind"), Problem::ListenTwice { address });
            }
            let pages = self.settings.http.bind;
            let over_tcp = listen.transports.iter().any(|one| *one != TransportName::Udp);
            if over_tcp && are_one_place(listen.bind, pages) {
                self.error(&at("bind"), Problem::PagesThere { address: pages.to_string() });
            }
            for transport in &listen.transports {
                if transport.is_secure() && listen.tls.is_none() && sip.tls.is_none() {
                    self.error(&at("transports"), Problem::NoTls);
                }
            }
            if let Some(address) = listen.advertise.filter(|address| address.is_unspecified()) {
                let address = address.to_string();
                self.error(&at("advertise"), Problem::AdvertiseUnspecified { address });
            }
            if let Some(host) = listen.host.as_ref().filter(|host| !is_host_name(host)) {
                self.error(&at("host"), Problem::BadHostName { host: host.clone() });
            }
            let ports = self.settings.rtp.ports;
            let port = listen.bind.port();
            if (ports.first..=ports.last).contains(&port) {
                self.error(&at("bind"), Problem::SipPortInRange { port });
            }
        }
        let quoted = |c: char| c == '"' || c == '\\';
        if sip.realm.chars().any(|c| c.is_control() || quoted(c)) {
            self.error(&["sip", "realm"], Problem::BadRealm);
        } else {
            self.text(&["sip", "realm"], "the realm", &sip.realm);
        }
        let (min, max) = (sip.min_expires_s, sip.max_expires_s);
        self.not_zero(&["sip", "max_expires_s"], "sip.max_expires_s", u64::from(max));
        if min > max {
            self.error(&["sip", "min_expires_s"], Problem::ExpiresCrossed { min, max });
        }
        if !SESSION_S.contains(&sip.session_s) {
            let (least, most) = (*SESSION_S.start(), *SESSION_S.end());
            let what = Problem::SessionOutOfRange { session_s: sip.session_s, least, most };
            self.error(&["sip", "session_s"], what);
        }
    }

    pub(super) fn rtp(&mut self) {
        let rtp = &self.settings.rtp;
        self.not_zero(&["rtp", "silence_s"], "rtp.silence_s", u64::from(rtp.silence_s));
        if rtp.codecs.is_empty() {
            self.error(&["rtp", "codecs"], Problem::Empty { what: "rtp.codecs" });
        }
        let first = usize::from(rtp.ports.first).next_multiple_of(2);
        let pairs = (usize::from(rtp.ports.last) + 1).saturating_sub(first) / 2;
        let calls = self.settings.limits.calls;
        let needed = calls.saturating_mul(2);
        if pairs == 0 {
            self.error(&["rtp", "ports"], Problem::NoPortPair);
        } else if pairs < needed {
            self.warning(&["rtp", "ports"], Problem::FewPorts { pairs, calls, needed });
        }
    }
}

/// Whether the system can give only one of two addresses to listen at over TCP.
fn are_one_place(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip(), other.ip());
    let any = a.is_unspecified() || b.is_unspecified();
    let met = a == b || any && a.is_ipv4() == b.is_ipv4();
    met && one.port() == other.port() && one.port() != 0
}

/// Whether peers can read this as a name (RFC 3261 section 25.1): labels of letters, digits and
/// hyphens, the last of which begins with a letter.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphanumeric())
            && label.ends_with(|c: char| c.is_ascii_alphanumeric())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let last = text.rsplit('.').next().unwrap_or("");
    text.len() <= 253
        && text.split('.').all(label)
        && last.starts_with(|c: char| c.is_ascii_alphabetic())
}
