//! Peers behind connections, and what is too long for a datagram.

use super::super::*;
use super::network::{ANSWER, LISTENER, OFFER};
use super::peer::{Desk, Got, LEG, bodied, methods, outgoing, reply, statuses};
use super::registrations::{Phone, with_accounts};
use crate::sip::header::HeaderName;
use crate::sip::method::Method;
use crate::sip::transport::{Listener, Protocol};

const TCP: ListenerId = ListenerId(1);
const CONTACT: &str = "<sip:amy@192.0.2.2:5070;transport=tcp>";

/// UDP, TCP and TLS at one address.
fn desk() -> Desk {
    let mut settings = with_accounts();
    let at = settings.listeners[0].advertised;
    settings.listeners.extend([Protocol::Tcp, Protocol::Tls].map(|one| Listener::new(one, at)));
    let mut desk = Desk::with(settings, Limits::default());
    // The far end of a connection is no port that anybody listens at.
    desk.peer.set_port(40_000);
    desk.listener = TCP;
    desk
}

fn close(desk: &mut Desk, port: u16) -> Vec<Got> {
    let peer = SocketAddr::new(desk.peer.ip(), port);
    desk.end.handle_closed(desk.now, desk.listener, peer);
    desk.got()
}

fn way(got: &Got) -> (ListenerId, u16) {
    (got.listener, got.to.port())
}

#[test]
fn a_phone_lives_as_long_as_its_connection_and_is_rung_through_it() {
    let mut desk = desk();
    let mut phone = Phone::new("amy", "secret");
    let got = phone.register(&mut desk, &format!("\nContact: {CONTACT}\nExpires: 100"));
    assert_eq!((got.status(), way(&got)), (200, (TCP, 40_000)));
    let binding = desk.end.bindings("amy")[0].clone();
    assert_eq!((binding.listener, binding.source), (TCP, desk.peer));
    desk.end.invite(
        desk.now,
        OutgoingInvite { listener: TCP, uri: binding.contact, ..outgoing(&desk) },
    );
    let invite = desk.got().pop().unwrap();
    assert_eq!(way(&invite), (TCP, 40_000));
    assert!(invite.text(HeaderName::Via).starts_with("SIP/2.0/TCP 192.0.2.1:5060;"));
    assert!(invite.text(HeaderName::Contact).ends_with(";transport=tcp>"));
    desk.events();
    assert!(close(&mut desk, 40_000).is_empty());
    assert!(matches!(
        &desk.events()[..],
        [
            SipEvent::Failed { leg: LEG, status: 503, .. },
            SipEvent::Unregistered { expired: true, .. },
        ]
    ));
    desk.run_out();
}

#[test]
fn a_phone_that_names_its_connections_is_told_that_they_are_known() {
    let mut desk = desk();
    let mut phone = Phone::new("amy", "secret");
    let contact = |host: &str| {
        format!(
            "\nSupported: path, outbound\nContact: <sip:amy@{host}.invalid;transport=ws>\
             ;+sip.instance=\"<urn:uuid:1>\";reg-id=1\nExpires: 100"
        )
    };
    let got = phone.register(&mut desk, &contact("one"));
    assert_eq!(got.text(HeaderName::Require), "outbound");
    let told = got.text(HeaderName::Contact);
    assert!(told.contains(";+sip.instance=\"<urn:uuid:1>\";reg-id=1"), "{told}");
    // The browser's page was loaded again: a new connection, a new contact, the same phone.
    desk.peer.set_port(40_001);
    phone.register(&mut desk, &contact("two"));
    let contacts: Vec<_> = desk.end.bindings("amy").iter().map(|b| b.contact.as_str()).collect();
    assert_eq!(contacts, ["sip:amy@two.invalid;transport=ws"]);
    desk.events();
    close(&mut desk, 40_000);
    assert_eq!(desk.events(), []);
    // A phone that does not name them, or whose proxy would have to know, is registered as ever.
    desk.peer.set_port(40_002);
    let plain = phone.register(&mut desk, &contact("three").replace("path, outbound", "path"));
    let via = "\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx";
    let relayed = phone.register(&mut desk, &format!("{via}{}", contact("four")));
    for got in [plain, relayed] {
        assert_eq!((got.status(), got.text(HeaderName::Require)), (200, String::new()));
    }
    assert_eq!(desk.end.bindings("amy").len(), 3);
}

#[test]
fn a_call_outlives_its_connection_and_ends_over_another() {
    let mut desk = desk();
    let invite = desk.head("INVITE", "c1", 1).replace("UDP 192.0.2.2:5060", "TCP 192.0.2.2:5070");
    desk.send(&format!("{invite}\nContact: {CONTACT}"));
    let leg = desk.events().into_iter().find_map(|event| match event {
        SipEvent::Invite(invite) => Some(invite.leg),
        _ => None,
    });
    let leg = leg.expect("an INVITE");
    // The answer finds its way although the connection closed while it rang (section 18.2.2).
    desk.end.provisional(desk.now, leg, 180, None);
    assert_eq!(way(&desk.got()[0]), (TCP, 40_000));
    close(&mut desk, 40_000);
    desk.end.answer(desk.now, leg, ANSWER);
    let answered = desk.got().pop().unwrap();
    assert_eq!((answered.status(), way(&answered)), (200, (TCP, 5_070)));
    desk.peer.set_port(40_001);
    let ack = desk.head_in("ACK", "c1", 1, &answered.to_tag());
    desk.send(&ack);
    assert!(matches!(&desk.events()[..], [SipEvent::Acknowledged { .. }]), "nobody was cut off");
    // Our BYE goes where the caller listens.
    desk.end.hang_up(desk.now, leg);
    let bye = desk.got();
    assert_eq!((methods(&bye), way(&bye[0])), (vec![Method::Bye], (TCP, 5_070)));
    // Nobody does any more: that is the end of it too.
    close(&mut desk, 5_070);
    assert_eq!(desk.end.load().legs, 0);
    desk.run_out();
}

#[test]
fn a_phone_that_comes_back_during_a_call_is_reached_over_its_new_connection() {
    let mut desk = desk();
    let mut phone = Phone::new("amy", "secret");
    let contact = "<sip:amy@page.invalid;transport=ws>";
    let register = format!("\nContact: {contact}\nExpires: 100");
    phone.register(&mut desk, &register);
    let uri = desk.end.bindings("amy")[0].contact.clone();
    desk.end.invite(desk.now, OutgoingInvite { listener: TCP, uri, ..outgoing(&desk) });
    let invite = desk.got().pop().unwrap();
    let ok = reply(&invite, 200, "p", &format!("\nContact: {};ob>", contact.trim_end_matches('>')));
    assert_eq!(methods(&desk.send(&ok)), [Method::Ack]);
    close(&mut desk, 40_000);
    desk.peer.set_port(40_001);
    phone.register(&mut desk, &register);
    desk.end.hang_up(desk.now, LEG);
    assert_eq!(way(&desk.got()[0]), (TCP, 40_001));
}

#[test]
fn what_is_too_long_for_a_datagram_goes_over_tcp_and_leaves_the_dialog_where_it_was() {
    let mut desk = desk();
    desk.listener = LISTENER;
    desk.peer.set_port(5_062);
    let long = format!("{OFFER}{}", "a=x:yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(40));
    let mut invite = OutgoingInvite { offer: long, ..outgoing(&desk) };
    desk.end.invite(desk.now, invite.clone());
    let sent = desk.got().pop().unwrap();
    assert_eq!(way(&sent), (TCP, 5_062));
    assert!(sent.text(HeaderName::Via).starts_with("SIP/2.0/TCP 192.0.2.1:5060;"));
    assert_eq!(sent.text(HeaderName::Contact), "<sip:192.0.2.1:5060>");
    let branch = sent.message.via().unwrap().branch().unwrap().to_owned();

    // The phone takes no connections: the same as a datagram, and nobody tries again so soon.
    desk.listener = TCP;
    let again = close(&mut desk, 5_062);
    assert_eq!((methods(&again), way(&again[0])), (vec![Method::Invite], (LISTENER, 5_062)));
    assert_eq!(again[0].message.via().unwrap().branch(), Some(branch.as_str()));
    assert_eq!(again[0].message.body(), sent.message.body());
    desk.listener = LISTENER;
    desk.send(&reply(&again[0], 180, "p", ""));
    desk.end.hang_up(desk.now, LEG);
    let cancel = desk.got().pop().unwrap();
    assert_eq!(way(&cancel), (LISTENER, 5_062));
    assert_eq!(cancel.text(HeaderName::Via), again[0].text(HeaderName::Via));
    desk.send(&reply(&again[0], 487, "p", ""));
    invite.leg = LegId(6);
    desk.end.invite(desk.now, invite.clone());
    assert_eq!(way(&desk.got()[0]), (LISTENER, 5_062));

    // An hour later it does.
    desk.now += Duration::from_secs(3_601);
    invite.leg = LegId(8);
    desk.end.invite(desk.now, invite);
    let sent = desk.got().pop().unwrap();
    desk.listener = TCP;
    let ok = reply(&sent, 200, "p", "\nContact: <sip:amy@192.0.2.2:5062>");
    desk.send(&bodied(&ok, "application/sdp", ANSWER));
    desk.end.hang_up(desk.now, LegId(8));
    assert_eq!(way(&desk.got()[0]), (LISTENER, 5_062));
}

#[test]
fn nobody_connects_to_a_phone_behind_a_translator() {
    let mut desk = desk();
    let offer = "x".repeat(2_000);
    // It says another address than the one that it is reached at.
    let uri = "sip:amy@10.0.0.7:5062".to_owned();
    desk.end.invite(desk.now, OutgoingInvite { listener: LISTENER, uri, offer, ..outgoing(&desk) });
    assert_eq!(way(&desk.got()[0]), (LISTENER, 40_000));
}

#[test]
fn a_secure_address_is_refused_on_a_connection_that_is_not() {
    let mut desk = desk();
    let options = |desk: &mut Desk| {
        let head = desk.head("OPTIONS", "o", 1);
        let got = desk.send(&head.replacen("sip:01708434343", "sips:01708434343", 1));
        statuses(&got)
    };
    assert_eq!(options(&mut desk), [416]);
    desk.listener = ListenerId(2);
    assert_eq!(options(&mut desk), [200]);
}

#[test]
fn names_that_were_proved_last_as_long_as_their_connection() {
    let mut desk = desk();
    desk.end.handle_named(TCP, desk.peer, vec!["trunk.example".to_owned()]);
    assert_eq!(desk.end.proved_names(TCP, desk.peer), ["trunk.example"]);
    close(&mut desk, 40_000);
    assert!(desk.end.proved_names(TCP, desk.peer).is_empty());
}
