//! REGISTER (RFC 3261 section 10.3): who may, and what the registrar makes of it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::sip::digest::{Algorithm, Verdict};
use crate::sip::guard::Offence;
use crate::sip::header::{Challenge, Contacts, HeaderName, NameAddr};
use crate::sip::registrar::{Change, Instance, Refusal, RegistrarLimits, Registration, Wanted};
use crate::sip::transaction::table::ServerKey;
use crate::sip::uri::Uri;
use crate::sip::write::reason_phrase;
use crate::time::Time;

use super::leg::User;
use super::response::{Inbound, packet, seconds};
use super::{Authentication, Endpoint, Reason};

/// How long a registration lasts that does not say (section 10.2.1.1), in seconds.
const DEFAULT_EXPIRES_S: u32 = 3_600;
/// The option of RFC 5626.
const OUTBOUND: &str = "outbound";
/// The longest name of a phone, in bytes: a URN with a UUID has 49.
const INSTANCE_LIMIT: usize = 128;

impl Endpoint {
    pub(super) fn receive_register(&mut self, now: Time, mut request: Inbound, key: ServerKey) {
        let user = match self.verify(now, &request) {
            Verdict::Ok(user) => user,
            Verdict::Missing => {
                self.note_offence(now, request.listener, request.source, Offence::Unchallenged);
                return self.challenge_register(now, &request, false);
            }
            Verdict::Stale => return self.challenge_register(now, &request, true),
            // The same for a user that does not exist: nobody can find out who does.
            Verdict::Wrong => return self.refuse(now, &request, 403, Reason::WrongCredentials),
            Verdict::Malformed(error) => {
                return self.refuse_bad(now, &request, &error.reason(), Reason::BadHeader);
            }
        };
        // From here in a transaction: the same credentials would be stale in a repetition.
        self.open(&mut request, key, User::Nobody);
        // Section 10.2: To is the address of record, which only a SIP URI is (RFC 4475 section 3.3.4).
        let to = &request.essentials.to.uri;
        if to.as_sip().is_none() {
            let why = "Bad To (not a SIP URI)";
            return self.refuse_bad(now, &request, why, Reason::BadHeader);
        }
        let calls_only = self.settings.accounts.get(&user).is_some_and(|one| one.calls_only);
        if calls_only || to.user().as_deref() != Some(user.as_str()) {
            return self.refuse(now, &request, 403, Reason::NotTheirAddress);
        }
        let change = match wanted(&request) {
            Ok(change) => change,
            Err(why) => return self.refuse_bad(now, &request, &why, Reason::BadHeader),
        };
        let (min_expires_s, max_expires_s) = self.settings.expires_s;
        let limits = RegistrarLimits {
            min_expires_s,
            max_expires_s,
            contacts_per_user: self.limits.bindings_per_user,
            contacts: self.limits.bindings,
        };
        let registration = Registration {
            user: &user,
            call_id: &request.essentials.call_id,
            cseq: request.essentials.cseq.seq,
            source: request.source,
            translated: request.essentials.via.is_translated(request.source),
            connected: self.is_stream(request.listener),
            listener: request.listener,
            listeners: &self.settings.listeners,
            change,
        };
        match self.registrar.apply(now, &limits, &registration) {
            Ok(events) => {
                self.events.extend(events);
                let registered = self.registrar.bindings(&user).iter();
                let longest = registered.map(|binding| binding.expires_at - now).max();
                self.proved_credentials(now, request.source, longest.unwrap_or_default());
                self.confirm_register(now, &request, &user);
            }
            Err(Refusal::TooBrief) => {
                self.refuse_with(now, &request, 423, Reason::TooBrief, |draft| {
                    draft.header(HeaderName::MinExpires, min_expires_s)
                });
            }
            Err(Refusal::OutOfOrder) => self.refuse(now, &request, 500, Reason::OutOfOrder),
            Err(Refusal::SomebodyElses) => {
                self.refuse(now, &request, 403, Reason::SomebodyElsesNumber);
            }
            Err(Refusal::TooManyContacts) => self.refuse(now, &request, 403, Reason::BindingLimit),
            Err(Refusal::Full) => self.refuse_overload(now, &request, Reason::BindingLimit),
        }
    }

    /// 200 with every contact that the user now has and how long it lasts.
    fn confirm_register(&mut self, now: Time, request: &Inbound, user: &str) {
        let tag = self.stateless_tag(&request.essentials);
        let mut draft = self.draft(request, 200, &tag);
        for binding in self.registrar.bindings(user) {
            let mut contact = String::new();
            let left = seconds(binding.expires_at.since(now));
            // Writing to a String does not fail.
            let _ = write!(contact, "<{}>;expires={left}", binding.contact);
            if let Some(instance) = &binding.instance {
                let Instance { id, reg_id } = &**instance;
                let _ = write!(contact, ";+sip.instance=\"{id}\";reg-id={reg_id}");
            }
            draft = draft.header(HeaderName::Contact, contact);
        }
        // RFC 5626 section 6: tells the phone that its connections are known by their names.
        if names_instance(request) {
            draft = draft.header(HeaderName::Require, OUTBOUND);
        }
        let response = packet(request, 200, draft);
        self.send(now, request, response);
    }

    fn challenge_register(&mut self, now: Time, request: &Inbound, stale: bool) {
        let challenges = self.challenges(now, request, stale);
        self.refuse_because(now, request, 401, reason_phrase(401), |mut draft| {
            for challenge in challenges {
                draft = draft.header(HeaderName::WwwAuthenticate, challenge);
            }
            draft
        });
    }

    /// A challenge for every algorithm of the accounts, SHA-256 first (RFC 8760 section 2.4); MD5
    /// alone for a phone that would break off at the other.
    pub(super) fn challenges(
        &mut self,
        now: Time,
        request: &Inbound,
        stale: bool,
    ) -> Vec<Challenge> {
        let mut algorithms = Algorithm::of_accounts(self.settings.accounts.values());
        if algorithms.is_empty() {
            // Nobody can register; who tries is not told so.
            algorithms = Algorithm::ALL.to_vec();
        }
        let phone = request.message.text(HeaderName::UserAgent).unwrap_or_default();
        if algorithms.contains(&Algorithm::Md5) && !Algorithm::chosen_by(&phone) {
            algorithms = vec![Algorithm::Md5];
        }
        let source = self.guard.number(request.source.ip());
        self.authenticator.challenges(now, source, &algorithms, stale)
    }

    pub(super) fn verify(&mut self, now: Time, request: &Inbound) -> Verdict {
        let accounts = &self.settings.accounts;
        let source = self.guard.number(request.source.ip());
        self.authenticator.verify(
            now,
            source,
            &request.message,
            HeaderName::Authorization,
            |user| accounts.get(user),
        )
    }

    /// Whose INVITE it is; credentials that cannot be read are an error.
    pub(super) fn authenticate(
        &mut self,
        now: Time,
        request: &Inbound,
    ) -> Result<Authentication, crate::sip::error::HeaderError> {
        match self.verify(now, request) {
            Verdict::Ok(user) => {
                self.proved_credentials(now, request.source, Duration::ZERO);
                Ok(Authentication::User(user))
            }
            Verdict::Missing | Verdict::Stale => Ok(Authentication::None),
            Verdict::Wrong => {
                self.counters.reject(Reason::WrongCredentials.as_str());
                self.hold_against(now, request, Reason::WrongCredentials);
                Ok(Authentication::Wrong)
            }
            Verdict::Malformed(error) => Err(error),
        }
    }
}

/// Whether a phone names its connections, and nobody stands between it and us who would have to know
/// of that (RFC 5626 section 6).
fn names_instance(request: &Inbound) -> bool {
    let message = &request.message;
    let mut supported = message.headers(HeaderName::Supported);
    let asked = supported.any(|token| token.eq_ignore_ascii_case(OUTBOUND.as_bytes()));
    let named = |contact: &NameAddr| instance_of(contact).is_some();
    let contacts = message.contacts();
    asked
        && message.vias().nth(1).is_none()
        && matches!(contacts, Ok(Contacts::List(list)) if list.iter().any(named))
}

/// Which of a phone's connections a contact belongs to (RFC 5626 section 4).
fn instance_of(contact: &NameAddr) -> Option<Instance> {
    let id = contact.params.unquoted("+sip.instance")?;
    let reg_id = contact.params.get("reg-id")?.parse().ok().filter(|id| *id > 0)?;
    let sound = id.len() <= INSTANCE_LIMIT && !id.contains(['"', '\\']);
    sound.then(|| Instance { id: id.into_owned(), reg_id })
}

/// What a REGISTER asks for (section 10.3 steps 6 and 7), or why it cannot be told.
fn wanted(request: &Inbound) -> Result<Change, String> {
    let message = &request.message;
    // Section 20.19: a malformed Expires counts as 3600.
    let header_s = message.expires_s().unwrap_or(Some(DEFAULT_EXPIRES_S));
    match message.contacts().map_err(|error| error.reason())? {
        Contacts::All if header_s == Some(0) => Ok(Change::RemoveAll),
        Contacts::All => Err("Contact: * Needs Expires: 0".to_owned()),
        Contacts::List(contacts) => contacts
            .into_iter()
            .map(|contact| match &contact.uri {
                Uri::Sip(_) => {
                    let expires_s = contact.expires_s().or(header_s).unwrap_or(DEFAULT_EXPIRES_S);
                    let instance = instance_of(&contact).filter(|_| names_instance(request));
                    Ok(Wanted { contact: contact.uri, expires_s, instance })
                }
                Uri::Tel(_) | Uri::Other(_) => Err("Bad Contact (not a SIP URI)".to_owned()),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Change::Contacts),
    }
}
