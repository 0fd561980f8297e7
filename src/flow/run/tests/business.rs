//! Callers' business: what they key in, what back ends answer, and what is kept from whom.

use proptest::prelude::*;

use super::*;
use crate::backend::{Answer, Failed};
use crate::flow::{FlowFile, load};

const MAIN: &str = "\
start: news
relay_start: person
adviser: person
nodes:
  news: {bulletin: flood, say: There is a flood., on: shut, then: account}
  account:
    collect: Key in your account.
    as: account
    keys: 6 to 8
    confirm: \"Is it {account}?\"
    no_input: {after_s: 9, say: Nothing came.}
    wrong: {say: That is not one.}
    tries: 2
    then: ask
    otherwise: person
  ask:
    request: tax
    path: /accounts/{account}
    say: One moment.
    answer: {balance: money, due: {from: next.date, kind: date, optional: true}}
    on_status: {404: account}
    then: tell
    otherwise: person
  tell: {say: \"It is {balance}, due {due}.\", then: owing}
  owing: {if: balance > 100, then: pay, otherwise: note}
  note: {note: {Balance: \"£{balance}\"}, then: person}
  pay: {flow: payment, with: {sum: balance}, returns: {paid: thanks, not: person}}
  thanks: {say: \"Thanks, {reference}.\", then: bye}
  bye: {hang_up: completed}
  person: {queue: general, otherwise: gone}
  shut: {hang_up: closed}
  gone: {hang_up: busy}
";

const PAYMENT: &str = "\
start: card
takes: {sum: money}
nodes:
  card: {collect: Card., as: card, form: card, secret: true, tries: 3, then: code, otherwise: no}
  code: {collect: Code., as: code, keys: 3, secret: true, then: pay, otherwise: no}
  pay:
    request: tax
    method: POST
    path: /pay
    body: {sum: \"{sum}\", card: \"{card}\", code: \"{code}\", text: \"for {account}\", test: true}
    answer: {reference: reference}
    then: yes
    otherwise: no
  yes: {return: paid}
  no: {return: not}
";

fn flows() -> Arc<Flows> {
    let file = |name: &str, text: &str| FlowFile {
        name: name.into(),
        shown: format!("{name}.yaml"),
        text: text.to_owned(),
    };
    let known = Known { prompts: None, ..known() };
    match load(&[file("main", MAIN), file("payment", PAYMENT)], &known) {
        Ok(loaded) => Arc::new(loaded.flows),
        Err(faults) => panic!("{faults:#?}"),
    }
}

pub(super) fn walk() -> Walk {
    walk_of(about())
}

fn walk_of(about: About) -> Walk {
    let flows = flows();
    let main = Arc::clone(&flows["main"]);
    Walk(Run::new(flows, main, about))
}

pub(super) fn answers() -> impl Strategy<Value = Result<Answer, Failed>> {
    let bodies = prop_oneof![
        Just(
            serde_json::json!({"balance": 250, "reference": "AB12", "next": {"date": "2027-01-31"}})
        ),
        Just(serde_json::json!({"balance": "12.00"})),
        Just(serde_json::json!([{"balance": {}}, null, 1e300])),
        Just(serde_json::Value::Null),
    ];
    prop_oneof![
        (bodies, prop_oneof![Just(200), Just(404), Just(500), any::<u16>()])
            .prop_map(|(body, status)| Ok(Answer { status, body })),
        Just(Err(Failed::CircuitOpen)),
    ]
}

impl Walk {
    /// What each notice leads to, one line each.
    fn says(&mut self, notices: impl IntoIterator<Item = Notice>) -> Vec<String> {
        notices.into_iter().map(|notice| short(&self.0.handle(notice))).collect()
    }

    fn keys(&mut self, keys: &str) -> String {
        self.says(keys.chars().map(key)).pop().expect("a key")
    }

    fn secret(&mut self, keys: &str) -> String {
        let key = |letter| Notice::SecretKey(SecretKey::new(Key::from_char(letter).expect("key")));
        self.says(keys.chars().map(key)).pop().expect("a key")
    }

    fn answered(&mut self, status: u16, body: serde_json::Value) -> String {
        short(&self.0.handle(Notice::Answered(Ok(Answer { status, body }))))
    }

    /// At the question for the account.
    fn asked() -> Walk {
        let mut walk = walk();
        let said = walk.says([Notice::Started, Notice::Bulletin { on: false }]);
        assert_eq!(said, [">news, ask flood", ">account, play account"]);
        walk
    }

    /// The account has been confirmed.
    fn requested() -> Walk {
        let mut walk = Walk::asked();
        walk.keys("123456#");
        assert_eq!(walk.keys("1"), "stop, >ask, play ask, GET tax/accounts/123456 ");
        walk
    }

    /// The words for the request are over.
    fn waiting() -> Walk {
        let mut walk = Walk::requested();
        assert_eq!(walk.says([Notice::Played]), ["music"]);
        walk
    }
}

#[test]
fn a_bulletin_is_said_while_it_is_on_and_may_close_the_line() {
    let mut walk = walk();
    let said =
        walk.says([Notice::Started, Notice::Bulletin { on: true }, key('1'), Notice::Played]);
    assert_eq!(said[1..], ["play news", "", ">shut, hang up Closed"]);
}

#[test]
fn what_is_keyed_in_is_read_back_and_forgotten_if_it_is_not_right() {
    let mut walk = Walk::asked();
    assert_eq!(walk.keys("1"), "stop, timer 4");
    assert_eq!(walk.keys("2"), "timer 4");
    let read_back = walk.keys("3456#");
    let groups = "say/n-1+say/n-2+say/n-3+say/pause+say/n-4+say/n-5+say/n-6+say/pause";
    assert_eq!(read_back, format!("no timer, play account-confirm+{groups}"));
    assert_eq!(walk.keys("2"), "stop, play account", "asked again");
    assert!(!walk.0.values().contains_key("account"));
    assert_eq!(walk.says([Notice::Played]), ["timer 9"]);
    assert_eq!(
        walk.says([Notice::TimerDone]),
        [">person, hand over not_understood, queue general [] Serve"],
        "two tries"
    );
}

#[test]
fn the_most_keys_end_it_and_so_does_a_pause_or_too_few_are_wrong() {
    let mut walk = Walk::asked();
    assert!(walk.keys("12345678").starts_with("no timer, play account-confirm"));
    let mut walk = Walk::asked();
    walk.keys("123456");
    assert!(walk.says([Notice::TimerDone])[0].starts_with("play account-confirm"));
    let mut walk = Walk::asked();
    assert_eq!(walk.keys("123#"), "no timer, play account-wrong+account");
}

#[test]
fn a_hash_after_the_last_key_that_was_waited_for_means_nothing() {
    let mut walk = Walk::asked();
    assert!(walk.keys("12345678").starts_with("no timer, play account-confirm"));
    assert_eq!(walk.keys("#"), "", "callers were told to press it");
    assert_eq!(walk.keys("1"), "stop, >ask, play ask, GET tax/accounts/12345678 ");
    // After the words it is a key like others, and says that it is not right.
    let mut walk = Walk::asked();
    walk.keys("12345678");
    walk.says([Notice::Played]);
    assert_eq!(walk.keys("#"), "no timer, play account");
    // Typed ahead it is part of the answer as well.
    let mut walk = walk_of(about());
    walk.says([Notice::Started]);
    walk.keys("12345678#1");
    let said = walk.says([Notice::Bulletin { on: false }]);
    assert!(said[0].starts_with(">account, play account-confirm"), "{said:?}");
}

#[test]
fn a_secret_key_that_comes_late_is_not_taken_for_what_may_be_seen() {
    let mut walk = Walk::asked();
    assert_eq!(walk.secret("12345678"), "");
    assert!(!walk.0.values().contains_key("account"));
}

#[test]
fn an_answer_is_taken_apart_and_spoken() {
    let mut walk = Walk::waiting();
    let body = serde_json::json!({"balance": 250.5, "next": {"date": "2026-12-01"}});
    let said = walk.answered(200, body);
    assert!(said.starts_with("stop, >tell, play tell-1"), "{said}");
    let balance = walk.0.values().get("balance").map(ToString::to_string);
    assert_eq!(balance.as_deref(), Some("250.50"));
}

#[test]
fn a_status_has_its_way_and_everything_else_goes_to_a_person() {
    let mut walk = Walk::waiting();
    assert_eq!(walk.answered(404, serde_json::Value::Null), "stop, >account, play account");
    for (status, body) in [
        (500, serde_json::json!({"balance": 1})),
        (200, serde_json::json!({"balance": "a lot"})),
        (200, serde_json::json!({"balance": 1, "next": {"date": "soon"}})),
        (200, serde_json::Value::Null),
    ] {
        let mut walk = Walk::waiting();
        let said = walk.answered(status, body);
        assert_eq!(said, "stop, >person, hand over backend, queue general [] Serve");
    }
    let mut walk = Walk::requested();
    let said = walk.says([Notice::Answered(Err(Failed::CircuitOpen)), Notice::Played]);
    assert_eq!(said, ["", ">person, hand over backend, queue general [] Serve"]);
}

#[test]
fn an_answer_that_comes_at_once_lets_the_words_finish() {
    let mut walk = Walk::requested();
    assert_eq!(walk.answered(404, serde_json::Value::Null), "");
    assert_eq!(walk.says([Notice::Played]), [">account, play account"]);
    assert_eq!(walk.says([Notice::Played]), ["timer 9"], "it is not taken twice");
}

#[test]
fn facts_are_noted_for_the_adviser() {
    let mut walk = Walk::waiting();
    walk.answered(200, serde_json::json!({"balance": 12}));
    let said = walk.says([Notice::Played]);
    assert_eq!(said, [">owing, >note, note Balance=£12.00, >person, queue general [] Serve"]);
}

#[test]
fn a_card_is_secret_from_its_question_on_and_sent_to_the_back_end_alone() {
    let mut walk = Walk::waiting();
    walk.answered(200, serde_json::json!({"balance": 250}));
    let asked = walk.says([Notice::Played]);
    assert_eq!(asked, [">owing, >pay, >card, secret true, play payment/card"]);
    assert_eq!(walk.keys("4"), "", "a key that was told before the leg was secret");
    assert_eq!(walk.secret("4111111111111112#"), "no timer, play payment/card");
    let code = walk.secret("4111111111111111#");
    assert_eq!(code, "no timer, >code, play payment/code", "still secret");
    let sent = walk.secret("737");
    assert!(sent.starts_with("no timer, >pay, secret false, music, POST tax/pay {"), "{sent}");
    let (_, body) = sent.split_once("/pay ").expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let card = "4111111111111111";
    assert_eq!(
        body,
        serde_json::json!({
            "sum": "250.00", "card": card, "code": "737", "text": "for 123456", "test": true,
        })
    );
    let shown = format!("{:?}", walk.0);
    assert!(!shown.contains(card) && !shown.contains("737"), "{shown}");
    assert!(walk.0.values().values().all(|value| value.to_string() != card));
    let thanks = walk.answered(201, serde_json::json!({"reference": "PAY-77"}));
    assert!(thanks.starts_with("stop, >yes, >thanks, play thanks"), "{thanks}");
}

#[test]
fn another_flow_comes_back_with_a_word() {
    let mut walk = Walk::waiting();
    walk.answered(200, serde_json::json!({"balance": 250}));
    walk.says([Notice::Played]);
    let mut last = String::new();
    for _ in 0..3 {
        last = walk.says([Notice::Played, Notice::TimerDone]).pop().expect("said");
    }
    assert_eq!(
        last,
        ">no, secret false, >person, hand over not_understood, queue general [] Serve"
    );
}

#[test]
fn relay_callers_start_where_people_are_and_have_time() {
    let mut walk = walk_of(About { relay: true, ..about() });
    assert_eq!(walk.says([Notice::Started]), [">person, queue general [] Serve"]);
    let text = MAIN.replace("relay_start: person\n", "");
    let main = load_text(
        &"main".into(),
        "main.yaml",
        &text.replace(
            "pay: {flow: payment, with: {sum: balance}, returns: {paid: thanks, not: person}}",
            "pay: {set: {reference: 1}, then: thanks}",
        ),
        &known(),
    );
    let main = Arc::new(main.unwrap_or_else(|faults| panic!("{faults:#?}")));
    let mut walk = Walk(Run::new(Arc::default(), main, About { relay: true, ..about() }));
    let said = walk.says([Notice::Started, Notice::Bulletin { on: false }, Notice::Played]);
    assert_eq!(said[2], "timer 30");
}

#[test]
fn nothing_that_a_caller_keys_in_can_leave_its_place_in_a_request() {
    let mut walk = Walk::waiting();
    walk.answered(200, serde_json::json!({"balance": 250}));
    let known = known();
    let text = "\
start: a
takes: {x: text}
nodes:
  a:
    request: tax
    method: PUT
    path: /a/{x}/b
    body: {x: \"{x}\", y: [\"<{x}>\"]}
    then: b
    otherwise: b
  b: {hang_up: completed}
";
    let flow = Arc::new(load_text(&"f".into(), "f.yaml", text, &known).expect("is good"));
    for hostile in ["\",\"admin\":true,\"", "../../etc", "a\r\nX: y", "?q#f", "\u{0}é"] {
        let mut run = Run::new(Arc::default(), Arc::clone(&flow), about());
        run.values.insert("x".into(), crate::flow::value::Value::Text(hostile.to_owned()));
        let said = short(&run.handle(Notice::Started));
        let (path, body) =
            said.split_once("PUT tax").and_then(|(_, it)| it.split_once(' ')).expect("sent");
        assert_eq!(path.matches('/').count(), 3, "{path}");
        assert!(path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#')), "{path}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body, serde_json::json!({"x": hostile, "y": [format!("<{hostile}>")]}));
    }
}

#[test]
fn who_presses_0_in_a_menu_comes_to_a_person_unless_it_is_a_choice() {
    let text = |keys: &str| {
        format!(
            "start: m\nadviser: person\nnodes:\n  m: {{menu: For bins press 1., keys: {keys}, \
             otherwise: end}}\n  person: {{queue: general, otherwise: end}}\n  end: {{hang_up: closed}}\n"
        )
    };
    for (keys, said) in [
        ("{1: end}", "stop, chose 0 at m, >person, hand over asked_for, queue general [] Serve"),
        ("{1: end, 0: end}", "stop, chose 0 at m, >end, hang up Closed"),
    ] {
        let flow = load_text(&"main".into(), "main.yaml", &text(keys), &known());
        let mut walk = Walk::through(Arc::new(flow.expect("is good")));
        walk.says([Notice::Started]);
        assert_eq!(walk.keys("0"), said);
    }
}
