//! The language as a table: every kind of node, its fields, and what they can be. Reading, the
//! schema for editors and the findings all follow it.

use super::Reader;
use super::asking::{BETWEEN_S, NO_INPUT_AFTER_S, TRIES};
use super::person::{LONGEST_S, MEANWHILE_AFTER_S, MEANWHILE_EVERY_S, RING_S};
use crate::backend::Method;
use crate::flow::fields::Fields;
use crate::flow::form::Form;
use crate::flow::model::{Node, Reason, Urgency};
use crate::flow::yaml::Tree;

/// A kind of node: the word that it begins with, and what it can have.
pub struct Kind {
    /// The word.
    pub word: &'static str,
    /// What a node of this kind does.
    pub about: &'static str,
    /// Its fields, the word's own first.
    pub fields: &'static [Field],
    /// Reads one.
    pub(super) read: fn(&mut Reader<'_>, &Fields<'_>, &Tree) -> Option<Node>,
}

impl Kind {
    /// Whether it has a field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|known| known.name == field)
    }
}

/// A field of a node.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub shape: Shape,
    /// What it means.
    pub about: &'static str,
    /// Whether it must be there.
    pub needed: bool,
}

/// What a field can be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Words to be spoken, with `{values}` in them.
    Words,
    /// The name of a node.
    Node,
    /// A name of the settings, of a value or another word.
    Name,
    /// A list of names.
    Names,
    /// `true` or `false`.
    Truth,
    /// A whole number from the least to the most; the first is what holds if it is left out.
    Whole(u32, u32, u32),
    /// One of these words.
    OneOf(fn() -> Vec<&'static str>),
    /// A key of a telephone.
    Key,
    /// Keys of a telephone, and the nodes that they lead to.
    Keys,
    /// How many keys: `8`, or `6 to 10`.
    Lengths,
    /// Keys of a telephone, and the phrases that mean the same.
    Phrases,
    /// Words, and the nodes that they lead to.
    Ways,
    /// What is said before it is asked again; with the seconds after which that is.
    Again {
        /// Whether it has seconds.
        timed: bool,
    },
    /// What callers can do while they wait.
    Meanwhile,
    /// A condition or a sum.
    Expression,
    /// Names of values, and what they become.
    Values,
    /// Texts by name, with `{values}` in them.
    Facts,
    /// Text with `{values}` in it.
    Template,
    /// Anything, with `{values}` in its texts.
    Json,
    /// What is taken from an answer.
    Answer,
}

const fn needed(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, about, needed: true }
}

const fn may(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, about, needed: false }
}

const fn whole(limits: (u32, u32, u32)) -> Shape {
    Shape::Whole(limits.0, limits.1, limits.2)
}

const THEN: Field = needed("then", Shape::Node, "the node that comes next");
const TRIES_FIELD: Field = may("tries", whole(TRIES), "how often it is asked at most");
const NO_INPUT: Field = may(
    "no_input",
    Shape::Again { timed: true },
    "what is said before it is asked again because no key came, and after how many seconds",
);
const WRONG_KEY: Field = may(
    "wrong_key",
    Shape::Again { timed: false },
    "what is said before it is asked again because another key came",
);
const GAVE_UP: Field =
    needed("otherwise", Shape::Node, "the node for callers who have not answered after that");

/// Every kind of node that the language has.
pub const KINDS: &[Kind] = &[
    Kind {
        word: "say",
        about: "says something",
        fields: &[
            needed("say", Shape::Words, "the words"),
            may("must_hear", Shape::Truth, "whether they are played to their end in any case"),
            THEN,
        ],
        read: |reader, fields, value| reader.say(fields, value),
    },
    Kind {
        word: "bulletin",
        about: "says something while a supervisor has turned it on",
        fields: &[
            needed("bulletin", Shape::Name, "the name by which it is turned on and off"),
            needed("say", Shape::Words, "the words"),
            may("on", Shape::Node, "the node that comes next while it is on, after the words"),
            THEN,
        ],
        read: |reader, fields, value| reader.bulletin(fields, value),
    },
    Kind {
        word: "menu",
        about: "lets the caller choose by a key",
        fields: &[
            needed("menu", Shape::Words, "the words that offer the choices"),
            needed("keys", Shape::Keys, "each key and the node that it leads to"),
            may("phrases", Shape::Phrases, "what callers can say instead, by key"),
            may("must_hear", Shape::Truth, "whether it is said to its end in any case"),
            NO_INPUT,
            WRONG_KEY,
            TRIES_FIELD,
            GAVE_UP,
        ],
        read: |reader, fields, value| reader.menu(fields, value),
    },
    Kind {
        word: "survey",
        about: "asks for a number from 1 to 5, and counts the answers",
        fields: &[
            needed("survey", Shape::Words, "the question"),
            may("as", Shape::Name, "what the answers are counted as; the node's name if left out"),
            NO_INPUT,
            WRONG_KEY,
            TRIES_FIELD,
            THEN,
            GAVE_UP,
        ],
        read: |reader, fields, value| reader.survey(fields, value),
    },
    Kind {
        word: "ask",
        about: "asks what the call is about, to be said in the caller's own words",
        fields: &[
            needed("ask", Shape::Words, "the question"),
            needed("intents", Shape::Ways, "what the call can be about, and the nodes for that"),
            may("as", Shape::Name, "the name under which that is remembered; `intent` if left out"),
            may(
                "confirm",
                Shape::Words,
                "says what was understood, where that is not sure; yes or 1 is right",
            ),
            may("keys", Shape::Keys, "keys that choose as well, and the nodes that they lead to"),
            may("other", Shape::Node, "the node if it is about something else that is known"),
            needed("by_keys", Shape::Node, "the node if nobody can listen: a menu"),
            NO_INPUT,
            may(
                "wrong",
                Shape::Again { timed: false },
                "what is said before it is asked again because it was not understood",
            ),
            TRIES_FIELD,
            GAVE_UP,
        ],
        read: |reader, fields, value| reader.ask(fields, value),
    },
    Kind {
        word: "collect",
        about: "lets the caller key or say something",
        fields: &[
            needed("collect", Shape::Words, "the question"),
            needed("as", Shape::Name, "the name under which the answer is remembered"),
            may("form", Shape::OneOf(forms), "what it is; `digits` if left out"),
            may("keys", Shape::Lengths, "how many keys it has"),
            may("ends_with", Shape::Key, "the key that ends it early; `#` if left out"),
            may("between_s", whole(BETWEEN_S), "the longest pause between two keys, in seconds"),
            may("confirm", Shape::Words, "what reads it back; 1 is right, 2 is wrong"),
            may("secret", Shape::Truth, "whether nobody may see, hear or record it"),
            may(
                "unless_named",
                Shape::Truth,
                "whether it is not asked if the caller has named it; read it back later",
            ),
            NO_INPUT,
            may(
                "wrong",
                Shape::Again { timed: false },
                "what is said before it is asked again because it cannot be right",
            ),
            TRIES_FIELD,
            THEN,
            GAVE_UP,
        ],
        read: |reader, fields, value| reader.collect(fields, value),
    },
    Kind {
        word: "hours",
        about: "asks a calendar whether it is open",
        fields: &[
            needed("hours", Shape::Name, "a calendar of the settings"),
            needed("open", Shape::Node, "the node while it is open"),
            needed("closed", Shape::Node, "the node while it is closed"),
        ],
        read: |reader, fields, value| reader.hours(fields, value),
    },
    Kind {
        word: "set",
        about: "remembers values",
        fields: &[needed("set", Shape::Values, "names, and what they become"), THEN],
        read: |reader, fields, value| reader.set(fields, value),
    },
    Kind {
        word: "language",
        about: "says what follows in another language, where there are words in it",
        fields: &[needed("language", Shape::Name, "the language, as in `cy`"), THEN],
        read: |reader, fields, value| reader.language(fields, value),
    },
    Kind {
        word: "if",
        about: "goes one of two ways",
        fields: &[
            needed("if", Shape::Expression, "the condition"),
            needed("then", Shape::Node, "the node if it holds"),
            needed("otherwise", Shape::Node, "the node if it does not"),
        ],
        read: |reader, fields, value| reader.condition(fields, value),
    },
    Kind {
        word: "choose",
        about: "goes one of several ways",
        fields: &[
            needed("choose", Shape::Expression, "what is looked at"),
            needed("cases", Shape::Ways, "what it can be, and the nodes for that"),
            needed("otherwise", Shape::Node, "the node if it is something else"),
        ],
        read: |reader, fields, value| reader.choose(fields, value),
    },
    Kind {
        word: "note",
        about: "notes facts for the adviser's screen",
        fields: &[
            needed("note", Shape::Facts, "what the screen calls them, and what they are"),
            THEN,
        ],
        read: |reader, fields, value| reader.note(fields, value),
    },
    Kind {
        word: "request",
        about: "asks another system over HTTP",
        fields: &[
            needed("request", Shape::Name, "a back end of the settings"),
            may("method", Shape::OneOf(methods), "`GET` if left out"),
            needed("path", Shape::Template, "the path below the back end's address"),
            may("body", Shape::Json, "the JSON that is sent"),
            may("answer", Shape::Answer, "what is taken from the answer"),
            may("say", Shape::Words, "what is said meanwhile"),
            may("on_status", Shape::Ways, "the nodes for certain statuses, as in `404: unknown`"),
            THEN,
            needed(
                "otherwise",
                Shape::Node,
                "the node if there is no answer, or none that makes sense",
            ),
        ],
        read: |reader, fields, value| reader.request(fields, value),
    },
    Kind {
        word: "send",
        about: "promises the caller a text message or an e-mail",
        fields: &[
            needed("send", Shape::Name, "a template of the settings"),
            needed("to", Shape::Name, "the value that has the number or the address"),
            may("with", Shape::Facts, "what stands in the template, by its names"),
            THEN,
            needed("otherwise", Shape::Node, "the node if it cannot be sent there, or not now"),
        ],
        read: |reader, fields, value| reader.send(fields, value),
    },
    Kind {
        word: "flow",
        about: "walks through another flow and comes back",
        fields: &[
            needed("flow", Shape::Name, "the other flow"),
            may("with", Shape::Values, "what it is told"),
            needed("returns", Shape::Ways, "the nodes by the word that it comes back with"),
        ],
        read: |reader, fields, value| reader.sub_flow(fields, value),
    },
    Kind {
        word: "return",
        about: "goes back to the flow that led here",
        fields: &[needed("return", Shape::Name, "a word that says what came of it")],
        read: |reader, fields, value| reader.go_back(fields, value),
    },
    Kind {
        word: "queue",
        about: "lets the caller wait for an adviser",
        fields: &[
            needed("queue", Shape::Name, "a queue of the settings"),
            may("skills", Shape::Names, "what the adviser must be able to do besides"),
            may("prefers", Shape::Names, "what it is good if the adviser can do too"),
            may(
                "priority",
                Shape::OneOf(urgencies),
                "before whom the caller goes; `normal` if left out",
            ),
            may(
                "at_closing",
                Shape::OneOf(closings),
                "what happens to callers who wait at closing",
            ),
            may("on_closed", Shape::Node, "the node if the queue is closed"),
            may("on_full", Shape::Node, "the node if as many wait as may"),
            may("on_waited_too_long", Shape::Node, "the node after the longest wait"),
            may("on_nobody", Shape::Node, "the node if nobody is there who could answer"),
            may("otherwise", Shape::Node, "the node for each of these four that is left out"),
            may(
                "after_call",
                Shape::Node,
                "the node for who is still there after the conversation",
            ),
            may("while_waiting", Shape::Meanwhile, "what callers hear and can do while they wait"),
        ],
        read: |reader, fields, value| reader.queue(fields, value),
    },
    Kind {
        word: "callback",
        about: "promises to ring the caller back, who keeps their place",
        fields: &[
            needed("callback", Shape::Name, "the queue whose advisers ring"),
            may("skills", Shape::Names, "what the adviser must be able to do besides"),
            may(
                "priority",
                Shape::OneOf(urgencies),
                "before whom the caller goes; `normal` if left out",
            ),
            may("at", Shape::Name, "the value that has the time, if one is to be appointed"),
            may("on", Shape::Name, "the value that has the day; the next such time if left out"),
            needed(
                "offer",
                Shape::Words,
                "offers it, with the {callback_number}; 1 or yes takes it, 2 gives another number",
            ),
            needed("ask", Shape::Words, "asks for another number"),
            NO_INPUT,
            may(
                "wrong",
                Shape::Again { timed: false },
                "what is said before a number is asked for again that cannot be rung",
            ),
            TRIES_FIELD,
            may(
                "not_now",
                Shape::Words,
                "what is said to callers who wait if nothing can be promised, before they wait on",
            ),
            needed("then", Shape::Node, "the node once it is promised"),
            needed("already", Shape::Node, "the node if it is promised to that number already"),
            needed(
                "otherwise",
                Shape::Node,
                "the node for callers who do not wait, and do not want it or cannot have it",
            ),
        ],
        read: |reader, fields, value| reader.callback(fields, value),
    },
    Kind {
        word: "transfer",
        about: "puts the caller through to a number outside, or to one adviser",
        fields: &[
            needed("transfer", Shape::Name, "what an adviser would dial to reach them"),
            may("ring_s", whole(RING_S), "how long it rings, in seconds; as [transfers] says"),
            may("on_busy", Shape::Node, "the node if they are busy or refuse the call"),
            may("on_no_answer", Shape::Node, "the node if nobody answers in time"),
            may("on_unreachable", Shape::Node, "the node if they cannot be reached"),
            may("otherwise", Shape::Node, "the node for each of these three that is left out"),
        ],
        read: |reader, fields, value| reader.transfer(fields, value),
    },
    Kind {
        word: "voicemail",
        about: "takes a message",
        fields: &[
            needed("voicemail", Shape::Name, "the queue whose advisers call back"),
            needed("greeting", Shape::Words, "what is said before the tone"),
            may("longest_s", whole(LONGEST_S), "how long a message may be, in seconds"),
            needed("then", Shape::Node, "the node once the message is kept"),
            needed("otherwise", Shape::Node, "the node if there is none"),
        ],
        read: |reader, fields, value| reader.voicemail(fields, value),
    },
    Kind {
        word: "hang_up",
        about: "ends the call",
        fields: &[needed("hang_up", Shape::OneOf(reasons), "why")],
        read: |reader, fields, value| reader.hang_up(fields, value),
    },
];

fn forms() -> Vec<&'static str> {
    Form::WORDS.iter().map(|(word, _)| *word).collect()
}

fn methods() -> Vec<&'static str> {
    Method::WORDS.iter().map(|(word, _)| *word).collect()
}

fn urgencies() -> Vec<&'static str> {
    Urgency::WORDS.iter().map(|(word, _)| *word).collect()
}

fn closings() -> Vec<&'static str> {
    vec!["serve", "tell"]
}

fn reasons() -> Vec<&'static str> {
    Reason::WORDS.iter().map(|(word, _)| *word).collect()
}

/// What `while_waiting` has.
pub const MEANWHILE: &[Field] = &[
    may("position", Shape::Words, "tells callers their place, with the {queue_position}"),
    may("next", Shape::Words, "what is said instead to the first"),
    may(
        "estimate",
        Shape::Words,
        "tells callers how long the wait will probably be, with {wait_least} and {wait_most} minutes",
    ),
    may("soon", Shape::Words, "what is said instead if it is only known to be below {wait_most}"),
    may(
        "worse",
        Shape::Words,
        "what is said first if their place or the wait is worse than they heard; if left out, they do \
         not hear of it then",
    ),
    may("comfort", Shape::Names, "what is said besides, each time the next of these"),
    may("say", Shape::Words, "what callers can do instead of waiting"),
    may("after_s", whole(MEANWHILE_AFTER_S), "after how many seconds they hear it first"),
    may("every_s", whole(MEANWHILE_EVERY_S), "after how many seconds they hear it again"),
    may("keys", Shape::Keys, "keys, and the nodes that they lead to; the place is kept"),
    may("phrases", Shape::Phrases, "what callers can say instead, by key"),
];

/// What the field of a time-out can be.
pub const NO_INPUT_SECONDS: Shape = whole(NO_INPUT_AFTER_S);
