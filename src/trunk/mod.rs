//! Trunks: the ways to the telephone network and to other switchboards.
//!
//! [`Trunks`] knows where each trunk is ([`servers`], from what [`names`] has learnt), whether it
//! lives ([`health`]), keeps our [`registration`] there, says whose a call from outside is
//! ([`inward`]) and where a call to the outside can be placed ([`outward`]), once the toll [`guard`]
//! lets it. It does no IO: questions for the domain name system and SIP requests come out of
//! [`Trunks::poll_output`], answers go in.

pub mod guard;
pub mod health;
pub mod host;
pub mod inward;
pub mod names;
mod outward;
mod questions;
pub mod rate;
pub mod registration;
pub mod servers;
pub mod settings;
pub mod srv;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::id::{AgentId, Entropy, LegId, RoleName, TrunkName};
use crate::number;
use crate::sip::endpoint::{OutOfDialog, RequestId};
use crate::sip::transport::Listener;
use crate::time::{Deadlines, Time};

use self::guard::Guard;
use self::health::{Health, Life};
use self::host::TrunkHost;
use self::names::{Answer, Names, Query, ResolveError};
use self::rate::Bucket;
use self::registration::Registration;
use self::servers::{Place, Server};
use self::settings::{CallingSettings, OutboundSettings, Service, TrunkSettings};

pub use self::outward::Attempt;

/// Settings put to work.
#[derive(Debug, Clone, Default)]
pub struct TrunkPlan {
    /// Trunks.
    pub trunks: BTreeMap<TrunkName, TrunkSettings>,
    /// Each trunk's own numbers, as they compare.
    pub numbers: BTreeMap<TrunkName, BTreeMap<String, Service>>,
    /// Calls to the outside.
    pub outbound: OutboundSettings,
    /// What agents may dial, all of them.
    pub agents: BTreeMap<AgentId, CallingSettings>,
    /// What they are, those who are something.
    pub roles: BTreeMap<AgentId, RoleName>,
    /// Our listeners.
    pub listeners: Vec<Listener>,
}

impl TrunkPlan {
    /// The plan for these settings.
    pub fn new(
        trunks: &BTreeMap<TrunkName, TrunkSettings>,
        outbound: &OutboundSettings,
        (agents, roles): (BTreeMap<AgentId, CallingSettings>, BTreeMap<AgentId, RoleName>),
        listeners: &[Listener],
    ) -> Self {
        let compared = |trunk: &TrunkSettings| {
            let numbers = trunk.numbers.iter();
            numbers.map(|(number, to)| (number::canonical(number), to.clone())).collect()
        };
        TrunkPlan {
            numbers: trunks.iter().map(|(name, one)| (name.clone(), compared(one))).collect(),
            trunks: trunks.clone(),
            outbound: outbound.clone(),
            agents,
            roles,
            listeners: listeners.to_vec(),
        }
    }
}

/// What trunks want done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrunkOutput {
    /// Ask the domain name system; the answer goes to [`Trunks::resolved`].
    Resolve(Query),
    /// Send a request; the answer goes to [`Trunks::answered`].
    Request(OutOfDialog),
    /// The names that servers' certificates must have, by address.
    Names(BTreeMap<SocketAddr, Arc<str>>),
    /// Something that people want to know has changed.
    Changed(Change),
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A server lives, or does not any more.
    Server {
        /// Of which trunk.
        trunk: TrunkName,
        /// Which: protocol and address.
        server: String,
        /// Whether it lives.
        up: bool,
        /// The SIP status that told; 408 where nothing came.
        status: u16,
    },
    /// We are registered, or are not any more.
    Registered {
        /// With which trunk.
        trunk: TrunkName,
        /// Whether we are.
        registered: bool,
        /// The SIP status that told; 408 where nothing came.
        status: u16,
    },
}

/// How a trunk fares, for metrics and people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkStatus {
    /// Which.
    pub trunk: TrunkName,
    /// Its servers (protocol and address), and what is known of them.
    pub servers: Vec<(String, Life)>,
    /// Whether we are registered; none if we do not register.
    pub registered: Option<bool>,
    /// Calls up, in and out.
    pub calls: usize,
}

/// What falls due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A server is asked whether it lives.
    Question(TrunkName, Place),
    /// It has been waited for long enough.
    Patience(TrunkName, Place),
    /// The registration is renewed, or tried again.
    Register(TrunkName),
    /// The registration has run out, unless it was renewed.
    Expiry(TrunkName),
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    Question(TrunkName, Place),
    Register(TrunkName),
    /// Nobody waits for the answer: a registration that is given up.
    Farewell,
}

/// A trunk as it is now.
#[derive(Debug)]
struct TrunkState {
    /// The servers behind each host. A host whose names lead nowhere keeps those known last.
    servers: Vec<Vec<Server>>,
    health: BTreeMap<Place, Health>,
    registration: Option<Registration>,
    /// What was said last of the registration.
    registered: bool,
    calls: BTreeSet<LegId>,
    rate: Bucket,
}

/// See the module.
#[derive(Debug)]
pub struct Trunks {
    plan: TrunkPlan,
    entropy: Entropy,
    names: Names,
    states: BTreeMap<TrunkName, TrunkState>,
    guard: Guard,
    /// Whose each leg through a trunk is.
    legs: BTreeMap<LegId, TrunkName>,
    /// Calls of ours.
    outgoing: BTreeMap<LegId, outward::Outgoing>,
    asked: BTreeMap<RequestId, Purpose>,
    requests: u64,
    due: Deadlines<Due>,
    /// What was said last of servers' names.
    named: BTreeMap<SocketAddr, Arc<str>>,
    /// No new calls are wanted: registrations are given up.
    closed: bool,
    out: VecDeque<TrunkOutput>,
}

impl Trunks {
    /// Trunks of which nothing is known yet.
    pub fn new(now: Time, plan: TrunkPlan, entropy: Entropy) -> Self {
        let mut trunks = Trunks {
            plan: TrunkPlan::default(),
            entropy,
            names: Names::default(),
            states: BTreeMap::new(),
            guard: Guard::default(),
            legs: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            asked: BTreeMap::new(),
            requests: 0,
            due: Deadlines::new(),
            named: BTreeMap::new(),
            closed: false,
            out: VecDeque::new(),
        };
        trunks.reconfigure(now, plan);
        trunks
    }

    /// Takes new settings. What is known of hosts that stay is kept, calls go on.
    pub fn reconfigure(&mut self, now: Time, plan: TrunkPlan) {
        let before = std::mem::replace(&mut self.plan, plan);
        let names: BTreeSet<TrunkName> =
            before.trunks.keys().chain(self.plan.trunks.keys()).cloned().collect();
        for name in names {
            let (old, new) = (before.trunks.get(&name), self.plan.trunks.get(&name).cloned());
            match (old, new) {
                (Some(old), Some(new)) => self.change(now, &name, old, &new),
                (None, Some(new)) => {
                    let state = self.fresh(now, &new);
                    self.states.insert(name.clone(), state);
                    if new.register.is_some() {
                        self.due.set(Due::Register(name), now);
                    }
                }
                (Some(old), None) => {
                    self.leave(now, &name, old);
                    let gone = self.states.remove(&name).map(|state| state.health);
                    for place in gone.iter().flat_map(BTreeMap::keys) {
                        self.forget(&name, *place);
                    }
                    self.due.cancel(&Due::Register(name.clone()));
                    self.due.cancel(&Due::Expiry(name));
                }
                (None, None) => {}
            }
        }
        let agents = &self.plan.agents;
        self.guard.retain(|agent| agents.contains_key(agent));
        self.look_around(now);
    }

    fn fresh(&mut self, now: Time, settings: &TrunkSettings) -> TrunkState {
        let wanted_s = settings.register.as_ref().map(|register| register.expires_s);
        TrunkState {
            servers: vec![Vec::new(); settings.hosts.len()],
            health: BTreeMap::new(),
            registration: wanted_s.map(|wanted_s| Registration::new(wanted_s, &mut self.entropy)),
            registered: false,
            calls: BTreeSet::new(),
            rate: Bucket::full(now, settings.calls_per_second.unwrap_or(0)),
        }
    }

    /// A trunk's settings have changed.
    fn change(&mut self, now: Time, name: &TrunkName, old: &TrunkSettings, new: &TrunkSettings) {
        let moved = old.hosts != new.hosts;
        let account = |one: &TrunkSettings| {
            (one.register.clone(), one.username.clone(), one.password.clone(), one.domain.clone())
        };
        let other_account = moved || account(old) != account(new);
        if other_account {
            self.leave(now, name, old);
        }
        let fresh = self.fresh(now, new);
        let Some(state) = self.states.get_mut(name) else { return };
        if moved {
            state.servers = fresh.servers;
        }
        if other_account {
            state.registration = fresh.registration;
            state.registered = false;
            match new.register {
                Some(_) => self.due.set(Due::Register(name.clone()), now),
                None => {
                    self.due.cancel(&Due::Register(name.clone()));
                }
            }
        }
    }

    // ---- names and servers -------------------------------------------------------------------

    /// The domain name system has answered.
    pub fn resolved(&mut self, now: Time, query: &Query, answer: Result<Answer, ResolveError>) {
        if self.names.answered(now, query, answer) {
            self.look_around(now);
        }
    }

    /// Wants the names that are needed, and finds the servers that are known.
    fn look_around(&mut self, now: Time) {
        let listeners = &self.plan.listeners;
        let hosts = || self.plan.trunks.values().flat_map(|trunk| &trunk.hosts);
        let wanted =
            hosts().flat_map(|host| servers::wanted(host, listeners, &self.names)).collect();
        self.names.want(now, &wanted);
        let trunks: Vec<TrunkName> = self.plan.trunks.keys().cloned().collect();
        for trunk in trunks {
            self.find_servers(now, &trunk);
        }
        self.name_servers();
        self.settle();
    }

    /// Says which name each server proves by its certificate: that of the host which led to it,
    /// whatever SRV records say (RFC 5922 section 4).
    fn name_servers(&mut self) {
        let mut named = BTreeMap::new();
        for (trunk, state) in &self.states {
            let Some(settings) = self.plan.trunks.get(trunk) else { continue };
            for server in state.servers.iter().flatten() {
                let host = settings.hosts.get(server.host).and_then(TrunkHost::name);
                if let Some(host) = host {
                    named.insert(server.place.1, Arc::from(host));
                }
            }
        }
        if named != self.named {
            self.named = named.clone();
            self.out.push_back(TrunkOutput::Names(named));
        }
    }

    fn find_servers(&mut self, now: Time, trunk: &TrunkName) {
        let (Some(settings), Some(state)) =
            (self.plan.trunks.get(trunk), self.states.get_mut(trunk))
        else {
            return;
        };
        for (at, host) in settings.hosts.iter().enumerate() {
            let found = servers::servers(at, host, &self.plan.listeners, &self.names);
            if let Some(known) = state.servers.get_mut(at).filter(|_| !found.is_empty()) {
                *known = found;
            }
        }
        let places: BTreeSet<Place> =
            state.servers.iter().flatten().map(|server| server.place).collect();
        let gone: Vec<Place> =
            state.health.keys().filter(|place| !places.contains(*place)).copied().collect();
        for place in &gone {
            state.health.remove(place);
        }
        let mut first_seen = false;
        for place in places {
            if let std::collections::btree_map::Entry::Vacant(vacant) = state.health.entry(place) {
                vacant.insert(Health::default());
                first_seen = true;
            }
            let asked = Due::Question(trunk.clone(), place);
            match settings.options_s {
                0 => {
                    self.due.cancel(&asked);
                }
                _ if self.due.get(&asked).is_none() => self.due.set(asked, now),
                _ => {}
            }
        }
        // A registration that found no server before is asked for as soon as there is one.
        let waits = state
            .registration
            .as_ref()
            .is_some_and(|one| one.asking.is_none() && one.bound(now).is_none());
        if first_seen && waits && !self.closed {
            self.due.set(Due::Register(trunk.clone()), now);
        }
        for place in gone {
            self.forget(trunk, place);
        }
    }

    /// A server is asked no more.
    fn forget(&mut self, trunk: &TrunkName, place: Place) {
        self.due.cancel(&Due::Question(trunk.clone(), place));
        self.due.cancel(&Due::Patience(trunk.clone(), place));
    }

    // ---- time --------------------------------------------------------------------------------

    /// Lets everything happen that is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.names.handle_timeout(now);
        while let Some((_, due)) = self.due.pop_due(now) {
            match due {
                Due::Question(trunk, place) => self.question(now, trunk, place),
                Due::Patience(trunk, place) => self.give_up_on(now, &trunk, place),
                Due::Register(trunk) => self.register(now, &trunk),
                Due::Expiry(trunk) => self.tell_registered(now, &trunk, 408),
            }
        }
        self.settle();
    }

    /// When [`Trunks::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.names.poll_timeout(), self.due.next()].into_iter().flatten().min()
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<TrunkOutput> {
        self.out.pop_front()
    }

    fn settle(&mut self) {
        while let Some(query) = self.names.poll_query() {
            self.out.push_back(TrunkOutput::Resolve(query));
        }
    }

    /// How all trunks fare.
    pub fn status(&self, now: Time) -> Vec<TrunkStatus> {
        let status = |(trunk, state): (&TrunkName, &TrunkState)| TrunkStatus {
            trunk: trunk.clone(),
            servers: state.health.iter().map(|(place, one)| (shown(*place), one.life())).collect(),
            registered: state.registration.as_ref().map(|one| one.bound(now).is_some()),
            calls: state.calls.len(),
        };
        self.states.iter().map(status).collect()
    }

    /// How many calls go through trunks, and how many requests wait for answers: zero when nothing
    /// goes on.
    pub fn held(&self) -> (usize, usize) {
        (self.legs.len() + self.outgoing.len(), self.asked.len())
    }
}

/// A server as people read it.
fn shown((protocol, at): Place) -> String {
    format!("{protocol}:{at}")
}
