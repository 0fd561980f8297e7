//! What became of a flow's tests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use miette::NamedSource;

use super::Theatre;
use super::script::Script;
use super::stage::{Happening, Stage, Waiting};
use super::step::Step;
use crate::flow::fault::{Fault, FaultKind};
use crate::flow::yaml::{At, Place};
use crate::flow::{FlowFile, Flows};
use crate::id::{FlowName, NodeName, ValueName};
use crate::number::canonical;

/// What became of all tests.
#[derive(Debug)]
pub struct Report {
    /// Each test, in the order of the files.
    pub outcomes: Vec<Outcome>,
    /// What the tests have walked.
    pub coverage: Coverage,
}

/// What became of a test.
#[derive(Debug)]
pub struct Outcome {
    /// Of which flow.
    pub flow: FlowName,
    /// Its name.
    pub name: String,
    /// What is wrong; none if it passed.
    pub fault: Option<Fault>,
}

/// The ways from node to node, and which of them no test has taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// How many there are.
    pub ways: usize,
    /// Those that no test has taken: flow, node, and where it leads.
    pub missed: Vec<(FlowName, NodeName, NodeName)>,
}

impl Coverage {
    pub(super) fn of(flows: &Flows, taken: &BTreeSet<(FlowName, NodeName, NodeName)>) -> Self {
        let ways: BTreeSet<_> = flows
            .values()
            .flat_map(|flow| {
                flow.nodes.iter().flat_map(|(name, node)| {
                    let from = (flow.name.clone(), name.clone());
                    node.ways()
                        .into_iter()
                        .map(move |(_, to)| (from.0.clone(), from.1.clone(), to.clone()))
                })
            })
            .collect();
        Coverage { ways: ways.len(), missed: ways.difference(taken).cloned().collect() }
    }
}

/// Plays a test and notes the ways that it takes.
pub(super) fn play(
    script: &Script,
    file: &FlowFile,
    theatre: &Theatre<'_>,
    taken: &mut BTreeSet<(FlowName, NodeName, NodeName)>,
) -> Outcome {
    let (flow, name) = (file.name.clone(), script.name.value.clone());
    let value =
        |(name, written): &(At<ValueName>, At<String>)| (name.value.clone(), written.value.clone());
    let values: Vec<(ValueName, String)> = script.values.iter().map(value).collect();
    let Some(mut stage) =
        Stage::new(theatre, &flow, script.about.clone(), &values, script.conditions.clone())
    else {
        return Outcome { flow, name, fault: None };
    };
    let fault = |wrong, place: Place| {
        let source = Arc::new(NamedSource::new(&file.shown, Arc::<str>::from(file.text.as_str())));
        let kind = FaultKind::TestFailed { test: script.name.value.clone(), wrong };
        Some(Fault::new(kind, place, &source))
    };
    let mut playing = Playing { pending: VecDeque::new(), last: BTreeMap::new(), taken };
    playing.note(stage.take_happened());
    for step in &script.steps {
        if let Err(wrong) = playing.step(&mut stage, &step.value) {
            return Outcome { flow, name, fault: fault(wrong, step.place) };
        }
    }
    let left = unused(&script.answers, stage.conditions().answers.len())
        .map(|place| ("no other system was asked for this answer", place))
        .or_else(|| {
            unused(&script.outlooks, stage.conditions().outlooks.len())
                .map(|place| ("nobody who waits was told this", place))
        });
    let fault = left.and_then(|(wrong, place)| fault(wrong.to_owned(), place));
    Outcome { flow, name, fault }
}

/// The place of the first of so many that are left.
fn unused(places: &[Place], left: usize) -> Option<Place> {
    places.get(places.len().checked_sub(left)?).copied()
}

struct Playing<'t> {
    /// What has happened and no step has looked for yet.
    pending: VecDeque<Happening>,
    /// The last node of each flow.
    last: BTreeMap<FlowName, NodeName>,
    taken: &'t mut BTreeSet<(FlowName, NodeName, NodeName)>,
}

impl Playing<'_> {
    fn note(&mut self, happened: Vec<Happening>) {
        for happening in happened {
            match happening {
                Happening::Entered(flow, node) => {
                    if let Some(from) = self.last.insert(flow.clone(), node.clone()) {
                        self.taken.insert((flow, from, node));
                    }
                }
                other => self.pending.push_back(other),
            }
        }
    }

    /// The first pending happening for which `find` has something, and all before it, are gone.
    fn find<T>(&mut self, find: impl Fn(&Happening) -> Option<T>) -> Option<T> {
        let at = self.pending.iter().position(|happening| find(happening).is_some())?;
        let found = self.pending.get(at).and_then(&find);
        self.pending.drain(..=at);
        found
    }

    /// What has happened instead, in words.
    fn instead(&self) -> String {
        let all: Vec<String> = self.pending.iter().map(told).collect();
        match all.is_empty() {
            true => "nothing has happened".to_owned(),
            false => all.join("; "),
        }
    }

    fn step(&mut self, stage: &mut Stage<'_>, step: &Step) -> Result<(), String> {
        let missing = |wanted: String, playing: &Self| {
            Err(format!("{wanted}; instead: {}", playing.instead()))
        };
        match step {
            Step::Presses(keys) => {
                for key in keys {
                    if stage.waiting() == Waiting::Over {
                        return Err("the call is over: nobody hears that key".to_owned());
                    }
                    stage.press(*key);
                }
                self.note(stage.take_happened());
            }
            Step::Says(_) | Step::Mumbles if !stage.listens() => {
                return Err(
                    "nobody listens to what the caller says now (is `hears: true` missing?)"
                        .to_owned(),
                );
            }
            Step::Says(text) => {
                stage.say(text);
                self.note(stage.take_happened());
            }
            Step::Mumbles => {
                stage.mumble();
                self.note(stage.take_happened());
            }
            Step::HandedOver(reason) => {
                let handed = |it: &Happening| match it {
                    Happening::HandedOver(why) => Some(why.as_str()),
                    _ => None,
                };
                match self.find(handed) {
                    Some(found) if found == reason => {}
                    Some(found) => return Err(format!("the caller is handed over as `{found}`")),
                    None => return missing("the caller is not handed over".to_owned(), self),
                }
            }
            Step::Silent => {
                match stage.waiting() {
                    Waiting::Caller(_) | Waiting::Message => stage.stay_silent(),
                    Waiting::Adviser => return Err("the caller waits for an adviser".to_owned()),
                    Waiting::Over => return Err("the call is over".to_owned()),
                }
                self.note(stage.take_happened());
            }
            Step::Waits(_) | Step::HangsUp if stage.waiting() == Waiting::Over => {
                return Err("the call is over".to_owned());
            }
            Step::Waits(time) => {
                stage.wait(*time);
                self.note(stage.take_happened());
            }
            Step::HangsUp => {
                stage.hang_up();
                self.note(stage.take_happened());
            }
            Step::Hears(words) => {
                let wanted = plain(words);
                let heard = |it: &Happening| match it {
                    Happening::Heard(said) => plain(said).contains(&wanted).then_some(()),
                    _ => None,
                };
                if self.find(heard).is_none() {
                    return missing(format!("\"{words}\" was not said"), self);
                }
            }
            Step::Queued(queue, skills) => {
                let queued = |it: &Happening| match it {
                    Happening::Queued(name, with) if name.as_str() == queue => Some(with.clone()),
                    _ => None,
                };
                let Some(with) = self.find(queued) else {
                    return missing(format!("the caller does not wait for `{queue}`"), self);
                };
                let with: Vec<String> = with.iter().map(|skill| skill.to_string()).collect();
                if skills.as_ref().is_some_and(|skills| *skills != with) {
                    return Err(format!("the skills are: {}", with.join(", ")));
                }
            }
            Step::Served => {
                if !stage.serve() {
                    return Err("the caller does not wait for an adviser".to_owned());
                }
                self.note(stage.take_happened());
            }
            Step::Rated(question, score) => {
                let rated = |it: &Happening| match it {
                    Happening::Rated(known, score) if known == question => Some(*score),
                    _ => None,
                };
                match self.find(rated) {
                    Some(rated) if rated == *score => {}
                    Some(rated) => return Err(format!("`{question}` is {rated}")),
                    None => return missing(format!("`{question}` was not answered"), self),
                }
            }
            Step::Noted(label, fact) => {
                let noted = |it: &Happening| match it {
                    Happening::Noted(known, noted) if known == label => Some(noted.clone()),
                    _ => None,
                };
                match self.find(noted) {
                    Some(noted) if noted == *fact => {}
                    Some(noted) => return Err(format!("`{label}` is \"{noted}\"")),
                    None => return missing(format!("`{label}` was not noted"), self),
                }
            }
            Step::Asked(asked) => {
                let found = |it: &Happening| match it {
                    Happening::Asked(path, _) if path == asked => Some(()),
                    _ => None,
                };
                if self.find(found).is_none() {
                    return missing(format!("nobody asked `{asked}`"), self);
                }
            }
            Step::Transferred(to) => {
                let found = |it: &Happening| match it {
                    Happening::Transferred(dialled) if dialled == to => Some(()),
                    _ => None,
                };
                if self.find(found).is_none() {
                    return missing(format!("nobody is put through to `{to}`"), self);
                }
            }
            Step::Sent(template, to, with) => {
                let sent = |it: &Happening| match it {
                    Happening::Sent(sent) if sent.template.as_str() == template => {
                        Some(sent.clone())
                    }
                    _ => None,
                };
                let Some(sent) = self.find(sent) else {
                    return missing(format!("the caller is not sent `{template}`"), self);
                };
                if to.as_ref().is_some_and(|to| canonical(to) != canonical(&sent.to)) {
                    return Err(format!("it is sent to {}", sent.to));
                }
                for (name, wanted) in with {
                    let said = sent.fields.get(name).map_or("", String::as_str);
                    if said != wanted {
                        return Err(format!("`{name}` is \"{said}\""));
                    }
                }
            }
            Step::Message(queue) => {
                let message = |it: &Happening| match it {
                    Happening::Message(name) if name.as_str() == queue => Some(()),
                    _ => None,
                };
                if self.find(message).is_none() {
                    return missing(format!("no message is taken for `{queue}`"), self);
                }
            }
            Step::Promised(queue) => {
                let promised = |it: &Happening| match it {
                    Happening::Promised(name, _) if name.as_str() == queue => Some(()),
                    _ => None,
                };
                if self.find(promised).is_none() {
                    return missing(format!("`{queue}` promises nothing"), self);
                }
            }
            Step::Secret(on) => {
                if stage.is_secret() != *on {
                    let now = if *on { "not secret" } else { "secret" };
                    return Err(format!("what the caller keys in is {now}"));
                }
            }
            Step::Ended(cause) => {
                let ended = |it: &Happening| match it {
                    Happening::Ended(cause) => Some(*cause),
                    _ => None,
                };
                match self.find(ended) {
                    Some(found) if found == *cause => {}
                    Some(found) => return Err(format!("the call ended as `{}`", found.as_str())),
                    None => return missing("the call is not over".to_owned(), self),
                }
            }
        }
        Ok(())
    }
}

/// Words as they are compared: case, signs and white space do not count.
fn plain(words: &str) -> String {
    let letters: String = words
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn told(happening: &Happening) -> String {
    match happening {
        Happening::Entered(flow, node) => format!("came to {flow}/{node}"),
        Happening::Heard(words) => format!("said \"{words}\""),
        Happening::Queued(queue, _) => format!("waits for `{queue}`"),
        Happening::Rated(question, score) => format!("answered {question}: {score}"),
        Happening::Noted(label, fact) => format!("noted {label}: {fact}"),
        Happening::Asked(asked, _) => format!("asked {asked}"),
        Happening::Transferred(to) => format!("put through to `{to}`"),
        Happening::Sent(sent) => format!("sent `{}` to {}", sent.template, sent.to),
        Happening::Message(queue) => format!("takes a message for `{queue}`"),
        Happening::Promised(queue, number) => format!("`{queue}` will ring {number}"),
        Happening::Secret(true) => "keys are secret".to_owned(),
        Happening::Secret(false) => "keys are no longer secret".to_owned(),
        Happening::HandedOver(reason) => format!("handed over as `{}`", reason.as_str()),
        Happening::Ended(cause) => format!("ended as `{}`", cause.as_str()),
    }
}
