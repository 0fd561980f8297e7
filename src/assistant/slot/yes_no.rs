//! Yes and no, as people say them. What is unclear is neither.

use super::Found;
use super::token::{Token, covered, is_filler, listed, longest, word};

/// Yes, whatever comes after it.
const YES: &str = "yes, yeah, yep, yup, aye, correct, absolutely, definitely, i said yes";

/// Yes, if nothing comes after it that makes it a sentence.
const YES_ENDING: &str = "yah, ya, indeed, certainly, affirmative, exactly, of course, course, go on, \
    go on then, go ahead, go for it, why not, please do, do it, do that, i do, i am, i have, i would, \
    i did, i will, i can, it is, it was, it does, they are, they have, we are, we have, we do, that is, \
    that's it, thats it, that's right, thats right, that is right, that's correct, thats correct, \
    that is correct, that's the one, that one, that's fine, thats fine, that is fine, that will do, \
    that'll do, that'll do nicely, that'd be great, that would be great, that'd be good, that would be good, \
    that'd be lovely, that would be lovely, sounds good, sounds right, that sounds right, \
    that sounds good, spot on, that's spot on, bang on, you got it, you've got it, you're right, \
    you are right, got it, i think so, i believe so, i suppose so, i suppose, i guess so, i'd say so, \
    if you would, if you could, if you like, all right, alright, ok then, okay then, very much so, \
    by all means, too right, true, that's true, it's right, it's correct, all correct, all good, \
    that's me, speaking, happy with that, i'm happy with that, perfect, lovely, great, \
    it certainly is, it certainly was, sure thing, you can, you may, let's do it, i'd like that, \
    i would like that, that's the right one, that is the right one, it's the right one";

/// Yes only where nothing else is said: they also begin a sentence that is about something else.
const YES_ALONE: &str = "ok, okay, sure, right, fine, please, mhm, mm hmm, mm hm, uh huh, good, no problem, no problem at all, y";

/// Yes where another answer follows: "sure why not".
const YES_BEFORE: &str = "sure, ok, okay, no problem";

/// No, whatever comes after it.
const NO: &str = "yeah no, nope, nah, naw, nay, no thanks, no thank you, no ta, i said no, that's not, thats not, \
    that is not, that isn't, that isnt, that wasn't";

/// No, if nothing comes after it that makes it a sentence.
const NO_ENDING: &str = "no way, no way jose, not, never, negative, incorrect, wrong, not really, \
    not at all, not quite, not right, not correct, not now, not today, not yet, not that one, not that, \
    not for me, certainly not, definitely not, absolutely not, of course not, that's wrong, \
    thats wrong, that is wrong, it's wrong, its wrong, that's incorrect, that is incorrect, i don't, \
    i dont, i do not, i'm not, im not, i am not, i haven't, i havent, i have not, i wouldn't, \
    i would not, i didn't, i didnt, i did not, i can't, i cannot, i won't, it isn't, it isnt, \
    it is not, it's not, its not, it wasn't, it wasnt, it was not, it doesn't, they're not, \
    they aren't, they haven't, we're not, we haven't, we don't, don't, dont, do not, please don't, \
    don't do that, i don't think so, i dont think so, don't think so, dont think so, i think not, \
    i don't think that's right, i don't think it is, i'd rather not, i would rather not, rather not, \
    cancel that, stop, afraid not, i'm afraid not, i am afraid not, not on your nelly, not on your life, false, you've got it wrong, you've got that wrong, \
    you've got me wrong, far from it, none of that, leave it, wrong one, it's not right, \
    it isn't right, it's not correct, you've misheard me, you misheard me, you've misheard, \
    i haven't got one, i don't have one, i'll not bother, don't bother, you can't, you may not, n";

/// Neither, though yes or no may be in it.
const UNCLEAR: &str = "i don't know, i dont know, i do not know, don't know, dont know, not sure, \
    i'm not sure, im not sure, i am not sure, maybe, perhaps, possibly, it depends, could be, \
    might be, i can't remember, i don't remember, can't remember, not certain, i'm not certain, \
    yes and no, dunno, no idea, i don't understand, i'm not bothered, i don't mind, i'm easy, sort of";

/// Behind "no" these go on with the answer; anything else makes it part of a sentence ("no heating").
const AFTER_NO: &str = "it, it's, its, i, i'm, im, i've, ive, i'd, that, that's, thats, this, thank, \
    thanks, ta, not, sorry, you, you've, we, we've, he, she, they, they're, my, actually, love, mate, \
    sir, madam, don't, dont, the, can, there, there's, wait, never, absolutely, definitely, cancel, \
    leave, wrong, because, but, please, just, change, what";

/// Behind "that's not" these make it a report: "that's not been emptied".
const AFTER_NOT: &str = "been, working, coming, come";

/// What is nodded along.
const COURTESY: &str = "thank you, thanks, ta, love, mate, dear, sir, madam, duck, darling, hello, hi, oh, \
    then, now, cheers, i think, just, so, very much, that's, pet, sorry, mm hm, mm hmm";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Unclear,
}

/// The answer with which an utterance begins.
pub fn find(tokens: &[Token]) -> Option<Found> {
    let mut at = 0;
    let mut said: Option<(Answer, usize, usize)> = None;
    while at < tokens.len() {
        match answer(tokens, at) {
            Some((answer, next)) => {
                said = match said {
                    None => Some((answer, at, next)),
                    Some((before, from, _)) if before == answer => Some((before, from, next)),
                    // "well yes, that's wrong": the two contradict each other.
                    Some(_) => return None,
                };
                at = next;
            }
            None => match courtesy(tokens, at) {
                Some(next) => at = next,
                None => break,
            },
        }
    }
    let (answer, from, to) = said.or_else(|| at_the_end(tokens))?;
    let value = match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Unclear => return None,
    };
    Some(Found { value: value.to_owned(), span: covered(tokens, from, to) })
}

/// A short sentence that ends with the answer: "he does yes".
fn at_the_end(tokens: &[Token]) -> Option<(Answer, usize, usize)> {
    let last = tokens.len().checked_sub(1).filter(|last| *last < SHORT)?;
    let answer = match word(tokens, last)? {
        "yes" | "yeah" | "yep" => Answer::Yes,
        "no" | "nope" | "nah" => Answer::No,
        _ => return None,
    };
    Some((answer, last, last + 1))
}

/// As many words before an answer at the end are its explanation.
const SHORT: usize = 4;

/// The place behind a courtesy or a filler.
fn courtesy(tokens: &[Token], at: usize) -> Option<usize> {
    let filler = || word(tokens, at).filter(|word| is_filler(word)).map(|_| at + 1);
    longest(tokens, at, COURTESY).or_else(filler)
}

/// The longest answer that stands at `at`, and the place behind it.
fn answer(tokens: &[Token], at: usize) -> Option<(Answer, usize)> {
    let no_alone = || {
        let next = longest(tokens, at, "no")?;
        let goes_on = tokens.get(next).is_none_or(|after| {
            after.after_pause
                || is_filler(&after.word)
                || listed(AFTER_NO).any(|word| word == after.word)
                || begins_an_answer(tokens, next, &ANY)
        });
        goes_on.then_some(next)
    };
    let no = longest(tokens, at, NO).filter(|next| {
        let after = word(tokens, *next);
        !after.is_some_and(|after| listed(AFTER_NOT).any(|word| word == after))
    });
    let ending = |list, goes_on: &[&'static str]| {
        longest(tokens, at, list).filter(|next| ends(tokens, *next, goes_on))
    };
    let alone = || longest(tokens, at, YES_ALONE).filter(|next| at == 0 && is_over(tokens, *next));
    let before =
        || longest(tokens, at, YES_BEFORE).filter(|next| begins_an_answer(tokens, *next, &ANY));
    // Of equally long ones the more careful.
    let readings = [
        (Answer::Unclear, longest(tokens, at, UNCLEAR)),
        (Answer::No, no_alone()),
        (Answer::No, no),
        (Answer::No, ending(NO_ENDING, &ANY)),
        (Answer::Yes, longest(tokens, at, YES)),
        (Answer::Yes, ending(YES_ENDING, &[YES, YES_ENDING])),
        (Answer::Yes, alone()),
        (Answer::Yes, before()),
    ];
    let mut best: Option<(Answer, usize)> = None;
    for (answer, next) in readings {
        if let Some(next) = next
            && best.is_none_or(|(_, longest)| next > longest)
        {
            best = Some((answer, next));
        }
    }
    best
}

/// Whether an answer may end here: nothing more is said, a pause, or another answer out of `lists`.
fn ends(tokens: &[Token], at: usize, lists: &[&'static str]) -> bool {
    is_over(tokens, at)
        || tokens.get(at).is_some_and(|token| token.after_pause)
        || begins_an_answer(tokens, at, lists)
}

/// Whether nothing but courtesies is left.
fn is_over(tokens: &[Token], mut at: usize) -> bool {
    while let Some(next) = courtesy(tokens, at) {
        at = next;
    }
    at >= tokens.len()
}

/// Whatever answers; behind yes only more of it counts: "I do not want that" is none.
const ANY: [&str; 5] = [YES, YES_ENDING, NO, NO_ENDING, "no"];

fn begins_an_answer(tokens: &[Token], at: usize, lists: &[&'static str]) -> bool {
    lists.iter().any(|list| longest(tokens, at, list).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;

    fn read(text: &str) -> Option<String> {
        find(&tokens(text)).map(|found| found.value)
    }

    #[test]
    fn yes_is_said_in_many_ways() {
        let said = "yes|Yeah.|yep|yes please|yes that's right|go on then|that's right|um yeah|\
            yeah yeah yeah|ok|okay then|that's correct thank you|aye|of course|I think so|yes it is|right|\
            that's the one|oh yes|please do|Yes, that is correct.|yeah go on then|yes i did|\
            yeah that's fine|sure|correct yes|it is yes|you're right|that's spot on|no problem|\
            yes I'd like to report a bin|yeah but not today|all good|I said yes";
        for said in said.split('|') {
            assert_eq!(read(said).as_deref(), Some("yes"), "{said}");
        }
    }

    #[test]
    fn no_is_said_in_many_ways() {
        let said = "no|Nope.|nah|no thank you|no that's wrong|that's wrong|not really|no it isn't|\
            that's not right|I don't think so|er no|no no no|No, thanks.|incorrect|definitely not|\
            no i don't|it's not|no it's fourteen|no that's not right|i'd rather not|no sorry|\
            that's not my address|you've got that wrong|I said no|nah you're alright|not yet no|\
            I don't think that's right|it isn't no|no you've got it wrong|no way jose";
        for said in said.split('|') {
            assert_eq!(read(said).as_deref(), Some("no"), "{said}");
        }
    }

    #[test]
    fn what_is_unclear_is_neither() {
        let said = "maybe|i don't know|yes no|no yes|not sure|yes and no|no heating|sort of||\
            no one came for my bin|my bin wasn't collected|fourteen acacia avenue|no hot water|\
            ok so my bin was not collected|i can't pay my rent|i do need a new bin|\
            right my neighbour is noisy|it's not been collected|that's not been emptied|\
            i do not want that|i can not pay it|we have no idea";
        for said in said.split('|') {
            assert_eq!(read(said), None, "{said}");
        }
    }
}
