//! What `config/switchboard.toml` can say. Every field has its unit in its name, a default where
//! one makes sense, and a meaning that `switchboard check` verifies. An unknown key is an error.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use super::secret::Secret;

use crate::acd::calendar::CalendarSettings;
use crate::acd::settings::{AwaySettings, QueueSettings, TurnSettings, WrapUpSettings};
use crate::backend::BackendSettings;
use crate::id::{
    AgentId, AwayReason, BackendName, CalendarName, PhoneName, QueueName, Skill, TrunkName,
};
use crate::media::command::Codec;
use crate::notification::NotificationSettings;
use crate::trunk::settings::{OutboundSettings, Service, TrunkSettings};

mod agents;
mod guard;
mod language_model;
mod listen;
mod recording;
mod speech;
mod voice;

pub use agents::{AgentSettings, Ha1Settings, PhoneSettings, StarCodes};
pub use guard::GuardSettings;
pub use language_model::LanguageModelSettings;
pub use listen::{ClientCertificate, ListenSettings, TlsSettings, TransportName};
pub use recording::{
    FlowRecording, KeptAs, Portion, QueueRecording, RecordingSettings, StoreSettings,
};
pub use speech::{EngineName, SpeechSettings};
pub use voice::VoiceSettings;

/// The whole settings file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The organisation's name as shown to people and in SIP headers.
    pub organisation: String,
    /// IANA name of the time zone of calendars, days and half hours.
    #[serde(default = "default_time_zone")]
    pub time_zone: String,
    /// Signalling.
    #[serde(default)]
    pub sip: SipSettings,
    /// Voice.
    #[serde(default)]
    pub rtp: RtpSettings,
    /// Pages and API.
    #[serde(default)]
    pub http: HttpSettings,
    /// Where files are.
    #[serde(default)]
    pub files: FileSettings,
    /// What is remembered of callers.
    #[serde(default)]
    pub history: HistorySettings,
    /// What is refused beyond.
    #[serde(default)]
    pub limits: LimitSettings,
    /// Who may send how much SIP, and when somebody is banned.
    #[serde(default)]
    pub guard: GuardSettings,
    /// What is dialled (a full number in any spelling, a short code, a name) to the flow that
    /// answers.
    pub numbers: BTreeMap<String, Service>,
    /// Trunks by name.
    #[serde(default, rename = "trunk")]
    pub trunks: BTreeMap<TrunkName, TrunkSettings>,
    /// Calls to the outside.
    #[serde(default)]
    pub outbound: OutboundSettings,
    /// Other systems that flows ask, by name.
    #[serde(default, rename = "backend")]
    pub backends: BTreeMap<BackendName, BackendSettings>,
    /// Who sends texts and e-mails, and what they say.
    #[serde(default)]
    pub notifications: NotificationSettings,
    /// Queues by name.
    #[serde(default, rename = "queue")]
    pub queues: BTreeMap<QueueName, QueueSettings>,
    /// Whose turn it is, over all queues.
    #[serde(default)]
    pub turns: TurnSettings,
    /// What advisers can say of conversations.
    #[serde(default)]
    pub wrap_up: WrapUpSettings,
    /// For what agents are not ready, by name.
    #[serde(default)]
    pub not_ready: BTreeMap<AwayReason, AwaySettings>,
    /// Agents by name.
    #[serde(default, rename = "agent")]
    pub agents: BTreeMap<AgentId, AgentSettings>,
    /// Phones that agents share, by name.
    #[serde(default, rename = "phone")]
    pub phones: BTreeMap<PhoneName, PhoneSettings>,
    /// Skills by name; whoever names none can be asked for any.
    #[serde(default, rename = "skill")]
    pub skills: BTreeMap<Skill, SkillSettings>,
    /// Calendars of opening hours by name.
    #[serde(default, rename = "calendar")]
    pub calendars: BTreeMap<CalendarName, CalendarSettings>,
    /// Star codes that agents dial on their phones.
    #[serde(default)]
    pub star_codes: StarCodes,
    /// How long people are rung by name.
    #[serde(default)]
    pub transfers: TransferSettings,
    /// Which calls are recorded.
    #[serde(default)]
    pub recording: RecordingSettings,
    /// How callers are heard.
    #[serde(default)]
    pub speech: SpeechSettings,
    /// Who gives a second opinion on callers' words.
    #[serde(default)]
    pub language_model: LanguageModelSettings,
    /// Which voice speaks prompts.
    #[serde(default)]
    pub voice: VoiceSettings,
    /// Who may change things through the API.
    #[serde(default, rename = "token")]
    pub tokens: Vec<TokenSettings>,
}

fn default_time_zone() -> String {
    "Europe/London".to_owned()
}

/// Signalling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipSettings {
    /// Where to listen, and what is spoken there.
    pub listen: Vec<ListenSettings>,
    /// Certificates of every address that has none of its own.
    pub tls: Option<TlsSettings>,
    /// The digest realm of agents' phones (RFC 8760).
    pub realm: String,
    /// The shortest registration accepted, in seconds; shorter gets 423 (RFC 3261 section 10.2.8).
    pub min_expires_s: u32,
    /// The longest registration granted, in seconds.
    pub max_expires_s: u32,
    /// How long a call may go on without a sign of life from the other side's phone, in seconds: a
    /// session timer of RFC 4028, for which half way through that time we ask. At least 90.
    pub session_s: u32,
    /// Whether somebody whom no trunk's settings know may ring our numbers. What they say of
    /// themselves is not believed, and they can ring nothing else.
    pub anonymous_calls: bool,
    /// The name servers that are asked for the names of trunks; those of the system if none are
    /// given.
    pub name_servers: Vec<SocketAddr>,
}

impl Default for SipSettings {
    fn default() -> Self {
        SipSettings {
            listen: vec![ListenSettings::plain(SocketAddr::from(([0, 0, 0, 0], 5060)))],
            tls: None,
            realm: "switchboard".to_owned(),
            min_expires_s: 60,
            max_expires_s: 3600,
            session_s: 1800,
            anonymous_calls: true,
            name_servers: Vec::new(),
        }
    }
}

/// Voice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RtpSettings {
    /// First and last port; each leg takes an even port for RTP and the odd one above for RTCP.
    pub ports: PortRange,
    /// Media threads; 0 for one for each core up to four.
    pub threads: usize,
    /// A side of a conversation that has sent no audio for this long is taken to be gone and the
    /// call ends, in seconds. Callers who only listen are given at least five minutes.
    pub silence_s: u32,
    /// What may be spoken, in the order in which we offer it.
    pub codecs: Vec<Codec>,
}

impl Default for RtpSettings {
    fn default() -> Self {
        RtpSettings {
            ports: PortRange { first: 20_000, last: 29_999 },
            threads: 0,
            silence_s: 60,
            codecs: vec![Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus],
        }
    }
}

/// A range of ports, both ends included. Written `"20000-29999"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl std::str::FromStr for PortRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('-').and_then(|(first, last)| {
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        });
        match parsed {
            Some((first, last)) if first > 0 && last > first => Ok(PortRange { first, last }),
            _ => Err(format!("`{text}` is not a port range; write FIRST-LAST, as in 20000-29999")),
        }
    }
}

impl TryFrom<String> for PortRange {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> String {
        format!("{}-{}", range.first, range.last)
    }
}

/// Pages and API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The local address and port.
    pub bind: SocketAddr,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings { bind: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

/// Where files are. Relative paths are relative to the folder of the settings file's parent
/// (`config/..`), so that the shipped layout works from anywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileSettings {
    /// Flows (`*.yaml`).
    pub flows: PathBuf,
    /// Prompts and music; one folder for each language below it, and `music`.
    pub sounds: PathBuf,
    /// The language of prompts, a folder below `sounds`.
    pub language: String,
    /// The journal and other data that the engine writes.
    pub data: PathBuf,
    /// Whether edits to the settings file, flows and sounds are read as they are saved.
    pub watch: bool,
}

impl Default for FileSettings {
    fn default() -> Self {
        FileSettings {
            flows: "ivr-flows".into(),
            sounds: "sounds".into(),
            language: "en-GB".to_owned(),
            data: "data".into(),
            watch: true,
        }
    }
}

/// What is remembered of callers, for flows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistorySettings {
    /// For how long it is remembered what a number rang about, in hours; 0 for not at all.
    pub within_h: u32,
}

/// What is refused beyond (503 with Retry-After).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Calls at once.
    pub calls: usize,
    /// New calls in a second.
    pub calls_per_second: u32,
    /// Events that wait for the disk before new calls are refused.
    pub journal_backlog: usize,
    /// Longest call, in seconds.
    pub call_s: u32,
    /// Connections of phones and trunks (TCP, TLS, WebSocket) at once; more are closed at once.
    pub connections: usize,
    /// Those of one address (one /64 of IPv6): an office behind one router is one address.
    pub connections_per_source: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        LimitSettings {
            calls: 2_000,
            calls_per_second: 200,
            journal_backlog: 100_000,
            call_s: 14_400,
            connections: 10_000,
            connections_per_source: 1_000,
        }
    }
}

/// One skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillSettings {
    /// The name shown to people.
    pub title: String,
}

/// How long people are rung by name, in calls that agents make or hand on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferSettings {
    /// How long it rings where a call is handed on to; then the caller is brought back, in seconds.
    pub ring_s: u32,
    /// How long the agent who handed the call on and has hung up is rung back, in seconds; then the
    /// caller goes back to the queue.
    pub recall_s: u32,
    /// How long it rings for a call that an agent makes, in seconds.
    pub own_call_s: u32,
}

impl Default for TransferSettings {
    fn default() -> Self {
        TransferSettings { ring_s: 20, recall_s: 20, own_call_s: 60 }
    }
}

/// Who may change things through the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The actor's name, written into the journal with each change.
    pub actor: String,
    /// What the actor may do.
    pub role: Role,
    /// The agent whose own state an `agent` may change.
    #[serde(default)]
    pub agent: Option<AgentId>,
    /// SHA-256 of the token, 64 hexadecimal digits (`printf %s TOKEN | sha256sum`).
    pub sha256: Secret,
}

/// What an actor of the API may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Change their own state.
    Agent,
    /// Change any agent's state and see personal data.
    Supervisor,
}
