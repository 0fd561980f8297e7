//! Slips of authors: what reads well, and does something else than was meant.

use super::advice::list;
use crate::flow::typing::Misfit;

/// What an author has overlooked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Slip {
    /// A path that would be glued to the back end's address.
    #[error("the path `{path}` does not begin with a slash")]
    NoSlash {
        /// As written.
        path: String,
    },
    /// What stands behind a `#` is sent to nobody.
    #[error("what stands behind the `#` of a path is never sent")]
    Fragment,
    /// A body where none is read.
    #[error("a `GET` has no body: most systems do not read this one")]
    BodyOfGet,
    /// The number of a card that others would see.
    #[error("the number of a payment card is asked for without `secret: true`")]
    CardInTheOpen,
    /// A digit that can be part of the answer ends it.
    #[error("`{key}` ends the answer, and can be part of it")]
    EndsWithAnswer {
        /// The key.
        key: char,
    },
    /// What stands behind a ` #` is a remark.
    #[error("the text ends here: YAML takes \"{lost}\" for a remark")]
    CutOff {
        /// What is not said.
        lost: String,
    },
    /// A line that was meant for a key is a remark.
    #[error("this line is a remark: YAML does not see the key")]
    HashKey,
    /// The words offer a key that leads nowhere.
    #[error("\"{said}\" is said here, and there is no key `{key}`")]
    NoSuchKey {
        /// The words.
        said: String,
        /// The key.
        key: char,
    },
    /// A key that nobody hears of.
    #[error("no words say what the key `{key}` is for{}", in_language(.language))]
    UnsaidKey {
        /// The key.
        key: char,
        /// In which language they do not, if it is not the council's.
        language: Option<String>,
    },
    /// Keys while waiting that nobody hears of.
    #[error("`while_waiting` has `keys:`, and nothing says what they are for")]
    SilentKeys,
    /// Neither words nor keys.
    #[error("`while_waiting` of `{node}` neither says anything nor has keys")]
    IdleWait {
        /// Which node.
        node: String,
    },
    /// Who asks for a person is hung up on.
    #[error("whoever asks for a person comes to `{node}`, and from there to nobody")]
    NoAdviser {
        /// Where `adviser:` leads.
        node: String,
    },
    /// Nobody led here.
    #[error(
        "the number {number} leads to this flow: there is nothing that `return` could go back to"
    )]
    ReturnToNobody {
        /// The number.
        number: String,
    },
    /// Values that do not go together.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// A step that would be two.
    #[error("a step is one thing, not `{first}` and `{second}` at once")]
    TwoSteps {
        /// One.
        first: &'static str,
        /// The other, which would not be looked at.
        second: &'static str,
    },
    /// Something beside a step that means nothing there.
    #[error("`{field}` means nothing beside `{step}`")]
    NotOfStep {
        /// What.
        field: String,
        /// Which step.
        step: &'static str,
        /// What can stand there.
        allowed: &'static [&'static str],
    },
    /// Two tests that nobody can tell apart.
    #[error("there are two tests `{name}`")]
    SameTest {
        /// Their name.
        name: String,
        /// The line of the first.
        first_line: usize,
    },
    /// A number whose first digit YAML drops.
    #[error("YAML takes `{field}` for a number and drops its leading 0")]
    LostZero {
        /// Of which key.
        field: String,
    },
    /// Not so many seconds or minutes.
    #[error("`{written}` is not a time to wait")]
    BadWait {
        /// As written.
        written: String,
    },
}

impl Slip {
    /// Whether the flow runs nevertheless.
    pub(super) fn is_warning(&self) -> bool {
        match self {
            Slip::NoSlash { .. }
            | Slip::CardInTheOpen
            | Slip::IdleWait { .. }
            | Slip::Misfit(_)
            | Slip::TwoSteps { .. }
            | Slip::NotOfStep { .. }
            | Slip::SameTest { .. }
            | Slip::LostZero { .. }
            | Slip::BadWait { .. } => false,
            Slip::Fragment
            | Slip::BodyOfGet
            | Slip::EndsWithAnswer { .. }
            | Slip::CutOff { .. }
            | Slip::HashKey
            | Slip::NoSuchKey { .. }
            | Slip::UnsaidKey { .. }
            | Slip::SilentKeys
            | Slip::NoAdviser { .. }
            | Slip::ReturnToNobody { .. } => true,
        }
    }

    /// What would be right.
    pub(super) fn advice(&self) -> String {
        match self {
            Slip::NoSlash { path } => format!(
                "write `/{path}`: it stands right behind the `url` of the back end, and without the \
                 slash that is another host"
            ),
            Slip::Fragment => "leave it out, or write `%23` for the sign itself".to_owned(),
            Slip::BodyOfGet => {
                "add `method: POST`, or leave `body` out and put the values into the `path`"
                    .to_owned()
            }
            Slip::CardInTheOpen => {
                "add `secret: true`: only then the recording pauses, and the digits \
                are kept from the journal and everybody who listens in, as PCI DSS demands"
                    .to_owned()
            }
            Slip::EndsWithAnswer { .. } => {
                "leave `ends_with` out: it is \"#\", and so is what callers are used to".to_owned()
            }
            Slip::CutOff { .. } => {
                "put the whole text into \"quotes\"; if it is a remark, move it to a \
                line of its own above"
                    .to_owned()
            }
            Slip::HashKey => "write the key in quotes: `\"#\": ...`".to_owned(),
            Slip::NoSuchKey { key, .. } => {
                format!("add `{}:` with a node below `keys:`, or change the words", quoted(*key))
            }
            Slip::UnsaidKey { key, .. } => {
                let named = match key {
                    '*' => "press star".to_owned(),
                    '#' => "press hash".to_owned(),
                    digit => format!("press {digit}"),
                };
                format!("say the choice, and then `{named}`; or remove the key")
            }
            Slip::SilentKeys => "add `say: If you would rather be rung back, press 1.`".to_owned(),
            Slip::IdleWait { .. } => {
                "add one of `position`, `estimate`, `comfort`, `say` or `keys`; \
                `worse` is only said before these"
                    .to_owned()
            }
            Slip::NoAdviser { .. } => {
                "let it lead to a `queue`, a `transfer`, a `callback` or a `voicemail`".to_owned()
            }
            Slip::ReturnToNobody { .. } => {
                "callers of that number are hung up on here: end with a \
                `say` and a `hang_up`, or let the number lead to a flow that leads to this one"
                    .to_owned()
            }
            Slip::Misfit(misfit) => misfit.advice(),
            Slip::TwoSteps { second, .. } => {
                format!("begin a new line for the second: `- {second}: ...`")
            }
            Slip::NotOfStep { allowed: [], .. } => "leave it out".to_owned(),
            Slip::NotOfStep { allowed, .. } => format!("it can have: {}", list(allowed)),
            Slip::SameTest { first_line, .. } => {
                format!("give one of the two another name; the first is in line {first_line}")
            }
            Slip::LostZero { .. } => "put it into \"quotes\"".to_owned(),
            Slip::BadWait { .. } => "write it as in `12 s` or `2 min`, an hour at most".to_owned(),
        }
    }
}

fn quoted(key: char) -> String {
    if key.is_ascii_digit() { key.to_string() } else { format!("\"{key}\"") }
}

fn in_language(language: &Option<String>) -> String {
    language.as_ref().map_or(String::new(), |language| format!(" in `{language}`"))
}
