//! Words that callers hear, with values in them: `Your balance is {balance}.`

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::speak;
use super::value::{Kind, Value, Values};
use crate::id::{LanguageName, PromptName, ValueName};

/// Under which name is remembered what language a caller wants.
pub const LANGUAGE: &str = "language";

/// What is said at one place of a flow: recordings, and values between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wording {
    /// In the council's language.
    parts: Vec<Part>,
    /// In others.
    others: BTreeMap<LanguageName, Vec<Part>>,
}

/// A part of a wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A recording.
    Prompt(PromptName),
    /// A value.
    Value {
        /// Which.
        name: ValueName,
        /// How it is spoken (`{caller as digits}`); as what it is if nothing is said.
        kind: Option<Kind>,
    },
}

impl Wording {
    /// Of these parts, and those in other languages.
    pub fn new(parts: Vec<Part>, others: BTreeMap<LanguageName, Vec<Part>>) -> Self {
        Wording { parts, others }
    }

    fn all(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().chain(self.others.values().flatten())
    }

    /// Its recordings, in all languages.
    pub fn prompts(&self) -> impl Iterator<Item = &PromptName> {
        self.all().filter_map(|part| match part {
            Part::Prompt(prompt) => Some(prompt),
            Part::Value { .. } => None,
        })
    }

    /// Whether it says a value, `but` not counted.
    pub fn says_values(&self, but: Option<&ValueName>) -> bool {
        let value = |part: &Part| matches!(part, Part::Value { name, .. } if Some(name) != but);
        self.all().any(value)
    }

    /// The recordings that say it now, in order, in the language of the value [`LANGUAGE`] if it is there
    /// in that. `kinds` tells what the flow's values are.
    pub fn spoken(
        &self,
        values: &Values,
        kinds: &BTreeMap<ValueName, Kind>,
        today: Date,
    ) -> Vec<PromptName> {
        let mut prompts = Vec::new();
        let language = values.get(LANGUAGE).map(ToString::to_string);
        let other = language.and_then(|language| self.others.get(language.as_str()));
        for part in other.unwrap_or(&self.parts) {
            match part {
                Part::Prompt(prompt) => prompts.push(prompt.clone()),
                Part::Value { name, kind } => {
                    let kind = kind.or_else(|| kinds.get(name).copied()).unwrap_or(Kind::Number);
                    let value = values.get(name).unwrap_or(&Value::Nothing);
                    prompts.extend(speak::say(value, kind, today));
                }
            }
        }
        prompts
    }
}

/// A piece of a text as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Words.
    Words(&'t str),
    /// `{name}` or `{name as kind}`.
    Value {
        /// The name.
        name: &'t str,
        /// The word after `as`.
        kind: Option<&'t str>,
        /// Bytes before it in the text.
        offset: usize,
        /// Bytes that it covers, braces included.
        len: usize,
    },
}

/// A text's pieces; the place of a brace without its fellow otherwise.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, usize> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(brace) = rest.find(['{', '}']) else {
            pieces.push(Piece::Words(rest));
            break;
        };
        let (words, from) = rest.split_at(brace);
        if !words.is_empty() {
            pieces.push(Piece::Words(words));
        }
        let open = at + brace;
        let inside = from.strip_prefix('{').ok_or(open)?;
        let end = inside.find(['{', '}']).ok_or(open)?;
        let (inside, after) = inside.split_at(end);
        if !after.starts_with('}') {
            return Err(open);
        }
        let len = end + 2;
        let (name, kind) = match inside.split_once(" as ") {
            Some((name, kind)) => (name.trim(), Some(kind.trim())),
            None => (inside.trim(), None),
        };
        pieces.push(Piece::Value { name, kind, offset: open, len });
        at = open + len;
    }
    Ok(pieces)
}

/// A text for a back end or a message: words with values put in as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<TemplatePiece>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePiece {
    /// Words.
    Words(String),
    /// A value.
    Value(ValueName),
}

impl Template {
    /// Of a text's pieces; how values are spoken does not matter here.
    pub fn new(pieces: &[Piece<'_>]) -> Self {
        let pieces = pieces.iter().map(|piece| match piece {
            Piece::Words(words) => TemplatePiece::Words((*words).to_owned()),
            Piece::Value { name, .. } => TemplatePiece::Value(ValueName::from(*name)),
        });
        Template { pieces: pieces.collect() }
    }

    /// The values that it needs.
    pub fn names(&self) -> impl Iterator<Item = &ValueName> {
        self.pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Words(_) => None,
            TemplatePiece::Value(name) => Some(name),
        })
    }

    /// The one value that it is, if it is nothing else.
    pub fn alone(&self) -> Option<&ValueName> {
        match self.pieces.as_slice() {
            [TemplatePiece::Value(name)] => Some(name),
            _ => None,
        }
    }

    /// Filled in, each value written by `write`.
    pub fn filled(&self, mut write: impl FnMut(&ValueName) -> String) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                TemplatePiece::Words(words) => words.clone(),
                TemplatePiece::Value(name) => write(name),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_words_and_values() {
        let value = |name, kind, offset, len| Piece::Value { name, kind, offset, len };
        assert_eq!(
            pieces("It is {balance}, due {due as date}."),
            Ok(vec![
                Piece::Words("It is "),
                value("balance", None, 6, 9),
                Piece::Words(", due "),
                value("due", Some("date"), 21, 13),
                Piece::Words("."),
            ])
        );
        assert_eq!(pieces(""), Ok(Vec::new()));
        assert_eq!(pieces("a {b"), Err(2));
        assert_eq!(pieces("a b}"), Err(3));
        assert_eq!(pieces("a {b{c}"), Err(2));
    }

    #[test]
    fn a_template_is_filled_in() {
        let read = |text| Template::new(&pieces(text).expect("is good"));
        let template = read("/accounts/{account}/{year}");
        assert_eq!(template.filled(|name| format!("<{name}>")), "/accounts/<account>/<year>");
        assert_eq!(template.alone(), None);
        assert_eq!(read("{account}").alone(), Some(&"account".into()));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[a-c{} é]{0,20}") {
            if let Ok(pieces) = pieces(&text) {
                for piece in pieces {
                    if let Piece::Value { offset, len, .. } = piece {
                        let value = &text[offset..offset + len];
                        let braces = value.starts_with('{') && value.ends_with('}');
                        prop_assert!(braces);
                    }
                }
            }
        }
    }
}
