//! What is spelled: letters and digits one by one, by alphabet, by likeness, fitted to a pattern.

use super::number::{below_hundred, digit, tens, times};
use super::token::{Token, is_filler, word};

/// What a place of a pattern can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Letter,
    Digit,
}

/// A pattern such as `AA9 9AA`: `A` a letter, `9` a digit; spaces are how it is written in the end.
#[derive(Debug, Clone, Copy)]
pub struct Pattern(pub &'static str);

impl Pattern {
    fn places(self) -> Vec<Place> {
        let place = |c| match c {
            'A' => Some(Place::Letter),
            '9' => Some(Place::Digit),
            _ => None,
        };
        self.0.chars().filter_map(place).collect()
    }

    /// The letters and digits as the pattern writes them.
    fn written(self, spelled: &str) -> String {
        let mut spelled = spelled.chars();
        self.0.chars().filter_map(|c| if c == ' ' { Some(' ') } else { spelled.next() }).collect()
    }
}

/// Whether short words may stand for their letters: "ab 12 cde", but also "at 12 oak".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// They may.
    AreLetters,
    /// Only beside something like "ab12" that is no word.
    AreWords,
}

/// What was spelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelled {
    /// Letters and digits as the pattern writes them.
    pub text: String,
    /// The place behind it.
    pub end: usize,
    /// How many of its characters were read from words that may be something else.
    unsure: usize,
}

/// The best of the patterns that fit what is spelled from `at` on: the longest, then the surest, then
/// the first.
pub fn best(
    tokens: &[Token],
    at: usize,
    patterns: &[Pattern],
    right: &dyn Fn(&str) -> bool,
    words: Words,
) -> Option<Spelled> {
    let fits = patterns.iter().filter_map(|pattern| fit(tokens, at, *pattern, right, words));
    fits.fold(None, |best: Option<Spelled>, fit| match best {
        Some(best) if (best.end, fit.unsure) >= (fit.end, best.unsure) => Some(best),
        Some(_) | None => Some(fit),
    })
}

/// Letters and digits that fit `pattern` and are `right`.
fn fit(
    tokens: &[Token],
    at: usize,
    pattern: Pattern,
    right: &dyn Fn(&str) -> bool,
    words: Words,
) -> Option<Spelled> {
    let places = pattern.places();
    // It begins with something that counts, not with a filler.
    if reading_nothing(tokens, at).is_some() {
        return None;
    }
    let mut spelled = String::new();
    let mut sure = Surety::default();
    let end = search(tokens, at, &places, &mut spelled, &mut sure, right)?;
    if words == Words::AreWords && sure.words > 0 && sure.mixed == 0 {
        return None;
    }
    Some(Spelled { text: pattern.written(&spelled), end, unsure: sure.likely })
}

/// How much of what was read could be nothing but letters and digits.
#[derive(Debug, Default, Clone, Copy)]
struct Surety {
    sure: usize,
    sure_digits: usize,
    likely: usize,
    /// Read from a word of several letters.
    words: usize,
    /// Read from letters and digits in one: "ab12".
    mixed: usize,
}

impl Surety {
    /// Whether enough is sure: "see are one zero are why" is spelled, "are you one to be a" is not.
    fn suffices(self) -> bool {
        self.sure >= self.likely || self.sure_digits >= 2
    }
}

fn search(
    tokens: &[Token],
    at: usize,
    places: &[Place],
    spelled: &mut String,
    surety: &mut Surety,
    right: &dyn Fn(&str) -> bool,
) -> Option<usize> {
    let Some(rest) = places.get(spelled.len()..).filter(|rest| !rest.is_empty()) else {
        return (surety.suffices() && right(spelled)).then_some(at);
    };
    for reading in readings(tokens, at) {
        let fits = reading.text.len() <= rest.len()
            && reading.text.bytes().zip(rest).all(|(b, place)| match place {
                Place::Letter => b.is_ascii_uppercase(),
                Place::Digit => b.is_ascii_digit(),
            });
        if !fits {
            continue;
        }
        let before = (spelled.len(), *surety);
        spelled.push_str(&reading.text);
        let long = reading.text.len();
        if long > 1 && reading.next == at + 1 {
            let letters = reading.text.bytes().filter(u8::is_ascii_uppercase).count();
            match letters {
                0 => {}
                all if all == long && !reading.sure => surety.words += long,
                all if all == long => {}
                _ => surety.mixed += long,
            }
        }
        if reading.sure {
            surety.sure += reading.text.len();
            surety.sure_digits += reading.text.bytes().filter(u8::is_ascii_digit).count();
        } else {
            surety.likely += reading.text.len();
        }
        if let Some(end) = search(tokens, reading.next, places, spelled, surety, right) {
            return Some(end);
        }
        spelled.truncate(before.0);
        *surety = before.1;
    }
    None
}

/// One way to read what stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    /// Capital letters and digits.
    text: String,
    /// Whether it is nothing else: `to` for 2 and `are` for R are not sure.
    sure: bool,
    next: usize,
}

/// All ways to read what stands at a place, the likeliest first.
fn readings(tokens: &[Token], at: usize) -> Vec<Reading> {
    let mut found = Vec::new();
    let Some(token) = tokens.get(at) else { return found };
    if let Some(next) = reading_nothing(tokens, at) {
        found.push(Reading { text: String::new(), sure: true, next });
        return found;
    }
    let mut see = |text: String, sure, next| found.push(Reading { text, sure, next });
    if let Some(times) = times(&token.word) {
        // "double you" is W before it is two of them.
        if token.word == "double" && matches!(word(tokens, at + 1), Some("you" | "u")) {
            see("W".to_owned(), true, at + 2);
        }
        for reading in one(tokens, at + 1) {
            if reading.text.len() == 1 {
                see(reading.text.repeat(times), true, reading.next);
            }
        }
        return found;
    }
    // "twenty one" is 21 before it is 20 and 1.
    if let Some((number, next)) = below_hundred(tokens, at).filter(|(number, _)| *number > 9) {
        see(number.to_string(), true, next);
        if next > at + 1
            && let Some(tens) = tens(&token.word)
        {
            see(tens.to_string(), true, at + 1);
        }
    }
    found.extend(one(tokens, at));
    found
}

/// What is said between letters and stands for none.
fn reading_nothing(tokens: &[Token], at: usize) -> Option<usize> {
    let Token { word, written, .. } = tokens.get(at)?;
    // "HMM" and "AND" in capitals are spelled.
    let capitals = written.bytes().all(|b| b.is_ascii_uppercase());
    let nothing = !capitals
        && (is_filler(word)
            || matches!(
                word.as_str(),
                "space" | "dash" | "hyphen" | "capital" | "then" | "and" | "number"
            ));
    nothing.then_some(at + 1)
}

fn one(tokens: &[Token], at: usize) -> Vec<Reading> {
    let mut found = Vec::new();
    let Some(token) = tokens.get(at) else { return found };
    let written = token.word.to_ascii_uppercase();
    let plain = written.bytes().all(|b| b.is_ascii_alphanumeric());
    let letters = written.bytes().all(|b| b.is_ascii_uppercase());
    let mut see = |text: &str, sure, next| {
        found.push(Reading { text: text.to_owned(), sure, next });
    };
    // As written: RM1, 3BD, AB; one letter.
    let spelled = plain && (!letters && written.len() <= 8 || letters && written.len() <= 4);
    let capitals = token.written.bytes().all(|b| b.is_ascii_uppercase());
    let sure = !letters || written.len() == 1 || capitals;
    if spelled && sure {
        see(&written, true, at + 1);
    }
    if matches!(token.word.as_str(), "o" | "oh") {
        see("O", true, at + 1);
        see("0", true, at + 1);
    } else if let Some(digit) = digit(&token.word) {
        see(&digit.to_string(), true, at + 1);
    }
    if token.word == "x" && word(tokens, at + 1) == Some("ray") {
        see("X", true, at + 2);
    }
    if let Some((letter, sure)) = letter(&token.word) {
        let text = letter.to_string();
        match explained(tokens, at + 1, letter) {
            Some(next) => see(&text, true, next),
            None => see(&text, sure, at + 1),
        }
    }
    if let Some(digit) = heard_as_digit(&token.word) {
        see(&digit.to_string(), false, at + 1);
    }
    // A short word may stand for its letters: "rm".
    if spelled && !sure && below_hundred(tokens, at).is_none() {
        see(&written, false, at + 1);
    }
    // What is explained is read with its explanation first.
    found.sort_by_key(|reading| std::cmp::Reverse(reading.next));
    found
}

/// "R for Romeo", "B as in bin": the place behind the explanation.
pub fn explained(tokens: &[Token], at: usize, letter: char) -> Option<usize> {
    let example = match (word(tokens, at)?, word(tokens, at + 1)) {
        ("for" | "like", _) => at + 1,
        ("as", Some("in")) => at + 2,
        _ => return None,
    };
    let begins = word(tokens, example)?.chars().next()?.to_ascii_uppercase();
    let long = word(tokens, example)?.len() > 1;
    (begins == letter && long).then_some(example + 1)
}

/// A letter by its name or by the phonetic alphabet, and whether the word means nothing else.
pub fn letter(word: &str) -> Option<(char, bool)> {
    if let &[only] = word.as_bytes()
        && only.is_ascii_alphabetic()
    {
        return Some((char::from(only.to_ascii_uppercase()), true));
    }
    let sure = match word {
        "alpha" | "alfa" | "ay" => 'A',
        "bravo" | "bee" => 'B',
        "charlie" | "cee" | "si" => 'C',
        "delta" | "dee" => 'D',
        "echo" | "ee" => 'E',
        "foxtrot" | "ef" | "eff" => 'F',
        "golf" | "gee" | "jee" => 'G',
        "hotel" | "aitch" | "haitch" => 'H',
        "india" => 'I',
        "juliet" | "juliett" | "jay" => 'J',
        "kilo" | "kay" | "cay" => 'K',
        "lima" | "el" | "ell" => 'L',
        "mike" | "em" | "emm" => 'M',
        "november" | "en" | "enn" => 'N',
        "oscar" => 'O',
        "papa" | "pee" | "pea" => 'P',
        "quebec" | "cue" | "queue" | "kew" => 'Q',
        "romeo" | "ar" | "arr" => 'R',
        "sierra" | "ess" | "es" => 'S',
        "tango" | "tee" => 'T',
        "uniform" => 'U',
        "victor" | "vee" => 'V',
        "whiskey" | "whisky" => 'W',
        "xray" | "ex" | "ecks" => 'X',
        "yankee" | "wye" => 'Y',
        "zulu" | "zed" | "zee" => 'Z',
        _ => {
            let heard = match word {
                "hey" => 'A',
                "be" => 'B',
                "see" | "sea" => 'C',
                "he" => 'E',
                "if" => 'F',
                "eye" => 'I',
                "hell" => 'L',
                "am" | "him" => 'M',
                "in" => 'N',
                "owe" => 'O',
                "are" | "our" => 'R',
                "yes" => 'S',
                "tea" => 'T',
                "you" | "yew" | "ewe" => 'U',
                "we" => 'V',
                "eggs" => 'X',
                "why" => 'Y',
                _ => return None,
            };
            return Some((heard, false));
        }
    };
    Some((sure, true))
}

fn heard_as_digit(word: &str) -> Option<u8> {
    Some(match word {
        "won" => 1,
        "to" | "too" => 2,
        "tree" | "free" => 3,
        "for" | "fore" => 4,
        "sex" => 6,
        "ate" => 8,
        _ => return None,
    })
}

/// Letters and digits in a row, as a reference is read out, and the place behind it; only what is
/// sure.
pub fn row(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let (mut text, mut next, mut ahead) = (String::new(), at, at);
    loop {
        if !text.is_empty()
            && let Some(after) = reading_nothing(tokens, ahead)
        {
            ahead = after;
            continue;
        }
        let Some(reading) = readings(tokens, ahead)
            .into_iter()
            .find(|reading| reading.sure && !reading.text.is_empty())
        else {
            break;
        };
        text.push_str(&reading.text);
        (next, ahead) = (reading.next, reading.next);
    }
    // "oh" is the letter between letters only: "m b oh one" is MB01.
    let letters: Vec<char> = text.chars().collect();
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| letters.get(at)).is_some_and(|c| c.is_ascii_alphabetic() && *c != 'O')
    };
    let text = letters.iter().enumerate().map(|(at, c)| {
        let between = is_letter(at.checked_sub(1)) && is_letter(Some(at + 1));
        if *c == 'O' && !between { '0' } else { *c }
    });
    let text: String = text.collect();
    (!text.is_empty()).then_some((text, next))
}
