//! The virtual agent's understanding: what a caller wants, how sure that is, what they named by the
//! way, and whether it cannot wait.
//!
//! Intents are declared in `ivr-flows/intents/*.yaml` with examples in callers' words; a classifier
//! learns from them when they are loaded. Pure: text in, values out; `today` is a parameter.

pub mod slot;

mod answer;
mod classify;
mod declared;
mod learn;
pub mod opinion;
mod urgent;
mod words;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use self::classify::Classifier;
use self::slot::{Found, Kind};
use self::urgent::Urgent;
use crate::flow::Fault;
use crate::id::{IntentName, UrgentName};

pub use self::answer::utterance;
pub use self::declared::{File, Intent};

/// Below this no intent is taken for granted, however small the others are.
const LEAST_CONFIDENCE: f32 = 0.2;
/// How likely none of them must be, for each part that the likeliest is, to be what was meant: what is out of
/// scope has many more examples than any intent. Measured by cross-validation: see docs/assistant.md.
const OUTSIDE_OUTWEIGHS: f32 = 1.7;
/// Intents less likely than this are not worth asking about.
const WORTH_ASKING: f32 = 0.05;
/// "Did you mean" names at most so many.
const MOST_RANKED: usize = 3;

/// Understands what callers say, as the files of an installation declare it.
#[derive(Debug, Clone)]
pub struct Understanding {
    intents: Vec<Intent>,
    classifier: Classifier,
    urgent: Urgent,
    /// Tells the urgent kinds from each other and from what can wait.
    alarm: Classifier,
}

/// What was understood of an utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// What is wanted; none if it is none of the council's business, or nothing was understood.
    pub intent: Option<IntentName>,
    /// How likely this is right, 0 to 1: of 100 utterances with 0.8, about 80 are. Without an intent:
    /// how likely it is that none of them was meant.
    pub confidence: f32,
    /// What may have been meant, the likeliest first, each with its chance: for "did you mean".
    pub ranked: Vec<(IntentName, f32)>,
    /// What was named.
    pub slots: BTreeMap<Kind, Found>,
    /// What cannot wait.
    pub urgent: Vec<UrgentName>,
}

impl Understanding {
    /// Reads the files of intents and learns; or everything that is wrong with them.
    pub fn load(files: &[File<'_>]) -> Result<Understanding, Vec<Fault>> {
        let declared = declared::read(files)?;
        let classifier = learn(&declared, |_| true);
        let alarm = learn_alarm(&declared);
        Ok(Understanding { intents: declared.intents, classifier, urgent: declared.urgent, alarm })
    }

    /// What callers can want, in the order of the files.
    pub fn intents(&self) -> &[Intent] {
        &self.intents
    }

    /// What callers can want, and how people call it.
    pub fn names(&self) -> BTreeMap<IntentName, String> {
        let named = self.intents.iter();
        named.map(|intent| (intent.name.clone(), intent.says.clone())).collect()
    }

    /// Everything that can be said, as far as examples show it: of intents and of what cannot wait.
    pub fn examples(&self) -> Vec<&str> {
        let intents = self.intents.iter();
        let intents = intents.flat_map(|intent| intent.examples.iter().chain(&intent.perhaps));
        let urgent = self.urgent.kinds.iter().flat_map(|kind| &kind.examples);
        intents.chain(urgent).map(String::as_str).collect()
    }

    /// How an intent is said: "a missed bin".
    pub fn says(&self, intent: &IntentName) -> Option<&str> {
        self.intents.iter().find(|known| known.name == *intent).map(|known| known.says.as_str())
    }

    /// How an urgent kind is shown to an adviser.
    pub fn says_urgent(&self, kind: &UrgentName) -> Option<&str> {
        self.urgent.kinds.iter().find(|known| known.name == *kind).map(|known| known.says.as_str())
    }

    /// Understands an utterance that was said on `today`.
    pub fn understand(&self, text: &str, today: Date) -> Understood {
        let slots = slot::read_all(text, today);
        let judged = judge(&self.classifier.chances(&told(text, &slots)));
        let name = |class: usize| self.intents.get(class).map(|intent| intent.name.clone());
        Understood {
            intent: judged.class.and_then(name),
            confidence: judged.confidence,
            ranked: judged
                .ranked
                .iter()
                .filter_map(|(class, chance)| Some((name(*class)?, *chance)))
                .collect(),
            slots,
            urgent: self.urgent.find(text, &self.alarm.chances(text)),
        }
    }
}

/// What an utterance is about: the text without what only says where and whose. "14 Church Lane" must
/// not sound like a cemetery.
fn told(text: &str, slots: &BTreeMap<Kind, Found>) -> String {
    let mut left_out: Vec<(&Found, &str)> = Vec::new();
    for (kind, found) in slots {
        match kind {
            Kind::Postcode
            | Kind::Registration
            | Kind::Phone
            | Kind::Reference
            | Kind::Digits
            | Kind::YesNo
            | Kind::Flat
            | Kind::HouseNumber => left_out.push((found, " ")),
            Kind::Street => left_out.push((found, " street ")),
            Kind::Money => left_out.push((found, " pounds ")),
            // Days tell: bins have theirs.
            Kind::Date | Kind::Time => {}
        }
    }
    left_out.sort_by_key(|(found, _)| found.span.start);
    let (mut told, mut from) = (String::with_capacity(text.len()), 0);
    for (found, instead) in left_out {
        told.push_str(text.get(from..found.span.start).unwrap_or_default());
        told.push_str(instead);
        from = found.span.end;
    }
    told.push_str(text.get(from..).unwrap_or_default());
    told
}

/// Classes are the intents in their order; out of scope comes behind them.
fn learn(declared: &declared::Declared, with: impl Fn(usize) -> bool) -> Classifier {
    let out_of_scope = declared.intents.len();
    let of_intents =
        declared.intents.iter().enumerate().flat_map(|(class, intent)| {
            intent.examples.iter().map(move |text| (class, text.as_str()))
        });
    // What is in several classes is as likely in each of them.
    let perhaps =
        declared.intents.iter().enumerate().flat_map(|(class, intent)| {
            intent.perhaps.iter().map(move |text| (class, text.as_str()))
        });
    let outside = declared.out_of_scope.iter().map(|text| (out_of_scope, text.as_str()));
    let examples: Vec<(usize, &str)> = of_intents
        .chain(outside)
        .enumerate()
        .filter(|(at, _)| with(*at))
        .map(|(_, example)| example)
        .chain(perhaps)
        .collect();
    Classifier::learn(declared.lexicon.clone(), &examples, out_of_scope + 1)
}

/// Classes are the urgent kinds in their order; what can wait comes behind them: what is declared so,
/// and examples of intents and of what is out of scope.
fn learn_alarm(declared: &declared::Declared) -> Classifier {
    let kinds = &declared.urgent.kinds;
    let urgent = kinds
        .iter()
        .enumerate()
        .flat_map(|(class, kind)| kind.examples.iter().map(move |text| (class, text.as_str())));
    let intents = declared.intents.iter().flat_map(|intent| &intent.examples);
    // A third of what is no alarm tells enough of it.
    let all = intents.chain(&declared.out_of_scope).step_by(3);
    let calm = all.chain(&declared.not_urgent);
    let calm = calm.map(|text| (kinds.len(), text.as_str()));
    let examples: Vec<(usize, &str)> = urgent.chain(calm).collect();
    Classifier::learn(declared.lexicon.clone(), &examples, kinds.len() + 1)
}

/// What the chances of classes come to.
struct Judged {
    /// The intent's class, if one is meant.
    class: Option<usize>,
    confidence: f32,
    ranked: Vec<(usize, f32)>,
}

fn judge(chances: &[f32]) -> Judged {
    let (outside, intents) =
        chances.split_last().map_or((1.0, chances), |(last, rest)| (*last, rest));
    let mut ranked: Vec<(usize, f32)> = intents.iter().copied().enumerate().collect();
    // Stable: of equals the one that was declared first.
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let best = ranked
        .first()
        .copied()
        .filter(|(_, chance)| *chance >= LEAST_CONFIDENCE && *chance * OUTSIDE_OUTWEIGHS > outside);
    ranked.truncate(MOST_RANKED);
    ranked.retain(|(_, chance)| *chance >= WORTH_ASKING);
    match best {
        Some((class, confidence)) => Judged { class: Some(class), confidence, ranked },
        None => Judged { class: None, confidence: outside, ranked },
    }
}

impl Serialize for Understood {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'u> {
            intent: Option<&'u IntentName>,
            confidence: f64,
            slots: BTreeMap<&'static str, &'u str>,
            urgent: &'u [UrgentName],
            ranked: Vec<(&'u IntentName, f64)>,
        }
        let round = |chance: f32| (f64::from(chance) * 1_000.0).round() / 1_000.0;
        let slots = self.slots.iter().map(|(kind, found)| (kind.name(), found.value.as_str()));
        Shown {
            intent: self.intent.as_ref(),
            confidence: round(self.confidence),
            slots: slots.collect(),
            urgent: &self.urgent,
            ranked: self.ranked.iter().map(|(name, chance)| (name, round(*chance))).collect(),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
