//! What is refused, and with which status.

use super::super::*;
use super::network::{ANSWER, LISTENER, settings};
use super::peer::{Desk, bodied};
use crate::sip::header::HeaderName;

#[test]
fn options_are_answered_with_what_we_can() {
    let mut desk = Desk::new();
    let options = desk.head("OPTIONS", "o", 1);
    let got = desk.send(&options);
    assert_eq!(got[0].status(), 200);
    assert!(got[0].text(HeaderName::Allow).contains("INVITE"));
    assert_eq!(got[0].text(HeaderName::Accept), "application/sdp, multipart/mixed");
    assert!(got[0].message.header(HeaderName::Supported).is_some());
    // A repetition gets the same bytes.
    let again = desk.send(&options);
    assert_eq!(again[0].message.bytes(), got[0].message.bytes());
    assert_eq!(desk.end.load().transactions, 0);
    desk.run_out();
}

#[test]
fn every_refusal_has_its_status_and_its_headers() {
    let mut desk = Desk::new();
    let unknown = desk.head("FROBNICATE", "a", 1);
    assert_eq!(desk.statuses(&unknown), [501]);
    let message = desk.head("MESSAGE", "b", 1);
    let got = desk.send(&message);
    assert_eq!(got[0].status(), 405);
    assert!(got[0].text(HeaderName::Allow).contains("BYE"));
    let scheme = desk.head("OPTIONS", "c", 1).replacen("sip:01708434343", "soap.beep:x", 1);
    assert_eq!(desk.statuses(&scheme), [416]);
    let hops = desk.head("INVITE", "d", 1).replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(desk.statuses(&hops), [483]);
    // A question at its last hop is for us (RFC 4475 section 3.3.11).
    let hops = desk.head("OPTIONS", "e", 1).replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(desk.statuses(&hops), [200]);
    let require = desk.head("INVITE", "f", 1) + "\nRequire: 100rel, foo\nRequire: bar";
    let got = desk.send(&require);
    assert_eq!((got[0].status(), got[0].text(HeaderName::Unsupported).as_str()), (420, "foo, bar"));
    let contactless = desk.head("INVITE", "g", 1);
    let got = desk.send(&contactless);
    assert_eq!((got[0].status(), got[0].message.reason().as_str()), (400, "Missing Contact"));
    for method in ["BYE", "UPDATE", "INFO"] {
        let stray = desk.head(method, "h", 1);
        assert_eq!(desk.statuses(&stray), [481], "{method}");
        let stray = desk.head_in(method, "h", 2, "nobody");
        assert_eq!(desk.statuses(&stray), [481], "{method}");
    }
    let cancel = desk.head("CANCEL", "i", 1);
    assert_eq!(desk.statuses(&cancel), [481]);
    let version = desk.head("OPTIONS", "j", 1).replacen("SIP/2.0", "SIP/7.0", 1);
    assert_eq!(desk.statuses(&version), [505]);
    let cseq = desk.head("OPTIONS", "k", 1).replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE");
    assert_eq!(desk.statuses(&cseq), [400]);
    // All of them were answered without keeping anything.
    assert_eq!(desk.end.load().transactions, 0);
    assert_eq!(desk.end.counters().rejected.values().sum::<u64>(), 15);
    assert_eq!(desk.events(), []);
    desk.run_out();
}

#[test]
fn bodies_that_we_do_not_read_are_415_unless_they_are_optional() {
    let mut desk = Desk::new();
    let mut body = |more: &str| {
        let head = desk.head("INVITE", &format!("m{}", more.len()), 1);
        let lines = format!("{head}\nContact: <sip:ann@192.0.2.2>\n{more}");
        let text = lines.lines().map(str::trim_start).collect::<Vec<_>>().join("\r\n");
        let got = desk.send_raw(format!("{text}\r\nContent-Length: 1\r\n\r\nx"));
        let taken = desk.events().len();
        let answer = got.first().map(|got| (got.status(), got.text(HeaderName::Accept)));
        (taken, answer)
    };
    let refused = (0, Some((415, "application/sdp, multipart/mixed".to_owned())));
    assert_eq!(body("Content-Type: multipart/mixed;boundary=x"), refused);
    assert_eq!(body("Content-Type: text/plain"), refused);
    assert_eq!(body("Content-Type: application/sdp\nContent-Encoding: gzip"), refused);
    let optional = "Content-Type: text/plain\nContent-Disposition: icon ;handling=optional";
    assert_eq!(body(optional), (1, None));
    assert_eq!(body("Content-Type: APPLICATION/SDP ;x=y"), (1, None));
}

#[test]
fn the_offer_is_taken_out_of_a_body_with_several_parts() {
    let mut desk = Desk::new();
    let head = desk.head("INVITE", "a", 1) + "\nContact: <sip:ann@192.0.2.2>";
    let body = "--b\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n\
                --b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b--\r\n";
    desk.send_raw(bodied(&head, "multipart/mixed;boundary=\"b\"", body));
    let offers: Vec<_> = desk
        .events()
        .into_iter()
        .map(|event| match event {
            SipEvent::Invite(invite) => invite.offer,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(offers, [Some(Bytes::from("v=0\r\n"))]);
}

#[test]
fn an_invite_that_came_by_two_ways_is_merged() {
    let mut desk = Desk::new();
    desk.ring("a");
    let twin = desk.head("INVITE", "a", 1) + "\nContact: <sip:ann@192.0.2.2>";
    assert_eq!(desk.statuses(&twin), [482]);
    assert_eq!(desk.events(), []);
}

#[test]
fn an_ack_is_never_answered_and_the_ack_of_a_refusal_is_no_stray() {
    let mut desk = Desk::new();
    let invite = desk.head("INVITE", "a", 1);
    let got = desk.send(&invite);
    assert_eq!(got[0].status(), 400);
    let ack = invite
        .replacen("INVITE", "ACK", 1)
        .replace("1 INVITE", "1 ACK")
        .replace("sip:01708434343@192.0.2.1>", &format!("sip:x@y>;tag={}", got[0].to_tag()));
    assert!(desk.statuses(&ack).is_empty());
    assert_eq!(desk.end.counters().rejected.get("stray_ack"), None);
    let stray = desk.head_in("ACK", "a", 1, "other");
    assert!(desk.statuses(&stray).is_empty());
    assert_eq!(desk.end.counters().rejected.get("stray_ack"), Some(&1));
    assert!(desk.statuses("ACK sip:x@y SIP/2.0\nVia: SIP/2.0/UDP a;branch=z9hG4bKx").is_empty());
}

#[test]
fn garbage_is_dropped_and_counted_and_keep_alives_are_not() {
    let mut desk = Desk::new();
    for bytes in [&b"\r\n\r\n"[..], b"", b"\0\0\0", b"hello\r\n\r\n", b"INVITE\r\n\r\n"] {
        assert!(desk.send_raw(bytes).is_empty());
    }
    assert_eq!(desk.end.counters().rejected.values().sum::<u64>(), 3);
    desk.end.handle_datagram(Time::ZERO, ListenerId(3), desk.peer, Bytes::from_static(b"x"));
    assert_eq!(desk.end.counters().rejected.get("unknown_listener"), Some(&1));
}

#[test]
fn responses_go_to_the_source_or_where_the_via_says() {
    let mut desk = Desk::new();
    desk.peer = "192.0.2.2:40000".parse().unwrap();
    let rport = desk.head("OPTIONS", "a", 1);
    let got = desk.send(&rport);
    assert_eq!(got[0].to, desk.peer);
    let via = got[0].message.via().unwrap();
    assert_eq!(via.received(), Some(desk.peer.ip()));
    assert_eq!(via.params.get("rport"), Some("40000"));
    // A gateway that sends from one port and listens on another (section 18.2.2).
    let plain = desk.head("OPTIONS", "b", 1).replace(";rport", "");
    assert_eq!(desk.send(&plain)[0].to.to_string(), "192.0.2.2:5060");
    // A phone behind an address translator that does not know of rport.
    desk.peer = "198.51.100.7:40000".parse().unwrap();
    let hidden = desk.head("OPTIONS", "c", 1).replace(";rport", "");
    assert_eq!(desk.send(&hidden)[0].to, desk.peer);
}

#[test]
fn limits_are_answered_with_503_and_retry_after() {
    let limits = Limits { legs: 1, transactions: 2, ..Limits::default() };
    let mut desk = Desk::with(settings(1), limits);
    desk.ring("a");
    let second = desk.head("INVITE", "b", 1) + "\nContact: <sip:ann@192.0.2.2>";
    let got = desk.send(&second);
    assert_eq!((got[0].status(), got[0].text(HeaderName::RetryAfter).as_str()), (503, "5"));
    let cancel = desk.head("CANCEL", "a", 1).replace("-peer-3;", "-peer-1;");
    assert_eq!(desk.statuses(&cancel), [200, 487]);
    desk.events();
    let options = desk.head("OPTIONS", "d", 1);
    assert_eq!(desk.statuses(&options), [503]);
    assert_eq!((desk.end.load().transactions, desk.end.load().legs), (2, 0));
    let rejected = &desk.end.counters().rejected;
    assert_eq!((rejected["leg_limit"], rejected["transaction_limit"]), (1, 1));
    desk.end.invite(
        Time::ZERO,
        OutgoingInvite {
            leg: LegId(5),
            listener: LISTENER,
            uri: "sip:a@192.0.2.2".to_owned(),
            to: desk.peer,
            from_display: String::new(),
            from_user: "x".to_owned(),
            offer: ANSWER.to_owned(),
            extras: Box::default(),
        },
    );
    assert_eq!(desk.events(), [SipEvent::Failed { leg: LegId(5), status: 503, cause: None }]);
}

#[test]
fn a_call_that_is_up_can_end_where_no_new_one_is_taken() {
    let limits = Limits { transactions: 4, ..Limits::default() };
    let mut desk = Desk::with(settings(1), limits);
    let (leg, tag) = desk.talk("up");
    for call_id in ["b", "c", "d"] {
        desk.ring(call_id);
    }
    desk.events();
    let fifth = desk.head("INVITE", "e", 1) + "\nContact: <sip:ann@192.0.2.2>";
    assert_eq!(desk.statuses(&fifth), [503]);
    let bye = desk.head_in("BYE", "up", 2, &tag);
    assert_eq!(desk.statuses(&bye), [200]);
    assert!(matches!(desk.events()[..], [SipEvent::Ended { leg: ended, .. }] if ended == leg));
    // What is kept for that is bounded, too.
    let again = desk.head_in("BYE", "up", 3, &tag);
    assert_eq!(desk.statuses(&again), [503]);
}

#[test]
fn our_user_cannot_break_the_order_of_things() {
    let mut desk = Desk::new();
    let (leg, _) = desk.talk("a");
    let gone = LegId(4711);
    for leg in [leg, gone] {
        desk.end.provisional(desk.now, leg, 180, None);
        desk.end.answer(desk.now, leg, ANSWER);
        desk.end.reject(desk.now, leg, 486, None);
        desk.end.challenge(desk.now, leg);
        desk.end.accept_change(desk.now, leg, ANSWER);
        desk.end.reject_change(desk.now, leg, 488);
    }
    desk.end.hang_up(desk.now, gone);
    assert!(desk.got().is_empty());
    let ringing = desk.ring("b");
    desk.end.provisional(desk.now, ringing, 200, None);
    desk.end.reject(desk.now, ringing, 200, Some(Duration::from_millis(1_500)));
    let got = desk.got();
    assert_eq!(got.iter().map(|got| got.status()).collect::<Vec<_>>(), [500]);
    assert_eq!(got[0].text(HeaderName::RetryAfter), "2");
}

#[test]
fn a_withheld_caller_is_withheld_however_it_is_said() {
    let mut desk = Desk::new();
    let mut caller = |call_id: &str, more: &str, from: &str| {
        let head = desk.head("INVITE", call_id, 1);
        let head = head.replace("\"Ann\" <sip:07700900123@192.0.2.2>", from);
        desk.send(&format!("{head}\nContact: <sip:ann@192.0.2.2>{more}"));
        match desk.events().pop() {
            Some(SipEvent::Invite(invite)) => (invite.caller, invite.from_user),
            other => panic!("{other:?}"),
        }
    };
    let open = caller("a", "", "\"Ann\" <sip:07700900123@192.0.2.2>").0;
    assert_eq!((open.number.as_deref(), open.withheld), (Some("07700900123"), false));
    let (asked, user) = caller("b", "\nPrivacy: id", "\"Ann\" <sip:07700900123@192.0.2.2>");
    assert!(asked.withheld && asked.number.is_none() && asked.name.is_none());
    assert_eq!(user, "07700900123");
    assert!(caller("c", "", "Anonymous <sip:anonymous@192.0.2.2>").0.withheld);
    assert!(caller("d", "", "<sip:07700900123@Anonymous.Invalid>").0.withheld);
    let nameless = caller("e", "", "<sip:192.0.2.2>").0;
    assert_eq!(nameless, crate::event::Caller::default());
    // What is shown on a phone must fit one datagram with all else.
    let long = format!("\"{}\" <sip:{}@192.0.2.2>", "Ö".repeat(3_000), "9".repeat(3_000));
    let long = caller("f", "", &long).0;
    assert_eq!(long.name.map(|name| name.chars().count()), Some(64));
    assert_eq!(long.number.map(|number| number.len()), Some(64));
}

#[test]
fn a_call_of_ours_that_comes_back_for_the_same_number_is_a_loop_and_for_another_is_not() {
    let mut desk = Desk::new();
    let invite = super::peer::ring(&mut desk);
    let own = invite.text(HeaderName::Via);
    // As a proxy would send it on: with its own Via above ours.
    let mut back = |call_id: &str, user: &str, via: &str, hops: u8| {
        let head = desk
            .head("INVITE", call_id, 1)
            .replace("INVITE sip:01708434343", &format!("INVITE sip:{user}"))
            .replace("Max-Forwards: 70", &format!("Via: {via}\nMax-Forwards: {hops}"));
        let got = desk.send(&format!("{head}\nContact: <sip:ann@192.0.2.2>"));
        let hops_left = desk.events().into_iter().find_map(|event| match event {
            SipEvent::Invite(invite) => Some(invite.hops_left),
            _ => None,
        });
        (got.first().map(|got| got.status()), hops_left)
    };
    assert_eq!(back("a", "amy", &own, 60), (Some(482), None));
    assert_eq!(back("b", "01708434343", &own, 60), (None, Some(59)));
    // Not ours: another host, or a branch that we never made.
    let foreign = own.replace("192.0.2.1", "192.0.2.9");
    assert_eq!(back("c", "amy", &foreign, 255), (None, Some(69)));
    let forged = own.replace("z9hG4bK", "z9hG4bKf");
    assert_eq!(back("d", "amy", &forged, 1), (None, Some(0)));
    assert_eq!(desk.end.counters().rejected["loop"], 1);
    let mut next = super::peer::outgoing(&desk);
    next.leg = LegId(6);
    next.extras.hops_left = Some(59);
    desk.end.invite(desk.now, next);
    assert_eq!(desk.got().pop().unwrap().message.max_forwards(), Ok(Some(59)));
}
