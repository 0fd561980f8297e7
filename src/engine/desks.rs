//! Shared phones: who sits at which, and how advisers sit down there.
//!
//! A shared phone is nobody's until somebody dials the code, keys in an extension and a PIN. From then on
//! it is one of that adviser's phones, and whatever is dialled on it is theirs, until they sign out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::acd::command::AgentChoice;
use crate::call::Target;
use crate::call::command::{Command, Notice};
use crate::event::{AgentEvent, EndCause, Event, StateReason};
use crate::id::{AgentId, CallId, PhoneName, PromptName};
use crate::media::command::{Encryption, Key};
use crate::sip::endpoint::{Authentication, IncomingInvite};
use crate::time::Time;

use super::Engine;
use super::controller::{Controller, StarCode};

/// Phones of one name: an agent's, or one that agents share.
#[derive(Debug, Clone)]
pub struct PhonePlan {
    /// Where they are, if they do not register.
    pub contacts: Vec<Target>,
    /// Addresses whose calls count as theirs without credentials.
    pub trusted: Vec<IpAddr>,
    /// Whether their audio is encrypted.
    pub encryption: Encryption,
}

/// So often in one call somebody may be wrong.
const TRIES: u32 = 3;
/// After so many wrong PINs in a row nobody signs in as the agent for a while, whatever they key in.
const MOST_WRONG: u32 = 5;
/// For so long.
const LOCKED: Duration = Duration::from_secs(900);
/// The longest that is waited for a key.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most digits of an extension or a PIN.
const MOST_DIGITS: usize = 20;

/// Who sits where.
#[derive(Debug, Default)]
pub(super) struct Desks {
    sits: BTreeMap<PhoneName, AgentId>,
    /// Wrong PINs in a row, and until when that counts.
    wrong: BTreeMap<AgentId, (u32, Time)>,
}

impl Desks {
    pub(super) fn new(sits: BTreeMap<PhoneName, AgentId>) -> Self {
        Desks { sits, wrong: BTreeMap::new() }
    }

    /// Who sits at a phone.
    pub(super) fn at(&self, phone: &str) -> Option<&AgentId> {
        self.sits.get(phone)
    }

    /// Where an agent sits.
    pub(super) fn of(&self, agent: &AgentId) -> Option<&PhoneName> {
        self.sits.iter().find_map(|(phone, who)| (who == agent).then_some(phone))
    }

    fn is_locked(&self, agent: &AgentId, now: Time) -> bool {
        self.wrong.get(agent).is_some_and(|(times, until)| *times >= MOST_WRONG && now < *until)
    }

    /// Somebody was wrong; whether it was once too often.
    fn was_wrong(&mut self, agent: &AgentId, now: Time) -> bool {
        let (times, until) = self.wrong.entry(agent.clone()).or_insert((0, now));
        if now >= *until {
            *times = 0;
        }
        *times = times.saturating_add(1);
        *until = now + LOCKED;
        *times >= MOST_WRONG
    }
}

/// Somebody who wants to sit down at a shared phone.
#[derive(Debug)]
pub struct Newcomer {
    phone: PhoneName,
    /// As whom, once that is known.
    extension: Option<String>,
    keyed: String,
    wrong: u32,
}

impl Newcomer {
    /// Whoever has dialled the code on `phone`, and perhaps an extension behind it.
    pub(super) fn at(phone: PhoneName, dialled: &str) -> Self {
        let extension = (!dialled.is_empty()).then(|| dialled.to_owned());
        Newcomer { phone, extension, keyed: String::new(), wrong: 0 }
    }

    /// What was keyed in, once it is complete.
    fn press(&mut self, key: Key) -> Option<String> {
        match key.as_char() {
            '#' => return Some(std::mem::take(&mut self.keyed)),
            '*' => self.keyed.clear(),
            digit if digit.is_ascii_digit() && self.keyed.len() < MOST_DIGITS => {
                self.keyed.push(digit);
            }
            _ => {}
        }
        None
    }
}

/// What is said to them.
#[derive(Debug, Clone, Copy)]
enum Say {
    Extension,
    Pin,
    Wrong,
}

impl Say {
    fn prompt(self) -> PromptName {
        PromptName::from(match self {
            Say::Extension => "agent/extension",
            Say::Pin => "agent/pin",
            Say::Wrong => "agent/not-recognised",
        })
    }
}

/// Every prompt that newcomers can hear.
pub(super) fn prompts() -> [PromptName; 3] {
    [Say::Extension, Say::Pin, Say::Wrong].map(Say::prompt)
}

impl Engine {
    /// The shared phone that proves to be one.
    pub(super) fn shared_phone(&self, invite: &IncomingInvite) -> Option<PhoneName> {
        let phones = &self.plan.phones;
        let phone = match &invite.authentication {
            Authentication::User(user) => phones.get_key_value(user.as_str()),
            Authentication::None => phones
                .get_key_value(invite.from_user.as_str())
                .filter(|(_, phone)| phone.trusted.contains(&invite.source.ip())),
            Authentication::Wrong => None,
        };
        phone.map(|(name, _)| name.clone())
    }

    /// What follows the code for sitting down, if that was dialled.
    pub(super) fn sits_down<'a>(&self, called: &'a str) -> Option<&'a str> {
        let extension = called.strip_prefix(&self.plan.star_codes.sit_down)?;
        extension.bytes().all(|b| b.is_ascii_digit()).then_some(extension)
    }

    /// The phone at which an agent sits.
    pub(super) fn desk_targets(&self, agent: &AgentId) -> Vec<Target> {
        let Some(phone) = self.desks.of(agent) else { return Vec::new() };
        let Some(plan) = self.plan.phones.get(phone) else { return Vec::new() };
        let registered = self.registered_targets(phone.as_str(), plan.encryption);
        plan.contacts.iter().cloned().chain(registered).collect()
    }

    /// Something happened that newcomers wait for.
    pub(super) fn newcomer(&mut self, now: Time, id: CallId, notice: Notice) {
        let Some(Controller::Newcomer(newcomer)) =
            self.calls.get_mut(&id).map(|governed| &mut governed.controller)
        else {
            return;
        };
        let key = match notice {
            Notice::Started => return self.ask_newcomer(now, id, None),
            Notice::Key(key) => key,
            Notice::SecretKey(key) => key.reveal(),
            Notice::Played if newcomer.wrong < TRIES => {
                let wait = Command::SetTimer { after: PATIENCE };
                return self.with_call(id, |call, _| call.command(now, wait));
            }
            Notice::Played | Notice::TimerDone => {
                return self.with_call(id, |call, _| call.end(now, EndCause::StarCodeDone));
            }
            Notice::Hours { .. }
            | Notice::Bulletin { .. }
            | Notice::Answered(_)
            | Notice::Promised { .. }
            | Notice::NotConnected(_)
            | Notice::Heard(_)
            | Notice::QueueLeft(_)
            | Notice::Outlook(_)
            | Notice::Waiting
            | Notice::Callback(_)
            | Notice::MessageEnded { .. }
            | Notice::Joined
            | Notice::CallOver
            | Notice::CameBack => return,
        };
        if newcomer.wrong >= TRIES {
            return;
        }
        let complete = newcomer.press(key);
        let wanted = newcomer.extension.clone();
        let phone = newcomer.phone.clone();
        let commands = [Command::StopPlaying, Command::SetTimer { after: PATIENCE }];
        for command in commands {
            self.with_call(id, |call, _| call.command(now, command));
        }
        match (complete, wanted) {
            (None, _) => {}
            (Some(keyed), None) => {
                if let Some(newcomer) = self.newcomer_mut(id) {
                    newcomer.extension = Some(keyed);
                }
                self.ask_newcomer(now, id, None);
            }
            (Some(pin), Some(extension)) => match self.sit_down(now, &phone, &extension, &pin) {
                Some(agent) => self.has_sat_down(now, id, agent),
                None => {
                    if let Some(newcomer) = self.newcomer_mut(id) {
                        newcomer.extension = None;
                        newcomer.wrong += 1;
                    }
                    self.ask_newcomer(now, id, Some(Say::Wrong));
                }
            },
        }
    }

    fn newcomer_mut(&mut self, id: CallId) -> Option<&mut Newcomer> {
        match self.calls.get_mut(&id).map(|governed| &mut governed.controller) {
            Some(Controller::Newcomer(newcomer)) => Some(newcomer),
            Some(
                Controller::Flow { .. }
                | Controller::Own { .. }
                | Controller::Callback { .. }
                | Controller::StarCode { .. },
            )
            | None => None,
        }
    }

    /// Asks for what is not known yet, `first` something else. A PIN is nobody else's to see.
    fn ask_newcomer(&mut self, now: Time, id: CallId, first: Option<Say>) {
        let Some(newcomer) = self.newcomer_mut(id) else { return };
        let on = newcomer.extension.is_some();
        let next = match (newcomer.wrong >= TRIES, on) {
            (true, _) => None,
            (false, true) => Some(Say::Pin),
            (false, false) => Some(Say::Extension),
        };
        let prompts = first.into_iter().chain(next).map(Say::prompt).collect();
        self.with_call(id, |call, _| {
            call.command(now, Command::Secret { on });
            call.command(now, Command::Play { prompts });
        });
    }

    /// They are who they say, and from now on it is as if they had dialled the code for signing in.
    fn has_sat_down(&mut self, now: Time, id: CallId, agent: AgentId) {
        let code = StarCode::SignIn;
        let (afterwards, prompts) = (code.afterwards(), vec![code.confirmation()]);
        if let Some(governed) = self.calls.get_mut(&id) {
            governed.controller = Controller::StarCode { agent, code, afterwards };
        }
        self.with_call(id, |call, _| {
            call.command(now, Command::CancelTimer);
            call.command(now, Command::Secret { on: false });
            call.command(now, Command::Play { prompts });
        });
    }

    /// Gives the phone to an agent who proves to be one. Whoever sat there is signed out.
    fn sit_down(
        &mut self,
        now: Time,
        phone: &PhoneName,
        extension: &str,
        pin: &str,
    ) -> Option<AgentId> {
        // It may have been taken out of the settings meanwhile.
        self.plan.phones.get(phone)?;
        let mut agents = self.plan.agents.iter();
        let (agent, plan) = agents.find(|(id, plan)| {
            plan.extension.as_deref() == Some(extension) || id.as_str() == extension
        })?;
        let right = plan.pin.as_ref().is_some_and(|right| right.reveal() == pin);
        let agent = agent.clone();
        // Whoever is right may be somebody who guesses: the lock stays, and is no longer for it.
        let locked = self.desks.is_locked(&agent, now);
        if !right || locked {
            let locked = if right { locked } else { self.desks.was_wrong(&agent, now) };
            let event = AgentEvent::WrongPin { phone: phone.clone(), locked };
            self.record(now, Event::Agent { agent, event });
            return None;
        }
        self.desks.wrong.remove(&agent);
        if self.desks.at(phone.as_str()) != Some(&agent) {
            if let Some(before) = self.desks.at(phone.as_str()).cloned() {
                let out = AgentChoice::SignOut;
                // Who is signed out already need not be.
                let _ = self.choose(now, &before, out, StateReason::Phone, None);
                self.stand_up(now, &before);
            }
            self.stand_up(now, &agent);
            self.desks.sits.insert(phone.clone(), agent.clone());
            let event = AgentEvent::SatDown { phone: phone.clone() };
            self.record(now, Event::Agent { agent: agent.clone(), event });
            self.reachable(now, agent.clone());
        }
        let _ = self.choose(now, &agent, AgentChoice::SignIn, StateReason::Own, None);
        Some(agent)
    }

    /// An agent sits at no shared phone any more.
    pub(super) fn stand_up(&mut self, now: Time, agent: &AgentId) {
        let Some(phone) = self.desks.of(agent).cloned() else { return };
        self.desks.sits.remove(&phone);
        let event = AgentEvent::StoodUp { phone };
        self.record(now, Event::Agent { agent: agent.clone(), event });
        self.reachable(now, agent.clone());
    }

    /// Nobody sits at phones that are not in the settings any more.
    pub(super) fn follow_phones(&mut self, now: Time) {
        let gone =
            self.desks.sits.iter().filter(|(phone, _)| !self.plan.phones.contains_key(*phone));
        let gone: Vec<AgentId> = gone.map(|(_, agent)| agent.clone()).collect();
        for agent in gone {
            self.stand_up(now, &agent);
        }
        let agents = &self.plan.agents;
        self.desks.wrong.retain(|agent, _| agents.contains_key(agent));
    }
}
