//! What a flow's file says of its tests: `tests:`.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, date};

use super::stage::{Conditions, Fake};
use super::step::{self, Step, digits};
use crate::backend::Answer;
use crate::call::command::{CallbackAnswer, QueueReturn};
use crate::event::{Failed, History, Outlook, TransferOutcome, WaitRange};
use crate::flow::fault::{Fault, FaultKind, Slip};
use crate::flow::fields::{self, Faults, Fields};
use crate::flow::run::About;
use crate::flow::yaml::{At, Place, Tree, Value};
use crate::flow::{self, FlowFile, What};
use crate::id::ValueName;

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
    pub values: Vec<(At<ValueName>, At<String>)>,
    /// What is made up for it.
    pub conditions: Conditions,
    /// What that names in the settings and the flows.
    pub names: Vec<(What, At<String>)>,
    /// Where the answers of other systems are.
    pub answers: Vec<Place>,
    /// Where it is said what callers who wait are told.
    pub outlooks: Vec<Place>,
    /// What the caller does and what must happen, in order.
    pub steps: Vec<At<Step>>,
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
/// What a test has, and what it means.
pub const FIELDS: [(&str, &str); 18] = [
    ("name", "what it shows"),
    ("at", "when the call comes, as in `2026-11-26 10:00`; a Thursday at ten if left out"),
    ("caller", "the caller's number, in quotes"),
    ("called", "the number that was rung, in quotes"),
    ("relay", "whether the caller uses a text relay service"),
    ("history", "what the number did before: `{calls: 2, about: missed-bin, gave_up: true}`"),
    ("hears", "whether callers are listened to"),
    ("calendars", "calendars that are `open` or `closed` whatever the time is"),
    ("bulletins", "those that are on"),
    ("values", "what the call knows before its first step"),
    (
        "answers",
        "what other systems answer, in order: `{status: 404}`, `{body: {...}}`, `{fails: timed_out}`",
    ),
    (
        "queues",
        "queues that hand the caller back, and why: `closed`, `full`, `waited_too_long`, `nobody`",
    ),
    (
        "outlooks",
        "what callers who wait are told, in order: `{position: 3, least: 4, most: 8, worse: true}`",
    ),
    ("callbacks", "queues that promise nothing, and why: `known`, `not_now`"),
    (
        "transfers",
        "whom callers are put through to in vain, and why: `busy`, `no_answer`, `unreachable`",
    ),
    ("message_lost", "whether a message cannot be kept"),
    ("unsendable", "whether no text and no e-mail can be promised now"),
    ("steps", "what the caller does and what must happen, in order"),
];

/// The tests of a file, or everything that is wrong with them.
pub fn of(file: &FlowFile) -> Result<Vec<Script>, Vec<Fault>> {
    let (tree, mut faults) = flow::tree(&file.shown, &file.text)?;
    let Value::Map(top) = &tree.value else { return Ok(Vec::new()) };
    let tests = top.iter().find(|(key, _)| key.value == "tests").map(|(_, tests)| tests);
    let scripts = read(tests, &mut faults);
    if faults.errors() > 0 { Err(faults.into_sorted()) } else { Ok(scripts) }
}

/// Reads the tests of a flow.
pub fn read(tests: Option<&Tree>, faults: &mut Faults) -> Vec<Script> {
    let mut scripts: Vec<Script> = Vec::new();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for tree in list("tests", tests, faults) {
        let Some(script) = script(tree, faults) else { continue };
        let name = &script.name;
        match lines.get(&name.value) {
            Some(first_line) => {
                let slip = Slip::SameTest { name: name.value.clone(), first_line: *first_line };
                faults.note(slip.into(), name.place);
            }
            None => {
                lines.insert(name.value.clone(), name.place.line);
            }
        }
        scripts.push(script);
    }
    scripts
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
    let allowed: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    fields.only(&allowed, faults);
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
    let number =
        |field, faults: &mut Faults| fields.get(field).and_then(|tree| digits(field, tree, faults));
    let caller = number("caller", faults).map(|text| text.value);
    let called = number("called", faults).map_or("01708434343".to_owned(), |text| text.value);
    let truth = |field, faults: &mut Faults| {
        fields.get(field).and_then(|tree| fields::truth(field, tree, faults)).unwrap_or(false)
    };
    let relay = truth("relay", faults);
    let hears = truth("hears", faults);
    let mut names: Vec<(What, At<String>)> = Vec::new();
    let mut named = |field: &'static str, what, faults: &mut Faults| {
        let all = entries(field, &fields, faults);
        names.extend(all.iter().map(|(name, _)| (what, (*name).clone())));
        all
    };
    let calendars = named("calendars", What::Calendar, faults);
    let queues = named("queues", What::Queue, faults);
    let callbacks = named("callbacks", What::Queue, faults);
    let transfers = named("transfers", What::Destination, faults);
    let bulletins = fields.get("bulletins");
    let bulletins = bulletins.and_then(|tree| fields::words("bulletins", tree, faults));
    let bulletins = bulletins.unwrap_or_default();
    names.extend(bulletins.iter().map(|name| (What::Bulletin, name.clone())));
    let answers = list("answers", fields.get("answers"), faults);
    let outlooks = list("outlooks", fields.get("outlooks"), faults);
    let places = |trees: &[Tree]| trees.iter().map(|tree| tree.place).collect::<Vec<_>>();
    let conditions = Conditions {
        calendars: calendars
            .into_iter()
            .filter_map(|(name, tree)| {
                let words = [("open", true), ("closed", false)];
                let open = fields::choice(&name.value, tree, &words, faults)?;
                Some((name.value.as_str().into(), open))
            })
            .collect(),
        bulletins: bulletins.into_iter().map(|name| name.value.into()).collect(),
        answers: answers.iter().filter_map(|tree| fake(tree, faults)).collect(),
        queues: queues
            .into_iter()
            .filter_map(|(name, tree)| {
                let back = fields::choice(&name.value, tree, &QUEUES, faults)?;
                Some((name.value.as_str().into(), back))
            })
            .collect(),
        callbacks: callbacks
            .into_iter()
            .filter_map(|(name, tree)| {
                let answer = fields::choice(&name.value, tree, &CALLBACKS, faults)?;
                Some((name.value.as_str().into(), answer))
            })
            .collect(),
        outlooks: outlooks.iter().filter_map(|tree| outlook(tree, faults)).collect(),
        transfers: transfers
            .into_iter()
            .filter_map(|(to, tree)| {
                Some((to.value.clone(), fields::choice(&to.value, tree, &TRANSFERS, faults)?))
            })
            .collect(),
        message_lost: truth("message_lost", faults),
        unsendable: truth("unsendable", faults),
    };
    let written = fields.need("steps", "steps:", faults);
    let steps = list("steps", written, faults);
    if let (Some(At { value: Value::List(_), place }), []) = (written, steps) {
        faults.note(FaultKind::Empty { field: "steps".to_owned() }, *place);
    }
    let steps = steps.iter().filter_map(|tree| step::step(tree, faults)).collect();
    let mut values = Vec::new();
    for (name, tree) in entries("values", &fields, faults) {
        if let Some(text) = digits(&name.value, tree, faults) {
            let value = ValueName::from(name.value.as_str());
            values.push((At { place: name.place, value }, text));
        }
    }
    let (history, about) = history(&fields, faults);
    names.extend(about.map(|about| (What::Intent, about)));
    let about = About { caller, called, relay, history, hears, now };
    let good = faults.errors() == before;
    good.then_some(Script {
        name: name?,
        about,
        values,
        conditions,
        names,
        answers: places(answers),
        outlooks: places(outlooks),
        steps,
    })
}

/// The keys and values of a field that may be left out.
pub fn entries<'t>(
    field: &'static str,
    fields: &Fields<'t>,
    faults: &mut Faults,
) -> Vec<(&'t At<String>, &'t Tree)> {
    let Some(tree) = fields.get(field) else { return Vec::new() };
    let opened = Fields::open(format!("`{field}`"), field, tree.place, tree, faults);
    opened.iter().flat_map(|fields| fields.iter()).collect()
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
fn history(fields: &Fields<'_>, faults: &mut Faults) -> (History, Option<At<String>>) {
    let Some(tree) = fields.get("history") else { return Default::default() };
    let fields = Fields::open("`history`".to_owned(), "history", tree.place, tree, faults);
    let Some(fields) = fields else { return Default::default() };
    fields.only(&["calls", "about", "gave_up"], faults);
    let calls = fields.get("calls").and_then(|tree| fields::whole("calls", tree, 1..=20, faults));
    let about = fields.get("about").and_then(|tree| fields::text("about", tree, faults));
    let gave_up = fields.get("gave_up").and_then(|tree| fields::truth("gave_up", tree, faults));
    let history = History {
        calls: calls.unwrap_or(1),
        about: about.as_ref().map(|about| about.value.as_str().into()),
        gave_up: gave_up.unwrap_or(false),
    };
    (history, about)
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
