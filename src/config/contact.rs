//! Phones at fixed addresses: `sip:USER@ADDRESS:PORT` with a numeric address.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::settings::TransportName;

/// What phones at fixed addresses are reached over, with the port if none is written (RFC 3261
/// section 19.1.2). Phones over WebSocket cannot be: they connect, and register.
const TRANSPORTS: [(&str, TransportName, u16); 3] = [
    ("udp", TransportName::Udp, 5060),
    ("tcp", TransportName::Tcp, 5060),
    ("tls", TransportName::Tls, 5061),
];

/// A phone's fixed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedContact {
    /// As written: the Request-URI.
    pub uri: String,
    /// Where requests go.
    pub to: SocketAddr,
    /// Over what.
    pub transport: TransportName,
}

/// Reads a contact; none if it is not a `sip:` URI over UDP, TCP or TLS with a numeric host.
pub fn parse(text: &str) -> Option<FixedContact> {
    let rest = text.strip_prefix("sip:")?;
    if !text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"?".contains(&b)) {
        return None;
    }
    let (rest, parameters) = rest.split_once(';').unwrap_or((rest, "transport=udp"));
    let (mut transport, mut usual_port) = (TransportName::Udp, 5060);
    for parameter in parameters.split(';') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.is_empty() {
            return None;
        }
        if name.eq_ignore_ascii_case("transport") {
            let known = TRANSPORTS.iter().find(|(known, ..)| value.eq_ignore_ascii_case(known));
            (_, transport, usual_port) = *known?;
        }
    }
    let host = match rest.rsplit_once('@') {
        Some(("", _)) => return None,
        Some((user, host)) if !user.contains('@') => host,
        Some(_) => return None,
        None => rest,
    };
    Some(FixedContact { uri: text.to_owned(), to: host_and_port(host, usual_port)?, transport })
}

fn host_and_port(text: &str, usual_port: u16) -> Option<SocketAddr> {
    let (host, port): (IpAddr, &str) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => {
            let at = text.find(':').unwrap_or(text.len());
            (text.get(..at)?.parse().ok()?, text.get(at..)?)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
        None if port.is_empty() => usual_port,
        None => return None,
    };
    (port > 0 && !host.is_unspecified()).then(|| SocketAddr::new(host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_sip_address_is_read() {
        for (text, to) in [
            ("sip:1001@10.0.0.7:5070", "10.0.0.7:5070"),
            ("sip:1001@10.0.0.7", "10.0.0.7:5060"),
            ("sip:10.0.0.7", "10.0.0.7:5060"),
            ("sip:1001@[2001:db8::7]:5080", "[2001:db8::7]:5080"),
            ("sip:1001@[2001:db8::7]", "[2001:db8::7]:5060"),
            ("sip:1001@10.0.0.7;transport=UDP;line=3", "10.0.0.7:5060"),
            ("sip:1001@10.0.0.7;transport=tcp", "10.0.0.7:5060"),
            ("sip:1001@10.0.0.7;transport=TLS", "10.0.0.7:5061"),
            ("sip:1001@10.0.0.7:5071;transport=tls", "10.0.0.7:5071"),
        ] {
            let contact = parse(text).expect(text);
            assert_eq!((contact.uri.as_str(), contact.to.to_string().as_str()), (text, to));
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "sip:",
            "10.0.0.7",
            "sips:1001@10.0.0.7",
            "tel:+441708434343",
            "sip:1001@phone.example",
            "sip:@10.0.0.7",
            "sip:a@b@10.0.0.7",
            "sip:1001@10.0.0.7:0",
            "sip:1001@10.0.0.7:99999",
            "sip:1001@10.0.0.7:",
            "sip:1001@10.0.0.7:+5",
            "sip:1001@0.0.0.0",
            "sip:1001@2001:db8::7",
            "sip:1001@[10.0.0.7]",
            "sip:1001@[2001:db8::7",
            "sip:1001@10.0.0.7;transport=ws",
            "sip:1001@10.0.0.7;transport",
            "sip:1001@10.0.0.7;",
            "sip:1001@10.0.0.7;=tcp",
            "sip:10 01@10.0.0.7",
            "<sip:1001@10.0.0.7>",
            "sip:1001@10.0.0.7?Subject=x",
            "sip:1001@10.0.0.7\r\nVia: x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
