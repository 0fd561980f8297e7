//! Being rung: INVITE, CANCEL, ACK, BYE and OPTIONS from the other side.

use std::net::SocketAddr;

use rsip::headers::untyped::UntypedHeader;
use rsip::message::HasHeaders;
use rsip::{Header, Method, Request, SipMessage, Uri, headers};

use crate::time::Time;

use super::leg::{Leg, State};
use super::message::{self, Key, respond, who};
use super::outgoing::address_of;
use super::transaction::GIVE_UP;
use super::{Phone, PhoneEvent};

impl Phone {
    pub(super) fn handle_request(
        &mut self,
        now: Time,
        from: SocketAddr,
        request: Request,
        key: Key,
    ) {
        let ours = key.to_tag.as_deref();
        let leg =
            ours.and_then(|tag| self.legs.iter().position(|leg| leg.owns(&key.call_id, Some(tag))));
        if key.method == Method::Ack {
            let awaited = self.transactions.acknowledged(&key);
            if let Some(at) = leg.filter(|_| awaited) {
                self.acknowledged(now, at, &request);
            }
            return;
        }
        let number = match key.method {
            Method::Invite => {
                leg.and_then(|at| self.legs.get(at)).map_or(self.legs_made + 1, |leg| leg.number)
            }
            _ => 0,
        };
        if !self.transactions.arrived(now, &key, from, Some(number)) {
            return;
        }
        match (key.method, leg) {
            (Method::Invite, Some(at)) => self.changed(now, at, &request, &key),
            (Method::Invite, None) if ours.is_some() => self.respond(now, &request, &key, 481),
            (Method::Invite, None) => self.rung(now, from, request, key),
            (Method::Cancel, _) => self.cancelled(now, &request, &key),
            (Method::Bye, Some(at)) => {
                self.respond(now, &request, &key, 200);
                if self.legs.get(at).is_some_and(|leg| !leg.is_over()) {
                    self.end(now, at, true);
                }
            }
            (Method::PRack, Some(at)) => self.acknowledged_early(now, at, &request, &key),
            (Method::Update, Some(at)) => self.updated(now, at, &request, &key),
            (Method::Notify, Some(at)) => self.notified(now, at, &request, &key),
            (Method::Bye | Method::Notify | Method::PRack | Method::Update, None) => {
                self.respond(now, &request, &key, 481);
            }
            (Method::Options, _) => self.respond(now, &request, &key, 200),
            _ => self.respond(now, &request, &key, 405),
        }
    }

    pub(super) fn respond(&mut self, now: Time, request: &Request, key: &Key, status: u16) {
        let tag = self.entropy.token();
        let bytes = respond(request, status, &tag, Vec::new(), String::new());
        self.transactions.respond(now, key, status, bytes);
    }

    fn rung(&mut self, now: Time, from: SocketAddr, request: Request, key: Key) {
        let number = self.next_number();
        let message = SipMessage::Request(request.clone());
        let contact = message::contact(&message);
        let of = |pick: fn(&Header) -> Option<&str>| {
            request.headers().iter().find_map(pick).unwrap_or("").to_owned()
        };
        let sender = of(|header| match header {
            Header::From(value) => Some(value.value()),
            _ => None,
        });
        let called = of(|header| match header {
            Header::To(value) => Some(value.value()),
            _ => None,
        });
        let (local_tag, own_key) = (self.entropy.token(), self.new_key());
        let words = self.words(None);
        let unusable = !request.body.is_empty() && words.read(&request.body).is_none();
        let replaced = self.replaced_by(&request);
        if (self.is_busy() && replaced.is_none()) || unusable {
            self.respond(now, &request, &key, if unusable { 488 } else { 486 });
            return;
        }
        let remote = sender.rsplit_once(";tag=").map_or(sender.as_str(), |(before, _)| before);
        let remote = remote.to_owned();
        self.legs.push(Leg {
            number,
            state: State::Offered,
            call_id: key.call_id.clone(),
            local: format!("{called};tag={local_tag}"),
            local_tag,
            remote_tag: Some(key.from_tag.clone()),
            early_tag: None,
            remote,
            peer: contact.as_ref().and_then(address_of).unwrap_or(from),
            target: contact.unwrap_or_else(|| Uri::from(request.uri.host_with_port.clone())),
            seq: 0,
            invite_seq: key.seq,
            invite_branch: key.branch.clone(),
            invite: Some((request, key)),
            version: 1,
            stream: None,
            key: own_key,
            ack: None,
            ack_at: None,
            challenged: 0,
            reliable: None,
            answered_early: false,
            heard_rseq: None,
            session: None,
            on_hold: false,
            change: None,
            change_at: None,
            replaces: None,
        });
        let (display, user) = who(&sender);
        match replaced {
            Some(replaced) => self.take_over(now, replaced),
            None => self.events.push_back(PhoneEvent::Incoming { display, user }),
        }
    }

    fn respond_to_invite(&mut self, now: Time, at: usize, status: u16, body: String) {
        let mut extra = vec![self.contact()];
        let invite = self.legs.get(at).and_then(|leg| leg.invite.clone());
        let Some((request, key)) = invite else { return };
        if (200..300).contains(&status) {
            extra.extend(self.abilities());
            extra.extend(self.agreed_session(now, at, &request));
        }
        let Some(leg) = self.legs.get(at) else { return };
        if status == 486 || status == 480 {
            extra.push(Header::Server(headers::Server::new("simulated phone")));
        }
        let bytes = respond(&request, status, &leg.local_tag, extra, body);
        self.transactions.respond(now, &key, status, bytes);
    }

    /// Tells whoever rings that the phone rings (180).
    pub fn ring(&mut self, now: Time) {
        if let Some(at) = self.offered() {
            self.respond_to_invite(now, at, 180, String::new());
        }
    }

    /// Picks up: 200 with our description, repeated until the ACK.
    pub fn answer(&mut self, now: Time) {
        let Some(at) = self.offered() else { return };
        if self.answers_later(at) {
            return;
        }
        let words = self.words(Some(at));
        let Some(leg) = self.legs.get_mut(at) else { return };
        let offer = leg.invite.as_ref().map(|(request, _)| request.body.clone());
        leg.stream = offer.and_then(|offer| words.read(&offer));
        let body = match &leg.stream {
            Some(stream) => words.answer(leg.version, stream),
            None => words.offer(leg.version),
        };
        leg.state = State::Answered(false);
        let body = if leg.answered_early { String::new() } else { body };
        self.respond_to_invite(now, at, 200, body);
        self.talk(now, at);
    }

    /// Refuses whoever rings.
    pub fn reject(&mut self, now: Time, status: u16) {
        if let Some(at) = self.offered() {
            self.respond_to_invite(now, at, status, String::new());
            self.hush(self.legs.get(at).map(|leg| leg.number));
            self.set_state(at, State::Over(now + GIVE_UP));
            self.events.push_back(PhoneEvent::Ended { by_peer: false });
        }
    }

    pub(super) fn offered(&self) -> Option<usize> {
        self.legs.iter().position(|leg| leg.state == State::Offered)
    }

    fn acknowledged(&mut self, now: Time, at: usize, request: &Request) {
        let words = self.words(Some(at));
        let Some(leg) = self.legs.get_mut(at) else { return };
        let State::Answered(hang_up) = leg.state else { return };
        leg.state = State::Up;
        if leg.stream.is_none() {
            leg.stream = words.read(&request.body);
            self.talk(now, at);
        }
        self.events.push_back(PhoneEvent::Established);
        if hang_up {
            self.send_bye(now, at);
            self.end(now, at, false);
        }
    }

    fn cancelled(&mut self, now: Time, request: &Request, key: &Key) {
        let Some(owner) = self.transactions.invite_of(&key.branch) else {
            self.respond(now, request, key, 481);
            return;
        };
        self.respond(now, request, key, 200);
        if self.settings.quirks.deaf_to_cancel {
            return;
        }
        let offered = |leg: &Leg| leg.state == State::Offered;
        if let Some(at) = self.numbered(owner)
            && self.legs.get(at).is_some_and(offered)
        {
            self.respond_to_invite(now, at, 487, String::new());
            self.hush(self.legs.get(at).map(|leg| leg.number));
            self.set_state(at, State::Over(now + GIVE_UP));
            self.events.push_back(PhoneEvent::Cancelled);
        }
    }

    /// The other side changes the session (re-INVITE, RFC 3261 section 14).
    fn changed(&mut self, now: Time, at: usize, request: &Request, key: &Key) {
        if self.meets_change(now, at, request, key) {
            return;
        }
        self.renew_key(at);
        let words = self.words(Some(at));
        let stream = words.read(&request.body);
        let Some(leg) = self.legs.get_mut(at).filter(|leg| !leg.is_over()) else {
            self.respond(now, request, key, 481);
            return;
        };
        let Some(stream) = stream else {
            self.respond(now, request, key, 488);
            return;
        };
        leg.stream = Some(stream);
        leg.version += 1;
        leg.invite = Some((request.clone(), key.clone()));
        let body = words.answer(leg.version, &stream);
        let body = self.described(at, body);
        self.respond_to_invite(now, at, 200, body);
        if !self.is_held(at) {
            self.talk(now, at);
        }
    }
}
