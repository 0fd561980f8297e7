//! The torture messages at the endpoint: what each is answered with, in a datagram and in a stream.
//!
//! A REGISTER is challenged before anything else is looked at, as RFC 3261 section 10.3 orders it;
//! what is wrong with one shows once it carries credentials.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use switchboard::id::Entropy;
use switchboard::sip::ListenerId;
use switchboard::sip::digest::{Algorithm, ha1, respond};
use switchboard::sip::endpoint::{Account, Endpoint, EndpointSettings, Load, SipEvent};
use switchboard::sip::framing::{Frame, Framer};
use switchboard::sip::guard::GuardSettings;
use switchboard::sip::header::HeaderName;
use switchboard::sip::message::Message;
use switchboard::sip::method::Method;
use switchboard::sip::range::AddressRange;
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::time::Time;

#[path = "torture/table.rs"]
mod table;

use table::{Row, bytes, rows};

const UDP: ListenerId = ListenerId(0);
const TCP: ListenerId = ListenerId(1);
const REALM: &str = "switchboard";
/// Who register in the messages.
const USERS: [&str; 5] = ["null-\0-null", "j.user", "user", "watson", "2983792873"];

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 5060))
}

fn endpoint() -> Endpoint {
    let at = SocketAddr::from(([192, 0, 2, 1], 5060));
    let account = |user: &str| Account {
        ha1_md5: None,
        ha1_sha256: Some(ha1(Algorithm::Sha256, user, REALM, "secret")),
        calls_only: false,
    };
    let settings = EndpointSettings {
        listeners: vec![Listener::new(Protocol::Udp, at), Listener::new(Protocol::Tcp, at)],
        realm: REALM.to_owned(),
        product: "switchboard/test".to_owned(),
        expires_s: (60, 3600),
        session_s: 1800,
        accounts: USERS.iter().map(|user| ((*user).to_owned(), account(user))).collect(),
        // Torture is what the guard would end after some twenty of these.
        guard: GuardSettings {
            allow: vec![AddressRange::host(peer().ip())],
            ..GuardSettings::default()
        },
    };
    Endpoint::new(settings, Entropy::from_seed([4; 32]))
}

fn answers(endpoint: &mut Endpoint) -> Vec<Message> {
    std::iter::from_fn(|| endpoint.poll_transmit())
        .inspect(|sent| assert_eq!(sent.to.ip(), peer().ip(), "aimed at somebody else"))
        .map(|sent| Message::parse(sent.bytes).expect("an answer of ours can be read"))
        .collect()
}

/// What the endpoint does at once: `nothing`, a status, or `ring` and whom an INVITE is for. That is
/// refused then, so that nothing is left of it.
fn deed(endpoint: &mut Endpoint, listener: ListenerId, message: Bytes) -> String {
    endpoint.handle_datagram(Time::ZERO, listener, peer(), message);
    let statuses: Vec<_> = answers(endpoint).iter().filter_map(Message::status).collect();
    let events: Vec<_> = std::iter::from_fn(|| endpoint.poll_event()).collect();
    match (statuses.as_slice(), events.as_slice()) {
        ([], []) => "nothing".to_owned(),
        ([status], []) => status.to_string(),
        ([], [SipEvent::Invite(invite)]) => {
            endpoint.reject(Time::ZERO, invite.leg, 404, None);
            answers(endpoint);
            format!("ring {}", invite.called)
        }
        other => panic!("{other:?}"),
    }
}

/// What becomes of a connection that carries these bytes and no more.
fn deeds(endpoint: &mut Endpoint, stream: &[u8]) -> String {
    let mut framer = Framer::default();
    framer.push(stream);
    let mut deeds = Vec::new();
    loop {
        match framer.poll() {
            Ok(Some(Frame::Message(message))) => deeds.push(deed(endpoint, TCP, message)),
            Ok(Some(Frame::Ping | Frame::Pong)) => {}
            Ok(None) if framer.is_within_message() => {
                deeds.push("wait".to_owned());
                break;
            }
            Ok(None) => break,
            Err(error) => {
                let answer = error.answer(peer(), "t").map(Message::parse);
                deeds
                    .extend(answer.and_then(|answer| answer.ok()?.status()).map(|s| s.to_string()));
                deeds.push("close".to_owned());
                break;
            }
        }
    }
    deeds.join(" then ")
}

/// A REGISTER with the answer to the challenge that it was met with.
fn signed(endpoint: &mut Endpoint, register: &Bytes) -> Bytes {
    endpoint.handle_datagram(Time::ZERO, UDP, peer(), register.clone());
    let refusal = answers(endpoint).pop().expect("a challenge");
    let challenge = refusal.challenges(HeaderName::WwwAuthenticate).find_map(Result::ok);
    let request = Message::parse(register.clone()).expect("a REGISTER");
    let to = request.to().expect("To").uri;
    let user = to
        .user()
        .unwrap_or_else(|| to.to_string().split(':').next_back().unwrap_or_default().to_owned());
    let uri = String::from_utf8_lossy(request.request_uri_bytes());
    let credentials = respond(
        &challenge.expect("a challenge that can be answered"),
        &user,
        "secret",
        &Method::Register,
        &uri,
        1,
        "c",
    );
    let line = format!("\r\nAuthorization: {}", credentials.expect("SHA-256"));
    let at = register.windows(2).position(|bytes| bytes == b"\r\n").expect("a request line");
    let (start, rest) = register.split_at(at);
    [start, line.as_bytes(), rest].concat().into()
}

fn statuses(endpoint: &mut Endpoint, message: Bytes) -> Vec<String> {
    endpoint.handle_datagram(Time::ZERO, UDP, peer(), message);
    answers(endpoint).iter().filter_map(Message::status).map(|s| s.to_string()).collect()
}

fn check(row: &Row, column: &str, found: &str) {
    let (file, reason) = (row.get("file"), row.get("reason"));
    assert_eq!(found, row.get(column), "{file}, {column}: {reason}");
}

#[test]
fn every_torture_message_is_answered_as_the_rfc_asks() {
    for row in rows() {
        check(&row, "udp", &deed(&mut endpoint(), UDP, row.bytes()));
        check(&row, "tcp", &deeds(&mut endpoint(), &row.bytes()));
    }
}

#[test]
fn every_challenged_message_is_answered_once_it_is_signed() {
    for row in rows() {
        let mut endpoint = endpoint();
        let found = match row.get("udp") {
            "401" => {
                let register = signed(&mut endpoint, &row.bytes());
                statuses(&mut endpoint, register).join(" and ")
            }
            _ => String::new(),
        };
        check(&row, "signed", &found);
    }
}

#[test]
fn what_is_bound_is_what_the_contacts_say() {
    for (file, user, bound) in [
        (
            "escnull",
            "null-\0-null",
            &["sip:%00@host5.example.com", "sip:%00%00@host5.example.com"][..],
        ),
        ("cparam01", "watson", &["sip:+19725552222@gw1.example.net"]),
        ("cparam02", "watson", &["sip:+19725552222@gw1.example.net;unknownparam"]),
        ("regescrt", "user", &["sip:user@example.com?Route=%3Csip:sip.example.com%3E"]),
        ("regbadct", "user", &[]),
        ("dblreq", "j.user", &["sip:j.user@host.example.com"]),
    ] {
        let mut endpoint = endpoint();
        let register = signed(&mut endpoint, &bytes(&format!("rfc4475/{file}.dat")));
        endpoint.handle_datagram(Time::ZERO, UDP, peer(), register);
        let contacts: Vec<_> =
            endpoint.bindings(user).iter().map(|one| one.contact.as_str()).collect();
        assert_eq!(contacts, bound, "{file}");
        let answer = answers(&mut endpoint).pop().expect("an answer");
        let told: Vec<_> =
            answer.headers(HeaderName::Contact).map(String::from_utf8_lossy).collect();
        let expected: Vec<_> = bound.iter().map(|uri| format!("<{uri}>;expires=3600")).collect();
        assert_eq!(told, expected, "{file}");
    }
}

#[test]
fn refusals_say_what_would_do() {
    let header = |file: &str, name: HeaderName| {
        let mut endpoint = endpoint();
        endpoint.handle_datagram(Time::ZERO, UDP, peer(), bytes(&format!("rfc4475/{file}.dat")));
        let answer = answers(&mut endpoint).pop().expect("an answer");
        answer.text(name).unwrap_or_default()
    };
    let missing = "nothingSupportsThis, nothingSupportsThisEither";
    assert_eq!(header("bext01", HeaderName::Unsupported), missing);
    assert_eq!(header("invut", HeaderName::Accept), "application/sdp, multipart/mixed");
    assert!(header("intmeth", HeaderName::Allow).contains("INVITE"));
    assert!(header("mpart01", HeaderName::Allow).contains("INVITE"));
}

#[test]
fn every_hop_is_in_the_answer_in_its_order() {
    for file in ["rfc4475/transports.dat", "rfc5118/mult-ip-in-header.dat"] {
        let mut endpoint = endpoint();
        endpoint.handle_datagram(Time::ZERO, UDP, peer(), bytes(file));
        let answer = answers(&mut endpoint).pop().expect("an answer");
        let request = Message::parse(bytes(file)).expect(file);
        let [asked, answered] =
            [request, answer].map(|message| message.vias().collect::<Result<Vec<_>, _>>());
        let (asked, mut answered) = (asked.expect(file), answered.expect(file));
        let top = answered.first_mut().expect("a hop");
        assert_eq!(top.received(), Some(peer().ip()), "{file}");
        top.params.remove("received");
        assert_eq!(asked, answered, "{file}");
    }
}

#[test]
fn torture_messages_in_a_row_leave_nothing_behind() {
    let mut endpoint = endpoint();
    let rows = rows();
    for row in &rows {
        deed(&mut endpoint, UDP, row.bytes());
    }
    let end = Time::ZERO + Duration::from_secs(600);
    while let Some(due) = endpoint.poll_timeout().filter(|due| *due <= end) {
        endpoint.handle_timeout(due);
        answers(&mut endpoint);
    }
    assert_eq!(endpoint.load(), Load::default());
    let counted: u64 = endpoint.counters().rejected.values().sum();
    let taken = |deed: &str| deed.starts_with("ring") || deed == "200" || deed == "401";
    let refused = rows.iter().filter(|row| !taken(row.get("udp")));
    assert_eq!(counted, refused.count() as u64);
}
