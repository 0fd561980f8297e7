//! Early dialogs of calls that we make: early media, reliable provisional responses, forks, UPDATE
//! before the answer.

use super::super::*;
use super::network::{ANSWER, OFFER};
use super::peer::{Desk, Got, LEG, bodied, methods, reply, ring, statuses};
use crate::sip::header::HeaderName;
use crate::sip::method::Method;

const EARLY: &str = "v=0\r\no=- 8 1 IN IP4 192.0.2.61\r\n";
const ALLOW: &str = "\nAllow: INVITE, UPDATE\nContact: <sip:one@192.0.2.61>";

/// A provisional response with SDP, reliable if it has a number.
fn early(to: &Got, status: u16, tag: &str, rseq: Option<u32>, sdp: &str) -> String {
    let rseq = rseq.map_or(String::new(), |n| format!("\nRequire: 100rel\nRSeq: {n}"));
    bodied(&reply(to, status, tag, &format!("{ALLOW}{rseq}")), "application/sdp", sdp)
}

fn progress(status: u16, answer: Option<&'static str>) -> SipEvent {
    SipEvent::Progress { leg: LEG, status, answer: answer.map(Bytes::from) }
}

/// A request of the peer in the early dialog with this tag of its own.
fn theirs(invite: &Got, method: &str, seq: u32, tag: &str) -> String {
    format!(
        "{method} sip:192.0.2.1 SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.61;branch=z9hG4bK-{tag}-{seq}-{method}
        Max-Forwards: 70
        From: {};tag={tag}
        To: {}
        Call-ID: {}
        CSeq: {seq} {method}",
        invite.text(HeaderName::To),
        invite.text(HeaderName::From),
        invite.text(HeaderName::CallId),
    )
}

#[test]
fn early_media_is_told_with_its_description_once_for_each() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    assert!(desk.send(&reply(&invite, 180, "one", "")).is_empty());
    let unreliable = early(&invite, 183, "one", None, EARLY);
    assert!(desk.send_raw(unreliable.clone()).is_empty());
    desk.send_raw(unreliable);
    desk.send_raw(early(&invite, 183, "two", None, OFFER));
    let told = [progress(180, None), progress(183, Some(EARLY)), progress(183, Some(OFFER))];
    assert_eq!(desk.events(), told);
    // What may have got lost is said again in the 2xx, and only that counts.
    desk.send_raw(bodied(&reply(&invite, 200, "one", ALLOW), "application/sdp", ANSWER));
    let answered = SipEvent::Answered { leg: LEG, answer: ANSWER.into(), source: desk.peer };
    assert_eq!(desk.events(), [answered]);
}

#[test]
fn reliable_responses_are_acknowledged_in_their_order_and_once() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    assert!(invite.text(HeaderName::Supported).contains("100rel"));
    let first = early(&invite, 183, "one", Some(41), EARLY);
    let prack = desk.send_raw(first.clone());
    assert_eq!(methods(&prack), [Method::Prack]);
    assert_eq!(prack[0].text(HeaderName::RAck), "41 1 INVITE");
    assert_eq!(
        (prack[0].text(HeaderName::CSeq), prack[0].to_tag()),
        ("2 PRACK".into(), "one".into())
    );
    assert_eq!(prack[0].to.to_string(), "192.0.2.61:5060");
    desk.send(&reply(&prack[0], 200, "", ""));
    assert!(desk.send_raw(first).is_empty(), "it came again");
    let third = reply(&invite, 180, "one", "\nRequire: 100rel\nRSeq: 43");
    assert!(desk.send(&third).is_empty(), "one is missing");
    let second = reply(&invite, 180, "one", "\nRequire: 100rel\nRSeq: 42");
    assert_eq!(methods(&desk.send(&second)), [Method::Prack]);
    assert_eq!(methods(&desk.send(&third)), [Method::Prack]);
    assert_eq!(desk.events(), [progress(183, Some(EARLY)), progress(180, None)]);
    // Another phone has numbers of its own.
    let other = early(&invite, 183, "two", Some(7), OFFER);
    assert_eq!(desk.send_raw(other)[0].text(HeaderName::RAck), "7 1 INVITE");
    // The answer came reliably: the 2xx need not say it again. The dialog's numbers go on.
    let ack = desk.send(&reply(&invite, 200, "one", ALLOW));
    assert_eq!(ack[0].text(HeaderName::CSeq), "1 ACK");
    let answered = SipEvent::Answered { leg: LEG, answer: EARLY.into(), source: desk.peer };
    assert_eq!(desk.events().pop(), Some(answered));
    let late = desk.send(&reply(&invite, 200, "two", ALLOW));
    assert_eq!(
        (methods(&late), late[1].text(HeaderName::CSeq)),
        (vec![Method::Ack, Method::Bye], "3 BYE".into())
    );
    desk.end.hang_up(desk.now, LEG);
    assert_eq!(desk.got().pop().unwrap().text(HeaderName::CSeq), "5 BYE");
    desk.run_out();
    assert!(desk.end.dialogs.is_empty());
}

#[test]
fn a_reliable_response_without_a_number_is_an_ordinary_one() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    for lines in ["\nRequire: 100rel", "\nRequire: 100rel\nRSeq: x", "\nRSeq: 3"] {
        assert!(desk.send(&reply(&invite, 180, "one", lines)).is_empty(), "{lines}");
    }
    assert_eq!(desk.events(), [progress(180, None)]);
}

#[test]
fn the_peer_may_change_an_early_session_by_update_once_it_is_agreed() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    desk.send(&reply(&invite, 180, "one", ALLOW));
    // Our offer has no answer yet (RFC 3311 section 5.2).
    let update = bodied(&theirs(&invite, "UPDATE", 1, "one"), "application/sdp", OFFER);
    assert_eq!(statuses(&desk.send_raw(update)), [491]);
    desk.send_raw(early(&invite, 183, "one", Some(1), EARLY));
    desk.events();
    let empty = theirs(&invite, "UPDATE", 2, "one") + "\nContact: <sip:moved@192.0.2.66>";
    assert_eq!(desk.statuses(&empty), [200]);
    let update = bodied(&theirs(&invite, "UPDATE", 3, "one"), "application/sdp", OFFER);
    desk.send_raw(update);
    assert_eq!(desk.events(), [SipEvent::Change { leg: LEG, offer: Some(OFFER.into()) }]);
    desk.end.accept_change(desk.now, LEG, ANSWER);
    let ok = desk.got().pop().unwrap();
    assert_eq!((ok.status(), ok.message.body()), (200, ANSWER.as_bytes()));
    // A re-INVITE is no way to change it, and BYE none to end it.
    let again = theirs(&invite, "INVITE", 4, "one");
    assert_eq!(desk.statuses(&again), [491]);
    let bye = theirs(&invite, "BYE", 5, "one");
    assert_eq!(desk.statuses(&bye), [481]);
    // What holds at the answer is the newest.
    desk.send(&reply(&invite, 200, "one", ""));
    let answered = SipEvent::Answered { leg: LEG, answer: OFFER.into(), source: desk.peer };
    assert_eq!(desk.events(), [answered]);
    desk.end.hang_up(desk.now, LEG);
    desk.run_out();
}

#[test]
fn we_may_change_an_early_session_by_update_once_it_is_agreed() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    desk.end.change(desk.now, LEG, ANSWER);
    desk.send(&reply(&invite, 180, "one", ALLOW));
    desk.end.change(desk.now, LEG, ANSWER);
    assert!(desk.got().is_empty());
    desk.send_raw(early(&invite, 183, "one", Some(1), EARLY));
    desk.end.change(desk.now, LEG, ANSWER);
    let update = desk.got().pop().unwrap();
    assert_eq!(
        (update.message.method(), update.message.body()),
        (Some(&Method::Update), ANSWER.as_bytes())
    );
    desk.events();
    desk.send_raw(bodied(&reply(&update, 200, "", ALLOW), "application/sdp", OFFER));
    assert_eq!(desk.events(), [SipEvent::Changed { leg: LEG, answer: OFFER.into() }]);
    desk.end.change(desk.now, LEG, ANSWER);
    let update = desk.got().pop().unwrap();
    desk.send(&reply(&update, 488, "", ""));
    assert_eq!(desk.events(), [SipEvent::ChangeRefused { leg: LEG, status: 488 }]);
    desk.end.hang_up(desk.now, LEG);
    assert_eq!(methods(&desk.got()), [Method::Cancel]);
    desk.run_out();
}

#[test]
fn many_phones_that_ring_cannot_make_us_grow() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    for n in 0..100 {
        desk.send_raw(early(&invite, 183, &format!("t{n}"), Some(1), EARLY));
    }
    assert_eq!(desk.end.dialogs.len(), Limits::default().forks);
    desk.end.hang_up(desk.now, LEG);
    desk.run_out();
    assert!(desk.end.dialogs.is_empty());
}

#[test]
fn an_early_dialog_of_ours_may_be_replaced() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    desk.send(&reply(&invite, 180, "one", ALLOW));
    let (call_id, ours) =
        (invite.text(HeaderName::CallId), invite.message.from().unwrap().tag().unwrap().to_owned());
    let pickup = desk.head("INVITE", "pickup", 1)
        + &format!(
            "\nContact: <sip:b@192.0.2.2>\nReplaces: {call_id};to-tag={ours};from-tag=one;early-only"
        );
    desk.send(&pickup);
    let replaced = desk.events().into_iter().find_map(|event| match event {
        SipEvent::Invite(invite) => invite.replaces,
        _ => None,
    });
    assert_eq!(replaced, Some(LEG));
}

#[test]
fn a_change_that_no_update_can_carry_waits_for_the_answer() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    desk.send(&reply(&invite, 180, "one", ""));
    desk.end.change(desk.now, LEG, OFFER);
    assert!(desk.got().is_empty());
    let got = desk.send(&reply(&invite, 200, "one", "\nContact: <sip:one@192.0.2.61>"));
    assert_eq!(methods(&got), [Method::Ack, Method::Invite]);
    assert_eq!(got[1].message.body(), OFFER.as_bytes());
}
