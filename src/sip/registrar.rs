//! The registrar's bindings (RFC 3261 section 10.3): a pure table over [`Time`].
//!
//! Who may register was decided before; here is only which contacts a user has and for how long.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::sip::ListenerId;
use crate::time::{Deadlines, Time};

use super::dialog::next_hop;
use super::endpoint::{Binding, SipEvent};
use super::uri::Uri;

/// What a registrar allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrarLimits {
    /// Shortest registration, in seconds.
    pub min_expires_s: u32,
    /// Longest registration, in seconds; what is asked for beyond it is cut.
    pub max_expires_s: u32,
    /// Contacts of one user.
    pub contacts_per_user: usize,
    /// Contacts of all users.
    pub contacts: usize,
}

/// A REGISTER from a user who proved to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration<'a> {
    /// Whose address of record.
    pub user: &'a str,
    /// The REGISTER's Call-ID.
    pub call_id: &'a str,
    /// The REGISTER's CSeq number.
    pub cseq: u32,
    /// Where the REGISTER came from.
    pub source: SocketAddr,
    /// Whether an address translator stands between the phone and us: its contacts then say what
    /// only its own network understands.
    pub translated: bool,
    /// Whether `source` is the far end of a connection: the contacts last no longer than it does.
    pub connected: bool,
    /// Over which listener.
    pub listener: ListenerId,
    /// What is to change.
    pub change: Change,
}

impl Registration<'_> {
    /// Where requests to a contact go. RFC 3261 section 10.3 binds the contact, not the source: a
    /// phone may register from another port than it listens at, or somebody on its behalf.
    fn way_to(&self, contact: &Uri) -> SocketAddr {
        // Over a stream the phone is reached through the connection that it opened (RFC 5626).
        if self.translated || self.connected { self.source } else { next_hop(contact, self.source) }
    }
}

/// What a REGISTER asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Add, refresh or (with 0 seconds) remove contacts; nothing if there are none.
    Contacts(Vec<(Uri, u32)>),
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
}

/// Why a REGISTER is refused; nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 423 (section 10.3 step 7).
    #[error("the interval is too brief")]
    TooBrief,
    /// 500: an older REGISTER overtaken by a newer one (section 10.3 steps 6 and 7).
    #[error("the request is out of order")]
    OutOfOrder,
    /// 403: one user, too many contacts.
    #[error("the user has too many contacts")]
    TooManyContacts,
    /// 503: all users together have too many contacts.
    #[error("the registrar is full")]
    Full,
}

/// Every user's contacts.
#[derive(Debug, Default)]
pub struct Registrar {
    users: BTreeMap<String, Vec<Binding>>,
    /// By user and contact as stored.
    deadlines: Deadlines<(String, String)>,
}

impl Registrar {
    /// Nobody is registered.
    pub fn new() -> Self {
        Self::default()
    }

    /// A user's contacts in the order of their registration.
    pub fn bindings(&self, user: &str) -> &[Binding] {
        self.users.get(user).map_or(&[], Vec::as_slice)
    }

    /// How many contacts there are.
    pub fn len(&self) -> usize {
        self.deadlines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.deadlines.is_empty()
    }

    /// Carries out a REGISTER, wholly or not at all.
    pub fn apply(
        &mut self,
        now: Time,
        limits: &RegistrarLimits,
        registration: &Registration<'_>,
    ) -> Result<Vec<SipEvent>, Refusal> {
        let wanted = match &registration.change {
            Change::RemoveAll => {
                if self.bindings(registration.user).iter().any(|b| overtaken(b, registration)) {
                    return Err(Refusal::OutOfOrder);
                }
                return Ok(self.remove_all(registration.user));
            }
            Change::Contacts(wanted) => wanted,
        };
        self.check(limits, registration, wanted)?;
        Ok(wanted
            .iter()
            .filter_map(|(contact, expires_s)| {
                if *expires_s == 0 {
                    return self.remove(registration.user, contact);
                }
                let expires_s = (*expires_s).min(limits.max_expires_s);
                let binding = Binding {
                    contact: contact.to_string(),
                    source: registration.way_to(contact),
                    listener: registration.listener,
                    call_id: registration.call_id.to_owned(),
                    cseq: registration.cseq,
                    expires_at: now + Duration::from_secs(u64::from(expires_s)),
                };
                self.put(registration.user, contact, binding.clone());
                Some(SipEvent::Registered { user: registration.user.to_owned(), binding })
            })
            .collect())
    }

    /// Puts a binding back that an earlier run knew.
    pub fn restore(&mut self, user: &str, binding: Binding) {
        let contact =
            Uri::parse(binding.contact.as_bytes()).unwrap_or(Uri::Other(binding.contact.clone()));
        self.put(user, &contact, binding);
    }

    /// When [`Registrar::expire`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// Removes what has run out.
    pub fn expire(&mut self, now: Time) -> Vec<SipEvent> {
        let mut events = Vec::new();
        while let Some((_, (user, contact))) = self.deadlines.pop_due(now) {
            if let Some(bindings) = self.users.get_mut(&user) {
                bindings.retain(|binding| binding.contact != contact);
                if bindings.is_empty() {
                    self.users.remove(&user);
                }
            }
            events.push(SipEvent::Unregistered { user, contact, expired: true });
        }
        events
    }

    /// A connection is closed: the contacts that were reached through it are gone (RFC 5626 section
    /// 5.3); the phone registers again over its next one.
    pub fn closed(&mut self, listener: ListenerId, peer: SocketAddr) -> Vec<SipEvent> {
        let over = |binding: &Binding| binding.listener == listener && binding.source == peer;
        let gone: Vec<(String, Binding)> = self
            .users
            .iter()
            .flat_map(|(user, bindings)| {
                bindings.iter().filter(|b| over(b)).map(|b| (user.clone(), b.clone()))
            })
            .collect();
        for (user, binding) in &gone {
            if let Some(bindings) = self.users.get_mut(user) {
                bindings.retain(|known| known.contact != binding.contact);
                if bindings.is_empty() {
                    self.users.remove(user);
                }
            }
        }
        gone.into_iter()
            .map(|(user, binding)| {
                self.deadlines.cancel(&(user.clone(), binding.contact.clone()));
                SipEvent::Unregistered { user, contact: binding.contact, expired: true }
            })
            .collect()
    }

    /// Removes the contacts of those who are not users any more.
    pub fn retain_users(&mut self, is_user: impl Fn(&str) -> bool) -> Vec<SipEvent> {
        let gone: Vec<String> = self.users.keys().filter(|user| !is_user(user)).cloned().collect();
        gone.iter().flat_map(|user| self.remove_all(user)).collect()
    }

    fn check(
        &self,
        limits: &RegistrarLimits,
        registration: &Registration<'_>,
        wanted: &[(Uri, u32)],
    ) -> Result<(), Refusal> {
        let bindings = self.bindings(registration.user);
        let mut fresh: Vec<&Uri> = Vec::new();
        for (contact, expires_s) in wanted {
            let known = bindings.iter().find(|binding| same(binding, contact));
            if known.is_some_and(|binding| overtaken(binding, registration)) {
                return Err(Refusal::OutOfOrder);
            }
            if *expires_s == 0 {
                continue;
            }
            if *expires_s < limits.min_expires_s {
                return Err(Refusal::TooBrief);
            }
            if known.is_none() && !fresh.iter().any(|uri| uri.equivalent(contact)) {
                fresh.push(contact);
            }
        }
        if bindings.len() + fresh.len() > limits.contacts_per_user && !fresh.is_empty() {
            return Err(Refusal::TooManyContacts);
        }
        if self.len() + fresh.len() > limits.contacts && !fresh.is_empty() {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    fn put(&mut self, user: &str, contact: &Uri, binding: Binding) {
        let key = (user.to_owned(), binding.contact.clone());
        let expires_at = binding.expires_at;
        let bindings = self.users.entry(user.to_owned()).or_default();
        match bindings.iter_mut().find(|known| same(known, contact)) {
            Some(known) => {
                self.deadlines.cancel(&(user.to_owned(), known.contact.clone()));
                *known = binding;
            }
            None => bindings.push(binding),
        }
        self.deadlines.set(key, expires_at);
    }

    fn remove(&mut self, user: &str, contact: &Uri) -> Option<SipEvent> {
        let bindings = self.users.get_mut(user)?;
        let at = bindings.iter().position(|binding| same(binding, contact))?;
        let removed = bindings.remove(at);
        if bindings.is_empty() {
            self.users.remove(user);
        }
        Some(self.forget(user, removed))
    }

    fn remove_all(&mut self, user: &str) -> Vec<SipEvent> {
        let bindings = self.users.remove(user).unwrap_or_default();
        bindings.into_iter().map(|binding| self.forget(user, binding)).collect()
    }

    fn forget(&mut self, user: &str, binding: Binding) -> SipEvent {
        let key = (user.to_owned(), binding.contact);
        self.deadlines.cancel(&key);
        let (user, contact) = key;
        SipEvent::Unregistered { user, contact, expired: false }
    }
}

/// Whether a binding is for this contact (section 10.3: compared as section 19.1.4 says).
fn same(binding: &Binding, contact: &Uri) -> bool {
    let known =
        Uri::parse(binding.contact.as_bytes()).unwrap_or(Uri::Other(binding.contact.clone()));
    known.equivalent(contact)
}

/// Whether a newer REGISTER of the same client made this binding.
fn overtaken(binding: &Binding, registration: &Registration<'_>) -> bool {
    binding.call_id == registration.call_id && registration.cseq <= binding.cseq
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RegistrarLimits = RegistrarLimits {
        min_expires_s: 60,
        max_expires_s: 3600,
        contacts_per_user: 2,
        contacts: 3,
    };

    fn uri(text: &str) -> Uri {
        Uri::parse(text.as_bytes()).unwrap()
    }

    fn register<'a>(user: &'a str, cseq: u32, contacts: &[(&str, u32)]) -> Registration<'a> {
        Registration {
            user,
            call_id: "a",
            cseq,
            source: SocketAddr::from(([192, 0, 2, 7], 5062)),
            translated: false,
            connected: false,
            listener: ListenerId(0),
            change: Change::Contacts(contacts.iter().map(|(c, e)| (uri(c), *e)).collect()),
        }
    }

    fn contacts(registrar: &Registrar, user: &str) -> Vec<String> {
        registrar.bindings(user).iter().map(|b| b.contact.clone()).collect()
    }

    #[test]
    fn contacts_behind_a_connection_last_no_longer_than_it() {
        let mut registrar = Registrar::new();
        let phone = Registration {
            connected: true,
            listener: ListenerId(1),
            ..register("amy", 1, &[("sip:amy@phone.invalid;transport=ws", 100)])
        };
        registrar.apply(Time::ZERO, &LIMITS, &phone).unwrap();
        registrar
            .apply(Time::ZERO, &LIMITS, &register("ben", 1, &[("sip:ben@192.0.2.8", 100)]))
            .unwrap();
        assert_eq!(registrar.bindings("amy")[0].source, phone.source);
        assert!(registrar.closed(ListenerId(0), phone.source).is_empty());
        let events = registrar.closed(ListenerId(1), phone.source);
        assert!(matches!(&events[..],
            [SipEvent::Unregistered { user, expired: true, .. }] if user == "amy"));
        assert_eq!((registrar.len(), registrar.bindings("amy").len()), (1, 0));
    }

    #[test]
    fn a_contact_is_refreshed_in_its_place_and_expires_when_it_is_not() {
        let mut registrar = Registrar::new();
        let (a, b) = ("sip:amy@192.0.2.7:5062", "sip:amy@192.0.2.8");
        registrar.apply(Time::ZERO, &LIMITS, &register("amy", 1, &[(a, 100), (b, 7200)])).unwrap();
        let minute = Time::from_millis(60_000);
        let events = registrar
            .apply(minute, &LIMITS, &register("amy", 2, &[("SIP:amy@192.0.2.7:5062", 100)]))
            .unwrap();
        assert!(matches!(&events[..], [SipEvent::Registered { .. }]));
        assert_eq!(contacts(&registrar, "amy"), ["sip:amy@192.0.2.7:5062", b]);
        assert_eq!(registrar.poll_timeout(), Some(Time::from_millis(160_000)));
        assert_eq!(registrar.expire(Time::from_millis(159_999)), []);
        assert_eq!(
            registrar.expire(Time::from_millis(160_000)),
            [SipEvent::Unregistered { user: "amy".into(), contact: a.into(), expired: true }]
        );
        // What was asked for beyond the longest registration was cut.
        assert_eq!(registrar.poll_timeout(), Some(Time::from_millis(3_600_000)));
    }

    #[test]
    fn a_contact_is_reached_where_it_says_unless_a_translator_stands_between() {
        let listens = |port: u16| SocketAddr::from(([192, 0, 2, 7], port));
        for (contact, translated, expected) in [
            ("sip:amy@192.0.2.7:5080", false, listens(5080)),
            ("sip:amy@192.0.2.7", false, listens(5060)),
            ("sip:amy@192.0.2.9:5080", false, SocketAddr::from(([192, 0, 2, 9], 5080))),
            ("sip:amy@192.0.2.7:5080", true, listens(5062)),
            // A name is not resolved here.
            ("sip:amy@phone.example.org", false, listens(5062)),
        ] {
            let mut registrar = Registrar::new();
            let asked = Registration { translated, ..register("amy", 1, &[(contact, 100)]) };
            registrar.apply(Time::ZERO, &LIMITS, &asked).unwrap();
            assert_eq!(registrar.bindings("amy")[0].source, expected, "{contact} {translated}");
        }
    }

    #[test]
    fn an_overtaken_register_changes_nothing() {
        let mut registrar = Registrar::new();
        let a = "sip:amy@192.0.2.7";
        registrar.apply(Time::ZERO, &LIMITS, &register("amy", 5, &[(a, 100)])).unwrap();
        for late in [register("amy", 5, &[(a, 0)]), register("amy", 4, &[(a, 200)])] {
            assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &late), Err(Refusal::OutOfOrder));
        }
        let mut all = register("amy", 4, &[]);
        all.change = Change::RemoveAll;
        assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &all), Err(Refusal::OutOfOrder));
        // A phone that was restarted counts anew under a new Call-ID.
        let anew = Registration { call_id: "b", ..register("amy", 1, &[(a, 100)]) };
        assert!(registrar.apply(Time::ZERO, &LIMITS, &anew).is_ok());
        assert_eq!(registrar.len(), 1);
    }

    #[test]
    fn a_star_removes_every_contact_and_a_zero_one() {
        let mut registrar = Registrar::new();
        let (a, b) = ("sip:amy@192.0.2.7", "sip:amy@192.0.2.8");
        registrar.apply(Time::ZERO, &LIMITS, &register("amy", 1, &[(a, 100), (b, 100)])).unwrap();
        let one = registrar.apply(Time::ZERO, &LIMITS, &register("amy", 2, &[(b, 0)])).unwrap();
        assert_eq!(
            one,
            [SipEvent::Unregistered { user: "amy".into(), contact: b.into(), expired: false }]
        );
        let mut all = register("amy", 3, &[]);
        all.change = Change::RemoveAll;
        assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &all).map(|e| e.len()), Ok(1));
        assert!(registrar.is_empty() && registrar.poll_timeout().is_none());
    }

    #[test]
    fn limits_refuse_the_whole_request_and_refreshes_are_never_refused() {
        let mut registrar = Registrar::new();
        let hosts = |hosts: &[u8]| -> Vec<(Uri, u32)> {
            hosts.iter().map(|h| (uri(&format!("sip:x@192.0.2.{h}")), 100)).collect()
        };
        let with = |user, cseq, of: &[u8]| Registration {
            change: Change::Contacts(hosts(of)),
            ..register(user, cseq, &[])
        };
        assert_eq!(
            registrar.apply(Time::ZERO, &LIMITS, &with("amy", 1, &[1, 2, 3])),
            Err(Refusal::TooManyContacts)
        );
        assert!(registrar.is_empty());
        assert!(registrar.apply(Time::ZERO, &LIMITS, &with("amy", 1, &[1, 2])).is_ok());
        assert!(registrar.apply(Time::ZERO, &LIMITS, &with("bob", 1, &[1])).is_ok());
        assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &with("cat", 1, &[1])), Err(Refusal::Full));
        assert!(registrar.apply(Time::ZERO, &LIMITS, &with("amy", 2, &[1, 2])).is_ok());
        assert_eq!(
            registrar.apply(Time::ZERO, &LIMITS, &register("amy", 3, &[("sip:x@192.0.2.1", 59)])),
            Err(Refusal::TooBrief)
        );
    }

    #[test]
    fn a_restored_binding_is_refreshed_like_any_other() {
        let mut registrar = Registrar::new();
        let binding = Binding {
            contact: "sip:amy@192.0.2.7".to_owned(),
            source: SocketAddr::from(([192, 0, 2, 7], 5060)),
            listener: ListenerId(0),
            call_id: "a".to_owned(),
            cseq: 9,
            expires_at: Time::from_millis(1_000),
        };
        registrar.restore("amy", binding);
        registrar
            .apply(Time::ZERO, &LIMITS, &register("amy", 10, &[("sip:amy@192.0.2.7", 100)]))
            .unwrap();
        assert_eq!(registrar.len(), 1);
        assert_eq!(registrar.expire(Time::from_millis(1_000)), []);
    }
}
