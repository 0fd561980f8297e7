//! From the text of a file to nodes. Every finding is noted and the reading goes on.

pub(in crate::flow) mod asking;
mod kinds;
mod logic;
mod outside;
mod person;
mod sending;

use std::collections::{BTreeMap, BTreeSet};

use super::What;
use super::expression::Expression;
use super::fault::{FaultKind, Slip};
use super::fields::{self, Faults, Fields};
use super::model::Node;
use super::nearest::nearest;
use super::prompt::{self, SpokenText};
use super::rehearsal::script::{self, Script};
use super::value::Kind as ValueKind;
use super::wording::{self, Part, Piece, Template, Wording};
use super::yaml::{At, Place, Tree, Value};
use crate::id::{FlowName, IntentName, LanguageName, NodeName, ValueName};

pub use self::kinds::{Field, KINDS, Kind, MEANWHILE, NO_INPUT_SECONDS, Shape};

/// A flow as read: its nodes' references are not yet checked.
#[derive(Debug)]
pub struct Draft {
    /// Its name.
    pub name: FlowName,
    /// Where a call begins; none if that was found to be wrong.
    pub start: Option<At<NodeName>>,
    /// Where callers of a relay service begin.
    pub relay_start: Option<At<NodeName>>,
    /// Where callers go who ask for a person.
    pub adviser: Option<At<NodeName>>,
    /// Where callers go who say what cannot wait.
    pub urgent: Option<At<NodeName>>,
    /// What the flow is told by those that lead to it.
    pub takes: Vec<Declared>,
    /// Nodes in the order of the file.
    pub nodes: Vec<DraftNode>,
    /// Its tests.
    pub tests: Vec<Script>,
}

impl Draft {
    /// What calls can be about that is said to callers.
    pub fn named_businesses(&self) -> impl Iterator<Item = IntentName> {
        let asks = self.nodes.iter().filter_map(|node| match &node.node {
            Some(Node::Ask(ask)) if ask.confirm.is_some() => Some(ask),
            Some(_) | None => None,
        });
        asks.flat_map(|ask| ask.intents.keys().cloned())
    }

    /// The first value that is spoken anywhere. What a call is about is none: it has recordings of its
    /// own.
    pub fn first_spoken(&self) -> Option<&Use> {
        self.nodes.iter().find_map(|node| {
            let asks = matches!(node.node, Some(Node::Ask(_)));
            let spoken = |used: &&Use| matches!(used.purpose, Purpose::Spoken { .. });
            let own = |used: &&Use| asks && node.makes(&used.name.value);
            node.uses.iter().find(|used| spoken(used) && !own(used))
        })
    }

    /// Whether a value is spoken anywhere.
    pub fn says_values(&self) -> bool {
        self.first_spoken().is_some()
    }
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
    /// The values that it makes.
    pub declares: Vec<Declared>,
    /// The values that it uses.
    pub uses: Vec<Use>,
    /// The conditions and sums that it works out.
    pub works: Vec<Worked>,
    /// The flows that it leads to.
    pub flows: Vec<At<FlowName>>,
    /// The languages in which it says something, if it says in which.
    pub languages: BTreeSet<LanguageName>,
    /// The language that callers choose with it.
    pub chooses: Option<At<LanguageName>>,
    /// The words that it says when it goes back, or looks for in what comes back.
    pub words: Vec<At<String>>,
}

impl DraftNode {
    /// Whether it makes a value.
    pub fn makes(&self, name: &ValueName) -> bool {
        self.declares.iter().any(|declared| declared.name.value == *name)
    }
}

/// A value that a node makes.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its name.
    pub name: At<ValueName>,
    /// What it is; none if that shows only when it is worked out.
    pub kind: Option<ValueKind>,
    /// Whether nobody may see it.
    pub secret: bool,
}

/// A value that a node uses.
#[derive(Debug, Clone)]
pub struct Use {
    /// Its name.
    pub name: At<ValueName>,
    /// What for.
    pub purpose: Purpose,
}

/// What a value is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is spoken.
    Spoken {
        /// Whether it is said how.
        how: bool,
    },
    /// It is worked with, or shown to an adviser.
    Seen,
    /// It is sent to a back end.
    Sent,
    /// Something is sent there.
    Recipient,
    /// Somebody is rung back on that day.
    Day,
    /// Somebody is rung back at that time.
    Time,
}

/// A condition or sum.
#[derive(Debug, Clone)]
pub struct Worked {
    /// As written.
    pub expression: At<Expression>,
    /// The value that it becomes, if it is no condition.
    pub becomes: Option<ValueName>,
    /// What it is looked up among, if that leads on.
    pub cases: Vec<At<String>>,
}

/// A way from one node to another.
#[derive(Debug)]
pub struct Link {
    /// Where to.
    pub to: At<NodeName>,
    /// Whether only what a caller does leads there.
    pub by_key: bool,
}

/// Understands the tree of a flow's file.
pub fn read(flow: &FlowName, tree: &Tree, faults: &mut Faults) -> Draft {
    let mut draft = Draft {
        name: flow.clone(),
        start: None,
        relay_start: None,
        adviser: None,
        urgent: None,
        takes: Vec::new(),
        nodes: Vec::new(),
        tests: Vec::new(),
    };
    let top = Place { line: 1, column: 1, offset: 0, len: 0 };
    if matches!(tree.value, Value::Nothing) {
        faults.note(FaultKind::MissingStart { first: None }, top);
        return draft;
    }
    let owner = "a flow".to_owned();
    let Some(fields) = Fields::open(owner, "the file", top, tree, faults) else { return draft };
    fields.only(&["start", "relay_start", "adviser", "urgent", "takes", "nodes", "tests"], faults);
    draft.takes = takes(&fields, faults);
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
    let mut place = |field| {
        let tree = fields.get(field)?;
        fields::text(field, tree, faults).map(as_node)
    };
    draft.relay_start = place("relay_start");
    draft.adviser = place("adviser");
    draft.urgent = place("urgent");
    faults.hash_keys();
    draft.tests = script::read(fields.get("tests"), faults);
    draft
}

/// `takes: {account: digits}`.
fn takes(fields: &Fields<'_>, faults: &mut Faults) -> Vec<Declared> {
    let Some(tree) = fields.get("takes") else { return Vec::new() };
    let Some(takes) = Fields::open("`takes`".to_owned(), "takes", tree.place, tree, faults) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (name, tree) in takes.iter() {
        let kind = fields::choice(&name.value, tree, &ValueKind::WORDS, faults);
        if let (Some(name), Some(_)) = (value_name(name, faults), kind) {
            all.push(Declared { name, kind, secret: false });
        }
    }
    all
}

fn as_node(name: At<String>) -> At<NodeName> {
    At { place: name.place, value: NodeName::from(name.value) }
}

/// A name that expressions can have.
fn value_name(name: &At<String>, faults: &mut Faults) -> Option<At<ValueName>> {
    if !fields::is_value_name(&name.value) {
        faults.note(FaultKind::BadValueName { name: name.value.clone() }, name.place);
        return None;
    }
    Some(At { place: name.place, value: ValueName::from(name.value.as_str()) })
}

/// Whether this can be the name of a language: `cy`, `en-GB`.
fn is_language(name: &str) -> bool {
    let (language, region) = name.split_once('-').unwrap_or((name, "xx"));
    let lower = language.bytes().all(|b| b.is_ascii_lowercase());
    let letters = region.bytes().all(|b| b.is_ascii_alphabetic());
    lower && letters && matches!(language.len(), 2 | 3) && (2..=4).contains(&region.len())
}

/// Reads one node.
struct Reader<'a> {
    flow: &'a FlowName,
    faults: &'a mut Faults,
    draft: DraftNode,
}

impl Reader<'_> {
    fn node(flow: &FlowName, name: &At<String>, tree: &Tree, faults: &mut Faults) -> DraftNode {
        let before = faults.errors();
        let draft = DraftNode {
            name: At { place: name.place, value: NodeName::from(name.value.as_str()) },
            node: None,
            links: Vec::new(),
            names: Vec::new(),
            texts: Vec::new(),
            declares: Vec::new(),
            uses: Vec::new(),
            works: Vec::new(),
            flows: Vec::new(),
            languages: BTreeSet::new(),
            chooses: None,
            words: Vec::new(),
        };
        if !fields::is_name(&name.value) {
            faults.note(FaultKind::BadName { name: name.value.clone() }, name.place);
        }
        let mut reader = Reader { flow, faults, draft };
        let node = reader.kind(name, tree);
        if reader.faults.errors() == before {
            reader.draft.node = node;
        }
        reader.draft
    }

    fn kind(&mut self, name: &At<String>, tree: &Tree) -> Option<Node> {
        let owner = format!("`{}`", name.value);
        let fields = Fields::open(owner, &name.value, name.place, tree, self.faults)?;
        let all: Vec<_> = fields
            .iter()
            .filter_map(|(key, value)| {
                KINDS.iter().find(|kind| kind.word == key.value).map(|kind| (kind, key, value))
            })
            .collect();
        // A kind's word can be a field of another kind: what a bulletin says is its `say`.
        let own = |word: &str| all.iter().all(|(kind, ..)| kind.word == word || !kind.has(word));
        let mut kinds = all.iter().filter(|(kind, ..)| own(kind.word)).copied();
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
        let allowed: Vec<&'static str> = kind.fields.iter().map(|field| field.name).collect();
        fields.only(&allowed, self.faults);
        (kind.read)(self, &fields, value)
    }

    // ---- what many kinds have ----------------------------------------------------------------

    fn link(&mut self, field: &str, tree: &Tree, by_key: bool) -> Option<NodeName> {
        let to = as_node(fields::text(field, tree, self.faults)?);
        let name = to.value.clone();
        self.draft.links.push(Link { to, by_key });
        Some(name)
    }

    /// A way that must be there.
    fn way(
        &mut self,
        fields: &Fields<'_>,
        field: &'static str,
        example: &'static str,
    ) -> Option<NodeName> {
        let tree = fields.need(field, example, self.faults)?;
        self.link(field, tree, false)
    }

    /// `then`, without which a node is a dead end.
    fn then(&mut self, fields: &Fields<'_>, by_key: bool) -> Option<NodeName> {
        let Some(then) = fields.get("then") else {
            let node = self.draft.name.value.to_string();
            self.faults.note(FaultKind::DeadEnd { node }, self.draft.name.place);
            return None;
        };
        self.link("then", then, by_key)
    }

    fn name(&mut self, field: &str, what: What, tree: &Tree) -> Option<String> {
        let name = fields::text(field, tree, self.faults)?;
        let written = name.value.clone();
        self.draft.names.push((what, name));
        Some(written)
    }

    /// Words to be said, in one language or by language, the council's first; `part` tells them from the
    /// node's others.
    fn words(&mut self, field: &str, tree: &Tree, part: Option<&str>) -> Option<Wording> {
        let Value::Map(_) = &tree.value else {
            let parts = self.words_in(None, field, tree, part)?;
            return Some(Wording::new(parts, BTreeMap::new()));
        };
        let owner = format!("`{field}` of `{}`", self.draft.name.value);
        let fields = Fields::open(owner, field, tree.place, tree, self.faults)?;
        let mut first = None;
        let mut others = BTreeMap::new();
        for (language, tree) in fields.iter() {
            if !is_language(&language.value) {
                let language = language.value.clone();
                self.faults.note(FaultKind::BadLanguage { language }, tree.place);
                return None;
            }
            let name = LanguageName::from(language.value.as_str());
            self.draft.languages.insert(name.clone());
            match &first {
                None => first = Some(self.words_in(None, field, tree, part)?),
                Some(_) => {
                    let parts = self.words_in(Some(&name), field, tree, part)?;
                    others.insert(name, parts);
                }
            }
        }
        if first.is_none() {
            self.faults.note(FaultKind::Empty { field: field.to_owned() }, tree.place);
        }
        Some(Wording::new(first?, others))
    }

    fn words_in(
        &mut self,
        language: Option<&LanguageName>,
        field: &str,
        tree: &Tree,
        part: Option<&str>,
    ) -> Option<Vec<Part>> {
        let text = fields::text(field, tree, self.faults)?;
        fields::not_too_long(&text, self.faults);
        if let Some(lost) = self.faults.remark_after(tree.place).map(str::to_owned) {
            self.faults.note(Slip::CutOff { lost }.into(), tree.place);
        }
        let pieces = self.pieces(&text)?;
        // What stands alone between values (a full stop) is not spoken.
        let spoken = |piece: &&Piece<'_>| matches!(piece, Piece::Words(words) if words.contains(char::is_alphanumeric));
        let several = pieces.iter().filter(spoken).count() > 1;
        let mut parts = Vec::new();
        let mut count = 0;
        for piece in &pieces {
            match piece {
                Piece::Words(words) if spoken(&piece) => {
                    count += 1;
                    let part = match (part, several) {
                        (Some(part), true) => Some(format!("{part}-{count}")),
                        (None, true) => Some(count.to_string()),
                        (part, false) => part.map(str::to_owned),
                    };
                    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                    let node = &self.draft.name.value;
                    let text = prompt::spoken(self.flow, node, part.as_deref(), words, language);
                    parts.push(Part::Prompt(text.prompt.clone()));
                    self.draft.texts.push(At { place: tree.place, value: text });
                }
                Piece::Words(_) => {}
                Piece::Value { name, kind, .. } => {
                    let how = self.how(*kind, tree.place)?;
                    let purpose = Purpose::Spoken { how: how.is_some() };
                    self.uses(name, tree.place, purpose);
                    parts.push(Part::Value { name: ValueName::from(*name), kind: how });
                }
            }
        }
        Some(parts)
    }

    /// The kind after `as`, if there is one; none if it is not one.
    fn how(&mut self, word: Option<&str>, place: Place) -> Option<Option<ValueKind>> {
        let Some(word) = word else { return Some(None) };
        let kind = ValueKind::from_word(word);
        if kind.is_none() {
            let allowed = ValueKind::WORDS.iter().map(|(word, _)| *word).collect();
            let (field, value) = ("as".to_owned(), word.to_owned());
            self.faults.note(FaultKind::BadChoice { field, value, allowed }, place);
            return None;
        }
        Some(kind)
    }

    fn pieces<'t>(&mut self, text: &'t At<String>) -> Option<Vec<Piece<'t>>> {
        match wording::pieces(&text.value) {
            Ok(pieces) => Some(pieces),
            Err(_) => {
                self.faults.note(FaultKind::BadBrace, text.place);
                None
            }
        }
    }

    /// Text with values in it.
    fn template(&mut self, field: &str, tree: &Tree, purpose: Purpose) -> Option<Template> {
        let text = fields::text(field, tree, self.faults)?;
        self.filled(&text, purpose)
    }

    /// A text with values in it that was read already.
    fn filled(&mut self, text: &At<String>, purpose: Purpose) -> Option<Template> {
        let pieces = self.pieces(text)?;
        for piece in &pieces {
            if let Piece::Value { name, .. } = piece {
                self.uses(name, text.place, purpose);
            }
        }
        Some(Template::new(&pieces))
    }

    /// A condition or sum, and the value that it becomes if it is no condition.
    fn expression(
        &mut self,
        field: &str,
        tree: &Tree,
        becomes: Option<&str>,
    ) -> Option<Expression> {
        let text = fields::text(field, tree, self.faults)?;
        match Expression::read(&text.value) {
            Ok(expression) => {
                for name in expression.names() {
                    self.uses(&name, tree.place, Purpose::Seen);
                }
                self.draft.works.push(Worked {
                    expression: At { place: tree.place, value: expression.clone() },
                    becomes: becomes.map(ValueName::from),
                    cases: Vec::new(),
                });
                Some(expression)
            }
            Err(why) => {
                self.faults.note(FaultKind::BadExpression { why }, tree.place);
                None
            }
        }
    }

    fn uses(&mut self, name: &str, place: Place, purpose: Purpose) {
        let name = At { place, value: ValueName::from(name) };
        self.draft.uses.push(Use { name, purpose });
    }

    fn declare(&mut self, name: &At<String>, kind: Option<ValueKind>) -> Option<ValueName> {
        let name = value_name(name, self.faults)?;
        let value = name.value.clone();
        self.draft.declares.push(Declared { name, kind, secret: false });
        Some(value)
    }
}
