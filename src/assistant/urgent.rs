//! Phrases that must reach a person at once, whatever the call is about: found by declared patterns,
//! and by what was learned from declared examples. Either is enough: one caller too many for a person
//! costs a minute, one too few may cost more.
//!
//! A pattern is made of parts joined by ` + `, which may come in any order. A part is words in a row,
//! at most two others between each and the next; `a|b` is either, `<set>` any of a declared set,
//! `hurt*` any word that begins so, `right_now` two words with nothing between.

use std::collections::BTreeMap;

use crate::id::UrgentName;

/// A kind that is at least as likely is taken for meant.
const LEAST_CHANCE: f32 = 0.3;
/// What can wait as surely as this can, whatever words are in it.
const MOST_CALM: f32 = 0.99;
/// Words that may stand between two of a part.
const MAX_BETWEEN: usize = 2;

/// What is declared as urgent.
#[derive(Debug, Clone, Default)]
pub struct Urgent {
    /// In the order of the file: what comes first is told first.
    pub kinds: Vec<UrgentKind>,
}

/// One kind of need.
#[derive(Debug, Clone)]
pub struct UrgentKind {
    /// Its name.
    pub name: UrgentName,
    /// How it is shown to an adviser.
    pub says: String,
    /// Any of these is enough.
    pub any: Vec<Pattern>,
    /// But none of these.
    pub unless: Vec<Pattern>,
    /// How callers say it, to be learned from.
    pub examples: Vec<String>,
}

impl Urgent {
    /// Every kind that the text names, or that is as likely as its chance in `chances` says (in the
    /// order of kinds, then the chance that it can wait).
    pub fn find(&self, text: &str, chances: &[f32]) -> Vec<UrgentName> {
        let words = words(text);
        let named = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.stands_in(&words));
        let calm = chances.last().copied().unwrap_or(0.0);
        let likely = |at: usize| chances.get(at).copied().unwrap_or(0.0);
        self.kinds
            .iter()
            .enumerate()
            .filter(|(at, kind)| {
                let told = named(&kind.any) && !named(&kind.unless);
                likely(*at) >= LEAST_CHANCE || told && calm < MOST_CALM
            })
            .map(|(_, kind)| kind.name.clone())
            .collect()
    }
}

/// Sets of phrases that patterns name.
pub type Sets = BTreeMap<String, Vec<String>>;

/// Why a pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPattern {
    /// A part without words.
    Empty,
    /// A set that is not declared.
    UnknownSet(String),
}

/// What must stand in an utterance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Vec<Item>>,
}

/// One place of a part: any of these phrases.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    phrases: Vec<Vec<Word>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Whole(String),
    BeginsWith(String),
}

impl Word {
    fn read(text: &str) -> Option<Word> {
        let begins = text.ends_with('*');
        let word = words(text).into_iter().next()?;
        Some(if begins { Word::BeginsWith(word) } else { Word::Whole(word) })
    }

    fn is(&self, word: &str) -> bool {
        match self {
            Word::Whole(whole) => whole == word,
            Word::BeginsWith(beginning) => word.starts_with(beginning.as_str()),
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    pub fn read(text: &str, sets: &Sets) -> Result<Pattern, BadPattern> {
        let parts = text.split(" + ").map(|part| {
            let items: Vec<Item> = part
                .split_whitespace()
                .map(|item| Item::read(item, sets))
                .collect::<Result<_, _>>()?;
            if items.is_empty() { Err(BadPattern::Empty) } else { Ok(items) }
        });
        Ok(Pattern { parts: parts.collect::<Result<_, _>>()? })
    }

    fn stands_in(&self, words: &[String]) -> bool {
        self.parts.iter().all(|part| (0..words.len()).any(|at| stands_at(part, words, at)))
    }
}

impl Item {
    fn read(text: &str, sets: &Sets) -> Result<Item, BadPattern> {
        let mut phrases = Vec::new();
        for either in text.split('|') {
            let set = either.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
            match set {
                Some(name) => {
                    let set =
                        sets.get(name).ok_or_else(|| BadPattern::UnknownSet(name.to_owned()))?;
                    phrases.extend(set.iter().map(|phrase| read_phrase(phrase)));
                }
                None => phrases.push(read_phrase(either)),
            }
        }
        if phrases.iter().any(Vec::is_empty) {
            Err(BadPattern::Empty)
        } else {
            Ok(Item { phrases })
        }
    }
}

fn read_phrase(text: &str) -> Vec<Word> {
    text.split(|c: char| c.is_whitespace() || c == '_').filter_map(Word::read).collect()
}

/// Whether a part begins at `at`.
fn stands_at(part: &[Item], words: &[String], at: usize) -> bool {
    let Some((item, rest)) = part.split_first() else { return true };
    item.phrases.iter().any(|phrase| {
        let end = at + phrase.len();
        let stands = words.get(at..end).is_some_and(|found| {
            found.iter().zip(phrase).all(|(word, expected)| expected.is(word))
        });
        stands
            && (rest.is_empty()
                || (end..=end + MAX_BETWEEN).any(|next| stands_at(rest, words, next)))
    })
}

/// Small letters, no apostrophes and no "'s": "can't" and "cant" are one, "he's" and "he" too.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('’', "'");
    let plain = |written: &str| -> String {
        let written = written.trim_matches('\'');
        let whose = written.strip_suffix("'s").unwrap_or(written);
        let word: String = whose.chars().filter(|c| c.is_alphanumeric()).collect();
        match word.as_str() {
            "hes" | "shes" | "its" | "theres" | "thats" | "someones" | "somebodys" => {
                word.trim_end_matches('s').to_owned()
            }
            _ => word,
        }
    };
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(plain)
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let sets =
            Sets::from([("no".to_owned(), vec!["no".to_owned(), "haven't got any".to_owned()])]);
        Pattern::read(text, &sets).expect("is a pattern")
    }

    #[test]
    fn parts_come_in_any_order_and_words_in_a_row() {
        let no_heating = pattern("<no> heating|boiler + baby");
        for said in [
            "I've no heating and a new baby",
            "my baby is cold, we haven't got any heating",
            "no gas central heating, baby here",
        ] {
            assert!(no_heating.stands_in(&words(said)), "{said}");
        }
        for said in
            ["the heating, no baby", "no money for the house and heating with a baby", "baby"]
        {
            assert!(!no_heating.stands_in(&words(said)), "{said}");
        }
        assert!(pattern("hurt* me").stands_in(&words("he's hurting me")));
        assert!(!pattern("hurt me").stands_in(&words("he's hurting me")));
    }

    #[test]
    fn a_pattern_that_means_nothing_says_why() {
        let read = |text: &str| Pattern::read(text, &Sets::new());
        assert_eq!(read("<nobody> here"), Err(BadPattern::UnknownSet("nobody".to_owned())));
        assert_eq!(read(" + gas"), Err(BadPattern::Empty));
        assert_eq!(read("a||b"), Err(BadPattern::Empty));
        assert_eq!(read(""), Err(BadPattern::Empty));
    }
}
