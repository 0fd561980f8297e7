//! Whether what a menu says is what its keys do, in each language: an offer without a key, and a key that
//! nobody hears of.

use std::collections::BTreeSet;

use crate::flow::fault::Slip;
use crate::flow::fields::Faults;
use crate::flow::load::{Draft, DraftNode};
use crate::flow::model::Node;
use crate::flow::prompt::SpokenText;
use crate::flow::yaml::At;
use crate::id::{LanguageName, NodeName};
use crate::media::command::Key;

/// The words before a key, in English and in Welsh.
const PRESS: [&str; 4] = ["press", "pressing", "gwasgwch", "pwyswch"];
/// The keys in English.
const WORDS: [(&str, char); 15] = [
    ("zero", '0'),
    ("nought", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("star", '*'),
    ("*", '*'),
    ("hash", '#'),
    ("#", '#'),
];

/// Notes what menus and those who wait are offered without a key, and keys that are offered to nobody.
pub fn check(draft: &Draft, faults: &mut Faults) {
    for node in &draft.nodes {
        let keys: Vec<Key> = match &node.node {
            // Who is asked how it was hears the ends of the scale.
            Some(Node::Menu(menu)) if menu.rates.is_none() => menu.keys.keys().copied().collect(),
            Some(Node::Queue(queue)) => match &queue.meanwhile {
                Some(meanwhile) if meanwhile.words.is_none() && !meanwhile.keys.is_empty() => {
                    if said(&all(node)).is_empty() {
                        faults.note(Slip::SilentKeys.into(), node.name.place);
                        continue;
                    }
                    meanwhile.keys.keys().copied().collect()
                }
                Some(meanwhile) => meanwhile.keys.keys().copied().collect(),
                None => continue,
            },
            Some(_) | None => continue,
        };
        // 0 leads to a person wherever it has no other use.
        let zero = draft.adviser.is_some();
        let keys: BTreeSet<char> = keys.into_iter().map(Key::as_char).collect();
        for text in &node.texts {
            for (said, key) in offered(&text.value.text) {
                let known = keys.contains(&key) || key == '0' && zero;
                if !known {
                    faults.note(Slip::NoSuchKey { said, key }.into(), text.place);
                }
            }
        }
        let languages: BTreeSet<Option<&LanguageName>> =
            node.texts.iter().map(|text| text.value.language.as_ref()).collect();
        let before = before(draft, &node.name.value);
        for language in languages {
            unsaid(node, &before, language, &keys, faults);
        }
    }
}

/// Notes keys that no text of a node in a language names, nor what is said before it.
fn unsaid(
    node: &DraftNode,
    before: &[&SpokenText],
    language: Option<&LanguageName>,
    keys: &BTreeSet<char>,
    faults: &mut Faults,
) {
    let own = |text: &&At<SpokenText>| text.value.language.as_ref() == language;
    let Some(first) = node.texts.iter().find(own) else { return };
    let mut texts: Vec<&SpokenText> =
        node.texts.iter().filter(own).map(|text| &text.value).collect();
    texts.extend(before);
    let named = said(&texts);
    // How other languages call their keys is not known; where none has a digit, they are words.
    if language.is_some() && !named.iter().any(char::is_ascii_digit) {
        return;
    }
    let sign = |key: &&char| language.is_none() || key.is_ascii_digit();
    for key in keys.iter().filter(sign).filter(|key| !named.contains(*key)) {
        let language = language.map(ToString::to_string);
        faults.note(Slip::UnsaidKey { key: *key, language }.into(), first.place);
    }
}

fn all(node: &DraftNode) -> Vec<&SpokenText> {
    node.texts.iter().map(|text| &text.value).collect()
}

/// What is said before a node without a question between: choices can be said there.
fn before<'d>(draft: &'d Draft, node: &NodeName) -> Vec<&'d SpokenText> {
    let mut texts = Vec::new();
    let mut seen: BTreeSet<&NodeName> = BTreeSet::new();
    let mut next = vec![node];
    while let Some(to) = next.pop() {
        for before in &draft.nodes {
            let leads = before.links.iter().any(|link| link.to.value == *to);
            let says = matches!(before.node, Some(Node::Say(_) | Node::Bulletin(_)));
            if leads && says && seen.insert(&before.name.value) {
                texts.extend(all(before));
                next.push(&before.name.value);
            }
        }
    }
    texts
}

/// The keys that are named anywhere in texts.
fn said(texts: &[&SpokenText]) -> BTreeSet<char> {
    texts.iter().flat_map(|text| text.text.split_whitespace()).filter_map(key).collect()
}

/// The key that a word is.
fn key(word: &str) -> Option<char> {
    let bare = bare(word);
    let mut letters = bare.chars();
    match (letters.next(), letters.next()) {
        (Some(digit @ '0'..='9'), None) => Some(digit),
        _ => WORDS.iter().find(|(known, _)| *known == bare).map(|(_, key)| *key),
    }
}

fn bare(word: &str) -> String {
    let sign = |c: char| !c.is_alphanumeric() && !matches!(c, '*' | '#');
    word.trim_matches(sign).to_lowercase()
}

/// What callers are told to press: "press 1", "press the hash key", "press 2 or 3".
fn offered(text: &str) -> Vec<(String, char)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found = Vec::new();
    for (at, press) in words.iter().enumerate() {
        if !PRESS.contains(&bare(press).as_str()) {
            continue;
        }
        let mut rest = words.iter().skip(at + 1).peekable();
        rest.next_if(|word| matches!(bare(word).as_str(), "the" | "key" | "either"));
        rest.next_if(|word| matches!(bare(word).as_str(), "key" | "number"));
        while let Some(word) = rest.next() {
            let Some(key) = key(word) else { break };
            // "one of the keys", "one or more".
            let counts = |word: &&&str| matches!(bare(word).as_str(), "of" | "or" | "more");
            if bare(word) == "one" && rest.peek().is_some_and(counts) {
                break;
            }
            found.push((format!("{} {}", bare(press), bare(word)), key));
            let or = rest.next_if(|word| matches!(bare(word).as_str(), "or" | "and")).is_some();
            let more = word.ends_with(',') && rest.peek().is_some_and(|next| bare(next).len() == 1);
            if !or && !more {
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callers_are_told_to_press_is_read_from_the_words() {
        let keys = |text: &str| offered(text).into_iter().map(|(_, key)| key).collect::<String>();
        for (text, found) in [
            ("For bins, press 1. For housing, press two, or stay on the line.", "12"),
            ("Press the hash key, or press star.", "#*"),
            ("If that is right, press 1, 2 or 3.", "123"),
            ("Press 1 or 2 now.", "12"),
            ("I bin, gwasgwch 4.", "4"),
            ("Press one of these keys. Press any key. Press a key from 1 to 5.", ""),
            ("Pressing matters: 2 of 3 press conferences.", ""),
            ("Press 10 and 20. The press. Press", ""),
            ("press 1, One moment please", "1"),
        ] {
            assert_eq!(keys(text), found, "{text}");
        }
    }
}
