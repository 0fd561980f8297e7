//! Settings and everything they refer to, checked and ready to be used: swapped whole by a reload.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::acd::AcdPlan;
use crate::acd::away::AwaySettings;
use crate::acd::settings::default_music;
use crate::acd::wrap_up::WrapUpSettings;
use crate::assistant::Understanding;
use crate::backend::BackendSettings;
use crate::call::recording::{Policy, Share};
use crate::call::{Target, callback_prompts, forbidden_prompts};
use crate::config::settings::{
    Ha1Settings, LimitSettings, Portion, RecordingSettings, Secret, Settings, StarCodes,
    TransferSettings,
};
use crate::event::{
    AwayInForce, QueueSettingsInForce, QueueWrapUpInForce, SystemEvent, WrapUpInForce,
};
use crate::flow::{self, Flows};
use crate::id::{AgentId, AwayReason, BackendName, PhoneName, PromptName};
use crate::media::command::{Codec, Encryption};
use crate::notification::NotificationSettings;
use crate::number::canonical;
use crate::sdp::{Codecs, Terms};
use crate::sip::ListenerId;
use crate::sip::digest::{Algorithm, ha1};
use crate::sip::endpoint::{Account, EndpointSettings};
use crate::sip::transport::{Listener, Protocol, listener_towards};
use crate::sip::uri::Uri;

use crate::trunk::TrunkPlan;
use crate::trunk::settings::{CallingSettings, Inbound, Service, TrunkSettings};

use super::controller::StarCode;
use super::desks::PhonePlan;
use super::destination::DialPlan;

/// How many calls an agent may be on at once, unless the settings say otherwise: a conversation, somebody
/// who is asked, and room for whatever phones do.
const MOST_CALLS: u32 = 4;

/// Why checked settings cannot be put to work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A fixed contact cannot be rung.
    #[error(
        "`{agent}`: `{contact}` is not a SIP URI with a numeric host, as in sip:1001@10.0.0.7:5060"
    )]
    Contact {
        /// Whose.
        agent: AgentId,
        /// As written.
        contact: String,
    },
    /// A listener would advertise an address that nobody can send to.
    #[error(
        "the advertised address {0} is unspecified: set `advertise` to one that peers can reach"
    )]
    Unspecified(SocketAddr),
}

/// One agent, ready to be rung.
#[derive(Debug, Clone)]
pub struct AgentPlan {
    /// The name shown to people.
    pub name: String,
    /// Whether callers can be told their name.
    pub is_named: bool,
    /// What colleagues dial.
    pub extension: Option<String>,
    /// After how long the next phone rings as well; all at once if none.
    pub next_phone: Option<Duration>,
    /// What proves at a shared phone that it is they.
    pub pin: Option<Secret>,
    /// How many calls they may be on at once.
    pub max_calls: usize,
    /// Phones at fixed addresses.
    pub contacts: Vec<Target>,
    /// Addresses whose calls count as this agent's without credentials: those of fixed phones that
    /// have no password.
    pub trusted: Vec<IpAddr>,
    /// Whether the audio of the agent's phones is encrypted.
    pub encryption: Encryption,
}

/// The whole plan.
#[derive(Debug)]
pub struct Plan {
    /// The organisation's name.
    pub organisation: String,
    /// The zone's IANA name.
    pub time_zone: String,
    /// Signalling.
    pub endpoint: EndpointSettings,
    /// The queue.
    pub acd: AcdPlan,
    /// What is dialled to flow: numbers as they compare, see [`canonical`].
    pub numbers: BTreeMap<String, Service>,
    /// What may be spoken with everybody for whom nothing else is said.
    pub codecs: Codecs,
    /// Whether strangers may ring them.
    pub anonymous_calls: bool,
    /// What agents dial, and name as targets of transfers.
    pub dial: DialPlan,
    /// Trunks, and calls to the outside.
    pub trunks: TrunkPlan,
    /// Flows.
    pub flows: Arc<Flows>,
    /// What callers' words are understood with; none if no intents are declared.
    pub understanding: Option<Arc<Understanding>>,
    /// For how long it is remembered what numbers rang about, in microseconds; 0 if it is not.
    pub history_us: u64,
    /// Whether callers are listened to.
    pub hears: bool,
    /// Whether a language model is asked what unclear words mean.
    pub opinions: bool,
    /// What flows can ask.
    pub backends: BTreeMap<BackendName, BackendSettings>,
    /// What callers can be sent.
    pub notifications: NotificationSettings,
    /// What callers hear who wait in a flow.
    pub music: PromptName,
    /// What would be said before answers and has no recording yet: it is left out.
    pub unspoken: BTreeSet<PromptName>,
    /// Agents.
    pub agents: BTreeMap<AgentId, AgentPlan>,
    /// Phones that agents share.
    pub phones: BTreeMap<PhoneName, PhonePlan>,
    /// What agents dial.
    pub star_codes: StarCodes,
    /// How long people are rung by name.
    pub transfers: TransferSettings,
    /// What advisers can say of conversations.
    pub wrap_up: WrapUpSettings,
    /// Which calls are recorded.
    pub recorded: Arc<Policy>,
    /// What is refused beyond.
    pub limits: LimitSettings,
}

impl Plan {
    /// Puts settings to work. `listeners` are the addresses that peers are told, in the order of
    /// the settings' listeners.
    pub fn new(
        settings: &Settings,
        flows: Flows,
        acd: AcdPlan,
        listeners: Vec<Listener>,
    ) -> Result<Plan, PlanError> {
        let mut told = listeners.iter().map(|listener| listener.advertised);
        if let Some(address) = told.find(|address| address.ip().is_unspecified()) {
            return Err(PlanError::Unspecified(address));
        }
        let realm = &settings.sip.realm;
        let codecs = Codecs::new(settings.rtp.codecs.iter().copied());
        let mut accounts = BTreeMap::new();
        let mut agents = BTreeMap::new();
        for (id, agent) in &settings.agents {
            let secrets = (agent.password.as_ref(), agent.ha1.as_ref());
            if let Some(account) = account(id.as_str(), realm, secrets) {
                accounts.insert(id.as_str().to_owned(), account);
            }
            let reach = (agent.contacts.as_slice(), agent.srtp);
            let PhonePlan { contacts, trusted, encryption } =
                phones_of(id.as_str(), secrets, reach, (&listeners, codecs))?;
            let plan = AgentPlan {
                name: agent.name.clone(),
                is_named: agent.spoken_name.is_some(),
                extension: agent.extension.clone(),
                next_phone: agent.next_phone_s.map(|s| Duration::from_secs(u64::from(s))),
                pin: agent.pin.clone(),
                max_calls: agent.max_calls.unwrap_or(MOST_CALLS) as usize,
                contacts,
                trusted,
                encryption,
            };
            agents.insert(id.clone(), plan);
        }
        let mut phones = BTreeMap::new();
        for (name, phone) in &settings.phones {
            let secrets = (phone.password.as_ref(), phone.ha1.as_ref());
            if let Some(account) = account(name.as_str(), realm, secrets) {
                accounts.insert(name.as_str().to_owned(), account);
            }
            let reach = (phone.contacts.as_slice(), phone.srtp);
            let plan = phones_of(name.as_str(), secrets, reach, (&listeners, codecs))?;
            phones.insert(name.clone(), plan);
        }
        let shared = phones.values().flat_map(|phone: &PhonePlan| &phone.contacts);
        let fixed = agents.values().flat_map(|agent: &AgentPlan| &agent.contacts).chain(shared);
        let guard = super::guard::settings(
            &settings.guard,
            &settings.trunks,
            fixed.map(|target| target.to.ip()),
        );
        for trunk in settings.trunks.values().filter(|trunk| trunk.inbound == Inbound::Digest) {
            if let (Some(user), Some(password)) = (&trunk.username, &trunk.password) {
                let ha1 = |algorithm| ha1(algorithm, user, realm, password.reveal());
                let account = Account {
                    ha1_md5: Some(ha1(Algorithm::Md5)),
                    ha1_sha256: Some(ha1(Algorithm::Sha256)),
                    calls_only: true,
                };
                accounts.insert(user.clone(), account);
            }
        }
        let calling = settings.agents.iter().map(|(id, agent)| {
            let (may_call, never_call) = (agent.may_call.clone(), agent.never_call.clone());
            let own = CallingSettings { may_call, never_call, ..CallingSettings::default() };
            let role = agent.role.as_ref().and_then(|role| settings.outbound.roles.get(role));
            (id.clone(), own.with(role))
        });
        let roles = settings.agents.iter();
        let roles = roles.filter_map(|(id, agent)| Some((id.clone(), agent.role.clone()?)));
        let outbound = &settings.outbound;
        Ok(Plan {
            unspoken: BTreeSet::new(),
            trunks: TrunkPlan::new(
                &settings.trunks,
                outbound,
                (calling.collect(), roles.collect()),
                &listeners,
            ),
            organisation: settings.organisation.clone(),
            time_zone: settings.time_zone.clone(),
            endpoint: EndpointSettings {
                listeners,
                realm: realm.clone(),
                product: concat!("switchboard/", env!("CARGO_PKG_VERSION")).to_owned(),
                expires_s: (settings.sip.min_expires_s, settings.sip.max_expires_s),
                session_s: settings.sip.session_s,
                accounts,
                guard,
            },
            acd,
            anonymous_calls: settings.sip.anonymous_calls,
            numbers: settings
                .numbers
                .iter()
                .map(|(number, to)| (canonical(number), to.clone()))
                .collect(),
            dial: DialPlan::new(settings),
            flows: Arc::new(flows),
            understanding: None,
            history_us: u64::from(settings.history.within_h) * 3_600_000_000,
            hears: false,
            opinions: false,
            backends: settings.backends.clone(),
            notifications: settings.notifications.clone(),
            music: default_music(),
            agents,
            phones,
            codecs,
            star_codes: settings.star_codes.clone(),
            transfers: settings.transfers.clone(),
            wrap_up: settings.wrap_up.clone(),
            recorded: Arc::new(policy(&settings.recording)),
            limits: settings.limits.clone(),
        })
    }

    /// Whether the audio of an agent's phones is encrypted.
    pub fn encryption_of(&self, agent: &AgentId) -> Encryption {
        self.agents.get(agent).map_or(Encryption::default(), |agent| agent.encryption)
    }

    /// On what terms the audio of a peer is carried whose signalling comes over `listener`.
    pub fn terms(&self, encryption: Encryption, listener: ListenerId) -> Terms {
        let listener = self.endpoint.listeners.get(usize::from(listener.0));
        let private = listener.is_some_and(|l| l.protocol.is_secure());
        Terms { encryption, private, codecs: self.codecs }
    }

    /// On what terms the audio of a trunk is carried.
    pub fn trunk_terms(&self, trunk: &TrunkSettings, listener: ListenerId) -> Terms {
        let own = trunk.codecs.as_ref().map(|codecs| Codecs::new(codecs.iter().copied()));
        let terms = self.terms(trunk.srtp, listener);
        Terms { codecs: own.unwrap_or(terms.codecs), ..terms }
    }

    /// Every codec that anybody may be spoken to in.
    pub fn spoken(&self) -> Vec<Codec> {
        let trunks = self.trunks.trunks.values().filter_map(|trunk| trunk.codecs.as_ref());
        Codecs::new(self.codecs.iter().chain(trunks.flatten().copied())).iter().collect()
    }

    /// The longest that any call may last.
    pub fn longest_call(&self) -> Duration {
        Duration::from_secs(u64::from(self.limits.call_s))
    }

    /// Every prompt and piece of music that can be played.
    pub fn sounds(&self) -> Vec<PromptName> {
        let mut names = flow::prompts(&self.flows);
        names.extend(StarCode::prompts());
        if !self.phones.is_empty() {
            names.extend(super::desks::prompts());
        }
        // Where no trunk is, nobody is rung back.
        if !self.trunks.trunks.is_empty() {
            names.extend(callback_prompts());
            names.extend(forbidden_prompts());
        }
        names.push(self.music.clone());
        names.extend(self.acd.queues.values().map(|queue| queue.music.clone()));
        names.extend(self.recorded.announcement.clone());
        names.extend(self.preface_sounds());
        names.sort();
        names.dedup();
        names.retain(|name| !self.unspoken.contains(name));
        names
    }

    fn served_by(&self, queue: &crate::id::QueueName) -> Vec<AgentId> {
        let agents = self.acd.agents.keys();
        agents.filter(|agent| self.acd.serves(agent, queue)).cloned().collect()
    }

    fn wrap_up_in_force(&self) -> WrapUpInForce {
        const DAY_US: u64 = 86_400 * 1_000_000;
        let of = |settings| {
            let codes = self.wrap_up.codes_of(Some(settings)).cloned().collect();
            QueueWrapUpInForce { codes, required: settings.wrap_up_required }
        };
        let queues = self.acd.queues.iter();
        WrapUpInForce {
            codes: self.wrap_up.codes.clone(),
            queues: queues.map(|(queue, settings)| (queue.clone(), of(settings))).collect(),
            repeat_us: u64::from(self.wrap_up.repeat_days) * DAY_US,
        }
    }

    fn away_in_force(&self) -> BTreeMap<AwayReason, AwayInForce> {
        let of = |away: &AwaySettings| AwayInForce {
            title: away.title.clone(),
            limit_us: away.limit_s.map(|limit_s| u64::from(limit_s) * 1_000_000),
            at_once: away.at_once.map(|at_once| at_once as u64),
        };
        let declared = self.acd.away.iter().filter(|(name, away)| {
            // What everybody knows without being told.
            name.can_be_chosen() || **away != AwaySettings::titled(&away.title)
        });
        declared.map(|(name, away)| (name.clone(), of(away))).collect()
    }

    /// What the figures need to know, for the journal.
    pub fn in_force(&self) -> SystemEvent {
        const SECOND_US: u64 = 1_000_000;
        SystemEvent::SettingsInForce {
            bulletins: flow::bulletins(&self.flows).into_iter().collect(),
            wrap_up: self.wrap_up_in_force(),
            away: self.away_in_force(),
            phones: self.phones.keys().cloned().collect(),
            organisation: self.organisation.clone(),
            time_zone: self.time_zone.clone(),
            history_us: self.history_us,
            queues: self
                .acd
                .queues
                .iter()
                .map(|(queue, settings)| QueueSettingsInForce {
                    queue: queue.clone(),
                    title: settings.title.clone(),
                    standard_us: u64::from(settings.standard_s) * SECOND_US,
                    short_abandon_us: u64::from(settings.short_abandon_s) * SECOND_US,
                    served_by: self.served_by(queue),
                    last_agent_within_us: settings.last_agent_within_us(),
                })
                .collect(),
            agents: self
                .agents
                .iter()
                .map(|(id, agent)| (id.clone(), agent.name.clone()))
                .collect(),
        }
    }
}

fn policy(settings: &RecordingSettings) -> Policy {
    let share = |portion: Portion| Share(portion.ten_thousandths());
    let queues = settings
        .queues
        .iter()
        .filter_map(|(queue, one)| one.record.map(|record| (queue.clone(), share(record))));
    Policy {
        otherwise: share(settings.record),
        queues: queues.collect(),
        flows: settings.flows.iter().map(|(flow, one)| (flow.clone(), share(one.record))).collect(),
        announcement: settings.announcement.clone(),
    }
}

/// What a phone proves itself with.
type Secrets<'a> = (Option<&'a Secret>, Option<&'a Ha1Settings>);

fn account(name: &str, realm: &str, secrets: Secrets<'_>) -> Option<Account> {
    match secrets {
        (Some(password), _) => {
            let ha1 = |algorithm| ha1(algorithm, name, realm, password.reveal());
            Some(Account {
                ha1_md5: Some(ha1(Algorithm::Md5)),
                ha1_sha256: Some(ha1(Algorithm::Sha256)),
                calls_only: false,
            })
        }
        (None, Some(ha1)) => Some(Account {
            ha1_md5: ha1.md5.as_ref().map(|hash| hash.reveal().to_ascii_lowercase()),
            ha1_sha256: ha1.sha256.as_ref().map(|hash| hash.reveal().to_ascii_lowercase()),
            calls_only: false,
        }),
        (None, None) => None,
    }
}

/// Phones of one name. Those at fixed addresses without a secret are known by their address.
fn phones_of(
    name: &str,
    secrets: Secrets<'_>,
    (contacts, encryption): (&[String], Encryption),
    (listeners, codecs): (&[Listener], Codecs),
) -> Result<PhonePlan, PlanError> {
    let contacts = contacts.iter().map(|contact| {
        target(contact, listeners, encryption, codecs)
            .ok_or_else(|| PlanError::Contact { agent: name.into(), contact: contact.clone() })
    });
    let contacts = contacts.collect::<Result<Vec<Target>, _>>()?;
    let trusted = match secrets {
        (None, None) => contacts.iter().map(|contact| contact.to.ip()).collect(),
        (Some(_), _) | (None, Some(_)) => Vec::new(),
    };
    Ok(PhonePlan { contacts, trusted, encryption })
}

/// A fixed contact, rung over the first listener of its protocol and address family.
fn target(
    contact: &str,
    listeners: &[Listener],
    encryption: Encryption,
    codecs: Codecs,
) -> Option<Target> {
    let uri = Uri::parse(contact.as_bytes()).ok()?;
    let sip = uri.as_sip()?;
    let protocol = Protocol::towards(sip);
    let to = SocketAddr::new(sip.host.ip()?, sip.port.unwrap_or(protocol.default_port()));
    let listener = listener_towards(listeners, protocol, to.ip(), None)?;
    let terms = Terms { encryption, private: protocol.is_secure(), codecs };
    Some(Target { uri: contact.to_owned(), to, listener, terms, trunk: None })
}
