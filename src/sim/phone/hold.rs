//! Holding the line and coming back to it (RFC 3264 section 8.4): re-INVITEs of the phone's own.

use std::time::Duration;

use rsip::{Method, SipMessage};

use crate::time::Time;

use super::leg::{Change, State};
use super::message::{self, Key};
use super::outgoing::address_of;
use super::{Phone, PhoneEvent};

/// Two changes met: the phone tries again within so many milliseconds, drawn by lot (RFC 3261 section
/// 14.1).
const AGAIN_MS: u32 = 4_000;

impl Phone {
    /// Puts whoever is on the line on hold. The phone can then call somebody else.
    pub fn hold(&mut self, now: Time) {
        if let Some(at) = self.current().filter(|at| !self.is_held(*at)) {
            self.change(now, at, Change::Hold);
        }
    }

    /// Comes back to whoever waits on hold.
    pub fn resume(&mut self, now: Time) {
        let held = (0..self.legs.len()).find(|at| self.is_held(*at));
        if let Some(at) = held {
            self.change(now, at, Change::Resume);
        }
    }

    /// Whether this leg is up and on hold.
    pub(super) fn is_held(&self, at: usize) -> bool {
        self.legs.get(at).is_some_and(|leg| leg.state == State::Up && leg.on_hold)
    }

    fn change(&mut self, now: Time, at: usize, change: Change) {
        self.renew_key(at);
        let (words, via) = (self.words(Some(at)), self.settings.signalling);
        let (branch, mut extra) = (self.branch(), vec![self.contact()]);
        extra.extend(self.abilities());
        extra.extend(self.proposed_session());
        let Some(leg) = self.legs.get_mut(at) else { return };
        if leg.state != State::Up || leg.change.is_some() {
            return;
        }
        leg.change = Some(change);
        leg.change_at = None;
        leg.seq += 1;
        leg.version += 1;
        leg.invite_seq = leg.seq;
        leg.invite_branch.clone_from(&branch);
        leg.ack = None;
        let mut outline = leg.outline(Method::Invite, leg.seq, branch.clone(), via);
        outline.extra = extra;
        outline.body = words.offer(leg.version);
        if change == Change::Hold {
            outline.body = outline.body.replace("a=sendrecv", "a=sendonly");
        }
        let (number, peer, bytes) = (leg.number, leg.peer, outline.build());
        self.transactions.request(now, branch, Method::Invite, Some(number), peer, bytes);
    }

    pub(super) fn renew_key(&mut self, at: usize) {
        let key = self.new_key();
        if let Some(leg) = self.legs.get_mut(at).filter(|_| self.settings.quirks.renews_key) {
            leg.key = key;
        }
    }

    /// A 2xx to a re-INVITE of ours, for the first time: its ACK is the leg's from now on.
    pub(super) fn change_accepted(
        &mut self,
        now: Time,
        at: usize,
        message: &SipMessage,
        change: Change,
    ) {
        let SipMessage::Response(response) = message else { return };
        let (branch, via, words) = (self.branch(), self.settings.signalling, self.words(Some(at)));
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.change = None;
        if let Some(contact) = message::contact(message) {
            leg.peer = address_of(&contact).unwrap_or(leg.peer);
            leg.target = contact;
        }
        let ack = leg.outline(Method::Ack, leg.invite_seq, branch, via).build();
        leg.ack = Some(ack.clone());
        self.transactions.out.push_back((leg.peer, ack));
        if let Some(stream) = words.read(&response.body) {
            leg.stream = Some(stream);
        }
        leg.on_hold = change == Change::Hold;
        let number = leg.number;
        self.take_session(now, at, message);
        match change {
            Change::Hold => {
                self.hush(Some(number));
                self.events.push_back(PhoneEvent::Held);
            }
            Change::Resume => {
                self.talk(now, at);
                self.events.push_back(PhoneEvent::Resumed);
            }
        }
    }

    /// A re-INVITE of ours was refused.
    pub(super) fn change_refused(&mut self, now: Time, at: usize, status: u16) {
        let wait = Duration::from_millis(self.entropy.below(AGAIN_MS).into());
        let Some(leg) = self.legs.get_mut(at) else { return };
        match (status, leg.change.take()) {
            (491, Some(change)) => leg.change_at = Some((now + wait, change)),
            _ => self.events.push_back(PhoneEvent::HoldRefused(status)),
        }
    }

    /// Tries again what had met the other side's change.
    pub(super) fn change_again(&mut self, now: Time) {
        for at in 0..self.legs.len() {
            let due = self.legs.get_mut(at).and_then(|leg| {
                leg.change_at.take_if(|(when, _)| *when <= now).map(|(_, change)| change)
            });
            if let Some(change) = due {
                self.change(now, at, change);
            }
        }
    }

    /// The answer to the other side's description, with our own hold kept.
    pub(super) fn described(&self, at: usize, answer: String) -> String {
        match self.legs.get(at).is_some_and(|leg| leg.on_hold) {
            true => answer.replace("a=sendrecv", "a=sendonly"),
            false => answer,
        }
    }

    /// Whether a re-INVITE of the other side meets one of ours; it is refused then.
    pub(super) fn meets_change(
        &mut self,
        now: Time,
        at: usize,
        request: &rsip::Request,
        key: &Key,
    ) -> bool {
        let meets = self.legs.get(at).is_some_and(|leg| leg.change.is_some());
        if meets {
            self.respond(now, request, key, 491);
        }
        meets
    }
}
