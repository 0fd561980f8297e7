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
    let feed = memchr::memchr(b'\n', rest)?;
    let content = rest.get(..feed)?;
    let (content, clean) = match content.strip_suffix(b"\r") {
        Some(content) => (content, true),
        None => (content, false),
    };
    let clean = clean && memchr::memchr(b'\r', content).is_none();
    Some(Line { end: start + content.len(), next: start + feed + 1, clean })
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

fn field(bytes: &[u8], start: usize, end: usize) -> Option<Field> {
    let text = bytes.get(start..end)?;
    let colon = memchr::memchr(b':', text)?;
    let before = text.get(..colon)?;
    let length = before.iter().take_while(|b| scan::is_token(**b)).count();
    let (name, space) = before.split_at_checked(length)?;
    if name.is_empty() || !space.iter().all(|b| matches!(b, b' ' | b'\t')) {
        return None;
    }
    Some(Field {
        header: HeaderName::from_bytes(name),
        name: Span::new(start, start + length),
        value: Span::trimmed(bytes, start + colon + 1, end),
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
