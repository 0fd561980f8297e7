//! The torture messages of RFC 4475 and RFC 5118 at the codec.
//!
//! The codec tells three things: whether the message can be indexed at all, whether it can be
//! matched and answered (its essential headers), and what its headers say. What an endpoint answers
//! is decided above it, so a message whose Contact or Expires alone is broken passes here, and the
//! table's other columns or a test below say where the fault shows.

use bytes::Bytes;
use switchboard::sip::error::Why;
use switchboard::sip::header::{Contacts, HeaderName, NameAddr, Transport};
use switchboard::sip::message::Message;
use switchboard::sip::method::Method;
use switchboard::sip::transport::Protocol;
use switchboard::sip::uri::Uri;

#[path = "torture/ipv6.rs"]
mod ipv6;
#[path = "torture/table.rs"]
mod table;

fn bytes(name: &str) -> Bytes {
    table::bytes(&format!("rfc4475/{name}.dat"))
}

fn message(name: &str) -> Message {
    Message::parse(bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(value: Option<&[u8]>) -> String {
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

/// `sound`, or what is wrong.
fn verdict(bytes: Bytes) -> String {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(error) => return error.to_string(),
    };
    match (message.essentials(), message.is_request().then(|| message.request_uri())) {
        (Err(error), _) => error.to_string(),
        (Ok(_), Some(Err(error))) => format!("Request-URI: {error}"),
        (Ok(_), Some(Ok(_)) | None) => "sound".to_owned(),
    }
}

#[test]
fn every_message_gets_its_verdict() {
    let rows = table::rows();
    assert_eq!(rows.len(), 49 + 12 + 5);
    for row in rows {
        let (file, reason) = (row.get("file"), row.get("reason"));
        assert_eq!(verdict(row.bytes()), row.get("codec"), "{file}: {reason}");
    }
}

#[test]
fn every_faulty_request_leaves_enough_for_its_answer() {
    for row in table::rows() {
        let Err(error) = Message::parse(row.bytes()) else { continue };
        let file = row.get("file");
        match error.answerable() {
            Some(request) => {
                assert!(request.call_id().is_ok() && request.cseq().is_ok(), "{file}");
                assert!(request.body().is_empty(), "{file}");
                assert_eq!(error.fault.answer().0.to_string(), row.get("udp"), "{file}");
            }
            None => assert_eq!(row.get("udp"), "nothing", "{file}"),
        }
    }
}

#[test]
fn wsinv_reads_through_its_folds() {
    let invite = message("wsinv");
    let to = invite.to().expect("To");
    assert_eq!(to.tag(), Some("1918181833n"));
    assert_eq!(to.uri.to_string(), "sip:vivekg@chair-dnrc.example.com");
    let from = invite.from().expect("From");
    assert_eq!(from.display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(invite.max_forwards(), Ok(Some(68)));
    assert_eq!(invite.cseq().map(|cseq| (cseq.seq, cseq.method)), Ok((9, Method::Invite)));
    let vias: Vec<_> = invite.vias().map(|via| via.expect("Via").to_string()).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
            "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
            "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
        ]
    );
    assert_eq!(invite.text(HeaderName::Subject).as_deref(), Some(""));
    let newfangled: Vec<_> = invite.named("newfangledheader").map(|v| text(Some(v))).collect();
    assert_eq!(newfangled, ["newfangled value\r\n continued newfangled value"]);
    let contact = invite.contact().expect("Contact");
    assert_eq!(contact.display.as_deref(), Some("Quoted string \"\""));
    assert_eq!(contact.q_millis(), 330);
    assert_eq!(contact.params.get("newparam"), Some("newvalue"));
    assert!(contact.params.has("secondparam"));
    let route = invite.addresses(HeaderName::Route).expect("Route");
    assert!(route.first().is_some_and(|route| route.uri.is_loose_router()));
    assert_eq!(invite.body().len(), 150);
}

#[test]
fn intmeth_keeps_its_odd_characters() {
    let request = message("intmeth");
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(request.method(), Some(&Method::Other(method.into())));
    let uri = request.request_uri().expect("Request-URI");
    let sip = uri.as_sip().expect("sip");
    assert_eq!(sip.user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(sip.password.as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(uri.host().map(ToString::to_string).as_deref(), Some("example.com"));
    let to = request.to().expect("To");
    assert_eq!(to.display.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    let from = request.from().expect("From");
    assert_eq!(from.display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    let param = from.params.unquoted("fromParam''~+*_!.-%");
    assert_eq!(
        param.as_deref(),
        Some("\u{440}\u{430}\u{431}\u{43e}\u{442}\u{430}\u{44e}\u{449}\u{438}\u{439}")
    );
    assert_eq!(request.call_id(), Ok("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"));
    assert_eq!(request.named("extensionHeader-!.%*+_`'~").count(), 1);
    assert_eq!(NameAddr::parse(to.to_string().as_bytes()), Ok(to));
}

#[test]
fn escapes_are_undone_once_and_only_where_they_are_escapes() {
    let esc01 = message("esc01");
    let uri = esc01.request_uri().expect("Request-URI");
    assert_eq!(uri.scheme(), "sip");
    assert_eq!(uri.user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(uri.host().map(ToString::to_string).as_deref(), Some("example.net"));
    let to = esc01.to().expect("To").uri;
    assert!(to.equivalent(&"sip:user@example.com".parse::<Uri>().expect("a URI")));
    assert_eq!(esc01.from().expect("From").uri.user().as_deref(), Some("I have spaces"));
    let contact = esc01.contact().expect("Contact").uri;
    assert_eq!(contact.user().as_deref(), Some("caller"));
    assert_eq!(contact.param("n%61me"), Some("v%61lue%25%34%31"));

    let escnull = message("escnull");
    assert_eq!(escnull.to().expect("To").uri.user().as_deref(), Some("null-\0-null"));
    let Ok(Contacts::List(contacts)) = escnull.contacts() else { panic!("escnull: Contact") };
    let users: Vec<_> = contacts.iter().filter_map(|contact| contact.uri.user()).collect();
    assert_eq!(users, ["\0", "\0\0"]);
    let [first, second] = contacts.as_slice() else { panic!("two contacts") };
    assert!(!first.uri.equivalent(&second.uri));

    let esc02 = message("esc02");
    assert_eq!(esc02.method(), Some(&Method::Other("RE%47IST%45R".into())));
    assert_eq!(esc02.to().expect("To").display.as_deref(), Some("%Z%45"));
    assert!(matches!(esc02.contacts(), Ok(Contacts::List(list)) if list.len() == 2));
    assert_eq!(esc02.named("C%6Fntact").count(), 1);
    assert_eq!(esc02.via().expect("Via").branch(), Some("z9hG4bK209%fzsnel234"));

    let semiuri = message("semiuri").request_uri().expect("Request-URI");
    assert_eq!(semiuri.user().as_deref(), Some("user;par=u@example.net"));
}

#[test]
fn longreq_keeps_all_its_hops_and_long_values() {
    let invite = message("longreq");
    let vias: Vec<_> = invite.vias().map(|via| via.expect("Via")).collect();
    assert_eq!(vias.len(), 34);
    assert!(vias.first().is_some_and(|via| via.host.to_string() == "sip33.example.com"));
    assert!(vias.first().is_some_and(|via| !via.has_rfc3261_branch()));
    let last = vias.last().expect("a Via");
    assert_eq!(last.received(), "192.0.2.5".parse().ok());
    assert!(last.branch().is_some_and(|branch| branch.len() > 200));
    assert!(invite.from().expect("From").tag().is_some_and(|tag| tag.len() > 150));
    assert!(invite.call_id().expect("Call-ID").len() > 100);
    assert_eq!(invite.body().len(), 150);
}

#[test]
fn dblreq_is_one_request() {
    let register = message("dblreq");
    assert_eq!(register.method(), Some(&Method::Register));
    assert_eq!(register.call_id(), Ok("dblreq.0ha0isndaksdj99sdfafnl3lk233412"));
    assert!(register.body().is_empty());
    assert_eq!(register.vias().count(), 1);
}

#[test]
fn unusual_transports_bodies_and_reasons_are_kept() {
    let transports: Vec<_> =
        message("transports").vias().map(|via| via.expect("Via").transport).collect();
    assert_eq!(
        transports,
        [
            Transport::Known(Protocol::Udp),
            Transport::Other("SCTP".to_owned()),
            Transport::Known(Protocol::Tls),
            Transport::Other("UNKNOWN".to_owned()),
            Transport::Known(Protocol::Tcp),
        ]
    );
    let multipart = message("mpart01");
    assert_eq!(multipart.body().len(), 553);
    assert_eq!(multipart.content_type().as_deref(), Some("multipart/mixed"));
    let reason = message("unreason").reason();
    assert!(reason.starts_with("= 2**3 * 5**2 \u{43d}\u{43e} "), "{reason}");
    assert_eq!(message("noreason").status(), Some(100));
    assert_eq!(message("noreason").reason(), "");
}

#[test]
fn numbers_out_of_range_are_found_where_they_are_needed() {
    let register = message("scalar02");
    assert_eq!(register.max_forwards().map_err(|e| e.why), Err(Why::Range));
    assert_eq!(register.expires_s().map_err(|e| e.why), Err(Why::Range));
    assert_eq!(register.contact().expect("Contact").expires_s(), Some(3_600));
    assert_eq!(message("scalarlg").retry_after_s().map_err(|e| e.why), Err(Why::Range));
    assert_eq!(message("zeromf").max_forwards(), Ok(Some(0)));
}

#[test]
fn contacts_are_what_they_say_and_no_more() {
    let error = message("regbadct").contacts().expect_err("regbadct");
    assert_eq!(error.header, HeaderName::Contact);
    let outside = message("cparam01").contact().expect("Contact");
    assert_eq!(outside.uri.to_string(), "sip:+19725552222@gw1.example.net");
    assert!(outside.params.has("unknownparam"));
    let inside = message("cparam02").contact().expect("Contact");
    assert_eq!(inside.uri.to_string(), "sip:+19725552222@gw1.example.net;unknownparam");
    assert!(inside.params.is_empty());
    let kept = message("regescrt").contact().expect("Contact");
    assert_eq!(kept.uri.to_string(), "sip:user@example.com?Route=%3Csip:sip.example.com%3E");
    assert!(message("badinv01").contact().is_err());
}

#[test]
fn schemes_requirements_and_credentials_that_we_do_not_know_are_told_apart() {
    let uri = message("unkscm").request_uri().expect("Request-URI");
    assert_eq!((uri.scheme(), uri.as_sip()), ("nobodyKnowsThisScheme", None));
    let uri = message("novelsc").request_uri().expect("Request-URI");
    assert_eq!((uri.scheme(), uri.as_sip()), ("soap.beep", None));
    assert!(message("unksm2").to().expect("To").uri.as_sip().is_none());
    let bext01 = message("bext01");
    let required: Vec<_> = bext01.headers(HeaderName::Require).map(|v| text(Some(v))).collect();
    assert_eq!(required, ["nothingSupportsThis", "nothingSupportsThisEither"]);
    assert_eq!(message("regaut01").credentials(HeaderName::Authorization).count(), 0);
    assert_eq!(message("invut").content_type().as_deref(), Some("application/unknownformat"));
    assert_eq!(text(message("sdp01").header(HeaderName::Accept)), "text/nobodyKnowsThis");
}

#[test]
fn branches_and_bodies_of_old_times_are_read() {
    assert!(!message("badbranch").via().expect("Via").has_rfc3261_branch());
    let old = message("inv2543");
    assert_eq!(old.via().expect("Via").branch(), None);
    assert_eq!(old.from().expect("From").tag(), None);
    assert_eq!(old.max_forwards(), Ok(None));
    assert_eq!(old.body().len(), 105);
    assert_eq!(message("bcast").vias().count(), 2);
}
