//! Writing messages: one buffer, filled in order, Content-Length computed at the end.
//!
//! Whatever is given as a value, no line end gets into a header: nothing that a caller, a setting
//! or a peer supplies can add a header or a second message.

use std::fmt::{self, Display, Write as _};
use std::net::SocketAddr;

use bytes::Bytes;

use super::header::scan::{self, Elements};
use super::header::{HeaderName, Via};
use super::message::Message;
use super::method::Method;

/// Room for nearly every message, so that the buffer is allocated once.
const USUAL_BYTES: usize = 1_024;

/// A message in the making: start line and headers so far.
#[derive(Debug, Clone)]
pub struct Draft {
    buffer: Vec<u8>,
}

impl Draft {
    /// A request line. The headers follow with [`Draft::header`].
    pub fn request(method: &Method, uri: impl Display) -> Draft {
        let mut draft = Draft { buffer: Vec::with_capacity(USUAL_BYTES) };
        draft.put(format_args!("{method} {uri} SIP/2.0"));
        draft.end_line()
    }

    /// A response to `request`, which came from `source` (RFC 3261 section 8.2.6): its Vias in
    /// order, the topmost with received and rport filled in, From, To with `to_tag` unless it has
    /// a tag, Call-ID, CSeq and, where a dialog may follow, Record-Route. Broken headers are copied
    /// as they are.
    pub fn response(request: &Message, source: SocketAddr, status: u16, to_tag: &str) -> Draft {
        Draft::response_with_reason(request, source, status, reason_phrase(status), to_tag)
    }

    /// The same with another reason phrase, such as [`HeaderError::reason`]'s.
    ///
    /// [`HeaderError::reason`]: super::error::HeaderError::reason
    pub fn response_with_reason(
        request: &Message,
        source: SocketAddr,
        status: u16,
        reason: &str,
        to_tag: &str,
    ) -> Draft {
        let mut draft = Draft { buffer: Vec::with_capacity(USUAL_BYTES) };
        draft.put(format_args!("SIP/2.0 {status} {reason}"));
        draft = draft.end_line();
        for (nth, field) in request.fields(HeaderName::Via).enumerate() {
            let top = if nth == 0 { request.via().ok() } else { None };
            draft = match top {
                Some(mut via) => {
                    via.note_source(source);
                    draft.vias(&via, field)
                }
                None => draft.raw(HeaderName::Via, field),
            };
        }
        draft = draft.copy(request, HeaderName::From);
        draft = draft.tagged_to(request, if status == 100 { "" } else { to_tag });
        draft = draft.copy(request, HeaderName::CallId).copy(request, HeaderName::CSeq);
        let makes_dialog = matches!(
            request.method(),
            Some(Method::Invite | Method::Subscribe | Method::Refer | Method::Notify)
        );
        if makes_dialog && (101..300).contains(&status) {
            draft = draft.copy(request, HeaderName::RecordRoute);
        }
        draft
    }

    /// A list stays a list: were each hop given a line of its own, an answer could be several times
    /// as long as its question.
    fn vias(mut self, top: &Via, field: &[u8]) -> Draft {
        self.buffer.extend_from_slice(b"Via: ");
        self.put(top);
        for hop in Elements::new(field).skip(1) {
            self.buffer.extend_from_slice(b", ");
            self.buffer.extend_from_slice(&scan::unfold(hop));
        }
        self.end_line()
    }

    fn tagged_to(mut self, request: &Message, tag: &str) -> Draft {
        let Some(value) = request.header(HeaderName::To) else { return self };
        match request.to() {
            Ok(to) if to.tag().is_none() && !tag.is_empty() => {
                self.buffer.extend_from_slice(b"To: ");
                self.buffer.extend_from_slice(&scan::unfold(value));
                self.put(format_args!(";tag={tag}"));
                self.end_line()
            }
            Ok(_) | Err(_) => self.copy(request, HeaderName::To),
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: impl Display) -> Draft {
        self.buffer.extend_from_slice(name.as_str().as_bytes());
        self.buffer.extend_from_slice(b": ");
        self.put(value);
        self.end_line()
    }

    /// Adds a header that [`HeaderName`] does not know; left out if `name` is not a token.
    pub fn named(mut self, name: &str, value: impl Display) -> Draft {
        if name.is_empty() || !name.bytes().all(scan::is_token) {
            return self;
        }
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b": ");
        self.put(value);
        self.end_line()
    }

    /// Copies a header of any name; left out if `name` is not a token.
    pub fn named_raw(mut self, name: &[u8], value: &[u8]) -> Draft {
        if name.is_empty() || !name.iter().copied().all(scan::is_token) {
            return self;
        }
        self.buffer.extend_from_slice(name);
        self.buffer.extend_from_slice(b": ");
        self.buffer.extend_from_slice(&scan::unfold(value));
        self.end_line()
    }

    /// Adds a header if there is a value.
    pub fn header_if(self, name: HeaderName, value: Option<impl Display>) -> Draft {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Copies all fields of a header from another message, in order.
    pub fn copy(mut self, from: &Message, name: HeaderName) -> Draft {
        for value in from.fields(name) {
            self = self.raw(name, value);
        }
        self
    }

    /// Bytes that are not UTF-8 stay as they are: a tag or branch must come back unchanged.
    fn raw(mut self, name: HeaderName, value: &[u8]) -> Draft {
        self.buffer.extend_from_slice(name.as_str().as_bytes());
        self.buffer.extend_from_slice(b": ");
        self.buffer.extend_from_slice(&scan::unfold(value));
        self.end_line()
    }

    /// Ends the message without a body.
    pub fn finish(mut self) -> Bytes {
        self.buffer.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        self.into_bytes()
    }

    /// Ends the message with a body.
    pub fn finish_with(self, content_type: &str, body: impl AsRef<[u8]>) -> Bytes {
        let body = body.as_ref();
        let mut draft = self.header(HeaderName::ContentType, content_type);
        draft.put(format_args!("Content-Length: {}", body.len()));
        let mut draft = draft.end_line();
        draft.buffer.extend_from_slice(b"\r\n");
        draft.buffer.extend_from_slice(body);
        draft.into_bytes()
    }

    /// Without the spare room: a transaction keeps its message for half a minute.
    fn into_bytes(self) -> Bytes {
        Bytes::from(self.buffer.into_boxed_slice())
    }

    /// Writes a value; line ends in it become spaces.
    fn put(&mut self, value: impl Display) {
        // Writing to a Vec does not fail, and a Display that does leaves a shorter value.
        let _ = write!(OneLine(&mut self.buffer), "{value}");
    }

    fn end_line(mut self) -> Draft {
        self.buffer.extend_from_slice(b"\r\n");
        self
    }
}

/// Lets everything through but line ends.
struct OneLine<'a>(&'a mut Vec<u8>);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let from = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        for byte in self.0.iter_mut().skip(from) {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        Ok(())
    }
}

/// The usual words for a status (RFC 3261 section 21 and its extensions).
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        429 => "Provide Referrer Identity",
        428 => "Use Identity Header",
        433 => "Anonymity Disallowed",
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => match status / 100 {
            1 => "Progress",
            2 => "Success",
            3 => "Redirection",
            4 => "Request Failure",
            5 => "Server Failure",
            _ => "Global Failure",
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sip::header::Via;
    use crate::sip::transport::{Listener, Protocol};

    const REQUEST: &[u8] = b"INVITE sip:a@b SIP/2.0\r\n\
        Via: SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bK1, SIP/2.0/TCP b.example.com;x=1\r\n\
        Via: SIP/2.0/UDP c.example.com\r\n\
        Record-Route: <sip:p1;lr>\r\n\
        Record-Route: <sip:p2;lr>, <sip:p3;lr>\r\n\
        From: \"Ren\xe9\"\r\n <sip:a@example.com>;tag=1\r\n\
        To: sip:b@example.com\r\n\
        Call-ID: id@a\r\n\
        CSeq: 0007 INVITE\r\n\
        \r\n";

    fn request() -> Message {
        Message::parse(Bytes::from_static(REQUEST)).unwrap_or_else(|e| panic!("{e}"))
    }

    fn source() -> SocketAddr {
        SocketAddr::from(([198, 51, 100, 7], 40_000))
    }

    #[test]
    fn a_response_copies_what_the_request_is_matched_by() {
        let bytes = Draft::response(&request(), source(), 180, "t1").finish();
        let expected: &[u8] = b"SIP/2.0 180 Ringing\r\n\
            Via: SIP/2.0/UDP 10.0.0.1:5062;rport=40000;branch=z9hG4bK1;received=198.51.100.7, \
            SIP/2.0/TCP b.example.com;x=1\r\n\
            Via: SIP/2.0/UDP c.example.com\r\n\
            From: \"Ren\xe9\" <sip:a@example.com>;tag=1\r\n\
            To: sip:b@example.com;tag=t1\r\n\
            Call-ID: id@a\r\n\
            CSeq: 0007 INVITE\r\n\
            Record-Route: <sip:p1;lr>\r\n\
            Record-Route: <sip:p2;lr>, <sip:p3;lr>\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn an_answer_is_not_many_times_as_long_as_its_question() {
        let request = |hops: &str| format!("OPTIONS sip:a SIP/2.0\r\nVia: {hops}\r\n\r\n");
        for hops in [",a".repeat(9_000), "SIP/2.0/UDP a,".repeat(2_000), "a,".repeat(9_000)] {
            let question = request(&hops);
            let read = Message::parse(question.clone().into_bytes().into()).unwrap();
            let answer = Draft::response(&read, source(), 400, "t").finish();
            assert!(answer.len() < question.len() * 3 / 2 + 100, "{}", answer.len());
            assert!(Message::parse(answer).is_ok());
        }
    }

    #[test]
    fn a_100_and_a_refusal_carry_no_more_than_they_need() {
        let trying = Draft::response(&request(), source(), 100, "t1").finish();
        let trying = Message::parse(trying).ok();
        assert_eq!(trying.as_ref().map(|m| m.to().is_ok_and(|to| to.tag().is_none())), Some(true));
        assert_eq!(trying.map(|m| m.fields(HeaderName::RecordRoute).count()), Some(0));
        let refused = Draft::response_with_reason(&request(), source(), 400, "Bad CSeq", "t1");
        let refused = Message::parse(refused.finish()).ok();
        assert_eq!(refused.as_ref().map(Message::reason).as_deref(), Some("Bad CSeq"));
        assert_eq!(refused.map(|m| m.fields(HeaderName::RecordRoute).count()), Some(0));
    }

    #[test]
    fn a_request_is_written_with_its_length() {
        let via = Via::ours(&Listener::new(Protocol::Udp, source()), "z9hG4bKx");
        let bytes = Draft::request(&Method::Options, "sip:b@example.com")
            .header(HeaderName::Via, via)
            .header_if(HeaderName::Subject, None::<&str>)
            .named("X-Thing", 5)
            .named("Not a token", 5)
            .finish_with("text/plain", "hello");
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "OPTIONS sip:b@example.com SIP/2.0\r\n\
             Via: SIP/2.0/UDP 198.51.100.7:40000;rport;branch=z9hG4bKx\r\n\
             X-Thing: 5\r\n\
             Content-Type: text/plain\r\n\
             Content-Length: 5\r\n\r\nhello"
        );
    }

    proptest! {
        #[test]
        fn no_value_can_add_a_header_or_end_the_headers(value in "[a-z\r\n:; ]{0,40}") {
            let bytes = Draft::response_with_reason(&request(), source(), 486, &value, &value)
                .header(HeaderName::Subject, &value)
                .named("X-Thing", &value)
                .finish_with("text/plain", &value);
            let read = Message::parse(bytes);
            prop_assert!(read.is_ok());
            if let Ok(read) = read {
                prop_assert_eq!(read.iter().count(), 10);
                prop_assert_eq!(read.body(), value.as_bytes());
            }
        }
    }
}
