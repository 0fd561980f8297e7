//! Messages: every header by its typed reader; what is printed says the same again.

use std::fmt::{Debug, Display};
use std::net::SocketAddr;

use bytes::Bytes;
use switchboard::sip::error::{HeaderError, UriError, Why};
use switchboard::sip::header::{
    CSeq, Challenge, Contacts, Credentials, HeaderName, NameAddr, Replaces, SessionExpires, Via,
};
use switchboard::sip::message::{Essentials, MAX_HEADERS, MAX_MESSAGE_BYTES, Message};
use switchboard::sip::method::Method;
use switchboard::sip::uri::Uri;
use switchboard::sip::write::Draft;

const ADDRESSES: [HeaderName; 8] = [
    HeaderName::Route,
    HeaderName::RecordRoute,
    HeaderName::PAssertedIdentity,
    HeaderName::Diversion,
    HeaderName::HistoryInfo,
    HeaderName::ReferTo,
    HeaderName::ReferredBy,
    HeaderName::Path,
];

const NUMBERS: [HeaderName; 4] =
    [HeaderName::Expires, HeaderName::MinExpires, HeaderName::MinSe, HeaderName::RSeq];

/// As many parameters may a header have.
const MOST_PARAMS: usize = 64;

/// All that typed readers make of a message.
#[derive(Debug, PartialEq)]
struct Told {
    method: Option<Method>,
    uri: Result<Uri, UriError>,
    essentials: Result<Essentials, HeaderError>,
    vias: Vec<Result<Via, HeaderError>>,
    contacts: Result<Contacts, HeaderError>,
    contact: Result<NameAddr, HeaderError>,
    addresses: Vec<Result<Vec<NameAddr>, HeaderError>>,
    numbers: Vec<Result<Option<u32>, HeaderError>>,
    max_forwards: Result<Option<u8>, HeaderError>,
    retry_after_s: Result<Option<u32>, HeaderError>,
    private: bool,
    credentials: Vec<Result<Credentials, HeaderError>>,
    challenges: Vec<Result<Challenge, HeaderError>>,
    replaces: Option<Result<Replaces, Why>>,
    session: Option<Result<SessionExpires, Why>>,
    retried: Option<String>,
    rack: Option<String>,
    texts: Vec<Option<String>>,
}

/// One datagram.
pub fn run(data: &[u8]) {
    match Message::parse(Bytes::copy_from_slice(data)) {
        Ok(message) => whole(&message),
        Err(error) => {
            if let Some(request) = error.answerable() {
                let (status, reason) = error.fault.answer();
                answered(request, status, reason);
            }
        }
    }
}

fn whole(message: &Message) {
    assert!(message.bytes().len() <= MAX_MESSAGE_BYTES && message.iter().count() <= MAX_HEADERS);
    let told = told(message);
    readable(&told);
    if message.is_request() {
        let reason = told.essentials.err().map(|error| error.reason());
        answered(message, 400, reason.as_deref().unwrap_or("Bad Request"));
        answered(message, 200, "OK");
        reprinted(message);
    }
}

fn told(message: &Message) -> Told {
    let both = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let asked = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate];
    Told {
        method: message.method().cloned(),
        uri: message.request_uri(),
        essentials: message.essentials(),
        vias: message.vias().collect(),
        contacts: message.contacts(),
        contact: message.contact(),
        addresses: ADDRESSES.iter().map(|name| message.addresses(*name)).collect(),
        numbers: NUMBERS.iter().map(|name| message.number(*name)).collect(),
        max_forwards: message.max_forwards(),
        retry_after_s: message.retry_after_s(),
        private: message.asks_privacy(),
        credentials: both.iter().flat_map(|name| message.credentials(*name)).collect(),
        challenges: asked.iter().flat_map(|name| message.challenges(*name)).collect(),
        replaces: message.header(HeaderName::Replaces).map(Replaces::parse),
        session: message.header(HeaderName::SessionExpires).map(SessionExpires::parse),
        retried: message.text(HeaderName::RetryAfter),
        rack: message.text(HeaderName::RAck),
        texts: HeaderName::KNOWN.iter().map(|name| message.text(*name)).collect(),
    }
}

/// What was read is printed so that it reads the same.
fn readable(told: &Told) {
    fn same<T: Display + Debug + PartialEq, E: Debug + PartialEq>(
        read: &T,
        parse: impl Fn(&[u8]) -> Result<T, E>,
    ) {
        let text = read.to_string();
        assert_eq!(parse(text.as_bytes()).as_ref(), Ok(read), "{text}");
    }
    for via in told.vias.iter().flatten() {
        same(via, Via::parse);
        // Two parameters more than it had.
        if via.params.iter().count() < MOST_PARAMS - 2 {
            let mut noted = via.clone();
            noted.note_source(SocketAddr::from(([192, 0, 2, 9], 5070)));
            same(&noted, Via::parse);
        }
        let _ = (via.branch(), via.rport(), via.received(), via.has_rfc3261_branch());
    }
    if let Ok(essentials) = &told.essentials {
        same(&essentials.from, NameAddr::parse);
        if essentials.to.params.iter().count() < MOST_PARAMS {
            same(&essentials.to.clone().with_tag("t"), NameAddr::parse);
        }
        same(&essentials.cseq, CSeq::parse);
        same(&essentials.from.uri, Uri::parse);
    }
    if let Ok(Contacts::List(contacts)) = &told.contacts {
        contacts.iter().for_each(|contact| same(contact, NameAddr::parse));
    }
    let lists = told.addresses.iter().flatten();
    lists.flatten().for_each(|address| same(address, NameAddr::parse));
    if let Some(Ok(replaces)) = &told.replaces {
        same(replaces, Replaces::parse);
    }
    if let Some(Ok(session)) = &told.session {
        same(session, SessionExpires::parse);
    }
    for credentials in told.credentials.iter().flatten() {
        same(credentials, |text| Credentials::parse(text).map(|read| read.expect("Digest")));
    }
    for challenge in told.challenges.iter().flatten() {
        same(challenge, |text| Challenge::parse(text).map(|read| read.expect("Digest")));
    }
}

/// A response of ours is one message whose headers are the request's, and no more.
fn answered(request: &Message, status: u16, reason: &str) {
    let source = SocketAddr::from(([192, 0, 2, 9], 5070));
    let bytes = Draft::response_with_reason(request, source, status, reason, "tag").finish();
    // Whoever forges a sender's address must not win by it.
    let most = 2 * request.bytes().len() + 512;
    assert!(bytes.len() <= most, "{} bytes answered with {}", request.bytes().len(), bytes.len());
    let answer = Message::parse(bytes).expect("an answer of ours can be read");
    assert_eq!(answer.status(), Some(status));
    assert!(answer.body().is_empty());
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        assert_eq!(answer.fields(name).count(), request.fields(name).count(), "{name}");
    }
    let asked = request.headers(HeaderName::Via).count();
    assert_eq!(answer.headers(HeaderName::Via).count(), asked);
    assert_eq!(answer.call_id(), request.call_id());
    assert_eq!(answer.cseq(), request.cseq());
    if let (Ok(asked), Ok(told)) = (request.essentials(), answer.essentials()) {
        assert_eq!(told.from, asked.from);
        assert_eq!(told.to.uri, asked.to.uri);
        assert!(told.to.tag().is_some());
        assert_eq!(told.via.branch(), asked.via.branch());
    }
}

/// The same message in our own spelling.
fn reprinted(message: &Message) {
    let Some(method) = message.method() else { return };
    let uri = String::from_utf8_lossy(message.request_uri_bytes());
    if uri.as_bytes() != message.request_uri_bytes() {
        return;
    }
    let mut draft = Draft::request(method, uri);
    for (name, value) in message.iter() {
        let known = HeaderName::from_bytes(name);
        if known != HeaderName::ContentLength && known != HeaderName::ContentType {
            draft = draft.named_raw(name, value);
        }
    }
    let kind = message.text(HeaderName::ContentType).unwrap_or_default();
    let bytes = draft.finish_with(&kind, message.body());
    if bytes.len() > MAX_MESSAGE_BYTES {
        return;
    }
    let again = match Message::parse(bytes.clone()) {
        Ok(again) => again,
        // Two headers more than it had.
        Err(_) if message.iter().count() + 2 > MAX_HEADERS => return,
        Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(&bytes)),
    };
    let (mut before, mut after) = (told(message), told(&again));
    for told in [&mut before, &mut after] {
        let lengths = [HeaderName::ContentLength, HeaderName::ContentType];
        for (text, name) in told.texts.iter_mut().zip(HeaderName::KNOWN) {
            if lengths.contains(name) {
                *text = None;
            }
        }
    }
    assert_eq!(before, after);
    assert_eq!(message.body(), again.body());
}
