//! Finding the parts of a message: start line, fields, body.

use std::ops::Range;

use bytes::Bytes;

use super::{MAX_HEADERS, MAX_MESSAGE_BYTES, Message};
use crate::sip::error::{Fault, ParseError};
use crate::sip::header::HeaderName;
use crate::sip::header::scan;
use crate::sip::method::Method;

/// Enough for the headers of nearly every message, so that the index is allocated once.
const USUAL_HEADERS: usize = 24;

/// A part of the message: [`MAX_MESSAGE_BYTES`] fits 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    fn new(start: usize, end: usize) -> Span {
        let clamp = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Span { start: clamp(start), end: clamp(end) }
    }

    /// The span without white space at both ends.
    fn trimmed(bytes: &[u8], start: usize, end: usize) -> Span {
        let part = bytes.get(start..end).unwrap_or_default();
        let lead = part.iter().take_while(|b| scan::is_lws(**b)).count();
        let trail = part.iter().rev().take_while(|b| scan::is_lws(**b)).count();
        Span::new(start + lead, (start + lead).max(end.saturating_sub(trail)))
    }

    pub(super) fn range(self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }
}

#[derive(Debug, Clone)]
pub(super) enum Start {
    Request { method: Method, uri: Span },
    Response { status: u16, reason: Span },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) header: HeaderName,
    pub(super) name: Span,
    pub(super) value: Span,
}

/// A line: its content's end, the next line's start, and whether its end was a clean CRLF with no
/// other CR in the line. A bare CR or LF would be a line end to some of those we copy values to.
struct Line {
    end: usize,
    next: usize,
    clean: bool,
}

fn line(bytes: &[u8], start: usize) -> Option<Line> {
    let rest = bytes.get(start..)?;
    let stop = memchr::memchr2(b'\r', b'\n', rest)?;
    if let Some([b'\r', b'\n', ..]) = rest.get(stop..) {
        return Some(Line { end: start + stop, next: start + stop + 2, clean: true });
    }
    let feed = stop + memchr::memchr(b'\n', rest.get(stop..)?)?;
    let content = rest.get(..feed)?;
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    Some(Line { end: start + content.len(), next: start + feed + 1, clean: false })
}

pub(super) fn parse(bytes: Bytes) -> Result<Message, ParseError> {
    let alone = |fault| ParseError { fault, partial: None };
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(alone(Fault::TooLarge));
    }
    // RFC 3261 section 7.5: line ends before the start line are ignored.
    let begin = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    if begin == bytes.len() {
        return Err(alone(Fault::KeepAlive));
    }
    let first = line(&bytes, begin).ok_or(alone(Fault::NotSip))?;
    let (start, mut fault) = start_line(&bytes, begin, first.end).ok_or(alone(Fault::NotSip))?;
    if !first.clean {
        fault = fault.or(Some(Fault::HeaderLine));
    }

    let mut message =
        Message { bytes, start, fields: Vec::with_capacity(USUAL_HEADERS), body: Span::default() };
    let (body, header_fault) = message.index_fields(first.next);
    fault = fault.or(header_fault);
    match message.frame_body(body) {
        Ok(span) => message.body = span,
        Err(framing) => fault = fault.or(Some(framing)),
    }
    match fault {
        None => Ok(message),
        Some(fault) => {
            message.body = Span::default();
            Err(ParseError { fault, partial: Some(Box::new(message)) })
        }
    }
}

impl Message {
    /// Indexes all fields, going on after a broken line so that what is needed for an answer is
    /// found. Returns where the body begins, and the first fault.
    fn index_fields(&mut self, mut at: usize) -> (usize, Option<Fault>) {
        let mut fault = None;
        loop {
            let Some(mut found) = line(&self.bytes, at) else {
                return (self.bytes.len(), fault.or(Some(Fault::Unterminated)));
            };
            if found.end == at {
                // A bare LF as the empty line is not clean, but nothing else it could be.
                return (found.next, fault.or((!found.clean).then_some(Fault::HeaderLine)));
            }
            let mut clean = found.clean;
            while matches!(self.bytes.get(found.next), Some(b' ' | b'\t')) {
                let Some(folded) = line(&self.bytes, found.next) else { break };
                clean &= folded.clean;
                found = folded;
            }
            if self.fields.len() == MAX_HEADERS {
                return (self.bytes.len(), fault.or(Some(Fault::TooManyHeaders)));
            }
            match field(&self.bytes, at, found.end) {
                Some(field) if clean => self.fields.push(field),
                _ => fault = fault.or(Some(Fault::HeaderLine)),
            }
            at = found.next;
        }
    }

    /// The body by Content-Length; without one, the rest of the datagram.
    fn frame_body(&self, begin: usize) -> Result<Span, Fault> {
        let mut lengths = self.fields(HeaderName::ContentLength);
        let end = match lengths.next() {
            None => self.bytes.len(),
            Some(value) => {
                if lengths.next().is_some() {
                    return Err(Fault::ContentLength);
                }
                let length = scan::number(value, u64::MAX - 1).map_err(|_| Fault::ContentLength)?;
                let length = usize::try_from(length).map_err(|_| Fault::ShortBody)?;
                begin.checked_add(length).ok_or(Fault::ShortBody)?
            }
        };
        if end > self.bytes.len() {
            return Err(Fault::ShortBody);
        }
        Ok(Span::new(begin, end))
    }
}

/// What the headers of a message in a stream say of the length of its body: `head` ends with the
/// empty line. Reads lines as [`parse`] does, so that both see the same end.
pub(super) fn content_length(head: &[u8]) -> Result<u64, Fault> {
    let mut found = None;
    let mut at = line(head, 0).map_or(head.len(), |first| first.next);
    while let Some(mut next) = line(head, at).filter(|line| line.end > at) {
        let mut clean = next.clean;
        while matches!(head.get(next.next), Some(b' ' | b'\t')) {
            let Some(folded) = line(head, next.next) else { break };
            clean &= folded.clean;
            next = folded;
        }
        if let Some(field) = field(head, at, next.end).filter(|_| clean)
            && field.header == HeaderName::ContentLength
        {
            let value = head.get(field.value.range()).unwrap_or_default();
            let length = scan::number(value, u64::MAX - 1).map_err(|_| Fault::ContentLength)?;
            if found.replace(length).is_some() {
                return Err(Fault::ContentLength);
            }
        }
        at = next.next;
    }
    found.ok_or(Fault::NoContentLength)
}

fn field(bytes: &[u8], start: usize, end: usize) -> Option<Field> {
    let text = bytes.get(start..end)?;
    let length = text.iter().take_while(|b| scan::is_token(**b)).count();
    let (name, after) = text.split_at_checked(length)?;
    let space = after.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    if name.is_empty() || after.get(space) != Some(&b':') {
        return None;
    }
    Some(Field {
        header: HeaderName::from_bytes(name),
        name: Span::new(start, start + length),
        value: Span::trimmed(bytes, start + length + space + 1, end),
    })
}

/// Reads the start line as far as it goes; none if it is not SIP at all.
fn start_line(bytes: &[u8], start: usize, end: usize) -> Option<(Start, Option<Fault>)> {
    let text = bytes.get(start..end)?;
    if text.get(..4)?.eq_ignore_ascii_case(b"SIP/") {
        return Some(status_line(text, start, end));
    }
    let mut words = text.split(|b| *b == b' ');
    let method = Method::from_bytes(words.next()?)?;
    let (uri, version) = (words.next(), words.next());
    let well_formed = uri.is_some_and(|uri| !uri.is_empty()) && words.next().is_none();
    if let (true, Some(uri), Some(version)) = (well_formed, uri, version) {
        let fault = match version.get(..4) {
            Some(name) if name.eq_ignore_ascii_case(b"SIP/") => {
                (version.get(4..) != Some(b"2.0")).then_some(Fault::Version)
            }
            _ => return None,
        };
        let at = start + method.as_str().len() + 1;
        return Some((Start::Request { method, uri: Span::new(at, at + uri.len()) }, fault));
    }
    // Too many spaces, or a part is missing: a request all the same if it ends like one.
    let ends_like_one = text.windows(5).any(|part| part.eq_ignore_ascii_case(b" SIP/"));
    ends_like_one
        .then(|| (Start::Request { method, uri: Span::default() }, Some(Fault::RequestLine)))
}

fn status_line(text: &[u8], start: usize, end: usize) -> (Start, Option<Fault>) {
    let mut words = text.splitn(3, |b| *b == b' ');
    let version = words.next().unwrap_or_default();
    let code = words.next().unwrap_or_default();
    let reason = words.next().unwrap_or_default();
    let status = match code {
        [a @ b'1'..=b'6', b, c] if b.is_ascii_digit() && c.is_ascii_digit() => {
            [a, b, c].iter().fold(0, |sum, digit| sum * 10 + u16::from(**digit - b'0'))
        }
        _ => 0,
    };
    let fault = if version.get(4..) != Some(b"2.0") {
        Some(Fault::Version)
    } else if status == 0 {
        Some(Fault::StatusLine)
    } else {
        None
    };
    let reason = Span::trimmed(text, text.len() - reason.len(), text.len());
    let reason = Span::new(start + reason.range().start, (start + reason.range().end).min(end));
    (Start::Response { status, reason }, fault)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sip::error::Why;
    use crate::sip::header::Contacts;

    const INVITE: &str = "INVITE sip:01708434343@192.0.2.1 SIP/2.0\r\n\
        Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1, SIP/2.0/TCP b.example.com\r\n\
        v: SIP/2.0/UDP c.example.com\r\n\
        f: \"A\" <sip:a@example.com>;tag=1\r\n\
        t: <sip:b@example.com>\r\n\
        i: id@a\r\n\
        CSeq: 1 INVITE\r\n\
        X-Thing : one\r\n  two\r\n\
        c: application/sdp;x=y\r\n\
        l: 5\r\n\
        \r\n\
        hello, and more";

    fn parsed(text: &str) -> Result<Message, ParseError> {
        Message::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn fault(text: &str) -> Option<Fault> {
        parsed(text).err().map(|error| error.fault)
    }

    fn message(text: &str) -> Message {
        parsed(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn the_parts_of_a_request_are_found() {
        let invite = message(INVITE);
        assert_eq!(invite.method(), Some(&Method::Invite));
        assert_eq!(invite.request_uri_bytes(), b"sip:01708434343@192.0.2.1");
        assert_eq!(invite.vias().filter_map(Result::ok).count(), 3);
        assert_eq!(invite.call_id(), Ok("id@a"));
        assert_eq!(invite.body(), b"hello");
        assert_eq!(invite.body_of("Application/SDP").as_deref(), Some(&b"hello"[..]));
        assert_eq!(invite.body_of("text/plain"), None);
        assert_eq!(invite.named("x-thing").map(scan::text).collect::<Vec<_>>(), ["one two"]);
        assert_eq!(invite.contacts(), Ok(Contacts::List(Vec::new())));
        assert_eq!(invite.header(HeaderName::Other), None);
        assert!(invite.essentials().is_ok());
    }

    #[test]
    fn the_index_is_one_allocation_for_a_usual_message() {
        assert_eq!(message(INVITE).fields.capacity(), USUAL_HEADERS);
        assert!(size_of::<Field>() <= 10);
    }

    #[test]
    fn line_ends_before_the_start_line_are_ignored_and_alone_are_a_keep_alive() {
        assert!(parsed(&format!("\r\n\r\n{INVITE}")).is_ok());
        assert_eq!(fault("\r\n\r\n"), Some(Fault::KeepAlive));
        assert_eq!(fault(""), Some(Fault::KeepAlive));
    }

    #[test]
    fn what_is_not_sip_is_not_answered() {
        for text in ["\0\u{1}\0\u{8}!\u{12}", "GET / HTTP/1.1\r\n\r\n", "hello\r\n\r\n", " \r\n"] {
            let error = parsed(text).err();
            assert_eq!(error.as_ref().map(|e| e.fault), Some(Fault::NotSip), "{text}");
            assert!(error.is_some_and(|e| e.answerable().is_none()));
        }
    }

    #[test]
    fn each_fault_is_named_and_the_rest_is_indexed_for_the_answer() {
        for (from, to, fault) in [
            ("SIP/2.0\r\nVia", "SIP/3.0\r\nVia", Fault::Version),
            ("INVITE sip", "INVITE  sip", Fault::RequestLine),
            ("f: ", "f ", Fault::HeaderLine),
            ("f: ", ": ", Fault::HeaderLine),
            ("f: \"A", "f: \"A\n", Fault::HeaderLine),
            ("f: \"A", "f: \"A\rX: y", Fault::HeaderLine),
            ("l: 5", "l: 5, 5", Fault::ContentLength),
            ("l: 5", "l: -5", Fault::ContentLength),
            ("l: 5", "l: 5\r\nl: 5", Fault::ContentLength),
            ("l: 5", "l: 99999999999999999999999999", Fault::ContentLength),
            ("l: 5", "l: 18446744073709551000", Fault::ShortBody),
            ("l: 5", "l: 500", Fault::ShortBody),
            ("\r\n\r\nhello, and more", "\r\n", Fault::Unterminated),
        ] {
            let error = parsed(&INVITE.replacen(from, to, 1)).err();
            assert_eq!(error.as_ref().map(|e| e.fault), Some(fault), "{to:?}");
            let request = error.as_ref().and_then(ParseError::answerable);
            assert!(
                request.is_some_and(|r| r.via().is_ok() && r.call_id() == Ok("id@a")),
                "{to:?}"
            );
            assert!(request.is_some_and(|r| r.body().is_empty()));
        }
    }

    #[test]
    fn limits_are_faults() {
        let long = INVITE.replace("hello", &"x".repeat(70_000));
        assert_eq!(fault(&long), Some(Fault::TooLarge));
        let many = INVITE.replace("X-Thing : one\r\n  two\r\n", &"X: y\r\n".repeat(300));
        assert_eq!(fault(&many), Some(Fault::TooManyHeaders));
    }

    #[test]
    fn a_header_that_nobody_needs_may_be_broken() {
        let text = INVITE.replace("X-Thing : one", "Date: yesterday\r\nExpires: x\r\nContact: <");
        let invite = message(&text);
        assert!(invite.essentials().is_ok());
        assert_eq!(invite.expires_s().map_err(|e| e.why), Err(Why::Syntax));
        assert!(invite.contacts().is_err());
    }

    #[test]
    fn headers_of_one_value_may_not_be_repeated() {
        let invite = message(&INVITE.replace("CSeq: 1 INVITE", "CSeq: 1 INVITE\r\nCSeq: 2 INVITE"));
        let error = invite.essentials().err();
        assert_eq!(error.map(|e| (e.header, e.why)), Some((HeaderName::CSeq, Why::Repeated)));
        assert_eq!(error.map(|e| e.reason()).as_deref(), Some("Bad CSeq (occurs more than once)"));
    }

    #[test]
    fn a_status_line_has_three_digits_and_perhaps_words() {
        let response = |line: &str| parsed(&format!("{line}\r\nl: 0\r\n\r\n"));
        let ok = response("SIP/2.0 200 All is \u{e9}").ok();
        assert_eq!(ok.as_ref().and_then(Message::status), Some(200));
        assert_eq!(ok.map(|m| m.reason()).as_deref(), Some("All is \u{e9}"));
        assert_eq!(response("SIP/2.0 100 ").ok().and_then(|m| m.status()), Some(100));
        assert_eq!(response("SIP/2.0 100").ok().and_then(|m| m.status()), Some(100));
        for line in ["SIP/2.0 4294967301 x", "SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 20 x"] {
            assert_eq!(response(line).err().map(|e| e.fault), Some(Fault::StatusLine), "{line}");
        }
        assert!(response("SIP/2.0 20 x").is_err_and(|e| e.answerable().is_none()));
    }

    #[test]
    fn contacts_are_a_star_or_a_list_never_both() {
        let with = |contact: &str| {
            message(&INVITE.replace("X-Thing : one", &format!("Contact: {contact}"))).contacts()
        };
        assert_eq!(with("*\r\nX: y"), Ok(Contacts::All));
        assert!(with("*, <sip:a@b>\r\nX: y").is_err());
        assert!(
            matches!(with("<sip:a@b>, <sip:c@d>\r\nX: y"), Ok(Contacts::List(l)) if l.len() == 2)
        );
    }

    #[test]
    fn privacy_is_asked_for_by_any_of_its_words_but_none() {
        let with = |privacy: &str| {
            message(&INVITE.replace("X-Thing : one\r\n  two", &format!("Privacy: {privacy}")))
                .asks_privacy()
        };
        assert!(with("id"));
        assert!(with("header;user;critical"));
        assert!(with("Full"));
        assert!(!with("none"));
        assert!(!with("critical"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            touch(Message::parse(bytes.into()));
        }

        #[test]
        fn a_message_with_any_bytes_replaced_is_a_message_or_an_error(
            at in 0..INVITE.len(), with in proptest::collection::vec(any::<u8>(), 0..6), cut in 0..8_usize,
        ) {
            let mut bytes = INVITE.as_bytes().to_vec();
            bytes.splice(at..(at + cut).min(INVITE.len()), with);
            touch(Message::parse(bytes.into()));
        }
    }

    fn touch(parsed: Result<Message, ParseError>) {
        let message = match &parsed {
            Ok(message) => message,
            Err(error) => match &error.partial {
                Some(partial) => partial,
                None => return,
            },
        };
        let _ = (message.request_uri(), message.essentials(), message.contacts(), message.reason());
        let _ = (message.contact(), message.max_forwards(), message.retry_after_s());
        let _ = (message.content_type(), message.asks_privacy(), message.body_bytes());
        let _ = message.credentials(HeaderName::Authorization).count();
        let source = std::net::SocketAddr::from(([192, 0, 2, 9], 5070));
        let response = crate::sip::write::Draft::response(message, source, 200, "tag").finish();
        let Ok(response) = Message::parse(response) else {
            panic!("a response of ours does not parse: {message:?}");
        };
        assert_eq!(
            response.fields(HeaderName::From).count(),
            message.fields(HeaderName::From).count()
        );
    }
}
