//! Calls from outside: whose they are, who rings as far as that is believed, and what was dialled.

use crate::event::{Caller, RefusalReason, Through};
use crate::flow;
use crate::id::{CallId, FlowName, TrunkName};
use crate::number::{Dialled, Number, canonical};
use crate::sip::endpoint::{Authentication, IncomingInvite};
use crate::time::Time;
use crate::trunk::inward::{Busy, Identified, Origin};
use crate::trunk::settings::Service;

use super::Engine;
use super::limits::Priority;
use super::route::{Turned, kept};

impl Engine {
    /// The trunk of a call that no agent makes; none for a stranger's, if the settings let strangers
    /// in.
    pub(super) fn trunk_of(&self, invite: &IncomingInvite) -> Result<Option<TrunkName>, Turned> {
        let listener = self.plan.endpoint.listeners.get(usize::from(invite.listener.0));
        let user = match &invite.authentication {
            Authentication::User(user) => Some(user.as_str()),
            Authentication::None | Authentication::Wrong => None,
        };
        let origin = Origin {
            source: invite.source.ip(),
            protocol: listener.map(|listener| listener.protocol).unwrap_or_default(),
            called: &invite.called,
            user,
            certificate: self.endpoint.proved_names(invite.listener, invite.source),
        };
        let unproved = invite.authentication == Authentication::None;
        let name = invite.from_user.as_str();
        let claims = self.plan.agents.contains_key(name) || self.plan.phones.contains_key(name);
        match self.trunks.identify(&origin) {
            Identified::Trunk(trunk) => Ok(Some(trunk)),
            Identified::Unproved if unproved => Err(Turned::Challenge),
            Identified::Unproved => Err(Turned::Refuse(RefusalReason::NotAllowed)),
            Identified::Unknown if self.plan.anonymous_calls => Ok(None),
            // Whoever can prove to be an agent, or a trunk of no fixed address, may do so.
            Identified::Unknown if unproved && (claims || self.trunks.asks_strangers()) => {
                Err(Turned::Challenge)
            }
            Identified::Unknown => Err(Turned::Refuse(RefusalReason::UnknownSource)),
        }
    }

    /// What was dialled. A call to the contact of our registration is for whom To names.
    pub(super) fn dialled<'a>(
        &self,
        invite: &'a IncomingInvite,
        trunk: Option<&TrunkName>,
    ) -> &'a str {
        let contact =
            trunk.and_then(|trunk| self.trunks.settings(trunk)).and_then(|one| one.contact_user());
        match contact.as_deref() == Some(invite.called.as_str()) {
            true if !invite.to_user.is_empty() => &invite.to_user,
            true | false => &invite.called,
        }
    }

    /// The service that answers what was dialled: the trunk's own, or one of the settings'. What
    /// stands in front of a number for Relay UK is not part of it.
    pub(super) fn service_of(&self, trunk: Option<&TrunkName>, dialled: &str) -> Option<&Service> {
        let bare = || Dialled::read(dialled).number.canonical();
        let find = |number: &str| {
            let own = trunk.and_then(|trunk| self.trunks.service(trunk, number));
            own.or_else(|| self.plan.numbers.get(&canonical(number)))
        };
        find(dialled).or_else(|| find(&bare()))
    }

    /// The flow of a number of ours, whoever dials it.
    pub(super) fn flow_of(&self, trunk: Option<&TrunkName>, dialled: &str) -> Option<FlowName> {
        self.service_of(trunk, dialled).map(|service| service.flow.clone())
    }

    /// What a flow is told of a call that it leads from its beginning.
    pub(super) fn about_to(&self, now: Time, caller: Caller, called: &str) -> flow::About {
        let dialled = Dialled::read(called);
        // 18001 and 18002 can also stand in front of the caller's own number.
        let own = caller.number.as_deref().map(Dialled::read);
        let relay = dialled.relay.is_some() || own.is_some_and(|own| own.relay.is_some());
        let zone = &self.plan.acd.zone;
        let history = caller.number.as_deref().filter(|_| !caller.withheld);
        let history = history.map(|number| self.histories.of(number, self.wall.at(now)));
        flow::About {
            history: history.unwrap_or_default(),
            caller: caller.number,
            called: dialled.number.canonical(),
            relay,
            hears: self.plan.hears,
            now: self.wall.at(now).zoned(zone).datetime(),
        }
    }

    /// The same for a call that a flow leads later on.
    pub(super) fn about(&self, now: Time, id: CallId) -> flow::About {
        let (caller, called) = match self.calls.get(&id) {
            Some(governed) => (governed.call.caller().clone(), governed.called.as_str()),
            None => (Caller::default(), ""),
        };
        self.about_to(now, caller, called)
    }

    /// Through which trunk a call comes, for the journal.
    pub(super) fn through(&self, invite: &IncomingInvite, trunk: &TrunkName) -> Through {
        let settings = self.trunks.settings(trunk);
        let dialled = self.dialled(invite, Some(trunk));
        let service = self.service_of(Some(trunk), dialled);
        let organisation = service.and_then(|service| service.organisation.clone());
        let believed = settings.is_some_and(|settings| settings.trusted);
        let diverted = invite.told.diverted_from.as_deref().filter(|_| believed);
        Through {
            trunk: trunk.clone(),
            organisation: organisation
                .or_else(|| settings.and_then(|settings| settings.organisation.clone())),
            diverted_from: diverted.map(|number| kept(&canonical(number))),
        }
    }

    /// Who rings. What the network asserts counts for more than what the caller says, if it comes
    /// from a trunk that is believed (RFC 3325 section 5); whoever wants to be withheld is.
    pub(super) fn caller_of(&self, invite: &IncomingInvite, trunk: Option<&TrunkName>) -> Caller {
        let believed = self.believes(trunk);
        let asserted = invite.told.asserted.as_ref().filter(|_| believed);
        let said = &invite.caller;
        if said.withheld {
            return Caller { number: None, name: None, withheld: true };
        }
        let number = asserted.map(|one| one.user.as_str()).or(said.number.as_deref());
        let name = asserted.and_then(|one| one.name.as_deref()).or(said.name.as_deref());
        let number = number.map(|number| kept(&Number::read(number).canonical()));
        let said = |text: &String| !text.is_empty();
        Caller { number: number.filter(said), name: name.map(kept).filter(said), withheld: false }
    }

    /// What a call is weighed by.
    pub(super) fn priority_of(
        &self,
        invite: &IncomingInvite,
        trunk: Option<&TrunkName>,
    ) -> Priority {
        match invite.told.emergency && self.believes(trunk) {
            true => Priority::Marked,
            false => Priority::Ordinary,
        }
    }

    fn believes(&self, trunk: Option<&TrunkName>) -> bool {
        trunk.and_then(|trunk| self.trunks.settings(trunk)).is_some_and(|one| one.trusted)
    }
}

/// Why a trunk's call is refused that has no room for it.
pub(super) fn full(busy: Busy) -> RefusalReason {
    match busy {
        Busy::Full => RefusalReason::TrunkFull,
        Busy::TooFast => RefusalReason::TrunkTooFast,
    }
}
