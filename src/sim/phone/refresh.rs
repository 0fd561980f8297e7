//! Signs of life while a call is up: UPDATE (RFC 3311) and session timers (RFC 4028).

use rsip::headers::untyped::UntypedHeader;
use rsip::{Header, Method, Request, SipMessage, headers};

use std::time::Duration;

use crate::time::Time;

use super::Phone;
use super::early::other;
use super::leg::State;
use super::message::{Key, respond};

/// What a phone can besides the basics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions {
    /// Reliable provisional responses (RFC 3262).
    pub reliable: bool,
    /// UPDATE (RFC 3311).
    pub update: bool,
    /// Session timers (RFC 4028): how long a session lives without a refresh, in seconds.
    pub session_s: Option<u32>,
}

/// A session that is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    interval: Duration,
    /// When we refresh, if that is ours to do.
    pub(super) refresh_at: Option<Time>,
    /// When it is over.
    pub(super) over_at: Time,
}

impl Session {
    fn new(now: Time, interval_s: u32, ours: bool) -> Session {
        let interval = Duration::from_secs(interval_s.into());
        let refresh_at = ours.then_some(now + interval / 2);
        Session { interval, refresh_at, over_at: now + interval }
    }
}

impl Phone {
    /// What our INVITEs and answers say that we can.
    pub(super) fn abilities(&self) -> Vec<Header> {
        let Extensions { reliable, update, session_s } = self.settings.extensions;
        let mut found = Vec::new();
        if update {
            let allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, PRACK, UPDATE";
            found.push(Header::Allow(headers::Allow::new(allow)));
        }
        let known = [(reliable, "100rel"), (session_s.is_some(), "timer"), (true, "replaces")];
        let known: Vec<&str> =
            known.iter().filter(|(can, _)| *can).map(|(_, name)| *name).collect();
        found.push(Header::Supported(headers::Supported::new(known.join(", "))));
        found
    }

    /// What our INVITE asks for.
    pub(super) fn proposed_session(&self) -> Option<Header> {
        let session_s = self.settings.extensions.session_s?;
        Some(Header::Other("Session-Expires".to_owned(), session_s.to_string()))
    }

    /// What our 2xx to a request agrees to: whoever asks for a timer refreshes it, unless it wants
    /// us to.
    pub(super) fn agreed_session(
        &mut self,
        now: Time,
        at: usize,
        request: &Request,
    ) -> Vec<Header> {
        let asked = other(request, "Session-Expires")
            .filter(|_| self.settings.extensions.session_s.is_some());
        let Some((interval_s, refresher)) = asked.and_then(read) else { return Vec::new() };
        let ours = refresher == Some("uas");
        let side = if ours { "uas" } else { "uac" };
        let value = format!("{interval_s};refresher={side}");
        if let Some(leg) = self.legs.get_mut(at) {
            leg.session = Some(Session::new(now, interval_s, ours));
        }
        let mut found = vec![Header::Other("Session-Expires".to_owned(), value)];
        if !ours {
            found.push(Header::Require(headers::Require::new("timer")));
        }
        found
    }

    /// What a 2xx to our INVITE or UPDATE agrees to.
    pub(super) fn take_session(&mut self, now: Time, at: usize, message: &SipMessage) {
        let SipMessage::Response(response) = message else { return };
        let agreed = other(response, "Session-Expires").and_then(read);
        if let (Some((interval_s, refresher)), Some(leg)) = (agreed, self.legs.get_mut(at)) {
            leg.session = Some(Session::new(now, interval_s, refresher != Some("uas")));
        }
    }

    /// Refreshes what is due, and hangs up what nobody refreshed.
    pub(super) fn run_sessions(&mut self, now: Time) {
        for at in 0..self.legs.len() {
            let Some(leg) = self.legs.get_mut(at).filter(|leg| leg.state == State::Up) else {
                continue;
            };
            let Some(session) = leg.session.as_mut() else { continue };
            if session.over_at <= now {
                self.send_bye(now, at);
                self.end(now, at, false);
            } else if session.refresh_at.take_if(|at| *at <= now).is_some() {
                let interval_s = session.interval.as_secs();
                self.send_update(now, at, interval_s);
            }
        }
    }

    fn send_update(&mut self, now: Time, at: usize, interval_s: u64) {
        let (branch, via) = (self.branch(), self.settings.signalling);
        let mut extra = vec![self.contact()];
        extra.extend(self.abilities());
        extra.push(Header::Other(
            "Session-Expires".to_owned(),
            format!("{interval_s};refresher=uac"),
        ));
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.seq += 1;
        let mut outline = leg.outline(Method::Update, leg.seq, branch.clone(), via);
        outline.extra = extra;
        let (number, peer, bytes) = (leg.number, leg.peer, outline.build());
        self.transactions.request(now, branch, Method::Update, Some(number), peer, bytes);
    }

    /// The other side refreshes the session, or changes it with an offer.
    pub(super) fn updated(&mut self, now: Time, at: usize, request: &Request, key: &Key) {
        if !self.settings.extensions.update {
            return self.respond(now, request, key, 405);
        }
        let words = self.words(Some(at));
        let mut extra = vec![self.contact()];
        extra.extend(self.agreed_session(now, at, request));
        let Some(leg) = self.legs.get_mut(at) else { return };
        let body = match words.read(&request.body) {
            Some(stream) => {
                leg.stream = Some(stream);
                leg.version += 1;
                words.answer(leg.version, &stream)
            }
            None => String::new(),
        };
        let bytes = respond(request, 200, &leg.local_tag, extra, body);
        self.transactions.respond(now, key, 200, bytes);
        if !request.body.is_empty() && !self.is_held(at) {
            self.talk(now, at);
        }
    }
}

/// `1800;refresher=uas`.
fn read(value: &str) -> Option<(u32, Option<&str>)> {
    let (interval, params) = value.split_once(';').unwrap_or((value, ""));
    let refresher = params.split(';').find_map(|one| one.trim().strip_prefix("refresher="));
    Some((interval.trim().parse().ok()?, refresher))
}
