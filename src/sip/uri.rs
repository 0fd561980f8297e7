//! SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966).
//!
//! Parts are kept as written, so that what is copied elsewhere (a contact into a Request-URI) is
//! the peer's own bytes; escapes are undone only by the getters that say so.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::error::UriError;
use super::header::params::Params;

mod escape;
mod host;

use escape::{escapes_ok, normal};

pub use escape::{escape_user, unescape};
pub use host::Host;

/// A URI in a SIP message. `==` compares as written; see [`Uri::equivalent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uri {
    /// `sip:` or `sips:`.
    Sip(SipUri),
    /// `tel:` (RFC 3966).
    Tel(TelUri),
    /// Any other scheme, kept as written.
    Other(String),
}

/// A `sip:` or `sips:` URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipUri {
    /// `sips:`.
    pub secure: bool,
    /// The user part as written, escapes included.
    pub user: Option<String>,
    /// The password as written; deprecated, kept only to be copied.
    pub password: Option<String>,
    /// The host.
    pub host: Host,
    /// The port, if one is written.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params,
    /// The headers after `?`, as written.
    pub headers: Option<String>,
}

/// A `tel:` URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelUri {
    /// The number as written, with `+` and visual separators.
    pub number: String,
    /// The parameters (`phone-context`, `ext`, ...).
    pub params: Params,
}

impl Uri {
    /// `sip:user@host:port`; the user is escaped here.
    pub fn sip(user: &str, at: SocketAddr) -> Uri {
        Uri::Sip(SipUri {
            secure: false,
            user: (!user.is_empty()).then(|| escape_user(user)),
            password: None,
            host: at.ip().into(),
            port: Some(at.port()),
            params: Params::new(),
            headers: None,
        })
    }

    /// Reads a URI that fills all of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Uri, UriError> {
        let text = std::str::from_utf8(bytes).map_err(|_| UriError::Character)?;
        let unsafe_char = |c: char| c <= ' ' || c == '\u{7f}' || matches!(c, '<' | '>' | '"');
        if text.contains(unsafe_char) {
            return Err(UriError::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        let scheme_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            || !scheme.bytes().all(scheme_char)
        {
            return Err(UriError::Scheme);
        }
        if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") {
            SipUri::parse(scheme.len() == 4, rest).map(Uri::Sip)
        } else if scheme.eq_ignore_ascii_case("tel") {
            TelUri::parse(rest).map(Uri::Tel)
        } else {
            Ok(Uri::Other(text.to_owned()))
        }
    }

    /// The SIP or SIPS URI that it is.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Uri::Sip(uri) => Some(uri),
            Uri::Tel(_) | Uri::Other(_) => None,
        }
    }

    /// The scheme, in lower case for those that we know.
    pub fn scheme(&self) -> &str {
        match self {
            Uri::Sip(SipUri { secure: true, .. }) => "sips",
            Uri::Sip(_) => "sip",
            Uri::Tel(_) => "tel",
            Uri::Other(text) => text.split(':').next().unwrap_or(""),
        }
    }

    /// Who is meant: the user part with its escapes undone, or the telephone number without visual
    /// separators. Bytes that are not UTF-8 become the replacement character.
    pub fn user(&self) -> Option<String> {
        match self {
            Uri::Sip(uri) => uri.user.as_deref().map(unescape),
            Uri::Tel(uri) => Some(uri.digits()),
            Uri::Other(_) => None,
        }
    }

    /// The host of a SIP or SIPS URI.
    pub fn host(&self) -> Option<&Host> {
        self.as_sip().map(|uri| &uri.host)
    }

    /// The port that is written, of a SIP or SIPS URI.
    pub fn port(&self) -> Option<u16> {
        self.as_sip().and_then(|uri| uri.port)
    }

    /// A parameter's value as written.
    pub fn param(&self, name: &str) -> Option<&str> {
        match self {
            Uri::Sip(uri) => uri.params.get(name),
            Uri::Tel(uri) => uri.params.get(name),
            Uri::Other(_) => None,
        }
    }

    /// Whether a loose router is named (RFC 3261 section 19.1.1).
    pub fn is_loose_router(&self) -> bool {
        self.as_sip().is_some_and(|uri| uri.params.has("lr"))
    }

    /// Whether both mean the same resource (RFC 3261 section 19.1.4, RFC 3966 section 4).
    pub fn equivalent(&self, other: &Uri) -> bool {
        match (self, other) {
            (Uri::Sip(a), Uri::Sip(b)) => a.equivalent(b),
            (Uri::Tel(a), Uri::Tel(b)) => {
                a.digits().eq_ignore_ascii_case(&b.digits())
                    && params_agree(&a.params, &b.params)
                    && params_agree(&b.params, &a.params)
                    && a.params.iter().count() == b.params.iter().count()
            }
            (Uri::Other(a), Uri::Other(b)) => a == b,
            (Uri::Sip(_) | Uri::Tel(_) | Uri::Other(_), _) => false,
        }
    }
}

impl SipUri {
    fn parse(secure: bool, rest: &str) -> Result<SipUri, UriError> {
        // The user part may contain `;` and `?`, everything after it no raw `@`: look for it first.
        let (userinfo, rest) = match rest.split_once('@') {
            Some((userinfo, rest)) => (Some(userinfo), rest),
            None => (None, rest),
        };
        let (user, password) = match userinfo {
            None => (None, None),
            Some(userinfo) => {
                if !escapes_ok(userinfo) {
                    return Err(UriError::Escape);
                }
                match userinfo.split_once(':') {
                    Some((user, password)) => (Some(user), Some(password)),
                    None => (Some(userinfo), None),
                }
            }
        };
        if user == Some("") {
            return Err(UriError::User);
        }
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, Some(headers)),
            None => (rest, None),
        };
        let (hostport, params) = match rest.split_once(';') {
            Some((hostport, params)) => (hostport, Some(params)),
            None => (rest, None),
        };
        if !escapes_ok(params.unwrap_or("")) || !escapes_ok(headers.unwrap_or("")) {
            return Err(UriError::Escape);
        }
        if params.is_some_and(|params| params.contains([',', '@', '?'])) {
            return Err(UriError::Character);
        }
        let (host, port) = Host::parse_with_port(hostport)?;
        Ok(SipUri {
            secure,
            user: user.map(str::to_owned),
            password: password.map(str::to_owned),
            host,
            port,
            params: match params {
                Some(params) => Params::parse_uri(params).ok_or(UriError::Parameter)?,
                None => Params::new(),
            },
            headers: headers.map(str::to_owned),
        })
    }

    /// The port, or the scheme's default (RFC 3261 section 19.1.2).
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 5061 } else { 5060 })
    }

    fn equivalent(&self, other: &SipUri) -> bool {
        // These four (and transport, by the RFC's own examples) never match when written in one
        // URI only; all others that are written in one only are ignored.
        const NEVER_DEFAULT: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
        let headers = |uri: &SipUri| {
            let mut list: Vec<_> = uri
                .headers
                .as_deref()
                .unwrap_or("")
                .split('&')
                .map(|header| header.split_once('=').unwrap_or((header, "")))
                .map(|(name, value)| (normal(name).to_ascii_lowercase(), normal(value)))
                .collect();
            list.sort();
            list
        };
        self.secure == other.secure
            && self.user.as_deref().map(normal) == other.user.as_deref().map(normal)
            && self.password.as_deref().map(normal) == other.password.as_deref().map(normal)
            && self.host.equivalent(&other.host)
            && self.port == other.port
            && NEVER_DEFAULT.iter().all(|name| self.params.has(name) == other.params.has(name))
            && params_agree(&self.params, &other.params)
            && headers(self) == headers(other)
    }
}

/// Whether every parameter that both have is equal, without regard to case. Of one that is written
/// twice, which it must not be, the first counts, as for all who ask for it.
fn params_agree(a: &Params, b: &Params) -> bool {
    a.iter().all(|(name, _)| {
        let same = match (a.get(name), b.get(name)) {
            (Some(a), Some(b)) => normal(a).eq_ignore_ascii_case(&normal(b)),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        !b.has(name) || same
    })
}

impl TelUri {
    fn parse(rest: &str) -> Result<TelUri, UriError> {
        let (number, params) = match rest.split_once(';') {
            Some((number, params)) => {
                (number, Params::parse_uri(params).ok_or(UriError::Parameter)?)
            }
            None => (rest, Params::new()),
        };
        let digits = number.strip_prefix('+').unwrap_or(number);
        let allowed =
            |b: u8| b.is_ascii_hexdigit() || matches!(b, b'*' | b'#' | b'-' | b'.' | b'(' | b')');
        if !digits.bytes().all(allowed) || !digits.bytes().any(|b| b.is_ascii_hexdigit()) {
            return Err(UriError::Number);
        }
        Ok(TelUri { number: number.to_owned(), params })
    }

    /// The number without visual separators.
    pub fn digits(&self) -> String {
        self.number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect()
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Uri::parse(text.as_bytes())
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Sip(uri) => uri.fmt(f),
            Uri::Tel(uri) => write!(f, "tel:{}{}", uri.number, uri.params),
            Uri::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        if let Some(headers) = &self.headers {
            write!(f, "?{headers}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_parts_of_a_uri_are_found() {
        let full = uri("sip:alice:pw@[2001:db8::10]:5070;transport=TCP;lr?Subject=x&to=a%40b");
        let sip = full.as_sip().cloned().unwrap_or_else(|| panic!());
        assert_eq!(sip.user.as_deref(), Some("alice"));
        assert_eq!(sip.password.as_deref(), Some("pw"));
        assert_eq!(sip.host.to_string(), "[2001:db8::10]");
        assert_eq!(sip.port, Some(5070));
        assert_eq!(full.param("Transport"), Some("TCP"));
        assert!(full.is_loose_router());
        assert_eq!(sip.headers.as_deref(), Some("Subject=x&to=a%40b"));
        assert_eq!(full.to_string().parse::<Uri>().as_ref(), Ok(&full));
        assert_eq!(uri("sip:[2001:db8::10:5070]").port(), None);
        assert_eq!(
            uri("sip:user;par=u%40example.net@example.com").user().as_deref(),
            Some("user;par=u@example.net")
        );
        assert_eq!(
            uri("sip:sips%3Auser%40example.com@example.net").user().as_deref(),
            Some("sips:user@example.com")
        );
        assert_eq!(uri("tel:+44-(1708)-434.343").user().as_deref(), Some("+441708434343"));
        assert_eq!(uri("soap.beep://192.0.2.103:3002").scheme(), "soap.beep");
        assert_eq!(uri("sip:[2001:db8:::192.0.2.1]"), uri("sip:[2001:db8::192.0.2.1]"));
    }

    #[test]
    fn broken_uris_say_what_is_broken() {
        for (text, error) in [
            ("example.com", UriError::Scheme),
            ("1sip:x", UriError::Scheme),
            ("<sip:a@b>", UriError::Character),
            ("sip:a b@c", UriError::Character),
            ("sip:a%4@c", UriError::Escape),
            ("sip:@c", UriError::User),
            ("sip:", UriError::Host),
            ("sip:a@", UriError::Host),
            ("sip:a@b@c", UriError::Host),
            ("sip:a@192.0.2.999", UriError::Host),
            ("sip:a@[::1", UriError::Host),
            ("sip:2001:db8::10", UriError::Host),
            ("sip:a@b:70000", UriError::Port),
            ("sip:a@b;", UriError::Parameter),
            ("sip:a@b;=x", UriError::Parameter),
            ("tel:+", UriError::Number),
            ("tel:alice", UriError::Number),
        ] {
            assert_eq!(Uri::parse(text.as_bytes()), Err(error), "{text}");
        }
        assert_eq!(Uri::parse(b"sip:\xff@b"), Err(UriError::Character));
    }

    #[test]
    fn equivalence_follows_the_examples_of_rfc_3261_section_19_1_4() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("tel:+44-1708-434343", "TEL:+441708434343"),
            ("sip:a@b;x=1;x=2;y;y=3", "sip:a@b;x=1;x=2;y;y=3"),
        ] {
            assert!(uri(a).equivalent(&uri(b)), "{a} {b}");
            assert!(uri(b).equivalent(&uri(a)), "{b} {a}");
        }
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
            ("sip:bob@biloxi.com", "sip:biloxi.com"),
            ("sip:%00@host5.example.com", "sip:%00%00@host5.example.com"),
            ("sip:a%40b@c", "sip:a@c"),
        ] {
            assert!(!uri(a).equivalent(&uri(b)), "{a} {b}");
            assert!(!uri(b).equivalent(&uri(a)), "{b} {a}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_uri_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Uri::parse(&bytes);
        }

        #[test]
        fn what_parses_prints_the_same(text in "(sip|sips|tel|x):[ -~]{0,30}") {
            if let Ok(uri) = text.parse::<Uri>() {
                let again = uri.to_string().parse::<Uri>();
                prop_assert_eq!(again.as_ref(), Ok(&uri));
                prop_assert!(uri.equivalent(&uri));
            }
        }

        #[test]
        fn any_user_survives_escaping(user in "\\PC{1,20}") {
            let uri = Uri::sip(&user, SocketAddr::from(([192, 0, 2, 1], 5060)));
            let again = uri.to_string().parse::<Uri>();
            prop_assert_eq!(again.ok().and_then(|uri| uri.user()), Some(user));
        }
    }
}
