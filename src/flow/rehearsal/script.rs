//! What a flow's file says of its tests: `tests:`.

use std::sync::Arc;

use jiff::civil::{DateTime, date};
use miette::NamedSource;

use super::stage::{Conditions, Fake};
use crate::backend::Answer;
use crate::call::command::{CallbackAnswer, QueueReturn};
use crate::event::{EndCause, Failed, History, Outlook, TransferOutcome, WaitRange};
use crate::flow::FlowFile;
use crate::flow::fault::{Fault, FaultKind};
use crate::flow::fields::{self, Faults, Fields};
use crate::flow::model::Reason;
use crate::flow::run::About;
use crate::flow::yaml::{self, At, Place, Tree, Value};
use crate::id::ValueName;
use crate::media::command::Key;

/// When a call comes unless its test says otherwise: a Thursday in office hours.
fn usual_time() -> DateTime {
    date(2026, 11, 26).at(10, 0, 0, 0)
}

/// One test.
#[derive(Debug, Clone)]
pub struct Script {
    /// What it shows.
    pub name: At<String>,
    /// The call.
    pub about: About,
    /// What it knows before its first step.
    pub values: Vec<(ValueName, String)>,
    /// What is made up for it.
    pub conditions: Conditions,
    /// What the caller does and what must happen, in order.
    pub steps: Vec<At<Step>>,
}

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

const QUEUES: [(&str, QueueReturn); 4] = [
    ("closed", QueueReturn::Closed),
    ("full", QueueReturn::Full),
    ("waited_too_long", QueueReturn::WaitedTooLong),
    ("nobody", QueueReturn::NobodyOnDuty),
];
const CALLBACKS: [(&str, CallbackAnswer); 2] =
    [("known", CallbackAnswer::Known), ("not_now", CallbackAnswer::NotNow)];
const TRANSFERS: [(&str, TransferOutcome); 3] = [
    ("busy", TransferOutcome::Rejected),
    ("no_answer", TransferOutcome::NoAnswer),
    ("unreachable", TransferOutcome::Unreachable),
];
const FAILURES: [(&str, Failed); 5] = [
    ("unreachable", Failed::Unreachable),
    ("timed_out", Failed::TimedOut),
    ("not_json", Failed::NotJson),
    ("circuit_open", Failed::CircuitOpen),
    ("busy", Failed::Busy),
];
const STEPS: [&str; 17] = [
    "hears",
    "presses",
    "says",
    "mumbles",
    "silent",
    "queued",
    "served",
    "rated",
    "handed_over",
    "noted",
    "asked",
    "transferred",
    "sent",
    "message",
    "promised",
    "secret",
    "ended",
];
const HAND_OVERS: [&str; 5] = ["asked_for", "not_understood", "urgent", "backend", "business"];

/// The tests of a file, or everything that is wrong with them.
pub fn read(file: &FlowFile) -> Result<Vec<Script>, Vec<Fault>> {
    let source = Arc::new(NamedSource::new(&file.shown, Arc::<str>::from(file.text.as_str())));
    let tree = yaml::parse(&file.text).map_err(|error| {
        vec![Fault::new(FaultKind::NotYaml { why: error.why }, error.place, &source)]
    })?;
    let mut faults = Faults::new(source);
    let Value::Map(top) = &tree.value else { return Ok(Vec::new()) };
    let tests = top.iter().find(|(key, _)| key.value == "tests").map(|(_, tests)| tests);
    let mut scripts = Vec::new();
    for tree in list("tests", tests, &mut faults) {
        scripts.extend(script(tree, &mut faults));
    }
    if faults.errors() > 0 { Err(faults.into_sorted()) } else { Ok(scripts) }
}

fn list<'t>(field: &str, tree: Option<&'t Tree>, faults: &mut Faults) -> &'t [Tree] {
    match tree.map(|tree| (&tree.value, tree.place)) {
        None => &[],
        Some((Value::List(items), _)) => items,
        Some((other, place)) => {
            let (field, expected) = (field.to_owned(), "a list, each entry after a hyphen");
            faults.note(FaultKind::WrongKind { field, expected, found: other.kind() }, place);
            &[]
        }
    }
}

fn script(tree: &Tree, faults: &mut Faults) -> Option<Script> {
    let before = faults.errors();
    let fields = Fields::open("a test".to_owned(), "a test", tree.place, tree, faults)?;
    fields.only(
        &[
            "name",
            "at",
            "caller",
            "called",
            "relay",
            "history",
            "hears",
            "calendars",
            "bulletins",
            "values",
            "answers",
            "queues",
            "outlooks",
            "callbacks",
            "transfers",
            "message_lost",
            "unsendable",
            "steps",
        ],
        faults,
    );
    let name = fields
        .need("name", "name: a caller chooses bins", faults)
        .and_then(|tree| fields::text("name", tree, faults));
    let text = |field, faults: &mut Faults| {
        fields.get(field).and_then(|tree| fields::text(field, tree, faults))
    };
    let now = match text("at", faults) {
        Some(at) => match at.value.replacen(' ', "T", 1).parse() {
            Ok(now) => now,
            Err(_) => {
                faults.note(FaultKind::BadMoment { written: at.value }, at.place);
                usual_time()
            }
        },
        None => usual_time(),
    };
    let caller = text("caller", faults).map(|text| text.value);
    let called = text("called", faults).map_or("01708434343".to_owned(), |text| text.value);
    let truth = |field, faults: &mut Faults| {
        fields.get(field).and_then(|tree| fields::truth(field, tree, faults)).unwrap_or(false)
    };
    let relay = truth("relay", faults);
    let hears = truth("hears", faults);
    let conditions = Conditions {
        calendars: entries("calendars", &fields, faults)
            .into_iter()
            .filter_map(|(name, tree)| {
                let words = [("open", true), ("closed", false)];
                Some((name.as_str().into(), fields::choice(&name, tree, &words, faults)?))
            })
            .collect(),
        bulletins: fields
            .get("bulletins")
            .and_then(|tree| fields::words("bulletins", tree, faults))
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.value.into())
            .collect(),
        answers: list("answers", fields.get("answers"), faults)
            .iter()
            .filter_map(|tree| fake(tree, faults))
            .collect(),
        queues: entries("queues", &fields, faults)
            .into_iter()
            .filter_map(|(name, tree)| {
                Some((name.as_str().into(), fields::choice(&name, tree, &QUEUES, faults)?))
            })
            .collect(),
        callbacks: entries("callbacks", &fields, faults)
            .into_iter()
            .filter_map(|(name, tree)| {
                Some((name.as_str().into(), fields::choice(&name, tree, &CALLBACKS, faults)?))
            })
            .collect(),
        outlooks: list("outlooks", fields.get("outlooks"), faults)
            .iter()
            .filter_map(|tree| outlook(tree, faults))
            .collect(),
        transfers: entries("transfers", &fields, faults)
            .into_iter()
            .filter_map(|(to, tree)| {
                Some((to.clone(), fields::choice(&to, tree, &TRANSFERS, faults)?))
            })
            .collect(),
        message_lost: truth("message_lost", faults),
        unsendable: truth("unsendable", faults),
    };
    let steps = fields.need("steps", "steps:", faults);
    let steps = list("steps", steps, faults).iter().filter_map(|tree| step(tree, faults)).collect();
    let mut values = Vec::new();
    for (name, tree) in entries("values", &fields, faults) {
        if let Some(text) = fields::text(&name, tree, faults) {
            values.push((name.into(), text.value));
        }
    }
    let history = history(&fields, faults);
    let about = About { caller, called, relay, history, hears, now };
    let good = faults.errors() == before;
    good.then_some(Script { name: name?, about, values, conditions, steps })
}

fn entries<'t>(
    field: &'static str,
    fields: &Fields<'t>,
    faults: &mut Faults,
) -> Vec<(String, &'t Tree)> {
    let Some(tree) = fields.get(field) else { return Vec::new() };
    let opened = Fields::open(format!("`{field}`"), field, tree.place, tree, faults);
    opened
        .iter()
        .flat_map(|fields| fields.iter())
        .map(|(key, tree)| (key.value.clone(), tree))
        .collect()
}

/// `{status: 200, body: {...}}` or `{fails: timed_out}`.
fn fake(tree: &Tree, faults: &mut Faults) -> Option<Fake> {
    let fields = Fields::open("an answer".to_owned(), "an answer", tree.place, tree, faults)?;
    fields.only(&["status", "body", "fails"], faults);
    if let Some(tree) = fields.get("fails") {
        let failed = fields::choice("fails", tree, &FAILURES, faults)?;
        return Some(Fake { answer: Err(failed) });
    }
    let status = match fields.get("status") {
        Some(tree) => fields::whole("status", tree, 200..=599, faults)?,
        None => 200,
    };
    let status = u16::try_from(status).unwrap_or(200);
    let body = fields.get("body").map_or(serde_json::Value::Null, |tree| json(&tree.value));
    Some(Fake { answer: Ok(Answer { status, body }) })
}

/// `{calls: 2, about: missed-bin, gave_up: true}`, each of which can be left out.
fn history(fields: &Fields<'_>, faults: &mut Faults) -> History {
    let Some(tree) = fields.get("history") else { return History::default() };
    let fields = Fields::open("`history`".to_owned(), "history", tree.place, tree, faults);
    let Some(fields) = fields else { return History::default() };
    fields.only(&["calls", "about", "gave_up"], faults);
    let calls = fields.get("calls").and_then(|tree| fields::whole("calls", tree, 1..=20, faults));
    let about = fields.get("about").and_then(|tree| fields::text("about", tree, faults));
    let gave_up = fields.get("gave_up").and_then(|tree| fields::truth("gave_up", tree, faults));
    History {
        calls: calls.unwrap_or(1),
        about: about.map(|about| about.value.into()),
        gave_up: gave_up.unwrap_or(false),
    }
}

/// `{position: 3, least: 4, most: 8, worse: true}`, each of which can be left out.
fn outlook(tree: &Tree, faults: &mut Faults) -> Option<Outlook> {
    let fields = Fields::open("an outlook".to_owned(), "an outlook", tree.place, tree, faults)?;
    fields.only(&["position", "least", "most", "worse"], faults);
    let mut number = |field: &'static str, limits| {
        let tree = fields.get(field)?;
        fields::whole(field, tree, limits, faults)
    };
    let position = number("position", 1..=9_999).map(u64::from);
    let least_min = number("least", 0..=600).unwrap_or(0);
    let wait = number("most", 1..=600).map(|most_min| WaitRange { least_min, most_min });
    let worse = fields.get("worse").and_then(|tree| fields::truth("worse", tree, faults));
    Some(Outlook { position, wait, worse: worse.unwrap_or(false) })
}

/// YAML as JSON.
pub fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nothing => serde_json::Value::Null,
        Value::Text(text) => text.as_str().into(),
        Value::Whole(number) => (*number).into(),
        Value::Truth(truth) => (*truth).into(),
        Value::Number(number) => (*number).into(),
        Value::List(items) => items.iter().map(|item| json(&item.value)).collect(),
        Value::Map(entries) => {
            entries.iter().map(|(key, value)| (key.value.clone(), json(&value.value))).collect()
        }
    }
}

fn step(tree: &Tree, faults: &mut Faults) -> Option<At<Step>> {
    let fields = Fields::open("a step".to_owned(), "a step", tree.place, tree, faults)?;
    let allowed: Vec<&str> = STEPS.into_iter().chain(["skills", "to", "with"]).collect();
    fields.only(&allowed, faults);
    let Some((key, tree)) = fields.iter().find(|(key, _)| STEPS.contains(&key.value.as_str()))
    else {
        faults.note(
            FaultKind::NoKind { node: "a step".to_owned(), meant: None, kinds: STEPS.to_vec() },
            tree.place,
        );
        return None;
    };
    let text = |faults: &mut Faults| fields::text(&key.value, tree, faults).map(|it| it.value);
    let step = match key.value.as_str() {
        "hears" => Step::Hears(text(faults)?),
        "presses" => {
            let written = text(faults)?;
            let keys: Option<Vec<Key>> = written.chars().map(Key::from_char).collect();
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
        "transferred" => Step::Transferred(text(faults)?),
        "sent" => {
            let template = text(faults)?;
            let to = match fields.get("to") {
                Some(tree) => Some(fields::text("to", tree, faults)?.value),
                None => None,
            };
            let mut with = Vec::new();
            for (name, tree) in entries("with", &fields, faults) {
                let value = fields::text(&name, tree, faults)?.value;
                with.push((name, value));
            }
            Step::Sent(template, to, with)
        }
        "message" => Step::Message(text(faults)?),
        "promised" => Step::Promised(text(faults)?),
        "secret" => Step::Secret(fields::truth("secret", tree, faults)?),
        _ => Step::Ended(fields::choice("ended", tree, &Reason::WORDS, faults)?.cause()),
    };
    Some(At { place: Place { len: key.place.len, ..key.place }, value: step })
}
