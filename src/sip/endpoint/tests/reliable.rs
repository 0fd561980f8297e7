//! Provisional responses of ours: early media, and the reliable ones of RFC 3262.

use super::super::*;
use super::network::{ANSWER, OFFER, Pair};
use super::peer::{Desk, Got, bodied, statuses};
use crate::sip::header::HeaderName;

const NEWER: &str = "v=0\r\no=- 2 2 IN IP4 192.0.2.1\r\n";

/// An INVITE with these headers, with an offer or without; our leg.
fn arrive(desk: &mut Desk, lines: &str, offer: bool) -> LegId {
    let head = desk.head("INVITE", "a", 1) + "\nContact: <sip:ann@192.0.2.2>" + lines;
    if offer {
        desk.send_raw(bodied(&head, "application/sdp", OFFER));
    } else {
        desk.send(&head);
    }
    let found = desk.events().into_iter().find_map(|event| match event {
        SipEvent::Invite(invite) => Some(invite.leg),
        _ => None,
    });
    found.expect("no INVITE arrived")
}

fn prack(desk: &mut Desk, seq: u32, of: &Got, sdp: Option<&str>) -> Vec<Got> {
    let rseq = of.text(HeaderName::RSeq);
    let head = desk.head_in("PRACK", "a", seq, &of.to_tag()) + &format!("\nRAck: {rseq} 1 INVITE");
    match sdp {
        Some(sdp) => desk.send_raw(bodied(&head, "application/sdp", sdp)),
        None => desk.send(&head),
    }
}

fn acknowledged(leg: LegId, answer: Option<&'static str>) -> SipEvent {
    SipEvent::ProvisionalAcknowledged { leg, answer: answer.map(Bytes::from) }
}

#[test]
fn a_caller_without_100rel_hears_early_media_and_is_told_the_answer_again() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "", true);
    desk.end.provisional(desk.now, leg, 183, Some(ANSWER));
    let early = desk.got().pop().unwrap();
    assert_eq!((early.status(), early.message.body()), (183, ANSWER.as_bytes()));
    assert!(early.message.header(HeaderName::RSeq).is_none());
    // The same answer (RFC 3261 section 13.2.1), whatever our user says now.
    desk.end.provisional(desk.now, leg, 183, Some(NEWER));
    assert_eq!(desk.got().pop().unwrap().message.body(), ANSWER.as_bytes());
    desk.end.answer(desk.now, leg, NEWER);
    assert_eq!(desk.got().pop().unwrap().message.body(), ANSWER.as_bytes());
}

#[test]
fn an_offer_that_may_get_lost_is_not_made() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "", false);
    desk.end.provisional(desk.now, leg, 183, Some(ANSWER));
    assert!(desk.got().pop().unwrap().message.body().is_empty());
    desk.end.answer(desk.now, leg, ANSWER);
    assert_eq!(desk.got().pop().unwrap().message.body(), ANSWER.as_bytes());
}

#[test]
fn a_reliable_answer_is_repeated_until_its_prack_and_the_200_waits_for_that() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "\nSupported: 100rel", true);
    desk.end.provisional(desk.now, leg, 180, None);
    let plain = desk.got().pop().unwrap();
    assert!(plain.message.header(HeaderName::RSeq).is_none(), "nothing is lost with it");
    desk.end.provisional(desk.now, leg, 183, Some(ANSWER));
    let early = desk.got().pop().unwrap();
    assert_eq!((early.status(), early.message.body()), (183, ANSWER.as_bytes()));
    assert_eq!(early.text(HeaderName::Require), "100rel");
    desk.end.answer(desk.now, leg, NEWER);
    assert!(desk.got().is_empty());
    let mut repeated = Vec::new();
    while repeated.len() < 3 {
        desk.now = desk.end.poll_timeout().unwrap();
        desk.end.handle_timeout(desk.now);
        repeated.extend(desk.got().iter().filter(|got| got.status() == 183).map(|_| desk.now));
    }
    assert_eq!(repeated, [500, 1_500, 3_500].map(Time::from_millis));
    let got = prack(&mut desk, 2, &early, None);
    assert_eq!(statuses(&got), [200, 200]);
    assert_eq!(got[0].text(HeaderName::CSeq), "2 PRACK");
    assert!(got[1].message.body().is_empty(), "the answer is known");
    assert_eq!(desk.events(), [acknowledged(leg, None)]);
    let again = prack(&mut desk, 3, &early, None);
    assert_eq!(statuses(&again), [481]);
    let ack = desk.head_in("ACK", "a", 1, &early.to_tag());
    desk.send(&ack);
    assert_eq!(desk.events(), [SipEvent::Acknowledged { leg, answer: None }]);
    desk.end.hang_up(desk.now, leg);
    desk.run_out();
}

#[test]
fn a_response_is_numbered_waits_for_the_one_before_and_is_matched_exactly() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "\nRequire: 100rel", true);
    for status in [180, 182, 183] {
        desk.end.provisional(desk.now, leg, status, None);
    }
    let first = desk.got();
    assert_eq!(statuses(&first), [180]);
    let rseq: u32 = first[0].text(HeaderName::RSeq).parse().unwrap();
    assert!((1..1 << 31).contains(&rseq));
    for rack in [format!("{} 1 INVITE", rseq + 1), format!("{rseq} 2 INVITE"), "x".to_owned()] {
        let tag = first[0].to_tag();
        let seq = 10 + desk.end.counters().rejected.get("unknown_dialog").copied().unwrap_or(0);
        let wrong = desk.head_in("PRACK", "a", seq as u32, &tag) + &format!("\nRAck: {rack}");
        assert_eq!(desk.statuses(&wrong), [481], "{rack}");
    }
    let got = prack(&mut desk, 20, &first[0], None);
    assert_eq!(statuses(&got), [200, 182]);
    assert_eq!(got[1].text(HeaderName::RSeq), (rseq + 1).to_string());
    // Without SDP the answer need not wait; what it overtook may still be acknowledged.
    desk.end.answer(desk.now, leg, ANSWER);
    assert_eq!(statuses(&desk.got()), [200]);
    assert_eq!(statuses(&prack(&mut desk, 21, &got[1], None)), [200]);
    desk.end.hang_up(desk.now, leg);
    desk.run_out();
    let stray = desk.head("PRACK", "z", 1) + "\nRAck: 1 1 INVITE";
    assert_eq!(desk.statuses(&stray), [481]);
}

#[test]
fn a_prack_that_comes_after_the_ack_is_answered_and_no_other() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "\nRequire: 100rel", true);
    desk.end.provisional(desk.now, leg, 180, None);
    desk.end.answer(desk.now, leg, ANSWER);
    let got = desk.got();
    assert_eq!(statuses(&got), [180, 200]);
    let ack = desk.head_in("ACK", "ack", 1, &got[1].to_tag());
    desk.send(&ack);
    assert_eq!(statuses(&prack(&mut desk, 2, &got[0], None)), [200]);
    assert_eq!(statuses(&prack(&mut desk, 3, &got[0], None)), [481]);
    assert!(desk.run_out().iter().all(|got| got.status() != 180), "nothing is repeated");
}

#[test]
fn a_prack_brings_no_offer_while_the_invites_own_is_not_answered() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "\nRequire: 100rel", true);
    desk.end.provisional(desk.now, leg, 180, None);
    let rings = desk.got();
    let refused = prack(&mut desk, 2, &rings[0], Some(NEWER));
    assert_eq!(statuses(&refused), [500]);
    assert_eq!(desk.events(), []);
    desk.end.answer(desk.now, leg, ANSWER);
    assert_eq!(statuses(&desk.got()), [200]);
}

#[test]
fn a_response_that_nobody_acknowledges_ends_the_call_with_504() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "\nRequire: 100rel", true);
    desk.end.provisional(desk.now, leg, 183, Some(ANSWER));
    desk.end.answer(desk.now, leg, ANSWER);
    let got = desk.run_out();
    assert_eq!(got.iter().filter(|got| got.status() == 183).count(), 7);
    assert!(got.iter().any(|got| got.status() == 504));
    let end = SipEvent::Ended { leg, end: LegEnd::NoPrack, cause: None };
    assert_eq!(desk.events(), [end]);
}

#[test]
fn our_early_offer_is_answered_in_the_prack() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "\nSupported: 100rel", false);
    desk.end.provisional(desk.now, leg, 183, Some(ANSWER));
    let early = desk.got().pop().unwrap();
    assert_eq!(early.message.body(), ANSWER.as_bytes());
    assert_eq!(statuses(&prack(&mut desk, 2, &early, Some(OFFER))), [200]);
    assert_eq!(desk.events(), [acknowledged(leg, Some(OFFER))]);
    desk.end.answer(desk.now, leg, NEWER);
    assert!(desk.got().pop().unwrap().message.body().is_empty());
    let ack = desk.head_in("ACK", "a", 1, &early.to_tag());
    desk.send(&ack);
    assert_eq!(desk.events(), [SipEvent::Acknowledged { leg, answer: None }]);
}

#[test]
fn a_new_offer_may_come_in_the_prack_and_in_an_update_before_the_answer() {
    let mut desk = Desk::new();
    let leg = arrive(&mut desk, "\nSupported: 100rel\nAllow: UPDATE", true);
    desk.end.provisional(desk.now, leg, 183, Some(ANSWER));
    let early = desk.got().pop().unwrap();
    let tag = early.to_tag();
    // Our answer may still get lost.
    let update = bodied(&desk.head_in("UPDATE", "a", 2, &tag), "application/sdp", OFFER);
    assert_eq!(statuses(&desk.send_raw(update)), [491]);
    assert!(prack(&mut desk, 3, &early, Some(OFFER)).is_empty());
    let change = SipEvent::Change { leg, offer: Some(OFFER.into()) };
    assert_eq!(desk.events(), [acknowledged(leg, None), change.clone()]);
    desk.end.accept_change(desk.now, leg, NEWER);
    let ok = desk.got().pop().unwrap();
    assert_eq!(
        (ok.text(HeaderName::CSeq), ok.message.body()),
        ("3 PRACK".into(), NEWER.as_bytes())
    );
    let update = bodied(&desk.head_in("UPDATE", "a", 4, &tag), "application/sdp", OFFER);
    desk.send_raw(update);
    assert_eq!(desk.events(), [change]);
    desk.end.accept_change(desk.now, leg, NEWER);
    assert_eq!(desk.got().pop().unwrap().text(HeaderName::CSeq), "4 UPDATE");
    // We may ask too.
    desk.end.change(desk.now, leg, ANSWER);
    let ours = desk.got().pop().unwrap();
    assert_eq!(ours.message.body(), ANSWER.as_bytes());
    desk.send_raw(bodied(&super::peer::reply(&ours, 200, "", ""), "application/sdp", OFFER));
    assert_eq!(desk.events(), [SipEvent::Changed { leg, answer: OFFER.into() }]);
    desk.end.answer(desk.now, leg, NEWER);
    assert!(desk.got().pop().unwrap().message.body().is_empty());
}

/// A whole call with early media between two endpoints; what each was told.
fn early_call(pair: &mut Pair) -> [Vec<String>; 2] {
    pair.call();
    let mut user = |end: &mut Endpoint, _: usize, event: &SipEvent, now| match event {
        SipEvent::Invite(invite) => end.provisional(now, invite.leg, 183, Some(ANSWER)),
        SipEvent::ProvisionalAcknowledged { leg, .. } => end.answer(now, *leg, ANSWER),
        SipEvent::Acknowledged { leg, .. } => end.hang_up(now, *leg),
        _ => {}
    };
    pair.run_with(Duration::from_secs(120), &mut user);
    pair.run_out();
    [0, 1].map(|side| {
        pair.told(side)
            .iter()
            .filter_map(|event| match event {
                SipEvent::Progress { answer: Some(answer), .. } => {
                    assert_eq!(answer, ANSWER);
                    Some("early".to_owned())
                }
                SipEvent::ProvisionalAcknowledged { .. } => Some("acknowledged".to_owned()),
                SipEvent::Answered { answer, .. } => {
                    assert_eq!(answer, ANSWER);
                    Some("answered".to_owned())
                }
                SipEvent::Ended { end, .. } => Some(format!("{end:?}")),
                SipEvent::Failed { status, .. } => Some(status.to_string()),
                _ => None,
            })
            .collect()
    })
}

#[test]
fn two_of_us_exchange_reliable_responses_whatever_gets_lost() {
    for kind in ["", "183 INVITE", "PRACK", "200 PRACK", "200 INVITE", "ACK", "BYE"] {
        for lost in [1, 2, 3] {
            let [caller, called] = early_call(&mut Pair::losing(kind, lost));
            assert_eq!(caller, ["early", "answered", "Bye"], "{kind} {lost}");
            assert_eq!(called, ["acknowledged"], "{kind} {lost}");
        }
    }
}
