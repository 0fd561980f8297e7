//! Callers who are listened to: which of them, and what their words mean.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::assistant::{self, opinion};
use crate::call::Action;
use crate::call::command::{Heard, Notice, Question, Utterance};
use crate::event::masked;
use crate::id::CallId;
use crate::time::Time;

use super::Engine;
use super::io::{AskOpinion, Listen, ListenId, Output, SpeechNews};

/// Who is listened to now.
#[derive(Debug, Default)]
pub(super) struct Listenings {
    next: u64,
    under_way: BTreeMap<ListenId, Listening>,
}

/// Somebody who is listened to.
#[derive(Debug)]
struct Listening {
    call: CallId,
    question: Question,
    /// What was said, while a language model is asked what it means.
    said: Option<Box<Utterance>>,
}

impl Listenings {
    fn begin(&mut self, call: CallId, question: Question) -> ListenId {
        self.next += 1;
        let id = ListenId(self.next);
        self.under_way.insert(id, Listening { call, question, said: None });
        id
    }

    fn of(&self, call: CallId) -> Option<ListenId> {
        self.under_way.iter().find_map(|(id, of)| (of.call == call).then_some(*id))
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
            Question::Thing { .. } | Question::OneOf(_) | Question::RingBack => None,
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
        let Some(listening) = self.listenings.under_way.get(&id) else { return };
        let heard = match news {
            SpeechNews::Began => Heard::Began,
            SpeechNews::Words { text, sure } => {
                let understanding = self.plan.understanding.as_deref();
                let (question, today) = (&listening.question, self.today(now));
                let utterance = assistant::utterance(understanding, question, &text, sure, today);
                if self.ask_opinion(id, &utterance) {
                    return;
                }
                Heard::Words(Box::new(utterance))
            }
            SpeechNews::NoMatch => Heard::NoMatch,
            SpeechNews::Silence => Heard::Silence,
            SpeechNews::Deaf => Heard::Deaf,
        };
        self.tell(id, heard);
    }

    /// Asks a language model what words mean that answer what the call is about, if there is one and
    /// they are not clear. The caller waits for it meanwhile.
    fn ask_opinion(&mut self, id: ListenId, utterance: &Utterance) -> bool {
        let understanding = self.plan.understanding.as_ref().filter(|_| self.plan.opinions);
        let listening = self.listenings.under_way.get_mut(&id);
        let (Some(understanding), Some(listening)) = (understanding, listening) else {
            return false;
        };
        if !matches!(listening.question, Question::Business(_)) || !opinion::is_wanted(utterance) {
            return false;
        }
        listening.said = Some(Box::new(utterance.clone()));
        let (text, understanding) = (masked(&utterance.text), understanding.clone());
        self.out.push_back(Output::AskOpinion(AskOpinion { id, text, understanding }));
        true
    }

    /// A language model has answered, or not. What comes too late, or unasked, is of no matter.
    pub(super) fn opinion(&mut self, now: Time, id: ListenId, answer: Option<&str>) {
        let today = self.today(now);
        let Some(listening) = self.listenings.under_way.get_mut(&id) else { return };
        let Some(mut utterance) = listening.said.take() else { return };
        if let (Some(known), Some(answer)) = (self.plan.understanding.as_deref(), answer) {
            known.add_opinion(&mut utterance, answer, today);
        }
        self.tell(id, Heard::Words(utterance));
    }

    fn tell(&mut self, id: ListenId, heard: Heard) {
        let Some(listening) = self.listenings.under_way.get(&id) else { return };
        let call = listening.call;
        if heard != Heard::Began {
            self.listenings.under_way.remove(&id);
        }
        self.work.push_back((call, Action::Notify(Notice::Heard(heard))));
    }

    fn today(&self, now: Time) -> Date {
        self.wall.at(now).zoned(&self.plan.acd.zone).date()
    }
}
