//! Callers who are listened to: which of them, and what their words mean.

use std::collections::BTreeMap;

use crate::assistant;
use crate::call::Action;
use crate::call::command::{Heard, Notice, Question};
use crate::id::CallId;
use crate::time::Time;

use super::Engine;
use super::io::{Listen, ListenId, Output, SpeechNews};

/// Who is listened to now.
#[derive(Debug, Default)]
pub(super) struct Listenings {
    next: u64,
    under_way: BTreeMap<ListenId, (CallId, Question)>,
}

impl Listenings {
    fn begin(&mut self, call: CallId, question: Question) -> ListenId {
        self.next += 1;
        let id = ListenId(self.next);
        self.under_way.insert(id, (call, question));
        id
    }

    fn of(&self, call: CallId) -> Option<ListenId> {
        self.under_way.iter().find_map(|(id, (of, _))| (*of == call).then_some(*id))
    }
}

impl Engine {
    /// Listens to a caller from now on, instead of whatever was listened for before.
    pub(super) fn listen(&mut self, id: CallId, question: Question) {
        self.stop_listening(id);
        let Some(governed) = self.calls.get(&id) else { return };
        let leg = governed.call.caller_leg();
        let understanding = match question {
            Question::Business(_) => self.plan.understanding.clone(),
            Question::Thing { .. } | Question::OneOf(_) => None,
        };
        let listen = self.listenings.begin(id, question.clone());
        let listen = Listen { id: listen, leg, question, understanding };
        self.out.push_back(Output::Listen(listen));
    }

    /// Listens to a caller no longer.
    pub(super) fn stop_listening(&mut self, id: CallId) {
        if let Some(listen) = self.listenings.of(id) {
            self.listenings.under_way.remove(&listen);
            self.out.push_back(Output::StopListening(listen));
        }
    }

    /// Something was heard of a caller. What comes too late is of no matter.
    pub(super) fn heard(&mut self, now: Time, id: ListenId, news: SpeechNews) {
        let Some((call, question)) = self.listenings.under_way.get(&id) else { return };
        let call = *call;
        let heard = match news {
            SpeechNews::Began => Heard::Began,
            SpeechNews::Words { text, sure } => {
                let today = self.wall.at(now).zoned(&self.plan.acd.zone).date();
                let understanding = self.plan.understanding.as_deref();
                Heard::Words(Box::new(assistant::utterance(
                    understanding,
                    question,
                    &text,
                    sure,
                    today,
                )))
            }
            SpeechNews::NoMatch => Heard::NoMatch,
            SpeechNews::Silence => Heard::Silence,
            SpeechNews::Deaf => Heard::Deaf,
        };
        if heard != Heard::Began {
            self.listenings.under_way.remove(&id);
        }
        self.work.push_back((call, Action::Notify(Notice::Heard(heard))));
    }
}
