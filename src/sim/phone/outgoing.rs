//! Ringing somebody: INVITE, CANCEL, and the ACKs.

use std::net::SocketAddr;

use bytes::Bytes;
use rsip::headers::untyped::UntypedHeader;
use rsip::message::HasHeaders;
use rsip::{Header, Method, SipMessage, Uri};

use crate::time::Time;

use super::leg::{Leg, State};
use super::message::{self, Key, seconds};
use super::transaction::GIVE_UP;
use super::{Phone, PhoneEvent};

impl Phone {
    /// Rings a number, name or code at the server. Nothing happens while another call is on, unless
    /// it is on hold.
    pub fn call(&mut self, now: Time, called: &str) {
        self.call_replacing(now, called, None);
    }

    /// The same; the new call takes the place of a dialog (RFC 3891), if one is given.
    pub(super) fn call_replacing(&mut self, now: Time, called: &str, replaces: Option<String>) {
        let server = self.settings.server;
        let Ok(target) = Uri::try_from(format!("sip:{called}@{server}")) else { return };
        // Whoever waits on hold does not stand in the way.
        if (0..self.legs.len()).any(|at| !self.is_held(at) && !self.is_over(at)) {
            return;
        }
        let (number, local_tag) = (self.next_number(), self.entropy.token());
        let key = self.new_key();
        let from = if self.settings.withheld {
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>".to_owned()
        } else {
            let address = format!("<sip:{}@{}>", self.settings.user, server.ip());
            match &self.settings.display {
                Some(display) => format!("\"{display}\" {address}"),
                None => address,
            }
        };
        let call_id = format!("{}@{}", self.entropy.token(), self.settings.signalling.ip());
        self.legs.push(Leg {
            number,
            state: State::Calling(false),
            call_id,
            local: format!("{from};tag={local_tag}"),
            local_tag,
            remote_tag: None,
            early_tag: None,
            remote: format!("<{target}>"),
            target,
            peer: server,
            seq: 0,
            invite_seq: 0,
            invite_branch: String::new(),
            invite: None,
            version: 1,
            stream: None,
            key,
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
            replaces,
        });
        self.send_invite(now, self.legs.len() - 1, false);
    }

    fn send_invite(&mut self, now: Time, at: usize, with_credentials: bool) {
        let branch = self.branch();
        let mut extra = vec![self.contact()];
        if self.settings.withheld {
            extra.push(Header::Other("Privacy".to_owned(), "id".to_owned()));
        }
        let uri = self.legs.get(at).map(|leg| leg.target.to_string()).unwrap_or_default();
        extra.extend(self.abilities());
        extra.extend(self.proposed_session());
        if with_credentials {
            extra.extend(self.authorisation(Method::Invite, &uri));
        }
        if let Some(replaces) = self.legs.get(at).and_then(|leg| leg.replaces.clone()) {
            extra.push(Header::Other("Replaces".to_owned(), replaces));
        }
        let (settings, words) = (&self.settings, self.words(Some(at)));
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.seq += 1;
        leg.invite_seq = leg.seq;
        leg.invite_branch.clone_from(&branch);
        let mut outline = leg.outline(Method::Invite, leg.seq, branch.clone(), settings.signalling);
        outline.extra = extra;
        if !settings.quirks.late_offer {
            outline.body = words.offer(leg.version);
        }
        let (number, peer) = (leg.number, leg.peer);
        let bytes = outline.build();
        self.transactions.request(now, branch, Method::Invite, Some(number), peer, bytes);
    }

    pub(super) fn send_cancel(&mut self, now: Time, at: usize) {
        self.set_state(at, State::Cancelling);
        let via = self.settings.signalling;
        let Some(leg) = self.legs.get(at) else { return };
        // The same branch as the INVITE that it is meant for (RFC 3261 section 9.1).
        let branch = leg.invite_branch.clone();
        let bytes = leg.outline(Method::Cancel, leg.invite_seq, branch.clone(), via).build();
        self.transactions.limit(now, &branch);
        self.transactions.request(now, branch, Method::Cancel, Some(leg.number), leg.peer, bytes);
    }

    /// The ACK of a failed INVITE: part of its transaction (RFC 3261 section 17.1.1.3).
    pub(super) fn failure_ack(&self, at: usize, key: &Key) -> Option<Bytes> {
        let leg = self.legs.get(at)?;
        let via = self.settings.signalling;
        let mut outline = leg.outline(Method::Ack, key.seq, key.branch.clone(), via);
        outline.to = match &key.to_tag {
            Some(tag) => format!("{};tag={tag}", leg.remote),
            None => leg.remote.clone(),
        };
        Some(outline.build())
    }

    pub(super) fn invite_answered(
        &mut self,
        now: Time,
        at: usize,
        message: &SipMessage,
        status: u16,
    ) {
        let Some(leg) = self.legs.get_mut(at) else { return };
        if leg.change.is_some() {
            if status >= 300 {
                self.change_refused(now, at, status);
            }
            return;
        }
        match (status, leg.state) {
            (..200, State::Calling(true)) => self.send_cancel(now, at),
            (..200, State::Calling(false) | State::Proceeding) => {
                leg.state = State::Proceeding;
                if status > 100 {
                    leg.early_tag = message.headers().iter().find_map(|header| match header {
                        Header::To(to) => message::tag_of(to.value()).map(str::to_owned),
                        _ => None,
                    });
                    self.events.push_back(PhoneEvent::Ringing);
                }
            }
            (..200, _) => {}
            (401 | 407, State::Calling(false) | State::Proceeding) => {
                let tries = leg.challenged;
                leg.challenged += 1;
                leg.state = State::Calling(false);
                if self.learn(message, tries) {
                    self.send_invite(now, at, true);
                } else {
                    self.refused(now, at, status, None);
                }
            }
            _ => {
                let retry_after_s = seconds(message, |header| match header {
                    Header::RetryAfter(value) => Some(value.value()),
                    _ => None,
                });
                self.refused(now, at, status, retry_after_s);
            }
        }
    }

    pub(super) fn refused(&mut self, now: Time, at: usize, status: u16, retry: Option<u32>) {
        let over = self.legs.get(at).is_none_or(Leg::is_over);
        if !over {
            self.hush(self.legs.get(at).map(|leg| leg.number));
            self.set_state(at, State::Over(now + GIVE_UP));
            self.events.push_back(PhoneEvent::Refused { status, retry_after_s: retry });
        }
    }

    /// A 2xx to our INVITE, for the first time or again.
    pub(super) fn invite_accepted(
        &mut self,
        now: Time,
        at: usize,
        message: &SipMessage,
        key: &Key,
    ) {
        let quirks = self.settings.quirks;
        let (branch, via) = (self.branch(), self.settings.signalling);
        let words = self.words(Some(at));
        let Some(leg) = self.legs.get_mut(at) else { return };
        if key.seq != leg.invite_seq {
            return;
        }
        if let Some(ack) = &leg.ack {
            if leg.ack_at.is_none() && !quirks.never_acks {
                self.transactions.out.push_back((leg.peer, ack.clone()));
            }
            return;
        }
        if let Some(change) = leg.change {
            return self.change_accepted(now, at, message, change);
        }
        let SipMessage::Response(response) = message else { return };
        let wanted = matches!(leg.state, State::Calling(false) | State::Proceeding);
        leg.remote_tag.clone_from(&key.to_tag);
        if let Some(contact) = message::contact(message) {
            leg.peer = address_of(&contact).unwrap_or(leg.peer);
            leg.target = contact;
        }
        // What came reliably before is the answer; the 2xx need not say it again.
        leg.stream = words.read(&response.body).or(leg.stream);
        let mut outline = leg.outline(Method::Ack, leg.invite_seq, branch, via);
        if quirks.late_offer
            && let Some(stream) = &leg.stream
        {
            outline.body = words.answer(leg.version, stream);
        }
        let ack = outline.build();
        leg.ack = Some(ack.clone());
        match quirks.ack_after {
            Some(after) => leg.ack_at = Some(now + after),
            None if quirks.never_acks => {}
            None => self.transactions.out.push_back((leg.peer, ack)),
        }
        if !wanted {
            // The answer crossed our CANCEL: we do not want it any more.
            self.send_bye(now, at);
            self.end(now, at, false);
            return;
        }
        leg.state = State::Up;
        self.take_session(now, at, message);
        self.talk(now, at);
        self.events.push_back(PhoneEvent::Answered);
    }

    pub(super) fn send_late_acks(&mut self, now: Time) {
        for leg in &mut self.legs {
            if leg.ack_at.is_some_and(|at| at <= now) {
                leg.ack_at = None;
                self.transactions.out.extend(leg.ack.clone().map(|ack| (leg.peer, ack)));
            }
        }
    }
}

/// Where a URI with a numeric host points.
pub(super) fn address_of(uri: &Uri) -> Option<SocketAddr> {
    let text = uri.host_with_port.to_string();
    text.parse().ok().or_else(|| format!("{text}:5060").parse().ok())
}
