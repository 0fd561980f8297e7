//! Who sends, as the guard tells sources apart.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One source: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber has
/// (RFC 6177): whoever is refused at one of its 2^64 addresses must not come back from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u64);

/// Marks an IPv4 address among the prefixes: 0:1::/32 belongs to a block that nobody is given
/// (RFC 4291 section 2.4), so that no IPv6 source looks like it.
const IPV4: u64 = 1 << 32;

impl Source {
    /// The source that an address belongs to. An IPv4 address within IPv6 is the IPv4 address.
    pub fn of(address: IpAddr) -> Source {
        match address.to_canonical() {
            IpAddr::V4(address) => Source(IPV4 | u64::from(address.to_bits())),
            IpAddr::V6(address) => {
                Source(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX))
            }
        }
    }

    /// The same number for the same source, always; another for others.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        match u32::try_from(self.0 ^ IPV4) {
            Ok(bits) => Ipv4Addr::from_bits(bits).into(),
            Err(_) => Ipv6Addr::from_bits(u128::from(self.0) << 64).into(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// Not an address, nor one with a prefix that is exactly one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an IP address is needed, as in 203.0.113.7 or 2001:db8::7")]
pub struct NotSource;

impl FromStr for Source {
    type Err = NotSource;

    /// Reads an address, or what [`Source`] displays.
    fn from_str(text: &str) -> Result<Source, NotSource> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotSource)?;
        let source = Source::of(address);
        match (source.address(), bits) {
            (_, None) | (IpAddr::V4(_), Some("32")) | (IpAddr::V6(_), Some("64")) => Ok(source),
            (IpAddr::V4(_) | IpAddr::V6(_), Some(_)) => Err(NotSource),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_subscriber() {
        let same = [
            ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
            ("::1", "::1", "::/64"),
            ("255.255.255.255", "255.255.255.255", "255.255.255.255"),
        ];
        for (one, other, shown) in same {
            let source = Source::of(ip(one));
            assert_eq!(source, Source::of(ip(other)));
            assert_eq!(source.to_string(), shown);
            assert_eq!(shown.parse(), Ok(source));
            assert_eq!(one.parse(), Ok(source));
        }
        assert_ne!(Source::of(ip("2001:db8:1:2::1")), Source::of(ip("2001:db8:1:3::1")));
        assert_ne!(Source::of(ip("203.0.113.7")), Source::of(ip("203.0.113.8")));
        for wrong in ["", "x", "203.0.113.7/24", "2001:db8::/48", "203.0.113.7:5060", "host"] {
            assert_eq!(wrong.parse::<Source>(), Err(NotSource), "{wrong}");
        }
        assert_eq!("203.0.113.7/32".parse::<Source>(), Ok(Source::of(ip("203.0.113.7"))));
    }
}
