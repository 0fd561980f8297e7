//! Addresses with a display name: From, To, Contact, Route and their like (RFC 3261 section 20.10).

use std::fmt;

use super::params::Params;
use super::scan::{self, Scan};
use crate::sip::error::{UriError, Why};
use crate::sip::uri::Uri;

/// A URI with a display name and header parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, without quotes and escapes.
    pub display: Option<String>,
    /// The address.
    pub uri: Uri,
    /// The header's parameters (not the URI's).
    pub params: Params,
}

impl NameAddr {
    /// An address without name and parameters.
    pub fn new(uri: Uri) -> NameAddr {
        NameAddr { display: None, uri, params: Params::new() }
    }

    /// The same with a display name: any text, quoted and escaped when printed.
    pub fn with_display(mut self, display: &str) -> NameAddr {
        self.display = (!display.is_empty()).then(|| display.to_owned());
        self
    }

    /// The same with a tag.
    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.params.set("tag", Some(tag));
        self
    }

    /// Reads one address that fills all of `element`.
    pub fn parse(element: &[u8]) -> Result<NameAddr, Why> {
        let mut scan = Scan::new(element);
        scan.skip_lws();
        let mut display = None;
        if scan.peek() == Some(b'"') {
            display = Some(scan::unquote(scan.quoted()?));
            scan.skip_lws();
            if scan.peek() != Some(b'<') {
                return Err(Why::Syntax);
            }
        } else if scan.rest().contains(&b'<') && !starts_with_bare_uri(scan.rest()) {
            let words = scan.take_while(|b| b != b'<');
            // Wider than the grammar, which has tokens only: an exchange that forgets the quotes
            // around `Reception (1)` shall not lose its callers. Not wide enough for a comma, which
            // would be the end of the address in a list.
            if words.iter().any(|b| {
                matches!(b, b'"' | b',' | b';' | b'>' | b'\\' | 0x7f)
                    || (*b < b' ' && !scan::is_lws(*b))
            }) {
                return Err(Why::Syntax);
            }
            let words = scan::text(words);
            display = (!words.is_empty()).then_some(words);
        }
        let uri = if scan.eat(b'<') {
            let uri = scan.take_while(|b| b != b'>');
            if !scan.eat(b'>') {
                return Err(Why::Syntax);
            }
            Uri::parse(uri)?
        } else {
            // Without brackets every parameter is the header's, and the URI can contain neither a
            // comma nor a question mark (RFC 3261 section 20).
            let uri = scan.take_while(|b| b != b';' && !scan::is_lws(b));
            if uri.iter().any(|b| matches!(b, b',' | b'?')) {
                return Err(Why::Uri(UriError::Headers));
            }
            Uri::parse(uri)?
        };
        Ok(NameAddr { display, uri, params: Params::parse(scan)? })
    }

    /// The dialog tag of From and To.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }

    /// The `expires` parameter of a Contact, in seconds. Malformed values count as 3600, as RFC
    /// 3261 section 20.10 asks.
    pub fn expires_s(&self) -> Option<u32> {
        let value = self.params.get("expires")?;
        let number = scan::number(value.as_bytes(), u64::from(u32::MAX));
        Some(number.ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(3_600))
    }

    /// The preference of a Contact in thousandths, 0 to 1000; 1000 if none or a broken one is
    /// given.
    pub fn q_millis(&self) -> u16 {
        let Some(q) = self.params.get("q") else { return 1_000 };
        let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
        let mut digits = fraction.bytes();
        let mut millis = 0;
        for _ in 0..3 {
            let digit = digits.next().unwrap_or(b'0');
            if !digit.is_ascii_digit() {
                return 1_000;
            }
            millis = millis * 10 + u16::from(digit - b'0');
        }
        if whole == "0" { millis } else { 1_000 }
    }
}

/// Whether the first thing is `scheme:` and not a display name: then a later `<` is a stray.
fn starts_with_bare_uri(rest: &[u8]) -> bool {
    let end = rest.iter().position(|b| matches!(b, b':' | b'<')).unwrap_or(rest.len());
    rest.get(end) == Some(&b':')
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            scan::write_quoted(f, display)?;
            f.write_str(" ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// What a Contact header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contacts {
    /// `*`: all bindings, to be removed (RFC 3261 section 10.2.2).
    All,
    /// The contacts in order; none if the header is absent.
    List(Vec<NameAddr>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> NameAddr {
        NameAddr::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn names_addresses_and_parameters_are_told_apart() {
        let quoted = address(
            "\"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8",
        );
        assert_eq!(quoted.display.as_deref(), Some("J Rosenberg \\\""));
        assert_eq!(quoted.tag(), Some("98asjd8"));
        assert_eq!(
            address("caller<sip:caller@example.com>;tag=323").display.as_deref(),
            Some("caller")
        );
        let unquoted = address("Reception (1) a@b <sip:r@example.com>");
        assert_eq!(unquoted.display.as_deref(), Some("Reception (1) a@b"));
        let bare = address("sip:+19725552222@gw1.example.net;unknownparam");
        assert_eq!(bare.uri.to_string(), "sip:+19725552222@gw1.example.net");
        assert!(bare.params.has("unknownparam"));
        let inside = address("<sip:+19725552222@gw1.example.net;unknownparam>");
        assert_eq!(inside.uri.to_string(), "sip:+19725552222@gw1.example.net;unknownparam");
        assert!(inside.params.is_empty());
        assert_eq!(address("<sip:a@b>;q=0.33").q_millis(), 330);
        assert_eq!(address("<sip:a@b>").q_millis(), 1_000);
        assert_eq!(address("<sip:a@b>;expires=280297596632815").expires_s(), Some(3_600));
        assert_eq!(address("<sip:a@b>;expires=60").expires_s(), Some(60));
    }

    #[test]
    fn a_name_in_latin_1_does_not_spoil_the_address() {
        let read = NameAddr::parse(b"\"Ren\xe9\" <sip:rene@example.com>;tag=1");
        assert_eq!(read.map(|a| a.uri.to_string()), Ok("sip:rene@example.com".to_owned()));
    }

    #[test]
    fn broken_addresses_are_errors() {
        for text in [
            "\"Mr. J. User <sip:j.user@example.com>",
            "\"Watson, Thomas\" < sip:t.watson@example.org >",
            "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            "\"Joe\" <sip:joe@example.org>;;;;",
            "<sip:a@b",
            "<sip:a@b> x",
            "\"a\" sip:a@b",
            "<>",
            "",
        ] {
            assert!(NameAddr::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_address_reads_back_the_same(
            display in "[^\r\n]{0,20}", user in "\\PC{0,12}", tag in "[a-z0-9.-]{1,12}",
        ) {
            let uri = Uri::sip(&user, ([192, 0, 2, 7], 5060).into());
            let written = NameAddr::new(uri).with_display(&display).with_tag(&tag);
            prop_assert_eq!(NameAddr::parse(written.to_string().as_bytes()), Ok(written));
        }

        #[test]
        fn any_bytes_are_an_address_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = NameAddr::parse(&bytes);
        }
    }
}
