//! What a caller says instead of pressing keys.
//!
//! What the recogniser is not sure of is read back, at once or where the flow does so later on, before
//! anything is done with it; only what cannot wait goes to a person in any case.

use std::sync::Arc;

use super::{Phase, Walk};
use crate::call::command::{Candidate, Command, Heard, Utterance};
use crate::event::{Became, HandOver, Said, Slot, masked};
use crate::flow::form::Form;
use crate::flow::model::{Ask, Asking, Collect, Node};
use crate::flow::value::Value;
use crate::flow::wording::Wording;
use crate::id::{IntentName, NodeName};

/// The value that says what cannot wait.
const URGENT: &str = "urgent";
/// The intent of callers who want a person, whatever node they say it at.
const ADVISER: &str = "adviser";
/// From this chance on, in thousandths, it is not asked whether that was meant.
const SURE: u16 = 800;
/// From this chance on it is taken where nothing can be asked.
const LIKELY: u16 = 500;
/// Below this chance it is not worth a question. Of what comes after the first it is the chance once those
/// before it are denied.
const WORTH_ASKING: u16 = 300;
/// "Did you mean" is asked so often, then the question itself again.
const MOST_CANDIDATES: usize = 2;

impl Walk<'_> {
    /// Something was heard.
    pub(super) fn heard(&mut self, node: &Node, heard: Heard) {
        if !self.run.listening {
            return;
        }
        if heard == Heard::Began {
            return self.began();
        }
        self.run.listening = false;
        if let (Phase::Queued, Node::Queue(queue)) = (self.run.phase, node) {
            return self.heard_meanwhile(node, queue, heard);
        }
        let was_speaking = matches!(self.run.phase, Phase::Hearing | Phase::HearingYes);
        match heard {
            Heard::Began => {}
            Heard::Words(utterance) => {
                self.began();
                self.run.steps = 0;
                self.said(node, *utterance);
            }
            Heard::Silence if !was_speaking => {}
            Heard::Silence | Heard::NoMatch => {
                self.began();
                self.said_is(Became::NoMatch, node, None);
                self.ask_again(node);
            }
            Heard::Deaf => self.deaf(node, was_speaking),
        }
    }

    /// The caller speaks: nothing else does.
    fn began(&mut self) {
        let (command, phase) = match self.run.phase {
            Phase::Offering => (Command::StopPlaying, Phase::Hearing),
            Phase::Listening => (Command::CancelTimer, Phase::Hearing),
            Phase::Confirming => (Command::StopPlaying, Phase::HearingYes),
            Phase::Confirmed => (Command::CancelTimer, Phase::HearingYes),
            Phase::Start
            | Phase::Saying
            | Phase::Typing
            | Phase::Hearing
            | Phase::HearingYes
            | Phase::Asking
            | Phase::Telling
            | Phase::Requesting
            | Phase::Connecting
            | Phase::Talking
            | Phase::Queued
            | Phase::Announcing
            | Phase::Promising
            | Phase::Recording
            | Phase::Over => return,
        };
        self.commands.push(command);
        self.run.phase = phase;
    }

    /// Nobody can listen: on by keys.
    fn deaf(&mut self, node: &Node, was_speaking: bool) {
        self.said_is(Became::Deaf, node, None);
        match node {
            Node::Ask(ask) => {
                self.began();
                self.go(&ask.by_keys);
            }
            Node::Collect(collect) if !collect.form.has_keys() => {
                self.began();
                self.go(&collect.asking.otherwise);
            }
            // The caller's words are lost: whoever was listened to hears the question again.
            _ if was_speaking => self.ask_again(node),
            // Keys still count.
            _ => {}
        }
    }

    /// The same question again after something that was no answer, or on without one.
    fn ask_again(&mut self, node: &Node) {
        let confirming = self.run.phase == Phase::HearingYes;
        match node {
            Node::Ask(ask) => match &ask.confirm {
                Some(confirm) if confirming => self.read_back_again(confirm, &ask.asking),
                Some(_) | None => self.miss(&**ask, ask.asking.wrong.as_ref()),
            },
            Node::Collect(collect) => match &collect.confirm {
                Some(confirm) if confirming => self.read_back_again(confirm, &collect.asking),
                Some(_) | None => self.miss(&**collect, collect.asking.wrong.as_ref()),
            },
            Node::Menu(menu) => self.miss(menu, menu.asking.wrong.as_ref()),
            Node::Callback(callback) => self.miss_callback(callback, None),
            _ => {}
        }
    }

    fn read_back_again(&mut self, confirm: &Wording, asking: &Asking) {
        self.run.missed = self.run.missed.saturating_add(1);
        if self.run.missed >= asking.tries {
            self.run.reason = Some(HandOver::NotUnderstood);
            self.go(&asking.otherwise);
        } else {
            self.read_back(confirm);
        }
    }

    /// The caller has said words.
    pub(super) fn said(&mut self, node: &Node, utterance: Utterance) {
        if let Some((kind, says)) = utterance.urgent.first() {
            self.said_is(Became::Urgent, node, Some(&utterance));
            self.note("Cannot wait", says);
            self.note("Said", &masked(&utterance.text));
            self.remember(&URGENT.into(), Value::Text(kind.to_string()));
            self.run.reason = Some(HandOver::Urgent { kind: kind.clone() });
            let flow = Arc::clone(&self.flow);
            return match flow.urgent.as_ref().or(flow.adviser.as_ref()).or(given_up(node)) {
                Some(to) => self.go(to),
                None => self.ask_again(node),
            };
        }
        if utterance.answer.is_none() && wants_a_person(node, &utterance) {
            self.said_is(Became::Adviser, node, Some(&utterance));
            if let Node::Callback(callback) = node
                && self.has_place()
            {
                // They wait for one.
                return self.wait_on_or_go(callback);
            }
            self.run.reason = Some(HandOver::AskedFor);
            let flow = Arc::clone(&self.flow);
            return match flow.adviser.as_ref().or(given_up(node)) {
                Some(to) => self.go(to),
                None => self.ask_again(node),
            };
        }
        let confirming = self.run.phase == Phase::HearingYes;
        match node {
            Node::Ask(ask) if confirming => self.said_whether(node, ask, utterance),
            Node::Ask(ask) => self.said_business(node, ask, utterance),
            Node::Collect(collect) if confirming => {
                self.said_whether_right(node, collect, utterance);
            }
            Node::Collect(collect) => self.said_thing(node, collect, utterance),
            Node::Menu(menu) => {
                let chosen = utterance.answer.as_ref().and_then(|answer| answer.parse().ok());
                let chosen = chosen.and_then(|at: usize| menu.phrases.get(at));
                match chosen.filter(|_| utterance.sure) {
                    Some((key, _)) => {
                        self.said_is(Became::Understood, node, Some(&utterance));
                        self.choose(menu, &menu.keys, menu.asking.wrong.as_ref(), *key);
                    }
                    None => {
                        self.said_is(Became::NotUnderstood, node, Some(&utterance));
                        self.ask_again(node);
                    }
                }
            }
            Node::Callback(callback) => self.said_to_callback(node, callback, utterance),
            _ => {}
        }
    }

    // ---- what the call is about ----------------------------------------------------------------

    fn said_business(&mut self, node: &Node, ask: &Ask, utterance: Utterance) {
        let mut left = 1_000_u32;
        let likely = utterance.ranked.iter().filter(|_| utterance.meant).filter(|it| {
            let worth = u32::from(it.chance) * 1_000 >= u32::from(WORTH_ASKING) * left;
            left = left.saturating_sub(it.chance.into());
            worth
        });
        let likely: Vec<Candidate> = likely.cloned().collect();
        self.run.named.extend(utterance.named.clone());
        let Some(first) = likely.first() else {
            self.said_is(Became::NotUnderstood, node, Some(&utterance));
            return self.ask_again(node);
        };
        let asked_about = |it: &Candidate| ask.intents.contains_key(&it.intent);
        let can_ask = ask.confirm.is_some() && likely.iter().any(asked_about);
        let enough = if can_ask { SURE } else { LIKELY };
        if utterance.sure && first.chance >= enough {
            self.said_is(Became::Understood, node, Some(&utterance));
            self.note("Said", &masked(&utterance.text));
            return self.is_about(ask, first.clone());
        }
        match (&ask.confirm, can_ask) {
            (Some(confirm), true) => {
                self.said_is(Became::ToConfirm, node, Some(&utterance));
                self.note("Said", &masked(&utterance.text));
                let candidates = likely.into_iter().filter(asked_about).take(MOST_CANDIDATES);
                self.run.candidates = candidates.collect();
                self.did_you_mean(ask, confirm);
            }
            (Some(_), false) | (None, _) => {
                self.said_is(Became::NotUnderstood, node, Some(&utterance));
                self.ask_again(node);
            }
        }
    }

    fn did_you_mean(&mut self, ask: &Ask, confirm: &Wording) {
        if let Some(candidate) = self.run.candidates.front() {
            let intent = Value::Text(candidate.intent.to_string());
            self.remember(&ask.name, intent);
            self.read_back(confirm);
        }
    }

    /// The caller says whether what was understood is right, or what they want instead.
    fn said_whether(&mut self, node: &Node, ask: &Ask, utterance: Utterance) {
        match utterance.answer.as_deref().filter(|_| utterance.sure) {
            Some("yes") => {
                self.said_is(Became::Understood, node, Some(&utterance));
                self.is_confirmed(ask, true);
            }
            Some(_) if utterance.meant => self.said_business(node, ask, utterance),
            Some(_) => {
                self.said_is(Became::Denied, node, Some(&utterance));
                self.is_confirmed(ask, false);
            }
            None if utterance.meant => self.said_business(node, ask, utterance),
            None => {
                self.said_is(Became::NotUnderstood, node, Some(&utterance));
                self.ask_again(node);
            }
        }
    }

    /// What was understood is right, or it is not (or nobody said so).
    pub(super) fn is_confirmed(&mut self, ask: &Ask, right: bool) {
        let candidate = self.run.candidates.pop_front();
        match (candidate, right, &ask.confirm) {
            (Some(candidate), true, _) => self.is_about(ask, candidate),
            (_, _, Some(confirm)) if !self.run.candidates.is_empty() => {
                self.did_you_mean(ask, confirm);
            }
            _ => {
                self.run.values.remove(&ask.name);
                self.miss(ask, ask.asking.wrong.as_ref());
            }
        }
    }

    fn is_about(&mut self, ask: &Ask, candidate: Candidate) {
        self.run.candidates.clear();
        self.run.reason = None;
        self.remember(&ask.name, Value::Text(candidate.intent.to_string()));
        self.note("About", &candidate.says);
        self.run.intent = Some(candidate.intent.clone());
        let to = ask.intents.get(&candidate.intent).or(ask.other.as_ref());
        let to = to.unwrap_or(&ask.asking.otherwise);
        self.go(to);
    }

    // ---- things --------------------------------------------------------------------------------

    /// Something of this kind was said before it was asked for: it is read back, or taken where the flow
    /// reads it back later on. Anything else is asked for.
    pub(super) fn said_before(&mut self, collect: &Collect) -> bool {
        let taken = collect.confirm.is_some() || collect.unless_named;
        if collect.secret || !taken {
            return false;
        }
        let named = self.run.named.remove(&collect.form.slot());
        let Some(value) = named.and_then(|named| thing(collect, &named)) else { return false };
        self.remember(&collect.name, value);
        match &collect.confirm {
            Some(confirm) => self.read_back(confirm),
            None => self.go(&collect.then),
        }
        true
    }

    fn said_thing(&mut self, node: &Node, collect: &Collect, utterance: Utterance) {
        let value = utterance.answer.as_ref().and_then(|answer| thing(collect, answer));
        let slot = collect.form.slot();
        self.run.named.extend(utterance.named.clone().into_iter().filter(|it| it.0 != slot));
        match (value, &collect.confirm) {
            (Some(value), Some(confirm)) => {
                self.said_is(Became::ToConfirm, node, Some(&utterance));
                self.remember(&collect.name, value);
                self.read_back(confirm);
            }
            // What is not sure can be taken only where the flow reads it back later on.
            (Some(value), None) if utterance.sure || collect.unless_named => {
                let became = if utterance.sure { Became::Understood } else { Became::ToConfirm };
                self.said_is(became, node, Some(&utterance));
                self.remember(&collect.name, value);
                self.go(&collect.then);
            }
            (Some(_) | None, _) => {
                self.said_is(Became::NotUnderstood, node, Some(&utterance));
                self.ask_again(node);
            }
        }
    }

    /// The caller says whether what was read back is right, or what would be.
    fn said_whether_right(&mut self, node: &Node, collect: &Collect, mut utterance: Utterance) {
        let instead = utterance.named.remove(&collect.form.slot());
        match utterance.answer.as_deref().filter(|_| utterance.sure) {
            Some("yes") => {
                self.said_is(Became::Understood, node, Some(&utterance));
                self.go(&collect.then);
            }
            Some(_) | None if collect.form.slot() != Slot::YesNo && instead.is_some() => {
                utterance.answer = instead;
                self.said_thing(node, collect, utterance);
            }
            Some(_) => {
                self.said_is(Became::Denied, node, Some(&utterance));
                self.unconfirmed(collect);
            }
            None => {
                self.said_is(Became::NotUnderstood, node, Some(&utterance));
                self.ask_again(node);
            }
        }
    }

    // ---- on record -----------------------------------------------------------------------------

    pub(super) fn said_is(&mut self, became: Became, node: &Node, utterance: Option<&Utterance>) {
        let slot = match node {
            Node::Collect(collect) => Some(collect.form.slot()),
            Node::Callback(_) => Some(self.callback_slot()),
            _ => None,
        };
        let first = utterance.filter(|it| it.meant).and_then(|it| it.ranked.first());
        let intent = match node {
            Node::Ask(_) => first.map(|it| it.intent.clone()),
            _ => None,
        };
        let text = utterance.map(|it| masked(&it.text));
        let second_opinion = utterance.is_some_and(|it| it.second_opinion);
        let node = self.run.at.clone();
        let said = Said { node, text, intent, slot, second_opinion, became };
        self.commands.push(Command::Said(said));
    }

    fn note(&mut self, label: &str, fact: &str) {
        self.commands.push(Command::Note { label: label.to_owned(), fact: fact.to_owned() });
    }

    /// Before the caller queues: why this is no business of the flow's any more.
    pub(super) fn hand_over(&mut self) {
        let intent = self.run.intent.clone();
        let reason = self.run.reason.take();
        if reason.is_some() || intent.is_some() {
            let reason = reason.unwrap_or(HandOver::Business);
            self.commands.push(Command::HandOver { reason, intent });
        }
    }
}

/// A thing that was said as what is to be remembered; none if it has too few or too many letters or digits.
fn thing(collect: &Collect, said: &str) -> Option<Value> {
    let value = match collect.form {
        Form::Mobile => super::collect::mobile(said)?,
        form => form.kind().read(said)?,
    };
    let counted = matches!(
        collect.form.slot(),
        Slot::Digits | Slot::Reference | Slot::Registration | Slot::Postcode
    );
    let letters = said.chars().filter(|c| c.is_ascii_alphanumeric()).count();
    let fits = !counted || (collect.least..=collect.most).contains(&letters);
    fits.then_some(value)
}

/// Where a node leads callers who have not answered.
fn given_up(node: &Node) -> Option<&NodeName> {
    match node {
        Node::Menu(menu) => Some(&menu.asking.otherwise),
        Node::Ask(ask) => Some(&ask.asking.otherwise),
        Node::Collect(collect) => Some(&collect.asking.otherwise),
        Node::Callback(callback) => Some(&callback.asking.otherwise),
        _ => None,
    }
}

fn wants_a_person(node: &Node, utterance: &Utterance) -> bool {
    let adviser = IntentName::from(ADVISER);
    let listed = matches!(node, Node::Ask(ask) if ask.intents.contains_key(&adviser));
    let first = utterance.ranked.first().filter(|_| utterance.meant && utterance.sure && !listed);
    first.is_some_and(|first| first.intent == adviser && first.chance >= LIKELY)
}
