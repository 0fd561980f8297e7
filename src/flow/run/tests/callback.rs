//! Who waits is offered to be rung back, and keeps their place whatever they say to that.

use super::spoken::{answers, hear, words};
use super::*;
use crate::call::command::{CallbackAnswer, Heard, Utterance};
use crate::event::Slot;
use crate::id::CallbackId;

const PROMISED: CallbackAnswer = CallbackAnswer::Promised(CallbackId(0x1234_5678_9abc_def0));

pub(super) const ANSWERS: [CallbackAnswer; 5] = [
    CallbackAnswer::Good,
    PROMISED,
    CallbackAnswer::Known,
    CallbackAnswer::NotAllowed,
    CallbackAnswer::NotNow,
];

const FLOW: &str = "\
start: bins
nodes:
  bins:
    queue: waste
    while_waiting: {say: 'To be rung back, press 1.', after_s: 20, every_s: 60, keys: {1: offer}, phrases: {1: ring me back}}
    on_full: offer
    otherwise: gone
  offer:
    callback: waste
    skills: [bins]
    offer: 'We ring you at {callback_number}. 1 is yes, 2 another number.'
    ask: Key in your number.
    wrong: {say: Not that one.}
    no_input: {after_s: 5, say: Nothing came.}
    tries: 2
    then: promised
    already: known
    otherwise: gone
  promised: {say: We will ring you., then: bye}
  known: {say: You are on the list., then: bye}
  bye: {hang_up: callback_taken}
  gone: {hang_up: busy}
";

fn flow() -> Arc<Flow> {
    Arc::new(load_text(&"main".into(), "main.yaml", FLOW, &known()).expect("is good"))
}

pub(super) fn walk() -> Walk {
    Walk::through(flow())
}

/// The same, where somebody listens.
pub(super) fn listened_to() -> Walk {
    let flows = Arc::new(Flows::from([("main".into(), flow())]));
    Walk(Run::new(flows, flow(), About { hears: true, ..about() }))
}

fn waiting() -> Walk {
    let mut walk = walk();
    assert_eq!(walk.on(Notice::Started), ">bins, queue waste [] Serve");
    assert_eq!(walk.on(Notice::Waiting), "timer 20");
    walk
}

/// Asked whether the number of their own is right.
fn offered() -> Walk {
    let mut walk = waiting();
    let asked = "stop, no timer, chose 1 at bins, >offer, may waste ring +447700900123";
    assert_eq!(walk.on(key('1')), asked);
    let said = walk.on(Notice::Callback(CallbackAnswer::Good));
    assert!(said.starts_with("play offer"), "{said}");
    walk
}

#[test]
fn who_waits_is_told_so_after_a_while_and_then_less_often() {
    let mut walk = waiting();
    assert_eq!(walk.on(key('9')), "", "keys that lead nowhere are no matter");
    assert_eq!(walk.on(Notice::TimerDone), "play bins-meanwhile");
    assert_eq!(walk.on(Notice::Played), "music, timer 60");
    assert_eq!(walk.on(Notice::TimerDone), "play bins-meanwhile");
}

#[test]
fn who_takes_it_is_told_once_it_is_recorded() {
    let mut walk = offered();
    assert_eq!(walk.on(Notice::Played), "timer 5");
    let taken = "no timer, waste rings +447700900123 [\"bins\"] at 0, timer 10";
    assert_eq!(walk.on(key('1')), taken);
    let told = walk.on(Notice::Callback(PROMISED));
    assert_eq!(told, "no timer, >promised, play promised");
    assert_eq!(walk.0.values()["callback_reference"].to_string(), "CB-123456");
    assert_eq!(walk.on(Notice::Played), ">bye, hang up CallbackTaken");
}

#[test]
fn who_does_not_want_it_waits_on_at_the_same_place() {
    let mut walk = offered();
    assert_eq!(walk.on(key('3')), "stop, >bins, queue waste [] Serve");
    assert_eq!(walk.on(Notice::Waiting), "timer 20");
    walk.on(key('1'));
    walk.on(Notice::Callback(CallbackAnswer::Good));
    walk.on(Notice::Played);
    assert!(walk.on(Notice::TimerDone).starts_with("play offer-no-input+offer"));
    walk.on(Notice::Played);
    assert_eq!(walk.on(Notice::TimerDone), ">bins, queue waste [] Serve", "after two tries");
}

#[test]
fn another_number_is_read_back_like_the_first() {
    let mut walk = offered();
    assert_eq!(walk.on(key('2')), "stop, play offer-ask");
    for letter in "0163296000".chars() {
        walk.on(key(letter));
    }
    assert_eq!(walk.on(key('5')), "timer 5");
    assert_eq!(walk.on(key('#')), "no timer, may waste ring +441632960005");
    assert_eq!(walk.0.values()["callback_number"].to_string(), "+441632960005");
    assert!(walk.on(Notice::Callback(CallbackAnswer::Good)).starts_with("play offer"));
    assert!(walk.on(key('1')).contains("waste rings +441632960005"));
    // Nothing can be promised after all.
    let told = walk.on(Notice::Callback(CallbackAnswer::NotNow));
    assert_eq!(told, "no timer, >bins, queue waste [] Serve");
}

#[test]
fn who_rings_from_a_number_that_cannot_be_rung_is_asked_for_another() {
    let mut walk = waiting();
    walk.on(key('1'));
    assert_eq!(walk.on(Notice::Callback(CallbackAnswer::NotAllowed)), "play offer-ask");
    walk.on(key('0'));
    walk.on(key('9'));
    assert_eq!(walk.on(key('#')), "no timer, play offer-wrong+offer-ask", "that is no number");
    for letter in "09098790123".chars() {
        walk.on(key(letter));
    }
    assert_eq!(walk.on(Notice::TimerDone), "may waste ring +449098790123");
    let told = walk.on(Notice::Callback(CallbackAnswer::NotAllowed));
    assert_eq!(told, ">bins, queue waste [] Serve", "after two tries");
}

#[test]
fn a_withheld_number_is_asked_for_and_a_relay_users_is_rung_through_the_relay() {
    let flows = Arc::new(Flows::from([("main".into(), flow())]));
    let nobody = About { caller: None, ..about() };
    let mut run = Run::new(Arc::clone(&flows), flow(), nobody);
    run.handle(Notice::Started);
    assert!(short(&run.handle(key('1'))).ends_with("may waste ring -"));
    let asked = run.handle(Notice::Callback(CallbackAnswer::Good));
    assert_eq!(short(&asked), "play offer-ask");
    let relay = About { relay: true, ..about() };
    let mut run = Run::new(flows, flow(), relay);
    run.handle(Notice::Started);
    assert!(short(&run.handle(key('1'))).ends_with("may waste ring 1800207700900123"));
    run.handle(Notice::Callback(CallbackAnswer::Good));
    assert!(short(&run.handle(key('1'))).contains("waste rings 1800207700900123"));
}

#[test]
fn whom_the_queue_hands_back_meanwhile_is_led_on_when_they_would_wait() {
    let mut walk = offered();
    assert_eq!(walk.on(Notice::QueueLeft(QueueReturn::WaitedTooLong)), "", "one after the other");
    assert_eq!(walk.on(key('3')), "stop, >gone, hang up Limit");
    // Who takes it does not mind.
    let mut walk = offered();
    walk.on(Notice::QueueLeft(QueueReturn::WaitedTooLong));
    assert!(walk.on(key('1')).contains("waste rings"));
}

#[test]
fn who_asked_before_is_told_so_and_a_journal_that_is_silent_promises_nothing() {
    let mut walk = waiting();
    walk.on(key('1'));
    let told = walk.on(Notice::Callback(CallbackAnswer::Known));
    assert_eq!(told, ">known, play known");
    let mut walk = offered();
    walk.on(key('1'));
    assert_eq!(walk.on(Notice::TimerDone), ">bins, queue waste [] Serve");
}

#[test]
fn who_waits_and_cannot_be_promised_it_is_told_so_and_waits_on() {
    let flow = FLOW
        .replace("    wrong: {say", "    not_now: We cannot ring you back now.\n    wrong: {say");
    let flow = load_text(&"main".into(), "main.yaml", &flow, &known()).expect("is good");
    let mut walk = Walk::through(Arc::new(flow));
    walk.on(Notice::Started);
    walk.on(Notice::Waiting);
    walk.on(key('1'));
    let told = walk.on(Notice::Callback(CallbackAnswer::NotNow));
    assert!(told.starts_with("play offer-not-now"), "{told}");
    let back = walk.on(Notice::Played);
    assert!(back.starts_with(">bins, queue waste"), "{back}");
}

const APPOINTED: &str = "\
start: when
nodes:
  when: {collect: When?, form: time, as: hour, then: offer, otherwise: gone}
  offer:
    callback: waste
    at: hour
    offer: 'At {hour} on {callback_number}?'
    ask: Key in your number.
    then: promised
    already: gone
    otherwise: gone
  promised: {say: 'Your reference is {callback_reference}.', then: bye}
  bye: {hang_up: callback_taken}
  gone: {hang_up: busy}
";

#[test]
fn a_time_that_is_chosen_is_the_next_such_time() {
    // It is ten in the morning.
    for (keys, at) in [("1430", "2026-11-26T14:30:00"), ("0930", "2026-11-27T09:30:00")] {
        let flow = load_text(&"main".into(), "main.yaml", APPOINTED, &known()).expect("is good");
        let mut walk = Walk::through(Arc::new(flow));
        walk.on(Notice::Started);
        let said: Vec<String> = keys.chars().map(|letter| walk.on(key(letter))).collect();
        let asked = format!("may waste ring +447700900123 at {at}");
        assert!(said.concat().contains(&asked), "{said:?}");
        walk.on(Notice::Callback(CallbackAnswer::Good));
        let taken = walk.on(key('1'));
        assert!(taken.contains(&format!("at 0 on {at}")), "{taken}");
        assert!(walk.on(Notice::Callback(PROMISED)).contains("play promised+"));
    }
}

/// Waits where somebody listens, and has been told for the first time what they can say.
fn told() -> Walk {
    let mut walk = listened_to();
    walk.on(Notice::Started);
    walk.on(Notice::Waiting);
    let told = walk.on(Notice::TimerDone);
    assert_eq!(told, "play bins-meanwhile, listen for [[\"ring me back\"]]");
    walk
}

/// Has said so, and is asked whether the number of their own is right.
fn offered_by_word() -> Walk {
    let mut walk = told();
    assert_eq!(walk.on(Notice::Played), "music, timer 8");
    walk.on(hear(Heard::Began));
    let asked =
        "said Understood -, stop, no timer, chose 1 at bins, >offer, may waste ring +447700900123";
    assert_eq!(walk.on(answers("0", true)), asked);
    let said = walk.on(Notice::Callback(CallbackAnswer::Good));
    assert!(said.ends_with("listen for whether to ring back"), "{said}");
    walk
}

#[test]
fn who_waits_is_listened_to_for_a_moment_and_what_is_not_for_us_is_on_no_record() {
    let mut walk = told();
    assert_eq!(walk.on(Notice::Played), "music, timer 8");
    assert_eq!(walk.on(Notice::TimerDone), "deaf now, timer 52", "others may need whoever listens");
    assert!(walk.on(Notice::TimerDone).starts_with("play bins-meanwhile"));
    walk.on(Notice::Played);
    walk.on(hear(Heard::Began));
    assert_eq!(walk.on(answers("0", false)), "no timer, timer 60", "that may have been said");
    walk.on(Notice::TimerDone);
    assert_eq!(walk.on(hear(Heard::NoMatch)), "", "while it is still being said");
    assert_eq!(walk.on(Notice::Played), "music, timer 60");
    walk.on(Notice::TimerDone);
    assert_eq!(walk.on(hear(Heard::Deaf)), "");
    assert_eq!(walk.on(Notice::Played), "music, timer 60");
}

#[test]
fn a_sure_yes_to_the_number_that_was_read_out_takes_it_and_nothing_less() {
    let mut walk = offered_by_word();
    walk.on(Notice::Played);
    walk.on(hear(Heard::Began));
    let again = walk.on(answers("yes", false));
    assert!(again.starts_with("said NotUnderstood yes_no, play offer"), "{again}");
    walk.on(hear(Heard::Began));
    let taken = walk.on(answers("yes", true));
    assert!(taken.starts_with("said Understood yes_no, waste rings +447700900123"), "{taken}");
    assert!(walk.on(Notice::Callback(PROMISED)).contains(">promised"));
    // Twice unclear: they wait on.
    let mut walk = offered_by_word();
    walk.on(hear(Heard::NoMatch));
    let on = walk.on(hear(Heard::NoMatch));
    assert_eq!(on, "stop, said NoMatch yes_no, >bins, queue waste [] Serve");
}

#[test]
fn who_says_no_or_asks_for_a_person_waits_on() {
    for said in [
        answers("no", true),
        words(Utterance {
            sure: true,
            meant: true,
            ranked: vec![crate::call::command::Candidate {
                intent: "adviser".into(),
                says: "an adviser".to_owned(),
                chance: 900,
            }],
            ..Utterance::default()
        }),
    ] {
        let mut walk = offered_by_word();
        walk.on(hear(Heard::Began));
        let on = walk.on(said);
        assert!(on.ends_with(">bins, queue waste [] Serve"), "{on}");
    }
}

#[test]
fn a_number_that_is_said_is_read_back_and_no_asks_for_it_again() {
    let mut walk = offered_by_word();
    walk.on(hear(Heard::Began));
    let asked = walk.on(answers("another", true));
    assert_eq!(asked, "said Understood yes_no, play offer-ask, listen for phone");
    walk.on(hear(Heard::Began));
    // Sure or not: it is read back in any case.
    let looked = walk.on(answers("+441632960005", false));
    assert_eq!(looked, "said ToConfirm phone, may waste ring +441632960005");
    assert!(walk.on(Notice::Callback(CallbackAnswer::Good)).contains("listen for whether"));
    walk.on(hear(Heard::Began));
    let again = walk.on(answers("no", true));
    assert_eq!(again, "said Denied yes_no, play offer-ask, listen for phone");
    assert_eq!(walk.on(key('0')), "stop, deaf now, timer 5", "keys work all the while");
    // Who names a number at once is not asked for it.
    let mut walk = offered_by_word();
    let named = [(Slot::Phone, "+441632960007".to_owned())].into();
    let text = "no on 01632 960007".to_owned();
    let looked = walk.on(words(Utterance { text, sure: true, named, ..Utterance::default() }));
    assert!(looked.ends_with("may waste ring +441632960007"), "{looked}");
    let not_rung = walk.on(Notice::Callback(CallbackAnswer::NotAllowed));
    assert!(not_rung.starts_with("play offer-wrong+offer-ask"), "{not_rung}");
}

#[test]
fn a_key_ends_listening_and_an_adviser_who_answers_does_too() {
    let mut walk = offered_by_word();
    walk.on(hear(Heard::Began));
    let taken = walk.on(key('1'));
    assert!(taken.starts_with("deaf now, waste rings"), "{taken}");
    let mut walk = offered_by_word();
    walk.on(hear(Heard::Began));
    assert_eq!(walk.on(Notice::Joined), "");
    assert_eq!(walk.on(answers("yes", true)), "", "that was for the adviser");
}
