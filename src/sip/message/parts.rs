//! The parts of a body that has several (RFC 2046 section 5.1, RFC 5621): a carrier may put a location
//! or signalling of another network beside the SDP.

use bytes::Bytes;
use memchr::memmem;

use crate::sip::header::Params;
use crate::sip::header::scan::{self, Scan};

/// No body has more parts that are looked at.
const MOST_PARTS: usize = 16;
/// A boundary has 1 to 70 characters.
const LONGEST_BOUNDARY: usize = 70;

/// The boundary between parts, if a Content-Type says that there are some.
pub(super) fn boundary(content_type: &[u8]) -> Option<String> {
    let semicolon = content_type.iter().position(|b| *b == b';')?;
    let (media_type, params) = content_type.split_at_checked(semicolon)?;
    let media_type = scan::text(media_type).to_ascii_lowercase();
    if !matches!(media_type.trim(), "multipart/mixed" | "multipart/related") {
        return None;
    }
    let params = Params::parse(Scan::new(params)).ok()?;
    let boundary = params.unquoted("boundary")?.into_owned();
    (1..=LONGEST_BOUNDARY).contains(&boundary.len()).then_some(boundary)
}

/// The first part of this media type that is about the session itself. None if there is none, or if
/// another part must not be passed over (RFC 3261 section 20.11).
pub(super) fn part_of(body: &Bytes, boundary: &str, wanted: &str) -> Option<Bytes> {
    let mut found = None;
    for range in ranges(body, boundary) {
        let part = Part::read(body.get(range.clone())?);
        let content = range.end.checked_sub(part.content.len())?..range.end;
        let wanted = part.is(b"content-type", |value| value.eq_ignore_ascii_case(wanted));
        let about_session = !part.has(b"content-disposition")
            || part.is(b"content-disposition", |value| value.eq_ignore_ascii_case("session"));
        let plain = !part.has(b"content-transfer-encoding")
            || part.is(b"content-transfer-encoding", |value| {
                ["7bit", "8bit", "binary"].iter().any(|one| value.eq_ignore_ascii_case(one))
            });
        if found.is_none() && wanted && about_session && plain && !content.is_empty() {
            found = Some(body.slice(content));
        } else if part.is_required() {
            return None;
        }
    }
    found
}

/// Where the parts are, between delimiters: a line of two hyphens and the boundary.
fn ranges(body: &[u8], boundary: &str) -> Vec<std::ops::Range<usize>> {
    let delimiter = format!("--{boundary}");
    let starts_line = |at: usize| at == 0 || body.get(..at).is_some_and(|b| b.ends_with(b"\r\n"));
    let mut ranges = Vec::new();
    let mut begun: Option<usize> = None;
    for at in memmem::find_iter(body, delimiter.as_bytes()).filter(|at| starts_line(*at)) {
        if let Some(start) = begun {
            // The CRLF in front of a delimiter belongs to it.
            ranges.push(start..at.saturating_sub(2).max(start));
        }
        let rest = body.get(at + delimiter.len()..).unwrap_or_default();
        let line = memmem::find(rest, b"\r\n");
        let end = line.filter(|end| rest.get(..*end).is_some_and(|b| scan::trim(b).is_empty()));
        begun = end.map(|end| at + delimiter.len() + end + 2);
        if begun.is_none() || ranges.len() == MOST_PARTS {
            break;
        }
    }
    ranges
}

/// A part: its headers and what is in it.
struct Part<'a> {
    head: &'a [u8],
    content: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8]) -> Part<'a> {
        if let Some(content) = bytes.strip_prefix(b"\r\n") {
            return Part { head: b"", content };
        }
        let end = memmem::find(bytes, b"\r\n\r\n").unwrap_or(bytes.len());
        let (head, rest) = bytes.split_at_checked(end).unwrap_or((bytes, b""));
        Part { head, content: rest.get(4..).unwrap_or_default() }
    }

    fn value(&self, wanted: &[u8]) -> Option<&'a [u8]> {
        self.head.split(|b| *b == b'\n').find_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let (name, value) = line.split_at_checked(colon)?;
            let named = scan::trim(name).eq_ignore_ascii_case(wanted)
                || (wanted == b"content-type" && scan::trim(name).eq_ignore_ascii_case(b"c"));
            named.then(|| scan::trim(value.get(1..).unwrap_or_default()))
        })
    }

    fn has(&self, name: &[u8]) -> bool {
        self.value(name).is_some()
    }

    /// Whether a header is there and, without its parameters, is so.
    fn is(&self, name: &[u8], so: impl Fn(&str) -> bool) -> bool {
        self.value(name).is_some_and(|value| {
            let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
            so(scan::text(value.get(..end).unwrap_or_default()).trim())
        })
    }

    /// Whether whoever sends it insists on its being understood. Most say nothing, and mean nothing.
    fn is_required(&self) -> bool {
        let value = self.value(b"content-disposition").unwrap_or_default();
        let value = String::from_utf8_lossy(value).to_ascii_lowercase();
        value.replace([' ', '\t'], "").contains(";handling=required")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "application/sdp";

    fn part(body: &str) -> Option<String> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        part_of(&body, "b1", SDP).map(|sdp| String::from_utf8_lossy(&sdp).into_owned())
    }

    #[test]
    fn a_boundary_is_read_with_and_without_quotes_and_only_of_parts_that_belong_together() {
        for (value, expected) in [
            ("multipart/mixed;boundary=b1", Some("b1")),
            ("Multipart/Mixed ; boundary=\"a b\"; x=y", Some("a b")),
            ("multipart/related;boundary=b1", Some("b1")),
            ("multipart/alternative;boundary=b1", None),
            ("multipart/mixed", None),
            ("multipart/mixed;boundary=\"\"", None),
            ("application/sdp;boundary=b1", None),
        ] {
            assert_eq!(boundary(value.as_bytes()).as_deref(), expected, "{value}");
        }
        let long = format!("multipart/mixed;boundary={}", "x".repeat(71));
        assert_eq!(boundary(long.as_bytes()), None);
    }

    #[test]
    fn the_sdp_is_found_among_other_parts() {
        let sdp = "--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=x\r\n\r\n";
        let isup = "--b1\r\nc: application/ISUP;version=etsi121\r\n\
                    Content-Disposition: signal;handling=optional\r\n\r\n\x01\x02\r\n";
        let end = "--b1--\r\n";
        let expected = Some("v=0\r\no=x\r\n".to_owned());
        assert_eq!(part(&format!("{sdp}{end}")), expected);
        assert_eq!(part(&format!("preamble\r\n{isup}{sdp}{end}epilogue")), expected);
        assert_eq!(part(&format!("{sdp}{isup}--b1-- ")), expected);
        assert_eq!(
            part(&format!("--b1 \r\ncontent-type : Application/SDP;a=b\r\n\r\nv\r\n{end}")),
            Some("v".to_owned())
        );
    }

    #[test]
    fn what_is_not_the_sessions_description_is_not_taken_for_it() {
        let sdp = "Content-Type: application/sdp\r\n\r\nv=0\r\n";
        for body in [
            "".to_owned(),
            "--b1".to_owned(),
            "--b1--".to_owned(),
            "--b1\r\n--b1--".to_owned(),
            "--b1\r\n\r\nv=0\r\n--b1--".to_owned(),
            format!("--b2\r\n{sdp}\r\n--b2--"),
            format!("x--b1\r\n{sdp}\r\nx--b1--"),
            format!("--b1x\r\n{sdp}\r\n--b1--"),
            // Cut off: whether it is whole cannot be known.
            format!("--b1\r\n{sdp}"),
            format!("--b1\r\nContent-Disposition: early-session\r\n{sdp}\r\n--b1--"),
            format!("--b1\r\nContent-Transfer-Encoding: base64\r\n{sdp}\r\n--b1--"),
            format!(
                "--b1\r\n{sdp}\r\n--b1\r\nContent-Type: a/b\r\nContent-Disposition: x; handling=required\r\n\r\nq\r\n--b1--"
            ),
            "--b1\r\nContent-Type: application/sdp\r\n\r\n\r\n--b1--".to_owned(),
        ] {
            assert_eq!(part(&body), None, "{body:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_are_survived(bytes in proptest::collection::vec(proptest::sample::select(
            b"--b1\r\n:;Content-Type application/sdp".to_vec()), 0..200))
        {
            let body = Bytes::from(bytes);
            if let Some(found) = part_of(&body, "b1", SDP) {
                proptest::prop_assert!(!found.is_empty());
            }
        }
    }
}
