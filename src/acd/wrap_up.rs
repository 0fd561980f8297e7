//! What advisers can say of conversations, and of which they still can.
//!
//! Who talked last with whom is kept for a while after the conversation: so long can its adviser say what
//! it was about, and correct it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Note, Verdict, WrapUp};
use crate::id::{AgentId, CallId, QueueName, WrapUpCode};
use crate::time::Time;

use super::settings::QueueSettings;

/// Conversations of one adviser that are kept; the oldest is forgotten for a new one.
pub const KEPT: usize = 16;
/// The longest that something can be said or corrected after a conversation, in seconds.
pub const LONGEST_WITHIN_S: u32 = 86_400;

/// What can be said of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrapUpSettings {
    /// What calls are about: a code, and its words for people.
    pub codes: BTreeMap<WrapUpCode, String>,
    /// How long after a conversation its adviser can say it, and correct it, in seconds.
    pub within_s: u32,
    /// Whoever rings the same queue again within so many days is a repeat contact.
    pub repeat_days: u32,
}

impl Default for WrapUpSettings {
    fn default() -> Self {
        WrapUpSettings { codes: BTreeMap::new(), within_s: 3_600, repeat_days: 7 }
    }
}

impl WrapUpSettings {
    /// Which codes fit the calls of a queue: its own list, or all.
    pub fn codes_of<'a>(
        &'a self,
        queue: Option<&'a QueueSettings>,
    ) -> impl Iterator<Item = &'a WrapUpCode> {
        let own = queue.map(|queue| queue.wrap_up_codes.as_slice()).unwrap_or_default();
        self.codes.keys().filter(move |code| own.is_empty() || own.contains(code))
    }

    fn within(&self) -> Duration {
        Duration::from_secs(u64::from(self.within_s))
    }
}

/// Why nothing can be said of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrapUpError {
    /// No queue brought such a conversation, or it is forgotten.
    #[error("no adviser had such a conversation within the last ones")]
    Unknown,
    /// It was another adviser's.
    #[error("it was another adviser's conversation")]
    NotYours,
    /// It has been over for too long.
    #[error("the conversation has been over for too long")]
    TooLate,
    /// The code is none, or none of the queue's.
    #[error("`{code}` is not a code of the queue")]
    UnknownCode {
        /// As it was given.
        code: WrapUpCode,
        /// The one that was meant, most likely.
        near: Option<WrapUpCode>,
    },
    /// The queue wants a code.
    #[error("the queue `{0}` wants a code")]
    CodeNeeded(QueueName),
}

/// A conversation of which something can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Conversation {
    call: CallId,
    queue: QueueName,
    /// None while it lasts.
    over_at: Option<Time>,
    said: Option<(Verdict, Option<Note>)>,
}

/// The last conversations of each adviser.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WrapUps(BTreeMap<AgentId, VecDeque<Conversation>>);

impl WrapUps {
    /// A conversation began that a queue brought, or goes on.
    pub fn began(&mut self, agent: &AgentId, call: CallId, queue: &QueueName) {
        let last = self.0.entry(agent.clone()).or_default();
        match last.iter_mut().find(|one| one.call == call) {
            Some(one) => (one.queue, one.over_at) = (queue.clone(), None),
            None => {
                if last.len() >= KEPT {
                    last.pop_front();
                }
                let queue = queue.clone();
                last.push_back(Conversation { call, queue, over_at: None, said: None });
            }
        }
    }

    /// An adviser is no longer part of a call.
    pub fn over(&mut self, now: Time, agent: &AgentId, call: CallId) {
        let last = self.0.get_mut(agent).into_iter().flatten();
        for one in last.filter(|one| one.call == call) {
            one.over_at.get_or_insert(now);
        }
    }

    /// A conversation of an earlier run.
    pub fn restore(
        &mut self,
        (agent, call, queue): (AgentId, CallId, QueueName),
        over_at: Time,
        said: Option<(Verdict, Option<Note>)>,
    ) {
        let last = self.0.entry(agent).or_default();
        if last.len() < KEPT {
            last.push_back(Conversation { call, queue, over_at: Some(over_at), said });
        }
    }

    /// Whose conversation it was: the adviser's who is named, or of whoever was in the call last.
    pub fn find(
        &self,
        agent: Option<&AgentId>,
        call: CallId,
    ) -> Result<(AgentId, QueueName), WrapUpError> {
        let found = self.0.iter().flat_map(|(who, last)| last.iter().map(move |one| (who, one)));
        let mut found = found.filter(|(_, one)| one.call == call).peekable();
        found.peek().ok_or(WrapUpError::Unknown)?;
        let of = |(who, one): (&AgentId, &Conversation)| (who.clone(), one.queue.clone());
        match agent {
            Some(agent) => found.find(|(who, _)| *who == agent).map(of),
            // Who still talks comes after whoever has finished.
            None => found.max_by_key(|(_, one)| (one.over_at.is_none(), one.over_at)).map(of),
        }
        .ok_or(WrapUpError::NotYours)
    }

    /// Something is said of a conversation, instead of whatever was. None if that was said already.
    pub fn say(
        &mut self,
        now: Time,
        settings: &WrapUpSettings,
        (agent, call): (&AgentId, CallId),
        (verdict, note): (Verdict, Option<Note>),
        by: &str,
    ) -> Result<Option<WrapUp>, WrapUpError> {
        let mut last = self.0.get_mut(agent).into_iter().flatten();
        let one = last.find(|one| one.call == call).ok_or(WrapUpError::NotYours)?;
        if one.over_at.is_some_and(|at| now.since(at) > settings.within()) {
            return Err(WrapUpError::TooLate);
        }
        if one.said.as_ref() == Some(&(verdict.clone(), note.clone())) {
            return Ok(None);
        }
        let before = one.said.replace((verdict.clone(), note.clone()));
        Ok(Some(WrapUp {
            agent: agent.clone(),
            queue: one.queue.clone(),
            verdict,
            note,
            by: by.to_owned(),
            instead_of: before.map(|(verdict, _)| verdict),
        }))
    }

    /// Whether an adviser owes a code for the conversation that they had last: its queue wants one, and
    /// none was given.
    pub fn owes(&self, agent: &AgentId, queues: &BTreeMap<QueueName, QueueSettings>) -> bool {
        let last = self.0.get(agent).and_then(|last| last.back());
        last.is_some_and(|one| {
            let wants = queues.get(&one.queue).is_some_and(|queue| queue.wrap_up_required);
            let given = one.said.as_ref().is_some_and(|(verdict, _)| verdict.code.is_some());
            wants && !given
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: CallId = CallId(uuid::Uuid::from_u128(1));
    const OTHER: CallId = CallId(uuid::Uuid::from_u128(2));

    fn at(s: u64) -> Time {
        Time::from_millis(s * 1_000)
    }

    fn code(code: &str) -> (Verdict, Option<Note>) {
        (Verdict { code: Some(code.into()), resolved: Some(true) }, None)
    }

    fn say(
        book: &mut WrapUps,
        s: u64,
        agent: &str,
        said: (Verdict, Option<Note>),
    ) -> Result<Option<WrapUp>, WrapUpError> {
        book.say(at(s), &WrapUpSettings::default(), (&agent.into(), CALL), said, "Amy")
    }

    #[test]
    fn a_verdict_can_be_corrected_for_an_hour_and_the_same_one_says_nothing_new() {
        let mut book = WrapUps::default();
        book.began(&"amy".into(), CALL, &"waste".into());
        let first = say(&mut book, 10, "amy", code("missed-bin")).expect("is hers").expect("new");
        assert_eq!((first.queue.as_str(), first.instead_of), ("waste", None));
        assert_eq!(say(&mut book, 11, "amy", code("missed-bin")), Ok(None));
        book.over(at(100), &"amy".into(), CALL);
        // A second end, of the call after its conversation, changes nothing.
        book.over(at(900), &"amy".into(), CALL);
        let next = say(&mut book, 3_700, "amy", code("fly-tip")).expect("in time").expect("new");
        assert_eq!(next.instead_of, Some(code("missed-bin").0), "what no longer holds");
        assert_eq!(say(&mut book, 3_701, "amy", code("other")), Err(WrapUpError::TooLate));
    }

    #[test]
    fn whoever_was_in_the_call_last_is_meant_if_nobody_is_named() {
        let mut book = WrapUps::default();
        assert_eq!(book.find(None, CALL), Err(WrapUpError::Unknown));
        book.began(&"ben".into(), CALL, &"waste".into());
        book.over(at(50), &"ben".into(), CALL);
        book.began(&"amy".into(), CALL, &"waste".into());
        let whose = |agent: Option<&str>| {
            book.find(agent.map(AgentId::from).as_ref(), CALL).map(|(who, _)| who.to_string())
        };
        assert_eq!(whose(None), Ok("amy".to_owned()));
        assert_eq!(whose(Some("ben")), Ok("ben".to_owned()));
        assert_eq!(whose(Some("cat")), Err(WrapUpError::NotYours));
        assert_eq!(say(&mut book.clone(), 60, "cat", code("x")), Err(WrapUpError::NotYours));
        book.over(at(60), &"amy".into(), CALL);
        assert_eq!(book.find(None, CALL).map(|(who, _)| who), Ok("amy".into()));
    }

    #[test]
    fn a_code_is_owed_where_the_queue_wants_one_until_it_is_given() {
        let mut strict = QueueSettings::titled("Waste");
        strict.wrap_up_required = true;
        let queues = BTreeMap::from([
            ("waste".into(), strict),
            ("other".into(), QueueSettings::titled("Other")),
        ]);
        let mut book = WrapUps::default();
        assert!(!book.owes(&"amy".into(), &queues));
        book.began(&"amy".into(), CALL, &"waste".into());
        assert!(book.owes(&"amy".into(), &queues));
        let only_resolved = Verdict { code: None, resolved: Some(true) };
        say(&mut book, 1, "amy", (only_resolved, None)).expect("is hers");
        assert!(book.owes(&"amy".into(), &queues), "a code is what is wanted");
        say(&mut book, 1, "amy", code("missed-bin")).expect("is hers");
        assert!(!book.owes(&"amy".into(), &queues));
        book.began(&"amy".into(), OTHER, &"other".into());
        assert!(!book.owes(&"amy".into(), &queues));
    }

    #[test]
    fn the_oldest_conversation_is_forgotten_for_a_new_one() {
        let mut book = WrapUps::default();
        for n in 0..=KEPT as u128 {
            let call = CallId(uuid::Uuid::from_u128(10 + n));
            book.began(&"amy".into(), call, &"waste".into());
            book.over(at(1), &"amy".into(), call);
        }
        let call = |n: usize| CallId(uuid::Uuid::from_u128(10 + n as u128));
        assert_eq!(book.find(None, call(0)), Err(WrapUpError::Unknown));
        assert!(book.find(None, call(1)).is_ok() && book.find(None, call(KEPT)).is_ok());
    }

    #[test]
    fn a_queue_has_its_own_codes_or_all() {
        let settings = WrapUpSettings {
            codes: BTreeMap::from([("a".into(), "A".to_owned()), ("b".into(), "B".to_owned())]),
            ..WrapUpSettings::default()
        };
        let mut queue = QueueSettings::titled("Waste");
        assert_eq!(settings.codes_of(Some(&queue)).count(), 2);
        queue.wrap_up_codes = vec!["b".into()];
        let own: Vec<_> = settings.codes_of(Some(&queue)).map(WrapUpCode::as_str).collect();
        assert_eq!(own, ["b"]);
        assert_eq!(settings.codes_of(None).count(), 2);
    }
}
