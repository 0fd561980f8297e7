//! Hosts: names and addresses, with or without a port.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::sip::error::UriError;

/// A host in a URI or a Via.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, in brackets on the wire.
    V6(Ipv6Addr),
    /// A name, in the case in which it was written.
    Name(String),
}

impl Host {
    /// The address, unless it is a name. One of IPv4 in the clothes of IPv6 (RFC 5118 section 4.9) is
    /// the one of IPv4: that is where datagrams go to and come from.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::V4(ip) => Some(IpAddr::V4(*ip)),
            Host::V6(ip) => Some(IpAddr::V6(*ip).to_canonical()),
            Host::Name(_) => None,
        }
    }

    /// Whether both mean the same host: names without regard to case.
    pub fn equivalent(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Host::V4(a), Host::V4(b)) => a == b,
            (Host::V6(a), Host::V6(b)) => a == b,
            (Host::Name(_) | Host::V4(_) | Host::V6(_), _) => false,
        }
    }

    /// Splits `host[:port]`, with white space allowed around the colon (RFC 3261's `COLON` in Via).
    pub(in crate::sip) fn parse_with_port(text: &str) -> Result<(Host, Option<u16>), UriError> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(inside) => {
                let (address, rest) = inside.split_once(']').ok_or(UriError::Host)?;
                (parse_v6(address)?, rest)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                let (name, rest) = text.split_at(end);
                (name.trim_end().parse()?, rest)
            }
        };
        let rest = rest.trim();
        let Some(port) = rest.strip_prefix(':').map(str::trim) else {
            return if rest.is_empty() { Ok((host, None)) } else { Err(UriError::Host) };
        };
        if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(UriError::Port);
        }
        Ok((host, Some(port.parse().map_err(|_| UriError::Port)?)))
    }
}

fn parse_v6(address: &str) -> Result<Host, UriError> {
    // RFC 5118 section 4.10: the ABNF of RFC 3261 let three colons through, so tolerate them.
    let address: Cow<'_, str> = if address.contains(":::") {
        address.replacen(":::", "::", 1).into()
    } else {
        address.into()
    };
    address.parse().map(Host::V6).map_err(|_| UriError::Host)
}

impl FromStr for Host {
    type Err = UriError;

    /// A host without a port; IPv6 with or without brackets.
    fn from_str(text: &str) -> Result<Self, UriError> {
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Host::V4(ip));
        }
        if let Some(inside) = text.strip_prefix('[') {
            return parse_v6(inside.strip_suffix(']').ok_or(UriError::Host)?);
        }
        if text.contains(':') {
            return parse_v6(text);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        // A top label of digits only is an address gone wrong (RFC 3261's `toplabel`).
        let top_ok =
            name.rsplit('.').next().is_some_and(|l| !l.bytes().all(|b| b.is_ascii_digit()));
        if name.len() > 253 || !name.split('.').all(label_ok) || !top_ok {
            return Err(UriError::Host);
        }
        Ok(Host::Name(text.to_owned()))
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Host::V4(ip),
            IpAddr::V6(ip) => Host::V6(ip),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::V4(ip) => ip.fmt(f),
            Host::V6(ip) => write!(f, "[{ip}]"),
            Host::Name(name) => f.write_str(name),
        }
    }
}
