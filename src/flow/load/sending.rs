//! Nodes that send the caller something.

use super::{Purpose, Reader};
use crate::flow::What;
use crate::flow::fields::{self, Fields};
use crate::flow::model::{Node, Send};
use crate::flow::yaml::{At, Tree};
use crate::id::ValueName;

impl Reader<'_> {
    pub(super) fn send(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let template = self.name("send", What::Template, value);
        let to = fields
            .need("to", "to: mobile", self.faults)
            .and_then(|tree| fields::text("to", tree, self.faults));
        if let Some(At { place, value }) = &to {
            self.uses(value, *place, Purpose::Recipient);
        }
        let with = match fields.get("with") {
            Some(tree) => self.with(tree),
            None => Some(Vec::new()),
        };
        let then = self.then(fields, false);
        let otherwise = self.way(fields, "otherwise", "otherwise: no-mobile");
        Some(Node::Send(Box::new(Send {
            template: template?.into(),
            to: ValueName::from(to?.value),
            fields: with?,
            then: then?,
            otherwise: otherwise?,
        })))
    }

    /// What stands in the template: `with: {reference: "{reference}"}`.
    fn with(&mut self, tree: &Tree) -> Option<Vec<(String, crate::flow::wording::Template)>> {
        let owner = format!("`with` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, "with", tree.place, tree, self.faults)?;
        let mut all = Vec::new();
        for (name, tree) in fields.iter() {
            let template = self.template(&name.value, tree, Purpose::Seen);
            all.push(template.map(|template| (name.value.clone(), template)));
        }
        all.into_iter().collect()
    }
}
