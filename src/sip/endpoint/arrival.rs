//! An INVITE that begins a leg (RFC 3261 section 13.3.1).

use std::time::Duration;

use crate::event::Caller;
use crate::sip::dialog::Dialog;
use crate::sip::error::{HeaderError, Why};
use crate::sip::guard::Trust;
use crate::sip::header::{HeaderName, NameAddr};
use crate::sip::transaction::table::ServerKey;
use crate::sip::uri::{Host, Uri};
use crate::time::Time;

use super::abilities::Abilities;
use super::ending::MAX_FORWARDS;
use super::leg::{Leg, LegTimer, Stage, User, mark};
use super::response::Inbound;
use super::told::told;
use super::{Authentication, Endpoint, IncomingInvite, Reason, SipEvent};

/// The longest number and the longest name of a caller, in characters. They are shown on agents'
/// phones: an INVITE that is too long for one datagram of a network would reach none of them.
pub(super) const CALLER_LIMIT: usize = 64;

/// How long our user may think before the caller is told that we are at it (section 17.2.1).
const TRYING: Duration = Duration::from_millis(200);

impl Endpoint {
    pub(super) fn receive_invite(&mut self, now: Time, mut request: Inbound, key: ServerKey) {
        // Section 8.1.1.8: without a Contact no later request could reach the caller. A caller of
        // RFC 2543 is reached at its From.
        let contact = match request.message.contact() {
            Ok(contact) => contact.uri,
            Err(HeaderError { why: Why::Missing, .. })
                if !request.essentials.via.has_rfc3261_branch() =>
            {
                request.essentials.from.uri.clone()
            }
            Err(error) => {
                return self.refuse_bad(now, &request, &error.reason(), Reason::BadHeader);
            }
        };
        let mut route_set = match request.message.addresses(HeaderName::RecordRoute) {
            Ok(route_set) => route_set,
            Err(error) => {
                return self.refuse_bad(now, &request, &error.reason(), Reason::BadHeader);
            }
        };
        if !self.passes_accept(now, &request)
            || !self.passes_body(now, &request)
            || !self.passes_session(now, &request)
        {
            return;
        }
        if self.legs.len() >= self.limits.legs {
            return self.refuse_overload(now, &request, Reason::LegLimit);
        }
        let authentication = match self.authenticate(now, &request) {
            Ok(authentication) => authentication,
            Err(error) => {
                return self.refuse_bad(now, &request, &error.reason(), Reason::BadHeader);
            }
        };
        let Ok(replaces) = self.replaced_leg(now, &request) else { return };
        let trust = self.trust(now, &request);
        if trust == Trust::NoRoom {
            return self.refuse_overload(now, &request, Reason::UnprovenCalls);
        }
        // Section 12.1.1: for the called side the route set is in the order of Record-Route.
        route_set.iter_mut().for_each(strip_display);
        let id = self.entropy.leg_id();
        let essentials = &request.essentials;
        let dialog = Dialog {
            call_id: essentials.call_id.clone(),
            local: essentials.to.clone().with_tag(&self.entropy.token()),
            remote: essentials.from.clone(),
            local_seq: self.entropy.u32() >> 12,
            remote_seq: Some(essentials.cseq.seq),
            route_set,
            remote_target: contact,
            listener: request.listener,
            source: request.source,
            secure: request.asks_secure(),
            translated: essentials.via.is_translated(request.source),
        };
        let invite = IncomingInvite {
            leg: id,
            listener: request.listener,
            source: request.source,
            called: called(&request),
            to_user: essentials.to.uri.user().unwrap_or_default(),
            from_user: essentials.from.uri.user().unwrap_or_default(),
            caller: caller(&request),
            told: told(&request.message),
            replaces,
            hops_left: hops_left(&request),
            authentication,
            offer: request.offer(),
        };
        self.open(&mut request, key, User::Arrival(id));
        if let (Trust::OnTrial, Some(transaction)) = (trust, request.transaction) {
            self.transactions.hush(transaction);
        }
        self.timers.set((id, LegTimer::Trying), now + TRYING);
        self.dialogs.insert(dialog.id(), id);
        let mut peer = Abilities::default();
        peer.learn(&request.message);
        let heard = invite.offer.as_ref().map_or(0, |offer| mark(offer));
        let mut leg = Leg::new(dialog, Stage::Arriving(Box::new(request)));
        leg.peer = peer;
        leg.heard = heard;
        leg.called_from = Some(invite.source.ip());
        leg.on_trial = trust == Trust::OnTrial;
        leg.authenticated = matches!(invite.authentication, Authentication::User(_));
        self.legs.insert(id, Box::new(leg));
        self.events.push_back(SipEvent::Invite(invite));
    }
}

/// Section 16.6 item 3, as a proxy counts.
fn hops_left(request: &Inbound) -> u8 {
    let hops = request.message.max_forwards().ok().flatten().unwrap_or(MAX_FORWARDS);
    hops.min(MAX_FORWARDS).saturating_sub(1)
}

fn strip_display(route: &mut NameAddr) {
    route.display = None;
}

/// Whom the caller dialled: the user part of the Request-URI.
fn called(request: &Inbound) -> String {
    request.message.request_uri().ok().and_then(|uri| uri.user()).unwrap_or_default()
}

/// Who rings, as far as From and Privacy tell (RFC 3323 sections 4.1 and 4.2).
fn caller(request: &Inbound) -> Caller {
    let from = &request.essentials.from;
    let user = from.uri.user().filter(|user| !user.is_empty());
    let invalid = matches!(&from.uri, Uri::Sip(uri)
        if matches!(&uri.host, Host::Name(name) if name.eq_ignore_ascii_case("anonymous.invalid")));
    let anonymous = user.as_deref().is_some_and(|user| user.eq_ignore_ascii_case("anonymous"));
    if request.message.asks_privacy() || invalid || anonymous {
        return Caller { number: None, name: None, withheld: true };
    }
    let name = from.display.as_deref().map(str::trim).filter(|name| !name.is_empty());
    Caller {
        number: user.map(|user| user.chars().take(CALLER_LIMIT).collect()),
        name: name.map(|name| name.chars().take(CALLER_LIMIT).collect()),
        withheld: false,
    }
}
