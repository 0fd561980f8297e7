//! The registrar's bindings (RFC 3261 section 10.3, RFC 5626 section 6): a pure table over [`Time`].
//!
//! Who may register was decided before; here is only which contacts a user has, for how long, and
//! through which connections.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::sip::ListenerId;
use crate::time::{Deadlines, Time};

use super::dialog::next_hop;
use super::endpoint::{Binding, SipEvent};
use super::transport::{Listener, Protocol, listener_towards};
use super::uri::Uri;

#[cfg(test)]
mod tests;

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
    /// All listeners: a contact may ask for another protocol.
    pub listeners: &'a [Listener],
    /// What is to change.
    pub change: Change,
}

impl Registration<'_> {
    /// Where requests to a contact go. RFC 3261 section 10.3 binds the contact, not the source: a
    /// phone may register from another port than it listens at, or somebody on its behalf.
    fn way_to(&self, contact: &Uri) -> (ListenerId, SocketAddr) {
        // Over a stream the phone is reached through the connection that it opened (RFC 5626).
        if self.translated || self.connected {
            return (self.listener, self.source);
        }
        let to = next_hop(contact, self.source);
        let protocol = contact.as_sip().map_or(Protocol::Udp, Protocol::towards);
        let listener = listener_towards(self.listeners, protocol, to.ip(), Some(self.listener));
        (listener.unwrap_or(self.listener), to)
    }

    /// Whether to ring a contact may be to ring a telephone number: its user part is one, not the
    /// user's own name, and somebody else is there than sent the REGISTER. A carrier that knows us
    /// by our address would connect it, at our cost.
    fn is_somebody_elses_number(&self, contact: &Uri) -> bool {
        let named = contact.user().unwrap_or_default();
        let number = named.split(';').next().unwrap_or_default();
        let digits = |c: char| c.is_ascii_digit() || "+*#-.() ".contains(c);
        let (_, to) = self.way_to(contact);
        number.contains(|c: char| c.is_ascii_digit())
            && number.chars().all(digits)
            && number != self.user
            && to.ip() != self.source.ip()
    }
}

/// What a REGISTER asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Add, refresh or (with 0 seconds) remove contacts; nothing if there are none.
    Contacts(Vec<Wanted>),
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
}

/// A contact to be added, refreshed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its URI.
    pub contact: Uri,
    /// For how long, in seconds; 0 removes it.
    pub expires_s: u32,
    /// Which of a phone's connections it belongs to.
    pub instance: Option<Instance>,
}

/// One connection of one phone (RFC 5626 section 4): the next one of the same name takes its place,
/// whatever its contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The phone: `+sip.instance`, without quotes.
    pub id: String,
    /// Which of its connections: `reg-id`.
    pub reg_id: u32,
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
    /// 403: a contact that is a telephone number somewhere else.
    #[error("the contact is somebody else's number")]
    SomebodyElses,
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
    /// Whose contacts are reached through a connection.
    by_flow: BTreeSet<(ListenerId, SocketAddr, String)>,
    /// Whose they are, by what a contact says apart from its parameters.
    by_contact: BTreeSet<(String, String)>,
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
        let mut events = Vec::new();
        for wanted in wanted {
            let user = registration.user;
            if wanted.expires_s == 0 {
                events.extend(self.remove(user, wanted));
                continue;
            }
            let expires_s = wanted.expires_s.min(limits.max_expires_s);
            let (listener, source) = registration.way_to(&wanted.contact);
            let binding = Binding {
                contact: wanted.contact.to_string(),
                source,
                listener,
                call_id: registration.call_id.to_owned(),
                cseq: registration.cseq,
                expires_at: now + Duration::from_secs(u64::from(expires_s)),
                instance: wanted.instance.clone().map(Box::new),
            };
            let replaced = self.put(user, wanted, binding.clone());
            // The same phone under another contact: the one before is not there any more.
            let elsewhere = replaced.into_iter().filter(|one| one.contact != binding.contact);
            events.extend(elsewhere.map(|replaced| SipEvent::Unregistered {
                user: user.to_owned(),
                contact: replaced.contact,
                expired: false,
            }));
            events.push(SipEvent::Registered { user: user.to_owned(), binding });
        }
        Ok(events)
    }

    /// Puts a binding back that an earlier run knew.
    pub fn restore(&mut self, user: &str, binding: Binding) {
        let wanted = Wanted { contact: uri_of(&binding), expires_s: 0, instance: None };
        self.put(user, &wanted, binding);
    }

    /// When [`Registrar::expire`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// Removes what has run out.
    pub fn expire(&mut self, now: Time) -> Vec<SipEvent> {
        let mut events = Vec::new();
        while let Some((_, (user, contact))) = self.deadlines.pop_due(now) {
            events.extend(self.take_out(&user, |binding| binding.contact == contact, true));
        }
        events
    }

    /// A connection is closed: the contacts that were reached through it are gone (RFC 5626 section
    /// 5.3); the phone registers again over its next one.
    pub fn closed(&mut self, listener: ListenerId, peer: SocketAddr) -> Vec<SipEvent> {
        let first = (listener, peer, String::new());
        let users: Vec<String> = self
            .by_flow
            .range(first..)
            .take_while(|(at, from, _)| (*at, *from) == (listener, peer))
            .map(|(_, _, user)| user.clone())
            .collect();
        let over = |binding: &Binding| binding.listener == listener && binding.source == peer;
        users.iter().flat_map(|user| self.take_out(user, over, true)).collect()
    }

    /// The connection through which a contact is reached now, if it is registered.
    pub fn reached_by(&self, contact: &Uri) -> Option<(ListenerId, SocketAddr)> {
        let key = contact_key(contact)?;
        let owners = self.by_contact.range((key.clone(), String::new())..);
        owners.take_while(|(known, _)| *known == key).find_map(|(_, user)| {
            let mut bindings = self.bindings(user).iter();
            let found = bindings.find(|binding| uri_of(binding).equivalent(contact))?;
            Some((found.listener, found.source))
        })
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
        wanted: &[Wanted],
    ) -> Result<(), Refusal> {
        let bindings = self.bindings(registration.user);
        let mut fresh: Vec<&Wanted> = Vec::new();
        for one in wanted {
            let mut known = bindings.iter().filter(|binding| one.means(binding)).peekable();
            let new = known.peek().is_none();
            if known.any(|binding| overtaken(binding, registration)) {
                return Err(Refusal::OutOfOrder);
            }
            if one.expires_s == 0 {
                continue;
            }
            if one.expires_s < limits.min_expires_s {
                return Err(Refusal::TooBrief);
            }
            if registration.is_somebody_elses_number(&one.contact) {
                return Err(Refusal::SomebodyElses);
            }
            if new && !fresh.iter().any(|other| other.contact.equivalent(&one.contact)) {
                fresh.push(one);
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

    /// Adds a binding in the place of those that it replaces; these.
    fn put(&mut self, user: &str, wanted: &Wanted, binding: Binding) -> Vec<Binding> {
        let bindings = self.users.entry(user.to_owned()).or_default();
        let at = bindings.iter().position(|known| wanted.means(known)).unwrap_or(bindings.len());
        let (replaced, mut kept): (Vec<_>, Vec<_>) =
            std::mem::take(bindings).into_iter().partition(|known| wanted.means(known));
        kept.insert(at, binding.clone());
        *bindings = kept;
        for replaced in &replaced {
            self.forget(user, replaced);
        }
        self.deadlines.set((user.to_owned(), binding.contact), binding.expires_at);
        self.by_flow.insert((binding.listener, binding.source, user.to_owned()));
        if let Some(key) = contact_key(&wanted.contact) {
            self.by_contact.insert((key, user.to_owned()));
        }
        replaced
    }

    fn remove(&mut self, user: &str, wanted: &Wanted) -> Vec<SipEvent> {
        self.take_out(user, |binding| wanted.means(binding), false)
    }

    fn remove_all(&mut self, user: &str) -> Vec<SipEvent> {
        self.take_out(user, |_| true, false)
    }

    fn take_out(
        &mut self,
        user: &str,
        which: impl Fn(&Binding) -> bool,
        expired: bool,
    ) -> Vec<SipEvent> {
        let Some(bindings) = self.users.get_mut(user) else { return Vec::new() };
        let (gone, kept) = std::mem::take(bindings).into_iter().partition(which);
        *bindings = kept;
        if bindings.is_empty() {
            self.users.remove(user);
        }
        let gone: Vec<Binding> = gone;
        gone.into_iter()
            .map(|binding| {
                self.forget(user, &binding);
                let (user, contact) = (user.to_owned(), binding.contact);
                SipEvent::Unregistered { user, contact, expired }
            })
            .collect()
    }

    /// Takes a binding that a user does not have any more out of the indexes.
    fn forget(&mut self, user: &str, gone: &Binding) {
        self.deadlines.cancel(&(user.to_owned(), gone.contact.clone()));
        let over =
            |binding: &Binding| binding.listener == gone.listener && binding.source == gone.source;
        if !self.bindings(user).iter().any(over) {
            self.by_flow.remove(&(gone.listener, gone.source, user.to_owned()));
        }
        let key = contact_key(&uri_of(gone));
        let named = |binding: &Binding| contact_key(&uri_of(binding)) == key;
        if let Some(key) = key.clone().filter(|_| !self.bindings(user).iter().any(named)) {
            self.by_contact.remove(&(key, user.to_owned()));
        }
    }
}

impl Wanted {
    /// Whether a binding is of this phone's connection, or for this contact (section 10.3: compared
    /// as section 19.1.4 says).
    fn means(&self, binding: &Binding) -> bool {
        let same = self.instance.as_ref().zip(binding.instance.as_deref());
        same.is_some_and(|(wanted, known)| wanted == known)
            || uri_of(binding).equivalent(&self.contact)
    }
}

fn uri_of(binding: &Binding) -> Uri {
    Uri::parse(binding.contact.as_bytes()).unwrap_or(Uri::Other(binding.contact.clone()))
}

/// What equivalent contacts have in common: user, host and port.
fn contact_key(contact: &Uri) -> Option<String> {
    let uri = contact.as_sip()?;
    let user = contact.user().unwrap_or_default();
    let host = uri.host.to_string().to_ascii_lowercase();
    Some(format!("{user}@{host}:{}", uri.port.unwrap_or(0)))
}

/// Whether a newer REGISTER of the same client made this binding.
fn overtaken(binding: &Binding, registration: &Registration<'_>) -> bool {
    binding.call_id == registration.call_id && registration.cseq <= binding.cseq
}
