//! What trunks are asked by themselves: whether they live (OPTIONS), and to know where we are
//! (REGISTER).

use std::time::Duration;

use crate::id::TrunkName;
use crate::sip::endpoint::{OutOfDialog, OutOfDialogMethod, RequestId, Response};
use crate::sip::transport::Listener;
use crate::time::Time;

use super::health::is_alive;
use super::outward::login;
use super::registration::{Registration, Step};
use super::servers::{Place, Server};
use super::settings::TrunkSettings;
use super::{Change, Due, Purpose, TrunkOutput, Trunks, shown};

/// A server that has not answered OPTIONS for so long does not live; SIP itself would wait for 32
/// seconds, while callers wait too.
const PATIENCE: Duration = Duration::from_secs(8);

impl Trunks {
    /// An answer has come.
    pub fn answered(&mut self, now: Time, id: RequestId, response: &Response) {
        match self.asked.remove(&id) {
            Some(Purpose::Question(trunk, place)) => {
                let state = self.states.get_mut(&trunk);
                let health = state.and_then(|state| state.health.get_mut(&place));
                // Whoever was given up already is believed when the next answer comes.
                if let Some(health) = health.filter(|health| health.asking == Some(id)) {
                    health.asking = None;
                    self.due.cancel(&Due::Patience(trunk.clone(), place));
                    self.heard(now, &trunk, place, response.status);
                }
            }
            Some(Purpose::Register(trunk)) => self.register_answered(now, &trunk, id, response),
            Some(Purpose::Farewell) | None => {}
        }
    }

    fn ask(&mut self, purpose: Purpose) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.asked.insert(id, purpose);
        id
    }

    // ---- does it live? -----------------------------------------------------------------------

    pub(super) fn question(&mut self, now: Time, trunk: TrunkName, place: Place) {
        let Some((settings, listener, server)) = self.reach(&trunk, place) else { return };
        let Some(host) = settings.hosts.get(server.host) else { return };
        let us = listener.contact("", false).to_string();
        let request = OutOfDialog {
            id: RequestId(0),
            method: OutOfDialogMethod::Options,
            listener: server.listener,
            to: place.1,
            uri: host.uri("", place.0),
            from_uri: us,
            to_uri: host.uri("", place.0),
            contact_user: String::new(),
            expires_s: None,
            call_id: None,
            cseq: 1,
            login: login(&settings),
        };
        let id = self.ask(Purpose::Question(trunk.clone(), place));
        if let Some(state) = self.states.get_mut(&trunk)
            && let Some(health) = state.health.get_mut(&place)
        {
            health.asking = Some(id);
        }
        self.due.set(Due::Patience(trunk, place), now + PATIENCE);
        self.out.push_back(TrunkOutput::Request(OutOfDialog { id, ..request }));
    }

    pub(super) fn give_up_on(&mut self, now: Time, trunk: &TrunkName, place: Place) {
        let state = self.states.get_mut(trunk);
        if let Some(health) = state.and_then(|state| state.health.get_mut(&place)) {
            health.asking = None;
            self.heard(now, trunk, place, 408);
        }
    }

    /// A server has answered OPTIONS, or has not.
    fn heard(&mut self, now: Time, trunk: &TrunkName, place: Place, status: u16) {
        let Some(settings) = self.plan.trunks.get(trunk) else { return };
        let interval = Duration::from_secs(u64::from(settings.options_s));
        let state = self.states.get_mut(trunk);
        let Some(health) = state.and_then(|state| state.health.get_mut(&place)) else { return };
        let changed = health.heard(is_alive(status));
        let next = health.next_question(interval);
        if !interval.is_zero() {
            // Not all in the same instant, and not in step with others who ask.
            let tenth = u32::try_from(next.as_millis() / 10).unwrap_or(u32::MAX).max(1);
            let sooner = Duration::from_millis(u64::from(self.entropy.below(tenth)));
            self.due.set(Due::Question(trunk.clone(), place), now + (next - sooner));
        }
        if changed {
            self.tell(trunk, place, is_alive(status), status);
        }
    }

    /// A call was placed at a server, or could not be.
    pub(super) fn call_heard(&mut self, now: Time, trunk: &TrunkName, place: Place, status: u16) {
        let state = self.states.get_mut(trunk);
        let Some(health) = state.and_then(|state| state.health.get_mut(&place)) else { return };
        let alive = is_alive(status);
        let changed = if alive { health.call_placed() } else { health.call_failed(now) };
        if changed {
            self.tell(trunk, place, alive, status);
        }
        let question = Due::Question(trunk.clone(), place);
        if !alive && self.due.get(&question).is_some() {
            // What a call has found out is looked into at once.
            self.due.set(question, now);
        }
    }

    fn tell(&mut self, trunk: &TrunkName, place: Place, up: bool, status: u16) {
        let (trunk, server) = (trunk.clone(), shown(place));
        let change = Change::Server { trunk, server, up, status };
        self.out.push_back(TrunkOutput::Changed(change));
    }

    // ---- registration ------------------------------------------------------------------------

    /// Begins a round of registering: anew, or before the binding ends.
    pub(super) fn register(&mut self, now: Time, trunk: &TrunkName) {
        if self.closed {
            return;
        }
        let servers = self.servers_in_order(now, trunk).unwrap_or_default();
        let places = servers.iter().map(|server| server.place).collect();
        let Some((registration, entropy)) = self.registration(trunk) else { return };
        let step = registration.round(now, places, entropy);
        self.take_step(now, trunk, step);
        self.tell_registered(now, trunk, 408);
    }

    fn registration(
        &mut self,
        trunk: &TrunkName,
    ) -> Option<(&mut Registration, &mut crate::id::Entropy)> {
        let registration = self.states.get_mut(trunk)?.registration.as_mut()?;
        Some((registration, &mut self.entropy))
    }

    fn register_answered(
        &mut self,
        now: Time,
        trunk: &TrunkName,
        id: RequestId,
        response: &Response,
    ) {
        let Some((registration, entropy)) = self.registration(trunk) else { return };
        if registration.asking != Some(id) {
            return;
        }
        let step = registration.answered(now, response, entropy);
        if let Some(until) = registration.bound_until() {
            self.due.set(Due::Expiry(trunk.clone()), until);
        }
        self.take_step(now, trunk, step);
        self.tell_registered(now, trunk, response.status);
    }

    fn take_step(&mut self, now: Time, trunk: &TrunkName, step: Step) {
        match step {
            Step::At(at) => self.due.set(Due::Register(trunk.clone()), at),
            Step::Ask { place, expires_s } => {
                let Some(settings) = self.plan.trunks.get(trunk).cloned() else { return };
                match self.binding(trunk, &settings, place, expires_s) {
                    Some(request) => {
                        let id = self.ask(Purpose::Register(trunk.clone()));
                        if let Some((registration, _)) = self.registration(trunk) {
                            registration.asking = Some(id);
                        }
                        self.out.push_back(TrunkOutput::Request(OutOfDialog { id, ..request }));
                    }
                    // The server is gone from what the names say: as if it had not answered.
                    None => self.due.set(Due::Register(trunk.clone()), now + PATIENCE),
                }
            }
        }
    }

    /// The REGISTER.
    fn binding(
        &self,
        trunk: &TrunkName,
        settings: &TrunkSettings,
        place: Place,
        expires_s: u32,
    ) -> Option<OutOfDialog> {
        let state = self.states.get(trunk)?;
        let registration = state.registration.as_ref()?;
        let server = state.servers.iter().flatten().find(|server| server.place == place)?;
        let domain = settings.domain()?;
        let us = format!("sip:{}@{domain}", settings.username.as_deref()?);
        Some(OutOfDialog {
            id: RequestId(0),
            method: OutOfDialogMethod::Register,
            listener: server.listener,
            to: place.1,
            uri: format!("sip:{domain}"),
            from_uri: us.clone(),
            to_uri: us,
            contact_user: settings.contact_user()?,
            expires_s: Some(expires_s),
            call_id: Some(registration.call_id.clone()),
            cseq: registration.cseq,
            login: login(settings),
        })
    }

    pub(super) fn tell_registered(&mut self, now: Time, trunk: &TrunkName, status: u16) {
        let Some(state) = self.states.get_mut(trunk) else { return };
        let registered = state.registration.as_ref().is_some_and(|one| one.bound(now).is_some());
        if std::mem::replace(&mut state.registered, registered) != registered {
            let change = Change::Registered { trunk: trunk.clone(), registered, status };
            self.out.push_back(TrunkOutput::Changed(change));
        }
    }

    /// Gives a registration up, if there is one. `settings` are those that it was made with.
    pub(super) fn leave(&mut self, now: Time, trunk: &TrunkName, settings: &TrunkSettings) {
        let bound =
            self.states.get(trunk).and_then(|state| state.registration.as_ref()?.bound(now));
        let Some(place) = bound else { return };
        if let Some(request) = self.binding(trunk, settings, place, 0) {
            let id = self.ask(Purpose::Farewell);
            self.out.push_back(TrunkOutput::Request(OutOfDialog { id, ..request }));
        }
    }

    /// No new calls are wanted any more: every registration is given up, so that the carrier sends
    /// its calls elsewhere.
    pub fn close(&mut self, now: Time) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let trunks: Vec<_> =
            self.plan.trunks.iter().map(|(name, one)| (name.clone(), one.clone())).collect();
        for (name, settings) in trunks {
            self.leave(now, &name, &settings);
            self.due.cancel(&Due::Register(name.clone()));
            self.due.cancel(&Due::Expiry(name));
        }
    }

    /// How a server of a trunk is reached.
    fn reach(&self, trunk: &TrunkName, place: Place) -> Option<(TrunkSettings, Listener, Server)> {
        let settings = self.plan.trunks.get(trunk)?;
        let state = self.states.get(trunk)?;
        let server = state.servers.iter().flatten().find(|server| server.place == place)?;
        let listener = self.plan.listeners.get(usize::from(server.listener.0))?;
        Some((settings.clone(), listener.clone(), server.clone()))
    }
}
