//! Where a trunk is reached: a host as the settings write it.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use crate::sip::range::AddressRange;
use crate::sip::transport::Protocol;
use crate::sip::uri::{Host, SipUri, Uri};

/// A trunk's host: `sip.carrier.example`, `192.0.2.1:5070` or
/// `sip:sip.carrier.example:5061;transport=tls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrunkHost {
    written: String,
    uri: SipUri,
}

impl TrunkHost {
    /// The name or numeric address.
    pub fn host(&self) -> &Host {
        &self.uri.host
    }

    /// The name to look up, in lower case; none for a numeric address.
    pub fn name(&self) -> Option<String> {
        match &self.uri.host {
            Host::Name(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
            Host::V4(_) | Host::V6(_) => None,
        }
    }

    /// The port, if one is written: then no SRV record is asked for (RFC 3263 section 4.2).
    pub fn port(&self) -> Option<u16> {
        self.uri.port
    }

    /// What requests go over, in the order in which SRV records are asked for (RFC 3263 section
    /// 4.1): one protocol if the host names it, if a port is written or if it is an address.
    pub fn protocols(&self) -> Vec<Protocol> {
        let said = Protocol::towards(&self.uri);
        let open = self.uri.params.get("transport").is_none()
            && !self.uri.secure
            && self.uri.port.is_none()
            && self.name().is_some();
        if open { vec![Protocol::Udp, Protocol::Tcp, Protocol::Tls] } else { vec![said] }
    }

    /// A Request-URI for a user at this host over a protocol.
    pub fn uri(&self, user: &str, protocol: Protocol) -> String {
        let number = !user.is_empty() && user.bytes().all(|b| b.is_ascii_digit() || b == b'+');
        let at = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut uri = Uri::sip(user, at);
        if let Uri::Sip(sip) = &mut uri {
            sip.host = self.uri.host.clone();
            sip.port = self.uri.port;
            if protocol.is_stream() {
                sip.params.set("transport", Some(protocol.param()));
            }
            if number {
                sip.params.set("user", Some("phone"));
            }
        }
        uri.to_string()
    }
}

impl fmt::Display for TrunkHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TryFrom<String> for TrunkHost {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let text = written.trim();
        let with_scheme = match text.get(..4) {
            Some(head) if head.eq_ignore_ascii_case("sip:") => text.to_owned(),
            Some(head) if head.eq_ignore_ascii_case("sips") => text.to_owned(),
            Some(_) | None => format!("sip:{text}"),
        };
        let uri = match Uri::parse(with_scheme.as_bytes()) {
            Ok(Uri::Sip(uri)) if uri.user.is_none() && uri.headers.is_none() => uri,
            Ok(_) | Err(_) => return Err(wrong_host(text)),
        };
        let unusable = uri.port == Some(0)
            || uri.host.ip().is_some_and(|ip| ip.is_unspecified() || ip.is_multicast());
        let transports = ["udp", "tcp", "tls"];
        let known = uri.params.get("transport").is_none_or(|name| {
            transports.iter().any(|transport| name.eq_ignore_ascii_case(transport))
        });
        if unusable || !known {
            return Err(wrong_host(text));
        }
        Ok(TrunkHost { written: text.to_owned(), uri })
    }
}

fn wrong_host(text: &str) -> String {
    format!(
        "`{text}` is not a trunk's host; write a name or an address, as in sip.carrier.example, \
         192.0.2.1:5060 or sip:sip.carrier.example:5061;transport=tls (udp, tcp or tls)"
    )
}

impl From<TrunkHost> for String {
    fn from(host: TrunkHost) -> String {
        host.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> TrunkHost {
        TrunkHost::try_from(text.to_owned()).expect(text)
    }

    #[test]
    fn a_host_tells_what_to_ask_and_what_requests_go_over() {
        use Protocol::{Tcp, Tls, Udp};
        for (text, name, port, protocols) in [
            ("sip.carrier.example", Some("sip.carrier.example"), None, vec![Udp, Tcp, Tls]),
            ("SIP.Carrier.Example.", Some("sip.carrier.example"), None, vec![Udp, Tcp, Tls]),
            ("sip:carrier.example;transport=tcp", Some("carrier.example"), None, vec![Tcp]),
            ("sips:carrier.example", Some("carrier.example"), None, vec![Tls]),
            ("carrier.example:5070", Some("carrier.example"), Some(5070), vec![Udp]),
            ("192.0.2.1", None, None, vec![Udp]),
            ("sip:192.0.2.1:5061;transport=tls", None, Some(5061), vec![Tls]),
            ("[2001:db8::1]:5060", None, Some(5060), vec![Udp]),
        ] {
            let host = host(text);
            assert_eq!(
                (host.name().as_deref(), host.port(), host.protocols()),
                (name, port, protocols),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_host_is_told_what_would_be_right() {
        for text in [
            "",
            "sip:",
            "sip:user@carrier.example",
            "carrier.example;transport=sctp",
            "0.0.0.0",
            "224.0.0.1",
            "carrier.example:0",
            "carrier.example:99999",
            "tel:+441708434343",
            "a b",
        ] {
            let error = TrunkHost::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains("sip.carrier.example"), "{error}");
        }
    }

    #[test]
    fn a_number_is_dialled_at_the_host_as_a_telephone_number() {
        assert_eq!(
            host("sip:sip.carrier.example:5061;transport=tls").uri("+441632960001", Protocol::Tls),
            "sip:+441632960001@sip.carrier.example:5061;transport=tls;user=phone"
        );
        assert_eq!(host("192.0.2.1").uri("", Protocol::Udp), "sip:192.0.2.1");
    }
}
