//! Nodes that decide and remember.

use std::collections::BTreeMap;

use super::{Purpose, Reader, is_language};
use crate::flow::What;
use crate::flow::expression::Expression;
use crate::flow::fault::FaultKind;
use crate::flow::fields::{self, Fields};
use crate::flow::model::{Choose, Hours, If, Node, Note, Set, SubFlow};
use crate::flow::wording::LANGUAGE;
use crate::flow::yaml::{At, Tree};
use crate::id::{FlowName, LanguageName, NodeName, ValueName};

impl Reader<'_> {
    pub(super) fn hours(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let calendar = self.name("hours", What::Calendar, value);
        let open = self.way(fields, "open", "open: welcome");
        let closed = self.way(fields, "closed", "closed: closed");
        Some(Node::Hours(Hours {
            calendar: calendar?.as_str().into(),
            open: open?,
            closed: closed?,
        }))
    }

    pub(super) fn set(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let values = self.values("set", value);
        let then = self.then(fields, false);
        Some(Node::Set(Set { values: values?, then: then? }))
    }

    /// The caller wants to hear this language from now on, where there are words in it.
    pub(super) fn language(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let language = fields::text("language", value, self.faults);
        let then = self.then(fields, false);
        let At { value: name, place } = language?;
        if !is_language(&name) {
            self.faults.note(FaultKind::BadLanguage { language: name }, place);
            return None;
        }
        let expression = Expression::read(&format!("\"{name}\"")).ok();
        let value = LanguageName::from(name.as_str());
        self.draft.chooses = Some(At { place, value });
        Some(Node::Set(Set { values: vec![(LANGUAGE.into(), expression?)], then: then? }))
    }

    /// Names and the expressions that they become.
    fn values(&mut self, field: &str, tree: &Tree) -> Option<Vec<(ValueName, Expression)>> {
        let owner = format!("`{field}` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, field, tree.place, tree, self.faults)?;
        let mut values = Vec::new();
        for (name, tree) in fields.iter() {
            let expression = self.expression(&name.value, tree, Some(&name.value));
            let name = self.declare(name, None);
            values.extend(name.zip(expression));
        }
        if fields.iter().next().is_none() {
            self.faults.note(FaultKind::Empty { field: field.to_owned() }, tree.place);
        }
        Some(values)
    }

    pub(super) fn condition(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let condition = self.expression("if", value, None);
        let then = self.then(fields, false);
        let otherwise = self.way(fields, "otherwise", "otherwise: adviser");
        Some(Node::If(If { condition: condition?, then: then?, otherwise: otherwise? }))
    }

    pub(super) fn choose(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let value = self.expression("choose", value, None);
        let cases = fields
            .need("cases", "cases: {waste: bins}", self.faults)
            .and_then(|tree| self.ways("cases", tree));
        if let (Some(_), Some(cases), Some(worked)) = (&value, &cases, self.draft.works.last_mut())
        {
            worked.cases = cases.iter().map(|(word, _)| word.clone()).collect();
        }
        let otherwise = self.way(fields, "otherwise", "otherwise: adviser");
        Some(Node::Choose(Choose {
            value: value?,
            cases: cases?.into_iter().map(|(word, to)| (word.value, to)).collect(),
            otherwise: otherwise?,
        }))
    }

    /// Words and where they lead.
    pub(super) fn ways(&mut self, field: &str, tree: &Tree) -> Option<Vec<(At<String>, NodeName)>> {
        let owner = format!("`{field}` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, field, tree.place, tree, self.faults)?;
        let mut ways = Vec::new();
        for (word, tree) in fields.iter() {
            if let Some(to) = self.link(&word.value, tree, false) {
                ways.push((word.clone(), to));
            }
        }
        if fields.iter().next().is_none() {
            self.faults.note(FaultKind::Empty { field: field.to_owned() }, tree.place);
        }
        Some(ways)
    }

    pub(super) fn note(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let owner = format!("`note` of `{}`", self.draft.name.value);
        let notes = Fields::open(owner, "note", value.place, value, self.faults);
        let mut facts = Vec::new();
        for (label, tree) in notes.iter().flat_map(|notes| notes.iter()) {
            let template = self.template(&label.value, tree, Purpose::Seen);
            facts.extend(template.map(|template| (label.value.clone(), template)));
        }
        if notes.is_some() && facts.is_empty() {
            self.faults.note(FaultKind::Empty { field: "note".to_owned() }, value.place);
        }
        let then = self.then(fields, false);
        Some(Node::Note(Note { facts, then: then? }))
    }

    pub(super) fn sub_flow(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let flow = fields::text("flow", value, self.faults);
        let with = fields.get("with").map_or(Some(Vec::new()), |tree| self.values("with", tree));
        let returns = fields
            .need("returns", "returns: {done: anything-else}", self.faults)
            .and_then(|tree| self.ways("returns", tree));
        let (flow, returns) = (flow?, returns?);
        let name = FlowName::from(flow.value.as_str());
        self.draft.flows.push(At { place: flow.place, value: name.clone() });
        self.draft.words.extend(returns.iter().map(|(word, _)| word.clone()));
        let returns: BTreeMap<_, _> =
            returns.into_iter().map(|(word, to)| (word.value, to)).collect();
        Some(Node::Flow(SubFlow { flow: name, with: with?, returns }))
    }

    pub(super) fn go_back(&mut self, _: &Fields<'_>, value: &Tree) -> Option<Node> {
        let word = fields::text("return", value, self.faults)?;
        self.draft.words.push(word.clone());
        Some(Node::Return(word.value))
    }
}
