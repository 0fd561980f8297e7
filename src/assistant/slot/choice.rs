//! One of a few declared words: which bin, which day, which service.

use super::Found;
use super::token::{covered, phrase, tokens};

/// A thing that can be chosen, and the words that mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is found in the end.
    pub value: String,
    /// Words and phrases that mean it, in small letters; the value itself need not be among them.
    pub words: Vec<String>,
}

/// The one choice that the text names; none if it names none, or two.
pub fn read(choices: &[Choice], text: &str) -> Option<Found> {
    let tokens = tokens(text);
    let mut best: Option<(&Choice, usize, usize)> = None;
    let mut rivals: Vec<&Choice> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let named = choices.iter().flat_map(|choice| {
            let words = choice.words.iter().map(String::as_str).chain([choice.value.as_str()]);
            words
                .filter_map(|words| phrase(&tokens, at, &words.to_lowercase()))
                .map(move |to| (choice, to))
        });
        // The longest phrase: "garden waste bin" is not the waste bin.
        let Some((choice, to)) = named.max_by_key(|(_, to)| *to) else {
            at += 1;
            continue;
        };
        match best {
            None => best = Some((choice, at, to)),
            Some((first, _, _)) if first.value == choice.value => {}
            Some(_) => rivals.push(choice),
        }
        at = to;
    }
    let (choice, from, to) = best.filter(|_| rivals.is_empty())?;
    Some(Found { value: choice.value.clone(), span: covered(&tokens, from, to) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_declared_words_is_found_and_two_are_none() {
        let choice = |value: &str, words: &[&str]| Choice {
            value: value.to_owned(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let bins = [
            choice("refuse", &["black", "black bin", "rubbish", "general waste"]),
            choice("recycling", &["blue", "blue bin", "cardboard"]),
            choice("garden", &["brown", "garden waste", "garden waste bin"]),
        ];
        let read = |text: &str| read(&bins, text).map(|found| found.value);
        assert_eq!(read("It's the black one.").as_deref(), Some("refuse"));
        assert_eq!(read("the Garden Waste bin").as_deref(), Some("garden"));
        assert_eq!(read("recycling please, the blue bin").as_deref(), Some("recycling"));
        assert_eq!(read("black or blue"), None);
        assert_eq!(read("neither"), None);
    }
}
