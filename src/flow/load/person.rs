//! Nodes that lead to people, and the end.

use std::time::Duration;

use super::Reader;
use crate::call::command::AtClosing;
use crate::flow::What;
use crate::flow::fields::{self, Fields};
use crate::flow::model::{Node, Queue, Reason, Urgency, Voicemail};
use crate::flow::yaml::Tree;

/// How long a message may be by default and at least and at most, in seconds.
pub const LONGEST_S: (u32, u32, u32) = (120, 10, 600);

impl Reader<'_> {
    pub(super) fn queue(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let queue = self.name("queue", What::Queue, value);
        let skills = fields.get("skills").map_or(Some(Vec::new()), |tree| {
            let words = fields::words("skills", tree, self.faults)?;
            self.draft.names.extend(words.iter().cloned().map(|word| (What::Skill, word)));
            Some(words.into_iter().map(|word| word.value.into()).collect())
        });
        let urgency = fields.get("priority").map_or(Some(Urgency::default()), |tree| {
            fields::choice("priority", tree, &Urgency::WORDS, self.faults)
        });
        let at_closing = fields.get("at_closing").map_or(Some(AtClosing::Serve), |tree| {
            let words = [("serve", AtClosing::Serve), ("tell", AtClosing::Tell)];
            fields::choice("at_closing", tree, &words, self.faults)
        });
        let otherwise =
            fields.get("otherwise").and_then(|tree| self.link("otherwise", tree, false));
        let has_otherwise = fields.get("otherwise").is_some();
        let mut way = |field, example| match fields.get(field) {
            Some(tree) => self.link(field, tree, false),
            None if has_otherwise => otherwise.clone(),
            None => {
                fields.need(field, example, self.faults);
                None
            }
        };
        let on_closed = way("on_closed", "on_closed: closed");
        let on_full = way("on_full", "on_full: all-busy");
        let on_waited_too_long = way("on_waited_too_long", "on_waited_too_long: all-busy");
        let on_nobody = way("on_nobody", "on_nobody: all-busy");
        Some(Node::Queue(Queue {
            queue: queue?.as_str().into(),
            skills: skills?,
            urgency: urgency?,
            at_closing: at_closing?,
            on_closed: on_closed?,
            on_full: on_full?,
            on_waited_too_long: on_waited_too_long?,
            on_nobody: on_nobody?,
        }))
    }

    pub(super) fn voicemail(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let queue = self.name("voicemail", What::Queue, value);
        let words = fields
            .need("greeting", "greeting: Please leave a message after the tone.", self.faults)
            .and_then(|tree| self.words("greeting", tree, None));
        let (default, least, most) = LONGEST_S;
        let longest = fields.get("longest_s").map_or(Some(default), |tree| {
            fields::whole("longest_s", tree, least..=most, self.faults)
        });
        let then = self.way(fields, "then", "then: thanks");
        let otherwise = self.way(fields, "otherwise", "otherwise: goodbye");
        Some(Node::Voicemail(Voicemail {
            queue: queue?.as_str().into(),
            words: words?,
            longest: Duration::from_secs(longest?.into()),
            then: then?,
            otherwise: otherwise?,
        }))
    }

    pub(super) fn hang_up(&mut self, _: &Fields<'_>, value: &Tree) -> Option<Node> {
        fields::choice("hang_up", value, &Reason::WORDS, self.faults).map(Node::HangUp)
    }
}
