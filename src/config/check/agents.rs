//! Agents, their phones, and who may change things.

use std::collections::BTreeSet;

use crate::config::contact;
use crate::config::problem::{AdviserProblem, Problem};
use crate::config::settings::{
    AgentSettings, Ha1Settings, ListenSettings, PhoneSettings, Role, Secret,
};
use crate::id::AgentId;
use crate::media::command::Encryption;

use super::Check;

/// The passwords of the shipped settings begin with this.
const EXAMPLE: &str = "example-";

impl Check<'_> {
    pub(super) fn agents(&mut self) {
        let settings = self.settings;
        let private = self.is_private();
        for (id, agent) in &settings.agents {
            self.agent(id, agent, private);
        }
        let example = |agent: &AgentSettings| {
            agent.password.as_ref().is_some_and(|password| password.reveal().starts_with(EXAMPLE))
        };
        let mut examples = settings.agents.iter().filter(|(_, agent)| example(agent));
        if let Some((first, _)) = examples.next() {
            let count = 1 + examples.count();
            let path = ["agent", first.as_str(), "password"];
            self.warning(&path, Problem::ExamplePasswords { count });
        }
    }

    /// Whether phones can register in private.
    fn is_private(&self) -> bool {
        let secure = |listen: &ListenSettings| listen.transports.iter().any(|t| t.is_secure());
        self.settings.sip.addresses().iter().any(secure)
    }

    /// `private`: whether phones can register in private.
    fn agent(&mut self, id: &AgentId, agent: &AgentSettings, private: bool) {
        let name = id.as_str();
        let table = ["agent", name];
        // A subset of what RFC 3261 section 25.1 allows unescaped in a user part.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            self.key_error(&table, Problem::BadAgentId { agent: name.to_owned() });
        }
        if self.is_number(name) {
            self.key_error(&table, Problem::AgentIsNumber { agent: name.to_owned() });
        }
        self.text(&["agent", name, "name"], "the agent's name", &agent.name);
        if let Some(spoken) = &agent.spoken_name {
            self.text(&["agent", name, "spoken_name"], "the name that callers are told", spoken);
        }
        if let Some(pin) = &agent.pin {
            self.pin(name, pin);
        }
        if let Some(most) = agent.max_calls {
            self.not_zero(&["agent", name, "max_calls"], "calls at once", u64::from(most));
        }
        if let Some(next_s) = agent.next_phone_s {
            let at = ["agent", name, "next_phone_s"];
            self.not_zero(&at, "the time until the next phone rings", u64::from(next_s));
            let last_s = u64::from(next_s) * (agent.contacts.len() as u64).saturating_sub(1);
            let longest_s = self.settings.queues.values().map(|queue| queue.ring_s).max();
            if longest_s.is_some_and(|longest_s| last_s >= u64::from(longest_s)) {
                self.warning(&at, Problem::Adviser(AdviserProblem::NeverRings { last_s }));
            }
        }
        let phones = PhoneSettings {
            password: agent.password.clone(),
            ha1: agent.ha1.clone(),
            contacts: agent.contacts.clone(),
            srtp: agent.srtp,
        };
        self.phones_of("agent", name, &phones, private);
    }

    /// Four digits at least: whoever guesses has a few tries only.
    fn pin(&mut self, name: &str, pin: &Secret) {
        let pin = pin.reveal();
        if !(4..=12).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
            self.error(&["agent", name, "pin"], Problem::Adviser(AdviserProblem::BadPin));
        }
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let agent = self.settings.agents.get(name);
        if agent.is_some_and(|agent| agent.extension.is_none()) && !digits(name) {
            self.key_error(&["agent", name, "pin"], Problem::Adviser(AdviserProblem::PinOfNobody));
        }
    }

    pub(super) fn shared_phones(&mut self) {
        let settings = self.settings;
        let private = self.is_private();
        for (id, phone) in &settings.phones {
            let name = id.as_str();
            let table = ["phone", name];
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
                let what = Problem::Adviser(AdviserProblem::BadPhone { phone: name.to_owned() });
                self.key_error(&table, what);
            }
            let extension = |extension: &Option<String>| extension.as_deref() == Some(name);
            if settings.agents.contains_key(name)
                || settings.queues.contains_key(name)
                || settings.agents.values().any(|agent| extension(&agent.extension))
                || settings.queues.values().any(|queue| extension(&queue.extension))
                || self.is_number(name)
            {
                let what = Problem::Adviser(AdviserProblem::PhoneIsElse { phone: name.to_owned() });
                self.key_error(&table, what);
            }
            self.phones_of("phone", name, phone, private);
        }
        let pins = settings.agents.values().any(|agent| agent.pin.is_some());
        if let Some((first, _)) = settings.phones.first_key_value().filter(|_| !pins) {
            let what = Problem::Adviser(AdviserProblem::NobodySits);
            self.warning(&["phone", first.as_str()], what);
        }
    }

    /// Phones that go by one name.
    fn phones_of(&mut self, kind: &'static str, name: &str, agent: &PhoneSettings, private: bool) {
        let table = [kind, name];
        // Whoever sits down at shared phones needs none of their own.
        let has_pin = |agent: &AgentSettings| agent.pin.is_some();
        let sits = kind == "agent"
            && !self.settings.phones.is_empty()
            && self.settings.agents.get(name).is_some_and(has_pin);
        if let Some(password) = &agent.password {
            self.text(&[kind, name, "password"], "the password", password.reveal());
            if agent.ha1.is_some() {
                let what = Problem::TwoSecrets { agent: name.to_owned() };
                self.key_error(&[kind, name, "ha1"], what);
            }
        }
        match &agent.ha1 {
            Some(ha1) => self.ha1(kind, name, ha1),
            None if agent.password.is_none() && agent.contacts.is_empty() && !sits => {
                self.key_error(&table, Problem::NoPhone { agent: name.to_owned() });
            }
            None => {}
        }
        let clear = |contact: &String| {
            contact::parse(contact).is_some_and(|found| !found.transport.is_secure())
        };
        if agent.srtp == Encryption::Required && (!private || agent.contacts.iter().any(clear)) {
            let what = Problem::AgentKeysInClear { agent: name.to_owned() };
            self.warning(&[kind, name, "srtp"], what);
        }
        let mut seen = BTreeSet::new();
        for (index, contact) in agent.contacts.iter().enumerate() {
            let index = index.to_string();
            let path = [kind, name, "contacts", index.as_str()];
            let text = contact.clone();
            match contact::parse(contact) {
                None => self.error(&path, Problem::BadContact { contact: text }),
                Some(_) if !seen.insert(contact) => {
                    self.error(&path, Problem::ContactTwice { contact: text });
                }
                Some(phone) if !self.has_way_to(&phone) => {
                    self.error(&path, Problem::NoWayTo { contact: text });
                }
                Some(_) => {}
            }
        }
    }

    /// Whether a phone can be reached from one of our addresses.
    fn has_way_to(&self, phone: &contact::FixedContact) -> bool {
        self.settings.sip.addresses().iter().any(|listen| {
            listen.bind.is_ipv4() == phone.to.is_ipv4()
                && listen.transports.contains(&phone.transport)
        })
    }

    fn ha1(&mut self, kind: &'static str, name: &str, ha1: &Ha1Settings) {
        if ha1.md5.is_none() && ha1.sha256.is_none() {
            self.key_error(&[kind, name, "ha1"], Problem::EmptyHa1);
        }
        for (key, secret, digits) in [("md5", &ha1.md5, 32), ("sha256", &ha1.sha256, 64)] {
            if secret.as_ref().is_some_and(|secret| !is_hash(secret.reveal(), digits)) {
                self.error(&[kind, name, "ha1", key], Problem::BadHash { digits });
            }
        }
    }

    pub(super) fn tokens(&mut self) {
        let settings = self.settings;
        let mut seen = BTreeSet::new();
        for (index, token) in settings.tokens.iter().enumerate() {
            let index = index.to_string();
            let at = |key: &'static str| ["token", index.as_str(), key];
            self.text(&at("actor"), "the actor's name", &token.actor);
            if !is_hash(token.sha256.reveal(), 64) {
                self.error(&at("sha256"), Problem::BadHash { digits: 64 });
            } else if !seen.insert(token.sha256.reveal().to_ascii_lowercase()) {
                self.error(&at("sha256"), Problem::TokenTwice);
            }
            match (token.role, &token.agent) {
                (Role::Agent, None) => self.error(&at("role"), Problem::TokenWithoutAgent),
                (Role::Supervisor, Some(_)) => self.error(&at("agent"), Problem::TokenWithAgent),
                (Role::Agent, Some(agent)) if !settings.agents.contains_key(agent) => {
                    let known = settings.agents.keys().map(AgentId::as_str);
                    self.no_such(&at("agent"), "agent", agent.as_str(), known);
                }
                (Role::Agent, Some(_)) | (Role::Supervisor, None) => {}
            }
        }
    }
}

fn is_hash(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}
