//! What callers are asked and what they say, between a controller and whoever hears and understands
//! them.

use std::collections::BTreeMap;

use crate::event::Slot;
use crate::id::{IntentName, UrgentName};

/// What the caller is asked: it decides which words are listened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// What the call is about; likely one of these.
    Business(Vec<IntentName>),
    /// A thing, with as many letters or digits as it can have where they count.
    Thing {
        /// Which kind.
        slot: Slot,
        /// The least.
        least: u8,
        /// The most.
        most: u8,
    },
    /// One of these, each by any of its phrases.
    OneOf(Vec<Vec<String>>),
    /// Whether they want to be rung back on the number that was read out.
    RingBack,
}

impl Question {
    /// Yes or no.
    pub const YES_NO: Question = Question::Thing { slot: Slot::YesNo, least: 1, most: 1 };
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The caller has begun to speak.
    Began,
    /// Words.
    Words(Box<Utterance>),
    /// Something was said that is none of what could be said.
    NoMatch,
    /// Nothing was said.
    Silence,
    /// Nobody can listen.
    Deaf,
}

/// What somebody said, and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Utterance {
    /// The words.
    pub text: String,
    /// Whether the recogniser is sure of them.
    pub sure: bool,
    /// The answer to the question, if it is one: a thing in its one form, the place in the list of
    /// what could be chosen, or `yes`, `no` or `another` (number) to ring back.
    pub answer: Option<String>,
    /// What the call may be about, the likeliest first.
    pub ranked: Vec<Candidate>,
    /// Whether the first of them was meant, or else none.
    pub meant: bool,
    /// What was named by the way, each in its one form.
    pub named: BTreeMap<Slot, String>,
    /// Whether a language model has had a say in it.
    pub second_opinion: bool,
    /// What cannot wait, and how people call it.
    pub urgent: Vec<(UrgentName, String)>,
}

/// Something that a call may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What.
    pub intent: IntentName,
    /// How people call it.
    pub says: String,
    /// How likely it was meant, in thousandths.
    pub chance: u16,
}
