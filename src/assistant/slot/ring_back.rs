//! What callers say to the offer of being rung back on the number that was read out.

use super::choice::{self, Choice};
use super::token::{tokens, word};
use super::{Kind, read as read_slot};

/// An answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// They want it.
    Yes,
    /// They do not.
    No,
    /// They want it on another number.
    Another,
}

impl Answer {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Another => "another",
        }
    }
}

/// What is said instead of yes.
const TAKES: &[&str] = &[
    "ring me back",
    "call me back",
    "ring me",
    "call me",
    "phone me back",
    "give me a ring",
    "give me a call",
    "yes ring me back",
    "yes call me back",
    "please ring me back",
    "please call me back",
    "that number is fine",
    "this number is fine",
];
/// And instead of no.
const WAITS: &[&str] = &[
    "i'll wait",
    "i will wait",
    "i'd rather wait",
    "i would rather wait",
    "no i'll wait",
    "no i'd rather wait",
    "i'll hold",
    "i'll hold on",
    "i'll stay on the line",
    "keep waiting",
    "keep me waiting",
    "stay on the line",
    "wait on the line",
];
const ANOTHER: &[&str] = &[
    "another number",
    "another number please",
    "on another number",
    "a different number",
    "different number",
    "a different one",
    "another one",
    "no another number",
    "not that number",
    "not on that number",
    "not this number",
    "wrong number",
    "the wrong number",
    "that's the wrong number",
    "on my mobile",
    "on my landline",
];
/// With one of these in it, to be rung is no wish: it is refused, complained of or asked about.
const AGAINST: &[&str] = &[
    "no", "nope", "nah", "not", "don't", "dont", "never", "nobody", "rather", "won't", "wont",
    "wouldn't", "can't", "cannot", "stop", "without", "instead", "hold", "holding", "hang", "keep",
    "stay", "wait", "waiting", "waited", "when", "how", "why", "if", "whether", "were", "was",
    "supposed", "meant", "promised", "told", "since", "somebody", "someone",
];

/// Every phrase, besides yes and no as they are said to anything.
pub fn phrases() -> impl Iterator<Item = &'static str> {
    [TAKES, WAITS, ANOTHER].into_iter().flatten().copied()
}

/// The answer; none if it is none, or more than one.
pub fn read(text: &str) -> Option<Answer> {
    let choice = |answer: Answer, words: &[&str]| Choice {
        value: format!("={}", answer.as_str()),
        words: words.iter().map(|words| (*words).to_owned()).collect(),
    };
    let named = |choices: &[Choice]| choice::read(choices, text).map(|found| found.value);
    if named(&[choice(Answer::Another, ANOTHER)]).is_some() {
        return Some(Answer::Another);
    }
    let yes_no = read_slot(Kind::YesNo, text, jiff::civil::Date::ZERO);
    let tokens = tokens(text);
    let against =
        (0..tokens.len()).filter_map(|at| word(&tokens, at)).any(|word| AGAINST.contains(&word));
    let yes_no = yes_no.map(|found| if found.value == "yes" { Answer::Yes } else { Answer::No });
    let yes_no = yes_no.filter(|answer| *answer != Answer::Yes || !against);
    let takes = !against && named(&[choice(Answer::Yes, TAKES)]).is_some();
    let waits = named(&[choice(Answer::No, WAITS)]).is_some();
    let besides = match (takes, waits) {
        (true, false) => Some(Answer::Yes),
        (false, true) => Some(Answer::No),
        (true, true) => return None,
        (false, false) => None,
    };
    match (yes_no, besides) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_taken_refused_or_wanted_elsewhere_in_many_words() {
        for (said, answer) in [
            ("yes please|yeah go on then|ring me back|yes, call me back|that's right", Answer::Yes),
            ("could you ring me back please|that number is fine|ok", Answer::Yes),
            ("yes, that's my mobile|yes that's my landline", Answer::Yes),
            ("no thanks|no, I'll wait|I'd rather wait|not really|I'll hold on", Answer::No),
            ("another number please|yes but on my mobile|no a different number", Answer::Another),
            (
                "no that's the wrong number|not on that number|can I give you another number",
                Answer::Another,
            ),
        ] {
            for said in said.split('|') {
                assert_eq!(read(said), Some(answer), "{said}");
            }
        }
    }

    #[test]
    fn nobody_is_rung_who_may_not_have_said_so() {
        for said in "don't ring me back|I do not want you to call me back|nobody ever does ring me|\
            please don't call me|rather not have you ring me back|yes I'll wait|yes no|my bin||\
            you can't call me back|ring me back, no, I'll wait|yeah don't ring me back|yes but not now|\
            yeah I'd rather hold|yes I know, I'll keep holding|when will you call me back|\
            I've been waiting for you to call me back since Monday|\
            you were supposed to call me back|if you call me back do I lose my place"
            .split('|')
        {
            assert_ne!(read(said), Some(Answer::Yes), "{said}");
        }
    }

    #[test]
    fn what_is_listened_for_is_understood() {
        for phrase in phrases() {
            assert!(read(phrase).is_some(), "{phrase}");
        }
    }
}
