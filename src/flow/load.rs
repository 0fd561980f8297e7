//! From the text of a file to nodes. Every finding is noted and the reading goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::What;
use super::fault::FaultKind;
use super::fields::{self, Faults, Fields};
use super::model::{Hours, Menu, Node, Queue, Reason, Say, Voicemail};
use super::nearest::nearest;
use super::prompt::{self, SpokenText};
use super::yaml::{At, Place, Tree, Value};
use crate::call::command::AtClosing;
use crate::id::{FlowName, NodeName, PromptName};
use crate::media::command::Key;

/// A flow as read: its nodes' references are not yet checked.
#[derive(Debug)]
pub struct Draft {
    /// Where a call begins; none if that was found to be wrong.
    pub start: Option<At<NodeName>>,
    /// Nodes in the order of the file.
    pub nodes: Vec<DraftNode>,
}

/// A node as read.
#[derive(Debug)]
pub struct DraftNode {
    /// Its name, and where.
    pub name: At<NodeName>,
    /// What it does; none if something in it is wrong.
    pub node: Option<Node>,
    /// Where it leads.
    pub links: Vec<Link>,
    /// What it names in the settings.
    pub names: Vec<(What, At<String>)>,
    /// What it says.
    pub texts: Vec<At<SpokenText>>,
}

/// A way from one node to another.
#[derive(Debug)]
pub struct Link {
    /// Where to.
    pub to: At<NodeName>,
    /// Whether only a key leads there.
    pub by_key: bool,
}

/// A kind of node: the word that it begins with, and what else it can have.
struct Kind {
    word: &'static str,
    fields: &'static [&'static str],
    read: fn(&mut Reader<'_>, &Fields<'_>, &Tree) -> Option<Node>,
}

/// Every kind of node that the language has.
const KINDS: &[Kind] = &[
    Kind {
        word: "say",
        fields: &["say", "must_hear", "then"],
        read: |reader, fields, value| reader.say(fields, value),
    },
    Kind {
        word: "menu",
        fields: &["menu", "keys", "no_input", "wrong_key", "tries", "otherwise"],
        read: |reader, fields, value| reader.menu(fields, value),
    },
    Kind {
        word: "hours",
        fields: &["hours", "open", "closed"],
        read: |reader, fields, value| reader.hours(fields, value),
    },
    Kind {
        word: "queue",
        fields: &[
            "queue",
            "skills",
            "at_closing",
            "on_closed",
            "on_full",
            "on_waited_too_long",
            "on_nobody",
            "otherwise",
        ],
        read: |reader, fields, value| reader.queue(fields, value),
    },
    Kind {
        word: "voicemail",
        fields: &["voicemail", "greeting", "longest_s", "then", "otherwise"],
        read: |reader, fields, value| reader.voicemail(fields, value),
    },
    Kind {
        word: "hang_up",
        fields: &["hang_up"],
        read: |reader, fields, value| reader.hang_up(fields, value),
    },
];

/// How long a caller may think by default and at least and at most, in seconds.
const NO_INPUT_AFTER_S: (u32, u32, u32) = (8, 2, 120);
/// How often a menu is said by default and at least and at most.
const TRIES: (u32, u32, u32) = (2, 1, 5);

/// How long a message may be by default and at least and at most, in seconds.
const LONGEST_S: (u32, u32, u32) = (120, 10, 600);

/// Understands the tree of a flow's file.
pub fn read(flow: &FlowName, tree: &Tree, faults: &mut Faults) -> Draft {
    let mut draft = Draft { start: None, nodes: Vec::new() };
    let top = Place { line: 1, column: 1, offset: 0, len: 0 };
    if matches!(tree.value, Value::Nothing) {
        faults.note(FaultKind::MissingStart { first: None }, top);
        return draft;
    }
    let owner = "a flow".to_owned();
    let Some(fields) = Fields::open(owner, "the file", top, tree, faults) else { return draft };
    fields.only(&["start", "nodes"], faults);
    let nodes = fields
        .need("nodes", "nodes:", faults)
        .and_then(|nodes| Fields::open("`nodes`".to_owned(), "nodes", top, nodes, faults));
    if let Some(nodes) = &nodes {
        for (name, tree) in nodes.iter() {
            draft.nodes.push(Reader::node(flow, name, tree, faults));
        }
    }
    draft.start = match fields.get("start") {
        Some(start) => fields::text("start", start, faults).map(as_node),
        None => {
            let first = draft.nodes.first().map(|node| node.name.value.to_string());
            faults.note(FaultKind::MissingStart { first }, top);
            None
        }
    };
    draft
}

fn as_node(name: At<String>) -> At<NodeName> {
    At { place: name.place, value: NodeName::from(name.value) }
}

/// Reads one node.
struct Reader<'a> {
    flow: &'a FlowName,
    faults: &'a mut Faults,
    draft: DraftNode,
}

impl Reader<'_> {
    fn node(flow: &FlowName, name: &At<String>, tree: &Tree, faults: &mut Faults) -> DraftNode {
        let before = faults.len();
        let draft = DraftNode {
            name: At { place: name.place, value: NodeName::from(name.value.as_str()) },
            node: None,
            links: Vec::new(),
            names: Vec::new(),
            texts: Vec::new(),
        };
        if !fields::is_name(&name.value) {
            faults.note(FaultKind::BadName { name: name.value.clone() }, name.place);
        }
        let mut reader = Reader { flow, faults, draft };
        let node = reader.kind(name, tree);
        if reader.faults.len() == before {
            reader.draft.node = node;
        }
        reader.draft
    }

    fn kind(&mut self, name: &At<String>, tree: &Tree) -> Option<Node> {
        let owner = format!("`{}`", name.value);
        let fields = Fields::open(owner, &name.value, name.place, tree, self.faults)?;
        let mut kinds = fields.iter().filter_map(|(key, value)| {
            KINDS.iter().find(|kind| kind.word == key.value).map(|kind| (kind, key, value))
        });
        let Some((kind, _, value)) = kinds.next() else {
            let words = || KINDS.iter().map(|kind| kind.word);
            let meant = fields.iter().find_map(|(key, _)| nearest(&key.value, words()));
            let meant = meant.map(str::to_owned);
            let kinds = words().collect();
            let node = name.value.clone();
            self.faults.note(FaultKind::NoKind { node, meant, kinds }, name.place);
            return None;
        };
        if let Some((second, key, _)) = kinds.next() {
            self.faults.note(
                FaultKind::TwoKinds {
                    node: name.value.clone(),
                    first: kind.word,
                    second: second.word,
                },
                key.place,
            );
            return None;
        }
        fields.only(kind.fields, self.faults);
        (kind.read)(self, &fields, value)
    }

    fn say(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let prompt = self.text("say", value, None);
        let must_hear = fields
            .get("must_hear")
            .map_or(Some(false), |tree| fields::truth("must_hear", tree, self.faults));
        let Some(then) = fields.get("then") else {
            let node = self.draft.name.value.to_string();
            self.faults.note(FaultKind::DeadEnd { node }, self.draft.name.place);
            return None;
        };
        let then = self.link("then", then, false);
        Some(Node::Say(Say { prompt: prompt?, must_hear: must_hear?, then: then? }))
    }

    fn menu(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let prompt = self.text("menu", value, None);
        let keys = fields.need("keys", "keys:", self.faults).and_then(|tree| self.keys(tree));
        let (default, least, most) = TRIES;
        let tries = fields
            .get("tries")
            .map_or(Some(default), |tree| fields::whole("tries", tree, least..=most, self.faults));
        let (no_input, after) = match fields.get("no_input") {
            Some(tree) => self.again("no_input", "no-input", tree),
            None => (None, None),
        };
        let (wrong_key, _) = match fields.get("wrong_key") {
            Some(tree) => self.again("wrong_key", "wrong-key", tree),
            None => (None, None),
        };
        let otherwise = fields
            .need("otherwise", "otherwise: adviser", self.faults)
            .and_then(|tree| self.link("otherwise", tree, false));
        Some(Node::Menu(Menu {
            prompt: prompt?,
            keys: keys?,
            no_input_after: Duration::from_secs(after.unwrap_or(NO_INPUT_AFTER_S.0).into()),
            no_input,
            wrong_key,
            tries: tries?,
            otherwise: otherwise?,
        }))
    }

    /// What is said before a menu is repeated, and (for `no_input`) after how many seconds.
    fn again(
        &mut self,
        field: &'static str,
        part: &str,
        tree: &Tree,
    ) -> (Option<PromptName>, Option<u32>) {
        let owner = format!("`{field}` of `{}`", self.draft.name.value);
        let Some(fields) = Fields::open(owner, field, tree.place, tree, self.faults) else {
            return (None, None);
        };
        let timed = field == "no_input";
        fields.only(if timed { &["after_s", "say"] } else { &["say"] }, self.faults);
        let said = fields.get("say").and_then(|tree| self.text("say", tree, Some(part)));
        let (_, least, most) = NO_INPUT_AFTER_S;
        let after = fields
            .get("after_s")
            .filter(|_| timed)
            .and_then(|tree| fields::whole("after_s", tree, least..=most, self.faults));
        (said, after)
    }

    fn keys(&mut self, tree: &Tree) -> Option<BTreeMap<Key, NodeName>> {
        let owner = format!("`keys` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, "keys", tree.place, tree, self.faults)?;
        let mut keys = BTreeMap::new();
        for (name, tree) in fields.iter() {
            let to = self.link(&name.value, tree, true);
            let mut letters = name.value.chars();
            let key = letters.next().and_then(Key::from_char).filter(|_| letters.next().is_none());
            match key {
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

    fn hours(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let calendar = self.name("hours", What::Calendar, value);
        let mut way = |field, example| {
            let tree = fields.need(field, example, self.faults)?;
            self.link(field, tree, false)
        };
        let open = way("open", "open: welcome");
        let closed = way("closed", "closed: closed");
        Some(Node::Hours(Hours {
            calendar: calendar?.as_str().into(),
            open: open?,
            closed: closed?,
        }))
    }

    fn queue(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let queue = self.name("queue", What::Queue, value);
        let skills = fields.get("skills").map_or(Some(Vec::new()), |tree| {
            let words = fields::words("skills", tree, self.faults)?;
            self.draft.names.extend(words.iter().cloned().map(|word| (What::Skill, word)));
            Some(words.into_iter().map(|word| word.value.into()).collect())
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
            at_closing: at_closing?,
            on_closed: on_closed?,
            on_full: on_full?,
            on_waited_too_long: on_waited_too_long?,
            on_nobody: on_nobody?,
        }))
    }

    fn voicemail(&mut self, fields: &Fields<'_>, value: &Tree) -> Option<Node> {
        let queue = self.name("voicemail", What::Queue, value);
        let prompt = fields
            .need("greeting", "greeting: Please leave a message after the tone.", self.faults)
            .and_then(|tree| self.text("greeting", tree, None));
        let (default, least, most) = LONGEST_S;
        let longest = fields.get("longest_s").map_or(Some(default), |tree| {
            fields::whole("longest_s", tree, least..=most, self.faults)
        });
        let mut way = |field, example| {
            let tree = fields.need(field, example, self.faults)?;
            self.link(field, tree, false)
        };
        let then = way("then", "then: thanks");
        let otherwise = way("otherwise", "otherwise: goodbye");
        Some(Node::Voicemail(Voicemail {
            queue: queue?.as_str().into(),
            prompt: prompt?,
            longest: Duration::from_secs(longest?.into()),
            then: then?,
            otherwise: otherwise?,
        }))
    }

    fn hang_up(&mut self, _: &Fields<'_>, value: &Tree) -> Option<Node> {
        fields::choice("hang_up", value, &Reason::WORDS, self.faults).map(Node::HangUp)
    }

    fn link(&mut self, field: &str, tree: &Tree, by_key: bool) -> Option<NodeName> {
        let to = as_node(fields::text(field, tree, self.faults)?);
        let name = to.value.clone();
        self.draft.links.push(Link { to, by_key });
        Some(name)
    }

    fn name(&mut self, field: &str, what: What, tree: &Tree) -> Option<String> {
        let name = fields::text(field, tree, self.faults)?;
        let written = name.value.clone();
        self.draft.names.push((what, name));
        Some(written)
    }

    fn text(&mut self, field: &str, tree: &Tree, part: Option<&str>) -> Option<PromptName> {
        let text = fields::text(field, tree, self.faults)?;
        fields::not_too_long(&text, self.faults);
        let spoken = prompt::spoken(self.flow, &self.draft.name.value, part, text.value);
        let prompt = spoken.prompt.clone();
        self.draft.texts.push(At { place: tree.place, value: spoken });
        Some(prompt)
    }
}
