//! Attackers at the endpoint: passwords, numbers, replays, floods, and answers to forged addresses.

use super::super::*;
use super::network::{ANSWER, LISTENER, settings};
use super::peer::{Desk, Got};
use super::registrations::{Phone, contact, with_accounts};
use crate::sip::digest::respond;
use crate::sip::guard::{GuardSettings, Notice, Offence};
use crate::sip::header::HeaderName;
use crate::sip::method::Method;

const ATTACKER: &str = "203.0.113.66:5060";

/// An endpoint with accounts and a watchful guard, and a peer that it does not know.
fn watched() -> Desk {
    let settings = EndpointSettings { guard: GuardSettings::default(), ..with_accounts() };
    let mut desk = Desk::with(settings, Limits::default());
    desk.peer = ATTACKER.parse().unwrap();
    desk
}

fn rejected(desk: &Desk, reason: Reason) -> u64 {
    desk.end.counters().rejected.get(reason.as_str()).copied().unwrap_or(0)
}

fn bans(desk: &mut Desk) -> Vec<Offence> {
    desk.events()
        .into_iter()
        .filter_map(|event| match event {
            SipEvent::Guard(Notice::Banned(_, ban)) => ban.offence,
            _ => None,
        })
        .collect()
}

#[test]
fn who_guesses_passwords_hears_nothing_after_twenty_guesses_until_the_ban_is_over() {
    let mut desk = watched();
    let mut thief = Phone::new("amy", "123456");
    assert_eq!(thief.register(&mut desk, &contact("")).status(), 403);
    for guess in 2..=20 {
        assert_eq!(thief.once(&mut desk, &contact("")).status(), 403, "{guess}");
    }
    assert_eq!(bans(&mut desk), [Offence::WrongCredentials]);
    let register = thief.head(&mut desk, &contact(""));
    assert!(desk.send(&register).is_empty());
    assert!(desk.send("OPTIONS sip:x@192.0.2.1 SIP/2.0").is_empty());
    assert_eq!(rejected(&desk, Reason::Banned), 2);
    // Amy's own phone is elsewhere, and is served.
    let elsewhere = std::mem::replace(&mut desk.peer, "198.51.100.9:5060".parse().unwrap());
    assert_eq!(Phone::new("amy", "secret").register(&mut desk, &contact("")).status(), 200);
    desk.peer = elsewhere;
    let over = Time::from_millis(300_000);
    while let Some(due) = desk.end.poll_timeout().filter(|due| *due <= over) {
        desk.now = due;
        desk.end.handle_timeout(due);
    }
    assert_eq!(desk.now, over);
    assert_eq!(thief.register(&mut desk, &contact("")).status(), 403);
}

#[test]
fn nobody_can_tell_a_user_who_does_not_exist_from_a_wrong_password() {
    let answers = |user: &'static str| {
        let mut desk = watched();
        let mut phone = Phone::new(user, "wrong");
        let first = phone.once(&mut desk, &contact(""));
        let second = phone.register(&mut desk, &contact(""));
        let plain = |got: &Got| {
            let text = String::from_utf8_lossy(got.message.bytes()).into_owned();
            let secretive = |line: &&str| !line.starts_with("WWW-Auth") && !line.starts_with("Via");
            text.replace(user, "USER").lines().filter(secretive).collect::<Vec<_>>().join("\n")
        };
        let tag = |got: &Got| got.to_tag();
        let same = |got: &Got| plain(got).replace(&tag(got), "TAG");
        (first.status(), same(&first), second.status(), same(&second), desk.end.load())
    };
    assert_eq!(answers("amy"), answers("zoe"));
}

#[test]
fn a_captured_register_is_worth_nothing_from_anywhere() {
    let mut desk = watched();
    let mut phone = Phone::new("amy", "secret");
    assert_eq!(phone.register(&mut desk, &contact("")).status(), 200);
    let captured = phone.head(&mut desk, "\nContact: <sip:thief@203.0.113.66>");
    assert_eq!(desk.statuses(&captured), [200]);
    desk.events();
    let bindings = desk.end.bindings("amy").len();
    // Once the transaction is over that absorbs repetitions.
    desk.now += Duration::from_secs(40);
    desk.end.handle_timeout(desk.now);
    let replayed = captured.replace("branch=z9hG4bK-peer", "branch=z9hG4bK-again");
    for text in [&captured, &replayed] {
        for from in [ATTACKER, "203.0.113.67:5060"] {
            desk.peer = from.parse().unwrap();
            let got = desk.send(text).pop().unwrap();
            assert_eq!(got.status(), 401, "{from}");
            assert!(got.text(HeaderName::WwwAuthenticate).contains("stale=true"));
        }
    }
    assert_eq!(desk.events(), []);
    assert_eq!(desk.end.bindings("amy").len(), bindings);
}

/// An INVITE of Amy's with an answer to a challenge that she got.
fn amys_invite(desk: &mut Desk, call_id: &str, count: u32) -> String {
    let mut phone = Phone::new("amy", "secret");
    phone.register(desk, "");
    let challenge = phone.challenge.take().unwrap();
    let uri = "sip:01708434343@192.0.2.1";
    let credentials = respond(&challenge, "amy", "secret", &Method::Invite, uri, count, "c");
    let invite = desk.head("INVITE", call_id, 1);
    format!("{invite}\nContact: <sip:amy@192.0.2.2>\nAuthorization: {}", credentials.unwrap())
}

fn authentication(desk: &mut Desk) -> Option<Authentication> {
    desk.events().into_iter().find_map(|event| match event {
        SipEvent::Invite(invite) => {
            desk.end.reject(desk.now, invite.leg, 404, None);
            desk.got();
            Some(invite.authentication)
        }
        _ => None,
    })
}

#[test]
fn a_captured_invite_makes_nobody_amy() {
    let mut desk = watched();
    let captured = amys_invite(&mut desk, "a", 7);
    desk.events();
    desk.send(&captured);
    assert_eq!(authentication(&mut desk), Some(Authentication::User("amy".to_owned())));
    desk.now += Duration::from_secs(40);
    desk.end.handle_timeout(desk.now);
    for altered in [
        captured.clone(),
        captured.replace("Call-ID: a", "Call-ID: b"),
        captured.replace("z9hG4bK-peer", "z9hG4bK-again"),
    ] {
        desk.send(&altered);
        assert_eq!(authentication(&mut desk), Some(Authentication::None));
    }
    // For another number the proof does not hold at all.
    let other = captured.replacen("sip:01708434343@", "sip:0044900000000@", 1);
    assert_eq!(desk.statuses(&other), [400]);
    assert_eq!(authentication(&mut desk), None);
}

#[test]
fn a_scanner_gets_no_answer_and_is_banned_at_its_second_message() {
    let mut desk = watched();
    for agent in ["friendly-scanner", "SIPVicious/0.3"] {
        let options = desk.head("OPTIONS", agent, 1) + "\nUser-Agent: " + agent;
        assert!(desk.send(&options).is_empty(), "{agent}");
    }
    assert_eq!(bans(&mut desk), [Offence::Scanner]);
    assert_eq!(rejected(&desk, Reason::Scanner), 2);
    let polite = desk.head("OPTIONS", "c", 1);
    assert!(desk.send(&polite).is_empty());
    // Who tests a system of their own from an address that they allow is answered.
    let mut desk = Desk::new();
    let options = desk.head("OPTIONS", "a", 1) + "\nUser-Agent: sipvicious";
    assert_eq!(desk.statuses(&options), [200]);
}

#[test]
fn what_is_sent_in_a_phones_name_does_not_ban_the_phone() {
    let mut desk = watched();
    let mut phone = Phone::new("amy", "secret");
    assert_eq!(phone.register(&mut desk, &contact("")).status(), 200);
    desk.events();
    for nth in 0..2_000 {
        desk.send_raw("HELLO\r\n\r\n");
        let unknown = desk.head("FROBNICATE", &format!("{nth}"), 1);
        desk.send(&unknown);
        desk.now += Duration::from_millis(1);
    }
    assert_eq!(bans(&mut desk), []);
    assert_eq!(phone.once(&mut desk, &contact("")).status(), 200);
    // A restart does not forget who is at home where.
    let mut after = watched();
    for binding in desk.end.bindings("amy").to_vec() {
        after.end.restore_binding(after.now, "amy", binding);
    }
    for _ in 0..100 {
        after.send_raw("HELLO\r\n\r\n");
    }
    assert_eq!(bans(&mut after), []);
}

fn ring_from(desk: &mut Desk, call_id: &str) -> Option<LegId> {
    let invite = desk.head("INVITE", call_id, 1) + "\nContact: <sip:ann@192.0.2.2>";
    desk.send(&invite);
    desk.events().into_iter().find_map(|event| match event {
        SipEvent::Invite(invite) => Some(invite.leg),
        _ => None,
    })
}

#[test]
fn calls_of_strangers_are_few_until_one_is_acknowledged() {
    let mut desk = watched();
    let legs: Vec<_> = (0..12).filter_map(|n| ring_from(&mut desk, &format!("c{n}"))).collect();
    assert_eq!((legs.len(), desk.end.guard().unproven()), (10, 10));
    assert_eq!(rejected(&desk, Reason::UnprovenCalls), 2);
    // Strangers elsewhere are served.
    desk.peer = "203.0.113.67:5060".parse().unwrap();
    let other = ring_from(&mut desk, "elsewhere").expect("rings");
    desk.end.reject(desk.now, other, 404, None);
    assert_eq!(desk.end.guard().unproven(), 10);
    desk.peer = ATTACKER.parse().unwrap();
    desk.end.answer(desk.now, legs[0], ANSWER);
    let tag = desk.got().pop().unwrap().to_tag();
    let ack = desk.head_in("ACK", "c0", 1, &tag);
    desk.send(&ack);
    assert_eq!(desk.end.guard().unproven(), 9);
    for n in 20..40 {
        ring_from(&mut desk, &format!("c{n}")).expect("a known caller may ring");
    }
    // An ACK from elsewhere proves where the INVITE came from, and nothing of where it came from.
    desk.peer = "203.0.113.70:5060".parse().unwrap();
    let leg = ring_from(&mut desk, "d").expect("rings");
    desk.end.answer(desk.now, leg, ANSWER);
    let tag = desk.got().pop().unwrap().to_tag();
    desk.peer = "203.0.113.99:5060".parse().unwrap();
    let ack = desk.head_in("ACK", "d", 1, &tag);
    desk.send(&ack);
    let strangers = (0..12).filter_map(|n| ring_from(&mut desk, &format!("e{n}"))).count();
    assert_eq!(strangers, 10);
    for leg in desk.end.legs.keys().copied().collect::<Vec<_>>() {
        desk.end.hang_up(desk.now, leg);
    }
    desk.run_out();
    assert_eq!(desk.end.guard().unproven(), 0);
}

#[test]
fn a_stranger_who_cancels_gets_487_once_and_again_only_with_the_invite() {
    let mut desk = watched();
    let invite = desk.head("INVITE", "a", 1) + "\nContact: <sip:ann@192.0.2.2>";
    desk.send(&invite);
    let Some(SipEvent::Invite(IncomingInvite { leg, .. })) = desk.events().pop() else { panic!() };
    desk.end.provisional(desk.now, leg, 180, None);
    desk.got();
    let cancel = invite.replacen("INVITE", "CANCEL", 1).replace("1 INVITE", "1 CANCEL");
    assert_eq!(desk.statuses(&cancel), [200, 487]);
    desk.now += Duration::from_secs(1);
    assert_eq!(desk.statuses(&invite), [487]);
    assert!(desk.run_out().is_empty(), "nothing is sent by itself");
}

/// Everything that goes out within ten minutes for these datagrams from a stranger, to whom an
/// answered call is given if it rings.
fn given(messages: &[String], answers: bool) -> (usize, usize) {
    let mut desk = watched();
    let (mut sent, mut got) = (0, 0);
    for text in messages {
        let lines = text.lines().map(str::trim_start).collect::<Vec<_>>().join("\r\n");
        let bytes = format!("{lines}\r\n\r\n");
        sent += bytes.len();
        desk.end.handle_datagram(desk.now, LISTENER, desk.peer, bytes.into());
        for event in desk.events() {
            if let SipEvent::Invite(invite) = event {
                match answers {
                    false => desk.end.reject(desk.now, invite.leg, 404, None),
                    true => {
                        desk.end.provisional(desk.now, invite.leg, 180, None);
                        desk.end.answer(desk.now, invite.leg, ANSWER);
                    }
                }
            }
        }
        got += desk.got().iter().map(|got| got.message.bytes().len()).sum::<usize>();
    }
    got += desk.run_out().iter().map(|got| got.message.bytes().len()).sum::<usize>();
    (sent, got)
}

/// What goes out for one datagram of a stranger is at most so many bytes more than came in ...
const ALLOWANCE: usize = 380;
/// ... and at most so many times as much.
const FACTOR: usize = 5;

#[test]
fn no_answer_to_a_stranger_is_much_larger_than_what_it_answers() {
    // The shortest that is taken at all.
    let shortest = |method: &str, more: &str| {
        format!(
            "{method} sip:a SIP/2.0\nv: SIP/2.0/UDP a;branch=z9hG4bKa\nf: sip:a;tag=a\nt: sip:a\n\
             i: a\nCSeq: 1 {method}{more}"
        )
    };
    let mut desk = watched();
    let tagged = shortest("BYE", "").replace("t: sip:a", "t: sip:a;tag=b");
    let mut kinds = vec![
        ("garbage", "x".repeat(40)),
        ("a keep-alive", String::new()),
        ("REGISTER", shortest("REGISTER", "")),
        ("REGISTER for somebody", desk.head("REGISTER", "r", 1)),
        ("OPTIONS", shortest("OPTIONS", "")),
        ("an unknown method", shortest("X", "")),
        ("MESSAGE", shortest("MESSAGE", "")),
        ("SUBSCRIBE", shortest("SUBSCRIBE", "")),
        ("BYE", shortest("BYE", "")),
        ("BYE in a dialog", tagged.clone()),
        ("CANCEL", shortest("CANCEL", "")),
        ("REFER", shortest("REFER", "")),
        ("PRACK in a dialog", tagged.replace("BYE", "PRACK")),
        ("an INVITE without Contact", shortest("INVITE", "")),
        ("an INVITE to an unknown number", shortest("INVITE", "\nm: sip:a")),
        ("hops", shortest("OPTIONS", "\nMax-Forwards: x")),
        ("no hops", shortest("INVITE", "\nMax-Forwards: 0")),
        ("an extension", shortest("INVITE", "\nm: sip:a\nRequire: x")),
        ("no SDP", shortest("INVITE", "\nm: sip:a\nAccept: x/y")),
        ("a body", shortest("INVITE", "\nm: sip:a\nl: 1\n\nx")),
        ("a scheme", shortest("OPTIONS", "").replacen("sip:a", "x:a", 1)),
        ("a version", shortest("OPTIONS", "").replacen("SIP/2.0", "SIP/3.0", 1)),
        ("no From", shortest("OPTIONS", "").replace("f: sip:a;tag=a\n", "")),
        ("a broken Via", shortest("OPTIONS", "").replace("UDP a", "UDP ;")),
        ("a length", shortest("OPTIONS", "\nl: 9999")),
        ("a stray ACK", shortest("ACK", "")),
        ("a response", "SIP/2.0 200 OK\nv: SIP/2.0/UDP a;branch=z9hG4bKa\nf: a".to_owned()),
    ];
    let digest =
        "Digest username=\"a\",realm=\"switchboard\",nonce=\"0\",uri=\"sip:a\",response=\"0\"";
    kinds.push(("forged credentials", shortest("REGISTER", &format!("\nAuthorization: {digest}"))));
    let mut worst = (0, 0);
    for (kind, text) in &kinds {
        let (sent, got) = given(std::slice::from_ref(text), false);
        assert!(got <= sent + ALLOWANCE && got <= sent * FACTOR, "{kind}: {got} for {sent}");
        worst = worst.max((got * 100 / sent.max(1), sent));
    }
    assert!(worst.0 > 100, "measured nothing: {worst:?}");
    // All of it again and again is answered again and again, and not by itself.
    let many: Vec<_> = kinds.iter().map(|(_, text)| text.clone()).collect();
    let (sent, got) = given(&many, false);
    assert!(got <= sent * FACTOR, "{got} for {sent}");
}

#[test]
fn a_call_that_is_answered_to_a_forged_address_costs_its_owner_a_bounded_number_of_bytes() {
    // RFC 3261 section 13.3.1.4 repeats the answer until its ACK comes or 32 s are over: this cannot
    // be avoided for a number that anybody may dial. It is bounded for each address.
    let invite = |n: usize| {
        format!(
            "INVITE sip:a SIP/2.0\nv: SIP/2.0/UDP a;branch=z9hG4bK{n}\nf: sip:a;tag=a\nt: sip:a\n\
             i: {n}\nCSeq: 1 INVITE\nm: sip:a"
        )
    };
    let (_, one) = given(&[invite(0)], true);
    assert!(one < 12_000, "{one} bytes for a call");
    let many: Vec<_> = (0..150).map(invite).collect();
    let (_, all) = given(&many, true);
    let most = 10 * one + 140 * 600;
    assert!(all <= most, "{all} bytes in 32 seconds, {most} at the most");
    assert_eq!(settings(0).guard.unproven_calls.per_source, 10);
}
