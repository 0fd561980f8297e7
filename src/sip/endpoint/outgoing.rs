//! Calls that we make (RFC 3261 section 13.2): INVITE, its responses, forks, CANCEL.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::id::LegId;
use crate::sip::dialog::{Dialog, for_request};
use crate::sip::header::{Cause, Contacts, HeaderName, NameAddr, Params, Via};
use crate::sip::message::Message;
use crate::sip::method::Method;
use crate::sip::transaction::table::{Outgoing, Packet, Path, TransactionId};
use crate::sip::transaction::timers::GIVE_UP;
use crate::sip::transport::Listener;
use crate::sip::uri::{Host, SipUri, Uri};
use crate::sip::write::Draft;
use crate::time::Time;

use super::challenged::TRIES;
use super::early::Brings;
use super::ending::{Begun, MAX_FORWARDS, Prepared};
use super::invite::{Identity, InviteExtras};
use super::leg::{Calling, Cancel, Leg, LegTimer, Stage, User, mark};
use super::replies::Reply;
use super::response::{ALLOW, SDP, SUPPORTED};
use super::{Endpoint, OutgoingInvite, Reason, SipEvent};

/// The 2xx that an INVITE of ours got. It outlives the leg: a second phone may answer, or a 2xx come
/// again, when the call with the first is long over.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The dialog before any peer's tag was known; for a re-INVITE the dialog.
    dialog: Dialog,
    /// The dialogs of the phones that had said something.
    early: Vec<Dialog>,
    /// The ACK of each 2xx by its peer's tag, sent again when the 2xx comes again (section
    /// 13.2.2.4).
    acks: BTreeMap<String, Outgoing>,
}

impl Accepted {
    /// Nobody has answered yet.
    pub(super) fn new(dialog: Dialog) -> Accepted {
        Accepted { dialog, early: Vec::new(), acks: BTreeMap::new() }
    }
}

impl Endpoint {
    pub(super) fn send_invite(&mut self, now: Time, invite: OutgoingInvite) {
        let leg = invite.leg;
        let target = Uri::parse(invite.uri.as_bytes()).ok().map(|uri| for_request(&uri));
        let (Some(target), Some(listener)) = (target, self.listener(invite.listener).cloned())
        else {
            self.events.push_back(SipEvent::Failed { leg, status: 400, cause: None });
            return;
        };
        if self.legs.len() >= self.limits.legs
            || self.transactions.len() >= self.limits.transactions
            || self.legs.contains_key(&leg)
        {
            self.counters.reject(Reason::LegLimit.as_str());
            self.events.push_back(SipEvent::Failed { leg, status: 503, cause: None });
            return;
        }
        let dialog = Dialog {
            call_id: self.call_id(),
            local: self.caller_address(&invite, &listener),
            remote: NameAddr::new(
                invite
                    .extras
                    .to_uri
                    .as_ref()
                    .and_then(|uri| Uri::parse(uri.as_bytes()).ok())
                    .unwrap_or_else(|| address_of(&target)),
            ),
            local_seq: 1,
            remote_seq: None,
            route_set: Vec::new(),
            // Whoever registered from behind a translator is not rung where its contact says.
            translated: target.as_sip().is_some_and(|uri| {
                uri.host
                    .ip()
                    .is_some_and(|ip| SocketAddr::new(ip, uri.port_or_default()) != invite.to)
            }),
            remote_target: target.clone(),
            listener: invite.listener,
            source: invite.to,
            secure: target.as_sip().is_some_and(|uri| uri.secure),
        };
        let branch = self.branch_to(&target);
        let draft = Draft::request(&Method::Invite, &target)
            .header(HeaderName::Via, Via::ours(&listener, &branch))
            .header(HeaderName::MaxForwards, invite.extras.hops_left.unwrap_or(MAX_FORWARDS))
            .header(HeaderName::From, &dialog.local)
            .header(HeaderName::To, &dialog.remote)
            .header(HeaderName::CallId, &dialog.call_id)
            .header(HeaderName::CSeq, format_args!("{} INVITE", dialog.local_seq))
            .header(HeaderName::Contact, format_args!("<{}>", listener.contact("", dialog.secure)))
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Supported, SUPPORTED);
        let draft = self.propose_session(draft);
        let draft = with_extras(draft, &invite.extras, &listener)
            .header(HeaderName::UserAgent, &self.settings.product);
        let packet =
            Packet { method: "INVITE", status: 0, bytes: draft.finish_with(SDP, &invite.offer) };
        let path = Path { direct: !dialog.translated, ..self.path(invite.listener, invite.to) };
        let transaction = self.request(now, Prepared { branch, path, packet }, User::Invite(leg));
        let stage = Stage::Calling(Box::new(Calling {
            transaction,
            provisional: None,
            cancel: Cancel::No,
            tries: 0,
            patience: invite.extras.patience,
            early: Vec::new(),
        }));
        let mut new = Leg::new(dialog, stage);
        self.be_patient(now, leg, invite.extras.patience);
        new.login = invite.extras.login.map(Box::new);
        self.legs.insert(leg, Box::new(new));
    }

    /// From of a call that we make. A withheld caller gets the address of RFC 3323 section 4.1.
    fn caller_address(&mut self, invite: &OutgoingInvite, listener: &Listener) -> NameAddr {
        let mut uri = Uri::sip(&invite.from_user, listener.advertised);
        if let Uri::Sip(sip) = &mut uri {
            sip.port = None;
            sip.host = told_host(&invite.extras, listener);
            if invite.from_user.eq_ignore_ascii_case("anonymous") {
                sip.host = Host::Name("anonymous.invalid".to_owned());
            }
        }
        NameAddr::new(uri).with_display(&invite.from_display).with_tag(&self.entropy.token())
    }

    /// A response to the INVITE of a leg.
    pub(super) fn invite_replied(
        &mut self,
        now: Time,
        leg: LegId,
        id: TransactionId,
        reply: Reply,
    ) {
        match reply.status {
            ..200 => self.invite_proceeds(now, leg, id, &reply),
            200..300 => self.invite_accepted(now, leg, id, &reply),
            401 | 407 | 422 if self.invite_again(now, leg, id, &reply).is_some() => {}
            300..=399 => self.invite_redirected(leg, id, &reply),
            status => self.invite_failed(leg, id, status, reply.cause()),
        }
    }

    /// The INVITE again, with credentials (section 22.3) or for a longer session (RFC 4028 section
    /// 7.3): the leg stays, all else begins anew.
    fn invite_again(
        &mut self,
        now: Time,
        leg: LegId,
        id: TransactionId,
        reply: &Reply,
    ) -> Option<()> {
        let found = self.legs.get_mut(&leg)?;
        let Stage::Calling(calling) = &mut found.stage else { return None };
        calling.tries += 1;
        if calling.transaction != id || found.quiet || calling.tries >= TRIES {
            return None;
        }
        let seq = found.dialog.next_seq();
        let prepared = if reply.status == 422 {
            self.raise_session(id, reply, seq)?
        } else {
            let login = found.login.clone()?;
            self.answer_challenge(id, reply, &login, seq)?
        };
        let transaction = self.request(now, prepared, User::Invite(leg));
        self.unlist_early(leg);
        let Stage::Calling(calling) = &mut self.legs.get_mut(&leg)?.stage else { return Some(()) };
        let Calling { tries, patience, .. } = **calling;
        **calling = Calling {
            transaction,
            provisional: None,
            cancel: Cancel::No,
            tries,
            patience,
            early: Vec::new(),
        };
        self.be_patient(now, leg, patience);
        Some(())
    }

    /// How long nothing at all is waited for. Any provisional response, 100 included, sets it anew.
    fn be_patient(&mut self, now: Time, leg: LegId, patience: Option<Duration>) {
        match patience {
            Some(patience) => self.timers.set((leg, LegTimer::Ring), now + patience),
            None => {
                self.timers.cancel(&(leg, LegTimer::Ring));
            }
        }
    }

    fn invite_proceeds(&mut self, now: Time, leg: LegId, id: TransactionId, reply: &Reply) {
        let status = reply.status;
        if !self.is_calling(leg, id) {
            return;
        }
        let Brings::Status(answer) = self.hear_early(now, leg, reply) else { return };
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Stage::Calling(calling) = &mut found.stage else { return };
        let news = calling.provisional.replace(status) != Some(status);
        match calling.cancel {
            Cancel::No => {
                self.timers.set((leg, LegTimer::Ring), now + self.limits.ring);
                // 199 only says that one of several phones is out (RFC 6228).
                let tells = status > 100 && status != 199;
                if tells && (news || answer.is_some()) {
                    self.events.push_back(SipEvent::Progress { leg, status, answer });
                }
            }
            Cancel::Wanted => self.send_cancel(now, leg),
            Cancel::Sent => {}
        }
    }

    /// Whether a leg's INVITE still waits, and for this transaction.
    fn is_calling(&self, leg: LegId, id: TransactionId) -> bool {
        self.legs.get(&leg).is_some_and(
            |leg| matches!(&leg.stage, Stage::Calling(calling) if calling.transaction == id),
        )
    }

    pub(super) fn invite_failed(
        &mut self,
        leg: LegId,
        id: TransactionId,
        status: u16,
        cause: Option<Cause>,
    ) {
        if self.is_calling(leg, id) {
            self.call_over(leg, SipEvent::Failed { leg, status, cause });
        }
    }

    /// Section 8.1.3.4: whether to try the contacts is our user's to decide.
    fn invite_redirected(&mut self, leg: LegId, id: TransactionId, reply: &Reply) {
        if !self.is_calling(leg, id) {
            return;
        }
        let mut contacts = match reply.message.contacts() {
            Ok(Contacts::List(list)) => list,
            Ok(Contacts::All) | Err(_) => Vec::new(),
        };
        // The most preferred first; equal ones stay in the peer's order.
        contacts.sort_by_key(|contact| std::cmp::Reverse(contact.q_millis()));
        contacts.truncate(self.limits.forks);
        let contacts = contacts.iter().map(|contact| contact.uri.to_string()).collect();
        self.call_over(leg, SipEvent::Redirected { leg, status: reply.status, contacts });
    }

    fn call_over(&mut self, leg: LegId, event: SipEvent) {
        if self.legs.get(&leg).is_some_and(|found| !found.quiet) {
            self.events.push_back(event);
        }
        self.forget_leg(leg);
    }

    fn invite_accepted(&mut self, now: Time, leg: LegId, id: TransactionId, reply: &Reply) {
        let first = self.is_calling(leg, id);
        if first && let Some(found) = self.legs.get(&leg) {
            let mut accepted = Accepted::new(found.dialog.clone());
            if let Stage::Calling(calling) = &found.stage {
                accepted.early = calling.early.iter().map(|early| early.dialog.clone()).collect();
            }
            self.accepted.entry(id).or_insert(accepted);
        }
        let Some(mut dialog) = self.acknowledge(id, reply, |dialog| establish(dialog, reply))
        else {
            return;
        };
        if first {
            self.connect(now, leg, reply, dialog);
        } else {
            // Another phone answered too: it came too late.
            let seq = dialog.next_seq();
            if let Some(begun) = self.begin(&dialog, &Method::Bye, seq) {
                let bye = begun.with(HeaderName::Reason, Cause::ANSWERED_ELSEWHERE).finish();
                self.request(now, bye, User::Nobody);
            }
        }
    }

    /// Sends the ACK of a 2xx, or the same again for one that came before; the dialog of a peer that
    /// had not answered yet, as `confirmed` completes it.
    pub(super) fn acknowledge(
        &mut self,
        id: TransactionId,
        reply: &Reply,
        confirmed: impl FnOnce(&mut Dialog),
    ) -> Option<Dialog> {
        let accepted = self.accepted.get(&id)?;
        if let Some(ack) = accepted.acks.get(reply.tag()) {
            let ack = ack.clone();
            self.transmit(ack);
            return None;
        }
        if accepted.acks.len() >= self.limits.forks {
            self.counters.reject(Reason::StrayResponse.as_str());
            return None;
        }
        // An early dialog of the same phone goes on with its numbers (section 13.2.2.4).
        let early = accepted.early.iter().find(|one| one.remote.tag() == Some(reply.tag()));
        let mut dialog = early.unwrap_or(&accepted.dialog).clone();
        confirmed(&mut dialog);
        let ack = self.begin(&dialog, &Method::Ack, reply.essentials.cseq.seq);
        if let Some(Prepared { path, packet, .. }) = ack.map(Begun::finish) {
            let ack = Outgoing { path, packet };
            if let Some(accepted) = self.accepted.get_mut(&id) {
                accepted.acks.insert(reply.tag().to_owned(), ack.clone());
            }
            self.transmit(ack);
        }
        Some(dialog)
    }

    fn unlist_early(&mut self, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Stage::Calling(calling) = &found.stage else { return };
        for id in calling.early.iter().map(|early| early.dialog.id()).collect::<Vec<_>>() {
            self.dialogs.remove(&id);
        }
    }

    /// The first phone that answered gets the call.
    fn connect(&mut self, now: Time, leg: LegId, reply: &Reply, dialog: Dialog) {
        self.unlist_early(leg);
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let sent = match &found.stage {
            Stage::Calling(calling) => self.transactions.request_of(calling.transaction),
            Stage::Arriving(_) | Stage::Up | Stage::Leaving => None,
        };
        let offer = sent.and_then(|(_, invite)| Message::parse(invite.bytes.clone()).ok());
        let early = found.early(Some(reply.tag())).and_then(|early| early.answer.take());
        // What came reliably is the answer; a 2xx may repeat it, and need not (RFC 6337 section 2.2).
        let answer = early.or_else(|| reply.message.body_of(SDP)).unwrap_or_default();
        self.dialogs.insert(dialog.id(), leg);
        found.dialog = dialog;
        found.stage = Stage::Up;
        found.peer.learn(&reply.message);
        found.heard = mark(&answer);
        if found.described.is_none() {
            let offer = offer.map(|invite| String::from_utf8_lossy(invite.body()).into());
            found.described = offer;
        }
        let quiet = found.quiet;
        for timer in [LegTimer::Ring, LegTimer::Cancelled] {
            self.timers.cancel(&(leg, timer));
        }
        if quiet {
            // The 2xx crossed our CANCEL.
            self.send_bye(now, leg);
        } else {
            let source = reply.source;
            self.session_taken(now, leg, &reply.message);
            self.events.push_back(SipEvent::Answered { leg, answer, source });
            self.try_change(now, leg);
        }
    }

    /// Sends CANCEL if a provisional response came; else it waits for one (section 9.1).
    pub(super) fn send_cancel(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Stage::Calling(calling) = &mut found.stage else { return };
        if calling.provisional.is_none() || calling.cancel == Cancel::Sent {
            return;
        }
        calling.cancel = Cancel::Sent;
        let cause = found.cause;
        let Some((path, invite)) = self.transactions.request_of(calling.transaction) else {
            return;
        };
        let path = *path;
        let cancel = Message::parse(invite.bytes.clone()).ok().and_then(|invite| {
            let branch = invite.via().ok()?.branch()?.to_owned();
            let seq = invite.cseq().ok()?.seq;
            let uri = String::from_utf8_lossy(invite.request_uri_bytes()).into_owned();
            let draft = Draft::request(&Method::Cancel, uri)
                .copy(&invite, HeaderName::Via)
                .header(HeaderName::MaxForwards, MAX_FORWARDS)
                .copy(&invite, HeaderName::Route)
                .copy(&invite, HeaderName::From)
                .copy(&invite, HeaderName::To)
                .copy(&invite, HeaderName::CallId)
                .header(HeaderName::CSeq, format_args!("{seq} CANCEL"))
                .header_if(HeaderName::Reason, cause)
                .copy(&invite, HeaderName::UserAgent);
            Some((branch, Packet { method: "CANCEL", status: 0, bytes: draft.finish() }))
        });
        self.timers.cancel(&(leg, LegTimer::Ring));
        self.timers.set((leg, LegTimer::Cancelled), now + GIVE_UP);
        if let Some((branch, packet)) = cancel {
            self.transactions.request(now, &branch, path, packet, User::Nobody);
        }
    }

    /// Section 9.1: no final response within 64*T1 of the CANCEL.
    pub(super) fn give_up_on_cancelled(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Stage::Calling(calling) = &found.stage else { return };
        let transaction = calling.transaction;
        self.transactions.abandon(now, transaction);
        self.call_over(leg, SipEvent::Failed { leg, status: 487, cause: None });
    }

    pub(super) fn give_up_on_ringing(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if !matches!(found.stage, Stage::Calling(_)) || found.quiet {
            return;
        }
        self.events.push_back(SipEvent::Failed { leg, status: 408, cause: None });
        self.end_leg(now, leg, None);
    }
}

/// Section 12.1.2: what the 2xx says about the dialog. A broken or missing Contact leaves the target
/// as it was dialled.
pub(super) fn establish(dialog: &mut Dialog, reply: &Reply) {
    if let Ok(to) = reply.message.to() {
        dialog.remote = to;
    }
    if let Ok(contact) = reply.message.contact() {
        dialog.remote_target = contact.uri;
    }
    let mut route_set = reply.message.addresses(HeaderName::RecordRoute).unwrap_or_default();
    route_set.reverse();
    for route in &mut route_set {
        route.display = None;
    }
    dialog.route_set = route_set;
    dialog.listener = reply.listener;
    dialog.source = reply.source;
}

/// Adds what a trunk wants to know, or whoever sent the call on.
fn with_extras(draft: Draft, extras: &InviteExtras, listener: &Listener) -> Draft {
    let host = told_host(extras, listener);
    let address = |user: &str, name: &Option<String>| {
        let mut uri = Uri::sip(user, listener.advertised);
        if let Uri::Sip(sip) = &mut uri {
            sip.port = None;
            sip.host = host.clone();
        }
        NameAddr::new(uri).with_display(name.as_deref().unwrap_or(""))
    };
    let asserted = extras.asserted.as_ref().map(|Identity { user, name }| address(user, name));
    let diversion = extras.diverted_from.as_ref().map(|user| address(user, &None));
    let mut draft = draft
        .header_if(HeaderName::PAssertedIdentity, asserted)
        .header_if(HeaderName::Privacy, extras.withheld.then_some("id"))
        .header_if(HeaderName::Diversion, diversion)
        .header_if(HeaderName::ReferredBy, extras.referred_by.as_ref());
    if let Some(replaces) = &extras.replaces {
        // RFC 3891 section 4: never a new call beside the one that was meant.
        draft =
            draft.header(HeaderName::Replaces, replaces).header(HeaderName::Require, "replaces");
    }
    draft
}

/// The host that a trunk knows us by.
fn told_host(extras: &InviteExtras, listener: &Listener) -> Host {
    let named = extras.from_host.as_ref().and_then(|host| host.parse().ok());
    named.unwrap_or_else(|| listener.told_host())
}

/// The address of record that a contact stands for: what may stand in To (section 19.1.1).
fn address_of(target: &Uri) -> Uri {
    match target {
        Uri::Sip(uri) => Uri::Sip(SipUri {
            password: None,
            port: None,
            params: Params::new(),
            headers: None,
            ..uri.clone()
        }),
        Uri::Tel(_) | Uri::Other(_) => target.clone(),
    }
}
