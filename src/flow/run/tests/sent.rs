//! What callers are promised to be sent.

use super::*;
use crate::event::Channel;
use crate::notification::Needs;

const FLOW: &str = "\
start: first
nodes:
  first: {if: caller_mobile, then: own, otherwise: mobile}
  mobile: {collect: Your mobile?, as: mobile, form: mobile, then: other, otherwise: gone}
  own: {send: bin, to: caller, with: {day: \"On {today}\", nobody: \"{called}\"}, then: sent, otherwise: sorry}
  other: {send: bin, to: mobile, with: {day: \"{today}\", nobody: nobody}, then: sent, otherwise: sorry}
  sent: {menu: Again?, keys: {1: own}, otherwise: gone}
  sorry: {say: Sorry., then: gone}
  gone: {hang_up: gave_up}
";

pub(super) fn walk() -> Walk {
    walk_of(about())
}

fn walk_of(about: About) -> Walk {
    let needs = Needs { by: Channel::Text, fields: vec!["day".to_owned(), "nobody".to_owned()] };
    let known = Known { templates: [("bin".into(), needs)].into(), ..known() };
    let flow = load_text(&"main".into(), "main.yaml", FLOW, &known).expect("is good");
    let flow = Arc::new(flow);
    Walk(Run::new(Arc::new(Flows::from([("main".into(), Arc::clone(&flow))])), flow, about))
}

#[test]
fn a_promise_is_asked_for_with_values_as_people_write_them() {
    let mut walk = walk();
    assert_eq!(
        walk.on(Notice::Started),
        ">first, >own, send bin to +447700900123 {\"day\": \"On 26 November 2026\", \"nobody\": \
         \"01708434343\"}, timer 5"
    );
    assert_eq!(walk.on(key('2')), "", "kept for what follows");
    let said = walk.on(Notice::Promised { kept: true });
    assert_eq!(said, "no timer, >sent, play sent", "a wrong key");
    assert_eq!(walk.on(Notice::Promised { kept: false }), "", "once");
}

#[test]
fn what_is_not_promised_or_not_in_time_is_not_said_to_come() {
    for notice in [Notice::Promised { kept: false }, Notice::TimerDone] {
        let mut walk = walk();
        walk.on(Notice::Started);
        assert_eq!(walk.on(notice), "no timer, >sorry, play sorry");
    }
}

#[test]
fn who_withholds_their_number_is_asked_and_a_landline_will_not_do() {
    let mut walk = walk_of(About { caller: None, ..about() });
    assert_eq!(walk.on(Notice::Started), ">first, >mobile, play mobile");
    for keys in ["01632960001#", "07700900456#"] {
        let mut said = String::new();
        for letter in keys.chars() {
            said = walk.on(key(letter));
        }
        match keys {
            "01632960001#" => assert_eq!(said, "no timer, play mobile"),
            _ => assert!(said.contains(">other, send bin to +447700900456 "), "{said}"),
        }
    }
}

#[test]
fn one_call_sends_no_more_than_five() {
    let mut walk = walk();
    walk.on(Notice::Started);
    for _ in 0..4 {
        walk.on(Notice::Promised { kept: true });
        assert!(walk.on(key('1')).contains("send bin"));
    }
    walk.on(Notice::Promised { kept: true });
    assert_eq!(walk.on(key('1')), "stop, chose 1 at sent, >own, >sorry, play sorry");
}
