//! What a network tells of a caller with an INVITE (RFC 3325, RFC 5806, RFC 7044, RFC 4412).

use crate::sip::header::{HeaderName, NameAddr, scan};
use crate::sip::message::Message;

use super::arrival::CALLER_LIMIT;
use super::{Identity, Told};

/// As many retargetings are read.
const HISTORY_LIMIT: usize = 32;

/// What can be read of it; what cannot is left out, for no call shall fail over it.
pub(super) fn told(message: &Message) -> Told {
    Told {
        asserted: asserted(message),
        diverted_from: diverted_from(message),
        emergency: is_emergency(message),
    }
}

/// The first identity that names somebody. One may be a SIP and another a tel URI (RFC 3325 section
/// 9.1); they name the same person.
fn asserted(message: &Message) -> Option<Identity> {
    message.headers(HeaderName::PAssertedIdentity).find_map(|element| {
        let address = NameAddr::parse(element).ok()?;
        let name = address.display.as_deref().map(str::trim).filter(|name| !name.is_empty());
        Some(Identity { name: name.map(short), user: user(&address)? })
    })
}

/// The topmost Diversion is the latest (RFC 5806 section 4); without one, the entry of History-Info
/// that the last one was made from.
fn diverted_from(message: &Message) -> Option<String> {
    let diversion = message.headers(HeaderName::Diversion).next();
    match diversion {
        Some(element) => user(&NameAddr::parse(element).ok()?),
        None => retargeted_from(message),
    }
}

/// RFC 7044 section 5: the last entry names by `rc` or `mp` the index of the one that it was made
/// from; networks of RFC 4244 write a Reason into the entry that was left.
fn retargeted_from(message: &Message) -> Option<String> {
    let entries: Vec<NameAddr> = message
        .headers(HeaderName::HistoryInfo)
        .take(HISTORY_LIMIT)
        .filter_map(|element| NameAddr::parse(element).ok())
        .collect();
    let (last, before) = entries.split_last()?;
    let from = last.params.get("mp").or(last.params.get("rc"));
    let named = from.and_then(|index| before.iter().find(|e| e.params.get("index") == Some(index)));
    let left = || {
        before.iter().rev().find(|entry| {
            let headers = entry.uri.as_sip().and_then(|uri| uri.headers.as_deref());
            headers.is_some_and(|headers| headers.to_ascii_lowercase().contains("reason="))
        })
    };
    user(named.or_else(left)?)
}

fn is_emergency(message: &Message) -> bool {
    let priority =
        message.named("Priority").any(|value| scan::trim(value).eq_ignore_ascii_case(b"emergency"));
    // RFC 7135: the namespace of calls to the emergency services.
    priority
        || message.named("Resource-Priority").any(|value| {
            value.split(|b| *b == b',').any(|one| {
                scan::trim(one).get(..6).is_some_and(|n| n.eq_ignore_ascii_case(b"esnet."))
            })
        })
}

fn user(address: &NameAddr) -> Option<String> {
    address.uri.user().filter(|user| !user.is_empty()).map(|user| short(&user))
}

fn short(text: &str) -> String {
    text.chars().take(CALLER_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(lines: &str) -> Told {
        let lines = lines.lines().map(str::trim).collect::<Vec<_>>().join("\r\n");
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{lines}\r\n\r\n");
        told(&Message::parse(Bytes::from(text)).expect("a message"))
    }

    #[test]
    fn an_asserted_identity_is_the_first_that_names_somebody() {
        let asserted = read(
            "P-Asserted-Identity: \"Ann Bo\" <sip:+441632960001@carrier.example;user=phone>
             P-Asserted-Identity: tel:+441632960001",
        );
        let expected = Identity { user: "+441632960001".into(), name: Some("Ann Bo".into()) };
        assert_eq!(asserted.asserted, Some(expected));
        let tel = read("P-Asserted-Identity: <sip:carrier.example>, <tel:+44-1632-960001>");
        assert_eq!(tel.asserted.map(|one| one.user).as_deref(), Some("+441632960001"));
        assert_eq!(read("P-Preferred-Identity: <sip:0@x>\nFrom: <sip:1@x>"), Told::default());
        assert_eq!(read("P-Asserted-Identity: <<"), Told::default());
    }

    #[test]
    fn the_latest_diversion_counts() {
        for (lines, from) in [
            (
                "Diversion: <sip:01632960011@x>;reason=no-answer\nDiversion: <sip:1@x>",
                "01632960011",
            ),
            (
                "History-Info: <sip:01632960012@x>;index=1, <sip:a@b;cause=302>;index=1.1;mp=1",
                "01632960012",
            ),
            (
                "History-Info: <sip:01632960013@x?Reason=SIP%3Bcause%3D480>;index=1
                 History-Info: <sip:a@b>;index=1.1",
                "01632960013",
            ),
        ] {
            assert_eq!(read(lines).diverted_from.as_deref(), Some(from), "{lines}");
        }
        assert_eq!(read("History-Info: <sip:a@b>;index=1").diverted_from, None);
        assert_eq!(read("Diversion: ;").diverted_from, None);
    }

    #[test]
    fn emergencies_are_marked_in_two_ways() {
        assert!(read("Priority: Emergency").emergency);
        assert!(read("Resource-Priority: q735.0, ESNET.1").emergency);
        assert!(!read("Priority: urgent\nResource-Priority: wps.2, e").emergency);
    }
}
