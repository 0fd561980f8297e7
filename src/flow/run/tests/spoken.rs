//! Callers who speak instead of pressing keys.

use super::*;
use crate::call::command::{Candidate, Heard, Question, Utterance};
use crate::event::Slot;

const FLOW: &str = "\
start: help
adviser: person
urgent: now
nodes:
  help:
    ask: How can I help?
    intents: {missed-bin: bin, council-tax: tax}
    confirm: \"It is about {intent}. Is that right?\"
    keys: {1: bin}
    other: else
    by_keys: menu
    no_input: {say: Nothing came.}
    wrong: {say: Sorry.}
    tries: 3
    otherwise: lost
  bin:
    collect: Which postcode?
    as: postcode
    form: postcode
    confirm: \"Is it {postcode}?\"
    then: house
    otherwise: lost
  house:
    collect: Which number?
    as: house
    form: number
    keys: 1 to 3
    then: bye
    otherwise: lost
  tax: {queue: tax, otherwise: bye}
  else: {queue: general, otherwise: bye}
  lost: {say: Let us find somebody., then: person}
  now: {queue: general, skills: [urgent], priority: urgent, otherwise: bye}
  person: {queue: general, otherwise: bye}
  menu:
    menu: For bins, press 1 or say bins.
    phrases: {1: [bins, rubbish], 2: tax}
    keys: {1: bin, 2: tax, 3: day, 9: pay}
    otherwise: person
  day: {collect: When?, as: day, form: date, unless_named: true, then: bye, otherwise: lost}
  pay:
    menu: To pay, press 1 or say pay.
    keys: {1: bye}
    phrases: {1: pay}
    must_hear: true
    otherwise: person
  bye: {hang_up: completed}
";

pub(super) fn walk_of(about: About) -> Walk {
    let known = Known {
        queues: vec!["tax".into(), "general".into()],
        skills: vec!["urgent".into()],
        intents: [("missed-bin", "a missed bin"), ("council-tax", "council tax")]
            .map(|(name, says)| (name.into(), says.to_owned()))
            .into(),
        ..Known::default()
    };
    let flow = load_text(&"main".into(), "main.yaml", FLOW, &known).expect("is good");
    let flow = Arc::new(flow);
    let flows = Arc::new(Flows::from([(flow.name.clone(), Arc::clone(&flow))]));
    Walk(Run::new(flows, flow, about))
}

pub(super) fn walk() -> Walk {
    walk_of(About { hears: true, ..about() })
}

/// At the first question, its words being said.
fn asked() -> Walk {
    let mut walk = walk();
    assert_eq!(walk.on(Notice::Started), ">help, play help, listen for business");
    walk
}

fn candidate(intent: &str, chance: u16) -> Candidate {
    Candidate { intent: intent.into(), says: format!("a {intent}"), chance }
}

pub(super) fn words(utterance: Utterance) -> Notice {
    Notice::Heard(Heard::Words(Box::new(utterance)))
}

/// Words that mean these intents.
fn means(ranked: &[(&str, u16)]) -> Notice {
    let ranked = ranked.iter().map(|(intent, chance)| candidate(intent, *chance)).collect();
    let text = "my words".to_owned();
    words(Utterance { text, sure: true, ranked, meant: true, ..Utterance::default() })
}

/// Words that answer a question for a thing.
pub(super) fn answers(answer: &str, sure: bool) -> Notice {
    let (text, answer) = ("my words".to_owned(), Some(answer.to_owned()));
    words(Utterance { text, sure, answer, ..Utterance::default() })
}

pub(super) fn hear(heard: Heard) -> Notice {
    Notice::Heard(heard)
}

#[test]
fn clear_words_go_straight_on_and_the_question_falls_silent_when_the_caller_speaks() {
    let mut walk = asked();
    assert_eq!(walk.on(hear(Heard::Began)), "stop");
    assert_eq!(
        walk.on(means(&[("missed-bin", 930)])),
        "said Understood missed-bin, note Said=my words, note About=a missed-bin, >bin, play bin, \
         listen for postcode",
    );
    assert_eq!(walk.on(Notice::Played), "timer 8");
    assert_eq!(walk.on(hear(Heard::Began)), "no timer");
    let read_back = "said ToConfirm postcode, play bin-confirm+say/l-r+say/l-m+say/n-1+say/pause+say/n-3+say/l-b+say/l-d";
    let said = walk.on(answers("RM1 3BD", true));
    assert!(said.starts_with(read_back), "{said}");
    assert!(said.ends_with("listen for yes_no"), "{said}");
    assert_eq!(walk.on(hear(Heard::Began)), "stop");
    assert_eq!(
        walk.on(answers("yes", true)),
        "said Understood postcode, >house, play house, listen for digits",
    );
    walk.on(hear(Heard::Began));
    assert_eq!(walk.on(answers("14", true)), "said Understood digits, >bye, hang up Completed");
}

#[test]
fn what_is_not_sure_is_asked_back_and_the_second_guess_comes_after_the_first() {
    let mut walk = asked();
    walk.on(hear(Heard::Began));
    assert_eq!(
        walk.on(means(&[("missed-bin", 520), ("council-tax", 310)])),
        "said ToConfirm missed-bin, note Said=my words, play help-confirm-1+say/about-missed-bin+\
         help-confirm-2, listen for yes_no",
    );
    walk.on(Notice::Played);
    walk.on(hear(Heard::Began));
    assert_eq!(
        walk.on(answers("no", true)),
        "said Denied -, play help-confirm-1+say/about-council-tax+help-confirm-2, listen for yes_no",
    );
    assert_eq!(
        walk.on(key('1')),
        "stop, deaf now, note About=a council-tax, >tax, hand over business council-tax, queue tax [] Serve",
    );
}

#[test]
fn nobody_acts_on_words_that_the_recogniser_is_not_sure_of() {
    let mut walk = asked();
    let unsure = |ranked: Vec<Candidate>| {
        let text = "my words".to_owned();
        words(Utterance { text, sure: false, ranked, meant: true, ..Utterance::default() })
    };
    let said = walk.on(unsure(vec![candidate("missed-bin", 990)]));
    assert!(said.starts_with("stop, said ToConfirm missed-bin"), "{said}");
    // Nor on a yes that it is not sure of.
    let said = walk.on(answers("yes", false));
    assert!(said.starts_with("stop, said NotUnderstood -, play help-confirm"), "{said}");
    let mut walk = at_the_house();
    let said = walk.on(answers("14", false));
    assert!(said.starts_with("stop, said NotUnderstood digits, play house"), "{said}");
}

fn at_the_house() -> Walk {
    let mut walk = asked();
    walk.on(means(&[("missed-bin", 930)]));
    walk.on(answers("RM1 3BD", true));
    walk.on(key('1'));
    walk
}

#[test]
fn what_the_flow_reads_back_later_may_be_unsure_now() {
    let mut walk = asked();
    walk.on(hear(Heard::Deaf));
    walk.on(key('3'));
    let said = walk.on(answers("2026-12-01", false));
    assert_eq!(said, "stop, said ToConfirm date, >bye, hang up Completed");
}

#[test]
fn who_is_not_understood_twice_more_comes_to_a_person_with_all_that_was_said() {
    let mut walk = asked();
    assert_eq!(
        walk.on(hear(Heard::NoMatch)),
        "stop, said NoMatch -, play help-wrong+help, listen for business"
    );
    assert_eq!(
        walk.on(means(&[("missed-bin", 200)])),
        "stop, said NotUnderstood missed-bin, play help-wrong+help, listen for business",
    );
    walk.on(Notice::Played);
    assert_eq!(walk.on(Notice::TimerDone), "deaf now, >lost, play lost");
    assert_eq!(
        walk.on(Notice::Played),
        ">person, hand over not_understood, queue general [] Serve",
    );
}

#[test]
fn a_person_is_one_word_or_one_key_away_and_what_cannot_wait_does_not() {
    let mut walk = asked();
    assert_eq!(
        walk.on(means(&[("adviser", 800)])),
        "stop, said Adviser adviser, >person, hand over asked_for, queue general [] Serve",
    );
    let mut walk = asked();
    let on = walk.on(key('0'));
    assert!(on.ends_with(">person, hand over asked_for, queue general [] Serve"), "{on}");
    let mut walk = asked();
    walk.on(means(&[("missed-bin", 900)]));
    // Postcodes have zeros too; one alone is none.
    assert_eq!(walk.on(key('0')), "stop, deaf now, timer 4");
    let on = walk.on(Notice::TimerDone);
    assert_eq!(on, ">person, hand over asked_for missed-bin, queue general [] Serve");
    let urgent = vec![("gas-leak".into(), "a smell of gas".to_owned())];
    let text = "i can smell gas".to_owned();
    let mut walk = asked();
    assert_eq!(
        walk.on(words(Utterance { text, urgent, ..Utterance::default() })),
        "stop, said Urgent -, note Cannot wait=a smell of gas, note Said=i can smell gas, >now, \
         hand over urgent, queue general [\"urgent\"] Serve at -20",
    );
}

#[test]
fn what_was_named_before_is_not_asked_for_again_but_read_back() {
    let mut walk = asked();
    let utterance = Utterance {
        text: "my words".to_owned(),
        sure: true,
        ranked: vec![candidate("missed-bin", 930)],
        meant: true,
        named: [(Slot::Postcode, "RM1 3BD".to_owned()), (Slot::Digits, "14".to_owned())].into(),
        ..Utterance::default()
    };
    let said = walk.on(words(utterance));
    assert!(said.contains(">bin, play bin-confirm+say/l-r"), "{said}");
    // "No, RM1 4BD" is an answer too.
    let (text, answer) = ("no".to_owned(), Some("no".to_owned()));
    let named = [(Slot::Postcode, "RM1 4BD".to_owned())].into();
    let said =
        walk.on(words(Utterance { text, sure: true, answer, named, ..Utterance::default() }));
    assert!(
        said.contains(
            "said ToConfirm postcode, play bin-confirm+say/l-r+say/l-m+say/n-1+say/pause+say/n-4"
        ),
        "{said}"
    );
    // What is not read back is asked for, even if it was named.
    assert_eq!(walk.on(key('1')), "stop, deaf now, >house, play house, listen for digits");
}

#[test]
fn without_ears_there_are_keys() {
    let mut walk = walk_of(about());
    assert_eq!(walk.on(Notice::Started), ">help, >menu, play menu");
    assert_eq!(walk.on(key('1')), "stop, chose 1 at menu, >bin, play bin");
    let keyed = walk.on(key('7'));
    assert_eq!(keyed, "stop, timer 4");
    for digit in "61323".chars() {
        walk.on(key(digit));
    }
    let read_back = walk.on(key('#'));
    assert!(read_back.starts_with("no timer, play bin-confirm+say/n-7+say/n-6+"), "{read_back}");
    // The recogniser fails meanwhile.
    let mut walk = asked();
    assert_eq!(
        walk.on(hear(Heard::Deaf)),
        "said Deaf -, stop, >menu, play menu, listen for [[\"bins\", \"rubbish\"], [\"tax\"]]"
    );
    let said = walk.on(answers("0", true));
    assert_eq!(
        said,
        "stop, said Understood -, chose 1 at menu, >bin, play bin, listen for postcode"
    );
    // What comes late is of no matter.
    let mut walk = asked();
    walk.on(key('1'));
    let mut late = at_the_house();
    late.on(key('1'));
    assert_eq!(late.on(answers("yes", true)), "");
}

#[test]
fn what_must_be_heard_is_said_to_its_end_and_answered_after_it() {
    let mut walk = walk_of(about());
    walk.on(Notice::Started);
    walk.on(Notice::Played);
    assert_eq!(walk.on(key('9')), "no timer, chose 9 at menu, >pay, play pay");
    assert_eq!(walk.on(key('1')), "", "not heard yet");
    assert_eq!(walk.on(Notice::Played), "timer 8");
    assert_eq!(walk.on(key('1')), "no timer, chose 1 at pay, >bye, hang up Completed");
    let mut walk = asked();
    walk.on(hear(Heard::Deaf));
    assert_eq!(walk.on(key('9')), "stop, chose 9 at menu, deaf now, >pay, play pay");
    assert_eq!(walk.on(Notice::Played), "timer 8, listen for [[\"pay\"]]");
    let said = walk.on(answers("0", true));
    assert_eq!(said, "no timer, said Understood -, chose 1 at pay, >bye, hang up Completed");
}

/// For [`short`].
pub(super) fn asks(question: &Question) -> String {
    match question {
        Question::Business(_) => "business".to_owned(),
        Question::Thing { slot, .. } => slot.name().to_owned(),
        Question::OneOf(choices) => format!("{choices:?}"),
        Question::RingBack => "whether to ring back".to_owned(),
    }
}

/// Whatever can be heard.
pub(super) fn heard() -> impl Strategy<Value = Notice> {
    let answers = prop_oneof!["yes", "no", "another", r"\+441632960005", "RM1 3BD", "14", "0", "1"]
        .prop_map(Some);
    let answer = prop_oneof![Just(None), answers];
    let intent = prop_oneof!["missed-bin", "council-tax", "adviser", "planning"];
    let utterance = (answer, intent, 0..1_000_u16, any::<[bool; 4]>()).prop_map(
        |(answer, intent, chance, [sure, meant, named, urgent])| Utterance {
            text: "four one one one".to_owned(),
            sure,
            answer,
            ranked: vec![candidate(&intent, chance), candidate("council-tax", chance / 2)],
            meant,
            second_opinion: false,
            named: named.then(|| (Slot::Postcode, "RM1 3BD".to_owned())).into_iter().collect(),
            urgent: urgent.then(|| ("gas-leak".into(), String::new())).into_iter().collect(),
        },
    );
    prop_oneof![
        3 => utterance.prop_map(|it| Heard::Words(Box::new(it))),
        3 => Just(Heard::Began),
        1 => Just(Heard::NoMatch),
        1 => Just(Heard::Silence),
        1 => Just(Heard::Deaf),
    ]
    .prop_map(Notice::Heard)
}

#[test]
fn the_second_guess_counts_by_what_is_left_once_the_first_is_denied() {
    for (second, guessed) in [(150, true), (60, false)] {
        let mut walk = asked();
        walk.on(hear(Heard::Began));
        walk.on(means(&[("missed-bin", 700), ("council-tax", second)]));
        walk.on(hear(Heard::Began));
        let then = walk.on(answers("no", true));
        assert_eq!(then.contains("say/about-council-tax"), guessed, "{second}: {then}");
    }
}
