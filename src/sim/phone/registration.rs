//! Registering (RFC 3261 section 10.2), and answering challenges.

use rsip::headers::untyped::UntypedHeader;
use rsip::message::HasHeaders;
use rsip::{Header, Method, SipMessage, Uri, headers};
use std::time::Duration;

use crate::time::Time;

use super::digest::Challenge;
use super::message::{Key, Outline, seconds};
use super::{Phone, PhoneEvent, challenges};

/// A registration that is wanted, or was.
#[derive(Debug)]
pub(super) struct Registration {
    expires_s: u32,
    call_id: String,
    tag: String,
    seq: u32,
    tries: u8,
    refresh_at: Option<Time>,
}

impl Registration {
    pub(super) fn refresh_at(&self) -> Option<Time> {
        self.refresh_at
    }

    /// Whether it is time to refresh; asks only once.
    pub(super) fn take_refresh(&mut self, now: Time) -> bool {
        let due = self.refresh_at.is_some_and(|at| at <= now);
        if due {
            self.refresh_at = None;
            self.tries = 0;
        }
        due
    }
}

impl Phone {
    /// Whether it is registered, or on its way there or back.
    pub fn is_registered(&self) -> bool {
        self.registration.is_some()
    }

    /// Registers for so many seconds, and keeps the registration fresh. 0 removes it.
    pub fn register(&mut self, now: Time, expires_s: u32) {
        match &mut self.registration {
            Some(registration) => {
                registration.expires_s = expires_s;
                registration.tries = 0;
                registration.refresh_at = None;
            }
            None => {
                let (call_id, tag) = (self.entropy.token(), self.entropy.token());
                self.registration = Some(Registration {
                    expires_s,
                    call_id,
                    tag,
                    seq: 0,
                    tries: 0,
                    refresh_at: None,
                });
            }
        }
        self.send_register(now);
    }

    pub(super) fn send_register(&mut self, now: Time) {
        let (server, user) = (self.settings.server, self.settings.user.clone());
        let Ok(uri) = Uri::try_from(format!("sip:{server}")) else { return };
        let mut extra = vec![self.contact()];
        // A nonce that was good is used again, with its next count, until the server calls it stale.
        extra.extend(self.authorisation(Method::Register, &uri.to_string()));
        let branch = self.branch();
        let Some(registration) = &mut self.registration else { return };
        registration.seq += 1;
        let expires = registration.expires_s.to_string();
        extra.push(Header::Expires(headers::Expires::new(expires)));
        let address = format!("<sip:{user}@{}>", server.ip());
        let bytes = Outline {
            method: Method::Register,
            uri,
            via: self.settings.signalling,
            branch: branch.clone(),
            from: format!("{address};tag={}", registration.tag),
            to: address,
            call_id: registration.call_id.clone(),
            seq: registration.seq,
            extra,
            body: String::new(),
        }
        .build();
        self.transactions.request(now, branch, Method::Register, None, server, bytes);
    }

    pub(super) fn register_answered(
        &mut self,
        now: Time,
        message: &SipMessage,
        status: u16,
        key: &Key,
    ) {
        let current = self.registration.as_ref().map(|one| (one.seq, one.tries));
        let Some((seq, tries)) = current.filter(|(seq, _)| *seq == key.seq) else { return };
        debug_assert!(seq > 0);
        match status {
            ..200 => {}
            200..300 => self.registered(now, message),
            401 | 407 if self.learn(message, tries) => {
                self.tried();
                self.send_register(now);
            }
            423 if tries < 3 => {
                let min = seconds(message, |header| match header {
                    Header::MinExpires(value) => Some(value.value()),
                    _ => None,
                });
                self.tried();
                if let Some(registration) = &mut self.registration {
                    registration.expires_s = min.unwrap_or(3_600);
                }
                self.send_register(now);
            }
            _ => self.register_failed(status),
        }
    }

    fn tried(&mut self) {
        if let Some(registration) = &mut self.registration {
            registration.tries += 1;
        }
    }

    fn registered(&mut self, now: Time, message: &SipMessage) {
        let ours = format!("{}>", self.settings.signalling);
        let granted = message.headers().iter().find_map(|header| match header {
            Header::Contact(contact) => {
                let after = contact.value().split_once(&ours)?.1;
                let (_, seconds) = after.split_once("expires=")?;
                seconds.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
            }
            _ => None,
        });
        let Some(registration) = &mut self.registration else { return };
        registration.tries = 0;
        if registration.expires_s == 0 {
            self.registration = None;
            self.events.push_back(PhoneEvent::Unregistered);
            return;
        }
        let granted = granted.unwrap_or(registration.expires_s.into());
        registration.refresh_at = Some(now + Duration::from_millis(granted * 800));
        self.events.push_back(PhoneEvent::Registered);
    }

    pub(super) fn register_failed(&mut self, status: u16) {
        self.events.push_back(PhoneEvent::NotRegistered(status));
    }

    /// Takes the first challenge of a 401 or 407 that the phone can answer; `false` if there is
    /// none, or if the password has been refused.
    pub(super) fn learn(&mut self, message: &SipMessage, tries: u8) -> bool {
        let known = &self.settings.algorithms;
        let found = challenges(message)
            .iter()
            .find_map(|(value, proxy)| Challenge::read(value, *proxy, known));
        let Some(challenge) = found.filter(|_| self.settings.password.is_some()) else {
            return false;
        };
        // The first refusal of an old nonce may come without `stale`; a second means the password.
        let again = tries == 0 || (challenge.is_stale() && tries < 3);
        self.challenge = Some(challenge);
        again
    }

    /// Credentials for a request, if the server has ever asked for any.
    pub(super) fn authorisation(&mut self, method: Method, uri: &str) -> Option<Header> {
        let password = self.settings.password.as_deref()?;
        let challenge = self.challenge.as_mut()?;
        let (user, method) = (&self.settings.user, method.to_string());
        let value = challenge.credentials(user, password, &method, uri, &mut self.entropy);
        Some(if challenge.is_proxy() {
            Header::ProxyAuthorization(headers::ProxyAuthorization::new(value))
        } else {
            Header::Authorization(headers::Authorization::new(value))
        })
    }
}
