//! Agents, their phones, and what they dial on them.

use serde::{Deserialize, Serialize};

use crate::config::secret::Secret;
use crate::id::{Ability, RoleName};
use crate::media::command::Encryption;
use crate::trunk::guard::Rule;

/// One agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSettings {
    /// The name shown to people.
    pub name: String,
    /// The name that callers are told; none for an agent who is not named to them.
    #[serde(default)]
    pub spoken_name: Option<String>,
    /// What colleagues dial to reach the agent, besides the id.
    #[serde(default)]
    pub extension: Option<String>,
    /// What the agent can do, and how well.
    #[serde(default)]
    pub skills: Vec<Ability>,
    /// The password of the agent's phones, which register as the agent's id.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Instead of the password: hex of MD5(id:realm:password) and SHA-256 of the same.
    #[serde(default)]
    pub ha1: Option<Ha1Settings>,
    /// Phones at fixed addresses that do not register (`sip:1001@10.0.0.7:5060`, numeric hosts).
    #[serde(default)]
    pub contacts: Vec<String>,
    /// After how long the next phone rings as well, in the order of `contacts` and then of registration, in
    /// seconds; all ring at once if not given.
    #[serde(default)]
    pub next_phone_s: Option<u32>,
    /// What proves at a shared phone who sits down there: digits.
    #[serde(default)]
    pub pin: Option<Secret>,
    /// Whether the audio of the agent's phones is encrypted (SRTP with keys in SDP, RFC 4568).
    #[serde(default)]
    pub srtp: Encryption,
    /// How many calls the agent may be on at once, of whichever kind; four if not given.
    #[serde(default)]
    pub max_calls: Option<u32>,
    /// What the agent is: which list of `[outbound]` says what may be dialled outside.
    #[serde(default)]
    pub role: Option<RoleName>,
    /// What the agent may dial outside; the role's or the general list if not given.
    #[serde(default)]
    pub may_call: Option<Vec<Rule>>,
    /// What the agent may not dial, besides the general list.
    #[serde(default)]
    pub never_call: Vec<Rule>,
}

/// A phone that is nobody's: agents sit down at it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhoneSettings {
    /// The password with which it registers as its name.
    pub password: Option<Secret>,
    /// Instead of the password: hex of MD5(name:realm:password) and SHA-256 of the same.
    pub ha1: Option<Ha1Settings>,
    /// Where it is, if it does not register.
    pub contacts: Vec<String>,
    /// Whether its audio is encrypted.
    pub srtp: Encryption,
}

/// Digest secrets already hashed (RFC 7616 section 3.4.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ha1Settings {
    /// MD5, 32 hexadecimal digits.
    pub md5: Option<Secret>,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: Option<Secret>,
}

/// Star codes that agents dial on their phones; each answers with a short confirmation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StarCodes {
    /// Sign in (and ready).
    pub sign_in: String,
    /// Sign out.
    pub sign_out: String,
    /// Ready.
    pub ready: String,
    /// Not ready.
    pub not_ready: String,
    /// More time for the work of the last call.
    pub more_time: String,
    /// Sign in at a shared phone; the agent's extension may follow at once.
    pub sit_down: String,
}

impl StarCodes {
    /// Every code with its key.
    pub fn all(&self) -> [(&'static str, &str); 6] {
        [
            ("sign_in", &self.sign_in),
            ("sign_out", &self.sign_out),
            ("ready", &self.ready),
            ("not_ready", &self.not_ready),
            ("more_time", &self.more_time),
            ("sit_down", &self.sit_down),
        ]
    }
}

impl Default for StarCodes {
    fn default() -> Self {
        StarCodes {
            sign_in: "*70".to_owned(),
            sign_out: "*71".to_owned(),
            ready: "*72".to_owned(),
            not_ready: "*73".to_owned(),
            more_time: "*74".to_owned(),
            sit_down: "*75".to_owned(),
        }
    }
}
