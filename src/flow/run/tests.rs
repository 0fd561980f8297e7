//! Walks through flows: what the caller does, and what is done.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;
use proptest::prelude::*;

mod business;
mod callback;
mod history;
mod languages;
mod owed;
mod sent;
mod spoken;
mod transferred;
mod waiting;

use super::Run;
use crate::call::command::{AtClosing, Command, Notice, QueueReturn};
use crate::event::{EndCause, TransferOutcome};
use crate::flow::{About, Flow, Flows, Known, Node, load_text, prompts};
use crate::media::command::{Key, SecretKey};

const FLOW: &str = "\
start: doors
nodes:
  doors: {hours: main, open: hello, closed: shut}
  hello: {say: Good day., then: law}
  law: {say: Calls are recorded., must_hear: true, then: offer}
  offer: {say: We have two services., then: services}
  services:
    menu: For bins, press 1. For more, press 2.
    keys: {1: bins, 2: more, 9: hello}
    no_input: {after_s: 5, say: Nothing came.}
    wrong_key: {say: Wrong.}
    tries: 3
    otherwise: person
  more:
    menu: To end, press star.
    keys: {\"*\": bye}
    tries: 1
    otherwise: person
  bins:
    queue: waste
    skills: [bins, welsh]
    at_closing: tell
    on_closed: shut
    on_full: full
    on_waited_too_long: long
    on_nobody: nobody
  person: {queue: general, otherwise: gone}
  full: {say: Full., then: gone}
  long: {say: Long., then: gone}
  nobody:
    voicemail: general
    greeting: Speak after the tone.
    longest_s: 90
    then: thanks
    otherwise: gone
  thanks: {say: Thanks., then: left}
  left: {hang_up: message_left}
  shut: {say: Closed., then: closed}
  closed: {hang_up: closed}
  bye: {hang_up: completed}
  gone: {hang_up: gave_up}
";

fn known() -> Known {
    Known {
        queues: vec!["waste".into(), "general".into()],
        unserved: Vec::new(),
        no_trunk: false,
        calendars: vec!["main".into()],
        skills: vec!["bins".into(), "welsh".into()],
        backends: vec!["tax".into()],
        templates: Default::default(),
        reach: Default::default(),
        entered: Default::default(),
        intents: Default::default(),
        prompts: None,
    }
}

fn flow() -> Arc<Flow> {
    Arc::new(load_text(&"main".into(), "main.yaml", FLOW, &known()).expect("is good"))
}

/// Commands in a short form: `>node`, `play a+b`, `chose 1`, `timer 5`.
fn short(commands: &[Command]) -> String {
    let words: Vec<String> = commands
        .iter()
        .map(|command| match command {
            Command::Enter { node, .. } => format!(">{node}"),
            Command::Chose { node, key } => format!("chose {} at {node}", key.as_char()),
            Command::Play { prompts } => {
                let names: Vec<&str> = prompts
                    .iter()
                    .map(|name| name.as_str().strip_prefix("main/").unwrap_or(name.as_str()))
                    .collect();
                format!("play {}", names.join("+"))
            }
            Command::StopPlaying => "stop".to_owned(),
            Command::SetTimer { after } => format!("timer {}", after.as_secs()),
            Command::CancelTimer => "no timer".to_owned(),
            Command::AskHours { calendar } => format!("ask {calendar}"),
            Command::AskBulletin { bulletin } => format!("ask {bulletin}"),
            Command::PlayMusic => "music".to_owned(),
            Command::Request(ask) => {
                let body = ask.body.as_ref().map_or("", |body| body.as_str());
                format!("{} {}{} {body}", ask.method.as_str(), ask.backend, ask.path)
            }
            Command::Send(wanted) => {
                format!("send {} to {} {:?}", wanted.template, wanted.to, wanted.fields)
            }
            Command::Connect { flow: _, to, rings } => {
                let rings =
                    rings.map_or(String::new(), |rings| format!(" for {}", rings.as_secs()));
                format!("connect {to}{rings}")
            }
            Command::Note { label, fact } => format!("note {label}={fact}"),
            Command::Listen { question } => format!("listen for {}", spoken::asks(question)),
            Command::StopListening => "deaf now".to_owned(),
            Command::Said(said) => {
                let about = said.intent.as_ref().map(|intent| intent.as_str());
                let about = about.or(said.slot.map(|slot| slot.name()));
                format!("said {:?} {}", said.became, about.unwrap_or("-"))
            }
            Command::HandOver { reason, intent } => {
                let intent = intent.as_ref().map_or(String::new(), |it| format!(" {it}"));
                format!("hand over {}{intent}", reason.as_str())
            }
            Command::Secret { on } => format!("secret {on}"),
            Command::Rate { question, score } => format!("{question} is {score}"),
            Command::Queue { queue, skills, prefers: _, priority, at_closing, after_call: _ } => {
                let before = match priority.0 {
                    0 => String::new(),
                    number => format!(" at {number}"),
                };
                format!("queue {queue} {skills:?} {at_closing:?}{before}")
            }
            Command::AskOutlook { words } => format!("ask outlook {words:?}"),
            Command::AskCallback { queue, number, time } => {
                let at = time.map_or(String::new(), |time| format!(" at {time}"));
                format!("may {queue} ring {}{at}", number.as_deref().unwrap_or("-"))
            }
            Command::TakeCallback { queue, skills, priority, number, time } => {
                let at = time.map_or(String::new(), |time| format!(" on {time}"));
                format!("{queue} rings {number} {skills:?} at {}{at}", priority.0)
            }
            Command::TakeMessage { queue, longest } => {
                format!("message {queue} {}", longest.as_secs())
            }
            Command::EndMessage => "end message".to_owned(),
            Command::HangUp { cause } => format!("hang up {cause:?}"),
        })
        .collect();
    words.join(", ")
}

fn key(letter: char) -> Notice {
    Notice::Key(Key::from_char(letter).expect("is a key"))
}

fn about() -> About {
    About {
        caller: Some("+447700900123".to_owned()),
        called: "+441708434343".to_owned(),
        relay: false,
        history: Default::default(),
        hears: false,
        now: date(2026, 11, 26).at(10, 0, 0, 0),
    }
}

/// A run, and what it says to each notice.
struct Walk(Run);

impl Walk {
    fn through(flow: Arc<Flow>) -> Self {
        let flows = Arc::new(Flows::from([(flow.name.clone(), Arc::clone(&flow))]));
        Walk(Run::new(flows, flow, about()))
    }

    fn new() -> Self {
        Walk::through(flow())
    }

    /// In the menu, its words being said.
    fn at_the_menu() -> Self {
        let mut walk = Walk::new();
        for notice in [Notice::Started, Notice::Hours { open: true }] {
            walk.0.handle(notice);
        }
        for _ in 0..3 {
            walk.0.handle(Notice::Played);
        }
        walk
    }

    fn on(&mut self, notice: Notice) -> String {
        short(&self.0.handle(notice))
    }
}

#[test]
fn an_open_office_says_hello_and_offers_the_menu() {
    let mut walk = Walk::new();
    assert_eq!(walk.on(Notice::Started), ">doors, ask main");
    assert_eq!(walk.on(Notice::Hours { open: true }), ">hello, play hello");
    assert_eq!(walk.on(Notice::Played), ">law, play law");
    assert_eq!(walk.on(Notice::Played), ">offer, play offer");
    assert_eq!(walk.on(Notice::Played), ">services, play services");
    assert_eq!(walk.on(Notice::Played), "timer 5");
    assert_eq!(walk.on(key('2')), "no timer, chose 2 at services, >more, play more");
    assert_eq!(walk.on(Notice::Played), "timer 8");
    assert_eq!(walk.on(key('*')), "no timer, chose * at more, >bye, hang up Completed");
    assert_eq!(walk.on(key('1')), "");
}

#[test]
fn a_closed_office_says_so_and_hangs_up_after_the_words() {
    let mut walk = Walk::new();
    walk.on(Notice::Started);
    assert_eq!(walk.on(Notice::Hours { open: false }), ">shut, play shut");
    assert_eq!(walk.on(key('1')), "", "a key does not cut the words that lead to no menu");
    assert_eq!(walk.on(Notice::Played), ">closed, hang up Closed");
}

#[test]
fn a_key_acts_at_once_while_the_menu_is_said() {
    let mut walk = Walk::at_the_menu();
    assert_eq!(
        walk.on(key('1')),
        "stop, chose 1 at services, >bins, queue waste [\"bins\", \"welsh\"] Tell"
    );
    assert_eq!(walk.on(Notice::Played), "", "the end of what was stopped means nothing");
    assert_eq!(walk.on(Notice::TimerDone), "");
    assert_eq!(walk.on(key('2')), "", "the queue's music has no keys");
}

#[test]
fn a_wrong_key_gets_its_words_and_the_menu_again() {
    let mut walk = Walk::at_the_menu();
    walk.on(Notice::Played);
    assert_eq!(walk.on(key('7')), "no timer, play services-wrong-key+services");
    assert_eq!(walk.on(key('8')), "stop, play services-wrong-key+services");
    assert_eq!(
        walk.on(key('#')),
        "stop, >person, hand over not_understood, queue general [] Serve"
    );
}

#[test]
fn no_key_gets_its_words_and_the_menu_again_and_a_person_in_the_end() {
    let mut walk = Walk::at_the_menu();
    assert_eq!(walk.on(Notice::Played), "timer 5");
    assert_eq!(walk.on(Notice::TimerDone), "play services-no-input+services");
    assert_eq!(walk.on(Notice::Played), "timer 5");
    assert_eq!(walk.on(Notice::TimerDone), "play services-no-input+services");
    assert_eq!(walk.on(Notice::Played), "timer 5");
    assert_eq!(
        walk.on(Notice::TimerDone),
        ">person, hand over not_understood, queue general [] Serve"
    );
}

#[test]
fn wrong_keys_and_missing_keys_count_together() {
    let mut walk = Walk::at_the_menu();
    assert_eq!(walk.on(key('7')), "stop, play services-wrong-key+services");
    walk.on(Notice::Played);
    assert_eq!(walk.on(Notice::TimerDone), "play services-no-input+services");
    walk.on(Notice::Played);
    assert_eq!(
        walk.on(Notice::TimerDone),
        ">person, hand over not_understood, queue general [] Serve"
    );
}

#[test]
fn a_menu_that_is_said_once_leads_on_after_one_miss() {
    let mut walk = Walk::at_the_menu();
    walk.on(key('2'));
    assert_eq!(
        walk.on(key('5')),
        "stop, >person, hand over not_understood, queue general [] Serve"
    );
}

#[test]
fn coming_back_to_a_menu_begins_to_count_anew() {
    let mut walk = Walk::at_the_menu();
    walk.on(key('7'));
    walk.on(key('7'));
    assert_eq!(walk.on(key('9')), "stop, chose 9 at services, >hello, play hello");
    for _ in 0..3 {
        walk.on(Notice::Played);
    }
    assert_eq!(walk.on(key('7')), "stop, play services-wrong-key+services");
}

#[test]
fn a_key_during_an_announcement_counts_for_the_menu_after_it() {
    let mut walk = Walk::new();
    walk.on(Notice::Started);
    walk.on(Notice::Hours { open: true });
    // It cuts the greeting, but not what must be heard, and cuts what comes after that.
    assert_eq!(walk.on(key('1')), "stop, >law, play law");
    assert_eq!(
        walk.on(Notice::Played),
        ">offer, >services, chose 1 at services, >bins, queue waste [\"bins\", \"welsh\"] Tell"
    );
}

#[test]
fn a_key_during_words_that_must_be_heard_is_forgotten() {
    let mut walk = Walk::new();
    walk.on(Notice::Started);
    walk.on(Notice::Hours { open: true });
    walk.on(Notice::Played);
    assert_eq!(walk.on(key('1')), "");
    assert_eq!(walk.on(Notice::Played), ">offer, play offer");
    assert_eq!(
        walk.on(key('2')),
        "stop, >services, chose 2 at services, >more, play more",
        "only the second key is there"
    );
}

#[test]
fn keys_are_typed_ahead_through_several_menus() {
    let mut walk = Walk::new();
    // Before anything is said at all.
    for letter in ['2', '*'] {
        assert_eq!(walk.on(key(letter)), "");
    }
    walk.on(Notice::Started);
    assert_eq!(walk.on(Notice::Hours { open: true }), ">hello, >law, play law");
    assert_eq!(
        walk.on(Notice::Played),
        ">offer, >services, chose 2 at services, >more, chose * at more, >bye, hang up Completed"
    );
}

#[test]
fn a_wrong_key_typed_ahead_forgets_those_behind_it() {
    let mut walk = Walk::new();
    for letter in ['7', '1', '1'] {
        walk.on(key(letter));
    }
    walk.on(Notice::Started);
    walk.on(Notice::Hours { open: true });
    assert_eq!(walk.on(Notice::Played), ">offer, >services, play services-wrong-key+services");
}

#[test]
fn only_so_many_keys_are_kept() {
    let mut walk = Walk::new();
    for _ in 0..10_000 {
        assert_eq!(walk.on(key('9')), "");
    }
    walk.on(Notice::Started);
    walk.on(Notice::Hours { open: true });
    let mut rounds = 0;
    while walk.on(Notice::Played).contains("chose 9") {
        rounds += 1;
        assert!(rounds <= super::MAX_KEYS);
    }
    assert_eq!(rounds, super::MAX_KEYS);
}

#[test]
fn the_queue_hands_the_caller_back_for_each_reason() {
    for (why, then) in [
        (QueueReturn::Closed, ">shut, play shut"),
        (QueueReturn::Full, ">full, play full"),
        (QueueReturn::WaitedTooLong, ">long, play long"),
        (QueueReturn::NobodyOnDuty, ">nobody, play nobody"),
    ] {
        let mut walk = Walk::at_the_menu();
        walk.on(key('1'));
        assert_eq!(walk.on(Notice::QueueLeft(why)), then);
    }
    let mut walk = Walk::at_the_menu();
    walk.on(key('2'));
    walk.on(key('5'));
    assert_eq!(walk.on(Notice::QueueLeft(QueueReturn::Full)), ">gone, hang up GaveUpOnInput");
}

#[test]
fn what_comes_at_the_wrong_time_changes_nothing() {
    let late = [
        Notice::Started,
        Notice::Played,
        Notice::TimerDone,
        Notice::Hours { open: true },
        Notice::QueueLeft(QueueReturn::Full),
    ];
    let mut walk = Walk::new();
    for notice in &late[1..] {
        assert_eq!(walk.on(notice.clone()), "");
    }
    assert_eq!(walk.on(Notice::Started), ">doors, ask main");
    assert_eq!(walk.on(Notice::Started), "");
    assert_eq!(walk.on(Notice::Played), "");
    walk.on(Notice::Hours { open: true });
    assert_eq!(walk.on(Notice::TimerDone), "");
    assert_eq!(walk.on(Notice::Hours { open: false }), "");
    let mut walk = Walk::at_the_menu();
    walk.on(key('2'));
    walk.on(key('*'));
    for notice in late {
        assert_eq!(walk.on(notice), "", "it is over");
    }
}

#[test]
fn a_circle_that_no_check_saw_ends_the_call() {
    let mut flow = Flow::clone(&flow());
    for name in ["hello", "law", "offer"] {
        if let Some(Node::Say(say)) = flow.nodes.get_mut(name) {
            say.then = "hello".into();
        }
    }
    let mut run = Walk::through(Arc::new(flow.clone())).0;
    run.handle(Notice::Started);
    run.handle(Notice::Hours { open: true });
    let faulty = (0..300).any(|_| {
        run.handle(Notice::Played).contains(&Command::HangUp { cause: EndCause::FlowFault })
    });
    assert!(faulty);
    flow.start = "nowhere".into();
    let commands = Walk::through(Arc::new(flow)).0.handle(Notice::Started);
    assert_eq!(commands, [Command::HangUp { cause: EndCause::FlowFault }]);
}

#[test]
fn every_prompt_of_a_flow_is_listed_once() {
    let flows = std::collections::BTreeMap::from([("main".into(), flow())]);
    let names = prompts(&flows);
    assert_eq!(names.len(), 12);
    assert!(names.contains(&"main/services-wrong-key".into()));
}

fn notices() -> impl Strategy<Value = Notice> {
    prop_oneof![
        1 => Just(Notice::Started),
        4 => Just(Notice::Played),
        4 => (0u8..16).prop_map(|code| Notice::Key(Key::from_event(code).expect("is a key"))),
        2 => Just(Notice::TimerDone),
        1 => any::<bool>().prop_map(|open| Notice::Hours { open }),
        1 => any::<bool>().prop_map(|on| Notice::Bulletin { on }),
        1 => business::answers().prop_map(Notice::Answered),
        4 => (0u8..12).prop_map(|code| {
            Notice::SecretKey(SecretKey::new(Key::from_event(code).expect("is a key")))
        }),
        1 => Just(Notice::QueueLeft(QueueReturn::Closed)),
        1 => Just(Notice::QueueLeft(QueueReturn::WaitedTooLong)),
        1 => Just(Notice::QueueLeft(QueueReturn::NobodyOnDuty)),
        1 => any::<bool>().prop_map(|kept| Notice::MessageEnded { kept }),
        2 => Just(Notice::Waiting),
        2 => (0..5usize).prop_map(|at| Notice::Callback(callback::ANSWERS[at])),
        2 => waiting::outlooks().prop_map(Notice::Outlook),
        1 => any::<bool>().prop_map(|kept| Notice::Promised { kept }),
        8 => spoken::heard(),
        1 => Just(Notice::NotConnected(TransferOutcome::NoAnswer)),
        1 => Just(Notice::Joined),
        1 => Just(Notice::CallOver),
        1 => Just(Notice::CameBack),
    ]
}

/// At the node that takes a message.
fn at_the_message() -> Run {
    let mut run = Walk::new().0;
    run.handle(Notice::Started);
    run.handle(Notice::Hours { open: true });
    for _ in 0..3 {
        run.handle(Notice::Played);
    }
    run.handle(key('1'));
    let said = short(&run.handle(Notice::QueueLeft(QueueReturn::NobodyOnDuty)));
    assert_eq!(said, ">nobody, play nobody");
    run
}

#[test]
fn a_message_is_taken_after_its_greeting_and_ends_with_a_key() {
    let mut run = at_the_message();
    assert_eq!(short(&run.handle(Notice::Played)), "message general 90");
    assert_eq!(short(&run.handle(key('#'))), "end message");
    assert_eq!(short(&run.handle(Notice::MessageEnded { kept: true })), ">thanks, play thanks");
    assert_eq!(short(&run.handle(Notice::Played)), ">left, hang up MessageLeft");
}

#[test]
fn who_knows_the_greeting_goes_straight_to_the_tone_and_who_says_nothing_is_told() {
    let mut run = at_the_message();
    assert_eq!(short(&run.handle(key('1'))), "stop, message general 90");
    assert_eq!(short(&run.handle(Notice::Played)), "", "too late");
    let ended = run.handle(Notice::MessageEnded { kept: false });
    assert_eq!(short(&ended), ">gone, hang up GaveUpOnInput");
}
