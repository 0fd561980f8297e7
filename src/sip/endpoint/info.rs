//! INFO (RFC 6086): keys, in the two ways that phones tell them outside of audio.

use crate::id::LegId;
use crate::sip::header::{HeaderName, scan};
use crate::time::Time;

use super::response::Inbound;
use super::{Endpoint, Reason, SipEvent};

/// `Signal=5` and `Duration=160`, each on a line.
const DTMF_RELAY: &str = "application/dtmf-relay";
/// The key alone.
const DTMF: &str = "application/dtmf";
/// No key is held longer, in milliseconds.
const LONGEST_KEY_MS: u32 = 10_000;

impl Endpoint {
    pub(super) fn receive_info(&mut self, now: Time, leg: LegId, request: &Inbound) {
        if request.message.named("Info-Package").next().is_some() {
            // RFC 6086 section 4.2.2: we have no package.
            return self.refuse_with(now, request, 469, Reason::InfoPackage, |draft| {
                draft.named("Recv-Info", "")
            });
        }
        if request.message.body().is_empty() {
            // Whether we live.
            return self.respond(now, request, 200, "");
        }
        let relay = request.body_of(DTMF_RELAY);
        let Some(body) = relay.as_ref().or(request.body_of(DTMF).as_ref()).cloned() else {
            return self.refuse_with(now, request, 415, Reason::MediaType, |draft| {
                draft.header(HeaderName::Accept, format_args!("{DTMF_RELAY}, {DTMF}"))
            });
        };
        let key = if relay.is_some() { read_relay(&body) } else { read_key(&body).map(|k| (k, 0)) };
        match key {
            Some((key, duration_ms)) => {
                self.respond(now, request, 200, "");
                self.events.push_back(SipEvent::Key { leg, key, duration_ms });
            }
            None => self.refuse_bad(now, request, "Bad DTMF Body", Reason::BadBody),
        }
    }
}

/// `Signal=` and `Duration=`, in any case and with spaces anywhere.
fn read_relay(body: &[u8]) -> Option<(char, u32)> {
    let (mut key, mut duration_ms) = (None, 0);
    for line in body.split(|b| matches!(b, b'\r' | b'\n')) {
        let mut parts = line.splitn(2, |b| *b == b'=');
        let (name, value) = (scan::trim(parts.next()?), parts.next().unwrap_or_default());
        if name.eq_ignore_ascii_case(b"signal") {
            key = Some(read_key(value)?);
        } else if name.eq_ignore_ascii_case(b"duration") {
            let ms = scan::number(value, u64::from(u32::MAX)).unwrap_or(0);
            duration_ms = u32::try_from(ms).unwrap_or(0).min(LONGEST_KEY_MS);
        }
    }
    key.map(|key| (key, duration_ms))
}

/// One key: itself, or its number as an RFC 4733 event (10 for `*`, 11 for `#`, 12 to 15 for `A` to
/// `D`).
fn read_key(text: &[u8]) -> Option<char> {
    match scan::trim(text) {
        [b'1', second @ b'0'..=b'5'] => {
            ['*', '#', 'A', 'B', 'C', 'D'].get(usize::from(second - b'0')).copied()
        }
        [one @ (b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D' | b'a'..=b'd')] => {
            Some(char::from(one.to_ascii_uppercase()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_however_phones_write_them() {
        for (text, read) in [
            ("Signal=5\r\nDuration=160\r\n", Some(('5', 160))),
            ("signal = * \nduration = 99999\n", Some(('*', 10_000))),
            ("Signal=11\r\n", Some(('#', 0))),
            ("Signal= d\r\nDuration=x", Some(('D', 0))),
            ("Duration=160\r\n", None),
            ("Signal=\r\n", None),
            ("Signal=16\r\n", None),
            ("", None),
            ("Signal=5 5", None),
        ] {
            assert_eq!(read_relay(text.as_bytes()), read, "{text:?}");
        }
        assert_eq!(read_key(b"7\r\n"), Some('7'));
        assert_eq!(read_key(b"x"), None);
    }
}
