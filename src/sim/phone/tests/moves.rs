//! What a phone does while a call is up: hold, transfer, being replaced.

use rsip::Uri;

use super::super::super::ear::Expect;
use super::super::message::Outline;
use super::super::*;
use super::{never, pair};

/// Two phones that talk.
fn talking() -> super::Pair {
    let mut pair = pair(never, |_, _| {});
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    pair.phones[1].answer(pair.now);
    pair.run(1_000);
    pair
}

/// Everything that a phone has sent since.
fn requests(phone: &mut Phone) -> Vec<rsip::Request> {
    let mut found = Vec::new();
    while let Some(out) = phone.poll_transmit() {
        if out.line == Line::Signalling
            && let Some((SipMessage::Request(request), _)) = message::read(&out.bytes)
        {
            found.push(request);
        }
    }
    found
}

fn other<'a>(request: &'a rsip::Request, wanted: &str) -> &'a str {
    let found = request.headers().iter().find_map(|header| match header {
        Header::Other(name, value) if name == wanted => Some(value.as_str()),
        _ => None,
    });
    found.unwrap_or_default()
}

#[test]
fn a_phone_holds_the_line_and_comes_back() {
    let mut pair = talking();
    pair.phones[1].hold(pair.now);
    pair.run(500);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Held));
    pair.run(1_000);
    assert!(!pair.phones[0].voice().ear().hears(pair.now, &Expect::Tone(620)));
    pair.phones[1].resume(pair.now);
    pair.run(1_000);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Resumed));
    assert!(pair.phones[0].voice().ear().hears(pair.now, &Expect::Tone(620)));
    assert!(pair.phones[1].voice().ear().hears(pair.now, &Expect::Tone(440)));
    pair.phones[0].hang_up(pair.now);
    pair.at_rest();
}

#[test]
fn two_holds_that_meet_are_tried_again() {
    let mut pair = talking();
    pair.phones[0].hold(pair.now);
    pair.phones[1].hold(pair.now);
    pair.run(5_000);
    for events in &pair.events {
        assert_eq!(events.last(), Some(&PhoneEvent::Held), "{events:?}");
    }
    pair.phones[0].hang_up(pair.now);
    pair.at_rest();
}

#[test]
fn a_blind_transfer_is_a_refer_and_its_end_is_a_bye() {
    let mut pair = talking();
    let at = pair.phones[1].settings().signalling;
    pair.phones[1].transfer(pair.now, "ben");
    let refer = requests(&mut pair.phones[1]).pop().expect("a REFER");
    assert_eq!(
        (refer.method, other(&refer, "Refer-To")),
        (Method::Refer, "<sip:ben@127.0.0.1:5071>")
    );
    assert_eq!(other(&refer, "Referred-By"), "<sip:amy@127.0.0.1>");
    let server = at;
    let accepted = message::respond(&refer, 202, "x", Vec::new(), String::new());
    pair.phones[1].handle_datagram(pair.now, Line::Signalling, server, &accepted);
    assert_eq!(pair.phones[1].poll_event(), Some(PhoneEvent::TransferAccepted));
    let leg = pair.phones[0].legs.first().expect("a leg");
    let (call_id, from, to) = (leg.call_id.clone(), leg.local.clone(), leg.remote.clone());
    let to = format!("{to};tag={}", leg.remote_tag.clone().expect("a tag"));
    let notify = |seq: u32, status: &str, pair: &mut super::Pair| {
        let outline = Outline {
            method: Method::Notify,
            uri: Uri::try_from(format!("sip:amy@{server}")).expect("a URI"),
            via: server,
            branch: format!("z9hG4bK{seq}"),
            from: from.clone(),
            to: to.clone(),
            call_id: call_id.clone(),
            seq,
            extra: Vec::new(),
            body: format!("SIP/2.0 {status}\r\n"),
        };
        let bytes = outline.build();
        pair.phones[1].handle_datagram(pair.now, Line::Signalling, server, &bytes);
        let events = std::iter::from_fn(|| pair.phones[1].poll_event()).collect::<Vec<_>>();
        (events, requests(&mut pair.phones[1]).iter().map(|one| one.method).collect::<Vec<_>>())
    };
    let (events, sent) = notify(11, "180 Ringing", &mut pair);
    assert_eq!((events, sent), (vec![PhoneEvent::TransferProgress(180)], vec![]));
    let (events, sent) = notify(12, "200 OK", &mut pair);
    let ended = PhoneEvent::Ended { by_peer: false };
    assert_eq!((events, sent), (vec![PhoneEvent::TransferProgress(200), ended], vec![Method::Bye]));
}

#[test]
fn a_new_call_can_take_the_place_of_one_that_is_up() {
    let mut pair = talking();
    pair.phones[1].hold(pair.now);
    pair.run(500);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Held));
    let leg = pair.phones[0].legs.first().expect("a leg");
    let replaces = format!(
        "{};to-tag={};from-tag={}",
        leg.call_id,
        leg.local_tag,
        leg.remote_tag.clone().expect("a tag")
    );
    let server = pair.phones[1].settings().signalling;
    let invite = Outline {
        method: Method::Invite,
        uri: Uri::try_from("sip:01632960001@127.0.0.1:5071").expect("a URI"),
        via: server,
        branch: "z9hG4bKnew".to_owned(),
        from: "<sip:ben@127.0.0.1>;tag=b".to_owned(),
        to: "<sip:01632960001@127.0.0.1>".to_owned(),
        call_id: "another".to_owned(),
        seq: 1,
        extra: vec![Header::Other("Replaces".to_owned(), replaces)],
        body: sdp::offer(([127, 0, 0, 1], 6072).into(), 1, &[Law::A], true),
    };
    pair.phones[0].handle_datagram(pair.now, Line::Signalling, server, &invite.build());
    pair.run(500);
    let told = &pair.events[0];
    let end = [PhoneEvent::Ended { by_peer: false }, PhoneEvent::Replaced];
    assert_eq!(&told[told.len() - 2..], &end);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Ended { by_peer: true }));
}

#[test]
fn whoever_is_consulted_is_named_by_the_dialog_as_they_see_it() {
    let mut pair = talking();
    pair.phones[0].hold(pair.now);
    pair.run(500);
    // The other phone is busy; so the call that consults goes nowhere until it is answered by hand.
    pair.phones[0].call(pair.now, "ben");
    let invite = requests(&mut pair.phones[0]).pop().expect("an INVITE");
    let body = sdp::offer(([127, 0, 0, 1], 6072).into(), 1, &[Law::A], true);
    let contact = Header::Contact(headers::Contact::new("<sip:ben@127.0.0.1:5072>"));
    let ok = message::respond(&invite, 200, "bens", vec![contact], body);
    let server = pair.phones[1].settings().signalling;
    pair.phones[0].handle_datagram(pair.now, Line::Signalling, server, &ok);
    requests(&mut pair.phones[0]);
    pair.phones[0].transfer_to_consulted(pair.now);
    let refer = requests(&mut pair.phones[0]).pop().expect("a REFER");
    let consulted = pair.phones[0].legs.last().expect("a leg");
    let call_id = consulted.call_id.replace('@', "%40");
    let expected = format!(
        "<sip:ben@127.0.0.1:5072?Replaces={call_id}%3Bto-tag%3Dbens%3Bfrom-tag%3D{}>",
        consulted.local_tag
    );
    assert_eq!(other(&refer, "Refer-To"), expected);
    let bytes: Bytes = refer.into();
    let (_, key) = message::read(&bytes).expect("reads back");
    assert_eq!(key.call_id, pair.phones[0].legs.first().expect("a leg").call_id);
    // Held callers do not stand in the way, and coming back is possible.
    pair.phones[0].hang_up(pair.now);
    pair.run(100);
    pair.phones[0].resume(pair.now);
    pair.run(1_000);
    assert!(pair.events[0].contains(&PhoneEvent::Resumed));
    assert!(pair.phones[0].voice().ear().hears(pair.now, &Expect::Tone(620)));
}
