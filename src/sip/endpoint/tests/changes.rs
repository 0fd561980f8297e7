//! Requests within a dialog: order, re-INVITE, UPDATE, INFO; and routes.

use super::super::*;
use super::network::ANSWER;
use super::peer::{Desk, bodied, statuses};
use crate::sip::header::HeaderName;

const OFFER: &str = "v=0\r\n";

/// A request with an offer.
fn offering(head: &str) -> String {
    bodied(head, "application/sdp", OFFER)
}

#[test]
fn a_reinvite_is_put_to_our_user_and_its_answer_waits_for_the_ack() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let change = offering(&(desk.head_in("INVITE", "a", 2, &tag) + "\nContact: <sip:n@192.0.2.9>"));
    assert_eq!(statuses(&desk.send_raw(change.clone())), [100]);
    assert_eq!(desk.events(), [SipEvent::Change { leg, offer: Some(OFFER.into()) }]);
    assert_eq!(statuses(&desk.send_raw(change)), [100]);
    // A second one must wait for the answer to the first (section 14.2).
    let second = desk.head_in("INVITE", "a", 3, &tag);
    let got = desk.send(&second);
    assert_eq!(got[0].status(), 500);
    assert!(got[0].text(HeaderName::RetryAfter).parse::<u32>().unwrap() <= 10);
    desk.end.accept_change(desk.now, leg, ANSWER);
    let got = desk.got();
    assert_eq!((got[0].status(), got[0].message.body()), (200, ANSWER.as_bytes()));
    // Until its ACK nothing else can change.
    let third = offering(&desk.head_in("UPDATE", "a", 4, &tag));
    assert_eq!(statuses(&desk.send_raw(third)), [491]);
    let ack = desk.head_in("ACK", "a", 2, &tag);
    desk.send(&ack);
    assert_eq!(desk.events(), []);
    // The new Contact is where our requests go now.
    desk.end.hang_up(desk.now, leg);
    let bye = desk.got().pop().unwrap();
    assert_eq!(bye.to.to_string(), "192.0.2.9:5060");
    assert_eq!(bye.message.request_uri().unwrap().to_string(), "sip:n@192.0.2.9");
    desk.run_out();
}

#[test]
fn a_reinvite_without_offer_gets_ours_and_its_ack_brings_the_answer() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let change = desk.head_in("INVITE", "a", 2, &tag);
    desk.send(&change);
    assert_eq!(desk.events(), [SipEvent::Change { leg, offer: None }]);
    desk.end.accept_change(desk.now, leg, ANSWER);
    let ack = offering(&desk.head_in("ACK", "a", 2, &tag));
    desk.send_raw(ack);
    assert_eq!(desk.events(), [SipEvent::Acknowledged { leg, answer: Some(OFFER.into()) }]);
}

#[test]
fn a_change_can_be_refused_and_withdrawn_and_the_call_goes_on() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let change = offering(&desk.head_in("INVITE", "a", 2, &tag));
    desk.send_raw(change);
    desk.end.reject_change(desk.now, leg, 488);
    assert_eq!(statuses(&desk.got()), [488]);
    let head = desk.head_in("INVITE", "a", 3, &tag);
    desk.send_raw(offering(&head));
    let cancel = head.replacen("INVITE", "CANCEL", 1).replace("3 INVITE", "3 CANCEL");
    assert_eq!(desk.statuses(&cancel), [200, 487]);
    desk.end.accept_change(desk.now, leg, ANSWER);
    assert!(desk.got().is_empty());
    desk.events();
    let bye = desk.head_in("BYE", "a", 4, &tag);
    assert_eq!(desk.statuses(&bye), [200]);
    assert_eq!(desk.events(), [SipEvent::Ended { leg, end: LegEnd::Bye, cause: None }]);
    desk.run_out();
}

#[test]
fn an_update_changes_the_session_without_an_ack_and_an_empty_one_only_the_target() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let empty = desk.head_in("UPDATE", "a", 2, &tag) + "\nContact: <sip:n@192.0.2.9>";
    assert_eq!(desk.statuses(&empty), [200]);
    assert_eq!(desk.events(), []);
    let update = offering(&desk.head_in("UPDATE", "a", 3, &tag));
    assert_eq!(statuses(&desk.send_raw(update)), [] as [u16; 0]);
    assert_eq!(desk.events(), [SipEvent::Change { leg, offer: Some(OFFER.into()) }]);
    // BYE while the change is open: both are answered.
    let bye = desk.head_in("BYE", "a", 4, &tag);
    assert_eq!(desk.statuses(&bye), [200, 487]);
    desk.run_out();
}

#[test]
fn requests_in_a_dialog_keep_their_order() {
    let mut desk = Desk::new();
    let (_, tag) = desk.talk("a");
    let info = desk.head_in("INFO", "a", 7, &tag);
    assert_eq!(desk.statuses(&info), [200]);
    // Repeated: the same answer. Overtaken: 500 (section 12.2.2).
    assert_eq!(desk.statuses(&info), [200]);
    let late = desk.head_in("INFO", "a", 6, &tag);
    assert_eq!(desk.statuses(&late), [500]);
    let options = desk.head_in("OPTIONS", "a", 9, &tag);
    assert_eq!(desk.statuses(&options), [200]);
    let message = desk.head_in("MESSAGE", "a", 10, &tag);
    assert_eq!(desk.statuses(&message), [405]);
}

#[test]
fn a_caller_may_leave_an_early_dialog_with_bye() {
    let mut desk = Desk::new();
    let leg = desk.ring("a");
    desk.end.provisional(desk.now, leg, 180, None);
    let tag = desk.got().pop().unwrap().to_tag();
    let reinvite = desk.head_in("INVITE", "a", 2, &tag);
    assert_eq!(desk.statuses(&reinvite), [500]);
    let bye = desk.head_in("BYE", "a", 3, &tag);
    assert_eq!(desk.statuses(&bye), [200, 487]);
    assert_eq!(desk.events(), [SipEvent::Ended { leg, end: LegEnd::Cancelled, cause: None }]);
    desk.run_out();
}

#[test]
fn the_route_set_is_copied_and_followed() {
    let mut desk = Desk::new();
    let invite = desk.head("INVITE", "a", 1)
        + "\nContact: <sip:ann@192.0.2.77>"
        + "\nRecord-Route: <sip:192.0.2.50;lr;x=1>, <sip:192.0.2.51:5080;lr>";
    desk.send(&invite);
    let Some(SipEvent::Invite(IncomingInvite { leg, .. })) = desk.events().pop() else { panic!() };
    desk.end.answer(desk.now, leg, ANSWER);
    let ok = desk.got().pop().unwrap();
    assert_eq!(
        ok.text(HeaderName::RecordRoute),
        "<sip:192.0.2.50;lr;x=1>, <sip:192.0.2.51:5080;lr>"
    );
    assert_eq!(ok.text(HeaderName::Contact), "<sip:192.0.2.1:5060>");
    let ack = desk.head_in("ACK", "a", 1, &ok.to_tag());
    desk.send(&ack);
    desk.end.hang_up(desk.now, leg);
    let bye = desk.got().pop().unwrap();
    let routes = bye.message.addresses(HeaderName::Route).unwrap();
    let routes: Vec<_> = routes.iter().map(|route| route.uri.to_string()).collect();
    assert_eq!(routes, ["sip:192.0.2.50;lr;x=1", "sip:192.0.2.51:5080;lr"]);
    assert_eq!(bye.to.to_string(), "192.0.2.50:5060");
    assert_eq!(bye.message.request_uri().unwrap().to_string(), "sip:ann@192.0.2.77");
    assert_eq!(
        bye.message.via().unwrap().to_string().split(';').next(),
        Some("SIP/2.0/UDP 192.0.2.1:5060")
    );
}

#[test]
fn a_peer_of_rfc_2543_can_call_too() {
    let mut desk = Desk::new();
    let invite = desk
        .head("INVITE", "old", 1)
        .replace(";branch=z9hG4bK-peer-1;rport", "")
        .replace(";tag=p1", "");
    let with_contact = format!("{invite}\nContact: sip:ann@192.0.2.2");
    assert!(desk.statuses(&with_contact).is_empty());
    assert!(desk.statuses(&with_contact).is_empty());
    assert_eq!(desk.end.load().transactions, 1);
    let Some(SipEvent::Invite(IncomingInvite { leg, .. })) = desk.events().pop() else { panic!() };
    desk.end.answer(desk.now, leg, ANSWER);
    let tag = desk.got().pop().unwrap().to_tag();
    let ack = invite
        .replacen("INVITE", "ACK", 1)
        .replace("1 INVITE", "1 ACK")
        .replace("@192.0.2.1>", &format!("@192.0.2.1>;tag={tag}"));
    assert!(desk.statuses(&ack).is_empty());
    assert_eq!(desk.events(), [SipEvent::Acknowledged { leg, answer: None }]);
    let bye = ack.replacen("ACK", "BYE", 1).replace("1 ACK", "2 BYE");
    assert_eq!(desk.statuses(&bye), [200]);
    desk.run_out();
}
