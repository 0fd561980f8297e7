//! Nodes that lead to people, and the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Purpose;
use super::Reader;
use super::kinds::MEANWHILE;
use crate::call::command::AtClosing;
use crate::flow::What;
use crate::flow::fault::{FaultKind, Slip};
use crate::flow::fields::{self, Fields};
use crate::flow::model::{
    Callback, EstimateWords, Meanwhile, Node, PositionWords, Queue, Reason, Transfer, Urgency,
    Voicemail,
};
use crate::flow::run::{
    CALLBACK_NUMBER, CALLBACK_REFERENCE, QUEUE_POSITION, WAIT_LEAST, WAIT_MOST,
};
use crate::flow::value::Kind;
use crate::flow::wording::Wording;
use crate::flow::yaml::{At, Tree, Value};
use crate::id::{Ability, NodeName, ValueName};

/// How long a message may be by default and at least and at most, in seconds.
pub const LONGEST_S: (u32, u32, u32) = (120, 10, 600);
/// How long callers have waited when they are told for the first time what they can do instead, by
/// default and at least and at most, in seconds.
pub const MEANWHILE_AFTER_S: (u32, u32, u32) = (30, 5, 600);
/// And how long after that again.
pub const MEANWHILE_EVERY_S: (u32, u32, u32) = (90, 15, 1_800);

const POSITION: &str = "position: You are number {queue_position} in the queue.";
const ESTIMATE: &str = "estimate: We expect to answer you in {wait_least} to {wait_most} minutes.";
const SOON: &str = "soon: We expect to answer you within {wait_most} minutes.";

/// How long it rings where a caller is put through, by default and at least and at most, in seconds.
pub const RING_S: (u32, u32, u32) = (20, 5, 180);

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
        let [on_closed, on_full, on_waited_too_long, on_nobody] = self.ways_or_otherwise(
            fields,
            [
                ("on_closed", "on_closed: closed"),
                ("on_full", "on_full: all-busy"),
                ("on_waited_too_long", "on_waited_too_long: all-busy"),
                ("on_nobody", "on_nobody: all-busy"),
            ],
        );
        let meanwhile = match fields.get("while_waiting") {
            Some(tree) => self.meanwhile(tree).map(Some),
            None => Some(None),
        };
        let after_call = match fields.get("after_call") {
            Some(tree) => self.link("after_call", tree, true).map(Some),
            None => Some(None),
        };
        Some(Node::Queue(Box::new(Queue {
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
            after_call: after_call?,
        })))
    }

    /// `while_waiting: {position: ..., estimate: ..., say: ..., after_s: 30, every_s: 60, keys: {...}}`.
    fn meanwhile(&mut self, tree: &Tree) -> Option<Meanwhile> {
        let owner = format!("`while_waiting` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, "while_waiting", tree.place, tree, self.faults)?;
        let allowed: Vec<&'static str> = MEANWHILE.iter().map(|field| field.name).collect();
        fields.only(&allowed, self.faults);
        for name in [QUEUE_POSITION, WAIT_LEAST, WAIT_MOST] {
            let name = At { place: tree.place, value: name.to_owned() };
            self.declare(&name, Some(Kind::Number));
        }
        let position = self.position(&fields);
        let estimate = self.estimate(&fields);
        let worse = self.optional(&fields, "worse", "worse");
        let comfort = self.comfort(&fields);
        let words = self.optional(&fields, "say", "meanwhile");
        let mut seconds = |field: &'static str, (default, least, most): (u32, u32, u32)| {
            fields
                .get(field)
                .map_or(Some(default), |tree| fields::whole(field, tree, least..=most, self.faults))
        };
        let after = seconds("after_s", MEANWHILE_AFTER_S);
        let every = seconds("every_s", MEANWHILE_EVERY_S);
        let says = ["position", "estimate", "comfort", "say"];
        let silent = says.into_iter().all(|field| fields.get(field).is_none());
        let keys = match fields.get("keys") {
            Some(tree) => self.keys(tree),
            None => Some(BTreeMap::new()),
        };
        if fields.get("keys").is_none() && silent {
            let node = self.draft.name.value.to_string();
            self.faults.note(Slip::IdleWait { node }.into(), tree.place);
        }
        let phrases = match (fields.get("phrases"), &keys) {
            (Some(tree), Some(keys)) => self.phrases(tree, keys),
            (Some(_), None) | (None, _) => Some(Vec::new()),
        };
        Some(Meanwhile {
            position: position?,
            estimate: estimate?,
            worse: worse?,
            comfort: comfort?,
            words: words?,
            after: Duration::from_secs(after?.into()),
            every: Duration::from_secs(every?.into()),
            keys: keys?,
            phrases: phrases?,
        })
    }

    fn position(&mut self, fields: &Fields<'_>) -> Option<Option<PositionWords>> {
        if fields.get("next").is_some() {
            fields.need("position", POSITION, self.faults)?;
        }
        let number = self.optional(fields, "position", "position")?;
        let next = self.optional(fields, "next", "next")?;
        Some(number.map(|number| PositionWords { number, next }))
    }

    fn estimate(&mut self, fields: &Fields<'_>) -> Option<Option<EstimateWords>> {
        if fields.get("estimate").or(fields.get("soon")).is_none() {
            return Some(None);
        }
        let range = fields.need("estimate", ESTIMATE, self.faults);
        let soon = fields.need("soon", SOON, self.faults);
        let range = range.and_then(|tree| self.words("estimate", tree, Some("estimate")));
        let soon = soon.and_then(|tree| self.words("soon", tree, Some("soon")));
        Some(Some(EstimateWords { range: range?, soon: soon? }))
    }

    /// `comfort: ...` or a list of them.
    fn comfort(&mut self, fields: &Fields<'_>) -> Option<Vec<Wording>> {
        let Some(tree) = fields.get("comfort") else { return Some(Vec::new()) };
        let all = match &tree.value {
            Value::List(all) => all.iter().collect(),
            _ => vec![tree],
        };
        let mut comfort = Vec::new();
        for (at, tree) in all.into_iter().enumerate() {
            comfort.push(self.words("comfort", tree, Some(&format!("comfort-{}", at + 1)))?);
        }
        Some(comfort)
    }

    /// Words that may be left out; none if they are wrong.
    fn optional(
        &mut self,
        fields: &Fields<'_>,
        field: &'static str,
        part: &str,
    ) -> Option<Option<Wording>> {
        match fields.get(field) {
            Some(tree) => self.words(field, tree, Some(part)).map(Some),
            None => Some(None),
        }
    }

    pub(super) fn callback(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let queue = self.name("callback", What::Queue, value);
        let number = At { place: value.place, value: CALLBACK_NUMBER.to_owned() };
        self.declare(&number, Some(Kind::Phone));
        let reference = At { place: value.place, value: CALLBACK_REFERENCE.to_owned() };
        self.declare(&reference, Some(Kind::Reference));
        let skills = self.abilities("skills", fields);
        let urgency = self.urgency(fields);
        let time = self.appointed(fields);
        let words = fields
            .need("offer", "offer: We can ring you on {callback_number}. ...", self.faults)
            .and_then(|tree| self.words("offer", tree, None));
        let ask = fields
            .need("ask", "ask: Please key in your number, then press hash.", self.faults)
            .and_then(|tree| self.words("ask", tree, Some("ask")));
        let not_now = self.optional(fields, "not_now", "not-now");
        let asking = self.asking(fields, "wrong", "wrong");
        let then = self.way(fields, "then", "then: we-will-ring");
        let already = self.way(fields, "already", "already: promised-already");
        Some(Node::Callback(Box::new(Callback {
            queue: queue?.as_str().into(),
            skills: skills?,
            urgency: urgency?,
            time: time?,
            words: words?,
            ask: ask?,
            not_now: not_now?,
            asking: asking?,
            then: then?,
            already: already?,
        })))
    }

    /// `at: time` and, with it, `on: day`: values that have them.
    fn appointed(&mut self, fields: &Fields<'_>) -> Option<Option<(Option<ValueName>, ValueName)>> {
        let mut value = |field: &'static str, purpose| match fields.get(field) {
            Some(tree) => {
                let name = fields::text(field, tree, self.faults)?;
                self.uses(&name.value, tree.place, purpose);
                Some(Some(ValueName::from(name.value.as_str())))
            }
            None => Some(None),
        };
        let (day, time) = (value("on", Purpose::Day)?, value("at", Purpose::Time)?);
        if day.is_some() {
            fields.need("at", "at: time", self.faults)?;
        }
        Some(time.map(|time| (day, time)))
    }

    /// Ways, each with an example; `otherwise` is that of each that is left out.
    fn ways_or_otherwise<const N: usize>(
        &mut self,
        fields: &Fields<'_>,
        ways: [(&'static str, &'static str); N],
    ) -> [Option<NodeName>; N] {
        let otherwise = fields.get("otherwise").map(|tree| self.link("otherwise", tree, false));
        ways.map(|(field, example)| match (fields.get(field), &otherwise) {
            (Some(tree), _) => self.link(field, tree, false),
            (None, Some(otherwise)) => otherwise.clone(),
            (None, None) => {
                fields.need(field, example, self.faults);
                None
            }
        })
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
                    let before = |known: &&Ability| known.skill == ability.skill;
                    if let Some(before) = abilities.iter().find(before) {
                        let (skill, first) = (value.clone(), before.to_string());
                        self.faults.note(FaultKind::SkillTwice { skill, first }, word.place);
                    }
                    self.draft.names.push((What::Skill, At { value, place: word.place }));
                    abilities.push(ability);
                }
                Err(why) => self.faults.note(FaultKind::BadLevel { why }, word.place),
            }
        }
        Some(abilities)
    }

    pub(super) fn transfer(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        // What YAML takes for a number may have lost its 0.
        let lost = match &value.value {
            Value::Whole(number) => number.to_string().len() != value.place.len,
            Value::Number(_) => true,
            _ => false,
        };
        if lost {
            let (field, expected) = ("transfer".to_owned(), "in \"quotes\", or its 0 is lost");
            let found = value.value.kind();
            self.faults.note(FaultKind::WrongKind { field, expected, found }, value.place);
            return None;
        }
        let to = self.name("transfer", What::Destination, value);
        let rings = match fields.get("ring_s") {
            Some(tree) => {
                let (_, least, most) = RING_S;
                let seconds = fields::whole("ring_s", tree, least..=most, self.faults);
                seconds.map(|seconds| Some(Duration::from_secs(seconds.into())))
            }
            None => Some(None),
        };
        let [on_busy, on_no_answer, on_unreachable] = self.ways_or_otherwise(
            fields,
            [
                ("on_busy", "on_busy: engaged"),
                ("on_no_answer", "on_no_answer: nobody"),
                ("on_unreachable", "on_unreachable: not-reached"),
            ],
        );
        Some(Node::Transfer(Box::new(Transfer {
            to: to?,
            rings: rings?,
            on_busy: on_busy?,
            on_no_answer: on_no_answer?,
            on_unreachable: on_unreachable?,
        })))
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
