//! Calls to the outside: who may have one, over which trunks and servers, and where next if one
//! cannot be placed (RFC 3263 section 4.3).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::event::OutboundRefusal;
use crate::id::{LegId, TrunkName};
use crate::number::class::Class;
use crate::number::{Dialled, Number, Relay};
use crate::sip::ListenerId;
use crate::sip::digest::Login;
use crate::sip::endpoint::{Identity as Asserted, InviteExtras};
use crate::sip::uri::Uri;
use crate::time::Time;

use super::guard::{Forbidden, OnBehalf};
use super::health::Life;
use super::servers::{Place, Server};
use super::settings::{CallingSettings, Identity, TrunkSettings};
use super::{Trunks, srv};

/// A call may be sent on (3xx) so often.
const MOST_REDIRECTS: u32 = 2;
/// A server from which nothing at all comes is given up after so long while others are left: SIP
/// itself would wait for 32 seconds, and so would the caller.
const PATIENCE: Duration = Duration::from_secs(4);
/// As many servers are tried for one call.
const MOST_ATTEMPTS: usize = 8;

/// One way to place a call to the outside that may be made. There are several, the best first; the
/// next is tried when a server does not answer or says "not now".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// For whom.
    pub who: OnBehalf,
    /// Who is rung.
    pub number: Number,
    /// What kind of number that is.
    pub class: Class,
    /// Through which trunk.
    pub trunk: TrunkName,
    /// At which of its servers.
    pub place: Place,
    /// From which listener.
    pub listener: ListenerId,
    /// The Request-URI.
    pub uri: String,
    /// The user part of From.
    pub from_user: String,
    /// What else the INVITE says.
    pub extras: InviteExtras,
    /// The number that is shown instead of the trunk's.
    presented: Option<String>,
    /// How often it was sent on (3xx) already.
    redirects: u32,
}

impl Attempt {
    /// Where the INVITE goes.
    pub fn to(&self) -> SocketAddr {
        self.place.1
    }
}

impl From<Forbidden> for OutboundRefusal {
    fn from(why: Forbidden) -> Self {
        match why {
            Forbidden::Destination => OutboundRefusal::NotAllowed,
            Forbidden::TooMany => OutboundRefusal::TooMany,
            Forbidden::AtOnce => OutboundRefusal::AtOnce,
        }
    }
}

/// A call of ours on its way through a trunk.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) attempt: Arc<Attempt>,
    /// Something came back but 100.
    progressed: bool,
}

impl Trunks {
    /// Whether a dialled text may be rung for somebody, and where the call can be placed. Counts it
    /// as begun if so.
    pub fn route(
        &mut self,
        now: Time,
        dialled: &str,
        who: OnBehalf,
        presented: Option<&str>,
    ) -> Result<Vec<Attempt>, OutboundRefusal> {
        let Dialled { number, relay, present } = Dialled::read(dialled);
        let own = match &who {
            OnBehalf::Agent(agent) => self.plan.agents.get(agent),
            OnBehalf::Flow(flow) => self.plan.outbound.flows.get(flow),
        };
        if self.is_role_full(&who) && Class::of(&number) != Class::Emergency {
            return Err(OutboundRefusal::RoleFull);
        }
        let class = self.guard.pass(now, &self.plan.outbound, own, &who, &number)?;
        let withheld = present == Some(false);
        let emergency = class == Class::Emergency;
        // The carrier finds the building of an emergency by the trunk's own number.
        let presented = presented.or_else(|| own.and_then(|own| own.number.as_deref()));
        let presented = presented.filter(|_| !emergency).map(str::to_owned);
        let mut attempts = Vec::new();
        let (mut any, mut live, mut full) = (false, false, false);
        for trunk in self.in_order(emergency) {
            let Some(servers) = self.servers_in_order(now, &trunk) else { continue };
            any = true;
            let up = |server: &&Server| emergency || self.life(&trunk, server.place) != Life::Down;
            let servers: Vec<&Server> = servers.iter().filter(up).collect();
            live |= !servers.is_empty();
            let room = emergency || self.has_line_out(&trunk) && self.has_room(now, &trunk);
            if !servers.is_empty() && !room {
                full = true;
                continue;
            }
            let call = Wanted {
                who: &who,
                number: &number,
                relay,
                class,
                withheld,
                presented: presented.as_deref(),
                redirects: 0,
            };
            attempts.extend(servers.into_iter().filter_map(|at| self.attempt(&trunk, at, &call)));
        }
        if attempts.is_empty() {
            return Err(match (any, live, full) {
                (_, _, true) => OutboundRefusal::TrunkFull,
                (true, ..) => OutboundRefusal::TrunksDown,
                (false, ..) => OutboundRefusal::NoTrunk,
            });
        }
        if emergency {
            // A server that seems to be down is better than none, and worse than any other.
            attempts.sort_by_key(|one| self.life(&one.trunk, one.place) == Life::Down);
        }
        attempts.truncate(MOST_ATTEMPTS);
        // Only who is asked last is waited for as long as SIP waits.
        if let Some((_, others)) = attempts.split_last_mut() {
            for attempt in others {
                attempt.extras.patience = Some(PATIENCE);
            }
        }
        Ok(attempts)
    }

    /// Whether what somebody dials may be rung for them, however often it was and whatever trunks live.
    pub fn may_ring(&self, who: &OnBehalf, dialled: &str) -> bool {
        self.may_dial(who, &Dialled::read(dialled).number)
    }

    /// Whether a number may be dialled for somebody, however often it was and whatever trunks live.
    pub fn may_dial(&self, who: &OnBehalf, number: &Number) -> bool {
        self.guard.allows(&self.plan.outbound, self.own_rules(who), number).is_ok()
    }

    /// Whether there is a trunk that takes calls from us, whether it lives now or not.
    pub fn has_way_out(&self) -> bool {
        let takes = |name: &TrunkName| {
            self.plan.trunks.get(name).is_some_and(|trunk| !trunk.hosts.is_empty())
        };
        self.in_order(false).iter().any(takes)
    }

    /// Whether the agents of somebody's role have as many calls as they may have together.
    fn is_role_full(&self, who: &OnBehalf) -> bool {
        let OnBehalf::Agent(agent) = who else { return false };
        let lines = self.plan.agents.get(agent).and_then(|own| own.lines);
        let Some(role) = self.plan.roles.get(agent) else { return false };
        let up = || self.guard.up(|other| self.plan.roles.get(other) == Some(role));
        lines.is_some_and(|lines| up() >= usize::try_from(lines).unwrap_or(usize::MAX))
    }

    /// Whether one more call to the outside leaves a trunk the lines that are kept for callers.
    fn has_line_out(&self, trunk: &TrunkName) -> bool {
        let most = self.plan.trunks.get(trunk).and_then(|trunk| trunk.outbound_calls);
        let up = || self.outgoing.values().filter(|one| one.attempt.trunk == *trunk).count();
        most.is_none_or(|most| up() < most)
    }

    fn own_rules(&self, who: &OnBehalf) -> Option<&CallingSettings> {
        match who {
            OnBehalf::Agent(agent) => self.plan.agents.get(agent),
            OnBehalf::Flow(flow) => self.plan.outbound.flows.get(flow),
        }
    }

    /// The trunks that take calls from us, in the order in which they are tried.
    fn in_order(&self, emergency: bool) -> Vec<TrunkName> {
        let listed = &self.plan.outbound.trunks;
        let mut names: Vec<TrunkName> = match listed.is_empty() {
            true => self.plan.trunks.keys().cloned().collect(),
            false => listed.clone(),
        };
        if emergency {
            // Those that the list leaves out can still save somebody.
            let others = self.plan.trunks.keys().filter(|name| !listed.contains(name));
            names.extend(others.filter(|_| !listed.is_empty()).cloned());
            let first = |name: &TrunkName| self.plan.trunks.get(name).is_none_or(|t| !t.emergency);
            names.sort_by_key(first);
        }
        names
    }

    /// A trunk's servers in the order in which they are tried (RFC 2782), those that live first; none
    /// for a trunk without hosts.
    pub(super) fn servers_in_order(&mut self, now: Time, trunk: &TrunkName) -> Option<Vec<Server>> {
        let state = self.states.get(trunk)?;
        if self.plan.trunks.get(trunk).is_none_or(|settings| settings.hosts.is_empty()) {
            return None;
        }
        let servers = state.servers.iter().flatten().cloned().collect();
        let rank = |server: &Server| {
            let health = state.health.get(&server.place);
            (health.map(|health| health.rank(now)), server.host, server.priority)
        };
        Some(srv::order(servers, rank, |server| server.weight, &mut self.entropy))
    }

    fn life(&self, trunk: &TrunkName, place: Place) -> Life {
        let health = self.states.get(trunk).and_then(|state| state.health.get(&place));
        health.map_or(Life::Unknown, super::health::Health::life)
    }

    fn attempt(&self, trunk: &TrunkName, server: &Server, call: &Wanted<'_>) -> Option<Attempt> {
        let settings = self.plan.trunks.get(trunk)?;
        let host = settings.hosts.get(server.host)?;
        let written = call.number.written(settings.send);
        let user = match (call.class, call.relay) {
            (Class::Emergency, _) => written,
            (_, None) => format!("{}{written}", settings.prefix),
            // Behind a prefix of Relay UK a number is written as it is dialled.
            (_, Some(relay)) => {
                format!("{}{}{}", settings.prefix, relay.prefix(), call.number.national())
            }
        };
        Some(Attempt {
            who: call.who.clone(),
            number: call.number.clone(),
            class: call.class,
            trunk: trunk.clone(),
            place: server.place,
            listener: server.listener,
            uri: host.uri(&user, server.place.0),
            from_user: match call.withheld {
                true => "anonymous".to_owned(),
                false => shown(settings, call.presented),
            },
            extras: self.extras(settings, call.withheld, call.presented),
            presented: call.presented.map(str::to_owned),
            redirects: call.redirects,
        })
    }

    fn extras(
        &self,
        settings: &TrunkSettings,
        withheld: bool,
        presented: Option<&str>,
    ) -> InviteExtras {
        let asserted = match settings.identity {
            Identity::From => None,
            Identity::Pai => Some(Asserted { user: shown(settings, presented), name: None }),
        };
        InviteExtras {
            from_host: settings.domain(),
            asserted,
            withheld,
            login: login(settings),
            ..InviteExtras::default()
        }
    }

    // ---- on the way --------------------------------------------------------------------------

    /// A call is placed now: it counts against its trunk until [`Trunks::release`].
    pub fn begin(&mut self, now: Time, leg: LegId, attempt: Arc<Attempt>) {
        self.guard.began(&attempt.who, leg);
        self.count(now, &attempt.trunk);
        self.occupy(&attempt.trunk, leg);
        self.outgoing.insert(leg, Outgoing { attempt, progressed: false });
    }

    /// Something came back for it but 100, or it was answered: its server lives.
    pub fn progressed(&mut self, now: Time, leg: LegId) {
        let Some(outgoing) = self.outgoing.get_mut(&leg) else { return };
        if !std::mem::replace(&mut outgoing.progressed, true) {
            let attempt = outgoing.attempt.clone();
            self.call_heard(now, &attempt.trunk, attempt.place, 180);
        }
    }

    /// It failed with a final status. A server that does not answer, or says "not now", is passed
    /// over for a while.
    pub fn failed(&mut self, now: Time, leg: LegId, status: u16) {
        let Some(outgoing) = self.outgoing.get(&leg) else { return };
        // 408 after ringing is the called person's, who did not answer.
        if !outgoing.progressed {
            let attempt = outgoing.attempt.clone();
            self.call_heard(now, &attempt.trunk, attempt.place, status);
        }
    }

    /// It was sent elsewhere (3xx): where it may be placed instead, if the guard lets it and the
    /// place is one of the trunk's own.
    pub fn redirected(&self, leg: LegId, contacts: &[String]) -> Option<Attempt> {
        let before = &self.outgoing.get(&leg)?.attempt;
        if before.redirects >= MOST_REDIRECTS {
            return None;
        }
        contacts.iter().find_map(|contact| self.follow(before, contact))
    }

    fn follow(&self, before: &Attempt, contact: &str) -> Option<Attempt> {
        let uri = Uri::parse(contact.as_bytes()).ok()?;
        let Dialled { number, relay, .. } = Dialled::read(&uri.user()?);
        let own = self.own_rules(&before.who);
        let class = self.guard.allows(&self.plan.outbound, own, &number).ok()?;
        let state = self.states.get(&before.trunk)?;
        let settings = self.plan.trunks.get(&before.trunk)?;
        let wanted = uri.host()?;
        let mut servers = state.servers.iter().flatten();
        let server = servers.find(|server| {
            let named = settings.hosts.get(server.host).map(super::host::TrunkHost::host);
            let by_name = named.is_some_and(|host| host.equivalent(wanted));
            by_name || wanted.ip() == Some(server.place.1.ip())
        })?;
        let withheld = before.extras.withheld;
        let redirects = before.redirects + 1;
        let who = &before.who;
        let presented = before.presented.as_deref();
        let call = Wanted { who, number: &number, relay, class, withheld, presented, redirects };
        self.attempt(&before.trunk, server, &call)
    }
}

/// A call that is to be placed.
struct Wanted<'a> {
    who: &'a OnBehalf,
    number: &'a Number,
    relay: Option<Relay>,
    class: Class,
    withheld: bool,
    presented: Option<&'a str>,
    redirects: u32,
}

/// The number that is shown, as the trunk writes numbers.
fn shown(settings: &TrunkSettings, presented: Option<&str>) -> String {
    if let Some(number) = presented {
        return Number::read(number).written(settings.send);
    }
    let number = settings.number.as_deref().or(settings.username.as_deref());
    number.map_or_else(
        || "anonymous".to_owned(),
        |number| match settings.number {
            Some(_) => Number::read(number).written(settings.send),
            None => number.to_owned(),
        },
    )
}

/// What a challenge is answered with.
pub(super) fn login(settings: &TrunkSettings) -> Option<Login> {
    let (user, password) = (settings.username.clone()?, settings.password.as_ref()?);
    Some(Login { user, password: password.reveal().to_owned() })
}
