//! Questions: words, the time to think, and keys that choose.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Phase, Walk};
use crate::call::command::{Command, Question};
use crate::event::HandOver;
use crate::flow::model::{Ask, Asking, Collect, Menu, Node};
use crate::flow::wording::Wording;
use crate::id::NodeName;
use crate::media::command::Key;

/// What a node asks, and what is listened for.
pub(super) struct Asked<'n> {
    pub(super) words: &'n Wording,
    pub(super) asking: &'n Asking,
    question: Option<Question>,
    /// Whether nobody can answer before the words are over.
    must_hear: bool,
}

impl<'n> From<&'n Menu> for Asked<'n> {
    fn from(menu: &'n Menu) -> Self {
        let phrases = menu.phrases.iter().map(|(_, phrases)| phrases.clone());
        let question = (!menu.phrases.is_empty()).then(|| Question::OneOf(phrases.collect()));
        let must_hear = menu.must_hear;
        Asked { words: &menu.words, asking: &menu.asking, question, must_hear }
    }
}

impl<'n> From<&'n Ask> for Asked<'n> {
    fn from(ask: &'n Ask) -> Self {
        let question = Some(Question::Business(ask.intents.keys().cloned().collect()));
        Asked { words: &ask.words, asking: &ask.asking, question, must_hear: false }
    }
}

impl<'n> From<&'n Collect> for Asked<'n> {
    fn from(collect: &'n Collect) -> Self {
        let count = |keys: usize| u8::try_from(keys).unwrap_or(u8::MAX);
        let question = Question::Thing {
            slot: collect.form.slot(),
            least: count(collect.least),
            most: count(collect.most),
        };
        // What nobody may hear is not listened for either.
        let question = (!collect.secret).then_some(question);
        Asked { words: &collect.words, asking: &collect.asking, question, must_hear: false }
    }
}

impl Walk<'_> {
    /// Says words and listens for an answer to them.
    pub(super) fn question(&mut self, words: &[&Wording], asked: &Asked<'_>) {
        self.say(Phase::Offering, words);
        match asked.must_hear {
            // What is still being said is no answer to what is heard now.
            true => self.stop_listening(),
            false => self.listen_to(asked),
        }
    }

    /// Listens for an answer.
    pub(super) fn listen_to(&mut self, asked: &Asked<'_>) {
        self.listen_for(asked.question.as_ref());
    }

    /// Reads something back, and listens for yes or no.
    pub(super) fn read_back(&mut self, confirm: &Wording) {
        self.say(Phase::Confirming, &[confirm]);
        self.listen_for(Some(&Question::YES_NO));
    }

    pub(super) fn listen_for(&mut self, question: Option<&Question>) {
        self.stop_listening();
        if let Some(question) = question.filter(|_| self.run.about.hears) {
            self.run.listening = true;
            self.commands.push(Command::Listen { question: question.clone() });
        }
    }

    pub(super) fn stop_listening(&mut self) {
        if std::mem::take(&mut self.run.listening) {
            self.commands.push(Command::StopListening);
        }
    }

    /// The words have been said: the caller may think.
    pub(super) fn listen(&mut self, asking: &Asking, phase: Phase) {
        self.run.phase = phase;
        self.commands.push(Command::SetTimer { after: self.patience(asking) });
    }

    /// Nothing is said or timed any more: the caller has done something.
    pub(super) fn quiet(&mut self) {
        match self.run.phase {
            Phase::Offering | Phase::Confirming => self.commands.push(Command::StopPlaying),
            Phase::Listening | Phase::Confirmed => self.commands.push(Command::CancelTimer),
            Phase::Start
            | Phase::Saying
            | Phase::Hearing
            | Phase::HearingYes
            | Phase::Typing
            | Phase::Asking
            | Phase::Telling
            | Phase::Requesting
            | Phase::Connecting
            | Phase::Talking
            | Phase::Queued
            | Phase::Announcing
            | Phase::Promising
            | Phase::Recording
            | Phase::Over => {}
        }
    }

    /// A key at a node that has keys to choose by.
    pub(super) fn choose_at(&mut self, node: &Node, key: Key) {
        match node {
            Node::Menu(menu) => self.choose(menu, &menu.keys, menu.asking.wrong.as_ref(), key),
            Node::Ask(ask) => self.choose(&**ask, &ask.keys, ask.asking.wrong.as_ref(), key),
            _ => {}
        }
    }

    /// A key: on to what it chooses, or the question again.
    pub(super) fn choose<'n>(
        &mut self,
        asked: impl Into<Asked<'n>>,
        keys: &BTreeMap<Key, NodeName>,
        wrong: Option<&Wording>,
        key: Key,
    ) {
        self.run.steps = 0;
        let flow = Arc::clone(&self.flow);
        let person = flow.adviser.as_ref().filter(|_| key == Key::ZERO);
        match (keys.get(&key), person) {
            (Some(to), _) => {
                self.run.reason = None;
                self.chose(key, to);
            }
            (None, Some(to)) => {
                self.run.reason = Some(HandOver::AskedFor);
                self.chose(key, to);
            }
            (None, None) => {
                // What was typed ahead was meant for another place.
                self.run.keys.clear();
                self.miss(asked, wrong);
            }
        }
    }

    pub(super) fn chose(&mut self, key: Key, to: &NodeName) {
        self.commands.push(Command::Chose { node: self.run.at.clone(), key });
        let flow = Arc::clone(&self.flow);
        if let Some(Node::Menu(Menu { rates: Some(question), keys, .. })) =
            flow.nodes.get(&self.run.at)
            && keys.contains_key(&key)
            && let Some(score) = key.as_char().to_digit(10)
        {
            let score = u8::try_from(score).unwrap_or(u8::MAX);
            self.commands.push(Command::Rate { question: question.clone(), score });
        }
        self.go(to);
    }

    /// A wrong answer or none: the question again, or on without one.
    pub(super) fn miss<'n>(&mut self, asked: impl Into<Asked<'n>>, told: Option<&Wording>) {
        let asked = asked.into();
        self.run.missed = self.run.missed.saturating_add(1);
        if self.run.missed >= asked.asking.tries {
            self.run.reason = Some(HandOver::NotUnderstood);
            self.go(&asked.asking.otherwise);
        } else {
            let words: Vec<&Wording> = told.into_iter().chain([asked.words]).collect();
            self.question(&words, &asked);
        }
    }

    /// How long the caller may think. Whoever types to a relay assistant, who then speaks or presses
    /// the key, needs longer.
    fn patience(&self, asking: &Asking) -> std::time::Duration {
        const RELAYED: std::time::Duration = std::time::Duration::from_secs(30);
        match self.run.about.relay {
            true => asking.no_input_after.max(RELAYED),
            false => asking.no_input_after,
        }
    }
}

/// Whether a key is right or wrong for what was read back.
pub(super) fn is_right(key: Key) -> bool {
    key.as_char() == '1'
}
