//! What a certificate (RFC 5280) says of itself: for how long it is valid, and whose it is.
//!
//! Only these two are read here; whether an authority vouches for it is the TLS library's to say.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]` around the version, `[3]` around the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// In a subject's alternative names (section 4.2.1.6).
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// From when and until when a certificate is valid (section 4.1.2.5); none if it cannot be read.
pub fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let mut parts = Parts::of(fields(certificate)?.validity);
    let mut next = || parts.next().and_then(|(tag, value)| time(tag, value));
    Some((next()?, next()?))
}

/// The names that a certificate was given for, in lower case (RFC 5922 section 7.1): SIP domains and
/// DNS names; the common name only where there are no alternative names at all.
pub fn names(certificate: &[u8]) -> Vec<String> {
    let Some(fields) = fields(certificate) else { return Vec::new() };
    let mut names: Vec<String> = match fields.alternatives {
        Some(alternatives) => Parts::of(alternatives)
            .filter_map(|(tag, value)| {
                let text = std::str::from_utf8(value).ok()?;
                match tag {
                    DNS_NAME => Some(text),
                    URI => text.strip_prefix("sip:").filter(|host| !host.contains('@')),
                    _ => None,
                }
            })
            .map(str::to_ascii_lowercase)
            .collect(),
        None => common_names(fields.subject),
    };
    names.dedup();
    names
}

fn common_names(subject: &[u8]) -> Vec<String> {
    Parts::of(subject)
        .filter(|(tag, _)| *tag == SET)
        .flat_map(|(_, set)| Parts::of(set))
        .filter_map(|(_, attribute)| {
            let mut parts = Parts::of(attribute);
            let named = parts.next()? == (OBJECT, COMMON_NAME);
            let (_, value) = parts.next()?;
            let text = std::str::from_utf8(value).ok()?;
            named.then(|| text.to_ascii_lowercase())
        })
        .collect()
}

/// The parts of a certificate that are looked at.
struct Fields<'a> {
    validity: &'a [u8],
    subject: &'a [u8],
    /// The names in the extension for them.
    alternatives: Option<&'a [u8]>,
}

fn fields(certificate: &[u8]) -> Option<Fields<'_>> {
    let outer = Parts::of(certificate).take_tag(SEQUENCE)?;
    let mut signed = Parts::of(Parts::of(outer).take_tag(SEQUENCE)?);
    let (first, _) = signed.clone().next()?;
    if first == VERSION {
        signed.next();
    }
    signed.take_tag(INTEGER)?;
    let _algorithm = signed.take_tag(SEQUENCE)?;
    let _issuer = signed.take_tag(SEQUENCE)?;
    let validity = signed.take_tag(SEQUENCE)?;
    let subject = signed.take_tag(SEQUENCE)?;
    let _key = signed.take_tag(SEQUENCE)?;
    let extensions = signed.find(|(tag, _)| *tag == EXTENSIONS);
    let alternatives = extensions.and_then(|(_, wrapped)| {
        let mut extensions = Parts::of(Parts::of(wrapped).take_tag(SEQUENCE)?);
        extensions.find_map(|(_, extension)| {
            let mut parts = Parts::of(extension);
            let named = parts.take_tag(OBJECT)? == SUBJECT_ALT_NAME;
            let (_, value) = parts.find(|(tag, _)| *tag == OCTET_STRING)?;
            named.then(|| Parts::of(value).take_tag(SEQUENCE)).flatten()
        })
    });
    Some(Fields { validity, subject, alternatives })
}

/// `YYMMDDHHMMSSZ`, where 50 to 99 are of the last century, or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let digits = text.strip_suffix(b"Z")?;
    let number = |from: usize, length: usize| {
        let digits = digits.get(from..from + length)?;
        std::str::from_utf8(digits).ok()?.parse::<i16>().ok()
    };
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => match number(0, 2)? {
            year @ 50.. => (1900 + year, 2),
            year => (2000 + year, 2),
        },
        (GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let two = |nth: usize| number(rest + 2 * nth, 2).and_then(|value| i8::try_from(value).ok());
    let shown = civil::DateTime::new(year, two(0)?, two(1)?, two(2)?, two(3)?, two(4)?, 0).ok()?;
    TimeZone::UTC.to_timestamp(shown).ok()
}

/// The elements of a DER value in order (X.690): tag and content. Ends where it cannot be read.
#[derive(Clone)]
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn of(value: &'a [u8]) -> Self {
        Parts(value)
    }

    fn take_tag(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().and_then(|(tag, value)| (tag == wanted).then_some(value))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match length {
            0..=0x7f => (usize::from(*length), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(*length & 0x7f))?;
                let length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
                (length, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, value))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2026, 3, 1);
        params.not_after = rcgen::date_time_ymd(2051, 12, 31);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().to_vec()
    }

    #[test]
    fn the_time_of_validity_is_read_in_both_spellings() {
        let read = validity(&certificate(|_| {})).expect("a time");
        let told = (read.0.to_string(), read.1.to_string());
        assert_eq!(told, ("2026-03-01T00:00:00Z".into(), "2051-12-31T00:00:00Z".into()));
        assert!(time(UTC_TIME, b"260231000000Z").is_none(), "no such day");
        assert!(time(UTC_TIME, b"2602310000Z").is_none());
    }

    #[test]
    fn alternative_names_are_the_names_and_the_common_name_stands_in_for_none() {
        let named = |params: &mut CertificateParams| {
            params.distinguished_name.push(DnType::CommonName, "Common.example");
        };
        assert_eq!(names(&certificate(named)), ["common.example"]);
        let both = certificate(|params| {
            named(params);
            let text = |text: &str| text.to_owned().try_into().expect("text");
            params.subject_alt_names = vec![
                SanType::DnsName(text("SBC.harbourside.example")),
                SanType::URI(text("sip:harbourside.example")),
                SanType::URI(text("sip:amy@harbourside.example")),
                SanType::URI(text("https://harbourside.example")),
                SanType::IpAddress([192, 0, 2, 1].into()),
            ];
        });
        assert_eq!(names(&both), ["sbc.harbourside.example", "harbourside.example"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_not(
            at in 0..400_usize, with in proptest::collection::vec(proptest::num::u8::ANY, 0..5),
        ) {
            let mut bytes = certificate(|params| {
                params.subject_alt_names = vec![SanType::IpAddress([192, 0, 2, 1].into())];
            });
            let at = at.min(bytes.len());
            let end = (at + with.len()).min(bytes.len());
            bytes.splice(at..end, with);
            let _ = (validity(&bytes), names(&bytes));
        }
    }
}
