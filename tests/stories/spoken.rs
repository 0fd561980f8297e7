//! Callers who say what they want: what becomes of it, and what advisers know then.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use switchboard::call::command::Question;
use switchboard::engine::io::SpeechNews;
use switchboard::event::{Became, CallEvent, EndCause, HandOver, Said};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::Quirks;

use crate::callbacks::{self, TAKEN, told};
use crate::town::*;
use crate::trunks::carrier;

const FLOW: &str = "\
start: help
adviser: person
nodes:
  help:
    ask: How can I help you?
    intents: {missed-bin: bin, council-tax-balance: tax}
    confirm: \"You are calling about {intent}. Is that right?\"
    by_keys: menu
    wrong: {say: Sorry.}
    tries: 2
    otherwise: person
  bin:
    collect: What is your postcode?
    as: postcode
    form: postcode
    confirm: \"Is it {postcode}?\"
    then: note
    otherwise: person
  note: {note: {Postcode: \"{postcode}\"}, then: thanks}
  thanks: {say: Thank you., then: bye}
  bye: {hang_up: completed}
  tax: {queue: waste, otherwise: closed}
  menu: {menu: \"For bins, press 1.\", keys: {1: bin}, otherwise: person}
  person: {queue: general, otherwise: closed}
  closed: {hang_up: closed}
";

const MENU: u32 = 540;
const THANK_YOU: u32 = 980;

/// A town that listens, and hears these words one after the other; after them nobody can listen.
fn town(words: &[&'static str]) -> (Town, Rc<RefCell<Vec<Question>>>) {
    let mut town = town_with(|town| {
        town.flow = FLOW;
        town.hears = true;
        town.sounds = vec![("main/menu", MENU), ("main/thanks", THANK_YOU)];
    });
    let mut words: VecDeque<&str> = words.iter().copied().collect();
    let questions = Rc::new(RefCell::new(Vec::new()));
    let asked = Rc::clone(&questions);
    town.recogniser().hears(move |question| {
        asked.borrow_mut().push(question.clone());
        Some(match words.pop_front() {
            Some("...") => SpeechNews::NoMatch,
            Some(text) => SpeechNews::Words { text: text.to_owned(), sure: true },
            None => SpeechNews::Deaf,
        })
    });
    (town, questions)
}

/// What became of what was said, and what it was about.
fn became(town: &Town) -> Vec<(Became, Option<String>)> {
    let said = |said: Said| (said.became, said.intent.map(|intent| intent.to_string()));
    let events = town.calls().into_iter();
    events
        .filter_map(|(_, event)| match event {
            CallEvent::Said(it) => Some(said(it.clone())),
            _ => None,
        })
        .collect()
}

fn facts(town: &Town) -> Vec<String> {
    let events = town.calls().into_iter();
    events
        .filter_map(|(_, event)| match event {
            CallEvent::Noted { label, fact } => Some(format!("{label}: {fact}")),
            _ => None,
        })
        .collect()
}

#[test]
fn a_caller_says_what_it_is_about_and_is_served_by_nobody() {
    let (mut town, questions) =
        town(&["my bin wasn't collected on tuesday", "r m one three b d", "yes that's right"]);
    let resident =
        town.resident(ring().then([hear(THANK_YOU), Step::UntilEnded { within: secs(10) }]));
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::Completed], "{}", town.story());
    assert_eq!(
        became(&town),
        [
            (Became::Understood, Some("missed-bin".to_owned())),
            (Became::ToConfirm, None),
            (Became::Understood, None),
        ]
    );
    assert_eq!(questions.borrow().last(), Some(&Question::YES_NO));
    assert_eq!(
        facts(&town),
        ["Said: my bin wasn't collected on tuesday", "About: a missed bin", "Postcode: RM1 3BD"]
    );
    let speech = town.live().speech;
    assert_eq!(speech.contained, 1);
    let bins = speech.intents.get("missed-bin").expect("was understood");
    assert_eq!((bins.understood, bins.contained, bins.hand_overs.len()), (1, 1, 0));
}

#[test]
fn a_word_brings_a_person_who_sees_what_was_said() {
    let (mut town, _) =
        town(&["something about my uncle's boat", "can I speak to a person please"]);
    let ben = town.ben(Habits::default());
    let resident = town.resident(ring().then([hear(BEN), Step::HangUp]));
    town.see_off(resident);
    town.assert_well(ben);
    let said: Vec<Became> = became(&town).into_iter().map(|it| it.0).collect();
    assert_eq!(said, [Became::NotUnderstood, Became::Adviser], "{}", town.story());
    let handed = town.calls().into_iter().any(|(_, event)| {
        matches!(event, CallEvent::HandedOver { reason: HandOver::AskedFor, .. })
    });
    assert!(handed, "{}", town.story());
    let speech = town.live().speech;
    assert_eq!(speech.hand_overs.get("asked_for"), Some(&1));
    assert_eq!(speech.contained, 0);
}

#[test]
fn what_cannot_wait_goes_to_a_person_at_once_and_the_person_knows() {
    let (mut town, _) = town(&["i can smell gas in the kitchen"]);
    let ben = town.ben(Habits::default());
    let resident = town.resident(ring().then([hear(BEN), Step::HangUp]));
    town.see_off(resident);
    town.assert_well(ben);
    let facts = facts(&town);
    assert!(facts.iter().any(|fact| fact.starts_with("Cannot wait: a smell of gas")), "{facts:?}");
    assert_eq!(town.live().speech.hand_overs.get("urgent"), Some(&1));
}

#[test]
fn a_recogniser_that_fails_leaves_callers_with_keys() {
    let (mut town, _) = town(&[]);
    let ben = town.ben(Habits::default());
    // Nobody hears the postcode, and this caller does not key it in: it is asked twice.
    let resident = town.resident(ring().then([hear(MENU), press("1"), hear(BEN), Step::HangUp]));
    town.see_off(resident);
    town.assert_well(ben);
    let deaf = vec![(Became::Deaf, None); 3];
    assert_eq!(became(&town), deaf, "{}", town.story());
}

#[test]
fn who_hangs_up_while_listened_to_leaves_nothing_behind() {
    let (mut town, _) = town(&["..."]);
    town.recogniser().hears(|_| None);
    let resident = town.resident(ring().then([Step::Wait(secs(3)), Step::HangUp]));
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.causes(), [EndCause::CallerLeftFlow], "{}", town.story());
}

#[test]
fn a_language_model_may_say_what_unclear_words_mean_and_the_caller_is_asked_whether_they_do() {
    let (mut town, questions) =
        town(&["them lot left it all standing there", "yes", "r m one three b d", "yes"]);
    let asked = Rc::new(RefCell::new(Vec::new()));
    let texts = Rc::clone(&asked);
    town.recogniser().has_opinion(move |text| {
        texts.borrow_mut().push(text.to_owned());
        Some(r#"{"intent": "missed-bin", "things": {}}"#.to_owned())
    });
    let resident =
        town.resident(ring().then([hear(THANK_YOU), Step::UntilEnded { within: secs(10) }]));
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::Completed], "{}", town.story());
    assert_eq!(*asked.borrow(), ["them lot left it all standing there"]);
    let bin = Some("missed-bin".to_owned());
    assert_eq!(became(&town)[0], (Became::ToConfirm, bin));
    assert_eq!(questions.borrow()[1], Question::YES_NO);
    let by_model = |event: &CallEvent| matches!(event, CallEvent::Said(it) if it.second_opinion);
    assert_eq!(town.calls().into_iter().filter(|(_, event)| by_model(event)).count(), 1);
}

#[test]
fn a_language_model_that_says_nothing_or_nonsense_changes_nothing() {
    for answer in [None, Some("They want a refund."), Some(r#"{"intent": "refund", "things": {}}"#)]
    {
        let (mut town, _) = town(&["them lot left it all standing there"]);
        town.recogniser().has_opinion(move |_| answer.map(str::to_owned));
        let resident = town.resident(ring().then([hear(MENU), Step::HangUp]));
        town.see_off(resident);
        assert_eq!(became(&town)[0].0, Became::NotUnderstood, "{answer:?}");
        assert!(
            town.calls()
                .iter()
                .all(|(_, event)| { !matches!(event, CallEvent::Said(it) if it.second_opinion) })
        );
    }
}

/// A town that can ring back and listens, and hears these words one after the other.
fn town_that_rings_back(words: &[&'static str]) -> (Town, Rc<RefCell<Vec<Question>>>) {
    let mut town = callbacks::town_that_hears();
    let mut words: VecDeque<&str> = words.iter().copied().collect();
    let questions = Rc::new(RefCell::new(Vec::new()));
    let asked = Rc::clone(&questions);
    town.recogniser().hears(move |question| {
        asked.borrow_mut().push(question.clone());
        words.pop_front().map(|text| SpeechNews::Words { text: text.to_owned(), sure: true })
    });
    (town, questions)
}

#[test]
fn who_waits_is_rung_back_without_a_key() {
    let (mut town, questions) = town_that_rings_back(&["ring me back please", "yes please"]);
    carrier(&mut town, 1, Quirks::default());
    // The offer comes after twenty seconds.
    let taken = [Step::Wait(secs(15)), hear(TAKEN), Step::UntilEnded { within: secs(10) }];
    let steps = ring().then([hear(MUSIC)]).then(taken);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::CallbackTaken], "{}", town.story());
    assert_eq!(questions.borrow().last(), Some(&Question::RingBack));
    let open = town.live().callbacks;
    let [promise] = &open[..] else { panic!("{}", town.story()) };
    assert_eq!(promise.number, "+441632960001");
}

#[test]
fn who_says_another_number_is_promised_that_one_once_it_was_read_back() {
    let (mut town, _) = town_that_rings_back(&[
        "ring me back",
        "no on another number",
        "oh seven seven double oh nine double oh one two three",
        "yes that's right",
    ]);
    carrier(&mut town, 1, Quirks::default());
    // The offer comes after twenty seconds.
    let taken = [Step::Wait(secs(15)), hear(TAKEN), Step::UntilEnded { within: secs(10) }];
    let steps = ring().then([hear(MUSIC)]).then(taken);
    let resident = town.resident(steps);
    town.see_off(resident);
    let open = town.live().callbacks;
    let [promise] = &open[..] else { panic!("{}", town.story()) };
    assert_eq!(promise.number, "+447700900123");
}

#[test]
fn an_adviser_who_answers_in_the_middle_of_the_offer_ends_listening_and_nothing_is_promised() {
    let (mut town, questions) = town_that_rings_back(&["ring me back"]);
    let resident = town.resident(ring().then([Step::Wait(secs(20)), hear(AMY), Step::HangUp]));
    let asked = Rc::clone(&questions);
    let offered = move || asked.borrow().contains(&Question::RingBack);
    assert!(town.run_until(secs(60), move |_| offered()), "{}", town.story());
    let amy = callbacks::comes(&mut town, "amy", Habits::default());
    town.see_off(resident);
    town.assert_well(amy);
    assert!(told(&town).is_empty(), "{}", town.story());
    assert_eq!(became(&town), [(Became::Understood, None)]);
}
