//! Which class an utterance belongs to: features of its words, and what was learned about them.
//!
//! Features are the words, the first letters of longer words (they survive endings and many a slip of
//! a recogniser), the groups of synonyms, and neighbours by meaning. A feature's weight falls with
//! how common it is; words that were never heard count as unknown, which speaks for out of scope.

use std::collections::{BTreeMap, BTreeSet};

use super::learn::{Sparse, Weights};
use super::words::{Heard, Lexicon, sound};
use crate::flow::nearest;

/// Features are counted in so many buckets, by a hash of what they are.
const BUCKETS: usize = 1 << 20;
/// In no bucket.
const NONE: u32 = u32::MAX;

/// How much a kind of feature counts.
const WORD: f32 = 1.0;
const GROUP: f32 = 1.0;
const BEGINNING: f32 = 0.5;
const NEIGHBOURS: f32 = 0.7;
const UNKNOWN: f32 = 0.5;
/// How many letters of a word's beginning are features.
const BEGINNINGS: [usize; 2] = [4, 5];

/// Divides how sure the model is. Measured by cross-validation: see docs/assistant.md.
const TEMPERATURE: f32 = 1.0;

/// One feature of an utterance.
#[derive(Debug, Clone, Copy)]
struct Feature {
    bucket: usize,
    weight: f32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Word,
    Group,
    Beginning,
    Neighbours,
}

/// Tells classes of utterances apart.
#[derive(Debug, Clone)]
pub struct Classifier {
    lexicon: Lexicon,
    /// The words of the examples by how they sound.
    known: BTreeMap<String, Vec<String>>,
    /// For each bucket the feature's number.
    numbers: Vec<u32>,
    /// How telling each feature is (inverse document frequency).
    telling: Vec<f32>,
    /// The number of the feature that stands for unknown words.
    unknown: u32,
    /// How telling a word is that was never heard.
    unknown_telling: f32,
    weights: Weights,
}

impl Classifier {
    /// Learns from examples, each with its class (below `classes`).
    pub fn learn(lexicon: Lexicon, examples: &[(usize, &str)], classes: usize) -> Classifier {
        let mut words: BTreeSet<String> = BTreeSet::new();
        let mut all: Vec<(usize, Vec<Feature>)> = Vec::with_capacity(examples.len());
        for (class, text) in examples {
            let heard = lexicon.heard(text);
            all.push((*class, features(&heard)));
            words.extend(heard.into_iter().map(|heard| heard.word));
        }
        let mut seen = vec![0_u32; BUCKETS];
        for feature in all.iter().flat_map(|(_, features)| features) {
            if let Some(count) = seen.get_mut(feature.bucket) {
                *count += 1;
            }
        }
        let count = examples.len() as f32;
        let mut numbers = vec![NONE; BUCKETS];
        let mut telling = Vec::new();
        for feature in all.iter().flat_map(|(_, features)| features) {
            let often = seen.get(feature.bucket).copied().unwrap_or(0);
            // Neighbours that came once tell nothing.
            let least = if feature.kind == Kind::Neighbours { 2 } else { 1 };
            if let Some(number) = numbers.get_mut(feature.bucket)
                && *number == NONE
                && often >= least
            {
                *number = telling.len() as u32;
                telling.push((count / often as f32).ln() + 1.0);
            }
        }
        let mut classifier = Classifier {
            known: known(words),
            lexicon,
            numbers,
            unknown: telling.len() as u32,
            telling,
            unknown_telling: count.max(2.0).ln(),
            weights: Weights::learn(&[], classes, 0),
        };
        let rare = |bucket: usize| seen.get(bucket).is_some_and(|count| *count == 1);
        let vectors: Vec<(usize, Sparse)> = all
            .iter()
            .map(|(class, features)| (*class, classifier.vector(features, &rare)))
            .collect();
        let features = classifier.telling.len() + 1;
        classifier.weights = Weights::learn(&vectors, classes, features);
        classifier
    }

    /// The chance of each class.
    pub fn chances(&self, text: &str) -> Vec<f32> {
        let mut heard = self.lexicon.heard(text);
        heard.iter_mut().for_each(|heard| self.mend(heard));
        let features = features(&heard);
        self.weights.chances(&self.vector(&features, &|_| false), TEMPERATURE)
    }

    /// A word that no example has becomes the one that sounds like it and is spelled nearly so:
    /// recognisers write "flours" for "flowers".
    fn mend(&self, heard: &mut Heard) {
        let bucket = bucket(Kind::Word, [&heard.word, ""]);
        if !heard.groups.is_empty() || self.numbers.get(bucket).is_none_or(|n| *n != NONE) {
            return;
        }
        let alike = sound(&heard.word).and_then(|sound| self.known.get(&sound));
        let alike = alike.into_iter().flatten().map(String::as_str);
        if let Some(meant) = nearest(&heard.word, alike)
            && let Some(mended) = self.lexicon.heard(meant).into_iter().next()
        {
            *heard = mended;
        }
    }

    /// The features as numbers, of length 1 together. A word that is `rare` counts as unknown too, so
    /// that learning sees what unknown words look like.
    fn vector(&self, features: &[Feature], rare: &dyn Fn(usize) -> bool) -> Sparse {
        let mut vector: Sparse = Vec::with_capacity(features.len() + 1);
        let (mut square, mut unknown) = (0.0, 0.0_f32);
        for feature in features {
            let number = self.numbers.get(feature.bucket).copied().unwrap_or(NONE);
            if let Some(telling) = self.telling.get(number as usize) {
                let value = feature.weight * telling;
                vector.push((number, value));
                square += value * value;
                if feature.kind == Kind::Word && rare(feature.bucket) {
                    unknown += 1.0;
                }
            } else if feature.kind == Kind::Word {
                unknown += 1.0;
                square += self.unknown_telling * self.unknown_telling / 2.0;
            }
        }
        if unknown > 0.0 {
            let value = UNKNOWN * self.unknown_telling * unknown.sqrt();
            vector.push((self.unknown, value));
            square += value * value;
        }
        let length = square.sqrt().max(f32::MIN_POSITIVE);
        vector.iter_mut().for_each(|(_, value)| *value /= length);
        vector
    }
}

/// The words of examples by how they sound, in alphabetical order.
fn known(words: BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for word in words {
        if let Some(sound) = sound(&word) {
            known.entry(sound).or_default().push(word);
        }
    }
    known
}

/// Every feature once.
fn features(heard: &[Heard]) -> Vec<Feature> {
    let mut found = Vec::with_capacity(heard.len() * 6);
    let mut see = |kind: Kind, weight, parts: [&str; 2]| {
        found.push(Feature { bucket: bucket(kind, parts), weight, kind });
    };
    let mut before = "^";
    for word in heard {
        see(Kind::Word, WORD, [&word.word, ""]);
        for group in &word.groups {
            see(Kind::Group, GROUP, [group, ""]);
        }
        for letters in BEGINNINGS {
            let mut ends = word.word.char_indices().map(|(at, c)| at + c.len_utf8());
            if let Some(beginning) = ends.nth(letters - 1).and_then(|end| word.word.get(..end)) {
                // Of different lengths, of different meaning: "hous" is not the word "hous".
                see(Kind::Beginning, BEGINNING, [beginning, "~"]);
            }
        }
        see(Kind::Neighbours, NEIGHBOURS, [before, word.meaning()]);
        before = word.meaning();
    }
    see(Kind::Neighbours, NEIGHBOURS, [before, "$"]);
    found.sort_by_key(|feature| (feature.bucket, feature.kind));
    found.dedup_by_key(|feature| feature.bucket);
    found
}

/// FNV-1a over the kind and the parts.
fn bucket(kind: Kind, parts: [&str; 2]) -> usize {
    let kind = match kind {
        Kind::Word => b'w',
        Kind::Group => b'g',
        Kind::Beginning => b'b',
        Kind::Neighbours => b'n',
    };
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    take(kind);
    for part in parts {
        part.bytes().for_each(&mut take);
        take(0);
    }
    (hash ^ hash >> 32) as usize % BUCKETS
}
