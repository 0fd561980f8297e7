//! One step of a test: what the caller does, or what must have happened.

use std::time::Duration;

use super::script::entries;
use crate::event::EndCause;
use crate::flow::fault::{FaultKind, Slip};
use crate::flow::fields::{self, Faults, Fields};
use crate::flow::load::asking::key as key_of;
use crate::flow::model::Reason;
use crate::flow::yaml::{At, Place, Tree, Value};
use crate::media::command::Key;

/// Something that the caller does, or that must have happened.
#[derive(Debug, Clone)]
pub enum Step {
    /// The caller has heard these words.
    Hears(String),
    /// The caller presses these keys.
    Presses(Vec<Key>),
    /// The caller says this.
    Says(String),
    /// The caller says something that nobody understands.
    Mumbles,
    /// The caller is handed over to people, for this reason.
    HandedOver(String),
    /// The caller does nothing until something happens.
    Silent,
    /// The caller waits for so long, whatever happens meanwhile.
    Waits(Duration),
    /// The caller hangs up.
    HangsUp,
    /// The caller waits in this queue, with these skills if they are named.
    Queued(String, Option<Vec<String>>),
    /// An adviser answers, talks with the caller and hangs up.
    Served,
    /// The caller answered this question of a survey so.
    Rated(String, u8),
    /// This fact was noted.
    Noted(String, String),
    /// Another system was asked so (`POST council-tax /payments`).
    Asked(String),
    /// The caller was put through to them.
    Transferred(String),
    /// The caller was promised this, to this number and with this in it if they are named.
    Sent(String, Option<String>, Vec<(String, String)>),
    /// A message was taken for this queue.
    Message(String),
    /// The caller was promised to be rung back by this queue.
    Promised(String),
    /// What the caller keys in is secret now, or not.
    Secret(bool),
    /// The call is over, for this reason.
    Ended(EndCause),
}

/// A step's word.
pub struct StepWord {
    /// The word.
    pub word: &'static str,
    /// What it means.
    pub about: &'static str,
    /// What can stand beside it.
    pub beside: &'static [&'static str],
}

const fn word(word: &'static str, about: &'static str) -> StepWord {
    StepWord { word, about, beside: &[] }
}

/// Every step that the language has.
pub const STEPS: [StepWord; 19] = [
    word("hears", "the caller has heard these words since the step before"),
    word("presses", "the caller presses these keys"),
    word("says", "the caller says this"),
    word("mumbles", "the caller says something that nobody understands"),
    word("silent", "the caller does nothing until something happens"),
    word("waits", "the caller does nothing for so long, as in `12 s` or `2 min`"),
    word("hangs_up", "the caller hangs up"),
    StepWord {
        word: "queued",
        about: "the caller waits in this queue, with these skills",
        beside: &["skills"],
    },
    word("served", "an adviser answers, talks with the caller and hangs up"),
    word("rated", "the caller answered a survey's question so"),
    word("handed_over", "the caller is handed over to people, for this reason"),
    word("noted", "this fact was noted for the adviser"),
    word("asked", "another system was asked so, as in `GET council /accounts/1`"),
    word("transferred", "the caller was put through to whoever that reaches"),
    StepWord {
        word: "sent",
        about: "the caller was promised this template, to that number and with that in it",
        beside: &["to", "with"],
    },
    word("message", "a message was taken for this queue"),
    word("promised", "this queue promised to ring back"),
    word("secret", "whether what the caller keys in is secret now"),
    word("ended", "the call is over, for this reason"),
];

/// Why callers are handed over to people.
pub const HAND_OVERS: [&str; 5] = ["asked_for", "not_understood", "urgent", "backend", "business"];

/// Why a call is over without the flow's doing.
const HUNG_UP: [(&str, EndCause); 4] = [
    ("caller_left_flow", EndCause::CallerLeftFlow),
    ("caller_abandoned", EndCause::CallerAbandoned),
    ("caller_hung_up", EndCause::CallerHungUp),
    ("agent_hung_up", EndCause::AgentHungUp),
];

/// How a call can end: what a flow's `hang_up` says, and who else hangs up.
pub fn ends() -> Vec<(&'static str, EndCause)> {
    let reasons = Reason::WORDS.iter().map(|(word, reason)| (*word, reason.cause()));
    reasons.chain(HUNG_UP).collect()
}

/// The longest that a caller waits in one step.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// `12 s`, `2 min`, or seconds alone.
fn duration(written: &str) -> Option<Duration> {
    let (number, unit) = match written.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => written.split_at(at),
        None => (written, "s"),
    };
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim() {
        "s" => number,
        "min" => number.checked_mul(60)?,
        _ => return None,
    };
    let waits = Duration::from_secs(seconds);
    (Duration::ZERO < waits && waits <= LONGEST_WAIT).then_some(waits)
}

/// Digits as text: what YAML takes for a number may have lost its 0.
pub fn digits(field: &str, tree: &Tree, faults: &mut Faults) -> Option<At<String>> {
    let lost = match tree.value {
        Value::Whole(number) => number.to_string().len() != tree.place.len,
        Value::Number(_) => true,
        _ => false,
    };
    if lost {
        faults.note(Slip::LostZero { field: field.to_owned() }.into(), tree.place);
        return None;
    }
    fields::text(field, tree, faults)
}

/// Reads one.
pub fn step(tree: &Tree, faults: &mut Faults) -> Option<At<Step>> {
    let fields = Fields::open("a step".to_owned(), "a step", tree.place, tree, faults)?;
    let before = faults.errors();
    let beside = STEPS.iter().flat_map(|step| step.beside).copied();
    let allowed: Vec<&str> = STEPS.iter().map(|step| step.word).chain(beside).collect();
    fields.only(&allowed, faults);
    let mut found = fields.iter().filter_map(|(key, tree)| {
        let step = STEPS.iter().find(|step| step.word == key.value)?;
        Some((step, key, tree))
    });
    let Some((kind, key, tree)) = found.next() else {
        // A word with a slip was told already.
        if faults.errors() == before {
            let kinds = STEPS.iter().map(|step| step.word).collect();
            let node = "a step".to_owned();
            faults.note(FaultKind::NoKind { node, meant: None, kinds }, tree.place);
        }
        return None;
    };
    if let Some((second, at, _)) = found.next() {
        let slip = Slip::TwoSteps { first: kind.word, second: second.word };
        faults.note(slip.into(), at.place);
        return None;
    }
    for (name, _) in fields.iter() {
        let other = name.value != kind.word && allowed.contains(&name.value.as_str());
        if other && !kind.beside.contains(&name.value.as_str()) {
            let (field, step, allowed) = (name.value.clone(), kind.word, kind.beside);
            faults.note(Slip::NotOfStep { field, step, allowed }.into(), name.place);
        }
    }
    let text = |faults: &mut Faults| fields::text(&key.value, tree, faults).map(|it| it.value);
    let step = match key.value.as_str() {
        "hears" => Step::Hears(text(faults)?),
        "presses" => {
            let written = digits("presses", tree, faults)?.value;
            let keys: Option<Vec<Key>> = written.chars().map(key_of).collect();
            if keys.is_none() {
                faults.note(FaultKind::BadKey { key: written }, tree.place);
            }
            Step::Presses(keys?)
        }
        "says" => Step::Says(text(faults)?),
        "mumbles" => {
            fields::truth("mumbles", tree, faults)?;
            Step::Mumbles
        }
        "handed_over" => {
            let words: Vec<(&'static str, &str)> = HAND_OVERS.map(|word| (word, word)).to_vec();
            let reason = fields::choice("handed_over", tree, &words, faults)?;
            Step::HandedOver(reason.to_owned())
        }
        "silent" => {
            fields::truth("silent", tree, faults)?;
            Step::Silent
        }
        "waits" => {
            let written = text(faults)?;
            let waits = duration(&written);
            if waits.is_none() {
                faults.note(Slip::BadWait { written }.into(), tree.place);
            }
            Step::Waits(waits?)
        }
        "hangs_up" => {
            fields::truth("hangs_up", tree, faults)?;
            Step::HangsUp
        }
        "queued" => {
            let queue = text(faults)?;
            let skills = match fields.get("skills") {
                Some(tree) => {
                    let skills = fields::words("skills", tree, faults)?;
                    Some(skills.into_iter().map(|skill| skill.value).collect())
                }
                None => None,
            };
            Step::Queued(queue, skills)
        }
        "served" => {
            fields::truth("served", tree, faults)?;
            Step::Served
        }
        "rated" => {
            let rated = Fields::open("`rated`".to_owned(), "rated", tree.place, tree, faults)?;
            let (question, tree) = rated.iter().next()?;
            let score = fields::whole(&question.value, tree, 1..=5, faults)?;
            Step::Rated(question.value.clone(), u8::try_from(score).ok()?)
        }
        "noted" => {
            let noted = Fields::open("`noted`".to_owned(), "noted", tree.place, tree, faults)?;
            let (label, tree) = noted.iter().next()?;
            let fact = fields::text(&label.value, tree, faults)?;
            Step::Noted(label.value.clone(), fact.value)
        }
        "asked" => Step::Asked(text(faults)?),
        "transferred" => Step::Transferred(digits("transferred", tree, faults)?.value),
        "sent" => {
            let template = text(faults)?;
            let to = match fields.get("to") {
                Some(tree) => Some(digits("to", tree, faults)?.value),
                None => None,
            };
            let mut with = Vec::new();
            for (name, tree) in entries("with", &fields, faults) {
                let value = digits(&name.value, tree, faults)?.value;
                with.push((name.value.clone(), value));
            }
            Step::Sent(template, to, with)
        }
        "message" => Step::Message(text(faults)?),
        "promised" => Step::Promised(text(faults)?),
        "secret" => Step::Secret(fields::truth("secret", tree, faults)?),
        _ => Step::Ended(fields::choice("ended", tree, &ends(), faults)?),
    };
    Some(At { place: Place { len: key.place.len, ..key.place }, value: step })
}
