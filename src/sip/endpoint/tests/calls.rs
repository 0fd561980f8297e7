//! Calls between two endpoints that begin, change and end in every order.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::*;
use super::network::*;

fn ended(leg: LegId, end: LegEnd) -> SipEvent {
    SipEvent::Ended { leg, end, cause: None }
}

#[test]
fn a_call_is_answered_and_the_caller_hangs_up() {
    let mut pair = Pair::new();
    let caller = pair.call();
    pair.run_for(Duration::from_millis(50));
    let invite = pair.arrived();
    assert_eq!(invite.called, "01708434343");
    assert_eq!(invite.from_user, "07700900123");
    assert_eq!(invite.caller.name.as_deref(), Some("Ann \"Bo\" Öz"));
    assert_eq!(invite.offer.as_deref(), Some(OFFER.as_bytes()));
    assert_eq!(invite.authentication, Authentication::None);
    pair.do_at(1, |end, now| end.provisional(now, invite.leg, 180, None));
    pair.run_for(Duration::from_millis(50));
    pair.do_at(1, |end, now| end.answer(now, invite.leg, ANSWER));
    pair.run_for(Duration::from_millis(50));
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.run_out();
    assert_eq!(
        pair.told(0),
        [
            &SipEvent::Progress { leg: caller, status: 180, answer: None },
            &SipEvent::Answered { leg: caller, answer: Bytes::from(ANSWER), source: address(1) },
        ]
    );
    assert_eq!(
        pair.told(1)[1..],
        [
            &SipEvent::Acknowledged { leg: invite.leg, answer: None },
            &ended(invite.leg, LegEnd::Bye),
        ]
    );
    // Nothing was lost, so nothing was repeated.
    let kinds: Vec<_> = pair.log.iter().map(|(_, _, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]);
}

#[test]
fn a_caller_is_told_that_we_are_at_it_only_if_our_user_thinks_for_200_ms() {
    let mut pair = Pair::new();
    pair.call();
    pair.run_for(Duration::from_millis(209));
    assert_eq!(pair.count(1, "100 INVITE"), 0);
    pair.run_for(Duration::from_secs(20));
    assert_eq!((pair.count(1, "100 INVITE"), pair.count(0, "INVITE")), (1, 1));
    let called = pair.arrived().leg;
    pair.do_at(1, |end, now| end.reject(now, called, 486, None));
    pair.run_out();
    assert_eq!((pair.count(1, "486 INVITE"), pair.count(0, "ACK")), (1, 1));
}

#[test]
fn the_called_side_hangs_up() {
    let mut pair = Pair::new();
    let (caller, called) = pair.talk();
    pair.do_at(1, |end, now| end.hang_up(now, called));
    pair.do_at(1, |end, now| end.hang_up(now, called));
    pair.run_out();
    assert_eq!(pair.told(0).last(), Some(&&ended(caller, LegEnd::Bye)));
    assert_eq!(pair.count(1, "BYE"), 1);
    assert!(!pair.told(1).contains(&&ended(called, LegEnd::Bye)));
}

#[test]
fn both_sides_hang_up_at_once() {
    let mut pair = Pair::new();
    let (caller, called) = pair.talk();
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.do_at(1, |end, now| end.hang_up(now, called));
    pair.run_out();
    assert_eq!(pair.told(0).len(), 1);
    assert_eq!(pair.told(1).len(), 2);
}

#[test]
fn a_refusal_reaches_the_caller_and_is_acknowledged() {
    let mut pair = Pair::new();
    let caller = pair.call();
    pair.run_for(Duration::from_millis(50));
    let called = pair.arrived().leg;
    pair.do_at(1, |end, now| end.reject(now, called, 486, None));
    assert_eq!(pair.ends[1].load().legs, 0);
    pair.run_out();
    assert_eq!(pair.told(0), [&SipEvent::Failed { leg: caller, status: 486, cause: None }]);
    assert_eq!(pair.told(1).len(), 1);
    assert_eq!((pair.count(0, "ACK"), pair.count(1, "486 INVITE")), (1, 1));
}

#[test]
fn a_hang_up_before_the_answer_is_a_cancel() {
    let mut pair = Pair::new();
    let caller = pair.call();
    pair.run_for(Duration::from_millis(50));
    let called = pair.arrived().leg;
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.run_out();
    assert_eq!(pair.told(0), [] as [&SipEvent; 0]);
    assert_eq!(pair.told(1)[1..], [&ended(called, LegEnd::Cancelled)]);
    assert_eq!((pair.count(1, "200 CANCEL"), pair.count(1, "487 INVITE")), (1, 1));
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let mut pair = Pair::losing("100 INVITE", 1);
    let caller = pair.call();
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.run_for(Duration::from_millis(400));
    assert_eq!(pair.count(0, "CANCEL"), 0);
    pair.run_out();
    assert_eq!(pair.count(0, "CANCEL"), 1);
    assert_eq!(pair.told(0), [] as [&SipEvent; 0]);
    assert_eq!(pair.told(1).len(), 2);
}

#[test]
fn an_answer_that_crosses_a_cancel_is_acknowledged_and_ended() {
    let mut pair = Pair::new();
    let caller = pair.call();
    pair.run_for(Duration::from_millis(300));
    let called = pair.arrived().leg;
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.do_at(1, |end, now| end.answer(now, called, ANSWER));
    pair.run_out();
    assert_eq!(pair.told(0), [] as [&SipEvent; 0]);
    assert_eq!(
        pair.told(1)[1..],
        [&SipEvent::Acknowledged { leg: called, answer: None }, &ended(called, LegEnd::Bye)]
    );
    // The CANCEL came after the 2xx: it is answered and changes nothing.
    assert_eq!((pair.count(1, "200 CANCEL"), pair.count(1, "487 INVITE")), (1, 0));
}

#[test]
fn nobody_there_is_408_after_32_seconds() {
    let mut pair = Pair::losing("INVITE", 100);
    let caller = pair.call();
    pair.run_out();
    assert_eq!(
        pair.events[0],
        [(Time::from_millis(32_000), SipEvent::Failed { leg: caller, status: 408, cause: None })]
    );
    assert_eq!(pair.count(0, "INVITE"), 7);
}

#[test]
fn a_hang_up_while_nobody_is_there_ends_in_silence() {
    let mut pair = Pair::losing("INVITE", 100);
    let caller = pair.call();
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.run_out();
    assert_eq!(pair.told(0), [] as [&SipEvent; 0]);
}

#[test]
fn an_answer_without_ack_is_repeated_and_ended_after_32_seconds() {
    let mut pair = Pair::losing("ACK", 1000);
    let (caller, called) = pair.talk();
    let answered = pair.now;
    pair.run_out();
    let (at, end) = pair.events[1].last().unwrap();
    assert_eq!(end, &ended(called, LegEnd::NoAck));
    assert_eq!(at.since(answered).as_secs(), 31);
    // At 0, 0.5, 1.5, 3.5, 7.5 ... 31.5 s (section 13.3.1.4).
    assert_eq!(pair.count(1, "200 INVITE"), 11);
    assert_eq!(pair.count(1, "BYE"), 1);
    assert_eq!(pair.told(0).last(), Some(&&ended(caller, LegEnd::Bye)));
}

#[test]
fn a_bye_of_the_called_side_waits_for_the_ack() {
    let mut pair = Pair::losing("ACK", 2);
    let caller = pair.call();
    pair.run_for(Duration::from_millis(50));
    let called = pair.arrived().leg;
    pair.do_at(1, |end, now| end.answer(now, called, ANSWER));
    pair.do_at(1, |end, now| end.hang_up(now, called));
    pair.run_for(Duration::from_millis(1_400));
    assert_eq!(pair.count(1, "BYE"), 0);
    pair.run_out();
    assert_eq!(pair.count(1, "BYE"), 1);
    assert_eq!(pair.told(1).len(), 1);
    assert_eq!(pair.told(0).last(), Some(&&ended(caller, LegEnd::Bye)));
}

#[test]
fn a_peer_that_is_gone_does_not_keep_our_leg() {
    let mut pair = Pair::losing("BYE", 1000);
    let (caller, called) = pair.talk();
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.run_for(Duration::from_secs(40));
    assert_eq!(pair.ends[0].load().legs, 0);
    assert_eq!(pair.ends[1].load().legs, 1);
    pair.do_at(1, |end, now| end.hang_up(now, called));
    pair.run_out();
}

#[test]
fn a_peer_that_rings_for_ever_is_withdrawn() {
    let mut pair = Pair::new();
    let caller = pair.call();
    pair.run_for(Duration::from_millis(50));
    let called = pair.arrived().leg;
    pair.do_at(1, |end, now| end.provisional(now, called, 180, None));
    pair.run_out();
    assert_eq!(
        pair.told(0),
        [
            &SipEvent::Progress { leg: caller, status: 180, answer: None },
            &SipEvent::Failed { leg: caller, status: 408, cause: None }
        ]
    );
    assert_eq!(pair.told(1).last(), Some(&&ended(called, LegEnd::Cancelled)));
}

#[test]
fn a_cancel_that_nobody_follows_up_is_given_up_after_32_seconds() {
    let mut pair = Pair::with(Box::new(|kind, _| match kind {
        "487 INVITE" | "200 CANCEL" => Vec::new(),
        _ => vec![DELAY],
    }));
    let caller = pair.call();
    pair.run_for(Duration::from_millis(50));
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    pair.run_out();
    assert_eq!(pair.told(0), [] as [&SipEvent; 0]);
}

#[test]
fn a_call_over_a_listener_that_the_settings_lost_fails_at_once() {
    let mut pair = Pair::new();
    let mut gone = settings(0);
    gone.listeners.clear();
    pair.ends[0].reconfigure(gone);
    let leg = pair.call();
    pair.run_out();
    assert_eq!(pair.told(0), [&SipEvent::Failed { leg, status: 400, cause: None }]);
}

#[test]
fn a_caller_behind_a_translator_is_reached_where_its_requests_come_from_even_among_private_addresses()
 {
    for (contact, to) in [
        ("<sip:ann@192.168.1.5:5070>", ([10, 0, 0, 7], 40_000)),
        // What is reachable by itself is.
        ("<sip:ann@192.0.2.2:5070>", ([192, 0, 2, 2], 5_070)),
    ] {
        let mut desk = super::peer::Desk::new();
        desk.peer = SocketAddr::from(([10, 0, 0, 7], 40_000));
        let invite = desk.head("INVITE", "nat", 1);
        desk.send(&format!("{invite}\nContact: {contact}"));
        let leg = desk.events().into_iter().find_map(|event| match event {
            SipEvent::Invite(invite) => Some(invite.leg),
            _ => None,
        });
        let leg = leg.expect("rings");
        desk.end.answer(desk.now, leg, super::network::ANSWER);
        let tag = desk.got().last().map(super::peer::Got::to_tag).unwrap_or_default();
        let ack = desk.head_in("ACK", "nat", 1, &tag);
        desk.send(&ack);
        desk.end.hang_up(desk.now, leg);
        let bye = desk.got().pop().expect("hangs up");
        assert_eq!(bye.to, SocketAddr::from(to), "{contact}");
    }
}
