//! A flow that passed every check: nodes that lead to one another by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Method;

use super::expression::Expression;
use super::form::Form;
use super::speak;
use super::value::Kind;
use super::wording::{Template, Wording};

use crate::id::{
    BackendName, BulletinName, CalendarName, FlowName, IntentName, NodeName, PromptName, ValueName,
};
use crate::media::command::Key;

mod person;
mod sending;
mod transfer;

pub use self::person::{
    Callback, EstimateWords, Meanwhile, PositionWords, Queue, Reason, Urgency, Voicemail,
};
pub use self::sending::Send;
pub use self::transfer::Transfer;

/// What the values of all flows are, by name.
pub type Kinds = BTreeMap<ValueName, Kind>;

/// A flow that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its name.
    pub name: FlowName,
    /// Where a call begins.
    pub start: NodeName,
    /// Where callers begin who use a text relay service; at the start if there is no such place.
    pub relay_start: Option<NodeName>,
    /// Where callers go who ask for a person: by word, or by 0 where it has no other use.
    pub adviser: Option<NodeName>,
    /// Where callers go who say something that cannot wait; to the adviser if there is no such place.
    pub urgent: Option<NodeName>,
    /// Its nodes. Every name that a node leads to is here.
    pub nodes: BTreeMap<NodeName, Node>,
    /// What its values are, and those of the flows beside it.
    pub kinds: Arc<Kinds>,
}

/// One step of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Says something.
    Say(Say),
    /// Says something while a supervisor wants it to be said.
    Bulletin(Bulletin),
    /// Asks the caller to choose by a key.
    Menu(Menu),
    /// Asks the caller what the call is about, in their own words.
    Ask(Box<Ask>),
    /// Asks the caller for something, by keys or words.
    Collect(Box<Collect>),
    /// Asks a calendar whether it is open.
    Hours(Hours),
    /// Remembers what expressions come to.
    Set(Set),
    /// Goes one of two ways.
    If(If),
    /// Goes one of several ways.
    Choose(Choose),
    /// Notes facts for the adviser.
    Note(Note),
    /// Asks a back end.
    Request(Box<Request>),
    /// Promises to send the caller something.
    Send(Box<Send>),
    /// Walks through another flow and comes back.
    Flow(SubFlow),
    /// Goes back to the flow that led here, with a word that says what came of it.
    Return(String),
    /// Lets the caller wait for a person.
    Queue(Box<Queue>),
    /// Promises to ring the caller back.
    Callback(Box<Callback>),
    /// Puts the caller through to somebody who is no queue.
    Transfer(Box<Transfer>),
    /// Takes a message for a queue.
    Voicemail(Voicemail),
    /// Ends the call.
    HangUp(Reason),
}

/// Says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// What.
    pub words: Wording,
    /// Whether it is played to its end and forgets keys that are pressed meanwhile. Otherwise a key
    /// counts for the menu that follows.
    pub must_hear: bool,
    /// What comes next.
    pub then: NodeName,
}

/// Says something while a supervisor wants it to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulletin {
    /// The name by which it is turned on and off.
    pub name: BulletinName,
    /// What is said while it is on. It must be heard.
    pub words: Wording,
    /// What comes next while it is on.
    pub on: NodeName,
    /// What comes next while it is off.
    pub off: NodeName,
}

/// How often and how patiently a caller is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// How long the caller may think after the words' end.
    pub no_input_after: Duration,
    /// What is said before it is asked again because no key came.
    pub no_input: Option<Wording>,
    /// What is said before it is asked again because what came is not what was asked for.
    pub wrong: Option<Wording>,
    /// How often it is asked at most.
    pub tries: u32,
    /// Where callers go who have not answered after that.
    pub otherwise: NodeName,
}

/// Asks the caller to choose by a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The choices, in words.
    pub words: Wording,
    /// The choices.
    pub keys: BTreeMap<Key, NodeName>,
    /// Phrases that choose as well, and the key that each stands for.
    pub phrases: Vec<(Key, Vec<String>)>,
    /// Whether it is said to its end, and keys that are pressed before are forgotten.
    pub must_hear: bool,
    /// How it is asked.
    pub asking: Asking,
    /// What the key is counted as an answer to, if this is a survey's question.
    pub rates: Option<String>,
}

/// Asks the caller what the call is about, in their own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The question.
    pub words: Wording,
    /// Under which name is remembered what the call is about.
    pub name: ValueName,
    /// What it can be about, and what comes next then.
    pub intents: BTreeMap<IntentName, NodeName>,
    /// Keys that choose as well.
    pub keys: BTreeMap<Key, NodeName>,
    /// Says what was understood, for the caller to say whether it is right, where that is not sure.
    pub confirm: Option<Wording>,
    /// What comes next if the call is about something else that is known.
    pub other: Option<NodeName>,
    /// What comes next if nobody can listen: a menu.
    pub by_keys: NodeName,
    /// How it is asked.
    pub asking: Asking,
}

/// Asks the caller to key something in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collect {
    /// The question.
    pub words: Wording,
    /// Under which name the answer is remembered.
    pub name: ValueName,
    /// What it is.
    pub form: Form,
    /// The least number of keys.
    pub least: usize,
    /// The most; no more are waited for.
    pub most: usize,
    /// The key that ends it early.
    pub ends_with: Key,
    /// The longest pause between two keys; what was keyed then counts as all.
    pub between: Duration,
    /// Read back, for the caller to say with 1 or 2 whether it is right.
    pub confirm: Option<Wording>,
    /// Whether it is not asked if the caller has named it before; the flow reads it back later on.
    pub unless_named: bool,
    /// Whether nobody may see it: it is kept from the recording, the journal and everybody who
    /// listens, and can only be sent to a back end.
    pub secret: bool,
    /// How it is asked.
    pub asking: Asking,
    /// What comes next.
    pub then: NodeName,
}

/// Remembers what expressions come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Names and what they become, one after the other.
    pub values: Vec<(ValueName, Expression)>,
    /// What comes next.
    pub then: NodeName,
}

/// Goes one of two ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct If {
    /// The condition.
    pub condition: Expression,
    /// What comes next if it holds.
    pub then: NodeName,
    /// What comes next if it does not, or cannot be worked out.
    pub otherwise: NodeName,
}

/// Goes one of several ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choose {
    /// What is looked at.
    pub value: Expression,
    /// What it can be, and what comes next then.
    pub cases: BTreeMap<String, NodeName>,
    /// What comes next if it is something else.
    pub otherwise: NodeName,
}

/// Notes facts for the adviser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What the adviser's screen calls them, and what they are, in the order of the file.
    pub facts: Vec<(String, Template)>,
    /// What comes next.
    pub then: NodeName,
}

/// Asks a back end over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which.
    pub backend: BackendName,
    /// How.
    pub method: Method,
    /// Below the back end's address; every value is percent-encoded (RFC 3986 section 2.1).
    pub path: Template,
    /// The JSON that is sent.
    pub body: Option<Body>,
    /// What is taken from the answer.
    pub answer: Vec<Taken>,
    /// What is said meanwhile; music follows.
    pub words: Option<Wording>,
    /// Where certain answers lead (`404: unknown-account`). Others below 300 lead to `then`.
    pub statuses: BTreeMap<u16, NodeName>,
    /// What comes next.
    pub then: NodeName,
    /// What comes next if there is no answer, or none that makes sense.
    pub otherwise: NodeName,
}

/// JSON with values in it. A value is only ever a whole string, number or truth: nothing that a
/// caller says can become JSON of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Text with values in it; a value alone keeps its type.
    Text(Template),
    /// A number, truth or nothing.
    Plain(serde_json::Value),
    /// A list.
    List(Vec<Body>),
    /// Names and values.
    Map(Vec<(String, Body)>),
}

/// What is taken from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Under which name it is remembered.
    pub name: ValueName,
    /// Where it is in the answer (`account.balance`, `slots.0.date`).
    pub from: String,
    /// What it must be.
    pub kind: Kind,
    /// Whether the answer may do without it.
    pub optional: bool,
}

/// Walks through another flow and comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubFlow {
    /// Which.
    pub flow: FlowName,
    /// What it is told: remembered before it begins.
    pub with: Vec<(ValueName, Expression)>,
    /// What comes next, by the word that it comes back with.
    pub returns: BTreeMap<String, NodeName>,
}

/// Asks a calendar whether it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Which calendar.
    pub calendar: CalendarName,
    /// What comes next while it is open.
    pub open: NodeName,
    /// What comes next while it is closed.
    pub closed: NodeName,
}

impl Node {
    /// Every wording that the node can say.
    pub fn wordings(&self) -> Vec<&Wording> {
        match self {
            Node::Say(say) => vec![&say.words],
            Node::Bulletin(bulletin) => vec![&bulletin.words],
            Node::Menu(menu) => menu.asking.wordings(&menu.words).collect(),
            Node::Ask(ask) => ask.asking.wordings(&ask.words).chain(&ask.confirm).collect(),
            Node::Collect(collect) => {
                collect.asking.wordings(&collect.words).chain(&collect.confirm).collect()
            }
            Node::Request(request) => request.words.iter().collect(),
            Node::Voicemail(voicemail) => vec![&voicemail.words],
            Node::Callback(callback) => {
                let asked = callback.asking.wordings(&callback.words).chain([&callback.ask]);
                asked.chain(&callback.not_now).collect()
            }
            Node::Queue(queue) => {
                queue.meanwhile.iter().flat_map(|meanwhile| meanwhile.wordings()).collect()
            }
            Node::Hours(_)
            | Node::Set(_)
            | Node::If(_)
            | Node::Choose(_)
            | Node::Note(_)
            | Node::Send(_)
            | Node::Flow(_)
            | Node::Return(_)
            | Node::Transfer(_)
            | Node::HangUp(_) => Vec::new(),
        }
    }

    /// Every way on: in which case, and where to.
    pub fn ways(&self) -> Vec<(String, &NodeName)> {
        let way = |case: &str, to| (case.to_owned(), to);
        match self {
            Node::Say(say) => vec![way("", &say.then)],
            Node::Bulletin(bulletin) => vec![way("on", &bulletin.on), way("off", &bulletin.off)],
            Node::Menu(menu) => {
                let keys = menu.keys.iter().map(|(key, to)| (key.as_char().to_string(), to));
                keys.chain([way("otherwise", &menu.asking.otherwise)]).collect()
            }
            Node::Ask(ask) => {
                let intents = ask.intents.iter().map(|(intent, to)| (intent.to_string(), to));
                let keys = ask.keys.iter().map(|(key, to)| (key.as_char().to_string(), to));
                let other = ask.other.iter().map(|to| ("other".to_owned(), to));
                let rest = [way("by keys", &ask.by_keys), way("otherwise", &ask.asking.otherwise)];
                intents.chain(keys).chain(other).chain(rest).collect()
            }
            Node::Collect(collect) => {
                vec![way("", &collect.then), way("otherwise", &collect.asking.otherwise)]
            }
            Node::Hours(hours) => vec![way("open", &hours.open), way("closed", &hours.closed)],
            Node::Set(set) => vec![way("", &set.then)],
            Node::If(condition) => {
                vec![way("yes", &condition.then), way("otherwise", &condition.otherwise)]
            }
            Node::Choose(choose) => {
                let cases = choose.cases.iter().map(|(case, to)| (case.clone(), to));
                cases.chain([way("otherwise", &choose.otherwise)]).collect()
            }
            Node::Note(note) => vec![way("", &note.then)],
            Node::Request(request) => {
                let statuses = request.statuses.iter().map(|(status, to)| (status.to_string(), to));
                statuses
                    .chain([way("", &request.then), way("otherwise", &request.otherwise)])
                    .collect()
            }
            Node::Send(send) => {
                vec![way("promised", &send.then), way("otherwise", &send.otherwise)]
            }
            Node::Flow(sub) => sub.returns.iter().map(|(word, to)| (word.clone(), to)).collect(),
            Node::Return(_) | Node::HangUp(_) => Vec::new(),
            Node::Queue(queue) => {
                let keys = queue.meanwhile.iter().flat_map(|meanwhile| &meanwhile.keys);
                let keys = keys.map(|(key, to)| (key.as_char().to_string(), to));
                let back = [
                    way("closed", &queue.on_closed),
                    way("full", &queue.on_full),
                    way("waited too long", &queue.on_waited_too_long),
                    way("nobody", &queue.on_nobody),
                ];
                let after = queue.after_call.iter().map(|to| ("after the call".to_owned(), to));
                back.into_iter().chain(keys).chain(after).collect()
            }
            Node::Callback(callback) => vec![
                way("promised", &callback.then),
                way("already", &callback.already),
                way("otherwise", &callback.asking.otherwise),
            ],
            Node::Transfer(transfer) => vec![
                way("busy", &transfer.on_busy),
                way("no answer", &transfer.on_no_answer),
                way("unreachable", &transfer.on_unreachable),
            ],
            Node::Voicemail(voicemail) => {
                vec![way("kept", &voicemail.then), way("otherwise", &voicemail.otherwise)]
            }
        }
    }

    /// Every prompt that the node can play.
    pub fn prompts(&self) -> Vec<PromptName> {
        let wordings = self.wordings();
        let mut prompts: Vec<_> =
            wordings.iter().flat_map(|words| words.prompts()).cloned().collect();
        // What a call is about has recordings of its own.
        let own = match self {
            Node::Ask(ask) => Some(&ask.name),
            _ => None,
        };
        if wordings.iter().any(|words| words.says_values(own)) {
            prompts.extend(speak::texts().into_iter().map(|text| text.prompt));
            prompts.push(speak::PAUSE.into());
        }
        if let Node::Ask(ask) = self
            && ask.confirm.is_some()
        {
            prompts.extend(ask.intents.keys().map(speak::business));
        }
        prompts
    }

    /// Whether the caller is asked for something.
    pub fn asks(&self) -> bool {
        match self {
            Node::Menu(_) | Node::Ask(_) => true,
            // Who keys a secret in ahead would do so while it is not secret yet.
            Node::Collect(collect) => !collect.secret,
            Node::Say(_)
            | Node::Bulletin(_)
            | Node::Hours(_)
            | Node::Set(_)
            | Node::If(_)
            | Node::Choose(_)
            | Node::Note(_)
            | Node::Request(_)
            | Node::Send(_)
            | Node::Flow(_)
            | Node::Return(_)
            | Node::Queue(_)
            | Node::Callback(_)
            | Node::Transfer(_)
            | Node::Voicemail(_)
            | Node::HangUp(_) => false,
        }
    }
}

impl Asking {
    fn wordings<'a>(&'a self, words: &'a Wording) -> impl Iterator<Item = &'a Wording> {
        std::iter::once(words).chain(&self.no_input).chain(&self.wrong)
    }
}

impl Flow {
    /// Whether a caller who comes to `node` is asked for a key there or after nothing but
    /// announcements.
    pub fn leads_to_a_question(&self, node: &NodeName) -> bool {
        let mut at = node;
        // No more steps than nodes: a circle of announcements ends nowhere.
        for _ in 0..self.nodes.len() {
            match self.nodes.get(at) {
                // What is keyed in before it was heard does not count there.
                Some(Node::Menu(menu)) if menu.must_hear => return false,
                Some(node) if node.asks() => return true,
                Some(Node::Say(say)) => at = &say.then,
                Some(_) | None => return false,
            }
        }
        false
    }
}
