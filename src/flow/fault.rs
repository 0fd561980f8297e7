//! What can be wrong with a flow, where it is, and what would be right.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode, SourceSpan};

use super::yaml::Place;

mod advice;
mod slip;

pub use self::slip::Slip;

/// A file's text and its name as shown to people, shared by all findings about it.
pub type Source = Arc<NamedSource<Arc<str>>>;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The text is not YAML.
    #[error("this cannot be read as YAML: {why}")]
    NotYaml {
        /// The parser's words.
        why: String,
        /// What would be right, if that is known.
        right: Option<&'static str>,
    },
    /// A value of another kind was expected.
    #[error("`{field}` must be {expected}, not {found}")]
    WrongKind {
        /// Of which key.
        field: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A key that means nothing here.
    #[error("`{field}` means nothing in {owner}")]
    UnknownField {
        /// The key.
        field: String,
        /// In what.
        owner: String,
        /// What was probably meant.
        meant: Option<String>,
        /// What would be right.
        allowed: Vec<&'static str>,
    },
    /// A key comes twice.
    #[error("`{field}` is here twice")]
    DuplicateField {
        /// The key.
        field: String,
        /// The line of the first.
        first_line: usize,
    },
    /// A key is missing.
    #[error("{owner} needs `{field}:`")]
    MissingField {
        /// In what.
        owner: String,
        /// The key.
        field: &'static str,
        /// What to write.
        example: &'static str,
    },
    /// A node has no kind.
    #[error("it is not clear what `{node}` does")]
    NoKind {
        /// Which node.
        node: String,
        /// What was probably meant.
        meant: Option<String>,
        /// What would be right.
        kinds: Vec<&'static str>,
    },
    /// A node has two kinds.
    #[error("`{node}` cannot be `{first}` and `{second}` at once")]
    TwoKinds {
        /// Which node.
        node: String,
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A name that cannot be a file's name.
    #[error("`{name}` cannot be a name")]
    BadName {
        /// The name.
        name: String,
    },
    /// There is no `start:`.
    #[error("the flow does not say where it starts")]
    MissingStart {
        /// The first node, if there is one.
        first: Option<String>,
    },
    /// A node that is not in the file.
    #[error("there is no node `{name}` in this flow")]
    UnknownNode {
        /// Its name.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// A queue, calendar, skill or intent that is declared nowhere.
    #[error("there is no {what} `{name}` in {}", what.declared_in())]
    UnknownName {
        /// What it should be.
        what: What,
        /// Its name.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
        /// The names that the settings have.
        known: Vec<String>,
    },
    /// A message for a queue that no agent serves.
    #[error("nobody would ever hear the messages for `{queue}`: no agent has its skills")]
    NobodyListens {
        /// Which queue.
        queue: String,
    },
    /// Callers are promised to be rung back, and nobody can be rung.
    #[error("nobody can be rung back: the settings have no trunk")]
    NoWayOut,
    /// Phrases for a key that leads nowhere.
    #[error("`{key}` is none of the keys here")]
    NoSuchKey {
        /// Which.
        key: String,
        /// The keys that lead somewhere.
        keys: Vec<String>,
    },
    /// A skill is asked for twice, perhaps with two levels.
    #[error("`{skill}` is asked for twice; the first time as `{first}`")]
    SkillTwice {
        /// Which.
        skill: String,
        /// As it was written first.
        first: String,
    },
    /// Nothing leads to a node.
    #[error("no caller can ever come to `{node}`")]
    Unreachable {
        /// Which node.
        node: String,
    },
    /// A node that does not say what comes next.
    #[error("`{node}` is a dead end: it does not say what comes next")]
    DeadEnd {
        /// Which node.
        node: String,
    },
    /// A caller who presses nothing goes round for ever.
    #[error("a caller who presses nothing goes round for ever: {}", path.join(" -> "))]
    Loop {
        /// The nodes, the first again at the end.
        path: Vec<String>,
    },
    /// Not a key of a telephone.
    #[error("`{key}` is not a key of a telephone")]
    BadKey {
        /// What was written.
        key: String,
    },
    /// A number beyond its limits.
    #[error("`{field}` is {value}, which is out of range")]
    OutOfRange {
        /// The key.
        field: String,
        /// The number.
        value: i64,
        /// The least that is allowed.
        least: i64,
        /// The most that is allowed.
        most: i64,
    },
    /// A word that is not one of a few.
    #[error("`{value}` is not something that `{field}` can be")]
    BadChoice {
        /// The key.
        field: String,
        /// The word.
        value: String,
        /// What would be right.
        allowed: Vec<&'static str>,
    },
    /// Nothing is there where something must be.
    #[error("`{field}` is empty")]
    Empty {
        /// The key.
        field: String,
    },
    /// Longer than anybody listens.
    #[error("this text has {letters} letters; the most is {most}")]
    TextTooLong {
        /// How long it is.
        letters: usize,
        /// The limit.
        most: usize,
    },
    /// Two texts would be kept in one file.
    #[error("the prompt of `{node}` would be kept in the same file as another node's: {prompt}")]
    SamePrompt {
        /// The second node.
        node: String,
        /// The file's name.
        prompt: String,
    },
    /// A name is declared in two places.
    #[error("the {what} `{name}` is declared twice")]
    DeclaredTwice {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
        /// Where the first is, as `file:line`.
        first: String,
    },
    /// More of something than there may be.
    #[error("there are {count} {what}; the most is {most}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// Too few examples to learn from.
    #[error("`{intent}` has {count} examples; the least is {least}")]
    FewExamples {
        /// Of which intent.
        intent: String,
        /// How many there are.
        count: usize,
        /// How many there must be.
        least: usize,
    },
    /// An example stands in two places.
    #[error("the example `{text}` is here twice")]
    SameExample {
        /// The example.
        text: String,
        /// Whose the first is, and where.
        first: String,
    },
    /// A pattern of words has a part without any.
    #[error("the pattern `{pattern}` has a part without words")]
    EmptyPattern {
        /// The pattern.
        pattern: String,
    },
    /// A pattern names a set that is not declared.
    #[error("there is no set `{name}` in this file")]
    UnknownSet {
        /// Its name.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// A name that a value cannot have.
    #[error("`{name}` cannot be the name of a value")]
    BadValueName {
        /// The name.
        name: String,
    },
    /// What is no language.
    #[error("`{language}` is not a language")]
    BadLanguage {
        /// As written.
        language: String,
    },
    /// A language that callers can choose and that no text is in.
    #[error("no flow says anything in `{language}`")]
    NothingInLanguage {
        /// Which.
        language: String,
    },
    /// A brace without its fellow.
    #[error("a `{{` here has no `}}` that belongs to it, or the other way round")]
    BadBrace,
    /// An expression that cannot be read.
    #[error("this condition or sum cannot be read: {why}")]
    BadExpression {
        /// In the reader's words.
        why: String,
    },
    /// A skill with a level that is none.
    #[error("{why}")]
    BadLevel {
        /// What is wrong with it.
        why: crate::id::AbilityError,
    },
    /// A number of keys that makes no sense.
    #[error("this is not a number of keys that it can have")]
    BadLength {
        /// The least.
        least: usize,
        /// The most.
        most: usize,
    },
    /// A status that HTTP does not have.
    #[error("`{status}` is not a status that an answer can have")]
    BadStatus {
        /// As written.
        status: String,
    },
    /// A value that nothing makes.
    #[error("nothing in the flows ever says what `{name}` is")]
    UnknownValue {
        /// Its name.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// A value that cannot be spoken.
    #[error("`{name}` is text, and text that is not known before the call cannot be spoken")]
    NotSpeakable {
        /// Its name.
        name: String,
    },
    /// A name stands for two kinds of values.
    #[error("`{name}` is {first} elsewhere, and {second} here")]
    KindsDiffer {
        /// The name.
        name: String,
        /// What it is elsewhere.
        first: &'static str,
        /// What it is here.
        second: &'static str,
    },
    /// A secret would be spoken.
    #[error("what is secret must not be read back")]
    SecretSpoken,
    /// A secret would be seen.
    #[error("`{name}` is secret and can only be sent in the body of a request")]
    SecretSeen {
        /// Its name.
        name: String,
    },
    /// A flow that is not there.
    #[error("there is no flow `{name}`")]
    UnknownFlow {
        /// Its name.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// Flows lead to one another in a circle.
    #[error("these flows lead to one another in a circle: {}", path.join(" -> "))]
    FlowLoop {
        /// The flows, the first again at the end.
        path: Vec<String>,
    },
    /// A flow comes back with a word that leads nowhere.
    #[error("`{flow}` can come back with `{word}`, which leads nowhere here")]
    MissingReturn {
        /// The other flow.
        flow: String,
        /// The word.
        word: String,
    },
    /// A flow never comes back with a word.
    #[error("`{flow}` never comes back with `{word}`")]
    UnknownReturn {
        /// The other flow.
        flow: String,
        /// The word.
        word: String,
        /// The words that it has.
        known: Vec<String>,
    },
    /// A flow is not told what it must be told.
    #[error("`{flow}` must be told `{value}`")]
    NotTold {
        /// The other flow.
        flow: String,
        /// The value.
        value: String,
    },
    /// A template is not given what stands in it.
    #[error("`{template}` needs `{field}`")]
    TemplateNeeds {
        /// The template.
        template: String,
        /// What stands in it.
        field: String,
    },
    /// A template is given what it does not have.
    #[error("nothing in `{template}` is called `{field}`")]
    TemplateHasNot {
        /// The template.
        template: String,
        /// The name.
        field: String,
        /// What stands in it.
        known: Vec<String>,
    },
    /// Nobody can be reached by that.
    #[error("`{to}` leads to nobody whom a caller can be put through to")]
    NoDestination {
        /// As written.
        to: String,
    },
    /// A flow would ring an emergency service.
    #[error("a flow never puts callers through to `{to}`")]
    Emergency {
        /// As written.
        to: String,
    },
    /// The flow may not ring that number.
    #[error("the settings do not let this flow ring `{to}`")]
    MayNotRing {
        /// As written.
        to: String,
    },
    /// More choices than callers remember.
    #[error("this menu has {choices} choices; callers remember four")]
    ManyChoices {
        /// How many.
        choices: usize,
    },
    /// The key is said before the choice.
    #[error("the key is said before what it does: \"{said}\"")]
    KeyFirst {
        /// The words.
        said: String,
    },
    /// A menu below three others.
    #[error("this menu comes after {above} others; callers lose their way after three levels")]
    DeepMenu {
        /// How many are above it.
        above: usize,
    },
    /// Callers who press nothing do not come to a person.
    #[error("whoever cannot choose here does not come to a person within two steps")]
    NoPerson,
    /// Not a day and a time.
    #[error("`{written}` is not a day and a time")]
    BadMoment {
        /// As written.
        written: String,
    },
    /// A flow does something else than its test says.
    #[error("{test}: {wrong}")]
    TestFailed {
        /// The test's name.
        test: String,
        /// What is wrong.
        wrong: String,
    },
    /// A prompt was never rendered.
    #[error("the prompt `{prompt}` has no sound file")]
    PromptMissing {
        /// Its name.
        prompt: String,
    },
    /// A prompt's sound file says something else.
    #[error("the sound file of the prompt `{prompt}` was made from another text")]
    PromptStale {
        /// Its name.
        prompt: String,
    },
    /// Something that reads well and is hardly meant.
    #[error(transparent)]
    Slip(#[from] Slip),
}

/// What a flow can name in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A queue.
    Queue,
    /// A calendar.
    Calendar,
    /// A skill.
    Skill,
    /// A back end.
    Backend,
    /// A bulletin. Flows make them up.
    Bulletin,
    /// What callers can be sent.
    Template,
    /// Whom callers can be put through to. Whether that may be is asked for each.
    Destination,
    /// What a call can be about.
    Intent,
}

impl What {
    /// Where it would have to be declared.
    pub const fn declared_in(self) -> &'static str {
        match self {
            What::Queue | What::Calendar | What::Skill | What::Backend | What::Template => {
                "the settings"
            }
            What::Destination | What::Bulletin => "the flows",
            What::Intent => "the files of intents",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Queue => "queue",
            What::Calendar => "calendar",
            What::Skill => "skill",
            What::Backend => "back end",
            What::Bulletin => "bulletin",
            What::Template => "template",
            What::Destination => "destination",
            What::Intent => "intent",
        })
    }
}

/// The command that makes prompts' sound files.
pub const RENDER_COMMAND: &str = "switchboard prompts render";

/// One thing that is wrong and its place. Printed, it begins with `file:line:column`; as a
/// [`miette::Report`] it shows the place.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where.
    pub place: Place,
    source: Source,
}

impl Fault {
    /// A fault at a place of a file.
    pub fn new(kind: FaultKind, place: Place, source: &Source) -> Self {
        // Nothing read from the file may point beyond it, or the caret would be drawn nowhere.
        let text = source.inner();
        let mut offset = place.offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let written = text.get(offset..offset + place.len.min(text.len() - offset));
        let first_line = written.and_then(|text| text.lines().next()).unwrap_or_default();
        let place = Place {
            line: place.line.max(1),
            column: place.column.max(1),
            offset,
            len: first_line.trim_end().len(),
        };
        Fault { kind, place, source: Arc::clone(source) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{}:{line}:{column}: {}", self.source.name(), self.kind)
    }
}

impl std::error::Error for Fault {}

impl Diagnostic for Fault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind.advice()))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.kind.is_warning() {
            true => miette::Severity::Warning,
            false => miette::Severity::Error,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source.as_ref())
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = SourceSpan::from((self.place.offset, self.place.len));
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".to_owned()), span))))
    }
}
