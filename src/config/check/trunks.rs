//! Trunks, calls to the outside, and numbers.

use std::collections::BTreeMap;

use crate::config::problem::Problem;
use crate::id::TrunkName;
use crate::media::command::Encryption;
use crate::number::{Number, canonical};
use crate::sip::transport::Protocol;
use crate::trunk::settings::{Inbound, Service, TrunkSettings};

use super::Check;

/// A registration that lasts no longer costs more than it gives.
const BRIEFEST_S: u32 = 60;
/// Servers asked more often than this might take it for an attack.
const MOST_OFTEN_S: u32 = 5;

impl Check<'_> {
    pub(super) fn numbers(&mut self) {
        let settings = self.settings;
        if settings.numbers.is_empty()
            && settings.trunks.values().all(|trunk| trunk.numbers.is_empty())
        {
            self.key_error(&["numbers"], Problem::NoNumbers);
        }
        self.numbers_of(&["numbers"], &settings.numbers);
    }

    fn numbers_of(&mut self, table: &[&str], numbers: &BTreeMap<String, Service>) {
        let mut seen: BTreeMap<String, (&str, &Service)> = BTreeMap::new();
        for (number, to) in numbers {
            let path = [table, &[number.as_str()]].concat();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"+-_.".contains(&b);
            if let Number::Name(name) = Number::read(number)
                && (name.is_empty() || name != *number || !name.bytes().all(plain))
            {
                self.key_error(&path, Problem::BadNumber { number: number.clone() });
            }
            let compared = canonical(number);
            match seen.get(&compared) {
                Some((other, where_to)) if *where_to != to => {
                    let (number, other) = (number.clone(), (*other).to_owned());
                    self.key_error(&path, Problem::NumberTwice { number, other });
                }
                Some((other, _)) => {
                    let (number, other) = (number.clone(), (*other).to_owned());
                    self.warning(&path, Problem::NumberAgain { number, other });
                }
                None => {
                    seen.insert(compared, (number, to));
                }
            }
            if let Some(organisation) = &to.organisation {
                let path = [path.as_slice(), &["organisation"]].concat();
                self.text(&path, "the organisation's name", organisation);
            }
        }
    }

    pub(super) fn trunks(&mut self) {
        let settings = self.settings;
        for (name, trunk) in &settings.trunks {
            self.trunk(name, trunk);
        }
        self.trunks_apart();
        for (at, name) in settings.outbound.trunks.iter().enumerate() {
            if !settings.trunks.contains_key(name) {
                let known = settings.trunks.keys().map(TrunkName::as_str);
                let path = ["outbound", "trunks", &at.to_string()];
                self.no_such(&path, "trunk", name.as_str(), known);
            }
        }
    }

    fn trunk(&mut self, name: &TrunkName, trunk: &TrunkSettings) {
        let name = name.as_str();
        let table = ["trunk", name];
        let at = |key: &'static str| ["trunk", name, key];
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            self.key_error(&table, Problem::BadTrunkName { trunk: name.to_owned() });
        }
        let spoken = |protocol: &Protocol| self.speaks(*protocol);
        let unspoken: Vec<(usize, Protocol)> = trunk
            .hosts
            .iter()
            .enumerate()
            .filter(|(_, host)| !host.protocols().iter().any(spoken))
            .filter_map(|(index, host)| Some((index, host.protocols().first().copied()?)))
            .collect();
        for (index, protocol) in unspoken {
            let path = ["trunk", name, "hosts", &index.to_string()];
            self.error(&path, Problem::NotSpoken { protocol: protocol.as_str() });
        }
        self.account(name, trunk);
        self.known_by(name, trunk);
        if trunk.options_s != 0 && trunk.options_s < MOST_OFTEN_S {
            self.error(&at("options_s"), Problem::TooOften { least: MOST_OFTEN_S });
        }
        if let Some(calls) = trunk.calls {
            self.not_zero(&at("calls"), "a trunk's limit of calls", calls as u64);
        }
        if let Some(rate) = trunk.calls_per_second {
            self.not_zero(&at("calls_per_second"), "a trunk's limit of calls", rate.into());
        }
        let secure = |host: &crate::trunk::host::TrunkHost| {
            host.protocols().iter().all(|protocol| protocol.is_secure())
        };
        if trunk.codecs.as_ref().is_some_and(Vec::is_empty) {
            self.error(&at("codecs"), Problem::Empty { what: "codecs" });
        }
        if trunk.srtp == Encryption::Required && !trunk.hosts.iter().all(secure) {
            self.warning(&at("srtp"), Problem::KeysInClear);
        }
        if let Some(number) = &trunk.number
            && !matches!(Number::read(number), Number::E164(_))
        {
            self.error(&at("number"), Problem::NotFullNumber { number: number.clone() });
        }
        if !trunk.prefix.bytes().all(|b| b.is_ascii_digit() || b"*#".contains(&b)) {
            self.error(&at("prefix"), Problem::BadPrefix { prefix: trunk.prefix.clone() });
        }
        if let Some(domain) = &trunk.domain
            && crate::sip::uri::Uri::parse(format!("sip:{domain}").as_bytes())
                .map_or(true, |uri| uri.as_sip().is_none_or(|uri| uri.host.to_string() != *domain))
        {
            self.error(&at("domain"), Problem::BadDomain { domain: domain.clone() });
        }
        if let Some(organisation) = &trunk.organisation {
            self.text(&at("organisation"), "the organisation's name", organisation);
        }
        self.numbers_of(&["trunk", name, "numbers"], &trunk.numbers);
    }

    /// Whether any listener speaks a protocol.
    fn speaks(&self, protocol: Protocol) -> bool {
        let addresses = self.settings.sip.addresses();
        let mut spoken = addresses.iter().flat_map(|listen| &listen.transports);
        spoken.any(|transport| transport.protocol() == protocol)
    }

    /// User name, password and registration.
    fn account(&mut self, name: &str, trunk: &TrunkSettings) {
        let at = |key: &'static str| ["trunk", name, key];
        if let Some(username) = &trunk.username {
            self.text(&at("username"), "the user name", username);
            if trunk.password.is_none() {
                self.key_error(&at("username"), Problem::HalfAnAccount { missing: "password" });
            }
        }
        if let Some(password) = &trunk.password {
            self.text(&at("password"), "the password", password.reveal());
            if trunk.username.is_none() {
                self.key_error(&at("password"), Problem::HalfAnAccount { missing: "username" });
            }
        }
        if let Some(register) = &trunk.register {
            if trunk.username.is_none() {
                self.key_error(&at("register"), Problem::HalfAnAccount { missing: "username" });
            }
            if trunk.hosts.is_empty() {
                self.key_error(&at("register"), Problem::NoHost);
            }
            if register.expires_s < BRIEFEST_S {
                let path = ["trunk", name, "register", "expires_s"];
                self.error(&path, Problem::TooBrief { least: BRIEFEST_S });
            }
        }
    }

    /// By what its calls are known.
    fn known_by(&mut self, name: &str, trunk: &TrunkSettings) {
        let at = |key: &'static str| ["trunk", name, key];
        let nowhere = trunk.hosts.is_empty() && trunk.from.is_empty();
        match trunk.inbound {
            Inbound::Address if nowhere => self.key_error(&["trunk", name], Problem::NoHost),
            Inbound::Registration if trunk.register.is_none() => {
                self.error(&at("inbound"), Problem::NotRegistered);
            }
            Inbound::Digest if trunk.username.is_none() => {
                self.error(&at("inbound"), Problem::HalfAnAccount { missing: "username" });
            }
            Inbound::Digest if nowhere && self.settings.sip.anonymous_calls => {
                self.warning(&at("inbound"), Problem::TakenForStrangers);
            }
            Inbound::Certificate => {
                if !self.speaks(Protocol::Tls) {
                    self.error(&at("inbound"), Problem::NotSpoken { protocol: "tls" });
                }
                let names = trunk.hosts.iter().filter_map(|host| host.name()).count();
                if names == 0 && trunk.certificate.is_empty() {
                    self.error(&at("inbound"), Problem::NoCertificateName);
                }
            }
            Inbound::None if trunk.hosts.is_empty() => {
                self.key_error(&["trunk", name], Problem::NoHost);
            }
            Inbound::Address | Inbound::Registration | Inbound::Digest | Inbound::None => {}
        }
        for (index, range) in trunk.from.iter().enumerate() {
            if range.is_everything() {
                let path = ["trunk", name, "from", &index.to_string()];
                self.error(&path, Problem::FromEverywhere);
            }
        }
    }

    /// Two trunks whose calls cannot be told apart.
    fn trunks_apart(&mut self) {
        let settings = self.settings;
        let mut users: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, trunk) in &settings.trunks {
            let Some(user) = trunk.username.as_deref() else { continue };
            if trunk.inbound != Inbound::Digest {
                continue;
            }
            let path = ["trunk", name.as_str(), "username"];
            let phone = settings.phones.keys().any(|phone| phone.as_str() == user);
            for (taken, other) in
                [(settings.agents.contains_key(user), "an agent"), (phone, "a shared phone")]
            {
                if taken {
                    let what =
                        Problem::UserTwice { user: user.to_owned(), other: other.to_owned() };
                    self.error(&path, what);
                }
            }
            if let Some(other) = users.insert(user, name.as_str()) {
                let other = format!("trunk `{other}`");
                self.error(&path, Problem::UserTwice { user: user.to_owned(), other });
            }
        }
        let by_address = |trunk: &TrunkSettings| trunk.inbound == Inbound::Address;
        let trunks: Vec<_> = settings.trunks.iter().filter(|(_, one)| by_address(one)).collect();
        for (at, (name, trunk)) in trunks.iter().enumerate() {
            for (other, one) in trunks.iter().take(at) {
                let both = |range: &crate::trunk::host::AddressRange| {
                    one.from.iter().any(|other| other.overlaps(range))
                };
                if let Some(index) = trunk.from.iter().position(both) {
                    let path = ["trunk", name.as_str(), "from", &index.to_string()];
                    let what = Problem::SameAddresses { other: other.to_string() };
                    self.error(&path, what);
                }
            }
        }
    }
}
