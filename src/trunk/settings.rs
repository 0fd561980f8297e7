//! What the settings file says of trunks and of calls to the outside.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::secret::Secret;
use crate::id::{FlowName, RoleName, TrunkName};
use crate::media::command::{Codec, Encryption};
use crate::number::Format;

use super::guard::Rule;
use super::host::{AddressRange, TrunkHost};

/// A way to the telephone network, or to another switchboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkSettings {
    /// Where it is reached, the preferred first. Names are looked up (RFC 3263).
    #[serde(default)]
    pub hosts: Vec<TrunkHost>,
    /// By what its calls to us are known.
    #[serde(default)]
    pub inbound: Inbound,
    /// The addresses that its calls come from; those of `hosts` if none are given.
    #[serde(default)]
    pub from: Vec<AddressRange>,
    /// Names of which its TLS certificate must have one (`inbound = "certificate"`); those of
    /// `hosts` if none are given.
    #[serde(default)]
    pub certificate: Vec<String>,
    /// The user name of registrations and challenges.
    #[serde(default)]
    pub username: Option<String>,
    /// The password that goes with it.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The domain of our address with the trunk: the host of From and of the registration. Our own
    /// address if not given; the first host's name for a trunk that we register with.
    #[serde(default)]
    pub domain: Option<String>,
    /// Registers with the trunk, if given (RFC 3261 section 10.2).
    #[serde(default)]
    pub register: Option<RegisterSettings>,
    /// How often each host is asked whether it lives (OPTIONS), in seconds; 0 for never.
    #[serde(default = "default_options_s")]
    pub options_s: u32,
    /// Calls at once, in and out; no limit of its own if not given.
    #[serde(default)]
    pub calls: Option<usize>,
    /// Of them, those to the outside: the others are kept for callers. No limit of its own if not given;
    /// emergencies are beyond it.
    #[serde(default)]
    pub outbound_calls: Option<usize>,
    /// New calls in a second; no limit of its own if not given.
    #[serde(default)]
    pub calls_per_second: Option<u32>,
    /// Whether audio is encrypted (SRTP with keys in SDP, RFC 4568).
    #[serde(default)]
    pub srtp: Encryption,
    /// What may be spoken with it, in the order in which we offer it; as with everybody if not given.
    #[serde(default)]
    pub codecs: Option<Vec<Codec>>,
    /// Whether what it says of callers is believed: P-Asserted-Identity (RFC 3325), Diversion,
    /// History-Info, and the priority of emergencies.
    #[serde(default)]
    pub trusted: bool,
    /// How we say who rings.
    #[serde(default)]
    pub identity: Identity,
    /// The number that we show to people whom we ring.
    #[serde(default)]
    pub number: Option<String>,
    /// How numbers are written for it.
    #[serde(default)]
    pub send: Format,
    /// Digits that it wants in front of every number (not of emergency numbers).
    #[serde(default)]
    pub prefix: String,
    /// Whether 999 and 112 go to it first.
    #[serde(default)]
    pub emergency: bool,
    /// The organisation whose numbers these are, if it is not the settings' own.
    #[serde(default)]
    pub organisation: Option<String>,
    /// What is dialled through it: asked before the settings' own numbers.
    #[serde(default)]
    pub numbers: BTreeMap<String, Service>,
}

fn default_options_s() -> u32 {
    60
}

impl TrunkSettings {
    /// The domain of our address with the trunk; none for our own address.
    pub fn domain(&self) -> Option<String> {
        let registered = self.register.as_ref().and(self.hosts.first());
        self.domain.clone().or_else(|| registered.map(|host| host.host().to_string()))
    }

    /// The user part of our Contact with a trunk that we register with.
    pub fn contact_user(&self) -> Option<String> {
        let register = self.register.as_ref()?;
        register.contact.clone().or_else(|| self.username.clone())
    }
}

/// By what a trunk's calls to us are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inbound {
    /// By the address that they come from.
    #[default]
    Address,
    /// We register with it, and its calls come from the address that we registered at.
    Registration,
    /// By user name and password (RFC 3261 section 22.2).
    Digest,
    /// By the name in its TLS certificate.
    Certificate,
    /// It sends us none.
    None,
}

/// How we say who rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// In From.
    #[default]
    From,
    /// In P-Asserted-Identity too (RFC 3325), which networks believe of those whom they trust.
    Pai,
}

/// A registration with a trunk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegisterSettings {
    /// How long it is to last, in seconds.
    pub expires_s: u32,
    /// The user part of our Contact, which its calls to us carry; the user name if not given.
    pub contact: Option<String>,
}

impl Default for RegisterSettings {
    fn default() -> Self {
        RegisterSettings { expires_s: 3_600, contact: None }
    }
}

/// What a number leads to: a flow, and whose number it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// The flow that answers.
    pub flow: FlowName,
    /// The organisation whose number it is, if it is not the one of the trunk or the settings.
    pub organisation: Option<String>,
}

impl From<&str> for Service {
    fn from(flow: &str) -> Self {
        Service { flow: flow.into(), organisation: None }
    }
}

impl<'de> Deserialize<'de> for Service {
    /// `"main"`, or `{ flow = "main", organisation = "..." }`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            flow: FlowName,
            #[serde(default)]
            organisation: Option<String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Service;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flow in quotes, or { flow = \"...\", organisation = \"...\" }")
            }
            fn visit_str<E>(self, flow: &str) -> Result<Service, E> {
                Ok(flow.into())
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Service, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                let Whole { flow, organisation } = Whole::deserialize(map)?;
                Ok(Service { flow, organisation })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Calls to the outside: through which trunks, and what may be dialled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSettings {
    /// Trunks in the order in which they are tried; all of them by name if none are given.
    pub trunks: Vec<TrunkName>,
    /// What may be dialled by agents and flows that have no list of their own: kinds of numbers and
    /// beginnings of numbers.
    pub may_call: Vec<Rule>,
    /// What nobody may dial, whatever else is allowed.
    pub never_call: Vec<Rule>,
    /// Calls that one agent may begin in an hour.
    pub calls_per_hour: u32,
    /// Calls to the outside that one agent may have at once.
    pub calls_at_once: u32,
    /// What flows may dial.
    #[serde(rename = "flow")]
    pub flows: BTreeMap<FlowName, CallingSettings>,
    /// What agents may dial who have a role.
    #[serde(rename = "role")]
    pub roles: BTreeMap<RoleName, CallingSettings>,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        OutboundSettings {
            trunks: Vec::new(),
            may_call: Rule::usual(),
            never_call: Vec::new(),
            calls_per_hour: 60,
            calls_at_once: 2,
            flows: BTreeMap::new(),
            roles: BTreeMap::new(),
        }
    }
}

/// What one agent, flow or role may dial, and how.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallingSettings {
    /// Instead of the general list.
    pub may_call: Option<Vec<Rule>>,
    /// Besides the general list.
    pub never_call: Vec<Rule>,
    /// The number that people see whom they ring; the trunk's if not given.
    pub number: Option<String>,
    /// Instead of the general limit: calls that one agent may begin in an hour.
    pub calls_per_hour: Option<u32>,
    /// Instead of the general limit: calls that one agent may have at once.
    pub calls_at_once: Option<u32>,
    /// Calls that all agents of the role may have at once; no limit of its own if not given.
    pub lines: Option<u32>,
}

impl CallingSettings {
    /// What somebody may dial who has a role, and lists of their own: these go before the role's, and what
    /// either forbids is forbidden.
    pub fn with(self, role: Option<&CallingSettings>) -> CallingSettings {
        let Some(role) = role else { return self };
        CallingSettings {
            may_call: self.may_call.or_else(|| role.may_call.clone()),
            never_call: [self.never_call, role.never_call.clone()].concat(),
            number: self.number.or_else(|| role.number.clone()),
            calls_per_hour: self.calls_per_hour.or(role.calls_per_hour),
            calls_at_once: self.calls_at_once.or(role.calls_at_once),
            lines: self.lines.or(role.lines),
        }
    }
}
