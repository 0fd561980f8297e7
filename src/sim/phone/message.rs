//! Messages as a phone builds and reads them, through `rsip`.

use std::net::SocketAddr;

use bytes::Bytes;
use rsip::headers::untyped::{ToTypedHeader, UntypedHeader};
use rsip::message::HasHeaders;
use rsip::{Header, Method, Request, Response, SipMessage, StatusCode, Uri, Version, headers};

/// What every request of a phone is made of.
#[derive(Debug, Clone)]
pub(super) struct Outline {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) via: SocketAddr,
    pub(super) branch: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) call_id: String,
    pub(super) seq: u32,
    pub(super) extra: Vec<Header>,
    pub(super) body: String,
}

impl Outline {
    /// The request's bytes.
    pub(super) fn build(self) -> Bytes {
        let via = format!("SIP/2.0/UDP {};branch={};rport", self.via, self.branch);
        let mut all = vec![
            Header::Via(headers::Via::new(via)),
            Header::MaxForwards(headers::MaxForwards::new("70")),
            Header::From(headers::From::new(self.from)),
            Header::To(headers::To::new(self.to)),
            Header::CallId(headers::CallId::new(self.call_id)),
            Header::CSeq(headers::CSeq::new(format!("{} {}", self.seq, self.method))),
        ];
        all.extend(self.extra);
        close(&mut all, &self.body);
        let request = Request {
            method: self.method,
            uri: self.uri,
            version: Version::V2,
            headers: all.into(),
            body: self.body.into_bytes(),
        };
        request.into()
    }
}

/// The same message from a phone that speaks TCP.
pub(super) fn over_tcp(message: Bytes, sent_by: SocketAddr) -> Bytes {
    let (udp, tcp) = (format!("SIP/2.0/UDP {sent_by};"), format!("SIP/2.0/TCP {sent_by};"));
    match std::str::from_utf8(&message) {
        Ok(text) => text.replace(&udp, &tcp).into(),
        Err(_) => message,
    }
}

/// A response to `request`: Via, From, To, Call-ID and CSeq copied, `tag` put on To if it has none.
pub(super) fn respond(
    request: &Request,
    status: u16,
    tag: &str,
    extra: Vec<Header>,
    body: String,
) -> Bytes {
    let mut all: Vec<Header> = Vec::new();
    for header in request.headers().iter() {
        match header {
            Header::To(to) if status > 100 && tag_of(to.value()).is_none() => {
                all.push(Header::To(headers::To::new(format!("{};tag={tag}", to.value()))));
            }
            Header::Via(_)
            | Header::From(_)
            | Header::To(_)
            | Header::CallId(_)
            | Header::CSeq(_)
            | Header::RecordRoute(_) => all.push(header.clone()),
            _ => {}
        }
    }
    all.extend(extra);
    close(&mut all, &body);
    let response = Response {
        status_code: StatusCode::from(status),
        version: Version::V2,
        headers: all.into(),
        body: body.into_bytes(),
    };
    response.into()
}

fn close(all: &mut Vec<Header>, body: &str) {
    if !body.is_empty() {
        all.push(Header::ContentType(headers::ContentType::new("application/sdp")));
    }
    all.push(Header::ContentLength(headers::ContentLength::new(body.len().to_string())));
}

/// What identifies a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) branch: String,
    pub(super) call_id: String,
    pub(super) seq: u32,
    pub(super) method: Method,
    pub(super) from_tag: String,
    pub(super) to_tag: Option<String>,
}

/// Reads bytes; none if they are not SIP, or not all of what every message needs is there.
pub(super) fn read(bytes: &[u8]) -> Option<(SipMessage, Key)> {
    let message = SipMessage::try_from(bytes).ok()?;
    let mut found = (None, None, None, None, None);
    for header in message.headers().iter() {
        match header {
            Header::Via(via) if found.0.is_none() => {
                found.0 = parameter(via.value(), "branch").map(str::to_owned);
            }
            Header::CallId(id) => found.1 = Some(id.value().trim().to_owned()),
            Header::CSeq(seq) => found.2 = seq.typed().ok(),
            Header::From(from) => found.3 = tag_of(from.value()).map(str::to_owned),
            Header::To(to) => found.4 = Some(tag_of(to.value()).map(str::to_owned)),
            _ => {}
        }
    }
    let cseq = found.2?;
    let key = Key {
        branch: found.0?,
        call_id: found.1?,
        seq: cseq.seq,
        method: cseq.method,
        from_tag: found.3.unwrap_or_default(),
        to_tag: found.4?,
    };
    Some((message, key))
}

/// The tag of a From or To.
pub(super) fn tag_of(value: &str) -> Option<&str> {
    // A display name may hold anything; parameters of the header come after the address.
    let after = value.rsplit_once('>').map_or(value, |(_, after)| after);
    parameter(after, "tag")
}

fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').skip(1).find_map(|one| {
        let (key, value) = one.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Display name and user part of a From.
pub(super) fn who(value: &str) -> (String, String) {
    let Some((display, rest)) = value.split_once('<') else {
        return (String::new(), user_of(value.trim()));
    };
    let display = display.trim();
    let plain = match display.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => {
            let mut plain = String::new();
            let mut letters = quoted.chars();
            while let Some(letter) = letters.next() {
                plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
            }
            plain
        }
        None => display.to_owned(),
    };
    (plain, user_of(rest))
}

fn user_of(uri: &str) -> String {
    let uri = uri.strip_prefix("sip:").unwrap_or(uri);
    uri.split_once('@').map_or(String::new(), |(user, _)| user.to_owned())
}

/// The URI of a message's Contact.
pub(super) fn contact(message: &SipMessage) -> Option<Uri> {
    message.headers().iter().find_map(|header| match header {
        Header::Contact(contact) => contact.typed().ok().map(|contact| contact.uri),
        _ => None,
    })
}

/// A header in whole seconds: `Expires`, `Retry-After`, `Min-Expires`.
pub(super) fn seconds(message: &SipMessage, pick: fn(&Header) -> Option<&str>) -> Option<u32> {
    let value = message.headers().iter().find_map(pick)?;
    let digits = value.trim();
    digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_we_build_reads_back_with_star_codes_and_quoted_names() {
        let bytes = Outline {
            method: Method::Invite,
            uri: Uri::try_from("sip:*72@127.0.0.1:5060").expect("a uri"),
            via: ([127, 0, 0, 1], 5071).into(),
            branch: "z9hG4bKx".to_owned(),
            from: "\"Waste: \\\"A; tag=x\\\"\" <sip:amy@127.0.0.1>;tag=abc".to_owned(),
            to: "<sip:*72@127.0.0.1>".to_owned(),
            call_id: "1@x".to_owned(),
            seq: 7,
            extra: vec![Header::Contact(headers::Contact::new("<sip:amy@127.0.0.1:5071>"))],
            body: "v=0\r\n".to_owned(),
        }
        .build();
        let (message, key) = read(&bytes).expect("reads back");
        assert_eq!((key.branch.as_str(), key.seq, key.from_tag.as_str()), ("z9hG4bKx", 7, "abc"));
        assert_eq!(key.to_tag, None);
        let SipMessage::Request(request) = &message else { panic!("a request") };
        assert_eq!(request.uri.user(), Some("*72"));
        assert_eq!(contact(&message).expect("a contact").to_string(), "sip:amy@127.0.0.1:5071");
        let from = request.headers().iter().find_map(|header| match header {
            Header::From(from) => Some(who(from.value())),
            _ => None,
        });
        assert_eq!(from, Some(("Waste: \"A; tag=x\"".to_owned(), "amy".to_owned())));
        let ok = respond(request, 200, "mine", Vec::new(), String::new());
        let (_, answered) = read(&ok).expect("reads back");
        assert_eq!((answered.to_tag.as_deref(), answered.branch), (Some("mine"), key.branch));
    }

    #[test]
    fn garbage_is_not_a_message() {
        for bytes in [&b""[..], b"\r\n\r\n", b"INVITE sip:a SIP/2.0\r\n\r\n", &[0xff; 40]] {
            assert!(read(bytes).is_none());
        }
    }
}
