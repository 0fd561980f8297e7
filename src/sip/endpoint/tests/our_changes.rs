//! Changes that we ask for: one at a time, and again where two have met.

use super::super::*;
use super::network::{ANSWER, OFFER};
use super::peer::{Desk, LEG, bodied, methods, reply, ring, statuses};
use crate::sip::header::HeaderName;
use crate::sip::method::Method;

const NEWER: &str = "v=0\r\no=- 2 2 IN IP4 192.0.2.1\r\n";

/// A call of ours that the peer answered.
fn talk(desk: &mut Desk) {
    let invite = ring(desk);
    let answer = reply(&invite, 200, "one", "\nContact: <sip:one@192.0.2.61>");
    desk.send(&answer);
    desk.events();
}

/// The peer's answer with a description.
fn accept(desk: &mut Desk, to: &super::peer::Got) -> Vec<super::peer::Got> {
    let head = reply(to, 200, "", "\nContact: <sip:new@192.0.2.62>");
    desk.send_raw(bodied(&head, "application/sdp", OFFER))
}

#[test]
fn a_change_of_ours_is_answered_and_acknowledged_each_time() {
    let mut desk = Desk::new();
    talk(&mut desk);
    desk.end.change(desk.now, LEG, ANSWER);
    let invite = desk.got().pop().unwrap();
    assert_eq!(invite.message.method(), Some(&Method::Invite));
    assert_eq!(invite.text(HeaderName::CSeq), "2 INVITE");
    assert_eq!(invite.text(HeaderName::Contact), "<sip:192.0.2.1:5060>");
    assert_eq!(invite.message.body(), ANSWER.as_bytes());
    // While it is under way only the newest wish is kept.
    desk.end.change(desk.now, LEG, "v=0\r\n");
    desk.end.change(desk.now, LEG, NEWER);
    assert!(desk.got().is_empty());
    let got = accept(&mut desk, &invite);
    assert_eq!(methods(&got), [Method::Ack, Method::Invite]);
    assert_eq!(got[0].text(HeaderName::CSeq), "2 ACK");
    assert_eq!(got[0].to.to_string(), "192.0.2.62:5060");
    assert_eq!(desk.events(), [SipEvent::Changed { leg: LEG, answer: OFFER.into() }]);
    assert_eq!(methods(&accept(&mut desk, &invite)), [Method::Ack]);
    assert_eq!(got[1].message.body(), NEWER.as_bytes());
    assert_eq!(desk.send(&reply(&got[1], 488, "", "")).len(), 1);
    assert_eq!(desk.events(), [SipEvent::ChangeRefused { leg: LEG, status: 488 }]);
    desk.end.hang_up(desk.now, LEG);
    desk.got();
    // The leg is gone; a 2xx that comes again is acknowledged all the same.
    assert_eq!(methods(&accept(&mut desk, &invite)), [Method::Ack]);
    desk.run_out();
}

#[test]
fn two_changes_that_meet_are_refused_with_491_and_ours_is_tried_again() {
    // Whoever made the Call-ID waits 2.1 to 4 s, the other at most 2 s (section 14.1).
    for ours in [true, false] {
        let mut desk = Desk::new();
        let (leg, call_id, tag) = if ours {
            talk(&mut desk);
            (LEG, String::new(), String::new())
        } else {
            let (leg, tag) = desk.talk("a");
            (leg, "a".to_owned(), tag)
        };
        desk.end.change(desk.now, leg, ANSWER);
        let invite = desk.got().pop().unwrap();
        if !ours {
            let head = desk.head_in("INVITE", &call_id, 2, &tag);
            let theirs = desk.send_raw(bodied(&head, "application/sdp", OFFER));
            assert_eq!(statuses(&theirs), [491]);
        }
        let ack = desk.send(&reply(&invite, 491, "", ""));
        assert_eq!((methods(&ack), desk.events()), (vec![Method::Ack], vec![]));
        let met = desk.now;
        let again = loop {
            desk.now = desk.end.poll_timeout().unwrap();
            desk.end.handle_timeout(desk.now);
            let mut got = desk.got();
            got.retain(|got| got.message.is_request());
            if let Some(again) = got.pop() {
                break again;
            }
        };
        assert_eq!(again.message.method(), Some(&Method::Invite));
        let waited = desk.now.since(met).as_millis();
        assert!(if ours { 2_100..=4_000 } else { 0..=2_000 }.contains(&waited), "{waited}");
        accept(&mut desk, &again);
        assert_eq!(desk.events(), [SipEvent::Changed { leg, answer: OFFER.into() }]);
    }
}

#[test]
fn a_change_of_ours_waits_for_the_peers() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let head = desk.head_in("INVITE", "a", 2, &tag);
    desk.send_raw(bodied(&head, "application/sdp", OFFER));
    desk.end.change(desk.now, leg, NEWER);
    assert!(desk.got().is_empty());
    desk.end.accept_change(desk.now, leg, ANSWER);
    assert_eq!(statuses(&desk.got()), [200]);
    let ack = desk.head_in("ACK", "a", 2, &tag);
    let got = desk.send(&ack);
    assert_eq!((methods(&got), got[0].message.body()), (vec![Method::Invite], NEWER.as_bytes()));
}

#[test]
fn a_peer_that_does_not_know_the_call_or_does_not_answer_has_lost_it() {
    for status in [481, 408] {
        let mut desk = Desk::new();
        talk(&mut desk);
        desk.end.change(desk.now, LEG, ANSWER);
        let invite = desk.got().pop().unwrap();
        let got = if status == 408 {
            desk.run_out()
        } else {
            desk.send(&reply(&invite, 481, "", "\nReason: Q.850;cause=16"))
        };
        assert_eq!(methods(&got).iter().filter(|m| **m == Method::Bye).count().min(1), 1);
        let cause = (status == 481).then_some(Cause { protocol: CauseProtocol::Q850, code: 16 });
        assert_eq!(desk.events(), [SipEvent::Ended { leg: LEG, end: LegEnd::Lost, cause }]);
        desk.run_out();
    }
}

#[test]
fn a_change_that_only_rings_is_given_up_and_the_call_goes_on() {
    let mut desk = Desk::new();
    talk(&mut desk);
    desk.end.change(desk.now, LEG, ANSWER);
    let invite = desk.got().pop().unwrap();
    desk.send(&reply(&invite, 180, "", ""));
    desk.now += Duration::from_secs(181);
    desk.end.handle_timeout(desk.now);
    assert_eq!(desk.events(), [SipEvent::ChangeRefused { leg: LEG, status: 408 }]);
    desk.end.hang_up(desk.now, LEG);
    desk.run_out();
}

#[test]
fn a_connection_that_breaks_is_no_proof_that_nobody_is_there() {
    use crate::sip::transport::{Listener, Protocol};
    let mut settings = super::network::settings(1);
    settings.listeners = vec![Listener::new(Protocol::Tcp, super::network::address(1))];
    let mut desk = Desk::with(settings, Limits::default());
    talk(&mut desk);
    desk.end.change(desk.now, LEG, ANSWER);
    let invite = desk.got().pop().unwrap();
    desk.end.handle_closed(desk.now, super::network::LISTENER, invite.to);
    assert_eq!(desk.events(), [SipEvent::ChangeRefused { leg: LEG, status: 503 }]);
    assert_eq!(desk.end.load().legs, 1);
    // Half a session later: a refresh, and that connection breaks too.
    desk.now += Duration::from_secs(900);
    desk.end.handle_timeout(desk.now);
    let refresh = desk.got().pop().unwrap();
    desk.end.handle_closed(desk.now, super::network::LISTENER, refresh.to);
    assert_eq!((desk.events(), desk.end.load().legs), (vec![], 1));
    desk.now += Duration::from_secs(90);
    desk.end.handle_timeout(desk.now);
    assert_eq!(methods(&desk.got()), [Method::Invite]);
}
