//! Our codec against rsip's: two implementations that share no code must read ordinary messages
//! alike, and each must read what the other writes.
//!
//! Only ordinary messages: rsip takes no IPv6 host, tel URI, folded line or Latin-1 byte, reads no
//! more than the first Via of a list, and counts a user part with `.` or `-` in it to the host. Those are held against RFC 4475 in `torture.rs`.

use std::net::SocketAddr;

use bytes::Bytes;
use proptest::prelude::*;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HasHeaders;
use rsip::message::HeadersExt;
use rsip::typed;
use switchboard::sip::header::{CSeq, HeaderName, NameAddr, Via};
use switchboard::sip::message::Message;
use switchboard::sip::method::Method;
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::sip::uri::Uri;
use switchboard::sip::write::Draft;

/// An ordinary request in its parts.
#[derive(Debug, Clone)]
struct Ordinary {
    method: Method,
    uri: String,
    from: NameAddr,
    to: NameAddr,
    branch: String,
    sent_by: SocketAddr,
    call_id: String,
    seq: u32,
    agent: String,
    body: String,
}

impl Ordinary {
    fn written_by_us(&self) -> Bytes {
        let cseq = CSeq { seq: self.seq, method: self.method.clone() };
        let draft = Draft::request(&self.method, &self.uri)
            .header(
                HeaderName::Via,
                Via::ours(&Listener::new(Protocol::Udp, self.sent_by), &self.branch),
            )
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, &self.from)
            .header(HeaderName::To, &self.to)
            .header(HeaderName::CallId, &self.call_id)
            .header(HeaderName::CSeq, cseq)
            .header(HeaderName::UserAgent, &self.agent);
        if self.body.is_empty() {
            draft.finish()
        } else {
            draft.finish_with("text/plain", &self.body)
        }
    }

    fn written_by_rsip(&self) -> Option<Bytes> {
        let mut headers = rsip::Headers::default();
        headers.push(
            rsip::headers::Via::new(
                Via::ours(&Listener::new(Protocol::Udp, self.sent_by), &self.branch).to_string(),
            )
            .into(),
        );
        headers.push(rsip::headers::MaxForwards::new("70").into());
        headers.push(rsip::headers::From::new(self.from.to_string()).into());
        headers.push(rsip::headers::To::new(self.to.to_string()).into());
        headers.push(rsip::headers::CallId::new(self.call_id.clone()).into());
        let cseq = format!("{} {}", self.seq, self.method);
        headers.push(rsip::headers::CSeq::new(cseq).into());
        headers.push(rsip::headers::ContentLength::new(self.body.len().to_string()).into());
        let request = rsip::Request {
            method: self.method.as_str().parse().ok()?,
            uri: rsip::Uri::try_from(self.uri.as_str()).ok()?,
            version: rsip::Version::V2,
            headers,
            body: self.body.clone().into_bytes(),
        };
        Some(Bytes::from(request.to_string()))
    }
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9]{0,8}(\\.[a-z]{2,5}){1,2}", "192\\.0\\.2\\.[1-9]"]
}

fn uri() -> impl Strategy<Value = String> {
    let port = prop_oneof![Just(String::new()), (1..=u16::MAX).prop_map(|port| format!(":{port}"))];
    let params = prop_oneof![Just(""), Just(";transport=udp"), Just(";lr"), Just(";user=phone")];
    ("[a-z0-9]{1,11}", host(), port, params)
        .prop_map(|(user, host, port, params)| format!("sip:{user}@{host}{port}{params}"))
}

fn address() -> impl Strategy<Value = NameAddr> {
    (uri(), "([A-Za-z]{1,8}( [A-Za-z]{1,8})?)?", "[a-z0-9]{1,16}").prop_map(|(uri, name, tag)| {
        let uri = uri.parse::<Uri>().expect("an ordinary URI");
        NameAddr::new(uri).with_display(&name).with_tag(&tag)
    })
}

fn ordinary() -> impl Strategy<Value = Ordinary> {
    let methods = [
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Options,
        Method::Register,
        Method::Refer,
        Method::Notify,
        Method::Subscribe,
        Method::Message,
        Method::Info,
        Method::Update,
        Method::Prack,
        Method::Publish,
    ];
    let parts = (
        proptest::sample::select(methods.to_vec()),
        uri(),
        address(),
        address(),
        "z9hG4bK[A-Za-z0-9.-]{1,24}",
        (1..255_u8, 1..=u16::MAX),
        "[A-Za-z0-9-]{1,24}(@[a-z]{1,8})?",
        0..(1_u32 << 31),
        "[A-Za-z]{1,8}/[0-9.]{1,5}",
        "[ -~\r\n]{0,60}",
    );
    parts.prop_map(|(method, uri, from, to, branch, (last, port), call_id, seq, agent, body)| {
        let sent_by = SocketAddr::from(([198, 51, 100, last], port));
        Ordinary { method, uri, from, to, branch, sent_by, call_id, seq, agent, body }
    })
}

/// What both must read alike.
#[derive(Debug, PartialEq)]
struct Reading {
    method: String,
    user: Option<String>,
    host: String,
    port: Option<u16>,
    call_id: String,
    seq: u32,
    counted: String,
    from_tag: Option<String>,
    from_user: Option<String>,
    to_tag: Option<String>,
    branch: Option<String>,
    sent_by: String,
    body: Vec<u8>,
}

fn ours(bytes: &Bytes) -> Option<Reading> {
    let message = Message::parse(bytes.clone()).ok()?;
    let essentials = message.essentials().ok()?;
    let uri = message.request_uri().ok()?;
    Some(Reading {
        method: message.method()?.to_string(),
        user: uri.user(),
        host: uri.host()?.to_string(),
        port: uri.port(),
        call_id: essentials.call_id,
        seq: essentials.cseq.seq,
        counted: essentials.cseq.method.to_string(),
        from_tag: essentials.from.tag().map(str::to_owned),
        from_user: essentials.from.uri.user(),
        to_tag: essentials.to.tag().map(str::to_owned),
        branch: essentials.via.branch().map(str::to_owned),
        sent_by: essentials.via.host.to_string(),
        body: message.body().to_vec(),
    })
}

fn theirs(bytes: &Bytes) -> Option<Reading> {
    let request = rsip::Request::try_from(bytes.as_ref()).ok()?;
    let from: typed::From = request.from_header().ok()?.typed().ok()?;
    let to: typed::To = request.to_header().ok()?.typed().ok()?;
    let via: typed::Via = request.via_header().ok()?.typed().ok()?;
    let cseq: typed::CSeq = request.cseq_header().ok()?.typed().ok()?;
    Some(Reading {
        method: request.method.to_string(),
        user: request.uri.user().map(str::to_owned),
        host: request.uri.host().to_string(),
        port: request.uri.port().map(|port| *port.value()),
        call_id: request.call_id_header().ok()?.value().to_owned(),
        seq: cseq.seq,
        counted: cseq.method.to_string(),
        from_tag: from.tag().map(|tag| tag.value().to_owned()),
        from_user: from.uri.user().map(str::to_owned),
        to_tag: to.tag().map(|tag| tag.value().to_owned()),
        branch: via.branch().map(|branch| branch.value().to_owned()),
        sent_by: via.uri.host().to_string(),
        body: request.body.clone(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn both_read_what_we_write_alike(ordinary in ordinary()) {
        let bytes = ordinary.written_by_us();
        let ours = ours(&bytes);
        prop_assert!(ours.is_some(), "ours refuses {:?}", bytes);
        prop_assert_eq!(ours, theirs(&bytes));
    }

    #[test]
    fn both_read_what_rsip_writes_alike(ordinary in ordinary()) {
        let Some(bytes) = ordinary.written_by_rsip() else {
            return Err(TestCaseError::fail("rsip does not write it"));
        };
        let ours = ours(&bytes);
        prop_assert!(ours.is_some(), "ours refuses {:?}", bytes);
        prop_assert_eq!(ours, theirs(&bytes));
    }

    #[test]
    fn rsip_reads_our_responses(ordinary in ordinary(), status in 100..700_u16) {
        let request = Message::parse(ordinary.written_by_us()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let bytes = Draft::response(&request, ordinary.sent_by, status, "ours").finish();
        let response = rsip::Response::try_from(bytes.as_ref());
        prop_assert!(response.is_ok(), "rsip refuses {:?}: {:?}", bytes, response.err());
        if let Ok(response) = response {
            prop_assert_eq!(u16::from(response.status_code.clone()), status);
            prop_assert_eq!(response.call_id_header().ok().map(|id| id.value().to_owned()), Some(ordinary.call_id.clone()));
            let via = response.via_header().ok().and_then(|via| via.typed().ok());
            prop_assert_eq!(
                via.as_ref().and_then(|via| via.branch()).map(|branch| branch.value().to_owned()),
                Some(ordinary.branch.clone())
            );
            prop_assert_eq!(
                via.and_then(|via| via.received().ok().flatten()),
                Some(ordinary.sent_by.ip())
            );
            prop_assert!(response.headers().iter().count() >= 6);
        }
    }
}
