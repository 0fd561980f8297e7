//! What was promised and is not sent yet.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Bounce, Dispatch, Notification, NotificationSettings, recipient};
use crate::event::{NotificationEvent, SendFault, Unpromised};
use crate::id::{CallId, NotificationId, TemplateName};
use crate::time::{Deadlines, Time, UnixMicros, WallClock};

/// Nobody waits for a text for longer.
const TOO_OLD: Duration = Duration::from_secs(24 * 3_600);
/// For how long it is remembered who was sent how much.
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// The longest of what stands in a template, in characters.
const LONGEST_FIELD: usize = 400;
/// The longest of a provider's words that are kept, in characters.
const MOST_WORDS: usize = 200;

/// Something that was promised and is not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// In which call it was promised.
    pub call: CallId,
    /// Which of the settings' templates.
    pub template: TemplateName,
    /// To whom, in one spelling.
    pub to: String,
    /// What stands in it.
    pub fields: BTreeMap<String, String>,
    /// When it was promised, on the calendar.
    pub promised_at: UnixMicros,
    /// How often it was tried.
    pub attempts: u32,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Note this.
    Record(NotificationId, NotificationEvent),
    /// Send this.
    Send(Dispatch),
    /// Tell the call that its promise is kept.
    Kept(CallId),
}

#[derive(Debug)]
struct Waiting {
    open: Open,
    /// Whether the provider may have it.
    perhaps_there: bool,
    /// Whether an attempt is under way.
    under_way: bool,
}

/// Everything that was promised and is not sent yet.
#[derive(Debug, Default)]
pub struct Outbox {
    settings: NotificationSettings,
    waiting: BTreeMap<NotificationId, Waiting>,
    /// When the next attempt is due; those whose promise is not in the journal yet are not there.
    due: Deadlines<NotificationId>,
    under_way: usize,
    /// Who was promised something within a day, and when, the oldest first.
    recent: VecDeque<(Time, String)>,
    counts: BTreeMap<String, u32>,
}

impl Outbox {
    /// New settings.
    pub fn configure(&mut self, settings: &NotificationSettings) {
        self.settings = settings.clone();
    }

    /// What an earlier run had promised and not sent. The provider may have got it as that run ended.
    pub fn restore(&mut self, now: Time, id: NotificationId, open: Open) {
        self.waiting.insert(id, Waiting { open, perhaps_there: true, under_way: false });
        self.due.set(id, now);
    }

    /// A caller is to be sent something: what the journal is to have of it. It is sent once the journal
    /// has it ([`Outbox::kept`]).
    pub fn promise(
        &mut self,
        now: Time,
        wall: &WallClock,
        id: NotificationId,
        call: CallId,
        wanted: Notification,
    ) -> Result<NotificationEvent, Unpromised> {
        let Notification { template, to, fields } = wanted;
        let by = self.settings.templates.get(&template).ok_or(Unpromised::NotSet)?.by;
        let to = recipient(by, &to).ok_or(Unpromised::Recipient)?;
        self.forget(now);
        if self.counts.get(&to).copied().unwrap_or_default() >= self.settings.a_day {
            return Err(Unpromised::TooMany);
        }
        if self.waiting.len() >= self.settings.waiting {
            return Err(Unpromised::Full);
        }
        *self.counts.entry(to.clone()).or_default() += 1;
        self.recent.push_back((now, to.clone()));
        let fields: BTreeMap<_, _> = fields
            .into_iter()
            .map(|(name, value)| (name, one_line(&value, LONGEST_FIELD)))
            .collect();
        let open = Open {
            call,
            template: template.clone(),
            to: to.clone(),
            fields: fields.clone(),
            promised_at: wall.at(now),
            attempts: 0,
        };
        self.waiting.insert(id, Waiting { open, perhaps_there: false, under_way: false });
        Ok(NotificationEvent::Promised { call, template, by, to, fields })
    }

    /// What is older than a day does not count any more.
    fn forget(&mut self, now: Time) {
        while let Some((at, _)) = self.recent.front()
            && now.since(*at) >= DAY
            && let Some((_, to)) = self.recent.pop_front()
        {
            if let Some(count) = self.counts.get_mut(&to) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.counts.remove(&to);
                }
            }
        }
    }

    /// The journal has the promise.
    pub fn kept(&mut self, now: Time, wall: &WallClock, id: NotificationId) -> Vec<Effect> {
        let Some(waiting) = self.waiting.get(&id) else { return Vec::new() };
        let mut effects = vec![Effect::Kept(waiting.open.call)];
        self.due.set(id, now);
        effects.extend(self.handle_timeout(now, wall));
        effects
    }

    /// When the next one is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.due.next().filter(|_| self.under_way < self.settings.at_once)
    }

    /// Everything that is due, as far as it may be sent at once.
    pub fn handle_timeout(&mut self, now: Time, wall: &WallClock) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.under_way < self.settings.at_once
            && let Some((_, id)) = self.due.pop_due(now)
        {
            effects.extend(self.attempt(now, wall, id));
        }
        effects
    }

    fn attempt(&mut self, now: Time, wall: &WallClock, id: NotificationId) -> Option<Effect> {
        let waiting = self.waiting.get_mut(&id)?;
        let open = &mut waiting.open;
        let template = self.settings.templates.get(&open.template);
        let letter = template.and_then(|template| template.letter(&open.fields));
        let letter = match letter {
            _ if age(now, wall, open.promised_at) >= TOO_OLD => Err(SendFault::TooOld),
            Some(letter) => Ok(letter),
            None => Err(SendFault::NotSet),
        };
        match letter {
            Ok(letter) => {
                open.attempts = open.attempts.saturating_add(1);
                waiting.under_way = true;
                self.under_way += 1;
                let (to, perhaps_there) = (open.to.clone(), waiting.perhaps_there);
                Some(Effect::Send(Dispatch { id, to, letter, perhaps_there }))
            }
            Err(why) => {
                let attempts = open.attempts;
                self.waiting.remove(&id);
                Some(Effect::Record(id, NotificationEvent::Failed { why, words: None, attempts }))
            }
        }
    }

    /// An attempt is over: what the provider calls it, or why it has not taken it.
    pub fn dispatched(
        &mut self,
        now: Time,
        wall: &WallClock,
        id: NotificationId,
        outcome: Result<Option<String>, Bounce>,
    ) -> Vec<Effect> {
        let Some(waiting) = self.waiting.get_mut(&id).filter(|waiting| waiting.under_way) else {
            return Vec::new();
        };
        waiting.under_way = false;
        self.under_way = self.under_way.saturating_sub(1);
        let attempts = waiting.open.attempts;
        let event = match outcome {
            Ok(receipt) => {
                let after_us = micros(age(now, wall, waiting.open.promised_at));
                self.waiting.remove(&id);
                let receipt = receipt.map(|receipt| one_line(&receipt, MOST_WORDS));
                NotificationEvent::Sent { attempts, after_us, receipt }
            }
            Err(Bounce { why, words, arrived }) => {
                let words = words.map(|words| one_line(&words, MOST_WORDS));
                waiting.perhaps_there |= arrived;
                match self.settings.pause_after(attempts).filter(|_| why.passes()) {
                    Some(pause) => {
                        self.due.set(id, now + pause);
                        let again_us = micros(pause);
                        NotificationEvent::Delayed { why, words, attempts, again_us }
                    }
                    None => {
                        self.waiting.remove(&id);
                        NotificationEvent::Failed { why, words, attempts }
                    }
                }
            }
        };
        let mut effects = vec![Effect::Record(id, event)];
        // There is room for another.
        effects.extend(self.handle_timeout(now, wall));
        effects
    }

    /// How many wait to be sent.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

fn age(now: Time, wall: &WallClock, since: UnixMicros) -> Duration {
    let micros = wall.at(now).0.saturating_sub(since.0);
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn micros(lasts: Duration) -> u64 {
    u64::try_from(lasts.as_micros()).unwrap_or(u64::MAX)
}

/// Cut, and without anything that could begin another line of a message.
fn one_line(text: &str, most: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(most).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
