//! Walking over a header's bytes (RFC 3261 section 25.1): linear white space, which includes
//! folded lines, tokens, quoted strings, and lists.

use std::borrow::Cow;

use crate::sip::error::Why;

/// Which bytes may stand in a `token`: a table, because every byte of every header name is asked.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        table[byte] = c.is_ascii_alphanumeric()
            || matches!(c, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

/// Whether a byte may stand in a `token`.
pub fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Whether a byte is linear white space; line ends occur within a value only where it is folded.
pub fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The bytes without white space at both ends.
pub fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_lws(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_lws(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The value on one line: each fold becomes a space (RFC 3261 section 7.3.1).
pub fn unfold(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = trim(bytes);
    if memchr::memchr2(b'\r', b'\n', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut unfolded = Vec::with_capacity(bytes.len());
    for line in bytes.split(|b| matches!(b, b'\r' | b'\n')).map(trim) {
        if !line.is_empty() {
            if !unfolded.is_empty() {
                unfolded.push(b' ');
            }
            unfolded.extend_from_slice(line);
        }
    }
    Cow::Owned(unfolded)
}

/// The value as text on one line; bytes that are not UTF-8 become the replacement character.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&unfold(bytes)).into_owned()
}

/// A whole number of at most `max`, nothing beside it but white space.
pub fn number(bytes: &[u8], max: u64) -> Result<u64, Why> {
    let digits = trim(bytes);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Why::Syntax);
    }
    let mut value: u64 = 0;
    for digit in digits {
        value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    }
    if value > max { Err(Why::Range) } else { Ok(value) }
}

/// A place in a header's value.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    /// The beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Scan { rest: bytes }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte, left where it is.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Goes over white space.
    pub fn skip_lws(&mut self) {
        self.take_while(is_lws);
    }

    /// Reads `byte` if it is next.
    pub fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads `byte` with white space around it, if it is next.
    pub fn eat_separator(&mut self, byte: u8) -> bool {
        let mut ahead = *self;
        ahead.skip_lws();
        if !ahead.eat(byte) {
            return false;
        }
        ahead.skip_lws();
        *self = ahead;
        true
    }

    /// Reads while `wanted` holds.
    pub fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|b| !wanted(*b)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Reads a token of at least one character.
    pub fn token(&mut self) -> Result<&'a str, Why> {
        let token = self.take_while(is_token);
        match std::str::from_utf8(token) {
            Ok(token) if !token.is_empty() => Ok(token),
            _ => Err(Why::Syntax),
        }
    }

    /// Reads a quoted string; the result still has its quotes and escapes.
    pub fn quoted(&mut self) -> Result<&'a [u8], Why> {
        if self.peek() != Some(b'"') {
            return Err(Why::Syntax);
        }
        let mut escaped = false;
        for (at, byte) in self.rest.iter().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let (taken, rest) = self.rest.split_at(at + 1);
                    self.rest = rest;
                    return Ok(taken);
                }
                _ => {}
            }
        }
        Err(Why::Unquoted)
    }

    /// Whether nothing but white space is left.
    pub fn is_done(&self) -> bool {
        trim(self.rest).is_empty()
    }

    /// Nothing but white space may be left.
    pub fn done(self) -> Result<(), Why> {
        if self.is_done() { Ok(()) } else { Err(Why::Syntax) }
    }
}

/// The content of a quoted string with its quotes: escapes undone, folds made a space as in
/// [`unfold`], so that it says the same whether or not somebody on the way has unfolded it.
pub fn unquote(quoted: &[u8]) -> String {
    let quoted = unfold(quoted);
    let inner = quoted.strip_prefix(b"\"").unwrap_or(&quoted);
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => bytes.extend(rest.next()),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes `text` as a quoted string. Controls are escaped, except line ends, which may not occur
/// in a header at all: each becomes a space.
pub fn write_quoted(out: &mut impl std::fmt::Write, text: &str) -> std::fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '\r' | '\n' => out.write_char(' ')?,
            '"' | '\\' => write!(out, "\\{c}")?,
            c if c.is_ascii_control() && c != '\t' => write!(out, "\\{c}")?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

/// The elements of a comma-separated list (RFC 3261 section 7.3.1); commas within quotes or angle
/// brackets do not separate.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Elements<'a> {
    /// The elements of `value`; one empty element if there is nothing in it.
    pub fn new(value: &'a [u8]) -> Self {
        Elements { rest: Some(value) }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
        for (at, byte) in rest.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' if !bracketed => quoted = !quoted,
                _ if quoted => {}
                b'<' => bracketed = true,
                b'>' => bracketed = false,
                b',' if !bracketed => {
                    let (element, after) = rest.split_at(at);
                    self.rest = after.get(1..);
                    return Some(trim(element));
                }
                _ => {}
            }
        }
        Some(trim(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        let list = b"\"Bell, \\\"A\" <sip:a,b@c> , <sip:d@e>;x=\",\",f";
        let elements: Vec<_> = Elements::new(list).map(text).collect();
        assert_eq!(elements, ["\"Bell, \\\"A\" <sip:a,b@c>", "<sip:d@e>;x=\",\"", "f"]);
        assert_eq!(Elements::new(b"a,,b").count(), 3);
    }

    #[test]
    fn a_quoted_string_keeps_what_is_between_its_quotes() {
        let mut written = String::new();
        write_quoted(&mut written, "J \"R\" \\ \u{7}\0 \u{e9}\r\nX: y").ok();
        assert_eq!(unquote(written.as_bytes()), "J \"R\" \\ \u{7}\0 \u{e9}  X: y");
        let folded = b"\"one \r\n\t two\\\"\r\n three\"";
        assert_eq!(unquote(folded), "one two\" three");
        assert_eq!(unquote(&unfold(folded)), unquote(folded));
        assert_eq!(unquote(b"\"a\\\r\n b\""), "a b", "no line end gets through an escape");
        let mut scan = Scan::new(b"\"never ends\\\"");
        assert_eq!(scan.quoted(), Err(Why::Unquoted));
    }

    #[test]
    fn a_folded_value_reads_as_one_line() {
        assert_eq!(
            text(b" newfangled value\r\n continued \r\n\tagain "),
            "newfangled value continued again"
        );
    }

    #[test]
    fn numbers_are_digits_in_range() {
        assert_eq!(number(b" 0068 ", 255), Ok(68));
        assert_eq!(number(b"300", 255), Err(Why::Range));
        assert_eq!(number(b"36893488147419103232", u64::from(u32::MAX)), Err(Why::Range));
        assert_eq!(number(b"-999", 9999), Err(Why::Syntax));
        assert_eq!(number(b"", 9999), Err(Why::Syntax));
    }
}
