//! Offering to ring the caller back, instead of letting them wait.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use super::collect::Typed;
use super::{Phase, Walk};
use crate::call::command::{CallbackAnswer, Command, Question, Utterance};
use crate::event::{Became, Slot};
use crate::flow::form::Form;
use crate::flow::model::{Callback, Node};
use crate::flow::value::{Kind, Value};
use crate::flow::wording::Wording;
use crate::id::ValueName;
use crate::media::command::Key;
use crate::number::{Number, Relay};

/// Under which name the number is remembered that is rung.
pub const NUMBER: &str = "callback_number";
/// And what the promise can be asked for by, once it is recorded.
pub const REFERENCE: &str = "callback_reference";

/// The most digits that a number has (E.164).
const MOST_DIGITS: usize = 15;
/// The longest pause between two keys of a number.
const BETWEEN: Duration = Duration::from_secs(5);
/// How long the journal may take before the caller is told that nothing can be promised.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the caller is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Step {
    /// Whether to ring the number that they ring from, which is read out.
    #[default]
    Offer,
    /// For another number.
    Number,
    /// Whether that one is right, which is read out as well.
    ReadBack,
}

impl Walk<'_> {
    /// Begins to offer it, if it can be promised at all.
    pub(super) fn offer_callback(&mut self, callback: &Callback) {
        self.run.missed = 0;
        self.run.keys.clear();
        self.run.callback_step = Step::Offer;
        let caller = self.run.about.caller.clone();
        self.ask_callback(callback, caller.map(|number| Number::read(&number)));
    }

    fn ask_callback(&mut self, callback: &Callback, number: Option<Number>) {
        self.run.phase = Phase::Asking;
        let number = match number {
            Some(number) => {
                let value = Kind::Phone.read(&number.canonical()).unwrap_or_default();
                self.remember(&ValueName::from(NUMBER), value);
                Some(self.dialled(&number))
            }
            None => None,
        };
        let (queue, time) = (callback.queue.clone(), self.appointed(callback));
        self.commands.push(Command::AskCallback { queue, number, time });
    }

    /// The day and time that the caller has chosen, if there is one.
    fn appointed(&self, callback: &Callback) -> Option<DateTime> {
        let (day, time) = callback.time.as_ref()?;
        let value = |name: &ValueName| self.run.values.get(name);
        let Some(Value::Time(time)) = value(time) else { return None };
        let now = self.run.about.now;
        let day = match day.as_ref().and_then(value) {
            Some(Value::Date(day)) => *day,
            Some(_) | None if *time > now.time() => now.date(),
            Some(_) | None => now.date().tomorrow().ok()?,
        };
        Some(day.to_datetime(*time))
    }

    /// What is dialled to ring somebody: whoever uses a text relay service is rung through it.
    fn dialled(&self, number: &Number) -> String {
        match self.run.about.relay {
            true => format!("{}{}", Relay::Voice.prefix(), number.national()),
            false => number.canonical(),
        }
    }

    /// Whether it can be promised, or is.
    pub(super) fn callback_answered(&mut self, callback: &Callback, answer: CallbackAnswer) {
        let promised = match self.run.phase {
            Phase::Asking => false,
            Phase::Promising => true,
            _ => return,
        };
        if promised {
            self.commands.push(Command::CancelTimer);
        }
        let known = self.run.values.contains_key(NUMBER);
        match (answer, promised) {
            (CallbackAnswer::Promised(id), true) => {
                let reference = Kind::Reference.read(&id.reference()).unwrap_or_default();
                self.remember(&ValueName::from(REFERENCE), reference);
                self.run.place = None;
                self.run.left = None;
                self.go(&callback.then);
            }
            (CallbackAnswer::Good, false) if known => {
                if self.run.callback_step == Step::Number {
                    self.run.callback_step = Step::ReadBack;
                }
                self.read_out(callback, None);
            }
            (CallbackAnswer::Good, false) => self.ask_number(callback, None),
            // Not what was asked: nobody goes by it, and nobody waits for ever.
            (CallbackAnswer::Good, true) | (CallbackAnswer::Promised(_), false) => {
                self.wait_on_or_go(callback);
            }
            (CallbackAnswer::Known, _) => self.go(&callback.already),
            (CallbackAnswer::NotNow, _) | (CallbackAnswer::NotAllowed, true) => {
                match callback.not_now.as_ref().filter(|_| self.has_place()) {
                    Some(words) => self.say(Phase::Saying, &[words]),
                    None => self.wait_on_or_go(callback),
                }
            }
            (CallbackAnswer::NotAllowed, false) => {
                self.run.values.remove(NUMBER);
                match self.run.callback_step {
                    // They did not choose the number that they ring from.
                    Step::Offer => self.ask_number(callback, None),
                    Step::Number | Step::ReadBack => {
                        self.miss_callback(callback, callback.asking.wrong.as_ref());
                    }
                }
            }
        }
    }

    /// Reads the number out, and listens whether to ring it.
    fn read_out(&mut self, callback: &Callback, told: Option<&Wording>) {
        let words: Vec<&Wording> = told.into_iter().chain([&callback.words]).collect();
        self.say(Phase::Offering, &words);
        self.listen_for(Some(&Question::RingBack));
    }

    fn ask_number(&mut self, callback: &Callback, told: Option<&Wording>) {
        self.run.callback_step = Step::Number;
        self.run.values.remove(NUMBER);
        let words: Vec<&Wording> = told.into_iter().chain([&callback.ask]).collect();
        self.say(Phase::Offering, &words);
        let (least, most) = Form::Phone.keys();
        let [least, most] = [least, most].map(|count| u8::try_from(count).unwrap_or(u8::MAX));
        self.listen_for(Some(&Question::Thing { slot: Slot::Phone, least, most }));
    }

    /// A key was pressed.
    pub(super) fn callback_key(&mut self, callback: &Callback, key: Key) {
        match (self.run.phase, self.run.callback_step) {
            (Phase::Offering | Phase::Listening | Phase::Hearing, Step::Offer | Step::ReadBack) => {
                self.quiet();
                self.stop_listening();
                self.run.steps = 0;
                match key.as_char() {
                    '1' => self.promise(callback),
                    '2' => self.ask_number(callback, None),
                    _ => self.wait_on_or_go(callback),
                }
            }
            (Phase::Offering | Phase::Listening | Phase::Hearing, Step::Number) => {
                self.quiet();
                self.stop_listening();
                self.run.steps = 0;
                self.run.typed = Typed::fresh(MOST_DIGITS);
                self.number_key(callback, key);
            }
            (Phase::Typing, Step::Number) => self.number_key(callback, key),
            (_, _) => {}
        }
    }

    /// What is asked for now, as it is counted.
    pub(super) fn callback_slot(&self) -> Slot {
        match self.run.callback_step {
            Step::Offer | Step::ReadBack => Slot::YesNo,
            Step::Number => Slot::Phone,
        }
    }

    /// The caller has said words. A number is read back before it is rung, and of yes and no only what
    /// is sure counts.
    pub(super) fn said_to_callback(
        &mut self,
        node: &Node,
        callback: &Callback,
        utterance: Utterance,
    ) {
        let number = match self.run.callback_step {
            Step::Number => utterance.answer.as_ref(),
            Step::Offer | Step::ReadBack => utterance.named.get(&Slot::Phone),
        };
        if let Some(number) = number {
            self.said_is(Became::ToConfirm, node, Some(&utterance));
            self.run.callback_step = Step::Number;
            return self.ask_callback(callback, Some(Number::read(number)));
        }
        let answer = utterance.answer.as_deref().filter(|_| utterance.sure);
        let became = match answer {
            Some("yes" | "another") => Became::Understood,
            Some(_) => Became::Denied,
            None => Became::NotUnderstood,
        };
        self.said_is(became, node, Some(&utterance));
        match (answer, self.run.callback_step) {
            (Some("yes"), _) => self.promise(callback),
            (Some("another"), _) => self.ask_number(callback, None),
            // Their number was heard or keyed in wrongly.
            (Some(_), Step::ReadBack) => {
                self.run.callback_step = Step::Number;
                self.miss_callback(callback, None);
            }
            (Some(_), Step::Offer | Step::Number) => self.wait_on_or_go(callback),
            (None, _) => self.miss_callback(callback, None),
        }
    }

    fn number_key(&mut self, callback: &Callback, key: Key) {
        self.run.phase = Phase::Typing;
        let complete = key == Key::HASH || self.run.typed.push(key, MOST_DIGITS);
        match complete {
            true => {
                self.commands.push(Command::CancelTimer);
                self.number_keyed(callback);
            }
            false => self.commands.push(Command::SetTimer { after: BETWEEN }),
        }
    }

    /// All digits of a number have come.
    pub(super) fn number_keyed(&mut self, callback: &Callback) {
        let typed = self.run.typed.take();
        match Kind::Digits.read(&typed).and_then(|_| Kind::Phone.read(&typed)) {
            Some(_) => self.ask_callback(callback, Some(Number::read(&typed))),
            None => self.miss_callback(callback, callback.asking.wrong.as_ref()),
        }
    }

    /// A wrong answer or none: asked again, or on without one.
    pub(super) fn miss_callback(&mut self, callback: &Callback, told: Option<&Wording>) {
        self.run.missed = self.run.missed.saturating_add(1);
        if self.run.missed >= callback.asking.tries {
            return self.wait_on_or_go(callback);
        }
        match self.run.callback_step {
            Step::Offer | Step::ReadBack => self.read_out(callback, told),
            Step::Number => self.ask_number(callback, told),
        }
    }

    pub(super) fn has_place(&self) -> bool {
        self.run.place.is_some() && self.run.left.is_none()
    }

    /// Nothing is promised: whoever has a place goes on waiting, everybody else is led on.
    pub(super) fn wait_on_or_go(&mut self, callback: &Callback) {
        let place = self.run.place.take_if(|_| self.run.left.is_none());
        match place {
            Some(place) => {
                self.run.led_here.truncate(place.depth);
                self.enter(Arc::clone(&place.flow));
                let node = place.node.clone();
                self.run.place = Some(place);
                self.go(&node);
            }
            None => {
                self.run.place = None;
                self.run.left = None;
                self.go(&callback.asking.otherwise);
            }
        }
    }

    fn promise(&mut self, callback: &Callback) {
        let Some(number) = self.run.values.get(NUMBER).map(ToString::to_string) else {
            return self.ask_number(callback, None);
        };
        self.run.phase = Phase::Promising;
        let number = self.dialled(&Number::read(&number));
        self.commands.push(Command::TakeCallback {
            queue: callback.queue.clone(),
            skills: callback.skills.clone(),
            priority: callback.urgency.priority(),
            number,
            time: self.appointed(callback),
        });
        self.commands.push(Command::SetTimer { after: PATIENCE });
    }
}
