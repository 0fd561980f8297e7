//! From an utterance to words that can be compared: small letters, no fillers, contractions written
//! out, and the groups of synonyms that each word belongs to.

use std::collections::{BTreeMap, BTreeSet};

/// What is declared of words.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    /// For each word the groups that it is in, by the word that stands for the group.
    groups: BTreeMap<String, Vec<String>>,
    fillers: BTreeSet<String>,
}

/// A word that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Without apostrophes.
    pub word: String,
    /// The groups of synonyms that it is in.
    pub groups: Vec<String>,
}

impl Heard {
    /// The word that stands for it and its synonyms.
    pub fn meaning(&self) -> &str {
        self.groups.first().unwrap_or(&self.word)
    }
}

/// More than a caller says in one breath; words beyond it are not looked at.
const MAX_WORDS: usize = 120;

impl Lexicon {
    /// Declares that words mean about the same; `group` is one of them.
    pub fn group(&mut self, group: &str, words: impl IntoIterator<Item = String>) {
        let group = plain(group);
        for word in words.into_iter().chain([group.clone()]) {
            let groups = self.groups.entry(plain(&word)).or_default();
            if !groups.contains(&group) {
                groups.push(group.clone());
            }
        }
    }

    /// Declares that a word means nothing.
    pub fn filler(&mut self, word: &str) {
        self.fillers.insert(plain(word));
    }

    /// The words of an utterance. Fillers are left out, unless there is nothing else.
    pub fn heard(&self, text: &str) -> Vec<Heard> {
        let all = spoken(text);
        let told: Vec<&String> = all.iter().filter(|word| !self.fillers.contains(*word)).collect();
        let kept = if told.is_empty() { all.iter().collect() } else { told };
        let heard = |word: &String| Heard {
            groups: self.groups.get(word).cloned().unwrap_or_default(),
            word: word.clone(),
        };
        kept.into_iter().take(MAX_WORDS).map(heard).collect()
    }
}

/// Small letters without apostrophes.
fn plain(word: &str) -> String {
    word.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The words of a text, contractions written out: recognisers write "wasn't", "wasnt" and "was not".
fn spoken(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('’', "'");
    let mut words = Vec::new();
    for written in text.split(|c: char| !c.is_alphanumeric() && c != '\'') {
        let written = written.trim_matches('\'');
        let word: String = written.chars().filter(|c| *c != '\'').collect();
        match word.as_str() {
            "" => {}
            "ive" => words.extend(["i", "have"].map(str::to_owned)),
            "weve" => words.extend(["we", "have"].map(str::to_owned)),
            "youve" => words.extend(["you", "have"].map(str::to_owned)),
            "theyve" => words.extend(["they", "have"].map(str::to_owned)),
            "im" | "id" => words.push("i".to_owned()),
            "cannot" => words.extend(["can", "not"].map(str::to_owned)),
            "theres" | "whats" | "wheres" | "whens" | "hows" | "its" => {
                words.push(word.trim_end_matches('s').to_owned());
            }
            _ => match negated(&word, written) {
                Some(verb) => words.extend([verb.to_owned(), "not".to_owned()]),
                None => words.push(written.strip_suffix("'s").map_or(word, plain)),
            },
        }
    }
    words
}

/// How a word sounds (Soundex, with the beginnings that English writes in several ways): what a
/// recogniser takes for another word mostly has the same. None for short words, which sound like too
/// many.
pub fn sound(word: &str) -> Option<String> {
    if word.len() < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let beginnings =
        [("kn", "n"), ("wr", "r"), ("ph", "f"), ("ps", "s"), ("wh", "w"), ("k", "c"), ("q", "c")];
    let known = beginnings.iter().find_map(|(from, to)| Some((*to, word.strip_prefix(from)?)));
    let (first, rest) = known.unwrap_or_else(|| word.split_at(1));
    let mut key = first.to_owned();
    let mut before = first.bytes().next().and_then(class);
    for letter in rest.bytes() {
        let class = class(letter);
        if let Some(digit) = class
            && class != before
        {
            key.push(char::from(digit));
        }
        // A vowel parts two of a class, h and w do not.
        if !matches!(letter, b'h' | b'w') {
            before = class;
        }
        if key.len() == 4 {
            break;
        }
    }
    Some(key)
}

/// Consonants that are taken for each other.
fn class(letter: u8) -> Option<u8> {
    match letter {
        b'b' | b'f' | b'p' | b'v' => Some(b'1'),
        b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => Some(b'2'),
        b'd' | b't' => Some(b'3'),
        b'l' => Some(b'4'),
        b'm' | b'n' => Some(b'5'),
        b'r' => Some(b'6'),
        _ => None,
    }
}

/// The verb of "wasn't" and "wasnt".
fn negated<'w>(word: &'w str, written: &str) -> Option<&'w str> {
    match word {
        "cant" => return Some("can"),
        "wont" => return Some("will"),
        "didnae" => return Some("did"),
        _ => {}
    }
    let verb = word.strip_suffix("nt")?;
    let known = matches!(
        verb,
        "do" | "did"
            | "was"
            | "is"
            | "has"
            | "have"
            | "were"
            | "does"
            | "would"
            | "could"
            | "should"
            | "ai"
            | "are"
    );
    (known || written.ends_with("n't")).then_some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_write_a_contraction_are_one() {
        let expected = ["the", "bin", "was", "not", "emptied"];
        for text in ["The bin wasn't emptied.", "the bin wasnt emptied", "the bin was not emptied"]
        {
            assert_eq!(spoken(text), expected, "{text}");
        }
        assert_eq!(
            spoken("I’ve lost my mum's card, can't pay"),
            ["i", "have", "lost", "my", "mum", "card", "can", "not", "pay"]
        );
    }

    #[test]
    fn words_that_sound_alike_have_one_sound() {
        for (heard, meant) in
            [("berry", "bury"), ("knows", "nose"), ("flours", "flowers"), ("rows", "rose")]
        {
            assert_eq!(sound(heard), sound(meant), "{heard}");
        }
        assert_ne!(sound("rent"), sound("bill"));
        assert_eq!(sound("tax"), None);
    }

    #[test]
    fn words_know_their_synonyms_and_fillers_are_left_out() {
        let mut lexicon = Lexicon::default();
        lexicon.group("rubbish", ["refuse".to_owned(), "trash".to_owned()]);
        lexicon.filler("um");
        let heard = lexicon.heard("um refuse");
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].meaning(), "rubbish");
        assert_eq!(lexicon.heard("rubbish")[0].meaning(), "rubbish");
        assert_eq!(lexicon.heard("um um").len(), 2);
    }
}
