//! An utterance cut into words that know where they stood.

use std::ops::Range;

/// A word, a number or a sign with a meaning (`£`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// In small letters, apostrophes straight.
    pub word: String,
    /// As written: capitals tell names.
    pub written: String,
    /// Where it stood, in bytes.
    pub span: Range<usize>,
    /// The one sign that joins it to the word before it, without a space (`/` in `3/12`).
    pub joined_by: Option<char>,
    /// Whether a comma or a full stop stands before it.
    pub after_pause: bool,
}

impl Token {
    /// Whether it is written in digits only.
    pub fn is_digits(&self) -> bool {
        !self.word.is_empty() && self.word.bytes().all(|b| b.is_ascii_digit())
    }

    /// Its value, if it is written in digits only and no longer than nine of them.
    pub fn number(&self) -> Option<u32> {
        (self.is_digits() && self.word.len() <= 9).then(|| self.word.parse().ok()).flatten()
    }
}

/// More than a caller says in one breath; what comes after it is not looked at.
const MAX_TOKENS: usize = 200;

/// Cuts an utterance into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut gap = Gap::default();
    let mut letters = text.char_indices().peekable();
    while let Some((start, c)) = letters.next() {
        if found.len() == MAX_TOKENS {
            break;
        }
        if c == '£' {
            found.push(token(text, start..start + c.len_utf8(), &mut gap));
            continue;
        }
        if !c.is_alphanumeric() {
            gap.see(c);
            continue;
        }
        let mut end = start + c.len_utf8();
        while let Some(&(at, c)) = letters.peek() {
            // Within a word only: "bin's", not 'quoted'.
            let apostrophe = matches!(c, '\'' | '’')
                && text[at + c.len_utf8()..].starts_with(char::is_alphanumeric);
            if !c.is_alphanumeric() && !apostrophe {
                break;
            }
            end = at + c.len_utf8();
            letters.next();
        }
        found.push(token(text, start..end, &mut gap));
    }
    found
}

/// What stands between two tokens.
#[derive(Default)]
struct Gap {
    signs: usize,
    last: Option<char>,
    pause: bool,
}

impl Gap {
    fn see(&mut self, c: char) {
        self.signs += 1;
        self.last = Some(c);
        self.pause |= matches!(c, ',' | '.' | ';' | '!' | '?' | ':');
    }
}

fn token(text: &str, span: Range<usize>, gap: &mut Gap) -> Token {
    let gap = std::mem::take(gap);
    let written = text.get(span.clone()).unwrap_or_default().replace('’', "'");
    let joined_by = gap.last.filter(|c| gap.signs == 1 && !c.is_whitespace());
    Token {
        word: written.to_lowercase(),
        written,
        span,
        joined_by,
        after_pause: gap.pause && joined_by.is_none(),
    }
}

/// Noises and courtesies that stand anywhere and mean nothing.
pub fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "um" | "umm"
            | "erm"
            | "uh"
            | "er"
            | "err"
            | "ah"
            | "eh"
            | "hm"
            | "hmm"
            | "mm"
            | "please"
            | "like"
            | "well"
    )
}

/// The first token at or after `at` that is no filler.
pub fn skip_fillers(tokens: &[Token], mut at: usize) -> usize {
    while word(tokens, at).is_some_and(is_filler) {
        at += 1;
    }
    at
}

/// The word at a place.
pub fn word(tokens: &[Token], at: usize) -> Option<&str> {
    tokens.get(at).map(|token| token.word.as_str())
}

/// The bytes that the tokens `from..to` cover.
pub fn covered(tokens: &[Token], from: usize, to: usize) -> Range<usize> {
    let start = tokens.get(from).map_or(0, |token| token.span.start);
    let end = to.checked_sub(1).and_then(|last| tokens.get(last)).map_or(start, |t| t.span.end);
    start..end.max(start)
}

/// The place behind a phrase of words that stands at `at`.
pub fn phrase(tokens: &[Token], at: usize, words: &str) -> Option<usize> {
    let mut next = at;
    for expected in words.split(' ') {
        if word(tokens, next) != Some(expected) {
            return None;
        }
        next += 1;
    }
    Some(next)
}

/// The phrases of a list that is written with commas between them.
pub fn listed(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(", ")
}

/// The place behind the longest phrase of a list that stands at `at`.
pub fn longest(tokens: &[Token], at: usize, list: &'static str) -> Option<usize> {
    listed(list).filter_map(|words| phrase(tokens, at, words)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_where_they_stood_and_what_joined_them() {
        let text = "It’s £12.50, on 3/12!";
        let found = tokens(text);
        let words: Vec<&str> = found.iter().map(|t| t.word.as_str()).collect();
        assert_eq!(words, ["it's", "£", "12", "50", "on", "3", "12"]);
        assert_eq!(found[3].joined_by, Some('.'));
        assert!(found[4].after_pause && !found[3].after_pause);
        assert_eq!(&text[found[0].span.clone()], "It’s");
        assert_eq!(&text[covered(&found, 5, 7)], "3/12");
    }
}
