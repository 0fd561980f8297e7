//! Which words follow which, counted in examples: a model of three words in a row for recognisers, in ARPA's
//! format.
//!
//! Words that were never seen together are reached by the shorter model (Witten and Bell 1991): of what
//! followed a word, the more different things did, the likelier is one that never has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Where a sentence begins and ends.
const BEGIN: &str = "<s>";
const END: &str = "</s>";
/// The logarithm of what never comes.
const NEVER: f64 = -99.0;

type Word = u32;

/// What followed something, and how often.
#[derive(Debug, Default)]
struct Followers {
    counts: BTreeMap<Word, u32>,
    sum: u32,
}

impl Followers {
    fn add(&mut self, word: Word) {
        *self.counts.entry(word).or_default() += 1;
        self.sum += 1;
    }

    fn all(&self) -> f64 {
        f64::from(self.sum) + self.counts.len() as f64
    }

    /// How much is left for what has never followed.
    fn left(&self) -> f64 {
        self.counts.len() as f64 / self.all()
    }

    fn probability(&self, word: Word, shorter: f64) -> f64 {
        let seen = f64::from(self.counts.get(&word).copied().unwrap_or(0));
        (seen + self.counts.len() as f64 * shorter) / self.all()
    }
}

/// What may follow what.
#[derive(Debug)]
pub struct Model {
    /// Every word, in order: its place is its number.
    known: Vec<String>,
    one: Followers,
    two: BTreeMap<Word, Followers>,
    three: BTreeMap<(Word, Word), Followers>,
}

impl Model {
    /// The model of sentences (small letters, words apart by single spaces), in which `words` may follow
    /// anything as well; none if there is no sentence.
    pub fn of<'a>(
        sentences: impl IntoIterator<Item = &'a str>,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Option<Model> {
        let sentences: Vec<Vec<&str>> = sentences
            .into_iter()
            .map(|sentence| sentence.split(' ').filter(|word| !word.is_empty()).collect())
            .filter(|words: &Vec<&str>| !words.is_empty())
            .collect();
        if sentences.is_empty() {
            return None;
        }
        let seen = sentences.iter().flatten().copied();
        let known: BTreeSet<&str> = seen.chain(words).chain([BEGIN, END]).collect();
        let known = known.into_iter().map(str::to_owned).collect();
        let (one, two, three) = (Followers::default(), BTreeMap::new(), BTreeMap::new());
        let mut model = Model { known, one, two, three };
        for sentence in &sentences {
            for (first, before, word) in model.rows(sentence) {
                model.one.add(word);
                model.two.entry(before).or_default().add(word);
                if let Some(first) = first {
                    model.three.entry((first, before)).or_default().add(word);
                }
            }
        }
        Some(model)
    }

    fn number(&self, word: &str) -> Option<Word> {
        let at = self.known.binary_search_by(|known| known.as_str().cmp(word)).ok()?;
        Word::try_from(at).ok()
    }

    fn word(&self, number: Word) -> &str {
        self.known.get(number as usize).map_or(END, String::as_str)
    }

    /// Every word of a sentence and its end, with the two before it. Words that are not known are left out.
    fn rows(&self, sentence: &[&str]) -> Vec<(Option<Word>, Word, Word)> {
        let words = [BEGIN].iter().chain(sentence).chain([&END]);
        let numbers: Vec<Word> = words.filter_map(|word| self.number(word)).collect();
        let first = [None].into_iter().chain(numbers.iter().copied().map(Some));
        let pairs = numbers.iter().zip(numbers.iter().skip(1));
        first.zip(pairs).map(|(first, (before, word))| (first, *before, *word)).collect()
    }

    fn alone(&self, word: Word) -> f64 {
        // Everything but the beginning can come; what was never seen is as likely as anything else that
        // was not.
        self.one.probability(word, 1.0 / (self.known.len() - 1) as f64)
    }

    fn after(&self, before: Word, word: Word) -> f64 {
        let shorter = self.alone(word);
        self.two.get(&before).map_or(shorter, |it| it.probability(word, shorter))
    }

    fn after_two(&self, first: Word, before: Word, word: Word) -> f64 {
        let shorter = self.after(before, word);
        self.three.get(&(first, before)).map_or(shorter, |it| it.probability(word, shorter))
    }

    /// The natural logarithm of how likely a sentence is.
    pub fn chance(&self, sentence: &str) -> f64 {
        let rows = self.rows(&sentence.split(' ').collect::<Vec<_>>());
        let each = rows.into_iter().map(|(first, before, word)| match first {
            Some(first) => self.after_two(first, before, word),
            None => self.after(before, word),
        });
        each.map(f64::ln).sum()
    }

    /// All of it in ARPA's format.
    pub fn arpa(&self) -> String {
        let count = |followers: &mut dyn Iterator<Item = &Followers>| -> usize {
            followers.map(|it| it.counts.len()).sum()
        };
        let mut out = format!(
            "\\data\\\nngram 1={}\nngram 2={}\nngram 3={}\n\n\\1-grams:\n",
            self.known.len(),
            count(&mut self.two.values()),
            count(&mut self.three.values()),
        );
        for (word, text) in (0..).zip(&self.known) {
            let chance = if text == BEGIN { NEVER } else { self.alone(word).log10() };
            let left = self.two.get(&word).map_or(0.0, |it| it.left().log10());
            let _ = writeln!(out, "{chance:.4}\t{text}\t{left:.4}");
        }
        out.push_str("\n\\2-grams:\n");
        for (before, followers) in &self.two {
            for word in followers.counts.keys() {
                let chance = self.after(*before, *word).log10();
                let left = self.three.get(&(*before, *word)).map_or(0.0, |it| it.left().log10());
                let (before, word) = (self.word(*before), self.word(*word));
                let _ = writeln!(out, "{chance:.4}\t{before} {word}\t{left:.4}");
            }
        }
        out.push_str("\n\\3-grams:\n");
        for ((first, before), followers) in &self.three {
            for word in followers.counts.keys() {
                let chance = self.after_two(*first, *before, *word).log10();
                let (first, before, word) =
                    (self.word(*first), self.word(*before), self.word(*word));
                let _ = writeln!(out, "{chance:.4}\t{first} {before} {word}");
            }
        }
        out.push_str("\n\\end\\\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probabilities and what is left, by words in a row.
    fn read(arpa: &str) -> BTreeMap<Vec<&str>, (f64, f64)> {
        let lines = arpa.lines().filter(|line| line.contains('\t'));
        lines
            .map(|line| {
                let mut fields = line.split('\t');
                let chance: f64 = fields.next().expect("a chance").parse().expect("a number");
                let words = fields.next().expect("words").split(' ').collect();
                let left = fields.next().map_or(0.0, |left| left.parse().expect("a number"));
                (words, (10_f64.powf(chance), 10_f64.powf(left)))
            })
            .collect()
    }

    /// As a recogniser reads it: the longest row that is known, or the shorter one for what is left.
    fn chance(model: &BTreeMap<Vec<&str>, (f64, f64)>, before: &[&str], word: &str) -> f64 {
        let row: Vec<&str> = before.iter().copied().chain([word]).collect();
        match (model.get(&row), before) {
            (Some((chance, _)), _) => *chance,
            (None, []) => 0.0,
            (None, [_, rest @ ..]) => {
                let left = model.get(before).map_or(1.0, |(_, left)| *left);
                left * chance(model, rest, word)
            }
        }
    }

    #[test]
    fn whatever_came_before_something_comes_next() {
        let sentences = ["my bin was missed", "my bin is broken", "it is about my council tax"];
        let arpa = Model::of(sentences, ["fourteen", "acacia"]).expect("a model").arpa();
        let model = read(&arpa);
        let words: Vec<&str> =
            model.keys().filter(|row| row.len() == 1).map(|row| row[0]).collect();
        assert_eq!(words.len(), 14);
        for before in [vec![], vec!["my"], vec!["my", "bin"], vec!["<s>"], vec!["tax", "my"]] {
            let sum: f64 = words
                .iter()
                .filter(|word| **word != "<s>")
                .map(|word| chance(&model, &before, word))
                .sum();
            assert!((sum - 1.0).abs() < 0.005, "after {before:?}: {sum}");
        }
    }

    #[test]
    fn what_was_seen_is_likelier_than_what_was_not_and_that_is_possible() {
        let model = Model::of(["my bin was missed", "my bin was full"], ["fourteen"]);
        let known = model.expect("a model");
        let arpa = known.arpa();
        let model = read(&arpa);
        let after = |before: &[&str], word| chance(&model, before, word);
        assert!(after(&["my", "bin"], "was") > 0.5);
        assert!(after(&["bin", "was"], "missed") > after(&["bin", "was"], "bin"));
        assert!(after(&["bin", "was"], "fourteen") > 0.0);
        assert!(after(&[], "bin") > after(&[], "fourteen"));
        let likely =
            after(&["<s>"], "my") * after(&["<s>", "my"], "bin") * after(&["my", "bin"], "</s>");
        assert!((known.chance("my bin").exp() / likely - 1.0).abs() < 0.01);
        assert!(arpa.contains("\nngram 1=8\n") && arpa.ends_with("\\end\\\n"), "{arpa}");
    }

    #[test]
    fn nothing_makes_no_model() {
        assert!(Model::of([], ["one"]).is_none());
        assert!(Model::of(["", " "], ["one"]).is_none());
    }
}
