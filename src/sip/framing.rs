//! Cutting a byte stream into messages (RFC 3261 section 18.3) and keep-alives (RFC 5626 section
//! 4.4.1): no socket, no clock.
//!
//! Whoever owns the connection gives what it read to [`Framer::push`] and calls [`Framer::poll`]
//! until there is nothing more. A stream that cannot be cut once cannot be cut again: after a
//! [`FramingError`] the connection is to be closed.

use std::net::SocketAddr;

use bytes::Bytes;

use super::error::Fault;
use super::header::HeaderName;
use super::header::scan::is_token;
use super::message::{self, MAX_MESSAGE_BYTES, Message};
use super::method::Method;
use super::write::Draft;

/// What answers a keep-alive.
pub const PONG: &[u8] = b"\r\n";
/// A keep-alive: a double line end between messages.
pub const PING: &[u8] = b"\r\n\r\n";

/// A buffer that grew beyond this is given back once it is empty: thousands of phones are silent
/// most of the time.
const KEPT_BYTES: usize = 4_096;

/// Bounds on one message of a stream, in bytes. Reaching one is 513.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FramingLimits {
    /// A line of the header section.
    pub line: usize,
    /// The start line and the header section.
    pub head: usize,
    /// The body.
    pub body: usize,
}

impl Default for FramingLimits {
    /// Together no more than [`MAX_MESSAGE_BYTES`].
    fn default() -> Self {
        FramingLimits { line: 8_192, head: 16_384, body: MAX_MESSAGE_BYTES - 16_384 }
    }
}

/// What a stream carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One whole message.
    Message(Bytes),
    /// A keep-alive, to be answered with [`PONG`].
    Ping,
    /// The answer to a keep-alive of ours.
    Pong,
}

/// Why a stream cannot be cut any further.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{fault}")]
pub struct FramingError {
    /// What is wrong.
    pub fault: Fault,
    /// As much of the message as came.
    head: Bytes,
}

impl FramingError {
    /// The refusal of a request that has told enough of itself to be refused (400 or 513); nothing
    /// for responses and for what is not SIP. It is the last thing to be sent on the connection.
    pub fn answer(&self, source: SocketAddr, to_tag: &str) -> Option<Bytes> {
        let parsed = Message::parse(self.head.clone());
        let request = match &parsed {
            Ok(message) if message.method() == Some(&Method::Ack) => None,
            Ok(message) => message.is_request().then_some(message),
            Err(error) => error.answerable(),
        }?;
        request.header(HeaderName::Via)?;
        let (status, reason) = self.fault.answer();
        Some(Draft::response_with_reason(request, source, status, reason, to_tag).finish())
    }
}

/// Cuts one connection's bytes.
#[derive(Debug)]
pub struct Framer {
    limits: FramingLimits,
    buffer: Vec<u8>,
    /// Where the next frame begins.
    begin: usize,
    /// Everything before this has been looked at, so that one-byte reads cost no more than others.
    seen: usize,
    /// Where the line that is being looked at begins.
    line: usize,
    /// How long the message is, once its header section has ended.
    length: Option<usize>,
    /// One line end of a keep-alive came.
    half_ping: bool,
    pongs_due: u32,
}

impl Default for Framer {
    fn default() -> Self {
        Framer::new(FramingLimits::default())
    }
}

impl Framer {
    /// Nothing has come.
    pub fn new(limits: FramingLimits) -> Framer {
        Framer {
            limits,
            buffer: Vec::new(),
            begin: 0,
            seen: 0,
            line: 0,
            length: None,
            half_ping: false,
            pongs_due: 0,
        }
    }

    /// Takes in what was read. What is held is bounded by the limits and the bytes given since the
    /// last [`Framer::poll`].
    pub fn push(&mut self, bytes: &[u8]) {
        if self.begin == self.buffer.len() {
            self.buffer.clear();
            self.restart(0);
        } else if self.begin > self.buffer.len() / 2 {
            self.buffer.drain(..self.begin);
            self.seen -= self.begin;
            self.line -= self.begin;
            self.begin = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// We sent a keep-alive: the next single line end is its answer.
    pub fn expect_pong(&mut self) {
        self.pongs_due = self.pongs_due.saturating_add(1);
    }

    /// Whether a message has begun and not ended.
    pub fn is_within_message(&self) -> bool {
        self.begin < self.buffer.len()
    }

    /// How much memory it takes.
    pub fn held_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// The next frame; none until more bytes have come.
    pub fn poll(&mut self) -> Result<Option<Frame>, FramingError> {
        if self.length.is_none() {
            if let Some(keep_alive) = self.skip_line_ends() {
                return Ok(Some(keep_alive));
            }
            self.length = self.find_head()?;
        }
        let Some(length) = self.length.filter(|length| self.buffer.len() - self.begin >= *length)
        else {
            self.give_back();
            return Ok(None);
        };
        let end = self.begin + length;
        // A copy: transactions keep a message for long, and must not keep its neighbours.
        let message = Bytes::copy_from_slice(self.buffer.get(self.begin..end).unwrap_or_default());
        self.restart(end);
        self.half_ping = false;
        Ok(Some(Frame::Message(message)))
    }

    fn restart(&mut self, at: usize) {
        self.begin = at;
        self.seen = at;
        self.line = at;
        self.length = None;
    }

    fn give_back(&mut self) {
        if self.begin == self.buffer.len() && self.buffer.capacity() > KEPT_BYTES {
            self.buffer = Vec::new();
            self.restart(0);
        }
    }

    /// Between messages: line ends are keep-alives, or mean nothing (RFC 3261 section 7.5).
    fn skip_line_ends(&mut self) -> Option<Frame> {
        while let Some(byte) = self.buffer.get(self.begin) {
            let skipped = match (byte, self.buffer.get(self.begin + 1)) {
                (b'\r', None) => return None,
                (b'\r', Some(b'\n')) => 2,
                (b'\r' | b'\n', _) => 1,
                _ => break,
            };
            self.restart(self.begin + skipped);
            if skipped == 1 {
                continue;
            }
            if self.pongs_due > 0 {
                self.pongs_due -= 1;
                return Some(Frame::Pong);
            }
            self.half_ping = !self.half_ping;
            if !self.half_ping {
                return Some(Frame::Ping);
            }
        }
        None
    }

    /// Looks for the empty line, and for the length that the headers before it tell.
    fn find_head(&mut self) -> Result<Option<usize>, FramingError> {
        match self.buffer.get(self.begin) {
            // A line end whose second half has not come.
            None | Some(b'\r') => return Ok(None),
            // What begins like this is no start line, however it goes on: TLS or worse.
            Some(first) if !is_token(*first) => {
                return Err(self.error(Fault::NotSip, self.begin));
            }
            Some(_) => {}
        }
        while let Some(found) =
            self.buffer.get(self.seen..).and_then(|unseen| memchr::memchr(b'\n', unseen))
        {
            let feed = self.seen + found;
            self.check_line(feed)?;
            let body = match self.buffer.get(feed + 1..).unwrap_or_default() {
                [b'\n', ..] => feed + 2,
                [b'\r', b'\n', ..] => feed + 3,
                // Whether this is the empty line is not known yet.
                [] | [b'\r'] => {
                    self.seen = feed;
                    return Ok(None);
                }
                [..] => {
                    self.seen = feed + 1;
                    self.line = feed + 1;
                    continue;
                }
            };
            return self.measure(body).map(Some);
        }
        self.seen = self.buffer.len();
        if self.seen - self.line > self.limits.line || self.seen - self.begin > self.limits.head {
            return Err(self.error(Fault::TooLarge, self.seen));
        }
        Ok(None)
    }

    /// Looks at a line that has come whole.
    fn check_line(&self, end: usize) -> Result<(), FramingError> {
        if end - self.line > self.limits.line || end - self.begin > self.limits.head {
            return Err(self.error(Fault::TooLarge, end));
        }
        // Nothing more is collected for whoever speaks another protocol.
        let start = self.buffer.get(self.begin..end).filter(|_| self.line == self.begin);
        let is_sip = |line: &[u8]| line.windows(4).any(|word| word.eq_ignore_ascii_case(b"SIP/"));
        match start.is_none_or(is_sip) {
            true => Ok(()),
            false => Err(self.error(Fault::NotSip, end)),
        }
    }

    /// How long the message is whose body begins at `body`.
    fn measure(&self, body: usize) -> Result<usize, FramingError> {
        let head = self.buffer.get(self.begin..body).unwrap_or_default();
        let told = message::content_length(head).map_err(|fault| self.error(fault, body))?;
        match usize::try_from(told) {
            Ok(length) if length <= self.limits.body => Ok(head.len() + length),
            Ok(_) | Err(_) => Err(self.error(Fault::TooLarge, body)),
        }
    }

    fn error(&self, fault: Fault, end: usize) -> FramingError {
        let head = self.buffer.get(self.begin..end).unwrap_or_default();
        FramingError { fault, head: Bytes::copy_from_slice(head) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INVITE: &str = "INVITE sip:a@b SIP/2.0\r\n\
        Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n";

    fn invite(rest: &str) -> String {
        format!("{INVITE}{rest}")
    }

    /// What comes of a stream that is read in pieces, and why it ended.
    fn cut<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FramingError>) {
        let (mut framer, mut frames) = (Framer::default(), Vec::new());
        for piece in pieces {
            framer.push(piece);
            loop {
                match framer.poll() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => return (frames, Some(error)),
                }
            }
        }
        (frames, None)
    }

    fn whole(text: &str) -> (Vec<Frame>, Option<FramingError>) {
        cut([text.as_bytes()])
    }

    fn fault(text: &str) -> Option<Fault> {
        whole(text).1.map(|error| error.fault)
    }

    fn message(text: &str) -> Frame {
        Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn status(error: &FramingError) -> Option<u16> {
        let source = SocketAddr::from(([192, 0, 2, 7], 5062));
        let answer = error.answer(source, "t")?;
        Message::parse(answer).expect("an answer that can be read").status()
    }

    #[test]
    fn messages_are_cut_by_their_length_and_keep_alives_are_told_apart() {
        let with = invite("Content-Length: 5\r\n\r\nhello");
        let compact = invite("l :\r\n 0\r\n\r\n");
        let stream = format!("\r\n{with}{compact}\r\n\r\n\r\n\r\n\r\n{with}\r\n");
        let (frames, error) = whole(&stream);
        let sent = message(&with);
        assert_eq!(frames, [sent.clone(), message(&compact), Frame::Ping, Frame::Ping, sent]);
        assert!(error.is_none());
    }

    #[test]
    fn the_answer_to_a_keep_alive_of_ours_is_no_keep_alive() {
        let mut framer = Framer::default();
        framer.expect_pong();
        framer.push(b"\r");
        assert!(matches!(framer.poll(), Ok(None)));
        framer.push(b"\n\r\n\r\n");
        assert!(matches!(framer.poll(), Ok(Some(Frame::Pong))));
        assert!(matches!(framer.poll(), Ok(Some(Frame::Ping))));
        assert!(matches!(framer.poll(), Ok(None)) && !framer.is_within_message());
    }

    #[test]
    fn a_message_without_a_length_that_can_be_used_ends_the_stream_and_is_refused() {
        for (headers, expected, answer) in [
            ("", Fault::NoContentLength, Some(400)),
            ("Content-Length: 5\n", Fault::NoContentLength, Some(400)),
            ("Content-Length: five\r\n", Fault::ContentLength, Some(400)),
            ("Content-Length: -1\r\n", Fault::ContentLength, Some(400)),
            ("l: 1\r\nContent-Length: 1\r\n", Fault::ContentLength, Some(400)),
            ("l: 99999999999999999999\r\n", Fault::ContentLength, Some(400)),
            ("l: 65000\r\n", Fault::TooLarge, Some(513)),
        ] {
            let (frames, error) = whole(&invite(&format!("{headers}\r\n")));
            let error = error.expect(headers);
            assert_eq!((frames.len(), error.fault), (0, expected), "{headers}");
            assert_eq!(status(&error), answer, "{headers}");
        }
        // Nobody answers a response, or an ACK.
        for start in ["SIP/2.0 200 OK", "ACK sip:a@b SIP/2.0"] {
            let text = invite("\r\n").replacen("INVITE sip:a@b SIP/2.0", start, 1);
            assert_eq!(whole(&text).1.map(|error| status(&error)), Some(None), "{start}");
        }
    }

    #[test]
    fn what_is_not_sip_is_told_by_its_first_bytes() {
        for text in ["\x16\x03\x01", "\0", " INVITE", "GET / HTTP/1.1\r\n", "hello\n"] {
            assert_eq!(fault(text), Some(Fault::NotSip), "{text:?}");
        }
        assert_eq!(fault("GET / HTTP/1.1\r"), None);
    }

    #[test]
    fn a_line_or_a_head_that_does_not_end_is_too_large() {
        let long = invite(&format!("X: {}", "x".repeat(8_192)));
        assert_eq!(fault(&long), Some(Fault::TooLarge));
        let many = invite(&"X-Thing: yes\r\n".repeat(1_300));
        let error = whole(&many).1.expect("an error");
        assert_eq!((error.fault, status(&error)), (Fault::TooLarge, Some(513)));
        assert_eq!(fault(&invite(&"X-Thing: yes\r\n".repeat(100))), None);
    }

    #[test]
    fn what_is_held_is_given_back() {
        let mut framer = Framer::default();
        let big = invite(&format!("l: 40000\r\n\r\n{}", "x".repeat(40_000)));
        let mut longest = 0;
        for _ in 0..20 {
            for piece in big.as_bytes().chunks(1_460) {
                framer.push(piece);
                while let Ok(Some(_)) = framer.poll() {}
                longest = longest.max(framer.held_bytes());
            }
        }
        assert!(longest < 2 * MAX_MESSAGE_BYTES, "{longest}");
        assert_eq!(framer.held_bytes(), 0);
    }

    #[test]
    fn bytes_that_come_one_by_one_cost_no_more_than_others() {
        // Were everything looked at again with each byte, this would take minutes.
        let headers = "X-Thing: yes\r\n".repeat(900);
        let text = invite(&format!("{headers}l: 40000\r\n\r\n{}", "x".repeat(40_000))).repeat(50);
        let (frames, error) = cut(text.as_bytes().chunks(1));
        assert!(frames.len() == 50 && error.is_none());
    }

    fn stream() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            (0..40_usize).prop_map(|n| invite(&format!(
                "l: {n}\r\n\r\n{}",
                "\r\n".repeat(n / 2) + &"x".repeat(n % 2)
            ))),
            (0..9_usize).prop_map(|n| invite(&format!(
                "X:\ty\n\tz\nContent-length:{n}\r\n\n{}",
                "y".repeat(n)
            ))),
            Just("\r\n".to_owned()),
            Just("\r\n\r\n".to_owned()),
            Just("\r".to_owned()),
            Just("\n".to_owned()),
            Just(invite("\r\n")),
            "[A-Z:\r\n /]{0,9}",
        ];
        proptest::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_frames(
            text in stream(), cuts in proptest::collection::vec(1..90_usize, 1..40),
        ) {
            let (frames, error) = whole(&text);
            let mut rest = text.as_bytes();
            let pieces = cuts.iter().cycle().map_while(|cut| {
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                rest = after;
                (!piece.is_empty()).then_some(piece)
            });
            let (again, later) = cut(pieces);
            prop_assert_eq!(&frames, &again);
            prop_assert_eq!(error.map(|e| e.fault), later.map(|e| e.fault));
            for frame in frames {
                if let Frame::Message(bytes) = frame {
                    // The parser must see the same end of the headers, or one peer could put words
                    // into another's mouth.
                    let length = bytes.len();
                    if let Ok(parsed) = Message::parse(bytes) {
                        let body = parsed.body();
                        prop_assert_eq!(
                            parsed.text(HeaderName::ContentLength), Some(body.len().to_string())
                        );
                        prop_assert!(parsed.bytes().ends_with(body) && parsed.bytes().len() == length);
                    }
                }
            }
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (_, error) = cut([&bytes[..]]);
            if let Some(error) = error {
                status(&error);
            }
        }
    }
}
