//! What can be said now, and the grammar of it (JSGF, the Java Speech Grammar Format).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::ngram::Model;
use super::plain;
use crate::assistant::Understanding;
use crate::assistant::slot::ring_back;
use crate::call::command::Question;
use crate::event::Slot;
use crate::flow::speak;

/// Phrases that are listened for at once, at most; what is beyond is left out.
pub const MOST_PHRASES: usize = 2_000;
/// Digits or characters in a row, at most.
pub const MOST_CHARACTERS: u8 = 20;

/// What can be said now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// One of these phrases.
    Phrases(Vec<String>),
    /// Yes or no, in the words that people have for them.
    YesNo,
    /// Digits one after the other, `double` among them: so many of them.
    Digits {
        /// At least.
        least: u8,
        /// At most.
        most: u8,
    },
    /// Letters and digits one after the other; letters by name or by the spoken alphabet.
    Spelt(Spelling),
    /// Anything at all; where only grammars are understood, one of these phrases.
    Free(Vec<String>),
    /// Anything at all, likely in words like those of these examples.
    Like(Arc<[String]>),
}

/// What is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// A postcode of the United Kingdom.
    Postcode,
    /// A vehicle's registration: two letters, two digits, three letters; or any other.
    Registration,
    /// Anything of so many letters and digits.
    Any {
        /// At least.
        least: u8,
        /// At most.
        most: u8,
    },
}

const YES: &[&str] = &[
    "yes",
    "yes please",
    "yeah",
    "yep",
    "yes it is",
    "yes that's right",
    "that's right",
    "correct",
    "that's correct",
];
const NO: &[&str] = &[
    "no",
    "no thank you",
    "no thanks",
    "nope",
    "no it isn't",
    "no that's wrong",
    "that's wrong",
    "that's not right",
];
/// Words of what is named by the way, besides digits, letters and days.
const NAMED: &str =
    "street road lane avenue close drive way court gardens flat number postcode double hundred";
/// With these callers ask for a person, whatever they are asked: a word is as good as the key 0.
const PERSON: &[&str] = &[
    "adviser",
    "an adviser please",
    "speak to an adviser",
    "speak to a person",
    "talk to a person",
    "speak to somebody",
    "operator",
];
const DIGITS: &str = "zero | oh | one | two | three | four | five | six | seven | eight | nine";
const LETTERS: [&str; 26] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet",
    "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango",
    "uniform", "victor", "whiskey", "x-ray", "yankee", "zulu",
];
/// The 124 postcode areas.
const AREAS: &str = "\
    AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT \
    DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA \
    LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE \
    SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV \
    YO ZE";

/// What yes and no sound like to a flow.
pub fn is_yes(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.contains(&text);
    if is(YES) { Some(true) } else { is(NO).then_some(false) }
}

impl Expected {
    /// What can be said in answer to a question; of what it can be about, `understanding` has examples.
    pub fn to(question: &Question, understanding: Option<&Understanding>) -> Expected {
        let owned = |phrases: Vec<&str>| -> Vec<String> {
            phrases.into_iter().map(str::to_owned).collect()
        };
        match question {
            Question::Business(_) => {
                let examples = understanding.map(Understanding::examples).unwrap_or_default();
                let long = examples.iter().filter_map(|example| in_full(example));
                let all = long.collect::<Vec<_>>().into_iter().chain(owned(examples));
                Expected::Like(all.map(|example| plain(&example)).collect())
            }
            Question::OneOf(choices) => {
                Expected::Phrases(choices.iter().flatten().cloned().collect())
            }
            Question::RingBack => {
                let besides = ring_back::phrases().map(str::to_owned);
                let yes_no = YES.iter().chain(NO).map(|phrase| (*phrase).to_owned());
                Expected::Phrases(yes_no.chain(besides).collect())
            }
            Question::Thing { slot, least, most } => match slot {
                Slot::YesNo => Expected::YesNo,
                Slot::Postcode => Expected::Spelt(Spelling::Postcode),
                Slot::Registration => Expected::Spelt(Spelling::Registration),
                Slot::HouseNumber | Slot::Flat => Expected::Free(house_numbers()),
                Slot::Digits | Slot::Phone => Expected::Digits { least: *least, most: *most },
                Slot::Reference => Expected::Spelt(Spelling::Any { least: *least, most: *most }),
                Slot::Date => Expected::Free(days()),
                Slot::Time => Expected::Free(times()),
                Slot::Money | Slot::Street => Expected::Free(Vec::new()),
            },
        }
    }

    /// A pause that ends it: whoever reads out a number stops in between.
    pub fn pause(&self) -> Duration {
        Duration::from_millis(match self {
            Expected::YesNo | Expected::Phrases(_) => 600,
            Expected::Digits { .. } | Expected::Spelt(_) => 1_200,
            Expected::Free(_) | Expected::Like(_) => 900,
        })
    }

    /// The words that can be said, for recognisers that take a list; none if anything can be.
    pub fn phrases(&self) -> Option<Vec<String>> {
        let owned = |words: &mut dyn Iterator<Item = &str>| words.map(str::to_owned).collect();
        match self {
            Expected::Phrases(phrases) => Some(distinct(phrases)),
            Expected::YesNo => Some(owned(&mut YES.iter().chain(NO).copied())),
            Expected::Digits { .. } => Some(owned(&mut DIGITS.split(" | ").chain(["double"]))),
            Expected::Spelt(_) => {
                let names = (b'a'..=b'z').map(|letter| char::from(letter).to_string());
                let digits = DIGITS.split(" | ").map(str::to_owned);
                let alphabet = LETTERS.iter().map(|word| plain(word));
                Some(names.chain(["zed".to_owned()]).chain(alphabet).chain(digits).collect())
            }
            Expected::Free(_) | Expected::Like(_) => None,
        }
    }

    /// The grammar, of phrases with words that are `known` only; none if there is no grammar for it.
    pub fn grammar(&self, known: impl Fn(&str) -> bool) -> Option<String> {
        let answer = match self {
            Expected::Like(_) => return None,
            Expected::Phrases(_) | Expected::YesNo | Expected::Free(_) => {
                let mut phrases = match self {
                    Expected::Free(phrases) => distinct(phrases),
                    _ => self.phrases()?,
                };
                phrases.retain(|phrase| phrase.split(' ').all(&known));
                phrases.join(" | ")
            }
            Expected::Digits { least, most } => counted("<digits>", *least, *most),
            Expected::Spelt(Spelling::Postcode) => {
                let area = |area: &str| {
                    let letters = area.chars().map(|c| format!("<{}>", c.to_ascii_lowercase()));
                    letters.collect::<Vec<_>>().join(" ")
                };
                let areas: Vec<String> = AREAS.split_whitespace().map(area).collect();
                let district = "<digit> [<digit> | <letter>]";
                format!("({}) {district} <digit> <inward> <inward>", areas.join(" | "))
            }
            Expected::Spelt(Spelling::Registration) => {
                let current = "<letter> <letter> <digit> <digit> <letter> <letter> <letter>";
                format!("{current} | {}", counted("<character>", 2, 7))
            }
            Expected::Spelt(Spelling::Any { least, most }) => counted("<character>", *least, *most),
        };
        if answer.is_empty() {
            return None;
        }
        let person = PERSON.iter().filter(|phrase| phrase.split(' ').all(&known)).copied();
        let person = person.collect::<Vec<_>>().join(" | ");
        let heard = match person.is_empty() {
            true => "<answer>",
            false => "/20/ <answer> | /1/ <person>",
        };
        let mut grammar = format!(
            "#JSGF V1.0;\ngrammar heard;\npublic <heard> = {heard};\n<answer> = {answer};\n"
        );
        if !person.is_empty() {
            let _ = writeln!(grammar, "<person> = {person};");
        }
        match self {
            Expected::Phrases(_) | Expected::YesNo | Expected::Free(_) | Expected::Like(_) => {}
            Expected::Digits { .. } => {
                let _ = writeln!(grammar, "<digit> = {DIGITS};");
                // Two of a kind take one place: more digits than were asked for are the flow's to refuse.
                grammar.push_str("<digits> = /20/ <digit> | /1/ double <digit>;\n");
            }
            Expected::Spelt(_) => {
                let _ = writeln!(grammar, "<digit> = {DIGITS};");
                grammar.push_str("<character> = <digit> | <letter>;\n");
                let rules = |among: &dyn Fn(char) -> bool| {
                    let letters = ('a'..='z').filter(|letter| among(*letter));
                    letters.map(|letter| format!("<{letter}>")).collect::<Vec<_>>().join(" | ")
                };
                let _ = writeln!(grammar, "<letter> = {};", rules(&|_| true));
                // C, I, K, M, O and V are not used there.
                let _ = writeln!(grammar, "<inward> = {};", rules(&|c| !"cikmov".contains(c)));
                for (letter, word) in ('a'..='z').zip(LETTERS) {
                    let word = plain(word);
                    let word = if word.split(' ').all(&known) { word } else { letter.to_string() };
                    let zed = if letter == 'z' { " | zed" } else { "" };
                    let _ = writeln!(grammar, "<{letter}> = {letter} | {word}{zed};");
                }
            }
        }
        Some(grammar)
    }

    /// The model of what may follow what, of words that are `known` only; none if there is none for it.
    pub fn model(&self, known: impl Fn(&str) -> bool) -> Option<Model> {
        let Expected::Like(examples) = self else { return None };
        // Of a sentence with words that are not known the rest still tells what goes together.
        let parts = examples.iter().flat_map(|example| {
            let words: Vec<&str> = example.split(' ').collect();
            let rows = words.split(|word| !known(word)).map(|row| row.join(" "));
            rows.filter(|row| !row.is_empty()).collect::<Vec<_>>()
        });
        let parts: Vec<String> = parts.collect();
        let letters: Vec<String> = ('a'..='z').map(String::from).collect();
        let days = speak::DAYS.into_iter().chain(speak::MONTHS).map(|word| word.to_lowercase());
        let small: Vec<String> = (1..21).map(speak::below_a_hundred).chain(days).collect();
        let words = DIGITS.split(" | ").chain(LETTERS).chain(NAMED.split(' '));
        let words = words.chain(letters.iter().chain(&small).map(String::as_str));
        Model::of(parts.iter().map(String::as_str), words.filter(|word| known(word)))
    }
}

/// A phrase with `was not` instead of `wasn't`; none if there is nothing of the kind in it.
fn in_full(phrase: &str) -> Option<String> {
    phrase.contains("n't").then(|| {
        phrase.replace("can't", "cannot").replace("won't", "will not").replace("n't", " not")
    })
}

/// How houses' numbers are said, up to 299.
fn house_numbers() -> Vec<String> {
    let small: Vec<String> = (1..100).map(speak::below_a_hundred).collect();
    let hundreds = ["one hundred", "a hundred", "two hundred"].into_iter().flat_map(|hundred| {
        let with = small.iter().map(move |rest| format!("{hundred} and {rest}"));
        std::iter::once(hundred.to_owned()).chain(with)
    });
    let all: Vec<String> = hundreds.chain(small.clone()).collect();
    let before = all.iter().map(|number| format!("number {number}"));
    before.chain(all.clone()).collect()
}

/// How days are said.
fn days() -> Vec<String> {
    let near = ["today", "tomorrow", "yesterday", "the day after tomorrow"].map(str::to_owned);
    let week = speak::DAYS.iter().flat_map(|day| {
        ["", "this ", "next ", "last ", "on "].map(|before| format!("{before}{day}"))
    });
    let days = |month| speak::ORDINALS.iter().map(move |day| format!("the {day} of {month}"));
    near.into_iter().chain(week).chain(speak::MONTHS.iter().flat_map(days)).collect()
}

/// How times of day are said.
fn times() -> Vec<String> {
    let all = (1..=12).map(speak::below_a_hundred).flat_map(|hour| {
        let exact = ["", " o'clock", " thirty", " fifteen", " forty five", " a m", " p m"];
        let exact = exact.map(|after| format!("{hour}{after}"));
        let round = ["half past", "quarter past", "quarter to"];
        exact.into_iter().chain(round.map(|before| format!("{before} {hour}")))
    });
    let parts = ["in the morning", "in the afternoon", "in the evening"];
    let all: Vec<String> = all.collect();
    let with = all.iter().flat_map(|time| parts.map(|part| format!("{time} {part}")));
    with.chain(all.clone()).collect()
}

/// Phrases without what no recogniser says, each once.
fn distinct(phrases: &[String]) -> Vec<String> {
    let phrases: BTreeSet<String> =
        phrases.iter().take(MOST_PHRASES).map(|phrase| plain(phrase)).collect();
    phrases.into_iter().filter(|phrase| !phrase.is_empty()).collect()
}

/// So many of something one after the other.
fn counted(what: &str, least: u8, most: u8) -> String {
    let most = most.clamp(1, MOST_CHARACTERS);
    let least = least.clamp(1, most);
    let needed = vec![what; usize::from(least)].join(" ");
    let more = usize::from(most - least);
    let optional = (0..more).fold(String::new(), |inner, _| format!(" [{what}{inner}]"));
    needed + &optional
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_counts_leaves_out_what_is_unknown_and_cannot_be_broken_out_of() {
        assert_eq!(counted("d", 2, 4), "d d [d [d]]");
        assert_eq!(counted("d", 0, 0), "d");
        let hostile =
            ["Fly-tipping!", "a | b; public <x> = c", "zyzzyva", "{}", ""].map(str::to_owned);
        let expected = Expected::Phrases(hostile.to_vec());
        let ours = |word: &str| PERSON.iter().any(|phrase| phrase.split(' ').any(|it| it == word));
        let known = |word: &str| word != "zyzzyva" && (!ours(word) || word == "a");
        let grammar = expected.grammar(known).expect("a grammar");
        assert_eq!(
            grammar,
            "#JSGF V1.0;\ngrammar heard;\npublic <heard> = <answer>;\n<answer> = a b public x c | fly tipping;\n"
        );
        assert_eq!(expected.grammar(|_| false), None);
        assert_eq!(Expected::Free(Vec::new()).grammar(|_| true), None);
        assert_eq!(AREAS.split_whitespace().count(), 124);
    }

    #[test]
    fn a_person_can_be_asked_for_whatever_the_question_is() {
        let things = Slot::ALL.map(|(_, slot)| Question::Thing { slot, least: 1, most: 6 });
        let choices = Question::OneOf(vec![vec!["black bin".into()]]);
        for question in things.into_iter().chain([choices]) {
            let expected = Expected::to(&question, None);
            let Some(grammar) = expected.grammar(|_| true) else { continue };
            assert!(grammar.contains("| /1/ <person>;"), "{question:?}");
            assert!(grammar.contains("<person> = adviser | an adviser please |"), "{question:?}");
        }
    }

    #[test]
    fn what_is_named_is_listened_for_as_people_say_it() {
        let asked = |slot| Question::Thing { slot, least: 1, most: 8 };
        for (slot, said, count) in [
            (Slot::HouseNumber, "number a hundred and twenty one", 798),
            (Slot::Date, "the thirty first of december", 411),
            (Slot::Time, "half past two in the afternoon", 480),
        ] {
            let Expected::Free(phrases) = Expected::to(&asked(slot), None) else {
                panic!("{slot:?} by phrases");
            };
            let phrases = distinct(&phrases);
            assert!(phrases.iter().any(|phrase| phrase == said), "{said}");
            assert_eq!(phrases.len(), count, "{slot:?}");
        }
        assert_eq!(in_full("my bin wasn't collected").as_deref(), Some("my bin was not collected"));
        assert_eq!(in_full("i can't see"), Some("i cannot see".to_owned()));
        assert_eq!(in_full("my bin"), None);
    }

    #[test]
    fn every_way_to_say_yes_or_no_is_one_of_them() {
        for phrase in Expected::YesNo.phrases().expect("phrases") {
            assert_eq!(is_yes(&phrase), Some(!phrase.contains("no") && !phrase.contains("wrong")));
        }
        assert_eq!(is_yes("perhaps"), None);
    }
}
