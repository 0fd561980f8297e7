//! Text messages and e-mails that callers were promised, from the promise until a provider has them.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::{Channel, NotificationEvent, SendFault};
use crate::id::{CallId, NotificationId, TemplateName};
use crate::time::UnixMicros;

/// How many of those that failed are kept for people to see.
const MOST_FAILED: usize = 100;

/// One that waits to be sent, or has failed. Personal, so shown only to those who may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationLive {
    /// Which.
    pub notification: NotificationId,
    /// In which call it was promised.
    pub call: CallId,
    /// What.
    pub template: TemplateName,
    /// How.
    pub by: Channel,
    /// To which number or address.
    pub to: String,
    /// What stands in it.
    pub fields: BTreeMap<String, String>,
    /// When it was promised, on the calendar.
    pub promised_at: UnixMicros,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not taken the last time.
    pub why: Option<SendFault>,
    /// The provider's words for that.
    pub words: Option<String>,
}

/// Everything that waits, what has failed lately, and counts since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NotificationBook {
    /// What waits to be sent.
    pub waiting: BTreeMap<NotificationId, NotificationLive>,
    /// What has failed for good, the last of it, the newest last.
    pub failed: VecDeque<NotificationLive>,
    /// How many were promised, by template.
    pub promised: BTreeMap<TemplateName, u64>,
    /// What became of them (`sent`, or why they failed) and why others were not promised, by template.
    pub outcomes: BTreeMap<TemplateName, BTreeMap<String, u64>>,
    /// Attempts that were repeated, by why they had failed.
    pub delays: BTreeMap<String, u64>,
    /// How long those that were sent had waited together, in microseconds.
    pub waited_us: u64,
}

impl NotificationBook {
    /// Takes in what happened to one.
    pub(crate) fn see(
        &mut self,
        notification: NotificationId,
        event: &NotificationEvent,
        at: UnixMicros,
    ) {
        match event {
            NotificationEvent::Promised { call, template, by, to, fields } => {
                *self.promised.entry(template.clone()).or_default() += 1;
                let live = NotificationLive {
                    notification,
                    call: *call,
                    template: template.clone(),
                    by: *by,
                    to: to.clone(),
                    fields: fields.clone(),
                    promised_at: at,
                    attempts: 0,
                    why: None,
                    words: None,
                };
                self.waiting.insert(notification, live);
            }
            NotificationEvent::Unpromised { call: _, template, why } => {
                self.count(template, why.as_str());
            }
            NotificationEvent::Delayed { why, words, attempts, again_us: _ } => {
                *self.delays.entry(why.as_str().to_owned()).or_default() += 1;
                if let Some(live) = self.waiting.get_mut(&notification) {
                    live.failed(*why, words.as_deref(), *attempts);
                }
            }
            NotificationEvent::Sent { attempts: _, after_us, receipt: _ } => {
                if let Some(live) = self.waiting.remove(&notification) {
                    self.count(&live.template, "sent");
                    self.waited_us = self.waited_us.saturating_add(*after_us);
                }
            }
            NotificationEvent::Failed { why, words, attempts } => {
                if let Some(mut live) = self.waiting.remove(&notification) {
                    self.count(&live.template, why.as_str());
                    live.failed(*why, words.as_deref(), *attempts);
                    if self.failed.len() >= MOST_FAILED {
                        self.failed.pop_front();
                    }
                    self.failed.push_back(live);
                }
            }
        }
    }

    fn count(&mut self, template: &TemplateName, outcome: &str) {
        let outcomes = self.outcomes.entry(template.clone()).or_default();
        *outcomes.entry(outcome.to_owned()).or_default() += 1;
    }
}

impl NotificationLive {
    fn failed(&mut self, why: SendFault, words: Option<&str>, attempts: u32) {
        self.attempts = attempts;
        self.why = Some(why);
        self.words = words.map(str::to_owned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promised() -> NotificationEvent {
        NotificationEvent::Promised {
            call: CallId(uuid::Uuid::nil()),
            template: "bin".into(),
            by: Channel::Text,
            to: "+447700900123".to_owned(),
            fields: BTreeMap::new(),
        }
    }

    #[test]
    fn what_waits_and_what_failed_is_there_to_be_seen_and_is_not_kept_for_ever() {
        let mut book = NotificationBook::default();
        let count = MOST_FAILED as u64 + 2;
        for id in (1..=count).map(NotificationId) {
            book.see(id, &promised(), UnixMicros(5));
            let why = SendFault::Busy;
            let delayed = NotificationEvent::Delayed { why, words: None, attempts: 1, again_us: 9 };
            book.see(id, &delayed, UnixMicros(6));
            assert_eq!(
                book.waiting.get(&id).map(|live| (live.attempts, live.why)),
                Some((1, Some(why)))
            );
            let failed = NotificationEvent::Failed { why, words: None, attempts: 2 };
            book.see(id, &failed, UnixMicros(7));
        }
        assert_eq!((book.waiting.len(), book.failed.len()), (0, MOST_FAILED));
        assert_eq!(book.failed.front().map(|live| live.notification), Some(NotificationId(3)));
        assert_eq!(book.outcomes["bin"]["busy"], count);
        assert_eq!(book.delays["busy"], count);
    }

    #[test]
    fn what_is_sent_is_forgotten_but_for_its_count() {
        let mut book = NotificationBook::default();
        let id = NotificationId(1);
        book.see(id, &promised(), UnixMicros(5));
        let sent = NotificationEvent::Sent { attempts: 1, after_us: 40, receipt: None };
        book.see(id, &sent, UnixMicros(6));
        book.see(id, &sent, UnixMicros(7));
        assert_eq!(
            (book.promised["bin"], book.outcomes["bin"]["sent"], book.waited_us),
            (1, 1, 40)
        );
        assert!(book.waiting.is_empty() && book.failed.is_empty());
    }
}
