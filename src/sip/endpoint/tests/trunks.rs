//! What a trunk asks of us: credentials, identities, registrations and questions.

use super::super::*;
use super::network::LISTENER;
use super::peer::{Desk, Got, LEG, methods, outgoing, reply};
use crate::sip::header::{Credentials, HeaderName};
use crate::sip::method::Method;

fn login() -> Option<Login> {
    Some(Login { user: "council".to_owned(), password: "s3cret".to_owned() })
}

const CHALLENGE: &str = "
    WWW-Authenticate: Digest realm=\"t\", nonce=\"n1\", qop=\"auth\", algorithm=MD5
    WWW-Authenticate: Digest realm=\"t\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256";
const STALE: &str = "
    WWW-Authenticate: Digest realm=\"t\", nonce=\"n2\", qop=\"auth\", algorithm=MD5, stale=true";
const PROXY: &str = "\nProxy-Authenticate: Digest realm=\"p\", nonce=\"n3\"";

fn credentials(got: &Got, name: HeaderName) -> Vec<Credentials> {
    got.message.credentials(name).map(|one| one.unwrap()).collect()
}

#[test]
fn an_invite_that_is_challenged_comes_again_with_credentials() {
    let mut desk = Desk::new();
    let mut invite = outgoing(&desk);
    invite.extras.login = login();
    desk.end.invite(desk.now, invite);
    let first = desk.got().pop().unwrap();
    let got = desk.send(&reply(&first, 401, "x", CHALLENGE));
    assert_eq!(methods(&got), [Method::Ack, Method::Invite]);
    let second = &got[1];
    assert_eq!(second.text(HeaderName::CSeq), "2 INVITE");
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::To, HeaderName::Contact] {
        assert_eq!(second.text(name), first.text(name));
    }
    assert_ne!(second.message.via().unwrap().branch(), first.message.via().unwrap().branch());
    assert_eq!(second.message.body(), first.message.body());
    let given = credentials(second, HeaderName::Authorization);
    assert_eq!(given.len(), 1, "one answer for a realm, by the best algorithm");
    assert_eq!(given[0].algorithm.as_deref(), Some("SHA-256"));
    assert_eq!((given[0].nonce.as_str(), given[0].nc.as_deref()), ("n1", Some("00000001")));
    assert_eq!(given[0].uri, "sip:amy@192.0.2.2:5062;transport=udp");
    // A nonce that was too old is no wrong password.
    let got = desk.send(&reply(second, 401, "y", STALE));
    assert_eq!(credentials(&got[1], HeaderName::Authorization)[0].nonce, "n2");
    // The same again is.
    let got = desk.send(&reply(&got[1], 401, "z", STALE));
    assert_eq!(methods(&got), [Method::Ack]);
    assert_eq!(desk.events(), [SipEvent::Failed { leg: LEG, status: 401, cause: None }]);
    desk.run_out();
}

#[test]
fn a_host_that_challenges_and_then_says_nothing_is_given_up_as_soon_as_any() {
    let mut desk = Desk::new();
    let mut invite = outgoing(&desk);
    invite.extras.login = login();
    invite.extras.patience = Some(Duration::from_secs(4));
    desk.end.invite(desk.now, invite);
    let first = desk.got().pop().unwrap();
    desk.send(&reply(&first, 401, "x", CHALLENGE));
    let asked_again = desk.now;
    let failed = [SipEvent::Failed { leg: LEG, status: 408, cause: None }];
    let mut events = desk.events();
    while events.is_empty() {
        desk.now = desk.end.poll_timeout().expect("it waits for something");
        desk.end.handle_timeout(desk.now);
        events = desk.events();
    }
    assert_eq!((events, desk.now - asked_again), (failed.to_vec(), Duration::from_secs(4)));
}

#[test]
fn a_call_through_a_challenging_proxy_is_answered_changed_and_ended() {
    let mut desk = Desk::new();
    let mut invite = outgoing(&desk);
    invite.extras.login = login();
    desk.end.invite(desk.now, invite);
    let first = desk.got().pop().unwrap();
    let got = desk.send(&reply(&first, 407, "x", PROXY));
    assert_eq!(credentials(&got[1], HeaderName::ProxyAuthorization)[0].qop, None);
    desk.send(&reply(&got[1], 200, "one", "\nContact: <sip:one@192.0.2.61>"));
    assert!(matches!(desk.events().pop(), Some(SipEvent::Answered { .. })));
    desk.end.change(desk.now, LEG, "v=0\r\n");
    let change = desk.got().pop().unwrap();
    let got = desk.send(&reply(&change, 407, "", PROXY));
    assert_eq!(methods(&got), [Method::Ack, Method::Invite]);
    assert_eq!(got[1].text(HeaderName::CSeq), "4 INVITE");
    let got = desk.send(&reply(&got[1], 200, "", ""));
    assert_eq!(methods(&got), [Method::Ack]);
    assert_eq!(desk.events(), [SipEvent::Changed { leg: LEG, answer: Bytes::new() }]);
    desk.end.hang_up(desk.now, LEG);
    let bye = desk.got().pop().unwrap();
    let got = desk.send(&reply(&bye, 407, "", PROXY));
    assert_eq!(methods(&got), [Method::Bye]);
    assert_eq!(got[0].text(HeaderName::CSeq), "6 BYE");
    desk.send(&reply(&got[0], 407, "", PROXY));
    assert_eq!((desk.end.load().legs, desk.events()), (0, vec![]));
    desk.run_out();
}

#[test]
fn a_challenge_without_a_login_or_that_we_cannot_answer_is_a_failure() {
    for (login, lines) in [
        (None, CHALLENGE),
        (login(), ""),
        (login(), "\nWWW-Authenticate: Digest realm=\"t\", nonce=\"n\", algorithm=SHA-512-256"),
        (login(), "\nWWW-Authenticate: Digest realm=\"t\", nonce=\"n\", qop=\"auth-int\""),
        (login(), "\nWWW-Authenticate: Basic realm=\"t\""),
    ] {
        let mut desk = Desk::new();
        let mut invite = outgoing(&desk);
        invite.extras.login = login;
        desk.end.invite(desk.now, invite);
        let first = desk.got().pop().unwrap();
        assert_eq!(methods(&desk.send(&reply(&first, 401, "x", lines))), [Method::Ack]);
        assert_eq!(desk.events(), [SipEvent::Failed { leg: LEG, status: 401, cause: None }]);
    }
}

#[test]
fn an_invite_says_what_a_trunk_wants_to_know() {
    let mut desk = Desk::new();
    let mut invite = outgoing(&desk);
    invite.from_user = "+441632960000".to_owned();
    invite.extras = Box::new(InviteExtras {
        to_uri: Some("sip:+447700900123@carrier.example".to_owned()),
        from_host: Some("council.example".to_owned()),
        asserted: Some(Identity {
            user: "+441632960000".to_owned(),
            name: Some("Council".to_owned()),
        }),
        withheld: true,
        diverted_from: Some("+441632960009".to_owned()),
        ..InviteExtras::default()
    });
    desk.end.invite(desk.now, invite);
    let sent = desk.got().pop().unwrap();
    assert_eq!(sent.text(HeaderName::To), "<sip:+447700900123@carrier.example>");
    assert_eq!(sent.message.from().unwrap().uri.to_string(), "sip:+441632960000@council.example");
    let asserted = sent.text(HeaderName::PAssertedIdentity);
    assert_eq!(asserted, "\"Council\" <sip:+441632960000@council.example>");
    assert_eq!(sent.text(HeaderName::Privacy), "id");
    assert_eq!(sent.text(HeaderName::Diversion), "<sip:+441632960009@council.example>");
}

pub(super) fn registration(id: u64) -> OutOfDialog {
    OutOfDialog {
        id: RequestId(id),
        method: OutOfDialogMethod::Register,
        listener: LISTENER,
        to: SocketAddr::from(([192, 0, 2, 2], 5060)),
        uri: "sip:carrier.example".to_owned(),
        from_uri: "sip:council@carrier.example".to_owned(),
        to_uri: "sip:council@carrier.example".to_owned(),
        contact_user: "council".to_owned(),
        expires_s: Some(600),
        call_id: Some("reg-1".to_owned()),
        cseq: 7,
        login: login(),
    }
}

#[test]
fn a_registration_is_challenged_answered_and_reported_once() {
    let mut desk = Desk::new();
    desk.end.request_outside(desk.now, registration(1));
    let first = desk.got().pop().unwrap();
    assert_eq!(first.message.request_uri().unwrap().to_string(), "sip:carrier.example");
    assert_eq!(first.text(HeaderName::Contact), "<sip:council@192.0.2.1:5060>");
    assert_eq!(
        (first.text(HeaderName::Expires), first.text(HeaderName::CSeq)),
        ("600".into(), "7 REGISTER".into())
    );
    let second = desk.send(&reply(&first, 401, "x", CHALLENGE)).pop().unwrap();
    assert_eq!(second.text(HeaderName::CSeq), "8 REGISTER");
    assert_eq!(second.text(HeaderName::CallId), "reg-1");
    let lines =
        "\nContact: <sip:council@192.0.2.99>;expires=30, <sip:council@192.0.2.1:5060>;expires=300";
    desk.send(&reply(&second, 200, "x", lines));
    let response = Response { status: 200, cseq: 8, expires_s: Some(300), ..Response::default() };
    assert_eq!(desk.events(), [SipEvent::Response { id: RequestId(1), response }]);
    desk.end.request_outside(desk.now, registration(1));
    let again = desk.got().pop().unwrap();
    desk.send(&reply(&again, 423, "x", "\nMin-Expires: 900"));
    let response =
        Response { status: 423, cseq: 7, min_expires_s: Some(900), ..Response::default() };
    assert_eq!(desk.events(), [SipEvent::Response { id: RequestId(1), response }]);
    desk.run_out();
}

#[test]
fn a_question_that_nobody_answers_is_408_and_one_that_cannot_be_sent_400_or_503() {
    let mut desk =
        Desk::with(super::network::settings(1), Limits { requests: 1, ..Limits::default() });
    let options = OutOfDialog {
        method: OutOfDialogMethod::Options,
        contact_user: String::new(),
        expires_s: None,
        ..registration(2)
    };
    desk.end.request_outside(desk.now, options.clone());
    let sent = desk.got().pop().unwrap();
    assert_eq!(sent.text(HeaderName::Contact), "<sip:192.0.2.1:5060>");
    desk.end.request_outside(desk.now, OutOfDialog { id: RequestId(3), ..options.clone() });
    let status = |desk: &mut Desk| match desk.events().pop() {
        Some(SipEvent::Response { id, response }) => (id.0, response.status),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&mut desk), (3, 503));
    desk.run_out();
    assert_eq!(status(&mut desk), (2, 408));
    desk.end.request_outside(desk.now, OutOfDialog { uri: "nonsense".to_owned(), ..options });
    assert_eq!(status(&mut desk), (2, 400));
}

#[test]
fn passwords_are_never_printed() {
    assert!(!format!("{:?}", registration(1)).contains("s3cret"));
}

#[test]
fn challenges_are_answered_over_streams_too() {
    use crate::sip::transport::{Listener, Protocol};
    let mut settings = super::network::settings(1);
    settings.listeners = vec![Listener::new(Protocol::Tls, super::network::address(1))];
    let mut desk = Desk::with(settings, Limits::default());
    desk.end.request_outside(desk.now, registration(1));
    let first = desk.got().pop().unwrap();
    assert!(first.text(HeaderName::Via).starts_with("SIP/2.0/TLS"));
    let second = desk.send(&reply(&first, 401, "x", CHALLENGE)).pop().unwrap();
    assert_eq!(second.text(HeaderName::CSeq), "8 REGISTER");
    let mut invite = outgoing(&desk);
    invite.extras.login = login();
    desk.end.invite(desk.now, invite);
    let first = desk.got().pop().unwrap();
    let got = desk.send(&reply(&first, 407, "x", PROXY));
    assert_eq!(methods(&got), [Method::Ack, Method::Invite]);
}
