//! The `;name=value` parameters of URIs and headers.

use std::borrow::Cow;
use std::fmt;

use super::scan::{self, Scan};
use crate::sip::error::Why;

/// As many parameters may one header or URI have: they are looked for one by one, and compared each
/// with each.
pub(in crate::sip) const MOST_PARAMS: usize = 64;

/// Parameters in the order in which they were written. Names compare without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params {
    list: Vec<Param>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Param {
    name: String,
    /// As written: still quoted or escaped.
    value: Option<String>,
}

impl Params {
    /// None.
    pub const fn new() -> Self {
        Params { list: Vec::new() }
    }

    /// Reads header parameters (`generic-param`) up to the end.
    pub fn parse(mut scan: Scan<'_>) -> Result<Self, Why> {
        let mut list = Vec::new();
        while scan.eat_separator(b';') {
            let name = scan.token()?.to_owned();
            let value = if scan.eat_separator(b'=') {
                Some(match scan.peek() {
                    // `text` also takes out a fold, which could not be printed again.
                    Some(b'"') => scan::text(scan.quoted()?),
                    _ => {
                        let value = scan.take_while(is_value);
                        if value.is_empty() {
                            return Err(Why::Syntax);
                        }
                        String::from_utf8_lossy(value).into_owned()
                    }
                })
            } else {
                None
            };
            if list.len() == MOST_PARAMS {
                return Err(Why::Syntax);
            }
            list.push(Param { name, value });
        }
        scan.done()?;
        Ok(Params { list })
    }

    /// Reads a URI's parameters, split at `;`; the caller has checked characters and escapes.
    pub(in crate::sip) fn parse_uri(text: &str) -> Option<Self> {
        let mut list = Vec::new();
        for param in text.split(';') {
            let (name, value) = match param.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (param, None),
            };
            if name.is_empty() || value.as_deref() == Some("") || list.len() == MOST_PARAMS {
                return None;
            }
            list.push(Param { name: name.to_owned(), value });
        }
        Some(Params { list })
    }

    /// The value of a parameter as written; none if it is absent or has no value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).and_then(|param| param.value.as_deref())
    }

    /// The value without quotes.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(|value| {
            if value.starts_with('"') {
                Cow::Owned(scan::unquote(value.as_bytes()))
            } else {
                Cow::Borrowed(value)
            }
        })
    }

    /// Whether a parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Sets a parameter, in its old place if it is there already. What cannot stand in a header
    /// unquoted is left out of the value: callers give tokens, addresses and numbers.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(|value| value.chars().filter(|c| is_plain(*c)).collect());
        match self.list.iter_mut().find(|param| param.name.eq_ignore_ascii_case(name)) {
            Some(param) => param.value = value,
            None => self.list.push(Param { name: name.to_owned(), value }),
        }
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) {
        self.list.retain(|param| !param.name.eq_ignore_ascii_case(name));
    }

    /// Names and values as written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.list.iter().map(|param| (param.name.as_str(), param.value.as_deref()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.list.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }
}

/// What may stand in an unquoted value: wider than `token` (addresses, base64), since peers differ.
fn is_value(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b';' | b',' | b'"' | b'<' | b'>')
}

fn is_plain(c: char) -> bool {
    u8::try_from(c).map_or(true, is_value)
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.list {
            write!(f, ";{}", param.name)?;
            if let Some(value) = &param.value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_may_be_many_parameters_but_not_any_number() {
        let text = |count: usize| (0..count).map(|at| format!(";p{at}=x")).collect::<String>();
        let read = |count: usize| Params::parse(Scan::new(text(count).as_bytes()));
        assert_eq!(read(MOST_PARAMS).map(|params| params.list.len()), Ok(MOST_PARAMS));
        assert_eq!(read(MOST_PARAMS + 1), Err(Why::Syntax));
        let of_uri = |count: usize| Params::parse_uri(text(count).trim_start_matches(';'));
        assert!(of_uri(MOST_PARAMS).is_some() && of_uri(MOST_PARAMS + 1).is_none());
    }

    #[test]
    fn parameters_are_found_in_any_case_and_printed_as_written() {
        let text = b" ; TAG = a1 ;lr; q=0.33;x=\"a;\\\"b\"";
        let params = Params::parse(Scan::new(text)).unwrap_or_default();
        assert_eq!(params.get("tag"), Some("a1"));
        assert!(params.has("LR"));
        assert_eq!(params.get("lr"), None);
        assert_eq!(params.unquoted("x").as_deref(), Some("a;\"b"));
        assert_eq!(params.to_string(), ";TAG=a1;lr;q=0.33;x=\"a;\\\"b\"");
    }

    #[test]
    fn empty_parameters_are_errors() {
        for text in ["; ;a", ";;", ";a=", ";a=1;", ";a b", "x", ";a=\"b"] {
            assert!(Params::parse(Scan::new(text.as_bytes())).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_cannot_break_out_of_its_parameter() {
        let mut params = Params::new();
        params.set("received", Some("192.0.2.1\r\nX: y;z"));
        assert_eq!(params.to_string(), ";received=192.0.2.1X:yz");
        params.set("Received", Some("192.0.2.2"));
        assert_eq!(params.to_string(), ";received=192.0.2.2");
    }
}
