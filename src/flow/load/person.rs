//! Nodes that lead to people, and the end.

use std::time::Duration;

use super::Reader;
use crate::call::command::AtClosing;
use crate::flow::What;
use crate::flow::fault::FaultKind;
use crate::flow::fields::{self, Fields};
use crate::flow::model::{Callback, Meanwhile, Node, Queue, Reason, Urgency, Voicemail};
use crate::flow::run::CALLBACK_NUMBER;
use crate::flow::value::Kind;
use crate::flow::yaml::{At, Tree};
use crate::id::Ability;

/// How long a message may be by default and at least and at most, in seconds.
pub const LONGEST_S: (u32, u32, u32) = (120, 10, 600);
/// How long callers have waited when they are told for the first time what they can do instead, by
/// default and at least and at most, in seconds.
pub const MEANWHILE_AFTER_S: (u32, u32, u32) = (30, 5, 600);
/// And how long after that again.
pub const MEANWHILE_EVERY_S: (u32, u32, u32) = (90, 15, 1_800);

impl Reader<'_> {
    pub(super) fn queue(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let queue = self.name("queue", What::Queue, value);
        let skills = self.abilities("skills", fields);
        let prefers = self.abilities("prefers", fields);
        let urgency = self.urgency(fields);
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
        let meanwhile = match fields.get("while_waiting") {
            Some(tree) => self.meanwhile(tree).map(Some),
            None => Some(None),
        };
        Some(Node::Queue(Queue {
            queue: queue?.as_str().into(),
            skills: skills?,
            prefers: prefers?,
            urgency: urgency?,
            at_closing: at_closing?,
            on_closed: on_closed?,
            on_full: on_full?,
            on_waited_too_long: on_waited_too_long?,
            on_nobody: on_nobody?,
            meanwhile: meanwhile?,
        }))
    }

    /// `while_waiting: {say: ..., after_s: 30, every_s: 60, keys: {1: offer-a-call-back}}`.
    fn meanwhile(&mut self, tree: &Tree) -> Option<Meanwhile> {
        let owner = format!("`while_waiting` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, "while_waiting", tree.place, tree, self.faults)?;
        fields.only(&["say", "after_s", "every_s", "keys"], self.faults);
        let words = match fields.get("say") {
            Some(tree) => self.words("say", tree, Some("meanwhile")).map(Some),
            None => Some(None),
        };
        let mut seconds = |field: &'static str, (default, least, most): (u32, u32, u32)| {
            fields
                .get(field)
                .map_or(Some(default), |tree| fields::whole(field, tree, least..=most, self.faults))
        };
        let after = seconds("after_s", MEANWHILE_AFTER_S);
        let every = seconds("every_s", MEANWHILE_EVERY_S);
        let keys = fields.need("keys", "keys: {1: offer-a-call-back}", self.faults);
        let keys = keys.and_then(|tree| self.keys(tree));
        Some(Meanwhile {
            words: words?,
            after: Duration::from_secs(after?.into()),
            every: Duration::from_secs(every?.into()),
            keys: keys?,
        })
    }

    pub(super) fn callback(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let queue = self.name("callback", What::Queue, value);
        let number = At { place: value.place, value: CALLBACK_NUMBER.to_owned() };
        self.declare(&number, Some(Kind::Phone));
        let skills = self.abilities("skills", fields);
        let urgency = self.urgency(fields);
        let words = fields
            .need("offer", "offer: We can ring you on {callback_number}. ...", self.faults)
            .and_then(|tree| self.words("offer", tree, None));
        let ask = fields
            .need("ask", "ask: Please key in your number, then press hash.", self.faults)
            .and_then(|tree| self.words("ask", tree, Some("ask")));
        let not_now =
            fields.get("not_now").map(|tree| self.words("not_now", tree, Some("not-now")));
        let asking = self.asking(fields, "wrong", "wrong");
        let then = self.way(fields, "then", "then: we-will-ring");
        let already = self.way(fields, "already", "already: promised-already");
        Some(Node::Callback(Box::new(Callback {
            queue: queue?.as_str().into(),
            skills: skills?,
            urgency: urgency?,
            words: words?,
            ask: ask?,
            not_now: not_now.map_or(Some(None), |words| words.map(Some))?,
            asking: asking?,
            then: then?,
            already: already?,
        })))
    }

    fn urgency(&mut self, fields: &Fields<'_>) -> Option<Urgency> {
        fields.get("priority").map_or(Some(Urgency::default()), |tree| {
            fields::choice("priority", tree, &Urgency::WORDS, self.faults)
        })
    }

    /// Skills, each with its level if one is asked for (`welsh:3`).
    fn abilities(&mut self, field: &'static str, fields: &Fields<'_>) -> Option<Vec<Ability>> {
        let Some(tree) = fields.get(field) else { return Some(Vec::new()) };
        let mut abilities = Vec::new();
        for word in fields::words(field, tree, self.faults)? {
            match word.value.parse::<Ability>() {
                Ok(ability) => {
                    let value = ability.skill.to_string();
                    self.draft.names.push((What::Skill, At { value, place: word.place }));
                    abilities.push(ability);
                }
                Err(why) => self.faults.note(FaultKind::BadLevel { why }, word.place),
            }
        }
        Some(abilities)
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
