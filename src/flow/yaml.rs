//! YAML as a tree in which every key and value knows its place in the file.
//!
//! The tree is read first and understood second, so that one wrong word does not hide the findings
//! after it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

/// A place in a file. Lines and columns count from 1, columns in characters; the offset and the
/// length are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// Bytes before it.
    pub offset: usize,
    /// Bytes that it covers.
    pub len: usize,
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        let span = location.span();
        let whole = |n: u64| usize::try_from(n).unwrap_or(0);
        Place {
            line: whole(location.line()),
            column: whole(location.column()),
            offset: whole(span.byte_offset().unwrap_or(0)),
            len: whole(span.byte_len().unwrap_or(0)),
        }
    }
}

/// Something and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// Where.
    pub place: Place,
    /// What.
    pub value: T,
}

/// A value and where it was written.
pub type Tree = At<Value>;

/// What YAML can say.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: `key:` without a value, `~` or `null`.
    Nothing,
    /// Text.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// `true` or `false`.
    Truth(bool),
    /// A number with a fraction or beyond 64 bits.
    Number(f64),
    /// A list.
    List(Vec<Tree>),
    /// Keys and values in the order of the file; a key may come twice.
    Map(Vec<(At<String>, Tree)>),
}

impl Value {
    /// What it is, in words for a finding.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Nothing => "nothing",
            Value::Text(_) => "text",
            Value::Whole(_) => "a whole number",
            Value::Truth(_) => "`true` or `false`",
            Value::Number(_) => "a number",
            Value::List(_) => "a list",
            Value::Map(_) => "keys and values",
        }
    }
}

/// Why a text is not YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYaml {
    /// Where it stops being YAML.
    pub place: Place,
    /// Why, in the parser's words where they help.
    pub why: String,
    /// What would be right, if that is known.
    pub right: Option<&'static str>,
}

/// Deeper than this is no flow; it bounds the stack that a hostile file can use.
const MAX_DEPTH: usize = 24;
/// More keys, values and entries than this, those of aliases counted, are no flow.
const MAX_NODES: usize = 50_000;
/// More than this (1 MiB) is no flow.
const MAX_BYTES: usize = 1 << 20;

const ONE_FILE_EACH: &str = "a file is one flow: remove the line `---`, or make two files of it";
const NO_ALIASES: &str = "write it out, in several files if it is long; `&names` and `*aliases` are not \
    needed in flows";

/// Reads a text.
pub fn parse(text: &str) -> Result<Tree, NotYaml> {
    let start = Place { line: 1, column: 1, offset: 0, len: 0 };
    if text.len() > MAX_BYTES {
        let why = "the file is larger than 1 MiB".to_owned();
        return Err(NotYaml { place: start, why, right: Some("make several flows of it") });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Tree>(text, options).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().map_or(start, |location| {
            let place = Place::from(location);
            // The parser's own complaints come without an offset.
            Place { offset: offset_of(text, place.line, place.column), len: 1, ..place }
        });
        let (why, right) = reason(error);
        NotYaml { place, why, right }
    })
}

/// Why a text is not read, and what would be right where the parser's words tell nobody.
fn reason(error: &serde_saphyr::Error) -> (String, Option<&'static str>) {
    use serde_saphyr::Error;
    match error {
        Error::MultipleDocuments { .. } => {
            ("a second document begins after `---`".to_owned(), Some(ONE_FILE_EACH))
        }
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            let why = format!(
                "it is nested deeper than {MAX_DEPTH} levels, or comes to more than {MAX_NODES} entries"
            );
            (why, Some(NO_ALIASES))
        }
        Error::AliasError { error, .. } => reason(error),
        other => {
            // The parser appends its own " at line 3, column 4"; ours is shown in front.
            let why = other.to_string();
            (why.split(" at line ").next().unwrap_or_default().to_owned(), None)
        }
    }
}

/// The bytes before a line and column (in characters); the end of the text if it has no such place.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let mut rest = text;
    for _ in 1..line {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    let into = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    text.len() - rest.len() + into
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Spanned::<Value>::deserialize(deserializer)?;
        Ok(At { place: read.referenced.into(), value: read.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Truth(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Number(number as f64), Value::Whole))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Tree>()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, mut value)) = entries.next_entry::<Tree, Tree>()? {
            if value.value == Value::Nothing {
                // Nothing has no place of its own that could be shown.
                value.place = key.place;
            }
            let name = match key.value {
                Value::Text(text) => text,
                Value::Whole(number) => number.to_string(),
                Value::Truth(truth) => truth.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Nothing => String::new(),
                Value::List(_) | Value::Map(_) => {
                    return Err(A::Error::custom("a key must be a word or a number"));
                }
            };
            map.push((At { place: key.place, value: name }, value));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(tree: &Tree) -> &[(At<String>, Tree)] {
        match &tree.value {
            Value::Map(entries) => entries,
            other => panic!("not a map: {other:?}"),
        }
    }

    #[test]
    fn every_key_and_value_knows_its_line_and_column() {
        let text = "start: welcome\nnodes:\n  welcome:\n    say: >\n      Good day.\n    1: two\n";
        let tree = parse(text).expect("reads");
        let top = entries(&tree);
        assert_eq!((top[0].1.place.line, top[0].1.place.column), (1, 8));
        assert_eq!(&text[top[0].1.place.offset..][..top[0].1.place.len], "welcome");
        let nodes = entries(&top[1].1);
        assert_eq!((nodes[0].0.place.line, nodes[0].0.place.column), (3, 3));
        let welcome = entries(&nodes[0].1);
        assert_eq!(welcome[0].1.value, Value::Text("Good day.\n".to_owned()));
        assert_eq!((welcome[0].0.place.line, welcome[0].0.place.column), (4, 5));
        assert_eq!(welcome[1].0.value, "1");
    }

    #[test]
    fn what_grows_without_end_is_refused_in_words_that_people_know() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let all = format!("*a{}, ", level - 1).repeat(9);
            bomb.push_str(&format!("a{level}: &a{level} [{all}]\n"));
        }
        for text in [bomb, "[".repeat(100) + &"]".repeat(100), "- x\n".repeat(60_000)] {
            let error = parse(&text).expect_err("is refused");
            assert!(error.why.contains("50000 entries"), "{error:?}");
            assert_eq!(error.right, Some(NO_ALIASES));
        }
    }

    #[test]
    fn a_key_that_comes_twice_is_kept_twice() {
        let tree = parse("a: 1\na: 2\n1: x\n\"1\": y\n").expect("reads");
        let keys: Vec<&str> = entries(&tree).iter().map(|(key, _)| key.value.as_str()).collect();
        assert_eq!(keys, ["a", "a", "1", "1"]);
    }

    #[test]
    fn what_is_not_yaml_says_where() {
        let text = "start: ä\nnodes:\n  a: {say: \"unclosed}\n";
        let error = parse(text).expect_err("is refused");
        assert_eq!((error.place.line, error.place.column), (3, 12), "{error:?}");
        assert!(text[error.place.offset..].starts_with("\"unclosed"), "{error:?}");
        let error = parse("start: a\nnodes:\n  *: b\n").expect_err("is refused");
        assert_eq!(error.place.line, 3, "{error:?}");
        let error = parse(&"[".repeat(5_000)).expect_err("is refused");
        assert!(!error.why.is_empty());
        let error = parse("start: a\n---\nstart: b\n").expect_err("is refused");
        assert_eq!(
            (error.why.as_str(), error.place.line),
            ("a second document begins after `---`", 3)
        );
        assert!(error.right.is_some());
        assert!(parse(&" ".repeat(MAX_BYTES + 1)).is_err());
    }
}
