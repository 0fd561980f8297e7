//! From the words that answer a question to what they mean.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::slot::choice::{self, Choice};
use super::slot::ring_back;
use super::{Understanding, slot};
use crate::call::speech::{Candidate, Question, Utterance};

/// What `text` means as an answer to `question`. Without an understanding only things and choices are
/// understood. `sure` is whether the recogniser is sure of the words, `today` is what days are counted
/// from.
pub fn utterance(
    understanding: Option<&Understanding>,
    question: &Question,
    text: &str,
    sure: bool,
    today: Date,
) -> Utterance {
    let understood = understanding.map(|known| (known, known.understand(text, today)));
    let mut utterance = Utterance { text: text.to_owned(), sure, ..Utterance::default() };
    utterance.answer = match question {
        Question::Business(_) => None,
        Question::Thing { slot, .. } => slot::read(*slot, text, today).map(|found| found.value),
        Question::OneOf(choices) => one_of(choices, text),
        Question::RingBack => ring_back::read(text).map(|answer| answer.as_str().to_owned()),
    };
    utterance.named = match &understood {
        Some((_, understood)) => values(&understood.slots),
        None => values(&slot::read_all(text, today)),
    };
    if let Some((known, understood)) = understood {
        let candidates = understood.ranked.iter().map(|(intent, chance)| Candidate {
            says: known.says(intent).unwrap_or_default().to_owned(),
            intent: intent.clone(),
            chance: thousandths(*chance),
        });
        utterance.ranked = candidates.collect();
        utterance.meant = understood.intent.is_some();
        let urgent = understood.urgent.into_iter();
        utterance.urgent = urgent
            .map(|kind| {
                let says = known.says_urgent(&kind).unwrap_or_default().to_owned();
                (kind, says)
            })
            .collect();
    }
    utterance
}

fn values(found: &BTreeMap<slot::Kind, slot::Found>) -> BTreeMap<slot::Kind, String> {
    found.iter().map(|(kind, found)| (*kind, found.value.clone())).collect()
}

fn thousandths(chance: f32) -> u16 {
    // Clamped, so that it fits.
    (f64::from(chance.clamp(0.0, 1.0)) * 1_000.0).round() as u16
}

/// The place of the choice that is named.
fn one_of(choices: &[Vec<String>], text: &str) -> Option<String> {
    // A place is nothing that can be said: "two" is not the second of them.
    let choices: Vec<Choice> = choices
        .iter()
        .enumerate()
        .map(|(at, words)| Choice { value: format!("={at}"), words: words.clone() })
        .collect();
    let found = choice::read(&choices, text)?;
    found.value.strip_prefix('=').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::event::Slot;

    #[test]
    fn things_and_choices_are_understood_without_intents() {
        let today = date(2026, 11, 26);
        let thing = |slot| Question::Thing { slot, least: 1, most: 20 };
        let bins = Question::OneOf(vec![vec!["black bin".into()], vec!["recycling".into()]]);
        for (question, text, answer) in [
            (thing(Slot::Postcode), "r m one three b d", Some("RM1 3BD")),
            (thing(Slot::YesNo), "yeah that is right", Some("yes")),
            (thing(Slot::Digits), "double seven oh", Some("770")),
            (thing(Slot::Digits), "my bin", None),
            (bins.clone(), "the recycling please", Some("1")),
            (bins.clone(), "neither", None),
            (bins.clone(), "1", None),
            (bins, "press 0", None),
            (
                Question::OneOf(vec![vec!["1".into(), "one".into()], vec!["2".into()]]),
                "2",
                Some("1"),
            ),
            (Question::RingBack, "no, on another number", Some("another")),
            (Question::RingBack, "my bin", None),
            (Question::Business(Vec::new()), "my bin", None),
        ] {
            let utterance = utterance(None, &question, text, true, today);
            assert_eq!(utterance.answer.as_deref(), answer, "{text}");
            assert!(!utterance.meant);
        }
    }
}
