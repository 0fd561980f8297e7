//! Callers who finish their business without an adviser: what they key in, what another system
//! answers, what supervisors have said to everybody, and a card that nobody sees.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::json;
use switchboard::backend::{Answer, Ask, Failed};
use switchboard::config::settings::Portion;
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{CallEvent, EndCause, Event, PauseReason, RecordingEvent, SystemEvent};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::Quirks;

use crate::town::*;

const CARD: &str = "4111111111111111";
const CODE: &str = "737";

const FLOW: &str = "\
start: news
nodes:
  news: {bulletin: flood, say: The river is high., then: account}
  account:
    collect: Please key in your account and press hash.
    as: account
    keys: 8
    no_input: {after_s: 5}
    tries: 2
    then: ask
    otherwise: person
  ask:
    request: tax
    path: /accounts/{account}
    answer: {balance: money}
    on_status: {404: account}
    then: tell
    otherwise: person
  tell: {say: \"You owe {balance}.\", then: note}
  note: {note: {Account: \"{account}\", Balance: \"{balance}\"}, then: choose}
  choose: {if: balance > 100, then: card, otherwise: person}
  card: {collect: Your card., as: card, form: card, secret: true, then: code, otherwise: person}
  code: {collect: Its code., as: code, keys: 3, secret: true, then: pay, otherwise: person}
  pay:
    request: tax
    method: POST
    path: /payments
    body: {account: \"{account}\", card: \"{card}\", code: \"{code}\"}
    answer: {reference: reference}
    then: thanks
    otherwise: person
  thanks: {say: \"Thank you. {reference}\", then: bye}
  bye: {hang_up: completed}
  person: {queue: general, otherwise: closed}
  closed: {hang_up: closed}
";

const NEWS: u32 = 500;
const ACCOUNT: u32 = 620;
const YOUR_CARD: u32 = 740;
const ITS_CODE: u32 = 860;
const THANK_YOU: u32 = 980;

/// What the other system was asked.
type Asked = Rc<RefCell<Vec<(String, Option<String>)>>>;

/// A town whose council has another system, which answers so.
fn town(answer: impl Fn(&str) -> Result<Answer, Failed> + 'static) -> (Town, Asked) {
    let mut town = town_with(|town| {
        town.flow = FLOW;
        town.sounds = vec![
            ("main/news", NEWS),
            ("main/account", ACCOUNT),
            ("main/card", YOUR_CARD),
            ("main/code", ITS_CODE),
            ("main/thanks", THANK_YOU),
        ];
        town.settings.recording.record = Portion::ALWAYS;
        let flows = &mut town.settings.recording.flows;
        flows.insert(
            "main".into(),
            switchboard::config::settings::FlowRecording { record: Portion::ALWAYS },
        );
        let tax = toml::from_str("url = 'http://tax.example.org'\nfailures = 2\nretries = 0");
        town.settings.backends.insert("tax".into(), tax.expect("settings"));
    });
    let asked = Asked::default();
    let note = Rc::clone(&asked);
    town.answer_requests(move |ask: &Ask| {
        let body = ask.body.as_ref().map(|body| body.to_string());
        note.borrow_mut().push((ask.path.clone(), body));
        answer(&ask.path)
    });
    (town, asked)
}

fn ok(body: serde_json::Value) -> Result<Answer, Failed> {
    Ok(Answer { status: 200, body })
}

fn council(path: &str) -> Result<Answer, Failed> {
    match path {
        "/accounts/12345678" => ok(json!({"balance": 250})),
        "/accounts/11111111" => ok(json!({"balance": 12})),
        "/payments" => ok(json!({"reference": "PAY-77"})),
        _ => Ok(Answer { status: 404, body: serde_json::Value::Null }),
    }
}

fn pays() -> Vec<Step> {
    ring().then([
        hear(ACCOUNT),
        press("12345678"),
        hear(YOUR_CARD),
        press(&format!("{CARD}#")),
        hear(ITS_CODE),
        press(CODE),
        hear(THANK_YOU),
        Step::UntilEnded { within: secs(10) },
    ])
}

#[test]
fn a_caller_pays_and_the_card_is_in_nothing_that_is_kept() {
    let (mut town, asked) = town(council);
    let resident = town.resident(pays());
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::Completed], "{}", town.story());
    let sent = asked.borrow().last().cloned().expect("paid");
    let body: serde_json::Value = serde_json::from_str(&sent.1.expect("a body")).expect("JSON");
    assert_eq!(body, json!({"account": "12345678", "card": CARD, "code": CODE}));
    // The journal is all that is kept of the call but the recording, which was paused.
    let journal = serde_json::to_string(town.journal()).expect("JSON");
    assert!(!journal.contains(CARD) && !journal.contains(CODE), "{}", town.story());
    let paused: Vec<_> = town
        .calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::Recording { what: RecordingEvent::Paused { reason, .. }, .. } => {
                Some(*reason)
            }
            _ => None,
        })
        .collect();
    assert_eq!(paused, [PauseReason::Secret]);
    let resumed = town.count(|event| {
        matches!(event, CallEvent::Recording { what: RecordingEvent::Resumed { .. }, .. })
    });
    assert_eq!(resumed, 1);
    let world: &switchboard::sim::world::World = &town;
    let printed = format!("{world:?}");
    assert!(!printed.contains(CARD), "the whole world, printed");
    town.close();
}

#[test]
fn a_card_whose_keys_are_tones_in_the_voice_is_secret_as_well() {
    let (mut town, asked) = town(council);
    let quirks = Quirks { no_keys: true, ..Quirks::default() };
    let resident = town.caller("01632960001", |phone| phone.quirks = quirks, pays());
    town.see_off(resident);
    assert_eq!(asked.borrow().len(), 2, "{}", town.story());
    let journal = serde_json::to_string(town.journal()).expect("JSON");
    assert!(!journal.contains(CARD), "{}", town.story());
    town.close();
}

#[test]
fn who_owes_little_comes_to_an_adviser_who_sees_what_is_known() {
    let (mut town, _) = town(council);
    town.ben(Habits::default());
    let steps = ring().then([
        hear(ACCOUNT),
        press("11111111"),
        hear_within(BEN, secs(20)),
        Step::Wait(secs(1)),
    ]);
    let resident = town.resident(steps.then([Step::HangUp]));
    while town.agent("ben") != switchboard::event::AgentState::Talking {
        town.run_for(secs(1));
    }
    let facts: Vec<_> = town.live().facts.values().cloned().collect();
    let fact = |label: &str, fact: &str| (label.to_owned(), fact.to_owned());
    assert_eq!(facts, [vec![fact("Account", "11111111"), fact("Balance", "12.00")]]);
    town.see_off(resident);
    town.run_for(secs(1));
    assert!(town.live().facts.is_empty(), "gone with the call");
    town.close();
}

#[test]
fn a_wrong_account_is_asked_again_and_then_a_person_helps() {
    let (mut town, _) = town(council);
    town.ben(Habits::default());
    let steps = ring().then([
        hear(ACCOUNT),
        press("99999999"),
        hear(ACCOUNT),
        // Nothing, twice.
        hear_within(BEN, secs(30)),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.see_off(resident);
    town.close();
}

#[test]
fn a_broken_system_is_left_alone_and_callers_come_to_a_person_at_once() {
    let (mut town, asked) = town(|_| Err(Failed::TimedOut));
    town.ben(Habits::default());
    for _ in 0..3 {
        let steps = ring().then([
            hear(ACCOUNT),
            press("12345678"),
            hear_within(BEN, secs(20)),
            Step::HangUp,
        ]);
        let resident = town.resident(steps);
        town.see_off(resident);
        town.run_for(secs(2));
    }
    assert_eq!(asked.borrow().len(), 2, "the third caller does not wait for it");
    let opened = town
        .journal()
        .iter()
        .any(|entry| matches!(&entry.event, Event::System { event: SystemEvent::Circuit { .. } }));
    assert!(opened);
    let live = town.live();
    let tax = live.backends.all.get("tax").expect("asked");
    assert!(tax.open);
    assert_eq!(tax.outcomes.get("timed_out"), Some(&2));
    assert_eq!(tax.outcomes.get("circuit_open"), Some(&1));
    town.close();
}

#[test]
fn a_bulletin_is_said_from_the_moment_it_is_on_and_over_a_restart() {
    let (mut town, _) = town(council);
    let set = |town: &mut Town, bulletin: &str, on| {
        town.ask("Sue Green", false, Request::Bulletin { bulletin: bulletin.into(), on })
    };
    assert_eq!(set(&mut town, "snow", true), Some(Reply::UnknownBulletin));
    assert_eq!(set(&mut town, "flood", true), Some(Reply::Done));
    let hears = |town: &mut Town, steps: Vec<Step>| {
        let resident = town.resident(ring().then(steps).then([Step::HangUp]));
        town.see_off(resident);
    };
    hears(&mut town, vec![hear_within(NEWS, secs(3)), hear(ACCOUNT)]);
    town.restart();
    town.run_for(secs(1));
    hears(&mut town, vec![hear_within(NEWS, secs(3)), hear(ACCOUNT)]);
    assert!(
        town.live().bulletins.iter().any(|live| live.on && live.by.as_deref() == Some("Sue Green"))
    );
    assert_eq!(set(&mut town, "flood", false), Some(Reply::Done));
    hears(&mut town, vec![hear_within(ACCOUNT, secs(3))]);
    town.close();
}
