//! Handing a call on: REFER, blind or after consulting (RFC 3515, RFC 3891), and what the other side
//! tells of it.

use rsip::message::HasHeaders;
use rsip::{Header, Method, Request};

use crate::time::Time;

use super::leg::State;
use super::message::Key;
use super::{Phone, PhoneEvent};

impl Phone {
    /// Hands whoever is on the line (or on hold) to a number, name or code at the server.
    pub fn transfer(&mut self, now: Time, called: &str) {
        let server = self.settings.server;
        if let Some(at) = self.current() {
            self.send_refer(now, at, &format!("<sip:{called}@{server}>"));
        }
    }

    /// Joins whoever is on hold with whoever is on the line, and leaves.
    pub fn transfer_to_consulted(&mut self, now: Time) {
        let held = (0..self.legs.len()).find(|at| self.is_held(*at));
        let (Some(held), Some(consulted)) = (held, self.current()) else { return };
        let Some(leg) = self.legs.get(consulted) else { return };
        let Some(remote_tag) = leg.remote_tag.as_ref().filter(|_| held != consulted) else {
            return;
        };
        let uri = leg.remote.trim_start_matches(|c| c != '<').trim_matches(['<', '>']).to_owned();
        // The dialog as its other side sees it (RFC 3891 section 3), escaped to stand in a URI.
        let call_id = leg.call_id.replace('@', "%40");
        let replaces = format!("{call_id}%3Bto-tag%3D{remote_tag}%3Bfrom-tag%3D{}", leg.local_tag);
        self.send_refer(now, held, &format!("<{uri}?Replaces={replaces}>"));
    }

    /// Hands whoever is on the line to whatever this Refer-To says.
    pub fn refer(&mut self, now: Time, refer_to: &str) {
        if let Some(at) = self.current() {
            self.send_refer(now, at, refer_to);
        }
    }

    /// The same for whoever has been on the phone longest, on hold or not.
    pub fn refer_held(&mut self, now: Time, refer_to: &str) {
        if let Some(at) = (0..self.legs.len()).find(|at| !self.is_over(*at)) {
            self.send_refer(now, at, refer_to);
        }
    }

    /// Whoever is on the line, as another phone must name the dialog to take it over.
    pub fn dialog(&self) -> Option<String> {
        let leg = self.current().and_then(|at| self.legs.get(at))?;
        let theirs = leg.remote_tag.as_ref().or(leg.early_tag.as_ref())?;
        Some(format!("{};to-tag={theirs};from-tag={}", leg.call_id, leg.local_tag))
    }

    /// Takes over what another phone has on the line.
    pub fn take(&mut self, now: Time, dialog: &str) {
        let user = self.settings.user.clone();
        self.call_replacing(now, &user, Some(dialog.to_owned()));
    }

    fn send_refer(&mut self, now: Time, at: usize, refer_to: &str) {
        let (branch, contact) = (self.branch(), self.contact());
        let via = self.settings.signalling;
        let own = format!("<sip:{}@{}>", self.settings.user, self.settings.server.ip());
        let Some(leg) = self.legs.get_mut(at) else { return };
        if leg.state != State::Up {
            return;
        }
        leg.seq += 1;
        let mut outline = leg.outline(Method::Refer, leg.seq, branch.clone(), via);
        outline.extra = vec![
            contact,
            Header::Other("Refer-To".to_owned(), refer_to.to_owned()),
            Header::Other("Referred-By".to_owned(), own),
        ];
        let (number, peer, bytes) = (leg.number, leg.peer, outline.build());
        self.transactions.request(now, branch, Method::Refer, Some(number), peer, bytes);
    }

    pub(super) fn refer_answered(&mut self, status: u16) {
        match status {
            ..200 => {}
            200..300 => self.events.push_back(PhoneEvent::TransferAccepted),
            300.. => self.events.push_back(PhoneEvent::TransferRefused(status)),
        }
    }

    /// How the new call goes. Once it is up we are not needed any more: every leg of ours that the
    /// transfer was between is hung up.
    pub(super) fn notified(&mut self, now: Time, at: usize, request: &Request, key: &Key) {
        let status = std::str::from_utf8(&request.body).ok().and_then(|fragment| {
            fragment.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
        });
        let Some(status) = status else {
            self.respond(now, request, key, 400);
            return;
        };
        self.respond(now, request, key, 200);
        self.events.push_back(PhoneEvent::TransferProgress(status));
        if !(200..300).contains(&status) {
            return;
        }
        let talking = self.current().filter(|other| *other != at);
        for leg in [Some(at), talking].into_iter().flatten() {
            if self.legs.get(leg).is_some_and(|leg| leg.state == State::Up) {
                self.send_bye(now, leg);
                self.end(now, leg, false);
            }
        }
    }

    /// The leg whose place an INVITE takes.
    pub(super) fn replaced_by(&self, request: &Request) -> Option<usize> {
        let value = request.headers().iter().find_map(|header| match header {
            Header::Other(name, value) if name.eq_ignore_ascii_case("Replaces") => Some(value),
            _ => None,
        })?;
        let mut parts = value.split(';').map(str::trim);
        let call_id = parts.next()?;
        let (mut ours, mut theirs) = (None, None);
        for part in parts {
            match part.split_once('=') {
                Some(("to-tag", tag)) => ours = Some(tag),
                Some(("from-tag", tag)) => theirs = Some(tag),
                Some(_) | None => {}
            }
        }
        self.legs.iter().position(|leg| {
            leg.owns(call_id, Some(ours.unwrap_or_default()))
                && leg.remote_tag.as_deref() == theirs
                && leg.state == State::Up
        })
    }

    /// A new call takes the place of one that is up: nothing rings, the other party changes.
    pub(super) fn take_over(&mut self, now: Time, replaced: usize) {
        self.send_bye(now, replaced);
        self.end(now, replaced, false);
        self.answer(now);
        self.events.push_back(PhoneEvent::Replaced);
    }
}
