//! Why a received message cannot be used, and what a request is answered with for it.
//!
//! A [`ParseError`] means that the message as a whole is broken; a [`HeaderError`] that one header
//! is. Both know the header or line at fault, so that the peer's engineer can find it from our
//! reason phrase.

use super::header::HeaderName;
use super::message::Message;

/// What is wrong with a message as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing but line ends: a keep-alive (RFC 5626 section 4.4.1), not a message.
    #[error("a keep-alive")]
    KeepAlive,
    /// The first line is neither a request line nor a status line.
    #[error("this is not SIP")]
    NotSip,
    /// More bytes than [`MAX_MESSAGE_BYTES`](super::message::MAX_MESSAGE_BYTES).
    #[error("the message is too large")]
    TooLarge,
    /// More header fields than [`MAX_HEADERS`](super::message::MAX_HEADERS).
    #[error("too many header fields")]
    TooManyHeaders,
    /// Not `Method SP Request-URI SP SIP-Version` (RFC 3261 section 7.1).
    #[error("the request line is malformed")]
    RequestLine,
    /// Not a status from 100 to 699 (RFC 3261 section 7.2).
    #[error("the status line is malformed")]
    StatusLine,
    /// A protocol version other than 2.0.
    #[error("the SIP version is not supported")]
    Version,
    /// A header line without a name or a colon, or with a bare CR or LF.
    #[error("a header line is malformed")]
    HeaderLine,
    /// The empty line after the headers is missing.
    #[error("the headers do not end")]
    Unterminated,
    /// Content-Length is not a number or occurs twice.
    #[error("Content-Length is malformed")]
    ContentLength,
    /// A message in a stream without Content-Length (RFC 3261 section 18.3): nobody can tell where
    /// the next one begins.
    #[error("Content-Length is missing")]
    NoContentLength,
    /// The datagram is shorter than its Content-Length (RFC 3261 section 18.3).
    #[error("the body is shorter than Content-Length")]
    ShortBody,
}

impl Fault {
    /// The status and reason phrase that a request with this fault is answered with.
    pub fn answer(self) -> (u16, &'static str) {
        match self {
            Fault::Version => (505, "Version Not Supported"),
            Fault::TooLarge => (513, "Message Too Large"),
            Fault::KeepAlive | Fault::NotSip => (400, "Bad Request"),
            Fault::TooManyHeaders => (400, "Too Many Header Fields"),
            Fault::RequestLine | Fault::StatusLine => (400, "Malformed Start Line"),
            Fault::HeaderLine => (400, "Malformed Header Line"),
            Fault::Unterminated => (400, "Missing Empty Line"),
            Fault::ContentLength => (400, "Malformed Content-Length"),
            Fault::NoContentLength => (400, "Missing Content-Length"),
            Fault::ShortBody => (400, "Body Shorter Than Content-Length"),
        }
    }

    /// A short name for counters.
    pub fn label(self) -> &'static str {
        match self {
            Fault::KeepAlive => "keep_alive",
            Fault::NotSip => "not_sip",
            Fault::TooLarge => "too_large",
            Fault::TooManyHeaders => "too_many_headers",
            Fault::RequestLine => "request_line",
            Fault::StatusLine => "status_line",
            Fault::Version => "version",
            Fault::HeaderLine => "header_line",
            Fault::Unterminated => "unterminated",
            Fault::ContentLength => "content_length",
            Fault::NoContentLength => "no_content_length",
            Fault::ShortBody => "short_body",
        }
    }
}

/// A message that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{fault}")]
pub struct ParseError {
    /// What is wrong: the first fault found.
    pub fault: Fault,
    /// As much of the message as could be indexed, with an empty body.
    pub partial: Option<Box<Message>>,
}

impl ParseError {
    /// The request to be refused with [`Fault::answer`], if there is enough of one: it has a Via
    /// and is no ACK (RFC 3261 section 17.1.1.3: an ACK is never answered).
    pub fn answerable(&self) -> Option<&Message> {
        let message = self.partial.as_deref()?;
        let method = message.method()?;
        let answerable =
            *method != super::method::Method::Ack && message.header(HeaderName::Via).is_some();
        answerable.then_some(message)
    }
}

/// What is wrong with a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// No scheme before a colon.
    #[error("the URI has no scheme")]
    Scheme,
    /// A space, a control or a delimiter within the URI, or bytes that are not UTF-8.
    #[error("the URI contains a character that must be escaped")]
    Character,
    /// A `%` without two hexadecimal digits.
    #[error("the URI contains a broken escape")]
    Escape,
    /// An empty user part before `@`.
    #[error("the URI has an empty user part")]
    User,
    /// No host, or one that is neither a name nor an address.
    #[error("the URI has no valid host")]
    Host,
    /// A port that is not a number up to 65535.
    #[error("the URI has no valid port")]
    Port,
    /// An empty or broken parameter.
    #[error("the URI has a broken parameter")]
    Parameter,
    /// Headers where they are not allowed (RFC 3261 section 19.1.1).
    #[error("the URI must not contain headers here")]
    Headers,
    /// A tel URI without digits.
    #[error("the URI has no telephone number")]
    Number,
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is required and not there.
    #[error("missing")]
    Missing,
    /// It may occur once only.
    #[error("occurs more than once")]
    Repeated,
    /// It does not follow its grammar.
    #[error("malformed")]
    Syntax,
    /// A quoted string does not end.
    #[error("a quoted string does not end")]
    Unquoted,
    /// A number is out of its range.
    #[error("number out of range")]
    Range,
    /// Its URI is malformed.
    #[error("{0}")]
    Uri(UriError),
    /// The method in CSeq is not the request's (RFC 3261 section 8.1.1.5).
    #[error("the method is not the request's")]
    Method,
    /// The digest's URI is not the request's (RFC 7616 section 3.4.6).
    #[error("the digest URI is not the request's")]
    DigestUri,
}

/// A header that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{header}: {why}")]
pub struct HeaderError {
    /// Which header.
    pub header: HeaderName,
    /// What is wrong with it.
    pub why: Why,
}

impl HeaderError {
    /// The reason phrase of the 400 that answers it, such as `Bad CSeq (number out of range)`.
    pub fn reason(&self) -> String {
        match self.why {
            Why::Missing => format!("Missing {}", self.header),
            why => format!("Bad {} ({why})", self.header),
        }
    }
}

impl From<UriError> for Why {
    fn from(error: UriError) -> Self {
        Why::Uri(error)
    }
}
