//! A received message as a lazy index over its bytes (RFC 3261 section 7).
//!
//! [`Message::parse`] finds where the lines, names and values are, and allocates once for that
//! index; headers are read when they are asked for. So a broken header that nobody needs does no
//! harm, and one that is needed is named in the [`HeaderError`].

use bytes::Bytes;

use super::error::{Fault, HeaderError, ParseError, UriError, Why};
use super::header::scan::{self, Elements};
use super::header::{CSeq, Challenge, Contacts, Credentials, HeaderName, NameAddr, Via};
use super::method::Method;
use super::uri::Uri;

mod index;
mod parts;

use index::{Field, Span, Start};

/// The longest message, in bytes: what a UDP datagram can carry.
pub const MAX_MESSAGE_BYTES: usize = 65_535;

/// The most header fields of a message.
pub const MAX_HEADERS: usize = 256;

/// A message and where its parts are.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    start: Start,
    fields: Vec<Field>,
    body: Span,
}

/// The headers without which no request or response can be matched or answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Essentials {
    /// The topmost Via.
    pub via: Via,
    /// Who sends.
    pub from: NameAddr,
    /// To whom.
    pub to: NameAddr,
    /// The call's identity.
    pub call_id: String,
    /// Number and method.
    pub cseq: CSeq,
}

impl Message {
    /// Indexes one datagram. Bytes after the body are ignored (RFC 3261 section 18.3).
    pub fn parse(bytes: Bytes) -> Result<Message, ParseError> {
        index::parse(bytes)
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        self.method().is_some()
    }

    /// A request's method; none for a response.
    pub fn method(&self) -> Option<&Method> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// A response's status, 100 to 699; none for a request.
    pub fn status(&self) -> Option<u16> {
        match &self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(*status),
        }
    }

    /// A response's reason phrase; empty for a request.
    pub fn reason(&self) -> String {
        match &self.start {
            Start::Request { .. } => String::new(),
            Start::Response { reason, .. } => scan::text(self.at(*reason)),
        }
    }

    /// A request's URI, which must not contain headers (RFC 3261 section 19.1.1).
    pub fn request_uri(&self) -> Result<Uri, UriError> {
        let uri = Uri::parse(self.request_uri_bytes())?;
        match uri.as_sip() {
            Some(sip) if sip.headers.is_some() => Err(UriError::Headers),
            Some(_) | None => Ok(uri),
        }
    }

    /// A request's URI as received; empty for a response.
    pub fn request_uri_bytes(&self) -> &[u8] {
        match &self.start {
            Start::Request { uri, .. } => self.at(*uri),
            Start::Response { .. } => &[],
        }
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        self.at(self.body)
    }

    /// The body, sharing the datagram's memory.
    pub fn body_bytes(&self) -> Bytes {
        self.bytes.slice_ref(self.body())
    }

    /// The whole datagram as received.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The body, or the part of it, of the media type `wanted` (such as `application/sdp`).
    pub fn body_of(&self, wanted: &str) -> Option<Bytes> {
        if self.body().is_empty() {
            return None;
        }
        if self.content_type()?.eq_ignore_ascii_case(wanted) {
            return Some(self.body_bytes());
        }
        let boundary = parts::boundary(&scan::unfold(self.header(HeaderName::ContentType)?))?;
        parts::part_of(&self.body_bytes(), &boundary, wanted)
    }

    /// The value of the first field of a header, still folded if it is.
    pub fn header(&self, name: HeaderName) -> Option<&[u8]> {
        self.fields(name).next()
    }

    /// The values of all fields of a header in order, commas left alone.
    pub fn fields(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> + Clone {
        self.fields
            .iter()
            .filter(move |field| field.header == name && name != HeaderName::Other)
            .map(|field| self.at(field.value))
    }

    /// The elements of a header that is a comma-separated list, over all its fields in order.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> + Clone {
        self.fields(name).flat_map(Elements::new)
    }

    /// The values of a header that [`HeaderName`] does not know.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.fields
            .iter()
            .filter(|field| self.at(field.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| self.at(field.value))
    }

    /// All fields in order: name as written, and value.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.at(field.name), self.at(field.value)))
    }

    /// The first field of a header as text, unfolded.
    pub fn text(&self, name: HeaderName) -> Option<String> {
        self.header(name).map(scan::text)
    }

    /// The topmost Via.
    pub fn via(&self) -> Result<Via, HeaderError> {
        self.vias().next().unwrap_or(Err(error(HeaderName::Via, Why::Missing)))
    }

    /// All Vias from the topmost down.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via, HeaderError>> {
        self.headers(HeaderName::Via)
            .map(|element| Via::parse(element).map_err(|why| error(HeaderName::Via, why)))
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.required(HeaderName::From, NameAddr::parse)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.required(HeaderName::To, NameAddr::parse)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        self.required(HeaderName::CallId, |_| Ok(()))?;
        let value = self.header(HeaderName::CallId).unwrap_or_default();
        match std::str::from_utf8(value) {
            Ok(id) if !id.is_empty() && !id.contains(|c: char| c <= ' ' || c == '\u{7f}') => Ok(id),
            _ => Err(error(HeaderName::CallId, Why::Syntax)),
        }
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        self.required(HeaderName::CSeq, CSeq::parse)
    }

    /// All that is needed to match and answer; a request's CSeq must name the request's method.
    pub fn essentials(&self) -> Result<Essentials, HeaderError> {
        let essentials = Essentials {
            via: self.via()?,
            from: self.from()?,
            to: self.to()?,
            call_id: self.call_id()?.to_owned(),
            cseq: self.cseq()?,
        };
        match self.method() {
            Some(method) if *method != essentials.cseq.method => {
                Err(error(HeaderName::CSeq, Why::Method))
            }
            Some(_) | None => Ok(essentials),
        }
    }

    /// Contact: `*` or a list.
    pub fn contacts(&self) -> Result<Contacts, HeaderError> {
        let mut elements = self.headers(HeaderName::Contact);
        if elements.clone().any(|element| element == b"*") {
            return match (elements.next(), elements.next()) {
                (Some(_), None) => Ok(Contacts::All),
                _ => Err(error(HeaderName::Contact, Why::Repeated)),
            };
        }
        self.addresses(HeaderName::Contact).map(Contacts::List)
    }

    /// The first Contact: a dialog's remote target (RFC 3261 section 12).
    pub fn contact(&self) -> Result<NameAddr, HeaderError> {
        let first = self.headers(HeaderName::Contact).next();
        first
            .ok_or(Why::Missing)
            .and_then(NameAddr::parse)
            .map_err(|why| error(HeaderName::Contact, why))
    }

    /// A header that is a list of addresses: Route, Record-Route, P-Asserted-Identity, Path ...;
    /// empty if it is absent.
    pub fn addresses(&self, name: HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
        self.headers(name)
            .map(|element| NameAddr::parse(element).map_err(|why| error(name, why)))
            .collect()
    }

    /// Max-Forwards; none if it is absent (RFC 2543).
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        self.optional(HeaderName::MaxForwards, |value| {
            u8::try_from(scan::number(value, 255)?).map_err(|_| Why::Range)
        })
    }

    /// A header whose value is one number of 32 bits: Expires, Min-Expires, Min-SE, RSeq.
    pub fn number(&self, name: HeaderName) -> Result<Option<u32>, HeaderError> {
        self.optional(name, read_u32)
    }

    /// Expires, in seconds.
    pub fn expires_s(&self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::Expires)
    }

    /// Retry-After, in seconds, without comment and parameters.
    pub fn retry_after_s(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::RetryAfter, |value| {
            let end = value.iter().position(|b| matches!(b, b'(' | b';')).unwrap_or(value.len());
            read_u32(value.get(..end).unwrap_or_default())
        })
    }

    /// The media type of the body without parameters, such as `application/sdp`.
    pub fn content_type(&self) -> Option<String> {
        let value = self.header(HeaderName::ContentType)?;
        let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
        let mut media_type = scan::text(value.get(..end)?);
        media_type.retain(|c| c != ' ' && c != '\t');
        Some(media_type)
    }

    /// Whether the caller asks that the identity is withheld (RFC 3323: `id`, `user`, `header` or
    /// `full`, but not `none`).
    pub fn asks_privacy(&self) -> bool {
        // The list is separated by semicolons; commas are tolerated.
        self.headers(HeaderName::Privacy).flat_map(|element| element.split(|b| *b == b';')).any(
            |word| {
                let word = scan::trim(word);
                ["id", "user", "header", "full"]
                    .iter()
                    .any(|asked| word.eq_ignore_ascii_case(asked.as_bytes()))
            },
        )
    }

    /// The digest credentials of Authorization or Proxy-Authorization, one for each field; other
    /// schemes are left out.
    pub fn credentials(
        &self,
        name: HeaderName,
    ) -> impl Iterator<Item = Result<Credentials, HeaderError>> {
        self.fields(name).filter_map(move |value| {
            Credentials::parse(value).map_err(|why| error(name, why)).transpose()
        })
    }

    /// The digest challenges of WWW-Authenticate or Proxy-Authenticate, one for each field; other
    /// schemes are left out.
    pub fn challenges(
        &self,
        name: HeaderName,
    ) -> impl Iterator<Item = Result<Challenge, HeaderError>> {
        self.fields(name).filter_map(move |value| {
            Challenge::parse(value).map_err(|why| error(name, why)).transpose()
        })
    }

    fn at(&self, span: Span) -> &[u8] {
        self.bytes.get(span.range()).unwrap_or_default()
    }

    /// A header that must be there once.
    fn required<'a, T>(
        &'a self,
        name: HeaderName,
        read: impl FnOnce(&'a [u8]) -> Result<T, Why>,
    ) -> Result<T, HeaderError> {
        self.optional(name, read)?.ok_or(error(name, Why::Missing))
    }

    /// A header that may be there once.
    fn optional<'a, T>(
        &'a self,
        name: HeaderName,
        read: impl FnOnce(&'a [u8]) -> Result<T, Why>,
    ) -> Result<Option<T>, HeaderError> {
        let mut fields = self.fields(name);
        let Some(value) = fields.next() else { return Ok(None) };
        if fields.next().is_some() {
            return Err(error(name, Why::Repeated));
        }
        read(value).map(Some).map_err(|why| error(name, why))
    }
}

/// What the header section of a message in a stream says of the length of its body (RFC 3261 section
/// 18.3); `head` is at most [`MAX_MESSAGE_BYTES`] long.
pub(super) fn content_length(head: &[u8]) -> Result<u64, Fault> {
    index::content_length(head)
}

fn error(header: HeaderName, why: Why) -> HeaderError {
    HeaderError { header, why }
}

fn read_u32(value: &[u8]) -> Result<u32, Why> {
    u32::try_from(scan::number(value, u64::from(u32::MAX))?).map_err(|_| Why::Range)
}

impl std::fmt::Debug for Message {
    /// The start line only: headers may carry credentials, bodies keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.start {
            Start::Request { method, uri } => {
                write!(f, "Message({method} {})", scan::text(self.at(*uri)))
            }
            Start::Response { status, .. } => write!(f, "Message({status})"),
        }
    }
}
