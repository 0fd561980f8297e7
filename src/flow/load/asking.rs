//! Nodes that speak: what is said, asked and keyed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Reader;
use crate::flow::What;
use crate::flow::fault::{FaultKind, Slip};
use crate::flow::fields::{self, Fields};
use crate::flow::form::Form;
use crate::flow::model::{Ask, Asking, Bulletin, Collect, Menu, Node, Say};
use crate::flow::value::Kind;
use crate::flow::wording::Wording;
use crate::flow::yaml::{At, Tree, Value};
use crate::id::{IntentName, NodeName};
use crate::media::command::Key;

/// How long a caller may think by default and at least and at most, in seconds.
pub const NO_INPUT_AFTER_S: (u32, u32, u32) = (8, 2, 120);
/// How often something is asked by default and at least and at most.
pub const TRIES: (u32, u32, u32) = (2, 1, 5);
/// The longest pause between two keys by default and at least and at most, in seconds.
pub const BETWEEN_S: (u32, u32, u32) = (4, 1, 30);

/// What a survey's question can be answered with.
const SCORES: [(char, &str); 5] =
    [('1', "one"), ('2', "two"), ('3', "three"), ('4', "four"), ('5', "five")];

impl Reader<'_> {
    pub(super) fn say(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let words = self.words("say", value, None);
        let must_hear = self.truth(fields, "must_hear");
        let then = self.then(fields, false);
        Some(Node::Say(Say { words: words?, must_hear: must_hear?, then: then? }))
    }

    pub(super) fn bulletin(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let name = self.name("bulletin", What::Bulletin, value);
        let words = fields
            .need("say", "say: Because of a flood, ...", self.faults)
            .and_then(|tree| self.words("say", tree, None));
        let off = self.then(fields, false);
        let on = match fields.get("on") {
            Some(tree) => self.link("on", tree, false),
            None => off.clone(),
        };
        Some(Node::Bulletin(Bulletin { name: name?.into(), words: words?, on: on?, off: off? }))
    }

    pub(super) fn menu(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let words = self.words("menu", value, None);
        let keys = fields.need("keys", "keys:", self.faults).and_then(|tree| self.keys(tree));
        let phrases = match (fields.get("phrases"), &keys) {
            (Some(tree), Some(keys)) => self.phrases(tree, keys),
            (Some(_), None) | (None, _) => Some(Vec::new()),
        };
        let asking = self.asking(fields, "wrong_key", "wrong-key");
        let must_hear = self.truth(fields, "must_hear");
        Some(Node::Menu(Menu {
            words: words?,
            keys: keys?,
            phrases: phrases?,
            must_hear: must_hear?,
            asking: asking?,
            rates: None,
        }))
    }

    /// A question that is answered by a key from 1 to 5, or in a word.
    pub(super) fn survey(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let words = self.words("survey", value, None);
        let name = match fields.get("as") {
            Some(tree) => fields::text("as", tree, self.faults).map(|name| name.value),
            None => Some(self.draft.name.value.to_string()),
        };
        let name = name.filter(|name| {
            let good = fields::is_name(name);
            if !good {
                let place = fields.get("as").map_or(value.place, |tree| tree.place);
                self.faults.note(FaultKind::BadName { name: name.clone() }, place);
            }
            good
        });
        let asking = self.asking(fields, "wrong_key", "wrong-key");
        let then = fields.need("then", "then: thanks", self.faults);
        let then = then.and_then(|tree| self.link("then", tree, true));
        let scores =
            SCORES.into_iter().filter_map(|(key, word)| Some((Key::from_char(key)?, word)));
        let then = then?;
        Some(Node::Menu(Menu {
            words: words?,
            keys: scores.clone().map(|(key, _)| (key, then.clone())).collect(),
            phrases: scores.map(|(key, word)| (key, vec![word.to_owned()])).collect(),
            must_hear: false,
            asking: asking?,
            rates: Some(name?),
        }))
    }

    /// `phrases: {1: [bins, recycling]}`.
    pub(super) fn phrases(
        &mut self,
        tree: &Tree,
        keys: &BTreeMap<Key, NodeName>,
    ) -> Option<Vec<(Key, Vec<String>)>> {
        let owner = format!("`phrases` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, "phrases", tree.place, tree, self.faults)?;
        let mut all = Vec::new();
        for (name, tree) in fields.iter() {
            let said = fields::words("phrases", tree, self.faults)?;
            match one_key(&name.value) {
                Some(key) if keys.contains_key(&key) => {
                    all.push((key, said.into_iter().map(|phrase| phrase.value).collect()));
                }
                Some(_) => {
                    let keys = keys.keys().map(|key| key.as_char().to_string()).collect();
                    let kind = FaultKind::NoSuchKey { key: name.value.clone(), keys };
                    self.faults.note(kind, name.place);
                }
                None => {
                    self.faults.note(FaultKind::BadKey { key: name.value.clone() }, name.place);
                }
            }
        }
        Some(all)
    }

    pub(super) fn ask(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let words = self.words("ask", value, None);
        let intents = fields.need("intents", "intents:", self.faults).and_then(|tree| {
            let owner = format!("`intents` of `{}`", self.draft.name.value);
            let fields = Fields::open(owner, "intents", tree.place, tree, self.faults)?;
            let mut intents = BTreeMap::new();
            for (name, tree) in fields.iter() {
                self.draft.names.push((What::Intent, name.clone()));
                let to = self.link(&name.value, tree, true)?;
                intents.insert(IntentName::from(name.value.as_str()), to);
            }
            if intents.is_empty() {
                self.faults.note(FaultKind::Empty { field: "intents".to_owned() }, tree.place);
            }
            Some(intents)
        });
        let name = match fields.get("as") {
            Some(tree) => fields::text("as", tree, self.faults),
            None => Some(At { place: value.place, value: "intent".to_owned() }),
        };
        let name = name.and_then(|name| self.declare(&name, Some(Kind::Business)));
        let confirm = match fields.get("confirm") {
            Some(tree) => self.words("confirm", tree, Some("confirm")).map(Some),
            None => Some(None),
        };
        let keys = fields.get("keys").map_or(Some(BTreeMap::new()), |tree| self.keys(tree));
        let other = match fields.get("other") {
            Some(tree) => self.link("other", tree, true).map(Some),
            None => Some(None),
        };
        let by_keys = self.way(fields, "by_keys", "by_keys: menu");
        let asking = self.asking(fields, "wrong", "wrong");
        Some(Node::Ask(Box::new(Ask {
            words: words?,
            name: name?,
            intents: intents?,
            keys: keys?,
            confirm: confirm?,
            other: other?,
            by_keys: by_keys?,
            asking: asking?,
        })))
    }

    pub(super) fn collect(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let words = self.words("collect", value, None);
        let form = fields.get("form").map_or(Some(Form::Digits), |tree| {
            fields::choice("form", tree, &Form::WORDS, self.faults)
        });
        let secret = self.truth(fields, "secret");
        if let (Some(Form::Card), Some(false), Some(tree)) = (form, secret, fields.get("form")) {
            self.faults.note(Slip::CardInTheOpen.into(), tree.place);
        }
        let name = fields
            .need("as", "as: account", self.faults)
            .and_then(|tree| fields::text("as", tree, self.faults))
            .and_then(|name| self.declare(&name, form.map(Form::kind)));
        if let (Some(true), Some(declared)) = (secret, self.draft.declares.last_mut()) {
            declared.secret = true;
        }
        let keys = self.lengths(fields, form.unwrap_or(Form::Digits));
        let ends_with = fields.get("ends_with").map_or(Some(Key::HASH), |tree| {
            let text = fields::text("ends_with", tree, self.faults)?;
            let key = one_key(&text.value);
            match key {
                None => self.faults.note(FaultKind::BadKey { key: text.value }, tree.place),
                Some(key) if form.is_some_and(|form| form.may_have(key)) => {
                    let key = key.as_char();
                    self.faults.note(Slip::EndsWithAnswer { key }.into(), tree.place);
                }
                Some(_) => {}
            }
            key
        });
        let (default, least, most) = BETWEEN_S;
        let between = fields.get("between_s").map_or(Some(default), |tree| {
            fields::whole("between_s", tree, least..=most, self.faults)
        });
        let confirm = match fields.get("confirm") {
            Some(tree) if secret == Some(true) => {
                self.faults.note(FaultKind::SecretSpoken, tree.place);
                None
            }
            Some(tree) => self.words("confirm", tree, Some("confirm")).map(Some),
            None => Some(None),
        };
        let unless_named = self.truth(fields, "unless_named");
        let asking = self.asking(fields, "wrong", "wrong");
        let then = self.then(fields, true);
        let (least, most) = keys?;
        Some(Node::Collect(Box::new(Collect {
            words: words?,
            name: name?,
            form: form?,
            least,
            most,
            ends_with: ends_with?,
            between: Duration::from_secs(between?.into()),
            confirm: confirm?,
            unless_named: unless_named?,
            secret: secret?,
            asking: asking?,
            then: then?,
        })))
    }

    /// `keys: 8` or `keys: 6 to 10`, within what the form can have.
    fn lengths(&mut self, fields: &Fields<'_>, form: Form) -> Option<(usize, usize)> {
        let (least, most) = form.keys();
        let Some(tree) = fields.get("keys") else { return Some((least, most)) };
        let (from, to) = match &tree.value {
            Value::Whole(number) => (usize::try_from(*number).ok(), usize::try_from(*number).ok()),
            Value::Text(text) => match text.split_once(" to ") {
                Some((from, to)) => (from.trim().parse().ok(), to.trim().parse().ok()),
                None => (None, None),
            },
            Value::Nothing
            | Value::Truth(_)
            | Value::Number(_)
            | Value::List(_)
            | Value::Map(_) => (None, None),
        };
        let found = from.zip(to).filter(|(from, to)| least <= *from && from <= to && *to <= most);
        if found.is_none() {
            self.faults.note(FaultKind::BadLength { least, most }, tree.place);
        }
        found
    }

    pub(super) fn asking(
        &mut self,
        fields: &Fields<'_>,
        wrong_field: &'static str,
        wrong_part: &str,
    ) -> Option<Asking> {
        let (default, least, most) = TRIES;
        let tries = fields
            .get("tries")
            .map_or(Some(default), |tree| fields::whole("tries", tree, least..=most, self.faults));
        let (no_input, after) = match fields.get("no_input") {
            Some(tree) => self.again("no_input", "no-input", tree),
            None => (None, None),
        };
        let (wrong, _) = match fields.get(wrong_field) {
            Some(tree) => self.again(wrong_field, wrong_part, tree),
            None => (None, None),
        };
        let otherwise = self.way(fields, "otherwise", "otherwise: adviser");
        Some(Asking {
            no_input_after: Duration::from_secs(after.unwrap_or(NO_INPUT_AFTER_S.0).into()),
            no_input,
            wrong,
            tries: tries?,
            otherwise: otherwise?,
        })
    }

    /// What is said before it is asked again, and (for `no_input`) after how many seconds.
    fn again(
        &mut self,
        field: &'static str,
        part: &str,
        tree: &Tree,
    ) -> (Option<Wording>, Option<u32>) {
        let owner = format!("`{field}` of `{}`", self.draft.name.value);
        let Some(fields) = Fields::open(owner, field, tree.place, tree, self.faults) else {
            return (None, None);
        };
        let timed = field == "no_input";
        fields.only(if timed { &["after_s", "say"] } else { &["say"] }, self.faults);
        let said = fields.get("say").and_then(|tree| self.words("say", tree, Some(part)));
        let (_, least, most) = NO_INPUT_AFTER_S;
        let after = fields
            .get("after_s")
            .filter(|_| timed)
            .and_then(|tree| fields::whole("after_s", tree, least..=most, self.faults));
        (said, after)
    }

    pub(super) fn keys(&mut self, tree: &Tree) -> Option<BTreeMap<Key, NodeName>> {
        let owner = format!("`keys` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, "keys", tree.place, tree, self.faults)?;
        let mut keys = BTreeMap::new();
        for (name, tree) in fields.iter() {
            let to = self.link(&name.value, tree, true);
            match one_key(&name.value) {
                Some(key) => keys.extend(to.map(|to| (key, to))),
                None => {
                    self.faults.note(FaultKind::BadKey { key: name.value.clone() }, name.place);
                }
            }
        }
        if fields.iter().next().is_none() {
            self.faults.note(FaultKind::Empty { field: "keys".to_owned() }, tree.place);
        }
        Some(keys)
    }

    pub(super) fn truth(&mut self, fields: &Fields<'_>, field: &'static str) -> Option<bool> {
        fields.get(field).map_or(Some(false), |tree| fields::truth(field, tree, self.faults))
    }
}

/// A key that telephones have. A to D are signals of exchanges.
pub(in crate::flow) fn key(written: char) -> Option<Key> {
    Key::from_char(written).filter(|_| !written.is_ascii_alphabetic())
}

fn one_key(written: &str) -> Option<Key> {
    let mut letters = written.chars();
    letters.next().and_then(key).filter(|_| letters.next().is_none())
}
