//! Calls of ours that a proxy forked, and responses that come at odd moments.

use super::super::*;
use super::peer::{Desk, LEG, methods, reply, ring};
use crate::sip::header::HeaderName;
use crate::sip::method::Method;

#[test]
fn an_invite_of_ours_is_well_formed_whatever_the_names() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    let from = invite.message.from().unwrap();
    assert_eq!(from.display.as_deref(), Some("Waste: \"withheld\" <  "));
    assert_eq!(from.uri.to_string(), "sip:anonymous@anonymous.invalid");
    assert_eq!(invite.message.to().unwrap().uri.to_string(), "sip:amy@192.0.2.2");
    assert_eq!(
        invite.message.request_uri().unwrap().to_string(),
        "sip:amy@192.0.2.2:5062;transport=udp"
    );
    assert_eq!(invite.text(HeaderName::Contact), "<sip:192.0.2.1:5060>");
    assert!(invite.message.via().unwrap().params.has("rport"));
    assert_eq!(invite.message.max_forwards(), Ok(Some(70)));
}

#[test]
fn of_two_phones_that_answer_the_first_has_the_call_and_the_other_is_ended() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    let first = reply(&invite, 200, "one", "\nContact: <sip:one@192.0.2.61>");
    let second = reply(&invite, 200, "two", "\nContact: <sip:two@192.0.2.62>");
    let got = desk.send(&first);
    assert_eq!(methods(&got), [Method::Ack]);
    assert_eq!(got[0].to.to_string(), "192.0.2.61:5060");
    assert_eq!(got[0].to_tag(), "one");
    let got = desk.send(&second);
    assert_eq!(methods(&got), [Method::Ack, Method::Bye]);
    assert!(got.iter().all(|got| got.to.to_string() == "192.0.2.62:5060"));
    let bye = reply(&got[1], 200, "", "");
    desk.send(&bye);
    // Each 2xx that comes again gets its ACK again, and nothing else.
    assert_eq!(methods(&desk.send(&second)), [Method::Ack]);
    assert_eq!(methods(&desk.send(&first)), [Method::Ack]);
    assert_eq!(
        desk.events(),
        [SipEvent::Answered { leg: LEG, answer: Bytes::new(), source: desk.peer }]
    );
    desk.end.hang_up(desk.now, LEG);
    let bye = desk.got().pop().unwrap();
    assert_eq!((bye.to_tag(), bye.text(HeaderName::CSeq)), ("one".to_owned(), "2 BYE".to_owned()));
    desk.send(&reply(&bye, 200, "", ""));
    assert_eq!(desk.end.load().legs, 0);
    // A third phone answers when the call is long over.
    let third = reply(&invite, 200, "three", "\nContact: <sip:three@192.0.2.63>");
    assert_eq!(methods(&desk.send(&third)), [Method::Ack, Method::Bye]);
    desk.run_out();
}

#[test]
fn the_route_set_of_an_answer_is_reversed_and_kept() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    let routes = "\nRecord-Route: <sip:192.0.2.70;lr>\nRecord-Route: <sip:192.0.2.71;lr>";
    let answer = reply(&invite, 200, "one", &format!("\nContact: <sip:one@192.0.2.61>{routes}"));
    let ack = desk.send(&answer).pop().unwrap();
    let routes = ack.message.addresses(HeaderName::Route).unwrap();
    let routes: Vec<_> = routes.iter().map(|route| route.uri.to_string()).collect();
    assert_eq!(routes, ["sip:192.0.2.71;lr", "sip:192.0.2.70;lr"]);
    assert_eq!(ack.to.to_string(), "192.0.2.71:5060");
    assert_eq!(ack.message.request_uri().unwrap().to_string(), "sip:one@192.0.2.61");
}

#[test]
fn a_failure_is_told_once_and_acknowledged_each_time() {
    for status in [404, 486, 503, 603] {
        let mut desk = Desk::new();
        let invite = ring(&mut desk);
        let failure = reply(&invite, status, "x", "");
        let ack = desk.send(&failure).pop().unwrap();
        assert_eq!(ack.message.method(), Some(&Method::Ack));
        assert_eq!(ack.message.via().unwrap().branch(), invite.message.via().unwrap().branch());
        assert_eq!(ack.to_tag(), "x");
        assert_eq!(desk.send(&failure).len(), 1);
        assert_eq!(desk.events(), [SipEvent::Failed { leg: LEG, status, cause: None }]);
        desk.run_out();
    }
}

#[test]
fn ringing_is_told_once_for_each_status() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    for status in [100, 180, 180, 183, 199] {
        let response = reply(&invite, status, "x", "");
        assert!(desk.send(&response).is_empty());
    }
    let ringing = |status| SipEvent::Progress { leg: LEG, status, answer: None };
    assert_eq!(desk.events(), [ringing(180), ringing(183)]);
}

#[test]
fn stray_and_broken_responses_are_dropped_and_counted() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    let foreign = reply(&invite, 200, "x", "").replace("z9hG4bK", "z9hG4bKforeign");
    assert!(desk.send(&foreign).is_empty());
    let twice = reply(&invite, 200, "x", "\nVia: SIP/2.0/UDP 192.0.2.99");
    assert!(desk.send(&twice).is_empty());
    let broken = reply(&invite, 200, "x", "").replace("CSeq: 1 INVITE", "CSeq: x");
    assert!(desk.send(&broken).is_empty());
    assert_eq!(desk.events(), []);
    let rejected = &desk.end.counters().rejected;
    assert_eq!((rejected["stray_response"], rejected["bad_header"]), (2, 1));
}

#[test]
fn many_phones_that_answer_cannot_make_us_grow() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    for n in 0..100 {
        let answer = reply(&invite, 200, &format!("t{n}"), "\nContact: <sip:one@192.0.2.61>");
        desk.send(&answer);
    }
    assert!(desk.end.load().transactions <= 11, "{:?}", desk.end.load());
}

#[test]
fn a_refused_bye_ends_the_leg_all_the_same() {
    for status in [200, 401, 408, 481, 500] {
        let mut desk = Desk::new();
        let (leg, _) = desk.talk("a");
        desk.end.hang_up(desk.now, leg);
        let bye = desk.got().pop().unwrap();
        desk.send(&reply(&bye, status, "", ""));
        assert_eq!((desk.end.load().legs, desk.events()), (0, vec![]));
        desk.run_out();
    }
}
