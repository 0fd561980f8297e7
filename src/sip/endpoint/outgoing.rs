//! Calls that we make (RFC 3261 section 13.2): INVITE, its responses, forks, CANCEL.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::id::LegId;
use crate::sip::ListenerId;
use crate::sip::dialog::{Dialog, for_request};
use crate::sip::header::{HeaderName, NameAddr, Params, Via};
use crate::sip::message::Message;
use crate::sip::method::Method;
use crate::sip::transaction::table::{ClientKey, Matched, Outgoing, Packet, TransactionId};
use crate::sip::transaction::timers::GIVE_UP;
use crate::sip::transport::Listener;
use crate::sip::uri::{Host, SipUri, Uri};
use crate::sip::write::Draft;
use crate::time::Time;

use super::ending::{MAX_FORWARDS, Prepared};
use super::leg::{Calling, Cancel, Leg, LegTimer, Stage, User};
use super::response::{ALLOW, SDP};
use super::{Endpoint, OutgoingInvite, Reason, SipEvent};

/// The 2xx that an INVITE of ours got. It outlives the leg: a second phone may answer, or a 2xx come
/// again, when the call with the first is long over.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The dialog before any peer's tag was known.
    unanswered: Dialog,
    /// The ACK of each 2xx by its peer's tag, sent again when the 2xx comes again (section
    /// 13.2.2.4).
    acks: BTreeMap<String, Outgoing>,
}

impl Endpoint {
    pub(super) fn send_invite(&mut self, now: Time, invite: OutgoingInvite) {
        let leg = invite.leg;
        let target = Uri::parse(invite.uri.as_bytes()).ok().map(|uri| for_request(&uri));
        let (Some(target), Some(listener)) = (target, self.listener(invite.listener).cloned())
        else {
            self.events.push_back(SipEvent::Failed { leg, status: 400 });
            return;
        };
        if self.legs.len() >= self.limits.legs
            || self.transactions.len() >= self.limits.transactions
            || self.legs.contains_key(&leg)
        {
            self.counters.reject(Reason::LegLimit.as_str());
            self.events.push_back(SipEvent::Failed { leg, status: 503 });
            return;
        }
        let dialog = Dialog {
            call_id: format!("{}{}", self.entropy.token(), self.entropy.token()),
            local: self.caller_address(&invite, &listener),
            remote: NameAddr::new(address_of(&target)),
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
            connected: listener.protocol.is_stream(),
            secure: target.as_sip().is_some_and(|uri| uri.secure),
        };
        let branch = self.branch();
        let draft = Draft::request(&Method::Invite, &target)
            .header(HeaderName::Via, Via::ours(&listener, &branch))
            .header(HeaderName::MaxForwards, MAX_FORWARDS)
            .header(HeaderName::From, &dialog.local)
            .header(HeaderName::To, &dialog.remote)
            .header(HeaderName::CallId, &dialog.call_id)
            .header(HeaderName::CSeq, format_args!("{} INVITE", dialog.local_seq))
            .header(HeaderName::Contact, format_args!("<{}>", listener.contact("", dialog.secure)))
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::UserAgent, &self.settings.product);
        let packet =
            Packet { method: "INVITE", status: 0, bytes: draft.finish_with(SDP, &invite.offer) };
        let path = self.path(invite.listener, invite.to);
        let transaction =
            self.transactions.request(now, branch, path, packet.clone(), User::Invite(leg));
        let stage = Stage::Calling(Box::new(Calling {
            transaction,
            path,
            invite: packet,
            provisional: None,
            cancel: Cancel::No,
        }));
        self.legs.insert(leg, Leg::new(dialog, stage));
    }

    /// From of a call that we make. A withheld caller gets the address of RFC 3323 section 4.1.
    fn caller_address(&mut self, invite: &OutgoingInvite, listener: &Listener) -> NameAddr {
        let mut uri = Uri::sip(&invite.from_user, listener.advertised);
        if let Uri::Sip(sip) = &mut uri {
            sip.port = None;
            sip.host = listener.told_host();
            if invite.from_user.eq_ignore_ascii_case("anonymous") {
                sip.host = Host::Name("anonymous.invalid".to_owned());
            }
        }
        NameAddr::new(uri).with_display(&invite.from_display).with_tag(&self.entropy.token())
    }

    pub(super) fn receive_response(
        &mut self,
        now: Time,
        listener: ListenerId,
        source: SocketAddr,
        message: Message,
    ) {
        let Some(status) = message.status() else { return };
        let Ok(essentials) = message.essentials() else {
            self.counters.reject(Reason::BadHeader.as_str());
            return;
        };
        let method = essentials.cseq.method.label();
        self.counters.receive(method, status);
        // Section 18.1.2: a response with more than one Via went astray.
        let astray = message.vias().nth(1).is_some();
        let branch = essentials.via.branch().unwrap_or("").to_owned();
        let matched = if astray {
            Matched::Stray
        } else {
            self.transactions.response(now, &ClientKey { branch, method }, status, |invite| {
                failure_ack(invite, &message)
            })
        };
        match matched {
            Matched::Stray => self.counters.reject(Reason::StrayResponse.as_str()),
            Matched::Absorbed => {}
            Matched::Deliver { id, user } => match user {
                User::Invite(leg) => match status {
                    ..200 => self.invite_proceeds(now, leg, status),
                    200..300 => {
                        let seq = essentials.cseq.seq;
                        let tag = essentials.to.tag().unwrap_or("").to_owned();
                        let success = Success { leg, id, listener, source, seq, tag, message };
                        self.invite_accepted(now, success);
                    }
                    300.. => self.invite_failed(now, leg, status),
                },
                User::Bye(leg) if status >= 200 => self.forget_leg(leg),
                User::Bye(_) | User::Arrival(_) | User::Change(_) | User::Nobody => {}
            },
        }
    }

    fn invite_proceeds(&mut self, now: Time, leg: LegId, status: u16) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Stage::Calling(calling) = &mut found.stage else { return };
        let news = calling.provisional.replace(status) != Some(status);
        match calling.cancel {
            Cancel::No => {
                self.timers.set((leg, LegTimer::Ring), now + self.limits.ring);
                if news && matches!(status, 180 | 183) {
                    self.events.push_back(SipEvent::Ringing { leg, status });
                }
            }
            Cancel::Wanted => self.send_cancel(now, leg),
            Cancel::Sent => {}
        }
    }

    pub(super) fn invite_failed(&mut self, _now: Time, leg: LegId, status: u16) {
        let Some(found) = self.legs.get(&leg) else { return };
        if !matches!(found.stage, Stage::Calling(_)) {
            return;
        }
        if !found.quiet {
            self.events.push_back(SipEvent::Failed { leg, status });
        }
        self.forget_leg(leg);
    }

    fn invite_accepted(&mut self, now: Time, success: Success) {
        let calling = self.legs.get(&success.leg).filter(|leg| {
            matches!(&leg.stage, Stage::Calling(calling) if calling.transaction == success.id)
        });
        let first = calling.map(|leg| leg.dialog.clone());
        if let Some(unanswered) = first.clone() {
            let accepted = Accepted { unanswered, acks: BTreeMap::new() };
            self.accepted.entry(success.id).or_insert(accepted);
        }
        let Some(accepted) = self.accepted.get(&success.id) else { return };
        if let Some(ack) = accepted.acks.get(&success.tag) {
            let ack = ack.clone();
            return self.transmit(ack);
        }
        if accepted.acks.len() >= self.limits.forks {
            return self.counters.reject(Reason::StrayResponse.as_str());
        }
        let mut dialog = accepted.unanswered.clone();
        success.establish(&mut dialog);
        let ack = self.in_dialog_numbered(&dialog, &Method::Ack, success.seq);
        if let Some(Prepared { path, packet, .. }) = ack {
            let ack = Outgoing { path, packet };
            if let Some(accepted) = self.accepted.get_mut(&success.id) {
                accepted.acks.insert(success.tag.clone(), ack.clone());
            }
            self.transmit(ack);
        }
        if first.is_some() {
            self.connect(now, success, dialog);
        } else if let Some(Prepared { branch, path, packet }) =
            self.in_dialog(&mut dialog, &Method::Bye)
        {
            // Another phone answered too: it came too late.
            self.transactions.request(now, branch, path, packet, User::Nobody);
        }
    }

    /// The first phone that answered gets the call.
    fn connect(&mut self, now: Time, success: Success, dialog: Dialog) {
        let leg = success.leg;
        let Some(found) = self.legs.get_mut(&leg) else { return };
        self.dialogs.insert(dialog.id(), leg);
        found.dialog = dialog;
        found.stage = Stage::Up;
        let quiet = found.quiet;
        for timer in [LegTimer::Ring, LegTimer::Cancelled] {
            self.timers.cancel(&(leg, timer));
        }
        if quiet {
            // The 2xx crossed our CANCEL.
            self.send_bye(now, leg);
        } else {
            let answer = success.message.body_of(SDP).unwrap_or_default();
            let source = success.source;
            self.events.push_back(SipEvent::Answered { leg, answer, source });
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
        let path = calling.path;
        let cancel = Message::parse(calling.invite.bytes.clone()).ok().and_then(|invite| {
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
                .copy(&invite, HeaderName::UserAgent);
            Some((branch, Packet { method: "CANCEL", status: 0, bytes: draft.finish() }))
        });
        self.timers.cancel(&(leg, LegTimer::Ring));
        self.timers.set((leg, LegTimer::Cancelled), now + GIVE_UP);
        if let Some((branch, packet)) = cancel {
            self.transactions.request(now, branch, path, packet, User::Nobody);
        }
    }

    /// Section 9.1: no final response within 64*T1 of the CANCEL.
    pub(super) fn give_up_on_cancelled(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Stage::Calling(calling) = &found.stage else { return };
        let transaction = calling.transaction;
        self.transactions.abandon(now, transaction);
        self.forget_leg(leg);
    }

    pub(super) fn give_up_on_ringing(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if !matches!(found.stage, Stage::Calling(_)) || found.quiet {
            return;
        }
        self.events.push_back(SipEvent::Failed { leg, status: 408 });
        self.end_leg(now, leg);
    }
}

/// A 2xx of an INVITE of ours.
struct Success {
    leg: LegId,
    id: TransactionId,
    listener: ListenerId,
    source: SocketAddr,
    seq: u32,
    tag: String,
    message: Message,
}

impl Success {
    /// Section 12.1.2: what the 2xx says about the dialog. A broken or missing Contact leaves the
    /// target as it was dialled.
    fn establish(&self, dialog: &mut Dialog) {
        if let Ok(to) = self.message.to() {
            dialog.remote = to;
        }
        if let Ok(contact) = self.message.contact() {
            dialog.remote_target = contact.uri;
        }
        let mut route_set = self.message.addresses(HeaderName::RecordRoute).unwrap_or_default();
        route_set.reverse();
        for route in &mut route_set {
            route.display = None;
        }
        dialog.route_set = route_set;
        dialog.listener = self.listener;
        dialog.source = self.source;
    }
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

/// The ACK of a failed INVITE (section 17.1.1.3): of the INVITE all but To, which is the
/// response's.
fn failure_ack(invite: &Packet, response: &Message) -> Packet {
    let bytes = match Message::parse(invite.bytes.clone()) {
        Ok(sent) => {
            let seq = sent.cseq().map_or(1, |cseq| cseq.seq);
            let uri = String::from_utf8_lossy(sent.request_uri_bytes()).into_owned();
            Draft::request(&Method::Ack, uri)
                .copy(&sent, HeaderName::Via)
                .header(HeaderName::MaxForwards, MAX_FORWARDS)
                .copy(&sent, HeaderName::Route)
                .copy(&sent, HeaderName::From)
                .copy(response, HeaderName::To)
                .copy(&sent, HeaderName::CallId)
                .header(HeaderName::CSeq, format_args!("{seq} ACK"))
                .finish()
        }
        // Our own INVITE can be read; an empty datagram would do no harm.
        Err(_) => Bytes::new(),
    };
    Packet { method: "ACK", status: 0, bytes }
}
