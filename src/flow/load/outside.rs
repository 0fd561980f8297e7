//! Nodes that ask other systems.

use std::collections::BTreeMap;

use super::{Declared, Purpose, Reader};
use crate::backend::Method;
use crate::flow::What;
use crate::flow::fault::{FaultKind, Slip};
use crate::flow::fields::{self, Fields};
use crate::flow::model::{Body, Node, Request, Taken};
use crate::flow::value::Kind;
use crate::flow::wording::Template;
use crate::flow::yaml::{At, Tree, Value};
use crate::id::NodeName;

impl Reader<'_> {
    pub(super) fn request(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let backend = self.name("request", What::Backend, value);
        let method = fields.get("method").map_or(Some(Method::Get), |tree| {
            fields::choice("method", tree, &Method::WORDS, self.faults)
        });
        let path = fields
            .need("path", "path: /accounts/{account}", self.faults)
            .and_then(|tree| self.path(tree));
        if let (Some(Method::Get), Some(tree)) = (method, fields.get("body")) {
            self.faults.note(Slip::BodyOfGet.into(), tree.place);
        }
        let body = match fields.get("body") {
            Some(tree) => self.body("body", tree).map(Some),
            None => Some(None),
        };
        let answer = match fields.get("answer") {
            Some(tree) => self.answer(tree),
            None => Some(Vec::new()),
        };
        let words = match fields.get("say") {
            Some(tree) => self.words("say", tree, None).map(Some),
            None => Some(None),
        };
        let statuses = match fields.get("on_status") {
            Some(tree) => self.statuses(tree),
            None => Some(BTreeMap::new()),
        };
        let then = self.then(fields, false);
        let otherwise = self.way(fields, "otherwise", "otherwise: adviser");
        Some(Node::Request(Box::new(Request {
            backend: backend?.into(),
            method: method?,
            path: path?,
            body: body?,
            answer: answer?,
            words: words?,
            statuses: statuses?,
            then: then?,
            otherwise: otherwise?,
        })))
    }

    /// What stands right behind the back end's address.
    fn path(&mut self, tree: &Tree) -> Option<Template> {
        let text = fields::text("path", tree, self.faults)?;
        if !text.value.starts_with('/') {
            self.faults.note(Slip::NoSlash { path: text.value.clone() }.into(), text.place);
        }
        if text.value.contains('#') {
            self.faults.note(Slip::Fragment.into(), text.place);
        }
        self.filled(&text, Purpose::Seen)
    }

    fn body(&mut self, field: &str, tree: &Tree) -> Option<Body> {
        Some(match &tree.value {
            Value::Nothing => Body::Plain(serde_json::Value::Null),
            Value::Truth(truth) => Body::Plain((*truth).into()),
            Value::Whole(number) => Body::Plain((*number).into()),
            Value::Number(number) => Body::Plain((*number).into()),
            Value::Text(text) if text.trim().is_empty() => Body::Plain(text.as_str().into()),
            Value::Text(_) => Body::Text(self.template(field, tree, Purpose::Sent)?),
            Value::List(items) => {
                let items = items.iter().map(|item| self.body(field, item));
                Body::List(items.collect::<Option<_>>()?)
            }
            Value::Map(_) => {
                let owner = format!("`{field}` of `{}`", self.draft.name.value);
                let fields = Fields::open(owner, field, tree.place, tree, self.faults)?;
                let entries = fields
                    .iter()
                    .map(|(key, tree)| Some((key.value.clone(), self.body(&key.value, tree)?)));
                Body::Map(entries.collect::<Option<_>>()?)
            }
        })
    }

    /// `balance: {from: account.balance, kind: money}`, or `balance: money` if it is at the top.
    fn answer(&mut self, tree: &Tree) -> Option<Vec<Taken>> {
        let owner = format!("`answer` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, "answer", tree.place, tree, self.faults)?;
        let mut all = Vec::new();
        for (name, tree) in fields.iter() {
            let taken = self.taken(name, tree);
            all.push(taken);
        }
        all.into_iter().collect()
    }

    fn taken(&mut self, name: &At<String>, tree: &Tree) -> Option<Taken> {
        let mut from = name.value.clone();
        let mut optional = false;
        let kind = if matches!(tree.value, Value::Map(_)) {
            let owner = format!("`{}` of `answer`", name.value);
            let fields = Fields::open(owner, &name.value, tree.place, tree, self.faults)?;
            fields.only(&["from", "kind", "optional"], self.faults);
            if let Some(tree) = fields.get("from") {
                from = fields::text("from", tree, self.faults)?.value;
            }
            optional = self.truth(&fields, "optional")?;
            let tree = fields.need("kind", "kind: money", self.faults)?;
            fields::choice("kind", tree, &Kind::WORDS, self.faults)?
        } else {
            fields::choice(&name.value, tree, &Kind::WORDS, self.faults)?
        };
        let value = super::value_name(name, self.faults)?;
        let name = value.value.clone();
        self.draft.declares.push(Declared { name: value, kind: Some(kind), secret: false });
        Some(Taken { name, from, kind, optional })
    }

    fn statuses(&mut self, tree: &Tree) -> Option<BTreeMap<u16, NodeName>> {
        let ways = self.ways("on_status", tree)?;
        let mut statuses = BTreeMap::new();
        for (word, to) in ways {
            match word.value.parse().ok().filter(|status| (200..600).contains(status)) {
                Some(status) => {
                    statuses.insert(status, to);
                }
                None => {
                    let status = word.value.clone();
                    self.faults.note(FaultKind::BadStatus { status }, word.place);
                }
            }
        }
        Some(statuses)
    }
}
