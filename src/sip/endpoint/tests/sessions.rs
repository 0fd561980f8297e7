//! Session timers (RFC 4028): who refreshes, how, and what happens if nobody does.

use super::super::*;
use super::network::{ANSWER, DELAY, OFFER, Pair};
use super::peer::{Desk, Got, LEG, bodied, methods, reply, ring, statuses};
use crate::sip::header::HeaderName;
use crate::sip::method::Method;

/// A call that came with these headers and is up; our leg, our tag, our 200.
fn talk(desk: &mut Desk, lines: &str) -> (LegId, String, Got) {
    let head = desk.head("INVITE", "a", 1) + "\nContact: <sip:ann@192.0.2.2>" + lines;
    desk.send_raw(bodied(&head, "application/sdp", OFFER));
    let leg = desk.events().into_iter().find_map(|event| match event {
        SipEvent::Invite(invite) => Some(invite.leg),
        _ => None,
    });
    let leg = leg.expect("no INVITE arrived");
    desk.end.answer(desk.now, leg, ANSWER);
    let ok = desk.got().pop().unwrap();
    let ack = desk.head_in("ACK", "a", 1, &ok.to_tag());
    desk.send(&ack);
    desk.events();
    (leg, ok.to_tag(), ok)
}

/// Lets time pass until we send something, or ten hours; what, and when.
fn next_sent(desk: &mut Desk) -> (u64, Vec<Got>) {
    let end = desk.now + Duration::from_secs(36_000);
    while let Some(due) = desk.end.poll_timeout().filter(|due| *due <= end) {
        desk.now = due;
        desk.end.handle_timeout(due);
        let got = desk.got();
        if !got.is_empty() {
            return (desk.now.as_micros() / 1_000_000, got);
        }
    }
    panic!("nothing is sent any more");
}

const TIMER: &str = "\nSupported: timer\nAllow: UPDATE";

#[test]
fn the_answer_says_who_refreshes_and_when() {
    for (lines, expires, require) in [
        ("", "1800;refresher=uas", ""),
        (TIMER, "1800;refresher=uas", "timer"),
        ("\nSession-Expires: 600\nSupported: timer", "600;refresher=uas", "timer"),
        ("\nSession-Expires: 600;refresher=uac\nSupported: timer", "600;refresher=uac", "timer"),
        ("\nSession-Expires: 600;refresher=uas\nRequire: timer", "600;refresher=uas", "timer"),
        ("\nx: 600;refresher=uac", "600;refresher=uas", ""),
        ("\nSession-Expires: 9000\nMin-SE: 3600\nSupported: timer", "3600;refresher=uas", "timer"),
        ("\nSession-Expires: nonsense\nSupported: timer", "1800;refresher=uas", "timer"),
    ] {
        let (_, _, ok) = talk(&mut Desk::new(), lines);
        assert_eq!(ok.text(HeaderName::SessionExpires), expires, "{lines}");
        assert_eq!(ok.text(HeaderName::Require), require, "{lines}");
    }
}

#[test]
fn a_session_that_is_too_short_is_422() {
    let mut desk = Desk::new();
    let short = desk.head("INVITE", "s", 1)
        + "\nContact: <sip:ann@192.0.2.2>\nSession-Expires: 60\nSupported: timer";
    let got = desk.send(&short);
    assert_eq!((got[0].status(), got[0].text(HeaderName::MinSe).as_str()), (422, "90"));
    assert_eq!(desk.end.counters().rejected["session_too_short"], 1);
    let (_, tag, _) = talk(&mut desk, "");
    let update = desk.head_in("UPDATE", "a", 2, &tag) + "\nSession-Expires: 60\nSupported: timer";
    assert_eq!(desk.statuses(&update), [422]);
}

#[test]
fn we_refresh_half_way_by_update_where_the_peer_knows_it_else_by_invite() {
    let mut desk = Desk::new();
    let (leg, ..) = talk(&mut desk, TIMER);
    let (at, got) = next_sent(&mut desk);
    assert_eq!((at, methods(&got)), (900, vec![Method::Update]));
    assert_eq!(got[0].text(HeaderName::SessionExpires), "1800;refresher=uac");
    assert!(got[0].message.body().is_empty());
    desk.send(&reply(&got[0], 200, "", "\nSession-Expires: 600;refresher=uac"));
    let (at, got) = next_sent(&mut desk);
    assert_eq!((at, methods(&got)), (1_200, vec![Method::Update]));
    // The peer takes it over: we wait, and end the call if nothing comes.
    desk.send(&reply(&got[0], 200, "", "\nSession-Expires: 300;refresher=uas"));
    let (at, got) = next_sent(&mut desk);
    assert_eq!((at, methods(&got)), (1_200 + 300 - 32, vec![Method::Bye]));
    assert_eq!(got[0].text(HeaderName::Reason), "SIP;cause=408;text=\"Request Timeout\"");
    let end = SipEvent::Ended { leg, end: LegEnd::SessionExpired, cause: None };
    assert_eq!(desk.events(), [end]);
    desk.run_out();

    let mut desk = Desk::new();
    talk(&mut desk, "");
    let (at, got) = next_sent(&mut desk);
    assert_eq!((at, methods(&got)), (900, vec![Method::Invite]));
    // The description that the peer has, byte for byte.
    assert_eq!(got[0].message.body(), ANSWER.as_bytes());
    let ok = bodied(&reply(&got[0], 200, "", ""), "application/sdp", OFFER);
    assert_eq!(methods(&desk.send_raw(ok)), [Method::Ack]);
    assert_eq!(desk.events(), [], "nothing has changed");
    let (at, got) = next_sent(&mut desk);
    assert_eq!((at, methods(&got)), (1_800, vec![Method::Invite]));
    let ok = bodied(&reply(&got[0], 200, "", ""), "application/sdp", "v=0\r\n");
    desk.send_raw(ok);
    assert!(matches!(desk.events()[..], [SipEvent::Changed { .. }]));
}

#[test]
fn a_peer_that_refreshes_keeps_its_call() {
    let mut desk = Desk::new();
    let lines = format!("{TIMER}\nSession-Expires: 600;refresher=uac");
    let (leg, tag, _) = talk(&mut desk, &lines);
    for seq in 2..5 {
        desk.now += Duration::from_secs(300);
        desk.end.handle_timeout(desk.now);
        let update = desk.head_in("UPDATE", "a", seq, &tag)
            + "\nSupported: timer\nSession-Expires: 600;refresher=uac";
        let got = desk.send(&update);
        assert_eq!(got[0].text(HeaderName::SessionExpires), "600;refresher=uac");
        assert_eq!(statuses(&got), [200]);
    }
    assert_eq!(desk.events(), []);
    let (at, got) = next_sent(&mut desk);
    assert_eq!((at, methods(&got)), (900 + 600 - 32, vec![Method::Bye]));
    assert!(matches!(desk.events()[..], [SipEvent::Ended { leg: ended, .. }] if ended == leg));
}

#[test]
fn a_refresh_that_fails_is_tried_again_and_a_lost_peer_is_hung_up() {
    // Refused for now: the session lives until its end.
    let mut desk = Desk::new();
    let (leg, ..) = talk(&mut desk, TIMER);
    let mut tries = 0;
    let (at, bye) = loop {
        let (at, got) = next_sent(&mut desk);
        if methods(&got) == [Method::Bye] {
            break (at, got);
        }
        tries += 1;
        desk.send(&reply(&got[0], 500, "", ""));
    };
    assert!(tries > 3);
    assert_eq!((at, bye.len()), (1_800 - 32, 1));
    let end = |end| SipEvent::Ended { leg, end, cause: None };
    assert_eq!(desk.events(), [end(LegEnd::SessionExpired)]);
    desk.run_out();

    for status in [481, 408] {
        let mut desk = Desk::new();
        let (leg, ..) = talk(&mut desk, TIMER);
        let (_, got) = next_sent(&mut desk);
        if status == 481 {
            let bye = desk.send(&reply(&got[0], 481, "", ""));
            assert_eq!(methods(&bye), [Method::Bye]);
        } else {
            desk.run_out();
        }
        assert_eq!(desk.events(), [SipEvent::Ended { leg, end: LegEnd::Lost, cause: None }]);
        desk.run_out();
    }

    // It says that it knows UPDATE, and does not.
    let mut desk = Desk::new();
    talk(&mut desk, TIMER);
    let (_, got) = next_sent(&mut desk);
    let invite = desk.send(&reply(&got[0], 405, "", ""));
    assert_eq!(methods(&invite), [Method::Invite]);
}

#[test]
fn our_own_calls_ask_for_a_timer_and_take_a_longer_one_if_they_must() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    assert_eq!(invite.text(HeaderName::SessionExpires), "1800");
    assert_eq!(invite.text(HeaderName::MinSe), "90");
    let got = desk.send(&reply(&invite, 422, "x", "\nMin-SE: 3600"));
    assert_eq!(methods(&got), [Method::Ack, Method::Invite]);
    assert_eq!(got[1].text(HeaderName::SessionExpires), "3600");
    assert_eq!(got[1].text(HeaderName::MinSe), "3600");
    // The same again is no reason to try again.
    let ack = desk.send(&reply(&got[1], 422, "x", "\nMin-SE: 3600"));
    assert_eq!(methods(&ack), [Method::Ack]);
    assert_eq!(desk.events(), [SipEvent::Failed { leg: LEG, status: 422, cause: None }]);
    desk.run_out();

    for (lines, at, sent) in [
        ("\nSession-Expires: 600;refresher=uac", 300, Method::Invite),
        ("\nSession-Expires: 600;refresher=uac\nAllow: UPDATE", 300, Method::Update),
        ("\nSession-Expires: 600;refresher=uas", 568, Method::Bye),
        // A peer that knows nothing of timers.
        ("", 900, Method::Invite),
    ] {
        let mut desk = Desk::new();
        let invite = ring(&mut desk);
        let ok = reply(&invite, 200, "one", &format!("\nContact: <sip:one@192.0.2.61>{lines}"));
        desk.send_raw(bodied(&ok, "application/sdp", OFFER));
        let (sent_at, got) = next_sent(&mut desk);
        assert_eq!((sent_at, methods(&got)), (at, vec![sent.clone()]), "{lines}");
        if sent == Method::Invite {
            assert_eq!(got[0].message.body(), ANSWER.as_bytes());
        }
    }
}

#[test]
fn two_of_us_keep_a_call_for_hours_and_lose_it_when_the_wire_is_cut() {
    let mut cut = false;
    let mut pair = Pair::with(Box::new(move |kind, nth| {
        cut |= kind == "UPDATE" && nth >= 4;
        if cut { Vec::new() } else { vec![DELAY] }
    }));
    pair.talk();
    pair.run_for(Duration::from_secs(3_700));
    // One side refreshes, each 15 minutes.
    assert_eq!((pair.count(0, "UPDATE"), pair.count(1, "200 UPDATE")), (0, 0));
    assert_eq!((pair.count(1, "UPDATE"), pair.count(0, "200 UPDATE")), (4, 4));
    assert!(pair.told(0).len() + pair.told(1).len() == 3, "nobody is told");
    pair.run_for(Duration::from_secs(3_600));
    let ended = |side: usize| match pair.told(side).last() {
        Some(SipEvent::Ended { end, .. }) => Some(*end),
        _ => None,
    };
    assert_eq!([ended(0), ended(1)], [Some(LegEnd::SessionExpired), Some(LegEnd::Lost)]);
    pair.run_out();
}
